/* Where halls were, since when, and what share they had: what verify holds summaries and prices to. */
#ifndef BACKOFFICE_AUDIT_PLACES_H
#define BACKOFFICE_AUDIT_PLACES_H

#include "backoffice/audit/copy_out.h"

struct place {
        uint32_t hall; /* its name */
        int32_t from_day;
        int32_t share_bp; /* -1: an earlier release may have priced by others meanwhile */
};

struct places {
        struct place *place; /* by hall, from_day */
        size_t count;
};

/* False after a failure that the source says. places_close in any case. */
ATM_MUST_USE bool places_open(struct places *places, struct copy_source *source);
void places_close(struct places *places);
/* That of a hall on a day. NULL: there is no such hall. */
const struct place *places_find(const struct places *places, uint32_t hall, int32_t day);
/* Whether it was in more than one. */
bool places_moved(const struct places *places, uint32_t hall);

#endif
