#!/usr/bin/env bash
# 6,000 withdrawals (--long: 100,000) of 200 ATMs over links to three banks in three dialects, with every
# behaviour of the banks and every fault of the ATMs at a few per cent, mistakes in MACs and PINs among them, one of two instances of atmd killed about
# every 5 seconds and now and then a bank or the key module, on a clock that passes midnight, month and year. Once the queues are
# drained, every withdrawal is the same with ATM, host and bank, to the yen, or an exception says that the bank would
# not book it; none is without an end, every sum equals its rows, and no card number is at rest anywhere. What chips and banks have to say to each
# other came to whom it was for, and is nowhere any more.
#
# ATM_TEST_WITHDRAWALS sets another number.
FLOW_CLUSTERS=disk
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

STARTS=2016-12-31T22:52:30+09:00 SPEED=90 # midnight after 45 s: the ATMs work then, be the machine quick or slow
PER_SECOND=160 # customers; when they come does not depend on how well they are served
withdrawals=6000 atms=200 kills_wanted=4 bank_kills_wanted=1 module_kills_wanted=1
if ((LONG)); then
        # the clock runs while the ATMs read their cards, and a busy machine takes half a minute for so many
        withdrawals=100000 kills_wanted=40 bank_kills_wanted=5 module_kills_wanted=10 STARTS=2016-12-31T22:00:00+09:00
fi
if [[ $ATM_PRESET == asan ]]; then
        withdrawals=1500 atms=60 PER_SECOND=50
fi
withdrawals=${ATM_TEST_WITHDRAWALS:-$withdrawals}
customers=$((withdrawals * 5 / 4)) # some find no bank to ask, or a limit, or have no patience
BEHAVIOURS="slow late silent deaf wrong-echo wrong-mac duplicate decline repeated missing case again hang-up down"
rates="slow=0.03,late=0.02,silent=0.02,deaf=0.02,wrong-echo=0.02,duplicate=0.03,decline=0.03,repeated=0.02,missing=0.02,case=0.02"
rates+=",wrong-mac=0.02,again=0.02,hang-up=0.02,down=0.0003"
say "$withdrawals withdrawals, seed $SEED"
flow_lab lab --atms "$atms" --cards 10 --bank-cards "$customers" --instances 2 --bank-timeout-ms 1500 --bank-faults "$rates" \
        --clock "$STARTS,$SPEED"
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"

# Banks that hang up that often leave few connections standing: more of them than usual.
sed -i '/^addresses = /a connections = 6' "$ATMD_CONF"
for instance in 1 2; do
        "$ROOT/scripts/lab" kill --dir "$WORK/lab" --instance "$instance"
        "$ROOT/scripts/lab" start --dir "$WORK/lab" --instance "$instance"
done

# What banksim has counted is gone with it: look before it is killed.
SHOWN=0
show_banks() {
        SHOWN=$((SHOWN + 1))
        banksim ctl all show --csv >"$WORK/banks-$SHOWN.csv"
}

# How often a behaviour has happened, with all banks, as far as was looked.
happened() {
        awk -F, -v name="$1" '$2 == "behaviours" && $3 == name { n += $4 } END { print n + 0 }' "$WORK"/banks-*.csv
}

counted() {
        awk -F, -v name="$1" '$3 == name { n += $4 } END { print n + 0 }' "$WORK"/banks-*.csv
}

rate=0.03
faults=$(printf "%s=$rate," no-dispense partial lost-answer drop duplicate reorder power-loss)
faults+=$(printf "%s=0.01," wrong-mac no-mac other-mac no-pin bad-pin) # each ends a withdrawal, or costs it a connection
atmsim run --profile flat --per-atm-day $((PER_SECOND * 86400 / SPEED / atms)) --withdrawals "$customers" --seed "$SEED" --cards "$ATM_BANK_CARDS" --inquiry-rate 0.05 --wrong-pins 0.03 --faults "${faults%,}" \
        --answer-timeout-ms 4000 --repeats 2 --advice-pause-ms 300 --drain-seconds 120 --json >"$WORK/run.json" 2>"$WORK/run.log" &
simulator=$!

kills=0 bank_kills=0 module_kills=0
while process_lives "$simulator"; do
        sleep 4
        process_lives "$simulator" || break
        if ((kills % 8 == 1)); then
                show_banks
                "$ROOT/scripts/lab" kill --dir "$WORK/lab" --bank
                sleep 0.5
                "$ROOT/scripts/lab" start --dir "$WORK/lab" --bank
                bank_kills=$((bank_kills + 1))
        elif ((kills % 4 == 3)); then
                banksim ctl BANKB down 1
        elif ((kills % 4 == 2)); then
                "$ROOT/scripts/lab" kill --dir "$WORK/lab" --keys
                sleep 0.5
                "$ROOT/scripts/lab" start --dir "$WORK/lab" --keys
                module_kills=$((module_kills + 1))
        fi
        instance=$((1 + kills % 2))
        "$ROOT/scripts/lab" kill --dir "$WORK/lab" --instance "$instance"
        sleep 0.5
        "$ROOT/scripts/lab" start --dir "$WORK/lab" --instance "$instance"
        kills=$((kills + 1))
