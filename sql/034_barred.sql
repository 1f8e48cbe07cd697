-- ATMs that people bar: none of them is connected, at any instance, until it is unbarred. (A disabled one stays connected: its
-- requests are refused, its advices taken.)
BEGIN;
SET LOCAL client_min_messages = warning;

ALTER TABLE atm ADD COLUMN barred boolean NOT NULL DEFAULT false;

-- An ATM's balance inquiries that try card numbers.
INSERT INTO reason (reason, name, de39, kept, description) VALUES
        (31, 'GUESSES', '65', false, 'too many balance inquiries refused for their card');

INSERT INTO schema_migration VALUES (34, 'barred');
COMMIT;
