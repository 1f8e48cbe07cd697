/*
 * The ledger in memory. Stages and the split between database and ledger are in ledger_mem.h.
 *
 * Each op has one function that answers it from the rows as they are (answer_...) and one that writes what
 * follows (write_...); the commit of a batch does both, op by op. Since no two commits ever overlap, there
 * are no locks and no conflicts here: what PostgreSQL must reach under concurrency is by definition what this
 * back end does in some order.
 *
 * Invariants: rows of withdrawal and advice, of commission, outcome and notice are only ever added.
 * a card's use and account and what waits for a bank change in the same commit as the rows
 * that they sum. Keys are zeroed before they are filled: uthash compares bytes.
 */
#include "tests/ledger_mem/ledger_mem.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "rules/calendar.h"

/* small helpers ------------------------------------------------------------------------------------- */

/* A test's memory: running out of it ends the test. */
static void *allocate(size_t size)
{
        void *memory = calloc(1, size);

        if (!memory)
                abort();
        return memory;
}

/* One more element at the end of an array, zeroed. */
static void *append(void **array, size_t *count, size_t size)
{
        char *grown = reallocarray(*array, *count + 1, size);

        if (!grown)
                abort();
        *array = grown;
        return memset(grown + (*count)++ * size, 0, size);
}

static void add_yen(int64_t *sum, int64_t yen)
{
        bool overflow = __builtin_add_overflow(*sum, yen, sum);

        assert(!overflow);
        (void)overflow;
}

static bool exceeds(int64_t used, int64_t more, int64_t limit)
{
        int64_t sum;

        return __builtin_add_overflow(used, more, &sum) || sum > limit;
}

static struct ledger_identity clean_identity(const char *terminal, int64_t transmitted_ms, int32_t stan)
{
        struct ledger_identity key;

        memset(&key, 0, sizeof key);
        memcpy(key.terminal, terminal, strnlen(terminal, TERMINAL_LENGTH));
        key.transmitted_ms = transmitted_ms;
        key.stan = stan;
        return key;
}

static int64_t charge_yen(const struct price *price)
{
        int64_t sum = price->customer_fee_yen;

        add_yen(&sum, price->customer_tax_yen);
        return sum;
}

/* rows ---------------------------------------------------------------------------------------------- */

/* Never 0, which stands for no moment. */
static int64_t clock_of(const struct memory_database *database)
{
        return 1 + (database->clock_ms ? database->clock_ms(database->context) : 0);
}

struct memory_database *memory_database_new(const struct reference *reference)
{
        struct memory_database *database = allocate(sizeof *database);

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
        FREE_TABLE(database->cards, memory_card, free(row->exclusions));
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

static struct memory_card *need_card(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH])
{
        struct memory_card *card = memory_card(database, token);

        if (card)
                return card;
        card = allocate(sizeof *card);
        memcpy(card->token, token, CARD_TOKEN_LENGTH);
        HASH_ADD(hh, database->cards, token, CARD_TOKEN_LENGTH, card);
        return card;
}

void memory_add_card(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                     const char *expiry_yymm, enum card_kind kind)
{
        struct memory_card *card = need_card(database, token);

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
        struct memory_card *card = need_card(database, memory_holder(database, token));
        struct memory_exclusion *exclusion;
        void *array;

        assert(from_day < until_day);
        array = card->exclusions;
        exclusion = append(&array, &card->exclusion_count, sizeof *exclusion);
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
            clean_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        struct memory_withdrawal *withdrawal;

        HASH_FIND(hh, database->withdrawals, &key, sizeof key, withdrawal);
        return withdrawal;
}

static struct memory_withdrawal *add_withdrawal(struct memory_database *database,
                                                const struct ledger_identity *identity)
{
        struct memory_withdrawal *withdrawal = allocate(sizeof *withdrawal);

        withdrawal->identity = clean_identity(identity->terminal, identity->transmitted_ms, identity->stan);
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

static struct memory_usage *find_usage(struct memory_usage *table, const uint8_t token[CARD_TOKEN_LENGTH],
                                       int32_t day)
{
        struct memory_usage_key key = usage_key(token, day);
        struct memory_usage *usage;

        HASH_FIND(hh, table, &key, sizeof key, usage);
        return usage;
}

/* The row, made where it is missing. */
static struct memory_usage *need_usage(struct memory_usage **table, const uint8_t token[CARD_TOKEN_LENGTH],
                                       int32_t day)
{
        struct memory_usage *usage = find_usage(*table, token, day);

        if (usage)
                return usage;
        usage = allocate(sizeof *usage);
        usage->key = usage_key(token, day);
        HASH_ADD(hh, *table, key, sizeof usage->key, usage);
        return usage;
}

const struct memory_usage *memory_month(const struct memory_database *database,
                                        const uint8_t token[CARD_TOKEN_LENGTH], int32_t business_day)
{
        return find_usage(database->months, token, calendar_month_of(business_day));
}

const struct memory_usage *memory_day(const struct memory_database *database,
                                      const uint8_t token[CARD_TOKEN_LENGTH], int32_t business_day)
{
        return find_usage(database->days, token, business_day);
}

/* replacing ----------------------------------------------------------------------------------------- */

const uint8_t *memory_holder(const struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH])
{
        const struct memory_card *card = memory_card(database, token);

        return card && card->is_replaced ? card->successor : token;
}

/* The two newest dates that a card was used on. */
static void note_use(int32_t newest[2], int32_t day)
{
        if (day > newest[0]) {
                newest[1] = newest[0];
                newest[0] = day;
        } else if (day < newest[0] && day > newest[1]) {
                newest[1] = day;
        }
}

static void move_usage(struct memory_usage **table, const struct memory_replacement *r)
{
        struct memory_usage *usage, *next;

        HASH_ITER(hh, *table, usage, next)
        {
                struct memory_usage *moved;

                if (memcmp(usage->key.token, r->old_token, CARD_TOKEN_LENGTH) != 0)
                        continue;
                moved = need_usage(table, r->new_token, usage->key.day);
                add_yen(&moved->cash_yen, usage->cash_yen);
                moved->withdrawals += usage->withdrawals;
                moved->corrections += usage->corrections;
                HASH_DEL(*table, usage);
                free(usage);
        }
}

/* Of two that begin on the same day the longer one holds. */
static void move_exclusions(struct memory_database *database, struct memory_card *card,
                            const struct memory_replacement *r)
{
        for (size_t i = 0; i < card->exclusion_count; i++) {
                const struct memory_exclusion *moved = &card->exclusions[i];
                struct memory_card *to = memory_card(database, r->new_token);
                size_t k = 0;

                while (k < to->exclusion_count && to->exclusions[k].from_day != moved->from_day)
                        k++;
                if (k == to->exclusion_count)
                        memory_add_exclusion(database, r->new_token, moved->from_day, moved->until_day);
                else if (to->exclusions[k].until_day < moved->until_day)
                        to->exclusions[k].until_day = moved->until_day;
        }
        free(card->exclusions);
        card->exclusions = NULL;
        card->exclusion_count = 0;
}

static const char *replacement_problem(const struct memory_database *database,
                                       const struct memory_replacement *r)
{
        const struct memory_card *card = memory_card(database, r->old_token),
                                 *known = memory_card(database, r->new_token);

        if ((!card || !card->in_bank) && r->is_house)
                return "unknown";
        if (!r->is_same_bank)
                return "issuer";
        if (card && card->is_replaced)
                return memcmp(card->replaced_by, r->new_token, CARD_TOKEN_LENGTH) == 0 ? "already"
                                                                                       : "replaced";
        if ((known && known->in_bank && !(known->only_used && known->status == MEMORY_CARD_ACTIVE)) ||
            memcmp(r->old_token, r->new_token, CARD_TOKEN_LENGTH) == 0)
                return "known";
        return r->is_house && !r->expiry_yymm ? "expiry" : NULL;
}

const char *memory_card_replace(struct memory_database *database, const struct memory_replacement *r)
{
        const char *problem = replacement_problem(database, r);
        struct memory_card *card, *to;

        if (problem)
                return problem;
        memory_add_card(database, r->new_token, r->expiry_yymm ? r->expiry_yymm : "", CARD_CASH);
        to = memory_card(database, r->new_token);
        card = need_card(database, r->old_token);
        card->in_bank = true;
        memcpy(card->replaced_by, r->new_token, CARD_TOKEN_LENGTH);
        if (r->status != MEMORY_CARD_ACTIVE)
                card->status = r->status;
        else if (card->status == MEMORY_CARD_ACTIVE)
                card->status = MEMORY_CARD_REPLACED;
        for (struct memory_card *c = database->cards; c; c = c->hh.next) {
                if (c != card && !(c->is_replaced && !memcmp(c->successor, r->old_token, CARD_TOKEN_LENGTH)))
                        continue;
                c->is_replaced = true;
                memcpy(c->successor, r->new_token, CARD_TOKEN_LENGTH);
        }
        to->has_account = card->has_account;
        to->opening_yen = card->opening_yen;
        to->balance_yen = card->balance_yen;
        card->has_account = false;
        card->opening_yen = card->balance_yen = 0;
        for (int i = 0; i < 2; i++) {
                note_use(to->day, card->day[i]);
                note_use(to->month, card->month[i]);
                card->day[i] = card->month[i] = 0;
        }
        card->only_used = false;
        move_usage(&database->months, r);
        move_usage(&database->days, r);
        move_exclusions(database, card, r);
        return NULL;
}

/* histories ----------------------------------------------------------------------------------------- */

static const struct memory_advice *last_advice(const struct memory_withdrawal *withdrawal)
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
        const struct memory_advice *last = last_advice(withdrawal);

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
                return last_advice(withdrawal)->counted_yen;
        default:
                return 0;
        }
}

