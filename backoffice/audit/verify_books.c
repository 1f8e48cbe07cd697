#include "backoffice/audit/verify_books.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "lib/base/array.h"

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

struct card_key {
        uint8_t card[UUID_SIZE];
        int32_t day;
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
        DAY_WITHDRAWALS = 0,
        DAY_CASH,
        DAY_FEES,
        DAY_VALUES,
        USE_WITHDRAWALS = 0,
        USE_CASH,
        USE_VALUES,
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

static struct fact begun(enum fact_kind kind)
{
        struct fact fact;

        fact_begin(&fact, kind);
        return fact;
}

static struct fact number_fact(int64_t value)
{
        struct fact fact = begun(FACT_VALUE);

        fact_number(&fact, value);
        return fact;
}

static struct fact numbers_fact(enum fact_kind kind, const int64_t *values)
{
        struct fact fact = begun(kind);

        fact_numbers(&fact, values, fact_values_of(kind));
        return fact;
}

/* As people read sums. */
static struct fact sums_fact(enum fact_kind kind, const int64_t value[POSTING_VALUES])
{
        struct fact fact = begun(kind);

        fact_number(&fact, value[POSTING_WITHDRAWALS]);
        fact_number(&fact, value[POSTING_CASH]);
        fact_numbers(&fact, &value[POSTING_CUSTOMER_FEE], POSTING_HALL_SHARE - POSTING_CUSTOMER_FEE + 1);
        return fact;
}

static void on_detail(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct books *books = context;
        const struct detail_key *k = key;
        const struct names *names = books->names;
        bool moved = places_moved(&books->places, k->hall);
        struct fact which = begun(moved ? FACT_DETAIL_PLACE_KEY : FACT_DETAIL_KEY),
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
        findings_add(books->findings, CHECK_DAY_SUM, &which, &wanted, &got);
}

static struct fact card_fact(enum fact_kind kind, const uint8_t card[UUID_SIZE])
{
        struct fact fact = begun(kind);
        char text[37];

