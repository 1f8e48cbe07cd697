/* The MAC of a message: see session_mac.h. */
#include "daemon/macs/session_mac.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/array.h"
#include "lib/base/log.h"
#include "protocol/iso_mac.h"
#include "protocol/tags.h"

enum { TAGS = 62, KEY_USAGE_AT = 5 /* in a key block's header */ };

const struct session_mac_side session_mac_terminals = {
    .owner_kind = KEY_OWNER_TERMINAL,
    .theirs = KEY_PURPOSE_MAC_UP,
    .ours = KEY_PURPOSE_MAC_DOWN,
    .dialect = &iso_dialect_ascii,
    .tells = true,
};

bool session_keys_has(const struct session_keys *keys, enum key_owner owner_kind, const char *owner)
{
        return keys && key_rings_find(keys->rings, owner_kind, owner);
}

void session_mac_begin(struct session_mac *mac, const struct session_mac_events *events,
                       const struct session_keys *keys, const struct session_mac_side *side,
                       const char *owner)
{
        mac->events = events;
        mac->keys = keys;
        mac->side = side;
        mac->owner = owner;
        mac->state = SESSION_MAC_IDLE;
        mac->set = 0;
        mac->is_unused = mac->hands_over = false;
        mac->wrong = 0;
        mac->length = 0;
}

/* NULL: the owner never had keys. */
static const struct key_ring *ring_of(const struct session_mac *mac)
{
        return mac->keys ? key_rings_find(mac->keys->rings, mac->side->owner_kind, mac->owner) : NULL;
}

/* Of the message at hand; NULL: it is not good, or not any more. */
static const struct key_set *set_at_hand(const struct session_mac *mac)
{
        const struct key_ring *ring = ring_of(mac);
        const struct key_set *set = mac->set == 0 ? key_ring_current(ring, KEY_SET_WORKING)
                                                  : key_ring_set(ring, KEY_SET_WORKING, mac->set);
        return set && set->block[mac->side->theirs] && set->block[mac->side->ours] ? set : NULL;
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
        mac->hands_over = false;
}

