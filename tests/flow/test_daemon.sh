#!/usr/bin/env bash
# atmd as an operator and a service manager see it: READY, SIGHUP that takes all or nothing, SIGTERM that drains, a
# full house, attacks on the door, and a database that is missing, empty or newer when it starts.
if [[ -z ${PASSED_PORT:-} ]]; then
        # descriptor 9 is a socket that listens on PASSED_PORT: what a service manager opens and passes on
        exec perl -MIO::Socket::INET -MPOSIX=dup2 -e '
                my $s = IO::Socket::INET->new(Listen => 128, LocalAddr => "127.0.0.1") or die $!;
                $ENV{PASSED_PORT} = $s->sockport;
                dup2(fileno($s), 9) or die $!;
                exec @ARGV or die $!' "$BASH" "$0" "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build_programs attacker || exit 1
flow_lab lab --plain --atms 40 --cards 4000 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
STARTED=()
CONF=$WORK/lab/own.conf # beside the laboratory's own, so that its relative paths hold
trap 'kill "${STARTED[@]}" 2>/dev/null || true; flow_end' EXIT

# start NAME [options]: an atmd of our own, its log in $WORK/NAME.log; its number in $pid, its port in $port.
start() {
        local name=$1
        shift
        atmd --config "$CONF" --listen 127.0.0.1:0 "$@" </dev/null >"$WORK/$name.log" 2>&1 &
        pid=$!
        STARTED+=("$pid")
        await "$name is ready" grep -q event=ready "$WORK/$name.log"
        port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/$name.log")
}

# start_passed NAME: the same with the socket that is passed
start_passed() {
        (LISTEN_FDS=1 LISTEN_PID=$BASHPID exec atmd --config "$CONF" --instance "$1" 3<&9 9<&- </dev/null >"$WORK/$1.log" 2>&1) &
        pid=$!
        STARTED+=("$pid")
        await "$1 is ready" grep -q "event=ready listen=127.0.0.1:$PASSED_PORT " "$WORK/$1.log"
}

# stop: SIGTERM, and the exit code is 0.
stop() {
        kill -TERM "$pid"
        wait "$pid" || wrong "atmd ended with $? after SIGTERM"
}

