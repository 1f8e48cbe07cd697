/*
 * atmsim reconcile: the ATMs' side and the database, merged in the order of terminal, moment and STAN. The
 * database's side streams through COPY; of the ATMs' side one small entry a withdrawal is in memory.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backoffice/journals/journal.h"
#include "backoffice/journals/merge.h"
#include "rules/calendar.h"
#include "tools/atmsim/commands.h"
#include "tools/atmsim/options.h"
#include "tools/atmsim/progress.h"

enum { FOLDERS_MAX = 64 };

static const char *folders[FOLDERS_MAX], *conninfo = "";
static size_t folder_count;
static bool json;

static bool take_folder(const char *value, char *error, size_t size)
{
        if (folder_count == FOLDERS_MAX || !*value) {
                snprintf(error, size, "1 to %d folders are expected", FOLDERS_MAX);
                return false;
        }
        folders[folder_count++] = value;
        return true;
}

static const struct option_row rows[] = {
    {.name = "journal",
     .argument = "DIR",
     .type = OPTION_OTHER,
     .take = take_folder,
     .variable = "ATM_JOURNAL",
     .mandatory = true,
     .text = "folder of journals and dispensers; may be given several times"},
    {.name = "conninfo",
     .argument = "TEXT",
     .type = OPTION_TEXT,
     .target = &conninfo,
     .text = "the database, as libpq has it (PGHOST, PGPORT, PGDATABASE, PGUSER)"},
    {.name = "json",
     .type = OPTION_FLAG,
     .target = &json,
     .text = "one object: {\"withdrawals\": N, \"differences\": [...]}"},
};

const struct command reconcile_command = {
    .name = "reconcile",
    .synopsis = "atmsim reconcile [options]",
    .about =
        "Compares what the ATMs did with what the database recorded, starting from the ATMs: dispensers and\n"
        "journals against v_withdrawal, every withdrawal by terminal, STAN and DE 7 (cash, amount, card, "
        "state,\n"
        "charge), those that only one side has, and each terminal's total. Every difference is named.\n"
        "Exit code 0 only if there is none.\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

struct reconciliation {
        struct history history;
        struct merge merge;
        uint64_t told;
        char *json_text;
        size_t json_size;
        FILE *json_file;
        struct progress progress;
};

/* telling ----------------------------------------------------------------------------------------- */

static void print_json_string(FILE *file, const char *text)
{
        fputc('"', file);
        for (; *text; text++) {
                if (*text == '"' || *text == '\\')
                        fprintf(file, "\\%c", *text);
                else if ((unsigned char)*text < ' ')
                        fprintf(file, "\\u%04x", (unsigned)*text);
                else
                        fputc(*text, file);
        }
        fputc('"', file);
}

static void tell_json(struct reconciliation *r, const struct merge_difference *d)
{
        char moment[26];

        fprintf(r->json_file, "%s{\"what\": \"%s\"", r->told ? ", " : "", d->what);
        if (d->terminal)
                fprintf(r->json_file, ", \"terminal\": \"%s\"", d->terminal);
        if (d->withdrawal) {
                calendar_print_moment(d->transmitted_ms, moment);
                fprintf(r->json_file, ", \"stan\": %" PRId32 ", \"transmitted_at\": \"%s\"", d->stan, moment);
        }
        fputs(", \"text\": ", r->json_file);
        print_json_string(r->json_file, d->text);
        fputc('}', r->json_file);
}

static void on_difference(const struct merge_difference *d, void *context)
{
        struct reconciliation *r = context;
        char moment[26];

        progress_clear(&r->progress);
        if (json) {
                tell_json(r, d);
        } else if (d->withdrawal) {
                calendar_print_moment(d->transmitted_ms, moment);
                printf("%s: %s STAN %06" PRId32 " of %s: %s\n", d->what, d->terminal, d->stan, moment,
                       d->text);
        } else {
                printf("%s: %s%s%s\n", d->what, d->terminal ? d->terminal : "", d->terminal ? ": " : "",
                       d->text);
        }
        r->told++;
}

static void on_fault(const char *what, const char *terminal, const char *text, void *context)
{
        struct reconciliation *r = context;

        merge_fault(&r->merge, what, terminal, text);
}

static void show_progress(struct reconciliation *r)
{
        struct timespec now;
        char text[64];

        if (r->merge.withdrawals % 1024)
                return;
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(text, sizeof(text), "compared: %" PRIu64 " withdrawals", r->merge.withdrawals);
        progress_text(&r->progress, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, text);
}

