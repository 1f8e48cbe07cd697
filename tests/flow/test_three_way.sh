#!/usr/bin/env bash
# Three-way reconciliation of journals made by hand: ten withdrawals on which ATM, host and banks agree; then
# each of the three sides is altered in turn, and each alteration must be named, with what all three say. And recovery: the database
# as it was at each moment on the way there becomes what it is in the end, by two persons' word.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

build_programs make_journals || exit 1

export PATH=$BIN:$PATH PGDATABASE=atm_three_way LC_ALL=C.UTF-8
unset ATM_JOURNAL BANKSIM_JOURNALS ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED
DATABASE=$PGDATABASE
cd "$WORK"
T=T0000002

token() {
        printf 'card %s' "$1" | md5sum | cut -d' ' -f1
}

says() {
        local text
        for text in "$@"; do
                [[ $OUTPUT == *"$text"* ]] || wrong "'$text' is not said: $OUTPUT"
        done
}

# json JSON SQL: a value from JSON as (:'j')::jsonb
# shellcheck disable=SC2016 # psql runs the command in backticks
json() {
        printf '%s' "$1" >"$WORK/j.json"
        printf '\\set j `cat %s`\nSELECT %s;\n' "$WORK/j.json" "$2" |
                PGUSER=postgres PGDATABASE=postgres psql -X -A -t -q -v ON_ERROR_STOP=1
}

# stories FIRST_MOMENT: rows of make_journals from lines like those below.
stories() {
        local stan answer paid advice bank story
        local -A head=([-]=990001 [BANKA]=990011 [BANKB]=990012)
        while read -r stan answer paid advice bank story; do
                printf '%s %d %s:%02d:00+09:00 10000 108 %s %s %s %d %s %s %s\n' "$T" "$stan" "$1" "$stan" "$(token "$stan")" \
                        "${head[$bank]}******1234" "$answer" "$paid" "$advice" "$bank" "$story"
        done
}

# The journals: STAN, what the ATM heard, paid, told the host; whom the host asked, what the bank saw.
# 1 the house bank's. 2 all dispensed, 3 in part, 4 nothing. 5 declined by its bank. 6 timed out: the bank
# approved unheard, its reversal came. 7 of another bank. 8 timed out: the 0200 never came to the bank. 9 no
# answer in time for the ATM, which reversed it while its bank was asked. 10 refused by ourselves.
stories 2017-02-01T10 >rows.txt <<'ROWS'
1 00 10000 0220 - -
2 00 10000 0220 BANKA ask,10000
3 00 9000 0420 BANKA ask,-9000
4 00 0 0420 BANKA ask,-0
5 51 0 - BANKA poor
6 91 0 - BANKA ask,-0
7 00 10000 0220 BANKB ask,10000
8 91 0 - BANKB -0
9 - 0 0420 BANKA ask,-0
10 58 0 - - -
ROWS
make_journals . <rows.txt >decided.txt

# The database, through the ledger's own functions.
PGDATABASE=postgres sql "CREATE DATABASE $DATABASE" >/dev/null
atmctl db init --clock-now 2017-02-01 >/dev/null
cluster_person
for pair in area:areas hall:halls atm:atms issuer:issuers tax:tax_rates tariff:tariffs prefix:prefixes holiday:holidays limit:limits hours:hours; do
        PGUSER=$CLUSTER_PERSON atmctl "${pair%:*}" import --note trial "$ROOT/etc/${pair#*:}.csv" >/dev/null
done
export PGUSER=$CLUSTER_PERSON
declare -A prefix=([BANKA]=990011 [BANKB]=990012)
for issuer in BANKA BANKB; do
        atmctl issuer add $issuer --name $issuer --link $issuer >/dev/null
        atmctl tariff add --note trial $issuer day 2016-01-01 --customer-fee-yen 100 --interbank-fee-yen 90 >/dev/null
        atmctl tariff add --note trial $issuer other 2016-01-01 --customer-fee-yen 200 --interbank-fee-yen 90 >/dev/null
        atmctl prefix add "${prefix[$issuer]}" 2016-01-01 --issuer $issuer >/dev/null
done
# Each \\i moment.sql keeps the database as it is then.
MOMENTS=(nothing asked decided "half told" unacknowledged)
moment() {
        printf '\\c postgres\nCREATE DATABASE "%s" TEMPLATE %s;\n\\c %s\nSET TIME ZONE '\''Asia/Tokyo'\'';\n' "$1" "$DATABASE" "$DATABASE"
}
PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 >/dev/null < <(
        cat <<'SQL'
SET TIME ZONE 'Asia/Tokyo';
CREATE TABLE d (terminal text, stan integer, de39 text, approval text);
\copy d FROM 'decided.txt' DELIMITER ' ' NULL '-'
CREATE TABLE b AS
SELECT i, 'T0000002'::text AS terminal, TIMESTAMPTZ '2017-02-01 10:00:00+09' + make_interval(mins => i) AS at, i AS stan,
       md5('card ' || i)::uuid AS card_token, h.hall, h.share_bp,
       CASE WHEN i = 1 THEN NULL WHEN i IN (7, 8) THEN 'BANKB' WHEN i < 10 THEN 'BANKA' END AS link,
       (SELECT approval FROM d WHERE stan = i) AS approval
FROM generate_series(1, 10) i, (SELECT hall, share_bp FROM atm JOIN hall USING (hall) WHERE terminal = 'T0000002') h;
INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm) SELECT card_token, 'HOUSE', '990001******1234', '3012' FROM b WHERE i IN (1, 10);
UPDATE card SET opening_yen = 1000000, balance_yen = 1000000 WHERE card_token IN (SELECT card_token FROM b WHERE i IN (1, 10));
SQL
        moment nothing
        cat <<'SQL'
