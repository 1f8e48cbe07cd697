-- Days that people enter are days of the calendar: four digits of a year. An 'infinity' or a year before Christ is a date to PostgreSQL, and
-- nothing that atmd could read: it kept its reference data as they were, so that not even a barred ATM was let go, until
-- somebody found the row. (NOT VALID: rows that are there already stand in no migration's way.)
BEGIN;
SET LOCAL client_min_messages = warning;

DO $$
DECLARE
        r record;
BEGIN
        FOR r IN SELECT * FROM (VALUES ('card_prefix', 'from_on'), ('tariff', 'from_on'), ('tax_rate', 'from_on'), ('holiday', 'day'),
                                       ('limit_rule', 'from_on'), ('network_hours', 'from_on'), ('exclusion', 'from_on'),
                                       ('exclusion', 'until_on'), ('contract', 'from_on'), ('contract', 'until_on'),
                                       ('target', 'announced_on'), ('finance_rate', 'from_on')) t (name, day) LOOP
                EXECUTE format('ALTER TABLE %1$I ADD CONSTRAINT %3$I CHECK (%2$I BETWEEN DATE ''0001-01-01'' AND DATE ''9999-12-31'') '
                               'NOT VALID', r.name, r.day, r.name || '_' || r.day || '_calendar');
        END LOOP;
END
$$;

INSERT INTO schema_migration VALUES (37, 'calendar');
COMMIT;
