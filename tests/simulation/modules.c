/*
 * Each daemon's key module, and the keys of the ATMs and banks that have some. A module takes its time, is slower than its daemon waits now and then, and goes away
 * for a while; then a daemon's sessions leave ATMs in silence, and nothing leaves for banks. New sets of keys are made for ATMs, which hear of them, and fetch them when they
 * like: between messages, in the middle of a withdrawal, after several have passed; or people bring them, as they bring banks theirs. Each daemon reads of them in its own time.
 *
 * The MACs are hashes of key block and message: what matters here is who has made one over what. An ATM's mistakes are its own: a message without one,
 * with one that is wrong, or under a set that it has done with. Whoever makes none is never refused for his key.
 *
 * What is left to chance here comes from a stream of its own, so that runs in which nobody has keys are as they were.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "protocol/tags.h"
#include "rules/calendar.h"

enum {
        TIMEOUT_MS = 2000,
        WRONG_MAX = 3,
        SETS_MAX = 9999,
        KEYED_PERMILLE = 500,  /* of runs; and of their ATMs and banks */
        MOSTLY_PERMILLE = 900, /* of ATMs, where PINs are wanted */
        SLOW_PERMILLE = 20,    /* of questions */
        MISTAKE_PERMILLE = 15, /* of messages */
        OLD_SET_PERMILLE = 5,  /* of messages of an ATM that has had another one */
        NEW_SET_PERMILLE = 25, /* of messages */
        BEHIND_MAX = 3,        /* sets that an ATM has not used yet */
        FETCH_PERMILLE = 500,
        TAKE_PERMILLE = 60,    /* without fetching it: people have brought it */
        TURN_PERMILLE = 300,   /* of a bank's messages: it begins with what it has kept */
        REFUSE_PERMILLE = 200, /* of offers to banks; likewise */
        FORGET_PERMILLE = 100,
        ASK_PERMILLE = 10, /* of what a bank hears; and where there is a newer set */
        ASK_SOON_PERMILLE = 300,
        READ_MS = 30000,   /* what a daemon has read of keys is at most so old */
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
        return !sim->calm && !sim->script && draw_permille(&sim->key_random, permille);
}

/* sets of keys ---------------------------------------------------------------------------------------- */

/* What became of a set, for all who read the database. */
struct key_word {
        enum key_owner owner_kind;
        char owner[KEY_OWNER_MAX + 1];
        int number;
        enum key_set_state state;
};

/* The same key under its owner's key-encrypting key. */
static void print_handover(char text[BLOCK_TEXT], const char *terminal, int set, enum key_purpose purpose)
{
        snprintf(text, BLOCK_TEXT, "for %s set %04d %s", terminal, set, key_purpose_name[purpose]);
}

static const enum key_purpose purposes[] = {KEY_PURPOSE_PIN, KEY_PURPOSE_MAC_UP, KEY_PURPOSE_MAC_DOWN};
static const char directions[] = {0, 'u', 'd'};

static void put_set(struct key_rings *rings, const struct key_word *word)
{
        struct key_row row = {.owner_kind = word->owner_kind,
                              .owner = word->owner,
                              .kind = KEY_SET_WORKING,
                              .number = word->number,
                              .state = word->state,
                              .check_value = "0000000000"};
        char block[BLOCK_TEXT], handover[BLOCK_TEXT];

        for (size_t i = 0; i < LENGTH(purposes); i++) {
                if (directions[i])
                        print_block(block, word->owner, word->number, directions[i]);
                else
                        modules_pin_block(block, word->owner, word->number);
                print_handover(handover, word->owner, word->number, purposes[i]);
                row.purpose = purposes[i];
                row.block = block;
                row.handover = word->state == KEY_SET_LOADED ? handover : NULL;
                sim_must(key_rings_put(rings, &row), "keys");
        }
}

static void arm_read(struct instance *instance, int64_t in_ms)
{
        sim_put(instance->sim, in_ms,
                (struct event){.kind = EVENT_KEYS, .number = instance->number, .epoch = instance->epoch});
}

