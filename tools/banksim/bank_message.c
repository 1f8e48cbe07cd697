/* Messages in, answers out: see bank_message.h. One function a kind of message. */
#include "tools/banksim/bank_message.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "keymodule/crypto/pin_block.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"
#include "protocol/balances.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tools/chips/chips.h"

const char *const bank_count_name[BANK_COUNT_COUNT] = {
#define COUNT(id, name) [BANK_COUNT_##id] = name,
    BANK_COUNTS(COUNT)
#undef COUNT
};

struct exchange {
        struct bank_desk *desk;
        const struct iso_dialect *dialect;
        const struct profile_row *row;
        const struct iso_message *message;
        struct bank_reply *reply;
};

/* ---- answers ------------------------------------------------------------------------------------------- */

static void answer(const struct exchange *x, enum bank_count count, const char *de39)
{
        x->reply->count = count;
        profile_answer(x->row, x->message, &x->reply->answer);
        if (x->row->kind == MESSAGE_REVERSAL) /* which of a withdrawal's corrections it answers */
                iso_echo(&x->reply->answer, x->message, 95);
        iso_set_string(&x->reply->answer, 39, de39);
}

static void refuse_form(const struct exchange *x, const struct iso_error *fault)
{
        answer(x, BANK_COUNT_FORMAT_ERROR, "30");
        iso_error_print(x->dialect, fault, x->reply->why, sizeof(x->reply->why));
}

static void refuse_field(const struct exchange *x, int field, const char *what)
{
        struct iso_error fault = {.field = field, .offset = ISO_NO_OFFSET, .what = what};
        refuse_form(x, &fault);
}

static void add_charge(struct iso_message *to, int64_t charge_yen)
{
        char text[32];
        snprintf(text, sizeof(text), "D%08" PRId64, charge_yen);
        iso_set_string(to, 28, text);
}

static void add_approval(const struct bank_record *record, struct iso_message *to)
{
        struct civil day;
        calendar_civil_of_day(record->settlement_day, &day);
        iso_set_number(to, 15, day.month * 100 + day.day, 4);
        add_charge(to, record->charge_yen);
        iso_set_string(to, 37, record->rrn);
        iso_set_string(to, 38, record->approval);
}

/* ---- from the message ---------------------------------------------------------------------------------- */

/* A word without the blanks that pad it; false where others are in it, or it is longer. */
static bool word_of(const struct iso_message *message, int field, char *buffer, size_t size)
{
        size_t length;
        const char *value = iso_get(message, field, &length);
        if (!value)
                length = 0;
        while (length > 0 && value[length - 1] == ' ')
                length--;
        if (length >= size)
                return false;
        for (size_t i = 0; i < length; i++)
                if (!isgraph((unsigned char)value[i]))
                        return false;
        if (length > 0)
                memcpy(buffer, value, length);
        buffer[length] = '\0';
        return strcmp(buffer, "-") != 0; /* which stands for nothing in a journal */
}

/* An advice is never of the future, but clocks differ. */
static bool read_moment(const struct exchange *x, const char *de7, int64_t *ret_ms)
{
        if (x->row->kind == MESSAGE_COMPLETION || x->row->kind == MESSAGE_REVERSAL)
                return calendar_from_de7_until(de7, x->desk->business_ms + DAY_MS, ret_ms);
        return calendar_from_de7(de7, x->desk->business_ms, ret_ms);
}

/* False after a refusal. */
static bool read_identity(const struct exchange *x, struct bank_identity *ret_identity)
{
        char de7[11];
        int64_t stan;
        if (!word_of(x->message, 41, ret_identity->terminal, sizeof(ret_identity->terminal)) ||
            ret_identity->terminal[0] == '\0')
                return refuse_field(x, 41, "no terminal id of up to 8 printable characters"), false;
        if (!iso_number(x->message, 11, &stan) || stan > 999999)
                return refuse_field(x, 11, "not a number of 6 digits"), false;
        if (!iso_copy(x->message, 7, de7, sizeof(de7)) || !read_moment(x, de7, &ret_identity->transmitted_ms))
                return refuse_field(x, 7, "no such date and time: MMDDhhmmss in UTC is expected"), false;
        ret_identity->stan = (int32_t)stan;
        return true;
}

static bool read_rrn(const struct exchange *x, char rrn[BANK_RRN_LENGTH + 1])
{
        if (word_of(x->message, 37, rrn, BANK_RRN_LENGTH + 1))
                return true;
        refuse_field(x, 37, "not a retrieval reference of up to 12 letters and digits");
        return false;
}

