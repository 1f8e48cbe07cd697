/* The banks of an instance: see banks.h. */
#include "daemon/banks/banks.h"

#include <assert.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/banks/bank_conn.h"
#include "lib/base/log.h"
#include "daemon/banks/saf.h"
#include "daemon/banks/saf_pg.h"
#include "config/dialect.h"
#include "lib/security/tls.h"

/* An instance may come back to a request so long after its time-out: then nobody waits for it any more. */
enum { SWEEP_MARGIN_MS = 5000 };

struct bank_keys {
        size_t count;
        SSL_CTX *tls[BANK_ROUTES_MAX];
};

struct banks {
        struct bank_routes routes;
        struct bank_conns *conns[BANK_ROUTES_MAX];
        struct saf_pg *store;
        struct saf *saf;
        char holder[SAF_HOLDER_MAX + 1];
};

_Static_assert((int)SETTINGS_LINKS_MAX <= (int)BANK_ROUTES_MAX, "a route for each link");

/* ---- from files ---------------------------------------------------------------------------------------- */

struct bank_keys *banks_load_keys(const struct settings *settings, char *error, size_t size)
{
        struct bank_keys *keys = calloc(1, sizeof(*keys));
        if (!keys) {
                snprintf(error, size, "out of memory");
                return NULL;
        }
        for (; keys->count < settings->link_count; keys->count++) {
                const struct settings_link *link = &settings->link[keys->count];
                char why[TLS_ERROR_MAX];
                SSL_CTX *tls = tls_client_context(link->ca, link->certificate, link->key, why);
                if (!tls) {
                        snprintf(error, size, "[link %s] %s", link->name, why);
                        banks_free_keys(keys);
                        return NULL;
                }
                keys->tls[keys->count] = tls;
        }
        return keys;
}

void banks_free_keys(struct bank_keys *keys)
{
        if (!keys)
                return;
        for (size_t i = 0; i < keys->count; i++)
                SSL_CTX_free(keys->tls[i]);
        free(keys);
}

static bool load_dialect(const struct settings_link *link, struct iso_dialect *ret_dialect,
                         struct bank_codes *ret_codes, char *error, size_t size)
{
        char why[DIALECT_ERROR_MAX];
        if (!dialect_load(link->dialect, ret_dialect, ret_codes, why)) {
                snprintf(error, size, "[link %s] dialect: %s", link->name, why);
                return false;
        }
        const struct iso_field *room = &ret_dialect->field[32];
        if (strlen(link->acquirer) <= room->length)
                return true;
        snprintf(error, size,
                 "[link %s] acquirer = '%s'; expected at most %d digits, for which [fields] 32 (%s) of the "
                 "dialect %s has room",
                 link->name, link->acquirer, room->length, room->name, link->dialect);
        return false;
}

bool banks_check_dialects(const struct settings *settings, char *error, size_t size)
{
        for (size_t i = 0; i < settings->link_count; i++) {
                struct iso_dialect dialect;
                struct bank_codes codes;
                if (!load_dialect(&settings->link[i], &dialect, &codes, error, size))
                        return false;
        }
        return true;
}

/* ---- building ------------------------------------------------------------------------------------------ */

static struct bank_link_settings link_settings_of(const struct settings_link *link)
{
        struct bank_link_settings settings = {
            .outstanding_max = (size_t)link->outstanding_max,
            .answer_timeout_ms = link->answer_timeout_ms,
            .echo_interval_ms = link->echo_interval_ms,
        };
        strcpy(settings.name, link->name);
        strcpy(settings.acquirer, link->acquirer);
        return settings;
}

static struct saf_settings saf_settings_of(const struct banks *banks, const struct settings *settings)
{
        struct saf_settings saf = {
            .lease_ms = settings->saf_lease_ms,
            .retry_first_ms = settings->saf_retry_first_ms,
            .retry_max_ms = settings->saf_retry_max_ms,
            .alarm_age_ms = settings->saf_alarm_age_s * 1000,
            .sweep_age_ms = settings->request_timeout_ms + SWEEP_MARGIN_MS,
        };
        strcpy(saf.holder, banks->holder);
        return saf;
}

/* Two instances may bear one name, or none. */
static void name_holder(struct banks *banks, const char *instance)
{
        uint64_t random;
        evutil_secure_rng_get_bytes(&random, sizeof(random));
        snprintf(banks->holder, sizeof(banks->holder), "%.40s-%016" PRIx64, instance ? instance : "atmd",
                 random);
}

