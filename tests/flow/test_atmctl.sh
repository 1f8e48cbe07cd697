#!/usr/bin/env bash
# The operators' command line against a database of its own: wrong usage, bad files (line and column named,
# nothing imported), databases that are absent, empty, behind or newer, every noun's verbs, the three formats,
# Japanese widths, look-ups, the revenue report, and verify, which must name whatever is altered.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

export PATH=$BIN:$PATH PGDATABASE=atm_flow ATM_TOKEN_KEY_FILE=$WORK/token.key LC_ALL=C.UTF-8
unset ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED
DATABASE=$PGDATABASE
(umask 077 && openssl rand -hex 32 >"$ATM_TOKEN_KEY_FILE")
cd "$WORK"

# says TEXT...: the last output of expect_exit holds each of them.
says() {
        local text
        for text in "$@"; do
                [[ $OUTPUT == *"$text"* ]] || wrong "'$text' is not said: $OUTPUT"
        done
}

# refuses STATUS TEXT command...
refuses() {
        local status=$1 text=$2
        shift 2
        expect_exit "$status" "$@"
        says "$text"
}

# dry COMMAND...: shows a row of what would change, of those that have rows of the trail. Nothing changes: all together are looked
# at in the end.
declare -A tried=()
dry() {
        OUTPUT=$(atmctl "$@" --dry-run 2>&1) || wrong "$* --dry-run: $OUTPUT"
        says "dry run: "
        [[ "$1 $2" =~ ^(db partitions|period close)$ || $OUTPUT == *" added "* || $OUTPUT == *" changed "* || $OUTPUT == *" removed "* ]] ||
                wrong "no row of what would change: $OUTPUT"
        tried["$1 $2"]=yes
}

# A query over a JSON text as :'j': json '[1]' "jsonb_array_length(:'j')"
json() {
        local asked
        printf '%s' "$1" >"$WORK/j.json"
        # shellcheck disable=SC2016 # psql runs the command in backticks
        printf -v asked '\\set j `cat %s`\nSELECT %s;' "$WORK/j.json" "$2"
        sql_kept "$asked" || PGUSER=postgres PGDATABASE=postgres psql -X -A -t -q -v ON_ERROR_STOP=1 <<<"$asked"
}

# wrong usage -----------------------------------------------------------------------------------------

refuses 2 "a noun and a verb" atmctl
refuses 2 "'parlors' is no noun" atmctl parlors list
refuses 2 "expected a verb" atmctl hall
refuses 2 "'lst' is no verb" atmctl hall lst
refuses 2 "'990001******0002' is no noun" atmctl 9900010000000002
refuses 2 "'990001******0002' is no verb" atmctl card 9900010000000002
refuses 2 "'990001******0002': expected options only" atmctl card show 9900010000000002
refuses 2 "unknown option --area-code" atmctl hall list --area-code kanto
refuses 2 "--area is given twice" atmctl hall list --area kanto --area kansai
refuses 2 "--area: expected 1 to 15 letters" atmctl hall list --area
refuses 2 "--format: 'xml': expected table, expanded, csv, json or xlsx" atmctl hall list --format xml
refuses 2 "one word too many" atmctl hall show H00001 H00002
refuses 2 "HALL is missing" atmctl hall show
refuses 2 "--name is missing" atmctl hall add H00001 --area kanto --prefecture 東京都
refuses 2 "opens: '25:00': expected a time from 00:00 to 24:00" atmctl hall set H00001 --opens 25:00
refuses 2 "nothing is to be changed" atmctl hall set H00001
refuses 2 "'atmctl hall set --help' shows" atmctl hall set H00001
refuses 2 "expected a date as 2016-12-31" atmctl tariff show HOUSE day 2016-02-30
refuses 2 "expected day or other" atmctl tariff show HOUSE night 2016-02-01
refuses 2 "--value is missing" atmctl limit add --note trial day_yen 2031-01-01
refuses 2 "--from is missing" atmctl report revenue --to 2016-12-31 --by area
refuses 2 "expected --from 2016-12-31 or later" atmctl report revenue --from 2016-12-31 --to 2016-12-30 --by area
refuses 2 "expected one or two of area, prefecture, hall, atm" atmctl report revenue --from 2016-12-30 --to 2016-12-31 --by week
refuses 2 "expected '-'" atmctl account show --card 9900010000000002
[[ $OUTPUT != *9900010000000002* ]] || wrong "a card number is repeated: $OUTPUT"
refuses 2 "which card?" atmctl account show
refuses 2 "name the card twice" atmctl card show --card - --token 6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4f
refuses 2 "expected 2020-04-01 or later" atmctl exclusion add --note trial --token 6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4f --from 2020-03-31
refuses 2 "expected table or json" atmctl withdrawal show --stan 1 --format csv
refuses 2 "which withdrawal? expected options that select one" atmctl withdrawal show
refuses 2 "expected one of --server" atmctl pki issue --dir x --out y
refuses 2 "expected one of --server" atmctl pki issue --dir x --out y --terminal T0000001 --terminals f
refuses 2 "--san, go together" atmctl pki issue --dir x --out y --server atmd
refuses 2 "--san, go together" atmctl pki issue --dir x --out y --peer db1
refuses 2 "--san, go together" atmctl pki issue --dir x --out y --client tanaka --san DNS:db1
refuses 2 "--to 2016-01-01: expected a day after" atmctl db partitions --from 2016-01-01 --to 2016-01-01

# help: every command that --help lists explains itself, and the man page is what the program says
expect_exit 0 atmctl --help
commands=$(sed -nE 's/^  ([a-z]+)( [a-z]+)? {2,}.*/\1\2/p' <<<"$OUTPUT")
(($(wc -l <<<"$commands") > 60)) || wrong "--help lists too few commands: $commands"
while read -r -a words; do
        expect_exit 0 atmctl "${words[@]}" --help
        says "atmctl ${words[*]}"
        # whatever changes something takes a reason
        [[ ! ${words[1]:-} =~ ^(import|add|set|remove|enable|disable|bar|unbar|replace|end|park|retry|resolve|close)$ ]] || says "--note"
        expect_exit 0 atmctl "${words[0]}" --help
        says "atmctl ${words[*]}"
done <<<"$commands"
atmctl --man | diff - "$ROOT/docs/man/atmctl.1.scd" || wrong "docs/man/atmctl.1.scd is not what atmctl --man prints"

# As whoever PGUSER names.
sql_as() {
        psql -X -A -t -q -v ON_ERROR_STOP=1 -c "$1"
}

# databases that are not ready ------------------------------------------------------------------------

refuses 1 "is the server running?" atmctl hall list --conninfo "host=$WORK/nowhere dbname=x"
refuses 1 "the connection string is wrong: invalid connection option" atmctl hall list --conninfo "dbnam=x"
refuses 1 "has no database '$DATABASE'" atmctl hall list
says "createdb $DATABASE" "atmctl db init"
refuses 1 "has no database" atmctl db init
PGDATABASE=postgres sql "CREATE DATABASE $DATABASE" >/dev/null
refuses 1 "is not set up" atmctl hall list
says "atmctl db init"
refuses 1 "is not set up" atmctl db migrate
expect_exit 1 atmctl db status --format json
expect "state of an empty database" "not set up" "$(json "$OUTPUT" "(:'j')::jsonb ->> 'state'")"
expect_exit 0 atmctl db init --clock-now 2016-12-29
newest=$(sed -n "s/.*SCHEMA_VERSION = \([0-9]*\).*/\1/p" "$ROOT/config/schema.h")
says "001_schema.sql: done" "version $newest"
cluster_person
expect_exit 0 atmctl db init
says "is set up already" "nothing was changed"
expect_exit 0 atmctl db migrate
says "nothing was changed"
expect "owners" atm_owner "$(sql "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'")"
expect "quarters" "2015-10-01 2018-04-01 10" "$(sql "SELECT concat_ws(' ', min(from_on), max(to_on), count(*)) FROM ledger_partition")"
sql_keep

