-- What contradicts itself in the database: one line a contradiction, none where all is well. Sums are made
-- from history alone. The limits are those of world.sql.
WITH last AS (
        SELECT DISTINCT ON (terminal, transmitted_at, stan) terminal, transmitted_at, stan, state, counted_yen
        FROM advice ORDER BY terminal, transmitted_at, stan, seq DESC
), used AS ( -- what each approval counts for
        SELECT w.*, coalesce(l.state, 'approved') AS state,
               CASE coalesce(l.state, 'approved') WHEN 'approved' THEN w.amount_yen
                                                  WHEN 'completed' THEN l.counted_yen ELSE 0 END AS counts_yen
        FROM withdrawal w LEFT JOIN last l USING (terminal, transmitted_at, stan)
        WHERE w.reason = 0
), by_day AS (
        SELECT card_token, business_date AS day, sum(counts_yen) AS yen,
               count(*) FILTER (WHERE state <> 'reversed') AS withdrawals
        FROM used GROUP BY 1, 2
), by_month AS (
        SELECT card_token, date_trunc('month', business_date::timestamp)::date AS month,
               sum(counts_yen) AS yen
        FROM used GROUP BY 1, 2
), by_card AS (
        SELECT card_token, sum(counts_yen + CASE WHEN state <> 'reversed'
                                                 THEN customer_fee_yen + customer_tax_yen ELSE 0 END) AS yen
        FROM used GROUP BY 1
), earned AS (
        SELECT terminal, transmitted_at, stan, sum(customer_fee_yen) AS fee, sum(customer_tax_yen) AS tax,
               sum(interbank_fee_yen) AS bank_fee, sum(interbank_tax_yen) AS bank_tax,
               sum(hall_share_yen) AS share
        FROM commission GROUP BY 1, 2, 3
), rolled AS (
        SELECT c.terminal, c.business_date, c.hall, c.issuer, c.band, sum(c.sign) AS withdrawals,
               sum(c.customer_fee_yen) AS fee, sum(c.customer_tax_yen) AS tax,
               sum(c.interbank_fee_yen) AS bank_fee, sum(c.interbank_tax_yen) AS bank_tax,
               sum(c.hall_share_yen) AS share
        FROM commission c GROUP BY 1, 2, 3, 4, 5
), rolled_cash AS (
        SELECT terminal, business_date, hall, issuer, band, sum(counts_yen) AS yen
        FROM used WHERE state = 'completed' GROUP BY 1, 2, 3, 4, 5
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
FULL JOIN (SELECT * FROM used WHERE state = 'approved') u USING (terminal, transmitted_at, stan)
WHERE o.card_token IS NULL OR u.card_token IS NULL
UNION ALL -- I3
SELECT 'commission ' || w.terminal || ' ' || w.stan
FROM withdrawal w
LEFT JOIN last l USING (terminal, transmitted_at, stan)
LEFT JOIN earned e USING (terminal, transmitted_at, stan)
WHERE CASE WHEN l.state = 'completed'
           THEN (e.fee, e.tax, e.bank_fee, e.bank_tax, e.share) IS DISTINCT FROM
                (w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen, w.interbank_tax_yen,
                 w.hall_share_yen)
           ELSE (coalesce(e.fee, 0), coalesce(e.tax, 0), coalesce(e.bank_fee, 0), coalesce(e.bank_tax, 0),
                 coalesce(e.share, 0)) IS DISTINCT FROM (0, 0, 0, 0, 0) END
UNION ALL -- I6
SELECT 'revenue_rollup ' || coalesce(r.terminal, x.terminal)
FROM revenue_rollup r
FULL JOIN rolled x USING (terminal, business_date, hall, issuer, band)
LEFT JOIN rolled_cash c USING (terminal, business_date, hall, issuer, band)
WHERE (r.withdrawals, r.cash_yen, r.customer_fee_yen, r.customer_tax_yen, r.interbank_fee_yen,
       r.interbank_tax_yen, r.hall_share_yen)
      IS DISTINCT FROM (x.withdrawals, coalesce(c.yen, 0), x.fee, x.tax, x.bank_fee, x.bank_tax, x.share)
UNION ALL -- I4
SELECT 'limit of the day ' || card_token FROM card_day
WHERE cash_yen > 30000 OR (day >= '2020-04-01' AND withdrawals > 2)
UNION ALL
SELECT 'limit of the month ' || card_token FROM card_month
WHERE cash_yen > CASE WHEN month >= '2015-09-01' THEN 80000 ELSE 150000 END
