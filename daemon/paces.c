/*
 * Buckets by terminal: see paces.h. A bucket is one moment, that at which it will be full again: taking one moves it on by
 * each_ms, and it may not be further off than burst times that.
 */
#include "daemon/paces.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/hash.h"
#include "rules/reference.h"

enum { CHAINS = 1024 };

struct bucket {
        char terminal[TERMINAL_LENGTH + 1];
        int64_t full_ms[PACE_COUNT];
        LIST_ENTRY(bucket) chain;
        TAILQ_ENTRY(bucket) age;
};

struct paces {
        LIST_HEAD(, bucket) chain[CHAINS];
        TAILQ_HEAD(, bucket) by_age; /* who took longest ago comes first */
        size_t count;
};

static uint32_t chain_of(const char *terminal)
{
        uint32_t h = hash32_bytes(terminal, strlen(terminal));
        return (h ^ h >> 16) % CHAINS;
}

static struct bucket *find(const struct paces *paces, const char *terminal)
{
        struct bucket *bucket;
        LIST_FOREACH(bucket, &paces->chain[chain_of(terminal)], chain)
        if (strcmp(bucket->terminal, terminal) == 0)
                return bucket;
        return NULL;
}

static void forget(struct paces *paces, struct bucket *bucket)
{
        LIST_REMOVE(bucket, chain);
        TAILQ_REMOVE(&paces->by_age, bucket, age);
        paces->count--;
}

/* NULL: out of memory. */
static struct bucket *remember(struct paces *paces, const char *terminal)
{
        struct bucket *bucket = find(paces, terminal);
        if (bucket) {
                TAILQ_REMOVE(&paces->by_age, bucket, age);
                TAILQ_INSERT_TAIL(&paces->by_age, bucket, age);
                return bucket;
        }
        if (paces->count == PACES_MAX) {
                bucket = TAILQ_FIRST(&paces->by_age);
                forget(paces, bucket);
        } else {
                bucket = malloc(sizeof(*bucket));
        }
        if (!bucket)
                return NULL;
        *bucket = (struct bucket){.terminal = ""};
        strncpy(bucket->terminal, terminal, TERMINAL_LENGTH);
        LIST_INSERT_HEAD(&paces->chain[chain_of(bucket->terminal)], bucket, chain);
        TAILQ_INSERT_TAIL(&paces->by_age, bucket, age);
        paces->count++;
        return bucket;
}

struct paces *paces_new(void)
{
        struct paces *paces = calloc(1, sizeof(*paces)); /* empty lists are NULL */
        if (paces)
                TAILQ_INIT(&paces->by_age);
        return paces;
}

void paces_free(struct paces *paces)
{
        struct bucket *bucket;
        if (!paces)
                return;
        while ((bucket = TAILQ_FIRST(&paces->by_age))) {
                TAILQ_REMOVE(&paces->by_age, bucket, age);
                free(bucket);
        }
        free(paces);
}

int64_t paces_wait_ms(const struct paces *paces, enum pace pace, const struct pace_rule *rule,
                      const char *terminal, int64_t now_ms)
{
        const struct bucket *bucket = rule->burst > 0 ? find(paces, terminal) : NULL;
        int64_t furthest_ms = now_ms + (rule->burst - 1) * rule->each_ms;
        return bucket && bucket->full_ms[pace] > furthest_ms ? bucket->full_ms[pace] - furthest_ms : 0;
}

bool paces_take(struct paces *paces, enum pace pace, const struct pace_rule *rule, const char *terminal,
                int64_t now_ms)
{
        if (rule->burst <= 0)
                return true;
        if (paces_wait_ms(paces, pace, rule, terminal, now_ms) > 0)
                return false;
        struct bucket *bucket = remember(paces, terminal);
        if (bucket)
                bucket->full_ms[pace] =
                    (bucket->full_ms[pace] > now_ms ? bucket->full_ms[pace] : now_ms) + rule->each_ms;
        return true;
}
