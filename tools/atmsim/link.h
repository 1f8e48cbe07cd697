/*
 * One ATM's connection: TCP, TLS with the ATM's certificate, frames. OpenSSL is driven directly on the
 * loop's events: one read and one write a message, no allocation of ours.
 *
 *      DOWN --link_connect--> CONNECTING --> HANDSHAKING --on_ready--> UP
 *      any --fault, end of stream, link_close--> DOWN (on_down, unless link_close was called)
 *
 * What is queued leaves at link_flush, so that many messages can wait for one flush of the journal.
 */
#ifndef ATMSIM_LINK_H
#define ATMSIM_LINK_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/base/attributes.h"
#include "protocol/iso8583.h"

enum { LINK_ERROR_MAX = 640, LINK_PORTS_MAX = 64, LINK_OUT_MAX = 2048, LINK_REASON_MAX = 256 };

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_HANDSHAKING, LINK_UP };

struct link;

/* What all links share. */
struct link_net {
        struct event_base *base;
        SSL_CTX *tls;
        const char *host, *certs; /* folder of TERMINAL.crt and TERMINAL.key */
        struct sockaddr_storage address[LINK_PORTS_MAX];
        socklen_t address_length;
        int ports;
        FILE *capture; /* NULL: none */
        void (*on_ready)(struct link *link);
        void (*on_message)(struct link *link, const uint8_t *bytes, size_t length);
        void (*on_down)(struct link *link, const char *reason);
};

/* ports: numbers separated by blanks. first_terminal: whose certificate the context is made with. */
ATM_MUST_USE bool link_net_open(struct link_net *ret_net, struct event_base *base, const char *host,
                                const char *ports, const char *ca, const char *certs,
                                const char *first_terminal, char error[LINK_ERROR_MAX]);
/* Write every frame, as it is under the TLS, to a new file that only its owner may read: a line each, > from an
 * ATM or < to it, and its bytes in hex. It holds card numbers. False: errno says why. */
ATM_MUST_USE bool link_net_capture(struct link_net *net, const char *path);
/* False: not all that was captured could be written. */
bool link_net_close(struct link_net *net);

struct link {
        struct link_net *net;
        enum link_state state;
        int fd;
        uint32_t generation; /* counts connections: a callback sees that its own is gone */
        SSL *ssl;
        struct event readable, writable;
        size_t in_length, out_length;
        size_t allowed; /* of the queued bytes, those that link_flush has let go */
        size_t cut_at;  /* close once so many of the queued bytes have left; SIZE_MAX: no */
        uint8_t in[ISO_MESSAGE_MAX + ISO_LENGTH_HEADER];
        uint8_t out[LINK_OUT_MAX];
};

void link_init(struct link *link, struct link_net *net);
/* Begin to connect to the port with that index. False with a reason: it failed at once. */
ATM_MUST_USE bool link_connect(struct link *link, const char *terminal, int port,
                               char reason[LINK_REASON_MAX]);
/* False where there is no room: the host has not read for long. */
ATM_MUST_USE bool link_queue(struct link *link, const uint8_t *bytes, size_t length);
/* Close after all that is queued now but its last `short_of` bytes. */
void link_cut(struct link *link, size_t short_of);
void link_flush(struct link *link);
void link_close(struct link *link, bool politely);

#endif
