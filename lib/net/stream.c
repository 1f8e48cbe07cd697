/* A stream of messages over TLS: see stream.h. */
#include "lib/net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/security/tls.h"

enum {
        DISCARD_CHUNK = 4096,
        ROOM_FIRST = 4096,
        /* Two records at least: where nothing of a message was among them, they were not those of one. */
        READ_PER_TURN = 32768
};

enum wait { WAIT_NONE, WAIT_HANDSHAKE, WAIT_IDLE, WAIT_MESSAGE, WAIT_OUTPUT, WAIT_LINGER, WAIT_COUNT };

struct stream_env {
        struct event_base *base;
        struct stream_rules rules;
        const struct stream_events *events;
        const struct timeval
            *timeout[WAIT_COUNT]; /* libevent's common time-outs: adding one costs O(1); NULL: none */
        void *context;
        struct event *reaper;
        struct event *usher;
        TAILQ_HEAD(, stream) turn; /* to be told or gone at the end of the loop's turn */
        TAILQ_HEAD(, stream) line; /* whose handshake can go on */
        TAILQ_HEAD(, stream) rest; /* who had their share of a turn, and go on in the next */
        size_t rest_count;
        LIST_HEAD(, stream) all;
        size_t count, lingering;
        unsigned untaken_ms;
        uint8_t in[]; /* of rules.input_max: what is read goes here first */
};

static bool may_deliver(const struct stream *stream);
static void go_on(struct stream *stream);
static void push(struct stream *stream);
static void drain(struct stream *stream);
static void on_readable(evutil_socket_t fd, short what, void *context);
static void on_writable(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);
static void on_usher(evutil_socket_t fd, short what, void *context);

/* ---- doors --------------------------------------------------------------------------------------------- */

/* In HANDSHAKE that is env->line, in OPEN env->rest. */
static void leave_line(struct stream *stream)
{
        struct stream_env *env = stream->env;
        if (!stream->in_line)
                return;
        stream->in_line = false;
        if (stream->state == STREAM_HANDSHAKE) {
                TAILQ_REMOVE(&env->line, stream, line);
                return;
        }
        TAILQ_REMOVE(&env->rest, stream, line);
        env->rest_count--;
}

static void call_next(struct stream_env *env)
{
        static const struct timeval next_turn = {0};
        if (!event_pending(env->usher, EV_TIMEOUT, NULL))
                event_add(env->usher, &next_turn);
}

/* What TLS or we have read already makes no event any more; event_active would go on in this turn, for as long as the peer
 * sends fast enough. */
static void read_in_next_turn(struct stream *stream)
{
        struct stream_env *env = stream->env;
        if (stream->in_line)
                return;
        stream->in_line = true;
        TAILQ_INSERT_TAIL(&env->rest, stream, line);
        env->rest_count++;
        call_next(env);
}

static void change_state(struct stream *stream, enum stream_state to)
{
        static const bool legal[STREAM_STATE_COUNT][STREAM_STATE_COUNT] = {
            [STREAM_CLOSED] = {[STREAM_CONNECTING] = true, [STREAM_HANDSHAKE] = true},
            [STREAM_CONNECTING] = {[STREAM_HANDSHAKE] = true, [STREAM_DRAINING] = true},
            [STREAM_HANDSHAKE] = {[STREAM_OPEN] = true, [STREAM_DRAINING] = true},
            [STREAM_OPEN] = {[STREAM_DRAINING] = true},
            [STREAM_DRAINING] = {[STREAM_CLOSED] = true},
        };
        assert(legal[stream->state][to]);
        leave_line(stream);
        stream->state = (uint8_t)to;
}

static void wait_for(struct stream *stream, enum wait wait)
{
        if (!stream->env->timeout[wait])
                wait = WAIT_NONE;
        if (wait != WAIT_NONE)
                event_add(&stream->timer, stream->env->timeout[wait]);
        else if (stream->wait != WAIT_NONE)
                event_del(&stream->timer);
        stream->wait = (uint8_t)wait;
}

/* Its owner is told, or it is gone, when the present event has been dealt with. */
static void see_to_it(struct stream *stream)
{
        if (stream->in_turn)
                return;
        stream->in_turn = true;
        TAILQ_INSERT_TAIL(&stream->env->turn, stream, turn);
        event_active(stream->env->reaper, EV_TIMEOUT, 0);
}

static void free_buffer(uint8_t **buffer, uint32_t *length, uint32_t *room)
{
        if (*buffer)
                OPENSSL_cleanse(*buffer, *length);
        free(*buffer);
        *buffer = NULL;
        *length = *room = 0;
}

