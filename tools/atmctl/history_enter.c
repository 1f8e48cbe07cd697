/* Entries of a scenario as rows: for each kind the values that it is checked as, and the statement that adds it. */
#include "tools/atmctl/history_enter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/operator.h"
#include "tools/atmctl/rows.h"

enum { PARAMETERS = 5 };

/* $1 and $2 the words of the section, $3 the key, $4 the value, $5 the source. */
static const struct {
        enum value_kind key[2], name, value;
        bool needs_source, is_scaled;
        const char *sql;
} entries[ENTRY_KINDS] = {
    [ENTRY_COST] = {{VALUE_QUARTER, VALUE_ANYTHING}, VALUE_COST_ITEM, VALUE_YEN, false, true,
                    "INSERT INTO cost (quarter, item, amount_yen, note) SELECT $1, $3, $4::bigint, nullif($5, '') WHERE $2 = ''"},
    [ENTRY_TARGET] = {{VALUE_FISCAL_YEAR, VALUE_DATE}, VALUE_RESULT_ITEM, VALUE_AMOUNT, false, true,
                      "INSERT INTO target (fiscal_year, item, announced_on, value, note) "
                      "VALUES ($1::integer, $3, $2::date, $4::bigint, nullif($5, ''))"},
    [ENTRY_PUBLISHED] = {{VALUE_PERIOD, VALUE_ANYTHING}, VALUE_RESULT_ITEM, VALUE_AMOUNT, true, false,
                         "INSERT INTO published (period, item, value, source) SELECT $1, $3, $4::bigint, $5 WHERE $2 = ''"},
    [ENTRY_PEER] = {{VALUE_PEER, VALUE_ANYTHING}, VALUE_PEER_ITEM, VALUE_DECIMAL, true, false,
                    "INSERT INTO peer (peer, item, value, source) SELECT $1, $3, $4::numeric, $5 WHERE $2 = ''"},
    [ENTRY_RATE] = {{VALUE_RATE_ITEM, VALUE_ANYTHING}, VALUE_DATE, VALUE_BASIS_POINTS, false, false,
                    "INSERT INTO finance_rate (item, from_on, rate_bp, note) "
                    "SELECT $1, $3::date, $4::integer, nullif($5, '') WHERE $2 = ''"},
    [ENTRY_PARLORS] = {{VALUE_ANYTHING, VALUE_ANYTHING}, VALUE_AREA, VALUE_NUMBER, false, false,
                       "UPDATE area SET parlors = coalesce(parlors, $4::integer) WHERE area = $3 AND $1 || $2 || $5 IS NOT NULL"},
};

static bool check(const struct scenario *scenario, const struct scenario_entry *entry, enum value_kind kind, const char *text,
                  char ret_canonical[VALUE_MAX])
{
        char shown[VALUE_MAX];

        if (value_check(kind, text, ret_canonical))
                return true;
        value_show(kind, text, shown, sizeof(shown));
        complain("%s:%d: %s: expected %s", scenario->path, entry->line, shown, value_row(kind)->expected);
        return false;
}

/* A smaller fleet has smaller costs and targets: as many of the whole's as it has ATMs. */
static void scale(const struct business_plan *plan, char value[VALUE_MAX])
{
        __int128 whole = (__int128)strtoll(value, NULL, 10) * plan->atms;

        snprintf(value, VALUE_MAX, "%lld", (long long)((whole + plan->atms_whole / 2) / plan->atms_whole));
}

static bool enter(struct database *database, const struct business_plan *plan, const struct scenario_entry *entry)
{
        const struct scenario *scenario = plan->scenario;
        char text[PARAMETERS][VALUE_MAX] = {""};
        const char *parameters[PARAMETERS] = {text[0], text[1], text[2], text[3], entry->source};
        char sql[512];

        if ((entry->key[0][0] && !check(scenario, entry, entries[entry->kind].key[0], entry->key[0], text[0])) ||
            (entry->key[1][0] && !check(scenario, entry, entries[entry->kind].key[1], entry->key[1], text[1])) ||
            !check(scenario, entry, entries[entry->kind].name, entry->name, text[2]) ||
            !check(scenario, entry, entries[entry->kind].value, entry->value, text[3]))
                return false;
        if (entries[entry->kind].needs_source && !entry->source[0]) {
                complain("%s:%d: the section has no source: expected 'source = the document, and how it follows'", scenario->path,
                         entry->line);
                return false;
        }
        if (entries[entry->kind].is_scaled)
                scale(plan, text[3]);
        snprintf(sql, sizeof(sql), "%s%s", entries[entry->kind].sql,
                 entry->kind == ENTRY_PARLORS ? "" : " ON CONFLICT DO NOTHING");
        return database_execute(database, sql, PARAMETERS, parameters);
}

static bool enter_contract(struct database *database, const struct business_plan *plan, const char *terminal, int64_t index)
{
        char from[11], fee[24];
        const char *parameters[] = {terminal, from, fee};

        calendar_print_day(business_opens_day(plan, index), from);
        snprintf(fee, sizeof(fee), "%" PRId64, business_base_fee_yen(plan, index));
        return database_execute(database,
                                "INSERT INTO contract (terminal, from_on, hall, base_fee_yen) SELECT $1, $2::date, hall, "
                                "$3::bigint FROM atm a WHERE terminal = $1 AND NOT EXISTS (SELECT FROM contract c WHERE c.terminal "
                                "= a.terminal)",
                                LENGTH(parameters), parameters);
}

bool history_enter(struct database *database, const struct business_plan *plan, const char (*terminal)[9])
{
        const struct scenario *scenario = plan->scenario;

        if (!operator_sign(database) || !database_execute(database, "BEGIN", 0, NULL))
                return false;
        for (size_t i = 0; i < scenario->entry_count; i++) {
                if (!enter(database, plan, &scenario->entry[i]))
                        return false;
        }
        for (int64_t i = 0; i < plan->atms; i++) {
                if (!enter_contract(database, plan, terminal[i], i))
                        return false;
        }
        return database_execute(database, "COMMIT", 0, NULL);
}
