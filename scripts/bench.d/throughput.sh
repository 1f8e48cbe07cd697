# shellcheck shell=bash disable=SC2034
#   throughput   durable withdrawals a second through the front door: TLS, 0200 and 0220, each answered after
#                its commit, limits on; against pgbench, one withdrawal at a time, on the same cluster and time span:
#                the same two commits into the same tables (tests/bench/pgbench_withdrawal.sql), and the yardstick, which
#                is what a careful engineer does without batching, in tables of its own, and never changes
#                (tests/bench/yardstick.sql). Rounds alternate:
#                  --rounds N       rounds of each (3)
#                  --seconds S      of a round, and half of it for each number of pgbench's clients (12)
#                  --clients N,...  of pgbench, of which the best counts (8,16,32,64)
#                  --atms N         connections, each an ATM that withdraws as fast as it can (512)
#                  --cards N        (200000)
#                  --route ROUTE    house: cards of the house bank (house). link: cards of three banks over links, whose
#                                   rounds alternate with the house bank's instead of pgbench's: what asking a bank
#                                   costs, with its third commit (the bank's answer) and the notice of the end
#                withdrawals_per_second, pgbench_withdrawals_per_second and yardstick_withdrawals_per_second (best of
#                all --clients), ratio_to_pgbench, ratio_to_yardstick, p50_ms and p99_ms of the answer to a 0200,
#                and each run by itself; with --route link: house_withdrawals_per_second, ratio_to_house and the
#                processor time of both
takes --rounds ROUNDS 3 number 1 100
takes --seconds ROUND_SECONDS 12 number 1 3600
takes --clients CLIENTS '8 16 32 64' numbers 1 1000
takes --atms ATMS 512 number 1 20000
takes --cards CARDS 200000 number 1000 10000000
takes --route ROUTE house word house link

source "$ROOT/scripts/lib/pgbench.sh"

DAY=2016-12-28 # a Wednesday before any limit on the number of withdrawals

# The comparison is fair only if one withdrawal of either writes as many rows in the same tables.
check_same_writes() {
        local before ours theirs
        before=$(sql 'SELECT txid_current()')
        atmsim run --closed --withdrawals 1 --atms 1 --amount-yen "$AMOUNT_YEN" --json >"$WORK/run.json" || fail "atmsim run failed"
        ours=$(rows_since "$before")
        before=$(sql 'SELECT txid_current()')
        pgbench_run pgbench 1 0 -t 1
        theirs=$(rows_since "$before")
        [[ $ours == "$theirs" ]] || fail "atmd and pgbench write different rows: $(diff <(echo "$ours") <(echo "$theirs"))"
        [[ $ours == *'withdrawal|1'*'commission|1'* ]] || fail "atmd wrote no withdrawal: $ours"
        run_note atmd 1 0 1 0
}

# pgbench_round NUMBER: with each number of clients
pgbench_round() {
        local name clients seconds=$(((ROUND_SECONDS + 1) / 2))
        for clients in $CLIENTS; do
                for name in pgbench yardstick; do
                        pgbench_run "$name" "$clients" "$seconds" -T "$seconds"
                        echo "$clients $RATE" >>"$WORK/$name"
                        say "round $1: $name with $clients clients $RATE withdrawals a second"
                done
        done
}

