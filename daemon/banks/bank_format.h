/*
 * The messages between atmd and a bank, apart from any dialect and any connection: what goes into each.
 *
 * Every message of a withdrawal keeps the DE 7, 11, 37 and 41 of its 0200, so that any instance can build it
 * from the ledger's rows. The card number goes into the 0200 alone.
 */
#ifndef DAEMON_BANKS_BANK_FORMAT_H
#define DAEMON_BANKS_BANK_FORMAT_H

#include "daemon/ledger/ledger.h"
#include "protocol/profile.h"

/* What a bank must be told of a withdrawal: a row of bank_notice that it has not acknowledged. */
enum bank_notice_kind {
        BANK_NOTICE_COMPLETION,
        BANK_NOTICE_PARTIAL,
        BANK_NOTICE_REVERSAL,
        BANK_NOTICE_KIND_COUNT
};
extern const char
    *const bank_notice_kind_name[BANK_NOTICE_KIND_COUNT]; /* "completion", "partial", "reversal" */

struct bank_notice {
        struct ledger_identity identity; /* the withdrawal's */
        int16_t seq;
        enum bank_notice_kind kind;
        int64_t amount_yen, charge_yen, dispensed_yen;
        char why[3];           /* DE 39 of a reversal */
        int32_t attempts;      /* this one included */
        struct chip_data chip; /* what its ATM reports; every attempt has the same */
};

/* The 0200 of a withdrawal or an inquiry. charge_yen: the customer's fee with tax, DE 28. */
void bank_format_request(const struct ledger_identity *identity, const struct ledger_request *request,
                         const struct profile_card *card, int64_t charge_yen, const char *acquirer,
                         struct iso_message *ret_message);

/* The PIN block goes to where the dialect has it: 8 bytes, or 16. */
void bank_format_pin(const struct iso_dialect *dialect, const uint8_t *block, struct iso_message *message);
size_t bank_format_pin_length(const struct iso_dialect *dialect);

/* 0220, 0420, or the repeat of one, without the chip data (chip_data_add). */
void bank_format_notice(const struct bank_notice *notice, const char *acquirer,
                        struct iso_message *ret_message);

/* 0800, with the DE 70 that the dialect has for it. */
void bank_format_network(const struct iso_dialect *dialect, enum iso_network network, int64_t business_ms,
                         int32_t stan, const char *acquirer, struct iso_message *ret_message);

#endif
