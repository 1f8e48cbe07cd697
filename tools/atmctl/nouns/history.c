/* history: years of business that never was, made by backoffice/generation, and what was made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/generation/generate.h"
#include "lib/base/plural.h"
#include "tools/atmctl/rows.h"

struct asking {
        const struct invocation *invocation;
};

/* As the tables' owner: nobody else may add to history. */
static PGconn *connect_owner(void *context)
{
        struct database database;

        if (!database_open(&database, ((const struct asking *)context)->invocation, DATABASE_READY))
                return NULL;
        if (database_execute(&database, "SET ROLE atm_owner; SET atm.generated = 'on'", 0, NULL))
                return database.connection;
        note("only a superuser, or a member of atm_owner, may write history (PGUSER or --conninfo)");
        database_close(&database);
        return NULL;
}

/* A scenario's words are written as the options of the commands that enter such things. */
static bool check_word(enum generation_word word, const char *text, char ret_canonical[GENERATION_WORD_MAX],
                       char ret_why[GENERATION_WHY_MAX])
{
        static const enum value_kind kinds[GENERATION_WORDS] = {
            [WORD_ANY] = VALUE_ANYTHING,
            [WORD_QUARTER] = VALUE_QUARTER,
            [WORD_FISCAL_YEAR] = VALUE_FISCAL_YEAR,
            [WORD_PERIOD] = VALUE_PERIOD,
            [WORD_DATE] = VALUE_DATE,
            [WORD_PEER] = VALUE_PEER,
            [WORD_PEER_ITEM] = VALUE_PEER_ITEM,
            [WORD_COST_ITEM] = VALUE_COST_ITEM,
            [WORD_RESULT_ITEM] = VALUE_RESULT_ITEM,
            [WORD_RATE_ITEM] = VALUE_RATE_ITEM,
            [WORD_AREA] = VALUE_AREA,
            [WORD_NUMBER] = VALUE_NUMBER,
            [WORD_YEN] = VALUE_YEN,
            [WORD_AMOUNT] = VALUE_AMOUNT,
            [WORD_BASIS_POINTS] = VALUE_BASIS_POINTS,
            [WORD_DECIMAL] = VALUE_DECIMAL,
        };
        char shown[VALUE_MAX];

        _Static_assert((int)VALUE_MAX <= (int)GENERATION_WORD_MAX, "a value fits");
        if (value_check(kinds[word], text, ret_canonical))
                return true;
        value_show(kinds[word], text, shown, sizeof(shown));
        snprintf(ret_why, GENERATION_WHY_MAX, "%s: expected %s", shown, value_row(kinds[word])->expected);
        return false;
}

static void on_progress(const struct generation_progress *p, void *context)
{
        char atms[PLURAL_MAX], withdrawals[PLURAL_MAX], rows[PLURAL_MAX];

        (void)context;
        switch (p->step) {
        case GENERATION_WAITS:
                progress("waiting for whoever else writes a history");
                break;
        case GENERATION_WRITES:
                progress("%" PRId64 " of %s, %s, %s", p->atms_done,
                         plural_count((uint64_t)p->atms, "ATM", atms),
                         plural_count((uint64_t)p->total.withdrawals, "withdrawal", withdrawals),
                         plural_count((uint64_t)p->total.rows, "row", rows));
                break;
        case GENERATION_ANALYZES:
                progress("gathering statistics");
                break;
        case GENERATION_SUMS:
                progress("summing up %s", p->summed);
                break;
        }
}

/* What was written now: to people a sentence, in JSON members beside the quarters. */
static bool write_written(struct output *output, const struct generation_question *question,
                          const struct generation_answer *a)
{
        static const struct output_column columns[] = {
            {"scenario", OUTPUT_TEXT, 0},     {"scale", OUTPUT_TEXT, 0},      {"atms", OUTPUT_NUMBER, 0},
            {"atms_whole", OUTPUT_NUMBER, 0}, {"withdrawals", OUTPUT_YEN, 0}, {"rows", OUTPUT_YEN, 0},
            {"written_ms", OUTPUT_NUMBER, 0}};
        const int64_t figures[] = {a->atms, a->atms_whole, a->total.withdrawals, a->total.rows,
                                   a->written_ms};
        char text[LENGTH(figures)][24], sentence[512], atms[PLURAL_MAX], withdrawals[PLURAL_MAX],
            rows[PLURAL_MAX];
        const char *values[LENGTH(columns)] = {a->scenario, question->scale};

        for (size_t i = 0; i < LENGTH(figures); i++) {
                snprintf(text[i], sizeof(text[i]), "%" PRId64, figures[i]);
                values[2 + i] = text[i];
        }
        snprintf(sentence, sizeof(sentence),
                 "scenario %s, scale %s: %" PRId64 " of %s; %s, %s written in %" PRId64 ".%" PRId64 " s",
                 a->scenario, question->scale, a->atms, plural_count((uint64_t)a->atms_whole, "ATM", atms),
                 plural_count((uint64_t)a->total.withdrawals, "withdrawal", withdrawals),
                 plural_count((uint64_t)a->total.rows, "row", rows), a->written_ms / 1000,
                 a->written_ms / 100 % 10);
        output_note(output, "%s", sentence);
        return output_members(output, columns, LENGTH(columns), values);
}

