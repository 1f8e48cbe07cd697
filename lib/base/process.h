/* What a process asks of the system for itself. */
#ifndef LIB_BASE_PROCESS_H
#define LIB_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* As many open files as the system lets this process have: how many those are; UINT64_MAX where nobody
 * counts. */
uint64_t process_raise_files(void);

/* Card numbers pass through this memory: none of it may end in a core file. False where only files are
 * forbidden, and a handler behind a pipe would still get them. */
bool process_forbid_cores(void);

/* Whoever starts a program may have closed its standard input, output or error. The next file or connection
 * would take the free number, and what is printed would go into it: hold it, so that reading and writing
 * fail. */
void process_hold_streams(void);

#endif
