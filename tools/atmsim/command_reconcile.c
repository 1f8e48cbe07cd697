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

#include "rules/calendar.h"
#include "tools/atmsim/commands.h"
#include "journals/history.h"
#include "journals/journal.h"
#include "tools/atmsim/options.h"
#include "tools/atmsim/progress.h"
#include "journals/compare.h"

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
        size_t next;           /* of its entries */
        int64_t *database_yen; /* by terminal */
        uint64_t withdrawals, differences;
        int64_t cash_yen;
        char *json_text;
        size_t json_size;
        FILE *json_file;
        struct progress progress;
        /* whom a comparison is about */
        const char *terminal;
        int32_t stan;
        int64_t transmitted_ms;
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

static void tell_json(struct reconciliation *r, const char *what, const char *terminal, bool withdrawal,
                      const char *text)
{
        char moment[26];

        fprintf(r->json_file, "%s{\"what\": \"%s\"", r->differences ? ", " : "", what);
        if (terminal)
                fprintf(r->json_file, ", \"terminal\": \"%s\"", terminal);
        if (withdrawal) {
                calendar_print_moment(r->transmitted_ms, moment);
                fprintf(r->json_file, ", \"stan\": %" PRId32 ", \"transmitted_at\": \"%s\"", r->stan, moment);
        }
        fputs(", \"text\": ", r->json_file);
        print_json_string(r->json_file, text);
        fputc('}', r->json_file);
}

static void tell(struct reconciliation *r, const char *what, const char *terminal, bool withdrawal,
                 const char *text)
{
        char moment[26];

        progress_clear(&r->progress);
        if (json) {
                tell_json(r, what, terminal, withdrawal, text);
        } else if (withdrawal) {
                calendar_print_moment(r->transmitted_ms, moment);
                printf("%s: %s STAN %06" PRId32 " of %s: %s\n", what, terminal, r->stan, moment, text);
        } else {
                printf("%s: %s%s%s\n", what, terminal ? terminal : "", terminal ? ": " : "", text);
        }
        r->differences++;
}

static void on_difference(const char *what, const char *text, void *context)
{
        struct reconciliation *r = context;

        tell(r, what, r->terminal, true, text);
}

static void on_fault(const char *what, const char *terminal, const char *text, void *context)
{
        tell(context, what, terminal, false, text);
}

static void show_progress(struct reconciliation *r)
{
        struct timespec now;
        char text[64];

        if (r->withdrawals % 1024)
                return;
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(text, sizeof(text), "compared: %" PRIu64 " withdrawals", r->withdrawals);
        progress_text(&r->progress, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, text);
}

/* merging ----------------------------------------------------------------------------------------- */

static const char *entry_terminal(const struct reconciliation *r, const struct history_entry *entry)
{
        return r->history.terminals.terminal[entry->terminal].name;
}

static void speak_of(struct reconciliation *r, const char *terminal, int32_t stan, int64_t transmitted_ms)
{
        r->terminal = terminal;
        r->stan = stan;
        r->transmitted_ms = transmitted_ms;
        r->withdrawals++;
        show_progress(r);
}

static void pass_missing(struct reconciliation *r)
{
        const struct history_entry *entry = &r->history.entry[r->next++];

        speak_of(r, entry_terminal(r, entry), entry->stan, entry->transmitted_ms);
        reconcile_missing(entry, on_difference, r);
}

static int order(const struct reconciliation *r, const struct history_entry *entry,
                 const struct database_row *row)
{
        int names = memcmp(entry_terminal(r, entry), row->terminal, 8);

        if (names)
                return names;
        if (entry->transmitted_ms != row->transmitted_ms)
                return entry->transmitted_ms < row->transmitted_ms ? -1 : 1;
        return (entry->stan > row->stan) - (entry->stan < row->stan);
}

static void take_row(struct reconciliation *r, const struct database_row *row)
{
        int64_t terminal = terminals_find(&r->history.terminals, row->terminal);
        char text[160];
        int way = 1;

        while (r->next < r->history.count && (way = order(r, &r->history.entry[r->next], row)) < 0)
                pass_missing(r);
        if (terminal >= 0)
                r->database_yen[terminal] += row->dispensed_yen;
        r->cash_yen += row->dispensed_yen;
        speak_of(r, row->terminal, row->stan, row->transmitted_ms);
        if (r->next < r->history.count && way == 0) {
                reconcile_compare(&r->history.entry[r->next++], row, on_difference, r);
                return;
        }
        snprintf(text, sizeof(text),
                 "the database has it (%s, %" PRId64 " yen dispensed), no journal knows it", row->state,
                 row->dispensed_yen);
        tell(r, "only-in-database", row->terminal, true, text);
}

static void compare_totals(struct reconciliation *r)
{
        for (size_t i = 0; i < r->history.terminals.count; i++) {
                const struct history_terminal *total = &r->history.totals[i];
                char text[200];

                if (total->counted_yen == r->database_yen[i] && total->counted_yen == total->journal_yen)
                        continue;
                snprintf(text, sizeof(text),
                         "in all its dispenser counted %" PRId64 " yen, its journal has %" PRId64
                         ", the database %" PRId64,
                         total->counted_yen, total->journal_yen, r->database_yen[i]);
                tell(r, "total", r->history.terminals.terminal[i].name, false, text);
        }
}

/* the database ------------------------------------------------------------------------------------ */

static const char query[] =
    "COPY (SELECT terminal, (extract(epoch FROM transmitted_at) * 1000)::bigint, stan, amount_yen, "
    "dispensed_yen,"
    " customer_fee_yen, customer_tax_yen, interbank_fee_yen, tax_yen, state, de39, card_token"
    " FROM v_withdrawal ORDER BY terminal COLLATE \"C\", transmitted_at, stan) TO STDOUT";

static bool database_failed(PGconn *connection)
{
        fprintf(stderr, "atmsim reconcile: database: %s", PQerrorMessage(connection));
        return false;
}

static bool stream_rows(struct reconciliation *r, PGconn *connection)
{
        PGresult *result = PQexec(connection, query);
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
                        take_row(r, &row);
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
        while (r->next < r->history.count)
                pass_missing(r);
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
        r->database_yen = calloc(r->history.terminals.count + 1, sizeof(*r->database_yen));
        connection = PQconnectdb(conninfo);
        if (!r->database_yen || PQstatus(connection) != CONNECTION_OK)
                database_failed(connection);
        else
                good = stream_rows(r, connection);
        if (good)
                compare_totals(r);
        PQfinish(connection);
        return good;
}

static void print_result(const struct reconciliation *r)
{
        if (json)
                printf("{\"withdrawals\": %" PRIu64 ", \"cash_yen\": %" PRId64
                       ", \"terminals\": %zu, \"differences\": [%s]}\n",
                       r->withdrawals, r->cash_yen, r->history.terminals.count, r->json_text);
        else if (r->differences)
                printf("%" PRIu64 " withdrawals of %zu ATMs: %" PRIu64 " differences\n", r->withdrawals,
                       r->history.terminals.count, r->differences);
        else
                printf("%" PRIu64 " withdrawals of %zu ATMs, %" PRId64
                       " yen: dispensers, journals and database agree\n",
                       r->withdrawals, r->history.terminals.count, r->cash_yen);
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
        free(r.database_yen);
        history_free(&r.history);
        return good && r.differences == 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
