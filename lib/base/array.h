/* Arrays: how long one is, and one that grows. */
#ifndef LIB_BASE_ARRAY_H
#define LIB_BASE_ARRAY_H

#include <stddef.h>

#include "lib/base/attributes.h"

/* How many elements an array has. */
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* The array, which has room for *room elements of that size and holds count, with room for one more: it doubles, and may have moved.
 * NULL: out of memory, and it is as it was. */
ATM_MUST_USE void *array_with_room(void *array, size_t *room, size_t count, size_t size);

#endif
