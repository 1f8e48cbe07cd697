#include "backoffice/audit/verify_limits.h"

#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"

/* reading ---------------------------------------------------------------------------------------------- */

static void take_limit(struct limits *limits, struct copy_out *copy, enum limit_kind kind)
{
        struct limit_row row = {.from_day = copy_day(copy)};
        bool is_set = copy_bool(copy);

        row.value = copy_int8(copy);
        if (!is_set)
                row.value = LIMIT_NONE;
        if (copy_room(copy, &limits->limit[kind], limits->limits[kind], sizeof(row)))
                limits->limit[kind][limits->limits[kind]++] = row;
}

static bool read_limits(struct limits *limits, struct copy_source *source)
{
        struct copy_out copy;

        if (!copy_out_begin(
                &copy, source,
                "SELECT kind, from_on, value IS NOT NULL, value FROM limit_rule ORDER BY kind, from_on"))
                return false;
        while (copy_out_row(&copy)) {
                const char *name = names_text(source->names, copy_name(&copy));
                int kind = 0;

                while (kind < LIMIT_KIND_COUNT && strcmp(name, limit_kind_name[kind]))
                        kind++;
                if (kind < LIMIT_KIND_COUNT) {
                        take_limit(limits, &copy, (enum limit_kind)kind);
                } else {
                        copy_source_fail(source, "limit_rule has a kind that nobody knows");
                        copy.failed = true;
                }
        }
        return copy_out_end(&copy);
}

static bool read_exclusions(struct limits *limits, struct copy_source *source)
{
        struct copy_out copy;

        if (!copy_out_begin(
                &copy, source,
                "SELECT card_token, from_on, until_on FROM exclusion ORDER BY card_token, from_on"))
                return false;
        while (copy_out_row(&copy)) {
                struct exclusion_row row;

                copy_uuid(&copy, row.card);
                row.from_day = copy_day(&copy);
                row.until_day = copy_day(&copy);
                if (row.until_day == COPY_NO_DAY)
                        row.until_day = INT32_MAX;
                if (copy_room(&copy, &limits->exclusion, limits->exclusions, sizeof(row)))
                        limits->exclusion[limits->exclusions++] = row;
        }
        return copy_out_end(&copy);
}

bool limits_open(struct limits *limits, struct copy_source *source, struct findings *findings)
{
        *limits = (struct limits){.findings = findings};
        return read_limits(limits, source) && read_exclusions(limits, source);
}

void limits_close(struct limits *limits)
{
        for (int kind = 0; kind < LIMIT_KIND_COUNT; kind++)
                free(limits->limit[kind]);
        free(limits->exclusion);
        *limits = (struct limits){.exclusions = 0};
}

/* checking --------------------------------------------------------------------------------------------- */

bool limits_exclude(const struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day)
{
        size_t low = 0,
               high = limits->exclusions; /* the first of the card, if it has any, is in [low, high] */

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (memcmp(limits->exclusion[middle].card, card, UUID_SIZE) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < limits->exclusions && !memcmp(limits->exclusion[low].card, card, UUID_SIZE); low++)
                if (day > limits->exclusion[low].from_day && day < limits->exclusion[low].until_day)
                        return true;
        return false;
}

/* The most that any of the days [from, to] allowed. */
static int64_t most(const struct limits *limits, enum limit_kind kind, int32_t from_day, int32_t to_day)
{
        size_t at = limits->limits[kind];
        int64_t value = INT64_MIN;

        while (at > 0 && limits->limit[kind][at - 1].from_day > to_day)
                at--;
        for (; at > 0; at--) {
                const struct limit_row *row = &limits->limit[kind][at - 1];

                if (row->value > value)
                        value = row->value;
                if (row->from_day < from_day)
                        return value;
        }
        return LIMIT_NONE;
}

static void check(struct limits *limits, enum limit_kind kind, const uint8_t card[UUID_SIZE],
                  int32_t from_day, int32_t to_day, int64_t used)
{
        int64_t allowed = most(limits, kind, from_day, to_day);
        struct fact which, expected, found;
        char text[37];

        limits->findings->checked[CHECK_LIMIT]++;
        if (used <= allowed)
                return;
        fact_begin(&which, FACT_CARD_DAY_KEY);
        fact_text(&which, copy_print_uuid(card, text));
        fact_day(&which, from_day);
        fact_begin(&expected, FACT_LIMIT);
        fact_text(&expected, limit_kind_name[kind]);
        fact_number(&expected, allowed);
        fact_begin(&found, FACT_VALUE);
        fact_number(&found, used);
        findings_add(limits->findings, CHECK_LIMIT, &which, &expected, &found);
}

void limits_check_day(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day, int64_t withdrawals,
                      int64_t cash_yen)
{
        check(limits, LIMIT_DAY_COUNT, card, day, day, withdrawals);
        check(limits, LIMIT_DAY_YEN, card, day, day, cash_yen);
}

void limits_check_month(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t month, int64_t cash_yen)
{
        check(limits, LIMIT_MONTH_YEN, card, month, calendar_month_of(month + 31) - 1, cash_yen);
}
