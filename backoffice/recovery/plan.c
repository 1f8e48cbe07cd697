#include "backoffice/recovery/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/bank_codes.h"
#include "config/reference_load.h"
#include "lib/base/hex.h"
#include "lib/base/json_text.h"
#include "rules/calendar.h"
#include "rules/pricing.h"
#include "rules/reasons.h"
#include "rules/withdrawal.h"

enum {
        NO_REASON = -1,
        WITHDRAWAL_CODE = 10000, /* DE 3 */
        NOTICES_MAX = 16,
        CORRECTION_MS = 300 * 1000, /* [limits] correction_s, unless it was set */
};

struct planning {
        const struct records *records;
        const struct reference *reference;
        const PGresult *long_prefix, *token; /* house cards that have no account */
        struct bank_codes codes;
        const struct losses *losses;
};

/* What a bank is told, of the plan and by its own journal. */
struct told {
        const char *kind;
        int64_t dispensed_yen;
};

struct plan {
        const struct planning *with;
        struct lost *lost;
        const struct atm_word
            *atm; /* all that its ATM wrote; [advice] those of its advices that were acknowledged */
        size_t atms;
        const struct bank_word *bank;
        size_t banks;
        const char *mask;
        const struct issuer *issuer;
        const struct hall *hall;
        struct price price;
        bool is_priced; /* approved by ourselves, or left to its bank */
        int reason;     /* of the withdrawal; NO_REASON: its bank's */
        bool has_outcome;
        int outcome;
        const char *cause;
        /* played: */
        struct database_row row;
        struct told notice[NOTICES_MAX];
        size_t notices;
};

static bool fails(struct plan *p, enum lost_problem problem)
{
        p->lost->problem = problem;
        return false;
}

static bool has_link(const struct plan *p)
{
        return p->lost->has_row ? *p->lost->row.link : p->issuer && *p->issuer->link;
}

static const char *link_of(const struct plan *p)
{
        return p->lost->has_row ? p->lost->row.link : p->issuer->link;
}

/* An advice that was acknowledged. */
static bool counts(const struct atm_word *word)
{
        return word->record.kind == JOURNAL_ADVICE && word->is_acknowledged;
}

static bool has_advices(const struct plan *p)
{
        for (size_t i = 0; i < p->atms; i++)
                if (counts(&p->atm[i]))
                        return true;
        return false;
}

static void print_token(const struct lost *lost, char buffer[2 * TOKEN_LENGTH + 1])
{
        hex_print(lost->atm.token, TOKEN_LENGTH, buffer);
}

/* price ---------------------------------------------------------------------------------------------------- */

/* By the six digits that the journal shows. NULL: they don't tell. */
static const struct issuer *issuer_of(const struct planning *with, const struct atm_entry *entry, int32_t day)
{
        const struct card_prefix *prefix = reference_prefix(with->reference, entry->head, day);

        for (int i = 0; i < PQntuples(with->long_prefix); i++)
                if (!strncmp(PQgetvalue(with->long_prefix, i, 0), entry->head, strlen(entry->head)))
                        return NULL;
        return prefix ? prefix->issuer : NULL;
}

static bool find_route(struct plan *p)
{
        const struct lost *lost = p->lost;

        if (!reference_holds_moment(p->with->reference, lost->transmitted_ms))
                return fails(p, LOST_NO_QUARTER);
        if (lost->has_row)
                return true;
        p->issuer = issuer_of(p->with, &lost->atm, calendar_business_day(lost->transmitted_ms));
        return p->issuer || fails(p, LOST_NO_PRICE);
}

static bool find_price(struct plan *p)
{
        const struct lost *lost = p->lost;
        const struct atm *atm = reference_atm(p->with->reference, lost->terminal);
        int64_t charge_yen;

        if (!atm || !atm->hall)
                return fails(p, LOST_NO_PLACE);
        p->hall = atm->hall;
        if (!pricing_price(p->with->reference, p->issuer, p->hall, lost->transmitted_ms, &p->price))
                return fails(p, LOST_NO_PRICE);
        charge_yen = p->price.customer_fee_yen + p->price.customer_tax_yen;
        if (lost->atm.charge_yen >= 0 && lost->atm.charge_yen != charge_yen)
                return fails(p, LOST_OTHER_PRICE);
        if (lost->has_bank && lost->bank.asked && lost->bank.charge_yen != charge_yen)
                return fails(p, LOST_OTHER_PRICE);
        return true;
}

