/*
 * Protects what brings customers and measures them: arrivals, cards, faults, the CSV reader, the histogram.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/profile.h"
#include "rules/calendar.h"
#include "tools/atmsim/arrivals.h"
#include "tools/atmsim/cards.h"
#include "tools/atmsim/customer.h"
#include "tools/atmsim/faults.h"
#include "tools/atmsim/histogram.h"
#include "tools/atmsim/terminal_file.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char path[64];

static void write_text(const char *text)
{
        int fd;

        strcpy(path, "/tmp/atmsim-test.XXXXXX");
        fd = mkstemp(path); /* mode 0600 */
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

/* arrivals ---------------------------------------------------------------------------------------- */

START_TEST(customers_come_as_often_as_asked_and_in_the_day_s_hours)
{
        int32_t first = calendar_day(2016, 12, 29);
        struct arrivals arrivals;
        int count = 0, evening = 0, last_day = 0;
        int64_t last = 0, moment;

        arrivals_init(&arrivals, PROFILE_DAY, 5000, calendar_day_start_ms(first), 1);
        while ((moment = arrivals_next_ms(&arrivals)) < calendar_day_start_ms(first + 10)) {
                int minute = calendar_jst_minute(moment);

                ck_assert_int_ge(moment, last);
                ck_assert_int_ge(minute, 8 * 60);
                ck_assert_int_lt(minute, 21 * 60);
                last = moment;
                count++;
                evening += minute >= 17 * 60;
                last_day += calendar_business_day(moment) == first + 9;
        }
        ck_assert_int_gt(count, 49000);
        ck_assert_int_lt(count, 51000);
        ck_assert_int_gt(last_day, 4600);
        ck_assert_int_gt(evening, count * 2 / 5);
}
END_TEST

START_TEST(who_starts_at_noon_gets_the_afternoon_s_customers)
{
        int64_t noon = calendar_day_start_ms(calendar_day(2016, 12, 29)) + 12 * 3600000;
        struct arrivals arrivals;
        int count = 0;

        arrivals_init(&arrivals, PROFILE_FLAT, 10000, noon, 3);
        ck_assert_int_ge(arrivals_next_ms(&arrivals), noon);
        while (arrivals_next_ms(&arrivals) < noon + 12 * 3600000)
                count++;
        ck_assert_int_gt(count, 4700);
        ck_assert_int_lt(count, 5300);
}
END_TEST

/* cards ------------------------------------------------------------------------------------------- */

static void make_cards(uint64_t count)
{
        struct cards_recipe recipe = {count, 1, "HOUSE", "990001", "4912", 200000};
        FILE *file;

        write_text("");
        file = fopen(path, "w");
        ck_assert(cards_make(&recipe, file));
        fclose(file);
}

static bool load(size_t skip, struct cards *cards, char error[CARDS_ERROR_MAX])
{
        const char *const paths[] = {path};
        bool good = cards_load(paths, 1, skip, NULL, cards, error);

        unlink(path);
        return good;
}

static int by_pan(const void *a, const void *b)
{
        return strcmp(((const struct card *)a)->pan, ((const struct card *)b)->pan);
}

START_TEST(cards_are_all_different_and_carry_a_check_digit)
{
        char error[CARDS_ERROR_MAX];
        struct cards cards;

        make_cards(20000);
        ck_assert_msg(load(0, &cards, error), "%s", error);
        ck_assert_uint_eq(cards.count, 20000);
        qsort(cards.card, cards.count, sizeof(struct card), by_pan);
        for (size_t i = 0; i < cards.count; i++) {
                const char *pan = cards.card[i].pan;
                int sum = 0;

                ck_assert_uint_eq(strlen(pan), 16);
                ck_assert(!strncmp(pan, "990001", 6));
                for (int d = 0; d < 16; d++) {
                        int digit = pan[15 - d] - '0';

                        sum += d % 2 ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
                }
                ck_assert_int_eq(sum % 10, 0);
                if (i > 0)
                        ck_assert_str_ne(pan, cards.card[i - 1].pan);
        }
        cards_free(&cards);
}
END_TEST

