/*
 * history: a fiscal year and more of business that never was, written straight into the database by the daemon's
 * own rules, so that reports have something to report.
 *
 *      scenario, scale, seed --check--> history_run --pieces, any number of times--> all there --summaries--> finished
 *
 * A run that is broken off goes on where it stopped. A database holds one scenario at one scale and seed, and
 * nothing else in its period.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/reference_load.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/history_enter.h"
#include "tools/atmctl/history_write.h"
#include "tools/atmctl/rows.h"

enum { MILLION = 1000000 };

struct generation {
        const struct invocation *invocation;
        struct scenario scenario;
        struct business_plan plan;
        struct reference *reference;
        const char *scale; /* as given, canonical */
        int64_t seed;
        char from[11], to[11];
        char (*terminal)[9];
        bool *is_done;
};

/* Fetches one text. NULL after a complaint; to be freed. */
static char *one(struct database *database, const char *sql, int count, const char *const *parameters)
{
        PGresult *result = database_query(database, sql, count, parameters);
        char *text = result && PQntuples(result) && !PQgetisnull(result, 0, 0) ? strdup(PQgetvalue(result, 0, 0)) : NULL;

        if (result && !text)
                text = strdup("");
        PQclear(result);
        return text;
}

/* what has to be there ----------------------------------------------------------------------------------------- */

/* "0.01" to the ATMs of a fleet: rounded, at least one. */
static int64_t scaled_fleet(const char *scale, int64_t fleet)
{
        int64_t millionths = 0;
        int digits = -1;

        for (const char *at = scale; *at; at++) {
                if (*at == '.')
                        digits = 0;
                else if (digits < 6) {
                        millionths = millionths * 10 + (*at - '0');
                        digits += digits >= 0;
                }
        }
        for (digits = digits < 0 ? 0 : digits; digits < 6; digits++)
                millionths *= 10;
        fleet = (fleet * millionths + MILLION / 2) / MILLION;
        return fleet > 0 ? fleet : 1;
}

static bool load_terminals(struct database *database, struct generation *g)
{
        char limit[24];
        const char *parameters[] = {limit};
        PGresult *result;
        bool enough;

        snprintf(limit, sizeof(limit), "%" PRId64, g->plan.atms);
        result = database_query(database,
                                "SELECT terminal FROM atm WHERE hall IS NOT NULL AND enabled ORDER BY terminal LIMIT $1::bigint",
                                1, parameters);
        if (!result)
                return false;
        enough = PQntuples(result) == g->plan.atms;
        if (!enough)
                complain("the database has %d ATMs that stand in a hall and are enabled: scale %s wants %" PRId64
                         " ('atmctl hall import etc/halls.csv', 'atmctl atm import etc/atms.csv')",
                         PQntuples(result), g->scale, g->plan.atms);
        for (int i = 0; i < PQntuples(result) && enough; i++)
                snprintf(g->terminal[i], sizeof(g->terminal[i]), "%s", PQgetvalue(result, i, 0));
        PQclear(result);
        return enough;
}

static bool load_prefixes(struct database *database, struct generation *g)
{
        for (size_t i = 0; i < g->scenario.issuer_count; i++) {
                const char *issuer = g->scenario.issuer[i].issuer, *parameters[] = {issuer, g->from};
                char *prefix = one(database,
                                   "SELECT prefix FROM card_prefix WHERE issuer = $1 AND kind = 'cash' AND from_on <= $2::date "
                                   "ORDER BY from_on DESC, prefix LIMIT 1",
                                   2, parameters);
                bool found = prefix && *prefix;

                if (prefix && !found)
                        complain("%s: [issuers] %s: no prefix of its cash cards is in force on %s: expected one that 'atmctl "
                                 "prefix list' shows",
                                 g->scenario.path, issuer, g->from);
                snprintf(g->plan.prefix[i], sizeof(g->plan.prefix[i]), "%s", found ? prefix : "");
                free(prefix);
                if (!found)
                        return false;
        }
        return true;
}

static bool load_rules(struct database *database, struct generation *g)
{
        char error[PG_ERROR_MAX];

        if (!reference_read(database->connection, &g->reference, error)) {
                database_complain_of(error);
                return false;
        }
        g->plan.reference = g->reference;
        return true;
}

