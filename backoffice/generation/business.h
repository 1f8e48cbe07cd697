/*
 * The business of one ATM over a scenario's whole period, as the rows that atmd would have left in the database
 * once everything had come to its end. Deterministic: the same scenario, seed, reference data and ATM give the
 * same rows, whatever other ATMs there are; so each ATM can be written, and written again, alone.
 *
 *      demand of a day -> moments -> card and amount -> decide_request, the card's limits, the bank -> end -> rows
 *
 * What a card did before is state of the ATM: a card belongs to the ATM that its holder lives by, and is used
 * nowhere else (an assumption). Prices, hours, routes and limits are the daemon's own rules.
 */
#ifndef BACKOFFICE_GENERATION_BUSINESS_H
#define BACKOFFICE_GENERATION_BUSINESS_H

#include "backoffice/generation/scenario.h"
#include "rules/decide.h"

enum { BUSINESS_TOKEN = 16, BUSINESS_ENDS = 2 };

struct business_card {
        uint8_t token[BUSINESS_TOKEN];
        char pan_mask[20];
        char pan[17];   /* routes it; never leaves this memory */
        uint8_t issuer; /* of the scenario's */
        bool empty;     /* an account without money */
        int64_t taken_yen;
};

/* What an ATM told of a withdrawal. */
struct business_advice {
        bool reversal;
        char why[3]; /* "": a completion */
        int64_t advice_ms;
        int32_t stan;
        int64_t dispensed_yen;
};

struct business_withdrawal {
        int64_t transmitted_ms;
        int32_t stan;
        int64_t amount_yen;
        uint32_t card;  /* of the ATM's */
        int8_t reason;  /* decided here; -1: left to the bank behind the link */
        int8_t outcome; /* the bank's reason; -1: none was asked */
        bool timed_out;
        uint8_t advices;
        struct business_advice advice[BUSINESS_ENDS];
        struct price price;
        int32_t business_day;
};

/* A card's use: of a day, or of a month (by its first day). */
struct business_usage {
        uint32_t card;
        int32_t day;
        int64_t cash_yen;
        int32_t withdrawals;
        bool used; /* or only looked at, where a limit refuses */
};

struct business {
        char terminal[TERMINAL_LENGTH + 1], hall[HALL_MAX + 1];
        struct business_card *card;
        size_t cards;
        struct business_withdrawal *withdrawal;
        size_t withdrawals, withdrawals_room;
        struct business_usage *day, *month;
        size_t days, days_room, months, months_room;
};

/* What all ATMs of a history have in common. */
struct business_plan {
        const struct scenario *scenario;
        const struct reference *reference;
        uint64_t seed;
        int64_t atms, atms_whole; /* of this history; of the whole fleet */
        char prefix[SCENARIO_ISSUERS_MAX]
                   [PREFIX_MAX + 1]; /* how cards of each of the scenario's banks begin */
};

/* When ATM `index` (from 0) opens: as the whole fleet does, with the others of a smaller one spread over it. */
int32_t business_opens_day(const struct business_plan *plan, int64_t index);
int64_t business_base_fee_yen(const struct business_plan *plan, int64_t index);

/* ATM `index` with its terminal id. False: out of memory, or the reference data refuse what no ATM would ask
 * (error names it). *business is emptied first and keeps its room. */
ATM_MUST_USE bool business_make(const struct business_plan *plan, const char *terminal, int64_t index,
                                struct business *business, char error[SCENARIO_ERROR_MAX]);
void business_free(struct business *business);

#endif
