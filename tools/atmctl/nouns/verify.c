/* verify: backoffice/audit's, as a command: what was checked, or, where something differs, the differences. */
#include "tools/atmctl/nouns/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backoffice/audit/verify.h"
#include "backoffice/pages/audit_text.h"
#include "lib/base/digits.h"
#include "lib/base/number.h"
#include "lib/base/plural.h"
#include "tools/atmctl/rows.h"

static const struct output_column difference_columns[] = {{"check", OUTPUT_TEXT, 0},
                                                          {"key", OUTPUT_TEXT, 0},
                                                          {"expected", OUTPUT_TEXT, 0},
                                                          {"found", OUTPUT_TEXT, 0}};

static const char *words_of(const struct kept_fact *fact, char buffer[AUDIT_TEXT_MAX])
{
        audit_text(fact->kind, fact->values, buffer);
        return buffer;
}

static bool write_differences(struct output *output, const struct findings *findings)
{
        for (size_t i = 0; i < findings->count; i++) {
                const struct difference *d = &findings->named[i];
                char key[AUDIT_TEXT_MAX], expected[AUDIT_TEXT_MAX], found[AUDIT_TEXT_MAX];
                const char *values[] = {verify_check_name[d->check], words_of(&d->key, key),
                                        words_of(&d->expected, expected), words_of(&d->found, found)};

                if (!output_row(output, values))
                        return false;
        }
        return true;
}

static const struct output_column summary_columns[] = {{"check", OUTPUT_TEXT, 0},
                                                       {"checked", OUTPUT_YEN, 0},
                                                       {"differences", OUTPUT_YEN, 0},
                                                       {"what", OUTPUT_TEXT, 0}};

static bool write_summary(struct output *output, const struct findings *findings)
{
        for (size_t i = 0; i < CHECK_COUNT; i++) {
                char checked[24], differences[24];

                snprintf(checked, sizeof(checked), "%" PRIu64, findings->checked[i]);
                snprintf(differences, sizeof(differences), "%" PRIu64, findings->differ[i]);
                if (!output_row(output, (const char *const[]){verify_check_name[i], checked, differences,
                                                              audit_check_text((enum verify_check)i)}))
                        return false;
        }
        return true;
}

/* JSON: how many of each check, an object. */
static bool write_checked(struct output *output, const struct findings *findings)
{
        char name[64], checked[24];
        const char *values[] = {checked};
        const struct output_column column = {name, OUTPUT_NUMBER, OUTPUT_MEMBER};

        for (size_t i = 0; i < CHECK_COUNT; i++) {
                snprintf(name, sizeof(name), "checked.%s", verify_check_name[i]);
                snprintf(checked, sizeof(checked), "%" PRIu64, findings->checked[i]);
                if (!output_members(output, &column, 1, values))
                        return false;
        }
        return true;
}

static bool write_under_way(struct output *output, const struct under_way *under_way)
{
        static const struct output_column columns[] = {{"under_way.asked", OUTPUT_NUMBER, OUTPUT_MEMBER},
                                                       {"under_way.approved", OUTPUT_NUMBER, OUTPUT_MEMBER},
                                                       {"under_way.notices", OUTPUT_NUMBER, OUTPUT_MEMBER}};
        char asked[24], approved[24], notices[24];

        snprintf(asked, sizeof(asked), "%" PRIu64, under_way->asked);
        snprintf(approved, sizeof(approved), "%" PRIu64, under_way->approved);
        snprintf(notices, sizeof(notices), "%" PRIu64, under_way->notices);
        return output_members(output, columns, LENGTH(columns),
                              (const char *const[]){asked, approved, notices});
}

static bool write_recovered(struct output *output, uint64_t recovered)
{
        static const struct output_column column = {"recovered", OUTPUT_NUMBER, 0};
        char text[24];

        snprintf(text, sizeof(text), "%" PRIu64, recovered);
        return output_members(output, &column, 1, (const char *const[]){text});
}

/* "12,345 figures in 23 checks" */
static const char *write_extent(const struct findings *findings, char buffer[80])
{
        uint64_t all = 0;
        char number[24], grouped[32];

        for (size_t i = 0; i < CHECK_COUNT; i++)
                all += findings->checked[i];
        snprintf(number, sizeof(number), "%" PRIu64, all);
        digits_group(number, grouped, sizeof(grouped));
        snprintf(buffer, 80, "%s %s in %d checks", grouped, all == 1 ? "figure" : "figures", CHECK_COUNT);
        return buffer;
}

