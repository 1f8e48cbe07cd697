#!/usr/bin/env bash
# The benchmarks measure what they say, in small: every figure follows from the others and from the rows that the database
# holds afterwards, which no figure made up would do. How fast anything was is not judged. Nothing is left behind.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# hold NAME: every line of standard input is a condition over %o, the one object of NAME.json, that must be true.
hold() {
        perl -MJSON::PP -MList::Util=sum,max,all -e '
                my ($file) = @ARGV;
                our %o = %{decode_json(do { local (@ARGV, $/) = $file; <> })};
                # the second, but for how it is rounded
                sub near { my ($got, $wanted, $step) = @_; return abs($got - $wanted) <= $step * 0.51 }
                # the runs of a name whose rate counts
                sub runs { my ($name) = @_; return grep { $_->{run} eq $name && $_->{seconds} > 0 } @{$o{runs}} }
                sub mean { return sum(@_) / @_ }
                # what the tables of a size have under a name
                sub column { my ($size, $name) = @_; return map { $_->{$name} } @{$size->{tables}} }
                while (my $line = <STDIN>) {
                        (eval $line) or die "not true: $line$@";
                }
        ' "$WORK/$1.json" || wrong "$1: $(cat "$WORK/$1.json")"
}

# written NAME RUN: how many withdrawals the runs of that name say they wrote
written() {
        perl -MJSON::PP -MList::Util=sum -e '
                my ($file, $name) = @ARGV;
                my $o = decode_json(do { local (@ARGV, $/) = $file; <> });
                print sum(map { $_->{withdrawals} } grep { $_->{run} eq $name } @{$o->{runs}});
        ' "$WORK/$1.json" "$2"
}

# measure NAME WHAT [options]: into NAME.json; its laboratory stays for a look at what was written.
measure() {
        local name=$1 what=$2
        shift 2
        "$ROOT/scripts/bench" "$what" --json --keep "$WORK/$name" "$@" >"$WORK/$name.json" 2>"$WORK/$name.progress" ||
                wrong "$name: $(cat "$WORK/$name.progress")"
        # shellcheck disable=SC1090,SC1091
        [[ ! -f $WORK/$name/lab.env ]] || source "$WORK/$name/lab.env"
}

measured() {
        "$ROOT/scripts/lab" down --dir "$WORK/$1"
}

# Every run of pgbench has its rows, by its own trace numbers, and a rate that their moments allow.
pgbench_runs_are_true() {
        local run schema rows seconds count rate stan
        perl -MJSON::PP -e '
                my $o = decode_json(do { local (@ARGV, $/) = shift; <> });
                print "@$_{qw(run withdrawals withdrawals_per_second first_stan)}\n" for grep { $_->{run} ne "atmd" } @{$o->{runs}};
        ' "$WORK/throughput.json" >"$WORK/runs"
        expect "runs of pgbench" 7 "$(wc -l <"$WORK/runs")"
        while read -r run count rate stan; do
                schema=public
                [[ $run != yardstick ]] || schema=yardstick
                IFS='|' read -r rows seconds <<<"$(sql "
SELECT count(*), extract(epoch FROM max(transmitted_at) - min(transmitted_at))::integer
FROM $schema.withdrawal JOIN $schema.advice a USING (terminal, transmitted_at, stan)
WHERE stan >= $stan AND stan < $stan + 5000 AND state = 'completed'" </dev/null)"
                expect "withdrawals of $run from STAN $stan" "$count" "$rows"
                awk "BEGIN { exit !($rate >= $count / ($seconds + 5)) }" ||
                        wrong "$run: $count withdrawals in some $seconds seconds are not $rate a second"
        done <"$WORK/runs"
}