# set_key SECTION KEY VALUE, in our copy of the laboratory's configuration
set_key() {
        awk -v section="[$1]" -v key="$2" -v value="$3" '
                /^\[/ { here = ($0 == section) }
                here && $1 == key { next }
                { print }
                $0 == section { print key " = " value }' "$CONF" >"$CONF.new"
        grep -qF "[$1]" "$CONF.new" || printf '[%s]\n%s = %s\n' "$1" "$2" "$3" >>"$CONF.new"
        mv "$CONF.new" "$CONF"
}

# what callers that say nothing read from: never a byte, never an end
mkfifo "$WORK/silence"
exec 8<>"$WORK/silence"

cp "$ATMD_CONF" "$CONF"
expect_exit 0 atmd --config "$CONF" --check-config

# --- a connection ends when its certificate does: begun here, looked at in the end
short_certificate() {
        local name
        name=$(sed -n '40s/,.*//p' "$ATM_TERMINALS")
        mkdir -p "$WORK/short"
        : >"$WORK/short/index"
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$WORK/short/key" \
                -out "$WORK/short/csr" 2>/dev/null
        printf '[ca]\ndefault_ca=x\n[x]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n' \
                "$WORK/short/index" "$WORK/short" >"$WORK/short/ca.conf"
        openssl ca -batch -notext -config "$WORK/short/ca.conf" -cert "$WORK/lab/pki/ca.crt" -keyfile "$WORK/lab/pki/ca.key" \
                -startdate 20000101000000Z -enddate "$(date -u -d "+$1 seconds" +%Y%m%d%H%M%SZ)" -in "$WORK/short/csr" -out "$WORK/short/crt" 2>/dev/null
}
start short --instance short
short=$pid
short_certificate 20
openssl s_client -connect "127.0.0.1:$port" -CAfile "$WORK/lab/pki/ca.crt" -cert "$WORK/short/crt" -key "$WORK/short/key" -quiet \
        <&8 >/dev/null 2>&1 &
STARTED+=("$!")
await "the ATM whose certificate ends soon" grep -q event=connected "$WORK/short.log"

# --- READY and STOPPING reach the service manager
perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die;
                  $| = 1; while (recv(S, $m, 4096, 0), length $m) { print $m, "\n" }' "$WORK/notify" >"$WORK/notified" &
STARTED+=("$!")
await "the service manager's socket" test -S "$WORK/notify"
NOTIFY_SOCKET=$WORK/notify start notify
await "READY=1" grep -q '^READY=1' "$WORK/notified"
kill -HUP "$pid"
await "RELOADING=1" grep -q '^RELOADING=1' "$WORK/notified"
stop
await "STOPPING=1" grep -q '^STOPPING=1' "$WORK/notified"

# --- SIGHUP: a good file is taken, a bad one changes nothing and says where it is bad
start reload
set_key limits idle_timeout_ms 1234567
kill -HUP "$pid"
await "the reload" grep -q "event=reload" "$WORK/reload.log"
cp "$CONF" "$WORK/good.conf"
printf 'no_such_key = 1\n' >>"$CONF"
line=$(wc -l <"$CONF")
kill -HUP "$pid"
await "the refusal of the bad file" grep -q "own.conf:$line:.*no_such_key" "$WORK/reload.log"
process_lives "$pid" || wrong "atmd ended over a bad configuration"
ATMD_PORTS=$port atmsim run --closed --withdrawals 50 --seed "$SEED" >"$WORK/run.log" 2>&1 ||
        wrong "no service after a refused reload: $(cat "$WORK/run.log")"
cp "$WORK/good.conf" "$CONF"
# another key of the card tokens would give each card its limits a second time
cp "$ATM_TOKEN_KEY_FILE" "$WORK/token.key"
(umask 077 && openssl rand -hex 32 >"$WORK/other.key" && cat "$WORK/other.key" >"$ATM_TOKEN_KEY_FILE")
kill -HUP "$pid"
await "the refusal of another token key" grep -q "token_key_file: .*holds another key than the one that atmd runs with" "$WORK/reload.log"
cat "$WORK/token.key" >"$ATM_TOKEN_KEY_FILE"
# what the rows of config/settings.c don't let a reload change needs a restart, and is named
set_key database queue_max 5000
kill -HUP "$pid"
await "the refusal of what needs a restart" \
        grep -qF "own.conf: [database] queue_max can't be changed while atmd runs: restart it" "$WORK/reload.log"
cp "$WORK/good.conf" "$CONF"

# --- an issuer that cards lead to and that has no price, come in past atmctl, harms its own cards alone
sql "INSERT INTO issuer (issuer, name) VALUES ('NEWB', 'NEWB'); INSERT INTO card_prefix (prefix, from_on, issuer, kind) VALUES ('990077', '2016-01-01', 'NEWB', 'cash')"
await "a log line about the issuer" grep -q "issuer NEWB: no tariff for band day" "$WORK/reload.log"
ATMD_PORTS=$port atmsim run --closed --withdrawals 20 --seed "$SEED" --json >"$WORK/others.json" 2>"$WORK/run.log" ||
        wrong "no service beside an issuer without a price: $(cat "$WORK/run.log")"
expect "withdrawals of the others that were refused for it" 0 "$(grep -cE '"(91|96)": ' "$WORK/others.json")"
(umask 077 && printf 'pan,expiry,pin,issuer,balance_yen\n9900770000000018,4912,0900,NEWB,1000000\n' >"$WORK/new.csv")
atmctl card import --note trial "$WORK/new.csv" >/dev/null
ATMD_PORTS=$port atmsim run --closed --withdrawals 2 --seed "$SEED" --json --cards "$WORK/new.csv" >"$WORK/new.json" 2>"$WORK/run.log" || true
expect "answers to its cards" '{"91": 2}' "$(sed -nE 's/.*"de39": (\{[^}]*\}).*/\1/p' "$WORK/new.json")"
sql "DELETE FROM card WHERE issuer = 'NEWB'
     ; DELETE FROM card_prefix WHERE issuer = 'NEWB'; DELETE FROM issuer WHERE issuer = 'NEWB'"
stop

# --- SIGTERM under load: what was asked is answered; the ATMs go on at the other instance
start drain
under_way() {
        (($(sql 'SELECT count(*) FROM withdrawal') >= already + 300))
}
already=$(sql 'SELECT count(*) FROM withdrawal')
ATMD_PORTS="$port $ATMD_PORT" atmsim run --closed --withdrawals 4000 --seed "$SEED" --answer-timeout-ms 4000 --json \
        >"$WORK/drain.json" 2>"$WORK/drain.err" &
simulator=$!
await "ATMs at work" under_way
stop
process_lives "$simulator" || wrong "the ATMs were done before the drain: $(cat "$WORK/drain.json")"
wait "$simulator" || wrong "atmsim run: $(cat "$WORK/drain.err" "$WORK/drain.json")"
expect "requests left unanswered by a drain" 0 "$(sed -nE 's/.*"unanswered": *([0-9]+).*/\1/p' "$WORK/drain.json" | head -n 1)"

# --- programs change under load and nobody is refused: the next one serves at the same socket before the former is told to stop,
# or after, and who comes in between waits
start_passed former
former=$pid
already=$(sql 'SELECT count(*) FROM withdrawal')
ATMD_PORTS=$PASSED_PORT atmsim run --closed --withdrawals 6000 --seed "$SEED" --answer-timeout-ms 8000 --json \
        >"$WORK/change.json" 2>"$WORK/change.err" &
simulator=$!
sql_when "ATMs at work" "(SELECT count(*) FROM withdrawal) >= $already + 300"
start_passed latter
latter=$pid
pid=$former
stop
sql_when "ATMs at the latter" "(SELECT count(*) FROM withdrawal) >= $already + 1000"
pid=$latter
stop
perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:$ENV{PASSED_PORT}") or die "$@\n"' || wrong "refused while no program is there"
start_passed third
process_lives "$simulator" || wrong "the ATMs were done before the programs changed: $(cat "$WORK/change.json")"
wait "$simulator" || wrong "atmsim run: $(cat "$WORK/change.err" "$WORK/change.json")"
expect "requests left unanswered while programs change" 0 "$(sed -nE 's/.*"unanswered": *([0-9]+).*/\1/p' "$WORK/change.json" | head -n 1)"
(($(grep -c 'event=connected ' "$WORK/latter.log") > 0 && $(grep -c 'event=connected ' "$WORK/third.log") > 0)) || wrong "the latter or third program served nobody"
stop
# refuses_passed FDS "why" [options]: what is passed is descriptor 3
refuses_passed() {
        expect_exit 2 env LISTEN_FDS="$1" sh -c 'LISTEN_PID=$$ exec atmd "$@"' sh --config "$CONF" "${@:3}"
        [[ $OUTPUT == *"$2"* ]] || wrong "LISTEN_FDS=$1: '$OUTPUT' does not say '$2'"
}
refuses_passed x "LISTEN_FDS: Invalid argument; expected the number"
refuses_passed 1 "no TCP socket that listens" 3<"$CONF"
refuses_passed 2 "2 sockets were passed; expected one" 3<&9 4<&9
refuses_passed 1 "--listen 127.0.0.1:7583: a socket was passed as well" --listen 127.0.0.1:7583 3<&9

# --- a full house refuses the next and goes on serving those inside
set_key limits connections_max 10
start full
ATMD_PORTS=$port atmsim run --idle --atms 10 --seconds 8 --journal "$WORK/journal-idle" --ready-file "$WORK/inside" >"$WORK/idle.log" 2>&1 &
inside=$!
await "ten ATMs inside" test -e "$WORK/inside"
sed -n '1p;$p' "$ATM_TERMINALS" >"$WORK/last.csv"
expect_exit 1 env ATMD_PORTS="$port" ATM_TERMINALS="$WORK/last.csv" atmsim run --idle --atms 1 --seconds 1 --start-seconds 2 \
        --journal "$WORK/journal-eleventh"
wait "$inside" || wrong "those inside suffered: $(cat "$WORK/idle.log")"
await "a log line about the full house" grep -q event=refused_full "$WORK/full.log"
stop
cp "$WORK/good.conf" "$CONF"

# --- attacks of every kind at once on a door with small limits: they run, the limits hold, the log and the counters name them,
# and meanwhile newcomers from elsewhere come in and those inside are served
set_key limits handshakes_max 20 # more than the shares of all attackers and two for those who are none
set_key limits handshakes_per_address 4
set_key limits waiting_per_address 16
set_key limits message_timeout_ms 500
start attacked
attack() {
        attacker "$1" --to "127.0.0.1:$port" --terminals "$2" --seconds 60 "${@:3}" >"$WORK/attacker-$1.json" 2>&1 &
        STARTED+=("$!")
        attackers+=("$!")
}
attackers=()
mapfile -t terminal < <(sed -n '2,30s/,.*//p' "$ATM_TERMINALS")
attack silent "${terminal[10]}" --from 127.0.0.2:0 --lines 40
attack half "${terminal[10]}" --from 127.0.0.3:0 --lines 40
attack junk "${terminal[10]}" --from 127.0.0.4:0 --lines 8
attack keyupdate "${terminal[11]}" --from 127.0.0.5:0 --lines 1
attack prepared "${terminal[12]}" --from 127.0.0.6:0 --lines 1
attack unread "${terminal[13]}" --from 127.0.0.7:0 --lines 1
attack storm "${terminal[14]}" --from 127.0.0.8:0 --lines 8
attack flood "${terminal[15]}" --from 127.0.0.9:0
flooded() {
        grep -q "event=security_flood terminal=${terminal[$1]} .*reason=\"$2" "$WORK/attacked.log"
}
await "key updates that are cut off" flooded 11 "more than 32 key updates"
await "prepared key updates that are cut off" flooded 12 "more than 32 key updates"
await "unread answers that are cut off" flooded 13 "what was sent was not taken"
await "a crowd" grep -q 'event=crowded ' "$WORK/attacked.log"
attacker newcomer --to "127.0.0.1:$port" --terminals "${terminal[16]}" --times 2 --seconds "$PATIENCE_S" >"$WORK/newcomer.json"
ATMD_PORTS=$port atmsim run --closed --atms 10 --handshakes 2 --withdrawals 50 --seed "$SEED" >"$WORK/run.log" 2>&1 ||
        wrong "no service under attack: $(cat "$WORK/run.log")"
counted() {
        kill -USR1 "$pid"
        grep -q "event=stats .* $1=[1-9]" "$WORK/attacked.log"
}
for counter in crowded_out closed_flood closed_unread handshake_failed; do
        await "the counter $counter" counted "$counter"
done
kill -TERM "${attackers[@]}"
wait "${attackers[@]}" || wrong "an attacker failed: $(cat "$WORK"/attacker-*.json)"
grep -q '"came_in": 2' "$WORK/newcomer.json" || wrong "no newcomer came in: $(cat "$WORK/newcomer.json")"
# within the limits, and those of the crowd's own address gave way
awk '/event=crowded / {
                for (i = 1; i <= NF; i++) { split($i, pair, "="); is[pair[1]] = pair[2] }
                if (is["shaking"] > 20 || is["of_address_shaking"] > 4 || is["of_address_waiting"] + is["of_address_silent"] > 16) print }' \
        "$WORK/attacked.log" >"$WORK/beyond"
