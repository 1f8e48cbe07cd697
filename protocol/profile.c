/*
 * The message profile: see profile.h. What an answer carries and what a request must bring is in the rows;
 * what can't be said in a row (a field needed only with another, the form of a field's inside) is in
 * profile_check, one function a field.
 */
#include <assert.h>
#include <string.h>

#include "lib/base/digits.h"
#include "protocol/profile.h"
#include "protocol/tags.h"

#define NETWORK_FIELDS    .mandatory = {7, 11, 41, 70}, .optional = {12, 13, 32, 42}
#define REQUEST_FIELDS    .mandatory = {3, 7, 11, 41, 49}, .optional = {12, 13, 22, 23, 25, 32, 37, 42, 52, 55}
#define COMPLETION_FIELDS .mandatory = {3, 4, 7, 11, 41, 49, 90}, .optional = {12, 13, 32, 37, 38, 42, 55, 95}
#define REVERSAL_FIELDS                                                                                      \
        .mandatory = {3, 4, 7, 11, 39, 41, 49, 90}, .optional = {12, 13, 32, 37, 38, 42, 55, 95}
#define RECONCILIATION_FIELDS                                                                                \
        .mandatory = {7, 11, 15, 41, 74, 75, 76, 77, 86, 87, 88, 89, 97}, .optional = {12, 13, 32, 42}
#define ADMINISTRATIVE_FIELDS .mandatory = {7, 11, 41, 48}, .optional = {12, 13, 32, 42}

const struct profile_row profile_rows[] = {
    {"0800", "0810", false, MESSAGE_NETWORK, "network management", NETWORK_FIELDS},
    {"0200", "0210", false, MESSAGE_REQUEST, "withdrawal or inquiry request", REQUEST_FIELDS},
    {"0201", "0210", true, MESSAGE_REQUEST, "withdrawal or inquiry request, repeated", REQUEST_FIELDS},
    {"0220", "0230", false, MESSAGE_COMPLETION, "completion advice", COMPLETION_FIELDS},
    {"0221", "0230", true, MESSAGE_COMPLETION, "completion advice, repeated", COMPLETION_FIELDS},
    {"0420", "0430", false, MESSAGE_REVERSAL, "reversal advice", REVERSAL_FIELDS},
    {"0421", "0430", true, MESSAGE_REVERSAL, "reversal advice, repeated", REVERSAL_FIELDS},
    {"0500", "0510", false, MESSAGE_RECONCILIATION, "terminal reconciliation", RECONCILIATION_FIELDS},
    {"0501", "0510", true, MESSAGE_RECONCILIATION, "terminal reconciliation, repeated",
     RECONCILIATION_FIELDS},
    {"0620", "0630", false, MESSAGE_ADMINISTRATIVE, "administrative advice", ADMINISTRATIVE_FIELDS},
    {"0621", "0630", true, MESSAGE_ADMINISTRATIVE, "administrative advice, repeated", ADMINISTRATIVE_FIELDS},
};
const size_t profile_row_count = sizeof(profile_rows) / sizeof(profile_rows[0]);

const struct profile_row *profile_find(const char *mti)
{
        for (size_t i = 0; i < profile_row_count; i++)
                if (strcmp(profile_rows[i].mti, mti) == 0)
                        return &profile_rows[i];
        return NULL;
}

enum processing_kind profile_processing(const struct iso_message *message)
{
        char code[7];
        if (!iso_copy(message, 3, code, sizeof(code)) || strlen(code) != 6 || strcmp(code + 4, "00") != 0)
                return PROCESSING_OTHER;
        if (strncmp(code, "01", 2) == 0)
                return PROCESSING_WITHDRAWAL;
        if (strncmp(code, "31", 2) == 0)
                return PROCESSING_INQUIRY;
        return PROCESSING_OTHER;
}

enum iso_network profile_network(const struct iso_dialect *dialect, const struct iso_message *message)
{
        int64_t code;
        int network = 0;
        if (!iso_number(message, 70, &code) || code == 0)
                return ISO_NETWORK_COUNT;
        while (network < ISO_NETWORK_COUNT && dialect->network[network] != code)
                network++;
        return (enum iso_network)network;
}

void profile_set_network(const struct iso_dialect *dialect, enum iso_network network,
                         struct iso_message *message)
{
        assert(network < ISO_NETWORK_COUNT && dialect->network[network] > 0);
        iso_set_number(message, 70, dialect->network[network], 3);
}

/* ---- what a request must bring ----------------------------------------------------------------------- */

static int wrong(struct iso_error *ret_error, int field, const char *what)
{
        *ret_error = (struct iso_error){.field = field, .offset = ISO_NO_OFFSET, .what = what};
        return -1;
}

