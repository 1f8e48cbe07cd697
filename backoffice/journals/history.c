/* A record belongs to its terminal's last withdrawal: an ATM begins none before the last one is at its end.
 */
#include "backoffice/journals/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/journals/dispenser.h"
#include "backoffice/journals/journal.h"

struct reading {
        struct history *history;
        const char *path;
};

static bool out_of_memory(struct history *h)
{
        snprintf(h->error, sizeof(h->error), "out of memory after %zu withdrawals", h->count);
        return false;
}

/* -1 with an error. */
static int64_t terminal_of(struct history *h, const char *name)
{
        int64_t at = terminals_add(&h->terminals, name, "");

        if (at >= 0 && (size_t)at >= h->totals_room) {
                size_t room = h->totals_room ? h->totals_room * 2 : 256;
                struct history_terminal *grown = realloc(h->totals, room * sizeof(*grown));

                if (!grown) {
                        at = -1;
                } else {
                        for (size_t i = h->totals_room; i < room; i++)
                                grown[i] = (struct history_terminal){.last_entry = -1};
                        h->totals = grown;
                        h->totals_room = room;
                }
        }
        if (at < 0)
                (void)out_of_memory(h);
        return at;
}

static struct history_entry *add_entry(struct history *h)
{
        if (h->count == h->room) {
                size_t room = h->room ? h->room * 2 : 4096;
                struct history_entry *grown = realloc(h->entry, room * sizeof(*grown));

                if (!grown) {
                        (void)out_of_memory(h);
                        return NULL;
                }
                h->entry = grown;
                h->room = room;
        }
        return &h->entry[h->count++];
}

static void fold_request(struct history *h, int64_t terminal, const struct journal_record *record)
{
        struct history_entry *entry = add_entry(h);

        if (!entry)
                return;
        *entry = (struct history_entry){.transmitted_ms = record->transmitted_ms,
                                        .amount_yen = record->amount_yen,
                                        .charge_yen = -1,
                                        .terminal = (uint32_t)terminal,
                                        .stan = record->stan};
        memcpy(entry->token, record->token, sizeof(entry->token));
        memcpy(entry->head, record->mask, sizeof(entry->head) - 1);
        h->totals[terminal].last_entry = (int64_t)h->count - 1;
}

/* False: it can't follow what came before it. */
static bool fold_later(struct history *h, int64_t terminal, const struct journal_record *record)
{
        int64_t at = h->totals[terminal].last_entry;
        struct history_entry *entry = at < 0 ? NULL : &h->entry[at];
        bool answer = record->kind == JOURNAL_ANSWER;

        if (!entry || entry->stan != (answer ? record->stan : record->original_stan) ||
            entry->transmitted_ms != (answer ? record->transmitted_ms : record->original_ms))
                return false;
        if (answer) {
                strcpy(entry->de39, record->de39);
                entry->approved = !strcmp(record->de39, "00");
                entry->end = entry->approved ? HISTORY_OPEN : HISTORY_DECLINED;
                entry->charge_yen = record->charge_yen;
        } else if (record->kind == JOURNAL_ADVICE) {
                h->totals[terminal].journal_yen += record->dispensed_yen - entry->paid_yen;
                entry->advised = true;
                entry->end = HISTORY_OPEN;
                entry->advice_stan = record->stan;
                entry->paid_yen = record->dispensed_yen;
        } else {
                if (!entry->advised || entry->advice_stan != record->stan)
                        return false;
                entry->end = HISTORY_ADVISED;
        }
        return true;
}

static void on_record(const struct journal_record *record, void *context)
{
        struct history *h = ((struct reading *)context)->history;
        int64_t terminal = h->error[0] ? -1 : terminal_of(h, record->terminal);
        char text[640];

        if (terminal < 0 || record->kind == JOURNAL_INQUIRY)
                return;
        if (record->kind == JOURNAL_REQUEST) {
                fold_request(h, terminal, record);
        } else if (!fold_later(h, terminal, record)) {
                snprintf(text, sizeof(text),
                         "%s: the record '%c' with STAN %06" PRId32 " fits no withdrawal before it",
                         ((struct reading *)context)->path, (char)record->kind, record->stan);
                h->on_fault("journal-record", record->terminal, text, h->context);
        }
}