/* A gap would stop the work in the middle, with a withdrawal that has no price. */
static bool check_day(const struct generation *g, int32_t day)
{
        struct hours hours = reference_network_hours(g->reference, day);
        char text[11];

        calendar_print_day(day, text);
        if (hours.opens >= hours.closes) {
                complain("the fleet has no hours on %s ('atmctl hours import etc/hours.csv')", text);
                return false;
        }
        if (!reference_tax_rate(g->reference, day)) {
                complain("no rate of the consumption tax is in force on %s ('atmctl tax import etc/tax_rates.csv')", text);
                return false;
        }
        for (size_t i = 0; i < g->scenario.issuer_count; i++) {
                const char *issuer = g->scenario.issuer[i].issuer;

                for (int band = 0; band < BAND_COUNT; band++) {
                        if (reference_tariff(g->reference, issuer, (enum band)band, day))
                                continue;
                        complain("a gap in the tariffs: bank %s has none of band %s in force on %s ('atmctl tariff list --issuer "
                                 "%s')",
                                 issuer, band_name[band], text, issuer);
                        return false;
                }
        }
        return true;
}

static bool check_rules(const struct generation *g)
{
        for (size_t i = 0; i < g->scenario.issuer_count; i++) {
                if (!reference_issuer(g->reference, g->scenario.issuer[i].issuer)) {
                        complain("%s: [issuers] %s: the database has no such bank: expected one that 'atmctl issuer list' shows",
                                 g->scenario.path, g->scenario.issuer[i].issuer);
                        return false;
                }
        }
        for (int32_t day = g->scenario.from_day; day <= g->scenario.to_day; day++) {
                if (!check_day(g, day))
                        return false;
        }
        return true;
}

/* the run -------------------------------------------------------------------------------------------------------- */

static bool is_same_run(const struct generation *g, const PGresult *run)
{
        static const char *const names[] = {"scenario", "file's digest", "seed", "scale"};
        char seed[24];
        const char *wanted[] = {g->scenario.name, g->scenario.digest, seed, g->scale};

        snprintf(seed, sizeof(seed), "%" PRId64, g->seed);
        for (int i = 0; i < (int)LENGTH(names); i++) {
                if (strcmp(PQgetvalue(run, 0, i), wanted[i]) != 0) {
                        complain("the database holds a history with another %s: %s, not %s", names[i], PQgetvalue(run, 0, i),
                                 wanted[i]);
                        note("'atmctl history show' tells more; another history needs a database of its own");
                        return false;
                }
        }
        return true;
}

static bool is_empty(struct database *database, const struct generation *g)
{
        const char *parameters[] = {g->from, g->to};
        char *found = one(database,
                          "SELECT min(transmitted_at)::text FROM withdrawal WHERE transmitted_at >= $1::date AND transmitted_at < "
                          "$2::date + 1",
                          2, parameters);
        bool empty = found && !*found;

        if (found && !empty)
                complain("the database has withdrawals of that time already, the first at %s: expected none from %s to %s", found,
                         g->from, g->to);
        free(found);
        return empty;
}

static bool begin_run(struct database *database, struct generation *g)
{
        char seed[24], atms[24], whole[24];
        const char *parameters[] = {g->scenario.name, g->scenario.digest, seed, g->scale, g->from, g->to, atms, whole};
        PGresult *run = database_query(database, "SELECT scenario, digest, seed, scale FROM history_run", 0, NULL);
        bool begun;

        if (!run)
                return false;
        if (PQntuples(run)) {
                begun = is_same_run(g, run);
        } else {
                snprintf(seed, sizeof(seed), "%" PRId64, g->seed);
                snprintf(atms, sizeof(atms), "%" PRId64, g->plan.atms);
                snprintf(whole, sizeof(whole), "%" PRId64, g->plan.atms_whole);
                begun = is_empty(database, g) &&
                        database_execute(database, "SELECT ledger_make_partitions($1::date, $2::date + 1)", 2, &parameters[4]) &&
                        database_execute(database,
                                         "INSERT INTO history_run (scenario, digest, seed, scale, from_on, to_on, atms, "
                                         "atms_whole) VALUES ($1, $2, $3::bigint, $4, $5::date, $6::date, $7::integer, $8::integer)",
                                         LENGTH(parameters), parameters);
        }
        PQclear(run);
        return begun;
}

static bool load_done(struct database *database, struct generation *g)
{
        PGresult *result = database_query(database, "SELECT chunk FROM history_chunk", 0, NULL);

        if (!result)
                return false;
        for (int i = 0; i < PQntuples(result); i++)
                g->is_done[atoi(PQgetvalue(result, i, 0))] = true;
        PQclear(result);
        return true;
}

