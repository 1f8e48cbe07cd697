-- Which clock the business runs by: what people ask for (a close, sums, partitions) is checked by the database itself, so it must
-- know whether a day is over. No row: by the server's own clock, as in production. A laboratory's is entered by 'atmctl db init'.
BEGIN;
SET LOCAL client_min_messages = warning;

-- rules/clock.h: business time = start + (real - anchor) x speed, in milliseconds since 1970.
CREATE TABLE business_clock (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        start_ms bigint NOT NULL,
        anchor_ms bigint NOT NULL,
        speed integer NOT NULL CHECK (speed >= 1)
);

INSERT INTO schema_migration VALUES (31, 'clock');
COMMIT;
