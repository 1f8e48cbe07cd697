-- The tables. Three kinds:
--   reference   what operators set; every change bumps reference_version, which each ledger batch checks
--   history     withdrawal, advice, commission, exception_record: insert-only, partitioned by the moment
--               (DE 7 of the 0200) so that a key is unique across partitions
--   working     open_withdrawal, and card (card_month, card_day and account until 025_cards.sql): changed in the same commit as
--               the history that they can be recomputed from (atmctl verify does); so was revenue_rollup until 021_days.sql
-- Keys lead with terminal and time: no sequence, no row that the whole fleet updates, and a database per
-- group of terminals is possible. Money is bigint yen. SQL never asks for the database's own time.
-- History has no foreign keys: a look-up for each row would cost a third of the ledger's speed, and
-- reference rows are never deleted once used (the grants see to it); atmctl verify checks what they would.
BEGIN;

CREATE TABLE schema_migration (
        version integer PRIMARY KEY,
        name text NOT NULL
);

-- reference -----------------------------------------------------------------------------------------

CREATE TABLE reference_version (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        version bigint NOT NULL
);
INSERT INTO reference_version VALUES (true, 1);

CREATE TABLE reason (
        reason smallint PRIMARY KEY,
        name text NOT NULL UNIQUE,
        de39 text NOT NULL CHECK (de39 ~ '^[0-9]{2}$'),
        kept boolean NOT NULL,
        description text NOT NULL
);

CREATE TABLE advice_rule (
        state_before text NOT NULL,
        relation text NOT NULL CHECK (relation IN ('zero', 'less', 'equal', 'more')),
        state_after text NOT NULL,
        commission smallint NOT NULL CHECK (commission IN (-1, 0, 1)),
        exception boolean NOT NULL,
        PRIMARY KEY (state_before, relation)
);

CREATE TABLE area (
        area text PRIMARY KEY CHECK (area ~ '^[A-Za-z0-9_-]{1,15}$'),
        name text NOT NULL
);

CREATE TABLE hall (
        hall text PRIMARY KEY CHECK (hall ~ '^[A-Z0-9-]{1,15}$'), -- DE 42, without its padding
        name text NOT NULL,
        area text NOT NULL REFERENCES area,
        prefecture text NOT NULL CHECK (octet_length(prefecture) BETWEEN 1 AND 31),
        opens_minute integer NOT NULL DEFAULT 0 CHECK (opens_minute BETWEEN 0 AND 1440),
        closes_minute integer NOT NULL DEFAULT 1440 CHECK (closes_minute BETWEEN 0 AND 1440),
        share_bp integer NOT NULL DEFAULT 0 CHECK (share_bp BETWEEN 0 AND 10000),
        CHECK (opens_minute < closes_minute)
);

CREATE TABLE atm (
        terminal text PRIMARY KEY CHECK (terminal ~ '^[A-Z0-9]{8}$'), -- DE 41 and the certificate's CN
        hall text REFERENCES hall, -- where it stands; withdrawals keep the hall of their moment
        enabled boolean NOT NULL DEFAULT true
);
CREATE INDEX atm_hall ON atm (hall);

CREATE TABLE issuer (
        issuer text PRIMARY KEY CHECK (issuer ~ '^[A-Z0-9]{1,11}$'),
        name text NOT NULL,
        link text CHECK (link ~ '^[A-Z0-9]{1,11}$'), -- atmd's [link NAME]; NULL: the house bank, whose accounts are here
        -- its service calendar, by day type; from = to: no service on such days
        opens_minute integer NOT NULL DEFAULT 0 CHECK (opens_minute BETWEEN 0 AND 1440),
        closes_minute integer NOT NULL DEFAULT 1440 CHECK (closes_minute BETWEEN 0 AND 1440),
        off_opens_minute integer NOT NULL DEFAULT 0 CHECK (off_opens_minute BETWEEN 0 AND 1440),
        off_closes_minute integer NOT NULL DEFAULT 1440 CHECK (off_closes_minute BETWEEN 0 AND 1440),
        CHECK (opens_minute <= closes_minute AND off_opens_minute <= off_closes_minute)
);

