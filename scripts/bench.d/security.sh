# shellcheck shell=bash disable=SC2034
#   security     what PINs, MACs and the key module cost: two laboratories that are alike but for their keys, as many withdrawals as they can do, whose
#                rounds alternate; each 0200 and 0220, and each answer, has a MAC in one of them, and each 0200 a PIN:
#                  --rounds N       rounds of each (3)
#                  --seconds S      of a round (12)
#                  --atms N         connections, each an ATM that withdraws as fast as it can (512)
#                  --cards N        (200000)
#                  --operations N   of the key module, of each kind, that are measured alone (20000)
#                withdrawals_per_second, p50_ms and p99_ms of the answer to a 0200 with and (plain_...) without, ratio_to_plain;
#                processor microseconds a withdrawal of atmd, PostgreSQL and the key module, and their shares; and of each kind of
#                operation microseconds of the module's processor, what carrying it takes (status) among them, and how many a second it does
takes --rounds ROUNDS 3 number 1 100
takes --seconds ROUND_SECONDS 12 number 1 3600
takes --atms ATMS 512 number 1 20000
takes --cards CARDS 200000 number 1000 10000000
takes --operations OPERATIONS 20000 number 1000 10000000

DAY=2016-12-28 # a Wednesday before any limit on the number of withdrawals

# The last round's, in MODULE_US beside DAEMON_US and DATABASE_US.
keyed_round() {
        local module
        module=$(cpu_of_module)
        timed_round keyed "$1" "$ROUND_SECONDS"
        MODULE_US=$(calculate %.1f "($(cpu_of_module) - $module) * 1e6 / $COUNT")
        echo "$MODULE_US" >>"$WORK/module"
        say "round $1: the key module $MODULE_US microseconds a withdrawal"
}

# In this time each has withdrawn with a PIN, and had none that was wrong.
security_check() {
        local refused
        refused=$(sql "SELECT count(*) FROM pin_event")
        ((refused == 0)) || fail "$refused PINs were wrong, or missing"
        bench_verify
}

# security_operations: a line a kind in $WORK/operations
security_operations() {
        "$BIN/bench_key_module" "$ATM_KEY_MODULE" "$ATM_KEY_MODULE_PID" "$OPERATIONS" >"$WORK/operations" || fail "the key module alone could not be measured"
}

security_json() {
        printf '{"withdrawals_per_second": %s, "plain_withdrawals_per_second": %s, "ratio_to_plain": %s, "p50_ms": %s, "p99_ms": %s, "plain_p50_ms": %s, "plain_p99_ms": %s' \
                "$RATE" "$PLAIN_RATE" "$RATIO" "$P50" "$P99" "$PLAIN_P50" "$PLAIN_P99"
        printf ', "connections": %s, "rounds": %s, "seconds_per_round": %s, "atmd_us": %s, "plain_atmd_us": %s, "postgresql_us": %s, "plain_postgresql_us": %s, "key_module_us": %s' \
                "$ATMS" "$ROUNDS" "$ROUND_SECONDS" "$DAEMON" "$PLAIN_DAEMON" "$DATABASE" "$PLAIN_DATABASE" "$MODULE"
        awk '{ printf "%s{\"operation\": \"%s\", \"us\": %s, \"per_second\": %s}", NR == 1 ? ", \"operations\": [" : ", ", $1, $2, $3 } END { printf "]" }' "$WORK/operations"
        printf ', "runs": [%s]}\n' "$RUNS"
}

security_text() {
        printf '%-40s %12s a second (%d connections, mean of %d rounds), without %s; ratio %s\n' "withdrawals with PIN and MACs" "$RATE" "$ATMS" "$ROUNDS" "$PLAIN_RATE" "$RATIO"
        printf '%-40s %12s ms p50, %s ms p99; without %s and %s\n' "answer to a 0200" "$P50" "$P99" "$PLAIN_P50" "$PLAIN_P99"
        printf '%-40s %12s microseconds in atmd, %s in PostgreSQL, %s in the key module; without %s and %s\n' "processor time a withdrawal" \
                "$DAEMON" "$DATABASE" "$MODULE" "$PLAIN_DAEMON" "$PLAIN_DATABASE"
        awk -v a="$DAEMON" -v p="$DATABASE" -v m="$MODULE" 'BEGIN { all = (a + p + m) / 100; printf "%-40s %11.0f %% atmd, %.0f %% PostgreSQL, %.0f %% key module\n", "shares of it", a / all, p / all, m / all }'
        awk '{ printf "%-40s %12s microseconds, %s a second\n", "key module alone: " $1, $2, $3 }' "$WORK/operations"
}

benchmark() {
        local round began=$SECONDS plain keyed
        local RATE P50 P99 DAEMON DATABASE PLAIN_RATE PLAIN_P50 PLAIN_P99 PLAIN_DAEMON PLAIN_DATABASE MODULE RATIO
        local -a lab=(--atms "$ATMS" --cards "$CARDS" --clock "${DAY}T10:00:00+09:00,1" --banks 0)
        bench_folder
        build_programs bench_key_module
        plain=$WORK/lab-plain keyed=${KEEP:-$WORK/lab}
        lab_begin "$plain" "${lab[@]}"
        LAB_KEYS=()
        lab_begin "$keyed" "${lab[@]}"
        security_operations
        for ((round = 1; round <= ROUNDS; round++)); do
                lab_turn "$plain"
                timed_round plain "$round" "$ROUND_SECONDS"
                lab_turn "$keyed"
                keyed_round "$round"
        done
        security_check
        read -r RATE P50 P99 DAEMON DATABASE <<<"$(rounds_mean keyed)"
        read -r PLAIN_RATE PLAIN_P50 PLAIN_P99 PLAIN_DAEMON PLAIN_DATABASE <<<"$(rounds_mean plain)"
        MODULE=$(awk '{ s += $1 } END { printf "%.1f", s / NR }' "$WORK/module")
        RATIO=$(calculate %.2f "$RATE / $PLAIN_RATE")
        if ((JSON)); then security_json; else security_text; fi
        say "took $((SECONDS - began)) s; every row adds up (atmctl verify)"
}
