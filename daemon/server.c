/* The daemon's parts put together: see server.h. */
#include "daemon/server.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "config/settings_change.h"
#include "daemon/banks/banks.h"
#include "daemon/conn.h"
#include "daemon/ledger/ledger_batch.h"
#include "daemon/ledger/ledger_pg.h"
#include "lib/base/log.h"
#include "lib/net/listener.h"
#include "lib/net/priorities.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "rules/calendar.h"
#include "lib/security/tls.h"

enum {
        CALLBACKS_BEFORE_LOOK = 16, /* of newcomers, before looking for those that are served */
        TICK_MS = 100,
        STATS_S = 60,
        AHEAD_DAYS = 214, /* DE 7 has no year: it may be half a year off, and a bit */
        SIGNALS = 4,
};

/* One connection and its session: the owner that conn knows, the peer that session knows. */
struct client {
        struct server *server;
        struct conn *conn; /* NULL once it is closed */
        bool opening;      /* on server->opening */
        bool held_back;    /* on server->held_back */
        bool has_session;
        int64_t accepted_ms;
        struct session session;
        LIST_ENTRY(client) entry;
        TAILQ_ENTRY(client) opening_entry, held_back_entry;
};

TAILQ_HEAD(client_list, client);

struct server {
        struct settings settings;
        struct server_options options;
        struct event_base *base;
        SSL_CTX *tls;
        struct token_key *token_key;
        struct ledger *ledger;
        struct service *service;
        struct session_env sessions;
        struct client_counters count;
        struct banks *banks; /* NULL: no link is configured */
        struct conn_env *conns;
        struct listener *listener; /* NULL once it drains */
        struct event *signals[SIGNALS], *tick, *stats, *watchdog, *deadline;
        LIST_HEAD(, client) clients;
        struct client_list opening; /* in order of acceptance */
        size_t opening_count;
        struct client_list held_back; /* not read from while the ledger is behind */
        size_t connections_max;       /* what the configuration and the system allow */
        int32_t warned_day[3];        /* missing partitions that the log has named already */
        bool draining;
};

static void check_drained(struct server *server);

/* ---- time ---------------------------------------------------------------------------------------------- */

