/* One ATM's connection: see atm_conn.h. */
#include "tools/atmsim/atm_conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/security/tls.h"
#include "protocol/frame.h"

enum {
        INPUT_MAX = 2 * (ISO_MESSAGE_MAX + ISO_LENGTH_HEADER),
        MESSAGES_PER_TURN = 16,
        END_CUT = STREAM_END_OWNER,
        FROM_FIRST = 0x7f400001 /* 127.64.0.1 */
};

static struct atm_conn *conn_of(struct stream *stream)
{
        return (struct atm_conn *)(void *)((char *)stream - offsetof(struct atm_conn, stream));
}

static void capture_frame(const struct atm_conn *conn, char direction, const uint8_t *bytes, size_t length)
{
        FILE *capture = conn->net->capture;
        if (!capture)
                return;
        fprintf(capture, "%c ", direction);
        for (size_t i = 0; i < length; i++)
                fprintf(capture, "%02x", bytes[i]);
        fputc('\n', capture);
}

/* what the stream says ------------------------------------------------------------------------------ */

static void on_open(struct stream *stream, const char *name)
{
        struct atm_conn *conn = conn_of(stream);

        (void)name; /* its host was checked */
        conn->net->on_ready(conn);
}

static void on_message(struct stream *stream, const uint8_t *message, size_t length)
{
        struct atm_conn *conn = conn_of(stream);

        capture_frame(conn, '<', message - ISO_LENGTH_HEADER, length + ISO_LENGTH_HEADER);
        conn->net->on_message(conn, message, length);
}

static void on_sent(struct stream *stream)
{
        if (conn_of(stream)->cut)
                stream_break(stream, END_CUT, "cut by a fault");
}

static void on_closed(struct stream *stream, int end, const char *reason)
{
        struct atm_conn *conn = conn_of(stream);

        (void)end;
        conn->net->on_down(conn, reason);
}

static const struct stream_events stream_events = {
    .on_open = on_open, .on_message = on_message, .on_sent = on_sent, .on_closed = on_closed};

/* the network --------------------------------------------------------------------------------------- */

