-- Bringing back what a restore has lost (065_recovery.sql): what people may do about it.
--
-- What was lost was decided: limits, hours, exclusions and a card's state are not asked again, since its ATM has had its answer. The rest goes
-- the ways of everything else, ledger_outcome and ledger_advice: so commission, closed books, late posts, what a bank must be told and
-- exceptions are theirs. Nobody heard an approval of now, so what is brought back has no moment of approval: no repeat hears it
-- again.
--
-- Locks as in the ledger. An ATM's advice about a withdrawal that is not there yet would block it for good: so nothing is brought back
-- while an instance of atmd is connected, and none should be started before.
BEGIN;
SET LOCAL client_min_messages = warning;

-- A plan is about a withdrawal and says what is missing of it.
CREATE OR REPLACE FUNCTION recovery_items(p_items jsonb) RETURNS TABLE (terminal text, transmitted_at timestamptz, stan integer, plan jsonb)
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
        SELECT i.terminal COLLATE "C", to_timestamp(i.at_ms / 1000.0), i.stan, i.plan
        FROM jsonb_to_recordset(p_items) i (terminal text, at_ms bigint, stan integer, plan jsonb)
$$;

-- The recovery, locked until the transaction ends.
CREATE OR REPLACE FUNCTION recovery_locked(p_recovery integer) RETURNS recovery LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
        v recovery;
BEGIN
        SELECT r.* INTO v FROM recovery r WHERE r.recovery = p_recovery FOR UPDATE;
        PERFORM demand(v.recovery IS NOT NULL, format('recovery %s', coalesce(p_recovery::text, 'NULL')), 'the number of one that was proposed');
        PERFORM demand(v.dropped_at IS NULL, format('recovery %s was dropped', p_recovery), 'one that was not');
        RETURN v;
END
$$;

