#!/usr/bin/env bash
# PINs from the ATM to the house bank's ledger, with the real key module: AES and TDES keys, all formats, wrong ones, none, and blocks that are not in order; blocked and unblocked cards;
# and nothing of a PIN, nor its block, is left in atmd, in the database's files or in a log. (What becomes of them while the module is away, test_macs has.)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 8 --cards 600 --banks 0 --instances 2 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
LOGS=("$WORK"/lab/log/atmd-*.log)

# run [options]: what atmsim says of customers who come at once, as JSON, in $OUTPUT
run() {
        expect_exit 0 atmsim run --closed --cards-even --card-uses 2 --seed "$SEED" --answer-timeout-ms 20000 --json "$@"
}

# said NAME: that number of $OUTPUT, 0 where it has none
said() {
        local number
        number=$(grep -o "\"$1\": [0-9]*" <<<"$OUTPUT" | head -n 1) || number=0
        printf '%d\n' "${number##* }"
}

events() {
        sql "SELECT count(*) FROM pin_event WHERE kind = '$1'"
}

# each that was mistyped is counted, each that did not come or could not be read is refused and not counted
counted() {
        local wrong unverified
        wrong=$(events wrong) unverified=$(events unverified)
        run --withdrawals 150 --wrong-pins 0.15 --inquiry-rate 0.3 --cards-skip "$1"
        (($(said wrong_pins) > 0 && $(said 55) > 0)) || wrong "no PIN was mistyped: $OUTPUT"
        expect "wrong PINs of $2" $((wrong + $(said wrong_pins))) "$(events wrong)"
        run --withdrawals 100 --faults no-pin=0.15,bad-pin=0.3 --cards-skip $(($1 + 150))
        expect "those that are none, of $2" $((unverified + $(said no-pin) + $(said bad-pin))) "$(events unverified)"
        expect "what the ATMs heard of those" $(($(said no-pin) + $(said bad-pin))) "$(said 55)"
}
counted 0 "AES keys"
expect "inquiries with a PIN, each with a row" "$(sql "SELECT count(*) FROM pin_inquiry WHERE reason IN (0, 21)")" "$(sql 'SELECT count(*) FROM pin_inquiry')"
grep -qh event=security_pin_unreadable "${LOGS[@]}" || wrong "no block that is not in order is in the log"

# formats 0 and 3, in DE 52
atmctl key generate --note trial --algorithm tdes --all >/dev/null
rm "$ATM_KEYS"
atmctl key export --note trial "$ATM_KEYS" --all >/dev/null
version=$(sql "SELECT version FROM key_version")
for log in "${LOGS[@]}"; do
        await "word of the new sets" grep -q "keys version $version in force" "$log"
done
counted 250 "TDES keys"
! grep -h event=key_unusable "${LOGS[@]}" || wrong "the module can't use a key"

# one card: as many wrong ones as its bank allows, and then no right one either, until somebody says so; a right one forgets those before it
(umask 077 && sed -n '1p;$p' "$ATM_CARDS" >"$WORK/one.csv")
pan=$(sed -n '2s/,.*//p' "$WORK/one.csv")
one() { run --atms 1 --cards "$WORK/one.csv" --card-uses 9 --amount-yen 1000 "$@"; }
shows() { atmctl card show --card - --format csv <<<"$pan" | sed 1d | cut -d, -f 9-11; }
one --withdrawals 2 --wrong-pins 1
one --withdrawals 1
expect "a right one" 1 "$(said 00)"
expect "what is counted then" yes,0,no "$(shows)"
one --withdrawals 4 --wrong-pins 1
expect "the third is the last that is looked at" "3 1" "$(said 55) $(said 75)"
one --withdrawals 1
expect "a right one for a blocked card" 1 "$(said 75)"
expect "a blocked card" yes,3,yes "$(shows)"
atmctl card unblock --note trial --card - <<<"$pan" >/dev/null
one --withdrawals 1
expect "a right one for an unblocked card" 1 "$(said 00)"

# What is planted: a PIN of twelve digits, of many cards, and its blocks as they were on the line, and as bytes. Each request is refused for its amount once its PIN was right, so that
# nothing comes after it that would overwrite what it has left behind.
PIN=739105826417
(umask 077 && sed -n '1p;501,599p' "$ATM_CARDS" | awk -F, -v OFS=, -v pin=$PIN 'NR > 1 { $3 = pin } { print }' >"$WORK/planted.csv")
expect_exit 0 atmctl pin make "$WORK/planted.csv"
(umask 077 && cut -d, -f 1,6 "$WORK/planted.csv" >"$WORK/values.csv")
expect_exit 0 atmctl pin import --note trial "$WORK/values.csv"
atmctl key generate --note trial --all >/dev/null
rm "$ATM_KEYS"
atmctl key export --note trial "$ATM_KEYS" --all >/dev/null
version=$(sql "SELECT version FROM key_version")
for log in "${LOGS[@]}"; do
        await "word of the new sets" grep -q "keys version $version in force" "$log"
done
run --withdrawals 190 --cards "$WORK/planted.csv" --amount-yen 50000 --capture "$WORK/frames"
expect "refusals for their amount" 190 "$(said 61)"
perl -ne 'print pack("H*", $1) if /^> (\w+)/' "$WORK/frames" >"$WORK/sent"
perl -ne 'BEGIN { $pin = unpack("H*", shift); print "$pin\n" } if (/^> .*5042303332([0-9a-f]{64})/) { print "$1\n", pack("H*", $1), "\n" }' \
        "$PIN" "$WORK/frames" >"$WORK/patterns"
expect "patterns" 381 "$(wc -l <"$WORK/patterns")"

# what has some shows it: a file, and the memory of a process; and of atmd something can be read
expect_exit 1 "$BIN/scan" "$WORK/patterns" "$WORK/sent"
PLANTED="$PIN $(perl -ne 'print pack("H*", $_) if $. == 2' "$WORK/patterns")" sleep 600 &
SLEEPER=$!
await "a process that has them" grep -qs sleep "/proc/$SLEEPER/comm"
expect_exit 1 "$BIN/scan" "$WORK/patterns" "$SLEEPER"
kill "$SLEEPER"
[[ $OUTPUT == *"pattern 1 "*"pattern 2 "* || $OUTPUT == *"pattern 2 "*"pattern 1 "* ]] || wrong "the scan is blind: $OUTPUT"
# Yama may keep each process's memory from all but its parents
shown=$ATMD_PIDS
if ((EUID)) && [[ $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0) != 0 ]]; then
        say "kernel.yama.ptrace_scope keeps atmd's memory from us: it is not scanned"
        shown=''
fi
printf %s T0000001 | od -An -v -tx1 | tr -d ' \n' >"$WORK/terminal"
for pid in $shown; do
        expect_exit 1 "$BIN/scan" "$WORK/terminal" "$pid"
        expect_exit 0 "$BIN/scan" "$WORK/patterns" "$pid"
done
sql CHECKPOINT
head -n 3 "$WORK/patterns" >"$WORK/some" # much is to be read
expect_exit 0 "$BIN/scan" "$WORK/some" "$ATM_CLUSTER/data" "$ATM_CLUSTER/log" "$WORK/lab/log" "$WORK/lab/journal"

expect_exit 0 atmctl reconcile
expect_exit 0 atmctl verify
passed
