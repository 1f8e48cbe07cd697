#!/usr/bin/env bash
# The reports, against a small history worked out by hand, and against the raw rows: in a random history of several
# months, with late posts, some months and days in the sums, some not yet, each single and double grouping
# must have the rows that a plain sum of the commission rows has, with the summary as it is and brought up to date.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

export PATH=$BIN:$PATH PGDATABASE=atm_reports LC_ALL=C.UTF-8
cd "$WORK"

says() {
        local text
        for text in "$@"; do
                [[ $OUTPUT == *"$text"* ]] || wrong "'$text' is not said: $OUTPUT"
        done
}

# Business time stands at noon of a day in Japan.
business_day() {
        ATM_CLOCK_START_MS=$(($(TZ=JST-9 date -d "$1 12:00" +%s) * 1000))
        ATM_CLOCK_ANCHOR_MS=$(($(date +%s) * 1000))
        export ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED=1
}

# remarks TEXT: it is among the remarks of the report before
remarks() {
        [[ $REMARKS == *"$1"* ]] || wrong "'$1' is not remarked: $REMARKS"
}

# report COMMAND...: its rows as CSV without the heading, in $OUTPUT; what it remarks in $REMARKS
report() {
        OUTPUT=$(PGUSER=$CLUSTER_PERSON atmctl report "$@" --format csv 2>remarks | sed 1d) || wrong "report $*: $(cat remarks)"
        REMARKS=$(cat remarks)
}

psql_all() {
        psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# refuses STATUS TEXT REPORT...
refuses() {
        local status=$1 text=$2
        shift 2
        expect_exit "$status" env PGUSER=$CLUSTER_PERSON atmctl report "$@"
        says "$text"
}

DATABASE=$PGDATABASE
PGDATABASE=postgres psql_all -c "CREATE DATABASE $DATABASE"
expect_exit 0 atmctl db init --clock-now 2016-01-01
cluster_person
expect_exit 0 atmctl db partitions --from 2015-01-01 --to 2018-01-01

psql_all <<'SQL'
INSERT INTO area (area, name, parlors) VALUES ('kanto', '関東', 200), ('kansai', '関西', NULL);
INSERT INTO hall (hall, name, area, prefecture, share_bp) VALUES
        ('H1', '一号店', 'kanto', '東京都', 1000), ('H2', '二号店', 'kansai', '大阪府', 0), ('H3', '三号店', 'kansai', '京都府', 500);
INSERT INTO atm VALUES ('T0000001', 'H1'), ('T0000002', 'H2'), ('T0000003', 'H3');
INSERT INTO issuer VALUES ('HOUSE', 'House bank'), ('BANKA', 'Bank A'), ('BANKB', 'Bank B');
INSERT INTO tax_rate VALUES ('2014-04-01', 800), ('2019-10-01', 1000);
SQL

# by hand -------------------------------------------------------------------------------------------------------

business_day 2017-05-15
report revenue --fy 2016 --by area
expect "an empty report" "" "$OUTPUT"
expect "an empty report's remark" "no withdrawals from 2016-04-01 to 2017-03-31" "$(PGUSER=$CLUSTER_PERSON atmctl report revenue --fy 2016 --by area 2>&1 >/dev/null)"
expect "an empty report as JSON" "0 1" "$(PGUSER=$CLUSTER_PERSON atmctl report revenue --fy 2016 --by area --format json | perl -MJSON::PP -e '
        my $o = decode_json(do { local $/; <STDIN> }); print scalar @{$o->{rows}}, " ", $o->{provisional}, "\n"')"

psql_all <<'SQL'
-- what the report above summed up has nothing yet
SELECT summary_forget('0001-01-01', 'infinity');
-- the fifth is the reversal of the fourth, which was posted when September was closed
INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp,
        customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on) VALUES
        ('T0000001', '2015-10-01 10:00+09', 1, 1, 1, 'H1', '2015-10-01', 'HOUSE', 'day', '2014-04-01', 800, 100, 8, 100, 8, 20, 10000, '2015-10-01'),
        ('T0000001', '2016-10-03 09:30+09', 2, 1, 1, 'H1', '2016-10-03', 'HOUSE', 'day', '2014-04-01', 800, 100, 8, 100, 8, 20, 20000, '2016-10-03'),
        ('T0000002', '2016-10-03 19:00+09', 3, 1, 1, 'H2', '2016-10-03', 'BANKA', 'other', '2014-04-01', 800, 200, 16, 120, 9, 0, 30000, '2016-10-03'),
        ('T0000001', '2016-09-30 12:00+09', 4, 1, 1, 'H1', '2016-09-30', 'HOUSE', 'day', '2014-04-01', 800, 100, 8, 100, 8, 20, 10000, '2016-09-30'),
        ('T0000001', '2016-09-30 12:00+09', 4, 2, -1, 'H1', '2016-09-30', 'HOUSE', 'day', '2014-04-01', 800, -100, -8, -100, -8, -20, -10000, '2016-10-02'),
        ('T0000002', '2016-12-31 23:59:59+09', 5, 1, 1, 'H2', '2016-12-31', 'BANKA', 'other', '2014-04-01', 800, 200, 16, 120, 9, 0, 10000, '2016-12-31');
