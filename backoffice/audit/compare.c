/* The rules of agreement. The ATM's side is the truth about cash, the database about what it recorded. */
#include "backoffice/audit/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/journals/bank_record.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"

static bool number_of(const char *text, int64_t *ret_value)
{
        return number_parse(text, INT64_MIN, INT64_MAX, ret_value);
}

static bool token_of(const char *text, uint8_t token[TOKEN_LENGTH])
{
        int digits = 0;

        for (; *text; text++) {
                int value = hex_digit(*text);

                if (*text == '-')
                        continue;
                if (value < 0 || digits == 2 * TOKEN_LENGTH)
                        return false;
                token[digits / 2] = (uint8_t)(digits % 2 ? token[digits / 2] | value : value << 4);
                digits++;
        }
        return digits == 2 * TOKEN_LENGTH;
}

static const char rows[] =
    "COPY (SELECT v.terminal, (extract(epoch FROM v.transmitted_at) * 1000)::bigint, v.stan, v.amount_yen, "
    "v.dispensed_yen, v.customer_fee_yen, v.customer_tax_yen, v.interbank_fee_yen, v.tax_yen, v.state, "
    "coalesce(v.de39, ''), v.card_token, v.charge_yen, coalesce(s.waiting, 0), CASE WHEN v.is_asked THEN "
    "coalesce(v.link, '') ELSE '' END, "
    "coalesce(v.outcome_cause, ''), coalesce(v.bank_de39, ''), v.rrn, coalesce(v.approval_code, ''), "
    "coalesce(e.cases, ''), coalesce(e.open_cases, 0), coalesce(e.words, ''), coalesce(v.hall, '') "
    "FROM v_withdrawal v LEFT JOIN (SELECT terminal, transmitted_at, stan, count(*) AS waiting FROM saf "
    "GROUP BY 1, "
    "2, 3) s USING (terminal, transmitted_at, stan) "
    "LEFT JOIN (SELECT terminal, transmitted_at, stan, left(string_agg(what || '|', '' ORDER BY what) FILTER "
    "(WHERE kind = 'bank'), 200) AS cases, count(*) FILTER (WHERE kind = 'bank' AND NOT resolved) AS "
    "open_cases, "
    "left(string_agg(concat_ws(' ', dispensed_yen, what, CASE WHEN resolved THEN 'dealt' ELSE 'open' END) || "
    "'|', "
    /* what the other exceptions say has been done, or is of another withdrawal */
    "'' ORDER BY resolved, what) FILTER (WHERE kind IN ('completion', 'reversal') AND what !~ "
    "'^(corrected|contradicts|out )'), 200) AS words FROM v_exception GROUP BY 1, 2, 3) e USING (terminal, "
    "transmitted_at, stan) "
    /* what was generated has no journals */
    "WHERE NOT EXISTS (SELECT FROM history_run h WHERE v.business_date BETWEEN h.from_on AND h.to_on)";

void reconcile_query(struct sqltext *sql, const char *from, const char *to)
{
        sql_start(sql);
        sql_add(sql, "%s", rows);
        if (from)
                sql_add(sql, " AND v.transmitted_at >= '%s'", from);
        if (to)
                sql_add(sql, " AND v.transmitted_at < '%s'", to);
        sql_add(sql, " ORDER BY v.terminal COLLATE \"C\", v.transmitted_at, v.stan) TO STDOUT");
}

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
        CASES,
        OPEN_CASES,
        WORDS,
        HALL,
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
                     {APPROVAL, row->approval, sizeof(row->approval)},
                     {CASES, row->cases, sizeof(row->cases)},
                     {WORDS, row->words, sizeof(row->words)},
                     {HALL, row->hall, sizeof(row->hall)}};

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
            !number_of(column[WAITING], &row->waiting) || !number_of(column[OPEN_CASES], &row->open_cases))
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

/* telling ------------------------------------------------------------------------------------------ */

struct telling {
        reconcile_tell *tell, *explain;
        void *context;
};

static void tell_plain(const struct telling *to, const char *what, enum fact_kind kind)
{
        struct fact fact;

        fact_begin(&fact, kind);
        to->tell(what, &fact, to->context);
}

