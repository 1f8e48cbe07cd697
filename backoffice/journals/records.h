/*
 * All that ATMs and banks wrote of some withdrawals, record by record: for who must tell what happened once more, where the sides
 * (atm_side.h, bank_side.h) keep only what became of each.
 *
 *      records_want, in the order of terminal, moment and STAN--> records_read--> records_atm, records_bank --> records_free
 */
#ifndef BACKOFFICE_JOURNALS_RECORDS_H
#define BACKOFFICE_JOURNALS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoffice/journals/bank_record.h"
#include "backoffice/journals/journal.h"

enum { RECORDS_ERROR_MAX = 1024 };

struct record_key {
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
};

/* What an ATM wrote: its request, and each advice, which is acknowledged or not. */
struct atm_word {
        size_t of; /* the place of its withdrawal among those wanted */
        size_t place;
        bool is_acknowledged;
        struct journal_record record;
};

/* What a bank decided, or was told. */
struct bank_word {
        size_t of, place;
        char bank[BANK_NAME_MAX + 1];
        struct bank_record record;
};

struct records {
        struct record_key *key;
        size_t count, room;
        struct atm_word *atm; /* by withdrawal, in the order in which they were written */
        size_t atms, atm_room;
        struct bank_word *bank; /* likewise */
        size_t banks, bank_room;
        bool failed; /* error[] says why */
        char error[RECORDS_ERROR_MAX];
};

/* False: out of memory. */
ATM_MUST_USE bool records_want(struct records *records, const struct record_key *key);
/* Lines that are no records are passed over: who reads the sides hears of them. False with records->error. */
ATM_MUST_USE bool records_read(struct records *records, const char *const *atm_folders, size_t atm_count,
                               const char *const *bank_folders, size_t bank_count);
/* Those of the withdrawal in that place; how many. */
size_t records_atm(const struct records *records, size_t of, const struct atm_word **ret_first);
size_t records_bank(const struct records *records, size_t of, const struct bank_word **ret_first);
void records_free(struct records *records);

#endif
