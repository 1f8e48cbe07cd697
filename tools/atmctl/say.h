/* What atmctl says to people on standard error: complaints, notes and, on a terminal alone, progress. */
#ifndef ATMCTL_SAY_H
#define ATMCTL_SAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* "atmctl: ..." and a line end. */
void complain(const char *format, ...) ATM_PRINTF(1, 2);
/* A line without the program's name: advice or a remark. */
void note(const char *format, ...) ATM_PRINTF(1, 2);

/* One line that replaces itself; nothing where standard error is no terminal. */
void progress(const char *format, ...) ATM_PRINTF(1, 2);
void progress_end(void);

#endif
