/* Transactions: see txn.h. */
#include "daemon/txn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/banks/bank_format.h"
#include "protocol/balances.h"
#include "rules/calendar.h"

enum {
        BLOCK_TXNS = 64,
        DE_28_DIGITS = 8,
};

/* ---- from the request ---------------------------------------------------------------------------------- */

static int wrong(struct iso_error *ret_error, int field, const char *what)
{
        *ret_error = (struct iso_error){.field = field, .offset = SIZE_MAX, .what = what};
        return -1;
}

/* An advice is never of the future, but its ATM's clock may be wrong. */
static bool read_moment(const struct profile_row *row, const char *de7, int64_t business_ms, int64_t *ret_ms)
{
        if (row->kind == MESSAGE_REQUEST)
                return calendar_from_de7(de7, business_ms, ret_ms);
        return calendar_from_de7_until(de7, business_ms + DAY_MS, ret_ms);
}

static int read_identity(struct ledger_identity *identity, const struct profile_row *row,
                         const struct iso_message *message, const char *terminal, int64_t business_ms,
                         struct iso_error *ret_error)
{
        char transmitted[11];
        int64_t stan;
        if (!iso_number(message, 11, &stan))
                return wrong(ret_error, 11, "not a number");
        if (stan == 0)
                return wrong(ret_error, 11, "zero: STANs run from 000001 to 999999");
        if (!iso_copy(message, 7, transmitted, sizeof(transmitted)) ||
            !read_moment(row, transmitted, business_ms, &identity->transmitted_ms))
                return wrong(ret_error, 7, "no such date and time: MMDDhhmmss in UTC is expected");
        identity->stan = (int32_t)stan;
        snprintf(identity->terminal, sizeof(identity->terminal), "%s", terminal);
        return 0;
}

static int read_request(struct txn *txn, const struct iso_message *message, struct iso_error *ret_error)
{
        struct ledger_request *request = &txn->op.request;
        int64_t code, amount_yen = 0;
        *request = (struct ledger_request){0};
        txn->processing = profile_processing(message);
        if (!iso_number(message, 3, &code))
                return wrong(ret_error, 3, "not a number");
        if (txn->processing != PROCESSING_INQUIRY && iso_has(message, 4) &&
            !iso_number(message, 4, &amount_yen))
                return wrong(ret_error, 4, "not a number");
        if (!profile_card_of(message, &txn->card))
                return wrong(ret_error, 2, "no card number");
        request->processing_code = (int32_t)code;
        request->amount_yen = amount_yen;
        pan_mask(txn->card.pan, request->pan_mask);
        memcpy(request->expiry_yymm, txn->card.expiry_yymm, sizeof(request->expiry_yymm));
        txn->op.kind = txn->processing == PROCESSING_INQUIRY ? LEDGER_INQUIRY : LEDGER_REQUEST;
        return 0;
}

static int read_advice(struct txn *txn, const struct iso_message *message, int64_t latest_original_ms,
                       struct iso_error *ret_error)
{
        struct ledger_advice *advice = &txn->op.advice;
        struct profile_original original;
        *advice = (struct ledger_advice){.reversal = txn->row->kind == MESSAGE_REVERSAL};
        if (!profile_original_of(message, &original))
                return wrong(ret_error, 90, "not an original's MTI, STAN and DE 7 followed by 22 digits");
        if (!calendar_from_de7_until(original.transmitted, latest_original_ms,
                                     &advice->original.transmitted_ms))
                return wrong(ret_error, 90, "no such date and time: MMDDhhmmss in UTC is expected");
        if (!iso_number(message, 4, &advice->amount_yen))
                return wrong(ret_error, 4, "not a number");
        if (!profile_dispensed_yen(txn->row, message, &advice->dispensed_yen))
                return wrong(ret_error, 95, "no amount dispensed");
        if (advice->reversal && !iso_copy(message, 39, advice->why, sizeof(advice->why)))
                return wrong(ret_error, 39, "longer than 2");
        advice->original.stan = original.stan;
        memcpy(advice->original.terminal, txn->op.identity.terminal, sizeof(advice->original.terminal));
        advice->chip = &txn->chip.data;
        txn->op.kind = LEDGER_ADVICE;
        return 0;
}

