# shellcheck shell=bash disable=SC2034
#   latency      how long an ATM waits for the answer to its 0200 while others withdraw at a steady rate. Customers come at
#                moments that were drawn beforehand, whether or not those before them are answered, and wait from then on,
#                so that a pause of the house is seen by all who come in it. The database checkpoints every 30 s and looks
#                every 10 s for what to vacuum, so that each rate has both:
#                  --rates LIST     withdrawals a second of the whole fleet, one after the other (10,120,1000)
#                  --seconds S      of each rate, after a tenth of that to warm up (60)
#                  --atms N         ATMs that they come to, at random (1066)
#                  --cards N        (200000)
#                  --route ROUTE    house: cards of the house bank (house). link: of three banks over links
#                of each rate: p50_ms, p99_ms, p99_9_ms and max_ms, the answers that these are of, and the shares of the
#                machine's processors that went into the simulation: atmsim_share and banksim_share. The simulators' journals
#                lie in memory, since each ATM and each bank has a disk of its own, unless --keep names another place
takes --rates RATES '10 120 1000' numbers 1 100000
takes --seconds RATE_SECONDS 60 number 1 3600
takes --atms ATMS 1066 number 1 20000
takes --cards CARDS 200000 number 1000 10000000
takes --route ROUTE house word house link

DAY=2016-12-28 # a Wednesday before any limit on the number of withdrawals

# The database at work, as it is in a house that never stops.
database_settings() {
        sql "ALTER SYSTEM SET checkpoint_timeout = '30s'"
        sql "ALTER SYSTEM SET autovacuum_naptime = '10s'"
        sql 'SELECT pg_reload_conf()' >/dev/null
        [[ $(sql 'SHOW autovacuum') == on ]] || fail "the cluster's autovacuum is off"
        CHECKPOINTS='SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter'
        [[ $(sql "SELECT to_regclass('pg_catalog.pg_stat_checkpointer') IS NULL") == t ]] ||
                CHECKPOINTS='SELECT num_timed + num_requested FROM pg_stat_checkpointer'
}

# Checkpoints begun and tables vacuumed so far
database_chores() {
        echo "$(sql "$CHECKPOINTS") $(sql 'SELECT coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables')"
}

# banks_cpu: seconds of processor time that the banks have used
banks_cpu() {
        if [[ $ROUTE == link ]]; then cpu_seconds "$BANKSIM_PID"; else echo 0; fi
}

# latency_rate NUMBER RATE: a line of figures in $WORK/latency
latency_rate() {
        local number=$1 rate=$2 before after banks banks_share result=$WORK/run.json
        local -a options=()
        [[ $ROUTE == house ]] || options+=(--cards "$ATM_BANK_CARDS")
        read -r -a before <<<"$(database_chores)"
        banks=$(banks_cpu)
        atmsim_steady "$number" "$rate" "$RATE_SECONDS" "${options[@]}"
        banks=$(calculate %.2f "$(banks_cpu) - $banks")
        read -r -a after <<<"$(database_chores)"
        # the banks' time is known of all withdrawals, the warm-up's among them
        banks_share=$(calculate %.4f "$banks / $COUNT * $(json_number "$result" ended_per_second) / $(nproc)")
        echo "$rate $COUNT $(json_number "$result" answers) $(json_number "$result" seconds) $(json_number "$result" ended_per_second)" \
                "$(json_number "$result" p50_ms) $(json_number "$result" p99_ms) $(json_number "$result" p99_9_ms) $(json_number "$result" max_ms)" \
                "$(calculate %.4f "$(json_number "$result" cpu_us) / 1e6 / $(json_number "$result" seconds) / $(nproc)") $banks_share" \
                "$((after[0] - before[0])) $((after[1] - before[1]))" >>"$WORK/latency"
        say "$(tail -n 1 "$WORK/latency" | awk '{ print $1 " a second: p50 " $6 " ms, p99 " $7 " ms, p99.9 " $8 " ms; checkpoints " $12 ", vacuums " $13 }')"
}

latency_json() {
        local rate count answers seconds ended p50 p99 p99_9 max atmsim banksim checkpoints vacuums rows=''
        while read -r rate count answers seconds ended p50 p99 p99_9 max atmsim banksim checkpoints vacuums; do
                rows+="${rows:+, }{\"rate\": $rate, \"withdrawals\": $count, \"answers\": $answers, \"seconds\": $seconds, \"ended_per_second\": $ended, \"p50_ms\": $p50, \"p99_ms\": $p99, \"p99_9_ms\": $p99_9, \"max_ms\": $max, \"atmsim_share\": $atmsim, \"banksim_share\": $banksim, \"checkpoints\": $checkpoints, \"vacuums\": $vacuums}"
        done <"$WORK/latency"
        printf '{"route": "%s", "atms": %s, "processors": %s, "journals_in_memory": %s, "rates": [%s]}\n' \
                "$ROUTE" "$ATMS" "$(nproc)" "$JOURNALS_IN_MEMORY" "$rows"
}

latency_text() {
        printf '%8s %9s %9s %9s %9s %9s %8s %8s %12s %8s\n' 'a second' answers 'p50 ms' 'p99 ms' 'p99.9 ms' 'max ms' atmsim banksim checkpoints vacuums
        awk '{ printf "%8s %9s %9s %9s %9s %9s %7.1f%% %7.1f%% %12s %8s\n", $1, $3, $6, $7, $8, $9, $10 * 100, $11 * 100, $12, $13 }' "$WORK/latency"
}

benchmark() {
        local rate number=0 banks=0 began=$SECONDS
        journals_in_memory
        [[ $ROUTE == house ]] || banks=3
        bench_begin --atms "$ATMS" --cards "$CARDS" --bank-cards $((CARDS / 3)) --clock "${DAY}T10:00:00+09:00,1" --banks "$banks"
        JOURNALS_IN_MEMORY=false
        [[ $(stat -f -c %T "$LAB") != tmpfs ]] || JOURNALS_IN_MEMORY=true
        database_settings
        for rate in $RATES; do
                latency_rate "$number" "$rate"
                number=$((number + 1))
        done
        ((!banks)) || await_notices $((120 + RATE_SECONDS * 2))
        bench_verify
        if ((JSON)); then latency_json; else latency_text; fi
        say "took $((SECONDS - began)) s; every row adds up (atmctl verify)"
}
