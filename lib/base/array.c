/* An array that grows. */
#include "lib/base/array.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64 };

void *array_with_room(void *array, size_t *room, size_t count, size_t size)
{
        size_t more = *room ? *room * 2 : ROOM_FIRST;
        void *grown;

        if (count < *room)
                return array;
        grown = reallocarray(array, more, size);
        if (grown)
                *room = more;
        return grown;
}
