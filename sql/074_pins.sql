-- PINs of the house bank's cards: by which method an issuer's are verified, what a card's PIN is compared with, and what became of each one.
--
-- No PIN is here, nor anything that one can be computed from without a key: the key module makes of an entered PIN what the card's issuer
-- would have made of it (a PVV, or an IBM 3624 offset), and the ledger compares. Wrong ones are counted in card.pin_tries (025_cards.sql)
-- by the statement that decides, so over the whole fleet; history is pin_event, from which atmctl verify computes the count anew.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'Asia/Tokyo';

ALTER TABLE issuer
        ADD COLUMN pin_method text NOT NULL DEFAULT 'none' CHECK (pin_method IN ('none', 'pvv', 'offset')),
        ADD COLUMN pin_tries_max smallint NOT NULL DEFAULT 3 CHECK (pin_tries_max BETWEEN 1 AND 99),
        -- a bank behind a link verifies and counts itself
        ADD CONSTRAINT issuer_pin_check CHECK (link IS NULL OR pin_method = 'none');

-- People's, not the ledger's: the PVV (4 digits) or the offset (as many as the PIN has). NULL: none is known, so that no PIN can be right.
ALTER TABLE card
        ADD COLUMN pin_value text COLLATE "C" CHECK (pin_value ~ '^[0-9]{4,12}$'),
        ADD CONSTRAINT card_pin_check CHECK (successor IS NULL OR pin_value IS NULL AND pin_tries = 0);

-- What became of PINs, where it changed the count or a request was refused for it. Insert-only; the number is the card's own, drawn under its
-- row's lock.
--   wrong       counted
--   unverified  none came, or the card has none to compare it with: refused as a wrong one, and not counted
--   right       after wrong ones, which are forgotten
--   unblocked   by a person, likewise; no request's
CREATE TABLE pin_event (
        card_token uuid NOT NULL,
        seq integer NOT NULL CHECK (seq > 0),
        kind text COLLATE "C" NOT NULL CHECK (kind IN ('wrong', 'unverified', 'right', 'unblocked')),
        terminal text COLLATE "C",
        transmitted_at timestamptz,
        stan integer,
        is_inquiry boolean,
        PRIMARY KEY (card_token, seq),
        CHECK (num_nonnulls(terminal, transmitted_at, stan, is_inquiry) = CASE kind WHEN 'unblocked' THEN 0 ELSE 4 END)
);

-- Balance inquiries in which a PIN was looked at: decided once, as withdrawals are. A repeat hears what was said then, the balance too.
CREATE TABLE pin_inquiry (
        terminal text COLLATE "C" NOT NULL,
        transmitted_at timestamptz NOT NULL,
        stan integer NOT NULL,
        reason smallint NOT NULL,
        processing_code integer NOT NULL,
        card_token uuid NOT NULL,
        balance_yen bigint,
        PRIMARY KEY (transmitted_at, terminal, stan),
        CHECK ((balance_yen IS NOT NULL) = (reason = 0))
) PARTITION BY RANGE (transmitted_at);

DO $$
DECLARE
        q record;
        v_part text;
BEGIN
        FOR q IN SELECT * FROM ledger_partition ORDER BY from_on LOOP
                v_part := 'pin_inquiry' || to_char(q.from_on, '"_"YYYY"q"Q');
                EXECUTE format('CREATE TABLE %I (LIKE pin_inquiry INCLUDING ALL)', v_part);
                EXECUTE format('ALTER TABLE pin_inquiry ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_part, q.from_on::timestamptz,
                               q.to_on::timestamptz);
        END LOOP;
END
$$;

INSERT INTO schema_migration VALUES (74, 'pins');
COMMIT;
