# What benchmarks share: a laboratory that goes away with them, withdrawals through its front door, and figures. To be
# sourced after common.sh, install.sh, build.sh and cluster.sh.
#
# A benchmark works in $WORK and its lab is in $LAB.
# shellcheck shell=bash disable=SC2034

AMOUNT_YEN=1000
WORK='' LAB='' SIMULATOR='' RUNS=''
LAB_KEYS=(--plain) # of laboratories to come. Without keys: what is measured is compared with what has none, and attackers have none
LABS=()        # their folders; those within KEEP stay
LABS_BESIDE=() # further ones, of other checkouts, that never stay: CHECKOUT|FOLDER

# bench_end [STATUS]: of what has just ended, if who calls has not asked since
bench_end() {
        local status=${1:-$?} lab beside
        trap '' INT TERM HUP PIPE
        set +e
        [[ -z $SIMULATOR ]] || kill -TERM "$SIMULATOR" 2>/dev/null || true
        for lab in "${LABS[@]}"; do
                [[ -n $KEEP && $status == 0 && $lab/ == "$KEEP"/* ]] || "$ROOT/scripts/lab" down --dir "$lab" || true
        done
        for beside in "${LABS_BESIDE[@]}"; do
                "${beside%|*}/scripts/lab" down --dir "${beside#*|}" || true
        done
        [[ -z $WORK ]] || rm -rf "$WORK"
        exit "$status"
}

# The simulators' journals in memory, since each ATM and each bank has a disk of its own: before the laboratory is made.
journals_in_memory() {
        [[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
}

# A folder, $WORK, for a benchmark that needs no lab.
bench_folder() {
        install_packages build run
        trap bench_end EXIT
        trap 'exit 1' INT TERM HUP
        WORK=$(mktemp -d "${TMPDIR:-/tmp}/atm-bench.XXXXXX")
}

# bench_begin [options of lab up]
bench_begin() {
        bench_folder
        lab_begin "${KEEP:-$WORK/lab}" "$@"
}

# lab_begin FOLDER [options of lab up]: from now on it is $LAB, and what follows is about it.
lab_begin() {
        LABS+=("$1")
        "$ROOT/scripts/lab" up --dir "$1" "${LAB_KEYS[@]}" "${@:2}" >/dev/null
        lab_turn "$1"
}

# lab_turn FOLDER: of several the one that what follows is about.
lab_turn() {
        LAB=$1
        # shellcheck disable=SC1091
        source "$LAB/lab.env"
}

sql() {
        PGUSER=postgres psql -X -A -t -q -v ON_ERROR_STOP=1 -c "$1"
}

# Whatever was measured, its rows are those of a sound house.
bench_verify() {
        atmctl verify >"$WORK/verify" || fail "the rows do not add up: $(cat "$WORK/verify")"
}

# figures -------------------------------------------------------------------------------------------

calculate() {
        awk "BEGIN { printf \"$1\", $2 }"
}

# The number of a key in a JSON object: json_number FILE KEY
json_number() {
        grep -oE "\"$2\": *-?[0-9.]+" "$1" | head -n 1 | grep -oE '[0-9.-]+$' || fail "no $2 in $(cat "$1")"
}

# milliseconds COMMAND...: how long it takes, in MS
milliseconds() {
        local began
        began=$(date +%s%N)
        "$@" >"$WORK/out" 2>"$WORK/err" || fail "'$*' failed: $(cat "$WORK/err")"
        MS=$((($(date +%s%N) - began) / 1000000))
}

# best_of N COMMAND...: the best of N runs, in MS
best_of() {
        local best=1000000000 round rounds=$1
        shift
        for ((round = 0; round < rounds; round++)); do
                milliseconds "$@"
                ((MS >= best)) || best=$MS
        done
        MS=$best
}

median() {
        sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Seconds of processor time that processes have used: those given and, for PostgreSQL, their children.
cpu_seconds() {
        local pid stat ticks=0
        for pid in "$@"; do
                stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
                read -r -a stat <<<"${stat##*) }"
                ticks=$((ticks + stat[11] + stat[12]))
        done
        calculate %.2f "$ticks / $(getconf CLK_TCK)"
}

# Those of the daemon, and of PostgreSQL with what it runs now.
cpu_of_module() {
        cpu_seconds "$ATM_KEY_MODULE_PID"
}
cpu_of_daemon() {
        cpu_seconds "$ATMD_PIDS"
}
cpu_of_database() {
        local postmaster
        postmaster=$(head -n 1 "$ATM_CLUSTER/data/postmaster.pid")
        # shellcheck disable=SC2046 # one word a child
        cpu_seconds "$postmaster" $(cat "/proc/$postmaster/task/$postmaster/children")
}

# withdrawals through the front door ----------------------------------------------------------------

DAY_SECONDS=86400

# Those that atmd wrote, since the lab's DAY: pgbench approves all of its own with one code.
atmd_rows() {
        sql "SELECT count(*) FROM withdrawal WHERE transmitted_at >= TIMESTAMP '$DAY' AT TIME ZONE 'Asia/Tokyo'
             AND (approval_code <> '123456' OR link IS NOT NULL)"
}

# atmsim_run NUMBER [options]: the result in $WORK/run.json, and in COUNT how many withdrawals it made, each of them a row. Every
# number begins with other cards.
atmsim_run() {
        local rows number=$1
        shift
        rows=$(atmd_rows)
        atmsim run --seed "$number" --amount-yen "$AMOUNT_YEN" --cards-even --card-uses 20 --cards-skip $((number * CARDS / 20)) \
                --answer-timeout-ms 30000 --json "$@" >"$WORK/run.json" || fail "atmsim run failed: $(cat "$WORK/run.json")"
        COUNT=$(json_number "$WORK/run.json" withdrawals)
        rows=$(($(atmd_rows) - rows))
        ((rows == COUNT)) || fail "atmsim says $COUNT withdrawals, but atmd wrote $rows"
}

# atmsim_steady NUMBER RATE SECONDS [options]: customers come at RATE a second to all ATMs, whether or not others are answered;
# a tenth of the time before that is to warm up. Who leaves is in no figure, and would have waited longest.
atmsim_steady() {
        local number=$1 rate=$2 seconds=$3 walked
        shift 3
        atmsim_run "$number" --seconds "$seconds" --warmup-seconds "$(calculate %.1f "$seconds / 10")" --profile flat \
                --per-atm-day "$(calculate %.3f "$rate * $DAY_SECONDS / $ATMS")" --careless-rate 0 "$@"
        walked=$(json_number "$WORK/run.json" walked_away)
        ((walked == 0)) || fail "at $rate a second $walked customers walked away from queues before ATMs: that is more than this machine can serve"
}

# atmsim_round NUMBER SECONDS [options]: all ATMs as fast as they can, a second beforehand to warm up, or less before a round of
# less than five; in DAEMON_US and DATABASE_US what processor time a withdrawal took of each.
atmsim_round() {
        local daemon database number=$1 seconds=$2
        shift 2
        daemon=$(cpu_of_daemon) database=$(cpu_of_database)
        atmsim_run "$number" --closed --seconds "$seconds" --warmup-seconds "$(calculate %.1f "$seconds < 5 ? $seconds / 5 : 1")" "$@"
        DAEMON_US=$(calculate %.0f "($(cpu_of_daemon) - $daemon) * 1e6 / $COUNT")
        DATABASE_US=$(calculate %.0f "($(cpu_of_database) - $database) * 1e6 / $COUNT")
}

# await_notices SECONDS: until the banks have acknowledged all of them.
await_notices() {
        local until=$((SECONDS + $1))
        until [[ $(sql 'SELECT count(*) FROM saf') == 0 ]]; do
                ((SECONDS < until)) || fail "the banks have not acknowledged all notices"
                sleep 0.5
        done
}

# run_note NAME CLIENTS SECONDS WITHDRAWALS RATE [MORE]: a run for the list of all, RUNS, with all withdrawals that it wrote;
# SECONDS of 0: nothing comes of its rate.
run_note() {
        RUNS+=${RUNS:+, }"{\"run\": \"$1\", \"clients\": $2, \"seconds\": $3, \"withdrawals\": $4, \"withdrawals_per_second\": $5${6:-}}"
}

# atmsim_note NAME SECONDS: the round that atmsim has just driven.
atmsim_note() {
        run_note "$1" "$ATMS" "$2" "$(json_number "$WORK/run.json" withdrawals)" "$(json_number "$WORK/run.json" withdrawals_per_second)"
}

# timed_round NAME NUMBER SECONDS [options of atmsim run]: a round whose figures count, as a line of $WORK/NAME.
timed_round() {
        local name=$1 number=$2 seconds=$3
        shift 3
        atmsim_round "$number" "$seconds" "$@"
        atmsim_note "$name" "$seconds"
        echo "$(json_number "$WORK/run.json" withdrawals_per_second) $(json_number "$WORK/run.json" p50_ms)" \
                "$(json_number "$WORK/run.json" p99_ms) $DAEMON_US $DATABASE_US" >>"$WORK/$name"
        say "round $number: $name $(tail -n 1 "$WORK/$name" | awk '{ printf "%s withdrawals a second, 0200 p50 %s ms, p99 %s ms; processor time a withdrawal: atmd %s, PostgreSQL %s microseconds", $1, $2, $3, $4, $5 }')"
}

# rounds_mean NAME: of its timed rounds' figures, in the same order.
rounds_mean() {
        awk '{ for (i = 1; i <= 5; i++) s[i] += $i }
                END { printf "%.1f %.3f %.3f %.0f %.0f\n", s[1] / NR, s[2] / NR, s[3] / NR, s[4] / NR, s[5] / NR }' "$WORK/$1"
}
