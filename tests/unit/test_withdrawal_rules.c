/* Every cell of the state table: what an advice does to a withdrawal. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/withdrawal.h"
#include "tests/suite.h"

/* The wire's table in its own terms: what is known, what the advice says, what is then. */
static const struct {
        enum withdrawal_state state;
        int64_t counted_yen, dispensed_yen;
        enum withdrawal_state then;
        int commission;
        bool exception;
} cells[] = {
    /* unknown: blocked, and with cash an exception */
    {WITHDRAWAL_UNKNOWN, 0, 10000, WITHDRAWAL_BLOCKED, 0, true},
    {WITHDRAWAL_UNKNOWN, 0, 0, WITHDRAWAL_BLOCKED, 0, false},
    {WITHDRAWAL_BLOCKED, 0, 10000, WITHDRAWAL_BLOCKED, 0, true},
    {WITHDRAWAL_BLOCKED, 0, 0, WITHDRAWAL_BLOCKED, 0, false},
    /* declined: cash is an exception, none is nothing */
    {WITHDRAWAL_DECLINED, 0, 10000, WITHDRAWAL_DECLINED, 0, true},
    {WITHDRAWAL_DECLINED, 0, 0, WITHDRAWAL_DECLINED, 0, false},
    /* asked for 10,000, its bank not heard yet: none is the outcome, cash is an exception whatever it is */
    {WITHDRAWAL_ASKED, 10000, 0, WITHDRAWAL_REVERSED, 0, false},
    {WITHDRAWAL_ASKED, 10000, 1000, WITHDRAWAL_ASKED, 0, true},
    {WITHDRAWAL_ASKED, 10000, 10000, WITHDRAWAL_ASKED, 0, true},
    {WITHDRAWAL_ASKED, 10000, 11000, WITHDRAWAL_ASKED, 0, true},
    /* approved over 10,000: completed with d, an amount over it is an exception, none reverses */
    {WITHDRAWAL_APPROVED, 10000, 10000, WITHDRAWAL_COMPLETED, 1, false},
    {WITHDRAWAL_APPROVED, 10000, 1000, WITHDRAWAL_COMPLETED, 1, false},
    {WITHDRAWAL_APPROVED, 10000, 11000, WITHDRAWAL_APPROVED, 0, true},
    {WITHDRAWAL_APPROVED, 10000, 0, WITHDRAWAL_REVERSED, 0, false},
    /* completed with 10,000: the same is nothing, less corrects the cash, more is an exception */
    {WITHDRAWAL_COMPLETED, 10000, 10000, WITHDRAWAL_COMPLETED, 0, false},
    {WITHDRAWAL_COMPLETED, 10000, 9000, WITHDRAWAL_COMPLETED, 0, false},
    {WITHDRAWAL_COMPLETED, 10000, 20000, WITHDRAWAL_COMPLETED, 0, true},
    {WITHDRAWAL_COMPLETED, 10000, 0, WITHDRAWAL_REVERSED, -1, false},
    /* reversed: cash is an exception, none is nothing */
    {WITHDRAWAL_REVERSED, 0, 10000, WITHDRAWAL_REVERSED, 0, true},
    {WITHDRAWAL_REVERSED, 0, 0, WITHDRAWAL_REVERSED, 0, false},
    /* completed and settled: the same is nothing, all else an exception that moves nothing */
    {WITHDRAWAL_SETTLED, 10000, 10000, WITHDRAWAL_COMPLETED, 0, false},
    {WITHDRAWAL_SETTLED, 10000, 9000, WITHDRAWAL_COMPLETED, 0, true},
    {WITHDRAWAL_SETTLED, 10000, 11000, WITHDRAWAL_COMPLETED, 0, true},
    {WITHDRAWAL_SETTLED, 10000, 0, WITHDRAWAL_COMPLETED, 0, true},
    /* no notes add up to it */
    {WITHDRAWAL_APPROVED, 10000, 1500, WITHDRAWAL_APPROVED, 0, true},
    {WITHDRAWAL_COMPLETED, 10000, 500, WITHDRAWAL_COMPLETED, 0, true},
};
enum { CELLS = sizeof cells / sizeof cells[0] };

START_TEST(an_advice_does_what_the_wires_table_says)
{
        enum dispensed_relation relation =
            withdrawal_relation(cells[_i].state, cells[_i].counted_yen, cells[_i].dispensed_yen);
        const struct withdrawal_rule *rule = withdrawal_on_advice(cells[_i].state, relation);

        ck_assert_int_eq(rule->to, cells[_i].then);
        ck_assert_int_eq(rule->commission, cells[_i].commission);
        ck_assert_int_eq(rule->exception, cells[_i].exception);
        ck_assert_int_eq(withdrawal_counted_yen(rule, cells[_i].counted_yen, cells[_i].dispensed_yen),
                         rule->to != WITHDRAWAL_COMPLETED ? 0
                         : rule->exception                ? cells[_i].counted_yen
                                                          : cells[_i].dispensed_yen);
}
END_TEST

START_TEST(rows_stand_where_they_are_looked_for)
{
        for (int state = 0; state < WITHDRAWAL_STATE_COUNT; state++) {
                for (int relation = 0; relation < DISPENSED_RELATION_COUNT; relation++) {
                        const struct withdrawal_rule *rule = withdrawal_on_advice(
                            (enum withdrawal_state)state, (enum dispensed_relation)relation);

                        ck_assert_int_eq(rule->from, state);
                        ck_assert_int_eq(rule->relation, relation);
                }
        }
}
END_TEST

