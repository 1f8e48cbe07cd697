/* The scenario's file (lib/base/ini_file.h); then what must hold of all of it, and what it says of a day. */
#include "backoffice/generation/scenario.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/hex.h"
#include "lib/base/ini_file.h"
#include "lib/base/number.h"
#include "rules/calendar.h"

enum { PERMILLE = 1000, BASIS_POINTS = 10000, ATMS_MAX = 100000 };

struct reading {
        struct scenario *scenario;
        struct ini_file file;
        char section[INI_FILE_NAME_MAX + 1], source[160];
        size_t section_entries; /* the first entry of the section: its source comes last */
        bool seen[64];          /* of the rows of keys */
};

/* Of the line at hand, and of the section that it is in. */
static void fail(struct reading *r, const char *format, ...) ATM_PRINTF(2, 3);

static void fail(struct reading *r, const char *format, ...)
{
        char text[SCENARIO_ERROR_MAX];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        ini_file_refuse(&r->file, r->file.line, "[%s] %s", r->section, text);
}

static bool failed(const struct reading *r)
{
        return r->file.error_line != 0;
}

static bool number(struct reading *r, const char *key, const char *text, int64_t minimum, int64_t maximum,
                   int64_t *ret)
{
        char expected[NUMBER_EXPECTED_MAX];

        if (number_parse(text, minimum, maximum, ret))
                return true;
        fail(r, "%s: '%.40s': expected %s", key, text, number_expected(minimum, maximum, expected));
        return false;
}

/* keys with a place of their own ----------------------------------------------------------------------------- */

#define AT(member) offsetof(struct scenario, member)
static const struct {
        const char *section, *key;
        int64_t minimum, maximum; /* both 0: a date */
        size_t at;
} keys[] = {
    {"period", "from", 0, 0, AT(from_day)},
    {"period", "to", 0, 0, AT(to_day)},
    {"fleet", "base_fee_low_yen", 0, 1000000, AT(base_fee_low_yen)},
    {"fleet", "base_fee_high_yen", 0, 1000000, AT(base_fee_high_yen)},
    {"demand", "hundredths", 1, 100000, AT(demand_hundredths)},
    {"demand", "spread_permille", 0, 900, AT(spread_permille)},
    {"demand", "holiday_permille", 0, 5000, AT(holiday_permille)},
    {"demand", "new_year_permille", 0, 5000, AT(new_year_permille)},
    {"demand", "obon_permille", 0, 5000, AT(obon_permille)},
    {"demand", "payday_permille", 0, 5000, AT(payday_permille)},
    {"weekday", "sunday", 0, 5000, AT(weekday_permille[0])},
    {"weekday", "monday", 0, 5000, AT(weekday_permille[1])},
    {"weekday", "tuesday", 0, 5000, AT(weekday_permille[2])},
    {"weekday", "wednesday", 0, 5000, AT(weekday_permille[3])},
    {"weekday", "thursday", 0, 5000, AT(weekday_permille[4])},
    {"weekday", "friday", 0, 5000, AT(weekday_permille[5])},
    {"weekday", "saturday", 0, 5000, AT(weekday_permille[6])},
    {"cards", "per_atm", 1, SCENARIO_CARDS_MAX, AT(cards_per_atm)},
    {"cards", "empty_permille", 0, PERMILLE, AT(empty_permille)},
    {"ends", "none_bp", 0, BASIS_POINTS, AT(none_bp)},
    {"ends", "partial_bp", 0, BASIS_POINTS, AT(partial_bp)},
    {"ends", "corrected_bp", 0, BASIS_POINTS, AT(corrected_bp)},
    {"ends", "taken_back_bp", 0, BASIS_POINTS, AT(taken_back_bp)},
    {"ends", "bank_refuses_bp", 0, BASIS_POINTS, AT(refused_bp)},
    {"ends", "bank_silent_bp", 0, BASIS_POINTS, AT(silent_bp)},
};
enum { KEYS = sizeof(keys) / sizeof(*keys) };
_Static_assert(KEYS <= 64, "seen has room");

static void take_key(struct reading *r, const char *key, const char *value)
{
        char *base = (char *)r->scenario;

        for (size_t i = 0; i < KEYS; i++) {
                if (strcmp(keys[i].section, r->section) != 0 || strcmp(keys[i].key, key) != 0)
                        continue;
                if (r->seen[i])
                        fail(r, "%s: given twice", key);
                r->seen[i] = true;
                if (keys[i].minimum || keys[i].maximum) {
                        int64_t parsed = 0;

                        if (number(r, key, value, keys[i].minimum, keys[i].maximum, &parsed))
                                memcpy(base + keys[i].at, &parsed, sizeof(parsed));
                } else {
                        int32_t day = 0;

                        if (!calendar_parse_day(value, &day))
                                fail(r, "%s: '%.40s': expected a date as 2015-04-01", key, value);
                        memcpy(base + keys[i].at, &day, sizeof(day));
                }
                return;
        }
        fail(r, "%s: no such key", key);
}

