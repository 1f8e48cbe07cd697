/* The messages between atmd and a bank: see bank_format.h. */
#include "daemon/banks/bank_format.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/hex.h"
#include "protocol/tags.h"
#include "rules/calendar.h"

enum { CHARGE_SIZE = 32, FEE_MAX_YEN = 99999999, PIN_FIELD = 52, TAGS = 62, TDES_BLOCK = 8, AES_BLOCK = 16 };

/* DE 41 of what no ATM has said. */
static const char own_terminal[] = "ATMD0000";

const char *const bank_notice_kind_name[BANK_NOTICE_KIND_COUNT] = {
    [BANK_NOTICE_COMPLETION] = "completion",
    [BANK_NOTICE_PARTIAL] = "partial",
    [BANK_NOTICE_REVERSAL] = "reversal",
};

static void print_charge(int64_t charge_yen, char buffer[CHARGE_SIZE])
{
        assert(charge_yen >= 0 && charge_yen <= FEE_MAX_YEN);
        snprintf(buffer, CHARGE_SIZE, "D%08" PRId64, charge_yen);
}

/* 7 11 12 13 32 41 */
static void add_place(struct iso_message *message, int64_t moment_ms, int32_t stan, const char *terminal,
                      const char *acquirer)
{
        char de7[11];
        struct civil japan;
        calendar_to_de7(moment_ms, de7);
        calendar_jst(moment_ms, &japan);
        iso_set_string(message, 7, de7);
        iso_set_number(message, 11, stan, 6);
        iso_set_number(message, 12, japan.hour * 10000 + japan.minute * 100 + japan.second, 6);
        iso_set_number(message, 13, japan.month * 100 + japan.day, 4);
        iso_set_string(message, 32, acquirer);
        iso_set_string(message, 41, terminal);
}

/* What all messages of a withdrawal share. */
static void add_identity(struct iso_message *message, const struct ledger_identity *identity,
                         const char *acquirer)
{
        char rrn[13];
        add_place(message, identity->transmitted_ms, identity->stan, identity->terminal, acquirer);
        calendar_rrn(identity->transmitted_ms, identity->stan, rrn);
        iso_set_string(message, 37, rrn);
        iso_set_number(message, 49, CURRENCY_YEN, 3);
}

void bank_format_request(const struct ledger_identity *identity, const struct ledger_request *request,
                         const struct profile_card *card, int64_t charge_yen, const char *acquirer,
                         struct iso_message *ret_message)
{
        char charge[CHARGE_SIZE], hall[HALL_MAX + 1];
        iso_init(ret_message, "0200");
        add_identity(ret_message, identity, acquirer);
        iso_set_string(ret_message, 2, card->pan);
        iso_set_number(ret_message, 3, request->processing_code, 6);
        iso_set_string(ret_message, 14, card->expiry_yymm);
        if (request->amount_yen > 0) {
                print_charge(charge_yen, charge);
                iso_set_number(ret_message, 4, request->amount_yen, 12);
                iso_set(ret_message, 28, charge, strlen(charge));
        }
        if (*request->hall) {
                snprintf(hall, sizeof(hall), "%-*s", HALL_MAX, request->hall);
                iso_set_string(ret_message, 42, hall);
        }
}

size_t bank_format_pin_length(const struct iso_dialect *dialect)
{
        return dialect->pin == '4' ? AES_BLOCK : TDES_BLOCK;
}

void bank_format_pin(const struct iso_dialect *dialect, const uint8_t *block, struct iso_message *message)
{
        char text[2 * AES_BLOCK + 1];
        assert(dialect->pin);
        if (dialect->pin != '4') {
                iso_set(message, PIN_FIELD, (const char *)block, TDES_BLOCK);
                return;
        }
        hex_print(block, AES_BLOCK, text);
        tags_add(message, TAGS, TAG_PIN_BLOCK, text);
        explicit_bzero(text, sizeof(text));
}

/* DE 90: the 0200 that it is about; its numbers are the notice's own. */
static void add_original(struct iso_message *message, const struct ledger_identity *identity)
{
        char de7[11], original[43];
        calendar_to_de7(identity->transmitted_ms, de7);
        snprintf(original, sizeof(original), "0200%06" PRId32 "%s%022d", identity->stan, de7, 0);
        iso_set_string(message, 90, original);
}

/* DE 95: so much was dispensed, and the whole fee is owed. */
static void add_replacement(struct iso_message *message, const struct bank_notice *notice)
{
        char charge[CHARGE_SIZE], text[12 + 12 + CHARGE_SIZE + 16];
        print_charge(notice->charge_yen, charge);
        snprintf(text, sizeof(text), "%012" PRId64 "%012d%sD%08d", notice->dispensed_yen, 0, charge, 0);
        iso_set(message, 95, text, strlen(text));
}

void bank_format_notice(const struct bank_notice *notice, const char *acquirer,
                        struct iso_message *ret_message)
{
        static const char *const mti[2][2] = {{"0220", "0221"}, {"0420", "0421"}};
        bool reversal = notice->kind != BANK_NOTICE_COMPLETION;
        iso_init(ret_message, mti[reversal][notice->attempts > 1]);
        add_identity(ret_message, &notice->identity, acquirer);
        iso_set_string(ret_message, 3, "010000");
        iso_set_number(ret_message, 4, notice->amount_yen, 12);
        add_original(ret_message, &notice->identity);
        if (reversal)
                iso_set_string(ret_message, 39, notice->why);
        if (notice->kind == BANK_NOTICE_PARTIAL)
                add_replacement(ret_message, notice);
}

void bank_format_network(const struct iso_dialect *dialect, enum iso_network network, int64_t business_ms,
                         int32_t stan, const char *acquirer, struct iso_message *ret_message)
{
        iso_init(ret_message, "0800");
        add_place(ret_message, business_ms, stan, own_terminal, acquirer);
        profile_set_network(dialect, network, ret_message);
}
