/*
 * How often each terminal may do what only a fault or a thief does often: a bucket a terminal and kind, which holds `burst` at
 * most and gets one back each `each_ms`. A terminal is remembered from its first take until its buckets are full again and
 * another needs the place, or PACES_MAX others have taken since: memory is bounded. By steady time, in this process alone: who
 * goes to several instances has a bucket at each.
 */
#ifndef DAEMON_PACES_H
#define DAEMON_PACES_H

#include <stdbool.h>
#include <stdint.h>

enum { PACES_MAX = 4096 };

enum pace { PACE_REPLACE, PACE_GUESS, PACE_COUNT };

struct pace_rule {
        int64_t burst, each_ms; /* burst 0: as often as they like */
};

struct paces;

struct paces *paces_new(void); /* NULL: out of memory */
void paces_free(struct paces *paces);

/* How long until there is one to take; 0: there is. */
int64_t paces_wait_ms(const struct paces *paces, enum pace pace, const struct pace_rule *rule,
                      const char *terminal, int64_t now_ms);
/* Takes one. False: there is none. */
bool paces_take(struct paces *paces, enum pace pace, const struct pace_rule *rule, const char *terminal,
                int64_t now_ms);

#endif
