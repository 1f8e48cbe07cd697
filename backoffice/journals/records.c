/* Wanted keys lie sorted, so that a record finds its own by halves. */
#include "backoffice/journals/records.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/journals/bank_journal.h"
#include "lib/base/array.h"

static bool fail(struct records *records, const char *why)
{
        if (!records->failed)
                snprintf(records->error, sizeof(records->error), "%s", why);
        records->failed = true;
        return false;
}

/* array_with_room, and where there is none it is the records' failure. */
static void *with_room(struct records *records, void *array, size_t count, size_t *room, size_t size)
{
        void *grown = array_with_room(array, room, count, size);

        if (!grown)
                (void)fail(records, "out of memory");
        return grown;
}

bool records_want(struct records *records, const struct record_key *key)
{
        struct record_key *keys =
            with_room(records, records->key, records->count, &records->room, sizeof(*key));

        if (!keys)
                return false;
        records->key = keys;
        records->key[records->count++] = *key;
        return true;
}

static int by_key(const void *a, const void *b)
{
        const struct record_key *x = a, *y = b;
        int names = memcmp(x->terminal, y->terminal, 8);

        if (names)
                return names;
        if (x->transmitted_ms != y->transmitted_ms)
                return x->transmitted_ms < y->transmitted_ms ? -1 : 1;
        return (x->stan > y->stan) - (x->stan < y->stan);
}

/* The place of a withdrawal; `count`: it is not wanted. */
static size_t place_of(const struct records *records, const char *terminal, int64_t transmitted_ms,
                       int32_t stan)
{
        struct record_key key = {.stan = stan, .transmitted_ms = transmitted_ms};
        const struct record_key *found;

        if (!records->count || strlen(terminal) != 8)
                return records->count;
        memcpy(key.terminal, terminal, sizeof(key.terminal));
        found = bsearch(&key, records->key, records->count, sizeof(key), by_key);
        return found ? (size_t)(found - records->key) : records->count;
}

/* ATMs --------------------------------------------------------------------------------------------- */

/* The last advice of a withdrawal with that STAN is acknowledged. */
static void acknowledge(struct records *records, size_t of, int32_t stan)
{
        for (size_t i = records->atms; i-- > 0;) {
                struct atm_word *word = &records->atm[i];

                if (word->of == of && word->record.kind == JOURNAL_ADVICE && word->record.stan == stan) {
                        word->is_acknowledged = true;
                        return;
                }
        }
}

static void on_atm_record(const struct journal_record *record, void *context)
{
        struct records *records = context;
        bool is_advice = record->kind == JOURNAL_ADVICE || record->kind == JOURNAL_ACKNOWLEDGED;
        struct atm_word *words;
        size_t of;

        if (records->failed || (!is_advice && record->kind != JOURNAL_REQUEST))
                return;
        of = is_advice ? place_of(records, record->terminal, record->original_ms, record->original_stan)
                       : place_of(records, record->terminal, record->transmitted_ms, record->stan);
        if (of == records->count)
                return;
        if (record->kind == JOURNAL_ACKNOWLEDGED) {
                acknowledge(records, of, record->stan);
                return;
        }
        words = with_room(records, records->atm, records->atms, &records->atm_room, sizeof(*words));
        if (!words)
                return;
        records->atm = words;
        records->atm[records->atms] = (struct atm_word){.of = of, .place = records->atms, .record = *record};
        records->atms++;
}

static void on_atm_damage(const char *path, uint64_t line, const char *why, void *context)
{
        (void)path;
        (void)line;
        (void)why;
        (void)context;
}

static bool read_atms(struct records *records, const char *folder)
{
        const struct journal_reader reader = {
            .on_record = on_atm_record, .on_damage = on_atm_damage, .context = records};
        int last = journal_last(folder);

        for (int number = 1; number <= last && !records->failed; number++) {
                char path[JOURNAL_PATH_MAX], error[JOURNAL_ERROR_MAX];

                journal_path(folder, number, path);
                if (!journal_read(path, 0, &reader, error))
                        return fail(records, error);
        }
        return !records->failed;
}

/* banks -------------------------------------------------------------------------------------------- */

