#!/usr/bin/env bash
# A database of an earlier release is migrated: what it says of each withdrawal and of the revenue stays, it
# verifies clean, and business goes on in it.
#
# upgrade/version-4.sql.gz is pg_dump's of a database at version 4 (without owners and comments; quarters,
# halls and holidays that nothing refers to were taken out): 54 withdrawals of atmsim and 4 by the ledger's
# functions, of the house bank and three others; some dispensed in part, nothing, or were corrected or taken
# back by a person after they were completed; one was timed out, one is asked, one is approved, two notices
# are not acknowledged.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres
psql -X -q -v ON_ERROR_STOP=1 -f "$ROOT/sql/000_roles.sql" >/dev/null 2>&1
cluster_person

export PATH=$BIN:$PATH LC_ALL=C.UTF-8
unset ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED
# make NAME: an empty database, from now on the one that is meant
make() {
        export PGDATABASE=postgres
        sql "CREATE DATABASE $1" >/dev/null
        export PGDATABASE=$1
        sql "GRANT USAGE, CREATE ON SCHEMA public TO atm_owner"
}

# restore VERSION: a database that an earlier release left
restore() {
        make "atm_upgrade_$1"
        {
                echo "SET client_min_messages = error; SET ROLE atm_owner;"
                gunzip -c "$ROOT/tests/flow/upgrade/version-$1.sql.gz" | grep -v '^SET client_min_messages'
        } | psql -X -q -v ON_ERROR_STOP=1 >/dev/null
}

# What tables, columns, keys, functions, views, triggers and rights there are. Brackets and the order of columns say nothing
# about what they do, and partitions may be rightless: what reads them goes by their table.
schema() {
        PGUSER=postgres pg_dump --schema-only --dbname "$1" | grep -v -E '^(--|$|.(un)?restrict )|^(GRANT|REVOKE) .*_20[0-9][0-9]q[1-4]' | tr -d '(),' | sort
}

restore 4

# What the earlier release says, row by row; columns that came later are left out.
withdrawals="SELECT md5(string_agg(concat_ws('|', terminal, stan, transmitted_at, rrn, card_token, amount_yen, dispensed_yen, customer_fee_yen,
        interbank_fee_yen, tax_yen, state, de39, hall, business_date, reason, issuer, band, approval_code, link, outcome_cause,
        customer_tax_yen, hall_share_yen), ',' ORDER BY terminal, transmitted_at, stan)) FROM v_withdrawal"
revenue="SELECT string_agg(concat_ws('|', terminal, business_date, hall, issuer, band, withdrawals, cash_yen, customer_fee_yen, customer_tax_yen,
        interbank_fee_yen, interbank_tax_yen, hall_share_yen), ',' ORDER BY terminal, business_date, hall, issuer, band) FROM"
rows="SELECT terminal, business_date, hall, issuer, band, sum(sign) AS withdrawals, sum(cash_yen) AS cash_yen, sum(customer_fee_yen) AS customer_fee_yen,
        sum(customer_tax_yen) AS customer_tax_yen, sum(interbank_fee_yen) AS interbank_fee_yen, sum(interbank_tax_yen) AS interbank_tax_yen,
        sum(hall_share_yen) AS hall_share_yen FROM commission GROUP BY 1, 2, 3, 4, 5"
withdrawals_before=$(sql "$withdrawals")
revenue_before=$(sql "$revenue revenue_rollup")

expect_exit 1 env PGUSER=$CLUSTER_PERSON atmctl verify
[[ $OUTPUT == *"it is at version 4"* ]] || wrong "not said to be at version 4: $OUTPUT"
# A release between has summed up two months, one of them stale since: as its summary_build did, in five cubes.
for file in 005_finance 010_ends 011_codes 014_places 017_replacement 019_banks; do
        psql -X -q -v ON_ERROR_STOP=1 -c "SET client_min_messages = error; SET ROLE atm_owner" -f "$ROOT/sql/$file.sql" >/dev/null
