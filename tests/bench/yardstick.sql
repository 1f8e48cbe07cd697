-- The yardstick: a withdrawal as a careful engineer writes it without batching, in tables of its own. Frozen: these
-- tables and yardstick_withdrawal.sql never get faster or slower again, whatever becomes of the ledger's own tables in sql/,
-- so that a ratio to them means the same in every release. tests/flow/test_yardstick.sh holds both files to what they are.
--
-- What pgbench does with the ledger's own tables (pgbench_withdrawal.sql) follows those, and so moves when they get cheaper.
--
-- Everything is here: the tables that a withdrawal writes into with their keys, checks, indexes and quarters, and the cards
-- that it draws from. psql's variable `cards` is their number:
--      psql -v cards=200000 -f tests/bench/yardstick.sql
-- What is not frozen is the server and its settings, which the ledger is measured with as well.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA yardstick;
SET LOCAL search_path = yardstick;

-- history -------------------------------------------------------------------------------------------

CREATE TABLE withdrawal (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL CHECK (stan BETWEEN 0 AND 999999),
        reason smallint,
        processing_code integer NOT NULL,
        amount_yen bigint NOT NULL CHECK (amount_yen >= 0),
        card_token uuid,
        pan_mask text,
        issuer text,
        band text,
        hall text,
        business_date date NOT NULL,
        tariff_from date,
        tax_rate_bp integer,
        customer_fee_yen bigint NOT NULL DEFAULT 0,
        customer_tax_yen bigint NOT NULL DEFAULT 0,
        interbank_fee_yen bigint NOT NULL DEFAULT 0,
        interbank_tax_yen bigint NOT NULL DEFAULT 0,
        hall_share_yen bigint NOT NULL DEFAULT 0,
        approval_code text,
        link text,
        PRIMARY KEY (terminal, transmitted_at, stan),
        CHECK (coalesce(reason, 0) <> 0 OR (amount_yen > 0 AND amount_yen % 1000 = 0 AND card_token IS NOT NULL
                               AND issuer IS NOT NULL AND band IS NOT NULL AND hall IS NOT NULL
                               AND tariff_from IS NOT NULL)),
        CHECK ((reason IS NULL) = (link IS NOT NULL)),
        CHECK (reason <> 0 OR approval_code IS NOT NULL)
) PARTITION BY RANGE (transmitted_at);
CREATE INDEX withdrawal_card ON withdrawal (card_token, transmitted_at) WHERE card_token IS NOT NULL;

CREATE TABLE advice (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL CHECK (seq > 0),
        kind text NOT NULL CHECK (kind IN ('completion', 'reversal', 'operator')),
        advice_at timestamptz NOT NULL,
        advice_stan integer NOT NULL,
        why text,
        amount_yen bigint NOT NULL,
        dispensed_yen bigint NOT NULL CHECK (dispensed_yen >= 0),
        state_before text NOT NULL,
        state text NOT NULL,
        counted_yen bigint NOT NULL CHECK (counted_yen >= 0),
        commission smallint NOT NULL CHECK (commission IN (-1, 0, 1)),
        PRIMARY KEY (terminal, transmitted_at, stan, seq),
        CHECK ((state = 'completed') = (counted_yen > 0))
) PARTITION BY RANGE (transmitted_at);

CREATE TABLE commission (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL,
        sign smallint NOT NULL CHECK (sign IN (-1, 0, 1)),
        hall text NOT NULL,
        business_date date NOT NULL,
        issuer text NOT NULL,
        band text NOT NULL,
        tariff_from date NOT NULL,
        tax_rate_bp integer NOT NULL,
        customer_fee_yen bigint NOT NULL,
        customer_tax_yen bigint NOT NULL,
        interbank_fee_yen bigint NOT NULL,
        interbank_tax_yen bigint NOT NULL,
        hall_share_yen bigint NOT NULL,
        cash_yen bigint NOT NULL,
        posted_on date NOT NULL,
        PRIMARY KEY (terminal, transmitted_at, stan, seq),
        CHECK (customer_fee_yen * sign >= 0 AND customer_tax_yen * sign >= 0 AND interbank_fee_yen * sign >= 0
               AND interbank_tax_yen * sign >= 0 AND hall_share_yen * sign >= 0),
        CHECK (posted_on >= business_date),
        CHECK (sign <> 0 OR (customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen)
                                = (0, 0, 0, 0, 0) AND cash_yen <> 0)
) PARTITION BY RANGE (transmitted_at);
CREATE INDEX commission_late ON commission (posted_on) WHERE posted_on > business_date;

