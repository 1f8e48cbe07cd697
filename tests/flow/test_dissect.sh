#!/usr/bin/env bash
# Wireshark's dissector reads every message of a real flow, with every kind of fault in it, from both sides.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 20 --cards 600 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
expect_exit 0 atmsim run --closed --withdrawals 500 --seed "$SEED" --inquiry-rate 0.3 \
        --faults no-dispense=0.05,partial=0.05,lost-answer=0.05,duplicate=0.05,reorder=0.05 \
        --answer-timeout-ms 500 --repeats 1 --advice-pause-ms 200 --chip-rate 0 --capture "$WORK/frames" # chip data are bytes
expect "access to captured card numbers" 600 "$(stat -c %a "$WORK/frames")"
# MTIs of requests, repeats and their answers, all in the one flow
for mti in 0800 0810 0200 0201 0210 0220 0230 0420 0430; do
        grep -qE "^[<>] [0-9a-f]{4}$(printf '%s' "$mti" | sed 's/./3&/g')" "$WORK/frames" || wrong "no $mti was captured"
done
expect_exit 0 "$ROOT/tests/vectors/dissect" "$WORK/frames"
say "$(wc -l <"$WORK/frames") frames; $OUTPUT"
passed
