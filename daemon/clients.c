/* The ATMs of an instance: see clients.h. */
#include "daemon/clients.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "config/limits.h"
#include "daemon/conn.h"
#include "daemon/service.h"
#include "lib/base/log.h"
#include "lib/base/process.h"

struct client {
        struct clients *clients;
        struct conn *conn;
        bool opening;   /* on clients->opening */
        bool held_back; /* on clients->held_back */
        bool has_session;
        int64_t accepted_ms;
        struct session session;
        LIST_ENTRY(client) entry;
        TAILQ_ENTRY(client) opening_entry, held_back_entry;
};

TAILQ_HEAD(client_list, client);

struct clients {
        struct clients_options options;
        SSL_CTX *tls;
        struct conn_env *conns;
        struct listener *listener; /* NULL before it listens and once it drains */
        struct session_env sessions;
        LIST_HEAD(, client) all;
        struct client_list opening; /* in order of acceptance */
        size_t opening_count;
        struct client_list held_back; /* not read from while the service is congested */
        size_t connections_max;
        bool draining;
        struct client_counters count;
};

static int64_t steady_ms(const struct clients *clients)
{
        return clients->options.steady_ms(clients->options.context);
}

static void resume_listening(struct clients *clients)
{
        if (clients->listener)
                listener_resume(clients->listener);
}

/* ---- from session to connection ------------------------------------------------------------------------ */

static void client_send(void *peer, const uint8_t *message, size_t length)
{
        struct client *client = peer;
        conn_send(client->conn, message, length);
}

static void client_close(void *peer, enum session_end end, const char *reason)
{
        static const enum conn_end ends[] = {
            [SESSION_END_PROTOCOL] = CONN_END_PROTOCOL, [SESSION_END_TERMINAL] = CONN_END_TERMINAL,
            [SESSION_END_REPLACED] = CONN_END_REPLACED, [SESSION_END_SHUTDOWN] = CONN_END_SHUTDOWN,
            [SESSION_END_ERROR] = CONN_END_ERROR,
        };
        struct client *client = peer;
        conn_close(client->conn, ends[end], "%s", reason);
}

static void client_pause(void *peer)
{
        struct client *client = peer;
        conn_pause(client->conn);
}

static void client_resume(void *peer)
{
        struct client *client = peer;
        conn_resume(client->conn);
}

static const struct session_ops session_ops = {client_send, client_close, client_pause, client_resume};

/* ---- from connection to session ------------------------------------------------------------------------ */

static void leave_opening(struct client *client)
{
        struct clients *clients = client->clients;
        if (!client->opening)
                return;
        client->opening = false;
        clients->opening_count--;
        TAILQ_REMOVE(&clients->opening, client, opening_entry);
        resume_listening(clients);
}

static void leave_held_back(struct client *client)
{
        if (!client->held_back)
                return;
        client->held_back = false;
        TAILQ_REMOVE(&client->clients->held_back, client, held_back_entry);
}

static void on_ready(void *owner, const char *certificate_name)
{
        struct client *client = owner;
        struct clients *clients = client->clients;
        leave_opening(client);
        clients->count.opened++;
        if (clients->draining) {
                conn_close(client->conn, CONN_END_SHUTDOWN, "the daemon stops");
                return;
        }
        client->has_session =
            session_open(&client->session, &clients->sessions, &session_ops, client, certificate_name);
        if (client->has_session)
                log_limited(LEVEL_INFO, "connected", LOG_TEXT("terminal", certificate_name),
                            LOG_TEXT("peer", conn_peer(client->conn)));
}

static bool may_read(void *owner)
{
        struct client *client = owner;
        if (!service_is_congested(client->clients->options.service))
                return true;
        if (!client->held_back) {
                client->held_back = true;
                TAILQ_INSERT_TAIL(&client->clients->held_back, client, held_back_entry);
        }
        return false;
}

static void on_frame(void *owner, const uint8_t *message, size_t length)
{
        struct client *client = owner;
        if (client->has_session)
                session_frame(&client->session, message, length);
}

