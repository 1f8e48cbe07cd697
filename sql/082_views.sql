-- The views that people, reports and the reconciliation read, and who may do what.
BEGIN;

-- Every withdrawal with what became of it. Fees are what was earned: the sum of its commission rows, so
-- that the columns of this view add up to the reports; zero while its end is not known.
CREATE VIEW v_withdrawal AS
SELECT w.terminal, w.stan, w.transmitted_at,
       right(to_char(w.transmitted_at AT TIME ZONE 'Asia/Tokyo', 'YYYYDDDHH24'), 6) || lpad(w.stan::text, 6, '0') AS rrn,
       w.card_token, w.amount_yen,
       coalesce(a.counted_yen, 0) AS dispensed_yen,
       coalesce(c.customer_fee_yen, 0) AS customer_fee_yen,
       coalesce(c.interbank_fee_yen, 0) AS interbank_fee_yen,
       coalesce(c.tax_yen, 0) AS tax_yen,
       withdrawal_state(a.state, coalesce(w.reason, o.reason)) AS state,
       r.de39, w.hall, w.business_date,
       r.name AS reason, w.issuer, w.band, w.pan_mask, coalesce(w.approval_code, o.approval_code) AS approval_code,
       w.link, o.cause AS outcome_cause, o.bank_de39,
       coalesce(c.customer_tax_yen, 0) AS customer_tax_yen,
       coalesce(c.hall_share_yen, 0) AS hall_share_yen,
       w.customer_fee_yen + w.customer_tax_yen AS charge_yen, -- DE 28, as priced: earned or not
       coalesce(w.approved_at, o.approved_at) AS approved_at,
       w.reason IS NULL AS is_asked, -- its link's bank; else it was refused for want of that
       w.customer_fee_yen AS fixed_customer_fee_yen, -- as priced
       w.interbank_fee_yen AS fixed_interbank_fee_yen,
       w.customer_tax_yen + w.interbank_tax_yen AS fixed_tax_yen
FROM withdrawal w
LEFT JOIN bank_outcome o ON w.reason IS NULL AND o.terminal = w.terminal AND o.transmitted_at = w.transmitted_at AND o.stan = w.stan
LEFT JOIN reason r ON r.reason = coalesce(w.reason, o.reason)
LEFT JOIN LATERAL (SELECT state, counted_yen FROM advice a
                   WHERE a.terminal = w.terminal AND a.transmitted_at = w.transmitted_at AND a.stan = w.stan
                   ORDER BY seq DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT sum(customer_fee_yen)::bigint AS customer_fee_yen,
                          sum(interbank_fee_yen)::bigint AS interbank_fee_yen,
                          sum(customer_tax_yen)::bigint AS customer_tax_yen,
                          sum(customer_tax_yen + interbank_tax_yen)::bigint AS tax_yen,
                          sum(hall_share_yen)::bigint AS hall_share_yen
                   FROM commission c
                   WHERE c.terminal = w.terminal AND c.transmitted_at = w.transmitted_at AND c.stan = w.stan) c ON true;

-- What a bank has not acknowledged yet, with what it is to be told. after: how many of the same withdrawal
-- go before it.
CREATE VIEW v_saf AS
SELECT s.link, s.terminal, s.transmitted_at, s.stan, s.seq,
       right(to_char(s.transmitted_at AT TIME ZONE 'Asia/Tokyo', 'YYYYDDDHH24'), 6) || lpad(s.stan::text, 6, '0') AS rrn,
       n.kind, n.amount_yen, n.charge_yen, n.dispensed_yen, n.why, s.attempts, s.created_ms, s.due_ms, s.parked, s.last_error,
       (SELECT count(*) FROM saf e WHERE e.terminal = s.terminal AND e.transmitted_at = s.transmitted_at
        AND e.stan = s.stan AND e.seq < s.seq) AS after
FROM saf s
LEFT JOIN LATERAL (SELECT * FROM bank_notice n WHERE n.terminal = s.terminal AND n.transmitted_at = s.transmitted_at
                   AND n.stan = s.stan AND n.seq = s.seq LIMIT 1) n ON true;

