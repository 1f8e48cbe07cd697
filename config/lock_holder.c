#include "config/lock_holder.h"

#include "lib/db/pg_query.h"

const char lock_holders_sql[] =
    "SELECT r_pid, r_who, r_application, r_state, to_char(r_since AT TIME ZONE 'Asia/Tokyo', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS\"+09:00\"'), r_table, r_mode, r_waiting FROM lock_holders($1::integer)";

static const char *text_of(const PGresult *result, int row, int column)
{
        const char *text = pg_text(result, row, column);

        return text ? text : "";
}

struct lock_holder lock_holder_read(const PGresult *result, int row)
{
        return (struct lock_holder){.pid = pg_number(result, row, 0),
                                    .user = text_of(result, row, 1),
                                    .application = text_of(result, row, 2),
                                    .state = text_of(result, row, 3),
                                    .since = text_of(result, row, 4),
                                    .table = text_of(result, row, 5),
                                    .mode = text_of(result, row, 6),
                                    .waiting = pg_number(result, row, 7)};
}
