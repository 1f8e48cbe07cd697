/* One bank at work: see host.h. change_state is the one door between UP and DOWN. */
#include "tools/banksim/host.h"

#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/net/listener.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "rules/calendar.h"
#include "lib/security/tls.h"
#include "tools/banksim/accounts.h"
#include "tools/banksim/bank.h"
#include "tools/banksim/journal_writer.h"
#include "tools/banksim/host_conn.h"
#include "tools/banksim/bank_message.h"
#include "tools/banksim/wire.h"

/* Connections are libevent's middle queue; the flush comes when nothing more is there to read. */
enum { PRIORITY_SOON = 0, PRIORITY_CONN = 1, PRIORITY_FLUSH = 2 };
enum {
        FLUSH_ANSWERS = 256, /* so many wait at most for one flush, */
        FLUSH_AGE_MS = 5,    /* and none longer than this while messages keep coming */
        DELAYED_MAX = 65536, /* answers held back at the same time; more are thrown away */
        REOPEN_MS = 100,     /* until the next try to listen or accept again */
        LINES_A_SECOND = 20, /* that a peer can make us write */
        ACCEPTS_PER_TURN = 16,
        BACKLOG = 128,
};

enum state { HOST_UP, HOST_DOWN };

/* An answer on its way out: waiting for the flush, then perhaps for its time. */
struct out {
        TAILQ_ENTRY(out) entry;
        struct host *host;
        uint64_t conn;
        enum behaviour how;
        int64_t delay_ms;
        struct event timer;
        size_t length;
        uint8_t frame[];
};
TAILQ_HEAD(outs, out);

struct host {
        const struct host_world *world;
        const struct bank_options *options;
        enum state state;
        bool dead; /* the journal failed: nothing may be said any more */
        struct bank *bank;
        struct wire *wire;
        struct host_keys keys;
        int32_t asked_stan; /* of the last request for keys; 0: none is under way */
        bool has_asked;     /* for keys, since it was started */
        SSL_CTX *tls;
        struct bank_journal journal;
        struct host_conns *conns;
        struct behaviours behaviours;
        struct listener *listener; /* shut while we are down */
        struct event *waking, *flushing;
        int64_t wakes_ms; /* while down; INT64_MAX: when told */
        /* answers */
        struct outs waiting, delayed;
        size_t waiting_count, delayed_count;
        int64_t waiting_since_ms;
        /* counts */
        uint64_t count[BANK_COUNT_COUNT];
        uint64_t connections, refused, undelivered, exceptions;
        int64_t line_second;
        unsigned lines, lines_dropped;
};

static void change_state(struct host *host, enum state to);
static void wake_in(struct host *host, int64_t ms);

static int64_t business_ms(const struct host *host)
{
        return clock_business_ms(&host->world->options->clock, real_now_ms());
}

/* A line for people. What peers can cause is limited, and what was left out is said. */
ATM_PRINTF(2, 3) static void say(struct host *host, const char *format, ...)
{
        int64_t second = steady_now_ms() / 1000;
        va_list arguments;
        if (second != host->line_second) {
                if (host->lines_dropped > 0)
                        fprintf(stderr, "banksim: %s: %u lines left out\n", host->options->name,
                                host->lines_dropped);
                host->line_second = second;
                host->lines = host->lines_dropped = 0;
        }
        if (host->lines++ >= LINES_A_SECOND) {
                host->lines_dropped++;
                return;
        }
        fprintf(stderr, "banksim: %s: ", host->options->name);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
}

/* ---- answers on their way ------------------------------------------------------------------------------ */

static void out_free(struct out *out)
{
        event_del(&out->timer);
        free(out);
}