-- The links that issuers name, that something is waiting for, or that an instance sees: what waits, whose task the sending is, and
-- the withdrawals that are without an end.
CREATE VIEW v_link AS
SELECT l.link, (SELECT string_agg(i.issuer, ' ' ORDER BY i.issuer) FROM issuer i WHERE i.link = l.link) AS issuers,
       coalesce(s.waiting, 0) AS waiting, coalesce(s.parked, 0) AS parked, s.oldest_ms, coalesce(s.attempts, 0) AS attempts,
       e.holder, e.until_ms, coalesce(o.asked, 0) AS asked, coalesce(o.approved, 0) AS approved
FROM (SELECT link FROM issuer WHERE link IS NOT NULL UNION SELECT link FROM saf UNION SELECT link FROM saf_lease
      UNION SELECT name FROM sighting WHERE kind = 'link' AND sighting_is_fresh(seen_ms)) l
LEFT JOIN (SELECT link, count(*) AS waiting, count(*) FILTER (WHERE parked) AS parked, min(created_ms) AS oldest_ms,
                  max(attempts) AS attempts FROM saf GROUP BY link) s USING (link)
LEFT JOIN saf_lease e USING (link)
LEFT JOIN (SELECT w.link, count(*) FILTER (WHERE x.terminal IS NULL) AS asked, count(x.terminal) AS approved
           FROM open_withdrawal o
           CROSS JOIN LATERAL (SELECT w.link FROM withdrawal w WHERE w.terminal = o.terminal
                               AND w.transmitted_at = o.transmitted_at AND w.stan = o.stan LIMIT 1) w
           LEFT JOIN LATERAL (SELECT x.terminal FROM bank_outcome x WHERE x.terminal = o.terminal
                              AND x.transmitted_at = o.transmitted_at AND x.stan = o.stan LIMIT 1) x ON true
           WHERE o.asked_ms IS NOT NULL GROUP BY w.link) o USING (link);

-- What people should look at, and whether an operator has.
CREATE VIEW v_exception AS
SELECT e.*, r.terminal IS NOT NULL
       -- what could not be brought back, until it was
       OR e.kind = 'recovery' AND EXISTS (SELECT FROM recovery_item i WHERE i.transmitted_at = e.transmitted_at AND i.terminal = e.terminal
                                          AND i.stan = e.stan AND i.ended = 'brought back') AS resolved
FROM exception_record e
LEFT JOIN exception_resolution r USING (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what);

CREATE VIEW v_account AS
SELECT card_token, balance_yen, opening_yen FROM card WHERE opening_yen IS NOT NULL;

-- Of a card's PIN: whether there is anything to compare it with, the wrong ones that are counted, and whether they are too many (074_pins.sql).
CREATE VIEW v_card_pin AS
SELECT c.card_token, i.pin_method, c.pin_value IS NOT NULL AS is_set, c.pin_tries, i.pin_tries_max,
       i.pin_method <> 'none' AND c.pin_tries >= i.pin_tries_max AS is_blocked
FROM card c JOIN issuer i USING (issuer);

-- What cards' rows have of their use (025_cards.sql).
CREATE VIEW v_card_day AS
SELECT c.card_token, u.day, u.cash_yen, u.withdrawals, u.corrections
FROM card c
CROSS JOIN LATERAL (VALUES (c.day_on, c.day_yen, c.day_count, c.day_corrections),
                           (c.earlier_day_on, c.earlier_day_yen, c.earlier_day_count, c.earlier_day_corrections))
                   u (day, cash_yen, withdrawals, corrections)
WHERE u.day IS NOT NULL;

CREATE VIEW v_card_month AS
SELECT c.card_token, u.month, u.cash_yen
FROM card c
CROSS JOIN LATERAL (VALUES (c.month_on, c.month_yen), (c.earlier_month_on, c.earlier_month_yen)) u (month, cash_yen)
WHERE u.month IS NOT NULL;

