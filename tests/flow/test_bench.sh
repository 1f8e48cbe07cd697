#!/usr/bin/env bash
# The benchmarks measure what they say, in small: --json is one object with the promised keys, pgbench and atmd
# write the same rows (the benchmark itself checks that), and nothing is left behind.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# keys FILE KEY...: the file is one JSON object, its values numbers above zero, with these keys
keys() {
        perl -MJSON::PP -e '
                my $o = decode_json(do { local (@ARGV, $/) = shift; <> });
                for my $key (@ARGV) { $o->{$key} > 0 or die "$key is not above zero\n" }
        ' "$@" || wrong "not as promised: $(cat "$1")"
}

export TMPDIR=$WORK/temporary
mkdir "$TMPDIR"
"$ROOT/scripts/bench" throughput --json --rounds 1 --seconds 2 --atms 40 --cards 20000 >"$WORK/throughput.json" 2>"$WORK/progress" ||
        wrong "throughput: $(cat "$WORK/progress")"
keys "$WORK/throughput.json" withdrawals_per_second pgbench_withdrawals_per_second ratio_to_pgbench p50_ms p99_ms
"$ROOT/scripts/bench" throughput --route link --json --rounds 1 --seconds 2 --atms 40 --cards 6000 >"$WORK/link.json" 2>"$WORK/progress" ||
        wrong "throughput --route link: $(cat "$WORK/progress")"
keys "$WORK/link.json" withdrawals_per_second house_withdrawals_per_second ratio_to_house p50_ms p99_ms
"$ROOT/scripts/bench" memory --json --atms 60 >"$WORK/memory.json" 2>"$WORK/progress" || wrong "memory: $(cat "$WORK/progress")"
keys "$WORK/memory.json" bytes_per_connection
"$ROOT/scripts/bench" reports --json --rounds 1 --scale 0.001 >"$WORK/reports.json" 2>"$WORK/progress" || wrong "reports: $(cat "$WORK/progress")"
keys "$WORK/reports.json" commission_rows slowest_ms area_quarter_ms area_quarter_rows_ms hall_hour_ms fleet_ms tax_ms results_ms
expect "left behind" "" "$(ls "$TMPDIR")"
expect_exit 2 "$ROOT/scripts/bench" speed
expect_exit 2 "$ROOT/scripts/bench" memory --rounds 3
expect_exit 2 "$ROOT/scripts/bench" throughput --route moon
expect_exit 2 "$ROOT/scripts/bench" reports --scale 2
expect_exit 2 "$ROOT/scripts/bench" throughput --database
expect_exit 0 "$ROOT/scripts/bench" --help
[[ $OUTPUT == *withdrawals_per_second* ]] || wrong "bench --help: $OUTPUT"
passed
