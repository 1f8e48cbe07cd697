-- Which of the servers that were, or are, the primary of this database is the one that serves: the one of the newest epoch. Each promotion
-- raises it (epoch_raise in 080_ledger.sql); atmd and atmctl refuse a server of an older one than they have seen.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE database_epoch (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        -- of which database: copies go on being it, a new one is another
        lineage uuid NOT NULL DEFAULT gen_random_uuid(),
        epoch bigint NOT NULL DEFAULT 1 CHECK (epoch > 0)
);
INSERT INTO database_epoch DEFAULT VALUES;

INSERT INTO schema_migration VALUES (54, 'epoch');
COMMIT;
