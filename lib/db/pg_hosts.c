#include "lib/db/pg_hosts.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/now.h"

enum {
        ADDRESSES_MAX = 8, /* of one name */
        NUMERIC_MAX = 64,
        ADDRESSES_AGE_MS = 10000, /* then the name is looked up again */
        ATTEMPT_S = 3,
        SILENT_MS = 1000, /* who has not said so for so long */
        OPTIONS_MAX = 96, /* libpq 15 knows 42 */
};

struct host;

/* A question to the name server. evdns says the end of a cancelled one later, when the host may be gone. */
struct look_up {
        struct host *host; /* NULL: nobody asks any more */
        struct evdns_getaddrinfo_request *request;
};

struct host {
        char *name, *port; /* "": libpq's own */
        char address[ADDRESSES_MAX][NUMERIC_MAX];
        size_t addresses;
        bool is_named; /* addresses come from a name server */
        int64_t known_ms;
        struct look_up *look_up; /* while it is asked; not ours */
        int failure;             /* of the last look-up */
        bool is_silent;          /* the last attempt was long in vain */
        int64_t asked_until_ms;  /* by one seeker; the others pass it over */
        struct pg_epoch refused; /* the last one that was told of */
        struct pg_hosts *hosts;
};

struct pg_hosts {
        struct evdns_base *dns;
        PQconninfoOption *options;
        char *session_attributes;
        struct host *host;
        size_t count, current;
        struct event *looked_up, *found; /* tell the seekers */
        TAILQ_HEAD(, pg_seeker) seekers;
        bool is_watching;
        struct pg_hosts_events events; /* while watching */
        struct pg_epoch known;
        unsigned generation;
};

/* --- what libpq is told --------------------------------------------------------------------------- */

/*
 * All that conninfo, service file, environment and libpq's own defaults say. Only a connection knows that, so one is begun which libpq
 * gives up before it looks for a host: for the word in `refused`, whose own value is lost by it. To be freed.
 */
static PQconninfoOption *options_without(const char *conninfo, const char *refused)
{
        const char *keys[] = {"dbname", refused, NULL}, *values[] = {conninfo, "none", NULL};
        PGconn *pg = PQconnectStartParams(keys, values, 1);
        PQconninfoOption *options = PQconninfo(pg);

        PQfinish(pg);
        return options;
}

/* NULL: nobody says. */
static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
        for (const PQconninfoOption *option = options; option && option->keyword; option++)
                if (!strcmp(option->keyword, keyword))
                        return option->val && *option->val ? option->val : NULL;
        return NULL;
}

struct parameters {
        const char *keys[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1]; /* each ends with a NULL */
        size_t count;
};

static void put(struct parameters *parameters, const char *key, const char *value)
{
        if (!value || !*value)
                return;
        assert(parameters->count < OPTIONS_MAX);
        parameters->keys[parameters->count] = key;
        parameters->values[parameters->count++] = value;
}

/* What is ours to say, whatever the options say of it. */
static bool is_replaced(const char *keyword)
{
        static const char *const replaced[] = {"host", "hostaddr", "port", "connect_timeout",
                                               "target_session_attrs"};

        for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++)
                if (!strcmp(keyword, replaced[i]))
                        return true;
        return false;
}

static void put_common(const struct pg_hosts *hosts, struct parameters *parameters,
                       const char *application_name, const char *session_attributes)
{
        /* dead lines show within five seconds: what is sent, and what is only waited for */
        static const char *const defaults[][2] = {{"keepalives_idle", "3"},
                                                  {"keepalives_interval", "1"},
                                                  {"keepalives_count", "2"},
                                                  {"tcp_user_timeout", "5000"}};

        for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
                if (!option_value(hosts->options, defaults[i][0]))
                        put(parameters, defaults[i][0], defaults[i][1]);
        for (const PQconninfoOption *option = hosts->options; option && option->keyword; option++)
                if (!is_replaced(option->keyword) &&
                    !(application_name && !strcmp(option->keyword, "application_name")))
                        put(parameters, option->keyword, option->val);
        put(parameters, "application_name", application_name);
        put(parameters, "target_session_attrs", session_attributes);
}

