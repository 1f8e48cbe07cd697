/*
 * What tests of the books share: withdrawals of 10,000 yen at noon of OPS_NOON, in quarter 3Q16, people's sessions beside them, and what the books have.
 */
#ifndef TESTS_CONTRACT_BOOKS_H
#define TESTS_CONTRACT_BOOKS_H

#include <check.h>

#include "tests/contract/ops.h"

#define AMOUNT_YEN 10000
#define CLOSE      "SELECT coalesce(r_refusal, 'done') || ' ' || r_without_end FROM period_close('3Q16', false)"
#define CLOSE_FORCED                                                                                         \
        "SELECT coalesce(r_refusal, 'done') || ' ' || r_without_end FROM period_close('3Q16', true)"

/* a person's session -------------------------------------------------------------------------------- */

void desk_say(PGconn *pg, const char *sql);
/* What the statement that was sent ends with: its first value, or its error; to be freed. */
char *desk_hear(PGconn *pg);
void desk_heard(PGconn *pg, const char *expected, const char *what);
void desk_told(PGconn *pg, const char *sql, const char *expected);
/* Until its statement waits for a lock. */
void desk_waits(struct world *world, const PGconn *pg);

struct desk_statement {
        const char *sql;
        const char *refusal; /* within what is said; NULL: it is done */
};
void desk_try(PGconn *pg, const struct desk_statement *statements, size_t count);

/* withdrawals --------------------------------------------------------------------------------------- */

/* The 0200s of the numbers [0, count): approved, without an end. */
void books_approve(struct world *world, struct ledger_op *request, int count);
void books_dispense(struct world *world, const struct ledger_op *request, int number, int64_t dispensed_yen);
/* A completion as a statement of its own, for a transaction that a test holds open. Good until the next. */
const char *books_completion_sql(const struct ledger_op *request);

/* books --------------------------------------------------------------------------------------------- */

/* Business today; the world's is after all days of the tests. */
void books_today(struct world *world, const char *day);
void books_have(struct world *world, const char *sql, const char *expected);
/* Ready to be closed: the costs are entered too. */
void books_sum_up_quarters(struct world *world);

/* "business date, day of posting, sign, cash" of every commission row. */
#define POSTINGS                                                                                             \
        "SELECT coalesce(string_agg(concat_ws(' ', business_date, posted_on, sign, cash_yen), ', ' "         \
        "ORDER BY posted_on, stan, seq), '') FROM commission"
#define PERIOD                                                                                               \
        "SELECT concat_ws(' ', without_end, withdrawals, cash_yen, commission_yen) FROM period WHERE "       \
        "quarter = '3Q16'"
#define CLOSED_DAYS                                                                                          \
        "SELECT concat_ws(' ', sum(withdrawals), sum(cash_yen), sum(commission_yen)) "                       \
        "FROM v_revenue WHERE posted_on BETWEEN '2016-10-01' AND '2016-12-31'"
#define REPORTED "SELECT coalesce(sum(withdrawals), 0) FROM report_place('2016-10-01', '2016-12-31')"
/* Of what lies in December 2016: withdrawals that each cube has; those that are in none. */
#define SUMS                                                                                                 \
        "SELECT string_agg(cube || ' ' || n, ', ' ORDER BY cube) FROM (SELECT cube, sum(withdrawals) AS n "  \
        "FROM summary GROUP BY cube) s"
#define BY_DAY(n)   "bank " n ", day " n ", detail " n ", hour " n
#define BY_MONTH(n) "atm " n ", " BY_DAY(n) ", place " n
#define SUMMED_MONTHS                                                                                        \
        "SELECT string_agg(month::text, ', ' ORDER BY month) FROM summed_month WHERE month >= '2016-12-01'"
#define UNSUMMED "SELECT count(*) FROM unsummed_post"

#define ALL_STEPS "DO $$ BEGIN WHILE summary_step(true) IS NOT NULL LOOP END LOOP; END $$"

/* The tests of test_closing's program, a file each. */
TCase *summaries_tests(void);
TCase *guards_tests(void);
TCase *together_tests(void);
TCase *places_tests(void);

#endif
