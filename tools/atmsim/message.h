/* The messages that an ATM sends, from its state to bytes with their length header. */
#ifndef ATMSIM_MESSAGE_H
#define ATMSIM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/iso8583.h"
#include "tools/atmsim/atm.h"
#include "keymodule/laboratory/lab_keys.h"

enum { FRAME_MAX = 512 };

/* What stays the same for an ATM. */
struct message_place {
        char hall[16];               /* DE 42, padded to 15 */
        const char *acquirer;        /* DE 32 */
        const struct lab_keys *keys; /* NULL: it has none */
        double chip_rate;            /* of cards; 0: it reads no chips, and doesn't say how it reads cards */
};

/* Identity of the message that `what` would be now; the sign-on's is the caller's. */
struct message_identity {
        int32_t stan;
        int64_t transmitted_ms;
};
struct message_identity message_identity_of(const struct sim_atm *atm, enum atm_message what);

/* What MAC and PIN block are to be, of an ATM that has keys. */
struct message_faults {
        enum mac_fault mac;
        enum pin_fault pin;
};

/* card: NULL but for a request or an inquiry. Bytes written; a message of ours always fits and encodes. */
size_t message_compose(const struct sim_atm *atm, const struct message_place *place, enum atm_message what,
                       bool repeat, struct message_identity identity, const struct card *card,
                       struct message_faults faults, uint8_t buffer[FRAME_MAX]);

#endif
