/* Prices by moment, on the data that we ship: bands to the minute, tax by date, rounding, the hall's share.
 */
#include <check.h>
#include <signal.h>

#include "rules/pricing.h"
#include "tests/suite.h"
#include "tests/unit/shipped.h"

static struct reference *shipped;

static void set_up(void)
{
        shipped = shipped_reference("hours.csv");
        shipped_finish(shipped);
}

static void tear_down(void)
{
        reference_free(shipped);
}

static const struct {
        const char *moment; /* in Japan */
        enum band band;
} bands[] = {
    /* Thursday 29 December 2016, to the minute and the second */
    {"2016-12-29T00:00:00", BAND_OTHER},
    {"2016-12-29T08:44:59", BAND_OTHER},
    {"2016-12-29T08:45:00", BAND_DAY},
    {"2016-12-29T12:00:00", BAND_DAY},
    {"2016-12-29T17:59:59", BAND_DAY},
    {"2016-12-29T18:00:00", BAND_OTHER},
    {"2016-12-29T23:59:59", BAND_OTHER},
    {"2016-12-30T12:00:00", BAND_DAY},   /* Friday */
    {"2016-12-24T12:00:00", BAND_OTHER}, /* Saturday */
    {"2016-12-25T12:00:00", BAND_OTHER}, /* Sunday */
    {"2016-12-26T12:00:00", BAND_DAY},   /* Monday */
    {"2016-12-23T12:00:00", BAND_OTHER}, /* a Friday, public holiday */
    {"2017-01-09T12:00:00", BAND_OTHER}, /* a Monday, public holiday */
    /* 31 December to 3 January, on weekdays */
    {"2015-12-30T12:00:00", BAND_DAY},
    {"2015-12-31T12:00:00", BAND_OTHER},
    {"2018-01-02T12:00:00", BAND_OTHER},
    {"2018-01-03T12:00:00", BAND_OTHER},
    {"2018-01-04T12:00:00", BAND_DAY},
    {"2019-01-01T12:00:00", BAND_OTHER},
    /* the day is Japan's, not UTC's */
    {"2016-12-25T23:45:00Z", BAND_DAY},   /* Monday 8:45 */
    {"2016-12-22T23:45:00Z", BAND_OTHER}, /* Friday 8:45, holiday */
    {"2016-02-29T12:00:00", BAND_DAY},    /* Monday, leap day */
};
enum { BANDS = sizeof bands / sizeof bands[0] };

START_TEST(the_band_follows_from_the_moment)
{
        ck_assert_int_eq(pricing_band(shipped, shipped_moment(bands[_i].moment)), bands[_i].band);
}
END_TEST

START_TEST(the_bands_edges_hold_at_every_minute_of_a_weekday_and_a_holiday)
{
        int64_t weekday_ms = shipped_moment("2016-12-22T00:00:00"), holiday_ms = weekday_ms + DAY_MS;

        for (int minute = 0; minute < 1440; minute++) {
                enum band wanted = minute >= 525 && minute < 1080 ? BAND_DAY : BAND_OTHER;

                for (int64_t ms = 0; ms < MINUTE_MS; ms += MINUTE_MS - 1) {
                        ck_assert_int_eq(pricing_band(shipped, weekday_ms + minute * (int64_t)MINUTE_MS + ms),
                                         wanted);
                        ck_assert_int_eq(pricing_band(shipped, holiday_ms + minute * (int64_t)MINUTE_MS + ms),
                                         BAND_OTHER);
                }
        }
}
END_TEST

