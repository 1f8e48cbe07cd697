/*
 * What an operation costs the key module: one kind at a time, so many on their way at once, at a laboratory's module (its keys are made of components that are
 * known here). scripts/bench security prints it beside the fleet's figures.
 *
 *      bench_key_module SOCKET PROCESS OPERATIONS
 *
 * prints a line a kind: its name, processor microseconds of the module's PROCESS an operation, operations a second. An answer that is not right ends it.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keymodule/client/key_client.h"
#include "keymodule/crypto/check_value.h"
#include "keymodule/crypto/key_block.h"
#include "keymodule/crypto/pin_block.h"
#include "lib/base/array.h"
#include "lib/base/now.h"
#include "lib/base/number.h"
#include "lib/base/process.h"
#include "lib/cli/say.h"

enum { ON_THEIR_WAY = 64, PATIENCE_MS = 20000, MESSAGE_LENGTH = 160 };
#define PAN "9900010000000008"
#define PIN "4524"

/* What is asked over and over, and what a good answer says. */
struct operation {
        const char *name;
        struct key_message request;
};

struct bench {
        struct event_base *base;
        struct key_client *client;
        struct key_question questions[ON_THEIR_WAY];
        const struct key_message *request;
        int64_t to_ask, to_come;
        bool is_wrong;
        struct key_message answer; /* of the last one, for keys */
        char block[KEY_BLOCK_TEXT];
};

static void next(struct bench *bench, struct key_question *question)
{
        if (bench->to_ask == 0 || bench->is_wrong)
                return;
        bench->to_ask--;
        bench->is_wrong = !key_client_ask(bench->client, question, bench->request);
}

static void on_ended(struct key_question *question, const struct key_message *answer)
{
        struct bench *bench = question->context;
        bench->to_come--;
        bench->is_wrong = bench->is_wrong || !answer || answer->code != KEY_CODE_GOOD;
        if (answer && answer->value[KEY_FIELD_KEY].length > 0)
                key_message_copy(answer, KEY_FIELD_KEY, bench->block, sizeof(bench->block));
        next(bench, question);
}

/* False: an answer was not right, or there was none. */
static bool ask(struct bench *bench, const struct key_message *request, int64_t times)
{
        bench->request = request;
        bench->to_ask = bench->to_come = times;
        bench->is_wrong = false;
        for (size_t i = 0; i < LENGTH(bench->questions) && bench->to_ask > 0; i++) {
                bench->questions[i] = (struct key_question){.ended = on_ended, .context = bench};
                next(bench, &bench->questions[i]);
        }
        while (bench->to_come > 0 && !bench->is_wrong)
                event_base_loop(bench->base, EVLOOP_ONCE);
        return !bench->is_wrong;
}

/* A key that is known here, as a block under the module's master key. kind: usage, algorithm, mode of use. */
static bool load(struct bench *bench, const char *kind, const struct cipher_key *key,
                 char ret_block[KEY_BLOCK_TEXT])
{
        struct key_message request = {.command = KEY_COMMAND_COMBINE};
        struct cipher_key one, other = *key;
        uint8_t check[CHECK_VALUE_MAX], other_check[CHECK_VALUE_MAX];

        cipher_key_generate(key->algorithm, key->length, &one);
        for (size_t i = 0; i < key->length; i++)
                other.bytes[i] ^= one.bytes[i];
        size_t size = check_value_of(&one, check);
        check_value_of(&other, other_check);
        key_message_set(&request, KEY_FIELD_USAGE, kind, 2);
        key_message_set(&request, KEY_FIELD_ALGORITHM, kind + 2, 1);
        key_message_set(&request, KEY_FIELD_MODE, kind + 3, 1);
        key_message_set_text(&request, KEY_FIELD_EXPORTABILITY, "E");
        key_message_set(&request, KEY_FIELD_COMPONENT, one.bytes, key->length);
        key_message_set(&request, KEY_FIELD_COMPONENT_CHECK, check, size);
        key_message_set(&request, KEY_FIELD_OTHER_COMPONENT, other.bytes, key->length);
        key_message_set(&request, KEY_FIELD_OTHER_COMPONENT_CHECK, other_check, size);
        if (!ask(bench, &request, 1))
                return false;
        snprintf(ret_block, KEY_BLOCK_TEXT, "%s", bench->block);
        return true;
}

/* Processor time of another process, in microseconds: its clock's ticks (proc(5), stat, fields 14 and 15). */
static int64_t processor_us(int64_t process)
{
        char path[64], text[1024];
        int64_t user = 0, system = 0;
        snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", process);
        FILE *file = fopen(path, "r");
        size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
        if (file)
                fclose(file);
        text[size] = '\0';
        const char *rest = strrchr(text, ')');
        if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64, &user,
                            &system) != 2)
                return -1;
        return (user + system) * 1000000 / sysconf(_SC_CLK_TCK);
}

static bool measure(struct bench *bench, const struct operation *operation, int64_t process, int64_t times)
{
        int64_t used_us = processor_us(process), began_us = steady_now_us();
        if (used_us < 0 || !ask(bench, &operation->request, times))
                return false;
        used_us = processor_us(process) - used_us;
        printf("%s %.1f %.0f\n", operation->name, (double)used_us / (double)times,
               (double)times * 1e6 / (double)(steady_now_us() - began_us));
        return true;
}

