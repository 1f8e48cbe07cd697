/*
 * Which answers an ATM may get, and whether they are right. A referee beside the ATM: it remembers what was
 * sent and the first answer to it, also where the ATM lost or forgot them, so that every further answer to
 * the same identity can be held against the first, byte by byte.
 */
#ifndef ATMSIM_ANSWERS_H
#define ATMSIM_ANSWERS_H

#include "protocol/iso8583.h"
#include "tools/atmsim/atm.h"
#include "tools/atmsim/message.h"

enum { ANSWERS_REMEMBERED = 6, ANSWER_BYTES_MAX = 336, ANSWER_WHY_MAX = 256 };

struct expected {
        enum atm_message what;
        int32_t stan;
        int64_t transmitted_ms;
        int64_t amount_yen;
        char de7[11];
        bool first_approves;   /* then 94 may follow, and stays */
        uint16_t first_length; /* 0: none yet that has to stay the same */
        uint8_t first[ANSWER_BYTES_MAX];
};

struct answers {
        unsigned next;
        struct expected expected[ANSWERS_REMEMBERED];
};

/* A message leaves; a repeat of a known one changes nothing. */
void answers_expect(struct answers *answers, enum atm_message what, struct message_identity identity,
                    int64_t amount_yen);

/* The answer's key blocks stand in memory that the next check writes over. False with why[]: it answers nothing that was sent, or is wrong in a field. */
ATM_MUST_USE bool answers_check(struct answers *answers, const struct sim_atm *atm,
                                const struct message_place *place, const uint8_t *bytes, size_t length,
                                struct atm_answer *ret_answer, char why[ANSWER_WHY_MAX]);

#endif
