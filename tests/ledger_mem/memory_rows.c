/*
 * The rows of the ledger in memory, and how they are found: cards, withdrawals, use, what banks must be told, exceptions.
 * What becomes of them is decided in the files beside this one.
 *
 * Invariants: keys are zeroed before they are filled, since uthash compares bytes. Running out of memory ends the test.
 */
#include "tests/ledger_mem/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tests/ledger_mem/memory_inside.h"

/* A test's memory: running out of it ends the test. */
void *memory_allocate(size_t size)
{
        void *memory = calloc(1, size);

        if (!memory)
                abort();
        return memory;
}

/* One more element at the end of an array, zeroed. */
void *memory_append(void **array, size_t *count, size_t size)
{
        char *grown = reallocarray(*array, *count + 1, size);

        if (!grown)
                abort();
        *array = grown;
        return memset(grown + (*count)++ * size, 0, size);
}

void memory_add_yen(int64_t *sum, int64_t yen)
{
        bool overflow = __builtin_add_overflow(*sum, yen, sum);

        assert(!overflow);
        (void)overflow;
}

struct ledger_identity memory_identity(const char *terminal, int64_t transmitted_ms, int32_t stan)
{
        struct ledger_identity key;

        memset(&key, 0, sizeof key);
        memcpy(key.terminal, terminal, strnlen(terminal, TERMINAL_LENGTH));
        key.transmitted_ms = transmitted_ms;
        key.stan = stan;
        return key;
}

int64_t memory_charge_yen(const struct price *price)
{
        int64_t sum = price->customer_fee_yen;

        memory_add_yen(&sum, price->customer_tax_yen);
        return sum;
}

/* Never 0, which stands for no moment. */
int64_t memory_now_ms(const struct memory_database *database)
{
        return 1 + (database->clock_ms ? database->clock_ms(database->context) : 0);
}

struct memory_database *memory_database_new(const struct reference *reference)
{
        struct memory_database *database = memory_allocate(sizeof *database);

        database->reference = reference;
        database->summed_day_last = database->closed_day_last = INT32_MIN;
        return database;
}

#define FREE_TABLE(table, type, release)                                                                     \
        do {                                                                                                 \
                struct type *row, *next;                                                                     \
                HASH_ITER(hh, table, row, next)                                                              \
                {                                                                                            \
                        HASH_DELETE(hh, table, row);                                                         \
                        release;                                                                             \
                        free(row);                                                                           \
                }                                                                                            \
        } while (0)

void memory_database_free(struct memory_database *database)
{
        if (!database)
                return;
        FREE_TABLE(database->cards, memory_card, (free(row->exclusions), free(row->pin_events)));
        FREE_TABLE(database->inquiries, memory_inquiry, (void)0);
        FREE_TABLE(database->withdrawals, memory_withdrawal,
                   (free(row->advices), free(row->commissions), free(row->notices)));
        FREE_TABLE(database->months, memory_usage, (void)0);
        FREE_TABLE(database->days, memory_usage, (void)0);
        FREE_TABLE(database->sums, memory_sum, (void)0);
        FREE_TABLE(database->periods, memory_period, (void)0);
        FREE_TABLE(database->exceptions, memory_exception, (void)0);
        FREE_TABLE(database->advice_identities, memory_advice_identity, (void)0);
        FREE_TABLE(database->saf, memory_saf, (void)0);
        FREE_TABLE(database->leases, memory_lease, (void)0);
        free(database);
}

void memory_set_reference(struct memory_database *database, const struct reference *reference)
{
        database->reference = reference;
}

static bool is_priced(const struct memory_withdrawal *withdrawal, const struct memory_priced *question)
{
        const struct ledger_request *r = &withdrawal->request;

        return (withdrawal->reason == REASON_APPROVED || withdrawal->reason == REASON_COUNT) &&
               r->business_day >= question->from_day && r->business_day <= question->to_day &&
               (!question->issuer || strcmp(r->issuer, question->issuer) == 0) &&
               (!question->hall || strcmp(r->hall, question->hall) == 0) &&
               (!question->digits || strncmp(r->pan_mask, question->digits, strlen(question->digits)) == 0);
}

