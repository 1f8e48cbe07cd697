-- How long a withdrawal is its ATM's alone: what people decide must wait for that, and whoever calls the function that decides must not
-- say it himself. Each instance of atmd enters its own configuration (instance_limits_are in 080_ledger.sql), which is the same in all.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE instance_limit (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        atm_wait_s integer NOT NULL CHECK (atm_wait_s >= 0),
        atm_dispense_s integer NOT NULL CHECK (atm_dispense_s >= 0)
);
INSERT INTO instance_limit (atm_wait_s, atm_dispense_s) VALUES (90, 510);

INSERT INTO schema_migration VALUES (50, 'limits');
COMMIT;
