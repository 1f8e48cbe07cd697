-- The roles of the system, once a cluster; repeatable. Nobody but the owner may change the schema, and
-- nobody at all updates or deletes history (see the grants at the end of 042_views.sql).
--   atm_owner     owns every table and function; the migrations run as it; no login
--   atm_daemon    atmd: executes the functions of the ledger, of the sums and of partitions, and nothing else
--   atm_operator  atmctl: reads everything, changes reference data through grants on those tables
--   atm_report    reads the views and reports
DO $$
DECLARE
        r record;
BEGIN
        FOR r IN SELECT * FROM (VALUES ('atm_owner', 'NOLOGIN'), ('atm_daemon', 'LOGIN'),
                                       ('atm_operator', 'LOGIN'), ('atm_report', 'LOGIN')) v (name, login)
        LOOP
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r.name) THEN
                        EXECUTE format('CREATE ROLE %I %s', r.name, r.login);
                END IF;
        END LOOP;
END
$$;
