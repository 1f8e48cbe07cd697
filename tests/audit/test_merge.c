/* Protects backoffice/audit/merge.c: that each withdrawal of any side is met once, in order, with the others' views.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/merge.h"
#include "lib/base/array.h"
#include "tests/suite.h"

enum { ROWS_MAX = 8 };
#define MOMENT INT64_C(1485910800000)

/* Sides made by hand; an ATM's and a bank's entries must be given in order. */
struct world {
        struct atm_side atms;
        struct bank_side banks;
        struct atm_entry atm[ROWS_MAX];
        struct bank_entry bank[ROWS_MAX];
        struct merge merge;
        char told[768];
        int64_t lines_yen, total_yen, bank_yen;
        struct merge_difference last;
};

static void say(struct world *w, const char *between, const char *text)
{
        size_t used = strlen(w->told);

        snprintf(w->told + used, sizeof(w->told) - used, "%s%s", used ? between : "", text);
}

/* "dispensed+fee T0000001 3", its reasons in their order; of a total, what it comes to and what no withdrawal explains. */
static void tell(const struct merge_difference *d, void *context)
{
        struct world *w = context;
        const char *reason;
        char text[64];

        say(w, ", ", d->what);
        for (int place = 0; (reason = difference_reason(place)); place++)
                if (d->reasons >> place & 1 && strcmp(reason, d->what))
                        say(w, "+", reason);
        if (d->withdrawal)
                snprintf(text, sizeof(text), "%s %d", d->terminal, d->stan);
        else
                snprintf(text, sizeof(text), "%s of %" PRId64 ", rest %" PRId64, d->terminal, d->cash_yen,
                         d->rest_yen);
        say(w, " ", text);
        w->lines_yen += d->withdrawal ? d->cash_yen : 0;
        w->total_yen += d->withdrawal ? 0 : d->cash_yen - d->rest_yen;
        w->bank_yen += d->bank_yen;
        w->last = *d;
}

/* What is told of ATMs and of banks is what their lines come to. */
static void check_sums(const struct world *w)
{
        int64_t bank_yen = 0;

        for (size_t i = 0; w->merge.banks && i < w->banks.banks; i++)
                bank_yen += w->merge.bank[i].bank_yen;
        ck_assert_int_eq(w->bank_yen, bank_yen);
        if (strstr(w->told, "total"))
                ck_assert_int_eq(w->lines_yen, w->total_yen);
}

static struct world *world_new(bool drained)
{
        struct world *w = calloc(1, sizeof(*w));

        ck_assert_ptr_nonnull(w);
        w->atms.entry = w->atm;
        w->banks.entry = w->bank;
        strcpy(w->banks.bank[0].name, "BANKA");
        strcpy(w->banks.bank[1].name, "BANKB");
        w->banks.banks = 2;
        ck_assert_int_eq(terminals_add(&w->atms.terminals, "T0000001", ""), 0);
        ck_assert_int_eq(terminals_add(&w->atms.terminals, "T0000002", ""), 1);
        w->atms.totals = calloc(2, sizeof(*w->atms.totals));
        w->merge = (struct merge){
            .atms = &w->atms, .banks = &w->banks, .drained = drained, .tell = tell, .context = w};
        ck_assert(merge_begin(&w->merge));
        return w;
}

static void world_free(struct world *w)
{
        check_sums(w);
        merge_free(&w->merge);
        terminals_free(&w->atms.terminals);
        free(w->atms.totals);
        free(w);
}

static void add_atm(struct world *w, uint32_t terminal, int32_t stan, int64_t paid_yen, enum atm_end end)
{
        w->atm[w->atms.count++] = (struct atm_entry){.transmitted_ms = MOMENT,
                                                     .amount_yen = 10000,
                                                     .paid_yen = paid_yen,
                                                     .charge_yen = 108,
                                                     .terminal = terminal,
                                                     .stan = stan,
                                                     .end = (uint8_t)end,
                                                     .approved = true,
                                                     .advised = true,
                                                     .de39 = "00"};
        w->atms.totals[terminal].counted_yen += paid_yen;
        w->atms.totals[terminal].journal_yen += paid_yen;
}

