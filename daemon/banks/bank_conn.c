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
#include "lib/net/stream.h"
#include "lib/security/tls.h"
#include "protocol/frame.h"

enum { INPUT_MAX = 16384, MESSAGES_PER_TURN = 512, PEER_MAX = 80 };

enum place_state { DOWN, LOOKING_UP, CONNECTING, OPEN, STATE_COUNT };

struct place {
        struct bank_conns *conns;
        int number; /* from 1, for people */
        enum place_state state;
        size_t turn;                          /* whose it is: the addresses counted round and round */
        struct address to;                    /* of those, the one being tried */
        struct evutil_addrinfo *found, *next; /* what the name stands for */
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
        struct place place[];
};

static struct place *place_of(struct stream *stream)
{
        return (struct place *)(void *)((char *)stream - offsetof(struct place, stream));
}

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
            [CONNECTING] = {[DOWN] = true, [CONNECTING] = true, [OPEN] = true},
            [OPEN] = {[DOWN] = true},
        };
        assert(legal[place->state][to]);
        place->state = to;
}

static void forget_found(struct place *place)
{
        if (place->found)
                evutil_freeaddrinfo(place->found);
        place->found = place->next = NULL;
}

/* Some time around the pause, which doubles. */
static int64_t next_pause(struct place *place)
{
        int64_t pause_ms = place->pause_ms;
        place->pause_ms = pause_ms * 2 > LIMIT_BANK_PAUSE_MS ? LIMIT_BANK_PAUSE_MS : pause_ms * 2;
        return random_jitter(&place->conns->random, pause_ms, LIMIT_PAUSE_JITTER);
}

/* This attempt, or this connection, is over. */
ATM_PRINTF(2, 3) static void give_up(struct place *place, const char *format, ...)
{
        char reason[LIMIT_REASON];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reason, sizeof(reason), format, arguments);
        va_end(arguments);
        log_limited(place->conns->route->stopping ? LEVEL_INFO : LEVEL_WARNING, "link_connection_closed",
                    LOG_TEXT("link", place->conns->route->settings.name),
                    LOG_NUMBER("connection", place->number), LOG_TEXT("peer", place->peer),
                    LOG_TEXT("reason", reason));
        if (place->state == OPEN)
                bank_route_detach(place->conns->route, &place->session);
        forget_found(place);
        event_del(&place->flush);
        place->turn++;
        change_state(place, DOWN);
        start_timer(place, next_pause(place));
}

/* ---- the session's ops --------------------------------------------------------------------------------- */

static void place_send(void *peer, const uint8_t *message, size_t length)
{
        struct place *place = peer;
        uint8_t frame[LIMIT_FRAME];
        size_t header = frame_header(&place->conns->route->dialect, frame, length);
        memcpy(frame + header, message, length);
        stream_queue(&place->stream, frame, header + length);
        OPENSSL_cleanse(frame, header + length);
        event_active(&place->flush, EV_WRITE, 0);
}

static void place_close(void *peer, const char *reason)
{
        struct place *place = peer;
        stream_flush(&place->stream); /* a sign-off */
        stream_close(&place->stream, STREAM_END_OWNER, "%s", reason);
}

static const struct bank_session_ops session_ops = {place_send, place_close};

/* What was sent in this turn leaves in one write. */
static void on_flush(evutil_socket_t fd, short what, void *context)
{
        struct place *place = context;
        (void)fd;
        (void)what;
        stream_flush(&place->stream);
}

/* ---- what the stream says ------------------------------------------------------------------------------ */

static void connect_next(struct place *place);

static void on_open(struct stream *stream, const char *name)
{
        struct place *place = place_of(stream);
        (void)name; /* its host was checked */
        change_state(place, OPEN);
        bank_route_attach(place->conns->route, &place->session, place->number, &session_ops, place);
}

static void on_message(struct stream *stream, const uint8_t *message, size_t length)
{
        struct place *place = place_of(stream);
        bank_session_frame(&place->session, message, length);
        if (place->session.state == BANK_SESSION_UP)
                place->pause_ms = LIMIT_BANK_PAUSE_FIRST_MS;
}

static void on_closed(struct stream *stream, int end, const char *reason)
{
        struct place *place = place_of(stream);
        if (end == STREAM_END_CONNECT_FAILED && place->next)
                connect_next(place);
        else
                give_up(place, "%s", reason);
}

static const struct stream_events stream_events = {.on_open = on_open, .on_message = on_message, .on_closed = on_closed};

/* ---- connecting ---------------------------------------------------------------------------------------- */

static SSL *new_ssl(const struct place *place)
{
        SSL *ssl = SSL_new(place->conns->tls);
        if (ssl && tls_expect_host(ssl, place->to.host))
                return ssl;
        ERR_clear_error();
        SSL_free(ssl);
        return NULL;
}

static void connect_next(struct place *place)
{
        const struct evutil_addrinfo *info = place->next;
        place->next = info->ai_next;
        change_state(place, CONNECTING);
        address_print_socket(info->ai_addr, (socklen_t)info->ai_addrlen, place->peer, sizeof(place->peer));
        SSL *ssl = new_ssl(place);
        if (!ssl)
                give_up(place, "out of memory");
        else if (!stream_connect(&place->stream, ssl, info->ai_addr, (socklen_t)info->ai_addrlen))
                give_up(place, "connecting: %s", strerror(errno));
}

static void on_found(int result, struct evutil_addrinfo *found, void *context)
{
        struct place *place = context;
        if (result || !found) {
                give_up(place, "looking up %s: %s", place->to.host, evutil_gai_strerror(result));
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
                give_up(place, "no address is known");
                return;
        }
        addresses_get(addresses, place->turn % addresses->count, &place->to);
        address_print(&place->to, text);
        snprintf(place->peer, sizeof(place->peer), "%.*s", PEER_MAX - 1, text);
        snprintf(port, sizeof(port), "%u", (unsigned)place->to.port);
        evdns_getaddrinfo(place->conns->dns, place->to.host, port, &hints, on_found, place);
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
        struct place *place = &conns->place[i];
        place->conns = conns;
        place->number = i + 1;
        place->turn = (size_t)i;
        place->pause_ms = LIMIT_BANK_PAUSE_FIRST_MS;
        stream_init(&place->stream, conns->streams);
        event_assign(&place->timer, conns->base, -1, 0, on_pause_over, place);
        event_assign(&place->flush, conns->base, -1, 0, on_flush, place);
        start_timer(place, 0);
}

static void take_down(struct place *place)
{
        if (!place->conns)
                return;
        stream_drop(&place->stream, true);
        forget_found(place);
        event_del(&place->timer);
        event_del(&place->flush);
}

struct bank_conns *bank_conns_new(const struct bank_conns_options *options)
{
        const struct stream_rules rules = {
            .framing = frame_framing(&options->route->dialect),
            .input_max = INPUT_MAX,
            .output_max = LIMIT_BANK_OUTPUT,
            .output_pause = SIZE_MAX, /* full duplex: its answers make room */
            .messages_per_turn = MESSAGES_PER_TURN,
            .keeps_buffers = true,
        };
        static const struct stream_timeouts timeouts = {.handshake_ms = LIMIT_BANK_CONNECT_MS};
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
                take_down(&conns->place[i]);
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
