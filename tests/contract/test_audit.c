/*
 * What proves the books, asked of PostgreSQL without a command line: verify of what the ledger's own functions wrote, and
 * reconcile of that with journals written by hand. Rows that are changed are found; what each rule finds is tested
 * with rows by hand in tests/audit.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/audit/reconcile.h"
#include "backoffice/audit/verify.h"
#include "backoffice/journals/dispenser.h"
#include "backoffice/journals/journal.h"
#include "lib/base/array.h"
#include "tests/contract/ops.h"
#include "tests/suite.h"

enum { WITHDRAWALS = 3, AMOUNT_YEN = 10000, DISPENSED = 0, REVERSED, WITHOUT_END };

/* Three withdrawals of 10,000 yen at three ATMs: dispensed, reversed, and without an end. */
static void open_world(struct world *world, struct ledger_op request[WITHDRAWALS])
{
        static const int64_t dispensed_yen[] = {[DISPENSED] = AMOUNT_YEN, [REVERSED] = 0};
        struct ledger_op advice;

        ops_open(world);
        memset(request, 0, WITHDRAWALS * sizeof(*request));
        for (int i = 0; i < WITHDRAWALS; i++) {
                ops_ask(world, &request[i], i + 1, i, AMOUNT_YEN);
                ops_do(world, &request[i]);
                ck_assert_int_eq(request[i].answer.reason, REASON_APPROVED);
        }
        for (size_t i = 0; i < LENGTH(dispensed_yen); i++) {
                ops_advise(&advice, &request[i], (int)i + 1, AMOUNT_YEN, dispensed_yen[i]);
                ops_do(world, &advice);
        }
}

/* verify ------------------------------------------------------------------------------------------------ */

/* The names of the checks that found something. */
static void find(struct world *world, int parts, char *buffer, size_t size)
{
        const struct verify_question question = {.parts = parts};
        struct findings findings;
        char error[PG_ERROR_MAX];

        ck_assert_msg(verify(world->admin, &question, &findings, error), "%s", error);
        ck_assert_uint_eq(findings.checked[CHECK_COMMISSION], WITHDRAWALS);
        ck_assert_uint_eq(findings.checked[CHECK_ADVICE], 2);
        *buffer = '\0';
        for (size_t i = 0; i < findings.count; i++) {
                size_t used = strlen(buffer);

                snprintf(buffer + used, size - used, "%s%s", used ? " " : "",
                         verify_check_name[findings.named[i].check]);
        }
        findings_free(&findings);
}

START_TEST(verify_agrees_with_what_the_ledger_wrote_and_finds_what_was_changed)
{
        static const struct {
                const char *alter, *undo, *found;
        } cases[] = {
            {"SELECT 1", "SELECT 1", ""},
            {"SELECT summary_extend('2016-12-29'); SELECT count(summary_step(true)) FROM generate_series(1, "
             "100)",
             "SELECT 1", ""},
            {"UPDATE summary_detail SET cash_yen = cash_yen + 1",
             "UPDATE summary_detail SET cash_yen = cash_yen - 1", "day_sum"},
            {"UPDATE summary_bank SET hall_share_yen = hall_share_yen + 1",
             "UPDATE summary_bank SET hall_share_yen = hall_share_yen - 1", "summary"},
            {"UPDATE books SET summed_through = '2016-12-28'",
             "UPDATE books SET summed_through = '2016-12-29'", "summary"},
            {"UPDATE card SET balance_yen = balance_yen + 1 WHERE card_token = (SELECT card_token FROM "
             "withdrawal "
             "WHERE stan = 1)",
             "UPDATE card SET balance_yen = balance_yen - 1 WHERE card_token = (SELECT card_token FROM "
             "withdrawal "
             "WHERE stan = 1)",
             "account"},
            {"UPDATE withdrawal SET band = 'other' WHERE stan = 3",
             "UPDATE withdrawal SET band = 'day' WHERE stan = 3", "price band"},
            {"CREATE TABLE kept AS TABLE open_withdrawal; DELETE FROM open_withdrawal",
             "INSERT INTO open_withdrawal TABLE kept; DROP TABLE kept", "open_withdrawal"},
        };
        struct world world;
        struct ledger_op request[WITHDRAWALS];
        char found[256];

        open_world(&world, request);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                world_sql(&world, "%s", cases[i].alter);
                for (int parts = 0; parts <= 3; parts++) {
                        find(&world, parts, found, sizeof(found));
                        ck_assert_msg(!strcmp(found, cases[i].found),
                                      "%s, in %d parts: '%s' expected, '%s' found", cases[i].alter, parts,
                                      cases[i].found, found);
                }
                world_sql(&world, "%s", cases[i].undo);
        }
        find(&world, 0, found, sizeof(found));
        ck_assert_str_eq(found, "");
        world_close(&world);
}
END_TEST

