-- The ledger's functions: all that atmd may do to the database. Each takes a batch as arrays of equal
-- length and is one transaction.
--
-- Locks. Everybody takes them in one order: keys of advice_identity, in order; the card's month row and its account, card by card in the
-- order of the token; then keys of withdrawal, in order; then of advice, in order. Before all of them books, in ROW SHARE mode,
-- against whoever closes a period (005_finance.sql), replaces a card (017_replacement.sql) or moves the end of the days that are
-- summed up (021_days.sql). Locking is a statement of its own and the decision a later one, so that the decision sees what
-- the lock waited for. An identity needs no lock: its key refuses a second decision, and whoever meets the
-- key of a decision that it did not see gives up with serialization_failure; repeated, the batch sees it.
--
-- A batch holds an identity, a card (requests) and an original (advices) at most once; atmd sees to it.
--
-- Plans are cached while tables grow from nothing, and statistics are always late. So every look-up is a
-- lateral subquery with LIMIT 1, which the planner can only carry out as one descent of an index for each
-- row of the batch, and what changes is changed through ON CONFLICT, which always goes by the key. (Plain
-- joins were tried: planned on an empty table, one turned round and read the whole index for each batch.)
BEGIN;

CREATE OR REPLACE FUNCTION schema_version() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT max(version) FROM schema_migration
$$;

-- Somebody else decided what this batch was about to decide; the batch is to be repeated.
CREATE OR REPLACE FUNCTION ledger_conflict() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
        RAISE EXCEPTION 'decided elsewhere at the same time' USING ERRCODE = 'serialization_failure';
END
$$;

-- Withdrawal requests (0200, 0201). p_refusal is the first reason that needs no shared row, 0 where there
-- is none; p_link the bank to be asked, NULL for the house bank. One row a request, in any order: what the
-- ATM is to hear, and whether it was durable before. A reason of NULL: the intent is durable and limits are
-- taken, the bank is to be asked (not stored), or was asked by somebody and nothing is decided yet (stored).
-- 28, can't decide, is said and not kept: a repeat is decided anew.
-- A repeat hears its original's approval while that can still lead to a dispense that everybody knows of: the
-- withdrawal is open, and its approval younger than p_wait_ms, the ATMs' longest wait. Then 29.
-- A single row with reason -1: decided from another version of the reference data; nothing was done.
CREATE OR REPLACE FUNCTION ledger_request(
        p_version bigint, p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[],
        p_processing_code integer[], p_amount_yen bigint[], p_card_token uuid[], p_pan_mask text[],
        p_expiry_yymm text[], p_issuer text[], p_band text[], p_hall text[], p_business_date date[],
        p_month date[], p_tariff_from date[], p_tax_rate_bp integer[],
        p_customer_fee_yen bigint[], p_customer_tax_yen bigint[],
        p_interbank_fee_yen bigint[], p_interbank_tax_yen bigint[], p_hall_share_yen bigint[],
        p_limit_day_yen bigint[], p_limit_month_yen bigint[], p_limit_day_count bigint[],
        p_refusal smallint[], p_approval_code text[], p_link text[], p_now_ms bigint, p_wait_ms bigint)
