/* The connections of one link: see bank_conn.h. change_state is the door for states; give_up the way out of those in
 * which no stream is, on_closed of the others. */
#include "daemon/banks/bank_conn.h"

#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <netdb.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/limits.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "lib/base/utf8.h"
#include "lib/net/stream.h"
#include "lib/security/tls.h"
#include "protocol/frame.h"

enum { INPUT_MAX = 16384, PEER_MAX = 80 };

enum bank_conn_state { DOWN, LOOKING_UP, CONNECTING, OPEN, STATE_COUNT };

struct bank_conn {
        struct bank_conns *conns;
        int number; /* from 1, for people */
        enum bank_conn_state state;
        size_t turn;       /* whose it is: the addresses counted round and round */
        struct address to; /* of those, the one being tried */
        struct evutil_addrinfo *found,
            *next; /* what the name stands for; kept for when nobody can say it any more */
        struct address found_for;
        char peer[PEER_MAX];
        struct stream stream;
        struct event timer, flush;
        int64_t pause_ms;
        struct bank_session session; /* in OPEN */
};

struct bank_conns {
        struct event_base *base;
        struct evdns_base *dns;
        struct bank_route *route;
        SSL_CTX *tls;
        struct stream_env *streams;
        struct addresses addresses;
        struct random random;
        int count;
        struct bank_conn conn[];
};

static struct bank_conn *conn_of(struct stream *stream)
{
        return (struct bank_conn *)(void *)((char *)stream - offsetof(struct bank_conn, stream));
}

/* ---- doors --------------------------------------------------------------------------------------------- */

static void start_timer(struct bank_conn *conn, int64_t ms)
{
        struct timeval duration = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(&conn->timer, &duration);
}

static void change_state(struct bank_conn *conn, enum bank_conn_state to)
{
        static const bool legal[STATE_COUNT][STATE_COUNT] = {
            [DOWN] = {[LOOKING_UP] = true},
            [LOOKING_UP] = {[DOWN] = true, [CONNECTING] = true},
            [CONNECTING] = {[DOWN] = true, [CONNECTING] = true, [OPEN] = true},
            [OPEN] = {[DOWN] = true},
        };
        assert(legal[conn->state][to]);
        conn->state = to;
}

static void forget_found(struct bank_conn *conn)
{
        if (conn->found)
                evutil_freeaddrinfo(conn->found);
        conn->found = conn->next = NULL;
}

/* Some time around the pause, which doubles. */
static int64_t next_pause(struct bank_conn *conn)
{
        int64_t pause_ms = conn->pause_ms;
        conn->pause_ms = pause_ms * 2 > LIMIT_BANK_PAUSE_MS ? LIMIT_BANK_PAUSE_MS : pause_ms * 2;
        return random_jitter(&conn->conns->random, pause_ms, LIMIT_PAUSE_JITTER);
}

/* To whom, and why: as people are told of the link (sightings.h). */
static void tell_route(const struct bank_conn *conn, const char *reason)
{
        char why[LIMIT_REASON], shown[LIMIT_REASON];
        snprintf(why, sizeof(why), "%s%s%.*s", conn->peer, *conn->peer ? ": " : "",
                 (int)(sizeof(why) - sizeof(conn->peer) - 2), reason);
        utf8_show(why, "", shown, sizeof(shown));
        bank_route_failed(conn->conns->route, shown);
}

/* This attempt, or this connection, is over. */
ATM_PRINTF(2, 3) static void give_up(struct bank_conn *conn, const char *format, ...)
{
        char reason[LIMIT_REASON];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reason, sizeof(reason), format, arguments);
        va_end(arguments);
        log_limited(conn->conns->route->stopping ? LEVEL_INFO : LEVEL_WARNING, "link_connection_closed",
                    LOG_TEXT("link", conn->conns->route->settings.name),
                    LOG_NUMBER("connection", conn->number), LOG_TEXT("peer", conn->peer),
                    LOG_TEXT("reason", reason));
        if (conn->state == OPEN)
                bank_route_detach(conn->conns->route, &conn->session);
        tell_route(conn, reason);
        event_del(&conn->flush);
        conn->turn++;
        change_state(conn, DOWN);
        start_timer(conn, next_pause(conn));
}

