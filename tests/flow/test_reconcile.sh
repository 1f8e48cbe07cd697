#!/usr/bin/env bash
# atmctl reconcile in a laboratory: where dispensers, journals and database agree it says so; a journal line that is altered,
# with or without its checksum, a row that is changed, missing or too many, and a dispenser's counter are each
# named with terminal and STAN. A simulator killed at any moment goes on where its journal ends: what was open
# is reversed or completed as the dispenser says, never sent again. While it works, reconcile and verify find nothing, and count what
# is under way.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 12 --cards 2000
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
unset BANKSIM_JOURNALS # ATMs and database alone: what banks must still be told may be on its way
run=(atmsim run --closed --answer-timeout-ms 1000 --advice-pause-ms 200 --drain-seconds 60)

# differs "what" TEXT...: reconcile fails, and says each TEXT in one and the same line.
differs() {
        local what=$1 text
        shift
        expect_exit 1 atmctl reconcile --drained
        local lines=$OUTPUT
        for text in "$@"; do
                lines=$(grep -F -- "$text" <<<"$lines") || wrong "$what: no line with '$*' in: $OUTPUT"
        done
}

agrees() {
        expect_exit 0 atmctl reconcile --drained
        [[ $OUTPUT == *'ATMs and host agree' ]] || wrong "$1: $OUTPUT"
}

# CRC-32 as gzip has it, eight hexadecimal digits.
crc32() {
        printf '%s' "$1" | gzip -c | tail -c 8 | head -c 4 | od -An -tx1 | awk '{ print $4 $3 $2 $1 }'
}

# A line of a journal, changed by a sed command, with a checksum that fits.
forge() {
        local file=$1 line=$2 body
        body=$(sed -n "${line}p" "$file" | sed -E 's/ [0-9a-f]{8}$//' | sed -E "$3")
        sed -i "${line}s/.*/$body $(crc32 "$body")/" "$file"
}

say "wrong usage, seed $SEED"
expect_exit 2 atmsim
expect_exit 2 atmsim run --journal
expect_exit 2 atmsim run --faults fire=0.1
[[ $OUTPUT == *"'fire=0.1' is no kind of fault"* ]] || wrong "a wrong fault: $OUTPUT"
expect_exit 2 atmsim run --amount-yen 1000 --faults partial=0.1
expect_exit 2 env -u ATMD_CA atmsim run
[[ $OUTPUT == *'--ca is missing'*ATMD_CA* ]] || wrong "a missing variable: $OUTPUT"
expect_exit 0 atmsim run --help
expect_exit 1 atmctl reconcile --drained
[[ $OUTPUT == *'there is no journal in it'* ]] || wrong "no journal: $OUTPUT"
expect_exit 1 atmctl reconcile --atm-journals "$WORK/nowhere"
[[ $OUTPUT == *'there is no such folder'* ]] || wrong "no folder: $OUTPUT"
expect_exit 1 "${run[@]}" --withdrawals 5 --faults drop=0.000001
[[ $OUTPUT == *'the fault drop was asked for and never happened'* ]] || wrong "a fault that never happened: $OUTPUT"

# 127.1 is the same address, but the server's certificate does not name it.
expect_exit 1 "${run[@]}" --host 127.1 --seconds 1 --start-seconds 1 --drain-seconds 1
[[ $OUTPUT == *'0 of 12 ATMs were signed on'* ]] || wrong "a server of another name: $OUTPUT"

say "a run with every kind of fault"
expect_exit 0 "${run[@]}" --withdrawals 600 --seed "$SEED" --inquiry-rate 0.1 \
        --faults no-dispense=0.1,partial=0.1,lost-answer=0.05,drop=0.1,duplicate=0.1,reorder=0.1,power-loss=0.1
agrees "after a run"
expect_exit 0 atmctl reconcile --drained --json
[[ $OUTPUT == *'"withdrawals": 605,'*'"unfinished": 0,'*'"differences": []'* ]] || wrong "the object: $OUTPUT"

journal=$WORK/lab/journal/atmsim-000003.journal
cp -r "$WORK/lab/journal" "$WORK/kept"
restore() {
        rm -r "$WORK/lab/journal"
        cp -r "$WORK/kept" "$WORK/lab/journal"
}
# A withdrawal with its whole amount dispensed: line of its advice, terminal, STAN of the advice and its own.
read -r line terminal stan amount <<<"$(awk '$1 == "V" && $5 == "0220" && $7 >= 3000 { print NR, $2, $8, $7; exit }' "$journal")"
[[ $line ]] || wrong "no completion in $journal"
request=$(awk -v t="$terminal" -v s="$stan" '$1 == "Q" && $2 == t && $3 == s { print NR; exit }' "$journal")

say "journal lines: line $line, $terminal, STAN $stan"
sed -i "${line}s/ $amount / 2000 /" "$journal"
differs "an altered line" "journal-line: $journal:$line: the checksum is wrong"
expect_exit 1 "${run[@]}" --withdrawals 1
[[ $OUTPUT == *"$journal:$line: the checksum is wrong"* ]] || wrong "a run on a damaged journal: $OUTPUT"
restore
forge "$journal" "$line" "s/ $amount / 2000 /"
differs "a forged amount" "dispensed: $terminal " " $stan: " "the ATM dispensed 2000 yen, the database has $amount"
differs "a forged amount in the total" "total: $terminal:"
restore
forge "$journal" "$request" "s/ $amount / 31000 /"
differs "a forged request" "amount: $terminal " " $stan: " "asked for 31000 yen"
restore
sed -i "${line}d" "$journal"
differs "a removed line" "unfinished: $terminal " " $stan: "
restore
printf 'V %s 000' "$terminal" >>"$journal" # a crash in the middle of a line
agrees "with a torn last line"
restore

