/*
 * What C refuses by itself and in which order. A request that is approved is spoilt in every way, alone and
 * in every combination that can be: the reason that ranks first must win each time.
 */
#include <check.h>

#include "rules/decide.h"
#include "tests/suite.h"
#include "tests/unit/shipped.h"

enum { SKEW_LIMIT_MS = 300000 };

/* What a request is made of. A fault changes some of these; two that change the same exclude each other. */
enum part {
        PART_TERMINAL = 1,
        PART_CLOCK = 2,
        PART_TIME = 4,
        PART_DATE = 8,
        PART_PROCESSING = 16,
        PART_AMOUNT = 32,
        PART_PAN = 64,
        PART_EXPIRY = 128,
};

struct scenario {
        const char *terminal, *date, *time, *pan, *expiry;
        enum processing_kind processing;
        int64_t amount_yen, clock_off_ms;
};

static const struct scenario good = {
    .terminal = "T0000001",
    .date = "2016-12-29",
    .time = "12:00:00",
    .pan = "7700010000000001",
    .expiry = "1612",
    .processing = PROCESSING_WITHDRAWAL,
    .amount_yen = 10000,
};

static void on_unknown(struct scenario *s)
{
        s->terminal = "T0000009";
}
static void on_disabled(struct scenario *s)
{
        s->terminal = "T0000002";
}
static void on_nowhere(struct scenario *s)
{
        s->terminal = "T0000003";
}
static void on_clock_late(struct scenario *s)
{
        s->clock_off_ms = SKEW_LIMIT_MS + 1;
}
static void on_clock_early(struct scenario *s)
{
        s->clock_off_ms = -SKEW_LIMIT_MS - 1;
}
static void on_network_closed(struct scenario *s)
{
        s->time = "21:00:00";
}
static void on_hall_closed(struct scenario *s)
{
        s->terminal = "T0000004"; /* in a hall that closes at noon */
}
static void on_other_processing(struct scenario *s)
{
        s->processing = PROCESSING_OTHER;
}
static void on_zero(struct scenario *s)
{
        s->amount_yen = 0;
}
static void on_odd_amount(struct scenario *s)
{
        s->amount_yen = 10500;
}
static void on_no_route(struct scenario *s)
{
        s->pan = "7700090000000001";
}
static void on_credit(struct scenario *s)
{
        s->pan = "7700020000000001";
}
static void on_loan(struct scenario *s)
{
        s->pan = "7700030000000001";
}
static void on_expired(struct scenario *s)
{
        s->expiry = "0706"; /* over on both dates that occur here */
}
static void on_bad_expiry(struct scenario *s)
{
        s->expiry = "1613";
}
static void on_issuer_closed(struct scenario *s)
{
        s->time = "20:00:00"; /* the network is open until 21:00, the issuer until 20:00 */
}
static void on_no_tariff(struct scenario *s)
{
        s->date = "2007-07-31"; /* the network is open since 1 July, the tariff starts on 1 August */
}