/* Months are summed up as soon as all of it is there. */
static bool summarise(struct database *database, const struct generation *g)
{
        const char *parameters[] = {g->to};
        char *month;
        bool more = true;

        progress("gathering statistics");
        if (!database_execute(database, "ANALYZE", 0, NULL) ||
            !database_execute(database, "SELECT summary_extend($1::date)", 1, parameters))
                return false;
        while (more) {
                month = one(database, "SELECT to_char(summary_build(), 'YYYY-MM')", 0, NULL);
                if (!month)
                        return false;
                more = *month;
                if (more)
                        progress("summing up %s", month);
                free(month);
        }
        progress_end();
        return database_execute(database, "ANALYZE summary", 0, NULL) &&
               database_execute(database, "UPDATE history_run SET finished = true", 0, NULL);
}

/* What it came to: a line a quarter. */
static bool say_quarters(struct database *database, const struct generation *g)
{
        static const struct output_column columns[] = {
            {"quarter", OUTPUT_TEXT, 0}, {"withdrawals", OUTPUT_YEN, 0}, {"commission_yen", OUTPUT_YEN, 0}, {"base_fee_yen", OUTPUT_YEN, 0}};
        const char *parameters[] = {g->from, g->to};
        PGresult *result = database_query(
            database,
            "SELECT r.quarter, r.withdrawals, r.commission, b.base_fee FROM (SELECT quarter_of(month) AS quarter, "
            "sum(withdrawals) AS withdrawals, sum(customer_fee_yen + interbank_fee_yen) AS commission, min(month) AS first FROM "
            "report_place($1::date, $2::date) GROUP BY 1) r LEFT JOIN (SELECT quarter_of(month) AS quarter, sum(base_fee_yen) "
            "AS base_fee FROM report_base_fee($1::date, $2::date) GROUP BY 1) b USING (quarter) ORDER BY r.first",
            2, parameters);
        struct output *output = result ? output_open_stream(g->invocation) : NULL;
        bool said = output && output_section(output, NULL, OUTPUT_ROWS, columns, LENGTH(columns), result);

        said = output && output_close(output) && said;
        PQclear(result);
        return said;
}

/* generate -------------------------------------------------------------------------------------------------------- */

static bool prepare(struct generation *g)
{
        char error[SCENARIO_ERROR_MAX];

        if (!scenario_load(invocation_value(g->invocation, "scenario"), &g->scenario, error)) {
                complain("%s", error);
                return false;
        }
        g->scale = invocation_value(g->invocation, "scale");
        g->scale = g->scale ? g->scale : "1";
        g->seed = invocation_number(g->invocation, "seed", 1);
        calendar_print_day(g->scenario.from_day, g->from);
        calendar_print_day(g->scenario.to_day, g->to);
        g->plan = (struct business_plan){.scenario = &g->scenario,
                                         .seed = (uint64_t)g->seed,
                                         .atms_whole = scenario_fleet(&g->scenario)};
        g->plan.atms = scaled_fleet(g->scale, g->plan.atms_whole);
        g->terminal = calloc((size_t)g->plan.atms, sizeof(*g->terminal));
        g->is_done = calloc((size_t)g->plan.atms, sizeof(*g->is_done));
        if (g->terminal && g->is_done)
                return true;
        complain("out of memory");
        return false;
}

/* As the tables' owner: nobody else may add to history. */
static bool open_as_owner(struct database *database, const struct invocation *invocation)
{
        if (!database_open(database, invocation, DATABASE_READY))
                return false;
        if (database_execute(database, "SET ROLE atm_owner", 0, NULL))
                return true;
        note("only a superuser, or a member of atm_owner, may write history (PGUSER or --conninfo)");
        database_close(database);
        return false;
}

static bool set_up(struct generation *g)
{
        struct database database;
        bool good;

        if (!open_as_owner(&database, g->invocation))
                return false;
        progress("waiting for whoever else writes a history");
        good = database_execute(&database, "SELECT pg_advisory_lock(" HISTORY_LOCK ")", 0, NULL) &&
               load_terminals(&database, g) && load_prefixes(&database, g) && begin_run(&database, g) &&
               load_rules(&database, g) && check_rules(g) &&
               history_enter(&database, &g->plan, (const char(*)[9])g->terminal) && load_done(&database, g);
        database_close(&database);
        return good;
}

