/* Transactions that are committed or shown; see change.h. */
#include "tools/atmctl/change.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/array.h"
#include "tools/atmctl/output/output.h"

bool change_is_dry(const struct invocation *invocation)
{
        return invocation_has(invocation, "dry-run");
}

void change_say(const struct invocation *invocation, const char *format, ...)
{
        va_list arguments;

        if (change_is_dry(invocation))
                fputs(output_reader_of(invocation) ? "試行（変更なし）：" : "dry run: ", stdout);
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
}

/* This transaction's rows of the trail: nobody else's bear its command, which has the session's number (database.c). Of a
 * row that was there, the columns that differ. */
static PGresult *ask_trail(struct database *database)
{
        return database_query(
            database,
            "SELECT t.noun, t.key, CASE WHEN t.before IS NULL THEN 'added' WHEN t.after IS NULL THEN "
            "'removed' "
            "ELSE 'changed' END, c.before, c.after FROM trail t CROSS JOIN LATERAL (SELECT "
            "string_agg(k.name || ' ' || coalesce(t.before ->> k.name, '-'), ', ' ORDER BY k.name) FILTER "
            "(WHERE t.before IS NOT NULL) AS before, "
            "string_agg(k.name || ' ' || coalesce(t.after ->> k.name, '-'), ', ' ORDER BY k.name) FILTER "
            "(WHERE t.after IS NOT NULL) AS after "
            "FROM jsonb_object_keys(coalesce(t.before, '{}') || coalesce(t.after, '{}')) k (name) "
            "WHERE t.before ->> k.name IS DISTINCT FROM t.after ->> k.name) c "
            "WHERE t.at >= now() AND t.command = current_setting('atm.command') ORDER BY t.change",
            0, NULL);
}

static bool show_trail(struct database *database, const struct invocation *invocation)
{
        static const struct output_column columns[] = {{"noun", OUTPUT_TEXT, 0},
                                                       {"key", OUTPUT_TEXT, 0},
                                                       {"what", OUTPUT_TEXT, 0},
                                                       {"before", OUTPUT_TEXT, 0},
                                                       {"after", OUTPUT_TEXT, 0}};
        PGresult *result = ask_trail(database);
        struct output *output = NULL;
        bool shown = result && !PQntuples(result);

        if (result && !shown)
                output = output_open(invocation, OUTPUT_ROWS, columns, LENGTH(columns));
        if (output && output_result(output, result, PQntuples(result)))
                shown = output_close(output);
        else
                output_abandon(output);
        PQclear(result);
        return shown;
}

bool change_begin(struct database *database)
{
        return database_execute(database, "BEGIN", 0, NULL);
}

bool change_begin_dry(struct database *database, const struct invocation *invocation)
{
        return !change_is_dry(invocation) || change_begin(database);
}

/* What a commit would still check and write comes first: deferred constraints, the trail of limits. */
bool change_end_dry(struct database *database, const struct invocation *invocation)
{
        bool done;

        if (!change_is_dry(invocation))
                return true;
        done = database_execute(database, "SET CONSTRAINTS ALL IMMEDIATE", 0, NULL) &&
               show_trail(database, invocation);
        return database_execute(database, "ROLLBACK", 0, NULL) && done;
}

bool change_commit(struct database *database, const struct invocation *invocation)
{
        if (change_is_dry(invocation))
                return change_end_dry(database, invocation);
        return database_execute(database, "COMMIT", 0, NULL);
}

struct changing {
        database_work *work;
        void *context;
};

static bool change(struct database *database, const struct invocation *invocation, void *context)
{
        const struct changing *changing = context;

        return change_begin_dry(database, invocation) &&
               changing->work(database, invocation, changing->context) &&
               change_end_dry(database, invocation);
}

int change_run(const struct invocation *invocation, database_work *work, void *context)
{
        struct changing changing = {work, context};

        return database_run(invocation, change, &changing);
}
