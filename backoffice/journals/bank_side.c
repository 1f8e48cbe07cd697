/* Open addressing over the key of a withdrawal and its bank; the index is rebuilt whenever it is half full.
 */
#include "backoffice/journals/bank_side.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/journals/bank_journal.h"

enum { LINES_A_CALL = 16384 };

struct reading {
        struct bank_side *side;
        const char *path;
        uint8_t bank;
        bool is_late; /* the line that is read */
};

static bool out_of_memory(struct bank_side *side)
{
        snprintf(side->error, sizeof(side->error), "out of memory after %zu withdrawals of the banks",
                 side->count);
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

static void index_one(struct bank_side *side, size_t position)
{
        const struct bank_entry *entry = &side->entry[position];
        struct bank_identity identity = {.stan = entry->stan, .transmitted_ms = entry->transmitted_ms};
        size_t i;

        memcpy(identity.terminal, entry->terminal, sizeof(identity.terminal));
        i = hash_of(&identity, entry->bank) & (side->slots - 1);
        while (side->slot[i])
                i = (i + 1) & (side->slots - 1);
        side->slot[i] = (uint32_t)position + 1;
}

static bool grow(struct bank_side *side)
{
        size_t room = side->room ? side->room * 2 : 4096;
        struct bank_entry *entry = realloc(side->entry, room * sizeof(*entry));
        uint32_t *slot = entry ? calloc(room * 2, sizeof(*slot)) : NULL;

        if (entry)
                side->entry = entry;
        if (!slot)
                return out_of_memory(side);
        free(side->slot);
        side->slot = slot;
        side->slots = room * 2;
        side->room = room;
        for (size_t i = 0; i < side->count; i++)
                index_one(side, i);
        return true;
}

/* NULL with an error. */
static struct bank_entry *entry_of(struct bank_side *side, const struct bank_record *record, uint8_t bank)
{
        struct bank_entry *entry;

        if (side->slots) {
                for (size_t i = hash_of(&record->identity, bank) & (side->slots - 1); side->slot[i];
                     i = (i + 1) & (side->slots - 1)) {
                        entry = &side->entry[side->slot[i] - 1];
                        if (is_of(entry, &record->identity, bank))
                                return entry;
                }
        }
        if (side->count == side->room && !grow(side))
                return NULL;
        entry = &side->entry[side->count];
        *entry = (struct bank_entry){.transmitted_ms = record->identity.transmitted_ms,
                                     .amount_yen = record->amount_yen,
                                     .charge_yen = record->charge_yen,
                                     .stan = record->identity.stan,
                                     .bank = bank};
        memcpy(entry->terminal, record->identity.terminal, sizeof(entry->terminal));
        index_one(side, side->count++);
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

static void fold_refusal(struct bank_entry *entry, const struct bank_record *record)
{
        entry->refused = true;
        entry->refused_kind = (uint8_t)record->kind;
        memcpy(entry->refused_de39, record->de39, sizeof(entry->refused_de39));
        entry->refused_yen = record->dispensed_yen;
}

static void fold_advice(struct bank_entry *entry, const struct bank_record *record)
{
        if (record->refused) {
                fold_refusal(entry, record);
                return;
        }
        entry->told = true;
        if (record->exception)
                entry->exception = true;
        else
                entry->dispensed_yen = record->dispensed_yen;
}

static const char *on_record(const char *name, const struct bank_record *record, void *context)
{
        struct reading *reading = context;
        struct bank_side *side = reading->side;
        struct bank_total *total = &side->bank[reading->bank];
        struct bank_entry *entry;
        const char *why = NULL;

        (void)name;
        if (++side->lines % LINES_A_CALL == 0 && side->on_lines)
                side->on_lines(side->lines, side->context);
        total->records++;
        if (record->kind == BANK_INQUIRY || record->kind == BANK_CUTOVER || side->error[0])
                return NULL;
        if (strlen(record->identity.terminal) != BANK_TERMINAL_LENGTH)
                return "column 3 is no terminal of 8 characters";
        entry = entry_of(side, record, reading->bank);
        if (!entry)
                return NULL;
        entry->is_late |= reading->is_late;
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

static void on_line(int64_t end, void *context)
{
        struct reading *reading = context;

        reading->is_late = marks_are_behind(&reading->side->marks, reading->path, end);
}

static bool on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        struct bank_side *side = ((struct reading *)context)->side;
        char text[900];

        snprintf(text, sizeof(text), "%s:%" PRIu64 ": %s", path, line, why);
        side->on_fault("bank-journal-line", NULL, text, side->context);
        return true;
}

/* files -------------------------------------------------------------------------------------------- */

static const char *on_header(const struct bank_journal_found *found, void *context)
{
        struct reading *reading = context;
        struct bank_side *side = reading->side;
        size_t i = 0;

        while (i < side->banks && strcmp(side->bank[i].name, found->bank))
                i++;
        if (i < side->banks)
                return "another journal of the same bank was read: a bank has one";
        if (side->banks == BANK_SIDE_BANKS_MAX)
                return "more banks than can be read at once";
        memcpy(side->bank[side->banks].name, found->bank, sizeof(found->bank));
        reading->bank = (uint8_t)side->banks++;
        return NULL;
}

static bool read_file(struct bank_side *side, const char *path)
{
        struct reading reading = {.side = side, .path = path};
        const struct bank_journal_reader reader = {.on_header = on_header,
                                                   .on_line = on_line,
                                                   .on_record = on_record,
                                                   .on_damage = on_damage,
                                                   .context = &reading};
        struct bank_journal_found found;
        char error[BANK_JOURNAL_ERROR_MAX];

        if (!bank_journal_read(path, &reader, &found, error)) {
                snprintf(side->error, sizeof(side->error), "%s", error);
                return false;
        }
        return !side->error[0];
}

static bool mark_file(struct bank_side *side, const char *path)
{
        if (marks_set(&side->marks, path))
                return true;
        snprintf(side->error, sizeof(side->error), "journal %.500s: %s", path, strerror(errno));
        return false;
}

/* Each journal of a folder. */
static bool each_file(struct bank_side *side, const char *dir,
                      bool (*take)(struct bank_side *side, const char *path))
{
        struct dirent **file;
        int files = scandir(dir, &file, bank_journal_is, alphasort);

        if (files <= 0) {
                snprintf(side->error, sizeof(side->error), "folder of banks' journals %.400s: %s", dir,
                         files < 0 ? strerror(errno) : "there is no *.journal in it");
                if (files == 0)
                        free(file);
                return false;
        }
        for (int i = 0; i < files; i++) {
                char path[1024];

                snprintf(path, sizeof(path), "%s/%s", dir, file[i]->d_name);
                if (!side->error[0])
                        (void)take(side, path);
                free(file[i]);
        }
        free(file);
        return !side->error[0];
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

static void sort(struct bank_side *side)
{
        free(side->slot);
        side->slot = NULL;
        side->slots = 0;
        if (side->count)
                qsort(side->entry, side->count, sizeof(*side->entry), by_key);
        for (size_t i = 0; i < side->count; i++)
                side->bank[side->entry[i].bank].withdrawals++;
}

bool bank_side_mark(struct bank_side *side, const char *const *folders, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (!each_file(side, folders[i], mark_file))
                        return false;
        }
        return true;
}

bool bank_side_read(struct bank_side *side, const char *const *folders, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (!each_file(side, folders[i], read_file))
                        return false;
        }
        sort(side);
        return true;
}

void bank_side_free(struct bank_side *side)
{
        marks_free(&side->marks);
        free(side->entry);
        free(side->slot);
}
