# shellcheck shell=bash disable=SC2034
#   ledger       what a withdrawal (0200 decided, 0220 posted) costs PostgreSQL without any network: the statements of
#                atmd in batches of 1, 8, 32 and 128, over one connection and over two, whose rounds alternate:
#                  --rounds N       rounds of each; what counts is the least of a round (3)
#                  --withdrawals N  of a round; fewer in small batches, so that each size takes about as long (12000)
#                  --cards N        in turn, each once a day (200000)
#                cpu_us (system_us of it in the kernel) and wal_bytes a withdrawal of each, and the line through them:
#                cpu_us = withdrawal_us + batch_us / batch
takes --rounds ROUNDS 3 number 1 100
takes --withdrawals WITHDRAWALS 12000 number 1000 1000000
takes --cards CARDS 200000 number 1000 10000000

ATMS=512
BATCHES=(1 8 32 128)
CONNECTIONS=(1 2)
DAY=2016-12-01
LEDGER_NEXT=0

# What was written: withdrawals that were approved, of them completed, their commission, their cash
ledger_rows() {
        sql "SELECT (SELECT count(*) FROM withdrawal WHERE reason = 0),
                    (SELECT count(*) FROM advice WHERE state = 'completed'),
                    (SELECT sum(sign) FROM commission), (SELECT sum(cash_yen) FROM commission)"
}

# ledger_run CONNECTIONS BATCH: a line of figures a withdrawal in $WORK/CONNECTIONS.BATCH: processor microseconds, of them in the
# kernel, bytes of WAL, withdrawals a second, withdrawals measured. It goes on where the last one ended, LEDGER_NEXT.
# A batch costs as much as about 17 withdrawals in it.
ledger_run() {
        local written count seconds cpu kernel wal batches=$((WITHDRAWALS / ($2 + 17)))
        PGUSER=postgres "$BIN/bench_ledger" "$2" "$1" "$LEDGER_NEXT" "$batches" >"$WORK/figures" ||
                fail "batches of $2 could not be measured"
        read -r written count seconds cpu kernel wal <"$WORK/figures"
        LEDGER_NEXT=$((LEDGER_NEXT + written))
        [[ $(ledger_rows) == "$LEDGER_NEXT|$LEDGER_NEXT|$LEDGER_NEXT|$((LEDGER_NEXT * 1000))" ]] ||
                fail "after $LEDGER_NEXT withdrawals there are withdrawals, completions, commission rows, yen: $(ledger_rows)"
        awk -v n="$count" -v s="$seconds" -v cpu="$cpu" -v kernel="$kernel" -v wal="$wal" \
                'BEGIN { printf "%.1f %.1f %.0f %.1f %d\n", cpu / n, kernel / n, wal / n, n / s, n }' >>"$WORK/$1.$2"
}

# ledger_best CONNECTIONS BATCH: the least of each cost, since what else runs, autovacuum's WAL included, only adds to it; the
# best rate
ledger_best() {
        awk 'NR == 1 { split($0, best) }
                { for (i = 1; i <= 3; i++) if ($i < best[i]) best[i] = $i; if ($4 > best[4]) best[4] = $4 }
                END { print best[1], best[2], best[3], best[4], best[5] }' "$WORK/$1.$2"
}

benchmark() {
        local round connections batch cpu kernel wal rate count one many cells='' began=$SECONDS
        build_programs bench_ledger
        bench_begin --atms "$ATMS" --cards "$CARDS" --clock "${DAY}T10:00:00+09:00,1" --banks 0
        [[ $(sql 'SHOW fsync') == on && $(sql 'SHOW synchronous_commit') == on ]] || fail "the cluster's commits are not durable"
        for ((round = 1; round <= ROUNDS; round++)); do
                for connections in "${CONNECTIONS[@]}"; do
                        for batch in "${BATCHES[@]}"; do
                                ledger_run "$connections" "$batch"
                                say "round $round, $connections connections, batches of $batch: $(tail -n 1 "$WORK/$connections.$batch" |
                                        awk '{ printf "%s microseconds, %s bytes of WAL a withdrawal", $1, $3 }')"
                        done
                done
        done
        bench_verify
        ((JSON)) || printf '%11s %6s %16s %12s %11s %10s\n' connections batch 'microseconds' 'in kernel' 'WAL bytes' 'a second'
        for connections in "${CONNECTIONS[@]}"; do
                for batch in "${BATCHES[@]}"; do
                        read -r cpu kernel wal rate count <<<"$(ledger_best "$connections" "$batch")"
                        ((JSON)) || printf '%11s %6s %16s %12s %11s %10s\n' "$connections" "$batch" "$cpu" "$kernel" "$wal" "$rate"
                        cells+="${cells:+, }{\"connections\": $connections, \"batch\": $batch, \"cpu_us\": $cpu, \"system_us\": $kernel, \"wal_bytes\": $wal, \"withdrawals_per_second\": $rate, \"withdrawals\": $count}"
                done
        done
        # the line through the smallest and the largest batch of one connection
        read -r one _ <<<"$(ledger_best 1 "${BATCHES[0]}")"
        read -r many _ <<<"$(ledger_best 1 "${BATCHES[-1]}")"
        batch=$(calculate %.1f "($one - $many) / (1 - 1 / ${BATCHES[-1]})")
        cpu=$(calculate %.1f "$one - $batch")
        if ((JSON)); then
                printf '{"withdrawal_us": %s, "batch_us": %s, "withdrawals": %s, "rounds": %s, "withdrawals_per_round": %s, "cells": [%s]}\n' \
                        "$cpu" "$batch" "$LEDGER_NEXT" "$ROUNDS" "$WITHDRAWALS" "$cells"
        else
                printf 'processor microseconds of PostgreSQL a withdrawal, one connection: %s + %s / batch\n' "$cpu" "$batch"
        fi
        say "took $((SECONDS - began)) s; all $LEDGER_NEXT withdrawals were approved, completed and add up (atmctl verify)"
}
