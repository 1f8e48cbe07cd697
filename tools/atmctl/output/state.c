/* The words: what is as it should be green, what has no end yet yellow, what somebody should look at red. */
#include "tools/atmctl/output/state.h"

#include <string.h>

#include "lib/base/array.h"

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"

const char state_colour_end[] = "\033[0m";

static const struct {
        const char *word, *colour;
} words[] = {
    {"asked", YELLOW},    {"approved", YELLOW}, {"completed", GREEN}, {"declined", RED},
    {"blocked", RED},     {"active", GREEN},    {"lost", RED},        {"stolen", RED},
    {"replaced", YELLOW}, {"waiting", YELLOW},  {"parked", RED},      {"acknowledged", GREEN},
    {"up", GREEN},        {"down", RED},        {"primary", GREEN},   {"unreachable", RED},
    {"signed_off", RED},  {"unknown", YELLOW},  {"due", YELLOW},      {"behind", YELLOW},
    {"proposed", YELLOW}, {"confirmed", GREEN},
};

const char *state_colour(const char *word)
{
        for (size_t i = 0; i < LENGTH(words); i++) {
                if (!strcmp(words[i].word, word))
                        return words[i].colour;
        }
        return NULL;
}