/* DE 28: what the card-holder pays on top. */
static bool read_charge(const struct exchange *x, int64_t *ret_yen)
{
        char text[10];
        if (!iso_has(x->message, 28)) {
                *ret_yen = 0;
                return true;
        }
        if (!iso_copy(x->message, 28, text, sizeof(text)) || strlen(text) != 9 || text[0] != 'D' ||
            !number_parse(text + 1, 0, INT64_MAX, ret_yen))
                return refuse_field(x, 28, "not D and 8 digits, a charge to the card-holder"), false;
        return true;
}

static bool read_processing(const struct exchange *x, int32_t *ret_code)
{
        int64_t code;
        if (!iso_number(x->message, 3, &code) || code > 999999)
                return refuse_field(x, 3, "not a number of 6 digits"), false;
        *ret_code = (int32_t)code;
        return true;
}

/* The block in its place; its length, or 0. */
static size_t find_block(const struct exchange *x, uint8_t ret_block[PIN_BLOCK_MAX])
{
        struct tag tag;
        size_t length = 0;
        const char *field = iso_get(x->message, 52, &length);
        if (x->dialect->pin == '4')
                return tags_find(x->message, 62, TAG_PIN_BLOCK, &tag) && tag.length == 2 * PIN_BLOCK_MAX &&
                               hex_parse(tag.value, ret_block, PIN_BLOCK_MAX)
                           ? PIN_BLOCK_MAX
                           : 0;
        if (!field || length > PIN_BLOCK_MAX)
                return 0;
        memcpy(ret_block, field, length);
        return length;
}

static void read_pin(const struct exchange *x, const char *pan, struct bank_request *request)
{
        uint8_t block[PIN_BLOCK_MAX];
        enum pin_format format;
        struct pin pin;
        request->wants_pin = x->desk->keys && pin_format_of(x->dialect->pin, &format);
        size_t length = request->wants_pin ? find_block(x, block) : 0;
        if (length > 0 &&
            pin_block_open(format, &x->desk->keys->pin, block, length, pan, strlen(pan), &pin) == PIN_GOOD) {
                memcpy(request->pin, pin.digits, pin.length);
                pin_wipe(&pin);
        }
}

static bool read_card(const struct exchange *x, struct bank_request *request)
{
        struct profile_card card;
        if (!profile_card_of(x->message, &card))
                return refuse_field(x, 2, "no card number"), false;
        token_of_pan(x->desk->key, card.pan, request->token);
        pan_mask(card.pan, request->mask);
        memcpy(request->expiry_yymm, card.expiry_yymm, sizeof(request->expiry_yymm));
        read_pin(x, card.pan, request);
        explicit_bzero(&card, sizeof(card));
        return true;
}

static bool read_request(const struct exchange *x, struct bank_request *request)
{
        *request = (struct bank_request){.processing = profile_processing(x->message),
                                         .order = x->desk->order.has_request ? x->desk->order.de39 : NULL};
        if (!read_identity(x, &request->identity) || !read_processing(x, &request->processing_code) ||
            !read_rrn(x, request->rrn) || !read_charge(x, &request->charge_yen) || !read_card(x, request))
                return false;
        if (request->processing != PROCESSING_INQUIRY && iso_has(x->message, 4) &&
            (!iso_number(x->message, 4, &request->amount_yen) || request->amount_yen > BANK_YEN_MAX))
                return refuse_field(x, 4, "not an amount of 12 digits"), false;
        if (request->rrn[0] == '\0')
                calendar_rrn(request->identity.transmitted_ms, request->identity.stan, request->rrn);
        return true;
}

static bool read_advice(const struct exchange *x, struct bank_advice *advice)
{
        struct profile_original original;
        *advice = (struct bank_advice){.reversal = x->row->kind == MESSAGE_REVERSAL,
                                       .order = x->desk->order.has_notice ? x->desk->order.de39 : NULL};
        if (!read_identity(x, &advice->original) || !read_processing(x, &advice->processing_code) ||
            !read_rrn(x, advice->rrn))
                return false;
        if (!profile_original_of(x->message, &original) ||
            !read_moment(x, original.transmitted, &advice->original.transmitted_ms))
                return refuse_field(x, 90, "no STAN and DE 7 of an original"), false;
        if (!iso_number(x->message, 4, &advice->amount_yen) || advice->amount_yen > BANK_YEN_MAX)
                return refuse_field(x, 4, "not an amount of 12 digits"), false;
        if (!profile_dispensed_yen(x->row, x->message, &advice->dispensed_yen) ||
            advice->dispensed_yen > BANK_YEN_MAX)
                return refuse_field(x, 95, "no amount dispensed"), false;
        advice->original.stan = original.stan;
        return true;
}