SELECT ledger_request((SELECT version FROM reference_version), array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg(10000), array_agg(10000::bigint), array_agg(card_token), array_agg(CASE WHEN link IS NULL THEN '990001' WHEN link = 'BANKA' THEN '990011' ELSE '990012' END || '******1234'),
        array_agg('3012'::text), array_agg(coalesce(link, 'HOUSE')), array_agg('day'::text), array_agg(hall), array_agg(at::date),
        array_agg('2017-02-01'::date), array_agg(CASE WHEN link IS NULL THEN '2007-07-01' ELSE '2016-01-01' END::date),
        array_agg(800), array_agg(100::bigint), array_agg(8::bigint),
        array_agg(CASE WHEN link IS NULL THEN 100 ELSE 90 END::bigint), array_agg(CASE WHEN link IS NULL THEN 8 ELSE 7 END::bigint),
        array_agg(CASE WHEN link IS NULL THEN 200 ELSE 190 END::bigint * share_bp / 10000), array_agg(30000::bigint), array_agg(80000::bigint),
        array_agg(2::bigint),
        array_agg((CASE WHEN i = 10 THEN 10 ELSE 0 END)::smallint), array_agg('123456'::text), array_agg(link), array_agg(0::smallint), array_agg(NULL::text), 90000) FROM b;
SQL
        moment asked
        cat <<'SQL'
SELECT ledger_outcome(array_agg(terminal), array_agg(at), array_agg(stan),
        array_agg((CASE WHEN i = 5 THEN 26 WHEN i IN (6, 8) THEN 25 ELSE 0 END)::smallint),
        array_agg(CASE WHEN i NOT IN (5, 6, 8) THEN approval END), array_agg(CASE WHEN i = 5 THEN '51' WHEN i NOT IN (6, 8) THEN '00' END),
        array_agg(CASE WHEN i IN (6, 8) THEN 'timeout' ELSE 'answer' END)) FROM b WHERE i BETWEEN 2 AND 8;
SQL
        moment decided
        cat <<'SQL'
CREATE FUNCTION tell(p_stans integer[]) RETURNS TABLE (r_what text) LANGUAGE sql AS $$
SELECT a.r_what FROM (SELECT array_agg(terminal) AS terminals, array_agg(at) AS moments, array_agg(stan) AS stans,
        array_agg(CASE WHEN i IN (1, 2, 7) THEN 'completion' ELSE 'reversal' END) AS kinds, array_agg(at + INTERVAL '40 s') AS at, array_agg(stan + 1000) AS own,
        array_agg(CASE WHEN i NOT IN (1, 2, 7) THEN '22' END) AS why, array_agg(10000::bigint) AS yen,
        array_agg((CASE WHEN i = 3 THEN 9000 WHEN i IN (1, 2, 7) THEN 10000 ELSE 0 END)::bigint) AS dispensed FROM b WHERE i = ANY (p_stans)) o
CROSS JOIN LATERAL ledger_advice(o.terminals, o.moments, o.stans, o.kinds, o.at, o.own, o.why, o.yen, o.dispensed, 300000) a
$$;
SELECT tell('{1, 3, 9}');
SQL
        moment 'half told'
        echo "SELECT tell('{2, 4, 7}');"
        moment unacknowledged
        cat <<'SQL'
SELECT saf_end(array_agg(terminal), array_agg(transmitted_at), array_agg(stan), array_agg(seq), array_agg('done'::text), array_agg('00'::text)) FROM saf;
SQL
)
expect_exit 0 atmctl verify

# usage, and folders that are none ----------------------------------------------------------------------

R=(atmctl reconcile --atm-journals atm --bank-journals banks)
expect_exit 2 atmctl reconcile
says "--atm-journals is missing" ATM_JOURNAL
expect_exit 2 "${R[@]}" --json --format json
says "expected one of them"
expect_exit 1 atmctl reconcile --atm-journals nowhere
says "nowhere: there is no such folder"
expect_exit 1 atmctl reconcile --atm-journals banks --bank-journals banks
says "there is no journal in it"
expect_exit 1 atmctl reconcile --atm-journals atm --bank-journals nowhere
says "nowhere: No such file or directory"
expect_exit 1 atmctl reconcile --atm-journals atm --bank-journals banks banks
says "a bank has one"

# all three agree -----------------------------------------------------------------------------------------

expect_exit 0 "${R[@]}" --drained
says "10 withdrawals of 1 ATM and 2 banks, 39000 yen: ATMs, host and banks agree" \
        "BANKA: 6 withdrawals, 19216 yen debited and kept" "BANKB: 2 withdrawals, 10108 yen debited and kept"
