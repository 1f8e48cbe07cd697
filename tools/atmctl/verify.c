/*
 * verify: every sum that is kept, recomputed from the history. The checks are verify.sql's, which is part of
 * the program; all see one snapshot. Each reads its tables once and in sets, so that a fiscal year takes
 * minutes.
 */
#include "tools/atmctl/verify.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/rows.h"

extern const char verify_sql[]; /* verify.sql, by embed.S */

enum { CHECKS_MAX = 32 };
#define PREPARE "-- prepare\n"
#define CHECK   "-- check "

struct check {
        char name[32];
        char text[160];
        char *sql;
};

struct checks {
        char *prepare;
        struct check check[CHECKS_MAX];
        size_t count;
};

static void checks_free(struct checks *checks)
{
        free(checks->prepare);
        for (size_t i = 0; i < checks->count; i++)
                free(checks->check[i].sql);
}

/* From `text` to the next check, or to the end. */
static char *copy_piece(const char *text)
{
        const char *end = strstr(text, "\n" CHECK);

        return end ? strndup(text, (size_t)(end - text)) : strdup(text);
}

/* Cut verify.sql into its pieces. Its form is our own: a fault in it is a bug. */
static bool checks_load(struct checks *checks)
{
        const char *at = strstr(verify_sql, "\n" PREPARE);

        assert(at);
        checks->prepare = copy_piece(at + 1);
        if (!checks->prepare)
                return false;
        while ((at = strstr(at + 1, "\n" CHECK))) {
                struct check *check = &checks->check[checks->count];
                int fields = sscanf(at, "\n" CHECK "%31[a-z_]: %159[^\n]", check->name, check->text);

                assert(fields == 2 && checks->count < CHECKS_MAX);
                check->sql = copy_piece(strchr(at + 1, '\n') + 1);
                if (!check->sql)
                        return false;
                checks->count++;
        }
        return true;
}

/* The count of all and the differences of one check: one pass, differences as a JSON array. */
static PGresult *run_check(struct database *database, const struct check *check)
{
        char *sql;
        PGresult *result;

        if (asprintf(
                &sql,
                "SELECT count(*), coalesce(json_agg(json_build_array(key, expected, found) ORDER BY key) "
                "FILTER (WHERE differs), '[]') FROM (%s\n) d",
                check->sql) < 0) {
                complain("out of memory");
                return NULL;
        }
        result = database_query(database, sql, 0, NULL);
        free(sql);
        return result;
}

struct verification {
        struct checks checks;
        json_t *checked;     /* {check: how many} */
        json_t *differences; /* [{check, key, expected, found}] */
};

static bool keep_difference(struct verification *verification, const struct check *check, const json_t *found)
{
        json_t *row = json_pack("{s:s, s:O, s:O, s:O}", "check", check->name, "key", json_array_get(found, 0),
                                "expected", json_array_get(found, 1), "found", json_array_get(found, 2));

        return json_array_append_new(verification->differences, row) == 0;
}

static bool keep_result(struct verification *verification, const struct check *check, const PGresult *result)
{
        json_t *rows = json_loads(PQgetvalue(result, 0, 1), 0, NULL), *row;
        size_t i;
        bool kept = rows && json_object_set_new(verification->checked, check->name,
                                                json_integer(atoll(PQgetvalue(result, 0, 0)))) == 0;

        json_array_foreach(rows, i, row) kept = kept && keep_difference(verification, check, row);
        json_decref(rows);
        if (!kept)
                complain("out of memory");
        return kept;
}

static bool run_all(struct database *database, struct verification *verification)
{
        const struct checks *checks = &verification->checks;

        /* Joined partition by partition, or the hash tables of a year do not fit. */
        if (!database_execute(database, checks->prepare, 0, NULL) ||
            !database_execute(
                database,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_partitionwise_join = on;"
                "SET LOCAL enable_partitionwise_aggregate = on; SET LOCAL work_mem = '128MB'",
                0, NULL))
                return false;
        for (size_t i = 0; i < checks->count; i++) {
                PGresult *result;
                bool kept;

                progress("%zu of %zu: %s", i + 1, checks->count, checks->check[i].text);
                result = run_check(database, &checks->check[i]);
                kept = result && keep_result(verification, &checks->check[i], result);
                PQclear(result);
                if (!kept)
                        return false;
        }
        progress_end();
        return database_execute(database, "COMMIT", 0, NULL);
}