/* What it came to: a line a quarter. */
static bool write_answer(struct output *output, const struct generation_question *question,
                         const struct generation_answer *answer)
{
        static const struct output_column columns[] = {{"quarter", OUTPUT_TEXT, 0},
                                                       {"withdrawals", OUTPUT_YEN, 0},
                                                       {"commission_yen", OUTPUT_YEN, 0},
                                                       {"base_fee_yen", OUTPUT_YEN, 0}};
        const struct output_section section = {
            .name = "quarters", .heading = "", .columns = columns, .count = LENGTH(columns)};

        return output_section(output, &section, answer->quarters) && write_written(output, question, answer);
}

static int history_generate(const struct invocation *invocation)
{
        const char *scale = invocation_value(invocation, "scale");
        struct asking asking = {invocation};
        const struct generation_question question = {
            .scenario_path = invocation_value(invocation, "scenario"),
            .scale = scale ? scale : "1",
            .seed = invocation_number(invocation, "seed", 1),
            .processes = (int)invocation_number(invocation, "jobs", sysconf(_SC_NPROCESSORS_ONLN)),
            .connect = connect_owner,
            .check = check_word,
            .on_progress = on_progress,
            .context = &asking};
        struct generation_answer answer;
        char error[PG_ERROR_MAX];
        enum generation_end end = generate(&question, &answer, error);
        bool said = false;

        progress_end();
        if (*error)
                database_complain_of(error);
        if (end == GENERATION_DONE) {
                struct output *output = output_open_whole(invocation);

                said = output && write_answer(output, &question, &answer);
                said = output && output_close(output) && said;
        }
        if (end == GENERATION_BROKEN || (end == GENERATION_DONE && !said))
                note("what is there stays; the same command goes on with the rest");
        PQclear(answer.quarters);
        return said ? EXIT_DONE : EXIT_FAILED;
}

static PGresult *ask_written(PGconn *connection, const void *question, int64_t limit,
                             char error[PG_ERROR_MAX])
{
        (void)question;
        (void)limit; /* a scenario has one */
        return generation_written(connection, error);
}

static int history_show(const struct invocation *invocation)
{
        static const struct output_column columns[] = {
            {"scenario", OUTPUT_TEXT, 0},     {"seed", OUTPUT_NUMBER, 0},
            {"scale", OUTPUT_TEXT, 0},        {"from", OUTPUT_TEXT, 0},
            {"to", OUTPUT_TEXT, 0},           {"atms", OUTPUT_NUMBER, 0},
            {"atms_whole", OUTPUT_NUMBER, 0}, {"atms_written", OUTPUT_NUMBER, 0},
            {"withdrawals", OUTPUT_YEN, 0},   {"finished", OUTPUT_BOOL, 0},
            {"digest", OUTPUT_TEXT, 0}};

        return rows_answer(invocation,
                           &(struct rows_question){.ask = ask_written,
                                                   .shape = OUTPUT_ONE,
                                                   .columns = columns,
                                                   .column_count = LENGTH(columns),
                                                   .absent = "no history was generated into this database"});
}

static const struct field generate_fields[] = {
    {.name = "scenario",
     .kind = VALUE_FILE,
     .flags = FIELD_REQUIRED,
     .text = "the scenario's file, as etc/scenarios/fy2015-fy2016"},
    {.name = "scale",
     .kind = VALUE_SCALE,
     .text = "how much of the fleet: 0.01 takes one ATM of a hundred, with the same business each; 1 unless "
             "given"},
    {.name = "seed", .kind = VALUE_NUMBER, .text = "of all that is left to chance; 1 unless given"},
    {.name = "jobs",
     .kind = VALUE_NUMBER,
     .text = "processes that write at the same time; as many as processors unless given"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "history",
     .verb = "generate",
     .text = "write years of business that never was, for reports and trials",
     .more = "Decided and priced by the daemon's own rules, written straight into the database, ATM by ATM: "
             "withdrawals, "
             "advices, commission, what banks were told, use of cards, accounts, contracts, and the "
             "figures that the "
             "scenario says finance entered. The same file, scale and seed give the same rows. Broken off, "
             "the same command "
             "goes on. Halls, ATMs, banks, prefixes, tariffs, taxes, holidays, hours and limits must be "
             "there. Every report says "
             "that it is no real business. Needs a superuser or a member of atm_owner.\n"
             "Example: atmctl history generate --scenario etc/scenarios/fy2015-fy2016 --scale 0.01",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE | COMMAND_CHANGES,
     .no_dry_run =
         "it writes a transaction an ATM, by several processes; --scale tries it in a database of its own",
     .run = history_generate,
     .fields = generate_fields},
    {.noun = "history",
     .verb = "show",
     .text = "show what was generated into this database, and how far it is",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE | COMMAND_REPLICA,
     .run = history_show},
};

const struct command_group group_history = {commands, sizeof(commands) / sizeof(*commands),
                                            "Generated history"};
