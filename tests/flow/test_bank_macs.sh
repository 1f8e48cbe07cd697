#!/usr/bin/env bash
# MACs and PINs between atmd and banks, AES-CMAC and the retail MAC, PIN blocks of format 4 and 0, in three dialects and with the real key module: banks find wrong PINs and count them; banks whose answers have a wrong MAC are not believed, and what
# they have booked is reversed; a bank with a newer set, or with one of nobody's, goes on or stays outside; while the module is frozen or dead nothing leaves for a bank, and
# all goes on by itself once it is back. In the end ATMs, host and banks agree to the yen.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 12 --cards 10 --bank-cards 900 --banks 3 --bank-timeout-ms 1500 --bank-faults wrong-mac=0.1 --clock 2016-12-28T10:00:00+09:00,1
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"
LOG=("$WORK"/lab/log/atmd-*.log)
RUN=''
trap 'kill -9 $RUN 2>/dev/null || true; flow_end' EXIT
run=(atmsim run --closed --inquiry-rate 0.1 --repeats 2 --answer-timeout-ms 4000 --advice-pause-ms 200 --drain-seconds 60 --seed "$SEED" --cards)

logged() {
        grep -h -- "$1" "${LOG[@]}" | grep -q -- "${2:-}"
}

reconciled() {
        sql_when "the end of the queues" "NOT EXISTS (SELECT FROM saf) AND NOT EXISTS (SELECT FROM v_open)"
        expect_exit 0 atmctl reconcile --drained
        [[ $OUTPUT == *'ATMs, host and banks agree'* ]] || wrong "the three sides: $OUTPUT"
        expect_exit 0 atmctl verify
}

# The value of a bank's: bank GROUP KEY
bank() {
        banksim ctl "$1" show --csv | awk -F, -v group="$2" -v key="$3" '$2 == group && $3 == key { print $4 }'
}

link_is() {
        atmctl link list --format csv | grep -q "^$1,.*$2"
}