/* What the card-holder sees: 105/210 to 31 March 2014, 108/216 to 30 September 2019, 110/220 from then. */
static const struct {
        const char *moment;
        int32_t rate_bp;
        int64_t customer_fee_yen, customer_tax_yen, interbank_tax_yen;
} prices[] = {
    {"2007-07-02T12:00:00", 500, 100, 5, 5},     {"2007-07-02T19:00:00", 500, 200, 10, 5},
    {"2014-03-31T12:00:00", 500, 100, 5, 5},     {"2014-03-31T23:59:59", 500, 200, 10, 5},
    {"2014-04-01T00:00:00", 800, 200, 16, 8},    {"2014-04-01T12:00:00", 800, 100, 8, 8},
    {"2016-12-29T12:00:00", 800, 100, 8, 8},     {"2016-12-31T12:00:00", 800, 200, 16, 8},
    {"2019-09-30T12:00:00", 800, 100, 8, 8},     {"2019-09-30T23:59:59", 800, 200, 16, 8},
    {"2019-10-01T00:00:00", 1000, 200, 20, 10},  {"2019-10-01T12:00:00", 1000, 100, 10, 10},
    {"2019-09-30T15:00:00Z", 1000, 200, 20, 10},
};
enum { PRICES = sizeof prices / sizeof prices[0] };

START_TEST(tariff_and_tax_are_those_of_the_moment)
{
        const struct hall hall = {.share_bp = 1500};
        struct price price;

        ck_assert(pricing_price(shipped, reference_issuer(shipped, "HOUSE"), &hall,
                                shipped_moment(prices[_i].moment), &price));
        ck_assert_int_eq(price.band, prices[_i].customer_fee_yen == 100 ? BAND_DAY : BAND_OTHER);
        ck_assert_int_eq(price.tariff_from_day, calendar_day(2007, 7, 1));
        ck_assert_int_eq(price.tax_rate_bp, prices[_i].rate_bp);
        ck_assert_int_eq(price.customer_fee_yen, prices[_i].customer_fee_yen);
        ck_assert_int_eq(price.customer_tax_yen, prices[_i].customer_tax_yen);
        ck_assert_int_eq(price.interbank_fee_yen, 100);
        ck_assert_int_eq(price.interbank_tax_yen, prices[_i].interbank_tax_yen);
        ck_assert_int_eq(price.hall_share_yen, prices[_i].customer_fee_yen == 100 ? 30 : 45);
}
END_TEST

START_TEST(without_tariff_or_tax_rate_there_is_no_price)
{
        struct price price = {.customer_fee_yen = 4711};
        struct issuer nobody = {.issuer = "NOBODY"};

        ck_assert(!pricing_price(shipped, reference_issuer(shipped, "HOUSE"), NULL,
                                 shipped_moment("2007-06-30T23:59:59"), &price));
        ck_assert(!pricing_price(shipped, &nobody, NULL, shipped_moment("2016-12-29T12:00:00"), &price));
        ck_assert_int_eq(price.customer_fee_yen, 4711);
}
END_TEST

static const struct {
        int64_t fee_yen;
        int32_t rate_bp;
        int64_t down, nearest, up;
} taxes[] = {
    {0, 1000, 0, 0, 0},
    {100, 500, 5, 5, 5},
    {100, 0, 0, 0, 0},
    {1, 800, 0, 0, 1},
    {6, 800, 0, 0, 1},
    {7, 800, 0, 1, 1}, /* 0.08, 0.48, 0.56 */
    {5, 1000, 0, 1, 1},
    {4, 1000, 0, 0, 1},
    {15, 1000, 1, 2, 2},
    {112, 800, 8, 9, 9},
    {113, 800, 9, 9, 10},
    {1000000, 10000, 1000000, 1000000, 1000000},
    {999999, 9999, 999899, 999899, 999900}, /* 999,899.0001 */
};
enum { TAXES = sizeof taxes / sizeof taxes[0] };

START_TEST(tax_is_rounded_to_whole_yen_as_the_rate_says)
{
        struct tax_rate rate = {.rate_bp = taxes[_i].rate_bp};

        rate.rounding = TAX_DOWN;
        ck_assert_int_eq(pricing_tax_yen(taxes[_i].fee_yen, &rate), taxes[_i].down);
        rate.rounding = TAX_NEAREST;
        ck_assert_int_eq(pricing_tax_yen(taxes[_i].fee_yen, &rate), taxes[_i].nearest);
        rate.rounding = TAX_UP;
        ck_assert_int_eq(pricing_tax_yen(taxes[_i].fee_yen, &rate), taxes[_i].up);
}
END_TEST

