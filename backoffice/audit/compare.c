/* The rules of agreement. The ATM's side is the truth about cash, the database about what it recorded. */
#include "backoffice/audit/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 };

static bool number_of(const char *text, int64_t *ret_value)
{
        char *end;

        *ret_value = strtoll(text, &end, 10);
        return *text && !*end;
}

static bool token_of(const char *text, uint8_t token[TOKEN_LENGTH])
{
        int digits = 0;

        for (; *text; text++) {
                int value = *text >= '0' && *text <= '9'   ? *text - '0'
                            : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10
                                                           : -1;

                if (*text == '-')
                        continue;
                if (value < 0 || digits == 2 * TOKEN_LENGTH)
                        return false;
                token[digits / 2] = (uint8_t)(digits % 2 ? token[digits / 2] | value : value << 4);
                digits++;
        }
        return digits == 2 * TOKEN_LENGTH;
}

const char reconcile_query[] =
    "COPY (SELECT v.terminal, (extract(epoch FROM v.transmitted_at) * 1000)::bigint, v.stan, v.amount_yen, "
    "v.dispensed_yen, v.customer_fee_yen, v.customer_tax_yen, v.interbank_fee_yen, v.tax_yen, v.state, "
    "coalesce(v.de39, ''), v.card_token, v.charge_yen, coalesce(s.waiting, 0), coalesce(v.link, ''), "
    "coalesce(v.outcome_cause, ''), coalesce(v.bank_de39, ''), v.rrn, coalesce(v.approval_code, '') "
    "FROM v_withdrawal v LEFT JOIN (SELECT terminal, transmitted_at, stan, count(*) AS waiting FROM saf "
    "GROUP BY 1, "
    "2, 3) s USING (terminal, transmitted_at, stan) "
    /* what was generated has no journals */
    "WHERE NOT EXISTS (SELECT FROM history_run h WHERE v.business_date BETWEEN h.from_on AND h.to_on) "
    "ORDER BY v.terminal COLLATE \"C\", v.transmitted_at, v.stan) TO STDOUT";

enum column {
        TERMINAL,
        MOMENT,
        STAN,
        AMOUNT,
        DISPENSED,
        CUSTOMER_FEE,
        CUSTOMER_TAX,
        INTERBANK_FEE,
        TAX,
        STATE,
        DE39,
        TOKEN,
        CHARGE,
        WAITING,
        LINK,
        CAUSE,
        BANK_DE39,
        RRN,
        APPROVAL,
        COLUMNS
};

/* Cuts the line at its tabs; false: it has not so many columns. */
static bool split(char *line, char *column[COLUMNS])
{
        int count = 0;

        line[strcspn(line, "\n")] = '\0';
        for (char *at = line; at;) {
                if (count == COLUMNS)
                        return false;
                column[count++] = strsep(&at, "\t");
        }
        return count == COLUMNS;
}

static bool texts_of(char *const column[COLUMNS], struct database_row *row)
{
        const struct {
                enum column column;
                char *to;
                size_t size;
        } texts[] = {{STATE, row->state, sizeof(row->state)},
                     {DE39, row->de39, sizeof(row->de39)},
                     {LINK, row->link, sizeof(row->link)},
                     {CAUSE, row->cause, sizeof(row->cause)},
                     {BANK_DE39, row->bank_de39, sizeof(row->bank_de39)},
                     {RRN, row->rrn, sizeof(row->rrn)},
                     {APPROVAL, row->approval, sizeof(row->approval)}};

        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
                if (strlen(column[texts[i].column]) >= texts[i].size)
                        return false;
                strcpy(texts[i].to, column[texts[i].column]);
        }
        return true;
}

static bool numbers_of(char *const column[COLUMNS], struct database_row *row)
{
        int64_t stan;

        if (!number_of(column[MOMENT], &row->transmitted_ms) || !number_of(column[STAN], &stan) ||
            !number_of(column[AMOUNT], &row->amount_yen) ||
            !number_of(column[DISPENSED], &row->dispensed_yen) ||
            !number_of(column[CUSTOMER_FEE], &row->customer_fee_yen) ||
            !number_of(column[CUSTOMER_TAX], &row->customer_tax_yen) ||
            !number_of(column[INTERBANK_FEE], &row->interbank_fee_yen) ||
            !number_of(column[TAX], &row->tax_yen) || !number_of(column[CHARGE], &row->charge_yen) ||
            !number_of(column[WAITING], &row->waiting))
                return false;
        row->stan = (int32_t)stan;
        return true;
}

bool reconcile_parse(char *line, struct database_row *ret_row)
{
        struct database_row row = {0};
        char *column[COLUMNS];

        if (!split(line, column) || strlen(column[TERMINAL]) != 8 || !numbers_of(column, &row) ||
            !texts_of(column, &row))
                return false;
        row.has_token = strcmp(column[TOKEN], "\\N") != 0;
        if (row.has_token && !token_of(column[TOKEN], row.token))
                return false;
        strcpy(row.terminal, column[TERMINAL]);
        *ret_row = row;
        return true;
}

