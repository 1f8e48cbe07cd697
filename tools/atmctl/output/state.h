/* Words for the state of things, and which of them stand out at a terminal: a column says that it has them (OUTPUT_STATE). */
#ifndef ATMCTL_OUTPUT_STATE_H
#define ATMCTL_OUTPUT_STATE_H

/* The sequence that begins its colour; NULL: it has none. */
const char *state_colour(const char *word);
/* The one that ends it. */
extern const char state_colour_end[];

#endif
