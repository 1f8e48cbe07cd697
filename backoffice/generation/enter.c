/* Entries of a scenario as rows: for each kind the values that it is checked as, and the statement that adds it. */
#include "backoffice/generation/enter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/array.h"
#include "lib/base/number.h"
#include "rules/calendar.h"

enum { PARAMETERS = 5 };

/* $1 and $2 the words of the section, $3 the key, $4 the value, $5 the source. */
static const struct {
        enum generation_word key[2], name, value;
        bool needs_source, is_scaled;
        const char *sql;
} entries[ENTRY_KINDS] = {
    [ENTRY_COST] = {{WORD_QUARTER, WORD_ANY},
                    WORD_COST_ITEM,
                    WORD_YEN,
                    false,
                    true,
                    "INSERT INTO cost (quarter, item, amount_yen, note) SELECT $1, $3, $4::bigint, "
                    "nullif($5, '') WHERE $2 = ''"},
    [ENTRY_TARGET] = {{WORD_FISCAL_YEAR, WORD_DATE},
                      WORD_RESULT_ITEM,
                      WORD_AMOUNT,
                      false,
                      true,
                      "INSERT INTO target (fiscal_year, item, announced_on, value, note) "
                      "VALUES ($1::integer, $3, $2::date, $4::bigint, nullif($5, ''))"},
    [ENTRY_PUBLISHED] =
        {{WORD_PERIOD, WORD_ANY},
         WORD_RESULT_ITEM,
         WORD_AMOUNT,
         true,
         false,
         "INSERT INTO published (period, item, value, source) SELECT $1, $3, $4::bigint, $5 WHERE $2 = ''"},
    [ENTRY_PEER] =
        {{WORD_PEER, WORD_ANY},
         WORD_PEER_ITEM,
         WORD_DECIMAL,
         true,
         false,
         "INSERT INTO peer (peer, item, value, source) SELECT $1, $3, $4::numeric, $5 WHERE $2 = ''"},
    [ENTRY_RATE] = {{WORD_RATE_ITEM, WORD_ANY},
                    WORD_DATE,
                    WORD_BASIS_POINTS,
                    false,
                    false,
                    "INSERT INTO finance_rate (item, from_on, rate_bp, note) "
                    "SELECT $1, $3::date, $4::integer, nullif($5, '') WHERE $2 = ''"},
    [ENTRY_PARLORS] = {{WORD_ANY, WORD_ANY},
                       WORD_AREA,
                       WORD_NUMBER,
                       false,
                       false,
                       "UPDATE area SET parlors = coalesce(parlors, $4::integer) WHERE area = $3 AND $1 || "
                       "$2 || $5 IS NOT NULL"},
};

struct entering {
        PGconn *connection;
        const struct business_plan *plan;
        generation_check *check;
        char *error;
};

static bool check(const struct entering *e, const struct scenario_entry *entry, enum generation_word word,
                  const char *text, char ret_canonical[GENERATION_WORD_MAX])
{
        char why[GENERATION_WHY_MAX];

        if (e->check(word, text, ret_canonical, why))
                return true;
        snprintf(e->error, PG_ERROR_MAX, "%s:%d: %s", e->plan->scenario->path, entry->line, why);
        return false;
}

/* A smaller fleet has smaller costs and targets: as many of the whole's as it has ATMs. */
static void scale(const struct business_plan *plan, char value[GENERATION_WORD_MAX])
{
        __int128 whole = (__int128)number_known(value) * plan->atms;

        snprintf(value, GENERATION_WORD_MAX, "%lld",
                 (long long)((whole + plan->atms_whole / 2) / plan->atms_whole));
}

static bool enter(const struct entering *e, const struct scenario_entry *entry)
{
        char text[PARAMETERS][GENERATION_WORD_MAX] = {""};
        const char *parameters[PARAMETERS] = {text[0], text[1], text[2], text[3], entry->source};
        char sql[512];

        if ((entry->key[0][0] && !check(e, entry, entries[entry->kind].key[0], entry->key[0], text[0])) ||
            (entry->key[1][0] && !check(e, entry, entries[entry->kind].key[1], entry->key[1], text[1])) ||
            !check(e, entry, entries[entry->kind].name, entry->name, text[2]) ||
            !check(e, entry, entries[entry->kind].value, entry->value, text[3]))
                return false;
        if (entries[entry->kind].needs_source && !entry->source[0]) {
                snprintf(
                    e->error, PG_ERROR_MAX,
                    "%s:%d: the section has no source: expected 'source = the document, and how it follows'",
                    e->plan->scenario->path, entry->line);
                return false;
        }
        if (entries[entry->kind].is_scaled)
                scale(e->plan, text[3]);
        snprintf(sql, sizeof(sql), "%s%s", entries[entry->kind].sql,
                 entry->kind == ENTRY_PARLORS ? "" : " ON CONFLICT DO NOTHING");
        return pg_execute(e->connection, sql, PARAMETERS, parameters, e->error);
}

static bool enter_contract(const struct entering *e, const char *terminal, int64_t index)
{
        char from[11], fee[24];
        const char *parameters[] = {terminal, from, fee};

        calendar_print_day(business_opens_day(e->plan, index), from);
        snprintf(fee, sizeof(fee), "%" PRId64, business_base_fee_yen(e->plan, index));
        return pg_execute(
            e->connection,
            "INSERT INTO contract (terminal, from_on, hall, base_fee_yen) SELECT $1, $2::date, hall, "
            "$3::bigint FROM atm a WHERE terminal = $1 AND NOT EXISTS (SELECT FROM contract c WHERE "
            "c.terminal "
            "= a.terminal)",
            LENGTH(parameters), parameters, e->error);
}

bool generation_enter(PGconn *connection, const struct business_plan *plan, const char (*terminal)[9],
                      generation_check *check_word, char error[PG_ERROR_MAX])
{
        const struct entering e = {
            .connection = connection, .plan = plan, .check = check_word, .error = error};
        const struct scenario *scenario = plan->scenario;

        if (!pg_execute(connection, "BEGIN", 0, NULL, error))
                return false;
        for (size_t i = 0; i < scenario->entry_count; i++) {
                if (!enter(&e, &scenario->entry[i]))
                        return false;
        }
        for (int64_t i = 0; i < plan->atms; i++) {
                if (!enter_contract(&e, terminal[i], i))
                        return false;
        }
        return pg_execute(connection, "COMMIT", 0, NULL, error);
}
