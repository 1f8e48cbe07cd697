/* Thousands apart, and long numbers cut. */
#include "lib/base/digits.h"

#include <string.h>

#define DIGITS "0123456789"

bool digits_all(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (text[i] < '0' || text[i] > '9')
                        return false;
        return true;
}

void digits_group(const char *number, char *buffer, size_t size)
{
        size_t length = strlen(number), whole = strcspn(number, "."), at = 0;

        for (size_t i = 0; i < length && at + 2 < size; i++) {
                size_t left = i < whole ? whole - i : 0;

                buffer[at++] = number[i];
                if (number[i] != '-' && left > 1 && left % 3 == 1)
                        buffer[at++] = ',';
        }
        buffer[at] = '\0';
}

/* The digits at `text`, blanks or '-' between them passed over; their number is returned. */
static size_t digits_from(const char *text, size_t *ret_length)
{
        size_t count = 0, length = 0;

        for (size_t i = 0; text[i] && strchr(DIGITS " -", text[i]); i++) {
                if (strchr(" -", text[i]))
                        continue;
                count++;
                length = i + 1;
        }
        *ret_length = length;
        return count;
}

void digits_mask(char *text)
{
        enum { PAN_SHORTEST = 12, SHOWN_HEAD = 6, SHOWN_TAIL = 4 };

        while (*text) {
                size_t length, count = strchr(DIGITS, *text) ? digits_from(text, &length) : 0, seen = 0;

                for (size_t i = 0; count >= PAN_SHORTEST && i < length; i++) {
                        if (strchr(DIGITS, text[i]) && ++seen > SHOWN_HEAD && seen <= count - SHOWN_TAIL)
                                text[i] = '*';
                }
                text += count ? length : 1;
        }
}
