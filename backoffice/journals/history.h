/*
 * What the ATMs' side says of every withdrawal: all journals of one or more folders, folded to one entry a
 * withdrawal and sorted by terminal, moment and STAN, and what the dispensers counted in all. Entries are
 * small (an entry a withdrawal is all that is kept), so that millions fit in memory.
 */
#ifndef BACKOFFICE_JOURNALS_HISTORY_H
#define BACKOFFICE_JOURNALS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "backoffice/journals/terminals.h"

enum { HISTORY_ERROR_MAX = 640 };

enum history_end {
        HISTORY_OPEN, /* no end: the 0200 has no answer, or cash has no acknowledged advice */
        HISTORY_DECLINED,
        HISTORY_ADVISED, /* an advice about paid_yen was acknowledged */
};

struct history_entry {
        int64_t transmitted_ms;
        int64_t amount_yen, paid_yen;
        int64_t charge_yen; /* -1: no answer with a charge is known */
        uint32_t terminal;  /* of the terminals */
        int32_t stan;
        int32_t advice_stan;
        uint8_t end;   /* enum history_end */
        bool approved; /* an answer 00 is recorded */
        bool advised;
        char de39[3];
        char head[7]; /* the card number's first six digits */
        uint8_t token[TOKEN_LENGTH];
};

struct history_terminal {
        int64_t counted_yen; /* by its dispenser */
        int64_t journal_yen; /* sum of paid_yen */
        int64_t last_entry;  /* while reading; -1: none in this folder */
};

struct history {
        struct terminals terminals;
        struct history_terminal *totals; /* one a terminal, in their order */
        size_t totals_room;
        struct history_entry *entry;
        size_t count, room;
        /* what in the journals is not as an ATM writes it */
        void (*on_fault)(const char *what, const char *terminal, const char *text, void *context);
        void *context;
        char error[HISTORY_ERROR_MAX];
};

/* Fold a folder into the history. False with history->error. */
ATM_MUST_USE bool history_read(struct history *history, const char *dir);
/* Sort the entries by terminal (as text), moment, STAN. */
void history_sort(struct history *history);
void history_free(struct history *history);

#endif