done
psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
INSERT INTO summary (cube, month, posted_on, terminal, hall, place_on, issuer, band, hour, tax_rate_bp, withdrawals, cash_yen, customer_fee_yen,
        customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, earlier_yen)
SELECT CASE WHEN grouping(c.terminal) = 1 THEN 'bank' WHEN grouping(c.hour) = 0 THEN 'hour' WHEN grouping(c.posted_on) = 0 THEN 'day'
            WHEN grouping(c.issuer) = 0 THEN 'place' ELSE 'atm' END, '2016-12-01', c.posted_on, c.terminal, c.hall, p.from_on, c.issuer,
       c.band, c.hour, c.tax_rate_bp, sum(c.sign), sum(c.cash_yen), sum(c.customer_fee_yen), sum(c.customer_tax_yen),
       sum(c.interbank_fee_yen), sum(c.interbank_tax_yen), sum(c.hall_share_yen), 0
FROM (SELECT *, extract(hour FROM transmitted_at AT TIME ZONE 'Asia/Tokyo')::smallint AS hour FROM commission) c
JOIN hall_place p ON p.hall = c.hall AND p.from_on <= c.business_date AND p.until_on > c.business_date
WHERE c.posted_on BETWEEN '2016-12-01' AND '2016-12-31'
GROUP BY GROUPING SETS ((c.terminal, c.hall, p.from_on), (c.terminal, c.hall, p.from_on, c.issuer, c.band),
                        (c.terminal, c.hall, p.from_on, c.posted_on), (c.terminal, c.hall, p.from_on, c.band, c.hour),
                        (c.posted_on, c.issuer, c.band, c.hour, c.tax_rate_bp));
INSERT INTO summary SELECT (jsonb_populate_record(s, '{"month": "2017-01-01"}')).* FROM summary s WHERE cube = 'atm';
INSERT INTO summary_stale VALUES ('2017-01-01');
UPDATE books SET summarised_through = '2017-01-31';
SQL

expect_exit 0 atmctl db migrate --clock-now 2017-01-04
export PGUSER=$CLUSTER_PERSON
expect_exit 0 atmctl db status
[[ $OUTPUT == *current* ]] || wrong "not current after the migration: $OUTPUT"

