#!/usr/bin/env bash
# An ATM of another make (tests/flow/wire) against the real daemon: bad input of every kind, each answer's fields,
# limits and identities over two instances, every state, losses, the hours of old days; then atmd's start with a
# configuration or a database that is wrong. What the ATMs know is compared with the database in the end.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WIRE_DIR=$ROOT/tests/flow/wire
export WIRE_LAB WIRE_CONTROL=$WIRE_DIR/control.sh
export WIRE_CERTS=$WORK/certs WIRE_CARDS=$WORK/special.csv WIRE_DUMP=$WORK/dump.sql
HOUSE_CARDS=9 # so many of the special cards are the house bank's

# Cards with something about them, in the order of enum special (tests/flow/wire/world.h).
(
        umask 077
        cat >"$WIRE_CARDS" <<'CSV'
pan,expiry,pin,issuer,balance_yen
9900018000000012,3012,0000,HOUSE,1000000
9900018000000020,3012,0000,HOUSE,1000000
9900018000000038,3012,0000,HOUSE,1000000
9900018000000046,1501,0000,HOUSE,1000000
9900018000000053,3012,0000,HOUSE,5000
9900018000000061,3012,0000,HOUSE,10110
9900018000000079,3012,0000,HOUSE,0
9900028000000094,3012,0000,HOUSE,0
9900038000000101,3012,0000,HOUSE,0
9900018000000087,3012,0000,HOUSE,0
9900028000000110,3012,0000,HOUSE,0
1234568000000119,3012,0000,HOUSE,0
9900018000000129,3105,0000,HOUSE,0
9900018000000137,3105,0000,HOUSE,0
CSV
        head -n $((HOUSE_CARDS + 1)) "$WIRE_CARDS" >"$WORK/house.csv"
)

pan() {
        sed -n "$(($1 + 1))s/,.*//p" "$WIRE_CARDS"
}

enter() {
        WIRE_LAB=$WORK/$1
        # shellcheck disable=SC1091
        source "$WIRE_LAB/lab.env"
        atmctl card import --note trial "$WORK/house.csv" >/dev/null
        pan 1 | atmctl card set --note trial --card - --status lost >/dev/null
        pan 7 | atmctl card set --note trial --card - --status lost >/dev/null
        pan 2 | atmctl card set --note trial --card - --status stolen >/dev/null
}

# Certificates that must be refused, and one of a terminal that is not in the fleet.
make_certificates() {
        local terminal
        terminal=$(sed -n '2s/,.*//p' "$ATM_TERMINALS")
        mkdir -p "$WIRE_CERTS"/{foreign,expired,unknown,server,noname,foreign-ca}
        atmctl pki init --dir "$WIRE_CERTS/foreign-ca" >/dev/null
        atmctl pki issue --dir "$WIRE_CERTS/foreign-ca" --out "$WIRE_CERTS/foreign" --terminal "$terminal" >/dev/null
        atmctl pki issue --dir "$WIRE_LAB/pki" --out "$WIRE_CERTS/expired" --terminal "$terminal" --days -1 >/dev/null
        atmctl pki issue --dir "$WIRE_LAB/pki" --out "$WIRE_CERTS/unknown" --terminal T9999999 >/dev/null
        atmctl pki issue --dir "$WIRE_LAB/pki" --out "$WIRE_CERTS/server" --server atmd --san DNS:localhost >/dev/null
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=some-atm \
                -keyout "$WIRE_CERTS/noname/some-atm.key" -out "$WIRE_CERTS/noname/some-atm.csr" 2>/dev/null
        openssl x509 -req -in "$WIRE_CERTS/noname/some-atm.csr" -CA "$WIRE_LAB/pki/ca.crt" -CAkey "$WIRE_LAB/pki/ca.key" \
                -days 1 -extfile <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n') \
                -out "$WIRE_CERTS/noname/some-atm.crt" 2>/dev/null
}

# Runs the suites of a laboratory; what failed is shown.
play() {
        local status=0
        CK_VERBOSITY=normal test_wire "$1" >"$WORK/$1.log" 2>&1 || status=$?
        if ((status)); then
                tail -n 60 "$WORK/$1.log" >&2
                wrong "suites of $1 failed"
        fi
        ! grep -E 'Sanitizer|runtime error|ssertion' "$WIRE_LAB"/log/atmd-*.log || wrong "atmd of $1 complains of itself"
        process_lives "${ATMD_PIDS##* }" || wrong "instance 2 of $1, which nobody killed, has ended"
        say "$1: $(tail -n 1 "$WORK/$1.log")"
}

# today -----------------------------------------------------------------------------------------------

build_programs test_wire || exit 1
flow_lab today --plain --banks 0 --atms 20 --cards 600 --instances 2 --clock 2026-06-10T10:00:00+09:00,1
enter today
pan 3 | atmctl exclusion add --note trial --card - --from 2026-01-01 >/dev/null
make_certificates

