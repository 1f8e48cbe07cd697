/*
 * recover, recovery: what a restore has lost (backoffice/recovery), as commands.
 *
 *      recover: names it --propose: one person--> recovery confirm: another one, with the journals--> brought back
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/pages/audit_text.h"
#include "backoffice/recovery/find.h"
#include "backoffice/recovery/proposal.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/journal_folders.h"
#include "tools/atmctl/nouns/sides.h"
#include "tools/atmctl/rows.h"
#include "lib/base/plural.h"

/* finding ------------------------------------------------------------------------------------------------ */

static void on_fault(const struct merge_difference *fault, void *context)
{
        char text[AUDIT_TEXT_MAX];

        (void)context;
        progress_end();
        audit_text(fault->fact->kind, fault->fact->values, text);
        note("%s: %s%s%s", fault->what, fault->terminal ? fault->terminal : "", fault->terminal ? ": " : "",
             text);
}

/* False after a complaint. losses_free in any case. */
static bool find(struct database *database, const struct invocation *invocation, struct losses *ret_losses)
{
        const struct journal_folders atms = journal_folders_of_atms(invocation),
                                     banks = journal_folders_of_banks(invocation);
        const struct lost_question question = {.atm_folder = atms.folder,
                                               .atm_folders = atms.count,
                                               .bank_folder = banks.folder,
                                               .bank_folders = banks.count,
                                               .on_fault = on_fault,
                                               .on_withdrawals = journal_folders_on_withdrawals};
        char error[PG_ERROR_MAX];
        bool found = losses_find(database->connection, &question, ret_losses, error);

        progress_end();
        if (!found)
                database_complain_of(error);
        return found;
}

/* Damaged lines may have been about anything. */
static bool is_reliable(const struct invocation *invocation, const struct losses *losses)
{
        char count[PLURAL_MAX];

        if (losses->faults)
                complain("%s: %s in the journals: expected journals as ATMs and banks wrote them",
                         invocation_name(invocation), plural_count(losses->faults, "fault", count));
        return !losses->faults;
}

/* naming ------------------------------------------------------------------------------------------------- */

