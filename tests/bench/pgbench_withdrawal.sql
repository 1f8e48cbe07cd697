-- One withdrawal without batching: what the daemon writes for a 0200 and for its 0220, each as one statement
-- and one commit, in the fastest form for a single row: data-modifying CTEs, no look-up that could be left
-- out, prices and hall known to the caller. Run by scripts/bench with pgbench -M prepared -n.
--
-- What it leaves out, in pgbench's favour: the daemon also looks up the identity (repeats), the reference
-- version, card, exclusion, and the state before the advice. Its limits are those of the daemon: where one
-- does not hold, nothing is approved (the benchmark has cards enough that none is met).
--
-- Variables given: clients, first_stan, atms, cards, hall, offset_ms (business minus real time), tariff_from, tax_bp, fees and
-- taxes, limit_day_yen, limit_month_yen, limit_day_count, amount. `u` is unique over all clients, so that terminal and STAN are too.
\set n :n + 1
\set u :n * :clients + :client_id
\set t 1 + :u % :atms
\set stan (:first_stan + :u / :atms) % 1000000
\set c random(1, :cards)

-- the 0200: the card's row, withdrawal
WITH o AS MATERIALIZED (
        SELECT 'T' || lpad((:t)::text, 7, '0') AS terminal, date_trunc('second', m) AS transmitted_at,
               (m AT TIME ZONE 'Asia/Tokyo')::date AS day,
               (SELECT card_token FROM bench.card WHERE n = :c) AS card_token
        FROM (SELECT clock_timestamp() + :offset_ms::bigint * interval '1 millisecond') x (m)
), debit AS (
        UPDATE card c
        SET balance_yen = balance_yen - (:amount::bigint + :customer_fee::bigint + :customer_tax::bigint),
            month_on = date_trunc('month', o.day::timestamp)::date,
            month_yen = CASE WHEN month_on = date_trunc('month', o.day::timestamp)::date THEN month_yen ELSE 0 END + :amount::bigint,
            day_on = o.day, day_yen = CASE WHEN day_on = o.day THEN day_yen ELSE 0 END + :amount::bigint,
            day_count = CASE WHEN day_on = o.day THEN day_count ELSE 0 END + 1,
            earlier_day_on = CASE WHEN day_on = o.day THEN earlier_day_on ELSE day_on END,
            earlier_day_yen = CASE WHEN day_on = o.day THEN earlier_day_yen ELSE day_yen END,
            earlier_day_count = CASE WHEN day_on = o.day THEN earlier_day_count ELSE day_count END,
            earlier_month_on = CASE WHEN month_on = date_trunc('month', o.day::timestamp)::date THEN earlier_month_on ELSE month_on END,
            earlier_month_yen = CASE WHEN month_on = date_trunc('month', o.day::timestamp)::date THEN earlier_month_yen ELSE month_yen END
        FROM o
        WHERE c.card_token = o.card_token AND balance_yen >= :amount::bigint + :customer_fee::bigint + :customer_tax::bigint
        AND CASE WHEN month_on = date_trunc('month', o.day::timestamp)::date THEN month_yen ELSE 0 END + :amount::bigint <= :limit_month_yen
        AND CASE WHEN day_on = o.day THEN day_yen ELSE 0 END + :amount::bigint <= :limit_day_yen
        AND CASE WHEN day_on = o.day THEN day_count ELSE 0 END < :limit_day_count
        RETURNING c.card_token
)
INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, card_token, pan_mask, issuer,
        band, hall, business_date, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen,
        interbank_tax_yen, hall_share_yen, approval_code)
SELECT terminal, transmitted_at, :stan, 0, 10000, :amount, card_token, '990001******0000', 'HOUSE', :band, :hall, day,
       :tariff_from, :tax_bp, :customer_fee, :customer_tax, :interbank_fee, :interbank_tax, :share, '123456'
FROM o JOIN debit USING (card_token)
RETURNING terminal, transmitted_at, business_date AS day \gset

-- the 0220: advice and commission
WITH said AS (
        INSERT INTO advice (terminal, transmitted_at, stan, seq, kind, advice_at, advice_stan, amount_yen, dispensed_yen,
                state_before, state, counted_yen, commission)
        VALUES (:terminal, :transmitted_at, :stan, 1, 'completion', :transmitted_at, :stan, :amount, :amount, 'approved', 'completed',
                :amount, 1)
)
INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from,
        tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen,
        posted_on)
VALUES (:terminal, :transmitted_at, :stan, 1, 1, :hall, :day, 'HOUSE', :band, :tariff_from, :tax_bp, :customer_fee,
        :customer_tax, :interbank_fee, :interbank_tax, :share, :amount, :day);
