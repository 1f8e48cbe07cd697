-- Keys of terminals, links and issuers, as key blocks under the key module's master key (ANSI X9.143): worthless without the module. None is ever
-- here in clear, nor a component of one.
--
--      kek           a terminal's or link's key-encrypting key (K1), under which its other keys are sent to it
--      working       what it works with: a PIN key (P0), and a MAC key (M3, M6) for each direction: up, from the terminal to atmd or from atmd
--                    to the bank, and down
--      verification  what an issuer's PINs are verified with (V1, V2)
--
-- A set is known by its number, DE 62's KS. A working set is loaded until it is used for the first time, which retires those before it: so whoever was
-- away for long comes back with the old one. A key-encrypting key is current at once, and the one before it is not any more. Of an
-- issuer's the newest is what PINs are verified with: whoever makes a new one brings all values anew (pin import), and one of V2 is the pair of keys that the
-- last digit of its number says (PVKI).
--
-- A loaded set is on offer while its blocks under the owner's key-encrypting key are there (handover): the owner fetches them in a key change. Without
-- that key they are worthless; when it is replaced, or the set was used, they are gone.
--
--      LOADED --key_sets_used, or it is no working set--> CURRENT --another one is, key_set_retire--> retired
--         '--key_set_retire, a later one was used--> retired
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TABLE key_version (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        version bigint NOT NULL
);
INSERT INTO key_version VALUES (true, 1);

CREATE TABLE key_set (
        owner_kind text COLLATE "C" NOT NULL CHECK (owner_kind IN ('terminal', 'link', 'issuer')),
        owner text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        number integer NOT NULL CHECK (number BETWEEN 1 AND 9999),
        block text[],              -- in the order of key_purposes; NULL: retired, and gone
        check_value text[] NOT NULL CHECK (array_to_string(check_value, ' ', '') ~ '^[0-9a-f]{6,10}( [0-9a-f]{6,10})*$'),
        custodian text[],          -- who brought a component of a key-encrypting key,
        bag text[],                -- the bag that it came in,
        component_check text[],    -- and its check value; NULL: it was not made of components
        loaded_at timestamptz NOT NULL, -- by the business clock, as the others
        current_at timestamptz,
        retired_at timestamptz,
        exported_at timestamptz,   -- under the owner's key-encrypting key, the last time by people; NULL: it never was
        handover text[],           -- the same keys as blocks under that key, for the owner to fetch; NULL: there are none, or it was used
        version bigint NOT NULL,   -- of key_version, when it changed last
        PRIMARY KEY (owner_kind, owner, kind, number),
        CONSTRAINT key_set_kind CHECK (CASE kind WHEN 'kek' THEN owner_kind <> 'issuer' AND cardinality(check_value) = 1
                                                 WHEN 'working' THEN owner_kind <> 'issuer' AND cardinality(check_value) = 3
                                                 WHEN 'verification' THEN owner_kind = 'issuer' AND cardinality(check_value) = 1
                                                 ELSE false END),
        CONSTRAINT key_set_usage CHECK (block IS NULL OR array_to_string(block, ' ', '') ~ CASE kind
                WHEN 'kek' THEN '^[BD][0-9]{4}K1[AT][0-9A-Z]+$'
                WHEN 'working' THEN '^[BD][0-9]{4}P0[AT][0-9A-Z]+ [BD][0-9]{4}M[36][AT][0-9A-Z]+ [BD][0-9]{4}M[36][AT][0-9A-Z]+$'
                ELSE '^[BD][0-9]{4}V[12][AT][0-9A-Z]+$' END),
        CONSTRAINT key_set_retired CHECK ((block IS NULL) = (retired_at IS NOT NULL)),
        -- three of them, with tags and numbers, are one DE 62
        CONSTRAINT key_set_handover CHECK (handover IS NULL OR kind = 'working' AND current_at IS NULL AND retired_at IS NULL
                AND array_to_string(handover, ' ', '') ~ '^[BD][0-9]{4}P0[AT][0-9A-Z]+ [BD][0-9]{4}M[36][AT][0-9A-Z]+ [BD][0-9]{4}M[36][AT][0-9A-Z]+$'
                AND octet_length(array_to_string(handover, '')) <= 960),
        CONSTRAINT key_set_current CHECK (current_at IS NOT NULL OR kind = 'working'),
        CONSTRAINT key_set_components CHECK (
                CASE WHEN component_check IS NULL THEN custodian IS NULL AND bag IS NULL
                     ELSE kind = 'kek' AND cardinality(component_check) >= 2 AND cardinality(custodian) IS NOT DISTINCT FROM cardinality(component_check)
                          AND cardinality(bag) IS NOT DISTINCT FROM cardinality(component_check) END)
);
CREATE INDEX key_set_version ON key_set (version);
CREATE UNIQUE INDEX key_set_one_current ON key_set (owner_kind, owner, kind) WHERE kind <> 'verification' AND current_at IS NOT NULL AND retired_at IS NULL;