/* For people: what was checked, or, where something differs, the differences. */
static bool print_verification(const struct invocation *invocation, const struct findings *findings)
{
        const struct output_section summary = {
            .columns = summary_columns, .count = LENGTH(summary_columns), .flags = OUTPUT_ONLY_TABLE};
        const struct output_section differences = {.name = "differences",
                                                   .columns = difference_columns,
                                                   .count = LENGTH(difference_columns),
                                                   .flags = findings->differences ? 0 : OUTPUT_NOT_TABLE};
        struct output *output = output_open_whole(invocation);
        char asked[PLURAL_MAX], approved[PLURAL_MAX], notices[PLURAL_MAX], recovered[PLURAL_MAX];

        if (!output)
                return false;
        if (findings->under_way.asked || findings->under_way.approved || findings->under_way.notices)
                output_note(
                    output,
                    "under way, and no differences: %s that a bank is asked about, %s without an end, "
                    "%s to banks",
                    plural_count(findings->under_way.asked, "withdrawal", asked),
                    plural_count(findings->under_way.approved, "approved withdrawal", approved),
                    plural_count(findings->under_way.notices, "notice", notices));
        if (findings->recovered)
                output_note(output, "of %s something was brought back from journals: 'atmctl recovery list'",
                            plural_count(findings->recovered, "withdrawal", recovered));
        if (write_checked(output, findings) && write_under_way(output, &findings->under_way) &&
            write_recovered(output, findings->recovered) && output_begin(output, &differences) &&
            write_differences(output, findings) &&
            (findings->differences || (output_begin(output, &summary) && write_summary(output, findings))))
                return output_close(output);
        output_abandon(output);
        return false;
}

static void say_good(const struct invocation *invocation, const struct findings *findings)
{
        char extent[80];

        if (output_kind_of(invocation) == OUTPUT_FOR_PEOPLE)
                note("%s were recomputed from the history: all of them add up",
                     write_extent(findings, extent));
}

static void complain_about(const struct findings *findings)
{
        char differences[PLURAL_MAX], extent[80];

        complain("verify: %s among %s", plural_count(findings->differences, "difference", differences),
                 write_extent(findings, extent));
        if (findings->differences > findings->count)
                note("the first %zu that were found are named", findings->count);
}

static void on_progress(const struct verify_progress *p, void *context)
{
        int64_t percent = p->rows_about ? (int64_t)p->rows * 100 / p->rows_about : 0;

        (void)context;
        progress("%" PRId64 " %%: %" PRIu64 " of about %" PRId64 " rows%s%s", percent < 99 ? percent : 99,
                 p->rows, p->rows_about, *p->from ? ", from " : "", p->from);
}

/* ATM_VERIFY_PARTS sets how many parts each quarter is read in. False after a complaint. */
static bool parts_asked(int *ret_parts)
{
        const char *asked = getenv("ATM_VERIFY_PARTS");
        char expected[NUMBER_EXPECTED_MAX];
        int64_t parts;

        *ret_parts = 0;
        if (!asked)
                return true;
        if (!number_parse(asked, 1, VERIFY_PARTS_MAX, &parts)) {
                complain("ATM_VERIFY_PARTS is '%s': expected %s", asked,
                         number_expected(1, VERIFY_PARTS_MAX, expected));
                return false;
        }
        *ret_parts = (int)parts;
        return true;
}

static bool verify_found(struct database *database, const struct invocation *invocation, void *context)
{
        struct findings findings;
        char error[PG_ERROR_MAX];
        bool verified = verify(database->connection, context, &findings, error), printed = false;

        progress_end();
        if (!verified)
                database_complain_of(error);
        else
                printed = print_verification(invocation, &findings);
        if (printed && findings.differences)
                complain_about(&findings);
        else if (printed)
                say_good(invocation, &findings);
        printed = printed && !findings.differences;
        findings_free(&findings);
        return printed;
}

int verify_all(const struct invocation *invocation)
{
        struct verify_question question = {.on_progress = on_progress};

        return parts_asked(&question.parts) ? database_run(invocation, verify_found, &question) : EXIT_FAILED;
}
