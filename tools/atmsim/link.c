/*
 * See link.h for the states. Every callback into the ATM may close the link; the generation tells whether
 * it did, and nothing of the link is touched after that.
 */
#include "tools/atmsim/link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "lib/security/tls.h"

/* the network --------------------------------------------------------------------------------------- */

static bool resolve(struct link_net *net, const char *port, char error[LINK_ERROR_MAX])
{
        struct addrinfo hints = {
            .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
        struct addrinfo *found;
        int result = getaddrinfo(net->host, port, &hints, &found);

        if (result != 0) {
                snprintf(error, LINK_ERROR_MAX, "%s port %s: %s", net->host, port, gai_strerror(result));
                return false;
        }
        memcpy(&net->address[net->ports++], found->ai_addr, found->ai_addrlen);
        net->address_length = found->ai_addrlen;
        freeaddrinfo(found);
        return true;
}

static bool resolve_all(struct link_net *net, const char *ports, char error[LINK_ERROR_MAX])
{
        while (*ports) {
                char port[8];
                size_t length = strcspn(ports, " ");

                if (length == 0) {
                        ports++;
                        continue;
                }
                if (length > 5 || strspn(ports, "0123456789") < length || net->ports == LINK_PORTS_MAX) {
                        snprintf(error, LINK_ERROR_MAX,
                                 "ports '%s': at most %d port numbers separated by blanks are expected",
                                 ports, LINK_PORTS_MAX);
                        return false;
                }
                memcpy(port, ports, length);
                port[length] = '\0';
                if (!resolve(net, port, error))
                        return false;
                ports += length;
        }
        if (net->ports == 0)
                snprintf(error, LINK_ERROR_MAX, "no port to connect to: ATMD_PORTS is empty");
        return net->ports > 0;
}

bool link_net_open(struct link_net *ret_net, struct event_base *base, const char *host, const char *ports,
                   const char *ca, const char *certs, const char *first_terminal, char error[LINK_ERROR_MAX])
{
        struct link_net net = {.base = base, .host = host, .certs = certs};
        char certificate[512], key[512], tls_error[TLS_ERROR_MAX];

        if (!resolve_all(&net, ports, error))
                return false;
        if (snprintf(certificate, sizeof(certificate), "%s/%s.crt", certs, first_terminal) >=
            (int)sizeof(certificate)) {
                snprintf(error, LINK_ERROR_MAX,
                         "folder of certificates: a path of at most %zu bytes is expected",
                         sizeof(certificate) - 16);
                return false;
        }
        snprintf(key, sizeof(key), "%s/%s.key", certs, first_terminal);
        net.tls = tls_client_context(ca, certificate, key, tls_error);
        if (!net.tls) {
                snprintf(error, LINK_ERROR_MAX, "%s", tls_error);
                return false;
        }
        *ret_net = net;
        return true;
}

bool link_net_capture(struct link_net *net, const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return false;
        net->capture = fdopen(fd, "w");
        if (!net->capture)
                close(fd);
        return net->capture;
}

bool link_net_close(struct link_net *net)
{
        bool written = !net->capture || !ferror(net->capture);
        if (net->capture && fclose(net->capture) != 0)
                written = false;
        net->capture = NULL;
        SSL_CTX_free(net->tls);
        net->tls = NULL;
        return written;
}

static void capture_frame(const struct link *link, char direction, const uint8_t *bytes, size_t length)
{
        FILE *capture = link->net->capture;
        if (!capture)
                return;
        fprintf(capture, "%c ", direction);
        for (size_t i = 0; i < length; i++)
                fprintf(capture, "%02x", bytes[i]);
        fputc('\n', capture);
}

/* down ---------------------------------------------------------------------------------------------- */

void link_init(struct link *link, struct link_net *net)
{
        link->net = net;
        link->state = LINK_DOWN;
        link->fd = -1;
        link->ssl = NULL;
        link->generation = 0;
}

void link_close(struct link *link, bool politely)
{
        if (link->state == LINK_DOWN)
                return;
        event_del(&link->readable);
        event_del(&link->writable);
        if (politely && link->state == LINK_UP)
                SSL_shutdown(link->ssl);
        ERR_clear_error();
        SSL_free(link->ssl);
        close(link->fd);
        link->ssl = NULL;
        link->fd = -1;
        link->state = LINK_DOWN;
        link->generation++;
}

static void go_down(struct link *link, const char *reason)
{
        link_close(link, false);
        link->net->on_down(link, reason);
}

static void go_down_for(struct link *link, int result)
{
        char reason[LINK_REASON_MAX];

        tls_reason(link->ssl, result, reason, sizeof(reason));
        go_down(link, reason);
}

/* reading ------------------------------------------------------------------------------------------- */

/* False: the link is gone. */
static bool hand_out_messages(struct link *link)
{
        uint32_t generation = link->generation;
        const uint8_t *message;
        size_t used = 0, length;

        for (;;) {
                switch (frame_next(&iso_dialect_ascii, link->in + used, link->in_length - used, &message, &length)) {
                case FRAME_PARTIAL:
                        link->in_length -= used;
                        if (link->in_length > 0 && used > 0)
                                memmove(link->in, link->in + used, link->in_length);
                        return true;
                case FRAME_BAD:
                        go_down(link, "a frame's length is out of range");
                        return false;
                case FRAME_READY:
                        capture_frame(link, '<', message - ISO_LENGTH_HEADER, length + ISO_LENGTH_HEADER);
                        link->net->on_message(link, message, length);
                        if (link->generation != generation)
                                return false;
                        used = (size_t)(message - link->in) + length;
                        break;
                }
        }
}

static void read_messages(struct link *link)
{
        do {
                int n = SSL_read(link->ssl, link->in + link->in_length,
                                 (int)(sizeof(link->in) - link->in_length));

                if (n <= 0) {
                        int error = SSL_get_error(link->ssl, n);

                        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
                                return;
                        go_down_for(link, n);
                        return;
                }
                link->in_length += (size_t)n;
                if (!hand_out_messages(link))
                        return;
        } while (
            SSL_has_pending(link->ssl)); /* read-ahead may hold another record that the socket won't show */
}

/* writing ------------------------------------------------------------------------------------------- */

bool link_queue(struct link *link, const uint8_t *bytes, size_t length)
{
        assert(link->state == LINK_UP);
        if (link->cut_at != SIZE_MAX)
                return true; /* it leaves into a line that is cut by then */
        if (link->out_length + length > sizeof(link->out))
                return false;
        capture_frame(link, '>', bytes, length);
        memcpy(link->out + link->out_length, bytes, length);
        link->out_length += length;
        return true;
}

void link_cut(struct link *link, size_t short_of)
{
        assert(link->state == LINK_UP && short_of <= link->out_length);
        if (link->cut_at == SIZE_MAX)
                link->cut_at = link->out_length - short_of;
}

static void push(struct link *link)
{
        while (link->state == LINK_UP && link->allowed > 0 && link->cut_at > 0) {
                size_t want = link->cut_at < link->allowed ? link->cut_at : link->allowed;
                int n = SSL_write(link->ssl, link->out, (int)want);

                if (n <= 0) {
                        int error = SSL_get_error(link->ssl, n);

                        if (error == SSL_ERROR_WANT_WRITE) {
                                event_add(&link->writable, NULL);
                                return;
                        }
                        if (error == SSL_ERROR_WANT_READ)
                                return; /* on_readable goes on */
                        go_down_for(link, n);
                        return;
                }
                link->out_length -= (size_t)n;
                link->allowed -= (size_t)n;
                memmove(link->out, link->out + n, link->out_length);
                if (link->cut_at != SIZE_MAX)
                        link->cut_at -= (size_t)n;
        }
        if (link->state == LINK_UP && link->cut_at == 0)
                go_down(link, "cut by a fault");
}

void link_flush(struct link *link)
{
        link->allowed = link->out_length;
        push(link);
}

/* connecting ---------------------------------------------------------------------------------------- */

static void shake_hands(struct link *link)
{
        int result = SSL_do_handshake(link->ssl);
        int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(link->ssl, result);

        switch (error) {
        case SSL_ERROR_NONE:
                link->state = LINK_UP;
                link->net->on_ready(link);
                return;
        case SSL_ERROR_WANT_READ:
                return;
        case SSL_ERROR_WANT_WRITE:
                event_add(&link->writable, NULL);
                return;
        default:
                go_down_for(link, result);
        }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct link *link = context;
        uint32_t generation = link->generation;

        (void)fd, (void)what;
        if (link->state == LINK_HANDSHAKING) {
                shake_hands(link);
                return;
        }
        if (link->state != LINK_UP)
                return;
        read_messages(link);
        if (link->generation == generation && link->allowed > 0)
                push(link); /* a write may have had to wait for a read */
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        struct link *link = context;
        int fault = 0;
        socklen_t size = sizeof(fault);

        (void)what;
        if (link->state == LINK_UP) {
                push(link);
                return;
        }
        if (link->state == LINK_CONNECTING) {
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) < 0 || fault) {
                        go_down(link, strerror(fault ? fault : errno));
                        return;
                }
                link->state = LINK_HANDSHAKING;
                event_add(&link->readable, NULL);
        }
        shake_hands(link);
}