/* As many as the kind has. */
static void tell_yen(const struct telling *to, const char *what, enum fact_kind kind, const int64_t *yen)
{
        struct fact fact;

        fact_begin(&fact, kind);
        fact_numbers(&fact, yen, fact_values_of(kind));
        to->tell(what, &fact, to->context);
}

/* b NULL: the kind has but one. */
static void tell_texts(const struct telling *to, const char *what, enum fact_kind kind, const char *a,
                       const char *b)
{
        struct fact fact;

        fact_begin(&fact, kind);
        fact_text(&fact, a);
        if (b)
                fact_text(&fact, b);
        to->tell(what, &fact, to->context);
}

/* Theirs first, where they differ. */
static void compare_yen(const struct telling *to, const char *what, enum fact_kind kind, int64_t theirs_yen,
                        int64_t ours_yen)
{
        if (theirs_yen != ours_yen)
                tell_yen(to, what, kind, (const int64_t[]){theirs_yen, ours_yen});
}

static void compare_texts(const struct telling *to, const char *what, enum fact_kind kind, const char *theirs,
                          const char *ours)
{
        if (strcmp(theirs, ours))
                tell_texts(to, what, kind, theirs, ours);
}

/* ATMs --------------------------------------------------------------------------------------------- */

/* Whether the database has it in a state that it may have. */
static bool compare_state(const struct telling *to, const struct atm_entry *entry,
                          const struct database_row *row)
{
        const char *wanted = entry->paid_yen > 0 ? "completed" : "reversed";

        if (entry->end == ATM_DECLINED) {
                if (is_state(row, "declined") || (*row->link && is_state(row, "blocked")))
                        return true;
                wanted = "declined";
        } else if (entry->paid_yen > 0 || entry->approved) {
                if (is_state(row, wanted))
                        return true;
        } else {
                if (is_state(row, "reversed") || is_state(row, "declined") || is_state(row, "blocked"))
                        return true;
                tell_texts(to, "state", FACT_ATM_ENDED, row->state, NULL);
                return false;
        }
        tell_texts(to, "state", FACT_ATM_STATE, wanted, row->state);
        return false;
}

static void compare_cash(const struct telling *to, const struct atm_entry *entry,
                         const struct database_row *row)
{
        compare_yen(to, "dispensed", FACT_ATM_DISPENSED, entry->paid_yen, row->dispensed_yen);
        if (is_state(row, "blocked"))
                return; /* the database never saw its 0200 */
        compare_yen(to, "amount", FACT_ATM_AMOUNT, entry->amount_yen, row->amount_yen);
        if (row->has_token && memcmp(row->token, entry->token, TOKEN_LENGTH))
                tell_plain(to, "card", FACT_ATM_CARD);
}

static void compare_fees(const struct telling *to, const struct atm_entry *entry,
                         const struct database_row *row)
{
        const int64_t fees_yen[] = {row->customer_fee_yen, row->interbank_fee_yen, row->tax_yen};

        if (entry->paid_yen == 0) {
                if (row->customer_fee_yen || row->interbank_fee_yen || row->tax_yen)
                        tell_yen(to, "fee", FACT_FEES_WITHOUT_CASH, fees_yen);
                return;
        }
        if (entry->charge_yen >= 0)
                compare_yen(to, "fee", FACT_ATM_CHARGE, entry->charge_yen,
                            row->customer_fee_yen + row->customer_tax_yen);
        if (row->tax_yen < row->customer_tax_yen || row->interbank_fee_yen < 0 || row->customer_fee_yen < 0)
                tell_yen(to, "fee", FACT_FEES_SENSELESS, fees_yen);
}

enum fact_kind reconcile_unfinished(const struct atm_entry *entry, const struct database_row *row, bool banks)
{
        if (entry && entry->end == ATM_OPEN)
                return entry->advised ? FACT_UNACKNOWLEDGED : FACT_UNENDED;
        if (row && is_state(row, "asked"))
                return FACT_UNDECIDED;
        if (row && banks && row->waiting)
                return FACT_BANK_WAITING;
        return FACT_NONE;
}

/* The exception of the ATM's word that so much was dispensed: what it is, and whether people have dealt with it. "": there is none. */
static void find_word(const struct database_row *row, int64_t paid_yen, char what[16], bool *ret_open)
{
        *what = '\0';
        *ret_open = false;
        for (const char *at = row->words, *end; (end = strchr(at, '|')); at = end + 1) {
                char name[16], dealt[8];
                int64_t yen;

                if (sscanf(at, "%" SCNd64 " %15[a-z] %7[a-z]|", &yen, name, dealt) != 3 || yen != paid_yen)
                        continue;
                strcpy(what, name);
                *ret_open |= !strcmp(dealt, "open");
        }
}

