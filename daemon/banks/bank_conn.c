/* The connections of one link: see bank_conn.h. change_state is the door for states, fail the way out of all
 * but DOWN; it is carried out at the end of the loop's turn, so that whoever is called from here may cause
 * it. */
#include "daemon/banks/bank_conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/limits.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "protocol/frame.h"
#include "lib/security/tls.h"

enum { INPUT_MAX = 16384, READS_PER_TURN = 8, PEER_MAX = 80 };

enum place_state { DOWN, LOOKING_UP, CONNECTING, HANDSHAKE, OPEN, STATE_COUNT };

struct place {
        struct bank_conns *conns;
        int number; /* from 1, for people */
        enum place_state state;
        bool failing; /* to be taken down at the end of the turn */
        bool has_session;
        size_t turn;                          /* whose it is: the addresses counted round and round */
        struct evutil_addrinfo *found, *next; /* what the name stands for */
        struct address to;                    /* of those, the one being tried */
        char peer[PEER_MAX], reason[LIMIT_REASON];
        int fd;
        SSL *ssl;
        struct event readable, writable, timer, flush, reaper;
        int64_t pause_ms;
        uint8_t *input, *output;
        size_t input_length, output_length;
        struct bank_session session;
};

struct bank_conns {
        struct event_base *base;
        struct evdns_base *dns;
        struct bank_route *route;
        SSL_CTX *tls;
        struct addresses addresses;
        struct random random;
        int count;
        struct place place[];
};

static void connect_next(struct place *place);

/* ---- doors --------------------------------------------------------------------------------------------- */

static void start_timer(struct place *place, int64_t ms)
{
        struct timeval duration = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(&place->timer, &duration);
}

static void change_state(struct place *place, enum place_state to)
{
        static const bool legal[STATE_COUNT][STATE_COUNT] = {
            [DOWN] = {[LOOKING_UP] = true},
            [LOOKING_UP] = {[DOWN] = true, [CONNECTING] = true},
            [CONNECTING] = {[DOWN] = true, [CONNECTING] = true, [HANDSHAKE] = true},
            [HANDSHAKE] = {[DOWN] = true, [OPEN] = true},
            [OPEN] = {[DOWN] = true},
        };
        assert(legal[place->state][to]);
        place->state = to;
        if (to == CONNECTING)
                start_timer(place, LIMIT_BANK_CONNECT_MS);
        else if (to == OPEN || to == LOOKING_UP)
                event_del(&place->timer);
}

ATM_PRINTF(2, 3) static void fail(struct place *place, const char *format, ...)
{
        va_list arguments;
        if (place->failing || place->state == DOWN)
                return;
        place->failing = true;
        va_start(arguments, format);
        vsnprintf(place->reason, sizeof(place->reason), format, arguments);
        va_end(arguments);
        event_active(&place->reaper, EV_TIMEOUT, 0);
}

static void forget_socket(struct place *place)
{
        if (place->fd < 0)
                return;
        event_del(&place->readable);
        event_del(&place->writable);
        event_del(&place->flush);
        if (place->ssl) {
                ERR_clear_error();
                if (place->state == OPEN)
                        SSL_shutdown(place->ssl); /* one try: who does not read it does not need it */
                ERR_clear_error();
                SSL_free(place->ssl);
        }
        place->ssl = NULL;
        close(place->fd);
        place->fd = -1;
}

static void forget_found(struct place *place)
{
        if (place->found)
                evutil_freeaddrinfo(place->found);
        place->found = place->next = NULL;
}

static void wipe_buffers(struct place *place)
{
        OPENSSL_cleanse(place->input, place->input_length);
        OPENSSL_cleanse(place->output, place->output_length);
        place->input_length = place->output_length = 0;
}

/* Some time around the pause, which doubles. */
static int64_t next_pause(struct place *place)
{
        int64_t pause_ms = place->pause_ms;
        place->pause_ms = pause_ms * 2 > LIMIT_BANK_PAUSE_MS ? LIMIT_BANK_PAUSE_MS : pause_ms * 2;
        return random_jitter(&place->conns->random, pause_ms, LIMIT_PAUSE_JITTER);
}

