-- What each instance of atmd sees of those it talks with, for people: a row an instance and peer, which that instance alone writes
-- (sightings_write in 080_ledger.sql), all of its rows at once, when something has changed and else once a minute. So a row whose seen_ms is
-- old is of an instance that is gone, or can't reach the database, and says nothing of now (sighting_is_fresh). Peers are links to banks; ATMs
-- fit in, under a kind and states of their own. Times are real milliseconds by the database's clock.
--
-- And whom a withdrawal's link names: the bank that was asked, or would have been, had it been there.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE sighting (
        instance text COLLATE "C" NOT NULL CHECK (octet_length(instance) BETWEEN 1 AND 127), -- NAME@MACHINE
        kind text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL,
        since_ms bigint NOT NULL, -- in that state
        heard_ms bigint,          -- the peer's last word; NULL: none since the instance started
        why text CHECK (octet_length(why) <= 1000), -- it is not as it should be
        seen_ms bigint NOT NULL,  -- when the row was written
        PRIMARY KEY (instance, kind, name),
        CONSTRAINT sighting_state CHECK (kind = 'link' AND state IN ('down', 'signed_off', 'up'))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A refusal for want of the bank (25, ISSUER_UNAVAILABLE), or of a PIN for it (21, PIN_WRONG), keeps the link that was meant. What was asked is what has no reason of its own. What
-- is there holds already, since the former constraint demanded more; it is read once all the same, for then every partition has the
-- constraint as one that is made later has it.
DO $$
DECLARE
        v_check text := 'CHECK (CASE WHEN reason IS NULL THEN link IS NOT NULL ELSE link IS NULL OR reason IN (21, 25) END)';
        v_table regclass;
        v_former name;
BEGIN
        -- a partition has what it was made with as its own: the table's change alone would leave it there
        FOR v_table, v_former IN SELECT conrelid, conname FROM pg_constraint c
                WHERE contype = 'c' AND pg_get_constraintdef(oid) LIKE '%((reason IS NULL) = (link IS NOT NULL))%'
                AND conrelid IN (SELECT 'withdrawal'::regclass UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'withdrawal'::regclass)
                ORDER BY conrelid <> 'withdrawal'::regclass
        LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', v_table, v_former);
        END LOOP;
        FOR v_table IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'withdrawal'::regclass ORDER BY 1 LOOP
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT withdrawal_link %s', v_table, v_check);
        END LOOP;
        EXECUTE format('ALTER TABLE withdrawal ADD CONSTRAINT withdrawal_link %s', v_check);
END
$$;

INSERT INTO schema_migration VALUES (75, 'sightings');
COMMIT;
