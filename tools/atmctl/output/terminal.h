/*
 * Text for people at a terminal: at once where it fits, else through their pager, as psql does ($PAGER; less where there is
 * none and it is installed); or, for --watch, as a frame that takes the place of the former one.
 */
#ifndef ATMCTL_OUTPUT_TERMINAL_H
#define ATMCTL_OUTPUT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

/* Whether standard output is one. */
bool terminal_is_there(void);
/* In cells; 80 where it does not say. */
size_t terminal_width(void);
/* Whether colours are wanted: not with NO_COLOR (no-color.org), nor where TERM is dumb. */
bool terminal_has_colours(void);
/* The widest line's cells; sequences of colour have none. */
size_t terminal_cells(const char *text);
/* False where it could not be written. */
ATM_MUST_USE bool terminal_show(const char *text);
/* From now on what is shown is a frame with this line above it; it must outlive them. */
void terminal_begin_frames(const char *heading);

#endif