sql_when "the first use of each link's keys" "(SELECT count(*) FROM key_set WHERE owner_kind = 'link' AND kind = 'working' AND current_at IS NOT NULL) = 3"
expect "kinds of MAC keys" "BANKA A M6
BANKB T M3
BANKC A M6" "$(sql "SELECT owner || ' ' || substr(block[2], 8, 1) || ' ' || substr(block[2], 6, 2) FROM key_set
                    WHERE owner_kind = 'link' AND kind = 'working' AND current_at IS NOT NULL ORDER BY owner")"

# banks that are not believed now and then
expect_exit 0 "${run[@]}" "$ATM_BANK_CARDS" --withdrawals 150 --faults lost-answer=0.1,no-dispense=0.1,partial=0.1,no-pin=0.1,bad-pin=0.1 --wrong-pins 0.1
logged event=security_link_mac_wrong "another one" || wrong "no wrong MAC is in the log"
for name in BANKA BANKB BANKC; do
        (($(bank $name behaviours wrong-mac) > 0)) || wrong "$name had no wrong MAC: $(banksim ctl $name show)"
        expect "what $name found wrong" 0 "$(bank $name counts wrong_macs)"
        (($(bank $name counts reversals) > 0)) || wrong "$name was told no reversal"
done
! logged event=key_unusable || wrong "the module can't use a key: $(grep -h key_unusable "${LOG[@]}")"
reconciled
logged event=security_pin_unreadable || wrong "no PIN block that can't be read is in the log"

# a card of each bank, whose PIN is tried and then not there, one customer after the other; BANKC wants none
found() {
        awk -v code="$2" '$11 == code { n++ } END { print n + 0 }' "$BANKSIM_JOURNALS/$1.journal"
}
(umask 077 && awk -F, 'NR == 1 || !seen[$4]++' "$ATM_BANK_CARDS" >"$WORK/tried.csv")
tried=("${run[@]}" "$WORK/tried.csv" --atms 1 --amount-yen 1000 --card-uses 10 --withdrawals 30)
expect_exit 0 "${tried[@]}" --wrong-pins 1
said=$OUTPUT
for name in BANKA BANKB; do
        (($(found $name 55) >= 3 && $(found $name 75) >= 1)) || wrong "$name has found $(found $name 55) wrong PINs and $(found $name 75) too many: $said"
done
[[ $said == *"55: "*"75: "* ]] || wrong "what ATMs heard of wrong PINs: $said"
expect "wrong PINs at BANKC" 0 "$(found BANKC 55)"
expect_exit 0 "${tried[@]}" --faults no-pin=1
expect "whose PINs were missed, of $OUTPUT" "BANKA BANKB" "$(sql "SELECT string_agg(DISTINCT link, ' ' ORDER BY link) FROM withdrawal WHERE reason = reason_of('PIN_WRONG')")"
reconciled

# one that never is
banksim ctl BANKA wrong-mac >/dev/null
expect_exit 0 "${run[@]}" "$ATM_BANK_CARDS" --withdrawals 20
await "the end of a connection" logged event=link_connection_closed "wrong MAC"
banksim ctl BANKA normal >/dev/null
await "BANKA's return" link_is BANKA up
reconciled

# links change their keys while customers come: BANKA is offered a set over the line, BANKB refuses it and then asks for it; nothing is lost by that
set_of() {
        sql_when "set $2 of $1, in use alone" "(SELECT array_agg(number) FROM key_set WHERE owner = '$1' AND kind = 'working' AND retired_at IS NULL AND current_at IS NOT NULL) = '{$2}'"
        expect "the set that $1 has" "$2" "$(bank "$1" '' key_set)"
}
before=$(bank BANKA counts wrong_macs)$(bank BANKB counts wrong_macs)
"${run[@]}" "$ATM_BANK_CARDS" --seconds 3600 --cards-even --card-uses 50 </dev/null >"$WORK/change.out" 2>&1 &
RUN=$!
sql_when "customers" "(SELECT count(*) FROM saf) > 0"
banksim ctl BANKB refuse-keys >/dev/null
atmctl key generate --note trial --link BANKA >/dev/null
atmctl key generate --note trial --algorithm tdes --link BANKB >/dev/null
set_of BANKA 2
await "a bank that refuses its keys" logged event=link_keys_refused "BANKB.*DE 39 '05'"
sql_when "what people are told of it" "EXISTS (SELECT FROM sighting WHERE name = 'BANKB' AND state = 'up' AND why LIKE 'key set 2 is offered in vain%')"
expect_exit 0 atmctl key list --link BANKB --kind working --format csv
[[ $OUTPUT == *"key set 2 is offered in vain: the bank answers with DE 39 '05'"* ]] || wrong "the list of keys does not say so: $OUTPUT"
expect "the set that BANKB has" 1 "$(bank BANKB '' key_set)"
banksim ctl BANKB normal >/dev/null
banksim ctl BANKB ask-keys >/dev/null
set_of BANKB 2
approved=$(sql "SELECT count(*) FROM bank_outcome WHERE approved_at IS NOT NULL")
sql_when "withdrawals under the new sets" "(SELECT count(*) FROM bank_outcome WHERE approved_at IS NOT NULL) > $approved + 30"
kill -TERM "$RUN"
wait "$RUN" || wrong "the fleet ended with $?: $(tail -n 5 "$WORK/change.out")"
RUN=''
expect "MACs that BANKA and BANKB found wrong" "$before" "$(bank BANKA counts wrong_macs)$(bank BANKB counts wrong_macs)"
! logged "event=security_link_mac_wrong" "names a key set" || wrong "a message under a former set was not taken: $(grep -h security_link_mac_wrong "${LOG[@]}" | tail -n 3)"
reconciled
# what came over the line is there again
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --bank
"$ROOT/scripts/lab" start --dir "$WORK/lab" --bank
for name in BANKA BANKB; do
        expect "the set that $name has again" 2 "$(bank $name '' key_set)"
done

# a new set that the bank alone has begun with; and one that it has from nobody
atmctl key generate --note trial --algorithm tdes --link BANKC >/dev/null
rm "$BANKSIM_KEYS"
atmctl key export --note trial "$BANKSIM_KEYS" --link BANKA BANKB BANKC >/dev/null
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --bank
"$ROOT/scripts/lab" start --dir "$WORK/lab" --bank
# atmd begins with the set that it knows to be current; the bank has not got that any more, says so, and is understood
await "a bank that finds our MAC wrong" logged event=bank_refuses_mac BANKC
sql_when "the set that BANKC has begun with" "(SELECT count(*) FROM key_set WHERE owner_kind = 'link' AND number = 2 AND current_at IS NOT NULL) = 3
        AND (SELECT count(*) FROM key_set WHERE owner_kind = 'link' AND kind = 'working' AND number = 1 AND retired_at IS NULL) = 0"
for name in BANKA BANKB BANKC; do
        await "$name's return" link_is "$name" up
done
expect_exit 0 "${run[@]}" "$ATM_BANK_CARDS" --withdrawals 60
reconciled

# the module: frozen, killed, and there again, while customers come
"${run[@]}" "$ATM_BANK_CARDS" --seconds 3600 --cards-even --card-uses 50 </dev/null >"$WORK/run.out" 2>&1 &
RUN=$!
module=$(pgrep -f -- "--socket $ATM_KEY_MODULE ") || wrong "no key module runs"
approved() {
        sql "SELECT count(*) FROM bank_outcome WHERE approved_at IS NOT NULL"
}
before=$(approved)
sql_when "withdrawals" "(SELECT count(*) FROM bank_outcome WHERE approved_at IS NOT NULL) > $before + 50"
kill -STOP "$module"
await "a link without MACs" logged event=link_mute
sql_when "what people are told of it" "EXISTS (SELECT FROM sighting WHERE kind = 'link' AND state = 'down' AND why LIKE 'no MAC: key module away%')"
kill -CONT "$module"
await "MACs again" logged event=link_mute_over
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --keys
sql_when "what people are told of it" "EXISTS (SELECT FROM sighting WHERE kind = 'link' AND state = 'down' AND why = 'no MAC: key module away')"
before=$(approved)
"$ROOT/scripts/lab" start --dir "$WORK/lab" --keys
sql_when "withdrawals after its return" "(SELECT count(*) FROM bank_outcome WHERE approved_at IS NOT NULL) > $before + 50"
kill -TERM "$RUN"
wait "$RUN" || wrong "the fleet ended with $?: $(tail -n 5 "$WORK/run.out")"
RUN=''
reconciled
passed
