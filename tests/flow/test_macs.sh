#!/usr/bin/env bash
# MACs between ATMs and atmd, with the real key module: a fleet with mistakes in them withdraws, and every answer's MAC is checked by its ATM; who has no key, or an
# old one, is told 98 and nothing else; a fleet changes its keys by itself; while the module is frozen, dead or away ATMs hear nothing, and all of them go on by themselves once it is back.
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

# Both instances read of the keys as they are now.
all_know() {
        local version log
        version=$(sql "SELECT version FROM key_version")
        pkill -HUP -f -- "--config $WORK/lab/atmd.conf" || wrong "no atmd runs"
        for log in "${LOGS[@]}"; do
                await "word of the keys" grep -q "keys version $version in force" "$log"
        done
}

# mistakes: they are answered 98, repeated where they must be, and nothing is lost
expect_exit 0 atmsim run --closed --withdrawals 300 --seed "$SEED" --inquiry-rate 0.1 --repeats 2 --answer-timeout-ms 5000 --advice-pause-ms 200 \
        --faults wrong-mac=0.05,no-mac=0.05,other-mac=0.05,drop=0.03,duplicate=0.05,reorder=0.05,lost-answer=0.03 --chip-rate 0 --capture "$WORK/frames"
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

# A whole fleet changes its keys under load, and once more before it has done with that: none of its withdrawals is lost, and none refused for its key. The second
# instance would look for keys once a minute: what it knows of new ones, it has from messages.
sed -i '/^conninfo/a reference_poll_ms = 60000' "$WORK/lab/atmd.conf"
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --instance 2
"$ROOT/scripts/lab" start --dir "$WORK/lab" --instance 2
cp -p "$ATM_KEYS" "$WORK/first.csv"
atmsim run --closed --seconds 3600 --drain-seconds 60 --json --seed "$SEED" --inquiry-rate 0.1 --repeats 2 --answer-timeout-ms 3000 --advice-pause-ms 200 --card-uses 50 \
        --faults drop=0.05,duplicate=0.05,reorder=0.05,lost-answer=0.03,power-loss=0.02 </dev/null >"$WORK/run.json" 2>"$WORK/run.err" &
RUN=$!
sql_when "withdrawals" "(SELECT count(*) FROM withdrawal) > 450"
atmctl key generate --note trial --all >/dev/null
sql_when "a use of a new set" "EXISTS (SELECT FROM key_set WHERE kind = 'working' AND number = 2 AND current_at IS NOT NULL)"
atmctl key generate --note trial --all >/dev/null
sql_when "that all use their newest set" "(SELECT count(*) FROM key_set WHERE kind = 'working' AND number = 3 AND current_at IS NOT NULL) = 12"
expect "sets that are good" 12 "$(sql "SELECT count(*) FROM key_set WHERE kind = 'working' AND retired_at IS NULL")"
count=$(sql "SELECT count(*) FROM withdrawal")
sql_when "withdrawals under the new keys" "(SELECT count(*) FROM withdrawal) > $count + 100"
kill -TERM "$RUN"
wait "$RUN" || wrong "the fleet ended with $?: $(tail -n 5 "$WORK/run.err")"
RUN=''
changed=$(sed -n 's/.*"key_changes": \([0-9]*\),.*/\1/p' "$WORK/run.json")
((changed >= 12 && changed <= 24)) || wrong "$changed changes of keys by 12 ATMs: $(cat "$WORK/run.json")"
! grep -q '"98":' "$WORK/run.json" || wrong "some were refused for their key: $(cat "$WORK/run.json")"
reconciled

# switched on again, with the file of their first load: they have kept what came; who has not is out
expect_exit 0 atmsim run --closed --withdrawals 30 --seed "$SEED" --keys "$WORK/first.csv"
mkdir "$WORK/forgetful"
expect_exit 1 atmsim run --idle --atms 1 --seconds 2 --start-seconds 4 --seed "$SEED" --keys "$WORK/first.csv" --journal "$WORK/forgetful"
[[ $OUTPUT == *"0 of 1 ATMs were signed on"* ]] || wrong "an ATM with a retired set: $OUTPUT"
logged event=security_mac_wrong "does not have, or that is retired" || wrong "no retired set is in the log"

# off while its keys were changed twice, it takes the newest; and what it can't unwrap it does not use
atmctl key generate --note trial --all >/dev/null
atmctl key generate --note trial --all >/dev/null
sql "UPDATE key_set SET handover = (SELECT handover FROM key_set WHERE owner = 'T0000002' AND number = 5 AND kind = 'working'), version = key_version_next()
        WHERE owner = 'T0000001' AND number = 5 AND kind = 'working'" >/dev/null
all_know
expect_exit 1 atmsim run --closed --withdrawals 100 --seed "$SEED" --inquiry-rate 0
[[ $OUTPUT == *"T0000001: key set 5 is not taken, the old one stays: the PIN key is no key block under its owner's key-encrypting key"* ]] ||
        wrong "another terminal's keys: $OUTPUT"
[[ $OUTPUT == *"1 key sets could not be taken"* && $OUTPUT == *"withdrawals      100 in "* && $OUTPUT != *"98: "* ]] || wrong "the others: $OUTPUT"
sql_when "the newest sets' use" "(SELECT string_agg(number || ' ' || n, ', ' ORDER BY number) FROM
        (SELECT number, count(*) n FROM key_set WHERE kind = 'working' AND current_at IS NOT NULL AND retired_at IS NULL GROUP BY 1) s) = '3 1, 5 11'"
reconciled
atmctl key generate --note trial --terminal T0000001 >/dev/null
all_know

# the module: frozen, killed, and there again, while customers come
atmsim run --closed --seconds 3600 --drain-seconds 60 --seed "$SEED" --repeats 3 --answer-timeout-ms 4000 --advice-pause-ms 300 --cards-even --card-uses 50 \
        </dev/null >"$WORK/run.out" 2>&1 &
RUN=$!
count=$(sql "SELECT count(*) FROM withdrawal")
module=$(pgrep -f -- "--socket $ATM_KEY_MODULE ") || wrong "no key module runs"
sql_when "withdrawals" "(SELECT count(*) FROM withdrawal) > $count + 150"
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