throughput() {
        measure throughput throughput --rounds 1 --seconds 1 --clients 1,2 --atms 40 --cards 3000
        hold throughput <<'PERL'
near($o{ratio_to_pgbench}, $o{withdrawals_per_second} / $o{pgbench_withdrawals_per_second}, 0.01)
near($o{ratio_to_yardstick}, $o{withdrawals_per_second} / $o{yardstick_withdrawals_per_second}, 0.01)
near($o{withdrawals_per_second}, mean(map { $_->{withdrawals_per_second} } runs("atmd")), 0.1)
near($o{pgbench_withdrawals_per_second}, max(map { $_->{withdrawals_per_second} } runs("pgbench")), 0.1)
near($o{yardstick_withdrawals_per_second}, max(map { $_->{withdrawals_per_second} } runs("yardstick")), 0.1)
join(" ", map { $_->{clients} } runs("pgbench"), runs("yardstick")) eq "1 2 1 2"
all { $_->{withdrawals_per_second} > 0 && $_->{withdrawals_per_second} * $_->{seconds} <= $_->{withdrawals} * 1.01 } runs("atmd"), runs("pgbench"), runs("yardstick")
0 < $o{p50_ms} && $o{p50_ms} <= $o{p99_ms}
$o{connections} == 40 && $o{rounds} == 1 && $o{seconds_per_round} == 1
$o{atmd_cpu_us_per_withdrawal} > 0 && $o{postgresql_cpu_us_per_withdrawal} > 0
PERL
        pgbench_runs_are_true
        expect "withdrawals" "$(($(written throughput atmd) + $(written throughput pgbench)))|0" "$(sql "
SELECT (SELECT count(*) FROM withdrawal JOIN advice USING (terminal, transmitted_at, stan) WHERE state = 'completed'),
       (SELECT count(*) FROM v_open)")"
        expect "withdrawals of the yardstick" "$(written throughput yardstick)" "$(sql 'SELECT count(*) FROM yardstick.withdrawal')"
        expect "ATMs that took part" 40 "$(sql "SELECT count(DISTINCT terminal) FROM withdrawal")"
        measured throughput
}

link() {
        measure link throughput --route link --rounds 1 --seconds 1 --atms 40 --cards 2000
        hold link <<'PERL'
near($o{ratio_to_house}, $o{withdrawals_per_second} / $o{house_withdrawals_per_second}, 0.01)
near($o{withdrawals_per_second}, mean(map { $_->{withdrawals_per_second} } runs("link")), 0.1)
near($o{house_withdrawals_per_second}, mean(map { $_->{withdrawals_per_second} } runs("house")), 0.1)
all { $_->{withdrawals_per_second} > 0 && $_->{withdrawals_per_second} * $_->{seconds} <= $_->{withdrawals} * 1.01 } runs("link"), runs("house")
0 < $o{p50_ms} && $o{p50_ms} <= $o{p99_ms}
$o{atmd_cpu_us_per_withdrawal} > 0 && $o{postgresql_cpu_us_per_withdrawal} > 0
PERL
        expect "withdrawals of the house bank" "$(written link house)" "$(sql "SELECT count(*) FROM withdrawal WHERE link IS NULL")"
        expect "withdrawals, outcomes and acknowledged notices of three banks" \
                "$(written link link)|$(written link link)|$(written link link)|3" "$(sql "
SELECT (SELECT count(*) FROM withdrawal WHERE link IS NOT NULL), (SELECT count(*) FROM bank_outcome WHERE reason = 0),
       (SELECT count(*) FROM bank_ack), (SELECT count(DISTINCT link) FROM bank_notice)")"
        measured link
}

memory() {
        measure memory memory --atms 60
        # a TLS connection alone has more than 5,000 bytes
        hold memory <<'PERL'
near($o{bytes_per_connection}, ($o{pss_bytes} - $o{pss_bytes_without}) / $o{connections}, 1)
$o{connections} == 60
5000 < $o{bytes_per_connection} && $o{bytes_per_connection} < 100000
PERL
        measured memory
        expect "sign-ons, by what atmd says when it stops" "sign_ons=60" \
                "$(grep ' event=stats ' "$WORK/memory/log/atmd-1.log" | tail -n 1 | grep -o 'sign_ons=[0-9]*')"
}