static void add_bank(struct world *w, uint8_t bank, const char *terminal, int32_t stan, int64_t dispensed_yen)
{
        struct bank_entry *entry = &w->bank[w->banks.count++];

        *entry = (struct bank_entry){.transmitted_ms = MOMENT,
                                     .amount_yen = 10000,
                                     .charge_yen = 108,
                                     .dispensed_yen = dispensed_yen,
                                     .held_yen = dispensed_yen ? dispensed_yen + 108 : 0,
                                     .stan = stan,
                                     .bank = bank,
                                     .asked = true,
                                     .told = true,
                                     .de39 = "00"};
        strcpy(entry->terminal, terminal);
}

static struct database_row row_of(const char *terminal, int32_t stan, int64_t dispensed_yen, const char *link)
{
        struct database_row row = {.transmitted_ms = MOMENT,
                                   .stan = stan,
                                   .amount_yen = 10000,
                                   .dispensed_yen = dispensed_yen,
                                   .charge_yen = 108,
                                   .customer_fee_yen = dispensed_yen ? 100 : 0,
                                   .customer_tax_yen = dispensed_yen ? 8 : 0,
                                   .tax_yen = dispensed_yen ? 8 : 0};

        strcpy(row.terminal, terminal);
        strcpy(row.state, dispensed_yen ? "completed" : "reversed");
        strcpy(row.link, link);
        if (*link) {
                strcpy(row.cause, "answer");
                strcpy(row.bank_de39, "00");
        }
        return row;
}

static void feed(struct world *w, const char *terminal, int32_t stan, int64_t dispensed_yen, const char *link)
{
        struct database_row row = row_of(terminal, stan, dispensed_yen, link);

        merge_row(&w->merge, &row);
}

START_TEST(sides_that_agree_are_met_once)
{
        struct world *w = world_new(true);

        add_atm(w, 0, 1, 10000, ATM_ADVISED);
        add_atm(w, 0, 2, 0, ATM_ADVISED);
        add_atm(w, 1, 1, 9000, ATM_ADVISED);
        add_bank(w, 0, "T0000001", 2, 0);
        add_bank(w, 1, "T0000002", 1, 9000);
        feed(w, "T0000001", 1, 10000, "");
        feed(w, "T0000001", 2, 0, "BANKA");
        feed(w, "T0000002", 1, 9000, "BANKB");
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "");
        ck_assert_uint_eq(w->merge.withdrawals, 3);
        ck_assert_uint_eq(w->merge.unfinished, 0);
        ck_assert_int_eq(w->merge.cash_yen, 19000);
        world_free(w);
}
END_TEST

START_TEST(what_a_side_lacks_is_named_in_order_wherever_it_lies)
{
        struct world *w = world_new(true);

        add_atm(w, 0, 1, 10000, ATM_ADVISED); /* before the first row */
        add_atm(w, 0, 4, 10000, ATM_ADVISED); /* between rows */
        add_atm(w, 1, 9, 10000, ATM_ADVISED); /* behind the last */
        add_bank(w, 0, "T0000001", 1, 10000);
        add_bank(w, 1, "T0000001", 2, 10000);
        add_bank(w, 0, "T0000002", 8, 10000);
        feed(w, "T0000001", 3, 0, "BANKA");
        feed(w, "T0000002", 5, 0, "");
        merge_end(&w->merge);
        ck_assert_str_eq(w->told,
                         "total T0000001 of 20000, rest 0, only-in-journal+only-at-bank T0000001 1, "
                         "only-at-bank T0000001 2, only-in-database+not-at-bank T0000001 3, "
                         "only-in-journal T0000001 4, total T0000002 of 10000, rest 0, only-in-database "
                         "T0000002 5, only-at-bank T0000002 8, only-in-journal T0000002 9");
        ck_assert_uint_eq(w->merge.withdrawals, 7);
        ck_assert_uint_eq(w->merge.differences, 7);
        world_free(w);
}
END_TEST

