/* Open addressing over a hash of eight bytes; the index is rebuilt whenever it is half full. */
#include "backoffice/journals/terminals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t hash_of(const char name[8])
{
        uint64_t key;

        memcpy(&key, name, sizeof(key));
        return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32);
}

int64_t terminals_find(const struct terminals *t, const char name[8])
{
        if (t->slots == 0)
                return -1;
        for (size_t i = hash_of(name) & (t->slots - 1); t->slot[i]; i = (i + 1) & (t->slots - 1))
                if (!memcmp(t->terminal[t->slot[i] - 1].name, name, 8))
                        return (int64_t)t->slot[i] - 1;
        return -1;
}

static void index_one(struct terminals *t, size_t position)
{
        size_t i = hash_of(t->terminal[position].name) & (t->slots - 1);

        while (t->slot[i])
                i = (i + 1) & (t->slots - 1);
        t->slot[i] = (uint32_t)position + 1;
}

static bool grow(struct terminals *t)
{
        size_t room = t->room ? t->room * 2 : 64;
        struct terminal *terminal = realloc(t->terminal, room * sizeof(*terminal));
        uint32_t *slot;

        if (!terminal)
                return false;
        t->terminal = terminal;
        slot = calloc(room * 2, sizeof(*slot));
        if (!slot)
                return false;
        free(t->slot);
        t->slot = slot;
        t->slots = room * 2;
        t->room = room;
        for (size_t i = 0; i < t->count; i++)
                index_one(t, i);
        return true;
}

int64_t terminals_add(struct terminals *t, const char name[8], const char *hall)
{
        int64_t known = terminals_find(t, name);
        struct terminal *terminal;

        if (known >= 0)
                return known;
        if (t->count == t->room && !grow(t))
                return -1;
        terminal = &t->terminal[t->count];
        memcpy(terminal->name, name, 8);
        terminal->name[8] = '\0';
        snprintf(terminal->hall, sizeof(terminal->hall), "%s", hall);
        index_one(t, t->count);
        return (int64_t)t->count++;
}

void terminals_free(struct terminals *t)
{
        free(t->terminal);
        free(t->slot);
        *t = (struct terminals){0};
}
