/* What every report says beside its rows, in words. */
#ifndef BACKOFFICE_PAGES_REPORT_TEXT_H
#define BACKOFFICE_PAGES_REPORT_TEXT_H

#include "backoffice/books/period.h"
#include "backoffice/books/summary.h"

enum { REPORT_TEXT_MAX = 512 };

/* That the period is not over; false: it is. */
bool report_text_not_over(const struct period *period, int32_t today, bool japanese,
                          char buffer[REPORT_TEXT_MAX]);
/* Of when a replica's data are: "2016-12-28 10:00:00"; false, and "": it is none. */
bool report_text_replica(const char *as_of, int64_t age_s, bool japanese, char buffer[REPORT_TEXT_MAX]);
/* "generated history: scenario S, scale 0.01: 11 of 1,066 ATMs"; false: there is none. */
bool report_text_generated(const struct generated_list *generated, bool japanese,
                           char buffer[REPORT_TEXT_MAX]);

#endif