static const char *on_bank_record(const char *bank, const struct bank_record *record, void *context)
{
        struct records *records = context;
        struct bank_word *words;
        size_t of;

        if (records->failed || record->kind == BANK_INQUIRY || record->kind == BANK_CUTOVER)
                return NULL;
        of = place_of(records, record->identity.terminal, record->identity.transmitted_ms,
                      record->identity.stan);
        if (of == records->count)
                return NULL;
        words = with_room(records, records->bank, records->banks, &records->bank_room, sizeof(*words));
        if (!words)
                return NULL;
        records->bank = words;
        records->bank[records->banks] =
            (struct bank_word){.of = of, .place = records->banks, .record = *record};
        snprintf(records->bank[records->banks++].bank, sizeof(records->bank->bank), "%s", bank);
        return NULL;
}

static bool on_bank_damage(const char *path, uint64_t line, const char *why, void *context)
{
        (void)path;
        (void)line;
        (void)why;
        (void)context;
        return true;
}

static bool read_banks(struct records *records, const char *folder)
{
        const struct bank_journal_reader reader = {
            .on_record = on_bank_record, .on_damage = on_bank_damage, .context = records};
        struct dirent **file;
        int files = scandir(folder, &file, bank_journal_is, alphasort);

        if (files < 0)
                return fail(records, strerror(errno));
        for (int i = 0; i < files; i++) {
                struct bank_journal_found found;
                char path[1024], error[BANK_JOURNAL_ERROR_MAX];

                snprintf(path, sizeof(path), "%s/%s", folder, file[i]->d_name);
                if (!records->failed && !bank_journal_read(path, &reader, &found, error))
                        (void)fail(records, error);
                free(file[i]);
        }
        free(file);
        return !records->failed;
}

/* all of them ---------------------------------------------------------------------------------------- */

static int by_atm_word(const void *a, const void *b)
{
        const struct atm_word *x = a, *y = b;

        if (x->of != y->of)
                return x->of < y->of ? -1 : 1;
        return (x->place > y->place) - (x->place < y->place);
}

static int by_bank_word(const void *a, const void *b)
{
        const struct bank_word *x = a, *y = b;

        if (x->of != y->of)
                return x->of < y->of ? -1 : 1;
        return (x->place > y->place) - (x->place < y->place);
}

bool records_read(struct records *records, const char *const *atm_folders, size_t atm_count,
                  const char *const *bank_folders, size_t bank_count)
{
        for (size_t i = 0; i < atm_count; i++) {
                if (!read_atms(records, atm_folders[i]))
                        return false;
        }
        for (size_t i = 0; i < bank_count; i++) {
                if (!read_banks(records, bank_folders[i]))
                        return false;
        }
        if (records->atms)
                qsort(records->atm, records->atms, sizeof(*records->atm), by_atm_word);
        if (records->banks)
                qsort(records->bank, records->banks, sizeof(*records->bank), by_bank_word);
        return true;
}

/* The first place of `count` elements, whose withdrawal stands at their beginning, that is not before `of`. */
static size_t first_of(const void *array, size_t count, size_t size, size_t of)
{
        size_t low = 0, high = count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                size_t its;

                memcpy(&its, (const char *)array + middle * size, sizeof(its));
                if (its < of)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

size_t records_atm(const struct records *records, size_t of, const struct atm_word **ret_first)
{
        size_t at = first_of(records->atm, records->atms, sizeof(*records->atm), of), count = 0;

        *ret_first = records->atms ? records->atm + at : NULL;
        while (at + count < records->atms && records->atm[at + count].of == of)
                count++;
        return count;
}

size_t records_bank(const struct records *records, size_t of, const struct bank_word **ret_first)
{
        size_t at = first_of(records->bank, records->banks, sizeof(*records->bank), of), count = 0;

        *ret_first = records->banks ? records->bank + at : NULL;
        while (at + count < records->banks && records->bank[at + count].of == of)
                count++;
        return count;
}

void records_free(struct records *records)
{
        free(records->key);
        free(records->atm);
        free(records->bank);
        *records = (struct records){.count = 0};
}
