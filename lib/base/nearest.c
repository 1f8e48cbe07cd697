/* The distance of Damerau and Levenshtein, row by row (optimal string alignment). */
#include "lib/base/nearest.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 32, BEGUN_AT_LEAST = 2, BEGUN_DISTANCE = 1 };

static int smaller(int a, int b)
{
        return a < b ? a : b;
}

/* '-' and '_' are one letter: options are written either way. */
static bool is_same(char a, char b)
{
        return a == b || ((a == '-' || a == '_') && (b == '-' || b == '_'));
}

static int distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
        int row[WORD_MAX + 1][WORD_MAX + 1];

        for (size_t i = 0; i <= a_length; i++)
                row[i][0] = (int)i;
        for (size_t k = 0; k <= b_length; k++)
                row[0][k] = (int)k;
        for (size_t i = 1; i <= a_length; i++) {
                for (size_t k = 1; k <= b_length; k++) {
                        row[i][k] = smaller(smaller(row[i - 1][k], row[i][k - 1]) + 1,
                                            row[i - 1][k - 1] + !is_same(a[i - 1], b[k - 1]));
                        if (i > 1 && k > 1 && is_same(a[i - 1], b[k - 2]) && is_same(a[i - 2], b[k - 1]))
                                row[i][k] = smaller(row[i][k], row[i - 2][k - 2] + 1);
                }
        }
        return row[a_length][b_length];
}

/* A third of a word may be wrong. */
static int bound(size_t length)
{
        return length < 3 ? 1 : (int)(length + 1) / 3;
}

void nearest_begin(struct nearest *nearest, const char *word, size_t length)
{
        *nearest = (struct nearest){.word = word, .length = length, .distance = INT_MAX};
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
        size_t length = strlen(candidate);
        int distance;

        if (nearest->length > WORD_MAX || length > WORD_MAX || !nearest->length)
                return;
        distance = distance_of(nearest->word, nearest->length, candidate, length);
        if (nearest->length >= BEGUN_AT_LEAST && nearest->length < length &&
            !strncmp(nearest->word, candidate, nearest->length))
                distance = BEGUN_DISTANCE;
        if (distance > bound(nearest->length) || distance >= nearest->distance)
                return;
        nearest->found = candidate;
        nearest->distance = distance;
}
