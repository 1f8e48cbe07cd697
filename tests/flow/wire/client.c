/* An ATM's end of the wire: see client.h. */
#include "tests/flow/wire/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const client_result_name[] = {"a message", "the connection closed", "the connection broken",
                                          "silence", "a message that can't be decoded"};

struct client {
        int fd;
        SSL_CTX *context;
        SSL *ssl; /* NULL: plain */
        uint8_t bytes[65536 + 2];
        size_t length;
        char why[256];
};

int64_t steady_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int64_t ms)
{
        struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
                continue;
}

static void say_ssl_error(char *why, size_t size, const char *doing)
{
        unsigned long code = ERR_peek_error();
        const char *reason = code ? ERR_reason_error_string(code) : NULL;
        snprintf(why, size, "%s: %s", doing, reason ? reason : errno ? strerror(errno) : "end of file");
        ERR_clear_error();
}

struct client *client_connect_plain(const char *host, int port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        int one = 1;
        struct client *client = calloc(1, sizeof(*client));
        signal(SIGPIPE, SIG_IGN);
        client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
            connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                client_close(client);
                return NULL;
        }
        return client;
}

static bool set_up_tls(struct client *client, const struct client_options *options)
{
        client->context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
        if (options->tls_1_2)
                SSL_CTX_set_max_proto_version(client->context, TLS1_2_VERSION);
        if (SSL_CTX_load_verify_locations(client->context, options->ca, NULL) != 1)
                return false;
        if (options->certificate &&
            (SSL_CTX_use_certificate_chain_file(client->context, options->certificate) != 1 ||
             SSL_CTX_use_PrivateKey_file(client->context, options->key, SSL_FILETYPE_PEM) != 1))
                return false;
        client->ssl = SSL_new(client->context);
        SSL_clear_mode(client->ssl, SSL_MODE_AUTO_RETRY); /* no read may outlast its time */
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client->ssl), options->host) == 1 &&
               SSL_set_fd(client->ssl, client->fd) == 1;
}

struct client *client_connect(const struct client_options *options, char *why, size_t why_size)
{
        struct client *client = client_connect_plain(options->host, options->port);
        if (!client) {
                snprintf(why, why_size, "connect: %s", strerror(errno));
                return NULL;
        }
        ERR_clear_error();
        errno = 0;
        if (!set_up_tls(client, options) || SSL_connect(client->ssl) != 1) {
                say_ssl_error(why, why_size, "handshake");
                client_close(client);
                return NULL;
        }
        return client;
}

void client_send_bytes(struct client *client, const void *bytes, size_t length)
{
        /* A peer that has hung up is noticed by the next receive. */
        ERR_clear_error();
        if (client->ssl)
                SSL_write(client->ssl, bytes, (int)length);
        else if (send(client->fd, bytes, length, MSG_NOSIGNAL) < 0)
                return;
}

size_t client_frame(const struct message *message, uint8_t buffer[MESSAGE_BYTES_MAX])
{
        uint8_t bytes[MESSAGE_BYTES_MAX];
        size_t length = message_encode(message, bytes);
        buffer[0] = (uint8_t)(length >> 8);
        buffer[1] = (uint8_t)length;
        memcpy(buffer + 2, bytes, length);
        return length + 2;
}

void client_send(struct client *client, const struct message *message)
{
        uint8_t bytes[MESSAGE_BYTES_MAX];
        client_send_bytes(client, bytes, client_frame(message, bytes));
}

void client_flood(struct client *client, const struct message *message)
{
        struct timeval limit = {.tv_usec = 300000};
        uint8_t bytes[MESSAGE_BYTES_MAX];
        size_t length = client_frame(message, bytes);
        setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        while (SSL_write(client->ssl, bytes, (int)length) > 0)
                continue;
        ERR_clear_error();
}

static bool wait_readable(struct client *client, int64_t until_ms)
{
        if (client->ssl && SSL_pending(client->ssl) > 0)
                return true;
        int64_t left_ms = until_ms - steady_ms();
        struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
        return poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0) > 0;
}

static enum client_result read_more(struct client *client)
{
        uint8_t *to = client->bytes + client->length;
        size_t room = sizeof(client->bytes) - client->length;
        ERR_clear_error();
        errno = 0;
        int result = client->ssl ? SSL_read(client->ssl, to, (int)room) : (int)recv(client->fd, to, room, 0);
        if (result > 0) {
                client->length += (size_t)result;
                return CLIENT_RECEIVED;
        }
        if (!client->ssl && result == 0)
                return CLIENT_CLOSED;
        int kind = client->ssl ? SSL_get_error(client->ssl, result) : SSL_ERROR_SYSCALL;
        if (kind == SSL_ERROR_ZERO_RETURN)
                return CLIENT_CLOSED;
        if (kind == SSL_ERROR_WANT_READ)
                return CLIENT_RECEIVED; /* a record that was no data, such as a session ticket */
        say_ssl_error(client->why, sizeof(client->why), "read");
        return CLIENT_BROKEN;
}

enum client_result client_receive(struct client *client, struct message *ret_message, int timeout_ms)
{
        int64_t until_ms = steady_ms() + timeout_ms;
        for (;;) {
                size_t wanted =
                    client->length < 2 ? 2 : 2 + ((size_t)client->bytes[0] << 8 | client->bytes[1]);
                if (client->length >= wanted && client->length >= 2) {
                        const char *wrong = message_decode(client->bytes + 2, wanted - 2, ret_message);
                        client->length -= wanted;
                        memmove(client->bytes, client->bytes + wanted, client->length);
                        if (wrong)
                                snprintf(client->why, sizeof(client->why), "%s", wrong);
                        return wrong ? CLIENT_UNCLEAR : CLIENT_RECEIVED;
                }
                if (!wait_readable(client, until_ms))
                        return CLIENT_SILENT;
                enum client_result result = read_more(client);
                if (result != CLIENT_RECEIVED)
                        return result;
        }
}

int client_port(const struct client *client)
{
        struct sockaddr_in address;
        socklen_t length = sizeof(address);
        getsockname(client->fd, (struct sockaddr *)&address, &length);
        return ntohs(address.sin_port);
}

const char *client_why(const struct client *client)
{
        return client->why;
}

void client_close(struct client *client)
{
        if (!client)
                return;
        SSL_free(client->ssl);
        SSL_CTX_free(client->context);
        if (client->fd >= 0)
                close(client->fd);
        free(client);
}
