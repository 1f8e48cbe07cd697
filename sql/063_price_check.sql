-- What a transaction that changes a price has seen of priced withdrawals at its first check, for the second one (price_guard in
-- 080_ledger.sql). A session's settings would do, but are anybody's to set. A row a transaction; the next one takes those that are over.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE price_check (
        transaction xid8 PRIMARY KEY,
        since timestamptz NOT NULL, -- none that the first check could not see is older
        span tstzrange,             -- priced_span, once the second check has asked
        lately text                 -- priced_lately, where it had to
);

INSERT INTO schema_migration VALUES (63, 'price_check');
COMMIT;
