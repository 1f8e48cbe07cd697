#!/usr/bin/env bash
# A withdrawal in every way that it can go between an ATM, a person, the clock and a database that is away, with the
# house bank and over links, at two instances (tests/flow/wire/test_walk.c): who holds the money in the end.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export WIRE_LAB=$WORK/walk WIRE_CONTROL=$ROOT/tests/flow/wire/control.sh WIRE_DUMP=$WORK/dump.sql

build_programs test_wire || exit 1
flow_lab walk --plain --atms 60 --cards 450 --bank-cards 150 --instances 2 --bank-timeout-ms 3000 \
        --clock 2026-06-10T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WIRE_LAB/lab.env"
if ! CK_VERBOSITY=normal test_wire walk >"$WORK/walk.log" 2>&1; then
        tail -n 60 "$WORK/walk.log" >&2
        wrong "the walk failed"
fi
! grep -E 'Sanitizer|runtime error|ssertion' "$WIRE_LAB"/log/{atmd-*,banksim}.log || wrong "atmd or banksim complains of itself"
say "$(tail -n 1 "$WORK/walk.log")"
passed
