/* The acquirer of the tests: see client.h. */
#include "tests/banksim/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "protocol/frame.h"
#include "lib/security/tls.h"

static bool connect_to(struct client *client, int port)
{
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd >= 0 && connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return true;
        snprintf(client->reason, sizeof(client->reason), "%s", strerror(errno));
        return false;
}

static bool shake_hands(struct client *client, const char *folder, const char *name)
{
        char ca[256], certificate[256], key[256], error[TLS_ERROR_MAX];
        snprintf(ca, sizeof(ca), "%s/ca.crt", folder);
        snprintf(certificate, sizeof(certificate), "%s/%s.crt", folder, name);
        snprintf(key, sizeof(key), "%s/%s.key", folder, name);
        client->context = tls_client_context(ca, certificate, key, error);
        if (!client->context) {
                snprintf(client->reason, sizeof(client->reason), "%.250s", error);
                return false;
        }
        client->ssl = SSL_new(client->context);
        if (!client->ssl || SSL_set_fd(client->ssl, client->fd) != 1 ||
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client->ssl), "127.0.0.1") != 1)
                return false;
        int result = SSL_connect(client->ssl);
        if (result != 1)
                tls_reason(client->ssl, result, client->reason, sizeof(client->reason));
        return result == 1;
}

bool client_open(struct client *client, const struct iso_dialect *dialect, int port, const char *folder,
                 const char *name)
{
        *client = (struct client){.dialect = dialect, .fd = -1};
        if (connect_to(client, port) && shake_hands(client, folder, name))
                return true;
        char reason[sizeof(client->reason)];
        memcpy(reason, client->reason, sizeof(reason));
        client_close(client);
        memcpy(client->reason, reason, sizeof(reason));
        return false;
}

void client_close(struct client *client)
{
        if (client->ssl)
                SSL_shutdown(client->ssl);
        ERR_clear_error();
        SSL_free(client->ssl);
        SSL_CTX_free(client->context);
        if (client->fd >= 0)
                close(client->fd);
        *client = (struct client){.fd = -1};
}

bool client_send_bytes(struct client *client, const uint8_t *bytes, size_t length)
{
        while (length > 0) {
                int n = SSL_write(client->ssl, bytes, (int)length);
                if (n <= 0) {
                        tls_reason(client->ssl, n, client->reason, sizeof(client->reason));
                        return false;
                }
                bytes += n;
                length -= (size_t)n;
        }
        return true;
}

bool client_send(struct client *client, const struct iso_message *message)
{
        uint8_t frame[FRAME_HEADER_MAX + ISO_MESSAGE_MAX];
        struct iso_error error;
        size_t header = frame_header_size(client->dialect);
        int length = iso_encode(client->dialect, message, frame + header, ISO_MESSAGE_MAX, &error);
        if (length < 0) {
                iso_error_print(client->dialect, &error, client->reason, sizeof(client->reason));
                return false;
        }
        frame_header(client->dialect, frame, (size_t)length);
        return client_send_bytes(client, frame, header + (size_t)length);
}

static bool take_message(struct client *client, struct iso_message *ret_message)
{
        const uint8_t *message;
        size_t length;
        struct iso_error error;
        if (frame_next(client->dialect, client->in, client->in_length, &message, &length) != FRAME_READY)
                return false;
        size_t taken = (size_t)(message - client->in) + length;
        bool good = iso_decode(client->dialect, message, length, ret_message, &error) == 0;
        if (!good)
                strcpy(ret_message->mti, "????");
        client->in_length -= taken;
        memmove(client->in, client->in + taken, client->in_length);
        return true;
}

enum client_result client_receive(struct client *client, struct iso_message *ret_message, int timeout_ms)
{
        int64_t until_ms = steady_now_ms() + timeout_ms;
        for (;;) {
                if (take_message(client, ret_message))
                        return CLIENT_MESSAGE;
                struct pollfd readable = {.fd = client->fd, .events = POLLIN};
                int64_t rest_ms = until_ms - steady_now_ms();
                if (!SSL_has_pending(client->ssl) && poll(&readable, 1, rest_ms > 0 ? (int)rest_ms : 0) != 1)
                        return CLIENT_NOTHING;
                int n = SSL_read(client->ssl, client->in + client->in_length,
                                 (int)(sizeof(client->in) - client->in_length));
                if (n <= 0) {
                        tls_reason(client->ssl, n, client->reason, sizeof(client->reason));
                        return CLIENT_OVER;
                }
                client->in_length += (size_t)n;
        }
}