storm() {
        measure storm storm --atms 60 --seconds 1
        hold storm <<'PERL'
$o{atms} == 60 && $o{instances} == 1
near($o{handshakes_per_second}, 60 / $o{seconds}, 60 / $o{seconds} * 0.1)
near($o{ratio_to_openssl}, $o{atmd_us} / $o{openssl_us}, 0.01)
0 < $o{openssl_us} && 0 < $o{openssl_client_us}
0 < $o{p50_ms_before} && $o{p50_ms_before} <= $o{p99_ms_before} && 0 < $o{p50_ms} && $o{p50_ms} <= $o{p99_ms}
PERL
        # (of so many at once the log leaves some out)
        grep -h ' event=connected ' "$WORK/storm/log/atmd-1.log" | grep -oE 'peer=127\.64\.[0-9]+\.[0-9]+' >"$WORK/newcomers" ||
                wrong "no newcomer came from an address of its own"
        expect "newcomers with another's address" "" "$(sort "$WORK/newcomers" | uniq -d)"
        expect "withdrawals of those at work" "$(perl -MJSON::PP -e 'my $o = decode_json(<>); print $o->{withdrawals_before} + $o->{withdrawals}' "$WORK/storm.json")" \
                "$(sql "SELECT count(*) FROM withdrawal")"
        ! atmsim run --idle --own-addresses --host ::1 --journal "$WORK/nowhere" >/dev/null 2>"$WORK/storm.refused" || wrong "--own-addresses with a host that has none"
        grep -q "a host on a loopback address" "$WORK/storm.refused" || wrong "--own-addresses: $(cat "$WORK/storm.refused")"
        measured storm
}

security() {
        measure security security --rounds 1 --seconds 1 --atms 40 --cards 2000 --operations 1000
        hold security <<'PERL'
near($o{ratio_to_plain}, $o{withdrawals_per_second} / $o{plain_withdrawals_per_second}, 0.01)
near($o{withdrawals_per_second}, mean(map { $_->{withdrawals_per_second} } runs("keyed")), 0.1)
near($o{plain_withdrawals_per_second}, mean(map { $_->{withdrawals_per_second} } runs("plain")), 0.1)
0 < $o{p50_ms} && $o{p50_ms} <= $o{p99_ms} && 0 < $o{plain_p50_ms} && $o{plain_p50_ms} <= $o{plain_p99_ms}
all { $o{"${_}_us"} > 0 } qw(atmd plain_atmd postgresql plain_postgresql key_module)
join(" ", map { $_->{operation} } @{$o{operations}}) eq "status mac-cmac mac-retail verify-pin translate-pin"
all { $_->{us} >= 0 && $_->{per_second} > 0 } @{$o{operations}}
PERL
        expect "withdrawals of ATMs with keys" "$(written security keyed)" "$(sql 'SELECT count(*) FROM withdrawal')"
        expect "sets that were used" 40 "$(sql "SELECT count(*) FROM key_set WHERE kind = 'working' AND current_at IS NOT NULL")"
        measured security
}

keychange() {
        measure keychange keychange --atms 40 --seconds 1 --echo 1
        hold keychange <<'PERL'
$o{atms} == 60 && $o{instances} == 1
0 < $o{generate_seconds} && $o{generate_seconds} <= $o{seconds}
near($o{hour_share}, $o{seconds} / 3600, 0.0001)
0 < $o{p50_ms_before} && $o{p50_ms_before} <= $o{p99_ms_before} && 0 < $o{p50_ms} && $o{p50_ms} <= $o{p99_ms}
PERL
        expect "ATMs whose set in use is another than their first" 60 "$(sql "
SELECT count(*) FROM key_set WHERE owner_kind = 'terminal' AND kind = 'working' AND number > 1 AND current_at IS NOT NULL")"
        expect "withdrawals of those at work" "$(perl -MJSON::PP -e 'my $o = decode_json(<>); print $o->{withdrawals_before} + $o->{withdrawals}' "$WORK/keychange.json")" \
                "$(sql "SELECT count(*) FROM withdrawal")"
        measured keychange
}

