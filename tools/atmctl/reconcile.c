/*
 * reconcile: what the ATMs did, what the database recorded, and what the banks hold, of every withdrawal.
 * The database's side streams through COPY; of the others one small entry a withdrawal is in memory.
 *
 * The sides are read in an order in which none can know less than it must: first the ATMs', whose folders are
 * locked, so that nothing happens there any more; then the database's snapshot; then the banks' journals,
 * which may grow meanwhile: whatever the snapshot calls acknowledged stands in them already.
 */
#include "tools/atmctl/reconcile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/journals/merge.h"
#include "rules/calendar.h"
#include "tools/atmctl/journal_folders.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/sides.h"

enum { PROGRESS_ROWS = 8192 };

struct reconciliation {
        const struct invocation *invocation;
        struct history atms;
        struct bank_history banks;
        struct merge merge;
        enum output_format format;
        struct output *output; /* table and CSV: differences go out as they are found */
        json_t *differences;
        bool failed; /* said already */
};

/* telling ---------------------------------------------------------------------------------------------- */

static const struct output_column difference_columns[] = {
    {"what", OUTPUT_TEXT, 0},   {"terminal", OUTPUT_TEXT, 0}, {"transmitted_at", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0}, {"text", OUTPUT_TEXT, 0},     {"atm", OUTPUT_TEXT, 0},
    {"host", OUTPUT_TEXT, 0},   {"bank", OUTPUT_TEXT, 0},
};

static const char *bank_of(const struct reconciliation *r, const struct bank_entry *entry)
{
        return entry ? r->banks.bank[entry->bank].name : "";
}

struct told {
        char moment[26], stan[12];
        char atm[SIDE_MAX], host[SIDE_MAX], bank[SIDE_MAX];
};

static void put_in_words(const struct reconciliation *r, const struct merge_difference *d,
                         struct told *ret_told)
{
        calendar_print_moment(d->transmitted_ms, ret_told->moment);
        snprintf(ret_told->stan, sizeof(ret_told->stan), "%06" PRId32, d->stan);
        side_print_atm(d->atm, ret_told->atm);
        side_print_host(d->row, ret_told->host);
        side_print_bank(d->bank, bank_of(r, d->bank), ret_told->bank);
}

static void tell_people(struct reconciliation *r, const struct merge_difference *d)
{
        FILE *stream = output_stream(r->output);
        struct told told;

        progress_end();
        if (!d->withdrawal) {
                fprintf(stream, "%s: %s%s%s\n", d->what, d->terminal ? d->terminal : "",
                        d->terminal ? ": " : "", d->text);
                return;
        }
        put_in_words(r, d, &told);
        fprintf(stream, "%s: %s %s %s: %s\n    ATM:  %s\n    host: %s\n", d->what, d->terminal, told.moment,
                told.stan, d->text, told.atm, told.host);
        if (r->merge.banks)
                fprintf(stream, "    bank: %s\n", told.bank);
}

static bool tell_csv(struct reconciliation *r, const struct merge_difference *d)
{
        struct told told;
        const char *values[LENGTH(difference_columns)] = {d->what, d->terminal, NULL, NULL,
                                                          d->text, NULL,        NULL, NULL};

        if (d->withdrawal) {
                put_in_words(r, d, &told);
                values[2] = told.moment;
                values[3] = told.stan;
                values[5] = told.atm;
                values[6] = told.host;
                values[7] = r->merge.banks ? told.bank : NULL;
        }
        return output_row(r->output, values);
}

static bool tell_json(struct reconciliation *r, const struct merge_difference *d)
{
        json_t *object = json_pack("{s:s, s:o, s:s}", "what", d->what, "terminal",
                                   d->terminal ? json_string(d->terminal) : json_null(), "text", d->text);
        char moment[26];

        if (d->withdrawal) {
                calendar_print_moment(d->transmitted_ms, moment);
                if (json_object_set_new(object, "transmitted_at", json_string(moment)) ||
                    json_object_set_new(object, "stan", json_integer(d->stan)) ||
                    json_object_set_new(object, "atm", side_json_atm(d->atm)) ||
                    json_object_set_new(object, "host", side_json_host(d->row)) ||
                    json_object_set_new(object, "bank", side_json_bank(d->bank, bank_of(r, d->bank)))) {
                        json_decref(object);
                        object = NULL;
                }
        }
        if (json_array_append_new(r->differences, object) == 0)
                return true;
        complain("out of memory");
        return false;
}

