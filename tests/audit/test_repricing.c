/* Protects backoffice/audit/repricing.c: what journals' entries earn, priced one by one from the reference data that we ship. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/repricing.h"
#include "lib/base/array.h"
#include "tests/suite.h"
#include "tests/unit/shipped.h"

/* In order; the house bank asks 100 yen by day and 200 at other times, and the other bank pays 100; 8 % of tax. */
static const struct row {
        const char *moment;
        uint32_t terminal;
        int64_t paid_yen;
        enum atm_end end;
} rows[] = {
    {"2017-01-31T10:00:00+09:00", 0, 10000, ATM_ADVISED}, /* Tuesday, by day */
    {"2017-01-31T22:00:00+09:00", 0, 3000, ATM_ADVISED},  /* at night */
    {"2017-02-01T10:00:00+09:00", 0, 20000, ATM_ADVISED}, /* another month */
    {"2017-02-01T10:05:00+09:00", 1, 1000, ATM_ADVISED},  /* another ATM */
    {"2017-02-01T10:10:00+09:00", 1, 0, ATM_ADVISED},     /* nothing left it */
    {"2017-02-01T10:15:00+09:00", 1, 0, ATM_DECLINED},    /* refused */
    {"2017-02-01T10:20:00+09:00", 1, 5000, ATM_OPEN},     /* nobody knows yet */
};

static struct reference *reference;

static void load(void)
{
        reference = shipped_reference("hours.csv");
        shipped_finish(reference);
}

static void unload(void)
{
        reference_free(reference);
}

struct side {
        struct atm_side atms;
        struct atm_entry entry[LENGTH(rows)];
};

static void side_open(struct side *side)
{
        *side = (struct side){.atms = {.count = 0}};
        ck_assert_int_eq(terminals_add(&side->atms.terminals, "T0000001", ""), 0);
        ck_assert_int_eq(terminals_add(&side->atms.terminals, "T0000002", ""), 1);
        side->atms.entry = side->entry;
        side->atms.count = LENGTH(rows);
        for (size_t i = 0; i < LENGTH(rows); i++)
                side->entry[i] = (struct atm_entry){.transmitted_ms = shipped_moment(rows[i].moment),
                                                    .terminal = rows[i].terminal,
                                                    .stan = (int32_t)i + 1,
                                                    .amount_yen = 20000,
                                                    .paid_yen = rows[i].paid_yen,
                                                    .end = (uint8_t)rows[i].end,
                                                    .head = "990001"};
}

static void side_close(struct side *side)
{
        terminals_free(&side->atms.terminals);
}

static void print(const struct repricing_sum *sum, char *buffer, size_t size)
{
        size_t used = strlen(buffer);

        snprintf(buffer + used, size - used, "%s%s %lld %lld %lld+%lld tax %lld", used ? ", " : "", sum->key,
                 (long long)sum->withdrawals, (long long)sum->cash_yen, (long long)sum->customer_fee_yen,
                 (long long)sum->interbank_fee_yen, (long long)sum->tax_yen);
}

static const struct asked {
        enum repricing_by by;
        const char *from, *to, *sums, *total;
        uint64_t open;
} asked[] = {
    {REPRICING_BY_DAY, NULL, NULL, "2017-01-31 2 13000 300+200 tax 40, 2017-02-01 2 21000 200+200 tax 32",
     " 4 34000 500+400 tax 72", 1},
    {REPRICING_BY_MONTH, NULL, NULL, "2017-01 2 13000 300+200 tax 40, 2017-02 2 21000 200+200 tax 32",
     " 4 34000 500+400 tax 72", 1},
    /* the most revenue first */
    {REPRICING_BY_ATM, NULL, NULL, "T0000001 3 33000 400+300 tax 56, T0000002 1 1000 100+100 tax 16",
     " 4 34000 500+400 tax 72", 1},
    {REPRICING_BY_ISSUER, NULL, NULL, "HOUSE 4 34000 500+400 tax 72", " 4 34000 500+400 tax 72", 1},
    {REPRICING_BY_DAY, "2017-02-01", "2017-02-01", "2017-02-01 2 21000 200+200 tax 32",
     " 2 21000 200+200 tax 32", 1},
    {REPRICING_BY_DAY, NULL, "2017-01-31", "2017-01-31 2 13000 300+200 tax 40", " 2 13000 300+200 tax 40", 0},
    {REPRICING_BY_DAY, "2017-02-02", NULL, "", " 0 0 0+0 tax 0", 0},
};

START_TEST(what_was_dispensed_is_priced_one_by_one_and_summed_as_asked)
{
        const struct asked *a = &asked[_i];
        const struct repricing_question question = {.by = a->by,
                                                    .first_day = a->from ? shipped_day(a->from) : INT32_MIN,
                                                    .last_day = a->to ? shipped_day(a->to) : INT32_MAX};
        struct side side;
        struct repricing repricing;
        char error[PG_ERROR_MAX] = "", sums[512] = "", total[128] = "";

        side_open(&side);
        ck_assert_msg(reprice_side(&side.atms, reference, NULL, 0, &question, &repricing, error), "%s",
                      error);
        for (size_t i = 0; i < repricing.sums; i++)
                print(&repricing.sum[i], sums, sizeof(sums));
        print(&repricing.total, total, sizeof(total));
        ck_assert_str_eq(sums, a->sums);
        ck_assert_str_eq(total, a->total);
        ck_assert_uint_eq(repricing.open, a->open);
        repricing_free(&repricing);
        side_close(&side);
}
END_TEST

START_TEST(what_a_journal_can_not_tell_fails_with_the_withdrawal)
{
        static const struct {
                const char *head, *prefix, *why;
        } cases[] = {
            {"990001", "9900017", "prefix 9900017 could decide otherwise, and the journal shows only 990001"},
            {"400000", "9900017", "no prefix of its card was in force"},
        };
        const struct repricing_question question = {.first_day = INT32_MIN, .last_day = INT32_MAX};

        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct side side;
                struct repricing repricing;
                char error[PG_ERROR_MAX] = "", expected[256];

                side_open(&side);
                for (size_t j = 0; j < LENGTH(rows); j++)
                        strcpy(side.entry[j].head, cases[i].head);
                ck_assert(
                    !reprice_side(&side.atms, reference, &cases[i].prefix, 1, &question, &repricing, error));
                snprintf(expected, sizeof(expected),
                         "T0000001 2017-01-31T10:00:00+09:00 STAN 000001 can't be priced: %s", cases[i].why);
                ck_assert_str_eq(error, expected);
                repricing_free(&repricing);
                side_close(&side);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("repricing");
        TCase *tests = tcase_create("repricing");

        tcase_add_unchecked_fixture(tests, load, unload);
        tcase_add_loop_test(tests, what_was_dispensed_is_priced_one_by_one_and_summed_as_asked, 0,
                            LENGTH(asked));
        tcase_add_test(tests, what_a_journal_can_not_tell_fails_with_the_withdrawal);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
