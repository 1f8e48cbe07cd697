/* Memory of libevent's: see wiped.h. */
#include "lib/net/wiped.h"

#include <event2/event.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void give_back(void *memory)
{
        if (memory)
                OPENSSL_cleanse(memory, malloc_usable_size(memory));
        free(memory);
}

/* What the system's own would leave behind where it moves. */
static void *resize(void *memory, size_t size)
{
        size_t had = memory ? malloc_usable_size(memory) : 0;
        void *moved = malloc(size);
        if (!moved)
                return NULL;
        if (memory)
                memcpy(moved, memory, had < size ? had : size);
        give_back(memory);
        return moved;
}

void wiped_memory(void)
{
        event_set_mem_functions(malloc, resize, give_back);
}
