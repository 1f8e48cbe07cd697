# pgbench against the laboratory's database: withdrawals one at a time. To be sourced after measure.sh.
#
# Two scripts of tests/bench: `pgbench` writes what atmd writes, into its tables; `yardstick` what a careful engineer writes
# without batching, into tables of its own, and never changes.
# shellcheck shell=bash

FIRST_STAN=500000

# What pgbench's script takes as variables: price and limits of a withdrawal in the day band, as atmd applies them.
pgbench_variables() {
        sql "
SELECT format('-D hall=%s -D tariff_from=%s -D tax_bp=%s -D customer_fee=%s -D customer_tax=%s -D interbank_fee=%s '
              '-D interbank_tax=%s -D share=%s -D limit_day_yen=%s -D limit_month_yen=%s -D limit_day_count=%s',
              h.hall, t.from_on, x.rate_bp, customer_fee_yen, customer_fee_yen * rate_bp / 10000, interbank_fee_yen,
              interbank_fee_yen * rate_bp / 10000, (customer_fee_yen + interbank_fee_yen) * share_bp / 10000,
              coalesce(l.day_yen, 1000000000), coalesce(l.month_yen, 1000000000), coalesce(l.day_count, 1000000000))
FROM (SELECT hall, share_bp FROM hall JOIN atm USING (hall) ORDER BY terminal LIMIT 1) h,
     (SELECT * FROM tariff WHERE issuer = 'HOUSE' AND band = 'day' AND from_on <= '$DAY' ORDER BY from_on DESC LIMIT 1) t,
     (SELECT * FROM tax_rate WHERE from_on <= '$DAY' ORDER BY from_on DESC LIMIT 1) x,
     (SELECT max(value) FILTER (WHERE kind = 'day_yen') AS day_yen, max(value) FILTER (WHERE kind = 'month_yen') AS month_yen,
             max(value) FILTER (WHERE kind = 'day_count') AS day_count
      FROM (SELECT DISTINCT ON (kind) * FROM limit_rule WHERE from_on <= '$DAY' ORDER BY kind, from_on DESC) v) l"
}

# What pgbench is compared with: script, schema of its tables, and the variables that only it takes.
declare -A PGBENCH_SCRIPT=([pgbench]=pgbench_withdrawal.sql [yardstick]=yardstick_withdrawal.sql)
declare -A PGBENCH_SCHEMA=([pgbench]=public [yardstick]=yardstick)
declare -A PGBENCH_VARIABLES=([pgbench]='' [yardstick]='')

pgbench_prepare() {
        sql "CREATE SCHEMA bench;
             CREATE TABLE bench.card AS SELECT row_number() OVER ()::integer AS n, card_token FROM card WHERE opening_yen IS NOT NULL;
             ALTER TABLE bench.card ADD PRIMARY KEY (n)"
        sql "VACUUM ANALYZE bench.card"
        PGBENCH_VARIABLES[pgbench]="$(pgbench_variables) -D band=day -D amount=$AMOUNT_YEN"
        run_quietly "the yardstick" env PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 -v cards="$CARDS" -f "$ROOT/tests/bench/yardstick.sql"
}

# Withdrawals in a schema's table that are pgbench's, which approves all with one code.
pgbench_rows() {
        sql "SELECT count(*) FROM $1.withdrawal WHERE approval_code = '123456'"
}

# pgbench_run NAME CLIENTS SECONDS [options]: withdrawals a second in RATE; SECONDS as in run_note. Each run has trace numbers of
# its own, far from those of atmsim: two runs may share a second.
pgbench_run() {
        local name=$1 clients=$2 seconds=$3 output before written connecting
        local -a variables
        shift 3
        before=$(pgbench_rows "${PGBENCH_SCHEMA[$name]}")
        read -r -a variables <<<"${PGBENCH_VARIABLES[$name]}"
        output=$(PGUSER=postgres "$(cluster_programs)/pgbench" -n -M prepared -c "$clients" -j $((clients > 1 ? 2 : 1)) "$@" \
                -f "$ROOT/tests/bench/${PGBENCH_SCRIPT[$name]}" -D clients="$clients" -D first_stan="$FIRST_STAN" -D n=0 \
                -D atms="$ATMS" -D cards="$CARDS" -D offset_ms="$((ATM_CLOCK_START_MS - ATM_CLOCK_ANCHOR_MS))" \
                "${variables[@]}" 2>&1) || fail "pgbench failed: $(grep -E 'error|ERROR' <<<"$output")"
        RATE=$(sed -nE 's/^tps = ([0-9.]+) .*/\1/p' <<<"$output")
        RATE=${RATE:-0} # it says nothing of a rate where none came to its end in that time
        written=$(sed -nE 's/^number of transactions actually processed: ([0-9]+).*/\1/p' <<<"$output")
        before=$(($(pgbench_rows "${PGBENCH_SCHEMA[$name]}") - before))
        ((before == written)) || fail "$name with $clients clients says $written withdrawals, but wrote $before"
        # the time that it is given has connecting in it, its rate has not
        connecting=$(sed -nE 's/^initial connection time = ([0-9.]+) ms/\1/p' <<<"$output")
        ((!seconds)) || seconds=$(calculate %.3f "$seconds - $connecting / 1000")
        run_note "$name" "$clients" "$seconds" "$written" "$RATE" ", \"first_stan\": $((FIRST_STAN % 1000000))"
        FIRST_STAN=$((FIRST_STAN + 5000))
}

# Best of the numbers given on a line each with what they belong to: `clients figure`, averaged by clients.
best_clients() {
        awk '{ sum[$1] += $2; n[$1]++ } END { for (c in sum) if (sum[c] / n[c] > best) { best = sum[c] / n[c]; who = c }
                printf "%s %.1f\n", who, best }'
}

# Rows of each table that were written since transaction $1: table and number, a line each.
rows_since() {
        local table
        for table in withdrawal card advice commission exception_record; do
                sql "SELECT '$table', count(*) FROM $table WHERE xmin::text::bigint > $1"
        done
}
