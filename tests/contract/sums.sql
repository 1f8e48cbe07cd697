-- What contradicts itself in the database: one line a contradiction, none where all is well. Sums are made
-- from history alone. The limits are those of world.sql.
WITH last AS (
        SELECT DISTINCT ON (terminal, transmitted_at, stan) terminal, transmitted_at, stan, state, counted_yen
        FROM advice ORDER BY terminal, transmitted_at, stan, seq DESC
), used AS ( -- what each withdrawal that took limits counts for, and where its card's use stands now
        SELECT w.*, coalesce(h.successor, w.card_token) AS holder, s.state, s.state IN ('asked', 'approved', 'completed') AS counts, o.cause, o.reason AS outcome,
               CASE WHEN s.state IN ('asked', 'approved') THEN w.amount_yen
                    WHEN s.state = 'completed' THEN l.counted_yen ELSE 0 END AS counts_yen
        FROM withdrawal w
        LEFT JOIN last l USING (terminal, transmitted_at, stan)
        LEFT JOIN bank_outcome o USING (terminal, transmitted_at, stan)
        LEFT JOIN card h ON h.card_token = w.card_token
        CROSS JOIN LATERAL (SELECT coalesce(nullif(l.state, 'asked'), CASE coalesce(w.reason, o.reason, -1)
                                            WHEN 0 THEN 'approved' WHEN -1 THEN 'asked' ELSE 'declined' END) AS state) s
        WHERE coalesce(w.reason, 0) = 0
), by_day AS (
        SELECT holder AS card_token, business_date AS day, sum(counts_yen) AS yen,
               count(*) FILTER (WHERE counts) AS withdrawals
        FROM used GROUP BY 1, 2
), by_month AS (
        SELECT holder AS card_token, date_trunc('month', business_date::timestamp)::date AS month,
               sum(counts_yen) AS yen
        FROM used GROUP BY 1, 2
), by_card AS (
        SELECT holder AS card_token, sum(counts_yen + CASE WHEN counts THEN customer_fee_yen + customer_tax_yen
                                                 ELSE 0 END) AS yen
        FROM used WHERE link IS NULL GROUP BY 1
), told AS ( -- what each bank was told last
        SELECT DISTINCT ON (terminal, transmitted_at, stan) *
        FROM bank_notice ORDER BY terminal, transmitted_at, stan, seq DESC
), earned AS (
        SELECT terminal, transmitted_at, stan, sum(customer_fee_yen) AS fee, sum(customer_tax_yen) AS tax,
               sum(interbank_fee_yen) AS bank_fee, sum(interbank_tax_yen) AS bank_tax,
               sum(hall_share_yen) AS share, sum(cash_yen) AS cash
        FROM commission GROUP BY 1, 2, 3
), summed AS ( -- the rows of the days that have their sums, but for those that are noted as posted since
        SELECT c.*, extract(hour FROM c.transmitted_at AT TIME ZONE 'Asia/Tokyo')::smallint AS hour,
               date_trunc('month', c.posted_on)::date AS month, m.month IS NOT NULL AS whole
        FROM commission c
        JOIN summed_day d ON d.day = c.posted_on
        LEFT JOIN summed_month m ON m.month = date_trunc('month', c.posted_on)::date
        WHERE NOT EXISTS (SELECT FROM unsummed_post u WHERE (u.terminal, u.transmitted_at, u.stan, u.seq)
                          = (c.terminal, c.transmitted_at, c.stan, c.seq))
), cube AS (
        SELECT k.cube, s.month, k.posted_on, k.terminal, k.hall, k.issuer, k.band, k.hour, k.rate,
               (sum(s.sign), sum(s.cash_yen), sum(s.customer_fee_yen), sum(s.customer_tax_yen), sum(s.interbank_fee_yen),
                sum(s.interbank_tax_yen), sum(s.hall_share_yen))::text AS sums
        FROM summed s
        CROSS JOIN LATERAL (VALUES
                ('detail', posted_on, terminal, hall, issuer, band, NULL, NULL),
                ('day', posted_on, terminal, hall, NULL, NULL, NULL, NULL),
                ('bank', posted_on, NULL, NULL, issuer, band, hour, tax_rate_bp),
                ('hour', CASE WHEN NOT whole THEN posted_on END, terminal, hall, NULL, band, hour, NULL),
                (CASE WHEN whole THEN 'atm' END, NULL, terminal, hall, NULL, NULL, NULL, NULL),
                (CASE WHEN whole THEN 'place' END, NULL, terminal, hall, issuer, band, NULL, NULL))
                k (cube, posted_on, terminal, hall, issuer, band, hour, rate)
        WHERE k.cube IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
), kept AS ( -- by the hall's places they are apart
        SELECT cube, month, posted_on, terminal, hall, issuer, band, hour, tax_rate_bp AS rate,
               (sum(withdrawals), sum(cash_yen), sum(customer_fee_yen), sum(customer_tax_yen), sum(interbank_fee_yen),
                sum(interbank_tax_yen), sum(hall_share_yen))::text AS sums
        FROM summary GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
)
SELECT 'card_day ' || coalesce(d.card_token, x.card_token)
FROM v_card_day d FULL JOIN by_day x USING (card_token, day)
LEFT JOIN card c ON c.card_token = x.card_token
WHERE (d.cash_yen, d.withdrawals) IS DISTINCT FROM (x.yen, x.withdrawals)
AND (d.day IS NOT NULL OR (x.day < c.earlier_day_on) IS NOT TRUE)
UNION ALL
SELECT 'card_month ' || coalesce(m.card_token, x.card_token)
FROM v_card_month m FULL JOIN by_month x USING (card_token, month)
LEFT JOIN card c ON c.card_token = x.card_token
WHERE m.cash_yen IS DISTINCT FROM x.yen
AND (m.month IS NOT NULL OR (x.month < c.earlier_month_on) IS NOT TRUE)
UNION ALL
SELECT 'account ' || coalesce(a.card_token, x.card_token)
FROM card a FULL JOIN by_card x USING (card_token)
WHERE a.opening_yen IS NULL AND x.yen IS NOT NULL OR a.balance_yen <> a.opening_yen - coalesce(x.yen, 0)
UNION ALL
SELECT 'open_withdrawal ' || coalesce(o.terminal || ' ' || o.stan, u.terminal || ' ' || u.stan)
FROM v_open o
FULL JOIN (SELECT * FROM used WHERE state IN ('asked', 'approved')) u USING (terminal, transmitted_at, stan)
WHERE o.card_token IS NULL OR u.card_token IS NULL OR (o.asked_ms IS NULL) <> (u.link IS NULL)
UNION ALL
SELECT 'bank_outcome ' || o.terminal || ' ' || o.stan
FROM bank_outcome o LEFT JOIN withdrawal w USING (terminal, transmitted_at, stan)
WHERE w.link IS NULL
UNION ALL -- the bank is told what is recorded; nothing where it refused, or nothing is known, unless it approved late
SELECT 'bank_notice ' || coalesce(u.terminal || ' ' || u.stan || ' ' || u.state, t.terminal || ' ' || t.stan)
FROM (SELECT * FROM used WHERE link IS NOT NULL) u FULL JOIN told t USING (terminal, transmitted_at, stan)
WHERE u.card_token IS NULL
   OR CASE WHEN u.state IN ('asked', 'approved') OR (u.state = 'declined' AND u.cause <> 'timeout')
           THEN t.kind IS NOT NULL AND (t.seq, t.kind, u.state) IS DISTINCT FROM (32767, 'reversal', 'declined')
           WHEN u.state = 'completed'
           THEN (t.dispensed_yen, t.kind) IS DISTINCT FROM
                (u.counts_yen, CASE WHEN u.counts_yen = u.amount_yen THEN 'completion' ELSE 'partial' END)
           ELSE (t.dispensed_yen, t.kind) IS DISTINCT FROM (0, 'reversal') END
   OR (t.amount_yen, t.charge_yen, t.link) IS DISTINCT FROM
      (u.amount_yen, u.customer_fee_yen + u.customer_tax_yen, u.link) AND t.kind IS NOT NULL
