#include "lib/base/hex.h"

char *hex_put(char *at, const void *bytes, size_t size)
{
        static const char digits[] = "0123456789abcdef";

        for (const uint8_t *from = bytes, *end = from + size; from < end; from++) {
                *at++ = digits[*from >> 4];
                *at++ = digits[*from & 15];
        }
        return at;
}

void hex_print(const void *bytes, size_t size, char *ret_text)
{
        *hex_put(ret_text, bytes, size) = '\0';
}

int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_parse(const char *text, uint8_t *ret_bytes, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

                if (low < 0)
                        return false;
                ret_bytes[i] = (uint8_t)(high << 4 | low);
        }
        return true;
}
