-- The ledger's functions for banks over links: what is due, and people. Outcomes, the sweep and banks' answers are in 040_ledger.sql.
-- Times (..._ms) are real milliseconds, given by the caller. Locks and parameters as in 040_ledger.sql.
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

-- Take notices out of the sending (p_park), or let them be sent now, whatever held them back; how many.
-- Parked ones hold back those of the same withdrawal that come after them.
CREATE OR REPLACE FUNCTION operator_saf(p_park boolean, p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[],
                             p_seq smallint[], p_now_ms bigint, p_who text, p_note text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_count integer;
BEGIN
        PERFORM FROM saf s
        JOIN unnest(p_terminal, p_transmitted_at, p_stan, p_seq) o (terminal, transmitted_at, stan, seq)
             USING (terminal, transmitted_at, stan, seq)
        ORDER BY s.terminal, s.transmitted_at, s.stan, s.seq FOR UPDATE OF s;
        WITH changed AS (
                UPDATE saf s SET parked = p_park, due_ms = CASE WHEN p_park THEN s.due_ms ELSE p_now_ms END
                FROM unnest(p_terminal, p_transmitted_at, p_stan, p_seq) o (terminal, transmitted_at, stan, seq)
                WHERE s.terminal = o.terminal AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan
                AND s.seq = o.seq AND NOT (p_park AND s.parked)
                RETURNING s.terminal, s.transmitted_at, s.stan, s.seq
        )
        INSERT INTO operator_action (at_ms, who, what, terminal, transmitted_at, stan, seq, note)
        SELECT p_now_ms, session_user || '/' || p_who, CASE WHEN p_park THEN 'saf park' ELSE 'saf retry' END,
               c.terminal, c.transmitted_at, c.stan, c.seq, p_note
        FROM changed c;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        RETURN v_count;
END
$$;

-- An operator's finding: this much cash left the ATM. It is what an advice would do, as an advice of kind
-- 'operator', and deals with the withdrawal's exceptions; from then on no message changes the withdrawal any
-- more. Where money was put right elsewhere (p_elsewhere), it only deals with the exceptions. One row: the state
-- as it was; why nothing was done, NULL where it was; the state as it is now, and how many exceptions were dealt
-- with. Refused is what the table of states calls an exception, what would change nothing at all, and what is
-- 'young': its bank was asked, or it was approved, less than p_youngest_ms of real time ago, so that its ATM may
-- still be at it.
CREATE OR REPLACE FUNCTION operator_resolve(p_terminal text, p_transmitted_at timestamptz, p_stan integer, p_dispensed_yen bigint,
                                 p_elsewhere boolean, p_advice_at timestamptz, p_now_ms bigint, p_who text, p_note text,
                                 p_youngest_ms bigint)
RETURNS TABLE (r_refusal text, r_state_before text, r_counted_before_yen bigint, r_state text, r_counted_yen bigint,
               r_exceptions integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v record;
        v_rule record;
        v_advice advice; -- all NULL while there is none
        v_exceptions integer;
        v_refusal text;
BEGIN
        SELECT w.state, w.amount_yen, w.dispensed_yen,
               withdrawal_counts(w.state, w.dispensed_yen, w.amount_yen) AS counts_yen,
               coalesce(w.approved_at, (SELECT to_timestamp(o.asked_ms / 1000.0) FROM open_withdrawal o
                                        WHERE o.terminal = w.terminal AND o.transmitted_at = w.transmitted_at
                                        AND o.stan = w.stan)) AS since
        INTO v FROM v_withdrawal w
        WHERE w.terminal = p_terminal AND w.transmitted_at = p_transmitted_at AND w.stan = p_stan;
        IF NOT FOUND THEN
                RETURN QUERY SELECT 'unknown', NULL::text, NULL::bigint, NULL::text, NULL::bigint, 0;
                RETURN;
        END IF;
        SELECT u.* INTO STRICT v_rule FROM advice_rule u
        WHERE u.state_before = v.state
        AND u.relation = advice_relation(p_dispensed_yen, v.counts_yen);
        SELECT count(*) INTO v_exceptions FROM v_exception e
        WHERE e.terminal = p_terminal AND e.transmitted_at = p_transmitted_at AND e.stan = p_stan AND NOT e.resolved;

        v_refusal := CASE WHEN p_elsewhere AND v_exceptions = 0 THEN 'no exception'
                          WHEN p_elsewhere THEN NULL
                          WHEN v_rule.exception THEN 'impossible'
                          WHEN v_exceptions = 0 AND v.state = v_rule.state_after AND v.dispensed_yen = p_dispensed_yen THEN 'no change'
                          WHEN clock_timestamp() - v.since < make_interval(secs => p_youngest_ms / 1000.0) THEN 'young' END;
        IF v_refusal IS NOT NULL THEN
                RETURN QUERY SELECT v_refusal, v.state, v.dispensed_yen, v.state, v.dispensed_yen, v_exceptions;
                RETURN;
        END IF;

        -- also where it only confirms what is recorded: a person has decided
        IF NOT p_elsewhere THEN
                BEGIN
                        PERFORM ledger_advice(ARRAY[p_terminal], ARRAY[p_transmitted_at], ARRAY[p_stan], ARRAY['operator'],
                                              ARRAY[p_advice_at], ARRAY[0],
                                              ARRAY[CASE WHEN p_dispensed_yen = 0 THEN '21' WHEN p_dispensed_yen < v.amount_yen
                                                         THEN '32' END],
                                              ARRAY[v.amount_yen], ARRAY[p_dispensed_yen], p_now_ms, 0);
                EXCEPTION WHEN unique_violation THEN
                        PERFORM ledger_conflict(); -- an advice came meanwhile
                END;
                SELECT a.* INTO STRICT v_advice FROM advice a
                WHERE a.terminal = p_terminal AND a.transmitted_at = p_transmitted_at AND a.stan = p_stan
                AND a.kind = 'operator' AND a.advice_at = p_advice_at;
                -- somebody was faster: to be decided anew
                IF v_advice.state_before <> v.state OR v_advice.state <> v_rule.state_after
                   OR v_advice.counted_yen <> p_dispensed_yen THEN
                        PERFORM ledger_conflict();
                END IF;
        END IF;

        INSERT INTO exception_resolution (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what, at_ms)
        SELECT e.terminal, e.advice_at, e.advice_stan, e.kind, e.transmitted_at, e.stan, e.what, p_now_ms
        FROM v_exception e
        WHERE e.terminal = p_terminal AND e.transmitted_at = p_transmitted_at AND e.stan = p_stan AND NOT e.resolved
        ORDER BY 1, 2, 3, 4, 7
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_exceptions = ROW_COUNT;
        INSERT INTO operator_action (at_ms, who, what, terminal, transmitted_at, stan, seq, dispensed_yen, note)
        VALUES (p_now_ms, session_user || '/' || p_who, 'exception resolve', p_terminal, p_transmitted_at, p_stan,
                v_advice.seq, p_dispensed_yen, p_note);
        RETURN QUERY SELECT NULL::text, v.state, v.dispensed_yen, coalesce(v_advice.state, v.state),
                            coalesce(v_advice.counted_yen, v.dispensed_yen), v_exceptions;
END
$$;

-- What waits for each link, and since when the oldest of it does (parked ones wait for people): for the alarm.
CREATE OR REPLACE FUNCTION saf_look() RETURNS TABLE (r_link text, r_waiting bigint, r_parked bigint, r_oldest_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT link, count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked),
               min(created_ms) FILTER (WHERE NOT parked)
        FROM saf GROUP BY link
$$;

INSERT INTO schema_migration VALUES (19, 'banks');
COMMIT;