static void empty_buffer(const struct stream *stream, uint8_t **buffer, uint32_t *length, uint32_t *room)
{
        if (!stream->env->rules.keeps_buffers) {
                free_buffer(buffer, length, room);
                return;
        }
        OPENSSL_cleanse(*buffer, *length);
        *length = 0;
}

static void close_now(struct stream *stream)
{
        change_state(stream, STREAM_CLOSED);
        event_del(&stream->readable);
        event_del(&stream->writable);
        wait_for(stream, WAIT_NONE);
        SSL_free(stream->ssl);
        stream->ssl = NULL;
        close(stream->fd);
        stream->fd = -1;
        if (stream->lingering)
                stream->env->lingering--;
        stream->lingering = false;
        free_buffer(&stream->input, &stream->input_length, &stream->input_room);
        free_buffer(&stream->output, &stream->output_length, &stream->output_room);
        stream->released = 0;
        see_to_it(stream);
}

/* A peer that hung up is not waited for, nor one that nobody knows; except that a failed handshake's alert
 * should arrive, so that the other side learns what is wrong. */
static bool is_worth_lingering(const struct stream *stream, bool was_open)
{
        const struct stream_env *env = stream->env;
        if (!env->timeout[WAIT_LINGER] || stream->end == STREAM_END_PEER_CLOSED ||
            stream->end == STREAM_END_HUNG_UP)
                return false;
        return was_open ||
               (stream->end == STREAM_END_HANDSHAKE_FAILED && env->lingering < env->rules.lingering_max);
}

/* close_notify: one try, who does not read it does not need it. */
static void say_goodbye(struct stream *stream)
{
        ERR_clear_error();
        if (!stream->broken)
                SSL_shutdown(stream->ssl);
        ERR_clear_error();
}

void stream_close(struct stream *stream, int end, const char *format, ...)
{
        char reason[STREAM_REASON_MAX];
        va_list arguments;
        if (stream->state == STREAM_CLOSED || stream->state == STREAM_DRAINING)
                return;
        va_start(arguments, format);
        vsnprintf(reason, sizeof(reason), format, arguments);
        va_end(arguments);
        bool was_open = stream->state == STREAM_OPEN;
        stream->end = end;
        stream->reason = strdup(reason);
        stream->untold = true;
        change_state(stream, STREAM_DRAINING);
        free_buffer(&stream->input, &stream->input_length, &stream->input_room);
        see_to_it(stream);
        if (is_worth_lingering(stream, was_open)) {
                stream->lingering = true;
                stream->env->lingering++;
                wait_for(stream, WAIT_LINGER);
                drain(stream);
                return;
        }
        if (was_open && !stream->broken) {
                push(stream);
                say_goodbye(stream);
        }
        close_now(stream);
}

void stream_break(struct stream *stream, int end, const char *reason)
{
        if (stream->state == STREAM_CLOSED || stream->state == STREAM_DRAINING)
                return;
        stream->broken = true;
        stream_close(stream, end, "%s", reason);
}

static void leave(struct stream *stream)
{
        if (stream->in_turn)
                TAILQ_REMOVE(&stream->env->turn, stream, turn);
        stream->in_turn = false;
        if (stream->listed) {
                LIST_REMOVE(stream, entry);
                stream->env->count--;
        }
        stream->listed = stream->untold = false;
        free(stream->reason);
        stream->reason = NULL;
}

void stream_drop(struct stream *stream, bool politely)
{
        if (politely && stream->state == STREAM_OPEN)
                say_goodbye(stream);
        if (stream->state != STREAM_CLOSED && stream->state != STREAM_DRAINING)
                change_state(stream, STREAM_DRAINING);
        if (stream->state == STREAM_DRAINING)
                close_now(stream);
        leave(stream);
}

/* ---- the environment ----------------------------------------------------------------------------------- */

static void tell(struct stream *stream)
{
        char *reason = stream->reason;
        if (!stream->untold)
                return;
        stream->reason = NULL;
        stream->untold = false;
        stream->env->events->on_closed(stream, stream->end, reason ? reason : "out of memory");
        free(reason);
}

static void on_turn_end(evutil_socket_t fd, short what, void *context)
{
        struct stream_env *env = context;
        struct stream *stream;
        (void)fd;
        (void)what;
        while ((stream = TAILQ_FIRST(&env->turn))) {
                TAILQ_REMOVE(&env->turn, stream, turn);
                stream->in_turn = false;
                tell(stream);
                if (stream->state != STREAM_CLOSED || !stream->listed)
                        continue;
                leave(stream);
                if (env->events->on_gone)
                        env->events->on_gone(stream);
        }
}

