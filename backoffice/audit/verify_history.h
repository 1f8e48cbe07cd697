/*
 * The withdrawals of a quarter, or of a part of its ATMs, with what hangs on each: outcome, advices,
 * commission rows, notices, acknowledgements, what is open and what is to be sent. Every table is read once,
 * in whatever order it lies; a row finds its withdrawal by the key. Rows without one get an entry that is not
 * `present`.
 *
 *      begin --read tables in their order--> READ --check--> done, memory kept for the next
 *
 * What a row says of itself is checked as it comes, the rest withdrawal by withdrawal in the end. In memory a
 * withdrawal takes HISTORY_WITHDRAWAL_SIZE bytes, or little more.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_HISTORY_H
#define BACKOFFICE_AUDIT_VERIFY_HISTORY_H

#include "backoffice/audit/verifying.h"

enum { HISTORY_WITHDRAWAL_SIZE = 400 };

/* What is to be read: moments as SQL has them, [from, to), and of `parts` parts of the ATMs one. */
struct history_piece {
        char from[16], to[16];
        int parts, part;
};

/* False after a failure that the source says. */
ATM_MUST_USE bool verify_history_open(struct verify_history *history);
void verify_history_close(struct verify_history *history);
/* After the last piece. */
void verify_history_end(struct verify_history *history);
ATM_MUST_USE bool verify_history_piece(struct verify_history *history, const struct history_piece *piece);

#endif
