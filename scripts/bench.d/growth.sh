# shellcheck shell=bash disable=SC2034
#   growth       what a withdrawal costs in a database that holds many: laboratories side by side, alike but for the years of
#                business that each has behind it (atmctl history generate), measured in turns:
#                  --stored N,...   withdrawals that are stored, about; ratios are to the first (0,3000000,27000000)
#                  --rounds N       rounds of each (3)
#                  --seconds S      of a round as fast as it goes, and of one at the steady rate that follows it (12)
#                  --rate R         withdrawals a second of that (120)
#                  --atms N         (512)
#                  --cards N        (200000)
#                of each: stored, withdrawals_per_second as fast as it goes, p50_ms and p99_ms at the steady rate (as of
#                `latency`), processor time; heap_bytes, index_bytes and wal_bytes that a withdrawal adds, all in all and by
#                table, and page_bytes, the WAL's whole pages besides, which a checkpoint makes; and what is stored takes
takes --stored STORED '0 3000000 27000000' numbers 0 27000000
takes --rounds ROUNDS 3 number 1 9
takes --seconds ROUND_SECONDS 12 number 1 3600
takes --rate RATE 120 number 1 100000
takes --atms ATMS 512 number 1 20000
takes --cards CARDS 200000 number 1000 10000000

DAY=2017-04-05                 # a Wednesday after the scenario's years
SCENARIO_WITHDRAWALS=27000000  # that the scenario comes to at scale 1, about
HISTORY_BANKS=3                # that it has cards of
SIZES_SQL="SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass, sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid))
        FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1"
NODES_SQL="SELECT pg_relation_filenode(c.oid), coalesce(pg_partition_root(t.oid), t.oid)::regclass
        FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
        WHERE c.relkind IN ('r', 'i') AND c.relnamespace = 'public'::regnamespace"

# growth_enter SIZE: whatever follows is about its laboratory.
growth_enter() {
        # shellcheck disable=SC1090,SC1091
        source "$GROWTH/$1/lab.env"
}

# growth_make SIZE: its laboratory, with its history summed up.
growth_make() {
        local scale
        local -a history=()
        if (($1)); then
                scale=$(calculate %.6f "$1 / $SCENARIO_WITHDRAWALS")
                [[ $scale != 1.* ]] || scale=1
                history=(--history "$ROOT/etc/scenarios/fy2015-fy2016" --scale "$scale")
        fi
        say "making the laboratory with $1 withdrawals"
        lab_begin "$GROWTH/$1" --atms "$ATMS" --cards "$CARDS" --bank-cards 100 --banks "$HISTORY_BANKS" \
                --clock "${DAY}T10:00:00+09:00,1" "${history[@]}"
        milliseconds atmctl report revenue --from 2015-04-01 --to 2017-03-31 --by fy
        sql "ALTER SYSTEM SET wal_keep_size = '2GB'"
        sql 'SELECT pg_reload_conf()' >/dev/null
        HELD[$1]=$(sql 'SELECT count(*) FROM withdrawal')
        sql "SELECT sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace" |
                tr '|' ' ' >"$WORK/$1.held"
}

# growth_wal SIZE FROM TO: bytes of the log by table, and of whole pages, as lines of $WORK/SIZE.wal
growth_wal() {
        sql "$NODES_SQL" >"$WORK/nodes"
        cluster_run "$(cluster_programs)/pg_waldump" -p "$ATM_CLUSTER/data/pg_wal" -s "$2" -e "$3" 2>"$WORK/waldump.err" |
                awk -F'|' '
                        NR == FNR { table[$1] = $2; next }
                        match($0, /len \(rec\/tot\): *[0-9]+\/ *[0-9]+/) {
                                split(substr($0, RSTART + 15, RLENGTH - 15), len, "/")
                                name = /rmgr: Transaction/ ? "commits" : "others"
                                if (match($0, /rel [0-9]+\/[0-9]+\/[0-9]+/)) {
                                        n = split(substr($0, RSTART, RLENGTH), rel, "/")
                                        if (rel[n] in table) name = table[rel[n]]
                                }
                                record[name] += len[1]
                                page[name] += len[2] - len[1]
                        }
                        END { for (name in record) print name, record[name], page[name] }' "$WORK/nodes" - >"$WORK/$1.wal"
        [[ -s $WORK/$1.wal ]] || fail "pg_waldump said nothing of the log from $2 to $3: $(cat "$WORK/waldump.err")"
}

# growth_round SIZE NUMBER: as fast as it goes, then at the steady rate.
growth_round() {
        local from
        growth_enter "$1"
        sql 'CHECKPOINT'
        ((ROUND > 1)) || sql "$SIZES_SQL" | tr '|' ' ' >"$WORK/$1.before"
        from=$(sql 'SELECT pg_current_wal_insert_lsn()')
        timed_round "fast-$1" "$2" "$ROUND_SECONDS" --cards "$ATM_CARDS"
        ADDED[$1]=$((${ADDED[$1]:-0} + COUNT))
        if ((ROUND == 1)); then
                growth_wal "$1" "$from" "$(sql 'SELECT pg_current_wal_flush_lsn()')"
                LOGGED[$1]=$COUNT
        fi
        sql 'CHECKPOINT'
        atmsim_steady $(($2 + 1)) "$RATE" "$ROUND_SECONDS" --cards "$ATM_CARDS"
        ADDED[$1]=$((ADDED[$1] + COUNT))
        echo "$(json_number "$WORK/run.json" p50_ms) $(json_number "$WORK/run.json" p99_ms)" >>"$WORK/steady-$1"
        say "round $ROUND: $1 stored: at $RATE a second p50 $(json_number "$WORK/run.json" p50_ms) ms, p99 $(json_number "$WORK/run.json" p99_ms) ms"
        ((ROUND < ROUNDS)) || sql "$SIZES_SQL" | tr '|' ' ' >"$WORK/$1.after"
}

