/* A small TLS client that plays the acquirer: one connection, blocking, one wait at a time. */
#ifndef TESTS_BANKSIM_CLIENT_H
#define TESTS_BANKSIM_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/iso8583.h"

enum { CLIENT_IN_MAX = 65536 };

struct client {
        const struct iso_dialect *dialect;
        int fd;
        SSL_CTX *context;
        SSL *ssl;
        char reason[256]; /* why the last call failed */
        size_t in_length;
        uint8_t in[CLIENT_IN_MAX];
};

enum client_result { CLIENT_MESSAGE, CLIENT_NOTHING, CLIENT_OVER };

/* folder: of ca.crt, NAME.crt and NAME.key. False: nobody listens, or the handshake failed. With TLS 1.3 a
 * certificate that the bank refuses shows only in the first read. */
bool client_open(struct client *client, const struct iso_dialect *dialect, int port, const char *folder,
                 const char *name);
void client_close(struct client *client);

bool client_send(struct client *client, const struct iso_message *message);
bool client_send_bytes(struct client *client, const uint8_t *bytes, size_t length);
/* NOTHING: no message within the time; OVER: the connection has ended, in_length bytes of a message came. */
enum client_result client_receive(struct client *client, struct iso_message *ret_message, int timeout_ms);

#endif
