-- What stands in the way of a migration: a row each, before anything is changed; none where it may begin, or go on where it was
-- stopped. It reads any earlier release's database, so it goes by the catalogs, and what may not be there is asked for in EXECUTE.
--
-- A database of the former release (version 24) has to be as that release made it; what people have added is named. An older
-- one is brought to that version first, by statements each of which is a transaction.
CREATE OR REPLACE FUNCTION pg_temp.former_columns() RETURNS TABLE (name text, columns text) LANGUAGE sql IMMUTABLE AS $$
        -- in the order of names; ! is NOT NULL
        VALUES
                ('account', 'balance_yen bigint!, card_token uuid!, opening_yen bigint!'),
                ('advice', 'advice_at timestamptz!, advice_stan integer!, amount_yen bigint!, commission smallint!, counted_yen '
                'bigint!, dispensed_yen bigint!, kind text!, recorded_at timestamptz, seq smallint!, stan integer!, '
                'state text!, state_before text!, terminal text!, transmitted_at timestamptz!, why text'),
                ('advice_identity', 'advice_at timestamptz!, advice_stan integer!, kind text!, stan integer!, terminal text!, '
                'transmitted_at timestamptz!'),
                ('advice_rule', 'commission smallint!, exception boolean!, relation text!, state_after text!, state_before text!'),
                ('area', 'area text!, name text!, parlors integer'),
                ('atm', 'enabled boolean!, hall text, terminal text!'),
                ('bank_ack', 'acknowledged_ms bigint!, attempts integer!, de39 text!, seq smallint!, stan integer!, terminal '
                'text!, transmitted_at timestamptz!, verdict text!'),
                ('bank_notice', 'amount_yen bigint!, charge_yen bigint!, dispensed_yen bigint!, kind text!, link text!, seq '
                'smallint!, stan integer!, terminal text!, transmitted_at timestamptz!, why text!'),
                ('bank_outcome', 'approval_code text, approved_at timestamptz, bank_de39 text, cause text!, reason smallint!, stan '
                'integer!, terminal text!, transmitted_at timestamptz!'),
                ('books', 'closed_through date, only_row boolean!, summed_through date'),
                ('card', 'card_token uuid!, expiry_yymm text, issuer text!, kind text!, pan_mask text!, status text!, '
                'successor uuid'),
                ('card_day', 'card_token uuid!, cash_yen bigint!, corrections integer!, day date!, withdrawals integer!'),
                ('card_month', 'card_token uuid!, cash_yen bigint!, month date!'),
                ('card_prefix', 'from_on date!, issuer text!, kind text!, prefix text!'),
                ('card_replacement', 'at_ms bigint!, card_token uuid!, replaced_by uuid!, who text!'),
                ('commission', 'band text!, business_date date!, cash_yen bigint!, customer_fee_yen bigint!, customer_tax_yen '
                'bigint!, hall text!, hall_share_yen bigint!, interbank_fee_yen bigint!, interbank_tax_yen bigint!, '
                'issuer text!, posted_on date!, seq smallint!, sign smallint!, stan integer!, tariff_from date!, '
                'tax_rate_bp integer!, terminal text!, transmitted_at timestamptz!'),
                ('contract', 'base_fee_yen bigint!, from_on date!, hall text!, terminal text!, until_on date'),
                ('cost', 'amount_yen bigint!, item text!, note text, quarter text!'),
                ('exception_record', 'advice_at timestamptz!, advice_stan integer!, amount_yen bigint!, dispensed_yen bigint!, kind text!, '
                'stan integer!, terminal text!, transmitted_at timestamptz!, what text!'),
                ('exception_resolution', 'advice_at timestamptz!, advice_stan integer!, at_ms bigint!, kind text!, stan integer!, terminal '
                'text!, transmitted_at timestamptz!, what text!'),
                ('exclusion', 'card_token uuid!, from_on date!, until_on date'),
                ('finance_change', 'after jsonb, at_ms bigint, before jsonb, change bigint!, noun text!, who text!'),
                ('finance_rate', 'from_on date!, item text!, note text, rate_bp integer!'),
                ('hall', 'area text!, closes_minute integer!, hall text!, name text!, opens_minute integer!, prefecture text!, '
                'share_bp integer!'),
                ('hall_place', 'area text!, from_on date!, hall text!, prefecture text!, share_bp integer!, share_known boolean!, '
                'until_on date!'),
                ('history_chunk', 'chunk integer!, scenario text!, withdrawals bigint!'),
                ('history_run', 'atms integer!, atms_whole integer!, digest text!, finished boolean!, from_on date!, scale text!, '
                'scenario text!, seed bigint!, to_on date!'),
                ('holiday', 'day date!, is_holiday boolean!, name text!, source text!'),
                ('issuer', 'closes_minute integer!, issuer text!, link text, name text!, off_closes_minute integer!, '
                'off_opens_minute integer!, opens_minute integer!'),
                ('ledger_partition', 'from_on date!, to_on date!'),
                ('limit_rule', 'from_on date!, kind text!, value bigint'),
                ('network_hours', 'closes_minute integer!, day_kind text!, from_on date!, opens_minute integer!'),
                ('open_withdrawal', 'amount_yen bigint!, asked_ms bigint, card_token uuid!, stan integer!, terminal text!, transmitted_at '
                'timestamptz!'),
                ('operator_action', 'at_ms bigint!, dispensed_yen bigint, note text, seq smallint, stan integer!, terminal text!, '
                'transmitted_at timestamptz!, what text!, who text!'),
                ('peer', 'item text!, peer text!, source text!, value numeric(20,4)!'),
                ('period', 'base_fee_yen bigint!, cash_yen bigint!, closed_ms bigint!, commission_yen bigint!, from_on date!, '
                'quarter text!, to_on date!, who text!, withdrawals bigint!, without_end bigint!'),
                ('published', 'item text!, period text!, source text!, value bigint!'),
                ('reason', 'de39 text!, description text!, kept boolean!, name text!, reason smallint!'),
                ('reference_version', 'only_row boolean!, version bigint!'),
                ('saf', 'attempts integer!, created_ms bigint!, due_ms bigint!, last_error text, link text!, parked boolean!, '
                'seq smallint!, stan integer!, terminal text!, transmitted_at timestamptz!'),
                ('saf_lease', 'holder text!, link text!, until_ms bigint!'),
                ('schema_migration', 'name text!, version integer!'),
                ('summary', 'band text, cash_yen bigint!, cube text!, customer_fee_yen bigint!, customer_tax_yen bigint!, '
                'earlier_yen bigint!, hall text, hall_share_yen bigint!, hour smallint, interbank_fee_yen bigint!, '
                'interbank_tax_yen bigint!, issuer text, month date!, place_on date, posted_on date, tax_rate_bp '
                'integer, terminal text, withdrawals bigint!'),
                ('summed_day', 'day date!'),
                ('summed_month', 'month date!'),
                ('target', 'announced_on date!, fiscal_year integer!, item text!, note text, value bigint!'),
                ('tariff', 'band text!, customer_fee_yen bigint!, from_on date!, interbank_fee_yen bigint!, issuer text!'),
                ('tax_rate', 'from_on date!, rate_bp integer!, rounding text!'),
                ('token_key', 'check_value text!, only_one boolean!'),
                ('unsummed_post', 'posted_on date!, seq smallint!, stan integer!, terminal text!, transmitted_at timestamptz!'),
                ('withdrawal', 'amount_yen bigint!, approval_code text, approved_at timestamptz, band text, business_date date!, '
                'card_token uuid, customer_fee_yen bigint!, customer_tax_yen bigint!, hall text, hall_share_yen '
                'bigint!, interbank_fee_yen bigint!, interbank_tax_yen bigint!, issuer text, link text, pan_mask '
                'text, processing_code integer!, reason smallint, stan integer!, tariff_from date, tax_rate_bp '
                'integer, terminal text!, transmitted_at timestamptz!')
