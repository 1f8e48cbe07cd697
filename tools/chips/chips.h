/*
 * A laboratory's chips and their bank: what a simulated ATM has from a card's chip (DE 22, 23 and 55), what a simulated bank makes of it, and what the
 * ATM reports of the bank's script. No cryptography: cryptograms are hashes, so that each side knows what the other must have sent.
 *
 * All of an ATM's data follow from the withdrawal's identity and amount, and the bank's from them: data that come to another ATM, bank or withdrawal, or that
 * somebody changed on their way, are seen. Of ATMs of another make, whose data don't begin as ours do, the bank takes any.
 */
#ifndef TOOLS_CHIPS_CHIPS_H
#define TOOLS_CHIPS_CHIPS_H

#include "lib/base/attributes.h"
#include "protocol/chip.h"

struct chips_identity {
        const char *terminal;
        int64_t transmitted_ms;
        int32_t stan;
        int64_t amount_yen; /* 0: of an inquiry */
};

/* A share of all cards has a chip; the same ones each time. */
bool chips_has_card(const char *pan, double rate);

/* What the ATM sends: of a card with a chip, or of another (a magnetic stripe: DE 22 alone). */
void chips_read_card(const struct chips_identity *identity, const char *pan, bool has_chip,
                     struct chip *ret_chip);

/* The bank's answer with that DE 39: it authenticates itself, and sends a script with some approvals of withdrawals. None to none. */
void chips_answer(const struct chip_data *request, const char de39[3], bool is_withdrawal,
                  struct chip_data *ret_answer);
/* Is this what the bank has to answer to what the ATM of this identity has sent, where that heard this DE 39? And is a script in it? */
ATM_MUST_USE bool chips_is_answer(const struct chips_identity *identity, const struct chip_data *answer,
                                  const char *de39, bool *ret_has_script);

/* What the ATM reports of the script. */
void chips_report(const struct chips_identity *identity, struct chip_data *ret_report);

/* What a bank may say of data that came as those of this identity. */
enum chips_finding { CHIPS_NONE, CHIPS_RIGHT, CHIPS_FOREIGN, CHIPS_WRONG };
enum chips_finding chips_judge_request(const struct chips_identity *identity, const struct chip_data *data);
/* Of a report, also whether the bank has sent a script at all. */
enum chips_finding chips_judge_report(const struct chips_identity *identity, const struct chip_data *data);

#endif
