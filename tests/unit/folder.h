/* A folder that a test has made, and whatever it has put there: removed. */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <ftw.h>
#include <stdio.h>

static inline int folder_remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
        (void)status, (void)kind, (void)walk;
        return remove(path);
}

static inline void folder_remove(const char *path)
{
        nftw(path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