static void count_end(struct client_counters *count, enum conn_end end)
{
        uint64_t *const counters[CONN_END_COUNT] = {
            [CONN_END_PEER_CLOSED] = &count->closed_by_peer,
            [CONN_END_HUNG_UP] = &count->hung_up,
            [CONN_END_HANDSHAKE_FAILED] = &count->handshake_failed,
            [CONN_END_HANDSHAKE_TIMEOUT] = &count->timeout_handshake,
            [CONN_END_IDLE_TIMEOUT] = &count->timeout_idle,
            [CONN_END_MESSAGE_TIMEOUT] = &count->timeout_message,
            [CONN_END_UNREAD] = &count->closed_unread,
            [CONN_END_FLOOD] = &count->closed_flood,
            [CONN_END_PROTOCOL] = &count->closed_protocol,
            [CONN_END_TERMINAL] = &count->closed_terminal,
            [CONN_END_REPLACED] = &count->replaced,
            [CONN_END_FULL] = &count->refused_full,
            [CONN_END_SHUTDOWN] = &count->closed_shutdown,
            [CONN_END_ERROR] = &count->closed_error,
        };
        ++*counters[end];
}

static void on_closed(void *owner, enum conn_end end)
{
        struct client *client = owner;
        struct clients *clients = client->clients;
        count_end(&clients->count, end);
        leave_opening(client);
        leave_held_back(client);
        if (client->has_session)
                session_closed(&client->session);
        LIST_REMOVE(client, entry);
        free(client);
        clients->options.on_gone(clients->options.context);
}

static const struct conn_events conn_events = {on_ready, may_read, on_frame, on_closed};

static void on_conn_free(void *context)
{
        struct clients *clients = context;
        resume_listening(clients);
        clients->options.on_gone(clients->options.context);
}

/* ---- from the door ------------------------------------------------------------------------------------- */

/* Make room: the oldest connection that has said nothing for a while, or begun and not ended, is closed. */
static bool drop_slow(struct clients *clients)
{
        int64_t now_ms = steady_ms(clients);
        struct client *client;
        TAILQ_FOREACH(client, &clients->opening, opening_entry)
        {
                int64_t age_ms = now_ms - client->accepted_ms;
                if (age_ms < LIMIT_SILENT_MS)
                        return false;
                if (!conn_is_opening(client->conn) || conn_has_unread(client->conn) ||
                    (!conn_is_silent(client->conn) && age_ms < LIMIT_SLOW_MS))
                        continue;
                leave_opening(client);
                conn_close(client->conn, CONN_END_FULL, "the handshake is not done, and others wait");
                return true;
        }
        return false;
}

static bool may_accept(void *context)
{
        struct clients *clients = context;
        return clients->opening_count < LIMIT_OPENING || drop_slow(clients);
}

static void on_accepted(void *context, int fd, const char *peer)
{
        struct clients *clients = context;
        bool is_full = conn_env_count(clients->conns) >= clients->connections_max && !drop_slow(clients);
        struct client *client = is_full ? NULL : calloc(1, sizeof(*client));
        clients->count.accepted++;
        if (!client) {
                clients->count.refused_full++;
                log_limited(LEVEL_WARNING, "refused_full", LOG_TEXT("peer", peer),
                            LOG_NUMBER("connections_max", (int64_t)clients->connections_max));
                close(fd);
                return;
        }
        client->clients = clients;
        client->accepted_ms = steady_ms(clients);
        client->conn = conn_new(clients->conns, clients->tls, fd, peer, client);
        if (!client->conn) {
                clients->count.closed_error++;
                log_limited(LEVEL_ERROR, "out_of_memory", LOG_TEXT("peer", peer));
                free(client);
                return;
        }
        client->opening = true;
        clients->opening_count++;
        TAILQ_INSERT_TAIL(&clients->opening, client, opening_entry);
        LIST_INSERT_HEAD(&clients->all, client, entry);
}

static void on_refused(void *context)
{
        struct clients *clients = context;
        clients->count.refused_descriptors++;
}

static const struct listener_rules listener_rules = {.backlog = LIMIT_BACKLOG,
                                                     .accepts_per_turn = LIMIT_ACCEPTS_PER_TURN,
                                                     .socket_buffer = LIMIT_SOCKET_BUFFER,
                                                     .rest_ms = LIMIT_ACCEPT_REST_MS};
static const struct listener_events listener_events = {on_accepted, may_accept, on_refused};

/* ---- settings ------------------------------------------------------------------------------------------ */