bool memory_is_priced(const struct memory_database *database, const struct memory_priced *question)
{
        if (database->defect == LEDGER_MEM_CHANGES_PRICED)
                return false;
        for (const struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                if (is_priced(w, question))
                        return true;
        }
        return false;
}

struct memory_card *memory_card(const struct memory_database *database,
                                const uint8_t token[CARD_TOKEN_LENGTH])
{
        struct memory_card *card;

        HASH_FIND(hh, database->cards, token, CARD_TOKEN_LENGTH, card);
        return card;
}

struct memory_card *memory_need_card(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH])
{
        struct memory_card *card = memory_card(database, token);

        if (card)
                return card;
        card = memory_allocate(sizeof *card);
        memcpy(card->token, token, CARD_TOKEN_LENGTH);
        HASH_ADD(hh, database->cards, token, CARD_TOKEN_LENGTH, card);
        return card;
}

void memory_add_card(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                     const char *expiry_yymm, enum card_kind kind)
{
        struct memory_card *card = memory_need_card(database, token);

        assert((!card->in_bank || card->only_used) && (strlen(expiry_yymm) == 4 || !*expiry_yymm));
        card->in_bank = true;
        card->only_used = false;
        snprintf(card->expiry_yymm, sizeof card->expiry_yymm, "%s", expiry_yymm);
        card->kind = kind;
}

void memory_add_account(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                        int64_t opening_yen)
{
        struct memory_card *card = memory_card(database, token);

        assert(card && card->in_bank && !card->has_account && opening_yen >= 0);
        card->has_account = true;
        card->opening_yen = card->balance_yen = opening_yen;
}

void memory_add_exclusion(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                          int32_t from_day, int32_t until_day)
{
        struct memory_card *card = memory_need_card(database, memory_holder(database, token));
        struct memory_exclusion *exclusion;
        void *array;

        assert(from_day < until_day);
        array = card->exclusions;
        exclusion = memory_append(&array, &card->exclusion_count, sizeof *exclusion);
        card->exclusions = array;
        exclusion->from_day = from_day;
        exclusion->until_day = until_day;
}

void memory_set_card_status(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                            enum memory_card_status status)
{
        struct memory_card *card = memory_card(database, token);

        assert(card && card->in_bank);
        card->status = status;
}

struct memory_withdrawal *memory_withdrawal(const struct memory_database *database,
                                            const struct ledger_identity *identity)
{
        struct ledger_identity key =
            memory_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        struct memory_withdrawal *withdrawal;

        HASH_FIND(hh, database->withdrawals, &key, sizeof key, withdrawal);
        return withdrawal;
}

struct memory_withdrawal *memory_add_withdrawal(struct memory_database *database,
                                                const struct ledger_identity *identity)
{
        struct memory_withdrawal *withdrawal = memory_allocate(sizeof *withdrawal);

        withdrawal->identity = memory_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        HASH_ADD(hh, database->withdrawals, identity, sizeof withdrawal->identity, withdrawal);
        return withdrawal;
}

static struct memory_usage_key usage_key(const uint8_t token[CARD_TOKEN_LENGTH], int32_t day)
{
        struct memory_usage_key key;

        memset(&key, 0, sizeof key);
        memcpy(key.token, token, CARD_TOKEN_LENGTH);
        key.day = day;
        return key;
}

struct memory_usage *memory_find_usage(struct memory_usage *table, const uint8_t token[CARD_TOKEN_LENGTH],
                                       int32_t day)
{
        struct memory_usage_key key = usage_key(token, day);
        struct memory_usage *usage;

        HASH_FIND(hh, table, &key, sizeof key, usage);
        return usage;
}

/* The row, made where it is missing. */
struct memory_usage *memory_need_usage(struct memory_usage **table, const uint8_t token[CARD_TOKEN_LENGTH],
                                       int32_t day)
{
        struct memory_usage *usage = memory_find_usage(*table, token, day);

        if (usage)
                return usage;
        usage = memory_allocate(sizeof *usage);
        usage->key = usage_key(token, day);
        HASH_ADD(hh, *table, key, sizeof usage->key, usage);
        return usage;
}