CREATE TABLE card_prefix (
        prefix text NOT NULL CHECK (prefix ~ '^[0-9]{1,10}$'),
        from_on date NOT NULL,
        issuer text NOT NULL REFERENCES issuer,
        kind text NOT NULL CHECK (kind IN ('cash', 'credit', 'loan')),
        PRIMARY KEY (prefix, from_on)
);

CREATE TABLE tariff (
        issuer text NOT NULL REFERENCES issuer,
        band text NOT NULL CHECK (band IN ('day', 'other')),
        from_on date NOT NULL,
        customer_fee_yen bigint NOT NULL CHECK (customer_fee_yen BETWEEN 0 AND 1000000),
        interbank_fee_yen bigint NOT NULL CHECK (interbank_fee_yen BETWEEN 0 AND 1000000),
        PRIMARY KEY (issuer, band, from_on)
);

CREATE TABLE tax_rate (
        from_on date PRIMARY KEY,
        rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
        rounding text NOT NULL DEFAULT 'down' CHECK (rounding IN ('down', 'nearest', 'up'))
);

CREATE TABLE holiday (
        day date NOT NULL,
        source text NOT NULL CHECK (source IN ('package', 'operator')), -- the operator's row wins
        name text NOT NULL,
        is_holiday boolean NOT NULL DEFAULT true, -- false: an operator's 'not a holiday after all'
        PRIMARY KEY (day, source)
);

CREATE TABLE limit_rule (
        kind text NOT NULL CHECK (kind IN ('day_yen', 'month_yen', 'day_count')),
        from_on date NOT NULL,
        value bigint CHECK (value >= 0), -- NULL lifts the limit
        PRIMARY KEY (kind, from_on)
);

CREATE TABLE network_hours (
        from_on date NOT NULL,
        day_kind text NOT NULL CHECK (day_kind IN ('weekday', 'off')),
        opens_minute integer NOT NULL CHECK (opens_minute BETWEEN 0 AND 1440),
        closes_minute integer NOT NULL CHECK (closes_minute BETWEEN 0 AND 1440),
        PRIMARY KEY (from_on, day_kind),
        CHECK (opens_minute < closes_minute)
);

-- Cards of the house bank. PostgreSQL never sees a card number: the token is a keyed hash of it.
CREATE TABLE card (
        card_token uuid PRIMARY KEY,
        issuer text NOT NULL REFERENCES issuer,
        pan_mask text NOT NULL CHECK (pan_mask ~ '^[0-9]{6}[*]+[0-9]{4}$'),
        expiry_yymm text NOT NULL CHECK (expiry_yymm ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
        kind text NOT NULL DEFAULT 'cash' CHECK (kind IN ('cash', 'credit', 'loan')),
        status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'lost', 'stolen'))
);

-- The holder bars the own card for a year, renewed automatically until it is ended. Possible since 2020-04-01.
CREATE TABLE exclusion (
        card_token uuid NOT NULL,
        from_on date NOT NULL CHECK (from_on >= DATE '2020-04-01'),
        until_on date, -- exclusive; NULL: renewed every year
        PRIMARY KEY (card_token, from_on),
        CHECK (until_on >= from_on + INTERVAL '1 year')
);

-- history -------------------------------------------------------------------------------------------

-- One row a decided 0200, approved or refused; also one for an identity that an advice blocked before
-- its 0200 came (reason BLOCKED). Never changed: what became of it is its last advice row.
CREATE TABLE withdrawal (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL CHECK (stan BETWEEN 0 AND 999999),
        reason smallint, -- NULL: the bank was asked; see bank_outcome
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
        link text, -- whom we asked; NULL: nobody but ourselves
        PRIMARY KEY (terminal, transmitted_at, stan),
        -- what may be approved (reason 0, or left to the bank) is whole: its card, price and route are known
        CHECK (coalesce(reason, 0) <> 0 OR (amount_yen > 0 AND amount_yen % 1000 = 0 AND card_token IS NOT NULL
                               AND issuer IS NOT NULL AND band IS NOT NULL AND hall IS NOT NULL
                               AND tariff_from IS NOT NULL)),
        CHECK ((reason IS NULL) = (link IS NOT NULL)),
        CHECK (reason <> 0 OR approval_code IS NOT NULL)
) PARTITION BY RANGE (transmitted_at);
-- Partial, so that only look-ups by card can use it: a plan made on an empty table took it for look-ups by
-- identity and read all of it each time.
CREATE INDEX withdrawal_card ON withdrawal (card_token, transmitted_at) WHERE card_token IS NOT NULL;