static int64_t clock_ms(clockid_t clock)
{
        struct timespec now;
        clock_gettime(clock, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_ms(void *context)
{
        (void)context;
        return clock_ms(CLOCK_REALTIME);
}

static int64_t steady_ms(void *context)
{
        (void)context;
        return clock_ms(CLOCK_MONOTONIC);
}

static int64_t business_ms(void *context)
{
        const struct server *server = context;
        return clock_business_ms(&server->settings.clock, real_ms(NULL));
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
        struct server *server = client->server;
        if (!client->opening)
                return;
        client->opening = false;
        server->opening_count--;
        TAILQ_REMOVE(&server->opening, client, opening_entry);
        if (server->listener)
                listener_resume(server->listener);
}

static void leave_held_back(struct client *client)
{
        if (!client->held_back)
                return;
        client->held_back = false;
        TAILQ_REMOVE(&client->server->held_back, client, held_back_entry);
}

static void on_ready(void *owner, const char *certificate_name)
{
        struct client *client = owner;
        struct server *server = client->server;
        leave_opening(client);
        server->count.opened++;
        if (server->draining) {
                conn_close(client->conn, CONN_END_SHUTDOWN, "the daemon stops");
                return;
        }
        client->has_session =
            session_open(&client->session, &server->sessions, &session_ops, client, certificate_name);
        if (client->has_session)
                log_limited(LEVEL_INFO, "connected", LOG_TEXT("terminal", certificate_name),
                            LOG_TEXT("peer", conn_peer(client->conn)));
}

static bool may_read(void *owner)
{
        struct client *client = owner;
        if (!service_is_congested(client->server->service))
                return true;
        if (!client->held_back) {
                client->held_back = true;
                TAILQ_INSERT_TAIL(&client->server->held_back, client, held_back_entry);
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
        struct server *server = client->server;
        count_end(&server->count, end);
        leave_opening(client);
        leave_held_back(client);
        if (client->has_session)
                session_closed(&client->session);
        LIST_REMOVE(client, entry);
        free(client);
        check_drained(server);
}

static const struct conn_events conn_events = {on_ready, may_read, on_frame, on_closed};

static void on_conn_free(void *context)
{
        struct server *server = context;
        if (server->listener)
                listener_resume(server->listener);
        check_drained(server);
}

static void on_relief(void *context)
{
        struct server *server = context;
        struct client *client;
        while ((client = TAILQ_FIRST(&server->held_back))) {
                leave_held_back(client);
                conn_resume(client->conn);
        }
}

/* ---- from the door ------------------------------------------------------------------------------------- */

/* Make room: the oldest connection that has said nothing for a while, or begun and not ended, is closed. */
static bool drop_slow(struct server *server)
{
        int64_t now_ms = steady_ms(NULL);
        struct client *client;
        TAILQ_FOREACH(client, &server->opening, opening_entry)
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
        struct server *server = context;
        return server->opening_count < LIMIT_OPENING || drop_slow(server);
}

static void on_accepted(void *context, int fd, const char *peer)
{
        struct server *server = context;
        bool is_full = conn_env_count(server->conns) >= server->connections_max && !drop_slow(server);
        struct client *client = is_full ? NULL : calloc(1, sizeof(*client));
        server->count.accepted++;
        if (!client) {
                server->count.refused_full++;
                log_limited(LEVEL_WARNING, "refused_full", LOG_TEXT("peer", peer),
                            LOG_NUMBER("connections_max", (int64_t)server->connections_max));
                close(fd);
                return;
        }
        client->server = server;
        client->accepted_ms = steady_ms(NULL);
        client->conn = conn_new(server->conns, server->tls, fd, peer, client);
        if (!client->conn) {
                server->count.closed_error++;
                log_limited(LEVEL_ERROR, "out_of_memory", LOG_TEXT("peer", peer));
                free(client);
                return;
        }
        client->opening = true;
        server->opening_count++;
        TAILQ_INSERT_TAIL(&server->opening, client, opening_entry);
        LIST_INSERT_HEAD(&server->clients, client, entry);
}

static void on_refused(void *context)
{
        struct server *server = context;
        server->count.refused_descriptors++;
}

static const struct listener_rules listener_rules = {LIMIT_BACKLOG, LIMIT_ACCEPTS_PER_TURN, LIMIT_ACCEPT_REST_MS};
static const struct listener_events listener_events = {on_accepted, may_accept, on_refused};

/* ---- from the ledger ----------------------------------------------------------------------------------- */

static void on_ledger_message(void *context, bool is_problem, const char *text)
{
        (void)context;
        log_event(is_problem ? LEVEL_WARNING : LEVEL_INFO, "ledger", LOG_TEXT("text", text));
}

/* ---- what is loaded from files, at the start and at a reload ------------------------------------------- */

static bool fail(char error[SERVER_ERROR_MAX], const char *format, ...) ATM_PRINTF(2, 3);
static bool fail(char error[SERVER_ERROR_MAX], const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error, SERVER_ERROR_MAX, format, arguments);
        va_end(arguments);
        return false;
}

static bool check_database(const struct settings *settings, char error[SERVER_ERROR_MAX])
{
        char *text = NULL;
        PQconninfoOption *parsed = PQconninfoParse(settings->conninfo, &text);
        if (!parsed) {
                /* libpq repeats what it could not read, which may be a password */
                PQfreemem(text);
                return fail(error, "[database] conninfo: not what libpq takes; expected keywords and values "
                                   "(host=... dbname=...) or a postgresql:// URI");
        }
        PQconninfoFree(parsed);
        if (settings->database_connections > LEDGER_PG_CONNECTIONS_MAX)
                return fail(error, "[database] connections: %" PRId64 ": expected 1 to %d",
                            settings->database_connections, LEDGER_PG_CONNECTIONS_MAX);
        if (settings->batch_max > BATCH_MAX)
                return fail(error, "[database] batch_max: %" PRId64 ": expected 1 to %d", settings->batch_max,
                            BATCH_MAX);
        return true;
}

static SSL_CTX *load_tls(const struct settings *settings, char error[SERVER_ERROR_MAX])
{
        char why[TLS_ERROR_MAX];
        SSL_CTX *tls = tls_server_context(settings->tls_ca, settings->tls_certificate, settings->tls_key,
                                          settings->tls_minimum, why);
        if (!tls)
                fail(error, "[tls] %s", why);
        return tls;
}

static struct token_key *load_token_key(const struct settings *settings, char error[SERVER_ERROR_MAX])
{
        char why[TOKEN_ERROR_MAX];
        struct token_key *key = token_key_load(settings->token_key_file, why);
        if (!key)
                fail(error, "[card] token_key_file: %s", why);
        return key;
}

bool server_check(const struct settings *settings, char error[SERVER_ERROR_MAX])
{
        SSL_CTX *tls = NULL;
        struct token_key *key = NULL;
        bool good = check_database(settings, error) && (tls = load_tls(settings, error)) &&
                    (key = load_token_key(settings, error)) && banks_check(settings, error, SERVER_ERROR_MAX);
        SSL_CTX_free(tls);
        token_key_free(key);
        return good;
}

/* ---- settings that run-time parts take ----------------------------------------------------------------- */

static struct conn_timeouts timeouts_of(const struct settings *settings)
{
        return (struct conn_timeouts){.handshake_ms = settings->handshake_timeout_ms,
                                      .idle_ms = settings->idle_timeout_ms,
                                      .message_ms = settings->message_timeout_ms};
}

static size_t largest(size_t a, size_t b)
{
        return a > b ? a : b;
}

/* What is in flight when the database goes away stays open until it is back: that alone must neither stop the
 * reading nor keep it from going on, because requests are to be answered 96 meanwhile. */
static struct service_settings service_settings_of(const struct settings *settings)
{
        size_t in_flight = (size_t)(settings->database_connections * settings->batch_max);
        size_t open_max = largest((size_t)settings->queue_max, in_flight + 1);
        return (struct service_settings){
            .clock = settings->clock,
            .skew_limit_ms = settings->skew_s * 1000 * settings->clock.speed,
            .request_timeout_ms = settings->request_timeout_ms,
            .open_max = open_max,
            .open_resume = largest(open_max / 2, in_flight),
        };
}

/* Descriptors for as many connections as the system lets us have. */
static size_t possible_connections(const struct settings *settings)
{
        struct rlimit limit;
        int64_t wanted = settings->connections_max;
        rlim_t others = LIMIT_OTHER_DESCRIPTORS;
        for (size_t i = 0; i < settings->link_count; i++)
                others += (rlim_t)settings->link[i].connections;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return (size_t)wanted;
        if (limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
                getrlimit(RLIMIT_NOFILE, &limit);
        }
        rlim_t possible = limit.rlim_cur > others ? limit.rlim_cur - others : 1;
        if (limit.rlim_cur == RLIM_INFINITY || possible >= (rlim_t)wanted)
                return (size_t)wanted;
        log_event(LEVEL_WARNING, "few_descriptors", LOG_NUMBER("connections_max", wanted),
                  LOG_NUMBER("possible", (int64_t)possible),
                  LOG_TEXT("help", "raise LimitNOFILE, or run more instances"));
        return (size_t)possible;
}

/* ---- partitions ---------------------------------------------------------------------------------------- */

static bool check_partitions_now(const struct server *server, char error[SERVER_ERROR_MAX])
{
        int64_t now_ms = service_business_ms(server->service);
        char day[11];
        if (reference_holds_moment(ledger_reference(server->ledger), now_ms))
                return true;
        calendar_print_day(calendar_business_day(now_ms), day);
        return fail(error, "database: no partitions for the business day %s: run 'atmctl db partitions'",
                    day);
}

/* Named once for each business day, as long as it is so. */
static void warn_partitions(struct server *server)
{
        int64_t now_ms = service_business_ms(server->service), ahead_ms = (int64_t)AHEAD_DAYS * DAY_MS;
        const struct reference *reference = ledger_reference(server->ledger);
        const int64_t moments[] = {now_ms, now_ms - ahead_ms, now_ms + ahead_ms};
        for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
                char text[11];
                int32_t day = calendar_business_day(moments[i]);
                if (reference_holds_moment(reference, moments[i]) || server->warned_day[i] == day)
                        continue;
                server->warned_day[i] = day;
                calendar_print_day(day, text);
                log_event(i == 0 ? LEVEL_ERROR : LEVEL_WARNING, "partitions_missing", LOG_TEXT("day", text),
                          LOG_TEXT("help", "atmctl db partitions"));
        }
}

/* ---- timers and signals -------------------------------------------------------------------------------- */

static void log_stats(struct server *server)
{
        struct ledger_pg_stats ledger;
        struct stats_levels levels = {conn_env_count(server->conns), server->sessions.signed_on,
                                      server->service->pool.taken};
        stats_log(&levels, &server->count, &server->sessions.count, &server->service->count);
        service_reset_latency(server->service);
        ledger_pg_get_stats(server->ledger, &ledger);
        log_event(LEVEL_INFO, "ledger_stats", LOG_NUMBER("batches", ledger.batches),
                  LOG_NUMBER("ops", ledger.ops), LOG_NUMBER("repeated_batches", ledger.repeated_batches),
                  LOG_NUMBER("lost_batches", ledger.lost_batches),
                  LOG_NUMBER("refused_ops", ledger.refused_ops), LOG_NUMBER("waiting", ledger.waiting),
                  LOG_NUMBER("in_doubt", ledger.in_doubt),
                  LOG_NUMBER("connections_up", ledger.connections_up));
        if (server->banks)
                banks_log(server->banks);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd;
        (void)what;
        if (server->banks)
                banks_tick(server->banks); /* first: what a bank leaves unanswered is an outcome */
        service_tick(server->service);
        if (server->listener)
                listener_resume(server->listener); /* a silent peer may be old enough by now */
        check_drained(server);
}

static void on_stats(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        log_stats(context);
        warn_partitions(context);
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        (void)context;
        sd_notify(0, "WATCHDOG=1");
}

static void check_drained(struct server *server)
{
        if (!server->draining || conn_env_count(server->conns) > 0 || server->service->pool.taken > 0 ||
            ledger_pg_is_busy(server->ledger) || (server->banks && !banks_are_quiet(server->banks)))
                return;
        event_base_loopbreak(server->base);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd;
        (void)what;
        log_event(LEVEL_WARNING, "drain_timeout",
                  LOG_NUMBER("connections", (int64_t)conn_env_count(server->conns)),
                  LOG_NUMBER("open", (int64_t)server->service->pool.taken));
        event_base_loopbreak(server->base);
}

static void drain_session(struct session_entry *entry, void *context)
{
        (void)context;
        session_drain(session_of(entry));
}

static void on_stop(evutil_socket_t signal, short what, void *context)
{
        struct server *server = context;
        struct client *client;
        struct timeval limit = {.tv_sec = server->settings.drain_timeout_ms / 1000,
                                .tv_usec = server->settings.drain_timeout_ms % 1000 * 1000};
        (void)what;
        if (server->draining)
                return;
        server->draining = true;
        sd_notify(0, "STOPPING=1\nSTATUS=answering what is in flight");
        log_event(LEVEL_INFO, "stopping", LOG_TEXT("signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"),
                  LOG_NUMBER("connections", (int64_t)conn_env_count(server->conns)),
                  LOG_NUMBER("open", (int64_t)server->service->pool.taken));
        listener_free(server->listener);
        server->listener = NULL;
        if (server->banks)
                banks_drain(server->banks);
        event_add(server->deadline, &limit);
        session_index_each(server->service->sessions, drain_session, NULL);
        TAILQ_FOREACH(client, &server->opening, opening_entry)
        conn_close(client->conn, CONN_END_SHUTDOWN, "the daemon stops");
        check_drained(server);
}

static void on_count(evutil_socket_t signal, short what, void *context)
{
        (void)signal;
        (void)what;
        log_stats(context);
}

/* ---- reload -------------------------------------------------------------------------------------------- */

/* Another key would make other tokens of the same cards, and each card would have its limits twice. */
static bool check_token_key(const struct server *server, const struct settings *settings, char error[SERVER_ERROR_MAX])
{
        static const char any_card[] = "0000000000000000";
        uint8_t ours[TOKEN_LENGTH], theirs[TOKEN_LENGTH];
        struct token_key *key = load_token_key(settings, error);
        bool same;
        if (!key)
                return false;
        token_of_pan(server->token_key, any_card, ours);
        token_of_pan(key, any_card, theirs);
        same = memcmp(ours, theirs, sizeof(ours)) == 0;
        token_key_free(key);
        return same || fail(error,
                            "[card] token_key_file: %s holds another key than the one that atmd runs with: put the old one "
                            "back, or restart every instance with the same key and import all cards anew",
                            settings->token_key_file);
}

static bool reload(struct server *server, char error[SERVER_ERROR_MAX])
{
        struct settings settings;
        char why[SETTINGS_ERROR_MAX];
        if (!settings_load(server->options.config_path, &settings, why))
                return fail(error, "%s", why);
        if (!settings_may_change(&server->settings, &settings, why))
                return fail(error, "%s: %s", server->options.config_path, why);
        if (!check_token_key(server, &settings, error))
                return false;
        SSL_CTX *tls = load_tls(&settings, error);
        if (!tls)
                return false;
        struct bank_keys *keys = NULL;
        if (server->banks && !(keys = banks_load_keys(&settings, error, SERVER_ERROR_MAX))) {
                SSL_CTX_free(tls);
                return false;
        }
        struct conn_timeouts timeouts = timeouts_of(&settings);
        if (!conn_env_set_timeouts(server->conns, &timeouts)) {
                SSL_CTX_free(tls);
                banks_free_keys(keys);
                return fail(error, "too many different time-outs since the start: restart atmd");
        }
        /* From here on nothing fails. */
        if (server->banks)
                banks_change(server->banks, &settings, keys);
        banks_free_keys(keys);
        SSL_CTX_free(server->tls); /* connections hold the one they began with */
        server->tls = tls;
        server->settings = settings;
        log_open(settings.log_target, settings.log_level, server->options.instance);
        struct service_settings service = service_settings_of(&settings);
        service_change(server->service, &service);
        server->connections_max = possible_connections(&settings);
        return true;
}

static void on_reload(evutil_socket_t signal, short what, void *context)
{
        struct server *server = context;
        char error[SERVER_ERROR_MAX];
        (void)signal;
        (void)what;
        if (server->draining)
                return;
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, steady_ms(NULL) * 1000);
        if (reload(server, error)) {
                log_event(LEVEL_INFO, "reloaded", LOG_TEXT("config", server->options.config_path));
                ledger_pg_reload(server->ledger);
        } else {
                log_event(LEVEL_ERROR, "reload_refused", LOG_TEXT("reason", error),
                          LOG_TEXT("help", "everything stays as it was"));
        }
        sd_notify(0, "READY=1");
}