# growth_tables SIZE: a line a table that a withdrawal adds to: name, heap, indexes, WAL, its whole pages: bytes a withdrawal
growth_tables() {
        awk -v added="${ADDED[$1]}" -v logged="${LOGGED[$1]}" '
                FILENAME ~ /before$/ { heap[$1] -= $2; tree[$1] -= $3 }
                FILENAME ~ /after$/ { heap[$1] += $2; tree[$1] += $3 }
                FILENAME ~ /wal$/ { record[$1] = $2; page[$1] = $3 }
                { name[$1] }
                END { for (t in name) if (heap[t] || tree[t] || record[t] || page[t])
                        printf "%s %.1f %.1f %.1f %.1f\n", t, heap[t] / added, tree[t] / added, record[t] / logged, page[t] / logged }' \
                "$WORK/$1.before" "$WORK/$1.after" "$WORK/$1.wal" | sort -k 4 -rn
}

# A line a size: size, stored, its heap and indexes, rate, p50, p99, atmd and PostgreSQL, then heap, indexes, WAL and pages a withdrawal
growth_figures() {
        local size rate daemon database _
        for size in $STORED; do
                read -r rate _ _ daemon database <<<"$(rounds_mean "fast-$size")"
                growth_tables "$size" >"$WORK/$size.tables"
                echo "$size ${HELD[$size]} $(<"$WORK/$size.held") $rate" \
                        "$(awk '{ a += $1; b += $2 } END { printf "%.3f %.3f", a / NR, b / NR }' "$WORK/steady-$size") $daemon $database" \
                        "$(awk '{ h += $2; t += $3; r += $4; p += $5 } END { printf "%.1f %.1f %.1f %.1f", h, t, r, p }' "$WORK/$size.tables")"
        done
}

growth_json() {
        local size stored heap tree rate p50 p99 daemon database heap_bytes index_bytes wal_bytes page_bytes first_rate='' first_p99='' rows='' tables
        while read -r size stored heap tree rate p50 p99 daemon database heap_bytes index_bytes wal_bytes page_bytes; do
                : "${first_rate:=$rate}" "${first_p99:=$p99}"
                tables=$(awk '{ printf "%s{\"table\": \"%s\", \"heap_bytes\": %s, \"index_bytes\": %s, \"wal_bytes\": %s, \"page_bytes\": %s}",
                                (NR > 1 ? ", " : ""), $1, $2, $3, $4, $5 }' "$WORK/$size.tables")
                rows+="${rows:+, }{\"stored\": $stored, \"stored_heap_bytes\": $heap, \"stored_index_bytes\": $tree, \"added\": ${ADDED[$size]}, \"withdrawals_per_second\": $rate, \"ratio\": $(calculate %.3f "$rate / $first_rate"), \"p50_ms\": $p50, \"p99_ms\": $p99, \"p99_ratio\": $(calculate %.2f "$p99 / $first_p99"), \"atmd_cpu_us_per_withdrawal\": $daemon, \"postgresql_cpu_us_per_withdrawal\": $database, \"heap_bytes\": $heap_bytes, \"index_bytes\": $index_bytes, \"wal_bytes\": $wal_bytes, \"page_bytes\": $page_bytes, \"tables\": [$tables]}"
        done <"$WORK/figures"
        printf '{"connections": %s, "rounds": %s, "seconds_per_round": %s, "rate": %s, "sizes": [%s], "runs": [%s]}\n' \
                "$ATMS" "$ROUNDS" "$ROUND_SECONDS" "$RATE" "$rows" "$RUNS"
}

growth_text() {
        local size
        printf '%10s %10s %7s %9s %9s %11s %7s %8s %8s %8s\n' stored 'a second' ratio 'p50 ms' 'p99 ms' 'PostgreSQL' atmd 'heap B' 'index B' 'WAL B'
        awk 'NR == 1 { first = $5 } { printf "%10s %10s %7.3f %9s %9s %8s us %4s us %8s %8s %8s\n", $2, $5, $5 / first, $6, $7, $9, $8, $10, $11, $12 }' "$WORK/figures"
        for size in $STORED; do
                printf '\n%s stored: bytes a withdrawal\n%-22s %8s %8s %8s %12s\n' "${HELD[$size]}" table heap indexes WAL 'whole pages'
                awk '{ printf "%-22s %8s %8s %8s %12s\n", $1, $2, $3, $4, $5 }' "$WORK/$size.tables"
        done
}

benchmark() {
        local size began=$SECONDS
        declare -gA HELD=() ADDED=() LOGGED=()
        [[ $(tr ' ' '\n' <<<"$STORED" | sort -u | wc -l) == $(wc -w <<<"$STORED") ]] || usage_error "--stored: a number is given twice"
        journals_in_memory
        bench_folder
        GROWTH=${KEEP:-$WORK/labs}
        mkdir -p "$GROWTH"
        for size in $STORED; do
                growth_make "$size"
        done
        for size in $STORED; do
                growth_enter "$size"
                say "warming up with $size"
                atmsim_round 0 $((ROUND_SECONDS < 3 ? ROUND_SECONDS : 3)) --cards "$ATM_CARDS"
                atmsim_note "warm-$size" 0
        done
        for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
                for size in $STORED; do
                        growth_round "$size" $((2 * ROUND - 1))
                done
        done
        growth_figures >"$WORK/figures"
        for size in $STORED; do
                growth_enter "$size"
                bench_verify
        done
        if ((JSON)); then growth_json; else growth_text; fi
        say "took $((SECONDS - began)) s; every row adds up (atmctl verify)"
}
