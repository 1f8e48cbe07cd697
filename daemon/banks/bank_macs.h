/*
 * The messages of a link that are with the key module, on their way to the bank or from it: as many as may be are room that is taken once, so that nothing is
 * allocated for a message, and nothing that has come or is to leave waits for another. Where there are so many that the bank must not be read, it is as soon as
 * there are fewer.
 *
 *      free --bank_macs_take--> a session's --bank_mac_give_back--> free
 */
#ifndef DAEMON_BANKS_BANK_MACS_H
#define DAEMON_BANKS_BANK_MACS_H

#include "daemon/macs/session_mac.h"

struct bank_exchange;
struct bank_session;

enum bank_mac_use {
        BANK_MAC_CHECKED,  /* it has come */
        BANK_MAC_EXCHANGE, /* a request or notice is to leave */
        BANK_MAC_NETWORK,  /* a network message of ours */
        BANK_MAC_ANSWER    /* our answer to one of the bank's */
};

struct bank_mac {
        struct session_mac mac;
        enum bank_mac_use use;
        struct bank_session *session;
        struct bank_exchange *exchange; /* of BANK_MAC_EXCHANGE */
        struct bank_macs *macs;
        TAILQ_ENTRY(bank_mac) entry; /* among those that are free, or its session's */
};
TAILQ_HEAD(bank_mac_list, bank_mac);

/* A value of its owner's; zeros are none, with no room taken. */
struct bank_macs {
        struct bank_mac *all;
        size_t used;  /* those behind have never been */
        size_t taken; /* of them, at the moment */
        struct bank_mac_list free;
        bool is_awaited; /* somebody was told not to read */
        void (*on_room)(
            struct bank_macs *macs); /* he may again; never NULL where bank_macs_may_read is asked */
};

/* NULL: as many are taken as may be (LIMIT_BANK_MACS), or out of memory. The owner begins its session_mac. */
struct bank_mac *bank_macs_take(struct bank_macs *macs);
/* Whatever it has asked is dropped, its bytes are wiped. */
void bank_mac_give_back(struct bank_mac *mac);
/* Whether another message of the bank's may be read; on_room says later that it may. */
ATM_MUST_USE bool bank_macs_may_read(struct bank_macs *macs);
/* Nobody asks or is answered any more. */
void bank_macs_free(struct bank_macs *macs);

#endif
