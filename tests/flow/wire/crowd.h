/* Several ATMs at the same instant, each in a thread of its own, over all instances. */
#ifndef TESTS_FLOW_WIRE_CROWD_H
#define TESTS_FLOW_WIRE_CROWD_H

#include "tests/flow/wire/world.h"

enum { CROWD_MAX = 4 };

struct rush {
        struct atm *atm;
        struct message request, answer;
        enum client_result result;
};

/* All requests leave at once; returns when each has its answer or its time is over. Nothing is checked. */
void rush(struct rush *rushes, int count);

/* Withdrawals of one card by `count` ATMs at once: how many were approved. The others must have got
 * `refusal`; all are written into the book. */
int rush_for_cash(struct atm *atms, int count, const struct card *card, int64_t amount_yen, int64_t moment_ms,
                  const char *refusal);

#endif