/* ---- chip data ----------------------------------------------------------------------------------------- */

static struct chips_identity chips_identity_of(const struct bank_identity *identity, int64_t amount_yen)
{
        return (struct chips_identity){.terminal = identity->terminal,
                                       .transmitted_ms = identity->transmitted_ms,
                                       .stan = identity->stan,
                                       .amount_yen = amount_yen};
}

static void note_chip(struct exchange *x, const struct bank_identity *identity, enum chips_finding found)
{
        x->reply->has_chip = found != CHIPS_NONE;
        x->reply->has_wrong_chip = found == CHIPS_WRONG;
        if (found == CHIPS_WRONG)
                snprintf(x->reply->why, sizeof(x->reply->why),
                         "the chip data of a %s are not those of terminal %s STAN %06" PRId32,
                         x->message->mti, identity->terminal, identity->stan);
}

static void answer_chip(struct exchange *x, const struct bank_request *request, const char de39[3])
{
        bool is_withdrawal = request->processing != PROCESSING_INQUIRY;
        struct chips_identity identity = chips_identity_of(&request->identity, request->amount_yen);
        struct chip_data data, authentication;
        size_t without_script;
        chip_data_of(x->message, &data);
        note_chip(x, &request->identity, chips_judge_request(&identity, &data));
        if (!x->reply->has_chip || x->reply->has_wrong_chip)
                return;
        chips_answer(&data, de39, false, &authentication);
        without_script = authentication.length;
        chips_answer(&data, de39, is_withdrawal, &authentication);
        x->reply->has_script = authentication.length > without_script;
        chip_data_add(&authentication, x->dialect, &x->reply->answer);
}

/* Before anything is made of an advice. */
static void judge_report(struct exchange *x, struct bank_advice *advice)
{
        struct chips_identity identity = chips_identity_of(&advice->original, advice->amount_yen);
        struct chip_data data;
        chip_data_of(x->message, &data);
        note_chip(x, &advice->original, chips_judge_report(&identity, &data));
        advice->reported = x->reply->has_chip && !x->reply->has_wrong_chip;
}

