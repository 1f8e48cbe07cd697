/* One function a kind of message; what all share is in begin(). */
#include "tools/atmsim/message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/hash.h"
#include "protocol/frame.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tools/atmsim/atm_pin.h"
#include "tools/chips/chips.h"

enum { WITHDRAWAL_CODE = 10000, INQUIRY_CODE = 310000, SECURITY_TAGS = 62 };

struct message_identity message_identity_of(const struct sim_atm *atm, enum atm_message what)
{
        switch (what) {
        case ATM_REQUEST:
                return (struct message_identity){atm->w.stan, atm->w.transmitted_ms};
        case ATM_COMPLETION:
        case ATM_REVERSAL:
                return (struct message_identity){atm->advice.stan, atm->advice.transmitted_ms};
        case ATM_SIGN_ON:
        case ATM_ECHO:
        case ATM_KEY_CHANGE:
        case ATM_INQUIRY:
                break;
        }
        return (struct message_identity){atm->inquiry_stan, atm->inquiry_ms};
}

/* 7 11 12 13 32 41 42 */
static void begin(struct iso_message *message, const char *mti, const struct sim_atm *atm,
                  const struct message_place *place, struct message_identity identity)
{
        struct civil japan;
        char de7[11];

        iso_init(message, mti);
        calendar_to_de7(identity.transmitted_ms, de7);
        calendar_jst(identity.transmitted_ms, &japan);
        iso_set(message, 7, de7, 10);
        iso_set_number(message, 11, identity.stan, 6);
        iso_set_number(message, 12, japan.hour * 10000 + japan.minute * 100 + japan.second, 6);
        iso_set_number(message, 13, japan.month * 100 + japan.day, 4);
        iso_set_string(message, 32, place->acquirer);
        iso_set(message, 41, atm->terminal, 8);
        iso_set(message, 42, place->hall, 15);
}

static struct chips_identity chips_identity_of(const struct sim_atm *atm, struct message_identity identity,
                                               int64_t amount_yen)
{
        return (struct chips_identity){.terminal = atm->terminal,
                                       .transmitted_ms = identity.transmitted_ms,
                                       .stan = identity.stan,
                                       .amount_yen = amount_yen};
}

/* 22 23 55 */
static void add_chip(struct iso_message *message, const struct sim_atm *atm,
                     const struct message_place *place, struct message_identity identity,
                     const struct card *card, bool inquiry)
{
        struct chips_identity of = chips_identity_of(atm, identity, inquiry ? 0 : atm->w.amount_yen);
        struct chip chip;

        if (place->chip_rate <= 0)
                return;
        chips_read_card(&of, card->pan, chips_has_card(card->pan, place->chip_rate), &chip);
        chip_add(&chip, &iso_dialect_ascii, message);
}

/* 55 */
static void add_report(struct iso_message *message, const struct sim_atm *atm)
{
        struct chips_identity of = chips_identity_of(
            atm, (struct message_identity){atm->w.stan, atm->w.transmitted_ms}, atm->w.amount_yen);
        struct chip_data report;

        chips_report(&of, &report);
        chip_data_add(&report, &iso_dialect_ascii, message);
}

static void add_request(struct iso_message *message, const struct sim_atm *atm, const struct card *card,
                        bool inquiry)
{
        iso_set_string(message, 2, card->pan);
        iso_set_number(message, 3, inquiry ? INQUIRY_CODE : WITHDRAWAL_CODE, 6);
        if (!inquiry)
                iso_set_number(message, 4, atm->w.amount_yen, 12);
        iso_set_string(message, 14, card->expiry_yymm);
        iso_set_number(message, 49, CURRENCY_YEN, 3);
}

/* 3 4 37 38 39 49 90 95 */
static void add_advice(struct iso_message *message, const struct sim_atm *atm)
{
        char original[64], de7[11], replacement[80];

        iso_set_number(message, 3, WITHDRAWAL_CODE, 6);
        iso_set_number(message, 4, atm->w.amount_yen, 12);
        if (atm->w.rrn[0])
                iso_set_string(message, 37, atm->w.rrn);
        if (atm->w.approval[0])
                iso_set_string(message, 38, atm->w.approval);
        if (atm->advice.reversal)
                iso_set_string(message, 39, atm->advice.why);
        iso_set_number(message, 49, CURRENCY_YEN, 3);
        calendar_to_de7(atm->w.transmitted_ms, de7);
        snprintf(original, sizeof(original), "0200%06d%s%022d", atm->w.stan, de7, 0);
        iso_set_string(message, 90, original);
        if (atm->advice.reversal && atm->advice.dispensed_yen > 0) {
                int64_t charge_yen = atm->w.charge_yen > 0 ? atm->w.charge_yen : 0;

                snprintf(replacement, sizeof(replacement), "%012lld%012dD%08lldD%08d",
                         (long long)atm->advice.dispensed_yen, 0, (long long)charge_yen, 0);
                iso_set_string(message, 95, replacement);
        }
}

