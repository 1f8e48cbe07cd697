/* What a program says to people on standard error: complaints, notes and, on a terminal alone, progress. */
#ifndef LIB_CLI_SAY_H
#define LIB_CLI_SAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The program's name, from now on. It stays the caller's. */
void say_as(const char *program);
const char *say_name(void);

/* "PROGRAM: ..." and a line end. */
void complain(const char *format, ...) ATM_PRINTF(1, 2);
/* A line without the program's name: advice or a remark. */
void note(const char *format, ...) ATM_PRINTF(1, 2);

/* One line that replaces itself; where standard error is no terminal nothing, or after progress_everywhere a line each
 * time. */
void progress(const char *format, ...) ATM_PRINTF(1, 2);
void progress_everywhere(void);
/* For who could say something new at any moment: whether it is time for it. Steady time. */
bool progress_is_due(int64_t now_us);
void progress_end(void);

#endif