const struct memory_usage *memory_month(const struct memory_database *database,
                                        const uint8_t token[CARD_TOKEN_LENGTH], int32_t business_day)
{
        return memory_find_usage(database->months, token, calendar_month_of(business_day));
}

const struct memory_usage *memory_day(const struct memory_database *database,
                                      const uint8_t token[CARD_TOKEN_LENGTH], int32_t business_day)
{
        return memory_find_usage(database->days, token, business_day);
}

const struct memory_advice *memory_last_advice(const struct memory_withdrawal *withdrawal)
{
        return withdrawal->advice_count ? &withdrawal->advices[withdrawal->advice_count - 1] : NULL;
}

enum reason memory_reason(const struct memory_withdrawal *withdrawal)
{
        if (withdrawal->reason != REASON_COUNT || !withdrawal->has_outcome)
                return withdrawal->reason;
        return withdrawal->outcome.reason;
}

enum withdrawal_state memory_state(const struct memory_withdrawal *withdrawal)
{
        const struct memory_advice *last = memory_last_advice(withdrawal);

        /* an advice that found it asked and changed nothing says nothing about what its bank answered since
         */
        if (last && last->after != WITHDRAWAL_ASKED)
                return last->after;
        switch (memory_reason(withdrawal)) {
        case REASON_APPROVED:
                return WITHDRAWAL_APPROVED;
        case REASON_BLOCKED:
                return WITHDRAWAL_BLOCKED;
        case REASON_COUNT:
                return WITHDRAWAL_ASKED;
        default:
                return WITHDRAWAL_DECLINED;
        }
}

int64_t memory_counts_yen(const struct memory_withdrawal *withdrawal)
{
        switch (memory_state(withdrawal)) {
        case WITHDRAWAL_ASKED:
        case WITHDRAWAL_APPROVED:
                return withdrawal->request.amount_yen;
        case WITHDRAWAL_COMPLETED:
                return memory_last_advice(withdrawal)->counted_yen;
        default:
                return 0;
        }
}

struct memory_saf *memory_find_saf(const struct memory_database *database,
                                   const struct ledger_identity *identity, int seq)
{
        struct memory_saf_key key;
        struct memory_saf *saf;

        memset(&key, 0, sizeof key);
        key.identity = memory_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        key.seq = seq;
        HASH_FIND(hh, database->saf, &key, sizeof key, saf);
        return saf;
}

const struct memory_saf *memory_saf(const struct memory_database *database,
                                    const struct ledger_identity *identity, int seq)
{
        return memory_find_saf(database, identity, seq);
}

/* Once for each key: what has been said before is no other exception. */
void memory_add_exception(struct memory_database *database, const struct memory_exception_key *key,
                          int64_t amount_yen, int64_t dispensed_yen)
{
        struct memory_exception *exception;

        HASH_FIND(hh, database->exceptions, key, sizeof *key, exception);
        if (exception)
                return;
        exception = memory_allocate(sizeof *exception);
        exception->key = *key;
        exception->amount_yen = amount_yen;
        exception->dispensed_yen = dispensed_yen;
        HASH_ADD(hh, database->exceptions, key, sizeof *key, exception);
}

/* The two newest dates that a card was used on. */
void memory_note_use(int32_t newest[2], int32_t day)
{
        if (day > newest[0]) {
                newest[1] = newest[0];
                newest[0] = day;
        } else if (day < newest[0] && day > newest[1]) {
                newest[1] = day;
        }
}

struct memory_notice *memory_find_notice(const struct memory_database *database,
                                         const struct ledger_identity *identity, int seq)
{
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, identity);

        for (size_t i = 0; withdrawal && i < withdrawal->notice_count; i++) {
                if (withdrawal->notices[i].seq == seq)
                        return &withdrawal->notices[i];
        }
        return NULL;
}
