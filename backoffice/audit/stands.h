/* In which halls ATMs stood by contract, and stand now: what verify holds the hall of a withdrawal to. */
#ifndef BACKOFFICE_AUDIT_STANDS_H
#define BACKOFFICE_AUDIT_STANDS_H

#include "backoffice/audit/copy_out.h"

struct stand {
        uint32_t terminal, hall;     /* names */
        int32_t from_day, until_day; /* [from, until) */
};

struct stands {
        struct stand *stand; /* by terminal */
        size_t count;
};

/* False after a failure that the source says. stands_close in any case. */
ATM_MUST_USE bool stands_open(struct stands *stands, struct copy_source *source);
void stands_close(struct stands *stands);
/* Where an ATM stood on a day; NAME_NONE: it may well have been in that hall. An ATM that moves does so within a day, and is in
 * its new hall before or after the contract says; one without a contract is anywhere. */
uint32_t stands_contradict(const struct stands *stands, uint32_t terminal, uint32_t hall, int32_t day);

#endif
