/*
 * A snapshot of what operators have set.
 *
 *      new --add--> BUILDING --finish--> FINISHED (read only)
 *
 * While building, rows lie in arrays in the order they came and name each other by text. reference_finish
 * sorts the arrays by key and day, finds duplicates among neighbours, turns names into pointers (the arrays
 * grow no more, so these stay good) and makes the index of terminals. Look-ups allocate nothing.
 *
 * What is wrong with one row alone is told by reference_add_*; what is wrong between rows by finish; what is lacking by
 * reference_check.
 */
#include "rules/reference.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "rules/calendar.h"

enum { MINUTES_PER_DAY = 1440, BASIS_POINTS = 10000, FEE_MAX_YEN = 1000000 };

#define UPPER_DIGITS   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define LETTERS_DIGITS UPPER_DIGITS "abcdefghijklmnopqrstuvwxyz"

const char *const band_name[BAND_COUNT] = {[BAND_DAY] = "day", [BAND_OTHER] = "other"};
const char *const card_kind_name[CARD_KIND_COUNT] = {
    [CARD_CASH] = "cash", [CARD_CREDIT] = "credit", [CARD_LOAN] = "loan"};
const char *const pin_method_name[PIN_METHOD_COUNT] = {
    [PIN_NONE] = "none", [PIN_PVV] = "pvv", [PIN_OFFSET] = "offset"};
const char *const limit_kind_name[LIMIT_KIND_COUNT] = {
    [LIMIT_DAY_YEN] = "day_yen", [LIMIT_MONTH_YEN] = "month_yen", [LIMIT_DAY_COUNT] = "day_count"};
const char *const day_kind_name[DAY_KIND_COUNT] = {[DAY_WEEKDAY] = "weekday", [DAY_OFF] = "off"};

struct atm_row {
        struct atm atm;
        char hall[HALL_MAX + 1]; /* "" where it stands nowhere */
        UT_hash_handle hh;
};

struct prefix_row {
        struct card_prefix prefix;
        char issuer[ISSUER_MAX + 1];
};

/* An array that grows while the snapshot is built. */
struct rows {
        void *items;
        size_t count, capacity;
};

struct reference {
        struct rows halls;           /* struct hall by hall */
        struct rows shares;          /* struct hall_share by hall, from_day */
        struct rows atms;            /* struct atm_row by terminal */
        struct rows issuers;         /* struct issuer by issuer */
        struct rows prefixes;        /* struct prefix_row by prefix, from_day */
        struct rows tariffs;         /* struct tariff by issuer, band, from_day */
        struct rows tax_rates;       /* struct tax_rate by from_day */
        struct rows holidays;        /* int32_t */
        struct rows limits;          /* struct limit by kind, from_day */
        struct rows network_hours;   /* struct network_hours by day_kind, from_day */
        struct atm_row *by_terminal; /* uthash over atms */
        int64_t moments_from_ms, moments_to_ms;
        int64_t version;
        bool finished;
};

/* building ------------------------------------------------------------------------------------------ */

struct reference *reference_new(void)
{
        return calloc(1, sizeof(struct reference));
}

void reference_free(struct reference *r)
{
        if (!r)
                return;
        HASH_CLEAR(hh, r->by_terminal);
        free(r->halls.items);
        free(r->shares.items);
        free(r->atms.items);
        free(r->issuers.items);
        free(r->prefixes.items);
        free(r->tariffs.items);
        free(r->tax_rates.items);
        free(r->holidays.items);
        free(r->limits.items);
        free(r->network_hours.items);
        free(r);
}

ATM_PRINTF(2, 3) static bool fail(char error[REFERENCE_ERROR_MAX], const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(error, REFERENCE_ERROR_MAX, format, arguments);
        va_end(arguments);
        return false;
}

/* Copy a row to the end of its array. */
static bool append(struct reference *r, struct rows *rows, const void *row, size_t size,
                   char error[REFERENCE_ERROR_MAX])
{
        assert(!r->finished);
        if (rows->count == rows->capacity) {
                size_t capacity = rows->capacity ? rows->capacity * 2 : 16;
                void *items = reallocarray(rows->items, capacity, size);

                if (!items)
                        return fail(error, "out of memory");
                rows->items = items;
                rows->capacity = capacity;
        }
        memcpy((char *)rows->items + rows->count * size, row, size);
        rows->count++;
        return true;
}

