-- What a restore has lost and journals still have, on its way back: one person proposes it, another one confirms it, and only then it
-- is brought back, a batch a transaction (066_recover.sql).
--
--      PROPOSED --recovery_confirm: somebody else, whose journals say the same--> CONFIRMED --recovery_step, again and again--> ENDED
--          '--recovery_drop--> DROPPED
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE recovery (
        recovery integer PRIMARY KEY CHECK (recovery > 0),
        proposed_at timestamptz NOT NULL, -- the server's clock, as all moments here
        proposed_by text NOT NULL,        -- session_user
        withdrawals integer NOT NULL CHECK (withdrawals > 0),
        cash_yen bigint NOT NULL,         -- that ATMs dispensed for them and the database does not have
        confirmed_at timestamptz,
        confirmed_by text CHECK (confirmed_by <> proposed_by),
        dropped_at timestamptz,
        ended_at timestamptz,
        CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
        CHECK (ended_at IS NULL OR confirmed_at IS NOT NULL AND dropped_at IS NULL)
);

-- One row a withdrawal of which something is lost. The plan is what the journals have of it: what is missing of request (a row of
-- withdrawal), outcome (a row of bank_outcome), advices and what the bank was told, in their order, or why it can't be brought
-- back (problem).
CREATE TABLE recovery_item (
        recovery integer NOT NULL REFERENCES recovery,
        transmitted_at timestamptz NOT NULL,
        terminal text COLLATE "C" NOT NULL,
        stan integer NOT NULL,
        plan jsonb NOT NULL,
        ended_at timestamptz,
        ended text CHECK (ended IN ('brought back', 'for people')),
        problem text, -- why it is for people
        PRIMARY KEY (recovery, transmitted_at, terminal, stan),
        CHECK ((ended_at IS NULL) = (ended IS NULL)),
        CHECK ((problem IS NOT NULL) = (ended IS NOT DISTINCT FROM 'for people'))
);
CREATE INDEX recovery_item_left ON recovery_item (recovery, transmitted_at, terminal, stan) WHERE ended IS NULL;
CREATE INDEX recovery_item_withdrawal ON recovery_item (transmitted_at, terminal, stan);

ALTER TABLE exception_record DROP CONSTRAINT exception_record_kind_check;
ALTER TABLE exception_record ADD CONSTRAINT exception_record_kind_check
        CHECK (kind IN ('completion', 'reversal', 'operator', 'bank', 'recovery'));

INSERT INTO schema_migration VALUES (65, 'recovery');
COMMIT;