static void commit_word(struct sim *sim, enum key_owner owner_kind, const char *owner, int number,
                        enum key_set_state state)
{
        struct key_word *word;

        sim->key_words = reallocarray(sim->key_words, sim->key_word_count + 1, sizeof *sim->key_words);
        if (!sim->key_words)
                abort();
        word = &sim->key_words[sim->key_word_count++];
        *word = (struct key_word){.owner_kind = owner_kind, .number = number, .state = state};
        memcpy(word->owner, owner, strlen(owner));
        put_set(sim->rings, word);
        for (int i = 0; i < sim->instance_count; i++)
                if (sim->instances[i].runs)
                        arm_read(&sim->instances[i], draw_between(&sim->key_random, 0, READ_MS));
}

static void read_words(struct instance *instance)
{
        const struct sim *sim = instance->sim;

        while (instance->words_read < sim->key_word_count)
                put_set(instance->rings, &sim->key_words[instance->words_read++]);
        key_rings_settle(instance->rings, sim->now_ms);
}

/* Those who wait came before this read, all of them. */
void module_keys_event(struct instance *instance)
{
        struct key_reader *reader;

        if (instance->is_cut)
                arm_read(instance, READ_MS);
        else
                read_words(instance);
        while ((reader = TAILQ_FIRST(&instance->readers))) {
                TAILQ_REMOVE(&instance->readers, reader, entry);
                reader->ended(reader, !instance->is_cut);
        }
}

static void read_keys(void *context, struct key_reader *reader)
{
        struct instance *instance = context;

        instance->sim->counters->keys_read_for_messages++;
        TAILQ_INSERT_TAIL(&instance->readers, reader, entry);
        arm_read(instance, draw_between(&instance->sim->key_random, 0, 300));
}

static void forget_reader(void *context, struct key_reader *reader)
{
        struct instance *instance = context;

        TAILQ_REMOVE(&instance->readers, reader, entry);
}

/* It is said again as long as the daemon has not read that it is known. */
static void on_used(void *context, enum key_owner owner_kind, const char *owner, int number)
{
        struct instance *instance = context;
        struct sim *sim = instance->sim;
        const struct key_ring *ring = key_rings_find(sim->rings, owner_kind, owner);
        const struct key_set *set = key_ring_set(ring, KEY_SET_WORKING, number);

        if (instance->is_cut || !set || set->state != KEY_SET_LOADED)
                return;
        sim->counters->key_sets_used++;
        for (int i = 1; i < number; i++)
                if (key_ring_set(key_rings_find(sim->rings, owner_kind, owner), KEY_SET_WORKING, i))
                        commit_word(sim, owner_kind, owner, i, KEY_SET_RETIRED);
        commit_word(sim, owner_kind, owner, number, KEY_SET_CURRENT);
}

void modules_open(struct sim *sim, bool may_have_keys)
{
        sim->key_random.state = sim->seed ^ UINT64_C(0x6b657973);
        sim->rings = key_rings_new();
        if (!sim->rings)
                abort();
        sim->has_keys = sim->script ? script_wants_keys(sim)
                                    : may_have_keys && draw_permille(&sim->key_random, KEYED_PERMILLE);
        if (!sim->script)
                pins_open(sim);
}

void modules_close(struct sim *sim)
{
        for (int i = 0; i < sim->instance_count; i++)
                key_rings_free(sim->instances[i].rings);
        key_rings_free(sim->rings);
        free(sim->key_words);
}

/* Who tells a story gives keys to all, or to nobody. */
static bool gets_keys(struct sim *sim, int permille)
{
        return sim->has_keys && (sim->script || draw_permille(&sim->key_random, permille));
}

/* Before anything happens: no daemon has to hear of it later. */
void modules_give_keys(struct machine *atm)
{
        struct sim *sim = atm->sim;

        if (!gets_keys(sim, sim->wants_pins ? MOSTLY_PERMILLE : KEYED_PERMILLE))
                return;
        atm->key_set = atm->newest_set = 1;
        commit_word(sim, KEY_OWNER_TERMINAL, atm->terminal, 1, KEY_SET_LOADED);
        for (int i = 0; i < sim->instance_count; i++)
                read_words(&sim->instances[i]);
}