[[ ! -s $WORK/beyond ]] || wrong "more than the limits let in: $(head -n 3 "$WORK/beyond")"
! grep -E 'event=connection_closed peer=127.0.0.1:.*end=full' "$WORK/attacked.log" || wrong "an ATM gave way to a crowd"
for kind in silent half junk keyupdate prepared unread storm flood; do
        grep -Eq '"connected": [1-9]' "$WORK/attacker-$kind.json" || wrong "the attack $kind did not run: $(cat "$WORK/attacker-$kind.json")"
done
expect_exit 2 "$ROOT/scripts/attack" silent nonsense
grep -Eq '"answers": [1-9]' "$WORK/attacker-flood.json" || wrong "no answers to a flood: $(cat "$WORK/attacker-flood.json")"
stop
cp "$WORK/good.conf" "$CONF"

# --- a FIFO in a certificate's place is refused by name, at the start and while it runs: nobody waits for its writer
mkfifo "$WORK/fifo.crt"
start steady
cp "$CONF" "$WORK/before.conf"
set_key tls certificate "$WORK/fifo.crt"
expect_exit 78 atmd --config "$CONF" --check-config
[[ $OUTPUT == *"fifo.crt: "*"not a file"* ]] || wrong "a FIFO for a certificate: '$OUTPUT'"
kill -HUP "$pid"
# what a crowd took is given back once it has gone
attacker silent --to "127.0.0.1:$port" --terminals "${terminal[10]}" --from 127.0.0.2:0 --lines 200 --seconds 60 >"$WORK/crowd.json" 2>&1 &
crowd=$!
STARTED+=("$crowd")
crowd_is_in() {
        kill -USR1 "$pid"
        [[ $(sed -nE 's/.*event=stats .* accepted=([0-9]+).*/\1/p' "$WORK/steady.log" | tail -n 1) -ge 200 ]]
}
await "a crowd" crowd_is_in
kill -KILL "$crowd"
await "what it had" grep -qE 'event=memory_given_back were=2[0-9][0-9] are=' "$WORK/steady.log"
await "the refusal of a FIFO" grep -q "event=reload_refused .*fifo.crt: .*not a file" "$WORK/steady.log"
cp "$WORK/before.conf" "$CONF"
stop

