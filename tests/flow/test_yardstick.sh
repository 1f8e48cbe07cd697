#!/usr/bin/env bash
# The yardstick of scripts/bench throughput is what it always was, and writes the rows that a withdrawal is.
[[ -n ${PGHOST:-} && ${PGUSER:-} == postgres ]] || exec "$(dirname "${BASH_SOURCE[0]}")/../../scripts/with-postgres" "$0" "$@"
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT/tests/bench"
# Nothing is a reason to change these sums. Whoever makes the yardstick faster or slower, or only tidies it, leaves
# every ratio that was published without a meaning. What follows the ledger's tables is pgbench_withdrawal.sql; a
# yardstick of another kind gets a name of its own and stands beside this one.
expect "the yardstick is frozen" "\
6d5a9218a8e9601eb20921c522d3f3b009850caaca6a09b606c9d2d457f41310  yardstick.sql
2eb296f1041cfa2287ebbb0259dc6504167b463cd4245096ecf332ca1351eeaf  yardstick_withdrawal.sql" \
        "$(sha256sum yardstick.sql yardstick_withdrawal.sql)"

database=atm_yardstick_$$
sql "CREATE DATABASE $database" >/dev/null
export PGDATABASE=$database PGOPTIONS='-c search_path=yardstick'
psql -X -q -v ON_ERROR_STOP=1 -v cards=500 -f yardstick.sql

# pgbench_of CLIENTS TRANSACTIONS CARDS FIRST_STAN: at noon of a day in its quarters
pgbench_of() {
        local offset=$((($(TZ=JST-9 date -d 2016-12-28T12:00:00 +%s) - $(date +%s)) * 1000))
        "$(cluster_programs)/pgbench" -n -M prepared -c "$1" -t "$2" -f yardstick_withdrawal.sql \
                -D clients="$1" -D cards="$3" -D first_stan="$4" -D atms=7 -D n=0 -D offset_ms="$offset"
}

expect_exit 0 pgbench_of 4 50 400 0
[[ $OUTPUT == *"number of transactions actually processed: 200/200"* ]] || wrong "pgbench says: $OUTPUT"
# 1,000 yen each, for 100 and 100 yen with 8 % tax, 6 of them the hall's; the card pays its own fee
price="customer_fee_yen + customer_tax_yen + interbank_fee_yen + interbank_tax_yen + hall_share_yen"
expect "200 withdrawals, each in every table" "\
withdrawal|200|200000
advice|200|200000
commission|200|44400
cash of commission|200|200000
revenue_rollup|200|44400
card_month|200|200000
card_day|200|200000
account|200|221600
open_withdrawal|0|" "$(sql "
WITH used AS (SELECT card_token, count(*) AS n FROM withdrawal GROUP BY 1)
SELECT 'withdrawal', count(*), sum(amount_yen) FROM withdrawal WHERE reason = 0 AND business_date = '2016-12-28'
UNION ALL SELECT 'advice', count(*), sum(counted_yen) FROM advice JOIN withdrawal USING (terminal, transmitted_at, stan)
          WHERE state = 'completed'
UNION ALL SELECT 'commission', sum(sign), sum($price) FROM commission JOIN advice USING (terminal, transmitted_at, stan, seq)
UNION ALL SELECT 'cash of commission', count(*), sum(cash_yen) FROM commission
UNION ALL SELECT 'revenue_rollup', sum(withdrawals), sum($price) FROM revenue_rollup
UNION ALL SELECT 'card_month', sum(n), sum(cash_yen) FROM card_month JOIN used USING (card_token) WHERE cash_yen = n * 1000
UNION ALL SELECT 'card_day', sum(withdrawals), sum(cash_yen) FROM card_day JOIN used USING (card_token)
          WHERE cash_yen = n * 1000 AND withdrawals = n
UNION ALL SELECT 'account', sum(n), sum(opening_yen - balance_yen) FROM account JOIN used USING (card_token)
          WHERE opening_yen - balance_yen = n * 1108
UNION ALL SELECT 'open_withdrawal', count(*), sum(amount_yen) FROM open_withdrawal")"

# it keeps the limits: the first card's 31st withdrawal of a day is not approved, and pgbench fails
expect_exit 2 pgbench_of 1 31 1 1000
expect "of the first card" "30|30000" "$(sql "
SELECT count(*), sum(amount_yen) FROM withdrawal JOIN numbered_card USING (card_token) WHERE n = 1")"
PGDATABASE=postgres sql "DROP DATABASE $database" >/dev/null
passed
