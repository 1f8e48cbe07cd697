#!/usr/bin/env bash
# The results of a small history that was computed by hand, the entries that finance makes (with their trace and
# what is refused), and what a page says of a quarter that lacks something.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

export PATH=$BIN:$PATH PGDATABASE=atm_results LC_ALL=C.UTF-8
unset ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED
cd "$WORK"

refuses() {
        local status=$1 text=$2
        shift 2
        expect_exit "$status" "$@"
        [[ $OUTPUT == *"$text"* ]] || wrong "'$*': '$text' is not said: $OUTPUT"
}

DATABASE=$PGDATABASE
PGDATABASE=postgres sql "CREATE DATABASE $DATABASE"
atmctl db init --clock-now 2016-12-29 >/dev/null
cluster_person
PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SELECT FROM ledger_make_partitions('2015-04-01', '2017-04-01');
INSERT INTO area VALUES ('kanto', '関東', NULL);
INSERT INTO hall (hall, name, area, prefecture, share_bp) VALUES ('H1', '手計算ホール', 'kanto', '東京都', 500);
INSERT INTO atm VALUES ('T0000001', 'H1'), ('T0000002', 'H1');
INSERT INTO issuer (issuer, name) VALUES ('HOUSE', 'ハウス銀行');
INSERT INTO tax_rate VALUES ('2014-04-01', 800, 'down');
-- n withdrawals of 10,000 yen at one ATM on one day: 100 (day) or 200 (other) and 100 yen of fees, 5 % for the hall
CREATE FUNCTION business(p_day date, p_n integer, p_band text) RETURNS void LANGUAGE sql AS $$
        INSERT INTO commission
        SELECT 'T0000001', p_day + TIME '10:00' AT TIME ZONE 'Asia/Tokyo' + i * INTERVAL '1 minute', i, 1, 1, 'H1', p_day, 'HOUSE',
               p_band, '2007-07-01', 800, f, f * 8 / 100, 100, 8, (f + 100) * 5 / 100, 10000, p_day
        FROM generate_series(1, p_n) i CROSS JOIN (SELECT CASE p_band WHEN 'day' THEN 100 ELSE 200 END AS f) x;
$$;
SELECT FROM business('2015-04-01', 10, 'day');
SELECT FROM business('2015-10-04', 20, 'other');
SELECT FROM business('2016-06-01', 30, 'day');
SELECT FROM business('2016-09-18', 40, 'other');
SELECT FROM business('2016-12-01', 50, 'day');
SQL

# what finance enters ---------------------------------------------------------------------------------

export PGUSER=$CLUSTER_PERSON
cat >contracts.csv <<'CSV'
terminal,from,until,hall,base_fee_yen
T0000001,2015-04-01,,H1,60000
T0000002,2016-05-16,,H1,70000
CSV
{
        echo quarter,item,amount_yen,note
        for quarter in 1Q16 2Q16 3Q16; do
                printf "$quarter,%s\n" cash_in_transit,50000, network,20000, maintenance,10000, depreciation,30000,
                printf "$quarter,sga,%d,published\n" "$([[ $quarter == 3Q16 ]] && echo 42000 || echo 40000)"
        done
        echo 1Q16,capex,100000,
        echo 3Q15,sga,41300,
} >costs.csv
expect_exit 0 atmctl contract import --note trial contracts.csv
expect_exit 0 atmctl cost import costs.csv
refuses 0 "0 new, 0 changed, 17 as they were" atmctl cost import costs.csv
atmctl target add 2016 revenue 2016-05-13 --value 2000000 >/dev/null
atmctl target add FY2016 revenue 2017-01-20 --value 3000000 --note "raised" >/dev/null
atmctl published add 1Q-3Q16 revenue --value 1100000 --source "by hand" >/dev/null
printf 'period,item,value,source\n1Q16,sga,40000,deck\n2Q16,sga,40000,deck\n3Q16,sga,42000,deck\n3Q16,atms,2,deck\n' |
        atmctl published import - >/dev/null
atmctl rate add income_tax 2015-04-01 --rate-bp 3000 >/dev/null
atmctl rate add non_controlling_share 2007-07-01 --rate-bp 2050 >/dev/null
atmctl peer add SEVENBANK transactions_per_atm_day --value 98.8 --source "trade press" >/dev/null

