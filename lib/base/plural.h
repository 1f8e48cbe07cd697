/* English plurals of what is counted and named: nouns that end as they always do. */
#ifndef LIB_BASE_PLURAL_H
#define LIB_BASE_PLURAL_H

#include <stdint.h>

enum { PLURAL_MAX = 64 };

/* "withdrawals", "taxes", "recoveries"; "hours" stays. */
const char *plural_of(const char *one, char buffer[PLURAL_MAX]);
/* "1 withdrawal", "2 withdrawals", "0 withdrawals" */
const char *plural_count(uint64_t count, const char *one, char buffer[PLURAL_MAX]);

#endif
