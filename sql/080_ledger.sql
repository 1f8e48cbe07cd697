-- The ledger's functions: all that atmd may do to the database. Each takes a batch as arrays of equal
-- length and is one transaction.
--
-- Locks. Everybody takes them in one order: books, in ROW SHARE mode, against whoever closes a period (005_finance.sql),
-- replaces a card, moves the end of the days that are summed up (021_days.sql) or changes a price (below); keys of
-- advice_identity, in order; new rows of card, then rows of card, each in the order of the token; then keys of
-- withdrawal (inquiries: of pin_inquiry), in order (the moment, the terminal, the STAN); then of advice, in order; then of saf, in order (who takes what is due waits
-- for none of them, 019_banks.sql); last keys of unsummed_post, and of pin_event, whose numbers are drawn under the lock of their card's row, so that
-- nobody else waits for either. Whoever makes sums or partitions holds summed_day or ledger_partition alone. (A card without an account of the house bank that needs one is
-- refused without a lock: accounts may be opened for many cards in one transaction.)
-- What is decided from a card's row alone is decided in the statement that locks it, which has the newest version of what it waited for.
-- All else is decided in a later statement than the lock's, so that it sees what the lock waited for. A row that is
-- inserted after a statement has begun is not there for its locks: a bank's card gets its first row in a statement of its own.
-- An identity needs no lock: its key refuses a second decision, and whoever meets the key of a decision that it did not see
-- gives up with unique_violation; repeated, the batch sees it. Rows of card are changed by their key and counted: another
-- number than was locked is a conflict.
--
-- A batch holds an identity, a card (requests) and an original (advices) at most once; atmd sees to it.
--
-- Plans are cached while tables grow from nothing, and statistics are always late. So every look-up is a
-- lateral subquery with LIMIT 1, which the planner can only carry out as one descent of an index for each
-- row of the batch, and what changes is joined by its key, by nested loops. (Plain
-- joins were tried: planned on an empty table, one turned round and read the whole index for each batch.)
-- The settings that this needs are the connection's: ledger_session. Nothing of atmd waits for a lock for long either (lib/db/pg_settings.def):
-- what a person's open transaction may have, a card's row or a notice, is left out by whoever works for many at once (ledger_sweep, saf_take,
-- saf_end) and comes the next time; a batch's operations are sent one by one then, and those that meet it again wait apart
-- (daemon/ledger/ledger_pg.c).
BEGIN;

-- What functions and views of an earlier release may stand on; those whose parameters change.
SET LOCAL client_min_messages = warning;
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_card_pin, v_card_day, v_card_month, v_revenue, v_holiday, v_without_end, v_open, v_open_listed, v_key_set CASCADE;
DROP TYPE IF EXISTS ledger_effect CASCADE;
DO $$
DECLARE
        f regprocedure;
BEGIN
        FOR f IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = 'public'::regnamespace AND proname IN ('ledger_request', 'ledger_inquiry', 'ledger_advice', 'operator_saf',
                                                                               'operator_resolve', 'card_replace', 'period_close', 'account_guard', 'trail_row',
                                                                               'ledger_outcome', 'ledger_sweep', 'saf_take', 'saf_end', 'saf_look',
                                                                               'demand_now', 'ledger_unblock', 'card_open') LOOP
                EXECUTE 'DROP FUNCTION ' || f;
        END LOOP;
END
$$;

-- What an ATM reports of its card's chip, for the bank: it waits with the notice, and goes with its row. (In saf and not in bank_notice: history
-- keeps none of it.) Nobody but the functions below reads it (082_views.sql).
ALTER TABLE saf ADD COLUMN chip bytea CHECK (octet_length(chip) BETWEEN 1 AND 255);

CREATE OR REPLACE FUNCTION schema_version() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT max(version) FROM schema_migration
$$;

-- What a connection that sends batches calls first, once: every look-up is to be a descent of an index, planned once.
-- As settings of each function they cost 40 microseconds a pair of calls. Nothing but time rests on them.
CREATE OR REPLACE FUNCTION ledger_session() RETURNS void LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
        SELECT set_config(s.name, s.value, false)
        FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'), ('enable_bitmapscan', 'off'),
                     ('enable_indexscan', 'on'), ('enable_indexonlyscan', 'on'), ('enable_nestloop', 'on'),
                     ('enable_mergejoin', 'off'), ('enable_hashjoin', 'off'), ('random_page_cost', '0.01'), ('jit', 'off')) s (name, value)
$$;

-- Somebody else decided what was about to be decided here; it is to be repeated.
CREATE OR REPLACE FUNCTION ledger_conflict() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
        RAISE EXCEPTION 'decided elsewhere at the same time' USING ERRCODE = 'serialization_failure';
END
$$;

-- The end of whatever decides. A commit that has written nothing waits for no disk and no standby; but what it has found may have been
-- committed on this server alone: the wait of that commit was cancelled, its session was ended, or the server was started anew in it. So
-- nobody hears of it before a commit of now has waited: standbys confirm in the order of the log.
CREATE OR REPLACE FUNCTION ledger_confirm() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
        IF pg_current_xact_id_if_assigned() IS NULL THEN
                PERFORM pg_logical_emit_message(true, 'atm', '');
        END IF;
END
$$;

-- people ---------------------------------------------------------------------------------------------------
-- What a role may call it may call by hand, past atmctl; so each of these functions checks for itself what atmctl checks, and says
-- what was wrong and what was expected.

