#!/usr/bin/env bash
# The laboratory: what lab.env promises, two instances and three banks, kill and start, no descriptor handed down, failure
# that leaves nothing behind, down as often as one likes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LAB=$ROOT/scripts/lab
D="$WORK/it's a lab" # a name that quoting must get right
LABS+=("$D")

# A pipe that a process of the lab kept open would make cat wait for ever; so would descriptor 7.
# shellcheck disable=SC2016 # the inner shell expands
timeout 120 bash -c '"$1" up --dir "$2" --atms 40 --cards 50 --instances 2 7>&1 | cat >/dev/null
        exit "${PIPESTATUS[0]}"' up "$LAB" "$D" || wrong "lab up failed or left a descriptor open"

# lab.env: nothing but export NAME='value', and all that is promised
while read -r line; do
        [[ $line =~ ^export\ [A-Z_]+=\'.*\'$ ]] || wrong "lab.env has the line: $line"
done <"$D/lab.env"
expect "lab env" "$(cat "$D/lab.env")" "$("$LAB" env --dir "$D")"
for name in ATMD_HOST ATMD_PORT ATMD_PORTS ATMD_CA ATMD_CERTS ATMD_CONF ATMD_PIDS ATM_ACQUIRER ATM_TERMINALS ATM_CARDS \
        ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED PGHOST PGPORT PGDATABASE PGUSER PATH ATM_BANK_CARDS \
        BANKSIM_BANKS BANKSIM_PORTS BANKSIM_CONF BANKSIM_JOURNALS BANKSIM_SOCKET BANKSIM_PID \
        ATM_KEY_MODULE ATM_KEKS ATM_KEYS BANKSIM_KEKS BANKSIM_KEYS ATM_TERMINAL ATM_CERT ATM_CERT_KEY ATM_MAC ATM_MAC_FIELDS ATM_PIN_FORMAT ATM_CHIP_RATE; do
        grep -q "^export $name='..*'$" "$D/lab.env" || wrong "lab.env has no $name"
done
# shellcheck disable=SC1091
source "$D/lab.env"
read -r -a ports <<<"$ATMD_PORTS"
read -r -a pids <<<"$ATMD_PIDS"
expect "ports" 2 "${#ports[@]}"
expect "first port" "$ATMD_PORT" "${ports[0]}"
expect "processes" 2 "${#pids[@]}"
for program in "${PROGRAMS[@]}"; do
        expect "$program" "$(build_folder "$ATM_PRESET")/bin/$program" "$(command -v "$program")"
done
for path in "$ATMD_CA" "$ATMD_CERTS" "$ATMD_CONF" "$ATM_TERMINALS" "$ATM_CARDS" "$PGHOST"; do
        [[ $path == /* && -e $path ]] || wrong "not an absolute path of something that is there: $path"
done
expect "mode of the cards" 600 "$(stat -c %a "$ATM_CARDS")"
expect "columns of the cards" "pan,expiry,pin,issuer,balance_yen,pin_value" "$(head -n 1 "$ATM_CARDS")"
expect "cards" 51 "$(wc -l <"$ATM_CARDS")"
expect "mode of the banks' cards" 600 "$(stat -c %a "$ATM_BANK_CARDS")"
expect "cards of each issuer" "50 BANKA 50 BANKB 50 BANKC 50 HOUSE 1 issuer" \
        "$(cat "$ATM_CARDS" <(tail -n +2 "$ATM_BANK_CARDS") | cut -d, -f4 | sort | uniq -c | xargs)"
for file in "$ATM_KEKS" "$ATM_KEYS" "$BANKSIM_KEKS" "$BANKSIM_KEYS" "$D/keys/master"; do
        expect "mode of $file" 600 "$(stat -c %a "$file")"
done
expect "columns of keys" "terminal,kek terminal,set,pin_key,mac_key_up,mac_key_down link,kek link,set,pin_key,mac_key_up,mac_key_down" \
        "$(for file in "$ATM_KEKS" "$ATM_KEYS" "$BANKSIM_KEKS" "$BANKSIM_KEYS"; do head -n 1 "$file"; done | xargs)"
expect "keys" "41 41 4 4" "$(for file in "$ATM_KEKS" "$ATM_KEYS" "$BANKSIM_KEKS" "$BANKSIM_KEYS"; do wc -l <"$file"; done | xargs)"
# the module takes both as what it has: the same keys come of them
(umask 077 && sed 's/,1,/,2,/' "$ATM_KEYS" >"$WORK/keys.csv")
atmctl key import --clear "$ATM_KEKS" --note again >/dev/null || wrong "the key-encrypting keys"
atmctl key import --keys "$WORK/keys.csv" --note again >/dev/null || wrong "the keys under them"
expect "sets with the same keys" "80 40" "$(sql "SELECT count(*) || ' ' || count(DISTINCT (kind, check_value)) FROM v_key_set WHERE owner_kind = 'terminal' AND kind = 'kek'")"
expect "working sets with the same keys" "80 40" "$(sql "SELECT count(*) || ' ' || count(DISTINCT check_value) FROM v_key_set WHERE owner_kind = 'terminal' AND kind = 'working'")"
expect "columns of the terminals" "terminal,hall,area,prefecture" "$(head -n 1 "$ATM_TERMINALS")"
expect "terminals" 41 "$(wc -l <"$ATM_TERMINALS")"
expect "areas" "kansai kanto kyushu tokai" "$(tail -n +2 "$ATM_TERMINALS" | cut -d, -f3 | sort -u | xargs)"
terminal=$(sed -n '2s/,.*//p' "$ATM_TERMINALS")
expect "subject" "subject=CN = $terminal" "$(openssl x509 -noout -subject -in "$ATMD_CERTS/$terminal.crt" | grep -o 'subject=CN = .*')"
openssl pkey -noout -in "$ATMD_CERTS/$terminal.key" || wrong "the terminal's key can't be read"
((${#PGHOST} + 20 <= 107)) || wrong "socket path too long: $PGHOST"
expect "durability" "on on on" "$(sql 'SHOW fsync') $(sql 'SHOW synchronous_commit') $(sql 'SHOW full_page_writes')"
expect "TCP" "" "$(sql 'SHOW listen_addresses')"
psql -X -q -c 'SELECT terminal, stan, transmitted_at, rrn, card_token, amount_yen, dispensed_yen, customer_fee_yen,
        interbank_fee_yen, tax_yen, state, de39, hall, business_date FROM v_withdrawal' >/dev/null || wrong "v_withdrawal"
expect "least balance" t "$(psql -X -A -t -c 'SELECT min(balance_yen) >= 200000 FROM v_account')"

# no process of the lab holds anything of ours: only /dev/null, its log, sockets and its own
for pid in "${pids[@]}" "$BANKSIM_PID"; do
        for fd in /proc/"$pid"/fd/*; do
                case $(readlink "$fd") in
                /dev/null | "$D"/log/* | "$D"/banks/journal/* | socket:* | anon_inode:* | /dev/urandom) ;;
                pipe:*) # the loop's own wakes itself with one: then both ends are there
                        expect "ends of a pipe in $pid" 2 "$(readlink "/proc/$pid/fd"/* | grep -cxF "$(readlink "$fd")")"
                        ;;
                *) wrong "process $pid has open: $(readlink "$fd")" ;;
                esac
        done
        expect "most open files of $pid" "$(ulimit -Hn)" "$(awk '/Max open files/ { print $4 }' "/proc/$pid/limits")"
        expect "core files of $pid" 0 "$(awk '/Max core file size/ { print $5 }' "/proc/$pid/limits")"
done

shake_hands() {
        openssl s_client -connect "$ATMD_HOST:$1" -CAfile "$ATMD_CA" -verify_return_error -verify_ip "$ATMD_HOST" \
                -cert "$ATMD_CERTS/$terminal.crt" -key "$ATMD_CERTS/$terminal.key" </dev/null >/dev/null 2>&1
}
shake_hands "${ports[0]}" || wrong "instance 1 does not answer"
shake_hands "${ports[1]}" || wrong "instance 2 does not answer"

# kill and start
expect_exit 1 "$LAB" start --dir "$D" --instance 2
[[ $OUTPUT == *"running already"* ]] || wrong "start of a running instance says: $OUTPUT"
"$LAB" kill --dir "$D" --instance 2
! process_lives "${pids[1]}" || wrong "instance 2 lives after kill"
process_lives "${pids[0]}" || wrong "kill took the other instance too"
! shake_hands "${ports[1]}" || wrong "a killed instance answers"
expect_exit 1 "$LAB" kill --dir "$D" --instance 2
"$LAB" start --dir "$D" --instance 2
shake_hands "${ports[1]}" || wrong "instance 2 does not answer after start"
# shellcheck disable=SC1091
read -r -a after <<<"$(source "$D/lab.env" && echo "$ATMD_PIDS")"
expect "instance 1 after start of 2" "${pids[0]}" "${after[0]}"
process_lives "${after[1]}" || wrong "ATMD_PIDS is wrong after start"

# the banks: connected to both instances, in three dialects; an ATM's certificate opens none of them
expect "banks" "BANKA BANKB BANKC" "$BANKSIM_BANKS"
expect "dialects" "BANKA BANKB BANKC" "$(banksim ctl all show --csv | sed -nE 's/.*,,dialect,//p' | xargs)"
expect "links" "BANKA BANKB BANKC" "$(sql 'SELECT link FROM issuer WHERE link IS NOT NULL ORDER BY 1' | xargs)"
((${#BANKSIM_SOCKET} <= 107)) || wrong "socket path too long: $BANKSIM_SOCKET"
bank_shakes_hands() {
        openssl s_client -connect "$ATMD_HOST:${BANKSIM_PORTS%% *}" -CAfile "$D/banks/pki/ca.crt" -verify_return_error -verify_ip "$ATMD_HOST" \
                -cert "$1.crt" -key "$1.key" </dev/null 2>&1 | grep -q '^New, TLSv1.3' && sleep 0.2
}
bank_shakes_hands "$D/banks/certs/ACQUIRER" || wrong "a bank does not take the acquirer's certificate"
# a client of TLS 1.3 believes it is done before it is refused: the bank says what came of it
bank_shakes_hands "$ATMD_CERTS/$terminal" || true
await "a refused handshake in banksim's log" grep -q 'BANKA: .*handshake: ' "$D/log/banksim.log"

# links STATE,UP_AT,SEEN_BY: so each link is, as the instances see it
links() {
        [[ $(atmctl link list --format csv | sed 1d | cut -d, -f2,4,5 | sort -u) == "$1" ]]
}
await "both instances see all links" links up,2,2
"$LAB" kill --dir "$D" --bank
! process_lives "$BANKSIM_PID" || wrong "banksim lives after kill"
process_lives "${pids[0]}" || wrong "kill --bank took an instance too"
expect_exit 1 "$LAB" kill --dir "$D" --bank

# a dead bank looks dead, and what was refused for want of it is found by its name
await "both instances miss all links" links down,0,2
says_why() { atmctl link list --format csv | grep -q '^BANKA,.*127\.0\.0\.1:[0-9]*: .*refused'; }
await "why it is down" says_why
(umask 077 && grep -E '^pan|,BANKA,' "$ATM_BANK_CARDS" >"$WORK/banka.csv")
atmsim run --closed --withdrawals 3 --cards "$WORK/banka.csv" >/dev/null || wrong "withdrawals while the bank is down"
expect "refused for want of BANKA" "91,ISSUER_UNAVAILABLE,BANKA,BANKA" "$(atmctl withdrawal list --link BANKA --oldest-first --format csv |
        perl -F, -lane '@n = @F, next if $. == 1; @f{@n} = @F; print join ",", @f{qw(de39 reason issuer link)}' | sort -u)"
expect "all three" 3 "$(atmctl withdrawal list --issuer BANKA --reason issuer_unavailable --format csv | sed 1d | wc -l)"
expect "and none of BANKB's" 0 "$(atmctl withdrawal list --link BANKB --format csv | sed 1d | wc -l)"

"$LAB" start --dir "$D" --bank
await "both instances see all links again" links up,2,2
kill -TERM "${after[1]}"
await "an instance that has stopped is not missed" links up,1,1
has_ended() { ! process_lives "$1"; }
await "its end" has_ended "${after[1]}"
"$LAB" start --dir "$D" --instance 2
banksim ctl BANKC show >/dev/null || wrong "banksim does not answer after start"
expect_exit 1 "$LAB" start --dir "$D" --bank
expect_exit 2 "$LAB" kill --dir "$D" --bank --instance 1
# shellcheck disable=SC1091
bank_pid=$(source "$D/lab.env" && echo "$BANKSIM_PID")
process_lives "$bank_pid" || wrong "BANKSIM_PID is wrong after start"

# the key module, likewise
"$LAB" kill --dir "$D" --keys
expect_exit 1 "$LAB" kill --dir "$D" --keys
expect_exit 1 atmctl key generate --all --note "nobody makes them"
"$LAB" start --dir "$D" --keys
atmctl key generate --all --note "it is back" >/dev/null || wrong "no keys after start"

# wrong usage
expect_exit 2 "$LAB" kill --dir "$D" --keys --bank
expect_exit 2 "$LAB" kill --dir "$D" --instance 3
expect_exit 2 "$LAB" up --dir "$WORK/x" --atms none
expect_exit 2 "$LAB" up --dir "$WORK/x" --clock 2016-12-29,0
expect_exit 2 "$LAB" up --dir "$WORK/x" --speed 3
expect_exit 2 "$LAB" up --dir "$WORK/x" --banks 4
expect_exit 2 "$LAB" up
expect_exit 1 "$LAB" up --dir "$D"
[[ ! -e $WORK/x ]] || wrong "wrong usage left a folder behind"

# a folder that holds something of somebody else's under a name that a lab uses: refused, and all of it is left alone
for name in server/mine log/mine; do
        mkdir -p "$WORK/foreign/${name%/*}"
        echo mine >"$WORK/foreign/$name"
        expect_exit 1 "$LAB" up --dir "$WORK/foreign" --atms 2 --cards 2
        [[ $OUTPUT == *"foreign/${name%/*} "* ]] || wrong "the folder in the way is not named: $OUTPUT"
        expect "somebody else's $name" mine "$(cat "$WORK/foreign/$name")"
        rm -r "$WORK/foreign"
done

# a template that is broken is made again, by a port that is taken, too: exit 1, named, nothing left behind
source "$ROOT/scripts/lib/lab_files.sh"
source "$ROOT/scripts/lib/lab_template.sh"
source "$ROOT/scripts/lib/lab_make.sh"
HISTORY='' HOURS=real LAB_BIN=$BIN LAB_BANKS=1 LAB_START_MS=$(now_ms)
template_choose
mkdir -p "${TEMPLATE%/*}"
broken=$(mktemp -d "${TEMPLATE%/*}/new.XXXXXX")
mkdir "$broken/data"
((EUID != 0)) || chown -R postgres: "$broken"
rm -rf "$TEMPLATE"
mv -T "$broken" "$TEMPLATE"
base=$(mktemp -d /var/tmp/atm-flow.XXXXXX)
chmod 755 "$base"
expect_exit 1 env ATM_CLUSTER_BASE="$base" "$LAB" up --dir "$WORK/taken" --atms 2 --cards 2 --banks 1 --hours real --port "$ATMD_PORT"
[[ $OUTPUT == *"$TEMPLATE is of no use"* ]] || wrong "the broken template was not met: $OUTPUT"
[[ -e $TEMPLATE/data/PG_VERSION && ! -e $TEMPLATE/data/postmaster.pid ]] || wrong "no template was made in the place of the broken one"
rm -rf "$TEMPLATE" # nobody else has one like it
[[ $OUTPUT == *"$ATMD_PORT"* ]] || wrong "the port is not named: $OUTPUT"
[[ ! -e $WORK/taken ]] || wrong "a failed up left its folder behind"
rmdir "$base" || wrong "a failed up left its cluster behind: $(ls "$base")"
process_lives "${pids[0]}" || wrong "a failed up took another lab's instance"
# one that was taken and is free again by now is no reason to give up, and what is not asked for does not get in its own way
somewhere() (
        source "$ROOT/scripts/lib/lab_processes.sh"
        DIR=$WORK/somewhere PORT='' LAB_INSTANCES=2 LAB_BANKS=3 tries=0
        mkdir -p "$DIR/log"
        processes_start() {
                ((LAB_BANK_PORT >= LAB_PORT + 2)) && ((++tries == 2)) && return 0
                echo "atmd: listen on 127.0.0.1 port $LAB_PORT: Address already in use" >"$DIR/log/atmd-2.log"
                return 1
        }
        ports_end() { :; }
        processes_start_somewhere
)
expect_exit 0 somewhere
[[ $OUTPUT == *"a port was taken meanwhile (attempt 1)"* ]] || wrong "a port that was taken: $OUTPUT"

# down, and again
"$LAB" down --dir "$D"
for pid in "${pids[0]}" "${after[1]}" "$bank_pid"; do
        ! process_lives "$pid" || wrong "process $pid lives after down"
done
[[ ! -e $PGHOST ]] || wrong "the cluster is still there after down"
expect "left after down" "log" "$(ls "$D")"
[[ -f $D/log/postgres.log && ! -L $D/log/postgres.log && -s $D/log/postgres.log ]] || wrong "down keeps no end of PostgreSQL's log"
"$LAB" down --dir "$D"
expect "down where no lab is" "lab: no lab in $WORK/never-was: nothing to do" "$("$LAB" down --dir "$WORK/never-was" 2>&1)"

# a clock of one's own, in the folder of an earlier lab, with more ATMs than the example fleet has
"$LAB" up --dir "$D" --atms 1070 --cards 5 --banks 0 --plain --clock 2016-12-29T07:55:00+09:00,60 --hours real >/dev/null
given=$(grep -E 'BANK|KEYS|KEY_MODULE|ATM_MAC|ATM_PIN' "$D/lab.env" | grep -v '^unset ' || true)
[[ -z $given && ! -e $D/keys ]] || wrong "a lab without banks and keys has: $given"
expect_exit 1 "$LAB" kill --dir "$D" --keys
# shellcheck disable=SC1091
source "$D/lab.env"
expect "start of the clock" 1482965700000 "$ATM_CLOCK_START_MS"
expect "speed of the clock" 60 "$ATM_CLOCK_SPEED"
age_ms=$(($(now_ms) - ATM_CLOCK_ANCHOR_MS))
((age_ms >= 0 && age_ms < 60000)) || wrong "the clock's anchor is $age_ms ms ago"
expect "terminals" 1071 "$(wc -l <"$ATM_TERMINALS")"
expect "a terminal beyond the example fleet" T0001070 "$(sed -n '1071s/,.*//p' "$ATM_TERMINALS")"
# what it has from a template is what `atmctl db init` and the imports make
contents() {
        local table
        for table in area hall hall_place issuer tax_rate tariff card_prefix holiday limit_rule network_hours ledger_partition \
                schema_migration; do
                echo "SELECT '$table', count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM $table t;"
        done | psql -X -A -t -q
        psql -X -A -t -q -c "SELECT who, person, command, noun, key, before, after - 'anchor_ms', note FROM trail WHERE noun NOT IN ('atm', 'card', 'account', 'key')
                ORDER BY noun, key, change"
}
contents >"$WORK/of-template"
"$LAB" down --dir "$D"
flow_postgres
PGDATABASE=atm LAB_BANKS=0 TEMPLATE='' DIR=$WORK
PGUSER=$CLUSTER_PERSON reference_make
contents >"$WORK/of-imports"
diff "$WORK/of-template" "$WORK/of-imports" >&2 || wrong "what is in a template is not what the imports make"
passed
