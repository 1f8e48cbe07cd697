/* Reference data: what is refused and how it is told, what is found, and the files that we ship. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "rules/reference.h"
#include "tests/suite.h"
#include "tests/unit/shipped.h"

static const struct hall good_hall = {"H00001", "kanto", "東京都", {0, 1440}, 500};
#define ALWAYS                                                                                               \
        {                                                                                                    \
                {0, 1440},                                                                                   \
                {                                                                                            \
                        0, 1440                                                                              \
                }                                                                                            \
        }

static const struct issuer good_issuer = {"HOUSE", "", ALWAYS, PIN_NONE, 3};

static struct reference *r;
static char error[REFERENCE_ERROR_MAX];

static void set_up(void)
{
        r = reference_new();
        ck_assert_ptr_nonnull(r);
        error[0] = '\0';
}

static void tear_down(void)
{
        reference_free(r);
}

static bool add_tariff(const char *issuer, enum band band, int32_t from_day, int64_t fee_yen)
{
        struct tariff row = {
            .band = band, .from_day = from_day, .customer_fee_yen = fee_yen, .interbank_fee_yen = 100};

        (void)snprintf(row.issuer, sizeof row.issuer, "%s", issuer);
        return reference_add_tariff(r, &row, error);
}

static bool add_tax_rate(int32_t from_day, int32_t rate_bp)
{
        struct tax_rate row = {from_day, rate_bp, TAX_DOWN};

        return reference_add_tax_rate(r, &row, error);
}

static void must(bool done)
{
        ck_assert_msg(done, "%s", error);
}

/* An issuer with prices for both bands from day 100 on, a hall, an ATM, a tax rate. */
static void add_good_rows(void)
{
        must(reference_add_hall(r, &good_hall, error));
        must(reference_add_atm(r, "T0000001", "H00001", true, error));
        must(reference_add_issuer(r, &good_issuer, error));
        must(reference_add_prefix(r, "990001", 100, "HOUSE", CARD_CASH, error));
        must(add_tariff("HOUSE", BAND_DAY, 100, 100));
        must(add_tariff("HOUSE", BAND_OTHER, 100, 200));
        must(add_tax_rate(0, 500));
}

/* rows that are wrong by themselves -------------------------------------------------------------------- */

