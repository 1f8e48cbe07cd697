/* The daemon's parts put together: see server.h. */
#include "daemon/server.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "config/limits.h"
#include "daemon/banks/banks.h"
#include "daemon/clients.h"
#include "daemon/clock_watch.h"
#include "daemon/epoch.h"
#include "daemon/instances.h"
#include "daemon/key_module.h"
#include "daemon/key_reads.h"
#include "daemon/keys.h"
#include "daemon/ledger/ledger_pg.h"
#include "daemon/partitions.h"
#include "daemon/reload.h"
#include "daemon/revocation.h"
#include "daemon/security.h"
#include "daemon/service.h"
#include "daemon/sightings.h"
#include "daemon/upkeep.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/db/pg_hosts.h"
#include "lib/net/signals.h"
#include "lib/net/watchdog.h"
#include "lib/net/wiped.h"
#include "rules/calendar.h"

enum {
        TICK_MS = 100,
        LOOK_MS = 1000,
        STATS_S = 60,
        ANSWER_LEAST_MS = 2000, /* a commit may wait for a disk */
};

struct server {
        struct settings settings;
        struct server_options options;
        struct keys keys;
        struct event_base *base;
        struct evdns_base *dns;
        struct pg_hosts *hosts; /* of the database */
        struct epoch epoch;
        struct ledger *ledger;
        struct service *service;
        struct key_module *key_module;
        struct session_keys session_keys;
        struct key_reads key_reads;
        struct event *key_reads_timer;
        struct clients *clients;
        struct banks *banks; /* NULL: no link is configured */
        struct instances *instances;
        struct sightings *sightings; /* likewise */
        struct upkeep *upkeep;
        struct partitions partitions;
        struct clock_watch clock;
        struct revocation revocation;
        struct signals *signals;
        struct event *tick, *look, *stats, *deadline;
        struct watchdog *watchdog; /* NULL: nobody watches */
        bool is_ready;             /* once, when the first lane is up */
        bool draining;
};

static bool fail(char error[SERVER_ERROR_MAX], const char *format, ...) ATM_PRINTF(2, 3);
static bool fail(char error[SERVER_ERROR_MAX], const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error, SERVER_ERROR_MAX, format, arguments);
        va_end(arguments);
        return false;
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static int64_t real_ms(void *context)
{
        (void)context;
        return real_now_ms();
}

static int64_t steady_ms(void *context)
{
        (void)context;
        return steady_now_ms();
}

static int64_t business_ms(void *context)
{
        const struct server *server = context;
        return clock_business_ms(&server->settings.clock, real_ms(NULL));
}

/* ---- settings that run-time parts take ----------------------------------------------------------------- */

static void on_ledger_message(void *context, bool is_problem, const char *text)
{
        (void)context;
        if (is_problem) /* an ATM's data may cause it over and over */
                log_limited(LEVEL_WARNING, "ledger", LOG_TEXT("text", text));
        else
                log_event(LEVEL_INFO, "ledger", LOG_TEXT("text", text));
}

static void on_lock_holder(void *context, const struct lock_holder *holder)
{
        (void)context;
        log_limited(LEVEL_WARNING, "lock_held", LOG_NUMBER("pid", holder->pid),
                    LOG_TEXT("user", holder->user), LOG_TEXT("application", holder->application),
                    LOG_TEXT("state", holder->state), LOG_TEXT("since", holder->since),
                    LOG_TEXT("table", holder->table), LOG_TEXT("mode", holder->mode),
                    LOG_NUMBER("waiting", holder->waiting));
}

static void on_session_ended(void *context, const struct ended_session *ended)
{
        (void)context;
        security_event(SECURITY_SESSION_ENDED, ended->user, LOG_NUMBER("pid", ended->pid),
                       LOG_TEXT("application", ended->application), LOG_TEXT("state", ended->state),
                       LOG_NUMBER("seconds", ended->seconds));
}

/* The service is not there yet when the ledger is made: make_service tells it. */
static void clock_changed(struct server *server)
{
        clock_watch_log(&server->clock);
        if (server->service)
                service_set_clock(server->service, server->clock.state);
}

static void on_clock(void *context, int64_t database_ms, int64_t round_trip_ms)
{
        struct server *server = context;
        if (clock_watch_hear(&server->clock, database_ms, round_trip_ms, real_ms(NULL), steady_ms(NULL)))
                clock_changed(server);
}

