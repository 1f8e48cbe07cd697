/* Accounts, decisions and memory of one bank: see bank.h. bank_apply is the one place that changes state. */
#include "tools/banksim/bank.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/base/hash.h"
#include "rules/calendar.h"
#include "rules/withdrawal.h"

struct account {
        uint8_t token[TOKEN_LENGTH];
        char expiry_yymm[5];
        int64_t balance_yen;
        char pin[BANK_PIN_MAX + 1]; /* "": it has none */
        int wrong_pins;             /* in a row */
        UT_hash_handle hh;
};

/* Padded by hand: all of it is hashed. */
struct key {
        char terminal[BANK_TERMINAL_LENGTH];
        int64_t transmitted_ms;
        int64_t stan;
};

struct advice {
        struct advice *next;
        struct bank_record record;
};

struct withdrawal {
        struct key key;
        bool asked; /* its 0200 has come: `request` is its record */
        enum withdrawal_state state;
        int64_t counted_yen;     /* cash that counts as dispensed: DE 4 until somebody says less */
        struct account *account; /* NULL: none */
        struct bank_record request;
        struct advice *advices;
        UT_hash_handle hh;
};

struct bank {
        char name[BANK_NAME_MAX + 1];
        struct account *accounts;
        struct withdrawal *withdrawals;
        int64_t opening_yen;
        int32_t settlement_day;
        char pin_wrong[3], pin_blocked[3]; /* DE 39 */
};

/* ---- life ---------------------------------------------------------------------------------------------- */

/* A bank that can't remember must not answer; there is nothing to fall back to. */
static void *room_for(size_t size)
{
        void *room = calloc(1, size);
        if (!room) {
                fputs("banksim: out of memory\n", stderr);
                abort();
        }
        return room;
}

void bank_set_pin_codes(struct bank *bank, const char *wrong, const char *blocked)
{
        memcpy(bank->pin_wrong, wrong, sizeof(bank->pin_wrong));
        memcpy(bank->pin_blocked, blocked, sizeof(bank->pin_blocked));
}

struct bank *bank_new(const char *name)
{
        struct bank *bank = calloc(1, sizeof(*bank));
        assert(strlen(name) <= BANK_NAME_MAX);
        if (!bank)
                return NULL;
        strcpy(bank->name, name);
        bank_set_pin_codes(bank, "55", "75");
        return bank;
}

static void free_advices(struct withdrawal *withdrawal)
{
        while (withdrawal->advices) {
                struct advice *advice = withdrawal->advices;
                withdrawal->advices = advice->next;
                free(advice);
        }
}

void bank_free(struct bank *bank)
{
        struct account *account, *next_account;
        struct withdrawal *withdrawal, *next_withdrawal;
        if (!bank)
                return;
        HASH_ITER(hh, bank->accounts, account, next_account)
        {
                HASH_DEL(bank->accounts, account);
                explicit_bzero(account->pin, sizeof(account->pin));
                free(account);
        }
        HASH_ITER(hh, bank->withdrawals, withdrawal, next_withdrawal)
        {
                HASH_DEL(bank->withdrawals, withdrawal);
                free_advices(withdrawal);
                free(withdrawal);
        }
        free(bank);
}

const char *bank_name(const struct bank *bank)
{
        return bank->name;
}

/* ---- accounts ------------------------------------------------------------------------------------------ */

static int64_t add_yen(int64_t a, int64_t b)
{
        int64_t sum;
        bool overflow = __builtin_add_overflow(a, b, &sum);
        assert(!overflow); /* every amount was bounded on its way in */
        (void)overflow;
        return sum;
}

static struct account *find_account(const struct bank *bank, const uint8_t token[TOKEN_LENGTH])
{
        struct account *account;
        HASH_FIND(hh, bank->accounts, token, TOKEN_LENGTH, account);
        return account;
}

bool bank_add_account(struct bank *bank, const uint8_t token[TOKEN_LENGTH], const char *expiry_yymm,
                      int64_t balance_yen)
{
        assert(balance_yen >= 0 && balance_yen <= BANK_YEN_MAX && strlen(expiry_yymm) == 4);
        if (find_account(bank, token))
                return false;
        struct account *account = room_for(sizeof(*account));
        memcpy(account->token, token, TOKEN_LENGTH);
        strcpy(account->expiry_yymm, expiry_yymm);
        account->balance_yen = balance_yen;
        bank->opening_yen = add_yen(bank->opening_yen, balance_yen);
        HASH_ADD(hh, bank->accounts, token, TOKEN_LENGTH, account);
        return true;
}