static bool bad_hall_name(void)
{
        return reference_add_hall(r, &(struct hall){"h1", "kanto", "x", {0, 1440}, 0}, error);
}
static bool bad_hall_empty(void)
{
        return reference_add_hall(r, &(struct hall){"", "kanto", "x", {0, 1440}, 0}, error);
}
static bool bad_hall_unended(void)
{
        struct hall row = good_hall;

        memset(row.hall, 'H', sizeof row.hall);
        return reference_add_hall(r, &row, error);
}
static bool bad_hall_area(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "関東", "x", {0, 1440}, 0}, error);
}
static bool bad_hall_prefecture(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "kanto", "", {0, 1440}, 0}, error);
}
static bool bad_hall_hours(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "kanto", "x", {600, 600}, 0}, error);
}
static bool bad_hall_hours_late(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "kanto", "x", {0, 1441}, 0}, error);
}
static bool bad_hall_hours_early(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "kanto", "x", {-1, 600}, 0}, error);
}
static bool bad_hall_share(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "kanto", "x", {0, 1440}, 10001}, error);
}
static bool bad_hall_share_negative(void)
{
        return reference_add_hall(r, &(struct hall){"H1", "kanto", "x", {0, 1440}, -1}, error);
}
static bool bad_share(void)
{
        return reference_add_share(r, &(struct hall_share){"H1", 0, 10001}, error);
}
static bool bad_share_hall(void)
{
        return reference_add_share(r, &(struct hall_share){"h1", 0, 0}, error);
}
static bool bad_atm_short(void)
{
        return reference_add_atm(r, "T000001", "H00001", true, error);
}
static bool bad_atm_long(void)
{
        return reference_add_atm(r, "T00000001", "H00001", true, error);
}
static bool bad_atm_letters(void)
{
        return reference_add_atm(r, "T000-001", "H00001", true, error);
}
static bool bad_atm_hall(void)
{
        return reference_add_atm(r, "T0000001", "no such hall", true, error);
}
static bool bad_issuer_name(void)
{
        return reference_add_issuer(r, &(struct issuer){"House", "", ALWAYS, PIN_NONE, 3}, error);
}
static bool bad_issuer_hours(void)
{
        return reference_add_issuer(r, &(struct issuer){"HOUSE", "", {{900, 100}, {0, 1440}}, PIN_NONE, 3},
                                    error);
}
static bool bad_issuer_hours_off(void)
{
        return reference_add_issuer(r, &(struct issuer){"HOUSE", "", {{0, 1440}, {0, 1441}}, PIN_NONE, 3},
                                    error);
}
static bool bad_issuer_hours_early(void)
{
        return reference_add_issuer(r, &(struct issuer){"HOUSE", "", {{-1, 1440}, {0, 1440}}, PIN_NONE, 3},
                                    error);
}
static bool bad_issuer_link(void)
{
        return reference_add_issuer(r, &(struct issuer){"OTHER", "bank a", ALWAYS, PIN_NONE, 3}, error);
}
static bool bad_issuer_pins(void)
{
        return reference_add_issuer(r, &(struct issuer){"HOUSE", "", ALWAYS, PIN_PVV, 0}, error);
}
static bool bad_issuer_pins_many(void)
{
        return reference_add_issuer(r, &(struct issuer){"HOUSE", "", ALWAYS, PIN_PVV, 100}, error);
}
static bool bad_issuer_pins_link(void)
{
        return reference_add_issuer(r, &(struct issuer){"OTHER", "BANKA", ALWAYS, PIN_OFFSET, 3}, error);
}
static bool bad_issuer_link_unended(void)
{
        struct issuer row = good_issuer;

        memset(row.link, 'B', sizeof row.link);
        return reference_add_issuer(r, &row, error);
}
static bool bad_prefix_letters(void)
{
        return reference_add_prefix(r, "99000a", 0, "HOUSE", CARD_CASH, error);
}
static bool bad_prefix_long(void)
{
        return reference_add_prefix(r, "99000100000", 0, "HOUSE", CARD_CASH, error);
}
static bool bad_prefix_issuer(void)
{
        return reference_add_prefix(r, "990001", 0, "", CARD_CASH, error);
}
static bool bad_prefix_kind(void)
{
        return reference_add_prefix(r, "990001", 0, "HOUSE", CARD_KIND_COUNT, error);
}
static bool bad_tariff_band(void)
{
        return add_tariff("HOUSE", BAND_COUNT, 0, 100);
}
static bool bad_tariff_negative(void)
{
        return add_tariff("HOUSE", BAND_DAY, 0, -1);
}
static bool bad_tariff_huge(void)
{
        return add_tariff("HOUSE", BAND_DAY, 0, 1000001);
}
static bool bad_tax_rate(void)
{
        return add_tax_rate(0, 10001);
}
static bool bad_tax_negative(void)
{
        return add_tax_rate(0, -1);
}
static bool bad_tax_rounding(void)
{
        return reference_add_tax_rate(r, &(struct tax_rate){0, 800, (enum tax_rounding)3}, error);
}
static bool bad_limit_kind(void)
{
        return reference_add_limit(r, &(struct limit){LIMIT_KIND_COUNT, 0, 1}, error);
}
static bool bad_limit_negative(void)
{
        return reference_add_limit(r, &(struct limit){LIMIT_DAY_YEN, 0, -1}, error);
}
static bool bad_hours_kind(void)
{
        return reference_add_network_hours(r, &(struct network_hours){0, DAY_KIND_COUNT, {0, 1440}}, error);
}
static bool bad_hours(void)
{
        return reference_add_network_hours(r, &(struct network_hours){0, DAY_OFF, {0, 0}}, error);
}