say "rows"
own="terminal = '$terminal' AND stan = ${stan#"${stan%%[!0]*}"}"
sql "UPDATE withdrawal SET amount_yen = amount_yen + 1000 WHERE $own"
differs "a changed amount" "amount: $terminal " " $stan: " "the database has $((amount + 1000))"
sql "UPDATE withdrawal SET amount_yen = amount_yen - 1000 WHERE $own"
sql "UPDATE advice SET counted_yen = counted_yen - 1000 WHERE $own AND state = 'completed'"
differs "changed cash" "dispensed: $terminal " " $stan: " "the ATM dispensed $amount yen, the database has $((amount - 1000))"
expect_exit 1 atmctl reconcile --drained --json
[[ $OUTPUT == *'"what": "dispensed",'*"\"terminal\": \"$terminal\","*"\"stan\": ${stan#"${stan%%[!0]*}"},"* ]] ||
        wrong "the object of a difference: $OUTPUT"
sql "UPDATE advice SET counted_yen = counted_yen + 1000 WHERE $own AND state = 'completed'"
sql "UPDATE commission SET customer_fee_yen = customer_fee_yen + 1 WHERE $own"
differs "a changed fee" "fee: $terminal " " $stan: "
sql "UPDATE commission SET customer_fee_yen = customer_fee_yen - 1 WHERE $own"
sql "CREATE TABLE public.kept AS SELECT * FROM withdrawal WHERE $own; DELETE FROM withdrawal WHERE $own"
differs "a missing row" "only-in-journal: $terminal " " $stan: " "$amount dispensed"
sql "INSERT INTO withdrawal SELECT * FROM public.kept; UPDATE public.kept SET stan = 777777"
sql "INSERT INTO withdrawal SELECT * FROM public.kept; DROP TABLE public.kept"
differs "a row too many" "only-in-database: $terminal " " 777777: "
sql "DELETE FROM withdrawal WHERE stan = 777777"
agrees "with everything put back"

say "dispensers"
rm "$WORK/lab/journal/dispensers"
differs "no dispensers" "total: $terminal: in all its dispenser counted 0 yen"
restore

say "a simulator that is reconciled while it works, and killed in the middle, again and again"
under_way=0
for round in 1 2 3 4; do
        "${run[@]}" --seconds 60 --seed "$((SEED + round))" --faults power-loss=0.05,lost-answer=0.1 >"$WORK/killed.log" 2>&1 &
        simulator=$!
        sleep "1.$round"
        expect_exit 0 atmctl reconcile
        [[ $OUTPUT != *'under way'* ]] || ((++under_way))
        [[ $OUTPUT == *'ATMs and host agree'* ]] || wrong "reconciled while ATMs work: $OUTPUT"
        expect_exit 0 atmctl verify
        kill -KILL "$simulator"
        wait "$simulator" 2>/dev/null || true
        [[ ! -s $WORK/killed.log ]] || wrong "it ended by itself: $(cat "$WORK/killed.log")"
done
((under_way > 0)) || wrong "nothing was under way while it worked"
cp -r "$WORK/lab/journal" "$WORK/before"
open=$(atmctl reconcile --drained | grep -c '^unfinished' || true)
((open > 0)) || wrong "nothing was open when it was killed"
expect_exit 0 "${run[@]}" --withdrawals 50 --json
[[ $OUTPUT =~ \"recovered\":\ ([0-9]+) ]] || wrong "no count of recovered withdrawals: $OUTPUT"
expect "open withdrawals that came to their end" "$open" "${BASH_REMATCH[1]}"
agrees "after kills"
last=$(find "$WORK/lab/journal" -name '*.journal' | sort | tail -n 1)
# Whatever the last run asked for was new: no 0200 of before was written again.
again=$(awk 'FNR == NR && $1 == "Q" { known[$2 $3 $4]; next } $1 == "Q" && ($2 $3 $4 in known)' \
        <(cat "$WORK"/before/*.journal) "$last" | wc -l)
expect "0200s sent again after a kill" 0 "$again"
expect "no card number in the journals" 0 "$(cat "$WORK"/lab/journal/*.journal | grep -cE '990001[0-9]{10}')"
expect "mode of the journals" 600 "$(stat -c %a "$last")"

say "notes that nobody takes"
expect_exit 0 "${run[@]}" --withdrawals 100 --cards-even --card-uses 1 --faults retract=0.3 --json
[[ $OUTPUT =~ \"retract\":\ ([0-9]+) ]] || wrong "no count of retracted notes: $OUTPUT"
expect "corrections that were taken, each with a record" "${BASH_REMATCH[1]} ${BASH_REMATCH[1]}" \
        "$(sql "SELECT count(*) FROM exception_record WHERE what = 'corrected'") $(sql "SELECT sum(corrections) FROM v_card_day")"
agrees "after corrections"
expect_exit 0 atmctl verify

say "an instance that is gone, a database that is gone"
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --instance 1
expect_exit 1 "${run[@]}" --seconds 1 --start-seconds 1 --drain-seconds 1
[[ $OUTPUT == *'0 of 12 ATMs were signed on'* ]] || wrong "without a daemon: $OUTPUT"
expect_exit 1 "${run[@]}" --withdrawals 5 --start-seconds 1 --drain-seconds 1 # ends, though none will ever be made
[[ $OUTPUT == *'0 of 12 ATMs were signed on'* ]] || wrong "withdrawals without a daemon: $OUTPUT"
expect_exit 1 env PGPORT=1 atmctl reconcile
[[ $OUTPUT == *'no connection to database'* ]] || wrong "without a database: $OUTPUT"
passed
