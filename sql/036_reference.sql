-- What atmd decides from, as it stands when a change of it is committed: rows of text that nobody locks but whoever changes them.
--
-- Read from its tables, it could be locked by anybody who may change one of them: an operator's LOCK TABLE hall, left idle, and a
-- change elsewhere silenced all withdrawals, since each batch wants the newest version. So whoever changes reference data
-- writes what his change makes of it, and waits for a lock himself if he must (reference_refresh in 080_ledger.sql, which also fills it).
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE reference_copy (
        source text NOT NULL, -- the table that it is made from
        section text NOT NULL,
        cell text[] NOT NULL,
        PRIMARY KEY (section, cell)
);

INSERT INTO schema_migration VALUES (36, 'reference');
COMMIT;
