-- What reports are read from: the sums of days and months, and the rows of what is in no sum; the base fees of contracts, and
-- the closing of a period.
--
-- A report's days [p_from, p_to] are days of posting. report_parts says where each is found: in a month's sums, in a day's, or
-- in its rows; the functions report_atm, report_place, report_detail, report_day, report_bank and report_hour put them together,
-- each with the dimensions of its cube (021_days.sql). All are plain SQL, so that the planner sees through them.
BEGIN;

-- What is posted after its business date is little; without this it would have to be looked for in every partition.
CREATE INDEX IF NOT EXISTS commission_late ON commission (posted_on) WHERE posted_on > business_date;

-- what a report reads --------------------------------------------------------------------------------------

-- The days on which something may be posted: those that have room for rows of their own business date, and those on which something was
-- posted late, which lies with its moment and may be posted on any day after it.
CREATE OR REPLACE FUNCTION ledger_days(p_from date, p_to date) RETURNS SETOF date LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 AS $$
        SELECT d::date FROM ledger_partition q
        CROSS JOIN LATERAL generate_series(greatest(q.from_on, p_from)::timestamp, least(q.to_on - 1, p_to)::timestamp, INTERVAL '1 day') d
        WHERE p_to IS NOT NULL
        UNION
        SELECT c.posted_on FROM commission c WHERE c.posted_on > c.business_date AND c.posted_on >= p_from AND c.posted_on <= p_to
$$;

-- Both fees, where the business date lies in an earlier quarter than the posting.
CREATE OR REPLACE FUNCTION earlier_yen(p_posted_on date, p_business_date date, p_customer_fee_yen bigint,
                                       p_interbank_fee_yen bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_business_date < p_posted_on
                    AND date_trunc('quarter', p_business_date::timestamp) < date_trunc('quarter', p_posted_on::timestamp)
                    THEN p_customer_fee_yen + p_interbank_fee_yen ELSE 0 END
$$;

-- Where the days of a report are found. months: in the sums of whole months; days: in those of days; rows: in their rows. The
-- hours of a month that is summed up (p_hours: they are asked for) have no days.
CREATE OR REPLACE FUNCTION report_parts(p_from date, p_to date, p_hours boolean,
                                        OUT months date[], OUT days date[], OUT rows date[])
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(DISTINCT d.month) FILTER (WHERE d.part = 'month'), '{}'),
               coalesce(array_agg(d.day ORDER BY d.day) FILTER (WHERE d.part = 'day'), '{}'),
               coalesce(array_agg(d.day ORDER BY d.day) FILTER (WHERE d.part = 'rows'), '{}')
        FROM (SELECT d AS day, date_trunc('month', d::timestamp)::date AS month,
                     CASE WHEN s.day IS NULL THEN 'rows'
                          WHEN m.month >= p_from AND m.month + INTERVAL '1 month' <= p_to + 1 THEN 'month'
                          WHEN m.month IS NOT NULL AND p_hours THEN 'rows'
                          ELSE 'day' END AS part
              FROM ledger_days(p_from, p_to) d
              LEFT JOIN summed_day s ON s.day = d
              LEFT JOIN summed_month m ON m.month = date_trunc('month', d::timestamp)::date) d
$$;

-- The days whose postings reports have; verify holds each posting to it.
CREATE OR REPLACE VIEW v_reported_day AS
SELECT d.day
FROM report_parts('-infinity', 'infinity', false) p
CROSS JOIN LATERAL (SELECT unnest(p.days || p.rows) AS day
                    UNION ALL
                    SELECT g::date FROM unnest(p.months) m (month)
                    CROSS JOIN LATERAL generate_series(m.month::timestamp, m.month + INTERVAL '1 month - 1 day', INTERVAL '1 day') g) d;