# checkout DIR: a checkout of two revisions, `without` and `with` bench_ledger, that has no sources: its build takes the programs
# from here, since what is asked is which programs run where. Its bench_ledger notes in $WORK/ran which database it is given.
checkout() {
        local git=(git -c user.name=test -c user.email=test@localhost -c init.defaultBranch=main -c core.hooksPath=/dev/null -C "$1") program
        mkdir -p "$1/tests/bench"
        cp -a "$ROOT"/{scripts,etc,sql,CMakePresets.json} "$1"
        {
                echo 'cmake_minimum_required(VERSION 3.20)'
                echo 'project(programs NONE)'
                echo 'file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/bin)'
                for program in "${PROGRAMS[@]}"; do
                        printf 'add_custom_target(%s COMMAND cp %s ${CMAKE_BINARY_DIR}/bin)\n' "$program" "$BIN/$program"
                done
                echo 'add_custom_target(bench_ledger COMMAND cp ${CMAKE_SOURCE_DIR}/bench_ledger ${CMAKE_BINARY_DIR}/bin)'
        } >"$1/CMakeLists.txt"
        printf '#!/bin/sh\necho "$PGHOST" >>%s\nexec %s "$@"\n' "$WORK/ran" "$BIN/bench_ledger" >"$1/bench_ledger"
        chmod +x "$1/bench_ledger"
        printf '/build*/\n' >"$1/.gitignore"
        "${git[@]}" init -q
        "${git[@]}" add -A
        "${git[@]}" commit -q -m without
        "${git[@]}" tag without
        cp "$ROOT/tests/bench/ledger.c" "$1/tests/bench"
        "${git[@]}" add -A
        "${git[@]}" commit -q -m with
        "${git[@]}" tag with
        # what has been built of the checkout itself
        mkdir -p "$1/${BIN#"$ROOT/"}"
        for program in "${PROGRAMS[@]}" bench_ledger; do
                ln -s "$BIN/$program" "$1/${BIN#"$ROOT/"}/$program"
        done
}

