#!/usr/bin/env bash
# Settings that somebody made for a role, a database or by PGOPTIONS change nothing of what the programs do; locks that somebody holds
# are named and don't stop what needs none of them, and leave no sessions behind; a server that may lose what it has committed is refused by
# atmd, also where it comes to one later, and so is one without the standby that the configuration wants. Of several servers those that are silent or in recovery are left for the primary, and a primary
# that freezes for the one that is promoted.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 10 --cards 300 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
STARTED=()
trap 'kill "${STARTED[@]}" 2>/dev/null || true; flow_end' EXIT

# NAME VALUE: each alone would have stopped the service, lost commits or moved days. Those that every session sets, and some that are dealt
# with otherwise.
mapfile -t settings < <(sed -nE 's/^SET_FOR_[A-Z]*\("([^"]*)", "[^"]*", "([^"]*)".*/\1\n\2/p' "$ROOT/lib/db/pg_settings.def")
((${#settings[@]} >= 40)) || wrong "only ${#settings[@]} words of settings in pg_settings.def"
settings+=(
        search_path nowhere
        synchronous_commit off
        lock_timeout 1
        idle_session_timeout 1000
        enable_indexscan off
        enable_nestloop off
)
role=$(sed -nE "s/^conninfo *=.*user=([a-z_]+).*/\1/p" "$ATMD_CONF")
database=$(sql 'SELECT current_database()')
for ((i = 0; i < ${#settings[@]}; i += 2)); do
        sql "ALTER ROLE \"$role\" IN DATABASE \"$database\" SET ${settings[i]} = '${settings[i + 1]}'" >/dev/null
done

start() {
        atmd --config "$ATMD_CONF" --listen 127.0.0.1:0 </dev/null >"$WORK/$1.log" 2>&1 &
        pid=$!
        STARTED+=("$pid")
}

start badly
await "atmd is ready" grep -q event=ready "$WORK/badly.log"
port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/badly.log")
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 50 --seed "$SEED" --json
grep -qE '"96": *[1-9]' <<<"$OUTPUT" && wrong "withdrawals were answered 96: $OUTPUT"
# an idle connection of the same role is ended: so would atmd's idle ones have been, which are older
mkfifo "$WORK/idle"
PGUSER=$role "$PSQL" -X -A -t -q <"$WORK/idle" >"$WORK/idle.pid" 2>/dev/null &
exec 7>"$WORK/idle"
echo 'SELECT pg_backend_pid();' >&7
await "an idle connection" grep -q . "$WORK/idle.pid"
is_gone() { [[ $(sql "SELECT count(*) FROM pg_stat_activity WHERE pid = $(<"$WORK/idle.pid")") == 0 ]]; }
await "the end of the idle connection" is_gone
exec 7>&-
expect "what atmd's connections keep" "" "$(grep -E 'event=(database_down|batch_failed)' "$WORK/badly.log" || true)"

# --- an operator's idle lock and a change that somebody else commits: withdrawals go on, the log says who holds what, and so does
# atmctl, which waits no longer than its time
mkfifo "$WORK/desk"
PGUSER=$CLUSTER_PERSON PGAPPNAME=desk "$PSQL" -X -A -t -q <"$WORK/desk" >"$WORK/holder.pid" 2>&1 &
STARTED+=("$!")
exec 7>"$WORK/desk"
echo 'SHOW idle_in_transaction_session_timeout; BEGIN; LOCK TABLE hall; SELECT pg_backend_pid();' >&7
await "a lock on hall" grep -qx '[0-9]*' "$WORK/holder.pid"
expect "when a transaction that is left open ends" 1min "$(head -n 1 "$WORK/holder.pid")"
holder=$(tail -n 1 "$WORK/holder.pid")
sql "UPDATE limit_rule SET value = value" >/dev/null
version=$(sql "SELECT version FROM reference_version")
await "the new reference data" grep -q "reference data version $version in force" "$WORK/badly.log"
await "the lock in the log" grep -qE "event=lock_held pid=$holder user=$CLUSTER_PERSON application=desk state=\"idle in transaction\" since=.* table=hall mode=AccessExclusiveLock waiting=0" "$WORK/badly.log"
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 50 --seed "$SEED" --json
grep -qE '"(91|96)": *[1-9]' <<<"$OUTPUT" && wrong "an idle lock stops withdrawals: $OUTPUT"
PGOPTIONS='-c lock_timeout=100ms' expect_exit 1 atmctl hall list
[[ $OUTPUT == *"lock timeout"*"process $holder holds locks: user $CLUSTER_PERSON, application 'desk', idle in transaction since "*", AccessExclusiveLock on hall"* ]] ||
        wrong "atmctl does not say who is in its way: $OUTPUT"
# one that stops the batches themselves is named while they wait
echo 'SELECT count(*) FROM (SELECT FROM card FOR UPDATE) held;' >&7
atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED" --answer-timeout-ms 60000 >"$WORK/waits.log" 2>&1 &
simulator=$!
await "the batch's blocker in the log" grep -qE "event=lock_held pid=$holder .* waiting=[1-9]" "$WORK/badly.log"
echo 'ROLLBACK;' >&7
exec 7>&-
wait "$simulator" || wrong "withdrawals did not go on: $(cat "$WORK/waits.log")"

# --- whose session was ended lately, and who begins again: cards that he does not hold are drawn on meanwhile, his own wait apart, and
# atmd ends his session before their ATMs give up, whatever he has set
sql "INSERT INTO trail (at, who, person, noun, key, before) VALUES (clock_timestamp(), 'atm_daemon', '', 'session', '$CLUSTER_PERSON 1', '{}')"
mkfifo "$WORK/again"
PGUSER=$CLUSTER_PERSON PGAPPNAME=again "$PSQL" -X -A -t -q <"$WORK/again" >"$WORK/again.pid" 2>&1 &
STARTED+=("$!")
exec 7>"$WORK/again"
{ head -n 1 "$ATM_CARDS" && sed -n '2,3p' "$ATM_CARDS"; } >"$WORK/held.csv"
{ head -n 1 "$ATM_CARDS" && sed -n '4,$p' "$ATM_CARDS"; } >"$WORK/other.csv"
chmod 600 "$WORK/held.csv" "$WORK/other.csv"
masks=$(sed -n '2,$s/^\(.\{6\}\).\{6\}\(.\{4\}\),.*/'"'\\1******\\2'"'/p' "$WORK/held.csv" | paste -sd,)
echo "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT FROM card WHERE pan_mask IN ($masks) FOR UPDATE; SELECT pg_backend_pid();" >&7
await "a lock on cards" grep -qx '[0-9][0-9]*' "$WORK/again.pid"
holder=$(tail -n 1 "$WORK/again.pid")
atmsim run --ports "$port" --closed --atms 2 --cards "$WORK/held.csv" --withdrawals 2 --careless-rate 0 --seed "$SEED" --json >"$WORK/held.json" 2>&1 &
simulator=$!
STARTED+=("$simulator")
await "the session's end in the log" grep -qE "event=security_session_ended user=$CLUSTER_PERSON pid=$holder application=again" "$WORK/badly.log"
wait "$simulator" || wrong "the cards that were held did not go on: $(cat "$WORK/held.json")"
grep -qE '"unanswered": *0' "$WORK/held.json" || wrong "their ATMs gave up: $(cat "$WORK/held.json")"
exec 7>&-

# --- a superuser's lock on every table, while all connections are made anew, over and over: each gives up what it asks for first, and none is
# left behind at the server by one that was made again
expected=$(sql "SELECT count(*) FROM pg_stat_activity WHERE usename = '$role'")
mkfifo "$WORK/owner"
PGUSER=postgres "$PSQL" -X -A -t -q <"$WORK/owner" >"$WORK/owner.pid" 2>&1 &
STARTED+=("$!")
exec 7>"$WORK/owner"
echo "SET idle_in_transaction_session_timeout = 0;
        SELECT 'BEGIN; LOCK TABLE ' || string_agg(quote_ident(relname), ', ') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') \gexec
        SELECT pg_backend_pid();" >&7
await "a lock on all tables" grep -qx '[0-9][0-9]*' "$WORK/owner.pid"
sql "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '$role'" >/dev/null
gives_up() {
        local event
        for event in ledger saf upkeep; do
                (($(grep -c "event=$event .*is down.*canceling statement due to lock timeout" "$WORK/badly.log") >= 3)) || return 1
        done
}
await "connections that give up" gives_up
sql_when "no more connections than before" "SELECT count(*) <= $expected FROM pg_stat_activity WHERE usename = '$role'"
echo 'ROLLBACK;' >&7
exec 7>&-
sql_when "the connections again" "SELECT count(*) = $expected FROM pg_stat_activity WHERE usename = '$role' AND state = 'idle'"
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
kill -TERM "$pid"
wait "$pid" || wrong "atmd ended with $?"

for options in '-c search_path=nowhere' '-c synchronous_commit=off' '-c default_transaction_read_only=on' '-c datestyle=SQL,DMY -c array_nulls=off -c standard_conforming_strings=off'; do
        PGOPTIONS=$options expect_exit 0 atmctl hall list
        PGOPTIONS=$options expect_exit 0 atmctl verify
done

# one that no program can set for itself: triggers that don't run leave no trail
sql "ALTER ROLE $CLUSTER_PERSON SET session_replication_role = replica; ALTER ROLE \"$role\" SET session_replication_role = replica" >/dev/null
expect_exit 0 atmctl hall list
[[ $OUTPUT == *"session_replication_role is replica; expected origin"* ]] || wrong "atmctl does not say that no trigger runs: $OUTPUT"
start untriggered
wait "$pid" && wrong "atmd serves without triggers"
grep -q "session_replication_role is replica; expected origin" "$WORK/untriggered.log" || wrong "the setting is not named: $(cat "$WORK/untriggered.log")"
sql "ALTER ROLE $CLUSTER_PERSON RESET session_replication_role; ALTER ROLE \"$role\" RESET session_replication_role" >/dev/null

# one that runs says so, and goes on
start running
await "atmd is ready" grep -q event=ready "$WORK/running.log"
sql 'ALTER SYSTEM SET full_page_writes = off' >/dev/null
sql 'SELECT pg_reload_conf()' >/dev/null
await "the server's change in the log" grep -q "no new connection: the server's full_page_writes is off; expected on" "$WORK/running.log"
port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/running.log")
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
kill -TERM "$pid"
wait "$pid" || wrong "atmd ended with $?"
pages_are_halved() { [[ $(sql 'SHOW full_page_writes') == off ]]; }
await "the server's new setting" pages_are_halved
start refused
wait "$pid" && wrong "atmd serves on a server that may lose what it has committed"
grep -q "full_page_writes is off; expected on" "$WORK/refused.log" || wrong "the setting is not named: $(cat "$WORK/refused.log")"
sql 'ALTER SYSTEM RESET full_page_writes' >/dev/null
sql 'SELECT pg_reload_conf()' >/dev/null

# --- [database] synchronous: no start without a standby that confirms commits, and no decision while there is none
export PGOPTIONS='-c synchronous_commit=local' # of what this script itself commits
names() {
        sql "ALTER SYSTEM SET synchronous_standby_names = '$1'" >/dev/null
        sql 'SELECT pg_reload_conf()' >/dev/null
        names_are() { [[ $(sql 'SHOW synchronous_standby_names') == "$1" ]]; }
        await "synchronous_standby_names = '$1'" names_are "$1"
}
sed 's/^\[database\]/&\nsynchronous = yes/' "$ATMD_CONF" >"$WORK/lab/own.conf"
ATMD_CONF=$WORK/lab/own.conf
start alone
wait "$pid" && wrong "atmd serves without a standby"
grep -q "synchronous_standby_names is empty: expected a standby that confirms each commit" "$WORK/alone.log" ||
        wrong "the setting is not named: $(cat "$WORK/alone.log")"
names second
start lonely
wait "$pid" && wrong "atmd serves without its standby"
grep -q "no standby is synchronous" "$WORK/lonely.log" || wrong "the standby is not missed: $(cat "$WORK/lonely.log")"
STANDBY=$(cluster_folder)
trap 'kill "${STARTED[@]}" 2>/dev/null || true; cluster_remove "$STANDBY"; flow_end' EXIT
cluster_standby "$STANDBY" second
cluster_start "$STANDBY"
is_synchronous() { [[ $(sql 'SELECT standby_problem() IS NULL') == t ]]; }
await "a synchronous standby" is_synchronous
start pair
await "atmd beside its standby" grep -q event=ready "$WORK/pair.log"
port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/pair.log")
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
# who manages the standbys takes the last one out of the setting, so that commits no longer wait
names ''
await "the alarm" grep -q "level=warning .*no synchronous standby: synchronous_standby_names is empty" "$WORK/pair.log"
before=$(sql 'SELECT count(*) FROM withdrawal')
atmsim run --ports "$port" --closed --withdrawals 3 --seed "$SEED" >"$WORK/unsafe.log" 2>&1 &
simulator=$!
STARTED+=("$simulator")
is_refused() { kill -USR1 "$pid" && grep -q 'event=ledger_stats .*refused_ops=[1-9]' "$WORK/pair.log"; }
await "requests without a standby" is_refused
expect "what is decided without a standby" "$before" "$(sql 'SELECT count(*) FROM withdrawal')"
kill -KILL "$simulator" # it would wait for its ATMs' answers; the next run goes on with what they had begun
wait "$simulator" 2>/dev/null || true
names second
await "the end of the alarm" grep -q "a standby is synchronous again" "$WORK/pair.log"
# what can't be asked is not known, and the former answer is none
sql 'REVOKE EXECUTE ON FUNCTION standby_problem() FROM atm_daemon' >/dev/null
await "the alarm of what is not known" grep -q "level=warning .*no synchronous standby: unknown whether one is: permission denied" "$WORK/pair.log"
sql 'GRANT EXECUTE ON FUNCTION standby_problem() TO atm_daemon' >/dev/null
is_known_again() { (($(grep -c "a standby is synchronous again" "$WORK/pair.log") == 2)); }
await "the end of that alarm" is_known_again
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
kill -TERM "$pid"
wait "$pid" || wrong "atmd ended with $?"
names ''

# --- a commit whose wait for its standby somebody cancels is in doubt, and what finds it waits as it did: no ATM hears of it before
sed -E -e '/^synchronous/d' -e 's/^(request_timeout_ms *=).*/\1 100000/' "$ATMD_CONF" >"$WORK/lab/patient.conf"
names nobody
ATMD_CONF=$WORK/lab/patient.conf start doubtful
await "atmd without its standby" grep -q event=ready "$WORK/doubtful.log"
port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/doubtful.log")
atmsim run --ports "$port" --closed --withdrawals 1 --seed "$SEED" --answer-timeout-ms 200000 --json >"$WORK/doubtful.json" 2>&1 &
simulator=$!
STARTED+=("$simulator")
waiter='' cancelled=''
another_waits() {
        waiter=$(sql "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%ledger_request%' AND pid <> ${cancelled:-0} LIMIT 1")
        [[ -n $waiter ]]
}
await "a decision that waits for its standby" another_waits
cancelled=$waiter
sql "SELECT pg_cancel_backend($cancelled)" >/dev/null
await "the warning in the log" grep -q 'is down: warned in a commit: canceling wait for synchronous replication' "$WORK/doubtful.log"
await "the same decision, found and waiting again" another_waits
process_lives "$simulator" || wrong "the ATM was answered: $(cat "$WORK/doubtful.json")"
names ''
wait "$simulator" || wrong "the withdrawal did not go on: $(cat "$WORK/doubtful.json")"
grep -qE '"answers": *1' "$WORK/doubtful.json" || wrong "the withdrawal was not decided: $(cat "$WORK/doubtful.json")"
repeat="SELECT ledger_advice(ARRAY[terminal], ARRAY[transmitted_at], ARRAY[stan], ARRAY[kind], ARRAY[advice_at], ARRAY[advice_stan], ARRAY[why],
        ARRAY[amount_yen], ARRAY[dispensed_yen], 0) FROM advice LIMIT 1"
expect "whether an advice that was written before is a commit that waits" t \
        "$(sql "BEGIN; $repeat; SELECT pg_current_xact_id_if_assigned() IS NOT NULL" | tail -n 1)"
kill -TERM "$pid"
wait "$pid" || wrong "atmd ended with $?"

# --- several servers: one accepts and never speaks, one is in recovery, the third is the primary
perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1") or die "$!\n"; print $s->sockport, "\n"; sleep' \
        >"$WORK/silent.port" &
STARTED+=("$!")
await "a silent server" grep -q . "$WORK/silent.port"
sed -i -E -e '/^synchronous/d' -e 's/^(request_timeout_ms *=).*/\1 10000/' -e 's/^(answer_timeout_ms *=).*/\1 9000/' \
        -e "s|^conninfo *=.*|conninfo = host=localhost,$STANDBY/socket,$PGHOST\n    port=$(<"$WORK/silent.port"),$CLUSTER_PORT,${PGPORT:-5432}\n    dbname=$database user=$role connect_timeout=2|" "$ATMD_CONF"
names second
await "the standby again" is_synchronous
sed 's/^\[database\]/&\nsynchronous = yes/' "$ATMD_CONF" >"$WORK/lab/strict.conf"
ATMD_CONF=$WORK/lab/strict.conf start strict
await "atmd that wants a standby" grep -q event=ready "$WORK/strict.log"
strict=$pid strict_port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/strict.log")
start several
await "atmd on the third of its servers" grep -q event=ready "$WORK/several.log"
port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/several.log")
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
# the primary freezes, and the standby is promoted: it gets what the primary left without an answer, in the same wait of the ATM
before=$(PGHOST=$STANDBY/socket PGPORT=$CLUSTER_PORT sql 'SELECT count(*) FROM withdrawal')
postmaster=$(head -n 1 "$ATM_CLUSTER/data/postmaster.pid")
mapfile -t FROZEN < <(echo "$postmaster" && pgrep -P "$postmaster")
trap 'kill -CONT "${FROZEN[@]}" 2>/dev/null || true; kill "${STARTED[@]}" 2>/dev/null || true; cluster_remove "$STANDBY"; flow_end' EXIT
standby() { PGHOST=$STANDBY/socket PGPORT=$CLUSTER_PORT sql "$1"; }
standby 'ALTER SYSTEM SET full_page_writes = off' >/dev/null
standby 'SELECT pg_reload_conf()' >/dev/null
kill -STOP "${FROZEN[@]}"
atmsim run --ports "$strict_port" --closed --withdrawals 1 --seed "$SEED" --answer-timeout-ms 60000 >"$WORK/strict.run" 2>&1 &
simulator=$!
STARTED+=("$simulator")
cluster_promote "$STANDBY"
# another server than at the start is judged as that one was
await "the refusal of the promoted server" grep -q 'is down: server at .* full_page_writes is off; expected on' "$WORK/strict.log"
standby 'ALTER SYSTEM RESET full_page_writes' >/dev/null
standby 'SELECT pg_reload_conf()' >/dev/null
# who wants a standby has a batch in doubt, and the promoted server has none: it is not even sent there
await "the alarm of another server" grep -qE 'no synchronous standby: unknown whether one is: (another server is the primary|the database has not answered)' "$WORK/strict.log"
grep -q 'did not answer in time' "$WORK/strict.log" || wrong "no batch was in doubt: $(cat "$WORK/strict.log")"
keeps_it() { kill -USR1 "$strict" && grep -q 'event=ledger_stats .*in_doubt=1 connections_up=2' "$WORK/strict.log"; }
await "both lanes, and the batch that waits" keeps_it
expect "what is decided there without a standby" "$before" "$(PGHOST=$STANDBY/socket PGPORT=$CLUSTER_PORT sql 'SELECT count(*) FROM withdrawal')"
kill -KILL "$simulator" "$strict"
wait "$simulator" "$strict" 2>/dev/null || true
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED" --answer-timeout-ms 60000 --json
grep -q 'database connection 0 is down: server at .*did not answer in time' "$WORK/several.log" ||
        grep -q 'database connection 1 is down: server at .*did not answer in time' "$WORK/several.log" ||
        wrong "the frozen server is not named: $(grep event=ledger "$WORK/several.log")"
grep -q 'server at ."localhost." (127.0.0.1), port .*: connecting took too long' "$WORK/several.log" ||
        wrong "the silent server is not named: $(grep event=ledger "$WORK/several.log")"
after=$(PGHOST=$STANDBY/socket PGPORT=$CLUSTER_PORT sql 'SELECT count(*) FROM withdrawal')
((after >= before + 5)) || wrong "the promoted server decided $((after - before)) of 5 withdrawals"
kill -TERM "$pid"
wait "$pid" || wrong "atmd ended with $?"
passed
