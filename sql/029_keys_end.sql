-- The end of what 028_keys.sql began: the tables of history themselves, which have no quarters now, and those that have none at any
-- time; then the quarters that were set aside.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'Asia/Tokyo';

DO $$
DECLARE
        h record;
        q record;
        v_change text;
BEGIN
        -- a name is everywhere of one collation, since only then an index serves a join
        FOR h IN SELECT c.oid::regclass AS name, m.moment, m.name IS NOT NULL AS is_history
                 FROM pg_class c
                 LEFT JOIN (SELECT * FROM keys_history()
                            UNION ALL VALUES ('open_withdrawal', 'transmitted_at'), ('unsummed_post', 'transmitted_at')) m
                            ON m.name = c.relname
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                 AND NOT EXISTS (SELECT FROM schema_quarter s, keys_history() k
                                 WHERE c.relname = k.name || to_char(s.from_on, '"_"YYYY"q"Q'))
                 ORDER BY c.relname LOOP
                v_change := keys_change(h.name, h.moment,
                                        CASE WHEN NOT h.is_history
                                             THEN ARRAY['terminal', 'hall', 'area', 'issuer', 'link', 'band', 'kind', 'prefix', 'what',
                                                        'state_before', 'state_after', 'relation'] END);
                IF v_change IS NOT NULL THEN
                        EXECUTE v_change;
                END IF;
        END LOOP;

        FOR q IN SELECT k.name, k.name || to_char(s.from_on, '"_"YYYY"q"Q') AS part, s.from_on::timestamptz AS from_at,
                        (s.from_on + INTERVAL '3 months')::timestamptz AS to_at
                 FROM schema_quarter s, keys_history() k WHERE s.version = 28 ORDER BY s.from_on LOOP
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', q.name, q.part, q.from_at, q.to_at);
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT quarter_bounds', q.part);
        END LOOP;
END
$$;

-- As in 021_days.sql.
CREATE TRIGGER hall_moved AFTER UPDATE ON hall FOR EACH ROW
        WHEN ((OLD.area, OLD.prefecture, OLD.share_bp) IS DISTINCT FROM (NEW.area, NEW.prefecture, NEW.share_bp))
        EXECUTE FUNCTION hall_placed();

DROP FUNCTION schema_quarter_28(date), keys_change(regclass, text, text[]), keys_history();

INSERT INTO schema_migration VALUES (29, 'keys_end');
COMMIT;
