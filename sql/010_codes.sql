-- A bank that refuses without a reason that we have one for: 05.
BEGIN;

INSERT INTO reason (reason, name, de39, kept, description) VALUES
        (30, 'DECLINED', '05', true, 'declined by the bank');

INSERT INTO schema_migration VALUES (10, 'codes');
COMMIT;