static struct memory_saf *find_saf(const struct memory_database *database,
                                   const struct ledger_identity *identity, int seq)
{
        struct memory_saf_key key;
        struct memory_saf *saf;

        memset(&key, 0, sizeof key);
        key.identity = clean_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        key.seq = seq;
        HASH_FIND(hh, database->saf, &key, sizeof key, saf);
        return saf;
}

const struct memory_saf *memory_saf(const struct memory_database *database,
                                    const struct ledger_identity *identity, int seq)
{
        return find_saf(database, identity, seq);
}

/* requests ------------------------------------------------------------------------------------------ */

static bool is_excluded(const struct memory_card *card, int32_t day)
{
        for (size_t i = 0; i < card->exclusion_count; i++) {
                if (card->exclusions[i].from_day <= day && day < card->exclusions[i].until_day)
                        return true;
        }
        return false;
}

/* What the card itself is refused for, whatever it is used for. Another bank's is that bank's to know. */
static enum reason card_refusal(const struct memory_database *database, const struct memory_card *card,
                                const struct ledger_request *request)
{
        if (database->defect == LEDGER_MEM_SERVES_REPLACED && card && card->is_replaced)
                return REASON_APPROVED;
        if (request->link[0] == '\0' && (!card || (!card->has_account && !card->is_replaced)))
                return REASON_INVALID_CARD;
        if (!card)
                return REASON_APPROVED;
        if (!card->in_bank)
                return is_excluded(card, request->business_day) ? REASON_CARD_EXCLUDED : REASON_APPROVED;
        if (card->kind != CARD_CASH)
                return REASON_CARD_KIND;
        if (card->status == MEMORY_CARD_REPLACED)
                return REASON_CARD_EXPIRED;
        if (card->expiry_yymm[0] != '\0' && request->expiry_yymm[0] != '\0' &&
            strcmp(card->expiry_yymm, request->expiry_yymm) != 0)
                return REASON_CARD_EXPIRED;
        if (card->status == MEMORY_CARD_STOLEN)
                return REASON_CARD_STOLEN;
        if (card->status == MEMORY_CARD_LOST)
                return REASON_CARD_LOST;
        if (is_excluded(card, request->business_day))
                return REASON_CARD_EXCLUDED;
        return REASON_APPROVED;
}

static enum reason usage_refusal(const struct memory_database *database, const struct memory_card *card,
                                 const struct ledger_request *request)
{
        const struct memory_usage *day = memory_day(database, request->card_token, request->business_day);
        const struct memory_usage *month = memory_month(database, request->card_token, request->business_day);

        if ((day ? day->withdrawals : 0) >= request->limit[LIMIT_DAY_COUNT])
                return REASON_COUNT_LIMIT;
        if (exceeds(day ? day->cash_yen : 0, request->amount_yen, request->limit[LIMIT_DAY_YEN]))
                return REASON_DAY_LIMIT;
        if (exceeds(month ? month->cash_yen : 0, request->amount_yen, request->limit[LIMIT_MONTH_YEN]))
                return REASON_MONTH_LIMIT;
        if (card && card->has_account &&
            exceeds(request->amount_yen, charge_yen(&request->price), card->balance_yen))
                return REASON_NOT_COVERED;
        return REASON_APPROVED;
}

static enum reason decide(const struct memory_database *database, const struct ledger_op *op)
{
        const struct ledger_request *request = &op->request;
        const struct memory_card *card = memory_card(database, request->card_token);
        enum reason reason = card_refusal(database, card, request);

        if (reason == REASON_APPROVED && op->kind == LEDGER_REQUEST)
                reason = usage_refusal(database, card, request);
        /* the card's row knows nothing of it any more */
        if (op->kind == LEDGER_REQUEST && card &&
            (request->business_day < card->day[1] ||
             calendar_month_of(request->business_day) < card->month[1]))
                reason = reason_first(reason, REASON_CLOCK_OFF);
        return reason_first(request->refusal, reason);
}

static bool contradicts(const struct memory_withdrawal *stored, const struct ledger_request *request)
{
        return stored->request.processing_code != request->processing_code ||
               stored->request.amount_yen != request->amount_yen ||
               memcmp(stored->request.card_token, request->card_token, CARD_TOKEN_LENGTH) != 0;
}

/* A row that no constraint of the schema would take; nothing that rules/decide.c lets through. */
static bool breaks_constraint(const struct ledger_request *request, enum reason reason)
{
        return request->amount_yen < 0 ||
               (reason == REASON_APPROVED &&
                (request->amount_yen == 0 || request->amount_yen % SMALLEST_NOTE_YEN != 0 ||
                 request->issuer[0] == '\0' || request->hall[0] == '\0' ||
                 (request->link[0] == '\0' && request->approval_code[0] == '\0')));
}

/* What is durable about a withdrawal that was decided, or left to its bank, earlier. */
static void fill_stored(struct ledger_answer *answer, const struct memory_withdrawal *stored,
                        enum reason reason)
{
        *answer = (struct ledger_answer){
            .status = reason == REASON_COUNT ? LEDGER_PENDING : LEDGER_STORED,
            .reason = reason == REASON_COUNT ? REASON_APPROVED : reason,
            .business_day = stored->request.business_day,
        };
        if (reason != REASON_APPROVED && reason != REASON_COUNT)
                return;
        answer->customer_charge_yen = charge_yen(&stored->request.price);
        if (reason == REASON_APPROVED)
                memcpy(answer->approval_code,
                       stored->has_outcome ? stored->outcome.approval_code : stored->request.approval_code,
                       sizeof answer->approval_code);
}

static void fill_answer(struct ledger_answer *answer, enum ledger_status status, enum reason reason,
                        const struct ledger_request *request)
{
        *answer =
            (struct ledger_answer){.status = status, .reason = reason, .business_day = request->business_day};
        if (reason == REASON_APPROVED) {
                answer->customer_charge_yen = charge_yen(&request->price);
                memcpy(answer->approval_code, request->approval_code, sizeof answer->approval_code);
        }
}

/* May the approval still lead to a dispense that everybody knows of? */
static bool may_be_paid(const struct memory_database *database, const struct memory_withdrawal *stored,
                        int64_t wait_ms)
{
        bool ended = !stored->open && database->defect != LEDGER_MEM_REPEATS_AFTER_END;
        bool late = clock_of(database) - stored->approved_ms >= wait_ms &&
                    database->defect != LEDGER_MEM_REPEATS_FOR_EVER;

        return !ended && !late;
}

static enum reason repeated_reason(const struct memory_database *database,
                                   const struct memory_withdrawal *stored,
                                   const struct ledger_request *request, int64_t wait_ms)
{
        enum reason reason = memory_reason(stored);

        if (stored->reason != REASON_BLOCKED && contradicts(stored, request))
                return REASON_CONTRADICTS;
        if (reason == REASON_APPROVED && !may_be_paid(database, stored, wait_ms))
                return REASON_ENDED;
        return reason;
}

static void answer_request(const struct memory_database *database, const struct ledger_op *op,
                           const struct memory_withdrawal *stored, int64_t wait_ms,
                           struct ledger_answer *ret_answer)
{
        const struct ledger_request *request = &op->request;

        if (stored) {
                fill_stored(ret_answer, stored, repeated_reason(database, stored, request, wait_ms));
                return;
        }
        fill_answer(ret_answer, LEDGER_DECIDED, decide(database, op), request);
        if (!reference_holds_moment(database->reference, op->identity.transmitted_ms) ||
            breaks_constraint(request, ret_answer->reason))
                *ret_answer =
                    (struct ledger_answer){.status = LEDGER_UNAVAILABLE, .reason = REASON_CANNOT_DECIDE};
        if (ret_answer->status != LEDGER_DECIDED || ret_answer->reason != REASON_APPROVED ||
            request->link[0] == '\0')
                return;
        ret_answer->status = LEDGER_ASK;
        ret_answer->approval_code[0] = '\0'; /* the bank's to give */
}

static void answer_inquiry(const struct memory_database *database, const struct ledger_op *op,
                           struct ledger_answer *ret_answer)
{
        const struct memory_withdrawal *stored = memory_withdrawal(database, &op->identity);
        const struct memory_card *card = memory_card(database, op->request.card_token);
        enum reason reason;

        if (stored)
                reason = stored->reason == REASON_BLOCKED ? REASON_BLOCKED : REASON_CONTRADICTS;
        else
                reason = decide(database, op);
        fill_answer(ret_answer, LEDGER_DECIDED, reason, &op->request);
        ret_answer->customer_charge_yen = 0;
        if (reason == REASON_APPROVED && op->request.link[0] != '\0')
                ret_answer->status = LEDGER_ASK;
        else if (reason == REASON_APPROVED)
                ret_answer->balance_yen = card->balance_yen;
}

static void debit(struct memory_database *database, const struct ledger_request *request)
{
        struct memory_card *card = memory_card(database, request->card_token);

        add_yen(&card->balance_yen, -request->amount_yen);
        add_yen(&card->balance_yen, -charge_yen(&request->price));
}

static void write_request(struct memory_database *database, const struct ledger_op *op,
                          struct memory_withdrawal *stored, const struct ledger_answer *answer)
{
        const struct ledger_request *request = &op->request;
        struct memory_withdrawal *withdrawal = stored ? stored : add_withdrawal(database, &op->identity);
        struct memory_card *card = memory_card(database, request->card_token);
        struct memory_usage *day;

