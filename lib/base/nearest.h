/*
 * What somebody meant who wrote a word wrong: of the words that there are, the one that is the fewest slips away (a letter too
 * many, missing, wrong, or two that changed places), unless that is too far for a guess; or the one that it begins.
 */
#ifndef LIB_BASE_NEAREST_H
#define LIB_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
        const char *word;
        size_t length;     /* of it; the rest is not looked at */
        const char *found; /* NULL: none is near enough */
        int distance;
};

void nearest_begin(struct nearest *nearest, const char *word, size_t length);
/* Of equals the first is kept. It must live as long as `found` is read. */
void nearest_try(struct nearest *nearest, const char *candidate);

#endif
