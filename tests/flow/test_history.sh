#!/usr/bin/env bash
# Generated history: what it needs is named, a run that was killed goes on and gives the same rows, verify finds nothing
# to say, the fleet's business is that of the scenario at any scale, and no other history gets into the same database.
# Reports have all that is there, though the summary was further on than the history that was generated.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
flow_postgres

export PATH=$BIN:$PATH LC_ALL=C.UTF-8
unset ATM_CLOCK_START_MS ATM_CLOCK_ANCHOR_MS ATM_CLOCK_SPEED
cd "$WORK"
# nine months of the scenario, to save time
SCENARIO=$WORK/fy2016
sed -e 's/^from = .*/from = 2016-04-01/' -e 's/^to = .*/to = 2016-12-31/' "$ROOT/etc/scenarios/fy2015-fy2016" >"$SCENARIO"

refuses() {
        local text=$1
        shift
        expect_exit 1 "$@"
        [[ $OUTPUT == *"$text"* ]] || wrong "'$*': '$text' is not said: $OUTPUT"
}

generate() {
        atmctl history generate --scenario "$SCENARIO" --scale 0.003 "$@"
}

# Everything that was written, as one number: order does not matter.
digest() {
        local table
        for table in withdrawal advice commission bank_outcome bank_notice bank_ack card contract cost; do
                sql "SELECT '$table', count(*), sum(('x' || left(md5(t::text), 12))::bit(48)::bigint) FROM $table t"
        done
}

# What the reports have is what the rows have: withdrawals and revenue.
reports_have_all() {
        local posted
        posted=$(sql "SELECT coalesce(sum(sign), 0) || ',' || coalesce(sum(customer_fee_yen + interbank_fee_yen), 0) FROM commission")
        expect "$1: the report" "$posted" "$(atmctl report revenue --from 2016-04-01 --to 2016-12-31 --by month --format csv 2>/dev/null |
                awk -F, 'NR > 1 { n += $2; yen += $7 } END { print n + 0 "," yen + 0 }')"
}

set_up() {
        export PGDATABASE=$1
        PGDATABASE=postgres sql "CREATE DATABASE $1"
        atmctl db init --clock-now 2026-11-27 >/dev/null
        refuses "0 ATMs that stand in a hall" generate
        local noun
        for noun in area:areas hall:halls atm:atms issuer:issuers tax:tax_rates tariff:tariffs prefix:prefixes holiday:holidays limit:limits; do
                atmctl "${noun%%:*}" import --note trial "$ROOT/etc/${noun##*:}.csv" >/dev/null
        done
        refuses "[issuers] BANKA: no prefix of its cash cards is in force on 2016-04-01" generate
        atmctl issuer import "$ROOT/etc/banks/issuers.csv" >/dev/null
        sed 's/^BANKB,\(.*\),2007-07-01/BANKB,\1,2016-05-01/' "$ROOT/etc/banks/tariffs.csv" | atmctl tariff import --note trial - >/dev/null
        atmctl prefix import "$ROOT/etc/banks/prefixes.csv" >/dev/null
        refuses "the fleet has no hours on 2016-04-01" generate
        atmctl hours import "$ROOT/etc/hours.csv" >/dev/null
        refuses "a gap in the tariffs: bank BANKB has none of band day in force on 2016-04-01" generate
        atmctl tariff import --note trial "$ROOT/etc/banks/tariffs.csv" >/dev/null
}

# killed in the middle, twice, then finished
set_up atm_history_a
# later business, of which there were reports: all days have their sums, of nothing
sql "UPDATE books SET summed_through = '2026-10-31'"
reports_have_all "before there is any"
for piece in 0 1; do
        atmctl history generate --scenario "$SCENARIO" --scale 0.003 --jobs 1 >/dev/null 2>&1 &
        killed=$!
        await "a piece" bash -c "(( \$(psql -X -A -t -c 'SELECT count(*) FROM history_chunk' 2>/dev/null || echo 0) > $piece ))"
        kill -KILL "$killed" 2>/dev/null || true
        wait "$killed" 2>/dev/null || true
        reports_have_all "after piece $((piece + 1))"