        withdrawal->request = *request;
        withdrawal->reason = answer->status == LEDGER_ASK ? REASON_COUNT : answer->reason;
        if (answer->reason != REASON_APPROVED) {
                withdrawal->request.link[0] = '\0';
                return;
        }
        withdrawal->open = true;
        if (answer->status == LEDGER_ASK) {
                withdrawal->asked_ms = clock_of(database);
        } else {
                withdrawal->approved_ms = clock_of(database);
                debit(database, request);
        }
        add_yen(&need_usage(&database->months, request->card_token, calendar_month_of(request->business_day))
                     ->cash_yen,
                request->amount_yen);
        day = need_usage(&database->days, request->card_token, request->business_day);
        add_yen(&day->cash_yen, request->amount_yen);
        day->withdrawals++;
        note_use(card->day, request->business_day);
        note_use(card->month, calendar_month_of(request->business_day));
}

/* A card of another bank has a row once anybody asked to decide. */
static void touch_card(struct memory_database *database, const struct ledger_request *request)
{
        struct memory_card *card;

        if (request->refusal != REASON_APPROVED || request->link[0] == '\0')
                return;
        card = need_card(database, request->card_token);
        if (card->in_bank)
                return;
        card->in_bank = card->only_used = true;
        card->kind = CARD_CASH;
}

static void do_request(struct memory_database *database, struct ledger_op *op, int64_t wait_ms)
{
        struct memory_withdrawal *stored = memory_withdrawal(database, &op->identity);
        bool anew = database->defect == LEDGER_MEM_DECIDES_REPEATS_ANEW && stored &&
                    stored->reason != REASON_BLOCKED && stored->reason != REASON_COUNT;

        answer_request(database, op, anew ? NULL : stored, wait_ms, &op->answer);
        if (op->answer.status == LEDGER_UNAVAILABLE)
                return;
        touch_card(database, &op->request);
        if (op->answer.reason == REASON_CANNOT_DECIDE && op->answer.status == LEDGER_DECIDED)
                return; /* said, not kept */
        if (op->answer.status == LEDGER_DECIDED || op->answer.status == LEDGER_ASK)
                write_request(database, op, stored, &op->answer);
}

/* exceptions ---------------------------------------------------------------------------------------- */

/* Once for each key: what has been said before is no other exception. */
static void add_exception(struct memory_database *database, const struct memory_exception_key *key,
                          int64_t amount_yen, int64_t dispensed_yen)
{
        struct memory_exception *exception;

        HASH_FIND(hh, database->exceptions, key, sizeof *key, exception);
        if (exception)
                return;
        exception = allocate(sizeof *exception);
        exception->key = *key;
        exception->amount_yen = amount_yen;
        exception->dispensed_yen = dispensed_yen;
        HASH_ADD(hh, database->exceptions, key, sizeof *key, exception);
}

/* advices ------------------------------------------------------------------------------------------- */

static void add_advice_exception(struct memory_database *database, struct ledger_op *op, const char *what)
{
        const struct ledger_identity *original = &op->advice.original;
        struct memory_exception_key key;

        memset(&key, 0, sizeof key);
        key.advice = clean_identity(op->identity.terminal, op->identity.transmitted_ms, op->identity.stan);
        key.original = clean_identity(op->identity.terminal, original->transmitted_ms, original->stan);
        key.kind = op->advice.reversal ? MEMORY_EXCEPTION_REVERSAL : MEMORY_EXCEPTION_COMPLETION;
        memcpy(key.what, what, strnlen(what, sizeof key.what - 1));
        memcpy(op->answer.what, key.what, sizeof op->answer.what);
        add_exception(database, &key, op->advice.amount_yen, op->advice.dispensed_yen);
}

static struct memory_withdrawal *block(struct memory_database *database, const struct ledger_op *op)
{
        struct memory_withdrawal *withdrawal = add_withdrawal(database, &op->advice.original);

        withdrawal->reason = REASON_BLOCKED;
        withdrawal->request.amount_yen = op->advice.amount_yen;
        withdrawal->request.business_day = calendar_business_day(op->advice.original.transmitted_ms);
        return withdrawal;
}

static const struct memory_advice *find_advice(const struct memory_withdrawal *withdrawal,
                                               const struct ledger_op *op)
{
        for (size_t i = 0; i < withdrawal->advice_count; i++) {
                const struct memory_advice *advice = &withdrawal->advices[i];

                if (!advice->by_person && advice->advice.reversal == op->advice.reversal &&
                    advice->advice_ms == op->identity.transmitted_ms &&
                    advice->advice_stan == op->identity.stan)
                        return advice;
        }
        return NULL;
}

static struct price times(const struct price *price, int sign)
{
        struct price product = *price;

        product.customer_fee_yen *= sign;
        product.customer_tax_yen *= sign;
        product.interbank_fee_yen *= sign;
        product.interbank_tax_yen *= sign;
        product.hall_share_yen *= sign;
        return product;
}

void memory_add_to_sum(struct memory_sum **sums, const struct memory_withdrawal *withdrawal,
                       const struct memory_commission *commission)
{
        const struct ledger_request *request = &withdrawal->request;
        struct memory_sum_key key;
        struct memory_sum *sum;

        memset(&key, 0, sizeof key);
        strcpy(key.terminal, withdrawal->identity.terminal);
        strcpy(key.hall, request->hall);
        strcpy(key.issuer, request->issuer);
        key.posted_day = commission->posted_day;
        key.band = request->price.band;
        HASH_FIND(hh, *sums, &key, sizeof key, sum);
        if (!sum) {
                sum = allocate(sizeof *sum);
                sum->key = key;
                HASH_ADD(hh, *sums, key, sizeof key, sum);
        }
        sum->withdrawals += commission->sign;
        add_yen(&sum->cash_yen, commission->cash_yen);
        add_yen(&sum->customer_fee_yen, commission->price.customer_fee_yen);
        add_yen(&sum->customer_tax_yen, commission->price.customer_tax_yen);
        add_yen(&sum->interbank_fee_yen, commission->price.interbank_fee_yen);
        add_yen(&sum->interbank_tax_yen, commission->price.interbank_tax_yen);
        add_yen(&sum->hall_share_yen, commission->price.hall_share_yen);
}

void memory_sum_up(struct memory_database *database, int32_t day_last)
{
        for (struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                for (size_t i = 0; i < w->commission_count; i++) {
                        struct memory_commission *c = &w->commissions[i];

                        if (c->unsummed ||
                            (c->posted_day > database->summed_day_last && c->posted_day <= day_last))
                                memory_add_to_sum(&database->sums, w, c);
                        c->unsummed = false;
                }
        }
        if (day_last > database->summed_day_last)
                database->summed_day_last = day_last;
}

/* closed books -------------------------------------------------------------------------------------- */

void memory_quarter_of(int32_t day, int32_t *ret_from_day, int32_t *ret_to_day)
{
        struct civil date;

        calendar_civil_of_day(day, &date);
        *ret_from_day = calendar_month_of(day);
        for (int i = 0; i < (date.month - 1) % 3; i++)
                *ret_from_day = calendar_month_of(*ret_from_day - 1);
        *ret_to_day = *ret_from_day;
        for (int i = 0; i < 3; i++)
                *ret_to_day = calendar_month_of(*ret_to_day + 31);
        --*ret_to_day;
}

static void add_up(const struct memory_withdrawal *withdrawal, struct memory_period *period)
{
        if (withdrawal->open && withdrawal->request.business_day <= period->to_day)
                period->without_end++;
        for (size_t i = 0; i < withdrawal->commission_count; i++) {
                const struct memory_commission *c = &withdrawal->commissions[i];

                if (c->posted_day < period->from_day || c->posted_day > period->to_day)
                        continue;
                period->withdrawals += c->sign;
                add_yen(&period->cash_yen, c->cash_yen);
                add_yen(&period->commission_yen, c->price.customer_fee_yen);
                add_yen(&period->commission_yen, c->price.interbank_fee_yen);
        }
}

const char *memory_period_close(struct memory_database *database, int32_t day, bool force)
{
        struct memory_period sums = {0}, *period;

        memory_quarter_of(day, &sums.from_day, &sums.to_day);
        if (database->closed_day_last >= sums.to_day)
                return "closed";
        if (database->summed_day_last < sums.to_day)
                return "not summed";
        for (const struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next)
                add_up(w, &sums);
        if (sums.without_end > 0 && !force)
                return "without end";
        period = allocate(sizeof *period);
        *period = sums;
        HASH_ADD(hh, database->periods, from_day, sizeof period->from_day, period);
        database->closed_day_last = period->to_day;
        return NULL;
}

/* What is known late of a closed day is in the books of the first that is open. */
static int32_t posting_day(const struct memory_database *database, const struct memory_withdrawal *withdrawal)
{
        int32_t day = withdrawal->request.business_day;

        if (day > database->closed_day_last || database->defect == LEDGER_MEM_POSTS_INTO_CLOSED)
                return day;
        return database->closed_day_last + 1;
}

/* commissions --------------------------------------------------------------------------------------- */

/* sign 0: only the cash is corrected. */
static void earn(const struct memory_database *database, struct memory_withdrawal *withdrawal, int sign,
                 int64_t cash_yen)
{
        struct memory_commission *commission;
        void *array = withdrawal->commissions;

        commission = append(&array, &withdrawal->commission_count, sizeof *commission);
        withdrawal->commissions = array;
        commission->seq = withdrawal->advice_count;
        commission->sign = sign;
        commission->cash_yen = cash_yen;
        commission->price = times(&withdrawal->request.price, sign);
        commission->posted_day = posting_day(database, withdrawal);
        commission->unsummed = commission->posted_day <= database->summed_day_last &&
                               database->defect != LEDGER_MEM_FORGETS_LATE_POSTS;
}

