/* A record belongs to its terminal's last withdrawal: an ATM begins none before the last one is at its end.
 */
#include "backoffice/journals/atm_side.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/journals/dispenser.h"
#include "backoffice/journals/journal.h"
#include "lib/base/array.h"
#include "lib/base/csv.h"
#include "lib/base/number.h"

#define COUNTED_MAX_YEN INT64_C(999999999999999)

struct reading {
        struct atm_side *side;
        const char *path;
        bool is_late; /* the line that is read */
};

static bool out_of_memory(struct atm_side *side)
{
        snprintf(side->error, sizeof(side->error), "out of memory after %zu withdrawals", side->count);
        return false;
}

/* -1 with an error. */
static int64_t terminal_of(struct atm_side *side, const char *name)
{
        int64_t at = terminals_add(&side->terminals, name, "");

        if (at >= 0 && (size_t)at >= side->totals_room) {
                size_t room = side->totals_room ? side->totals_room * 2 : 256;
                struct atm_total *grown = realloc(side->totals, room * sizeof(*grown));

                if (!grown) {
                        at = -1;
                } else {
                        for (size_t i = side->totals_room; i < room; i++)
                                grown[i] = (struct atm_total){.last_entry = -1};
                        side->totals = grown;
                        side->totals_room = room;
                }
        }
        if (at < 0)
                (void)out_of_memory(side);
        return at;
}

static struct atm_entry *add_entry(struct atm_side *side)
{
        struct atm_entry *grown = array_with_room(side->entry, &side->room, side->count, sizeof(*grown));

        if (!grown) {
                (void)out_of_memory(side);
                return NULL;
        }
        side->entry = grown;
        return &side->entry[side->count++];
}

static void fold_request(struct reading *reading, int64_t terminal, const struct journal_record *record)
{
        struct atm_side *side = reading->side;
        struct atm_entry *entry = add_entry(side);

        if (!entry)
                return;
        *entry = (struct atm_entry){.transmitted_ms = record->transmitted_ms,
                                    .amount_yen = record->amount_yen,
                                    .charge_yen = -1,
                                    .terminal = (uint32_t)terminal,
                                    .stan = record->stan,
                                    .is_late = reading->is_late};
        memcpy(entry->token, record->token, sizeof(entry->token));
        memcpy(entry->head, record->mask, sizeof(entry->head) - 1);
        side->totals[terminal].last_entry = (int64_t)side->count - 1;
}

/* False: it can't follow what came before it. */
static bool fold_later(struct reading *reading, int64_t terminal, const struct journal_record *record)
{
        struct atm_side *side = reading->side;
        int64_t at = side->totals[terminal].last_entry;
        struct atm_entry *entry = at < 0 ? NULL : &side->entry[at];
        bool answer = record->kind == JOURNAL_ANSWER;

        if (!entry || entry->stan != (answer ? record->stan : record->original_stan) ||
            entry->transmitted_ms != (answer ? record->transmitted_ms : record->original_ms))
                return false;
        entry->is_late |= reading->is_late;
        if (answer) {
                strcpy(entry->de39, record->de39);
                entry->approved = !strcmp(record->de39, "00");
                entry->end = entry->approved ? ATM_OPEN : ATM_DECLINED;
                entry->charge_yen = record->charge_yen;
                strcpy(entry->approval, record->approval);
        } else if (record->kind == JOURNAL_ADVICE) {
                side->totals[terminal].journal_yen += record->dispensed_yen - entry->paid_yen;
                entry->advised = true;
                entry->end = ATM_OPEN;
                entry->advice_stan = record->stan;
                entry->paid_yen = record->dispensed_yen;
        } else {
                if (!entry->advised || entry->advice_stan != record->stan)
                        return false;
                entry->end = ATM_ADVISED;
        }
        return true;
}

