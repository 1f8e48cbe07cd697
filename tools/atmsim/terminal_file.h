/* The terminals of a fleet, from the file that the database's were imported from. */
#ifndef ATMSIM_TERMINAL_FILE_H
#define ATMSIM_TERMINAL_FILE_H

#include "backoffice/journals/terminals.h"
#include "lib/base/attributes.h"

enum { TERMINALS_ERROR_MAX = 768 };

/* The first `limit` rows (0: all) of a CSV file with the columns terminal and hall. */
ATM_MUST_USE bool terminals_load(const char *path, size_t limit, struct terminals *ret_terminals,
                                 char error[TERMINALS_ERROR_MAX]);

#endif
