#!/usr/bin/env bash
# Two instances, one of whose machine has a wrong clock: the other's withdrawals and the bank's lease are not touched by it, it says how far it is
# from the database's clock, approves nothing while that is too far, and serves again by itself. (faketime gives a process another real time, which
# the flow sets while it runs.)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

FAKETIME=$(compgen -G '/usr/lib/*/faketime/libfaketime.so.1') || wrong "no libfaketime: apt-get install faketime"
STARTED=()
trap 'kill "${STARTED[@]}" 2>/dev/null || true; flow_end' EXIT
flow_lab lab --atms 8 --cards 200 --banks 1 --bank-timeout-ms 5000 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"

# set_clock OFFSET: of the second instance's machine
set_clock() {
        printf '%s\n' "$1" >"$WORK/clock.new"
        mv "$WORK/clock.new" "$WORK/clock"
}
set_clock +0
env LD_PRELOAD="${FAKETIME%%$'\n'*}" FAKETIME_TIMESTAMP_FILE="$WORK/clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 \
        "$BIN/atmd" --config "$ATMD_CONF" --instance wrong --listen 127.0.0.1:0 </dev/null >"$WORK/wrong.log" 2>&1 &
pid=$!
STARTED+=("$pid")
await "the second instance" grep -q event=ready "$WORK/wrong.log"
port=$(sed -nE 's/.* event=ready listen=[^ ]*:([0-9]+).*/\1/p' "$WORK/wrong.log")
await "its lines to the bank" grep -q event=link_up "$WORK/wrong.log"

# says EVENT N: has it been said so often?
says() {
        (($(grep -c "event=$1 " "$WORK/wrong.log") >= $2))
}

# withdraw NAME PORT: 24 withdrawals from the bank's cards, each ATM one after the other; the result in $WORK/NAME.json. A
# customer draws a thousand yen, so that nobody meets a limit.
withdraw() {
        atmsim run --closed --withdrawals 24 --amount-yen 1000 --careless-rate 0 --cards-even --card-uses 1 --cards-skip "$SKIP" --cards "$ATM_BANK_CARDS" --seed "$SEED" \
                --ports "$2" --json >"$WORK/$1.json" 2>"$WORK/$1.out" || wrong "$1: $(cat "$WORK/$1.out" "$WORK/$1.json")"
        SKIP=$((SKIP + 24))
}
SKIP=0

# answers NAME: result and how often, by result
answers() {
        perl -MJSON::PP -e 'local $/; my $by = decode_json(<STDIN>)->{de39}; print join(" ", map { "$_:$by->{$_}" } grep { $by->{$_} } sort keys %$by)' <"$WORK/$1.json"
}

lease_ends_in_time() {
        # of any holder: within the longest that the configuration allows, by the database's clock
        local lease_ms
        lease_ms=$(sed -nE 's/^lease_ms *= *([0-9]+)$/\1/p' "$ATMD_CONF")
        [[ $(sql "SELECT bool_and(until_ms <= real_now_ms() + ${lease_ms:-5000}) FROM saf_lease") == t ]]
}

withdraw right "$port"
expect "answers of an instance whose clock is right" "00:24" "$(answers right)"

# a little off: it is said, and service goes on
set_clock +4
await "a warning" says clock_drifts 1
withdraw drifts "$port"
expect "answers of an instance whose clock is four seconds ahead" "00:24" "$(answers drifts)"

# so far ahead that all that the others have just asked the bank would seem to be old
for offset in +120 -120; do
        off=$(grep -c 'event=clock_off ' "$WORK/wrong.log" || true)
        set_clock "$offset"
        await "an alarm" says clock_off $((off + 1))
        withdraw "beside$offset" "$ATMD_PORT"
        expect "answers beside an instance whose clock is off by $offset s" "00:24" "$(answers "beside$offset")"
        lease_ends_in_time || wrong "the bank is somebody's for longer than a lease is: $(sql 'SELECT holder, until_ms - real_now_ms() FROM saf_lease')"
        withdraw "off$offset" "$port"
        expect "answers of an instance whose clock is off by $offset s" "96:24" "$(answers "off$offset")"
        agreed=$(grep -c 'event=clock_agrees ' "$WORK/wrong.log" || true)
        set_clock +0
        await "the end of it" says clock_agrees $((agreed + 1))
done
# a machine that has forgotten the day: an alarm of its own
set_clock -90000
await "an alarm" says clock_lost 1
agreed=$(grep -c 'event=clock_agrees ' "$WORK/wrong.log")
set_clock +0
await "the end of it" says clock_agrees $((agreed + 1))
withdraw again "$port"
expect "answers once the clock is right again" "00:24" "$(answers again)"

expect "withdrawals that were given up for another instance" 0 "$(sql "SELECT count(*) FROM bank_outcome WHERE cause <> 'answer'")"
kill -TERM "$pid"
wait "$pid" || wrong "the instance whose clock was wrong ended with $?"
grep -q 'event=ledger_stats .*clock_ahead_ms=' "$WORK/wrong.log" || wrong "the counters don't say how the clock is"
sql_when "the bank's acknowledgements, told by the other instance" "NOT EXISTS (SELECT FROM saf)"
expect_exit 0 atmctl reconcile --drained --json
expect_exit 0 atmctl verify
passed
