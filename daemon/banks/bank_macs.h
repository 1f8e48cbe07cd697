/*
 * The messages of a link that are with the key module, on their way to the bank or from it: as many as may be are room that is taken once, so that nothing is
 * allocated for a message, and nothing waits for another.
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
        size_t used; /* those behind have never been */
        struct bank_mac_list free;
};

/* NULL: as many are taken as may be (LIMIT_BANK_MACS), or out of memory. The owner begins its session_mac. */
struct bank_mac *bank_macs_take(struct bank_macs *macs);
/* Whatever it has asked is dropped, its bytes are wiped. */
void bank_mac_give_back(struct bank_mac *mac);
/* Nobody asks or is answered any more. */
void bank_macs_free(struct bank_macs *macs);

#endif