static void on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        struct history *h = ((struct reading *)context)->history;
        char text[640];

        snprintf(text, sizeof(text), "%s:%" PRIu64 ": %s", path, line, why);
        h->on_fault("journal-line", NULL, text, h->context);
}

static bool read_journals(struct history *h, const char *dir)
{
        struct reading reading = {.history = h};
        struct journal_reader reader = {.on_record = on_record, .on_damage = on_damage, .context = &reading};
        int last = journal_last(dir);

        if (last <= 0) {
                snprintf(h->error, sizeof(h->error), "journal folder %.400s: %s", dir,
                         last < 0 ? strerror(errno) : "there is no journal in it");
                return false;
        }
        for (int number = 1; number <= last && !h->error[0]; number++) {
                char path[JOURNAL_PATH_MAX], error[JOURNAL_ERROR_MAX];

                journal_path(dir, number, path);
                reading.path = path;
                if (!journal_read(path, 0, &reader, error))
                        snprintf(h->error, sizeof(h->error), "%s", error);
        }
        return !h->error[0];
}

static bool read_dispensers(struct history *h, const char *dir)
{
        char error[DISPENSER_ERROR_MAX];
        struct dispensers *dispensers = dispensers_open(dir, false, error);

        if (!dispensers) {
                snprintf(h->error, sizeof(h->error), "%s", error);
                return false;
        }
        for (size_t i = 0; i < dispensers_count(dispensers) && !h->error[0]; i++) {
                const struct dispenser_counters *counters = dispensers_counters(dispensers, (int)i);
                char name[9] = "", text[600];
                int64_t terminal;

                if (!counters) {
                        snprintf(text, sizeof(text),
                                 "%.400s/dispensers: the counters of slot %zu are damaged", dir, i);
                        h->on_fault("dispenser", NULL, text, h->context);
                        continue;
                }
                memcpy(name, counters->terminal, 8);
                terminal = terminal_of(h, name);
                if (terminal >= 0)
                        h->totals[terminal].counted_yen += counters->total_yen;
        }
        dispensers_close(dispensers);
        return !h->error[0];
}

bool history_read(struct history *h, const char *dir)
{
        for (size_t i = 0; i < h->terminals.count; i++)
                h->totals[i].last_entry = -1; /* each folder is a story of its own */
        return read_journals(h, dir) && read_dispensers(h, dir);
}

static int by_name(const void *a, const void *b, void *context)
{
        const struct terminals *t = context;

        return memcmp(t->terminal[*(const uint32_t *)a].name, t->terminal[*(const uint32_t *)b].name, 8);
}

static int by_key(const void *a, const void *b, void *context)
{
        const struct history_entry *x = a, *y = b;
        const uint32_t *rank = context;

        if (x->terminal != y->terminal)
                return rank[x->terminal] < rank[y->terminal] ? -1 : 1;
        if (x->transmitted_ms != y->transmitted_ms)
                return x->transmitted_ms < y->transmitted_ms ? -1 : 1;
        return (x->stan > y->stan) - (x->stan < y->stan);
}

void history_sort(struct history *h)
{
        size_t count = h->terminals.count;
        uint32_t *order = malloc((count + 1) * sizeof(*order)), *rank = malloc((count + 1) * sizeof(*rank));

        if (order && rank) {
                for (size_t i = 0; i < count; i++)
                        order[i] = (uint32_t)i;
                qsort_r(order, count, sizeof(*order), by_name, &h->terminals);
                for (size_t i = 0; i < count; i++)
                        rank[order[i]] = (uint32_t)i;
                qsort_r(h->entry, h->count, sizeof(*h->entry), by_key, rank);
        } else {
                (void)out_of_memory(h);
        }
        free(order);
        free(rank);
}

void history_free(struct history *h)
{
        terminals_free(&h->terminals);
        free(h->totals);
        free(h->entry);
}
