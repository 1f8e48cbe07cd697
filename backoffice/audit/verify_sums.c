#include "backoffice/audit/verify_sums.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/audit/history_facts.h"
#include "lib/base/array.h"
#include "rules/calendar.h"

struct detail_key {
        uint32_t terminal;
        int32_t month, posted_day, place_day; /* since when the hall was where it was */
        uint32_t hall, issuer, band;
};

/* A row of unsummed_post. */
struct post_key {
        int64_t moment_us;
        uint32_t terminal;
        int32_t stan, seq, unused;
};

/* COPY_NO_DAY, NAME_NONE and -1 where a cube has no such dimension. */
struct summary_key {
        uint32_t cube;
        int32_t month, posted_day, place_day;
        uint32_t terminal, hall, issuer, band;
        int32_t hour, tax_rate_bp;
};

enum {
        SUMMARY_EARLIER = POSTING_VALUES, /* and before it those of a posting */
        SUMMARY_VALUES,
        POST_DAY = 0,
        POST_IS_THERE,
        POST_VALUES
};

/* What a cube of the summary has beside its month, and when it is there: by day, or by month. */
enum dimension {
        BY_DAY = 1,
        BY_TERMINAL = 2,
        BY_HALL = 4,
        BY_ISSUER = 8,
        BY_BAND = 16,
        BY_HOUR = 32,
        BY_TAX_RATE = 64,
        OF_MONTHS = 128,      /* of those that are summed up */
        BY_DAY_AT_FIRST = 256 /* until its month is summed up */
};
static const struct cube {
        const char *name;
        unsigned dimensions;
} cubes[SUMMARY_CUBES] = {
    {"atm", OF_MONTHS | BY_TERMINAL | BY_HALL},
    {"place", OF_MONTHS | BY_TERMINAL | BY_HALL | BY_ISSUER | BY_BAND},
    {"day", BY_DAY | BY_TERMINAL | BY_HALL},
    {"bank", BY_DAY | BY_ISSUER | BY_BAND | BY_HOUR | BY_TAX_RATE},
    {"hour", BY_DAY_AT_FIRST | BY_TERMINAL | BY_HALL | BY_BAND | BY_HOUR},
};

/* texts ------------------------------------------------------------------------------------------------ */

/* As people read sums. */
static struct fact sums_fact(enum fact_kind kind, const int64_t value[POSTING_VALUES])
{
        struct fact fact = history_fact(kind);

        fact_number(&fact, value[POSTING_WITHDRAWALS]);
        fact_number(&fact, value[POSTING_CASH]);
        fact_numbers(&fact, &value[POSTING_CUSTOMER_FEE], POSTING_HALL_SHARE - POSTING_CUSTOMER_FEE + 1);
        return fact;
}

static struct fact day_fact(enum fact_kind kind, int32_t day)
{
        struct fact fact = history_fact(kind);

        fact_day(&fact, day);
        return fact;
}

static void on_detail(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct sums *sums = context;
        const struct detail_key *k = key;
        const struct names *names = sums->with->names;
        bool moved = places_moved(sums->places, k->hall);
        struct fact which = history_fact(moved ? FACT_DETAIL_PLACE_KEY : FACT_DETAIL_KEY),
                    wanted = sums_fact(FACT_SUMS_EARLIER, expected),
                    got = sums_fact(FACT_SUMS_EARLIER, found);

        fact_text(&which, names_text(names, k->terminal));
        fact_day(&which, k->posted_day);
        fact_text(&which, names_text(names, k->hall));
        fact_text(&which, names_text(names, k->issuer));
        fact_text(&which, names_text(names, k->band));
        if (moved)
                fact_day(&which, k->place_day);
        fact_number(&wanted, expected[SUMMARY_EARLIER]);
        fact_number(&got, found[SUMMARY_EARLIER]);
        findings_add(sums->with->findings, CHECK_DAY_SUM, &which, &wanted, &got);
}

/* -1: there is no such dimension. */
static void add_dimension(struct fact *fact, int32_t value)
{
        if (value < 0)
                fact_text(fact, "-");
        else
                fact_number(fact, value);
}