/* The answer's echoes, as bytes: a tenth of a decoded message. */
static int read_echo(struct txn *txn, const struct iso_message *message, struct iso_error *ret_error)
{
        struct iso_message answer;
        profile_answer(txn->row, message, &answer);
        int length = iso_encode(&iso_dialect_ascii, &answer, txn->echo, sizeof(txn->echo), ret_error);
        iso_wipe(&answer);
        if (length < 0)
                return -1;
        txn->echo_length = (uint16_t)length;
        return 0;
}

int txn_read(struct txn *txn, const struct profile_row *row, const struct iso_message *message,
             const char *terminal, int64_t business_ms, int64_t ahead_limit_ms, struct iso_error *ret_error)
{
        assert(row->kind == MESSAGE_REQUEST || row->kind == MESSAGE_COMPLETION ||
               row->kind == MESSAGE_REVERSAL);
        txn->row = row;
        txn->decisions = 0;
        if (read_identity(&txn->op.identity, row, message, terminal, business_ms, ret_error) < 0)
                return -1;
        chip_of(message, &txn->chip);
        int result = row->kind == MESSAGE_REQUEST
                         ? read_request(txn, message, ret_error)
                         : read_advice(txn, message, business_ms + ahead_limit_ms, ret_error);
        return result < 0 ? -1 : read_echo(txn, message, ret_error);
}