/* the decision --------------------------------------------------------------------------------------------- */

/* Of the refusals with that code the first. */
static int reason_of_code(const char *de39)
{
        for (int reason = REASON_APPROVED + 1; reason < REASON_COUNT; reason++)
                if (reason != REASON_BLOCKED && reason_rows[reason].kept &&
                    !strcmp(reason_rows[reason].de39, de39))
                        return reason;
        return NO_REASON;
}

/* What a bank's refusal is to us: what its ATM heard, where it heard something. */
static int reason_of_bank(const struct plan *p)
{
        const struct lost *lost = p->lost;
        int reason = bank_codes_reason(&p->with->codes, lost->bank.de39);

        if (!*lost->atm.de39 || !strcmp(reason_rows[reason].de39, lost->atm.de39))
                return reason;
        return reason_of_code(lost->atm.de39);
}

static bool decide_outcome(struct plan *p, int outcome, const char *cause)
{
        p->has_outcome = true;
        p->outcome = outcome;
        p->cause = cause;
        return outcome != NO_REASON || fails(p, LOST_DISAGREE);
}

/* What its bank said: by the bank's journal, and by what the ATM heard. */
static bool decide_bank(struct plan *p)
{
        const struct lost *lost = p->lost;
        bool approved = lost->has_bank && lost->bank.asked && !strcmp(lost->bank.de39, "00");
        bool declined = lost->has_bank && lost->bank.asked && !approved;

        p->reason = NO_REASON;
        p->is_priced = true;
        if (lost->has_row && strcmp(lost->row.state, "asked"))
                return true; /* it is known */
        if (lost->atm.approved)
                return approved ? decide_outcome(p, REASON_APPROVED, "answer") : fails(p, LOST_DISAGREE);
        if (declined)
                return decide_outcome(p, reason_of_bank(p), "answer");
        if (lost->atm.end == ATM_DECLINED)
                return decide_outcome(
                    p, strcmp(lost->atm.de39, "91") ? NO_REASON : (int)REASON_ISSUER_UNAVAILABLE, "timeout");
        /* its ATM heard nothing: it takes it back, or will speak of it yet */
        return has_advices(p) || !approved || decide_outcome(p, REASON_APPROVED, "answer");
}

static bool is_without_account(const struct plan *p)
{
        char token[2 * TOKEN_LENGTH + 1];

        print_token(p->lost, token);
        for (int i = 0; i < PQntuples(p->with->token); i++)
                if (!strcmp(PQgetvalue(p->with->token, i, 0), token))
                        return true;
        return false;
}

static bool decide_house(struct plan *p)
{
        const struct lost *lost = p->lost;

        if (lost->has_row)
                return true;
        if (lost->has_bank)
                return fails(p, LOST_DISAGREE);
        if (lost->atm.end == ATM_DECLINED) {
                p->reason = reason_of_code(lost->atm.de39);
                return p->reason != NO_REASON || fails(p, LOST_DISAGREE);
        }
        p->is_priced = lost->atm.approved;
        if (!p->is_priced)
                p->lost->what = LOST_WORD;
        return !p->is_priced || !is_without_account(p) || fails(p, LOST_NO_CARD);
}

/* Other banks' say nothing of what this one has heard. */
static bool has_bank_journal(const struct plan *p)
{
        const struct losses *losses = p->with->losses;

        for (size_t i = 0; i < losses->banks; i++)
                if (!strcmp(losses->bank[i], link_of(p)))
                        return true;
        return false;
}

