-- What a hall's operator is called by the tax office: the number that a purchase statement to the hall must have (qualified invoices, since
-- October 2023). Who is not registered has none.
BEGIN;
SET LOCAL client_min_messages = warning;

ALTER TABLE hall ADD COLUMN registration text CHECK (registration ~ '^T[0-9]{13}$');

INSERT INTO schema_migration VALUES (79, 'registration');
COMMIT;
