/* The forms one after the other: see days.h. */
#include "tools/atmctl/days.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backoffice/books/period.h"
#include "lib/base/array.h"
#include "lib/base/number.h"
#include "rules/calendar.h"
#include "tools/atmctl/value.h"

enum { RELATIVE_MAX = 100000 };

static bool parse_word(const char *text, int32_t today, struct days *days)
{
        static const struct {
                const char *word;
                int32_t away;
        } words[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};

        for (size_t i = 0; i < LENGTH(words); i++) {
                if (!strcasecmp(words[i].word, text)) {
                        *days = (struct days){today + words[i].away, today + words[i].away, true};
                        return true;
                }
        }
        return false;
}

/* "-7d", "+2w" */
static bool parse_relative(const char *text, int32_t today, struct days *days)
{
        size_t length = strlen(text);
        char digits[8];
        int64_t count;
        int32_t day;

        if ((*text != '-' && *text != '+') || length < 3 || length - 2 >= sizeof(digits) ||
            (text[length - 1] != 'd' && text[length - 1] != 'w'))
                return false;
        snprintf(digits, sizeof(digits), "%.*s", (int)length - 2, text + 1);
        if (!number_parse(digits, 0, RELATIVE_MAX, &count))
                return false;
        count *= text[length - 1] == 'w' ? 7 : 1;
        day = today + (int32_t)(*text == '-' ? -count : count);
        *days = (struct days){day, day, true};
        return true;
}

/* A month, or quarters of a fiscal year. */
static bool parse_period(const char *text, struct days *days)
{
        char name[VALUE_MAX];
        struct period period;

        if (value_check(VALUE_MONTH, text, name))
                period_of_month(name, &period);
        else if (value_check(VALUE_PERIOD, text, name))
                period_of_name(name, &period);
        else
                return false;
        *days = (struct days){period.first_day, period.last_day, false};
        return true;
}

bool days_parse(const char *text, int32_t today, struct days *ret_days)
{
        int32_t day;

        if (value_parse_day(text, &day)) {
                *ret_days = (struct days){day, day, false};
                return true;
        }
        return parse_word(text, today, ret_days) || parse_relative(text, today, ret_days) ||
               parse_period(text, ret_days);
}
