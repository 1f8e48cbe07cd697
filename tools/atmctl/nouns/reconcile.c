/* reconcile: backoffice/audit's, as a command: its differences as sentences, CSV or JSON, and what it came to. */
#include "tools/atmctl/nouns/reconcile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/reconcile.h"
#include "backoffice/pages/audit_text.h"
#include "lib/base/plural.h"
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
        struct output *output;                /* sentences and rows: differences go out as they are found */
        json_t *told[DIFFERENCE_SETTLED + 1]; /* by their standing */
        struct reconcile_answer answer;
};

/* telling ---------------------------------------------------------------------------------------------- */

static const struct output_column difference_columns[] = {
    {"what", OUTPUT_TEXT, 0},       {"terminal", OUTPUT_TEXT, 0},   {"transmitted_at", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},     {"text", OUTPUT_TEXT, 0},       {"atm", OUTPUT_TEXT, 0},
    {"host", OUTPUT_TEXT, 0},       {"bank", OUTPUT_TEXT, 0},       {"also", OUTPUT_TEXT, 0},
    {"cash_yen", OUTPUT_YEN, 0},    {"bank_yen", OUTPUT_YEN, 0},    {"hall", OUTPUT_TEXT, 0},
    {"settled_by", OUTPUT_TEXT, 0}, {"settled_at", OUTPUT_TEXT, 0}, {"note", OUTPUT_TEXT, 0},
};

enum { ALSO_MAX = 320 };

struct told {
        char text[AUDIT_TEXT_MAX]; /* what differs */
        char moment[26], stan[12]; /* of a withdrawal, and what the sides have of it: */
        char atm[SIDE_MAX], host[SIDE_MAX], bank[SIDE_MAX];
        char also[ALSO_MAX]; /* its other reasons */
        char cash[24], banks[24];
        const struct settlement *settlement; /* NULL: it is not settled, or nobody knows by whom */
};

/* The other reasons, in their order. */
static void list_reasons(const struct merge_difference *d, char buffer[ALSO_MAX])
{
        const char *reason;
        size_t used = 0;

        *buffer = '\0';
        for (int place = 0; (reason = difference_reason(place)); place++)
                if (d->reasons >> place & 1 && strcmp(reason, d->what))
                        used +=
                            (size_t)snprintf(buffer + used, ALSO_MAX - used, "%s%s", used ? " " : "", reason);
}

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
        list_reasons(d, ret_told->also);
        snprintf(ret_told->cash, sizeof(ret_told->cash), "%" PRId64, d->cash_yen);
        snprintf(ret_told->banks, sizeof(ret_told->banks), "%" PRId64, d->bank_yen);
        ret_told->settlement = d->standing == DIFFERENCE_SETTLED ? d->settlement : NULL;
}

/* What it adds to its ATM's total and its bank's, and the other reasons. */
static void say_sums(struct reconciliation *r, const struct merge_difference *d, const struct told *told)
{
        const char *between = " (";

        if (d->cash_yen) {
                output_say(r->output, "%scash %+" PRId64, between, d->cash_yen);
                between = ", ";
        }
        if (d->bank_yen) {
                output_say(r->output, "%sbank %+" PRId64, between, d->bank_yen);
                between = ", ";
        }
        if (*told->also) {
                output_say(r->output, "%salso %s", between, told->also);
                between = ", ";
        }
        output_say(r->output, "%s\n", *between == ' ' ? "" : ")");
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
        output_say(r->output, "%s: %s %s %s: %s", d->what, d->terminal, told.moment, told.stan, told.text);
        say_sums(r, d, &told);
        if (told.settlement)
                output_say(r->output, "    settled by %s at %s: %s\n", told.settlement->who,
                           told.settlement->at, told.settlement->note);
        output_say(r->output, "    ATM:  %s\n    host: %s\n", told.atm, told.host);
        if (r->has_banks)
                output_say(r->output, "    bank: %s\n", told.bank);
        return true;
}

