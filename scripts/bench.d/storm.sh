# shellcheck shell=bash disable=SC2034
#   storm        a whole fleet at once, as after a power cut: all ATMs connect, each from an address of its own and without waiting
#                for others, shake hands and sign on, while twenty that are there already withdraw:
#                  --atms N         that come (25548; as many instances of atmd and simulators as the limit on open files asks for)
#                  --rate N         withdrawals a second of the twenty (40)
#                  --seconds S      for which the twenty are looked at beforehand (10)
#                seconds until the last is signed on, and handshakes_per_second by that; atmd_us of processor time a newcomer, and
#                openssl_us, which the server's end of such a handshake takes of OpenSSL alone (tests/bench/handshake.c); of the
#                twenty p50_ms and p99_ms of the answer to a 0200, before and during; connections_failed: attempts of newcomers that
#                were given up or closed
takes --atms ATMS 25548 number 1 999999
takes --rate RATE 40 number 1 10000
takes --seconds SECONDS_BEFORE 10 number 1 600

GOOD=20
CARDS=20000
DAY=2016-12-28
FILES_BESIDE=500 # of a process: other than connections of ATMs
PLAIN_HANDSHAKES=2000
CONNECT_TIMEOUT_MS=30000 # ATMs give up after that
PATIENCE_S=600

# The newcomers, in as many files as there are simulators.
crowd_terminals() {
        local part
        for ((part = 0; part < PARTS; part++)); do
                awk -v part="$part" -v parts="$PARTS" -v good="$GOOD" 'NR == 1 || NR > good + 1 && NR % parts == part' "$ATM_TERMINALS" \
                        >"$WORK/terminals-$part.csv"
        done
}

