-- The ledger's functions for banks over links: what is due. Outcomes, the sweep, banks' answers and people are in 080_ledger.sql.
-- Times (..._ms) are real milliseconds, given by the caller. Locks and parameters as in 080_ledger.sql.
BEGIN;
SET LOCAL client_min_messages = warning;

-- Its parameters change.
DROP FUNCTION IF EXISTS ledger_outcome(text[], timestamptz[], integer[], smallint[], text[], text[], text[], bigint);

-- Take or keep the lease of a link and with it the notices that are due, in order for each withdrawal: the
-- first that is not acknowledged, and only that. Each taken one counts as an attempt and is due again after
-- a pause that doubles. No row: somebody else holds the lease, or nothing is due.
CREATE OR REPLACE FUNCTION saf_take(p_link text, p_holder text, p_now_ms bigint, p_lease_ms bigint,
                         p_first_ms bigint, p_longest_ms bigint, p_max integer)
RETURNS TABLE (r_terminal text, r_transmitted_at timestamptz, r_stan integer, r_seq smallint, r_kind text,
               r_amount_yen bigint, r_charge_yen bigint, r_dispensed_yen bigint, r_why text, r_attempts integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v_due tid[];
BEGIN
        INSERT INTO saf_lease AS l (link, holder, until_ms) VALUES (p_link, p_holder, p_now_ms + p_lease_ms)
        ON CONFLICT (link) DO UPDATE SET holder = EXCLUDED.holder, until_ms = EXCLUDED.until_ms
        WHERE l.holder = EXCLUDED.holder OR l.until_ms < p_now_ms;
        IF NOT FOUND THEN
                RETURN;
        END IF;
        -- the oldest first, which is the order of the index; without sorting, nothing else can be read
        SELECT array_agg(d.at) INTO v_due
        FROM (SELECT s.ctid AS at FROM saf s
              CROSS JOIN LATERAL (SELECT f.seq FROM saf f WHERE f.terminal = s.terminal
                                  AND f.transmitted_at = s.transmitted_at AND f.stan = s.stan
                                  ORDER BY f.seq LIMIT 1) f
              WHERE s.link = p_link AND NOT s.parked AND s.due_ms <= p_now_ms AND f.seq = s.seq
              ORDER BY s.due_ms LIMIT p_max FOR UPDATE OF s SKIP LOCKED) d;
        IF v_due IS NULL THEN
                RETURN;
        END IF;
        RETURN QUERY
        WITH taken AS (
                UPDATE saf s SET attempts = s.attempts + 1,
                        due_ms = p_now_ms + least(p_longest_ms, p_first_ms * (1 << least(s.attempts, 20))::bigint)
                WHERE s.ctid = ANY (v_due)
                RETURNING s.*
        )
        SELECT t.terminal, t.transmitted_at, t.stan, t.seq, n.kind, n.amount_yen, n.charge_yen, n.dispensed_yen, n.why,
               t.attempts
        FROM taken t
        CROSS JOIN LATERAL (SELECT * FROM bank_notice n WHERE n.terminal = t.terminal
                            AND n.transmitted_at = t.transmitted_at AND n.stan = t.stan AND n.seq = t.seq LIMIT 1) n;
END
$$;

-- operators --------------------------------------------------------------------------------------------

-- What waits for each link, and since when the oldest of it does (parked ones wait for people): for the alarm.
CREATE OR REPLACE FUNCTION saf_look() RETURNS TABLE (r_link text, r_waiting bigint, r_parked bigint, r_oldest_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT link, count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked),
               min(created_ms) FILTER (WHERE NOT parked)
        FROM saf GROUP BY link
$$;

INSERT INTO schema_migration VALUES (19, 'banks');
COMMIT;
