#include "backoffice/audit/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/tally.h"

enum { SLOTS_FIRST = 4096 };

static bool grow_slots(struct names *names, uint32_t slots)
{
        uint32_t *slot = calloc(slots, sizeof(*slot));

        if (!slot)
                return false;
        for (uint32_t i = 1; i < names->count; i++) {
                uint32_t at = (uint32_t)names->name[i].hash & (slots - 1);

                while (slot[at])
                        at = (at + 1) & (slots - 1);
                slot[at] = i;
        }
        free(names->slot);
        names->slot = slot;
        names->slots = slots;
        return true;
}

/* A new number for a text that has none. */
static uint32_t append(struct names *names, const char *text, size_t length, uint64_t hash)
{
        struct name_text *new;

        if (names->count == names->capacity) {
                uint32_t capacity = names->capacity ? names->capacity * 2 : 1024;
                struct name_text *grown = reallocarray(names->name, capacity, sizeof(*grown));

                if (!grown)
                        return NAME_NONE;
                names->name = grown;
                names->capacity = capacity;
        }
        new = &names->name[names->count];
        *new = (struct name_text){strndup(text, length), length, hash};
        return new->text ? names->count++ : NAME_NONE;
}

uint32_t names_add(struct names *names, const char *text, size_t length)
{
        uint64_t hash = tally_hash(text, length);
        uint32_t at = (uint32_t)hash & (names->slots - 1), number;

        while (names->slot[at]) {
                const struct name_text *known = &names->name[names->slot[at]];

                if (known->hash == hash && known->length == length && !memcmp(known->text, text, length))
                        return names->slot[at];
                at = (at + 1) & (names->slots - 1);
        }
        if (names->count >= names->slots / 2) {
                if (!grow_slots(names, names->slots * 2))
                        return NAME_NONE;
                at = (uint32_t)hash & (names->slots - 1);
                while (names->slot[at])
                        at = (at + 1) & (names->slots - 1);
        }
        number = append(names, text, length, hash);
        names->slot[at] = number;
        return number;
}

bool names_open(struct names *names)
{
        static const char *const words[] = {"answer",     "timeout",  "reversal",    "operator",
                                            "completion", "partial",  "00",          "exception resolve",
                                            "32",         "saf park", "21",          "saf retry",
                                            "68",         "bank",     "case",        "missing",
                                            "corrected",  "decided",  "contradicts", "out-of-range",
                                            "recovery"};

        *names = (struct names){.count = 0};
        if (!grow_slots(names, SLOTS_FIRST))
                return false;
        append(names, "-", 1, 0); /* NAME_NONE: in no slot */
        for (int band = 0; band < BAND_COUNT; band++)
                names_add(names, band_name[band], strlen(band_name[band]));
        for (int state = 0; state < WITHDRAWAL_STATE_COUNT; state++)
                names_add(names, withdrawal_state_name[state], strlen(withdrawal_state_name[state]));
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
                names_add(names, words[i], strlen(words[i]));
        return names->count == NAME_RULES_COUNT;
}

void names_close(struct names *names)
{
        for (uint32_t i = 0; i < names->count; i++)
                free(names->name[i].text);
        free(names->name);
        free(names->slot);
        *names = (struct names){.count = 0};
}
