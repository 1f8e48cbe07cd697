/* Figures as people read them. */
#ifndef LIB_BASE_DIGITS_H
#define LIB_BASE_DIGITS_H

#include <stddef.h>

/* "1234567.25" as "1,234,567.25", cut where the buffer ends. */
void digits_group(const char *number, char *buffer, size_t size);

#endif