-- One row a distinct completion or reversal advice, kept under its original's key; seq counts them.
-- The row with the highest seq says what the withdrawal is now. The key makes a second advice that
-- decided from the same state fail, on whichever instance.
CREATE TABLE advice (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL, -- the original's
        stan integer NOT NULL,               -- the original's
        seq smallint NOT NULL CHECK (seq > 0),
        kind text NOT NULL CHECK (kind IN ('completion', 'reversal', 'operator')),
        advice_at timestamptz NOT NULL,      -- the advice's own identity
        advice_stan integer NOT NULL,
        why text,                            -- DE 39 of a reversal
        amount_yen bigint NOT NULL,          -- DE 4
        dispensed_yen bigint NOT NULL CHECK (dispensed_yen >= 0),
        state_before text NOT NULL,
        state text NOT NULL,                 -- after it
        counted_yen bigint NOT NULL CHECK (counted_yen >= 0), -- cash that counts as dispensed after it
        commission smallint NOT NULL CHECK (commission IN (-1, 0, 1)),
        PRIMARY KEY (terminal, transmitted_at, stan, seq),
        CHECK ((state = 'completed') = (counted_yen > 0))
) PARTITION BY RANGE (transmitted_at);

-- What a withdrawal earns: one row when its end is known and cash was dispensed, an equal negative one
-- when that is taken back. Fees without tax; seq is the advice's that caused it.
CREATE TABLE commission (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL,
        sign smallint NOT NULL CHECK (sign IN (-1, 1)),
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
        PRIMARY KEY (terminal, transmitted_at, stan, seq),
        CHECK (customer_fee_yen * sign >= 0 AND customer_tax_yen * sign >= 0 AND interbank_fee_yen * sign >= 0
               AND interbank_tax_yen * sign >= 0 AND hall_share_yen * sign >= 0)
) PARTITION BY RANGE (transmitted_at);

-- How it went with the bank that was asked: answer, time-out, the ATM's own reversal and an operator's word
-- compete for this one row; the first commit wins and stands.
CREATE TABLE bank_outcome (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        reason smallint NOT NULL,
        approval_code text,
        bank_de39 text,
        cause text NOT NULL CHECK (cause IN ('answer', 'timeout', 'reversal', 'operator')),
        PRIMARY KEY (terminal, transmitted_at, stan),
        CHECK (reason <> 0 OR (cause = 'answer' AND approval_code IS NOT NULL))
) PARTITION BY RANGE (transmitted_at);

-- What the bank must be told of a withdrawal, written in the commit of its cause; seq gives the order.
-- completion: all was dispensed; partial: dispensed_yen of it; reversal: nothing.
CREATE TABLE bank_notice (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL CHECK (seq >= 0),
        link text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('completion', 'partial', 'reversal')),
        amount_yen bigint NOT NULL,
        charge_yen bigint NOT NULL, -- DE 28: customer fee with tax
        dispensed_yen bigint NOT NULL,
        why text NOT NULL CHECK (why ~ '^[0-9]{2}$'), -- DE 39 of a reversal
        PRIMARY KEY (terminal, transmitted_at, stan, seq)
) PARTITION BY RANGE (transmitted_at);

-- That the bank has acknowledged it.
CREATE TABLE bank_ack (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL,
        attempts integer NOT NULL,
        acknowledged_ms bigint NOT NULL, -- real time of the instance that heard it
        PRIMARY KEY (terminal, transmitted_at, stan, seq)
) PARTITION BY RANGE (transmitted_at);

