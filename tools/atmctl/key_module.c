/* The key module, waited for: see key_module.h. */
#include "tools/atmctl/key_module.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/cli/program.h"

enum { TIMEOUT_MS = 10000, QUESTIONS_MAX = 256, PAUSE_MS = 1000 };

struct key_module {
        const char *path;
        struct event_base *base;
        struct key_client *client;
        char why[KEY_CLIENT_WHY_MAX]; /* it is away; "": it is not */
        size_t unanswered;
        bool is_lost; /* of one that was asked there is no answer */
        void (*on_broken)(int);
};

static void on_away(void *context, const char *why)
{
        struct key_module *module = context;
        snprintf(module->why, sizeof(module->why), "%s", why);
        event_base_loopbreak(module->base);
}

static void on_up(void *context)
{
        struct key_module *module = context;
        event_base_loopbreak(module->base);
}

static void take_answer(struct key_task *task, const struct key_message *answer)
{
        const struct key_value *check = &answer->value[KEY_FIELD_CHECK_VALUE];

        task->code = answer->code;
        key_message_copy(answer, KEY_FIELD_KEY, task->block, sizeof(task->block));
        key_message_copy(answer, KEY_FIELD_USAGE, task->usage, sizeof(task->usage));
        key_message_copy(answer, KEY_FIELD_PIN_VALUE, task->pin_value, sizeof(task->pin_value));
        if (check->length && check->length * 2 < sizeof(task->check_value))
                hex_print(check->bytes, check->length, task->check_value);
}

static void on_ended(struct key_question *question, const struct key_message *answer)
{
        struct key_task *task = (struct key_task *)((char *)question - offsetof(struct key_task, question));
        struct key_module *module = question->context;

        if (answer)
                take_answer(task, answer);
        else
                module->is_lost = true;
        module->unanswered--;
}

static bool complain_away(const struct key_module *module, const char *why)
{
        complain("the key module at %s: %s", module->path, why);
        note("it is the socket of atmkeyd(8), by --key-module or ATM_KEY_MODULE; who may work on keys its "
             "--custodian says");
        return false;
}

bool key_module_ask(struct key_module *module, struct key_task *tasks, size_t count)
{
        size_t asked = 0;

        while ((asked < count || module->unanswered) && !*module->why && !module->is_lost) {
                while (asked < count && module->unanswered < QUESTIONS_MAX) {
                        struct key_task *task = &tasks[asked];
                        task->question = (struct key_question){.ended = on_ended, .context = module};
                        if (!key_client_ask(module->client, &task->question, &task->request))
                                return complain_away(module, "it can't be asked this");
                        module->unanswered++;
                        asked++;
                }
                event_base_loop(module->base, EVLOOP_ONCE);
        }
        if (asked == count && !module->unanswered && !module->is_lost)
                return true;
        return complain_away(module, *module->why ? module->why : "no answer in 10 seconds");
}

static bool await_up(struct key_module *module)
{
        while (!key_client_is_up(module->client) && !*module->why)
                event_base_loop(module->base, EVLOOP_ONCE);
        return key_client_is_up(module->client) || complain_away(module, module->why);
}

static const char *socket_of(const struct invocation *invocation)
{
        const char *path = invocation_value(invocation, "key-module");

        if (!path)
                path = getenv("ATM_KEY_MODULE");
        if (path && *path)
                return path;
        complain("%s: the key module is not known", invocation_name(invocation));
        note("--key-module SOCKET or ATM_KEY_MODULE names it: the socket of atmkeyd(8)");
        return NULL;
}

struct key_module *key_module_open(const struct invocation *invocation)
{
        static const struct key_client_events events = {on_up, on_away};
        const char *path = socket_of(invocation);
        struct key_module *module = path ? calloc(1, sizeof(*module)) : NULL;

        if (!module)
                return NULL;
        module->on_broken = signal(SIGPIPE, SIG_IGN); /* it may be gone when we write */
        module->path = path;
        module->base = event_base_new();
        if (module->base)
                module->client = key_client_new(
                    module->base,
                    &(struct key_client_rules){path, TIMEOUT_MS, QUESTIONS_MAX, PAUSE_MS, PAUSE_MS}, &events,
                    module);
        if (module->client && await_up(module))
                return module;
        if (!module->client)
                complain("the key module at %s: no socket's path, or out of memory", path);
        key_module_close(module);
        return NULL;
}

void key_module_close(struct key_module *module)
{
        if (!module)
                return;
        key_client_free(module->client);
        if (module->base)
                event_base_free(module->base);
        signal(SIGPIPE, module->on_broken);
        free(module);
}
