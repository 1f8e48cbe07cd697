/* Round numbers for an axis, and amounts as text. Integers only. */
#ifndef LIB_DOCUMENTS_TICKS_H
#define LIB_DOCUMENTS_TICKS_H

#include <stddef.h>
#include <stdint.h>

struct ticks {
        int64_t first, step; /* step: 1, 2 or 5 times a power of ten; first: a multiple of it */
        unsigned count;      /* at least 2 */
};

/* Ticks that enclose low to high (low <= high, both within DOCUMENT_AMOUNT_MAX of zero), with the smallest
 * step from least_step on that needs no more than most of them (at least 3). */
void ticks_choose(int64_t low, int64_t high, unsigned most, int64_t least_step, struct ticks *ret_ticks);
static inline int64_t ticks_last(const struct ticks *ticks)
{
        return ticks->first + ticks->step * (int64_t)(ticks->count - 1);
}

/* The decimals, at most so many, that tell multiples of step apart once they are divided by scale. */
unsigned ticks_decimals(int64_t step, int64_t scale, unsigned most);

#define AMOUNT_TEXT_SIZE 48
/* amount / scale, rounded half away from zero, with commas; below zero `minus` stands before it, of 4 bytes at most, or U+2212 where
 * that is NULL. */
void amount_text(char text[AMOUNT_TEXT_SIZE], int64_t amount, int64_t scale, unsigned decimals,
                 const char *minus);
/* The percentage that part (not negative) is of whole, with one decimal; 0.0% of nothing. */
void percent_text(char text[AMOUNT_TEXT_SIZE], int64_t part, int64_t whole);

#endif
