/*
 * A bank's journal: one line for each thing that it decided or was told, appended to one file, never changed.
 *
 *      banksim journal 1 BANK KEYMARK CRC
 *      KIND BANK TERMINAL STAN MOMENT RRN DE3 AMOUNT CHARGE DISPENSED DE39 APPROVAL DAY MOVED BALANCE NOTE \
 *              TOKEN MASK CRC
 *
 * KIND       withdrawal, inquiry (0200) | completion (0220) | partial, reversal (0420) | cutover (0800/201)
 * TERMINAL, STAN, MOMENT
 *            the withdrawal, whatever the message was: DE 41, DE 11, and DE 7 with its year, UTC, YYYYMMDDhhmmss
 * RRN        DE 37
 * DE3        six digits
 * AMOUNT, CHARGE
 *            DE 4 and DE 28 of the 0200; in an advice about an unknown withdrawal DE 4 of the advice and 0
 * DISPENSED  the cash that an advice says was dispensed; 0 in a request
 * DE39       how it was answered; APPROVAL: its DE 38
 * DAY        the bank's settlement date, YYYY-MM-DD, in Japan
 * MOVED      yen to the card's account: a debit is below zero. BALANCE: of the account after it
 * NOTE       `exception` where the cash of an advice does not fit its withdrawal; `refused` where the bank answered an
 *            advice with DE39 and did not book it; `script` where it tells what became of the bank's script, of itself or behind `+`
 * TOKEN, MASK
 *            keyed token and first 6, last 4 of the card: there is no card number in a journal
 * CRC        CRC-32 (ISO 3309) of all before the last blank, eight hexadecimal digits
 *
 * '-' stands where there is nothing. KEYMARK is made from the token key, so that another key is noticed.
 *
 * Here is the form of a line and the way back; who writes is tools/banksim/journal_writer.h. What is cut off at the
 * file's end by a crash was never answered: a last line without its end, or with zero bytes where a file system
 * had not written yet. Any other line that is not whole is damage, named by its number.
 */
#ifndef BACKOFFICE_JOURNALS_BANK_JOURNAL_H
#define BACKOFFICE_JOURNALS_BANK_JOURNAL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoffice/journals/bank_record.h"
#include "lib/base/attributes.h"

enum { BANK_JOURNAL_LINE_MAX = 384, BANK_JOURNAL_ERROR_MAX = 768, BANK_JOURNAL_MARK_LENGTH = 8 };

/* The line without its end; its length. */
size_t bank_journal_print(const char *bank, const struct bank_record *record,
                          char buffer[BANK_JOURNAL_LINE_MAX]);
/* NULL, or why the line is no record. ret_bank: the bank that wrote it. */
const char *bank_journal_parse(const char *line, size_t length, char ret_bank[BANK_NAME_MAX + 1],
                               struct bank_record *ret_record);

struct bank_journal_found;

struct bank_journal_reader {
        /* The first line is read: whose journal it is. NULL, or why it can't be. May itself be NULL. */
        const char *(*on_header)(const struct bank_journal_found *found, void *context);
        /* A line is about to be read, that ends there in the file; NULL: nobody wants to know. */
        void (*on_line)(int64_t end, void *context);
        /* NULL, or why the record can't be; then on_damage hears it. */
        const char *(*on_record)(const char *bank, const struct bank_record *record, void *context);
        /* A line that is no record, by its number. False: stop reading. */
        bool (*on_damage)(const char *path, uint64_t line, const char *why, void *context);
        void *context;
};

struct bank_journal_found {
        char bank[BANK_NAME_MAX + 1];
        char mark[BANK_JOURNAL_MARK_LENGTH + 1];
        uint64_t records;
        int64_t whole_bytes; /* up to the end of the last whole line */
        int64_t torn_bytes;  /* behind it, cut off by a crash */
};

/* Read a journal, for a start or for a reconciliation. False with a text in error[]: it can't be read, is no
 * journal, or on_damage wanted no more. */
ATM_MUST_USE bool bank_journal_read(const char *path, const struct bank_journal_reader *reader,
                                    struct bank_journal_found *ret_found, char error[BANK_JOURNAL_ERROR_MAX]);
/* The same of an open file, from where it stands. path is for messages. */
ATM_MUST_USE bool bank_journal_scan(const char *path, int fd, const struct bank_journal_reader *reader,
                                    struct bank_journal_found *ret_found, char error[BANK_JOURNAL_ERROR_MAX]);

/* Put what is wrong with a journal into error[]. False. */
bool bank_journal_fail(char error[BANK_JOURNAL_ERROR_MAX], const char *format, ...) ATM_PRINTF(2, 3);

/* The first line of a journal, without its end; its length. */
size_t bank_journal_print_header(const char *bank, const char *mark, char buffer[BANK_JOURNAL_LINE_MAX]);

/* Is a folder's file one of them, by its name? As scandir asks. */
int bank_journal_is(const struct dirent *file);

#endif
