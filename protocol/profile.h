/*
 * The messages between an ATM and atmd: which MTIs there are, what each must carry, what answers it.
 * A table; the daemon, the simulators, the tests and docs/protocol.md share its rows.
 */
#ifndef PROTOCOL_PROFILE_H
#define PROTOCOL_PROFILE_H

#include "protocol/iso8583.h"
#include "protocol/pan.h"

enum message_kind {
        MESSAGE_NETWORK,        /* 0800 */
        MESSAGE_REQUEST,        /* 0200, 0201: withdrawal or balance inquiry */
        MESSAGE_COMPLETION,     /* 0220, 0221 */
        MESSAGE_REVERSAL,       /* 0420, 0421 */
        MESSAGE_RECONCILIATION, /* 0500, 0501 */
        MESSAGE_ADMINISTRATIVE, /* 0620, 0621 */
};

enum { CURRENCY_YEN = 392 }; /* DE 49; no minor unit */

struct profile_row {
        char mti[5];
        char answer_mti[5]; /* of the original also for a repeat: 0201 gets 0210 */
        bool repeat;
        enum message_kind kind;
        const char *name;      /* "withdrawal or inquiry request" */
        uint8_t mandatory[16]; /* field numbers, 0 ends */
        uint8_t optional[12];
};

extern const struct profile_row profile_rows[];
extern const size_t profile_row_count;

/* The row of a request's MTI, or NULL: an MTI that ends the connection. */
const struct profile_row *profile_find(const char *mti);

/* The kind of a DE 3, by its first two digits and its closing zeros. */
enum processing_kind { PROCESSING_WITHDRAWAL, PROCESSING_INQUIRY, PROCESSING_OTHER };
enum processing_kind profile_processing(const struct iso_message *message);

/* What the DE 70 of an 0800 or 0810 says in its dialect; ISO_NETWORK_COUNT: nothing that this one knows. */
enum iso_network profile_network(const struct iso_dialect *dialect, const struct iso_message *message);
/* Says so in DE 70; the dialect must have a code for it. */
void profile_set_network(const struct iso_dialect *dialect, enum iso_network network,
                         struct iso_message *message);

/*
 * Check a decoded request against its row: mandatory fields, the conditional ones (2 with 14, or 35; 4 in
 * a withdrawal), and values fixed by the profile (49 = 392; 7 and 90 hold real dates; 90's MTI digits;
 * 48 made of tags; 95 in its form). 0, or -1 with *ret_error filled.
 */
ATM_MUST_USE int profile_check(const struct profile_row *row, const struct iso_message *message,
                               struct iso_error *ret_error);

/* The same of DE 62, where it is there: to be asked of who has keys. Of others it may hold anything. */
ATM_MUST_USE int profile_check_security(const struct iso_message *message, struct iso_error *ret_error);

/* Start the answer to a request: its MTI and the echoes of wire order 2 3 4 7 11 32 41 42 49 70. */
void profile_answer(const struct profile_row *row, const struct iso_message *request,
                    struct iso_message *ret_answer);

/* The card of a request: from DE 2 and 14, or from DE 35. Strings, NUL-terminated; expiry YYMM. */
struct profile_card {
        char pan[20];
        char expiry_yymm[5];
};
ATM_MUST_USE bool profile_card_of(const struct iso_message *message, struct profile_card *ret_card);

/* DE 90: the original's STAN and DE 7 (10 digits, NUL-terminated). */
struct profile_original {
        char mti[5];
        int32_t stan;
        char transmitted[11];
};
ATM_MUST_USE bool profile_original_of(const struct iso_message *message,
                                      struct profile_original *ret_original);

/* The cash that an advice says was dispensed, in yen: DE 95's first amount, or without DE 95 all of DE 4
 * in a completion and nothing in a reversal. */
ATM_MUST_USE bool profile_dispensed_yen(const struct profile_row *row, const struct iso_message *message,
                                        int64_t *ret_yen);

#endif
