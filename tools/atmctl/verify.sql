-- What atmctl verify recomputes. The program embeds this file and runs it piece by piece: first `prepare`,
-- then, in one snapshot, each `check NAME: what holds`. A check is a query over all of its things that gives
-- key, expected, found and whether they differ; the program counts its rows and names those that do.

-- prepare
-- A withdrawal as people find it.
CREATE FUNCTION pg_temp.key_of(terminal text, transmitted_at timestamptz, stan integer) RETURNS text
LANGUAGE sql STABLE AS $$
        SELECT terminal || ' ' || to_char(transmitted_at, 'YYYY-MM-DD"T"HH24:MI:SS') || '+09:00 ' || lpad(stan::text, 6, '0')
$$;
CREATE FUNCTION pg_temp.fees(customer numeric, customer_tax numeric, interbank numeric, interbank_tax numeric,
                             hall_share numeric) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
        SELECT 'customer ' || customer || '+' || customer_tax || ', interbank ' || interbank || '+' || interbank_tax
               || ', hall ' || hall_share
$$;
CREATE FUNCTION pg_temp.tax(fee_yen bigint, rate_bp integer, rounding text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE rounding WHEN 'down' THEN fee_yen * rate_bp / 10000
                             WHEN 'nearest' THEN (fee_yen * rate_bp + 5000) / 10000
                             ELSE (fee_yen * rate_bp + 9999) / 10000 END
$$;
-- What the history says without any advice: the house bank's decision, or the bank's outcome.
CREATE FUNCTION pg_temp.decided(reason smallint, outcome smallint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE coalesce(reason, outcome, -1) WHEN 0 THEN 'approved' WHEN 6 THEN 'blocked' WHEN -1 THEN 'asked'
                    ELSE 'declined' END
$$;
-- Every withdrawal that was approved, or that a bank was asked about, with its recorded end: its last advice.
-- Nearly all have one advice, so that only the later ones are sorted.
CREATE TEMPORARY VIEW ended AS
SELECT w.*, e.state, coalesce(l.counted_yen, f.counted_yen, 0) AS counted_yen,
       CASE WHEN e.state = 'completed' THEN coalesce(l.counted_yen, f.counted_yen)
            WHEN e.state IN ('asked', 'approved') THEN w.amount_yen ELSE 0 END AS used_yen, -- of the card's limits
       e.state IN ('asked', 'approved', 'completed') AS is_used,
       x.reason AS outcome, x.cause
FROM withdrawal w
LEFT JOIN bank_outcome x USING (terminal, transmitted_at, stan)
LEFT JOIN (SELECT terminal, transmitted_at, stan, state, counted_yen FROM advice WHERE seq = 1) f
        USING (terminal, transmitted_at, stan)
LEFT JOIN (SELECT DISTINCT ON (terminal, transmitted_at, stan) terminal, transmitted_at, stan, state, counted_yen
           FROM advice WHERE seq > 1 ORDER BY terminal, transmitted_at, stan, seq DESC) l
        USING (terminal, transmitted_at, stan)
CROSS JOIN LATERAL (SELECT coalesce(nullif(coalesce(l.state, f.state), 'asked'),
                                    pg_temp.decided(w.reason, x.reason)) AS state) e
WHERE w.reason = 0 OR w.link IS NOT NULL;

-- check commission: the commission rows of a withdrawal add up to its price if cash was dispensed, else to nothing
WITH found AS (
        SELECT terminal, transmitted_at, stan, sum(customer_fee_yen) AS cf, sum(customer_tax_yen) AS ct,
               sum(interbank_fee_yen) AS bf, sum(interbank_tax_yen) AS bt, sum(hall_share_yen) AS hs, sum(cash_yen) AS cash
        FROM commission GROUP BY terminal, transmitted_at, stan
), expected AS (
        SELECT terminal, transmitted_at, stan, customer_fee_yen * n AS cf, customer_tax_yen * n AS ct,
               interbank_fee_yen * n AS bf, interbank_tax_yen * n AS bt, hall_share_yen * n AS hs, counted_yen * n AS cash
        FROM ended CROSS JOIN LATERAL (SELECT CASE state WHEN 'completed' THEN 1 ELSE 0 END AS n) x
), both_sides AS (
        SELECT terminal, transmitted_at, stan,
               coalesce(e.cf, 0) AS ecf, coalesce(e.ct, 0) AS ect, coalesce(e.bf, 0) AS ebf, coalesce(e.bt, 0) AS ebt,
               coalesce(e.hs, 0) AS ehs, coalesce(e.cash, 0) AS ecash, coalesce(f.cash, 0) AS fcash,
               coalesce(f.cf, 0) AS fcf, coalesce(f.ct, 0) AS fct, coalesce(f.bf, 0) AS fbf, coalesce(f.bt, 0) AS fbt,
               coalesce(f.hs, 0) AS fhs
        FROM expected e FULL JOIN found f USING (terminal, transmitted_at, stan)
)
SELECT pg_temp.key_of(terminal, transmitted_at, stan) AS key,
       pg_temp.fees(ecf, ect, ebf, ebt, ehs) || ', cash ' || ecash AS expected,
       pg_temp.fees(fcf, fct, fbf, fbt, fhs) || ', cash ' || fcash AS found,
       (ecf, ect, ebf, ebt, ehs, ecash) IS DISTINCT FROM (fcf, fct, fbf, fbt, fhs, fcash) AS differs
FROM both_sides

-- check commission_row: each commission row is its withdrawal's price, caused by an advice that says so
SELECT pg_temp.key_of(c.terminal, c.transmitted_at, c.stan) || ' row ' || c.seq AS key,
       CASE WHEN w.terminal IS NULL THEN 'an approved withdrawal'
            WHEN a.seq IS NULL THEN 'an advice that earns ' || c.sign
            ELSE concat_ws(' ', w.hall, w.business_date, w.issuer, w.band, w.tariff_from, w.tax_rate_bp,
                           pg_temp.fees(w.customer_fee_yen * c.sign, w.customer_tax_yen * c.sign,
                                        w.interbank_fee_yen * c.sign, w.interbank_tax_yen * c.sign,
                                        w.hall_share_yen * c.sign)) END AS expected,
       CASE WHEN w.terminal IS NULL OR a.seq IS NULL THEN 'none'
            ELSE concat_ws(' ', c.hall, c.business_date, c.issuer, c.band, c.tariff_from, c.tax_rate_bp,
                           pg_temp.fees(c.customer_fee_yen, c.customer_tax_yen, c.interbank_fee_yen,
                                        c.interbank_tax_yen, c.hall_share_yen)) END AS found,
       w.terminal IS NULL OR a.seq IS NULL
       OR (w.hall, w.business_date, w.issuer, w.band, w.tariff_from, w.tax_rate_bp, w.customer_fee_yen * c.sign,
           w.customer_tax_yen * c.sign, w.interbank_fee_yen * c.sign, w.interbank_tax_yen * c.sign,
           w.hall_share_yen * c.sign)
          IS DISTINCT FROM (c.hall, c.business_date, c.issuer, c.band, c.tariff_from, c.tax_rate_bp,
                            c.customer_fee_yen, c.customer_tax_yen, c.interbank_fee_yen, c.interbank_tax_yen,
                            c.hall_share_yen) AS differs
FROM commission c
LEFT JOIN withdrawal w ON w.terminal = c.terminal AND w.transmitted_at = c.transmitted_at AND w.stan = c.stan
     AND (w.reason = 0 OR w.link IS NOT NULL)
LEFT JOIN advice a ON a.terminal = c.terminal AND a.transmitted_at = c.transmitted_at AND a.stan = c.stan
     AND a.seq = c.seq AND a.commission = c.sign

-- check price: tariff and tax of a withdrawal are those of the reference rows of its date
SELECT pg_temp.key_of(w.terminal, w.transmitted_at, w.stan) AS key,
       CASE WHEN t.from_on IS NULL OR r.from_on IS NULL THEN 'a tariff and a tax rate of that day'
            ELSE concat_ws(' ', 'tariff', t.from_on, 'tax', r.rate_bp,
                           pg_temp.fees(t.customer_fee_yen, x.customer_tax_yen, t.interbank_fee_yen,
                                        x.interbank_tax_yen, t.customer_fee_yen + t.interbank_fee_yen),
                           'at most') END AS expected,
       concat_ws(' ', 'tariff', w.tariff_from, 'tax', w.tax_rate_bp,
                 pg_temp.fees(w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen, w.interbank_tax_yen,
                              w.hall_share_yen)) AS found,
       (t.from_on, r.rate_bp, t.customer_fee_yen, x.customer_tax_yen, t.interbank_fee_yen, x.interbank_tax_yen)
       IS DISTINCT FROM (w.tariff_from, w.tax_rate_bp, w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen,
                         w.interbank_tax_yen)
       -- what a hall's contract said at that moment is in no other row: only its bounds are known
       OR w.hall_share_yen NOT BETWEEN 0 AND w.customer_fee_yen + w.interbank_fee_yen AS differs
FROM withdrawal w
LEFT JOIN LATERAL (SELECT * FROM tariff t WHERE t.issuer = w.issuer AND t.band = w.band AND t.from_on <= w.business_date
                   ORDER BY t.from_on DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT * FROM tax_rate r WHERE r.from_on <= w.business_date
                   ORDER BY r.from_on DESC LIMIT 1) r ON true
CROSS JOIN LATERAL (SELECT pg_temp.tax(t.customer_fee_yen, r.rate_bp, r.rounding) AS customer_tax_yen,
                           pg_temp.tax(t.interbank_fee_yen, r.rate_bp, r.rounding) AS interbank_tax_yen) x
WHERE w.reason = 0 OR w.link IS NOT NULL

-- check band: business date and band of a withdrawal follow from its moment and the holidays
WITH days AS (
        SELECT d::date AS day, extract(isodow FROM d) < 6 AND to_char(d, 'MMDD') NOT IN ('1231', '0101', '0102', '0103')
               AND NOT EXISTS (SELECT FROM v_holiday h WHERE h.day = d::date AND h.is_holiday) AS working
        FROM generate_series((SELECT min(from_on) FROM ledger_partition)::timestamp,
                             (SELECT max(to_on) FROM ledger_partition)::timestamp, INTERVAL '1 day') d
)
SELECT pg_temp.key_of(w.terminal, w.transmitted_at, w.stan) AS key,
       w.moment::date || ' ' || b.band AS expected, w.business_date || ' ' || w.band AS found,
       (w.moment::date, b.band) IS DISTINCT FROM (w.business_date, w.band) AS differs
FROM (SELECT *, transmitted_at AT TIME ZONE 'Asia/Tokyo' AS moment FROM withdrawal
      WHERE reason = 0 OR link IS NOT NULL) w
JOIN days d ON d.day = w.moment::date
CROSS JOIN LATERAL (SELECT CASE WHEN d.working AND w.moment::time >= TIME '08:45' AND w.moment::time < TIME '18:00'
                                THEN 'day' ELSE 'other' END AS band) b

-- check advice: each advice did to its withdrawal what the table of states says
SELECT pg_temp.key_of(a.terminal, a.transmitted_at, a.stan) || ' advice ' || a.seq AS key,
       CASE WHEN w.terminal IS NULL THEN 'a withdrawal'
            ELSE concat_ws(' ', 'seq', a.n, b.state, '->', u.state_after, 'counted', e.counted_yen, 'commission',
                           u.commission) END AS expected,
       CASE WHEN w.terminal IS NULL THEN 'none'
            ELSE concat_ws(' ', 'seq', a.seq, a.state_before, '->', a.state, 'counted', a.counted_yen, 'commission',
                           a.commission) END AS found,
       w.terminal IS NULL
       OR (a.n, b.state, u.state_after, e.counted_yen, u.commission)
          IS DISTINCT FROM (a.seq::bigint, a.state_before, a.state, a.counted_yen, a.commission) AS differs
FROM (SELECT *, row_number() OVER o AS n, lag(state) OVER o AS last_state, lag(counted_yen) OVER o AS last_counted
      FROM advice WINDOW o AS (PARTITION BY terminal, transmitted_at, stan ORDER BY seq)) a
LEFT JOIN withdrawal w USING (terminal, transmitted_at, stan)
LEFT JOIN bank_outcome x USING (terminal, transmitted_at, stan)
-- a bank may have been still deciding when the advice came, whatever it decided then
CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(a.last_state, 'asked') <> 'asked' THEN a.last_state
                                WHEN w.link IS NOT NULL AND a.state_before = 'asked' THEN 'asked'
                                ELSE pg_temp.decided(w.reason, x.reason) END AS state) b
CROSS JOIN LATERAL (SELECT CASE b.state WHEN 'completed' THEN a.last_counted WHEN 'approved' THEN w.amount_yen
                           WHEN 'asked' THEN w.amount_yen ELSE 0 END AS counts_yen) c
LEFT JOIN advice_rule u ON u.state_before = b.state
     AND u.relation = CASE WHEN a.dispensed_yen = 0 THEN 'zero' WHEN a.dispensed_yen < c.counts_yen THEN 'less'
                           WHEN a.dispensed_yen = c.counts_yen THEN 'equal' ELSE 'more' END
CROSS JOIN LATERAL (SELECT CASE WHEN u.state_after <> 'completed' THEN 0 WHEN u.relation = 'more' THEN c.counts_yen
                           ELSE a.dispensed_yen END AS counted_yen) e

-- check rollup: the revenue roll-up is the sum of the commission rows
WITH sums AS (
        SELECT terminal, posted_on, business_date, hall, issuer, band, sum(sign) AS n, sum(cash_yen) AS cash,
               sum(customer_fee_yen) AS cf, sum(customer_tax_yen) AS ct, sum(interbank_fee_yen) AS bf,
               sum(interbank_tax_yen) AS bt, sum(hall_share_yen) AS hs
        FROM commission GROUP BY terminal, posted_on, business_date, hall, issuer, band
), both_sides AS (
        SELECT terminal, posted_on, business_date, hall, issuer, band,
               coalesce(s.n, 0) AS en, coalesce(s.cash, 0) AS ecash, coalesce(s.cf, 0) AS ecf, coalesce(s.ct, 0) AS ect,
               coalesce(s.bf, 0) AS ebf, coalesce(s.bt, 0) AS ebt, coalesce(s.hs, 0) AS ehs,
               coalesce(r.withdrawals, 0) AS fn, coalesce(r.cash_yen, 0) AS fcash,
               coalesce(r.customer_fee_yen, 0) AS fcf, coalesce(r.customer_tax_yen, 0) AS fct,
               coalesce(r.interbank_fee_yen, 0) AS fbf, coalesce(r.interbank_tax_yen, 0) AS fbt,
               coalesce(r.hall_share_yen, 0) AS fhs
        FROM sums s FULL JOIN revenue_rollup r USING (terminal, posted_on, business_date, hall, issuer, band)
)
SELECT concat_ws(' ', terminal, posted_on, business_date, hall, issuer, band) AS key,
       'withdrawals ' || en || ', cash ' || ecash || ', ' || pg_temp.fees(ecf, ect, ebf, ebt, ehs) AS expected,
       'withdrawals ' || fn || ', cash ' || fcash || ', ' || pg_temp.fees(fcf, fct, fbf, fbt, fhs) AS found,
       (en, ecash, ecf, ect, ebf, ebt, ehs) IS DISTINCT FROM (fn, fcash, fcf, fct, fbf, fbt, fhs) AS differs
FROM both_sides

-- check card_day: a card's use of a day is what its withdrawals took: dispensed cash, or all where the end is not known
WITH used AS (
        SELECT card_token, business_date AS day, sum(used_yen) AS cash_yen, count(*) AS withdrawals
        FROM ended WHERE is_used GROUP BY card_token, business_date
)
SELECT 'card ' || card_token || ' ' || day AS key,
       coalesce(u.withdrawals, 0) || ' withdrawals, ' || coalesce(u.cash_yen, 0) AS expected,
       coalesce(d.withdrawals, 0) || ' withdrawals, ' || coalesce(d.cash_yen, 0) AS found,
       (coalesce(u.withdrawals, 0), coalesce(u.cash_yen, 0))
       IS DISTINCT FROM (coalesce(d.withdrawals, 0), coalesce(d.cash_yen, 0)) AS differs
FROM used u FULL JOIN card_day d USING (card_token, day)

-- check card_month: a card's use of a calendar month likewise
WITH used AS (
        SELECT card_token, date_trunc('month', business_date::timestamp)::date AS month, sum(used_yen) AS cash_yen
        FROM ended WHERE is_used GROUP BY 1, 2
)
SELECT 'card ' || card_token || ' ' || to_char(month, 'YYYY-MM') AS key,
       coalesce(u.cash_yen, 0)::text AS expected, coalesce(m.cash_yen, 0)::text AS found,
       coalesce(u.cash_yen, 0) <> coalesce(m.cash_yen, 0) AS differs
FROM used u FULL JOIN card_month m USING (card_token, month)

-- check account: an account of the house bank holds what it opened with less what its card's withdrawals took and cost
WITH used AS (
        SELECT card_token, sum(used_yen + customer_fee_yen + customer_tax_yen) AS taken_yen
        FROM ended WHERE is_used AND link IS NULL GROUP BY card_token
)
SELECT 'card ' || card_token AS key,
       coalesce((a.opening_yen - coalesce(u.taken_yen, 0))::text, 'an account') AS expected,
       coalesce(a.balance_yen::text, 'none') AS found,
       a.balance_yen IS NULL OR a.opening_yen - coalesce(u.taken_yen, 0) <> a.balance_yen AS differs
FROM account a FULL JOIN used u USING (card_token)

-- check open_withdrawal: the open withdrawals are the asked and the approved ones without an end
WITH both_sides AS (
        SELECT terminal, transmitted_at, stan,
               coalesce('open, card ' || e.card_token || ', ' || e.amount_yen
                        || CASE WHEN e.link IS NULL THEN ', house bank' ELSE ', link' END, 'ended') AS expected,
               coalesce('open, card ' || o.card_token || ', ' || o.amount_yen
                        || CASE WHEN o.asked_ms IS NULL THEN ', house bank' ELSE ', link' END, 'ended') AS found
        FROM (SELECT * FROM ended WHERE state IN ('asked', 'approved')) e
        FULL JOIN open_withdrawal o USING (terminal, transmitted_at, stan)
)
SELECT pg_temp.key_of(terminal, transmitted_at, stan) AS key, expected, found, expected <> found AS differs
FROM both_sides

-- check outcome: each outcome is of a withdrawal that a bank was asked about, and is told by the advices that follow it
SELECT pg_temp.key_of(terminal, transmitted_at, stan) AS key,
       CASE WHEN w.terminal IS NULL OR w.link IS NULL THEN 'a withdrawal that a bank was asked about'
            WHEN a.kind = 'operator' THEN 'operator, reason 6'
            WHEN a.kind IS NOT NULL THEN 'reversal, reason 6'
            WHEN a.after_approval THEN 'answer, reason 0'
            WHEN o.cause = 'timeout' THEN 'timeout, reason 25'
            ELSE 'answer' END AS expected,
       concat(o.cause, ', reason ' || o.reason) AS found,
       CASE WHEN w.terminal IS NULL OR w.link IS NULL THEN true
            WHEN a.kind = 'operator' THEN (o.cause, o.reason) <> ('operator', 6)
            WHEN a.kind IS NOT NULL THEN (o.cause, o.reason) <> ('reversal', 6)
            WHEN a.after_approval THEN (o.cause, o.reason) <> ('answer', 0)
            WHEN o.cause = 'timeout' THEN o.reason <> 25
            ELSE o.cause <> 'answer' END AS differs
FROM bank_outcome o
LEFT JOIN withdrawal w USING (terminal, transmitted_at, stan)
LEFT JOIN (SELECT terminal, transmitted_at, stan,
                  min(kind) FILTER (WHERE state_before = 'asked' AND state = 'reversed') AS kind,
                  bool_or(state_before IN ('approved', 'completed')) AS after_approval
           FROM advice GROUP BY terminal, transmitted_at, stan) a USING (terminal, transmitted_at, stan)

-- check notice: each change that a bank must hear of has its notice, in its order, and there are no others
WITH changes AS (
        SELECT *, lag(counted_yen, 1, 0::bigint) OVER (PARTITION BY terminal, transmitted_at, stan ORDER BY seq) AS last_counted
        FROM advice
), expected AS (
        SELECT terminal, transmitted_at, stan, 0::smallint AS seq,
               concat_ws(' ', link, 'reversal', amount_yen, customer_fee_yen + customer_tax_yen, 0, '68') AS told
        FROM ended WHERE cause = 'timeout'
        UNION ALL
        SELECT terminal, transmitted_at, stan, a.seq,
               concat_ws(' ', w.link, CASE WHEN a.state = 'reversed' THEN 'reversal'
                                           WHEN a.counted_yen < w.amount_yen THEN 'partial' ELSE 'completion' END,
                         w.amount_yen, w.customer_fee_yen + w.customer_tax_yen, a.counted_yen,
                         coalesce(a.why, CASE WHEN a.counted_yen < w.amount_yen THEN '32' ELSE '00' END))
        FROM changes a JOIN withdrawal w USING (terminal, transmitted_at, stan)
        WHERE w.link IS NOT NULL AND (a.state <> a.state_before OR a.counted_yen <> a.last_counted)
), both_sides AS (
        SELECT terminal, transmitted_at, stan, seq, coalesce(e.told, 'no notice') AS expected,
               coalesce(concat_ws(' ', n.link, n.kind, n.amount_yen, n.charge_yen, n.dispensed_yen, n.why),
                        'no notice') AS found, n.seq IS NULL AS is_absent
        FROM expected e FULL JOIN bank_notice n USING (terminal, transmitted_at, stan, seq)
)
SELECT pg_temp.key_of(terminal, transmitted_at, stan) || ' notice ' || seq AS key, expected,
       CASE WHEN is_absent THEN 'no notice' ELSE found END AS found, is_absent OR expected <> found AS differs
FROM both_sides

-- check saf: what is to be sent is the notices that are not acknowledged, and a bank acknowledges them in order
WITH notices AS (
        SELECT n.*, k.seq IS NOT NULL AS is_acknowledged,
               bool_or(k.seq IS NULL) OVER (PARTITION BY terminal, transmitted_at, stan ORDER BY seq
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_behind
        FROM bank_notice n LEFT JOIN bank_ack k USING (terminal, transmitted_at, stan, seq)
), both_sides AS (
        SELECT terminal, transmitted_at, stan, seq,
               CASE WHEN n.link IS NULL THEN 'no notice'
                    WHEN n.is_acknowledged AND n.is_behind THEN 'to be sent to ' || n.link || ' after those before it'
                    WHEN n.is_acknowledged THEN 'acknowledged'
                    ELSE 'to be sent to ' || n.link END AS expected,
               CASE WHEN s.link IS NOT NULL THEN 'to be sent to ' || s.link
                    WHEN n.is_acknowledged THEN 'acknowledged'
                    ELSE 'nothing' END AS found
        FROM notices n FULL JOIN saf s USING (terminal, transmitted_at, stan, seq)
)
SELECT pg_temp.key_of(terminal, transmitted_at, stan) || ' notice ' || seq AS key, expected, found,
       expected <> found AS differs
FROM both_sides

-- check acknowledgement: what a bank has acknowledged, it was told
SELECT pg_temp.key_of(terminal, transmitted_at, stan) || ' notice ' || seq AS key, 'a notice' AS expected,
       CASE WHEN n.link IS NULL THEN 'none' ELSE 'a notice' END AS found, n.link IS NULL AS differs
FROM bank_ack k LEFT JOIN bank_notice n USING (terminal, transmitted_at, stan, seq)

-- check reference: what a withdrawal that was approved or asked about names exists: ATM, hall, issuer, the house bank's card
SELECT pg_temp.key_of(w.terminal, w.transmitted_at, w.stan) AS key,
       concat_ws(', ', CASE WHEN t.terminal IS NULL THEN 'ATM ' || w.terminal END,
                       CASE WHEN h.hall IS NULL THEN 'hall ' || w.hall END,
                       CASE WHEN i.issuer IS NULL THEN 'issuer ' || w.issuer END,
                       CASE WHEN w.link IS NULL AND c.card_token IS NULL THEN 'card ' || w.card_token END) AS expected,
       'none' AS found,
       t.terminal IS NULL OR h.hall IS NULL OR i.issuer IS NULL OR w.link IS NULL AND c.card_token IS NULL AS differs
FROM withdrawal w
LEFT JOIN atm t ON t.terminal = w.terminal
LEFT JOIN hall h ON h.hall = w.hall
LEFT JOIN issuer i ON i.issuer = w.issuer
LEFT JOIN card c ON c.card_token = w.card_token
WHERE w.reason = 0 OR w.link IS NOT NULL
