-- Finance: what each commission row posts to which day, closing, contracts of ATMs, what people enter for the
-- results (costs, targets, published figures), and the summaries that reports over years are read from.
--
-- The books. A commission row is posted on its business date, or, where that is closed, on the first open day
-- (books.closed_through + 1), and keeps both dates. So a closed period's sums never change. Whoever writes
-- commission rows holds books in ROW SHARE mode from before it reads closed_through to its commit; whoever
-- moves a date in books takes EXCLUSIVE mode first, and so waits for all batches that saw the old date, and
-- readers are never in the way.
BEGIN;
SET LOCAL client_min_messages = warning;

-- What functions and views of an earlier release may stand on.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday CASCADE;
DROP TYPE IF EXISTS ledger_effect CASCADE;

-- operators: an earlier release has them already ------------------------------------------------------

-- What operators did to withdrawals and notices, a row for each that they touched. Insert-only.
CREATE TABLE IF NOT EXISTS operator_action (
        at_ms bigint NOT NULL, -- real milliseconds, given by the operator's program
        who text NOT NULL,     -- the database's user, and whom the operator's program says it ran as
        what text NOT NULL CHECK (what IN ('saf retry', 'saf park', 'exception resolve')),
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint,          -- of the notice; of the advice that an operator's word became; NULL: none
        dispensed_yen bigint,  -- what an operator says left the ATM
        note text
);
CREATE INDEX IF NOT EXISTS operator_action_withdrawal ON operator_action (terminal, transmitted_at, stan);

-- The exceptions that an operator has dealt with: rows of exception_record, by its key.
CREATE TABLE IF NOT EXISTS exception_resolution (
        terminal text NOT NULL,
        advice_at timestamptz NOT NULL,
        advice_stan integer NOT NULL,
        kind text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        what text NOT NULL,
        at_ms bigint NOT NULL,
        PRIMARY KEY (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what)
);

-- the books --------------------------------------------------------------------------------------------

CREATE TABLE books (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        closed_through date,    -- the last closed day; NULL: nothing is closed
        summarised_through date -- the last day of the last month that summary holds; NULL: none
);
INSERT INTO books VALUES (true, NULL, NULL);

-- The quarters that were closed, with their sums at that moment: what atmctl verify holds them to.
CREATE TABLE period (
        quarter text PRIMARY KEY CHECK (quarter ~ '^[1-4]Q[0-9]{2}$'),
        from_on date NOT NULL,
        to_on date NOT NULL, -- included
        closed_ms bigint NOT NULL, -- real milliseconds, given by the operator's program
        who text NOT NULL,
        without_end bigint NOT NULL, -- withdrawals without an end then (--force)
        withdrawals bigint NOT NULL,
        cash_yen bigint NOT NULL,
        commission_yen bigint NOT NULL, -- both fees without tax
        base_fee_yen bigint NOT NULL,
        CHECK (from_on <= to_on)
);

-- Everything that an advice changes in the books is a row of commission now: sign 0 corrects cash alone.
ALTER TABLE commission ADD COLUMN cash_yen bigint, ADD COLUMN posted_on date;
ALTER TABLE commission DROP CONSTRAINT commission_sign_check;
UPDATE commission c SET posted_on = c.business_date, cash_yen = d.delta_yen
FROM (SELECT a.terminal, a.transmitted_at, a.stan, a.seq,
             a.counted_yen - lag(a.counted_yen, 1, 0::bigint)
                     OVER (PARTITION BY a.terminal, a.transmitted_at, a.stan ORDER BY a.seq) AS delta_yen
      FROM advice a) d
WHERE d.terminal = c.terminal AND d.transmitted_at = c.transmitted_at AND d.stan = c.stan AND d.seq = c.seq;
INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from,
        tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen,
        cash_yen, posted_on)
SELECT d.terminal, d.transmitted_at, d.stan, d.seq, 0, w.hall, w.business_date, w.issuer, w.band, w.tariff_from,
       w.tax_rate_bp, 0, 0, 0, 0, 0, d.delta_yen, w.business_date
FROM (SELECT a.terminal, a.transmitted_at, a.stan, a.seq, a.commission,
             a.counted_yen - lag(a.counted_yen, 1, 0::bigint)
                     OVER (PARTITION BY a.terminal, a.transmitted_at, a.stan ORDER BY a.seq) AS delta_yen
      FROM advice a) d