printf 'quarter,item,amount_yen\n4Q16,sga,1\n5Q16,sga,1\n' >bad.csv
refuses 1 "bad.csv:3: column quarter: '5Q16': expected a quarter as 3Q16" atmctl cost import bad.csv
printf 'quarter,item,amount_yen\n4Q16,sga,1\n4Q16,sga,2\n' >bad.csv
refuses 1 "bad.csv:3: column quarter: the same cost is on line 2 already" atmctl cost import bad.csv
printf 'quarter,item,amount_yen\n4Q16,rent,1\n' >bad.csv
refuses 1 "bad.csv:2: column item: 'rent': expected cash_in_transit, network" atmctl cost import bad.csv
printf 'quarter,item,amount_yen\n4Q16,sga,-1\n' >bad.csv
refuses 1 "bad.csv:2: column amount_yen: '-1': expected whole yen from 0 to 1000000000000000" atmctl cost import bad.csv
printf 'terminal,from,until,hall,base_fee_yen\nT0000001,2016-06-01,,H1,1\n' >bad.csv
refuses 1 "bad.csv:2: contract of T0000001 from 2016-06-01: overlaps the one from 2015-04-01, which has no end, in hall H1" atmctl contract import --note trial bad.csv
printf 'terminal,from,until,hall,base_fee_yen\nT0000009,2016-06-01,,H1,1\n' >bad.csv
refuses 1 "bad.csv:2: column terminal: 'T0000009': the database has no such atm: expected one that 'atmctl atm list' shows" atmctl contract import --note trial bad.csv
printf 'terminal,from,until,hall,base_fee_yen\nT0000002,2016-06-01,2016-06-01,H1,1\n' >bad.csv
refuses 1 "bad.csv:2: column until: expected a day after 'from'" atmctl contract import --note trial bad.csv
refuses 2 "item: 'turnover': expected an item of 'atmctl report results'" atmctl target add 2016 turnover 2016-05-13 --value 1
refuses 2 "value: '98.88888': expected a number with at most 4 decimals" atmctl peer add SEVENBANK atms --value 98.88888 --source x
expect "nothing of it came in" "17 2" "$(sql "SELECT (SELECT count(*) FROM cost), (SELECT count(*) FROM contract)" | tr '|' ' ')"
atmctl cost set 3Q15 sga --amount-yen 41400 >/dev/null
atmctl cost remove 3Q15 sga >/dev/null
expect "the trace of a cost" "added - 41300,changed 41300 41400,removed 41400 -" \
        "$(sql "SELECT string_agg(concat_ws(' ', CASE WHEN before IS NULL THEN 'added' WHEN after IS NULL THEN 'removed' ELSE 'changed' END,
                coalesce(before ->> 'amount_yen', '-'), coalesce(after ->> 'amount_yen', '-')), ',' ORDER BY change)
                FROM trail WHERE noun = 'cost' AND key LIKE '3Q15 %'")"
expect "what the trail says of it" "$PGUSER $(id -un) cost remove cost 3Q15 sga removed,$PGUSER $(id -un) cost set cost 3Q15 sga changed" \
        "$(atmctl trail list --noun cost --key 3Q15 --limit 2 --format csv 2>/dev/null | sed 1d | cut -d, -f3-8 | tr ',\n' ' ,' | sed 's/,$//')"

# the results, against what was computed by hand ---------------------------------------------------------

atmctl report results --quarter 3Q16 --format csv >results.csv
column() {
        sed -n 1p results.csv | tr , '\n' | grep -nxF -- "$1" | cut -d: -f1
}
# golden ITEM COLUMN VALUE
golden() {
        expect "$1 of $2" "$3" "$(grep "^$1," results.csv | cut -d, -f"$(column "$2")")"
}
while read -r item q1 q2 q3 all before; do
        golden "$item" 1Q16 "$q1"
        golden "$item" 2Q16 "$q2"
        golden "$item" 3Q16 "$q3"
        golden "$item" 1Q-3Q16 "$all"
        golden "$item" 1Q-3Q15 "${before/-/}"