/* output ------------------------------------------------------------------------------------------------- */

static const struct output_column difference_columns[] = {{"check", OUTPUT_TEXT, 0},
                                                          {"key", OUTPUT_TEXT, 0},
                                                          {"expected", OUTPUT_TEXT, 0},
                                                          {"found", OUTPUT_TEXT, 0}};

static bool print_differences(const struct invocation *invocation, const struct verification *verification)
{
        struct output *output =
            output_open(invocation, OUTPUT_ROWS, difference_columns, LENGTH(difference_columns));
        json_t *row;
        size_t i;

        if (!output)
                return false;
        json_array_foreach(verification->differences, i, row)
        {
                const char *values[LENGTH(difference_columns)];

                for (size_t column = 0; column < LENGTH(values); column++)
                        values[column] =
                            json_string_value(json_object_get(row, difference_columns[column].name));
                if (!output_row(output, values)) {
                        output_abandon(output);
                        return false;
                }
        }
        return output_close(output);
}

static bool print_summary(const struct invocation *invocation, const struct verification *verification)
{
        static const struct output_column columns[] = {{"check", OUTPUT_TEXT, 0},
                                                       {"checked", OUTPUT_YEN, 0},
                                                       {"differences", OUTPUT_YEN, 0},
                                                       {"what", OUTPUT_TEXT, 0}};
        const struct checks *checks = &verification->checks;
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, LENGTH(columns));

        for (size_t i = 0; i < checks->count && output; i++) {
                char checked[24], differences[24];
                size_t count = 0, at;
                json_t *row;

                json_array_foreach(verification->differences, at, row) count +=
                    !strcmp(json_string_value(json_object_get(row, "check")), checks->check[i].name);
                snprintf(checked, sizeof(checked), "%lld",
                         (long long)json_integer_value(
                             json_object_get(verification->checked, checks->check[i].name)));
                snprintf(differences, sizeof(differences), "%zu", count);
                if (!output_row(output, (const char *const[]){checks->check[i].name, checked, differences,
                                                              checks->check[i].text})) {
                        output_abandon(output);
                        return false;
                }
        }
        return output && output_close(output);
}

static bool print_json(const struct invocation *invocation, const struct verification *verification)
{
        json_t *whole = json_pack("{s:O, s:O}", "checked", verification->checked, "differences",
                                  verification->differences);
        bool printed = whole && output_json(invocation, whole);

        json_decref(whole);
        return printed;
}

/* For people: what was checked, or, where something differs, the differences. */
static bool print_verification(const struct invocation *invocation, const struct verification *verification)
{
        switch (output_format_of(invocation)) {
        case OUTPUT_JSON:
                return print_json(invocation, verification);
        case OUTPUT_CSV:
                return print_differences(invocation, verification);
        default:
                return json_array_size(verification->differences)
                           ? print_differences(invocation, verification)
                           : print_summary(invocation, verification);
        }
}

int verify_all(const struct invocation *invocation)
{
        struct verification verification = {.checked = json_object(), .differences = json_array()};
        struct database database;
        size_t differences;
        int exit_code = EXIT_FAILED;

        if (!checks_load(&verification.checks)) {
                complain("out of memory");
                goto free_all;
        }
        if (!database_open(&database, invocation, DATABASE_READY))
                goto free_all;
        if (run_all(&database, &verification) && print_verification(invocation, &verification)) {
                differences = json_array_size(verification.differences);
                if (differences)
                        complain("verify: %zu differences", differences);
                else
                        exit_code = EXIT_DONE;
        }
        database_close(&database);
free_all:
        checks_free(&verification.checks);
        json_decref(verification.checked);
        json_decref(verification.differences);
        return exit_code;
}