CREATE OR REPLACE FUNCTION demand(p_holds boolean, p_given text, p_expected text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
        IF p_holds IS NOT TRUE THEN
                RAISE EXCEPTION '%: expected %', p_given, p_expected USING ERRCODE = 'invalid_parameter_value';
        END IF;
END
$$;

-- Arrays that go together: as long as the first, and in one dimension.
CREATE OR REPLACE FUNCTION demand_equal(p_first anyarray, p_lengths integer[]) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
        PERFORM demand(coalesce(array_ndims(p_first), 1) = 1
                       AND coalesce(cardinality(p_first), 0) = ALL (SELECT coalesce(l, 0) FROM unnest(p_lengths) l),
                       'lists of ' || coalesce(cardinality(p_first), 0) || ' and ' || array_to_string(p_lengths, ', ', 'no') || ' values',
                       'lists of the same length');
END
$$;

-- Real milliseconds since 1970 by the database's clock, the one clock of all instances: leases, due times, asking times and sweeps go by it.
CREATE OR REPLACE FUNCTION real_now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
        SELECT floor(date_part('epoch', clock_timestamp()) * 1000)::bigint
$$;

-- Business time: the server's clock, a laboratory's where one was entered (031_clock.sql).
CREATE OR REPLACE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
        SELECT coalesce((SELECT to_timestamp((c.start_ms + (n.real_ms - c.anchor_ms) * c.speed) / 1000) FROM business_clock c),
                        to_timestamp(n.real_ms / 1000))
        FROM (SELECT extract(epoch FROM clock_timestamp()) * 1000 AS real_ms OFFSET 0) n
$$;
CREATE OR REPLACE FUNCTION business_today() RETURNS date LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
        SELECT (business_now() AT TIME ZONE 'Asia/Tokyo')::date
$$;

-- The day that an operator's program gives for a change (atm.business_day): `current` is today, for a program that named today
-- itself would be refused at midnight. NULL: none.
CREATE OR REPLACE FUNCTION business_day_given() RETURNS date LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
        v_given text := nullif(current_setting('atm.business_day', true), '');
BEGIN
        RETURN CASE v_given WHEN 'current' THEN business_today() ELSE v_given::date END;
END
$$;

-- Is a role a member of another, or that itself? A superuser is none of any for being one.
CREATE OR REPLACE FUNCTION role_is(p_role name, p_of name) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
        WITH RECURSIVE members (oid) AS (
                SELECT r.oid FROM pg_roles r WHERE r.rolname = p_of
                UNION
                SELECT m.member FROM members g JOIN pg_auth_members m ON m.roleid = g.oid)
        SELECT EXISTS (SELECT FROM members JOIN pg_roles r USING (oid) WHERE r.rolname = p_role)
$$;

-- Which key makes the tokens of cards (011_codes.sql): is it this one? NULL: none is entered yet, so that there is no token either.
CREATE OR REPLACE FUNCTION token_key_is(p_check_value text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM demand(p_check_value ~ '^[0-9a-f]{32}$', format('check value %L', p_check_value), '32 digits of hexadecimal');
        RETURN (SELECT check_value = p_check_value FROM token_key);
END
$$;

-- The same for who is about to make tokens: the first one enters his key, and the trail says who that was.
CREATE OR REPLACE FUNCTION token_key_enter(p_check_value text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        IF token_key_is(p_check_value) IS NULL THEN
                INSERT INTO token_key (check_value) VALUES (p_check_value) ON CONFLICT DO NOTHING;
        END IF;
        RETURN token_key_is(p_check_value);
END
$$;

-- A key that was entered by mistake gives way while there is no token and no instance of atmd, which might be about to make one.
CREATE OR REPLACE FUNCTION token_key_correct(p_check_value text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_who text;
BEGIN
        PERFORM demand_note();
        PERFORM token_key_is(p_check_value); -- is it a check value?
        -- before it locks, so that nobody waits behind who is refused, and again when nobody else can make one
        PERFORM demand(NOT EXISTS (SELECT FROM card) AND NOT EXISTS (SELECT FROM exclusion) AND NOT EXISTS (SELECT FROM withdrawal),
                       'there are tokens of the key that was entered', 'a database without cards, exclusions and withdrawals');
        PERFORM set_config('lock_timeout', '250ms', true);
        LOCK TABLE token_key, card, exclusion IN SHARE ROW EXCLUSIVE MODE;
        PERFORM demand(NOT EXISTS (SELECT FROM card) AND NOT EXISTS (SELECT FROM exclusion) AND NOT EXISTS (SELECT FROM withdrawal),
                       'there are tokens of the key that was entered', 'a database without cards, exclusions and withdrawals');
        SELECT string_agg(DISTINCT a.usename || coalesce(' (' || nullif(a.application_name, '') || ')', ''), ', ') INTO v_who
        FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND role_is(a.usename, 'atm_daemon');
        PERFORM demand(v_who IS NULL, 'connected: ' || v_who, 'all instances of atmd to be stopped');
        INSERT INTO token_key (check_value) VALUES (p_check_value)
        ON CONFLICT (only_one) DO UPDATE SET check_value = EXCLUDED.check_value;
END
$$;

-- Who changes something, and why: the database's user; the person whom a program says it speaks for (atm.person); the program's
-- command (atm.command), and the person's note (atm.note). Settings of the connection.
CREATE OR REPLACE FUNCTION trail_who() RETURNS text LANGUAGE sql STABLE AS $$
        SELECT session_user || coalesce('/' || nullif(current_setting('atm.person', true), ''), '')
$$;
-- A card number in it, of 13 digits or more (an RRN has 12) or in groups of four, goes no further than its first 6 and last 4 digits.
CREATE OR REPLACE FUNCTION trail_note() RETURNS text LANGUAGE sql STABLE AS $$
        SELECT regexp_replace(regexp_replace(nullif(btrim(current_setting('atm.note', true),
                                                                 E' \t\n\r\f\u000b\u00a0\u3000\u200b\u2060\ufeff'), ''),
                                             '(?<![0-9])([0-9]{6})[0-9]{3,}([0-9]{4})(?![0-9])', '\1******\2', 'g'),
                              '(?<![0-9])([0-9]{4}[ -][0-9]{2})[0-9]{2}([ -])[0-9]{4}(?:[ -][0-9]{4})?[ -]([0-9]{1,4})(?![0-9])',
                              '\1**\2****\2\3', 'g')
$$;
CREATE OR REPLACE FUNCTION demand_note() RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
        PERFORM demand(trail_note() IS NOT NULL, 'no note', 'a reason, by --note or the setting atm.note');
        PERFORM demand(length(trail_note()) <= 1000, 'a note of ' || length(trail_note()) || ' characters', 'at most 1000');
END
$$;

-- Is there a whole number of a card in a text, in one piece or in fours?
CREATE OR REPLACE FUNCTION names_card(p_text text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
        SELECT EXISTS (
                SELECT FROM regexp_matches(p_text, '[0-9]{13,19}|(?:[0-9]{4}[ -]){3,4}[0-9]{1,4}', 'g') m (found)
                CROSS JOIN LATERAL (SELECT reverse(translate(m.found[1], ' -', '')) AS digits) d
                WHERE (SELECT sum(CASE WHEN i % 2 = 1 THEN n.digit ELSE n.digit * 2 / 10 + n.digit * 2 % 10 END)
                       FROM generate_series(1, length(d.digits)) i
                       CROSS JOIN LATERAL (SELECT substr(d.digits, i, 1)::integer AS digit) n) % 10 = 0)
$$;

-- A withdrawal's key in the trail.
CREATE OR REPLACE FUNCTION trail_key(p_terminal text, p_transmitted_at timestamptz, p_stan integer) RETURNS text LANGUAGE sql STABLE AS $$
        SELECT concat_ws(' ', p_terminal, to_char(p_transmitted_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD"T"HH24:MI:SS"+09:00"'), p_stan)
$$;

-- Why an ATM is barred, as the trail has it, for who may read the trail; for others that it is. NULL: it is not. The last word counts: that it
-- is barred, until when, or, of a row that stayed as it was (atm_bar_note), nothing but why.
CREATE OR REPLACE FUNCTION barred_note(p_terminal text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT CASE WHEN NOT has_table_privilege(session_user, 'trail', 'SELECT') THEN 'yes'
                    ELSE (SELECT r.note FROM trail r WHERE r.noun = 'atm' AND r.key = p_terminal AND r.after ->> 'barred' = 'true'
                          AND (r.before = r.after OR (r.before ->> 'barred', r.before ->> 'barred_until')
                                                     IS DISTINCT FROM (r.after ->> 'barred', r.after ->> 'barred_until'))
                          ORDER BY r.change DESC LIMIT 1) END
        FROM atm WHERE terminal = p_terminal AND barred
$$;

-- Likewise why it is disabled.
CREATE OR REPLACE FUNCTION disabled_note(p_terminal text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT CASE WHEN NOT has_table_privilege(session_user, 'trail', 'SELECT') THEN 'yes'
                    ELSE (SELECT r.note FROM trail r WHERE r.noun = 'atm' AND r.key = p_terminal AND r.after ->> 'enabled' = 'false'
                          AND (r.before ->> 'enabled', r.before ->> 'disabled_until')
                              IS DISTINCT FROM (r.after ->> 'enabled', r.after ->> 'disabled_until')
                          ORDER BY r.change DESC LIMIT 1) END
        FROM atm WHERE terminal = p_terminal AND NOT enabled
$$;

-- Why an ATM is barred that is so already; whether that is news. (Its row stays as it is, so no trigger tells the trail.)
CREATE OR REPLACE FUNCTION atm_bar_note(p_terminal text) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' SET datestyle = 'ISO' AS $$
DECLARE
        v_row jsonb;
BEGIN
        PERFORM demand_note();
        SELECT to_jsonb(a) INTO v_row FROM atm a WHERE terminal = p_terminal AND barred FOR NO KEY UPDATE;
        PERFORM demand(v_row IS NOT NULL, 'ATM ' || coalesce(p_terminal, 'unnamed'), 'one that is barred');
        IF barred_note(p_terminal) = trail_note() THEN
                RETURN false;
        END IF;
        PERFORM trail_write('atm', p_terminal, v_row, v_row);
        RETURN true;
END
$$;

-- What is not so has no end: whoever enables an ATM needs not know that it had one.
CREATE OR REPLACE FUNCTION atm_without_end() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
        IF NEW.enabled THEN
                NEW.disabled_until := NULL;
        END IF;
        IF NOT NEW.barred THEN
                NEW.barred_until := NULL;
        END IF;
        RETURN NEW;
END
$$;
DROP TRIGGER IF EXISTS atm_without_end ON atm;
CREATE TRIGGER atm_without_end BEFORE INSERT OR UPDATE ON atm FOR EACH ROW EXECUTE FUNCTION atm_without_end();

-- Ends what was to end by now; how many ATMs that were. Every instance asks every few seconds (daemon/upkeep.c), so it is a change of the
-- reference data like a person's: decisions and the snapshot that they are made from know no moments, and the trail has the end.
-- Which of them somebody changes just now is left to the next.
CREATE OR REPLACE FUNCTION atm_end_due() RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_now timestamptz := business_now();
        v_due text[];
BEGIN
        SELECT array_agg(d.terminal) INTO v_due
        FROM (SELECT terminal FROM atm WHERE disabled_until <= v_now OR barred_until <= v_now ORDER BY terminal FOR UPDATE SKIP LOCKED) d;
        IF v_due IS NULL THEN
                RETURN 0; -- a statement that changes no row would still tell every atmd to load everything anew
        END IF;
        PERFORM set_config('atm.command', 'atmd', true), set_config('atm.note', 'its end has come', true);
        UPDATE atm SET enabled = enabled OR coalesce(disabled_until <= v_now, false), barred = barred AND NOT coalesce(barred_until <= v_now, false)
        WHERE terminal = ANY (v_due);
        RETURN cardinality(v_due);
END
$$;

-- What the trail has from the connection: who speaks, by which command, and why. It is for good: nothing goes into it that may be
-- nowhere, and nothing that fills it.
CREATE OR REPLACE FUNCTION trail_said(p_noun text, OUT r_person text, OUT r_command text, OUT r_note text)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
        r_person := nullif(current_setting('atm.person', true), '');
        r_command := nullif(current_setting('atm.command', true), '');
        r_note := trail_note();
        IF length(r_note) > 1000 THEN
                PERFORM demand(false, 'a note of ' || length(r_note) || ' characters', 'at most 1000');
        END IF;
        IF length(r_person) > 200 OR length(r_command) > 200 THEN
                PERFORM demand(false, 'a person or command of more than 200 characters', 'at most 200');
        END IF;
        PERFORM trail_texts(p_noun, concat_ws(E'\n', r_person, r_command));
END
$$;
-- Texts on their way there; a card is its mask.
CREATE OR REPLACE FUNCTION trail_texts(p_noun text, p_texts text) RETURNS void LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
        IF p_texts ~ '[0-9]{4}' AND names_card(p_texts) THEN
                PERFORM demand(false, p_noun || ': a text with a card''s number', 'its mask: the first 6 and last 4 digits');
        END IF;
END
$$;

CREATE OR REPLACE FUNCTION trail_write(p_noun text, p_key text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM trail_texts(p_noun, concat_ws(E'\n', p_after ->> 'name', p_after ->> 'note', p_after ->> 'source'));
        INSERT INTO trail (at, who, person, command, noun, key, before, after, note)
        SELECT clock_timestamp(), session_user, s.r_person, s.r_command, p_noun, p_key, p_before, p_after, s.r_note
        FROM trail_said(p_noun) s;
END
$$;

-- What the trail shows of a row, and the key that it is found by, of at most four columns. Of a card, in whatever column, its mask; what
-- somebody says beside the token is believed only of a card that has no row. Of what a PIN is compared with, that there is something.
-- A query that the planner puts in the place of the call, so it is not STRICT and has no SET; OFFSET 0 lets nothing be done twice.
CREATE OR REPLACE FUNCTION trail_row(p_row jsonb, p_key text[], p_hidden text[], OUT r_shown jsonb, OUT r_key text) RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1 AS $$
        SELECT m.shown, concat_ws(' ', m.shown ->> p_key[1], m.shown ->> p_key[2], m.shown ->> p_key[3], m.shown ->> p_key[4])
        FROM (SELECT s.shown || jsonb_strip_nulls(jsonb_build_object(
                        'card_token', CASE WHEN s.shown ->> 'card_token' IS NOT NULL
                                           THEN coalesce((SELECT k.pan_mask FROM card k WHERE k.card_token = (s.shown ->> 'card_token')::uuid),
                                                         s.whole ->> 'pan_mask', '?') END,
                        'pin_value', CASE WHEN s.shown ->> 'pin_value' IS NOT NULL THEN 'set' END,
                        'successor', CASE WHEN s.shown ->> 'successor' IS NOT NULL
                                          THEN coalesce((SELECT k.pan_mask FROM card k WHERE k.card_token = (s.shown ->> 'successor')::uuid),
                                                        '?') END)) AS shown
              FROM (SELECT r.whole, r.whole - p_hidden AS shown FROM (SELECT p_row AS whole OFFSET 0) r OFFSET 0) s OFFSET 0) m
$$;
-- The columns of a table that it does not show.
CREATE OR REPLACE FUNCTION trail_hidden(p_table oid, p_shown text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
        SELECT coalesce(array_agg(a.attname::text), '{}') FROM pg_attribute a
        WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (p_shown)
$$;

-- The trail of tables. Arguments: the noun, its key's columns, the others that people set, and those whose change demands a note (*: all,
-- and that a row comes or goes). Who owns the tables may do without a note: he could do without the trail, too.
CREATE OR REPLACE FUNCTION trail_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' SET datestyle = 'ISO' AS $$
DECLARE
        v_key text[] := TG_ARGV[1];
        v_columns text[] := TG_ARGV[2];
        v_noted text[] := TG_ARGV[3];
        v_hidden text[] := trail_hidden(TG_RELID, v_key || v_columns);
        v_before jsonb;
        v_after jsonb;
        v_was text;
        v_is text;
BEGIN
        -- by the rows themselves: two cards may have the same mask
        IF TG_OP = 'UPDATE' AND NOT EXISTS (SELECT FROM unnest(v_key || v_columns) c WHERE to_jsonb(OLD) -> c <> to_jsonb(NEW) -> c) THEN
                RETURN NULL;
        END IF;
        IF TG_OP <> 'INSERT' THEN
                SELECT r_shown, r_key INTO v_before, v_was FROM trail_row(to_jsonb(OLD), v_key, v_hidden);
        END IF;
        IF TG_OP <> 'DELETE' THEN
                SELECT r_shown, r_key INTO v_after, v_is FROM trail_row(to_jsonb(NEW), v_key, v_hidden);
        END IF;
        IF trail_note() IS NULL AND NOT pg_has_role(session_user, 'atm_owner', 'MEMBER')
           AND ('*' = ANY (v_noted) OR EXISTS (SELECT FROM unnest(v_noted) c WHERE TG_OP = 'UPDATE' AND v_before -> c <> v_after -> c)) THEN
                PERFORM demand(false, TG_ARGV[0] || ': no note', 'a reason, by --note or the setting atm.note');
        END IF;
        -- a hall changes from a day on
        IF TG_TABLE_NAME = 'hall' AND TG_OP = 'UPDATE' AND business_day_given() IS NOT NULL THEN
                v_after := v_after || jsonb_build_object('from', business_day_given());
        END IF;
        IF v_was <> v_is THEN -- found by either key: one row goes, another comes
                PERFORM trail_write(TG_ARGV[0], v_was, v_before, NULL);
                v_before := NULL;
        END IF;
        PERFORM trail_write(TG_ARGV[0], coalesce(v_is, v_was), v_before, v_after);
        RETURN NULL;
END
$$;

-- Of rows that come, all that a statement brings at once: a file has thousands, and a call a row cost five times what storing it does.
-- (Changes can't be had so: a trigger of chosen columns has no such table, and one of all columns would meet what the ledger writes.)
-- A fifth argument is a column: only rows that have it are told of, as if they had got it after they came.
CREATE OR REPLACE FUNCTION trail_came() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' SET datestyle = 'ISO' SET enable_seqscan = off AS $$
DECLARE
        v_key text[] := TG_ARGV[1];
        v_columns text[] := TG_ARGV[2];
        v_hidden text[] := trail_hidden(TG_RELID, v_key || v_columns);
        v_got text := TG_ARGV[4];
        v_said record;
BEGIN
        IF NOT EXISTS (SELECT FROM came c WHERE v_got IS NULL OR to_jsonb(c) ->> v_got IS NOT NULL) THEN
                RETURN NULL;
        END IF;
        IF trail_note() IS NULL AND '*' = ANY (TG_ARGV[3]::text[]) AND NOT pg_has_role(session_user, 'atm_owner', 'MEMBER') THEN
                PERFORM demand(false, TG_ARGV[0] || ': no note', 'a reason, by --note or the setting atm.note');
        END IF;
        v_said := trail_said(TG_ARGV[0]);
        IF v_columns && '{name,note,source}' THEN
                PERFORM trail_texts(TG_ARGV[0], concat_ws(E'\n', to_jsonb(c) ->> 'name', to_jsonb(c) ->> 'note', to_jsonb(c) ->> 'source'))
                FROM came c;
        END IF;
        INSERT INTO trail (at, who, person, command, noun, key, before, after, note)
        SELECT clock_timestamp(), session_user, v_said.r_person, v_said.r_command, TG_ARGV[0], r.r_key,
               CASE WHEN v_got IS NOT NULL THEN r.r_shown || jsonb_build_object(v_got, NULL) END, r.r_shown, v_said.r_note
        FROM came c CROSS JOIN LATERAL trail_row(to_jsonb(c), v_key, v_hidden) r
        WHERE v_got IS NULL OR r.r_shown ->> v_got IS NOT NULL;
        RETURN NULL;
END
$$;

-- rules that more than one statement needs --------------------------------------------------------------
-- Each is an expression that the planner puts in the place of the call: so none has a SET, is STRICT or SECURITY DEFINER, and
-- none holds a query. Whoever reads the views may execute them.

-- A reason by its name (rules/reasons.def); made from the table's rows, a constant in every plan.
DO $$
BEGIN
        EXECUTE (SELECT format('CREATE OR REPLACE FUNCTION reason_of(p_name text) RETURNS smallint LANGUAGE sql IMMUTABLE '
                               'PARALLEL SAFE AS %L',
                               'SELECT CASE p_name ' || string_agg(format('WHEN %L THEN %s::smallint', name, reason), ' ' ORDER BY reason)
                               || ' END')
                 FROM reason);
END
$$;

-- What a withdrawal is: by its last advice, or, where there is none or none that decided, by its own reason or its bank's.
CREATE OR REPLACE FUNCTION withdrawal_state(p_last_state text, p_reason smallint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(nullif(p_last_state, 'asked'),
                        CASE WHEN p_reason = reason_of('APPROVED') THEN 'approved' WHEN p_reason = reason_of('BLOCKED') THEN 'blocked'
                             WHEN p_reason IS NULL THEN 'asked' ELSE 'declined' END)
$$;

-- What a request is decided with when nothing stands against it, or something does: what is ours to approve, we approve; the rest is the
-- bank's (NULL).
CREATE OR REPLACE FUNCTION own_reason(p_reason smallint, p_link text) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_reason <> reason_of('APPROVED') OR p_link IS NULL THEN p_reason END
$$;

-- The cash that counts as dispensed, or may be yet: what an advice is compared with.
CREATE OR REPLACE FUNCTION withdrawal_counts(p_state text, p_counted_yen bigint, p_amount_yen bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_state = 'completed' THEN p_counted_yen WHEN p_state IN ('approved', 'asked') THEN p_amount_yen ELSE 0 END
$$;

-- What the cash that an advice tells is to that: the row of advice_rule.
CREATE OR REPLACE FUNCTION advice_relation(p_dispensed_yen bigint, p_counts_yen bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_dispensed_yen = 0 THEN 'zero' WHEN p_dispensed_yen % 1000 <> 0 OR p_dispensed_yen > p_counts_yen THEN 'more'
                    WHEN p_dispensed_yen < p_counts_yen THEN 'less' ELSE 'equal' END
$$;

-- What the card itself stands against, limits and balance aside; NULL: nothing. Of a bank's card little is known. A replaced card's
-- account is its successor's.
CREATE OR REPLACE FUNCTION card_refusal(p_is_house boolean, p_has_account boolean, p_kind text, p_card_expiry_yymm text,
                                        p_expiry_yymm text, p_status text, p_is_excluded boolean) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_is_house AND (p_kind IS NULL OR NOT p_has_account) THEN reason_of('INVALID_CARD')
                    WHEN p_kind <> 'cash' THEN reason_of('CARD_KIND')
                    WHEN p_card_expiry_yymm <> p_expiry_yymm OR p_status = 'replaced' THEN reason_of('CARD_EXPIRED')
                    WHEN p_status = 'stolen' THEN reason_of('CARD_STOLEN')
                    WHEN p_status = 'lost' THEN reason_of('CARD_LOST')
                    WHEN p_is_excluded THEN reason_of('CARD_EXCLUDED') END
$$;

-- What the PIN stands against (074_pins.sql), where one is looked at; NULL: it is right, or none is asked for.
CREATE OR REPLACE FUNCTION pin_refusal(p_is_looked_at boolean, p_tries_max smallint, p_tries smallint, p_value text, p_entered text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_is_looked_at
                    THEN CASE WHEN p_tries >= p_tries_max THEN reason_of('PIN_TRIES')
                              WHEN (p_value = p_entered) IS NOT TRUE THEN reason_of('PIN_WRONG') END END
$$;

-- What becomes of it: the kind of its row of pin_event; NULL: none. p_tries: the card's, NULL where no PIN was looked at. What is refused for a
-- later reason than a wrong PIN had a right one.
CREATE OR REPLACE FUNCTION pin_event_kind(p_tries smallint, p_reason smallint, p_value text, p_entered text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_tries IS NULL THEN NULL
                    WHEN p_reason = reason_of('PIN_WRONG')
                    THEN CASE WHEN p_value IS NULL OR p_entered IS NULL THEN 'unverified' ELSE 'wrong' END
                    WHEN p_tries > 0 AND (p_reason = reason_of('APPROVED') OR p_reason > reason_of('PIN_WRONG')) THEN 'right' END
$$;

-- The use of a card on a date (a day's, or a month's by its first day), as the row has it (025_cards.sql).
CREATE OR REPLACE FUNCTION use_of(p_on date, p_newest_on date, p_newest bigint, p_earlier_on date, p_earlier bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_on = p_newest_on THEN p_newest WHEN p_on = p_earlier_on THEN p_earlier ELSE 0 END
$$;

-- What becomes of the newest use and of the one before it when something is added on a date that is not before both.
CREATE OR REPLACE FUNCTION newest_use(p_on date, p_newest_on date, p_newest bigint, p_added bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_on = p_newest_on THEN p_newest + p_added WHEN p_on < p_newest_on THEN p_newest ELSE p_added END
$$;

CREATE OR REPLACE FUNCTION earlier_use(p_on date, p_newest_on date, p_newest bigint, p_earlier_on date, p_earlier bigint, p_added bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_on = p_newest_on THEN p_earlier WHEN p_on = p_earlier_on THEN p_earlier + p_added
                    WHEN p_on < p_newest_on THEN p_added ELSE p_newest END
$$;

CREATE OR REPLACE FUNCTION earlier_use_on(p_on date, p_newest_on date, p_earlier_on date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_on = p_newest_on THEN p_earlier_on WHEN p_on < p_newest_on THEN p_on ELSE p_newest_on END
$$;

-- Cash goes back to cards whose rows the caller has locked: of their use, as far as it stands in the row, and to their account.
CREATE OR REPLACE FUNCTION card_give_back(p_card_token uuid[], p_business_date date[], p_cash_yen bigint[], p_withdrawals integer[],
                                          p_corrections integer[], p_account_yen bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
        v_count bigint;
BEGIN
        WITH back AS MATERIALIZED (
                SELECT g.card_token, coalesce(sum(g.cash_yen) FILTER (WHERE g.month = c.month_on), 0)::bigint AS month_yen,
                       coalesce(sum(g.cash_yen) FILTER (WHERE g.month = c.earlier_month_on), 0)::bigint AS earlier_month_yen,
                       coalesce(sum(g.cash_yen) FILTER (WHERE g.day = c.day_on), 0)::bigint AS day_yen,
                       coalesce(sum(g.withdrawals) FILTER (WHERE g.day = c.day_on), 0)::integer AS day_count,
                       coalesce(sum(g.corrections) FILTER (WHERE g.day = c.day_on), 0)::integer AS day_corrections,
                       coalesce(sum(g.cash_yen) FILTER (WHERE g.day = c.earlier_day_on), 0)::bigint AS earlier_day_yen,
                       coalesce(sum(g.withdrawals) FILTER (WHERE g.day = c.earlier_day_on), 0)::integer AS earlier_day_count,
                       coalesce(sum(g.corrections) FILTER (WHERE g.day = c.earlier_day_on), 0)::integer AS earlier_day_corrections,
                       sum(g.account_yen)::bigint AS account_yen
                FROM (SELECT u.*, date_trunc('month', u.day::timestamp)::date AS month
                      FROM unnest(p_card_token, p_business_date, p_cash_yen, p_withdrawals, p_corrections, p_account_yen)
                           u (card_token, day, cash_yen, withdrawals, corrections, account_yen)) g
                CROSS JOIN LATERAL (SELECT * FROM card c WHERE c.card_token = g.card_token LIMIT 1) c
                GROUP BY 1
        ), given AS (
                UPDATE card c
                SET month_yen = c.month_yen - b.month_yen, earlier_month_yen = c.earlier_month_yen - b.earlier_month_yen,
                    day_yen = c.day_yen - b.day_yen, day_count = c.day_count - b.day_count,
                    day_corrections = c.day_corrections + b.day_corrections,
                    earlier_day_yen = c.earlier_day_yen - b.earlier_day_yen,
                    earlier_day_count = c.earlier_day_count - b.earlier_day_count,
                    earlier_day_corrections = c.earlier_day_corrections + b.earlier_day_corrections,
                    balance_yen = c.balance_yen + b.account_yen
                FROM back b WHERE c.card_token = b.card_token
                RETURNING 1
        )
        SELECT count(*) INTO v_count FROM given;
        IF v_count <> (SELECT count(DISTINCT u.card_token) FROM unnest(p_card_token) u (card_token)) THEN
                PERFORM ledger_conflict();
        END IF;
END
$$;

-- PINs of which something follows, within the statement that has locked their cards and decided. p_tries: what the card's count is now; NULL: it is
-- not this function's to write. True.
CREATE OR REPLACE FUNCTION pin_count(p_card_token uuid[], p_kind text[], p_tries smallint[], p_terminal text[], p_transmitted_at timestamptz[],
                                     p_stan integer[], p_is_inquiry boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
        v_count bigint;
BEGIN
        INSERT INTO pin_event (card_token, seq, kind, terminal, transmitted_at, stan, is_inquiry)
        SELECT u.card_token, coalesce(e.seq, 0) + 1, u.kind, u.terminal, u.transmitted_at, u.stan, p_is_inquiry
        FROM unnest(p_card_token, p_kind, p_terminal, p_transmitted_at, p_stan) u (card_token, kind, terminal, transmitted_at, stan)
        LEFT JOIN LATERAL (SELECT e.seq FROM pin_event e WHERE e.card_token = u.card_token ORDER BY e.seq DESC LIMIT 1) e ON true;
        UPDATE card c SET pin_tries = u.tries
        FROM unnest(p_card_token, p_tries) u (card_token, tries) WHERE c.card_token = u.card_token AND u.tries IS NOT NULL;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        RETURN v_count = cardinality(array_remove(p_tries, NULL)) OR ledger_conflict();
END
$$;

-- The same of inquiries, each of which leaves a row. True.
CREATE OR REPLACE FUNCTION pin_inquiry_keep(p_card_token uuid[], p_reason smallint[], p_balance_yen bigint[], p_kind text[], p_tries smallint[],
                                            p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[], p_processing_code integer[])
RETURNS boolean LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
        INSERT INTO pin_inquiry (terminal, transmitted_at, stan, reason, processing_code, card_token, balance_yen)
        SELECT u.terminal, u.transmitted_at, u.stan, u.reason, u.processing_code, u.card_token,
               CASE WHEN u.reason = reason_of('APPROVED') THEN u.balance_yen END
        FROM unnest(p_terminal, p_transmitted_at, p_stan, p_reason, p_processing_code, p_card_token, p_balance_yen)
             u (terminal, transmitted_at, stan, reason, processing_code, card_token, balance_yen)
        ORDER BY 2, 1, 3;
        RETURN (SELECT pin_count(array_agg(u.card_token), array_agg(u.kind),
                                 array_agg((CASE u.kind WHEN 'wrong' THEN u.tries + 1 WHEN 'right' THEN 0 END)::smallint),
                                 array_agg(u.terminal), array_agg(u.transmitted_at), array_agg(u.stan), true)
                FROM unnest(p_card_token, p_kind, p_tries, p_terminal, p_transmitted_at, p_stan) u (card_token, kind, tries, terminal, transmitted_at, stan)
                WHERE u.kind IS NOT NULL
                HAVING count(*) > 0) IS NOT FALSE;
END
$$;

-- batches ------------------------------------------------------------------------------------------------

-- Withdrawal requests (0200, 0201). p_refusal is the first reason that needs no shared row, 0 where there
-- is none; p_link the bank to be asked, NULL for the house bank (its row keeps it where it was asked, or is refused for want of it). One row a request, in any order: what the
-- ATM is to hear, and whether it was durable before. A reason of NULL: the intent is durable and limits are
-- taken, the bank is to be asked (not stored), or was asked by somebody and nothing is decided yet (stored).
-- 28, can't decide, is said and not kept: a repeat is decided anew.
-- p_pin_tries_max: after how many wrong PINs the card's issuer refuses all, 0: it wants none; p_pin_value: what the key module made of the PIN that was
-- entered, NULL: none came. It is looked at where p_refusal has nothing yet: a closed bank's PINs can't be tried.
-- A repeat hears its original's approval while that can still lead to a dispense that everybody knows of: the
-- withdrawal is open, and its approval younger than p_wait_ms, the ATMs' longest wait. Then 29.
-- A single row with reason -1: decided from another version of the reference data; nothing was done.
CREATE OR REPLACE FUNCTION ledger_request(
        p_version bigint, p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[],
        p_processing_code integer[], p_amount_yen bigint[], p_card_token uuid[], p_pan_mask text[],
        p_expiry_yymm text[], p_issuer text[], p_band text[], p_hall text[], p_business_date date[],
        p_month date[], p_tariff_from date[], p_tax_rate_bp integer[],
        p_customer_fee_yen bigint[], p_customer_tax_yen bigint[],
        p_interbank_fee_yen bigint[], p_interbank_tax_yen bigint[], p_hall_share_yen bigint[],
        p_limit_day_yen bigint[], p_limit_month_yen bigint[], p_limit_day_count bigint[],
        p_refusal smallint[], p_approval_code text[], p_link text[], p_pin_tries_max smallint[], p_pin_value text[], p_wait_ms bigint,
        p_look boolean DEFAULT true, p_from timestamptz DEFAULT '-infinity', p_to timestamptz DEFAULT 'infinity')
RETURNS TABLE (r_position integer, r_stored boolean, r_reason smallint, r_business_date date,
               r_charge_yen bigint, r_approval_code text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_now timestamptz;
        v_version bigint;
        v_summed_through date;
        v_look boolean := p_look OR reason_of('CANNOT_DECIDE') = ANY (p_refusal); -- which is not kept
        v_known boolean[]; -- what a look has found, by position
        v_reason smallint[];
        v_charge_yen bigint[];
        v_approval_code text[];
BEGIN
        -- whoever closes a period, or replaces a card, waits for what is on its way, and counts it
        LOCK TABLE books IN ROW SHARE MODE;
        SELECT b.summed_through, r.version INTO v_summed_through, v_version FROM reference_version r CROSS JOIN books b;
        IF p_version <> v_version THEN
                RETURN QUERY SELECT 0, false, -1::smallint, NULL::date, NULL::bigint, NULL::text;
                RETURN;
        END IF;

        IF cardinality(array_remove(p_link, NULL)) > 0 THEN
                INSERT INTO card (card_token, issuer, pan_mask)
                SELECT o.card_token, o.issuer, o.pan_mask
                FROM (SELECT unnest(p_card_token) AS card_token, unnest(p_issuer) AS issuer, unnest(p_pan_mask) AS pan_mask,
                             unnest(p_refusal) AS refusal, unnest(p_link) AS link) o
                LEFT JOIN LATERAL (SELECT c.card_token FROM card c WHERE c.card_token = o.card_token LIMIT 1) c ON true
                WHERE o.refusal = 0 AND o.link IS NOT NULL AND c.card_token IS NULL
                ORDER BY 1
                ON CONFLICT DO NOTHING;
        END IF;

        -- A repeat hears what was decided, which depends on other rows than its card's: so its card is locked before.
        IF v_look THEN
                PERFORM FROM (SELECT o.card_token, o.link
                              FROM (SELECT unnest(p_card_token) AS card_token, unnest(p_refusal) AS refusal, unnest(p_link) AS link) o
                              WHERE o.refusal = 0
                              ORDER BY 1) o
                CROSS JOIN LATERAL (SELECT FROM card c WHERE c.card_token = o.card_token AND (o.link IS NOT NULL OR c.balance_yen IS NOT NULL)
                                    LIMIT 1 FOR NO KEY UPDATE) c;
        END IF;
        v_now := clock_timestamp();
        IF v_look THEN
                SELECT array_agg(s.terminal IS NOT NULL ORDER BY o.position) AS known,
                       array_agg(CASE WHEN s.reason = reason_of('BLOCKED') THEN s.reason
                                      WHEN s.processing_code <> o.processing_code OR s.amount_yen <> o.amount_yen
                                           OR s.card_token IS DISTINCT FROM o.card_token THEN reason_of('CONTRADICTS')
                                      WHEN coalesce(s.reason, x.reason) = reason_of('APPROVED')
                                           AND (withdrawal_state(l.state, reason_of('APPROVED')) <> 'approved'
                                           OR (v_now - coalesce(s.approved_at, x.approved_at) < make_interval(secs => p_wait_ms / 1000.0)) IS NOT TRUE)
                                           THEN reason_of('ENDED')
                                      ELSE coalesce(s.reason, x.reason) END ORDER BY o.position) AS reason,
                       array_agg(s.customer_fee_yen + s.customer_tax_yen ORDER BY o.position) AS charge_yen,
                       array_agg(coalesce(s.approval_code, x.approval_code) ORDER BY o.position) AS approval_code
                INTO v_known, v_reason, v_charge_yen, v_approval_code
                FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_transmitted_at) AS transmitted_at, unnest(p_stan) AS stan,
                             unnest(p_processing_code) AS processing_code, unnest(p_amount_yen) AS amount_yen,
                             unnest(p_card_token) AS card_token, generate_subscripts(p_terminal, 1) AS position) o
                LEFT JOIN LATERAL (SELECT * FROM withdrawal s WHERE s.terminal = o.terminal
                                   AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan
                                   AND s.transmitted_at BETWEEN p_from AND p_to LIMIT 1) s ON true
                LEFT JOIN LATERAL (SELECT x.reason, x.approval_code, x.approved_at FROM bank_outcome x
                                   WHERE s.link IS NOT NULL AND x.terminal = o.terminal
                                   AND x.transmitted_at = o.transmitted_at AND x.stan = o.stan
                                   AND x.transmitted_at BETWEEN p_from AND p_to LIMIT 1) x ON true
                LEFT JOIN LATERAL (SELECT a.state FROM advice a
                                   WHERE s.terminal IS NOT NULL AND a.terminal = o.terminal
                                   AND a.transmitted_at = o.transmitted_at AND a.stan = o.stan
                                   AND a.transmitted_at BETWEEN p_from AND p_to ORDER BY a.seq DESC LIMIT 1) l ON true;
        END IF;

        -- What a statement costs before its first row is its plan's nodes times their columns: so few columns go through this one, and the
        -- others are taken from the parameters, by position, where they are written.
        RETURN QUERY
        WITH decided AS MATERIALIZED (
                SELECT o.position, o.card_token, o.amount_yen, o.business_date, o.month, o.link,
                       p_customer_fee_yen[o.position] + p_customer_tax_yen[o.position] AS charge_yen,
                       v_known[o.position] IS TRUE AS known,
                       CASE WHEN p_pin_tries_max[o.position] > 0 AND o.refusal = reason_of('APPROVED') AND v_known[o.position] IS NOT TRUE
                            THEN r.pin_tries END AS pin_tries, -- where one is looked at
                       r.pin_value,
                       CASE WHEN v_known[o.position] THEN v_reason[o.position]
                            -- rules/reasons.def: the least id wins
                            ELSE coalesce(least(nullif(o.refusal, reason_of('APPROVED')),
                                       coalesce(card_refusal(o.link IS NULL, r.balance_yen IS NOT NULL OR r.successor IS NOT NULL, r.kind, r.expiry_yymm,
                                                             p_expiry_yymm[o.position], r.status,
                                                             EXISTS (SELECT FROM exclusion e
                                                                     WHERE e.card_token = o.card_token AND e.from_on <= o.business_date
                                                                     AND (e.until_on IS NULL OR o.business_date < e.until_on))),
                                                pin_refusal(p_pin_tries_max[o.position] > 0 AND o.refusal = reason_of('APPROVED'),
                                                            p_pin_tries_max[o.position], r.pin_tries, r.pin_value, p_pin_value[o.position]),
                                                -- (what ranks after a wrong PIN is nobody's to know who was not asked for his)
                                                CASE WHEN p_pin_tries_max[o.position] > 0 AND o.refusal <> reason_of('APPROVED') THEN NULL
                                                     WHEN use_of(o.business_date, r.day_on, r.day_count, r.earlier_day_on, r.earlier_day_count)
                                                          >= p_limit_day_count[o.position] THEN reason_of('COUNT_LIMIT')
                                                     WHEN use_of(o.business_date, r.day_on, r.day_yen, r.earlier_day_on, r.earlier_day_yen) + o.amount_yen
                                                          > p_limit_day_yen[o.position] THEN reason_of('DAY_LIMIT')
                                                     WHEN use_of(o.month, r.month_on, r.month_yen, r.earlier_month_on, r.earlier_month_yen) + o.amount_yen
                                                          > p_limit_month_yen[o.position] THEN reason_of('MONTH_LIMIT')
                                                     WHEN r.balance_yen < o.amount_yen + p_customer_fee_yen[o.position] + p_customer_tax_yen[o.position]
                                                          THEN reason_of('NOT_COVERED')
                                                END),
                                       -- the row no longer knows the use of that day or month
                                       CASE WHEN o.business_date < r.earlier_day_on OR o.month < r.earlier_month_on
                                            THEN reason_of('CLOCK_OFF') END), reason_of('APPROVED')) END AS reason
                FROM (SELECT * FROM (SELECT unnest(p_card_token) AS card_token, unnest(p_amount_yen) AS amount_yen,
                                            unnest(p_business_date) AS business_date, unnest(p_month) AS month, unnest(p_refusal) AS refusal,
                                            unnest(p_link) AS link, generate_subscripts(p_terminal, 1) AS position) u
                      ORDER BY u.card_token) o
                LEFT JOIN LATERAL (SELECT * FROM card c WHERE o.refusal = 0 AND c.card_token = o.card_token
                                   AND (o.link IS NOT NULL OR c.balance_yen IS NOT NULL) LIMIT 1 FOR NO KEY UPDATE) c ON true
                LEFT JOIN LATERAL (SELECT * FROM card k WHERE c.card_token IS NULL AND k.card_token = o.card_token LIMIT 1) k ON true
                -- (of the two, one is there at most)
                CROSS JOIN LATERAL (SELECT coalesce(c.kind, k.kind) AS kind, coalesce(c.expiry_yymm, k.expiry_yymm) AS expiry_yymm,
                                           coalesce(c.status, k.status) AS status, coalesce(c.successor, k.successor) AS successor,
                                           coalesce(c.balance_yen, k.balance_yen) AS balance_yen, coalesce(c.day_on, k.day_on) AS day_on,
                                           coalesce(c.day_yen, k.day_yen) AS day_yen, coalesce(c.day_count, k.day_count) AS day_count,
                                           coalesce(c.earlier_day_on, k.earlier_day_on) AS earlier_day_on,
                                           coalesce(c.earlier_day_yen, k.earlier_day_yen) AS earlier_day_yen,
                                           coalesce(c.earlier_day_count, k.earlier_day_count) AS earlier_day_count,
                                           coalesce(c.month_on, k.month_on) AS month_on, coalesce(c.month_yen, k.month_yen) AS month_yen,
                                           coalesce(c.earlier_month_on, k.earlier_month_on) AS earlier_month_on,
                                           coalesce(c.earlier_month_yen, k.earlier_month_yen) AS earlier_month_yen,
                                           coalesce(c.pin_tries, k.pin_tries) AS pin_tries, coalesce(c.pin_value, k.pin_value) AS pin_value) r
        ), written AS (
                INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, card_token,
                        pan_mask, issuer, band, hall, business_date, tariff_from, tax_rate_bp, customer_fee_yen,
                        customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, approval_code, link, approved_at)
                SELECT p_terminal[n.position], p_transmitted_at[n.position], p_stan[n.position], own_reason(n.reason, n.link),
                        p_processing_code[n.position], n.amount_yen, n.card_token, p_pan_mask[n.position], p_issuer[n.position],
                        p_band[n.position], p_hall[n.position], n.business_date, p_tariff_from[n.position], p_tax_rate_bp[n.position],
                        p_customer_fee_yen[n.position], p_customer_tax_yen[n.position], p_interbank_fee_yen[n.position],
                        p_interbank_tax_yen[n.position], p_hall_share_yen[n.position],
                        CASE WHEN own_reason(n.reason, n.link) = reason_of('APPROVED') THEN p_approval_code[n.position] END,
                        CASE WHEN n.reason IN (reason_of('APPROVED'), reason_of('ISSUER_UNAVAILABLE'), reason_of('PIN_WRONG')) THEN n.link END,
                        CASE WHEN own_reason(n.reason, n.link) = reason_of('APPROVED') THEN v_now END
                FROM (SELECT d.* FROM decided d WHERE NOT d.known AND d.reason <> reason_of('CANNOT_DECIDE')
                      ORDER BY p_transmitted_at[d.position], p_terminal[d.position], p_stan[d.position]) n
                RETURNING 1
        ), opened AS (
                -- the house bank's are found without a row, while their day is not summed up (v_open); after `written`, whose keys say
                -- that somebody else was faster
                INSERT INTO open_withdrawal (terminal, transmitted_at, stan, card_token, amount_yen, asked_ms)
                SELECT p_terminal[n.position], p_transmitted_at[n.position], p_stan[n.position], n.card_token, n.amount_yen,
                       CASE WHEN n.link IS NOT NULL THEN real_now_ms() END
                FROM decided n
                WHERE NOT n.known AND n.reason = reason_of('APPROVED') AND (n.link IS NOT NULL OR n.business_date <= v_summed_through)
                AND (SELECT count(*) FROM written) > 0
        ), used AS (
                UPDATE card c
                SET balance_yen = c.balance_yen - CASE WHEN n.link IS NULL THEN n.amount_yen + n.charge_yen ELSE 0 END,
                    month_on = greatest(c.month_on, n.month),
                    month_yen = newest_use(n.month, c.month_on, c.month_yen, n.amount_yen),
                    earlier_month_on = earlier_use_on(n.month, c.month_on, c.earlier_month_on),
                    earlier_month_yen = earlier_use(n.month, c.month_on, c.month_yen, c.earlier_month_on, c.earlier_month_yen, n.amount_yen),
                    day_on = greatest(c.day_on, n.business_date),
                    day_yen = newest_use(n.business_date, c.day_on, c.day_yen, n.amount_yen),
                    day_count = newest_use(n.business_date, c.day_on, c.day_count, 1),
                    day_corrections = newest_use(n.business_date, c.day_on, c.day_corrections, 0),
                    earlier_day_on = earlier_use_on(n.business_date, c.day_on, c.earlier_day_on),
                    earlier_day_yen = earlier_use(n.business_date, c.day_on, c.day_yen, c.earlier_day_on, c.earlier_day_yen, n.amount_yen),
                    earlier_day_count = earlier_use(n.business_date, c.day_on, c.day_count, c.earlier_day_on, c.earlier_day_count, 1),
                    earlier_day_corrections = earlier_use(n.business_date, c.day_on, c.day_corrections, c.earlier_day_on,
                                                          c.earlier_day_corrections, 0),
                    pin_tries = CASE WHEN n.pin_tries IS NULL THEN c.pin_tries ELSE 0 END
                FROM decided n WHERE NOT n.known AND n.reason = reason_of('APPROVED') AND c.card_token = n.card_token
                RETURNING 1
        )
        SELECT n.position::integer, n.known, CASE WHEN n.known THEN n.reason ELSE own_reason(n.reason, n.link) END, n.business_date,
               CASE WHEN n.known THEN v_charge_yen[n.position] ELSE n.charge_yen END,
               CASE WHEN n.known THEN v_approval_code[n.position] ELSE p_approval_code[n.position] END
        FROM decided n
        WHERE ((SELECT count(*) FROM used) = (SELECT count(*) FROM decided t WHERE NOT t.known AND t.reason = reason_of('APPROVED'))
               OR ledger_conflict())
        -- (the cards of those that are approved are written above, and no row twice in one statement)
        AND (SELECT pin_count(array_agg(t.card_token), array_agg(t.kind),
                              array_agg(CASE WHEN t.reason <> reason_of('APPROVED')
                                             THEN CASE t.kind WHEN 'wrong' THEN t.pin_tries + 1 WHEN 'right' THEN 0 END END::smallint),
                              array_agg(p_terminal[t.position]), array_agg(p_transmitted_at[t.position]), array_agg(p_stan[t.position]), false)
             FROM (SELECT d.*, pin_event_kind(d.pin_tries, d.reason, d.pin_value, p_pin_value[d.position]) AS kind FROM decided d) t
             WHERE t.kind IS NOT NULL
             HAVING count(*) > 0) IS NOT FALSE;
        PERFORM ledger_confirm();
END
$$;

-- Balance inquiries. They write nothing and may be decided anew; an identity that a withdrawal has taken
-- contradicts (DE 3 differs). Reason 0 without a balance: nothing stands against passing it on to the bank.
-- Those in which a PIN is looked at (as in ledger_request) are decided once, under the lock of their card, and leave a row: a repeat hears
-- the same, balance and all (r_stored). So a batch holds the card and the identity of such a one once.
CREATE OR REPLACE FUNCTION ledger_inquiry(
        p_version bigint, p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[], p_processing_code integer[],
        p_card_token uuid[], p_expiry_yymm text[], p_business_date date[], p_refusal smallint[], p_link text[],
        p_pin_tries_max smallint[], p_pin_value text[],
        p_from timestamptz DEFAULT '-infinity', p_to timestamptz DEFAULT 'infinity')
RETURNS TABLE (r_position integer, r_stored boolean, r_reason smallint, r_balance_yen bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_pins boolean := 0 < ANY (p_pin_tries_max);
BEGIN
        IF v_pins THEN
                LOCK TABLE books IN ROW SHARE MODE; -- before cards, as everybody
        END IF;
        IF p_version <> (SELECT version FROM reference_version) THEN
                RETURN QUERY SELECT 0, false, -1::smallint, NULL::bigint;
                RETURN;
        END IF;
        IF v_pins THEN
                PERFORM FROM (SELECT o.card_token
                              FROM (SELECT unnest(p_card_token) AS card_token, unnest(p_refusal) AS refusal,
                                           unnest(p_pin_tries_max) AS pin_tries_max) o
                              WHERE o.pin_tries_max > 0 AND o.refusal = reason_of('APPROVED')
                              ORDER BY 1) o
                CROSS JOIN LATERAL (SELECT FROM card c WHERE c.card_token = o.card_token LIMIT 1 FOR NO KEY UPDATE) c;
        END IF;
        RETURN QUERY
        WITH decided AS MATERIALIZED (
                SELECT o.position, o.card_token, i.terminal IS NOT NULL AS known,
                       CASE WHEN o.is_looked_at AND s.terminal IS NULL AND i.terminal IS NULL THEN c.pin_tries END AS pin_tries, c.pin_value,
                       o.is_looked_at AND s.terminal IS NULL AND i.terminal IS NULL AS is_kept,
                       CASE WHEN s.reason = reason_of('BLOCKED') THEN s.reason
                            WHEN s.terminal IS NOT NULL
                                 OR i.terminal IS NOT NULL AND (i.card_token <> o.card_token OR i.processing_code <> o.processing_code)
                                 THEN reason_of('CONTRADICTS')
                            WHEN i.terminal IS NOT NULL THEN i.reason
                            ELSE coalesce(least(nullif(o.refusal, reason_of('APPROVED')),
                                       coalesce(card_refusal(o.link IS NULL, c.balance_yen IS NOT NULL OR c.successor IS NOT NULL, c.kind,
                                                             c.expiry_yymm, o.expiry_yymm, c.status,
                                                             EXISTS (SELECT FROM exclusion e
                                                                     WHERE e.card_token = o.card_token AND e.from_on <= o.business_date
                                                                     AND (e.until_on IS NULL OR o.business_date < e.until_on))),
                                                pin_refusal(o.is_looked_at, p_pin_tries_max[o.position], c.pin_tries, c.pin_value,
                                                            p_pin_value[o.position]))),
                                          reason_of('APPROVED')) END AS reason,
                       CASE WHEN i.terminal IS NOT NULL THEN i.balance_yen ELSE c.balance_yen END AS balance_yen
                FROM (SELECT u.*, u.pin_tries_max > 0 AND u.refusal = reason_of('APPROVED') AS is_looked_at
                      FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_transmitted_at) AS transmitted_at, unnest(p_stan) AS stan,
                                   unnest(p_processing_code) AS processing_code, unnest(p_card_token) AS card_token,
                                   unnest(p_expiry_yymm) AS expiry_yymm, unnest(p_business_date) AS business_date, unnest(p_refusal) AS refusal,
                                   unnest(p_link) AS link, unnest(p_pin_tries_max) AS pin_tries_max,
                                   generate_subscripts(p_terminal, 1) AS position) u) o
                LEFT JOIN LATERAL (SELECT * FROM withdrawal s WHERE s.terminal = o.terminal
                                   AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan
                                   AND s.transmitted_at BETWEEN p_from AND p_to LIMIT 1) s ON true
                LEFT JOIN LATERAL (SELECT * FROM pin_inquiry i WHERE o.pin_tries_max > 0 AND i.terminal = o.terminal
                                   AND i.transmitted_at = o.transmitted_at AND i.stan = o.stan
                                   AND i.transmitted_at BETWEEN p_from AND p_to LIMIT 1) i ON true
                LEFT JOIN LATERAL (SELECT * FROM card c WHERE c.card_token = o.card_token LIMIT 1) c ON true
        )
        SELECT d.position::integer, d.known, d.reason, d.balance_yen
        FROM decided d
        WHERE (SELECT pin_inquiry_keep(array_agg(t.card_token), array_agg(t.reason), array_agg(t.balance_yen),
                                       array_agg(pin_event_kind(t.pin_tries, t.reason, t.pin_value, p_pin_value[t.position])),
                                       array_agg(t.pin_tries), array_agg(p_terminal[t.position]), array_agg(p_transmitted_at[t.position]),
                                       array_agg(p_stan[t.position]), array_agg(p_processing_code[t.position]))
               FROM decided t WHERE t.is_kept
               HAVING count(*) > 0) IS NOT FALSE;
        IF v_pins THEN
                PERFORM ledger_confirm();
        END IF;
END
$$;

-- What one advice does, between its decision and its writing.
CREATE TYPE ledger_effect AS (
        position integer, terminal text, transmitted_at timestamptz, stan integer,
        kind text, advice_at timestamptz, advice_stan integer, why text, amount_yen bigint, dispensed_yen bigint,
        repeated boolean, exception text, corrects boolean, seq smallint, state_before text, state text,
        counted_yen bigint, counted_delta_yen bigint, commission smallint,
        back_cash_yen bigint, back_count integer, back_fee_yen bigint,
        card_token uuid, hall text, business_date date, issuer text, link text, original_amount_yen bigint,
        band text, tariff_from date, tax_rate_bp integer,
        customer_fee_yen bigint, customer_tax_yen bigint, interbank_fee_yen bigint, interbank_tax_yen bigint,
        hall_share_yen bigint, posted_on date);

-- Completion and reversal advices (0220, 0420 and their repeats). p_terminal is both the advice's and the
-- original's. One row an advice once all of them are durable; r_stored: it was durable before; r_what: the
-- exception or correction that it left for people to look at, NULL: none. What it changes in the books is posted
-- on the business date, or, where that is closed, on the first open day.
--
-- A completed withdrawal is settled, so that no message changes it any more, once a person has decided about it,
-- p_correct_ms of real time after its completion, where a message has corrected another of its card and day, and
-- while its ATM is disabled or barred. A correction before that leaves a record, 'corrected'.
--
-- p_chip: what the ATM reports of its card's chip (DE 55). It waits with the notice to the bank that the end of an approved withdrawal makes
-- (saf.chip), and is kept nowhere else: of all other advices, and of the house bank's, it is dropped.
CREATE OR REPLACE FUNCTION ledger_advice(
        p_terminal text[], p_original_at timestamptz[], p_original_stan integer[],
        p_kind text[], p_advice_at timestamptz[], p_advice_stan integer[], p_why text[],
        p_amount_yen bigint[], p_dispensed_yen bigint[], p_correct_ms bigint,
        p_look boolean DEFAULT true, p_from timestamptz DEFAULT '-infinity', p_to timestamptz DEFAULT 'infinity',
        p_chip bytea[] DEFAULT NULL)
RETURNS TABLE (r_position integer, r_stored boolean, r_what text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v record;
        v_books record;
        v_now timestamptz := clock_timestamp();
        v_prepared boolean := false; -- cards are locked, unknown originals blocked
        v_taken boolean[]; -- NULL: none
        v_link text[]; -- of the usual ones, by position
        v_charge_yen bigint[];
BEGIN
        -- the next statement sees what this lock waited for
        LOCK TABLE books IN ROW SHARE MODE;
        SELECT b.closed_through + 1 AS open_from, b.summed_through,
               (SELECT min(q.from_on) FROM ledger_partition q)::timestamp AT TIME ZONE 'Asia/Tokyo' AS from_at,
               (SELECT max(q.to_on) FROM ledger_partition q)::timestamp AT TIME ZONE 'Asia/Tokyo' AS to_at
        INTO v_books FROM books b;

        -- The usual ones: all was dispensed of what the card's bank had approved, on a day whose books and sums are open. Their effect is that
        -- row of advice_rule, and nothing but keys decides, as below; a bank over a link is told. All of a batch, or none.
        IF NOT p_look THEN
                WITH plain AS MATERIALIZED (
                        SELECT o.position, w.*
                        FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_original_at) AS original_at, unnest(p_original_stan) AS original_stan,
                                     unnest(p_advice_at) AS advice_at, unnest(p_dispensed_yen) AS dispensed_yen,
                                     generate_subscripts(p_terminal, 1) AS position) o
                        CROSS JOIN LATERAL (SELECT w.terminal, w.transmitted_at, w.stan, w.amount_yen, w.hall, w.business_date, w.issuer, w.band,
                                                   w.tariff_from, w.tax_rate_bp, w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen,
                                                   w.interbank_tax_yen, w.hall_share_yen, w.link
                                            FROM withdrawal w WHERE w.terminal = o.terminal
                                            AND w.transmitted_at = o.original_at AND w.stan = o.original_stan
                                            AND w.transmitted_at BETWEEN p_from AND p_to
                                            AND (w.reason = reason_of('APPROVED')
                                                 OR w.link IS NOT NULL
                                                 AND EXISTS (SELECT FROM bank_outcome x WHERE x.terminal = o.terminal
                                                             AND x.transmitted_at = o.original_at AND x.stan = o.original_stan
                                                             AND x.transmitted_at BETWEEN p_from AND p_to AND x.reason = reason_of('APPROVED')))
                                            AND advice_relation(o.dispensed_yen, w.amount_yen) = 'equal'
                                            AND w.business_date > coalesce(greatest(v_books.open_from - 1, v_books.summed_through), '-infinity') LIMIT 1) w
                        WHERE o.advice_at >= v_books.from_at AND o.advice_at < v_books.to_at
                        ORDER BY o.original_at, o.terminal, o.original_stan
                ), named AS (
                        INSERT INTO advice_identity (terminal, advice_at, advice_stan, kind, transmitted_at, stan)
                        SELECT p.terminal, p_advice_at[p.position], p_advice_stan[p.position], p_kind[p.position], p.transmitted_at, p.stan
                        FROM (SELECT p.* FROM plain p ORDER BY p_advice_at[p.position], p.terminal, p_advice_stan[p.position], p_kind[p.position]) p
                        WHERE (SELECT count(*) FROM plain) = cardinality(p_terminal)
                        RETURNING 1
                ), advised AS (
                        INSERT INTO advice (terminal, transmitted_at, stan, seq, kind, advice_at, advice_stan, why, amount_yen,
                                            dispensed_yen, state_before, state, counted_yen, commission, recorded_at)
                        SELECT p.terminal, p.transmitted_at, p.stan, 1, p_kind[p.position], p_advice_at[p.position], p_advice_stan[p.position],
                               p_why[p.position], p_amount_yen[p.position], p.amount_yen, 'approved', 'completed', p.amount_yen, 1, v_now
                        FROM plain p WHERE (SELECT count(*) FROM named) = cardinality(p_terminal)
                        RETURNING 1
                ), booked AS (
                        INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band,
                                tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen,
                                interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
                        SELECT p.terminal, p.transmitted_at, p.stan, 1, 1, p.hall, p.business_date, p.issuer, p.band,
                                p.tariff_from, p.tax_rate_bp, p.customer_fee_yen, p.customer_tax_yen, p.interbank_fee_yen,
                                p.interbank_tax_yen, p.hall_share_yen, p.amount_yen, p.business_date
                        FROM plain p WHERE (SELECT count(*) FROM advised) = cardinality(p_terminal)
                        RETURNING 1
                )
                SELECT array_agg(p.link ORDER BY p.position), array_agg(p.customer_fee_yen + p.customer_tax_yen ORDER BY p.position)
                INTO v_link, v_charge_yen
                FROM plain p WHERE (SELECT count(*) FROM booked) = cardinality(p_terminal);
                IF cardinality(array_remove(v_link, NULL)) > 0 THEN
                        WITH told AS (
                                INSERT INTO bank_notice (terminal, transmitted_at, stan, seq, link, kind, amount_yen, charge_yen, dispensed_yen, why)
                                SELECT p_terminal[o.position], p_original_at[o.position], p_original_stan[o.position], 1, o.link, 'completion',
                                       p_dispensed_yen[o.position], v_charge_yen[o.position], p_dispensed_yen[o.position],
                                       coalesce(p_why[o.position], '00')
                                FROM (SELECT unnest(v_link) AS link, generate_subscripts(v_link, 1) AS position) o
                                WHERE o.link IS NOT NULL
                                RETURNING terminal, transmitted_at, stan, seq, link
                        ), ended AS (
                                DELETE FROM open_withdrawal WHERE ctid = ANY (ARRAY(
                                        SELECT o.ctid FROM told t
                                        CROSS JOIN LATERAL (SELECT o.ctid FROM open_withdrawal o WHERE o.terminal = t.terminal
                                                            AND o.transmitted_at = t.transmitted_at AND o.stan = t.stan LIMIT 1) o))
                        )
                        INSERT INTO saf (terminal, transmitted_at, stan, seq, link, created_ms, due_ms, chip)
                        SELECT p_terminal[o.position], p_original_at[o.position], p_original_stan[o.position], 1, o.link, n.now_ms, n.now_ms,
                               p_chip[o.position]
                        FROM (SELECT unnest(v_link) AS link, generate_subscripts(v_link, 1) AS position) o
                        CROSS JOIN (SELECT real_now_ms() AS now_ms OFFSET 0) n
                        WHERE o.link IS NOT NULL;
                END IF;
                IF v_link IS NOT NULL THEN
                        RETURN QUERY SELECT generate_subscripts(p_terminal, 1), false, NULL::text;
                        RETURN;
                END IF;
        END IF;

        -- an advice's own numbers speak of one original for good; said of another they contradict, and nothing is done.
        -- A person's word has none
        IF p_look THEN
                INSERT INTO advice_identity (terminal, advice_at, advice_stan, kind, transmitted_at, stan)
                SELECT o.terminal, o.advice_at, o.advice_stan, o.kind, o.original_at, o.original_stan
                FROM unnest(p_terminal, p_original_at, p_original_stan, p_kind, p_advice_at, p_advice_stan) WITH ORDINALITY
                     o (terminal, original_at, original_stan, kind, advice_at, advice_stan, position)
                WHERE o.kind <> 'operator' AND o.advice_at >= v_books.from_at AND o.advice_at < v_books.to_at
                ORDER BY 2, 1, 3, 4, o.position
                ON CONFLICT DO NOTHING;
                SELECT array_agg(coalesce((i.transmitted_at, i.stan) <> (o.original_at, o.original_stan), false) ORDER BY o.position) INTO v_taken
                FROM unnest(p_terminal, p_original_at, p_original_stan, p_kind, p_advice_at, p_advice_stan) WITH ORDINALITY
                     o (terminal, original_at, original_stan, kind, advice_at, advice_stan, position)
                LEFT JOIN LATERAL (SELECT i.transmitted_at, i.stan FROM advice_identity i WHERE i.terminal = o.terminal
                                   AND i.advice_at = o.advice_at AND i.advice_stan = o.advice_stan AND i.kind = o.kind LIMIT 1) i ON true;
        ELSE
                INSERT INTO advice_identity (terminal, advice_at, advice_stan, kind, transmitted_at, stan)
                SELECT o.terminal, o.advice_at, o.advice_stan, o.kind, o.original_at, o.original_stan
                FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_original_at) AS original_at,
                             unnest(p_original_stan) AS original_stan, unnest(p_kind) AS kind, unnest(p_advice_at) AS advice_at,
                             unnest(p_advice_stan) AS advice_stan) o
                WHERE o.advice_at >= v_books.from_at AND o.advice_at < v_books.to_at
                ORDER BY 2, 1, 3, 4;
        END IF;

        -- Decide; where that needs locks or originals, take and make them, and decide again in a statement that sees
        -- what they waited for. Most batches need none: the originals are there, and all was dispensed. Then nothing but keys
        -- decides: a withdrawal's row never changes, and a second advice that saw the same one before it meets its seq.
        LOOP
                WITH found AS (
                        SELECT o.*, v_taken[o.position] IS TRUE OR o.original_at < v_books.from_at OR o.original_at >= v_books.to_at AS is_outside,
                               w.terminal IS NOT NULL AS is_known,
                               r.seq IS NOT NULL AS repeated,
                               r.seq IS NOT NULL AND (r.amount_yen <> o.amount_yen OR r.dispensed_yen <> o.dispensed_yen) AS contradicts,
                               coalesce(l.seq, 0) + 1 AS seq, coalesce(l.counted_yen, 0) AS counted_before_yen, z.state, z.counts_yen,
                               coalesce(h.successor, w.card_token) AS card_token, w.hall, w.business_date, w.issuer,
                               CASE WHEN w.reason IS NULL THEN w.link END AS link, -- who was asked
                               w.amount_yen AS original_amount_yen, w.band,
                               w.tariff_from, w.tax_rate_bp, w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen,
                               w.interbank_tax_yen, w.hall_share_yen, coalesce(k.decided, false) AS decided,
                               coalesce(w.reason, reason_of('APPROVED')) = reason_of('APPROVED') AND o.dispensed_yen < w.amount_yen AS may_give_back,
                               -- a correction by message of what was completed; whether it may be one
                               z.state = 'completed' AND o.kind <> 'operator' AND r.seq IS NULL AND o.dispensed_yen < l.counted_yen AS corrects,
                               coalesce(NOT k.decided AND v_now - k.completed_at < make_interval(secs => p_correct_ms / 1000.0)
                                        AND d.corrections = 0 AND t.enabled, false) AS may_correct
                        FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_original_at) AS original_at,
                                     unnest(p_original_stan) AS original_stan, unnest(p_kind) AS kind, unnest(p_advice_at) AS advice_at,
                                     unnest(p_advice_stan) AS advice_stan, unnest(p_why) AS why, unnest(p_amount_yen) AS amount_yen,
                                     unnest(p_dispensed_yen) AS dispensed_yen, generate_subscripts(p_terminal, 1) AS position) o
                        LEFT JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.terminal = o.terminal
                                           AND w.transmitted_at = o.original_at AND w.stan = o.original_stan
                                           AND w.transmitted_at BETWEEN p_from AND p_to LIMIT 1) w ON true
                        LEFT JOIN LATERAL (SELECT a.seq, a.state, a.counted_yen FROM advice a
                                           WHERE p_look AND a.terminal = o.terminal AND a.transmitted_at = o.original_at
                                           AND a.stan = o.original_stan AND a.transmitted_at BETWEEN p_from AND p_to
                                           ORDER BY a.seq DESC LIMIT 1) l ON true
                        LEFT JOIN LATERAL (SELECT a.seq, a.amount_yen, a.dispensed_yen FROM advice a
                                           WHERE p_look AND a.terminal = o.terminal AND a.transmitted_at = o.original_at
                                           AND a.stan = o.original_stan AND a.transmitted_at BETWEEN p_from AND p_to
                                           AND a.kind = o.kind AND a.advice_at = o.advice_at AND a.advice_stan = o.advice_stan
                                           LIMIT 1) r ON true
                        LEFT JOIN LATERAL (SELECT x.reason FROM bank_outcome x
                                           WHERE w.link IS NOT NULL AND x.terminal = o.terminal
                                           AND x.transmitted_at = o.original_at AND x.stan = o.original_stan
                                           AND x.transmitted_at BETWEEN p_from AND p_to LIMIT 1) x ON true
                        CROSS JOIN LATERAL (SELECT withdrawal_state(l.state, coalesce(w.reason, x.reason)) AS state) y
                        CROSS JOIN LATERAL (SELECT y.state, withdrawal_counts(y.state, l.counted_yen, w.amount_yen) AS counts_yen) z
                        -- of one that has its end: who said so, and since when
                        LEFT JOIN LATERAL (SELECT bool_or(a.kind = 'operator') AS decided,
                                                  min(a.recorded_at) FILTER (WHERE a.state = 'completed') AS completed_at
                                           FROM advice a
                                           WHERE p_look AND z.state IN ('completed', 'reversed') AND a.terminal = o.terminal
                                           AND a.transmitted_at = o.original_at AND a.stan = o.original_stan
                                           AND a.transmitted_at BETWEEN p_from AND p_to) k ON true
                        -- where the card's use stands now; a completion of all that was asked for, the usual one, doesn't ask
                        LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE (o.dispensed_yen < w.amount_yen OR z.state = 'completed')
                                           AND c.card_token = w.card_token LIMIT 1) h ON true
                        -- (none where the day has left the card's row)
                        LEFT JOIN LATERAL (SELECT use_of(w.business_date, c.day_on, c.day_corrections, c.earlier_day_on,
                                                         c.earlier_day_corrections) AS corrections
                                           FROM card c WHERE p_look AND z.state = 'completed'
                                           AND c.card_token = coalesce(h.successor, w.card_token)
                                           AND w.business_date IN (c.day_on, c.earlier_day_on) LIMIT 1) d ON true
                        -- from what nobody locks (036_reference.sql): whoever may change the table may lock it
                        LEFT JOIN LATERAL (SELECT t.cell[3] = 'enabled' AS enabled FROM reference_copy t WHERE p_look AND z.state = 'completed'
                                           AND t.section = 'atm' AND t.cell > ARRAY[o.terminal] AND t.cell < ARRAY[o.terminal, NULL] LIMIT 1) t ON true
                ), judged AS (
                        -- the first of a card and day, also among those of this batch
                        SELECT f.*, CASE WHEN f.state = 'completed' AND f.kind <> 'operator' AND NOT (f.may_correct AND (NOT f.corrects
                                         OR row_number() OVER (PARTITION BY f.card_token, f.business_date, f.corrects AND f.may_correct
                                                               ORDER BY f.position) = 1)) THEN 'settled' ELSE f.state END AS state_before
                        FROM found f
                ), ruled AS (
                        SELECT j.*, u.state_after, u.commission,
                               CASE WHEN j.contradicts THEN 'contradicts'
                                    WHEN j.repeated THEN NULL
                                    WHEN u.exception AND j.decided THEN 'decided'
                                    WHEN u.exception THEN j.state_before
                                    WHEN j.corrects THEN 'corrected' END AS exception,
                               j.corrects AND NOT u.exception AS is_correction, c.counted_yen,
                               c.counted_yen - j.counted_before_yen AS counted_delta_yen,
                               CASE WHEN u.state_after IN ('completed', 'reversed') AND j.state IN ('asked', 'approved', 'completed')
                                    THEN j.counts_yen - c.counted_yen ELSE 0 END AS back_cash_yen,
                               u.state_after = 'reversed' AND j.state <> 'reversed' AS takes_back,
                               greatest(j.business_date, v_books.open_from) AS posted_on,
                               j.is_known AND NOT j.is_outside AS is_done,
                               j.is_known AND NOT j.is_outside AND NOT j.repeated AS is_new
                        FROM judged j
                        JOIN advice_rule u ON u.state_before = j.state_before
                             AND u.relation = advice_relation(j.dispensed_yen, j.counts_yen)
                        CROSS JOIN LATERAL (SELECT CASE WHEN u.state_after <> 'completed' THEN 0
                                                        WHEN u.exception THEN j.counts_yen
                                                        ELSE j.dispensed_yen END AS counted_yen) c
                )
                SELECT coalesce(bool_or(NOT e.is_known AND NOT e.is_outside), false) AS any_unknown,
                       coalesce(bool_or(e.is_known AND NOT e.is_outside AND e.may_give_back), false) AS any_lock,
                       count(*) FILTER (WHERE e.is_outside) AS outside,
                       bool_or(e.is_new AND e.state_before = 'asked' AND e.state_after = 'reversed') AS any_unanswered,
                       bool_or(e.is_new AND e.link IS NOT NULL) AS any_link,
                       bool_or(e.is_new AND (e.link IS NOT NULL OR e.business_date <= v_books.summed_through)) AS any_listed,
                       bool_or(e.is_new AND e.posted_on <= v_books.summed_through
                               AND (e.commission <> 0 OR e.counted_delta_yen <> 0)) AS any_summed,
                       bool_or(e.is_new AND (e.back_cash_yen <> 0 OR e.takes_back)) AS any_back,
                       bool_or(e.is_done AND e.exception IS NOT NULL) AS any_exception,
                       array_agg(ROW(e.position, e.terminal, e.original_at, e.original_stan,
                                     e.kind, e.advice_at, e.advice_stan, e.why, e.amount_yen, e.dispensed_yen, e.repeated,
                                     e.exception, e.is_correction, e.seq, e.state_before, e.state_after,
                                     e.counted_yen, e.counted_delta_yen, e.commission, e.back_cash_yen, e.takes_back::integer,
                                     CASE WHEN e.takes_back THEN e.customer_fee_yen + e.customer_tax_yen ELSE 0 END,
                                     e.card_token, e.hall, e.business_date, e.issuer, e.link, e.original_amount_yen, e.band, e.tariff_from,
                                     e.tax_rate_bp, e.customer_fee_yen, e.customer_tax_yen, e.interbank_fee_yen, e.interbank_tax_yen,
                                     e.hall_share_yen, e.posted_on)::ledger_effect
                                 ORDER BY e.original_at, e.terminal, e.original_stan) FILTER (WHERE e.is_done) AS effect
                INTO v FROM ruled e;
                EXIT WHEN v_prepared OR NOT (v.any_unknown OR v.any_lock);

                -- the cards' locks, where cash may be given back
                IF v.any_lock THEN
                        PERFORM FROM (SELECT DISTINCT e.card_token FROM unnest(v.effect) e
                                      WHERE e.card_token IS NOT NULL AND e.dispensed_yen < e.original_amount_yen
                                      ORDER BY 1) o
                        CROSS JOIN LATERAL (SELECT FROM card c WHERE c.card_token = o.card_token LIMIT 1 FOR NO KEY UPDATE) c;
                        v_now := clock_timestamp();
                END IF;

                -- an unknown original is blocked, so that its 0200 finds the key taken (an original that came meanwhile has
                -- it, and was not locked: then the batch is repeated); one that lies outside every partition can't be
                -- requested any more either
                IF v.any_unknown THEN
                        INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, business_date)
                        SELECT o.terminal, o.original_at, o.original_stan, reason_of('BLOCKED'), 0, o.amount_yen, (o.original_at AT TIME ZONE 'Asia/Tokyo')::date
                        FROM unnest(p_terminal, p_original_at, p_original_stan, p_amount_yen)
                             WITH ORDINALITY o (terminal, original_at, original_stan, amount_yen, position)
                        WHERE v_taken[o.position] IS NOT TRUE AND o.original_at >= v_books.from_at AND o.original_at < v_books.to_at
                        AND NOT EXISTS (SELECT FROM unnest(v.effect) e WHERE e.position = o.position)
                        ORDER BY 2, 1, 3;
                END IF;
                v_prepared := true;
        END LOOP;

        IF v.outside > 0 THEN
                INSERT INTO exception_record
                SELECT o.terminal, o.advice_at, o.advice_stan, o.kind, o.original_at, o.original_stan,
                       CASE WHEN v_taken[o.position] THEN 'contradicts' ELSE 'out of range' END, o.amount_yen, o.dispensed_yen
                FROM unnest(p_terminal, p_advice_at, p_advice_stan, p_kind, p_original_at, p_original_stan, p_amount_yen,
                            p_dispensed_yen) WITH ORDINALITY
                     o (terminal, advice_at, advice_stan, kind, original_at, original_stan, amount_yen, dispensed_yen, position)
                WHERE v_taken[o.position] OR o.original_at < v_books.from_at OR o.original_at >= v_books.to_at
                ON CONFLICT DO NOTHING;
        END IF;

        INSERT INTO advice (terminal, transmitted_at, stan, seq, kind, advice_at, advice_stan, why, amount_yen,
                            dispensed_yen, state_before, state, counted_yen, commission, recorded_at)
        SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.kind, e.advice_at, e.advice_stan, e.why, e.amount_yen,
               e.dispensed_yen, e.state_before, e.state, e.counted_yen, e.commission, v_now
        FROM unnest(v.effect) e WHERE NOT e.repeated;

        INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band,
                tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen,
                interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
        SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.commission, e.hall, e.business_date, e.issuer, e.band,
                e.tariff_from, e.tax_rate_bp, e.commission * e.customer_fee_yen, e.commission * e.customer_tax_yen,
                e.commission * e.interbank_fee_yen, e.commission * e.interbank_tax_yen,
                e.commission * e.hall_share_yen, e.counted_delta_yen, e.posted_on
        FROM unnest(v.effect) e WHERE NOT e.repeated AND (e.commission <> 0 OR e.counted_delta_yen <> 0);

        IF v.any_listed THEN
                DELETE FROM open_withdrawal WHERE ctid = ANY (ARRAY(
                        SELECT o.ctid FROM unnest(v.effect) e
                        CROSS JOIN LATERAL (SELECT o.ctid FROM open_withdrawal o WHERE o.terminal = e.terminal
                                            AND o.transmitted_at = e.transmitted_at AND o.stan = e.stan LIMIT 1) o
                        WHERE NOT e.repeated AND e.state_before IN ('asked', 'approved') AND e.state IN ('completed', 'reversed')));
        END IF;

        -- the reversal of a withdrawal that its bank is still being asked about is its outcome; whoever
        -- else brings one at the same moment meets its key
        IF v.any_unanswered THEN
                INSERT INTO bank_outcome (terminal, transmitted_at, stan, reason, cause)
                SELECT e.terminal, e.transmitted_at, e.stan, reason_of('BLOCKED'), CASE e.kind WHEN 'operator' THEN 'operator' ELSE 'reversal' END
                FROM unnest(v.effect) e WHERE NOT e.repeated AND e.state_before = 'asked' AND e.state = 'reversed'
                ORDER BY 2, 1, 3;
        END IF;

        -- what the bank must be told of it
        IF v.any_link THEN
                WITH due AS MATERIALIZED (
                        SELECT * FROM unnest(v.effect) e
                        WHERE e.link IS NOT NULL AND NOT e.repeated
                        AND (e.state = 'reversed' AND e.state_before <> 'reversed' OR e.counted_delta_yen <> 0)
                ), told AS (
                        INSERT INTO bank_notice (terminal, transmitted_at, stan, seq, link, kind, amount_yen, charge_yen,
                                                 dispensed_yen, why)
                        SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.link,
                               CASE WHEN e.state = 'reversed' THEN 'reversal'
                                    WHEN e.counted_yen < e.original_amount_yen THEN 'partial' ELSE 'completion' END,
                               e.original_amount_yen, e.customer_fee_yen + e.customer_tax_yen, e.counted_yen,
                               coalesce(e.why, CASE WHEN e.counted_yen = 0 THEN '21'
                                                    WHEN e.counted_yen < e.original_amount_yen THEN '32' ELSE '00' END)
                        FROM due e
                )
                INSERT INTO saf (terminal, transmitted_at, stan, seq, link, created_ms, due_ms, chip)
                SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.link, n.now_ms, n.now_ms,
                       CASE WHEN e.state_before = 'approved' THEN p_chip[e.position] END
                FROM due e CROSS JOIN (SELECT real_now_ms() AS now_ms OFFSET 0) n;
        END IF;

        -- a day whose sums are made, or may be any time, is told what they lack: rows of its own, for which nobody waits
        IF v.any_summed THEN
                INSERT INTO unsummed_post (terminal, transmitted_at, stan, seq, posted_on)
                SELECT e.terminal, e.transmitted_at, e.stan, e.seq, e.posted_on
                FROM unnest(v.effect) e WHERE NOT e.repeated AND e.posted_on <= v_books.summed_through
                AND (e.commission <> 0 OR e.counted_delta_yen <> 0);
        END IF;

        IF v.any_back THEN
                PERFORM card_give_back(array_agg(e.card_token), array_agg(e.business_date), array_agg(e.back_cash_yen), array_agg(e.back_count),
                                       array_agg(e.corrects::integer),
                                       array_agg(CASE WHEN e.link IS NULL THEN e.back_cash_yen + e.back_fee_yen ELSE 0 END))
                FROM unnest(v.effect) e
                WHERE NOT e.repeated AND (e.back_cash_yen <> 0 OR e.back_count <> 0);
        END IF;

        IF v.any_exception THEN
                INSERT INTO exception_record (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what,
                                              amount_yen, dispensed_yen)
                SELECT e.terminal, e.advice_at, e.advice_stan, e.kind, e.transmitted_at, e.stan, e.exception,
                       e.amount_yen, e.dispensed_yen
                FROM unnest(v.effect) e WHERE e.exception IS NOT NULL
                ORDER BY 1, 2, 3, 4
                ON CONFLICT DO NOTHING;
        END IF;

        RETURN QUERY SELECT e.position, e.repeated, e.exception FROM unnest(v.effect) e;
        IF v.outside > 0 THEN
                RETURN QUERY
                SELECT o.position::integer, v_taken[o.position] IS TRUE,
                       CASE WHEN v_taken[o.position] THEN 'contradicts' ELSE 'out of range' END
                FROM unnest(p_original_at) WITH ORDINALITY o (original_at, position)
                WHERE v_taken[o.position] OR o.original_at < v_books.from_at OR o.original_at >= v_books.to_at;
        END IF;
        PERFORM ledger_confirm();
END
$$;

-- banks over links ---------------------------------------------------------------------------------------
-- Times (..._ms) are real milliseconds, by the database's clock (real_now_ms). One that lies further ahead than it could have been
-- written is of a clock that has been set back since, or of another server's: nobody waits for it.

-- What became of withdrawals that a bank was asked about: its answer, or none in time. p_reason 0: the bank
-- approved. A time-out queues a reversal in the same commit, since the bank may have approved unheard. An approval
-- that comes when something else stands queues one more, once: its seq is the last there can be. Also while another waits:
-- that one may reach the bank before it approves, and it is the only word that the bank was heard to approve (saf_end).
-- One row each: what stands durable now, and whether it did before (then this outcome came too late).
CREATE OR REPLACE FUNCTION ledger_outcome(
        p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[],
        p_reason smallint[], p_approval_code text[], p_bank_de39 text[], p_cause text[],
        p_from timestamptz DEFAULT '-infinity', p_to timestamptz DEFAULT 'infinity')
RETURNS TABLE (r_position integer, r_stored boolean, r_reason smallint, r_business_date date,
               r_charge_yen bigint, r_approval_code text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
        -- whoever replaces a card waits for what is on its way; the next statement sees what this waited for
        LOCK TABLE books IN ROW SHARE MODE;

        -- the cards' locks, where usage is given back
        PERFORM FROM (SELECT DISTINCT coalesce(h.successor, w.card_token) AS card_token
                      FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_transmitted_at) AS transmitted_at,
                                   unnest(p_stan) AS stan, unnest(p_reason) AS reason) o
                      CROSS JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.terminal = o.terminal
                                          AND w.transmitted_at = o.transmitted_at AND w.stan = o.stan
                                          AND w.transmitted_at BETWEEN p_from AND p_to LIMIT 1) w
                      LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE c.card_token = w.card_token LIMIT 1) h ON true
                      WHERE o.reason <> reason_of('APPROVED') AND w.reason IS NULL
                      ORDER BY 1) o
        CROSS JOIN LATERAL (SELECT FROM card c WHERE c.card_token = o.card_token LIMIT 1 FOR NO KEY UPDATE) c;

        RETURN QUERY
        WITH decided AS MATERIALIZED (
                SELECT o.*, w.link, coalesce(h.successor, w.card_token) AS card_token, w.business_date, w.amount_yen,
                       w.customer_fee_yen + w.customer_tax_yen AS charge_yen,
                       x.terminal IS NOT NULL AS known, coalesce(x.reason, o.reason) AS durable_reason,
                       CASE WHEN x.terminal IS NULL THEN o.approval_code ELSE x.approval_code END AS durable_code
                FROM (SELECT unnest(p_terminal) AS terminal, unnest(p_transmitted_at) AS transmitted_at, unnest(p_stan) AS stan,
                             unnest(p_reason) AS reason, unnest(p_approval_code) AS approval_code, unnest(p_bank_de39) AS bank_de39,
                             unnest(p_cause) AS cause, generate_subscripts(p_terminal, 1) AS position) o
                CROSS JOIN LATERAL (SELECT * FROM withdrawal w WHERE w.terminal = o.terminal
                                    AND w.transmitted_at = o.transmitted_at AND w.stan = o.stan
                                    AND w.transmitted_at BETWEEN p_from AND p_to AND w.reason IS NULL LIMIT 1) w
                LEFT JOIN LATERAL (SELECT * FROM bank_outcome x WHERE x.terminal = o.terminal
                                   AND x.transmitted_at = o.transmitted_at AND x.stan = o.stan
                                   AND x.transmitted_at BETWEEN p_from AND p_to LIMIT 1) x ON true
                -- where the card's use stands now, if it is given back
                LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE o.reason <> reason_of('APPROVED')
                                   AND c.card_token = w.card_token LIMIT 1) h ON true
        ), written AS (
                INSERT INTO bank_outcome (terminal, transmitted_at, stan, reason, approval_code, bank_de39, cause, approved_at)
                SELECT n.terminal, n.transmitted_at, n.stan, n.reason, CASE WHEN n.reason = reason_of('APPROVED') THEN n.approval_code END,
                       n.bank_de39, n.cause, CASE WHEN n.reason = reason_of('APPROVED') THEN clock_timestamp() END
                FROM decided n WHERE NOT n.known
                ORDER BY 2, 1, 3
        ), told AS (
                INSERT INTO bank_notice (terminal, transmitted_at, stan, seq, link, kind, amount_yen, charge_yen,
                                         dispensed_yen, why)
                SELECT n.terminal, n.transmitted_at, n.stan, 0, n.link, 'reversal', n.amount_yen, n.charge_yen, 0, '68'
                FROM decided n WHERE NOT n.known AND n.cause = 'timeout'
                UNION ALL
                SELECT n.terminal, n.transmitted_at, n.stan, 32767, n.link, 'reversal', n.amount_yen, n.charge_yen, 0, '68'
                FROM decided n WHERE n.known AND n.reason = reason_of('APPROVED') AND n.durable_reason <> reason_of('APPROVED')
                ON CONFLICT DO NOTHING
                RETURNING terminal, transmitted_at, stan, seq, link
        ), queued AS (
                INSERT INTO saf (terminal, transmitted_at, stan, seq, link, created_ms, due_ms)
                SELECT t.terminal, t.transmitted_at, t.stan, t.seq, t.link, n.now_ms, n.now_ms FROM told t CROSS JOIN (SELECT real_now_ms() AS now_ms OFFSET 0) n
        ), ended AS (
                DELETE FROM open_withdrawal WHERE ctid = ANY (ARRAY(
                        SELECT w.ctid FROM decided n
                        CROSS JOIN LATERAL (SELECT w.ctid FROM open_withdrawal w WHERE w.terminal = n.terminal
                                            AND w.transmitted_at = n.transmitted_at AND w.stan = n.stan LIMIT 1) w
                        WHERE NOT n.known AND n.reason <> reason_of('APPROVED')))
        ), given AS MATERIALIZED (
                SELECT card_give_back(array_agg(n.card_token), array_agg(n.business_date), array_agg(n.amount_yen), array_agg(1),
                                      array_agg(0), array_agg(0::bigint))
                FROM decided n WHERE NOT n.known AND n.reason <> reason_of('APPROVED')
                HAVING count(*) > 0
        )
        SELECT n.position::integer, n.known, n.durable_reason, n.business_date, n.charge_yen, n.durable_code
        FROM decided n
        WHERE (SELECT count(*) FROM given) >= 0; -- which is done for what it does
        PERFORM ledger_confirm();
END
$$;

-- Withdrawals whose bank was asked at least p_age_ms ago and about which nothing is decided: whoever
-- asked is dead or too slow. Each is timed out; returns how many. What is approved stays open until its ATM
-- or a person speaks: no timer ends it.
-- An answer, or another sweep, that commits at the same moment is an ordinary event: the sweep looks again and leaves out what was
-- decided meanwhile. It waits for nobody's card while it holds others: those that are locked come the next time.
CREATE OR REPLACE FUNCTION ledger_sweep(p_age_ms bigint, p_max integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v_key record;
        v_count integer;
        v_now_ms bigint := real_now_ms();
BEGIN
        LOCK TABLE books IN ROW SHARE MODE; -- before cards, as everybody
        FOR v_try IN 1..5 LOOP
                SELECT array_agg(k.terminal) AS terminals, array_agg(k.transmitted_at) AS moments, array_agg(k.stan) AS stans,
                       count(*)::integer AS n
                INTO v_key
                -- (two ranges of an index, not one condition: what is approved and open may be much)
                FROM (SELECT o.*
                      FROM (SELECT o.terminal, o.transmitted_at, o.stan, o.asked_ms
                            FROM (SELECT * FROM open_withdrawal o WHERE o.asked_ms <= v_now_ms - p_age_ms
                                  UNION ALL SELECT * FROM open_withdrawal o WHERE o.asked_ms > v_now_ms + p_age_ms) o
                            LEFT JOIN LATERAL (SELECT x.terminal FROM bank_outcome x WHERE x.terminal = o.terminal
                                               AND x.transmitted_at = o.transmitted_at AND x.stan = o.stan LIMIT 1) x ON true
                            WHERE x.terminal IS NULL
                            ORDER BY o.asked_ms OFFSET 0) o
                      CROSS JOIN LATERAL (SELECT w.card_token FROM withdrawal w WHERE w.terminal = o.terminal
                                          AND w.transmitted_at = o.transmitted_at AND w.stan = o.stan LIMIT 1) w
                      -- where a replaced card's use stands now
                      LEFT JOIN LATERAL (SELECT c.successor FROM card c WHERE c.card_token = w.card_token LIMIT 1) h ON true
                      CROSS JOIN LATERAL (SELECT FROM card c WHERE c.card_token = coalesce(h.successor, w.card_token)
                                          LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) c
                      ORDER BY o.asked_ms LIMIT p_max) k;
                IF v_key.n = 0 THEN
                        RETURN 0;
                END IF;
                BEGIN
                        SELECT count(*) FILTER (WHERE NOT r_stored) INTO v_count
                        FROM ledger_outcome(v_key.terminals, v_key.moments, v_key.stans,
                                            array_fill(reason_of('ISSUER_UNAVAILABLE'), ARRAY[v_key.n]),
                                            array_fill(NULL::text, ARRAY[v_key.n]), array_fill(NULL::text, ARRAY[v_key.n]),
                                            array_fill('timeout'::text, ARRAY[v_key.n]));
                        RETURN v_count;
                EXCEPTION WHEN unique_violation THEN
                        NULL; -- somebody was faster
                END;
        END LOOP;
        PERFORM ledger_conflict();
END
$$;

-- Take or keep the lease of a link and with it the notices that are due, in order for each withdrawal: the
-- first that is not acknowledged, and only that. Each taken one counts as an attempt and is due again after
-- a pause that doubles. No row: somebody else holds the lease, or nothing is due.
-- (Where leases differ in length the shortest wins: a longer one looks to its holder as if it were of a clock that is ahead.)
CREATE OR REPLACE FUNCTION saf_take(p_link text, p_holder text, p_lease_ms bigint,
                         p_first_ms bigint, p_longest_ms bigint, p_max integer)
RETURNS TABLE (r_terminal text, r_transmitted_at timestamptz, r_stan integer, r_seq smallint, r_kind text,
               r_amount_yen bigint, r_charge_yen bigint, r_dispensed_yen bigint, r_why text, r_attempts integer, r_chip bytea)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v_due tid[];
        v_now_ms bigint := real_now_ms();
BEGIN
        INSERT INTO saf_lease AS l (link, holder, until_ms) VALUES (p_link, p_holder, v_now_ms + p_lease_ms)
        ON CONFLICT (link) DO UPDATE SET holder = EXCLUDED.holder, until_ms = EXCLUDED.until_ms
        WHERE l.holder = EXCLUDED.holder OR l.until_ms < v_now_ms OR l.until_ms > v_now_ms + p_lease_ms;
        IF NOT FOUND THEN
                RETURN;
        END IF;
        -- the oldest first, which is the order of the index; without sorting, nothing else can be read
        SELECT array_agg(d.at) INTO v_due
        FROM (SELECT d.at FROM (VALUES (0, v_now_ms), (v_now_ms + p_longest_ms + 1, 9223372036854775807)) b (from_ms, to_ms)
              CROSS JOIN LATERAL (
                      SELECT s.ctid AS at FROM saf s
                      CROSS JOIN LATERAL (SELECT f.seq FROM saf f WHERE f.terminal = s.terminal
                                          AND f.transmitted_at = s.transmitted_at AND f.stan = s.stan
                                          ORDER BY f.seq LIMIT 1) f
                      WHERE s.link = p_link AND NOT s.parked AND s.due_ms BETWEEN b.from_ms AND b.to_ms AND f.seq = s.seq
                      ORDER BY s.due_ms LIMIT p_max FOR UPDATE OF s SKIP LOCKED) d
              LIMIT p_max) d;
        IF v_due IS NULL THEN
                RETURN;
        END IF;
        RETURN QUERY
        WITH taken AS (
                UPDATE saf s SET attempts = s.attempts + 1,
                        due_ms = v_now_ms + least(p_longest_ms, p_first_ms * (1 << least(s.attempts, 20))::bigint)
                WHERE s.ctid = ANY (v_due)
                RETURNING s.*
        )
        SELECT t.terminal, t.transmitted_at, t.stan, t.seq, n.kind, n.amount_yen, n.charge_yen, n.dispensed_yen, n.why,
               t.attempts, t.chip
        FROM taken t
        CROSS JOIN LATERAL (SELECT * FROM bank_notice n WHERE n.terminal = t.terminal
                            AND n.transmitted_at = t.transmitted_at AND n.stan = t.stan AND n.seq = t.seq LIMIT 1) n;
END
$$;

-- What waits for each link, and since when the oldest of it does (parked ones wait for people): for the alarm.
CREATE OR REPLACE FUNCTION saf_look() RETURNS TABLE (r_link text, r_waiting bigint, r_parked bigint, r_oldest_age_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT link, count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked),
               real_now_ms() - min(created_ms) FILTER (WHERE NOT parked)
        FROM saf GROUP BY link
$$;

-- What banks have answered to notices. Verdicts, of the bank's dialect (config/bank_codes.h): 'done', 'repeated', 'missing' and
-- 'case' are final: the notice is gone, with the bank's own code (p_said) in bank_ack; 'again': it stays, with what was
-- said, and is repeated when it is due. A case makes an exception in the same commit; so does an original that is missing
-- unless the bank was never heard to approve it, late (seq 32767) neither; or unless it is a reversal that was sent before and had no answer
-- then: it may have been booked and put away, and the bank holds nothing either way. (A code that put it off was an answer.)
-- Harmless when said twice, also by one who lost the lease meanwhile. A notice that somebody else has locked (a person holds it back, another
-- takes it) stays, and the bank is told once more.
-- Returns how many are gone by this.
CREATE OR REPLACE FUNCTION saf_end(p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[], p_seq smallint[],
                        p_verdict text[], p_said text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v_count integer;
        v_got bigint[]; -- their places
BEGIN
        -- who takes the same rows, or ends them, comes before or after all of this
        SELECT coalesce(array_agg(o.place), '{}') INTO v_got
        FROM (SELECT o.* FROM unnest(p_terminal, p_transmitted_at, p_stan, p_seq) WITH ORDINALITY
                           o (terminal, transmitted_at, stan, seq, place)
                      ORDER BY 2, 1, 3, 4) o
        CROSS JOIN LATERAL (SELECT FROM saf s WHERE s.terminal = o.terminal AND s.transmitted_at = o.transmitted_at
                            AND s.stan = o.stan AND s.seq = o.seq LIMIT 1 FOR UPDATE SKIP LOCKED) s;

        INSERT INTO saf AS k (terminal, transmitted_at, stan, seq, link, created_ms, due_ms, last_error)
        SELECT s.terminal, s.transmitted_at, s.stan, s.seq, s.link, s.created_ms, s.due_ms, o.said
        FROM unnest(p_terminal, p_transmitted_at, p_stan, p_seq, p_verdict, p_said) WITH ORDINALITY
             o (terminal, transmitted_at, stan, seq, verdict, said, place)
        CROSS JOIN LATERAL (SELECT * FROM saf s WHERE s.terminal = o.terminal AND s.transmitted_at = o.transmitted_at
                            AND s.stan = o.stan AND s.seq = o.seq LIMIT 1) s
        WHERE o.verdict = 'again' AND o.place = ANY (v_got)
        ON CONFLICT (terminal, transmitted_at, stan, seq) DO UPDATE SET last_error = EXCLUDED.last_error;

        WITH gone AS (
                DELETE FROM saf WHERE ctid = ANY (ARRAY(
                        SELECT s.ctid
                        FROM unnest(p_terminal, p_transmitted_at, p_stan, p_seq, p_verdict) WITH ORDINALITY
                             o (terminal, transmitted_at, stan, seq, verdict, place)
                        CROSS JOIN LATERAL (SELECT s.ctid FROM saf s WHERE s.terminal = o.terminal
                                            AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan
                                            AND s.seq = o.seq LIMIT 1) s
                        WHERE o.verdict <> 'again' AND o.place = ANY (v_got)))
                RETURNING terminal, transmitted_at, stan, seq, attempts, last_error
        ), answered AS MATERIALIZED (
                SELECT DISTINCT ON (g.terminal, g.transmitted_at, g.stan, g.seq) g.*, o.said, n.kind, n.amount_yen, n.dispensed_yen,
                       CASE WHEN o.verdict <> 'missing' THEN o.verdict
                            WHEN x.cause <> 'answer' AND g.seq <> 32767 THEN 'missing'
                            WHEN n.kind = 'reversal' AND g.attempts > 1 AND coalesce(length(g.last_error), 0) <> 2 THEN 'missing'
                            ELSE 'case' END AS verdict
                FROM gone g
                JOIN unnest(p_terminal, p_transmitted_at, p_stan, p_seq, p_verdict, p_said)
                     o (terminal, transmitted_at, stan, seq, verdict, said) USING (terminal, transmitted_at, stan, seq)
                -- what was asked and told is looked for where it matters
                LEFT JOIN LATERAL (SELECT x.cause FROM bank_outcome x WHERE o.verdict = 'missing' AND x.terminal = g.terminal
                                   AND x.transmitted_at = g.transmitted_at AND x.stan = g.stan LIMIT 1) x ON true
                LEFT JOIN LATERAL (SELECT n.kind, n.amount_yen, n.dispensed_yen FROM bank_notice n
                                   WHERE o.verdict IN ('missing', 'case') AND n.terminal = g.terminal
                                   AND n.transmitted_at = g.transmitted_at AND n.stan = g.stan AND n.seq = g.seq LIMIT 1) n ON true
                ORDER BY g.terminal, g.transmitted_at, g.stan, g.seq
        ), cases AS (
                INSERT INTO exception_record (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what, amount_yen,
                                              dispensed_yen)
                SELECT a.terminal, a.transmitted_at, a.stan, 'bank', a.transmitted_at, a.stan, a.kind || ' answered ' || a.said,
                       a.amount_yen, a.dispensed_yen
                FROM answered a
                WHERE a.verdict = 'case'
                ON CONFLICT DO NOTHING
        )
        INSERT INTO bank_ack (terminal, transmitted_at, stan, seq, attempts, acknowledged_ms, verdict, de39)
        SELECT a.terminal, a.transmitted_at, a.stan, a.seq, a.attempts, real_now_ms(), a.verdict, a.said FROM answered a
        ORDER BY 2, 1, 3, 4;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        RETURN v_count;
END
$$;

-- guards -------------------------------------------------------------------------------------------------

-- Nobody but batches takes anything that a batch waits for, but as the last thing before his commit: a person's
-- transaction may be open for minutes. So what must not change under a batch on its way, or under another's close, is
-- checked twice: at once, for whoever reads the message, and by a deferred trigger that holds all batches first.
--
-- Hold all batches until the end of this transaction: those under way have ended, those to come wait. Whoever waits for
-- this lock makes them wait too, so he waits a quarter of a second and lets them pass before he tries again. Nor does he wait longer
-- for anybody once he has it: the limit stays for the rest of his transaction, its deferred triggers included. What he does
-- meanwhile doesn't grow with the history: period_close adds up sums alone, at most one an ATM and day; price_guard reads the
-- withdrawals of two days once, whatever he changes; card_replace the rows of its cards.
CREATE OR REPLACE FUNCTION books_hold() RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM set_config('lock_timeout', '250ms', true);
        FOR v_try IN 1..40 LOOP
                BEGIN
                        LOCK TABLE books IN EXCLUSIVE MODE;
                        RETURN;
                EXCEPTION WHEN lock_not_available THEN
                        PERFORM pg_sleep(0.05 + 0.1 * random());
                END;
        END LOOP;
        RAISE EXCEPTION 'withdrawals are being written without a pause' USING ERRCODE = 'lock_not_available',
                HINT = 'try again; a history that is being generated, or a session that is open within a transaction, may be the cause';
END
$$;

-- A card that people know nothing of yet: its row was made at its first use, at a bank over a link.
CREATE OR REPLACE FUNCTION card_only_used(p_expiry_yymm text, p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT p_expiry_yymm IS NULL AND p_status = 'active'
$$;

CREATE OR REPLACE FUNCTION pin_value_expected() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT 'a PVV of 4 digits, or an offset of 4 to 12: no PIN'
$$;

-- Let cards take the places of others (017_replacement.sql), one after the other, up to the first of which that can't be done.
-- All batches wait until its transaction ends: ask it in a statement of its own. So it waits for nobody's row for long either.
-- p_status says why the old one is refused from now on:
-- 'lost', 'stolen', 'replaced', or NULL: what it is already, else 'replaced'. One row each: r_problem NULL where it was
-- done, 'already' where it was done before, else why nothing was done about this one and those behind it:
--   'unknown'   the database has no such card of the house bank
--   'replaced'  the old card was replaced before, by another one than this
--   'known'     the database has the new card already, from a person or of the house bank
--   'issuer'    the old card is of another bank than the new number
--   'expiry'    a card of the house bank needs one
--   'past'      the new card's expiry is over
--   'pin'       a bank behind a link verifies its cards' PINs itself
-- The new card's PIN is another one, or the same one that makes another value of another number: p_pin_value is what it is compared with, NULL while
-- none is known. Wrong ones of the old card are forgotten.
-- p_old_issuer and p_old_kind, by the number's prefix, are for cards that the database doesn't have: those of banks over
-- links may be new to it. What the new card has used already counts too.
CREATE OR REPLACE FUNCTION card_replace(p_old uuid[], p_old_mask text[], p_old_issuer text[], p_old_kind text[], p_new uuid[],
                                        p_new_mask text[], p_new_kind text[], p_issuer text[], p_expiry_yymm text[], p_status text[],
                                        p_pin_value text[])
RETURNS TABLE (r_position integer, r_problem text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
        v_old card; -- all NULL where the database has none
        v_new card;
        v_link text;
        v_month text := to_char(business_today(), 'YYMM');
BEGIN
        PERFORM demand_note();
        PERFORM demand_equal(p_old, ARRAY[cardinality(p_old_mask), cardinality(p_old_issuer), cardinality(p_old_kind), cardinality(p_new),
                                          cardinality(p_new_mask), cardinality(p_new_kind), cardinality(p_issuer),
                                          cardinality(p_expiry_yymm), cardinality(p_status), cardinality(p_pin_value)]);
        FOR i IN 1 .. coalesce(cardinality(p_old), 0) LOOP
                PERFORM demand(p_old[i] IS NOT NULL AND p_new[i] IS NOT NULL, 'pair ' || i || ': no card', 'tokens of two cards');
                PERFORM demand(p_old_mask[i] ~ '^[0-9]{6}[*]+[0-9]{4}$' AND p_new_mask[i] ~ '^[0-9]{6}[*]+[0-9]{4}$',
                               format('pair %s: masks %L and %L', i, p_old_mask[i], p_new_mask[i]), 'the first 6 and last 4 digits');
                PERFORM demand(EXISTS (SELECT FROM card_prefix x WHERE x.issuer = p_issuer[i] AND x.kind = p_new_kind[i]
                                       AND starts_with(p_new_mask[i], left(x.prefix, 6))),
                               format('pair %s: %s as a %s card of bank %s', i, p_new_mask[i], coalesce(p_new_kind[i], 'NULL'),
                                      coalesce(p_issuer[i], 'NULL')), 'a number that begins with a prefix of that bank and kind');
                PERFORM demand(coalesce(p_expiry_yymm[i] ~ '^[0-9]{2}(0[1-9]|1[0-2])$', true), format('pair %s: expiry %L', i, p_expiry_yymm[i]),
                               'year and month, as 3105');
                PERFORM demand(coalesce(p_status[i] IN ('lost', 'stolen', 'replaced'), true), format('pair %s: status %L', i, p_status[i]),
                               'lost, stolen or replaced');
                PERFORM demand(coalesce(p_pin_value[i] ~ '^[0-9]{4,12}$', true), format('pair %s: the PIN''s value', i), pin_value_expected());
        END LOOP;
        PERFORM books_hold();
        FOR i IN 1 .. coalesce(cardinality(p_old), 0) LOOP
                SELECT c.* INTO v_old FROM card c WHERE c.card_token = p_old[i] FOR UPDATE;
                SELECT c.* INTO v_new FROM card c WHERE c.card_token = p_new[i] FOR UPDATE;
                SELECT s.link INTO v_link FROM issuer s WHERE s.issuer = p_issuer[i];
                r_position := i;
                r_problem := CASE WHEN v_old.card_token IS NULL AND v_link IS NULL THEN 'unknown'
                                  WHEN coalesce(v_old.issuer, p_old_issuer[i]) IS DISTINCT FROM p_issuer[i] THEN 'issuer'
                                  WHEN EXISTS (SELECT FROM card_replacement r
                                               WHERE r.card_token = p_old[i] AND r.replaced_by = p_new[i]) THEN 'already'
                                  WHEN v_old.successor IS NOT NULL THEN 'replaced'
                                  WHEN p_old[i] = p_new[i]
                                       OR (v_new.card_token IS NOT NULL AND NOT (v_link IS NOT NULL AND card_only_used(v_new.expiry_yymm, v_new.status)
                                                                                 AND NOT EXISTS (SELECT FROM card_replacement r
                                                                                                 WHERE r.replaced_by = p_new[i]))) THEN 'known'
                                  WHEN v_link IS NULL AND p_expiry_yymm[i] IS NULL THEN 'expiry'
                                  WHEN p_expiry_yymm[i] < v_month THEN 'past'
                                  WHEN v_link IS NOT NULL AND p_pin_value[i] IS NOT NULL THEN 'pin' END;
                RETURN NEXT;
                CONTINUE WHEN r_problem = 'already';
                EXIT WHEN r_problem IS NOT NULL;

                INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm, kind, pin_value)
                VALUES (p_new[i], p_issuer[i], p_new_mask[i], p_expiry_yymm[i], p_new_kind[i], p_pin_value[i])
                ON CONFLICT (card_token) DO UPDATE SET expiry_yymm = EXCLUDED.expiry_yymm;
                INSERT INTO card AS c (card_token, issuer, pan_mask, kind, status, successor)
                VALUES (p_old[i], p_issuer[i], p_old_mask[i], p_old_kind[i], coalesce(p_status[i], 'replaced'), p_new[i])
                ON CONFLICT (card_token) DO UPDATE
                SET status = coalesce(p_status[i], nullif(c.status, 'active'), 'replaced'), successor = p_new[i],
                    opening_yen = NULL, balance_yen = NULL, pin_value = NULL, pin_tries = 0, month_on = NULL, month_yen = 0, earlier_month_on = NULL,
                    earlier_month_yen = 0, day_on = NULL, day_yen = 0, day_count = 0, day_corrections = 0, earlier_day_on = NULL,
                    earlier_day_yen = 0, earlier_day_count = 0, earlier_day_corrections = 0;
                UPDATE card SET successor = p_new[i] WHERE successor = p_old[i];

                -- of the dates that either was used on, the two newest
                UPDATE card c
                SET opening_yen = v_old.opening_yen, balance_yen = v_old.balance_yen, month_on = m.used_on[1], month_yen = coalesce(m.yen[1], 0),
                    earlier_month_on = m.used_on[2], earlier_month_yen = coalesce(m.yen[2], 0), day_on = d.used_on[1],
                    day_yen = coalesce(d.yen[1], 0), day_count = coalesce(d.n[1], 0), day_corrections = coalesce(d.corrections[1], 0),
                    earlier_day_on = d.used_on[2], earlier_day_yen = coalesce(d.yen[2], 0), earlier_day_count = coalesce(d.n[2], 0),
                    earlier_day_corrections = coalesce(d.corrections[2], 0)
                FROM (SELECT array_agg(u.used_on ORDER BY u.used_on DESC) AS used_on, array_agg(u.yen ORDER BY u.used_on DESC) AS yen
                      FROM (SELECT u.used_on, sum(u.yen)::bigint AS yen
                            FROM (VALUES (v_old.month_on, v_old.month_yen), (v_old.earlier_month_on, v_old.earlier_month_yen),
                                         (v_new.month_on, v_new.month_yen), (v_new.earlier_month_on, v_new.earlier_month_yen)) u (used_on, yen)
                            WHERE u.used_on IS NOT NULL GROUP BY 1) u) m,
                     (SELECT array_agg(u.used_on ORDER BY u.used_on DESC) AS used_on, array_agg(u.yen ORDER BY u.used_on DESC) AS yen,
                             array_agg(u.n ORDER BY u.used_on DESC) AS n, array_agg(u.corrections ORDER BY u.used_on DESC) AS corrections
                      FROM (SELECT u.used_on, sum(u.yen)::bigint AS yen, sum(u.n)::integer AS n, sum(u.corrections)::integer AS corrections
                            FROM (VALUES (v_old.day_on, v_old.day_yen, v_old.day_count, v_old.day_corrections),
                                         (v_old.earlier_day_on, v_old.earlier_day_yen, v_old.earlier_day_count, v_old.earlier_day_corrections),
                                         (v_new.day_on, v_new.day_yen, v_new.day_count, v_new.day_corrections),
                                         (v_new.earlier_day_on, v_new.earlier_day_yen, v_new.earlier_day_count, v_new.earlier_day_corrections))
                                 u (used_on, yen, n, corrections)
                            WHERE u.used_on IS NOT NULL GROUP BY 1) u) d
                WHERE c.card_token = p_new[i];
                -- of two that begin on the same day the longer one holds
                WITH gone AS (DELETE FROM exclusion WHERE card_token = p_old[i] RETURNING *)
                INSERT INTO exclusion AS e (card_token, from_on, until_on)
                SELECT p_new[i], g.from_on, g.until_on FROM gone g
                ON CONFLICT (card_token, from_on) DO UPDATE
                SET until_on = CASE WHEN e.until_on IS NOT NULL AND EXCLUDED.until_on IS NOT NULL
                                    THEN greatest(e.until_on, EXCLUDED.until_on) END;

                INSERT INTO card_replacement (card_token, replaced_by, at_ms, who)
                VALUES (p_old[i], p_new[i], (extract(epoch FROM clock_timestamp()) * 1000)::bigint, trail_who());
        END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION account_demand(p_pan_mask text, p_issuer text, p_link text, p_opening_yen bigint) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
        PERFORM demand(p_link IS NULL, format('%s: a card of bank %s, which keeps its accounts itself', p_pan_mask, p_issuer),
                       'a card of the house bank');
        PERFORM demand(p_opening_yen BETWEEN 0 AND 999999999999, format('%s: opening with %L yen', p_pan_mask, p_opening_yen),
                       'whole yen from 0 to 999999999999');
END
$$;

CREATE OR REPLACE FUNCTION pin_demand(p_pan_mask text, p_issuer text, p_link text, p_pin_value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM demand(p_link IS NULL, format('%s: a card of bank %s, which verifies PINs itself', p_pan_mask, p_issuer),
                       'a card of the house bank');
        PERFORM demand(p_pin_value ~ '^[0-9]{4,12}$', p_pan_mask || ': the PIN''s value', pin_value_expected());
END
$$;

-- New accounts of the house bank, for cards that are there; how many. An account can't be changed, nor go, but with its card's place.
CREATE OR REPLACE FUNCTION account_open(p_card_token uuid[], p_opening_yen bigint[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v record;
BEGIN
        PERFORM demand_note();
        PERFORM demand_equal(p_card_token, ARRAY[cardinality(p_opening_yen)]);
        -- who waits here for a replacement sees it then
        PERFORM FROM card c WHERE c.card_token = ANY (p_card_token) ORDER BY c.card_token FOR NO KEY UPDATE;
        SELECT o.place, o.opening_yen, c.card_token, c.pan_mask, c.successor, s.issuer, s.link, c.opening_yen AS known INTO v
        FROM unnest(p_card_token, p_opening_yen) WITH ORDINALITY o (card_token, opening_yen, place)
        LEFT JOIN card c USING (card_token)
        LEFT JOIN issuer s USING (issuer)
        WHERE (o.opening_yen BETWEEN 0 AND 999999999999 AND c.card_token IS NOT NULL AND c.successor IS NULL AND s.link IS NULL
               AND c.opening_yen IS NULL) IS NOT TRUE
        ORDER BY o.place LIMIT 1;
        IF FOUND THEN
                PERFORM demand(v.card_token IS NOT NULL, format('account %s: its card is not there', v.place), 'a card that the database has');
                PERFORM demand(v.successor IS NULL, v.pan_mask || ': the card was replaced', 'its successor');
                PERFORM demand(v.known IS NULL, v.pan_mask || ': the card has an account already', 'a card without one');
                PERFORM account_demand(v.pan_mask, v.issuer, v.link, v.opening_yen);
        END IF;
        UPDATE card c SET opening_yen = o.opening_yen, balance_yen = o.opening_yen
        FROM unnest(p_card_token, p_opening_yen) o (card_token, opening_yen) WHERE c.card_token = o.card_token;
        RETURN cardinality(p_card_token);
END
$$;

-- New cards; how many. One of a bank over a link may have been used already. p_opening_yen: the account of the house bank that is opened with it; NULL:
-- none. p_pin_value: what its PIN is compared with; NULL: nothing yet.
CREATE OR REPLACE FUNCTION card_open(p_card_token uuid[], p_pan_mask text[], p_issuer text[], p_expiry_yymm text[], p_kind text[],
                                     p_opening_yen bigint[], p_pin_value text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v record;
        v_made integer;
BEGIN
        PERFORM demand_equal(p_card_token, ARRAY[cardinality(p_pan_mask), cardinality(p_issuer), cardinality(p_expiry_yymm),
                                                 cardinality(p_kind), cardinality(p_opening_yen), cardinality(p_pin_value)]);
        SELECT o.*, NOT card_only_used(c.expiry_yymm, c.status) AS known INTO v
        FROM unnest(p_card_token, p_pan_mask, p_issuer, p_expiry_yymm, p_kind) WITH ORDINALITY
             o (card_token, pan_mask, issuer, expiry_yymm, kind, place)
        LEFT JOIN card c USING (card_token)
        WHERE (o.card_token IS NOT NULL AND (c.card_token IS NULL OR card_only_used(c.expiry_yymm, c.status)) AND o.pan_mask ~ '^[0-9]{6}[*]+[0-9]{4}$'
               AND o.expiry_yymm ~ '^[0-9]{2}(0[1-9]|1[0-2])$'
               AND EXISTS (SELECT FROM card_prefix x WHERE x.issuer = o.issuer AND x.kind = o.kind
                           AND starts_with(o.pan_mask, left(x.prefix, 6)))) IS NOT TRUE
        ORDER BY o.place LIMIT 1;
        IF FOUND THEN
                PERFORM demand(v.card_token IS NOT NULL, format('card %s: no token', v.place), 'its token');
                PERFORM demand(v.pan_mask ~ '^[0-9]{6}[*]+[0-9]{4}$', format('card %s: mask %L', v.place, v.pan_mask),
                               'the first 6 and last 4 digits');
                PERFORM demand(v.known IS NOT TRUE, v.pan_mask || ': the database has this card already', 'a new one');
                PERFORM demand(v.expiry_yymm ~ '^[0-9]{2}(0[1-9]|1[0-2])$', format('%s: expiry %L', v.pan_mask, v.expiry_yymm),
                               'year and month, as 3105');
                PERFORM demand(false, format('%s as a %s card of bank %s', v.pan_mask, coalesce(v.kind, 'NULL'), coalesce(v.issuer, 'NULL')),
                               'a number that begins with a prefix of that bank and kind');
        END IF;
        IF EXISTS (SELECT FROM unnest(p_opening_yen) o (yen) WHERE o.yen IS NOT NULL) THEN
                PERFORM demand_note();
                SELECT o.pan_mask, o.opening_yen, s.issuer, s.link INTO v
                FROM unnest(p_card_token, p_pan_mask, p_issuer, p_opening_yen) WITH ORDINALITY o (card_token, pan_mask, issuer, opening_yen, place)
                LEFT JOIN card c USING (card_token)
                JOIN issuer s ON s.issuer = coalesce(c.issuer, o.issuer)
                WHERE o.opening_yen IS NOT NULL AND NOT (o.opening_yen BETWEEN 0 AND 999999999999 AND s.link IS NULL)
                ORDER BY o.place LIMIT 1;
                IF FOUND THEN
                        PERFORM account_demand(v.pan_mask, v.issuer, v.link, v.opening_yen);
                END IF;
        END IF;
        IF EXISTS (SELECT FROM unnest(p_pin_value) o (value) WHERE o.value IS NOT NULL) THEN
                PERFORM demand_note();
                SELECT o.place, o.pan_mask, o.pin_value, s.issuer, s.link INTO v
                FROM unnest(p_pan_mask, p_issuer, p_pin_value) WITH ORDINALITY o (pan_mask, issuer, pin_value, place)
                JOIN issuer s USING (issuer)
                WHERE o.pin_value IS NOT NULL AND NOT (o.pin_value ~ '^[0-9]{4,12}$' AND s.link IS NULL)
                ORDER BY o.place LIMIT 1;
                IF FOUND THEN
                        PERFORM pin_demand(v.pan_mask, v.issuer, v.link, v.pin_value);
                END IF;
        END IF;
        -- a card and its account are one row, written once
        INSERT INTO card AS c (card_token, issuer, pan_mask, expiry_yymm, kind, opening_yen, balance_yen, pin_value)
        SELECT o.card_token, o.issuer, o.pan_mask, o.expiry_yymm, o.kind, o.opening_yen, o.opening_yen, o.pin_value
        FROM unnest(p_card_token, p_issuer, p_pan_mask, p_expiry_yymm, p_kind, p_opening_yen, p_pin_value)
             o (card_token, issuer, pan_mask, expiry_yymm, kind, opening_yen, pin_value)
        ORDER BY 1
        ON CONFLICT (card_token) DO UPDATE
        SET expiry_yymm = EXCLUDED.expiry_yymm, opening_yen = EXCLUDED.opening_yen, balance_yen = EXCLUDED.balance_yen, pin_value = EXCLUDED.pin_value
        WHERE card_only_used(c.expiry_yymm, c.status) AND c.opening_yen IS NULL;
        GET DIAGNOSTICS v_made = ROW_COUNT;
        -- others may have been faster since it was looked for them
        PERFORM demand(v_made = coalesce(cardinality(p_card_token), 0), 'cards that the database has meanwhile', 'new ones');
        RETURN v_made;
END
$$;

-- What PINs of cards that are there are compared with from now on; how many. Wrong ones stay counted (card_unblock).
CREATE OR REPLACE FUNCTION pin_set(p_card_token uuid[], p_pin_value text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v record;
BEGIN
        PERFORM demand_note();
        PERFORM demand_equal(p_card_token, ARRAY[cardinality(p_pin_value)]);
        -- who waits here for a replacement sees it then
        PERFORM FROM card c WHERE c.card_token = ANY (p_card_token) ORDER BY c.card_token FOR NO KEY UPDATE;
        SELECT o.place, o.pin_value, c.card_token, c.pan_mask, c.successor, s.issuer, s.link INTO v
        FROM unnest(p_card_token, p_pin_value) WITH ORDINALITY o (card_token, pin_value, place)
        LEFT JOIN card c USING (card_token)
        LEFT JOIN issuer s USING (issuer)
        WHERE (o.pin_value ~ '^[0-9]{4,12}$' AND c.card_token IS NOT NULL AND c.successor IS NULL AND s.link IS NULL) IS NOT TRUE
        ORDER BY o.place LIMIT 1;
        IF FOUND THEN
                PERFORM demand(v.card_token IS NOT NULL, format('PIN %s: its card is not there', v.place), 'a card that the database has');
                PERFORM demand(v.successor IS NULL, v.pan_mask || ': the card was replaced', 'its successor');
                PERFORM pin_demand(v.pan_mask, v.issuer, v.link, v.pin_value);
        END IF;
        UPDATE card c SET pin_value = o.pin_value
        FROM unnest(p_card_token, p_pin_value) o (card_token, pin_value) WHERE c.card_token = o.card_token;
        RETURN coalesce(cardinality(p_card_token), 0);
END
$$;

-- Forget a card's wrong PINs, by a person's word; how many they were.
CREATE OR REPLACE FUNCTION card_unblock(p_card_token uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v card; -- all NULL where there is none
BEGIN
        PERFORM demand_note();
        SELECT c.* INTO v FROM card c WHERE c.card_token = p_card_token FOR NO KEY UPDATE;
        PERFORM demand(v.card_token IS NOT NULL, format('card %s is not there', coalesce(p_card_token::text, 'NULL')), 'a card that the database has');
        PERFORM demand(v.successor IS NULL, v.pan_mask || ': the card was replaced', 'its successor');
        PERFORM demand(v.pin_tries > 0, v.pan_mask || ': no wrong PIN is counted', 'a card with wrong ones');
        INSERT INTO pin_event (card_token, seq, kind)
        SELECT p_card_token, coalesce(max(e.seq), 0) + 1, 'unblocked' FROM pin_event e WHERE e.card_token = p_card_token;
        UPDATE card c SET pin_tries = 0 WHERE c.card_token = p_card_token;
        PERFORM trail_write('pin', v.pan_mask, jsonb_build_object('card_token', v.pan_mask, 'pin_tries', v.pin_tries),
                            jsonb_build_object('card_token', v.pan_mask, 'pin_tries', 0));
        RETURN v.pin_tries;
END
$$;

-- An exclusion of a replaced card is its successor's, by whatever number its holder asks for it: of one that is replaced
-- before this transaction ends, too. (A bank's card may have no row to lock before it is replaced.) Of two that begin on the same
-- day the longer one holds.
CREATE OR REPLACE FUNCTION exclusion_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_successor uuid;
BEGIN
        IF TG_WHEN = 'BEFORE' THEN
                PERFORM demand((NEW.until_on < NEW.from_on + INTERVAL '1 year') IS NOT TRUE,
                               format('exclusion from %s until %s', NEW.from_on, NEW.until_on), 'a year or more');
                NEW.card_token := coalesce((SELECT c.successor FROM card c WHERE c.card_token = NEW.card_token), NEW.card_token);
                -- by whatever mask he says he means it: where the card is known, by its own
                NEW.pan_mask := coalesce((SELECT c.pan_mask FROM card c WHERE c.card_token = NEW.card_token), NEW.pan_mask);
                RETURN NEW;
        END IF;
        LOCK TABLE books IN ROW SHARE MODE;
        SELECT c.successor INTO v_successor FROM card c WHERE c.card_token = NEW.card_token;
        IF v_successor IS NOT NULL THEN
                WITH gone AS (DELETE FROM exclusion WHERE card_token = NEW.card_token AND from_on = NEW.from_on RETURNING *)
                INSERT INTO exclusion AS e (card_token, from_on, until_on)
                SELECT v_successor, g.from_on, g.until_on FROM gone g
                ON CONFLICT (card_token, from_on) DO UPDATE
                SET until_on = CASE WHEN e.until_on IS NOT NULL AND EXCLUDED.until_on IS NOT NULL
                                    THEN greatest(e.until_on, EXCLUDED.until_on) END;
        END IF;
        RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS exclusion_follows ON exclusion;
CREATE TRIGGER exclusion_follows BEFORE INSERT ON exclusion FOR EACH ROW EXECUTE FUNCTION exclusion_follows();
DROP TRIGGER IF EXISTS exclusion_follows_held ON exclusion;
CREATE CONSTRAINT TRIGGER exclusion_follows_held AFTER INSERT ON exclusion DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION exclusion_follows();

-- What a withdrawal was priced for: approved by ourselves, or left to its bank (atmctl verify holds the same rows to their price).
CREATE OR REPLACE FUNCTION withdrawal_is_priced(p_reason smallint) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT p_reason IS NULL OR p_reason = reason_of('APPROVED')
$$;

-- The last moment of any withdrawal.
CREATE OR REPLACE FUNCTION last_moment() RETURNS timestamptz LANGUAGE sql STABLE
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
        SELECT w.transmitted_at FROM withdrawal w ORDER BY w.transmitted_at DESC LIMIT 1
$$;

-- Is any withdrawal priced of the days [p_from, p_to], of the issuer, in the hall and with the first digits of the card, where
-- they are given? By the moment: there is no index by day.
DROP FUNCTION IF EXISTS priced_since(text, date), priced_between(date, date, timestamptz, text, text);
CREATE OR REPLACE FUNCTION priced_between(p_from date, p_to date, p_issuer text, p_hall text, p_digits text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
        SELECT EXISTS (SELECT FROM withdrawal w
                       WHERE w.transmitted_at >= p_from::timestamp AT TIME ZONE 'Asia/Tokyo'
                       AND w.transmitted_at < (p_to::timestamp + INTERVAL '1 day') AT TIME ZONE 'Asia/Tokyo'
                       AND withdrawal_is_priced(w.reason) AND (p_issuer IS NULL OR w.issuer = p_issuer)
                       AND (p_hall IS NULL OR w.hall = p_hall)
                       AND (p_digits IS NULL OR starts_with(w.pan_mask, p_digits)))
$$;

-- The moments from the first to the last priced withdrawal at or after p_since; NULL: there is none.
CREATE OR REPLACE FUNCTION priced_span(p_since timestamptz) RETURNS tstzrange LANGUAGE sql STABLE
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
        SELECT tstzrange(f.transmitted_at, l.transmitted_at, '[]')
        FROM (SELECT w.transmitted_at FROM withdrawal w WHERE w.transmitted_at >= p_since AND withdrawal_is_priced(w.reason)
              ORDER BY w.transmitted_at LIMIT 1) f
        CROSS JOIN (SELECT w.transmitted_at FROM withdrawal w WHERE w.transmitted_at >= p_since AND withdrawal_is_priced(w.reason)
                    ORDER BY w.transmitted_at DESC LIMIT 1) l
$$;

-- The last day of priced withdrawals since then, of whatever prices are changed for: lines of name=day.
CREATE OR REPLACE FUNCTION priced_lately(p_since timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
        SELECT E'\n' || coalesce(string_agg(k.name || '=' || k.last, E'\n'), '')
        FROM (SELECT k.name, max(w.last) AS last
              FROM (SELECT w.business_date, w.issuer, w.hall, left(w.pan_mask, 6) AS digits, max(w.business_date) AS last
                    FROM withdrawal w WHERE w.transmitted_at >= p_since AND withdrawal_is_priced(w.reason)
                    GROUP BY 1, 2, 3, 4) w
              CROSS JOIN LATERAL (SELECT 'every' UNION ALL SELECT 'day ' || w.business_date UNION ALL SELECT 'issuer ' || w.issuer
                                  UNION ALL SELECT 'hall ' || w.hall
                                  UNION ALL SELECT 'prefix ' || left(w.digits, n) FROM generate_series(1, 6) n) k (name)
              WHERE k.name IS NOT NULL
              GROUP BY 1) k
$$;

-- What a price follows from (tariff, tax rate, holiday, prefix, a hall's share) can't change for a time that has priced
-- withdrawals. The second check sees those that were on their way at the first: they are no older than two days before the last
-- moment that the first one saw, since an ATM's clock is off by a day at most. Batches wait for it, so it reads those once for a
-- transaction, and only where the days of what changes meet them.
CREATE OR REPLACE FUNCTION price_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
        v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
        v_row jsonb;
        v_former integer;
        v_check price_check;
        v_from date;
        v_to date;
        v_is_priced boolean;
BEGIN
        -- a holiday's name is no part of it; of where a hall is, its share alone, which a new hall never had otherwise
        IF v_before - 'name' IS NOT DISTINCT FROM v_after - 'name' THEN
                RETURN NEW;
        END IF;
        IF TG_TABLE_NAME = 'hall_place' THEN
                v_former := CASE WHEN v_before IS NOT NULL THEN (v_before ->> 'share_bp')::integer
                                 ELSE (SELECT p.share_bp FROM hall_place p WHERE p.hall = v_after ->> 'hall'
                                       AND p.from_on <= (v_after ->> 'from_on')::date - CASE TG_WHEN WHEN 'AFTER' THEN 1 ELSE 0 END
                                       ORDER BY p.from_on DESC LIMIT 1) END;
                IF v_former IS NULL OR v_former = (v_after ->> 'share_bp')::integer THEN
                        RETURN NEW;
                END IF;
        END IF;
        IF TG_WHEN = 'AFTER' THEN
                PERFORM books_hold();
                UPDATE price_check c SET span = coalesce(priced_span(c.since), 'empty') WHERE c.transaction = pg_current_xact_id() AND c.span IS NULL;
                SELECT * INTO STRICT v_check FROM price_check c WHERE c.transaction = pg_current_xact_id();
        ELSIF NOT EXISTS (SELECT FROM price_check c WHERE c.transaction = pg_current_xact_id()) THEN
                DELETE FROM price_check WHERE ctid = ANY (ARRAY(SELECT c.ctid FROM price_check c FOR UPDATE SKIP LOCKED));
                INSERT INTO price_check (transaction, since) VALUES (pg_current_xact_id(), coalesce(last_moment() - INTERVAL '2 days', '-infinity'));
        END IF;
        FOREACH v_row IN ARRAY array_remove(ARRAY[v_before, v_after], NULL) LOOP
                v_from := coalesce(v_row ->> 'from_on', v_row ->> 'day')::date;
                v_to := coalesce((v_row ->> 'day')::date, 'infinity');
                IF TG_WHEN = 'BEFORE' THEN
                        v_is_priced := priced_between(v_from, v_to, CASE WHEN TG_TABLE_NAME = 'tariff' THEN v_row ->> 'issuer' END,
                                                      v_row ->> 'hall', left(v_row ->> 'prefix', 6));
                ELSE
                        CONTINUE WHEN NOT v_check.span && tstzrange(v_from::timestamp AT TIME ZONE 'Asia/Tokyo',
                                                              (v_to::timestamp + INTERVAL '1 day') AT TIME ZONE 'Asia/Tokyo');
                        IF v_check.lately IS NULL THEN
                                UPDATE price_check c SET lately = priced_lately(c.since) WHERE c.transaction = pg_current_xact_id()
                                RETURNING c.lately INTO v_check.lately;
                        END IF;
                        v_is_priced := nullif(left(split_part(
                                v_check.lately,
                                E'\n' || CASE TG_TABLE_NAME WHEN 'tariff' THEN 'issuer ' || (v_row ->> 'issuer')
                                         WHEN 'card_prefix' THEN 'prefix ' || left(v_row ->> 'prefix', 6)
                                         WHEN 'hall_place' THEN 'hall ' || (v_row ->> 'hall')
                                         WHEN 'holiday' THEN 'day ' || v_from ELSE 'every' END || '=', 2), 10), '')::date >= v_from;
                END IF;
                IF v_is_priced THEN
                        RAISE EXCEPTION '% from %: withdrawals of that time are already priced%',
                                CASE TG_TABLE_NAME WHEN 'hall_place' THEN 'share' ELSE TG_TABLE_NAME END, v_from,
                                coalesce(' (' || CASE TG_TABLE_NAME WHEN 'tariff' THEN 'issuer ' || (v_row ->> 'issuer')
                                                 WHEN 'hall_place' THEN 'hall ' || (v_row ->> 'hall')
                                                 WHEN 'card_prefix' THEN 'prefix ' || (v_row ->> 'prefix') END || ')', '')
                                USING HINT = 'let it take effect on a day that has no withdrawals yet'
                                             || CASE WHEN TG_TABLE_NAME = 'hall_place' THEN ' (--from)' ELSE '' END,
                                      ERRCODE = 'check_violation';
                END IF;
        END LOOP;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

-- What counts for a closed day may not come, change or go (005_finance.sql): against a close that is on its way, too.
CREATE OR REPLACE FUNCTION closed_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_closed date;
        v_row jsonb;
        v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
        v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
        v_from date;
BEGIN
        IF v_before IS NOT DISTINCT FROM v_after THEN
                RETURN NEW;
        END IF;
        IF TG_WHEN = 'AFTER' THEN
                PERFORM books_hold();
        END IF;
        SELECT closed_through INTO v_closed FROM books;
        IF v_closed IS NULL THEN
                RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        IF TG_TABLE_NAME = 'contract' AND TG_OP = 'UPDATE' AND v_before - 'until_on' = v_after - 'until_on'
           AND least((v_before ->> 'until_on')::date, (v_after ->> 'until_on')::date) > v_closed THEN
                RETURN NEW;
        END IF;
        IF TG_TABLE_NAME = 'published' AND TG_OP = 'INSERT' THEN
                RETURN NEW;
        END IF;
        FOREACH v_row IN ARRAY array_remove(ARRAY[v_before, v_after], NULL) LOOP
                v_from := CASE TG_TABLE_NAME
                          WHEN 'cost' THEN quarter_last_day(v_row ->> 'quarter')
                          WHEN 'published' THEN quarter_last_day(v_row ->> 'period')
                          WHEN 'target' THEN (v_row ->> 'announced_on')::date
                          ELSE (v_row ->> 'from_on')::date END;
                IF v_from <= v_closed THEN
                        RAISE EXCEPTION '%: the books are closed through %', TG_TABLE_NAME, v_closed
                                USING HINT = CASE TG_TABLE_NAME
                                             WHEN 'cost' THEN 'enter the correction in the first open quarter, '
                                                              || quarter_of(v_closed + 1)
                                             WHEN 'published' THEN 'a figure of a closed period can be added, not changed'
                                             ELSE 'let it take effect on ' || (v_closed + 1) || ' or later' END,
                                      ERRCODE = 'check_violation';
                END IF;
        END LOOP;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

-- A new hall has no past. What changes holds from the day that the operator's program gives (today or later, but for who owns the tables); who
-- writes without one changes what is not posted yet.
CREATE OR REPLACE FUNCTION hall_placed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_today date := business_today(); -- before the other
        v_given date := business_day_given();
        v_closed date;
        v_last date;
        v_day date;
BEGIN
        IF TG_OP = 'INSERT' THEN
                INSERT INTO hall_place (hall, from_on, area, prefecture, share_bp)
                VALUES (NEW.hall, DATE '0001-01-01', NEW.area, NEW.prefecture, NEW.share_bp);
                RETURN NULL;
        END IF;
        SELECT closed_through INTO v_closed FROM books; -- and once more at the commit: hall_place_held
        SELECT max(from_on) INTO v_last FROM hall_place WHERE hall = NEW.hall;
        IF v_given <= v_closed THEN
                RAISE EXCEPTION 'hall %: the books are closed through %', NEW.hall, v_closed
                        USING HINT = 'let it change on ' || (v_closed + 1) || ' or later', ERRCODE = 'check_violation';
        END IF;
        IF v_given < v_last THEN
                RAISE EXCEPTION 'hall %: it % on % already', NEW.hall, CASE WHEN v_last > v_today THEN 'changes' ELSE 'changed' END, v_last
                        USING HINT = 'let it change on ' || v_last || ' or later'
                                     || CASE WHEN v_last > v_today THEN ' (what it is now, from that day on, takes that change back)' ELSE '' END,
                              ERRCODE = 'check_violation';
        END IF;
        IF v_given < v_today AND NOT pg_has_role(session_user, 'atm_owner', 'MEMBER') THEN
                PERFORM demand(false, format('hall %s: changed from %s on', NEW.hall, v_given), format('business today, %s, or a later day', v_today));
        END IF;
        v_day := coalesce(v_given, greatest(v_closed + 1, v_last, (SELECT max(posted_on) FROM commission)));
        UPDATE hall_place SET until_on = v_day WHERE hall = NEW.hall AND from_on = v_last AND from_on < v_day;
        INSERT INTO hall_place (hall, from_on, area, prefecture, share_bp)
        VALUES (NEW.hall, v_day, NEW.area, NEW.prefecture, NEW.share_bp)
        ON CONFLICT (hall, from_on) DO UPDATE SET area = EXCLUDED.area, prefecture = EXCLUDED.prefecture, share_bp = EXCLUDED.share_bp;
        -- A change that is taken back is none: it would be shown as one, and nothing could change before its day.
        DELETE FROM hall_place p USING hall_place b
        WHERE p.hall = NEW.hall AND p.from_on = v_day AND b.hall = p.hall AND b.until_on = p.from_on AND b.from_on < p.from_on
        AND (b.area, b.prefecture, b.share_bp) IS NOT DISTINCT FROM (p.area, p.prefecture, p.share_bp);
        IF FOUND THEN
                UPDATE hall_place SET until_on = 'infinity' WHERE hall = NEW.hall AND until_on = v_day;
        END IF;
        PERFORM summary_forget(v_day, 'infinity');
        RETURN NULL;
END
$$;

-- Where a hall is, against a close that is on its way; also where it changes twice on a day, which changes a row. (That a row ends
-- is no change of its past.)
CREATE OR REPLACE FUNCTION hall_place_held() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
        v_closed date;
BEGIN
        PERFORM books_hold();
        SELECT closed_through INTO v_closed FROM books;
        IF NEW.from_on > DATE '0001-01-01' AND NEW.from_on <= v_closed THEN
                RAISE EXCEPTION 'hall %: the books are closed through %', NEW.hall, v_closed
                        USING HINT = 'let it change on ' || (v_closed + 1) || ' or later', ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS hall_place_held ON hall_place;
CREATE CONSTRAINT TRIGGER hall_place_held AFTER INSERT OR UPDATE OF area, prefecture, share_bp ON hall_place DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hall_place_held();

DO $$
DECLARE
        t text;
BEGIN
        DROP TRIGGER IF EXISTS tariff_guard ON tariff;
        DROP TRIGGER IF EXISTS tariff_guard ON tax_rate;
        DROP FUNCTION IF EXISTS tariff_guard();
        FOREACH t IN ARRAY ARRAY['tariff', 'tax_rate', 'holiday', 'card_prefix'] LOOP
                EXECUTE format('DROP TRIGGER IF EXISTS price_guard ON %1$I; DROP TRIGGER IF EXISTS price_guard_held ON %1$I', t);
                EXECUTE format('CREATE TRIGGER price_guard BEFORE INSERT OR UPDATE OR DELETE ON %I '
                               'FOR EACH ROW EXECUTE FUNCTION price_guard()', t);
                EXECUTE format('CREATE CONSTRAINT TRIGGER price_guard_held AFTER INSERT OR UPDATE OR DELETE ON %I '
                               'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION price_guard()', t);
        END LOOP;
        DROP TRIGGER IF EXISTS price_guard ON hall_place;
        DROP TRIGGER IF EXISTS price_guard_held ON hall_place;
        CREATE TRIGGER price_guard BEFORE INSERT OR UPDATE OF share_bp ON hall_place FOR EACH ROW EXECUTE FUNCTION price_guard();
        CREATE CONSTRAINT TRIGGER price_guard_held AFTER INSERT OR UPDATE OF share_bp ON hall_place
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION price_guard();
        FOREACH t IN ARRAY ARRAY['contract', 'cost', 'target', 'published', 'finance_rate'] LOOP
                EXECUTE format('DROP TRIGGER IF EXISTS closed_guard_held ON %I', t);
                EXECUTE format('CREATE CONSTRAINT TRIGGER closed_guard_held AFTER INSERT OR UPDATE OR DELETE ON %I '
                               'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION closed_guard()', t);
        END LOOP;
END
$$;

-- withdrawals and notices: what people decide -----------------------------------------------------------

-- Take notices out of the sending (p_park), or let them be sent now, whatever held them back; how many. Their links' leases are broken with
-- that: the next instance that can reach the bank takes them. (Who held one and is still at work sends at most once more what the bank
-- answers from memory.)
-- Parked ones hold back those of the same withdrawal that come after them.
CREATE FUNCTION operator_saf(p_park boolean, p_terminal text[], p_transmitted_at timestamptz[], p_stan integer[],
                             p_seq smallint[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_count integer;
BEGIN
        PERFORM demand(p_park IS NOT NULL, 'neither retry nor park', 'true for park, false for retry');
        IF p_park THEN
                PERFORM demand_note();
        END IF;
        PERFORM demand_equal(p_terminal, ARRAY[cardinality(p_transmitted_at), cardinality(p_stan), cardinality(p_seq)]);
        PERFORM FROM saf s
        JOIN unnest(p_terminal, p_transmitted_at, p_stan, p_seq) o (terminal, transmitted_at, stan, seq)
             USING (terminal, transmitted_at, stan, seq)
        ORDER BY s.transmitted_at, s.terminal, s.stan, s.seq FOR UPDATE OF s;
        WITH changed AS (
                UPDATE saf s SET parked = p_park, due_ms = CASE WHEN p_park THEN s.due_ms ELSE least(s.due_ms, real_now_ms()) END
                FROM unnest(p_terminal, p_transmitted_at, p_stan, p_seq) o (terminal, transmitted_at, stan, seq)
                WHERE s.terminal = o.terminal AND s.transmitted_at = o.transmitted_at AND s.stan = o.stan
                AND s.seq = o.seq AND NOT (p_park AND s.parked)
                RETURNING s.link
        ), broken AS (
                DELETE FROM saf_lease l USING (SELECT DISTINCT link FROM changed) c WHERE NOT p_park AND l.link = c.link
        )
        SELECT count(*) INTO v_count FROM changed;
        RETURN v_count;
END
$$;

-- An operator's finding: this much cash left the ATM. It is what an advice would do, as an advice of kind
-- 'operator', and deals with the withdrawal's exceptions; from then on no message changes the withdrawal any
-- more. Where money was put right elsewhere (p_elsewhere), it only deals with the exceptions, if there are any: a difference that
-- reconciliations alone find has none, and the trail says that it is settled. One row: the state
-- as it was; why nothing was done, NULL where it was; the state as it is now, and how many exceptions were dealt
-- with. Refused is what the table of states calls an exception, what would change nothing at all, and what is
-- 'young': its bank was asked, or it was approved, so little real time ago that its ATM may still be at it (050_limits.sql), unless the
-- ATM is known to stand still (p_force).
CREATE FUNCTION operator_resolve(p_terminal text, p_transmitted_at timestamptz, p_stan integer, p_dispensed_yen bigint,
                                 p_elsewhere boolean, p_advice_at timestamptz, p_force boolean)
RETURNS TABLE (r_refusal text, r_state_before text, r_counted_before_yen bigint, r_state text, r_counted_yen bigint,
               r_exceptions integer, r_left_s integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET random_page_cost = 0.01 SET jit = off AS $$
DECLARE
        v record;
        v_rule record;
        v_advice advice; -- all NULL while there is none
        v_exceptions integer;
        v_found boolean;
        v_refusal text;
        v_youngest interval := CASE WHEN p_force THEN INTERVAL '0' ELSE (SELECT make_interval(secs => l.atm_wait_s + l.atm_dispense_s)
                                                                         FROM instance_limit l) END;
BEGIN
        PERFORM demand_note();
        PERFORM demand(p_terminal IS NOT NULL AND p_transmitted_at IS NOT NULL AND p_stan IS NOT NULL, 'no withdrawal',
                       'its terminal, moment and STAN');
        PERFORM demand(p_dispensed_yen >= 0 AND p_dispensed_yen % 1000 = 0, format('%L yen dispensed', p_dispensed_yen),
                       'a multiple of 1000 yen: notes');
        PERFORM demand(p_elsewhere IS NOT NULL, 'neither here nor elsewhere', 'true where money was put right elsewhere, else false');
        PERFORM demand(p_force IS NOT NULL, 'neither forced nor not', 'true where its ATM is known to stand still, else false');
        -- the moment of the finding, by the business clock; an ATM's clock may be ahead of it by a day
        PERFORM demand(p_advice_at BETWEEN p_transmitted_at - INTERVAL '1 day' AND business_now() + INTERVAL '1 day',
                       format('a finding of %s', coalesce(p_advice_at::text, 'no moment')),
                       format('a moment between the withdrawal and now, %s', date_trunc('second', business_now())));
        SELECT w.state, w.amount_yen, w.dispensed_yen,
               withdrawal_counts(w.state, w.dispensed_yen, w.amount_yen) AS counts_yen,
               coalesce(w.approved_at, (SELECT to_timestamp(o.asked_ms / 1000.0) FROM open_withdrawal o
                                        WHERE o.terminal = w.terminal AND o.transmitted_at = w.transmitted_at
                                        AND o.stan = w.stan)) AS since
        INTO v FROM v_withdrawal w
        WHERE w.terminal = p_terminal AND w.transmitted_at = p_transmitted_at AND w.stan = p_stan;
        v_found := FOUND;
        SELECT count(*) INTO v_exceptions FROM v_exception e
        WHERE e.terminal = p_terminal AND e.transmitted_at = p_transmitted_at AND e.stan = p_stan AND NOT e.resolved;
        SELECT u.* INTO v_rule FROM advice_rule u
        WHERE u.state_before = v.state
        AND u.relation = advice_relation(p_dispensed_yen, v.counts_yen);

        -- of one that a restore has lost and journals could not bring back the exception is all that there is
        v_refusal := CASE WHEN NOT v_found AND NOT (p_elsewhere AND v_exceptions > 0) THEN 'unknown'
                          WHEN p_elsewhere AND v_exceptions = 0 AND v.state IN ('asked', 'approved') THEN 'no end'
                          WHEN p_elsewhere THEN NULL
                          WHEN v_rule.exception THEN 'impossible'
                          WHEN v_exceptions = 0 AND v.state = v_rule.state_after AND v.dispensed_yen = p_dispensed_yen THEN 'no change'
                          WHEN clock_timestamp() - v.since < v_youngest THEN 'young' END;
        IF v_refusal IS NOT NULL THEN
                RETURN QUERY SELECT v_refusal, v.state, v.dispensed_yen, v.state, v.dispensed_yen, v_exceptions,
                                    CASE WHEN v_refusal = 'young' THEN ceil(extract(epoch FROM v.since + v_youngest - clock_timestamp()))::integer END;
                RETURN;
        END IF;

        -- also where it only confirms what is recorded: a person has decided
        IF NOT p_elsewhere THEN
                BEGIN
                        PERFORM ledger_advice(ARRAY[p_terminal], ARRAY[p_transmitted_at], ARRAY[p_stan], ARRAY['operator'],
                                              ARRAY[p_advice_at], ARRAY[0],
                                              ARRAY[CASE WHEN p_dispensed_yen = 0 THEN '21' WHEN p_dispensed_yen < v.amount_yen
                                                         THEN '32' END],
                                              ARRAY[v.amount_yen], ARRAY[p_dispensed_yen], 0);
                EXCEPTION WHEN unique_violation THEN
                        PERFORM ledger_conflict(); -- an advice came meanwhile
                END;
                SELECT a.* INTO STRICT v_advice FROM advice a
                WHERE a.terminal = p_terminal AND a.transmitted_at = p_transmitted_at AND a.stan = p_stan
                AND a.kind = 'operator' AND a.advice_at = p_advice_at;
                -- somebody was faster: to be decided anew
                IF v_advice.state_before <> v.state OR v_advice.state <> v_rule.state_after
                   OR v_advice.counted_yen <> p_dispensed_yen THEN
                        PERFORM ledger_conflict();
                END IF;
        END IF;

        INSERT INTO exception_resolution (terminal, advice_at, advice_stan, kind, transmitted_at, stan, what, at_ms)
        SELECT e.terminal, e.advice_at, e.advice_stan, e.kind, e.transmitted_at, e.stan, e.what, real_now_ms()
        FROM v_exception e
        WHERE e.terminal = p_terminal AND e.transmitted_at = p_transmitted_at AND e.stan = p_stan AND NOT e.resolved
        ORDER BY 1, 2, 3, 4, 7
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_exceptions = ROW_COUNT;
        PERFORM trail_write('withdrawal', trail_key(p_terminal, p_transmitted_at, p_stan),
                            jsonb_build_object('state', v.state, 'dispensed_yen', v.dispensed_yen),
                            jsonb_build_object('state', coalesce(v_advice.state, v.state), 'dispensed_yen', p_dispensed_yen, 'seq', v_advice.seq,
                                               'elsewhere', p_elsewhere, 'exceptions', v_exceptions, 'forced', p_force));
        RETURN QUERY SELECT NULL::text, coalesce(v.state, 'lost'), v.dispensed_yen, coalesce(v_advice.state, v.state, 'lost'),
                            coalesce(v_advice.counted_yen, v.dispensed_yen), v_exceptions, NULL::integer;
END
$$;

-- what atmd decides from -----------------------------------------------------------------------------------

-- Everything that rules/reference.h holds and that comes from one table, as rows of text. A statement a table: a query of all would lock
-- them all.
CREATE OR REPLACE FUNCTION reference_rows(p_table text) RETURNS TABLE (section text, cell text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        CASE p_table
        WHEN 'ledger_partition' THEN
                RETURN QUERY SELECT 'moments', ARRAY[
                        (extract(epoch FROM min(from_on)::timestamp AT TIME ZONE 'Asia/Tokyo') * 1000)::bigint::text,
                        (extract(epoch FROM max(to_on)::timestamp AT TIME ZONE 'Asia/Tokyo') * 1000)::bigint::text]
                FROM ledger_partition HAVING count(*) > 0;
        WHEN 'hall' THEN
                RETURN QUERY SELECT 'hall', ARRAY[h.hall, h.area, h.prefecture, h.opens_minute::text, h.closes_minute::text, p.share_bp::text]
                FROM hall h JOIN hall_place p ON p.hall = h.hall AND p.from_on = DATE '0001-01-01'
                UNION ALL
                SELECT 'share', ARRAY[hall, to_char(from_on, 'YYYY-MM-DD'), share_bp::text] FROM hall_place WHERE from_on > DATE '0001-01-01';
        WHEN 'atm' THEN
                RETURN QUERY SELECT 'atm', ARRAY[terminal, coalesce(hall, ''), CASE WHEN barred THEN 'barred' WHEN enabled THEN 'enabled' ELSE 'disabled' END] FROM atm;
        WHEN 'issuer' THEN
                RETURN QUERY SELECT 'issuer', ARRAY[issuer, coalesce(link, ''), opens_minute::text, closes_minute::text,
                                                    off_opens_minute::text, off_closes_minute::text, pin_method, pin_tries_max::text] FROM issuer;
        WHEN 'card_prefix' THEN
                RETURN QUERY SELECT 'prefix', ARRAY[prefix, to_char(from_on, 'YYYY-MM-DD'), issuer, kind] FROM card_prefix;
        WHEN 'tariff' THEN
                RETURN QUERY SELECT 'tariff', ARRAY[issuer, band, to_char(from_on, 'YYYY-MM-DD'), customer_fee_yen::text,
                                                    interbank_fee_yen::text] FROM tariff;
        WHEN 'tax_rate' THEN
                RETURN QUERY SELECT 'tax_rate', ARRAY[to_char(from_on, 'YYYY-MM-DD'), rate_bp::text, rounding] FROM tax_rate;
        WHEN 'holiday' THEN
                RETURN QUERY SELECT 'holiday', ARRAY[to_char(h.day, 'YYYY-MM-DD')]
                FROM (SELECT DISTINCT ON (day) day, is_holiday FROM holiday ORDER BY day, source) h WHERE h.is_holiday;
        WHEN 'limit_rule' THEN
                RETURN QUERY SELECT 'limit', ARRAY[kind, to_char(from_on, 'YYYY-MM-DD'), coalesce(value::text, '')] FROM limit_rule;
        WHEN 'network_hours' THEN
                RETURN QUERY SELECT 'hours', ARRAY[to_char(from_on, 'YYYY-MM-DD'), day_kind, opens_minute::text, closes_minute::text]
                FROM network_hours;
        END CASE;
END
$$;

-- The tables, in the order in which a snapshot is built from their rows.
CREATE OR REPLACE FUNCTION reference_tables() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT ARRAY['ledger_partition', 'hall', 'atm', 'issuer', 'card_prefix', 'tariff', 'tax_rate', 'holiday', 'limit_rule', 'network_hours']
$$;

-- For people's programs: from the tables themselves, as the transaction sees them, its own changes included. The version first; only
-- that where it is the one that the caller knows already.
CREATE OR REPLACE FUNCTION reference_snapshot(p_known bigint) RETURNS TABLE (section text, cell text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_version bigint := (SELECT version FROM reference_version);
BEGIN
        RETURN QUERY SELECT 'version'::text, ARRAY[v_version::text];
        IF v_version IS DISTINCT FROM p_known THEN
                RETURN QUERY SELECT r.section, r.cell FROM unnest(reference_tables()) WITH ORDINALITY t (name, position)
                             CROSS JOIN LATERAL reference_rows(t.name) r ORDER BY t.position;
        END IF;
END
$$;

-- For atmd: the same from the copy, which waits for nobody who holds the tables.
CREATE OR REPLACE FUNCTION reference_current(p_known bigint) RETURNS TABLE (section text, cell text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_version bigint := (SELECT version FROM reference_version);
BEGIN
        RETURN QUERY SELECT 'version'::text, ARRAY[v_version::text];
        IF v_version IS DISTINCT FROM p_known THEN
                RETURN QUERY SELECT c.section, c.cell FROM reference_copy c
                             ORDER BY array_position(reference_tables(), c.source), c.section, c.cell;
        END IF;
END
$$;

-- The next version, with what a table's rows are in it. The version's row is locked first, and what follows is a new statement: so of two
-- who change the same table the second one sees what the first one did.
CREATE OR REPLACE FUNCTION reference_refresh(p_table text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
        UPDATE reference_version SET version = version + 1;
        IF p_table <> ALL (reference_tables()) THEN
                RETURN; -- areas have names alone
        END IF;
        WITH fresh AS MATERIALIZED (SELECT r.section, r.cell FROM reference_rows(p_table) r),
        gone AS (DELETE FROM reference_copy c
                 WHERE c.source = p_table AND NOT EXISTS (SELECT FROM fresh f WHERE f.section = c.section AND f.cell = c.cell))
        INSERT INTO reference_copy (source, section, cell)
        SELECT p_table, f.section, f.cell FROM fresh f
        WHERE NOT EXISTS (SELECT FROM reference_copy c WHERE c.section = f.section AND c.cell = f.cell);
END
$$;

CREATE OR REPLACE FUNCTION reference_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM reference_refresh(TG_TABLE_NAME);
        RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS reference_changed ON ledger_partition;
CREATE TRIGGER reference_changed AFTER INSERT OR UPDATE OR DELETE ON ledger_partition FOR EACH STATEMENT EXECUTE FUNCTION reference_changed();
DO $$
BEGIN
        PERFORM reference_refresh(t) FROM unnest(reference_tables()) t;
END
$$;

-- NULL where each commit waits for a standby that is there; else what is wrong. (SECURITY DEFINER: others may not see what standbys do.)
CREATE OR REPLACE FUNCTION standby_problem() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT CASE WHEN current_setting('synchronous_standby_names') = '' THEN 'synchronous_standby_names is empty'
                    WHEN NOT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
                    THEN 'no standby is synchronous (pg_stat_replication)' END
$$;

-- Which primary this is, among those of one database: epochs come first, then timelines, which the server raises by itself when it is promoted
-- and which begin anew where it is made by pg_upgrade or from a dump. Timeline 0: it is a standby, or does not say.
-- (The timeline of the last checkpoint would be the former one for as long as the first checkpoint after a promotion takes.)
CREATE OR REPLACE FUNCTION epoch_now(OUT r_lineage text, OUT r_epoch bigint, OUT r_timeline bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        SELECT e.lineage::text, e.epoch, 0 INTO r_lineage, r_epoch, r_timeline FROM database_epoch e;
        IF NOT pg_is_in_recovery() AND has_function_privilege('pg_walfile_name(pg_lsn)', 'EXECUTE')
           AND has_function_privilege('pg_current_wal_lsn()', 'EXECUTE') THEN
                r_timeline := ('x' || lpad(left(pg_walfile_name(pg_current_wal_lsn()), 8), 16, '0'))::bit(64)::bigint;
        END IF;
END
$$;

-- This server serves from now on, and none of an epoch before; p_above: of none up to that one, which others may have seen. The new epoch.
-- Whoever calls it on a server that was replaced makes that the newest, so nobody has it but the owner, and whom an administrator gives it.
CREATE OR REPLACE FUNCTION epoch_raise(p_above bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_epoch bigint;
BEGIN
        PERFORM demand(p_above >= 0, format('above epoch %L', p_above), '0 or more');
        UPDATE database_epoch SET epoch = greatest(epoch, p_above) + 1 RETURNING epoch INTO v_epoch;
        PERFORM trail_write('epoch', v_epoch::text, NULL, jsonb_build_object('timeline', (SELECT r_timeline FROM epoch_now())));
        RETURN v_epoch;
END
$$;

-- who is in whose way ---------------------------------------------------------------------------------------

-- Sessions that somebody waits for, and those that are idle in a transaction, or in one of five seconds or more, with a lock of that strength
-- on one of our tables (2 may change rows, 6 keeps readers or all writers out): who, since when, the strongest lock, how many wait. (SECURITY DEFINER: the owner may see what others do.)
CREATE OR REPLACE FUNCTION lock_holders(p_strength integer) RETURNS TABLE (r_pid integer, r_who text, r_application text, r_state text, r_since timestamptz,
                                                         r_table text, r_mode text, r_waiting integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        WITH waiting AS MATERIALIZED (
                SELECT w.pid, b.pid AS blocker FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) b (pid)
                WHERE w.datname = current_database() AND w.wait_event_type = 'Lock'),
        -- each session's strongest: read once, since there may be many
        held AS MATERIALIZED (
                SELECT DISTINCT ON (l.pid) l.pid, c.relname, l.mode, s.strength
                FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                CROSS JOIN LATERAL (SELECT array_position(ARRAY['RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                                                                'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode)) s (strength)
                WHERE l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                ORDER BY l.pid, s.strength DESC NULLS LAST, c.relname)
        SELECT a.pid, a.usename::text, a.application_name, a.state, a.xact_start, h.relname::text, h.mode,
               (SELECT count(*) FROM waiting w WHERE w.blocker = a.pid)::integer
        FROM pg_stat_activity a
        LEFT JOIN held h ON h.pid = a.pid
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
        AND NOT EXISTS (SELECT FROM waiting w WHERE w.pid = a.pid)
        AND (EXISTS (SELECT FROM waiting w WHERE w.blocker = a.pid)
             OR (h.strength >= p_strength
                 AND (a.state LIKE 'idle in transaction%' OR a.xact_start < clock_timestamp() - INTERVAL '5 s')))
        ORDER BY (SELECT count(*) FROM waiting w WHERE w.blocker = a.pid) DESC, a.xact_start
$$;

-- How long a withdrawal is its ATM's alone, as an instance is configured (050_limits.sql).
CREATE OR REPLACE FUNCTION instance_limits_are(p_atm_wait_s integer, p_atm_dispense_s integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM demand(p_atm_wait_s >= 0 AND p_atm_dispense_s >= 0, format('limits of %L and %L seconds', p_atm_wait_s, p_atm_dispense_s), '0 or more');
        UPDATE instance_limit SET atm_wait_s = p_atm_wait_s, atm_dispense_s = p_atm_dispense_s
        WHERE (atm_wait_s, atm_dispense_s) IS DISTINCT FROM (p_atm_wait_s, p_atm_dispense_s);
END
$$;

-- What an instance sees of those it talks with (075_sightings.sql), all at once; p_state_ms: for how long each has been in its state, p_silent_ms:
-- how long ago it was heard. Nobody waits for a disk for it, or a standby. What nobody has seen for a week is forgotten.
CREATE OR REPLACE FUNCTION sightings_write(p_instance text, p_kind text[], p_name text[], p_state text[], p_state_ms bigint[], p_silent_ms bigint[],
                                           p_why text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_now_ms bigint := real_now_ms();
BEGIN
        PERFORM demand_equal(p_name, ARRAY[cardinality(p_kind), cardinality(p_state), cardinality(p_state_ms), cardinality(p_silent_ms),
                                           cardinality(p_why)]);
        PERFORM set_config('synchronous_commit', 'off', true);
        INSERT INTO sighting AS s (instance, kind, name, state, since_ms, heard_ms, why, seen_ms)
        SELECT p_instance, o.kind, o.name, o.state, v_now_ms - o.state_ms, v_now_ms - o.silent_ms, o.why, v_now_ms
        FROM unnest(p_kind, p_name, p_state, p_state_ms, p_silent_ms, p_why) o (kind, name, state, state_ms, silent_ms, why)
        ORDER BY o.kind, o.name
        ON CONFLICT (instance, kind, name) DO UPDATE
        SET state = EXCLUDED.state, since_ms = EXCLUDED.since_ms, heard_ms = EXCLUDED.heard_ms, why = EXCLUDED.why, seen_ms = EXCLUDED.seen_ms;
        DELETE FROM sighting s WHERE s.ctid = ANY (ARRAY(
                SELECT o.ctid FROM sighting o WHERE o.seen_ms < v_now_ms - 7 * 24 * 3600000 FOR UPDATE SKIP LOCKED));
END
$$;

-- It stops.
CREATE OR REPLACE FUNCTION sightings_leave(p_instance text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DELETE FROM sighting WHERE instance = p_instance
$$;

-- Whether its instance still writes: two and a half of its minutes.
CREATE OR REPLACE FUNCTION sighting_is_fresh(p_seen_ms bigint) RETURNS boolean LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
        SELECT abs(real_now_ms() - p_seen_ms) < 150000
$$;

-- End people's sessions that a batch waits for at this moment: idle in their transaction for p_idle_ms, or, whatever they do, in it for p_open_ms.
-- (idle_in_transaction_session_timeout is anybody's to set.) One row a session; the trail has it too. Who is a superuser is let be.
-- Whose session was ended within the hour has p_again_ms from then on, who had two ended half of it, and so on: who begins again and again
-- would keep withdrawals waiting for most of the time. (A server that does not track activities says of no session what it does, or since when.)
CREATE OR REPLACE FUNCTION ledger_unblock(p_idle_ms bigint, p_open_ms bigint, p_again_ms bigint)
RETURNS TABLE (r_pid integer, r_who text, r_application text, r_state text, r_seconds integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v record;
BEGIN
        PERFORM demand(p_idle_ms >= 0 AND p_open_ms >= 0 AND p_again_ms >= 0, format('%L, %L and %L ms', p_idle_ms, p_open_ms, p_again_ms),
                       '0 or more');
        FOR v IN
                -- also whom those wait for, who stand before the batch
                WITH RECURSIVE blocker (pid) AS (
                        SELECT b.pid FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) b (pid)
                        WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' AND role_is(w.usename, 'atm_daemon')
                        UNION
                        SELECT b.pid FROM blocker k CROSS JOIN LATERAL unnest(pg_blocking_pids(k.pid)) b (pid))
                SELECT a.pid, a.usename, a.application_name, a.state,
                       extract(epoch FROM clock_timestamp() - b.since)::integer AS seconds
                FROM pg_stat_activity a JOIN blocker USING (pid) JOIN pg_roles r ON r.oid = a.usesysid
                CROSS JOIN LATERAL (SELECT coalesce(a.xact_start, a.backend_start) AS since) b
                CROSS JOIN LATERAL (SELECT count(*) AS times FROM trail t WHERE t.noun = 'session' AND starts_with(t.key, a.usename || ' ')
                                    AND t.at > clock_timestamp() - INTERVAL '1 hour') g
                WHERE a.datname = current_database() AND NOT r.rolsuper
                AND (role_is(a.usename, 'atm_operator') OR role_is(a.usename, 'atm_report'))
                AND (a.state LIKE 'idle in transaction%' AND clock_timestamp() - a.state_change >= p_idle_ms * INTERVAL '1 ms'
                     OR clock_timestamp() - b.since >= CASE WHEN g.times > 0 THEN p_again_ms / g.times ELSE p_open_ms END * INTERVAL '1 ms')
        LOOP
                CONTINUE WHEN NOT pg_terminate_backend(v.pid);
                PERFORM trail_write('session', concat_ws(' ', v.usename, v.pid),
                                    jsonb_build_object('application', v.application_name, 'state', v.state, 'seconds', v.seconds), NULL);
                RETURN QUERY SELECT v.pid, v.usename::text, v.application_name, v.state, v.seconds;
        END LOOP;
END
$$;

-- what people change --------------------------------------------------------------------------------------

-- A row a table: the noun, the key's columns, the others that people set, those whose change demands a note (*: any), and a condition, where
-- other rows of the table are no person's. What the ledger writes is in none: an update of other columns meets no trigger.
-- Of limits and exclusions the trail's moment is that from which they hold (atmctl verify goes by it), so it is written as the last thing
-- before the commit: a person's transaction may be open for minutes.
DO $$
DECLARE
        t record;
        v_when text;
        v_arguments text;
        -- a history that is generated has no person's cards (backoffice/generation)
        -- nor does a bank's card come by a person, when it is used for the first time
        v_persons CONSTANT text := 'session_user <> ''atm_daemon'' AND NOT role_is(session_user, ''atm_daemon'') AND (current_setting(''atm.generated'', true) IS NULL OR '
                                   'NOT pg_has_role(session_user, ''atm_owner'', ''MEMBER''))';
BEGIN
        FOR t IN SELECT * FROM (VALUES
                ('area', 'area', 'area', 'name,parlors', '', NULL),
                ('hall', 'hall', 'hall', 'name,area,prefecture,opens_minute,closes_minute,share_bp,registration', 'share_bp', NULL),
                ('atm', 'atm', 'terminal', 'hall,enabled,barred,disabled_until,barred_until', 'barred,barred_until', NULL),
                ('issuer', 'issuer', 'issuer', 'name,link,opens_minute,closes_minute,off_opens_minute,off_closes_minute,pin_method,pin_tries_max',
                 'pin_method,pin_tries_max', NULL),
                ('card_prefix', 'prefix', 'prefix,from_on', 'issuer,kind', '', NULL),
                ('tariff', 'tariff', 'issuer,band,from_on', 'customer_fee_yen,interbank_fee_yen', '*', NULL),
                ('tax_rate', 'tax', 'from_on', 'rate_bp,rounding', '*', NULL),
                ('holiday', 'holiday', 'day,source', 'name,is_holiday', '', NULL),
                ('limit_rule', 'limit', 'kind,from_on', 'value', '*', NULL),
                ('network_hours', 'hours', 'from_on,day_kind', 'opens_minute,closes_minute', '', NULL),
                ('card', 'card', 'card_token', 'issuer,expiry_yymm,kind,status,successor', '', v_persons),
                ('exclusion', 'exclusion', 'card_token,from_on', 'until_on,pan_mask', '*', NULL),
                ('contract', 'contract', 'terminal,from_on', 'until_on,hall,base_fee_yen', '*', NULL),
                ('cost', 'cost', 'quarter,item', 'amount_yen,note', '', NULL),
                ('target', 'target', 'fiscal_year,item,announced_on', 'value,note', '', NULL),
                ('published', 'published', 'period,item', 'value,source', '', NULL),
                ('peer', 'peer', 'peer,item', 'value,source', '', NULL),
                ('finance_rate', 'rate', 'item,from_on', 'rate_bp,note', '', NULL),
                ('period', 'period', 'quarter', 'from_on,to_on,without_end,withdrawals,cash_yen,commission_yen,base_fee_yen', '*', NULL),
                ('claim', 'claim', 'claim', 'terminal,transmitted_at,stan,claimed_yen,noted_at,is_open', '*', NULL),
                ('key_set', 'key-set', 'owner_kind,owner,kind,number', 'check_value,custodian,bag,component_check,loaded_at,current_at,retired_at,exported_at', '*', NULL),
                ('business_clock', 'clock', 'only_row', 'start_ms,anchor_ms,speed', '', NULL),
                ('token_key', 'key', 'only_one', 'check_value', '', NULL))
                l (name, noun, key, columns, noted, condition) LOOP
                EXECUTE format('DROP TRIGGER IF EXISTS trail_in ON %1$I; DROP TRIGGER IF EXISTS trail_set ON %1$I; '
                               'DROP TRIGGER IF EXISTS trail_out ON %1$I', t.name);
                v_when := coalesce(t.condition, 'true');
                v_arguments := format('(%L, %L, %L, %L)', t.noun, '{' || t.key || '}', '{' || t.columns || '}', '{' || t.noted || '}');
                IF t.name IN ('limit_rule', 'exclusion') THEN
                        EXECUTE (SELECT string_agg(format('CREATE CONSTRAINT TRIGGER %s AFTER %s ON %I DEFERRABLE INITIALLY DEFERRED FOR EACH ROW '
                                                          'WHEN (%s) EXECUTE FUNCTION trail_changed%s', e.name, e.event, t.name, v_when, v_arguments), ';')
                                 FROM (VALUES ('trail_in', 'INSERT'), ('trail_set', 'UPDATE OF ' || t.key || ',' || t.columns), ('trail_out', 'DELETE'))
                                      e (name, event));
                        CONTINUE;
                END IF;
                EXECUTE format('CREATE TRIGGER trail_in AFTER INSERT ON %I REFERENCING NEW TABLE AS came FOR EACH STATEMENT '
                               'WHEN (%s) EXECUTE FUNCTION trail_came%s', t.name, v_when, v_arguments);
                EXECUTE format('CREATE TRIGGER trail_set AFTER UPDATE OF %s ON %I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION trail_changed%s',
                               t.key || ',' || t.columns, t.name, v_when, v_arguments);
                EXECUTE format('CREATE TRIGGER trail_out AFTER DELETE ON %I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION trail_changed%s',
                               t.name, v_when, v_arguments);
        END LOOP;
        -- accounts are columns of card; of what comes with both the card is told first, by the triggers' names
        DROP TRIGGER IF EXISTS trail_in_account ON card;
        EXECUTE format('CREATE TRIGGER trail_in_account AFTER INSERT ON card REFERENCING NEW TABLE AS came FOR EACH STATEMENT '
                       'WHEN (%s) EXECUTE FUNCTION trail_came(''account'', ''{card_token}'', ''{opening_yen}'', ''{*}'', ''opening_yen'')', v_persons);
        DROP TRIGGER IF EXISTS trail_account ON card;
        CREATE TRIGGER trail_account AFTER UPDATE OF opening_yen ON card FOR EACH ROW
                EXECUTE FUNCTION trail_changed('account', '{card_token}', '{opening_yen}', '{*}');
        DROP TRIGGER IF EXISTS trail_out_account ON card;
        EXECUTE format('CREATE TRIGGER trail_out_account AFTER DELETE ON card FOR EACH ROW WHEN (OLD.opening_yen IS NOT NULL AND %s) '
                       'EXECUTE FUNCTION trail_changed(''account'', ''{card_token}'', ''{opening_yen}'', ''{*}'')', v_persons);
        -- so are the values of PINs
        DROP TRIGGER IF EXISTS trail_in_pin ON card;
        EXECUTE format('CREATE TRIGGER trail_in_pin AFTER INSERT ON card REFERENCING NEW TABLE AS came FOR EACH STATEMENT '
                       'WHEN (%s) EXECUTE FUNCTION trail_came(''pin'', ''{card_token}'', ''{pin_value}'', ''{*}'', ''pin_value'')', v_persons);
        DROP TRIGGER IF EXISTS trail_pin ON card;
        CREATE TRIGGER trail_pin AFTER UPDATE OF pin_value ON card FOR EACH ROW
                EXECUTE FUNCTION trail_changed('pin', '{card_token}', '{pin_value}', '{*}');
        -- notices come and go with the ledger; people hold them back, and let them go
        DROP TRIGGER IF EXISTS trail_set ON saf;
        CREATE TRIGGER trail_set AFTER UPDATE OF parked ON saf FOR EACH ROW
                EXECUTE FUNCTION trail_changed('saf', '{terminal,transmitted_at,stan,seq}', '{parked,due_ms}', '{}');
END
$$;

-- What others name stays what it is called: nobody but the owner may remove it either (082_views.sql).
CREATE OR REPLACE FUNCTION key_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_key text := to_jsonb(OLD) ->> TG_ARGV[0];
BEGIN
        PERFORM demand(to_jsonb(NEW) ->> TG_ARGV[0] = v_key, format('%s %s called %s', TG_TABLE_NAME, v_key, coalesce(to_jsonb(NEW) ->> TG_ARGV[0], 'nothing')),
                       'the same code: a new one is a row of its own');
        RETURN NEW;
END
$$;
DO $$
BEGIN
        EXECUTE (SELECT string_agg(format('DROP TRIGGER IF EXISTS key_stays ON %1$I; CREATE TRIGGER key_stays BEFORE UPDATE OF %2$I ON %1$I '
                                          'FOR EACH ROW EXECUTE FUNCTION key_stays(%2$L);', t.name, t.key), '')
                 FROM (VALUES ('area', 'area'), ('hall', 'hall'), ('atm', 'terminal'), ('issuer', 'issuer')) t (name, key));
END
$$;

-- partitions ---------------------------------------------------------------------------------------------

-- A partition is made by itself and then attached, which no batch waits for
-- (made in its place it would lock the table, and one table after the other, against batches that hold some and want others).
-- No gap may be left ahead: a fleet whose clock came to it would stop. (Behind there may be one: years that were generated.)
CREATE OR REPLACE FUNCTION ledger_make_partitions(p_from date, p_to date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' AS $$
DECLARE
        v_from date := date_trunc('quarter', p_from::timestamp)::date;
        v_to date;
        v_last date;
        v_part text;
        v_table text;
        v_made integer := 0;
BEGIN
        PERFORM demand(p_from IS NOT NULL AND p_to IS NOT NULL, 'partitions: no day', 'the first day, and the day after the last');
        IF p_to <= p_from THEN
                RAISE EXCEPTION 'partitions: the end % is not after the start %', p_to, p_from USING ERRCODE = 'invalid_parameter_value';
        END IF;
        -- one at a time: a partition's name is taken before its row is there
        LOCK TABLE ledger_partition IN SHARE ROW EXCLUSIVE MODE;
        SELECT max(to_on) INTO v_last FROM ledger_partition;
        IF v_from > v_last THEN
                RAISE EXCEPTION 'partitions: from % to before % there would be none', v_last, v_from
                        USING HINT = 'withdrawals of those days would be refused: begin with ' || v_last, ERRCODE = 'check_violation';
        END IF;
        -- each plan names them all
        PERFORM demand(p_from >= DATE '2000-01-01' AND p_to <= business_today() + INTERVAL '10 years',
                       format('partitions from %s to %s', p_from, p_to),
                       format('days from 2000-01-01 to ten years after business today, %s', business_today()));
        WHILE v_from < p_to LOOP
                v_to := (v_from + INTERVAL '3 months')::date;
                IF NOT EXISTS (SELECT FROM ledger_partition WHERE from_on = v_from) THEN
                        FOREACH v_table IN ARRAY ARRAY['withdrawal', 'advice', 'advice_identity', 'commission', 'bank_outcome',
                                                          'bank_notice', 'bank_ack', 'pin_inquiry'] LOOP
                                v_part := v_table || to_char(v_from, '"_"YYYY"q"Q');
                                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', v_part, v_table);
                                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                                               v_table, v_part, v_from::timestamptz, v_to::timestamptz);
                        END LOOP;
                        INSERT INTO ledger_partition VALUES (v_from, v_to);
                        v_made := v_made + 1;
                END IF;
                v_from := v_to;
        END LOOP;
        RETURN v_made;
END
$$;

INSERT INTO schema_migration VALUES (80, 'ledger');
COMMIT;