void modules_give_bank_keys(struct sim_bank *bank)
{
        struct sim *sim = bank->sim;

        if (!gets_keys(sim, KEYED_PERMILLE))
                return;
        bank->key_set = bank->kept_set = bank->newest_set = 1;
        commit_word(sim, KEY_OWNER_LINK, bank->name, 1, KEY_SET_LOADED);
        for (int i = 0; i < sim->instance_count; i++)
                read_words(&sim->instances[i]);
}

/* banks ----------------------------------------------------------------------------------------------- */

/* 0: there is none. */
static int number_of(const struct iso_message *message, const char *name)
{
        struct tag tag;
        int64_t number = 0;

        if (tags_find(message, 62, name, &tag))
                sim_must(number_parse_bytes(tag.value, tag.length, 1, SETS_MAX, &number),
                         "a key set's number");
        return (int)number;
}

/* The keys that a message hands over are of that owner and set, in their order; -1: they are not, else how many. */
static int blocks_of(const struct iso_message *message, const char *owner, int set)
{
        size_t at = 0, blocks = 0;
        char block[BLOCK_TEXT];
        struct tag tag;

        while (tags_next(message, 62, &at, &tag)) {
                if (memcmp(tag.name, TAG_KEY_BLOCK, 2) != 0)
                        continue;
                if (blocks == LENGTH(purposes))
                        return -1;
                print_handover(block, owner, set, purposes[blocks++]);
                if (tag.length != strlen(block) || memcmp(tag.value, block, tag.length) != 0)
                        return -1;
        }
        return (int)blocks;
}

/* A bank begins with a new set in the message after the one in which it got it, or later. Those that are offered theirs seldom get it from people. */
static void look_for_new_bank_set(struct sim_bank *bank)
{
        struct sim *sim = bank->sim;

        if (bank->newest_set == bank->key_set && bank->newest_set < SETS_MAX && chance(sim, NEW_SET_PERMILLE))
                commit_word(sim, KEY_OWNER_LINK, bank->name, ++bank->newest_set, KEY_SET_LOADED);
        else if (bank->kept_set > bank->key_set && chance(sim, TURN_PERMILLE))
                bank->key_set = bank->kept_set;
        else if (bank->newest_set > bank->key_set &&
                 chance(sim,
                        bank->dialect.network[ISO_NETWORK_KEY_CHANGE] ? TAKE_PERMILLE / 20 : TAKE_PERMILLE))
                bank->key_set = bank->kept_set = bank->newest_set;
}

/* A bank's own set, or one of before, where its instance has not heard of a newer one; whole, and made for it. */
static int offer_of(struct sim_bank *bank, const struct iso_message *message)
{
        int offer = number_of(message, TAG_KEY_OFFER);

        if (offer > bank->newest_set ||
            blocks_of(message, bank->name, offer) != (offer ? (int)LENGTH(purposes) : 0))
                sim_violate(bank->sim, "I11", "%s gets keys that are not those of its set %d", bank->name,
                            offer);
        return offer;
}

void modules_bank_hears_offer(struct sim_bank *bank, const struct iso_message *message,
                              struct iso_message *answer)
{
        struct sim_counters *counters = bank->sim->counters;
        int offer;

        if (!bank->key_set || profile_network(&bank->dialect, message) != ISO_NETWORK_KEY_CHANGE)
                return;
        offer = offer_of(bank, message);
        if (!offer)
                sim_violate(bank->sim, "I11", "%s is offered no keys by an offer", bank->name);
        if (chance(bank->sim, REFUSE_PERMILLE)) {
                counters->bank_keys_refused++;
                return;
        }
        iso_set_string(answer, 39, "00");
        if (chance(bank->sim, FORGET_PERMILLE)) {
                counters->bank_keys_forgotten++;
        } else if (offer > bank->kept_set) {
                sim_tell(bank->sim, "%s keeps set %d", bank->name, offer);
                counters->bank_keys_kept++;
                bank->kept_set = offer;
        }
}