static const struct {
        bool (*add)(void);
        const char *says;
} bad_rows[] = {
    {bad_hall_name, "hall \"h1\""},
    {bad_hall_empty, "hall \"\""},
    {bad_hall_unended, "hall \"HHHHHHHHHHHHHHH\""},
    {bad_hall_area, "hall H1: area"},
    {bad_hall_prefecture, "hall H1: prefecture"},
    {bad_hall_hours, "hall H1: hours 600 to 600"},
    {bad_hall_hours_late, "hall H1: hours 0 to 1441"},
    {bad_hall_hours_early, "hall H1: hours -1 to 600"},
    {bad_hall_share, "hall H1: share of 10001"},
    {bad_hall_share_negative, "hall H1: share of -1"},
    {bad_share, "hall H1: share of 10001"},
    {bad_share_hall, "share: hall \"h1\""},
    {bad_atm_short, "ATM \"T000001\""},
    {bad_atm_long, "ATM \"T0000000\""},
    {bad_atm_letters, "ATM \"T000-001\""},
    {bad_atm_hall, "ATM T0000001: hall \"no such hall\""},
    {bad_issuer_name, "issuer \"House\""},
    {bad_issuer_hours, "issuer HOUSE: hours 900 to 100 on days of kind weekday"},
    {bad_issuer_hours_off, "issuer HOUSE: hours 0 to 1441 on days of kind off"},
    {bad_issuer_hours_early, "issuer HOUSE: hours -1 to 1440 on days of kind weekday"},
    {bad_issuer_link, "issuer OTHER: link \"bank a\": 1 to 11 capital letters or digits wanted, or nothing"},
    {bad_issuer_pins, "issuer HOUSE: PINs by pvv, 0 wrong ones"},
    {bad_issuer_pins_many, "issuer HOUSE: PINs by pvv, 100 wrong ones"},
    {bad_issuer_pins_link, "issuer OTHER: PINs by offset, 3 wrong ones, link \"BANKA\""},
    {bad_issuer_link_unended, "issuer HOUSE: link \"BBBBBBBBBBB\""},
    {bad_prefix_letters, "card prefix \"99000a\""},
    {bad_prefix_long, "card prefix \"9900010000\""},
    {bad_prefix_issuer, "card prefix 990001: issuer \"\""},
    {bad_prefix_kind, "card prefix 990001: unknown kind"},
    {bad_tariff_band, "tariff of HOUSE: unknown band"},
    {bad_tariff_negative, "tariff of HOUSE: fees of -1"},
    {bad_tariff_huge, "tariff of HOUSE: fees of 1000001"},
    {bad_tax_rate, "tax rate of 10001"},
    {bad_tax_negative, "tax rate of -1"},
    {bad_tax_rounding, "tax rate: unknown rounding"},
    {bad_limit_kind, "limit: unknown kind"},
    {bad_limit_negative, "limit day_yen: -1"},
    {bad_hours_kind, "network hours: unknown kind"},
    {bad_hours, "network hours 0 to 0"},
};
enum { BAD_ROWS = sizeof bad_rows / sizeof bad_rows[0] };

START_TEST(a_malformed_row_is_refused_and_named)
{
        ck_assert(!bad_rows[_i].add());
        ck_assert_msg(strncmp(error, bad_rows[_i].says, strlen(bad_rows[_i].says)) == 0,
                      "\"%s\", wanted \"%s\"", error, bad_rows[_i].says);
}
END_TEST

/* rows that do not fit together ------------------------------------------------------------------------ */

static void twice_hall(void)
{
        must(reference_add_hall(r, &good_hall, error));
}
static void twice_atm(void)
{
        must(reference_add_atm(r, "T0000001", NULL, false, error));
}
static void twice_issuer(void)
{
        must(reference_add_issuer(r, &good_issuer, error));
}
static void twice_prefix(void)
{
        must(reference_add_prefix(r, "990001", 100, "HOUSE", CARD_LOAN, error));
}
static void twice_tariff(void)
{
        must(add_tariff("HOUSE", BAND_OTHER, 100, 300));
}
static void twice_tax_rate(void)
{
        must(add_tax_rate(0, 800));
}
static void twice_holiday(void)
{
        must(reference_add_holiday(r, 17167, error));
        must(reference_add_holiday(r, 17167, error));
}
static void twice_limit(void)
{
        must(reference_add_limit(r, &(struct limit){LIMIT_MONTH_YEN, 31, 1}, error));
        must(reference_add_limit(r, &(struct limit){LIMIT_MONTH_YEN, 31, 2}, error));
}
static void twice_hours(void)
{
        must(reference_add_network_hours(r, &(struct network_hours){31, DAY_OFF, {0, 1440}}, error));
        must(reference_add_network_hours(r, &(struct network_hours){31, DAY_OFF, {0, 600}}, error));
}
static void unknown_hall(void)
{
        must(reference_add_atm(r, "T0000002", "H00009", true, error));
}
static void unknown_issuer_of_prefix(void)
{
        must(reference_add_prefix(r, "990009", 100, "NOBODY", CARD_CASH, error));
}
static void unknown_issuer_of_tariff(void)
{
        must(add_tariff("NOBODY", BAND_DAY, 100, 100));
}
static void one_band_only(void)
{
        must(reference_add_issuer(r, &(struct issuer){"OTHER", "", ALWAYS, PIN_NONE, 3}, error));
        must(reference_add_prefix(r, "880001", 100, "OTHER", CARD_CASH, error));
        must(add_tariff("OTHER", BAND_DAY, 100, 100));
}
static void no_band(void)
{
        must(reference_add_issuer(r, &(struct issuer){"OTHER", "", ALWAYS, PIN_NONE, 3}, error));
        must(reference_add_prefix(r, "880001", 100, "OTHER", CARD_CASH, error));
}
static void bands_start_apart(void)
{
        one_band_only();
        must(add_tariff("OTHER", BAND_OTHER, 101, 100));
}
static void tariff_before_tax(void)
{
        one_band_only();
        must(add_tariff("OTHER", BAND_DAY, -10, 100));
        must(add_tariff("OTHER", BAND_OTHER, -10, 100));
}

