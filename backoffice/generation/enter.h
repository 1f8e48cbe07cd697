/* What a scenario says that finance entered: contracts of its ATMs, costs, targets, published figures and so on. */
#ifndef BACKOFFICE_GENERATION_ENTER_H
#define BACKOFFICE_GENERATION_ENTER_H

#include <libpq-fe.h>

#include "backoffice/generation/business.h"
#include "lib/db/pg_query.h"

/* What a word of such a section is to be. */
enum generation_word {
        WORD_ANY,
        WORD_QUARTER,
        WORD_FISCAL_YEAR,
        WORD_PERIOD,
        WORD_DATE,
        WORD_PEER,
        WORD_PEER_ITEM,
        WORD_COST_ITEM,
        WORD_RESULT_ITEM,
        WORD_RATE_ITEM,
        WORD_AREA,
        WORD_NUMBER,
        WORD_YEN,    /* not below zero */
        WORD_AMOUNT, /* yen or a number, below zero too */
        WORD_BASIS_POINTS,
        WORD_DECIMAL,
        GENERATION_WORDS
};

enum { GENERATION_WORD_MAX = 512, GENERATION_WHY_MAX = 1024 };

/* How such words are written is the caller's to say: its canonical form, or false with "'x': expected ...". */
typedef bool generation_check(enum generation_word word, const char *text,
                              char ret_canonical[GENERATION_WORD_MAX], char ret_why[GENERATION_WHY_MAX]);

/* One transaction; what is there already stays as it is. False with an error that names file and line. */
ATM_MUST_USE bool generation_enter(PGconn *connection, const struct business_plan *plan,
                                   const char (*terminal)[9], generation_check *check,
                                   char error[PG_ERROR_MAX]);

#endif
