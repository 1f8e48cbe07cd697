/* The ATMs of an instance: see clients.h. */
#include "daemon/clients.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "config/limits.h"
#include "daemon/admission.h"
#include "daemon/conn.h"
#include "daemon/lobby.h"
#include "daemon/security.h"
#include "daemon/service.h"
#include "lib/base/log.h"
#include "lib/base/process.h"

struct client {
        struct clients *clients;
        struct conn *conn;
        struct newcomer *newcomer; /* NULL once the handshake is over */
        bool held_back;            /* on clients->held_back */
        bool has_session;
        struct admission admission;
        struct session session;
        LIST_ENTRY(client) entry;
        TAILQ_ENTRY(client) held_back_entry;
};

/* In the lobby. */
struct newcomer {
        struct lobby_guest guest; /* first: see newcomer_of */
        struct clients *clients;
        struct client *client; /* whose handshake is under way; until then NULL, and the descriptor is ours */
        int fd;
        struct event speaks;
        char peer[LISTENER_PEER_MAX];
};

TAILQ_HEAD(client_list, client);

struct clients {
        struct clients_options options;
        SSL_CTX *tls;
        struct conn_env *conns;
        struct listener *listener; /* NULL before it listens and once it drains */
        struct session_env sessions;
        LIST_HEAD(, client) all;
        struct lobby *lobby;
        struct event *look; /* at those in the lobby who are slow, while others wait for their places */
        const struct timeval *silence; /* that a newcomer may keep */
        int64_t crowd_told_ms;
        struct client_list held_back; /* not read from while the service is congested */
        /* Whether those who are connected still may be: */
        struct event *review;
        struct client *next; /* to be asked about; NULL: all have been */
        int64_t reviewed;    /* the version of the reference data that the last review began with */
        int64_t ends_s;      /* the soonest end of a certificate, or sooner; real time */
        uint64_t trust;      /* counts what TLS believes */
        size_t connections_max;
        size_t most; /* at the door and in, since memory was given back */
        bool draining;
        struct client_counters count;
};