/* sections whose keys are data --------------------------------------------------------------------------------- */

static void take_placed(struct reading *r, const char *key, const char *value)
{
        struct scenario *s = r->scenario;
        struct scenario_placed placed = {0};

        if (!calendar_parse_day(key, &placed.day))
                fail(r, "%.40s: expected a date as 2016-12-31", key);
        else if (s->placed_count == SCENARIO_PLACED_MAX)
                fail(r, "more than %d days", SCENARIO_PLACED_MAX);
        else if (s->placed_count && placed.day <= s->placed[s->placed_count - 1].day)
                fail(r, "%s: expected a later day than the one before", key);
        else if (number(r, key, value, 1, ATMS_MAX, &placed.atms) && s->placed_count &&
                 placed.atms < s->placed[s->placed_count - 1].atms)
                fail(r, "%s: %s: expected as many ATMs as before, or more", key, value);
        else if (!failed(r))
                s->placed[s->placed_count++] = placed;
}

/* "3Q16": October to December 2016. */
static bool parse_quarter(const char *text, struct scenario_quarter *ret)
{
        int year, first;

        if (strlen(text) != 4 || text[0] < '1' || text[0] > '4' || text[1] != 'Q' ||
            strspn(text + 2, "0123456789") != 2)
                return false;
        year = 2000 + (int)number_known(text + 2);
        first = 4 + 3 * (text[0] - '1');
        memcpy(ret->name, text, 5);
        ret->from_day = calendar_day(year + first / 13, first > 12 ? first - 12 : first, 1);
        first += 3;
        ret->to_day = calendar_day(year + first / 13, first > 12 ? first - 12 : first, 1) - 1;
        return true;
}

static void take_quarter(struct reading *r, const char *key, const char *value)
{
        struct scenario *s = r->scenario;
        struct scenario_quarter quarter = {0};

        if (!parse_quarter(key, &quarter))
                fail(r, "%.40s: expected a quarter as 1Q15", key);
        else if (s->quarter_count == SCENARIO_QUARTERS_MAX)
                fail(r, "more than %d quarters", SCENARIO_QUARTERS_MAX);
        else if (number(r, key, value, 0, 10 * PERMILLE, &quarter.permille))
                s->quarter[s->quarter_count++] = quarter;
}

static void take_hour(struct reading *r, const char *key, const char *value)
{
        int64_t hour = 0, weight = 0;

        if (number(r, "hour", key, 0, 23, &hour) && number(r, key, value, 0, 1000000, &weight))
                r->scenario->hour_weight[hour] = weight;
}

static void take_amount(struct reading *r, const char *key, const char *value)
{
        struct scenario *s = r->scenario;
        struct scenario_amount amount = {0};

        if (!number(r, "amount", key, 1000, 1000000, &amount.yen) ||
            !number(r, key, value, 0, 1000000, &amount.weight))
                return;
        if (amount.yen % 1000)
                fail(r, "%s: expected a multiple of 1000 yen", key);
        else if (s->amount_count == SCENARIO_AMOUNTS_MAX)
                fail(r, "more than %d amounts", SCENARIO_AMOUNTS_MAX);
        else
                s->amount[s->amount_count++] = amount;
}

static void take_issuer(struct reading *r, const char *key, const char *value)
{
        struct scenario *s = r->scenario;
        struct scenario_issuer issuer = {0};

        if (strlen(key) > ISSUER_MAX)
                fail(r, "%.40s: expected a bank's id of at most %d characters", key, ISSUER_MAX);
        else if (s->issuer_count == SCENARIO_ISSUERS_MAX)
                fail(r, "more than %d banks", SCENARIO_ISSUERS_MAX);
        else if (number(r, key, value, 0, PERMILLE, &issuer.permille)) {
                strcpy(issuer.issuer, key);
                s->issuer[s->issuer_count++] = issuer;
        }
}

static const struct {
        const char *section;
        void (*take)(struct reading *r, const char *key, const char *value);
} lists[] = {
    {"placed", take_placed},  {"demand quarter", take_quarter}, {"hours", take_hour},
    {"amounts", take_amount}, {"issuers", take_issuer},
};

static const struct {
        const char *word;
        int keys; /* words that follow it */
} entry_sections[ENTRY_KINDS] = {
    [ENTRY_COST] = {"cost", 1}, [ENTRY_TARGET] = {"target", 2}, [ENTRY_PUBLISHED] = {"published", 1},
    [ENTRY_PEER] = {"peer", 1}, [ENTRY_RATE] = {"rate", 1},     [ENTRY_PARLORS] = {"parlors", 0},
};

