/* Rates by terminal: see paces.h. */
#include "daemon/paces.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/hash.h"
#include "rules/reference.h"

enum { CHAINS = 1024 };

struct pace_holder {
        char terminal[TERMINAL_LENGTH + 1];
        struct rate rate[PACE_COUNT];
        LIST_ENTRY(pace_holder) chain;
        TAILQ_ENTRY(pace_holder) age;
};

struct paces {
        LIST_HEAD(, pace_holder) chain[CHAINS];
        TAILQ_HEAD(, pace_holder) by_age; /* who took longest ago comes first */
        size_t count;
};

static uint32_t chain_of(const char *terminal)
{
        uint32_t h = hash32_bytes(terminal, strlen(terminal));
        return (h ^ h >> 16) % CHAINS;
}

static struct pace_holder *find(const struct paces *paces, const char *terminal)
{
        struct pace_holder *holder;
        LIST_FOREACH(holder, &paces->chain[chain_of(terminal)], chain)
        if (strcmp(holder->terminal, terminal) == 0)
                return holder;
        return NULL;
}

static void forget(struct paces *paces, struct pace_holder *holder)
{
        LIST_REMOVE(holder, chain);
        TAILQ_REMOVE(&paces->by_age, holder, age);
        paces->count--;
}

/* NULL: out of memory. */
static struct pace_holder *remember(struct paces *paces, const char *terminal)
{
        struct pace_holder *holder = find(paces, terminal);
        if (holder) {
                TAILQ_REMOVE(&paces->by_age, holder, age);
                TAILQ_INSERT_TAIL(&paces->by_age, holder, age);
                return holder;
        }
        if (paces->count == PACES_MAX) {
                holder = TAILQ_FIRST(&paces->by_age);
                forget(paces, holder);
        } else {
                holder = malloc(sizeof(*holder));
        }
        if (!holder)
                return NULL;
        *holder = (struct pace_holder){.terminal = ""};
        strncpy(holder->terminal, terminal, TERMINAL_LENGTH);
        LIST_INSERT_HEAD(&paces->chain[chain_of(holder->terminal)], holder, chain);
        TAILQ_INSERT_TAIL(&paces->by_age, holder, age);
        paces->count++;
        return holder;
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
        struct pace_holder *holder;
        if (!paces)
                return;
        while ((holder = TAILQ_FIRST(&paces->by_age))) {
                TAILQ_REMOVE(&paces->by_age, holder, age);
                free(holder);
        }
        free(paces);
}

int64_t paces_wait_ms(const struct paces *paces, enum pace pace, const struct rate_rules *rule,
                      const char *terminal, int64_t now_ms)
{
        const struct pace_holder *holder = rule->at_once > 0 ? find(paces, terminal) : NULL;
        return holder ? rate_wait_ms(&holder->rate[pace], rule, now_ms) : 0;
}

bool paces_take(struct paces *paces, enum pace pace, const struct rate_rules *rule, const char *terminal,
                int64_t now_ms)
{
        struct pace_holder *holder;
        if (rule->at_once <= 0)
                return true;
        if (paces_wait_ms(paces, pace, rule, terminal, now_ms) > 0)
                return false;
        holder = remember(paces, terminal);
        return !holder || rate_take(&holder->rate[pace], rule, now_ms);
}