/* The name that the server's certificate must hold. */
static bool expect_host(SSL *ssl, const char *host)
{
        struct in6_addr ip;
        char name[256]; /* OpenSSL's macro wants it writable */

        if (inet_pton(AF_INET, host, &ip) == 1 || inet_pton(AF_INET6, host, &ip) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
        return snprintf(name, sizeof(name), "%s", host) < (int)sizeof(name) &&
               SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool open_tls(struct link *link, const char *terminal, char reason[LINK_REASON_MAX])
{
        char path[544];

        link->ssl = SSL_new(link->net->tls);
        if (!link->ssl || SSL_set_fd(link->ssl, link->fd) != 1 || !expect_host(link->ssl, link->net->host)) {
                snprintf(reason, LINK_REASON_MAX, "OpenSSL can't set up a connection");
                return false;
        }
        snprintf(path, sizeof(path), "%s/%s.crt", link->net->certs, terminal);
        if (SSL_use_certificate_file(link->ssl, path, SSL_FILETYPE_PEM) != 1) {
                snprintf(reason, LINK_REASON_MAX, "%.200s: no certificate in PEM", path);
                return false;
        }
        memcpy(strrchr(path, '.'), ".key", 5);
        if (SSL_use_PrivateKey_file(link->ssl, path, SSL_FILETYPE_PEM) != 1) {
                snprintf(reason, LINK_REASON_MAX, "%.200s: no key in PEM that fits the certificate", path);
                return false;
        }
        SSL_set_connect_state(link->ssl);
        return true;
}

static bool open_socket(struct link *link, int port, char reason[LINK_REASON_MAX])
{
        const struct sockaddr_storage *address = &link->net->address[port];
        int yes = 1;

        link->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
        if (link->fd < 0 || setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
            (connect(link->fd, (const struct sockaddr *)address, link->net->address_length) < 0 &&
             errno != EINPROGRESS)) {
                snprintf(reason, LINK_REASON_MAX, "%s", strerror(errno));
                return false;
        }
        return true;
}

bool link_connect(struct link *link, const char *terminal, int port, char reason[LINK_REASON_MAX])
{
        assert(link->state == LINK_DOWN);
        link->in_length = link->out_length = link->allowed = 0;
        link->cut_at = SIZE_MAX;
        if (!open_socket(link, port, reason) || !open_tls(link, terminal, reason))
                goto fail;
        event_assign(&link->readable, link->net->base, link->fd, EV_READ | EV_PERSIST, on_readable, link);
        event_assign(&link->writable, link->net->base, link->fd, EV_WRITE, on_writable, link);
        if (event_add(&link->writable, NULL) < 0) {
                snprintf(reason, LINK_REASON_MAX, "the event loop takes no more");
                goto fail;
        }
        link->state = LINK_CONNECTING;
        return true;
fail:
        SSL_free(link->ssl);
        link->ssl = NULL;
        if (link->fd >= 0)
                close(link->fd);
        link->fd = -1;
        ERR_clear_error();
        return false;
}