bool reconcile_is_exception(const struct atm_entry *entry, const struct database_row *row)
{
        char what[16];
        bool is_open;

        find_word(row, entry->paid_yen, what, &is_open);
        return entry->advised && entry->paid_yen != row->dispensed_yen && *what;
}

/* Was its ATM's last word heard, and put before people? Then that is all that there is to say of the cash. */
static bool explain_word(const struct telling *to, const struct atm_entry *entry,
                         const struct database_row *row)
{
        struct fact fact;
        char what[16];
        bool is_open;

        if (!entry->advised || entry->paid_yen == row->dispensed_yen)
                return false;
        find_word(row, entry->paid_yen, what, &is_open);
        if (!*what)
                return false;
        fact_begin(&fact, is_open ? FACT_ATM_EXPLAINED : FACT_ATM_SETTLED);
        fact_numbers(&fact, (const int64_t[]){entry->paid_yen, row->dispensed_yen}, 2);
        fact_text(&fact, what);
        to->explain(is_open ? "explained" : "settled", &fact, to->context);
        return true;
}

void reconcile_compare(const struct atm_entry *entry, const struct database_row *row, reconcile_tell *tell,
                       reconcile_tell *explain, void *context)
{
        const struct telling to = {tell, explain, context};
        struct atm_entry as_taken = *entry;
        bool is_explained = explain_word(&to, entry, row);

        if (is_explained)
                as_taken.paid_yen = row->dispensed_yen;
        else if (compare_state(&to, entry, row) && entry->end == ATM_DECLINED)
                compare_texts(&to, "de39", FACT_ATM_ANSWER, entry->de39, row->de39);
        if (entry->approved && *entry->approval)
                compare_texts(&to, "approval", FACT_ATM_APPROVAL, entry->approval, row->approval);
        compare_cash(&to, &as_taken, row);
        compare_fees(&to, &as_taken, row);
}

/* Refusals before the identity is looked at are not kept. */
bool reconcile_is_unkept(const char *de39)
{
        static const char *const unkept[] = {"30", "40", "58", "96", "98"};

        for (size_t i = 0; i < sizeof(unkept) / sizeof(unkept[0]); i++)
                if (!strcmp(de39, unkept[i]))
                        return true;
        return false;
}

void reconcile_missing(const struct atm_entry *entry, reconcile_tell *tell, void *context)
{
        const struct telling to = {tell, NULL, context};
        char amount[24];

        if (entry->end == ATM_DECLINED && reconcile_is_unkept(entry->de39))
                return;
        snprintf(amount, sizeof(amount), "%" PRId64, entry->amount_yen);
        if (entry->end == ATM_DECLINED)
                tell_texts(&to, "only-in-journal", FACT_NO_ROW_REFUSED, amount, entry->de39);
        else
                tell_yen(&to, "only-in-journal", FACT_NO_ROW,
                         (const int64_t[]){entry->amount_yen, entry->paid_yen});
}

/* banks -------------------------------------------------------------------------------------------- */

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
        if (!strcmp(row->cause, "answer") && strcmp(row->bank_de39, "00") && !is_kept_by_bank(row->bank_de39))
                return;
        if (strcmp(row->cause, "answer"))
                tell_plain(to, "not-at-bank", FACT_BANK_LACKS_REVERSAL);
        else
                tell_texts(to, "not-at-bank", FACT_BANK_LACKS_ANSWER, row->bank_de39, NULL);
}

/* The 0200 as both have it, where it came to the bank. */
static void compare_request(const struct telling *to, const struct database_row *row,
                            const struct bank_entry *entry)
{
        compare_yen(to, "bank-amount", FACT_BANK_AMOUNT, entry->amount_yen, row->amount_yen);
        compare_yen(to, "bank-charge", FACT_BANK_CHARGE, entry->charge_yen, row->charge_yen);
        if (entry->has_card && row->has_token && memcmp(entry->token, row->token, TOKEN_LENGTH))
                tell_plain(to, "bank-card", FACT_BANK_CARD);
        if (*entry->rrn)
                compare_texts(to, "bank-rrn", FACT_BANK_RRN, entry->rrn, row->rrn);
}

