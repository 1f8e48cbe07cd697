/*
 * Sums by key, in memory: an entry holds a key of some bytes and some numbers. One side adds its numbers up,
 * the other's are compared with them, one key at a time; an entry that nobody compared is compared with zeros
 * in the end. So an entry of zeros and none at all are the same.
 *
 * Keys are compared as bytes: whoever fills one leaves no gap in it. The room of the numbers may as well hold
 * a struct of the caller's, zeroed when its key is new.
 */
#ifndef BACKOFFICE_AUDIT_TALLY_H
#define BACKOFFICE_AUDIT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { TALLY_VALUES_MAX = 8 };

struct tally {
        size_t key_size, values, entry_size;
        char *entries;  /* key, numbers, whether it was compared */
        uint32_t *slot; /* place + 1; 0 is free */
        size_t count, capacity, slots;
};

typedef void tally_told(const void *key, const int64_t *expected, const int64_t *found, void *context);

uint64_t tally_hash(const void *key, size_t size);

/* key_size is a multiple of 4. */
void tally_open(struct tally *tally, size_t key_size, size_t values);
void tally_close(struct tally *tally);
/* No entries any more; the memory is kept for others. */
void tally_clear(struct tally *tally);

/* The numbers of a key, zeros where it is new. NULL: out of memory. Valid until the next key is new. */
int64_t *tally_at(struct tally *tally, const void *key);
/* NULL: there is no such entry. */
int64_t *tally_find(struct tally *tally, const void *key);
/* By place, from 0 to count - 1. */
const void *tally_key(const struct tally *tally, size_t place);
int64_t *tally_numbers(const struct tally *tally, size_t place);
/* Add numbers to a key's. False: out of memory, or a sum over 2^63. */
ATM_MUST_USE bool tally_add(struct tally *tally, const void *key, const int64_t *values);

/* Compare what was found with the key's sums, once for each key: found again, it was expected not to be. */
void tally_compare(struct tally *tally, const void *key, const int64_t *found, tally_told *on_difference,
                   void *context);
/* Compare the rest with zeros; returns how many keys were in neither of the calls before. */
size_t tally_compare_rest(struct tally *tally, tally_told *on_difference, void *context);

#endif
