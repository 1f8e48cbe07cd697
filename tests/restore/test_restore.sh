#!/usr/bin/env bash
# A database is lost and restored to a moment, with pgBackRest as etc/pgbackrest has it: backed up while ATMs withdraw, its log archived, restored
# to a moment in the middle. What it has lost since is named, one person proposes to bring it back and another confirms; then all three sides
# agree, the books are proved, and business goes on where its ATMs stood, with nothing left in the end.
source "$(dirname "${BASH_SOURCE[0]}")/../flow/lib.sh"

command -v pgbackrest >/dev/null || wrong "pgbackrest is missing: expected the Debian package of that name"
WITHDRAWALS=$((LONG ? 10000 : 1500))
flow_lab lab --atms 20 --cards $((WITHDRAWALS * 4 / 3)) --banks 2 --bank-cards $((WITHDRAWALS * 2 / 3)) --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
CLUSTER=${PGHOST%/socket}
JOURNALS=(--atm-journals "$ATM_JOURNAL" --bank-journals "$BANKSIM_JOURNALS")

# the configuration as it is, in the folders of a laboratory ----------------------------------------------------

cluster_run mkdir "$CLUSTER"/{etc,repository,spool,lock,pgbackrest-log}
cluster_run tee "$CLUSTER/etc/pgbackrest.conf" <"$ROOT/etc/pgbackrest/pgbackrest.conf" >/dev/null
cluster_run tee -a "$CLUSTER/data/postgresql.conf" <"$ROOT/etc/pgbackrest/postgresql.conf" >/dev/null
export PGBACKREST_CONFIG=$CLUSTER/etc/pgbackrest.conf PGBACKREST_REPO1_PATH=$CLUSTER/repository PGBACKREST_REPO1_CIPHER_PASS=$SEED \
        PGBACKREST_SPOOL_PATH=$CLUSTER/spool PGBACKREST_LOCK_PATH=$CLUSTER/lock PGBACKREST_LOG_PATH=$CLUSTER/pgbackrest-log \
        PGBACKREST_PG1_PATH=$CLUSTER/data PGBACKREST_PG1_SOCKET_PATH=$PGHOST PGBACKREST_PG1_PORT=$CLUSTER_PORT PGBACKREST_PG1_USER=postgres
backrest() {
        cluster_run pgbackrest --stanza=atm "$@" >"$WORK/backrest.log" 2>&1 || wrong "pgbackrest $*: $(cat "$WORK/backrest.log")"
}
# A longer question would be in the way of what is recovered.
is_primary() {
        [[ $(sql "SELECT NOT pg_is_in_recovery()" 2>/dev/null) == t ]]
}
cluster_stop "$CLUSTER"
cluster_start "$CLUSTER"
sql "CREATE ROLE second LOGIN IN ROLE atm_operator" >/dev/null
backrest stanza-create
backrest check

(umask 077 && { cat "$ATM_CARDS"; tail -n +2 "$ATM_BANK_CARDS"; } >"$WORK/cards.csv")

# business, before and after the moment --------------------------------------------------------------------------