static void give_back(struct memory_database *database, const struct memory_withdrawal *withdrawal,
                      int64_t cash_yen, bool all, bool corrects)
{
        const struct ledger_request *request = &withdrawal->request;
        const uint8_t *token = memory_holder(database, request->card_token);
        struct memory_card *card = request->link[0] == '\0' ? memory_card(database, token) : NULL;
        struct memory_usage *month =
            find_usage(database->months, token, calendar_month_of(request->business_day));
        struct memory_usage *day = find_usage(database->days, token, request->business_day);

        assert(month && day);
        add_yen(&month->cash_yen, -cash_yen);
        add_yen(&day->cash_yen, -cash_yen);
        if (all)
                day->withdrawals--;
        day->corrections += corrects;
        if (card)
                add_yen(&card->balance_yen, all ? cash_yen + charge_yen(&request->price) : cash_yen);
        assert(month->cash_yen >= 0 && day->cash_yen >= 0 && day->withdrawals >= 0);
}

static void tell_bank(struct memory_database *database, struct memory_withdrawal *withdrawal, size_t seq,
                      int64_t dispensed_yen, const char *why)
{
        void *array = withdrawal->notices;
        struct memory_notice *notice = append(&array, &withdrawal->notice_count, sizeof *notice);
        struct memory_saf *saf = allocate(sizeof *saf);

        withdrawal->notices = array;
        notice->seq = (int16_t)seq;
        notice->kind = dispensed_yen == 0                               ? MEMORY_NOTICE_REVERSAL
                       : dispensed_yen < withdrawal->request.amount_yen ? MEMORY_NOTICE_PARTIAL
                                                                        : MEMORY_NOTICE_COMPLETION;
        notice->amount_yen = withdrawal->request.amount_yen;
        notice->charge_yen = charge_yen(&withdrawal->request.price);
        notice->dispensed_yen = dispensed_yen;
        memcpy(notice->why, why, sizeof notice->why);
        saf->key.identity = withdrawal->identity;
        saf->key.seq = notice->seq;
        strcpy(saf->link, database->defect == LEDGER_MEM_TELLS_NEW_LINK
                              ? reference_issuer(database->reference, withdrawal->request.issuer)->link
                              : withdrawal->request.link);
        saf->created_ms = saf->due_ms = clock_of(database);
        HASH_ADD(hh, database->saf, key, sizeof saf->key, saf);
}

/* What a bank must be told of the advice that was just written. */
static void pass_on(struct memory_database *database, struct memory_withdrawal *withdrawal)
{
        const struct memory_advice *advice = last_advice(withdrawal);
        const char *why = advice->advice.why;

        if (why[0] == '\0')
                why = advice->counted_yen == 0                               ? "21"
                      : advice->counted_yen < withdrawal->request.amount_yen ? "32"
                                                                             : "00";
        if (database->defect != LEDGER_MEM_FORGETS_COMPLETIONS || advice->after != WITHDRAWAL_COMPLETED)
                tell_bank(database, withdrawal, withdrawal->advice_count, advice->counted_yen, why);
}

static void decide_outcome(struct memory_withdrawal *withdrawal, enum reason reason, enum memory_cause cause)
{
        assert(!withdrawal->has_outcome && withdrawal->reason == REASON_COUNT);
        withdrawal->has_outcome = true;
        withdrawal->outcome.reason = reason;
        withdrawal->outcome.cause = cause;
}

/* An advice's own numbers speak of one original for good. False: they were said of another. */
static bool claim_numbers(struct memory_database *database, const struct ledger_op *op)
{
        struct memory_advice_identity_key key;
        struct memory_advice_identity *claimed;
        struct ledger_identity original = clean_identity(
            op->identity.terminal, op->advice.original.transmitted_ms, op->advice.original.stan);

        if (!reference_holds_moment(database->reference, op->identity.transmitted_ms))
                return true;
        memset(&key, 0, sizeof key);
        key.advice = clean_identity(op->identity.terminal, op->identity.transmitted_ms, op->identity.stan);
        key.reversal = op->advice.reversal;
        HASH_FIND(hh, database->advice_identities, &key, sizeof key, claimed);
        if (claimed)
                return memcmp(&claimed->original, &original, sizeof original) == 0;
        claimed = allocate(sizeof *claimed);
        claimed->key = key;
        claimed->original = original;
        HASH_ADD(hh, database->advice_identities, key, sizeof key, claimed);
        return true;
}

static bool is_decided_by_person(const struct memory_withdrawal *withdrawal)
{
        for (size_t i = 0; i < withdrawal->advice_count; i++) {
                if (withdrawal->advices[i].by_person)
                        return true;
        }
        return false;
}

/* When it was first said to be completed. */
static int64_t completed_ms(const struct memory_withdrawal *withdrawal)
{
        for (size_t i = 0; i < withdrawal->advice_count; i++) {
                if (withdrawal->advices[i].after == WITHDRAWAL_COMPLETED)
                        return withdrawal->advices[i].recorded_ms;
        }
        return 0;
}

static bool may_correct(const struct memory_database *database, const struct memory_withdrawal *withdrawal,
                        int64_t correct_ms)
{
        const uint8_t *holder = memory_holder(database, withdrawal->request.card_token);
        const struct memory_card *card = memory_card(database, holder);
        const struct memory_usage *day = memory_day(database, holder, withdrawal->request.business_day);
        const struct atm *atm = reference_atm(database->reference, withdrawal->identity.terminal);
        bool late = clock_of(database) - completed_ms(withdrawal) >= correct_ms &&
                    database->defect != LEDGER_MEM_CORRECTS_LATE;
        bool second = day && day->corrections > 0 && database->defect != LEDGER_MEM_CORRECTS_OFTEN;
        bool left = card && withdrawal->request.business_day != card->day[0] &&
                    withdrawal->request.business_day != card->day[1]; /* the card's row */

        return !late && !second && !left && !is_decided_by_person(withdrawal) && atm && atm->enabled;
}

/* What the withdrawal is to this advice. */
static enum withdrawal_state state_to(const struct memory_database *database,
                                      const struct memory_withdrawal *withdrawal, bool by_person,
                                      int64_t correct_ms)
{
        enum withdrawal_state state = memory_state(withdrawal);

        if (database->defect == LEDGER_MEM_OVERRIDES_PEOPLE && is_decided_by_person(withdrawal))
                return state;
        if (state == WITHDRAWAL_COMPLETED && !by_person && !may_correct(database, withdrawal, correct_ms))
                return WITHDRAWAL_SETTLED;
        return state;
}

static void note_exception(struct memory_database *database, const struct memory_withdrawal *withdrawal,
                           struct ledger_op *op, const struct withdrawal_rule *rule, bool corrects)
{
        if (rule->exception)
                add_advice_exception(database, op,
                                     is_decided_by_person(withdrawal) && (rule->from == WITHDRAWAL_SETTLED ||
                                                                          rule->from == WITHDRAWAL_REVERSED)
                                         ? "decided"
                                         : withdrawal_state_name[rule->from]);
        else if (corrects)
                add_advice_exception(database, op, "corrected");
}

/* An advice that was not there before: its row and all that follows from it. */
static void write_advice(struct memory_database *database, struct memory_withdrawal *withdrawal,
                         struct ledger_op *op, bool by_person, int64_t correct_ms)
{
        enum withdrawal_state state = memory_state(withdrawal);
        enum withdrawal_state before = state_to(database, withdrawal, by_person, correct_ms);
        int64_t counts_yen = memory_counts_yen(withdrawal);
        int64_t already_yen = withdrawal->advice_count ? last_advice(withdrawal)->counted_yen : 0;
        enum dispensed_relation relation = withdrawal_relation(before, counts_yen, op->advice.dispensed_yen);
        const struct withdrawal_rule *rule = withdrawal_on_advice(before, relation);
        int commission =
            rule->commission < 0 && database->defect == LEDGER_MEM_KEEPS_COMMISSION ? 0 : rule->commission;
        bool ends = rule->to == WITHDRAWAL_COMPLETED || rule->to == WITHDRAWAL_REVERSED;
        bool twice = database->defect == LEDGER_MEM_COUNTS_TWICE && is_decided_by_person(withdrawal);
        int64_t counted_yen = withdrawal_counted_yen(rule, counts_yen, op->advice.dispensed_yen);
        bool corrects = before == WITHDRAWAL_COMPLETED && !by_person && counted_yen < counts_yen;
        struct memory_advice *advice;
        void *array = withdrawal->advices;

        note_exception(database, withdrawal, op, rule, corrects);
        advice = append(&array, &withdrawal->advice_count, sizeof *advice);
        withdrawal->advices = array;
        *advice = (struct memory_advice){
            .advice = op->advice,
            .by_person = by_person,
            .recorded_ms = clock_of(database),
            .advice_ms = op->identity.transmitted_ms,
            .advice_stan = op->identity.stan,
            .before = before,
            .after = rule->to,
            .counted_yen = counted_yen,
            .commission = commission,
        };
        if (twice)
                earn(database, withdrawal, 1, op->advice.dispensed_yen);
        if (commission != 0 || counted_yen != already_yen)
                earn(database, withdrawal, commission, counted_yen - already_yen);
        if (ends && state != WITHDRAWAL_REVERSED)
                give_back(database, withdrawal, counts_yen - counted_yen, rule->to == WITHDRAWAL_REVERSED,
                          corrects);
        if (ends)
                withdrawal->open = false;
        if (before == WITHDRAWAL_ASKED && rule->to == WITHDRAWAL_REVERSED)
                decide_outcome(withdrawal, REASON_BLOCKED,
                               by_person ? MEMORY_CAUSE_OPERATOR : MEMORY_CAUSE_REVERSAL);
        if (withdrawal->request.link[0] != '\0' &&
            ((rule->to == WITHDRAWAL_REVERSED && state != WITHDRAWAL_REVERSED) || counted_yen != already_yen))
                pass_on(database, withdrawal);
}

