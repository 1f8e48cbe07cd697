/* Thousands apart. */
#include "lib/base/digits.h"

#include <string.h>

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