static bool is_state(const struct database_row *row, const char *state)
{
        return !strcmp(row->state, state);
}

/* The states in which the database may have it, for people; NULL: row's is one of them. */
static const char *wanted_state(const struct atm_entry *entry, const struct database_row *row)
{
        bool is_declined = is_state(row, "declined") || (*row->link && is_state(row, "blocked"));

        if (entry->end == ATM_DECLINED)
                return is_declined ? NULL : "declined";
        if (entry->paid_yen > 0)
                return is_state(row, "completed") ? NULL : "completed";
        if (entry->approved)
                return is_state(row, "reversed") ? NULL : "reversed";
        if (is_state(row, "reversed") || is_state(row, "declined") || is_state(row, "blocked"))
                return NULL;
        return "reversed, declined or blocked";
}

static void compare_cash(const struct atm_entry *entry, const struct database_row *row, reconcile_tell *tell,
                         void *context)
{
        char text[TEXT_MAX];

        if (row->dispensed_yen != entry->paid_yen) {
                snprintf(text, sizeof(text), "the ATM dispensed %" PRId64 " yen, the database has %" PRId64,
                         entry->paid_yen, row->dispensed_yen);
                tell("dispensed", text, context);
        }
        if (is_state(row, "blocked"))
                return; /* the database never saw its 0200 */
        if (row->amount_yen != entry->amount_yen) {
                snprintf(text, sizeof(text), "the ATM asked for %" PRId64 " yen, the database has %" PRId64,
                         entry->amount_yen, row->amount_yen);
                tell("amount", text, context);
        }
        if (row->has_token && memcmp(row->token, entry->token, TOKEN_LENGTH))
                tell("card", "the ATM had another card than the database", context);
}

static void compare_fees(const struct atm_entry *entry, const struct database_row *row, reconcile_tell *tell,
                         void *context)
{
        int64_t charge_yen = row->customer_fee_yen + row->customer_tax_yen;
        char text[TEXT_MAX];

        if (entry->paid_yen == 0) {
                if (row->customer_fee_yen || row->interbank_fee_yen || row->tax_yen) {
                        snprintf(text, sizeof(text),
                                 "no cash was dispensed, but the database has fees of %" PRId64
                                 " and %" PRId64 " yen and %" PRId64 " yen of tax",
                                 row->customer_fee_yen, row->interbank_fee_yen, row->tax_yen);
                        tell("fee", text, context);
                }
                return;
        }
        if (entry->charge_yen >= 0 && charge_yen != entry->charge_yen) {
                snprintf(text, sizeof(text),
                         "the customer was charged %" PRId64 " yen (DE 28), the database has %" PRId64
                         " with tax",
                         entry->charge_yen, charge_yen);
                tell("fee", text, context);
        }
        if (row->tax_yen < row->customer_tax_yen || row->interbank_fee_yen < 0 || row->customer_fee_yen < 0) {
                snprintf(text, sizeof(text),
                         "fees of %" PRId64 " and %" PRId64 " yen with %" PRId64 " yen of tax make no sense",
                         row->customer_fee_yen, row->interbank_fee_yen, row->tax_yen);
                tell("fee", text, context);
        }
}

const char *reconcile_unfinished(const struct atm_entry *entry, const struct database_row *row, bool banks)
{
        if (entry && entry->end == ATM_OPEN)
                return entry->advised ? "its advice is not acknowledged yet"
                                      : "the ATM has not brought it to its end";
        if (row && is_state(row, "asked"))
                return "its bank is still being asked";
        if (row && banks && row->waiting)
                return "its bank has not acknowledged yet what it must be told";
        return NULL;
}

void reconcile_compare(const struct atm_entry *entry, const struct database_row *row, reconcile_tell *tell,
                       void *context)
{
        const char *wanted;
        char text[TEXT_MAX];

        wanted = wanted_state(entry, row);
        if (wanted) {
                snprintf(text, sizeof(text), "to the ATM it is %s, the database has it %s", wanted,
                         row->state);
                tell("state", text, context);
        } else if (entry->end == ATM_DECLINED && strcmp(entry->de39, row->de39)) {
                snprintf(text, sizeof(text), "the ATM was answered %s, the database has %s", entry->de39,
                         row->de39);
                tell("de39", text, context);
        }
        compare_cash(entry, row, tell, context);
        compare_fees(entry, row, tell, context);
}

void reconcile_missing(const struct atm_entry *entry, reconcile_tell *tell, void *context)
{
        /* Refusals before the identity is looked at are not kept. */
        static const char *const unkept[] = {"30", "40", "58", "96", "98"};
        char text[TEXT_MAX];

        for (size_t i = 0; entry->end == ATM_DECLINED && i < sizeof(unkept) / sizeof(unkept[0]); i++)
                if (!strcmp(entry->de39, unkept[i]))
                        return;
        if (entry->end == ATM_DECLINED)
                snprintf(text, sizeof(text),
                         "a withdrawal of %" PRId64 " yen that was refused with %s; the database has none",
                         entry->amount_yen, entry->de39);
        else
                snprintf(text, sizeof(text),
                         "a withdrawal of %" PRId64 " yen, %" PRId64 " dispensed; the database has none",
                         entry->amount_yen, entry->paid_yen);
        tell("only-in-journal", text, context);
}

