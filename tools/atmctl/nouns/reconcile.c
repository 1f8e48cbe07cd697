/* reconcile: backoffice/audit's, as a command: its differences as sentences, CSV or JSON, and what it came to. */
#include "tools/atmctl/nouns/reconcile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/reconcile.h"
#include "backoffice/pages/audit_text.h"
#include "rules/calendar.h"
#include "tools/atmctl/journal_folders.h"
#include "tools/atmctl/nouns/sides.h"
#include "tools/atmctl/rows.h"

struct reconciliation;

/* How it is told: sentences to people, rows as they are found, or one value in the end. */
struct telling {
        bool (*open)(struct reconciliation *r);
        bool (*tell)(struct reconciliation *r, const struct merge_difference *d);
        bool (*finish)(struct reconciliation *r, bool drained); /* closes the output */
};

struct reconciliation {
        const struct invocation *invocation;
        const struct telling *telling;
        bool has_banks;
        struct output *output; /* sentences and rows: differences go out as they are found */
        json_t *differences, *explained;
        struct reconcile_answer answer;
};

/* telling ---------------------------------------------------------------------------------------------- */

static const struct output_column difference_columns[] = {
    {"what", OUTPUT_TEXT, 0},   {"terminal", OUTPUT_TEXT, 0}, {"transmitted_at", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0}, {"text", OUTPUT_TEXT, 0},     {"atm", OUTPUT_TEXT, 0},
    {"host", OUTPUT_TEXT, 0},   {"bank", OUTPUT_TEXT, 0},
};

struct told {
        char text[AUDIT_TEXT_MAX]; /* what differs */
        char moment[26], stan[12]; /* of a withdrawal, and what the sides have of it: */
        char atm[SIDE_MAX], host[SIDE_MAX], bank[SIDE_MAX];
};

static void put_in_words(const struct merge_difference *d, struct told *ret_told)
{
        audit_text(d->fact->kind, d->fact->values, ret_told->text);
        if (!d->withdrawal)
                return;
        calendar_print_moment(d->transmitted_ms, ret_told->moment);
        snprintf(ret_told->stan, sizeof(ret_told->stan), "%06" PRId32, d->stan);
        side_print_atm(d->atm, ret_told->atm);
        side_print_host(d->row, ret_told->host);
        side_print_bank(d->bank, d->bank_name, ret_told->bank);
}

static bool tell_people(struct reconciliation *r, const struct merge_difference *d)
{
        struct told told;

        progress_end();
        put_in_words(d, &told);
        if (!d->withdrawal) {
                output_say(r->output, "%s: %s%s%s\n", d->what, d->terminal ? d->terminal : "",
                           d->terminal ? ": " : "", told.text);
                return true;
        }
        output_say(r->output, "%s: %s %s %s: %s\n    ATM:  %s\n    host: %s\n", d->what, d->terminal,
                   told.moment, told.stan, told.text, told.atm, told.host);
        if (r->has_banks)
                output_say(r->output, "    bank: %s\n", told.bank);
        return true;
}

static bool tell_row(struct reconciliation *r, const struct merge_difference *d)
{
        struct told told;
        const char *values[LENGTH(difference_columns)] = {d->what,   d->terminal, NULL, NULL,
                                                          told.text, NULL,        NULL, NULL};

        put_in_words(d, &told);
        if (d->withdrawal) {
                values[2] = told.moment;
                values[3] = told.stan;
                values[5] = told.atm;
                values[6] = told.host;
                values[7] = r->has_banks ? told.bank : NULL;
        }
        return output_row(r->output, values);
}

static bool tell_value(struct reconciliation *r, const struct merge_difference *d)
{
        char text[AUDIT_TEXT_MAX], moment[26];
        json_t *object;

        audit_text(d->fact->kind, d->fact->values, text);
        object = json_pack("{s:s, s:o, s:s}", "what", d->what, "terminal",
                           d->terminal ? json_string(d->terminal) : json_null(), "text", text);
        if (d->withdrawal) {
                calendar_print_moment(d->transmitted_ms, moment);
                if (json_object_set_new(object, "transmitted_at", json_string(moment)) ||
                    json_object_set_new(object, "stan", json_integer(d->stan)) ||
                    json_object_set_new(object, "atm", side_json_atm(d->atm)) ||
                    json_object_set_new(object, "host", side_json_host(d->row)) ||
                    json_object_set_new(object, "bank", side_json_bank(d->bank, d->bank_name))) {
                        json_decref(object);
                        object = NULL;
                }
        }
        if (json_array_append_new(d->explained ? r->explained : r->differences, object) == 0)
                return true;
        complain("out of memory");
        return false;
}

static bool on_difference(const struct merge_difference *d, void *context)
{
        struct reconciliation *r = context;

        return r->telling->tell(r, d);
}

/* progress --------------------------------------------------------------------------------------------- */

static void on_atm_folder(const char *folder, void *context)
{
        (void)context;
        progress("the ATMs' journals: %s", folder);
}

static void on_bank_lines(uint64_t lines, void *context)
{
        (void)context;
        progress("the banks' journals: %" PRIu64 " lines", lines);
}

/* the result ------------------------------------------------------------------------------------------- */