static void on_difference(const struct merge_difference *d, void *context)
{
        struct reconciliation *r = context;

        if (r->failed)
                return;
        if (r->format == OUTPUT_TABLE)
                tell_people(r, d);
        else
                r->failed = r->format == OUTPUT_CSV ? !tell_csv(r, d) : !tell_json(r, d);
}

static void on_fault(const char *what, const char *terminal, const char *text, void *context)
{
        struct reconciliation *r = context;

        merge_fault(&r->merge, what, terminal, text);
}

static void on_bank_lines(uint64_t lines, void *context)
{
        (void)context;
        progress("the banks' journals: %" PRIu64 " lines", lines);
}

/* the sides -------------------------------------------------------------------------------------------- */

static bool read_banks(struct reconciliation *r)
{
        const char *const *folders;
        size_t count = journal_folders_of(r->invocation, "bank-journals", "BANKSIM_JOURNALS", &folders);

        for (size_t i = 0; i < count; i++) {
                if (!bank_history_read(&r->banks, folders[i])) {
                        complain("reconcile: %s", r->banks.error);
                        return false;
                }
        }
        if (!count)
                return true;
        bank_history_sort(&r->banks);
        r->merge.banks = &r->banks;
        return true;
}

static bool take_lines(struct reconciliation *r, PGconn *connection)
{
        char *line;
        int length;

        while ((length = PQgetCopyData(connection, &line, 0)) > 0) {
                struct database_row row;
                bool good = reconcile_parse(line, &row);

                PQfreemem(line);
                if (!good) {
                        complain("reconcile: a row of v_withdrawal is not as expected");
                        return false;
                }
                merge_row(&r->merge, &row);
                if (r->failed)
                        return false;
                if (r->merge.withdrawals % PROGRESS_ROWS == 0)
                        progress("compared: %" PRIu64 " withdrawals", r->merge.withdrawals);
        }
        return length == -1;
}

static bool stream_database(struct reconciliation *r, struct database *database)
{
        PGresult *result = PQexec(database->connection, reconcile_query);
        bool done = PQresultStatus(result) == PGRES_COPY_OUT;

        if (!done) {
                database_complain(database, result);
                PQclear(result);
                return false;
        }
        PQclear(result);
        done = take_lines(r, database->connection);
        if (!done)
                return false;
        result = PQgetResult(database->connection);
        done = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!done)
                database_complain(database, result);
        PQclear(result);
        return done;
}

static bool compare_sides(struct reconciliation *r, struct database *database)
{
        if (!journal_folders_read_atms(r->invocation, &r->atms) || !database_open(database, r->invocation, DATABASE_READY))
                return false;
        if (!database_execute(database, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL) ||
            !database_execute(database, "SELECT FROM reference_version", 0, NULL) || !read_banks(r))
                return false;
        if (!merge_begin(&r->merge)) {
                complain("out of memory");
                return false;
        }
        if (!stream_database(r, database))
                return false;
        merge_end(&r->merge);
        progress_end();
        return !r->failed;
}

/* the result ------------------------------------------------------------------------------------------- */

static json_t *banks_json(const struct reconciliation *r)
{
        json_t *banks = json_array();

        for (size_t i = 0; i < r->banks.banks; i++) {
                const struct bank_total *bank = &r->banks.bank[i];

                if (json_array_append_new(banks, json_pack("{s:s, s:I, s:I}", "bank", bank->name,
                                                           "withdrawals", (json_int_t)bank->withdrawals,
                                                           "held_yen", (json_int_t)bank->held_yen)) != 0) {
                        json_decref(banks);
                        return NULL;
                }
        }
        return banks;
}

static bool print_json(const struct reconciliation *r)
{
        const struct merge *m = &r->merge;
        json_t *object = json_pack(
            "{s:I, s:I, s:I, s:I, s:o, s:O}", "withdrawals", (json_int_t)m->withdrawals, "unfinished",
            (json_int_t)m->unfinished, "cash_yen", (json_int_t)m->cash_yen, "terminals",
            (json_int_t)r->atms.terminals.count, "banks", banks_json(r), "differences", r->differences);
        bool printed = object && output_json(r->invocation, object);

        if (!object)
                complain("out of memory");
        json_decref(object);
        return printed;
}