/* To its connection, if that is still there. */
static void out_deliver(struct out *out)
{
        struct host *host = out->host;
        struct host_conn *conn = host_conns_find(host->conns, out->conn);
        if (!conn) {
                host->undelivered++;
        } else if (out->how == BEHAVIOUR_HANG_UP) {
                behaviours_count(&host->behaviours, BEHAVIOUR_HANG_UP);
                host_conn_hang_up(conn, out->frame, out->length);
        } else {
                host_conn_queue(conn, out->frame, out->length);
                if (out->how == BEHAVIOUR_DUPLICATE) {
                        behaviours_count(&host->behaviours, BEHAVIOUR_DUPLICATE);
                        host_conn_queue(conn, out->frame, out->length);
                }
        }
        out_free(out);
}

static void out_end_delay(struct out *out)
{
        TAILQ_REMOVE(&out->host->delayed, out, entry);
        out->host->delayed_count--;
        out_deliver(out);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
        struct out *out = context;
        struct host *host = out->host;
        (void)fd, (void)what;
        out_end_delay(out);
        host_conns_flush(host->conns);
}

/* What was held: every answer that waits for an order, in the order of their questions. */
static void release_held(struct host *host)
{
        struct out *out = TAILQ_FIRST(&host->delayed);
        while (out) {
                struct out *next = TAILQ_NEXT(out, entry);
                if (out->how == BEHAVIOUR_HELD)
                        out_end_delay(out);
                out = next;
        }
        host_conns_flush(host->conns);
}

static void out_delay(struct out *out)
{
        struct host *host = out->host;
        struct timeval delay = {.tv_sec = out->delay_ms / 1000, .tv_usec = out->delay_ms % 1000 * 1000};
        if (host->delayed_count >= DELAYED_MAX) {
                host->undelivered++;
                out_free(out);
                return;
        }
        TAILQ_INSERT_TAIL(&host->delayed, out, entry);
        host->delayed_count++;
        if (out->how != BEHAVIOUR_HELD)
                event_add(&out->timer, &delay);
}

static void die(struct host *host, const char *path)
{
        fprintf(stderr, "banksim: %s: %s: %s; nothing more is answered\n", host->options->name, path,
                strerror(errno));
        host->dead = true;
        host_conns_close_all(host->conns, "the journal can't be written");
        host->world->on_fatal(host->world->context);
}

/* What was decided becomes durable; then the answers leave, or wait for their time. */
static void flush(struct host *host)
{
        struct out *out;
        if (host->dead)
                return;
        if (!bank_journal_flush(&host->journal)) {
                die(host, host->journal.path);
                return;
        }
        if (!host_keys_sync(&host->keys)) {
                die(host, host->keys.store.path);
                return;
        }
        while ((out = TAILQ_FIRST(&host->waiting))) {
                TAILQ_REMOVE(&host->waiting, out, entry);
                host->waiting_count--;
                if (out->delay_ms > 0 || out->how == BEHAVIOUR_HELD)
                        out_delay(out);
                else
                        out_deliver(out);
        }
        host_conns_flush(host->conns);
}

static void on_flush(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        flush(context);
}

static void flush_later(struct host *host)
{
        int64_t now = steady_now_ms();
        if (host->waiting_since_ms == 0 || !event_pending(host->flushing, EV_TIMEOUT, NULL))
                host->waiting_since_ms = now;
        if (host->waiting_count >= FLUSH_ANSWERS || now - host->waiting_since_ms >= FLUSH_AGE_MS) {
                event_del(host->flushing);
                flush(host);
                return;
        }
        event_active(host->flushing, EV_TIMEOUT, 0);
}

static void drop_outs(struct outs *outs)
{
        struct out *out;
        while ((out = TAILQ_FIRST(outs))) {
                TAILQ_REMOVE(outs, out, entry);
                out_free(out);
        }
}

/* ---- what it does with an answer ----------------------------------------------------------------------- */

static int64_t drawn_ms(struct host *host, const struct span *span)
{
        return behaviours_between(&host->behaviours, span->from_ms, span->to_ms);
}

/* The code that it answers with where it is a matter of one. */
static struct behaviour_order drawn_order(struct host *host, enum behaviour how)
{
        const struct bank_codes *codes = wire_codes(host->wire);
        struct behaviour_order order;
        size_t count = behaviour_order(how, codes, 0, &order);
        if (count > 1)
                (void)behaviour_order(how, codes,
                                      (uint64_t)behaviours_between(&host->behaviours, 0, (int64_t)count - 1),
                                      &order);
        return order;
}