static struct conn_timeouts timeouts_of(const struct settings *settings)
{
        return (struct conn_timeouts){.handshake_ms = settings->handshake_timeout_ms,
                                      .idle_ms = settings->idle_timeout_ms,
                                      .message_ms = settings->message_timeout_ms};
}

/* Descriptors for as many connections as the system lets us have. */
static size_t possible_connections(const struct settings *settings)
{
        int64_t wanted = settings->connections_max;
        uint64_t files = process_raise_files(), others = LIMIT_OTHER_DESCRIPTORS;
        for (size_t i = 0; i < settings->link_count; i++)
                others += (uint64_t)settings->link[i].connections;
        uint64_t possible = files > others ? files - others : 1;
        if (possible >= (uint64_t)wanted)
                return (size_t)wanted;
        log_event(LEVEL_WARNING, "few_descriptors", LOG_NUMBER("connections_max", wanted),
                  LOG_NUMBER("possible", (int64_t)possible),
                  LOG_TEXT("help", "raise LimitNOFILE, or run more instances"));
        return (size_t)possible;
}

bool clients_set_timeouts(struct clients *clients, const struct settings *settings)
{
        struct conn_timeouts timeouts = timeouts_of(settings);
        return conn_env_set_timeouts(clients->conns, &timeouts);
}

void clients_change(struct clients *clients, const struct settings *settings, SSL_CTX *tls)
{
        SSL_CTX_up_ref(tls);
        SSL_CTX_free(clients->tls);
        clients->tls = tls;
        clients->connections_max = possible_connections(settings);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct clients *clients_new(const struct clients_options *options)
{
        struct clients *clients = calloc(1, sizeof(*clients));
        struct conn_timeouts timeouts = timeouts_of(options->settings);
        if (!clients)
                return NULL;
        clients->options = *options;
        clients->options.settings = NULL;
        clients->sessions.service = options->service;
        LIST_INIT(&clients->all);
        TAILQ_INIT(&clients->opening);
        TAILQ_INIT(&clients->held_back);
        SSL_CTX_up_ref(options->tls);
        clients->tls = options->tls;
        clients->conns = conn_env_new(options->base, &conn_events, &timeouts, on_conn_free, clients);
        if (!clients->conns) {
                clients_free(clients);
                return NULL;
        }
        clients->connections_max = possible_connections(options->settings);
        return clients;
}

void clients_free(struct clients *clients)
{
        struct client *client;
        if (!clients)
                return;
        listener_free(clients->listener);
        conn_env_free(clients->conns);
        while ((client = LIST_FIRST(&clients->all))) {
                LIST_REMOVE(client, entry);
                free(client);
        }
        SSL_CTX_free(clients->tls);
        free(clients);
}

bool clients_listen(struct clients *clients, const char *host, int port, char error[LISTENER_ERROR_MAX])
{
        clients->listener = listener_new(clients->options.base, host, port, &listener_rules, &listener_events,
                                         clients, error);
        return clients->listener;
}

const char *clients_address(const struct clients *clients)
{
        return listener_address(clients->listener);
}

void clients_tick(struct clients *clients)
{
        resume_listening(clients);
}

void clients_relieve(struct clients *clients)
{
        struct client *client;
        while ((client = TAILQ_FIRST(&clients->held_back))) {
                leave_held_back(client);
                conn_resume(client->conn);
        }
}

static void drain_session(struct session_entry *entry, void *context)
{
        (void)context;
        session_drain(session_of(entry));
}

void clients_drain(struct clients *clients)
{
        struct client *client;
        clients->draining = true;
        listener_free(clients->listener);
        clients->listener = NULL;
        session_index_each(clients->options.service->sessions, drain_session, NULL);
        TAILQ_FOREACH(client, &clients->opening, opening_entry)
        conn_close(client->conn, CONN_END_SHUTDOWN, "the daemon stops");
}

size_t clients_count(const struct clients *clients)
{
        return conn_env_count(clients->conns);
}

size_t clients_max(const struct clients *clients)
{
        return clients->connections_max;
}

const struct client_counters *clients_counters(const struct clients *clients)
{
        return &clients->count;
}

const struct session_env *clients_sessions(const struct clients *clients)
{
        return &clients->sessions;
}