# Two laboratories, each with programs of its own; what was done in either is in its own database.
against() {
        local checkout=$WORK/checkout
        checkout "$checkout"
        ROOT=$checkout ATM_BUILT=1 measure against ledger --against with --rounds 1 --withdrawals 1000 --cards 1000
        # no process takes more of a processor than there is time; what a withdrawal writes is no less than its columns
        hold against <<'PERL'
join(" ", map { "$_->{connections}*$_->{batch}" } @{$o{cells}}) eq "1*1 1*8 1*32 1*128 2*1 2*8 2*32 2*128"
all { $_->{withdrawals} > 0 && $_->{withdrawals} % $_->{batch} == 0 } @{$o{cells}}
all { 0 < $_->{cpu_us} && $_->{cpu_us} <= $_->{connections} * 1e6 / $_->{withdrawals_per_second} * 1.05 } @{$o{cells}}
all { 0 <= $_->{system_us} && $_->{system_us} <= $_->{cpu_us} + 2e4 * $_->{connections} / $_->{withdrawals} } @{$o{cells}}
all { 500 < $_->{wal_bytes} && $_->{wal_bytes} < 50000 } @{$o{cells}}
near($o{withdrawal_us} + $o{batch_us}, $o{cells}[0]{cpu_us}, 0.4)
near($o{withdrawal_us} + $o{batch_us} / 128, $o{cells}[3]{cpu_us}, 0.4)
sum(map { $_->{withdrawals} } @{$o{cells}}) < $o{withdrawals}
$o{against} =~ /^[0-9a-f]{40}$/
$o{withdrawals} == $o{against_withdrawals}
join(" ", map { "$_->{connections}*$_->{batch}*$_->{withdrawals}" } @{$o{cells}}) eq join(" ", map { "$_->{connections}*$_->{batch}*$_->{withdrawals}" } @{$o{against_cells}})
all { near($o{cells}[$_]{cpu_ratio}, $o{cells}[$_]{cpu_us} / $o{against_cells}[$_]{cpu_us}, 0.001) } 0 .. $#{$o{cells}}
all { near($o{cells}[$_]{wal_ratio}, $o{cells}[$_]{wal_bytes} / $o{against_cells}[$_]{wal_bytes}, 0.001) } 0 .. $#{$o{cells}}
all { 500 < $_->{wal_bytes} && $_->{wal_bytes} < 50000 && $_->{cpu_us} > 0 } @{$o{against_cells}}
near($o{against_withdrawal_us} + $o{against_batch_us}, $o{against_cells}[0]{cpu_us}, 0.4)
PERL
        expect "runs of the revision's own bench_ledger, their databases" "8|1" "$(wc -l <"$WORK/ran")|$(sort -u "$WORK/ran" | wc -l)"
        ! grep -qxF "$PGHOST" "$WORK/ran" || wrong "both sides were measured in the database of $PGHOST"
        expect "the revision" "$(git -C "$checkout" rev-parse with)" "$(perl -MJSON::PP -e 'print decode_json(<>)->{against}' "$WORK/against.json")"
        expect "their amounts" "1000" "$(sql "SELECT DISTINCT amount_yen FROM withdrawal JOIN card USING (card_token)")"
        expect "withdrawals of this side that were completed" "$(perl -MJSON::PP -e 'print decode_json(<>)->{withdrawals}' "$WORK/against.json")" \
                "$(sql "
SELECT count(*) FROM withdrawal JOIN advice USING (terminal, transmitted_at, stan) JOIN commission c USING (terminal, transmitted_at, stan)
WHERE reason = 0 AND state = 'completed' AND c.sign = 1")"
        measured against
        ATM_BUILT=1 expect_exit 1 "$checkout/scripts/bench" ledger --against without
        [[ $OUTPUT == *"revision without has no bench_ledger"* ]] || wrong "--against without: $OUTPUT"
        ATM_BUILT=1 expect_exit 1 "$checkout/scripts/bench" ledger --against nowhere
        [[ $OUTPUT == *"no revision 'nowhere'"* ]] || wrong "--against nowhere: $OUTPUT"
}

# Answers are as many as were to come in the time that was measured, however slow they are: seven standard deviations of a Poisson
# stream either way.
latency_link() {
        measure latency_link latency --route link --rates 20,60 --seconds 2 --atms 40 --cards 1000
        hold latency_link <<'PERL'
join(" ", map { $_->{rate} } @{$o{rates}}) eq "20 60"
$o{atms} == 40 && $o{processors} >= 1
all { 0 < $_->{p50_ms} && $_->{p50_ms} <= $_->{p99_ms} && $_->{p99_ms} <= $_->{p99_9_ms} && $_->{p99_9_ms} <= $_->{max_ms} } @{$o{rates}}
all { abs($_->{answers} - $_->{rate} * $_->{seconds}) < 7 * sqrt($_->{rate} * $_->{seconds}) + 5 } @{$o{rates}}
all { 0 < $_->{answers} && $_->{answers} <= $_->{withdrawals} } @{$o{rates}}
all { 0 < $_->{atmsim_share} && $_->{atmsim_share} <= 1 && 0 <= $_->{banksim_share} && $_->{banksim_share} <= 1 } @{$o{rates}}
all { $_->{checkpoints} >= 0 && $_->{vacuums} >= 0 } @{$o{rates}}
PERL
        expect "withdrawals, all with their ends" \
                "$(perl -MJSON::PP -MList::Util=sum -e 'print sum(map { $_->{withdrawals} } @{decode_json(<>)->{rates}})' "$WORK/latency_link.json")|0" \
                "$(sql "SELECT (SELECT count(*) FROM withdrawal JOIN advice USING (terminal, transmitted_at, stan) WHERE state = 'completed'),
                               (SELECT count(*) FROM v_open)")"
        expect "checkpoints and autovacuum" "30s|on" "$(sql "SELECT current_setting('checkpoint_timeout'), current_setting('autovacuum')")"
        expect "banks, and what was not asked of one" "3|0" \
                "$(sql 'SELECT count(DISTINCT link), count(*) FILTER (WHERE link IS NULL) FROM withdrawal')"
        measured latency_link
}

