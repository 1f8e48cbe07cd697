/* What people should look at (backoffice/cases), in words. */
#ifndef BACKOFFICE_PAGES_CASE_TEXT_H
#define BACKOFFICE_PAGES_CASE_TEXT_H

#include <stdint.h>

enum { CASE_TEXT_MAX = 160, CASE_AGE_MAX = 32 };

/* An exception, by its kind ("": a withdrawal without an end) and by what it is to the database. */
void case_text(const char *kind, const char *what, char buffer[CASE_TEXT_MAX]);
/* "3 d 4 h", "5 h 12 min", "7 min". */
void case_age(int64_t minutes, char buffer[CASE_AGE_MAX]);

#endif
