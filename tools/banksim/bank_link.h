/*
 * One connection of an acquirer to a bank: TCP, TLS with client certificates, frames. OpenSSL is driven
 * directly on libevent's events.
 *
 *      HANDSHAKE --certificate is the client's--> OPEN --bank_link_close, fault, end--> CLOSED --> (freed)
 *          '------------------------------------------------------------------------^
 *
 * Freeing waits for the end of the loop's turn, so that whoever is called from here may close any link.
 * What is queued leaves at bank_link_flush: many answers wait for one flush of the journal, and go in one
 * write. Limits: the handshake's time, LINK_OUT_MAX bytes that the peer does not take, and while it takes
 * none of its answers nothing is read from it.
 */
#ifndef BANKSIM_BANK_LINK_H
#define BANKSIM_BANK_LINK_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "tools/banksim/wire.h"

enum {
        LINK_PEER_MAX = 64,
        LINK_OUT_MAX = 1 << 18,
        LINK_HANDSHAKE_TIMEOUT_MS = 10000,
        LINK_MESSAGE_TIMEOUT_MS = 10000, /* a message once begun must be whole by then */
        LINK_FRAMES_PER_TURN = 64,
};

struct bank_link;

struct bank_link_events {
        /* The handshake is done. False: refused, with a reason from bank_link_close. */
        void (*on_open)(struct bank_link *link, const char *certificate_name, void *context);
        void (*on_message)(struct bank_link *link, const uint8_t *message, size_t length, void *context);
        /* Once, at the end of the turn; the link is gone afterwards. */
        void (*on_closed)(struct bank_link *link, const char *reason, void *context);
};

/* What all links of a bank share. */
struct bank_link_net;

struct bank_link_net *bank_link_net_new(struct event_base *base, SSL_CTX *tls, const struct wire *wire,
                                        const struct bank_link_events *events, void *context);
void bank_link_net_free(struct bank_link_net *net); /* with its links, without telling anybody */
size_t bank_link_net_count(const struct bank_link_net *net);
struct bank_link *bank_link_find(const struct bank_link_net *net, uint64_t id);
void bank_link_net_close_all(struct bank_link_net *net, const char *reason);
void bank_link_net_flush(struct bank_link_net *net);

/* Takes over the descriptor. False: out of memory, and it is closed. */
ATM_MUST_USE bool bank_link_add(struct bank_link_net *net, int fd, const char *peer);
uint64_t bank_link_id(const struct bank_link *link);
const char *bank_link_peer(const struct bank_link *link);
bool *bank_link_signed_on(struct bank_link *link);

/* A whole frame, header included. */
void bank_link_queue(struct bank_link *link, const uint8_t *frame, size_t length);
/* The first half of a frame, then the line is cut. */
void bank_link_hang_up(struct bank_link *link, const uint8_t *frame, size_t length);
void bank_link_close(struct bank_link *link, const char *format, ...) ATM_PRINTF(2, 3);

#endif
