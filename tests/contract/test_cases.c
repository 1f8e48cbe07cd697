/*
 * What the desks look up (backoffice/cases), asked of PostgreSQL without a command line: withdrawals by whatever is known of
 * them, one of them whole, what people should look at, and what becomes of a finding.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/cases/exceptions.h"
#include "backoffice/cases/notices.h"
#include "backoffice/cases/withdrawals.h"
#include "lib/base/array.h"
#include "tests/contract/keys.h"
#include "tests/contract/locks.h"
#include "tests/contract/ops.h"
#include "tests/contract/roles.h"
#include "tests/contract/settings.h"
#include "tests/suite.h"

enum { WITHDRAWALS = 4, AMOUNT_YEN = 10000 };

/* STAN 1: dispensed; 2: reversed; 3: without an end; 4: its card's bank, behind a link, is being asked. All at noon. */
static void open_world(struct world *world)
{
        static const int cards[WITHDRAWALS] = {0, 1, 2, WORLD_LINK_CARD};
        struct ledger_op request[WITHDRAWALS], advice;

        ops_open(world);
        world_sql(world, "SET TIME ZONE 'Asia/Tokyo'");
        memset(request, 0, sizeof request);
        for (int i = 0; i < WITHDRAWALS; i++) {
                ops_ask(world, &request[i], i + 1, cards[i], AMOUNT_YEN);
                ops_do(world, &request[i]);
        }
        ops_advise(&advice, &request[0], 1, AMOUNT_YEN, AMOUNT_YEN);
        ops_do(world, &advice);
        ops_advise(&advice, &request[1], 1, AMOUNT_YEN, 0);
        ops_do(world, &advice);
}

/* The STANs that were found, in their order. */
static void stans(struct world *world, const struct withdrawal_question *question, int64_t limit,
                  char *buffer, size_t size)
{
        char error[PG_ERROR_MAX];
        PGresult *result = withdrawals_find(world->admin, question, limit, error);

        ck_assert_msg(result, "%s", error);
        ck_assert_int_eq(PQnfields(result), WITHDRAWAL_COLUMN_COUNT);
        *buffer = '\0';
        for (int i = 0; i < PQntuples(result); i++) {
                size_t used = strlen(buffer);

                snprintf(buffer + used, size - used, "%s%s", used ? " " : "",
                         PQgetvalue(result, i, WITHDRAWAL_STAN));
        }
        PQclear(result);
}

/* Words of one letter. */
static void sort_words(char *text)
{
        for (char *a = text; *a; a += 1 + (a[1] != '\0'))
                for (char *b = a; *b; b += 1 + (b[1] != '\0'))
                        if (*b < *a) {
                                char c = *a;

                                *a = *b;
                                *b = c;
                        }
}

START_TEST(withdrawals_are_found_by_whatever_is_known_of_them)
{
        static const struct {
                struct withdrawal_question question;
                const char *found; /* the newest first, then by terminal and STAN */
        } cases[] = {
            {{.terminal = NULL}, "2 4 1 3"},
            {{.stan = "2"}, "2"},
            {{.state = "completed"}, "1"},
            {{.state = "reversed"}, "2"},
            {{.state = "approved"}, "3"},
            {{.state = "asked"}, "4"},
            {{.state = "declined"}, ""},
            {{.date = "2016-12-29"}, "2 4 1 3"},
            {{.date = "2016-12-30"}, ""},
            {{.from = "2016-12-29T12:00:00+09:00"}, "2 4 1 3"},
            {{.from = "2016-12-29T12:00:01+09:00"}, ""},
            {{.to = "2016-12-29T12:00:00+09:00"}, ""},
            {{.from = "2016-12-29", .to = "2016-12-29"}, "2 4 1 3"}, /* a day as an end: all of it */
            {{.to = "2016-12-28"}, ""},
            {{.rrn = "636412000003"}, "3"}, /* day 364 of a year that ends in 6, 12 hours */
            {{.amount_yen = "10000", .stan = "1"}, "1"},
            {{.amount_yen = "20000"}, ""},
        };
        struct world world;
        char found[64];

        open_world(&world);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                stans(&world, &cases[i].question, 10, found, sizeof(found));
                ck_assert_msg(!strcmp(found, cases[i].found), "case %zu: '%s' expected, '%s' found", i,
                              cases[i].found, found);
        }
        stans(&world, &cases[0].question, 2, found, sizeof(found));
        ck_assert_str_eq(found, "2 4");
        world_close(&world);
}
END_TEST

