/*
 * What cards have used, and what was taken from accounts: made of the history, and compared with the rows of cards; and that
 * it was theirs to use (verify_limits.h).
 *
 * Use is made and compared quarter by quarter, so that memory follows the largest quarter. Over all quarters are kept what was
 * taken from each account, each card's place, and how far back its row knows its use.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_CARDS_H
#define BACKOFFICE_AUDIT_VERIFY_CARDS_H

#include "backoffice/audit/comparing.h"
#include "backoffice/audit/verify_limits.h"

struct cards {
        struct comparing *with;
        struct tally card_day, card_month, account;
        struct tally card;      /* the days and months that their rows have, up to the earlier of two */
        struct tally successor; /* of cards that were replaced: a token in the room of the numbers */
        struct tally heir;      /* cards that took another's place */
        struct limits limits;
};

/* What a withdrawal counts for of its card's limits, and of its account where the house bank has it: the cash and the charge. The
 * use stands with the card that has taken the place of this one since. (One that counts for nothing any more has dated the row.) */
struct card_use {
        uint8_t card[UUID_SIZE];
        int32_t business_day;
        int64_t decided_us; /* verify_limits.h */
        bool is_used, is_house;
        int64_t used_yen, charge_yen;
};

/* False after a failure that the source says. cards_close in any case. */
ATM_MUST_USE bool cards_open(struct cards *cards, struct comparing *with);
void cards_close(struct cards *cards);

void cards_quarter_begin(struct cards *cards);
void cards_use(struct cards *cards, const struct card_use *use);
/* Whether a card was barred by its holder when a withdrawal of that day was decided. */
bool cards_exclude(struct cards *cards, const uint8_t card[UUID_SIZE], int32_t business_day,
                   int64_t decided_us);
bool cards_have(struct cards *cards, const uint8_t card[UUID_SIZE]);
ATM_MUST_USE bool cards_quarter_end(struct cards *cards);
ATM_MUST_USE bool cards_end(struct cards *cards);

#endif