# a database at an earlier version, then at a later one
sql "CREATE DATABASE ${DATABASE}_old" >/dev/null
(
        export PGDATABASE=${DATABASE}_old
        sql "GRANT CREATE, USAGE ON SCHEMA public TO atm_owner" >/dev/null
        psql -X -q -v ON_ERROR_STOP=1 -c 'SET ROLE atm_owner' -f "$ROOT/sql/001_schema.sql"
        refuses 1 "is not migrated: it is at version 1, this program needs" atmctl hall list
        refuses 1 "atmctl db migrate" atmctl db init
        PGUSER=$CLUSTER_PERSON refuses 1 "need a superuser" atmctl db migrate
        # while another one is at work it says so, and waits
        psql -X -q -c "SELECT pg_advisory_lock(hashtext('atm schema migration'))" -c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
        other=$!
        holds_migrations() { [[ $(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == 1 ]]; }
        await "another migration" holds_migrations
        atmctl db migrate >"$WORK/migrate.log" 2>&1 &
        migrating=$!
        await "word of who is at work" grep -q "another 'atmctl db' is at work (process [0-9]* of user .*: waiting for its end" "$WORK/migrate.log"
        sql "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
        wait "$other" || true
        wait "$migrating" || wrong "a migration that had to wait: $(cat "$WORK/migrate.log")"
        OUTPUT=$(cat "$WORK/migrate.log")
        says "005_finance.sql: done" "010_ends.sql: done" "011_codes.sql: done" "014_places.sql: done" "017_replacement.sql: done" "019_banks.sql: done" "021_days.sql: done" "025_cards.sql: done" "028_keys.sql: done" "029_keys_end.sql: done" "031_clock.sql: done" "032_trail.sql: done" "034_barred.sql: done" "036_reference.sql: done" "037_calendar.sql: done" "049_prefectures.sql: done" "050_limits.sql: done" "054_epoch.sql: done" "057_card_issuer.sql: done" "063_price_check.sql: done" "065_recovery.sql: done" "066_recover.sql: done" "073_texts.sql: done" "074_pins.sql: done" "075_sightings.sql: done" "076_claims.sql: done" "077_ends_of_atms.sql: done" "078_keys.sql: done" "079_registration.sql: done" "080_ledger.sql: done" "081_reports.sql: done" "082_views.sql: done"
        [[ $OUTPUT != *001_schema* ]] || wrong "migrate repeats what is there: $OUTPUT"
        expect_exit 0 atmctl db status
        says current
        sql "INSERT INTO schema_migration VALUES (999, 'of the future')" >/dev/null
        refuses 1 "is newer than this program: it is at version 999" atmctl hall list
        refuses 1 "is newer than this program" atmctl db init
        refuses 1 "is newer than this program" atmctl db migrate
        expect_exit 1 atmctl db status
        says "newer than this program"
)
sql "DROP DATABASE ${DATABASE}_old" >/dev/null

PGUSER=atm_report refuses 1 "operators connect as members of atm_operator" atmctl area add kanto --name 関東
refuses 1 "role" env PGUSER=nobody_at_all atmctl hall list
refuses 1 "is not permitted to log in" env PGUSER=atm_operator atmctl hall list
says "operators connect as members of atm_operator"
# each kind of failure has its own words and its own advice
sed -i '1i local all asked scram-sha-256\nlocal all peered peer\nlocal all rejected reject' "$SERVER/data/pg_hba.conf"
sql "CREATE ROLE hasty LOGIN IN ROLE atm_operator; ALTER ROLE hasty SET statement_timeout = '1ms'" >/dev/null
expect_exit 0 env PGUSER=hasty atmctl hall list
sql "CREATE ROLE asked LOGIN PASSWORD 'open sesame' IN ROLE atm_operator; CREATE ROLE peered LOGIN; CREATE ROLE rejected LOGIN;
     CREATE ROLE full LOGIN CONNECTION LIMIT 0; SELECT pg_reload_conf()" >/dev/null
asks() { [[ $(PGUSER=asked atmctl hall list 2>&1) == *"wants a password"* ]]; }
await "the new pg_hba.conf" asks
while IFS='|' read -r user host what hint; do
        refuses 1 "atmctl: $what" env PGUSER="$user" PGPASSWORD=wrong PGHOST="${host:-$PGHOST}" PGSSLMODE=verify-full PGSSLROOTCERT=/dev/null atmctl hall list
        says "$hint"
done <<'EOF'
asked||the password of 'asked' is wrong: |~/.pgpass
peered||the system's user is not 'peered', or nobody said that he is: |pg_ident.conf
rejected||the server rejects 'rejected': |a line of its pg_hba.conf says so
full||the server, database or role has no connection left: |pg_stat_activity
nobody_at_all||the server has no role 'nobody_at_all': |'atmctl db init' makes the roles
x|a..b|there is no such host: |PGHOST or --conninfo names it
EOF
refuses 1 "the server wants a password of 'asked': " env PGUSER=asked atmctl hall list
expect_exit 0 env PGUSER=asked PGPASSWORD='open sesame' atmctl hall list
# on a terminal it is asked for, again after a wrong one, and is not shown
coproc TERMINAL { PGUSER=asked script -qefc "atmctl area list --format csv" /dev/null; }
exec {typed}>&"${TERMINAL[1]}" {shown}<&"${TERMINAL[0]}"
asking=$TERMINAL_PID
read -r -d : -u "$shown" OUTPUT
expect "the prompt" "password of 'asked'" "$OUTPUT"
echo wrong >&"$typed"
read -r -d : -u "$shown" OUTPUT
says "that was not it; password of 'asked'"
echo 'open sesame' >&"$typed"
OUTPUT=$(cat <&"$shown")
wait "$asking" || wrong "a password that was typed: $OUTPUT"
says "area,name,parlors"
[[ $OUTPUT != *sesame* ]] || wrong "a password is shown: $OUTPUT"
exec {typed}>&- {shown}<&-
# and ^C leaves a terminal that shows what is typed
coproc TERMINAL { PGUSER=asked script -qefc "trap : INT; atmctl area list; stty -a" /dev/null; }
exec {typed}>&"${TERMINAL[1]}" {shown}<&"${TERMINAL[0]}"
read -r -d : -u "$shown" OUTPUT
printf '\003' >&"$typed"
OUTPUT=$(cat <&"$shown")
[[ $OUTPUT == *" echo "* && $OUTPUT != *"area,name"* ]] || wrong "the terminal after ^C at the prompt: $OUTPUT"
exec {typed}>&- {shown}<&-
sql "DROP ROLE asked, peered, rejected, full"
export PGUSER=$CLUSTER_PERSON

# imports ------------------------------------------------------------------------------------------------

import_all() {
        local pair
        for pair in area:areas hall:halls atm:atms issuer:issuers tax:tax_rates tariff:tariffs prefix:prefixes \
                holiday:holidays limit:limits hours:hours; do
                expect_exit 0 atmctl "${pair%:*}" import --note trial "$ROOT/etc/${pair#*:}.csv"
                says "$1"
        done
}
import_all " 0 changed, 0 as they were"
version=$(sql "SELECT version FROM reference_version")
import_all "0 new, 0 changed"
expect "reference version after imports that change nothing" "$version" "$(sql "SELECT version FROM reference_version")"
expect "halls" "$(($(wc -l <"$ROOT/etc/halls.csv") - 1))" "$(sql "SELECT count(*) FROM hall")"

# What list writes as CSV, import reads.
for noun in area hall atm issuer tax tariff prefix holiday limit hours; do
        atmctl "$noun" list --format csv --output "$noun.csv"
        expect_exit 0 atmctl "$noun" import --note trial "$noun.csv"
        says "0 new, 0 changed"
done

# bad FILE-LINES... : the import of noun is refused with text, and nothing of the file is in the database
bad() {
        local noun=$1 text=$2 before
        shift 2
        before=$(sql "SELECT count(*) FROM ${TABLE:-$noun}")
        printf '%s\n' "$@" >bad.csv
        chmod 600 bad.csv
        refuses 1 "$text" atmctl "$noun" import --note trial bad.csv
        expect "rows of $noun after a bad file" "$before" "$(sql "SELECT count(*) FROM ${TABLE:-$noun}")"
}
bad area "bad.csv:1: empty: expected a header of area,name" ""
bad area "bad.csv:1: unknown column 'nam': expected a header of area,name" "area,nam" "x,y"
bad area "bad.csv:1: column area: named twice" "area,area" "x,y"
bad area "bad.csv:2: column name: missing in the header, and this area is new" "area" "x"
bad area "bad.csv:1: column area: missing in the header: expected a header of area,name,parlors (it may lack parlors)" "name" "x"
bad area "bad.csv:3: 1 fields: expected 2" "area,name" "x,y" "z"
bad area "bad.csv:2: 3 fields: expected 2" "area,name" "x,y,z"
bad area "bad.csv:3: column area: 'x y': expected 1 to 15 letters" "area,name" "good,fine" "x y,z"
bad area "bad.csv:2: field 2: a '\"' within it" "area,name" 'x,y"z"'
bad area "bad.csv:3: a field that begins with '\"' has no closing" "area,name" "good,fine" 'x,"y' "z,w"
bad area "bad.csv:4: column area: the same area is on line 2 already" "area,name" "x,y" "z,w" "x,other"
bad area "byte 0xff at position 3: expected text in UTF-8" "area,name" $'x,\xff'
bad area "column name: '': expected a text of 1 to 200 bytes" "area,name" 'x,""'
bad hall "bad.csv:3: column area: 'mars': the database has no such area" "hall,name,area,prefecture" \
        "HX1,a,kanto,東京都" "HX2,b,mars,東京都"
bad hall "bad.csv:2: column opens: '8:60': expected a time" "hall,name,area,prefecture,opens" "HX1,a,kanto,東京都,8:60"
bad hall "bad.csv:2: column closes: expected a time after 'opens'" "hall,name,area,prefecture,opens,closes" \
        "HX1,a,kanto,東京都,10:00,09:00"
bad hall "bad.csv:2: column name: \\u009b at position 2 of field 2: expected text without control characters" \
        "hall,name,area,prefecture" "HX1,a"$'\xc2\x9b'"b,kanto,東京都"
bad hall "column share_bp: '10001': expected basis points from 0 to 10000" "hall,name,area,prefecture,share_bp" "HX1,a,kanto,東京都,10001"
bad atm "column terminal: 'T1': expected 8 capitals or digits" "terminal,hall" "T1,H00001"
bad atm "column enabled: 'maybe': expected yes or no" "terminal,hall,enabled" "TX000001,H00001,maybe"
bad atm "column hall: 'H99999': the database has no such hall" "terminal,hall" "TX000001,H99999"
bad issuer "column issuer: 'house': expected 1 to 11 capitals" "issuer,name" "house,x"
bad issuer "column link: 'bank-a': expected 1 to 11 capitals or digits, as BANKA, or nothing" "issuer,name,link" "BANKA,x,bank-a"
bad issuer "column off_closes: expected a time not before 'off_opens'" "issuer,name,off_opens,off_closes" "BANKA,x,10:00,09:00"
TABLE=card_prefix bad prefix "column prefix: '99a': expected 1 to 10 digits" "prefix,from,issuer,kind" "99a,2016-01-01,HOUSE,cash"
TABLE=card_prefix bad prefix "column kind: 'debit': expected cash, credit or loan" "prefix,from,issuer,kind" "99,2016-01-01,HOUSE,debit"
bad tariff "column from: '2016-13-01': expected a date" "issuer,band,from,customer_fee_yen,interbank_fee_yen" "HOUSE,day,2016-13-01,1,1"
bad tariff "column customer_fee_yen: '-1': expected whole yen" "issuer,band,from,customer_fee_yen,interbank_fee_yen" "HOUSE,day,2031-01-01,-1,1"
bad tariff "column customer_fee_yen: '1.5': expected whole yen" "issuer,band,from,customer_fee_yen,interbank_fee_yen" "HOUSE,day,2031-01-01,1.5,1"
bad tariff "column issuer: 'OTHER': the database has no such issuer" "issuer,band,from,customer_fee_yen,interbank_fee_yen" "OTHER,day,2031-01-01,1,1"
TABLE=tax_rate bad tax "column rounding: 'sideways': expected down, nearest or up" "from,rate_bp,rounding" "2031-01-01,1000,sideways"
bad holiday "bad.csv:2: column day: '2017-02-29': expected a date" "day,name" "2017-02-29,x"
TABLE=limit_rule bad limit "column kind: 'week_yen': expected day_yen, month_yen or day_count" "kind,from,value" "week_yen,2031-01-01,1"
TABLE=network_hours bad hours "bad.csv:2: column closes: expected a time after 'opens'" "from,day_kind,opens,closes" "2031-01-01,off,10:00,10:00"
refuses 1 "no-such-file.csv: can't be read" atmctl area import no-such-file.csv
refuses 1 "is a folder" atmctl area import .
head -c 70000 /dev/zero | tr '\0' x >bad.csv
refuses 1 "bad.csv:1: the row is longer than" atmctl area import bad.csv

# good files of every form: byte order mark, CRLF, quotes, columns in another order, blank lines, no last line end
printf '\xef\xbb\xbfname,area\r\n"北 ""の"", 国",hokkaido\r\n\r\n南,okinawa' >form.csv
expect_exit 0 atmctl area import form.csv
says "2 rows: 2 new"
expect "a quoted name" '北 "の", 国' "$(sql "SELECT name FROM area WHERE area = 'hokkaido'")"
expect "the same as CSV" 'hokkaido,"北 ""の"", 国",' "$(atmctl area list --format csv | grep hokkaido)"
# names that a spreadsheet would take for formulas are marked in what is listed, and come back as they were
printf 'area,name\nf1,=cmd|x\nf2,-5\nf3,"@h, ""x"""\nf4,\x27+1\nf5,\x27\x27=1\nf6,＝1\n' >form.csv
expect_exit 0 atmctl area import form.csv
atmctl area list --format csv --output formulas.csv
expect "names like formulas" "f1,'=cmd|x, f2,-5, f3,\"'@h, \"\"x\"\"\", f4,'+1, f5,''=1, f6,'＝1," "$(grep '^f[1-6],' formulas.csv | xargs -d '\n')"
expect "the names themselves" "=cmd|x -5 @h, \"x\" +1 '=1 ＝1" "$(sql "SELECT string_agg(name, ' ' ORDER BY area) FROM area WHERE area ~ '^f[1-6]\$'")"
expect_exit 0 atmctl area import formulas.csv
says "0 new, 0 changed"
# (as an earlier release took it)
sql "ALTER TABLE area DROP CONSTRAINT area_name_line; UPDATE area SET name = 'a' || chr(8238) || 'b' WHERE area = 'f1'"
[[ $(atmctl area show f1 2>&1) == *'a\u202eb'* ]] || wrong "a mark of direction is shown: $(atmctl area show f1)"
sql "DELETE FROM area WHERE area ~ '^f[1-6]\$'"
expect "from standard input" "areas: 1 row: 0 new, 1 changed, 0 as they were" "$(printf 'area,name\nhokkaido,北海道\n' | atmctl area import -)"

# cards -----------------------------------------------------------------------------------------------------

luhn() { # 990001 and 9 digits: the check digit
        local text=$1 i digit sum=0
        for ((i = 0; i < ${#text}; i++)); do
                digit=${text:${#text}-1-i:1}
                ((i % 2)) || digit=$((digit * 2 > 9 ? digit * 2 - 9 : digit * 2))
                sum=$((sum + digit))
        done
        printf '%s%d\n' "$text" $(((10 - sum % 10) % 10))
}
pan() {
        luhn "990001$(printf %09d "$1")"
}
mask() {
        pan "$1" | sed -E 's/^(.{6}).{6}/\1******/'
}
header=pan,expiry,pin,issuer,balance_yen
{
        echo "$header"
        for ((i = 1; i <= 400; i++)); do
                echo "$(pan $i),3012,1234,HOUSE,1000000"
        done
} >cards.csv
chmod 644 cards.csv
refuses 1 "others may read it (mode 0644): expected mode 0600" atmctl card import --note trial cards.csv
chmod 600 cards.csv
# a look-up enters no key; the first who makes tokens does, is named, and is corrected while there are none
(umask 077 && openssl rand -hex 32 >wrong.key)
sql "DELETE FROM token_key" >/dev/null # of the files above
pan 1 >number
with_number() { "$@" <number; }
refuses 1 "the card has no account" with_number atmctl account show --card - --token-key wrong.key
expect "keys after a look-up" 0 "$(sql "SELECT count(*) FROM token_key")"
expect_exit 1 with_number atmctl card add --card - --issuer NOBODY --expiry 3012 --token-key wrong.key
expect "who entered the first" "$PGUSER card add" "$(sql "SELECT concat_ws(' ', who, command) FROM trail WHERE noun = 'key' ORDER BY change DESC LIMIT 1")"
refuses 1 "'atmctl card key' corrects" with_number atmctl exclusion add --note trial --card - --from 2020-04-01
refuses 2 "--note" atmctl card key
dry card key --note trial
says "check_value"
expect_exit 0 atmctl card key --note 'the first one was a test'
says "tokens will be made with the key in $ATM_TOKEN_KEY_FILE"
expect_exit 1 env -u ATM_TOKEN_KEY_FILE atmctl card import --note trial cards.csv
says "ATM_TOKEN_KEY_FILE"
expect_exit 0 atmctl card import --note trial cards.csv
says "cards: 400 new"
# under another key the same cards would have other tokens
(umask 077 && openssl rand -hex 32 >other.key)
refuses 1 "other.key: holds another key than the one that the cards" atmctl card import --note trial cards.csv --token-key other.key
sed -n '2s/,.*//p' cards.csv >number
expect_exit 1 with_number atmctl exclusion add --note trial --card - --from 2020-04-01 --token-key other.key
says "holds another key"
expect "cards and accounts" "400 400" "$(sql "SELECT count(*), count(opening_yen) FROM card" | tr '|' ' ')"
bad card "bad.csv:2: column pan: '$(mask 1)': the database has this card already" "$header" "$(pan 1),3012,1234,HOUSE,1"
bad card "bad.csv:3: column pan: '$(mask 901)': expected each card once: the same card is on line 2" "$header" \
        "$(pan 901),3012,1234,HOUSE,1" "$(pan 901),3012,1234,HOUSE,1"
bad card "bad.csv:2: column pan: '990001******0002': expected a card number of 12 to 19 digits with a right check digit" \
        "$header" "9900010000000002,3012,1234,HOUSE,1"
# (of a card file no cell is shown: with a column too many or too few the next one is a PIN)
bad card "column expiry: a value of 4 characters: expected year and month" "$header" "$(pan 901),3013,1234,HOUSE,1"
bad card "column issuer: a value of 5 characters: the database has no such issuer" "$header" "$(pan 901),3012,1234,OTHER,1"
bad card "no prefix in the database begins this number" "$header" "4111111111111111,3012,1234,HOUSE,1"
bad card "column balance_yen: a value of 3 characters: expected whole yen from 0 to 999999999999, which an ATM can be told, or nothing" "$header" "$(pan 901),3012,1234,HOUSE,1e6"
# a number in the wrong column stays a number
bad card "bad.csv:2: column pan: a value of 4 characters" "expiry,pan,pin,issuer,balance_yen" "$(pan 901),3012,1234,HOUSE,1"
bad card "column expiry: '$(mask 901)'" "$header" "$(pan 902),$(pan 901),1234,HOUSE,1"
bad card "bad.csv:1: unknown column '$(mask 901)': expected a header of pan,expiry,pin" "$(pan 901),3012,1234,HOUSE,1"
bad card "bad.csv:1: unknown column a value of 4 characters: expected a header of pan,expiry,pin" "4821,3012,1234,HOUSE,1"
bad card "bad.csv:1: unknown column 'pam': expected a header of pan,expiry,pin" "pam,expiry,pin,issuer,balance_yen"
bad issuer "bad.csv:2: column link: expected none: accounts of this bank's cards are kept here" "issuer,name,link" "HOUSE,x,BANKA"
expect "card numbers in the database" 0 "$(PGUSER=postgres pg_dump --data-only | grep -c "$(pan 1)" || true)"

card=$(pan 7)
token=$(atmctl account show --card - --format json <<<"$card" | sed -nE 's/^\{"card_token":"([0-9a-f-]{36})","balance_yen":1000000\}$/\1/p')
[[ -n $token ]] || wrong "account show: $(atmctl account show --card - --format json <<<"$card")"
expect "account by token" "card_token,balance_yen
$token,1000000" "$(atmctl account show --token "$token" --format csv)"
expect "status" active "$(json "$(atmctl card show --card - --format json <<<"$card")" "(:'j')::jsonb ->> 'status'")"
refuses 1 "standard input: expected a card number" atmctl card show --card -
OUTPUT=$(atmctl card show --card - <<<"9900010000000002" 2>&1) && wrong "a wrong check digit is taken"
says "'990001******0002': expected a card number"
OUTPUT=$(atmctl account show --card - <<<"$(pan 999)" 2>&1) && wrong "an unknown card has an account"
says "the card has no account"
expect_exit 0 atmctl card set --note trial --token "$token" --status stolen
expect "stolen cards" "$token" "$(atmctl card list --status stolen --format csv | sed 1d | cut -d, -f1)"
expect_exit 0 atmctl card set --note trial --token "$token" --status active
atmctl card add --note trial --card - --expiry 2912 --issuer HOUSE <<<"$(pan 500)" >/dev/null
OUTPUT=$(atmctl card add --note trial --card - --expiry 2912 --issuer HOUSE <<<"$(pan 500)" 2>&1) && wrong "a card is added twice"
says "$(mask 500): the database has this card already: expected a new one"
printf 'pan,balance_yen\n%s,5000\n' "$(pan 500)" >accounts.csv
chmod 600 accounts.csv
expect_exit 0 atmctl account import --note trial accounts.csv
refuses 1 "accounts.csv:2: column pan: '$(mask 500)': the card has an account already" atmctl account import --note trial accounts.csv
expect "the new account" 5000 "$(atmctl account show --card - --format csv <<<"$(pan 500)" | sed 1d | cut -d, -f2)"
OUTPUT=$(atmctl card list --limit 3 --format csv 2>&1)
says "there are more than 3"
expect "cards listed" 4 "$(atmctl card list --limit 3 --format csv 2>/dev/null | wc -l)"
expect "the last of all, and not of those that are listed first" "$(sql "SELECT string_agg(card_token::text, ' ' ORDER BY card_token DESC) FROM (SELECT card_token FROM card ORDER BY card_token DESC LIMIT 2) c")" \
        "$(atmctl card list --limit 2 --sort -card_token --format csv 2>/dev/null | sed 1d | cut -d, -f1 | xargs)"
OUTPUT=$(atmctl card list --limit 2 --sort status 2>&1)
says "the first 2 of $(sql "SELECT count(*) FROM card") by --sort: --limit N shows more of them"

# exclusions: by the year, from 2020-04-01 on
expect_exit 0 atmctl exclusion add --note trial --token "$token" --from 2020-04-01
refuses 1 "is excluded from that day already" atmctl exclusion add --note trial --token "$token" --from 2020-04-01
refuses 1 "exclusion from 2021-04-01 until 2022-03-31: expected a year or more" atmctl exclusion add --note trial --token "$token" --from 2021-04-01 --until 2022-03-31
expect_exit 0 atmctl exclusion end --note trial --token "$token" --on 2022-06-01
expect "the end of an exclusion" "2023-04-01" "$(atmctl exclusion show --token "$token" --format csv | sed 1d | cut -d, -f3)"
refuses 1 "no exclusion that runs" atmctl exclusion end --note trial --token "$token" --on 2022-06-01
expect "excluded on a day within" 1 "$(atmctl exclusion list --date 2023-03-31 --format csv | sed 1d | wc -l)"
expect "excluded on the day of the end" 0 "$(atmctl exclusion list --date 2023-04-01 --format csv | sed 1d | wc -l)"
TABLE=exclusion bad exclusion "bad.csv:2: column until: '$(mask 2)': expected a year or more after" "pan,from,until" "$(pan 2),2020-05-01,2021-04-30"
TABLE=exclusion bad exclusion "bad.csv:2: column from: '$(mask 2)': expected 2020-04-01 or later" "pan,from" "$(pan 2),2020-03-31"

# one row at a time -------------------------------------------------------------------------------------------

expect_exit 0 atmctl hall add HX-1 --name 新しいホール --area kanto --prefecture 東京都 --opens 09:00
for name in "''" "repeat('a', 201)" "E'two\\nlines'" "E'red \\x1b[31m'" "U&'turned \\202e'"; do
        [[ $(PGUSER=$CLUSTER_PERSON psql -X -c "UPDATE hall SET name = $name WHERE hall = 'HX-1'" 2>&1) == *'"hall_name_line"'* ]] ||
                wrong "a hall is called $name"
done
refuses 1 "hall HX-1 exists already" atmctl hall add HX-1 --name x --area kanto --prefecture 東京都
refuses 1 "area: 'mars': the database has no such area" atmctl hall add HX-2 --name x --area mars --prefecture 東京都
refuses 1 "closes: expected a time after 'opens'" atmctl hall set HX-1 --closes 08:00
refuses 1 "prefecture: expected one of Japan's 47 prefectures" atmctl hall set HX-1 --prefecture 東京
refuses 1 "name: it would change at once: expected it as it is where --from is given" \
        atmctl hall set HX-1 --name 旧いホール --area kanto --from 9999-01-01
refuses 2 "expected a registration number: T and 13 digits, as T1234567890123" atmctl hall set HX-1 --registration T123
refuses 1 "hall: no note: expected a reason" atmctl hall set HX-1 --share-bp 250
expect_exit 0 atmctl hall set HX-1 --closes=22:30 --share-bp 250 --note "a share from now on"
IFS='|' read -r change said < <(sql "SELECT change, concat_ws(' ', before -> 'share_bp', after -> 'share_bp') FROM trail ORDER BY change DESC LIMIT 1")
expect "what the trail has of it" "0 250" "$said"
expect "its row" "$change $PGUSER $(id -un) hall set|hall HX-1 changed a share from now on" \
        "$(json "$(atmctl trail list --noun hall --key HX-1 --person "$(id -un)" --limit 1 --format json 2>/dev/null)" "(SELECT concat_ws(' ', r ->> 'change', r ->> 'who', r ->> 'person', r ->> 'command') || '|' || concat_ws(' ', r ->> 'noun', r ->> 'key', r ->> 'what', r ->> 'note') FROM jsonb_array_elements((:'j')::jsonb) r)")"
expect_exit 0 atmctl trail show "$change"
says '"share_bp": 250' "a share from now on"
expect "the row before it, as JSON" 0 "$(json "$(atmctl trail show "$change" --format json)" "(:'j')::jsonb -> 'before' ->> 'share_bp'")"
refuses 1 "the trail has no such change" atmctl trail show 999999999
refuses 2 "expected area, hall, atm" atmctl trail list --noun halls
expect "a hall as JSON" '{"hall":"HX-1","name":"新しいホール","area":"kanto","prefecture":"東京都","opens":"09:00","closes":"22:30","share_bp":250,"registration":null,"changes_on":null,"then":null}' \
        "$(atmctl hall show HX-1 --format json)"
expect_exit 0 atmctl hall set HX-1 --closes 22:30
says "is so already"
expect_exit 0 atmctl hall set HX-1 --share-bp 300 --prefecture 千葉県 --from 9998-12-31 --note "agreed for later"
expect "a share that is not its share yet" "東京都 250" "$(atmctl hall list --format csv 2>/dev/null | awk -F, '$1 == "HX-1" { print $4, $7 }')"
expect_exit 0 atmctl hall show HX-1
says "changes_on    9998-12-31" "then          prefecture 千葉県, share_bp 300"
expect "what it will be, to programs" "9998-12-31 prefecture 千葉県, share_bp 300" "$(json "$(atmctl hall list --format json)" \
        "(SELECT concat_ws(' ', x ->> 'changes_on', x ->> 'then') FROM jsonb_array_elements((:'j')::jsonb) x WHERE x ->> 'hall' = 'HX-1')")"
refuses 1 "hall HX-1: it changes on 9998-12-31 already" atmctl hall set HX-1 --area kansai --note trial
says "takes that change back"
expect_exit 0 atmctl hall set HX-1 --share-bp 250 --prefecture 東京都 --from 9998-12-31 --note "not agreed"
expect "a hall whose change was taken back" "250 " "$(atmctl hall show HX-1 | awk '$1 == "share_bp" { s = $2 } $1 == "changes_on" || $1 == "then" { s = s " " $2 } END { print s }' | sed 's/ *$/ /')"
expect_exit 0 atmctl hall set HX-1 --area kansai --note "nothing stands in the way of a change today"
expect_exit 0 atmctl hall set HX-1 --area kanto --note "as it was"
expect_exit 0 atmctl hall set HX-1 --share-bp 300 --prefecture 千葉県 --from 9998-12-31 --note "agreed for later"
refuses 1 "the database has no hall HX-9" atmctl hall show HX-9
refuses 1 "the database has no hall HX-9" atmctl hall set HX-9 --closes 22:30
expect_exit 0 atmctl atm add TX000001 --hall HX-1
expect_exit 0 atmctl atm disable TX000001
expect "a disabled ATM" '[{"terminal":"TX000001","hall":"HX-1","enabled":false}]' "$(atmctl atm list --hall HX-1 --format json --columns terminal,hall,enabled)"
expect_exit 0 atmctl atm enable TX000001
expect "an enabled ATM" "TX000001,HX-1,yes,新しいホール,東京都,,,," "$(atmctl atm list --hall HX-1 --format csv | sed 1d)"
refuses 2 "--note" atmctl atm bar TX000001
refuses 1 "no note: expected a reason" atmctl atm bar TX000001 --note ' '
[[ $(PGUSER=$CLUSTER_PERSON psql -X -c "UPDATE atm SET barred = true WHERE terminal = 'TX000001'" 2>&1) == *"no note: expected a reason"* ]] ||
        wrong "an ATM is barred without a note"
refuses 1 "the database has no ATM TX000009" atmctl atm bar TX000009 --note 'stolen'
expect_exit 0 atmctl atm bar TX000001 --note 'stolen from the hall'
says "atm TX000001: barred"
expect "a barred ATM, to programs" '"stolen from the hall"' "$(json "$(atmctl atm show TX000001 --format json)" "(:'j')::jsonb -> 'barred'")"
expect "barred ATMs" "TX000001,HX-1,,stolen from the hall" "$(atmctl atm barred --format csv | sed 1d)"
# who reports sees that it is barred; why is in the trail, which is not his
expect "a barred ATM, to the operator and to who reports" $'stolen from the hall\nyes' \
        "$(for role in "$PGUSER" atm_report; do PGUSER=$role atmctl atm show TX000001 | sed -n 's/^barred  *//p'; done)"
expect_exit 0 atmctl atm bar TX000001 --note 'stolen again'
says "atm TX000001: is so already; the note is in the trail"
expect_exit 0 atmctl atm bar TX000001 --note 'stolen again'
says "atm TX000001: is so already"
[[ $OUTPUT != *trail* ]] || wrong "the same note is in the trail twice"
expect "why it is barred, the last word" "TX000001,HX-1,,stolen again" "$(atmctl atm barred --format csv | sed 1d)"
expect_exit 0 atmctl atm bar TX000001 --until 2099-01-01 --note 'until it is found'
expect "why and until when it is barred" "TX000001,HX-1,2099-01-01T00:00,until it is found" "$(atmctl atm barred --format csv | sed 1d)"
expect_exit 0 atmctl atm set TX000001 --enabled no --note 'nothing about its being barred'
expect_exit 0 atmctl atm set TX000001 --enabled yes
expect "why it is barred after another change" "until it is found" "$(atmctl atm barred --format csv | sed 1d | cut -d, -f4)"
expect_exit 0 atmctl atm unbar TX000001 --note "found, keys renewed; held $(pan 1), $(pan 1 | sed 's/..../& /g; s/ $//'), RRN 633412000017"
says "atm TX000001: let in again"
expect "barred ATMs once it is let in" "" "$(atmctl atm barred --format csv | sed 1d)"
expect "what the trail has of it" $'atm bar|true|stolen from the hall\natm bar|true|stolen again\natm bar|true|until it is found\natm unbar|false|found, keys renewed; held '"$(mask 1), $(mask 1 | sed 's/..../& /g; s/ $//'), RRN 633412000017" \
        "$(sql "SELECT command, after ->> 'barred', note FROM trail WHERE noun = 'atm' AND key = 'TX000001' AND command ~ 'bar' ORDER BY change")"
# many at once, and until when
expect_exit 0 atmctl atm add TX000002 --hall HX-1
refuses 2 "which ATMs? expected their ids, or --hall, or --area" atmctl atm disable
refuses 2 "which ATMs? expected their ids, or --hall, or --area" atmctl atm disable TX000001 --hall HX-1
refuses 1 "the database has no hall HX-9" atmctl atm disable --hall HX-9
refuses 1 "the database has no ATM TX000009" atmctl atm disable TX000001 TX000009
refuses 1 "--until 2016-01-01: expected a moment after now" atmctl atm disable --hall HX-1 --until 2016-01-01
expect_exit 0 atmctl atm disable TX000002
says "atm TX000002: disabled"
expect_exit 0 atmctl atm disable --hall HX-1 --until 2099-01-04T09:00 --note 'closed over New Year'
says "1 of 2 ATMs disabled until 2099-01-04T09:00" "disabled for longer already: TX000002"
expect_exit 0 atmctl atm disable --hall HX-1 --until 2099-01-04T09:00
says "0 of 2 ATMs disabled"
# one ATM that is named may come back sooner than was said; of many each keeps the later end, and what has none keeps that
expect_exit 0 atmctl atm disable TX000002 --until 2099-01-04T09:00
expect_exit 0 atmctl atm disable --hall HX-1 --until 2099-01-04T09:00
says "no ATM is otherwise"
expect_exit 0 atmctl atm disable --hall HX-1 --until 2099-01-03
says "0 of 2 ATMs disabled until 2099-01-03" "disabled for longer already: TX000001 until 2099-01-04T09:00, TX000002 until 2099-01-04T09:00"
expect "why it is disabled" "the engineer comes" "$(atmctl atm disable TX000002 --note 'the engineer comes' >/dev/null
        atmctl atm list --hall HX-1 --enabled no --format csv --columns terminal,disabled_why | sed -n 's/^TX000002,//p')"
expect_exit 0 atmctl atm disable TX000002 --until 2099-01-04T09:00
[[ $(atmctl atm show TX000002) =~ disabled_until\ +2099-01-04T09:00 ]] || wrong "until when it is disabled is not shown: $(atmctl atm show TX000002)"
expect_exit 0 atmctl atm set TX000002 --enabled yes
expect "an end of what is no more" "" "$(sql "SELECT disabled_until FROM atm WHERE terminal = 'TX000002'")"
expect_exit 0 atmctl atm enable TX000001 TX000002
says "1 of 2 ATMs enabled"
expect_exit 0 atmctl atm bar TX000002 --note 'stolen'
expect_exit 0 atmctl atm bar --hall HX-1 --until 2099-01-04 --note 'the hall is rebuilt'
says "1 of 2 ATMs barred until 2099-01-04" "barred for longer already: TX000002"
expect "barred ATMs of an area" "TX000001 TX000002" "$(atmctl atm list --area kanto --barred yes --format csv --columns terminal | sed 1d | xargs)"
expect "barred ATMs of another area" "[]" "$(atmctl atm list --area kyushu --barred yes --format json)"
expect "what a hall's end leaves barred" "TX000001,HX-1,2099-01-04T00:00,the hall is rebuilt TX000002,HX-1,,stolen" \
        "$(atmctl atm barred --format csv | sed 1d | xargs -d '\n')"
expect_exit 0 atmctl atm unbar --hall HX-1 --note 'the hall is rebuilt'
says "1 of 2 ATMs let in again" "still barred, for nothing ends it by itself: TX000002"
expect_exit 0 atmctl atm bar TX000001 --note 'stolen, too'
expect_exit 0 atmctl atm unbar --hall HX-1 --all --note 'found'
says "2 of 2 ATMs let in again"
expect_exit 0 atmctl atm disable TX000001
expect_exit 0 atmctl atm enable --area kanto
says "still disabled, for nothing ends it by itself: TX000001"
expect_exit 0 atmctl atm enable TX000001
standing=$(sql "SELECT count(*) FROM atm JOIN hall USING (hall) WHERE area IN ('kanto', 'tokai')")
expect_exit 0 atmctl atm bar --area kanto tokai --until 2099-01-04 --note 'a fault of the maker'
says "$standing of $standing ATMs barred until 2099-01-04"
expect "what is barred" "$standing 2099-01-04T00:00" "$(atmctl atm barred --format csv | sed 1d | cut -d, -f3 | uniq -c | awk '{ print $1, $2 }')"
sql "UPDATE atm SET barred_until = business_now() WHERE terminal = 'TX000002'; UPDATE atm SET enabled = false, disabled_until = business_now() WHERE terminal = 'TX000001'"
expect "ends that have come" "2 0" "$(PGUSER=atm_daemon psql -X -A -t -q -c 'SELECT atm_end_due()' -c 'SELECT atm_end_due()' | xargs)"
expect "those whose end has come" "TX000001 t t,TX000002 t f" \
        "$(sql "SELECT string_agg(concat_ws(' ', terminal, enabled, barred), ',' ORDER BY terminal) FROM atm WHERE hall = 'HX-1'")"
expect_exit 0 atmctl atm unbar --area kanto tokai --note 'mended'
says "$((standing - 1)) of $standing ATMs let in again"
sql "DELETE FROM atm WHERE terminal = 'TX000002'"
expect_exit 0 atmctl atm set TX000001 --hall ''
expect "an ATM that stands nowhere" '{"terminal":"TX000001","hall":null,"enabled":true,"hall_name":null,"prefecture":null,"disabled_until":null,"disabled_why":null,"barred":null,"barred_until":null}' "$(atmctl atm show TX000001 --format json)"
expect_exit 0 atmctl limit add --note trial day_yen 2031-01-01 --value ''
expect "a lifted limit" '{"kind":"day_yen","from":"2031-01-01","value":null}' "$(atmctl limit show day_yen 2031-01-01 --format json)"
expect_exit 0 atmctl limit remove --note trial day_yen 2031-01-01
refuses 1 "the database has no limit day_yen 2031-01-01" atmctl limit remove --note trial day_yen 2031-01-01
expect_exit 0 atmctl holiday add 2016-12-30 --name 臨時
expect "an operator's holiday" "2016-12-30,operator,臨時,yes" "$(atmctl holiday list --source operator --format csv | sed 1d)"
expect_exit 0 atmctl holiday remove 2016-12-30
# atmd could not price their cards: refused, with the reason and before anything is committed, whichever half is missing
expect_exit 0 atmctl issuer add NEWB --name 新銀行
refuses 1 "issuer NEWB: no tariff for band day, though card prefix 990077 leads to it" atmctl prefix add 990077 2016-01-01 --issuer NEWB
refuses 1 "issuer NEWB: no tariff for band day, though card prefix 990077 leads to it" atmctl prefix add 990077 2037-01-01 --issuer NEWB
expect_exit 0 atmctl tariff add --note trial NEWB day 2016-01-01 --customer-fee-yen 100 --interbank-fee-yen 90
refuses 1 "issuer NEWB: no tariff for band other" atmctl prefix add 990077 2016-01-01 --issuer NEWB
printf 'prefix,from,issuer,kind\n990077,2016-01-01,NEWB,cash\n' >new-prefix.csv
refuses 1 "issuer NEWB: no tariff for band other" atmctl prefix import new-prefix.csv
expect "nothing of it" 0 "$(sql "SELECT count(*) FROM card_prefix WHERE issuer = 'NEWB'")"
expect_exit 0 atmctl tariff add --note trial NEWB other 2016-01-01 --customer-fee-yen 200 --interbank-fee-yen 90
expect_exit 0 atmctl prefix import new-prefix.csv
refuses 1 "issuer NEWB: no tariff for band other, though card prefix 990077 leads to it" atmctl tariff remove --note trial NEWB other 2016-01-01
refuses 1 "issuer NEWB: a gap: tariffs of band day start on 2016-01-01, of band other on 2015-12-01" \
        atmctl tariff add --note trial NEWB other 2015-12-01 --customer-fee-yen 200 --interbank-fee-yen 90
# what came in by another way hinders no other change, and is no longer lacking when it is mended
sql "DELETE FROM tariff WHERE issuer = 'NEWB' AND band = 'other'"
expect_exit 0 atmctl area set kanto --name 関東
refuses 1 "issuer HOUSE: no tariff for band day" atmctl tariff remove --note trial HOUSE day 2007-07-01
expect_exit 0 atmctl tariff add --note trial NEWB other 2016-01-01 --customer-fee-yen 200 --interbank-fee-yen 90
expect_exit 0 atmctl prefix remove 990077 2016-01-01
sql "DELETE FROM tariff WHERE issuer = 'NEWB'; DELETE FROM issuer WHERE issuer = 'NEWB'"
expect_exit 0 atmctl prefix add 777 2016-01-01 --issuer HOUSE
expect "kind of a prefix" cash "$(atmctl prefix show 777 2016-01-01 --format csv | sed 1d | cut -d, -f4)"
expect_exit 0 atmctl prefix remove 777 2016-01-01

# formats: tables line up in terminal cells whatever the names; files appear whole or not at all
atmctl hall list >halls.txt
expect "lines of the table" "$(sql "SELECT count(*) + 1 FROM hall")" "$(wc -l <halls.txt)"
expect "widths before the area" 1 "$(sed -E 's/ (kanto|kansai|kyushu|tokai|area) .*/|/' halls.txt |
        while IFS= read -r line; do wc -L <<<"$line"; done | sort -u | wc -l)"
LC_ALL=C atmctl hall list | cmp - halls.txt || wrong "a table depends on the environment's language"
atmctl area list --format json --output areas.json
expect "areas in a file" "$(atmctl area list --format json)" "$(cat areas.json)"
expect "mode of a new file" "$(printf %o $((0666 & ~$(umask))))" "$(stat -c %a areas.json)"
refuses 1 "can't be written" atmctl area list --output no-such-folder/x
refuses 1 "can't be written" atmctl area list --output /dev/full
refuses 1 "can't be written" atmctl area list --output .
[[ -c /dev/full ]] || wrong "--output put a file in the place of a device"
ln -s areas.json link.json
atmctl area list --format json --output link.json
[[ -L link.json ]] || wrong "--output put a file in the place of a link"
expect "list by a pipe" "$(atmctl area list --format csv)" "$(atmctl area list --format csv --output /dev/stdout | cat)"
expect "files left behind" "" "$(find . -name 'areas.json.*')"
expect "an empty list as JSON" "[]" "$(atmctl atm list --hall HX-1 --format json)"
OUTPUT=$(atmctl atm list --hall HX-1 2>&1)
expect "an empty table" none "$OUTPUT"
if [[ -w /dev/full ]]; then
        OUTPUT=$(atmctl area list --format csv 2>&1 >/dev/full) && wrong "a full disk is no failure"
        says "can't be written"
fi

# the clock
expect "speed of real time" '"speed":1' "$(atmctl clock --format json | grep -o '"speed":1')"
expect_exit 0 env ATM_CLOCK_START_MS=1482965700000 ATM_CLOCK_ANCHOR_MS="$(now_ms)" ATM_CLOCK_SPEED=1 atmctl clock
says "2016-12-29T07:55:" environment
refuses 1 "ATM_CLOCK_SPEED: '0': expected a whole number from 1 to 2147483647" env ATM_CLOCK_START_MS=0 ATM_CLOCK_ANCHOR_MS=0 ATM_CLOCK_SPEED=0 atmctl clock
refuses 1 "ATM_CLOCK_ANCHOR_MS: ''" env ATM_CLOCK_START_MS=0 atmctl clock

# certificates
mkdir certs
expect_exit 0 atmctl pki init --dir pki
refuses 1 "pki/ca.crt" atmctl pki init --dir pki
expect_exit 0 atmctl pki issue --dir pki --out certs --server atmd --san IP:127.0.0.1,DNS:localhost
expect_exit 0 atmctl pki issue --dir pki --out certs --terminal T0000001 T0000002 T0000001 --days 30
says "2 certificates issued"
expect_exit 0 atmctl pki issue --dir pki --out certs --terminals "$ROOT/etc/atms.csv"
says "certs: 1064 certificates issued, 2 others there already"
# what is there is in an ATM: it is written over only where that is said
before=$(cat certs/T000000[12].* certs/atmd.* | md5sum)
refuses 1 "certs/T0000002.crt or its key is there already" atmctl pki issue --dir pki --out certs --terminal TX000001 T0000002
refuses 1 "certs/atmd.crt or its key is there already" atmctl pki issue --dir pki --out certs --server atmd --san DNS:localhost
expect "files that are there" "$before" "$(cat certs/T000000[12].* certs/atmd.* | md5sum)"
[[ ! -e certs/TX000001.crt ]] || wrong "some of several certificates were issued"
expect_exit 0 atmctl pki issue --dir pki --out certs --terminal T0000001 T0000002 --replace
says "certs: 2 certificates issued"
[[ $before != $(cat certs/T000000[12].* certs/atmd.* | md5sum) ]] || wrong "--replace replaces nothing"
for names in foo IP:999.1.1.1 'DNS:a b'; do
        refuses 2 "'$names': expected names as IP:127.0.0.1,DNS:localhost" atmctl pki issue --dir pki --out certs --server other --san "$names"
        refuses 2 "'$names': expected names as IP:127.0.0.1,DNS:localhost" atmctl setup --san "$names" --dry-run
done
openssl verify -CAfile pki/ca.crt certs/atmd.crt certs/T0001066.crt >/dev/null || wrong "certificates do not verify"
expect_exit 0 atmctl pki issue --dir pki --out certs --client tanaka --days 20
refuses 1 "to be renewed within 30 days: 1" atmctl pki list pki certs --within 30
expect_exit 0 atmctl pki revoke --dir pki --crl pki/crl.pem --certificate certs/tanaka.crt --days 60
expect_exit 0 atmctl pki list pki certs --within 30
atmctl pki list pki certs --format csv >listed.csv
# what is made within this second has its days whole
expect "what ends first, and the list's next date" "19,client,tanaka,yes,certs/tanaka.crt 59,revocations,ATM network CA,no,pki/crl.pem" \
        "$(sed -n '2,3p' listed.csv | cut -d, -f1,3,4,6,7 | sed 's/^60,/59,/; s/^20,/19,/' | xargs -d '\n')"
expect "kinds" "1066 client,no 1 authority,no 1 client,yes 1 revocations,no 1 server,no" "$(sed 1d listed.csv | cut -d, -f3,6 | sort | uniq -c | sort -k1nr -k2 | awk '{ print $1, $2 }' | xargs)"
expect "its number" "$(openssl x509 -in certs/tanaka.crt -noout -serial | cut -d= -f2)" "$(sed -n 2p listed.csv | cut -d, -f5)"
refuses 1 "no-such-folder: can't be read" atmctl pki list no-such-folder
# a file with nothing to list is named, and the others are listed
mkdir mixed
cp certs/atmd.crt mixed/good.crt
cp certs/atmd.key mixed/key.pem
echo nothing >mixed/nothing.pem
head -c 300 certs/atmd.crt >mixed/cut.crt
refuses 1 "mixed/nothing.pem: can't be read: expected a certificate, or a list of revoked ones, as PEM" atmctl pki list mixed --format csv
says "mixed/cut.crt: can't be read" "mixed/good.crt"
[[ $OUTPUT != *key.pem* ]] || wrong "a key alone is missed: $OUTPUT"
# (without the days, which may be over between the two)
expect "standard output by its name" "$(atmctl pki list certs --format csv | cut -d, -f2- | sort | md5sum)" \
        "$(atmctl pki list certs --format csv --output - | cut -d, -f2- | sort | md5sum)"
[[ ! -e - ]] || wrong "--output - writes a file"
expect "mode of keys" "600 600" "$(stat -c %a pki/ca.key certs/T0000001.key | xargs)"
printf 'terminal\nT0000001\nbad\n' >terminals.csv
refuses 1 "terminals.csv:3: column terminal: 'bad': expected 8 capitals or digits" atmctl pki issue --dir pki --out certs --terminals terminals.csv
refuses 1 "column terminal: missing in the header" atmctl pki issue --dir pki --out certs --terminals form.csv

# history: what the ledger's own functions wrote for 400 cards over three days ---------------------------------

expect "reports of nothing" "[]" "$(json "$(atmctl report revenue --from 2016-12-01 --to 2016-12-31 --by area --format json)" "(:'j')::jsonb -> 'rows'")"
refuses 1 "none is like that" atmctl withdrawal show --stan 1
PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SET TIME ZONE 'Asia/Tokyo';
-- withdrawal i: card i, 1,000 to 30,000 yen, at any hour of 29 to 31 December 2016
CREATE TEMPORARY TABLE w AS
SELECT i, c.card_token, c.pan_mask, a.terminal, a.hall, i AS stan, (i % 30 + 1) * 1000 AS amount_yen,
       TIMESTAMPTZ '2016-12-29 08:00:00+09' + make_interval(days => i % 3, mins => i * 7 % 780) AS at
FROM generate_series(1, 400) i
JOIN (SELECT *, row_number() OVER (ORDER BY card_token) AS n FROM card WHERE expiry_yymm = '3012') c ON c.n = i
JOIN (SELECT *, row_number() OVER (ORDER BY terminal) AS n FROM atm WHERE hall IS NOT NULL) a ON a.n = i * 5 % 997 + 1;
CREATE TEMPORARY TABLE p AS
SELECT w.*, t.from_on, r.rate_bp, t.customer_fee_yen AS cf, t.interbank_fee_yen AS bf, t.band,
       t.customer_fee_yen * r.rate_bp / 10000 AS ct, t.interbank_fee_yen * r.rate_bp / 10000 AS bt,
       (t.customer_fee_yen + t.interbank_fee_yen) * h.share_bp / 10000 AS share
FROM w JOIN hall h USING (hall)
CROSS JOIN LATERAL (SELECT CASE WHEN at::date < '2016-12-31' AND at::time >= '08:45' AND at::time < '18:00' THEN 'day' ELSE 'other' END AS band) b
CROSS JOIN LATERAL (SELECT * FROM tariff t WHERE t.issuer = 'HOUSE' AND t.band = b.band AND t.from_on <= at::date ORDER BY from_on DESC LIMIT 1) t
CROSS JOIN LATERAL (SELECT * FROM tax_rate r WHERE r.from_on <= at::date ORDER BY from_on DESC LIMIT 1) r;
-- every 20th is refused for its hours; the rest are approved
SELECT ledger_request((SELECT version FROM reference_version), array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg(10000), array_agg(amount_yen::bigint), array_agg(card_token), array_agg(pan_mask),
        array_agg('3012'::text), array_agg('HOUSE'::text), array_agg(band), array_agg(hall), array_agg(at::date),
        array_agg('2016-12-01'::date), array_agg(from_on), array_agg(rate_bp), array_agg(cf), array_agg(ct),
        array_agg(bf), array_agg(bt), array_agg(share), array_agg(30000::bigint), array_agg(80000::bigint),
        array_agg(2::bigint), array_agg((CASE WHEN i % 20 = 0 THEN 10 ELSE 0 END)::smallint), array_agg('123456'::text),
        array_agg(NULL::text), array_agg(0::smallint), array_agg(NULL::text), 90000) FROM p;
-- i % 10 = 1: open; 2: reversed; 3: in part; 4: completed, then reversed; 5: more than asked (exception); else completed
SELECT ledger_advice(array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg(CASE WHEN i % 10 IN (2, 3) THEN 'reversal' ELSE 'completion' END), array_agg(at + INTERVAL '40 s'),
        array_agg(stan + 1000), array_agg(CASE WHEN i % 10 IN (2, 3) THEN '22' END), array_agg(amount_yen::bigint),
        array_agg((CASE i % 10 WHEN 2 THEN 0 WHEN 3 THEN amount_yen - 1000 WHEN 5 THEN amount_yen + 1000 ELSE amount_yen END)::bigint), 300000)
FROM p WHERE i % 10 <> 1;
SELECT ledger_advice(array_agg(terminal), array_agg(at), array_agg(stan), array_agg('reversal'::text),
        array_agg(at + INTERVAL '90 s'), array_agg(stan + 2000), array_agg('17'::text), array_agg(amount_yen::bigint),
        array_agg(0::bigint), 300000) FROM p WHERE i % 10 = 4;
-- a reversal of what never came: its identity is blocked
SELECT ledger_advice(ARRAY['T0000001'], ARRAY[TIMESTAMPTZ '2016-12-29 12:00:00+09'], ARRAY[999999], ARRAY['reversal'],
        ARRAY[TIMESTAMPTZ '2016-12-29 12:00:40+09'], ARRAY[999998], ARRAY['68'], ARRAY[5000::bigint], ARRAY[0::bigint], 300000);
SQL

# the report: the same sum whatever it is grouped by, and equal to the rows
total=$(sql "SELECT concat_ws(' ', count(*), sum(dispensed_yen), sum(customer_fee_yen), sum(interbank_fee_yen), sum(tax_yen), sum(customer_fee_yen + interbank_fee_yen))
        FROM v_withdrawal WHERE dispensed_yen > 0")
for by in area prefecture hall atm day month; do
        report=$(atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by "$by" --format json)
        expect "the sum by $by" "$total" "$(json "$report" "concat_ws(' ', sum(withdrawals), sum(cash_yen), sum(customer_fee_yen), sum(interbank_fee_yen), sum(tax_yen), sum(commission_yen))
                FROM jsonb_to_recordset((:'j')::jsonb -> 'rows') r (withdrawals bigint, cash_yen bigint, customer_fee_yen bigint, interbank_fee_yen bigint, tax_yen bigint, commission_yen bigint)")"
        [[ $by =~ ^(area|hall|atm)$ ]] && name=,name || name=
        expect "keys by $by" "key$name,withdrawals,cash_yen,customer_fee_yen,interbank_fee_yen,tax_yen,commission_yen" \
                "$(atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by "$by" --format csv | head -n 1)"
done
expect "days" "2016-12-29 2016-12-30 2016-12-31" "$(atmctl report revenue --from 2016-12-01 --to 2017-01-31 --by day --format csv | sed 1d | cut -d, -f1 | xargs)"
expect "the last day alone" 2016-12-31 "$(atmctl report revenue --from 2016-12-31 --to 2016-12-31 --by day --format csv | sed 1d | cut -d, -f1)"
expect "months" 2016-12 "$(atmctl report revenue --from 2016-12-01 --to 2017-01-31 --by month --format csv | sed 1d | cut -d, -f1)"
expect "types of JSON" "string number number number number number number" "$(json "$(atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by area --format json)" \
        "concat_ws(' ', jsonb_typeof(j -> 'key'), jsonb_typeof(j -> 'withdrawals'), jsonb_typeof(j -> 'cash_yen'), jsonb_typeof(j -> 'customer_fee_yen'), jsonb_typeof(j -> 'interbank_fee_yen'), jsonb_typeof(j -> 'tax_yen'), jsonb_typeof(j -> 'commission_yen')) FROM (SELECT (:'j')::jsonb -> 'rows' -> 0 AS j) x")"
expect_exit 0 atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by area
says "関東" "九州" total "$(sql "SELECT to_char(sum(dispensed_yen), 'FM999,999,999') FROM v_withdrawal")"
expect "halls by revenue" 3 "$(atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by hall --format csv --limit 3 | sed 1d | sort -t, -k8,8nr -c && echo 3)"

expect "what a limit leaves out" "$(($(atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by hall --format csv | sed 1d | wc -l) - 3)) more rows, which the total has too" \
        "$(atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by hall --limit 3 2>/dev/null | grep more)"

# look-ups
newest=$(atmctl withdrawal list --format json --limit 1000)
expect "all withdrawals" 401 "$(json "$newest" "jsonb_array_length(:'j')")"
OUTPUT=$(atmctl withdrawal list 2>&1)
says "only the newest 100 are shown"
for state in approved completed reversed declined blocked; do
        expect "$state" "$(sql "SELECT count(*) FROM v_withdrawal WHERE state = '$state'")" \
                "$(json "$(atmctl withdrawal list --state $state --limit 1000 --format json)" "jsonb_array_length(:'j')")"
done
IFS='|' read -r terminal rrn at token < <(sql "SET TIME ZONE 'Asia/Tokyo'; SELECT terminal, rrn, to_char(transmitted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS'), card_token FROM v_withdrawal WHERE stan = 5")
one() {
        expect "withdrawals by $*" 1 "$(json "$(atmctl withdrawal list --format json "$@")" "jsonb_array_length(:'j')")"
}
one --rrn "$rrn"
one --token "$token"
one --stan 5 --terminal "$terminal"
one --terminal "$terminal" --from "$at" --to "${at%:*}:59"
one --card - < <(atmctl card list --format csv --limit 1000 | grep "^$token" | cut -d, -f2 | sed -E 's/.*([0-9]{4})$/\1/' | while read -r tail; do grep -m 1 -E "$tail," cards.csv | cut -d, -f1; done)
expect "by date" "$(sql "SELECT count(*) FROM v_withdrawal WHERE business_date = '2016-12-30'")" \
        "$(json "$(atmctl withdrawal list --date 2016-12-30 --limit 1000 --format json)" "jsonb_array_length(:'j')")"
expect "from a day to a day" "$(sql "SELECT count(*) FROM v_withdrawal WHERE business_date >= '2016-12-30'")" \
        "$(json "$(atmctl withdrawal list --from 2016-12-30 --to 2016-12-31 --limit 1000 --format json)" "jsonb_array_length(:'j')")"
whole=$(atmctl withdrawal show --rrn "$rrn" --terminal "$terminal" --format json)
expect "a withdrawal and what belongs to it" "5 approved 1 0 1 approved" "$(json "$whole" "concat_ws(' ', j ->> 'stan', j ->> 'state', jsonb_array_length(j -> 'advices'),
        jsonb_array_length(j -> 'commission'), jsonb_array_length(j -> 'exceptions'), j #>> '{exceptions,0,what}') FROM (SELECT (:'j')::jsonb AS j) x")"
# the ATM uses the STAN again within the hour: all of an RRN are shown
sql "INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, business_date)
        SELECT terminal, date_trunc('hour', transmitted_at) + INTERVAL '59 min 59 s', stan, 10, 10000, 1000, business_date FROM withdrawal WHERE terminal = '$terminal' AND stan = 5"
expect "both of an RRN" "5 declined 5 approved" "$(json "$(atmctl withdrawal show --rrn "$rrn" --terminal "$terminal" --format json)" \
        "string_agg(concat_ws(' ', x ->> 'stan', x ->> 'state'), ' ' ORDER BY n) FROM jsonb_array_elements(:'j') WITH ORDINALITY e (x, n)")"
expect "both of an RRN, listed" 2 "$(atmctl withdrawal list --rrn "$rrn" --terminal "$terminal" --format csv | sed 1d | wc -l)"
refuses 1 "several are like that" atmctl exception resolve --rrn "$rrn" --terminal "$terminal" --dispensed 0 --note "which?"
sql "DELETE FROM withdrawal WHERE terminal = '$terminal' AND stan = 5 AND reason = 10"
expect_exit 0 atmctl withdrawal show --stan 4
says reversed Advices Commission completion reversal
refuses 1 "several are like that" atmctl withdrawal show --date 2016-12-30
expect "exceptions" "40 approved 40 corrected 20 declined 80 no end" "$(atmctl exception list --format csv | sed 1d | cut -d, -f7 | sort | uniq -c | sort -k2 | xargs)"
expect "each withdrawal counts once in the sums" "$(atmctl exception list --format csv | awk -F, 'NR > 1 && !seen[$2 $5 $6]++ { yen += $8 } END { print yen }')" \
        "$(atmctl exception list | sed -n 's/^total of 180 *//p' | tr -d , | cut -d ' ' -f 1)"
expect "exceptions of an ATM" "approved no end" "$(atmctl exception list --terminal "$terminal" --format csv | sed 1d | cut -d, -f7 | sort | xargs)"

# tariffs and tax rates of a time that is priced already
refuses 1 "withdrawals of that time are already priced" atmctl tariff set --note trial HOUSE day 2007-07-01 --customer-fee-yen 101
says "let it take effect on a day that has no withdrawals yet"
[[ $OUTPUT != *--from* ]] || wrong "a tariff has no --from: $OUTPUT"
says "tariff set"
printf 'issuer,band,from,customer_fee_yen,interbank_fee_yen\nHOUSE,day,2031-01-01,1,1\nHOUSE,day,2016-12-30,1,1\n' >tariffs.csv
refuses 1 "tariffs.csv:3: tariff from 2016-12-30: withdrawals of that time are already priced" atmctl tariff import --note trial tariffs.csv
expect "tariffs after a refused import" 0 "$(sql "SELECT count(*) FROM tariff WHERE from_on >= '2016-01-01'")"
refuses 1 "already priced" atmctl tax add --note trial 2016-12-31 --rate-bp 900
expect_exit 0 atmctl tariff import --note trial "$ROOT/etc/tariffs.csv"

# verify ---------------------------------------------------------------------------------------------------------

# the reports above made sums, which would be named beside each commission row that is altered
sql "SELECT summary_forget('0001-01-01', 'infinity')" >/dev/null
expect_exit 0 atmctl verify
says commission day_sum card_month open_withdrawal " checks were recomputed from the history: all of them add up"
verified=$(atmctl verify --format json)
expect "what is verified" "380 380 0" "$(json "$verified" "concat_ws(' ', j #>> '{checked,commission}', j #>> '{checked,price}', jsonb_array_length(j -> 'differences')) FROM (SELECT (:'j')::jsonb AS j) x")"

# altered "what" ALTERATION REPAIR check... : each check names a difference, none but those does, and a key fits
altered() {
        local what=$1 do=$2 undo=$3 status=0 found
        shift 3
        sql "$do" >/dev/null
        found=$(atmctl verify --format json 2>/dev/null) || status=$?
        expect "verify after altering $what" 1 "$status"
        expect "checks that name $what" "$*" "$(json "$found" "string_agg(DISTINCT d ->> 'check', ' ' ORDER BY d ->> 'check') FROM jsonb_array_elements((:'j')::jsonb -> 'differences') d")"
        OUTPUT=$found
        says "${KEY:-}"
        sql "$undo" >/dev/null # what this leaves behind, the next one's checks name, and verify in the end
}
# withdrawal 9 is completed, 1 is open
IFS='|' read -r key token < <(sql "SET TIME ZONE 'Asia/Tokyo'; SELECT terminal || ' ' || to_char(transmitted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+09:00 000009', card_token FROM withdrawal WHERE stan = 9")
KEY=$key altered "a fee earned" "UPDATE commission SET customer_fee_yen = customer_fee_yen + 1 WHERE stan = 9" \
        "UPDATE commission SET customer_fee_yen = customer_fee_yen - 1 WHERE stan = 9" commission commission_row
sql "UPDATE commission SET customer_fee_yen = customer_fee_yen + 1 WHERE stan = 9"
expect_exit 1 atmctl verify --format csv
says "commission,$key,\"customer "
sql "UPDATE commission SET customer_fee_yen = customer_fee_yen - 1 WHERE stan = 9"
expect_exit 0 atmctl verify
KEY="tax_rate {" altered "what atmd decides from" "DELETE FROM reference_copy WHERE source = 'tax_rate'" "SELECT reference_refresh('tax_rate')" reference
KEY="limit {" altered "a table past its triggers" "SET session_replication_role = replica; UPDATE limit_rule SET value = value + 1 WHERE kind = 'day_count'" \
        "SET session_replication_role = replica; UPDATE limit_rule SET value = value - 1 WHERE kind = 'day_count'" reference trail
KEY=$key altered "a hall's share" "UPDATE commission SET hall_share_yen = hall_share_yen + 1 WHERE stan = 9" \
        "UPDATE commission SET hall_share_yen = hall_share_yen - 1 WHERE stan = 9" commission commission_row
KEY=$key altered "a band" "UPDATE withdrawal SET band = CASE band WHEN 'day' THEN 'other' ELSE 'day' END WHERE stan = 9; UPDATE commission c SET band = w.band FROM withdrawal w WHERE w.stan = 9 AND c.stan = 9" \
        "UPDATE withdrawal SET band = CASE band WHEN 'day' THEN 'other' ELSE 'day' END WHERE stan = 9; UPDATE commission c SET band = w.band FROM withdrawal w WHERE w.stan = 9 AND c.stan = 9" band price
KEY=$key altered "the tax rate applied" "UPDATE withdrawal SET tax_rate_bp = 500 WHERE stan = 9" \
        "UPDATE withdrawal SET tax_rate_bp = 800 WHERE stan = 9" commission_row price
KEY=$key altered "the cash of an advice" "UPDATE advice SET counted_yen = counted_yen + 1000 WHERE stan = 9" \
        "UPDATE advice SET counted_yen = counted_yen - 1000 WHERE stan = 9" account advice card_day card_month commission commission_row
KEY=$key altered "a state" "UPDATE advice SET state_before = 'completed' WHERE stan = 9" \
        "UPDATE advice SET state_before = 'approved' WHERE stan = 9" advice exception
KEY="card $token" altered "a balance" "UPDATE card SET balance_yen = balance_yen - 1 WHERE card_token = '$token'" \
        "UPDATE card SET balance_yen = balance_yen + 1 WHERE card_token = '$token'" account
KEY="card $token" altered "a day's count" "UPDATE card SET day_count = day_count + 1 WHERE card_token = '$token'" \
        "UPDATE card SET day_count = day_count - 1 WHERE card_token = '$token'" card_day
KEY="card $token" altered "a month's cash" "UPDATE card SET month_yen = month_yen + 1 WHERE card_token = '$token'" \
        "UPDATE card SET month_yen = month_yen - 1 WHERE card_token = '$token'" card_month
KEY="hall H99999" altered "a hall named" "UPDATE withdrawal SET hall = 'H99999' WHERE stan = 1" \
        "UPDATE withdrawal w SET hall = a.hall FROM atm a WHERE w.stan = 1 AND a.terminal = w.terminal" reference
KEY="a withdrawal" altered "an advice of nothing" "INSERT INTO advice SELECT terminal, transmitted_at, 888888, seq, kind, advice_at, advice_stan, why, amount_yen, dispensed_yen, state_before, state, counted_yen, commission FROM advice WHERE stan = 9" \
        "DELETE FROM advice WHERE stan = 888888" advice
KEY="an approved withdrawal" altered "commission of nothing" "INSERT INTO commission SELECT terminal, transmitted_at, 888888, seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on FROM commission WHERE stan = 9" \
        "DELETE FROM commission WHERE stan = 888888" commission commission_row
KEY="$key row 1" altered "a commission row lost" "CREATE TABLE gone AS SELECT * FROM commission WHERE stan = 9; DELETE FROM commission WHERE stan = 9" \
        "INSERT INTO commission SELECT * FROM gone; DROP TABLE gone" commission commission_row
KEY="$key row 1" altered "a day of posting" "UPDATE commission SET posted_on = posted_on + 1 WHERE stan = 9" \
        "UPDATE commission SET posted_on = posted_on - 1 WHERE stan = 9" posting
KEY=3Q16 altered "a period's sums" "INSERT INTO period SELECT '3Q16', '2016-10-01', '2016-12-31', 1, 'x', 0, sum(sign), sum(cash_yen) + 1, sum(customer_fee_yen + interbank_fee_yen), 0 FROM commission" \
        "DELETE FROM period" posting
KEY="T0000001 from 2016-11-01" altered "contracts" "SET session_replication_role = replica; INSERT INTO contract SELECT 'T0000001', d, NULL, hall, 1000 FROM hall, unnest(ARRAY[DATE '2016-11-01', DATE '2016-12-01']) d WHERE hall = (SELECT min(hall) FROM hall)" \
        "SET session_replication_role = replica; DELETE FROM contract" contract trail

# sums, cube by cube; what is said to be in none is not compared
sum_up() {
        sql "SELECT summary_extend('2016-12-31')" >/dev/null
        sql "DO \$\$ BEGIN WHILE summary_step(true) IS NOT NULL LOOP END LOOP; END \$\$"
}
sum_up
expect_exit 0 atmctl verify
# which has made a row of each that is open
KEY=" 000001" altered "an open withdrawal" "CREATE TABLE gone AS SELECT * FROM open_withdrawal WHERE stan = 1; DELETE FROM open_withdrawal WHERE stan = 1" \
        "INSERT INTO open_withdrawal SELECT * FROM gone; DROP TABLE gone" open_withdrawal
KEY="${key%% *} 2016-12-" altered "a day's sum" "UPDATE summary_detail SET cash_yen = cash_yen + 1000 WHERE terminal = '${key%% *}'" \
        "UPDATE summary_detail SET cash_yen = cash_yen - 1000 WHERE terminal = '${key%% *}'" day_sum
for cube in atm place day hour bank; do
        KEY="$cube 2016-12 " altered "a summary: $cube" "UPDATE summary_$cube SET interbank_fee_yen = interbank_fee_yen + 1" \
                "UPDATE summary_$cube SET interbank_fee_yen = interbank_fee_yen - 1" summary
done
KEY="withdrawals 0" altered "a summary lost" "CREATE TABLE gone AS SELECT * FROM summary WHERE cube = 'day'; DELETE FROM summary WHERE cube = 'day'" \
        "INSERT INTO summary SELECT * FROM gone; DROP TABLE gone" summary
KEY="day 2016-12 " altered "a summary that is there twice" "INSERT INTO summary SELECT * FROM summary WHERE cube = 'day'" \
        "DELETE FROM summary s USING summary t WHERE s.cube = 'day' AND t.cube = 'day' AND (s.posted_on, s.terminal, s.hall) = (t.posted_on, t.terminal, t.hall) AND s.ctid > t.ctid" summary
KEY="day 2016-12-0" altered "days that are said to be in no sum" "CREATE TABLE gone AS SELECT * FROM summed_day WHERE day < '2016-12-10' AND day >= '2016-12-01'; DELETE FROM summed_day WHERE day IN (SELECT day FROM gone)" \
        "INSERT INTO summed_day SELECT * FROM gone; DROP TABLE gone" summary
KEY="day 2016-12-31" altered "the end of the days that are summed up" "CREATE TABLE gone AS TABLE books; UPDATE books SET summed_through = '2016-12-30'" \
        "UPDATE books SET summed_through = (SELECT summed_through FROM gone); DROP TABLE gone" summary
KEY="${key%% *} 2016-12-" altered "a row that is said to be in no sum" "INSERT INTO unsummed_post SELECT terminal, transmitted_at, stan, seq, posted_on FROM commission WHERE stan = 9" \
        "DELETE FROM unsummed_post" day_sum summary
KEY="STAN 888888 row 1, said to be in no sum" altered "a row that is said to be in no sum, and is not there" "INSERT INTO unsummed_post SELECT terminal, transmitted_at, 888888, seq, posted_on FROM commission WHERE stan = 9" \
        "DELETE FROM unsummed_post" summary
# what came late and is not noted: as if its batch had known nothing of the sums
KEY="${key%% *} 2016-12-" altered "a late post that is not noted" "CREATE TABLE gone AS SELECT * FROM commission WHERE stan = 9; DELETE FROM commission WHERE stan = 9; SELECT summary_forget('2016-12-01', '2016-12-31'); DO \$\$ BEGIN WHILE summary_step(true) IS NOT NULL LOOP END LOOP; END \$\$; INSERT INTO commission SELECT * FROM gone; DROP TABLE gone" \
        "SELECT summary_forget('2016-12-01', '2016-12-31')" day_sum summary
sum_up
expect_exit 0 atmctl verify

# part by part it says the same
expect "verify in parts" "$(atmctl verify --format json)" "$(ATM_VERIFY_PARTS=7 atmctl verify --format json)"
refuses 1 "expected a whole number from 1 to 1000" env ATM_VERIFY_PARTS=0 atmctl verify

# banks behind links ---------------------------------------------------------------------------------------------

expect "links of nothing" "[]" "$(atmctl link list --format json)"
expect "links, watched" "link,issuers link,issuers" "$(atmctl link list --watch 1 --columns link,issuers -o csv | head -n 2 | paste -sd ' ')"
expect_exit 0 atmctl issuer add BANKA --name あおば銀行 --link BANKA --opens 08:00 --closes 21:00
expect "an issuer's calendar" '{"issuer":"BANKA","name":"あおば銀行","link":"BANKA","opens":"08:00","closes":"21:00","off_opens":"08:00","off_closes":"21:00","pin_method":"none","pin_tries_max":3}' \
        "$(atmctl issuer show BANKA --format json)"
expect_exit 0 atmctl issuer set BANKA --off-opens 00:00 --off-closes 00:00
printf 'issuer,name,opens\nBANKB,B,09:00\n' >issuers.csv
expect_exit 0 atmctl issuer import issuers.csv
expect "columns that a file lacks" "BANKB,B,,09:00,24:00,09:00,24:00,none,3" "$(atmctl issuer show BANKB --format csv | sed 1d)"
expect_exit 0 atmctl issuer set BANKB --link BANKB
refuses 1 "none: a bank behind a link verifies its cards' PINs itself" atmctl issuer set BANKB --pin-method pvv --note trial
expect "issuers of a link" BANKA "$(atmctl issuer list --link BANKA --format csv | sed 1d | cut -d, -f1)"
for issuer in BANKA BANKB; do
        expect_exit 0 atmctl tariff add --note trial $issuer day 2016-01-01 --customer-fee-yen 100 --interbank-fee-yen 90
        expect_exit 0 atmctl tariff add --note trial $issuer other 2016-01-01 --customer-fee-yen 200 --interbank-fee-yen 90
done
expect_exit 0 atmctl prefix add 990011 2016-01-01 --issuer BANKA
number=$(luhn 990011000000001)
bad card "column balance_yen: '990011******${number: -4}': expected nothing, for the card's bank keeps its accounts itself, behind link BANKA" \
        "$header" "$number,3012,1234,BANKA,1"
OUTPUT=$(atmctl card add --note trial --card - --expiry 2912 --issuer BANKA --balance-yen 1 <<<"$number" 2>&1) && wrong "an account of another bank's card"
says "a card of bank BANKA, which keeps its accounts itself: expected a card of the house bank"

# Ten withdrawals of BANKA at one ATM: 1 the bank is being asked; 2 approved, no end; 3 completed; 4 in part;
# 5 reversed; 6 declined; 7 timed out; 8 reversed while the bank was asked; 9 completed, then reversed; 10 timed
# out, and the ATM claims cash. The bank has acknowledged what 4, 5 and 8 told it.
export ATM_CLOCK_START_MS=1485918000000 ATM_CLOCK_SPEED=1 # 2017-02-01T12:00 in Japan
ATM_CLOCK_ANCHOR_MS=$(now_ms)
export ATM_CLOCK_ANCHOR_MS
PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SET TIME ZONE 'Asia/Tokyo';
CREATE TEMPORARY TABLE b AS
SELECT i, 'T0000002'::text AS terminal, TIMESTAMPTZ '2017-02-01 10:00:00+09' + make_interval(mins => i) AS at, i AS stan,
       md5('card ' || i)::uuid AS card_token, h.hall, h.share_bp
FROM generate_series(1, 10) i, (SELECT hall, share_bp FROM atm JOIN hall USING (hall) WHERE terminal = 'T0000002') h;
SELECT ledger_request((SELECT version FROM reference_version), array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg(10000), array_agg(10000::bigint), array_agg(card_token), array_agg('990011******1234'::text),
        array_agg('3012'::text), array_agg('BANKA'::text), array_agg('day'::text), array_agg(hall), array_agg(at::date),
        array_agg('2017-02-01'::date), array_agg('2016-01-01'::date), array_agg(800), array_agg(100::bigint), array_agg(8::bigint),
        array_agg(90::bigint), array_agg(7::bigint), array_agg(190::bigint * share_bp / 10000), array_agg(30000::bigint), array_agg(80000::bigint),
        array_agg(2::bigint), array_agg(0::smallint), array_agg('000000'::text), array_agg('BANKA'::text), array_agg(0::smallint), array_agg(NULL::text), 90000) FROM b;
SELECT ledger_outcome(array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg((CASE WHEN i = 6 THEN 26 WHEN i IN (7, 10) THEN 25 ELSE 0 END)::smallint),
        array_agg(CASE WHEN i NOT IN (6, 7, 10) THEN '4711' || lpad(i::text, 2, '0') END),
        array_agg(CASE WHEN i = 6 THEN '51' WHEN i NOT IN (7, 10) THEN '00' END),
        array_agg(CASE WHEN i IN (7, 10) THEN 'timeout' ELSE 'answer' END)) FROM b WHERE i NOT IN (1, 8);
SELECT ledger_advice(array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg(CASE WHEN i IN (4, 5, 8) THEN 'reversal' ELSE 'completion' END), array_agg(at + INTERVAL '40 s'),
        array_agg(stan + 1000), array_agg(CASE i WHEN 4 THEN '32' WHEN 5 THEN '22' WHEN 8 THEN '68' END), array_agg(10000::bigint),
        array_agg((CASE WHEN i IN (5, 8) THEN 0 WHEN i = 4 THEN 9000 ELSE 10000 END)::bigint), 300000)
FROM b WHERE i IN (3, 4, 5, 8, 9, 10);
SELECT ledger_advice(array_agg(terminal), array_agg(at), array_agg(stan), array_agg('reversal'::text),
        array_agg(at + INTERVAL '90 s'), array_agg(stan + 2000), array_agg('17'::text), array_agg(10000::bigint),
        array_agg(0::bigint), 300000) FROM b WHERE i = 9;
SELECT saf_end(array_agg(terminal), array_agg(at), array_agg(stan), array_agg(1::smallint), array_agg('done'::text), array_agg('00'::text))
FROM b WHERE i IN (4, 5, 8);
SQL

# bank JSON SQL: a value from a JSON object or array j
of() {
        json "$1" "$2 FROM (SELECT (:'j')::jsonb AS j) x"
}
listed() {
        atmctl withdrawal list --link BANKA --limit 1000 --format csv "$@" | sed 1d | cut -d, -f3 | sort -n | xargs
}
expect "withdrawals of a link" "1 2 3 4 5 6 7 8 9 10" "$(listed)"
expect "asked" 1 "$(listed --state asked)"
expect "approved" 2 "$(listed --state approved)"
expect "completed" "3 4" "$(listed --state completed)"
expect "reversed" "5 8 9" "$(listed --state reversed)"
expect "declined" "6 7 10" "$(listed --state declined)"
expect "blocked" "" "$(listed --state blocked)"
expect "state, link, cause, the bank's DE 39" "1 asked BANKA - -,2 approved BANKA answer 00,6 declined BANKA answer 51,7 declined BANKA timeout -,8 reversed BANKA reversal -" \
        "$(json "$(atmctl withdrawal list --link BANKA --format json)" "string_agg(concat_ws(' ', w ->> 'stan', w ->> 'state', w ->> 'link', coalesce(w ->> 'cause', '-'), coalesce(w ->> 'bank_de39', '-')), ',' ORDER BY (w ->> 'stan')::integer)
                FROM jsonb_array_elements(:'j') w WHERE w ->> 'stan' IN ('1', '2', '6', '7', '8')")"

link=$(atmctl link show BANKA --format json)
expect "a link" "BANKA 5 0 0 1 1 5 1 2 1" "$(of "$link" "concat_ws(' ', j ->> 'issuers', j ->> 'waiting', j ->> 'parked', j ->> 'attempts', j ->> 'asked', j ->> 'open', j ->> 'approved', j ->> 'declined', j ->> 'timeouts', j ->> 'reversed')")"
expect "outcomes of a link" "answer APPROVED 5,answer NOT_COVERED 1,reversal BLOCKED 1,timeout ISSUER_UNAVAILABLE 2" \
        "$(of "$link" "(SELECT string_agg(concat_ws(' ', o ->> 'cause', o ->> 'reason', o ->> 'withdrawals'), ',' ORDER BY o ->> 'cause', o ->> 'reason') FROM jsonb_array_elements(j -> 'outcomes') o)")"
expect "the list and the link" "$(of "$link" "concat_ws(' ', j ->> 'waiting', j ->> 'asked', j ->> 'open', j ->> 'approved')")" \
        "$(atmctl link list --format csv | grep ^BANKA, | cut -d, -f10,15,16,17 | tr , ' ')"
expect "a link of which nothing is known" "0 0 0" "$(atmctl link list --format csv | grep ^BANKB, | cut -d, -f10,15,16 | tr , ' ')"
expect_exit 0 atmctl link show BANKA
says "What became of withdrawals since 2017-01-31T12:00" "What waits to be acknowledged"
# what instances see: a dead one's word is old, and of two that disagree the worse is told first
seen() {
        of "$(atmctl link show BANKA --format json)" "concat_ws(' ', j ->> 'state', j ->> 'up_at', j ->> 'seen_by', j ->> 'old',
                CASE WHEN (j ->> 'seen_s')::integer < 3600 THEN 'now' ELSE 'an hour ago' END, j ->> 'why')"
}
sees() { # INSTANCE STATE WHY [AGE_MS]
        PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 -c "SELECT sightings_write('$1', '{link}', '{BANKA}', '{$2}', '{90000}', '{60000}', ARRAY[$3::text])" \
                -c "UPDATE sighting SET seen_ms = seen_ms - ${4:-0}, since_ms = since_ms - ${4:-0}, heard_ms = heard_ms - ${4:-0} WHERE instance = '$1'" >/dev/null
}
instances=()
for name in one two three; do
        as_instance "$name"
        instances+=("$AS_INSTANCE")
done
expect "a link that nobody sees" "unknown 0 0 0 an hour ago no instance of atmd has seen it" "$(seen)"
sees one@a up NULL 3600000
expect "a dead instance's link" "unknown 0 0 1 an hour ago no instance of atmd has said anything since; then it was up" "$(seen)"
sees two@b up NULL
expect "one that lives" "up 1 1 1 now" "$(seen)"
sees three@c down "'10.0.0.1:7000: Connection refused'"
expect "the worst first" "down 1 2 1 now 10.0.0.1:7000: Connection refused" "$(seen)"
expect "each for itself, the dead one last" "three@c down true t t f,two@b up true t t f,one@a up false t t t" "$(of "$(atmctl link show BANKA --format json)" \
        "(SELECT string_agg(concat_ws(' ', s ->> 'instance', s ->> 'state', s ->> 'fresh', (s ->> 'state_s')::integer >= 90, (s ->> 'heard_s')::integer >= 60, (s ->> 'seen_s')::integer >= 3600), ',')
          FROM jsonb_array_elements(j -> 'sightings') s)")"
kill "$AS_INSTANCE" # as kill -9 does to an instance: what it has said a moment ago is old at once
sql_when "the end of that instance" "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'atmd three %')"
expect "one that died just now" "up 1 1 2 now" "$(seen)"
expect "the worst on top, what one watches alone" "link state state_s seen_s waiting refused why BANKB unknown" \
        "$(atmctl link list --format table | awk 'NR == 1 { $1 = $1; printf "%s ", $0 } NR == 2 { print $1, $2 }')"
expect_exit 0 atmctl issuer add LOSTBK --name 迷子銀行 --link NOLINK
says "no running atmd has a link NOLINK: until one has"
expect_exit 0 atmctl issuer set LOSTBK --link BANKA
[[ $OUTPUT != *"no running atmd"* ]] || wrong "a link that an instance sees is missed: $OUTPUT"
sql "DELETE FROM issuer WHERE issuer = 'LOSTBK'"
kill "${instances[@]::2}"
PGUSER=postgres psql -X -q -c "SELECT sightings_leave(i) FROM unnest(ARRAY['one@a', 'two@b', 'three@c']) i" >/dev/null
refuses 1 "no issuer names link BANKZ" atmctl link show BANKZ
# a misspelt name is not that there is none
for filter in "withdrawal list --link BNKA" "withdrawal list --issuer NOPE" "withdrawal list --terminal T9999999" "exception list --hall H9" \
        "exception list --issuer BNKA" "saf list --link BNKA" "atm list --hall H9" "hall list --area nope" "hall list --prefecture 東京都府" \
        "claim list --hall NOPE" "issuer list --link BNKA" "tariff list --issuer NOPE" "contract list --terminal T9999999"; do
        read -r -a words <<<"$filter"
        refuses 1 "${words[*]::2}: ${words[2]}: there is no " atmctl "${words[@]}"
        says "${words[3]}"
done

notices() {
        atmctl saf list --format csv "$@" | sed 1d | awk -F, '{ print $4 "/" $5 " " $7 " " $14 }' | paste -sd,
}
expect "what waits" "7/0 reversal due,10/0 reversal due,3/1 completion due,9/1 completion due,9/2 reversal behind" "$(notices)"
expect "what waits for another link" "" "$(notices --link BANKB)"
expect "what waits for an ATM" 5 "$(atmctl saf list --terminal T0000002 --format csv | sed 1d | wc -l)"
expect "by reference number" 2 "$(atmctl saf list --rrn "$(sql "SELECT rrn FROM v_withdrawal WHERE link IS NOT NULL AND stan = 9")" --format csv | sed 1d | wc -l)"
expect "the notices of a withdrawal" "1 completion reversed answer,2 reversal reversed answer" "$(of "$(atmctl saf show --stan 9 --format json)" \
        "(SELECT string_agg(concat_ws(' ', n ->> 'seq', n ->> 'kind', n ->> 'withdrawal_state', n ->> 'outcome_cause'), ',' ORDER BY n ->> 'seq') FROM jsonb_array_elements(j) n)")"
expect "the notices as rows" 3 "$(atmctl saf show --stan 9 --format csv | wc -l)"
expect "the notices to people" 2 "$(atmctl saf show --stan 9 | grep -c '^withdrawal_state *reversed')"
refuses 1 "no notice is like that" atmctl saf show --stan 77
expect "a notice" "reversal 108 0 17 reversed answer 00 null" "$(of "$(atmctl saf show --stan 9 --seq 2 --format json)" \
        "concat_ws(' ', j ->> 'kind', j ->> 'charge_yen', j ->> 'dispensed_yen', j ->> 'why', j ->> 'withdrawal_state', j ->> 'outcome_cause', j ->> 'bank_de39', j -> 'sender')")"
refuses 2 "which notices?" atmctl saf park --note x
refuses 2 "--note is missing" atmctl saf park --stan 7
refuses 1 "no notice is like that" atmctl saf retry --stan 77
expect_exit 0 atmctl saf park --stan 7 --terminal T0000002 --note "case 4711"
says "saf: 1 parked"
refuses 1 "no notice is like that and not parked yet" atmctl saf park --stan 7 --terminal T0000002 --note again
expect "parked" "7/0 reversal parked" "$(notices --parked yes)"
expect "what atmd takes" "3 9 10" "$(sql "SELECT string_agg(r_stan::text, ' ' ORDER BY r_stan) FROM saf_take('BANKA', 'one', 60000, 60000, 60000, 100)")"
expect "what waits once it was sent" "7/0 reversal parked,10/0 reversal waiting,3/1 completion waiting,9/1 completion waiting,9/2 reversal behind" "$(notices)"
expect "who sends" "5 1 1 one" "$(of "$(atmctl link show BANKA --format json)" "concat_ws(' ', j ->> 'waiting', j ->> 'parked', j ->> 'attempts', j ->> 'holder')")"
expect "the sender of a notice" one "$(of "$(atmctl saf show --stan 7 --format json)" "j ->> 'sender'")"
expect_exit 0 atmctl saf retry --link BANKA
says "saf: 5 to be sent now"
expect "what is sent again" "7/0 reversal due,10/0 reversal due,3/1 completion due,9/1 completion due,9/2 reversal behind" "$(notices)"
# one was due already
expect "the trace of it" "saf park 1 case 4711,saf retry 4 " "$(sql "SELECT string_agg(concat_ws(' ', command, n, coalesce(note, '')), ',') FROM (SELECT command, note, count(*) AS n FROM trail WHERE noun = 'saf' GROUP BY 1, 2 ORDER BY 1) a")"
expect "who did it" "$PGUSER $(id -un)" "$(sql "SELECT DISTINCT concat_ws(' ', who, person) FROM trail WHERE noun = 'saf'")"

# what people find
open_things() {
        atmctl exception list --terminal T0000002 --from 2017-01-01 --format csv "$@" | sed 1d | cut -d, -f6,7 | sort -n | xargs
}
expect "what is without an end" "1,no outcome 2,no end 9,corrected 10,declined" "$(open_things)"
expect "what is not old enough" "9,corrected 10,declined" "$(open_things --minutes 600)"
expect "what they are, the oldest first" "4 4 t t t" "$(of "$(atmctl exception list --terminal T0000002 --from 2017-01-01 --issuer BANKA --format json)" "(SELECT concat_ws(' ', count(*), count(DISTINCT x ->> 'text'), bool_and(x ->> 'issuer' = 'BANKA' AND x ->> 'hall' <> ''), bool_and((x ->> 'age_minutes')::integer > 0),
        string_agg(coalesce(x ->> 'advice_at', x ->> 'transmitted_at'), ' ' ORDER BY n) = string_agg(coalesce(x ->> 'advice_at', x ->> 'transmitted_at'), ' ' ORDER BY coalesce(x ->> 'advice_at', x ->> 'transmitted_at'))) FROM jsonb_array_elements(j) WITH ORDINALITY e (x, n))")"
expect "and of no other bank" "[]" "$(atmctl exception list --terminal T0000002 --from 2017-01-01 --issuer HOUSE --format json)"
# what is not there is no reason for an empty list
refuses 1 "exception list: --hall: there is no hall 'NOPE'" atmctl exception list --hall NOPE
says "'atmctl hall list' shows them"
refuses 1 "claim list: --issuer: there is no issuer 'NOPE'" atmctl claim list --issuer NOPE
refuses 1 "withdrawal list: --terminal: there is no ATM 'T9999999'" atmctl withdrawal list --terminal T9999999
refuses 1 "withdrawal list: --link: there is no link 'BANKX'" atmctl withdrawal list --link BANKX
refuses 2 "--amount-from-yen 30000 is after --amount-to-yen 20000" atmctl withdrawal list --amount-from-yen 30000 --amount-to-yen 20000
expect "withdrawals of a hall" "$(sql "SELECT count(*) FROM withdrawal WHERE hall = 'H00002'")" "$(atmctl withdrawal list --hall H00002 --limit 1000000 --format csv | sed 1d | wc -l)"
expect_exit 0 atmctl exception list --terminal T0000002 --from 2017-01-01 --limit 1
says "its bank was asked and has not answered" "total of 4" "there are more than 1"
# a total that nothing names would look like a row
expect "no total without its name" 5 "$(atmctl exception list --terminal T0000002 --from 2017-01-01 --columns amount_yen,dispensed_yen --format table | wc -l)"
expect_exit 0 atmctl verify
refuses 2 "--note is missing" atmctl exception resolve --link BANKA --stan 2 --dispensed 9000
refuses 2 "expected a multiple of 1000" atmctl exception resolve --link BANKA --stan 2 --dispensed 900 --note x
refuses 1 "none is like that" atmctl exception resolve --stan 77 --link BANKA --dispensed 0 --note x
refuses 1 "several are like that" atmctl exception resolve --link BANKA --dispensed 0 --note x
refuses 1 "its bank has not decided yet" atmctl exception resolve --link BANKA --stan 1 --dispensed 10000 --note x
refuses 1 "expected --dispensed of at most 10000 yen, which was approved" atmctl exception resolve --link BANKA --stan 2 --dispensed 11000 --note x
refuses 1 "is declined: that 10000 yen left for it can't be recorded any more" atmctl exception resolve --link BANKA --stan 10 --dispensed 10000 --note x
refuses 1 "is completed with 10000 yen dispensed already" atmctl exception resolve --link BANKA --stan 3 --dispensed 10000 --note x
refuses 1 "is approved: --elsewhere settles what has an end" atmctl exception resolve --link BANKA --stan 2 --dispensed 9000 --elsewhere --note x
refuses 1 "so young that its ATM may still pay out" atmctl exception resolve --link BANKA --stan 2 --dispensed 9000 --note x
[[ $OUTPUT =~ "wait another "([0-9]+)" seconds" && ${BASH_REMATCH[1]} -ge 1 && ${BASH_REMATCH[1]} -le 600 ]] || wrong "it is not said for how long: $OUTPUT"
refuses 1 "so young that its ATM may still pay out" atmctl exception resolve --link BANKA --stan 1 --dispensed 0 --note x
refuses 1 "so young that its ATM may still correct what it said" atmctl exception resolve --link BANKA --stan 3 --dispensed 9000 --note x
# ten minutes go by
PGUSER=postgres sql "UPDATE bank_outcome SET approved_at = approved_at - INTERVAL '601 s'; UPDATE withdrawal SET approved_at = approved_at - INTERVAL '601 s'" >/dev/null
PGUSER=atm_report refuses 1 "permission denied" atmctl exception resolve --link BANKA --stan 2 --dispensed 9000 --note x
expect "refusals leave no trace" 0 "$(sql "SELECT count(*) FROM trail WHERE noun = 'withdrawal'")"
expect_exit 0 atmctl exception resolve --link BANKA --stan 2 --dispensed 9000 --note "counted"
says "completed, 9000 yen dispensed (was: approved, 0 yen); exceptions dealt with: 0"
expect "what the bank is told of it" "2/1 partial due" "$(notices --stan 2)"
expect "what it earned" "100 90" "$(sql "SELECT customer_fee_yen, interbank_fee_yen FROM v_withdrawal WHERE link = 'BANKA' AND stan = 2" | tr '|' ' ')"
expect_exit 0 atmctl exception resolve --link BANKA --stan 1 --dispensed 0 --force --note "nothing left"
says "reversed, 0 yen dispensed (was: asked, 0 yen)"
expect "its outcome" "operator 6" "$(sql "SELECT cause, reason FROM bank_outcome WHERE stan = 1" | tr '|' ' ')"
expect_exit 0 atmctl exception resolve --link BANKA --stan 10 --dispensed 10000 --elsewhere --note "paid by hand"
says "10000 yen dispensed, put right elsewhere: it stays declined with 0 yen, and a difference that 'atmctl reconcile' finds is settled; exceptions dealt with: 1"
# a correction that was taken: a person has looked at it, and nothing moves
expect_exit 0 atmctl exception resolve --link BANKA --stan 9 --dispensed 0 --note "the notes are in the bin"
says "reversed, 0 yen dispensed (was: reversed, 0 yen); exceptions dealt with: 1"
expect "nothing is without an end" "" "$(open_things)"
expect "what was dealt with" "9,corrected 10,declined" "$(open_things --resolved yes)"
expect "by whom, and why" "9 the notes are in the bin,10 paid by hand" "$(of "$(atmctl exception list --terminal T0000002 --from 2017-01-01 --resolved yes --format json)" "(SELECT string_agg(concat_ws(' ', x ->> 'stan', x ->> 'note'), ',' ORDER BY (x ->> 'stan')::integer) FROM jsonb_array_elements(j) x WHERE x ->> 'resolved_by' = '$PGUSER/$(id -un)' AND x ->> 'resolved_at' ~ '^20')")"
# what somebody claims and no book says
refuses 2 "--note is missing" atmctl claim add --link BANKA --stan 4 --claimed 3000
refuses 2 "--claimed is missing" atmctl claim add --link BANKA --stan 4 --note x
refuses 1 "none is like that" atmctl claim add --link BANKA --stan 77 --claimed 3000 --note x
refuses 2 "expected whole yen from 1 to 999999999" atmctl claim add --link BANKA --stan 4 --claimed 0 --note x
refuses 1 "atmctl: '999999' yen claimed: expected whole yen from 1 to 10108, what it could take of an account" atmctl claim add --link BANKA --stan 4 --claimed 999999 --note x
PGUSER=atm_report refuses 1 "permission denied" atmctl claim add --link BANKA --stan 4 --claimed 3000 --note x
before=$(sql "SELECT md5(string_agg(v::text, '' ORDER BY v::text)) FROM v_withdrawal v")
expect_exit 0 atmctl claim add --link BANKA --stan 4 --claimed 3000 --note "he counted 6000"
says "claim 1: 3000 yen of T0000002 "
refuses 1 "3000 yen claimed: expected another sum: claim 1 says that already" atmctl claim add --link BANKA --stan 4 --claimed 3000 --note again
expect "it moves nothing" "$before" "$(sql "SELECT md5(string_agg(v::text, '' ORDER BY v::text)) FROM v_withdrawal v")"
expect "what people should look at" "4,claim 1" "$(open_things)"
expect "what is claimed is no amount" "null 3000" "$(of "$(atmctl exception list --terminal T0000002 --from 2017-01-01 --format json)" "concat_ws(' ', j #> '{0,amount_yen}', j #> '{0,claimed_yen}')")"
expect "the claim" "1 4 3000 he counted 6000 $PGUSER/$(id -un)" "$(of "$(atmctl claim list --terminal T0000002 --format json)" "concat_ws(' ', j #>> '{0,claim}', j #>> '{0,stan}', j #>> '{0,claimed_yen}', j #>> '{0,note}', j #>> '{0,noted_by}')")"
expect "with its withdrawal" "1 true 3000 he counted 6000" "$(of "$(atmctl withdrawal show --link BANKA --stan 4 --format json)" "concat_ws(' ', j #>> '{claims,0,claim}', j #>> '{claims,0,open}', j #>> '{claims,0,claimed_yen}', j #>> '{claims,0,note}')")"
refuses 1 "atmctl: claim 2: expected the number of one that is open" atmctl claim close 2 --note x
says "'atmctl claim list' shows those that are open"
dry claim close 1 --note x
dry claim add --link BANKA --stan 3 --claimed 3000 --note x
expect "claims after dry runs" "1 t" "$(sql "SELECT concat_ws(' ', count(*), bool_and(is_open)) FROM claim")"
expect_exit 0 atmctl claim close 1 --note "it was in the bin"
says "claim 1: closed"
refuses 1 "claim 1: expected the number of one that is open" atmctl claim close 1 --note x
expect "no claim is open" "[] 1 it was in the bin" "$(atmctl claim list --format json) $(of "$(atmctl claim list --open no --format json)" "concat_ws(' ', j #>> '{0,claim}', j #>> '{0,closing_note}')")"
expect "how it was closed" "it was in the bin" "$(of "$(atmctl exception list --terminal T0000002 --from 2017-01-01 --resolved yes --format json)" "(SELECT x ->> 'note' FROM jsonb_array_elements(j) x WHERE x ->> 'kind' = 'claim')")"
expect "the trace of a claim" "claim add he counted 6000,claim close it was in the bin" "$(sql "SELECT string_agg(command || ' ' || note, ',' ORDER BY change) FROM trail WHERE noun = 'claim'")"
expect_exit 0 atmctl exception resolve --stan 5 --terminal "$terminal" --dispensed 6000 --note "as the notes say"
says "completed, 6000 yen dispensed (was: approved, 0 yen); exceptions dealt with: 1"
whole=$(atmctl exception show --link BANKA --stan 10 --format json)
expect "both sides' records" "declined timeout 1 1 0 1 2" "$(of "$whole" "concat_ws(' ', j ->> 'state', j #>> '{outcome,0,cause}', jsonb_array_length(j -> 'advices'), jsonb_array_length(j -> 'notices'), jsonb_array_length(j -> 'commission'), jsonb_array_length(j -> 'exceptions'), jsonb_array_length(j -> 'actions'))")"
expect_exit 0 atmctl exception show --link BANKA --stan 4
says "The bank's outcome" "What the bank is told" partial "32"
expect "its acknowledgement" "1 f" "$(of "$(atmctl withdrawal show --link BANKA --stan 4 --format json)" "concat_ws(' ', j #>> '{notices,0,seq}', (j #> '{notices,0,acknowledged_at}') = 'null')")"
expect_exit 0 atmctl verify

K="T0000002 2017-02-01T10:0"
KEY="${K}3:00+09:00 000003 notice 1" altered "a notice" "UPDATE bank_notice SET dispensed_yen = 9000 WHERE stan = 3" \
        "UPDATE bank_notice SET dispensed_yen = 10000 WHERE stan = 3" notice
KEY="${K}7:00+09:00 000007 notice 0" altered "a notice lost" "CREATE TABLE gone AS SELECT * FROM bank_notice WHERE stan = 7; DELETE FROM bank_notice WHERE stan = 7" \
        "INSERT INTO bank_notice SELECT * FROM gone; DROP TABLE gone" notice person saf
KEY="${K}3:00+09:00 000003 notice 1" altered "what is to be sent" "CREATE TABLE gone AS SELECT * FROM saf WHERE stan = 3; DELETE FROM saf WHERE stan = 3" \
        "INSERT INTO saf SELECT * FROM gone; DROP TABLE gone" saf
KEY="${K}9:00+09:00 000009 notice 2" altered "the order of acknowledgements" \
        "CREATE TABLE gone AS SELECT * FROM saf WHERE stan = 9 AND seq = 2; DELETE FROM saf WHERE stan = 9 AND seq = 2; INSERT INTO bank_ack SELECT terminal, transmitted_at, stan, seq, 1, 1 FROM gone" \
        "INSERT INTO saf SELECT * FROM gone; DELETE FROM bank_ack WHERE stan = 9; DROP TABLE gone" saf
KEY="${K}4:00+09:00 000004 notice 9" altered "an acknowledgement of nothing" "INSERT INTO bank_ack SELECT terminal, transmitted_at, stan, 9, 1, 1 FROM bank_ack WHERE stan = 4" \
        "DELETE FROM bank_ack WHERE seq = 9" acknowledgement
KEY="${K}7:00+09:00 000007" altered "the cause of an outcome" "UPDATE bank_outcome SET cause = 'answer' WHERE stan = 7" \
        "UPDATE bank_outcome SET cause = 'timeout' WHERE stan = 7" notice
KEY="${K}8:00+09:00 000008" altered "an outcome that the ATM's reversal was" "UPDATE bank_outcome SET cause = 'answer' WHERE stan = 8" \
        "UPDATE bank_outcome SET cause = 'reversal' WHERE stan = 8" outcome
KEY="${K}6:00+09:00 000006" altered "an outcome lost" "CREATE TABLE gone AS SELECT * FROM bank_outcome WHERE stan = 6; DELETE FROM bank_outcome WHERE stan = 6" \
        "INSERT INTO bank_outcome SELECT * FROM gone; DROP TABLE gone" card_day card_month open_withdrawal
KEY="a withdrawal that a bank was asked about" altered "an outcome of nothing" "INSERT INTO bank_outcome SELECT terminal, transmitted_at, 888888, reason, approval_code, bank_de39, cause FROM bank_outcome WHERE stan = 6" \
        "DELETE FROM bank_outcome WHERE stan = 888888" outcome

expect_exit 0 atmctl verify

# cards replaced: account, use and exclusions go over ---------------------------------------------------------------

# given OLD NEW OPTION...: replace on standard input
given() {
        local status=0
        OUTPUT=$(printf '%s\n' "$1" "$2" | atmctl card replace --note trial --card - "${@:3}" 2>&1) || status=$?
        STATUS=$status
}
refuses 2 "which cards?" atmctl card replace --note trial
refuses 2 "which cards?" atmctl card replace --note trial --card - --file x.csv
refuses 2 "go with --card" atmctl card replace --note trial --file x.csv --status lost
refuses 2 "expected lost, stolen or replaced" atmctl card replace --note trial --card - --status active
refuses 1 "expected a card number on its first line" atmctl card replace --note trial --card - --expiry 3105
# the card of withdrawal 9, which is completed
token=$(sql "SELECT card_token FROM withdrawal WHERE stan = 9 AND link IS NULL")
tail=$(sql "SELECT right(pan_mask, 4) FROM card WHERE card_token = '$token'")
old=$(while read -r number; do
        [[ $number == *"$tail" && $(atmctl card show --card - --format csv <<<"$number" | sed 1d | cut -d, -f1) == "$token" ]] && echo "$number"
done < <(sed 1d cards.csv | cut -d, -f1) || true)
[[ -n $old ]] || wrong "the card of withdrawal 9 is not found"
OUTPUT=$(echo "$old" | atmctl card replace --note trial --card - --expiry 3105 2>&1) && wrong "a card is replaced by none"
says "expected a card number on its second line"
given "$(pan 999)" "$(pan 601)" --expiry 3105
says "$(mask 999): the database has no such card of the house bank"
given "$old" "$(pan 601)" --expiry 1601
says "card replace: --expiry: '1601': expected a month that is not over yet"
given "$old" "$(pan 601)"$'\n'"$(pan 602)" --expiry 3105
says "standard input: expected nothing behind its second line"
given "$old" "$(pan 1)" --expiry 3105
says "$(mask 1): the database has this card already"
given "$old" "$(luhn 990011000000001)" --expiry 3105
says "expected a number of the same bank"
given "$old" "$(pan 601)"
says "expected an expiry"
before=$(sql "SELECT balance_yen FROM v_account WHERE card_token = '$token'")
use=$(sql "SELECT day, cash_yen, withdrawals FROM v_card_day WHERE card_token = '$token' ORDER BY day")
expect_exit 0 atmctl exclusion add --note trial --token "$token" --from 2031-04-01
# which holds all batches until its transaction ends: that is one statement, whatever becomes of this program
sql "CREATE FUNCTION alone() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN IF current_query() ~* ''commit'' THEN RAISE EXCEPTION ''committed by a statement of its own''; END IF; RETURN NULL; END';
     CREATE CONSTRAINT TRIGGER alone AFTER INSERT ON card_replacement DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION alone();
     GRANT EXECUTE ON FUNCTION alone TO PUBLIC"
given "$old" "$(pan 601)" --expiry 3105
expect "a replacement" "0 card replace: done" "$STATUS $OUTPUT"
sql "DROP FUNCTION alone CASCADE" 2>/dev/null
given "$old" "$(pan 601)" --expiry 3105
expect "the same again" "0 card replace: it was done already" "$STATUS $OUTPUT"
given "$old" "$(pan 602)" --expiry 3105
says "the card was replaced before, by another one"
newer=$(atmctl card show --card - --format csv <<<"$(pan 601)" | sed 1d | cut -d, -f1)
expect "the old card" "replaced $newer" "$(json "$(atmctl card show --token "$token" --format json)" "concat_ws(' ', j ->> 'status', j ->> 'successor') FROM (SELECT (:'j')::jsonb AS j) x")"
refuses 1 "can't be active again" atmctl card set --note trial --token "$token" --status active
given "$(pan 601)" "$(pan 602)" --expiry 3106 --status stolen
expect "a second replacement" "0 card replace: done" "$STATUS $OUTPUT"
newest=$(atmctl card show --card - --format csv <<<"$(pan 602)" | sed 1d | cut -d, -f1)
for known in "$token" "$newer" "$newest"; do
        expect "the account by each of its cards" "$newest,$before" "$(atmctl account show --token "$known" --format csv | sed 1d)"
        expect "the exclusions by each" "$newest,2031-04-01" "$(atmctl exclusion show --token "$known" --format csv | sed 1d | cut -d, -f1,2)"
        expect "the withdrawals by each" "$(sql "SELECT count(*) FROM withdrawal WHERE card_token = '$token'")" \
                "$(atmctl withdrawal list --token "$known" --format csv | sed 1d | wc -l)"
done
expect "its use" "$use" "$(sql "SELECT day, cash_yen, withdrawals FROM v_card_day WHERE card_token = '$newest' ORDER BY day")"
refuses 1 "is excluded from that day already" atmctl exclusion add --note trial --token "$token" --from 2031-04-01
expect "an exclusion that finds the new card" "2032-04-01" "$(atmctl exclusion add --note trial --token "$newer" --from 2032-04-01 >/dev/null && atmctl exclusion show --token "$newest" --format csv | sed 1d | cut -d, -f2 | tail -n 1)"
expect "who did it" "2 t" "$(sql "SELECT count(*), bool_and(who LIKE '%/%') FROM card_replacement" | tr '|' ' ')"
expect_exit 0 atmctl verify
KEY="card $newest" altered "whose place a card has taken" "UPDATE card SET successor = '$newer' WHERE card_token = '$token'" \
        "UPDATE card SET successor = '$newest' WHERE card_token = '$token'" account card_day card_month reference
KEY="card $newest" altered "use that stayed behind" "UPDATE card SET day_on = NULL, day_yen = 0, day_count = 0 WHERE card_token = '$newest'; UPDATE card SET day_on = '${use%%|*}', day_yen = 10000, day_count = 1 WHERE card_token = '$token'" \
        "UPDATE card SET day_on = NULL, day_yen = 0, day_count = 0 WHERE card_token = '$token'; UPDATE card SET day_on = '${use%%|*}', day_yen = 10000, day_count = 1 WHERE card_token = '$newest'" card_day

KEY="card $token" altered "an exclusion that stayed behind" "UPDATE exclusion SET card_token = '$token' WHERE card_token = '$newest'" \
        "UPDATE exclusion SET card_token = '$newest' WHERE card_token = '$token'" reference
KEY="card $newer" altered "an account that is a replaced card's" "ALTER TABLE card DROP CONSTRAINT card_account_check; UPDATE card SET opening_yen = 1, balance_yen = 1 WHERE card_token = '$newer'" \
        "UPDATE card SET opening_yen = NULL, balance_yen = NULL WHERE card_token = '$newer'" account
refuses 1 "was replaced" sql "SET atm.note = 'trial'; SELECT account_open(ARRAY['$newer'::uuid], ARRAY[1])"

# a bank behind a link: no account, no card before
number=$(luhn 990011000000001)
given "$number" "$(luhn 990011000000002)" --status lost
expect "a bank's card" "0 card replace: done" "$STATUS $OUTPUT"
# (others were used before anybody told of them)
expect "both of its cards, and those that were used" "BANKA,,cash,active BANKA,,cash,lost" "$(atmctl card list --issuer BANKA --format csv | sed 1d | cut -d, -f3-6 | sort -u | xargs)"

# many; the last line is wrong
{
        echo old_pan,new_pan,expiry,status
        for ((i = 101; i <= 211; i++)); do
                [[ $(pan $i) == "$old" ]] || echo "$(pan $i),$(pan $((i + 600))),3107,"
        done | awk 'NR <= 110'
        echo "$(pan 500),$(pan 601),3107,lost"
} >replaced.csv
chmod 644 replaced.csv
refuses 1 "expected mode 0600" atmctl card replace --note trial --file replaced.csv
chmod 600 replaced.csv
refuses 1 "replaced.csv:112: column new_pan: '$(mask 601)': the database has this card already" atmctl card replace --note trial --file replaced.csv
says "cards: 110 replaced, 0 before" "can be done again"
sed -i '$d' replaced.csv
sed '2s/3107/1601/' replaced.csv >expired.csv
chmod 600 expired.csv
refuses 1 "expired.csv:2: column expiry: a value of 4 characters: expected a month that is not over yet" atmctl card replace --note trial --file expired.csv
expect_exit 0 atmctl card replace --note trial --file replaced.csv
says "cards: 0 replaced, 110 before"
expect "replaced cards" 100 "$(atmctl card list --status replaced --limit 100 --format csv 2>/dev/null | sed 1d | wc -l)"
expect "card numbers in the database" 0 "$(PGUSER=postgres pg_dump --data-only | grep -c "$(pan 701)" || true)"
PGUSER=atm_report refuses 1 "permission denied" atmctl card replace --note trial --file replaced.csv
expect_exit 0 atmctl verify

# PINs --------------------------------------------------------------------------------------------------------

# try_pin TOKEN: one that was wrong, as the ledger writes it down
try_pin() {
        sql "WITH asked AS (INSERT INTO pin_inquiry SELECT 'T0000001', '2016-12-29T12:00+09:00', 900000 + count(*), 21, 310000, '$1' FROM pin_inquiry
                            RETURNING *),
                  tried AS (INSERT INTO pin_event SELECT card_token, (SELECT coalesce(max(seq), 0) + 1 FROM pin_event WHERE card_token = '$1'), 'wrong',
                                                         terminal, transmitted_at, stan, true FROM asked)
             UPDATE card SET pin_tries = pin_tries + 1 WHERE card_token = '$1'" >/dev/null
}
# what is shown of a card's PIN: whether there is anything to compare with, wrong ones, too many
pin_of() { atmctl card show --token "$1" --format csv | sed 1d | cut -d, -f9-11; }
pin_card=$(atmctl card show --card - --format csv <<<"$(pan 320)" | sed 1d | cut -d, -f1)
expect "a card without a PIN" no,0,no "$(pin_of "$pin_card")"
{
        echo "$header,pin_value"
        echo "$(pan 960),3012,1234,HOUSE,,8642"
        echo "$(pan 961),3012,1234,HOUSE,,"
} >pins.csv
chmod 600 pins.csv
sed '2s/8642/864/' pins.csv >short.csv
chmod 600 short.csv
refuses 1 "short.csv:2: column pin_value: a value of 3 characters: expected a PVV of 4 digits, or an offset of 4 to 12; no PIN" atmctl card import --note trial short.csv
expect_exit 0 atmctl card import --note trial pins.csv
expect "cards with a PIN" "yes,0,no no,0,no" "$(for i in 960 961; do atmctl card show --card - --format csv <<<"$(pan $i)" | sed 1d | cut -d, -f9-11; done | paste -sd ' ')"
printf 'pan,pin_value\n%s,975310\n' "$(pan 320)" >pins.csv
refuses 2 "--note" atmctl pin import pins.csv
printf 'pan,pin_value\n%s,975310\n' "$(pan 999)" >nobody.csv
chmod 600 nobody.csv
refuses 1 "nobody.csv:2: column pan: '$(mask 999)': the database has no such card" atmctl pin import --note trial nobody.csv
expect_exit 0 atmctl pin import --note trial pins.csv
says "PINs: 1 set"
expect_exit 0 atmctl issuer set HOUSE --pin-method offset --pin-tries-max 2 --note 'PINs from now on'
try_pin "$pin_card"
expect "a wrong PIN" yes,1,no "$(pin_of "$pin_card")"
try_pin "$pin_card"
expect "too many" yes,2,yes "$(pin_of "$pin_card")"
expect_exit 0 atmctl verify
refuses 2 "--note" atmctl card unblock --token "$pin_card"
PGUSER=atm_report refuses 1 "permission denied" atmctl card unblock --note trial --token "$pin_card"
unblocked() { atmctl card unblock --note 'his holder was here' --card - <<<"$(pan 320)"; }
expect_exit 0 unblocked
says "its wrong PINs are forgotten"
refuses 1 "$(mask 320): no wrong PIN is counted" unblocked
expect "an unblocked card" yes,0,no "$(pin_of "$pin_card")"
# what PINs are compared with is told to nobody
expect "values in the trail" "set 0" "$(sql "SELECT concat_ws(' ', max(after ->> 'pin_value'), count(*) FILTER (WHERE after ->> 'pin_value' ~ '[0-9]')) FROM trail WHERE noun = 'pin'")"
expect "who unblocked it" "his holder was here" "$(sql "SELECT note FROM trail WHERE noun = 'pin' AND after ->> 'pin_tries' = '0'")"
OUTPUT=$(PGUSER=postgres psql -X -A -t -c 'SET ROLE atm_operator' -c 'SELECT pin_value FROM card LIMIT 1' 2>&1) && wrong "an operator reads what PINs are compared with"
says "permission denied"
expect_exit 0 atmctl issuer set HOUSE --pin-method none --note 'no PINs any more'
expect_exit 0 atmctl verify

# What would change -------------------------------------------------------------------------------------------

# every row of every table but the trail's numbers, which are drawn and not given back
rows() {
        PGUSER=postgres pg_dump --data-only | grep -v -E 'pg_catalog.setval|^.(un)?restrict ' | md5sum
}

# Of every noun that files change, a row with nothing in it that a new row would get by itself. Each column in turn is left out: it
# must be there, or a row that is there stays as it is.
declare -A full=(
        [area]='area,name,parlors~f1,遠い地方,1234'
        [hall]='hall,name,area,prefecture,opens,closes,share_bp,registration~HX-3,別のホール,kanto,東京都,09:00,22:30,700,T1234567890123'
        [atm]='terminal,hall,enabled~TX000003,H00001,no'
        [issuer]='issuer,name,link,opens,closes,off_opens,off_closes,pin_method,pin_tries_max~FARBK,遠い銀行,FARLINK,07:00,23:00,08:00,21:00,none,5'
        [prefix]='prefix,from,issuer,kind~9912345,2031-01-01,HOUSE,loan'
        [tariff]='issuer,band,from,customer_fee_yen,interbank_fee_yen~HOUSE,day,2031-01-01,110,90'
        [tax]='from,rate_bp,rounding~2031-01-01,1200,up'
        [holiday]='day,source,name,holiday~2031-01-06,package,休まない日,no'
        [limit]='kind,from,value~day_count,2031-01-01,7'
        [hours]='from,day_kind,opens,closes~2031-01-01,off,08:00,20:00'
        [contract]='terminal,from,until,hall,base_fee_yen~T0000003,2031-01-01,2032-01-01,H00001,30000'
        [cost]='quarter,item,amount_yen,note~1Q30,network,5000,a bill'
        [target]='fy,item,announced,value,note~2030,revenue,2030-05-01,1000,a plan'
        [published]='period,item,value,source~1Q30,revenue,1000,a report'
        [peer]='peer,item,value,source~SEVENBANK,atms,23000,a page'
        [rate]='item,from,rate_bp,note~income_tax,2031-01-01,3000,a law'
)
entities=$(sed -n -E '/^(card|account|pin|exclusion|key) /d; s/ import$//p' <<<"$commands") # those files bring new rows alone
# lacking COLUMN: the file without it; false where it can't be read so
lacking() {
        cut -d, -f "$1" --complement full.csv >lacking.csv
        OUTPUT=$(atmctl "$noun" import --note trial "${@:2}" lacking.csv 2>&1) || { says "missing in the header"; return 1; }
}
optional='' keys=''
for noun in $entities; do
        [[ -n ${full[$noun]:-} ]] || { wrong "no row of $noun has every column"; continue; }
        tr '~' '\n' <<<"${full[$noun]}" >full.csv
        IFS=, read -r -a columns <full.csv
        expect "columns of $noun" "${full[$noun]%~*}" "$(atmctl "$noun" list --format csv 2>/dev/null | head -n 1 | cut -d, -f "1-${#columns[@]}")"
        dry "$noun" import --note trial full.csv
        whole=$OUTPUT
        for i in "${!columns[@]}"; do
                lacking $((i + 1)) --dry-run || continue
                # (behind a link there is no PIN)
                optional+=" $noun.${columns[i]}"
                [[ ${columns[i]} == source || ${columns[i]} == pin_method || $OUTPUT != "$whole" ]] || wrong "a new row of $noun has this ${columns[i]} by itself"
        done
        expect_exit 0 atmctl "$noun" import --note trial full.csv
        says "1 new"
        for i in "${!columns[@]}"; do
                lacking $((i + 1)) || { keys+=" $noun.${columns[i]}"; continue; }
                says "1 row: 0 new, 0 changed, 1 as they were"
        done
done
expect "columns that no file may lack" " area.area hall.hall atm.terminal issuer.issuer prefix.prefix prefix.from tariff.issuer tariff.band tariff.from tax.from holiday.day limit.kind limit.from hours.from hours.day_kind contract.terminal contract.from cost.quarter cost.item target.fy target.item target.announced published.period published.item peer.peer peer.item rate.item rate.from" "$keys"
expect "columns that a file of new rows may lack" " area.parlors hall.opens hall.closes hall.share_bp hall.registration atm.enabled issuer.link issuer.opens issuer.closes issuer.off_opens issuer.off_closes issuer.pin_method issuer.pin_tries_max prefix.kind tax.rounding holiday.source holiday.holiday contract.until cost.note target.note rate.note" "$optional"
printf 'issuer,name,link\nFARBK,遠い銀行,\n' >full.csv
expect_exit 0 atmctl issuer import full.csv
expect "an empty cell is what it says" "FARBK,遠い銀行,,07:00,23:00,08:00,21:00,none,5" "$(atmctl issuer list --format csv | grep FARBK)"

# Every command that changes something, on what is there now.
atmctl card add --note trial --card - --expiry 3912 --issuer HOUSE <<<"$(pan 950)" >/dev/null
fresh=$(atmctl card show --card - --format csv <<<"$(pan 950)" | sed 1d | cut -d, -f1)
expect_exit 0 atmctl exclusion add --note trial --token "$fresh" --from 2031-01-01
(umask 077 && { echo "$header"; echo "$(pan 951),3912,1234,HOUSE,1000"; } >card.csv
        { echo pan,balance_yen; echo "$(pan 950),1000"; } >account.csv
        { echo pan,from; echo "$(pan 950),2041-01-01"; } >exclusion.csv
        { echo pan,pin_value; echo "$(pan 950),8642"; } >pin.csv)
try_pin "$fresh"
sql "INSERT INTO recovery (recovery, proposed_at, proposed_by, withdrawals, cash_yen) VALUES (1, now(), 'postgres', 1, 1000)"
# shellcheck disable=SC2034 # the lines below are read by eval
read -r terminal stan <<<"$(sql "SELECT terminal, stan FROM v_open ORDER BY transmitted_at LIMIT 1" | tr '|' ' ')"
atmctl report revenue --from 2016-12-01 --to 2016-12-31 --by day >/dev/null # makes sums that closing would make
before=$(rows)
while read -r -u 3 words; do
        eval "dry $words"
done 3<<'EOF'
area add okinawa2 --name x
area set f1 --name x
hall add HX-9 --name x --area kanto --prefecture 東京都
hall set HX-3 --share-bp 100 --note trial
atm add TX000009
atm set TX000003 --hall ''
atm enable TX000003
atm disable T0000001
atm bar T0000001 --note trial
issuer add NEWX --name x
issuer set FARBK --opens 06:00
prefix add 9912346 2031-01-01 --issuer HOUSE
prefix set 9912345 2031-01-01 --kind credit
prefix remove 9912345 2031-01-01
tariff add HOUSE other 2031-01-01 --customer-fee-yen 1 --interbank-fee-yen 1 --note trial
tariff set HOUSE day 2031-01-01 --customer-fee-yen 1 --note trial
tariff remove HOUSE day 2031-01-01 --note trial
tax add 2032-01-01 --rate-bp 1 --note trial
tax set 2031-01-01 --rate-bp 1 --note trial
tax remove 2031-01-01 --note trial
holiday add 2031-01-07 --name x
holiday set 2031-01-06 --source package --name x
holiday remove 2031-01-06 --source package
limit add day_yen 2031-01-01 --value 1 --note trial
limit set day_count 2031-01-01 --value 1 --note trial
limit remove day_count 2031-01-01 --note trial
hours add 2031-01-01 weekday --opens 08:00 --closes 20:00
hours set 2031-01-01 off --opens 09:00
hours remove 2031-01-01 off
contract add T0000004 2031-01-01 --hall H00001 --base-fee-yen 1 --note trial
contract set T0000003 2031-01-01 --base-fee-yen 1 --note trial
contract remove T0000003 2031-01-01 --note trial
cost add 1Q30 sga --amount-yen 1
cost set 1Q30 network --amount-yen 1
cost remove 1Q30 network
target add 2031 revenue 2030-05-01 --value 1
target set 2030 revenue 2030-05-01 --value 1
target remove 2030 revenue 2030-05-01
published add 2Q30 revenue --value 1 --source x
published set 1Q30 revenue --value 1
published remove 1Q30 revenue
peer add OTHERBANK atms --value 1 --source x
peer set SEVENBANK atms --value 1
peer remove SEVENBANK atms
rate add income_tax 2032-01-01 --rate-bp 1
rate set income_tax 2031-01-01 --rate-bp 1
rate remove income_tax 2031-01-01
card import card.csv --note trial
card add --card - --expiry 3912 --issuer HOUSE --balance-yen 1000 --note trial <<<"$(pan 951)"
card set --token "$fresh" --status lost
card unblock --token "$fresh" --note trial
pin import pin.csv --note trial
card replace --card - --expiry 3912 --note trial < <(pan 950; pan 951)
account import account.csv --note trial
account add --token "$fresh" --balance-yen 1 --note trial
exclusion import exclusion.csv --note trial
exclusion add --token "$fresh" --from 2041-01-01 --note trial
exclusion end --token "$fresh" --on 2031-06-01 --note trial
exception resolve --terminal "$terminal" --stan "$stan" --dispensed 0 --force --note trial
saf park --stan 7 --note trial
period close 3Q16 --force --note trial
recovery drop 1 --note trial
db partitions --from 2018-04-01 --to 2018-07-01
EOF
expect "rows after dry runs" "$before" "$(rows)"
expect_exit 0 atmctl atm bar T0000001 --note trial
expect_exit 0 atmctl saf park --stan 7 --note trial
before=$(rows)
dry atm unbar T0000001 --note trial
says "barred true " "barred false"
dry saf retry --stan 7
PGUSER=postgres dry epoch raise --note trial
expect "rows after dry runs" "$before" "$(rows)"
# what refuses the real one refuses this one, in the same words
for words in "hall set HX-3 --closes 08:00" "tariff remove HOUSE day 2007-07-01 --note trial" "limit set day_count 2001-01-01 --value 2 --note trial" \
        "atm bar TX000009 --note trial" "exclusion add --token $fresh --from 2031-01-01 --note trial" "period close 2Q30 --note trial"; do
        # shellcheck disable=SC2086 # words
        expect_exit 1 atmctl $words
        said=$OUTPUT
        # shellcheck disable=SC2086
        expect_exit 1 atmctl $words --dry-run
        expect "what refuses $words --dry-run" "$said" "$OUTPUT"
done
# whoever is not marked as changing something can't, whatever his queries come to
sql "ALTER FUNCTION barred_note RENAME TO barred_note_kept;
     CREATE FUNCTION barred_note(text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN UPDATE reference_version SET version = version + 1; RETURN NULL; END';
     GRANT EXECUTE ON FUNCTION barred_note TO PUBLIC"
refuses 1 "cannot execute UPDATE in a read-only transaction" atmctl atm list
sql "DROP FUNCTION barred_note; ALTER FUNCTION barred_note_kept RENAME TO barred_note"
while read -r -a words; do
        expect_exit 0 atmctl "${words[@]}" --help
        # (flow/test_setup has a machine for the one that is left out, flow/test_keys a key module for the others)
        [[ $OUTPUT != *--dry-run* || $OUTPUT == *"There is no --dry-run: "* || ${words[*]} == setup || ${words[0]} == key || -n ${tried["${words[*]}"]:-} ]] || wrong "nobody tries ${words[*]} --dry-run"
done <<<"$commands"

# nobody has room of his own in the database but who imports
for role in atm_daemon atm_report; do
        PGUSER=$role refuses 1 "permission denied to create temporary tables" sql_as "CREATE TEMPORARY TABLE own (n integer)"
done
for role in atm_daemon "$CLUSTER_PERSON" atm_report; do
        PGUSER=$role refuses 1 "permission denied for function lo_from_bytea" sql_as "SELECT lo_from_bytea(0, 'x')"
done

# a database on another machine must prove who it is
PGHOST=db.example refuses 1 "db.example is another machine, and sslmode is prefer: expected 'sslmode=verify-full sslrootcert=FILE'" atmctl hall list
PGSSLMODE=disable refuses 1 "192.0.2.1 is another machine, and sslmode is disable" atmctl hall list --conninfo "hostaddr=192.0.2.1"

# partitions ahead
expect_exit 0 atmctl db partitions --from 2018-04-01 --to 2018-07-01
says "1 quarter is new"
expect_exit 0 atmctl db partitions --clock-now 2016-12-29
says "0 quarters are new"
refuses 1 "from 2018-07-01 to before 2037-01-01 there would be none" atmctl db partitions --from 2037-01-01 --to 2037-04-01
expect "what atmd's role makes" 1 "$(PGUSER=atm_daemon sql "SELECT ledger_make_partitions('2018-07-01', '2018-10-01')")"
expect "what atmd decides from, beside its tables" "0 0 t" "$(sql "SELECT concat_ws(' ', (SELECT count(*) FROM (SELECT * FROM reference_snapshot(0) EXCEPT SELECT * FROM reference_current(0)) d),
        (SELECT count(*) FROM (SELECT * FROM reference_current(0) EXCEPT SELECT * FROM reference_snapshot(0)) d), count(*) > 400) FROM reference_current(0)")"

passed
