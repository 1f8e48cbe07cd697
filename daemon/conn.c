/* One TLS connection: see conn.h. */
#include "daemon/conn.h"

#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/net/priorities.h"
#include "protocol/frame.h"
#include "lib/security/tls.h"

/* Connections are ATMs'. */
static const struct iso_dialect *const conn_dialect = &iso_dialect_ascii;

enum { PEER_MAX = 56, CERTIFICATE_NAME_MAX = 64, DISCARD_CHUNK = 4096 };

enum wait { WAIT_NONE, WAIT_HANDSHAKE, WAIT_IDLE, WAIT_MESSAGE, WAIT_LINGER, WAIT_COUNT };

struct conn {
        struct conn_env *env;
        void *owner;
        SSL *ssl;
        int fd;
        enum conn_state state;
        enum conn_end end;
        enum wait wait;        /* what the timer is for */
        bool paused;           /* by the owner */
        bool deaf;             /* the read event was taken out because we were paused */
        bool read_wants_write; /* TLS has something to write before it can read on */
        bool heard;            /* a byte has come */
        bool broken;           /* TLS or the socket failed: nothing more can be sent */
        bool in_turn;          /* on env->turn */
        bool lingering;        /* counted in env->lingering */
        uint16_t input_length, output_length;
        uint32_t lingered;       /* bytes thrown away while draining */
        uint8_t *input, *output; /* NULL while empty */
        struct event readable, writable, timer;
        LIST_ENTRY(conn) entry;
        TAILQ_ENTRY(conn) turn;
        char name[16]; /* the certificate's, once it is known; for the log */
        char peer[PEER_MAX];
};

struct conn_env {
        struct event_base *base;
        const struct conn_events *events;
        const struct timeval *timeout[WAIT_COUNT]; /* libevent's common time-outs: adding one costs O(1) */
        void (*on_free)(void *context);
        void *context;
        struct event *reaper;
        TAILQ_HEAD(, conn) turn; /* to be told or freed at the end of the loop's turn */
        LIST_HEAD(, conn) all;
        size_t count, lingering;
        uint8_t in[LIMIT_INPUT];
        uint8_t out[LIMIT_OUTPUT];
};

const char *const conn_end_name[CONN_END_COUNT] = {
    [CONN_END_PEER_CLOSED] = "peer_closed",
    [CONN_END_HUNG_UP] = "hung_up",
    [CONN_END_HANDSHAKE_FAILED] = "handshake_failed",
    [CONN_END_HANDSHAKE_TIMEOUT] = "handshake_timeout",
    [CONN_END_IDLE_TIMEOUT] = "idle_timeout",
    [CONN_END_MESSAGE_TIMEOUT] = "message_timeout",
    [CONN_END_PROTOCOL] = "protocol",
    [CONN_END_TERMINAL] = "terminal",
    [CONN_END_REPLACED] = "replaced",
    [CONN_END_FULL] = "full",
    [CONN_END_SHUTDOWN] = "shutdown",
    [CONN_END_ERROR] = "error",
};

static void listen_again(struct conn *conn);
static bool may_deliver(const struct conn *conn);
static void drain(struct conn *conn);
static void on_readable(evutil_socket_t fd, short what, void *context);
static void on_writable(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);

/* ---- doors --------------------------------------------------------------------------------------------- */

static void change_state(struct conn *conn, enum conn_state to)
{
        static const bool legal[CONN_STATE_COUNT][CONN_STATE_COUNT] = {
            [CONN_HANDSHAKE] = {[CONN_OPEN] = true, [CONN_DRAINING] = true},
            [CONN_OPEN] = {[CONN_DRAINING] = true},
            [CONN_DRAINING] = {[CONN_CLOSED] = true},
        };
        assert(legal[conn->state][to]);
        conn->state = to;
}

static void wait_for(struct conn *conn, enum wait wait)
{
        conn->wait = wait;
        if (wait == WAIT_NONE)
                event_del(&conn->timer);
        else
                event_add(&conn->timer, conn->env->timeout[wait]);
}

/* Its owner is told, or it is freed, when the present event has been dealt with. */
static void see_to_it(struct conn *conn)
{
        if (conn->in_turn)
                return;
        conn->in_turn = true;
        TAILQ_INSERT_TAIL(&conn->env->turn, conn, turn);
        event_active(conn->env->reaper, EV_TIMEOUT, 0);
}

