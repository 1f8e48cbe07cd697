/*
 * Where a message has its MAC, and what that covers: ISO 8583:1987's last field of the last bitmap, 64, or 128 where any of 65 to 127 is
 * there, and all bytes before it from the MTI on, as they came or leave. So a message that was written anew from its fields has another MAC. And where it
 * names the key set that the MAC is under. A dialect may have either elsewhere.
 *
 * Who computes it is not this room's business (keymodule/crypto/mac.h).
 */
#ifndef PROTOCOL_ISO_MAC_H
#define PROTOCOL_ISO_MAC_H

#include "protocol/iso8583.h"

enum { ISO_MAC_LENGTH = 8, ISO_MAC_PRIMARY = 64, ISO_MAC_SECONDARY = 128, ISO_KEY_SET_MAX = 9999 };

/* The field that the message's MAC belongs into. */
int iso_mac_field(const struct iso_dialect *dialect, const struct iso_message *message);

/* How many of the first bytes of a message that was read whole (iso_decode) the MAC covers, which follows them and ends it.
 * False: it has none in its place. */
ATM_MUST_USE bool iso_mac_covered(const struct iso_dialect *dialect, const struct iso_message *message,
                                  size_t length, size_t *ret_covered);

/*
 * iso_encode with room for the MAC at the end: the first bytes, *ret_covered of them, are what it is to be made of, and
 * ISO_MAC_LENGTH zeros follow for it to be put there. The message gets the field.
 */
ATM_MUST_USE int iso_mac_encode(const struct iso_dialect *dialect, struct iso_message *message,
                                uint8_t *buffer, size_t size, size_t *ret_covered,
                                struct iso_error *ret_error);

/* The number of the key set that the message names; 0: none, or in another form than its dialect has. */
int iso_mac_set(const struct iso_dialect *dialect, const struct iso_message *message);
/* Puts it there, behind what DE 62 has. */
void iso_mac_name_set(const struct iso_dialect *dialect, struct iso_message *message, int set);

#endif