static void write_out(struct place *place);

static void on_reaper(evutil_socket_t fd, short what, void *context)
{
        struct place *place = context;
        (void)fd;
        (void)what;
        log_limited(place->conns->route->stopping ? LEVEL_INFO : LEVEL_WARNING, "link_connection_closed",
                    LOG_TEXT("link", place->conns->route->settings.name),
                    LOG_NUMBER("connection", place->number), LOG_TEXT("peer", place->peer),
                    LOG_TEXT("reason", place->reason));
        if (place->state == OPEN)
                write_out(place); /* a sign-off */
        if (place->has_session)
                bank_route_detach(place->conns->route, &place->session);
        place->has_session = false;
        forget_socket(place);
        forget_found(place);
        wipe_buffers(place);
        place->turn++;
        change_state(place, DOWN);
        place->failing = false;
        start_timer(place, next_pause(place));
}

/* ---- the session's ops --------------------------------------------------------------------------------- */

static void place_send(void *peer, const uint8_t *message, size_t length)
{
        struct place *place = peer;
        if (place->output_length + FRAME_HEADER_MAX + length > LIMIT_BANK_OUTPUT) {
                fail(place, "the bank does not take what it is sent");
                return;
        }
        uint8_t *to = place->output + place->output_length;
        size_t header = frame_header(&place->conns->route->dialect, to, length);
        memcpy(to + header, message, length);
        place->output_length += header + length;
        event_active(&place->flush, EV_WRITE, 0);
}

static void place_close(void *peer, const char *reason)
{
        fail(peer, "%s", reason);
}

static const struct bank_session_ops session_ops = {place_send, place_close};

/* ---- writing and reading ------------------------------------------------------------------------------- */

static void fail_tls(struct place *place, int result, const char *doing)
{
        char reason[LIMIT_REASON / 2];
        tls_reason(place->ssl, result, reason, sizeof(reason));
        fail(place, "%s: %s", doing, reason);
}

static void write_out(struct place *place)
{
        size_t done = 0;
        while (done < place->output_length) {
                ERR_clear_error();
                errno = 0;
                int result = SSL_write(place->ssl, place->output + done, (int)(place->output_length - done));
                if (result > 0) {
                        done += (size_t)result;
                        continue;
                }
                int kind = SSL_get_error(place->ssl, result);
                if (kind == SSL_ERROR_WANT_WRITE)
                        event_add(&place->writable, NULL);
                else if (kind != SSL_ERROR_WANT_READ) /* else the next read tries again */
                        fail_tls(place, result, "writing");
                break;
        }
        size_t left = place->output_length - done;
        memmove(place->output, place->output + done, left);
        OPENSSL_cleanse(place->output + left, done);
        place->output_length = left;
}

static void on_flush(evutil_socket_t fd, short what, void *context)
{
        struct place *place = context;
        (void)fd;
        (void)what;
        if (place->state == OPEN && !place->failing && place->output_length > 0)
                write_out(place);
}

/* Hand over the whole messages; the rest moves to the front. */
static void deliver(struct place *place)
{
        size_t used = 0;
        while (!place->failing && used < place->input_length) {
                const uint8_t *message;
                size_t length;
                enum frame_result result = frame_next(&place->conns->route->dialect, place->input + used,
                                                      place->input_length - used, &message, &length);
                if (result == FRAME_BAD)
                        fail(place, "a message's length can't be followed: 1 to %d bytes are expected",
                             ISO_MESSAGE_MAX);
                if (result != FRAME_READY)
                        break;
                used = (size_t)(message - place->input) + length;
                bank_session_frame(&place->session, message, length);
        }
        size_t left = place->input_length - used;
        memmove(place->input, place->input + used, left);
        OPENSSL_cleanse(place->input + left, used);
        place->input_length = left;
        if (place->session.state == BANK_SESSION_UP)
                place->pause_ms = LIMIT_BANK_PAUSE_FIRST_MS;
}