static bool decide(struct plan *p)
{
        const struct lost *lost = p->lost;

        if (!lost->has_atm)
                return fails(p, LOST_NO_ATM_JOURNAL);
        if (!find_route(p))
                return false;
        p->reason = REASON_APPROVED;
        if (lost->banks > 1 || (lost->has_bank && has_link(p) && strcmp(lost->bank_name, link_of(p))))
                return fails(p, LOST_DISAGREE);
        if (!has_link(p))
                return decide_house(p);
        if (!has_bank_journal(p))
                return fails(p, LOST_NO_BANK_JOURNAL);
        if (!lost->has_row && !lost->has_bank && !lost->atm.approved) {
                /* it never came there: who refused it were we, or its ATM took it back */
                if (lost->atm.end == ATM_DECLINED) {
                        p->reason = reason_of_code(lost->atm.de39);
                        return p->reason != NO_REASON || fails(p, LOST_DISAGREE);
                }
                p->lost->what = LOST_WORD;
                return true;
        }
        return decide_bank(p);
}

/* playing -------------------------------------------------------------------------------------------------- */

static void notify(struct plan *p, const char *kind, int64_t dispensed_yen)
{
        if (has_link(p) && p->notices < NOTICES_MAX)
                p->notice[p->notices++] = (struct told){kind, dispensed_yen};
}

static enum withdrawal_state first_state(const struct plan *p)
{
        if (p->lost->what == LOST_WORD)
                return WITHDRAWAL_BLOCKED;
        if (has_link(p) && p->has_outcome)
                return p->outcome == REASON_APPROVED ? WITHDRAWAL_APPROVED : WITHDRAWAL_DECLINED;
        if (has_link(p) && (!p->lost->has_row || !strcmp(p->lost->row.state, "asked")))
                return WITHDRAWAL_ASKED;
        return p->is_priced || p->lost->has_row ? WITHDRAWAL_APPROVED : WITHDRAWAL_DECLINED;
}

/* Was a correction said in time, by its ATM's clock, or was its bank told of it? */
static bool is_in_time(const struct plan *p, const struct atm_word *word)
{
        for (size_t i = 0; i < p->banks; i++)
                if (p->bank[i].record.kind != BANK_WITHDRAWAL && !p->bank[i].record.refused &&
                    p->bank[i].record.dispensed_yen == word->record.dispensed_yen)
                        return true;
        for (size_t i = 0; i < p->atms; i++)
                if (counts(&p->atm[i]))
                        return word->record.transmitted_ms - p->atm[i].record.transmitted_ms < CORRECTION_MS;
        return true;
}

/* What the database has of it once the plan is carried out. */
static void play(struct plan *p)
{
        const struct lost *lost = p->lost;
        enum withdrawal_state state = first_state(p);
        int64_t counted_yen = 0;

        if (p->has_outcome && !strcmp(p->cause, "timeout"))
                notify(p, "reversal", 0);
        for (size_t i = 0; i < p->atms; i++) {
                const struct atm_word *word = &p->atm[i];
                int64_t yen = word->record.dispensed_yen, before_yen = counted_yen;
                int64_t counts_yen = state == WITHDRAWAL_COMPLETED ? counted_yen : lost->amount_yen;
                const struct withdrawal_rule *rule;

                if (!counts(word))
                        continue;
                if (state == WITHDRAWAL_COMPLETED && !is_in_time(p, word))
                        state = WITHDRAWAL_SETTLED;
                rule = withdrawal_on_advice(state, withdrawal_relation(state, counts_yen, yen));
                counted_yen = withdrawal_counted_yen(rule, counts_yen, yen);
                if (rule->to == WITHDRAWAL_REVERSED && state != WITHDRAWAL_REVERSED)
                        notify(p, "reversal", 0);
                else if (counted_yen != before_yen)
                        notify(p, counted_yen < lost->amount_yen ? "partial" : "completion", counted_yen);
                if (state == WITHDRAWAL_ASKED && rule->to == WITHDRAWAL_REVERSED)
                        p->cause = "reversal";
                state = rule->to;
        }
        snprintf(p->row.state, sizeof(p->row.state), "%s", withdrawal_state_name[state]);
        p->row.dispensed_yen = counted_yen;
}