/* The sum over any history is 1 while completed and 0 otherwise, if each single step keeps it so. */
START_TEST(commission_is_earned_exactly_while_completed)
{
        for (size_t i = 0; i < sizeof withdrawal_rules / sizeof withdrawal_rules[0]; i++) {
                const struct withdrawal_rule *rule = &withdrawal_rules[i];

                ck_assert_int_eq((rule->from == WITHDRAWAL_COMPLETED || rule->from == WITHDRAWAL_SETTLED) +
                                     rule->commission,
                                 rule->to == WITHDRAWAL_COMPLETED);
                if (rule->exception && rule->from != WITHDRAWAL_UNKNOWN && rule->from != WITHDRAWAL_SETTLED)
                        ck_assert_int_eq(rule->from, rule->to); /* an exception moves nothing */
        }
}
END_TEST

static const struct {
        enum withdrawal_state state;
        int64_t counted_yen, dispensed_yen;
        enum dispensed_relation relation;
} relations[] = {
    {WITHDRAWAL_APPROVED, 10000, 0, DISPENSED_ZERO},
    {WITHDRAWAL_APPROVED, 10000, 1, DISPENSED_MORE}, /* no notes add up to it */
    {WITHDRAWAL_APPROVED, 10000, 1000, DISPENSED_LESS},
    {WITHDRAWAL_APPROVED, 10000, 9000, DISPENSED_LESS},
    {WITHDRAWAL_APPROVED, 10000, 9999, DISPENSED_MORE},
    {WITHDRAWAL_APPROVED, 10000, 10000, DISPENSED_EQUAL},
    {WITHDRAWAL_APPROVED, 10000, 10001, DISPENSED_MORE},
    {WITHDRAWAL_ASKED, 10000, 0, DISPENSED_ZERO},
    {WITHDRAWAL_ASKED, 10000, 9000, DISPENSED_LESS},
    {WITHDRAWAL_ASKED, 10000, 10000, DISPENSED_EQUAL},
    {WITHDRAWAL_ASKED, 10000, 11000, DISPENSED_MORE},
    {WITHDRAWAL_COMPLETED, 5000, 0, DISPENSED_ZERO},
    {WITHDRAWAL_COMPLETED, 5000, 4000, DISPENSED_LESS},
    {WITHDRAWAL_COMPLETED, 5000, 5000, DISPENSED_EQUAL},
    {WITHDRAWAL_COMPLETED, 5000, 6000, DISPENSED_MORE},
    {WITHDRAWAL_UNKNOWN, 0, 0, DISPENSED_ZERO},
    {WITHDRAWAL_UNKNOWN, 0, 1000, DISPENSED_MORE},
    {WITHDRAWAL_BLOCKED, 0, 1000, DISPENSED_MORE},
    {WITHDRAWAL_DECLINED, 10000, 10000, DISPENSED_MORE},
    {WITHDRAWAL_DECLINED, 10000, 1000, DISPENSED_MORE},
    {WITHDRAWAL_REVERSED, 10000, 10000, DISPENSED_MORE},
    {WITHDRAWAL_REVERSED, 0, 0, DISPENSED_ZERO},
    {WITHDRAWAL_APPROVED, INT64_MAX / 1000 * 1000, INT64_MAX / 1000 * 1000, DISPENSED_EQUAL},
};
enum { RELATIONS = sizeof relations / sizeof relations[0] };

START_TEST(cash_is_compared_with_what_counts_so_far)
{
        ck_assert_int_eq(
            withdrawal_relation(relations[_i].state, relations[_i].counted_yen, relations[_i].dispensed_yen),
            relations[_i].relation);
}
END_TEST

static int find_name(const char *const *names, int count, const char *name)
{
        for (int i = 0; i < count; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        ck_abort_msg("the schema says \"%s\", which the code does not know", name);
        return -1;
}

/* Of a file of sql/, each checked; how many there are. */
static int check_rows_of(const char *path)
{
        FILE *schema = fopen(path, "r");
        char line[512];
        int seen = 0;

        ck_assert_ptr_nonnull(schema);
        while (fgets(line, sizeof line, schema)) {
                char before[16], relation[8], after[16], exception[8];
                const struct withdrawal_rule *rule;
                int commission;

                if (sscanf(line, " ('%15[a-z]', '%7[a-z]', '%15[a-z]', %d, %7[a-z])", before, relation, after,
                           &commission, exception) != 5)
                        continue;
                rule = withdrawal_on_advice(
                    (enum withdrawal_state)find_name(withdrawal_state_name, WITHDRAWAL_STATE_COUNT, before),
                    (enum dispensed_relation)find_name(dispensed_relation_name, DISPENSED_RELATION_COUNT,
                                                       relation));
                ck_assert_str_eq(after, withdrawal_state_name[rule->to]);
                ck_assert_int_eq(commission, rule->commission);
                ck_assert_str_eq(exception, rule->exception ? "true" : "false");
                seen++;
        }
        fclose(schema);
        return seen;
}

START_TEST(the_schema_holds_the_same_rows)
{
        int seen =
            check_rows_of(SOURCE_DIR "/sql/001_schema.sql") + check_rows_of(SOURCE_DIR "/sql/010_ends.sql");

        /* an unknown withdrawal has no row there to start from */
        ck_assert_int_eq(seen, (WITHDRAWAL_STATE_COUNT - 1) * DISPENSED_RELATION_COUNT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("withdrawal rules");
        TCase *tcase = tcase_create("withdrawal rules");

        tcase_add_loop_test(tcase, an_advice_does_what_the_wires_table_says, 0, CELLS);
        tcase_add_test(tcase, rows_stand_where_they_are_looked_for);
        tcase_add_test(tcase, commission_is_earned_exactly_while_completed);
        tcase_add_loop_test(tcase, cash_is_compared_with_what_counts_so_far, 0, RELATIONS);
        tcase_add_test(tcase, the_schema_holds_the_same_rows);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
