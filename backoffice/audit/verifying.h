/*
 * What the checks of the history share: the rows that were read, what they are held to, and how they tell. Each file of
 * checks holds one noun: verify_commission.h, verify_advices.h, verify_price.h, verify_people.h.
 */
#ifndef BACKOFFICE_AUDIT_VERIFYING_H
#define BACKOFFICE_AUDIT_VERIFYING_H

#include "backoffice/audit/history_facts.h"
#include "backoffice/audit/kept.h"
#include "backoffice/audit/stands.h"
#include "backoffice/audit/verify_books.h"
#include "rules/reference.h"

struct verify_history {
        struct copy_source *source;
        struct names *names; /* of the source */
        struct findings *findings;
        struct books *books;
        const struct reference *reference;
        struct kept kept;
        struct stands stands;
        struct tally halls;        /* that exist, by name */
        struct tally far_identity; /* verify_identity.h */
        struct tally long_prefix;  /* the first six digits of cards that longer prefixes lead, by name */
};

/* When a withdrawal that has a price was decided, as verify_limits.h has it. */
int64_t verifying_decided_us(const struct kept_withdrawal *w);

/* About a withdrawal. */
void verifying_tell(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                    const struct fact *expected, const struct fact *found);
/* About its row `seq` of a kind. */
void verifying_tell_row(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                        enum fact_kind kind, int seq, const struct fact *expected, const struct fact *found);
/* Something was expected, and there is nothing. */
void verifying_tell_missing(struct verify_history *h, enum verify_check check,
                            const struct withdrawal_key *key, enum fact_kind kind, int seq,
                            const struct fact *expected);

#endif
