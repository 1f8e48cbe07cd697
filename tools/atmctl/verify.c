/*
 * verify: every sum that is kept, recomputed from the history, and every row of it held against the others.
 * One snapshot, and one connection: the server reads while this program compares, which takes both cores of a
 * small machine. The history is read once, quarter by quarter and table by table, as it lies
 * (verify_history.h); a quarter whose withdrawals would take over a quarter of the machine's memory is read
 * in parts, by ATM, and ATM_VERIFY_PARTS sets how many parts each is read in. The sums that cross withdrawals
 * are made beside it (verify_books.h).
 */
#include "tools/atmctl/verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/reference_load.h"
#include "rules/calendar.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/verify_history.h"

enum {
        QUARTERS_MAX = 400,
        PARTS_MAX = 1000,
        WITHDRAWAL_ROW_SIZE = 160, /* at least, on disk */
        MEMORY_SHARE = 4,
};

struct quarter {
        int32_t from_day, to_day;
        int64_t withdrawals; /* about, and rather too many */
};

struct verification {
        const struct invocation *invocation;
        struct database database;
        struct names names;
        struct copy_source source;
        struct findings findings;
        struct books books;
        struct verify_history history;
        struct reference *reference;
        struct quarter quarter[QUARTERS_MAX];
        size_t quarters;
        int64_t rows; /* about, in all */
        char piece[32];
};

/* what there is ---------------------------------------------------------------------------------------- */

static bool load_reference(struct verification *v)
{
        char error[PG_ERROR_MAX];

        if (reference_read(v->database.connection, &v->reference, error))
                return true;
        database_complain_of(error);
        return false;
}

/* The quarters that there are partitions for, as ranges that follow each other and leave nothing out. */
static bool list_quarters(struct verification *v)
{
        PGresult *result = database_query(
            &v->database,
            "SELECT to_char(from_on, 'YYYY-MM-DD'), coalesce(pg_relation_size(to_regclass('withdrawal_' || "
            "to_char(from_on, 'YYYY\"q\"Q'))), 0) FROM ledger_partition ORDER BY from_on",
            0, NULL);
        int count = result ? PQntuples(result) : 0;
        bool listed = result != NULL;

        if (count > QUARTERS_MAX) {
                complain("verify: %d quarters; at most %d are expected", count, QUARTERS_MAX);
                listed = false;
        }
        v->quarters = 1;
        v->quarter[0] = (struct quarter){INT32_MIN, INT32_MAX, 0};
        for (int i = 0; listed && i < count; i++) {
                struct quarter *quarter = &v->quarter[i];
                int32_t from_day;

                listed = calendar_parse_day(PQgetvalue(result, i, 0), &from_day);
                *quarter = (struct quarter){from_day, INT32_MAX,
                                            atoll(PQgetvalue(result, i, 1)) / WITHDRAWAL_ROW_SIZE};
                if (i)
                        quarter[-1].to_day = from_day;
                else
                        quarter->from_day = INT32_MIN;
                v->quarters = (size_t)i + 1;
        }
        PQclear(result);
        return listed;
}

/* What the server guesses, or, where it has never looked, what the size says. */
static bool guess_rows(struct verification *v)
{
        PGresult *result =
            database_query(&v->database,
                           "SELECT coalesce(sum(CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE "
                           "pg_relation_size(c.oid) / 110 END), "
                           "0)::bigint FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
                           "WHERE coalesce(i.inhparent, c.oid) = ANY (ARRAY['withdrawal', 'bank_outcome', "
                           "'advice', 'commission', "
                           "'bank_notice', 'bank_ack', 'card_day', 'card_month', 'revenue_rollup', "
                           "'summary', 'card', 'account']"
                           "::regclass[]) AND c.relkind = 'r'",
                           0, NULL);

        if (!result)
                return false;
        v->rows = atoll(PQgetvalue(result, 0, 0));
        PQclear(result);
        return true;
}

/* the reading ------------------------------------------------------------------------------------------ */

static void on_rows(uint64_t rows, void *context)
{
        const struct verification *v = context;
        int64_t percent = v->rows ? (int64_t)rows * 100 / v->rows : 0;

        progress("%" PRId64 " %%: %" PRIu64 " of about %" PRId64 " rows%s", percent < 99 ? percent : 99, rows,
                 v->rows, v->piece);
}

/* 0 after a complaint. */
static int parts_of(const struct quarter *quarter)
{
        int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / MEMORY_SHARE;
        const char *asked = getenv("ATM_VERIFY_PARTS");
        char *end;
        long parts;

        if (!asked)
                return (int)(1 + quarter->withdrawals * HISTORY_WITHDRAWAL_SIZE / memory);
        parts = strtol(asked, &end, 10);
        if (end == asked || *end || parts < 1 || parts > PARTS_MAX) {
                complain("ATM_VERIFY_PARTS is '%s': expected a number from 1 to %d", asked, PARTS_MAX);
                return 0;
        }
        return (int)parts;
}