static int64_t steady_ms(const struct clients *clients)
{
        return clients->options.steady_ms(clients->options.context);
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
            [SESSION_END_REFUSED] = CONN_END_REFUSED,   [SESSION_END_ERROR] = CONN_END_ERROR,
            [SESSION_END_MAC] = CONN_END_MAC,
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

static void admit(struct clients *clients);

static void forget(struct newcomer *newcomer)
{
        lobby_leave(newcomer->clients->lobby, &newcomer->guest);
        free(newcomer);
}

/* The handshake is over, for better or worse: its place is somebody else's. */
static void leave_lobby(struct client *client)
{
        if (!client->newcomer)
                return;
        forget(client->newcomer);
        client->newcomer = NULL;
        admit(client->clients);
}

static void leave_held_back(struct client *client)
{
        if (!client->held_back)
                return;
        client->held_back = false;
        TAILQ_REMOVE(&client->clients->held_back, client, held_back_entry);
}

/* ---- who may be connected ------------------------------------------------------------------------------ */

static struct admission_world world_of(const struct clients *clients)
{
        const struct service_shell *shell = &clients->options.service->shell;
        return (struct admission_world){
            .reference = ledger_reference(clients->options.service->ledger),
            .tls = clients->tls,
            .trust = clients->trust,
            .now_s = shell->real_ms(shell->context) / 1000,
        };
}

/* Asked at the handshake's end and in reviews. */
static bool is_admitted(struct client *client, const struct admission_world *world, const char *terminal,
                        bool connected, char why[LIMIT_REASON])
{
        struct clients *clients = client->clients;
        SSL *ssl = conn_tls(client->conn);
        if (!admission_ask(&client->admission, world, terminal, SSL_get0_peer_certificate(ssl),
                           SSL_get_peer_cert_chain(ssl), why, LIMIT_REASON)) {
                security_event(SECURITY_TERMINAL_REFUSED, terminal, LOG_TEXT("peer", conn_peer(client->conn)),
                               LOG_TEXT("connected", connected ? "yes" : "no"), LOG_TEXT("why", why));
                return false;
        }
        if (client->admission.until_s < clients->ends_s)
                clients->ends_s = client->admission.until_s;
        return true;
}

static int64_t version_of(const struct reference *reference)
{
        return reference ? reference_version(reference) : 0;
}

static const struct timeval no_time; /* in the loop's next turn, after what has come meanwhile */

/* Ask about everybody, from the first on. */
static void begin_review(struct clients *clients)
{
        clients->reviewed = version_of(ledger_reference(clients->options.service->ledger));
        clients->ends_s = INT64_MAX;
        clients->next = LIST_FIRST(&clients->all);
        event_add(clients->review, &no_time);
}

/* What it may cost in one turn of the loop: a thousand look-ups, or sixteen signatures. */
static void on_review(evutil_socket_t fd, short what, void *context)
{
        enum { TURN = 1024, SIGNATURE = 64 };
        struct clients *clients = context;
        struct admission_world world = world_of(clients);
        char why[LIMIT_REASON];
        (void)fd;
        (void)what;
        for (int left = TURN; left > 0 && clients->next; clients->next = LIST_NEXT(clients->next, entry)) {
                struct client *client = clients->next;
                if (!client->has_session || client->session.state == SESSION_CLOSING ||
                    !conn_tls(client->conn))
                        continue; /* gone, or about to be told so */
                left -= admission_is_due(&client->admission, &world) ? SIGNATURE : 1;
                if (!is_admitted(client, &world, client->session.entry.terminal, true, why))
                        session_refuse(&client->session, why);
        }
        if (clients->next)
                event_add(clients->review, &no_time);
}

static bool is_review_due(struct clients *clients)
{
        struct admission_world world = world_of(clients);
        return version_of(world.reference) != clients->reviewed || world.now_s >= clients->ends_s;
}

/* Of one terminal's connections the newest counts. Where two machines hold one key, they would replace each other for ever. */
static bool may_replace(struct client *client, const char *terminal)
{
        struct service *service = client->clients->options.service;
        const struct rate_rules *rule = &service->settings.replaced;
        struct session_entry *former = session_index_find_terminal(service->sessions, terminal);
        int64_t now_ms = steady_ms(client->clients);
        if (!former || paces_take(service->paces, PACE_REPLACE, rule, terminal, now_ms))
                return true;
        const struct client *holder = session_of(former)->peer;
        int64_t wait_s = (paces_wait_ms(service->paces, PACE_REPLACE, rule, terminal, now_ms) + 999) / 1000;
        security_event(SECURITY_TERMINAL_REPLACED, terminal, LOG_TEXT("former", conn_peer(holder->conn)),
                       LOG_TEXT("peer", conn_peer(client->conn)), LOG_NUMBER("wait_s", wait_s));
        conn_close(client->conn, CONN_END_REFUSED,
                   "the terminal's connections replace each other too often: %" PRId64 " s to wait", wait_s);
        return false;
}

static void open_session(struct client *client, const char *terminal)
{
        struct clients *clients = client->clients;
        const struct admission_world world = world_of(clients);
        char why[LIMIT_REASON];
        if (!is_admitted(client, &world, terminal, false, why)) {
                conn_close(client->conn, CONN_END_REFUSED, "%s", why);
                return;
        }
        if (!may_replace(client, terminal))
                return;
        client->has_session =
            session_open(&client->session, &clients->sessions, &session_ops, client, terminal);
        if (client->has_session)
                log_limited(LEVEL_INFO, "connected", LOG_TEXT("terminal", terminal),
                            LOG_TEXT("peer", conn_peer(client->conn)));
}

static void on_ready(void *owner, const char *certificate_name)
{
        struct client *client = owner;
        struct clients *clients = client->clients;
        leave_lobby(client);
        clients->count.opened++;
        if (clients->draining) {
                conn_close(client->conn, CONN_END_SHUTDOWN, "the daemon stops");
                return;
        }
        open_session(client, certificate_name);
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
            [CONN_END_MAC] = &count->closed_mac,
            [CONN_END_REPLACED] = &count->replaced,
            [CONN_END_REFUSED] = &count->refused_terminal,
            [CONN_END_FULL] = &count->crowded_out,
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
        leave_lobby(client);
        leave_held_back(client);
        if (client->has_session)
                session_closed(&client->session);
        if (clients->next == client)
                clients->next = LIST_NEXT(client, entry);
        LIST_REMOVE(client, entry);
        free(client);
        clients->options.on_gone(clients->options.context);
}

static const struct conn_events conn_events = {on_ready, may_read, on_frame, on_closed};

static void on_conn_free(void *context)
{
        struct clients *clients = context;
        clients->options.on_gone(clients->options.context);
}

/* ---- from the door ------------------------------------------------------------------------------------- */

static struct newcomer *newcomer_of(struct lobby_guest *guest)
{
        return (struct newcomer *)(void *)guest;
}

static int64_t awaited_since_ms(const struct lobby_guest *guest)
{
        const struct newcomer *newcomer = (const struct newcomer *)(const void *)guest;
        return conn_awaited_since_ms(newcomer->client->conn);
}

/* Whoever has not begun its handshake has no connection that could say so. */
static void end_newcomer(struct newcomer *newcomer, enum conn_end end, const char *reason)
{
        event_del(&newcomer->speaks);
        close(newcomer->fd);
        count_end(&newcomer->clients->count, end);
        conn_log_end(newcomer->peer, "", end, reason);
        forget(newcomer);
}

static void turn_out(struct newcomer *newcomer, enum conn_end end, const char *reason)
{
        struct client *client = newcomer->client;
        if (!client) {
                end_newcomer(newcomer, end, reason);
                return;
        }
        conn_close(client->conn, end, "%s", reason);
        leave_lobby(client);
}

static void turn_out_all(struct clients *clients, enum lobby_state state)
{
        struct lobby_guest *guest;
        while ((guest = lobby_first(clients->lobby, state)))
                turn_out(newcomer_of(guest), CONN_END_SHUTDOWN, "the daemon stops");
}

/* Without a word, and after the connections. */
static void empty_lobby(struct clients *clients)
{
        for (int state = 0; state < LOBBY_STATE_COUNT; state++) {
                struct lobby_guest *guest;
                while ((guest = lobby_first(clients->lobby, (enum lobby_state)state))) {
                        struct newcomer *newcomer = newcomer_of(guest);
                        if (!newcomer->client) {
                                event_del(&newcomer->speaks);
                                close(newcomer->fd);
                        }
                        forget(newcomer);
                }
        }
        lobby_free(clients->lobby);
}

/* Once a second, whoever it is: how many of one address there are says more than each of them. */
static void tell_of_crowd(struct clients *clients, const struct newcomer *newcomer)
{
        int64_t now_ms = steady_ms(clients);
        if (now_ms - clients->crowd_told_ms < 1000)
                return;
        clients->crowd_told_ms = now_ms;
        log_event(LEVEL_WARNING, "crowded", LOG_TEXT("peer", newcomer->peer),
                  LOG_NUMBER("of_address_silent", (int64_t)lobby_count_of(&newcomer->guest, LOBBY_SILENT)),
                  LOG_NUMBER("of_address_waiting", (int64_t)lobby_count_of(&newcomer->guest, LOBBY_WAITING)),
                  LOG_NUMBER("of_address_shaking", (int64_t)lobby_count_of(&newcomer->guest, LOBBY_SHAKING)),
                  LOG_NUMBER("silent", (int64_t)lobby_count(clients->lobby, LOBBY_SILENT)),
                  LOG_NUMBER("waiting", (int64_t)lobby_count(clients->lobby, LOBBY_WAITING)),
                  LOG_NUMBER("shaking", (int64_t)lobby_count(clients->lobby, LOBBY_SHAKING)),
                  LOG_NUMBER("crowded_out", (int64_t)clients->count.crowded_out));
}

static void crowd_out(struct clients *clients, struct lobby_guest *guest, const char *reason)
{
        tell_of_crowd(clients, newcomer_of(guest));
        turn_out(newcomer_of(guest), CONN_END_FULL, reason);
}

/* Its handshake begins. */
static void begin(struct newcomer *newcomer)
{
        struct clients *clients = newcomer->clients;
        struct client *client = calloc(1, sizeof(*client));
        if (client)
                client->conn = conn_new(clients->conns, clients->tls, newcomer->fd, newcomer->peer, client);
        else
                close(newcomer->fd);
        if (!client || !client->conn) {
                clients->count.closed_error++;
                log_limited(LEVEL_ERROR, "out_of_memory", LOG_TEXT("peer", newcomer->peer));
                free(client);
                forget(newcomer);
                return;
        }
        client->clients = clients;
        client->newcomer = newcomer;
        newcomer->client = client;
        LIST_INSERT_HEAD(&clients->all, client, entry);
}

/* All whose turn it is; where others have to wait for somebody's place, that is looked at soon. */
static void admit(struct clients *clients)
{
        static const struct timeval soon = {.tv_usec = LIMIT_DOOR_LOOK_MS * 1000};
        struct lobby_guest *guest;
        while (!clients->draining && (guest = lobby_next(clients->lobby, steady_ms(clients))))
                begin(newcomer_of(guest));
        if (lobby_count(clients->lobby, LOBBY_WAITING) > 0 && !event_pending(clients->look, EV_TIMEOUT, NULL))
                event_add(clients->look, &soon);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
        struct clients *clients = context;
        struct lobby_guest *guest;
        (void)fd;
        (void)what;
        while ((guest = lobby_slowest(clients->lobby, steady_ms(clients), awaited_since_ms)))
                crowd_out(clients, guest, "the handshake is not done, and others wait");
        admit(clients);
}

/* Is there anything of it to read? Who has hung up meanwhile needs no place to be seen off. */
static void listen_to(struct newcomer *newcomer)
{
        struct clients *clients = newcomer->clients;
        char byte;
        ssize_t length = recv(newcomer->fd, &byte, 1, MSG_PEEK);
        if (length > 0)
                lobby_speak(clients->lobby, &newcomer->guest, steady_ms(clients));
        else if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                event_add(&newcomer->speaks, clients->silence);
        else
                end_newcomer(newcomer, CONN_END_HUNG_UP, "before the handshake was completed");
}

static void on_speaks(evutil_socket_t fd, short what, void *context)
{
        struct newcomer *newcomer = context;
        struct clients *clients = newcomer->clients;
        (void)fd;
        if (what & EV_TIMEOUT)
                end_newcomer(newcomer, CONN_END_HANDSHAKE_TIMEOUT,
                             "the handshake was not completed in time: nothing was sent");
        else
                listen_to(newcomer);
        admit(clients);
}

/* Make room in a full house. */
static bool make_room(struct clients *clients, uint64_t key)
{
        int64_t now_ms = steady_ms(clients);
        struct lobby_guest *guest = lobby_room(clients->lobby, key, now_ms, LIMIT_SILENT_MS);
        if (!guest)
                guest = lobby_first(clients->lobby, LOBBY_SHAKING);
        if (!guest || (guest->state == LOBBY_SHAKING && (now_ms - guest->since_ms < LIMIT_SLOW_MS ||
                                                         awaited_since_ms(guest) > now_ms - LIMIT_SLOW_MS)))
                return false;
        crowd_out(clients, guest, "nothing is heard, and the house is full");
        return true;
}

/* At the door and in. */
static size_t present(const struct clients *clients)
{
        return conn_env_count(clients->conns) + lobby_count(clients->lobby, LOBBY_SILENT) +
               lobby_count(clients->lobby, LOBBY_WAITING);
}

static void on_accepted(void *context, int fd, const struct sockaddr *address, const char *peer)
{
        struct clients *clients = context;
        uint64_t key = lobby_key(address);
        bool is_full = present(clients) >= clients->connections_max && !make_room(clients, key);
        struct newcomer *newcomer = is_full ? NULL : calloc(1, sizeof(*newcomer));
        struct lobby_guest *guest;
        clients->count.accepted++;
        if (!newcomer) {
                clients->count.refused_full++;
                log_limited(LEVEL_WARNING, "refused_full", LOG_TEXT("peer", peer),
                            LOG_NUMBER("connections_max", (int64_t)clients->connections_max));
                close(fd);
                return;
        }
        while ((guest = lobby_crowd(clients->lobby, key)))
                crowd_out(clients, guest, "too many of its address wait");
        *newcomer = (struct newcomer){.clients = clients, .fd = fd};
        snprintf(newcomer->peer, sizeof(newcomer->peer), "%s", peer);
        event_assign(&newcomer->speaks, clients->options.base, fd, EV_READ, on_speaks, newcomer);
        if (!lobby_enter(clients->lobby, &newcomer->guest, key, steady_ms(clients))) {
                clients->count.closed_error++;
                log_limited(LEVEL_ERROR, "out_of_memory", LOG_TEXT("peer", peer));
                close(fd);
                free(newcomer);
                return;
        }
        if (present(clients) > clients->most)
                clients->most = present(clients);
        listen_to(newcomer); /* most say something at once */
        admit(clients);
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
static const struct listener_events listener_events = {on_accepted, on_refused};

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

static struct lobby_rules lobby_rules_of(const struct settings *settings)
{
        return (struct lobby_rules){.places = (size_t)settings->handshakes_max,
                                    .share = (size_t)settings->handshakes_per_address,
                                    .waiting = (size_t)settings->waiting_per_address,
                                    .patience_ms = LIMIT_PATIENCE_MS,
                                    .patience_least_ms = LIMIT_PATIENCE_LEAST_MS};
}

static void take_limits(struct clients *clients, const struct settings *settings)
{
        int64_t ms = settings->handshake_timeout_ms;
        struct timeval silence = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        clients->connections_max = possible_connections(settings);
        /* one that the connections have already */
        clients->silence = event_base_init_common_timeout(clients->options.base, &silence);
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
        take_limits(clients, settings);
        struct lobby_rules rules = lobby_rules_of(settings);
        lobby_change(clients->lobby, &rules);
        admit(clients);
        clients_trust_changed(clients);
}

void clients_trust_changed(struct clients *clients)
{
        clients->trust++;
        begin_review(clients);
}

SSL_CTX *clients_tls(const struct clients *clients)
{
        return clients->tls;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct clients *clients_new(const struct clients_options *options)
{
        struct clients *clients = calloc(1, sizeof(*clients));
        struct conn_timeouts timeouts = timeouts_of(options->settings);
        struct lobby_rules rules = lobby_rules_of(options->settings);
        if (!clients)
                return NULL;
        clients->options = *options;
        clients->options.settings = NULL;
        clients->sessions.service = options->service;
        clients->sessions.keys = options->keys;
        LIST_INIT(&clients->all);
        TAILQ_INIT(&clients->held_back);
        SSL_CTX_up_ref(options->tls);
        clients->tls = options->tls;
        clients->trust = 1;
        clients->ends_s = INT64_MAX;
        clients->review = event_new(options->base, -1, 0, on_review, clients);
        clients->conns = conn_env_new(options->base, &conn_events, &timeouts, on_conn_free, clients);
        clients->look = event_new(options->base, -1, 0, on_look, clients);
        clients->lobby = lobby_new(&rules);
        if (!clients->conns || !clients->look || !clients->lobby || !clients->review) {
                clients_free(clients);
                return NULL;
        }
        take_limits(clients, options->settings);
        return clients;
}

void clients_free(struct clients *clients)
{
        struct client *client;
        if (!clients)
                return;
        listener_free(clients->listener);
        conn_env_free(clients->conns);
        if (clients->lobby)
                empty_lobby(clients);
        if (clients->look)
                event_free(clients->look);
        while ((client = LIST_FIRST(&clients->all))) {
                LIST_REMOVE(client, entry);
                free(client);
        }
        if (clients->review)
                event_free(clients->review);
        SSL_CTX_free(clients->tls);
        free(clients);
}

bool clients_listen(struct clients *clients, const char *host, int port, char error[LISTENER_ERROR_MAX])
{
        clients->listener = listener_new(clients->options.base, host, port, &listener_rules, &listener_events,
                                         clients, error);
        return clients->listener;
}

bool clients_adopt(struct clients *clients, int fd, char error[LISTENER_ERROR_MAX])
{
        clients->listener =
            listener_adopt(clients->options.base, fd, &listener_rules, &listener_events, clients, error);
        return clients->listener;
}

const char *clients_address(const struct clients *clients)
{
        return listener_address(clients->listener);
}

static int64_t resident_kb(void)
{
        long all, resident = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        if (file) {
                if (fscanf(file, "%ld %ld", &all, &resident) != 2)
                        resident = 0;
                fclose(file);
        }
        return (int64_t)resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* What a crowd had is kept for the next one otherwise: small pieces all over the heap. */
static void give_back_memory(struct clients *clients)
{
        size_t now = present(clients);
        if (clients->most < LIMIT_CROWD || now > clients->most / 2)
                return;
        int64_t before_kb = resident_kb(), began_ms = steady_ms(clients);
        malloc_trim(0);
        log_event(LEVEL_INFO, "memory_given_back", LOG_NUMBER("were", (int64_t)clients->most),
                  LOG_NUMBER("are", (int64_t)now), LOG_NUMBER("before_kb", before_kb),
                  LOG_NUMBER("after_kb", resident_kb()),
                  LOG_NUMBER("took_ms", steady_ms(clients) - began_ms));
        clients->most = now;
}

void clients_tick(struct clients *clients)
{
        give_back_memory(clients);
        if (is_review_due(clients))
                begin_review(clients);
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
        clients->draining = true;
        listener_free(clients->listener);
        clients->listener = NULL;
        session_index_each(clients->options.service->sessions, drain_session, NULL);
        turn_out_all(clients, LOBBY_SILENT);
        turn_out_all(clients, LOBBY_WAITING);
        turn_out_all(clients, LOBBY_SHAKING);
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