START_TEST(a_difference_shows_the_views_of_all_sides)
{
        struct world *w = world_new(true);

        add_atm(w, 0, 1, 10000, ATM_ADVISED);
        add_bank(w, 0, "T0000001", 1, 10000);
        w->bank[0].held_yen--;
        feed(w, "T0000001", 1, 10000, "BANKA");
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "bank-held T0000001 1");
        ck_assert_int_eq(w->last.bank_yen, -1);
        ck_assert_ptr_eq(w->last.atm, &w->atm[0]);
        ck_assert_ptr_eq(w->last.bank, &w->bank[0]);
        ck_assert_ptr_nonnull(w->last.row);
        ck_assert_int_eq(w->last.transmitted_ms, MOMENT);
        world_free(w);
}
END_TEST

START_TEST(the_bank_that_was_not_asked_is_named_beside_the_one_that_was)
{
        struct world *w = world_new(true);

        add_atm(w, 0, 1, 10000, ATM_ADVISED);
        add_bank(w, 0, "T0000001", 1, 10000);
        add_bank(w, 1, "T0000001", 1, 10000);
        feed(w, "T0000001", 1, 10000, "BANKB");
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "only-at-bank T0000001 1");
        ck_assert_int_eq(w->merge.bank[0].bank_yen, 10108);
        ck_assert_int_eq(w->merge.bank[1].bank_yen, 0);
        world_free(w);
}
END_TEST

START_TEST(what_is_under_way_is_no_difference_until_all_is_drained)
{
        for (int drained = 0; drained < 2; drained++) {
                struct world *w = world_new(drained);
                struct database_row asked = row_of("T0000001", 2, 0, "BANKA"),
                                    waiting = row_of("T0000001", 3, 10000, "BANKA");

                strcpy(asked.state, "asked");
                asked.cause[0] = '\0';
                waiting.waiting = 1;
                add_atm(w, 0, 1, 10000, ATM_OPEN);
                add_atm(w, 0, 2, 0, ATM_ADVISED);
                add_atm(w, 0, 3, 10000, ATM_ADVISED);
                add_bank(w, 0, "T0000001", 3, 0); /* not told yet */
                w->bank[0].told = false;
                w->bank[0].held_yen = 10108;
                feed(w, "T0000001", 1, 0, "");
                merge_row(&w->merge, &asked);
                merge_row(&w->merge, &waiting);
                merge_end(&w->merge);
                ck_assert_uint_eq(w->merge.unfinished, 3);
                ck_assert_str_eq(
                    w->told, drained ? "total T0000001 of 10000, rest 0, unfinished T0000001 1, unfinished "
                                       "T0000001 2, unfinished T0000001 3"
                                     : "");
                world_free(w);
        }
}
END_TEST

START_TEST(without_banks_two_sides_are_compared)
{
        struct world *w = world_new(true);
        struct database_row row = row_of("T0000001", 1, 10000, "BANKA");

        w->merge.banks = NULL;
        row.waiting = 1;
        add_atm(w, 0, 1, 10000, ATM_ADVISED);
        merge_row(&w->merge, &row);
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "");
        world_free(w);
}
END_TEST

START_TEST(one_line_has_the_most_telling_reason)
{
        struct world *w = world_new(true);
        struct database_row row = row_of("T0000001", 1, 10000, "BANKA");

        row.customer_fee_yen = 90;
        add_atm(w, 0, 1, 9000, ATM_ADVISED);
        add_bank(w, 0, "T0000001", 1, 9000);
        merge_row(&w->merge, &row);
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "total T0000001 of -1000, rest 0, dispensed+bank-held+bank-dispensed+fee "
                                  "T0000001 1");
        ck_assert_uint_eq(w->merge.differences, 1);
        ck_assert_int_eq(w->last.fact->kind, FACT_ATM_DISPENSED);
        ck_assert_int_eq(w->last.bank_yen, -1000);
        world_free(w);
}
END_TEST

