-- A card is one row: what it is, its account, and what it has used of the limits. Who changes which columns:
--   people        issuer, pan_mask, expiry_yymm, kind, status, successor, opening_yen
--   the ledger    balance_yen, pin_tries, and the use: all the columns of months and days
--
-- Use is kept of the two newest months and the two newest business dates that the card was used in, each with its date: what
-- is older leaves the row when a newer one comes. So a date between the two, or after both, has no use; of one before both
-- the row knows nothing, and a withdrawal of such a date is refused (CLOCK_OFF). ATMs' clocks don't come to that: [clock] skew_s
-- is less than half a day, so that the moments that are accepted at the same time lie on two dates at most. Cash
-- that is given back of what has left the row changes no use.
--
-- A card of a bank over a link has a row from its first use on, or since a person has changed it (who gives it an expiry).
BEGIN;
SET LOCAL client_min_messages = warning;

-- What views and functions of an earlier release may stand on.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday CASCADE;

-- Those that change with a withdrawal stand side by side: the log of an update has the bytes from the first that differs to the last.
-- Room in the pages and no index on what changes let an update stay within its page.
ALTER TABLE card SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000);
ALTER TABLE card
        ADD COLUMN opening_yen bigint, -- NULL: no account of the house bank
        ADD COLUMN balance_yen bigint,
        ADD COLUMN month_yen bigint NOT NULL DEFAULT 0,
        ADD COLUMN day_yen bigint NOT NULL DEFAULT 0,
        ADD COLUMN day_count integer NOT NULL DEFAULT 0, -- withdrawals
        ADD COLUMN day_corrections integer NOT NULL DEFAULT 0, -- how often cash was said, after all, to be less than a completion had said
        ADD COLUMN day_on date,
        ADD COLUMN month_on date,
        ADD COLUMN earlier_day_on date,
        ADD COLUMN earlier_month_on date,
        ADD COLUMN earlier_month_yen bigint NOT NULL DEFAULT 0,
        ADD COLUMN earlier_day_yen bigint NOT NULL DEFAULT 0,
        ADD COLUMN earlier_day_count integer NOT NULL DEFAULT 0,
        ADD COLUMN earlier_day_corrections integer NOT NULL DEFAULT 0,
        ADD COLUMN pin_tries smallint NOT NULL DEFAULT 0;

-- Of a bank's answer: the day on which it says that it settles.
ALTER TABLE bank_outcome ADD COLUMN settled_on date;

INSERT INTO card (card_token, issuer, pan_mask)
SELECT u.card_token, w.issuer, w.pan_mask
FROM (SELECT DISTINCT card_token FROM card_day EXCEPT SELECT card_token FROM card) u
CROSS JOIN LATERAL (SELECT w.issuer, w.pan_mask FROM withdrawal w WHERE w.card_token = u.card_token AND w.issuer IS NOT NULL
                    ORDER BY w.transmitted_at DESC LIMIT 1) w
ORDER BY 1;

-- (Months without a day are of requests that were refused.)
WITH day AS (
        SELECT card_token, array_agg(day ORDER BY day DESC) AS used_on, array_agg(cash_yen ORDER BY day DESC) AS yen,
               array_agg(withdrawals ORDER BY day DESC) AS n, array_agg(corrections ORDER BY day DESC) AS corrections
        FROM (SELECT *, row_number() OVER (PARTITION BY card_token ORDER BY day DESC) AS place FROM card_day) d
        WHERE place <= 2 GROUP BY 1
), month AS (
        SELECT card_token, array_agg(month ORDER BY month DESC) AS used_on, array_agg(cash_yen ORDER BY month DESC) AS yen
        FROM (SELECT *, row_number() OVER (PARTITION BY card_token ORDER BY month DESC) AS place
              FROM card_month
              JOIN (SELECT DISTINCT card_token, date_trunc('month', day::timestamp)::date AS month FROM card_day) d
                   USING (card_token, month)) m
        WHERE place <= 2 GROUP BY 1
)
UPDATE card c
SET opening_yen = u.opening_yen, balance_yen = u.balance_yen, month_on = u.month_on[1], month_yen = coalesce(u.month_yen[1], 0),
    earlier_month_on = u.month_on[2], earlier_month_yen = coalesce(u.month_yen[2], 0), day_on = u.day_on[1],
    day_yen = coalesce(u.day_yen[1], 0), day_count = coalesce(u.n[1], 0), day_corrections = coalesce(u.corrections[1], 0),
    earlier_day_on = u.day_on[2], earlier_day_yen = coalesce(u.day_yen[2], 0), earlier_day_count = coalesce(u.n[2], 0),
    earlier_day_corrections = coalesce(u.corrections[2], 0)
FROM (SELECT card_token, a.opening_yen, a.balance_yen, d.used_on AS day_on, d.yen AS day_yen, d.n, d.corrections,
             m.used_on AS month_on, m.yen AS month_yen
      FROM account a FULL JOIN day d USING (card_token) FULL JOIN month m USING (card_token)) u
WHERE c.card_token = u.card_token;

ALTER TABLE card
        ADD CONSTRAINT card_account_check CHECK ((opening_yen IS NULL) = (balance_yen IS NULL) AND opening_yen >= 0
                AND balance_yen >= 0 -- cash cards only: no overdraft
                AND (successor IS NULL OR opening_yen IS NULL)), -- a replaced card's is its successor's
        ADD CONSTRAINT card_use_check CHECK (month_yen >= 0 AND day_yen >= 0 AND day_count >= 0 AND day_corrections >= 0
                AND earlier_month_yen >= 0 AND earlier_day_yen >= 0 AND earlier_day_count >= 0 AND earlier_day_corrections >= 0
                AND earlier_month_on < month_on AND earlier_day_on < day_on AND pin_tries >= 0);

DROP TABLE account, card_day, card_month;
DROP FUNCTION IF EXISTS account_guard();

INSERT INTO schema_migration VALUES (25, 'cards');
COMMIT;
