/*
 * What the ATMs' side says of every withdrawal: all journals of one or more folders, folded to one entry a
 * withdrawal and sorted by terminal, moment and STAN, and what the dispensers counted in all. Entries are
 * small (an entry a withdrawal is all that is kept), so that millions fit in memory.
 */
#ifndef BACKOFFICE_JOURNALS_ATM_SIDE_H
#define BACKOFFICE_JOURNALS_ATM_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "backoffice/journals/marks.h"
#include "backoffice/journals/terminals.h"

enum { ATM_SIDE_ERROR_MAX = 768 };

enum atm_end {
        ATM_OPEN, /* no end: the 0200 has no answer, or cash has no acknowledged advice */
        ATM_DECLINED,
        ATM_ADVISED, /* an advice about paid_yen was acknowledged */
};

struct atm_entry {
        int64_t transmitted_ms;
        int64_t amount_yen, paid_yen;
        int64_t charge_yen; /* -1: no answer with a charge is known */
        uint32_t terminal;  /* of the terminals */
        int32_t stan;
        int32_t advice_stan;
        uint8_t end;   /* enum atm_end */
        bool approved; /* an answer 00 is recorded */
        bool advised;
        bool is_late; /* a record of it lies behind the mark */
        char de39[3];
        char approval[7]; /* the answer's; "": none */
        char head[7];     /* the card number's first six digits */
        uint8_t token[TOKEN_LENGTH];
};

struct atm_total {
        int64_t counted_yen; /* by its dispenser */
        int64_t journal_yen; /* sum of paid_yen */
        int64_t last_entry;  /* while reading; -1: none in this folder */
};

struct atm_side {
        struct marks marks;
        struct terminals terminals;
        struct atm_total *totals; /* one a terminal, in their order */
        size_t totals_room;
        struct atm_entry *entry;
        size_t count, room;
        /* what in the journals is not as an ATM writes it */
        void (*on_fault)(const char *what, const char *terminal, const char *text, void *context);
        /* a folder is about to be read: for progress; NULL: nobody wants it */
        void (*on_folder)(const char *folder, void *context);
        void *context;
        char error[ATM_SIDE_ERROR_MAX];
};

/* Mark how far the journals go: whatever ATMs write from here on makes its withdrawals late. Without marks each folder is locked
 * while it is read, against ATMs that would write. Before atm_side_read. False with side->error. */
ATM_MUST_USE bool atm_side_mark(struct atm_side *side, const char *const *folders, size_t count);
/* Fold all folders and sort the entries by terminal (as text), moment, STAN. False with side->error. */
ATM_MUST_USE bool atm_side_read(struct atm_side *side, const char *const *folders, size_t count);
void atm_side_free(struct atm_side *side);

#endif