static size_t largest(size_t a, size_t b)
{
        return a > b ? a : b;
}

static struct ledger_times ledger_times_of(const struct settings *settings)
{
        return (struct ledger_times){.wait_ms = settings->atm_wait_s * 1000,
                                     .correct_ms = settings->correction_s * 1000};
}

/* A batch that is lost must be decided by another server while its ATMs still wait: less than half of their time. */
static int64_t answer_timeout_ms_of(const struct settings *settings)
{
        int64_t timeout_ms = settings->request_timeout_ms * 2 / 5;
        return timeout_ms < ANSWER_LEAST_MS ? ANSWER_LEAST_MS : timeout_ms;
}

static struct ledger_pg_options ledger_options_of(const struct settings *settings)
{
        return (struct ledger_pg_options){
            .conninfo = settings->conninfo,
            .connections = (int)settings->database_connections,
            .batch_max = (int)settings->batch_max,
            .queue_max = (int)settings->queue_max,
            .synchronous = settings->synchronous,
            .reference_poll_ms = (int)settings->reference_poll_ms,
            .answer_timeout_ms = answer_timeout_ms_of(settings),
            .times = ledger_times_of(settings),
            .on_message = on_ledger_message,
            .on_holder = on_lock_holder,
            .on_ended = on_session_ended,
            .on_clock = on_clock,
        };
}

/* What is in flight when the database goes away stays open until it is back: that alone must neither stop the
 * reading nor keep it from going on, because inquiries are to be answered 96 meanwhile, and the rest left in silence. */
static struct service_settings service_settings_of(const struct settings *settings)
{
        size_t in_flight = (size_t)(settings->database_connections * settings->batch_max);
        size_t open_max = largest((size_t)settings->queue_max, in_flight + 1);
        return (struct service_settings){
            .clock = settings->clock,
            .skew_limit_ms = settings->skew_s * 1000 * settings->clock.speed,
            .request_timeout_ms = settings->request_timeout_ms,
            .replaced = {settings->replaced_burst, settings->replaced_s * 1000},
            .guesses = {settings->guess_burst, settings->guess_s * 1000},
            .open_max = open_max,
            .open_resume = largest(open_max / 2, in_flight),
        };
}

/* All that can be wrong with the configuration and the files that it names; and the keys. */
static bool load_keys(const struct settings *settings, struct keys *ret_keys, char error[SERVER_ERROR_MAX])
{
        struct ledger_pg_options options = ledger_options_of(settings);
        char why[LEDGER_PG_ERROR_MAX];
        if (!ledger_pg_check(&options, why))
                return fail(error, "%s", why);
        if (!keys_load(settings, ret_keys, error, SERVER_ERROR_MAX))
                return false;
        if (banks_check_dialects(settings, error, SERVER_ERROR_MAX))
                return true;
        keys_free(ret_keys);
        return false;
}

bool server_check(const struct settings *settings, char error[SERVER_ERROR_MAX])
{
        struct keys keys;
        if (!load_keys(settings, &keys, error))
                return false;
        keys_free(&keys);
        return true;
}

/* ---- timers and signals -------------------------------------------------------------------------------- */

static void check_drained(struct server *server)
{
        if (!server->draining || clients_count(server->clients) > 0 || server->service->pool.taken > 0 ||
            ledger_pg_is_busy(server->ledger) || (server->banks && !banks_are_quiet(server->banks)))
                return;
        event_base_loopbreak(server->base);
}

static void log_stats(struct server *server)
{
        struct ledger_pg_stats ledger;
        const struct session_env *sessions = clients_sessions(server->clients);
        struct stats_levels levels = {clients_count(server->clients), sessions->signed_on,
                                      server->service->pool.taken};
        stats_log(&levels, clients_counters(server->clients), &sessions->count, &server->service->count);
        service_reset_latency(server->service);
        ledger_pg_get_stats(server->ledger, &ledger);
        log_event(LEVEL_INFO, "ledger_stats", LOG_NUMBER("batches", ledger.batches),
                  LOG_NUMBER("ops", ledger.ops), LOG_NUMBER("repeated_batches", ledger.repeated_batches),
                  LOG_NUMBER("lost_batches", ledger.lost_batches),
                  LOG_NUMBER("refused_ops", ledger.refused_ops), LOG_NUMBER("waiting", ledger.waiting),
                  LOG_NUMBER("held", ledger.held), LOG_NUMBER("in_doubt", ledger.in_doubt),
                  LOG_NUMBER("connections_up", ledger.connections_up),
                  LOG_NUMBER("clock_ahead_ms", server->clock.ahead_ms));
        key_module_log(server->key_module);
        if (server->banks)
                banks_log(server->banks);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd;
        (void)what;
        if (clock_watch_look(&server->clock, real_ms(NULL), steady_ms(NULL)))
                clock_changed(server);
        if (server->banks)
                banks_tick(server->banks); /* first: what a bank leaves unanswered is an outcome */
        service_tick(server->service);
        clients_tick(server->clients);
        check_drained(server);
}

