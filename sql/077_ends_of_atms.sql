-- Until when an ATM is disabled or barred: whoever says so may say until when, and it ends by itself (atm_end_due in 080_ledger.sql).
BEGIN;
SET LOCAL client_min_messages = warning;

ALTER TABLE atm
        ADD COLUMN disabled_until timestamptz, -- business time; NULL: until somebody enables it
        ADD COLUMN barred_until timestamptz;   -- likewise
-- what is not so has no end (a trigger of 080_ledger.sql takes it away)
ALTER TABLE atm
        ADD CONSTRAINT atm_disabled_until_check CHECK (disabled_until IS NULL OR NOT enabled),
        ADD CONSTRAINT atm_barred_until_check CHECK (barred_until IS NULL OR barred);

INSERT INTO schema_migration VALUES (77, 'ends_of_atms');
COMMIT;