-- What a set's blocks are for, in their order. NULL: there is no such kind.
CREATE OR REPLACE FUNCTION key_purposes(p_kind text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE p_kind WHEN 'kek' THEN '{kek}'::text[] WHEN 'working' THEN '{pin,mac_up,mac_down}'::text[] WHEN 'verification' THEN '{verification}'::text[] END
$$;
CREATE OR REPLACE FUNCTION key_set_state(p_current_at timestamptz, p_retired_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN p_retired_at IS NOT NULL THEN 'retired' WHEN p_current_at IS NOT NULL THEN 'current' ELSE 'loaded' END
$$;

-- The next version, which is its transaction's alone until that is over: so whoever has seen a version has seen all changes before it.
CREATE OR REPLACE FUNCTION key_version_next() RETURNS bigint LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
        UPDATE key_version SET version = version + 1 RETURNING version
$$;

CREATE OR REPLACE FUNCTION key_owners_demand(p_owner_kind text, p_owner text[]) RETURNS void LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
        v_owner text;
BEGIN
        FOREACH v_owner IN ARRAY p_owner LOOP
                CASE p_owner_kind
                WHEN 'terminal' THEN
                        PERFORM demand(EXISTS (SELECT FROM atm WHERE terminal = v_owner), format('terminal %L', v_owner), 'one of the fleet');
                WHEN 'link' THEN
                        PERFORM demand(EXISTS (SELECT FROM issuer WHERE link = v_owner), format('link %L', v_owner), 'one that an issuer names');
                WHEN 'issuer' THEN
                        PERFORM demand(EXISTS (SELECT FROM issuer WHERE issuer = v_owner AND link IS NULL), format('issuer %L', v_owner),
                                       'one without a link: a bank verifies PINs itself');
                ELSE
                        PERFORM demand(false, format('keys of a %L', p_owner_kind), 'a terminal, link or issuer');
                END CASE;
        END LOOP;
END
$$;

-- The highest number that a set of this kind has had; 0: there was none.
CREATE OR REPLACE FUNCTION key_set_newest(p_owner_kind text, p_owner text, p_kind text) RETURNS integer LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
        SELECT coalesce(max(number), 0) FROM key_set WHERE owner_kind = p_owner_kind AND owner = p_owner AND kind = p_kind
$$;

-- New sets, one for each owner: their numbers, or NULL for the next ones; blocks and check values of all of them, in the order of owners and, of each, of
-- key_purposes. Components are of a key-encrypting key, else NULL; handover is like blocks, of working sets that are to be on offer, else NULL.
CREATE OR REPLACE FUNCTION key_set_add(p_owner_kind text, p_kind text, p_owner text[], p_number integer[], p_block text[], p_check_value text[],
                                       p_custodian text[], p_bag text[], p_component_check text[], p_handover text[] DEFAULT NULL)
RETURNS TABLE (r_owner text, r_number integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_each integer := cardinality(key_purposes(p_kind));
        v_now timestamptz := business_now();
        v_version bigint;
BEGIN
        PERFORM demand_note();
        PERFORM demand(v_each > 0, format('keys of kind %L', p_kind), 'kek, working or verification');
        PERFORM demand(array_ndims(p_owner) = 1 AND array_position(p_owner, NULL) IS NULL
                       AND cardinality(p_owner) = (SELECT count(DISTINCT o) FROM unnest(p_owner) o),
                       'owners that are missing or named twice', 'each once');
        PERFORM demand_equal(p_block, ARRAY[cardinality(p_check_value), v_each * cardinality(p_owner)]);
        IF p_number IS NOT NULL THEN
                PERFORM demand_equal(p_owner, ARRAY[cardinality(p_number)]);
                PERFORM demand(n.number > key_set_newest(p_owner_kind, n.owner, p_kind), format('set %s of %s', coalesce(n.number::text, 'NULL'), n.owner),
                               format('a number above %s, its newest', key_set_newest(p_owner_kind, n.owner, p_kind)))
                FROM unnest(p_owner, p_number) n (owner, number);
        END IF;
        PERFORM demand(octet_length(b.block) = substr(b.block, 2, 4)::integer, format('key block %s of %s', b.place, cardinality(p_block || p_handover)),
                       'as many characters as its header says')
        FROM unnest(p_block || p_handover) WITH ORDINALITY b (block, place) WHERE b.block ~ '^[BD][0-9]{4}';
        IF p_handover IS NOT NULL THEN
                PERFORM demand_equal(p_block, ARRAY[cardinality(p_handover)]);
        END IF;
        PERFORM key_owners_demand(p_owner_kind, p_owner);
        IF p_component_check IS NOT NULL THEN
                PERFORM demand(p_kind = 'kek' AND cardinality(p_owner) = 1, 'components', 'them of one key-encrypting key');
                PERFORM demand_equal(p_component_check, ARRAY[cardinality(p_custodian), cardinality(p_bag)]);
                PERFORM demand(cardinality(p_component_check) >= 2 AND (SELECT count(DISTINCT lower(btrim(c))) = count(*) AND min(length(btrim(c))) BETWEEN 1 AND 80
                                                                        FROM unnest(p_custodian) c),
                               'custodians ' || coalesce(array_to_string(p_custodian, ', ', '?'), 'NULL'), 'two persons or more, each once: nobody has all components');
                PERFORM demand((SELECT bool_and(length(b) <= 40 AND b ~ '^[0-9A-Za-z-]+$') FROM unnest(p_bag) b),
                               'bags ' || coalesce(array_to_string(p_bag, ', ', '?'), 'NULL'), 'their numbers: digits, letters and hyphens, at most 40');
                PERFORM demand((SELECT bool_and(c ~ '^[0-9a-f]{6,10}$') FROM unnest(p_component_check) c), 'components'' check values', '6 to 10 digits of hexadecimal each');
        END IF;
        v_version := key_version_next();
        IF p_kind = 'kek' THEN
                UPDATE key_set s SET block = NULL, retired_at = v_now, version = v_version
                WHERE s.owner_kind = p_owner_kind AND s.owner = ANY (p_owner) AND s.kind = p_kind AND s.retired_at IS NULL;
                UPDATE key_set s SET handover = NULL, version = v_version -- nobody has the key that they are under any more
                WHERE s.owner_kind = p_owner_kind AND s.owner = ANY (p_owner) AND s.handover IS NOT NULL;
        END IF;
        RETURN QUERY
        INSERT INTO key_set AS s (owner_kind, owner, kind, number, block, check_value, custodian, bag, component_check, handover, loaded_at, current_at,
                                   version)
        SELECT p_owner_kind, o.owner, p_kind,
               coalesce(p_number[o.place], 1 + key_set_newest(p_owner_kind, o.owner, p_kind)),
               p_block[(o.place - 1) * v_each + 1:o.place * v_each], p_check_value[(o.place - 1) * v_each + 1:o.place * v_each],
               p_custodian, p_bag, p_component_check, p_handover[(o.place - 1) * v_each + 1:o.place * v_each], v_now, CASE WHEN p_kind <> 'working' THEN v_now END, v_version
        FROM unnest(p_owner) WITH ORDINALITY o (owner, place)
        RETURNING s.owner, s.number;
END
$$;

-- It is good for nothing from now on, and its blocks are gone.
CREATE OR REPLACE FUNCTION key_set_retire(p_owner_kind text, p_owner text, p_kind text, p_number integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
        PERFORM demand_note();
        IF p_kind = 'kek' THEN -- nor is anything on offer that is under it
                UPDATE key_set s SET handover = NULL, version = key_version_next()
                WHERE s.owner_kind = p_owner_kind AND s.owner = p_owner AND s.handover IS NOT NULL;
        END IF;
        UPDATE key_set s SET block = NULL, handover = NULL, retired_at = business_now(), version = key_version_next()
        WHERE s.owner_kind = p_owner_kind AND s.owner = p_owner AND s.kind = p_kind AND s.number = p_number AND s.retired_at IS NULL;
        PERFORM demand(FOUND, format('key set %s (%s) of %s %s', coalesce(p_number::text, 'NULL'), coalesce(p_kind, 'NULL'), coalesce(p_owner_kind, 'NULL'),
                                     coalesce(p_owner, 'NULL')), 'one that is there and not retired');
END
$$;

-- Working sets that somebody takes out, under their owners' key-encrypting keys: the trail has who and why.
CREATE OR REPLACE FUNCTION key_sets_exported(p_owner_kind text, p_owner text[], p_number integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_exported bigint;
BEGIN
        PERFORM demand_note();
        PERFORM demand_equal(p_owner, ARRAY[cardinality(p_number)]);
        UPDATE key_set s SET exported_at = business_now()
        FROM unnest(p_owner, p_number) e (owner, number)
        WHERE s.owner_kind = p_owner_kind AND s.owner = e.owner AND s.kind = 'working' AND s.number = e.number AND s.retired_at IS NULL;
        GET DIAGNOSTICS v_exported = ROW_COUNT;
        PERFORM demand(v_exported > 0 AND v_exported = cardinality(p_owner), coalesce(cardinality(p_owner), 0) || ' sets, of which ' || v_exported || ' are there',
                       'working sets that are there and not retired, each once');
END
$$;

-- Working sets that their owners have used: the first time of each, it is current and those before it are retired. How many that were.
CREATE OR REPLACE FUNCTION key_sets_used(p_owner_kind text[], p_owner text[], p_number integer[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_now timestamptz := business_now();
        v_version bigint;
        v_used integer;
BEGIN
        PERFORM demand_equal(p_owner, ARRAY[cardinality(p_owner_kind), cardinality(p_number)]);
        IF NOT EXISTS (SELECT FROM unnest(p_owner_kind, p_owner, p_number) u (owner_kind, owner, number) JOIN key_set s USING (owner_kind, owner, number)
                       WHERE s.kind = 'working' AND s.current_at IS NULL AND s.retired_at IS NULL) THEN
                RETURN 0;
        END IF;
        v_version := key_version_next(); -- what follows sees what others did before it was their turn
        PERFORM set_config('atm.command', 'atmd', true), set_config('atm.note', 'it was used', true);
        UPDATE key_set s SET block = NULL, handover = NULL, retired_at = v_now, version = v_version
        FROM (SELECT n.owner_kind, n.owner, max(n.number) AS number
              FROM unnest(p_owner_kind, p_owner, p_number) u (owner_kind, owner, number) JOIN key_set n USING (owner_kind, owner, number)
              WHERE n.kind = 'working' AND n.current_at IS NULL AND n.retired_at IS NULL GROUP BY 1, 2) u
        WHERE s.owner_kind = u.owner_kind AND s.owner = u.owner AND s.kind = 'working' AND s.number < u.number AND s.retired_at IS NULL;
        UPDATE key_set s SET current_at = v_now, handover = NULL, version = v_version
        FROM unnest(p_owner_kind, p_owner, p_number) u (owner_kind, owner, number)
        WHERE s.owner_kind = u.owner_kind AND s.owner = u.owner AND s.number = u.number AND s.kind = 'working' AND s.current_at IS NULL AND s.retired_at IS NULL;
        GET DIAGNOSTICS v_used = ROW_COUNT;
        RETURN v_used;
END
$$;

-- For atmd: what has changed since a version, 0 for all; the version first, alone. A row a key, of a retired set one without a block. A version that is
-- newer than the database's is of what a restore has lost: all of it again.
CREATE OR REPLACE FUNCTION key_sets_since(p_known bigint)
RETURNS TABLE (r_version bigint, r_owner_kind text, r_owner text, r_kind text, r_number integer, r_state text, r_purpose text, r_block text, r_check_value text,
              r_handover text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_version bigint := (SELECT version FROM key_version);
        v_known bigint := CASE WHEN p_known BETWEEN 0 AND v_version THEN p_known ELSE 0 END;
BEGIN
        RETURN QUERY SELECT v_version, NULL::text, NULL::text, NULL::text, NULL::integer, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text;
        IF v_known < v_version THEN
                RETURN QUERY
                SELECT NULL::bigint, s.owner_kind, s.owner, s.kind, s.number, key_set_state(s.current_at, s.retired_at), k.purpose, k.block, k.check_value,
                       k.handover
                FROM key_set s
                LEFT JOIN LATERAL unnest(key_purposes(s.kind), s.block, s.check_value, s.handover) k (purpose, block, check_value, handover) ON s.retired_at IS NULL
                WHERE s.version > v_known
                AND (v_known > 0 OR s.retired_at IS NULL
                     -- whose keys are all retired is not one who needs none
                     OR NOT EXISTS (SELECT FROM key_set g WHERE g.owner_kind = s.owner_kind AND g.owner = s.owner AND g.retired_at IS NULL))
                ORDER BY s.owner_kind, s.owner, s.kind, s.number;
        END IF;
END
$$;

INSERT INTO schema_migration VALUES (78, 'keys');
COMMIT;