# simulate NUMBER [options of atmsim run]: in a process of its own, which it becomes.
simulate() {
        exec atmsim run --closed --seed "$((SEED + $1))" --answer-timeout-ms 2000 --advice-pause-ms 200 --drain-seconds 60 --cards-even --amount-yen 3000 \
                --cards "$WORK/cards.csv" "${@:2}" >"$WORK/sim.log" 2>&1
}
FAULTS=(--faults "no-dispense=0.05,partial=0.05,lost-answer=0.03,drop=0.05,duplicate=0.03,retract=0.05")
(simulate 0 --withdrawals 20) || wrong "after the server's restart: $(cat "$WORK/sim.log")"
simulate 1 --withdrawals "$WITHDRAWALS" "${FAULTS[@]}" &
simulator=$!
sql_when "business" "(SELECT count(*) FROM advice) > 200"
backrest --type=full backup
wait $simulator || wrong "atmsim: $(cat "$WORK/sim.log")"
simulate 2 --withdrawals "$WITHDRAWALS" "${FAULTS[@]}" &
simulator=$!
sql_when "more business" "(SELECT count(*) FROM advice) > $((WITHDRAWALS * 3 / 2))"
moment=$(sql "SELECT clock_timestamp()")
wait $simulator || wrong "atmsim: $(cat "$WORK/sim.log")"
simulate 3 --seconds 600 "${FAULTS[@]}" &
simulator=$!
sql_when "business that has no end yet" "(SELECT count(*) FROM advice) > $((WITHDRAWALS * 21 / 10))"
kill -KILL $simulator
wait $simulator 2>/dev/null || true
sql "SELECT pg_switch_wal()" >/dev/null
sql_when "the log's archive" "(SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - pg_size_bytes(current_setting('wal_segment_size'))) FROM pg_stat_archiver)"
# What each withdrawal earned, and on which day it was posted; but for the last of each ATM, which may have had no acknowledgement yet.
last=$(sql "SELECT string_agg(format('(%L, %L::timestamptz)', terminal, at), ',') FROM (SELECT terminal, max(transmitted_at) AS at FROM withdrawal GROUP BY 1) w")
earned() {
        sql "SELECT concat_ws(' ', count(*), sum(e.cash_yen), md5(string_agg(e::text, ',' ORDER BY e::text)))
        FROM (SELECT transmitted_at, terminal, stan, posted_on, hall, issuer, band, tariff_from, sum(cash_yen) AS cash_yen, sum(customer_fee_yen), sum(customer_tax_yen),
        sum(interbank_fee_yen), sum(interbank_tax_yen), sum(hall_share_yen) FROM commission JOIN (VALUES $last) l (terminal, at) USING (terminal)
        WHERE transmitted_at < at GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) e"
}
before=$(earned)

# the loss, and the restore ---------------------------------------------------------------------------------------

"$ROOT/scripts/lab" kill --dir "$WORK/lab" --instance 1
epoch=$(sql "SELECT epoch FROM database_epoch")
cluster_stop "$CLUSTER" immediate
cluster_run rm -rf "$CLUSTER/data/base" "$CLUSTER/data/pg_wal"
backrest restore --type=time --target="$moment" --target-action=promote
cluster_start "$CLUSTER"
await "the end of recovery" is_primary
PGUSER=postgres expect_exit 0 atmctl epoch raise --above "$epoch" --note "restored to $moment"
expect_exit 0 atmctl verify
expect_exit 1 atmctl reconcile "${JOURNALS[@]}"
differences=$(grep -cE '^(only-in-journal|only-at-bank|state|dispensed):' <<<"$OUTPUT")
((differences > WITHDRAWALS / 4)) || wrong "nothing was lost: $(tail -n 3 <<<"$OUTPUT")"

# two persons' word ---------------------------------------------------------------------------------------------------

expect_exit 1 atmctl recover "${JOURNALS[@]}" --format json
[[ $OUTPUT == *'"for_people": 0,'*'"faults": 0,'* ]] || wrong "what can't be brought back: $(grep -A 1 '"problem": "' <<<"$OUTPUT" | sort | uniq -c | sort -rn | head)"
expect_exit 0 atmctl recover "${JOURNALS[@]}" --propose --note "restored to $moment"
began=$(now_ms)
PGUSER=second expect_exit 0 atmctl recovery confirm 1 "${JOURNALS[@]}" --note "the banks' journals say the same"
say "$OUTPUT, $(($(now_ms) - began)) ms; $differences differences before"
expect_exit 0 atmctl recover "${JOURNALS[@]}"
expect_exit 0 atmctl reconcile "${JOURNALS[@]}"
expect_exit 0 atmctl verify
expect "what was earned" "$before" "$(earned)"

# business goes on ------------------------------------------------------------------------------------------------------

"$ROOT/scripts/lab" start --dir "$WORK/lab" --instance 1
(simulate 4 --withdrawals 200) || wrong "atmsim after the restore: $(cat "$WORK/sim.log")"
sql_when "the banks' acknowledgements" "NOT EXISTS (SELECT FROM saf)"
expect_exit 0 atmctl reconcile "${JOURNALS[@]}" --drained
expect_exit 0 atmctl verify
expect "a new server's timeline" t "$(sql "SELECT r_timeline > 1 FROM epoch_now()")"
passed