static void on_summary(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct sums *sums = context;
        const struct summary_key *k = key;
        const struct names *names = sums->with->names;
        bool moved = places_moved(sums->places, k->hall);
        struct fact which = history_fact(moved ? FACT_PLACE_KEY : FACT_SUMMARY_KEY),
                    wanted = sums_fact(FACT_SUMS_EARLIER, expected),
                    got = sums_fact(FACT_SUMS_EARLIER, found);

        fact_text(&which, names_text(names, k->cube));
        comparing_add_month(&which, k->month);
        fact_day(&which, k->posted_day);
        fact_text(&which, names_text(names, k->terminal));
        fact_text(&which, names_text(names, k->hall));
        fact_text(&which, names_text(names, k->issuer));
        fact_text(&which, names_text(names, k->band));
        add_dimension(&which, k->hour);
        add_dimension(&which, k->tax_rate_bp);
        if (moved)
                fact_day(&which, k->place_day);
        fact_number(&wanted, expected[SUMMARY_EARLIER]);
        fact_number(&got, found[SUMMARY_EARLIER]);
        findings_add(sums->with->findings, CHECK_SUMMARY, &which, &wanted, &got);
}

/* making sums ------------------------------------------------------------------------------------------ */

/* Calendar quarters and those of the fiscal year begin on the same days. */
static int32_t quarter_of(int32_t month)
{
        struct civil date;

        calendar_civil_of_day(month, &date);
        return calendar_day(date.year, date.month - (date.month - 1) % 3, 1);
}

static struct summary_key cube_key(unsigned dimensions, const struct posting *p, const struct place *place)
{
        return (struct summary_key){.place_day =
                                        dimensions & BY_HALL && place ? place->from_day : COPY_NO_DAY,
                                    .posted_day = dimensions & BY_DAY ? p->posted_day : COPY_NO_DAY,
                                    .terminal = dimensions & BY_TERMINAL ? p->terminal : NAME_NONE,
                                    .hall = dimensions & BY_HALL ? p->hall : NAME_NONE,
                                    .issuer = dimensions & BY_ISSUER ? p->issuer : NAME_NONE,
                                    .band = dimensions & BY_BAND ? p->band : NAME_NONE,
                                    .hour = dimensions & BY_HOUR ? p->hour : -1,
                                    .tax_rate_bp = dimensions & BY_TAX_RATE ? p->tax_rate_bp : -1};
}

static bool in_quarter(const struct sums *sums, int32_t day)
{
        return day >= sums->with->from_day && day < sums->with->to_day;
}

static void sum_up(struct sums *sums, const struct posting *p)
{
        const struct place *place = places_find(sums->places, p->hall, p->business_day);
        struct detail_key detail = {.terminal = p->terminal,
                                    .month = sums->posted.month,
                                    .posted_day = p->posted_day,
                                    .place_day = place ? place->from_day : COPY_NO_DAY,
                                    .hall = p->hall,
                                    .issuer = p->issuer,
                                    .band = p->band};
        int64_t value[SUMMARY_VALUES];

        memcpy(value, p->value, sizeof(p->value));
        value[SUMMARY_EARLIER] = p->business_day < sums->posted.quarter
                                     ? p->value[POSTING_CUSTOMER_FEE] + p->value[POSTING_INTERBANK_FEE]
                                     : 0;
        comparing_add(sums->with, in_quarter(sums, p->posted_day) ? &sums->detail : &sums->later_detail,
                      &detail, value);
        for (size_t i = 0; i < SUMMARY_CUBES; i++) {
                unsigned dimensions = cubes[i].dimensions;
                struct summary_key key;

                if (dimensions & OF_MONTHS && !sums->posted.is_month_summed)
                        continue;
                if (dimensions & BY_DAY_AT_FIRST && !sums->posted.is_month_summed)
                        dimensions |= BY_DAY;
                key = cube_key(dimensions, p, place);
                key.cube = sums->cube[i];
                key.month = sums->posted.month;
                comparing_add(sums->with, &sums->summary, &key, value);
        }
}

/* Whether the sums are said to lack it. */
static bool is_unsummed(struct sums *sums, const struct posting *p)
{
        struct post_key key = {
            .moment_us = p->moment_us, .terminal = p->terminal, .stan = p->stan, .seq = p->seq};
        int64_t *post = tally_find(&sums->unsummed, &key);

        if (!post || post[POST_DAY] != p->posted_day)
                return false;
        post[POST_IS_THERE] = 1;
        return true;
}

void sums_post(struct sums *sums, const struct posting *p)
{
        if (p->posted_day != sums->posted.day) {
                sums->posted.day = p->posted_day;
                sums->posted.month = calendar_month_of(p->posted_day);
                sums->posted.quarter = quarter_of(sums->posted.month);
                sums->posted.is_summed = tally_find(&sums->summed_day, &p->posted_day) != NULL;
                sums->posted.is_month_summed = tally_find(&sums->summed_month, &sums->posted.month) != NULL;
        }
        if (!is_unsummed(sums, p) && sums->posted.is_summed)
                sum_up(sums, p);
}