START_TEST(even_cards_are_taken_in_turn_until_they_are_used_up)
{
        char error[CARDS_ERROR_MAX];
        struct cards cards;
        uint32_t index;

        make_cards(10);
        ck_assert(load(7, &cards, error));
        cards.uses = 2;
        for (uint32_t i = 0; i < 6; i++) {
                ck_assert(cards_take_even(&cards, &index));
                ck_assert_uint_eq(index, i % 3);
        }
        ck_assert(!cards_take_even(&cards, &index));
        cards_free(&cards);
}
END_TEST

START_TEST(careful_holders_keep_within_their_limits_and_careless_ones_do_not)
{
        int32_t day = calendar_day(2016, 12, 29);
        char error[CARDS_ERROR_MAX];
        struct random random;
        struct cards cards;

        make_cards(5000);
        ck_assert(load(0, &cards, error));
        random_seed(&random, 5);
        for (int i = 0; i < 500; i++) {
                int64_t amount = 20000;
                uint32_t index = cards_take(&cards, &random, day, false, &amount);

                ck_assert_int_le(cards.card[index].day_yen, 30000);
                ck_assert_int_le(cards.card[index].day_count, 2);
        }
        cards.careless = 1;
        for (int i = 0; i < 10; i++) {
                int64_t amount = 20000;
                uint32_t index = cards_take(&cards, &random, day, false, &amount);

                ck_assert_int_gt(cards.card[index].day_yen, 30000); /* this one will be refused */
        }
        cards_free(&cards);
}
END_TEST

static const struct {
        const char *text, *error;
} bad_cards[] = {
    {"", "empty: expected a header row with the column pan"},
    {"pan,pin\n", ":1: column expiry: missing in the header"},
    {"pan,expiry\n", "no cards are left"},
    {"pan,expiry\n9900010000000007,4912\n12,4912\n", ":3: column pan: expected 12 to 19 digits"},
    {"pan,expiry\n9900010000000007,4913\n", ":2: column expiry: expected YYMM"},
    {"pan,expiry\n9900010000000007\n", ":2: 1 fields: expected 2, as the header has"},
    {"pan,expiry\n\"9900010000000007\"x,4912\n",
     ":2: field 1: a '\"' within it: expected the whole field in '\"'"},
};

START_TEST(a_bad_card_file_is_named_with_line_and_column)
{
        char error[CARDS_ERROR_MAX] = "";
        struct cards cards;

        write_text(bad_cards[_i].text);
        ck_assert(!load(0, &cards, error));
        ck_assert_msg(strstr(error, bad_cards[_i].error) && strstr(error, path), "%s", error);
        ck_assert_msg(!strstr(error, "9900010000000007"), "a card number in a message: %s", error);
}
END_TEST

START_TEST(a_card_file_that_others_can_read_is_refused)
{
        char error[CARDS_ERROR_MAX] = "";
        struct cards cards;

        make_cards(3);
        ck_assert_int_eq(chmod(path, 0644), 0);
        ck_assert(!load(0, &cards, error));
        ck_assert_ptr_nonnull(strstr(error, "expected mode 0600"));
}
END_TEST

START_TEST(cards_of_several_files_are_one_supply_and_each_file_is_checked)
{
        const char *const paths[] = {path, path};
        char error[CARDS_ERROR_MAX] = "";
        struct cards cards;

        make_cards(5);
        ck_assert_msg(cards_load(paths, 2, 3, NULL, &cards, error), "%s", error);
        ck_assert_uint_eq(cards.count, 7);
        ck_assert_str_eq(cards.card[0].pan, cards.card[5].pan);
        cards_free(&cards);
        ck_assert(!cards_load(paths, 2, 10, NULL, &cards, error));
        ck_assert_ptr_nonnull(strstr(error, "no cards are left"));
        ck_assert_int_eq(chmod(path, 0644), 0);
        ck_assert(!cards_load(paths, 2, 0, NULL, &cards, error));
        ck_assert_ptr_nonnull(strstr(error, "expected mode 0600"));
        unlink(path);
}
END_TEST

START_TEST(columns_are_found_by_name_and_quotes_taken_off)
{
        char error[CARDS_ERROR_MAX];
        struct cards cards;

        write_text("\xef\xbb\xbf\"expiry\",note,pan\r\n\"4912\",\"a \"\"b\"\", c\",9900010000000007\r\n\r\n");
        ck_assert_msg(load(0, &cards, error), "%s", error);
        ck_assert_uint_eq(cards.count, 1);
        ck_assert_str_eq(cards.card[0].pan, "9900010000000007");
        ck_assert_str_eq(cards.card[0].expiry_yymm, "4912");
        cards_free(&cards);
}
END_TEST

