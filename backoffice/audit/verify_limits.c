#include "backoffice/audit/verify_limits.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "rules/calendar.h"

/*
 * From the decision to the moment that stands in the rows (a bank has to answer between the two), and from the moment of a
 * change, which the trail has from the end of its transaction, to its commit.
 */
#define SLACK_US (INT64_C(300) * 1000000)

/* reading ---------------------------------------------------------------------------------------------- */

static bool add_limit(struct limits *limits, struct copy_out *copy, enum limit_kind kind,
                      const struct limit_row *row)
{
        if (!copy_room(copy, &limits->limit[kind], limits->limits[kind], sizeof(*row)))
                return false;
        limits->limit[kind][limits->limits[kind]++] = *row;
        return true;
}

/* kind, first day, whether it has a value, value. NAME_NONE: there is no such row. LIMIT_KIND_COUNT: a kind that nobody knows. */
static uint32_t take_limit(struct copy_out *copy, struct copy_source *source, enum limit_kind *ret_kind,
                           struct limit_row *ret_row)
{
        uint32_t name = copy_name(copy);
        int kind = 0;
        bool is_set;

        *ret_row = (struct limit_row){
            .from_day = copy_day(copy), .held_from_us = INT64_MIN, .held_until_us = INT64_MAX};
        is_set = copy_bool(copy);
        ret_row->value = copy_int8(copy);
        if (!is_set)
                ret_row->value = LIMIT_NONE;
        while (kind < LIMIT_KIND_COUNT && strcmp(limit_kind_name[kind], names_text(source->names, name)))
                kind++;
        *ret_kind = (enum limit_kind)kind;
        return name;
}

static bool read_limits(struct limits *limits, struct copy_source *source)
{
        struct copy_out copy;

        if (!copy_out_begin(&copy, source, "SELECT kind, from_on, value IS NOT NULL, value FROM limit_rule"))
                return false;
        while (copy_out_row(&copy)) {
                struct limit_row row;
                enum limit_kind kind;

                (void)take_limit(&copy, source, &kind, &row);
                if (kind == LIMIT_KIND_COUNT) {
                        copy_source_fail(source, "limit_rule has a kind that nobody knows");
                        copy.failed = true;
                } else {
                        (void)add_limit(limits, &copy, kind, &row);
                }
        }
        return copy_out_end(&copy);
}

/* What held from then on did not before. (Is its value another one, the trail's own check says so.) */
static void held_since(struct limits *limits, enum limit_kind kind, int32_t from_day, int64_t at_us)
{
        for (size_t i = 0; i < limits->limits[kind]; i++) {
                struct limit_row *row = &limits->limit[kind][i];

                if (row->from_day == from_day && row->held_from_us == INT64_MIN)
                        row->held_from_us = at_us;
        }
}

static bool read_former_limits(struct limits *limits, struct copy_source *source)
{
        struct copy_out copy;

        if (!copy_out_begin(
                &copy, source,
                "SELECT at, after ->> 'kind', (after ->> 'from_on')::date, after ->> 'value' IS NOT "
                "NULL, (after ->> 'value')::bigint, before ->> 'kind', (before ->> 'from_on')::date, "
                "before ->> 'value' IS NOT NULL, (before ->> 'value')::bigint FROM trail WHERE noun = "
                "'limit' AND at IS NOT NULL ORDER BY change DESC"))
                return false;
        while (copy_out_row(&copy)) {
                int64_t at_us = copy_moment_us(&copy);
                struct limit_row after, before;
                enum limit_kind kind;

                if (take_limit(&copy, source, &kind, &after) != NAME_NONE && kind < LIMIT_KIND_COUNT)
                        held_since(limits, kind, after.from_day, at_us);
                if (take_limit(&copy, source, &kind, &before) == NAME_NONE || kind == LIMIT_KIND_COUNT)
                        continue;
                before.held_until_us = at_us;
                (void)add_limit(limits, &copy, kind, &before);
        }
        return copy_out_end(&copy);
}

static bool read_exclusions(struct limits *limits, struct copy_source *source)
{
        struct copy_out copy;

        if (!copy_out_begin(
                &copy, source,
                /* since it was last made longer; by the mask, of several cards since the last one's */
                "SELECT e.card_token, e.from_on, e.until_on, t.at IS NOT NULL, t.at FROM exclusion e LEFT "
                "JOIN "
                "LATERAL (SELECT max(t.at) AS at FROM trail t WHERE t.noun = 'exclusion' AND t.key = "
                "coalesce(e.pan_mask, '?') || ' ' || to_char(e.from_on, 'YYYY-MM-DD') AND t.after IS NOT "
                "NULL AND "
                "(t.before IS NULL OR coalesce((t.after ->> 'until_on')::date, 'infinity') > "
                "coalesce((t.before ->> 'until_on')::date, 'infinity'))) t ON true ORDER BY e.card_token, "
                "e.from_on"))
                return false;
        while (copy_out_row(&copy)) {
                struct exclusion_row row = {.held_from_us = INT64_MIN};
                bool is_timed;
                int64_t at_us;

                copy_uuid(&copy, row.card);
                row.from_day = copy_day(&copy);
                row.until_day = copy_day(&copy);
                if (row.until_day == COPY_NO_DAY)
                        row.until_day = INT32_MAX;
                is_timed = copy_bool(&copy);
                at_us = copy_moment_us(&copy);
                if (is_timed)
                        row.held_from_us = at_us;
                if (copy_room(&copy, &limits->exclusion, limits->exclusions, sizeof(row)))
                        limits->exclusion[limits->exclusions++] = row;
        }
        return copy_out_end(&copy);
}