/* What a person said of the first withdrawal, whose ATM dispensed 1000 yen less than the books have. */
static const struct {
        struct settlement said;
        const char *state, *told;
        uint64_t settled;
} settlements[] = {
#define SAID(yen, books)                                                                                     \
        {                                                                                                    \
                .terminal = "T0000001", .stan = 1, .transmitted_ms = MOMENT, .is_elsewhere = true,           \
                .dispensed_yen = (yen), .state = books                                                       \
        }
    {SAID(10000, "completed"), "completed", "settled+dispensed T0000001 1", 1},
    /* the books have been changed since */
    {SAID(9000, "completed"), "completed", "total T0000001 of -1000, rest 0, dispensed T0000001 1", 0},
    {SAID(10000, "reversed"), "completed", "total T0000001 of -1000, rest 0, dispensed T0000001 1", 0},
    /* its end is not known */
    {SAID(10000, "approved"), "approved", "total T0000001 of -1000, rest 0, state+dispensed T0000001 1", 0},
    /* nothing was put right elsewhere: the books were to follow */
    {{.terminal = "T0000001",
      .stan = 1,
      .transmitted_ms = MOMENT,
      .dispensed_yen = 10000,
      .state = "completed"},
     "completed",
     "total T0000001 of -1000, rest 0, dispensed T0000001 1",
     0},
    {{.terminal = "T0000001",
      .stan = 2,
      .transmitted_ms = MOMENT,
      .is_elsewhere = true,
      .dispensed_yen = 10000,
      .state = "completed"},
     "completed",
     "total T0000001 of -1000, rest 0, dispensed T0000001 1",
     0},
};

START_TEST(what_was_put_right_elsewhere_is_settled_while_the_books_stand)
{
        struct world *w = world_new(true);
        struct database_row row = row_of("T0000001", 1, 10000, "");

        strcpy(row.state, settlements[_i].state);
        w->merge.settlements = &settlements[_i].said;
        w->merge.settlement_count = 1;
        add_atm(w, 0, 1, 9000, ATM_ADVISED);
        merge_row(&w->merge, &row);
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, settlements[_i].told);
        ck_assert_uint_eq(w->merge.settled, settlements[_i].settled);
        ck_assert_uint_eq(w->merge.differences, !settlements[_i].settled);
        world_free(w);
}
END_TEST

/* Two ATMs, each with a withdrawal over BANKA that the database has not, and one that differs; the second's halls differ, and so does the
 * day of its second. */
static const struct {
        struct merge_filter filter;
        const char *told;
        uint64_t withdrawals;
        int64_t cash_yen;
} filters[] = {
    {{.bank = NULL},
     "total T0000001 of 9000, rest 0, only-in-journal+only-at-bank T0000001 1, dispensed T0000001 2, total "
     "T0000002 of 9000, rest 0, only-in-journal+only-at-bank T0000002 1, dispensed T0000002 2",
     4,
     20000},
    {{.bank = "BANKA"},
     "total T0000001 of 10000, rest 0, only-in-journal+only-at-bank T0000001 1, total T0000002 of 10000, "
     "rest "
     "0, only-in-journal+only-at-bank T0000002 1",
     2,
     0},
    {{.bank = "BANKB"}, "", 0, 0},
    {{.has_day = true, .day = 17198},
     "total T0000001 of 9000, rest 0, only-in-journal+only-at-bank T0000001 1, dispensed T0000001 2, total "
     "T0000002 of 10000, rest 0, only-in-journal+only-at-bank T0000002 1",
     3,
     10000},
    {{.has_day = true, .day = 17199}, "total T0000002 of -1000, rest 0, dispensed T0000002 2", 1, 10000},
    {{.hall = "H1", .hall_terminal = (char[][9]){"T0000002"}, .hall_terminals = 1},
     "total T0000001 of -1000, rest 0, dispensed T0000001 2, total T0000002 of 10000, rest 0, "
     "only-in-journal+only-at-bank T0000002 1",
     2,
     10000},
    {{.hall = "H2"}, "total T0000002 of -1000, rest 0, dispensed T0000002 2", 1, 10000},
};