/* ---- the session's ops --------------------------------------------------------------------------------- */

static void op_send(void *peer, const uint8_t *message, size_t length)
{
        struct bank_conn *conn = peer;
        uint8_t frame[LIMIT_FRAME];
        size_t header = frame_header(&conn->conns->route->dialect, frame, length);
        memcpy(frame + header, message, length);
        stream_queue(&conn->stream, frame, header + length);
        OPENSSL_cleanse(frame, header + length);
        event_active(&conn->flush, EV_WRITE, 0);
}

static void op_close(void *peer, const char *reason)
{
        struct bank_conn *conn = peer;
        stream_flush(&conn->stream); /* a sign-off */
        stream_close(&conn->stream, STREAM_END_OWNER, "%s", reason);
}

static void op_resume(void *peer)
{
        struct bank_conn *conn = peer;
        stream_resume(&conn->stream);
}

static const struct bank_session_ops session_ops = {op_send, op_close, op_resume};

/* What was sent in this turn leaves in one write. */
static void on_flush(evutil_socket_t fd, short what, void *context)
{
        struct bank_conn *conn = context;
        (void)fd;
        (void)what;
        stream_flush(&conn->stream);
}

/* ---- what the stream says ------------------------------------------------------------------------------ */

static void connect_next(struct bank_conn *conn);

static void on_open(struct stream *stream, const char *name)
{
        struct bank_conn *conn = conn_of(stream);
        (void)name; /* its host was checked */
        change_state(conn, OPEN);
        bank_route_attach(conn->conns->route, &conn->session, conn->number, &session_ops, conn);
}

static bool may_read(struct stream *stream)
{
        return bank_route_may_read(conn_of(stream)->conns->route);
}

static void on_message(struct stream *stream, const uint8_t *message, size_t length)
{
        struct bank_conn *conn = conn_of(stream);
        bank_session_frame(&conn->session, message, length);
        if (conn->session.state == BANK_SESSION_UP)
                conn->pause_ms = LIMIT_BANK_PAUSE_FIRST_MS;
}

/* The name may stand for more. */
static void try_next(struct bank_conn *conn, const char *reason)
{
        if (conn->next)
                connect_next(conn);
        else
                give_up(conn, "%s", reason);
}

static void on_closed(struct stream *stream, int end, const char *reason)
{
        struct bank_conn *conn = conn_of(stream);
        if (end == STREAM_END_FLOOD || end == STREAM_END_UNREAD)
                log_limited(LEVEL_WARNING, "flood", LOG_TEXT("link", conn->conns->route->settings.name),
                            LOG_TEXT("peer", conn->peer), LOG_TEXT("reason", reason));
        if (end == STREAM_END_CONNECT_FAILED)
                try_next(conn, reason);
        else
                give_up(conn, "%s", reason);
}

static const struct stream_events stream_events = {
    .on_open = on_open, .may_read = may_read, .on_message = on_message, .on_closed = on_closed};

/* ---- connecting ---------------------------------------------------------------------------------------- */

static SSL *new_ssl(const struct bank_conn *conn)
{
        SSL *ssl = SSL_new(conn->conns->tls);
        if (ssl && tls_expect_host(ssl, conn->to.host))
                return ssl;
        ERR_clear_error();
        SSL_free(ssl);
        return NULL;
}

static void connect_next(struct bank_conn *conn)
{
        const struct evutil_addrinfo *info = conn->next;
        conn->next = info->ai_next;
        change_state(conn, CONNECTING);
        address_print_socket(info->ai_addr, (socklen_t)info->ai_addrlen, conn->peer, sizeof(conn->peer));
        SSL *ssl = new_ssl(conn);
        if (!ssl)
                give_up(conn, "out of memory");
        else if (!stream_connect(&conn->stream, ssl, info->ai_addr, (socklen_t)info->ai_addrlen, NULL))
                try_next(conn,
                         strerror(errno)); /* the machine may have no way to the other sort of address */
}

