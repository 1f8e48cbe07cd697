/* Connections of a bank: see bank_link.h. */
#include "tools/banksim/bank_link.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/security/tls.h"

enum { NAME_MAX_BYTES = 65, REASON_MAX = 256, IN_ROOM = 2 * WIRE_FRAME_MAX };

enum state { LINK_HANDSHAKE, LINK_OPEN, LINK_CLOSED };

struct bank_link {
        struct bank_link_net *net;
        uint64_t id;
        enum state state;
        bool signed_on;
        bool cut;  /* close without a word once the output is gone */
        bool deaf; /* not listening, because the peer does not take its answers */
        int fd;
        SSL *ssl;
        struct event readable, writable, timer;
        size_t in_length, out_length, out_room;
        uint8_t *out;
        LIST_ENTRY(bank_link) entry;
        char peer[LINK_PEER_MAX];
        char reason[REASON_MAX];
        uint8_t in[IN_ROOM];
};

struct bank_link_net {
        struct event_base *base;
        SSL_CTX *tls;
        const struct wire *wire;
        const struct bank_link_events *events;
        void *context;
        struct event *reaper;
        uint64_t last_id;
        size_t count;
        LIST_HEAD(, bank_link) links, closed;
};

static void shake_hands(struct bank_link *link);
static void read_on(struct bank_link *link);

/* ---- closing ------------------------------------------------------------------------------------------- */

static void link_free(struct bank_link *link)
{
        LIST_REMOVE(link, entry);
        if (link->out)
                OPENSSL_cleanse(link->out, link->out_room);
        OPENSSL_cleanse(link->in, sizeof(link->in));
        free(link->out);
        free(link);
}

/* The one way to CLOSED. */
static void close_now(struct bank_link *link, bool politely)
{
        struct bank_link_net *net = link->net;
        event_del(&link->readable);
        event_del(&link->writable);
        event_del(&link->timer);
        if (politely && link->state == LINK_OPEN)
                SSL_shutdown(link->ssl);
        ERR_clear_error();
        SSL_free(link->ssl);
        close(link->fd);
        link->ssl = NULL;
        link->fd = -1;
        link->state = LINK_CLOSED;
        net->count--;
        LIST_REMOVE(link, entry);
        LIST_INSERT_HEAD(&net->closed, link, entry);
        event_active(net->reaper, EV_TIMEOUT, 0);
}

void bank_link_close(struct bank_link *link, const char *format, ...)
{
        va_list arguments;
        if (link->state == LINK_CLOSED)
                return;
        va_start(arguments, format);
        vsnprintf(link->reason, sizeof(link->reason), format, arguments);
        va_end(arguments);
        close_now(link, true);
}

static void fail(struct bank_link *link, int result)
{
        char reason[REASON_MAX - 16]; /* with "handshake: " it fits */
        tls_reason(link->ssl, result, reason, sizeof(reason));
        snprintf(link->reason, sizeof(link->reason), "%s%s",
                 link->state == LINK_HANDSHAKE ? "handshake: " : "", reason);
        close_now(link, false);
}