START_TEST(amounts_are_whole_notes_within_the_day_s_limit)
{
        struct customers customers = {.inquiry_rate = 0.5};
        char error[CARDS_ERROR_MAX];
        int inquiries = 0;

        make_cards(100);
        ck_assert(load(0, &customers.cards, error));
        random_seed(&customers.random, 1);
        for (int i = 0; i < 1000; i++) {
                struct customer customer;

                ck_assert(customer_draw(&customers, 1483000000000, 77, &customer));
                ck_assert_int_gt(customer.amount_yen, 0);
                ck_assert_int_le(customer.amount_yen, 30000);
                ck_assert_int_eq(customer.amount_yen % 1000, 0);
                ck_assert_int_eq(customer.came_us, 77);
                inquiries += customer.inquires;
        }
        ck_assert_int_gt(inquiries, 400);
        ck_assert_int_lt(inquiries, 600);
        cards_free(&customers.cards);
}
END_TEST

START_TEST(terminals_are_found_by_name)
{
        char error[TERMINALS_ERROR_MAX], text[4000] = "hall,terminal\n", row[40];
        struct terminals terminals;

        for (int i = 0; i < 150; i++) {
                snprintf(row, sizeof(row), "H%05d,T%07d\n", i, i);
                strcat(text, row);
        }
        write_text(text);
        ck_assert_msg(terminals_load(path, 0, &terminals, error), "%s", error);
        ck_assert_uint_eq(terminals.count, 150);
        ck_assert_int_eq(terminals_find(&terminals, "T0000149"), 149);
        ck_assert_str_eq(terminals.terminal[149].hall, "H00149");
        ck_assert_int_eq(terminals_find(&terminals, "T0000150"), -1);
        ck_assert_int_eq(terminals_add(&terminals, "T0000007", ""), 7);
        terminals_free(&terminals);
        ck_assert(!terminals_load(path, 151, &terminals, error));
        ck_assert_ptr_nonnull(strstr(error, "150 terminals are in it, 151 are wanted"));
        unlink(path);
        write_text("terminal,hall\nT0000001,H00001\nT0000001,H00001\n");
        ck_assert(!terminals_load(path, 0, &terminals, error));
        ck_assert_ptr_nonnull(strstr(error, ":3: column terminal: T0000001 is there twice"));
        unlink(path);
}
END_TEST

/* faults ------------------------------------------------------------------------------------------ */

START_TEST(faults_are_read_by_kind_and_rate)
{
        struct fault_rates rates;
        char error[OPTIONS_ERROR_MAX];

        ck_assert(faults_parse("partial=0.02,power-loss=1", &rates, error));
        ck_assert_double_eq(rates.rate[FAULT_PARTIAL], 0.02);
        ck_assert_double_eq(rates.rate[FAULT_POWER_LOSS], 1);
        ck_assert_double_eq(rates.rate[FAULT_DROP], 0);
}
END_TEST

START_TEST(a_wrong_fault_is_named)
{
        static const char *const texts[] = {"fire=0.1", "drop",   "drop=",           "drop=2",
                                            "drop=-1",  "drop=x", "drop=0.1,partial"};
        struct fault_rates rates;
        char error[OPTIONS_ERROR_MAX] = "";

        ck_assert(!faults_parse(texts[_i], &rates, error));
        ck_assert(*error);
}
END_TEST