struct keys {
        struct cipher_key aes, tdes;
        char pin_aes[KEY_BLOCK_TEXT], pin_tdes[KEY_BLOCK_TEXT], value[KEY_BLOCK_TEXT],
            mac_aes[KEY_BLOCK_TEXT], mac_tdes[KEY_BLOCK_TEXT];
        uint8_t block[PIN_BLOCK_MAX], message[MESSAGE_LENGTH];
};

static bool load_keys(struct bench *bench, struct keys *keys)
{
        struct pin pin = {.length = strlen(PIN), .digits = PIN};
        cipher_key_generate(CIPHER_AES, 16, &keys->aes);
        cipher_key_generate(CIPHER_TDES, 16, &keys->tdes);
        memset(keys->message, '0', sizeof(keys->message));
        return load(bench, "P0AB", &keys->aes, keys->pin_aes) &&
               load(bench, "P0TB", &keys->tdes, keys->pin_tdes) &&
               load(bench, "V2TV", &keys->tdes, keys->value) &&
               load(bench, "M6AC", &keys->aes, keys->mac_aes) &&
               load(bench, "M3TC", &keys->tdes, keys->mac_tdes) &&
               pin_block_seal(PIN_FORMAT_4, &keys->aes, &pin, PAN, strlen(PAN), keys->block) == PIN_GOOD;
}

static struct operation mac_operation(const struct keys *keys, const char *name, const char *key,
                                      const char *padding)
{
        struct operation operation = {.name = name, .request.command = KEY_COMMAND_MAKE_MAC};
        key_message_set_text(&operation.request, KEY_FIELD_KEY, key);
        key_message_set_text(&operation.request, KEY_FIELD_PADDING, padding);
        key_message_set(&operation.request, KEY_FIELD_DATA, keys->message, sizeof(keys->message));
        return operation;
}

static struct operation pin_operation(const struct keys *keys, const char *name, enum key_command command,
                                      const char *other_key)
{
        struct operation operation = {.name = name, .request.command = command};
        key_message_set_text(&operation.request, KEY_FIELD_KEY, keys->pin_aes);
        key_message_set_text(&operation.request, KEY_FIELD_FORMAT, "4");
        key_message_set_text(&operation.request, KEY_FIELD_OTHER_KEY, other_key);
        key_message_set_text(&operation.request, KEY_FIELD_PAN, PAN);
        key_message_set(&operation.request, KEY_FIELD_PIN_BLOCK, keys->block, PIN_BLOCK_MAX);
        if (command == KEY_COMMAND_VERIFY_PIN)
                key_message_set_text(&operation.request, KEY_FIELD_INDEX, "1");
        else
                key_message_set_text(&operation.request, KEY_FIELD_OTHER_FORMAT, "0");
        return operation;
}

static int run(struct bench *bench, int64_t process, int64_t times)
{
        static struct keys keys;
        int64_t end_ms = steady_now_ms() + PATIENCE_MS;

        while (!key_client_is_up(bench->client) && steady_now_ms() < end_ms)
                event_base_loop(bench->base, EVLOOP_ONCE);
        if (!load_keys(bench, &keys)) {
                complain(
                    "the module takes no components: expected a laboratory's, with a master key in a file");
                return 1;
        }
        const struct operation operations[] = {
            {.name = "status",
             .request.command = KEY_COMMAND_STATUS}, /* what asking costs, whatever is asked */
            mac_operation(&keys, "mac-cmac", keys.mac_aes, ""),
            mac_operation(&keys, "mac-retail", keys.mac_tdes, "2"),
            pin_operation(&keys, "verify-pin", KEY_COMMAND_VERIFY_PIN, keys.value),
            pin_operation(&keys, "translate-pin", KEY_COMMAND_TRANSLATE_PIN, keys.pin_tdes),
        };
        for (size_t i = 0; i < LENGTH(operations); i++) {
                if (!measure(bench, &operations[i], process, times)) {
                        complain("%s: not answered, or not as it must be", operations[i].name);
                        return 1;
                }
        }
        return 0;
}

int main(int argc, char *argv[])
{
        static struct bench bench;
        static const struct key_client_events events = {NULL, NULL};
        int64_t process, times;

        process_hold_streams();
        signal(SIGPIPE, SIG_IGN);
        if (argc != 4 || !number_parse(argv[2], 1, INT32_MAX, &process) ||
            !number_parse(argv[3], 1, 100000000, &times)) {
                complain("expected SOCKET PROCESS OPERATIONS");
                return 2;
        }
        struct key_client_rules rules = {argv[1], PATIENCE_MS, ON_THEIR_WAY, 20, 500};
        bench.base = event_base_new();
        bench.client = bench.base ? key_client_new(bench.base, &rules, &events, &bench) : NULL;
        if (!bench.client) {
                complain("out of memory, or a socket's path that is too long: %s", argv[1]);
                return 1;
        }
        int result = run(&bench, process, times);
        key_client_free(bench.client);
        event_base_free(bench.base);
        return result;
}
