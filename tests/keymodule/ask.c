/*
 * keyask SOCKET vectors | generated: the stories of story.h, told to the real process at its socket. `generated` goes on: it asks without a pause, says on standard
 * output what becomes of the module ("up", "away", a line each), and once it was away and is up again, asks with the key of before.
 * Exit code 0: all as it must be; 3: the module refuses us.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keymodule/client/key_client.h"
#include "lib/base/now.h"
#include "tests/keymodule/story.h"

enum { PATIENCE_MS = 60000, TIMEOUT_MS = 10000 };

struct asker {
        struct event_base *base;
        struct key_client *client;
        struct key_question question;
        bool is_over, is_answered, has_been_away, is_refused;
        struct key_message answer;
        uint8_t room[KEY_FRAME_MAX];
        size_t used;
};

/* The answer's values go with the frame: keep them. */
static void on_ended(struct key_question *question, const struct key_message *answer)
{
        struct asker *asker = question->context;
        asker->is_over = true;
        asker->is_answered = answer != NULL;
        asker->used = 0;
        if (!answer)
                return;
        asker->answer = *answer;
        for (int field = 0; field < KEY_FIELDS; field++) {
                struct key_value *value = &asker->answer.value[field];
                if (value->length == 0)
                        continue;
                memcpy(asker->room + asker->used, value->bytes, value->length);
                value->bytes = asker->room + asker->used;
                asker->used += value->length;
        }
}

static void on_up(void *context)
{
        (void)context;
        puts("up");
        fflush(stdout);
}

static void on_away(void *context, const char *why)
{
        struct asker *asker = context;
        if (!asker->has_been_away)
                puts("away");
        fflush(stdout);
        asker->has_been_away = true;
        asker->is_refused = strcmp(why, key_code_text(KEY_CODE_USER)) == 0;
}

static void await_up(struct asker *asker)
{
        int64_t end_ms = steady_now_ms() + PATIENCE_MS;
        while (!key_client_is_up(asker->client) && !asker->is_refused && steady_now_ms() < end_ms)
                event_base_loop(asker->base, EVLOOP_ONCE);
}

static bool ask(void *context, const struct key_message *request, struct key_message *ret_answer)
{
        struct asker *asker = context;
        asker->is_over = false;
        asker->question = (struct key_question){.ended = on_ended, .context = asker};
        if (!key_client_ask(asker->client, &asker->question, request))
                return false;
        while (!asker->is_over)
                event_base_loop(asker->base, EVLOOP_ONCE);
        *ret_answer = asker->answer;
        return asker->is_answered;
}

static int fail(const struct asker *asker, const char *why)
{
        fprintf(stderr, "keyask: %s\n", asker->is_refused ? "refused" : why);
        return asker->is_refused ? 3 : 1;
}

/* It is killed, and started anew, while we ask. */
static const char *outlive(struct asker *asker, const char *mac_key, const uint8_t *mac)
{
        const char *wrong = NULL;
        asker->has_been_away = false;
        while (!asker->has_been_away) {
                wrong = story_remembered(ask, asker, mac_key, mac);
                if (wrong && !asker->has_been_away)
                        return wrong;
        }
        await_up(asker);
        return story_remembered(ask, asker, mac_key, mac);
}

int main(int count, char **arguments)
{
        static struct asker asker;
        static const struct key_client_events events = {on_up, on_away};
        char mac_key[512];
        uint8_t mac[KEY_MAC_LENGTH];
        if (count != 3)
                return 2;
        signal(SIGPIPE, SIG_IGN);
        struct key_client_rules rules = {arguments[1], TIMEOUT_MS, 16, 20, 500};
        asker.base = event_base_new();
        asker.client = key_client_new(asker.base, &rules, &events, &asker);
        if (!asker.client)
                return 2;
        await_up(&asker);
        const char *wrong = strcmp(arguments[2], "vectors") == 0 ? story_vectors(ask, &asker)
                                                                 : story_generated(ask, &asker, mac_key, mac);
        if (!wrong && strcmp(arguments[2], "generated") == 0)
                wrong = outlive(&asker, mac_key, mac);
        int code = wrong ? fail(&asker, wrong) : 0;
        key_client_free(asker.client);
        event_base_free(asker.base);
        return code;
}