/* the database ------------------------------------------------------------------------------------ */

static bool database_failed(PGconn *connection)
{
        fprintf(stderr, "atmsim reconcile: database: %s", PQerrorMessage(connection));
        return false;
}

static bool stream_rows(struct reconciliation *r, PGconn *connection)
{
        PGresult *result = PQexec(connection, reconcile_query);
        ExecStatusType status = PQresultStatus(result);
        char *line;
        int length;

        PQclear(result);
        if (status != PGRES_COPY_OUT)
                return database_failed(connection);
        while ((length = PQgetCopyData(connection, &line, 0)) > 0) {
                struct database_row row;
                bool good = reconcile_parse(line, &row);

                if (good)
                        merge_row(&r->merge, &row);
                show_progress(r);
                PQfreemem(line);
                if (!good) {
                        fputs("atmsim reconcile: database: a row of v_withdrawal is not as expected\n",
                              stderr);
                        return false;
                }
        }
        if (length == -2)
                return database_failed(connection);
        result = PQgetResult(connection);
        status = PQresultStatus(result);
        PQclear(result);
        if (status != PGRES_COMMAND_OK)
                return database_failed(connection);
        merge_end(&r->merge);
        return true;
}

static bool read_folders(struct reconciliation *r)
{
        for (size_t i = 0; i < folder_count; i++) {
                char error[JOURNAL_ERROR_MAX];
                int lock = access(folders[i], F_OK) == 0 ? journal_lock(folders[i], false, error) : -2;
                bool good;

                if (lock == -2)
                        snprintf(error, sizeof(error), "journal folder %.400s: there is no such folder",
                                 folders[i]);
                if (lock < 0) {
                        fprintf(stderr, "atmsim reconcile: %s\n", error);
                        return false;
                }
                good = history_read(&r->history, folders[i]);
                close(lock);
                if (!good) {
                        fprintf(stderr, "atmsim reconcile: %s\n", r->history.error);
                        return false;
                }
        }
        history_sort(&r->history);
        if (r->history.error[0]) {
                fprintf(stderr, "atmsim reconcile: %s\n", r->history.error);
                return false;
        }
        return true;
}

static bool reconcile(struct reconciliation *r)
{
        PGconn *connection = NULL;
        bool good = false;

        if (!read_folders(r))
                return false;
        if (!merge_begin(&r->merge)) {
                fputs("atmsim reconcile: out of memory\n", stderr);
                return false;
        }
        connection = PQconnectdb(conninfo);
        if (PQstatus(connection) != CONNECTION_OK)
                database_failed(connection);
        else
                good = stream_rows(r, connection);
        PQfinish(connection);
        return good;
}

static void print_result(const struct reconciliation *r)
{
        if (json)
                printf("{\"withdrawals\": %" PRIu64 ", \"cash_yen\": %" PRId64
                       ", \"terminals\": %zu, \"differences\": [%s]}\n",
                       r->merge.withdrawals, r->merge.cash_yen, r->history.terminals.count, r->json_text);
        else if (r->merge.differences)
                printf("%" PRIu64 " withdrawals of %zu ATMs: %" PRIu64 " differences\n", r->merge.withdrawals,
                       r->history.terminals.count, r->merge.differences);
        else
                printf("%" PRIu64 " withdrawals of %zu ATMs, %" PRId64
                       " yen: dispensers, journals and database agree\n",
                       r->merge.withdrawals, r->history.terminals.count, r->merge.cash_yen);
}

int command_reconcile(int count, char **words)
{
        struct reconciliation r = {0};
        int result = options_take(&reconcile_command, count, words);
        bool good;

        if (result != EXIT_DONE)
                return result == EXIT_FAILED ? EXIT_DONE : result;
        r.history.on_fault = on_fault;
        r.history.context = &r;
        r.merge = (struct merge){.atms = &r.history, .drained = true, .tell = on_difference, .context = &r};
        progress_init(&r.progress, false);
        r.json_file = open_memstream(&r.json_text, &r.json_size);
        if (!r.json_file) {
                fputs("atmsim reconcile: out of memory\n", stderr);
                return EXIT_FAILED;
        }
        good = reconcile(&r);
        progress_clear(&r.progress);
        fclose(r.json_file);
        if (good)
                print_result(&r);
        free(r.json_text);
        merge_free(&r.merge);
        history_free(&r.history);
        return good && r.merge.differences == 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