/* Of an advice; it must be as the first one's where it is a repeat, and there is one of a withdrawal. */
static void take_report(struct exchange *x, const struct bank_advice *advice, enum bank_verdict verdict,
                        const struct bank_record *record)
{
        if (x->reply->has_wrong_chip)
                return;
        x->reply->has_result = verdict != BANK_REPEAT && record->reported;
        if (record->reported == advice->reported)
                return;
        x->reply->has_wrong_chip = true;
        snprintf(x->reply->why, sizeof(x->reply->why),
                 "terminal %s STAN %06" PRId32
                 ": what became of a script comes a second time, or with a repeat alone",
                 record->identity.terminal, record->identity.stan);
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static void on_request(struct exchange *x)
{
        struct bank_request request;
        struct bank_record *record = &x->reply->record;
        if (!x->desk->signed_on) {
                answer(x, BANK_COUNT_NOT_SIGNED_ON, "58");
                return;
        }
        if (!read_request(x, &request))
                return;
        enum bank_verdict verdict = bank_request(x->desk->bank, &request, record);
        explicit_bzero(request.pin, sizeof(request.pin));
        if (verdict == BANK_CONTRADICTS) {
                answer(x, BANK_COUNT_CONTRADICTION, "94");
                return;
        }
        bool approved = strcmp(record->de39, "00") == 0, inquiry = record->kind == BANK_INQUIRY;
        x->reply->has_record = verdict != BANK_REPEAT;
        x->reply->ordered = verdict == BANK_ORDERED;
        answer(x,
               verdict == BANK_REPEAT ? BANK_COUNT_REPEAT
               : !approved            ? BANK_COUNT_DECLINED
               : inquiry              ? BANK_COUNT_INQUIRY
                                      : BANK_COUNT_APPROVED,
               record->de39);
        answer_chip(x, &request, record->de39);
        if (approved && inquiry) {
                add_charge(&x->reply->answer, 0);
                balances_set(&x->reply->answer, record->processing_code / 100 % 100, record->balance_yen);
        } else if (approved) {
                add_approval(record, &x->reply->answer);
        }
}

/* Who says that it has booked it, has; who says that it does not know the withdrawal holds nothing of it after a
 * reversal of all. */
static bool refuses(enum notice_verdict verdict, const struct bank_advice *advice)
{
        return verdict == NOTICE_CASE || (verdict == NOTICE_MISSING && advice->dispensed_yen > 0);
}

static void on_advice(struct exchange *x)
{
        struct bank_advice advice;
        struct bank_record *record = &x->reply->record;
        if (!read_advice(x, &advice))
                return;
        if (advice.order && x->desk->order.verdict == NOTICE_AGAIN) {
                x->reply->ordered = true;
                answer(x, BANK_COUNT_PUT_OFF, advice.order);
                return;
        }
        judge_report(x, &advice);
        advice.refuse = refuses(x->desk->order.verdict, &advice);
        enum bank_verdict verdict = bank_advise(x->desk->bank, &advice, record);
        x->reply->has_record = verdict != BANK_REPEAT;
        x->reply->ordered = verdict == BANK_ORDERED;
        answer(x,
               verdict == BANK_REPEAT            ? BANK_COUNT_REPEAT
               : record->refused                 ? BANK_COUNT_REFUSED
               : record->kind == BANK_COMPLETION ? BANK_COUNT_COMPLETION
               : record->kind == BANK_PARTIAL    ? BANK_COUNT_PARTIAL
                                                 : BANK_COUNT_REVERSAL,
               record->de39);
        take_report(x, &advice, verdict, record);
        if (x->reply->has_record && record->exception)
                snprintf(x->reply->why, sizeof(x->reply->why),
                         "%s of terminal %s STAN %06" PRId32 " does not fit its withdrawal: %" PRId64 " yen",
                         bank_kind_name[record->kind], record->identity.terminal, record->identity.stan,
                         record->dispensed_yen);
}

/* MMDD next to a day that is near; false: no such date. */
static bool day_of_date(int64_t date, int32_t near_day, int32_t *ret_day)
{
        struct civil near, found;
        int month = (int)(date / 100);
        if (month < 1 || month > 12)
                return false;
        calendar_civil_of_day(near_day, &near);
        int year = near.year + (near.month - month > 6) - (month - near.month > 6);
        int32_t day = calendar_day(year, month, (int)(date % 100));
        calendar_civil_of_day(day, &found);
        if (found.month != month || found.day != date % 100)
                return false;
        *ret_day = day;
        return true;
}

/* The day that follows the one on which the acquirer says so; DE 15 may name another. */
static void on_cutover(struct exchange *x, const struct bank_identity *identity)
{
        int32_t day = calendar_business_day(identity->transmitted_ms) + 1;
        int64_t date;
        if (iso_has(x->message, 15) &&
            (!iso_number(x->message, 15, &date) || !day_of_date(date, day, &day))) {
                refuse_field(x, 15, "no such date: MMDD is expected");
                return;
        }
        x->reply->has_record = bank_cutover(x->desk->bank, identity, day, &x->reply->record) == BANK_NEW;
        answer(x, BANK_COUNT_CUTOVER, "00");
}

/* A newer set that it is offered. What it does with that is its host's to say. */
static void on_key_change(struct exchange *x)
{
        if (!x->desk->keys || !x->desk->ring) {
                answer(x, BANK_COUNT_UNSUPPORTED, "40");
                return;
        }
        const char *wrong =
            x->desk->refuses_keys ? NULL : host_keys_read(x->desk->ring, x->message, &x->reply->delivery);
        x->reply->ordered = x->desk->refuses_keys;
        if (!wrong && x->reply->delivery.set > 0) {
                answer(x, BANK_COUNT_KEY_CHANGE, "00");
                return;
        }
        answer(x, BANK_COUNT_KEY_CHANGE_REFUSED, wrong ? "30" : "05");
        snprintf(x->reply->why, sizeof(x->reply->why), "keys are not taken: %s",
                 wrong                   ? wrong
                 : x->desk->refuses_keys ? "it refuses them"
                                         : "there are none");
}

static void on_network(struct exchange *x)
{
        struct bank_identity identity;
        struct civil now;
        if (!read_identity(x, &identity))
                return;
        switch (profile_network(x->dialect, x->message)) {
        case ISO_NETWORK_SIGN_ON:
                x->desk->signed_on = true;
                answer(x, BANK_COUNT_SIGN_ON, "00");
                break;
        case ISO_NETWORK_SIGN_OFF:
                x->desk->signed_on = false;
                answer(x, BANK_COUNT_SIGN_OFF, "00");
                break;
        case ISO_NETWORK_ECHO:
                answer(x, BANK_COUNT_ECHO, "00");
                break;
        case ISO_NETWORK_CUTOVER:
                if (!x->desk->signed_on)
                        answer(x, BANK_COUNT_NOT_SIGNED_ON, "58");
                else
                        on_cutover(x, &identity);
                break;
        case ISO_NETWORK_KEY_CHANGE:
                on_key_change(x);
                break;
        case ISO_NETWORK_KEY_REQUEST:
                answer(x, BANK_COUNT_UNSUPPORTED, "40");
                break;
        case ISO_NETWORK_COUNT:
                answer(x, BANK_COUNT_UNSUPPORTED, "12");
        }
        calendar_jst(x->desk->business_ms, &now);
        iso_set_number(&x->reply->answer, 12, now.hour * 10000 + now.minute * 100 + now.second, 6);
        iso_set_number(&x->reply->answer, 13, now.month * 100 + now.day, 4);
}

static void end_connection(struct bank_reply *reply, const char *why)
{
        reply->close = true;
        reply->count = BANK_COUNT_UNREADABLE;
        snprintf(reply->why, sizeof(reply->why), "%s", why);
}

void bank_message_take(struct bank_desk *desk, const struct iso_dialect *dialect,
                       const struct iso_message *message, const struct iso_error *fault,
                       struct bank_reply *ret_reply)
{
        struct exchange x = {desk, dialect, profile_find(message->mti), message, ret_reply};
        struct iso_error error;
        *ret_reply = (struct bank_reply){.count = BANK_COUNT_UNREADABLE};
        if (!x.row || (fault && !iso_has(message, 11))) {
                end_connection(ret_reply, x.row ? "a message without MTI and DE 11"
                                                : "an MTI that nobody sends to a bank");
                return;
        }
        if (fault || profile_check(x.row, message, &error) < 0) {
                refuse_form(&x, fault ? fault : &error);
                return;
        }
        switch (x.row->kind) {
        case MESSAGE_REQUEST:
                on_request(&x);
                return;
        case MESSAGE_COMPLETION:
        case MESSAGE_REVERSAL:
                on_advice(&x);
                return;
        case MESSAGE_NETWORK:
                on_network(&x);
                return;
        case MESSAGE_RECONCILIATION:
        case MESSAGE_ADMINISTRATIVE:
                answer(&x, BANK_COUNT_UNSUPPORTED, "40");
                return;
        }
}

void bank_message_refuse_mac(const struct iso_message *message, const char *de39, const char *why,
                             struct bank_reply *ret_reply)
{
        struct exchange x = {.row = profile_find(message->mti), .message = message, .reply = ret_reply};
        *ret_reply = (struct bank_reply){.close = false};
        if (!x.row) {
                end_connection(ret_reply, "a message with a wrong MAC that nobody sends to a bank");
                return;
        }
        answer(&x, BANK_COUNT_WRONG_MAC, de39);
        snprintf(ret_reply->why, sizeof(ret_reply->why), "a %s under a wrong MAC: %s", message->mti, why);
}

bool bank_message_is_about_money(const char *mti)
{
        const struct profile_row *row = profile_find(mti);
        return row && (row->kind == MESSAGE_REQUEST || row->kind == MESSAGE_COMPLETION ||
                       row->kind == MESSAGE_REVERSAL);
}

/* ---- spoiling ------------------------------------------------------------------------------------------ */

void bank_message_spoil(struct iso_message *answer_message, uint64_t choice)
{
        static const uint8_t fields[] = {11, 7, 41, 4};
        uint8_t field = fields[choice % (iso_has(answer_message, 4) ? 4 : 3)];
        char text[32];
        int64_t number;
        if (!iso_copy(answer_message, field, text, sizeof(text)) || text[0] == '\0')
                return;
        switch (field) {
        case 11: /* far away, so that it is not by chance another one that is awaited */
                if (iso_number(answer_message, 11, &number))
                        iso_set_number(answer_message, 11, (number + 500000) % 1000000, 6);
                return;
        case 7: /* the seconds' last digit: still a moment */
                text[9] = (char)('0' + (text[9] - '0' + 1) % 10);
                break;
        case 41:
                text[0] = text[0] == 'X' ? 'Y' : 'X';
                break;
        default:
                if (iso_number(answer_message, 4, &number))
                        iso_set_number(answer_message, 4, (number + 1000) % 1000000000000, 12);
                return;
        }
        iso_set_string(answer_message, field, text);
}