/* Over both back ends: the refusal keeps the link that was meant, and its bank is told nothing whatever the ATM says. STAN 4 was asked
 * of the same bank, 5 is refused for want of it, 6 for another reason, 7 for want of a PIN for it, which no count of ours stands behind. */
static void refuse(struct world *world)
{
        static const enum reason refusals[] = {REASON_ISSUER_UNAVAILABLE, REASON_OUTSIDE_HOURS,
                                               REASON_PIN_WRONG};
        struct ledger_op request[LENGTH(refusals)], advice;

        memset(request, 0, sizeof request);
        for (int i = 0; i < (int)LENGTH(refusals); i++) {
                ops_ask(world, &request[i], 5 + i, WORLD_LINK_CARD + i, AMOUNT_YEN + 1000 * i);
                request[i].request.refusal = refusals[i];
                ops_do(world, &request[i]);
        }
        ops_advise(&advice, &request[0], 5, AMOUNT_YEN, 0);
        ops_do(world, &advice);
        ops_advise(&advice, &request[0], 6, AMOUNT_YEN, AMOUNT_YEN);
        ops_do(world, &advice);
        world_same_rows(world, "refused for want of a bank");
        ck_assert_int_eq(world_number(world, "SELECT count(*) FROM bank_notice WHERE stan = 5"), 0);
        ck_assert_int_eq(world_number(world, "SELECT count(*) FROM saf WHERE stan = 5"), 0);
        ck_assert_int_eq(world_number(world, "SELECT count(*) FROM pin_event"), 0);
}

START_TEST(what_was_refused_for_want_of_a_bank_is_found_by_its_name)
{
        static const struct {
                struct withdrawal_question question;
                const char *found;
        } cases[] = {
            {{.link = "BANKA"}, "4 5 7"},
            {{.link = "BANKA", .state = "declined"}, "5 7"},
            {{.link = "BANKA", .state = "asked"}, "4"},
            {{.link = "BANKB"}, ""},
            {{.issuer = "A"}, "4 5 6 7"},
            {{.reason = "ISSUER_UNAVAILABLE"}, "5"},
            {{.reason = "OUTSIDE_HOURS"}, "6"},
            {{.reason = "PIN_WRONG"}, "7"},
            {{.reason = "APPROVED", .amount_yen = "10000"}, "1 2 3"},
            {{.de39 = "91"}, "5"},
            {{.de39 = "58", .issuer = "A"}, "6"},
            {{.amount_from_yen = "10001"}, "6 7"},
            {{.amount_to_yen = "11000", .amount_from_yen = "11000"}, "6"},
            {{.amount_to_yen = "10000", .issuer = "A"}, "4 5"},
        };
        struct world world;
        char found[64];

        open_world(&world);
        refuse(&world);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct withdrawal_question question = cases[i].question;
                char newest_first[64];

                question.oldest_first = true;
                stans(&world, &question, 10, found, sizeof(found));
                stans(&world, &cases[i].question, 10, newest_first, sizeof(newest_first));
                ck_assert_int_eq(strlen(found), strlen(newest_first));
                sort_words(found);
                ck_assert_msg(!strcmp(found, cases[i].found), "case %zu: '%s' expected, '%s' found", i,
                              cases[i].found, found);
        }
        world_close(&world);
}
END_TEST

