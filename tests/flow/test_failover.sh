#!/usr/bin/env bash
# The primary is lost under load and its synchronous standby promoted: service goes on there, and nothing is lost. The old primary returns
# alone, with nobody that its commits wait for: an instance that is restarted with it as its first server refuses it, by what other
# servers say, and by what it has kept itself where it reaches no other; so does one that runs while the new one is away, and atmctl.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 10 --cards 300 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
STARTED=()
STANDBY=$(cluster_folder)
trap 'kill "${STARTED[@]}" 2>/dev/null || true; cluster_remove "$STANDBY"; flow_end' EXIT
OLD=$PGHOST NEW=$STANDBY/socket OLD_PORT=${PGPORT:-5432}

# its instance knows only one server
kill -TERM "$ATMD_PIDS"
has_ended() { ! process_lives "$1"; }
await "the end of the laboratory's instance" has_ended "$ATMD_PIDS"

on_new() { PGHOST=$NEW PGPORT=$CLUSTER_PORT "$@"; }
cluster_standby "$STANDBY" second
cluster_start "$STANDBY"
sql "ALTER SYSTEM SET synchronous_standby_names = 'second'" >/dev/null
sql 'SELECT pg_reload_conf()' >/dev/null
sql_when "a synchronous standby" "standby_problem() IS NULL"

# --- reports and lists are asked of the standby, and say how old that is; what money hangs on is asked of the primary
replica="host=$NEW port=$CLUSTER_PORT"
for command in "hall list" "report revenue --fy 2016 --by area" "report results --quarter 3Q16" "withdrawal list" "trail list"; do
        # shellcheck disable=SC2086 # words
        expect_exit 0 atmctl $command --read-only-conninfo "$replica"
        [[ $OUTPUT =~ from\ a\ replica:\ as\ of\ 20[-0-9]+\ [0-9:]+,\ [0-9]+\ s\ ago ]] || wrong "$command does not say how old its data are: $OUTPUT"
        [[ $OUTPUT != *"could not be brought up to date"* ]] || wrong "$command writes on a replica: $OUTPUT"
done
ATM_READ_ONLY_CONNINFO=$replica expect_exit 0 atmctl report revenue --fy 2016 --by area --format json
[[ $OUTPUT == *"from a replica"* ]] || wrong "the variable has no effect: $OUTPUT"
for command in verify "account show --token 00000000-0000-0000-0000-000000000000" "exception list"; do
        # shellcheck disable=SC2086
        expect_exit 2 atmctl $command --read-only-conninfo "$replica"
done
ATM_READ_ONLY_CONNINFO="host=$WORK" expect_exit 0 atmctl verify
ATM_READ_ONLY_CONNINFO="host=$WORK" expect_exit 1 atmctl hall list
expect_exit 0 atmctl hall list --read-only-conninfo "host=$OLD port=$OLD_PORT"
[[ $OUTPUT == *"the server there is no replica"* ]] || wrong "a primary for a replica: $OUTPUT"
# one that is frozen takes connections, and says nothing
frozen=$(head -n 1 "$STANDBY/data/postmaster.pid")
kill -STOP "$frozen"
expect_exit 1 atmctl hall list --read-only-conninfo "$replica"
kill -CONT "$frozen"
[[ $OUTPUT == *"timeout expired"* ]] || wrong "a frozen replica: $OUTPUT"

# conf NAME HOSTS PORTS EPOCH_FILE
conf() {
        sed -E -e "s|^conninfo *=.*|conninfo = host=$2\n    port=$3\n    dbname=atm user=atm_daemon\nepoch_file = $4|" "$ATMD_CONF" >"$WORK/lab/$1.conf"
}
both="$OLD,$NEW" ports="$OLD_PORT,$CLUSTER_PORT" kept=$WORK/epoch
conf both "$both" "$ports" "$kept"
conf old "$OLD" "$OLD_PORT" "$kept"
conf forgetful "$both" "$ports" "$WORK/none"

# start NAME CONF: its log is NAME.log
start() {
        atmd --config "$WORK/lab/$2.conf" --listen 127.0.0.1:0 </dev/null >"$WORK/$1.log" 2>&1 &
        pid=$!
        STARTED+=("$pid")
}
serves() {
        await "atmd is ready ($1)" grep -q event=ready "$WORK/$1.log"
        port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/$1.log")
}
stop() {
        kill -TERM "$pid"
        wait "$pid" || wrong "atmd ended with $?"
}

start first both
serves first
expect "what is kept of the first epoch" "1 1" "$(cut -d ' ' -f 2,3 "$kept")"
grep -q 'event=epoch .*epoch=1 timeline=1' "$WORK/first.log" || wrong "the first epoch is not in the log"

# --- the primary is killed under load, and the standby promoted
atmsim run --ports "$port" --profile flat --per-atm-day $((60 * 86400 / 10)) --amount-yen 1000 --seed "$SEED" --answer-timeout-ms 3000 \
        --repeats 1 --advice-pause-ms 300 --json >"$WORK/run.json" 2>"$WORK/run.log" &