START_TEST(each_kind_of_fault_is_drawn_at_its_rate_and_in_all_its_forms)
{
        struct fault_rates rates;
        int wanted[FAULT_COUNT] = {0}, cuts = 0, powers = 0, reorders = 0, macs = 0;
        struct random random;

        for (int f = 0; f < FAULT_COUNT; f++)
                rates.rate[f] = 0.1;
        random_seed(&random, 1);
        for (int i = 0; i < 10000; i++) {
                struct fault_plan plan;

                faults_draw(&rates, &random, &plan);
                for (int f = 0; f < FAULT_COUNT; f++)
                        wanted[f] += plan.wanted[f];
                cuts |= 1 << plan.cut;
                powers |= 1 << plan.power;
                reorders |= 1 << plan.reorder;
                macs |= 1 << plan.mac_of_advice;
        }
        for (int f = 0; f < FAULT_COUNT; f++) {
                ck_assert_int_gt(wanted[f], 850);
                ck_assert_int_lt(wanted[f], 1150);
        }
        ck_assert_int_eq(cuts, (1 << CUT_POINT_COUNT) - 1);
        ck_assert_int_eq(powers, (1 << POWER_POINT_COUNT) - 1);
        ck_assert_int_eq(reorders, (1 << REORDER_KIND_COUNT) - 1);
        ck_assert_int_eq(macs, 3);
}
END_TEST

/* histogram --------------------------------------------------------------------------------------- */

START_TEST(quantiles_are_right_within_a_64th)
{
        static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1};
        static struct histogram h;

        memset(&h, 0, sizeof(h));
        for (int64_t v = 1; v <= 100000; v++)
                histogram_add(&h, v * 7);
        for (size_t i = 0; i < COUNT(quantiles); i++) {
                double exact = quantiles[i] * 700000, got = (double)histogram_quantile(&h, quantiles[i]);

                ck_assert_double_ge(got, exact - 7);
                ck_assert_double_le(got, exact * (1 + 1.0 / 64) + 1);
        }
        ck_assert_int_eq(histogram_quantile(&h, 1), 700000);
}
END_TEST

START_TEST(every_value_lands_in_a_bucket_that_holds_it)
{
        for (int bit = 0; bit < 62; bit++) {
                for (int64_t off = -1; off <= 1; off++) {
                        static struct histogram h;
                        int64_t value = ((int64_t)1 << bit) + off;

                        memset(&h, 0, sizeof(h));
                        histogram_add(&h, value);
                        histogram_add(&h, INT64_MAX);
                        if (bit <= 40)
                                ck_assert_int_ge(histogram_quantile(&h, 0.5), value);
                        if (bit <= 40)
                                ck_assert_int_le(histogram_quantile(&h, 0.5), value + value / 64 + 1);
                        ck_assert_uint_eq(h.count, 2);
                }
        }
}
END_TEST

START_TEST(an_empty_histogram_and_negative_values_are_zero)
{
        static struct histogram h;

        memset(&h, 0, sizeof(h));
        ck_assert_int_eq(histogram_quantile(&h, 0.5), 0);
        histogram_add(&h, -5);
        ck_assert_int_eq(histogram_quantile(&h, 1), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("customers");
        TCase *all = tcase_create("all");

        tcase_add_test(all, customers_come_as_often_as_asked_and_in_the_day_s_hours);
        tcase_add_test(all, who_starts_at_noon_gets_the_afternoon_s_customers);
        tcase_add_test(all, cards_are_all_different_and_carry_a_check_digit);
        tcase_add_test(all, even_cards_are_taken_in_turn_until_they_are_used_up);
        tcase_add_test(all, careful_holders_keep_within_their_limits_and_careless_ones_do_not);
        tcase_add_loop_test(all, a_bad_card_file_is_named_with_line_and_column, 0, (int)COUNT(bad_cards));
        tcase_add_test(all, a_card_file_that_others_can_read_is_refused);
        tcase_add_test(all, cards_of_several_files_are_one_supply_and_each_file_is_checked);
        tcase_add_test(all, columns_are_found_by_name_and_quotes_taken_off);
        tcase_add_test(all, amounts_are_whole_notes_within_the_day_s_limit);
        tcase_add_test(all, terminals_are_found_by_name);
        tcase_add_test(all, faults_are_read_by_kind_and_rate);
        tcase_add_loop_test(all, a_wrong_fault_is_named, 0, 7);
        tcase_add_test(all, each_kind_of_fault_is_drawn_at_its_rate_and_in_all_its_forms);
        tcase_add_test(all, quantiles_are_right_within_a_64th);
        tcase_add_test(all, every_value_lands_in_a_bucket_that_holds_it);
        tcase_add_test(all, an_empty_histogram_and_negative_values_are_zero);
        suite_add_tcase(suite, all);
        return suite_run(suite);
}
