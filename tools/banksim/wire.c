/* The dialect of a bank: see wire.h. */
#include "tools/banksim/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "protocol/iso_mac.h"

struct wire {
        struct iso_dialect dialect;
        struct bank_codes codes;
};

struct wire *wire_open(const char *dialect, char error[WIRE_ERROR_MAX])
{
        _Static_assert((int)WIRE_ERROR_MAX >= (int)DIALECT_ERROR_MAX, "room for what dialect_load says");
        struct wire *wire = calloc(1, sizeof(*wire));
        if (wire && dialect_load(dialect, &wire->dialect, &wire->codes, error))
                return wire;
        if (!wire)
                snprintf(error, WIRE_ERROR_MAX, "out of memory");
        free(wire);
        return NULL;
}

void wire_close(struct wire *wire)
{
        free(wire);
}

const struct iso_dialect *wire_dialect(const struct wire *wire)
{
        return &wire->dialect;
}

const struct bank_codes *wire_codes(const struct wire *wire)
{
        return &wire->codes;
}

const char *wire_name(const struct wire *wire)
{
        return wire->dialect.name;
}

bool wire_mac_is_right(const struct wire *wire, const struct lab_keys *keys,
                       const struct iso_message *message, const uint8_t *bytes, size_t length,
                       const char **ret_why)
{
        uint8_t mac[LAB_MAC_LENGTH];
        size_t covered;
        if (!iso_mac_covered(&wire->dialect, message, length, &covered)) {
                *ret_why = "there is no MAC in its field, the last of the message";
                return false;
        }
        if (iso_mac_set(&wire->dialect, message) != keys->set) {
                *ret_why = "it names another key set";
                return false;
        }
        lab_mac(&keys->up, bytes, covered, mac);
        *ret_why = "the MAC is another one";
        return mac_is_same(mac, bytes + covered, sizeof(mac));
}

static int encode(const struct wire *wire, const struct lab_keys *keys, bool is_spoilt,
                  struct iso_message *message, uint8_t bytes[ISO_MESSAGE_MAX], struct iso_error *ret_error)
{
        size_t covered;
        if (!keys)
                return iso_encode(&wire->dialect, message, bytes, ISO_MESSAGE_MAX, ret_error);
        iso_mac_name_set(&wire->dialect, message, keys->set);
        int length = iso_mac_encode(&wire->dialect, message, bytes, ISO_MESSAGE_MAX, &covered, ret_error);
        if (length > 0) {
                lab_mac(&keys->down, bytes, covered, bytes + covered);
                bytes[covered] ^= is_spoilt;
        }
        return length;
}

size_t wire_write(const struct wire *wire, const struct lab_keys *keys, bool is_spoilt,
                  struct iso_message *message, uint8_t frame[WIRE_FRAME_MAX], struct iso_error *ret_error)
{
        size_t header = frame_header_size(&wire->dialect);
        for (int field = 2; field <= ISO_FIELD_MAX; field++)
                if (iso_has(message, field) && wire->dialect.field[field].format == ISO_NONE)
                        iso_unset(message, field);
        int length = encode(wire, keys, is_spoilt, message, frame + header, ret_error);
        if (length < 0)
                return 0;
        return frame_header(&wire->dialect, frame, (size_t)length) + (size_t)length;
}