bool limits_open(struct limits *limits, struct copy_source *source, struct findings *findings)
{
        *limits = (struct limits){.findings = findings};
        return read_limits(limits, source) && read_former_limits(limits, source) &&
               read_exclusions(limits, source);
}

void limits_close(struct limits *limits)
{
        for (int kind = 0; kind < LIMIT_KIND_COUNT; kind++)
                free(limits->limit[kind]);
        free(limits->exclusion);
        *limits = (struct limits){.exclusions = 0};
}

/* checking --------------------------------------------------------------------------------------------- */

static bool is_known(int64_t decided_us)
{
        return decided_us != DECIDED_ONCE && decided_us != DECIDED_LATELY;
}

static bool is_barred(const struct exclusion_row *row, int32_t day, int64_t decided_us)
{
        if (day < row->from_day || day >= row->until_day)
                return false;
        if (is_known(decided_us) && row->held_from_us != INT64_MIN)
                return decided_us - SLACK_US >= row->held_from_us;
        return day > row->from_day && row->held_from_us == INT64_MIN;
}

bool limits_exclude(const struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day,
                    int64_t decided_us)
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
                if (is_barred(&limits->exclusion[low], day, decided_us))
                        return true;
        return false;
}

/* The row that held at a moment for a day: the last that begins on or before it. NULL: none. */
static const struct limit_row *row_of(const struct limits *limits, enum limit_kind kind, int32_t day,
                                      int64_t at_us)
{
        const struct limit_row *last = NULL;

        for (size_t i = 0; i < limits->limits[kind]; i++) {
                const struct limit_row *row = &limits->limit[kind][i];

                if (row->from_day <= day && row->held_from_us <= at_us && at_us < row->held_until_us &&
                    (!last || row->from_day > last->from_day))
                        last = row;
        }
        return last;
}

/* The most that any of the days [from, to] allowed, by the rows of that moment, and whether any of them had a row. */
static int64_t most_at(const struct limits *limits, enum limit_kind kind, int32_t from_day, int32_t to_day,
                       int64_t at_us, bool *ret_has_row)
{
        const struct limit_row *row = row_of(limits, kind, to_day, at_us);
        int64_t value = INT64_MIN;

        *ret_has_row = row != NULL;
        for (; row; row = row_of(limits, kind, row->from_day - 1, at_us)) {
                if (row->value > value)
                        value = row->value;
                /* on its first day the one before it may have held still */
                if (row->from_day < from_day)
                        return value;
        }
        return LIMIT_NONE;
}

/* The most that was allowed at the moment of a decision; where that isn't known, whenever there was a limit. */
static int64_t most(const struct limits *limits, enum limit_kind kind, int32_t from_day, int32_t to_day,
                    int64_t decided_us)
{
        bool known = is_known(decided_us), has_row;
        int64_t first_us = known ? decided_us - SLACK_US : INT64_MIN;
        int64_t last_us = known ? decided_us : INT64_MAX - 1;
        int64_t value = most_at(limits, kind, from_day, to_day, first_us, &has_row);
        bool has_value = known || has_row;

        for (size_t i = 0; i < limits->limits[kind]; i++) {
                const struct limit_row *row = &limits->limit[kind][i];
                const int64_t changed_us[] = {row->held_from_us, row->held_until_us};

                for (size_t n = 0; n < LENGTH(changed_us); n++) {
                        int64_t then;

                        if (changed_us[n] <= first_us || changed_us[n] > last_us)
                                continue;
                        then = most_at(limits, kind, from_day, to_day, changed_us[n], &has_row);
                        if ((known || has_row) && (!has_value || then > value)) {
                                value = then;
                                has_value = true;
                        }
                }
        }
        return has_value ? value : LIMIT_NONE;
}

static void check(struct limits *limits, enum limit_kind kind, const uint8_t card[UUID_SIZE],
                  int32_t from_day, int32_t to_day, int64_t decided_us, int64_t used)
{
        int64_t allowed = most(limits, kind, from_day, to_day, decided_us);
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

void limits_check_day(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day, int64_t decided_us,
                      int64_t withdrawals, int64_t cash_yen)
{
        check(limits, LIMIT_DAY_COUNT, card, day, day, decided_us, withdrawals);
        check(limits, LIMIT_DAY_YEN, card, day, day, decided_us, cash_yen);
}

void limits_check_month(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t month,
                        int64_t decided_us, int64_t cash_yen)
{
        check(limits, LIMIT_MONTH_YEN, card, month, calendar_month_of(month + 31) - 1, decided_us, cash_yen);
}
