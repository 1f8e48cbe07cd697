/* The schema that this code is written for: the highest number of sql/NNN_*.sql. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

enum { SCHEMA_VERSION = 82 };

/* How many quarters of history are converted, of how many: of a database on its way to a newer version (sql/028_keys.sql).
 * Of an older one it fails. */
#define SCHEMA_QUARTERS                                                                                      \
        "SELECT count(*) FILTER (WHERE done), count(*) FROM schema_quarter HAVING count(*) > 0"

#endif
