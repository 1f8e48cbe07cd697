/*
 * How a bank misbehaves: by rate, drawn from a seed for each message about money, or on command, for every
 * message until somebody says `normal` or the time is over. A command goes before the rates.
 *
 *      slow        answers after slow_ms
 *      late        answers after late_ms: when nobody waits any more
 *      held        answers when it gets its next order
 *      silent      does what it is asked, and never answers
 *      deaf        the message is lost: nothing is done, nothing answered
 *      wrong-echo  the answer echoes another DE 4, 7, 11 or 41 than it was asked with
 *      wrong-mac   the answer's MAC is wrong, where the bank has keys
 *      duplicate   answers twice
 *      decline     declines a request that it could approve, with any code that its dialect lists for that
 *      repeated    books a completion or reversal and answers with a code of that meaning
 *      missing     answers one so; a reversal of all is booked, as nothing is held of what nobody knows; else it is not
 *      case        answers one so and does not book it
 *      again       answers one so and does not book it until it comes again
 *      refuse-keys refuses a newer key set that it is offered
 *      forget-keys accepts one, and forgets it
 *      old-keys    accepts one, and goes on with the former set for late_ms
 *      hang-up     cuts the connection in the middle of the answer
 *      down        is gone, connections and port, for down_ms; the message is lost
 *
 * The three of keys are drawn for an offer of keys alone, by rate too.
 *
 * Each is counted when it is carried out: a `decline` that fell on an advice never happened. The four for advices are
 * named as the verdicts of a dialect's [notice codes] are; the codes are drawn from that table.
 */
#ifndef BANKSIM_BEHAVIOURS_H
#define BANKSIM_BEHAVIOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/bank_codes.h"
#include "lib/cli/options.h"

enum behaviour {
        BEHAVIOUR_SLOW,
        BEHAVIOUR_LATE,
        BEHAVIOUR_HELD,
        BEHAVIOUR_SILENT,
        BEHAVIOUR_DEAF,
        BEHAVIOUR_WRONG_ECHO,
        BEHAVIOUR_WRONG_MAC,
        BEHAVIOUR_DUPLICATE,
        BEHAVIOUR_DECLINE,
        BEHAVIOUR_REPEATED,
        BEHAVIOUR_MISSING,
        BEHAVIOUR_CASE,
        BEHAVIOUR_AGAIN,
        BEHAVIOUR_REFUSE_KEYS,
        BEHAVIOUR_FORGET_KEYS,
        BEHAVIOUR_OLD_KEYS,
        BEHAVIOUR_HANG_UP,
        BEHAVIOUR_DOWN,
        BEHAVIOUR_COUNT,
        BEHAVIOUR_NORMAL = BEHAVIOUR_COUNT
};
extern const char *const behaviour_name[BEHAVIOUR_COUNT + 1]; /* "slow", ... "normal" */

/* BEHAVIOUR_COUNT + 1: no such name. */
enum behaviour behaviour_of(const char *name, size_t length);

struct behaviour_rates {
        double rate[BEHAVIOUR_COUNT]; /* of one message, or offer of keys; their sum is 1 at most */
};

/* "slow=0.02,silent=0.01": false with a text that names the bad part. */
ATM_MUST_USE bool behaviour_rates_parse(const char *text, struct behaviour_rates *ret_rates,
                                        char error[OPTIONS_ERROR_MAX]);

struct behaviours {
        struct behaviour_rates rates;
        uint64_t random;
        enum behaviour command;   /* BEHAVIOUR_NORMAL: none */
        int64_t command_until_ms; /* INT64_MAX: until told otherwise */
        uint64_t happened[BEHAVIOUR_COUNT];
};

/* Each bank draws a stream of its own from the one seed. */
void behaviours_start(struct behaviours *ret_behaviours, const struct behaviour_rates *rates, uint64_t seed,
                      const char *bank);
void behaviours_command(struct behaviours *behaviours, enum behaviour command, int64_t until_ms);
/* What a message is about: a 0200, 0220, 0420 or a repeat, an offer of keys, or anything else, which only a command spoils. */
enum behaviour_matter { MATTER_OTHER, MATTER_MONEY, MATTER_KEYS };
/* What to do with a message. Counts nothing. */
enum behaviour behaviours_draw(struct behaviours *behaviours, int64_t now_ms, enum behaviour_matter matter);
void behaviours_count(struct behaviours *behaviours, enum behaviour behaviour);

/* What a behaviour makes a bank answer: to the one kind of message or the other. */
struct behaviour_order {
        bool has_request, has_notice;
        char de39[BANK_CODE_LENGTH + 1];
        enum notice_verdict verdict; /* of has_notice */
};
/* The `choice`-th of the codes that the behaviour may answer with, counted round; none where it is no matter of a
 * code, or the bank's table has no such code. How many there are: 0 and no order. */
size_t behaviour_order(enum behaviour behaviour, const struct bank_codes *codes, uint64_t choice,
                       struct behaviour_order *ret_order);

/* from .. to */
int64_t behaviours_between(struct behaviours *behaviours, int64_t from, int64_t to);

#endif
