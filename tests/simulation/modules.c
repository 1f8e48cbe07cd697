/*
 * Each daemon's key module, and the keys of the ATMs that have some. A module takes its time, is slower than its daemon waits now and then, and goes away
 * for a while; then a daemon's sessions leave ATMs in silence. New sets of keys are given to ATMs, which take them when they like.
 *
 * The MACs are hashes of key block and message: what matters here is who has made one over what. An ATM's mistakes are its own: a message without one,
 * or with one that is wrong.
 *
 * What is left to chance here comes from a stream of its own, so that runs in which nobody has keys are as they were.
 */
#include "tests/simulation/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/hash.h"
#include "protocol/iso_mac.h"
#include "protocol/tags.h"

enum {
        TIMEOUT_MS = 2000,
        WRONG_MAX = 3,
        SETS_MAX = 9999,
        KEYED_PERMILLE = 500,  /* of runs; and of their ATMs */
        MOSTLY_PERMILLE = 900, /* of ATMs, where PINs are wanted */
        SLOW_PERMILLE = 20,    /* of questions */
        MISTAKE_PERMILLE = 15, /* of messages */
        NEW_SET_PERMILLE = 3,  /* of messages */
        TAKE_SET_PERMILLE = 100,
        AWAY_PERMILLE = 4, /* of questions */
        BLOCK_TEXT = SIM_BLOCK_TEXT,
};

/* A question on its way. */
struct module_question {
        struct key_question *question;
        enum key_command command;
        enum key_code code;
        uint8_t mac[ISO_MAC_LENGTH];
        char pin_value[SIM_PIN_TEXT];
        int64_t due_ms;
        bool is_late; /* then there is no answer */
        struct module_question *next;
};

static void print_block(char block[BLOCK_TEXT], const char *terminal, int set, char direction)
{
        snprintf(block, BLOCK_TEXT, "D0032M6AC00E0000%s%04d000%c", terminal, set, direction);
}

void modules_pin_block(char ret_block[SIM_BLOCK_TEXT], const char *terminal, int set)
{
        snprintf(ret_block, SIM_BLOCK_TEXT, "D0032P0AB00E0000%s%04d000p", terminal, set);
}

static void compute(const char *block, const uint8_t *data, size_t length, uint8_t ret_mac[ISO_MAC_LENGTH])
{
        uint64_t hash = hash_bytes(hash_text(HASH_FIRST, block), data, length);
        memcpy(ret_mac, &hash, ISO_MAC_LENGTH);
}

static bool chance(struct sim *sim, int permille)
{
        return !sim->calm && draw_permille(&sim->key_random, permille);
}

/* sets of keys ---------------------------------------------------------------------------------------- */

static void put_set(struct sim *sim, const char *terminal, int number, enum key_set_state state)
{
        struct key_row row = {.owner_kind = KEY_OWNER_TERMINAL,
                              .owner = terminal,
                              .kind = KEY_SET_WORKING,
                              .number = number,
                              .state = state,
                              .check_value = "0000000000"};
        char up[BLOCK_TEXT], down[BLOCK_TEXT], pin[BLOCK_TEXT];

        print_block(up, terminal, number, 'u');
        print_block(down, terminal, number, 'd');
        modules_pin_block(pin, terminal, number);
        row.purpose = KEY_PURPOSE_PIN;
        row.block = pin;
        sim_must(key_rings_put(sim->rings, &row), "keys");
        row.purpose = KEY_PURPOSE_MAC_UP;
        row.block = up;
        sim_must(key_rings_put(sim->rings, &row), "keys");
        row.purpose = KEY_PURPOSE_MAC_DOWN;
        row.block = down;
        sim_must(key_rings_put(sim->rings, &row), "keys");
}

static void on_used(void *context, enum key_owner owner_kind, const char *terminal, int number)
{
        (void)owner_kind;
        struct instance *instance = context;
        struct sim *sim = instance->sim;

        sim->counters->key_sets_used++;
        for (int i = 1; i < number; i++)
                put_set(sim, terminal, i, KEY_SET_RETIRED);
        put_set(sim, terminal, number, KEY_SET_CURRENT);
}

