/* A withdrawal as the options of a command select it, for the nouns that look one up. */
#ifndef ATMCTL_NOUNS_WITHDRAWAL_H
#define ATMCTL_NOUNS_WITHDRAWAL_H

#include "backoffice/cases/withdrawals.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/database.h"

/* What the options ask for; token: room for a card's that they name. EXIT_DONE, or the exit code after a complaint. */
ATM_MUST_USE int withdrawal_asked(const struct invocation *invocation,
                                  struct withdrawal_question *ret_question, char token[TOKEN_TEXT]);
/* The one that is like that; a complaint and NULL where there is none or several. */
PGresult *withdrawal_one(const struct invocation *invocation, struct database *database,
                         const struct withdrawal_question *question);
/* withdrawal show, exception show: the exit code. */
int withdrawal_show(const struct invocation *invocation);

#define WITHDRAWAL_TIME_FIELDS(what)                                                                         \
        {.name = "from", .kind = VALUE_MOMENT, .text = what " at this moment or later; a day: its first"},   \
        {                                                                                                    \
                .name = "to", .kind = VALUE_MOMENT,                                                          \
                .text = what " before this moment; a day: that day included"                                 \
        }
/* The options that select: rows of a table of fields. */
#define WITHDRAWAL_FIELDS                                                                                    \
        {.name = "terminal", .kind = VALUE_TERMINAL, .text = "at this ATM"}, WITHDRAWAL_TIME_FIELDS("sent"), \
            {.name = "date", .kind = VALUE_DATE, .text = "of this business date"},                           \
            {.name = "rrn", .kind = VALUE_RRN, .text = "with this retrieval reference number, DE 37"},       \
            {.name = "stan",                                                                                 \
             .kind = VALUE_STAN,                                                                             \
             .text = "with this trace number, DE 11; without a time, a reference number or a card: looked "  \
                     "for in the newest two days, else the newest month, year, and all"},                    \
            {.name = "amount-yen", .kind = VALUE_YEN, .text = "of this amount"},                             \
            {.name = "amount-from-yen", .kind = VALUE_YEN, .text = "of this amount or more"},                \
            {.name = "amount-to-yen", .kind = VALUE_YEN, .text = "of this amount or less"},                  \
            {.name = "hall", .kind = VALUE_HALL, .text = "in this hall"},                                    \
            {.name = "issuer", .kind = VALUE_ISSUER, .text = "with a card of this bank"},                    \
            {.name = "link",                                                                                 \
             .kind = VALUE_LINK,                                                                             \
             .text = "that the bank behind this link was asked about, or would have been, had it been "      \
                     "there: refused for want of it"},                                                       \
            {.name = "reason", .kind = VALUE_REASON, .text = "decided for this reason"},                     \
            {.name = "de39", .kind = VALUE_RESPONSE, .text = "answered with this code, DE 39"},              \
        {                                                                                                    \
                .name = "state", .kind = VALUE_STATE, .text = "that are now in this state"                   \
        }

#endif
