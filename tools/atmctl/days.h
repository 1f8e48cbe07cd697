/*
 * Days as people type them: a day ("2016-12-31", "2016/12/31", "2016/1/5"), one counted from the business day ("today", "yesterday",
 * "tomorrow", "-7d", "+2w"), or several: a month ("2016-12"), quarters of a fiscal year ("3q16", "1Q-3Q16"), a fiscal year ("FY2016").
 */
#ifndef ATMCTL_DAYS_H
#define ATMCTL_DAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct days {
        int32_t first, last;
        bool is_relative; /* to today */
};

ATM_MUST_USE bool days_parse(const char *text, int32_t today, struct days *ret_days);

#endif