bool modules_bank_asks(struct sim_bank *bank, struct iso_message *ret_message)
{
        char de7[11];

        if (!bank->key_set || !bank->dialect.network[ISO_NETWORK_KEY_REQUEST] ||
            !chance(bank->sim, bank->newest_set > bank->kept_set ? ASK_SOON_PERMILLE : ASK_PERMILLE))
                return false;
        bank->sim->counters->bank_keys_asked++;
        iso_init(ret_message, "0800");
        calendar_to_de7(bank->sim->now_ms, de7);
        iso_set_string(ret_message, 7, de7);
        iso_set_number(ret_message, 11, bank->asked_stan = bank->asked_stan % 999999 + 1, 6);
        iso_set_string(ret_message, 41, "BANK0000");
        profile_set_network(&bank->dialect, ISO_NETWORK_KEY_REQUEST, ret_message);
        return true;
}

void modules_bank_hears_keys(struct sim_bank *bank, const struct iso_message *answer)
{
        int offer = offer_of(bank, answer);

        if (offer <= bank->kept_set)
                return;
        sim_tell(bank->sim, "%s fetches set %d", bank->name, offer);
        bank->sim->counters->bank_keys_fetched++;
        bank->kept_set = offer;
}

/* What somebody would make of it who has no key: whoever believes it pays out what the bank has declined, or leaves it debited (I5). */
static void forge(struct iso_message *answer)
{
        char de39[3];

        if (strcmp(answer->mti, "0210") == 0 && iso_copy(answer, 39, de39, sizeof de39))
                iso_set_string(answer, 39, strcmp(de39, "00") == 0 ? "51" : "00");
}

size_t modules_bank_seal(struct sim_bank *bank, struct iso_message *message, bool is_spoilt,
                         uint8_t bytes[ISO_MESSAGE_MAX])
{
        struct iso_error error;
        char block[BLOCK_TEXT];
        size_t covered = 0;
        bool is_forged;
        int length;

        if (!bank->key_set) {
                length = iso_encode(&bank->dialect, message, bytes, ISO_MESSAGE_MAX, &error);
                sim_must(length > 0, "a bank's message");
                return (size_t)length;
        }
        look_for_new_bank_set(bank);
        is_forged = chance(bank->sim, MISTAKE_PERMILLE);
        if (is_forged)
                forge(message);
        iso_mac_name_set(&bank->dialect, message, bank->key_set);
        length = iso_mac_encode(&bank->dialect, message, bytes, ISO_MESSAGE_MAX, &covered, &error);
        sim_must(length > 0, "a bank's message");
        print_block(block, bank->name, bank->key_set, 'd');
        compute(block, bytes, covered, bytes + covered);
        bytes[covered] ^= is_forged || is_spoilt;
        bank->sim->counters->bank_wrong_macs += is_forged || is_spoilt;
        return (size_t)length;
}

/* Of any set that the bank has begun with: a message may be on its way while it begins with another one, and nobody begins before it. */
bool modules_bank_hears_right(const struct sim_bank *bank, const struct iso_message *message,
                              const uint8_t *bytes, size_t length)
{
        char block[BLOCK_TEXT];
        uint8_t mac[ISO_MAC_LENGTH];
        size_t covered;
        int set = iso_mac_set(&bank->dialect, message);

        if (!bank->key_set)
                return !iso_has(message, ISO_MAC_PRIMARY) && !iso_has(message, ISO_MAC_SECONDARY);
        if (set < 1 || set > bank->key_set || !iso_mac_covered(&bank->dialect, message, length, &covered))
                return false;
        print_block(block, bank->name, set, 'u');
        compute(block, bytes, covered, mac);
        return memcmp(mac, bytes + covered, sizeof mac) == 0;
}

/* ATMs ------------------------------------------------------------------------------------------------ */

static void look_for_new_set(struct machine *atm)
{
        struct sim *sim = atm->sim;

        if (atm->newest_set < atm->key_set + BEHIND_MAX && atm->newest_set < SETS_MAX &&
            chance(sim, NEW_SET_PERMILLE))
                commit_word(sim, KEY_OWNER_TERMINAL, atm->terminal, ++atm->newest_set, KEY_SET_LOADED);
        else if (atm->newest_set > atm->key_set && chance(sim, TAKE_PERMILLE))
                atm->key_set = atm->newest_set;
}

