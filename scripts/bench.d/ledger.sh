# shellcheck shell=bash disable=SC2034
#   ledger       what a withdrawal (0200 decided, 0220 posted) costs PostgreSQL without any network: the statements of
#                atmd in batches of 1, 8, 32 and 128, over one connection and over two, whose rounds alternate:
#                  --rounds N       rounds of each; what counts is the least of a round (3)
#                  --withdrawals N  of a round; fewer in small batches, so that each size takes about as long (12000)
#                  --cards N        in turn, each once a day (200000)
#                  --against REVISION   also that revision of this checkout, built in a temporary folder, with a laboratory
#                                   of its own programs and tables; every batch size of either is followed by the other's
#                cpu_us (system_us of it in the kernel) and wal_bytes a withdrawal of each, and the line through them:
#                cpu_us = withdrawal_us + batch_us / batch; with --against the revision's too, as against_..., and of what
#                it takes each takes cpu_ratio and wal_ratio
takes --rounds ROUNDS 3 number 1 100
takes --withdrawals WITHDRAWALS 12000 number 1000 1000000
takes --cards CARDS 200000 number 1000 10000000
takes --against REVISION '' text

ATMS=512
BATCHES=(1 8 32 128)
CONNECTIONS=(1 2)
DAY=2016-12-01
HARNESS=tests/bench/ledger.c

# What is measured: `now`, this checkout, and with --against `before`. Of each the folder of its programs, its laboratory, and
# the number of its next withdrawal.
SIDES=(now)
declare -A SIDE_TREE=([now]=$ROOT) SIDE_BIN=([now]=$BIN) SIDE_LAB=() SIDE_NEXT=([now]=0 [before]=0)

# side_sql SIDE STATEMENT
side_sql() (
        # shellcheck disable=SC1091
        source "${SIDE_LAB[$1]}/lab.env"
        sql "$2"
)

# side_verify SIDE: its rows are those of a sound house, by its own programs.
side_verify() (
        # shellcheck disable=SC1091
        source "${SIDE_LAB[$1]}/lab.env"
        bench_verify
)

# The revision, looked up before anything is built; it must have a harness that is told its work as this one is.
against_find() {
        git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1 || fail "--against: $ROOT is no checkout of git"
        COMMIT=$(git -C "$ROOT" rev-parse --verify --quiet --end-of-options "$REVISION^{commit}") ||
                fail "--against: there is no revision '$REVISION' in $ROOT"
        git -C "$ROOT" cat-file -e "$COMMIT:$HARNESS" 2>/dev/null ||
                fail "--against: revision $REVISION has no bench_ledger ($HARNESS)"
        git -C "$ROOT" show "$COMMIT:$HARNESS" | grep -qF 'bench_ledger BATCH CONNECTIONS FIRST BATCHES' ||
                fail "--against: the bench_ledger of revision $REVISION takes other arguments: it can't be given the same work"
}