static void look_at_revoked(struct server *server)
{
        if (revocation_look(&server->revocation, clients_tls(server->clients), real_ms(NULL) / 1000))
                clients_trust_changed(server->clients);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd;
        (void)what;
        look_at_revoked(server);
        if (server->sightings)
                sightings_look(server->sightings, steady_ms(NULL));
        log_tell_dropped(false);
        security_tick(false);
}

static void warn_partitions(struct server *server)
{
        partitions_warn(&server->partitions, ledger_reference(server->ledger), business_ms(server));
}

static void keep_epoch(struct server *server)
{
        char error[PG_EPOCH_ERROR_MAX];

        if (!epoch_keep(&server->epoch, error))
                log_event(LEVEL_ERROR, "epoch_not_kept", LOG_TEXT("reason", error));
}

static void on_stats(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd;
        (void)what;
        keep_epoch(server);
        log_stats(server);
        warn_partitions(server);
        ledger_pg_look(server->ledger);
        revocation_warn(&server->revocation, clients_tls(server->clients));
        instances_look(server->instances);
        upkeep_look(server->upkeep);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd;
        (void)what;
        log_event(LEVEL_WARNING, "drain_timeout",
                  LOG_NUMBER("connections", (int64_t)clients_count(server->clients)),
                  LOG_NUMBER("open", (int64_t)server->service->pool.taken));
        event_base_loopbreak(server->base);
}

static void on_stop(evutil_socket_t signal, short what, void *context)
{
        struct server *server = context;
        struct timeval limit = {.tv_sec = server->settings.drain_timeout_ms / 1000,
                                .tv_usec = server->settings.drain_timeout_ms % 1000 * 1000};
        (void)what;
        if (server->draining)
                return;
        server->draining = true;
        sd_notify(0, "STOPPING=1\nSTATUS=answering what is in flight");
        log_event(LEVEL_INFO, "stopping", LOG_TEXT("signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"),
                  LOG_NUMBER("connections", (int64_t)clients_count(server->clients)),
                  LOG_NUMBER("open", (int64_t)server->service->pool.taken));
        if (server->sightings)
                sightings_leave(server->sightings);
        if (server->banks)
                banks_drain(server->banks);
        event_add(server->deadline, &limit);
        clients_drain(server->clients);
        check_drained(server);
}

static void on_count(evutil_socket_t signal, short what, void *context)
{
        (void)signal;
        (void)what;
        log_stats(context);
}

/* ---- reload -------------------------------------------------------------------------------------------- */

/* Each part takes what is its own: nothing fails any more. */
static void take_over(struct server *server, const struct reload *reload)
{
        struct service_settings service = service_settings_of(&reload->settings);
        if (server->banks)
                banks_change(server->banks, &reload->settings, reload->keys.banks);
        server->settings = reload->settings;
        log_open(server->settings.log_target, server->settings.log_level, server->options.instance);
        service_change(server->service, &service);
        ledger_pg_set_times(server->ledger, ledger_times_of(&reload->settings));
        server->session_keys.wrong_max = server->settings.wrong_macs_max;
        clients_change(server->clients, &server->settings, reload->keys.tls);
        revocation_start(&server->revocation, server->settings.tls_crl);
        look_at_revoked(server);
        instances_change(server->instances, &server->settings);
}

