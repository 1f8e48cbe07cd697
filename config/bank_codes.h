/*
 * What a bank's DE 39 means here: the last two sections of its dialect's file, above a table for codes that the
 * file does not list.
 *
 * Of an 0210 a code becomes one of our reasons: 00 is the approval and no other code is; what no row names is
 * DECLINED (05). Of an 0230 or 0430 a code is one of the five verdicts below; what no row names is a case for people.
 * The bank's own code is always kept beside what was made of it.
 *
 * A code has two characters, digits or letters (DE 39 is an 2).
 */
#ifndef CONFIG_BANK_CODES_H
#define CONFIG_BANK_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "rules/reasons.h"

enum {
        BANK_CODE_LENGTH = 2,
        BANK_CODES = 36 * 36, /* 0-9 and A-Z, twice */
        BANK_UNLISTED = 0xff,
        BANK_CODES_ERROR_MAX = 400,
};

/* What the answer to a notice says. Only AGAIN lets it be sent again. */
enum notice_verdict {
        NOTICE_DONE,     /* heard and booked */
        NOTICE_REPEATED, /* it was told before: booked */
        NOTICE_MISSING, /* it knows no such original: as it should be after a time-out, and to a reversal that had no
                            answer before; a case after an approval */
        NOTICE_CASE,  /* it will not book it: people must settle it */
        NOTICE_AGAIN, /* not now */
        NOTICE_VERDICT_COUNT
};
extern const char *const notice_verdict_name[NOTICE_VERDICT_COUNT]; /* "done", "repeated", ... */

/* A value type. */
struct bank_codes {
        uint8_t reason[BANK_CODES + 1];  /* enum reason, or BANK_UNLISTED; the last is of 'other' */
        uint8_t verdict[BANK_CODES + 1]; /* enum notice_verdict, likewise */
        char wrong_mac[BANK_CODE_LENGTH +
                       1]; /* what a message whose MAC is wrong is answered with, by either side */
};

/* The rows that hold where a dialect says nothing: ISO 8583:1987's codes. */
void bank_codes_init(struct bank_codes *ret_codes);

/* The place of a code among BANK_CODES, that of 'other' behind them all, or -1: no code. */
int bank_code_place(const char *code);

/* One row of a file: '51 = NOT_COVERED' of an 0210, '25 = missing' of a notice; the code 'other' stands for all that
 * no row names. False with a text that says what was expected. */
ATM_MUST_USE bool bank_codes_set_reason(struct bank_codes *codes, const char *code, const char *reason,
                                        char error[BANK_CODES_ERROR_MAX]);
ATM_MUST_USE bool bank_codes_set_verdict(struct bank_codes *codes, const char *code, const char *verdict,
                                         char error[BANK_CODES_ERROR_MAX]);

/* The code of a wrong MAC. Where the file says nothing else of it, it is no fault of the card-holder's, and a notice is to be sent again. False: no code, or 00. */
ATM_MUST_USE bool bank_codes_set_wrong_mac(struct bank_codes *codes, const char *code);
/* After all of the file's rows. */
void bank_codes_end(struct bank_codes *codes);

/* de39: whatever a bank sent. What is no code (lower case, blanks, a sign) is what no row names. */
enum reason bank_codes_reason(const struct bank_codes *codes, const char *de39);
enum notice_verdict bank_codes_verdict(const struct bank_codes *codes, const char *de39);

/* The other way round, for who plays a bank. The `choice`-th, counted round, of the codes with which a request is
 * refused, or a notice is answered with this verdict; of what 'other' means, those that the requests' table names.
 * How many there are: 0, and nothing is written. */
size_t bank_codes_choose_refusal(const struct bank_codes *codes, uint64_t choice,
                                 char ret_code[BANK_CODE_LENGTH + 1]);
size_t bank_codes_choose_answer(const struct bank_codes *codes, enum notice_verdict verdict, uint64_t choice,
                                char ret_code[BANK_CODE_LENGTH + 1]);

/* The first code that means this reason; false: none does. */
ATM_MUST_USE bool bank_codes_code_of(const struct bank_codes *codes, enum reason reason,
                                     char ret_code[BANK_CODE_LENGTH + 1]);

/* Whether a reason can be a bank's to give: no approval, and no finding of our own. */
bool bank_codes_allow(enum reason reason);

#endif