/* ---- building ------------------------------------------------------------------------------------------ */

static bool make_base(struct server *server)
{
        struct event_config *config = event_config_new();
        if (!config)
                return false;
        event_config_set_max_dispatch_interval(config, NULL, CALLBACKS_BEFORE_LOOK, PRIORITY_NEWCOMER);
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        server->base = event_base_new_with_config(config);
        event_config_free(config);
        return server->base && event_base_priority_init(server->base, PRIORITY_COUNT) == 0;
}

static bool make_signals(struct server *server)
{
        static const struct {
                int signal;
                event_callback_fn handle;
        } rows[SIGNALS] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR1, on_count}};
        for (size_t i = 0; i < SIGNALS; i++) {
                server->signals[i] = evsignal_new(server->base, rows[i].signal, rows[i].handle, server);
                if (!server->signals[i] || event_add(server->signals[i], NULL) < 0)
                        return false;
        }
        return true;
}

static struct event *make_timer(struct server *server, int64_t ms, event_callback_fn handle)
{
        struct timeval period = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        struct event *timer = event_new(server->base, -1, EV_PERSIST, handle, server);
        if (timer && ms > 0)
                event_add(timer, &period);
        return timer;
}

static bool make_timers(struct server *server)
{
        uint64_t watchdog_us = 0;
        server->tick = make_timer(server, TICK_MS, on_tick);
        server->stats = make_timer(server, (int64_t)STATS_S * 1000, on_stats);
        server->deadline = event_new(server->base, -1, 0, on_deadline, server);
        if (sd_watchdog_enabled(0, &watchdog_us) > 0)
                server->watchdog = make_timer(server, (int64_t)largest(watchdog_us / 2000, 1), on_watchdog);
        return server->tick && server->stats && server->deadline && (server->watchdog || !watchdog_us);
}

