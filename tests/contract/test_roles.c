/*
 * What roles may do by hand, past the programs. The catalogue says which functions each may execute that may change something
 * (VOLATILE); each of those has rows here with what its program would refuse, and a function without a row fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "tests/contract/ops.h"
#include "tests/contract/roles.h"

#define OPERATOR "atm_operator"
#define NO_NOTE  "SET atm.note = ' '; "
#define MASKS    "ARRAY['990001******0001']"
#define PAIR                                                                                                 \
        "ARRAY['00000000-0000-0000-0000-000000000001'::uuid], " MASKS ", ARRAY['HOUSE'], ARRAY['cash'], "    \
        "ARRAY['00000000-0000-0000-0000-000000000002'::uuid], "

/* A call that must be refused, and what is said of it; NULL: it changes nothing, and is allowed to say so. */
static const struct refused {
        const char *role, *function, *call, *said;
} refused[] = {
    /* the books to 2100, and whatever is not over */
    {OPERATOR, "period_close", "SELECT period_close('4Q99', true)",
     "4Q99 is not over: expected a quarter whose last day is before business today, 2022-01-01: its last day "
     "is "
     "2100-03-31"},
    {OPERATOR, "period_close", "SELECT period_close('4Q21', true)", "4Q21 is not over"},
    {OPERATOR, "period_close", "SELECT period_close('5Q16', true)", "quarter '5Q16': expected one as 3Q16"},
    {OPERATOR, "period_close", "SELECT period_close(NULL, true)", "quarter NULL: expected one as 3Q16"},
    {OPERATOR, "period_close", "SELECT period_close('3Q16', NULL)", "expected true or false"},
    {OPERATOR, "period_close", NO_NOTE "SELECT period_close('3Q16', true)", "no note: expected a reason"},
    {OPERATOR, "period_close",
     "SELECT set_config('atm.note', repeat('x', 1001), false); SELECT period_close('3Q16', true)",
     "a note of 1001 characters: expected at most 1000"},
    {OPERATOR, "operator_saf",
     NO_NOTE "SELECT operator_saf(true, '{T0000001}', '{2016-12-29}', '{1}', '{1}', 1)",
     "no note: expected a reason"},
    {OPERATOR, "operator_saf",
     "SELECT operator_saf(true, '{T0000001}', '{2016-12-29,2016-12-30}', '{1}', '{1}', 1)",
     "lists of 1 and 2, 1, 1 values: expected lists of the same length"},
    {OPERATOR, "operator_saf", "SELECT operator_saf(NULL, '{T0000001}', '{2016-12-29}', '{1}', '{1}', 1)",
     "expected true for park, false for retry"},
    {OPERATOR, "operator_saf", "SELECT operator_saf(false, '{T0000001}', '{2016-12-29}', '{1}', '{1}', NULL)",
     "NULL as the time: expected milliseconds since 1970"},
    {OPERATOR, "operator_resolve",
     NO_NOTE "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-29', 1, 0)",
     "no note: expected a reason"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', NULL, 0, false, '2016-12-29', 1, 0)",
     "no withdrawal: expected its terminal, moment and STAN"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 1500, true, '2016-12-29', 1, 0)",
     "'1500' yen dispensed: expected a multiple of 1000 yen"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, -1000, true, '2016-12-29', 1, 0)",
     "'-1000' yen dispensed: expected"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, NULL, '2016-12-29', 1, 0)",
     "neither here nor elsewhere: expected"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-29', 1, -1)",
     "'-1' ms as the least age: expected 0 or more"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-29', 9000000000000, 0)",
     "'9000000000000' as the time: expected milliseconds since 1970, no more than a day ahead"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2099-12-29', 1, 0)",
     "expected a moment between the withdrawal and now, 2022-01-01"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-20', 1, 0)",
     "expected a moment between the withdrawal and now"},
    {OPERATOR, "card_replace",
     NO_NOTE "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105}', '{lost}')",
     "no note: expected a reason"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105,3106}', '{lost}')",
     "expected lists of the same length"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR "'{9900010000000001}', '{cash}', '{HOUSE}', '{3105}', '{lost}')",
     "expected the first 6 and last 4 digits"},
    {OPERATOR, "card_replace", "SELECT card_replace(" PAIR MASKS ", '{cash}', '{A}', '{3105}', '{lost}')",
     "990001******0001 as a cash card of bank A: expected a number that begins with a prefix of that bank "
     "and kind"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{credit}', '{HOUSE}', '{3105}', '{lost}')",
     "as a credit card of bank HOUSE: expected"},
    {OPERATOR, "card_replace", "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3113}', '{lost}')",
     "expiry '3113': expected year and month, as 3105"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105}', '{active}')",
     "status 'active': expected lost, stolen or replaced"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2020-01-01', NULL)",
     "no day: expected the first day, and the day after the last"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2020-01-01', '2019-01-01')",
     "the end 2019-01-01 is not after the start 2020-01-01"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2016-10-01', '2099-01-01')",
     "expected days from 2000-01-01 to ten years after business today, 2022-01-01"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('1900-01-01', '2017-01-01')",
     "expected days from 2000-01-01"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2020-01-01', '2020-02-01')",
     "to before 2020-01-01 there would be none"},
    {OPERATOR, "token_key_is", "SELECT token_key_is('my own')", "expected 32 digits of hexadecimal"},
    {OPERATOR, "token_key_is", "SELECT token_key_is(NULL)", "expected 32 digits of hexadecimal"},
    {OPERATOR, "summary_extend", "SELECT summary_extend('2022-01-01')",
     "sums through 2022-01-01: expected a day that is over: business today is 2022-01-01"},
    {OPERATOR, "summary_extend", "SELECT summary_extend('infinity')",
     "sums through infinity: expected a day that is over"},
    {OPERATOR, "summary_step", "SELECT summary_step(NULL)", "expected true or false"},
    {"atm_report", "summary_extend", "SELECT summary_extend('2100-01-01')",
     "sums through 2100-01-01: expected a day that is over"},
    {"atm_report", "summary_extend", "SELECT summary_extend(NULL)",
     "sums through no day: expected a day that is over"},
    {"atm_report", "summary_step", "SELECT summary_step(NULL)", "expected true or false"},
    /* atmd's role: what its tables refuse */
    {"atm_daemon", "summary_extend", "SELECT summary_extend('2100-01-01')",
     "sums through 2100-01-01: expected a day that is over"},
    {"atm_daemon", "summary_step", "SELECT summary_step(NULL)", "expected true or false"},
    {"atm_daemon", "token_key_is", "SELECT token_key_is('my own')", "expected 32 digits of hexadecimal"},
    {"atm_daemon", "ledger_make_partitions", "SELECT ledger_make_partitions('2016-10-01', '2099-01-01')",
     "expected days from 2000-01-01 to ten years after business today"},
    {"atm_daemon", "ledger_session", "SELECT ledger_session()", NULL},
    {"atm_daemon", "ledger_request",
     "SELECT ledger_request(-1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', "
     "'{}', '{}', '{}', "
     "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 1, 1)",
     NULL},
    {"atm_daemon", "ledger_advice",
     "SELECT ledger_advice('{T0000001}', '{2016-12-29}', '{1}', '{completion}', '{2016-12-29}', '{2}', "
     "'{NULL}', '{10000}', "
     "'{-1000}', 1, 1)",
     "advice_dispensed_yen_check"},
    {"atm_daemon", "ledger_outcome",
     "SELECT ledger_outcome('{T0000001}', '{2016-12-29}', '{1}', '{0}', '{NULL}', '{00}', '{answer}', 1)",
     NULL},
    {"atm_daemon", "ledger_sweep", "SELECT ledger_sweep(0, 0, 10)", NULL},
    {"atm_daemon", "saf_take", "SELECT saf_take('BANKA', NULL, 1, 1, 1, 1, 1)",
     "null value in column \"holder\""},
    {"atm_daemon", "saf_end",
     "SELECT saf_end('{T0000001}', '{2016-12-29}', '{1}', '{1}', '{done}', '{00}', 1)", NULL},
};