-- working -------------------------------------------------------------------------------------------

CREATE TABLE open_withdrawal (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        card_token uuid NOT NULL,
        amount_yen bigint NOT NULL,
        asked_ms bigint,
        PRIMARY KEY (terminal, transmitted_at, stan)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);
CREATE INDEX open_withdrawal_asked ON open_withdrawal (asked_ms) WHERE asked_ms IS NOT NULL;

CREATE TABLE card_month (
        card_token uuid NOT NULL,
        month date NOT NULL CHECK (extract(day FROM month) = 1),
        cash_yen bigint NOT NULL CHECK (cash_yen >= 0),
        PRIMARY KEY (card_token, month)
) PARTITION BY RANGE (month);

CREATE TABLE card_day (
        card_token uuid NOT NULL,
        day date NOT NULL,
        cash_yen bigint NOT NULL CHECK (cash_yen >= 0),
        withdrawals integer NOT NULL CHECK (withdrawals >= 0),
        PRIMARY KEY (card_token, day)
) PARTITION BY RANGE (day);

CREATE TABLE revenue_rollup (
        terminal text NOT NULL,
        business_date date NOT NULL,
        hall text NOT NULL,
        issuer text NOT NULL,
        band text NOT NULL,
        withdrawals bigint NOT NULL,
        cash_yen bigint NOT NULL,
        customer_fee_yen bigint NOT NULL,
        customer_tax_yen bigint NOT NULL,
        interbank_fee_yen bigint NOT NULL,
        interbank_tax_yen bigint NOT NULL,
        hall_share_yen bigint NOT NULL,
        posted_on date NOT NULL,
        PRIMARY KEY (terminal, posted_on, hall, issuer, band, business_date),
        CHECK (posted_on >= business_date)
) WITH (fillfactor = 70);
CREATE INDEX revenue_rollup_posted ON revenue_rollup (posted_on);

-- Eight quarters in Japan's time, of which the withdrawals of 2016-12-28 lie in the third.
DO $$
DECLARE
        v_from date;
        v_to date;
        v_table text;
BEGIN
        FOR v_from IN SELECT generate_series('2016-04-01', '2018-01-01', INTERVAL '3 months') LOOP
                v_to := v_from + INTERVAL '3 months';
                FOREACH v_table IN ARRAY ARRAY['withdrawal', 'advice', 'commission'] LOOP
                        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                                       v_table || to_char(v_from, '_YYYY"q"Q'), v_table,
                                       v_from::timestamp AT TIME ZONE 'Asia/Tokyo', v_to::timestamp AT TIME ZONE 'Asia/Tokyo');
                END LOOP;
                FOREACH v_table IN ARRAY ARRAY['card_month', 'card_day'] LOOP
                        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 70)',
                                       v_table || to_char(v_from, '_YYYY"q"Q'), v_table, v_from, v_to);
                END LOOP;
        END LOOP;
END
$$;

-- cards with 1,000,000 yen each, and a number for pgbench to draw them by -----------------------------

CREATE TABLE card (
        card_token uuid PRIMARY KEY,
        issuer text NOT NULL,
        pan_mask text NOT NULL CHECK (pan_mask ~ '^[0-9]{6}[*]+[0-9]{4}$'),
        expiry_yymm text NOT NULL CHECK (expiry_yymm ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
        kind text NOT NULL DEFAULT 'cash' CHECK (kind IN ('cash', 'credit', 'loan')),
        status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'lost', 'stolen'))
);
CREATE TABLE account (
        card_token uuid PRIMARY KEY REFERENCES card,
        opening_yen bigint NOT NULL CHECK (opening_yen >= 0),
        balance_yen bigint NOT NULL CHECK (balance_yen >= 0)
) WITH (fillfactor = 70);
CREATE TABLE numbered_card (
        n integer PRIMARY KEY,
        card_token uuid NOT NULL
);
INSERT INTO numbered_card SELECT n, md5('yardstick' || n)::uuid FROM generate_series(1, :cards) n;
INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm)
SELECT card_token, 'HOUSE', '990001******' || lpad((n % 10000)::text, 4, '0'), '2912' FROM numbered_card ORDER BY n;
INSERT INTO account SELECT card_token, 1000000, 1000000 FROM numbered_card ORDER BY n;
COMMIT;
VACUUM ANALYZE yardstick.numbered_card, yardstick.card, yardstick.account;
