/* The event loop's queues, the most urgent first. */
#ifndef LIB_NET_PRIORITIES_H
#define LIB_NET_PRIORITIES_H

enum {
        PRIORITY_URGENT,   /* nothing yet */
        PRIORITY_SERVICE,  /* open connections and the ledger: libevent's default, the middle one */
        PRIORITY_NEWCOMER, /* accepting and handshakes, which cost a millisecond each */
        PRIORITY_COUNT
};

#endif
