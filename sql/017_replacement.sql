-- Cards that take the place of others: lost, stolen, expired or renewed, the account, the use of limits and the exclusions
-- go over to the new number.
--
-- They stand under one token at any time, the newest of its chain, so that a request finds them by the card that it is
-- made with and looks nothing else up. History keeps the card that each withdrawal was made with; whoever gives cash
-- back asks card.successor where it stands now. Whoever changes a card's use or account holds books in ROW
-- SHARE mode from before it reads card to its commit; a replacement takes EXCLUSIVE mode first, waits for the batches
-- that are on their way, and those to come see the new card. (New accounts and exclusions: 080_ledger.sql.)
BEGIN;
SET LOCAL client_min_messages = warning;

-- What functions and views of an earlier release may stand on.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday CASCADE;
DROP TYPE IF EXISTS ledger_effect CASCADE;

-- NULL: the newest of its chain. Of a chain every other card names the newest, not its neighbour. (No reference to its own
-- table: pg_dump --data-only would warn of it. card_replacement has what it would refer to.)
ALTER TABLE card ADD COLUMN successor uuid CHECK (successor <> card_token);
CREATE INDEX card_successor ON card (successor) WHERE successor IS NOT NULL;

-- What was replaced is never served again.
ALTER TABLE card DROP CONSTRAINT card_status_check;
ALTER TABLE card ADD CONSTRAINT card_status_check CHECK (status IN ('active', 'lost', 'stolen', 'replaced'));
ALTER TABLE card ADD CONSTRAINT card_replaced_check
        CHECK (CASE WHEN successor IS NULL THEN status <> 'replaced' ELSE status <> 'active' END);

-- NULL: its bank's business, behind a link.
ALTER TABLE card ALTER COLUMN expiry_yymm DROP NOT NULL;

-- Who let which card take whose place. Insert-only.
CREATE TABLE card_replacement (
        card_token uuid PRIMARY KEY REFERENCES card,
        replaced_by uuid NOT NULL UNIQUE REFERENCES card,
        at_ms bigint NOT NULL, -- real milliseconds, given by the operator's program
        who text NOT NULL      -- the database's user, and whom the operator's program says it ran as
);

INSERT INTO schema_migration VALUES (17, 'replacement');
COMMIT;