static int two_digits(const char *text)
{
        return (text[0] - '0') * 10 + text[1] - '0';
}

/* MMDD of some year: 29 February is one. */
static bool is_date(const char *text)
{
        static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        if (!digits_all(text, 4))
                return false;
        int month = two_digits(text), day = two_digits(text + 2);
        return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* MMDDhhmmss; second 60 is a leap second */
static bool is_moment(const char *text)
{
        return is_date(text) && digits_all(text + 4, 6) && two_digits(text + 4) < 24 &&
               two_digits(text + 6) < 60 && two_digits(text + 8) <= 60;
}

static int check_moment(const struct iso_message *message, struct iso_error *ret_error)
{
        char text[11];
        if (!iso_copy(message, 7, text, sizeof(text)) || strlen(text) != 10 || !is_moment(text))
                return wrong(ret_error, 7, "no such date and time: MMDDhhmmss in UTC is expected");
        return 0;
}

static int check_settlement_date(const struct iso_message *message, struct iso_error *ret_error)
{
        char text[5];
        if (!iso_copy(message, 15, text, sizeof(text)) || strlen(text) != 4 || !is_date(text))
                return wrong(ret_error, 15, "no such date: MMDD is expected");
        return 0;
}

static int check_currency(const struct iso_message *message, struct iso_error *ret_error)
{
        int64_t currency;
        if (!iso_number(message, 49, &currency) || currency != CURRENCY_YEN)
                return wrong(ret_error, 49, "not 392, the yen");
        return 0;
}

static int check_original(const struct iso_message *message, struct iso_error *ret_error)
{
        struct profile_original original;
        if (!profile_original_of(message, &original))
                return wrong(ret_error, 90, "not an original's MTI, STAN and DE 7 followed by 22 digits");
        return 0;
}

static bool is_fee(const char *text)
{
        return (text[0] == 'C' || text[0] == 'D') && digits_all(text + 1, 8);
}

/* Two amounts of 12 digits and two fees of C or D and 8 digits. */
static int check_replacement(const struct iso_message *message, struct iso_error *ret_error)
{
        size_t length = 0;
        const char *value = iso_get(message, 95, &length);
        if (length != 42 || !digits_all(value, 24) || !is_fee(value + 24) || !is_fee(value + 33))
                return wrong(ret_error, 95,
                             "not two amounts of 12 digits and two fees of C or D and 8 digits");
        return 0;
}

static int check_tags(const struct iso_message *message, int field, struct iso_error *ret_error)
{
        const char *problem = tags_problem(message, field);
        return problem ? wrong(ret_error, field, problem) : 0;
}

static int check_additional(const struct iso_message *message, struct iso_error *ret_error)
{
        return check_tags(message, 48, ret_error);
}

int profile_check_security(const struct iso_message *message, struct iso_error *ret_error)
{
        return iso_has(message, 62) ? check_tags(message, 62, ret_error) : 0;
}

/* Tracks of a card: number, '=' or 'D', expiry YYMM, and more that is nobody's business here. */
static bool card_of_track(const char *track, size_t length, struct profile_card *ret_card)
{
        size_t pan = 0;
        while (pan < length && digits_all(track + pan, 1))
                pan++;
        if (pan >= sizeof(ret_card->pan) || length - pan < 5 || !digits_all(track + pan + 1, 4))
                return false;
        struct profile_card card;
        memcpy(card.pan, track, pan);
        card.pan[pan] = '\0';
        memcpy(card.expiry_yymm, track + pan + 1, 4);
        card.expiry_yymm[4] = '\0';
        bool valid = pan_is_valid(card.pan);
        if (valid)
                *ret_card = card;
        explicit_bzero(&card, sizeof(card));
        return valid;
}

bool profile_card_of(const struct iso_message *message, struct profile_card *ret_card)
{
        if (!iso_has(message, 2) || !iso_has(message, 14)) {
                size_t length;
                const char *track = iso_get(message, 35, &length);
                return track && card_of_track(track, length, ret_card);
        }
        struct profile_card card;
        bool valid = iso_copy(message, 2, card.pan, sizeof(card.pan)) && pan_is_valid(card.pan) &&
                     iso_copy(message, 14, card.expiry_yymm, sizeof(card.expiry_yymm)) &&
                     strlen(card.expiry_yymm) == 4;
        if (valid)
                *ret_card = card;
        explicit_bzero(&card, sizeof(card));
        return valid;
}

/* A number that DE 2 and the track tell differently would leave open whose card it is. */
static int check_card(const struct iso_message *message, struct iso_error *ret_error)
{
        bool keyed = iso_has(message, 2) && iso_has(message, 14), track = iso_has(message, 35);
        if (!keyed && !track)
                return wrong(ret_error, iso_has(message, 2) ? 14 : 2,
                             "missing: 2 with 14, or 35, is mandatory");
        struct profile_card card, other;
        int result = 0;
        if (!profile_card_of(message, &card)) {
                result = keyed ? wrong(ret_error, 2, "not a card number of 12 to 19 digits")
                               : wrong(ret_error, 35, "not a card number, '=' and YYMM");
        } else if (track && iso_has(message, 2)) {
                size_t length;
                const char *value = iso_get(message, 35, &length);
                char pan[20];
                if (!card_of_track(value, length, &other))
                        result = wrong(ret_error, 35, "not a card number, '=' and YYMM");
                else if (!iso_copy(message, 2, pan, sizeof(pan)) || strcmp(other.pan, pan) != 0)
                        result = wrong(ret_error, 35, "another card number than in 2");
                explicit_bzero(pan, sizeof(pan));
                explicit_bzero(&other, sizeof(other));
        }
        explicit_bzero(&card, sizeof(card));
        return result;
}

static int check_request(const struct iso_message *message, struct iso_error *ret_error)
{
        if (profile_processing(message) == PROCESSING_WITHDRAWAL && !iso_has(message, 4))
                return wrong(ret_error, 4, "missing: mandatory in a withdrawal");
        return check_card(message, ret_error);
}

/* Fields whose inside is checked wherever the row knows them and the message has them. */
static const struct {
        uint8_t field;
        int (*check)(const struct iso_message *message, struct iso_error *ret_error);
} inner_checks[] = {
    {7, check_moment},    {15, check_settlement_date}, {48, check_additional},
    {49, check_currency}, {90, check_original},        {95, check_replacement},
};

static bool row_knows(const struct profile_row *row, uint8_t field)
{
        return memchr(row->mandatory, field, sizeof(row->mandatory)) ||
               memchr(row->optional, field, sizeof(row->optional));
}

int profile_check(const struct profile_row *row, const struct iso_message *message,
                  struct iso_error *ret_error)
{
        for (size_t i = 0; i < sizeof(row->mandatory) && row->mandatory[i]; i++)
                if (!iso_has(message, row->mandatory[i]))
                        return wrong(ret_error, row->mandatory[i], "missing");
        if (row->kind == MESSAGE_REQUEST && check_request(message, ret_error) < 0)
                return -1;
        for (size_t i = 0; i < sizeof(inner_checks) / sizeof(inner_checks[0]); i++) {
                uint8_t field = inner_checks[i].field;
                if (iso_has(message, field) && row_knows(row, field) &&
                    inner_checks[i].check(message, ret_error) < 0)
                        return -1;
        }
        return 0;
}

/* ---- what is read from a request --------------------------------------------------------------------- */

void profile_answer(const struct profile_row *row, const struct iso_message *request,
                    struct iso_message *ret_answer)
{
        static const uint8_t echoed[] = {2, 3, 4, 7, 11, 32, 41, 42, 49, 70};
        iso_init(ret_answer, row->answer_mti);
        for (size_t i = 0; i < sizeof(echoed); i++)
                iso_echo(ret_answer, request, echoed[i]);
}

bool profile_original_of(const struct iso_message *message, struct profile_original *ret_original)
{
        size_t length = 0;
        const char *value = iso_get(message, 90, &length);
        if (!value || length != 42 || !digits_all(value, length) || !is_moment(value + 10))
                return false;
        int32_t stan = 0;
        for (int i = 4; i < 10; i++)
                stan = stan * 10 + value[i] - '0';
        ret_original->stan = stan;
        memcpy(ret_original->mti, value, 4);
        ret_original->mti[4] = '\0';
        memcpy(ret_original->transmitted, value + 10, 10);
        ret_original->transmitted[10] = '\0';
        return true;
}

bool profile_dispensed_yen(const struct profile_row *row, const struct iso_message *message, int64_t *ret_yen)
{
        assert(row->kind == MESSAGE_COMPLETION || row->kind == MESSAGE_REVERSAL);
        size_t length = 0;
        const char *value = iso_get(message, 95, &length);
        if (value) {
                if (length != 42 || !digits_all(value, 12))
                        return false;
                int64_t yen = 0;
                for (int i = 0; i < 12; i++)
                        yen = yen * 10 + value[i] - '0';
                *ret_yen = yen;
                return true;
        }
        if (row->kind == MESSAGE_COMPLETION)
                return iso_number(message, 4, ret_yen);
        *ret_yen = 0;
        return true;
}