static bool finish(struct generation *g, const struct history_total *total, int64_t written_ms)
{
        struct database database;
        bool good;

        if (!open_as_owner(&database, g->invocation))
                return false;
        good = summarise(&database, g) && say_quarters(&database, g);
        if (good)
                printf("scenario %s, scale %s: %" PRId64 " of %" PRId64 " ATMs; %" PRId64 " withdrawals, %" PRId64
                       " rows written in %" PRId64 ".%" PRId64 " s\n",
                       g->scenario.name, g->scale, g->plan.atms, g->plan.atms_whole, total->withdrawals, total->rows,
                       written_ms / 1000, written_ms / 100 % 10);
        database_close(&database);
        return good;
}

static int history_generate(const struct invocation *invocation)
{
        struct generation *g = calloc(1, sizeof(*g));
        int64_t processes = invocation_number(invocation, "jobs", sysconf(_SC_NPROCESSORS_ONLN));
        struct history_total total;
        int64_t began_ms;
        int exit_code = EXIT_FAILED;

        if (!g) {
                complain("out of memory");
                return EXIT_FAILED;
        }
        g->invocation = invocation;
        if (prepare(g) && set_up(g)) {
                struct history_job job = {.plan = &g->plan,
                                          .scenario = g->scenario.name,
                                          .terminal = (const char(*)[9])g->terminal,
                                          .is_done = g->is_done,
                                          .invocation = invocation};

                began_ms = real_now_ms();
                if (history_write(&job, (int)processes, &total) && finish(g, &total, real_now_ms() - began_ms))
                        exit_code = EXIT_DONE;
                else
                        note("what is there stays; the same command goes on with the rest");
        }
        reference_free(g->reference);
        free(g->terminal);
        free(g->is_done);
        free(g);
        return exit_code;
}

static int history_show(const struct invocation *invocation)
{
        static const struct output_column columns[] = {
            {"scenario", OUTPUT_TEXT, 0},      {"seed", OUTPUT_NUMBER, 0},       {"scale", OUTPUT_TEXT, 0},
            {"from", OUTPUT_TEXT, 0},          {"to", OUTPUT_TEXT, 0},           {"atms", OUTPUT_NUMBER, 0},
            {"atms_whole", OUTPUT_NUMBER, 0},  {"atms_written", OUTPUT_NUMBER, 0}, {"withdrawals", OUTPUT_YEN, 0},
            {"finished", OUTPUT_BOOL, 0},      {"digest", OUTPUT_TEXT, 0}};

        return rows_print(invocation,
                          &(struct rows_query){.sql = "SELECT r.scenario, r.seed, r.scale, r.from_on, r.to_on, r.atms, "
                                                      "r.atms_whole, count(c.chunk), coalesce(sum(c.withdrawals), 0)::bigint, "
                                                      "r.finished, r.digest FROM history_run r LEFT JOIN history_chunk c USING "
                                                      "(scenario) GROUP BY r.scenario",
                                               .shape = OUTPUT_ONE,
                                               .columns = columns,
                                               .column_count = LENGTH(columns),
                                               .absent = "no history was generated into this database"});
}

static const struct field generate_fields[] = {
    {.name = "scenario", .kind = VALUE_FILE, .flags = FIELD_REQUIRED, .text = "the scenario's file, as etc/scenarios/fy2015-fy2016"},
    {.name = "scale",
     .kind = VALUE_SCALE,
     .text = "how much of the fleet: 0.01 takes one ATM of a hundred, with the same business each; 1 unless given"},
    {.name = "seed", .kind = VALUE_NUMBER, .text = "of all that is left to chance; 1 unless given"},
    {.name = "jobs", .kind = VALUE_NUMBER, .text = "processes that write at the same time; as many as processors unless given"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "history",
     .verb = "generate",
     .text = "write years of business that never was, for reports and trials",
     .more = "Decided and priced by the daemon's own rules, written straight into the database, ATM by ATM: withdrawals, "
             "advices, commission, what banks were told, use of cards, accounts, roll-up, contracts, and the figures that the "
             "scenario says finance entered. The same file, scale and seed give the same rows. Broken off, the same command "
             "goes on. Halls, ATMs, banks, prefixes, tariffs, taxes, holidays, hours and limits must be there. Every report says "
             "that it is no real business. Needs a superuser or a member of atm_owner.\n"
             "Example: atmctl history generate --scenario etc/scenarios/fy2015-fy2016 --scale 0.01",
     .flags = COMMAND_DATABASE,
     .run = history_generate,
     .fields = generate_fields},
    {.noun = "history",
     .verb = "show",
     .text = "show what was generated into this database, and how far it is",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE,
     .run = history_show},
};

const struct command_group group_history = {commands, sizeof(commands) / sizeof(*commands), "Generated history"};