static bool try_reload(struct server *server, char error[SERVER_ERROR_MAX])
{
        struct reload reload;
        if (!reload_prepare(server->options.config_path, &server->settings, &server->keys, &reload, error,
                            SERVER_ERROR_MAX))
                return false;
        bool good = clients_set_timeouts(server->clients, &reload.settings);
        if (good)
                take_over(server, &reload);
        else
                fail(error, "too many different time-outs since the start: restart atmd");
        reload_end(&reload);
        return good;
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
        if (try_reload(server, error)) {
                log_event(LEVEL_INFO, "reloaded", LOG_TEXT("config", server->options.config_path));
                ledger_pg_reload(server->ledger);
        } else {
                log_event(LEVEL_ERROR, "reload_refused", LOG_TEXT("reason", error),
                          LOG_TEXT("help", "everything stays as it was"));
        }
        if (server->is_ready)
                sd_notify(0, "READY=1");
}

/* ---- building ------------------------------------------------------------------------------------------ */

static bool make_base(struct server *server)
{
        wiped_memory();
        struct event_config *config = event_config_new();
        if (!config)
                return false;
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        server->base = event_base_new_with_config(config);
        event_config_free(config);
        return server->base;
}

static bool make_signals(struct server *server)
{
        static const struct signal_row rows[] = {
            {SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR1, on_count}};
        server->signals = signals_new(server->base, rows, sizeof(rows) / sizeof(rows[0]), server);
        return server->signals;
}

static struct event *make_timer(struct server *server, int64_t ms, event_callback_fn handle)
{
        struct timeval period = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        struct event *timer = event_new(server->base, -1, EV_PERSIST, handle, server);
        if (timer && ms > 0)
                event_add(timer, &period);
        return timer;
}

static void key_reads_plan(struct server *server)
{
        int64_t due_ms = key_reads_due_ms(&server->key_reads), pause_ms;
        if (due_ms == INT64_MAX)
                return;
        pause_ms = due_ms == INT64_MIN ? 0 : due_ms - steady_ms(server);
        if (pause_ms < 0)
                pause_ms = 0;
        struct timeval pause = {.tv_sec = pause_ms / 1000, .tv_usec = pause_ms % 1000 * 1000};
        event_add(server->key_reads_timer, &pause);
}

static void on_key_reads(evutil_socket_t fd, short what, void *context)
{
        struct server *server = context;
        (void)fd, (void)what;
        key_reads_tick(&server->key_reads, steady_ms(server));
        key_reads_plan(server);
}

static int64_t have_keys_read(void *context)
{
        struct server *server = context;
        return ledger_pg_read_keys(server->ledger);
}

static void on_keys(void *context, int64_t read, bool is_read)
{
        struct server *server = context;
        key_reads_done(&server->key_reads, read, is_read);
        key_reads_plan(server);
}

static bool make_timers(struct server *server)
{
        server->tick = make_timer(server, TICK_MS, on_tick);
        server->look = make_timer(server, LOOK_MS, on_look);
        server->stats = make_timer(server, (int64_t)STATS_S * 1000, on_stats);
        server->deadline = event_new(server->base, -1, 0, on_deadline, server);
        server->key_reads_timer = event_new(server->base, -1, 0, on_key_reads, server);
        key_reads_begin(&server->key_reads, have_keys_read, server);
        return server->key_reads_timer && server->tick && server->look && server->stats && server->deadline &&
               watchdog_new(server->base, &server->watchdog);
}

/* What libevent would write to standard error, past the log: that name servers don't answer. */
static void on_libevent(int severity, const char *text)
{
        if (severity != EVENT_LOG_DEBUG)
                log_limited(LEVEL_WARNING, "libevent", LOG_TEXT("text", text));
}