$$;

-- The tables that have a partition for each quarter, where there are such tables.
CREATE OR REPLACE FUNCTION pg_temp.history() RETURNS TABLE (name text) LANGUAGE sql STABLE AS $$
        SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'p'
        AND c.relname IN ('withdrawal', 'advice', 'advice_identity', 'commission', 'bank_outcome', 'bank_notice', 'bank_ack', 'card_month', 'card_day')
$$;

CREATE OR REPLACE FUNCTION pg_temp.migration_obstacles() RETURNS SETOF text LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp SET timezone = 'Asia/Tokyo' AS $$
DECLARE
        v_version integer := (SELECT max(version) FROM schema_migration);
        v_set_aside text := 'false'; -- a condition on q: the quarter is out of history at the moment
BEGIN
        RETURN QUERY
        SELECT format('%s connections of atmd, of process %s and others: stop all instances', count(*), min(a.pid))
        FROM pg_stat_activity a
        WHERE a.datname = current_database() AND (a.usename = 'atm_daemon' OR a.application_name LIKE 'atmd %') HAVING count(*) > 0;
        RETURN QUERY
        SELECT format('the prepared transaction %L: commit it or roll it back', x.gid) FROM pg_prepared_xacts x
        WHERE x.database = current_database();

        -- views of ours are dropped and made again; those of others that stand on them or on tables would go with them
        RETURN QUERY
        SELECT DISTINCT format('%s %s, which stands on %s: drop it, and make it again afterwards',
                               CASE v.relkind WHEN 'm' THEN 'the materialized view' ELSE 'the view' END, r.ev_class::regclass, d.refobjid::regclass)
        FROM pg_depend d
        JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class v ON v.oid = r.ev_class
        JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
        WHERE t.relnamespace = 'public'::regnamespace AND d.refobjid <> r.ev_class
        AND NOT (v.relnamespace = 'public'::regnamespace
                 AND v.relname IN ('v_withdrawal', 'v_saf', 'v_link', 'v_exception', 'v_account', 'v_revenue', 'v_holiday', 'v_without_end', 'v_open', 'v_open_listed',
                                   'v_card_day', 'v_card_month'));

        IF v_version < 24 THEN
                RETURN;
        END IF;
        IF to_regclass('schema_quarter') IS NOT NULL THEN
                v_set_aside := 'EXISTS (SELECT FROM schema_quarter s WHERE s.version = 28 AND s.from_on = q.from_on AND s.done)';
        END IF;
        IF v_version = 24 THEN
                RETURN QUERY
                SELECT format('column %s of table %s, which is %s and not %s', coalesce(f.name, n.name), coalesce(f.tab, n.tab),
                              coalesce(n.type, 'missing'), coalesce(f.type, 'unknown to this release: drop it'))
                FROM (SELECT t.name AS tab, split_part(c, ' ', 1) AS name, substr(c, strpos(c, ' ') + 1) AS type
                      FROM pg_temp.former_columns() t CROSS JOIN LATERAL regexp_split_to_table(t.columns, ', ') c) f
                FULL JOIN (SELECT c.relname::text AS tab, a.attname::text AS name,
                                  replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz')
                                  || CASE WHEN a.attnotnull THEN '!' ELSE '' END AS type
                           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                           JOIN pg_temp.former_columns() t ON t.name = c.relname
                           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')) n USING (tab, name)
                WHERE f.type IS DISTINCT FROM n.type;
                -- rows that would have no place: ten of each kind
                IF to_regclass('account') IS NOT NULL AND to_regclass('card_day') IS NOT NULL THEN
                        RETURN QUERY EXECUTE $query$
                                (SELECT format('the account of card %s, which was replaced by %s: the account is that one''s',
                                               a.card_token, c.successor)
                                 FROM account a JOIN card c USING (card_token) WHERE c.successor IS NOT NULL LIMIT 10)
                                UNION ALL
                                (SELECT format('the use of card %s, of which there is neither a row of card nor a withdrawal', d.card_token)
                                 FROM (SELECT card_token FROM card_day EXCEPT SELECT card_token FROM card) d
                                 WHERE NOT EXISTS (SELECT FROM withdrawal w WHERE w.card_token = d.card_token AND w.issuer IS NOT NULL) LIMIT 10)
                        $query$;
                END IF;
        END IF;

        RETURN QUERY
        SELECT format('%s, which belongs to %s: ALTER TABLE ... OWNER TO atm_owner', c.oid::regclass, pg_get_userbyid(c.relowner))
        FROM pg_class c JOIN pg_temp.former_columns() t ON c.relname = t.name OR c.relispartition AND c.relname ~ ('^' || t.name || '_[0-9q]+$')
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND pg_get_userbyid(c.relowner) <> 'atm_owner';
        RETURN QUERY
        SELECT format('the trigger %I on %s: drop it, and make it again afterwards', g.tgname, g.tgrelid::regclass)
        FROM pg_trigger g WHERE NOT g.tgisinternal AND g.tgrelid IN (SELECT i.relid FROM pg_temp.history() h CROSS JOIN LATERAL pg_partition_tree(to_regclass(h.name)) i);
        RETURN QUERY
        SELECT format('the foreign key %I of %s, which refers to %s: drop it, and make it again afterwards', k.conname,
                      k.conrelid::regclass, k.confrelid::regclass)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
        WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relnamespace = 'public'::regnamespace
        AND (pg_get_userbyid(c.relowner) <> 'atm_owner' OR t.relname IN (SELECT h.name FROM pg_temp.history() h));

        -- each quarter is where it belongs, and nothing else is
        RETURN QUERY EXECUTE format($query$
                WITH wanted AS (
                        SELECT h.name, h.name || to_char(q.from_on, '"_"YYYY"q"Q') AS part,
                               CASE WHEN h.name LIKE 'card%%' THEN format('FOR VALUES FROM (%%L) TO (%%L)', q.from_on, q.to_on)
                                    ELSE format('FOR VALUES FROM (%%L) TO (%%L)', q.from_on::timestamptz, q.to_on::timestamptz) END AS bounds,
                               q.from_on
                        FROM pg_temp.history() h CROSS JOIN ledger_partition q
                ), there AS (
                        SELECT h.name, c.relname::text AS part, pg_get_expr(c.relpartbound, c.oid) AS bounds
                        FROM pg_temp.history() h JOIN pg_inherits i ON i.inhparent = to_regclass(h.name) JOIN pg_class c ON c.oid = i.inhrelid
                )
                SELECT CASE WHEN q.part IS NULL THEN format('the partition %%I of %%I, whose quarter ledger_partition does not have: detach it', t.part, t.name)
                            WHEN t.part IS NULL THEN format('the partition %%I of %%I, which is missing', q.part, q.name)
                            ELSE format('the partition %%I of %%I, which is %%s and not %%s', t.part, t.name, t.bounds, q.bounds) END
                FROM wanted q FULL JOIN there t USING (name, part)
                WHERE q.bounds IS DISTINCT FROM t.bounds AND NOT (%s AND t.part IS NULL AND to_regclass(quote_ident(q.part)) IS NOT NULL)
        $query$, v_set_aside);
END
$$;
SELECT o FROM pg_temp.migration_obstacles() o;