static int64_t attempt_s(const PQconninfoOption *options)
{
        const char *text = option_value(options, "connect_timeout");
        int64_t seconds = text ? strtol(text, NULL, 10) : 0;

        return seconds > 0 ? seconds : ATTEMPT_S; /* libpq's 0, for ever, is no attempt */
}

/* --- names ---------------------------------------------------------------------------------------- */

static void addresses_take(struct host *host, const struct evutil_addrinfo *found)
{
        size_t count = 0;

        for (; found && count < ADDRESSES_MAX; found = found->ai_next)
                if (getnameinfo(found->ai_addr, (socklen_t)found->ai_addrlen, host->address[count],
                                NUMERIC_MAX, NULL, 0, NI_NUMERICHOST) == 0)
                        count++;
        host->addresses = count;
        host->known_ms = steady_now_ms();
}

static void look_up_end(struct host *host, int result, const struct evutil_addrinfo *found)
{
        host->look_up = NULL;
        host->failure = result;
        if (result == 0)
                addresses_take(host, found); /* else those that were known serve */
        event_active(host->hosts->looked_up, 0, 0);
}

static void on_names(int result, struct evutil_addrinfo *found, void *context)
{
        struct look_up *look_up = context;

        if (look_up->host)
                look_up_end(look_up->host, result, found);
        if (found)
                evutil_freeaddrinfo(found);
        free(look_up);
}

static void look_up_forget(struct look_up *look_up)
{
        if (!look_up)
                return;
        look_up->host = NULL;
        evdns_getaddrinfo_cancel(look_up->request);
}

static void look_up_begin(struct host *host)
{
        struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        struct evdns_base *dns = host->hosts->dns;
        struct look_up *look_up = dns ? calloc(1, sizeof(*look_up)) : NULL;
        struct evdns_getaddrinfo_request *request;

        if (!look_up) {
                look_up_end(host, dns ? EVUTIL_EAI_MEMORY : EVUTIL_EAI_FAIL, NULL);
                return;
        }
        host->look_up = look_up;
        look_up->host = host;
        request = evdns_getaddrinfo(dns, host->name, NULL, &hints, on_names, look_up);
        if (request) /* else it has ended already */
                look_up->request = request;
}

/* --- hosts ---------------------------------------------------------------------------------------- */

static size_t items(const char *list)
{
        size_t count = list != NULL;

        for (const char *at = list; at && *at; at++)
                count += *at == ',';
        return count;
}

/* The i-th of a list, or the last: one port is all hosts'. */
static char *item(const char *list, size_t i)
{
        const char *at = list ? list : "";

        for (; i > 0 && strchr(at, ','); i--)
                at = strchr(at, ',') + 1;
        return strndup(at, strcspn(at, ","));
}

static bool is_socket(const char *name)
{
        return !*name || *name == '/' || *name == '@';
}

static bool host_make(struct pg_hosts *hosts, size_t i)
{
        struct host *host = &hosts->host[i];
        const char *numeric_list = option_value(hosts->options, "hostaddr");
        char *numeric = item(numeric_list, i);

        host->hosts = hosts;
        host->name = item(option_value(hosts->options, "host"), i);
        host->port = item(option_value(hosts->options, "port"), i);
        if (!host->name || !host->port || !numeric) {
                free(numeric);
                return false;
        }
        host->is_named = !*numeric && !is_socket(host->name);
        host->addresses = !host->is_named;
        snprintf(host->address[0], NUMERIC_MAX, "%s", numeric);
        free(numeric);
        return true;
}

/* Who waits for one of the names that are not asked for any more. */
static void on_looked_up(evutil_socket_t fd, short what, void *context)
{
        struct pg_hosts *hosts = context;
        struct pg_seeker *seeker, *next;

        (void)fd;
        (void)what;
        for (seeker = TAILQ_FIRST(&hosts->seekers); seeker; seeker = next) {
                next = TAILQ_NEXT(seeker, entry);
                if (!hosts->host[seeker->host].look_up)
                        seeker->on_addresses(seeker->context);
        }
}

static void on_found(evutil_socket_t fd, short what, void *context)
{
        struct pg_hosts *hosts = context;
        struct pg_seeker *seeker, *next;

        (void)fd;
        (void)what;
        for (seeker = TAILQ_FIRST(&hosts->seekers); seeker; seeker = next) {
                next = TAILQ_NEXT(seeker, entry);
                seeker->on_found(seeker->context);
        }
}