/* 1 to `longest` characters out of `alphabet`, ended within `longest` + 1 bytes. */
static bool is_name(const char *text, size_t longest, const char *alphabet)
{
        size_t length = strnlen(text, longest + 1);

        return length >= 1 && length <= longest && strspn(text, alphabet) == length;
}

/* For messages: the name as far as it goes, whatever the row holds. */
#define NAME(text, longest) (int)strnlen(text, longest), text

static bool is_hours(const struct hours *hours)
{
        return hours->opens >= 0 && hours->opens < hours->closes && hours->closes <= MINUTES_PER_DAY;
}

/* Unlike the others, a service calendar may have days without any hour. */
static bool is_service(const struct hours *hours)
{
        return hours->opens >= 0 && hours->opens <= hours->closes && hours->closes <= MINUTES_PER_DAY;
}

#define HOURS_WANTED "0 <= opens < closes <= 1440 minutes wanted"

static bool check_share(const char *hall, int32_t share_bp, char error[REFERENCE_ERROR_MAX])
{
        if (share_bp >= 0 && share_bp <= BASIS_POINTS)
                return true;
        return fail(error, "hall %s: share of %d basis points: 0 to %d wanted", hall, share_bp, BASIS_POINTS);
}

bool reference_add_hall(struct reference *r, const struct hall *row, char error[REFERENCE_ERROR_MAX])
{
        if (!is_name(row->hall, HALL_MAX, UPPER_DIGITS "-"))
                return fail(error, "hall \"%.*s\": 1 to %d capital letters, digits or hyphens wanted",
                            NAME(row->hall, HALL_MAX), HALL_MAX);
        if (!is_name(row->area, AREA_MAX, LETTERS_DIGITS "_-"))
                return fail(error,
                            "hall %s: area \"%.*s\": 1 to %d letters, digits, hyphens or underscores wanted",
                            row->hall, NAME(row->area, AREA_MAX), AREA_MAX);
        if (row->prefecture[0] == '\0' || strnlen(row->prefecture, PREFECTURE_MAX + 1) > PREFECTURE_MAX)
                return fail(error, "hall %s: prefecture: 1 to %d bytes wanted", row->hall, PREFECTURE_MAX);
        if (!is_hours(&row->hours))
                return fail(error, "hall %s: hours %d to %d: " HOURS_WANTED, row->hall, row->hours.opens,
                            row->hours.closes);
        return check_share(row->hall, row->share_bp, error) && append(r, &r->halls, row, sizeof *row, error);
}

bool reference_add_share(struct reference *r, const struct hall_share *row, char error[REFERENCE_ERROR_MAX])
{
        if (!is_name(row->hall, HALL_MAX, UPPER_DIGITS "-"))
                return fail(error, "share: hall \"%.*s\": no hall has such a name",
                            NAME(row->hall, HALL_MAX));
        return check_share(row->hall, row->share_bp, error) && append(r, &r->shares, row, sizeof *row, error);
}

static bool add_atm(struct reference *r, const char *terminal, const char *hall, struct atm_row row,
                    char error[REFERENCE_ERROR_MAX])
{
        if (!is_name(terminal, TERMINAL_LENGTH, UPPER_DIGITS) || strlen(terminal) != TERMINAL_LENGTH)
                return fail(error, "ATM \"%.*s\": %d capital letters or digits wanted",
                            NAME(terminal, TERMINAL_LENGTH), TERMINAL_LENGTH);
        if (hall && *hall != '\0' && !is_name(hall, HALL_MAX, UPPER_DIGITS "-"))
                return fail(error, "ATM %s: hall \"%.*s\": no hall has such a name", terminal,
                            NAME(hall, HALL_MAX));
        strcpy(row.atm.terminal, terminal);
        strcpy(row.hall, hall ? hall : "");
        return append(r, &r->atms, &row, sizeof row, error);
}

bool reference_add_atm(struct reference *r, const char *terminal, const char *hall, bool enabled,
                       char error[REFERENCE_ERROR_MAX])
{
        return add_atm(r, terminal, hall, (struct atm_row){.atm = {.enabled = enabled}}, error);
}

bool reference_add_barred_atm(struct reference *r, const char *terminal, const char *hall,
                              char error[REFERENCE_ERROR_MAX])
{
        return add_atm(r, terminal, hall, (struct atm_row){.atm = {.barred = true}}, error);
}