static void print_summary(const struct reconciliation *r)
{
        const struct merge *m = &r->merge;
        FILE *stream = output_stream(r->output);

        fprintf(stream, "%" PRIu64 " withdrawals of %zu ATMs", m->withdrawals, r->atms.terminals.count);
        if (m->banks)
                fprintf(stream, " and %zu banks", r->banks.banks);
        fprintf(stream, ", %" PRId64 " yen: ", m->cash_yen);
        if (m->differences)
                fprintf(stream, "%" PRIu64 " differences", m->differences);
        else
                fprintf(stream, m->banks ? "ATMs, host and banks agree" : "ATMs and host agree");
        if (m->unfinished && !m->drained)
                fprintf(stream, "; %" PRIu64 " more are under way", m->unfinished);
        fputc('\n', stream);
        for (size_t i = 0; i < r->banks.banks; i++)
                fprintf(stream, "%s: %" PRIu64 " withdrawals, %" PRId64 " yen debited and kept\n",
                        r->banks.bank[i].name, r->banks.bank[i].withdrawals, r->banks.bank[i].held_yen);
}

static bool open_output(struct reconciliation *r)
{
        switch (r->format) {
        case OUTPUT_TABLE:
                r->output = output_open_stream(r->invocation);
                return r->output != NULL;
        case OUTPUT_CSV:
                r->output =
                    output_open(r->invocation, OUTPUT_ROWS, difference_columns, LENGTH(difference_columns));
                return r->output != NULL;
        default:
                r->differences = json_array();
                return r->differences != NULL;
        }
}

static bool finish_output(struct reconciliation *r)
{
        struct output *output = r->output;

        if (r->format == OUTPUT_JSON)
                return print_json(r);
        if (r->format == OUTPUT_TABLE)
                print_summary(r);
        r->output = NULL;
        return output_close(output);
}

int reconcile_all(const struct invocation *invocation)
{
        struct reconciliation r = {.invocation = invocation, .format = output_format_of(invocation)};
        struct database database = {.connection = NULL};
        bool done = false;

        if (!journal_folders_have_atms(invocation))
                return usage_error(invocation->command,
                                   "--atm-journals is missing: expected the folders of the ATMs' "
                                   "journals, or the variable ATM_JOURNAL");
        if (invocation_has(invocation, "json") && invocation_has(invocation, "format"))
                return usage_error(invocation->command, "--json and --format: expected one of them");
        if (invocation_has(invocation, "json"))
                r.format = OUTPUT_JSON;
        if (r.format == OUTPUT_EXPANDED)
                r.format = OUTPUT_TABLE; /* sentences, not rows */
        r.atms.on_fault = r.banks.on_fault = on_fault;
        r.banks.on_lines = on_bank_lines;
        r.atms.context = r.banks.context = &r;
        r.merge = (struct merge){.atms = &r.atms,
                                 .drained = invocation_has(invocation, "drained"),
                                 .tell = on_difference,
                                 .context = &r};
        if (open_output(&r))
                done = compare_sides(&r, &database) && finish_output(&r);
        output_abandon(r.output);
        json_decref(r.differences);
        database_close(&database);
        merge_free(&r.merge);
        history_free(&r.atms);
        bank_history_free(&r.banks);
        return done && !r.merge.differences ? EXIT_DONE : EXIT_FAILED;
}

const struct field reconcile_fields[] = {
    {.name = "atm-journals",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_REPEAT,
     .text = "folders of the ATMs' journals and dispensers; ATM_JOURNAL unless given"},
    {.name = "bank-journals",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_REPEAT,
     .text = "folders of the banks' journals (*.journal), each named in its first line as its link is; "
             "BANKSIM_JOURNALS unless given"},
    {.name = "drained",
     .kind = VALUE_NONE,
     .text = "nothing is under way any more: a withdrawal without an end, or a notice that is not "
             "acknowledged, is a "
             "difference too"},
    {.name = "json", .kind = VALUE_NONE, .text = "the same as --format json"},
    {.name = NULL},
};
