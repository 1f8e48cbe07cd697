# shellcheck shell=bash disable=SC2034
#   memory       what a connected ATM costs atmd:
#                  --atms N         (5000)
#                bytes_per_connection = (Pss_Anon with N signed-on idle ATMs - Pss_Anon with none) / N
takes --atms ATMS 5000 number 1 20000

# What is the process's own: its share of what is mapped from files shrinks with each other program that maps them, with
# atmsim to begin with.
pss_bytes() {
        awk '/^Pss_Anon:/ { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

benchmark() {
        local before after figure began=$SECONDS
        bench_begin --atms "$ATMS" --cards 100 --banks 0
        before=$(pss_bytes "$ATMD_PIDS")
        say "atmd without ATMs: $before bytes; $ATMS ATMs sign on"
        atmsim run --idle --ready-file "$WORK/ready" </dev/null >"$WORK/run.log" 2>&1 &
        SIMULATOR=$!
        until [[ -e $WORK/ready ]]; do
                process_lives "$SIMULATOR" || fail "atmsim ended: $(cat "$WORK/run.log")"
                ((SECONDS - began < 300)) || fail "after 300 s not all ATMs were signed on"
                sleep 0.2
        done
        sleep 2
        process_lives "$SIMULATOR" || fail "atmsim ended: $(cat "$WORK/run.log")"
        after=$(pss_bytes "$ATMD_PIDS")
        kill -TERM "$SIMULATOR"
        wait "$SIMULATOR" || true
        SIMULATOR=''
        figure=$(calculate %.0f "($after - $before) / $ATMS")
        if ((JSON)); then
                printf '{"bytes_per_connection": %s, "connections": %s, "pss_bytes": %s, "pss_bytes_without": %s}\n' "$figure" "$ATMS" "$after" "$before"
        else
                printf 'atmd with %d signed-on idle ATMs: %d bytes, without: %d bytes\nbytes a connection: %s\n' "$ATMS" "$after" "$before" "$figure"
        fi
}