/* False: libevent has no place for another one. */
static bool common_timeout(struct event_base *base, int64_t ms, const struct timeval **ret_timeout)
{
        struct timeval duration = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        *ret_timeout = ms > 0 ? event_base_init_common_timeout(base, &duration) : NULL;
        return ms == 0 || *ret_timeout;
}

bool stream_env_set_timeouts(struct stream_env *env, const struct stream_timeouts *timeouts)
{
        const struct timeval *timeout[WAIT_COUNT] = {NULL};
        if (!common_timeout(env->base, timeouts->handshake_ms, &timeout[WAIT_HANDSHAKE]) ||
            !common_timeout(env->base, timeouts->idle_ms, &timeout[WAIT_IDLE]) ||
            !common_timeout(env->base, timeouts->message_ms, &timeout[WAIT_MESSAGE]) ||
            !common_timeout(env->base, timeouts->output_ms, &timeout[WAIT_OUTPUT]) ||
            !common_timeout(env->base, timeouts->linger_ms, &timeout[WAIT_LINGER]))
                return false;
        memcpy(env->timeout, timeout, sizeof(timeout));
        env->untaken_ms = (unsigned)timeouts->untaken_ms;
        return true;
}

struct stream_env *stream_env_new(struct event_base *base, const struct stream_rules *rules,
                                  const struct stream_events *events, const struct stream_timeouts *timeouts,
                                  void *context)
{
        struct stream_env *env = calloc(1, sizeof(*env) + rules->input_max);
        if (!env)
                return NULL;
        *env = (struct stream_env){.base = base, .rules = *rules, .events = events, .context = context};
        TAILQ_INIT(&env->turn);
        TAILQ_INIT(&env->line);
        TAILQ_INIT(&env->rest);
        env->usher = event_new(base, -1, 0, on_usher, env);
        LIST_INIT(&env->all);
        env->reaper = event_new(base, -1, 0, on_turn_end, env);
        if (!env->reaper || !env->usher || !stream_env_set_timeouts(env, timeouts)) {
                stream_env_free(env);
                return NULL;
        }
        return env;
}

void stream_env_free(struct stream_env *env)
{
        struct stream *stream;
        if (!env)
                return;
        while ((stream = LIST_FIRST(&env->all))) {
                stream_drop(stream, true);
                if (env->events->on_gone)
                        env->events->on_gone(stream);
        }
        if (env->reaper)
                event_free(env->reaper);
        if (env->usher)
                event_free(env->usher);
        free(env);
}

size_t stream_env_count(const struct stream_env *env)
{
        return env->count;
}

void *stream_env_context(const struct stream_env *env)
{
        return env->context;
}

/* ---- the beginning ------------------------------------------------------------------------------------- */

void stream_init(struct stream *stream, struct stream_env *env)
{
        *stream = (struct stream){.env = env, .fd = -1, .state = STREAM_CLOSED};
}

/* TLS reads on and on as long as what comes is its own (KeyUpdates), and would not return to the loop while somebody
 * sends faster than it reads: for it the socket is empty once the turn's bytes are spent. */
static long on_bio(BIO *bio, int operation, const char *bytes, size_t length, int number, long what,
                   int result, size_t *processed)
{
        struct stream *stream = (struct stream *)(void *)BIO_get_callback_arg(bio);
        (void)bytes;
        (void)length;
        (void)number;
        (void)what;
        if (operation == BIO_CB_READ && stream->allowance == 0) {
                BIO_clear_retry_flags(bio);
                BIO_set_retry_read(bio);
                return -1;
        }
        if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0)
                stream->allowance -=
                    *processed < stream->allowance ? (uint32_t)*processed : stream->allowance;
        return result;
}

/* A key update costs us tens of times what it costs its sender, who may have made them all beforehand. Telling TLS that the
 * peer has closed is the one way to have SSL_read return before it has read all that is there. */