START_TEST(what_is_not_looked_at_is_in_no_line_and_no_total)
{
        struct world *w = world_new(true);

        w->merge.filter = filters[_i].filter;
        for (uint32_t i = 0; i < 2; i++) {
                const char *terminal = i ? "T0000002" : "T0000001";
                struct database_row row = row_of(terminal, 2, 10000, "");

                add_atm(w, i, 1, 10000, ATM_ADVISED);
                add_atm(w, i, 2, 9000, ATM_ADVISED);
                add_bank(w, 0, terminal, 1, 10000);
                strcpy(row.hall, i ? "H2" : "H1");
                row.transmitted_ms += i * INT64_C(86400000);
                w->atm[w->atms.count - 1].transmitted_ms = row.transmitted_ms;
                merge_row(&w->merge, &row);
        }
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, filters[_i].told);
        ck_assert_uint_eq(w->merge.withdrawals, filters[_i].withdrawals);
        ck_assert_int_eq(w->merge.cash_yen, filters[_i].cash_yen);
        world_free(w);
}
END_TEST

START_TEST(a_terminal_s_total_is_compared_whatever_its_withdrawals_say)
{
        struct world *w = world_new(false);

        add_atm(w, 0, 1, 10000, ATM_ADVISED);
        w->atms.totals[0].counted_yen += 1000; /* cash left for which there is no withdrawal */
        feed(w, "T0000001", 1, 10000, "");
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "total T0000001 of 1000, rest 1000");
        ck_assert_uint_eq(w->merge.differences, 1);
        world_free(w);
}
END_TEST

START_TEST(cash_that_is_known_by_an_exception_is_in_the_total)
{
        struct world *w = world_new(false);
        struct database_row row = row_of("T0000001", 1, 10000, "");

        strcpy(row.words, "9000 settled open|");
        add_atm(w, 0, 1, 9000, ATM_ADVISED);
        merge_row(&w->merge, &row);
        merge_end(&w->merge);
        ck_assert_str_eq(w->told, "explained T0000001 1");
        ck_assert_uint_eq(w->merge.differences, 0);
        ck_assert_uint_eq(w->merge.explained, 1);
        world_free(w);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("merge");
        TCase *all = tcase_create("all");

        tcase_add_test(all, sides_that_agree_are_met_once);
        tcase_add_test(all, what_a_side_lacks_is_named_in_order_wherever_it_lies);
        tcase_add_test(all, a_difference_shows_the_views_of_all_sides);
        tcase_add_test(all, the_bank_that_was_not_asked_is_named_beside_the_one_that_was);
        tcase_add_test(all, what_is_under_way_is_no_difference_until_all_is_drained);
        tcase_add_test(all, one_line_has_the_most_telling_reason);
        tcase_add_loop_test(all, what_was_put_right_elsewhere_is_settled_while_the_books_stand, 0,
                            LENGTH(settlements));
        tcase_add_loop_test(all, what_is_not_looked_at_is_in_no_line_and_no_total, 0, LENGTH(filters));
        tcase_add_test(all, without_banks_two_sides_are_compared);
        tcase_add_test(all, cash_that_is_known_by_an_exception_is_in_the_total);
        tcase_add_test(all, a_terminal_s_total_is_compared_whatever_its_withdrawals_say);
        suite_add_tcase(suite, all);
        return suite_run(suite);
}