START_TEST(verify_says_what_it_could_not_read)
{
        const struct verify_question question = {.parts = 0};
        struct world world;
        struct ledger_op request[WITHDRAWALS];
        struct findings findings;
        char error[PG_ERROR_MAX];

        open_world(&world, request);
        world_sql(&world, "ALTER TABLE commission RENAME TO elsewhere");
        ck_assert(!verify(world.admin, &question, &findings, error));
        ck_assert_msg(strstr(error, "relation \"commission\" does not exist"), "%s", error);
        findings_free(&findings);
        world_sql(&world, "ROLLBACK");
        world_close(&world);
}
END_TEST

/* reconcile --------------------------------------------------------------------------------------------- */

static void write_atm(struct journal *journal, struct dispensers *dispensers, const struct ledger_op *op,
                      int card, int64_t paid_yen)
{
        const struct ledger_identity *identity = &op->identity;
        struct journal_record record = {.kind = JOURNAL_REQUEST,
                                        .stan = identity->stan,
                                        .transmitted_ms = identity->transmitted_ms,
                                        .amount_yen = AMOUNT_YEN,
                                        .mask = "990001******1234"};

        strcpy(record.terminal, identity->terminal);
        world_token(card, record.token);
        (void)journal_append(journal, &record);
        record.kind = JOURNAL_ANSWER;
        record.charge_yen = 108;
        strcpy(record.de39, "00");
        (void)journal_append(journal, &record);
        if (paid_yen)
                dispensers_pay(dispensers, dispensers_find_or_add(dispensers, record.terminal), record.stan,
                               record.transmitted_ms, paid_yen);
        record.kind = JOURNAL_ADVICE;
        record.stan += 1000;
        record.original_stan = identity->stan;
        record.original_ms = identity->transmitted_ms;
        record.reversal = paid_yen < AMOUNT_YEN;
        strcpy(record.why, record.reversal ? "22" : "");
        record.dispensed_yen = paid_yen;
        (void)journal_append(journal, &record);
        record.kind = JOURNAL_ACKNOWLEDGED;
        (void)journal_append(journal, &record);
}

/* The ATMs' side in a folder of its own: the first withdrawal paid, the second not, nothing of the third. */
static void write_journals(const char *folder, const struct ledger_op request[WITHDRAWALS], int64_t paid_yen)
{
        char error[JOURNAL_ERROR_MAX];
        struct dispensers *dispensers;
        struct journal journal;

        ck_assert_msg(journal_open(&journal, folder, error), "%s", error);
        dispensers = dispensers_open(folder, true, error);
        ck_assert_msg(dispensers, "%s", error);
        write_atm(&journal, dispensers, &request[DISPENSED], DISPENSED, paid_yen);
        write_atm(&journal, dispensers, &request[REVERSED], REVERSED, 0);
        ck_assert(journal_flush(&journal, false));
        ck_assert(journal_close(&journal));
        dispensers_close(dispensers);
}

static bool on_difference(const struct merge_difference *d, void *context)
{
        char *told = context;
        size_t used = strlen(told);

        snprintf(told + used, 256 - used, "%s%s %s", used ? ", " : "", d->what, d->terminal);
        return true;
}