-- What was posted, with the places that reports group by: those of the business date. From the rows, all of which it reads
-- whatever is asked; reports have the sums.
CREATE VIEW v_revenue AS
SELECT r.posted_on, r.business_date, r.terminal, r.hall, h.name AS hall_name, p.area, a.name AS area_name, p.prefecture,
       r.issuer, r.band, r.withdrawals, r.cash_yen, r.customer_fee_yen, r.interbank_fee_yen,
       r.customer_tax_yen + r.interbank_tax_yen AS tax_yen,
       r.customer_fee_yen + r.interbank_fee_yen AS commission_yen,
       r.hall_share_yen
FROM (SELECT terminal, posted_on, business_date, hall, issuer, band, sum(sign)::bigint AS withdrawals,
             sum(cash_yen)::bigint AS cash_yen, sum(customer_fee_yen)::bigint AS customer_fee_yen,
             sum(customer_tax_yen)::bigint AS customer_tax_yen, sum(interbank_fee_yen)::bigint AS interbank_fee_yen,
             sum(interbank_tax_yen)::bigint AS interbank_tax_yen, sum(hall_share_yen)::bigint AS hall_share_yen
      FROM commission GROUP BY 1, 2, 3, 4, 5, 6) r
JOIN hall h USING (hall)
JOIN hall_place p ON p.hall = r.hall AND p.from_on <= r.business_date AND p.until_on > r.business_date
JOIN area a ON a.area = p.area;

-- Holidays as they count: an operator's row wins over the package's.
CREATE VIEW v_holiday AS
SELECT DISTINCT ON (day) day, name, is_holiday, source FROM holiday ORDER BY day, source;

-- Keys of terminals, links and issuers, without the blocks.
CREATE VIEW v_key_set AS
SELECT owner_kind, owner, kind, number, key_set_state(current_at, retired_at) AS state, key_purposes(kind) AS purpose, check_value,
       custodian, bag, component_check, loaded_at, current_at, retired_at, exported_at
FROM key_set;

-- who may do what -----------------------------------------------------------------------------------

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO atm_daemon, atm_operator, atm_report; -- atm_keys is a member of atm_operator

GRANT EXECUTE ON FUNCTION reference_snapshot(bigint), schema_version() TO atm_daemon, atm_operator;
GRANT EXECUTE ON FUNCTION reference_tables(), reference_current(bigint) TO atm_daemon, atm_operator;
GRANT EXECUTE ON FUNCTION token_key_is(text), token_key_enter(text) TO atm_daemon, atm_operator;
GRANT EXECUTE ON FUNCTION token_key_correct(text) TO atm_operator;
GRANT EXECUTE ON FUNCTION role_is(name, name) TO atm_daemon, atm_operator;
GRANT EXECUTE ON FUNCTION business_now(), business_today() TO atm_operator, atm_report;
GRANT EXECUTE ON FUNCTION real_now_ms() TO atm_daemon, atm_operator, atm_report;
GRANT EXECUTE ON FUNCTION instance_limits_are, ledger_unblock, atm_end_due, sightings_write, sightings_leave, key_sets_since, key_sets_used TO atm_daemon;
GRANT EXECUTE ON FUNCTION key_purposes, key_set_state TO atm_operator;
GRANT EXECUTE ON FUNCTION key_set_add, key_set_retire, key_sets_exported TO atm_keys;
GRANT EXECUTE ON FUNCTION sighting_is_fresh TO atm_operator, atm_report;
GRANT EXECUTE ON FUNCTION standby_problem() TO atm_daemon, atm_operator;
GRANT EXECUTE ON FUNCTION epoch_now() TO atm_daemon, atm_operator, atm_report;
GRANT EXECUTE ON FUNCTION lock_holders(integer) TO atm_daemon, atm_operator, atm_report;
GRANT EXECUTE ON FUNCTION ledger_session, ledger_request, ledger_inquiry, ledger_advice, ledger_outcome, ledger_sweep, saf_take, saf_end, saf_look
        TO atm_daemon;

GRANT EXECUTE ON FUNCTION barred_note, disabled_note, trail_key, reason_of, withdrawal_state, withdrawal_counts, advice_relation TO atm_operator, atm_report;

