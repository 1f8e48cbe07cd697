-- The roles of the system, once a cluster; repeatable. Nobody but the owner may change the schema, and
-- nobody at all updates or deletes history (see the grants at the end of 082_views.sql).
--   atm_owner     owns every table and function; the migrations run as it; no login
--   atm_daemon    atmd: executes the functions of the ledger, of the sums and of partitions, and nothing else
--   atm_operator  the group of those who use atmctl: reads everything, changes reference data through grants on those tables, and
--                 all else through functions; no login: persons are its members (CREATE ROLE tanaka LOGIN IN ROLE atm_operator)
--   atm_keys      the group of operators who also look after keys (atmctl key): a member of atm_operator; no login
--   atm_report    reads reports; no card, account or exclusion, and no token
DO $$
DECLARE
        r record;
BEGIN
        FOR r IN SELECT * FROM (VALUES ('atm_owner', 'NOLOGIN'), ('atm_daemon', 'LOGIN'),
                                       ('atm_operator', 'NOLOGIN'), ('atm_keys', 'NOLOGIN'), ('atm_report', 'LOGIN')) v (name, login)
        LOOP
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r.name) THEN
                        EXECUTE format('CREATE ROLE %I %s', r.name, r.login);
                END IF;
        END LOOP;
        -- an earlier release let whoever it was log in as it
        IF (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'atm_operator') THEN
                ALTER ROLE atm_operator NOLOGIN;
        END IF;
        IF NOT pg_has_role('atm_keys', 'atm_operator', 'USAGE') THEN
                GRANT atm_operator TO atm_keys;
        END IF;
        -- Nobody fills the disk with tables and objects of his own; whoever imports has a temporary table to check in.
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO atm_owner, atm_operator', current_database());
        FOR r IN SELECT oid::regprocedure AS name FROM pg_proc
                 WHERE pronamespace = 'pg_catalog'::regnamespace
                 AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_put', 'lowrite', 'lo_truncate', 'lo_truncate64')
        LOOP
                EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', r.name);
        END LOOP;
        -- Locks that no table is behind fill the server's list of locks, and no batch finds a place in it then. Who generates takes one.
        FOR r IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_' LOOP
                EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', r.name);
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO atm_owner', r.name);
        END LOOP;
        -- lock_holders names who is in whose way
        IF NOT pg_has_role('atm_owner', 'pg_read_all_stats', 'USAGE') THEN
                GRANT pg_read_all_stats TO atm_owner;
        END IF;
        -- ledger_unblock ends sessions of people that keep withdrawals waiting (no superuser's)
        IF NOT pg_has_role('atm_owner', 'pg_signal_backend', 'USAGE') THEN
                GRANT pg_signal_backend TO atm_owner;
        END IF;
        -- A transaction that somebody left open ends after a minute, with what it holds (programs of ours that must wait say so themselves).
        -- What an administrator has set stays.
        IF NOT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                       WHERE d.datname = current_database() AND s.setrole = 0
                       AND array_to_string(s.setconfig, ',') LIKE '%idle_in_transaction_session_timeout=%') THEN
                EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = %L', current_database(), '1min');
        END IF;
        -- Nobody sorts the disk full (who has no rights of a superuser can't set this for himself),
        IF NOT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                       WHERE d.datname = current_database() AND s.setrole = 0
                       AND array_to_string(s.setconfig, ',') LIKE '%temp_file_limit=%') THEN
                EXECUTE format('ALTER DATABASE %I SET temp_file_limit = %L', current_database(), '10GB');
        END IF;
        -- or takes all connections, processors, or places in the server's list of locks, of which a query of everything takes a thousand.
        FOR r IN WITH RECURSIVE members (oid) AS (
                         SELECT p.oid FROM pg_roles p WHERE p.rolname IN ('atm_operator', 'atm_report')
                         UNION
                         SELECT m.member FROM members g JOIN pg_auth_members m ON m.roleid = g.oid)
                 SELECT p.rolname AS name FROM members JOIN pg_roles p USING (oid)
                 WHERE p.rolcanlogin AND NOT p.rolsuper AND p.rolconnlimit = -1
        LOOP
                EXECUTE format('ALTER ROLE %I CONNECTION LIMIT 10', r.name);
        END LOOP;
END
$$;