/* banks -------------------------------------------------------------------------------------------- */

struct telling {
        reconcile_tell *tell;
        void *context;
};

/* "LEAD bank_yen yen, OURS our_yen", where they differ. */
static void tell_yen(const struct telling *to, const char *what, const char *lead, int64_t bank_yen,
                     const char *ours, int64_t our_yen)
{
        char text[TEXT_MAX];

        if (bank_yen == our_yen)
                return;
        snprintf(text, sizeof(text), "%s %" PRId64 " yen, %s %" PRId64, lead, bank_yen, ours, our_yen);
        to->tell(what, text, to->context);
}

static void tell_text(const struct telling *to, const char *what, const char *name, const char *bank,
                      const char *ours)
{
        char text[TEXT_MAX];

        if (!strcmp(bank, ours))
                return;
        snprintf(text, sizeof(text), "the bank has the %s '%s', the database '%s'", name, bank, ours);
        to->tell(what, text, to->context);
}

/* A bank keeps no refusal that it gave before it looked at the identity. */
static bool is_kept_by_bank(const char *de39)
{
        static const char *const unkept[] = {"30", "40", "58", "94", "96", "98"};

        for (size_t i = 0; i < sizeof(unkept) / sizeof(*unkept); i++)
                if (!strcmp(de39, unkept[i]))
                        return false;
        return true;
}

static void bank_lacks(const struct telling *to, const struct database_row *row)
{
        char text[TEXT_MAX];

        if (!strcmp(row->cause, "answer") && strcmp(row->bank_de39, "00") && !is_kept_by_bank(row->bank_de39))
                return;
        if (strcmp(row->cause, "answer"))
                snprintf(text, sizeof(text),
                         "the bank has acknowledged a reversal to us; its journal has nothing of it");
        else
                snprintf(text, sizeof(text), "the bank has answered %s to us; its journal has nothing of it",
                         row->bank_de39);
        to->tell("not-at-bank", text, to->context);
}

/* The 0200 as both have it, where it came to the bank. */
static void compare_request(const struct telling *to, const struct database_row *row,
                            const struct bank_entry *entry)
{
        tell_yen(to, "bank-amount", "the bank was asked for", entry->amount_yen, "the database has",
                 row->amount_yen);
        tell_yen(to, "bank-charge", "the bank was asked for a charge (DE 28) of", entry->charge_yen,
                 "the database has", row->charge_yen);
        if (entry->has_card && row->has_token && memcmp(entry->token, row->token, TOKEN_LENGTH))
                to->tell("bank-card", "the bank has another card than the database", to->context);
        if (*entry->rrn)
                tell_text(to, "bank-rrn", "reference number", entry->rrn, row->rrn);
}

static void compare_answer(const struct telling *to, const struct database_row *row,
                           const struct bank_entry *entry)
{
        bool approved = !strcmp(row->bank_de39, "00");
        char text[TEXT_MAX];

        if (!entry->asked) {
                snprintf(text, sizeof(text),
                         "the bank has answered %s to us; its journal has no request of it", row->bank_de39);
                to->tell("not-at-bank", text, to->context);
                return;
        }
        if (approved || is_kept_by_bank(row->bank_de39))
                tell_text(to, "bank-de39", "answer", entry->de39, row->bank_de39);
        if (approved)
                tell_text(to, "bank-approval", "approval code", entry->approval, row->approval);
}

/* What became of it: nothing of it may be on its way any more. */
static void compare_end(const struct telling *to, const struct database_row *row,
                        const struct bank_entry *entry)
{
        bool completed = is_state(row, "completed");
        bool approved = !strcmp(row->cause, "answer") && !strcmp(row->bank_de39, "00");

        tell_yen(to, "bank-held", "the bank keeps of the card-holder's money", entry->held_yen,
                 "by what the database has it should be",
                 completed ? row->dispensed_yen + row->charge_yen : 0);
        if (entry->told)
                tell_yen(to, "bank-dispensed", "the bank was told that the ATM dispensed",
                         entry->dispensed_yen, "the database has", row->dispensed_yen);
        else if (completed || (approved && is_state(row, "reversed")) || strcmp(row->cause, "answer"))
                to->tell("bank-untold", "the bank has acknowledged the end to us; its journal has none",
                         to->context);
        if (entry->exception)
                to->tell("bank-exception", "the bank was told of cash that does not fit what it knew",
                         to->context);
}

void reconcile_bank(const struct database_row *row, const struct bank_entry *entry, reconcile_tell *tell,
                    void *context)
{
        const struct telling to = {tell, context};

        if (!entry) {
                bank_lacks(&to, row);
                return;
        }
        if (entry->asked)
                compare_request(&to, row, entry);
        if (!strcmp(row->cause, "answer"))
                compare_answer(&to, row, entry);
        if (!is_state(row, "approved"))
                compare_end(&to, row, entry);
}