-- The commission rows that were posted on some days, in order, and those of unsummed_post that were posted in some months or on some
-- summed days, whose sums lack them: in the form of the summary, with the hour of their moment in Japan, and with the business date as
-- the day on which the hall was in its place. What lies close together, of many days, is read from the tables as they lie;
-- else each run of days is looked for by its moments. Of no days nothing is left in the plan.
DROP FUNCTION IF EXISTS posted_rows(date[]), unsummed_rows(date[], date[]);
CREATE OR REPLACE FUNCTION posted_rows(p_days date[], p_late_months date[], p_late_days date[]) RETURNS SETOF summary
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT c.sign::bigint, c.cash_yen, c.customer_fee_yen, c.customer_tax_yen, c.interbank_fee_yen, c.interbank_tax_yen,
               c.hall_share_yen, earlier_yen(c.posted_on, c.business_date, c.customer_fee_yen, c.interbank_fee_yen),
               date_trunc('month', c.posted_on::timestamp)::date, c.posted_on, c.tax_rate_bp,
               extract(hour FROM c.transmitted_at AT TIME ZONE 'Asia/Tokyo')::smallint, c.hall, c.terminal, c.issuer, c.band,
               'every'::text, c.business_date
        FROM (SELECT c.* FROM (SELECT min(i.day)::timestamp AT TIME ZONE 'Asia/Tokyo' AS from_at,
                                      (max(i.day) + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' AS to_at
                               FROM (SELECT d.day, d.day - row_number() OVER (ORDER BY d.day)::integer AS run
                                     FROM unnest(p_days) d (day)) i GROUP BY i.run) r
              CROSS JOIN LATERAL (SELECT c.* FROM commission c
                                  WHERE c.transmitted_at >= r.from_at AND c.transmitted_at < r.to_at
                                  AND c.posted_on = c.business_date OFFSET 0) c
              WHERE cardinality(p_days) > 0
              AND (cardinality(p_days) <= 7 OR p_days[cardinality(p_days)] - p_days[1] > 4 * cardinality(p_days))
              UNION ALL
              SELECT c.* FROM commission c
              WHERE c.transmitted_at >= p_days[1]::timestamp AT TIME ZONE 'Asia/Tokyo'
              AND c.transmitted_at < (p_days[cardinality(p_days)] + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
              AND c.posted_on = c.business_date AND c.posted_on = ANY (p_days)
              AND cardinality(p_days) > 7 AND p_days[cardinality(p_days)] - p_days[1] <= 4 * cardinality(p_days)
              UNION ALL
              SELECT c.* FROM commission c
              WHERE c.posted_on > c.business_date AND c.posted_on = ANY (p_days) AND cardinality(p_days) > 0
              UNION ALL
              SELECT c.* FROM unsummed_post u
              JOIN commission c ON c.terminal = u.terminal AND c.transmitted_at = u.transmitted_at AND c.stan = u.stan AND c.seq = u.seq
              WHERE u.posted_on = ANY (p_late_days) OR date_trunc('month', u.posted_on::timestamp)::date = ANY (p_late_months)) c
$$;

-- What a cube is: its sums of some months and of some days, and the rows that are in no sum; the days in order. All have the
-- columns of summary; what is none of the cube's dimensions is not to be relied on. Whoever asks for the place of
-- a hall joins hall_place by the hall and the day place_on.
-- Arrays, since who knows them beforehand gets better plans, and parallel ones. report_... is the same for the days [p_from, p_to].
CREATE OR REPLACE FUNCTION cube_every(p_days date[]) RETURNS SETOF summary LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT r.* FROM posted_rows(p_days, NULL, NULL) r
$$;
DO $$
DECLARE
        v record;
BEGIN
        FOR v IN SELECT * FROM (VALUES ('atm', 'day', false), ('place', 'detail', false), ('detail', 'detail', false), ('day', 'day', false),
                                       ('bank', 'bank', false), ('hour', 'hour', true)) k (cube, of_days, has_hours) LOOP
                EXECUTE format('CREATE OR REPLACE FUNCTION cube_%1$s(p_months date[], p_days date[], p_rows date[]) RETURNS SETOF summary '
                               'LANGUAGE sql STABLE PARALLEL SAFE AS %2$L', v.cube,
                               format('SELECT s.* FROM summary_%s s WHERE s.month = ANY (p_months) '
                                      'UNION ALL SELECT s.* FROM summary_%s s WHERE s.posted_on = ANY (p_days) '
                                      'UNION ALL SELECT r.* FROM posted_rows(p_rows, p_months, p_days) r', v.cube, v.of_days));
                EXECUTE format('CREATE OR REPLACE FUNCTION report_%1$s(p_from date, p_to date) RETURNS SETOF summary '
                               'LANGUAGE sql STABLE PARALLEL SAFE AS %2$L', v.cube,
                               format('SELECT c.* FROM report_parts(p_from, p_to, %L) p '
                                      'CROSS JOIN LATERAL cube_%s(p.months, p.days, p.rows) c', v.has_hours, v.cube));
        END LOOP;
END
$$;

-- sums -------------------------------------------------------------------------------------------------------

-- The days through p_through are to be summed up from now on; false where they were before. Holds the batches as a close does
-- (books_hold), and fails with what is in the way.
CREATE OR REPLACE FUNCTION summary_extend(p_through date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM demand(p_through < business_today() AND p_through >= DATE '2000-01-01', format('sums through %s', coalesce(p_through::text, 'no day')),
                       format('a day that is over: business today is %s', business_today()));
        IF (SELECT summed_through >= p_through FROM books) THEN
                RETURN false;
        END IF;
        PERFORM books_hold();
        UPDATE books SET summed_through = greatest(summed_through, p_through);
        RETURN true;
END
$$;

-- Sum up days of a month, in order, from their rows; p_whole: all that it has, so that the month's sums are made with them.
CREATE OR REPLACE FUNCTION summary_days(p_days date[], p_whole boolean) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
        v_month date := date_trunc('month', p_days[1]::timestamp);
BEGIN
        -- one statement and so one snapshot: what is summed up, and what is no longer missing in the sums
        WITH known AS (
                INSERT INTO summed_day SELECT unnest(p_days)
        ), gone AS (
                DELETE FROM unsummed_post WHERE posted_on = ANY (p_days)
        )
        INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, issuer, band, hour, tax_rate_bp, withdrawals, cash_yen,
                customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
        SELECT CASE WHEN grouping(r.terminal) = 1 THEN 'bank' WHEN grouping(r.hour) = 0 THEN 'hour' ELSE 'detail' END, v_month,
               CASE WHEN grouping(r.posted_on) = 0 THEN r.posted_on ELSE r.hour_on END, r.terminal, r.hall, r.place, r.issuer, r.band,
               r.hour, r.tax_rate_bp, sum(r.withdrawals), sum(r.cash_yen), sum(r.customer_fee_yen), sum(r.customer_tax_yen),
               sum(r.interbank_fee_yen), sum(r.interbank_tax_yen), sum(r.hall_share_yen), sum(r.earlier_yen)
        FROM (SELECT r.*, p.from_on AS place, CASE WHEN NOT p_whole THEN r.posted_on END AS hour_on
              FROM posted_rows(p_days, NULL, NULL) r
              LEFT JOIN hall_place p ON p.hall = r.hall AND p.from_on <= r.place_on AND p.until_on > r.place_on) r
        GROUP BY GROUPING SETS ((r.posted_on, r.terminal, r.hall, r.place, r.issuer, r.band),
                                (r.hour_on, r.terminal, r.hall, r.place, r.band, r.hour),
                                (r.posted_on, r.issuer, r.band, r.hour, r.tax_rate_bp));

        -- withdrawals of these days that are open now are listed from now on (v_open)
        DELETE FROM open_withdrawal WHERE ctid = ANY (ARRAY(
                SELECT o.ctid FROM open_withdrawal o
                WHERE o.asked_ms IS NULL AND EXISTS (SELECT FROM advice a WHERE a.terminal = o.terminal AND a.transmitted_at = o.transmitted_at
                                                     AND a.stan = o.stan AND a.state IN ('completed', 'reversed'))
                FOR UPDATE SKIP LOCKED));
        INSERT INTO open_withdrawal (terminal, transmitted_at, stan, card_token, amount_yen)
        SELECT w.terminal, w.transmitted_at, w.stan, w.card_token, w.amount_yen
        FROM withdrawal w
        WHERE w.transmitted_at >= p_days[1]::timestamp AT TIME ZONE 'Asia/Tokyo'
        AND w.transmitted_at < (p_days[cardinality(p_days)] + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
        AND w.business_date = ANY (p_days) AND w.reason = reason_of('APPROVED')
        AND NOT EXISTS (SELECT FROM advice a WHERE a.terminal = w.terminal AND a.transmitted_at = w.transmitted_at
                        AND a.stan = w.stan AND a.state IN ('completed', 'reversed'))
        ORDER BY w.transmitted_at, w.terminal, w.stan
        ON CONFLICT DO NOTHING;

        INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, withdrawals, cash_yen, customer_fee_yen,
                customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
        SELECT 'day', v_month, s.posted_on, s.terminal, s.hall, s.place_on, sum(s.withdrawals), sum(s.cash_yen), sum(s.customer_fee_yen),
               sum(s.customer_tax_yen), sum(s.interbank_fee_yen), sum(s.interbank_tax_yen), sum(s.hall_share_yen), sum(s.earlier_yen)
        FROM summary_detail s WHERE s.posted_on = ANY (p_days)
        GROUP BY s.posted_on, s.terminal, s.hall, s.place_on;
END
$$;

-- The sums of a month, from those of its days. p_hours: its hours are by day.
CREATE OR REPLACE FUNCTION summary_month(p_month date, p_hours boolean) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
        INSERT INTO summed_month VALUES (p_month);
        INSERT INTO summary (cube, month, terminal, hall, place_on, issuer, band, withdrawals, cash_yen, customer_fee_yen,
                customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
        SELECT CASE WHEN grouping(s.issuer) = 0 THEN 'place' ELSE 'atm' END, p_month, s.terminal, s.hall, s.place_on, s.issuer, s.band,
               sum(s.withdrawals), sum(s.cash_yen), sum(s.customer_fee_yen), sum(s.customer_tax_yen), sum(s.interbank_fee_yen),
               sum(s.interbank_tax_yen), sum(s.hall_share_yen), sum(s.earlier_yen)
        FROM summary_detail s WHERE s.month = p_month
        GROUP BY GROUPING SETS ((s.terminal, s.hall, s.place_on), (s.terminal, s.hall, s.place_on, s.issuer, s.band));
        IF p_hours THEN
                WITH gone AS (
                        DELETE FROM summary_hour s WHERE s.month = p_month RETURNING s.*
                )
                INSERT INTO summary (cube, month, terminal, hall, place_on, band, hour, withdrawals, cash_yen, customer_fee_yen,
                        customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
                SELECT 'hour', p_month, s.terminal, s.hall, s.place_on, s.band, s.hour, sum(s.withdrawals), sum(s.cash_yen),
                       sum(s.customer_fee_yen), sum(s.customer_tax_yen), sum(s.interbank_fee_yen), sum(s.interbank_tax_yen),
                       sum(s.hall_share_yen), sum(s.earlier_yen)
                FROM gone s GROUP BY s.terminal, s.hall, s.place_on, s.band, s.hour;
        END IF;
END
$$;

-- Add what was posted to summed days since to its rows of the sums, looked for one by one: they are few. Returns how many were posted.
CREATE OR REPLACE FUNCTION summary_add() RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
        v_count bigint;
BEGIN
        WITH gone AS MATERIALIZED (
                DELETE FROM unsummed_post u USING summed_day d WHERE d.day = u.posted_on
                RETURNING u.terminal, u.transmitted_at, u.stan, u.seq
        ), posted AS (
                SELECT c.*, extract(hour FROM c.transmitted_at AT TIME ZONE 'Asia/Tokyo')::smallint AS hour, p.from_on AS place_on,
                       date_trunc('month', c.posted_on::timestamp)::date AS month, m.month IS NOT NULL AS whole
                FROM gone g
                CROSS JOIN LATERAL (SELECT c.* FROM commission c WHERE c.terminal = g.terminal AND c.transmitted_at = g.transmitted_at
                                    AND c.stan = g.stan AND c.seq = g.seq LIMIT 1) c
                LEFT JOIN summed_month m ON m.month = date_trunc('month', c.posted_on::timestamp)::date
                LEFT JOIN hall_place p ON p.hall = c.hall AND p.from_on <= c.business_date AND p.until_on > c.business_date
        ), more AS MATERIALIZED (
                SELECT k.cube, c.month, k.posted_on, k.terminal, k.hall, k.place_on, k.issuer, k.band, k.hour, k.tax_rate_bp,
                       row_number() OVER () AS line, sum(c.sign) AS withdrawals, sum(c.cash_yen) AS cash_yen,
                       sum(c.customer_fee_yen) AS customer_fee_yen, sum(c.customer_tax_yen) AS customer_tax_yen,
                       sum(c.interbank_fee_yen) AS interbank_fee_yen, sum(c.interbank_tax_yen) AS interbank_tax_yen,
                       sum(c.hall_share_yen) AS hall_share_yen,
                       sum(earlier_yen(c.posted_on, c.business_date, c.customer_fee_yen, c.interbank_fee_yen)) AS earlier_yen
                FROM posted c
                CROSS JOIN LATERAL (VALUES
                        ('detail', true, c.posted_on, c.terminal, c.hall, c.place_on, c.issuer, c.band, NULL::smallint, NULL::integer),
                        ('day', true, c.posted_on, c.terminal, c.hall, c.place_on, NULL, NULL, NULL, NULL),
                        ('bank', true, c.posted_on, NULL, NULL, NULL, c.issuer, c.band, c.hour, c.tax_rate_bp),
                        ('hour', true, CASE WHEN NOT c.whole THEN c.posted_on END, c.terminal, c.hall, c.place_on, NULL, c.band, c.hour, NULL),
                        ('atm', c.whole, NULL, c.terminal, c.hall, c.place_on, NULL, NULL, NULL, NULL),
                        ('place', c.whole, NULL, c.terminal, c.hall, c.place_on, c.issuer, c.band, NULL, NULL))
                        k (cube, is_there, posted_on, terminal, hall, place_on, issuer, band, hour, tax_rate_bp)
                WHERE k.is_there
                GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
        ), added AS (
                UPDATE summary s SET
                        withdrawals = s.withdrawals + n.withdrawals, cash_yen = s.cash_yen + n.cash_yen,
                        customer_fee_yen = s.customer_fee_yen + n.customer_fee_yen,
                        customer_tax_yen = s.customer_tax_yen + n.customer_tax_yen,
                        interbank_fee_yen = s.interbank_fee_yen + n.interbank_fee_yen,
                        interbank_tax_yen = s.interbank_tax_yen + n.interbank_tax_yen,
                        hall_share_yen = s.hall_share_yen + n.hall_share_yen, earlier_yen = s.earlier_yen + n.earlier_yen
                FROM more n
                WHERE s.cube = n.cube AND s.month = n.month AND coalesce(s.terminal, '') = coalesce(n.terminal, '')
                AND (s.posted_on, s.hall, s.place_on, s.issuer, s.band, s.hour, s.tax_rate_bp)
                    IS NOT DISTINCT FROM (n.posted_on, n.hall, n.place_on, n.issuer, n.band, n.hour, n.tax_rate_bp)
                RETURNING n.line
        ), new AS (
                INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, issuer, band, hour, tax_rate_bp, withdrawals, cash_yen,
                        customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
                SELECT n.cube, n.month, n.posted_on, n.terminal, n.hall, n.place_on, n.issuer, n.band, n.hour, n.tax_rate_bp, n.withdrawals,
                       n.cash_yen, n.customer_fee_yen, n.customer_tax_yen, n.interbank_fee_yen, n.interbank_tax_yen, n.hall_share_yen,
                       n.earlier_yen
                FROM more n WHERE n.line NOT IN (SELECT a.line FROM added a)
        )
        SELECT count(*) INTO v_count FROM gone;
        RETURN v_count;
END
$$;

-- One step of what is to be summed up: the days of the oldest month that has some without sums, what was posted to summed days
-- since, or a month of summed days. Says what it was: a day, a month or 'posts'; NULL: nothing is left. Reports leave the last
-- whole month in its days (p_all false): they read them fast enough, and somebody is waiting.
CREATE OR REPLACE FUNCTION summary_step(p_all boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '128MB' SET jit = off
SET plan_cache_mode = force_custom_plan SET lock_timeout = '10s' AS $$
DECLARE
        v_through date;
        v_month date;
        v_days date[];
        v_whole boolean;
BEGIN
        PERFORM demand(p_all IS NOT NULL, 'neither all months nor all but the last', 'true or false');
        LOCK TABLE summed_day IN SHARE ROW EXCLUSIVE MODE;
        SELECT summed_through INTO v_through FROM books;

        SELECT date_trunc('month', min(d)::timestamp) INTO v_month
        FROM ledger_days('-infinity', v_through) d WHERE NOT EXISTS (SELECT FROM summed_day s WHERE s.day = d);
        IF v_month IS NOT NULL THEN
                SELECT array_agg(d ORDER BY d), count(*) = (v_month + INTERVAL '1 month')::date - v_month INTO v_days, v_whole
                FROM ledger_days(v_month, least(v_through, (v_month + INTERVAL '1 month - 1 day')::date)) d
                WHERE NOT EXISTS (SELECT FROM summed_day s WHERE s.day = d);
                PERFORM summary_days(v_days, v_whole);
                IF v_whole THEN
                        PERFORM summary_month(v_month, false);
                END IF;
                RETURN to_char(v_days[cardinality(v_days)], CASE WHEN v_whole THEN 'YYYY-MM' ELSE 'YYYY-MM-DD' END);
        END IF;

        IF EXISTS (SELECT FROM unsummed_post) AND summary_add() > 0 THEN
                RETURN 'posts';
        END IF;

        SELECT min(m.month) INTO v_month
        FROM (SELECT date_trunc('month', day::timestamp)::date AS month, count(*) AS days FROM summed_day GROUP BY 1) m
        WHERE m.days = (m.month + INTERVAL '1 month')::date - m.month
        AND NOT EXISTS (SELECT FROM summed_month s WHERE s.month = m.month)
        AND (p_all OR m.month < date_trunc('month', v_through::timestamp + INTERVAL '1 day') - INTERVAL '1 month');
        IF v_month IS NOT NULL THEN
                PERFORM summary_month(v_month, true);
        END IF;
        RETURN to_char(v_month, 'YYYY-MM');
END
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

-- What is taken back is rounded as what was given.
CREATE OR REPLACE FUNCTION tax_yen(p_amount_yen bigint, p_rate_bp integer, p_rounding text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_amount_yen < 0 THEN -1 ELSE 1 END
               * CASE p_rounding WHEN 'down' THEN abs(p_amount_yen) * p_rate_bp / 10000
                                 WHEN 'nearest' THEN (abs(p_amount_yen) * p_rate_bp + 5000) / 10000
                                 ELSE (abs(p_amount_yen) * p_rate_bp + 9999) / 10000 END
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
                          FROM generate_series(date_trunc('month', greatest(p_from, DATE '0001-01-01')::timestamp), -- no endless one
                                               least(p_to, DATE '9999-12-31')::timestamp, INTERVAL '1 month') g
                          LEFT JOIN LATERAL (SELECT r.rate_bp, r.rounding FROM tax_rate r
                                             WHERE r.from_on < (g + INTERVAL '1 month')::date ORDER BY r.from_on DESC LIMIT 1) t ON true
                          OFFSET 0) m -- the rate once a month, and not once a contract of it
                    JOIN contract c ON c.from_on < m.next AND coalesce(c.until_on, 'infinity') > m.first
                    CROSS JOIN LATERAL (SELECT least(m.next, c.until_on, p_to + 1) - greatest(m.first, c.from_on, p_from) AS days) x
                    WHERE x.days > 0) e) f
$$;

-- ATMs that earned in the days [p_from, p_to] in a hall where they had no contract, by quarter: what is due for them is not known. What is only
-- posted late does not count: it is of an earlier quarter, and so would be their contract.
CREATE OR REPLACE FUNCTION report_without_contract(p_from date, p_to date) RETURNS TABLE (quarter text, terminal text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT DISTINCT e.quarter, e.terminal
        FROM (SELECT quarter_of(r.month) AS quarter, r.terminal, r.hall, sum(r.withdrawals) AS withdrawals,
                     sum(r.customer_fee_yen + r.interbank_fee_yen) AS commission_yen, sum(r.hall_share_yen) AS share_yen,
                     sum(r.earlier_yen) AS earlier_yen
              FROM report_atm(p_from, p_to) r GROUP BY 1, 2, 3) e
        WHERE (e.withdrawals, e.commission_yen, e.share_yen) <> (0, 0, 0)
        AND (e.earlier_yen = 0 OR e.earlier_yen <> e.commission_yen)
        AND NOT EXISTS (SELECT FROM contract c WHERE c.terminal = e.terminal AND c.hall = e.hall
                        AND c.from_on <= least(quarter_last_day(e.quarter), p_to)
                        AND coalesce(c.until_on, 'infinity') > greatest(quarter_first_day(e.quarter), p_from))
$$;

-- closing --------------------------------------------------------------------------------------------------

-- Withdrawals without an end: asked of a bank, or approved, and no advice has ended them. Those that a bank is asked about have a row of
-- open_withdrawal. So have the house bank's of the days that are summed up, or may be any time: they get it in summary_days, or, where they come
-- after books.summed_through has passed their day, at once; a few may have ended since. Of all other days they are found among
-- their rows: no commit of the house bank's withdrawals writes a row for that.
CREATE OR REPLACE VIEW v_open_listed AS
SELECT o.terminal, o.transmitted_at, o.stan, o.card_token, o.amount_yen, o.asked_ms
FROM open_withdrawal o
WHERE o.asked_ms IS NOT NULL
   OR NOT EXISTS (SELECT FROM advice a WHERE a.terminal = o.terminal AND a.transmitted_at = o.transmitted_at AND a.stan = o.stan
                  AND a.state IN ('completed', 'reversed'));
CREATE OR REPLACE VIEW v_open AS
SELECT l.terminal, l.transmitted_at, l.stan, l.card_token, l.amount_yen, l.asked_ms FROM v_open_listed l
UNION ALL
SELECT w.terminal, w.transmitted_at, w.stan, w.card_token, w.amount_yen, NULL::bigint
FROM ledger_days('-infinity', 'infinity') d
CROSS JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.transmitted_at >= d::timestamp AT TIME ZONE 'Asia/Tokyo'
                    AND w.transmitted_at < (d + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' AND w.reason = reason_of('APPROVED')) w
WHERE NOT EXISTS (SELECT FROM summed_day s WHERE s.day = d)
AND NOT EXISTS (SELECT FROM advice a WHERE a.terminal = w.terminal AND a.transmitted_at = w.transmitted_at AND a.stan = w.stan
                AND a.state IN ('completed', 'reversed'))
AND NOT EXISTS (SELECT FROM open_withdrawal o WHERE o.terminal = w.terminal AND o.transmitted_at = w.transmitted_at AND o.stan = w.stan);

CREATE OR REPLACE VIEW v_without_end AS
SELECT o.terminal, o.transmitted_at, o.stan, o.amount_yen, w.business_date, w.hall, w.issuer,
       CASE WHEN o.asked_ms IS NOT NULL AND x.terminal IS NULL THEN 'asked' ELSE 'approved' END AS state
FROM v_open o
JOIN withdrawal w USING (terminal, transmitted_at, stan)
LEFT JOIN bank_outcome x USING (terminal, transmitted_at, stan);

-- The costs that nobody has entered for a quarter, separated by blanks; NULL: none is missing.
CREATE OR REPLACE FUNCTION cost_missing(p_quarter text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT string_agg(i.item, ' ' ORDER BY i.position)
        FROM unnest(ARRAY['cash_in_transit', 'network', 'maintenance', 'depreciation', 'sga', 'capex']) WITH ORDINALITY i (item, position)
        WHERE NOT EXISTS (SELECT FROM cost c WHERE c.quarter = p_quarter AND c.item = i.item)
$$;

-- Why a quarter was closed, from the trail, of which those who make reports read no more.
CREATE OR REPLACE FUNCTION period_note(p_quarter text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT t.note FROM trail t WHERE t.noun = 'period' AND t.key = p_quarter ORDER BY t.change DESC LIMIT 1
$$;

-- The quarters that a close through the end of this one would close, the first first: it, and earlier ones, from the ledger's first on, that are
-- open and in which something is posted or due, whether they have partitions or not. What each comes to, and the costs that nobody has entered for it, which can't be entered any more afterwards.
CREATE OR REPLACE FUNCTION closing_quarters(p_quarter text)
RETURNS TABLE (r_quarter text, r_from date, r_to date, r_withdrawals bigint, r_cash_yen bigint, r_commission_yen bigint, r_base_fee_yen bigint,
               r_missing text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
        SELECT q.quarter, q.from_on, q.to_on, r.withdrawals, r.cash_yen, r.commission_yen, f.base_fee_yen,
               cost_missing(q.quarter)
        FROM (SELECT quarter_of(g::date) AS quarter, g::date AS from_on, (g + INTERVAL '3 months')::date - 1 AS to_on
              FROM (SELECT CASE WHEN p_quarter ~ '^[1-4]Q[0-9]{2}$' THEN quarter_first_day(p_quarter) END AS from_on) a
              CROSS JOIN LATERAL (SELECT least(a.from_on, (SELECT min(d) FROM ledger_days('-infinity', a.from_on) d)) AS from_on) f
              CROSS JOIN LATERAL generate_series(
                        date_trunc('quarter', greatest(f.from_on, (SELECT b.closed_through + 1 FROM books b), quarter_first_day('1Q00'))::timestamp),
                        a.from_on::timestamp, INTERVAL '3 months') g) q
        CROSS JOIN LATERAL (SELECT count(*) AS rows, coalesce(sum(r.withdrawals), 0)::bigint AS withdrawals, coalesce(sum(r.cash_yen), 0)::bigint AS cash_yen,
                                   coalesce(sum(r.customer_fee_yen + r.interbank_fee_yen), 0)::bigint AS commission_yen
                            FROM report_atm(q.from_on, q.to_on) r) r
        CROSS JOIN LATERAL (SELECT coalesce(sum(b.base_fee_yen), 0)::bigint AS base_fee_yen FROM report_base_fee(q.from_on, q.to_on) b) f
        WHERE q.quarter = p_quarter OR r.rows > 0 OR f.base_fee_yen <> 0
        ORDER BY q.from_on
$$;

-- Close the books through the end of a quarter, and with it whatever earlier quarters are open (closing_quarters). One row: why
-- it was refused ('closed', 'without end', 'missing': costs of it or of those, 'not summed': batches wait while the quarter is added up, so
-- each of its days must have its sums), NULL where it is done, and how many withdrawals up to then have no
-- end. p_force closes although some have none, which is then posted on the first open day, and although costs are missing. Nothing is closed
-- before it is over.
CREATE FUNCTION period_close(p_quarter text, p_force boolean)
RETURNS TABLE (r_refusal text, r_without_end bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_from date;
        v_to date;
        v_open bigint;
BEGIN
        PERFORM demand(p_quarter ~ '^[1-4]Q[0-9]{2}$', format('quarter %L', p_quarter), 'one as 3Q16');
        PERFORM demand(p_force IS NOT NULL, 'neither with nor without force', 'true or false');
        PERFORM demand_note();
        v_from := quarter_first_day(p_quarter);
        v_to := quarter_last_day(p_quarter);
        PERFORM demand(v_to < business_today(), format('%s is not over', p_quarter),
                       format('a quarter whose last day is before business today, %s: its last day is %s', business_today(), v_to));
        -- batches in flight end first, those to come wait and then see the new date
        PERFORM books_hold();
        IF (SELECT closed_through >= v_to FROM books) THEN
                RETURN QUERY SELECT 'closed', 0::bigint;
                RETURN;
        END IF;
        IF EXISTS (SELECT FROM ledger_days(v_from, v_to) d WHERE NOT EXISTS (SELECT FROM summed_day s WHERE s.day = d)) THEN
                RETURN QUERY SELECT 'not summed', 0::bigint;
                RETURN;
        END IF;
        -- all of those days are summed up
        SELECT count(*) INTO v_open FROM v_open_listed o JOIN withdrawal w USING (terminal, transmitted_at, stan) WHERE w.business_date <= v_to;
        IF v_open > 0 AND NOT p_force THEN
                RETURN QUERY SELECT 'without end', v_open;
                RETURN;
        END IF;
        IF NOT p_force AND EXISTS (SELECT FROM closing_quarters(p_quarter) q WHERE q.r_missing IS NOT NULL) THEN
                RETURN QUERY SELECT 'missing', v_open;
                RETURN;
        END IF;
        INSERT INTO period (quarter, from_on, to_on, closed_ms, who, without_end, withdrawals, cash_yen, commission_yen, base_fee_yen)
        SELECT q.r_quarter, q.r_from, q.r_to, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, trail_who(),
               CASE WHEN v_open = 0 THEN 0
                    ELSE (SELECT count(*) FROM v_open_listed o JOIN withdrawal w USING (terminal, transmitted_at, stan) WHERE w.business_date <= q.r_to) END,
               q.r_withdrawals, q.r_cash_yen, q.r_commission_yen, q.r_base_fee_yen
        FROM closing_quarters(p_quarter) q;
        UPDATE books SET closed_through = v_to;
        RETURN QUERY SELECT NULL::text, v_open;
END
$$;

INSERT INTO schema_migration VALUES (81, 'reports');
COMMIT;
