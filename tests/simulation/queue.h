/* What is to happen, by virtual time: a heap. Events of one moment come in the order in which they were put.
 */
#ifndef TESTS_SIMULATION_QUEUE_H
#define TESTS_SIMULATION_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

enum event_kind {
        EVENT_ATM,       /* an ATM's timer */
        EVENT_OPENED,    /* the handshake of a connection is done */
        EVENT_TO_DAEMON, /* a message arrives */
        EVENT_TO_ATM,
        EVENT_DAEMON_CLOSED, /* the daemon sees its end of a connection closed */
        EVENT_ATM_CLOSED,    /* the ATM does */
        EVENT_PUMP,          /* a connection may have messages that wait to be read */
        EVENT_LEDGER,        /* the ledger's next stage */
        EVENT_TICK,          /* the service's deadlines */
        EVENT_POLL,          /* look for new reference data */
        EVENT_RELIEF,        /* the service is congested no longer */
        EVENT_START,         /* a daemon starts */
        EVENT_DATABASE_UP,   /* a daemon reaches the database again */
};

struct event {
        int64_t at_ms;
        uint64_t order;
        enum event_kind kind;
        int number;     /* of the ATM or the instance */
        uint64_t epoch; /* of its timer or its life: others are stale */
        struct link *link;
        uint8_t *bytes; /* a message, owned */
        size_t length;
};

struct queue {
        struct event *events;
        size_t count, capacity;
        uint64_t orders;
};

void queue_put(struct queue *queue, struct event event);
bool queue_take(struct queue *queue, struct event *ret_event);
void queue_clear(struct queue *queue);

#endif