static bool is_same(const struct address *a, const struct address *b)
{
        return !strcmp(a->host, b->host) && a->port == b->port;
}

static void on_found(int result, struct evutil_addrinfo *found, void *context)
{
        struct bank_conn *conn = context;
        if (!result && found) {
                forget_found(conn);
                conn->found = found;
                conn->found_for = conn->to;
        } else if (!conn->found || !is_same(&conn->found_for, &conn->to)) {
                give_up(conn, "looking up %s: %s", conn->to.host, evutil_gai_strerror(result));
                return;
        }
        conn->next = conn->found;
        connect_next(conn);
}

static void begin(struct bank_conn *conn)
{
        struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        const struct addresses *addresses = &conn->conns->addresses;
        char port[ADDRESS_PORT_MAX], text[ADDRESS_TEXT_MAX];
        change_state(conn, LOOKING_UP);
        if (addresses->count == 0) {
                give_up(conn, "no address is known");
                return;
        }
        addresses_get(addresses, conn->turn % addresses->count, &conn->to);
        address_print(&conn->to, text);
        snprintf(conn->peer, sizeof(conn->peer), "%.*s", PEER_MAX - 1, text);
        snprintf(port, sizeof(port), "%u", (unsigned)conn->to.port);
        evdns_getaddrinfo(conn->conns->dns, conn->to.host, port, &hints, on_found, conn);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        begin(context);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void set_up(struct bank_conns *conns, int i)
{
        struct bank_conn *conn = &conns->conn[i];
        conn->conns = conns;
        conn->number = i + 1;
        conn->turn = (size_t)i;
        conn->pause_ms = LIMIT_BANK_PAUSE_FIRST_MS;
        stream_init(&conn->stream, conns->streams);
        event_assign(&conn->timer, conns->base, -1, 0, on_pause_over, conn);
        event_assign(&conn->flush, conns->base, -1, 0, on_flush, conn);
        start_timer(conn, 0);
}

static void take_down(struct bank_conn *conn)
{
        if (!conn->conns)
                return;
        stream_drop(&conn->stream, true);
        forget_found(conn);
        event_del(&conn->timer);
        event_del(&conn->flush);
}

struct bank_conns *bank_conns_new(const struct bank_conns_options *options)
{
        const struct stream_rules rules = {
            .framing = frame_framing(&options->route->dialect),
            .input_max = INPUT_MAX,
            .output_max = LIMIT_BANK_OUTPUT,
            .output_pause = SIZE_MAX, /* full duplex: its answers make room */
            .messages_per_turn = LIMIT_BANK_MESSAGES_PER_TURN,
            .keeps_buffers = true,
        };
        static const struct stream_timeouts timeouts = {.handshake_ms = LIMIT_BANK_CONNECT_MS,
                                                        .message_ms = LIMIT_BANK_MESSAGE_MS,
                                                        .output_ms = LIMIT_BANK_OUTPUT_MS,
                                                        .untaken_ms = LIMIT_BANK_OUTPUT_MS};
        struct bank_conns *conns =
            calloc(1, sizeof(*conns) + (size_t)options->connections * sizeof(conns->conn[0]));
        if (!conns)
                return NULL;
        conns->base = options->base;
        conns->dns = options->dns;
        conns->route = options->route;
        conns->count = options->connections;
        random_seed_anew(&conns->random);
        bank_conns_change(conns, options->tls, options->addresses);
        conns->streams = stream_env_new(options->base, &rules, &stream_events, &timeouts, conns);
        if (!conns->streams) {
                bank_conns_free(conns);
                return NULL;
        }
        for (int i = 0; i < conns->count; i++)
                set_up(conns, i);
        return conns;
}

void bank_conns_free(struct bank_conns *conns)
{
        if (!conns)
                return;
        for (int i = 0; i < conns->count; i++)
                take_down(&conns->conn[i]);
        stream_env_free(conns->streams);
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