/* False: nothing more is there now, or the connection is over. */
static bool read_some(struct place *place)
{
        ERR_clear_error();
        errno = 0;
        int result =
            SSL_read(place->ssl, place->input + place->input_length, (int)(INPUT_MAX - place->input_length));
        if (result > 0) {
                place->input_length += (size_t)result;
                deliver(place);
                return !place->failing;
        }
        int kind = SSL_get_error(place->ssl, result);
        if (kind == SSL_ERROR_WANT_WRITE)
                event_add(&place->writable, NULL);
        else if (kind != SSL_ERROR_WANT_READ)
                fail_tls(place, result, place->input_length ? "in the middle of a message" : "reading");
        return false;
}

static void read_on(struct place *place)
{
        for (int i = 0; i < READS_PER_TURN; i++) {
                if (!read_some(place))
                        return;
                if (!SSL_has_pending(place->ssl))
                        return;
        }
        event_active(&place->readable, EV_READ, 0);
}

/* ---- handshake ----------------------------------------------------------------------------------------- */

static void open_up(struct place *place)
{
        event_del(&place->writable);
        change_state(place, OPEN);
        place->has_session = true;
        bank_route_attach(place->conns->route, &place->session, place->number, &session_ops, place);
        if (SSL_has_pending(place->ssl))
                event_active(&place->readable, EV_READ, 0);
}

static void shake_hands(struct place *place)
{
        ERR_clear_error();
        errno = 0;
        int result = SSL_do_handshake(place->ssl);
        if (result == 1) {
                open_up(place);
                return;
        }
        int kind = SSL_get_error(place->ssl, result);
        if (kind == SSL_ERROR_WANT_WRITE)
                event_add(&place->writable, NULL);
        else if (kind != SSL_ERROR_WANT_READ)
                fail_tls(place, result, "handshake");
}