/* What is to be paid stands from the decision on; that it is earned, only once cash is out. */
START_TEST(a_price_is_shown_before_the_end_as_fixed_and_not_as_earned)
{
        static const struct {
                const char *stan, *earned_yen, *fixed_yen, *commission;
        } cases[] = {
            {"1", "100", "100", "earned"}, {"2", "0", "100", "none"}, {"3", "0", "100", "fixed"},
            {"4", "0", "100", "fixed"},    {"5", "0", "", "none"},
        };
        struct world world;

        open_world(&world);
        refuse(&world);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                const struct withdrawal_question question = {.stan = cases[i].stan};
                char error[PG_ERROR_MAX];
                PGresult *result = withdrawals_find(world.admin, &question, 1, error);

                ck_assert_msg(result, "%s", error);
                ck_assert_str_eq(PQgetvalue(result, 0, WITHDRAWAL_CUSTOMER_FEE_YEN), cases[i].earned_yen);
                ck_assert_str_eq(PQgetvalue(result, 0, WITHDRAWAL_FIXED_CUSTOMER_FEE_YEN),
                                 cases[i].fixed_yen);
                ck_assert_str_eq(PQgetvalue(result, 0, WITHDRAWAL_COMMISSION_IS), cases[i].commission);
                PQclear(result);
        }
        world_close(&world);
}
END_TEST

/* How often the session has lately read withdrawal's partitions before that of a moment. */
static int64_t reads_before(struct world *world, const char *moment)
{
        char sql[512];

        snprintf(sql, sizeof(sql),
                 "SELECT coalesce(sum(s.seq_scan + s.idx_scan), 0) FROM pg_stat_xact_user_tables s JOIN "
                 "pg_inherits i "
                 "ON i.inhrelid = s.relid WHERE i.inhparent = 'withdrawal'::regclass AND "
                 "s.relname < to_char(TIMESTAMP '%s', '\"withdrawal_\"YYYY\"q\"Q')",
                 moment);
        return world_number(world, sql);
}

START_TEST(a_stan_without_a_time_is_looked_for_in_the_newest_days_first)
{
        static const struct withdrawal_question of_1 = {.terminal = "T0000001", .stan = "1"},
                                                of_7 = {.terminal = "T0000001", .stan = "7"},
                                                of_8 = {.terminal = "T0000001", .stan = "8"};
        char found[64];
        struct world world;
        int64_t others, oldest;

        open_world(&world);
        world_sql(&world, "SELECT ledger_make_partitions('2015-07-01', '2016-10-01')");
        world_sql(
            &world,
            "INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, amount_yen, "
            "business_date) SELECT 'T0000001', at, n, 10, 10000, 10000, (at AT TIME ZONE 'Asia/Tokyo')::date "
            "FROM "
            "(VALUES (TIMESTAMPTZ '2016-12-27T11:00+09:00', 1), ('2016-08-01T12:00+09:00', 7), "
            "('2015-08-01T12:00+09:00', 7)) w (at, n)");
        world_sql(&world, "ANALYZE withdrawal; SET enable_seqscan = off; SET enable_bitmapscan = off; BEGIN");
        others = reads_before(&world, "2016-12-01");
        oldest = reads_before(&world, "2015-10-01");
        stans(&world, &of_1, 10, found, sizeof(found));
        ck_assert_str_eq(found, "1"); /* of the newest days alone */
        ck_assert_int_eq(reads_before(&world, "2016-12-01"), others);
        stans(&world, &of_7, 10, found, sizeof(found));
        ck_assert_str_eq(found, "7"); /* of the newest year */
        ck_assert_int_eq(reads_before(&world, "2015-10-01"), oldest);
        stans(&world, &of_8, 10, found, sizeof(found));
        ck_assert_str_eq(found, "");
        ck_assert_int_gt(reads_before(&world, "2015-10-01"), oldest);
        world_sql(&world, "COMMIT; RESET enable_seqscan; RESET enable_bitmapscan");
        world_close(&world);
}
END_TEST

