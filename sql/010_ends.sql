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