done
wait "$simulator" || wrong "atmsim run: $(cat "$WORK/run.log" "$WORK/run.json")"
say "$kills kills of instances, $bank_kills of banks, $module_kills of the key module; $(cat "$WORK/run.json")"

sql_when "the end of the queues" "NOT EXISTS (SELECT FROM saf) AND NOT EXISTS (SELECT FROM v_open)"
show_banks
if ((kills < kills_wanted || bank_kills < bank_kills_wanted || module_kills < module_kills_wanted)); then
        wrong "$kills kills of instances, $bank_kills of banks and $module_kills of the key module happened while it ran; $kills_wanted, $bank_kills_wanted and $module_kills_wanted are wanted"
fi
for behaviour in $BEHAVIOURS; do
        count=$(happened "$behaviour")
        ((count > 0)) || wrong "no bank was ever $behaviour"
        counts+="$behaviour $count, "
done
say "the banks: ${counts%, }"

say "how they ended: $(sql "SELECT string_agg(concat_ws(' ', n, state, de39, cause), ', ') FROM (SELECT outcome_cause AS cause, state, de39,
        count(*) AS n FROM v_withdrawal GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 12) x")"

expect_exit 0 atmctl reconcile --drained --json
[[ $OUTPUT =~ \"differences\":\ *\[\] ]] || wrong "reconcile: $OUTPUT"
explained=$(grep -o '"what": *"explained"' <<<"$OUTPUT" | wc -l)
say "$explained withdrawals that a bank would not book, as exceptions say"
expect_exit 0 atmctl verify
expect "withdrawals without an end" 0 "$(sql "SELECT count(*) FROM v_withdrawal WHERE state IN ('asked', 'approved')")"
expect "open at the banks, but for what they would not book" 0 \
        "$(banksim ctl all show --csv | awk -F, '$2 == "money" && $3 == "open" { n += $4 } $2 == "money" && $3 == "refused" { n -= $4 } END { print n }')"
((explained > 0)) || wrong "the banks booked everything"
asked=$(sql "SELECT count(*) FROM v_withdrawal WHERE link IS NOT NULL")
say "$asked withdrawals were asked of a bank"
((asked * 10 >= withdrawals * 9)) || wrong "only $asked of $withdrawals withdrawals were asked of a bank"
expect "links" "BANKA BANKB BANKC" "$(sql 'SELECT DISTINCT link FROM v_withdrawal WHERE link IS NOT NULL ORDER BY 1' | xargs)"
expect "causes" "answer reversal timeout" "$(sql 'SELECT DISTINCT cause FROM bank_outcome ORDER BY 1' | xargs)"
expect "business dates" "2016-12-31 2017-01-01" "$(sql 'SELECT DISTINCT business_date FROM v_withdrawal ORDER BY 1 LIMIT 2' | xargs)"

! grep -hE 'Sanitizer|runtime error|ssertion' "$WORK"/lab/log/{atmd-*,banksim}.log || wrong "atmd or banksim complains of itself"

for line in security_mac_wrong security_pin_unreadable security_link_mac_wrong no_mac link_mute; do
        grep -qh "event=$line " "$WORK"/lab/log/atmd-*.log || wrong "no line $line is in the log"
done

# Chips: each ATM heard its own bank's answer (atmsim would have failed), each bank its own ATMs', and of a script once at most.
expect "data of other chips" 0 "$(counted chips_wrong)"
for name in chips scripts script_results; do
        (($(counted "$name") > 0)) || wrong "no $name at the banks"
done
cat "$BANKSIM_JOURNALS"/* | awk '$16 ~ /script/ { print $3, $4, $5 }' | sort >"$WORK/reported.txt"
[[ -s $WORK/reported.txt ]] || wrong "no bank has written down what became of a script"
expect "scripts told of twice" "" "$(uniq -d "$WORK/reported.txt")"
say "$(grep -o '"chip_answers".*' "$WORK/run.json" | tr -d '}'), told of $(wc -l <"$WORK/reported.txt")"

# Card numbers: nowhere but in the lab's card files.
if grep -rlE '99001[1-3][0-9]{10}' "$WORK/lab/log/" "$WORK/lab/journal" "$BANKSIM_JOURNALS" "$WORK/run.log"; then
        wrong "a card number is in a log or journal"
fi
PGUSER=postgres pg_dump --data-only >"$WORK/dump.sql"
! grep -qE '(^|[^0-9])99001[1-3][0-9]{10}([^0-9]|$)' "$WORK/dump.sql" || wrong "a card number is in the database"
mark=$(printf ATMLAB1 | od -An -tx1 | tr -d ' \n') # which each chip's data begin with
! grep -rliE "ATMLAB1|$mark" "$WORK/dump.sql" "$WORK/lab/log/" "$WORK/lab/journal" "$BANKSIM_JOURNALS" || wrong "chip data are at rest"
passed
