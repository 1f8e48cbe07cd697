/* Open addressing over the key of a withdrawal and its bank; the index is rebuilt whenever it is half full.
 */
#include "backoffice/journals/bank_history.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/journals/bank_journal.h"

enum { LINES_A_CALL = 16384 };

struct reading {
        struct bank_history *history;
        const char *path;
        uint8_t bank;
};

static bool out_of_memory(struct bank_history *h)
{
        snprintf(h->error, sizeof(h->error), "out of memory after %zu withdrawals of the banks", h->count);
        return false;
}

/* entries ------------------------------------------------------------------------------------------ */

static size_t hash_of(const struct bank_identity *identity, uint8_t bank)
{
        uint64_t hash = ((uint64_t)identity->transmitted_ms ^ (uint64_t)identity->stan << 44) + bank, name;

        memcpy(&name, identity->terminal, sizeof(name));
        hash = (hash ^ name) * 0x9e3779b97f4a7c15u;
        return (size_t)((hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u >> 32);
}

static bool is_of(const struct bank_entry *entry, const struct bank_identity *identity, uint8_t bank)
{
        return entry->stan == identity->stan && entry->transmitted_ms == identity->transmitted_ms &&
               entry->bank == bank && !strcmp(entry->terminal, identity->terminal);
}

static void index_one(struct bank_history *h, size_t position)
{
        const struct bank_entry *entry = &h->entry[position];
        struct bank_identity identity = {.stan = entry->stan, .transmitted_ms = entry->transmitted_ms};
        size_t i;

        memcpy(identity.terminal, entry->terminal, sizeof(identity.terminal));
        i = hash_of(&identity, entry->bank) & (h->slots - 1);
        while (h->slot[i])
                i = (i + 1) & (h->slots - 1);
        h->slot[i] = (uint32_t)position + 1;
}

static bool grow(struct bank_history *h)
{
        size_t room = h->room ? h->room * 2 : 4096;
        struct bank_entry *entry = realloc(h->entry, room * sizeof(*entry));
        uint32_t *slot = entry ? calloc(room * 2, sizeof(*slot)) : NULL;

        if (entry)
                h->entry = entry;
        if (!slot)
                return out_of_memory(h);
        free(h->slot);
        h->slot = slot;
        h->slots = room * 2;
        h->room = room;
        for (size_t i = 0; i < h->count; i++)
                index_one(h, i);
        return true;
}

/* NULL with an error. */
static struct bank_entry *entry_of(struct bank_history *h, const struct bank_record *record, uint8_t bank)
{
        struct bank_entry *entry;

        if (h->slots) {
                for (size_t i = hash_of(&record->identity, bank) & (h->slots - 1); h->slot[i];
                     i = (i + 1) & (h->slots - 1)) {
                        entry = &h->entry[h->slot[i] - 1];
                        if (is_of(entry, &record->identity, bank))
                                return entry;
                }
        }
        if (h->count == h->room && !grow(h))
                return NULL;
        entry = &h->entry[h->count];
        *entry = (struct bank_entry){.transmitted_ms = record->identity.transmitted_ms,
                                     .amount_yen = record->amount_yen,
                                     .charge_yen = record->charge_yen,
                                     .stan = record->identity.stan,
                                     .bank = bank};
        memcpy(entry->terminal, record->identity.terminal, sizeof(entry->terminal));
        index_one(h, h->count++);
        return entry;
}

/* folding ------------------------------------------------------------------------------------------ */

static void take_card(struct bank_entry *entry, const struct bank_record *record)
{
        entry->has_card = record->has_card;
        memcpy(entry->token, record->token, sizeof(entry->token));
}

/* NULL, or why the record can't follow those before it. */
static const char *fold_request(struct bank_entry *entry, const struct bank_record *record)
{
        if (entry->asked)
                return "the same withdrawal was decided in an earlier line";
        entry->asked = true;
        entry->amount_yen = record->amount_yen;
        entry->charge_yen = record->charge_yen;
        memcpy(entry->de39, record->de39, sizeof(entry->de39));
        memcpy(entry->approval, record->approval, sizeof(entry->approval));
        memcpy(entry->rrn, record->rrn, sizeof(entry->rrn));
        take_card(entry, record);
        return NULL;
}

static void fold_advice(struct bank_entry *entry, const struct bank_record *record)
{
        entry->told = true;
        if (record->exception)
                entry->exception = true;
        else
                entry->dispensed_yen = record->dispensed_yen;
}

static const char *on_record(const char *name, const struct bank_record *record, void *context)
{
        struct reading *reading = context;
        struct bank_history *h = reading->history;
        struct bank_total *total = &h->bank[reading->bank];
        struct bank_entry *entry;
        const char *why = NULL;

        (void)name;
        if (++h->lines % LINES_A_CALL == 0 && h->on_lines)
                h->on_lines(h->lines, h->context);
        total->records++;
        if (record->kind == BANK_INQUIRY || record->kind == BANK_CUTOVER || h->error[0])
                return NULL;
        if (strlen(record->identity.terminal) != BANK_TERMINAL_LENGTH)
                return "column 3 is no terminal of 8 characters";
        entry = entry_of(h, record, reading->bank);
        if (!entry)
                return NULL;
        if (record->kind == BANK_WITHDRAWAL)
                why = fold_request(entry, record);
        else
                fold_advice(entry, record);
        if (why)
                return why;
        entry->held_yen -= record->moved_yen;
        total->held_yen -= record->moved_yen;
        return NULL;
}

static bool on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        struct bank_history *h = ((struct reading *)context)->history;
        char text[900];

        snprintf(text, sizeof(text), "%s:%" PRIu64 ": %s", path, line, why);
        h->on_fault("bank-journal-line", NULL, text, h->context);
        return true;
}