/* In the order in which they must win; those of one reason rank alike. */
static const struct {
        enum reason reason;
        int parts;
        void (*apply)(struct scenario *s);
} faults[] = {
    {REASON_TERMINAL_UNKNOWN, PART_TERMINAL, on_unknown},
    {REASON_TERMINAL_DISABLED, PART_TERMINAL, on_disabled},
    {REASON_TERMINAL_DISABLED, PART_TERMINAL, on_nowhere},
    {REASON_CLOCK_OFF, PART_CLOCK, on_clock_late},
    {REASON_CLOCK_OFF, PART_CLOCK, on_clock_early},
    {REASON_OUTSIDE_HOURS, PART_TIME, on_network_closed},
    {REASON_OUTSIDE_HOURS, PART_TERMINAL, on_hall_closed},
    {REASON_INVALID_TRANSACTION, PART_PROCESSING, on_other_processing},
    {REASON_INVALID_AMOUNT, PART_AMOUNT, on_zero},
    {REASON_INVALID_AMOUNT, PART_AMOUNT, on_odd_amount},
    {REASON_NO_ROUTE, PART_PAN, on_no_route},
    {REASON_CARD_KIND, PART_PAN, on_credit},
    {REASON_CARD_KIND, PART_PAN, on_loan},
    {REASON_CARD_EXPIRED, PART_EXPIRY, on_expired},
    {REASON_CARD_EXPIRED, PART_EXPIRY, on_bad_expiry},
    {REASON_ISSUER_UNAVAILABLE, PART_TIME, on_issuer_closed},
    {REASON_ISSUER_UNAVAILABLE, PART_DATE, on_no_tariff},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static struct reference *bench;   /* small, with each fault's row */
static struct reference *shipped; /* what etc/ holds */

static void add_bench_fleet(void)
{
        char error[REFERENCE_ERROR_MAX] = "";

        ck_assert(reference_add_hall(bench, &(struct hall){"H1", "kanto", "x", {0, 1440}, 1000}, error));
        ck_assert(reference_add_hall(bench, &(struct hall){"H2", "kanto", "x", {600, 720}, 0}, error));
        ck_assert(reference_add_atm(bench, "T0000001", "H1", true, error));
        ck_assert(reference_add_atm(bench, "T0000002", "H1", false, error));
        ck_assert(reference_add_atm(bench, "T0000003", "", true, error));
        ck_assert(reference_add_atm(bench, "T0000004", "H2", true, error));
}

static void add_bench_bank(void)
{
        static const struct {
                const char *prefix;
                enum card_kind kind;
        } prefixes[] = {{"770001", CARD_CASH}, {"770002", CARD_CREDIT}, {"770003", CARD_LOAN}};
        char error[REFERENCE_ERROR_MAX] = "";
        int32_t from_day = shipped_day("2007-07-01"), tariff_from_day = shipped_day("2007-08-01");

        ck_assert(reference_add_issuer(
            bench, &(struct issuer){"BANK", "BANKA", {{540, 1200}, {540, 1200}}, PIN_NONE, 3}, error));
        for (int i = 0; i < 3; i++)
                ck_assert(reference_add_prefix(bench, prefixes[i].prefix, from_day, "BANK", prefixes[i].kind,
                                               error));
        ck_assert(reference_add_tariff(bench, &(struct tariff){"BANK", BAND_DAY, tariff_from_day, 100, 100},
                                       error));
        ck_assert(reference_add_tariff(bench, &(struct tariff){"BANK", BAND_OTHER, tariff_from_day, 200, 100},
                                       error));
        ck_assert(reference_add_tax_rate(bench, &(struct tax_rate){0, 800, TAX_DOWN}, error));
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                ck_assert(reference_add_network_hours(
                    bench, &(struct network_hours){from_day, (enum day_kind)kind, {480, 1260}}, error));
        ck_assert(reference_add_limit(bench, &(struct limit){LIMIT_DAY_YEN, from_day, 30000}, error));
        ck_assert(reference_add_limit(bench, &(struct limit){LIMIT_MONTH_YEN, from_day, 80000}, error));
        ck_assert(reference_add_limit(bench, &(struct limit){LIMIT_DAY_COUNT, from_day, 2}, error));
}

/* Issuers whose service differs by day type: one rests on days off, one opens for the afternoon only then. */
static void add_bench_calendars(void)
{
        static const struct issuer issuers[] = {
            {"FIVEDAY", "BANKB", {[DAY_WEEKDAY] = {510, 1200}, [DAY_OFF] = {0, 0}}, PIN_NONE, 3},
            {"NOONOFF", "BANKC", {[DAY_WEEKDAY] = {0, 1440}, [DAY_OFF] = {720, 1020}}, PIN_NONE, 3},
            {"WEEKEND", "", {[DAY_WEEKDAY] = {1440, 1440}, [DAY_OFF] = {0, 1440}}, PIN_NONE, 3},
        };
        static const char *const prefixes[] = {"770004", "770005", "770006"};
        char error[REFERENCE_ERROR_MAX] = "";
        int32_t from_day = shipped_day("2007-07-01");

        for (int i = 0; i < 3; i++) {
                struct tariff tariff = {.from_day = from_day, .customer_fee_yen = 100};

                memcpy(tariff.issuer, issuers[i].issuer, sizeof tariff.issuer);
                ck_assert(reference_add_issuer(bench, &issuers[i], error));
                ck_assert(
                    reference_add_prefix(bench, prefixes[i], from_day, tariff.issuer, CARD_CASH, error));
                ck_assert(reference_add_tariff(bench, &tariff, error));
                tariff.band = BAND_OTHER;
                ck_assert(reference_add_tariff(bench, &tariff, error));
        }
        ck_assert(reference_add_holiday(bench, shipped_day("2016-12-23"), error));
}

static void set_up(void)
{
        bench = reference_new();
        ck_assert_ptr_nonnull(bench);
        add_bench_fleet();
        add_bench_bank();
        add_bench_calendars();
        shipped_finish(bench);
        shipped = shipped_reference("hours.csv");
        ck_assert(reference_add_hall(shipped, &(struct hall){"OPEN", "kanto", "x", {0, 1440}, 0},
                                     (char[REFERENCE_ERROR_MAX]){""}));
        ck_assert(reference_add_atm(shipped, "TEST0001", "OPEN", true, (char[REFERENCE_ERROR_MAX]){""}));
        shipped_finish(shipped);
}

static void tear_down(void)
{
        reference_free(bench);
        reference_free(shipped);
}

static int64_t moment_of(const struct scenario *s)
{
        char text[32];

        (void)snprintf(text, sizeof text, "%sT%s", s->date, s->time);
        return shipped_moment(text);
}

static struct verdict decide(const struct reference *reference, const struct scenario *s)
{
        struct request request = {
            .terminal = s->terminal,
            .transmitted_ms = moment_of(s),
            .processing = s->processing,
            .amount_yen = s->amount_yen,
            .pan = s->pan,
            .expiry_yymm = s->expiry,
        };
        struct verdict verdict;

        decide_request(reference, &request, request.transmitted_ms + s->clock_off_ms, SKEW_LIMIT_MS,
                       &verdict);
        return verdict;
}

START_TEST(a_good_request_is_not_refused_and_carries_all_that_the_ledger_needs)
{
        struct verdict verdict = decide(bench, &good);

        ck_assert_int_eq(verdict.refusal, REASON_APPROVED);
        ck_assert_str_eq(verdict.atm->terminal, "T0000001");
        ck_assert_str_eq(verdict.atm->hall->hall, "H1");
        ck_assert_str_eq(verdict.issuer->issuer, "BANK");
        ck_assert_str_eq(verdict.issuer->link, "BANKA");
        ck_assert_int_eq(verdict.business_day, calendar_day(2016, 12, 29));
        ck_assert_int_eq(verdict.price.band, BAND_DAY);
        ck_assert_int_eq(verdict.price.tariff_from_day, calendar_day(2007, 8, 1));
        ck_assert_int_eq(verdict.price.customer_fee_yen, 100);
        ck_assert_int_eq(verdict.price.customer_tax_yen, 8);
        ck_assert_int_eq(verdict.price.hall_share_yen, 20);
        ck_assert_int_eq(verdict.limit[LIMIT_DAY_YEN], 30000);
        ck_assert_int_eq(verdict.limit[LIMIT_MONTH_YEN], 80000);
        ck_assert_int_eq(verdict.limit[LIMIT_DAY_COUNT], 2);
}
END_TEST

START_TEST(each_fault_has_its_reason)
{
        struct scenario scenario = good;

        faults[_i].apply(&scenario);
        ck_assert_int_eq(decide(bench, &scenario).refusal, faults[_i].reason);
}
END_TEST

START_TEST(of_any_faults_together_the_first_wins)
{
        int combinations = 0;

        for (unsigned chosen = 1; chosen < 1u << FAULTS; chosen++) {
                struct scenario scenario = good;
                enum reason wanted = REASON_APPROVED;
                int parts = 0;
                bool possible = true;

                for (int i = 0; i < FAULTS && possible; i++) {
                        if (!(chosen >> i & 1))
                                continue;
                        possible = (parts & faults[i].parts) == 0;
                        parts |= faults[i].parts;
                        faults[i].apply(&scenario);
                        wanted = reason_first(wanted, faults[i].reason);
                }
                if (!possible)
                        continue;
                combinations++;
                if (decide(bench, &scenario).refusal != wanted)
                        ck_abort_msg("faults %#x: %s, wanted %s", chosen,
                                     reason_rows[decide(bench, &scenario).refusal].name,
                                     reason_rows[wanted].name);
        }
        /* 4 terminals, 2 clocks, 2 times, 1 date, 1 DE 3, 2 amounts, 3 cards, 2 expiries, each or none */
        ck_assert_int_eq(combinations, 5 * 3 * 3 * 2 * 2 * 3 * 4 * 3 - 1);
}
END_TEST

/* The ledger may find a reason that ranks before C's, so it gets what it needs even after a refusal. */
START_TEST(a_refused_request_still_carries_what_could_be_found)
{
        struct scenario scenario = good;
        struct verdict verdict;

        faults[_i].apply(&scenario);
        verdict = decide(bench, &scenario);
        ck_assert_int_eq(verdict.business_day, shipped_day(scenario.date));
        ck_assert_int_eq(verdict.atm == NULL, faults[_i].reason == REASON_TERMINAL_UNKNOWN);
        ck_assert_int_eq(verdict.issuer == NULL, faults[_i].reason == REASON_NO_ROUTE);
        if (scenario.processing == PROCESSING_WITHDRAWAL) {
                ck_assert_int_eq(verdict.limit[LIMIT_DAY_YEN], 30000);
                ck_assert_int_eq(verdict.limit[LIMIT_MONTH_YEN], 80000);
                ck_assert_int_eq(verdict.limit[LIMIT_DAY_COUNT], 2);
        }
}
END_TEST

START_TEST(a_price_is_there_unless_terminal_route_or_tariff_is_missing)
{
        struct scenario scenario = good;
        struct verdict verdict;
        bool priced;

        faults[_i].apply(&scenario);
        verdict = decide(bench, &scenario);
        priced = verdict.issuer && verdict.atm && verdict.atm->hall && faults[_i].apply != on_no_tariff &&
                 scenario.processing == PROCESSING_WITHDRAWAL;
        ck_assert_int_eq(verdict.price.interbank_fee_yen, priced ? 100 : 0);
        ck_assert_int_eq(verdict.price.tariff_from_day, priced ? calendar_day(2007, 8, 1) : 0);
}
END_TEST

/* An inquiry takes no cash and costs nothing: no amount, no limit, no price; all else holds. */
START_TEST(an_inquiry_is_refused_by_all_but_amount_and_price)
{
        struct scenario scenario = good;
        struct verdict verdict;
        bool spared = faults[_i].reason == REASON_INVALID_AMOUNT || faults[_i].apply == on_no_tariff;

        scenario.processing = PROCESSING_INQUIRY;
        scenario.amount_yen = 0;
        faults[_i].apply(&scenario);
        verdict = decide(bench, &scenario);
        ck_assert_int_eq(verdict.refusal, spared ? REASON_APPROVED : faults[_i].reason);
        ck_assert_int_eq(verdict.price.customer_fee_yen, 0);
        for (int kind = 0; kind < LIMIT_KIND_COUNT; kind++)
                ck_assert(verdict.limit[kind] == LIMIT_NONE);
}
END_TEST

static const struct {
        int64_t amount_yen;
        enum reason reason;
} amounts[] = {
    {1000, REASON_APPROVED},
    {10000, REASON_APPROVED},
    {30000, REASON_APPROVED},
    {999999999000, REASON_APPROVED}, /* limits are the ledger's */
    {0, REASON_INVALID_AMOUNT},
    {1, REASON_INVALID_AMOUNT},
    {999, REASON_INVALID_AMOUNT},
    {1001, REASON_INVALID_AMOUNT},
    {1500, REASON_INVALID_AMOUNT},
    {-1000, REASON_INVALID_AMOUNT},
    {INT64_MAX, REASON_INVALID_AMOUNT},
    {INT64_MIN, REASON_INVALID_AMOUNT},
};
enum { AMOUNTS = sizeof amounts / sizeof amounts[0] };

START_TEST(amounts_are_positive_multiples_of_1000)
{
        struct scenario scenario = good;

        scenario.amount_yen = amounts[_i].amount_yen;
        ck_assert_int_eq(decide(bench, &scenario).refusal, amounts[_i].reason);
}
END_TEST

static const struct {
        int64_t off_ms;
        enum reason reason;
} skews[] = {
    {0, REASON_APPROVED},
    {SKEW_LIMIT_MS, REASON_APPROVED},
    {SKEW_LIMIT_MS + 1, REASON_CLOCK_OFF},
    {-SKEW_LIMIT_MS, REASON_APPROVED},
    {-SKEW_LIMIT_MS - 1, REASON_CLOCK_OFF},
    {366 * (int64_t)DAY_MS, REASON_CLOCK_OFF},
    {-366 * (int64_t)DAY_MS, REASON_CLOCK_OFF},
};
enum { SKEWS = sizeof skews / sizeof skews[0] };

START_TEST(de7_may_be_off_by_the_limit_and_no_more)
{
        struct scenario scenario = good;

        scenario.clock_off_ms = skews[_i].off_ms;
        ck_assert_int_eq(decide(bench, &scenario).refusal, skews[_i].reason);
}
END_TEST

START_TEST(a_difference_beyond_all_numbers_is_off)
{
        struct request request = {.terminal = "T0000001",
                                  .transmitted_ms = moment_of(&good),
                                  .processing = PROCESSING_WITHDRAWAL,
                                  .amount_yen = 1000,
                                  .pan = good.pan,
                                  .expiry_yymm = good.expiry};
        struct verdict verdict;

        decide_request(bench, &request, INT64_MIN, SKEW_LIMIT_MS, &verdict);
        ck_assert_int_eq(verdict.refusal, REASON_CLOCK_OFF);
}
END_TEST

static const struct {
        const char *expiry, *date;
        enum reason reason;
} expiries[] = {
    {"1612", "2016-12-29", REASON_APPROVED},      {"1612", "2016-12-31", REASON_APPROVED},
    {"1612", "2017-01-01", REASON_CARD_EXPIRED},  {"1611", "2016-12-01", REASON_CARD_EXPIRED},
    {"1701", "2016-12-29", REASON_APPROVED},      {"1502", "2016-01-01", REASON_CARD_EXPIRED},
    {"1602", "2016-02-29", REASON_APPROVED},      {"1602", "2016-03-01", REASON_CARD_EXPIRED},
    {"9912", "2016-12-29", REASON_APPROVED},      {"", "2016-12-29", REASON_APPROVED},
    {"0000", "2016-12-29", REASON_CARD_EXPIRED},  {"1700", "2016-12-29", REASON_CARD_EXPIRED},
    {"1713", "2016-12-29", REASON_CARD_EXPIRED},  {"170", "2016-12-29", REASON_CARD_EXPIRED},
    {"17012", "2016-12-29", REASON_CARD_EXPIRED}, {"17x1", "2016-12-29", REASON_CARD_EXPIRED},
};
enum { EXPIRIES = sizeof expiries / sizeof expiries[0] };

START_TEST(a_card_is_good_to_the_end_of_its_month)
{
        struct scenario scenario = good;

        scenario.expiry = expiries[_i].expiry;
        scenario.date = expiries[_i].date;
        ck_assert_int_eq(decide(bench, &scenario).refusal, expiries[_i].reason);
}
END_TEST

/* Hours of the network as shipped, of a hall and of an issuer: start included, end excluded. */
static const struct {
        bool is_shipped;
        const char *terminal, *date, *time;
        enum reason reason;
} hours[] = {
    /* before 2016: weekdays 8-21, weekends and holidays 9-17 */
    {true, "TEST0001", "2015-12-30", "07:59:59", REASON_OUTSIDE_HOURS},
    {true, "TEST0001", "2015-12-30", "08:00:00", REASON_APPROVED},
    {true, "TEST0001", "2015-12-30", "20:59:59", REASON_APPROVED},
    {true, "TEST0001", "2015-12-30", "21:00:00", REASON_OUTSIDE_HOURS},
    {true, "TEST0001", "2015-12-31", "20:59:59", REASON_APPROVED},      /* a Thursday; no public holiday */
    {true, "TEST0001", "2015-12-23", "08:59:59", REASON_OUTSIDE_HOURS}, /* holiday */
    {true, "TEST0001", "2015-12-23", "09:00:00", REASON_APPROVED},
    {true, "TEST0001", "2015-12-23", "16:59:59", REASON_APPROVED},
    {true, "TEST0001", "2015-12-23", "17:00:00", REASON_OUTSIDE_HOURS},
    {true, "TEST0001", "2015-12-26", "08:30:00", REASON_OUTSIDE_HOURS}, /* Saturday */
    {true, "TEST0001", "2015-12-27", "17:30:00", REASON_OUTSIDE_HOURS}, /* Sunday */
    /* since 2016-01-01, itself a holiday: 8-21 every day */
    {true, "TEST0001", "2016-01-01", "07:59:59", REASON_OUTSIDE_HOURS},
    {true, "TEST0001", "2016-01-01", "08:00:00", REASON_APPROVED},
    {true, "TEST0001", "2016-01-01", "20:59:59", REASON_APPROVED},
    {true, "TEST0001", "2016-01-01", "21:00:00", REASON_OUTSIDE_HOURS},
    {true, "TEST0001", "2016-12-31", "20:30:00", REASON_APPROVED},
    {true, "TEST0001", "2016-12-29", "00:00:00", REASON_OUTSIDE_HOURS},
    {true, "TEST0001", "2016-12-29", "23:59:59", REASON_OUTSIDE_HOURS},
    /* a hall open 10:00-12:00 */
    {false, "T0000004", "2016-12-29", "09:59:59", REASON_OUTSIDE_HOURS},
    {false, "T0000004", "2016-12-29", "10:00:00", REASON_APPROVED},
    {false, "T0000004", "2016-12-29", "11:59:59", REASON_APPROVED},
    {false, "T0000004", "2016-12-29", "12:00:00", REASON_OUTSIDE_HOURS},
    /* an issuer open 9:00-20:00 */
    {false, "T0000001", "2016-12-29", "08:59:59", REASON_ISSUER_UNAVAILABLE},
    {false, "T0000001", "2016-12-29", "09:00:00", REASON_APPROVED},
    {false, "T0000001", "2016-12-29", "19:59:59", REASON_APPROVED},
    {false, "T0000001", "2016-12-29", "20:00:00", REASON_ISSUER_UNAVAILABLE},
};
enum { HOURS = sizeof hours / sizeof hours[0] };

START_TEST(hours_include_their_start_and_exclude_their_end)
{
        struct scenario scenario = good;

        scenario.terminal = hours[_i].terminal;
        scenario.date = hours[_i].date;
        scenario.time = hours[_i].time;
        scenario.expiry = "";
        if (hours[_i].is_shipped)
                scenario.pan = "9900010000000001";
        ck_assert_msg(decide(hours[_i].is_shipped ? shipped : bench, &scenario).refusal == hours[_i].reason,
                      "%s %s %s", hours[_i].terminal, hours[_i].date, hours[_i].time);
}
END_TEST

#define FIVEDAY "7700040000000001"
#define NOONOFF "7700050000000001"
#define WEEKEND "7700060000000001"

/* 2016-12-22 is a Thursday, the 23rd a holiday, the 24th and 25th a weekend; 31 December is no public
 * holiday. */
static const struct {
        const char *pan, *date, *time;
        enum reason reason;
} services[] = {
    {FIVEDAY, "2016-12-22", "08:29:59", REASON_ISSUER_UNAVAILABLE},
    {FIVEDAY, "2016-12-22", "08:30:00", REASON_APPROVED},
    {FIVEDAY, "2016-12-22", "19:59:59", REASON_APPROVED},
    {FIVEDAY, "2016-12-22", "20:00:00", REASON_ISSUER_UNAVAILABLE},
    {FIVEDAY, "2016-12-23", "12:00:00", REASON_ISSUER_UNAVAILABLE},
    {FIVEDAY, "2016-12-24", "12:00:00", REASON_ISSUER_UNAVAILABLE},
    {FIVEDAY, "2016-12-25", "12:00:00", REASON_ISSUER_UNAVAILABLE},
    {FIVEDAY, "2016-12-26", "12:00:00", REASON_APPROVED},
    {NOONOFF, "2016-12-22", "08:00:00", REASON_APPROVED},
    {NOONOFF, "2016-12-22", "20:59:59", REASON_APPROVED},
    {NOONOFF, "2016-12-23", "11:59:59", REASON_ISSUER_UNAVAILABLE},
    {NOONOFF, "2016-12-23", "12:00:00", REASON_APPROVED},
    {NOONOFF, "2016-12-23", "16:59:59", REASON_APPROVED},
    {NOONOFF, "2016-12-23", "17:00:00", REASON_ISSUER_UNAVAILABLE},
    {WEEKEND, "2016-12-22", "12:00:00", REASON_ISSUER_UNAVAILABLE},
    {WEEKEND, "2016-12-23", "08:00:00", REASON_APPROVED},
    {WEEKEND, "2016-12-24", "20:59:59", REASON_APPROVED},
    {WEEKEND, "2016-12-24", "21:00:00", REASON_OUTSIDE_HOURS}, /* the fleet's own hours come first */
    {FIVEDAY, "2016-12-30", "12:00:00", REASON_APPROVED},
    {FIVEDAY, "2016-12-31", "12:00:00", REASON_ISSUER_UNAVAILABLE}, /* a Saturday all the same */
    {FIVEDAY, "2015-12-31", "12:00:00", REASON_APPROVED},
};
enum { SERVICES = sizeof services / sizeof services[0] };

START_TEST(an_issuer_serves_by_its_calendar_of_the_day_type)
{
        struct scenario scenario = good;
        struct verdict verdict;

        scenario.pan = services[_i].pan;
        scenario.date = services[_i].date;
        scenario.time = services[_i].time;
        scenario.expiry = "";
        verdict = decide(bench, &scenario);
        ck_assert_msg(verdict.refusal == services[_i].reason, "%s %s %s: %s", services[_i].pan,
                      services[_i].date, services[_i].time, reason_rows[verdict.refusal].name);
        /* Refused or not, the ledger gets the same price, issuer and limits. */
        ck_assert_int_eq(verdict.price.customer_fee_yen, 100);
        ck_assert_str_eq(verdict.issuer->issuer,
                         reference_prefix(bench, scenario.pan, verdict.business_day)->issuer->issuer);
        ck_assert_int_eq(verdict.limit[LIMIT_DAY_YEN], 30000);
        scenario.processing = PROCESSING_INQUIRY;
        scenario.amount_yen = 0;
        ck_assert_int_eq(decide(bench, &scenario).refusal, services[_i].reason);
}
END_TEST

static const struct {
        const char *date;
        int64_t day_yen, month_yen, day_count;
} limits[] = {
    {"2007-07-02", 30000, LIMIT_NONE, LIMIT_NONE},
    {"2008-12-31", 30000, LIMIT_NONE, LIMIT_NONE},
    {"2009-01-01", 30000, 150000, LIMIT_NONE},
    {"2015-08-31", 30000, 150000, LIMIT_NONE},
    {"2015-09-01", 30000, 80000, LIMIT_NONE},
    {"2020-03-31", 30000, 80000, LIMIT_NONE},
    {"2020-04-01", 30000, 80000, 2},
    {"2049-12-31", 30000, 80000, 2},
};
enum { LIMITS = sizeof limits / sizeof limits[0] };

START_TEST(limits_are_those_of_the_day)
{
        struct scenario scenario = good;
        struct verdict verdict;

        scenario.terminal = "TEST0001";
        scenario.pan = "9900010000000001";
        scenario.expiry = "";
        scenario.date = limits[_i].date;
        verdict = decide(shipped, &scenario);
        ck_assert_int_eq(verdict.refusal, REASON_APPROVED);
        ck_assert_int_eq(verdict.limit[LIMIT_DAY_YEN], limits[_i].day_yen);
        ck_assert_int_eq(verdict.limit[LIMIT_MONTH_YEN], limits[_i].month_yen);
        ck_assert_int_eq(verdict.limit[LIMIT_DAY_COUNT], limits[_i].day_count);
}
END_TEST

static const struct {
        const char *pan;
        enum reason reason;
} cards[] = {
    {"9900010000000001", REASON_APPROVED},  {"9900020000000001", REASON_CARD_KIND},
    {"9900030000000001", REASON_CARD_KIND}, {"9900040000000001", REASON_NO_ROUTE},
    {"4111111111111111", REASON_NO_ROUTE},
};
enum { CARDS = sizeof cards / sizeof cards[0] };

START_TEST(shipped_prefixes_let_only_cash_cards_of_the_house_bank_through)
{
        struct scenario scenario = good;

        scenario.terminal = "T0001066";
        scenario.pan = cards[_i].pan;
        ck_assert_int_eq(decide(shipped, &scenario).refusal, cards[_i].reason);
}
END_TEST

/* The business date and all that hangs on it come from DE 7, wherever atmd's clock is by now. */
START_TEST(the_moment_is_de7s_not_the_clocks)
{
        struct scenario scenario = good;
        struct verdict verdict;

        scenario.time = "20:59:59";
        scenario.pan = "9900010000000001";
        scenario.terminal = "TEST0001";
        scenario.clock_off_ms = 2000; /* the network has closed meanwhile */
        verdict = decide(shipped, &scenario);
        ck_assert_int_eq(verdict.refusal, REASON_APPROVED);
        scenario.clock_off_ms = -3000; /* and here it is not open yet */
        scenario.time = "08:00:00";
        ck_assert_int_eq(decide(shipped, &scenario).refusal, REASON_APPROVED);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("decide");
        TCase *tcase = tcase_create("decide");

        tcase_add_unchecked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_good_request_is_not_refused_and_carries_all_that_the_ledger_needs);
        tcase_add_loop_test(tcase, each_fault_has_its_reason, 0, FAULTS);
        tcase_add_test(tcase, of_any_faults_together_the_first_wins);
        tcase_add_loop_test(tcase, a_refused_request_still_carries_what_could_be_found, 0, FAULTS);
        tcase_add_loop_test(tcase, a_price_is_there_unless_terminal_route_or_tariff_is_missing, 0, FAULTS);
        tcase_add_loop_test(tcase, an_inquiry_is_refused_by_all_but_amount_and_price, 0, FAULTS);
        tcase_add_loop_test(tcase, amounts_are_positive_multiples_of_1000, 0, AMOUNTS);
        tcase_add_loop_test(tcase, de7_may_be_off_by_the_limit_and_no_more, 0, SKEWS);
        tcase_add_test(tcase, a_difference_beyond_all_numbers_is_off);
        tcase_add_loop_test(tcase, a_card_is_good_to_the_end_of_its_month, 0, EXPIRIES);
        tcase_add_loop_test(tcase, hours_include_their_start_and_exclude_their_end, 0, HOURS);
        tcase_add_loop_test(tcase, an_issuer_serves_by_its_calendar_of_the_day_type, 0, SERVICES);
        tcase_add_loop_test(tcase, limits_are_those_of_the_day, 0, LIMITS);
        tcase_add_loop_test(tcase, shipped_prefixes_let_only_cash_cards_of_the_house_bank_through, 0, CARDS);
        tcase_add_test(tcase, the_moment_is_de7s_not_the_clocks);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
