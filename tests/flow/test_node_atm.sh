#!/usr/bin/env bash
# An ATM of another make (node_atm/): in another language, with another library for ISO 8583, from docs/protocol.md and what lab.env says. It checks every
# answer's MAC and echoes by itself; here is looked at what it heard, and at what the books have of it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$ROOT/scripts/lib/npm.sh"

npm_packages "$ROOT/tests/vectors"
export NODE_PATH=$NODE_MODULES NODE_ATM_STATE=$WORK/state
flow_lab lab --atms 2 --cards 3 --banks 1 --bank-cards 3 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"

# heard TERMINAL STEPS ANSWERS: each step's answer (DE 39), or '-' of one that is none
heard() {
        local said
        # shellcheck disable=SC2086 # steps are words
        said=$("$ROOT/tests/flow/node_atm/run" "$1" $2) || wrong "the ATM gave up after: $said"
        expect "what $1 heard to '$2'" "$3" "$(awk '{ print $2 == "" ? "-" : $2 }' <<<"$said" | xargs)"
}

heard "$ATM_TERMINAL" 'withdraw=1000 sign-on echo inquire' '58 00 00 00'
heard "$ATM_TERMINAL" 'sign-on withdraw=10000 repeat complete repeat' '00 00 00 00 00'
heard "$ATM_TERMINAL" 'sign-on withdraw=2000 reverse=22 connect repeat sign-on withdraw=500' '00 00 00 - 00 00 13'
heard "$ATM_TERMINAL" 'sign-on withdraw=3000 part=1000 sign-off' '00 00 00 00'
ATM_CARDS=$ATM_BANK_CARDS heard T0000002 'sign-on withdraw=1000 repeat complete' '00 00 00 00'

# a chip: what it says reaches its bank, the bank's answer the ATM, which looks whether that is for it, and the ATM's report the bank; with a repeat nothing comes
said=$(ATM_CARDS=$ATM_BANK_CARDS "$ROOT/tests/flow/node_atm/run" T0000002 sign-on card=2 chip withdraw=2000 repeat complete) || wrong "the ATM with a chip gave up after: $said"
expect "what the bank says to the chip" "withdraw=2000 00 chip" "$(awk '/^withdraw/ { print $1, $2, $NF }' <<<"$said")"
bank_has_heard() {
        [[ $(banksim ctl BANKA show --csv | awk -F, '$3 == "chips" { print $4 }') == 2 ]]
}
await "what became of the chip, with its bank" bank_has_heard

# PINs: none, wrong, right, and as long as the card's bank allows; those of a bank behind a link it verifies by itself
heard "$ATM_TERMINAL" 'sign-on card=2 pin=none inquire pin=99999 inquire repeat pin=right inquire' '00 - - 55 - 55 55 - 00'
heard "$ATM_TERMINAL" 'sign-on card=2 pin=99999 inquire inquire inquire pin=right inquire' '00 - - 55 55 55 - 75'
ATM_CARDS=$ATM_BANK_CARDS heard T0000002 'sign-on card=3 pin=none inquire pin=99999 inquire pin=right inquire' '00 - - 55 - 55 - 00'
awk -F, 'NR == 3 { print $1 }' "$ATM_CARDS" | atmctl card unblock --card - --note trial >/dev/null
heard "$ATM_TERMINAL" 'sign-on card=2 inquire' '00 - 00'

# a MAC that is wrong, none, one that was cut: nothing comes of the message, and the third ends the connection
heard "$ATM_TERMINAL" 'sign-on mac=wrong echo withdraw=4000 mac=right echo' '00 - 98 98 - 00'
heard "$ATM_TERMINAL" 'sign-on mac=none withdraw=4000 mac=cut withdraw=4000 mac=wrong withdraw=4000 hang-up' '00 - 98 - 98 - 98 -'

# new keys by the wire, in the middle of a withdrawal; from then on the old ones are good for nothing, and an ATM that still has them can't check what it hears
atmctl key generate --terminal "$ATM_TERMINAL" --note trial >/dev/null
says() {
        [[ $("$ROOT/tests/flow/node_atm/run" "$ATM_TERMINAL" echo 2>&1) == *"$1" ]]
}
await "word of the newer set" says 'echo 00 newer=2'
heard "$ATM_TERMINAL" 'sign-on withdraw=5000 change-keys repeat complete repeat change-keys' '00 00 00 00 00 00 00'
await "the end of that word" says 'echo 00'
NODE_ATM_STATE=$WORK/older await "the end of the old set" says 'an answer under the key set 2, not 1'

# keys of the other kind: MACs of ISO 9797-1, PIN blocks of format 0 in DE 52
atmctl key generate --terminal T0000002 --algorithm tdes --note trial >/dev/null
ATM_TERMINAL=T0000002 await "word of the TDES keys" says 'echo 00 newer=2'
heard T0000002 'sign-on card=3 change-keys inquire pin=9999 inquire pin=right withdraw=6000 repeat complete mac=cut echo' '00 - 00 00 - 55 - 00 00 00 - 98'
ATM_CARDS=$ATM_BANK_CARDS heard T0000002 'sign-on card=3 pin=99999 inquire pin=right inquire' '00 - - 55 - 00'

# what the books have of it, and that all three sides have the same
expect "its withdrawals" 'T0000001 500 0 declined 13,T0000001 2000 0 reversed 00,T0000001 3000 1000 completed 00,T0000001 5000 5000 completed 00,T0000001 10000 10000 completed 00,T0000002 1000 1000 completed 00,T0000002 2000 2000 completed 00,T0000002 6000 6000 completed 00' \
        "$(atmctl withdrawal list --format csv | perl -F, -lane '@n = @F, next if $. == 1; @f{@n} = @F;
                print join " ", @f{qw(terminal amount_yen dispensed_yen state de39)}' | sort -k 1,1 -k 2,2n | paste -s -d ,)"
sql_when "the bank's answers to all notices" "NOT EXISTS (SELECT FROM saf)"
expect_exit 0 atmctl reconcile --atm-journals "$NODE_ATM_STATE"/* --bank-journals "$BANKSIM_JOURNALS" --drained
[[ $OUTPUT == *"13 withdrawals of 2 ATMs and 1 bank, 25000 yen: ATMs, host and banks agree"* ]] || wrong "the reconciliation says: $OUTPUT"
printf 'terminal,counted_yen\nT0000002,10000\n' >"$NODE_ATM_STATE/T0000002/dispensers.csv"
expect_exit 1 atmctl reconcile --atm-journals "$NODE_ATM_STATE"/* --bank-journals "$BANKSIM_JOURNALS" --drained
[[ $OUTPUT == *"total: T0000002: in all its dispenser counted 10000 yen, its journal has 9000"* ]] || wrong "cash that nobody knows of: $OUTPUT"
printf 'terminal,counted_yen\nT0000002,4000.5\n' >"$NODE_ATM_STATE/T0000002/dispensers.csv"
expect_exit 1 atmctl reconcile --atm-journals "$NODE_ATM_STATE"/* --bank-journals "$BANKSIM_JOURNALS" --drained
[[ $OUTPUT == *"dispensers.csv:2: column counted_yen: expected a whole number"* ]] || wrong "a counter that is none: $OUTPUT"
expect_exit 0 atmctl verify
passed
