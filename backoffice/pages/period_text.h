/*
 * Days, months, quarters and years as their readers write them: a Japanese accountant 2016年12月29日 and 2017年3月期第3四半期, or 3Q16 where
 * the house has it so.
 */
#ifndef BACKOFFICE_PAGES_PERIOD_TEXT_H
#define BACKOFFICE_PAGES_PERIOD_TEXT_H

#include <stdint.h>

#include "backoffice/books/period.h"
#include "backoffice/pages/words.h"

enum { PERIOD_TEXT_MAX = 96 };

/* Of what is called so: "2016-12-29", with a time behind it or not, "2016-12", "3Q16", "1Q-3Q16", "FY2016", "FY16", "2016-12-29 to 2016-12-31".
 * Another text stays what it is. */
const char *period_text(const char *name, enum reader reader, char buffer[PERIOD_TEXT_MAX]);
/* Where there is little room: "17/3期3Q". */
const char *period_text_short(const char *name, enum reader reader, char buffer[PERIOD_TEXT_MAX]);
/* The word for what a period is compared with, as the key of its column: "before_qoq_yen". */
const char *period_text_before(const struct period *period, enum period_step step);
const char *period_text_day(int32_t day, enum reader reader, char buffer[PERIOD_TEXT_MAX]);

#endif