static bool make_link(struct banks *banks, const struct banks_options *options, char *error, size_t size)
{
        size_t i = banks->routes.count;
        const struct settings_link *link = &options->settings->link[i];
        struct bank_link_settings settings = link_settings_of(link);
        struct bank_shell shell = {options->steady_ms, options->business_ms, options->context};
        struct iso_dialect dialect;
        struct bank_codes codes;
        if (!load_dialect(link, &dialect, &codes, error, size))
                return false;
        struct bank_route *route = bank_route_new(&settings, &dialect, &codes, &shell);
        if (!route) {
                snprintf(error, size, "out of memory");
                return false;
        }
        bank_route_set_keys(route, options->session_keys);
        banks->routes.route[banks->routes.count++] = route;
        struct bank_conns_options conns = {
            .base = options->base,
            .dns = options->dns,
            .route = route,
            .tls = options->keys->tls[i],
            .addresses = &link->addresses,
            .connections = (int)link->connections,
        };
        banks->conns[i] = bank_conns_new(&conns);
        if (!banks->conns[i])
                snprintf(error, size, "out of memory");
        return banks->conns[i];
}

static bool make_saf(struct banks *banks, const struct banks_options *options)
{
        struct saf_settings settings = saf_settings_of(banks, options->settings);
        struct saf_shell shell = {options->steady_ms, options->context};
        banks->store = saf_pg_new(options->base, options->hosts);
        if (!banks->store)
                return false;
        struct saf_store store = saf_pg_store(banks->store);
        banks->saf = saf_new(&settings, &banks->routes, &store, &shell);
        if (!banks->saf)
                return false;
        saf_pg_attach(banks->store, banks->saf);
        return true;
}

struct banks *banks_new(const struct banks_options *options, char *error, size_t size)
{
        struct banks *banks = calloc(1, sizeof(*banks));
        if (!banks)
                goto no_memory;
        name_holder(banks, options->instance);
        while (banks->routes.count < options->settings->link_count)
                if (!make_link(banks, options, error, size))
                        goto failed;
        if (!make_saf(banks, options))
                goto no_memory;
        return banks;
no_memory:
        snprintf(error, size, "banks: out of memory");
failed:
        banks_free(banks);
        return NULL;
}

void banks_free(struct banks *banks)
{
        if (!banks)
                return;
        saf_pg_free(banks->store);
        saf_free(banks->saf);
        for (size_t i = 0; i < banks->routes.count; i++) {
                bank_conns_free(banks->conns[i]);
                bank_route_free(banks->routes.route[i]);
        }
        free(banks);
}

const struct bank_routes *banks_routes(const struct banks *banks)
{
        return &banks->routes;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

void banks_change(struct banks *banks, const struct settings *settings, const struct bank_keys *keys)
{
        struct saf_settings saf = saf_settings_of(banks, settings);
        assert(settings->link_count == banks->routes.count);
        for (size_t i = 0; i < banks->routes.count; i++) {
                struct bank_link_settings link = link_settings_of(&settings->link[i]);
                bank_route_change(banks->routes.route[i], &link);
                bank_conns_change(banks->conns[i], keys->tls[i], &settings->link[i].addresses);
        }
        saf_change(banks->saf, &saf);
}

void banks_tick(struct banks *banks)
{
        for (size_t i = 0; i < banks->routes.count; i++)
                bank_route_tick(banks->routes.route[i]);
        saf_tick(banks->saf);
}

void banks_nudge(struct banks *banks)
{
        saf_nudge(banks->saf);
}

void banks_drain(struct banks *banks)
{
        saf_drain(banks->saf);
}

bool banks_are_quiet(const struct banks *banks)
{
        return saf_is_quiet(banks->saf);
}

void banks_stop(struct banks *banks)
{
        for (size_t i = 0; i < banks->routes.count; i++)
                bank_route_stop(banks->routes.route[i], "the daemon stops");
}

bool banks_have_left(const struct banks *banks)
{
        for (size_t i = 0; i < banks->routes.count; i++)
                if (!bank_route_has_left(banks->routes.route[i]))
                        return false;
        return true;
}

void banks_log(const struct banks *banks)
{
        for (size_t i = 0; i < banks->routes.count; i++)
                bank_route_log(banks->routes.route[i]);
        saf_log(banks->saf);
}
