#include "backoffice/journals/seal.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/hex.h"

static uint32_t crc32_of(const char *bytes, size_t length)
{
        static uint32_t table[256];
        uint32_t crc = UINT32_MAX;

        for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
                uint32_t value = i;

                for (int bit = 0; bit < 8; bit++)
                        value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
                table[i] = value;
        }
        for (size_t i = 0; i < length; i++)
                crc = table[(crc ^ (uint8_t)bytes[i]) & 0xff] ^ crc >> 8;
        return ~crc;
}

/* As text: another way to write the same number is an alteration too. */
static void print(const char *line, size_t length, char ret_seal[SEAL_LENGTH])
{
        uint32_t crc = htobe32(crc32_of(line, length));

        ret_seal[0] = ' ';
        hex_put(ret_seal + 1, &crc, sizeof(crc));
}

size_t seal_put(char *line, size_t length)
{
        print(line, length, line + length);
        return length + SEAL_LENGTH;
}

const char *seal_check(const char *line, size_t length, size_t *ret_length)
{
        char seal[SEAL_LENGTH];

        if (length <= SEAL_LENGTH || line[length - SEAL_LENGTH] != ' ')
                return "the checksum is missing";
        print(line, length - SEAL_LENGTH, seal);
        if (memcmp(seal, line + length - SEAL_LENGTH, SEAL_LENGTH) != 0)
                return "the checksum is wrong";
        *ret_length = length - SEAL_LENGTH;
        return NULL;
}
