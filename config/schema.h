/* The schema that this code is written for: the highest number of sql/NNN_*.sql. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

enum { SCHEMA_VERSION = 42 };

#endif