bool reference_add_issuer(struct reference *r, const struct issuer *row, char error[REFERENCE_ERROR_MAX])
{
        if (!is_name(row->issuer, ISSUER_MAX, UPPER_DIGITS))
                return fail(error, "issuer \"%.*s\": 1 to %d capital letters or digits wanted",
                            NAME(row->issuer, ISSUER_MAX), ISSUER_MAX);
        if (*row->link && !is_name(row->link, ISSUER_MAX, UPPER_DIGITS))
                return fail(error,
                            "issuer %s: link \"%.*s\": 1 to %d capital letters or digits wanted, or nothing "
                            "for the house bank",
                            row->issuer, NAME(row->link, ISSUER_MAX), ISSUER_MAX);
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                if (!is_service(&row->hours[kind]))
                        return fail(
                            error,
                            "issuer %s: hours %d to %d on days of kind %s: 0 <= opens <= closes <= 1440 "
                            "minutes wanted",
                            row->issuer, row->hours[kind].opens, row->hours[kind].closes,
                            day_kind_name[kind]);
        if (row->pin_method != PIN_NONE &&
            (row->pin_tries_max < 1 || row->pin_tries_max > PIN_TRIES_MAX_MAX || *row->link))
                return fail(error,
                            "issuer %s: PINs by %s, %d wrong ones, link \"%s\": 1 to %d wanted, and no link, "
                            "behind which its bank verifies them",
                            row->issuer, pin_method_name[row->pin_method], row->pin_tries_max, row->link,
                            PIN_TRIES_MAX_MAX);
        return append(r, &r->issuers, row, sizeof *row, error);
}

bool reference_add_prefix(struct reference *r, const char *prefix, int32_t from_day, const char *issuer,
                          enum card_kind kind, char error[REFERENCE_ERROR_MAX])
{
        struct prefix_row row = {.prefix = {.from_day = from_day, .kind = kind}};

        if (!is_name(prefix, PREFIX_MAX, "0123456789"))
                return fail(error, "card prefix \"%.*s\": 1 to %d digits wanted", NAME(prefix, PREFIX_MAX),
                            PREFIX_MAX);
        if (!is_name(issuer, ISSUER_MAX, UPPER_DIGITS))
                return fail(error, "card prefix %s: issuer \"%.*s\": no issuer has such a name", prefix,
                            NAME(issuer, ISSUER_MAX));
        if ((unsigned)kind >= CARD_KIND_COUNT)
                return fail(error, "card prefix %s: unknown kind of card", prefix);
        strcpy(row.prefix.prefix, prefix);
        strcpy(row.issuer, issuer);
        return append(r, &r->prefixes, &row, sizeof row, error);
}

static bool is_fee(int64_t fee_yen)
{
        return fee_yen >= 0 && fee_yen <= FEE_MAX_YEN;
}

bool reference_add_tariff(struct reference *r, const struct tariff *row, char error[REFERENCE_ERROR_MAX])
{
        if (!is_name(row->issuer, ISSUER_MAX, UPPER_DIGITS))
                return fail(error, "tariff: issuer \"%.*s\": no issuer has such a name",
                            NAME(row->issuer, ISSUER_MAX));
        if ((unsigned)row->band >= BAND_COUNT)
                return fail(error, "tariff of %s: unknown band", row->issuer);
        if (!is_fee(row->customer_fee_yen) || !is_fee(row->interbank_fee_yen))
                return fail(error, "tariff of %s: fees of %lld and %lld yen: 0 to %d wanted", row->issuer,
                            (long long)row->customer_fee_yen, (long long)row->interbank_fee_yen, FEE_MAX_YEN);
        return append(r, &r->tariffs, row, sizeof *row, error);
}

bool reference_add_tax_rate(struct reference *r, const struct tax_rate *row, char error[REFERENCE_ERROR_MAX])
{
        if (row->rate_bp < 0 || row->rate_bp > BASIS_POINTS)
                return fail(error, "tax rate of %d basis points: 0 to %d wanted", row->rate_bp, BASIS_POINTS);
        if (row->rounding != TAX_DOWN && row->rounding != TAX_NEAREST && row->rounding != TAX_UP)
                return fail(error, "tax rate: unknown rounding");
        return append(r, &r->tax_rates, row, sizeof *row, error);
}