static void do_advice(struct memory_database *database, struct ledger_op *op, int64_t correct_ms)
{
        struct ledger_identity original = clean_identity(
            op->identity.terminal, op->advice.original.transmitted_ms, op->advice.original.stan);
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, &original);
        const struct memory_advice *repeated;

        op->advice.original = original;
        op->answer = (struct ledger_answer){.status = LEDGER_DECIDED};
        if (!claim_numbers(database, op)) {
                op->answer.status = LEDGER_STORED;
                add_advice_exception(database, op, "contradicts");
                return;
        }
        if (!reference_holds_moment(database->reference, original.transmitted_ms)) {
                add_advice_exception(database, op, "out of range");
                return;
        }
        if (!withdrawal)
                withdrawal = block(database, op);
        repeated = find_advice(withdrawal, op);
        if (!repeated) {
                write_advice(database, withdrawal, op, false, correct_ms);
                return;
        }
        op->answer.status = LEDGER_STORED;
        if (repeated->advice.amount_yen != op->advice.amount_yen ||
            repeated->advice.dispensed_yen != op->advice.dispensed_yen)
                add_advice_exception(database, op, "contradicts");
}

static bool concerns(const struct memory_exception *exception, const struct memory_withdrawal *withdrawal)
{
        return !exception->resolved &&
               memcmp(&exception->key.original, &withdrawal->identity, sizeof withdrawal->identity) == 0;
}

static bool has_exception(const struct memory_database *database, const struct memory_withdrawal *withdrawal)
{
        for (const struct memory_exception *e = database->exceptions; e; e = e->hh.next) {
                if (concerns(e, withdrawal))
                        return true;
        }
        return false;
}

static void resolve_exceptions(struct memory_database *database, const struct memory_withdrawal *withdrawal)
{
        for (struct memory_exception *e = database->exceptions; e; e = e->hh.next)
                e->resolved = e->resolved || concerns(e, withdrawal);
}

const char *memory_operator_resolve(struct memory_database *database, const struct ledger_identity *identity,
                                    int64_t dispensed_yen, int64_t advice_ms, int64_t youngest_ms)
{
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, identity);
        enum withdrawal_state state = withdrawal ? memory_state(withdrawal) : WITHDRAWAL_UNKNOWN;
        const struct withdrawal_rule *rule;
        struct ledger_op op = {.kind = LEDGER_ADVICE, .identity = *identity};
        int64_t counts_yen, since_ms;

        if (!withdrawal)
                return "unknown";
        counts_yen = memory_counts_yen(withdrawal);
        rule = withdrawal_on_advice(state, withdrawal_relation(state, counts_yen, dispensed_yen));
        if (rule->exception)
                return "impossible";
        if (state == rule->to && counts_yen == dispensed_yen && !has_exception(database, withdrawal))
                return "no change";
        since_ms = withdrawal->approved_ms ? withdrawal->approved_ms
                   : withdrawal->open      ? withdrawal->asked_ms
                                           : 0;
        if (since_ms && clock_of(database) - since_ms < youngest_ms &&
            database->defect != LEDGER_MEM_HURRIES_PEOPLE)
                return "young";
        op.identity.transmitted_ms = advice_ms;
        op.identity.stan = 0;
        op.advice.original = withdrawal->identity;
        op.advice.amount_yen = withdrawal->request.amount_yen;
        op.advice.dispensed_yen = dispensed_yen;
        strcpy(op.advice.why, dispensed_yen == 0 ? "21" : dispensed_yen < op.advice.amount_yen ? "32" : "");
        write_advice(database, withdrawal, &op, true, 0);
        resolve_exceptions(database, withdrawal);
        if (database->on_commit)
                database->on_commit(database, &op, database->context);
        return NULL;
}

/* banks --------------------------------------------------------------------------------------------- */

static void write_outcome(struct memory_database *database, struct memory_withdrawal *withdrawal,
                          const struct ledger_outcome *outcome)
{
        bool is_timeout = outcome->cause == OUTCOME_TIMEOUT;

        decide_outcome(withdrawal, outcome->reason, is_timeout ? MEMORY_CAUSE_TIMEOUT : MEMORY_CAUSE_ANSWER);
        memcpy(withdrawal->outcome.bank_de39, outcome->bank_de39, sizeof outcome->bank_de39);
        if (outcome->reason == REASON_APPROVED) {
                withdrawal->approved_ms = clock_of(database);
                memcpy(withdrawal->outcome.approval_code, outcome->approval_code,
                       sizeof outcome->approval_code);
                return;
        }
        withdrawal->open = false;
        if (database->defect != LEDGER_MEM_KEEPS_USAGE || is_timeout)
                give_back(database, withdrawal, withdrawal->request.amount_yen, true, false);
        if (is_timeout && database->defect != LEDGER_MEM_FORGETS_REVERSALS)
                tell_bank(database, withdrawal, 0, 0, "68");
}

/* A row that no constraint would take. */
static bool is_bad_outcome(const struct ledger_outcome *outcome)
{
        return outcome->reason == REASON_APPROVED &&
               (outcome->cause != OUTCOME_ANSWER || outcome->approval_code[0] == '\0');
}

static void answer_outcome(const struct memory_database *database, const struct ledger_op *op,
                           const struct memory_withdrawal *withdrawal, struct ledger_answer *ret_answer)
{
        assert(withdrawal &&
               withdrawal->request.link[0] != '\0'); /* atmd asks nobody without a durable intent */
        if (!withdrawal->has_outcome ||
            (database->defect == LEDGER_MEM_PAYS_LATE_APPROVALS && op->outcome.reason == REASON_APPROVED)) {
                fill_answer(ret_answer, LEDGER_DECIDED, op->outcome.reason, &withdrawal->request);
                if (op->outcome.reason == REASON_APPROVED)
                        memcpy(ret_answer->approval_code, op->outcome.approval_code,
                               sizeof ret_answer->approval_code);
                if (is_bad_outcome(&op->outcome))
                        *ret_answer = (struct ledger_answer){.status = LEDGER_UNAVAILABLE,
                                                             .reason = REASON_CANNOT_DECIDE};
        } else {
                fill_stored(ret_answer, withdrawal, withdrawal->outcome.reason);
        }
}

static struct memory_notice *find_notice(const struct memory_database *database,
                                         const struct ledger_identity *identity, int seq)
{
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, identity);

        for (size_t i = 0; withdrawal && i < withdrawal->notice_count; i++) {
                if (withdrawal->notices[i].seq == seq)
                        return &withdrawal->notices[i];
        }
        return NULL;
}

static void do_outcome(struct memory_database *database, struct ledger_op *op)
{
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, &op->identity);

        answer_outcome(database, op, withdrawal, &op->answer);
        if (op->answer.status == LEDGER_DECIDED && !withdrawal->has_outcome)
                write_outcome(database, withdrawal, &op->outcome);
        else if (op->answer.status == LEDGER_STORED && op->outcome.reason == REASON_APPROVED &&
                 op->answer.reason != REASON_APPROVED &&
                 !find_notice(database, &op->identity, MEMORY_SEQ_LATE))
                tell_bank(database, withdrawal, MEMORY_SEQ_LATE, 0, "68");
}

static bool is_overdue(const struct memory_database *database, const struct memory_withdrawal *withdrawal,
                       int64_t age_ms)
{
        return withdrawal->open && withdrawal->request.link[0] != '\0' &&
               (withdrawal->asked_ms <= clock_of(database) - age_ms ||
                withdrawal->asked_ms > clock_of(database) + age_ms) &&
               (!withdrawal->has_outcome || database->defect == LEDGER_MEM_TIMES_OUT_APPROVALS);
}

/* The one that was asked first. */
static struct memory_withdrawal *find_overdue(const struct memory_database *database, int64_t age_ms)
{
        struct memory_withdrawal *found = NULL;

        for (struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                if (is_overdue(database, w, age_ms) && (!found || w->asked_ms < found->asked_ms))
                        found = w;
        }
        return found;
}

int memory_sweep(struct memory_database *database, int64_t age_ms, int max)
{
        struct memory_withdrawal *withdrawal;
        int count = 0;

        while (count < max && (withdrawal = find_overdue(database, age_ms))) {
                struct ledger_op op = {
                    .kind = LEDGER_OUTCOME,
                    .identity = withdrawal->identity,
                    .outcome = {.cause = OUTCOME_TIMEOUT, .reason = REASON_ISSUER_UNAVAILABLE},
                };

                withdrawal->has_outcome = false; /* it never has one, unless the defect is wanted */
                do_outcome(database, &op);
                count++;
                if (database->on_commit)
                        database->on_commit(database, &op, database->context);
        }
        return count;
}

void memory_age(struct memory_database *database, int64_t ms)
{
        for (struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                w->asked_ms -= ms;
                w->approved_ms -= w->approved_ms ? ms : 0;
                for (size_t i = 0; i < w->advice_count; i++)
                        w->advices[i].recorded_ms -= ms;
        }
}

static struct memory_lease *find_lease(const struct memory_database *database, const char *link)
{
        char key[ISSUER_MAX + 1] = "";
        struct memory_lease *lease;

        assert(strlen(link) <= ISSUER_MAX);
        strcpy(key, link);
        HASH_FIND(hh, database->leases, key, sizeof key, lease);
        return lease;
}