static bool resolve(struct atm_conn_net *net, const char *port, char error[ATM_CONN_ERROR_MAX])
{
        struct addrinfo hints = {
            .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
        struct addrinfo *found;
        int result = getaddrinfo(net->host, port, &hints, &found);

        if (result != 0) {
                snprintf(error, ATM_CONN_ERROR_MAX, "%s port %s: %s", net->host, port, gai_strerror(result));
                return false;
        }
        memcpy(&net->address[net->ports++], found->ai_addr, found->ai_addrlen);
        net->address_length = found->ai_addrlen;
        freeaddrinfo(found);
        return true;
}

static bool resolve_all(struct atm_conn_net *net, const char *ports, char error[ATM_CONN_ERROR_MAX])
{
        while (*ports) {
                char port[8];
                size_t length = strcspn(ports, " ");

                if (length == 0) {
                        ports++;
                        continue;
                }
                if (length > 5 || strspn(ports, "0123456789") < length || net->ports == ATM_CONN_PORTS_MAX) {
                        snprintf(error, ATM_CONN_ERROR_MAX,
                                 "ports '%s': at most %d port numbers separated by blanks are expected",
                                 ports, ATM_CONN_PORTS_MAX);
                        return false;
                }
                memcpy(port, ports, length);
                port[length] = '\0';
                if (!resolve(net, port, error))
                        return false;
                ports += length;
        }
        if (net->ports == 0)
                snprintf(error, ATM_CONN_ERROR_MAX, "no port to connect to: ATMD_PORTS is empty");
        return net->ports > 0;
}

bool atm_conn_net_open(struct atm_conn_net *ret_net, struct event_base *base, const char *host,
                       const char *ports, const char *ca, const char *certs, const char *first_terminal,
                       char error[ATM_CONN_ERROR_MAX])
{
        struct atm_conn_net net = {.host = host, .certs = certs};
        const struct stream_rules rules = {
            .framing = frame_framing(&iso_dialect_ascii),
            .input_max = INPUT_MAX,
            .output_max = ATM_CONN_OUT_MAX,
            .output_pause = SIZE_MAX, /* an ATM reads whatever it may still have to say */
            .messages_per_turn = MESSAGES_PER_TURN,
            .keeps_buffers = true,
        };
        static const struct stream_timeouts no_timeouts = {0}; /* the fleet's phases have deadlines */
        char certificate[512], key[512], tls_error[TLS_ERROR_MAX];

        if (!resolve_all(&net, ports, error))
                return false;
        if (snprintf(certificate, sizeof(certificate), "%s/%s.crt", certs, first_terminal) >=
            (int)sizeof(certificate)) {
                snprintf(error, ATM_CONN_ERROR_MAX,
                         "folder of certificates: a path of at most %zu bytes is expected",
                         sizeof(certificate) - 16);
                return false;
        }
        snprintf(key, sizeof(key), "%s/%s.key", certs, first_terminal);
        net.tls = tls_client_context(ca, certificate, key, tls_error);
        if (!net.tls) {
                snprintf(error, ATM_CONN_ERROR_MAX, "%s", tls_error);
                return false;
        }
        net.streams = stream_env_new(base, &rules, &stream_events, &no_timeouts, NULL);
        if (!net.streams) {
                snprintf(error, ATM_CONN_ERROR_MAX, "out of memory");
                SSL_CTX_free(net.tls);
                return false;
        }
        *ret_net = net;
        return true;
}

bool atm_conn_net_capture(struct atm_conn_net *net, const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return false;
        net->capture = fdopen(fd, "w");
        if (!net->capture)
                close(fd);
        return net->capture;
}

bool atm_conn_net_close(struct atm_conn_net *net)
{
        bool written = !net->capture || !ferror(net->capture);
        if (net->capture && fclose(net->capture) != 0)
                written = false;
        net->capture = NULL;
        stream_env_free(net->streams);
        net->streams = NULL;
        SSL_CTX_free(net->tls);
        net->tls = NULL;
        return written;
}

/* one connection ------------------------------------------------------------------------------------ */

void atm_conn_init(struct atm_conn *conn, struct atm_conn_net *net)
{
        conn->net = net;
        conn->cut = false;
        conn->from = (struct sockaddr_in){0};
        stream_init(&conn->stream, net->streams);
}

bool atm_conn_come_from(struct atm_conn *conn, uint32_t number)
{
        for (int port = 0; port < conn->net->ports; port++) {
                const struct sockaddr_in *host = (const struct sockaddr_in *)&conn->net->address[port];
                if (host->sin_family != AF_INET || ntohl(host->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
                        return false;
        }
        conn->from = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(FROM_FIRST + number % ATM_CONN_NUMBERS_MAX)};
        return true;
}

void atm_conn_close(struct atm_conn *conn, bool politely)
{
        stream_drop(&conn->stream, politely);
}

bool atm_conn_queue(struct atm_conn *conn, const uint8_t *bytes, size_t length)
{
        if (conn->cut || stream_state(&conn->stream) != STREAM_OPEN)
                return true; /* it leaves into a line that is cut by then */
        if (stream_waiting(&conn->stream) + length > ATM_CONN_OUT_MAX)
                return false;
        capture_frame(conn, '>', bytes, length);
        stream_queue(&conn->stream, bytes, length);
        return true;
}

void atm_conn_cut(struct atm_conn *conn, size_t short_of)
{
        if (conn->cut)
                return;
        conn->cut = true;
        stream_unqueue(&conn->stream, short_of);
}

void atm_conn_flush(struct atm_conn *conn)
{
        stream_flush(&conn->stream);
}

static SSL *new_ssl(const struct atm_conn_net *net, const char *terminal, char reason[ATM_CONN_REASON_MAX])
{
        char path[544];
        const char *why;
        SSL *ssl = SSL_new(net->tls);

        if (!ssl || !tls_expect_host(ssl, net->host)) {
                snprintf(reason, ATM_CONN_REASON_MAX, "OpenSSL can't set up a connection");
                goto failed;
        }
        snprintf(path, sizeof(path), "%s/%s.crt", net->certs, terminal);
        if (!file_check(path, &why)) {
                snprintf(reason, ATM_CONN_REASON_MAX, "%.200s: %s", path, why);
                goto failed;
        }
        if (SSL_use_certificate_file(ssl, path, SSL_FILETYPE_PEM) != 1) {
                snprintf(reason, ATM_CONN_REASON_MAX, "%.200s: no certificate in PEM", path);
                goto failed;
        }
        memcpy(strrchr(path, '.'), ".key", 5);
        if (!file_check(path, &why)) {
                snprintf(reason, ATM_CONN_REASON_MAX, "%.200s: %s", path, why);
                goto failed;
        }
        if (SSL_use_PrivateKey_file(ssl, path, SSL_FILETYPE_PEM) != 1) {
                snprintf(reason, ATM_CONN_REASON_MAX, "%.200s: no key in PEM that fits the certificate",
                         path);
                goto failed;
        }
        return ssl;
failed:
        ERR_clear_error();
        SSL_free(ssl);
        return NULL;
}

bool atm_conn_connect(struct atm_conn *conn, const char *terminal, int port, char reason[ATM_CONN_REASON_MAX])
{
        const struct atm_conn_net *net = conn->net;
        SSL *ssl = new_ssl(net, terminal, reason);

        conn->cut = false;
        if (!ssl)
                return false;
        if (stream_connect(&conn->stream, ssl, (const struct sockaddr *)&net->address[port],
                           net->address_length,
                           conn->from.sin_family ? (const struct sockaddr *)&conn->from : NULL))
                return true;
        snprintf(reason, ATM_CONN_REASON_MAX, "%s", strerror(errno));
        return false;
}
