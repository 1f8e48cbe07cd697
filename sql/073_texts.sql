-- Names and notes that people set are lines: a hall's name of no character, of 100,000, or with the end of a line or an escape in it was a text to
-- PostgreSQL, and nothing that a list's own CSV could bring back. What atmctl takes (lib/base/utf8.c has the same characters), whoever
-- writes it. (NOT VALID: rows that are there already stand in no migration's way.)
BEGIN;
SET LOCAL client_min_messages = warning;

DO $$
DECLARE
        r record;
BEGIN
        FOR r IN SELECT * FROM (VALUES ('area', 'name'), ('hall', 'name'), ('issuer', 'name'), ('holiday', 'name'), ('cost', 'note'),
                                       ('target', 'note'), ('published', 'source'), ('peer', 'source'), ('finance_rate', 'note'))
                               t (name, words) LOOP
                EXECUTE format('ALTER TABLE %1$I ADD CONSTRAINT %3$I CHECK (octet_length(%2$I) BETWEEN 1 AND 200 AND %2$I !~ %4$L) NOT VALID',
                               r.name, r.words, r.name || '_' || r.words || '_line',
                               '[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]');
        END LOOP;
END
$$;

INSERT INTO schema_migration VALUES (73, 'texts');
COMMIT;
