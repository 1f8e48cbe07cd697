#include "backoffice/audit/tally.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 1024 };

static uint64_t mix(uint64_t a)
{
        a ^= a >> 32;
        a *= UINT64_C(0xd6e8feb86659fd93);
        a ^= a >> 32;
        return a;
}

uint64_t tally_hash(const void *key, size_t size)
{
        const char *at = key;
        uint64_t hash = size, word;

        for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
                memcpy(&word, at, sizeof(word));
                hash = mix(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        }
        word = 0;
        memcpy(&word, at, size);
        return mix(hash ^ word);
}

void tally_open(struct tally *tally, size_t key_size, size_t values)
{
        size_t keys = (key_size + 7) & ~(size_t)7;

        *tally = (struct tally){.key_size = key_size, .values = values};
        tally->entry_size = keys + (values + 1) * sizeof(int64_t);
}

void tally_close(struct tally *tally)
{
        free(tally->entries);
        free(tally->slot);
        tally->entries = NULL;
        tally->slot = NULL;
        tally->count = tally->capacity = tally->slots = 0;
}

void tally_clear(struct tally *tally)
{
        if (tally->slots)
                memset(tally->slot, 0, tally->slots * sizeof(*tally->slot));
        tally->count = 0;
}

static char *entry_of(const struct tally *tally, size_t place)
{
        return tally->entries + place * tally->entry_size;
}

static int64_t *numbers_of(const struct tally *tally, char *entry)
{
        return (int64_t *)(void *)(entry + ((tally->key_size + 7) & ~(size_t)7));
}

const void *tally_key(const struct tally *tally, size_t place)
{
        return entry_of(tally, place);
}

int64_t *tally_numbers(const struct tally *tally, size_t place)
{
        return numbers_of(tally, entry_of(tally, place));
}

static bool grow(struct tally *tally)
{
        size_t capacity = tally->capacity ? tally->capacity * 2 : FIRST, slots = capacity * 2;
        char *entries = reallocarray(tally->entries, capacity, tally->entry_size);
        uint32_t *slot;

        if (!entries)
                return false;
        tally->entries = entries;
        slot = calloc(slots, sizeof(*slot));
        if (!slot || capacity > UINT32_MAX) {
                free(slot);
                return false;
        }
        for (size_t i = 0; i < tally->count; i++) {
                size_t at = tally_hash(entry_of(tally, i), tally->key_size) & (slots - 1);

                while (slot[at])
                        at = (at + 1) & (slots - 1);
                slot[at] = (uint32_t)i + 1;
        }
        free(tally->slot);
        tally->slot = slot;
        tally->slots = slots;
        tally->capacity = capacity;
        return true;
}

/* The slot of a key, or the free one that it would have. */
static size_t find_slot(const struct tally *tally, const void *key)
{
        size_t at = tally_hash(key, tally->key_size) & (tally->slots - 1);

        while (tally->slot[at] && memcmp(entry_of(tally, tally->slot[at] - 1), key, tally->key_size) != 0)
                at = (at + 1) & (tally->slots - 1);
        return at;
}

int64_t *tally_find(struct tally *tally, const void *key)
{
        size_t at;

        if (!tally->count)
                return NULL;
        at = find_slot(tally, key);
        return tally->slot[at] ? numbers_of(tally, entry_of(tally, tally->slot[at] - 1)) : NULL;
}

int64_t *tally_at(struct tally *tally, const void *key)
{
        size_t at;
        char *entry;

        if (tally->count == tally->capacity && !grow(tally))
                return NULL;
        at = find_slot(tally, key);
        if (tally->slot[at])
                return numbers_of(tally, entry_of(tally, tally->slot[at] - 1));
        entry = entry_of(tally, tally->count++);
        tally->slot[at] = (uint32_t)tally->count;
        memset(entry, 0, tally->entry_size);
        memcpy(entry, key, tally->key_size);
        return numbers_of(tally, entry);
}

bool tally_add(struct tally *tally, const void *key, const int64_t *values)
{
        int64_t *sums = tally_at(tally, key);
        bool added = sums != NULL;

        for (size_t i = 0; added && i < tally->values; i++)
                added = !__builtin_add_overflow(sums[i], values[i], &sums[i]);
        return added;
}

static const int64_t zeros[TALLY_VALUES_MAX];

void tally_compare(struct tally *tally, const void *key, const int64_t *found, tally_told *on_difference,
                   void *context)
{
        int64_t *numbers = tally_find(tally, key);
        const int64_t *expected = numbers && !numbers[tally->values] ? numbers : zeros;

        if (memcmp(expected, found, tally->values * sizeof(*found)) != 0)
                on_difference(key, expected, found, context);
        if (numbers)
                numbers[tally->values] = 1;
}

size_t tally_compare_rest(struct tally *tally, tally_told *on_difference, void *context)
{
        size_t rest = 0;

        for (size_t i = 0; i < tally->count; i++) {
                int64_t *numbers = numbers_of(tally, entry_of(tally, i));

                if (numbers[tally->values])
                        continue;
                rest++;
                if (memcmp(numbers, zeros, tally->values * sizeof(*zeros)) != 0)
                        on_difference(entry_of(tally, i), numbers, zeros, context);
        }
        return rest;
}