static int64_t delay_for(struct host *host, enum behaviour how)
{
        if (how != BEHAVIOUR_SLOW && how != BEHAVIOUR_LATE && how != BEHAVIOUR_HELD)
                return 0;
        behaviours_count(&host->behaviours, how);
        if (how == BEHAVIOUR_HELD)
                return 0; /* it has no timer */
        return drawn_ms(host, how == BEHAVIOUR_SLOW ? &host->options->slow : &host->options->late);
}

/* The answer waits for the flush. */
static void queue_answer(struct host *host, struct host_conn *conn, enum behaviour how,
                         struct iso_message *answer)
{
        uint8_t frame[WIRE_FRAME_MAX];
        struct iso_error fault;
        size_t length = wire_write(host->wire, host_keys_own(&host->keys, steady_now_ms()),
                                   how == BEHAVIOUR_WRONG_MAC, answer, frame, &fault);
        struct out *out = length > 0 ? malloc(sizeof(*out) + length) : NULL;
        char text[256] = "out of memory";
        if (!out) {
                if (length == 0)
                        iso_error_print(wire_dialect(host->wire), &fault, text, sizeof(text));
                host_conn_close(conn, "the answer can't be written in this dialect: %s", text);
                return;
        }
        *out = (struct out){.host = host,
                            .conn = host_conn_id(conn),
                            .how = how,
                            .delay_ms = delay_for(host, how),
                            .length = length};
        memcpy(out->frame, frame, length);
        explicit_bzero(frame, sizeof(frame));
        event_assign(&out->timer, host->world->base, -1, 0, on_due, out);
        event_priority_set(&out->timer, PRIORITY_SOON);
        TAILQ_INSERT_TAIL(&host->waiting, out, entry);
        host->waiting_count++;
}