static const char *de39_of(const struct plan *p)
{
        if (p->has_outcome)
                return reason_rows[p->outcome].de39;
        return p->reason == NO_REASON ? "" : reason_rows[p->reason].de39;
}

static void make_row(struct plan *p)
{
        const struct lost *lost = p->lost;
        struct database_row *row = &p->row;

        *row = lost->row;
        memcpy(row->terminal, lost->terminal, sizeof(row->terminal));
        row->stan = lost->stan;
        row->transmitted_ms = lost->transmitted_ms;
        if (!lost->has_row) {
                row->amount_yen = lost->amount_yen;
                row->charge_yen = p->price.customer_fee_yen + p->price.customer_tax_yen;
                row->has_token = true;
                memcpy(row->token, lost->atm.token, sizeof(row->token));
                calendar_rrn(lost->transmitted_ms, lost->stan, row->rrn);
                snprintf(row->approval, sizeof(row->approval), "%s", lost->atm.approval);
                if (p->reason == NO_REASON)
                        snprintf(row->link, sizeof(row->link), "%s", p->issuer->link);
        }
        if (p->has_outcome && !strcmp(p->cause, "answer")) {
                snprintf(row->bank_de39, sizeof(row->bank_de39), "%s", lost->bank.de39);
                snprintf(row->approval, sizeof(row->approval), "%s", lost->bank.approval);
        }
        if (!lost->has_row || p->has_outcome)
                snprintf(row->de39, sizeof(row->de39), "%s", de39_of(p));
        play(p);
        if (p->cause)
                snprintf(row->cause, sizeof(row->cause), "%s", p->cause);
        /* what was earned: as far as it is compared */
        row->customer_fee_yen = row->dispensed_yen ? row->charge_yen : 0;
        row->customer_tax_yen = row->interbank_fee_yen = row->tax_yen = 0;
}

static bool is_told(const struct bank_word *word)
{
        return word->record.kind == BANK_COMPLETION || word->record.kind == BANK_PARTIAL ||
               word->record.kind == BANK_REVERSAL;
}

/* Notices that its bank has not heard yet. False: it has heard another one. */
static bool find_waiting(const struct plan *p, size_t *ret_waiting)
{
        size_t heard = 0;

        for (size_t i = 0; i < p->banks; i++) {
                const struct bank_record *record = &p->bank[i].record;

                if (!is_told(&p->bank[i]))
                        continue;
                if (heard == p->notices || strcmp(bank_kind_name[record->kind], p->notice[heard].kind) ||
                    record->dispensed_yen != p->notice[heard].dispensed_yen)
                        return false;
                heard++;
        }
        *ret_waiting = p->notices - heard;
        return true;
}

/* The exceptions that it would leave: bank_kind "answered" code. */
static void add_cases(struct plan *p)
{
        for (size_t i = 0; i < p->banks; i++) {
                size_t used = strlen(p->row.cases);

                if (is_told(&p->bank[i]) && p->bank[i].record.refused && used + 40 < sizeof(p->row.cases))
                        snprintf(p->row.cases + used, sizeof(p->row.cases) - used, "%s answered %s|",
                                 bank_kind_name[p->bank[i].record.kind], p->bank[i].record.de39);
        }
}

static void on_difference(const char *what, const struct fact *fact, void *context)
{
        struct lost *lost = context;

        (void)what;
        if (lost->problem != LOST_NO_PROBLEM)
                return;
        lost->problem = LOST_DISAGREE;
        lost->fact = fact->kind;
        lost->fact_values = strdup(fact->values);
}

static void on_explained(const char *what, const struct fact *fact, void *context)
{
        (void)what;
        (void)fact;
        (void)context;
}

/* A word that the books would not follow is an exception, as any is. */
static bool is_followed(const struct plan *p)
{
        return p->lost->atm.paid_yen == p->row.dispensed_yen;
}