static bool tell_row(struct reconciliation *r, const struct merge_difference *d)
{
        struct told told = {.settlement = NULL};
        const struct settlement *said;

        put_in_words(d, &told);
        said = told.settlement;
        if (!d->withdrawal) {
                const char *values[LENGTH(difference_columns)] = {d->what, d->terminal, NULL, NULL,
                                                                  told.text};

                return output_row(r->output, values);
        }
        return output_row(r->output,
                          (const char * [LENGTH(difference_columns)]){
                              d->what, d->terminal, told.moment, told.stan, told.text, told.atm, told.host,
                              r->has_banks ? told.bank : NULL, told.also, told.cash,
                              r->has_banks ? told.banks : NULL, d->row ? d->row->hall : NULL,
                              said ? said->who : NULL, said ? said->at : NULL, said ? said->note : NULL});
}

static json_t *reasons_json(const struct merge_difference *d)
{
        json_t *reasons = json_array();
        const char *reason;

        for (int place = 0; (reason = difference_reason(place)); place++)
                if (d->reasons >> place & 1 && strcmp(reason, d->what) &&
                    json_array_append_new(reasons, json_string(reason))) {
                        json_decref(reasons);
                        return NULL;
                }
        return reasons;
}

static json_t *settlement_json(const struct settlement *said)
{
        return said ? json_pack("{s:s, s:s, s:s}", "who", said->who, "at", said->at, "note", said->note)
                    : json_null();
}

/* Takes the object; NULL: out of memory. */
static json_t *with_withdrawal(json_t *object, const struct merge_difference *d, const struct told *told)
{
        json_t *more = json_pack("{s:s, s:i, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "transmitted_at",
                                 told->moment, "stan", d->stan, "also", reasons_json(d), "cash_yen",
                                 (json_int_t)d->cash_yen, "bank_yen", (json_int_t)d->bank_yen, "hall",
                                 d->row ? json_string(d->row->hall) : json_null(), "settled",
                                 settlement_json(told->settlement), "atm", side_json_atm(d->atm), "host",
                                 side_json_host(d->row), "bank", side_json_bank(d->bank, d->bank_name));

        if (!object || !more || json_object_update(object, more)) {
                json_decref(object);
                object = NULL;
        }
        json_decref(more);
        return object;
}

static bool tell_value(struct reconciliation *r, const struct merge_difference *d)
{
        bool is_total = !strcmp(d->what, "total");
        struct told told;
        json_t *object;

        put_in_words(d, &told);
        object = json_pack("{s:s, s:o, s:s}", "what", d->what, "terminal",
                           d->terminal ? json_string(d->terminal) : json_null(), "text", told.text);
        if (d->withdrawal)
                object = with_withdrawal(object, d, &told);
        if (is_total && (json_object_set_new(object, "cash_yen", json_integer(d->cash_yen)) ||
                         json_object_set_new(object, "rest_yen", json_integer(d->rest_yen)))) {
                json_decref(object);
                object = NULL;
        }
        if (json_array_append_new(r->told[d->standing], object) == 0)
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
        char count[PLURAL_MAX];

        (void)context;
        progress("the banks' journals: %s", plural_count(lines, "line", count));
}

/* the result ------------------------------------------------------------------------------------------- */

static json_t *banks_json(const struct reconcile_answer *answer)
{
        json_t *banks = json_array();

        for (size_t i = 0; i < answer->banks; i++) {
                const struct reconcile_bank_answer *bank = &answer->bank[i];

                if (json_array_append_new(banks,
                                          json_pack("{s:s, s:I, s:I, s:I}", "bank", bank->name, "withdrawals",
                                                    (json_int_t)bank->withdrawals, "held_yen",
                                                    (json_int_t)bank->held_yen, "difference_yen",
                                                    (json_int_t)bank->difference_yen)) != 0) {
                        json_decref(banks);
                        return NULL;
                }
        }
        return banks;
}

