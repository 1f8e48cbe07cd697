# What benchmarks of a whole fleet share: a few ATMs at work, and a crowd of idle ones beside them, as many processes of either side as the limit
# on open files asks for. To be sourced after measure.sh; whoever sources it has the options ATMS and RATE.
# shellcheck shell=bash disable=SC2034

GOOD=20 # the ATMs at work, the fleet's first
CROWD_CARDS=20000
CROWD_FILES_BESIDE=500 # of a process: other than connections of ATMs
CROWD_CONNECT_TIMEOUT_MS=30000 # ATMs give up after that
CROWD_PATIENCE_S=600

CROWD=()

# So that the crowd ends with the benchmark, whatever ends it.
crowd_end() {
        local status=$?
        ((${#CROWD[@]} == 0)) || kill -TERM "${CROWD[@]}" 2>/dev/null || true
        bench_end "$status"
}

# crowd_begin DAY: a laboratory with room for all of them; PARTS is how many processes each side has.
crowd_begin() {
        local files
        ulimit -Sn "$(ulimit -Hn)"
        files=$(ulimit -n)
        [[ $files != unlimited ]] || files=1000000000
        ((files > 2 * CROWD_FILES_BESIDE)) || fail "a limit of $files open files is too low: expected more than $((2 * CROWD_FILES_BESIDE))"
        PARTS=$(((ATMS + GOOD + files - CROWD_FILES_BESIDE - 1) / (files - CROWD_FILES_BESIDE)))
        bench_begin --atms $((ATMS + GOOD)) --instances "$PARTS" --cards "$CROWD_CARDS" --banks 0 --clock "${1}T10:00:00+09:00,1"
        trap crowd_end EXIT
        crowd_terminals
}

# The crowd's, in as many files as there are simulators.
crowd_terminals() {
        local part
        for ((part = 0; part < PARTS; part++)); do
                awk -v part="$part" -v parts="$PARTS" -v good="$GOOD" 'NR == 1 || NR > good + 1 && NR % parts == part' "$ATM_TERMINALS" \
                        >"$WORK/terminals-$part.csv"
        done
}

# crowd_comes [options of atmsim run]: each from an address of its own and without waiting for others
crowd_comes() {
        local part
        for ((part = 0; part < PARTS; part++)); do
                atmsim run --idle --handshakes 0 --own-addresses --connect-timeout-ms "$CROWD_CONNECT_TIMEOUT_MS" \
                        --start-seconds "$CROWD_PATIENCE_S" --terminals "$WORK/terminals-$part.csv" --journal "$WORK/journal-$part" \
                        --ready-file "$WORK/ready-$part" --json "$@" </dev/null >"$WORK/crowd-$part.json" 2>"$WORK/crowd-$part.log" &
                CROWD+=($!)
        done
}

crowd_lives() {
        local part
        for ((part = 0; part < PARTS; part++)); do
                process_lives "${CROWD[$part]}" || fail "a simulator of the crowd ended: $(cat "$WORK/crowd-$part.log")"
        done
}

crowd_is_in() {
        local part
        crowd_lives
        for ((part = 0; part < PARTS; part++)); do
                [[ -e $WORK/ready-$part ]] || return 1
        done
}

crowd_await() {
        local began=$SECONDS
        until crowd_is_in; do
                ((SECONDS - began < CROWD_PATIENCE_S)) || fail "after $CROWD_PATIENCE_S s not all ATMs were signed on"
                sleep 0.05
        done
}

# In FAILED how many attempts of its ATMs to connect were given up or closed.
crowd_leaves() {
        local part failed
        kill -TERM "${CROWD[@]}"
        FAILED=0
        for ((part = 0; part < PARTS; part++)); do
                wait "${CROWD[$part]}" || fail "the crowd: $(cat "$WORK/crowd-$part.log" "$WORK/crowd-$part.json")"
                failed=$(json_number "$WORK/crowd-$part.json" connections_failed)
                FAILED=$((FAILED + failed))
        done
        CROWD=()
}

# work_for SECONDS: those at work before anything happens, in before.json
work_for() {
        atmsim run "${AT_WORK[@]}" --seed 1 --seconds "$1" </dev/null >"$WORK/before.json" 2>"$WORK/before.log" ||
                fail "the ATMs at work failed: $(cat "$WORK/before.log" "$WORK/before.json")"
}

# work_begins, work_ends: those at work while it does, in during.json
work_begins() {
        atmsim run "${AT_WORK[@]}" --seed 2 --cards-skip $((CROWD_CARDS / 2)) --ready-file "$WORK/at-work" </dev/null \
                >"$WORK/during.json" 2>"$WORK/during.log" &
        SIMULATOR=$!
        until [[ -e $WORK/at-work ]]; do
                process_lives "$SIMULATOR" || fail "the ATMs at work ended: $(cat "$WORK/during.log")"
                sleep 0.1
        done
}
work_ends() {
        kill -TERM "$SIMULATOR"
        wait "$SIMULATOR" || fail "the ATMs at work failed: $(cat "$WORK/during.log" "$WORK/during.json")"
        SIMULATOR=''
}

# work_of RATE: what those at work do, in AT_WORK: customers come at RATE a second to all of them together.
work_of() {
        AT_WORK=(--atms "$GOOD" --profile flat --careless-rate 0 --amount-yen "$AMOUNT_YEN" --cards-even --card-uses 20 --start-seconds 120
                --per-atm-day "$(calculate %.0f "$1 * $DAY_SECONDS / $GOOD")" --answer-timeout-ms 30000 --json)
}
