/* What the files of the ledger in memory share, and nobody else may call. */
#ifndef TESTS_LEDGER_MEM_MEMORY_INSIDE_H
#define TESTS_LEDGER_MEM_MEMORY_INSIDE_H

#include "tests/ledger_mem/memory.h"

/* what a row is made of, and found by ------------------------------------------------------------------- */

/* Zeroed. */
void *memory_allocate(size_t size);
/* One more element at the end of an array, zeroed. */
void *memory_append(void **array, size_t *count, size_t size);
/* As a key: unused bytes are zero. */
struct ledger_identity memory_identity(const char *terminal, int64_t transmitted_ms, int32_t stan);
/* Never 0, which stands for no moment. */
int64_t memory_now_ms(const struct memory_database *database);
void memory_add_yen(int64_t *sum, int64_t yen);
int64_t memory_charge_yen(const struct price *price);

/* rows: found, or made where they are missing ----------------------------------------------------------- */

struct memory_card *memory_need_card(struct memory_database *database,
                                     const uint8_t token[CARD_TOKEN_LENGTH]);
struct memory_usage *memory_find_usage(struct memory_usage *table, const uint8_t token[CARD_TOKEN_LENGTH],
                                       int32_t day);
struct memory_usage *memory_need_usage(struct memory_usage **table, const uint8_t token[CARD_TOKEN_LENGTH],
                                       int32_t day);
/* The two newest dates that a card was used on. */
void memory_note_use(int32_t newest[2], int32_t day);
struct memory_withdrawal *memory_add_withdrawal(struct memory_database *database,
                                                const struct ledger_identity *identity);
const struct memory_advice *memory_last_advice(const struct memory_withdrawal *withdrawal);
struct memory_saf *memory_find_saf(const struct memory_database *database,
                                   const struct ledger_identity *identity, int seq);
struct memory_notice *memory_find_notice(const struct memory_database *database,
                                         const struct ledger_identity *identity, int seq);
/* Once for each key: what has been said before is no other exception. */
void memory_add_exception(struct memory_database *database, const struct memory_exception_key *key,
                          int64_t amount_yen, int64_t dispensed_yen);

/* each kind of op: answered from the rows as they are, and done ----------------------------------------- */

void memory_answer_request(const struct memory_database *database, const struct ledger_op *op,
                           const struct memory_withdrawal *stored, int64_t wait_ms,
                           struct ledger_answer *ret_answer);
void memory_answer_inquiry(const struct memory_database *database, const struct ledger_op *op,
                           struct ledger_answer *ret_answer);
void memory_answer_outcome(const struct memory_database *database, const struct ledger_op *op,
                           const struct memory_withdrawal *withdrawal, struct ledger_answer *ret_answer);
void memory_do_request(struct memory_database *database, struct ledger_op *op, int64_t wait_ms);
void memory_do_inquiry(struct memory_database *database, struct ledger_op *op);
void memory_do_advice(struct memory_database *database, struct ledger_op *op, int64_t correct_ms);
void memory_do_outcome(struct memory_database *database, struct ledger_op *op);
void memory_fill_answer(struct ledger_answer *answer, enum ledger_status status, enum reason reason,
                        const struct ledger_request *request);
void memory_fill_stored(struct ledger_answer *answer, const struct memory_withdrawal *stored,
                        enum reason reason);

/* PINs -------------------------------------------------------------------------------------------------- */

enum memory_pin {
        MEMORY_PIN_UNASKED, /* none is wanted, or something else refused before */
        MEMORY_PIN_BLOCKED,
        MEMORY_PIN_UNVERIFIED, /* none came, or the card has none */
        MEMORY_PIN_WRONG,
        MEMORY_PIN_RIGHT
};

/* The card is there where the issuer wants a PIN. */
enum memory_pin memory_pin_of(const struct memory_card *card, const struct ledger_request *request);
enum reason memory_pin_refusal(enum memory_pin pin);
/* What follows from it, in the commit of the op. */
void memory_note_pin(struct memory_database *database, const struct ledger_op *op, enum memory_pin pin);
void memory_keep_inquiry(struct memory_database *database, const struct ledger_op *op);

/* what follows from an end ------------------------------------------------------------------------------ */

/* sign 0: only the cash is corrected. */
void memory_earn(const struct memory_database *database, struct memory_withdrawal *withdrawal, int sign,
                 int64_t cash_yen);
void memory_give_back(struct memory_database *database, const struct memory_withdrawal *withdrawal,
                      int64_t cash_yen, bool all, bool corrects);
struct memory_saf *memory_tell_bank(struct memory_database *database, struct memory_withdrawal *withdrawal,
                                    size_t seq, int64_t dispensed_yen, const char *why);
void memory_decide_outcome(struct memory_withdrawal *withdrawal, enum reason reason, enum memory_cause cause);

extern const char *const memory_notice_kind_name[];

#endif
