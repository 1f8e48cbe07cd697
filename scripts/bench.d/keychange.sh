# shellcheck shell=bash disable=SC2034
#   keychange    all ATMs change their keys under load: each is connected, and idle ones hear of the new keys with their next echo, fetch them
#                and use them, while twenty withdraw with PINs:
#                  --atms N         beside the twenty (1066; as many instances of atmd and simulators as the limit on open files asks for)
#                  --rate N         withdrawals a second of the twenty (120)
#                  --seconds S      for which the twenty are looked at beforehand (10)
#                  --echo S         idle so long, an ATM sends an echo (60)
#                generate_seconds that 'atmctl key generate --all' took, and seconds from its begin until the last ATM had used its new keys;
#                of an hour that is hour_share; of the twenty p50_ms and p99_ms of the answer to a 0200, before and during; unanswered: withdrawals
#                of theirs that had no answer in time
takes --atms ATMS 1066 number 1 999999
takes --rate RATE 120 number 1 10000
takes --seconds SECONDS_BEFORE 10 number 1 600
takes --echo ECHO_S 60 number 1 600
source "$ROOT/scripts/lib/crowd.sh"

DAY=2016-12-28
HOUR_S=3600

# Whether all have used their newest set.
all_changed() {
        local line total changed
        line=$(atmctl key progress --format csv) || fail "how far the change is can't be asked"
        read -r total changed < <(awk -F, '$1 == "terminal" && $2 == "all" { print $3, $4 }' <<<"$line")
        ((changed == total && total == ATMS + GOOD))
}

benchmark() {
        local began generated seconds share FAILED PARTS unanswered
        local -a AT_WORK
        LAB_KEYS=()
        crowd_begin "$DAY"
        work_of "$RATE"
        crowd_comes --echo-seconds "$ECHO_S"
        crowd_await
        say "$ATMS ATMs are signed on"
        work_for "$SECONDS_BEFORE"

        work_begins
        began=$(date +%s%N)
        atmctl key generate --all --note "the benchmark's change of keys" >"$WORK/generate" 2>&1 || fail "no keys were made: $(cat "$WORK/generate")"
        generated=$(calculate %.2f "($(date +%s%N) - $began) / 1e9")
        say "keys made in $generated s"
        until all_changed; do
                crowd_lives
                process_lives "$SIMULATOR" || fail "the ATMs at work ended: $(cat "$WORK/during.log")"
                ((($(date +%s%N) - began) / 1000000000 < HOUR_S)) || fail "after an hour not all ATMs had changed their keys: $(atmctl key progress --format csv)"
                sleep 0.5
        done
        seconds=$(calculate %.2f "($(date +%s%N) - $began) / 1e9")
        work_ends
        crowd_leaves
        bench_verify
        unanswered=$(json_number "$WORK/during.json" unanswered)
        share=$(calculate %.4f "$seconds / $HOUR_S")
        if ((JSON)); then
                printf '{"atms": %s, "instances": %s, "generate_seconds": %s, "seconds": %s, "hour_share": %s, "p50_ms_before": %s, "p99_ms_before": %s, "p50_ms": %s, "p99_ms": %s, "unanswered": %s, "withdrawals_before": %s, "withdrawals": %s}\n' \
                        "$((ATMS + GOOD))" "$PARTS" "$generated" "$seconds" "$share" \
                        "$(json_number "$WORK/before.json" p50_ms)" "$(json_number "$WORK/before.json" p99_ms)" \
                        "$(json_number "$WORK/during.json" p50_ms)" "$(json_number "$WORK/during.json" p99_ms)" "$unanswered" \
                        "$(json_number "$WORK/before.json" withdrawals)" "$(json_number "$WORK/during.json" withdrawals)"
        else
                printf '%-44s %10s s, %s of an hour (%d instances)\n' "$((ATMS + GOOD)) ATMs changed their keys within" "$seconds" "$share" "$PARTS"
                printf '%-44s %10s s\n' "of that to make them (key generate --all)" "$generated"
                printf '%-44s %10s ms p50, %s ms p99; before %s and %s\n' "answer to a 0200 of those at work" \
                        "$(json_number "$WORK/during.json" p50_ms)" "$(json_number "$WORK/during.json" p99_ms)" \
                        "$(json_number "$WORK/before.json" p50_ms)" "$(json_number "$WORK/before.json" p99_ms)"
                printf '%-44s %10s of %s\n' "withdrawals without an answer in time" "$unanswered" "$(json_number "$WORK/during.json" withdrawals)"
        fi
}