INSERT INTO contract VALUES ('T0000001', '2016-04-01', NULL, 'H1', 60000), ('T0000002', '2016-10-16', NULL, 'H2', 31000);
INSERT INTO cost VALUES ('3Q16', 'cash_in_transit', 1000), ('3Q16', 'network', 500), ('3Q16', 'maintenance', 300), ('3Q16', 'depreciation', 69);
INSERT INTO peer VALUES ('SEVENBANK', 'atms', 22472, 'March 2016'), ('SEVENBANK', 'transactions_per_atm_day', 98.8, 'press');
SQL

report revenue --fy 2016 --quarter 3 --by area --compare yoy
expect "areas with the year before" "kansai,関西,2,40000,400,240,50,640,, kanto,関東,0,10000,0,0,0,0,200,-100.0" "$(xargs <<<"$OUTPUT")"
remarks "of which earlier periods: -200 yen"
remarks "3Q16 is not closed yet: figures may change."
report revenue --fy FY2016 --by quarter --compare qoq
expect "quarters with those before" "2Q16,1,10000,100,100,16,200,, 3Q16,2,50000,400,240,50,640,200,220.0 4Q16,0,0,0,0,0,0,640,-100.0" "$(xargs <<<"$OUTPUT")"
# the books begin on 2015-10-01: what was half before them is no measure, the months that they have are
report revenue --from 2016-09-01 --to 2016-12-31 --by area --compare yoy
expect "areas with a year before that the books have not all of" "kansai,関西,2,40000,400,240,50,640,, kanto,関東,1,20000,100,100,16,200,," "$(xargs <<<"$OUTPUT")"
remarks "The books begin on 2015-10-01: they have not all of 2015-09-01 to 2015-12-31, which nothing is compared with."
report revenue --from 2016-09-01 --to 2016-12-31 --by month --compare yoy
expect "months of which the books have some before" "2016-09,1,10000,100,100,16,200,, 2016-10,1,40000,200,120,25,320,200,60.0 2016-12,1,10000,200,120,25,320,," \
        "$(xargs <<<"$OUTPUT")"
report revenue --fy 2015 --by month
remarks "The books begin on 2015-10-01: what FY2015 had before that day is missing."
report revenue --fy 2016 --quarter 3 --by hour
expect "hours" "09,1,20000,100,100,16,200 12,-1,-10000,-100,-100,-16,-200 19,1,30000,200,120,25,320 23,1,10000,200,120,25,320" "$(xargs <<<"$OUTPUT")"
report revenue --from 2016-10-01 --to 2016-12-31 --by issuer,band --hall H2
expect "a hall's banks and bands" "BANKA,Bank A,other,2,40000,400,240,50,640" "$OUTPUT"
report revenue --from 2016-09-30 --to 2016-09-30 --by atm --issuer HOUSE --band day
expect "a closed day keeps its sum" "T0000001,一号店,1,10000,100,100,16,200" "$OUTPUT"
report revenue --fy 2015 --by fy,month
expect "fiscal years" "FY2015,2015-10,1,10000,100,100,16,200" "$OUTPUT"
expect "columns of two keys" "key,key2,withdrawals,cash_yen,customer_fee_yen,interbank_fee_yen,tax_yen,commission_yen" \
        "$(PGUSER=$CLUSTER_PERSON atmctl report revenue --fy 2015 --by fy,month --format csv | head -n 1)"
# people get quarters as columns, with the years between them, and those beyond a limit as one row; programs get rows
report revenue --from 2015-04-01 --to 2017-03-31 --by hall,quarter
expect "long rows with names" "H2,二号店,3Q16,2,40000,400,240,50,640 H1,一号店,3Q15,1,10000,100,100,16,200" "$(head -n 2 <<<"$OUTPUT" | xargs)"
expect "a pivot" "key name 3Q15 FY2015 2Q16 3Q16 FY2016 commission_yen H2 二号店 0 0 0 640 640 640 others 200 200 200 0 200 400 total 200 200 200 640 840 1,040" \
        "$(PGUSER=$CLUSTER_PERSON atmctl report revenue --from 2015-04-01 --to 2017-03-31 --by hall,quarter --limit 1 2>/dev/null | sed -n '/^key/,$p' | xargs)"
expect "what is beyond the limit of the fleet" "others 1 77 2 0.0 640 78,000 78,640 0 853 77,787 98.9" \
        "$(PGUSER=$CLUSTER_PERSON atmctl report fleet --fy 2016 --quarter 3 --by hall --section ranking --limit 1 2>/dev/null | grep others | xargs)"