static bool make_ledger(struct server *server, char error[SERVER_ERROR_MAX])
{
        char why[LEDGER_PG_ERROR_MAX];
        struct ledger_pg_options options = {
            .conninfo = server->settings.conninfo,
            .connections = (int)server->settings.database_connections,
            .batch_max = (int)server->settings.batch_max,
            .queue_max = (int)server->settings.queue_max,
            .reference_poll_ms = (int)server->settings.reference_poll_ms,
            .on_message = on_ledger_message,
            .context = server,
        };
        server->ledger = ledger_pg_new(server->base, &options, why);
        return server->ledger || fail(error, "%s", why);
}

static bool make_service(struct server *server, char error[SERVER_ERROR_MAX])
{
        struct service_settings settings = service_settings_of(&server->settings);
        struct service_shell shell = {real_ms, steady_ms, on_relief, server};
        struct conn_timeouts timeouts = timeouts_of(&server->settings);
        server->service = service_new(&settings, &shell, server->ledger, server->token_key);
        server->sessions.service = server->service;
        server->conns = conn_env_new(server->base, &conn_events, &timeouts, on_conn_free, server);
        return (server->service && server->conns) || fail(error, "out of memory");
}

static void on_notice(void *context)
{
        struct server *server = context;
        banks_nudge(server->banks);
}

