/* The rules of agreement. The ATM's side is the truth about cash, the database about what it recorded. */
#include "journals/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 12, TEXT_MAX = 256 };

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

bool reconcile_parse(char *line, struct database_row *ret_row)
{
        struct database_row row = {0};
        char *column[COLUMNS], *save = NULL;
        int64_t stan;
        int count = 0;

        for (char *at = strtok_r(line, "\t\n", &save); at; at = strtok_r(NULL, "\t\n", &save)) {
                if (count == COLUMNS)
                        return false;
                column[count++] = at;
        }
        if (count != COLUMNS || strlen(column[0]) != 8 || strlen(column[9]) >= sizeof(row.state) ||
            strlen(column[10]) >= sizeof(row.de39))
                return false;
        if (!number_of(column[1], &row.transmitted_ms) || !number_of(column[2], &stan) ||
            !number_of(column[3], &row.amount_yen) || !number_of(column[4], &row.dispensed_yen) ||
            !number_of(column[5], &row.customer_fee_yen) || !number_of(column[6], &row.customer_tax_yen) ||
            !number_of(column[7], &row.interbank_fee_yen) || !number_of(column[8], &row.tax_yen))
                return false;
        row.has_token = strcmp(column[11], "\\N") != 0;
        if (row.has_token && !token_of(column[11], row.token))
                return false;
        strcpy(row.terminal, column[0]);
        strcpy(row.state, column[9]);
        strcpy(row.de39, column[10]);
        row.stan = (int32_t)stan;
        *ret_row = row;
        return true;
}

static bool is_state(const struct database_row *row, const char *state)
{
        return !strcmp(row->state, state);
}

/* The states in which the database may have it, for people; NULL: row's is one of them. */
static const char *wanted_state(const struct history_entry *entry, const struct database_row *row)
{
        if (entry->end == HISTORY_DECLINED)
                return is_state(row, "declined") ? NULL : "declined";
        if (entry->paid_yen > 0)
                return is_state(row, "completed") ? NULL : "completed";
        if (entry->approved)
                return is_state(row, "reversed") ? NULL : "reversed";
        if (is_state(row, "reversed") || is_state(row, "declined") || is_state(row, "blocked"))
                return NULL;
        return "reversed, declined or blocked";
}

static void compare_cash(const struct history_entry *entry, const struct database_row *row,
                         reconcile_tell *tell, void *context)
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

static void compare_fees(const struct history_entry *entry, const struct database_row *row,
                         reconcile_tell *tell, void *context)
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

static void tell_unfinished(const struct history_entry *entry, reconcile_tell *tell, void *context)
{
        tell("unfinished",
             entry->advised ? "its advice is not acknowledged yet" : "the ATM has not brought it to its end",
             context);
}

void reconcile_compare(const struct history_entry *entry, const struct database_row *row,
                       reconcile_tell *tell, void *context)
{
        const char *wanted;
        char text[TEXT_MAX];

        if (entry->end == HISTORY_OPEN) {
                tell_unfinished(entry, tell, context);
                return;
        }
        wanted = wanted_state(entry, row);
        if (wanted) {
                snprintf(text, sizeof(text), "to the ATM it is %s, the database has it %s", wanted,
                         row->state);
                tell("state", text, context);
        } else if (entry->end == HISTORY_DECLINED && strcmp(entry->de39, row->de39)) {
                snprintf(text, sizeof(text), "the ATM was answered %s, the database has %s", entry->de39,
                         row->de39);
                tell("de39", text, context);
        }
        compare_cash(entry, row, tell, context);
        compare_fees(entry, row, tell, context);
}

void reconcile_missing(const struct history_entry *entry, reconcile_tell *tell, void *context)
{
        /* Refusals before the identity is looked at are not kept. */
        static const char *const unkept[] = {"30", "40", "58", "96", "98"};
        char text[TEXT_MAX];

        if (entry->end == HISTORY_OPEN) {
                tell_unfinished(entry, tell, context);
                return;
        }
        for (size_t i = 0; entry->end == HISTORY_DECLINED && i < sizeof(unkept) / sizeof(unkept[0]); i++)
                if (!strcmp(entry->de39, unkept[i]))
                        return;
        if (entry->end == HISTORY_DECLINED)
                snprintf(text, sizeof(text),
                         "a withdrawal of %" PRId64 " yen that was refused with %s; the database has none",
                         entry->amount_yen, entry->de39);
        else
                snprintf(text, sizeof(text),
                         "a withdrawal of %" PRId64 " yen, %" PRId64 " dispensed; the database has none",
                         entry->amount_yen, entry->paid_yen);
        tell("only-in-journal", text, context);
}