PGUSER=$CLUSTER_PERSON atmctl report revenue --fy 2016 --by area,quarter --lang ja --output pivot.html 2>/dev/null
grep -q '<figure' pivot.html || wrong "no chart in the page of revenue"
PGUSER=$CLUSTER_PERSON atmctl report fleet --fy 2016 --quarter 3 --by area --output fleet.html 2>/dev/null
grep -q '<figure' fleet.html || wrong "no chart in the page of the fleet"
PGUSER=$CLUSTER_PERSON atmctl report fleet --fy 2015 --quarter 3 --by area --output fleet.html 2>/dev/null
! grep -q '<figure' fleet.html || wrong "a chart of revenue that is missing"
expect_exit 0 env PGUSER=$CLUSTER_PERSON atmctl report revenue --fy 2016 --quarter 3 --by hall,band
says 二号店 other total "of which earlier periods: -200 yen"
psql_all -c "INSERT INTO history_run VALUES ('quiet', repeat('0', 64), 1, '0.01', '2015-10-01', '2016-12-31', 11, 1066, true)"
expect_exit 0 env PGUSER=$CLUSTER_PERSON atmctl report tax --fy 2016
says "generated history: scenario quiet, scale 0.01: 11 of 1,066 ATMs"
psql_all -c "DELETE FROM history_run"

report fleet --fy 2016 --quarter 3
expect "the ranking" "1,T0000001,一号店,1,92,0,0.0,0,180000,180000,1956.5,0,544,272,163,37,1016,178984,99.4
2,T0000002,二号店,1,77,2,0.0,640,78000,78640,1021.3,0,456,228,137,32,853,77787,98.9" "$OUTPUT"
# what a limit leaves out is said where no total has it, and the remarks are those of what is shown
report fleet --fy 2016 --quarter 3 --section ranking --limit 1
remarks "1 more row: --limit left them out"
[[ $REMARKS != *"Others publish"* ]] || wrong "a remark on what is not shown: $REMARKS"
report revenue --fy 2016 --quarter 3 --by area --limit 1
remarks "1 more row: --limit left them out"
for heading in 'area yoy 前期' 'area,quarter yoy 前期' 'area qoq 3か月前' 'quarter qoq 前四半期' 'month yoy 前年同期'; do
        read -r by compare word <<<"$heading"
        PGUSER=$CLUSTER_PERSON atmctl report revenue --fy 2016 --by "$by" --compare "$compare" --lang ja 2>&1 | grep -q "$word" || wrong "not headed $word: $by, $compare"
done
report fleet --fy 2016 --quarter 2
expect "missing costs" "1,T0000001,一号店,1,92,1,0.0,200,180000,180200,1958.7,20,,,,,,," "$OUTPUT"
remarks "costs not entered, and so missing: 2Q16: Cash in transit, Network, Maintenance, Depreciation"
report fleet --fy 2015 --quarter 3
expect "without a contract" "1,T0000001,一号店,1,,1,,200,,,,20,,,,,,," "$OUTPUT"
[[ $REMARKS == *"ATMs that earned where they had no contract: 1"* ]] || wrong "no remark about contracts: $REMARKS"
remarks "ATMs that earned where they had no contract: 1"
# what is of a sum missing is missing in every report; of quarters before the books all that withdrawals earn
report tax --fy 2015 --quarter 3
expect "tax where one ATM had no contract" "800,100,8,100,8,,,," "$OUTPUT"
remarks "ATMs that earned where they had no contract: 1; their base fees are missing, and so is revenue"
psql_all -c "INSERT INTO contract VALUES ('T0000003', '2014-04-01', '2016-04-01', 'H3', 30000)"
expect "results where another had one" ",100,,1" "$(PGUSER=$CLUSTER_PERSON atmctl report results --quarter 3Q15 --format csv 2>notes |
        awk -F, '$1 ~ /^(revenue|base_fee|customer_fee|atms)$/ { printf "%s%s", n++ ? "," : "", $5 }')"