static void on_record(const struct journal_record *record, void *context)
{
        struct reading *reading = context;
        struct atm_side *side = reading->side;
        int64_t terminal = side->error[0] ? -1 : terminal_of(side, record->terminal);
        char text[640];

        if (terminal < 0 || record->kind == JOURNAL_INQUIRY)
                return;
        if (record->kind == JOURNAL_REQUEST) {
                fold_request(reading, terminal, record);
        } else if (!fold_later(reading, terminal, record)) {
                snprintf(text, sizeof(text),
                         "%s: the record '%c' with STAN %06" PRId32 " fits no withdrawal before it",
                         reading->path, (char)record->kind, record->stan);
                side->on_fault("journal-record", record->terminal, text, side->context);
        }
}

static void on_line(int64_t end, void *context)
{
        struct reading *reading = context;

        reading->is_late = marks_are_behind(&reading->side->marks, reading->path, end);
}

static void on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        struct atm_side *side = ((struct reading *)context)->side;
        char text[640];

        snprintf(text, sizeof(text), "%s:%" PRIu64 ": %s", path, line, why);
        side->on_fault("journal-line", NULL, text, side->context);
}

static bool read_journals(struct atm_side *side, const char *dir)
{
        struct reading reading = {.side = side};
        struct journal_reader reader = {
            .on_record = on_record, .on_damage = on_damage, .on_line = on_line, .context = &reading};
        int last = journal_last(dir);

        if (last <= 0) {
                snprintf(side->error, sizeof(side->error), "journal folder %.400s: %s", dir,
                         last < 0 ? strerror(errno) : "there is no journal in it");
                return false;
        }
        for (int number = 1; number <= last && !side->error[0]; number++) {
                char path[JOURNAL_PATH_MAX], error[JOURNAL_ERROR_MAX];

                journal_path(dir, number, path);
                reading.path = path;
                if (!journal_read(path, 0, &reader, error))
                        snprintf(side->error, sizeof(side->error), "%s", error);
        }
        return !side->error[0];
}

static bool read_dispensers(struct atm_side *side, const char *dir)
{
        char error[DISPENSER_ERROR_MAX];
        struct dispensers *dispensers = dispensers_open(dir, false, error);

        if (!dispensers) {
                snprintf(side->error, sizeof(side->error), "%s", error);
                return false;
        }
        for (size_t i = 0; i < dispensers_count(dispensers) && !side->error[0]; i++) {
                const struct dispenser_counters *counters = dispensers_counters(dispensers, (int)i);
                char name[9] = "", text[600];
                int64_t terminal;

                if (!counters) {
                        snprintf(text, sizeof(text),
                                 "%.400s/dispensers: the counters of slot %zu are damaged", dir, i);
                        side->on_fault("dispenser", NULL, text, side->context);
                        continue;
                }
                memcpy(name, counters->terminal, 8);
                terminal = terminal_of(side, name);
                if (terminal >= 0)
                        side->totals[terminal].counted_yen += counters->total_yen;
        }
        dispensers_close(dispensers);
        return !side->error[0];
}

static bool read_counter(struct atm_side *side, struct csv *csv)
{
        const char *name = csv_value(csv, 0);
        int64_t counted_yen, terminal;
        char expected[NUMBER_EXPECTED_MAX];

        if (strlen(name) != 8)
                return csv_refuse(csv, csv->line, "terminal", "expected 8 characters");
        if (!number_parse(csv_value(csv, 1), 0, COUNTED_MAX_YEN, &counted_yen))
                return csv_refuse(csv, csv->line, "counted_yen", "expected %s",
                                  number_expected(0, COUNTED_MAX_YEN, expected));
        terminal = terminal_of(side, name);
        if (terminal < 0)
                return false;
        side->totals[terminal].counted_yen += counted_yen;
        return true;
}

/* The counters of ATMs that have no file of ours, if there are any: dispensers.csv, a row an ATM. */
static bool read_counters(struct atm_side *side, const char *dir)
{
        static const char *const columns[] = {"terminal", "counted_yen", NULL};
        enum csv_result result = CSV_BAD;
        char path[JOURNAL_PATH_MAX + 32];
        struct csv csv;

        snprintf(path, sizeof(path), "%.512s/dispensers.csv", dir);
        if (access(path, F_OK) != 0 && errno == ENOENT)
                return true;
        if (!csv_open(&csv, path, false)) {
                snprintf(side->error, sizeof(side->error), "%s", csv.error);
                return false;
        }
        if (csv_header(&csv, columns))
                result = csv_next(&csv);
        while (result == CSV_ROW && read_counter(side, &csv))
                result = csv_next(&csv);
        if (*csv.error)
                snprintf(side->error, sizeof(side->error), "%s", csv.error);
        csv_close(&csv);
        return result == CSV_END;
}

