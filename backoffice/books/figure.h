/*
 * A figure of the books that may be missing, and the arithmetic of figures: what is made of a missing one is missing.
 * Whole numbers from end to end: yen, counts, and quotients in tenths, rounded once, halves away from zero. An overflow
 * is our own bug.
 */
#ifndef BACKOFFICE_BOOKS_FIGURE_H
#define BACKOFFICE_BOOKS_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct figure {
        int64_t value;
        bool known;
};

extern const struct figure figure_missing;
struct figure figure_known(int64_t value);

struct figure figure_add(struct figure a, struct figure b);
struct figure figure_subtract(struct figure a, struct figure b);
/* a x factor / divisor; missing where the divisor is 0. */
struct figure figure_scale(struct figure a, int64_t factor, int64_t divisor);
/* a / b in tenths; missing unless b is more than nothing. */
struct figure figure_ratio(struct figure a, struct figure b);
/* a / b in tenths of a percent, and by how much now is more than before: 51 is 5.1 %. Missing unless b, or before, is
 * more than nothing. */
struct figure figure_share(struct figure a, struct figure b);
struct figure figure_change(struct figure now, struct figure before);
/* The part that a rate is of a, rounded down, that of a loss too: away from zero. */
struct figure figure_part(struct figure a, struct figure rate_bp);

enum { FIGURE_TEXT_MAX = 24 };
/* "-1234", and of tenths "-123.4": as programs read them. NULL: missing. */
const char *figure_print(struct figure figure, char buffer[FIGURE_TEXT_MAX]);
const char *figure_print_tenths(struct figure tenths, char buffer[FIGURE_TEXT_MAX]);
/* A rate in basis points as people read it: "8 %", "8.25 %". NULL: missing. */
const char *figure_print_rate(struct figure rate_bp, char buffer[FIGURE_TEXT_MAX]);
/* A database's text; NULL is missing. */
struct figure figure_read(const char *text);

#endif