grep -q "ATMs that earned where they had no contract, so that base fees and revenue are missing: 3Q15: 1" notes || wrong "not remarked: $(cat notes)"
report tax --fy 2014
expect "tax of a year before the books" "800,,,,,360000,28800,," "$OUTPUT"
report fleet --fy 2014
expect "the fleet of a year before the books" "1,T0000003,三号店,1,365,,,,360000,,,,,,,,,," "$OUTPUT"
# and what its hall owes is missing, not nothing
expect "sums as JSON without a contract" "- 21 -" "$(PGUSER=$CLUSTER_PERSON atmctl report statement --hall H1 --month 2015-10 --format json | perl -MJSON::PP -e '
        my $o = decode_json(do { local $/; <STDIN> }); print join(" ", map { $_ // "-" } @$o{qw(owed_yen earned_yen balance_yen)}), "\n"')"
report statement --hall H1 --month 2015-10
remarks "ATMs that earned where they had no contract: 1; their base fees are missing, and so is the balance."
psql_all -c "DELETE FROM contract WHERE terminal = 'T0000003'"
# what is posted late, of an ATM that has left, needs no contract: with the reversal of a December withdrawal in a year of its own
psql_all <<'SQL'
INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp,
        customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
SELECT 'T0000003', transmitted_at, 6, 2, -1, 'H3', business_date, issuer, band, tariff_from, tax_rate_bp, -200, -16, -100, -8, -15, -10000, '2017-04-03'
FROM commission WHERE stan = 5;
INSERT INTO cost VALUES ('1Q17', 'cash_in_transit', 1000), ('1Q17', 'network', 500), ('1Q17', 'maintenance', 300), ('1Q17', 'depreciation', 69);
SELECT summary_forget('2017-04-01', 'infinity');
SQL
report tax --from 2017-04-01 --to 2017-04-30
expect "tax with a late post" "800,-200,-16,-100,-8,91000,7280,90700,7256" "$OUTPUT"
report fleet --from 2017-04-01 --to 2017-04-30
expect "the fleet with a late post" "T0000003,三号店,1,0,-1,,-300,0,-300,,-15,0,0,0,0,0,-285," "$(tail -n 1 <<<"$OUTPUT" | cut -d, -f 2-)"
psql_all -c "DELETE FROM commission WHERE stan = 6" -c "DELETE FROM cost WHERE quarter = '1Q17'" -c "SELECT summary_forget('2017-04-01', 'infinity')"
report fleet --fy 2016 --quarter 3 --section penetration
expect "penetration" "kansai,関西,1,1,, kanto,関東,1,1,200,0.5" "$(xargs <<<"$OUTPUT")"
report fleet --fy 2016 --quarter 3 --section comparison
expect "comparison" "SEVENBANK,atms,2,22472,-22470,March 2016
SEVENBANK,transactions_per_atm_day,0.0,98.8,-98.8,press" "$OUTPUT"
expect "the fleet as JSON" "2 2 2 178984 null" "$(PGUSER=$CLUSTER_PERSON atmctl report fleet --fy 2016 --quarter 3 --format json | perl -MJSON::PP -e '
        my $o = decode_json(do { local $/; <STDIN> });
        printf "%d %d %d %d %s\n", (map { scalar @{ $o->{$_} } } qw(ranking penetration comparison)), $o->{ranking}[0]{profit_yen},
                $o->{penetration}[0]{parlors} // "null"')"

remarks "Others publish a year: what is compared with it is of twelve months, 2016-01-01 to 2016-12-31."
psql_all -c "INSERT INTO history_run VALUES ('quiet', repeat('0', 64), 1, '0.01', '2015-10-01', '2016-12-31', 11, 1066, true)"
report fleet --fy 2016 --quarter 3 --section comparison
expect "a part of a fleet beside a whole one" "SEVENBANK,atms,,22472,,March 2016" "$(head -n 1 <<<"$OUTPUT")"
psql_all -c "DELETE FROM history_run"
report fleet --fy 2016 --quarter 1 --section comparison
expect "twelve months that the books have not all of" "SEVENBANK,transactions_per_atm_day,,98.8,,press" "$(sed -n 2p <<<"$OUTPUT")"
remarks "The books begin on 2015-10-01: they have not all of 2015-07-01 to 2016-06-30"

expect "totals of a Japanese document" "合計 合計" "$(PGUSER=$CLUSTER_PERSON atmctl report fleet --fy 2016 --quarter 3 --format html --lang ja 2>/dev/null |
        grep -oE '>(total|合計)<' | tr -d '<>' | xargs)"
expect "what is compared, for people" "2 22,472 -22,470" "$(PGUSER=$CLUSTER_PERSON atmctl report fleet --fy 2016 --quarter 3 --section comparison 2>/dev/null |
        awk '$2 == "atms" { print $3, $4, $5 }')"

report tax --fy 2016 --quarter 3
expect "tax" "800,400,32,240,18,258000,20640,258640,20690" "$OUTPUT"
report statement --hall H2 --month 2016-10
expect "a statement" "base fee,T0000002,2016-10-16,16,31,31000,,,,16000,800,1280,17280
share,T0000002,,,,,1,320,0,0,800,0,0" "$OUTPUT"
remarks "the hall owes 17,280 yen"
expect "a balance as JSON" "0 21 -21" "$(PGUSER=$CLUSTER_PERSON atmctl report statement --hall H1 --month 2015-10 --format json | perl -MJSON::PP -e '
        my $o = decode_json(do { local $/; <STDIN> }); print join(" ", @$o{qw(owed_yen earned_yen balance_yen)}), "\n"')"
report statement --hall H3 --month 2016-10
expect "an empty statement" "" "$OUTPUT"
remarks "H3: no ATM under contract and no withdrawals in 2016-10"
psql_all -c "UPDATE contract SET until_on = '2016-11-11' WHERE terminal = 'T0000002'" -c "INSERT INTO contract VALUES ('T0000002', '2016-11-21', NULL, 'H2', 45000)"
report statement --hall H2 --month 2016-11
expect "two contracts in a month" "base fee,T0000002,2016-10-16,10,30,31000,,,,10333,800,826,11159
base fee,T0000002,2016-11-21,10,30,45000,,,,15000,800,1200,16200" "$OUTPUT"