static const struct {
        void (*add)(void); /* to rows that are good */
        const char *says;
} misfits[] = {
    {twice_hall, "hall H00001: given twice"},
    {twice_atm, "ATM T0000001: given twice"},
    {twice_issuer, "issuer HOUSE: given twice"},
    {twice_prefix, "card prefix 990001 from 1970-04-11: given twice"},
    {twice_tariff, "tariff of HOUSE, band other, from 1970-04-11: given twice"},
    {twice_tax_rate, "tax rate from 1970-01-01: given twice"},
    {twice_holiday, "holiday 2017-01-01: given twice"},
    {twice_limit, "limit month_yen from 1970-02-01: given twice"},
    {twice_hours, "network hours of kind off from 1970-02-01: given twice"},
    {unknown_hall, "ATM T0000002: hall H00009 is unknown"},
    {unknown_issuer_of_prefix, "card prefix 990009: issuer NOBODY is unknown"},
    {unknown_issuer_of_tariff, "tariff: issuer NOBODY is unknown"},
};
enum { MISFITS = sizeof misfits / sizeof misfits[0] };

START_TEST(rows_that_do_not_fit_together_are_refused_and_named)
{
        add_good_rows();
        misfits[_i].add();
        ck_assert(!reference_finish(r, error));
        ck_assert_str_eq(error, misfits[_i].says);
}
END_TEST

/* All that reference_check says, a line each. */
static char lacks[4096];

static void on_lack(void *context, const char *text)
{
        (void)context;
        strcat(lacks, text);
        strcat(lacks, "\n");
}

static size_t check(void)
{
        lacks[0] = '\0';
        return reference_check(r, on_lack, NULL);
}

START_TEST(good_rows_alone_are_accepted_and_lack_nothing)
{
        add_good_rows();
        must(reference_finish(r, error));
        ck_assert_uint_eq(check(), 0);
}
END_TEST

static void prefix_of_years_ahead(void)
{
        must(reference_add_issuer(r, &(struct issuer){"OTHER", "", ALWAYS, PIN_NONE, 3}, error));
        must(reference_add_prefix(r, "880001", 30000, "OTHER", CARD_CASH, error));
}

static const struct {
        void (*add)(void); /* to rows that are good */
        const char *says;
} gaps[] = {
    {one_band_only, "issuer OTHER: no tariff for band other, though card prefix 880001 leads to it"},
    {no_band, "issuer OTHER: no tariff for band day, though card prefix 880001 leads to it"},
    {bands_start_apart,
     "issuer OTHER: a gap: tariffs of band day start on 1970-04-11, of band other on 1970-04-12"},
    {tariff_before_tax, "issuer OTHER: a gap: tariffs start on 1969-12-22, tax rates on 1970-01-01"},
    {prefix_of_years_ahead, "issuer OTHER: no tariff for band day, though card prefix 880001 leads to it"},
};
enum { GAPS = sizeof gaps / sizeof gaps[0] };

/* The others are served all the same: it is no error of the snapshot. */
START_TEST(an_issuer_that_cards_lead_to_without_a_price_is_told_and_no_fault)
{
        add_good_rows();
        gaps[_i].add();
        must(reference_finish(r, error));
        ck_assert_uint_eq(check(), 1);
        lacks[strlen(lacks) - 1] = '\0';
        ck_assert_str_eq(lacks, gaps[_i].says);
        ck_assert_ptr_nonnull(reference_tariff(r, "HOUSE", BAND_DAY, 100));
}
END_TEST

START_TEST(each_issuer_that_lacks_something_is_told_once)
{
        add_good_rows();
        no_band();
        must(reference_add_prefix(r, "880002", 100, "OTHER", CARD_CASH, error));
        must(reference_add_issuer(r, &(struct issuer){"NEWB", "", ALWAYS, PIN_NONE, 3}, error));
        must(reference_add_prefix(r, "770001", 100, "NEWB", CARD_CASH, error));
        must(reference_finish(r, error));
        ck_assert_uint_eq(check(), 2);
        ck_assert_str_eq(lacks,
                         "issuer NEWB: no tariff for band day, though card prefix 770001 leads to it\n"
                         "issuer OTHER: no tariff for band day, though card prefix 880001 leads to it\n");
}
END_TEST

START_TEST(without_a_tax_rate_each_issuer_that_cards_lead_to_is_told)
{
        must(reference_add_issuer(r, &good_issuer, error));
        must(add_tariff("HOUSE", BAND_DAY, 100, 100));
        must(add_tariff("HOUSE", BAND_OTHER, 100, 100));
        must(reference_add_prefix(r, "990001", 100, "HOUSE", CARD_CASH, error));
        must(reference_finish(r, error));
        ck_assert_uint_eq(check(), 1);
        ck_assert_str_eq(lacks, "issuer HOUSE: no tax rate, though card prefix 990001 leads to it\n");
}
END_TEST