void bank_set_pin(struct bank *bank, const uint8_t token[TOKEN_LENGTH], const char *pin)
{
        struct account *account = find_account(bank, token);
        assert(account && strlen(pin) <= BANK_PIN_MAX);
        strcpy(account->pin, pin);
}

bool bank_balance(const struct bank *bank, const uint8_t token[TOKEN_LENGTH], int64_t *ret_yen)
{
        const struct account *account = find_account(bank, token);
        if (account)
                *ret_yen = account->balance_yen;
        return account;
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static struct key key_of(const struct bank_identity *identity)
{
        struct key key = {.transmitted_ms = identity->transmitted_ms, .stan = identity->stan};
        memcpy(key.terminal, identity->terminal, strnlen(identity->terminal, sizeof(key.terminal)));
        return key;
}

static struct withdrawal *find_withdrawal(const struct bank *bank, const struct bank_identity *identity)
{
        struct key key = key_of(identity);
        struct withdrawal *withdrawal;
        HASH_FIND(hh, bank->withdrawals, &key, sizeof(key), withdrawal);
        return withdrawal;
}

static struct withdrawal *have_withdrawal(struct bank *bank, const struct bank_identity *identity)
{
        struct withdrawal *withdrawal = find_withdrawal(bank, identity);
        if (withdrawal)
                return withdrawal;
        withdrawal = room_for(sizeof(*withdrawal));
        withdrawal->key = key_of(identity);
        withdrawal->state = WITHDRAWAL_UNKNOWN;
        HASH_ADD(hh, bank->withdrawals, key, sizeof(withdrawal->key), withdrawal);
        return withdrawal;
}

static const struct advice *find_advice(const struct withdrawal *withdrawal, bool reversal,
                                        int64_t dispensed_yen)
{
        const struct advice *advice = withdrawal ? withdrawal->advices : NULL;
        while (advice && ((advice->record.kind != BANK_COMPLETION) != reversal ||
                          advice->record.dispensed_yen != dispensed_yen))
                advice = advice->next;
        return advice;
}

static bool is_reported(const struct withdrawal *withdrawal)
{
        const struct advice *advice = withdrawal ? withdrawal->advices : NULL;
        while (advice && !advice->record.reported)
                advice = advice->next;
        return advice;
}

/* What the bank still holds of the card-holder's money for a withdrawal. */
static int64_t held_yen(const struct withdrawal *withdrawal, enum withdrawal_state state, int64_t counted_yen)
{
        if (state != WITHDRAWAL_APPROVED && state != WITHDRAWAL_COMPLETED)
                return 0;
        return add_yen(counted_yen, withdrawal->request.charge_yen);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

/* Made from the identity, so that it needs no counter of its own. */
static void approval_code(const struct bank *bank, const struct bank_identity *identity, char buffer[7])
{
        uint64_t h = hash_text(hash_text(HASH_FIRST, bank->name), identity->terminal);
        h = hash_number(h, (uint64_t)identity->transmitted_ms, sizeof(uint64_t));
        h = hash_number(h, (uint64_t)identity->stan, sizeof(uint64_t));
        h ^= h >> 32;
        snprintf(buffer, 7, "%06u", (unsigned)(h % 1000000));
}

static bool is_expired(const struct bank_request *request, const struct account *account)
{
        struct civil now;
        char yymm[16];
        calendar_jst(request->identity.transmitted_ms, &now);
        snprintf(yymm, sizeof(yymm), "%02d%02d", now.year % 100, now.month);
        return strcmp(request->expiry_yymm, account->expiry_yymm) != 0 ||
               strcmp(account->expiry_yymm, yymm) < 0;
}

/* The first reason that holds, in the order of rules/reasons.def. */
static const char *decide(const struct bank *bank, const struct bank_request *request,
                          const struct withdrawal *withdrawal, const struct account *account)
{
        if (withdrawal && withdrawal->state == WITHDRAWAL_BLOCKED)
                return "94";
        if (request->processing == PROCESSING_OTHER)
                return "12";
        if (request->processing == PROCESSING_WITHDRAWAL && request->amount_yen == 0)
                return "13";
        if (!account)
                return "14";
        if (is_expired(request, account))
                return "54";
        if (request->wants_pin && account->wrong_pins >= BANK_PIN_TRIES)
                return bank->pin_blocked;
        if (request->wants_pin && *account->pin && strcmp(request->pin, account->pin) != 0)
                return bank->pin_wrong;
        if (request->processing == PROCESSING_WITHDRAWAL &&
            account->balance_yen < add_yen(request->amount_yen, request->charge_yen))
                return "51";
        return "00";
}

static bool is_same(const struct bank_request *request, const struct bank_record *known)
{
        return request->processing_code == known->processing_code &&
               request->amount_yen == known->amount_yen && request->charge_yen == known->charge_yen &&
               memcmp(request->token, known->token, TOKEN_LENGTH) == 0;
}

static int32_t settlement_day_of(const struct bank *bank, int64_t transmitted_ms)
{
        int32_t day = calendar_business_day(transmitted_ms);
        return day > bank->settlement_day ? day : bank->settlement_day;
}

static void record_request(const struct bank *bank, const struct bank_request *request,
                           const struct account *account, const char *de39, struct bank_record *ret_record)
{
        struct bank_record record = {
            .kind = request->processing == PROCESSING_INQUIRY ? BANK_INQUIRY : BANK_WITHDRAWAL,
            .identity = request->identity,
            .processing_code = request->processing_code,
            .amount_yen = request->amount_yen,
            .charge_yen = request->charge_yen,
            .settlement_day = settlement_day_of(bank, request->identity.transmitted_ms),
            .balance_yen = account ? account->balance_yen : -1,
            .has_card = true,
        };
        memcpy(record.rrn, request->rrn, sizeof(record.rrn));
        memcpy(record.token, request->token, TOKEN_LENGTH);
        memcpy(record.mask, request->mask, sizeof(record.mask));
        memcpy(record.de39, de39, sizeof(record.de39));
        if (record.kind == BANK_WITHDRAWAL && strcmp(de39, "00") == 0) {
                approval_code(bank, &request->identity, record.approval);
                record.moved_yen = -add_yen(record.amount_yen, record.charge_yen);
                record.balance_yen = add_yen(record.balance_yen, record.moved_yen);
        }
        *ret_record = record;
}

/* ---- the door ------------------------------------------------------------------------------------------ */

/* What is approved, or only not covered, had a right one. */
static void count_pin(const struct bank *bank, struct account *account, const char *de39)
{
        if (strcmp(de39, bank->pin_wrong) == 0)
                account->wrong_pins++;
        else if (strcmp(de39, "00") == 0 || strcmp(de39, "51") == 0)
                account->wrong_pins = 0;
}

static void apply_request(struct bank *bank, const struct bank_record *record)
{
        struct withdrawal *withdrawal = have_withdrawal(bank, &record->identity);
        bool approved = record->kind == BANK_WITHDRAWAL && strcmp(record->de39, "00") == 0;
        assert(!withdrawal->asked);
        withdrawal->asked = true;
        withdrawal->request = *record;
        withdrawal->account = find_account(bank, record->token);
        if (withdrawal->state == WITHDRAWAL_UNKNOWN)
                withdrawal->state = approved ? WITHDRAWAL_APPROVED : WITHDRAWAL_DECLINED;
        withdrawal->counted_yen = approved ? record->amount_yen : 0;
        if (approved)
                withdrawal->account->balance_yen = record->balance_yen;
        if (withdrawal->account)
                count_pin(bank, withdrawal->account, record->de39);
}

static const struct withdrawal_rule *rule_for(const struct withdrawal *withdrawal, int64_t dispensed_yen)
{
        enum withdrawal_state state = withdrawal ? withdrawal->state : WITHDRAWAL_UNKNOWN;
        int64_t counted_yen = withdrawal ? withdrawal->counted_yen : 0;
        return withdrawal_on_advice(state, withdrawal_relation(state, counted_yen, dispensed_yen));
}

/* The cash that counts once the rule has been followed. */
static int64_t counted_after(const struct withdrawal_rule *rule, int64_t counted_yen, int64_t dispensed_yen)
{
        if (rule->to == WITHDRAWAL_COMPLETED && !rule->exception)
                return dispensed_yen;
        return rule->to == WITHDRAWAL_REVERSED ? 0 : counted_yen;
}

static void apply_advice(struct bank *bank, const struct bank_record *record)
{
        struct withdrawal *withdrawal = have_withdrawal(bank, &record->identity);
        const struct withdrawal_rule *rule = rule_for(withdrawal, record->dispensed_yen);
        struct advice *advice = room_for(sizeof(*advice));
        if (!record->refused) {
                withdrawal->counted_yen = counted_after(rule, withdrawal->counted_yen, record->dispensed_yen);
                withdrawal->state = rule->to;
                if (withdrawal->account)
                        withdrawal->account->balance_yen = record->balance_yen;
        }
        advice->record = *record;
        advice->next = withdrawal->advices;
        withdrawal->advices = advice;
}

static void bank_apply(struct bank *bank, const struct bank_record *record)
{
        switch (record->kind) {
        case BANK_WITHDRAWAL:
        case BANK_INQUIRY:
                apply_request(bank, record);
                return;
        case BANK_COMPLETION:
        case BANK_PARTIAL:
        case BANK_REVERSAL:
                apply_advice(bank, record);
                return;
        case BANK_CUTOVER:
                if (record->settlement_day > bank->settlement_day)
                        bank->settlement_day = record->settlement_day;
                return;
        case BANK_KIND_COUNT:
                break;
        }
        assert(!"a record of no kind");
}

enum bank_verdict bank_request(struct bank *bank, const struct bank_request *request,
                               struct bank_record *ret_record)
{
        const struct withdrawal *withdrawal = find_withdrawal(bank, &request->identity);
        const struct account *account = find_account(bank, request->token);
        assert(request->amount_yen >= 0 && request->charge_yen >= 0);
        if (withdrawal && withdrawal->asked) {
                if (!is_same(request, &withdrawal->request))
                        return BANK_CONTRADICTS;
                *ret_record = withdrawal->request;
                return BANK_REPEAT;
        }
        const char *de39 = decide(bank, request, withdrawal, account);
        bool ordered = request->order && strcmp(de39, "00") == 0;
        record_request(bank, request, account, ordered ? request->order : de39, ret_record);
        bank_apply(bank, ret_record);
        return ordered ? BANK_ORDERED : BANK_NEW;
}

/* ---- advices ------------------------------------------------------------------------------------------- */

static enum bank_kind kind_of(bool reversal, int64_t dispensed_yen)
{
        if (!reversal)
                return BANK_COMPLETION;
        return dispensed_yen > 0 ? BANK_PARTIAL : BANK_REVERSAL;
}

/* What an advice moves: what was held before it and is not held after it. */
static int64_t given_back(const struct withdrawal *withdrawal, const struct withdrawal_rule *rule,
                          int64_t dispensed_yen)
{
        if (!withdrawal)
                return 0;
        int64_t before_yen = held_yen(withdrawal, withdrawal->state, withdrawal->counted_yen);
        int64_t after_yen =
            held_yen(withdrawal, rule->to, counted_after(rule, withdrawal->counted_yen, dispensed_yen));
        assert(after_yen <= before_yen);
        return before_yen - after_yen;
}

enum bank_verdict bank_advise(struct bank *bank, const struct bank_advice *advice,
                              struct bank_record *ret_record)
{
        const struct withdrawal *withdrawal = find_withdrawal(bank, &advice->original);
        const struct advice *known = find_advice(withdrawal, advice->reversal, advice->dispensed_yen);
        const struct withdrawal_rule *rule = rule_for(withdrawal, advice->dispensed_yen);
        if (known) {
                *ret_record = known->record;
                return BANK_REPEAT;
        }
        struct bank_record record = {
            .processing_code = advice->processing_code,
            .amount_yen = advice->amount_yen,
        };
        memcpy(record.rrn, advice->rrn, sizeof(record.rrn));
        if (withdrawal && withdrawal->asked)
                record =
                    withdrawal->request; /* so that a line of the journal tells the withdrawal by itself */
        record.kind = kind_of(advice->reversal, advice->dispensed_yen);
        record.identity = advice->original;
        record.dispensed_yen = advice->dispensed_yen;
        memcpy(record.de39, advice->order ? advice->order : "00", sizeof(record.de39));
        record.settlement_day = settlement_day_of(bank, advice->original.transmitted_ms);
        record.refused = advice->order && advice->refuse;
        record.moved_yen = record.refused ? 0 : given_back(withdrawal, rule, advice->dispensed_yen);
        record.balance_yen = withdrawal && withdrawal->account
                                 ? add_yen(withdrawal->account->balance_yen, record.moved_yen)
                                 : -1;
        record.exception = rule->exception && !record.refused;
        record.reported = advice->reported && !is_reported(withdrawal);
        *ret_record = record;
        bank_apply(bank, ret_record);
        return advice->order ? BANK_ORDERED : BANK_NEW;
}

enum bank_verdict bank_cutover(struct bank *bank, const struct bank_identity *message, int32_t day,
                               struct bank_record *ret_record)
{
        bool known = day <= bank->settlement_day;
        *ret_record = (struct bank_record){.kind = BANK_CUTOVER,
                                           .identity = *message,
                                           .settlement_day = day,
                                           .balance_yen = -1,
                                           .de39 = "00"};
        if (!known)
                bank_apply(bank, ret_record);
        return known ? BANK_REPEAT : BANK_NEW;
}

/* ---- from the journal ---------------------------------------------------------------------------------- */

static const char *replay_request(struct bank *bank, const struct bank_record *record)
{
        const struct withdrawal *withdrawal = find_withdrawal(bank, &record->identity);
        const struct account *account = find_account(bank, record->token);
        bool approved = strcmp(record->de39, "00") == 0;
        int64_t moved_yen = record->kind == BANK_WITHDRAWAL && approved
                                ? -add_yen(record->amount_yen, record->charge_yen)
                                : 0;
        if (!record->has_card)
                return "a request without a card";
        if (withdrawal && withdrawal->asked)
                return "the same withdrawal was decided in an earlier line";
        if (withdrawal && withdrawal->state == WITHDRAWAL_BLOCKED && approved)
                return "approved although its reversal stands in an earlier line";
        if (approved && !account)
                return "approved for a card that has no account: other accounts than before?";
        if (record->moved_yen != moved_yen)
                return "what was moved is not amount and charge";
        if (account &&
            (record->balance_yen < 0 || record->balance_yen != add_yen(account->balance_yen, moved_yen)))
                return "the balance is not what the lines before it leave: other opening balances than "
                       "before?";
        bank_apply(bank, record);
        return NULL;
}

static const char *replay_advice(struct bank *bank, const struct bank_record *record)
{
        const struct withdrawal *withdrawal = find_withdrawal(bank, &record->identity);
        const struct withdrawal_rule *rule = rule_for(withdrawal, record->dispensed_yen);
        int64_t moved_yen = record->refused ? 0 : given_back(withdrawal, rule, record->dispensed_yen);
        if (record->refused && strcmp(record->de39, "00") == 0)
                return "an advice that was refused with 00";
        if (find_advice(withdrawal, record->kind != BANK_COMPLETION, record->dispensed_yen))
                return "the same advice stands in an earlier line";
        if (record->reported && is_reported(withdrawal))
                return "what became of the script stands in an earlier line";
        if (record->moved_yen != moved_yen || record->exception != (rule->exception && !record->refused))
                return "not what this advice does to the withdrawal of the lines before it";
        if (withdrawal && withdrawal->account &&
            record->balance_yen != add_yen(withdrawal->account->balance_yen, moved_yen))
                return "the balance is not what the lines before it leave";
        bank_apply(bank, record);
        return NULL;
}

const char *bank_replay(struct bank *bank, const struct bank_record *record)
{
        switch (record->kind) {
        case BANK_WITHDRAWAL:
        case BANK_INQUIRY:
                return replay_request(bank, record);
        case BANK_COMPLETION:
        case BANK_PARTIAL:
        case BANK_REVERSAL:
                return replay_advice(bank, record);
        case BANK_CUTOVER:
                bank_apply(bank, record);
                return NULL;
        case BANK_KIND_COUNT:
                break;
        }
        return "a record of no kind";
}

/* ---- sums ---------------------------------------------------------------------------------------------- */

void bank_total(const struct bank *bank, struct bank_totals *ret_totals)
{
        struct bank_totals totals = {
            .accounts = HASH_COUNT(bank->accounts),
            .withdrawals = HASH_COUNT(bank->withdrawals),
            .opening_yen = bank->opening_yen,
            .settlement_day = bank->settlement_day,
        };
        for (const struct account *account = bank->accounts; account; account = account->hh.next)
                totals.balance_yen = add_yen(totals.balance_yen, account->balance_yen);
        for (const struct withdrawal *w = bank->withdrawals; w; w = w->hh.next) {
                if (w->state != WITHDRAWAL_APPROVED)
                        continue;
                totals.open++;
                totals.refused += w->advices && w->advices->record.refused;
                totals.held_yen = add_yen(totals.held_yen, held_yen(w, w->state, w->counted_yen));
        }
        *ret_totals = totals;
}
