/*
 * The kinds of values that people type, in options and in CSV files alike: how each is called in help, what
 * it must look like, and the form in which PostgreSQL gets it. One row a kind.
 */
#ifndef ATMCTL_VALUE_H
#define ATMCTL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum value_kind {
        VALUE_NONE, /* an option without a value */
        VALUE_TEXT,
        VALUE_PREFECTURE,
        VALUE_AREA,
        VALUE_HALL,
        VALUE_TERMINAL,
        VALUE_ISSUER,
        VALUE_LINK,
        VALUE_PREFIX,
        VALUE_DATE,
        VALUE_MONTH,
        VALUE_FISCAL_YEAR,
        VALUE_QUARTER_NUMBER, /* of a fiscal year */
        VALUE_QUARTER,        /* 3Q16 */
        VALUE_PERIOD,         /* one or several quarters of a fiscal year: 3Q16, 1Q-3Q16 */
        VALUE_TIME,
        VALUE_MOMENT,
        VALUE_FEE,
        VALUE_YEN,
        VALUE_CLAIM,
        VALUE_BALANCE,
        VALUE_NUMBER,
        VALUE_DAYS,
        VALUE_BASIS_POINTS,
        VALUE_REGISTRATION,
        VALUE_BOOL,
        VALUE_BAND,
        VALUE_CARD_KIND,
        VALUE_ROUNDING,
        VALUE_LIMIT_KIND,
        VALUE_DAY_KIND,
        VALUE_HOLIDAY_SOURCE,
        VALUE_CARD_STATUS, /* that a person may set */
        VALUE_CARD_STATUS_ANY,
        VALUE_CARD_END, /* why a replaced card is refused */
        VALUE_EXPIRY,
        VALUE_PIN_METHOD,
        VALUE_PIN_TRIES,
        VALUE_PIN_VALUE,
        VALUE_PAN,
        VALUE_PAN_STDIN,
        VALUE_TOKEN,
        VALUE_STAN,
        VALUE_SEQUENCE,
        VALUE_RRN,
        VALUE_STATE,
        VALUE_REASON,
        VALUE_RESPONSE,   /* DE 39 */
        VALUE_REPORT_KEY, /* one or two of them: area,quarter */
        VALUE_COMPARISON,
        VALUE_FLEET_KEY,
        VALUE_FLEET_SECTION,
        VALUE_COST_ITEM,
        VALUE_RESULT_ITEM,
        VALUE_PEER,
        VALUE_PEER_ITEM,
        VALUE_RATE_ITEM,
        VALUE_AMOUNT,
        VALUE_DECIMAL,
        VALUE_TRAIL_NOUN,
        VALUE_KEY_SET, /* its number */
        VALUE_KEY_SET_KIND,
        VALUE_KEY_SET_STATE,
        VALUE_KEY_ALGORITHM,
        VALUE_CHECK_VALUE,
        VALUE_PIN_TABLE,
        VALUE_SCALE,
        VALUE_JOURNALS_KEY,
        VALUE_COLUMNS,
        VALUE_SORT,
        VALUE_SECONDS,
        VALUE_FORMAT,
        VALUE_DOCUMENT_FORMAT,
        VALUE_LANGUAGE,
        VALUE_FILE,
        VALUE_DIRECTORY,
        VALUE_CONNINFO,
        VALUE_SAN,
        VALUE_LOGIN,    /* a user of the machine, a role, a database */
        VALUE_ANYTHING, /* a CSV column that is read past */
        VALUE_KIND_COUNT
};

enum { VALUE_MAX = 512 };

struct value_row {
        const char *name;         /* in help: "DATE" */
        const char *expected;     /* "a date as 2016-12-31" */
        const char *sql_type;     /* what the canonical form is cast to */
        const char *choices;      /* "day|other", for kinds that are an enumeration */
        int64_t minimum, maximum; /* for numbers, which `expected` names; lengths of codes */
        const char *alphabet;     /* for codes: the characters that may occur */
        char letter;              /* of an option, "-o"; 0: none */
        bool secret;              /* never shown: masked in messages */
        /* Of a text shorter than VALUE_MAX. A canonical form is written where it differs from the text. */
        bool (*check)(const struct value_row *row, const char *text, char *ret_canonical);
};

const struct value_row *value_row(enum value_kind kind);

/* Check `text` and write its canonical form: times become minutes, yes/no true/false, numbers lose leading
 * zeros. False where it is not of the kind. */
ATM_MUST_USE bool value_check(enum value_kind kind, const char *text, char ret_canonical[VALUE_MAX]);

/* Which of the kind's few words was meant, as far as that can be guessed; NULL: it can't, or there are none. */
const char *value_meant(enum value_kind kind, const char *text, char buffer[VALUE_MAX]);

/* A day that is the same whenever it is read, as files have them: "2016-12-31", "2016/12/31", "2016/1/5". */
ATM_MUST_USE bool value_parse_day(const char *text, int32_t *ret_day);

/* The value as a message may show it: quoted, cut where long, card numbers masked. */
void value_show(enum value_kind kind, const char *text, char *buffer, size_t size);

#endif