bool sums_have(struct sums *sums, int32_t day)
{
        return tally_find(&sums->summed_day, &day) != NULL;
}

/* comparing -------------------------------------------------------------------------------------------- */

static bool compare_details(struct sums *sums)
{
        struct bounds bounds = comparing_quarter(sums->with);
        struct copy_out copy;

        if (!comparing_begin(
                sums->with, &copy,
                "SELECT terminal, month, posted_on, place_on, hall, issuer, band, withdrawals, cash_yen, "
                "customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, "
                "hall_share_yen, earlier_yen FROM summary_detail WHERE posted_on >= '%s' AND posted_on < "
                "'%s'",
                bounds.from, bounds.to))
                return false;
        while (copy_out_row(&copy)) {
                struct detail_key key = {.terminal = copy_name(&copy)};
                int64_t found[SUMMARY_VALUES];

                key.month = copy_day(&copy);
                key.posted_day = copy_day(&copy);
                key.place_day = copy_day(&copy);
                key.hall = copy_name(&copy);
                key.issuer = copy_name(&copy);
                key.band = copy_name(&copy);
                for (int i = 0; i < SUMMARY_VALUES; i++)
                        found[i] = copy_int8(&copy);
                tally_compare(&sums->detail, &key, found, on_detail, sums);
                sums->with->findings->checked[CHECK_DAY_SUM]++;
        }
        return comparing_end(sums->with, &copy, CHECK_DAY_SUM, &sums->detail, on_detail, sums);
}

static bool compare_summaries(struct sums *sums)
{
        struct copy_out copy;

        if (!comparing_begin(
                sums->with, &copy,
                "SELECT cube, month, posted_on, place_on, terminal, hall, issuer, band, hour, tax_rate_bp, "
                "withdrawals, "
                "cash_yen, customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, "
                "hall_share_yen, earlier_yen FROM summary WHERE cube <> 'detail'"))
                return false;
        while (copy_out_row(&copy)) {
                struct summary_key key = {.cube = copy_name(&copy)};
                int64_t found[SUMMARY_VALUES];

                key.month = copy_day(&copy);
                key.posted_day = copy_day(&copy);
                key.place_day = copy_day(&copy);
                key.terminal = copy_name(&copy);
                key.hall = copy_name(&copy);
                key.issuer = copy_name(&copy);
                key.band = copy_name(&copy);
                key.hour = copy_int2(&copy, -1);
                key.tax_rate_bp = copy_int4(&copy, -1);
                for (int i = 0; i < SUMMARY_VALUES; i++)
                        found[i] = copy_int8(&copy);
                tally_compare(&sums->summary, &key, found, on_summary, sums);
                sums->with->findings->checked[CHECK_SUMMARY]++;
        }
        return comparing_end(sums->with, &copy, CHECK_SUMMARY, &sums->summary, on_summary, sums);
}

/* What was posted in this quarter to a business day before it. */
static void take_earlier_details(struct sums *sums)
{
        struct tally earlier = sums->later_detail;

        tally_open(&sums->later_detail, sizeof(struct detail_key), SUMMARY_VALUES);
        for (size_t i = 0; i < earlier.count; i++) {
                const struct detail_key *key = tally_key(&earlier, i);

                comparing_add(sums->with,
                              in_quarter(sums, key->posted_day) ? &sums->detail : &sums->later_detail, key,
                              tally_numbers(&earlier, i));
        }
        tally_close(&earlier);
}

void sums_quarter_begin(struct sums *sums)
{
        tally_clear(&sums->detail);
        take_earlier_details(sums);
}

bool sums_quarter_end(struct sums *sums)
{
        return compare_details(sums);
}

/* Each day of a month that is summed up is summed up, and none of those that nobody marks when he posts to them. */
static void check_summed(struct sums *sums)
{
        struct fact noted = day_fact(FACT_SUMMED_LATER, sums->summed_day_last),
                    summed = history_fact(FACT_SUMMED), none = history_fact(FACT_NONE);

        for (size_t i = 0; i < sums->summed_day.count; i++) {
                int32_t day = *(const int32_t *)tally_key(&sums->summed_day, i);
                struct fact which = day_fact(FACT_DAY_KEY, day);

                if (sums->summed_day_last == COPY_NO_DAY || day > sums->summed_day_last)
                        findings_add(sums->with->findings, CHECK_SUMMARY, &which, &noted, &summed);
        }
        for (size_t i = 0; i < sums->summed_month.count; i++) {
                int32_t month = *(const int32_t *)tally_key(&sums->summed_month, i);

                for (int32_t day = month; calendar_month_of(day) == month; day++) {
                        struct fact which = day_fact(FACT_DAY_KEY, day);

                        if (!tally_find(&sums->summed_day, &day))
                                findings_add(sums->with->findings, CHECK_SUMMARY, &which, &summed, &none);
                }
        }
}