        fact_text(&fact, copy_print_uuid(card, text));
        return fact;
}

/* A row knows the newest two dates that its card was used on: of which of two it keeps the earlier one. */
enum { CARD_DAY, CARD_MONTH, CARD_VALUES };

static bool has_left(struct books *books, const struct card_key *key, int which)
{
        const int64_t *earlier = tally_find(&books->card, key->card);

        return earlier && key->day < earlier[which];
}

static void on_card_day(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct books *books = context;
        const struct card_key *k = key;
        struct fact which = card_fact(FACT_CARD_DAY_KEY, k->card), wanted = numbers_fact(FACT_USE, expected),
                    got = numbers_fact(FACT_USE, found);

        fact_day(&which, k->day);
        findings_add(books->findings, CHECK_CARD_DAY, &which, &wanted, &got);
}

/* That its row lacks it. */
static void on_no_card_day(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        if (!has_left(context, key, CARD_DAY))
                on_card_day(key, expected, found, context);
}

/* "2017-02" */
static void add_month(struct fact *fact, int32_t month)
{
        char day[11], text[8];

        snprintf(text, sizeof(text), "%.7s", copy_print_day(month, day));
        fact_text(fact, text);
}

static void on_card_month(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct books *books = context;
        const struct card_key *k = key;
        struct fact which = card_fact(FACT_CARD_DAY_KEY, k->card), wanted = number_fact(*expected),
                    got = number_fact(*found);

        add_month(&which, k->day);
        findings_add(books->findings, CHECK_CARD_MONTH, &which, &wanted, &got);
}

static void on_no_card_month(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        if (!has_left(context, key, CARD_MONTH))
                on_card_month(key, expected, found, context);
}

struct account_row {
        struct books *books;
        int64_t opening_yen, balance_yen;
};

static void on_account(const void *key, const int64_t *taken_yen, const int64_t *found, void *context)
{
        const struct account_row *row = context;
        struct fact which = card_fact(FACT_CARD_KEY, key),
                    wanted = number_fact(row->opening_yen - *taken_yen), got = number_fact(row->balance_yen);

        (void)found;
        findings_add(row->books->findings, CHECK_ACCOUNT, &which, &wanted, &got);
}

static void on_no_account(const void *key, const int64_t *taken_yen, const int64_t *found, void *context)
{
        struct books *books = context;
        struct fact which = card_fact(FACT_CARD_KEY, key), wanted = begun(FACT_ACCOUNT),
                    got = begun(FACT_NONE);

        (void)taken_yen;
        (void)found;
        findings_add(books->findings, CHECK_ACCOUNT, &which, &wanted, &got);
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
        struct books *books = context;
        const struct summary_key *k = key;
        const struct names *names = books->names;
        bool moved = places_moved(&books->places, k->hall);
        struct fact which = begun(moved ? FACT_PLACE_KEY : FACT_SUMMARY_KEY),
                    wanted = sums_fact(FACT_SUMS_EARLIER, expected),
                    got = sums_fact(FACT_SUMS_EARLIER, found);

        fact_text(&which, names_text(names, k->cube));
        add_month(&which, k->month);
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
        findings_add(books->findings, CHECK_SUMMARY, &which, &wanted, &got);
}

/* making sums ------------------------------------------------------------------------------------------ */

static void add(struct books *books, struct tally *tally, const void *key, const int64_t *values)
{
        if (tally_add(tally, key, values) || books->failed)
                return;
        books->failed = true;
        copy_source_fail(books->source, "out of memory, or a sum over 2^63 yen");
}

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

static bool in_quarter(const struct books *books, int32_t day)
{
        return day >= books->from_day && day < books->to_day;
}

static void sum_up(struct books *books, const struct posting *p)
{
        const struct place *place = places_find(&books->places, p->hall, p->business_day);
        struct detail_key detail = {.terminal = p->terminal,
                                    .month = books->posted.month,
                                    .posted_day = p->posted_day,
                                    .place_day = place ? place->from_day : COPY_NO_DAY,
                                    .hall = p->hall,
                                    .issuer = p->issuer,
                                    .band = p->band};
        int64_t value[SUMMARY_VALUES];

        memcpy(value, p->value, sizeof(p->value));
        value[SUMMARY_EARLIER] = p->business_day < books->posted.quarter
                                     ? p->value[POSTING_CUSTOMER_FEE] + p->value[POSTING_INTERBANK_FEE]
                                     : 0;
        add(books, in_quarter(books, p->posted_day) ? &books->detail : &books->later_detail, &detail, value);
        for (size_t i = 0; i < SUMMARY_CUBES; i++) {
                unsigned dimensions = cubes[i].dimensions;
                struct summary_key key;

                if (dimensions & OF_MONTHS && !books->posted.is_month_summed)
                        continue;
                if (dimensions & BY_DAY_AT_FIRST && !books->posted.is_month_summed)
                        dimensions |= BY_DAY;
                key = cube_key(dimensions, p, place);
                key.cube = books->cube[i];
                key.month = books->posted.month;
                add(books, &books->summary, &key, value);
        }
}

/* Whether the sums are said to lack it. */
static bool is_unsummed(struct books *books, const struct posting *p)
{
        struct post_key key = {
            .moment_us = p->moment_us, .terminal = p->terminal, .stan = p->stan, .seq = p->seq};
        int64_t *post = tally_find(&books->unsummed, &key);

        if (!post || post[POST_DAY] != p->posted_day)
                return false;
        post[POST_IS_THERE] = 1;
        return true;
}

void books_post(struct books *books, const struct posting *p)
{
        const int64_t day[DAY_VALUES] = {[DAY_WITHDRAWALS] = p->value[POSTING_WITHDRAWALS],
                                         [DAY_CASH] = p->value[POSTING_CASH],
                                         [DAY_FEES] = p->value[POSTING_CUSTOMER_FEE] +
                                                      p->value[POSTING_INTERBANK_FEE]};

        add(books, &books->day, &p->posted_day, day);
        if (p->posted_day != books->posted.day) {
                books->posted.day = p->posted_day;
                books->posted.month = calendar_month_of(p->posted_day);
                books->posted.quarter = quarter_of(books->posted.month);
                books->posted.is_summed = tally_find(&books->summed_day, &p->posted_day) != NULL;
                books->posted.is_month_summed =
                    tally_find(&books->summed_month, &books->posted.month) != NULL;
        }
        if (!is_unsummed(books, p) && books->posted.is_summed)
                sum_up(books, p);
}

bool books_may_post(struct books *books, int32_t business_day, int32_t posted_day)
{
        int32_t closed_day = posted_day - 1;

        return posted_day == business_day ||
               (posted_day > business_day && tally_find(&books->closed_day, &closed_day));
}

void books_use(struct books *books, const uint8_t card[UUID_SIZE], int32_t business_day, bool is_used,
               int64_t used_yen, bool is_house, int64_t charge_yen)
{
        struct card_key key = {.day = business_day};
        const int64_t *successor = tally_find(&books->successor, card);
        const int64_t use[USE_VALUES] = {[USE_WITHDRAWALS] = is_used, [USE_CASH] = used_yen};
        int64_t taken_yen = is_used ? used_yen + charge_yen : 0;

        memcpy(key.card, successor ? (const void *)successor : card, UUID_SIZE);
        add(books, &books->card_day, &key, use);
        key.day = calendar_month_of(business_day);
        add(books, &books->card_month, &key, &used_yen);
        if (is_house)
                add(books, &books->account, key.card, &taken_yen);
}

bool books_exclude(struct books *books, const uint8_t card[UUID_SIZE], int32_t business_day)
{
        const int64_t *successor = tally_find(&books->successor, card);

        return limits_exclude(&books->limits, successor ? (const void *)successor : card, business_day);
}

bool books_has_summed(struct books *books, int32_t day)
{
        return tally_find(&books->summed_day, &day) != NULL;
}

bool books_has_card(struct books *books, const uint8_t card[UUID_SIZE])
{
        return tally_find(&books->card, card) != NULL;
}

/* comparing -------------------------------------------------------------------------------------------- */

/* The end of a comparison whose rows were all read, or not. */
static bool compared(struct books *books, struct copy_out *copy, enum verify_check check, struct tally *tally,
                     tally_told *on_difference)
{
        if (!copy_out_end(copy))
                return false;
        if (tally)
                books->findings->checked[check] += tally_compare_rest(tally, on_difference, books);
        return !books->failed;
}

ATM_PRINTF(3, 4) static bool begin(struct books *books, struct copy_out *copy, const char *format, ...)
{
        va_list arguments;
        char *query;
        int length;
        bool begun;

        va_start(arguments, format);
        length = vasprintf(&query, format, arguments);
        va_end(arguments);
        if (length < 0) {
                copy_source_fail(books->source, "out of memory");
                return false;
        }
        begun = copy_out_begin(copy, books->source, query);
        free(query);
        return begun;
}

/* The quarter's bounds as SQL has them; the first and the last have none. */
struct bounds {
        char from[16], to[16];
};

static struct bounds quarter_bounds(const struct books *books)
{
        struct bounds bounds = {"-infinity", "infinity"};