bool modules_want_keys(struct machine *atm)
{
        return atm->key_set && atm->offered_set > atm->key_set && chance(atm->sim, FETCH_PERMILLE);
}

void modules_hear_offer(struct machine *atm, const struct iso_message *answer)
{
        if (atm->key_set)
                atm->offered_set = number_of(answer, TAG_KEY_OFFER);
}

void modules_hear_keys(struct machine *atm, const struct iso_message *answer)
{
        struct tag tag;

        if (!tags_find(answer, 62, TAG_KEY_BLOCK, &tag) || atm->offered_set <= atm->key_set)
                return;
        sim_tell(atm->sim, "%s fetches set %d", atm->terminal, atm->offered_set);
        atm->sim->counters->key_changes++;
        atm->key_set = atm->offered_set;
}

/* The keys that an answer hands over are of the terminal and the set that it names, in their order, and nobody has them who did not ask. */
static bool handover_is_right(const struct machine *atm, const struct iso_message *answer, int number)
{
        int offer = number_of(answer, TAG_KEY_OFFER);
        int blocks = blocks_of(answer, atm->terminal, offer);
        int64_t code;

        if (offer && (offer <= number || offer > atm->newest_set))
                return false;
        return blocks == 0 ||
               (blocks == (int)LENGTH(purposes) && iso_number(answer, 70, &code) && code == 101);
}

/* Whoever has sent nothing but what is under the set that it uses, which nobody can have retired. */
void modules_check_refusal(const struct machine *atm, const struct iso_message *answer)
{
        char de7[11], transmitted[11];
        int64_t stan;
        bool is_advice = strcmp(answer->mti, "0210") != 0;

        if (!iso_number(answer, 11, &stan) || !iso_copy(answer, 7, de7, sizeof de7))
                return;
        for (size_t i = 0; i < (is_advice ? atm->advice_count : atm->withdrawal_count); i++) {
                const struct ledger_identity *identity =
                    is_advice ? &atm->advices[i].identity : &atm->withdrawals[i].identity;
                bool is_mistaken = is_advice ? atm->advices[i].is_mistaken : atm->withdrawals[i].is_mistaken;
                int key_set = is_advice ? atm->advices[i].key_set : atm->withdrawals[i].key_set;

                calendar_to_de7(identity->transmitted_ms, transmitted);
                if (identity->stan == stan && !strcmp(transmitted, de7) && !is_mistaken &&
                    key_set == atm->key_set)
                        sim_violate(atm->sim, "I11",
                                    "%s STAN %" PRId32 ": refused for its key, and set %d is good",
                                    atm->terminal, identity->stan, key_set);
        }
}

/* A set that it has done with; 0: it has had no other, or makes no such mistake. */
static int old_set(struct machine *atm)
{
        if (atm->key_set == 1 || !chance(atm->sim, OLD_SET_PERMILLE))
                return 0;
        atm->sim->counters->old_sets++;
        return atm->key_set - 1;
}

size_t modules_seal(struct machine *atm, struct iso_message *message, uint8_t bytes[ISO_MESSAGE_MAX],
                    bool *ret_right)
{
        struct iso_error error;
        char block[BLOCK_TEXT], number[16];
        size_t covered = 0;
        bool is_wrong, is_missing;
        int length, set, old = 0;

        *ret_right = true;
        atm->is_mistaken = false;
        if (!atm->key_set) {
                length = iso_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &error);
                sim_must(length > 0, "a message");
                return (size_t)length;
        }
        if (!iso_has(message, 52) && !iso_has(message, 62)) { /* whose PIN block is under the present set */
                look_for_new_set(atm);
                old = old_set(atm);
        }
        set = old ? old : atm->key_set;
        is_wrong = chance(atm->sim, MISTAKE_PERMILLE);
        is_missing = chance(atm->sim, MISTAKE_PERMILLE);
        snprintf(number, sizeof number, "%d", set);
        tags_add(message, 62, TAG_KEY_SET, number);
        length = is_missing
                     ? iso_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &error)
                     : iso_mac_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &covered, &error);
        sim_must(length > 0, "a message");
        print_block(block, atm->terminal, set, is_wrong ? 'd' : 'u');
        if (!is_missing)
                compute(block, bytes, covered, bytes + covered);
        *ret_right = !is_wrong && !is_missing;
        atm->is_mistaken = !*ret_right || old;
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
        return memcmp(mac, bytes + covered, sizeof mac) == 0 && handover_is_right(atm, answer, (int)number);
}

