/*
 * Files and folders that setup makes for somebody: with their owner and mode from the beginning, whole or not at all. What is wrong is
 * complained about.
 */
#ifndef ATMCTL_SETUP_FILES_H
#define ATMCTL_SETUP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/attributes.h"

struct setup_owner {
        uid_t uid;
        gid_t gid;
        mode_t mode;
};

/* Whether a folder is there and is so. */
bool setup_folder_is(const char *path, struct setup_owner owner);
ATM_MUST_USE bool setup_folder_make(const char *path, struct setup_owner owner);
ATM_MUST_USE bool setup_file_own(const char *path, struct setup_owner owner);
ATM_MUST_USE bool setup_file_write(const char *path, struct setup_owner owner, const char *text);
ATM_MUST_USE bool setup_file_copy(const char *from, const char *to, struct setup_owner owner);
/* A line that the file must have, before all others; one that has it is left alone. Its owner and mode stay. */
ATM_MUST_USE bool setup_file_begin(const char *path, const char *line);

#endif
