/*
 * A part of a laboratory: a process, known by a name within the laboratory's folder.
 *
 *      FOLDER/run/NAME          its number, and at which tick of the kernel it started
 *      FOLDER/log/NAME.log      what it wrote to standard output and error, of all its lives
 *
 *      none --part_record--> alive --part_signal, its own end--> gone --part_record--> alive
 *
 * Nobody need be its parent: number and tick together are one process's for ever, so that a new process under an
 * old number is never taken for it. What part_open returned stays that process, whatever becomes of its number.
 */
#ifndef ATMLAB_PART_H
#define ATMLAB_PART_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/attributes.h"

enum { PART_NAME_MAX = 32 }; /* letters, digits and '-' */

struct part {
        const char *folder, *name; /* the caller's */
        char record[PATH_MAX], log[PATH_MAX];
};

/* False where the name is no name, or the folder's too long. */
ATM_MUST_USE bool part_of(struct part *ret_part, const char *folder, const char *name);

/* From now on it is that process, which lives. False with errno. */
ATM_MUST_USE bool part_record(const struct part *part, pid_t pid);
/* There is none any more. */
void part_forget(const struct part *part);
/* The number that it was last started with, alive or gone; 0: none. */
pid_t part_number(const struct part *part);

/* A descriptor of the living process (pidfd), to be closed; -1: it does not live. */
int part_open(const struct part *part);
void part_signal(int descriptor, int number);
/* Until it has ended, or steady time (lib/base/now.h) has come: whether it has ended. */
bool part_await_end(int descriptor, int64_t until_ms);

/* The last lines of its log, to standard error. */
void part_show_log(const struct part *part);

#endif
