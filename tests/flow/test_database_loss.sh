#!/usr/bin/env bash
# PostgreSQL goes away without a word while ATMs withdraw, twice, and comes back: ATMs stay connected, requests get
# silence, advices wait, service resumes by itself, and nothing is lost.
FLOW_CLUSTERS=disk
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# a thousand yen at a time: a card's day allows thirty, which is for more than three minutes of these customers
flow_lab lab --atms 30 --cards 500 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
pid=$ATMD_PIDS

withdrawals() {
        sql 'SELECT count(*) FROM withdrawal WHERE reason = 0'
}

# await_more "what" THAN
await_more() {
        sql_when "$1" "(SELECT count(*) FROM withdrawal WHERE reason = 0) > $2"
}

# until it is interrupted: 60 customers a second, who come whether they are served or not
atmsim run --profile flat --per-atm-day $((60 * 86400 / 30)) --amount-yen 1000 --seed "$SEED" --answer-timeout-ms 3000 --repeats 1 --advice-pause-ms 300 --json \
        >"$WORK/run.json" 2>"$WORK/run.log" &
simulator=$!
before=0
for round in 1 2; do
        await_more "withdrawals in round $round" $((before + 200))
        cluster_stop "$ATM_CLUSTER" immediate
        sleep 2
        process_lives "$pid" || wrong "atmd ended when its database went away"
        cluster_start "$ATM_CLUSTER"
        before=$(withdrawals)
        await_more "service after the database came back" $((before + 10))
        before=$(withdrawals)
done
kill -INT "$simulator"
wait "$simulator" || wrong "atmsim run: $(cat "$WORK/run.log" "$WORK/run.json")"
say "$(cat "$WORK/run.json")"
process_lives "$pid" || wrong "atmd ended"
! grep -qE '"96": *[1-9]' "$WORK/run.json" || wrong "a withdrawal was answered 96, though nobody could look: $(cat "$WORK/run.json")"
grep -qE '"repeats": *[1-9]' "$WORK/run.json" || wrong "no request was left in silence: $(cat "$WORK/run.json")"
grep -qE '"connections_lost": *0[,}]' "$WORK/run.json" || wrong "ATMs lost their connections: $(cat "$WORK/run.json")"

expect_exit 0 env -u BANKSIM_JOURNALS atmctl reconcile --drained --json
expect_exit 0 atmctl verify
expect "open withdrawals" 0 "$(sql 'SELECT count(*) FROM v_open')"
passed