static void drop_buffer(uint8_t **buffer, uint16_t *length)
{
        if (*buffer)
                OPENSSL_cleanse(*buffer, *length);
        free(*buffer);
        *buffer = NULL;
        *length = 0;
}

static void close_now(struct conn *conn)
{
        change_state(conn, CONN_CLOSED);
        event_del(&conn->readable);
        event_del(&conn->writable);
        wait_for(conn, WAIT_NONE);
        SSL_free(conn->ssl);
        conn->ssl = NULL;
        close(conn->fd);
        conn->fd = -1;
        if (conn->lingering)
                conn->env->lingering--;
        conn->lingering = false;
        drop_buffer(&conn->input, &conn->input_length);
        drop_buffer(&conn->output, &conn->output_length);
        see_to_it(conn);
}

static enum log_level level_of(enum conn_end end)
{
        switch (end) {
        case CONN_END_PEER_CLOSED:
        case CONN_END_HUNG_UP:
        case CONN_END_REPLACED:
        case CONN_END_SHUTDOWN:
                return LEVEL_INFO;
        default:
                return LEVEL_WARNING;
        }
}

/* A peer that hung up is not waited for, nor one that nobody knows; except that a failed handshake's alert
 * should arrive, so that the other side learns what is wrong. */
static bool is_worth_lingering(const struct conn *conn, bool was_open)
{
        if (conn->end == CONN_END_PEER_CLOSED || conn->end == CONN_END_HUNG_UP)
                return false;
        if (was_open)
                return true;
        return conn->end == CONN_END_HANDSHAKE_FAILED && conn->env->lingering < LIMIT_LINGERING;
}

void conn_close(struct conn *conn, enum conn_end end, const char *format, ...)
{
        char reason[LIMIT_REASON];
        va_list arguments;
        if (conn->state >= CONN_DRAINING)
                return;
        va_start(arguments, format);
        vsnprintf(reason, sizeof(reason), format, arguments);
        va_end(arguments);
        log_limited(level_of(end), "connection_closed", LOG_TEXT("peer", conn->peer),
                    LOG_TEXT("terminal", conn->name), LOG_TEXT("end", conn_end_name[end]),
                    LOG_TEXT("reason", reason));
        bool was_open = conn->state == CONN_OPEN;
        conn->end = end;
        change_state(conn, CONN_DRAINING);
        drop_buffer(&conn->input, &conn->input_length);
        see_to_it(conn);
        if (!is_worth_lingering(conn, was_open)) {
                close_now(conn);
                return;
        }
        conn->lingering = true;
        conn->env->lingering++;
        wait_for(conn, WAIT_LINGER);
        drain(conn);
}

/* ---- the shared part ----------------------------------------------------------------------------------- */

static void conn_free(struct conn *conn)
{
        struct conn_env *env = conn->env;
        assert(conn->state == CONN_CLOSED && !conn->owner);
        LIST_REMOVE(conn, entry);
        env->count--;
        free(conn);
        env->on_free(env->context);
}

static void on_turn_end(evutil_socket_t fd, short what, void *context)
{
        struct conn_env *env = context;
        struct conn *conn;
        (void)fd;
        (void)what;
        while ((conn = TAILQ_FIRST(&env->turn))) {
                TAILQ_REMOVE(&env->turn, conn, turn);
                conn->in_turn = false;
                void *owner = conn->owner;
                conn->owner = NULL;
                if (owner)
                        env->events->closed(owner, conn->end);
                if (conn->state == CONN_CLOSED)
                        conn_free(conn);
        }
}

static const struct timeval *common_timeout(struct event_base *base, int64_t ms)
{
        struct timeval duration = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        return event_base_init_common_timeout(base, &duration);
}