static void compare(struct plan *p)
{
        struct lost *lost = p->lost;
        size_t waiting;

        if (lost->atm.end != ATM_OPEN && is_followed(p))
                reconcile_compare(&lost->atm, &p->row, on_difference, on_explained, lost);
        if (!*p->row.link || lost->problem != LOST_NO_PROBLEM)
                return;
        if (!find_waiting(p, &waiting)) {
                (void)fails(p, LOST_DISAGREE);
                return;
        }
        if (waiting)
                return;
        add_cases(p);
        reconcile_bank(&p->row, lost->has_bank ? &lost->bank : NULL, on_difference, on_explained, lost);
}

/* writing -------------------------------------------------------------------------------------------------- */

/* "" is null, as in the sides. */
static void put_text(struct json_text *out, const char *name, const char *text)
{
        json_text_string(out, name, text && *text ? text : NULL);
}

static void put_day(struct json_text *out, const char *name, int32_t day)
{
        char text[11];

        calendar_print_day(day, text);
        json_text_string(out, name, text);
}

static void put_reason(struct json_text *out, int reason)
{
        if (reason == NO_REASON)
                json_text_string(out, "reason", NULL);
        else
                json_text_number(out, "reason", reason);
}

/* Of what is ours to approve, or its bank's. */
static void put_price(struct json_text *out, const struct plan *p)
{
        bool is_bank = p->reason == NO_REASON;

        json_text_string(out, "issuer", p->issuer->issuer);
        json_text_string(out, "band", band_name[p->price.band]);
        json_text_string(out, "hall", p->hall->hall);
        put_day(out, "tariff_from", p->price.tariff_from_day);
        json_text_number(out, "tax_rate_bp", p->price.tax_rate_bp);
        /* there was a code, be it that its ATM does not know it */
        json_text_string(out, "approval_code", is_bank ? NULL : p->lost->atm.approval);
        json_text_string(out, "link", is_bank ? p->issuer->link : NULL);
}

/* A row of withdrawal, but its key. */
static void put_request(struct json_text *out, const struct plan *p)
{
        const struct price *price = &p->price;
        char token[2 * TOKEN_LENGTH + 1];

        json_text_open(out, "request", '{');
        put_reason(out, p->reason);
        json_text_number(out, "processing_code", WITHDRAWAL_CODE);
        json_text_number(out, "amount_yen", p->lost->amount_yen);
        print_token(p->lost, token);
        json_text_string(out, "card_token", token);
        put_text(out, "pan_mask", p->mask);
        put_day(out, "business_date", calendar_business_day(p->lost->transmitted_ms));
        if (p->is_priced)
                put_price(out, p);
        json_text_number(out, "customer_fee_yen", price->customer_fee_yen);
        json_text_number(out, "customer_tax_yen", price->customer_tax_yen);
        json_text_number(out, "interbank_fee_yen", price->interbank_fee_yen);
        json_text_number(out, "interbank_tax_yen", price->interbank_tax_yen);
        json_text_number(out, "hall_share_yen", price->hall_share_yen);
        json_text_close(out, '}');
}

static void put_outcome(struct json_text *out, const struct plan *p)
{
        const struct bank_entry *bank = &p->lost->bank;

        json_text_open(out, "outcome", '{');
        put_reason(out, p->outcome);
        put_text(out, "approval_code", p->outcome == REASON_APPROVED ? bank->approval : NULL);
        put_text(out, "bank_de39", strcmp(p->cause, "answer") ? NULL : bank->de39);
        json_text_string(out, "cause", p->cause);
        json_text_close(out, '}');
}

static void put_advices(struct json_text *out, const struct plan *p)
{
        json_text_open(out, "advices", '[');
        for (size_t i = 0; i < p->atms; i++) {
                const struct journal_record *record = &p->atm[i].record;

                if (!counts(&p->atm[i]))
                        continue;
                json_text_open(out, NULL, '{');
                json_text_string(out, "kind", record->reversal ? "reversal" : "completion");
                json_text_number(out, "at_ms", record->transmitted_ms);
                json_text_number(out, "stan", record->stan);
                put_text(out, "why", record->reversal ? record->why : NULL);
                json_text_number(out, "amount_yen", p->lost->amount_yen);
                json_text_number(out, "dispensed_yen", record->dispensed_yen);
                json_text_bool(out, "in_time", is_in_time(p, &p->atm[i]));
                json_text_close(out, '}');
        }
        json_text_close(out, ']');
}