# Its programs, by its own scripts. Nothing of it has just been built.
against_build() {
        local tree=$WORK/before
        say "building revision $REVISION"
        git clone -q --shared --no-checkout "$ROOT" "$tree" && git -C "$tree" checkout -q --detach "$COMMIT" ||
                fail "revision $REVISION could not be checked out"
        (
                export ATM_BUILT=0
                # shellcheck disable=SC1091
                source "$tree/scripts/lib/common.sh" && source "$tree/scripts/lib/build.sh"
                build_preset "$ATM_PRESET" "${PROGRAMS[@]}" bench_ledger
        ) || fail "revision $REVISION could not be built"
        SIDES+=(before)
        SIDE_TREE[before]=$tree SIDE_BIN[before]=$tree/${BIN#"$ROOT/"}
}

# Both laboratories are made alike, each by its own scripts.
sides_begin() {
        local -a lab=(--atms "$ATMS" --cards "$CARDS" --clock "${DAY}T10:00:00+09:00,1" --banks 0)
        bench_begin "${lab[@]}"
        SIDE_LAB[now]=$LAB
        [[ -n $REVISION ]] || return 0
        against_build
        SIDE_LAB[before]=$WORK/lab-before
        LABS_BESIDE+=("${SIDE_TREE[before]}|${SIDE_LAB[before]}")
        ATM_BUILT=1 "${SIDE_TREE[before]}/scripts/lab" up --dir "${SIDE_LAB[before]}" "${lab[@]}" >/dev/null ||
                fail "revision $REVISION: its laboratory could not be made"
}

# What was written: withdrawals that were approved, of them completed, their commission, their cash
ledger_rows() {
        side_sql "$1" "SELECT (SELECT count(*) FROM withdrawal WHERE reason = 0),
                    (SELECT count(*) FROM advice WHERE state = 'completed'),
                    (SELECT sum(sign) FROM commission), (SELECT sum(cash_yen) FROM commission)"
}

# ledger_run SIDE CONNECTIONS BATCH: a line of figures a withdrawal in $WORK/SIDE.CONNECTIONS.BATCH: processor microseconds, of
# them in the kernel, bytes of WAL, withdrawals a second, withdrawals measured. It goes on where that side's last one ended.
# A batch costs as much as about 17 withdrawals in it.
ledger_run() {
        local side=$1 next rows written count seconds cpu kernel wal batches=$((WITHDRAWALS / ($3 + 17)))
        (
                # shellcheck disable=SC1091
                source "${SIDE_LAB[$side]}/lab.env"
                PGUSER=postgres exec "${SIDE_BIN[$side]}/bench_ledger" "$3" "$2" "${SIDE_NEXT[$side]}" "$batches"
        ) >"$WORK/figures" || fail "$side: batches of $3 could not be measured"
        read -r written count seconds cpu kernel wal <"$WORK/figures"
        next=$((SIDE_NEXT[$side] + written))
        SIDE_NEXT[$side]=$next
        rows=$(ledger_rows "$side")
        [[ $rows == "$next|$next|$next|$((next * 1000))" ]] ||
                fail "$side: after $next withdrawals there are withdrawals, completions, commission rows, yen: $rows"
        awk -v n="$count" -v s="$seconds" -v cpu="$cpu" -v kernel="$kernel" -v wal="$wal" \
                'BEGIN { printf "%.1f %.1f %.0f %.1f %d\n", cpu / n, kernel / n, wal / n, n / s, n }' >>"$WORK/$side.$2.$3"
        say "round $ROUND, $side, $2 connections, batches of $3: $(tail -n 1 "$WORK/$side.$2.$3" |
                awk '{ printf "%s microseconds, %s bytes of WAL a withdrawal", $1, $3 }')"
}

# ledger_best SIDE CONNECTIONS BATCH: the least of each cost, since what else runs, autovacuum's WAL included, only adds to it;
# the best rate
ledger_best() {
        awk 'NR == 1 { split($0, best) }
                { for (i = 1; i <= 3; i++) if ($i < best[i]) best[i] = $i; if ($4 > best[4]) best[4] = $4 }
                END { print best[1], best[2], best[3], best[4], best[5] }' "$WORK/$1.$2.$3"
}

# ledger_cell SIDE CONNECTIONS BATCH: a row of the table, or an object of `cells` without its end
ledger_cell() {
        local cpu kernel wal rate count
        read -r cpu kernel wal rate count <<<"$(ledger_best "$@")"
        if ((JSON)); then
                printf '{"connections": %s, "batch": %s, "cpu_us": %s, "system_us": %s, "wal_bytes": %s, "withdrawals_per_second": %s, "withdrawals": %s' \
                        "$2" "$3" "$cpu" "$kernel" "$wal" "$rate" "$count"
        else
                printf '%11s %6s %7s %16s %12s %11s %10s\n' "$2" "$3" "$1" "$cpu" "$kernel" "$wal" "$rate"
        fi
}