static bool take_lease(struct memory_database *database, const char *link, const char *holder,
                       int64_t lease_ms)
{
        int64_t now_ms = clock_of(database);
        struct memory_lease *lease = find_lease(database, link);

        assert(strlen(holder) <= MEMORY_HOLDER_MAX);
        if (!lease) {
                lease = allocate(sizeof *lease);
                strcpy(lease->link, link);
                HASH_ADD(hh, database->leases, link, sizeof lease->link, lease);
        } else if (strcmp(lease->holder, holder) != 0 && lease->until_ms >= now_ms &&
                   lease->until_ms <= now_ms + lease_ms) {
                return false;
        }
        strcpy(lease->holder, holder);
        lease->until_ms = now_ms + lease_ms;
        return true;
}

bool memory_saf_is_first(const struct memory_database *database, const struct memory_saf *saf)
{
        const struct memory_withdrawal *withdrawal = memory_withdrawal(database, &saf->key.identity);

        if (database->defect == LEDGER_MEM_TAKES_OUT_OF_ORDER)
                return true;
        for (size_t i = 0; i < withdrawal->notice_count; i++) {
                int seq = withdrawal->notices[i].seq;

                if (seq < saf->key.seq && find_saf(database, &saf->key.identity, seq))
                        return false;
        }
        return true;
}

static bool is_free(const struct memory_database *database, const struct memory_saf *saf)
{
        return !saf->parked || database->defect == LEDGER_MEM_SENDS_HELD;
}

static int compare_due(const void *a, const void *b)
{
        const struct memory_saf *x = *(const struct memory_saf *const *)a,
                                *y = *(const struct memory_saf *const *)b;

        if (x->due_ms != y->due_ms)
                return x->due_ms < y->due_ms ? -1 : 1;
        if (x->key.identity.transmitted_ms != y->key.identity.transmitted_ms)
                return x->key.identity.transmitted_ms < y->key.identity.transmitted_ms ? -1 : 1;
        if (x->key.identity.stan != y->key.identity.stan)
                return x->key.identity.stan < y->key.identity.stan ? -1 : 1;
        return strcmp(x->key.identity.terminal, y->key.identity.terminal);
}

static int64_t pause_ms(int32_t attempts, int64_t first_ms, int64_t longest_ms)
{
        int64_t pause = first_ms * (INT64_C(1) << (attempts < 20 ? attempts : 20));

        return pause < longest_ms ? pause : longest_ms;
}

/* What lies further ahead than it could have been written is due, too. */
static bool is_due(const struct memory_database *database, const struct memory_saf *saf, int64_t longest_ms)
{
        int64_t now_ms = clock_of(database);

        return saf->due_ms <= now_ms || saf->due_ms > now_ms + longest_ms;
}

size_t memory_saf_take(struct memory_database *database, const char *link, const char *holder,
                       int64_t lease_ms, int64_t first_ms, int64_t longest_ms, size_t max,
                       struct memory_taken *taken)
{
        struct memory_saf **due;
        int64_t now_ms = clock_of(database);
        size_t count = 0;

        if (!take_lease(database, link, holder, lease_ms))
                return 0;
        due = allocate((HASH_COUNT(database->saf) + 1) * sizeof(struct memory_saf *));
        for (struct memory_saf *saf = database->saf; saf; saf = saf->hh.next) {
                if (strcmp(saf->link, link) == 0 && is_free(database, saf) &&
                    is_due(database, saf, longest_ms) && memory_saf_is_first(database, saf))
                        due[count++] = saf;
        }
        qsort(due, count, sizeof(struct memory_saf *), compare_due);
        if (count > max)
                count = max;
        for (size_t i = 0; i < count; i++) {
                due[i]->due_ms = now_ms + pause_ms(due[i]->attempts++, first_ms, longest_ms);
                taken[i].identity = due[i]->key.identity;
                taken[i].notice = *find_notice(database, &due[i]->key.identity, due[i]->key.seq);
                taken[i].notice.attempts = due[i]->attempts;
        }
        free(due);
        return count;
}

static const char *const notice_kind_name[] = {"completion", "partial", "reversal"};

/* An original that the bank does not know is a case if the bank was heard to approve it, in time or late: but not where a reversal
 * had no answer before, which the bank may have booked and put away. */
static enum notice_verdict final_verdict(const struct memory_withdrawal *withdrawal,
                                         const struct memory_saf *saf, const struct memory_notice *notice,
                                         enum notice_verdict verdict)
{
        bool was_approved =
            withdrawal->outcome.cause == MEMORY_CAUSE_ANSWER || saf->key.seq == MEMORY_SEQ_LATE;
        bool may_be_booked = notice->kind == MEMORY_NOTICE_REVERSAL && saf->attempts > 1 &&
                             strlen(saf->last_error) != BANK_CODE_LENGTH;

        return verdict == NOTICE_MISSING && was_approved && !may_be_booked ? NOTICE_CASE : verdict;
}

/* The verdict as it is taken; another than the bank's only where a defect is wanted. */
static enum notice_verdict taken_verdict(const struct memory_database *database,
                                         const struct memory_ended *ended)
{
        enum notice_verdict verdict = ended->verdict;
        bool answered = strlen(ended->said) == BANK_CODE_LENGTH;

        if (database->defect == LEDGER_MEM_BELIEVES_REFUSALS &&
            (verdict == NOTICE_CASE || verdict == NOTICE_MISSING))
                return NOTICE_DONE;
        if (database->defect == LEDGER_MEM_REPEATS_REPEATED && verdict == NOTICE_REPEATED)
                return NOTICE_AGAIN;
        if (database->defect == LEDGER_MEM_FORGETS_PUT_OFF && verdict == NOTICE_AGAIN && answered)
                return NOTICE_DONE;
        return verdict;
}

static void add_bank_exception(struct memory_database *database, const struct ledger_identity *identity,
                               const struct memory_notice *notice)
{
        struct memory_exception_key key;

        memset(&key, 0, sizeof key);
        key.advice = key.original =
            clean_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        key.kind = MEMORY_EXCEPTION_BANK;
        snprintf(key.what, sizeof key.what, "%s answered %s", notice_kind_name[notice->kind], notice->de39);
        add_exception(database, &key, notice->amount_yen, notice->dispensed_yen);
}

int memory_saf_end(struct memory_database *database, const struct memory_ended *ended, size_t count)
{
        int acknowledged = 0;

        for (size_t i = 0; i < count; i++) {
                struct memory_saf *saf = find_saf(database, &ended[i].identity, ended[i].seq);
                enum notice_verdict verdict = taken_verdict(database, &ended[i]);
                struct memory_notice *notice;

                if (!saf)
                        continue;
                if (verdict == NOTICE_AGAIN) {
                        snprintf(saf->last_error, sizeof saf->last_error, "%s", ended[i].said);
                        continue;
                }
                notice = find_notice(database, &ended[i].identity, ended[i].seq);
                notice->acknowledged = true;
                notice->acknowledged_ms = clock_of(database);
                notice->attempts = saf->attempts;
                notice->verdict =
                    final_verdict(memory_withdrawal(database, &ended[i].identity), saf, notice, verdict);
                snprintf(notice->de39, sizeof notice->de39, "%s", ended[i].said);
                if (notice->verdict == NOTICE_CASE)
                        add_bank_exception(database, &ended[i].identity, notice);
                HASH_DELETE(hh, database->saf, saf);
                free(saf);
                acknowledged++;
        }
        return acknowledged;
}

static void break_lease(struct memory_database *database, const char *link)
{
        struct memory_lease *lease = find_lease(database, link);

        if (!lease)
                return;
        HASH_DEL(database->leases, lease);
        free(lease);
}

bool memory_operator_saf(struct memory_database *database, bool park, const struct ledger_identity *identity,
                         int seq)
{
        struct memory_saf *saf = find_saf(database, identity, seq);
        int64_t now_ms = clock_of(database);

        if (!saf || (park && saf->parked))
                return false;
        saf->parked = park;
        if (park)
                return true;
        saf->due_ms = saf->due_ms < now_ms ? saf->due_ms : now_ms;
        break_lease(database, saf->link);
        return true;
}

/* the ledger ---------------------------------------------------------------------------------------- */

TAILQ_HEAD(op_list, ledger_op);

struct ledger_mem {
        struct ledger ledger;
        struct memory_database *database;
        struct ledger_mem_options options;
        const struct reference *reference; /* this daemon's snapshot */
        struct op_list waiting, batch, refused;
        struct op_list early; /* answered before commit: copies of their ops, to be committed */
        size_t waiting_count;
        bool committed, is_down;
};

static struct ledger_mem *of(struct ledger *ledger)
{
        return (struct ledger_mem *)ledger;
}

static void on_submit(struct ledger *ledger, struct ledger_op *op)
{
        struct ledger_mem *mem = of(ledger);

        if (mem->is_down || mem->waiting_count >= mem->options.queue_max) {
                TAILQ_INSERT_TAIL(&mem->refused, op, entry);
                return;
        }
        TAILQ_INSERT_TAIL(&mem->waiting, op, entry);
        mem->waiting_count++;
}

static const struct reference *on_reference(struct ledger *ledger)
{
        return of(ledger)->reference;
}

static void on_free(struct ledger *ledger)
{
        struct ledger_mem *mem = of(ledger);

        while (!TAILQ_EMPTY(&mem->early)) {
                struct ledger_op *op = TAILQ_FIRST(&mem->early);

                TAILQ_REMOVE(&mem->early, op, entry);
                free(op);
        }
        free(mem);
}

static const struct ledger_backend backend = {
    .submit = on_submit,
    .reference = on_reference,
    .free = on_free,
};

