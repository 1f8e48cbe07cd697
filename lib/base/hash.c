#include "lib/base/hash.h"

#include <string.h>

#define PRIME   UINT64_C(1099511628211)
#define FIRST32 UINT32_C(2166136261)
#define PRIME32 UINT32_C(16777619)

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
        const unsigned char *at = bytes;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ at[i]) * PRIME;
        return hash;
}

uint64_t hash_text(uint64_t hash, const char *text)
{
        return hash_bytes(hash, text, strlen(text));
}

uint64_t hash_number(uint64_t hash, uint64_t number, size_t size)
{
        for (size_t i = 0; i < size; i++)
                hash = (hash ^ (number >> 8 * i & 0xff)) * PRIME;
        return hash;
}

uint32_t hash32_bytes(const void *bytes, size_t size)
{
        const unsigned char *at = bytes;
        uint32_t hash = FIRST32;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ at[i]) * PRIME32;
        return hash;
}