START_TEST(an_empty_fleet_is_no_fault)
{
        must(add_tax_rate(0, 500));
        must(reference_finish(r, error));
        ck_assert_ptr_null(reference_atm(r, "T0000001"));
        ck_assert_ptr_null(reference_issuer(r, "HOUSE"));
        ck_assert_ptr_null(reference_prefix(r, "9900010000000001", 20000));
        ck_assert_ptr_null(reference_tariff(r, "HOUSE", BAND_DAY, 20000));
        ck_assert(reference_limit(r, LIMIT_DAY_YEN, 20000) == LIMIT_NONE);
        ck_assert(!reference_is_holiday(r, 20000));
        ck_assert_int_eq(reference_network_hours(r, 20000).closes, 0);
}
END_TEST

START_TEST(an_issuer_in_the_making_is_no_fault)
{
        add_good_rows();
        must(reference_add_issuer(r, &(struct issuer){"OTHER", "", ALWAYS, PIN_NONE, 3}, error));
        must(add_tariff("OTHER", BAND_DAY, 100, 100));
        must(reference_finish(r, error));
        ck_assert_uint_eq(check(), 0);
}
END_TEST

/* looking up ------------------------------------------------------------------------------------------- */

START_TEST(a_hall_s_share_is_that_of_the_day)
{
        const struct hall *hall;

        add_good_rows();
        must(reference_add_share(r, &(struct hall_share){"H00001", 200, 700}, error));
        must(reference_add_share(r, &(struct hall_share){"H00001", 100, 600}, error));
        must(reference_finish(r, error));
        hall = reference_atm(r, "T0000001")->hall;
        ck_assert_int_eq(reference_share_bp(r, hall, 99), good_hall.share_bp);
        ck_assert_int_eq(reference_share_bp(r, hall, 100), 600);
        ck_assert_int_eq(reference_share_bp(r, hall, 199), 600);
        ck_assert_int_eq(reference_share_bp(r, hall, 200), 700);
}
END_TEST

START_TEST(a_share_of_no_hall_or_of_two_on_a_day_is_refused)
{
        add_good_rows();
        must(reference_add_share(r, &(struct hall_share){"H9", 100, 600}, error));
        ck_assert(!reference_finish(r, error));
        ck_assert_str_eq(error, "share: hall H9 is unknown");
        reference_free(r);
        r = reference_new();
        add_good_rows();
        must(reference_add_share(r, &(struct hall_share){"H00001", 0, 600}, error));
        must(reference_add_share(r, &(struct hall_share){"H00001", 0, 700}, error));
        ck_assert(!reference_finish(r, error));
        ck_assert_str_eq(error, "share of hall H00001 from 1970-01-01: given twice");
}
END_TEST

START_TEST(every_terminal_is_found_with_its_hall)
{
        char terminal[16], hall[HALL_MAX + 1];

        add_good_rows();
        for (int i = 2; i <= 3000; i++) { /* added before their halls, and not in order */
                (void)snprintf(terminal, sizeof terminal, "T%07d", 3002 - i);
                (void)snprintf(hall, sizeof hall, "H%05d", 3002 - i);
                must(reference_add_atm(r, terminal, hall, i % 2 == 0, error));
        }
        for (int i = 2; i <= 3000; i++) {
                struct hall row = good_hall;

                (void)snprintf(row.hall, sizeof row.hall, "H%05d", i);
                must(reference_add_hall(r, &row, error));
        }
        must(reference_add_atm(r, "T0009999", "", true, error));
        must(reference_finish(r, error));
        for (int i = 1; i <= 3000; i++) {
                const struct atm *atm;

                (void)snprintf(terminal, sizeof terminal, "T%07d", i);
                (void)snprintf(hall, sizeof hall, "H%05d", i);
                atm = reference_atm(r, terminal);
                ck_assert_ptr_nonnull(atm);
                ck_assert_str_eq(atm->terminal, terminal);
                ck_assert_str_eq(atm->hall->hall, hall);
                ck_assert_int_eq(atm->enabled, i == 1 || (3002 - i) % 2 == 0);
        }
        ck_assert_ptr_null(reference_atm(r, "T0009999")->hall);
        ck_assert_ptr_null(reference_atm(r, "T0003001"));
        ck_assert_ptr_null(reference_atm(r, "T000000"));
        ck_assert_ptr_null(reference_atm(r, "T00000011"));
        ck_assert_ptr_null(reference_atm(r, ""));
}
END_TEST