struct ledger *ledger_mem_new(struct memory_database *database, const struct ledger_mem_options *options)
{
        struct ledger_mem *mem = allocate(sizeof *mem);

        assert(options->queue_max > 0 && options->batch_max > 0);
        mem->ledger.backend = &backend;
        mem->database = database;
        mem->options = *options;
        mem->reference = database->reference;
        TAILQ_INIT(&mem->waiting);
        TAILQ_INIT(&mem->batch);
        TAILQ_INIT(&mem->refused);
        TAILQ_INIT(&mem->early);
        return &mem->ledger;
}

void ledger_mem_poll(struct ledger *ledger)
{
        const struct memory_database *database = of(ledger)->database;
        bool half = database->defect == LEDGER_MEM_SWAPS_HALF && database->torn;

        of(ledger)->reference = half ? database->torn : database->reference;
}

enum ledger_mem_stage ledger_mem_stage(const struct ledger *ledger)
{
        const struct ledger_mem *mem = (const struct ledger_mem *)ledger;

        if (mem->committed)
                return LEDGER_MEM_COMMITTED;
        if (!TAILQ_EMPTY(&mem->batch) || !TAILQ_EMPTY(&mem->early))
                return LEDGER_MEM_IN_FLIGHT;
        if (!TAILQ_EMPTY(&mem->refused) || (!mem->is_down && !TAILQ_EMPTY(&mem->waiting)))
                return LEDGER_MEM_WAITING;
        return LEDGER_MEM_IDLE;
}

static void answer_all(struct op_list *ops)
{
        struct op_list answered = TAILQ_HEAD_INITIALIZER(answered);

        /* whoever is answered may submit again at once, and free the op */
        TAILQ_CONCAT(&answered, ops, entry);
        while (!TAILQ_EMPTY(&answered)) {
                struct ledger_op *op = TAILQ_FIRST(&answered);

                TAILQ_REMOVE(&answered, op, entry);
                op->on_done(op, op->context);
        }
}

/* What was written is known: no doubt is left. A stale op may have been written by an earlier sending. */
static void answer_done(struct op_list *ops)
{
        struct ledger_op *op;

        TAILQ_FOREACH(op, ops, entry)
        {
                if (op->answer.status != LEDGER_STALE)
                        op->in_doubt = false;
        }
        answer_all(ops);
}

static void refuse_all(struct op_list *ops)
{
        struct ledger_op *op;

        TAILQ_FOREACH(op, ops, entry)
        {
                op->answer =
                    (struct ledger_answer){.status = op->in_doubt ? LEDGER_UNKNOWN : LEDGER_UNAVAILABLE,
                                           .reason = REASON_CANNOT_DECIDE};
        }
        answer_all(ops);
}

static bool is_stale(const struct ledger_mem *mem, const struct ledger_op *op)
{
        return (op->kind == LEDGER_REQUEST || op->kind == LEDGER_INQUIRY) &&
               mem->database->defect != LEDGER_MEM_DECIDES_STALE &&
               op->request.reference_version != reference_version(mem->database->reference);
}

static void commit_op(struct ledger_mem *mem, struct ledger_op *op)
{
        if (is_stale(mem, op)) {
                op->answer = (struct ledger_answer){.status = LEDGER_STALE};
                return;
        }
        switch (op->kind) {
        case LEDGER_REQUEST:
                do_request(mem->database, op, mem->options.times.wait_ms);
                break;
        case LEDGER_INQUIRY:
                answer_inquiry(mem->database, op, &op->answer);
                break;
        case LEDGER_OUTCOME:
                do_outcome(mem->database, op);
                break;
        default:
                do_advice(mem->database, op, mem->options.times.correct_ms);
                break;
        }
        if (mem->database->on_commit)
                mem->database->on_commit(mem->database, op, mem->database->context);
}

static void commit(struct ledger_mem *mem)
{
        struct ledger_op *op;

        while ((op = TAILQ_FIRST(&mem->early))) {
                TAILQ_REMOVE(&mem->early, op, entry);
                commit_op(mem, op);
                free(op);
        }
        TAILQ_FOREACH(op, &mem->batch, entry)
        {
                commit_op(mem, op);
        }
        mem->committed = !TAILQ_EMPTY(&mem->batch);
}

/* The defect: each op is answered as it will be decided, if all goes well, and what must be written is
 * kept aside. */
static void answer_early(struct ledger_mem *mem)
{
        struct ledger_op *op;

        TAILQ_FOREACH(op, &mem->batch, entry)
        {
                struct ledger_op *copy = allocate(sizeof *copy);

                *copy = *op;
                TAILQ_INSERT_TAIL(&mem->early, copy, entry);
                if (is_stale(mem, op))
                        op->answer = (struct ledger_answer){.status = LEDGER_STALE};
                else if (op->kind == LEDGER_REQUEST)
                        answer_request(mem->database, op, memory_withdrawal(mem->database, &op->identity),
                                       mem->options.times.wait_ms, &op->answer);
                else if (op->kind == LEDGER_INQUIRY)
                        answer_inquiry(mem->database, op, &op->answer);
                else if (op->kind == LEDGER_OUTCOME)
                        answer_outcome(mem->database, op, memory_withdrawal(mem->database, &op->identity),
                                       &op->answer);
                else
                        op->answer = (struct ledger_answer){.status = LEDGER_DECIDED};
        }
        answer_all(&mem->batch);
}

static void take_batch(struct ledger_mem *mem)
{
        for (size_t i = 0; i < mem->options.batch_max && !TAILQ_EMPTY(&mem->waiting); i++) {
                struct ledger_op *op = TAILQ_FIRST(&mem->waiting);

                TAILQ_REMOVE(&mem->waiting, op, entry);
                mem->waiting_count--;
                TAILQ_INSERT_TAIL(&mem->batch, op, entry);
        }
        if (mem->database->defect == LEDGER_MEM_ANSWERS_BEFORE_COMMIT)
                answer_early(mem);
}

void ledger_mem_step(struct ledger *ledger)
{
        struct ledger_mem *mem = of(ledger);

        refuse_all(&mem->refused);
        if (mem->is_down)
                return;
        if (mem->committed) {
                mem->committed = false;
                answer_done(&mem->batch);
        } else if (!TAILQ_EMPTY(&mem->batch) || !TAILQ_EMPTY(&mem->early)) {
                commit(mem);
        } else {
                take_batch(mem);
        }
}

void ledger_mem_lose(struct ledger *ledger)
{
        struct ledger_mem *mem = of(ledger);
        struct ledger_op *op;

        while ((op = TAILQ_LAST(&mem->batch, op_list))) {
                TAILQ_REMOVE(&mem->batch, op, entry);
                op->in_doubt = true;
                TAILQ_INSERT_HEAD(&mem->waiting, op, entry);
                mem->waiting_count++;
        }
        while ((op = TAILQ_FIRST(&mem->early))) {
                TAILQ_REMOVE(&mem->early, op, entry);
                free(op);
        }
        mem->committed = false;
}

void ledger_mem_set_down(struct ledger *ledger, bool down)
{
        struct ledger_mem *mem = of(ledger);
        struct ledger_op *op, *next;

        mem->is_down = down;
        if (!down)
                return;
        ledger_mem_lose(ledger);
        for (op = TAILQ_FIRST(&mem->waiting); op; op = next) {
                next = TAILQ_NEXT(op, entry);
                if (op->in_doubt)
                        continue;
                TAILQ_REMOVE(&mem->waiting, op, entry);
                mem->waiting_count--;
                TAILQ_INSERT_TAIL(&mem->refused, op, entry);
        }
}

void ledger_mem_drain(struct ledger *ledger)
{
        while (ledger_mem_stage(ledger) != LEDGER_MEM_IDLE)
                ledger_mem_step(ledger);
}

/* rows as text -------------------------------------------------------------------------------------- */

struct lines {
        char **text;
        size_t count;
};

ATM_PRINTF(2, 3) static void add_line(struct lines *lines, const char *format, ...)
{
        void *array = lines->text;
        char **line = append(&array, &lines->count, sizeof *line);
        va_list arguments;

        lines->text = array;
        va_start(arguments, format);
        if (vasprintf(line, format, arguments) < 0)
                abort();
        va_end(arguments);
}

struct word {
        char text[2 * CARD_TOKEN_LENGTH + 1];
};

static struct word word_of_token(const uint8_t token[CARD_TOKEN_LENGTH])
{
        struct word word;

        hex_print(token, CARD_TOKEN_LENGTH, word.text);
        return word;
}

static struct word word_of_day(int32_t day)
{
        struct word word;

        calendar_print_day(day, word.text);
        return word;
}

static const char *or_null(const char *text)
{
        return text[0] == '\0' ? "-" : text;
}

static void print_withdrawal(struct lines *lines, const struct memory_withdrawal *w)
{
        const struct ledger_request *r = &w->request;
        const struct price *p = &r->price;
        bool blocked = w->reason == REASON_BLOCKED, priced = p->tax_rate_bp || p->tariff_from_day;
        struct word token = word_of_token(r->card_token), tariff_from = word_of_day(p->tariff_from_day);
        char tax_rate[16], reason[16] = "-";

        if (w->reason != REASON_COUNT)
                snprintf(reason, sizeof reason, "%d", (int)w->reason);
        snprintf(tax_rate, sizeof tax_rate, "%" PRId32, p->tax_rate_bp);
        add_line(lines,
                 "withdrawal|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId32 "|%" PRId64
                 "|%s|%s|%s|%s|%s|%s|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64
                 "|%s|%s|%s",
                 w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, reason,
                 r->processing_code, r->amount_yen, blocked ? "-" : token.text, or_null(r->pan_mask),
                 or_null(r->issuer), priced ? band_name[p->band] : "-", or_null(r->hall),
                 word_of_day(r->business_day).text, priced ? tariff_from.text : "-", blocked ? "-" : tax_rate,
                 p->customer_fee_yen, p->customer_tax_yen, p->interbank_fee_yen, p->interbank_tax_yen,
                 p->hall_share_yen, w->reason == REASON_APPROVED ? or_null(r->approval_code) : "-",
                 or_null(r->link), w->reason == REASON_APPROVED ? "dated" : "-");
        if (w->open)
                add_line(lines, "open_withdrawal|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64 "|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, token.text,
                         r->amount_yen, r->link[0] == '\0' ? "-" : "asked");
}