static void on_tls_message(int is_ours, int version, int kind, const void *bytes, size_t length, SSL *ssl,
                           void *context)
{
        static const struct rate_rules limit = {STREAM_TLS_MESSAGES, STREAM_TLS_MESSAGE_MS};
        struct stream *stream = context;
        (void)version;
        (void)bytes;
        (void)length;
        if (is_ours || kind != SSL3_RT_HANDSHAKE || stream->state != STREAM_OPEN ||
            rate_take(&stream->tls_messages, &limit, steady_now_ms()))
                return;
        stream->flooding = true;
        stream->allowance = 0;
        SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

static void limit_reading(struct stream *stream)
{
        SSL_set_msg_callback(stream->ssl, on_tls_message);
        SSL_set_msg_callback_arg(stream->ssl, stream);
        BIO *bio = SSL_get_rbio(stream->ssl);
        BIO_set_callback_arg(bio, (char *)stream);
        BIO_set_callback_ex(bio, on_bio);
        stream->allowance = READ_PER_TURN;
}

static void set_up(struct stream *stream, int fd, SSL *ssl)
{
        struct event_base *base = stream->env->base;
        assert(stream->state == STREAM_CLOSED && !stream->untold && !stream->in_turn);
        /* A peer that hangs up is to be distinguished from one that closes. */
        SSL_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
        stream->fd = fd;
        stream->ssl = ssl;
        stream->paused = stream->deaf = stream->stopped = false;
        stream->read_wants_write = stream->write_wants_read = false;
        stream->unread = stream->heard = stream->broken = stream->flooding = false;
        stream->tls_messages = (struct rate){0};
        stream->lingered = 0;
        stream->answered_ms = 0;
        limit_reading(stream);
        if (stream->env->untaken_ms)
                setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stream->env->untaken_ms,
                           sizeof(stream->env->untaken_ms));
        event_assign(&stream->readable, base, fd, EV_READ | EV_PERSIST, on_readable, stream);
        event_assign(&stream->writable, base, fd, EV_WRITE, on_writable, stream);
        event_assign(&stream->timer, base, -1, 0, on_timer, stream);
        if (stream->listed) /* connected anew by on_closed */
                return;
        stream->listed = true;
        LIST_INSERT_HEAD(&stream->env->all, stream, entry);
        stream->env->count++;
}

bool stream_accept(struct stream *stream, SSL_CTX *tls, int fd)
{
        SSL *ssl = SSL_new(tls);
        if (!ssl || SSL_set_fd(ssl, fd) != 1) {
                ERR_clear_error();
                SSL_free(ssl);
                close(fd);
                return false;
        }
        SSL_set_accept_state(ssl);
        set_up(stream, fd, ssl);
        change_state(stream, STREAM_HANDSHAKE);
        event_add(&stream->readable, NULL);
        wait_for(stream, WAIT_HANDSHAKE);
        return true;
}

bool stream_connect(struct stream *stream, SSL *ssl, const struct sockaddr *address, socklen_t length,
                    const struct sockaddr *from)
{
        static const int on = 1;
        int saved_errno;
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                goto failed;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        if (from && (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
                     bind(fd, from, length) < 0))
                goto failed;
        if (connect(fd, address, length) < 0 && errno != EINPROGRESS)
                goto failed;
        errno = ENOMEM;
        if (SSL_set_fd(ssl, fd) != 1)
                goto failed;
        SSL_set_connect_state(ssl);
        set_up(stream, fd, ssl);
        change_state(stream, STREAM_CONNECTING);
        event_add(&stream->writable, NULL);
        wait_for(stream, WAIT_HANDSHAKE);
        return true;
failed:
        saved_errno = errno;
        ERR_clear_error();
        SSL_free(ssl);
        if (fd >= 0)
                close(fd);
        errno = saved_errno;
        return false;
}

/* ---- questions ----------------------------------------------------------------------------------------- */

enum stream_state stream_state(const struct stream *stream)
{
        return stream->state;
}

SSL *stream_tls(const struct stream *stream)
{
        return stream->ssl;
}

size_t stream_waiting(const struct stream *stream)
{
        return stream->output_length;
}

int64_t stream_answered_ms(const struct stream *stream)
{
        return stream->answered_ms;
}

