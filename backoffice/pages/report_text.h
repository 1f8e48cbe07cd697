/* What every report says beside its rows, in words. False, and "": there is nothing to say. */
#ifndef BACKOFFICE_PAGES_REPORT_TEXT_H
#define BACKOFFICE_PAGES_REPORT_TEXT_H

#include "backoffice/books/standing.h"
#include "backoffice/pages/words.h"

enum { REPORT_TEXT_MAX = 512 };

/* That the period is not over, or else not closed: its figures may change. */
bool report_text_provisional(const struct standing *standing, const struct period *period, int32_t today,
                             enum reader reader, char buffer[REPORT_TEXT_MAX]);
/* That the books began later than the period, so that they have but a part of it. */
bool report_text_begun(const struct standing *standing, const struct period *period, enum reader reader,
                       char buffer[REPORT_TEXT_MAX]);
/* Of one that is compared with: that there is nothing to compare with. */
bool report_text_incomparable(const struct standing *standing, const struct period *before,
                              enum reader reader, char buffer[REPORT_TEXT_MAX]);
/* Of when a replica's data are: "2016-12-28 10:00:00"; "": it is none. */
bool report_text_replica(const char *as_of, int64_t age_s, enum reader reader, char buffer[REPORT_TEXT_MAX]);
/* "generated history: scenario S, scale 0.01: 11 of 1,066 ATMs". */
bool report_text_generated(const struct standing *standing, enum reader reader, char buffer[REPORT_TEXT_MAX]);

/* Items by quarter, "3Q16: cash_in_transit, network; 4Q16: sga", in words. */
void report_text_items(const char *items, enum reader reader, char buffer[REPORT_TEXT_MAX]);

#endif