/* daemons --------------------------------------------------------------------------------------------- */

static void arm_module(struct instance *instance, int64_t in_ms)
{
        sim_put(instance->sim, in_ms,
                (struct event){.kind = EVENT_MODULE, .number = instance->number, .epoch = instance->epoch});
}

static bool is_of_link(const struct key_question *question)
{
        const struct session_mac *mac = question->context;

        return mac->side->owner_kind == KEY_OWNER_LINK;
}

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
        if (answered && instance->sim->script && first.command == KEY_COMMAND_CHECK_MAC &&
            is_of_link(first.question))
                script_checked_bank(instance->sim);
        first.question->ended(first.question, answered ? &answer : NULL);
}

void module_kill(struct instance *instance, int64_t ms)
{
        struct sim *sim = instance->sim;

        instance->module_back_ms = sim->now_ms + ms;
        sim->counters->modules_away++;
        sim_tell(sim, "daemon %d: its key module is away", instance->number);
        while (instance->asked)
                end_first(instance, false);
}

void module_stall(struct instance *instance, int64_t ms)
{
        struct sim *sim = instance->sim;

        assert(ms >= TIMEOUT_MS);
        instance->module_stalled_until_ms = sim->now_ms + ms;
        for (struct module_question *asked = instance->asked; asked; asked = asked->next) {
                asked->is_late = true;
                asked->due_ms = sim->now_ms + TIMEOUT_MS;
        }
        arm_module(instance, TIMEOUT_MS);
}

/* While it stands still. */
static void put_off(struct instance *instance, struct module_question *asked)
{
        int64_t left_ms = instance->module_stalled_until_ms - instance->sim->now_ms;

        if (left_ms <= 0)
                return;
        asked->is_late = left_ms >= TIMEOUT_MS;
        asked->due_ms = instance->sim->now_ms + (asked->is_late ? TIMEOUT_MS : left_ms);
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
        put_off(instance, asked);
        for (last = &instance->asked; *last && (*last)->due_ms <= asked->due_ms; last = &(*last)->next)
                continue;
        asked->next = *last;
        *last = asked;
        sim->counters->macs_asked++;
        arm_module(instance, asked->due_ms - sim->now_ms);
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
        key_rings_free(instance->rings);
        instance->rings = key_rings_new();
        instance->words_read = 0;
        if (!instance->rings)
                abort();
        pins_put_key(instance->sim, instance->rings);
        read_words(instance);
        TAILQ_INIT(&instance->readers);
        instance->keys = (struct session_keys){.rings = instance->rings,
                                               .used = on_used,
                                               .ask = ask,
                                               .drop = drop,
                                               .read = read_keys,
                                               .forget = forget_reader,
                                               .context = instance,
                                               .wrong_max = WRONG_MAX};
}

void module_throw_away(struct instance *instance)
{
        while (instance->asked)
                remove_question(instance, &instance->asked);
        TAILQ_INIT(&instance->readers); /* their sessions are gone */
}

void module_event(struct instance *instance)
{
        struct sim *sim = instance->sim;

        if (instance->asked && chance(sim, AWAY_PERMILLE))
                module_kill(instance, draw_between(&sim->key_random, 100, 100000));
        if (instance->asked && instance->asked->due_ms <= sim->now_ms &&
            sim->now_ms < instance->module_stalled_until_ms) /* it is given up */
                module_kill(instance, instance->module_stalled_until_ms - sim->now_ms);
        while (instance->asked && instance->asked->due_ms <= sim->now_ms) {
                sim->counters->macs_late += instance->asked->is_late;
                end_first(instance, !instance->asked->is_late);
        }
}