UNION ALL -- each notice waits or is acknowledged, in order
SELECT 'saf ' || coalesce(n.terminal, s.terminal, a.terminal)
FROM bank_notice n
FULL JOIN saf s USING (terminal, transmitted_at, stan, seq)
FULL JOIN bank_ack a USING (terminal, transmitted_at, stan, seq)
WHERE n.link IS NULL OR (s.link IS NULL) = (a.attempts IS NULL) OR s.link <> n.link
UNION ALL
SELECT 'order ' || s.terminal || ' ' || s.stan
FROM saf s JOIN bank_ack a USING (terminal, transmitted_at, stan) WHERE a.seq > s.seq
UNION ALL -- I3
SELECT 'commission ' || w.terminal || ' ' || w.stan
FROM withdrawal w
LEFT JOIN last l USING (terminal, transmitted_at, stan)
LEFT JOIN earned e USING (terminal, transmitted_at, stan)
WHERE CASE WHEN l.state = 'completed'
           THEN (e.fee, e.tax, e.bank_fee, e.bank_tax, e.share, e.cash) IS DISTINCT FROM
                (w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen, w.interbank_tax_yen,
                 w.hall_share_yen, l.counted_yen)
           ELSE (coalesce(e.fee, 0), coalesce(e.tax, 0), coalesce(e.bank_fee, 0), coalesce(e.bank_tax, 0),
                 coalesce(e.share, 0), coalesce(e.cash, 0)) IS DISTINCT FROM (0, 0, 0, 0, 0, 0) END