void modules_open(struct sim *sim, bool may_have_keys)
{
        sim->key_random.state = sim->seed ^ UINT64_C(0x6b657973);
        sim->rings = key_rings_new();
        if (!sim->rings)
                abort();
        sim->has_keys = may_have_keys && draw_permille(&sim->key_random, KEYED_PERMILLE);
        pins_open(sim);
}

void modules_close(struct sim *sim)
{
        key_rings_free(sim->rings);
}

void modules_give_keys(struct machine *atm)
{
        struct sim *sim = atm->sim;

        if (!sim->has_keys ||
            !draw_permille(&sim->key_random, sim->wants_pins ? MOSTLY_PERMILLE : KEYED_PERMILLE))
                return;
        atm->key_set = atm->newest_set = 1;
        put_set(sim, atm->terminal, 1, KEY_SET_LOADED);
}

/* ATMs ------------------------------------------------------------------------------------------------ */

static void look_for_new_set(struct machine *atm)
{
        struct sim *sim = atm->sim;

        if (atm->newest_set == atm->key_set && atm->newest_set < SETS_MAX && chance(sim, NEW_SET_PERMILLE))
                put_set(sim, atm->terminal, ++atm->newest_set, KEY_SET_LOADED);
        else if (atm->newest_set > atm->key_set && chance(sim, TAKE_SET_PERMILLE))
                atm->key_set = atm->newest_set;
}

size_t modules_seal(struct machine *atm, struct iso_message *message, uint8_t bytes[ISO_MESSAGE_MAX],
                    bool *ret_right)
{
        struct iso_error error;
        char block[BLOCK_TEXT], number[16];
        size_t covered = 0;
        bool is_wrong, is_missing;
        int length;

        *ret_right = true;
        if (!atm->key_set) {
                length = iso_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &error);
                sim_must(length > 0, "a message");
                return (size_t)length;
        }
        if (!iso_has(message, 52) && !iso_has(message, 62)) /* whose PIN block is under the present set */
                look_for_new_set(atm);
        is_wrong = chance(atm->sim, MISTAKE_PERMILLE);
        is_missing = chance(atm->sim, MISTAKE_PERMILLE);
        snprintf(number, sizeof number, "%d", atm->key_set);
        tags_add(message, 62, TAG_KEY_SET, number);
        length = is_missing
                     ? iso_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &error)
                     : iso_mac_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &covered, &error);
        sim_must(length > 0, "a message");
        print_block(block, atm->terminal, atm->key_set, is_wrong ? 'd' : 'u');
        if (!is_missing)
                compute(block, bytes, covered, bytes + covered);
        *ret_right = !is_wrong && !is_missing;
        atm->sim->counters->wrong_macs += !*ret_right;
        return (size_t)length;
}

/* Of any set that the ATM ever had: an answer may be on its way while another one comes. */
bool modules_answer_is_right(const struct machine *atm, const struct iso_message *answer,
                             const uint8_t *bytes, size_t length)
{
        char block[BLOCK_TEXT];
        uint8_t mac[ISO_MAC_LENGTH];
        size_t covered;
        struct tag set;
        int64_t number = 0;

        if (!atm->key_set)
                return !iso_has(answer, ISO_MAC_PRIMARY) && !iso_has(answer, ISO_MAC_SECONDARY);
        if (!tags_find(answer, 62, TAG_KEY_SET, &set) ||
            !number_parse_bytes(set.value, set.length, 1, atm->newest_set, &number) ||
            !iso_mac_covered(&iso_dialect_ascii, answer, length, &covered))
                return false;
        print_block(block, atm->terminal, (int)number, 'd');
        compute(block, bytes, covered, mac);
        return memcmp(mac, bytes + covered, sizeof mac) == 0;
}

/* daemons --------------------------------------------------------------------------------------------- */

static void remove_question(struct instance *instance, struct module_question **at)
{
        struct module_question *gone = *at;

        (void)instance;
        *at = gone->next;
        free(gone);
}

static void end_first(struct instance *instance, bool answered)
{
        struct module_question first = *instance->asked;
        struct key_message answer = {.command = first.command, .code = first.code};

        remove_question(instance, &instance->asked);
        if (first.command == KEY_COMMAND_MAKE_MAC)
                key_message_set(&answer, KEY_FIELD_MAC, first.mac, sizeof first.mac);
        if (first.command == KEY_COMMAND_VERIFY_PIN && first.code == KEY_CODE_GOOD)
                key_message_set_text(&answer, KEY_FIELD_PIN_VALUE, first.pin_value);
        if (first.command == KEY_COMMAND_VERIFY_PIN)
                instance->sim->counters->pins_without_module += !answered;
        first.question->ended(first.question, answered ? &answer : NULL);
}