bool reference_add_holiday(struct reference *r, int32_t day, char error[REFERENCE_ERROR_MAX])
{
        return append(r, &r->holidays, &day, sizeof day, error);
}

bool reference_add_limit(struct reference *r, const struct limit *row, char error[REFERENCE_ERROR_MAX])
{
        if ((unsigned)row->kind >= LIMIT_KIND_COUNT)
                return fail(error, "limit: unknown kind");
        if (row->value < 0)
                return fail(error, "limit %s: %lld is below zero", limit_kind_name[row->kind],
                            (long long)row->value);
        return append(r, &r->limits, row, sizeof *row, error);
}

bool reference_add_network_hours(struct reference *r, const struct network_hours *row,
                                 char error[REFERENCE_ERROR_MAX])
{
        if ((unsigned)row->day_kind >= DAY_KIND_COUNT)
                return fail(error, "network hours: unknown kind of day");
        if (!is_hours(&row->hours))
                return fail(error, "network hours %d to %d: " HOURS_WANTED, row->hours.opens,
                            row->hours.closes);
        return append(r, &r->network_hours, row, sizeof *row, error);
}

void reference_set_moments(struct reference *r, int64_t from_ms, int64_t to_ms)
{
        r->moments_from_ms = from_ms;
        r->moments_to_ms = to_ms;
}

void reference_set_version(struct reference *r, int64_t version)
{
        r->version = version;
}

/* keys: how the arrays are sorted and searched ------------------------------------------------------- */

static int compare_numbers(int64_t a, int64_t b)
{
        return (a > b) - (a < b);
}

static int compare_halls(const void *a, const void *b)
{
        return strcmp(((const struct hall *)a)->hall, ((const struct hall *)b)->hall);
}

static int compare_shares(const void *a, const void *b)
{
        const struct hall_share *p = a, *q = b;
        int order = strcmp(p->hall, q->hall);

        return order != 0 ? order : compare_numbers(p->from_day, q->from_day);
}

static int compare_atms(const void *a, const void *b)
{
        return strcmp(((const struct atm_row *)a)->atm.terminal, ((const struct atm_row *)b)->atm.terminal);
}

static int compare_issuers(const void *a, const void *b)
{
        return strcmp(((const struct issuer *)a)->issuer, ((const struct issuer *)b)->issuer);
}

static int compare_prefixes(const void *a, const void *b)
{
        const struct prefix_row *p = a, *q = b;
        int order = strcmp(p->prefix.prefix, q->prefix.prefix);

        return order != 0 ? order : compare_numbers(p->prefix.from_day, q->prefix.from_day);
}

static int compare_tariffs(const void *a, const void *b)
{
        const struct tariff *p = a, *q = b;
        int order = strcmp(p->issuer, q->issuer);

        if (order == 0)
                order = compare_numbers((int)p->band, (int)q->band);
        return order != 0 ? order : compare_numbers(p->from_day, q->from_day);
}

static int compare_tax_rates(const void *a, const void *b)
{
        return compare_numbers(((const struct tax_rate *)a)->from_day,
                               ((const struct tax_rate *)b)->from_day);
}

static int compare_days(const void *a, const void *b)
{
        return compare_numbers(*(const int32_t *)a, *(const int32_t *)b);
}

static int compare_limits(const void *a, const void *b)
{
        const struct limit *p = a, *q = b;
        int order = compare_numbers((int)p->kind, (int)q->kind);

        return order != 0 ? order : compare_numbers(p->from_day, q->from_day);
}

static int compare_network_hours(const void *a, const void *b)
{
        const struct network_hours *p = a, *q = b;
        int order = compare_numbers((int)p->day_kind, (int)q->day_kind);

        return order != 0 ? order : compare_numbers(p->from_day, q->from_day);
}

/* The last row that is not after the key; NULL where all are. Rows in force are found so. */
static const void *last_not_after(const struct rows *rows, size_t size, const void *key,
                                  int (*compare)(const void *, const void *))
{
        const char *items = rows->items;
        size_t low = 0, high = rows->count; /* rows below low are not after the key, from high on they are */

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare(items + middle * size, key) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low > 0 ? items + (low - 1) * size : NULL;
}

/* As bsearch, which must not be given the NULL of an empty array. */
static const void *find(const struct rows *rows, size_t size, const void *key,
                        int (*compare)(const void *, const void *))
{
        return rows->count > 0 ? bsearch(key, rows->items, rows->count, size, compare) : NULL;
}