static bool read_all_counters(struct atm_side *side, const char *dir)
{
        return read_dispensers(side, dir) && read_counters(side, dir);
}

/* Of ATMs that go on meanwhile the counters come first: whatever was counted then has its request in the journal, and its end there,
 * or none yet. */
static bool read_files(struct atm_side *side, const char *dir)
{
        if (side->on_folder)
                side->on_folder(dir, side->context);
        for (size_t i = 0; i < side->terminals.count; i++)
                side->totals[i].last_entry = -1; /* each folder is a story of its own */
        if (side->marks.are_set)
                return read_all_counters(side, dir) && read_journals(side, dir);
        return read_journals(side, dir) && read_all_counters(side, dir);
}

static bool is_folder(struct atm_side *side, const char *dir)
{
        if (access(dir, F_OK) == 0)
                return true;
        snprintf(side->error, sizeof(side->error), "%s: there is no such folder", dir);
        return false;
}

static bool read_folder(struct atm_side *side, const char *dir)
{
        char error[JOURNAL_ERROR_MAX];
        int lock;
        bool done;

        if (!is_folder(side, dir))
                return false;
        if (side->marks.are_set)
                return read_files(side, dir);
        lock = journal_lock(dir, false, error);
        if (lock < 0) {
                snprintf(side->error, sizeof(side->error), "%s", error);
                return false;
        }
        done = read_files(side, dir);
        close(lock);
        return done;
}

static bool mark_folder(struct atm_side *side, const char *dir)
{
        int last = is_folder(side, dir) ? journal_last(dir) : 0;

        for (int number = 0; number <= last; number++) { /* 0, which is none: an empty folder is marked too */
                char path[JOURNAL_PATH_MAX];

                journal_path(dir, number, path);
                if (!marks_set(&side->marks, path)) {
                        snprintf(side->error, sizeof(side->error), "journal %.500s: %s", path,
                                 strerror(errno));
                        return false;
                }
        }
        return !side->error[0];
}

bool atm_side_mark(struct atm_side *side, const char *const *folders, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (!mark_folder(side, folders[i]))
                        return false;
        }
        return true;
}

static int by_name(const void *a, const void *b, void *context)
{
        const struct terminals *t = context;

        return memcmp(t->terminal[*(const uint32_t *)a].name, t->terminal[*(const uint32_t *)b].name, 8);
}

static int by_key(const void *a, const void *b, void *context)
{
        const struct atm_entry *x = a, *y = b;
        const uint32_t *rank = context;

        if (x->terminal != y->terminal)
                return rank[x->terminal] < rank[y->terminal] ? -1 : 1;
        if (x->transmitted_ms != y->transmitted_ms)
                return x->transmitted_ms < y->transmitted_ms ? -1 : 1;
        return (x->stan > y->stan) - (x->stan < y->stan);
}

static void sort(struct atm_side *side)
{
        size_t count = side->terminals.count;
        uint32_t *order = malloc((count + 1) * sizeof(*order)), *rank = malloc((count + 1) * sizeof(*rank));

        if (order && rank) {
                for (size_t i = 0; i < count; i++)
                        order[i] = (uint32_t)i;
                qsort_r(order, count, sizeof(*order), by_name, &side->terminals);
                for (size_t i = 0; i < count; i++)
                        rank[order[i]] = (uint32_t)i;
                qsort_r(side->entry, side->count, sizeof(*side->entry), by_key, rank);
        } else {
                (void)out_of_memory(side);
        }
        free(order);
        free(rank);
}

bool atm_side_read(struct atm_side *side, const char *const *folders, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (!read_folder(side, folders[i]))
                        return false;
        }
        sort(side);
        return !side->error[0];
}

void atm_side_free(struct atm_side *side)
{
        marks_free(&side->marks);
        terminals_free(&side->terminals);
        free(side->totals);
        free(side->entry);
}
