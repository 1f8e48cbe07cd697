#!/usr/bin/env bash
# Closing a quarter: refused before it is over and while withdrawals have no end; from then on it prints the same,
# whatever ATMs and operators correct later, which is posted on the first open day with both dates.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flow_lab lab --atms 8 --cards 400 --banks 1 --bank-timeout-ms 1500 --clock 2016-12-31T08:00:00+09:00,1800
# shellcheck disable=SC1091
source "$WORK/lab/lab.env"

results() {
        SOURCE_DATE_EPOCH=1484000000 atmctl report results --quarter "$1" --format json # the day of issue is no part of what is the same
}

# One figure: of ITEM COLUMN from JSON on standard input.
figure() {
        perl -MJSON::PP -e '
                local $/;
                my ($row) = grep { $_->{item} eq $ARGV[0] } @{decode_json(<STDIN>)->{rows}};
                print $row->{columns}{$ARGV[1]} // "missing"' "$1" "$2"
}

PGUSER=postgres psql -X -q -c "INSERT INTO contract SELECT terminal, '2016-12-01', NULL, hall, 62000 FROM atm WHERE terminal <= 'T0000008'"
expect_exit 1 atmctl period close 3Q16 --note "agreed"
[[ $OUTPUT == *"3Q16 is not over: its last day is 2016-12-31"* ]] || wrong "closing too early says: $OUTPUT"
expect_exit 2 atmctl period close 2016Q3 --note "agreed"
[[ $OUTPUT == *"expected a quarter as 3Q16"* ]] || wrong "a wrong quarter says: $OUTPUT"
atmctl report results --quarter 3Q16 >"$WORK/notes"
grep -q "Preliminary: 1Q-3Q16 is not over" "$WORK/notes" || wrong "a quarter that is not over is not marked: $(cat "$WORK/notes")"

# an ordinary evening, then a power cut in the middle of withdrawals
atmsim run --closed --withdrawals 150 --seed "$SEED" --answer-timeout-ms 4000 >/dev/null
without_end() {
        sql "SELECT count(*) FROM v_without_end WHERE business_date <= '2016-12-31'"
}
goes_on() {
        (($(sql "SELECT count(*) FROM withdrawal") > $1 + 20))
}
cut() {
        local before
        before=$(sql "SELECT count(*) FROM withdrawal")
        atmsim run --closed --withdrawals 3000 --seed "$SEED" --answer-timeout-ms 4000 >/dev/null 2>&1 &
        await "withdrawals to be cut off" goes_on "$before"
        kill -KILL $! 2>/dev/null
        wait $! 2>/dev/null || true
        sleep 0.2
        (($(without_end) > 0))
}
await "withdrawals without an end" cut
new_year() {
        [[ $(atmctl clock --format csv | sed -n 2p) > 2017-01-01T00:10 ]]
}
await "the new year" new_year

await "the sums of days that are over, by atmd" grep -rqs 'event=upkeep.*sums=' "$WORK/lab/log"
# partitions that end in half a year are too few: atmd makes more when it looks, which it does when it starts
PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
DO $$
DECLARE
        v_from date;
        v_table regclass;
BEGIN
        FOR v_from IN DELETE FROM ledger_partition WHERE from_on >= '2017-07-01' RETURNING from_on LOOP
                FOR v_table IN SELECT inhrelid FROM pg_inherits WHERE inhrelid::regclass::text LIKE '%' || to_char(v_from, '_YYYY"q"Q') LOOP
                        EXECUTE 'DROP TABLE ' || v_table;
                END LOOP;
        END LOOP;
        UPDATE reference_version SET version = version + 1;
END
$$;
SQL
"$ROOT/scripts/lab" kill --dir "$WORK/lab" --instance 1
"$ROOT/scripts/lab" start --dir "$WORK/lab" --instance 1
sql_when "partitions by atmd" "(SELECT max(to_on) FROM ledger_partition) = '2018-04-01'"