static void print_bank(struct lines *lines, const struct memory_withdrawal *w)
{
        static const char *const causes[] = {"answer", "timeout", "reversal", "operator"};

        if (w->has_outcome)
                add_line(lines, "bank_outcome|%s|%" PRId64 "|%" PRId32 "|%d|%s|%s|%s|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan,
                         (int)w->outcome.reason, or_null(w->outcome.approval_code),
                         or_null(w->outcome.bank_de39), causes[w->outcome.cause],
                         w->outcome.reason == REASON_APPROVED ? "dated" : "-");
        for (size_t i = 0; i < w->notice_count; i++) {
                const struct memory_notice *n = &w->notices[i];

                add_line(lines,
                         "bank_notice|%s|%" PRId64 "|%" PRId32 "|%d|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64
                         "|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, n->seq,
                         w->request.link, notice_kind_name[n->kind], n->amount_yen, n->charge_yen,
                         n->dispensed_yen, n->why);
                if (n->acknowledged)
                        add_line(lines,
                                 "bank_ack|%s|%" PRId64 "|%" PRId32 "|%d|%" PRId32 "|%" PRId64 "|%s|%s",
                                 w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, n->seq,
                                 n->attempts, n->acknowledged_ms, notice_verdict_name[n->verdict], n->de39);
        }
}

static void print_history(struct lines *lines, const struct memory_withdrawal *w)
{
        for (size_t i = 0; i < w->advice_count; i++) {
                const struct memory_advice *a = &w->advices[i];

                add_line(lines,
                         "advice|%s|%" PRId64 "|%" PRId32 "|%zu|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64
                         "|%" PRId64 "|%s|%s|%" PRId64 "|%d",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, i + 1,
                         a->by_person         ? "operator"
                         : a->advice.reversal ? "reversal"
                                              : "completion",
                         a->advice_ms, a->advice_stan, or_null(a->advice.why), a->advice.amount_yen,
                         a->advice.dispensed_yen, withdrawal_state_name[a->before],
                         withdrawal_state_name[a->after], a->counted_yen, a->commission);
        }
        for (size_t i = 0; i < w->commission_count; i++) {
                const struct memory_commission *c = &w->commissions[i];
                const struct price *p = &c->price;

                add_line(lines,
                         "commission|%s|%" PRId64 "|%" PRId32 "|%zu|%d|%s|%s|%s|%s|%s|%" PRId32 "|%" PRId64
                         "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%s",
                         w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, c->seq, c->sign,
                         w->request.hall, word_of_day(w->request.business_day).text, w->request.issuer,
                         band_name[p->band], word_of_day(p->tariff_from_day).text, p->tax_rate_bp,
                         p->customer_fee_yen, p->customer_tax_yen, p->interbank_fee_yen, p->interbank_tax_yen,
                         p->hall_share_yen, c->cash_yen, word_of_day(c->posted_day).text);
                if (c->unsummed)
                        add_line(lines, "unsummed_post|%s|%" PRId64 "|%" PRId32 "|%zu|%s",
                                 w->identity.terminal, w->identity.transmitted_ms, w->identity.stan, c->seq,
                                 word_of_day(c->posted_day).text);
        }
}

/* What stands in the card's row of it. */
static void print_use(struct lines *lines, const struct memory_database *database,
                      const struct memory_card *card)
{
        struct word word = word_of_token(card->token);
        const char *token = word.text;

        for (int i = 0; i < 2; i++) {
                const struct memory_usage *month = find_usage(database->months, card->token, card->month[i]),
                                          *day = find_usage(database->days, card->token, card->day[i]);

                if (card->month[i])
                        add_line(lines, "card_month|%s|%s|%" PRId64, token, word_of_day(card->month[i]).text,
                                 month->cash_yen);
                if (card->day[i])
                        add_line(lines, "card_day|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64, token,
                                 word_of_day(card->day[i]).text, day->cash_yen, day->withdrawals,
                                 day->corrections);
        }
}

static void print_card(struct lines *lines, const struct memory_database *database,
                       const struct memory_card *card)
{
        static const char *const status[] = {"active", "lost", "stolen", "replaced"};
        struct word token = word_of_token(card->token);

        if (card->in_bank)
                add_line(lines, "card|%s|%s|%s|%s|%s", token.text, or_null(card->expiry_yymm),
                         card_kind_name[card->kind], status[card->status],
                         card->is_replaced ? word_of_token(card->successor).text : "-");
        print_use(lines, database, card);
        if (card->has_account)
                add_line(lines, "account|%s|%" PRId64 "|%" PRId64, token.text, card->opening_yen,
                         card->balance_yen);
        for (size_t i = 0; i < card->exclusion_count; i++)
                add_line(lines, "exclusion|%s|%s|%s", token.text,
                         word_of_day(card->exclusions[i].from_day).text,
                         card->exclusions[i].until_day == INT32_MAX
                             ? "-"
                             : word_of_day(card->exclusions[i].until_day).text);
}

static void print_sums(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_card *c = database->cards; c; c = c->hh.next)
                print_card(lines, database, c);
        for (const struct memory_sum *r = database->sums; r; r = r->hh.next)
                add_line(lines,
                         "summary_detail|%s|%s|%s|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64
                         "|%" PRId64 "|%" PRId64 "|%" PRId64,
                         r->key.terminal, word_of_day(r->key.posted_day).text, r->key.hall, r->key.issuer,
                         band_name[r->key.band], r->withdrawals, r->cash_yen, r->customer_fee_yen,
                         r->customer_tax_yen, r->interbank_fee_yen, r->interbank_tax_yen, r->hall_share_yen);
}

/* A quarter as finance names it, by the fiscal year that begins in April. */
static void print_periods(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_period *p = database->periods; p; p = p->hh.next) {
                struct civil first;

                calendar_civil_of_day(p->from_day, &first);
                add_line(lines, "period|%dQ%02d|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64,
                         (first.month + 8) % 12 / 3 + 1, (first.year - (first.month < 4)) % 100,
                         word_of_day(p->from_day).text, word_of_day(p->to_day).text, p->without_end,
                         p->withdrawals, p->cash_yen, p->commission_yen);
        }
}

static void print_advice_identities(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_advice_identity *i = database->advice_identities; i; i = i->hh.next)
                add_line(lines, "advice_identity|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64 "|%" PRId32,
                         i->key.advice.terminal, i->key.advice.transmitted_ms, i->key.advice.stan,
                         i->key.reversal ? "reversal" : "completion", i->original.transmitted_ms,
                         i->original.stan);
}

static void print_exceptions(struct lines *lines, const struct memory_database *database)
{
        static const char *const kinds[] = {"completion", "reversal", "bank"};

        for (const struct memory_exception *e = database->exceptions; e; e = e->hh.next) {
                const struct ledger_identity *advice = &e->key.advice, *original = &e->key.original;

                add_line(lines,
                         "exception_record|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64 "|%" PRId32 "|%s|%" PRId64
                         "|%" PRId64 "|%s",
                         advice->terminal, advice->transmitted_ms, advice->stan, kinds[e->key.kind],
                         original->transmitted_ms, original->stan, e->key.what, e->amount_yen,
                         e->dispensed_yen, e->resolved ? "resolved" : "-");
        }
}

/* When a notice was written is the real time of whoever did; when it is due again follows from its taking. */
static void print_saf(struct lines *lines, const struct memory_database *database)
{
        for (const struct memory_saf *s = database->saf; s; s = s->hh.next) {
                char due[32] = "-";

                if (s->due_ms != s->created_ms)
                        snprintf(due, sizeof due, "%" PRId64, s->due_ms);
                add_line(lines, "saf|%s|%" PRId64 "|%" PRId32 "|%" PRId32 "|%s|%s|%" PRId32 "|%s|%s",
                         s->key.identity.terminal, s->key.identity.transmitted_ms, s->key.identity.stan,
                         s->key.seq, s->link, due, s->attempts, s->parked ? "parked" : "-",
                         or_null(s->last_error));
        }
        for (const struct memory_lease *l = database->leases; l; l = l->hh.next)
                add_line(lines, "saf_lease|%s|%s|%" PRId64, l->link, l->holder, l->until_ms);
}

static int compare_lines(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void memory_print(const struct memory_database *database, FILE *out)
{
        struct lines lines = {0};

        for (const struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                print_withdrawal(&lines, w);
                print_history(&lines, w);
                print_bank(&lines, w);
        }
        print_saf(&lines, database);
        print_sums(&lines, database);
        print_periods(&lines, database);
        print_advice_identities(&lines, database);
        print_exceptions(&lines, database);
        if (lines.count)
                qsort(lines.text, lines.count, sizeof *lines.text, compare_lines);
        for (size_t i = 0; i < lines.count; i++) {
                fprintf(out, "%s\n", lines.text[i]);
                free(lines.text[i]);
        }
        free(lines.text);
}
