/* SQL put together from the rows of the program's own tables; never from what people type. */
#ifndef LIB_DB_SQLTEXT_H
#define LIB_DB_SQLTEXT_H

#include <stddef.h>

#include "lib/base/attributes.h"

struct sqltext {
        char text[8192];
        size_t used;
};

void sql_start(struct sqltext *sql);
void sql_add(struct sqltext *sql, const char *format, ...) ATM_PRINTF(2, 3);

#endif
