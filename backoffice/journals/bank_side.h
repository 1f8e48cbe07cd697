/*
 * What the banks' side says of every withdrawal: all journals of one or more folders (*.journal, as banksim
 * writes them), folded to one entry a withdrawal and bank, sorted by terminal, moment and STAN. Entries are
 * small, so that millions fit in memory. Inquiries and cutovers move no money and are passed over.
 */
#ifndef BACKOFFICE_JOURNALS_BANK_SIDE_H
#define BACKOFFICE_JOURNALS_BANK_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "backoffice/journals/marks.h"

enum { BANK_SIDE_ERROR_MAX = 1024, BANK_SIDE_NAME_MAX = 11, BANK_SIDE_BANKS_MAX = 250 };

struct bank_entry {
        int64_t transmitted_ms;
        int64_t amount_yen,
            charge_yen;        /* of the 0200, or what the first advice said of one that never came */
        int64_t dispensed_yen; /* as the last advice that changed anything said */
        int64_t held_yen;      /* debited from the card-holder and not given back */
        int32_t stan;
        uint8_t bank;         /* of the banks */
        bool asked;           /* the 0200 came */
        bool told;            /* some advice came and was booked */
        bool exception;       /* an advice did not fit: cash for what was declined, or more than before */
        bool refused;         /* one was answered and not booked; what follows is the last of these */
        uint8_t refused_kind; /* enum bank_kind */
        char refused_de39[3];
        int64_t refused_yen; /* the cash that it said was dispensed */
        bool is_late;        /* a record of it lies behind the mark */
        bool has_card;
        char terminal[9];
        char de39[3], approval[7], rrn[13]; /* of the 0200's answer */
        uint8_t token[TOKEN_LENGTH];
};

struct bank_total {
        char name[BANK_SIDE_NAME_MAX + 1];
        uint64_t withdrawals, records;
        int64_t held_yen;
};

struct bank_side {
        struct marks marks;
        struct bank_total bank[BANK_SIDE_BANKS_MAX];
        size_t banks;
        struct bank_entry *entry;
        size_t count, room;
        uint32_t *slot; /* while reading: position + 1 by hash, 0: empty; a power of two of them */
        size_t slots;
        /* what in the journals is not as a bank writes it */
        void (*on_fault)(const char *what, const char *terminal, const char *text, void *context);
        /* a file was read, or many lines of one: for progress; NULL: nobody wants it */
        void (*on_lines)(uint64_t lines, void *context);
        void *context;
        uint64_t lines;
        char error[BANK_SIDE_ERROR_MAX];
};

/* Mark how far the journals go, as atm_side_mark does. Before bank_side_read. False with side->error. */
ATM_MUST_USE bool bank_side_mark(struct bank_side *side, const char *const *folders, size_t count);
/* Fold all folders and sort the entries by terminal, moment, STAN, bank. Once. False with side->error. */
ATM_MUST_USE bool bank_side_read(struct bank_side *side, const char *const *folders, size_t count);
void bank_side_free(struct bank_side *side);

#endif
