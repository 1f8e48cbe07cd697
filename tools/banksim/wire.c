/* The dialect of a bank: see wire.h. */
#include "tools/banksim/wire.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/dialect.h"

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

size_t wire_write(const struct wire *wire, struct iso_message *message, uint8_t frame[WIRE_FRAME_MAX],
                  struct iso_error *ret_error)
{
        size_t header = frame_header_size(&wire->dialect);
        for (int field = 2; field <= ISO_FIELD_MAX; field++)
                if (iso_has(message, field) && wire->dialect.field[field].format == ISO_NONE)
                        iso_unset(message, field);
        int length = iso_encode(&wire->dialect, message, frame + header, ISO_MESSAGE_MAX, ret_error);
        if (length < 0)
                return 0;
        return frame_header(&wire->dialect, frame, (size_t)length) + (size_t)length;
}