/* The kind of an entry's section and the words behind its first; ENTRY_KINDS: it is none. */
static enum scenario_entry_kind entry_kind(const char *section, char ret_key[2][24])
{
        char word[24];
        int words;

        ret_key[0][0] = ret_key[1][0] = '\0';
        words = sscanf(section, "%23s %23s %23s", word, ret_key[0], ret_key[1]);
        for (int kind = 0; kind < ENTRY_KINDS; kind++) {
                if (words == 1 + entry_sections[kind].keys && !strcmp(word, entry_sections[kind].word))
                        return (enum scenario_entry_kind)kind;
        }
        return ENTRY_KINDS;
}

/* What finance enters: checked by whoever enters it. The section's source belongs to each of its entries. */
static void take_entry(struct reading *r, enum scenario_entry_kind kind, char words[2][24], const char *key,
                       const char *value)
{
        struct scenario *s = r->scenario;
        struct scenario_entry *entry = &s->entry[s->entry_count];

        if (!strcmp(key, "source")) {
                for (size_t i = r->section_entries; i < s->entry_count; i++)
                        snprintf(s->entry[i].source, sizeof(s->entry[i].source), "%s", value);
                snprintf(r->source, sizeof(r->source), "%s", value);
                return;
        }
        if (s->entry_count == SCENARIO_ENTRIES_MAX) {
                fail(r, "more than %d entries", SCENARIO_ENTRIES_MAX);
                return;
        }
        if (strlen(key) >= sizeof(entry->name) || strlen(value) >= sizeof(entry->value)) {
                fail(r, "%.40s: too long", key);
                return;
        }
        *entry = (struct scenario_entry){.kind = kind, .line = r->file.line};
        memcpy(entry->key, words, sizeof(entry->key));
        strcpy(entry->name, key);
        strcpy(entry->value, value);
        strcpy(entry->source, r->source);
        s->entry_count++;
}

/* reading -------------------------------------------------------------------------------------------------------- */

static bool is_plain_section(const char *section)
{
        for (size_t i = 0; i < KEYS; i++) {
                if (!strcmp(keys[i].section, section))
                        return true;
        }
        return false;
}

static bool on_section(void *context, const char *section)
{
        struct reading *r = context;
        char words[2][24];
        bool known = is_plain_section(section) || entry_kind(section, words) != ENTRY_KINDS;

        for (size_t i = 0; i < LENGTH(lists); i++)
                known = known || !strcmp(lists[i].section, section);
        strcpy(r->section, section);
        r->source[0] = '\0';
        r->section_entries = r->scenario->entry_count;
        if (!known)
                fail(r, "no such section");
        return known;
}

static bool on_pair(void *context, const char *section, const char *key, const char *value)
{
        struct reading *r = context;
        enum scenario_entry_kind kind;
        char words[2][24];

        for (size_t i = 0; i < LENGTH(lists); i++) {
                if (!strcmp(lists[i].section, section)) {
                        lists[i].take(r, key, value);
                        return !failed(r);
                }
        }
        kind = entry_kind(section, words);
        if (kind != ENTRY_KINDS)
                take_entry(r, kind, words, key, value);
        else
                take_key(r, key, value);
        return !failed(r);
}

/* A section or key that has to be there, and what must add up. */
static void check_whole(struct reading *r)
{
        const struct scenario *s = r->scenario;
        int64_t banks = 0, hours = 0, amounts = 0,
                ends = s->none_bp + s->partial_bp + s->corrected_bp + s->taken_back_bp;

        r->file.line = INI_FILE_WHOLE;
        for (size_t i = 0; i < KEYS && !failed(r); i++) {
                snprintf(r->section, sizeof(r->section), "%s", keys[i].section);
                if (!r->seen[i])
                        fail(r, "%s is missing", keys[i].key);
        }
        for (size_t i = 0; i < s->issuer_count; i++)
                banks += s->issuer[i].permille;
        for (size_t i = 0; i < 24; i++)
                hours += s->hour_weight[i];
        for (size_t i = 0; i < s->amount_count; i++)
                amounts += s->amount[i].weight;
        strcpy(r->section, "period");
        if (s->to_day < s->from_day)
                fail(r, "to: expected the day of 'from' or a later one");
        strcpy(r->section, "fleet");
        if (s->base_fee_low_yen > s->base_fee_high_yen)
                fail(r, "base_fee_high_yen: expected base_fee_low_yen or more");
        strcpy(r->section, "placed");
        if (!s->placed_count || s->placed[0].day > s->from_day)
                fail(r, "expected a day at or before the period's first");
        strcpy(r->section, "issuers");
        if (banks != PERMILLE)
                fail(r, "the banks' shares add up to %" PRId64 ": expected %d", banks, PERMILLE);
        strcpy(r->section, "hours");
        if (!hours)
                fail(r, "expected a weight of at least one hour");
        strcpy(r->section, "amounts");
        if (!amounts)
                fail(r, "expected a weight of at least one amount");
        strcpy(r->section, "ends");
        if (ends > BASIS_POINTS || s->refused_bp + s->silent_bp > BASIS_POINTS)
                fail(r, "more than %d basis points in all", BASIS_POINTS);
        strcpy(r->section, "demand quarter");
        for (int32_t day = s->from_day; day <= s->to_day && !failed(r); day++) {
                bool known = false;
                char text[11];

                for (size_t i = 0; i < s->quarter_count; i++)
                        known = known || (day >= s->quarter[i].from_day && day <= s->quarter[i].to_day);
                calendar_print_day(day, text);
                if (!known)
                        fail(r, "the quarter of %s is missing", text);
        }
}

