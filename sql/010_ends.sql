-- What tells when a withdrawal may still be paid out, taken back or decided: moments of real time by the
-- database's clock, since instances' clocks differ. NULL in rows of an earlier release: long ago.
BEGIN;
SET LOCAL client_min_messages = warning;

-- What functions and views of an earlier release may stand on; those whose parameters change.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday CASCADE;
DROP TYPE IF EXISTS ledger_effect CASCADE;
DO $$
DECLARE
        f regprocedure;
BEGIN
        FOR f IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = 'public'::regnamespace AND proname IN ('ledger_request', 'ledger_advice', 'operator_resolve') LOOP
                EXECUTE 'DROP FUNCTION ' || f;
        END LOOP;
END
$$;

ALTER TABLE withdrawal ADD COLUMN approved_at timestamptz; -- by ourselves
ALTER TABLE bank_outcome ADD COLUMN approved_at timestamptz; -- when the bank's approval became durable
ALTER TABLE advice ADD COLUMN recorded_at timestamptz;

-- How often cash of that day was said, after all, to be less than a completion had said.
ALTER TABLE card_day ADD COLUMN corrections integer NOT NULL DEFAULT 0 CHECK (corrections >= 0);

-- Whose end an advice told, by the advice's own numbers: said of another original they contradict themselves.
CREATE TABLE advice_identity (
        terminal text NOT NULL,
        advice_at timestamptz NOT NULL,
        advice_stan integer NOT NULL,
        kind text NOT NULL,
        transmitted_at timestamptz NOT NULL, -- the original's
        stan integer NOT NULL,
        PRIMARY KEY (terminal, advice_at, advice_stan, kind)
) PARTITION BY RANGE (advice_at);

-- As in 001_schema.sql, with the table above.
CREATE OR REPLACE FUNCTION ledger_make_partitions(p_from date, p_to date) RETURNS integer
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
                        FOREACH v_table IN ARRAY ARRAY['withdrawal', 'advice', 'advice_identity', 'commission', 'bank_outcome',
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

-- The quarters that are there.
DO $$
DECLARE
        q ledger_partition;
BEGIN
        SET LOCAL timezone = 'Asia/Tokyo';
        FOR q IN SELECT * FROM ledger_partition LOOP
                EXECUTE format('CREATE TABLE %I PARTITION OF advice_identity FOR VALUES FROM (%L) TO (%L)',
                               'advice_identity_' || to_char(q.from_on, 'YYYY"q"Q'), q.from_on::timestamptz, q.to_on::timestamptz);
        END LOOP;
END
$$;

INSERT INTO reason (reason, name, de39, kept, description) VALUES
        (29, 'ENDED', '94', false, 'a repeat after the withdrawal''s end, or too late to be paid out');

-- A completed withdrawal that no message may change any more.
INSERT INTO advice_rule (state_before, relation, state_after, commission, exception) VALUES
        ('settled', 'zero',  'completed', 0, true),
        ('settled', 'less',  'completed', 0, true),
        ('settled', 'equal', 'completed', 0, false),
        ('settled', 'more',  'completed', 0, true);

INSERT INTO schema_migration VALUES (10, 'ends');
COMMIT;