/* Each row that the sums are said to lack is there. */
static void check_unsummed(struct sums *sums)
{
        struct fact none = history_fact(FACT_NONE);

        for (size_t i = 0; i < sums->unsummed.count; i++) {
                const struct post_key *key = tally_key(&sums->unsummed, i);
                const int64_t *post = tally_numbers(&sums->unsummed, i);
                struct fact which = history_fact(FACT_POST_KEY),
                            wanted = day_fact(FACT_POSTED_ROW, (int32_t)post[POST_DAY]);
                char stan[16];

                sums->with->findings->checked[CHECK_SUMMARY]++;
                if (post[POST_IS_THERE])
                        continue;
                snprintf(stan, sizeof(stan), "%06" PRId32, key->stan);
                fact_text(&which, names_text(sums->with->names, key->terminal));
                fact_text(&which, stan);
                fact_number(&which, key->seq);
                findings_add(sums->with->findings, CHECK_SUMMARY, &which, &wanted, &none);
        }
}

bool sums_end(struct sums *sums)
{
        sums->with->findings->checked[CHECK_DAY_SUM] +=
            tally_compare_rest(&sums->later_detail, on_detail, sums);
        check_summed(sums);
        check_unsummed(sums);
        return compare_summaries(sums);
}

/* opening ---------------------------------------------------------------------------------------------- */

static bool read_summed_through(struct sums *sums)
{
        struct copy_out copy;

        if (!comparing_begin(sums->with, &copy, "SELECT summed_through FROM books"))
                return false;
        while (copy_out_row(&copy))
                sums->summed_day_last = copy_day(&copy);
        return copy_out_end(&copy);
}

static bool read_unsummed(struct sums *sums)
{
        struct copy_out copy;

        if (!comparing_begin(sums->with, &copy,
                             "SELECT terminal, transmitted_at, stan, seq, posted_on FROM unsummed_post"))
                return false;
        while (copy_out_row(&copy)) {
                struct post_key key = {.terminal = copy_name(&copy)};
                int64_t post[POST_VALUES] = {0};

                key.moment_us = copy_moment_us(&copy);
                key.stan = copy_int4(&copy, 0);
                key.seq = copy_int2(&copy, 0);
                post[POST_DAY] = copy_day(&copy);
                comparing_add(sums->with, &sums->unsummed, &key, post);
        }
        return copy_out_end(&copy) && !sums->with->failed;
}

bool sums_open(struct sums *sums, struct comparing *with, const struct places *places)
{
        *sums = (struct sums){
            .with = with, .places = places, .summed_day_last = COPY_NO_DAY, .posted = {.day = COPY_NO_DAY}};
        tally_open(&sums->detail, sizeof(struct detail_key), SUMMARY_VALUES);
        tally_open(&sums->later_detail, sizeof(struct detail_key), SUMMARY_VALUES);
        tally_open(&sums->summary, sizeof(struct summary_key), SUMMARY_VALUES);
        tally_open(&sums->unsummed, sizeof(struct post_key), POST_VALUES);
        tally_open(&sums->summed_day, sizeof(int32_t), 0);
        tally_open(&sums->summed_month, sizeof(int32_t), 0);
        for (size_t i = 0; i < SUMMARY_CUBES; i++)
                sums->cube[i] = names_add(with->names, cubes[i].name, strlen(cubes[i].name));
        return read_summed_through(sums) && read_unsummed(sums) &&
               comparing_read_days(with, &sums->summed_day, "SELECT day FROM summed_day") &&
               comparing_read_days(with, &sums->summed_month, "SELECT month FROM summed_month");
}

void sums_close(struct sums *sums)
{
        struct tally *const all[] = {&sums->detail,   &sums->later_detail, &sums->summary,
                                     &sums->unsummed, &sums->summed_day,   &sums->summed_month};

        for (size_t i = 0; i < LENGTH(all); i++)
                tally_close(all[i]);
}