# --- an instance whose limits are others than those of the running ones says so, and atmctl shows it
start one --instance one
one=$pid
set_key limits correction_s 120
start two --instance two
await "the other limits" grep -q 'event=limits_differ limits=90/510/120 others="[^"]*one: 90/510/300' "$WORK/two.log"
limits=$(atmctl instance list --format csv)
grep -Fxq one,90,510,300,no <<<"$limits" && grep -Fxq two,90,510,120,no <<<"$limits" ||
        wrong "atmctl instance list: '$limits'"
set_key limits correction_s 300
kill -HUP "$pid"
await "the same limits" grep -q 'event=limits_agree limits=90/510/300' "$WORK/two.log"
grep -Fxq one,90,510,300,yes <<<"$(atmctl instance list --format csv)" || wrong "instances that agree: $(atmctl instance list)"
stop
pid=$one
stop

# --- who may be connected is asked again whenever something that it rests on changes, and while somebody is connected
# dial TERMINAL [FOLDER]: an ATM's connection that says nothing, in the background; its number in $caller.
dial() {
        local folder=${2:-$WORK/lab/certs}
        openssl s_client -connect "127.0.0.1:$port" -CAfile "$WORK/lab/pki/ca.crt" -cert "$folder/$1.crt" -key "$folder/$1.key" \
                -quiet -no_ign_eof <&8 >/dev/null 2>&1 &
        caller=$!
        STARTED+=("$caller")
}
# connected COUNT TERMINAL: so often it was let in
connected() {
        (($(grep -c "event=connected terminal=$2 " "$WORK/guard.log") >= $1))
}
# ended TERMINAL REASON: a line of the log says so
ended() {
        grep -q "event=connection_closed .*terminal=$1 end=refused reason=\"$2" "$WORK/guard.log"
}
gone() {
        ! process_lives "$1"
}
mapfile -t atms < <(sed -n '2,7s/,.*//p' "$ATM_TERMINALS")
atmctl pki revoke --dir "$WORK/lab/pki" --crl "$WORK/crl.pem" >/dev/null
set_key tls crl "$WORK/crl.pem"
set_key limits replaced_burst 2
set_key limits replaced_s 86400
start guard
await "the list of revoked certificates" grep -q "event=crl_loaded .* revoked=0 " "$WORK/guard.log"
callers=()
for i in 0 1 2 3; do
        dial "${atms[i]}"
        callers+=("$caller")
        await "ATM $i inside" connected 1 "${atms[i]}"