/* The certificate must be of the host that the configuration names. */
static bool expect_host(SSL *ssl, char *host) /* OpenSSL's macro wants it writable */
{
        uint8_t address[sizeof(struct in6_addr)];
        if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
        return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static void begin_handshake(struct place *place)
{
        change_state(place, HANDSHAKE);
        place->ssl = SSL_new(place->conns->tls);
        if (!place->ssl || SSL_set_fd(place->ssl, place->fd) != 1 || !expect_host(place->ssl, place->to.host)) {
                ERR_clear_error();
                fail(place, "out of memory");
                return;
        }
        SSL_set_connect_state(place->ssl);
        event_add(&place->readable, NULL);
        shake_hands(place);
}

static void on_connected(struct place *place)
{
        static const int on = 1;
        int error = 0;
        socklen_t length = sizeof(error);
        getsockopt(place->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (!error) {
                setsockopt(place->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                setsockopt(place->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
                begin_handshake(place);
        } else if (place->next) {
                forget_socket(place);
                connect_next(place);
        } else {
                fail(place, "connecting: %s", strerror(error));
        }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct place *place = context;
        (void)fd;
        (void)what;
        if (place->failing)
                return;
        if (place->state == HANDSHAKE)
                shake_hands(place);
        else if (place->state == OPEN)
                read_on(place);
        if (place->state == OPEN && !place->failing && place->output_length > 0)
                event_active(&place->flush, EV_WRITE, 0);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        struct place *place = context;
        (void)fd;
        (void)what;
        if (place->failing)
                return;
        if (place->state == CONNECTING) {
                on_connected(place);
        } else if (place->state == HANDSHAKE) {
                shake_hands(place);
        } else if (place->state == OPEN) {
                write_out(place);
                if (!place->failing)
                        read_on(place);
        }
}

/* ---- connecting ---------------------------------------------------------------------------------------- */

static void connect_next(struct place *place)
{
        const struct evutil_addrinfo *info = place->next;
        place->next = info->ai_next;
        change_state(place, CONNECTING);
        address_print_socket(info->ai_addr, (socklen_t)info->ai_addrlen, place->peer, sizeof(place->peer));
        place->fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (place->fd < 0) {
                fail(place, "socket: %s", strerror(errno));
                return;
        }
        event_assign(&place->readable, place->conns->base, place->fd, EV_READ | EV_PERSIST, on_readable,
                     place);
        event_assign(&place->writable, place->conns->base, place->fd, EV_WRITE, on_writable, place);
        if (connect(place->fd, info->ai_addr, (socklen_t)info->ai_addrlen) < 0 && errno != EINPROGRESS)
                fail(place, "connecting: %s", strerror(errno));
        else
                event_add(&place->writable, NULL);
}

static void on_found(int result, struct evutil_addrinfo *found, void *context)
{
        struct place *place = context;
        if (result || !found) {
                fail(place, "looking up %s: %s", place->to.host, evutil_gai_strerror(result));
                return;
        }
        place->found = place->next = found;
        connect_next(place);
}

static void begin(struct place *place)
{
        struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        const struct addresses *addresses = &place->conns->addresses;
        char port[ADDRESS_PORT_MAX], text[ADDRESS_TEXT_MAX];
        change_state(place, LOOKING_UP);
        if (addresses->count == 0) {
                fail(place, "no address is known");
                return;
        }
        addresses_get(addresses, place->turn % addresses->count, &place->to);
        address_print(&place->to, text);
        snprintf(place->peer, sizeof(place->peer), "%.*s", PEER_MAX - 1, text);
        snprintf(port, sizeof(port), "%u", (unsigned)place->to.port);
        evdns_getaddrinfo(place->conns->dns, place->to.host, port, &hints, on_found, place);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct place *place = context;
        (void)fd;
        (void)what;
        if (place->state == DOWN)
                begin(place);
        else
                fail(place, "%s",
                     place->state == CONNECTING ? "connecting took too long" : "the handshake took too long");
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static bool set_up(struct bank_conns *conns, int i)
{
        struct place *place = &conns->place[i];
        place->conns = conns;
        place->number = i + 1;
        place->turn = (size_t)i;
        place->fd = -1;
        place->pause_ms = LIMIT_BANK_PAUSE_FIRST_MS;
        event_assign(&place->timer, conns->base, -1, 0, on_timer, place);
        event_assign(&place->flush, conns->base, -1, 0, on_flush, place);
        event_assign(&place->reaper, conns->base, -1, 0, on_reaper, place);
        place->input = malloc(INPUT_MAX);
        place->output = malloc(LIMIT_BANK_OUTPUT);
        return place->input && place->output;
}

static void take_down(struct place *place)
{
        if (!place->conns)
                return;
        forget_socket(place);
        forget_found(place);
        event_del(&place->timer);
        event_del(&place->flush);
        event_del(&place->reaper);
        if (place->input && place->output)
                wipe_buffers(place);
        free(place->input);
        free(place->output);
}

struct bank_conns *bank_conns_new(const struct bank_conns_options *options)
{
        struct bank_conns *conns =
            calloc(1, sizeof(*conns) + (size_t)options->connections * sizeof(conns->place[0]));
        if (!conns)
                return NULL;
        conns->base = options->base;
        conns->dns = options->dns;
        conns->route = options->route;
        conns->count = options->connections;
        random_seed_anew(&conns->random);
        bank_conns_change(conns, options->tls, options->addresses);
        for (int i = 0; i < conns->count; i++) {
                if (!set_up(conns, i)) {
                        bank_conns_free(conns);
                        return NULL;
                }
        }
        for (int i = 0; i < conns->count; i++)
                start_timer(&conns->place[i], 0);
        return conns;
}

void bank_conns_free(struct bank_conns *conns)
{
        if (!conns)
                return;
        for (int i = 0; i < conns->count; i++)
                take_down(&conns->place[i]);
        SSL_CTX_free(conns->tls);
        free(conns);
}

void bank_conns_change(struct bank_conns *conns, SSL_CTX *tls, const struct addresses *addresses)
{
        SSL_CTX_up_ref(tls);
        SSL_CTX_free(conns->tls);
        conns->tls = tls;
        conns->addresses = *addresses;
}
