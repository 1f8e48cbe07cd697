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
), rolled AS ( -- everything that advices change in the books is a commission row
        SELECT c.terminal, c.posted_on, c.business_date, c.hall, c.issuer, c.band, sum(c.sign) AS withdrawals,
               sum(c.cash_yen) AS cash,
               sum(c.customer_fee_yen) AS fee, sum(c.customer_tax_yen) AS tax,
               sum(c.interbank_fee_yen) AS bank_fee, sum(c.interbank_tax_yen) AS bank_tax,
               sum(c.hall_share_yen) AS share
        FROM commission c GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT 'card_day ' || coalesce(d.card_token, x.card_token)
FROM card_day d FULL JOIN by_day x USING (card_token, day)
WHERE (d.cash_yen, d.withdrawals) IS DISTINCT FROM (x.yen, x.withdrawals)
UNION ALL
SELECT 'card_month ' || coalesce(m.card_token, x.card_token)
FROM card_month m FULL JOIN by_month x USING (card_token, month)
WHERE coalesce(m.cash_yen, -1) <> coalesce(x.yen, 0)
UNION ALL
SELECT 'account ' || a.card_token
FROM account a LEFT JOIN by_card x USING (card_token)
WHERE a.balance_yen <> a.opening_yen - coalesce(x.yen, 0)
UNION ALL
SELECT 'open_withdrawal ' || coalesce(o.terminal || ' ' || o.stan, u.terminal || ' ' || u.stan)
FROM open_withdrawal o
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
SELECT 'revenue_rollup ' || coalesce(r.terminal, x.terminal)
FROM revenue_rollup r
FULL JOIN rolled x USING (terminal, posted_on, business_date, hall, issuer, band)
WHERE (r.withdrawals, r.cash_yen, r.customer_fee_yen, r.customer_tax_yen, r.interbank_fee_yen,
       r.interbank_tax_yen, r.hall_share_yen)
      IS DISTINCT FROM (x.withdrawals, x.cash, x.fee, x.tax, x.bank_fee, x.bank_tax, x.share)
UNION ALL -- I4
SELECT 'limit of the day ' || card_token FROM card_day
WHERE cash_yen > 30000 OR (day >= '2020-04-01' AND withdrawals > 2)
UNION ALL
SELECT 'limit of the month ' || card_token FROM card_month
WHERE cash_yen > CASE WHEN month >= '2015-09-01' THEN 80000 ELSE 150000 END
