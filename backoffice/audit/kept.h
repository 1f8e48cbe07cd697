/*
 * The withdrawals of a piece of history, as their rows say, in memory: each with its outcome, its advices and its notices in the
 * order of seq, its exceptions and what people did to it. A row finds its withdrawal by the key, in whatever order the tables lie; rows without one get an entry that is
 * not `present`. Names are numbers (names.h).
 *
 *      kept_open --kept_take_...: a row each--> read --kept_clear--> the next piece --> kept_close
 */
#ifndef BACKOFFICE_AUDIT_KEPT_H
#define BACKOFFICE_AUDIT_KEPT_H

#include "backoffice/audit/copy_out.h"
#include "backoffice/audit/names.h"
#include "backoffice/audit/tally.h"

enum { KEPT_NO_REASON = -1 }; /* NULL: left to the bank; no outcome */
enum price_part { CUSTOMER_FEE, CUSTOMER_TAX, INTERBANK_FEE, INTERBANK_TAX, HALL_SHARE, PRICE_PARTS };

struct withdrawal_key {
        int64_t at_us; /* since 1970 */
        uint32_t terminal;
        int32_t stan;
};

struct kept_withdrawal {
        bool present;
        bool has_outcome;
        bool open;         /* open_withdrawal has it */
        bool has_earnings; /* a commission row at least */
        bool has_pin_event;
        bool is_banks; /* of a card whose bank verifies PINs */
        int16_t reason, outcome;
        uint32_t cause; /* of the outcome */
        uint32_t issuer, band, hall;
        uint32_t link; /* of the bank that was asked; NAME_NONE: none was */
        uint32_t head; /* its card number's first six digits, a name */
        bool is_timed; /* when it was approved is known */
        int32_t business_day, tariff_day, tax_rate_bp;
        uint32_t advices, notices; /* the first of each, in the order of seq */
        uint32_t exceptions, actions;
        int64_t approved_us; /* since 1970, by the database's clock */
        uint8_t card[UUID_SIZE];
        int64_t amount_yen;
        int64_t price[PRICE_PARTS];
        int64_t earned[PRICE_PARTS], earned_cash_yen; /* sums of its commission rows */
};

struct kept_advice {
        uint32_t next;
        int16_t seq, commission;
        bool has_row;      /* a commission row */
        bool has_identity; /* a row of advice_identity */
        bool is_timed;     /* recorded since there are identities, and records of corrections */
        uint32_t kind, why, state_before, state;
        int32_t stan; /* its own, as at_us */
        int64_t at_us;
        int64_t amount_yen, dispensed_yen, counted_yen;
};

struct kept_notice {
        uint32_t next;
        int16_t seq;
        bool acknowledged, parked;
        uint32_t link, kind, why;
        uint32_t verdict, de39; /* of the acknowledgement */
        int32_t attempts;       /* likewise */
        uint32_t saf;           /* the link that it is to be sent to */
        int64_t amount_yen, charge_yen, dispensed_yen;
};

/* A row of exception_record: the numbers of what it is about, as of an advice. */
struct kept_exception {
        uint32_t next;
        uint32_t kind, what;
        int32_t stan;
        int64_t at_us;
        int64_t amount_yen, dispensed_yen;
        bool is_resolved, is_met;
};

/* What a person did to a withdrawal, or to a notice of it. */
struct kept_action {
        uint32_t next;
        int16_t seq; /* of the notice; of the advice that it became; KEPT_NO_SEQ: none */
        uint32_t what;
        int64_t at_ms, dispensed_yen;
        int64_t exceptions; /* that it dealt with; KEPT_NO_COUNT: an earlier release did not say */
};

enum { KEPT_NO_SEQ = -1, KEPT_NO_COUNT = -1 };

struct kept {
        struct copy_source *source;
        struct tally withdrawals;   /* key, struct kept_withdrawal */
        struct kept_advice *advice; /* place 0 is none */
        struct kept_notice *notice;
        struct kept_exception *exception;
        struct kept_action *action;
        uint32_t advices, advices_max, notices, notices_max, exceptions, exceptions_max, actions, actions_max;
        bool failed; /* the source says why */
};

void kept_open(struct kept *kept, struct copy_source *source);
void kept_close(struct kept *kept);
/* Nothing any more; the memory is kept. */
void kept_clear(struct kept *kept);
void kept_out_of_memory(struct kept *kept);

/* The withdrawal that a row begins with the key of, present or not; NULL: out of memory. */
struct kept_withdrawal *kept_take(struct kept *kept, struct copy_out *copy, struct withdrawal_key *ret_key);
/* The rest of a row of each table. */
void kept_take_withdrawal(struct kept *kept, struct copy_out *copy);
void kept_take_outcome(struct kept *kept, struct copy_out *copy);
void kept_take_advice(struct kept *kept, struct copy_out *copy);
void kept_take_notice(struct kept *kept, struct copy_out *copy);
void kept_take_exception(struct kept *kept, struct copy_out *copy);
void kept_take_action(struct kept *kept, struct copy_out *copy);
/* The exception of a withdrawal that has the numbers and the name of another. NULL: there is none. */
struct kept_exception *kept_find_exception(struct kept *kept, const struct kept_withdrawal *w,
                                           const struct kept_exception *like);
/* NULL: there is none. */
struct kept_notice *kept_find_notice(struct kept *kept, const struct kept_withdrawal *w, int16_t seq);

static inline int64_t kept_moment_ms(const struct withdrawal_key *key)
{
        return key->at_us / 1000 - (key->at_us % 1000 < 0);
}

/* Approved by the house bank, or left to another: it has a price, and takes limits. */
bool kept_is_priced(const struct kept_withdrawal *w);
/* What is known without any advice: the house bank's decision, or the bank's outcome. */
enum withdrawal_state kept_decided(const struct kept_withdrawal *w);

struct kept_ending {
        uint32_t state; /* a name */
        int64_t counted_yen;
        int64_t used_yen; /* of the card's limits */
        bool is_open, is_used;
};
/* The recorded end: the last advice's. */
struct kept_ending kept_ending_of(const struct kept *kept, const struct kept_withdrawal *w);

#endif
