#!/usr/bin/env bash
# MACs between ATMs and atmd, with the real key module: a fleet with mistakes in them withdraws, and every answer's MAC is checked by its ATM; who has no key, or an
# old one, is told 98 and nothing else; while the module is frozen, dead or away ATMs hear nothing, and all of them go on by themselves once it is back.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 12 --cards 900 --banks 0 --instances 2 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
LOGS=("$WORK"/lab/log/atmd-*.log)
RUN=''
trap 'kill -9 $RUN 2>/dev/null || true; flow_end' EXIT

# logged TEXT...: a line of an instance has all of them
logged() {
        local line=$1
        shift
        grep -h -- "$line" "${LOGS[@]}" | grep -q -- "${1:-}"
}

reconciled() {
        expect_exit 0 atmctl reconcile
        expect_exit 0 atmctl verify
}

# mistakes: they are answered 98, repeated where they must be, and nothing is lost
expect_exit 0 atmsim run --closed --withdrawals 300 --seed "$SEED" --inquiry-rate 0.1 --repeats 2 --answer-timeout-ms 5000 --advice-pause-ms 200 \
        --faults wrong-mac=0.05,no-mac=0.05,other-mac=0.05,drop=0.03,duplicate=0.05,reorder=0.05,lost-answer=0.03 --capture "$WORK/frames"
[[ $OUTPUT == *"98: "* ]] || wrong "nothing was answered 98: $OUTPUT"
logged event=security_mac_wrong "another one" || wrong "no wrong MAC is in the log"
logged event=security_mac_wrong "no MAC in its field" || wrong "no missing MAC is in the log"
! logged event=key_unusable || wrong "the module can't use a key: $(grep -h key_unusable "${LOGS[@]}")"
expect_exit 0 "$ROOT/tests/vectors/dissect" "$WORK/frames"
reconciled
expect "sets that were used" 12 "$(sql "SELECT count(*) FROM key_set WHERE kind = 'working' AND current_at IS NOT NULL AND retired_at IS NULL")"

# no key: nobody gets in, and the connection ends
(umask 077 && sed -n 1p "$ATM_KEYS" >"$WORK/nobodys.csv")
expect_exit 1 atmsim run --idle --atms 2 --seconds 2 --start-seconds 6 --seed "$SEED" --keys "$WORK/nobodys.csv"
[[ $OUTPUT == *"0 of 2 ATMs were signed on"* ]] || wrong "ATMs without keys: $OUTPUT"
await "the end of a connection" logged event=connection_closed end=mac

# a new set: good from now on, and the old one until then
cp -p "$ATM_KEYS" "$WORK/old.csv"
atmctl key generate --note trial --all >/dev/null
version=$(sql "SELECT version FROM key_version")
for log in "${LOGS[@]}"; do
        await "word of the new sets" grep -q "keys version $version in force" "$log"
done
expect_exit 0 atmsim run --closed --withdrawals 30 --seed "$SEED" --keys "$WORK/old.csv"
rm "$ATM_KEYS"
atmctl key export --note trial "$ATM_KEYS" --all >/dev/null
expect_exit 0 atmsim run --closed --withdrawals 60 --seed "$SEED"
sql_when "the retirement of the old sets" "(SELECT count(*) FROM key_set WHERE kind = 'working' AND number = 1 AND retired_at IS NULL) = 0"
version=$(sql "SELECT version FROM key_version")
for log in "${LOGS[@]}"; do
        await "word of their retirement" grep -q "keys version $version in force" "$log"
done
expect_exit 1 atmsim run --idle --atms 1 --seconds 2 --start-seconds 4 --seed "$SEED" --keys "$WORK/old.csv"
[[ $OUTPUT == *"0 of 1 ATMs were signed on"* ]] || wrong "an ATM with a retired set: $OUTPUT"
reconciled

# the module: frozen, killed, and there again, while customers come
atmsim run --closed --seconds 3600 --drain-seconds 60 --seed "$SEED" --repeats 3 --answer-timeout-ms 4000 --advice-pause-ms 300 --cards-even --card-uses 50 \
        </dev/null >"$WORK/run.out" 2>&1 &
RUN=$!
module=$(pgrep -f -- "--socket $ATM_KEY_MODULE ") || wrong "no key module runs"
sql_when "withdrawals" "(SELECT count(*) FROM withdrawal) > 500"
kill -STOP "$module"
for log in "${LOGS[@]}"; do
        await "that it is away" grep -q 'event=key_module_away' "$log"
done
await "silence" logged event=no_mac
kill -CONT "$module"
for log in "${LOGS[@]}"; do
        await "that it is back" sh -c "[ \$(grep -c event=key_module_up '$log') -ge 2 ]" # the first is of the start
done
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --keys
count=$(sql "SELECT count(*) FROM withdrawal")
"$ROOT/scripts/lab" start --dir "$WORK/lab" --keys
sql_when "withdrawals after its return" "(SELECT count(*) FROM withdrawal) > $count + 200"
kill -TERM "$RUN"
wait "$RUN" || wrong "the fleet ended with $?: $(tail -n 5 "$WORK/run.out")"
RUN=''
reconciled
passed