open=$(without_end)
expect_exit 1 atmctl period close 3Q16 --note "agreed"
[[ $OUTPUT =~ "$open withdrawal"(s up to the end of 3Q16 have| up to the end of 3Q16 has)" no end: nothing was closed" ]] || wrong "closing with $open open says: $OUTPUT"
[[ $OUTPUT == *"To be closed"*3Q16*"cash_in_transit network maintenance depreciation sga capex"* ]] || wrong "what would be closed is not shown: $OUTPUT"
expect_exit 0 atmctl period close 3Q16 --note "agreed" --force --dry-run
[[ $OUTPUT == *"3Q16 can be closed"*"Without an end"*T00000* ]] || wrong "--force lists nothing: $OUTPUT"
expect "nothing was closed" "" "$(sql "SELECT closed_through FROM books")"
expect_exit 0 atmctl period close 3Q16 --note "agreed" --force --lang ja
for text in 締め切る四半期 未入力の費用 現金輸送費、ネットワーク費 2017年3月期第3四半期までのすべての日を締め切りました 未完了の出金 承認済 "未完了の出金：$open件"; do
        [[ $OUTPUT == *"$text"* ]] || wrong "closing in Japanese does not say '$text': $OUTPUT"
done
! grep -nE '[A-Za-z]{2}' <(sed -E 's/ATM|T00000[0-9]+|HOUSE|BANK[A-C]//g' <<<"$OUTPUT") || wrong "closing is not in Japanese"
expect_exit 1 atmctl period close 2Q16 --note "agreed"
[[ $OUTPUT == *"are closed through 2Q16 already"* ]] || wrong "closing twice says: $OUTPUT"
for who in "$PGUSER" atm_report; do
        expect "the closing, with what was missing and why, to $who" "$open cash_in_transit network maintenance depreciation sga capex agreed" \
                "$(PGUSER=$who atmctl period list --format csv | awk -F, '$1 == "3Q16" { print $6, $11, $12 }')"
done
results 3Q16 >"$WORK/closed.json"
atmctl report results --quarter 3Q16 --lang ja 2>"$WORK/closed.notes" >"$WORK/closed.txt"
atmctl report revenue --from 2016-10-01 --to 2016-12-31 --by day --format csv >"$WORK/closed.csv"
expect "base fees: 8 ATMs, all of December" 496000 "$(figure base_fee 3Q16 <"$WORK/closed.json")"
expect "of earlier periods so far" 0 "$(figure earlier_periods 4Q16 < <(results 4Q16))"