done
expect_exit 0 generate --jobs 2
[[ $OUTPUT == *"scenario fy2016, scale 0.003: 3 of 1066 ATMs"* ]] || wrong "what was made is not said: $OUTPUT"
reports_have_all "when it is finished"
expect "all pieces, once each" "3 3" "$(sql "SELECT count(*), count(DISTINCT chunk) FROM history_chunk" | tr '|' ' ')"
expect_exit 0 atmctl verify
digest >a.digest
expect "a finished history, as JSON" "fy2016 0.003 3 1066 0 0 1Q16 2Q16 3Q16" "$(generate --jobs 1 --format json | perl -MJSON::PP -e '
        my $o = decode_json(join "", <>);
        print join " ", @$o{qw(scenario scale atms atms_whole withdrawals rows)}, map { $_->{quarter} } @{$o->{quarters}}')"
digest | diff a.digest - || wrong "a finished history changes when its command is repeated"

# what another one would be
refuses "another seed: 1, not 2" generate --seed 2
refuses "another scale: 0.003, not 0.004" atmctl history generate --scenario "$SCENARIO" --scale 0.004
sed 's/^payday_permille = .*/payday_permille = 1300/' "$SCENARIO" >other
mkdir -p same && mv other same/fy2016
refuses "another file's digest" atmctl history generate --scenario same/fy2016 --scale 0.003
cluster_person
PGUSER=$CLUSTER_PERSON refuses "only a superuser, or a member of atm_owner" generate
expect "what is shown of it" "fy2016 1 0.003 3 1066 3 true" \
        "$(atmctl history show --format json | perl -MJSON::PP -0777 -ne '$h = decode_json($_); $h = $h->[0] if ref $h eq "ARRAY"; print join " ", @{$h}{qw(scenario seed scale atms atms_whole atms_written)}, $h->{finished} ? "true" : "false"')"

# what every report says, and what finance would have entered: costs in the measure of the fleet
atmctl report results --quarter 3Q16 --format csv 2>/dev/null >results.csv
notes=$(atmctl report results --quarter 3Q16 --format csv 2>&1 >/dev/null)
[[ $notes == *"generated history: scenario fy2016, scale 0.003: 3 of 1,066 ATMs"* ]] ||
        wrong "the report does not say that it is generated"
expect "SG&A of 3 ATMs" $(((42900000 * 3 + 533) / 1066)) "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "3Q16") c = i } $1 == "sga" { print $c }' results.csv)"
expect "ATMs" 3 "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "3Q16") c = i } $1 == "atms" { print $c }' results.csv)"
# 3,056 million of 1,066 ATMs; three of them are a small sample
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "1Q-3Q16") c = i }
        $1 == "revenue" { per = $c / 3 / (3056000000 / 1066); if (per < 0.7 || per > 1.4) { print "an ATM earns " per " times what is published"; exit 1 } }' results.csv ||
        wrong "the business of an ATM is not that of the scenario"
expect "closing a generated quarter" "3Q16 is closed, and with it every day before" "$(atmctl period close 3Q16 --note agreed | tail -n 1)"
expect_exit 0 atmctl verify

# a second database, undisturbed: the same rows
set_up atm_history_b
generate >/dev/null
digest | diff a.digest - || wrong "the same scenario and seed gave other rows"
sql "DELETE FROM history_chunk; DELETE FROM history_run"
refuses "the database has withdrawals that are of no history" generate
sed -e 's/^from = .*/from = 2017-01-01/' -e 's/^to = .*/to = 2017-03-31/' "$ROOT/etc/scenarios/fy2015-fy2016" >later
refuses "the database has withdrawals that are of no history" atmctl history generate --scenario later --scale 0.003
expect "no trace of what was refused" 0 "$(sql "SELECT count(*) FROM history_run")"

passed