JOIN withdrawal w USING (terminal, transmitted_at, stan)
WHERE d.commission = 0 AND d.delta_yen <> 0;
ALTER TABLE commission ALTER COLUMN cash_yen SET NOT NULL, ALTER COLUMN posted_on SET NOT NULL,
        ADD CHECK (sign IN (-1, 0, 1)), ADD CHECK (posted_on >= business_date),
        ADD CHECK (sign <> 0 OR (customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen)
                                = (0, 0, 0, 0, 0) AND cash_yen <> 0);

ALTER TABLE revenue_rollup ADD COLUMN posted_on date;
UPDATE revenue_rollup SET posted_on = business_date;
ALTER TABLE revenue_rollup DROP CONSTRAINT revenue_rollup_pkey,
        ADD PRIMARY KEY (terminal, posted_on, hall, issuer, band, business_date),
        ADD CHECK (posted_on >= business_date);
DROP INDEX revenue_rollup_date;
CREATE INDEX revenue_rollup_posted ON revenue_rollup (posted_on);

-- summaries: whole months, made of the roll-up and of the commission rows ------------------------------
-- Five cubes, each with the dimensions that its reports need and NULL in the others:
--      atm     month, ATM, hall                        day    day, ATM, hall
--      place   month, ATM, hall, issuer, band          hour   month, ATM, hall, band, hour
--      bank    day, issuer, band, hour, tax rate
-- Until 021_days.sql, which makes sums of days, it was made by summary_build and read together with the roll-up; a batch
-- that posted to a month in it marked the month as stale.
-- What is always there and of one width comes first: rows are read by the million, and that reads faster.
CREATE TABLE summary (
        withdrawals bigint NOT NULL,
        cash_yen bigint NOT NULL,
        customer_fee_yen bigint NOT NULL,
        customer_tax_yen bigint NOT NULL,
        interbank_fee_yen bigint NOT NULL,
        interbank_tax_yen bigint NOT NULL,
        hall_share_yen bigint NOT NULL,
        earlier_yen bigint NOT NULL, -- of both fees: posted in a later quarter than that of the business date
        month date NOT NULL,
        posted_on date,
        tax_rate_bp integer,
        hour smallint, -- of the withdrawal's moment in Japan
        hall text,
        terminal text,
        issuer text,
        band text,
        cube text NOT NULL
) PARTITION BY LIST (cube);
CREATE TABLE summary_atm PARTITION OF summary FOR VALUES IN ('atm');
CREATE TABLE summary_place PARTITION OF summary FOR VALUES IN ('place');
CREATE TABLE summary_hour PARTITION OF summary FOR VALUES IN ('hour');
CREATE TABLE summary_bank PARTITION OF summary FOR VALUES IN ('bank');
CREATE TABLE summary_day PARTITION OF summary FOR VALUES IN ('day');
CREATE INDEX summary_month ON summary (month);

CREATE TABLE summary_stale (
        month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
        posts bigint NOT NULL DEFAULT 0
);

-- contracts: where an ATM stands, since when, and what the hall pays for it ------------------------------

CREATE TABLE contract (
        terminal text NOT NULL REFERENCES atm,
        from_on date NOT NULL,
        until_on date, -- the first day that it no longer stands there; NULL: it stands there
        hall text NOT NULL REFERENCES hall,
        base_fee_yen bigint NOT NULL CHECK (base_fee_yen BETWEEN 0 AND 1000000), -- a month, before tax
        PRIMARY KEY (terminal, from_on),
        CHECK (until_on > from_on)
);
CREATE INDEX contract_hall ON contract (hall);

-- How many parlors there are in an area, whoever serves them; NULL: nobody has said.
ALTER TABLE area ADD COLUMN parlors integer CHECK (parlors > 0);

-- what people enter for the results ---------------------------------------------------------------------

-- Costs of a quarter. What is not entered is missing, never zero.
CREATE TABLE cost (
        quarter text NOT NULL CHECK (quarter ~ '^[1-4]Q[0-9]{2}$'),
        item text NOT NULL CHECK (item IN ('cash_in_transit', 'network', 'maintenance', 'depreciation', 'sga', 'capex')),
        amount_yen bigint NOT NULL CHECK (amount_yen >= 0),
        note text,
        PRIMARY KEY (quarter, item)
);

