/*
 * The ledger in memory: the second back end of daemon/ledger/ledger.h, for the simulation and the contract test.
 * It gives the same answers as the one on PostgreSQL, from the rows of memory.h.
 *
 * Two things, as in production:
 *   struct memory_database   the rows. It survives a daemon's crash and is shared by any number of ledgers.
 *   struct ledger            one daemon's queue and batch: volatile. ledger_free() is the crash: what it
 *                            held is forgotten and no on_done is called.
 *
 * A ledger does nothing by itself. Its owner moves it by ledger_mem_step(), one stage each time:
 *
 *      IDLE --submit--> WAITING --step--> IN_FLIGHT --step: commits--> COMMITTED --step: on_done--> IDLE, WAITING
 *                          ^                  |                            |
 *                          '------------------+----ledger_mem_lose---------'   (ops in doubt)
 *
 * so a crash or a lost connection can be put before the commit, and between the commit and the answer.
 */
#ifndef TESTS_LEDGER_MEM_LEDGER_MEM_H
#define TESTS_LEDGER_MEM_LEDGER_MEM_H

#include "tests/ledger_mem/memory.h"

struct ledger_mem_options {
        size_t queue_max, batch_max;
        struct ledger_times times;
};

/* IDLE: nothing that it could do now. */
enum ledger_mem_stage { LEDGER_MEM_IDLE, LEDGER_MEM_WAITING, LEDGER_MEM_IN_FLIGHT, LEDGER_MEM_COMMITTED };

struct ledger *ledger_mem_new(struct memory_database *database, const struct ledger_mem_options *options);

enum ledger_mem_stage ledger_mem_stage(const struct ledger *ledger);
/* On to the next stage; nothing where idle. Refused ops are answered whatever the stage. */
void ledger_mem_step(struct ledger *ledger);
/* The connection is lost: what was in flight waits again, in doubt, before everything else. */
void ledger_mem_lose(struct ledger *ledger);
/* The database can't be reached: as ledger_mem_lose, and until it is back whatever waits or comes is answered
 * UNAVAILABLE, but for what is in doubt. */
void ledger_mem_set_down(struct ledger *ledger, bool down);
/* Step until idle. */
void ledger_mem_drain(struct ledger *ledger);
/* Take the current snapshot of the reference data, as a poll does. A stale op is answered without it. */
void ledger_mem_poll(struct ledger *ledger);

#endif