static void put_told(struct json_text *out, const struct plan *p)
{
        json_text_open(out, "told", '[');
        for (size_t i = 0; i < p->banks; i++) {
                const struct bank_record *record = &p->bank[i].record;

                if (!is_told(&p->bank[i]))
                        continue;
                json_text_open(out, NULL, '{');
                json_text_string(out, "kind", bank_kind_name[record->kind]);
                json_text_number(out, "dispensed_yen", record->dispensed_yen);
                put_text(out, "de39", record->de39);
                json_text_bool(out, "booked", !record->refused);
                json_text_close(out, '}');
        }
        json_text_close(out, ']');
}

static bool put_plan(const struct plan *p)
{
        struct lost *lost = p->lost;
        struct json_text out = {.text = NULL};

        json_text_open(&out, NULL, '{');
        json_text_string(&out, "lost", lost_what_name[lost->what]);
        json_text_number(&out, "amount_yen", lost->amount_yen);
        json_text_number(&out, "cash_yen", lost->cash_yen);
        if (lost->problem != LOST_NO_PROBLEM) {
                json_text_string(&out, "problem", lost_problem_name[lost->problem]);
        } else {
                if (lost->what == LOST_WITHDRAWAL)
                        put_request(&out, p);
                if (p->has_outcome)
                        put_outcome(&out, p);
                if (lost->what != LOST_ACKNOWLEDGEMENT)
                        put_advices(&out, p);
                put_told(&out, p);
        }
        json_text_close(&out, '}');
        lost->plan = json_text_done(&out);
        return lost->plan;
}

/* all of them ---------------------------------------------------------------------------------------------- */

static bool plan_one(const struct planning *with, struct lost *lost, size_t place)
{
        struct plan plan = {.with = with, .lost = lost};

        plan.atms = records_atm(with->records, place, &plan.atm);
        plan.banks = records_bank(with->records, place, &plan.bank);
        for (size_t i = 0; i < plan.atms; i++)
                if (plan.atm[i].record.kind == JOURNAL_REQUEST)
                        plan.mask = plan.atm[i].record.mask;
        if (lost->what != LOST_ACKNOWLEDGEMENT && decide(&plan) &&
            (lost->has_row || !plan.is_priced || find_price(&plan))) {
                make_row(&plan);
                compare(&plan);
        }
        return put_plan(&plan);
}

/* Cards' tokens as a JSON array; NULL: out of memory. */
static char *tokens_of(const struct losses *losses)
{
        struct json_text out = {.text = NULL};

        json_text_open(&out, NULL, '[');
        for (size_t i = 0; i < losses->count; i++) {
                char token[2 * TOKEN_LENGTH + 1];

                if (losses->lost[i].has_row || !losses->lost[i].has_atm)
                        continue;
                print_token(&losses->lost[i], token);
                json_text_string(&out, NULL, token);
        }
        json_text_close(&out, ']');
        return json_text_done(&out);
}

static bool ask_cards(PGconn *connection, const struct losses *losses, PGresult **ret_result,
                      char error[PG_ERROR_MAX])
{
        char *tokens = tokens_of(losses);
        const char *parameters[] = {tokens};

        *ret_result = NULL;
        if (!tokens) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return false;
        }
        *ret_result =
            pg_query(connection,
                     "SELECT DISTINCT replace(t.token::text, '-', '') FROM (SELECT v::uuid AS token FROM "
                     "jsonb_array_elements_text($1::jsonb) v) t "
                     "LEFT JOIN card c ON c.card_token = t.token LEFT JOIN card s ON s.card_token = "
                     "c.successor WHERE coalesce(s.balance_yen, c.balance_yen) IS NULL",
                     1, parameters, error);
        free(tokens);
        return *ret_result;
}

