/* verify: backoffice/audit's, as a command: what was checked, or, where something differs, the differences. */
#include "tools/atmctl/nouns/verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/verify.h"
#include "tools/atmctl/rows.h"

static const struct output_column difference_columns[] = {{"check", OUTPUT_TEXT, 0},
                                                          {"key", OUTPUT_TEXT, 0},
                                                          {"expected", OUTPUT_TEXT, 0},
                                                          {"found", OUTPUT_TEXT, 0}};

static bool print_differences(const struct invocation *invocation, const struct findings *findings)
{
        struct output *output =
            output_open(invocation, OUTPUT_ROWS, difference_columns, LENGTH(difference_columns));

        if (!output)
                return false;
        for (size_t i = 0; i < findings->count; i++) {
                const struct difference *d = &findings->named[i];
                const char *values[] = {verify_checks[d->check].name, d->key, d->expected, d->found};

                if (!output_row(output, values)) {
                        output_abandon(output);
                        return false;
                }
        }
        return output_close(output);
}

static bool print_summary(const struct invocation *invocation, const struct findings *findings)
{
        static const struct output_column columns[] = {{"check", OUTPUT_TEXT, 0},
                                                       {"checked", OUTPUT_YEN, 0},
                                                       {"differences", OUTPUT_YEN, 0},
                                                       {"what", OUTPUT_TEXT, 0}};
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, LENGTH(columns));

        for (size_t i = 0; i < CHECK_COUNT && output; i++) {
                char checked[24], differences[24];

                snprintf(checked, sizeof(checked), "%" PRIu64, findings->checked[i]);
                snprintf(differences, sizeof(differences), "%" PRIu64, findings->differ[i]);
                if (!output_row(output, (const char *const[]){verify_checks[i].name, checked, differences,
                                                              verify_checks[i].text})) {
                        output_abandon(output);
                        return false;
                }
        }
        return output && output_close(output);
}

static json_t *differences_json(const struct findings *findings)
{
        json_t *differences = json_array();

        for (size_t i = 0; i < findings->count; i++) {
                const struct difference *d = &findings->named[i];
                json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "check", verify_checks[d->check].name, "key",
                                        d->key, "expected", d->expected, "found", d->found);

                if (json_array_append_new(differences, row) != 0) {
                        json_decref(differences);
                        return NULL;
                }
        }
        return differences;
}

static json_t *checked_json(const struct findings *findings)
{
        json_t *checked = json_object();

        for (size_t i = 0; i < CHECK_COUNT; i++) {
                if (json_object_set_new(checked, verify_checks[i].name,
                                        json_integer((json_int_t)findings->checked[i])) != 0) {
                        json_decref(checked);
                        return NULL;
                }
        }
        return checked;
}

static bool print_json(const struct invocation *invocation, const struct findings *findings)
{
        json_t *whole = json_pack("{s:o, s:o}", "checked", checked_json(findings), "differences",
                                  differences_json(findings));
        bool printed = whole && output_json(invocation, whole);

        if (!whole)
                complain("out of memory");
        json_decref(whole);
        return printed;
}

/* For people: what was checked, or, where something differs, the differences. */
static bool print_verification(const struct invocation *invocation, const struct findings *findings)
{
        switch (output_format_of(invocation)) {
        case OUTPUT_JSON:
                return print_json(invocation, findings);
        case OUTPUT_CSV:
                return print_differences(invocation, findings);
        default:
                return findings->differences ? print_differences(invocation, findings) : print_summary(invocation, findings);
        }
}

static void complain_about(const struct findings *findings)
{
        complain("verify: %" PRIu64 " differences", findings->differences);
        if (findings->differences > findings->count)
                note("the first %zu that were found are named", findings->count);
}

static void on_progress(const struct verify_progress *p, void *context)
{
        int64_t percent = p->rows_about ? (int64_t)p->rows * 100 / p->rows_about : 0;

        (void)context;
        progress("%" PRId64 " %%: %" PRIu64 " of about %" PRId64 " rows%s%s", percent < 99 ? percent : 99, p->rows,
                 p->rows_about, *p->from ? ", from " : "", p->from);
}

/* ATM_VERIFY_PARTS sets how many parts each quarter is read in. False after a complaint. */
static bool parts_asked(int *ret_parts)
{
        const char *asked = getenv("ATM_VERIFY_PARTS");
        char *end;
        long parts;

        *ret_parts = 0;
        if (!asked)
                return true;
        parts = strtol(asked, &end, 10);
        if (end == asked || *end || parts < 1 || parts > VERIFY_PARTS_MAX) {
                complain("ATM_VERIFY_PARTS is '%s': expected a number from 1 to %d", asked, VERIFY_PARTS_MAX);
                return false;
        }
        *ret_parts = (int)parts;
        return true;
}

int verify_all(const struct invocation *invocation)
{
        struct verify_question question = {.on_progress = on_progress};
        struct findings findings;
        struct database database;
        char error[PG_ERROR_MAX];
        int exit_code = EXIT_FAILED;
        bool verified;

        if (!parts_asked(&question.parts) || !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        verified = verify(database.connection, &question, &findings, error);
        progress_end();
        if (!verified)
                database_complain_of(error);
        else if (print_verification(invocation, &findings)) {
                if (findings.differences)
                        complain_about(&findings);
                else
                        exit_code = EXIT_DONE;
        }
        findings_free(&findings);
        database_close(&database);
        return exit_code;
}
