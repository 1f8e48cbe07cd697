-- Where halls were, and what share they had, day by day: what reports group by, and what prices and verify go by. So a
-- hall that moves, or whose share changes, keeps its past. (An ATM's past stands in the rows: each withdrawal has the hall
-- of its moment, and contracts have dates.)
BEGIN;
SET LOCAL client_min_messages = warning;

-- What functions and views of an earlier release may stand on.
DROP VIEW IF EXISTS v_withdrawal, v_saf, v_link, v_exception, v_account, v_revenue, v_holiday CASCADE;

-- The places of a hall follow each other without a gap: the first is of 0001-01-01, the last without an end.
CREATE TABLE hall_place (
        hall text NOT NULL REFERENCES hall,
        from_on date NOT NULL,
        until_on date NOT NULL DEFAULT 'infinity', -- the first day that it is no longer so
        area text NOT NULL REFERENCES area,
        prefecture text NOT NULL,
        share_bp integer NOT NULL,
        share_known boolean NOT NULL DEFAULT true, -- false: an earlier release may have priced by others meanwhile
        PRIMARY KEY (hall, from_on),
        CHECK (until_on > from_on)
);
INSERT INTO hall_place (hall, from_on, area, prefecture, share_bp, share_known)
SELECT hall, DATE '0001-01-01', area, prefecture, share_bp, NOT EXISTS (SELECT FROM withdrawal) FROM hall;

-- A day on which the hall was in the place that counts for the row: NULL where the cube has no halls. All months are to be
-- summarised anew.
ALTER TABLE summary ADD COLUMN place_on date;
TRUNCATE summary, summary_stale;
UPDATE books SET summarised_through = NULL;

-- what atmd decides from -----------------------------------------------------------------------------------

-- Everything that rules/reference.h holds, as rows of text: the version first, then a section's rows.
-- Only the version where it is the one that the caller knows already.
CREATE OR REPLACE FUNCTION reference_snapshot(p_known bigint) RETURNS TABLE (section text, cell text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
        v_version bigint := (SELECT version FROM reference_version);
BEGIN
        RETURN QUERY SELECT 'version'::text, ARRAY[v_version::text];
        IF v_version = p_known THEN
                RETURN;
        END IF;
        RETURN QUERY
        SELECT 'moments'::text, ARRAY[
                (extract(epoch FROM min(from_on)::timestamp AT TIME ZONE 'Asia/Tokyo') * 1000)::bigint::text,
                (extract(epoch FROM max(to_on)::timestamp AT TIME ZONE 'Asia/Tokyo') * 1000)::bigint::text]
        FROM ledger_partition HAVING count(*) > 0
        UNION ALL SELECT 'hall', ARRAY[h.hall, h.area, h.prefecture, h.opens_minute::text, h.closes_minute::text, p.share_bp::text]
                  FROM hall h JOIN hall_place p ON p.hall = h.hall AND p.from_on = DATE '0001-01-01'
        UNION ALL SELECT 'share', ARRAY[hall, to_char(from_on, 'YYYY-MM-DD'), share_bp::text] FROM hall_place
                  WHERE from_on > DATE '0001-01-01'
        UNION ALL SELECT 'atm', ARRAY[terminal, coalesce(hall, ''), enabled::text] FROM atm
        UNION ALL SELECT 'issuer', ARRAY[issuer, coalesce(link, ''), opens_minute::text, closes_minute::text,
                                          off_opens_minute::text, off_closes_minute::text] FROM issuer
        UNION ALL SELECT 'prefix', ARRAY[prefix, to_char(from_on, 'YYYY-MM-DD'), issuer, kind] FROM card_prefix
        UNION ALL SELECT 'tariff', ARRAY[issuer, band, to_char(from_on, 'YYYY-MM-DD'), customer_fee_yen::text, interbank_fee_yen::text] FROM tariff
        UNION ALL SELECT 'tax_rate', ARRAY[to_char(from_on, 'YYYY-MM-DD'), rate_bp::text, rounding] FROM tax_rate
        UNION ALL SELECT 'holiday', ARRAY[to_char(day, 'YYYY-MM-DD')]
                  FROM (SELECT DISTINCT ON (day) day, is_holiday FROM holiday ORDER BY day, source) h WHERE is_holiday
        UNION ALL SELECT 'limit', ARRAY[kind, to_char(from_on, 'YYYY-MM-DD'), coalesce(value::text, '')] FROM limit_rule
        UNION ALL SELECT 'hours', ARRAY[to_char(from_on, 'YYYY-MM-DD'), day_kind, opens_minute::text, closes_minute::text] FROM network_hours;
END
$$;

INSERT INTO schema_migration VALUES (14, 'places');
COMMIT;
