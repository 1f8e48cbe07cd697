/*
 * A stream of messages over TLS on the event loop, whoever the peer is: OpenSSL driven directly on libevent's events,
 * one read and one write a message where that is possible, no allocation a message.
 *
 *      CLOSED --stream_connect--> CONNECTING --> HANDSHAKE --> OPEN --> DRAINING --> CLOSED
 *         '-----------------stream_accept------------^
 *
 * From CONNECTING and HANDSHAKE, too, the way out leads through DRAINING.
 *
 * HANDSHAKE   nothing is believed yet
 * OPEN        the peer's certificate is good; messages go to the owner
 * DRAINING    over for the owner: what was sent leaves, then close_notify; where the environment lingers, the peer's
 *             hanging up is awaited so that the kernel does not throw the last bytes away
 * CLOSED      no descriptor, no memory of its own
 *
 * Handshakes go on one at a time, a step in each turn of the loop, in the order in which their peers were heard: a step
 * costs as much as thirty messages, and messages must not wait for a crowd of newcomers, nor newcomers for each message.
 *
 * change_state (stream.c) is the one door for states. stream_close, with a reason, is the way out for owner, failure
 * and time alike: `on_closed` is then called once, at the end of the loop's turn and never from within a call of the
 * owner's; `on_gone` follows when nothing refers to the stream any more. stream_drop ends it without a word; where its
 * memory is to be freed after that, not from within a callback of its own.
 *
 * The owner embeds struct stream (its members are stream.c's) and finds itself from the pointer. What all streams of
 * an owner share, limits and buffers to read into, is its environment.
 *
 * Memory: input is kept only while it is partial or its owner has paused it, at most input_max; output only while it
 * waits to leave, at most output_max. Where keeps_buffers is not set an idle stream has no buffer at all.
 * What was queued leaves at stream_flush and not before, whatever happens, so that answers may wait for their records
 * to be durable. In one turn of the loop a stream may read so many bytes (READ_PER_TURN): who spends them all and says
 * nothing is closed. So is who sends TLS's own messages (key updates, tickets, a wish to negotiate anew) more often than
 * STREAM_TLS_MESSAGES and STREAM_TLS_MESSAGE_MS say: each costs us more than its sender. Time limits, all real: the
 * handshake (with connecting), a message once begun, taking what is sent, idleness.
 */
#ifndef LIB_NET_STREAM_H
#define LIB_NET_STREAM_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "lib/base/attributes.h"
#include "lib/base/framing.h"
#include "lib/base/rate.h"

enum {
        STREAM_REASON_MAX = 384,
        STREAM_NAME_MAX = 64,
        /* A peer's messages of TLS's own on an open stream: so many at once, and one more in each such time. Keys are good for
         * millions of messages (RFC 8446, 5.5); a server sends a few tickets at the beginning. */
        STREAM_TLS_MESSAGES = 32,
        STREAM_TLS_MESSAGE_MS = 1000,
};

enum stream_state {
        STREAM_CLOSED,
        STREAM_CONNECTING,
        STREAM_HANDSHAKE,
        STREAM_OPEN,
        STREAM_DRAINING,
        STREAM_STATE_COUNT
};

enum stream_end {
        STREAM_END_PEER_CLOSED, /* with close_notify */
        STREAM_END_HUNG_UP,     /* without */
        STREAM_END_HANDSHAKE_FAILED,
        STREAM_END_HANDSHAKE_TIMEOUT,
        STREAM_END_IDLE_TIMEOUT,
        STREAM_END_MESSAGE_TIMEOUT, /* not completed */
        STREAM_END_UNREAD,          /* what was sent was not taken: too much of it, or for too long */
        STREAM_END_FLOOD,           /* too much that is TLS's own and no message */
        STREAM_END_PROTOCOL,        /* bytes that can't be followed */
        STREAM_END_ERROR,
        STREAM_END_CONNECT_FAILED,
        STREAM_END_OWNER, /* from here on the owner's own */
};

struct stream_env;

struct stream {
        struct stream_env *env;
        SSL *ssl;
        int fd;
        int end; /* enum stream_end, or the owner's */
        uint8_t state, wait;
        bool listed;           /* in env->all */
        bool untold;           /* on_closed is still to be called */
        bool in_turn;          /* on env->turn */
        bool in_line;          /* on env->line or env->rest */
        bool paused;           /* by the owner */
        bool deaf;             /* the read event was taken out because nothing may be read */
        bool stopped;          /* reading was broken off because nothing may be read */
        bool read_wants_write; /* TLS has something to write before it can read on */
        bool write_wants_read; /* TLS has something to read before it can write on */
        bool unread;           /* such a read is to be tried again */
        bool heard;            /* a byte has come */
        bool broken;           /* TLS or the socket failed: nothing more can be sent */
        bool lingering;        /* counted in env->lingering */
        bool flooding;         /* more of TLS's own messages than it may send */
        struct rate tls_messages;
        int64_t answered_ms; /* steady: when the handshake's first answer had left; 0: not yet */
        uint32_t allowance;  /* bytes that may still be read in this turn */
        uint32_t lingered;   /* bytes thrown away while draining */
        uint32_t input_length, input_room;
        uint32_t output_length, output_room;
        uint32_t released; /* of the output, what may leave */
        uint8_t *input, *output;
        char *reason; /* while untold */
        struct event readable, writable, timer;
        LIST_ENTRY(stream) entry;
        TAILQ_ENTRY(stream) turn, line;
};