throughput_house() {
        local round name rate p50 p99 daemon database warm=$((ROUND_SECONDS < 3 ? ROUND_SECONDS : 3)) began=$SECONDS
        local -A bests whose ratios
        bench_begin --atms "$ATMS" --cards "$CARDS" --clock "${DAY}T10:00:00+09:00,1" --banks 0
        pgbench_prepare
        check_same_writes
        say "warming up"
        atmsim_round 0 "$warm"
        atmsim_note atmd 0
        for name in pgbench yardstick; do
                pgbench_run "$name" 16 0 -T "$warm"
                : >"$WORK/$name"
        done
        for ((round = 1; round <= ROUNDS; round++)); do
                timed_round atmd "$round" "$ROUND_SECONDS"
                pgbench_round "$round"
        done
        bench_verify
        read -r rate p50 p99 daemon database <<<"$(rounds_mean atmd)"
        for name in pgbench yardstick; do
                read -r whose[$name] bests[$name] <<<"$(best_clients <"$WORK/$name")"
                ratios[$name]=$(calculate %.2f "$rate / ${bests[$name]}")
        done
        if ((JSON)); then
                printf '{"withdrawals_per_second": %s, "pgbench_withdrawals_per_second": %s, "ratio_to_pgbench": %s, "yardstick_withdrawals_per_second": %s, "ratio_to_yardstick": %s, "p50_ms": %s, "p99_ms": %s, "pgbench_clients": %s, "yardstick_clients": %s, "connections": %s, "rounds": %s, "seconds_per_round": %s, "atmd_cpu_us_per_withdrawal": %s, "postgresql_cpu_us_per_withdrawal": %s, "runs": [%s]}\n' \
                        "$rate" "${bests[pgbench]}" "${ratios[pgbench]}" "${bests[yardstick]}" "${ratios[yardstick]}" "$p50" "$p99" \
                        "${whose[pgbench]}" "${whose[yardstick]}" "$ATMS" "$ROUNDS" "$ROUND_SECONDS" "$daemon" "$database" "$RUNS"
        else
                printf '%-34s %12s a second (%d connections, mean of %d rounds)\n' "durable withdrawals through atmd" "$rate" "$ATMS" "$ROUNDS"
                printf '%-34s %12s a second (best of %s clients: %d)\n' "pgbench, the same one at a time" "${bests[pgbench]}" "$CLIENTS" "${whose[pgbench]}"
                printf '%-34s %12s a second (best of %s clients: %d)\n' "the yardstick, which never changes" "${bests[yardstick]}" "$CLIENTS" "${whose[yardstick]}"
                printf '%-34s %12s\n' "ratio to pgbench" "${ratios[pgbench]}" "ratio to the yardstick" "${ratios[yardstick]}"
                printf '%-34s %12s ms p50, %s ms p99\n' "answer to a 0200" "$p50" "$p99"
                printf '%-34s %12s microseconds in atmd, %s in PostgreSQL\n' "processor time a withdrawal" "$daemon" "$database"
        fi
        say "took $((SECONDS - began)) s; every row written by either adds up (atmctl verify)"
}

throughput_link() {
        local round began=$SECONDS
        local rate p50 p99 daemon database house_rate house_daemon house_database _
        bench_begin --atms "$ATMS" --cards "$CARDS" --bank-cards $((CARDS / 3)) --clock "${DAY}T10:00:00+09:00,1"
        for ((round = 1; round <= ROUNDS; round++)); do
                timed_round house "$round" "$ROUND_SECONDS" --cards "$ATM_CARDS" # the banks' come after them
                timed_round link "$round" "$ROUND_SECONDS" --cards "$ATM_BANK_CARDS"
        done
        await_notices $((120 + ROUNDS * ROUND_SECONDS * 2))
        bench_verify
        read -r rate p50 p99 daemon database <<<"$(rounds_mean link)"
        read -r house_rate _ _ house_daemon house_database <<<"$(rounds_mean house)"
        if ((JSON)); then
                printf '{"route": "link", "withdrawals_per_second": %s, "house_withdrawals_per_second": %s, "ratio_to_house": %s, "p50_ms": %s, "p99_ms": %s, "connections": %s, "rounds": %s, "seconds_per_round": %s, "atmd_cpu_us_per_withdrawal": %s, "house_atmd_cpu_us_per_withdrawal": %s, "postgresql_cpu_us_per_withdrawal": %s, "house_postgresql_cpu_us_per_withdrawal": %s, "runs": [%s]}\n' \
                        "$rate" "$house_rate" "$(calculate %.2f "$rate / $house_rate")" "$p50" "$p99" "$ATMS" "$ROUNDS" "$ROUND_SECONDS" \
                        "$daemon" "$house_daemon" "$database" "$house_database" "$RUNS"
        else
                printf '%-40s %12s a second (%d connections, mean of %d rounds)\n' "durable withdrawals over three links" "$rate" "$ATMS" "$ROUNDS"
                printf '%-40s %12s a second\n' "with the house bank" "$house_rate"
                printf '%-40s %12s\n' "ratio" "$(calculate %.2f "$rate / $house_rate")"
                printf '%-40s %12s ms p50, %s ms p99\n' "answer to a 0200" "$p50" "$p99"
                printf '%-40s %12s microseconds in atmd, %s in PostgreSQL\n' "third commit, notice and bank, processor" \
                        "$(calculate %.0f "$daemon - $house_daemon")" "$(calculate %.0f "$database - $house_database")"
        fi
        say "took $((SECONDS - began)) s; every row adds up (atmctl verify) and every notice is acknowledged"
}

benchmark() {
        "throughput_$ROUTE"
}
