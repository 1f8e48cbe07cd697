/*
 * The words of reports, for people: one row a word, in English and Japanese. A column's key is the name of its row, an amount's with its unit
 * ("commission_yen" is headed by the word of "commission"), and so are items of results: a heading can't differ from its key.
 */
#ifndef BACKOFFICE_PAGES_WORDS_H
#define BACKOFFICE_PAGES_WORDS_H

#include <stddef.h>

/* Who reads. SHORT: quarters are 3Q16 and not 2017年3月期第3四半期. */
enum reader { READER_ENGLISH, READER_JAPANESE, READER_JAPANESE_SHORT };

struct word {
        const char *name, *english, *japanese;
};
extern const struct word words[];
extern const size_t words_count;

/* What heads a column, labels a row or stands for a value; the name itself where no row has it. Static. */
const char *word_of(const char *name, enum reader reader);
/* Before a chart's amounts below zero, as in the tables beside it; NULL: the sign that charts have. */
const char *chart_minus(enum reader reader);
/* Names that the books have with '\n' between them, on one line. NULL for NULL, and out of memory; to be freed. */
char *words_join(const char *names, enum reader reader);

#endif