/* finishing ----------------------------------------------------------------------------------------- */

/* Sort; the first of two rows with the same key, or NULL. */
static const void *sort_rows(struct rows *rows, size_t size, int (*compare)(const void *, const void *))
{
        const char *items;

        if (rows->count == 0)
                return NULL;
        qsort(rows->items, rows->count, size, compare);
        items = rows->items;
        for (size_t i = 1; i < rows->count; i++)
                if (compare(items + (i - 1) * size, items + i * size) == 0)
                        return items + i * size;
        return NULL;
}

static bool fail_twice(char error[REFERENCE_ERROR_MAX], const char *what, int32_t from_day)
{
        char day[11];

        calendar_print_day(from_day, day);
        return fail(error, "%s from %s: given twice", what, day);
}

static bool sort_named(struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        const struct hall *hall;
        const struct atm_row *atm;
        const struct issuer *issuer;

        if ((hall = sort_rows(&r->halls, sizeof *hall, compare_halls)))
                return fail(error, "hall %s: given twice", hall->hall);
        if ((atm = sort_rows(&r->atms, sizeof *atm, compare_atms)))
                return fail(error, "ATM %s: given twice", atm->atm.terminal);
        if ((issuer = sort_rows(&r->issuers, sizeof *issuer, compare_issuers)))
                return fail(error, "issuer %s: given twice", issuer->issuer);
        return true;
}

static bool sort_dated(struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        const struct hall_share *share;
        const struct prefix_row *prefix;
        const struct tariff *tariff;
        const struct tax_rate *rate;
        const struct limit *limit;
        const struct network_hours *hours;
        const int32_t *holiday;
        char what[64];

        if ((share = sort_rows(&r->shares, sizeof *share, compare_shares))) {
                (void)snprintf(what, sizeof what, "share of hall %s", share->hall);
                return fail_twice(error, what, share->from_day);
        }
        if ((prefix = sort_rows(&r->prefixes, sizeof *prefix, compare_prefixes))) {
                (void)snprintf(what, sizeof what, "card prefix %s", prefix->prefix.prefix);
                return fail_twice(error, what, prefix->prefix.from_day);
        }
        if ((tariff = sort_rows(&r->tariffs, sizeof *tariff, compare_tariffs))) {
                (void)snprintf(what, sizeof what, "tariff of %s, band %s,", tariff->issuer,
                               band_name[tariff->band]);
                return fail_twice(error, what, tariff->from_day);
        }
        if ((rate = sort_rows(&r->tax_rates, sizeof *rate, compare_tax_rates)))
                return fail_twice(error, "tax rate", rate->from_day);
        if ((limit = sort_rows(&r->limits, sizeof *limit, compare_limits))) {
                (void)snprintf(what, sizeof what, "limit %s", limit_kind_name[limit->kind]);
                return fail_twice(error, what, limit->from_day);
        }
        if ((hours = sort_rows(&r->network_hours, sizeof *hours, compare_network_hours))) {
                (void)snprintf(what, sizeof what, "network hours of kind %s", day_kind_name[hours->day_kind]);
                return fail_twice(error, what, hours->from_day);
        }
        if ((holiday = sort_rows(&r->holidays, sizeof *holiday, compare_days))) {
                char day[11];

                calendar_print_day(*holiday, day);
                return fail(error, "holiday %s: given twice", day);
        }
        return true;
}

static bool link_atms(struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        struct atm_row *atms = r->atms.items;

        for (size_t i = 0; i < r->atms.count; i++) {
                struct hall key;

                if (atms[i].hall[0] == '\0')
                        continue;
                strcpy(key.hall, atms[i].hall);
                atms[i].atm.hall = find(&r->halls, sizeof key, &key, compare_halls);
                if (!atms[i].atm.hall)
                        return fail(error, "ATM %s: hall %s is unknown", atms[i].atm.terminal, atms[i].hall);
        }
        return true;
}

static bool check_shares(const struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        const struct hall_share *shares = r->shares.items;

        for (size_t i = 0; i < r->shares.count; i++) {
                struct hall key;

                strcpy(key.hall, shares[i].hall);
                if (!find(&r->halls, sizeof key, &key, compare_halls))
                        return fail(error, "share: hall %s is unknown", shares[i].hall);
        }
        return true;
}

