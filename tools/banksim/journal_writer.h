/*
 * A bank's journal on its way to the disk (backoffice/journals/bank_journal.h says what a line is).
 *
 * Invariants: a record is on disk before the answer that it decides leaves (bank_journal_flush: one write and
 * one fdatasync for all that were appended). What a crash cut off at the file's end is cut away at the start and
 * said; where anything else is damaged, the bank does not start.
 */
#ifndef BANKSIM_JOURNAL_WRITER_H
#define BANKSIM_JOURNAL_WRITER_H

#include "backoffice/journals/bank_journal.h"
#include "tools/banksim/bank.h"

struct bank_journal {
        const char *path, *bank;
        int fd;
        char *buffer;
        size_t length, room;
        uint64_t records, syncs;
        int64_t torn_bytes; /* cut off at the start */
};

/* Open for writing, alone (flock); a new one is made with its folder. What it holds goes into the bank first.
 * mark: made from the token key. path is borrowed. */
ATM_MUST_USE bool bank_journal_open(struct bank_journal *ret_journal, const char *path, struct bank *bank,
                                    const char mark[BANK_JOURNAL_MARK_LENGTH + 1],
                                    char error[BANK_JOURNAL_ERROR_MAX]);
void bank_journal_append(struct bank_journal *journal, const struct bank_record *record);
/* Something is appended that is not on disk yet. */
bool bank_journal_waits(const struct bank_journal *journal);
/* False with errno: it is unknown what is on disk, so nothing may be answered any more. */
ATM_MUST_USE bool bank_journal_flush(struct bank_journal *journal);
void bank_journal_close(struct bank_journal *journal);

/* From the key alone; says nothing about it. */
void bank_journal_mark(struct token_key *key, char buffer[BANK_JOURNAL_MARK_LENGTH + 1]);

#endif