# added SIZE: withdrawals that the rounds beside a size wrote
added() {
        perl -MJSON::PP -e 'print((grep { !$_->{stored} == !$ARGV[0] } @{decode_json(<STDIN>)->{sizes}})[0]{added})' "$1" <"$WORK/growth.json"
}

# Two laboratories, one with a history; its reports are measured by the way.
growth() {
        local size
        measure growth growth --stored 0,27000 --rounds 1 --seconds 1 --rate 20 --atms 20 --cards 1000
        hold growth <<'PERL'
@{$o{sizes}} == 2 && $o{sizes}[0]{stored} == 0 && 10000 < $o{sizes}[1]{stored} && $o{sizes}[1]{stored} < 50000
all { near($_->{ratio}, $_->{withdrawals_per_second} / $o{sizes}[0]{withdrawals_per_second}, 0.001) } @{$o{sizes}}
all { near($_->{p99_ratio}, $_->{p99_ms} / $o{sizes}[0]{p99_ms}, 0.01) } @{$o{sizes}}
all { my $s = $_; near($s->{withdrawals_per_second}, mean(map { $_->{withdrawals_per_second} } runs("fast-" . ($s->{stored} ? 27000 : 0))), 0.1) } @{$o{sizes}}
all { 0 < $_->{p50_ms} && $_->{p50_ms} <= $_->{p99_ms} } @{$o{sizes}}
all { my $s = $_; all { near($s->{$_}, sum(column($s, $_)), 2) } qw(heap_bytes index_bytes wal_bytes page_bytes) } @{$o{sizes}}
all { 500 < $_->{wal_bytes} && $_->{wal_bytes} < 50000 } @{$o{sizes}}
all { my %t = map { $_->{table} => $_ } @{$_->{tables}}; all { $t{$_}{wal_bytes} > 100 } qw(withdrawal advice commission) } @{$o{sizes}}
$o{sizes}[1]{stored_heap_bytes} > $o{sizes}[0]{stored_heap_bytes} && $o{sizes}[1]{stored_index_bytes} > $o{sizes}[0]{stored_index_bytes}
$o{connections} == 20 && $o{rate} == 20
PERL
        for size in 0 27000; do
                # shellcheck disable=SC1090
                source "$WORK/growth/$size/lab.env"
                expect "withdrawals beside those stored ($size), all with their ends" \
                        "$(($(added "$size") + $(written growth "warm-$size")))|0" \
                        "$(sql "SELECT (SELECT count(*) FROM withdrawal JOIN advice USING (terminal, transmitted_at, stan)
                                        WHERE state = 'completed' AND business_date >= '2017-04-05'), (SELECT count(*) FROM v_open)")"
        done
        reports
        for size in 0 27000; do
                measured "growth/$size"
        done
}