static bool digest_file(FILE *file, char ret_digest[65])
{
        unsigned char buffer[4096], hash[EVP_MAX_MD_SIZE];
        unsigned int length = 0;
        size_t n;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

        while (good && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
                good = EVP_DigestUpdate(md, buffer, n) == 1;
        good = good && !ferror(file) && EVP_DigestFinal_ex(md, hash, &length) == 1;
        EVP_MD_CTX_free(md);
        if (good)
                hex_print(hash, length, ret_digest);
        return good && fseek(file, 0, SEEK_SET) == 0;
}

static bool read_file(struct reading *r)
{
        if (!digest_file(r->file.stream, r->scenario->digest)) {
                snprintf(r->file.error, SCENARIO_ERROR_MAX, "%s: can't be read; expected %s", r->file.path,
                         r->file.wanted);
                return false;
        }
        if (!ini_file_read(&r->file))
                return false;
        check_whole(r);
        return !failed(r);
}

bool scenario_load(const char *path, struct scenario *ret_scenario, char error[SCENARIO_ERROR_MAX])
{
        struct reading r = {.scenario = ret_scenario,
                            .file = {.path = path,
                                     .wanted = "a scenario, as etc/scenarios/fy2015-fy2016",
                                     .error = error,
                                     .error_size = SCENARIO_ERROR_MAX,
                                     .on_section = on_section,
                                     .on_pair = on_pair,
                                     .context = &r}};
        const char *name = strrchr(path, '/');
        bool good;

        memset(ret_scenario, 0, sizeof(*ret_scenario));
        snprintf(ret_scenario->path, sizeof(ret_scenario->path), "%s", path);
        snprintf(ret_scenario->name, sizeof(ret_scenario->name), "%s", name ? name + 1 : path);
        good = ini_file_open(&r.file) && read_file(&r);
        ini_file_close(&r.file);
        return good;
}

/* what it says of a day -------------------------------------------------------------------------------------------- */

int64_t scenario_placed_on(const struct scenario *scenario, int32_t day)
{
        const struct scenario_placed *last = &scenario->placed[scenario->placed_count - 1];

        for (size_t i = 1; i < scenario->placed_count; i++) {
                const struct scenario_placed *a = &scenario->placed[i - 1], *b = &scenario->placed[i];

                if (day < b->day)
                        return day < a->day
                                   ? 0
                                   : a->atms + (b->atms - a->atms) * (day - a->day) / (b->day - a->day);
        }
        return day < last->day ? 0 : last->atms;
}

int64_t scenario_fleet(const struct scenario *scenario)
{
        return scenario_placed_on(scenario, scenario->to_day);
}

static bool is_obon(const struct civil *date)
{
        return date->month == 8 && date->day >= 11 && date->day <= 16;
}

static bool is_new_year(const struct civil *date)
{
        return (date->month == 12 && date->day >= 30) || (date->month == 1 && date->day <= 3);
}

int64_t scenario_day_permille(const struct scenario *scenario, const struct reference *reference, int32_t day)
{
        int64_t permille = PERMILLE;
        struct civil date;

        calendar_civil_of_day(day, &date);
        for (size_t i = 0; i < scenario->quarter_count; i++) {
                if (day >= scenario->quarter[i].from_day && day <= scenario->quarter[i].to_day)
                        permille = scenario->quarter[i].permille;
        }
        if (is_new_year(&date))
                return permille * scenario->new_year_permille / PERMILLE;
        if (is_obon(&date))
                return permille * scenario->obon_permille / PERMILLE;
        permille = permille *
                   (reference_is_holiday(reference, day) ? scenario->holiday_permille
                                                         : scenario->weekday_permille[date.weekday]) /
                   PERMILLE;
        return date.day == 25 ? permille * scenario->payday_permille / PERMILLE : permille;
}