-- What people should look at. It moves no money by itself.
CREATE TABLE exception_record (
        terminal text NOT NULL,
        advice_at timestamptz NOT NULL,
        advice_stan integer NOT NULL,
        kind text NOT NULL CHECK (kind IN ('completion', 'reversal', 'operator')),
        transmitted_at timestamptz NOT NULL, -- the original's
        stan integer NOT NULL,
        what text NOT NULL,                  -- 'blocked', 'declined', 'approved', 'completed', 'reversed': what the
                                             -- original was; 'contradicts'; 'out of range'
        amount_yen bigint NOT NULL,
        dispensed_yen bigint NOT NULL,
        PRIMARY KEY (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what)
);

-- The quarters that history has partitions for; see ledger_make_partitions.
CREATE TABLE ledger_partition (
        from_on date PRIMARY KEY,
        to_on date NOT NULL CHECK (to_on > from_on)
);

-- working -------------------------------------------------------------------------------------------

-- Approved withdrawals whose end is not known yet.
CREATE TABLE open_withdrawal (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        card_token uuid NOT NULL,
        amount_yen bigint NOT NULL,
        asked_ms bigint, -- when a bank was asked, in real milliseconds of the instance that did; NULL: house bank
        PRIMARY KEY (terminal, transmitted_at, stan)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);

CREATE INDEX open_withdrawal_asked ON open_withdrawal (asked_ms) WHERE asked_ms IS NOT NULL;

-- Store and forward: the notices that a bank has not acknowledged yet.
CREATE TABLE saf (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL,
        link text NOT NULL,
        created_ms bigint NOT NULL, -- real milliseconds, like due_ms
        due_ms bigint NOT NULL,     -- not to be sent before
        attempts integer NOT NULL DEFAULT 0,
        parked boolean NOT NULL DEFAULT false, -- an operator's: not to be sent until 'retry'
        last_error text,
        PRIMARY KEY (terminal, transmitted_at, stan, seq)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);
CREATE INDEX saf_due ON saf (link, due_ms) WHERE NOT parked;

-- Who sends for a link just now. A lease makes double sending rare; identities make it harmless.
CREATE TABLE saf_lease (
        link text PRIMARY KEY,
        holder text NOT NULL,
        until_ms bigint NOT NULL
);

-- Cash by card and calendar month of Japan. Its row is the card's lock: whoever changes a card's usage
-- or balance holds it first.
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

-- Accounts of the house bank: a cash card is the key to its account.
CREATE TABLE account (
        card_token uuid PRIMARY KEY REFERENCES card,
        opening_yen bigint NOT NULL CHECK (opening_yen >= 0),
        balance_yen bigint NOT NULL CHECK (balance_yen >= 0) -- cash cards only: no overdraft
) WITH (fillfactor = 70);

-- Sums of commission and cash by ATM, hall of the moment, business date, issuer and band.
CREATE TABLE revenue_rollup (
        terminal text NOT NULL,
        business_date date NOT NULL,
        hall text NOT NULL,
        issuer text NOT NULL,
        band text NOT NULL,
        withdrawals bigint NOT NULL, -- that dispensed cash
        cash_yen bigint NOT NULL,
        customer_fee_yen bigint NOT NULL,
        customer_tax_yen bigint NOT NULL,
        interbank_fee_yen bigint NOT NULL,
        interbank_tax_yen bigint NOT NULL,
        hall_share_yen bigint NOT NULL,
        PRIMARY KEY (terminal, business_date, hall, issuer, band)
) WITH (fillfactor = 70);
CREATE INDEX revenue_rollup_date ON revenue_rollup (business_date);

-- partitions ----------------------------------------------------------------------------------------

