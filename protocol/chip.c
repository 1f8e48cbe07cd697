/* Chip data: see chip.h. */
#include "protocol/chip.h"

#include <string.h>

void chip_data_of(const struct iso_message *message, struct chip_data *ret_data)
{
        size_t length = 0;
        const char *value = iso_get(message, 55, &length);
        bool is_taken = value && length <= CHIP_DATA_MAX;
        ret_data->length = is_taken ? (uint8_t)length : 0;
        if (is_taken)
                memcpy(ret_data->bytes, value, length);
}

void chip_data_add(const struct chip_data *data, const struct iso_dialect *dialect,
                   struct iso_message *message)
{
        if (data->length > 0 && iso_dialect_has(dialect, 55) && data->length <= dialect->field[55].length)
                iso_set(message, 55, (const char *)data->bytes, data->length);
}

void chip_of(const struct iso_message *message, struct chip *ret_chip)
{
        if (!iso_copy(message, 22, ret_chip->entry_mode, sizeof(ret_chip->entry_mode)))
                ret_chip->entry_mode[0] = '\0';
        if (!iso_copy(message, 23, ret_chip->sequence, sizeof(ret_chip->sequence)))
                ret_chip->sequence[0] = '\0';
        chip_data_of(message, &ret_chip->data);
}

void chip_add(const struct chip *chip, const struct iso_dialect *dialect, struct iso_message *message)
{
        if (*chip->entry_mode && iso_dialect_has(dialect, 22))
                iso_set_string(message, 22, chip->entry_mode);
        if (*chip->sequence && iso_dialect_has(dialect, 23))
                iso_set_string(message, 23, chip->sequence);
        chip_data_add(&chip->data, dialect, message);
}
