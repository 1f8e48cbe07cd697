/*
 * The PIN block of a request as it came, for whoever has it verified (service.c) or translated for a bank: from DE 52, 8 bytes under TDES, or from DE 62's PB,
 * 16 bytes under AES. Only of a terminal that has keys: of another nobody could make anything of it. An advice never has one.
 *
 * It is enciphered, and a secret all the same: it belongs to its transaction, is wiped once it is not needed any more, and at the latest when the transaction
 * goes back to its pool. It is no part of an identity, is never echoed, and no other instance has it.
 */
#ifndef DAEMON_TXN_PIN_H
#define DAEMON_TXN_PIN_H

#include "protocol/iso8583.h"

enum { TXN_PIN_BLOCK_MAX = 16 };

struct txn_pin {
        const char *
            formats; /* those that it may have, as KEY_FIELD_FORMAT takes them: "03" or "4"; NULL: there is no block */
        int set; /* the terminal's key set that it is under (KS) */
        uint8_t length;
        uint8_t block[TXN_PIN_BLOCK_MAX];
};

/* The same PIN under a key of a link, in its bank's format. */
struct bank_pin {
        int set; /* the link's key set that it is under; 0: there is no block; below 0: of one that is asked for */
        uint8_t block[TXN_PIN_BLOCK_MAX];
};

/* The request's, which profile_check_security has accepted; none is fine. 0, or -1 with *ret_error filled: it has two. */
ATM_MUST_USE int txn_pin_read(struct txn_pin *pin, const struct iso_message *request,
                              struct iso_error *ret_error);
void txn_pin_wipe(struct txn_pin *pin);
void bank_pin_wipe(struct bank_pin *pin);

static inline bool txn_pin_is_there(const struct txn_pin *pin)
{
        return pin->formats;
}

#endif