done
# barred: out at once, and not in again before that ends by itself
atmctl atm bar "${atms[0]}" --note 'stolen' --until 2099-01-01 >/dev/null
await "the end of the barred ATM" ended "${atms[0]}" "the terminal is barred"
await "its hanging up" gone "${callers[0]}"
await "the event" grep -q "event=security_terminal_refused terminal=${atms[0]} .*connected=yes why=\"the terminal is barred\"" "$WORK/guard.log"
dial "${atms[0]}"
await "a barred ATM that is not let in" gone "$caller"
connected 2 "${atms[0]}" && wrong "a barred ATM was let in"
sql "UPDATE atm SET barred_until = business_now() WHERE terminal = '${atms[0]}'"
let_in() {
        dial "$2"
        until connected "$1" "$2"; do
                process_lives "$caller" || return 1
                sleep 0.05
        done
}
await "the ATM whose bar has ended" let_in 2 "${atms[0]}"
expect "who ended it" "atm_daemon atmd its end has come" "$(sql "SELECT concat_ws(' ', who, command, note) FROM trail WHERE noun = 'atm' AND key = '${atms[0]}' ORDER BY change DESC LIMIT 1")"
# revoked: as soon as the file changes
atmctl pki revoke --dir "$WORK/lab/pki" --crl "$WORK/crl.pem" --certificate "$WORK/lab/certs/${atms[1]}.crt" >/dev/null
await "the end of the revoked ATM" ended "${atms[1]}" "certificate revoked"
await "its hanging up" gone "${callers[1]}"
# a crowd of strangers does not keep its refusal out of the log
for ((i = 0; i < 200; i++)); do
        printf 'GET / HTTP/1.0\r\n\r\n' >"/dev/tcp/127.0.0.1/$port" || true
