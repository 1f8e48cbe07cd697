/* Rows of options as people read them: --help in two columns, and the man pages' sections in scdoc's form. */
#ifndef LIB_CLI_HELP_H
#define LIB_CLI_HELP_H

#include <stdio.h>

#include "lib/cli/options.h"

void help_rows(FILE *stream, const struct option_row *rows, size_t count);
/* Text from `column` on and a line end, broken at blanks so that no line is longer than a terminal's. */
void help_wrapped(FILE *stream, const char *text, int column);

void manual_rows(FILE *stream, const struct option_row *rows, size_t count);
/* What means something to scdoc gets a backslash. */
void manual_text(FILE *stream, const char *text);

#endif