-- What is to be reached in a whole fiscal year; the last one announced by the end of a quarter is that
-- quarter's.
CREATE TABLE target (
        fiscal_year integer NOT NULL CHECK (fiscal_year BETWEEN 2000 AND 2099),
        item text NOT NULL CHECK (item ~ '^[a-z_]{1,40}$'),
        announced_on date NOT NULL,
        value bigint NOT NULL,
        note text,
        PRIMARY KEY (fiscal_year, item, announced_on)
);

-- What has been published of us, or can be derived from it: a quarter (3Q16) or several (1Q-3Q16).
CREATE TABLE published (
        period text NOT NULL CHECK (period ~ '^[1-4]Q[0-9]{2}$' OR period ~ '^1Q-[2-4]Q[0-9]{2}$'),
        item text NOT NULL CHECK (item ~ '^[a-z_]{1,40}$'),
        value bigint NOT NULL, -- yen, or a number of things
        source text NOT NULL,
        PRIMARY KEY (period, item)
);

-- What others have published, to compare with.
CREATE TABLE peer (
        peer text NOT NULL CHECK (peer ~ '^[A-Z0-9]{1,15}$'),
        item text NOT NULL CHECK (item IN ('atms', 'transactions_per_atm_day', 'fee_yen_per_transaction', 'profit_ratio_percent',
                                           'revenue_yen', 'availability_percent')),
        value numeric(20, 4) NOT NULL,
        source text NOT NULL,
        PRIMARY KEY (peer, item)
);

CREATE TABLE finance_rate (
        item text NOT NULL CHECK (item IN ('income_tax', 'non_controlling_share')),
        from_on date NOT NULL,
        rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
        note text,
        PRIMARY KEY (item, from_on)
);

-- Every change of what stands above, for good. The operator's program says when and who (settings of the
-- transaction); NULL where somebody wrote without it.
CREATE TABLE finance_change (
        change bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at_ms bigint,
        who text NOT NULL,
        noun text NOT NULL,
        before jsonb, -- NULL: added
        after jsonb,  -- NULL: removed
        CHECK (before IS NOT NULL OR after IS NOT NULL)
);