done <<'GOLDEN'
revenue                   292129 402000 400000 1094129 548000
customer_fee              3000   8000   5000   16000   5000
interbank_fee             3000   4000   5000   12000   3000
base_fee                  286129 390000 390000 1066129 540000
earlier_periods           0      0      0      0       0
cost_of_revenue           110300 110600 110500 331400  -
hall_share                300    600    500    1400    400
cash_in_transit           50000  50000  50000  150000  -
depreciation              30000  30000  30000  90000   -
gross_margin              181829 291400 289500 762729  -
gross_margin_ratio        62.2   72.5   72.4   69.7    -
sga                       40000  40000  42000  122000  -
operating_income          141829 251400 247500 640729  -
operating_margin          48.6   62.5   61.9   58.6    -
ebitda                    171829 281400 277500 730729  -
net_income                99281  175980 173250 448511  -
non_controlling_interests 20352  36075  35516  91943   -
atms                      2      2      2      2       1
withdrawals               30     40     50     120     30
revenue_per_atm_day       2132   2185   2174   2167    1993
GOLDEN
golden capex 1Q16 100000
golden capex 2Q16 ""
golden capex 1Q-3Q16 ""
golden revenue YoY 99.7
golden revenue QoQ -0.5
golden gross_margin_ratio QoQ -0.1
golden revenue "FY16 target" 2000000
golden revenue progress 54.7
golden revenue published 1100000
golden revenue difference -5871
golden sga published 122000
golden sga difference 0
golden atms published 2

# the same from a summary as from rows; as JSON; and the later target for the later quarter
atmctl report results --quarter 3Q16 --format json |
        perl -MJSON::PP -0777 -ne 'for (@{decode_json($_)->{rows}}) { print "$_->{item} $_->{columns}{q(1Q-3Q16)} $_->{unit}\n" if $_->{item} =~ /^(revenue|gross_margin_ratio|atms)$/ }' >json.txt
expect "JSON" "revenue 1094129 yen,gross_margin_ratio 69.7 percent,atms 2 count" "$(paste -sd, json.txt)"
expect "the target of 4Q16" 3000000 "$(atmctl report results --quarter 4Q16 --format csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "FY16 target") c = i } $1 == "revenue" { print $c }')"
atmctl report results --quarter 3Q16 >table.txt
grep -q '^Revenue  *0\.3  *0\.4  *0\.4  *1\.1  *0\.5  *+99\.7% ' table.txt || wrong "the table: $(sed -n 2p table.txt)"
grep -q 'Not entered, and so missing: 2Q16: CAPEX; 3Q16: CAPEX' table.txt || wrong "what is missing is not said: $(cat table.txt)"
grep -q '3Q16 is not closed yet' table.txt || wrong "that it is open is not said: $(cat table.txt)"
atmctl report results --quarter 3Q16 --lang ja --format expanded >table.txt 2>/dev/null
grep -q '売上高' table.txt || wrong "no Japanese headings"
atmctl report results --quarter 1Q14 >table.txt
grep -q '^Revenue  *-  ' table.txt || wrong "a quarter of which nothing is known is not missing"
grep -q 'The books have nothing of 1Q14' table.txt || wrong "an empty quarter: $(cat table.txt)"

# every report to a Japanese reader: what is in Latin letters is a code, a name that people entered, or what accountants write so
names='ATM_PUBLISHER|ATM|EBITDA|T000000[12]|H1|HOUSE|SEVENBANK|trade press|kanto'
reports=("results --quarter 3Q16" "results --quarter 4Q16" "revenue --fy 2016 --by area,quarter --compare yoy" "revenue --fy 2016 --by band,quarter --compare qoq"
        "revenue --fy 2016 --by issuer --limit 1" "revenue --fy 2016 --by day" "fleet --fy 2016 --quarter 3" "fleet --fy 2016 --by hall" "tax --fy 2016"
        "statement --hall H1 --month 2016-12")
for report in "${reports[@]}" periods; do
        for form in table expanded html; do
                read -ra words <<<"report $report --lang ja --format $form"
                [[ $report != periods ]] || words=(period list --lang ja --format "$form")
                atmctl "${words[@]}" 2>&1 | perl -0pe 's/<style>.*?<\/style>//gs; s/<[^>]*>/ /g' >japanese.txt
                ! grep -nE '[A-Za-z]{2}' <(sed -E "s/($names)//g" japanese.txt) || wrong "$report as $form is not in Japanese"
        done
done
expect "negatives, dates and quarters" "2016年4月1日～2016年12月31日 2017年3月期第3四半期 △" \
        "$(atmctl report results --quarter 3Q16 --lang ja --format html | sed 's/<[^>]*>//g' | grep -oE '△|2016年4月1日～2016年12月31日|2017年3月期第3四半期' | awk '!seen[$0]++' | LC_ALL=C sort | xargs)"
expect "quarters as a house has them" 0 "$(ATM_QUARTERS=short atmctl report results --quarter 3Q16 --lang ja | grep -c 2017年3月期)"
refuses 1 "ATM_QUARTERS: 'long': expected fiscal" env ATM_QUARTERS=long atmctl report results --quarter 3Q16 --lang ja

