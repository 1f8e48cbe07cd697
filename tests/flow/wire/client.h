/*
 * An ATM's end of the wire, blocking: a TCP connection, TLS on it, whole messages. Nothing of the project's
 * own code is used; it can also misbehave (plain TCP, other certificates, other versions, odd pieces).
 */
#ifndef TESTS_FLOW_WIRE_CLIENT_H
#define TESTS_FLOW_WIRE_CLIENT_H

#include "tests/flow/wire/message.h"

enum client_result {
        CLIENT_RECEIVED,
        CLIENT_CLOSED,  /* with close_notify */
        CLIENT_BROKEN,  /* without, or an alert; client_why says which */
        CLIENT_SILENT,  /* nothing within the time given */
        CLIENT_UNCLEAR, /* a message that can't be decoded; client_why says why */
};
extern const char *const client_result_name[];

struct client_options {
        const char *host;
        int port;
        const char *ca;          /* whom to believe that the server is it */
        const char *certificate; /* NULL: none is shown */
        const char *key;
        bool tls_1_2; /* speak nothing newer */
};

struct client;

/* A connection without TLS. NULL: refused. */
struct client *client_connect_plain(const char *host, int port);

/* TLS as far as the client sees it: a server that refuses the certificate of a TLS 1.3 client says so only at
 * the first receive. NULL: the handshake failed; `why` says why. */
struct client *client_connect(const struct client_options *options, char *why, size_t why_size);

void client_send_bytes(struct client *client, const void *bytes, size_t length);
/* A message with its length header. */
void client_send(struct client *client, const struct message *message);
/* The same message again and again, until the peer takes no more. */
void client_flood(struct client *client, const struct message *message);
/* As it goes over the wire; the number of bytes, with the header. */
size_t client_frame(const struct message *message, uint8_t buffer[MESSAGE_BYTES_MAX]);

enum client_result client_receive(struct client *client, struct message *ret_message, int timeout_ms);

/* Its own port, by which the daemon's log names it. */
int client_port(const struct client *client);
const char *client_why(const struct client *client);

/* Without a word: the socket is closed as if the ATM had lost power. NULL is ignored. */
void client_close(struct client *client);

int64_t steady_ms(void);
void sleep_ms(int64_t ms);

#endif
