-- Keys are led by the moment, so that what is written together lies together, and codes (of terminals, halls, issuers, kinds and the
-- like) are compared as bytes: COLLATE "C". Words that people read keep the database's collation.
--
-- History is converted quarter by quarter: each one's tables are taken out of history, get their keys and are set aside, in a
-- transaction of its own; 029_keys_end.sql puts them in again. No row is written anew.
--
--      part of history --schema_quarter_28--> set aside, done in schema_quarter --029_keys_end.sql--> part of history
BEGIN;
SET LOCAL client_min_messages = warning;

-- What stands on the columns; 029, 040 and 042 make it again.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday, v_without_end CASCADE;
DROP TRIGGER IF EXISTS hall_moved ON hall;
DROP TRIGGER IF EXISTS hall_place_held ON hall_place;

-- What a migration has to do quarter by quarter: it enters them here, and atmctl calls its function schema_quarter_VERSION(from_on)
-- for each, which is marked in the same transaction, before it runs any later migration. So it goes on wherever it was stopped.
CREATE TABLE schema_quarter (
        version integer NOT NULL,
        from_on date NOT NULL,
        done boolean NOT NULL DEFAULT false,
        PRIMARY KEY (version, from_on)
);
GRANT SELECT ON schema_quarter TO atm_daemon, atm_operator; -- they say why they can't begin

-- Nobody writes until the end (082_views.sql): an instance of the former release would find history without its quarters.
DO $$
DECLARE
        f regprocedure;
BEGIN
        FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                 AND proname NOT IN ('schema_version', 'token_key_is', 'reference_snapshot') LOOP
                EXECUTE format('REVOKE ALL ON FUNCTION %s FROM atm_daemon, atm_operator, atm_report', f);
        END LOOP;
END
$$;
REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM atm_operator; -- whose guards read history

-- The change of a table: its codes, and, where the name of the moment is given, its key. NULL: nothing is to be changed.
CREATE FUNCTION keys_change(p_table regclass, p_moment text, p_codes text[]) RETURNS text LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
        SELECT 'ALTER TABLE ' || p_table || ' ' || string_agg(c.change, ', ')
        FROM (SELECT format('ALTER COLUMN %I TYPE text COLLATE "C"', a.attname) AS change
              FROM pg_attribute a
              WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'text'::regtype
              AND a.attcollation <> '"C"'::regcollation AND (p_codes IS NULL OR a.attname = ANY (p_codes))
              UNION ALL
              SELECT format('DROP CONSTRAINT %I, ADD CONSTRAINT %1$I PRIMARY KEY (%s)', k.conname,
                            (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attname <> p_moment, u.place)
                             FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
                             JOIN pg_attribute a ON a.attrelid = p_table AND a.attnum = u.number))
              FROM pg_constraint k WHERE k.conrelid = p_table AND k.contype = 'p' AND p_moment IS NOT NULL) c
$$;

-- The tables of history, with the moment that their partitions go by.
CREATE FUNCTION keys_history() RETURNS TABLE (name text, moment text) LANGUAGE sql IMMUTABLE AS $$
        VALUES ('withdrawal', 'transmitted_at'), ('advice', 'transmitted_at'), ('advice_identity', 'advice_at'),
               ('commission', 'transmitted_at'), ('bank_outcome', 'transmitted_at'), ('bank_notice', 'transmitted_at'),
               ('bank_ack', 'transmitted_at')
$$;

-- A quarter: all text of history is codes. What lies within the quarter's bounds is known by a constraint when it is put in again,
-- and not read for it. Of changed columns the statistics are gone.
CREATE FUNCTION schema_quarter_28(p_from date) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' SET maintenance_work_mem = '256MB' AS $$
DECLARE
        h record;
        v_part text;
BEGIN
        FOR h IN SELECT * FROM keys_history() LOOP
                v_part := quote_ident(h.name || to_char(p_from, '"_"YYYY"q"Q'));
                EXECUTE format('ALTER TABLE %I DETACH PARTITION %s', h.name, v_part);
                EXECUTE keys_change(v_part::regclass, h.moment, NULL);
                EXECUTE format('ALTER TABLE %1$s ADD CONSTRAINT quarter_bounds CHECK (%2$I >= %3$L AND %2$I < %4$L)', v_part, h.moment,
                               p_from::timestamptz, (p_from + INTERVAL '3 months')::timestamptz);
                EXECUTE 'ANALYZE ' || v_part;
        END LOOP;
END
$$;
INSERT INTO schema_quarter (version, from_on) SELECT 28, from_on FROM ledger_partition;

INSERT INTO schema_migration VALUES (28, 'keys');
COMMIT;
