/* A buffer that statements are put together in; too long a statement is our own bug. */
#include "lib/db/sqltext.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void sql_start(struct sqltext *sql)
{
        sql->used = 0;
        sql->text[0] = '\0';
}

void sql_add(struct sqltext *sql, const char *format, ...)
{
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vsnprintf(sql->text + sql->used, sizeof(sql->text) - sql->used, format, arguments);
        va_end(arguments);
        assert(length >= 0 && (size_t)length < sizeof(sql->text) - sql->used);
        sql->used += (size_t)length;
}