# the tax of what a hall is invoiced: line by line before October 2023, once for the rate and invoice since
psql_all <<'SQL'
INSERT INTO hall (hall, name, area, prefecture) VALUES ('H5', '五号店', 'kanto', '東京都');
INSERT INTO atm VALUES ('T0000011', 'H5'), ('T0000012', 'H5'), ('T0000013', 'H5');
INSERT INTO contract SELECT terminal, '2016-12-01', NULL, 'H5', 10005 FROM atm WHERE hall = 'H5';
UPDATE contract SET until_on = '2017-01-01' WHERE until_on IS NULL AND hall <> 'H5';
SQL
business_day 2026-11-15
# taxed MONTH FEE TAX: the hall's statement and the report of taxes say the same
taxed() {
        local statement
        statement=$(PGUSER=$CLUSTER_PERSON atmctl report statement --hall H5 --month "$1" --format json | perl -MJSON::PP -e '
                my $o = decode_json(do { local $/; <STDIN> }); my ($fee, $tax) = (0, 0);
                for (@{$o->{lines}}) { $fee += $_->{amount_yen}; $tax += $_->{tax_yen}; $_->{amount_yen} + $_->{tax_yen} == $_->{total_yen} or die }
                $fee + $tax == $o->{owed_yen} or die; print "$fee $tax\n"')
        expect "what a hall owes for $1" "$2 $3" "$statement"
        report tax --from "$1-01" --to "$(date -d "$1-01 +1 month -1 day" +%F)"
        expect "the taxes of $1" "$2 $3" "$(cut -d, -f6,7 <<<"$OUTPUT" | tr , ' ')"
}
taxed 2017-02 30015 2400
taxed 2023-09 30015 3000
taxed 2023-10 30015 3001
taxed 2026-10 30015 3001
report tax --from 2023-07-01 --to 2023-12-31
expect "a half year over the change" "180090 $((3 * 3000 + 3 * 3001))" "$(cut -d, -f6,7 <<<"$OUTPUT" | tr , ' ')"
business_day 2017-05-15
psql_all -c "DELETE FROM contract WHERE hall = 'H5'" -c "DELETE FROM atm WHERE hall = 'H5'" -c "DELETE FROM hall_place WHERE hall = 'H5'" -c "DELETE FROM hall WHERE hall = 'H5'" -c "UPDATE contract SET until_on = NULL WHERE until_on = '2017-01-01'"

refuses 1 "--hall: there is no hall 'H9'" revenue --fy 2016 --by area --hall H9
says "'atmctl hall list' shows them"
refuses 1 "--area: there is no area 'tokai'" revenue --fy 2016 --by area --area tokai
refuses 1 "--issuer: there is no issuer 'BANKX'" revenue --fy 2016 --by area --issuer BANKX
refuses 1 "--atm: there is no ATM 'T9999999'" revenue --fy 2016 --by area --atm T9999999
refuses 1 "'atmctl hall list' shows them" statement --hall H9 --month 2016-10
refuses 2 "expected --fy, or --from and --to" revenue --by area
refuses 2 "--to is missing" revenue --from 2016-10-01 --by area
refuses 2 "not both" revenue --fy 2016 --to 2016-10-01 --by area
refuses 2 "--quarter 3: of which year?" tax --quarter 3 --from 2016-10-01 --to 2016-10-02
refuses 2 "expected a quarter as 3Q16, October to December 2016, or of --fy its number" tax --fy 2016 --quarter 5
refuses 2 "expected a fiscal year from 2000 to 2099" tax --fy 1999
refuses 2 "expected a month as 2016-12" statement --hall H1 --month 2016-13
refuses 2 "expected one or two of area" revenue --fy 2016 --by area,area
refuses 2 "expected one or two of area" revenue --fy 2016 --by area,hall,atm
refuses 2 "fiscal years have no quarter before" revenue --fy 2016 --by fy --compare qoq

business_day 2016-12-15
report revenue --fy 2016 --quarter 3 --by area
[[ $REMARKS == *"3Q16 is not over: business today is 2016-12-15"* ]] || wrong "a period that is not over: $REMARKS"
report fleet --fy 2016 --quarter 3
expect "days up to today" "T0000001,76 T0000002,51" "$(cut -d, -f2,5 <<<"$OUTPUT" | xargs)"

# at random -----------------------------------------------------------------------------------------------------

# January to August 2016: a year of quarters and the turn of a fiscal year. First what was posted in time, and the sums of the
# days to 20 June; then late posts, which are noted as the ledger does, some before and some after a step that adds them.
psql_all -v seed="$SEED" <<'SQL' >/dev/null
TRUNCATE commission, summary, summed_day, summed_month, unsummed_post;
UPDATE books SET summed_through = NULL;
SELECT setseed((:seed % 1000003) / 1000003.0);
INSERT INTO hall (hall, name, area, prefecture) VALUES ('H4', '四号店', 'kanto', '千葉県');
CREATE TABLE drawn AS
SELECT i, 'T000000' || 1 + floor(3 * random()) AS terminal, 'H' || 1 + floor(4 * random()) AS hall,
       timestamptz '2016-01-01 00:00+09' + random() * INTERVAL '243 days 23 hours' AS at,
       (ARRAY['HOUSE', 'BANKA', 'BANKB'])[1 + floor(3 * random())] AS issuer, (ARRAY['day', 'other'])[1 + floor(2 * random())] AS band,
       100 * floor(3 * random())::bigint AS fee, 100 + floor(60 * random())::bigint AS bank_fee, 1000 * (1 + floor(30 * random()))::bigint AS cash,
       (ARRAY[800, 1000])[1 + floor(2 * random())] AS rate, random() AS what, floor(90 * random())::integer AS late
FROM generate_series(1, 1500) i;
CREATE PROCEDURE post(p_late integer) LANGUAGE sql AS $$
        INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp,
                customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
        SELECT d.terminal, d.at, d.i, x.seq, x.sign, d.hall, x.day, d.issuer, d.band, '2014-04-01', d.rate, x.sign * d.fee,
               x.sign * (d.fee * d.rate / 10000), x.sign * d.bank_fee, x.sign * (d.bank_fee * d.rate / 10000), x.sign * (d.bank_fee / 10),
               CASE x.sign WHEN 0 THEN -1000 ELSE x.sign * d.cash END, x.posted
        FROM drawn d CROSS JOIN LATERAL (SELECT (d.at AT TIME ZONE 'Asia/Tokyo')::date AS day) b
        CROSS JOIN LATERAL (SELECT b.day, 1 AS seq, 1 AS sign, CASE WHEN d.what < 0.1 THEN b.day + d.late ELSE b.day END AS posted
                            UNION ALL SELECT b.day, 2, CASE WHEN d.what < 0.3 THEN -1 ELSE 0 END, least(b.day + d.late, DATE '2016-08-31')
                            WHERE d.what BETWEEN 0.2 AND 0.4 AND b.day <= DATE '2016-08-31') x
        WHERE (x.posted > x.day) = (p_late > 0) AND (p_late = 0 OR d.i % 2 = p_late - 1)
        ON CONFLICT DO NOTHING;
        INSERT INTO unsummed_post (terminal, transmitted_at, stan, seq, posted_on)
        SELECT c.terminal, c.transmitted_at, c.stan, c.seq, c.posted_on FROM commission c, books b
        WHERE c.posted_on <= b.summed_through AND p_late > 0 AND c.posted_on > c.business_date AND c.stan % 2 = p_late - 1;
$$;
CREATE PROCEDURE sum_up() LANGUAGE plpgsql AS $$ BEGIN WHILE summary_step(false) IS NOT NULL LOOP END LOOP; END $$;
CALL post(0);
SELECT summary_extend('2016-05-20');
CALL sum_up();
SELECT summary_extend('2016-06-20');
CALL sum_up();
CALL post(1);
CALL sum_up();
CALL post(2);

-- Everybody's keys, from the rows alone.
CREATE TABLE raw AS
SELECT h.area, h.prefecture, c.hall, c.terminal AS atm, c.issuer, c.band, to_char(c.transmitted_at AT TIME ZONE 'Asia/Tokyo', 'HH24') AS hour,
       to_char(c.posted_on, 'YYYY-MM-DD') AS day, to_char(c.posted_on, 'YYYY-MM') AS month,
       to_char(c.posted_on - INTERVAL '3 months', 'Q"Q"YY') AS quarter, to_char(c.posted_on - INTERVAL '3 months', '"FY"YYYY') AS fy,
       c.posted_on, c.sign, c.cash_yen, c.customer_fee_yen, c.interbank_fee_yen, c.customer_tax_yen + c.interbank_tax_yen AS tax_yen
FROM commission c JOIN hall h USING (hall);
CREATE TABLE wanted (run text, key text, key2 text, withdrawals bigint, cash_yen bigint, customer_fee_yen bigint,
        interbank_fee_yen bigint, tax_yen bigint, commission_yen bigint);
CREATE TABLE got (LIKE wanted);
SQL
expect "months and days that are summed up" "4 51" "$(sql "SELECT (SELECT count(*) FROM summed_month WHERE month BETWEEN '2016-01-01' AND '2016-12-31') || ' ' ||
        (SELECT count(*) FROM summed_day WHERE day >= '2016-05-01')")"
(($(sql "SELECT count(*) FROM unsummed_post") > 0)) || wrong "nothing was posted late"

business_day 2016-09-20
keys=(area prefecture hall atm issuer band hour day month quarter fy)
RANDOM=$SEED
# to April by month, May and June by day, from 21 June in no sum
odd_from=$(date -d "2016-01-02 +$((RANDOM % 30)) days" +%F)
odd_to=$(date -d "2016-07-01 +$((RANDOM % 60)) days" +%F)
runs=()
for a in "${!keys[@]}"; do
        runs+=("${keys[a]}")
        for ((b = a + 1; b < ${#keys[@]}; b++)); do
                ((RANDOM % 2)) && runs+=("${keys[a]},${keys[b]}") || runs+=("${keys[b]},${keys[a]}")
        done
done

# run_all WHO FROM TO GROUPING...: each grouping's rows, a line each, with its name and the days, into got.csv
run_all() {
        local who=$1 from=$2 to=$3 by
        shift 3
        rm -rf runs
        mkdir runs
        for by in "$@"; do
                PGUSER=$who atmctl report revenue --from "$from" --to "$to" --by "$by" --format csv >"runs/$by" 2>>runs/remarks || wrong "$by: $(cat runs/remarks)"
        done
        mv runs/remarks remarks
        # without names, some of which have commas
        (cd runs && sed -i 's/"[^"]*"/-/g' * && awk -F, 'FNR == 1 { for (i = 1; i <= NF; i++) is[i] = $i; two = /,key2,/; next }
                { line = "\"" FILENAME "\"," $1 (two ? "" : ","); for (i = 2; i <= NF; i++) if (is[i] !~ /^name/) line = line "," $i; print line }' *) >got.csv
}

# compare FROM TO WHAT GROUPING...: with the sums of the rows themselves
compare() {
        local from=$1 to=$2 what=$3 by
        shift 3
        for by in "$@"; do
                printf "INSERT INTO wanted SELECT '%s', %s, %s, sum(sign), sum(cash_yen), sum(customer_fee_yen), sum(interbank_fee_yen), sum(tax_yen),
                        sum(customer_fee_yen + interbank_fee_yen) FROM raw WHERE posted_on BETWEEN '%s' AND '%s' GROUP BY 2, 3
                        HAVING (sum(sign), sum(cash_yen), sum(tax_yen), sum(customer_fee_yen + interbank_fee_yen)) <> (0, 0, 0, 0);\n" \
                        "$by" "${by%,*}" "$([[ $by == *,* ]] && echo "${by#*,}" || echo "NULL::text")" "$from" "$to"
        done >wanted.sql
        psql_all -1 -c "TRUNCATE got, wanted" -c "\\copy got FROM 'got.csv' CSV" -f wanted.sql
        expect "$what: rows that differ" "" "$(sql "SELECT 'got', * FROM (TABLE got EXCEPT ALL TABLE wanted) g UNION ALL
                SELECT 'wanted', * FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 10")"
        expect "$what: groupings, and their different totals" "$# 1" "$(sql "SELECT count(*) || ' ' || count(DISTINCT total) FROM
                (SELECT run, (sum(withdrawals), sum(cash_yen), sum(tax_yen), sum(commission_yen))::text AS total FROM got GROUP BY 1) t")"
}

# atm_report sums nothing up: to it the summary is what it is
run_all atm_report "$odd_from" "$odd_to" "${runs[@]}"
expect "remarks that rows are read instead" ${#runs[@]} "$(grep -c 'could not be brought up to date' remarks)"
compare "$odd_from" "$odd_to" "the summary in part, $odd_from to $odd_to" "${runs[@]}"
some=("${keys[@]}")
for by in "${runs[@]}"; do
        [[ $by != *,* ]] || ((RANDOM % 3)) || some+=("$by")
done
run_all "$CLUSTER_PERSON" 2016-01-01 2016-08-31 "${some[@]}"
compare 2016-01-01 2016-08-31 "the summary whole" "${some[@]}"
expect "what is summed up now" "8 2016-09-18 0" "$(sql "SELECT count(*) || ' ' || (SELECT max(day) FROM summed_day) || ' ' || (SELECT count(*) FROM unsummed_post) FROM summed_month WHERE month >= '2016-01-01'")"

# of earlier periods, and tax by rate, in both ways of reading
earlier=$(sql "SELECT to_char(sum(customer_fee_yen + interbank_fee_yen), 'FM999,999,990') FROM commission WHERE posted_on BETWEEN '$odd_from' AND '$odd_to'
        AND date_trunc('quarter', business_date) < date_trunc('quarter', posted_on)")
report revenue --from "$odd_from" --to "$odd_to" --by area
[[ -z $earlier || $earlier == 0 || $REMARKS == *"of which earlier periods: $earlier yen"* ]] || wrong "earlier periods: expected $earlier: $REMARKS"
# Days that a month before does not have. Of two months before, 31 March has no day: the total has it, and no row; 30 May stands beside 29 February.
earned() {
        sql "SELECT coalesce(sum(customer_fee_yen + interbank_fee_yen), 0) FROM commission WHERE posted_on BETWEEN '$1' AND '$2'"
}
report revenue --from 2016-05-01 --to 2016-06-30 --by day --compare qoq
expect "days with those before" "$(earned 2016-02-01 2016-03-30)" "$(awk -F, '{ yen += $8 } END { print yen }' <<<"$OUTPUT")"
expect "days with those before, and their total" "$(earned 2016-02-01 2016-03-31)" "$(PGUSER=$CLUSTER_PERSON atmctl report revenue --from 2016-05-01 --to 2016-06-30 --by day --compare qoq 2>/dev/null | awk '$1 == "total" { gsub(",", ""); print $8 }')"
yen=$(earned 2016-03-31 2016-03-31)
((yen == 0)) || remarks "$(sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' <<<"$yen") yen are of days that the later months do not have: the total has them, and no row"
report revenue --from 2016-05-30 --to 2016-05-31 --by day --compare qoq
expect "30 May beside 29 February" "" "$(grep -v '^2016-05-3[01],' <<<"$OUTPUT")"
expect "30 May beside 29 February, in yen" "$(earned 2016-02-29 2016-02-29)" "$(awk -F, '$1 == "2016-05-30" { yen += $8 } END { print yen + 0 }' <<<"$OUTPUT")"
remarks "compared with 2016-02-29: 1 of its days with 2"

report tax --from "$odd_from" --to "$odd_to"
expect "tax by rate" "$(sql "SELECT tax_rate_bp, sum(customer_fee_yen), sum(customer_tax_yen), sum(interbank_fee_yen), sum(interbank_tax_yen)
        FROM commission WHERE posted_on BETWEEN '$odd_from' AND '$odd_to' GROUP BY 1 ORDER BY 1" | tr '|' ',')" "$(cut -d, -f1-5 <<<"$OUTPUT")"

# A statement as an invoice, by who may not sum up (years of empty days would be): shares by their rate and tax rate, the tax of each rate
# once; the number is that of hall and month.
business_day 2023-11-15
expect_exit 0 atmctl db partitions --from 2018-01-01 --to 2023-12-31
psql_all <<'SQL'
INSERT INTO hall (hall, name, area, prefecture, share_bp) VALUES ('H5', '五号店', 'kanto', '東京都', 1000);
INSERT INTO atm VALUES ('T0000011', 'H5'), ('T0000012', 'H5'), ('T0000013', 'H5');
INSERT INTO contract SELECT terminal, '2023-10-01', NULL, 'H5', 10005 FROM atm WHERE hall = 'H5';
INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp,
        customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on) VALUES
        ('T0000011', '2023-10-01 10:00+09', 1, 1, 1, 'H5', '2023-10-01', 'HOUSE', 'day', '2014-04-01', 1000, 1000, 100, 50, 5, 105, 10000, '2023-10-01'),
        ('T0000012', '2023-10-31 23:59:59+09', 1, 1, 1, 'H5', '2023-10-31', 'HOUSE', 'day', '2014-04-01', 1000, 1000, 100, 50, 5, 105, 10000, '2023-10-31'),
        ('T0000011', '2023-09-30 10:00+09', 2, 2, -1, 'H5', '2023-09-30', 'HOUSE', 'day', '2014-04-01', 800, -500, -40, 0, 0, -50, -10000, '2023-10-01');
SQL
CLUSTER_PERSON=atm_report report statement --hall H5 --month 2023-10
expect "shares and their tax" "share,T0000011,,,,,-1,-500,1000,-50,800,-4,54 share,T0000011,,,,,1,1050,1000,105,1000,10,-115 share,T0000012,,,,,1,1050,1000,105,1000,11,-116" \
        "$(grep ^share <<<"$OUTPUT" | xargs)"
remarks "Number: 202310-H5"
remarks "To: 五号店"
remarks "who issues it is missing (ATM_PUBLISHER)"
remarks "no qualified invoice for the base fees: the registration number of who issues it is missing (ATM_REGISTRATION)"
remarks "no purchase statement in place of a qualified invoice for the shares: hall H5 has no registration number"
ATM_REGISTRATION=T123 refuses 1 "ATM_REGISTRATION: expected a registration number: T and 13 digits" statement --hall H5 --month 2023-10
expect_exit 0 env PGUSER=$CLUSTER_PERSON atmctl hall set H5 --registration T9876543210987
export ATM_PUBLISHER=トラスト株式会社 ATM_REGISTRATION=T1234567890123
CLUSTER_PERSON=atm_report report statement --hall H5 --month 2023-10
[[ $REMARKS != *missing* && $REMARKS != *"has no registration"* ]] || wrong "something is missing: $REMARKS"
for ((i = 0; i < 2; i++)); do
        expect "the invoice as JSON" \
                "202310-H5 五号店 T9876543210987 2023-10 open T1234567890123 33016 177 32839 base fee 1000 30015 3001, share 800 -50 -4, share 1000 210 21" \
                "$(PGUSER=atm_report atmctl report statement --hall H5 --month 2023-10 --format json | perl -CO -MJSON::PP -e '
                        my $o = decode_json(do { local $/; <STDIN> }); $o->{closed_on} //= "open";
                        print join(" ", @$o{qw(number addressee hall_registration month closed_on registration owed_yen earned_yen balance_yen)}, ""),
                                join(", ", map { join(" ", @$_{qw(item tax_rate_bp amount_yen tax_yen)}) } @{$o->{taxes}}), "\n"')"
done
for form in table expanded html xlsx pdf; do
        for lang in en ja; do
                PGUSER=atm_report atmctl report statement --hall H5 --month 2023-10 --lang "$lang" --format "$form" --output "invoice.$lang.$form" ||
                        wrong "no invoice as $form in $lang"
        done
done
for file in invoice.{en,ja}.{table,expanded,html}; do
        for text in 202310-H5 五号店 T9876543210987 T1234567890123 トラスト株式会社 '10 %' 32,839; do
                grep -q -- "$text" <(sed 's/<[^>]*>//g' "$file") || wrong "$file has no '$text'"
        done
done
for text in 請求書兼仕入明細書 '五号店 御中' 登録番号 2023年10月 税率別の合計 '【未確定】'; do
        grep -q "$text" <(sed 's/<[^>]*>//g' invoice.ja.html) || wrong "the invoice in Japanese has no '$text'"
done
for text in '>Invoice and purchase statement<' 'PROVISIONAL' 'By tax rate'; do
        grep -q "$text" invoice.en.html || wrong "the invoice has no '$text'"
done
[[ $(perl -MIO::Uncompress::Unzip -e '$z = IO::Uncompress::Unzip->new($ARGV[0], Name => "xl/sharedStrings.xml") or exit 1; print while <$z>' invoice.ja.xlsx) == *"202310-H5"*"T1234567890123"* ]] ||
        wrong "the workbook is no invoice"

passed