expect "what stays summed up" "2016-12-01 31 2017-01-31" "$(sql "SELECT string_agg(month::text, ' ') || ' ' || (SELECT count(*) FROM summed_day) || ' ' || (SELECT summed_through FROM books) FROM summed_month")"
expect_exit 0 atmctl verify
(($(sql "SELECT count(*) FROM summary_detail") > 0)) || wrong "the roll-up's days are gone"
expect "each withdrawal" "$withdrawals_before" "$(sql "$withdrawals")"
expect "the roll-up, and the rows" "$revenue_before" "$(sql "$revenue ($rows) r")"
expect "revenue by ATM, as the earlier release reported it" \
        "T0000002,10,102000,900,1290,174,2190 T0000001,10,104000,1000,1110,168,2110 T0000004,10,70000,900,1090,158,1990 T0000003,8,113000,1000,930,154,1930" \
        "$(atmctl report revenue --from 2016-12-01 --to 2017-01-31 --by atm --format csv | sed '1d; s/"[^"]*"/-/g' | cut -d, -f1,3- | xargs)"
expect "revenue by day" "2016-12-30,37,379000,3700,4320,638,8020 2017-01-04,1,10000,100,100,16,200" \
        "$(atmctl report revenue --from 2016-12-01 --to 2017-01-31 --by day --format csv | sed 1d | xargs)"
expect "states" "approved 1,asked 1,completed 38,declined 10,reversed 8" \
        "$(sql "SELECT string_agg(state || ' ' || n, ',' ORDER BY state) FROM (SELECT state, count(*) AS n FROM v_withdrawal GROUP BY 1) s")"
# earned, earned and taken back, corrected: each is a row with its cash, posted on its business date
expect "commission rows" "-1 2 -30000,0 2 -10000,1 40 429000" \
        "$(sql "SELECT string_agg(concat_ws(' ', sign, n, cash), ',' ORDER BY sign) FROM (SELECT sign, count(*) AS n, sum(cash_yen) AS cash FROM commission WHERE posted_on = business_date GROUP BY 1) s")"
expect_exit 0 env PGUSER=postgres atmctl db migrate --clock-now 2017-01-04
[[ $OUTPUT != *"05_finance.sql: done"* ]] || wrong "migrated twice: $OUTPUT"

# business goes on: both that are open end, a completed one is taken back after its quarter was closed
expect_exit 0 atmctl exception resolve --terminal T0000001 --stan 901 --dispensed 10000 --note "counted"
expect_exit 0 atmctl exception resolve --terminal T0000001 --stan 902 --dispensed 0 --note "nothing left"
expect "closing without costs" "missing|0" "$(sql "SET atm.note = 'agreed'; SELECT * FROM period_close('3Q16', false)")"
expect "closing" "|0" "$(sql "SET atm.note = 'agreed'; SELECT * FROM period_close('3Q16', true)")"
expect_exit 0 atmctl exception resolve --terminal T0000003 --stan 4 --dispensed 0 --note "all of it is in the reject bin"
expect "where it is posted" "2016-12-30 2017-01-01 -25000" "$(sql "SELECT business_date || ' ' || posted_on || ' ' || cash_yen FROM commission WHERE posted_on <> business_date")"
# the reports above summed up all days, so that what was said since was late
expect "what the sums lack" 2 "$(sql "SELECT count(*) FROM unsummed_post")"
expect_exit 0 atmctl verify
expect "what a step adds" posts "$(sql "SELECT summary_step(true)")"
expect "what the sums lack then" 0 "$(sql "SELECT count(*) FROM unsummed_post")"
expect_exit 0 atmctl verify

# Later releases': of atmsim all, some with notes that were retracted; from 24 on with cards of four banks, a card replaced, an exception
# dealt with.
# later VERSION REVENUE [COMMAND]: it migrates, verifies, and says what it said; COMMAND first
later() {
        local version=$1 revenue_of_december=$2
        export PGUSER=postgres
        restore "$version"
        withdrawals_before=$(sql "$withdrawals")
        expect_exit 1 env PGUSER=$CLUSTER_PERSON atmctl verify
        [[ $OUTPUT == *"it is at version $version"* ]] || wrong "not said to be at version $version: $OUTPUT"
        ${3:-true}
        expect_exit 0 atmctl db migrate --clock-now 2017-01-04
        expect_exit 0 env PGUSER=$CLUSTER_PERSON atmctl verify
        expect "what atmd decides from, beside its tables" 0 "$(sql "SELECT count(*) FROM (SELECT * FROM reference_snapshot(0) EXCEPT SELECT * FROM reference_current(0)) d")"
        expect "each withdrawal of version $version" "$withdrawals_before" "$(sql "$withdrawals")"
        expect "revenue by ATM of version $version" "$revenue_of_december" \
                "$(PGUSER=$CLUSTER_PERSON atmctl report revenue --from 2016-12-01 --to 2016-12-31 --by atm --format csv | sed '1d; s/"[^"]*"/-/g' | cut -d, -f1,3- | xargs)"
}
# in_the_way TEXT STATEMENT REMEDY: what the statement makes is named, and nothing is changed.
in_the_way() {
        sql "$2" >/dev/null
        expect_exit 1 atmctl db migrate --clock-now 2017-01-04
        [[ $OUTPUT == *"nothing was changed"*"$1"* ]] || wrong "'$2' is not named as '$1': $OUTPUT"
        expect "the version after '$2'" 24 "$(sql "SELECT schema_version()")"
        sql "$3" >/dev/null
}

# hold USER STATEMENT: a session that keeps what it has got until `release`
hold() {
        coproc HOLDER { exec env PGUSER="$1" "$PSQL" -X -A -t -q; }
        printf '%s; SELECT 1;\n' "$2" >&"${HOLDER[1]}"
        read -r <&"${HOLDER[0]}"
}
release() {
        local holder=$HOLDER_PID
        eval "exec ${HOLDER[1]}>&-"
        wait "$holder" || true
}

# The quarters' conversion, of which the last but one is kept waiting in its middle, by somebody who reads one of its tables.
# Whoever converts is killed there, and so is what the server was doing for him.
waits_for_quarter() {
        [[ $(sql "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'commission_$1'::regclass") == 1 ]]
}
nobody_migrates() {
        [[ $(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'atmctl'") == 0 ]]
}
killed_in_the_middle() {
        local migrating
        in_the_way "the view mine, which stands on v_withdrawal" "CREATE VIEW mine AS SELECT rrn FROM v_withdrawal" "DROP VIEW mine"
        in_the_way "column since of table atm, which is date" "ALTER TABLE atm ADD since date" "ALTER TABLE atm DROP since"
        in_the_way "column hall of table contract, which is text and not text!" "ALTER TABLE contract ALTER hall DROP NOT NULL" \
                "ALTER TABLE contract ALTER hall SET NOT NULL"
        in_the_way "the partition advice_2016q4 of advice, which is missing" "ALTER TABLE advice DETACH PARTITION advice_2016q4" \
                "ALTER TABLE advice ATTACH PARTITION advice_2016q4 FOR VALUES FROM ('2016-10-01 00:00+09') TO ('2017-01-01 00:00+09')"
        in_the_way "the trigger own on withdrawal" \
                "CREATE TRIGGER own AFTER INSERT ON withdrawal EXECUTE FUNCTION suppress_redundant_updates_trigger()" "DROP TRIGGER own ON withdrawal"
        in_the_way "the use of card 00000000-0000-0000-0000-000000000001" \
                "INSERT INTO card_day VALUES ('00000000-0000-0000-0000-000000000001', '2016-12-30', 1000, 1)" \
                "DELETE FROM card_day WHERE card_token = '00000000-0000-0000-0000-000000000001'"
        in_the_way ", which was replaced by " \
                "ALTER TABLE account DISABLE TRIGGER account_guard; INSERT INTO account SELECT card_token, 0, 0 FROM card WHERE successor IS NOT NULL LIMIT 1" \
                "DELETE FROM account a USING card c WHERE c.card_token = a.card_token AND c.successor IS NOT NULL; ALTER TABLE account ENABLE TRIGGER account_guard"
        hold atm_daemon "SELECT 1"
        in_the_way "stop all instances" "SELECT 1" "SELECT 1"
        release

        hold postgres "BEGIN; LOCK TABLE commission_2016q4 IN ACCESS SHARE MODE"
        atmctl db migrate --clock-now 2017-01-04 >"$WORK/killed" 2>&1 &
        migrating=$!
        await "the conversion to come to the held quarter" waits_for_quarter 2016q4
        kill -KILL "$migrating"
        wait "$migrating" 2>/dev/null || true
        sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'atmctl'" >/dev/null
        await "the end of what the server did" nobody_migrates
        release

        # quarters before it are converted; of its own tables all are as they were, those too that it had done
        expect "what is converted" "t 2016-07-01" "$(sql "SELECT done || ' ' || max(from_on) FROM schema_quarter WHERE done GROUP BY done" | sed 's/true/t/')"
        expect "where its withdrawals are" "withdrawal|t" \
                "$(sql "SELECT inhparent::regclass, (SELECT pg_get_constraintdef(oid) ~ '.terminal,' FROM pg_constraint WHERE conrelid = inhrelid AND contype = 'p')
                        FROM pg_inherits WHERE inhrelid = 'withdrawal_2016q4'::regclass")"

        # nobody serves what is half converted, and everybody says why
        expect_exit 1 env PGUSER=$CLUSTER_PERSON atmctl withdrawal list
        [[ $OUTPUT == *"not migrated"*"of 10 quarters are converted"* ]] || wrong "half converted, and not said so: $OUTPUT"
        expect_exit 1 atmd --config "$WORK/atmd.conf"
        [[ $OUTPUT == *"run 'atmctl db migrate'; one has begun: "*" of 10 quarters are converted"* ]] || wrong "atmd says of what is half converted: $OUTPUT"
        PGUSER=atm_daemon expect_exit 1 psql -X -c "SELECT saf_take('X', 'x', 1, 1, 1, 1, 1)"
        [[ $OUTPUT == *"permission denied"* ]] || wrong "a former release's instance may write: $OUTPUT"
        expect_exit 1 psql -X -v ON_ERROR_STOP=1 -c "SET ROLE atm_operator" -c "UPDATE hall SET area = area"
        [[ $OUTPUT == *"permission denied"* ]] || wrong "a price may change while its withdrawals are set aside: $OUTPUT"
}
atmctl pki init --dir "$WORK/pki" >/dev/null
atmctl pki issue --dir "$WORK/pki" --out "$WORK/server" --server atmd --san IP:127.0.0.1 >/dev/null
(umask 077 && printf '%064d\n' 7 >"$WORK/token.key")
printf '%s\n' '[atmd]' 'listen_host = 127.0.0.1' 'listen_port = 1' 'log_target = stderr' '[tls]' 'certificate = server/atmd.crt' \
        'key = server/atmd.key' 'ca = pki/ca.crt' '[database]' \
        "conninfo = host=$PGHOST port=$PGPORT dbname=atm_upgrade_24 user=atm_daemon" '[card]' 'token_key_file = token.key' >"$WORK/atmd.conf"

# A laboratory's, which would be at another moment with each day on which this is run.
its_clock_goes() {
        sql "DELETE FROM business_clock" >/dev/null
}

later 16 "T0000001,18,241000,3500,1930,434,5430 T0000002,16,164000,2900,1940,386,4840 T0000003,12,124000,2400,1300,296,3700 T0000004,1,1000,100,130,18,230"
later 24 "T0000002,26,183000,4300,2980,580,7280 T0000004,22,230000,3700,2440,490,6140 T0000003,23,220000,3400,2650,482,6050 T0000001,14,140000,2000,1670,292,3670" killed_in_the_middle
later 42 "T0000001,21,347000,1700,2420,328,4120 T0000002,19,282000,1600,2190,302,3790 T0000003,16,134000,1200,1770,236,2970 T0000004,11,156000,900,1260,172,2160" its_clock_goes
later 62 "T0000003,26,350000,2100,3100,414,5200 T0000002,21,224000,1700,2470,332,4170 T0000001,13,144000,1100,1560,212,2660 T0000004,12,157000,1000,1360,188,2360" its_clock_goes
later 72 "T0000003,62,813000,6700,7330,1116,14030 T0000001,55,728000,5500,6630,964,12130 T0000004,46,591000,4300,5940,814,10240 T0000002,42,457000,4600,4790,746,9390" its_clock_goes

# Whatever it came from, the schema is that of a database that is new.
make atm_upgrade_new
expect_exit 0 atmctl db init --clock-now 2017-01-04
expect "codes that are not compared as bytes" "" "$(sql "SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name !~ '^v_' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
        AND column_name IN ('terminal', 'hall', 'area', 'issuer', 'link', 'band', 'kind', 'prefix')")"
schema atm_upgrade_new >"$WORK/new"
for version in 4 16 24 42 62 72; do
        from=$(PGDATABASE=atm_upgrade_$version sql "SELECT min(from_on) FROM ledger_partition")
        schema "atm_upgrade_$version" >"$WORK/of-$version"
        diff "$WORK/new" "$WORK/of-$version" >"$WORK/differences" || wrong "migrated from version $version (partitions from $from): $(head -n 40 "$WORK/differences")"
done

passed