simulator=$!
STARTED+=("$simulator")
sql_when "withdrawals on the first primary" "(SELECT count(*) FROM withdrawal) > 30"
cluster_stop "$ATM_CLUSTER" immediate
cluster_promote "$STANDBY"
before=$(on_new sql 'SELECT count(*) FROM withdrawal')
on_new sql_when "withdrawals on the new primary" "(SELECT count(*) FROM withdrawal) > $before + 30"
kill -INT "$simulator"
wait "$simulator" || wrong "atmsim run: $(cat "$WORK/run.log" "$WORK/run.json")"
expect "what is kept of the promotion, by its timeline" "1 2" "$(cut -d ' ' -f 2,3 "$kept")"

# --- the failover's callback: instances hear of it, and go on
downs=$(grep -c 'is down' "$WORK/first.log")
PGUSER=$CLUSTER_PERSON on_new expect_exit 1 atmctl epoch raise
[[ $OUTPUT == *"permission denied for function epoch_raise"* ]] || wrong "anybody raises the epoch: $OUTPUT"
PGUSER=postgres on_new expect_exit 0 atmctl epoch raise --note 'the first is lost'
expect "the epoch that is raised" "epoch 2: servers of an earlier one are refused" "$OUTPUT"
expect "its trail" "postgres|2|{\"timeline\": 2}|the first is lost" \
        "$(on_new sql "SELECT who, key, after, note FROM trail WHERE noun = 'epoch'")"
await "the new epoch in the log" grep -q 'event=epoch .*epoch=2 timeline=2' "$WORK/first.log"
expect "what is kept of the new epoch" "2 2" "$(cut -d ' ' -f 2,3 "$kept")"
expect "connections lost by it" "$downs" "$(grep -c 'is down' "$WORK/first.log")"

# --- the old primary returns, and nothing waits for a standby there
echo "synchronous_standby_names = ''" | cluster_run tee -a "$ATM_CLUSTER/data/postgresql.auto.conf" >/dev/null
cluster_start "$ATM_CLUSTER"
left=$(sql 'SELECT count(*) FROM withdrawal')
stop
for name in both forgetful; do
        before=$(on_new sql 'SELECT count(*) FROM withdrawal')
        start "again-$name" "$name"
        serves "again-$name"
        grep -qE 'event=old_primary server=.*epoch=1 timeline=1 seen_epoch=2 seen_timeline=2' "$WORK/again-$name.log" ||
                wrong "the old primary is not named: $(cat "$WORK/again-$name.log")"
        expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
        (($(on_new sql 'SELECT count(*) FROM withdrawal') >= before + 5)) || wrong "the new primary did not decide"
        stop
done

# --- it reaches no other: it does not start, and one that runs waits
start alone old
wait "$pid" && wrong "atmd serves from an old primary"
grep -q 'an old primary: epoch 1 on timeline 1, where epoch 2 on timeline 2 was seen' "$WORK/alone.log" ||
        wrong "the old primary is not named: $(cat "$WORK/alone.log")"
start runs both
serves runs
cluster_stop "$STANDBY"
refused_lanes() { (($(grep -c 'is down: .*an old primary: epoch 1 on timeline 1' "$WORK/runs.log") >= 2)); }
await "lanes that leave the old primary alone" refused_lanes
cluster_start "$STANDBY"
is_up_again() { grep -A1000 'an old primary' "$WORK/runs.log" | grep -q 'database connection [01] is up'; }
await "the new primary again" is_up_again
expect_exit 0 atmsim run --ports "$port" --closed --withdrawals 5 --seed "$SEED"
stop
expect "what the old primary has decided since" "$left" "$(sql 'SELECT count(*) FROM withdrawal')"

# --- an instance keeps nothing that is whole: it says so
echo 'no epoch' >"$WORK/none"
start unreadable forgetful
wait "$pid" && wrong "atmd starts with an epoch that it can't read"
grep -q "$WORK/none: not an epoch" "$WORK/unreadable.log" || wrong "the file is not named: $(cat "$WORK/unreadable.log")"

# --- atmctl
export PGHOST=$both PGPORT=$ports
expect_exit 0 atmctl server list --format csv
expect "the servers" "primary,1,1,no,an old primary: stop it primary,2,2,yes," \
        "$(sed -E '1d; s/^("([^"]|"")*"|[^,]*),//' <<<"$OUTPUT" | paste -sd ' ')"
expect_exit 0 atmctl trail list --noun epoch --format csv
[[ $OUTPUT == *"an old primary, epoch 1 on timeline 1, while another server is at epoch 2 on timeline 2"*"the first is lost"* ]] ||
        wrong "atmctl does not ask the new primary: $OUTPUT"
export PGHOST=$NEW PGPORT=$CLUSTER_PORT
expect_exit 0 env -u BANKSIM_JOURNALS atmctl reconcile --drained --json
expect_exit 0 atmctl verify
expect "open withdrawals" 0 "$(sql 'SELECT count(*) FROM v_open')"
passed
