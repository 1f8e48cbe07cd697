/* Accounts from a card file, row by row: see accounts.h. */
#include "tools/banksim/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/csv.h"
#include "lib/base/digits.h"
#include "lib/base/number.h"

enum column { COLUMN_PAN, COLUMN_EXPIRY, COLUMN_ISSUER, COLUMN_BALANCE, COLUMN_COUNT };
static const char *const column_name[COLUMN_COUNT + 1] = {"pan", "expiry", "issuer", "balance_yen", NULL};

/* What stands there is not shown: with a column too many it is the card number. */
static bool wrong(struct csv *csv, enum column column, const char *expected)
{
        return csv_refuse(csv, csv->line, column_name[column], "expected %s", expected);
}

static bool is_expiry(const char *text)
{
        return strlen(text) == 4 && strspn(text, "0123456789") == 4 && strcmp(text + 2, "01") >= 0 &&
               strcmp(text + 2, "12") <= 0;
}

static bool pin_is_valid(const char *pin)
{
        size_t length = strlen(pin);
        return length == 0 || (length >= 4 && length <= BANK_PIN_MAX && digits_all(pin, length));
}

/* The column may lack: then no card has one. */
static const char *pin_of(const struct csv *csv)
{
        for (size_t i = 0; i < csv->columns; i++)
                if (strcmp(csv->name[i], "pin") == 0)
                        return csv->field[i];
        return "";
}

static bool take_row(struct csv *csv, struct bank *bank, struct token_key *key)
{
        const char *pan = csv_value(csv, COLUMN_PAN), *expiry = csv_value(csv, COLUMN_EXPIRY);
        const char *balance = csv_value(csv, COLUMN_BALANCE), *pin = pin_of(csv);
        uint8_t token[TOKEN_LENGTH];
        int64_t balance_yen;
        if (!pan_is_valid(pan)) /* and never shown */
                return csv_refuse(csv, csv->line, column_name[COLUMN_PAN], "expected 12 to 19 digits");
        if (!is_expiry(expiry))
                return wrong(csv, COLUMN_EXPIRY, "YYMM");
        if (!number_parse(balance, 0, BANK_YEN_MAX, &balance_yen))
                return wrong(csv, COLUMN_BALANCE, "yen, at most 12 digits");
        if (!pin_is_valid(pin))
                return csv_refuse(csv, csv->line, "pin", "expected 4 to 12 digits, or nothing");
        token_of_pan(key, pan, token);
        if (!bank_add_account(bank, token, expiry, balance_yen))
                return csv_refuse(csv, csv->line, column_name[COLUMN_PAN],
                                  "the same card stands in an earlier row");
        bank_set_pin(bank, token, pin);
        return true;
}

static bool read_rows(struct csv *csv, const char *issuer, struct bank *bank, struct token_key *key,
                      size_t *ret_count)
{
        enum csv_result result;
        size_t count = 0;
        while ((result = csv_next(csv)) == CSV_ROW) {
                if (strcmp(csv_value(csv, COLUMN_ISSUER), issuer) != 0)
                        continue;
                if (count == BANK_ACCOUNTS_MAX)
                        return csv_refuse(csv, csv->line, NULL, "expected at most %d accounts",
                                          BANK_ACCOUNTS_MAX);
                if (!take_row(csv, bank, key))
                        return false;
                count++;
        }
        if (result == CSV_END && count == 0)
                return csv_refuse(csv, csv->line, NULL,
                                  "no card of issuer '%s' up to here; expected one or more", issuer);
        *ret_count = count;
        return result == CSV_END;
}

bool accounts_load(const char *path, const char *issuer, struct bank *bank, struct token_key *key,
                   size_t *ret_count, char error[ACCOUNTS_ERROR_MAX])
{
        struct csv csv;
        bool good = csv_open(&csv, path, true) && csv_header(&csv, column_name) &&
                    read_rows(&csv, issuer, bank, key, ret_count);
        if (!good)
                snprintf(error, ACCOUNTS_ERROR_MAX, "%s", csv.error);
        csv_close(&csv);
        return good;
}
