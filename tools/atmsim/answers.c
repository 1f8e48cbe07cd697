/* Checks of an answer, field by field; the first fault is told. */
#include "tools/atmsim/answers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/number.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "rules/reasons.h"
#include "tools/chips/chips.h"

static struct expected *find(struct answers *answers, enum atm_message what, int32_t stan,
                             int64_t transmitted_ms)
{
        for (int i = 0; i < ANSWERS_REMEMBERED; i++) {
                struct expected *e = &answers->expected[i];

                if (e->de7[0] && e->what == what && e->stan == stan && e->transmitted_ms == transmitted_ms)
                        return e;
        }
        return NULL;
}

void answers_expect(struct answers *answers, enum atm_message what, struct message_identity identity,
                    int64_t amount_yen)
{
        struct expected *e;

        if (find(answers, what, identity.stan, identity.transmitted_ms))
                return;
        e = &answers->expected[answers->next++ % ANSWERS_REMEMBERED];
        e->what = what;
        e->stan = identity.stan;
        e->transmitted_ms = identity.transmitted_ms;
        e->amount_yen = amount_yen;
        e->first_length = 0;
        e->first_approves = false;
        calendar_to_de7(identity.transmitted_ms, e->de7);
}

static const char *answer_mti(enum atm_message what)
{
        switch (what) {
        case ATM_REQUEST:
        case ATM_INQUIRY:
                return "0210";
        case ATM_COMPLETION:
                return "0230";
        case ATM_REVERSAL:
                return "0430";
        case ATM_SIGN_ON:
        case ATM_ECHO:
        case ATM_KEY_CHANGE:
                break;
        }
        return "0810";
}

/* ISO_NETWORK_COUNT: it is no network management. */
static enum iso_network network_of(enum atm_message what)
{
        return what == ATM_SIGN_ON      ? ISO_NETWORK_SIGN_ON
               : what == ATM_ECHO       ? ISO_NETWORK_ECHO
               : what == ATM_KEY_CHANGE ? ISO_NETWORK_KEY_CHANGE
                                        : ISO_NETWORK_COUNT;
}

static struct expected *match(struct answers *answers, const struct iso_message *message)
{
        size_t length;
        const char *de7 = iso_get(message, 7, &length);
        int64_t stan;

        if (!de7 || length != 10 || !iso_number(message, 11, &stan))
                return NULL;
        for (int i = 0; i < ANSWERS_REMEMBERED; i++) {
                struct expected *e = &answers->expected[i];

                if (e->stan == stan && !memcmp(e->de7, de7, 10) && !strcmp(answer_mti(e->what), message->mti))
                        return e;
        }
        return NULL;
}

static bool wrong(char why[ANSWER_WHY_MAX], int field, const char *wanted)
{
        snprintf(why, ANSWER_WHY_MAX, "field %d: %s is expected", field, wanted);
        return false;
}

static bool is_text(const struct iso_message *message, int field, const char *wanted, size_t wanted_length)
{
        size_t length;
        const char *value = iso_get(message, field, &length);

        return value && length == wanted_length && !memcmp(value, wanted, length);
}

static bool is_number(const struct iso_message *message, int field, int64_t wanted)
{
        int64_t value;

        return iso_number(message, field, &value) && value == wanted;
}

/* Who has no keys can't check one, and is told so by a host that thinks he has: 98. */
static bool check_mac(const struct lab_keys *keys, const struct iso_message *message, const uint8_t *bytes,
                      size_t length, char why[ANSWER_WHY_MAX])
{
        uint8_t mac[LAB_MAC_LENGTH];
        int field = iso_mac_field(&iso_dialect_ascii, message);
        size_t covered;
        struct tag set;

        if (!keys || !keys->set)
                return true;
        if (!tags_find(message, 62, TAG_KEY_SET, &set) ||
            number_known_bytes(set.value, set.length) != keys->set)
                return wrong(why, 62, "KS, the request's key set");
        if (!iso_mac_covered(&iso_dialect_ascii, message, length, &covered))
                return wrong(why, field, "a MAC");
        lab_mac(&keys->down, bytes, covered, mac);
        return mac_is_same(mac, bytes + covered, sizeof(mac)) ? true : wrong(why, field, "another MAC");
}

/* A newer set that is on offer, and its keys where they were asked for. */
static bool take_offer(const struct expected *e, const struct lab_keys *keys,
                       const struct iso_message *message, struct atm_answer *answer, char why[ANSWER_WHY_MAX])
{
        size_t at = 0, blocks = 0;
        struct tag tag;

        if (!keys || !keys->set)
                return true;
        while (tags_next(message, 62, &at, &tag)) {
                if (!memcmp(tag.name, TAG_KEY_OFFER, 2))
                        answer->offer = (int)number_known_bytes(tag.value, tag.length);
                else if (!memcmp(tag.name, TAG_KEY_BLOCK, 2) && blocks++ < LAB_KEY_BLOCKS)
                        answer->key_blocks[blocks - 1] = (struct lab_block){tag.value, tag.length};
        }
        if (tags_problem(message, 62) || (answer->offer && answer->offer <= keys->set))
                return wrong(why, 62, "KN, the number of a newer set");
        if (blocks != (answer->offer && e->what == ATM_KEY_CHANGE ? LAB_KEY_BLOCKS : 0))
                return wrong(why, 62, "KB, three times where a key change has a newer set, and else not");
        return true;
}

