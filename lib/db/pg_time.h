/* Days and moments as PostgreSQL has them on the wire: since 2000-01-01; ours are since 1970-01-01. */
#ifndef LIB_DB_PG_TIME_H
#define LIB_DB_PG_TIME_H

#include <stdint.h>

enum { PG_EPOCH_DAYS = 10957 };
#define PG_EPOCH_US ((int64_t)PG_EPOCH_DAYS * INT64_C(86400000000))

/* A timestamptz: microseconds. */
static inline int64_t pg_time_of_ms(int64_t moment_ms)
{
        return (moment_ms - PG_EPOCH_US / 1000) * 1000;
}

#endif
