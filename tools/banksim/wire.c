/* The dialect of a bank: see wire.h. */
#include "tools/banksim/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialects/dialect.h"

struct wire {
        const struct iso_dialect *dialect; /* the built-in one, or what follows */
        struct iso_dialect loaded;
};

static bool load(struct wire *wire, const char *dialect, char error[WIRE_ERROR_MAX])
{
        if (strcmp(dialect, iso_dialect_ascii.name) == 0) {
                wire->dialect = &iso_dialect_ascii;
                return true;
        }
        wire->dialect = &wire->loaded;
        return dialect_load(dialect, &wire->loaded, error);
}

struct wire *wire_open(const char *dialect, char error[WIRE_ERROR_MAX])
{
        struct wire *wire = calloc(1, sizeof(*wire));
        if (wire && load(wire, dialect, error))
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
        return wire->dialect;
}

const char *wire_name(const struct wire *wire)
{
        return wire->dialect->name;
}

size_t wire_write(const struct wire *wire, const struct iso_message *message, uint8_t frame[WIRE_FRAME_MAX],
                  struct iso_error *ret_error)
{
        size_t header = frame_header_size(wire->dialect);
        int length = iso_encode(wire->dialect, message, frame + header, ISO_MESSAGE_MAX, ret_error);
        if (length < 0)
                return 0;
        return frame_header(wire->dialect, frame, (size_t)length) + (size_t)length;
}
