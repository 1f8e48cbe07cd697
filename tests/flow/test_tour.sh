#!/usr/bin/env bash
# The README's tours do what they say: their commands are run as they stand, only in folders of this test, and the
# history of the second at a smaller scale.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# tour NAME FIRST LAST FOLDER: the indented lines between two lines of the README that begin so.
tour() {
        LABS+=("$WORK/$1")
        {
                echo 'set -ex'
                sed -n "/^$2/,/^$3/s/^    //p" "$ROOT/README.md" | sed -e "s|$4|$WORK/$1|g" -e 's/--scale 0\.01 .*/--scale 0.001/' \
                        -e "s|/tmp/3Q16|$WORK/3Q16|"
        } >"$WORK/$1.sh"
        (($(wc -l <"$WORK/$1.sh") > 8)) || wrong "no tour '$2' found in README.md"
        (cd "$ROOT" && bash "$WORK/$1.sh") >"$WORK/$1.out" 2>&1 || wrong "the tour '$2' ends with: $(tail -n 15 "$WORK/$1.out")"
}

tour lab "## A tour" "## Measured" /tmp/lab
grep -q 'ATMs, host and banks agree' "$WORK/lab.out" || wrong "the tour's reconciliation does not agree"
tour years "## Two fiscal years" "At scale 1" /tmp/years
grep -q "history: [0-9]* of the scenario's 1066 ATMs" "$WORK/years.out" || wrong "the tour does not say how many ATMs the history has"
grep -q '3Q16 is closed' "$WORK/years.out" || wrong "the tour closes no quarter"
[[ $(head -c 5 "$WORK/3Q16.pdf") == %PDF- ]] || wrong "the tour makes no PDF"
passed