/* The ATM of STAN 1 uses the STAN again half an hour later, for a withdrawal that is refused. */
static void ask_again(struct world *world)
{
        world_sql(world, "INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, "
                         "amount_yen, business_date) "
                         "SELECT terminal, transmitted_at + INTERVAL '30 minutes', stan, 10, 10000, 10000, "
                         "business_date FROM "
                         "withdrawal WHERE stan = 1");
}

START_TEST(all_of_an_rrn_are_shown_whole)
{
        static const struct withdrawal_question of_rrn = {.rrn = "636412000001"};
        struct withdrawal_wholes wholes;
        char error[PG_ERROR_MAX] = "", found[64];
        struct world world;

        open_world(&world);
        ask_again(&world);
        stans(&world, &of_rrn, 10, found, sizeof(found));
        ck_assert_str_eq(found, "1 1");
        ck_assert_int_eq(withdrawal_wholes_read(world.admin, &of_rrn, &wholes, error), WITHDRAWAL_FOUND);
        ck_assert_int_eq(wholes.count, 2);
        ck_assert_str_eq(PQgetvalue(wholes.whole[0].withdrawal, 0, WITHDRAWAL_AT),
                         "2016-12-29T12:30:00+09:00");
        ck_assert_str_eq(PQgetvalue(wholes.whole[0].withdrawal, 0, WITHDRAWAL_STATE), "declined");
        ck_assert(PQgetisnull(wholes.whole[0].withdrawal, 0, WITHDRAWAL_CARD_TOKEN));
        ck_assert_int_eq(PQntuples(wholes.whole[0].part[WITHDRAWAL_ADVICES]), 0);
        ck_assert_str_eq(PQgetvalue(wholes.whole[1].withdrawal, 0, WITHDRAWAL_AT),
                         "2016-12-29T12:00:00+09:00");
        ck_assert_str_eq(PQgetvalue(wholes.whole[1].withdrawal, 0, WITHDRAWAL_STATE), "completed");
        ck_assert_int_eq(PQntuples(wholes.whole[1].part[WITHDRAWAL_ADVICES]), 1);
        withdrawal_wholes_free(&wholes);
        world_close(&world);
}
END_TEST

START_TEST(an_rrn_of_a_day_that_no_year_has_is_nobody_s)
{
        /* 366 days after the first of January 2017 it is 2018, whose RRNs begin with 8 */
        static const char *const nobody_s[] = {"736612000001", "700012000001", "836412000001",
                                               "636424000001"};
        char found[64];
        struct world world;

        open_world(&world);
        for (size_t i = 0; i < LENGTH(nobody_s); i++) {
                const struct withdrawal_question question = {.rrn = nobody_s[i]};

                stans(&world, &question, 10, found, sizeof(found));
                ck_assert_str_eq(found, "");
        }
        world_close(&world);
}
END_TEST

