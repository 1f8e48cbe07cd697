-- What somebody claims of a withdrawal of which our own books are right as far as anybody's books say: a card-holder who says that less cash
-- came than the ATM, its bank and we have. It moves no money. The trail has
-- who noted it and why, and who closed it.
--
--      OPEN --claim_close--> closed
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE claim (
        claim integer PRIMARY KEY CHECK (claim > 0),
        terminal text COLLATE "C" NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        claimed_yen bigint NOT NULL CHECK (claimed_yen > 0),
        noted_at timestamptz NOT NULL, -- by the business clock
        is_open boolean NOT NULL
);
CREATE INDEX claim_withdrawal ON claim (transmitted_at, terminal, stan);

-- A claim about a withdrawal: its number. It moves nothing.
CREATE OR REPLACE FUNCTION claim_add(p_terminal text, p_transmitted_at timestamptz, p_stan integer, p_claimed_yen bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_claim integer;
        v_most_yen bigint;
BEGIN
        PERFORM demand_note();
        PERFORM demand(EXISTS (SELECT FROM withdrawal w WHERE w.terminal = p_terminal AND w.transmitted_at = p_transmitted_at AND w.stan = p_stan),
                       format('withdrawal %s', coalesce(nullif(trail_key(p_terminal, p_transmitted_at, p_stan), ''), 'NULL')),
                       'the terminal, moment and STAN of one that the database has');
        SELECT w.amount_yen + coalesce(w.customer_fee_yen + w.customer_tax_yen, 0) INTO v_most_yen FROM withdrawal w
        WHERE w.terminal = p_terminal AND w.transmitted_at = p_transmitted_at AND w.stan = p_stan;
        PERFORM demand(p_claimed_yen BETWEEN 1 AND v_most_yen, format('%L yen claimed', p_claimed_yen),
                       format('whole yen from 1 to %s, what it could take of an account', v_most_yen));
        LOCK TABLE claim IN SHARE ROW EXCLUSIVE MODE; -- its number is the next
        SELECT c.claim INTO v_claim FROM claim c
        WHERE c.terminal = p_terminal AND c.transmitted_at = p_transmitted_at AND c.stan = p_stan AND c.claimed_yen = p_claimed_yen AND c.is_open;
        PERFORM demand(v_claim IS NULL, format('%s yen claimed', p_claimed_yen), format('another sum: claim %s says that already, and is open', v_claim));
        SELECT coalesce(max(c.claim), 0) + 1 INTO v_claim FROM claim c;
        INSERT INTO claim VALUES (v_claim, p_terminal, p_transmitted_at, p_stan, p_claimed_yen, business_now(), true);
        RETURN v_claim;
END
$$;

CREATE OR REPLACE FUNCTION claim_close(p_claim integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM demand_note();
        UPDATE claim c SET is_open = false WHERE c.claim = p_claim AND c.is_open;
        PERFORM demand(FOUND, format('claim %s', coalesce(p_claim::text, 'NULL')), 'the number of one that is open');
END
$$;

INSERT INTO schema_migration VALUES (76, 'claims');
COMMIT;
