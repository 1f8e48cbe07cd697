/* The terminals by name: a growing list with an index over it. */
#ifndef BACKOFFICE_JOURNALS_TERMINALS_H
#define BACKOFFICE_JOURNALS_TERMINALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct terminal {
        char name[9];
        char hall[16]; /* "" where unknown */
};

struct terminals {
        struct terminal *terminal;
        size_t count, room;
        uint32_t *slot; /* position + 1 by hash, 0: empty; a power of two of them */
        size_t slots;
};

/* -1: not there. */
int64_t terminals_find(const struct terminals *terminals, const char name[8]);
/* Its position, added where it isn't there yet; -1: out of memory. */
int64_t terminals_add(struct terminals *terminals, const char name[8], const char *hall);
void terminals_free(struct terminals *terminals);

#endif