static bool make_banks(struct server *server, char error[SERVER_ERROR_MAX])
{
        if (server->settings.link_count == 0)
                return true;
        struct banks_options options = {
            .base = server->base,
            .settings = &server->settings,
            .instance = server->options.instance,
            .real_ms = real_ms,
            .steady_ms = steady_ms,
            .business_ms = business_ms,
            .context = server,
        };
        server->banks = banks_new(&options, error, SERVER_ERROR_MAX);
        if (!server->banks)
                return false;
        struct service_banks banks = {banks_routes(server->banks), on_notice, server};
        service_set_banks(server->service, &banks);
        return true;
}

static bool make_listener(struct server *server, char error[SERVER_ERROR_MAX])
{
        char why[LISTENER_ERROR_MAX];
        const struct address *listen = &server->options.listen;
        const char *host = *listen->host ? listen->host : server->settings.listen_host;
        int port = *listen->host ? listen->port : (int)server->settings.listen_port;
        server->connections_max = possible_connections(&server->settings);
        server->listener = listener_new(server->base, host, port, &listener_rules, &listener_events, server, why);
        return server->listener || fail(error, "%s", why);
}

struct server *server_new(const struct server_options *options, const struct settings *settings,
                          bool *ret_bad_config, char error[SERVER_ERROR_MAX])
{
        struct server *server = calloc(1, sizeof(*server));
        bool bad_config = true;
        if (!server) {
                *ret_bad_config = false;
                fail(error, "out of memory");
                return NULL;
        }
        server->settings = *settings;
        server->options = *options;
        LIST_INIT(&server->clients);
        TAILQ_INIT(&server->opening);
        TAILQ_INIT(&server->held_back);
        if (!check_database(settings, error) || !(server->tls = load_tls(settings, error)) ||
            !(server->token_key = load_token_key(settings, error)) ||
            !banks_check(settings, error, SERVER_ERROR_MAX))
                goto failed;
        bad_config = false;
        signal(SIGPIPE, SIG_IGN);
        if (!make_base(server) || !make_timers(server)) {
                fail(error, "the event loop can't be set up");
                goto failed;
        }
        /* Connecting blocks: until that is over a signal simply ends the process. */
        if (!make_ledger(server, error) || !make_service(server, error) ||
            !check_partitions_now(server, error) || !make_banks(server, error) ||
            !make_listener(server, error))
                goto failed;
        if (!make_signals(server)) {
                fail(error, "signals can't be handled");
                goto failed;
        }
        return server;
failed:
        *ret_bad_config = bad_config;
        server_free(server);
        return NULL;
}