bool conn_env_set_timeouts(struct conn_env *env, const struct conn_timeouts *timeouts)
{
        const struct timeval *timeout[WAIT_COUNT] = {
            [WAIT_HANDSHAKE] = common_timeout(env->base, timeouts->handshake_ms),
            [WAIT_IDLE] = common_timeout(env->base, timeouts->idle_ms),
            [WAIT_MESSAGE] = common_timeout(env->base, timeouts->message_ms),
            [WAIT_LINGER] = common_timeout(env->base, LIMIT_LINGER_MS),
        };
        for (int i = WAIT_NONE + 1; i < WAIT_COUNT; i++)
                if (!timeout[i])
                        return false;
        memcpy(env->timeout, timeout, sizeof(timeout));
        return true;
}

struct conn_env *conn_env_new(struct event_base *base, const struct conn_events *events,
                              const struct conn_timeouts *timeouts, void (*on_free)(void *context),
                              void *context)
{
        struct conn_env *env = calloc(1, sizeof(*env));
        if (!env)
                return NULL;
        *env = (struct conn_env){.base = base, .events = events, .on_free = on_free, .context = context};
        TAILQ_INIT(&env->turn);
        LIST_INIT(&env->all);
        env->reaper = event_new(base, -1, 0, on_turn_end, env);
        if (!env->reaper || !conn_env_set_timeouts(env, timeouts)) {
                conn_env_free(env);
                return NULL;
        }
        return env;
}

static void on_nothing(void *context)
{
        (void)context;
}

void conn_env_free(struct conn_env *env)
{
        struct conn *conn, *next;
        if (!env)
                return;
        env->on_free = on_nothing;
        for (conn = LIST_FIRST(&env->all); conn; conn = next) {
                next = LIST_NEXT(conn, entry);
                conn->owner = NULL;
                if (conn->state < CONN_DRAINING)
                        change_state(conn, CONN_DRAINING);
                if (conn->state == CONN_DRAINING)
                        close_now(conn);
                conn_free(conn);
        }
        if (env->reaper)
                event_free(env->reaper);
        free(env);
}