/* 7 + 7 yen at 8 %: 0 + 0 by themselves, 1 from the sum. */
START_TEST(each_fees_tax_is_rounded_by_itself)
{
        struct reference *r = reference_new();
        char error[REFERENCE_ERROR_MAX];
        struct tariff tariff = {"BANK", BAND_DAY, 0, 7, 7};
        struct price price;

        ck_assert_ptr_nonnull(r);
        ck_assert(reference_add_issuer(r, &(struct issuer){"BANK", "", {{0, 1440}, {0, 1440}}, PIN_NONE, 3},
                                       error));
        ck_assert(reference_add_tariff(r, &tariff, error));
        ck_assert(reference_add_tax_rate(r, &(struct tax_rate){0, 800, TAX_DOWN}, error));
        shipped_finish(r);
        ck_assert(pricing_price(r, reference_issuer(r, "BANK"), NULL, shipped_moment("2016-12-29T12:00:00"),
                                &price));
        ck_assert_int_eq(price.customer_tax_yen + price.interbank_tax_yen, 0);
        ck_assert_int_eq(price.hall_share_yen, 0);
        reference_free(r);
}
END_TEST

static const struct {
        int32_t share_bp;
        int64_t day_yen, other_yen; /* of 200 and of 300 yen */
} shares[] = {
    {0, 0, 0},  {1, 0, 0},     {33, 0, 0},     {34, 0, 1},        {49, 0, 1},
    {50, 1, 1}, {500, 10, 15}, {1234, 24, 37}, {10000, 200, 300},
};
enum { SHARES = sizeof shares / sizeof shares[0] };

START_TEST(the_halls_share_is_of_both_fees_and_rounded_down)
{
        const struct hall hall = {.share_bp = shares[_i].share_bp};
        const struct issuer *house = reference_issuer(shipped, "HOUSE");
        struct price price;

        ck_assert(pricing_price(shipped, house, &hall, shipped_moment("2016-12-29T12:00:00"), &price));
        ck_assert_int_eq(price.hall_share_yen, shares[_i].day_yen);
        ck_assert(pricing_price(shipped, house, &hall, shipped_moment("2016-12-29T19:00:00"), &price));
        ck_assert_int_eq(price.hall_share_yen, shares[_i].other_yen);
}
END_TEST

START_TEST(money_that_overflows_stops_the_program)
{
        struct tax_rate rate = {.rate_bp = 2, .rounding = TAX_DOWN};

        ck_assert_int_eq(pricing_tax_yen(INT64_MAX / 2, &rate), INT64_MAX / 10000); /* the last that fits */
        (void)pricing_tax_yen(INT64_MAX / 2 + 1, &rate);
}
END_TEST

START_TEST(a_negative_fee_stops_the_program)
{
        struct tax_rate rate = {.rate_bp = 800, .rounding = TAX_DOWN};

        (void)pricing_tax_yen(-1, &rate);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pricing");
        TCase *tcase = tcase_create("pricing");
        TCase *fatal = tcase_create("fatal");

        tcase_add_unchecked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, the_band_follows_from_the_moment, 0, BANDS);
        tcase_add_test(tcase, the_bands_edges_hold_at_every_minute_of_a_weekday_and_a_holiday);
        tcase_add_loop_test(tcase, tariff_and_tax_are_those_of_the_moment, 0, PRICES);
        tcase_add_test(tcase, without_tariff_or_tax_rate_there_is_no_price);
        tcase_add_loop_test(tcase, tax_is_rounded_to_whole_yen_as_the_rate_says, 0, TAXES);
        tcase_add_test(tcase, each_fees_tax_is_rounded_by_itself);
        tcase_add_loop_test(tcase, the_halls_share_is_of_both_fees_and_rounded_down, 0, SHARES);
        suite_add_tcase(suite, tcase);
        tcase_add_test_raise_signal(fatal, money_that_overflows_stops_the_program, SIGABRT);
        tcase_add_test_raise_signal(fatal, a_negative_fee_stops_the_program, SIGABRT);
        suite_add_tcase(suite, fatal);
        return suite_run(suite);
}
