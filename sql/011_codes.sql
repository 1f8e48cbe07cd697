-- What banks say and cards are: a refusal without a reason that we have one for (05), and the key of the card tokens.
BEGIN;

INSERT INTO reason (reason, name, de39, kept, description) VALUES
        (30, 'DECLINED', '05', true, 'declined by the bank');

-- Its parameters change.
DROP FUNCTION IF EXISTS saf_end(text[], timestamptz[], integer[], smallint[], text[], bigint);

-- The bank's final word about a notice is kept with its own code. What it will not book is a case for people.
ALTER TABLE bank_ack ADD COLUMN verdict text NOT NULL DEFAULT 'done' CHECK (verdict IN ('done', 'repeated', 'missing', 'case'));
ALTER TABLE bank_ack ADD COLUMN de39 text NOT NULL DEFAULT '00';
ALTER TABLE exception_record DROP CONSTRAINT exception_record_kind_check;
ALTER TABLE exception_record ADD CONSTRAINT exception_record_kind_check
        CHECK (kind IN ('completion', 'reversal', 'operator', 'bank'));

-- An ATM's reason for a reversal is any two letters, digits and blanks (DE 39 is an 2), and goes on to its bank.
ALTER TABLE bank_notice DROP CONSTRAINT bank_notice_why_check;
ALTER TABLE bank_notice ADD CONSTRAINT bank_notice_why_check CHECK (why ~ '^[0-9A-Za-z ]{2}$');

-- Which key makes the tokens of cards: its check value, from whoever uses one first. Under another key the same cards
-- have other tokens, and exclusions, use of limits and accounts would stay behind.
CREATE TABLE token_key (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        check_value text NOT NULL CHECK (check_value ~ '^[0-9a-f]{32}$')
);

CREATE FUNCTION token_key_is(p_check_value text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        INSERT INTO token_key (check_value) VALUES (p_check_value) ON CONFLICT DO NOTHING;
        RETURN (SELECT check_value = p_check_value FROM token_key);
END
$$;
REVOKE ALL ON FUNCTION token_key_is(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION token_key_is(text) TO atm_daemon, atm_operator;
GRANT SELECT ON token_key TO atm_operator, atm_report;

INSERT INTO schema_migration VALUES (11, 'codes');
COMMIT;