struct pg_hosts *pg_hosts_new(struct event_base *base, struct evdns_base *dns, const char *conninfo)
{
        static const char attributes[] = "target_session_attrs", other[] = "channel_binding";
        PQconninfoOption *with_attributes = options_without(conninfo, other);
        const char *wanted = option_value(with_attributes, attributes);
        struct pg_hosts *hosts = calloc(1, sizeof(*hosts));
        size_t named, numeric;

        if (!hosts || !with_attributes)
                goto failed;
        TAILQ_INIT(&hosts->seekers);
        hosts->dns = dns;
        if (base) {
                hosts->looked_up = event_new(base, -1, 0, on_looked_up, hosts);
                hosts->found = event_new(base, -1, 0, on_found, hosts);
        }
        hosts->options = options_without(conninfo, attributes);
        hosts->session_attributes = strdup(wanted && strcmp(wanted, "any") != 0 ? wanted : "primary");
        named = items(option_value(hosts->options, "host"));
        numeric = items(option_value(hosts->options, "hostaddr"));
        hosts->count = named > numeric ? named : numeric > 0 ? numeric : 1;
        hosts->host = calloc(hosts->count, sizeof(*hosts->host));
        if ((base && (!hosts->looked_up || !hosts->found)) || !hosts->options || !hosts->session_attributes ||
            !hosts->host)
                goto failed;
        for (size_t i = 0; i < hosts->count; i++)
                if (!host_make(hosts, i))
                        goto failed;
        PQconninfoFree(with_attributes);
        return hosts;
failed:
        PQconninfoFree(with_attributes);
        pg_hosts_free(hosts);
        return NULL;
}

void pg_hosts_free(struct pg_hosts *hosts)
{
        if (!hosts)
                return;
        for (size_t i = 0; hosts->host && i < hosts->count; i++) {
                look_up_forget(hosts->host[i].look_up);
                free(hosts->host[i].name);
                free(hosts->host[i].port);
        }
        if (hosts->looked_up)
                event_free(hosts->looked_up);
        if (hosts->found)
                event_free(hosts->found);
        PQconninfoFree(hosts->options);
        free(hosts->session_attributes);
        free(hosts->host);
        free(hosts);
}

int64_t pg_hosts_attempt_ms(const struct pg_hosts *hosts)
{
        return attempt_s(hosts->options) * 1000;
}

bool pg_hosts_want_primary(const struct pg_hosts *hosts)
{
        return !strcmp(hosts->session_attributes, "primary") ||
               !strcmp(hosts->session_attributes, "read-write");
}

static PGconn *connect_begin(const struct pg_hosts *hosts, size_t i, size_t address,
                             const char *application_name, const char *session_attributes)
{
        const struct host *host = &hosts->host[i];
        struct parameters parameters = {.count = 0};

        put_common(hosts, &parameters, application_name, session_attributes);
        put(&parameters, "host", host->name);
        put(&parameters, "hostaddr", host->address[address]);
        put(&parameters, "port", host->port);
        return PQconnectStartParams(parameters.keys, parameters.values, 0);
}

/* --- all of them ---------------------------------------------------------------------------------- */

size_t pg_hosts_count(const struct pg_hosts *hosts)
{
        return hosts->count;
}

size_t pg_hosts_addresses(struct pg_hosts *hosts, size_t i)
{
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
        struct host *host = &hosts->host[i];

        if (host->is_named) {
                host->failure = getaddrinfo(host->name, NULL, &hints, &found);
                if (host->failure == 0) {
                        addresses_take(host, found);
                        freeaddrinfo(found);
                }
        }
        return host->addresses;
}

PGconn *pg_hosts_begin(const struct pg_hosts *hosts, size_t i, size_t address)
{
        return connect_begin(hosts, i, address, NULL, NULL);
}