size_t conn_env_count(const struct conn_env *env)
{
        return env->count;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void set_up_events(struct conn *conn)
{
        struct event_base *base = conn->env->base;
        event_assign(&conn->readable, base, conn->fd, EV_READ | EV_PERSIST, on_readable, conn);
        event_assign(&conn->writable, base, conn->fd, EV_WRITE, on_writable, conn);
        event_assign(&conn->timer, base, -1, 0, on_timer, conn);
        event_priority_set(&conn->readable, PRIORITY_NEWCOMER);
        event_priority_set(&conn->writable, PRIORITY_NEWCOMER);
}

struct conn *conn_new(struct conn_env *env, SSL_CTX *tls, int fd, const char *peer, void *owner)
{
        struct conn *conn = calloc(1, sizeof(*conn));
        SSL *ssl = SSL_new(tls);
        if (!conn || !ssl || SSL_set_fd(ssl, fd) != 1) {
                ERR_clear_error();
                SSL_free(ssl);
                free(conn);
                close(fd);
                return NULL;
        }
        SSL_set_accept_state(ssl);
        /* A peer that hangs up is to be told from one that closes: it is counted. */
        SSL_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
        conn->env = env;
        conn->owner = owner;
        conn->ssl = ssl;
        conn->fd = fd;
        snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
        set_up_events(conn);
        LIST_INSERT_HEAD(&env->all, conn, entry);
        env->count++;
        event_add(&conn->readable, NULL);
        wait_for(conn, WAIT_HANDSHAKE);
        return conn;
}

enum conn_state conn_state(const struct conn *conn)
{
        return conn->state;
}

bool conn_is_silent(const struct conn *conn)
{
        return !conn->heard;
}

bool conn_has_unread(const struct conn *conn)
{
        int unread = 0;
        return conn->fd >= 0 && ioctl(conn->fd, FIONREAD, &unread) == 0 && unread > 0;
}

const char *conn_peer(const struct conn *conn)
{
        return conn->peer;
}

/* ---- failure ------------------------------------------------------------------------------------------- */

/* Did the peer leave without a word? In a handshake that is a port scanner or a health check. */
static bool has_hung_up(int kind)
{
        unsigned long code = ERR_peek_error();
        return (kind == SSL_ERROR_SYSCALL && !code) ||
               (code && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

/* A read or write failed for good. */
static void fail(struct conn *conn, int result, int kind, const char *doing)
{
        char reason[LIMIT_REASON];
        int saved_errno = errno;
        conn->broken = true;
        if (kind == SSL_ERROR_ZERO_RETURN) {
                conn_close(conn, CONN_END_PEER_CLOSED, "the peer has closed the connection");
        } else if (has_hung_up(kind)) {
                conn_close(conn, CONN_END_HUNG_UP, "%s: %s", doing,
                           saved_errno ? strerror(saved_errno) : "end without close_notify");
        } else {
                errno = saved_errno;
                tls_reason(conn->ssl, result, reason, sizeof(reason));
                conn_close(conn, CONN_END_PROTOCOL, "%s: %s", doing, reason);
        }
        ERR_clear_error();
}

/* ---- handshake ----------------------------------------------------------------------------------------- */

static void open_up(struct conn *conn)
{
        char name[CERTIFICATE_NAME_MAX];
        if (!tls_peer_name(conn->ssl, name, sizeof(name))) {
                conn_close(conn, CONN_END_HANDSHAKE_FAILED, "the certificate names nobody");
                return;
        }
        snprintf(conn->name, sizeof(conn->name), "%.*s", (int)sizeof(conn->name) - 1, name);
        event_del(&conn->writable);
        event_priority_set(&conn->readable, PRIORITY_SERVICE);
        event_priority_set(&conn->writable, PRIORITY_SERVICE);
        change_state(conn, CONN_OPEN);
        wait_for(conn, WAIT_IDLE);
        conn->env->events->ready(conn->owner, name);
        if (conn->state == CONN_OPEN && SSL_has_pending(conn->ssl))
                event_active(&conn->readable, EV_READ, 0);
}

static void fail_handshake(struct conn *conn, int result, int kind)
{
        char reason[LIMIT_REASON];
        conn->broken = true;
        if (has_hung_up(kind)) {
                ERR_clear_error();
                conn_close(conn, CONN_END_HUNG_UP, "before the handshake was completed");
                return;
        }
        tls_reason(conn->ssl, result, reason, sizeof(reason));
        conn_close(conn, CONN_END_HANDSHAKE_FAILED, "%s", reason);
}

static void shake_hands(struct conn *conn)
{
        ERR_clear_error();
        errno = 0;
        int result = SSL_do_handshake(conn->ssl);
        if (result == 1) {
                open_up(conn);
                return;
        }
        int kind = SSL_get_error(conn->ssl, result);
        if (kind == SSL_ERROR_WANT_WRITE)
                event_add(&conn->writable, NULL);
        else if (kind != SSL_ERROR_WANT_READ)
                fail_handshake(conn, result, kind);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Keep what the peer does not take now. */
static void keep_output(struct conn *conn, const uint8_t *bytes, size_t length)
{
        uint8_t *output = malloc(length);
        if (!output) {
                conn->broken = true;
                conn_close(conn, CONN_END_ERROR, "out of memory");
                return;
        }
        memcpy(output, bytes, length);
        drop_buffer(&conn->output, &conn->output_length);
        conn->output = output;
        conn->output_length = (uint16_t)length;
        event_add(&conn->writable, NULL);
        if (conn->state == CONN_OPEN)
                wait_for(conn, WAIT_MESSAGE);
}

/* Write what fits into the socket; the rest is kept. bytes may be conn->output itself. */
static void write_out(struct conn *conn, const uint8_t *bytes, size_t length)
{
        size_t done = 0;
        while (done < length) {
                ERR_clear_error();
                errno = 0;
                int result = SSL_write(conn->ssl, bytes + done, (int)(length - done));
                if (result > 0) {
                        done += (size_t)result;
                        continue;
                }
                int kind = SSL_get_error(conn->ssl, result);
                if (kind == SSL_ERROR_WANT_WRITE || kind == SSL_ERROR_WANT_READ) {
                        keep_output(conn, bytes + done, length - done);
                        return;
                }
                fail(conn, result, kind, "writing");
                return;
        }
        if (conn->output) {
                drop_buffer(&conn->output, &conn->output_length);
                if (conn->state == CONN_OPEN)
                        wait_for(conn, WAIT_IDLE);
        }
}

void conn_send(struct conn *conn, const uint8_t *message, size_t length)
{
        uint8_t *out = conn->env->out;
        size_t before = conn->output_length;
        assert(length > 0 && length <= ISO_MESSAGE_MAX);
        if (conn->state != CONN_OPEN)
                return;
        if (before + FRAME_HEADER_MAX + length > LIMIT_OUTPUT) {
                conn_close(conn, CONN_END_MESSAGE_TIMEOUT, "the peer does not take its answers");
                return;
        }
        if (before)
                memcpy(out, conn->output, before);
        size_t total = before + frame_header(conn_dialect, out + before, length);
        memcpy(out + total, message, length);
        total += length;
        if (before)
                keep_output(conn, out, total);
        else
                write_out(conn, out, total);
        OPENSSL_cleanse(out, total);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        struct conn *conn = context;
        (void)fd;
        (void)what;
        if (conn->state == CONN_HANDSHAKE) {
                shake_hands(conn);
                return;
        }
        if (conn->state == CONN_DRAINING) {
                drain(conn);
                return;
        }
        if (conn->output)
                write_out(conn, conn->output, conn->output_length);
        if (conn->state != CONN_OPEN || conn->output)
                return;
        conn->read_wants_write = false;
        if (may_deliver(conn)) {
                listen_again(conn);
                event_active(&conn->readable, EV_READ, 0);
        }
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool may_deliver(const struct conn *conn)
{
        return conn->state == CONN_OPEN && !conn->paused && !conn->output && !conn->read_wants_write;
}

/* Keep what could not be delivered yet: part of a message, or whole ones while paused. */
static void keep_input(struct conn *conn, const uint8_t *bytes, size_t length)
{
        if (length == 0 || conn->state != CONN_OPEN)
                return;
        conn->input = malloc(length);
        if (!conn->input) {
                conn_close(conn, CONN_END_ERROR, "out of memory");
                return;
        }
        memcpy(conn->input, bytes, length);
        conn->input_length = (uint16_t)length;
        if (may_deliver(conn) && conn->wait != WAIT_MESSAGE)
                wait_for(conn, WAIT_MESSAGE); /* from its first byte on, not from its latest */
}

/* Hand over the whole messages at `bytes`; returns how many bytes are used up. */
static size_t deliver(struct conn *conn, const uint8_t *bytes, size_t length, int *frames)
{
        size_t used = 0;
        while (may_deliver(conn) && used < length && *frames < LIMIT_FRAMES_PER_TURN) {
                const uint8_t *message;
                size_t message_length;
                switch (frame_next(conn_dialect, bytes + used, length - used, &message, &message_length)) {
                case FRAME_PARTIAL:
                        return used;
                case FRAME_BAD:
                        conn_close(conn, CONN_END_PROTOCOL,
                                   "a message of %d bytes is announced: 1 to %d are expected",
                                   bytes[used] << 8 | bytes[used + 1], ISO_MESSAGE_MAX);
                        return used;
                case FRAME_READY:
                        break;
                }
                used = (size_t)(message - bytes) + message_length;
                ++*frames;
                wait_for(conn, WAIT_IDLE);
                conn->env->events->frame(conn->owner, message, message_length);
        }
        return used;
}

/* One SSL_read behind the `have` bytes that are there. Returns the new total; 0 where there is nothing more
 * to do now (*ret_again false) or nothing to read (the connection may be over). */
static size_t read_some(struct conn *conn, size_t have, bool *ret_again)
{
        uint8_t *in = conn->env->in;
        ERR_clear_error();
        errno = 0;
        int result = SSL_read(conn->ssl, in + have, (int)(LIMIT_INPUT - have));
        *ret_again = false;
        if (result > 0) {
                *ret_again = SSL_has_pending(conn->ssl);
                return have + (size_t)result;
        }
        int kind = SSL_get_error(conn->ssl, result);
        if (kind == SSL_ERROR_WANT_READ)
                return have;
        if (kind == SSL_ERROR_WANT_WRITE) {
                conn->read_wants_write = true;
                event_add(&conn->writable, NULL);
                return have;
        }
        fail(conn, result, kind, have ? "in the middle of a message" : "reading");
        return have;
}

/*
 * Deliver what was kept, then read and deliver. Stops when the owner pauses, the peer is slow to take its
 * answers, nothing more is there, or this connection has had its share of the turn.
 */
static void read_on(struct conn *conn)
{
        uint8_t *in = conn->env->in;
        size_t have = conn->input_length;
        int frames = 0;
        bool again = true;
        if (!may_deliver(conn))
                return;
        if (!conn->env->events->may_read(conn->owner)) {
                conn_pause(conn);
                return;
        }
        if (have)
                memcpy(in, conn->input, have);
        drop_buffer(&conn->input, &conn->input_length);
        size_t used = deliver(conn, in, have, &frames);
        size_t most = have;
        while (again && may_deliver(conn) && frames < LIMIT_FRAMES_PER_TURN) {
                memmove(in, in + used, have - used);
                have = read_some(conn, have - used, &again);
                most = have > most ? have : most;
                used = deliver(conn, in, have, &frames);
        }
        if (frames >= LIMIT_FRAMES_PER_TURN && may_deliver(conn))
                event_active(&conn->readable, EV_READ, 0);
        keep_input(conn, in + used, have - used);
        OPENSSL_cleanse(in, most);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct conn *conn = context;
        (void)fd;
        (void)what;
        conn->heard = true;
        switch (conn->state) {
        case CONN_HANDSHAKE:
                shake_hands(conn);
                break;
        case CONN_OPEN:
                if (may_deliver(conn)) {
                        read_on(conn);
                } else {
                        /* A peer that sends more than it may: look away until it may. */
                        event_del(&conn->readable);
                        conn->deaf = true;
                }
                break;
        case CONN_DRAINING:
                drain(conn);
                break;
        default:
                break;
        }
}

void conn_pause(struct conn *conn)
{
        conn->paused = true;
}

static void listen_again(struct conn *conn)
{
        if (conn->deaf) {
                conn->deaf = false;
                event_add(&conn->readable, NULL);
        }
        if (conn->input || SSL_has_pending(conn->ssl))
                event_active(&conn->readable, EV_READ, 0);
}

void conn_resume(struct conn *conn)
{
        if (!conn->paused)
                return;
        conn->paused = false;
        if (conn->state == CONN_OPEN && may_deliver(conn))
                listen_again(conn);
}

/* ---- draining ------------------------------------------------------------------------------------------ */

static void say_goodbye(struct conn *conn)
{
        ERR_clear_error();
        if (!conn->broken)
                SSL_shutdown(conn->ssl); /* one try: who does not read it does not need it */
        ERR_clear_error();
        SSL_free(conn->ssl);
        conn->ssl = NULL;
        shutdown(conn->fd, SHUT_WR);
        if (conn->deaf)
                event_add(&conn->readable, NULL);
        conn->deaf = false;
}

/* The peer's last words are thrown away until it hangs up. */
static void discard(struct conn *conn)
{
        uint8_t bytes[DISCARD_CHUNK];
        ssize_t length;
        while ((length = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
                conn->lingered += (uint32_t)length;
                if (conn->lingered > LIMIT_LINGER_BYTES)
                        break;
        }
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
                return;
        close_now(conn);
}

static void drain(struct conn *conn)
{
        if (conn->ssl && conn->output && !conn->broken) {
                write_out(conn, conn->output, conn->output_length);
                if (conn->output && !conn->broken)
                        return;
        }
        if (conn->ssl)
                say_goodbye(conn);
        discard(conn);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct conn *conn = context;
        (void)fd;
        (void)what;
        switch (conn->wait) {
        case WAIT_HANDSHAKE:
                conn_close(conn, CONN_END_HANDSHAKE_TIMEOUT,
                           conn->heard ? "the handshake was not completed in time" : "nothing was sent");
                break;
        case WAIT_IDLE:
                if (conn->paused)
                        wait_for(conn, WAIT_IDLE); /* it is us who are slow */
                else
                        conn_close(conn, CONN_END_IDLE_TIMEOUT, "no message for too long");
                break;
        case WAIT_MESSAGE:
                conn_close(conn, CONN_END_MESSAGE_TIMEOUT,
                           conn->output ? "an answer was not taken in time"
                                        : "a message was not completed in time");
                break;
        case WAIT_LINGER:
                close_now(conn);
                break;
        default:
                break;
        }
}