START_TEST(one_is_shown_whole_or_it_is_said_that_there_is_none_or_too_many)
{
        static const struct withdrawal_question any = {.amount_yen = "10000"}, none = {.stan = "9"},
                                                one = {.stan = "1"};
        struct withdrawal_wholes wholes;
        const struct withdrawal_whole *whole = &wholes.whole[0];
        char error[PG_ERROR_MAX] = "";
        struct world world;

        open_world(&world);
        ck_assert_int_eq(withdrawal_wholes_read(world.admin, &none, &wholes, error), WITHDRAWAL_NONE);
        ck_assert_int_eq(withdrawal_wholes_read(world.admin, &one, &wholes, error), WITHDRAWAL_FOUND);
        ck_assert_int_eq(wholes.count, 1);
        ck_assert_str_eq(PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_AT), "2016-12-29T12:00:00+09:00");
        ck_assert_str_eq(PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_DISPENSED_YEN), "10000");
        ck_assert_int_eq(PQntuples(whole->part[WITHDRAWAL_ADVICES]), 1);
        ck_assert_int_eq(PQntuples(whole->part[WITHDRAWAL_COMMISSION]), 1);
        ck_assert_int_eq(PQntuples(whole->part[WITHDRAWAL_NOTICES]), 0);
        ck_assert_int_eq(PQntuples(whole->part[WITHDRAWAL_OUTCOME]), 0);
        withdrawal_wholes_free(&wholes);
        world_sql(&world, "ALTER TABLE trail RENAME TO elsewhere");
        ck_assert_int_eq(withdrawal_wholes_read(world.admin, &one, &wholes, error), WITHDRAWAL_FAILED);
        ck_assert_msg(strstr(error, "trail"), "%s", error);
        world_sql(&world, "ALTER TABLE elsewhere RENAME TO trail");
        world_sql(&world, "INSERT INTO withdrawal (terminal, transmitted_at, stan, reason, processing_code, "
                          "amount_yen, business_date) "
                          "SELECT terminal, transmitted_at + make_interval(secs => i), stan, 10, 10000, "
                          "10000, business_date "
                          "FROM withdrawal, generate_series(1, 10) i WHERE stan = 1");
        ck_assert_int_eq(withdrawal_wholes_read(world.admin, &one, &wholes, error), WITHDRAWAL_SEVERAL);
        ck_assert_int_eq(withdrawal_wholes_read(world.admin, &any, &wholes, error), WITHDRAWAL_SEVERAL);
        world_close(&world);
}
END_TEST

static int exceptions_of(struct world *world, const char *open_before, const char *resolved)
{
        const struct exception_question question = {.resolved = resolved, .open_before = open_before};
        char error[PG_ERROR_MAX];
        PGresult *result = exceptions_list(world->admin, &question, 10, error);
        int count;

        ck_assert_msg(result, "%s", error);
        count = PQntuples(result);
        PQclear(result);
        return count;
}

START_TEST(what_has_no_end_is_an_exception_until_a_finding_ends_it)
{
        struct exception_finding finding = {.transmitted_at = "2016-12-29T12:00:00+09:00",
                                            .stan = "3",
                                            .dispensed_yen = "20000",
                                            .advice_at = "2016-12-29T13:00:00.000+09:00"};
        struct exception_outcome outcome;
        char error[PG_ERROR_MAX], terminal[9];
        struct world world;

        open_world(&world);
        snprintf(terminal, sizeof(terminal), "%s", world_terminals[3 % 3]);
        finding.terminal = terminal;
        ck_assert_int_eq(exceptions_of(&world, "2016-12-29T12:00:00+09:00", "false"), 0);
        ck_assert_int_eq(exceptions_of(&world, "2016-12-29T12:10:00+09:00", "false"), 2);
        ck_assert_int_eq(exception_resolve(world.admin, &finding, &outcome, error), EXCEPTION_IMPOSSIBLE);
        ck_assert_str_eq(outcome.state_before, "approved");
        finding.dispensed_yen = "9000";
        ck_assert_int_eq(exception_resolve(world.admin, &finding, &outcome, error), EXCEPTION_YOUNG);
        finding.force = true;
        ck_assert_int_eq(exception_resolve(world.admin, &finding, &outcome, error), EXCEPTION_RESOLVED);
        ck_assert_str_eq(outcome.state, "completed");
        ck_assert_int_eq(outcome.counted_yen, 9000);
        ck_assert_int_eq(exceptions_of(&world, "2016-12-29T12:10:00+09:00", "false"), 1);
        ck_assert_int_eq(exception_resolve(world.admin, &finding, &outcome, error), EXCEPTION_NO_CHANGE);
        ck_assert_int_eq(outcome.counted_before_yen, 9000);
        finding.elsewhere = true;
        ck_assert_int_eq(exception_resolve(world.admin, &finding, &outcome, error), EXCEPTION_RESOLVED);
        ck_assert_int_eq(outcome.exceptions, 0);
        finding.stan = "none";
        ck_assert_int_eq(exception_resolve(world.admin, &finding, &outcome, error), EXCEPTION_FAILED);
        ck_assert_msg(strstr(error, "\"none\""), "%s", error);
        world_close(&world);
}
END_TEST