done
dial "${atms[1]}"
await "a revoked ATM that is not let in" grep -q "connection_closed .*terminal=${atms[1]} end=handshake_failed .*certificate revoked" "$WORK/guard.log"
# a list that can't be read, or is overdue, changes nothing for the others
cp "$WORK/crl.pem" "$WORK/crl.good"
echo junk >"$WORK/crl.pem"
await "the refusal of a list" grep -q "event=security_crl_refused file=.*crl.pem" "$WORK/guard.log"
lists=$(grep -c "event=crl_loaded " "$WORK/guard.log")
loaded() { (($(grep -c "event=crl_loaded " "$WORK/guard.log") == lists + $1)); }
mv "$WORK/crl.good" "$WORK/crl.pem"
await "the list that is good again" loaded 1
chmod 666 "$WORK/crl.pem" # refused; the same bytes are good again once it is nobody else's to write
chmod 600 "$WORK/crl.pem"
await "the list whose mode was put right" loaded 2
atmctl pki revoke --dir "$WORK/lab/pki" --crl "$WORK/crl.pem" --days -1 >/dev/null
await "the alarm of an overdue list" grep -q "event=security_crl_overdue file=.*crl.pem" "$WORK/guard.log"
# who replaces himself more often than the limit has to wait, and the former stays
for i in 2 3; do
        dial "${atms[2]}"
        await "ATM 2 inside again" connected "$i" "${atms[2]}"
done
callers[2]=$caller
dial "${atms[2]}"
await "a warning with both addresses" \
        grep -qE "event=security_terminal_replaced terminal=${atms[2]} former=127.0.0.1:[0-9]+ peer=127.0.0.1:[0-9]+ wait_s=[0-9]+" "$WORK/guard.log"
await "the newcomer's end" gone "$caller"
process_lives "${callers[2]}" || wrong "the former connection did not stay"
# its authority is believed no longer: whoever is inside is out after the reload
process_lives "${callers[3]}" || wrong "an ATM that nothing was done to is out"
atmctl pki init --dir "$WORK/other-pki" >/dev/null
set_key tls ca "$WORK/other-pki/ca.crt"
sed -i '/^crl = /d' "$CONF"
kill -HUP "$pid"
for i in 2 3; do
        await "the end of ATM $i" ended "${atms[i]}" ".*certificate" # how much of its chain it sent decides the words
        await "its hanging up" gone "${callers[i]}"
done
stop
for event in security_terminal_refused security_handshake_refused; do
        grep -q "event=security_more of=$event " "$WORK/guard.log" || wrong "what was not written of $event was not counted"
done
cp "$WORK/good.conf" "$CONF"

# --- where to listen: nobody knows where an IPv6 address without brackets ends and its port begins
for address in ::1:7583 ::1 127.0.0.1 :7583 127.0.0.1:65536; do
        expect_exit 2 atmd --config "$CONF" --listen "$address"
        [[ $OUTPUT == *"expected HOST:PORT, such as 127.0.0.1:7583 or [::1]:7583"* ]] || wrong "--listen $address: '$OUTPUT'"
done

# --- databases that can't be served from
expect_conninfo() {
        sed -E "s|^conninfo *=.*|conninfo = $1|" "$WORK/good.conf" >"$CONF"
        expect_exit 1 atmd --config "$CONF" --listen 127.0.0.1:0
        [[ $OUTPUT == *"$2"* ]] || wrong "a database that is $3: '$OUTPUT' does not say '$2'"
}
expect_conninfo "host=$PGHOST dbname=nowhere user=atm_daemon" nowhere absent
sql 'CREATE DATABASE blank' && expect_conninfo "host=$PGHOST dbname=blank user=atm_daemon" "atmctl db init" "not set up"
sql 'INSERT INTO schema_migration VALUES (999, $$later$$)'
expect_conninfo "host=$PGHOST dbname=$PGDATABASE user=atm_daemon" "newer" newer
sql 'DELETE FROM schema_migration WHERE version = 999'
expect_conninfo "host=$WORK dbname=$PGDATABASE user=atm_daemon" "No such file" "without a server"

# --- another token key would serve excluded cards, and give all of them their limits a second time
cat "$WORK/other.key" >"$ATM_TOKEN_KEY_FILE"
expect_conninfo "host=$PGHOST dbname=$PGDATABASE user=atm_daemon" "holds another key than the one that its cards have their tokens from" "under another token key"
cat "$WORK/token.key" >"$ATM_TOKEN_KEY_FILE"

await "the end of a certificate" grep -q 'event=connection_closed .*end=refused reason="certificate has expired"' "$WORK/short.log"
pid=$short
stop
expect_exit 0 env -u BANKSIM_JOURNALS atmctl reconcile --drained
expect_exit 0 atmctl verify
passed