static bool check_echoes(const struct expected *e, const struct sim_atm *atm,
                         const struct message_place *place, const struct iso_message *message,
                         char why[ANSWER_WHY_MAX])
{
        enum iso_network network = network_of(e->what);
        bool is_network = network != ISO_NETWORK_COUNT, amount = !is_network && e->what != ATM_INQUIRY;

        if (!is_text(message, 41, atm->terminal, 8))
                return wrong(why, 41, "the request's terminal");
        if (!is_text(message, 42, place->hall, 15))
                return wrong(why, 42, "the request's hall");
        if (!is_text(message, 32, place->acquirer, strlen(place->acquirer)))
                return wrong(why, 32, "the request's acquirer");
        if (is_network && profile_network(&iso_dialect_ascii, message) != network)
                return wrong(why, 70, "the request's code");
        if (!is_network && !is_number(message, 3, e->what == ATM_INQUIRY ? 310000 : 10000))
                return wrong(why, 3, "the request's processing code");
        if (amount && !is_number(message, 4, e->amount_yen))
                return wrong(why, 4, "the request's amount");
        if (!is_network && !is_number(message, 49, CURRENCY_YEN))
                return wrong(why, 49, "392");
        if ((e->what == ATM_REQUEST || e->what == ATM_INQUIRY) && !iso_has(message, 2))
                return wrong(why, 2, "the request's card");
        if (iso_has(message, 35))
                return wrong(why, 35, "nothing");
        return true;
}

static bool take_charge(const struct iso_message *message, int64_t *ret_yen)
{
        size_t length;
        const char *value = iso_get(message, 28, &length);

        return value && length == 9 && value[0] == 'D' &&
               number_parse_bytes(value + 1, 8, 0, INT64_MAX, ret_yen);
}

static bool check_approval(const struct expected *e, const struct iso_message *message,
                           struct atm_answer *answer, char why[ANSWER_WHY_MAX])
{
        struct civil date;
        char rrn[13];

        calendar_rrn(e->transmitted_ms, e->stan, rrn);
        calendar_jst(e->transmitted_ms, &date);
        if (!take_charge(message, &answer->charge_yen))
                return wrong(why, 28, "a charge such as D00000108");
        if (!is_number(message, 15, date.month * 100 + date.day))
                return wrong(why, 15, "the business date of DE 7");
        if (!iso_copy(message, 37, answer->rrn, sizeof(answer->rrn)) || strcmp(answer->rrn, rrn))
                return wrong(why, 37, "YDDDHH of DE 7 in Japan and the STAN");
        if (!iso_copy(message, 38, answer->approval, sizeof(answer->approval)) ||
            strlen(answer->approval) != 6)
                return wrong(why, 38, "an approval code");
        return true;
}

/* Two groups of 20: available, then ledger balance, in yen. */
static bool check_balances(const struct iso_message *message, char why[ANSWER_WHY_MAX])
{
        size_t length;
        const char *value = iso_get(message, 54, &length);

        if (!value || length != 40)
                return wrong(why, 54, "two balances of 20 characters");
        for (int i = 0; i < 2; i++) {
                const char *group = value + 20 * i;

                if (memcmp(group + 2, i == 0 ? "02392" : "01392", 5) ||
                    (group[7] != 'C' && group[7] != 'D') || !digits_all(group + 8, 12))
                        return wrong(why, 54, "amount type 02 then 01, 392, C or D, 12 digits");
        }
        return true;
}

/* DE 39 of some reason of the protocol; 95 of a 0510 alone: the sums differ. */
static bool is_result(const char *de39)
{
        for (int reason = 0; reason < REASON_COUNT; reason++)
                if (!strcmp(reason_rows[reason].de39, de39))
                        return true;
        return !strcmp(de39, "95");
}

static bool check_result(const struct expected *e, const struct iso_message *message,
                         struct atm_answer *answer, char why[ANSWER_WHY_MAX])
{
        if (!iso_copy(message, 39, answer->de39, sizeof(answer->de39)) || strlen(answer->de39) != 2)
                return wrong(why, 39, "a result");
        if (!is_result(answer->de39))
                return wrong(why, 39, "one of the results of the protocol");
        if (!strcmp(answer->de39, "30"))
                return wrong(why, 39, "no format error: the request is well-formed");
        if (strcmp(answer->de39, "00"))
                return true;
        if (e->what == ATM_REQUEST)
                return check_approval(e, message, answer, why);
        if (e->what == ATM_INQUIRY)
                return check_balances(message, why);
        if (e->what == ATM_SIGN_ON && iso_has(message, 12) != iso_has(message, 13))
                return wrong(why, 12, "business time in 12 and 13, or in neither");
        return true;
}

