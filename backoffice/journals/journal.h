/*
 * The ATMs' electronic journal: what each ATM did, one line a record, appended by one process to a file of
 * its own (DIR/atmsim-000001.journal, the next start writes 000002). Nothing is ever changed or removed.
 *
 *      Q TERMINAL STAN MOMENT AMOUNT TOKEN MASK            a withdrawal's 0200 is about to leave
 *      B TERMINAL STAN MOMENT TOKEN MASK                   a balance inquiry is about to leave
 *      A TERMINAL STAN MOMENT DE39 CHARGE RRN APPROVAL     its answer; '-' where it holds none
 *      V TERMINAL STAN MOMENT MTI WHY DISPENSED OSTAN OMOMENT   an advice about the withdrawal OSTAN OMOMENT
 *      K TERMINAL STAN MOMENT OSTAN OMOMENT                that advice was acknowledged
 *
 * MOMENT is business time in UTC, YYYYMMDDhhmmss: its last ten digits are DE 7. CHARGE is DE 28 in yen.
 * Each line ends with the CRC-32 (of ISO 3309, as gzip has it) of all before its last blank, eight
 * hexadecimal digits. A line that a crash cut short fails it; so does a line that was changed by hand.
 *
 * Invariants: a record is on disk before the message that it announces leaves (journal_flush, once for all
 * that want to send). There is no card number in it: token and mask stand for the card.
 */
#ifndef BACKOFFICE_JOURNALS_JOURNAL_H
#define BACKOFFICE_JOURNALS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"

enum { JOURNAL_LINE_MAX = 160, JOURNAL_ERROR_MAX = 512, JOURNAL_PATH_MAX = 512 };

enum journal_kind {
        JOURNAL_REQUEST = 'Q',
        JOURNAL_INQUIRY = 'B',
        JOURNAL_ANSWER = 'A',
        JOURNAL_ADVICE = 'V',
        JOURNAL_ACKNOWLEDGED = 'K',
};

struct journal_record {
        enum journal_kind kind;
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
        /* REQUEST, INQUIRY */
        int64_t amount_yen;
        uint8_t token[TOKEN_LENGTH];
        char mask[20];
        /* ANSWER */
        char de39[3];
        int64_t charge_yen; /* -1: none */
        char rrn[13];       /* "": none */
        char approval[7];
        /* ADVICE; the last two also ACKNOWLEDGED */
        bool reversal;
        char why[3]; /* of a reversal */
        int64_t dispensed_yen;
        int32_t original_stan;
        int64_t original_ms;
};

/* The line without its end; its length. */
size_t journal_print(const struct journal_record *record, char buffer[JOURNAL_LINE_MAX]);
/* NULL, or why the line is not a record. */
const char *journal_parse(const char *line, size_t length, struct journal_record *ret_record);

/* A folder's lock: one writer alone, or readers. -1 with a text in error[]. */
ATM_MUST_USE int journal_lock(const char *dir, bool write, char error[JOURNAL_ERROR_MAX]);

struct journal {
        int fd;
        int number;      /* of the file */
        int64_t offset;  /* where the next record goes, counting what is not written yet */
        bool unsynced;   /* written since the last fdatasync */
        bool incomplete; /* a record had no room */
        size_t length, room;
        char *buffer;
};

/* Start the next file of the folder, which is made where it isn't there. */
ATM_MUST_USE bool journal_open(struct journal *ret_journal, const char *dir, char error[JOURNAL_ERROR_MAX]);
/* Where the record will be. Without memory for it the next flush fails, and every one after it. */
int64_t journal_append(struct journal *journal, const struct journal_record *record);
/* Write what was appended; with sync wait until it is on disk. False: errno says why; nothing may leave. */
ATM_MUST_USE bool journal_flush(struct journal *journal, bool sync);
/* Flushes what is left. False: errno says why. Closed already is fine. */
ATM_MUST_USE bool journal_close(struct journal *journal);

/* The path of file `number`; the highest number in the folder (0: none; -1 with errno). */
void journal_path(const char *dir, int number, char buffer[JOURNAL_PATH_MAX]);
int journal_last(const char *dir);

/* What reading a file came upon. `torn`: its last line was cut short by a crash, which is no fault. */
struct journal_reader {
        void (*on_record)(const struct journal_record *record, void *context);
        void (*on_damage)(const char *path, uint64_t line, const char *why, void *context);
        /* A line is about to be read, that ends there in the file; NULL: nobody wants to know. */
        void (*on_line)(int64_t end, void *context);
        void *context;
        const char *only_terminal; /* NULL: all; others' lines are passed over unread */
};
/* Read from an offset (0, or where journal_append said a record is). False with a text in error[]: the file
 * can't be read. A file that doesn't exist is empty. */
ATM_MUST_USE bool journal_read(const char *path, int64_t offset, const struct journal_reader *reader,
                               char error[JOURNAL_ERROR_MAX]);

#endif
