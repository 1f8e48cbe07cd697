#!/usr/bin/env bash
# A new machine is set up (atmctl setup) beside a server that knows nobody: what is to be done is shown and not done unasked; once done, atmd's
# user gets in, the configuration holds, and again nothing is changed; what is missing later is made, and no more. A database that can't hold
# Japanese names is refused. (scripts/test --only installed does it on a machine of its own.)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

export PATH=$BIN:$PATH
unset ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED PGDATABASE
HBA=${PGHOST%/socket}/data/pg_hba.conf
echo 'local all postgres trust' | cluster_run tee "$HBA" >/dev/null # nobody else comes in
sql_in() {
        PGDATABASE=postgres sql "$1"
}
sql_in "SELECT pg_reload_conf()" >/dev/null
SETUP=(atmctl setup --user "$(id -un)" --folder "$WORK/etc" --authority "$WORK/authority" --operator tanaka)

says() {
        local text
        for text in "$@"; do
                [[ $OUTPUT == *"$text"* ]] || wrong "'$text' is not said: $OUTPUT"
        done
}

# states STATE COUNT: so many steps of the last output are in that state
states() {
        expect "steps: $1" "$2" "$(grep -cE "^[a-z-]+ +$1 " <<<"$OUTPUT" || true)"
}

expect_exit 0 "${SETUP[@]}" --dry-run
states "done already" 1
states "to do" 9
expect_exit 1 "${SETUP[@]}"
says "nothing was done: --yes does"
[[ ! -e $WORK/etc && ! -e $WORK/authority && $(sql_in "SELECT count(*) FROM pg_database WHERE datname = 'atm'") == 0 ]] || wrong "something was done unasked"
expect_exit 2 "${SETUP[@]}" --database 'a b'
says "expected a name"
expect_exit 1 atmctl setup --folder "$WORK/etc" --user nobody-at-all --yes
says "nobody-at-all"

expect_exit 0 "${SETUP[@]}" --san DNS:atm.example.net,IP:192.0.2.10 --yes
says "configuration: done" "systemctl enable --now atmd"
expect "the database" "UTF8 C.UTF-8" "$(sql_in "SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = 'atm'")"
expect "lines of pg_hba.conf" 'local atm atm_daemon,atm_timer peer map=atm' "$(cluster_run head -n 1 "$HBA")"
expect "maps" 2 "$(sql_in "SELECT count(*) FROM pg_ident_file_mappings WHERE map_name = 'atm' AND sys_name = '$(id -un)' AND error IS NULL")"
expect "the operator" t "$(sql_in "SELECT pg_has_role('tanaka', 'atm_operator', 'MEMBER')")"
expect "modes" "640 600 600 750" "$(cd "$WORK/etc" && stat -c %a atmd.conf card-token.key pki/atmd.key pki | xargs)"
openssl x509 -noout -ext subjectAltName -in "$WORK/etc/pki/atmd.crt" | grep -q 'DNS:atm.example.net, IP Address:192.0.2.10' || wrong "the certificate has other names"
expect_exit 0 atmd --config "$WORK/etc/atmd.conf" --check-config
# as its user, by the conninfo of its configuration
conninfo=$(sed -n 's/^conninfo = //p' "$WORK/etc/atmd.conf")
env -u PGUSER psql -X -A -t -d "$conninfo" -c 'SELECT current_user' | grep -q '^atm_daemon$' || wrong "atmd does not get in"

everything() {
        (cd "$WORK" && find etc authority -type f -exec sha256sum {} + | sort && cluster_run cat "$HBA" "${HBA%hba.conf}ident.conf")
}
before=$(everything)
expect_exit 0 "${SETUP[@]}"
states "done already" 10
expect "what a second time has changed" "$before" "$(everything)"
rm "$WORK/etc/atmd.conf"
sql_in "DROP ROLE tanaka; CREATE ROLE tanaka" >/dev/null
expect_exit 0 "${SETUP[@]}" --yes
states "done already" 8
expect "a login that was there" "t t 10" "$(sql_in "SELECT concat_ws(' ', rolcanlogin, pg_has_role(oid, 'atm_operator', 'MEMBER'), rolconnlimit) FROM pg_roles WHERE rolname = 'tanaka'")"
expect "what a third time has changed" "$before" "$(everything)"
echo nonsense >>"$WORK/etc/atmd.conf"
expect_exit 1 "${SETUP[@]}" --yes
says "in the way" "nothing was done"

sql_in "CREATE DATABASE bad ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0" >/dev/null
expect_exit 1 "${SETUP[@]}" --database bad --yes
says "bad has the encoding SQL_ASCII: expected UTF8"
PGDATABASE=bad expect_exit 1 atmctl db init
says "database 'bad' has the encoding SQL_ASCII; expected UTF8"
expect "tables in it" 0 "$(PGDATABASE=bad sql "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")"
passed
