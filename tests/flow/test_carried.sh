#!/usr/bin/env bash
# What operators may set is carried to every report in every format: names and figures at the edges of what is accepted,
# drawn by the seed. tests/unit/test_carried.c does the same for messages.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

export PATH=$BIN:$PATH PGDATABASE=atm_carried PGUSER=$CLUSTER_PERSON LC_ALL=C.UTF-8
RANDOM=$SEED
cd "$WORK"

# draw CHOICE...: one of them, in $DRAWN
draw() {
        local choices=("$@")
        DRAWN=${choices[RANDOM % $#]}
}

draw_name() {
        draw 🎰 $'\U10380 \U1F3B0 \UE0001' $'e\u301\u301\u301\u301' 'a,b"c' "it's" '<b>&amp;\n' '=1+1' '\.' ' ' \
                "$(printf 'W%.0s' {1..200})" "$(printf '漢%.0s' {1..66})" $'\u05e9\u05dc\u05d5\u05dd' "%s%n" "\$1" $'\u200b'
}

as_owner() {
        PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 "$@"
}

(export DATABASE=$PGDATABASE PGDATABASE=postgres && as_owner -c "CREATE DATABASE $DATABASE")
PGUSER=postgres expect_exit 0 atmctl db init --clock-now 2016-01-01
cluster_person
PGUSER=postgres expect_exit 0 atmctl db partitions --from 2016-01-01 --to 2018-01-01

# what is set is what is shown -----------------------------------------------------------------------------------

NAMES=()
for i in 1 2 3 4 5 6; do
        draw_name
        NAMES[i]=$DRAWN
        draw 0 1 10000
        expect_exit 0 atmctl area add "A-$i" --name "${NAMES[i]}"
        expect_exit 0 atmctl hall add "H-00000000000-$i" --name "${NAMES[i]}" --area "A-$i" --prefecture 東京都 --share-bp "$DRAWN"
        expect_exit 0 atmctl atm add "Z999999$i" --hall "H-00000000000-$i"
        shown=$(atmctl hall show "H-00000000000-$i" --format json | perl -MJSON::PP -e '
                binmode STDOUT, ":utf8"; local $/; my $row = decode_json(<>); $row = $row->[0] if ref $row eq "ARRAY"; print $row->{name}')
        expect "a hall's name" "${NAMES[i]}" "$shown"
done
draw_name
expect_exit 0 atmctl issuer add ABCDEFGHIJK --name "$DRAWN"

# figures as large as they may be --------------------------------------------------------------------------------

draw 10000 999999999000
cash=$DRAWN
draw 1 108 1000000
fee=$DRAWN
as_owner -c "INSERT INTO tax_rate VALUES ('2014-04-01', 800)" -c "
        INSERT INTO commission (terminal, transmitted_at, stan, seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp,
                customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on)
        SELECT 'Z999999' || i, '2016-10-03 10:00+09', 999999, 1, 1, 'H-00000000000-' || i, '2016-10-03', 'ABCDEFGHIJK', 'day', '2014-04-01',
               800, $fee, $fee / 100 * 8, $fee, $fee / 100 * 8, $fee, $cash, '2016-10-03' FROM generate_series(1, 6) i"
draw_name
note=$DRAWN
for item in cash_in_transit network maintenance depreciation sga; do
        draw 0 1 1000000000000000
        expect_exit 0 atmctl cost add 3Q16 "$item" --amount-yen "$DRAWN" --note "$note"
done

# every report in every format -----------------------------------------------------------------------------------

carried() {
        local form lang
        for form in table expanded csv json xlsx html pdf svg png; do
                draw en ja
                lang=$DRAWN
                [[ $1 == results || ! $form =~ ^(html|pdf|svg|png)$ || $1 == revenue || $1 == fleet ]] || continue
                OUTPUT=$(atmctl report "$@" --format "$form" --lang "$lang" --output "out.$form" 2>&1) || wrong "report $* as $form: $OUTPUT"
                [[ -s out.$form ]] || wrong "report $* as $form is empty"
        done
        perl -MJSON::PP -e 'local $/; decode_json(<>)' out.json || wrong "report $* as json is none"
}
carried revenue --fy 2016 --quarter 3 --by hall
carried revenue --fy 2016 --quarter 3 --by area,issuer
carried fleet --fy 2016 --quarter 3 --by hall
carried tax --fy 2016
carried statement --hall H-00000000000-1 --month 2016-10
carried results --quarter 3Q16
passed