void session_mac_drop(struct session_mac *mac)
{
        if (mac->state == SESSION_MAC_READING)
                mac->keys->forget(mac->keys->context, &mac->reader);
        else if (mac->state != SESSION_MAC_IDLE)
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
                log_limited(
                    LEVEL_ERROR, "key_unusable", LOG_TEXT(key_owner_name[mac->side->owner_kind], mac->owner),
                    LOG_NUMBER("set", mac->set), LOG_TEXT("command", key_commands[answer->command].name),
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
                mac->keys->used(mac->keys->context, mac->side->owner_kind, mac->owner, mac->set);
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

/* Where nobody is asked the bytes are still there, for whoever tells of it. */
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
        if (!mac->keys->ask(mac->keys->context, &mac->question, &message))
                return SESSION_MAC_UNASKED;
        mac->state = state;
        return SESSION_MAC_ASKED;
}

/* ---- one that has come ----------------------------------------------------------------------------------------- */

static const char not_good[] = "it names a key set (KS) that its sender does not have, or that is retired";

static enum session_mac_need refuse(struct session_mac *mac, const char **ret_why, const char *why)
{
        if (!set_at_hand(mac))
                mac->set = 0;
        *ret_why = why;
        return SESSION_MAC_REFUSED;
}

static enum session_mac_need check_under(struct session_mac *mac, const struct key_set *set)
{
        mac->is_unused = set->state == KEY_SET_LOADED;
        return ask(mac, SESSION_MAC_CHECKING, set->block[mac->side->theirs]);
}

static void on_read(struct key_reader *reader, bool is_read)
{
        struct session_mac *mac = reader->context;
        const struct key_set *set = set_at_hand(mac);
        enum session_mac_result result = SESSION_MAC_SILENT;
        assert(mac->state == SESSION_MAC_READING);
        mac->state = SESSION_MAC_IDLE;
        if (set && check_under(mac, set) == SESSION_MAC_ASKED)
                return;
        if (!set && is_read) {
                mac->set = 0;
                result = SESSION_MAC_WRONG;
        }
        mac->events->checked(mac, result, not_good);
        if (mac->state == SESSION_MAC_IDLE)
                wipe(mac);
}

/* No set of this number is known, and all that are known are older. */
static bool may_be_news(const struct session_mac *mac)
{
        const struct key_set *newest = key_ring_newest(ring_of(mac), KEY_SET_WORKING);
        return mac->set > (newest ? newest->number : 0);
}

static enum session_mac_need read_keys(struct session_mac *mac)
{
        mac->reader = (struct key_reader){.ended = on_read, .context = mac};
        mac->state = SESSION_MAC_READING;
        mac->keys->read(mac->keys->context, &mac->reader);
        return SESSION_MAC_ASKED;
}

enum session_mac_need session_mac_check(struct session_mac *mac, const struct iso_message *message,
                                        const uint8_t *bytes, size_t length, const char **ret_why)
{
        size_t covered;
        if (!session_mac_is_needed(mac))
                return SESSION_MAC_NOT_NEEDED;
        mac->set = iso_mac_set(mac->side->dialect, message);
        if (!iso_mac_covered(mac->side->dialect, message, length, &covered))
                return refuse(mac, ret_why, "there is no MAC in its field, the last of the message");
        const struct key_set *set = set_at_hand(mac);
        if (mac->set == 0)
                return refuse(mac, ret_why, "it names no key set (KS)");
        if (!set && !may_be_news(mac))
                return refuse(mac, ret_why, not_good);
        assert(length <= sizeof(mac->bytes));
        memcpy(mac->bytes, bytes, length);
        mac->length = (uint16_t)length;
        mac->covered = (uint16_t)covered;
        enum session_mac_need need = set ? check_under(mac, set) : read_keys(mac);
        if (need == SESSION_MAC_UNASKED)
                wipe(mac);
        return need;
}

/* ---- one that leaves ----------------------------------------------------------------------------------------- */

bool session_mac_is_needed(const struct session_mac *mac)
{
        return ring_of(mac);
}

void session_mac_hand_over(struct session_mac *mac)
{
        mac->hands_over = true;
}

/* In the order in which docs/protocol.md has them. */
static void add_offer(const struct session_mac *mac, struct iso_message *answer)
{
        static const enum key_purpose purposes[] = {KEY_PURPOSE_PIN, KEY_PURPOSE_MAC_UP,
                                                    KEY_PURPOSE_MAC_DOWN};
        const struct key_set *offer = key_ring_offer(ring_of(mac), mac->set);
        char number[16];
        if (!offer || (!mac->side->tells && !mac->hands_over))
                return;
        snprintf(number, sizeof(number), "%d", offer->number);
        tags_add(answer, TAGS, TAG_KEY_OFFER, number);
        if (!mac->hands_over)
                return;
        for (size_t i = 0; i < LENGTH(purposes); i++)
                tags_add(answer, TAGS, TAG_KEY_BLOCK, offer->handover[purposes[i]]);
        log_limited(LEVEL_INFO, "key_change", LOG_TEXT(key_owner_name[mac->side->owner_kind], mac->owner),
                    LOG_NUMBER("under", mac->set), LOG_NUMBER("set", offer->number));
}

enum session_mac_need session_mac_seal(struct session_mac *mac, struct iso_message *message,
                                       struct iso_error *ret_error)
{
        size_t covered;
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
        iso_mac_name_set(mac->side->dialect, message, set->number);
        add_offer(mac, message);
        int length =
            iso_mac_encode(mac->side->dialect, message, mac->bytes, sizeof(mac->bytes), &covered, ret_error);
        if (length < 0)
                return SESSION_MAC_REFUSED;
        mac->length = (uint16_t)length;
        mac->covered = (uint16_t)covered;
        enum session_mac_need need = ask(mac, SESSION_MAC_MAKING, set->block[mac->side->ours]);
        if (need == SESSION_MAC_UNASKED)
                wipe(mac);
        return need;
}