/* Names of the database's servers and of banks. Without name servers it still knows numbers and /etc/hosts. */
static bool make_hosts(struct server *server, char error[SERVER_ERROR_MAX])
{
        event_set_log_callback(on_libevent);
        server->dns = evdns_base_new(server->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (server->dns) {
                /* who waits for a silent name server does so for four seconds, unless resolv.conf says how long */
                evdns_base_set_option(server->dns, "timeout:", "2");
                evdns_base_set_option(server->dns, "attempts:", "2");
                evdns_base_resolv_conf_parse(server->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
                server->hosts = pg_hosts_new(server->base, server->dns, server->settings.conninfo);
        }
        return server->hosts || fail(error, "out of memory");
}

static bool make_epoch(struct server *server, char error[SERVER_ERROR_MAX])
{
        char why[PG_EPOCH_ERROR_MAX];
        return epoch_begin(&server->epoch, server->hosts, &server->settings, why) || fail(error, "%s", why);
}

/* What is told to systemd, and who looks at it, once the first lane is up: a server that may be used was found. */
static void tell_ready(struct server *server)
{
        char now[26];
        calendar_print_moment(business_ms(server), now);
        server->is_ready = true;
        log_event(LEVEL_INFO, "ready", LOG_TEXT("listen", clients_address(server->clients)),
                  LOG_NUMBER("connections_max", (int64_t)clients_max(server->clients)),
                  LOG_TEXT("business_time", now), LOG_NUMBER("clock_speed", server->settings.clock.speed),
                  LOG_NUMBER("reference_version", reference_version(ledger_reference(server->ledger))));
        sd_notify(0, "READY=1");
}

static void on_serving(void *context, bool serves)
{
        struct server *server = context;

        if (serves && !server->is_ready)
                tell_ready(server);
        if (serves && !server->draining)
                sd_notifyf(0, "STATUS=serving ATMs on %s", clients_address(server->clients));
        else if (!server->draining)
                sd_notify(0, "STATUS=no database that decides: ATMs wait");
}

static bool make_ledger(struct server *server, char error[SERVER_ERROR_MAX])
{
        char why[LEDGER_PG_ERROR_MAX], check_value[TOKEN_CHECK_TEXT];
        struct ledger_pg_options options = ledger_options_of(&server->settings);
        token_key_check_value(server->keys.token, check_value);
        options.token_check_value = check_value;
        options.hosts = server->hosts;
        options.on_serving = on_serving;
        options.on_keys = on_keys;
        options.context = server;
        server->ledger = ledger_pg_new(server->base, &options, why);
        if (!server->ledger)
                return fail(error, "%s", why);
        return epoch_keep(&server->epoch, why) || fail(error, "[database] epoch_file: %s", why);
}

static void on_relief(void *context)
{
        struct server *server = context;
        clients_relieve(server->clients);
}

static void on_gone(void *context)
{
        check_drained(context);
}

static bool make_service(struct server *server, char error[SERVER_ERROR_MAX])
{
        struct service_settings settings = service_settings_of(&server->settings);
        struct service_shell shell = {real_ms, steady_ms, on_relief, server};
        server->service = service_new(&settings, &shell, server->ledger, server->keys.token);
        if (server->service)
                service_set_clock(server->service, server->clock.state);
        return server->service || fail(error, "out of memory");
}

static void on_key_set_used(void *context, enum key_owner owner_kind, const char *owner, int number)
{
        struct server *server = context;
        ledger_pg_key_set_used(server->ledger, owner_kind, owner, number);
}

static bool ask_key_module(void *context, struct key_question *question, const struct key_message *message)
{
        struct server *server = context;
        return key_module_ask(server->key_module, question, message);
}

static void drop_question(void *context, struct key_question *question)
{
        (void)context;
        key_question_drop(question);
}

static void read_keys(void *context, struct key_reader *reader)
{
        struct server *server = context;
        key_reads_await(&server->key_reads, reader, steady_ms(server));
        key_reads_plan(server);
}

static void forget_reader(void *context, struct key_reader *reader)
{
        struct server *server = context;
        key_reads_forget(&server->key_reads, reader);
}

static bool make_key_module(struct server *server, char error[SERVER_ERROR_MAX])
{
        server->key_module = key_module_new(server->base, &server->settings, error, SERVER_ERROR_MAX);
        return server->key_module;
}

static bool make_clients(struct server *server, char error[SERVER_ERROR_MAX])
{
        server->session_keys = (struct session_keys){
            .rings = ledger_pg_key_rings(server->ledger),
            .used = on_key_set_used,
            .ask = ask_key_module,
            .drop = drop_question,
            .read = read_keys,
            .forget = forget_reader,
            .context = server,
            .wrong_max = server->settings.wrong_macs_max,
        };
        service_set_keys(server->service, &server->session_keys);
        struct clients_options options = {
            .base = server->base,
            .settings = &server->settings,
            .tls = server->keys.tls,
            .service = server->service,
            .keys = &server->session_keys,
            .steady_ms = steady_ms,
            .on_gone = on_gone,
            .context = server,
        };
        server->clients = clients_new(&options);
        return server->clients || fail(error, "out of memory");
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
            .dns = server->dns,
            .hosts = server->hosts,
            .settings = &server->settings,
            .keys = server->keys.banks,
            .session_keys = &server->session_keys,
            .instance = server->options.instance,
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

static bool partitions_due(void *context)
{
        struct server *server = context;
        return partitions_are_due(ledger_reference(server->ledger), business_ms(server));
}

static bool make_upkeep(struct server *server, char error[SERVER_ERROR_MAX])
{
        const struct upkeep_events events = {business_ms, partitions_due, server};
        server->upkeep = upkeep_new(server->base, server->hosts, &events);
        return server->upkeep || fail(error, "out of memory");
}

static bool open_door(struct server *server, char error[SERVER_ERROR_MAX])
{
        char why[LISTENER_ERROR_MAX];
        const struct address *listen = &server->options.listen;
        if (server->options.passed >= 0)
                return clients_adopt(server->clients, server->options.passed, why) || fail(error, "%s", why);
        const char *host = *listen->host ? listen->host : server->settings.listen_host;
        int port = *listen->host ? listen->port : (int)server->settings.listen_port;
        return clients_listen(server->clients, host, port, why) || fail(error, "%s", why);
}

/* What people know this instance by. */
static const char *own_name(const struct server *server)
{
        return server->options.instance ? server->options.instance : clients_address(server->clients);
}

static bool make_instances(struct server *server, char error[SERVER_ERROR_MAX])
{
        server->instances = instances_new(server->base, server->hosts, &server->settings, own_name(server));
        return server->instances || fail(error, "out of memory");
}

static bool make_sightings(struct server *server, char error[SERVER_ERROR_MAX])
{
        if (!server->banks)
                return true;
        server->sightings =
            sightings_new(server->base, server->hosts, own_name(server), banks_routes(server->banks));
        return server->sightings || fail(error, "out of memory");
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
        if (!load_keys(settings, &server->keys, error))
                goto failed;
        bad_config = false;
        signal(SIGPIPE, SIG_IGN);
        if (!make_base(server)) {
                fail(error, "the event loop can't be set up");
                goto failed;
        }
        if (!make_key_module(server, error)) /* while there is nobody else on the loop */
                goto failed;
        if (!make_timers(server)) {
                fail(error, "the event loop can't be set up");
                goto failed;
        }
        /* Connecting blocks: until that is over a signal simply ends the process. */
        if (!make_hosts(server, error) || !make_epoch(server, error) || !make_ledger(server, error) ||
            !make_service(server, error) || !make_clients(server, error) ||
            !partitions_check(ledger_reference(server->ledger), business_ms(server), error,
                              SERVER_ERROR_MAX) ||
            !make_banks(server, error) || !make_upkeep(server, error) || !open_door(server, error) ||
            !make_instances(server, error) || !make_sightings(server, error))
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

/* For the sign-offs to leave; those that need a MAC wait for it, but not for long. */
static void let_banks_leave(struct server *server)
{
        int64_t until_ms = steady_ms(NULL) + LIMIT_BANK_LEAVE_MS;
        while (!banks_have_left(server->banks) && steady_ms(NULL) < until_ms)
                event_base_loop(server->base, EVLOOP_ONCE); /* there is a tick */
        event_base_loop(server->base, EVLOOP_NONBLOCK);
}

void server_run(struct server *server)
{
        warn_partitions(server);
        revocation_start(&server->revocation, server->settings.tls_crl);
        look_at_revoked(server);
        event_base_dispatch(server->base);
        if (server->banks) {
                banks_stop(server->banks);
                let_banks_leave(server);
        }
        log_tell_dropped(true);
        security_tick(true);
        log_stats(server);
        log_event(LEVEL_INFO, "stopped", LOG_NUMBER("connections", (int64_t)clients_count(server->clients)));
}

static void free_event(struct event *event)
{
        if (event)
                event_free(event);
}

void server_free(struct server *server)
{
        if (!server)
                return;
        ledger_free(server->ledger);
        key_module_free(server->key_module); /* what sessions have asked is their memory */
        clients_free(server->clients);
        service_free(server->service);
        instances_free(server->instances);
        sightings_free(server->sightings);
        banks_free(server->banks); /* it says nothing any more to those who wait for it */
        upkeep_free(server->upkeep);
        pg_hosts_free(server->hosts);
        if (server->dns)
                evdns_base_free(server->dns, 0);
        signals_free(server->signals);
        free_event(server->tick);
        free_event(server->look);
        free_event(server->stats);
        watchdog_free(server->watchdog);
        free_event(server->deadline);
        free_event(server->key_reads_timer);
        if (server->base)
                event_base_free(server->base);
        keys_free(&server->keys);
        free(server);
}
