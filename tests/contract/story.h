/*
 * A small history in which everything has happened once, made by the ledger's own functions, and the journals that its ATMs and
 * banks would have of it: what the audit is held to.
 */
#ifndef TESTS_CONTRACT_STORY_H
#define TESTS_CONTRACT_STORY_H

#include "tests/contract/world.h"

/* Its withdrawals, by STAN. */
enum story_part {
        STORY_COMPLETED = 1,
        STORY_PARTIAL,
        STORY_REVERSED,
        STORY_OPEN,
        STORY_CORRECTED,
        STORY_NOT_COVERED,
        STORY_BLOCKED,
        STORY_RESOLVED, /* an advice of more cash than was asked for; a person decided */
        STORY_BANK_COMPLETED,
        STORY_BANK_WAITS, /* in part; its notice is parked */
        STORY_BANK_TIMEOUT,
        STORY_BANK_ASKED,
        STORY_BANK_APPROVED,
        STORY_BANK_DECLINED,
        STORY_BANK_REVERSED, /* while it was asked */
        STORY_BANK_LATE,     /* approved when it had timed out */
        STORY_BANK_CASE,     /* its bank would not book the completion */
        STORY_CONTRADICTED,  /* an advice with numbers of another one, and one out of range */
        STORY_REPLACED,      /* its card, since */
        STORY_POSTED_LATE,   /* in the books of the quarter after its own */
        STORY_EXCLUDED,
        STORY_OVER_LIMIT,
        STORY_NEXT_QUARTER,
        STORY_BANK_DOWN, /* refused, and its bank not asked */
        STORY_PARTS,
        STORY_RECOVERED, /* from journals, after the books were closed */
        STORY_UNRECOVERED,
        /* refused for their PINs, and one after a right PIN; two are inquiries */
        STORY_PIN_WRONG = 40,
        STORY_PIN_MISSING,
        STORY_PIN_RIGHT,
        STORY_PIN_INQUIRY_WRONG,
        STORY_PIN_INQUIRY_RIGHT,
        STORY_PIN_COUNTED, /* still */
        STORY_PIN_UNBLOCKED
};

/* The world's database then holds it. */
void story_open(struct world *world);
/* The journals of what the database holds now: FOLDER/atm and FOLDER/banks. */
void story_write_journals(struct world *world, const char *folder);

#endif