/* Advices that were acknowledged, of withdrawals that may lack one; NULL: out of memory. */
static char *advices_of(const struct records *records, const struct losses *losses)
{
        struct json_text out = {.text = NULL};

        json_text_open(&out, NULL, '[');
        for (size_t place = 0; place < losses->count; place++) {
                const struct lost *lost = &losses->lost[place];
                const struct atm_word *word;
                size_t words = lost->what == LOST_END ? records_atm(records, place, &word) : 0;

                for (size_t i = 0; i < words; i++) {
                        if (!counts(&word[i]))
                                continue;
                        json_text_open(&out, NULL, '{');
                        json_text_number(&out, "place", (int64_t)place);
                        json_text_string(&out, "terminal", lost->terminal);
                        json_text_number(&out, "at_ms", lost->transmitted_ms);
                        json_text_number(&out, "stan", lost->stan);
                        json_text_string(&out, "kind", word[i].record.reversal ? "reversal" : "completion");
                        json_text_number(&out, "advice_ms", word[i].record.transmitted_ms);
                        json_text_number(&out, "advice_stan", word[i].record.stan);
                        json_text_close(&out, '}');
                }
        }
        json_text_close(&out, ']');
        return json_text_done(&out);
}

/* Of an end that seems to be lost: does the database lack an advice at all? */
static bool find_lacking(PGconn *connection, const struct records *records, struct losses *losses,
                         char error[PG_ERROR_MAX])
{
        char *advices = advices_of(records, losses);
        const char *parameters[] = {advices};
        PGresult *result = NULL;

        if (!advices)
                snprintf(error, PG_ERROR_MAX, "out of memory");
        else
                result = pg_query(connection,
                                  "SELECT DISTINCT a.place FROM jsonb_to_recordset($1::jsonb) a (place "
                                  "bigint, terminal text, at_ms "
                                  "bigint, stan integer, kind text, advice_ms bigint, advice_stan integer) "
                                  "WHERE NOT EXISTS (SELECT "
                                  "FROM advice d WHERE d.terminal = a.terminal AND d.transmitted_at = "
                                  "to_timestamp(a.at_ms / 1000.0) "
                                  "AND d.stan = a.stan AND d.kind = a.kind AND d.advice_at = "
                                  "to_timestamp(a.advice_ms / 1000.0) AND "
                                  "d.advice_stan = a.advice_stan)",
                                  1, parameters, error);
        free(advices);
        for (size_t i = 0; result && i < losses->count; i++)
                losses->lost[i].is_none = losses->lost[i].what == LOST_END;
        for (int i = 0; i < PQntuples(result); i++)
                losses->lost[pg_number(result, i, 0)].is_none = false;
        PQclear(result);
        return result;
}

bool plans_make(PGconn *connection, const struct records *records, struct losses *losses,
                char error[PG_ERROR_MAX])
{
        struct planning with = {.records = records, .losses = losses};
        struct reference *reference = NULL;
        PGresult *prefixes = NULL, *tokens = NULL;
        bool done = reference_read(connection, &reference, error);

        bank_codes_init(&with.codes);
        if (done)
                prefixes = pg_query(connection, "SELECT prefix FROM card_prefix WHERE length(prefix) > 6", 0,
                                    NULL, error);
        done = done && prefixes && ask_cards(connection, losses, &tokens, error) &&
               find_lacking(connection, records, losses, error);
        with.reference = reference;
        with.long_prefix = prefixes;
        with.token = tokens;
        for (size_t i = 0; done && i < losses->count; i++) {
                done = plan_one(&with, &losses->lost[i], i);
                if (!done)
                        snprintf(error, PG_ERROR_MAX, "out of memory");
        }
        if (reference)
                losses->version = reference_version(reference);
        PQclear(prefixes);
        PQclear(tokens);
        reference_free(reference);
        return done;
}