-- Make the quarterly partitions of every history table that the days [p_from, p_to) need; returns how many
-- quarters are new. Quarters: each batch opens every partition that its plans name, so they should be few,
-- and a quarter of 10 million rows keeps its indexes in memory.
CREATE FUNCTION ledger_make_partitions(p_from date, p_to date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' AS $$
DECLARE
        v_from date := date_trunc('quarter', p_from::timestamp)::date;
        v_to date;
        v_suffix text;
        v_table text;
        v_made integer := 0;
BEGIN
        IF p_to <= p_from THEN
                RAISE EXCEPTION 'partitions: the end % is not after the start %', p_to, p_from;
        END IF;
        WHILE v_from < p_to LOOP
                v_to := (v_from + INTERVAL '3 months')::date;
                IF NOT EXISTS (SELECT FROM ledger_partition WHERE from_on = v_from) THEN
                        v_suffix := to_char(v_from, 'YYYY"q"Q');
                        FOREACH v_table IN ARRAY ARRAY['withdrawal', 'advice', 'commission', 'bank_outcome',
                                                          'bank_notice', 'bank_ack'] LOOP
                                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                                               v_table || '_' || v_suffix, v_table,
                                               v_from::timestamptz, v_to::timestamptz);
                        END LOOP;
                        FOREACH v_table IN ARRAY ARRAY['card_month', 'card_day'] LOOP
                                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) '
                                               'WITH (fillfactor = 70)',
                                               v_table || '_' || v_suffix, v_table, v_from, v_to);
                        END LOOP;
                        INSERT INTO ledger_partition VALUES (v_from, v_to);
                        v_made := v_made + 1;
                END IF;
                v_from := v_to;
        END LOOP;
        IF v_made > 0 THEN
                UPDATE reference_version SET version = version + 1;
        END IF;
        RETURN v_made;
END
$$;

-- guards of reference data --------------------------------------------------------------------------

CREATE FUNCTION reference_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
        UPDATE reference_version SET version = version + 1;
        RETURN NULL;
END
$$;

DO $$
DECLARE
        t text;
BEGIN
        FOREACH t IN ARRAY ARRAY['area', 'hall', 'atm', 'issuer', 'card_prefix', 'tariff', 'tax_rate', 'holiday',
                                 'limit_rule', 'network_hours'] LOOP
                EXECUTE format('CREATE TRIGGER reference_changed AFTER INSERT OR UPDATE OR DELETE ON %I '
                               'FOR EACH STATEMENT EXECUTE FUNCTION reference_changed()', t);
        END LOOP;
END
$$;

-- A tariff or tax rate may not be changed for a time that already has priced withdrawals: those are either
-- open or in the roll-up.
CREATE FUNCTION priced_since(p_issuer text, p_day date) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT EXISTS (SELECT FROM revenue_rollup
                       WHERE business_date >= p_day AND (p_issuer IS NULL OR issuer = p_issuer))
            OR EXISTS (SELECT FROM open_withdrawal o JOIN withdrawal w USING (terminal, transmitted_at, stan)
                       WHERE w.business_date >= p_day AND (p_issuer IS NULL OR w.issuer = p_issuer))
$$;

CREATE FUNCTION tariff_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_row record;
        v_issuer text;
BEGIN
        v_row := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        v_issuer := CASE WHEN TG_TABLE_NAME = 'tariff' THEN to_jsonb(v_row) ->> 'issuer' END;
        IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
        END IF;
        IF priced_since(v_issuer, CASE WHEN TG_OP = 'UPDATE' THEN least(OLD.from_on, NEW.from_on) ELSE v_row.from_on END) THEN
                RAISE EXCEPTION '% from %: withdrawals of that time are already priced%', TG_TABLE_NAME, v_row.from_on,
                        coalesce(' (issuer ' || v_issuer || ')', '')
                        USING HINT = 'let it take effect on a day that has no withdrawals yet', ERRCODE = 'check_violation';
        END IF;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER tariff_guard BEFORE INSERT OR UPDATE OR DELETE ON tariff FOR EACH ROW EXECUTE FUNCTION tariff_guard();
CREATE TRIGGER tariff_guard BEFORE INSERT OR UPDATE OR DELETE ON tax_rate FOR EACH ROW EXECUTE FUNCTION tariff_guard();

-- rows that code and database share; tests compare them with rules/reasons.def and rules/withdrawal.c ---