-- what an earlier release granted
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM atm_operator, atm_report;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO atm_operator;
-- key blocks are of those who look after keys, and of atmd (key_sets_since)
REVOKE SELECT ON key_set FROM atm_operator;
GRANT SELECT ON key_set TO atm_keys;
-- What PINs are compared with nobody reads; of which cards it is there, the views say. Nor what a chip and its bank have to say to each other.
DO $$
DECLARE
        t record;
BEGIN
        FOR t IN SELECT h.name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
                 FROM (VALUES ('card', 'pin_value'), ('saf', 'chip')) h (name, hidden)
                 JOIN pg_attribute a ON a.attrelid = h.name::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> h.hidden
                 GROUP BY 1 LOOP
                EXECUTE format('REVOKE SELECT ON %I FROM atm_operator', t.name);
                EXECUTE format('GRANT SELECT (%s) ON %I TO atm_operator', t.columns, t.name);
        END LOOP;
END
$$;

-- Reports read all but what is about cards, and of the rest no token and no chip data. (Of what has partitions they read the whole; the summary's have
-- names of their own.)
DO $$
DECLARE
        t record;
BEGIN
        FOR t IN SELECT c.relname AS name, bool_or(a.attname IN ('card_token', 'successor', 'chip')) AS is_partly,
                        string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attname NOT IN ('card_token', 'successor', 'chip')) AS columns
                 FROM pg_class c
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                 AND (NOT c.relispartition OR starts_with(c.relname, 'summary_'))
                 AND c.relname NOT IN ('card', 'v_account', 'v_card_pin', 'v_card_month', 'v_card_day', 'exclusion', 'card_replacement', 'open_withdrawal',
                                       'v_open', 'v_open_listed', 'token_key', 'trail', 'recovery_item', 'key_set', 'v_key_set', 'key_version', 'pin_event',
                                       'pin_inquiry')
                 GROUP BY 1 LOOP
                EXECUTE format(CASE WHEN t.is_partly THEN 'GRANT SELECT (%s) ON %I TO atm_report' ELSE 'GRANT SELECT ON %2$I TO atm_report' END,
                               t.columns, t.name);
        END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION ledger_make_partitions(date, date) TO atm_daemon, atm_operator;
GRANT EXECUTE ON FUNCTION operator_saf, operator_resolve, card_only_used, card_open, card_replace, card_unblock, pin_set, account_open, period_close, recovery_propose, recovery_confirm,
        recovery_drop, recovery_step, claim_add, claim_close, atm_bar_note TO atm_operator;
-- (not to atm_report: left open in a transaction, the first keeps every batch waiting; its reports read the rows of days without sums)
GRANT EXECUTE ON FUNCTION summary_extend, summary_step TO atm_daemon, atm_operator;
REVOKE EXECUTE ON FUNCTION summary_extend, summary_step FROM atm_report; -- what an earlier release granted
GRANT EXECUTE ON FUNCTION report_parts, ledger_days, posted_rows, cube_every, cube_atm, cube_place, cube_detail, cube_day,
        cube_bank, cube_hour, report_atm, report_place, report_detail, report_day, report_bank, report_hour,
        report_base_fee, report_without_contract, closing_quarters, cost_missing, period_note, earlier_yen, tenths_text, tax_yen, quarter_first_day, quarter_last_day, quarter_of
        TO atm_operator, atm_report;
GRANT INSERT, UPDATE, DELETE ON contract, cost, target, published, peer, finance_rate TO atm_operator;
GRANT INSERT, UPDATE ON area, hall, atm, issuer, holiday TO atm_operator;
GRANT INSERT, UPDATE, DELETE ON card_prefix, tariff, tax_rate, limit_rule, network_hours TO atm_operator;
GRANT INSERT, UPDATE (until_on) ON exclusion TO atm_operator; -- one ends by its last day, and stays that card's
GRANT DELETE ON holiday TO atm_operator;
GRANT UPDATE (status, expiry_yymm) ON card TO atm_operator;

INSERT INTO schema_migration VALUES (82, 'views');
COMMIT;