/* What is to be the same in each answer to a message: not its MAC, the set that this is under, nor what else the security of the moment needs; nor
 * a bank's data for a chip, which the first one alone has. */
static size_t answer_itself(const struct lab_keys *keys, struct iso_message *message, const uint8_t **bytes,
                            size_t length)
{
        static uint8_t itself[ISO_MESSAGE_MAX];
        struct iso_error error;
        int written;

        if ((!keys || !keys->set) && !iso_has(message, 55))
                return length;
        iso_unset(message, 55);
        iso_unset(message, 62);
        iso_unset(message, ISO_MAC_PRIMARY);
        iso_unset(message, ISO_MAC_SECONDARY);
        written = iso_encode(&iso_dialect_ascii, message, itself, sizeof(itself), &error);
        assert(written > 0);
        *bytes = itself;
        return (size_t)written;
}

/* What a bank has to say to a chip: to the one that this ATM has sent, of this withdrawal or inquiry. */
static bool check_chip(const struct expected *e, const struct sim_atm *atm, const struct iso_message *message,
                       struct atm_answer *answer, char why[ANSWER_WHY_MAX])
{
        struct chips_identity identity = {.terminal = atm->terminal,
                                          .transmitted_ms = e->transmitted_ms,
                                          .stan = e->stan,
                                          .amount_yen = e->what == ATM_INQUIRY ? 0 : e->amount_yen};
        struct chip_data data;

        chip_data_of(message, &data);
        answer->has_chip = data.length > 0;
        if (!answer->has_chip || chips_is_answer(&identity, &data, answer->de39, &answer->has_script))
                return true;
        return wrong(why, 55, "nothing, or the bank's data for this chip");
}

/* Answers that are durable before they leave stay the same for ever, but for an approval, which is 94 for ever once
 * the withdrawal has an end; others may be decided anew. */
static bool stays(const struct expected *e, const struct atm_answer *answer)
{
        static const char unkept[] = "40 58 96 98 ";
        char word[4];

        if (e->what != ATM_REQUEST && e->what != ATM_COMPLETION && e->what != ATM_REVERSAL)
                return false;
        snprintf(word, sizeof(word), "%s ", answer->de39);
        return !strstr(unkept, word);
}

static bool check_same(struct expected *e, const struct atm_answer *answer, const uint8_t *bytes,
                       size_t length, char why[ANSWER_WHY_MAX])
{
        if (e->first_length && !(e->first_approves && !strcmp(answer->de39, "94"))) {
                if (length == e->first_length && !memcmp(e->first, bytes, length))
                        return true;
                snprintf(why, ANSWER_WHY_MAX, "the repeat's answer (DE 39 %s) is not the original's",
                         answer->de39);
                return false;
        }
        if (!stays(e, answer))
                return true;
        if (length > sizeof(e->first)) {
                snprintf(why, ANSWER_WHY_MAX, "an answer of %zu bytes; at most %d are expected", length,
                         ANSWER_BYTES_MAX);
                return false;
        }
        memcpy(e->first, bytes, length);
        e->first_length = (uint16_t)length;
        e->first_approves = e->what == ATM_REQUEST && !strcmp(answer->de39, "00");
        return true;
}

bool answers_check(struct answers *answers, const struct sim_atm *atm, const struct message_place *place,
                   const uint8_t *bytes, size_t length, struct atm_answer *ret_answer,
                   char why[ANSWER_WHY_MAX])
{
        static struct iso_message message; /* too large for the stack of a hot path; one thread */
        struct atm_answer answer = {.charge_yen = -1};
        struct iso_error error;
        struct expected *e;

        if (iso_decode(&iso_dialect_ascii, bytes, length, &message, &error) < 0) {
                iso_error_print(&iso_dialect_ascii, &error, why, ANSWER_WHY_MAX);
                return false;
        }
        e = match(answers, &message);
        if (!e) {
                char dump[160];

                iso_dump(&iso_dialect_ascii, &message, dump, sizeof(dump));
                snprintf(why, ANSWER_WHY_MAX, "it answers nothing that was sent: %s", dump);
                return false;
        }
        answer.what = e->what;
        answer.stan = e->stan;
        answer.transmitted_ms = e->transmitted_ms;
        if (!check_mac(place->keys, &message, bytes, length, why) ||
            !take_offer(e, place->keys, &message, &answer, why) ||
            !check_echoes(e, atm, place, &message, why) || !check_result(e, &message, &answer, why) ||
            !check_chip(e, atm, &message, &answer, why))
                return false;
        if (stays(e, &answer) || e->first_length)
                length = answer_itself(place->keys, &message, &bytes, length);
        if (!check_same(e, &answer, bytes, length, why))
                return false;
        *ret_answer = answer;
        return true;
}