-- One person's word. Its number.
CREATE OR REPLACE FUNCTION recovery_propose(p_items jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_open integer;
        v recovery;
BEGIN
        PERFORM demand_note();
        LOCK TABLE recovery IN SHARE ROW EXCLUSIVE MODE;
        SELECT r.recovery INTO v_open FROM recovery r WHERE r.dropped_at IS NULL AND r.ended_at IS NULL;
        PERFORM demand(v_open IS NULL, format('recovery %s is not at its end', v_open), 'it to be confirmed or dropped before another is proposed');
        PERFORM demand(jsonb_typeof(p_items) = 'array' AND p_items <> '[]', coalesce(left(p_items::text, 40), 'nothing'), 'a list of what is lost');
        PERFORM demand(NOT EXISTS (SELECT FROM recovery_items(p_items) i
                                   WHERE i.terminal IS NULL OR i.transmitted_at IS NULL OR i.stan IS NULL OR jsonb_typeof(i.plan) IS DISTINCT FROM 'object'),
                       'an item without terminal, moment, STAN and plan', 'all of them');
        INSERT INTO recovery (recovery, proposed_at, proposed_by, withdrawals, cash_yen)
        SELECT (SELECT coalesce(max(r.recovery), 0) + 1 FROM recovery r), clock_timestamp(), session_user, count(*),
               coalesce(sum((i.plan ->> 'cash_yen')::bigint), 0)
        FROM recovery_items(p_items) i
        RETURNING * INTO v;
        INSERT INTO recovery_item (recovery, transmitted_at, terminal, stan, plan)
        SELECT v.recovery, i.transmitted_at, i.terminal, i.stan, i.plan FROM recovery_items(p_items) i;
        PERFORM trail_write('recovery', v.recovery::text, NULL, jsonb_build_object('withdrawals', v.withdrawals, 'cash_yen', v.cash_yen));
        RETURN v.recovery;
END
$$;

-- Another person's, who has looked at the journals too: p_items is what these say now. How many of them were not proposed.
CREATE OR REPLACE FUNCTION recovery_confirm(p_recovery integer, p_items jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v recovery;
        v_other record;
BEGIN
        PERFORM demand_note();
        PERFORM demand(jsonb_typeof(p_items) = 'array', coalesce(left(p_items::text, 40), 'nothing'), 'a list of what is lost');
        v := recovery_locked(p_recovery);
        PERFORM demand(v.ended_at IS NULL, format('recovery %s is at its end', p_recovery), 'one that is not');
        PERFORM demand(v.proposed_by <> session_user, format('recovery %s was proposed by %s', p_recovery, session_user),
                       'the word of another person');
        SELECT count(*) AS items, min(trail_key(i.terminal, i.transmitted_at, i.stan)) AS first INTO v_other
        FROM recovery_item i LEFT JOIN recovery_items(p_items) j USING (terminal, transmitted_at, stan)
        WHERE i.recovery = p_recovery AND i.ended IS NULL AND j.plan IS DISTINCT FROM i.plan;
        PERFORM demand(v_other.items = 0,
                       format('recovery %s: of %s withdrawals, %s first, something else is missing than was proposed', p_recovery, v_other.items,
                              v_other.first), 'journals and reference data as they were, or another proposal');
        IF v.confirmed_by IS NULL THEN
                UPDATE recovery r SET confirmed_at = clock_timestamp(), confirmed_by = session_user WHERE r.recovery = p_recovery;
                PERFORM trail_write('recovery', p_recovery::text, jsonb_build_object('withdrawals', v.withdrawals, 'cash_yen', v.cash_yen),
                                    jsonb_build_object('withdrawals', v.withdrawals, 'cash_yen', v.cash_yen, 'proposed_by', v.proposed_by));
        END IF;
        RETURN (SELECT count(*) FROM recovery_items(p_items) j
                WHERE NOT EXISTS (SELECT FROM recovery_item i WHERE i.recovery = p_recovery AND i.transmitted_at = j.transmitted_at
                                  AND i.terminal = j.terminal AND i.stan = j.stan));
END
$$;

-- What is not brought back yet will not be.
CREATE OR REPLACE FUNCTION recovery_drop(p_recovery integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v recovery;
BEGIN
        PERFORM demand_note();
        v := recovery_locked(p_recovery);
        PERFORM demand(v.ended_at IS NULL, format('recovery %s is at its end', p_recovery), 'one that is not');
        UPDATE recovery r SET dropped_at = clock_timestamp() WHERE r.recovery = p_recovery;
        PERFORM trail_write('recovery', p_recovery::text, jsonb_build_object('withdrawals', v.withdrawals, 'cash_yen', v.cash_yen),
                            jsonb_build_object('dropped', true));
END
$$;

-- A withdrawal as it was asked for: its row, its card's use and account. NULL, or why not.
CREATE OR REPLACE FUNCTION recovery_request(p_withdrawal withdrawal) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
        v_card card;
        v_month date := date_trunc('month', p_withdrawal.business_date::timestamp)::date;
        v_charge_yen bigint := p_withdrawal.customer_fee_yen + p_withdrawal.customer_tax_yen;
BEGIN
        IF withdrawal_is_priced(p_withdrawal.reason) THEN
                -- where its use stands now
                SELECT c.* INTO v_card FROM card c
                WHERE c.card_token = coalesce((SELECT k.successor FROM card k WHERE k.card_token = p_withdrawal.card_token), p_withdrawal.card_token)
                FOR NO KEY UPDATE;
                IF p_withdrawal.link IS NULL AND v_card.balance_yen IS NULL THEN
                        RETURN 'no-card';
                ELSIF p_withdrawal.link IS NULL AND v_card.balance_yen < p_withdrawal.amount_yen + v_charge_yen THEN
                        RETURN 'no-balance';
                END IF;
        END IF;
        INSERT INTO withdrawal SELECT p_withdrawal.*;
        IF NOT withdrawal_is_priced(p_withdrawal.reason) THEN
                RETURN NULL;
        END IF;
        INSERT INTO open_withdrawal (terminal, transmitted_at, stan, card_token, amount_yen, asked_ms)
        SELECT p_withdrawal.terminal, p_withdrawal.transmitted_at, p_withdrawal.stan, p_withdrawal.card_token, p_withdrawal.amount_yen,
               CASE WHEN p_withdrawal.link IS NOT NULL THEN real_now_ms() END
        FROM books b WHERE p_withdrawal.link IS NOT NULL OR p_withdrawal.business_date <= b.summed_through;
        IF p_withdrawal.link IS NULL THEN
                UPDATE card c SET balance_yen = c.balance_yen - p_withdrawal.amount_yen - v_charge_yen WHERE c.card_token = v_card.card_token;
        END IF;
        -- (of a date before both the row knows nothing)
        UPDATE card c
        SET month_on = greatest(c.month_on, v_month), month_yen = newest_use(v_month, c.month_on, c.month_yen, p_withdrawal.amount_yen),
            earlier_month_on = earlier_use_on(v_month, c.month_on, c.earlier_month_on),
            earlier_month_yen = earlier_use(v_month, c.month_on, c.month_yen, c.earlier_month_on, c.earlier_month_yen, p_withdrawal.amount_yen)
        WHERE c.card_token = v_card.card_token AND (v_month < c.earlier_month_on) IS NOT TRUE;
        UPDATE card c
        SET day_on = greatest(c.day_on, u.day), day_yen = newest_use(u.day, c.day_on, c.day_yen, u.yen),
            day_count = newest_use(u.day, c.day_on, c.day_count, 1), day_corrections = newest_use(u.day, c.day_on, c.day_corrections, 0),
            earlier_day_on = earlier_use_on(u.day, c.day_on, c.earlier_day_on),
            earlier_day_yen = earlier_use(u.day, c.day_on, c.day_yen, c.earlier_day_on, c.earlier_day_yen, u.yen),
            earlier_day_count = earlier_use(u.day, c.day_on, c.day_count, c.earlier_day_on, c.earlier_day_count, 1),
            earlier_day_corrections = earlier_use(u.day, c.day_on, c.day_corrections, c.earlier_day_on, c.earlier_day_corrections, 0)
        FROM (SELECT p_withdrawal.business_date AS day, p_withdrawal.amount_yen AS yen) u
        WHERE c.card_token = v_card.card_token AND (u.day < c.earlier_day_on) IS NOT TRUE;
        RETURN NULL;
END
$$;

-- What became of it at its bank. No time was written down at which the bank's approval was durable.
CREATE OR REPLACE FUNCTION recovery_outcome(p_outcome bank_outcome) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
        IF p_outcome.reason = reason_of('APPROVED') THEN
                INSERT INTO bank_outcome SELECT p_outcome.*;
        ELSE
                PERFORM ledger_outcome(ARRAY[p_outcome.terminal], ARRAY[p_outcome.transmitted_at], ARRAY[p_outcome.stan], ARRAY[p_outcome.reason],
                                       ARRAY[p_outcome.approval_code], ARRAY[p_outcome.bank_de39], ARRAY[p_outcome.cause]);
        END IF;
END
$$;

-- What the ATM said of it, one after the other. A correction that was in time when it was said is so now.
CREATE OR REPLACE FUNCTION recovery_advices(p_terminal text, p_transmitted_at timestamptz, p_stan integer, p_advices jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
        a record;
BEGIN
        FOR a IN SELECT e.* FROM jsonb_array_elements(p_advices) WITH ORDINALITY o (advice, place)
                 CROSS JOIN LATERAL jsonb_to_record(o.advice) e (kind text, at_ms bigint, stan integer, why text, amount_yen bigint,
                                                                 dispensed_yen bigint, in_time boolean)
                 ORDER BY o.place LOOP
                PERFORM ledger_advice(ARRAY[p_terminal], ARRAY[p_transmitted_at], ARRAY[p_stan], ARRAY[a.kind], ARRAY[to_timestamp(a.at_ms / 1000.0)],
                                      ARRAY[a.stan], ARRAY[a.why], ARRAY[a.amount_yen], ARRAY[a.dispensed_yen],
                                      CASE WHEN a.in_time THEN 1000 * 3600 * 24 * 3650::bigint ELSE 0 END);
        END LOOP;
END
$$;

-- What its bank was told, and has answered: it need not be told again. As long as what waits is what the bank was told, in that order.
CREATE OR REPLACE FUNCTION recovery_told(p_terminal text, p_transmitted_at timestamptz, p_stan integer, p_told jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
        t record;
        v_seq smallint;
BEGIN
        FOR t IN SELECT e.* FROM jsonb_array_elements(p_told) WITH ORDINALITY o (told, place)
                 CROSS JOIN LATERAL jsonb_to_record(o.told) e (kind text, dispensed_yen bigint, de39 text, booked boolean)
                 ORDER BY o.place LOOP
                SELECT w.seq INTO v_seq
                FROM (SELECT s.seq FROM saf s WHERE s.terminal = p_terminal AND s.transmitted_at = p_transmitted_at AND s.stan = p_stan
                      ORDER BY s.seq LIMIT 1) w
                JOIN bank_notice n ON n.terminal = p_terminal AND n.transmitted_at = p_transmitted_at AND n.stan = p_stan AND n.seq = w.seq
                WHERE n.kind = t.kind AND n.dispensed_yen = t.dispensed_yen;
                CONTINUE WHEN NOT FOUND; -- acknowledged before
                PERFORM saf_end(ARRAY[p_terminal], ARRAY[p_transmitted_at], ARRAY[p_stan], ARRAY[v_seq],
                                ARRAY[CASE WHEN t.booked THEN 'done' ELSE 'case' END], ARRAY[t.de39]);
        END LOOP;
END
$$;

-- One withdrawal. NULL, or why it is for people.
CREATE OR REPLACE FUNCTION recovery_bring(p_item recovery_item) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' AS $$
DECLARE
        v_key CONSTANT jsonb := jsonb_build_object('terminal', p_item.terminal, 'transmitted_at', p_item.transmitted_at, 'stan', p_item.stan);
        v_before jsonb;
        v_after jsonb;
        v_problem text;
BEGIN
        SELECT jsonb_build_object('state', w.state, 'dispensed_yen', w.dispensed_yen) INTO v_before FROM v_withdrawal w
        WHERE w.terminal = p_item.terminal AND w.transmitted_at = p_item.transmitted_at AND w.stan = p_item.stan;
        IF (v_before IS NULL) <> (p_item.plan ->> 'lost' IN ('withdrawal', 'word')) THEN
                RETURN 'known'; -- somebody was faster
        END IF;
        IF p_item.plan ? 'request' THEN
                v_problem := recovery_request(jsonb_populate_record(NULL::withdrawal, p_item.plan -> 'request' || v_key));
                IF v_problem IS NOT NULL THEN
                        RETURN v_problem;
                END IF;
        END IF;
        IF p_item.plan ? 'outcome' THEN
                PERFORM recovery_outcome(jsonb_populate_record(NULL::bank_outcome, p_item.plan -> 'outcome' || v_key));
        END IF;
        PERFORM recovery_advices(p_item.terminal, p_item.transmitted_at, p_item.stan, coalesce(p_item.plan -> 'advices', '[]'));
        PERFORM recovery_told(p_item.terminal, p_item.transmitted_at, p_item.stan, coalesce(p_item.plan -> 'told', '[]'));
        SELECT jsonb_build_object('state', w.state, 'dispensed_yen', w.dispensed_yen, 'recovery', p_item.recovery) INTO v_after FROM v_withdrawal w
        WHERE w.terminal = p_item.terminal AND w.transmitted_at = p_item.transmitted_at AND w.stan = p_item.stan;
        PERFORM trail_write('withdrawal', trail_key(p_item.terminal, p_item.transmitted_at, p_item.stan), v_before, v_after);
        RETURN NULL;
END
$$;

-- The next batch of what was confirmed: how many were brought back, how many are for people, how many are left. p_version: of the
-- reference data that they were priced by.
CREATE OR REPLACE FUNCTION recovery_step(p_recovery integer, p_version bigint, p_max integer)
RETURNS TABLE (r_brought integer, r_for_people integer, r_left bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v recovery;
        v_item recovery_item;
        v_who text;
        v_problem text;
BEGIN
        PERFORM demand_note();
        PERFORM demand(p_max > 0, format('%L at a time', p_max), '1 or more');
        LOCK TABLE books IN ROW SHARE MODE;
        v := recovery_locked(p_recovery);
        PERFORM demand(v.confirmed_by IS NOT NULL, format('recovery %s is not confirmed', p_recovery), 'the word of another person before');
        SELECT string_agg(DISTINCT a.usename || coalesce(' (' || nullif(a.application_name, '') || ')', ''), ', ') INTO v_who
        FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND role_is(a.usename, 'atm_daemon');
        PERFORM demand(v_who IS NULL, 'connected: ' || v_who, 'all instances of atmd to be stopped');
        PERFORM demand(p_version = (SELECT version FROM reference_version), 'the reference data have changed since', 'them as they were');
        -- banks' cards have a row from their first use on; then the cards' locks, all in their order
        INSERT INTO card (card_token, issuer, pan_mask)
        SELECT DISTINCT ON (r.card_token) r.card_token, r.issuer, r.pan_mask
        FROM (SELECT i.plan -> 'request' AS request FROM recovery_item i WHERE i.recovery = p_recovery AND i.ended IS NULL
              ORDER BY i.transmitted_at, i.terminal, i.stan LIMIT p_max) i
        CROSS JOIN LATERAL jsonb_to_record(i.request) r (card_token uuid, issuer text, pan_mask text, link text)
        WHERE r.link IS NOT NULL AND NOT EXISTS (SELECT FROM card c WHERE c.card_token = r.card_token)
        ORDER BY 1
        ON CONFLICT DO NOTHING;
        PERFORM FROM (SELECT DISTINCT coalesce(h.successor, i.card_token) AS card_token
                      FROM (SELECT coalesce((i.plan #>> '{request,card_token}')::uuid,
                                            (SELECT w.card_token FROM withdrawal w WHERE w.terminal = i.terminal AND w.transmitted_at = i.transmitted_at
                                             AND w.stan = i.stan)) AS card_token
                            FROM recovery_item i WHERE i.recovery = p_recovery AND i.ended IS NULL
                            ORDER BY i.transmitted_at, i.terminal, i.stan LIMIT p_max) i
                      LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE c.card_token = i.card_token LIMIT 1) h ON true
                      ORDER BY 1) o
        CROSS JOIN LATERAL (SELECT FROM card c WHERE c.card_token = o.card_token LIMIT 1 FOR NO KEY UPDATE) c;

        r_brought := 0;
        r_for_people := 0;
        FOR v_item IN SELECT i.* FROM recovery_item i WHERE i.recovery = p_recovery AND i.ended IS NULL
                      ORDER BY i.transmitted_at, i.terminal, i.stan LIMIT p_max LOOP
                v_problem := v_item.plan ->> 'problem';
                IF v_problem IS NULL THEN
                        BEGIN
                                v_problem := recovery_bring(v_item);
                        EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
                                v_problem := 'refused: ' || left(SQLERRM, 200);
                        END;
                END IF;
                IF v_problem IS NOT NULL THEN
                        INSERT INTO exception_record (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what, amount_yen, dispensed_yen)
                        VALUES (v_item.terminal, v_item.transmitted_at, v_item.stan, 'recovery', v_item.transmitted_at, v_item.stan, v_problem,
                                coalesce((v_item.plan ->> 'amount_yen')::bigint, 0), coalesce((v_item.plan ->> 'cash_yen')::bigint, 0))
                        ON CONFLICT DO NOTHING;
                        r_for_people := r_for_people + 1;
                ELSE
                        r_brought := r_brought + 1;
                END IF;
                UPDATE recovery_item i SET ended_at = clock_timestamp(), problem = v_problem,
                                           ended = CASE WHEN v_problem IS NULL THEN 'brought back' ELSE 'for people' END
                WHERE i.recovery = p_recovery AND i.transmitted_at = v_item.transmitted_at AND i.terminal = v_item.terminal AND i.stan = v_item.stan;
        END LOOP;
        SELECT count(*) INTO r_left FROM recovery_item i WHERE i.recovery = p_recovery AND i.ended IS NULL;
        IF r_left = 0 AND v.ended_at IS NULL THEN
                UPDATE recovery r SET ended_at = clock_timestamp() WHERE r.recovery = p_recovery;
        END IF;
        RETURN NEXT;
END
$$;

INSERT INTO schema_migration VALUES (66, 'recover');
COMMIT;
