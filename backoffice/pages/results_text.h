/* How a quarter's results are put into words: texts that table, expanded form and documents share. */
#ifndef BACKOFFICE_PAGES_RESULTS_TEXT_H
#define BACKOFFICE_PAGES_RESULTS_TEXT_H

#include "backoffice/books/results.h"
#include "backoffice/pages/words.h"

enum { RESULTS_TEXT_MAX = 160, RESULTS_NOTES_MAX = 8 };

struct results_notes {
        char text[RESULTS_NOTES_MAX][640];
        size_t count;
};

/* A column's name as CSV and JSON have it ("YoY 3Q16", "FY16 target"), and its heading for people. */
void results_column_name(const struct results_column *column, char buffer[RESULTS_TEXT_MAX]);
void results_heading(const struct results_column *column, enum reader reader, char buffer[RESULTS_TEXT_MAX]);
enum result_style { STYLE_PLAIN, STYLE_OF_WHICH, STYLE_TOTAL };

/* Of a whole year net income is called otherwise than of quarters. */
const char *results_label(const struct results *results, enum result_item item, enum reader reader);
/* How far it is set in, and how it is set apart. */
int results_indent(enum result_item item);
enum result_style results_style(enum result_item item);
/* "3,056.1" (millions of yen), "12.3%", "+5.1%"; false: missing. */
ATM_MUST_USE bool results_print(const struct results_column *column, enum result_item item,
                                enum reader reader, char buffer[RESULTS_TEXT_MAX]);
/* What a reader must know beside what every report says: what is missing, what is not compared, what does not add up as
 * printed. */
enum results_figures { RESULTS_IN_MILLIONS, RESULTS_WHOLE };
void results_notes(const struct results *results, enum results_figures figures, enum reader reader,
                   struct results_notes *ret_notes);

#endif