bool stream_has_unread(const struct stream *stream)
{
        int unread = 0;
        return stream->fd >= 0 && ioctl(stream->fd, FIONREAD, &unread) == 0 && unread > 0;
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
static void fail(struct stream *stream, int result, int kind, const char *doing)
{
        char reason[STREAM_REASON_MAX / 2];
        int saved_errno = errno;
        stream->broken = true;
        if (kind == SSL_ERROR_ZERO_RETURN) {
                stream_close(stream, STREAM_END_PEER_CLOSED, "the peer has closed the connection");
        } else if (has_hung_up(kind)) {
                stream_close(stream, STREAM_END_HUNG_UP, "%s: %s", doing,
                             saved_errno ? strerror(saved_errno) : "end without close_notify");
        } else {
                errno = saved_errno;
                tls_reason(stream->ssl, result, reason, sizeof(reason));
                stream_close(stream, STREAM_END_PROTOCOL, "%s: %s", doing, reason);
        }
        ERR_clear_error();
}

static void fail_for_memory(struct stream *stream)
{
        stream->broken = true;
        stream_close(stream, STREAM_END_ERROR, "out of memory");
}

/* ---- looking away ---------------------------------------------------------------------------------------- */

static void look_away(struct stream *stream)
{
        event_del(&stream->readable);
        stream->deaf = true;
}

static void look_again(struct stream *stream)
{
        if (stream->deaf)
                event_add(&stream->readable, NULL);
        stream->deaf = false;
}

/* ---- handshake ----------------------------------------------------------------------------------------- */

static void fail_handshake(struct stream *stream, int result, int kind)
{
        char reason[STREAM_REASON_MAX / 2];
        stream->broken = true;
        if (has_hung_up(kind)) {
                ERR_clear_error();
                stream_close(stream, STREAM_END_HUNG_UP, "before the handshake was completed");
                return;
        }
        tls_reason(stream->ssl, result, reason, sizeof(reason));
        stream_close(stream, STREAM_END_HANDSHAKE_FAILED, "handshake: %s", reason);
}

static void open_up(struct stream *stream)
{
        char name[STREAM_NAME_MAX];
        bool is_server = SSL_is_server(stream->ssl);
        if (is_server && !tls_peer_name(stream->ssl, name, sizeof(name))) {
                stream_close(stream, STREAM_END_HANDSHAKE_FAILED, "handshake: the certificate names nobody");
                return;
        }
        event_del(&stream->writable);
        change_state(stream, STREAM_OPEN);
        wait_for(stream, WAIT_IDLE);
        stream->env->events->on_open(stream, is_server ? name : NULL);
        if (stream->state == STREAM_OPEN && SSL_has_pending(stream->ssl))
                read_in_next_turn(stream);
}

static void shake_hands(struct stream *stream)
{
        ERR_clear_error();
        errno = 0;
        int result = SSL_do_handshake(stream->ssl);
        if (result == 1) {
                open_up(stream);
                return;
        }
        int kind = SSL_get_error(stream->ssl, result);
        if (kind == SSL_ERROR_WANT_WRITE)
                event_add(&stream->writable, NULL);
        else if (kind != SSL_ERROR_WANT_READ)
                fail_handshake(stream, result, kind);
        else if (stream->answered_ms == 0 && BIO_number_written(SSL_get_wbio(stream->ssl)) > 0)
                stream->answered_ms = steady_now_ms();
}

/* One step in each turn of the loop: it costs up to a millisecond, and those who are open go on in between. libevent's
 * priorities would say who comes first as well, but keep the others waiting for as long as anybody is served. */
static void shake_next(struct stream_env *env)
{
        struct stream *stream = TAILQ_FIRST(&env->line);
        if (!stream)
                return;
        leave_line(stream);
        look_again(stream);
        stream->allowance = READ_PER_TURN;
        shake_hands(stream);
}

static void on_usher(evutil_socket_t fd, short what, void *context)
{
        struct stream_env *env = context;
        struct stream *stream;
        (void)fd;
        for (size_t left = env->rest_count; left > 0 && (stream = TAILQ_FIRST(&env->rest)); left--) {
                leave_line(stream);
                on_readable(stream->fd, what, stream);
        }
        shake_next(env);
        if (!TAILQ_EMPTY(&env->line))
                call_next(env);
}

static void line_up(struct stream *stream)
{
        struct stream_env *env = stream->env;
        if (stream->in_line)
                return;
        look_away(stream);
        stream->in_line = true;
        if (stream->answered_ms) /* one step from its end, which makes room for another */
                TAILQ_INSERT_HEAD(&env->line, stream, line);
        else
                TAILQ_INSERT_TAIL(&env->line, stream, line);
        call_next(env);
}

static void on_connected(struct stream *stream)
{
        int error = 0;
        socklen_t length = sizeof(error);
        if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
                error = errno;
        if (error) {
                stream_close(stream, STREAM_END_CONNECT_FAILED, "connecting: %s", strerror(error));
                return;
        }
        change_state(stream, STREAM_HANDSHAKE);
        event_add(&stream->readable, NULL);
        shake_hands(stream);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Half a message of TLS itself has come (a KeyUpdate in two records), and TLS writes nothing before it is whole. */
static void await_input(struct stream *stream)
{
        stream->write_wants_read = true;
        look_again(stream);
}

/* From the first byte that waits on, not from the latest try. */
static void await_taking(struct stream *stream)
{
        if (stream->env->timeout[WAIT_OUTPUT] && stream->wait != WAIT_OUTPUT)
                wait_for(stream, WAIT_OUTPUT);
}

/* What fits into the socket; returns how many bytes. The stream may be over then, and `bytes` with it. */
static size_t write_some(struct stream *stream, const uint8_t *bytes, size_t length)
{
        size_t done = 0;
        /* What came behind what was wanted waits within TLS, where no event tells of it. */
        stream->stopped = stream->stopped || stream->write_wants_read;
        stream->write_wants_read = false;
        while (done < length) {
                ERR_clear_error();
                errno = 0;
                int result = SSL_write(stream->ssl, bytes + done, (int)(length - done));
                if (result > 0) {
                        done += (size_t)result;
                        continue;
                }
                int kind = SSL_get_error(stream->ssl, result);
                if (kind == SSL_ERROR_WANT_WRITE)
                        event_add(&stream->writable, NULL);
                else if (kind == SSL_ERROR_WANT_READ)
                        await_input(stream);
                else
                        fail(stream, result, kind, "writing");
                break;
        }
        return done;
}

static void take_off(struct stream *stream, size_t done)
{
        size_t left = stream->output_length - done;
        stream->released -= (uint32_t)done;
        if (left == 0) {
                empty_buffer(stream, &stream->output, &stream->output_length, &stream->output_room);
                return;
        }
        memmove(stream->output, stream->output + done, left);
        OPENSSL_cleanse(stream->output + left, done);
        stream->output_length = (uint32_t)left;
}

static void push(struct stream *stream)
{
        size_t done = stream->released ? write_some(stream, stream->output, stream->released) : 0;
        if (stream->state != STREAM_CLOSED && done > 0)
                take_off(stream, done);
}

/* After something has left, or could not. */
static void see_what_is_left(struct stream *stream)
{
        if (stream->state != STREAM_OPEN)
                return;
        if (stream->released > 0) {
                await_taking(stream);
        } else {
                if (stream->wait == WAIT_OUTPUT)
                        wait_for(stream, WAIT_IDLE);
                if (stream->env->events->on_sent)
                        stream->env->events->on_sent(stream);
        }
        if (stream->stopped)
                go_on(stream);
}

static bool make_room(struct stream *stream, size_t needed)
{
        const struct stream_rules *rules = &stream->env->rules;
        size_t room = needed;
        if (needed <= stream->output_room)
                return true;
        if (rules->keeps_buffers)
                room = needed < ROOM_FIRST ? ROOM_FIRST : 2 * needed;
        if (room > rules->output_max)
                room = rules->output_max;
        uint8_t *output = malloc(room);
        if (!output) {
                fail_for_memory(stream);
                return false;
        }
        uint32_t length = stream->output_length;
        if (length > 0)
                memcpy(output, stream->output, length);
        free_buffer(&stream->output, &stream->output_length, &stream->output_room);
        stream->output = output;
        stream->output_length = length;
        stream->output_room = (uint32_t)room;
        return true;
}

/* Keep what is to leave later. */
static void append(struct stream *stream, const uint8_t *bytes, size_t length)
{
        if (!make_room(stream, stream->output_length + length))
                return;
        memcpy(stream->output + stream->output_length, bytes, length);
        stream->output_length += (uint32_t)length;
}

/* False where it is over, or is so now because too much waits already. */
static bool takes(struct stream *stream, size_t length)
{
        assert(length > 0);
        if (stream->state == STREAM_OPEN && stream->output_length + length > stream->env->rules.output_max)
                stream_close(stream, STREAM_END_UNREAD, "the peer does not take what it is sent");
        return stream->state == STREAM_OPEN;
}

void stream_queue(struct stream *stream, const uint8_t *bytes, size_t length)
{
        if (takes(stream, length))
                append(stream, bytes, length);
}

void stream_unqueue(struct stream *stream, size_t length)
{
        if (stream->state != STREAM_OPEN)
                return;
        assert(length <= stream->output_length - stream->released);
        stream->output_length -= (uint32_t)length;
        OPENSSL_cleanse(stream->output + stream->output_length, length);
}

static void push_on(struct stream *stream)
{
        push(stream);
        see_what_is_left(stream);
}

void stream_flush(struct stream *stream)
{
        if (stream->state != STREAM_OPEN)
                return;
        stream->released = stream->output_length;
        push_on(stream);
}

void stream_send(struct stream *stream, const uint8_t *bytes, size_t length)
{
        size_t done = 0;
        if (!takes(stream, length))
                return;
        bool blocked = stream->released > 0;
        if (stream->output_length == 0) {
                done = write_some(stream, bytes, length);
                if (stream->state != STREAM_OPEN || done == length)
                        return;
                blocked = true;
        }
        append(stream, bytes + done, length - done);
        if (!blocked) {
                stream_flush(stream);
                return;
        }
        stream->released = stream->output_length;
        see_what_is_left(stream);
}

static void end_flood(struct stream *stream)
{
        if (stream->flooding)
                stream_close(stream, STREAM_END_FLOOD, "more than %d key updates or the like at once",
                             STREAM_TLS_MESSAGES);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        struct stream *stream = context;
        (void)fd;
        (void)what;
        switch (stream->state) {
        case STREAM_CONNECTING:
                on_connected(stream);
                break;
        case STREAM_HANDSHAKE:
                line_up(stream);
                break;
        case STREAM_OPEN:
                stream->unread = stream->unread || stream->read_wants_write;
                stream->read_wants_write = false;
                push_on(stream);
                break;
        case STREAM_DRAINING:
                drain(stream);
                break;
        default:
                break;
        }
        end_flood(stream);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool may_deliver(const struct stream *stream)
{
        return stream->state == STREAM_OPEN && !stream->paused && !stream->read_wants_write &&
               !stream->write_wants_read && stream->output_length < stream->env->rules.output_pause;
}

/* Keep what could not be delivered yet: part of a message, or whole ones while nothing may be read. */
static void keep_input(struct stream *stream, const uint8_t *bytes, size_t length)
{
        if (length == 0 || stream->state != STREAM_OPEN)
                return;
        if (length > stream->input_room) {
                size_t room = stream->env->rules.keeps_buffers ? stream->env->rules.input_max : length;
                stream->input = malloc(room);
                if (!stream->input) {
                        fail_for_memory(stream);
                        return;
                }
                stream->input_room = (uint32_t)room;
        }
        memcpy(stream->input, bytes, length);
        stream->input_length = (uint32_t)length;
        if (may_deliver(stream) && stream->wait != WAIT_MESSAGE && stream->wait != WAIT_OUTPUT)
                wait_for(stream, WAIT_MESSAGE); /* from its first byte on, not from its latest */
}

/* Hand over the whole messages at `bytes`; returns how many bytes are used up. */
static size_t deliver(struct stream *stream, const uint8_t *bytes, size_t length, int *messages)
{
        const struct stream_env *env = stream->env;
        const struct framing *framing = &env->rules.framing;
        size_t used = 0;
        while (may_deliver(stream) && used < length && *messages < env->rules.messages_per_turn) {
                const uint8_t *message;
                size_t message_length;
                switch (
                    framing->next(framing->rules, bytes + used, length - used, &message, &message_length)) {
                case FRAME_PARTIAL:
                        return used;
                case FRAME_BAD:
                        stream_close(stream, STREAM_END_PROTOCOL,
                                     "a message begins with %02x %02x, which is no length of 1 to %zu bytes",
                                     bytes[used], used + 1 < length ? bytes[used + 1] : 0, framing->longest);
                        return used;
                case FRAME_READY:
                        break;
                }
                used = (size_t)(message - bytes) + message_length;
                ++*messages;
                if (stream->wait != WAIT_OUTPUT)
                        wait_for(stream, WAIT_IDLE);
                env->events->on_message(stream, message, message_length);
        }
        return used;
}

/* One SSL_read behind the `have` bytes that are there. Returns the new total; *ret_again says whether there is more
 * to read at once. The stream may be over. */
static size_t read_some(struct stream *stream, size_t have, bool *ret_again)
{
        struct stream_env *env = stream->env;
        ERR_clear_error();
        errno = 0;
        int result = SSL_read(stream->ssl, env->in + have, (int)(env->rules.input_max - have));
        *ret_again = false;
        if (result > 0) {
                *ret_again = SSL_has_pending(stream->ssl);
                return have + (size_t)result;
        }
        if (stream->flooding)
                return have;
        int kind = SSL_get_error(stream->ssl, result);
        if (kind == SSL_ERROR_WANT_READ)
                return have;
        if (kind == SSL_ERROR_WANT_WRITE) {
                stream->read_wants_write = true;
                event_add(&stream->writable, NULL);
                await_taking(stream);
                return have;
        }
        fail(stream, result, kind, have ? "in the middle of a message" : "reading");
        return have;
}

/*
 * Deliver what was kept, then read and deliver. Stops when the owner pauses, the peer is slow to take what it is
 * sent, nothing more is there, or this stream has had its share of the turn.
 */
static void read_on(struct stream *stream)
{
        const struct stream_env *env = stream->env;
        uint8_t *in = stream->env->in;
        size_t have = stream->input_length;
        int messages = 0;
        bool again = true;
        if (env->events->may_read && !env->events->may_read(stream)) {
                stream->paused = true;
                return;
        }
        stream->unread = false;
        if (have) {
                memcpy(in, stream->input, have);
                empty_buffer(stream, &stream->input, &stream->input_length, &stream->input_room);
        }
        size_t used = deliver(stream, in, have, &messages);
        size_t most = have;
        bool heard = false;
        while (again && may_deliver(stream) && messages < env->rules.messages_per_turn) {
                have -= used;
                memmove(in, in + used, have);
                size_t before = have;
                have = read_some(stream, have, &again);
                heard = heard || have > before;
                most = have > most ? have : most;
                used = deliver(stream, in, have, &messages);
        }
        if (stream->allowance == 0 && !heard && !stream->flooding)
                stream_close(stream, STREAM_END_FLOOD, "%d bytes without a message", READ_PER_TURN);
        if (messages >= env->rules.messages_per_turn && may_deliver(stream))
                read_in_next_turn(stream);
        keep_input(stream, in + used, have - used);
        stream->stopped = !may_deliver(stream);
        OPENSSL_cleanse(in, most);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct stream *stream = context;
        (void)fd;
        (void)what;
        if (stream->in_line) /* its turn comes: one share, whoever calls */
                return;
        stream->heard = true;
        stream->allowance = READ_PER_TURN;
        switch (stream->state) {
        case STREAM_HANDSHAKE:
                line_up(stream);
                break;
        case STREAM_OPEN:
                if (stream->write_wants_read) {
                        push_on(stream);
                } else if (may_deliver(stream)) {
                        read_on(stream);
                } else {
                        /* A peer that sends more than it may: look away until it may. */
                        look_away(stream);
                        stream->stopped = true;
                }
                break;
        case STREAM_DRAINING:
                drain(stream);
                break;
        default:
                break;
        }
        end_flood(stream);
}

void stream_pause(struct stream *stream)
{
        stream->paused = true;
}

static void go_on(struct stream *stream)
{
        if (!may_deliver(stream))
                return;
        stream->stopped = false;
        look_again(stream);
        if (stream->input_length || stream->unread || SSL_has_pending(stream->ssl))
                read_in_next_turn(stream);
}

void stream_resume(struct stream *stream)
{
        if (!stream->paused)
                return;
        stream->paused = false;
        go_on(stream);
}

/* ---- draining ------------------------------------------------------------------------------------------ */

/* The peer's last words are thrown away until it hangs up. */
static void discard(struct stream *stream)
{
        uint8_t bytes[DISCARD_CHUNK];
        ssize_t length;
        while ((length = recv(stream->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
                stream->lingered += (uint32_t)length;
                if (stream->lingered > stream->env->rules.linger_bytes)
                        break;
        }
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
                return;
        close_now(stream);
}

static void drain(struct stream *stream)
{
        if (stream->ssl && stream->released && !stream->broken) {
                push(stream);
                if (stream->released && !stream->broken) {
                        if (!stream->write_wants_read)
                                look_away(stream); /* what comes waits until all has left */
                        return;
                }
        }
        if (stream->ssl) {
                say_goodbye(stream);
                SSL_free(stream->ssl);
                stream->ssl = NULL;
                shutdown(stream->fd, SHUT_WR);
                look_again(stream);
        }
        discard(stream);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct stream *stream = context;
        (void)fd;
        (void)what;
        switch (stream->wait) {
        case WAIT_HANDSHAKE:
                if (stream->state == STREAM_CONNECTING)
                        stream_close(stream, STREAM_END_CONNECT_FAILED, "connecting took too long");
                else
                        stream_close(stream, STREAM_END_HANDSHAKE_TIMEOUT,
                                     "the handshake was not completed in time%s",
                                     stream->heard ? "" : ": nothing was sent");
                break;
        case WAIT_IDLE:
                if (stream->paused)
                        wait_for(stream, WAIT_IDLE); /* it is us who are slow */
                else
                        stream_close(stream, STREAM_END_IDLE_TIMEOUT, "no message for too long");
                break;
        case WAIT_MESSAGE:
                if (stream->paused)
                        wait_for(stream, WAIT_MESSAGE); /* likewise: its rest may have come */
                else
                        stream_close(stream, STREAM_END_MESSAGE_TIMEOUT,
                                     "a message was not completed in time");
                break;
        case WAIT_OUTPUT:
                stream_close(stream, STREAM_END_UNREAD, "what was sent was not taken in time");
                break;
        case WAIT_LINGER:
                close_now(stream);
                break;
        default:
                break;
        }
}
