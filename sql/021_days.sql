-- Sums of days. A day that is over is summed up once, outside of every batch's commit; until then its figures come from its
-- rows. Nothing is summed up in the commit of a withdrawal.
--
--      of rows --summary_step--> day in summed_day --its month is over, summary_step--> month in summed_month
--         ^---------------------- summary_forget: a hall moves, history is generated ----------'
--
-- Why that is right. books.summed_through is moved first, by summary_extend in EXCLUSIVE mode, and so after every batch that
-- saw it where it was before. Whoever posts to a day up to it, in a batch that sees it, leaves a row of unsummed_post in the
-- same commit. A day is summed up in one statement, which removes the day's rows of unsummed_post that its snapshot has, and no
-- others: a commission row is in the sums or in unsummed_post, and never in both or neither, whatever commits meanwhile. Nobody
-- waits for that: a batch inserts a row with a key of its own. Reports add up sums, rows of unsummed_post, and the rows of the
-- days that are not in summed_day, all in one snapshot.
--
-- What writes sums (summary_step, summary_forget) holds summed_day in SHARE ROW EXCLUSIVE mode, so that one does at a time.
BEGIN;
SET LOCAL client_min_messages = warning;

-- What functions and views of an earlier release may stand on; those whose parameters change.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday CASCADE;
DROP TYPE IF EXISTS ledger_effect CASCADE;
DO $$
DECLARE
        f regprocedure;
BEGIN
        FOR f IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = 'public'::regnamespace
                 AND (proname ~ '^cube_' OR proname IN ('ledger_advice', 'report_months', 'report_days', 'report_rows', 'summary_build', 'summary_extend')) LOOP
                EXECUTE 'DROP FUNCTION ' || f;
        END LOOP;
END
$$;

ALTER TABLE books RENAME COLUMN summarised_through TO summed_through; -- the last day that is in the summary, or may be any time

CREATE TABLE summed_day (
        day date PRIMARY KEY
);
CREATE TABLE summed_month (
        month date PRIMARY KEY CHECK (extract(day FROM month) = 1)
);
-- A commission row that was posted to a day up to summed_through.
CREATE TABLE unsummed_post (
        terminal text NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        seq smallint NOT NULL,
        posted_on date NOT NULL,
        PRIMARY KEY (terminal, transmitted_at, stan, seq)
);

-- Cubes of the summary, NULL where a cube has no such dimension. All but hour stay by day; hour by day until its month is in
-- summed_month, and by month from then on, when the month has its rows of atm and place, too.
--      detail  day, ATM, hall, issuer, band            atm    month, ATM, hall
--      day     day, ATM, hall                          place  month, ATM, hall, issuer, band
--      bank    day, issuer, band, hour, tax rate       hour   day or month, ATM, hall, band, hour
CREATE TABLE summary_detail PARTITION OF summary FOR VALUES IN ('detail');
DROP INDEX summary_month;
CREATE INDEX summary_month ON summary (month, (coalesce(terminal, '')));
CREATE INDEX summary_posted ON summary (posted_on);

-- The months that are summed up already stay so; the roll-up has their days.
DELETE FROM summary s
WHERE EXISTS (SELECT FROM summary_stale t WHERE t.month = s.month)
   OR s.month > coalesce((SELECT summed_through FROM books), '-infinity');
INSERT INTO summed_month SELECT DISTINCT month FROM summary;
INSERT INTO summed_day
SELECT d::date FROM summed_month m
CROSS JOIN LATERAL generate_series(m.month::timestamp, m.month + INTERVAL '1 month - 1 day', INTERVAL '1 day') d;
INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, issuer, band, withdrawals, cash_yen, customer_fee_yen,
        customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
SELECT 'detail', m.month, r.posted_on, r.terminal, r.hall, p.from_on, r.issuer, r.band, sum(r.withdrawals), sum(r.cash_yen),
       sum(r.customer_fee_yen), sum(r.customer_tax_yen), sum(r.interbank_fee_yen), sum(r.interbank_tax_yen), sum(r.hall_share_yen),
       sum(CASE WHEN date_trunc('quarter', r.business_date::timestamp) < date_trunc('quarter', r.posted_on::timestamp)
                THEN r.customer_fee_yen + r.interbank_fee_yen ELSE 0 END)
