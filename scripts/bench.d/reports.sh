# shellcheck shell=bash disable=SC2034
#   reports      each shape of 'atmctl report revenue' over the two fiscal years of a generated history, and the other
#                reports, as a command from its start to its end; against the same sums over the commission rows alone:
#                  --scale SCALE    how much of the fleet the history has (0.02)
#                  --rounds N       the best of N runs of a report (3)
#                  --database       the history that is in the database of PGHOST, PGPORT, PGDATABASE, PGUSER instead
#                NAME_ms, NAME_rows_ms, NAME_ratio of each shape, slowest_ms, and quarter by area's ratio as ratio
takes --scale SCALE 0.02 scale
takes --rounds ROUNDS 3 number 1 100
takes --database DATABASE 0 flag

REPORT_FROM=2015-04-01 REPORT_TO=2017-03-31
# shellcheck disable=SC2054 # the commas belong to them
REPORT_SHAPES=(area hall atm issuer band hour day month quarter fy area,quarter area,day atm,month hall,band hall,hour prefecture,day
        issuer,day hour,day hour,band)
# What a key is, over the rows c of commission and their halls h.
declare -A REPORT_KEYS=([area]=h.area [prefecture]=h.prefecture [hall]=c.hall [atm]=c.terminal [issuer]=c.issuer [band]=c.band
        [hour]="extract(hour FROM c.transmitted_at AT TIME ZONE 'Asia/Tokyo')" [day]=c.posted_on
        [month]="date_trunc('month', c.posted_on)" [quarter]="date_trunc('quarter', c.posted_on)"
        [fy]="date_trunc('year', c.posted_on - INTERVAL '3 months')")

# The sums of a shape, from the rows of commission.
rows_query() {
        local first=${1%,*} second=''
        [[ $1 != *,* ]] || second=", ${REPORT_KEYS[${1#*,}]}"
        printf "SELECT %s%s, sum(c.sign), sum(c.cash_yen), sum(c.customer_fee_yen), sum(c.interbank_fee_yen), sum(c.customer_tax_yen + c.interbank_tax_yen)
                FROM commission c JOIN hall h USING (hall) WHERE c.posted_on BETWEEN '%s' AND '%s' GROUP BY 1%s" \
                "${REPORT_KEYS[$first]}" "$second" "$REPORT_FROM" "$REPORT_TO" "${second:+, 2}"
}

# report_line NAME MS [ROWS_MS]
report_line() {
        local name=${1//[, ]/_} ratio=''
        ((SLOWEST >= $2)) || SLOWEST=$2
        [[ -z ${3:-} ]] || ratio=$(calculate %.0f "$3 / $2")
        [[ $1 != area,quarter ]] || RATIO=$ratio
        RESULTS+=", \"${name}_ms\": $2${3:+, \"${name}_rows_ms\": $3, \"${name}_ratio\": $ratio}"
        ((JSON)) || printf '%-22s %8s ms %10s %8s\n' "$1" "$2" "${3:+$3 ms}" "$ratio"
}

benchmark() {
        local by rows report began=$SECONDS
        if ((DATABASE)); then
                [[ -z $KEEP ]] || usage_error "--keep: --database has no laboratory to be kept"
                bench_folder
                build_programs
                PATH=$BIN:$PATH
        else
                bench_begin --atms 10 --cards 100 --history "$ROOT/etc/scenarios/fy2015-fy2016" --scale "$SCALE"
        fi
        SLOWEST=0 RATIO=0 RESULTS=''
        say "bringing the summary up to date"
        milliseconds atmctl report revenue --from "$REPORT_FROM" --to "$REPORT_TO" --by fy
        say "the first report, which makes the summary: $MS ms"
        best_of "$ROUNDS" atmctl area list
        rows=$(sql 'SELECT count(*) FROM commission')
        say "$rows commission rows; 'atmctl area list', which only connects, takes $MS ms"
        for by in "${REPORT_SHAPES[@]}"; do
                best_of "$ROUNDS" atmctl report revenue --from "$REPORT_FROM" --to "$REPORT_TO" --by "$by" --format csv
                report=$MS
                milliseconds sql "$(rows_query "$by")"
                report_line "$by" "$report" "$MS"
        done
        best_of "$ROUNDS" atmctl report revenue --fy 2016 --by area,quarter --compare yoy
        report_line "compared yoy" "$MS"
        best_of "$ROUNDS" atmctl report fleet --from "$REPORT_FROM" --to "$REPORT_TO"
        report_line fleet "$MS"
        best_of "$ROUNDS" atmctl report tax --from "$REPORT_FROM" --to "$REPORT_TO"
        report_line tax "$MS"
        best_of "$ROUNDS" atmctl report results --quarter 4Q16
        report_line results "$MS"
        ((!JSON)) || printf '{"commission_rows": %s, "slowest_ms": %s, "ratio": %s%s}\n' "$rows" "$SLOWEST" "$RATIO" "$RESULTS"
        say "took $((SECONDS - began)) s; the slowest report $SLOWEST ms; quarter by area $RATIO times as fast as from the rows"
}