INSERT INTO reason (reason, name, de39, kept, description) VALUES
        (0, 'APPROVED', '00', true, 'approved'),
        (1, 'FORMAT_ERROR', '30', false, 'format error'),
        (2, 'MAC_WRONG', '98', false, 'MAC wrong'),
        (3, 'FOREIGN_TERMINAL', '58', false, 'DE 41 is not the terminal of the certificate'),
        (4, 'NOT_SIGNED_ON', '58', false, 'not signed on'),
        (5, 'CONTRADICTS', '94', false, 'same identity with another card, DE 3 or DE 4'),
        (6, 'BLOCKED', '94', true, 'blocked: its reversal came first'),
        (7, 'TERMINAL_UNKNOWN', '58', true, 'terminal not in the fleet'),
        (8, 'TERMINAL_DISABLED', '58', true, 'terminal disabled'),
        (9, 'CLOCK_OFF', '58', true, 'DE 7 too far from business time'),
        (10, 'OUTSIDE_HOURS', '58', true, 'outside the hours of fleet or hall'),
        (11, 'INVALID_TRANSACTION', '12', true, 'DE 3 is neither withdrawal nor balance inquiry'),
        (12, 'INVALID_AMOUNT', '13', true, 'amount is zero or not a multiple of 1,000 yen'),
        (13, 'NO_ROUTE', '92', true, 'card number prefix unknown'),
        (14, 'INVALID_CARD', '14', true, 'unknown card of a known prefix'),
        (15, 'CARD_KIND', '57', true, 'not a cash card'),
        (16, 'CARD_EXPIRED', '54', true, 'card expired, or DE 14 not the card''s'),
        (17, 'CARD_STOLEN', '43', true, 'card reported stolen'),
        (18, 'CARD_LOST', '41', true, 'card reported lost'),
        (19, 'CARD_EXCLUDED', '62', true, 'card excluded by its holder'),
        (20, 'PIN_TRIES', '75', true, 'PIN tries exceeded'),
        (21, 'PIN_WRONG', '55', true, 'wrong PIN'),
        (22, 'COUNT_LIMIT', '65', true, 'over the number of withdrawals a day'),
        (23, 'DAY_LIMIT', '61', true, 'over the daily amount'),
        (24, 'MONTH_LIMIT', '61', true, 'over the monthly amount'),
        (25, 'ISSUER_UNAVAILABLE', '91', true, 'issuer down or closed'),
        (26, 'NOT_COVERED', '51', true, 'not covered by the balance'),
        (27, 'NOT_SUPPORTED', '40', false, 'function not supported'),
        (28, 'CANNOT_DECIDE', '96', false, 'can''t decide');

INSERT INTO advice_rule (state_before, relation, state_after, commission, exception) VALUES
        ('blocked',   'zero',  'blocked',    0, false),
        ('blocked',   'less',  'blocked',    0, true),
        ('blocked',   'equal', 'blocked',    0, true),
        ('blocked',   'more',  'blocked',    0, true),
        ('declined',  'zero',  'declined',   0, false),
        ('declined',  'less',  'declined',   0, true),
        ('declined',  'equal', 'declined',   0, true),
        ('declined',  'more',  'declined',   0, true),
        ('asked',     'zero',  'reversed',   0, false),
        ('asked',     'less',  'asked',      0, true),
        ('asked',     'equal', 'asked',      0, true),
        ('asked',     'more',  'asked',      0, true),
        ('approved',  'zero',  'reversed',   0, false),
        ('approved',  'less',  'completed',  1, false),
        ('approved',  'equal', 'completed',  1, false),
        ('approved',  'more',  'approved',   0, true),
        ('completed', 'zero',  'reversed',  -1, false),
        ('completed', 'less',  'completed',  0, false),
        ('completed', 'equal', 'completed',  0, false),
        ('completed', 'more',  'completed',  0, true),
        ('reversed',  'zero',  'reversed',   0, false),
        ('reversed',  'less',  'reversed',   0, true),
        ('reversed',  'equal', 'reversed',   0, true),
        ('reversed',  'more',  'reversed',   0, true);

INSERT INTO schema_migration VALUES (1, 'schema');
COMMIT;