FROM revenue_rollup r
JOIN summed_month m ON m.month = date_trunc('month', r.posted_on::timestamp)::date
LEFT JOIN hall_place p ON p.hall = r.hall AND p.from_on <= r.business_date AND p.until_on > r.business_date
GROUP BY 2, 3, 4, 5, 6, 7, 8;
DROP TABLE revenue_rollup, summary_stale;

-- guards ---------------------------------------------------------------------------------------------------

-- The sums of the months that have summed days of [p_from, p_to] are taken away, to be made anew: for what changes rows' place
-- or brings rows without a word of each. To be called last before the commit, since others who sum up wait for it.
CREATE FUNCTION summary_forget(p_from date, p_to date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_months date[];
BEGIN
        LOCK TABLE summed_day IN SHARE ROW EXCLUSIVE MODE;
        SELECT array_agg(DISTINCT date_trunc('month', day::timestamp)::date) INTO v_months
        FROM summed_day WHERE day >= p_from AND day <= p_to;
        IF v_months IS NULL THEN
                RETURN;
        END IF;
        DELETE FROM summary WHERE month = ANY (v_months);
        DELETE FROM summed_month WHERE month = ANY (v_months);
        DELETE FROM summed_day WHERE date_trunc('month', day::timestamp)::date = ANY (v_months);
END
$$;

-- A new hall has no past. What changes holds from the business day that the operator's program gives (atm.business_day);
-- who writes without it changes what is not posted yet.
CREATE OR REPLACE FUNCTION hall_placed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_given date := nullif(current_setting('atm.business_day', true), '')::date;
        v_closed date;
        v_last date;
        v_day date;
BEGIN
        IF TG_OP = 'INSERT' THEN
                INSERT INTO hall_place (hall, from_on, area, prefecture, share_bp)
                VALUES (NEW.hall, DATE '0001-01-01', NEW.area, NEW.prefecture, NEW.share_bp);
                RETURN NULL;
        END IF;
        SELECT closed_through INTO v_closed FROM books; -- and once more at the commit: hall_place_held
        SELECT max(from_on) INTO v_last FROM hall_place WHERE hall = NEW.hall;
        IF v_given <= v_closed THEN
                RAISE EXCEPTION 'hall %: the books are closed through %', NEW.hall, v_closed
                        USING HINT = 'it is ' || v_given || ' by the business clock: let it change on ' || (v_closed + 1)
                                     || ' or later',
                              ERRCODE = 'check_violation';
        END IF;
        IF v_given < v_last THEN
                RAISE EXCEPTION 'hall %: it changed on % already', NEW.hall, v_last
                        USING HINT = 'it is ' || v_given || ' by the business clock: let it change on ' || v_last || ' or later',
                              ERRCODE = 'check_violation';
        END IF;
        v_day := coalesce(v_given, greatest(v_closed + 1, v_last, (SELECT max(posted_on) FROM commission)));
        UPDATE hall_place SET until_on = v_day WHERE hall = NEW.hall AND from_on = v_last AND from_on < v_day;
        INSERT INTO hall_place (hall, from_on, area, prefecture, share_bp)
        VALUES (NEW.hall, v_day, NEW.area, NEW.prefecture, NEW.share_bp)
        ON CONFLICT (hall, from_on) DO UPDATE SET area = EXCLUDED.area, prefecture = EXCLUDED.prefecture, share_bp = EXCLUDED.share_bp;
        PERFORM summary_forget(v_day, 'infinity');
        RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS hall_placed ON hall;
CREATE TRIGGER hall_placed AFTER INSERT ON hall FOR EACH ROW EXECUTE FUNCTION hall_placed();
DROP TRIGGER IF EXISTS hall_moved ON hall;
CREATE TRIGGER hall_moved AFTER UPDATE ON hall FOR EACH ROW
        WHEN ((OLD.area, OLD.prefecture, OLD.share_bp) IS DISTINCT FROM (NEW.area, NEW.prefecture, NEW.share_bp))
        EXECUTE FUNCTION hall_placed();

INSERT INTO schema_migration VALUES (21, 'days');
COMMIT;