static const struct output_column lost_columns[] = {
    {"transmitted_at", OUTPUT_TEXT, 0},
    {"terminal", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},
    {"lost", OUTPUT_TEXT, 0},
    {"amount_yen", OUTPUT_YEN, 0},
    {"cash_yen", OUTPUT_YEN, 0},
    {"problem", OUTPUT_TEXT, 0},
    {"text", OUTPUT_TEXT, 0},
    {"atm", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"host", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"bank", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
};

static bool print_lost(struct output *output, const struct lost *lost)
{
        char moment[26], stan[12], amount[24], cash[24], text[AUDIT_TEXT_MAX] = "";
        char atm[SIDE_MAX], host[SIDE_MAX], bank[SIDE_MAX];
        const char *problem = lost_problem_name[lost->problem];

        calendar_print_moment(lost->transmitted_ms, moment);
        snprintf(stan, sizeof(stan), "%06" PRId32, lost->stan);
        snprintf(amount, sizeof(amount), "%" PRId64, lost->amount_yen);
        snprintf(cash, sizeof(cash), "%" PRId64, lost->cash_yen);
        if (lost->fact_values)
                audit_text(lost->fact, lost->fact_values, text);
        side_print_atm(lost->has_atm ? &lost->atm : NULL, atm);
        side_print_host(lost->has_row ? &lost->row : NULL, host);
        side_print_bank(lost->has_bank ? &lost->bank : NULL, lost->bank_name, bank);
        return output_row(output, (const char *const[]){
                                      moment, lost->terminal, stan, lost_what_name[lost->what], amount, cash,
                                      *problem ? problem : NULL, *text ? text : NULL, atm, host, bank});
}

static bool print_totals(struct output *output, const struct losses *losses)
{
        static const struct output_column columns[] = {
            {"withdrawals", OUTPUT_NUMBER, 0}, {"lost", OUTPUT_NUMBER, 0},   {"for_people", OUTPUT_NUMBER, 0},
            {"cash_yen", OUTPUT_NUMBER, 0},    {"faults", OUTPUT_NUMBER, 0},
        };
        char withdrawals[24], lost[24], for_people[24], cash[24], faults[24];

        snprintf(withdrawals, sizeof(withdrawals), "%" PRIu64, losses->withdrawals);
        snprintf(lost, sizeof(lost), "%zu", losses->count);
        snprintf(for_people, sizeof(for_people), "%zu", losses->problems);
        snprintf(cash, sizeof(cash), "%" PRId64, losses->cash_yen);
        snprintf(faults, sizeof(faults), "%" PRIu64, losses->faults);
        return output_members(output, columns, LENGTH(columns),
                              (const char *const[]){withdrawals, lost, for_people, cash, faults});
}

static bool name_losses(const struct invocation *invocation, const struct losses *losses)
{
        static const struct output_section section = {
            .name = "losses", .columns = lost_columns, .count = LENGTH(lost_columns)};
        struct output *output = output_open_whole(invocation);
        char looked_at[PLURAL_MAX];
        bool named = output && print_totals(output, losses) && output_begin(output, &section);

        for (size_t i = 0; named && i < losses->count; i++)
                named = print_lost(output, &losses->lost[i]);
        if (named)
                output_note(output,
                            "%s looked at; of %zu something is lost, %" PRId64
                            " yen of cash among it; %zu are for people",
                            plural_count(losses->withdrawals, "withdrawal", looked_at), losses->count,
                            losses->cash_yen, losses->problems);
        if (named)
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool propose(struct database *database, const struct losses *losses)
{
        char error[PG_ERROR_MAX];
        int64_t recovery;

        if (!proposal_propose(database->connection, losses, &recovery, error)) {
                database_complain_of(error);
                return false;
        }
        note("recovery %" PRId64
             " is proposed; another person looks at the journals and confirms it: 'atmctl "
             "recovery confirm %" PRId64 " --note WHY', with the same folders",
             recovery, recovery);
        return true;
}

static bool work(struct database *database, const struct invocation *invocation, void *context)
{
        bool proposes = invocation_has(invocation, "propose"), done;
        struct losses losses;

        (void)context;
        done = find(database, invocation, &losses) && name_losses(invocation, &losses) &&
               is_reliable(invocation, &losses);
        if (done && losses.count)
                done = proposes && propose(database, &losses);
        losses_free(&losses);
        return done;
}

static int recover(const struct invocation *invocation)
{
        int exit_code = journal_folders_demand_atms(invocation);
        bool proposes = invocation_has(invocation, "propose");

        if (exit_code == EXIT_DONE && proposes != invocation_has(invocation, "note"))
                return usage_error(invocation->command, "--propose and --note go together: expected %s",
                                   proposes ? "--note too, which says why it is to be brought back"
                                            : "no --note where nothing is proposed");
        return exit_code == EXIT_DONE ? database_run(invocation, work, NULL) : exit_code;
}

/* confirming --------------------------------------------------------------------------------------------- */

/* All batches; on a failure what was done stays. */
static bool carry_out(struct database *database, int64_t recovery, int64_t version)
{
        struct proposal_step step = {.left = 1};
        int64_t brought = 0, for_people = 0;
        char error[PG_ERROR_MAX], count[PLURAL_MAX];

        while (step.left > 0) {
                if (!proposal_step(database->connection, recovery, version, &step, error)) {
                        progress_end();
                        database_complain_of(error);
                        note("%s brought back before; the same command goes on",
                             plural_count((uint64_t)brought, "withdrawal", count));
                        return false;
                }
                brought += step.brought;
                for_people += step.for_people;
                progress("brought back: %s, left: %" PRId64,
                         plural_count((uint64_t)brought, "withdrawal", count), step.left);
        }
        progress_end();
        printf("recovery %" PRId64 ": %s brought back\n", recovery,
               plural_count((uint64_t)brought, "withdrawal", count));
        if (for_people)
                note("%" PRId64
                     " more are for people: 'atmctl exception list' and 'atmctl recovery show %" PRId64
                     "' name them",
                     for_people, recovery);
        return true;
}

static bool confirm(struct database *database, const struct invocation *invocation, void *context)
{
        int64_t recovery = invocation_number(invocation, "recovery", 0), more;
        struct losses losses;
        char error[PG_ERROR_MAX];
        bool done;

        (void)context;
        done = find(database, invocation, &losses) && is_reliable(invocation, &losses);
        if (done && !proposal_confirm(database->connection, recovery, &losses, &more, error)) {
                database_complain_of(error);
                done = false;
        }
        done = done && carry_out(database, recovery, losses.version);
        if (done && more)
                note("of %" PRId64 " more something is lost that was not proposed: 'atmctl recover' names it",
                     more);
        losses_free(&losses);
        return done;
}

static int recovery_confirm(const struct invocation *invocation)
{
        int exit_code = journal_folders_demand_atms(invocation);

        return exit_code == EXIT_DONE ? database_run(invocation, confirm, NULL) : exit_code;
}

/* the others --------------------------------------------------------------------------------------------- */

static bool drop(struct database *database, const struct invocation *invocation, void *context)
{
        int64_t recovery = invocation_number(invocation, "recovery", 0);
        char error[PG_ERROR_MAX];

        (void)context;
        if (!proposal_drop(database->connection, recovery, error)) {
                database_complain_of(error);
                return false;
        }
        change_say(invocation, "recovery %" PRId64 " is dropped: what is not brought back yet will not be\n",
                   recovery);
        return true;
}

static int recovery_drop(const struct invocation *invocation)
{
        return change_run(invocation, drop, NULL);
}

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        (void)question;
        return proposals_list(connection, limit, error);
}

static const struct output_column list_columns[] = {
    {"recovery", OUTPUT_NUMBER, 0},   {"proposed_at", OUTPUT_TEXT, 0},  {"proposed_by", OUTPUT_TEXT, 0},
    {"confirmed_at", OUTPUT_TEXT, 0}, {"confirmed_by", OUTPUT_TEXT, 0}, {"state", OUTPUT_TEXT, OUTPUT_STATE},
    {"withdrawals", OUTPUT_YEN, 0},   {"brought_back", OUTPUT_YEN, 0},  {"for_people", OUTPUT_YEN, 0},
    {"left", OUTPUT_YEN, 0},          {"cash_yen", OUTPUT_YEN, 0},
};

static int recovery_list(const struct invocation *invocation)
{
        return rows_answer(
            invocation, &(struct rows_question){.ask = ask_list,
                                                .columns = list_columns,
                                                .column_count = LENGTH(list_columns),
                                                .limit = invocation_number(invocation, "limit", LIST_LIMIT)});
}

static PGresult *ask_items(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return proposal_items(connection, *(const int64_t *)question, limit, error);
}

static int recovery_show(const struct invocation *invocation)
{
        static const struct output_column columns[] = {
            {"transmitted_at", OUTPUT_TEXT, 0},   {"terminal", OUTPUT_TEXT, 0},
            {"stan", OUTPUT_NUMBER, 0},           {"lost", OUTPUT_TEXT, 0},
            {"amount_yen", OUTPUT_YEN, 0},        {"cash_yen", OUTPUT_YEN, 0},
            {"state", OUTPUT_TEXT, OUTPUT_STATE}, {"problem", OUTPUT_TEXT, 0},
            {"ended_at", OUTPUT_TEXT, 0},
        };
        int64_t recovery = invocation_number(invocation, "recovery", 0);

        return rows_answer(
            invocation, &(struct rows_question){.ask = ask_items,
                                                .question = &recovery,
                                                .columns = columns,
                                                .column_count = LENGTH(columns),
                                                .absent = "there is none of that number",
                                                .limit = invocation_number(invocation, "limit", LIST_LIMIT)});
}

/* rows --------------------------------------------------------------------------------------------------- */

#define JOURNALS                                                                                             \
        {.name = "atm-journals",                                                                             \
         .kind = VALUE_DIRECTORY,                                                                            \
         .flags = FIELD_REPEAT,                                                                              \
         .text = "folders of the ATMs' journals and dispensers; ATM_JOURNAL unless given"},                  \
        {                                                                                                    \
                .name = "bank-journals", .kind = VALUE_DIRECTORY, .flags = FIELD_REPEAT,                     \
                .text = "folders of the banks' journals (*.journal), each named in its first line as its "   \
                        "link is; BANKSIM_JOURNALS unless given"                                             \
        }
#define RECOVERY                                                                                             \
        {                                                                                                    \
                .name = "recovery", .kind = VALUE_NUMBER, .flags = FIELD_POSITIONAL | FIELD_REQUIRED,        \
                .text = "its number, as 'atmctl recovery list' shows it"                                     \
        }
#define LIMIT                                                                                                \
        {                                                                                                    \
                .name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"          \
        }

static const struct field recover_fields[] = {
    JOURNALS,
    {.name = "propose",
     .kind = VALUE_NONE,
     .text = "propose to bring it back, for another person to confirm; --note says why"},
    {.name = NULL},
};
static const struct field confirm_fields[] = {RECOVERY, JOURNALS, {.name = NULL}};
static const struct field drop_fields[] = {RECOVERY, {.name = NULL}};
static const struct field show_fields[] = {RECOVERY, LIMIT, {.name = NULL}};
static const struct field list_fields[] = {LIMIT, {.name = NULL}};

static const struct command commands[] = {
    {.noun = "recover",
     .text =
         "name what a database that was restored to a moment in the past has lost, and journals still have",
     .more =
         "Whoever has an acknowledgement doesn't say it again, so nothing of this comes back by itself: "
         "withdrawals "
         "(withdrawal), what their banks said (outcome), completions, reversals and corrections (end), and "
         "words of "
         "ATMs about what was never decided (word). Beside each stands what the sides say of it, the cash "
         "that was "
         "dispensed and the database does not know of, and, where it can't be brought back, why (problem): "
         "no ATM's "
         "or bank's journal of it, journals that disagree (text says in what), no price of its day in the "
         "reference "
         "data or another one than the card-holder was told, no such ATM, hall, card or quarter. What people "
         "had "
         "entered since that moment (cards, tariffs, exclusions, decisions) is in no journal: enter that "
         "first, for "
         "prices and accounts follow from it.\n"
         "With --propose it is proposed as a whole, and another person confirms it ('atmctl recovery "
         "confirm'). Do so "
         "before an atmd is started: an advice about a withdrawal that is not there yet would block it for "
         "good. Exit "
         "code 0 only if nothing is lost, or it was proposed.\n"
         "JSON: one object {\"withdrawals\", \"lost\", \"for_people\", \"cash_yen\", \"faults\", \"losses\": "
         "[{\"transmitted_at\", \"terminal\", \"stan\", \"lost\", \"amount_yen\", \"cash_yen\", \"problem\", "
         "\"text\", "
         "\"atm\", \"host\", \"bank\"}]}.\n"
         "Example: atmctl recover --atm-journals journal --bank-journals banks/journal --propose --note "
         "'restored "
         "to 10:41, the disk was lost'",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .no_dry_run = "without --propose it changes nothing, and shows what it would propose",
     .run = recover,
     .fields = recover_fields},
    {.noun = "recovery",
     .verb = "list",
     .text = "list what was proposed to be brought back, the newest first",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = recovery_list,
     .fields = list_fields},
    {.noun = "recovery",
     .verb = "show",
     .text = "show the withdrawals of one, and what became of each",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = recovery_show,
     .fields = show_fields},
    {.noun = "recovery",
     .verb = "confirm",
     .text = "confirm what another person proposed, and bring it back",
     .more = "The journals are read again: what was proposed must be just what they and the reference data "
             "say is lost. "
             "Who proposed can't confirm, by whatever name of a person: the two must be two logins of the "
             "database. It "
             "comes back as what it was, with the approval, price, fees and ends of its moment, in batches "
             "that are each a "
             "transaction: commission on its business date, or, where that is closed, on the first open day; "
             "what its "
             "bank has booked already is not sent again. 'atmctl withdrawal show' and the trail say of each "
             "which "
             "recovery brought it. What can't be brought back becomes an exception (kind recovery). Refused "
             "while an "
             "instance of atmd is connected. Where it was stopped, the same command goes on.\n"
             "Example: atmctl recovery confirm 1 --atm-journals journal --bank-journals banks/journal --note "
             "'compared "
             "with the banks' files of the day'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .no_dry_run = "'atmctl recover' shows what it would bring back: it goes by batches, each a transaction",
     .run = recovery_confirm,
     .fields = confirm_fields},
    {.noun = "recovery",
     .verb = "drop",
     .text = "drop what was proposed: what is not brought back yet will not be",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = recovery_drop,
     .fields = drop_fields},
};

const struct command_group group_recovery = {commands, sizeof(commands) / sizeof(*commands),
                                             "After a restore"};
