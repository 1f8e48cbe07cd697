/*
 * One ATM's connection to an instance of atmd: a TLS stream (lib/net/stream.h) with the ATM's certificate.
 *
 *      DOWN --atm_conn_connect--> (connecting, shaking hands) --on_ready--> UP
 *      any --fault, end of stream--> DOWN (on_down, at the end of the loop's turn)
 *      any --atm_conn_close--> DOWN (at once, and nothing more is said)
 *
 * What is queued leaves at atm_conn_flush, so that many messages can wait for one flush of the journal. A line that
 * is cut takes nothing more: what is queued after atm_conn_cut is lost, and the connection ends when what came before
 * has left.
 */
#ifndef ATMSIM_ATM_CONN_H
#define ATMSIM_ATM_CONN_H

#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/base/attributes.h"
#include "lib/net/stream.h"
#include "protocol/iso8583.h"

enum {
        ATM_CONN_ERROR_MAX = 640,
        ATM_CONN_PORTS_MAX = 64,
        ATM_CONN_OUT_MAX = 2048,
        ATM_CONN_REASON_MAX = 256,
        ATM_CONN_NUMBERS_MAX = 4000000
};

struct atm_conn;

/* What all of them share. */
struct atm_conn_net {
        SSL_CTX *tls;
        struct stream_env *streams;
        const char *host, *certs; /* folder of TERMINAL.crt and TERMINAL.key */
        struct sockaddr_storage address[ATM_CONN_PORTS_MAX];
        socklen_t address_length;
        int ports;
        FILE *capture; /* NULL: none */
        void (*on_ready)(struct atm_conn *conn);
        void (*on_message)(struct atm_conn *conn, const uint8_t *bytes, size_t length);
        void (*on_down)(struct atm_conn *conn, const char *reason);
};

/* ports: numbers separated by blanks. first_terminal: whose certificate the context is made with. */
ATM_MUST_USE bool atm_conn_net_open(struct atm_conn_net *ret_net, struct event_base *base, const char *host,
                                    const char *ports, const char *ca, const char *certs,
                                    const char *first_terminal, char error[ATM_CONN_ERROR_MAX]);
/* Write every frame, as it is under the TLS, to a new file that only its owner may read: a line each, > from an
 * ATM or < to it, and its bytes in hex. It holds card numbers. False: errno says why. */
ATM_MUST_USE bool atm_conn_net_capture(struct atm_conn_net *net, const char *path);
/* False: not all that was captured could be written. */
bool atm_conn_net_close(struct atm_conn_net *net);

struct atm_conn {
        struct atm_conn_net *net;
        struct stream stream;
        bool cut;                /* by a fault, once what is queued has left */
        struct sockaddr_in from; /* without a family: whatever the system chooses */
};

void atm_conn_init(struct atm_conn *conn, struct atm_conn_net *net);
/* From now on it comes from a loopback address of its own, which follows from the number (after ATM_CONN_NUMBERS_MAX they begin again). False: the
 * host isn't one of 127.0.0.0/8. */
ATM_MUST_USE bool atm_conn_come_from(struct atm_conn *conn, uint32_t number);
/* Begin to connect to the port with that index. False with a reason: it failed at once. */
ATM_MUST_USE bool atm_conn_connect(struct atm_conn *conn, const char *terminal, int port,
                                   char reason[ATM_CONN_REASON_MAX]);
/* False where there is no room: the host has not read for long. */
ATM_MUST_USE bool atm_conn_queue(struct atm_conn *conn, const uint8_t *bytes, size_t length);
/* Close after all that is queued now but its last `short_of` bytes. */
void atm_conn_cut(struct atm_conn *conn, size_t short_of);
void atm_conn_flush(struct atm_conn *conn);
void atm_conn_close(struct atm_conn *conn, bool politely);

#endif