# Short time limits, taken by the first instance alone; a wrong file is refused and changes nothing.
printf '\n[limits]\nmessage_timeout_ms = 1500\nhandshake_timeout_ms = soon\n' >"$WORK/limits"
cp "$ATMD_CONF" "$WORK/good.conf"
cat "$WORK/limits" >>"$ATMD_CONF"
kill -HUP "${ATMD_PIDS%% *}"
await "the refusal of a wrong reload" grep -q "reload_refused.*handshake_timeout_ms" "$WIRE_LAB/log/atmd-1.log"
sed -i 's/soon/1500/' "$ATMD_CONF"
kill -HUP "${ATMD_PIDS%% *}"
await "the reload" grep -q 'event=reloaded' "$WIRE_LAB/log/atmd-1.log"
play today

# the start ---------------------------------------------------------------------------------------------

# starts STATUS TEXT...: atmd with $WORK/x.conf ends with that status and says all of these texts
starts() {
        local status=$1 text
        shift
        expect_exit "$status" timeout 20 atmd --config "$WORK/x.conf" --listen 127.0.0.1:0
        for text in "$@"; do
                [[ $OUTPUT == *"$text"* ]] || wrong "atmd should say '$text', it says: $OUTPUT"
        done
}

# The lab's configuration with absolute paths, so that copies of it work.
sed -e "s|= server/|= $WIRE_LAB/server/|" -e "s|= pki/|= $WIRE_LAB/pki/|" -e "s|= token.key|= $WIRE_LAB/token.key|" \
        "$WORK/good.conf" >"$WORK/base.conf"
lines=$(wc -l <"$WORK/base.conf")

wrong_line() {
        { cat "$WORK/base.conf" && printf '%s\n' "$1"; } >"$WORK/x.conf"
        starts 78 "x.conf:$((lines + 1)):" "$2"
        expect_exit 78 atmd --config "$WORK/x.conf" --check-config
        [[ $OUTPUT == *"x.conf:$((lines + 1)):"*"$2"* ]] || wrong "--check-config says: $OUTPUT"
}

cp "$WORK/base.conf" "$WORK/x.conf"
expect_exit 0 atmd --config "$WORK/x.conf" --check-config
echo '[limits]' >>"$WORK/base.conf"
lines=$((lines + 1))
wrong_line 'no_such_key = 1' 'no_such_key: unknown key'
wrong_line 'drain_timeout_ms = many' "drain_timeout_ms = 'many'"
wrong_line 'idle_timeout_ms = -5' "idle_timeout_ms = '-5'"
wrong_line 'idle_timeout_ms 5' 'not understood'
sed -i '$d' "$WORK/base.conf"
lines=$((lines - 1))
printf '[no_such_section]\nkey = 1\n' | cat "$WORK/base.conf" - >"$WORK/x.conf"
starts 78 "x.conf:$((lines + 1)):" "unknown section [no_such_section]"
printf '[atmd]\nlisten_port = 1\n' | cat "$WORK/base.conf" - >"$WORK/x.conf"
starts 78 "x.conf:$((lines + 2)):" 'listen_port: given twice'
sed "s|^ca = .*|ca = $WORK/no-such-file|" "$WORK/base.conf" >"$WORK/x.conf"
starts 78 "x.conf" no-such-file
sed "s|^token_key_file = .*|token_key_file = $WIRE_CARDS|" "$WORK/base.conf" >"$WORK/x.conf"
starts 78 "x.conf" token_key_file
expect_exit 78 atmd --config "$WORK/no-such.conf"
[[ $OUTPUT == *no-such.conf* ]] || wrong "a missing configuration: $OUTPUT"

# databases: none of that name, no server, nothing in it, one newer than the program
database() {
        sed "s|dbname=atm |dbname=$1 |" "$WORK/base.conf" >"$WORK/x.conf"
}
database absent
starts 1 '"absent" does not exist'
sed "s|^conninfo = .*|conninfo = host=$WORK port=5432 dbname=atm user=atm_daemon|" "$WORK/base.conf" >"$WORK/x.conf"
starts 1 "$WORK/.s.PGSQL.5432"
for name in empty newer; do
        PGUSER=postgres psql -X -q -d postgres -c "CREATE DATABASE $name" >/dev/null
done
database empty
starts 1 "atmctl db init"
PGUSER=postgres PGDATABASE=newer atmctl db init >/dev/null
PGUSER=postgres psql -X -q -d newer -c "INSERT INTO schema_migration VALUES (900, 'from the future')" >/dev/null
database newer
starts 1 900 "newer than this program"
"$ROOT/scripts/lab" down --dir "$WIRE_LAB"

# the old days --------------------------------------------------------------------------------------------

flow_lab new-year --plain --banks 0 --atms 20 --cards 150 --instances 2 --hours real --clock 2016-12-30T12:00:00+09:00,1000
enter new-year
play new-year
"$ROOT/scripts/lab" down --dir "$WIRE_LAB"

flow_lab before-2016 --plain --banks 0 --atms 20 --cards 50 --instances 2 --hours real --clock 2015-08-29T12:00:00+09:00,1000
enter before-2016
play before-2016
passed
