-- What reports are read from: summaries over whole months together with the rows of all other days, the base
-- fees of contracts, and the closing of a period.
--
--      summary_extend --month is stale--> summary_build --> in the summary --late post--> stale --> ...
--
-- A report's days [p_from, p_to] are days of posting. report_months names the months that are taken from the
-- summary, report_days the days that are not; the functions report_atm, report_place, report_day, report_bank
-- and report_hour put both together, each with the dimensions of its cube (005_finance.sql). All are plain SQL,
-- so that the planner sees through them.
BEGIN;

-- Late posts are few; without this they would have to be looked for in every partition.
CREATE INDEX IF NOT EXISTS commission_late ON commission (posted_on) WHERE posted_on > business_date;

-- summaries --------------------------------------------------------------------------------------------

-- The months up to the one that p_through ends belong into the summary from now on; returns how many are
-- new. They are stale until summary_build has made them. What lies after the last month that anything was
-- posted to is left out: there is nothing to sum up yet.
CREATE OR REPLACE FUNCTION summary_extend(p_through date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
        v_from date;
        v_through date;
        v_count integer;
BEGIN
        SELECT coalesce((SELECT summarised_through + 1 FROM books),
                        (SELECT date_trunc('month', min(posted_on)::timestamp)::date FROM revenue_rollup)) INTO v_from;
        SELECT (date_trunc('month', least(p_through + INTERVAL '1 day', max(posted_on) + INTERVAL '1 month'))
                - INTERVAL '1 day')::date INTO v_through FROM revenue_rollup;
        IF v_from IS NULL OR v_from > v_through THEN
                RETURN 0;
        END IF;
        LOCK TABLE books IN EXCLUSIVE MODE;
        -- somebody may have been faster
        SELECT coalesce(summarised_through + 1, v_from) INTO v_from FROM books;
        INSERT INTO summary_stale (month)
        SELECT m::date FROM generate_series(v_from::timestamp, v_through::timestamp, INTERVAL '1 month') m
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        UPDATE books SET summarised_through = greatest(summarised_through, v_through);
        RETURN v_count;
END
$$;

-- Make the oldest stale month anew; returns it, NULL where none is stale. Its row is removed, and so locked,
-- first: whoever posts to that month meanwhile waits, and marks it as stale again.
CREATE OR REPLACE FUNCTION summary_build() RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '128MB' SET jit = off AS $$
DECLARE
        v_month date;
        v_next date;
BEGIN
        DELETE FROM summary_stale WHERE month = (SELECT min(month) FROM summary_stale) RETURNING month INTO v_month;
        IF v_month IS NULL THEN
                RETURN NULL;
        END IF;
        v_next := (v_month + INTERVAL '1 month')::date;
        DELETE FROM summary WHERE month = v_month;

        INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, issuer, band, withdrawals, cash_yen, customer_fee_yen,
                customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
        SELECT CASE WHEN grouping(posted_on) = 0 THEN 'day' WHEN grouping(issuer) = 0 THEN 'place' ELSE 'atm' END, v_month, posted_on,
               terminal, r.hall, p.from_on, issuer, band,
               sum(withdrawals), sum(cash_yen), sum(customer_fee_yen), sum(customer_tax_yen), sum(interbank_fee_yen),
               sum(interbank_tax_yen), sum(hall_share_yen),
               sum(earlier_yen(posted_on, business_date, customer_fee_yen, interbank_fee_yen))
        FROM revenue_rollup r
        LEFT JOIN hall_place p ON p.hall = r.hall AND p.from_on <= r.business_date AND p.until_on > r.business_date
        WHERE posted_on >= v_month AND posted_on < v_next
        GROUP BY GROUPING SETS ((terminal, r.hall, p.from_on), (terminal, r.hall, p.from_on, issuer, band),
                                (terminal, r.hall, p.from_on, posted_on));

        INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, issuer, band, hour, tax_rate_bp, withdrawals, cash_yen,
                customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
        SELECT CASE WHEN grouping(posted_on) = 1 THEN 'hour' ELSE 'bank' END, v_month, posted_on, terminal, r.hall, p.from_on, issuer, band,
               hour, tax_rate_bp, sum(sign), sum(cash_yen), sum(customer_fee_yen), sum(customer_tax_yen),
               sum(interbank_fee_yen), sum(interbank_tax_yen), sum(hall_share_yen),
               sum(earlier_yen(posted_on, business_date, customer_fee_yen, interbank_fee_yen))
        FROM report_rows(v_month, v_next - 1) r
        LEFT JOIN hall_place p ON p.hall = r.hall AND p.from_on <= r.business_date AND p.until_on > r.business_date
        GROUP BY GROUPING SETS ((terminal, r.hall, p.from_on, band, hour), (posted_on, issuer, band, hour, tax_rate_bp));
        RETURN v_month;
END
$$;

-- what a report reads --------------------------------------------------------------------------------------

-- The months wholly within the days that the summary has.
CREATE OR REPLACE FUNCTION report_months(p_from date, p_to date) RETURNS SETOF date LANGUAGE sql STABLE PARALLEL SAFE ROWS 24 AS $$
        SELECT m::date
        FROM generate_series(date_trunc('month', p_from::timestamp + INTERVAL '1 month - 1 day'),
                             date_trunc('month', p_to::timestamp + INTERVAL '1 day') - INTERVAL '1 month', INTERVAL '1 month') m
        WHERE m < (SELECT summarised_through FROM books)
        AND NOT EXISTS (SELECT FROM summary_stale s WHERE s.month = m::date)
        ORDER BY 1
$$;
-- All other days: before the first day that anything was posted on there is nothing to look for.
CREATE OR REPLACE FUNCTION report_days(p_from date, p_to date) RETURNS SETOF date LANGUAGE sql STABLE PARALLEL SAFE ROWS 31 AS $$
        SELECT d::date
        FROM generate_series(greatest(p_from, (SELECT min(posted_on) FROM revenue_rollup))::timestamp,
                             least(p_to, (SELECT max(posted_on) FROM revenue_rollup))::timestamp, INTERVAL '1 day') d
        WHERE date_trunc('month', d)::date NOT IN (SELECT m FROM report_months(p_from, p_to) m)
        ORDER BY 1
$$;

-- The commission rows posted on those days, with the hour of their moment in Japan.
CREATE OR REPLACE FUNCTION report_rows(p_from date, p_to date)
RETURNS TABLE (posted_on date, business_date date, terminal text, hall text, issuer text, band text, hour smallint,
               tax_rate_bp integer, sign smallint, cash_yen bigint, customer_fee_yen bigint, customer_tax_yen bigint,
               interbank_fee_yen bigint, interbank_tax_yen bigint, hall_share_yen bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.posted_on, c.business_date, c.terminal, c.hall, c.issuer, c.band,
               extract(hour FROM c.transmitted_at AT TIME ZONE 'Asia/Tokyo')::smallint, c.tax_rate_bp, c.sign, c.cash_yen,
               c.customer_fee_yen, c.customer_tax_yen, c.interbank_fee_yen, c.interbank_tax_yen, c.hall_share_yen
        FROM commission c
        WHERE c.transmitted_at >= p_from::timestamp AT TIME ZONE 'Asia/Tokyo'
        AND c.transmitted_at < (p_to + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' AND c.posted_on = c.business_date
        UNION ALL
        SELECT c.posted_on, c.business_date, c.terminal, c.hall, c.issuer, c.band,
               extract(hour FROM c.transmitted_at AT TIME ZONE 'Asia/Tokyo')::smallint, c.tax_rate_bp, c.sign, c.cash_yen,
               c.customer_fee_yen, c.customer_tax_yen, c.interbank_fee_yen, c.interbank_tax_yen, c.hall_share_yen
        FROM commission c
        WHERE c.posted_on > c.business_date AND c.posted_on >= p_from AND c.posted_on <= p_to
$$;

-- Both fees, where the business date lies in an earlier quarter than the posting.
CREATE OR REPLACE FUNCTION earlier_yen(p_posted_on date, p_business_date date, p_customer_fee_yen bigint,
                                       p_interbank_fee_yen bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_business_date < p_posted_on
                    AND date_trunc('quarter', p_business_date::timestamp) < date_trunc('quarter', p_posted_on::timestamp)
                    THEN p_customer_fee_yen + p_interbank_fee_yen ELSE 0 END
$$;

-- What a cube is: its summary of some months, and the rows that were posted on some other days, both in order.
-- All have the columns of summary; what is none of the cube's dimensions is not to be relied on. Whoever asks for the place of
-- a hall joins hall_place by the hall and the day place_on.
-- Arrays, since
-- who knows them beforehand gets better plans, and parallel ones.
CREATE OR REPLACE FUNCTION cube_rollup(p_days date[]) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT r.withdrawals, r.cash_yen, r.customer_fee_yen, r.customer_tax_yen, r.interbank_fee_yen, r.interbank_tax_yen,
               r.hall_share_yen, earlier_yen(r.posted_on, r.business_date, r.customer_fee_yen, r.interbank_fee_yen),
               date_trunc('month', r.posted_on::timestamp)::date, r.posted_on, NULL::integer, NULL::smallint, r.hall, r.terminal, r.issuer,
               r.band, 'rollup'::text, r.business_date
        FROM revenue_rollup r WHERE r.posted_on = ANY (p_days)
$$;
CREATE OR REPLACE FUNCTION cube_every(p_days date[]) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT r.sign::bigint, r.cash_yen, r.customer_fee_yen, r.customer_tax_yen, r.interbank_fee_yen, r.interbank_tax_yen,
               r.hall_share_yen, earlier_yen(r.posted_on, r.business_date, r.customer_fee_yen, r.interbank_fee_yen),
               date_trunc('month', r.posted_on::timestamp)::date, r.posted_on, r.tax_rate_bp, r.hour, r.hall, r.terminal, r.issuer,
               r.band, 'every'::text, r.business_date
        FROM report_rows(p_days[1], p_days[cardinality(p_days)]) r WHERE r.posted_on = ANY (p_days)
$$;
CREATE OR REPLACE FUNCTION cube_atm(p_months date[], p_days date[]) RETURNS SETOF summary
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT s.* FROM summary_atm s WHERE s.month = ANY (p_months) UNION ALL SELECT r.* FROM cube_rollup(p_days) r
$$;
CREATE OR REPLACE FUNCTION cube_place(p_months date[], p_days date[]) RETURNS SETOF summary
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT s.* FROM summary_place s WHERE s.month = ANY (p_months) UNION ALL SELECT r.* FROM cube_rollup(p_days) r
$$;
CREATE OR REPLACE FUNCTION cube_day(p_months date[], p_days date[]) RETURNS SETOF summary
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT s.* FROM summary_day s WHERE s.month = ANY (p_months) UNION ALL SELECT r.* FROM cube_rollup(p_days) r
$$;
CREATE OR REPLACE FUNCTION cube_bank(p_months date[], p_days date[]) RETURNS SETOF summary
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT s.* FROM summary_bank s WHERE s.month = ANY (p_months) UNION ALL SELECT r.* FROM cube_every(p_days) r
$$;
CREATE OR REPLACE FUNCTION cube_hour(p_months date[], p_days date[]) RETURNS SETOF summary
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT s.* FROM summary_hour s WHERE s.month = ANY (p_months) UNION ALL SELECT r.* FROM cube_every(p_days) r
$$;

-- The same for the days [p_from, p_to].
CREATE OR REPLACE FUNCTION report_atm(p_from date, p_to date) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.* FROM cube_atm(ARRAY(SELECT report_months(p_from, p_to)), ARRAY(SELECT report_days(p_from, p_to))) c
$$;
CREATE OR REPLACE FUNCTION report_place(p_from date, p_to date) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.* FROM cube_place(ARRAY(SELECT report_months(p_from, p_to)), ARRAY(SELECT report_days(p_from, p_to))) c
$$;
CREATE OR REPLACE FUNCTION report_day(p_from date, p_to date) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.* FROM cube_day(ARRAY(SELECT report_months(p_from, p_to)), ARRAY(SELECT report_days(p_from, p_to))) c
$$;
CREATE OR REPLACE FUNCTION report_bank(p_from date, p_to date) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.* FROM cube_bank(ARRAY(SELECT report_months(p_from, p_to)), ARRAY(SELECT report_days(p_from, p_to))) c
$$;
CREATE OR REPLACE FUNCTION report_hour(p_from date, p_to date) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.* FROM cube_hour(ARRAY(SELECT report_months(p_from, p_to)), ARRAY(SELECT report_days(p_from, p_to))) c
$$;

-- numerator / denominator with one decimal, rounded half away from zero; NULL where there is nothing to divide
-- by. Exact: no quotient is rounded twice.
CREATE OR REPLACE FUNCTION tenths_text(p_numerator numeric, p_denominator numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_denominator > 0
                    THEN (sign(p_numerator) * div(abs(p_numerator) * 20 + p_denominator, p_denominator * 2) / 10)::numeric(30, 1)::text
               END
$$;

-- base fees ------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION tax_yen(p_amount_yen bigint, p_rate_bp integer, p_rounding text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE p_rounding WHEN 'down' THEN p_amount_yen * p_rate_bp / 10000
                               WHEN 'nearest' THEN (p_amount_yen * p_rate_bp + 5000) / 10000
                               ELSE (p_amount_yen * p_rate_bp + 9999) / 10000 END
$$;

-- What halls owe for the days [p_from, p_to], a row a contract and month: days under contract within them by
-- the days of the month, rounded down; its tax by the rate of the month's last day. A hall's month is one invoice. Its tax
-- is rounded line by line until September 2023, and once for each rate and invoice since then (qualified invoices: Order for
-- Enforcement of the Consumption Tax Act, article 70-10). Each row then has its part: what the tax of the rows up to it is
-- more than that of the rows before it, so that the rows add up to the invoice's tax, whoever sums them.
CREATE OR REPLACE FUNCTION report_base_fee(p_from date, p_to date)
RETURNS TABLE (month date, terminal text, hall text, from_on date, days integer, month_days integer, month_fee_yen bigint,
               base_fee_yen bigint, tax_rate_bp integer, tax_yen bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT f.month, f.terminal, f.hall, f.from_on, f.days, f.month_days, f.month_fee_yen, f.fee_yen, f.rate_bp,
               coalesce(CASE WHEN f.month >= '2023-10-01'
                             THEN tax_yen(f.upto_yen, f.rate_bp, f.rounding)
                                  - tax_yen(f.upto_yen - f.fee_yen, f.rate_bp, f.rounding)
                             ELSE tax_yen(f.fee_yen, f.rate_bp, f.rounding) END, 0)
        FROM (SELECT e.*, sum(e.fee_yen) OVER (PARTITION BY e.hall, e.month ORDER BY e.terminal, e.from_on)::bigint AS upto_yen
              FROM (SELECT m.first AS month, c.terminal, c.hall, c.from_on, x.days, m.days AS month_days, m.rate_bp, m.rounding,
                           c.base_fee_yen AS month_fee_yen, c.base_fee_yen * x.days / m.days AS fee_yen
                    FROM (SELECT g::date AS first, (g + INTERVAL '1 month')::date AS next,
                                 (g + INTERVAL '1 month')::date - g::date AS days, t.rate_bp, t.rounding
                          FROM generate_series(date_trunc('month', p_from::timestamp), p_to::timestamp, INTERVAL '1 month') g
                          LEFT JOIN LATERAL (SELECT r.rate_bp, r.rounding FROM tax_rate r
                                             WHERE r.from_on < (g + INTERVAL '1 month')::date ORDER BY r.from_on DESC LIMIT 1) t ON true
                          OFFSET 0) m -- the rate once a month, and not once a contract of it
                    JOIN contract c ON c.from_on < m.next AND coalesce(c.until_on, 'infinity') > m.first
                    CROSS JOIN LATERAL (SELECT least(m.next, c.until_on, p_to + 1) - greatest(m.first, c.from_on, p_from) AS days) x
                    WHERE x.days > 0) e) f
$$;

-- closing --------------------------------------------------------------------------------------------------

-- Withdrawals without an end up to a day.
CREATE OR REPLACE VIEW v_without_end AS
SELECT o.terminal, o.transmitted_at, o.stan, o.amount_yen, w.business_date, w.hall, w.issuer,
       CASE WHEN o.asked_ms IS NOT NULL AND x.terminal IS NULL THEN 'asked' ELSE 'approved' END AS state
FROM open_withdrawal o
JOIN withdrawal w USING (terminal, transmitted_at, stan)
LEFT JOIN bank_outcome x USING (terminal, transmitted_at, stan);

-- Close the books through the end of a quarter, and with it whatever earlier quarters are open. One row: why
-- it was refused ('closed', 'without end'), NULL where it is done, and how many withdrawals up to then have no
-- end. p_force closes nevertheless: what they earn is then posted on the first open day.
CREATE OR REPLACE FUNCTION period_close(p_quarter text, p_force boolean, p_now_ms bigint, p_who text)
RETURNS TABLE (r_refusal text, r_without_end bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
        v_from date := quarter_first_day(p_quarter);
        v_to date := quarter_last_day(p_quarter);
        v_open bigint;
BEGIN
        -- batches in flight end first, those to come wait and then see the new date
        LOCK TABLE books IN EXCLUSIVE MODE;
        IF (SELECT closed_through >= v_to FROM books) THEN
                RETURN QUERY SELECT 'closed', 0::bigint;
                RETURN;
        END IF;
        SELECT count(*) INTO v_open FROM v_without_end e WHERE e.business_date <= v_to;
        IF v_open > 0 AND NOT p_force THEN
                RETURN QUERY SELECT 'without end', v_open;
                RETURN;
        END IF;
        UPDATE books SET closed_through = v_to;
        INSERT INTO period (quarter, from_on, to_on, closed_ms, who, without_end, withdrawals, cash_yen, commission_yen, base_fee_yen)
        SELECT p_quarter, v_from, v_to, p_now_ms, session_user || '/' || p_who, v_open, coalesce(sum(r.withdrawals), 0),
               coalesce(sum(r.cash_yen), 0), coalesce(sum(r.customer_fee_yen + r.interbank_fee_yen), 0),
               (SELECT coalesce(sum(b.base_fee_yen), 0) FROM report_base_fee(v_from, v_to) b)
        FROM report_place(v_from, v_to) r;
        RETURN QUERY SELECT NULL::text, v_open;
END
$$;

INSERT INTO schema_migration VALUES (15, 'reports');
COMMIT;