void txn_approval_code(struct token_key *key, const struct ledger_identity *identity,
                       char buffer[APPROVAL_CODE_LENGTH + 1])
{
        static const char digits[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"; /* none that people confuse */
        uint8_t token[TOKEN_LENGTH];
        char text[96];
        snprintf(text, sizeof(text), "approval %s %" PRId64 " %" PRId32, identity->terminal,
                 identity->transmitted_ms, identity->stan);
        token_of_text(key, text, token);
        for (int i = 0; i < APPROVAL_CODE_LENGTH; i++)
                buffer[i] = digits[token[i] & 31];
        buffer[APPROVAL_CODE_LENGTH] = '\0';
}

/* ---- deciding ------------------------------------------------------------------------------------------ */

/* A PIN's value that was made by the key of another issuer is of no use. */
static void set_issuer(struct ledger_request *request, const char *issuer)
{
        if (strcmp(request->issuer, issuer) != 0)
                explicit_bzero(request->pin_value, sizeof(request->pin_value));
        snprintf(request->issuer, sizeof(request->issuer), "%s", issuer);
}

bool txn_decide(struct txn *txn, const struct txn_world *world)
{
        struct ledger_request *request = &txn->op.request;
        struct verdict verdict;
        struct request asked = {
            .terminal = txn->op.identity.terminal,
            .transmitted_ms = txn->op.identity.transmitted_ms,
            .processing = txn->processing,
            .amount_yen = request->amount_yen,
            .pan = txn->card.pan,
            .expiry_yymm = txn->card.expiry_yymm,
        };
        assert(txn->op.kind != LEDGER_ADVICE);
        if (txn->op.kind == LEDGER_REQUEST && !reference_holds_moment(world->reference, asked.transmitted_ms))
                return false;
        txn->decisions++;
        decide_request(world->reference, &asked, world->business_ms, world->skew_limit_ms, &verdict);
        token_of_pan(world->token_key, txn->card.pan, request->card_token);
        txn_approval_code(world->token_key, &txn->op.identity, request->approval_code);
        request->reference_version = reference_version(world->reference);
        request->business_day = verdict.business_day;
        request->price = verdict.price;
        request->refusal = verdict.refusal;
        request->pin_tries_max = verdict.issuer && verdict.issuer->pin_method != PIN_NONE
                                     ? (int16_t)verdict.issuer->pin_tries_max
                                     : 0;
        memcpy(request->limit, verdict.limit, sizeof(request->limit));
        set_issuer(request, verdict.issuer ? verdict.issuer->issuer : "");
        snprintf(request->link, sizeof(request->link), "%s", verdict.issuer ? verdict.issuer->link : "");
        snprintf(request->hall, sizeof(request->hall), "%s",
                 verdict.atm && verdict.atm->hall ? verdict.atm->hall->hall : "");
        return true;
}

/* ---- to the answer ------------------------------------------------------------------------------------- */

static void start_answer(const struct txn *txn, const char *de39, struct iso_message *ret_answer)
{
        struct iso_error error;
        int result = iso_decode(&iso_dialect_ascii, txn->echo, txn->echo_length, ret_answer, &error);
        assert(result == 0); /* we encoded it ourselves */
        (void)result;
        iso_set_string(ret_answer, 39, de39);
}

static void add_charge(struct iso_message *answer, int64_t charge_yen)
{
        char text[2 + DE_28_DIGITS + 16];
        assert(charge_yen >= 0 && charge_yen < 100000000);
        snprintf(text, sizeof(text), "D%0*" PRId64, DE_28_DIGITS, charge_yen);
        iso_set(answer, 28, text, 1 + DE_28_DIGITS);
}

static void add_approval(const struct txn *txn, struct iso_message *answer)
{
        const struct ledger_answer *found = &txn->op.answer;
        struct civil day;
        char rrn[13], code[APPROVAL_CODE_LENGTH + 1] = "000000"; /* a bank's may be shorter */
        size_t length = strlen(found->approval_code);
        calendar_civil_of_day(found->business_day, &day);
        iso_set_number(answer, 15, day.month * 100 + day.day, 4);
        add_charge(answer, found->customer_charge_yen);
        calendar_rrn(txn->op.identity.transmitted_ms, txn->op.identity.stan, rrn);
        iso_set_string(answer, 37, rrn);
        assert(length <= APPROVAL_CODE_LENGTH);
        memcpy(code + APPROVAL_CODE_LENGTH - length, found->approval_code, length);
        iso_set_string(answer, 38, code);
}

static bool answer_request(const struct txn *txn, struct iso_message *ret_answer)
{
        const struct ledger_answer *found = &txn->op.answer;
        start_answer(txn, reason_de39(found->reason), ret_answer);
        if (txn->op.kind == LEDGER_OUTCOME && found->status == LEDGER_DECIDED)
                chip_data_add(&txn->chip.data, &iso_dialect_ascii, ret_answer);
        if (found->reason != REASON_APPROVED)
                return true;
        if (txn->op.kind != LEDGER_INQUIRY) {
                add_approval(txn, ret_answer);
        } else {
                add_charge(ret_answer, 0); /* an inquiry costs nothing */
                balances_set(ret_answer, txn->op.request.processing_code / 100 % 100, found->balance_yen);
        }
        return true;
}

bool txn_answer(const struct txn *txn, struct iso_message *ret_answer)
{
        switch (txn->op.answer.status) {
        case LEDGER_DECIDED:
        case LEDGER_STORED:
                if (txn->op.kind != LEDGER_ADVICE)
                        return answer_request(txn, ret_answer);
                start_answer(txn, reason_de39(REASON_APPROVED), ret_answer);
                return true;
        case LEDGER_STALE:
        case LEDGER_UNAVAILABLE:
                return txn_answer_unavailable(txn, ret_answer);
        case LEDGER_ASK:
        case LEDGER_PENDING:
        case LEDGER_UNKNOWN:
                break;
        }
        return false;
}

static void pass_chip_data(const struct iso_message *bank_answer, struct iso_message *answer)
{
        struct chip_data data;
        chip_data_of(bank_answer, &data);
        chip_data_add(&data, &iso_dialect_ascii, answer);
        explicit_bzero(&data, sizeof(data));
}

void txn_answer_inquiry(const struct txn *txn, enum reason reason, const struct iso_message *bank_answer,
                        struct iso_message *ret_answer)
{
        start_answer(txn, reason_de39(reason), ret_answer);
        if (bank_answer)
                pass_chip_data(bank_answer, ret_answer);
        if (reason != REASON_APPROVED)
                return;
        iso_echo(ret_answer, bank_answer, 28);
        balances_echo(ret_answer, bank_answer);
        if (!iso_has(ret_answer, 28))
                add_charge(ret_answer, 0);
}

/* A bank's DE 38, the blanks behind it taken off; what it leaves out, or has blanks within, is ours to say. */
static void read_approval_code(const struct iso_message *bank_answer, char code[APPROVAL_CODE_LENGTH + 1])
{
        char given[APPROVAL_CODE_LENGTH + 1];
        if (!iso_copy(bank_answer, 38, given, sizeof(given)))
                return;
        size_t length = strlen(given);
        while (length > 0 && given[length - 1] == ' ')
                length--;
        given[length] = '\0';
        if (length > 0 && !strchr(given, ' '))
                strcpy(code, given);
}

void txn_make_outcome(struct txn *txn, struct token_key *key, const struct bank_codes *codes,
                      const struct iso_message *bank_answer)
{
        struct ledger_outcome outcome = {.cause = OUTCOME_TIMEOUT, .reason = REASON_ISSUER_UNAVAILABLE};
        assert(txn->op.kind == LEDGER_REQUEST);
        explicit_bzero(&txn->chip, sizeof(txn->chip));
        if (bank_answer && iso_copy(bank_answer, 39, outcome.bank_de39, sizeof(outcome.bank_de39))) {
                outcome.cause = OUTCOME_ANSWER;
                chip_data_of(bank_answer, &txn->chip.data);
                outcome.reason = bank_codes_reason(codes, outcome.bank_de39);
                if (outcome.reason == REASON_APPROVED) {
                        txn_approval_code(key, &txn->op.identity, outcome.approval_code);
                        read_approval_code(bank_answer, outcome.approval_code);
                }
        }
        txn->op.outcome = outcome;
        txn->op.kind = LEDGER_OUTCOME;
}

bool txn_answer_unavailable(const struct txn *txn, struct iso_message *ret_answer)
{
        if (txn->op.kind != LEDGER_INQUIRY)
                return false;
        start_answer(txn, reason_de39(REASON_CANNOT_DECIDE), ret_answer);
        return true;
}

/* ---- the pool ------------------------------------------------------------------------------------------ */

struct txn_block {
        struct txn_block *next;
        struct txn txns[BLOCK_TXNS];
};

void txn_pool_init(struct txn_pool *pool, size_t limit)
{
        *pool = (struct txn_pool){.limit = limit};
        TAILQ_INIT(&pool->free);
}

static void wipe(struct txn *txn)
{
        explicit_bzero(&txn->card, sizeof(txn->card));
        explicit_bzero(&txn->op.request, sizeof(txn->op.request));
        txn_pin_wipe(&txn->pin);
        bank_pin_wipe(&txn->bank_pin);
        explicit_bzero(&txn->chip, sizeof(txn->chip));
        explicit_bzero(txn->echo, txn->echo_length);
        txn->echo_length = 0;
        txn->looks = txn->has_looked = false;
        txn->session = 0;
        txn->state = TXN_FREE;
}

void txn_pool_clear(struct txn_pool *pool)
{
        while (pool->blocks) {
                struct txn_block *block = pool->blocks;
                pool->blocks = block->next;
                for (size_t i = 0; i < BLOCK_TXNS; i++)
                        wipe(&block->txns[i]);
                free(block);
        }
        txn_pool_init(pool, pool->limit);
}

static bool grow(struct txn_pool *pool)
{
        struct txn_block *block = pool->made < pool->limit ? calloc(1, sizeof(*block)) : NULL;
        if (!block)
                return false;
        block->next = pool->blocks;
        pool->blocks = block;
        for (size_t i = 0; i < BLOCK_TXNS && pool->made < pool->limit; i++, pool->made++)
                TAILQ_INSERT_TAIL(&pool->free, &block->txns[i], entry);
        return true;
}

struct txn *txn_take(struct txn_pool *pool)
{
        if (TAILQ_EMPTY(&pool->free) && !grow(pool))
                return NULL;
        struct txn *txn = TAILQ_FIRST(&pool->free);
        TAILQ_REMOVE(&pool->free, txn, entry);
        pool->taken++;
        return txn;
}

void txn_give_back(struct txn_pool *pool, struct txn *txn)
{
        assert(pool->taken > 0 && !txn->route && !txn->exchange.session);
        wipe(txn);
        TAILQ_INSERT_HEAD(&pool->free, txn, entry);
        pool->taken--;
}
