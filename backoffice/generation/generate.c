#include "backoffice/generation/generate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference_load.h"
#include "lib/base/array.h"
#include "lib/base/now.h"
#include "rules/calendar.h"

enum { MILLION = 1000000 };

struct generation {
        const struct generation_question *question;
        PGconn *connection; /* while it is set up, and again for its summaries */
        struct scenario scenario;
        struct business_plan plan;
        struct reference *reference;
        char from[11], to[11];
        char (*terminal)[9];
        bool *is_done;
        int64_t done_before;
        char *error;
};

ATM_PRINTF(2, 3) static void fail(const struct generation *g, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(g->error, PG_ERROR_MAX, format, arguments);
        va_end(arguments);
}

static void tell(const struct generation *g, struct generation_progress progress)
{
        if (g->question->on_progress)
                g->question->on_progress(&progress, g->question->context);
}

static PGresult *ask(const struct generation *g, const char *sql, int count, const char *const *parameters)
{
        return pg_query(g->connection, sql, count, parameters, g->error);
}

static bool run(const struct generation *g, const char *sql, int count, const char *const *parameters)
{
        return pg_execute(g->connection, sql, count, parameters, g->error);
}

/* Fetches one text. NULL with an error; to be freed. */
static char *one(const struct generation *g, const char *sql, int count, const char *const *parameters)
{
        PGresult *result = ask(g, sql, count, parameters);
        char *text = result && PQntuples(result) && !PQgetisnull(result, 0, 0)
                         ? strdup(PQgetvalue(result, 0, 0))
                         : NULL;

        if (result && !text)
                text = strdup("");
        PQclear(result);
        return text;
}

/* what has to be there ----------------------------------------------------------------------------------------- */

int64_t generation_scaled_fleet(const char *scale, int64_t fleet)
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

static bool load_terminals(struct generation *g)
{
        char limit[24];
        const char *parameters[] = {limit};
        PGresult *result;
        bool enough;

        snprintf(limit, sizeof(limit), "%" PRId64, g->plan.atms);
        result = ask(
            g,
            "SELECT terminal FROM atm WHERE hall IS NOT NULL AND enabled ORDER BY terminal LIMIT $1::bigint",
            1, parameters);
        if (!result)
                return false;
        enough = PQntuples(result) == g->plan.atms;
        if (!enough)
                fail(g,
                     "the database has %d ATMs that stand in a hall and are enabled: scale %s wants %" PRId64
                     " ('atmctl hall import etc/halls.csv', 'atmctl atm import etc/atms.csv')",
                     PQntuples(result), g->question->scale, g->plan.atms);
        for (int i = 0; i < PQntuples(result) && enough; i++)
                snprintf(g->terminal[i], sizeof(g->terminal[i]), "%s", PQgetvalue(result, i, 0));
        PQclear(result);
        return enough;
}

static bool load_prefixes(struct generation *g)
{
        for (size_t i = 0; i < g->scenario.issuer_count; i++) {
                const char *issuer = g->scenario.issuer[i].issuer, *parameters[] = {issuer, g->from};
                char *prefix = one(g,
                                   "SELECT prefix FROM card_prefix WHERE issuer = $1 AND kind = 'cash' AND "
                                   "from_on <= $2::date "
                                   "ORDER BY from_on DESC, prefix LIMIT 1",
                                   2, parameters);
                bool found = prefix && *prefix;

                if (prefix && !found)
                        fail(g,
                             "%s: [issuers] %s: no prefix of its cash cards is in force on %s: expected one "
                             "that 'atmctl "
                             "prefix list' shows",
                             g->scenario.path, issuer, g->from);
                snprintf(g->plan.prefix[i], sizeof(g->plan.prefix[i]), "%s", found ? prefix : "");
                free(prefix);
                if (!found)
                        return false;
        }
        return true;
}