static bool finish_value(struct reconciliation *r, bool drained)
{
        const struct reconcile_answer *a = &r->answer;
        json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:s*, s:o, s:O, s:O, s:O}", "withdrawals",
                                   (json_int_t)a->withdrawals, "unfinished", (json_int_t)a->unfinished,
                                   "cash_yen", (json_int_t)a->cash_yen, "terminals", (json_int_t)a->terminals,
                                   "generated", *a->generated ? a->generated : NULL, "banks", banks_json(a),
                                   "differences", r->told[DIFFERENCE_OPEN], "explained",
                                   r->told[DIFFERENCE_KNOWN], "settled", r->told[DIFFERENCE_SETTLED]);
        bool printed = object && output_json(r->invocation, object);

        (void)drained;
        if (!object)
                complain("out of memory");
        json_decref(object);
        return printed;
}

static void print_bank(const struct reconciliation *r, const struct reconcile_bank_answer *bank)
{
        char count[PLURAL_MAX];

        output_say(r->output, "%s: %s, %" PRId64 " yen debited and kept", bank->name,
                   plural_count(bank->withdrawals, "withdrawal", count), bank->held_yen);
        if (bank->lines)
                output_say(r->output,
                           ", %" PRId64 " by what the database has: %+" PRId64 " by %" PRIu64
                           " of the withdrawals above",
                           bank->held_yen - bank->difference_yen, bank->difference_yen, bank->lines);
        output_say(r->output, "\n");
}

static void print_summary(const struct reconciliation *r, bool drained)
{
        const struct reconcile_answer *a = &r->answer;
        char withdrawals[PLURAL_MAX], count[PLURAL_MAX];

        output_say(r->output, "%s of %s", plural_count(a->withdrawals, "withdrawal", withdrawals),
                   plural_count(a->terminals, "ATM", count));
        if (a->has_banks)
                output_say(r->output, " and %s", plural_count(a->banks, "bank", count));
        output_say(r->output, ", %" PRId64 " yen: ", a->cash_yen);
        if (a->differences)
                output_say(r->output, "%s", plural_count(a->differences, "difference", count));
        else if (a->explained || a->settled)
                output_say(r->output, "no other differences");
        else if (!a->withdrawals && *a->generated)
                output_say(r->output, "nothing to compare");
        else
                output_say(r->output, a->has_banks ? "ATMs, host and banks agree" : "ATMs and host agree");
        if (a->explained)
                output_say(r->output, "; %" PRIu64 " known, by exceptions that are not dealt with yet",
                           a->explained);
        if (a->settled)
                output_say(r->output, "; %" PRIu64 " settled by people", a->settled);
        if (a->unfinished && !drained)
                output_say(r->output, "; %" PRIu64 " more %s under way", a->unfinished,
                           a->unfinished == 1 ? "is" : "are");
        output_say(r->output, "\n");
        for (size_t i = 0; i < a->banks; i++)
                print_bank(r, &a->bank[i]);
        if (*a->generated)
                output_say(r->output, "left out: %s, of which business was generated and has no journals\n",
                           a->generated);
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
        bool opened = true;

        for (size_t i = 0; i < LENGTH(r->told); i++)
                opened &= (r->told[i] = json_array()) != NULL;
        return opened;
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
                                                    .day = invocation_value(invocation, "date"),
                                                    .bank = invocation_value(invocation, "bank"),
                                                    .hall = invocation_value(invocation, "hall"),
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
        for (size_t i = 0; i < LENGTH(r.told); i++)
                json_decref(r.told[i]);
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
    {.name = "date", .kind = VALUE_DATE, .text = "the withdrawals of this business day alone"},
    {.name = "bank",
     .kind = VALUE_LINK,
     .text = "those that this bank was asked about, or has something of: the name of its link"},
    {.name = "hall", .kind = VALUE_HALL, .text = "those that were made in this hall"},
    {.name = "json", .kind = VALUE_NONE, .text = "the same as --format json"},
    {.name = NULL},
};