static void on_reap(evutil_socket_t fd, short what, void *context)
{
        struct bank_link_net *net = context;
        struct bank_link *link;
        (void)fd, (void)what;
        while ((link = LIST_FIRST(&net->closed))) {
                net->events->on_closed(link, link->reason, net->context);
                link_free(link);
        }
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void link_flush(struct bank_link *link)
{
        size_t done = 0;
        while (link->state == LINK_OPEN && done < link->out_length) {
                ERR_clear_error();
                errno = 0;
                int n = SSL_write(link->ssl, link->out + done, (int)(link->out_length - done));
                if (n > 0) {
                        done += (size_t)n;
                        continue;
                }
                int kind = SSL_get_error(link->ssl, n);
                if (kind != SSL_ERROR_WANT_WRITE && kind != SSL_ERROR_WANT_READ) {
                        fail(link, n);
                        return;
                }
                event_add(&link->writable, NULL);
                break;
        }
        link->out_length -= done;
        if (done > 0 && link->out_length > 0)
                memmove(link->out, link->out + done, link->out_length);
        if (link->state == LINK_OPEN && link->cut && link->out_length == 0) {
                snprintf(link->reason, sizeof(link->reason), "hung up in the middle of an answer");
                close_now(link, false);
        }
}

void bank_link_net_flush(struct bank_link_net *net)
{
        struct bank_link *link, *next;
        for (link = LIST_FIRST(&net->links); link; link = next) {
                next = LIST_NEXT(link, entry);
                if (link->out_length > 0)
                        link_flush(link);
        }
}

void bank_link_queue(struct bank_link *link, const uint8_t *frame, size_t length)
{
        if (link->state != LINK_OPEN || link->cut)
                return;
        if (link->out_length + length > LINK_OUT_MAX) {
                bank_link_close(link, "the peer does not take its answers");
                return;
        }
        if (link->out_length + length > link->out_room) {
                size_t room = link->out_room ? link->out_room * 2 : 4096;
                while (room < link->out_length + length)
                        room *= 2;
                uint8_t *grown = realloc(link->out, room);
                if (!grown) {
                        bank_link_close(link, "out of memory");
                        return;
                }
                link->out = grown;
                link->out_room = room;
        }
        memcpy(link->out + link->out_length, frame, length);
        link->out_length += length;
}

void bank_link_hang_up(struct bank_link *link, const uint8_t *frame, size_t length)
{
        bank_link_queue(link, frame, length / 2);
        link->cut = true;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        struct bank_link *link = context;
        (void)fd, (void)what;
        if (link->state == LINK_HANDSHAKE) {
                shake_hands(link);
                return;
        }
        link_flush(link);
        if (link->state == LINK_OPEN && link->deaf && link->out_length == 0) {
                link->deaf = false;
                event_add(&link->readable, NULL);
                read_on(link);
        }
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* False: the link is closed, or has had its turn. */
static bool hand_out(struct bank_link *link, int *frames)
{
        struct bank_link_net *net = link->net;
        const uint8_t *message;
        size_t used = 0, length;
        enum frame_result result = FRAME_READY;
        while (link->state == LINK_OPEN && !link->cut && *frames < LINK_FRAMES_PER_TURN) {
                result = frame_next(wire_dialect(net->wire), link->in + used, link->in_length - used,
                                    &message, &length);
                if (result != FRAME_READY)
                        break;
                ++*frames;
                used = (size_t)(message - link->in) + length;
                net->events->on_message(link, message, length, net->context);
        }
        if (link->state != LINK_OPEN)
                return false;
        if (result == FRAME_BAD) {
                bank_link_close(link, "a message of no or too many bytes is announced: 1 to %d are expected",
                                ISO_MESSAGE_MAX);
                return false;
        }
        memmove(link->in, link->in + used, link->in_length - used);
        OPENSSL_cleanse(link->in + link->in_length - used, used);
        link->in_length -= used;
        return *frames < LINK_FRAMES_PER_TURN && !link->cut;
}

static void await_rest(struct bank_link *link)
{
        static const struct timeval patience = {.tv_sec = LINK_MESSAGE_TIMEOUT_MS / 1000};
        if (link->in_length == 0)
                event_del(&link->timer);
        else if (!event_pending(&link->timer, EV_TIMEOUT, NULL))
                event_add(&link->timer, &patience);
}

static void read_on(struct bank_link *link)
{
        int frames = 0;
        for (;;) {
                if (link->cut || link->out_length >= LINK_OUT_MAX / 2) {
                        event_del(&link->readable);
                        link->deaf = true;
                        break;
                }
                if (!hand_out(link, &frames)) /* first what is left of the last turn */
                        break;
                ERR_clear_error();
                errno = 0;
                int n = SSL_read(link->ssl, link->in + link->in_length, (int)(IN_ROOM - link->in_length));
                if (n <= 0) {
                        int kind = SSL_get_error(link->ssl, n);
                        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE) {
                                fail(link, n);
                                return;
                        }
                        break;
                }
                link->in_length += (size_t)n;
        }
        if (link->state != LINK_OPEN)
                return;
        if (frames >= LINK_FRAMES_PER_TURN)
                event_active(&link->readable, EV_READ, 0); /* the others have their turn first */
        await_rest(link);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static void shake_hands(struct bank_link *link)
{
        struct bank_link_net *net = link->net;
        char name[NAME_MAX_BYTES];
        ERR_clear_error();
        errno = 0;
        int result = SSL_do_handshake(link->ssl);
        if (result != 1) {
                int kind = SSL_get_error(link->ssl, result);
                if (kind == SSL_ERROR_WANT_WRITE)
                        event_add(&link->writable, NULL);
                else if (kind != SSL_ERROR_WANT_READ)
                        fail(link, result);
                return;
        }
        event_del(&link->timer);
        link->state = LINK_OPEN;
        if (!tls_peer_name(link->ssl, name, sizeof(name))) {
                bank_link_close(link, "the certificate names nobody");
                return;
        }
        net->events->on_open(link, name, net->context);
        if (link->state == LINK_OPEN && SSL_has_pending(link->ssl))
                event_active(&link->readable, EV_READ, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct bank_link *link = context;
        (void)fd, (void)what;
        if (link->state == LINK_HANDSHAKE)
                shake_hands(link);
        else
                read_on(link);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct bank_link *link = context;
        (void)fd, (void)what;
        bank_link_close(link, link->state == LINK_HANDSHAKE ? "the handshake was not completed in time"
                                                            : "a message was not completed in time");
}

bool bank_link_add(struct bank_link_net *net, int fd, const char *peer)
{
        static const struct timeval patience = {.tv_sec = LINK_HANDSHAKE_TIMEOUT_MS / 1000};
        struct bank_link *link = calloc(1, sizeof(*link));
        SSL *ssl = SSL_new(net->tls);
        if (!link || !ssl || SSL_set_fd(ssl, fd) != 1) {
                ERR_clear_error();
                SSL_free(ssl);
                free(link);
                close(fd);
                return false;
        }
        SSL_set_accept_state(ssl);
        *link = (struct bank_link){.net = net, .id = ++net->last_id, .fd = fd, .ssl = ssl};
        snprintf(link->peer, sizeof(link->peer), "%s", peer);
        event_assign(&link->readable, net->base, fd, EV_READ | EV_PERSIST, on_readable, link);
        event_assign(&link->writable, net->base, fd, EV_WRITE, on_writable, link);
        event_assign(&link->timer, net->base, -1, 0, on_timer, link);
        LIST_INSERT_HEAD(&net->links, link, entry);
        net->count++;
        event_add(&link->readable, NULL);
        event_add(&link->timer, &patience);
        return true;
}

/* ---- the net ------------------------------------------------------------------------------------------- */

struct bank_link_net *bank_link_net_new(struct event_base *base, SSL_CTX *tls, const struct wire *wire,
                                        const struct bank_link_events *events, void *context)
{
        struct bank_link_net *net = calloc(1, sizeof(*net));
        if (!net)
                return NULL;
        *net = (struct bank_link_net){
            .base = base, .tls = tls, .wire = wire, .events = events, .context = context};
        LIST_INIT(&net->links);
        LIST_INIT(&net->closed);
        net->reaper = event_new(base, -1, 0, on_reap, net);
        if (!net->reaper) {
                free(net);
                return NULL;
        }
        return net;
}

void bank_link_net_free(struct bank_link_net *net)
{
        struct bank_link *link;
        if (!net)
                return;
        while ((link = LIST_FIRST(&net->links)))
                close_now(link, true);
        while ((link = LIST_FIRST(&net->closed)))
                link_free(link);
        event_free(net->reaper);
        free(net);
}

size_t bank_link_net_count(const struct bank_link_net *net)
{
        return net->count;
}

struct bank_link *bank_link_find(const struct bank_link_net *net, uint64_t id)
{
        struct bank_link *link;
        LIST_FOREACH(link, &net->links, entry)
        if (link->id == id)
                return link;
        return NULL;
}

void bank_link_net_close_all(struct bank_link_net *net, const char *reason)
{
        struct bank_link *link;
        while ((link = LIST_FIRST(&net->links)))
                bank_link_close(link, "%s", reason);
}

uint64_t bank_link_id(const struct bank_link *link)
{
        return link->id;
}

const char *bank_link_peer(const struct bank_link *link)
{
        return link->peer;
}

bool *bank_link_signed_on(struct bank_link *link)
{
        return &link->signed_on;
}