# the ATMs come back and tell; a person finds that a finished one gave nothing
atmsim run --closed --withdrawals 8 --seed "$SEED" --answer-timeout-ms 4000 >/dev/null
expect "withdrawals of the closed quarter without an end" 0 "$(without_end)"
earned=$(sql "SELECT sum(customer_fee_yen + interbank_fee_yen) FROM commission WHERE business_date <= '2016-12-31' AND posted_on = '2017-01-01'")
IFS='|' read -r terminal stan fees < <(sql "SELECT terminal, stan, customer_fee_yen + interbank_fee_yen FROM v_withdrawal
        WHERE business_date = '2016-12-31' AND state = 'completed' AND issuer = 'HOUSE' ORDER BY transmitted_at LIMIT 1")
atmctl exception resolve --terminal "$terminal" --stan "$stan" --date 2016-12-31 --dispensed 0 --force --note "the cassettes say so" >/dev/null
expect "its rows, with both dates" "1 2016-12-31 2016-12-31,-1 2016-12-31 2017-01-01" \
        "$(sql "SELECT string_agg(concat_ws(' ', sign, business_date, posted_on), ',' ORDER BY seq) FROM commission WHERE terminal = '$terminal' AND stan = $stan AND business_date = '2016-12-31'")"

results 3Q16 | diff - "$WORK/closed.json" || wrong "the closed quarter prints something else"
atmctl report results --quarter 3Q16 --lang ja 2>"$WORK/again.notes" | diff - "$WORK/closed.txt" || wrong "the closed quarter's table changed"
diff "$WORK/again.notes" "$WORK/closed.notes" || wrong "the closed quarter's notes changed"
atmctl report revenue --from 2016-10-01 --to 2016-12-31 --by day --format csv | diff - "$WORK/closed.csv" || wrong "the closed quarter's days changed"
expect "of earlier periods" "$((earned - fees))" "$(figure earlier_periods 4Q16 < <(results 4Q16))"

# an ATM moves to another hall; another's hall moves to another area and prefecture, and its share changes: the closed
# quarter's pages are the same to the byte, the new one has the new place
pages() {
        local by
        local -x SOURCE_DATE_EPOCH=1484000000 # the day of issue is no part of what is the same
        for by in area prefecture hall atm area,month; do
                echo "$by"
                atmctl report revenue --from 2016-10-01 --to 2016-12-31 --by "$by" --format csv 2>/dev/null
        done
        for by in atm hall area; do
                atmctl report fleet --from 2016-10-01 --to 2016-12-31 --by "$by" --format json 2>/dev/null
        done
        atmctl report statement --hall "$hall" --month 2016-12 --format json 2>/dev/null
        atmctl report revenue --from 2016-12-01 --to 2016-12-31 --by area --format html --lang ja 2>/dev/null
        atmctl report results --quarter 3Q16 --format html 2>/dev/null | sed 's/20[0-9][0-9]-01-[0-9T:+-]*//g'
}
# the new quarter's withdrawals of an area
of_area() {
        atmctl report revenue --from 2017-01-01 --to 2017-03-31 --by area --format csv 2>/dev/null | awk -F, -v area="$1" '$1 == area { print $3 }'
}
hall=$(sql "SELECT hall FROM atm WHERE terminal = 'T0000001'")
other=$(sql "SELECT hall FROM hall WHERE hall NOT IN (SELECT hall FROM atm WHERE terminal <= 'T0000008') ORDER BY hall LIMIT 1")
pages >"$WORK/places.before"
grep -q "$hall" "$WORK/places.before" || wrong "the pages have nothing of hall $hall: $(cat "$WORK/places.before")"
area=$(sql "SELECT area FROM area a WHERE NOT EXISTS (SELECT FROM atm JOIN hall h USING (hall) WHERE terminal <= 'T0000008' AND h.area = a.area) ORDER BY area LIMIT 1")
expect "the new area so far" "" "$(of_area "$area")"
expect_exit 1 atmctl hall set "$hall" --share-bp 777 --note agreed --from 2016-12-31
[[ $OUTPUT == *"--from 2016-12-31: expected 2017-"*", the business day, or later"* ]] || wrong "a share of yesterday: $OUTPUT"
expect_exit 0 atmctl hall set "$hall" --area "$area" --prefecture 沖縄県
expect_exit 0 atmctl hall set "$hall" --share-bp 777 --note agreed --from 2017-02-20
expect "the hall's places since" "2017-02-20 777" \
        "$(sql "SELECT string_agg(from_on || ' ' || share_bp, ', ') FROM hall_place WHERE hall = '$hall' AND from_on > '2017-02-19'")"
expect_exit 0 atmctl atm set T0000002 --hall "$other"
pages | diff "$WORK/places.before" - || wrong "the closed quarter's pages changed with the places"
atmsim run --closed --withdrawals 60 --seed "$SEED" --answer-timeout-ms 4000 --json >"$WORK/moved.json"
expect "the new quarter's withdrawals in the new area" "$(sql "SELECT sum(withdrawals) FROM v_revenue WHERE hall = '$hall' AND business_date >= (SELECT min(from_on) FROM hall_place WHERE hall = '$hall' AND from_on > '2016-12-31')")" "$(of_area "$area")"
(($(of_area "$area")0 > 0)) || wrong "nobody withdrew in the new area: $(cat "$WORK/moved.json")"
(($(sql "SELECT sum(withdrawals) FROM v_revenue WHERE terminal = 'T0000002' AND hall = '$other'") > 0)) || wrong "nobody withdrew at the ATM that moved"
pages | diff "$WORK/places.before" - || wrong "the closed quarter's pages changed with business in the new places"
expect_exit 0 atmctl verify

# what is closed can't be entered differently any more
expect_exit 1 atmctl cost add 3Q16 sga --amount-yen 1
[[ $OUTPUT == *"closed through 2016-12-31"*"first open quarter, 4Q16"* ]] || wrong "a cost of a closed quarter: $OUTPUT"
expect_exit 1 atmctl contract set --note trial T0000001 2016-12-01 --base-fee-yen 1
expect_exit 0 atmctl contract set --note trial T0000001 2016-12-01 --until 2017-02-01
expect_exit 0 atmctl published add 3Q16 sga --value 42900000 --source "Corporate Overview, April 2017"
expect_exit 1 atmctl published set 3Q16 sga --value 1
expect_exit 0 atmctl verify
passed