# ledger_ratios CONNECTIONS BATCH: processor time and WAL, now of before
ledger_ratios() {
        echo "$(ledger_best now "$@") $(ledger_best before "$@")" | awk '{ printf "%.3f %.3f\n", $1 / $6, $3 / $8 }'
}

# ledger_line SIDE: withdrawal_us and batch_us, through the smallest and the largest batch of one connection
ledger_line() {
        echo "$(ledger_best "$1" 1 "${BATCHES[0]}") $(ledger_best "$1" 1 "${BATCHES[-1]}")" |
                awk -v most="${BATCHES[-1]}" '{ batch = ($1 - $6) / (1 - 1 / most); printf "%.1f %.1f\n", $1 - batch, batch }'
}

ledger_json() {
        local side connections batch withdrawal_us batch_us cpu wal
        local -A cells=() prefix=([now]='' [before]=against_)
        for connections in "${CONNECTIONS[@]}"; do
                for batch in "${BATCHES[@]}"; do
                        for side in "${SIDES[@]}"; do
                                cells[$side]+=${cells[$side]:+, }$(ledger_cell "$side" "$connections" "$batch")
                                if [[ $side == now && -n $REVISION ]]; then
                                        read -r cpu wal <<<"$(ledger_ratios "$connections" "$batch")"
                                        cells[now]+=", \"cpu_ratio\": $cpu, \"wal_ratio\": $wal"
                                fi
                                cells[$side]+='}'
                        done
                done
        done
        printf '{"rounds": %s, "withdrawals_per_round": %s' "$ROUNDS" "$WITHDRAWALS"
        [[ -z $REVISION ]] || printf ', "against": "%s"' "$COMMIT"
        for side in "${SIDES[@]}"; do
                read -r withdrawal_us batch_us <<<"$(ledger_line "$side")"
                printf ', "%swithdrawal_us": %s, "%sbatch_us": %s, "%swithdrawals": %s, "%scells": [%s]' "${prefix[$side]}" \
                        "$withdrawal_us" "${prefix[$side]}" "$batch_us" "${prefix[$side]}" "${SIDE_NEXT[$side]}" "${prefix[$side]}" "${cells[$side]}"
        done
        printf '}\n'
}

ledger_text() {
        local side connections batch
        printf '%11s %6s %7s %16s %12s %11s %10s\n' connections batch '' 'microseconds' 'in kernel' 'WAL bytes' 'a second'
        for connections in "${CONNECTIONS[@]}"; do
                for batch in "${BATCHES[@]}"; do
                        for side in "${SIDES[@]}"; do
                                ledger_cell "$side" "$connections" "$batch"
                        done
                        [[ -z $REVISION ]] || ledger_ratios "$connections" "$batch" |
                                awk '{ printf "%11s %6s %7s %16s %12s %11s\n", "", "", "ratio", $1, "", $2 }'
                done
        done
        for side in "${SIDES[@]}"; do
                printf 'processor microseconds of PostgreSQL a withdrawal, one connection, %s: %s\n' "$side" \
                        "$(ledger_line "$side" | awk '{ print $1 " + " $2 " / batch" }')"
        done
}

benchmark() {
        local side connections batch began=$SECONDS
        [[ -z $REVISION ]] || against_find
        build_programs bench_ledger
        sides_begin
        for side in "${SIDES[@]}"; do
                [[ $(side_sql "$side" 'SHOW fsync') == on && $(side_sql "$side" 'SHOW synchronous_commit') == on ]] ||
                        fail "the cluster's commits are not durable"
        done
        for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
                for connections in "${CONNECTIONS[@]}"; do
                        for batch in "${BATCHES[@]}"; do
                                for side in "${SIDES[@]}"; do
                                        ledger_run "$side" "$connections" "$batch"
                                done
                        done
                done
        done
        for side in "${SIDES[@]}"; do
                side_verify "$side"
        done
        if ((JSON)); then ledger_json; else ledger_text; fi
        say "took $((SECONDS - began)) s; all withdrawals were approved, completed and add up (atmctl verify)"
}