static bool link_prefixes(struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        struct prefix_row *prefixes = r->prefixes.items;

        for (size_t i = 0; i < r->prefixes.count; i++) {
                prefixes[i].prefix.issuer = reference_issuer(r, prefixes[i].issuer);
                if (!prefixes[i].prefix.issuer)
                        return fail(error, "card prefix %s: issuer %s is unknown", prefixes[i].prefix.prefix,
                                    prefixes[i].issuer);
        }
        return true;
}

static const struct tariff *first_tariff(const struct reference *r, const char *issuer, enum band band)
{
        const struct tariff *tariffs = r->tariffs.items;

        for (size_t i = 0; i < r->tariffs.count; i++)
                if (tariffs[i].band == band && strcmp(tariffs[i].issuer, issuer) == 0)
                        return &tariffs[i];
        return NULL;
}

static bool link_tariffs(const struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        const struct tariff *tariffs = r->tariffs.items;

        for (size_t i = 0; i < r->tariffs.count; i++)
                if (!reference_issuer(r, tariffs[i].issuer))
                        return fail(error, "tariff: issuer %s is unknown", tariffs[i].issuer);
        return true;
}

static bool index_terminals(struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        struct atm_row *atms = r->atms.items;

        for (size_t i = 0; i < r->atms.count; i++) {
                HASH_ADD(hh, r->by_terminal, atm.terminal, TERMINAL_LENGTH, &atms[i]);
                if (!atms[i].hh.tbl) /* how uthash says that it had no memory */
                        return fail(error, "out of memory");
        }
        return true;
}

bool reference_finish(struct reference *r, char error[REFERENCE_ERROR_MAX])
{
        assert(!r->finished);
        r->finished = sort_named(r, error) && sort_dated(r, error) && link_atms(r, error) &&
                      check_shares(r, error) && link_prefixes(r, error) && link_tariffs(r, error) &&
                      index_terminals(r, error);
        return r->finished;
}

/* what is lacking ------------------------------------------------------------------------------------ */

/* The first card prefix that leads to the issuer, by its day: from then on its cards are taken. */
static const struct prefix_row *first_prefix(const struct reference *r, const char *issuer)
{
        const struct prefix_row *prefixes = r->prefixes.items, *first = NULL;

        for (size_t i = 0; i < r->prefixes.count; i++)
                if (strcmp(prefixes[i].issuer, issuer) == 0 &&
                    (!first || prefixes[i].prefix.from_day < first->prefix.from_day))
                        first = &prefixes[i];
        return first;
}

/* An issuer that cards lead to must have a price at every hour of every day since its first tariff. One
 * without card prefixes may still be in the making: nothing can be withdrawn from it. True: it has. */
static bool check_issuer(const struct reference *r, const char *issuer, char lack[REFERENCE_ERROR_MAX])
{
        const struct prefix_row *prefix = first_prefix(r, issuer);
        const struct tariff *first[BAND_COUNT];
        const struct tax_rate *rates = r->tax_rates.items;
        char from[BAND_COUNT][11], taxed_from[11];

        if (!prefix)
                return true;
        for (int band = 0; band < BAND_COUNT; band++) {
                first[band] = first_tariff(r, issuer, (enum band)band);
                if (!first[band])
                        return fail(lack,
                                    "issuer %s: no tariff for band %s, though card prefix %s leads to it",
                                    issuer, band_name[band], prefix->prefix.prefix);
                calendar_print_day(first[band]->from_day, from[band]);
        }
        if (first[BAND_DAY]->from_day != first[BAND_OTHER]->from_day)
                return fail(lack, "issuer %s: a gap: tariffs of band %s start on %s, of band %s on %s",
                            issuer, band_name[BAND_DAY], from[BAND_DAY], band_name[BAND_OTHER],
                            from[BAND_OTHER]);
        if (r->tax_rates.count == 0)
                return fail(lack, "issuer %s: no tax rate, though card prefix %s leads to it", issuer,
                            prefix->prefix.prefix);
        if (rates[0].from_day > first[BAND_DAY]->from_day) {
                calendar_print_day(rates[0].from_day, taxed_from);
                return fail(lack, "issuer %s: a gap: tariffs start on %s, tax rates on %s", issuer,
                            from[BAND_DAY], taxed_from);
        }
        return true;
}