UNION ALL -- I6
SELECT 'summary ' || concat_ws(' ', d.cube, d.month, d.terminal)
FROM (TABLE cube EXCEPT TABLE kept UNION ALL (TABLE kept EXCEPT TABLE cube)) d
UNION ALL
SELECT 'unsummed_post ' || u.terminal || ' ' || u.stan
FROM unsummed_post u LEFT JOIN commission c USING (terminal, transmitted_at, stan, seq)
WHERE u.posted_on IS DISTINCT FROM c.posted_on
UNION ALL -- whoever posts to a day that has its sums must know it
SELECT 'summed_day ' || d.day FROM summed_day d
WHERE d.day > coalesce((SELECT summed_through FROM books), '-infinity')
UNION ALL
SELECT 'summed_month ' || m.month
FROM summed_month m CROSS JOIN LATERAL generate_series(m.month, m.month + INTERVAL '1 month - 1 day', INTERVAL '1 day') d
WHERE NOT EXISTS (SELECT FROM summed_day s WHERE s.day = d::date)
UNION ALL -- wrong PINs since the last right one, or a person's word
SELECT 'pin_tries ' || c.card_token
FROM card c
CROSS JOIN LATERAL (SELECT coalesce(max(e.seq) FILTER (WHERE e.kind IN ('right', 'unblocked')), 0) AS cleared FROM pin_event e
                    WHERE e.card_token = c.card_token) l
CROSS JOIN LATERAL (SELECT count(*) AS wrong FROM pin_event e
                    WHERE e.card_token = c.card_token AND e.kind = 'wrong' AND e.seq > l.cleared) n
WHERE c.pin_tries <> CASE WHEN c.successor IS NULL THEN n.wrong ELSE 0 END
UNION ALL
SELECT 'pin_event ' || concat_ws(' ', terminal, transmitted_at, stan)
FROM (SELECT terminal, transmitted_at, stan, card_token, false AS is_inquiry FROM withdrawal WHERE reason = 21
      UNION ALL SELECT terminal, transmitted_at, stan, card_token, true FROM pin_inquiry WHERE reason = 21) r
FULL JOIN (SELECT * FROM pin_event WHERE kind IN ('wrong', 'unverified')) e USING (terminal, transmitted_at, stan, card_token, is_inquiry)
WHERE r.card_token IS NULL OR e.kind IS NULL
UNION ALL -- I4
SELECT 'limit of the day ' || card_token FROM v_card_day
WHERE cash_yen > 30000 OR (day >= '2020-04-01' AND withdrawals > 2)
UNION ALL
SELECT 'limit of the month ' || card_token FROM v_card_month
WHERE cash_yen > CASE WHEN month >= '2015-09-01' THEN 80000 ELSE 150000 END