static const struct {
        const char *pan;
        int32_t day;
        const char *prefix; /* NULL: no route */
        int32_t from_day;
        enum card_kind kind;
} routes[] = {
    {"9900010000000001", 100, "990001", 100, CARD_CASH},
    {"9900010000000001", 99, NULL, 0, CARD_CASH}, /* not in force yet */
    {"9900010000000001", 199, "990001", 100, CARD_CASH},
    {"9900010000000001", 200, "990001", 200, CARD_LOAN}, /* of equal prefixes the latest */
    {"9900015000000001", 100, "9900015", 50, CARD_CREDIT},
    {"9900015000000001", 50, "9900015", 50, CARD_CREDIT},
    {"9900015000000001", 300, "9900015", 50, CARD_CREDIT}, /* the longest, not the latest */
    {"9900015000000001", 49, NULL, 0, CARD_CASH},
    {"9900015123456789", 400, "9900015123", 400, CARD_CASH},
    {"9900015123456789", 399, "9900015", 50, CARD_CREDIT}, /* the longest in force */
    {"9900020000000001", 300, NULL, 0, CARD_CASH},
    {"990000", 300, NULL, 0, CARD_CASH},
    {"99000", 300, NULL, 0, CARD_CASH},
    {"990001", 100, "990001", 100, CARD_CASH}, /* no more digits than the prefix */
    {"", 300, NULL, 0, CARD_CASH},
    {"4000000000000000", 300, "4", 0, CARD_CASH},
    {"3999999999999999", 300, NULL, 0, CARD_CASH},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

START_TEST(a_card_takes_the_longest_prefix_in_force)
{
        const struct card_prefix *prefix;

        add_good_rows();
        must(reference_add_prefix(r, "9900015123", 400, "HOUSE", CARD_CASH, error));
        must(reference_add_prefix(r, "990001", 200, "HOUSE", CARD_LOAN, error));
        must(reference_add_prefix(r, "9900015", 50, "HOUSE", CARD_CREDIT, error));
        must(reference_add_prefix(r, "4", 0, "HOUSE", CARD_CASH, error));
        must(reference_finish(r, error));
        prefix = reference_prefix(r, routes[_i].pan, routes[_i].day);
        ck_assert_msg((prefix != NULL) == (routes[_i].prefix != NULL), "%s on day %d", routes[_i].pan,
                      routes[_i].day);
        if (!prefix)
                return;
        ck_assert_str_eq(prefix->prefix, routes[_i].prefix);
        ck_assert_int_eq(prefix->from_day, routes[_i].from_day);
        ck_assert_int_eq(prefix->kind, routes[_i].kind);
        ck_assert_ptr_eq(prefix->issuer, reference_issuer(r, "HOUSE"));
}
END_TEST

START_TEST(a_row_is_in_force_from_its_day_until_the_next)
{
        add_good_rows();
        must(reference_add_issuer(r, &(struct issuer){"ANOTHER", "", ALWAYS, PIN_NONE, 3}, error));
        must(add_tariff("ANOTHER", BAND_DAY, 1, 7));
        must(add_tariff("HOUSE", BAND_DAY, 300, 150));
        must(add_tariff("HOUSE", BAND_DAY, 200, 0));
        must(add_tax_rate(500, 800));
        must(reference_add_limit(r, &(struct limit){LIMIT_DAY_YEN, 300, LIMIT_NONE}, error));
        must(reference_add_limit(r, &(struct limit){LIMIT_DAY_YEN, 100, 30000}, error));
        must(reference_add_limit(r, &(struct limit){LIMIT_DAY_YEN, 400, 0}, error));
        must(reference_finish(r, error));

        ck_assert_ptr_null(reference_tariff(r, "HOUSE", BAND_DAY, 99));
        ck_assert_int_eq(reference_tariff(r, "HOUSE", BAND_DAY, 100)->customer_fee_yen, 100);
        ck_assert_int_eq(reference_tariff(r, "HOUSE", BAND_DAY, 199)->customer_fee_yen, 100);
        ck_assert_int_eq(reference_tariff(r, "HOUSE", BAND_DAY, 200)->customer_fee_yen, 0);
        ck_assert_int_eq(reference_tariff(r, "HOUSE", BAND_DAY, 299)->customer_fee_yen, 0);
        ck_assert_int_eq(reference_tariff(r, "HOUSE", BAND_DAY, 300)->customer_fee_yen, 150);
        ck_assert_int_eq(reference_tariff(r, "HOUSE", BAND_OTHER, 300)->customer_fee_yen, 200);
        ck_assert_ptr_null(reference_tariff(r, "ANOTHER", BAND_OTHER, 300));
        ck_assert_ptr_null(reference_tariff(r, "ZZZ", BAND_DAY, 300));
        ck_assert_ptr_null(reference_tariff(r, "HOUSEHOUSEHOUSE", BAND_DAY, 300));

        ck_assert_ptr_null(reference_tax_rate(r, -1));
        ck_assert_int_eq(reference_tax_rate(r, 0)->rate_bp, 500);
        ck_assert_int_eq(reference_tax_rate(r, 499)->rate_bp, 500);
        ck_assert_int_eq(reference_tax_rate(r, 500)->rate_bp, 800);

        ck_assert(reference_limit(r, LIMIT_DAY_YEN, 99) == LIMIT_NONE);
        ck_assert_int_eq(reference_limit(r, LIMIT_DAY_YEN, 100), 30000);
        ck_assert_int_eq(reference_limit(r, LIMIT_DAY_YEN, 299), 30000);
        ck_assert(reference_limit(r, LIMIT_DAY_YEN, 300) == LIMIT_NONE); /* lifted */
        ck_assert_int_eq(reference_limit(r, LIMIT_DAY_YEN, 400), 0);
        ck_assert(reference_limit(r, LIMIT_MONTH_YEN, 400) == LIMIT_NONE);
}
END_TEST

START_TEST(a_day_whose_kind_has_no_hours_is_closed)
{
        add_good_rows();
        must(reference_add_network_hours(r, &(struct network_hours){100, DAY_WEEKDAY, {480, 1260}}, error));
        must(reference_add_network_hours(r, &(struct network_hours){17000, DAY_OFF, {540, 1020}}, error));
        must(reference_finish(r, error));
        ck_assert_int_eq(reference_network_hours(r, 99).closes, 0);       /* before the first row */
        ck_assert_int_eq(reference_network_hours(r, 16860).closes, 1260); /* Monday 29 February 2016 */
        ck_assert_int_eq(reference_network_hours(r, 16859).closes, 0);    /* the Sunday before it */
        ck_assert_int_eq(reference_network_hours(r, 17166).closes, 1020); /* Saturday 31 December 2016 */
}
END_TEST

START_TEST(moments_are_held_up_to_their_end)
{
        add_good_rows();
        reference_set_moments(r, 1000, 2000);
        reference_set_version(r, 42);
        must(reference_finish(r, error));
        ck_assert(!reference_holds_moment(r, 999));
        ck_assert(reference_holds_moment(r, 1000));
        ck_assert(reference_holds_moment(r, 1999));
        ck_assert(!reference_holds_moment(r, 2000));
        ck_assert_int_eq(reference_version(r), 42);
}
END_TEST

/* what we ship ----------------------------------------------------------------------------------------- */

static const struct {
        const char *day;
        bool holiday;
        enum day_kind kind;
} known_days[] = {
    {"2016-12-22", false, DAY_WEEKDAY},
    {"2016-12-23", true, DAY_OFF},  /* the Emperor's birthday, until 2018 */
    {"2016-12-24", false, DAY_OFF}, /* Saturday */
    {"2016-12-25", false, DAY_OFF}, /* Sunday */
    {"2016-12-29", false, DAY_WEEKDAY},
    {"2016-12-30", false, DAY_WEEKDAY},
    {"2016-12-31", false, DAY_OFF}, /* Saturday */
    {"2017-01-01", true, DAY_OFF},
    {"2017-01-02", true, DAY_OFF}, /* in lieu of Sunday, 1 January */
    {"2017-01-03", false, DAY_WEEKDAY},
    {"2019-05-01", true, DAY_OFF}, /* accession to the throne */
    {"2019-12-23", false, DAY_WEEKDAY},
    {"2020-02-23", true, DAY_OFF},
    {"2020-02-24", true, DAY_OFF},
    {"2020-07-20", false, DAY_WEEKDAY}, /* Marine Day moved for the Olympics */
    {"2020-07-24", true, DAY_OFF},      /* Sports Day moved for the Olympics */
    {"2020-10-12", false, DAY_WEEKDAY},
};
enum { KNOWN_DAYS = sizeof known_days / sizeof known_days[0] };

START_TEST(shipped_holidays_are_japans)
{
        int32_t day = shipped_day(known_days[_i].day);

        shipped_days(r, "hours.csv");
        must(add_tax_rate(0, 500));
        shipped_finish(r);
        ck_assert_msg(reference_is_holiday(r, day) == known_days[_i].holiday, "%s", known_days[_i].day);
        ck_assert_msg(reference_day_kind(r, day) == known_days[_i].kind, "%s", known_days[_i].day);
}
END_TEST

START_TEST(the_shipped_fleet_is_1066_atms_in_halls_of_four_areas)
{
        static const char *const areas[] = {"kanto", "kansai", "kyushu", "tokai"};
        int in_area[4] = {0}, atms = 0;
        struct shipped_file file;

        shipped_fleet(r);
        must(add_tax_rate(0, 500));
        shipped_finish(r); /* so every ATM's hall exists */
        file = shipped_open("atms.csv", "terminal,hall,enabled");
        while (shipped_next(&file)) {
                const struct atm *atm = reference_atm(r, file.column[0]);
                char terminal[16];

                (void)snprintf(terminal, sizeof terminal, "T%07d", ++atms);
                ck_assert_str_eq(file.column[0], terminal);
                ck_assert_ptr_nonnull(atm);
                ck_assert(atm->enabled);
                ck_assert_str_eq(atm->hall->hall, file.column[1]);
                in_area[shipped_choice(areas, 4, atm->hall->area)]++;
        }
        ck_assert_int_eq(atms, 1066);
        for (int i = 0; i < 4; i++)
                ck_assert_int_ge(in_area[i], 100);
}
END_TEST

START_TEST(every_shipped_hall_has_atms_and_every_area_is_listed)
{
        struct shipped_file areas = shipped_open("areas.csv", "area,name");
        char known[4][AREA_MAX + 1];
        struct shipped_file halls, atms;
        int area_count = 0, hall_count = 0;
        static int atms_of[100000];

        while (shipped_next(&areas)) {
                ck_assert_int_lt(area_count, 4);
                (void)snprintf(known[area_count++], AREA_MAX + 1, "%s", areas.column[0]);
        }
        atms = shipped_open("atms.csv", "terminal,hall,enabled");
        while (shipped_next(&atms))
                atms_of[shipped_number(atms.column[1] + 1)]++;
        halls = shipped_open("halls.csv", "hall,name,area,prefecture,opens,closes,share_bp");
        while (shipped_next(&halls)) {
                int i = 0, here = atms_of[shipped_number(halls.column[0] + 1)];

                while (i < area_count && strcmp(known[i], halls.column[2]) != 0)
                        i++;
                ck_assert_msg(i < area_count, "hall %s: area %s", halls.column[0], halls.column[2]);
                ck_assert_msg(here >= 1 && here <= 3, "hall %s has %d ATMs", halls.column[0], here);
                ck_assert_int_le(shipped_number(halls.column[6]), 1500);
                hall_count++;
        }
        ck_assert_int_eq(area_count, 4);
        ck_assert_int_ge(hall_count, 700);
        ck_assert_int_le(hall_count, 900);
}
END_TEST

START_TEST(the_shipped_files_make_a_whole_with_either_hours)
{
        struct reference *open = shipped_reference("hours_open.csv"), *real = shipped_reference("hours.csv");
        int32_t day = shipped_day("2016-12-31");

        shipped_finish(open);
        shipped_finish(real);
        ck_assert_int_eq(reference_network_hours(open, day).opens, 0);
        ck_assert_int_eq(reference_network_hours(open, day).closes, 1440);
        ck_assert_int_eq(reference_network_hours(real, day).opens, 480);
        reference_free(open);
        reference_free(real);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("reference");
        TCase *tcase = tcase_create("reference");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, a_malformed_row_is_refused_and_named, 0, BAD_ROWS);
        tcase_add_loop_test(tcase, rows_that_do_not_fit_together_are_refused_and_named, 0, MISFITS);
        tcase_add_test(tcase, good_rows_alone_are_accepted_and_lack_nothing);
        tcase_add_loop_test(tcase, an_issuer_that_cards_lead_to_without_a_price_is_told_and_no_fault, 0,
                            GAPS);
        tcase_add_test(tcase, each_issuer_that_lacks_something_is_told_once);
        tcase_add_test(tcase, without_a_tax_rate_each_issuer_that_cards_lead_to_is_told);
        tcase_add_test(tcase, an_empty_fleet_is_no_fault);
        tcase_add_test(tcase, an_issuer_in_the_making_is_no_fault);
        tcase_add_test(tcase, a_hall_s_share_is_that_of_the_day);
        tcase_add_test(tcase, a_share_of_no_hall_or_of_two_on_a_day_is_refused);
        tcase_add_test(tcase, every_terminal_is_found_with_its_hall);
        tcase_add_loop_test(tcase, a_card_takes_the_longest_prefix_in_force, 0, ROUTES);
        tcase_add_test(tcase, a_row_is_in_force_from_its_day_until_the_next);
        tcase_add_test(tcase, a_day_whose_kind_has_no_hours_is_closed);
        tcase_add_test(tcase, moments_are_held_up_to_their_end);
        tcase_add_loop_test(tcase, shipped_holidays_are_japans, 0, KNOWN_DAYS);
        tcase_add_test(tcase, the_shipped_fleet_is_1066_atms_in_halls_of_four_areas);
        tcase_add_test(tcase, every_shipped_hall_has_atms_and_every_area_is_listed);
        tcase_add_test(tcase, the_shipped_files_make_a_whole_with_either_hours);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
