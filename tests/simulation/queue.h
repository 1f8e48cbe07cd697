/* What is to happen, by virtual time: a heap. Events of one moment come in the order in which they were put.
 */
#ifndef TESTS_SIMULATION_QUEUE_H
#define TESTS_SIMULATION_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;
struct line;

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
        EVENT_MODULE,        /* a daemon's key module has an answer ready */
        EVENT_KEYS,          /* a daemon reads what has changed of keys */
        EVENT_START,         /* a daemon starts */
        EVENT_DATABASE_UP,   /* a daemon reaches the database again */
        EVENT_BANKS,         /* a daemon's deadlines and work with banks */
        EVENT_STORE,         /* the next stage of what store and forward has the database do */
        EVENT_CONNECT,       /* a daemon connects to a bank */
        EVENT_LINE_OPENED,   /* the handshake of a connection to a bank is done */
        EVENT_TO_BANK,
        EVENT_BANK_ANSWERS, /* a bank that takes its time has an answer ready */
        EVENT_FROM_BANK,    /* it arrives at the daemon */
        EVENT_BANK_CLOSED,  /* the bank sees its end of a connection closed */
        EVENT_LINE_CLOSED,  /* the daemon does */
        EVENT_BANK_UP,      /* a bank is there again */
};

struct event {
        int64_t at_ms;
        uint64_t order;
        enum event_kind kind;
        int number;        /* of the ATM, the instance or the bank */
        uint64_t epoch;    /* of its timer or its life: others are stale */
        int which;         /* of its connections to banks */
        struct link *link; /* of an ATM */
        struct line *line; /* to a bank */
        uint8_t *bytes;    /* a message, owned */
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
