/*
 * A difference as reconcile tells it: one line a withdrawal, with the most telling of its reasons; and the lines of one ATM, kept until
 * its total is known, which is told before them.
 */
#ifndef BACKOFFICE_AUDIT_DIFFERENCE_H
#define BACKOFFICE_AUDIT_DIFFERENCE_H

#include "backoffice/audit/compare.h"

/* What a person said of a withdrawal: its exceptions were dealt with, or the money was put right elsewhere. Texts as the trail
 * has them. */
struct settlement {
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
        bool is_elsewhere;
        char state[16];        /* of our books at that moment, and the cash in them */
        int64_t dispensed_yen; /* from then on they stand as they stood, or it is another difference */
        const char *who, *at, *note;
};

enum difference_standing {
        DIFFERENCE_OPEN,    /* a difference */
        DIFFERENCE_KNOWN,   /* "explained": an exception says just that, and is open: none */
        DIFFERENCE_SETTLED, /* "settled": people have dealt with it: none */
};

/* Reasons by place: a bit each. */
enum { DIFFERENCE_REASONS_MAX = 32 };

struct merge_difference {
        enum difference_standing standing;
        const char *what; /* a short name for programs: "dispensed", "bank-held", "settled" */
        uint32_t reasons; /* of a withdrawal: all of them */
        const struct fact *fact;
        const char *terminal; /* NULL: of none */
        /* what it is about, in yen: */
        int64_t cash_yen; /* the ATM's cash less what the database has */
        int64_t bank_yen; /* what banks keep less what they should by what the database has */
        int64_t rest_yen; /* of a total: what no withdrawal explains */
        /* where it is about a withdrawal: */
        bool withdrawal;
        int32_t stan;
        int64_t transmitted_ms;
        /* the sides' views; NULL: that side has nothing of it */
        const struct atm_entry *atm;
        const struct database_row *row;
        const struct bank_entry *bank;
        const char *bank_name;               /* "" where bank is NULL */
        const struct settlement *settlement; /* NULL: nobody has said anything */
};

/* The place of a reason, the most telling first. */
int difference_place(const char *what);
/* NULL: there are no more. */
const char *difference_reason(int place);

typedef void difference_tell(const struct merge_difference *difference, void *context);

struct difference_lines {
        struct difference_line *line;
        size_t count, room;
        bool failed; /* out of memory */
};

/* The fact and the database's row are copied; all else that it points to must outlive the lines. */
void difference_lines_add(struct difference_lines *lines, const struct merge_difference *difference);
/* All of them, and then there are none. */
void difference_lines_tell(struct difference_lines *lines, difference_tell *tell, void *context);
void difference_lines_free(struct difference_lines *lines);

#endif
