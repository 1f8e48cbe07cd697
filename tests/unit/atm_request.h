/* What an ATM says, with what its row of the profile demands, but for what a test adds itself (DE 70, totals). */
#ifndef TESTS_UNIT_ATM_REQUEST_H
#define TESTS_UNIT_ATM_REQUEST_H

#include <stdio.h>

#include "protocol/iso8583.h"

/* A withdrawal of 10,000 yen, or, with 0220 and 0420, what became of the one with STAN 1 at de7. */
static inline void atm_request(struct iso_message *message, const char *mti, const char *terminal, int stan,
                               const char *de7, const char *pan)
{
        char original[43];

        iso_init(message, mti);
        iso_set_string(message, 7, de7);
        iso_set_number(message, 11, stan, 6);
        iso_set_string(message, 41, terminal);
        if (mti[1] == '8' || mti[1] == '5' || mti[1] == '6')
                return;
        iso_set_string(message, 3, "010000");
        iso_set_number(message, 4, 10000, 12);
        iso_set_string(message, 49, "392");
        if (mti[1] == '2' && mti[2] == '0') {
                iso_set_string(message, 2, pan);
                iso_set_string(message, 14, "3012");
                return;
        }
        snprintf(original, sizeof(original), "0200000001%s%022d", de7, 0);
        iso_set_string(message, 90, original);
        if (mti[1] == '4')
                iso_set_string(message, 39, "17");
}

#endif