static bool stop(const struct merge_difference *d, void *context)
{
        (void)d;
        ++*(int *)context;
        return false;
}

static void remove_folder(const char *folder)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -r '%s'", folder);
        ck_assert_int_eq(system(command), 0);
}

START_TEST(reconcile_returns_each_difference_and_the_sums)
{
        static const struct {
                int64_t paid_yen;
                bool drained;
        } cases[] = {{AMOUNT_YEN, false}, {9000, true}};
        struct world world;
        struct ledger_op request[WITHDRAWALS];

        open_world(&world, request);
        for (size_t i = 0; i < LENGTH(cases); i++) {
                char folder[] = "/tmp/audit-XXXXXX", told[256] = "", error[PG_ERROR_MAX];
                const char *folders[] = {folder};
                struct reconcile_question question = {.atm_folder = folders,
                                                      .atm_folders = 1,
                                                      .drained = cases[i].drained,
                                                      .on_difference = on_difference,
                                                      .context = told};
                struct reconcile_answer answer;

                ck_assert_ptr_nonnull(mkdtemp(folder));
                write_journals(folder, request, cases[i].paid_yen);
                ck_assert_msg(reconcile(world.admin, &question, &answer, error), "%s", error);
                ck_assert_uint_eq(answer.withdrawals, WITHDRAWALS);
                ck_assert_uint_eq(answer.terminals, 2);
                ck_assert_int_eq(answer.cash_yen, AMOUNT_YEN);
                ck_assert(!answer.has_banks);
                ck_assert_msg(strstr(told, "only-in-database"), "%s", told);
                ck_assert_msg(!strstr(told, "dispensed") == (cases[i].paid_yen == AMOUNT_YEN), "%s", told);
                ck_assert_msg(!strstr(told, "total") == (cases[i].paid_yen == AMOUNT_YEN), "%s", told);
                remove_folder(folder);
        }
        world_close(&world);
}
END_TEST

START_TEST(reconcile_ends_where_whoever_takes_the_differences_has_enough)
{
        char folder[] = "/tmp/audit-XXXXXX", error[PG_ERROR_MAX] = "-";
        const char *folders[] = {folder};
        int taken = 0;
        struct reconcile_question question = {.atm_folder = folders,
                                              .atm_folders = 1,
                                              .drained = true,
                                              .on_difference = stop,
                                              .context = &taken};
        struct reconcile_answer answer;
        struct world world;
        struct ledger_op request[WITHDRAWALS];

        open_world(&world, request);
        ck_assert_ptr_nonnull(mkdtemp(folder));
        write_journals(folder, request, 9000);
        ck_assert(!reconcile(world.admin, &question, &answer, error));
        ck_assert_str_eq(error, "");
        ck_assert_int_eq(taken, 1);
        remove_folder(folder);
        world_close(&world);
}
END_TEST

START_TEST(reconcile_needs_the_journals_that_it_was_given)
{
        static const char *const nowhere[] = {"/nowhere"};
        struct reconcile_question question = {.atm_folder = nowhere, .atm_folders = 1};
        struct reconcile_answer answer;
        struct world world;
        struct ledger_op request[WITHDRAWALS];
        char error[PG_ERROR_MAX];

        open_world(&world, request);
        ck_assert(!reconcile(world.admin, &question, &answer, error));
        ck_assert_str_eq(error, "/nowhere: there is no such folder");
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("audit");
        TCase *tests = tcase_create("audit");

        tcase_set_timeout(tests, 120);
        tcase_add_test(tests, verify_agrees_with_what_the_ledger_wrote_and_finds_what_was_changed);
        tcase_add_test(tests, verify_says_what_it_could_not_read);
        tcase_add_test(tests, reconcile_returns_each_difference_and_the_sums);
        tcase_add_test(tests, reconcile_ends_where_whoever_takes_the_differences_has_enough);
        tcase_add_test(tests, reconcile_needs_the_journals_that_it_was_given);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