static void carry_out(struct host *host, struct host_conn *conn, enum behaviour how, struct bank_reply *reply)
{
        if (reply->close) {
                host_conn_close(conn, "%s", reply->why);
                return;
        }
        if (reply->why[0])
                say(host, "%s: %s", host_conn_peer(conn), reply->why);
        if (reply->has_record) {
                bank_journal_append(&host->journal, &reply->record);
                host->exceptions += reply->record.exception;
        }
        if (reply->ordered)
                behaviours_count(&host->behaviours, how);
        if (how == BEHAVIOUR_SILENT) {
                behaviours_count(&host->behaviours, how);
        } else {
                if (how == BEHAVIOUR_WRONG_ECHO) {
                        behaviours_count(&host->behaviours, how);
                        bank_message_spoil(&reply->answer,
                                           (uint64_t)behaviours_between(&host->behaviours, 0, 11));
                }
                if (how == BEHAVIOUR_WRONG_MAC && host->keys.used.set)
                        behaviours_count(&host->behaviours, how);
                queue_answer(host, conn, how, &reply->answer);
        }
        flush_later(host);
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static void take_keys(struct host *host, const struct host_delivery *delivery, int64_t in_ms)
{
        host_keys_take(&host->keys, host->options->link, delivery, steady_now_ms() + in_ms);
        say(host, "key set %d is taken", delivery->set);
}

/* The answer under the former set has been made. */
static void take_offer(struct host *host, enum behaviour how, const struct host_delivery *delivery)
{
        if (how == BEHAVIOUR_FORGET_KEYS || how == BEHAVIOUR_OLD_KEYS)
                behaviours_count(&host->behaviours, how);
        if (how != BEHAVIOUR_FORGET_KEYS)
                take_keys(host, delivery,
                          how == BEHAVIOUR_OLD_KEYS ? drawn_ms(host, &host->options->late) : 0);
}

static enum iso_network key_request_of(const struct iso_dialect *dialect)
{
        return dialect->network[ISO_NETWORK_KEY_REQUEST] ? ISO_NETWORK_KEY_REQUEST : ISO_NETWORK_KEY_CHANGE;
}

static void ask_keys(struct host *host, struct host_conn *conn)
{
        const struct iso_dialect *dialect = wire_dialect(host->wire);
        struct iso_message message;
        char de7[11];
        host->has_asked = true;
        host->asked_stan = host->asked_stan % 999999 + 1;
        calendar_to_de7(business_ms(host), de7);
        iso_init(&message, "0800");
        iso_set_string(&message, 7, de7);
        iso_set_number(&message, 11, host->asked_stan, 6);
        iso_set_string(&message, 41, "BANK0000");
        profile_set_network(dialect, key_request_of(dialect), &message);
        queue_answer(host, conn, BEHAVIOUR_NORMAL, &message);
        flush_later(host);
}

const char *host_ask_keys(struct host *host)
{
        const struct iso_dialect *dialect = wire_dialect(host->wire);
        struct host_conn *conn = host_conns_any_signed_on(host->conns);
        if (!host->keys.used.set || !dialect->network[key_request_of(dialect)])
                return "it has no keys, or its dialect no code for that; expected both";
        if (!conn)
                return "nobody has signed on; expected a connection that is up";
        ask_keys(host, conn);
        return NULL;
}

/* Who was away while its keys changed asks as soon as somebody is there. */
static void ask_keys_once(struct host *host, struct host_conn *conn)
{
        if (!host->has_asked && host->keys.used.set && *host_conn_signed_on(conn) &&
            wire_dialect(host->wire)->network[ISO_NETWORK_KEY_REQUEST])
                ask_keys(host, conn);
}

static void on_keys_answered(struct host *host, const struct iso_message *answer)
{
        struct host_delivery delivery;
        char de39[3] = "";
        int64_t stan;
        if (!iso_number(answer, 11, &stan) || stan != host->asked_stan ||
            !iso_copy(answer, 39, de39, sizeof(de39)))
                return;
        const char *wrong =
            strcmp(de39, "00") == 0 ? host_keys_read(&host->keys, answer, &delivery) : "the answer is not 00";
        host->count[wrong ? BANK_COUNT_KEY_CHANGE_REFUSED : BANK_COUNT_KEY_CHANGE]++;
        if (wrong)
                say(host, "keys are not taken: %s", wrong);
        else if (delivery.set > host->keys.used.set)
                take_keys(host, &delivery, 0);
        flush_later(host);
        OPENSSL_cleanse(&delivery, sizeof(delivery));
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static enum behaviour_matter matter_of(const struct host *host, const struct iso_message *message)
{
        return bank_message_is_about_money(message->mti)                                      ? MATTER_MONEY
               : profile_network(wire_dialect(host->wire), message) == ISO_NETWORK_KEY_CHANGE ? MATTER_KEYS
                                                                                              : MATTER_OTHER;
}

static void count_reply(struct host *host, const struct bank_reply *reply)
{
        host->count[reply->count]++;
        host->count[BANK_COUNT_CHIP] += reply->has_chip;
        host->count[BANK_COUNT_CHIP_WRONG] += reply->has_wrong_chip;
        host->count[BANK_COUNT_SCRIPT] += reply->has_script;
        host->count[BANK_COUNT_SCRIPT_RESULT] += reply->has_result;
}

static void refuse_mac(struct host *host, struct host_conn *conn, const struct iso_message *message,
                       const char *why)
{
        struct bank_reply reply;
        bank_message_refuse_mac(message, wire_codes(host->wire)->wrong_mac, why, &reply);
        count_reply(host, &reply);
        carry_out(host, conn, BEHAVIOUR_NORMAL, &reply);
        iso_wipe(&reply.answer);
}

/* fault: NULL where it is whole. keys: that it is under; NULL: the bank has none. */
static void take_message(struct host *host, struct host_conn *conn, enum behaviour how,
                         const struct iso_message *message, const struct iso_error *fault,
                         const struct lab_keys *keys)
{
        struct bank_reply reply;
        struct bank_desk desk = {.bank = host->bank,
                                 .key = host->world->key,
                                 .keys = keys,
                                 .ring = &host->keys,
                                 .refuses_keys = how == BEHAVIOUR_REFUSE_KEYS,
                                 .business_ms = business_ms(host),
                                 .order = drawn_order(host, how),
                                 .signed_on = *host_conn_signed_on(conn)};
        bank_message_take(&desk, wire_dialect(host->wire), message, fault, &reply);
        *host_conn_signed_on(conn) = desk.signed_on;
        count_reply(host, &reply);
        carry_out(host, conn, how, &reply);
        if (reply.delivery.set)
                take_offer(host, how, &reply.delivery);
        if (reply.count == BANK_COUNT_SIGN_ON)
                ask_keys_once(host, conn);
        OPENSSL_cleanse(&reply.delivery, sizeof(reply.delivery));
        iso_wipe(&reply.answer);
}

static void on_whole(struct host *host, struct host_conn *conn, enum behaviour how,
                     const struct iso_message *message, const uint8_t *bytes, size_t length)
{
        int64_t now_ms = steady_now_ms();
        const struct lab_keys *own = host_keys_own(&host->keys, now_ms), *keys = NULL;
        int set = own ? iso_mac_set(wire_dialect(host->wire), message) : 0;
        const char *why;
        if (own) {
                keys = host_keys_of(&host->keys, set, now_ms);
                if (!wire_mac_is_right(host->wire, keys ? keys : own, message, bytes, length, &why)) {
                        refuse_mac(host, conn, message, why);
                        return;
                }
                host_keys_heard(&host->keys, set, now_ms);
        }
        if (own && host->asked_stan && strcmp(message->mti, "0810") == 0)
                on_keys_answered(host, message);
        else
                take_message(host, conn, how, message, NULL, keys);
}

static void on_message(struct host_conn *conn, const uint8_t *bytes, size_t length, void *context)
{
        struct host *host = context;
        struct iso_message message;
        struct iso_error error;
        if (host->dead || length == 0)
                return;
        bool whole = iso_decode(wire_dialect(host->wire), bytes, length, &message, &error) == 0;
        enum behaviour how = behaviours_draw(&host->behaviours, steady_now_ms(), matter_of(host, &message));
        if (how == BEHAVIOUR_DEAF) {
                behaviours_count(&host->behaviours, how);
        } else if (how == BEHAVIOUR_DOWN) {
                host->wakes_ms = steady_now_ms() + drawn_ms(host, &host->options->down);
                behaviours_count(&host->behaviours, how);
                change_state(host, HOST_DOWN);
        } else if (whole) {
                on_whole(host, conn, how, &message, bytes, length);
        } else {
                take_message(host, conn, how, &message, &error, NULL);
        }
        iso_wipe(&message);
}

/* ---- connections --------------------------------------------------------------------------------------- */

static void on_open(struct host_conn *conn, const char *certificate_name, void *context)
{
        struct host *host = context;
        if (strcmp(certificate_name, host->options->client) == 0) {
                host->connections++;
                return;
        }
        host->refused++;
        host_conn_close(conn, "the certificate is %.64s's; expected %.64s's", certificate_name,
                        host->options->client);
}

static void on_closed(struct host_conn *conn, const char *reason, void *context)
{
        struct host *host = context;
        if (host->state == HOST_UP)
                say(host, "%s: connection over: %s", host_conn_peer(conn), reason);
}

static const struct host_conn_events conn_events = {on_open, on_message, on_closed};

/* ---- the port ------------------------------------------------------------------------------------------ */

static void on_accepted(void *context, int fd, const struct sockaddr *address, const char *peer)
{
        struct host *host = context;
        (void)address;
        if (host_conns_count(host->conns) >= (size_t)host->options->connections_max) {
                host->refused++;
                say(host, "a connection is turned away: there are %" PRId64 " already",
                    host->options->connections_max);
                close(fd);
                return;
        }
        if (!host_conn_add(host->conns, fd, peer))
                say(host, "%s: out of memory", peer);
}

static void on_refused(void *context)
{
        say(context, "a connection is turned away: no descriptors are left");
}

static bool open_port(struct host *host, char error[HOST_ERROR_MAX])
{
        static const struct listener_rules rules = {.backlog = BACKLOG,
                                                    .accepts_per_turn = ACCEPTS_PER_TURN,
                                                    .rest_ms = REOPEN_MS,
                                                    .keeps_port = true};
        static const struct listener_events events = {on_accepted, on_refused};
        char text[LISTENER_ERROR_MAX];
        host->listener = listener_new(host->world->base, host->options->host, (int)host->options->port,
                                      &rules, &events, host, text);
        if (!host->listener)
                snprintf(error, HOST_ERROR_MAX, "bank %s: %.400s", host->options->name, text);
        return host->listener;
}

/* ---- up and down --------------------------------------------------------------------------------------- */

static void wake_in(struct host *host, int64_t ms)
{
        struct timeval pause = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(host->waking, &pause);
}

static void change_state(struct host *host, enum state to)
{
        if (to == HOST_UP) {
                assert(host->state == HOST_DOWN);
                if (!listener_open(host->listener)) {
                        wake_in(host, REOPEN_MS);
                        return;
                }
                event_del(host->waking);
                host->state = HOST_UP;
                say(host, "up");
                return;
        }
        host->state = HOST_DOWN;
        listener_shut(host->listener);
        host_conns_close_all(host->conns, "down");
        if (host->wakes_ms == INT64_MAX) {
                event_del(host->waking);
                say(host, "down");
        } else {
                int64_t rest_ms = host->wakes_ms - steady_now_ms();
                wake_in(host, rest_ms > 0 ? rest_ms : 0);
                say(host, "down for %" PRId64 " ms", rest_ms);
        }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
        struct host *host = context;
        (void)fd, (void)what;
        if (host->state == HOST_DOWN)
                change_state(host, HOST_UP);
}

void host_order(struct host *host, enum behaviour behaviour, int64_t span_ms)
{
        int64_t until_ms = span_ms > 0 ? steady_now_ms() + span_ms : INT64_MAX;
        release_held(host);
        if (behaviour == BEHAVIOUR_DOWN) {
                behaviours_command(&host->behaviours, BEHAVIOUR_NORMAL, INT64_MAX);
                behaviours_count(&host->behaviours, BEHAVIOUR_DOWN);
                host->wakes_ms = until_ms;
                change_state(host, HOST_DOWN);
                return;
        }
        behaviours_command(&host->behaviours, behaviour, until_ms);
        if (host->state == HOST_DOWN)
                change_state(host, HOST_UP);
}

/* ---- opening and closing ------------------------------------------------------------------------------- */

static void set_pin_codes(struct host *host)
{
        char wrong[BANK_CODE_LENGTH + 1], blocked[BANK_CODE_LENGTH + 1];
        if (bank_codes_code_of(wire_codes(host->wire), REASON_PIN_WRONG, wrong) &&
            bank_codes_code_of(wire_codes(host->wire), REASON_PIN_TRIES, blocked))
                bank_set_pin_codes(host->bank, wrong, blocked);
}

static bool open_books(struct host *host, char error[HOST_ERROR_MAX])
{
        const struct bank_options *options = host->options;
        char mark[BANK_JOURNAL_MARK_LENGTH + 1], text[ACCOUNTS_ERROR_MAX];
        size_t accounts;
        host->bank = bank_new(options->name);
        if (!host->bank) {
                snprintf(error, HOST_ERROR_MAX, "out of memory");
                return false;
        }
        set_pin_codes(host);
        bank_journal_mark(host->world->key, mark);
        if (accounts_load(options->accounts, options->issuer, host->bank, host->world->key, &accounts,
                          text) &&
            bank_journal_open(&host->journal, options->journal, host->bank, mark, text))
                return true;
        snprintf(error, HOST_ERROR_MAX, "bank %s: %s", options->name, text);
        return false;
}

static bool open_wire(struct host *host, char error[HOST_ERROR_MAX])
{
        const struct bank_options *options = host->options;
        char text[HOST_ERROR_MAX / 2];
        _Static_assert(sizeof(text) >= TLS_ERROR_MAX && sizeof(text) >= WIRE_ERROR_MAX, "room for either");
        host->wire = wire_open(options->dialect, text);
        if (host->wire)
                host->tls = tls_server_context(options->ca, options->certificate, options->key, "1.3", text);
        if (host->tls)
                return true;
        snprintf(error, HOST_ERROR_MAX, "bank %s: %s", options->name, text);
        return false;
}

/* What comes over the line is kept beside the journal. */
static bool open_keys(struct host *host, char error[HOST_ERROR_MAX])
{
        const struct options *options = host->world->options;
        char text[LAB_KEYS_ERROR_MAX], path[KEY_STORE_PATH_MAX];
        if (!options->keys[0])
                return true;
        snprintf(path, sizeof(path), "%s.keys", host->options->journal);
        if (host_keys_open(&host->keys, options->keys, options->keks, host->options->link, path, text))
                return true;
        snprintf(error, HOST_ERROR_MAX, "bank %s: %s", host->options->name, text);
        return false;
}

static bool open_events(struct host *host, char error[HOST_ERROR_MAX])
{
        struct event_base *base = host->world->base;
        host->flushing = event_new(base, -1, 0, on_flush, host);
        host->waking = event_new(base, -1, 0, on_wake, host);
        host->conns = host_conns_new(base, host->tls, host->wire, &conn_events, host);
        if (host->flushing && host->waking && host->conns) {
                event_priority_set(host->flushing, PRIORITY_FLUSH);
                return true;
        }
        snprintf(error, HOST_ERROR_MAX, "out of memory");
        return false;
}

static void free_host(struct host *host)
{
        drop_outs(&host->waiting);
        drop_outs(&host->delayed);
        host_conns_free(host->conns);
        listener_free(host->listener);
        if (host->flushing)
                event_free(host->flushing);
        if (host->waking)
                event_free(host->waking);
        if (host->journal.fd >= 0)
                bank_journal_close(&host->journal);
        host_keys_close(&host->keys);
        SSL_CTX_free(host->tls);
        wire_close(host->wire);
        bank_free(host->bank);
        free(host);
}

struct host *host_open(const struct host_world *world, const struct bank_options *options,
                       char error[HOST_ERROR_MAX])
{
        struct host *host = calloc(1, sizeof(*host));
        if (!host) {
                snprintf(error, HOST_ERROR_MAX, "out of memory");
                return NULL;
        }
        *host = (struct host){.world = world, .options = options, .journal = {.fd = -1}};
        TAILQ_INIT(&host->waiting);
        TAILQ_INIT(&host->delayed);
        if (open_wire(host, error) && open_books(host, error) && open_keys(host, error) &&
            open_events(host, error) && open_port(host, error)) {
                /* A bank that is killed now and then must not misbehave in the same way after each start. */
                uint64_t seed = (uint64_t)world->options->seed ^ host->journal.records << 32;
                behaviours_start(&host->behaviours, &options->faults, seed, options->name);
                return host;
        }
        free_host(host);
        return NULL;
}

void host_close(struct host *host)
{
        if (!host)
                return;
        if (!host->dead)
                flush(host);
        free_host(host);
}

/* ---- looking at it ------------------------------------------------------------------------------------- */

const char *host_name(const struct host *host)
{
        return host->options->name;
}

void host_describe(const struct host *host, char *buffer, size_t size)
{
        struct bank_totals totals;
        char torn[96] = "";
        bank_total(host->bank, &totals);
        if (host->journal.torn_bytes > 0)
                snprintf(torn, sizeof(torn),
                         " (%" PRId64 " bytes of a last line that a crash cut off are cut away)",
                         host->journal.torn_bytes);
        snprintf(buffer, size,
                 "%s: %zu accounts, %" PRIu64 " records read back%s, dialect %s%s, listening on %s",
                 host->options->name, totals.accounts, host->journal.records, torn, wire_name(host->wire),
                 host->keys.used.set ? " with MACs" : "", listener_address(host->listener));
}

double host_rate(const struct host *host, enum behaviour behaviour)
{
        return host->options->faults.rate[behaviour];
}

uint64_t host_happened(const struct host *host, enum behaviour behaviour)
{
        return host->behaviours.happened[behaviour];
}

static void put(json_t *object, const char *key, int64_t value)
{
        json_object_set_new(object, key, json_integer(value));
}

static json_t *show_counts(const struct host *host)
{
        json_t *object = json_object();
        put(object, "connections", (int64_t)host->connections);
        put(object, "refused", (int64_t)host->refused);
        for (int i = 0; i < BANK_COUNT_COUNT; i++)
                put(object, bank_count_name[i], (int64_t)host->count[i]);
        put(object, "exceptions", (int64_t)host->exceptions);
        put(object, "undelivered", (int64_t)host->undelivered);
        return object;
}

static json_t *show_behaviours(const struct host *host)
{
        json_t *object = json_object();
        for (int i = 0; i < BEHAVIOUR_COUNT; i++) {
                json_t *row = json_object();
                json_object_set_new(row, "rate", json_real(host_rate(host, (enum behaviour)i)));
                put(row, "happened", (int64_t)host->behaviours.happened[i]);
                json_object_set_new(object, behaviour_name[i], row);
        }
        return object;
}

static json_t *show_money(const struct host *host)
{
        struct bank_totals totals;
        json_t *object = json_object();
        char day[11] = "";
        bank_total(host->bank, &totals);
        if (totals.settlement_day > 0)
                calendar_print_day(totals.settlement_day, day);
        put(object, "accounts", (int64_t)totals.accounts);
        put(object, "opening_yen", totals.opening_yen);
        put(object, "balance_yen", totals.balance_yen);
        put(object, "withdrawals", (int64_t)totals.withdrawals);
        put(object, "open", (int64_t)totals.open);
        put(object, "open_yen", totals.held_yen);
        put(object, "refused", (int64_t)totals.refused);
        json_object_set_new(object, "settlement_day", day[0] ? json_string(day) : json_null());
        return object;
}

json_t *host_show(const struct host *host)
{
        const struct behaviours *behaviours = &host->behaviours;
        bool ordered =
            behaviours->command != BEHAVIOUR_NORMAL && steady_now_ms() < behaviours->command_until_ms;
        json_t *object = json_object(), *journal = json_object();
        size_t conns = host->conns ? host_conns_count(host->conns) : 0;
        json_object_set_new(object, "bank", json_string(host->options->name));
        json_object_set_new(object, "state", json_string(host->state == HOST_UP ? "up" : "down"));
        json_object_set_new(object, "behaviour",
                            json_string(behaviour_name[ordered ? behaviours->command : BEHAVIOUR_NORMAL]));
        put(object, "port", listener_port(host->listener));
        json_object_set_new(object, "dialect", json_string(wire_name(host->wire)));
        put(object, "key_set", host->keys.used.set);
        put(object, "links", (int64_t)conns);
        put(object, "signed_on", host->conns ? (int64_t)host_conns_signed_on(host->conns) : 0);
        put(object, "delayed", (int64_t)host->delayed_count);
        json_object_set_new(object, "money", show_money(host));
        json_object_set_new(journal, "path", json_string(host->journal.path));
        put(journal, "records", (int64_t)host->journal.records);
        put(journal, "flushes", (int64_t)host->journal.syncs);
        json_object_set_new(object, "journal", journal);
        json_object_set_new(object, "counts", show_counts(host));
        json_object_set_new(object, "behaviours", show_behaviours(host));
        return object;
}
