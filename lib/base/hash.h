/*
 * FNV-1a: a number from bytes, the same on every machine. For tables, for codes that need no counter and against torn
 * copies; never against people, who can choose what they put in.
 *
 *      uint64_t h = hash_text(HASH_FIRST, name);
 *      h = hash_number(h, number, sizeof(number));
 *
 * What is stored or shown is made of it (the dispensers' file): the numbers may not change.
 */
#ifndef LIB_BASE_HASH_H
#define LIB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* What a hash begins with. */
#define HASH_FIRST UINT64_C(14695981039346656037)

/* What was hashed so far, and then these. A text without its end; a number's lowest `size` bytes, the lowest first. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);
uint64_t hash_text(uint64_t hash, const char *text);
uint64_t hash_number(uint64_t hash, uint64_t number, size_t size);

/* FNV-1a of 32 bits. */
uint32_t hash32_bytes(const void *bytes, size_t size);

#endif
