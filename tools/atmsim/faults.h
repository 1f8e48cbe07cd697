/*
 * What can go wrong at an ATM and on its line, by rate. Each withdrawal gets its plan when its customer
 * comes; the ATM's state machine carries it out where the withdrawal gets that far, and counts it then.
 */
#ifndef ATMSIM_FAULTS_H
#define ATMSIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "lib/base/random.h"
#include "lib/cli/options.h"

enum fault {
        FAULT_NO_DISPENSE, /* approved, but no note comes out: 0420/22 */
        FAULT_PARTIAL,     /* only some of the notes come out: 0420/32 with DE 95 */
        FAULT_LOST_ANSWER, /* an answer is thrown away as if it had never come */
        FAULT_DROP,        /* the connection is cut somewhere in the exchange */
        FAULT_DUPLICATE,   /* a 0200 or an advice is sent twice */
        FAULT_REORDER,     /* an advice reaches the host before another message of its withdrawal */
        FAULT_RETRACT,     /* notes that nobody took come back after the completion: 0420 with what is left */
        FAULT_POWER_LOSS,  /* the ATM forgets everything but its journal and its dispenser's counters */
        FAULT_WRONG_MAC,   /* a 0200 or an advice leaves with a MAC under another key */
        FAULT_NO_MAC,      /* with none */
        FAULT_OTHER_MAC,   /* with the one of another message */
        FAULT_NO_PIN,      /* a 0200 leaves without a PIN */
        FAULT_BAD_PIN,     /* with a PIN block that is not in order */
        FAULT_COUNT
};
extern const char *const fault_name[FAULT_COUNT]; /* "no-dispense", ... as in --faults */

struct fault_rates {
        double rate[FAULT_COUNT];
};

/* Points of an exchange at which the line can be cut. MID: after some bytes of the frame. */
enum cut_point {
        CUT_BEFORE_REQUEST,
        CUT_MID_REQUEST,
        CUT_AFTER_REQUEST,
        CUT_BEFORE_ADVICE,
        CUT_MID_ADVICE,
        CUT_AFTER_ADVICE,
        CUT_POINT_COUNT
};

/* Points at which the power can fail. */
enum power_point {
        POWER_BEFORE_REQUEST,  /* 0200 in the journal, not sent */
        POWER_AFTER_REQUEST,   /* 0200 sent */
        POWER_BEFORE_DISPENSE, /* approved, nothing recorded, nothing dispensed */
        POWER_AFTER_DISPENSE,  /* notes are out, the journal doesn't know */
        POWER_BEFORE_ADVICE,   /* advice in the journal, not sent */
        POWER_AFTER_ADVICE,    /* advice sent, no acknowledgement yet */
        POWER_POINT_COUNT
};

enum reorder_kind {
        REORDER_REVERSAL_FIRST,  /* 0420, acknowledged, then its 0200: must be refused with 94 */
        REORDER_REVERSAL_BEHIND, /* 0200 and 0420 at once, then the repeat 0201 */
        REORDER_OVERTAKING,      /* 0200, cut, 0420 on another connection, then the repeat 0201 */
        REORDER_REPEAT_LATE,     /* 0200, 0220, and only then a repeat 0201 */
        REORDER_KIND_COUNT
};

enum mac_fault { MAC_RIGHT, MAC_WRONG, MAC_MISSING, MAC_OF_ANOTHER };
enum pin_fault { PIN_RIGHT, PIN_MISTYPED, PIN_MISSING, PIN_UNREADABLE };

struct fault_plan {
        bool wanted[FAULT_COUNT];
        enum cut_point cut;
        enum power_point power;
        enum reorder_kind reorder;
        bool lose_advice_answer;  /* FAULT_LOST_ANSWER: of the advice, else of the request */
        uint8_t lose_count;       /* how many answers of that kind are thrown away */
        bool duplicate_advice;    /* FAULT_DUPLICATE: the advice, else the request */
        bool duplicate_as_repeat; /* the second copy says 0201, 0221 or 0421 */
        bool mac_of_advice;       /* FAULT_WRONG_MAC and the other two: the advice's, else the request's */
        uint32_t draw;            /* chooses the missing notes and the byte to cut at */
};

/* "no-dispense=0.02,drop=0.01": false with a text that names the bad part. */
ATM_MUST_USE bool faults_parse(const char *text, struct fault_rates *ret_rates,
                               char error[OPTIONS_ERROR_MAX]);
/* Does anything go wrong in it? */
bool faults_planned(const struct fault_plan *plan);
void faults_draw(const struct fault_rates *rates, struct random *random, struct fault_plan *ret_plan);

#endif
