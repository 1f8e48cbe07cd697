/*
 * One bank at work: accounts and memory, journal, port, connections, behaviours.
 *
 *      UP --down, by rate or command--> DOWN --the time is over, or `normal`--> UP
 *
 * UP     listens and answers
 * DOWN   no connection, and nobody listens on its port (which stays taken, so that it is there afterwards)
 *
 * The way of a message: frame --> behaviour drawn --> decided (bank_message) --> record appended to the
 * journal, answer queued --> end of the loop's turn: one flush of the journal for all that came in it -->
 * answers leave. A bank whose journal can't be written says nothing any more: on_fatal, and the process ends.
 */
#ifndef BANKSIM_HOST_H
#define BANKSIM_HOST_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "tools/banksim/options.h"

enum { HOST_ERROR_MAX = 1024 };

struct host;

struct host_world {
        struct event_base *base; /* with three priorities or more */
        struct token_key *key;
        const struct options *options;
        void (*on_fatal)(void *context);
        void *context;
};

/* Accounts and journal are read, the port is open. world and options are borrowed. NULL with a text in
 * error[]. */
struct host *host_open(const struct host_world *world, const struct bank_options *options,
                       char error[HOST_ERROR_MAX]);
/* What is decided is written down and answered, what was to be late is not. */
void host_close(struct host *host);

const char *host_name(const struct host *host);
/* How the start went: "BANKA: 10000 accounts, 0 records read back, listening on 127.0.0.1:7601" */
void host_describe(const struct host *host, char *buffer, size_t size);

/* A behaviour for every message, BEHAVIOUR_NORMAL for none; for so many milliseconds, or until the next order
 * where span_ms is 0. */
void host_order(struct host *host, enum behaviour behaviour, int64_t span_ms);
/* It asks the acquirer for its newest key set. NULL: it does; else why not: static text. */
const char *host_ask_keys(struct host *host);
/* A new object. */
json_t *host_show(const struct host *host);
/* How often a behaviour was asked for by rate (its rate) and happened. */
double host_rate(const struct host *host, enum behaviour behaviour);
uint64_t host_happened(const struct host *host, enum behaviour behaviour);

#endif