static void go_away(struct instance *instance)
{
        struct sim *sim = instance->sim;

        instance->module_back_ms = sim->now_ms + draw_between(&sim->key_random, 100, 100000);
        sim->counters->modules_away++;
        sim_tell(sim, "daemon %d: its key module is away", instance->number);
        while (instance->asked)
                end_first(instance, false);
}

/* What leaves is what is durable, and that is looked at before its MAC is even asked for. */
static void check_before_mac(struct instance *instance, const struct key_question *question,
                             const struct key_value *data)
{
        uint8_t bytes[ISO_MESSAGE_MAX] = {0};
        const struct session_mac *mac = question->context;

        memcpy(bytes, data->bytes, data->length);
        for (struct link *link = instance->sim->links; link; link = link->next)
                if (&link->session.mac == mac)
                        check_answer(instance->sim, link, bytes, data->length + ISO_MAC_LENGTH);
}

static bool ask(void *context, struct key_question *question, const struct key_message *message)
{
        struct instance *instance = context;
        struct sim *sim = instance->sim;
        const struct key_value *data = &message->value[KEY_FIELD_DATA];
        struct module_question *asked, **last;
        char block[BLOCK_TEXT];

        if (message->command == KEY_COMMAND_MAKE_MAC)
                check_before_mac(instance, question, data);
        if (sim->now_ms < instance->module_back_ms && !sim->calm)
                return false;
        sim->counters->pins_asked += message->command == KEY_COMMAND_VERIFY_PIN;
        asked = calloc(1, sizeof *asked);
        if (!asked)
                abort();
        key_message_copy(message, KEY_FIELD_KEY, block, sizeof block);
        compute(block, data->bytes, data->length, asked->mac);
        asked->question = question;
        asked->command = message->command;
        asked->code = message->command == KEY_COMMAND_CHECK_MAC &&
                              memcmp(asked->mac, message->value[KEY_FIELD_MAC].bytes, sizeof asked->mac) != 0
                          ? KEY_CODE_MAC
                          : KEY_CODE_GOOD;
        if (message->command == KEY_COMMAND_VERIFY_PIN)
                asked->code = pins_verify(message, asked->pin_value);
        asked->is_late = chance(sim, SLOW_PERMILLE);
        asked->due_ms = sim->now_ms + (asked->is_late ? TIMEOUT_MS : draw_between(&sim->key_random, 0, 20));
        for (last = &instance->asked; *last && (*last)->due_ms <= asked->due_ms; last = &(*last)->next)
                continue;
        asked->next = *last;
        *last = asked;
        sim->counters->macs_asked++;
        sim_put(sim, asked->due_ms - sim->now_ms,
                (struct event){.kind = EVENT_MODULE, .number = instance->number, .epoch = instance->epoch});
        return true;
}

static void drop(void *context, struct key_question *question)
{
        struct instance *instance = context;

        for (struct module_question **at = &instance->asked; *at; at = &(*at)->next) {
                if ((*at)->question != question)
                        continue;
                instance->sim->counters->questions_dropped++;
                remove_question(instance, at);
                return;
        }
}

void module_start(struct instance *instance)
{
        instance->module_back_ms = 0;
        instance->keys = (struct session_keys){.rings = instance->sim->rings,
                                               .used = on_used,
                                               .ask = ask,
                                               .drop = drop,
                                               .context = instance,
                                               .wrong_max = WRONG_MAX};
}

void module_throw_away(struct instance *instance)
{
        while (instance->asked)
                remove_question(instance, &instance->asked);
}

void module_event(struct instance *instance)
{
        struct sim *sim = instance->sim;

        if (instance->asked && chance(sim, AWAY_PERMILLE))
                go_away(instance);
        while (instance->asked && instance->asked->due_ms <= sim->now_ms) {
                sim->counters->macs_late += instance->asked->is_late;
                end_first(instance, !instance->asked->is_late);
        }
}