# So that the crowd ends with the benchmark, whatever ends it.
CROWD=()
storm_end() {
        local status=$?
        ((${#CROWD[@]} == 0)) || kill -TERM "${CROWD[@]}" 2>/dev/null || true
        bench_end "$status"
}

crowd_comes() {
        local part
        for ((part = 0; part < PARTS; part++)); do
                atmsim run --idle --handshakes 0 --own-addresses --connect-timeout-ms "$CONNECT_TIMEOUT_MS" --echo-seconds 0 \
                        --start-seconds "$PATIENCE_S" --terminals "$WORK/terminals-$part.csv" --journal "$WORK/journal-$part" \
                        --ready-file "$WORK/ready-$part" --json </dev/null >"$WORK/crowd-$part.json" 2>"$WORK/crowd-$part.log" &
                CROWD+=($!)
        done
}

crowd_is_in() {
        local part
        for ((part = 0; part < PARTS; part++)); do
                process_lives "${CROWD[$part]}" || fail "a simulator of newcomers ended: $(cat "$WORK/crowd-$part.log")"
                [[ -e $WORK/ready-$part ]] || return 1
        done
}

crowd_leaves() {
        local part failed
        kill -TERM "${CROWD[@]}"
        FAILED=0
        for ((part = 0; part < PARTS; part++)); do
                wait "${CROWD[$part]}" || fail "newcomers: $(cat "$WORK/crowd-$part.log" "$WORK/crowd-$part.json")"
                failed=$(json_number "$WORK/crowd-$part.json" connections_failed)
                FAILED=$((FAILED + failed))
        done
        CROWD=()
}

benchmark() {
        local files began seconds daemon rate plain server_us client_us daemon_us p50_before p99_before p50 p99 FAILED PARTS
        local -a at_work
        ulimit -Sn "$(ulimit -Hn)"
        files=$(ulimit -n)
        [[ $files != unlimited ]] || files=1000000000
        ((files > 2 * FILES_BESIDE)) || fail "a limit of $files open files is too low: expected more than $((2 * FILES_BESIDE))"
        PARTS=$(((ATMS + GOOD + files - FILES_BESIDE - 1) / (files - FILES_BESIDE)))
        bench_begin --atms $((ATMS + GOOD)) --instances "$PARTS" --cards "$CARDS" --banks 0 --clock "${DAY}T10:00:00+09:00,1"
        trap storm_end EXIT
        build_programs bench_handshake
        at_work=(--atms "$GOOD" --profile flat --careless-rate 0 --amount-yen "$AMOUNT_YEN" --cards-even --card-uses 20 --start-seconds 120
                --per-atm-day "$(calculate %.0f "$RATE * $DAY_SECONDS / $GOOD")" --answer-timeout-ms 30000 --json)
        crowd_terminals
        plain=$("$BIN/bench_handshake" "$ATMD_CA" "$LAB/server/atmd.crt" "$LAB/server/atmd.key" "$ATMD_CERTS/T0000001.crt" \
                "$ATMD_CERTS/T0000001.key" "$PLAIN_HANDSHAKES") || fail "OpenSSL alone could not be measured"
        read -r server_us client_us <<<"$plain"
        say "OpenSSL alone: $server_us microseconds a handshake, and $client_us at the client's end"
        atmsim run "${at_work[@]}" --seed 1 --seconds "$SECONDS_BEFORE" </dev/null >"$WORK/before.json" 2>"$WORK/before.log" || fail "the ATMs at work failed: $(cat "$WORK/before.log" "$WORK/before.json")"

        atmsim run "${at_work[@]}" --seed 2 --cards-skip $((CARDS / 2)) --ready-file "$WORK/at-work" </dev/null >"$WORK/during.json" 2>"$WORK/during.log" &
        SIMULATOR=$!
        until [[ -e $WORK/at-work ]]; do
                process_lives "$SIMULATOR" || fail "the ATMs at work ended: $(cat "$WORK/during.log")"
                sleep 0.1
        done
        # shellcheck disable=SC2086 # one word an instance
        daemon=$(cpu_seconds $ATMD_PIDS)
        began=$(date +%s%N)
        crowd_comes
        until crowd_is_in; do
                ((($(date +%s%N) - began) / 1000000000 < PATIENCE_S)) || fail "after $PATIENCE_S s not all ATMs were signed on"
                sleep 0.05
        done
        seconds=$(calculate %.2f "($(date +%s%N) - $began) / 1e9")
        # shellcheck disable=SC2086
        daemon_us=$(calculate %.0f "($(cpu_seconds $ATMD_PIDS) - $daemon) * 1e6 / $ATMS")
        kill -TERM "$SIMULATOR"
        wait "$SIMULATOR" || fail "the ATMs at work failed: $(cat "$WORK/during.log" "$WORK/during.json")"
        SIMULATOR=''
        crowd_leaves
        bench_verify
        p50_before=$(json_number "$WORK/before.json" p50_ms) p99_before=$(json_number "$WORK/before.json" p99_ms)
        p50=$(json_number "$WORK/during.json" p50_ms) p99=$(json_number "$WORK/during.json" p99_ms)
        rate=$(calculate %.1f "$ATMS / $seconds")
        if ((JSON)); then
                printf '{"atms": %s, "instances": %s, "seconds": %s, "handshakes_per_second": %s, "connections_failed": %s, "atmd_us": %s, "openssl_us": %s, "openssl_client_us": %s, "ratio_to_openssl": %s, "p50_ms_before": %s, "p99_ms_before": %s, "p50_ms": %s, "p99_ms": %s, "withdrawals_before": %s, "withdrawals": %s}\n' \
                        "$ATMS" "$PARTS" "$seconds" "$rate" "$FAILED" "$daemon_us" "$server_us" "$client_us" "$(calculate %.2f "$daemon_us / $server_us")" \
                        "$p50_before" "$p99_before" "$p50" "$p99" "$(json_number "$WORK/before.json" withdrawals)" "$(json_number "$WORK/during.json" withdrawals)"
        else
                printf '%-44s %10s s (%d instances)\n' "$ATMS ATMs signed on within" "$seconds" "$PARTS"
                printf '%-44s %10s a second; attempts that failed: %d\n' "handshakes and sign-ons" "$rate" "$FAILED"
                printf '%-44s %10s microseconds, OpenSSL alone %s, ratio %s\n' "processor time of atmd for each" "$daemon_us" "$server_us" \
                        "$(calculate %.2f "$daemon_us / $server_us")"
                printf '%-44s %10s ms p50, %s ms p99; before %s and %s\n' "answer to a 0200 of those at work" "$p50" "$p99" "$p50_before" "$p99_before"
        fi
}
