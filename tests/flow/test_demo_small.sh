#!/usr/bin/env bash
# The demo with few ATMs and seconds: it agrees, says so, prints its reports and leaves nothing behind. As
# root it is also run as an ordinary user, from a copy that this user may read and not write; and too fast for the machine, which is busy.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

check_output() {
        local words
        for words in 'Commission by area' 'Commission by day' 'The ten best halls' BANKA BANKB BANKC \
                'ATMs, host and banks agree' 'of 27 ATMs changed their keys meanwhile' 2016-12-29 2016-12-30 2016-12-31 \
                'agree to the yen'; do
                [[ $OUTPUT == *"$words"* ]] || wrong "the demo does not print '$words': $OUTPUT"
        done
        check_answers
}

# Whatever the machine does beside it, nobody is refused because of the time: 27 ATMs are those whose halls are never closed, and the network is open
# while customers come. But a day is some seconds: who stands behind an ATM that waits for a bank may have used his card elsewhere on two later days,
# and of the day on which he came its row knows nothing more (58). One in 2,000 was so; a clock that ran ahead had 134.
check_answers() {
        local answers
        answers=$(sed -n 's/^answers  *//p' <<<"$OUTPUT")
        awk '{ for (i = 1; i < NF; i += 2) { all += $(i + 1); if ($i == "58:") late = $(i + 1) } } END { exit !($1 == "00:" && late * 400 <= all) }' <<<"$answers" ||
                wrong "the demo refuses by the clock: $answers"
}

STARTED=()
trap 'kill "${STARTED[@]}" 2>/dev/null || true; flow_end' EXIT
export TMPDIR=$WORK/temporary
mkdir "$TMPDIR"
expect_exit 0 "$ROOT/scripts/demo" --atms 27 --seconds 10 --seed "$((SEED % 1000000000))"
check_output
[[ $OUTPUT == *"and 2 banks, over their links"* ]] || wrong "not both banks have new keys: $(grep 'over their links' <<<"$OUTPUT")"
[[ $OUTPUT == *"27 of 27 ATMs changed their keys"* ]] || wrong "not all ATMs have new keys: $(grep 'changed their keys' <<<"$OUTPUT")"
expect "left behind" "" "$(ls "$TMPDIR")"
expect_exit 2 "$ROOT/scripts/demo" --atms many
expect_exit 2 "$ROOT/scripts/demo" --fast
expect_exit 2 "$ROOT/scripts/demo" --replay 2016-02-30
expect_exit 2 "$ROOT/scripts/demo" --replay 2007-06-30
expect_exit 2 "$ROOT/scripts/demo" --days 3
expect_exit 2 "$ROOT/scripts/demo" --replay 2016-12-01 --days 93
expect_exit 0 "$ROOT/scripts/demo" --help

demo=("$ROOT/scripts/demo")
if ((EUID == 0)); then
        chmod 755 "$WORK"
        chmod 1777 "$TMPDIR"
        mkdir -p "$WORK/copy/build/bin"
        cp -r "$ROOT/scripts" "$ROOT/etc" "$WORK/copy/"
        for program in "${PROGRAMS[@]}"; do
                cp "$(build_folder "$ATM_PRESET")/bin/$program" "$WORK/copy/build/bin/"
        done
        touch "$WORK/copy/build/build.ninja"
        demo=(env ATM_PRESET=release runuser -u nobody -- "$WORK/copy/scripts/demo")
fi

# Three days in three seconds are more than any machine can carry: the clock waits for it.
expect_exit 0 "${demo[@]}" --atms 27 --seconds 3
check_output
stands=$(sed -n 's/^clock  *stood still \([0-9]*\) times.*/\1/p' <<<"$OUTPUT")
((${stands:-0} > 0)) || wrong "the clock has not waited for the machine: $OUTPUT"
passed
