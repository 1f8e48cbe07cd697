/*
 * How far journals went at a moment: what is written behind its mark came later. So sides that grow while they are read can be held
 * to a snapshot that was taken after the marks: what lies before them was done before it, what lies behind is under way.
 */
#ifndef BACKOFFICE_JOURNALS_MARKS_H
#define BACKOFFICE_JOURNALS_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct mark {
        char *path;
        int64_t bytes;
};

struct marks {
        struct mark *mark; /* NULL: none were set, and nothing is behind */
        size_t count;
        bool are_set;
};

/* Its size now; a file that isn't there has none. False with errno: out of memory, or it can't be looked at. */
ATM_MUST_USE bool marks_set(struct marks *marks, const char *path);
/* Whether a line of a file that ends there lies behind its mark. */
bool marks_are_behind(const struct marks *marks, const char *path, int64_t end);
void marks_free(struct marks *marks);

#endif