/* files -------------------------------------------------------------------------------------------- */

static const char *on_header(const struct bank_journal_found *found, void *context)
{
        struct reading *reading = context;
        struct bank_history *h = reading->history;
        size_t i = 0;

        while (i < h->banks && strcmp(h->bank[i].name, found->bank))
                i++;
        if (i < h->banks)
                return "another journal of the same bank was read: a bank has one";
        if (h->banks == BANK_HISTORY_BANKS_MAX)
                return "more banks than can be read at once";
        memcpy(h->bank[h->banks].name, found->bank, sizeof(found->bank));
        reading->bank = (uint8_t)h->banks++;
        return NULL;
}

static bool read_file(struct bank_history *h, const char *path)
{
        struct reading reading = {.history = h, .path = path};
        const struct bank_journal_reader reader = {
            .on_header = on_header, .on_record = on_record, .on_damage = on_damage, .context = &reading};
        struct bank_journal_found found;
        char error[BANK_JOURNAL_ERROR_MAX];

        if (!bank_journal_read(path, &reader, &found, error)) {
                snprintf(h->error, sizeof(h->error), "%s", error);
                return false;
        }
        return !h->error[0];
}

static int is_journal(const struct dirent *file)
{
        size_t length = strlen(file->d_name), suffix = strlen(".journal");

        return file->d_name[0] != '.' && length > suffix &&
               !strcmp(file->d_name + length - suffix, ".journal");
}

bool bank_history_read(struct bank_history *h, const char *dir)
{
        struct dirent **file;
        int files = scandir(dir, &file, is_journal, alphasort);

        if (files <= 0) {
                snprintf(h->error, sizeof(h->error), "folder of banks' journals %.400s: %s", dir,
                         files < 0 ? strerror(errno) : "there is no *.journal in it");
                if (files == 0)
                        free(file);
                return false;
        }
        for (int i = 0; i < files; i++) {
                char path[1024];

                snprintf(path, sizeof(path), "%s/%s", dir, file[i]->d_name);
                if (!h->error[0])
                        (void)read_file(h, path);
                free(file[i]);
        }
        free(file);
        return !h->error[0];
}

static int by_key(const void *a, const void *b)
{
        const struct bank_entry *x = a, *y = b;
        int names = memcmp(x->terminal, y->terminal, sizeof(x->terminal));

        if (names)
                return names;
        if (x->transmitted_ms != y->transmitted_ms)
                return x->transmitted_ms < y->transmitted_ms ? -1 : 1;
        if (x->stan != y->stan)
                return x->stan < y->stan ? -1 : 1;
        return x->bank - y->bank;
}

void bank_history_sort(struct bank_history *h)
{
        free(h->slot);
        h->slot = NULL;
        h->slots = 0;
        if (h->count)
                qsort(h->entry, h->count, sizeof(*h->entry), by_key);
        for (size_t i = 0; i < h->count; i++)
                h->bank[h->entry[i].bank].withdrawals++;
}

void bank_history_free(struct bank_history *h)
{
        free(h->entry);
        free(h->slot);
}