expect_exit 0 env ATM_JOURNAL=atm BANKSIM_JOURNALS=banks atmctl reconcile --json --drained
expect "as JSON" "10 0 39000 1 BANKA 6 19216 0" "$(json "$OUTPUT" "concat_ws(' ', j ->> 'withdrawals', j ->> 'unfinished', j ->> 'cash_yen', j ->> 'terminals', j #>> '{banks,0,bank}', j #>> '{banks,0,withdrawals}', j #>> '{banks,0,held_yen}', jsonb_array_length(j -> 'differences')) FROM (SELECT (:'j')::jsonb AS j) x")"
expect_exit 0 atmctl reconcile --atm-journals atm
says "10 withdrawals of 1 ATM, 39000 yen: ATMs and host agree"
expect "what the journals earn, in Japanese" "日 出金件数 出金額（円） 利用者手数料（円） 銀行間手数料（円） 消費税等（円） 手数料収入（円） 2017年2月1日 合計" \
        "$(atmctl report journals --atm-journals atm --lang ja 2>/dev/null | awk 'NR == 1 { print } NR > 1 { print $1 }' | xargs)"
# a desk's share of it
HALL=$(sql "SELECT hall FROM atm WHERE terminal = '$T'")
OTHER=$(sql "SELECT min(hall) FROM hall WHERE hall <> '$HALL'")
for share in "--bank BANKA=6 withdrawals of 1 ATM and 1 bank, 19000 yen" "--bank BANKB=2 withdrawals of 1 ATM and 1 bank, 10000 yen" \
        "--date 2017-02-01=10 withdrawals of 1 ATM and 2 banks, 39000 yen" "--date 2017-01-31=0 withdrawals of 0 ATMs" \
        "--hall $HALL=10 withdrawals" "--hall $OTHER=0 withdrawals" "--hall $HALL --bank BANKB --date 2017-02-01=2 withdrawals"; do
        # shellcheck disable=SC2086 # options
        expect_exit 0 "${R[@]}" --drained ${share%=*}
        says "${share#*=}"
done
expect_exit 1 "${R[@]}" --bank BANKX
says "bank BANKX: no issuer has that link, and no journal is that bank's"
expect_exit 1 "${R[@]}" --hall H99999
says "hall H99999: there is no such hall"
mv banks/BANKB.journal .
expect_exit 1 "${R[@]}" --format csv
expect "a bank that says nothing" "not-at-bank not-at-bank" "$(sed 1d <<<"$OUTPUT" | grep -v ^atmctl | cut -d, -f1 | xargs)"
mv BANKB.journal banks/

# each side altered ------------------------------------------------------------------------------------------

# named "what" STAN NAME...: the lines, each with its other reasons behind it, and that the withdrawal is shown with the views of all three
named() {
        local what=$1 stan=$2 found status=0
        shift 2
        found=$("${R[@]}" --drained --json 2>err.txt) || status=$?
        expect "exit code after altering $what ($(cat err.txt))" 1 "$status"
        expect "what is said of $what" "$*" "$(json "$found" "string_agg(concat_ws('+', d ->> 'what', (SELECT string_agg(a, '+' ORDER BY m) FROM jsonb_array_elements_text(d -> 'also') WITH ORDINALITY f (a, m))), ' ' ORDER BY n) FROM jsonb_array_elements((:'j')::jsonb -> 'differences') WITH ORDINALITY e (d, n)")"
        OUTPUT=$("${R[@]}" --drained 2>&1) || true
        [[ -n $stan ]] || return 0
        expect "whom it is said of, after altering $what" "$stan" "$(json "$found" "string_agg(DISTINCT d ->> 'stan', ' ') FROM jsonb_array_elements((:'j')::jsonb -> 'differences') d WHERE d ? 'stan'")"
        expect "all three views of $what" t "$(json "$found" "bool_and(d ? 'atm' AND d ? 'host' AND d ? 'bank' AND jsonb_typeof(d -> '${SIDE:-host}') = '${FORM:-object}') FROM jsonb_array_elements((:'j')::jsonb -> 'differences') d WHERE d ? 'stan'")"
        says "    ATM:  " "    host: " "    bank: "
}

# sealed: lines on standard input without their checksums, each with one
sealed() {
        local line
        while IFS= read -r line; do
                printf '%s %s\n' "$line" "$(printf '%s' "$line" | gzip -c | tail -c 8 | head -c 4 | od -An -t x4 --endian=little | tr -d ' ')"
        done
}
# in_file FILE SED: lines changed, checksums made anew, header lines of the ATMs left alone
in_file() {
        cp "$1" "$1.kept"
        {
                grep '^atmsim journal' "$1.kept" || true
                grep -v '^atmsim journal' "$1.kept" | sed -E 's/ [0-9a-f]{8}$//' | sed -E "$2" | sealed
        } >"$1"
}
restored() {
        local file
        for file in atm/*.kept banks/*.kept; do
                [[ ! -e $file ]] || mv "$file" "${file%.kept}"
        done
        expect_exit 0 "${R[@]}" --drained
}
ATM=atm/atmsim-000001.journal A=banks/BANKA.journal
in_file $ATM ''
cmp -s $ATM $ATM.kept || wrong "checksums are not made as the ATMs make them"
in_file $A ''
cmp -s $A $A.kept || wrong "checksums are not made as the banks make them"
rm atm/*.kept banks/*.kept

# the gallery's desk: at half past six on that day, by every clock, BANKB is away, BANKA would not book how a withdrawal ended,
# a card-holder misses notes, and an ATM's journal has less than the books
sql "CREATE DATABASE atm_gallery TEMPLATE $DATABASE" >/dev/null
PGDATABASE=atm_gallery PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE OR REPLACE FUNCTION real_now_ms() RETURNS bigint LANGUAGE sql AS $$SELECT 1485941400000$$;
SELECT sightings_write('one@tokyo', '{link,link}', '{BANKA,BANKB}', '{up,down}', '{30600000,754000}', '{4000,771000}',
        ARRAY[NULL, 'no connection to bankb.example:7001: connection refused']);
SELECT sightings_write('two@osaka', '{link,link}', '{BANKA,BANKB}', '{up,down}', '{30600000,749000}', '{9000,771000}',
        ARRAY[NULL, 'no connection to bankb.example:7001: connection refused']);
INSERT INTO exception_record SELECT terminal, transmitted_at + INTERVAL '40 s', stan, 'bank', transmitted_at, stan, 'partial answered 12', 10000, 9000
        FROM withdrawal WHERE stan = 3;
UPDATE bank_ack SET attempts = 1, acknowledged_ms = 1485910844000 + stan * 60000;
INSERT INTO claim SELECT 1, terminal, transmitted_at, stan, 3000, '2017-02-01 17:48:00+09', true FROM withdrawal WHERE stan = 7;
SQL
(
        export PGDATABASE=atm_gallery ATM_JOURNAL=atm BANKSIM_JOURNALS=banks
        export ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED=1
        ATM_CLOCK_START_MS=$(sql "SELECT real_now_ms()")
        ATM_CLOCK_ANCHOR_MS=$(now_ms)
        in_file $ATM '/^V T0000002 001002 /s/ 10000 000002 / 9000 000002 /'
        in_file $A '/^partial BANKA T0000002 000003 /s/ 9000 00 ([^ ]+ [^ ]+) 1000 ([0-9]+) - / 9000 12 \1 0 \2 refused /'
        as_instance one
        one=$AS_INSTANCE
        as_instance two
        gallery_terminal "atmctl link list --columns link,state,state_s,up_at,seen_by,seen_s,heard_s,waiting,refused,why"
        kill "$one" "$AS_INSTANCE"
        # two days later: ages in hours, however slow this machine is
        ATM_CLOCK_START_MS=$((ATM_CLOCK_START_MS + 2 * 86400000)) gallery_terminal "atmctl exception list"
        gallery_terminal "atmctl reconcile --drained"
        gallery_terminal "atmctl withdrawal show --terminal $T --stan 3"
)
restored
[[ -z ${ATM_GALLERY:-} ]] || passed # scripts/gallery asks for no more

# the ATM's side
in_file $ATM '/^V T0000002 001002 /s/ 10000 000002 / 9000 000002 /'
named "what the ATM's journal dispensed" 2 "total dispensed"
says "total: $T: in all its dispenser counted 39000 yen, its journal has 38000, the database 39000: -1000 yen by the withdrawals below, 1000 by none" \
        "the ATM dispensed 9000 yen, the database has 10000 (cash -1000)"
# with what is left out by an option, an ATM's journal stands for its dispenser
OUTPUT=$("${R[@]}" --bank BANKA) && wrong "a difference of the bank that is asked for"
says "total: $T: of what was asked for its journal has 18000 yen, the database 19000: -1000 yen by the withdrawals below" "1 difference"
expect_exit 0 "${R[@]}" --bank BANKB
# people put it right elsewhere: it is settled until our books of it change
expect_exit 0 atmctl exception resolve --terminal $T --stan 2 --dispensed 9000 --elsewhere --note "the bank credits 1000"
expect_exit 1 "${R[@]}" --drained
says "settled: $T 2017-02-01T10:02:00+09:00 000002: the ATM dispensed 9000 yen, the database has 10000 (cash -1000, also dispensed)" \
        "    settled by $CLUSTER_PERSON/$(id -un) at " ": the bank credits 1000" "1 difference; 1 settled by people"
expect_exit 0 "${R[@]}" --bank BANKA
says "no other differences; 1 settled by people"
# of a day of generated business nothing is compared, and that is said
sql "INSERT INTO history_run VALUES ('quiet', repeat('0', 64), 1, '0.01', '2016-12-01', '2016-12-31', 11, 1066, true)" >/dev/null
expect_exit 0 "${R[@]}" --date 2016-12-31
says "nothing to compare" "left out: 2016-12-31, of which business was generated and has no journals"
expect_exit 0 "${R[@]}" --bank BANKA --json
expect "generated days as JSON" "2016-12-01 to 2016-12-31" "$(json "$OUTPUT" "j ->> 'generated' FROM (SELECT (:'j')::jsonb AS j) x")"
sql "DELETE FROM history_run" >/dev/null
expect_exit 0 "${R[@]}" --bank BANKA --json
expect "as JSON" "0 1 dispensed the bank credits 1000" "$(json "$OUTPUT" "concat_ws(' ', jsonb_array_length(j -> 'differences'), jsonb_array_length(j -> 'settled'), j #>> '{settled,0,also,0}', j #>> '{settled,0,settled,note}') FROM (SELECT (:'j')::jsonb AS j) x")"
expect_exit 0 "${R[@]}" --bank BANKA --format csv
says 'settled,T0000002,2017-02-01T10:02:00+09:00,000002,' ",dispensed,-1000,0,$HALL,"
expect_exit 0 atmctl verify
sql "UPDATE advice SET counted_yen = 8000 WHERE stan = 2" >/dev/null
expect_exit 1 "${R[@]}" --bank BANKA
sql "UPDATE advice SET counted_yen = 10000 WHERE stan = 2; DELETE FROM trail WHERE noun = 'withdrawal'" >/dev/null
restored
in_file $ATM '/^Q T0000002 000005 /s/ 10000 / 11000 /'
named "what the ATM asked for" 5 amount
restored
in_file $ATM '/^A T0000002 000005 /s/ 51 / 61 /'
named "what the ATM heard" 5 de39
restored
in_file $ATM '/^A T0000002 000003 /s/ 108 / 110 /'
named "the charge on the ATM's slip" 3 fee
restored
in_file $ATM '/^K T0000002 001007 /d'
named "the ATM's acknowledgement" 7 unfinished
expect_exit 0 "${R[@]}"
says "agree; 1 more is under way"
restored
in_file $ATM '/000004 20170201/d'
FORM=object named "a withdrawal that the ATM's journal lost" 4 only-in-database
restored
cp $ATM $ATM.kept
sed -i -E '/^V T0000002 001002 /s/ 10000 000002 / 9000 000002 /' $ATM
named "a line of the ATM's journal" "" journal-line journal-record total unfinished
says "atmsim-000001.journal:8: the checksum is wrong"
restored

# the host's side
altered() {
        local what=$1 do=$2 undo=$3
        shift 3
        sql "$do" >/dev/null
        named "$what" "$@"
        sql "$undo" >/dev/null
        expect_exit 0 "${R[@]}" --drained
}
altered "the cash that the host has" "UPDATE advice SET counted_yen = 9000 WHERE stan = 2" \
        "UPDATE advice SET counted_yen = 10000 WHERE stan = 2" 2 "total dispensed+bank-held+bank-dispensed"
altered "the amount that the host has" "UPDATE withdrawal SET amount_yen = 11000 WHERE stan = 3" \
        "UPDATE withdrawal SET amount_yen = 10000 WHERE stan = 3" 3 amount+bank-amount
altered "the card that the host has" "UPDATE withdrawal SET card_token = md5('other')::uuid WHERE stan = 7" \
        "UPDATE withdrawal SET card_token = md5('card 7')::uuid WHERE stan = 7" 7 card+bank-card
altered "the host's outcome" "UPDATE bank_outcome SET reason = 0, approval_code = '1', bank_de39 = '00' WHERE stan = 5" \
        "UPDATE bank_outcome SET reason = 26, approval_code = NULL, bank_de39 = '51' WHERE stan = 5" 5 state+bank-de39+bank-approval
altered "the end that the host has" "UPDATE advice SET state = 'reversed', counted_yen = 0 WHERE stan = 7; UPDATE commission SET customer_fee_yen = 0, customer_tax_yen = 0, interbank_fee_yen = 0, interbank_tax_yen = 0 WHERE stan = 7" \
        "UPDATE advice SET state = 'completed', counted_yen = 10000 WHERE stan = 7; UPDATE commission SET customer_fee_yen = 100, customer_tax_yen = 8, interbank_fee_yen = 90, interbank_tax_yen = 7 WHERE stan = 7" \
        7 "total state+dispensed+bank-held+bank-dispensed+fee"
altered "the price that the host has" "UPDATE withdrawal SET customer_fee_yen = 102 WHERE stan = 4" \
        "UPDATE withdrawal SET customer_fee_yen = 100 WHERE stan = 4" 4 bank-charge
altered "what the host has yet to say" "INSERT INTO saf SELECT terminal, transmitted_at, stan, seq, link, 1, 1 FROM bank_notice WHERE stan = 4" \
        "DELETE FROM saf" 4 unfinished
altered "the bank that the host asked" "UPDATE withdrawal SET link = 'BANKB' WHERE stan = 9" \
        "UPDATE withdrawal SET link = 'BANKA' WHERE stan = 9" 9 only-at-bank+not-at-bank
SIDE=host FORM=null altered "a withdrawal that the host lost" "CREATE TABLE gone AS SELECT * FROM withdrawal WHERE stan = 4; DELETE FROM withdrawal WHERE stan = 4" \
        "INSERT INTO withdrawal SELECT * FROM gone; DROP TABLE gone" 4 only-in-journal+only-at-bank

# the bank's side
in_file $A '/^withdrawal BANKA T0000002 000002 /s/ -10108 / -10109 /'
named "what the bank debited" 2 bank-held
says "(bank +1)" "BANKA: 6 withdrawals, 19217 yen debited and kept, 19216 by what the database has: +1 by 1 of the withdrawals above"
restored
in_file $A '/^withdrawal BANKA T0000002 000003 /s/ 10000 108 0 00 / 12000 108 0 00 /'
named "what the bank was asked for" 3 bank-amount
restored
in_file $A '/^withdrawal BANKA T0000002 000003 /s/ 10000 108 0 00 / 10000 110 0 00 /'
named "the charge that the bank was asked for" 3 bank-charge
restored
in_file $A '/^withdrawal BANKA T0000002 000005 /s/ 51 / 14 /'
named "what the bank answered" 5 bank-de39
restored
in_file $A "/^withdrawal BANKA T0000002 000002 /s/$(token 2)/$(token 3)/"
named "the card that the bank debited" 2 bank-card
restored
in_file $A '/^withdrawal BANKA T0000002 000002 /s/ 703210000002 / 703210000009 /'
named "the bank's reference number" 2 bank-rrn
restored
in_file $A '/^completion BANKA T0000002 000002 /d'
named "what the bank was told" 2 bank-untold
restored
in_file $A '/^reversal BANKA T0000002 000006 /d'
named "a reversal that the bank lost" 6 bank-held+bank-untold
restored
in_file $A '/^partial BANKA T0000002 000003 /s/ 9000 00 / 8000 00 /'
named "the cash that the bank was told of" 3 bank-dispensed
restored
# what the bank would not book is a difference, unless an exception says just that; then it is said, and counted apart
in_file $A '/^partial BANKA T0000002 000003 /s/ 9000 00 ([^ ]+ [^ ]+) 1000 ([0-9]+) - / 9000 12 \1 0 \2 refused /'
named "a notice that the bank would not book" 3 bank-refused+bank-held+bank-untold
says "did not book it; no exception says so"
sql "INSERT INTO exception_record SELECT terminal, transmitted_at, stan, 'bank', transmitted_at, stan, 'partial answered 05', 10000, 9000 FROM withdrawal WHERE stan = 3" >/dev/null
named "a notice that the bank would not book, and another exception" 3 bank-refused+bank-held+bank-untold
sql "UPDATE exception_record SET what = 'partial answered 12'" >/dev/null
expect_exit 0 "${R[@]}" --drained
says "explained: $T" "keeps 10108 yen; by what the database has it should be 9108" "no other differences; 1 known, by exceptions that are not dealt with yet"
expect_exit 0 "${R[@]}" --drained --json
expect "as JSON" "0 explained 3" "$(json "$OUTPUT" "concat_ws(' ', jsonb_array_length(j -> 'differences'), j #>> '{explained,0,what}', j #>> '{explained,0,stan}') FROM (SELECT (:'j')::jsonb AS j) x")"
dealt_with() {
        sql "INSERT INTO exception_resolution SELECT terminal, advice_at, advice_stan, kind, transmitted_at, stan, what, 1 FROM exception_record" >/dev/null
        expect_exit 0 "${R[@]}" --drained
        says "settled: $T" "and dealt with" "no other differences; 1 settled by people"
        [[ $OUTPUT != *explained* && $OUTPUT != *known* ]] || wrong "people have dealt with it: $OUTPUT"
        sql "DELETE FROM exception_resolution; DELETE FROM exception_record" >/dev/null
}
dealt_with
restored
# so is an ATM's word that the books did not follow
sql "UPDATE advice SET counted_yen = 9000 WHERE stan = 1" >/dev/null
sql "INSERT INTO exception_record SELECT terminal, transmitted_at, 1005, 'reversal', transmitted_at, stan, 'settled', 10000, 8000 FROM withdrawal WHERE stan = 1" >/dev/null
SIDE=atm named "cash of which the ATM said something else" 1 "total dispensed"
sql "UPDATE exception_record SET dispensed_yen = 10000, what = 'corrected'" >/dev/null
SIDE=atm named "cash that was corrected, as an exception says, and was not" 1 "total dispensed"
sql "UPDATE exception_record SET what = 'settled'" >/dev/null
expect_exit 0 "${R[@]}" --drained
says "explained: $T" "dispensed 10000 yen, the database has 9000: known, the ATM's word is an exception ('settled') that is not dealt with yet" \
        "no other differences; 1 known, by exceptions that are not dealt with yet"
dealt_with
sql "UPDATE advice SET counted_yen = 10000 WHERE stan = 1" >/dev/null
expect_exit 0 "${R[@]}" --drained
in_file $A '/^reversal BANKA T0000002 000004 /s/ - ([0-9a-f]{32}) / exception \1 /'
named "an advice that did not fit" 4 bank-exception
restored
in_file $A '/ T0000002 000009 /d'
FORM=null SIDE=bank named "a withdrawal that the bank lost" 9 not-at-bank
restored
in_file $A '$s/ 000009 / 000008 /; $s/ 703210000009 / 703210000008 /'
named "a line that tells of another withdrawal" "" only-at-bank bank-held+bank-untold
restored
in_file $A 's/^withdrawal BANKA T0000002 000002 (.*)$/&\nwithdrawal BANKA T0000002 000077 \1/'
FORM=null named "a withdrawal that only the bank has" 77 only-at-bank
restored
cp $A $A.kept
sed -i '3s/ 108 / 109 /' $A
named "a line of the bank's journal" "" bank-journal-line bank-untold
says "BANKA.journal:3: the checksum is wrong"
restored
cp $A $A.kept
printf 'withdrawal BANKA T00' >>$A
expect_exit 0 "${R[@]}" --drained
restored

# what a restore has lost --------------------------------------------------------------------------------------

# What the database holds but for moments of real time, and how often banks were asked. (Of what may be refused before its identity is
# looked at, as 10 was, journals know no more than the code.)
contents() {
        sql "SELECT 'withdrawal', to_jsonb(w) - 'approved_at' FROM withdrawal w WHERE stan <> 10 UNION ALL SELECT 'outcome', to_jsonb(o) - 'approved_at' FROM bank_outcome o
        UNION ALL SELECT 'advice', to_jsonb(a) - 'recorded_at' FROM advice a UNION ALL SELECT 'identity', to_jsonb(i) FROM advice_identity i
        UNION ALL SELECT 'commission', to_jsonb(c) FROM commission c UNION ALL SELECT 'notice', to_jsonb(n) FROM bank_notice n
        UNION ALL SELECT 'ack', to_jsonb(k) - 'attempts' - 'acknowledged_ms' FROM bank_ack k UNION ALL SELECT 'saf', to_jsonb(f) FROM saf f
        UNION ALL SELECT 'card', to_jsonb(d) FROM card d UNION ALL SELECT 'open', to_jsonb(e) FROM open_withdrawal e
        UNION ALL SELECT 'exception', to_jsonb(x) FROM exception_record x WHERE kind <> 'recovery' ORDER BY 1, 2"
}
contents >whole.txt
sql "CREATE ROLE second LOGIN IN ROLE atm_operator" >/dev/null
L=(atmctl recover --atm-journals atm --bank-journals banks)
confirms() {
        env PGUSER=second atmctl recovery confirm "$1" --atm-journals atm --bank-journals banks --note trial
}
# lost FORMAT-LIKE ROWS: what is named, as "STAN what" or "STAN what: problem"
lost() {
        local status=0
        OUTPUT=$("${L[@]}" --format json 2>err.txt) || status=$?
        expect "exit code ($(cat err.txt))" $(($# > 0)) "$status"
        expect "what is lost at $PGDATABASE" "$*" "$(json "$OUTPUT" "string_agg(concat_ws(': ', (l ->> 'stan') || ' ' || (l ->> 'lost'), l ->> 'problem'), ' ' ORDER BY n) FROM jsonb_array_elements((:'j')::jsonb -> 'losses') WITH ORDINALITY e (l, n)")"
}
healed() {
        lost
        expect_exit 0 "${R[@]}" --drained
        expect_exit 0 atmctl verify
        contents >part.txt
        diff whole.txt part.txt >&2 || wrong "$PGDATABASE is not what was lost"
}
lost
sql "CREATE DATABASE hard TEMPLATE nothing" >/dev/null
sql "CREATE DATABASE others TEMPLATE nothing" >/dev/null
PGDATABASE=others sql "INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm, opening_yen, balance_yen) SELECT md5('card ' || i)::uuid, 'HOUSE', '990001******1234', '3012', 1000000, 1000000 FROM generate_series(21, 28) i" >/dev/null
for moment in "${MOMENTS[@]}"; do
        export PGDATABASE=$moment
        case $moment in
        nothing) lost {1..9}\ withdrawal ;;
        asked) lost "1 end" {2..9}\ outcome ;;
        decided) lost {1..4}\ end "6 acknowledgement" "7 end" "8 acknowledgement" "9 outcome" ;;
        "half told") lost "2 end" "3 acknowledgement" "4 end" "6 acknowledgement" "7 end" {8..9}\ acknowledgement ;;
        unacknowledged) lost {2..4}\ acknowledgement {6..9}\ acknowledgement ;;
        esac
        if [[ $moment == nothing ]]; then
                # the other bank's journal does not say that this one never heard of what its ATM took back (9)
                mv $A .
                lost "1 withdrawal" {2..6}\ "withdrawal: no-bank-journal" {7..8}\ withdrawal "9 withdrawal: no-bank-journal"
                mv "${A##*/}" banks/
        fi
        expect_exit 0 "${L[@]}" --propose --note trial
        says "recovery 1 is proposed"
        if [[ $moment == nothing ]]; then
                expect_exit 2 atmctl recovery confirm 1 --atm-journals atm --bank-journals banks
                expect_exit 2 "${L[@]}" --propose
                says "expected --note too"
                expect_exit 2 "${L[@]}" --note trial
                says "no --note where nothing is proposed"
                # one person is not two, and who looks at the journals sees what was proposed
                expect_exit 1 "${L[@]}" --propose --note trial
                says "recovery 1 is not at its end"
                expect_exit 1 atmctl recovery confirm 1 --atm-journals atm --bank-journals banks --note trial
                says "recovery 1 was proposed by $CLUSTER_PERSON: expected the word of another person"
                expect_exit 1 env PGUSER=second psql -X -c "SET atm.note = 'x'; SELECT recovery_step(1, (SELECT version FROM reference_version), 1)"
                says "recovery 1 is not confirmed"
                in_file $ATM '/^A T0000002 000001 /s/ 123456/ 123457/'
                expect_exit 1 confirms 1
                says "recovery 1: of 1 withdrawals, $T 2017-02-01T10:01:00+09:00 1 first, something else is missing than was proposed"
                mv $ATM.kept $ATM
                cp $A $A.kept
                sed -i '3s/ 108 / 109 /' $A
                expect_exit 1 confirms 1
                says "BANKA.journal:3: the checksum is wrong" "1 fault in the journals"
                mv $A.kept $A
                # nor while an instance might hear an advice about what is not there yet
                PGUSER=atm_daemon psql -X -q -c "SELECT pg_sleep($PATIENCE_S)" >/dev/null 2>&1 &
                daemon=$!
                sql_when "a session of an instance" "EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'atm_daemon')"
                expect_exit 1 confirms 1
                says "connected: atm_daemon (psql): expected all instances of atmd to be stopped"
                kill $daemon
                wait $daemon 2>/dev/null || true
                sql "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'atm_daemon'" >/dev/null
                # where it was stopped, the same command goes on
                PGUSER=second psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SET atm.note = 'by hand';
SELECT recovery_step(1, (SELECT version FROM reference_version), 4);
SQL
                expect_exit 0 confirms 1
                says "recovery 1: 5 withdrawals brought back"
                expect_exit 0 atmctl withdrawal show --terminal $T --stan 3 --format json
                expect "where it is from" '1 {"state": "completed", "recovery": 1, "dispensed_yen": 9000}' "$(json "$OUTPUT" "(:'j')::jsonb #>> '{actions,0,recovery}'") $(sql "SELECT after FROM trail WHERE noun = 'withdrawal' AND key ~ ' 3$'")"
        else
                expect_exit 0 confirms 1
        fi
        healed
done
expect_exit 1 confirms 1
says "recovery 1 is at its end"
# what the database has and journals contradict is a difference, and no loss
sql "UPDATE advice SET counted_yen = 9000 WHERE stan = 2" >/dev/null
expect_exit 1 "${R[@]}" --drained
lost
sql "UPDATE advice SET counted_yen = 10000 WHERE stan = 2" >/dev/null
expect_exit 0 atmctl verify --format json
says '"recovered": 7'

# what can't be brought back by itself
export PGDATABASE=hard
sql "UPDATE card SET opening_yen = NULL, balance_yen = NULL WHERE card_token = md5('card 1')::uuid" >/dev/null
sql "CREATE TABLE gone AS SELECT * FROM tariff WHERE issuer = 'BANKB'; DELETE FROM tariff WHERE issuer = 'BANKB'" >/dev/null
in_file $ATM '/000002 20170201/d; /^A T0000002 000003 /s/ 108 / 110 /'
lost "1 withdrawal: no-card" "2 withdrawal: no-atm-journal" "3 withdrawal: other-price" {4..6}\ withdrawal {7..8}\ "withdrawal: no-price" "9 withdrawal"
mv $ATM.kept $ATM
in_file $A '/^completion BANKA T0000002 000002 /s/ 10000 00 / 9000 00 /'
lost "1 withdrawal: no-card" "2 withdrawal: journals-disagree" {3..6}\ withdrawal {7..8}\ "withdrawal: no-price" "9 withdrawal"
expect_exit 1 atmctl recover --atm-journals atm
says "no-bank-journal"
expect_exit 0 "${L[@]}" --propose --note trial
expect_exit 0 confirms 1
says "5 withdrawals brought back" "4 more are for people"
expect "exceptions" "1 no-card 2 journals-disagree 7 no-price 8 no-price" \
        "$(sql "SELECT string_agg(concat_ws(' ', stan, what), ' ' ORDER BY stan) FROM v_exception WHERE kind = 'recovery' AND NOT resolved")"
expect_exit 0 "${R[@]}" --drained
says "no other differences; 4 known, by exceptions that are not dealt with yet"
expect_exit 0 atmctl verify
expect_exit 1 atmctl exception resolve --terminal $T --stan 8 --dispensed 0 --note trial
says "none is like that"
sql "CREATE DATABASE elsewhere TEMPLATE hard" >/dev/null
PGDATABASE=elsewhere expect_exit 0 atmctl exception resolve --terminal $T --stan 8 --dispensed 0 --elsewhere --note trial
says "exceptions dealt with: 1"
PGDATABASE=elsewhere expect_exit 0 "${R[@]}" --drained
says "no other differences; 3 known"
PGDATABASE=elsewhere expect_exit 0 atmctl verify
PGDATABASE=elsewhere lost "1 withdrawal: no-card" "2 withdrawal: journals-disagree" "7 withdrawal: no-price"
sql "INSERT INTO tariff SELECT * FROM gone; UPDATE card SET opening_yen = 1000000, balance_yen = 1000000 WHERE card_token = md5('card 1')::uuid" >/dev/null
mv $A.kept $A
lost {1..2}\ withdrawal {7..8}\ withdrawal
expect_exit 0 "${L[@]}" --propose --note trial
expect_exit 0 env PGUSER=second atmctl recovery drop 2 --note trial
expect_exit 0 "${L[@]}" --propose --note trial
expect_exit 0 confirms 3
says "4 withdrawals brought back"
expect "exceptions that are left" 0 "$(sql "SELECT count(*) FROM v_exception WHERE NOT resolved")"
healed

# all other ways, on a day whose books are closed: 21 in part, 22 nothing, 23 no advice yet, 24 one that is not acknowledged, 25 corrected,
# 26 corrected and not acknowledged, 27 never answered, 28 likewise and taken back, 29 its bank approved and nobody heard it
mkdir more
stories 2016-12-30T10 >more.txt <<'ROWS'
21 00 9000 0420 - -
22 00 0 0420 - -
23 00 0 - - -
24 00 10000 0220! - -
25 00 9000 0220=10000,0420 - -
26 00 9000 0220=10000,0420! - -
27 - 0 - - -
28 - 0 0420 - -
29 - 0 - BANKA ask
ROWS
make_journals more <more.txt >/dev/null
export PGDATABASE=others
PGUSER=$CLUSTER_PERSON expect_exit 0 atmctl period close 3Q16 --note trial --force
L=(atmctl recover --atm-journals more/atm --bank-journals more/banks)
lost {21..26}\ withdrawal "28 word" "29 withdrawal"
expect_exit 0 "${L[@]}" --propose --note trial
expect_exit 0 env PGUSER=second atmctl recovery confirm 1 --atm-journals more/atm --bank-journals more/banks --note trial
says "8 withdrawals brought back"
lost
expect_exit 0 atmctl reconcile --atm-journals more/atm --bank-journals more/banks
expect_exit 0 atmctl verify
expect "what they are" "21 completed 9000 2017-01-01,22 reversed 0,23 approved 0,24 approved 0,25 completed 9000 2017-01-01,26 completed 10000 2017-01-01,28 blocked 0,29 approved 0" \
        "$(sql "SELECT string_agg(DISTINCT concat_ws(' ', stan, state, dispensed_yen, posted_on), ',') FROM v_withdrawal LEFT JOIN commission USING (terminal, transmitted_at, stan)")"
expect "exceptions" "25 corrected" "$(sql "SELECT string_agg(concat_ws(' ', stan, what), ',') FROM v_exception")"
expect "accounts" "1 990892,2 1000000,3 989892,4 989892,5 990892,6 989892" \
        "$(sql "SELECT string_agg(i || ' ' || balance_yen, ',' ORDER BY i) FROM generate_series(1, 6) i JOIN card ON card_token = md5('card ' || 20 + i)::uuid")"

passed