reports() {
        "$ROOT/scripts/bench" reports --json --rounds 1 --database >"$WORK/reports.json" 2>"$WORK/reports.progress" ||
                wrong "reports: $(cat "$WORK/reports.progress")"
        hold reports <<'PERL'
all { exists $o{"${_}_ms"} } qw(area hall atm issuer band hour day month quarter fy area_quarter area_day atm_month hall_band hall_hour compared_yoy fleet tax results)
all { near($o{"${_}_ratio"}, $o{"${_}_rows_ms"} / $o{"${_}_ms"}, 1) } map { /^(.*)_ratio$/ } keys %o
(grep { /_ratio$/ } keys %o) == (grep { /_rows_ms$/ } keys %o)
$o{slowest_ms} == max(map { $o{$_} } grep { /_ms$/ && !/^slowest|_rows_ms$/ } keys %o)
$o{ratio} == $o{area_quarter_ratio}
$o{slowest_ms} > 0
PERL
        expect "rows of commission" "$(perl -MJSON::PP -e 'print decode_json(<>)->{commission_rows}' "$WORK/reports.json")" \
                "$(sql 'SELECT count(*) FROM commission')"
        expect "withdrawals in the summary that the reports are read from" "$(sql "
SELECT sum(sign) FROM commission WHERE posted_on BETWEEN '2015-04-01' AND '2017-03-31' AND date_trunc('month', posted_on) IN (SELECT month FROM summed_month)")" \
                "$(sql "SELECT sum(withdrawals) FROM summary WHERE cube = 'atm'")"
}

history() {
        local database
        measure history history --rounds 1 --scale 0.001
        hold history <<'PERL'
near($o{ratio}, $o{generated_rows_per_second} / $o{copied_rows_per_second}, 0.01)
$o{generated_rows_per_second} > 0 && $o{copied_rows_per_second} > 0 && $o{rows} > 1000
PERL
        for database in generated copied; do
                expect "rows in the database $database" "$(perl -MJSON::PP -e 'print decode_json(<>)->{rows}' "$WORK/history.json")" \
                        "$(PGDATABASE=$database sql "
SELECT (SELECT count(*) FROM card)
        + (SELECT count(*) FROM withdrawal) + (SELECT count(*) FROM bank_outcome) + (SELECT count(*) FROM advice)
        + (SELECT count(*) FROM commission) + (SELECT count(*) FROM bank_notice) + (SELECT count(*) FROM bank_ack)")"
        done
        measured history
}

# Two at a time, since they wait as much as they work; whoever breaks this off ends them, and they clean up.
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 1' INT TERM HUP
export TMPDIR=$WORK/temporary
mkdir "$TMPDIR"
LABS=("$WORK"/{throughput,link,memory,storm,security,keychange,against,latency_link,growth/0,growth/27000,history})
status=0
(LABS=() && trap - EXIT && throughput && memory && storm && history && latency_link && security && keychange) &
(LABS=() && trap - EXIT && link && growth && against) || status=1
wait $! || status=1
((!status)) || exit 1
expect "left behind" "" "$(ls "$TMPDIR")"
expect "processes left behind" "" "$(pgrep -f "$TMPDIR/" | xargs)"

expect_exit 2 "$ROOT/scripts/bench" speed
expect_exit 2 "$ROOT/scripts/bench" memory --rounds 3
expect_exit 2 "$ROOT/scripts/bench" ledger --atms 3
expect_exit 2 "$ROOT/scripts/bench" throughput --route moon
expect_exit 2 "$ROOT/scripts/bench" reports --scale 2
expect_exit 2 "$ROOT/scripts/bench" latency --rates 10,
expect_exit 2 "$ROOT/scripts/bench" latency --rates 10,0
expect_exit 2 "$ROOT/scripts/bench" growth --stored 3000000,3000000
expect_exit 2 "$ROOT/scripts/bench" throughput --database
expect_exit 2 "$ROOT/scripts/bench" reports --database --keep "$WORK/kept"
expect_exit 0 "$ROOT/scripts/bench" --help
[[ $OUTPUT == *withdrawals_per_second* ]] || wrong "bench --help: $OUTPUT"
passed