static const char *const roles[] = {"atm_daemon", OPERATOR, "atm_report"};

/* The functions that a role may execute and that may change something. */
static char *executable(struct world *world, const char *role)
{
        char sql[400];

        snprintf(sql, sizeof sql,
                 "SELECT DISTINCT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND "
                 "p.provolatile = 'v' AND has_function_privilege('%s', p.oid, 'EXECUTE') ORDER BY 1",
                 role);
        return world_query(world, sql);
}

START_TEST(each_function_that_a_role_may_execute_refuses_what_its_program_would)
{
        static const char every_row[] = "SELECT string_agg(c.relname || ' ' || query_to_xml('SELECT "
                                        "md5(string_agg(t::text, '','' ORDER BY t::text)) AS s FROM ' "
                                        "|| c.relname || ' t', true, true, '')::text, ' ' ORDER BY "
                                        "c.relname) FROM pg_class c WHERE c.relnamespace = "
                                        "'public'::regnamespace AND c.relkind IN ('r', 'p')";
        struct world world;
        struct ledger_op request;
        char *before, *after;

        ops_open(&world);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 1, 1, 10000); /* there is something to be changed */
        ops_do(&world, &request);
        before = world_query(&world, every_row);
        for (size_t i = 0; i < LENGTH(refused); i++) {
                const struct refused *row = &refused[i];
                char conninfo[300];
                PGconn *pg;
                PGresult *result;
                const char *said;

                snprintf(conninfo, sizeof conninfo, "dbname=%s user=%s", world.name, row->role);
                pg = PQconnectdb(conninfo);
                result = PQexec(pg, row->call);
                said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
                if (row->said)
                        ck_assert_msg(said && strstr(said, row->said), "%s: %s: '%s' expected, heard: %s",
                                      row->role, row->call, row->said, said ? said : "nothing");
                else
                        ck_assert_msg(!said, "%s: %s: %s", row->role, row->call, said);
                PQclear(result);
                PQfinish(pg);
        }
        after = world_query(&world, every_row);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        world_close(&world);
}
END_TEST

START_TEST(no_function_is_without_a_row)
{
        struct world world;

        ops_open(&world);
        for (size_t i = 0; i < LENGTH(roles); i++) {
                char *names = executable(&world, roles[i]), *rest = names, *name;

                while ((name = strsep(&rest, "\n")) && *name) {
                        size_t at = 0;

                        while (at < LENGTH(refused) &&
                               (strcmp(refused[at].role, roles[i]) || strcmp(refused[at].function, name)))
                                at++;
                        ck_assert_msg(at < LENGTH(refused), "%s may execute %s: no row says what it refuses",
                                      roles[i], name);
                }
                free(names);
        }
        world_close(&world);
}
END_TEST

TCase *roles_tests(void)
{
        TCase *roles_case = tcase_create("roles");

        tcase_set_timeout(roles_case, 120);
        tcase_add_test(roles_case, each_function_that_a_role_may_execute_refuses_what_its_program_would);
        tcase_add_test(roles_case, no_function_is_without_a_row);
        return roles_case;
}
