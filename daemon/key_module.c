/* The key module as atmd has it: see key_module.h. */
#include "daemon/key_module.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/limits.h"
#include "lib/base/log.h"
#include "lib/base/now.h"

struct key_module {
        struct key_client *client; /* NULL: no socket is configured */
        bool has_settled;          /* it was up, or away */
        bool away_said;
        int64_t away_ms; /* since when; steady time */
};

static int64_t seconds_away(const struct key_module *module)
{
        return (steady_now_ms() - module->away_ms) / 1000;
}

static void on_up(void *context)
{
        struct key_module *module = context;
        log_event(LEVEL_INFO, "key_module_up", LOG_NUMBER("away_s", seconds_away(module)));
        module->away_said = false;
        module->has_settled = true;
}

/* Also of each attempt to connect that failed: said once, and each minute by key_module_log. */
static void on_away(void *context, const char *why)
{
        struct key_module *module = context;
        module->has_settled = true;
        if (module->away_said)
                return;
        module->away_said = true;
        module->away_ms = steady_now_ms();
        log_event(LEVEL_ERROR, "key_module_away", LOG_TEXT("reason", why),
                  LOG_TEXT("help", "terminals with keys are left in silence, and nothing is said to banks "
                                   "with keys, until it is back"));
}

static const struct key_client_events client_events = {on_up, on_away};

struct key_module *key_module_new(struct event_base *base, const struct settings *settings, char *error,
                                  size_t size)
{
        struct key_client_rules rules = {.path = settings->key_module_socket,
                                         .timeout_ms = settings->key_module_timeout_ms,
                                         .questions_max = LIMIT_KEY_QUESTIONS,
                                         .pause_ms = LIMIT_KEY_PAUSE_FIRST_MS,
                                         .longest_pause_ms = LIMIT_KEY_PAUSE_MS};
        struct key_module *module = calloc(1, sizeof(*module));
        if (module)
                module->away_ms = steady_now_ms();
        if (module && *rules.path)
                module->client = key_client_new(base, &rules, &client_events, module);
        while (module && module->client && !module->has_settled)
                event_base_loop(base, EVLOOP_ONCE);
        if (module && (module->client || !*rules.path))
                return module;
        key_module_free(module);
        snprintf(error, size, "out of memory");
        return NULL;
}

void key_module_free(struct key_module *module)
{
        if (!module)
                return;
        key_client_free(module->client);
        free(module);
}

bool key_module_ask(struct key_module *module, struct key_question *question,
                    const struct key_message *message)
{
        if (module->client)
                return key_client_ask(module->client, question, message);
        log_limited(
            LEVEL_ERROR, "key_module_missing",
            LOG_TEXT("help",
                     "the database has keys of terminals: [key_module] socket says where the module is"));
        return false;
}

void key_module_log(const struct key_module *module)
{
        if (!module->client)
                return;
        const struct key_client_counters *count = key_client_counters(module->client);
        log_event(LEVEL_INFO, "key_module", LOG_TEXT("up", key_client_is_up(module->client) ? "yes" : "no"),
                  LOG_NUMBER("asked", count->asked), LOG_NUMBER("answered", count->answered),
                  LOG_NUMBER("away", count->away), LOG_NUMBER("timed_out", count->timed_out),
                  LOG_NUMBER("late", count->late));
        if (module->away_said)
                log_event(LEVEL_ERROR, "key_module_away", LOG_NUMBER("away_s", seconds_away(module)));
}