static const char *mti_of(enum atm_message what, bool repeat)
{
        switch (what) {
        case ATM_REQUEST:
        case ATM_INQUIRY:
                return repeat ? "0201" : "0200";
        case ATM_COMPLETION:
                return repeat ? "0221" : "0220";
        case ATM_REVERSAL:
                return repeat ? "0421" : "0420";
        case ATM_SIGN_ON:
        case ATM_ECHO:
        case ATM_KEY_CHANGE:
                break;
        }
        return "0800";
}

/* What somebody has who has no key of the terminal. */
static const struct lab_mac_key nobodys_key = {.key = {.algorithm = CIPHER_AES, .length = 16}};

/* Encoded with KS and MAC. The MAC of another message is one of this that differs in a bit. */
static int seal(struct iso_message *message, const struct lab_keys *keys, enum mac_fault fault,
                uint8_t *bytes, size_t size, struct iso_error *error)
{
        char number[16];
        size_t covered;
        int length;

        snprintf(number, sizeof(number), "%d", keys->set);
        tags_add(message, SECURITY_TAGS, TAG_KEY_SET, number);
        if (fault == MAC_MISSING)
                return iso_encode(&iso_dialect_ascii, message, bytes, size, error);
        length = iso_mac_encode(&iso_dialect_ascii, message, bytes, size, &covered, error);
        if (length < 0)
                return length;
        if (fault == MAC_OF_ANOTHER)
                bytes[covered - 1] ^= 1;
        lab_mac(fault == MAC_WRONG ? &nobodys_key : &keys->up, bytes, covered, bytes + covered);
        if (fault == MAC_OF_ANOTHER)
                bytes[covered - 1] ^= 1;
        return length;
}

static int encode(struct iso_message *message, const struct message_place *place, enum mac_fault mac,
                  uint8_t *bytes, size_t size, struct iso_error *error)
{
        if (place->keys && place->keys->set)
                return seal(message, place->keys, mac, bytes, size, error);
        return iso_encode(&iso_dialect_ascii, message, bytes, size, error);
}

/* A repeat's is the original's. */
static uint32_t draw_of(struct message_identity identity)
{
        return hash32_bytes(&identity.stan, sizeof(identity.stan));
}

size_t message_compose(const struct sim_atm *atm, const struct message_place *place, enum atm_message what,
                       bool repeat, struct message_identity identity, const struct card *card,
                       struct message_faults faults, uint8_t buffer[FRAME_MAX])
{
        static struct iso_message message; /* 4 kB that needn't be on the stack; one thread */
        struct iso_error error;
        int length;

        begin(&message, mti_of(what, repeat), atm, place, identity);
        switch (what) {
        case ATM_SIGN_ON:
                profile_set_network(&iso_dialect_ascii, ISO_NETWORK_SIGN_ON, &message);
                break;
        case ATM_ECHO:
                profile_set_network(&iso_dialect_ascii, ISO_NETWORK_ECHO, &message);
                break;
        case ATM_KEY_CHANGE:
                profile_set_network(&iso_dialect_ascii, ISO_NETWORK_KEY_CHANGE, &message);
                break;
        case ATM_INQUIRY:
        case ATM_REQUEST:
                add_request(&message, atm, card, what == ATM_INQUIRY);
                if (place->keys && place->keys->set)
                        atm_pin_add(&message, place->keys, card, faults.pin, draw_of(identity));
                add_chip(&message, atm, place, identity, card, what == ATM_INQUIRY);
                break;
        case ATM_COMPLETION:
        case ATM_REVERSAL:
                add_advice(&message, atm);
                if (atm->advice.reports)
                        add_report(&message, atm);
                break;
        }
        length = encode(&message, place, faults.mac, buffer + ISO_LENGTH_HEADER,
                        FRAME_MAX - ISO_LENGTH_HEADER, &error);
        assert(length > 0);
        iso_wipe(&message);
        return frame_header(&iso_dialect_ascii, buffer, (size_t)length) + (size_t)length;
}