static void compare_answer(const struct telling *to, const struct database_row *row,
                           const struct bank_entry *entry)
{
        bool approved = !strcmp(row->bank_de39, "00");

        if (!entry->asked) {
                tell_texts(to, "not-at-bank", FACT_BANK_LACKS_REQUEST, row->bank_de39, NULL);
                return;
        }
        if (approved || is_kept_by_bank(row->bank_de39))
                compare_texts(to, "bank-de39", FACT_BANK_ANSWER, entry->de39, row->bank_de39);
        if (approved)
                compare_texts(to, "bank-approval", FACT_BANK_APPROVAL, entry->approval, row->approval);
}

int64_t reconcile_wanted_yen(const struct database_row *row)
{
        return is_state(row, "completed") ? row->dispensed_yen + row->charge_yen : 0;
}

/* What it keeps by the last thing that it booked. */
static int64_t booked_yen(const struct bank_entry *entry)
{
        if (!entry->asked || strcmp(entry->de39, "00") || (entry->told && entry->dispensed_yen == 0))
                return 0;
        return (entry->told ? entry->dispensed_yen : entry->amount_yen) + entry->charge_yen;
}

/* Would the bank not book the end that the database has, and does an exception say just that? */
static bool is_explained(const struct database_row *row, const struct bank_entry *entry)
{
        char wanted[64];

        snprintf(wanted, sizeof(wanted), "%s answered %s|", bank_kind_name[entry->refused_kind],
                 entry->refused_de39);
        for (const char *at = row->cases; (at = strstr(at, wanted)); at++)
                if (at == row->cases || at[-1] == '|')
                        return entry->held_yen == booked_yen(entry);
        return false;
}

/* True: that is what became of it, and all is said. */
static bool explain_refusal(const struct telling *to, const struct database_row *row,
                            const struct bank_entry *entry)
{
        const char *kind = bank_kind_name[entry->refused_kind];
        struct fact fact;

        if (!entry->refused || entry->refused_yen != row->dispensed_yen)
                return false; /* or booked what it was told later */
        if (entry->told && entry->dispensed_yen == row->dispensed_yen)
                return false;
        if (!is_explained(row, entry)) {
                tell_texts(to, "bank-refused", FACT_BANK_REFUSED, kind, entry->refused_de39);
                return false;
        }
        fact_begin(&fact, row->open_cases ? FACT_BANK_EXPLAINED : FACT_BANK_SETTLED);
        fact_text(&fact, kind);
        fact_text(&fact, entry->refused_de39);
        fact_number(&fact, entry->held_yen);
        fact_number(&fact, reconcile_wanted_yen(row));
        to->explain(row->open_cases ? "explained" : "settled", &fact, to->context);
        return true;
}

/* What became of it: nothing of it may be on its way any more. */
static void compare_end(const struct telling *to, const struct database_row *row,
                        const struct bank_entry *entry)
{
        bool completed = is_state(row, "completed");
        bool approved = !strcmp(row->cause, "answer") && !strcmp(row->bank_de39, "00");

        compare_yen(to, "bank-held", FACT_BANK_KEEPS, entry->held_yen, reconcile_wanted_yen(row));
        if (entry->told)
                compare_yen(to, "bank-dispensed", FACT_BANK_DISPENSED, entry->dispensed_yen,
                            row->dispensed_yen);
        else if (completed || (approved && is_state(row, "reversed")) || strcmp(row->cause, "answer"))
                tell_plain(to, "bank-untold", FACT_BANK_UNTOLD);
        if (entry->exception)
                tell_plain(to, "bank-exception", FACT_BANK_EXCEPTION);
}

void reconcile_bank(const struct database_row *row, const struct bank_entry *entry, reconcile_tell *tell,
                    reconcile_tell *explain, void *context)
{
        const struct telling to = {tell, explain, context};

        if (!entry) {
                bank_lacks(&to, row);
                return;
        }
        if (entry->asked)
                compare_request(&to, row, entry);
        if (!strcmp(row->cause, "answer"))
                compare_answer(&to, row, entry);
        if (!is_state(row, "approved") && !explain_refusal(&to, row, entry))
                compare_end(&to, row, entry);
}
