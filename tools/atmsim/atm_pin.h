/*
 * What an ATM's PIN pad makes of a PIN: a block under the terminal's PIN key, of format 4 in DE 62 (PB) under an AES key, of format 0 or 3 in DE 52 under a
 * TDES key; as it should be, or with one of the faults of pads that are broken.
 */
#ifndef ATMSIM_ATM_PIN_H
#define ATMSIM_ATM_PIN_H

#include "keymodule/laboratory/lab_keys.h"
#include "protocol/iso8583.h"
#include "tools/atmsim/cards.h"
#include "tools/atmsim/faults.h"

/* draw: which of formats 0 and 3, which other PIN, what is wrong with the block. A card without a PIN has no block, nor has one whose PIN is MISSING. */
void atm_pin_add(struct iso_message *message, const struct lab_keys *keys, const struct card *card,
                 enum pin_fault fault, uint32_t draw);

#endif