static bool load_rules(struct generation *g)
{
        if (!reference_read(g->connection, &g->reference, g->error))
                return false;
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
                fail(g, "the fleet has no hours on %s ('atmctl hours import etc/hours.csv')", text);
                return false;
        }
        if (!reference_tax_rate(g->reference, day)) {
                fail(g,
                     "no rate of the consumption tax is in force on %s ('atmctl tax import "
                     "etc/tax_rates.csv')",
                     text);
                return false;
        }
        for (size_t i = 0; i < g->scenario.issuer_count; i++) {
                const char *issuer = g->scenario.issuer[i].issuer;

                for (int band = 0; band < BAND_COUNT; band++) {
                        if (reference_tariff(g->reference, issuer, (enum band)band, day))
                                continue;
                        fail(g,
                             "a gap in the tariffs: bank %s has none of band %s in force on %s ('atmctl "
                             "tariff list --issuer "
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
                        fail(g,
                             "%s: [issuers] %s: the database has no such bank: expected one that 'atmctl "
                             "issuer list' shows",
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
        const char *wanted[] = {g->scenario.name, g->scenario.digest, seed, g->question->scale};

        snprintf(seed, sizeof(seed), "%" PRId64, g->question->seed);
        for (int i = 0; i < (int)LENGTH(names); i++) {
                if (strcmp(PQgetvalue(run, 0, i), wanted[i]) != 0) {
                        fail(g,
                             "the database holds a history with another %s: %s, not %s\n'atmctl history "
                             "show' tells more; "
                             "another history needs a database of its own",
                             names[i], PQgetvalue(run, 0, i), wanted[i]);
                        return false;
                }
        }
        return true;
}

/* Of whatever time: what ATMs did can't be parted again from what never was, neither in reports nor in the books. */
static bool is_empty(const struct generation *g)
{
        char *found = one(g, "SELECT transmitted_at::text FROM withdrawal LIMIT 1", 0, NULL);
        bool empty = found && !*found;

        if (found && !empty)
                fail(g,
                     "the database has withdrawals that are of no history, as one of %s: expected none\n"
                     "a history needs a database of its own, or to be there before its ATMs are served",
                     found);
        free(found);
        return empty;
}

static bool begin_run(struct generation *g)
{
        char seed[24], atms[24], whole[24];
        const char *parameters[] = {
            g->scenario.name, g->scenario.digest, seed, g->question->scale, g->from, g->to, atms, whole};
        PGresult *known = ask(g, "SELECT scenario, digest, seed, scale FROM history_run", 0, NULL);
        bool begun;

        if (!known)
                return false;
        if (PQntuples(known)) {
                begun = is_same_run(g, known);
        } else {
                snprintf(seed, sizeof(seed), "%" PRId64, g->question->seed);
                snprintf(atms, sizeof(atms), "%" PRId64, g->plan.atms);
                snprintf(whole, sizeof(whole), "%" PRId64, g->plan.atms_whole);
                begun = is_empty(g) &&
                        run(g, "SELECT ledger_make_partitions($1::date, $2::date + 1)", 2, &parameters[4]) &&
                        run(g,
                            "INSERT INTO history_run (scenario, digest, seed, scale, from_on, to_on, atms, "
                            "atms_whole) "
                            "VALUES ($1, $2, $3::bigint, $4, $5::date, $6::date, $7::integer, $8::integer)",
                            LENGTH(parameters), parameters);
        }
        PQclear(known);
        return begun;
}

static bool load_done(struct generation *g)
{
        PGresult *result = ask(g, "SELECT chunk FROM history_chunk", 0, NULL);

        if (!result)
                return false;
        for (int i = 0; i < PQntuples(result); i++)
                g->is_done[pg_number(result, i, 0)] = true;
        g->done_before = PQntuples(result);
        PQclear(result);
        return true;
}

/* Days and months are summed up as soon as all of it is there. */
static bool summarise(struct generation *g)
{
        const char *parameters[] = {g->to};
        char *summed;
        bool more = true;

        tell(g, (struct generation_progress){.step = GENERATION_ANALYZES});
        if (!run(g, "ANALYZE", 0, NULL) || !run(g, "SELECT summary_extend($1::date)", 1, parameters))
                return false;
        while (more) {
                summed = one(g, "SELECT summary_step(true)", 0, NULL);
                if (!summed)
                        return false;
                more = *summed;
                if (more)
                        tell(g, (struct generation_progress){.step = GENERATION_SUMS, .summed = summed});
                free(summed);
        }
        return run(g, "ANALYZE summary", 0, NULL) &&
               run(g, "UPDATE history_run SET finished = true", 0, NULL);
}

/* the phases ------------------------------------------------------------------------------------------------------ */

static bool prepare(struct generation *g)
{
        char why[SCENARIO_ERROR_MAX];

        if (!scenario_load(g->question->scenario_path, &g->scenario, why)) {
                fail(g, "%s", why);
                return false;
        }
        calendar_print_day(g->scenario.from_day, g->from);
        calendar_print_day(g->scenario.to_day, g->to);
        g->plan = (struct business_plan){.scenario = &g->scenario,
                                         .seed = (uint64_t)g->question->seed,
                                         .atms_whole = scenario_fleet(&g->scenario)};
        g->plan.atms = generation_scaled_fleet(g->question->scale, g->plan.atms_whole);
        g->terminal = calloc((size_t)g->plan.atms, sizeof(*g->terminal));
        g->is_done = calloc((size_t)g->plan.atms, sizeof(*g->is_done));
        if (g->terminal && g->is_done)
                return true;
        fail(g, "out of memory");
        return false;
}

static bool set_up(struct generation *g)
{
        bool good;

        g->connection = g->question->connect(g->question->context);
        if (!g->connection)
                return false;
        tell(g, (struct generation_progress){.step = GENERATION_WAITS});
        good = run(g, "SELECT pg_advisory_lock(" GENERATION_LOCK ")", 0, NULL) && load_terminals(g) &&
               load_prefixes(g) && begin_run(g) && load_rules(g) && check_rules(g) &&
               generation_enter(g->connection, &g->plan, (const char(*)[9])g->terminal, g->question->check,
                                g->error) &&
               load_done(g);
        PQfinish(g->connection);
        return good;
}

static void on_piece(const struct generation_total *total, void *context)
{
        const struct generation *g = context;

        tell(g, (struct generation_progress){.step = GENERATION_WRITES,
                                             .atms = g->plan.atms,
                                             .atms_done = g->done_before + total->pieces,
                                             .total = *total});
}

static PGconn *connect_writer(void *context)
{
        const struct generation *g = context;

        return g->question->connect(g->question->context);
}

static bool write_all(struct generation *g, struct generation_answer *answer)
{
        const struct generation_job job = {.plan = &g->plan,
                                           .scenario = g->scenario.name,
                                           .terminal = (const char(*)[9])g->terminal,
                                           .is_done = g->is_done,
                                           .connect = connect_writer,
                                           .on_piece = on_piece,
                                           .context = g};
        int64_t began_ms = steady_now_ms();
        bool written = generation_write(&job, g->question->processes, &answer->total, g->error);

        answer->written_ms = steady_now_ms() - began_ms;
        return written;
}

static PGresult *quarters(const struct generation *g)
{
        const char *parameters[] = {g->from, g->to};

        return ask(g,
                   "SELECT r.quarter, r.withdrawals, r.commission, b.base_fee FROM (SELECT quarter_of(month) "
                   "AS quarter, "
                   "sum(withdrawals) AS withdrawals, sum(customer_fee_yen + interbank_fee_yen) AS "
                   "commission, min(month) AS "
                   "first FROM report_place($1::date, $2::date) GROUP BY 1) r LEFT JOIN (SELECT "
                   "quarter_of(month) AS quarter, "
                   "sum(base_fee_yen) AS base_fee FROM report_base_fee($1::date, $2::date) GROUP BY 1) b "
                   "USING (quarter) "
                   "ORDER BY r.first",
                   2, parameters);
}

static bool finish(struct generation *g, struct generation_answer *answer)
{
        g->connection = g->question->connect(g->question->context);
        if (!g->connection)
                return false;
        if (summarise(g))
                answer->quarters = quarters(g);
        PQfinish(g->connection);
        return answer->quarters != NULL;
}

static enum generation_end generate_all(struct generation *g, struct generation_answer *answer)
{
        if (!prepare(g) || !set_up(g))
                return GENERATION_REFUSED;
        memcpy(answer->scenario, g->scenario.name, sizeof(answer->scenario));
        answer->atms = g->plan.atms;
        answer->atms_whole = g->plan.atms_whole;
        return write_all(g, answer) && finish(g, answer) ? GENERATION_DONE : GENERATION_BROKEN;
}

enum generation_end generate(const struct generation_question *question, struct generation_answer *ret_answer,
                             char error[PG_ERROR_MAX])
{
        struct generation *g = calloc(1, sizeof(*g));
        enum generation_end end;

        *ret_answer = (struct generation_answer){.atms = 0};
        *error = '\0';
        if (!g) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return GENERATION_REFUSED;
        }
        g->question = question;
        g->error = error;
        end = generate_all(g, ret_answer);
        reference_free(g->reference);
        free(g->terminal);
        free(g->is_done);
        free(g);
        return end;
}

PGresult *generation_written(PGconn *connection, char error[PG_ERROR_MAX])
{
        return pg_query(connection,
                        "SELECT r.scenario, r.seed, r.scale, r.from_on, r.to_on, r.atms, r.atms_whole, "
                        "count(c.chunk), coalesce(sum(c.withdrawals), 0)::bigint, r.finished, r.digest FROM "
                        "history_run r LEFT JOIN history_chunk c USING (scenario) GROUP BY r.scenario",
                        0, NULL, error);
}
