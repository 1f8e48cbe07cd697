/* The MACs of one session's messages: see session_mac.h. */
#include "daemon/session_mac.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/log.h"
#include "protocol/iso_mac.h"
#include "protocol/tags.h"

enum { TAGS = 62, KEY_USAGE_AT = 5 /* in a key block's header */ };

void session_mac_begin(struct session_mac *mac, const struct session_mac_events *events,
                       const struct session_keys *keys, const char *terminal)
{
        mac->events = events;
        mac->keys = keys;
        mac->terminal = terminal;
        mac->state = SESSION_MAC_IDLE;
        mac->set = 0;
        mac->is_unused = false;
        mac->wrong = 0;
        mac->length = 0;
}

/* NULL: the terminal never had keys. */
static const struct key_ring *ring_of(const struct session_mac *mac)
{
        return mac->keys ? key_rings_find(mac->keys->rings, KEY_OWNER_TERMINAL, mac->terminal) : NULL;
}

/* Of the message at hand; NULL: it is not good, or not any more. */
static const struct key_set *set_at_hand(const struct session_mac *mac)
{
        const struct key_ring *ring = ring_of(mac);
        const struct key_set *set = mac->set == 0 ? key_ring_current(ring, KEY_SET_WORKING)
                                                  : key_ring_set(ring, KEY_SET_WORKING, mac->set);
        return set && set->block[KEY_PURPOSE_MAC_UP] && set->block[KEY_PURPOSE_MAC_DOWN] ? set : NULL;
}

static void wipe(struct session_mac *mac)
{
        explicit_bzero(mac->bytes, mac->length);
        mac->length = 0;
}

void session_mac_next(struct session_mac *mac)
{
        assert(mac->state == SESSION_MAC_IDLE);
        mac->set = 0;
}

void session_mac_drop(struct session_mac *mac)
{
        if (mac->state != SESSION_MAC_IDLE)
                mac->keys->drop(mac->keys->context, &mac->question);
        mac->state = SESSION_MAC_IDLE;
        wipe(mac);
}

/* ---- to the module and back ---------------------------------------------------------------------------- */

/* ISO 9797-1 algorithm 3 needs a padding method: the second, whose MACs say how long the message was. */
static const char *padding_of(const char *block)
{
        return strncmp(block + KEY_USAGE_AT, "M3", 2) == 0 ? "2" : "";
}

static struct session_mac *mac_of(struct key_question *question)
{
        return question->context;
}

/* No answer, or one that says nothing of the MAC: then nobody knows. The second is somebody's fault who looks after keys. */
static enum session_mac_result result_of(const struct session_mac *mac, const struct key_message *answer)
{
        if (answer && answer->code == KEY_CODE_GOOD)
                return SESSION_MAC_GOOD;
        if (answer && answer->code == KEY_CODE_MAC)
                return SESSION_MAC_WRONG;
        if (answer)
                log_limited(LEVEL_ERROR, "key_unusable", LOG_TEXT("terminal", mac->terminal),
                            LOG_NUMBER("set", mac->set),
                            LOG_TEXT("command", key_commands[answer->command].name),
                            LOG_TEXT("code", key_code_word(answer->code)),
                            LOG_TEXT("reason", key_code_text(answer->code)));
        return SESSION_MAC_SILENT;
}

static void on_checked(struct key_question *question, const struct key_message *answer)
{
        struct session_mac *mac = mac_of(question);
        enum session_mac_result result = result_of(mac, answer);
        assert(mac->state == SESSION_MAC_CHECKING);
        mac->state = SESSION_MAC_IDLE;
        if (result == SESSION_MAC_GOOD && mac->is_unused)
                mac->keys->used(mac->keys->context, mac->terminal, mac->set);
        mac->events->checked(mac, result, "the MAC is another one");
        if (mac->state == SESSION_MAC_IDLE)
                wipe(mac);
}