size_t reference_check(const struct reference *r, void (*on_lack)(void *context, const char *text),
                       void *context)
{
        const struct issuer *issuers = r->issuers.items;
        char lack[REFERENCE_ERROR_MAX];
        size_t lacks = 0;

        assert(r->finished);
        for (size_t i = 0; i < r->issuers.count; i++)
                if (!check_issuer(r, issuers[i].issuer, lack)) {
                        on_lack(context, lack);
                        lacks++;
                }
        return lacks;
}

/* looking up ---------------------------------------------------------------------------------------- */

int64_t reference_version(const struct reference *r)
{
        return r->version;
}

bool reference_holds_moment(const struct reference *r, int64_t moment_ms)
{
        return moment_ms >= r->moments_from_ms && moment_ms < r->moments_to_ms;
}

const struct atm *reference_atm(const struct reference *r, const char *terminal)
{
        struct atm_row *row;

        if (strnlen(terminal, TERMINAL_LENGTH + 1) != TERMINAL_LENGTH)
                return NULL;
        HASH_FIND(hh, r->by_terminal, terminal, TERMINAL_LENGTH, row);
        return row ? &row->atm : NULL;
}

int32_t reference_share_bp(const struct reference *r, const struct hall *hall, int32_t day)
{
        struct hall_share key = {.from_day = day};
        const struct hall_share *row;

        strcpy(key.hall, hall->hall);
        row = last_not_after(&r->shares, sizeof key, &key, compare_shares);
        return row && strcmp(row->hall, hall->hall) == 0 ? row->share_bp : hall->share_bp;
}

const struct issuer *reference_issuer(const struct reference *r, const char *issuer)
{
        struct issuer key = {.issuer = ""};

        if (strnlen(issuer, ISSUER_MAX + 1) > ISSUER_MAX)
                return NULL;
        strcpy(key.issuer, issuer);
        return find(&r->issuers, sizeof key, &key, compare_issuers);
}

const struct card_prefix *reference_prefix(const struct reference *r, const char *pan, int32_t day)
{
        for (size_t length = strnlen(pan, PREFIX_MAX); length > 0; length--) {
                struct prefix_row key = {.prefix = {.from_day = day}};
                const struct prefix_row *row;

                memcpy(key.prefix.prefix, pan, length);
                row = last_not_after(&r->prefixes, sizeof key, &key, compare_prefixes);
                if (row && strcmp(row->prefix.prefix, key.prefix.prefix) == 0)
                        return &row->prefix;
        }
        return NULL;
}

const struct tariff *reference_tariff(const struct reference *r, const char *issuer, enum band band,
                                      int32_t day)
{
        struct tariff key = {.band = band, .from_day = day};
        const struct tariff *row;

        if (strnlen(issuer, ISSUER_MAX + 1) > ISSUER_MAX)
                return NULL;
        strcpy(key.issuer, issuer);
        row = last_not_after(&r->tariffs, sizeof key, &key, compare_tariffs);
        return row && row->band == band && strcmp(row->issuer, issuer) == 0 ? row : NULL;
}

const struct tax_rate *reference_tax_rate(const struct reference *r, int32_t day)
{
        struct tax_rate key = {.from_day = day};

        return last_not_after(&r->tax_rates, sizeof key, &key, compare_tax_rates);
}

int64_t reference_limit(const struct reference *r, enum limit_kind kind, int32_t day)
{
        struct limit key = {.kind = kind, .from_day = day};
        const struct limit *row = last_not_after(&r->limits, sizeof key, &key, compare_limits);

        return row && row->kind == kind ? row->value : LIMIT_NONE;
}

bool reference_is_holiday(const struct reference *r, int32_t day)
{
        return find(&r->holidays, sizeof day, &day, compare_days) != NULL;
}

enum day_kind reference_day_kind(const struct reference *r, int32_t day)
{
        struct civil date;

        calendar_civil_of_day(day, &date);
        return date.weekday == 0 || date.weekday == 6 || reference_is_holiday(r, day) ? DAY_OFF : DAY_WEEKDAY;
}

struct hours reference_network_hours(const struct reference *r, int32_t day)
{
        struct network_hours key = {.day_kind = reference_day_kind(r, day), .from_day = day};
        const struct network_hours *row =
            last_not_after(&r->network_hours, sizeof key, &key, compare_network_hours);

        return row && row->day_kind == key.day_kind ? row->hours : (struct hours){0, 0};
}
