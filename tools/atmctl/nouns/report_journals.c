/* report journals: backoffice/audit's repricing, as a report. */
#include "tools/atmctl/nouns/report_journals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/repricing.h"
#include "rules/calendar.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/journal_folders.h"
#include "tools/atmctl/rows.h"
#include "lib/base/plural.h"

static const struct output_column columns[] = {
    {"key", OUTPUT_DAYS, 0}, /* also a bank, an ATM */
    {"withdrawals", OUTPUT_YEN, 0},
    {"cash_yen", OUTPUT_YEN, 0},
    {"customer_fee_yen", OUTPUT_YEN, 0},
    {"interbank_fee_yen", OUTPUT_YEN, 0},
    {"tax_yen", OUTPUT_YEN, 0},
    {"commission_yen", OUTPUT_YEN, 0},
};

static bool print_sum(struct output *output, const struct repricing_sum *sum, bool total)
{
        const int64_t number[] = {sum->withdrawals,       sum->cash_yen, sum->customer_fee_yen,
                                  sum->interbank_fee_yen, sum->tax_yen,  repricing_commission_yen(sum)};
        char text[LENGTH(number)][24];
        const char *values[LENGTH(columns)] = {total ? "total" : sum->key};

        for (size_t i = 0; i < LENGTH(number); i++) {
                snprintf(text[i], sizeof(text[i]), "%" PRId64, number[i]);
                values[i + 1] = text[i];
        }
        return total ? output_total(output, values) : output_row(output, values);
}

static const char *const by_names[] = {[REPRICING_BY_DAY] = "day",
                                       [REPRICING_BY_MONTH] = "month",
                                       [REPRICING_BY_ISSUER] = "issuer",
                                       [REPRICING_BY_ATM] = "atm"};

static bool write_sums(struct output *output, const struct repricing *r, enum repricing_by by)
{
        const char *const headings[LENGTH(columns)] = {by_names[by]};
        const struct output_section section = {
            .columns = columns, .count = LENGTH(columns), .words = headings};
        bool written = output_begin(output, &section);

        for (size_t i = 0; i < r->sums && written; i++)
                written = print_sum(output, &r->sum[i], false);
        return written && (!r->sums || print_sum(output, &r->total, true));
}

static bool print_sums(const struct invocation *invocation, const struct repricing *r, enum repricing_by by)
{
        struct output *output = output_open_whole(invocation);
        char count[PLURAL_MAX];

        if (!output)
                return false;
        if (!write_sums(output, r, by)) {
                output_abandon(output);
                return false;
        }
        if (!output_close(output))
                return false;
        if (r->open && output_reader_of(invocation))
                note("未完了のため計算していない出金：%" PRIu64 "件", r->open);
        else if (r->open)
                note("without an end yet and not priced: %s", plural_count(r->open, "withdrawal", count));
        return true;
}

/* the command ------------------------------------------------------------------------------------------------------ */

static void on_fault(const char *what, const char *terminal, const char *text, void *context)
{
        bool *damaged = context;

        complain("%s: %s%s%s", what, terminal ? terminal : "", terminal ? ": " : "", text);
        *damaged = true;
}

static void on_atm_folder(const char *folder, void *context)
{
        (void)context;
        progress("the ATMs' journals: %s", folder);
}

static enum repricing_by take_by(const struct invocation *invocation)
{
        const char *by = invocation_value(invocation, "by");

        for (size_t i = 0; by && i < LENGTH(by_names); i++) {
                if (!strcmp(by, by_names[i]))
                        return (enum repricing_by)i;
        }
        return REPRICING_BY_DAY;
}

static int32_t take_day(const struct invocation *invocation, const char *option, int32_t fallback_day)
{
        const char *text = invocation_value(invocation, option);
        int32_t day = fallback_day;

        if (text && !calendar_parse_day(text, &day))
                abort(); /* value_check saw to it */
        return day;
}

static bool report(struct database *database, const struct invocation *invocation, void *context)
{
        const struct repricing_question *question = context;
        struct repricing repricing;
        char error[PG_ERROR_MAX];
        bool done = reprice(database->connection, question, &repricing, error);

        progress_end();
        if (!done)
                database_complain_of(error);
        done = done && print_sums(invocation, &repricing, question->by);
        repricing_free(&repricing);
        return done;
}

int report_journals(const struct invocation *invocation)
{
        const struct journal_folders atms = journal_folders_of_atms(invocation);
        bool damaged = false;
        int exit_code;
        struct repricing_question question = {.atm_folder = atms.folder,
                                              .atm_folders = atms.count,
                                              .by = take_by(invocation),
                                              .first_day = take_day(invocation, "from", INT32_MIN),
                                              .last_day = take_day(invocation, "to", INT32_MAX),
                                              .on_fault = on_fault,
                                              .on_atm_folder = on_atm_folder,
                                              .context = &damaged};

        if (!atms.count)
                return usage_error(
                    invocation->command,
                    "--atm-journals is missing: expected the folders of the ATMs' journals, or the variable "
                    "ATM_JOURNAL");
        exit_code = database_run(invocation, report, &question);
        return damaged ? EXIT_FAILED : exit_code;
}

const struct field journals_fields[] = {
    {.name = "by", .kind = VALUE_JOURNALS_KEY, .text = "one row for each; day unless given"},
    {.name = "from", .kind = VALUE_DATE, .text = "the first business date; all unless given"},
    {.name = "to", .kind = VALUE_DATE, .text = "the last business date, included"},
    {.name = "atm-journals",
     .kind = VALUE_DIRECTORY,
     .flags = FIELD_REPEAT,
     .text = "folders of the ATMs' journals and dispensers; ATM_JOURNAL unless given"},
    {.name = NULL},
};
