#include "backoffice/pages/case_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/array.h"

/* The first row that fits; kind or what NULL: any. {} is what it is. */
static const struct {
        const char *kind, *what, *text;
} texts[] = {
    {"", "no outcome", "its bank was asked and has not answered"},
    {"", "no end", "approved, and its ATM has not said what became of it"},
    {"bank", NULL, "its bank would not book how it ended: {}"},
    {"recovery", NULL, "lost by a restore, and journals could not bring it back: {}"},
    {"claim", NULL, "{}: what somebody says and no book does"},
    {NULL, "corrected", "its ATM took back cash that was completed, and the books followed"},
    {NULL, "contradicts", "its ATM's word has the numbers of another one"},
    {NULL, "out of range", "its ATM spoke of a time that the ledger has no place for"},
    {NULL, "settled",
     "its ATM says otherwise: completed, and no correction any more: too late, not the first of its card and "
     "day, or the ATM disabled"},
    {NULL, "decided", "its ATM says otherwise: a person has decided it"},
    {NULL, NULL, "its ATM says otherwise: to us it was {}"},
};

void case_text(const char *kind, const char *what, char buffer[CASE_TEXT_MAX])
{
        size_t i = 0;
        const char *text, *place;

        while ((texts[i].kind && strcmp(texts[i].kind, kind)) ||
               (texts[i].what && strcmp(texts[i].what, what)))
                i++;
        text = texts[i].text;
        place = strstr(text, "{}");
        if (place)
                snprintf(buffer, CASE_TEXT_MAX, "%.*s%s%s", (int)(place - text), text, what, place + 2);
        else
                snprintf(buffer, CASE_TEXT_MAX, "%s", text);
}

void case_age(int64_t minutes, char buffer[CASE_AGE_MAX])
{
        int64_t hours = minutes / 60, days = hours / 24;

        if (days)
                snprintf(buffer, CASE_AGE_MAX, "%" PRId64 " d %" PRId64 " h", days, hours % 24);
        else if (hours)
                snprintf(buffer, CASE_AGE_MAX, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
        else
                snprintf(buffer, CASE_AGE_MAX, "%" PRId64 " min", minutes);
}