static bool verify_quarter(struct verification *v, const struct quarter *quarter)
{
        struct history_piece piece = {.from = "-infinity", .to = "infinity", .parts = parts_of(quarter)};

        if (!piece.parts)
                return false;
        if (quarter->from_day != INT32_MIN) {
                calendar_print_day(quarter->from_day, piece.from);
                snprintf(v->piece, sizeof(v->piece), ", from %s", piece.from);
        }
        if (quarter->to_day != INT32_MAX)
                calendar_print_day(quarter->to_day, piece.to);
        books_quarter_begin(&v->books, quarter->from_day, quarter->to_day);
        for (piece.part = 0; piece.part < piece.parts; piece.part++) {
                if (!verify_history_piece(&v->history, &piece))
                        return false;
        }
        return books_quarter_end(&v->books);
}

static bool verify_snapshot(struct verification *v)
{
        v->source = (struct copy_source){
            .database = &v->database, .names = &v->names, .on_rows = on_rows, .context = v};
        if (!database_execute(&v->database,
                              "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off;"
                              "SET LOCAL max_parallel_workers_per_gather = 0",
                              0, NULL) ||
            !load_reference(v) || !list_quarters(v) || !guess_rows(v) ||
            !books_open(&v->books, &v->source, &v->findings))
                return false;
        v->history = (struct verify_history){.source = &v->source,
                                             .names = &v->names,
                                             .findings = &v->findings,
                                             .books = &v->books,
                                             .reference = v->reference};
        if (!verify_history_open(&v->history))
                return false;
        for (size_t i = 0; i < v->quarters; i++) {
                if (!verify_quarter(v, &v->quarter[i]))
                        return false;
        }
        if (!books_end(&v->books) || v->findings.failed)
                return false;
        progress_end();
        findings_sort(&v->findings);
        return database_execute(&v->database, "COMMIT", 0, NULL);
}

/* output ------------------------------------------------------------------------------------------------- */

static const struct output_column difference_columns[] = {{"check", OUTPUT_TEXT, 0},
                                                          {"key", OUTPUT_TEXT, 0},
                                                          {"expected", OUTPUT_TEXT, 0},
                                                          {"found", OUTPUT_TEXT, 0}};

static bool print_differences(const struct verification *v)
{
        struct output *output =
            output_open(v->invocation, OUTPUT_ROWS, difference_columns, LENGTH(difference_columns));

        if (!output)
                return false;
        for (size_t i = 0; i < v->findings.count; i++) {
                const struct difference *d = &v->findings.named[i];
                const char *values[] = {verify_checks[d->check].name, d->key, d->expected, d->found};

                if (!output_row(output, values)) {
                        output_abandon(output);
                        return false;
                }
        }
        return output_close(output);
}

static bool print_summary(const struct verification *v)
{
        static const struct output_column columns[] = {{"check", OUTPUT_TEXT, 0},
                                                       {"checked", OUTPUT_YEN, 0},
                                                       {"differences", OUTPUT_YEN, 0},
                                                       {"what", OUTPUT_TEXT, 0}};
        struct output *output = output_open(v->invocation, OUTPUT_ROWS, columns, LENGTH(columns));

        for (size_t i = 0; i < CHECK_COUNT && output; i++) {
                char checked[24], differences[24];

                snprintf(checked, sizeof(checked), "%" PRIu64, v->findings.checked[i]);
                snprintf(differences, sizeof(differences), "%" PRIu64, v->findings.differ[i]);
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

static bool print_json(const struct verification *v)
{
        json_t *whole = json_pack("{s:o, s:o}", "checked", checked_json(&v->findings), "differences",
                                  differences_json(&v->findings));
        bool printed = whole && output_json(v->invocation, whole);

        if (!whole)
                complain("out of memory");
        json_decref(whole);
        return printed;
}

/* For people: what was checked, or, where something differs, the differences. */
static bool print_verification(const struct verification *v)
{
        switch (output_format_of(v->invocation)) {
        case OUTPUT_JSON:
                return print_json(v);
        case OUTPUT_CSV:
                return print_differences(v);
        default:
                return v->findings.differences ? print_differences(v) : print_summary(v);
        }
}

static void complain_about(const struct findings *findings)
{
        complain("verify: %" PRIu64 " differences", findings->differences);
        if (findings->differences > findings->count)
                note("the first %zu that were found are named", findings->count);
}

int verify_all(const struct invocation *invocation)
{
        struct verification *v = calloc(1, sizeof(*v));
        int exit_code = EXIT_FAILED;

        if (!v || !names_open(&v->names)) {
                complain("out of memory");
                goto free_all;
        }
        v->invocation = invocation;
        if (!database_open(&v->database, invocation, DATABASE_READY))
                goto free_all;
        if (verify_snapshot(v) && print_verification(v)) {
                if (v->findings.differences)
                        complain_about(&v->findings);
                else
                        exit_code = EXIT_DONE;
        }
        database_close(&v->database);
        verify_history_close(&v->history);
        books_close(&v->books);
        reference_free(v->reference);
        findings_free(&v->findings);
free_all:
        if (v)
                names_close(&v->names);
        free(v);
        return exit_code;
}