CREATE FUNCTION finance_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
        IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NULL;
        END IF;
        INSERT INTO finance_change (at_ms, who, noun, before, after)
        VALUES (nullif(current_setting('atm.now_ms', true), '')::bigint,
                session_user || coalesce('/' || nullif(current_setting('atm.who', true), ''), ''), TG_TABLE_NAME,
                CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
        RETURN NULL;
END
$$;

-- What is closed stays as it was closed. Each table's rows say from which day on they count; what counts for a
-- closed day may not come, change or go. A contract may end after the closed days; a published figure may be
-- added to a closed period, since periods are closed before they are published.
CREATE FUNCTION quarter_last_day(p_quarter text) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT (make_date(2000 + right(p_quarter, 2)::integer, 4, 1)
                + make_interval(months => 3 * left(right(p_quarter, 4), 1)::integer) - INTERVAL '1 day')::date
$$;
CREATE FUNCTION quarter_first_day(p_quarter text) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT (make_date(2000 + right(p_quarter, 2)::integer, 4, 1)
                + make_interval(months => 3 * left(right(p_quarter, 4), 1)::integer - 3))::date
$$;
-- "3Q16": the fiscal year begins in April and is named after its first year.
CREATE FUNCTION quarter_of(p_day date) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT to_char(p_day - INTERVAL '3 months', 'Q"Q"YY')
$$;

CREATE FUNCTION closed_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_closed date;
        v_row jsonb;
        v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
        v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
        v_from date;
BEGIN
        IF v_before IS NOT DISTINCT FROM v_after THEN
                RETURN NEW;
        END IF;
        LOCK TABLE books IN ROW SHARE MODE;
        SELECT closed_through INTO v_closed FROM books;
        IF v_closed IS NULL THEN
                RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        IF TG_TABLE_NAME = 'contract' AND TG_OP = 'UPDATE' AND v_before - 'until_on' = v_after - 'until_on'
           AND least((v_before ->> 'until_on')::date, (v_after ->> 'until_on')::date) > v_closed THEN
                RETURN NEW;
        END IF;
        IF TG_TABLE_NAME = 'published' AND TG_OP = 'INSERT' THEN
                RETURN NEW;
        END IF;
        FOREACH v_row IN ARRAY array_remove(ARRAY[v_before, v_after], NULL) LOOP
                v_from := CASE TG_TABLE_NAME
                          WHEN 'cost' THEN quarter_last_day(v_row ->> 'quarter')
                          WHEN 'published' THEN quarter_last_day(v_row ->> 'period')
                          WHEN 'target' THEN (v_row ->> 'announced_on')::date
                          ELSE (v_row ->> 'from_on')::date END;
                IF v_from <= v_closed THEN
                        RAISE EXCEPTION '%: the books are closed through %', TG_TABLE_NAME, v_closed
                                USING HINT = CASE TG_TABLE_NAME
                                             WHEN 'cost' THEN 'enter the correction in the first open quarter, '
                                                              || quarter_of(v_closed + 1)
                                             WHEN 'published' THEN 'a figure of a closed period can be added, not changed'
                                             ELSE 'let it take effect on ' || (v_closed + 1) || ' or later' END,
                                      ERRCODE = 'check_violation';
                END IF;
        END LOOP;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

-- An ATM stands in one place at a time. Whoever else enters a contract of it at the same time waits.
CREATE FUNCTION contract_overlap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_other contract;
BEGIN
        PERFORM FROM atm WHERE terminal = NEW.terminal FOR NO KEY UPDATE;
        SELECT c.* INTO v_other FROM contract c
        WHERE c.terminal = NEW.terminal AND c.from_on <> NEW.from_on
        AND daterange(c.from_on, c.until_on) && daterange(NEW.from_on, NEW.until_on)
        ORDER BY c.from_on LIMIT 1;
        IF FOUND THEN
                RAISE EXCEPTION 'contract of % from %: overlaps the one from %, %, in hall %', NEW.terminal, NEW.from_on,
                        v_other.from_on, coalesce('until before ' || v_other.until_on, 'which has no end'), v_other.hall
                        USING HINT = 'end that one first: until is the first day that the ATM no longer stands there',
                              ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER contract_overlap AFTER INSERT OR UPDATE ON contract DEFERRABLE INITIALLY IMMEDIATE
        FOR EACH ROW EXECUTE FUNCTION contract_overlap();

DO $$
DECLARE
        t text;
BEGIN
        FOREACH t IN ARRAY ARRAY['contract', 'cost', 'target', 'published', 'peer', 'finance_rate'] LOOP
                EXECUTE format('CREATE TRIGGER finance_changed AFTER INSERT OR UPDATE OR DELETE ON %I '
                               'FOR EACH ROW EXECUTE FUNCTION finance_changed()', t);
                IF t <> 'peer' THEN
                        EXECUTE format('CREATE TRIGGER closed_guard BEFORE INSERT OR UPDATE OR DELETE ON %I '
                                       'FOR EACH ROW EXECUTE FUNCTION closed_guard()', t);
                END IF;
        END LOOP;
END
$$;

-- generated history (atmctl history generate) -------------------------------------------------------------

-- What was generated into this database, so that every report can say that it is no real business.
CREATE TABLE history_run (
        scenario text PRIMARY KEY,
        digest text NOT NULL,  -- SHA-256 of the scenario's file
        seed bigint NOT NULL,
        scale text NOT NULL,   -- as given: '0.01'
        from_on date NOT NULL,
        to_on date NOT NULL,   -- included
        atms integer NOT NULL, -- that it has at this scale
        atms_whole integer NOT NULL, -- at scale 1
        finished boolean NOT NULL DEFAULT false
);
-- The pieces of it that are there: each was committed with its rows.
CREATE TABLE history_chunk (
        scenario text NOT NULL REFERENCES history_run,
        chunk integer NOT NULL,
        withdrawals bigint NOT NULL,
        PRIMARY KEY (scenario, chunk)
);

INSERT INTO schema_migration VALUES (5, 'finance');
COMMIT;