        if (books->from_day != INT32_MIN)
                calendar_print_day(books->from_day, bounds.from);
        if (books->to_day != INT32_MAX)
                calendar_print_day(books->to_day, bounds.to);
        return bounds;
}

static bool compare_details(struct books *books)
{
        struct bounds bounds = quarter_bounds(books);
        struct copy_out copy;

        if (!begin(books, &copy,
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
                tally_compare(&books->detail, &key, found, on_detail, books);
                books->findings->checked[CHECK_DAY_SUM]++;
        }
        return compared(books, &copy, CHECK_DAY_SUM, &books->detail, on_detail);
}

static bool compare_card_days(struct books *books)
{
        struct bounds bounds = quarter_bounds(books);
        struct copy_out copy;

        if (!begin(
                books, &copy,
                "SELECT card_token, day, withdrawals, cash_yen FROM v_card_day WHERE day >= '%s' AND day < "
                "'%s'",
                bounds.from, bounds.to))
                return false;
        while (copy_out_row(&copy)) {
                struct card_key key;
                int64_t found[USE_VALUES];

                copy_uuid(&copy, key.card);
                key.day = copy_day(&copy);
                found[USE_WITHDRAWALS] = copy_int4(&copy, 0);
                found[USE_CASH] = copy_int8(&copy);
                if (tally_find(&books->card_day, &key))
                        tally_compare(&books->card_day, &key, found, on_card_day, books);
                else
                        on_card_day(&key, (const int64_t[USE_VALUES]){0}, found, books);
                books->findings->checked[CHECK_CARD_DAY]++;
        }
        return compared(books, &copy, CHECK_CARD_DAY, &books->card_day, on_no_card_day);
}

static bool compare_card_months(struct books *books)
{
        struct bounds bounds = quarter_bounds(books);
        struct copy_out copy;

        if (!begin(
                books, &copy,
                "SELECT card_token, month, cash_yen FROM v_card_month WHERE month >= '%s' AND month < '%s'",
                bounds.from, bounds.to))
                return false;
        while (copy_out_row(&copy)) {
                struct card_key key;
                int64_t found;

                copy_uuid(&copy, key.card);
                key.day = copy_day(&copy);
                found = copy_int8(&copy);
                if (tally_find(&books->card_month, &key))
                        tally_compare(&books->card_month, &key, &found, on_card_month, books);
                else
                        on_card_month(&key, &(const int64_t){0}, &found, books);
                books->findings->checked[CHECK_CARD_MONTH]++;
        }
        return compared(books, &copy, CHECK_CARD_MONTH, &books->card_month, on_no_card_month);
}

/* A replaced card's account and exclusions are its successor's. */
static void tell_left_behind(struct books *books, enum verify_check check, const uint8_t card[UUID_SIZE],
                             enum fact_kind what)
{
        struct fact which = card_fact(FACT_CARD_KEY, card), wanted = begun(FACT_NONE), got = begun(what);

        findings_add(books->findings, check, &which, &wanted, &got);
}

static bool compare_accounts(struct books *books)
{
        struct copy_out copy;

        if (!begin(books, &copy, "SELECT card_token, opening_yen, balance_yen FROM v_account"))
                return false;
        while (copy_out_row(&copy)) {
                uint8_t card[UUID_SIZE];
                struct account_row row = {.books = books};
                int64_t found;

                copy_uuid(&copy, card);
                row.opening_yen = copy_int8(&copy);
                row.balance_yen = copy_int8(&copy);
                found = row.opening_yen - row.balance_yen;
                if (tally_find(&books->successor, card))
                        tell_left_behind(books, CHECK_ACCOUNT, card, FACT_ACCOUNT);
                else
                        tally_compare(&books->account, card, &found, on_account, &row);
                books->findings->checked[CHECK_ACCOUNT]++;
        }
        return compared(books, &copy, CHECK_ACCOUNT, &books->account, on_no_account);
}

static bool compare_exclusions(struct books *books)
{
        struct copy_out copy;

        if (!begin(books, &copy, "SELECT card_token FROM exclusion"))
                return false;
        while (copy_out_row(&copy)) {
                uint8_t card[UUID_SIZE];

                copy_uuid(&copy, card);
                if (tally_find(&books->successor, card))
                        tell_left_behind(books, CHECK_REFERENCE, card, FACT_EXCLUSION);
                books->findings->checked[CHECK_REFERENCE]++;
        }
        return compared(books, &copy, CHECK_REFERENCE, NULL, NULL);
}

static bool compare_summaries(struct books *books)
{
        struct copy_out copy;

        if (!begin(
                books, &copy,
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
                tally_compare(&books->summary, &key, found, on_summary, books);
                books->findings->checked[CHECK_SUMMARY]++;
        }
        return compared(books, &copy, CHECK_SUMMARY, &books->summary, on_summary);
}

static struct fact period_sums(const int64_t value[DAY_VALUES], int64_t base_fee_yen)
{
        return numbers_fact(FACT_PERIOD_SUMS, (const int64_t[]){value[DAY_WITHDRAWALS], value[DAY_CASH],
                                                                value[DAY_FEES], base_fee_yen});
}

static void compare_period(struct books *books, struct copy_out *copy)
{
        const char *quarter = names_text(books->names, copy_name(copy));
        int32_t from_day = copy_day(copy), to_day = copy_day(copy);
        int64_t found[DAY_VALUES], expected[DAY_VALUES] = {0}, base_fee_yen, base_fee_now_yen;
        struct fact which, wanted, got;

        for (int i = 0; i < DAY_VALUES; i++)
                found[i] = copy_int8(copy);
        base_fee_yen = copy_int8(copy);
        base_fee_now_yen = copy_int8(copy);
        for (int32_t day = from_day; day <= to_day; day++) {
                const int64_t *sum = tally_find(&books->day, &day);

                for (int i = 0; sum && i < DAY_VALUES; i++)
                        expected[i] += sum[i];
        }
        books->findings->checked[CHECK_POSTING]++;
        if (!memcmp(expected, found, sizeof(found)) && base_fee_yen == base_fee_now_yen)
                return;
        which = begun(FACT_VALUE);
        fact_text(&which, quarter);
        wanted = period_sums(expected, base_fee_now_yen);
        got = period_sums(found, base_fee_yen);
        findings_add(books->findings, CHECK_POSTING, &which, &wanted, &got);
}

static bool compare_periods(struct books *books)
{
        struct copy_out copy;

        if (!begin(books, &copy,
                   "SELECT p.quarter, p.from_on, p.to_on, p.withdrawals, p.cash_yen, p.commission_yen, "
                   "p.base_fee_yen, "
                   "(SELECT coalesce(sum(b.base_fee_yen), 0)::bigint FROM report_base_fee(p.from_on, "
                   "p.to_on) b) "
                   "FROM period p"))
                return false;
        while (copy_out_row(&copy))
                compare_period(books, &copy);
        return compared(books, &copy, CHECK_POSTING, NULL, NULL);
}

static bool compare_contracts(struct books *books)
{
        struct copy_out copy;

        if (!begin(books, &copy,
                   "SELECT terminal, from_on, until_on, lead(from_on) OVER (PARTITION BY terminal ORDER BY "
                   "from_on) "
                   "FROM contract"))
                return false;
        while (copy_out_row(&copy)) {
                uint32_t terminal = copy_name(&copy);
                int32_t from_day = copy_day(&copy), until_day = copy_day(&copy), next_day = copy_day(&copy);
                struct fact which, wanted, got;

                books->findings->checked[CHECK_CONTRACT]++;
                if (next_day == COPY_NO_DAY || (until_day != COPY_NO_DAY && until_day <= next_day))
                        continue;
                which = begun(FACT_CONTRACT_KEY);
                fact_text(&which, names_text(books->names, terminal));
                fact_day(&which, from_day);
                wanted = begun(FACT_UNTIL);
                fact_day(&wanted, next_day);
                got = begun(until_day == COPY_NO_DAY ? FACT_NO_END : FACT_VALUE);
                if (until_day != COPY_NO_DAY)
                        fact_day(&got, until_day);
                findings_add(books->findings, CHECK_CONTRACT, &which, &wanted, &got);
        }
        return compared(books, &copy, CHECK_CONTRACT, NULL, NULL);
}

/* What was posted in this quarter to a business day before it. */
static void take_earlier_details(struct books *books)
{
        struct tally earlier = books->later_detail;

        tally_open(&books->later_detail, sizeof(struct detail_key), SUMMARY_VALUES);
        for (size_t i = 0; i < earlier.count; i++) {
                const struct detail_key *key = tally_key(&earlier, i);

                add(books, in_quarter(books, key->posted_day) ? &books->detail : &books->later_detail, key,
                    tally_numbers(&earlier, i));
        }
        tally_close(&earlier);
}

void books_quarter_begin(struct books *books, int32_t from_day, int32_t to_day)
{
        books->from_day = from_day;
        books->to_day = to_day;
        tally_clear(&books->detail);
        take_earlier_details(books);
        tally_clear(&books->card_day);
        tally_clear(&books->card_month);
}

/* What cards have used was theirs to use. */
static void check_limits(struct books *books)
{
        for (size_t i = 0; i < books->card_day.count; i++) {
                const struct card_key *key = tally_key(&books->card_day, i);
                const int64_t *use = tally_numbers(&books->card_day, i);

                if (!tally_find(&books->heir, key->card))
                        limits_check_day(&books->limits, key->card, key->day, use[USE_WITHDRAWALS],
                                         use[USE_CASH]);
        }
        for (size_t i = 0; i < books->card_month.count; i++) {
                const struct card_key *key = tally_key(&books->card_month, i);

                if (!tally_find(&books->heir, key->card))
                        limits_check_month(&books->limits, key->card, key->day,
                                           *tally_numbers(&books->card_month, i));
        }
}

bool books_quarter_end(struct books *books)
{
        check_limits(books);
        return !books->failed && compare_details(books) && compare_card_days(books) &&
               compare_card_months(books);
}

static struct fact day_fact(enum fact_kind kind, int32_t day)
{
        struct fact fact = begun(kind);

        fact_day(&fact, day);
        return fact;
}

/* Each day of a month that is summed up is summed up, and none of those that nobody marks when he posts to them. */
static void check_summed(struct books *books)
{
        struct fact noted = day_fact(FACT_SUMMED_LATER, books->summed_day_last), summed = begun(FACT_SUMMED),
                    none = begun(FACT_NONE);

        for (size_t i = 0; i < books->summed_day.count; i++) {
                int32_t day = *(const int32_t *)tally_key(&books->summed_day, i);
                struct fact which = day_fact(FACT_DAY_KEY, day);

                if (books->summed_day_last == COPY_NO_DAY || day > books->summed_day_last)
                        findings_add(books->findings, CHECK_SUMMARY, &which, &noted, &summed);
        }
        for (size_t i = 0; i < books->summed_month.count; i++) {
                int32_t month = *(const int32_t *)tally_key(&books->summed_month, i);

                for (int32_t day = month; calendar_month_of(day) == month; day++) {
                        struct fact which = day_fact(FACT_DAY_KEY, day);

                        if (!tally_find(&books->summed_day, &day))
                                findings_add(books->findings, CHECK_SUMMARY, &which, &summed, &none);
                }
        }
}

/* Each row that the sums are said to lack is there. */
static void check_unsummed(struct books *books)
{
        struct fact none = begun(FACT_NONE);

        for (size_t i = 0; i < books->unsummed.count; i++) {
                const struct post_key *key = tally_key(&books->unsummed, i);
                const int64_t *post = tally_numbers(&books->unsummed, i);
                struct fact which = begun(FACT_POST_KEY),
                            wanted = day_fact(FACT_POSTED_ROW, (int32_t)post[POST_DAY]);
                char stan[16];

                books->findings->checked[CHECK_SUMMARY]++;
                if (post[POST_IS_THERE])
                        continue;
                snprintf(stan, sizeof(stan), "%06" PRId32, key->stan);
                fact_text(&which, names_text(books->names, key->terminal));
                fact_text(&which, stan);
                fact_number(&which, key->seq);
                findings_add(books->findings, CHECK_SUMMARY, &which, &wanted, &none);
        }
}

bool books_end(struct books *books)
{
        books->findings->checked[CHECK_DAY_SUM] += tally_compare_rest(&books->later_detail, on_detail, books);
        check_summed(books);
        check_unsummed(books);
        return compare_accounts(books) && compare_exclusions(books) && compare_summaries(books) &&
               compare_periods(books) && compare_contracts(books);
}

/* opening ---------------------------------------------------------------------------------------------- */

static bool read_books(struct books *books)
{
        struct copy_out copy;

        if (!begin(books, &copy, "SELECT summed_through FROM books"))
                return false;
        while (copy_out_row(&copy))
                books->summed_day_last = copy_day(&copy);
        return copy_out_end(&copy);
}

static bool read_unsummed(struct books *books)
{
        struct copy_out copy;

        if (!begin(books, &copy, "SELECT terminal, transmitted_at, stan, seq, posted_on FROM unsummed_post"))
                return false;
        while (copy_out_row(&copy)) {
                struct post_key key = {.terminal = copy_name(&copy)};
                int64_t post[POST_VALUES] = {0};

                key.moment_us = copy_moment_us(&copy);
                key.stan = copy_int4(&copy, 0);
                key.seq = copy_int2(&copy, 0);
                post[POST_DAY] = copy_day(&copy);
                add(books, &books->unsummed, &key, post);
        }
        return copy_out_end(&copy) && !books->failed;
}

/* A set of days. */
static bool read_set(struct books *books, struct tally *set, const char *query)
{
        struct copy_out copy;

        if (!begin(books, &copy, "%s", query))
                return false;
        while (copy_out_row(&copy)) {
                int32_t day = copy_day(&copy);

                if (!tally_at(set, &day)) {
                        copy_source_fail(books->source, "out of memory");
                        copy.failed = true;
                }
        }
        return copy_out_end(&copy);
}

static bool read_cards(struct books *books)
{
        static const uint8_t none[UUID_SIZE];
        struct copy_out copy;

        if (!begin(books, &copy, "SELECT card_token, successor, earlier_day_on, earlier_month_on FROM card"))
                return false;
        while (copy_out_row(&copy)) {
                uint8_t card[UUID_SIZE], successor[UUID_SIZE];
                int64_t *room = NULL, *earlier;
                bool is_replaced;

                copy_uuid(&copy, card);
                copy_uuid(&copy, successor);
                is_replaced = memcmp(successor, none, UUID_SIZE) != 0;
                if (is_replaced)
                        room = tally_at(&books->successor, card);
                if (room)
                        memcpy(room, successor, UUID_SIZE);
                earlier = tally_at(&books->card, card);
                if ((is_replaced && (!room || !tally_at(&books->heir, successor))) || !earlier) {
                        copy_source_fail(books->source, "out of memory");
                        copy.failed = true;
                        break;
                }
                earlier[CARD_DAY] = copy_day(&copy);
                earlier[CARD_MONTH] = copy_day(&copy);
        }
        return copy_out_end(&copy);
}

bool books_open(struct books *books, struct copy_source *source, struct findings *findings)
{
        *books = (struct books){.source = source,
                                .names = source->names,
                                .findings = findings,
                                .summed_day_last = COPY_NO_DAY,
                                .posted = {.day = COPY_NO_DAY}};
        tally_open(&books->detail, sizeof(struct detail_key), SUMMARY_VALUES);
        tally_open(&books->later_detail, sizeof(struct detail_key), SUMMARY_VALUES);
        tally_open(&books->card_day, sizeof(struct card_key), USE_VALUES);
        tally_open(&books->card_month, sizeof(struct card_key), 1);
        tally_open(&books->account, UUID_SIZE, 1);
        tally_open(&books->card, UUID_SIZE, CARD_VALUES);
        tally_open(&books->successor, UUID_SIZE, UUID_SIZE / sizeof(int64_t));
        tally_open(&books->heir, UUID_SIZE, 0);
        tally_open(&books->summary, sizeof(struct summary_key), SUMMARY_VALUES);
        tally_open(&books->day, sizeof(int32_t), DAY_VALUES);
        tally_open(&books->unsummed, sizeof(struct post_key), POST_VALUES);
        tally_open(&books->summed_day, sizeof(int32_t), 0);
        tally_open(&books->summed_month, sizeof(int32_t), 0);
        tally_open(&books->closed_day, sizeof(int32_t), 0);
        for (size_t i = 0; i < SUMMARY_CUBES; i++)
                books->cube[i] = names_add(books->names, cubes[i].name, strlen(cubes[i].name));
        return places_open(&books->places, source) && limits_open(&books->limits, source, findings) &&
               read_books(books) && read_unsummed(books) &&
               read_set(books, &books->summed_day, "SELECT day FROM summed_day") &&
               read_set(books, &books->summed_month, "SELECT month FROM summed_month") &&
               read_set(books, &books->closed_day, "SELECT to_on FROM period") && read_cards(books);
}

void books_close(struct books *books)
{
        struct tally *const all[] = {
            &books->detail,     &books->later_detail, &books->card_day,  &books->card_month, &books->account,
            &books->card,       &books->successor,    &books->summary,   &books->day,        &books->unsummed,
            &books->summed_day, &books->summed_month, &books->closed_day};

        for (size_t i = 0; i < LENGTH(all); i++)
                tally_close(all[i]);
        tally_close(&books->heir);
        places_close(&books->places);
        limits_close(&books->limits);
}