/* The STANs and states of the notices, the oldest first. */
static void expect_notices(struct world *world, const struct notice_question *question, const char *expected)
{
        char error[PG_ERROR_MAX], found[128] = "";
        PGresult *result = notices_list(world->admin, question, 10, error);

        ck_assert_msg(result, "%s", error);
        for (int i = 0; i < PQntuples(result); i++) {
                size_t used = strlen(found);

                snprintf(found + used, sizeof(found) - used, "%s%s %s", used ? ", " : "",
                         PQgetvalue(result, i, 3), PQgetvalue(result, i, 13));
        }
        PQclear(result);
        ck_assert_str_eq(found, expected);
}

START_TEST(what_a_bank_must_be_told_is_held_back_and_let_go)
{
        const struct notice_question all = {0}, of_stan = {.stan = "4"}, parked = {.parked = "true"},
                                     other = {.link = "NOBODY"};
        char error[PG_ERROR_MAX];
        struct ledger_op request = {.kind = LEDGER_REQUEST}, advice;
        PGresult *result;
        struct world world;

        open_world(&world);
        expect_notices(&world, &all, "");
        ops_ask(&world, &request, 4, WORLD_LINK_CARD, AMOUNT_YEN);
        ops_advise(&advice, &request, 1, AMOUNT_YEN, 0); /* the ATM takes it back while its bank is asked */
        ops_do(&world, &advice);
        expect_notices(&world, &all, "4 due");
        ck_assert_int_eq(notices_change(world.admin, &other, NOTICE_PARK, error), 0);
        ck_assert_int_eq(notices_change(world.admin, &of_stan, NOTICE_PARK, error), 1);
        expect_notices(&world, &parked, "4 parked");
        ck_assert_int_eq(notices_change(world.admin, &all, NOTICE_PARK, error), 0);
        result = notices_show(world.admin, &of_stan, 10, error);
        ck_assert_msg(result, "%s", error);
        ck_assert_int_eq(PQntuples(result), 1);
        ck_assert_str_eq(PQgetvalue(result, 0, 16), "reversed");
        PQclear(result);
        ck_assert_int_eq(notices_change(world.admin, &parked, NOTICE_RETRY, error), 1);
        expect_notices(&world, &all, "4 due");
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("cases");
        TCase *tests = tcase_create("cases");

        tcase_set_timeout(tests, 120);
        tcase_add_test(tests, withdrawals_are_found_by_whatever_is_known_of_them);
        tcase_add_test(tests, what_was_refused_for_want_of_a_bank_is_found_by_its_name);
        tcase_add_test(tests, a_price_is_shown_before_the_end_as_fixed_and_not_as_earned);
        tcase_add_test(tests, a_stan_without_a_time_is_looked_for_in_the_newest_days_first);
        tcase_add_test(tests, all_of_an_rrn_are_shown_whole);
        tcase_add_test(tests, an_rrn_of_a_day_that_no_year_has_is_nobody_s);
        tcase_add_test(tests, one_is_shown_whole_or_it_is_said_that_there_is_none_or_too_many);
        tcase_add_test(tests, what_a_bank_must_be_told_is_held_back_and_let_go);
        tcase_add_test(tests, what_has_no_end_is_an_exception_until_a_finding_ends_it);
        suite_add_tcase(suite, tests);
        suite_add_tcase(suite, roles_tests());
        suite_add_tcase(suite, keys_tests());
        suite_add_tcase(suite, locks_tests());
        suite_add_tcase(suite, settings_tests());
        return suite_run(suite);
}
