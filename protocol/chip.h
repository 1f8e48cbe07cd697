/*
 * Chip data: what a card's chip and its bank say to each other by way of ATM and atmd (DE 22, 23 and 55; EMV's own messages are in 55).
 *
 * They are bytes to us, whatever they hold: nobody here takes 55 for TLV or anything else. A field that another dialect has no room for is
 * left out, since a part of it would mean something else; no message waits for that.
 */
#ifndef PROTOCOL_CHIP_H
#define PROTOCOL_CHIP_H

#include "protocol/iso8583.h"

enum { CHIP_DATA_MAX = 255 };

/* DE 55 */
struct chip_data {
        uint8_t length; /* 0: none */
        uint8_t bytes[CHIP_DATA_MAX];
};

/* Of a request; "" and no length where a field is not there. */
struct chip {
        char entry_mode[4]; /* DE 22 */
        char sequence[4];   /* DE 23 */
        struct chip_data data;
};

/* No data where the message has none, or (from a bank) more than an ATM's message may have. */
void chip_data_of(const struct iso_message *message, struct chip_data *ret_data);
void chip_data_add(const struct chip_data *data, const struct iso_dialect *dialect,
                   struct iso_message *message);

void chip_of(const struct iso_message *message, struct chip *ret_chip);
void chip_add(const struct chip *chip, const struct iso_dialect *dialect, struct iso_message *message);

#endif
