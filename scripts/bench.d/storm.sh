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
source "$ROOT/scripts/lib/crowd.sh"

DAY=2016-12-28
PLAIN_HANDSHAKES=2000

benchmark() {
        local began seconds daemon rate plain server_us client_us daemon_us p50_before p99_before p50 p99 FAILED PARTS
        local -a AT_WORK
        crowd_begin "$DAY"
        build_programs bench_handshake
        work_of "$RATE"
        plain=$("$BIN/bench_handshake" "$ATMD_CA" "$LAB/server/atmd.crt" "$LAB/server/atmd.key" "$ATMD_CERTS/T0000001.crt" \
                "$ATMD_CERTS/T0000001.key" "$PLAIN_HANDSHAKES") || fail "OpenSSL alone could not be measured"
        read -r server_us client_us <<<"$plain"
        say "OpenSSL alone: $server_us microseconds a handshake, and $client_us at the client's end"
        work_for "$SECONDS_BEFORE"

        work_begins
        # shellcheck disable=SC2086 # one word an instance
        daemon=$(cpu_seconds $ATMD_PIDS)
        began=$(date +%s%N)
        crowd_comes --echo-seconds 0
        crowd_await
        seconds=$(calculate %.2f "($(date +%s%N) - $began) / 1e9")
        # shellcheck disable=SC2086
        daemon_us=$(calculate %.0f "($(cpu_seconds $ATMD_PIDS) - $daemon) * 1e6 / $ATMS")
        work_ends
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