void pg_hosts_place(const struct pg_hosts *hosts, size_t i, size_t address_at, char text[PG_PLACE_MAX])
{
        const struct host *host = &hosts->host[i];
        const char *address = host->addresses > address_at ? host->address[address_at] : "";
        const char *name = *host->name ? host->name : address;
        const char *port = *host->port ? host->port : "5432"; /* libpq's own */
        bool has_both = *address && strcmp(name, address) != 0;

        if (!*name)
                snprintf(text, PG_PLACE_MAX, "server on this machine, port %s", port);
        else
                snprintf(text, PG_PLACE_MAX, "server at \"%.60s\"%s%.40s%s, port %.8s", name,
                         has_both ? " (" : "", has_both ? address : "", has_both ? ")" : "", port);
}

const char *pg_hosts_lookup_error(const struct pg_hosts *hosts, size_t i)
{
        return evutil_gai_strerror(hosts->host[i].failure);
}

/* --- epochs --------------------------------------------------------------------------------------- */

void pg_hosts_watch(struct pg_hosts *hosts, const struct pg_epoch *known,
                    const struct pg_hosts_events *events)
{
        hosts->is_watching = true;
        hosts->known = *known;
        hosts->events = *events;
}

bool pg_hosts_is_watching(const struct pg_hosts *hosts)
{
        return hosts->is_watching;
}

unsigned pg_hosts_generation(const struct pg_hosts *hosts)
{
        return hosts->generation;
}

/* The server that everybody is connected with may raise its epoch: its timeline is what it was then. Where there is none to see, nobody knows
 * which server a connection of the former epoch leads to. */
static void raise_known(struct pg_hosts *hosts, const struct pg_epoch *epoch)
{
        bool is_same_server =
            hosts->known.epoch && epoch->timeline && epoch->timeline == hosts->known.timeline;

        if (!is_same_server)
                hosts->generation++;
        hosts->known = *epoch;
        hosts->events.on_newer(hosts->events.context, epoch);
}

static void refuse(struct pg_hosts *hosts, size_t i, const char *place, const struct pg_epoch *epoch,
                   char why[PG_EPOCH_ERROR_MAX])
{
        char its[PG_EPOCH_TEXT], seen[PG_EPOCH_TEXT];

        pg_epoch_print(epoch, its);
        pg_epoch_print(&hosts->known, seen);
        if (pg_epoch_compare(epoch, &hosts->known) == PG_EPOCH_STRANGE)
                snprintf(why, PG_EPOCH_ERROR_MAX, "%s: another database (%s) than the one that was seen (%s)",
                         place, epoch->lineage, hosts->known.lineage);
        else
                snprintf(why, PG_EPOCH_ERROR_MAX, "%s: an old primary: %s, where %s was seen", place, its,
                         seen);
        if (pg_epoch_compare(epoch, &hosts->host[i].refused) == PG_EPOCH_SAME)
                return;
        hosts->host[i].refused = *epoch;
        hosts->events.on_refused(hosts->events.context, place, epoch, &hosts->known);
}

void pg_hosts_learn(struct pg_hosts *hosts, const struct pg_epoch *epoch)
{
        if (hosts->is_watching && pg_epoch_compare(epoch, &hosts->known) == PG_EPOCH_NEWER)
                raise_known(hosts, epoch);
}

bool pg_hosts_judge(struct pg_hosts *hosts, size_t host, const char *place, const struct pg_epoch *epoch,
                    char why[PG_EPOCH_ERROR_MAX])
{
        pg_hosts_learn(hosts, epoch);
        if (!hosts->is_watching || pg_epoch_compare(epoch, &hosts->known) == PG_EPOCH_SAME)
                return true;
        refuse(hosts, host, place, epoch, why);
        return false;
}

void pg_hosts_start_at(struct pg_hosts *hosts, size_t host)
{
        hosts->current = host;
}

/* --- seekers -------------------------------------------------------------------------------------- */

static struct host *host_of(const struct pg_seeker *seeker)
{
        return &seeker->hosts->host[seeker->host];
}

void pg_seeker_join(struct pg_seeker *seeker, struct pg_hosts *hosts)
{
        seeker->hosts = hosts;
        TAILQ_INSERT_TAIL(&hosts->seekers, seeker, entry);
        pg_seeker_begin(seeker);
}

void pg_seeker_leave(struct pg_seeker *seeker)
{
        TAILQ_REMOVE(&seeker->hosts->seekers, seeker, entry);
}