void server_run(struct server *server)
{
        const struct business_clock *clock = &server->settings.clock;
        char now[26];
        calendar_print_moment(service_business_ms(server->service), now);
        warn_partitions(server);
        log_event(LEVEL_INFO, "ready", LOG_TEXT("listen", listener_address(server->listener)),
                  LOG_NUMBER("connections_max", (int64_t)server->connections_max),
                  LOG_TEXT("business_time", now), LOG_NUMBER("clock_speed", clock->speed),
                  LOG_NUMBER("reference_version", reference_version(ledger_reference(server->ledger))));
        sd_notifyf(0, "READY=1\nSTATUS=serving ATMs on %s", listener_address(server->listener));
        event_base_dispatch(server->base);
        if (server->banks) {
                banks_stop(server->banks);
                event_base_loop(server->base, EVLOOP_NONBLOCK); /* for the sign-offs to leave */
        }
        log_stats(server);
        log_event(LEVEL_INFO, "stopped", LOG_NUMBER("connections", (int64_t)conn_env_count(server->conns)));
}

static void free_event(struct event *event)
{
        if (event)
                event_free(event);
}

void server_free(struct server *server)
{
        struct client *client;
        if (!server)
                return;
        listener_free(server->listener);
        ledger_free(server->ledger);
        conn_env_free(server->conns);
        while ((client = LIST_FIRST(&server->clients))) {
                LIST_REMOVE(client, entry);
                free(client);
        }
        service_free(server->service);
        banks_free(server->banks); /* it says nothing any more to those who wait for it */
        for (size_t i = 0; i < SIGNALS; i++)
                free_event(server->signals[i]);
        free_event(server->tick);
        free_event(server->stats);
        free_event(server->watchdog);
        free_event(server->deadline);
        if (server->base)
                event_base_free(server->base);
        SSL_CTX_free(server->tls);
        token_key_free(server->token_key);
        free(server);
}