static json_t *banks_json(const struct reconcile_answer *answer)
{
        json_t *banks = json_array();

        for (size_t i = 0; i < answer->banks; i++) {
                const struct bank_total *bank = &answer->bank[i];

                if (json_array_append_new(banks, json_pack("{s:s, s:I, s:I}", "bank", bank->name,
                                                           "withdrawals", (json_int_t)bank->withdrawals,
                                                           "held_yen", (json_int_t)bank->held_yen)) != 0) {
                        json_decref(banks);
                        return NULL;
                }
        }
        return banks;
}

static bool finish_value(struct reconciliation *r, bool drained)
{
        const struct reconcile_answer *a = &r->answer;
        json_t *object =
            json_pack("{s:I, s:I, s:I, s:I, s:o, s:O, s:O}", "withdrawals", (json_int_t)a->withdrawals,
                      "unfinished", (json_int_t)a->unfinished, "cash_yen", (json_int_t)a->cash_yen,
                      "terminals", (json_int_t)a->terminals, "banks", banks_json(a), "differences",
                      r->differences, "explained", r->explained);
        bool printed = object && output_json(r->invocation, object);

        (void)drained;
        if (!object)
                complain("out of memory");
        json_decref(object);
        return printed;
}

static void print_summary(const struct reconciliation *r, bool drained)
{
        const struct reconcile_answer *a = &r->answer;

        output_say(r->output, "%" PRIu64 " withdrawals of %zu ATMs", a->withdrawals, a->terminals);
        if (a->has_banks)
                output_say(r->output, " and %zu banks", a->banks);
        output_say(r->output, ", %" PRId64 " yen: ", a->cash_yen);
        if (a->differences)
                output_say(r->output, "%" PRIu64 " differences", a->differences);
        else
                output_say(r->output, a->has_banks ? "ATMs, host and banks agree" : "ATMs and host agree");
        if (a->explained)
                output_say(r->output, "; %" PRIu64 " known, by exceptions that are not dealt with yet",
                           a->explained);
        if (a->unfinished && !drained)
                output_say(r->output, "; %" PRIu64 " more are under way", a->unfinished);
        output_say(r->output, "\n");
        for (size_t i = 0; i < a->banks; i++)
                output_say(r->output, "%s: %" PRIu64 " withdrawals, %" PRId64 " yen debited and kept\n",
                           a->bank[i].name, a->bank[i].withdrawals, a->bank[i].held_yen);
}

static bool close_output(struct reconciliation *r)
{
        struct output *output = r->output;

        r->output = NULL;
        return output_close(output);
}

static bool finish_people(struct reconciliation *r, bool drained)
{
        print_summary(r, drained);
        return close_output(r);
}

static bool finish_rows(struct reconciliation *r, bool drained)
{
        (void)drained;
        return close_output(r);
}

static bool open_people(struct reconciliation *r)
{
        r->output = output_open_whole(r->invocation);
        return r->output;
}

static bool open_rows(struct reconciliation *r)
{
        r->output = output_open(r->invocation, OUTPUT_ROWS, difference_columns, LENGTH(difference_columns));
        return r->output;
}

static bool open_value(struct reconciliation *r)
{
        r->differences = json_array();
        r->explained = json_array();
        return r->differences && r->explained;
}

static const struct telling tellings[] = {
    [OUTPUT_FOR_PEOPLE] = {open_people, tell_people, finish_people},
    [OUTPUT_AS_ROWS] = {open_rows, tell_row, finish_rows},
    [OUTPUT_AS_VALUE] = {open_value, tell_value, finish_value},
};

static bool ask(struct reconciliation *r, const struct reconcile_question *question)
{
        struct database database;
        char error[PG_ERROR_MAX];
        bool done;

        if (!database_open(&database, r->invocation, DATABASE_READY))
                return false;
        done = reconcile(database.connection, question, &r->answer, error);
        progress_end();
        if (!done && *error)
                database_complain_of(error);
        database_close(&database);
        return done && r->telling->finish(r, question->drained);
}

int reconcile_all(const struct invocation *invocation)
{
        const struct journal_folders atms = journal_folders_of_atms(invocation),
                                     banks = journal_folders_of_banks(invocation);
        struct reconciliation r = {.invocation = invocation,
                                   .telling = &tellings[output_kind_of(invocation)],
                                   .has_banks = banks.count > 0};
        const struct reconcile_question question = {.atm_folder = atms.folder,
                                                    .atm_folders = atms.count,
                                                    .bank_folder = banks.folder,
                                                    .bank_folders = banks.count,
                                                    .drained = invocation_has(invocation, "drained"),
                                                    .on_difference = on_difference,
                                                    .on_atm_folder = on_atm_folder,
                                                    .on_bank_lines = on_bank_lines,
                                                    .on_withdrawals = journal_folders_on_withdrawals,
                                                    .context = &r};
        bool done;

        if (journal_folders_demand_atms(invocation) != EXIT_DONE)
                return EXIT_USAGE;
        if (invocation_has(invocation, "json") && invocation_has(invocation, "format"))
                return usage_error(invocation->command, "--json and --format: expected one of them");
        if (invocation_has(invocation, "json"))
                r.telling = &tellings[OUTPUT_AS_VALUE];
        done = r.telling->open(&r) && ask(&r, &question);
        output_abandon(r.output);
        json_decref(r.differences);
        json_decref(r.explained);
        return done && !r.answer.differences ? EXIT_DONE : EXIT_FAILED;
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
