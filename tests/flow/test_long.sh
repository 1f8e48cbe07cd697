#!/usr/bin/env bash
# 10,000 withdrawals (--long: 100,000) with PINs and MACs and every kind of fault at a few per cent, mistakes in those among them, over two instances, one of
# which or their key module is killed every few seconds, on a clock that passes midnight, month and year. Afterwards the ATMs'
# journals and dispensers agree with the database to the yen, every sum equals its rows, no withdrawal is
# open, and no card number is at rest anywhere.
FLOW_CLUSTERS=disk
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

withdrawals=10000 atms=60 kills_wanted=4 starts=22:30 # midnight after 27 s: until then it withdraws as fast as it can
if ((LONG)); then
        # the clock runs while the ATMs read their cards, and a busy machine takes half a minute for so many
        withdrawals=100000 atms=120 kills_wanted=15 starts=18:00
fi
if [[ $ATM_PRESET == asan ]]; then
        withdrawals=2500 kills_wanted=3
fi
say "$withdrawals withdrawals, seed $SEED"
# a card's day allows two of them, and two days are played
flow_lab lab --atms "$atms" --cards "$withdrawals" --instances 2 --clock "2016-12-31T$starts:00+09:00,200"
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"

rate=0.03
faults=$(printf "%s=$rate," no-dispense partial lost-answer drop duplicate reorder power-loss wrong-mac no-mac other-mac no-pin bad-pin)

# The ATMs work in five parts and more, until enough instances were killed and the year is over, however fast
# the machine is.
simulate() {
        local part=0
        until ((part >= 5)) && [[ -e $WORK/enough ]]; do
                part=$((part + 1))
                atmsim run --closed --withdrawals $((withdrawals / 5)) --seed $((SEED + part)) --inquiry-rate 0.05 --wrong-pins 0.05 \
                        --faults "${faults%,}" --answer-timeout-ms 2000 --repeats 2 --advice-pause-ms 300 \
                        --drain-seconds 90 --json >"$WORK/run-$part.json" 2>>"$WORK/run.log" || return 1
        done
}

simulate &
simulator=$!
kills=0
parts=("--instance 1" "--instance 2" --keys)
while process_lives "$simulator"; do
        sleep 1.5
        process_lives "$simulator" || break
        read -r -a part <<<"${parts[kills % ${#parts[@]}]}"
        "$ROOT/scripts/lab" kill --dir "$WORK/lab" "${part[@]}"
        sleep 0.5
        "$ROOT/scripts/lab" start --dir "$WORK/lab" "${part[@]}"
        kills=$((kills + 1))
        if ((kills >= kills_wanted && $(sql "SELECT count(*) FROM commission WHERE business_date > '2016-12-31'") > 0)); then
                touch "$WORK/enough"
        fi
done
wait "$simulator" || wrong "atmsim run: $(cat "$WORK/run.log" "$WORK"/run-*.json)"
say "$kills kills; $(cat "$WORK"/run-*.json)"

expect_exit 0 env -u BANKSIM_JOURNALS atmctl reconcile --drained --json
[[ $OUTPUT == *'"differences": []'* || $OUTPUT == *'"differences":[]'* ]] || wrong "reconcile: $OUTPUT"
expect_exit 0 atmctl verify
expect "open withdrawals" 0 "$(sql 'SELECT count(*) FROM v_open')"
expect "approved withdrawals without an end" 0 "$(sql "SELECT count(*) FROM v_withdrawal WHERE state = 'approved'")"
decided=$(sql "SELECT count(*) FROM v_withdrawal WHERE state <> 'blocked'")
((decided * 10 >= withdrawals * 9)) || wrong "only $decided of $withdrawals withdrawals reached the database"
expect "business dates" "2016-12-31 2017-01-01" "$(sql 'SELECT DISTINCT business_date FROM v_withdrawal ORDER BY 1 LIMIT 2' | xargs)"
expect "report and rows" "$(sql 'SELECT sum(customer_fee_yen + interbank_fee_yen) FROM v_withdrawal')" \
        "$(sql 'SELECT sum(commission_yen) FROM v_revenue')"

for kind in wrong unverified right; do
        (($(sql "SELECT count(*) FROM pin_event WHERE kind = '$kind'") > 0)) || wrong "no PIN was ever $kind"
done
for line in security_mac_wrong security_pin_unreadable no_mac; do
        grep -qh "event=$line " "$WORK"/lab/log/atmd-*.log || wrong "no line $line is in the log"
done

# Card numbers: nowhere but in the lab's card file.
if grep -rlE '990001[0-9]{10}' "$WORK/lab/log/" "$WORK/lab/journal" "$WORK/run.log"; then
        wrong "a card number is in a log or journal"
fi
PGUSER=postgres pg_dump --data-only >"$WORK/dump.sql"
! grep -qE '(^|[^0-9])990001[0-9]{10}([^0-9]|$)' "$WORK/dump.sql" || wrong "a card number is in the database"
passed
