# shellcheck shell=bash disable=SC2034
#   history      rows a second of 'atmctl history generate', which decides and prices each withdrawal, against a binary
#                COPY of the very same rows into the same empty tables; one process each, in turn:
#                  --scale SCALE    how much of the scenario's fleet (0.005)
#                  --rounds N       rounds of each (3)
#                generated_rows_per_second, copied_rows_per_second, ratio (medians)
takes --scale SCALE 0.005 scale
takes --rounds ROUNDS 3 number 1 100

HISTORY_TABLES=(card withdrawal bank_outcome advice commission bank_notice bank_ack)

# An empty database with the lab's reference data and the history's partitions, to be copied for each round.
history_template() {
        local noun
        export PGUSER=postgres PGOPTIONS='-c client_min_messages=warning'
        PGDATABASE=postgres sql "CREATE DATABASE template_of_history" >/dev/null
        export PGDATABASE=template_of_history
        atmctl db init --clock-now 2016-12-29 >/dev/null
        for noun in area:areas hall:halls atm:atms issuer:issuers issuer:banks/issuers tax:tax_rates tariff:tariffs \
                tariff:banks/tariffs prefix:prefixes prefix:banks/prefixes holiday:holidays limit:limits hours:hours; do
                atmctl "${noun%%:*}" import --note benchmark "$ROOT/etc/${noun#*:}.csv" >/dev/null
        done
        sql "SELECT ledger_make_partitions('2015-04-01', '2017-04-01')" >/dev/null
}

# history_database NAME: it becomes PGDATABASE.
history_database() {
        PGDATABASE=postgres sql "DROP DATABASE IF EXISTS $1" >/dev/null
        PGDATABASE=postgres sql "CREATE DATABASE $1 TEMPLATE template_of_history" >/dev/null
        sql 'CHECKPOINT' >/dev/null
        export PGDATABASE=$1
}

history_generate_round() {
        history_database generated
        atmctl history generate --scenario "$ROOT/etc/scenarios/fy2015-fy2016" --scale "$SCALE" --jobs 1 --format json >"$WORK/generated"
        ROWS=$(json_number "$WORK/generated" rows)
        calculate %.0f "$ROWS * 1000 / $(json_number "$WORK/generated" written_ms)"
}

history_copy_round() {
        local table
        history_database copied
        {
                echo 'SET synchronous_commit = off;'
                for table in "${HISTORY_TABLES[@]}"; do
                        printf '\\copy %s FROM %s (FORMAT binary)\n' "$table" "$WORK/$table.copy"
                done
        } >"$WORK/copy.sql"
        milliseconds psql -X -q -v ON_ERROR_STOP=1 -f "$WORK/copy.sql"
        calculate %.0f "$ROWS * 1000 / $MS"
}

benchmark() {
        local round table rate generated copied began=$SECONDS
        bench_begin --atms 1 --cards 10
        history_template
        for ((round = 1; round <= ROUNDS; round++)); do
                history_generate_round >"$WORK/rate"
                # the subshell of $( ) would forget ROWS
                rate=$(<"$WORK/rate")
                generated+="$rate"$'\n'
                if ((round == 1)); then
                        for table in "${HISTORY_TABLES[@]}"; do
                                psql -X -q -v ON_ERROR_STOP=1 -c "\\copy (SELECT * FROM $table) TO $WORK/$table.copy (FORMAT binary)"
                        done
                fi
                history_copy_round >"$WORK/rate"
                copied+=$(<"$WORK/rate")$'\n'
                say "round $round: $rate rows a second generated, $(<"$WORK/rate") copied"
        done
        generated=$(printf '%s' "$generated" | median)
        copied=$(printf '%s' "$copied" | median)
        rate=$(calculate %.2f "$generated / $copied")
        if ((JSON)); then
                printf '{"rows": %s, "generated_rows_per_second": %s, "copied_rows_per_second": %s, "ratio": %s}\n' "$ROWS" "$generated" "$copied" "$rate"
        else
                printf '%s rows: generated %s a second, copied %s a second: %s\n' "$ROWS" "$generated" "$copied" "$rate"
        fi
        say "took $((SECONDS - began)) s"
}
