-- The trail: every change that people make, for good. What was kept of some of them before (finance_change, operator_action) goes over.
BEGIN;
SET LOCAL client_min_messages = warning;

-- What functions and views of an earlier release may stand on.
DROP FUNCTION IF EXISTS finance_changed() CASCADE;

-- One row a changed row. Insert-only: written by the triggers and functions of 080_ledger.sql, which nobody but the owner can pass by.
-- No card's token is in it: a card is its mask.
CREATE TABLE trail (
        change bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz,      -- the server's clock; NULL: of an earlier release that did not know
        who text NOT NULL,   -- the database's user, session_user
        person text,         -- whom a program says it speaks for
        command text,        -- the program's command; NULL: by hand
        noun text NOT NULL,  -- as atmctl calls it
        key text NOT NULL,   -- of the row: the values of its key columns, a blank between them
        before jsonb,        -- what people set of it; NULL: it was not there
        after jsonb,         -- NULL: it is there no more
        note text,
        CHECK (before IS NOT NULL OR after IS NOT NULL)
);
CREATE INDEX trail_key ON trail (noun, key text_pattern_ops);
CREATE INDEX trail_at ON trail (at);

INSERT INTO trail (at, who, person, command, noun, key, before, after, note)
SELECT o.at, split_part(o.who, '/', 1), nullif(substr(o.who, length(split_part(o.who, '/', 1)) + 2), ''), o.command, o.noun, o.key, o.before,
       o.after, o.note
FROM (SELECT to_timestamp(c.at_ms / 1000.0) AS at, c.who, NULL AS command, CASE c.noun WHEN 'finance_rate' THEN 'rate' ELSE c.noun END AS noun,
             concat_ws(' ', r.row ->> 'terminal', r.row ->> 'quarter', r.row ->> 'fiscal_year', r.row ->> 'period', r.row ->> 'peer',
                       CASE WHEN c.noun <> 'contract' THEN r.row ->> 'item' END, r.row ->> 'announced_on', r.row ->> 'from_on') AS key,
             c.before, c.after, NULL AS note, c.change
      FROM finance_change c
      CROSS JOIN LATERAL (SELECT coalesce(c.after, c.before) AS row) r
      UNION ALL
      SELECT to_timestamp(a.at_ms / 1000.0), a.who, a.what, CASE WHEN a.what = 'exception resolve' THEN 'withdrawal' ELSE 'saf' END,
             concat_ws(' ', a.terminal, to_char(a.transmitted_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD"T"HH24:MI:SS"+09:00"'), a.stan,
                       CASE WHEN a.what <> 'exception resolve' THEN a.seq END),
             NULL, CASE WHEN a.what = 'exception resolve' THEN jsonb_build_object('seq', a.seq, 'dispensed_yen', a.dispensed_yen)
                        ELSE jsonb_build_object('parked', a.what = 'saf park') END, a.note, NULL
      FROM operator_action a) o
ORDER BY o.at NULLS FIRST, o.change;
DROP TABLE finance_change, operator_action;

-- By whose number it is known; its card may have no row yet. NULL: of an earlier release, or named by token.
ALTER TABLE exclusion ADD COLUMN pan_mask text CHECK (pan_mask ~ '^[0-9]{6}[*]+[0-9]{4}$');

INSERT INTO schema_migration VALUES (32, 'trail');
COMMIT;
