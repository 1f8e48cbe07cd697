/* Card numbers: what one looks like, and the only form of one that may be shown: first 6, last 4. */
#ifndef PROTOCOL_PAN_H
#define PROTOCOL_PAN_H

#include <stdbool.h>

/* "621098******1234"; all stars where shorter than 13. */
void pan_mask(const char *pan, char buffer[20]);
/* Digits only, 12 to 19 of them. */
bool pan_is_valid(const char *pan);

#endif
