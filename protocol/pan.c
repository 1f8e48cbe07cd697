/* Card numbers: see pan.h. */
#include "protocol/pan.h"

#include <string.h>

enum {
        PAN_SHORTEST = 12,
        PAN_LONGEST = 19,
        PAN_SHOWN_FROM = 13, /* a shorter one would have too little hidden */
        PAN_HEAD = 6,
        PAN_TAIL = 4,
};

void pan_mask(const char *pan, char buffer[20])
{
        size_t length = strnlen(pan, PAN_LONGEST + 1);
        bool shown = length >= PAN_SHOWN_FROM && length <= PAN_LONGEST;
        if (length > PAN_LONGEST)
                length = PAN_LONGEST;
        memset(buffer, '*', length);
        buffer[length] = '\0';
        if (shown) {
                memcpy(buffer, pan, PAN_HEAD);
                memcpy(buffer + length - PAN_TAIL, pan + length - PAN_TAIL, PAN_TAIL);
        }
}

bool pan_is_valid(const char *pan)
{
        size_t length = strnlen(pan, PAN_LONGEST + 1);
        return length >= PAN_SHORTEST && length <= PAN_LONGEST && strspn(pan, "0123456789") == length;
}