# remarks stand in every file
said='is not closed yet: figures may change.'
for form in table expanded json html svg; do
        atmctl report revenue --fy 2016 --by area --format "$form" --output "remarks.$form" 2>/dev/null
        grep -q "$said" "remarks.$form" || wrong "remarks.$form has no remark"
done
atmctl report revenue --fy 2016 --by area --format csv --output remarks.csv 2>notes.txt
expect "CSV beside its remarks" "key,name,withdrawals 1 1" "$(head -c 20 remarks.csv) $(grep -c "$said" remarks.csv.remarks) $(grep -c "$said" notes.txt)"

# a document carries who publishes it, its day, and a mark while it may change; with the moment of the first time it is the same
export SOURCE_DATE_EPOCH=1484000000 ATM_PUBLISHER='Trust Networks Inc.'
atmctl report results --quarter 3Q16 --format pdf --output issued.pdf
grep -aq 'CreationDate (\(D:\)\?20170109221320' issued.pdf || wrong "a PDF's date: $(grep -a CreationDate issued.pdf)"
atmctl report results --quarter 3Q16 --format html >issued.html
for text in 'Trust Networks Inc., issued 2017-01-10, PROVISIONAL' '^PROVISIONAL'; do
        grep -q "$text" <(sed 's/<[^>]*>//g' issued.html) || wrong "the page has no '$text'"
done
expect "who publishes, in JSON" "Trust Networks Inc. 2017-01-10 true" "$(atmctl report tax --fy 2016 --format json |
        perl -MJSON::PP -0777 -ne '$o = decode_json($_); print "$o->{publisher} $o->{issued} ", $o->{provisional} ? "true" : "false", "\n"')"
refuses 1 "SOURCE_DATE_EPOCH: 'now': expected" env SOURCE_DATE_EPOCH=now atmctl report tax --fy 2016
expect_exit 0 atmctl period close 3Q16 --force --note trial
atmctl report results --quarter 3Q16 --format html >issued.html
! grep -q PROVISIONAL issued.html || wrong "a closed quarter is marked as provisional"
expect "when a hall's month was closed" "$(TZ=JST-9 date +%F)" "$(atmctl report statement --hall H1 --month 2016-12 --format json | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{closed_on}, "\n"')"
unset SOURCE_DATE_EPOCH ATM_PUBLISHER

# documents: each form, both languages
for form in html svg pdf png xlsx; do
        for lang in en ja; do
                atmctl report results --quarter 3Q16 --format "$form" --lang "$lang" --output "page.$lang.$form" 2>/dev/null
                [[ -s page.$lang.$form ]] || wrong "no page.$lang.$form"
        done
done
grep -q '売上高' page.ja.html || wrong "no Japanese in the page"
grep -q '99.7%' page.en.html || wrong "no YoY in the page"
[[ $(head -c 5 page.ja.pdf) == %PDF- ]] || wrong "no PDF"
# a workbook: whole yen as numbers, shown as millions, headings and items in its language
part() {
        perl -MIO::Uncompress::Unzip -e '$z = IO::Uncompress::Unzip->new($ARGV[0], Name => $ARGV[1]) or exit 1; print while <$z>' "$1" "$2"
}
[[ $(part page.ja.xlsx xl/worksheets/sheet1.xml) == *"<v>1094129</v>"* ]] || wrong "the workbook has no revenue as whole yen"
[[ $(part page.ja.xlsx xl/sharedStrings.xml) == *"業績</t>"*"<t>売上高</t>"* ]] || wrong "no Japanese in the workbook"
[[ $(part page.en.xlsx xl/sharedStrings.xml) == *"<t>Results of the ATM operation business</t>"*"<t>Revenue</t>"* ]] || wrong "no English in the workbook"

# a program without its module says so, and prints everything else
cp "$(command -v atmctl)" alone
refuses 1 "the module that draws documents can't be loaded: $PWD/../lib/atm/libatm_documents.so" ./alone report results --quarter 3Q16 --format pdf --output page.pdf
expect_exit 0 ./alone report results --quarter 3Q16
[[ ! -e page.pdf ]] || wrong "half a document is left"
refuses 1 "no/such: can't be written" atmctl report results --quarter 3Q16 --format pdf --output no/such
refuses 2 "expected table, expanded, csv, json, xlsx, html, pdf, svg or png" atmctl report results --quarter 3Q16 --format doc
refuses 2 "--quarter is missing" atmctl report results
passed
