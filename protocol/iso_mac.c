/* The place of a message's MAC and key set: see iso_mac.h. */
#include "protocol/iso_mac.h"

#include <stdio.h>

#include "protocol/tags.h"

enum { CONTROL = 53, CONTROL_DIGITS = 16, TAGS = 62 };

int iso_mac_field(const struct iso_dialect *dialect, const struct iso_message *message)
{
        const uint64_t mac_2 = UINT64_C(1) << 63; /* field 128 itself */
        bool is_second = dialect->mac == ISO_MAC_SECOND || message->present[1] & ~mac_2;
        return is_second ? ISO_MAC_SECONDARY : ISO_MAC_PRIMARY;
}

bool iso_mac_covered(const struct iso_dialect *dialect, const struct iso_message *message, size_t length,
                     size_t *ret_covered)
{
        int field = iso_mac_field(dialect, message);
        bool is_last = field == ISO_MAC_SECONDARY || !iso_has(message, ISO_MAC_SECONDARY);
        const struct iso_field *row = &dialect->field[field];
        if (!iso_has(message, field) || !is_last || row->format != ISO_B || row->length_kind != ISO_FIXED ||
            row->length != ISO_MAC_LENGTH || length < ISO_MAC_LENGTH)
                return false;
        *ret_covered = length - ISO_MAC_LENGTH;
        return true;
}

int iso_mac_encode(const struct iso_dialect *dialect, struct iso_message *message, uint8_t *buffer,
                   size_t size, size_t *ret_covered, struct iso_error *ret_error)
{
        static const char room[ISO_MAC_LENGTH];
        int field = iso_mac_field(dialect, message);
        iso_unset(message, field == ISO_MAC_PRIMARY ? ISO_MAC_SECONDARY : ISO_MAC_PRIMARY);
        iso_set(message, field, room, sizeof(room));
        int length = iso_encode(dialect, message, buffer, size, ret_error);
        if (length < 0)
                return -1;
        if (iso_mac_covered(dialect, message, (size_t)length, ret_covered))
                return length;
        *ret_error = (struct iso_error){
            .field = field, .offset = ISO_NO_OFFSET, .what = "the dialect has no room of 8 bytes for a MAC"};
        return -1;
}

int iso_mac_set(const struct iso_dialect *dialect, const struct iso_message *message)
{
        int64_t number = 0;
        switch (dialect->key_set) {
        case ISO_KEY_SET_TAG:
                return tags_problem(message, TAGS) ? 0 : tags_key_set(message);
        case ISO_KEY_SET_CONTROL:
                break;
        }
        return iso_number(message, CONTROL, &number) && number <= ISO_KEY_SET_MAX ? (int)number : 0;
}

void iso_mac_name_set(const struct iso_dialect *dialect, struct iso_message *message, int set)
{
        char number[16];
        switch (dialect->key_set) {
        case ISO_KEY_SET_TAG:
                snprintf(number, sizeof(number), "%d", set);
                tags_add(message, TAGS, TAG_KEY_SET, number);
                break;
        case ISO_KEY_SET_CONTROL:
                iso_set_number(message, CONTROL, set, CONTROL_DIGITS);
                break;
        }
}
