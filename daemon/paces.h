/*
 * How often each terminal may do what only a fault or a thief does often: a rate (lib/base/rate.h) a terminal and kind. A
 * terminal is remembered from its first take until PACES_MAX others have taken since: memory is bounded. By steady time, in this
 * process alone: who goes to several instances has a rate at each. Where a rule's at_once is 0, it may as often as it likes.
 */
#ifndef DAEMON_PACES_H
#define DAEMON_PACES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/rate.h"

enum { PACES_MAX = 4096 };

enum pace { PACE_REPLACE, PACE_GUESS, PACE_PIN_BLOCK, PACE_PIN_WRONG, PACE_COUNT };

struct paces;

struct paces *paces_new(void); /* NULL: out of memory */
void paces_free(struct paces *paces);

/* How long until there is one to take; 0: there is. */
int64_t paces_wait_ms(const struct paces *paces, enum pace pace, const struct rate_rules *rule,
                      const char *terminal, int64_t now_ms);
/* Takes one. False: there is none. */
bool paces_take(struct paces *paces, enum pace pace, const struct rate_rules *rule, const char *terminal,
                int64_t now_ms);

#endif
