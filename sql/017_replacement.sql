-- Cards that take the place of others: lost, stolen, expired or renewed, the account, the use of limits and the exclusions
-- go over to the new number.
--
-- They stand under one token at any time, the newest of its chain, so that a request finds them by the card that it is
-- made with and looks nothing else up. History keeps the card that each withdrawal was made with; whoever gives cash
-- back asks card.successor where it stands now. Whoever changes a card's use, account or exclusions holds books in ROW
-- SHARE mode from before it reads card to its commit; a replacement takes EXCLUSIVE mode first, waits for the batches
-- that are on their way, and those to come see the new card. (Rows of card can't be the lock: a card of a bank over a
-- link has none before it is replaced.)
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

-- An exclusion of a replaced card is its successor's, by whatever number its holder asks for it.
CREATE FUNCTION exclusion_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
        LOCK TABLE books IN ROW SHARE MODE;
        NEW.card_token := coalesce((SELECT c.successor FROM card c WHERE c.card_token = NEW.card_token), NEW.card_token);
        RETURN NEW;
END
$$;
CREATE TRIGGER exclusion_follows BEFORE INSERT ON exclusion FOR EACH ROW EXECUTE FUNCTION exclusion_follows();

-- Let cards take the places of others, one after the other. p_status says why the old one is refused from now on:
-- 'lost', 'stolen', 'replaced', or NULL: what it is already, else 'replaced'. One row each: r_problem NULL where it was
-- done, 'already' where it was done before, else why nothing was done about this one:
--   'unknown'   the database has no such card of the house bank
--   'replaced'  the old card was replaced before, by another one than this
--   'known'     the database has the new card already
--   'issuer'    the old card is of another bank than the new number
--   'expiry'    a card of the house bank needs one
-- p_old_issuer and p_old_kind, by the number's prefix, are for cards that the database doesn't have: those of banks over
-- links may be new to it. What the new card has used already counts too.
CREATE FUNCTION card_replace(p_old uuid[], p_old_mask text[], p_old_issuer text[], p_old_kind text[], p_new uuid[],
                             p_new_mask text[], p_new_kind text[], p_issuer text[], p_expiry_yymm text[], p_status text[], p_now_ms bigint,
                             p_who text)
RETURNS TABLE (r_position integer, r_problem text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET jit = off AS $$
DECLARE
        v_old card; -- all NULL where the database has none
        v_link text;
BEGIN
        PERFORM books_hold(); -- 022_ledger.sql
        FOR i IN 1 .. coalesce(cardinality(p_old), 0) LOOP
                SELECT c.* INTO v_old FROM card c WHERE c.card_token = p_old[i] FOR UPDATE;
                SELECT s.link INTO v_link FROM issuer s WHERE s.issuer = p_issuer[i];
                r_position := i;
                r_problem := CASE WHEN v_old.card_token IS NULL AND v_link IS NULL THEN 'unknown'
                                  WHEN coalesce(v_old.issuer, p_old_issuer[i]) IS DISTINCT FROM p_issuer[i] THEN 'issuer'
                                  WHEN EXISTS (SELECT FROM card_replacement r
                                               WHERE r.card_token = p_old[i] AND r.replaced_by = p_new[i]) THEN 'already'
                                  WHEN v_old.successor IS NOT NULL THEN 'replaced'
                                  WHEN p_old[i] = p_new[i] OR EXISTS (SELECT FROM card c WHERE c.card_token = p_new[i]) THEN 'known'
                                  WHEN v_link IS NULL AND p_expiry_yymm[i] IS NULL THEN 'expiry' END;
                RETURN NEXT;
                CONTINUE WHEN r_problem IS NOT NULL;

                INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm, kind)
                VALUES (p_new[i], p_issuer[i], p_new_mask[i], p_expiry_yymm[i], p_new_kind[i]);
                INSERT INTO card AS c (card_token, issuer, pan_mask, kind, status, successor)
                VALUES (p_old[i], p_issuer[i], p_old_mask[i], p_old_kind[i], coalesce(p_status[i], 'replaced'), p_new[i])
                ON CONFLICT (card_token) DO UPDATE
                SET status = coalesce(p_status[i], nullif(c.status, 'active'), 'replaced'), successor = p_new[i];
                UPDATE card SET successor = p_new[i] WHERE successor = p_old[i];

                UPDATE account SET card_token = p_new[i] WHERE card_token = p_old[i];
                WITH gone AS (DELETE FROM card_month WHERE card_token = p_old[i] RETURNING *)
                INSERT INTO card_month AS m (card_token, month, cash_yen)
                SELECT p_new[i], g.month, g.cash_yen FROM gone g
                ON CONFLICT (card_token, month) DO UPDATE SET cash_yen = m.cash_yen + EXCLUDED.cash_yen;
                WITH gone AS (DELETE FROM card_day WHERE card_token = p_old[i] RETURNING *)
                INSERT INTO card_day AS d (card_token, day, cash_yen, withdrawals, corrections)
                SELECT p_new[i], g.day, g.cash_yen, g.withdrawals, g.corrections FROM gone g
                ON CONFLICT (card_token, day) DO UPDATE
                SET cash_yen = d.cash_yen + EXCLUDED.cash_yen, withdrawals = d.withdrawals + EXCLUDED.withdrawals,
                    corrections = d.corrections + EXCLUDED.corrections;
                -- of two that begin on the same day the longer one holds
                WITH gone AS (DELETE FROM exclusion WHERE card_token = p_old[i] RETURNING *)
                INSERT INTO exclusion AS e (card_token, from_on, until_on)
                SELECT p_new[i], g.from_on, g.until_on FROM gone g
                ON CONFLICT (card_token, from_on) DO UPDATE
                SET until_on = CASE WHEN e.until_on IS NOT NULL AND EXCLUDED.until_on IS NOT NULL
                                    THEN greatest(e.until_on, EXCLUDED.until_on) END;

                INSERT INTO card_replacement (card_token, replaced_by, at_ms, who)
                VALUES (p_old[i], p_new[i], p_now_ms, session_user || '/' || p_who);
        END LOOP;
END
$$;

INSERT INTO schema_migration VALUES (17, 'replacement');
COMMIT;