struct stream_events {
        /* name: of the certificate of one that was accepted; NULL for one that was connected, whose host is checked. */
        void (*on_open)(struct stream *stream, const char *name);
        /* False: paused, until stream_resume. NULL: it always may. */
        bool (*may_read)(struct stream *stream);
        /* One message without its length. The owner may send, pause, close or drop; the bytes are wiped after. */
        void (*on_message)(struct stream *stream, const uint8_t *message, size_t length);
        /* All that was flushed has left. NULL for who does not care. */
        void (*on_sent)(struct stream *stream);
        /* The last that the owner hears of what it sent and got; it may connect anew at once. */
        void (*on_closed)(struct stream *stream, int end, const char *reason);
        /* Its memory may be freed. NULL: it stays. */
        void (*on_gone)(struct stream *stream);
};

struct stream_rules {
        struct framing framing;
        size_t input_max;      /* in one read, and kept; two messages at least */
        size_t output_max;     /* that waits to leave: with more the stream is closed */
        size_t output_pause;   /* nothing is read while so much waits to leave */
        int messages_per_turn; /* of one stream; then the others have theirs */
        bool keeps_buffers;    /* once made they last as long as the connection */
        size_t lingering_max;  /* failed handshakes that linger; the next are cut off at once */
        size_t linger_bytes;   /* that are thrown away for one */
};

struct stream_timeouts {
        int64_t handshake_ms, idle_ms, message_ms, output_ms, linger_ms; /* 0: none; it does not linger */
        int64_t
            untaken_ms; /* what the system has taken to send and the peer's has not: 0: as the system does */
};

/* events must outlive it. NULL: out of memory, or too many different time-outs for libevent. */
struct stream_env *stream_env_new(struct event_base *base, const struct stream_rules *rules,
                                  const struct stream_events *events, const struct stream_timeouts *timeouts,
                                  void *context);
/* Drops all streams; of what they would still have said only on_gone is. NULL is fine. */
void stream_env_free(struct stream_env *env);
/* For waits that begin from now on. False: too many different time-outs for libevent, and nothing has changed. */
ATM_MUST_USE bool stream_env_set_timeouts(struct stream_env *env, const struct stream_timeouts *timeouts);
size_t stream_env_count(const struct stream_env *env); /* of those that are not gone */
void *stream_env_context(const struct stream_env *env);

/* Before anything else, and never while it is not CLOSED. */
void stream_init(struct stream *stream, struct stream_env *env);
/* As the server on a connected descriptor, which it takes over. False: out of memory, and the descriptor is closed. */
ATM_MUST_USE bool stream_accept(struct stream *stream, SSL_CTX *tls, int fd);
/* As the client. ssl is taken over, and knows whom to expect (tls_expect_host). from: an address of this machine, of the same family,
 * NULL: the system's choice. False: errno says why. */
ATM_MUST_USE bool stream_connect(struct stream *stream, SSL *ssl, const struct sockaddr *address,
                                 socklen_t length, const struct sockaddr *from);

/* To the peer at once, with all that was queued. All of these do nothing where it is not open. */
void stream_send(struct stream *stream, const uint8_t *bytes, size_t length);
void stream_queue(struct stream *stream, const uint8_t *bytes, size_t length);
void stream_unqueue(struct stream *stream,
                    size_t length); /* takes the last bytes back; they were not flushed */
void stream_flush(struct stream *stream);

void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* end: enum stream_end, or the owner's. Nothing where it is over already. */
void stream_close(struct stream *stream, int end, const char *format, ...) ATM_PRINTF(3, 4);
/* The same without a word to the peer: how those hang up who misbehave. */
void stream_break(struct stream *stream, int end, const char *reason);
/* Over at once and silently: no callback comes after this. politely: with close_notify. */
void stream_drop(struct stream *stream, bool politely);

enum stream_state stream_state(const struct stream *stream);
SSL *stream_tls(const struct stream *stream);        /* NULL while it is CLOSED */
size_t stream_waiting(const struct stream *stream);  /* bytes to leave, queued ones too */
bool stream_has_unread(const struct stream *stream); /* what it sent waits for us */
/* When a handshake's first answer had left, in steady milliseconds; 0: not yet. */
int64_t stream_answered_ms(const struct stream *stream);

#endif