static void on_made(struct key_question *question, const struct key_message *answer)
{
        struct session_mac *mac = mac_of(question);
        enum session_mac_result result = result_of(mac, answer);
        assert(mac->state == SESSION_MAC_MAKING);
        mac->state = SESSION_MAC_IDLE;
        if (result == SESSION_MAC_GOOD)
                memcpy(mac->bytes + mac->covered, answer->value[KEY_FIELD_MAC].bytes, ISO_MAC_LENGTH);
        mac->events->made(mac, result);
        if (mac->state == SESSION_MAC_IDLE)
                wipe(mac);
}

static enum session_mac_need ask(struct session_mac *mac, enum session_mac_state state, const char *block)
{
        bool checks = state == SESSION_MAC_CHECKING;
        struct key_message message = {.command = checks ? KEY_COMMAND_CHECK_MAC : KEY_COMMAND_MAKE_MAC};
        key_message_set_text(&message, KEY_FIELD_KEY, block);
        key_message_set_text(&message, KEY_FIELD_PADDING, padding_of(block));
        key_message_set(&message, KEY_FIELD_DATA, mac->bytes, mac->covered);
        if (checks)
                key_message_set(&message, KEY_FIELD_MAC, mac->bytes + mac->covered, ISO_MAC_LENGTH);
        mac->question = (struct key_question){.ended = checks ? on_checked : on_made, .context = mac};
        if (!mac->keys->ask(mac->keys->context, &mac->question, &message)) {
                wipe(mac);
                return SESSION_MAC_UNASKED;
        }
        mac->state = state;
        return SESSION_MAC_ASKED;
}

/* ---- a request ----------------------------------------------------------------------------------------- */

static enum session_mac_need refuse(struct session_mac *mac, const char **ret_why, const char *why)
{
        mac->set = 0;
        *ret_why = why;
        return SESSION_MAC_REFUSED;
}

enum session_mac_need session_mac_check(struct session_mac *mac, const struct iso_message *message,
                                        const uint8_t *bytes, size_t length, const char **ret_why)
{
        size_t covered;
        if (!session_mac_is_needed(mac))
                return SESSION_MAC_NOT_NEEDED;
        if (!iso_mac_covered(&iso_dialect_ascii, message, length, &covered))
                return refuse(mac, ret_why, "there is no MAC in the last field of the last bitmap");
        mac->set = tags_key_set(message);
        const struct key_set *set = set_at_hand(mac);
        if (mac->set == 0)
                return refuse(mac, ret_why, "DE 62 names no key set (KS)");
        if (!set)
                return refuse(
                    mac, ret_why,
                    "DE 62 names a key set (KS) that the terminal does not have, or that is retired");
        assert(length <= sizeof(mac->bytes));
        memcpy(mac->bytes, bytes, length);
        mac->length = (uint16_t)length;
        mac->covered = (uint16_t)covered;
        mac->is_unused = set->state == KEY_SET_LOADED;
        return ask(mac, SESSION_MAC_CHECKING, set->block[KEY_PURPOSE_MAC_UP]);
}

/* ---- an answer ----------------------------------------------------------------------------------------- */

bool session_mac_is_needed(const struct session_mac *mac)
{
        return ring_of(mac);
}

enum session_mac_need session_mac_seal(struct session_mac *mac, struct iso_message *answer,
                                       struct iso_error *ret_error)
{
        size_t covered;
        char number[16];
        assert(mac->state == SESSION_MAC_IDLE);
        const struct key_set *set = set_at_hand(mac);
        if (!set) { /* retired meanwhile */
                mac->set = 0;
                set = set_at_hand(mac);
        }
        wipe(mac);
        if (!set)
                return SESSION_MAC_UNASKED;
        mac->set = set->number;
        snprintf(number, sizeof(number), "%d", set->number);
        tags_add(answer, TAGS, TAG_KEY_SET, number);
        int length =
            iso_mac_encode(&iso_dialect_ascii, answer, mac->bytes, sizeof(mac->bytes), &covered, ret_error);
        if (length < 0)
                return SESSION_MAC_REFUSED;
        mac->length = (uint16_t)length;
        mac->covered = (uint16_t)covered;
        return ask(mac, SESSION_MAC_MAKING, set->block[KEY_PURPOSE_MAC_DOWN]);
}