RETURNS TABLE (r_position integer, r_stored boolean, r_reason smallint, r_business_date date,
               r_charge_yen bigint, r_approval_code text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v_now timestamptz;
BEGIN
        -- whoever closes a period, or replaces a card, waits for what is on its way, and counts it
        LOCK TABLE books IN ROW SHARE MODE;
        IF p_version <> (SELECT version FROM reference_version) THEN
                RETURN QUERY SELECT 0, false, -1::smallint, NULL::date, NULL::bigint, NULL::text;
                RETURN;
        END IF;

        -- the card's lock: its month row, made where missing, and its account at the house bank
        INSERT INTO card_month (card_token, month, cash_yen)
        SELECT o.card_token, o.month, 0
        FROM unnest(p_card_token, p_month, p_refusal, p_link) o (card_token, month, refusal, link)
        LEFT JOIN LATERAL (SELECT a.card_token FROM account a WHERE a.card_token = o.card_token LIMIT 1) a ON true
        WHERE o.refusal = 0 AND (o.link IS NOT NULL OR a.card_token IS NOT NULL)
        ORDER BY 1, 2
        ON CONFLICT DO NOTHING;

        PERFORM FROM (SELECT o.card_token, o.month
                      FROM unnest(p_card_token, p_month, p_refusal) o (card_token, month, refusal)
                      WHERE o.refusal = 0
                      ORDER BY 1, 2) o
        CROSS JOIN LATERAL (SELECT FROM card_month m WHERE m.card_token = o.card_token AND m.month = o.month
                            LIMIT 1 FOR UPDATE) m
        LEFT JOIN LATERAL (SELECT FROM account a WHERE a.card_token = o.card_token LIMIT 1 FOR UPDATE) a ON true;
        v_now := clock_timestamp();

        RETURN QUERY
        WITH decided AS MATERIALIZED (
                SELECT o.*, s.terminal IS NOT NULL AS known,
                       CASE WHEN s.terminal IS NULL THEN
                               -- rules/reasons.def: the least id wins
                               coalesce(least(nullif(o.refusal, 0::smallint),
                                       CASE WHEN o.link IS NULL AND (c.card_token IS NULL OR (a.card_token IS NULL AND c.successor IS NULL)) THEN 14
                                            WHEN c.kind <> 'cash' THEN 15
                                            WHEN c.expiry_yymm <> o.expiry_yymm OR c.status = 'replaced' THEN 16
                                            WHEN c.status = 'stolen' THEN 17
                                            WHEN c.status = 'lost' THEN 18
                                            WHEN EXISTS (SELECT FROM exclusion e
                                                         WHERE e.card_token = o.card_token AND e.from_on <= o.business_date
                                                         AND (e.until_on IS NULL OR o.business_date < e.until_on)) THEN 19
                                            WHEN coalesce(d.withdrawals, 0) >= o.limit_day_count THEN 22
                                            WHEN coalesce(d.cash_yen, 0) + o.amount_yen > o.limit_day_yen THEN 23
                                            WHEN coalesce(m.cash_yen, 0) + o.amount_yen > o.limit_month_yen THEN 24
                                            WHEN a.balance_yen < o.amount_yen + o.customer_fee_yen + o.customer_tax_yen THEN 26
                                       END::smallint), 0::smallint)
                            WHEN s.reason = 6 THEN s.reason
                            WHEN s.processing_code <> o.processing_code OR s.amount_yen <> o.amount_yen
                                 OR s.card_token IS DISTINCT FROM o.card_token THEN 5::smallint
                            WHEN coalesce(s.reason, x.reason) = 0 AND (w.terminal IS NULL
                                 OR (v_now - coalesce(s.approved_at, x.approved_at) < make_interval(secs => p_wait_ms / 1000.0)) IS NOT TRUE)
                                 THEN 29::smallint
                            ELSE coalesce(s.reason, x.reason) END AS reason,
                       CASE WHEN s.terminal IS NULL THEN o.customer_fee_yen + o.customer_tax_yen
                            ELSE s.customer_fee_yen + s.customer_tax_yen END AS charge_yen,
                       CASE WHEN s.terminal IS NULL THEN o.approval_code
                            ELSE coalesce(s.approval_code, x.approval_code) END AS answer_code
                FROM unnest(p_terminal, p_transmitted_at, p_stan, p_processing_code, p_amount_yen, p_card_token,
                            p_pan_mask, p_expiry_yymm, p_issuer, p_band, p_hall, p_business_date, p_month,
                            p_tariff_from, p_tax_rate_bp, p_customer_fee_yen, p_customer_tax_yen,
                            p_interbank_fee_yen, p_interbank_tax_yen, p_hall_share_yen,
                            p_limit_day_yen, p_limit_month_yen, p_limit_day_count, p_refusal, p_approval_code, p_link)
                     WITH ORDINALITY
                     o (terminal, transmitted_at, stan, processing_code, amount_yen, card_token,
                        pan_mask, expiry_yymm, issuer, band, hall, business_date, month,
                        tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen,
                        interbank_fee_yen, interbank_tax_yen, hall_share_yen,
                        limit_day_yen, limit_month_yen, limit_day_count, refusal, approval_code, link, position)
                LEFT JOIN LATERAL (SELECT * FROM withdrawal s WHERE s.terminal = o.terminal
                                   AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan LIMIT 1) s ON true
                LEFT JOIN LATERAL (SELECT x.reason, x.approval_code, x.approved_at FROM bank_outcome x
                                   WHERE s.link IS NOT NULL AND x.terminal = o.terminal
                                   AND x.transmitted_at = o.transmitted_at AND x.stan = o.stan LIMIT 1) x ON true
                LEFT JOIN LATERAL (SELECT w.terminal FROM open_withdrawal w
                                   WHERE s.terminal IS NOT NULL AND w.terminal = o.terminal
                                   AND w.transmitted_at = o.transmitted_at AND w.stan = o.stan LIMIT 1) w ON true
                LEFT JOIN LATERAL (SELECT * FROM card c WHERE c.card_token = o.card_token LIMIT 1) c ON true
                LEFT JOIN LATERAL (SELECT * FROM account a WHERE a.card_token = o.card_token LIMIT 1) a ON true
                LEFT JOIN LATERAL (SELECT m.cash_yen FROM card_month m
                                   WHERE m.card_token = o.card_token AND m.month = o.month LIMIT 1) m ON true
                LEFT JOIN LATERAL (SELECT d.cash_yen, d.withdrawals FROM card_day d
                                   WHERE d.card_token = o.card_token AND d.day = o.business_date LIMIT 1) d ON true
        ), asked AS MATERIALIZED (
                -- what is ours to approve, we approve; the rest is the bank's
                SELECT n.*, CASE WHEN n.known OR n.reason <> 0 OR n.link IS NULL THEN n.reason END AS asked_reason
                FROM decided n
        ), written AS (
                INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, card_token,
                        pan_mask, issuer, band, hall, business_date, tariff_from, tax_rate_bp, customer_fee_yen,
                        customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, approval_code, link, approved_at)
                SELECT n.terminal, n.transmitted_at, n.stan, n.asked_reason, n.processing_code, n.amount_yen, n.card_token,
                        n.pan_mask, n.issuer, n.band, n.hall, n.business_date, n.tariff_from, n.tax_rate_bp, n.customer_fee_yen,
                        n.customer_tax_yen, n.interbank_fee_yen, n.interbank_tax_yen, n.hall_share_yen,
                        CASE WHEN n.asked_reason = 0 THEN n.approval_code END, CASE WHEN n.asked_reason IS NULL THEN n.link END,
                        CASE WHEN n.asked_reason = 0 THEN v_now END
                FROM asked n WHERE NOT n.known AND n.reason <> 28
                ORDER BY n.terminal, n.transmitted_at, n.stan
                ON CONFLICT DO NOTHING
                RETURNING terminal, transmitted_at, stan, reason, card_token, business_date, amount_yen, link,
                          amount_yen + customer_fee_yen + customer_tax_yen AS debit_yen
        ), opened AS (
                INSERT INTO open_withdrawal (terminal, transmitted_at, stan, card_token, amount_yen, asked_ms)
                SELECT w.terminal, w.transmitted_at, w.stan, w.card_token, w.amount_yen,
                       CASE WHEN w.link IS NOT NULL THEN p_now_ms END
                FROM written w WHERE coalesce(w.reason, 0) = 0
        ), counted_month AS (
                INSERT INTO card_month AS m (card_token, month, cash_yen)
                SELECT w.card_token, date_trunc('month', w.business_date::timestamp)::date, w.amount_yen
                FROM written w WHERE coalesce(w.reason, 0) = 0
                ON CONFLICT (card_token, month) DO UPDATE SET cash_yen = m.cash_yen + EXCLUDED.cash_yen
        ), counted_day AS (
                INSERT INTO card_day AS d (card_token, day, cash_yen, withdrawals)
                SELECT w.card_token, w.business_date, w.amount_yen, 1 FROM written w WHERE coalesce(w.reason, 0) = 0
                ON CONFLICT (card_token, day) DO UPDATE
                SET cash_yen = d.cash_yen + EXCLUDED.cash_yen, withdrawals = d.withdrawals + 1
        ), debited AS (
                -- the row is there and locked: an approval has seen its balance
                INSERT INTO account AS a (card_token, opening_yen, balance_yen)
                SELECT w.card_token, 0, w.debit_yen FROM written w WHERE w.reason = 0
                ON CONFLICT (card_token) DO UPDATE SET balance_yen = a.balance_yen - EXCLUDED.balance_yen
        )
        SELECT n.position::integer, n.known, n.asked_reason, n.business_date, n.charge_yen, n.answer_code
        FROM asked n
        WHERE CASE WHEN (SELECT count(*) FROM written) = (SELECT count(*) FROM decided x WHERE NOT x.known AND x.reason <> 28) THEN true
                   ELSE ledger_conflict() END;