static bool is_passed_over(const struct pg_hosts *hosts, size_t i)
{
        if (!hosts->host[i].is_silent || steady_now_ms() >= hosts->host[i].asked_until_ms)
                return false;
        for (size_t other = 0; other < hosts->count; other++)
                if (!hosts->host[other].is_silent)
                        return true;
        return false;
}

static void pass_over(struct pg_seeker *seeker)
{
        for (; seeker->hosts_left > 0 && is_passed_over(seeker->hosts, seeker->host); seeker->hosts_left--)
                seeker->host = (seeker->host + 1) % seeker->hosts->count;
        seeker->began_ms = steady_now_ms();
}

void pg_seeker_begin(struct pg_seeker *seeker)
{
        seeker->host = seeker->hosts->current;
        seeker->address = 0;
        seeker->hosts_left = seeker->hosts->count;
        pass_over(seeker);
}

bool pg_seeker_is_ready(struct pg_seeker *seeker)
{
        struct host *host = host_of(seeker);

        seeker->began_ms = steady_now_ms();
        if (host->is_silent)
                host->asked_until_ms = seeker->began_ms + pg_hosts_attempt_ms(seeker->hosts);
        if (host->is_named && !host->look_up &&
            (!host->addresses || steady_now_ms() - host->known_ms > ADDRESSES_AGE_MS))
                look_up_begin(host);
        if (seeker->address >= host->addresses)
                seeker->address = 0; /* the name stands for fewer than it did */
        return host->addresses > 0;
}

bool pg_seeker_has_address(const struct pg_seeker *seeker)
{
        return host_of(seeker)->addresses > 0;
}

PGconn *pg_seeker_connect(const struct pg_seeker *seeker, const char *application_name)
{
        return connect_begin(seeker->hosts, seeker->host, seeker->address, application_name,
                             seeker->hosts->session_attributes);
}

/* The one behind it; who begins anew begins there too, unless others have moved that on already. */
static size_t next_host(struct pg_seeker *seeker)
{
        struct pg_hosts *hosts = seeker->hosts;
        size_t next = (seeker->host + 1) % hosts->count;

        if (hosts->current == seeker->host)
                hosts->current = next;
        return next;
}

bool pg_seeker_begin_elsewhere(struct pg_seeker *seeker)
{
        (void)next_host(seeker);
        pg_seeker_begin(seeker);
        return seeker->hosts->count > 1;
}

bool pg_seeker_failed(struct pg_seeker *seeker)
{
        host_of(seeker)->is_silent = steady_now_ms() - seeker->began_ms >= SILENT_MS;
        if (++seeker->address < host_of(seeker)->addresses)
                return true;
        seeker->host = next_host(seeker);
        seeker->address = 0;
        seeker->hosts_left--;
        pass_over(seeker);
        if (seeker->hosts_left > 0)
                return true;
        pg_seeker_begin(seeker);
        return false;
}

void pg_seeker_succeeded(struct pg_seeker *seeker)
{
        host_of(seeker)->is_silent = false;
        seeker->hosts->current = seeker->host;
        event_active(seeker->hosts->found, 0, 0);
}

bool pg_seeker_is_astray(const struct pg_seeker *seeker)
{
        return seeker->host != seeker->hosts->current;
}

bool pg_seeker_judge(struct pg_seeker *seeker, const struct pg_epoch *epoch, char why[PG_EPOCH_ERROR_MAX])
{
        bool is_newer = pg_epoch_compare(epoch, &seeker->hosts->known) == PG_EPOCH_NEWER;
        char place[PG_PLACE_MAX];

        pg_seeker_place(seeker, place);
        if (!pg_hosts_judge(seeker->hosts, seeker->host, place, epoch, why))
                return false;
        if (is_newer)
                pg_seeker_succeeded(seeker);
        return true;
}

void pg_seeker_place(const struct pg_seeker *seeker, char text[PG_PLACE_MAX])
{
        pg_hosts_place(seeker->hosts, seeker->host, seeker->address, text);
}

const char *pg_seeker_lookup_error(const struct pg_seeker *seeker)
{
        return pg_hosts_lookup_error(seeker->hosts, seeker->host);
}
