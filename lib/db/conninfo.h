/* Ways to reach PostgreSQL, as libpq takes them. */
#ifndef LIB_DB_CONNINFO_H
#define LIB_DB_CONNINFO_H

/* The same way, keywords and values or a URI, with another application_name. NULL: out of memory, or libpq does not take it. To be
 * freed; it may hold a password. */
char *conninfo_named(const char *conninfo, const char *name);

#endif
