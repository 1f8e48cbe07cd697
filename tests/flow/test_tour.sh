#!/usr/bin/env bash
# The README's tour does what it says: its commands are run as they stand, only in a folder of this test.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LABS+=("$WORK/lab")
{
        echo 'set -ex'
        sed -n '/^## A tour/,/^## What is where/s/^    //p' "$ROOT/README.md" | sed "s|/tmp/lab|$WORK/lab|g"
} >"$WORK/tour.sh"
(($(wc -l <"$WORK/tour.sh") > 15)) || wrong "no tour found in README.md"
cd "$ROOT"
bash "$WORK/tour.sh" >"$WORK/tour.out" 2>&1 || wrong "the tour ends with: $(tail -n 15 "$WORK/tour.out")"
grep -q 'ATMs, host and banks agree' "$WORK/tour.out" || wrong "the tour's reconciliation does not agree"
passed