END
$$;

-- Balance inquiries. They write nothing and may be decided anew; an identity that a withdrawal has taken
-- contradicts (DE 3 differs). Reason 0 without a balance: nothing stands against passing it on to the bank.
CREATE OR REPLACE FUNCTION ledger_inquiry(
        p_version bigint, p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[],
        p_card_token uuid[], p_expiry_yymm text[], p_business_date date[], p_refusal smallint[], p_link text[])
RETURNS TABLE (r_position integer, r_reason smallint, r_balance_yen bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
BEGIN
        IF p_version <> (SELECT version FROM reference_version) THEN
                RETURN QUERY SELECT 0, -1::smallint, NULL::bigint;
                RETURN;
        END IF;
        RETURN QUERY
        SELECT o.position::integer,
               CASE WHEN s.reason = 6 THEN s.reason
                    WHEN s.terminal IS NOT NULL THEN 5::smallint
                    ELSE coalesce(least(nullif(o.refusal, 0::smallint),
                               CASE WHEN o.link IS NULL AND (c.card_token IS NULL OR (a.card_token IS NULL AND c.successor IS NULL)) THEN 14
                                    WHEN c.kind <> 'cash' THEN 15
                                    WHEN c.expiry_yymm <> o.expiry_yymm OR c.status = 'replaced' THEN 16
                                    WHEN c.status = 'stolen' THEN 17
                                    WHEN c.status = 'lost' THEN 18
                                    WHEN EXISTS (SELECT FROM exclusion e
                                                 WHERE e.card_token = o.card_token AND e.from_on <= o.business_date
                                                 AND (e.until_on IS NULL OR o.business_date < e.until_on)) THEN 19
                               END::smallint), 0::smallint) END,
               a.balance_yen
        FROM unnest(p_terminal, p_transmitted_at, p_stan, p_card_token, p_expiry_yymm, p_business_date, p_refusal, p_link)
             WITH ORDINALITY o (terminal, transmitted_at, stan, card_token, expiry_yymm, business_date, refusal, link, position)
        LEFT JOIN LATERAL (SELECT * FROM withdrawal s WHERE s.terminal = o.terminal
                           AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT * FROM card c WHERE c.card_token = o.card_token LIMIT 1) c ON true
        LEFT JOIN LATERAL (SELECT * FROM account a WHERE a.card_token = o.card_token LIMIT 1) a ON true;
END
$$;

-- What one advice does, between its decision and its writing.
CREATE TYPE ledger_effect AS (
        position integer, terminal text, transmitted_at timestamptz, stan integer,
        kind text, advice_at timestamptz, advice_stan integer, why text, amount_yen bigint, dispensed_yen bigint,
        repeated boolean, exception text, corrects boolean, seq smallint, state_before text, state text,
        counted_yen bigint, counted_delta_yen bigint, commission smallint,
        back_cash_yen bigint, back_count integer, back_fee_yen bigint,
        card_token uuid, hall text, business_date date, issuer text, link text, original_amount_yen bigint,
        band text, tariff_from date, tax_rate_bp integer,
        customer_fee_yen bigint, customer_tax_yen bigint, interbank_fee_yen bigint, interbank_tax_yen bigint,
        hall_share_yen bigint, posted_on date);

-- Completion and reversal advices (0220, 0420 and their repeats). p_terminal is both the advice's and the
-- original's. One row an advice once all of them are durable; r_stored: it was durable before; r_what: the
-- exception or correction that it left for people to look at, NULL: none. What it changes in the books is posted
-- on the business date, or, where that is closed, on the first open day.
--
-- A completed withdrawal is settled, so that no message changes it any more, once a person has decided about it,
-- p_correct_ms of real time after its completion, where a message has corrected another of its card and day, and
-- while its ATM is disabled. A correction before that leaves a record, 'corrected'.
CREATE OR REPLACE FUNCTION ledger_advice(
        p_terminal text[], p_original_at timestamptz[], p_original_stan integer[],
        p_kind text[], p_advice_at timestamptz[], p_advice_stan integer[], p_why text[],
        p_amount_yen bigint[], p_dispensed_yen bigint[], p_now_ms bigint, p_correct_ms bigint)
RETURNS TABLE (r_position integer, r_stored boolean, r_what text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v_known boolean[];
        v_gives_back boolean;
        v_effect ledger_effect[];
        v_new integer;
        v_written integer;
        v_from timestamptz := (SELECT min(from_on)::timestamp AT TIME ZONE 'Asia/Tokyo' FROM ledger_partition);
        v_to timestamptz := (SELECT max(to_on)::timestamp AT TIME ZONE 'Asia/Tokyo' FROM ledger_partition);
        v_outside integer;
        v_open_from date;
        v_summed date;
        v_now timestamptz;
        v_taken boolean[];
BEGIN
        -- the next statement sees what this lock waited for
        LOCK TABLE books IN ROW SHARE MODE;
        SELECT closed_through + 1, summed_through INTO v_open_from, v_summed FROM books;

        -- an advice's own numbers speak of one original for good; said of another they contradict, and nothing is done.
        -- A person's word has none
        INSERT INTO advice_identity (terminal, advice_at, advice_stan, kind, transmitted_at, stan)
        SELECT o.terminal, o.advice_at, o.advice_stan, o.kind, o.original_at, o.original_stan
        FROM unnest(p_terminal, p_original_at, p_original_stan, p_kind, p_advice_at, p_advice_stan) WITH ORDINALITY
             o (terminal, original_at, original_stan, kind, advice_at, advice_stan, position)
        WHERE o.kind <> 'operator' AND o.advice_at >= v_from AND o.advice_at < v_to
        ORDER BY 1, 2, 3, 4, o.position
        ON CONFLICT DO NOTHING;
        SELECT array_agg(coalesce((i.transmitted_at, i.stan) <> (o.original_at, o.original_stan), false) ORDER BY o.position) INTO v_taken
        FROM unnest(p_terminal, p_original_at, p_original_stan, p_kind, p_advice_at, p_advice_stan) WITH ORDINALITY
             o (terminal, original_at, original_stan, kind, advice_at, advice_stan, position)
        LEFT JOIN LATERAL (SELECT i.transmitted_at, i.stan FROM advice_identity i WHERE i.terminal = o.terminal
                           AND i.advice_at = o.advice_at AND i.advice_stan = o.advice_stan AND i.kind = o.kind LIMIT 1) i ON true;

        SELECT array_agg(w.terminal IS NOT NULL ORDER BY o.position),
               coalesce(bool_or(w.terminal IS NOT NULL AND coalesce(w.reason, 0) = 0 AND o.dispensed_yen < w.amount_yen), false),
               count(*) FILTER (WHERE v_taken[o.position] OR o.original_at < v_from OR o.original_at >= v_to)
        INTO v_known, v_gives_back, v_outside
        FROM unnest(p_terminal, p_original_at, p_original_stan, p_dispensed_yen)
             WITH ORDINALITY o (terminal, original_at, original_stan, dispensed_yen, position)
        LEFT JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.terminal = o.terminal
                           AND w.transmitted_at = o.original_at AND w.stan = o.original_stan LIMIT 1) w ON true;

        -- the cards' locks, where cash may be given back
        IF v_gives_back THEN
                PERFORM FROM (SELECT DISTINCT coalesce(h.successor, w.card_token) AS card_token,
                                     date_trunc('month', w.business_date::timestamp)::date AS month
                              FROM unnest(p_terminal, p_original_at, p_original_stan, p_dispensed_yen)
                                   o (terminal, original_at, original_stan, dispensed_yen)
                              CROSS JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.terminal = o.terminal
                                                  AND w.transmitted_at = o.original_at AND w.stan = o.original_stan LIMIT 1) w
                              LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE c.card_token = w.card_token LIMIT 1) h ON true
                              WHERE coalesce(w.reason, 0) = 0 AND o.dispensed_yen < w.amount_yen
                              ORDER BY 1, 2) o
                CROSS JOIN LATERAL (SELECT FROM card_month m WHERE m.card_token = o.card_token AND m.month = o.month
                                    LIMIT 1 FOR UPDATE) m
                LEFT JOIN LATERAL (SELECT FROM account a WHERE a.card_token = o.card_token LIMIT 1 FOR UPDATE) a ON true;
        END IF;
        v_now := clock_timestamp();

        -- an unknown original is blocked, so that its 0200 finds the key taken; one that lies outside every
        -- partition can't be requested any more either
        IF NOT true = ALL (v_known) THEN
                INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, business_date)
                SELECT o.terminal, o.original_at, o.original_stan, 6, 0, o.amount_yen, (o.original_at AT TIME ZONE 'Asia/Tokyo')::date
                FROM unnest(p_terminal, p_original_at, p_original_stan, p_amount_yen)
                     WITH ORDINALITY o (terminal, original_at, original_stan, amount_yen, position)
                WHERE NOT v_known[o.position] AND NOT v_taken[o.position] AND o.original_at >= v_from AND o.original_at < v_to
                ORDER BY 1, 2, 3
                ON CONFLICT DO NOTHING;
        END IF;
        IF v_outside > 0 THEN
                INSERT INTO exception_record
                SELECT o.terminal, o.advice_at, o.advice_stan, o.kind, o.original_at, o.original_stan,
                       CASE WHEN v_taken[o.position] THEN 'contradicts' ELSE 'out of range' END, o.amount_yen, o.dispensed_yen
                FROM unnest(p_terminal, p_advice_at, p_advice_stan, p_kind, p_original_at, p_original_stan, p_amount_yen,
                            p_dispensed_yen) WITH ORDINALITY
                     o (terminal, advice_at, advice_stan, kind, original_at, original_stan, amount_yen, dispensed_yen, position)
                WHERE v_taken[o.position] OR o.original_at < v_from OR o.original_at >= v_to
                ON CONFLICT DO NOTHING;
        END IF;

        -- decide, in a statement that sees all of the above
        WITH found AS (
                SELECT o.*, r.seq IS NOT NULL AS repeated, r.seq IS NOT NULL AND (r.amount_yen <> o.amount_yen OR r.dispensed_yen <> o.dispensed_yen) AS contradicts,
                       coalesce(l.seq, 0) + 1 AS seq, coalesce(l.counted_yen, 0) AS counted_before_yen, z.state, z.counts_yen,
                       coalesce(h.successor, w.card_token) AS card_token, w.hall, w.business_date, w.issuer, w.link,
                       w.amount_yen AS original_amount_yen, w.band,
                       w.tariff_from, w.tax_rate_bp, w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen,
                       w.interbank_tax_yen, w.hall_share_yen, coalesce(k.decided, false) AS decided,
                       -- a correction by message of what was completed; whether it may be one
                       z.state = 'completed' AND o.kind <> 'operator' AND r.seq IS NULL AND o.dispensed_yen < l.counted_yen AS corrects,
                       coalesce(NOT k.decided AND v_now - k.completed_at < make_interval(secs => p_correct_ms / 1000.0)
                                AND d.corrections = 0 AND t.enabled, false) AS may_correct
                FROM unnest(p_terminal, p_original_at, p_original_stan, p_kind, p_advice_at, p_advice_stan, p_why, p_amount_yen,
                            p_dispensed_yen)
                     WITH ORDINALITY o (terminal, original_at, original_stan, kind, advice_at, advice_stan, why, amount_yen,
                                        dispensed_yen, position)
                CROSS JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.terminal = o.terminal
                                    AND w.transmitted_at = o.original_at AND w.stan = o.original_stan LIMIT 1) w
                LEFT JOIN LATERAL (SELECT a.seq, a.state, a.counted_yen FROM advice a
                                   WHERE a.terminal = o.terminal AND a.transmitted_at = o.original_at AND a.stan = o.original_stan
                                   ORDER BY a.seq DESC LIMIT 1) l ON true
                LEFT JOIN LATERAL (SELECT a.seq, a.amount_yen, a.dispensed_yen FROM advice a
                                   WHERE a.terminal = o.terminal AND a.transmitted_at = o.original_at AND a.stan = o.original_stan
                                   AND a.kind = o.kind AND a.advice_at = o.advice_at AND a.advice_stan = o.advice_stan
                                   LIMIT 1) r ON true
                LEFT JOIN LATERAL (SELECT x.reason FROM bank_outcome x
                                   WHERE w.link IS NOT NULL AND x.terminal = o.terminal
                                   AND x.transmitted_at = o.original_at AND x.stan = o.original_stan LIMIT 1) x ON true
                CROSS JOIN LATERAL (SELECT coalesce(nullif(l.state, 'asked'), CASE coalesce(w.reason, x.reason, -1)
                                                    WHEN 0 THEN 'approved' WHEN 6 THEN 'blocked' WHEN -1 THEN 'asked'
                                                    ELSE 'declined' END) AS state) y
                CROSS JOIN LATERAL (SELECT y.state, CASE y.state WHEN 'completed' THEN l.counted_yen
                                                                 WHEN 'approved' THEN w.amount_yen WHEN 'asked' THEN w.amount_yen
                                                                 ELSE 0 END AS counts_yen) z
                -- of one that has its end: who said so, and since when
                LEFT JOIN LATERAL (SELECT bool_or(a.kind = 'operator') AS decided,
                                          min(a.recorded_at) FILTER (WHERE a.state = 'completed') AS completed_at
                                   FROM advice a
                                   WHERE z.state IN ('completed', 'reversed') AND a.terminal = o.terminal
                                   AND a.transmitted_at = o.original_at AND a.stan = o.original_stan) k ON true
                -- where the card's use stands now; a completion of all that was asked for, the usual one, doesn't ask
                LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE (o.dispensed_yen < w.amount_yen OR z.state = 'completed')
                                   AND c.card_token = w.card_token LIMIT 1) h ON true
                LEFT JOIN LATERAL (SELECT d.corrections FROM card_day d WHERE z.state = 'completed'
                                   AND d.card_token = coalesce(h.successor, w.card_token) AND d.day = w.business_date LIMIT 1) d ON true
                LEFT JOIN LATERAL (SELECT t.enabled FROM atm t WHERE z.state = 'completed' AND t.terminal = o.terminal LIMIT 1) t ON true
                WHERE (v_known[o.position] OR w.reason = 6) AND NOT v_taken[o.position]
        ), judged AS (
                -- the first of a card and day, also among those of this batch
                SELECT f.*, CASE WHEN f.state = 'completed' AND f.kind <> 'operator' AND NOT (f.may_correct AND (NOT f.corrects
                                 OR row_number() OVER (PARTITION BY f.card_token, f.business_date, f.corrects AND f.may_correct
                                                       ORDER BY f.position) = 1)) THEN 'settled' ELSE f.state END AS state_before
                FROM found f
        )
        SELECT array_agg(ROW(j.position, j.terminal, j.original_at, j.original_stan,
                             j.kind, j.advice_at, j.advice_stan, j.why, j.amount_yen, j.dispensed_yen, j.repeated,
                             CASE WHEN j.contradicts THEN 'contradicts'
                                  WHEN j.repeated THEN NULL
                                  WHEN u.exception AND j.decided THEN 'decided'
                                  WHEN u.exception THEN j.state_before
                                  WHEN j.corrects THEN 'corrected' END,
                             j.corrects AND NOT u.exception,
                             j.seq, j.state_before, u.state_after,
                             c.counted_yen, c.counted_yen - j.counted_before_yen, u.commission,
                             CASE WHEN u.state_after IN ('completed', 'reversed') AND j.state IN ('asked', 'approved', 'completed')
                                  THEN j.counts_yen - c.counted_yen ELSE 0 END,
                             CASE WHEN u.state_after = 'reversed' AND j.state <> 'reversed' THEN 1 ELSE 0 END,
                             CASE WHEN u.state_after = 'reversed' AND j.state <> 'reversed'
                                  THEN j.customer_fee_yen + j.customer_tax_yen ELSE 0 END,
                             j.card_token, j.hall, j.business_date, j.issuer, j.link, j.original_amount_yen, j.band, j.tariff_from,
                             j.tax_rate_bp, j.customer_fee_yen, j.customer_tax_yen, j.interbank_fee_yen, j.interbank_tax_yen,
                             j.hall_share_yen, greatest(j.business_date, v_open_from))::ledger_effect
                         ORDER BY j.terminal, j.original_at, j.original_stan),
               count(*) FILTER (WHERE NOT j.repeated)
        INTO v_effect, v_new
        FROM judged j
        JOIN advice_rule u ON u.state_before = j.state_before
             AND u.relation = CASE WHEN j.dispensed_yen = 0 THEN 'zero'
                                   WHEN j.dispensed_yen % 1000 <> 0 OR j.dispensed_yen > j.counts_yen THEN 'more'
                                   WHEN j.dispensed_yen < j.counts_yen THEN 'less' ELSE 'equal' END
        CROSS JOIN LATERAL (SELECT CASE WHEN u.state_after <> 'completed' THEN 0
                                        WHEN u.exception THEN j.counts_yen
                                        ELSE j.dispensed_yen END AS counted_yen) c;

        -- an original that came while it was being blocked: its card was not locked
        IF coalesce(cardinality(v_effect), 0) + v_outside <> cardinality(p_terminal) THEN
                PERFORM ledger_conflict();
        END IF;

        INSERT INTO advice (terminal, transmitted_at, stan, seq, kind, advice_at, advice_stan, why, amount_yen,
                            dispensed_yen, state_before, state, counted_yen, commission, recorded_at)
        SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.kind, e.advice_at, e.advice_stan, e.why, e.amount_yen,
               e.dispensed_yen, e.state_before, e.state, e.counted_yen, e.commission, v_now
        FROM unnest(v_effect) e WHERE NOT e.repeated
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_written = ROW_COUNT;
        IF v_written <> v_new THEN
                PERFORM ledger_conflict();
        END IF;

        WITH effect AS MATERIALIZED (
                SELECT * FROM unnest(v_effect) e WHERE NOT e.repeated
        ), earned AS (
                INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band,
                        tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen,
                        interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
                SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.commission, e.hall, e.business_date, e.issuer, e.band,
                        e.tariff_from, e.tax_rate_bp, e.commission * e.customer_fee_yen, e.commission * e.customer_tax_yen,
                        e.commission * e.interbank_fee_yen, e.commission * e.interbank_tax_yen,
                        e.commission * e.hall_share_yen, e.counted_delta_yen, e.posted_on
                FROM effect e WHERE e.commission <> 0 OR e.counted_delta_yen <> 0
        )
        DELETE FROM open_withdrawal WHERE ctid = ANY (ARRAY(
                SELECT o.ctid FROM effect e
                CROSS JOIN LATERAL (SELECT o.ctid FROM open_withdrawal o WHERE o.terminal = e.terminal
                                    AND o.transmitted_at = e.transmitted_at AND o.stan = e.stan LIMIT 1) o
                WHERE e.state_before IN ('asked', 'approved') AND e.state IN ('completed', 'reversed')));

        -- the reversal of a withdrawal that its bank is still being asked about is its outcome; whoever
        -- else brings one at the same moment meets its key
        IF EXISTS (SELECT FROM unnest(v_effect) e WHERE NOT e.repeated AND e.state_before = 'asked' AND e.state = 'reversed') THEN
                INSERT INTO bank_outcome (terminal, transmitted_at, stan, reason, cause)
                SELECT e.terminal, e.transmitted_at, e.stan, 6, CASE e.kind WHEN 'operator' THEN 'operator' ELSE 'reversal' END
                FROM unnest(v_effect) e WHERE NOT e.repeated AND e.state_before = 'asked' AND e.state = 'reversed'
                ORDER BY 1, 2, 3
                ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS v_written = ROW_COUNT;
                IF v_written <> (SELECT count(*) FROM unnest(v_effect) e
                                 WHERE NOT e.repeated AND e.state_before = 'asked' AND e.state = 'reversed') THEN
                        PERFORM ledger_conflict();
                END IF;
        END IF;

        -- what the bank must be told of it
        IF EXISTS (SELECT FROM unnest(v_effect) e WHERE e.link IS NOT NULL) THEN
                WITH told AS (
                        INSERT INTO bank_notice (terminal, transmitted_at, stan, seq, link, kind, amount_yen, charge_yen,
                                                 dispensed_yen, why)
                        SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.link,
                               CASE WHEN e.state = 'reversed' THEN 'reversal'
                                    WHEN e.counted_yen < e.original_amount_yen THEN 'partial' ELSE 'completion' END,
                               e.original_amount_yen, e.customer_fee_yen + e.customer_tax_yen, e.counted_yen,
                               coalesce(e.why, CASE WHEN e.counted_yen = 0 THEN '21'
                                                    WHEN e.counted_yen < e.original_amount_yen THEN '32' ELSE '00' END)
                        FROM unnest(v_effect) e
                        WHERE e.link IS NOT NULL AND NOT e.repeated
                        AND (e.state = 'reversed' AND e.state_before <> 'reversed' OR e.counted_delta_yen <> 0)
                        RETURNING terminal, transmitted_at, stan, seq, link
                )
                INSERT INTO saf (terminal, transmitted_at, stan, seq, link, created_ms, due_ms)
                SELECT t.terminal, t.transmitted_at, t.stan, t.seq, t.link, p_now_ms, p_now_ms FROM told t;
        END IF;

        -- a day whose sums are made, or may be any time, is told what they lack: rows of its own, for which nobody waits
        IF EXISTS (SELECT FROM unnest(v_effect) e WHERE NOT e.repeated AND e.posted_on <= v_summed
                   AND (e.commission <> 0 OR e.counted_delta_yen <> 0)) THEN
                INSERT INTO unsummed_post (terminal, transmitted_at, stan, seq, posted_on)
                SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.posted_on
                FROM unnest(v_effect) e WHERE NOT e.repeated AND e.posted_on <= v_summed
                AND (e.commission <> 0 OR e.counted_delta_yen <> 0);
        END IF;

        IF v_gives_back THEN
                WITH back AS MATERIALIZED (
                        SELECT e.card_token, e.business_date, e.link IS NULL AS is_house, sum(e.back_cash_yen)::bigint AS cash_yen,
                               sum(e.back_count)::integer AS withdrawals, sum(e.back_fee_yen)::bigint AS fee_yen,
                               count(*) FILTER (WHERE e.corrects)::integer AS corrections
                        FROM unnest(v_effect) e
                        WHERE NOT e.repeated AND (e.back_cash_yen <> 0 OR e.back_count <> 0)
                        GROUP BY 1, 2, 3
                ), month AS (
                        INSERT INTO card_month AS m (card_token, month, cash_yen)
                        SELECT b.card_token, date_trunc('month', b.business_date::timestamp)::date, sum(b.cash_yen)
                        FROM back b GROUP BY 1, 2
                        ON CONFLICT (card_token, month) DO UPDATE SET cash_yen = m.cash_yen - EXCLUDED.cash_yen
                ), day AS (
                        INSERT INTO card_day AS d (card_token, day, cash_yen, withdrawals, corrections)
                        SELECT b.card_token, b.business_date, sum(b.cash_yen), sum(b.withdrawals), sum(b.corrections)
                        FROM back b GROUP BY 1, 2
                        ON CONFLICT (card_token, day) DO UPDATE
                        SET cash_yen = d.cash_yen - EXCLUDED.cash_yen, withdrawals = d.withdrawals - EXCLUDED.withdrawals,
                            corrections = d.corrections + EXCLUDED.corrections
                )
                INSERT INTO account AS a (card_token, opening_yen, balance_yen)
                SELECT b.card_token, 0, sum(b.cash_yen + b.fee_yen) FROM back b WHERE b.is_house GROUP BY 1
                ON CONFLICT (card_token) DO UPDATE SET balance_yen = a.balance_yen + EXCLUDED.balance_yen;
        END IF;

        IF EXISTS (SELECT FROM unnest(v_effect) e WHERE e.exception IS NOT NULL) THEN
                INSERT INTO exception_record (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what,
                                              amount_yen, dispensed_yen)
                SELECT e.terminal, e.advice_at, e.advice_stan, e.kind, e.transmitted_at, e.stan, e.exception,
                       e.amount_yen, e.dispensed_yen
                FROM unnest(v_effect) e WHERE e.exception IS NOT NULL
                ORDER BY 1, 2, 3, 4
                ON CONFLICT DO NOTHING;
        END IF;

        RETURN QUERY
        SELECT e.position, e.repeated, e.exception FROM unnest(v_effect) e
        UNION ALL
        SELECT o.position::integer, v_taken[o.position], CASE WHEN v_taken[o.position] THEN 'contradicts' ELSE 'out of range' END
        FROM unnest(p_original_at) WITH ORDINALITY o (original_at, position)
        WHERE v_taken[o.position] OR o.original_at < v_from OR o.original_at >= v_to;
END
$$;

INSERT INTO schema_migration VALUES (22, 'ledger');
COMMIT;
