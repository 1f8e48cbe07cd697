/* Accounts from CSV: see accounts.h. RFC 4180 quoting, one row a line. */
#include "tools/banksim/accounts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROW_MAX = 4096, FIELDS_MAX = 32 };

enum column { COLUMN_PAN, COLUMN_EXPIRY, COLUMN_ISSUER, COLUMN_BALANCE, COLUMN_COUNT };
static const char *const column_name[COLUMN_COUNT] = {"pan", "expiry", "issuer", "balance_yen"};

struct reading {
        const char *path;
        FILE *file;
        size_t line;
        size_t fields;           /* in the header row */
        size_t at[COLUMN_COUNT]; /* position of each column */
        char *field[FIELDS_MAX];
        char row[ROW_MAX];
        char *error;
};

ATM_PRINTF(3, 4) static bool wrong(struct reading *r, const char *column, const char *format, ...)
{
        char text[256];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        snprintf(r->error, ACCOUNTS_ERROR_MAX, "%.400s:%zu: %s%s%s%s", r->path, r->line,
                 column ? "column " : "", column ? column : "", column ? ": " : "", text);
        return false;
}

/* A quoted field: its quotes are taken off. NULL where it does not end with a quote and a comma or the end.
 */
static char *split_quoted(char **at)
{
        char *start = *at, *to = *at, *from = *at + 1;
        while (*from && (*from != '"' || from[1] == '"')) {
                from += *from == '"';
                *to++ = *from++;
        }
        if (*from != '"' || (from[1] != '\0' && from[1] != ','))
                return NULL;
        *at = from[1] ? from + 2 : NULL;
        *to = '\0';
        return start;
}

static char *split_field(char **at)
{
        char *start = *at, *comma;
        if (*start == '"')
                return split_quoted(at);
        comma = strchr(start, ',');
        if (comma)
                *comma = '\0';
        *at = comma ? comma + 1 : NULL;
        return start;
}

/* The next row into field[]; 1, 0 at the end, -1 after an error. */
static int next_row(struct reading *r, size_t *ret_fields)
{
        size_t length, fields = 0;
        do {
                if (!fgets(r->row, sizeof(r->row), r->file))
                        return ferror(r->file) ? (wrong(r, NULL, "%s", strerror(errno)), -1) : 0;
                r->line++;
                length = strlen(r->row);
                if (length == sizeof(r->row) - 1 && r->row[length - 1] != '\n')
                        return wrong(r, NULL, "a row of at most %d bytes is expected", ROW_MAX - 2), -1;
                length = strcspn(r->row, "\r\n");
                r->row[length] = '\0';
        } while (length == 0);
        for (char *at = r->row; at; fields++) {
                if (fields == FIELDS_MAX)
                        return wrong(r, NULL, "at most %d columns are expected", FIELDS_MAX), -1;
                r->field[fields] = split_field(&at);
                if (!r->field[fields])
                        return wrong(r, NULL,
                                     "field %zu: a closing quote, then a comma or the row's end is expected",
                                     fields + 1),
                               -1;
        }
        *ret_fields = fields;
        return 1;
}

static bool read_header(struct reading *r)
{
        static const char mark[] = "\xef\xbb\xbf"; /* that spreadsheets put in front */
        int result = next_row(r, &r->fields);
        if (result < 0)
                return false;
        if (result == 0)
                return wrong(r, NULL, "empty; a header row is expected");
        if (strncmp(r->field[0], mark, sizeof(mark) - 1) == 0)
                r->field[0] += sizeof(mark) - 1;
        for (int i = 0; i < COLUMN_COUNT; i++) {
                size_t at = 0;
                while (at < r->fields && strcmp(r->field[at], column_name[i]) != 0)
                        at++;
                if (at == r->fields)
                        return wrong(r, NULL, "the header row has no column '%s'", column_name[i]);
                r->at[i] = at;
        }
        return true;
}

static const char *value_of(const struct reading *r, enum column column)
{
        return r->field[r->at[column]];
}

static bool is_expiry(const char *text)
{
        return strlen(text) == 4 && strspn(text, "0123456789") == 4 && strcmp(text + 2, "01") >= 0 &&
               strcmp(text + 2, "12") <= 0;
}

static bool take_row(struct reading *r, struct bank *bank, struct token_key *key)
{
        const char *pan = value_of(r, COLUMN_PAN), *expiry = value_of(r, COLUMN_EXPIRY);
        const char *balance = value_of(r, COLUMN_BALANCE);
        uint8_t token[TOKEN_LENGTH];
        size_t digits = strspn(balance, "0123456789");
        if (!pan_is_valid(pan))
                return wrong(r, column_name[COLUMN_PAN], "12 to 19 digits are expected");
        if (!is_expiry(expiry))
                return wrong(r, column_name[COLUMN_EXPIRY], "'%.20s': YYMM is expected", expiry);
        if (digits == 0 || digits > 12 || balance[digits] != '\0')
                return wrong(r, column_name[COLUMN_BALANCE], "'%.20s': yen, at most 12 digits, are expected",
                             balance);
        token_of_pan(key, pan, token);
        if (!bank_add_account(bank, token, expiry, strtoll(balance, NULL, 10)))
                return wrong(r, column_name[COLUMN_PAN], "the same card stands in an earlier row");
        return true;
}

static bool read_rows(struct reading *r, const char *issuer, struct bank *bank, struct token_key *key,
                      size_t *ret_count)
{
        size_t fields, count = 0;
        int result;
        while ((result = next_row(r, &fields)) == 1) {
                if (fields != r->fields)
                        return wrong(r, NULL, "%zu columns as in the header row are expected, %zu are there",
                                     r->fields, fields);
                if (strcmp(value_of(r, COLUMN_ISSUER), issuer) != 0)
                        continue;
                if (count == BANK_ACCOUNTS_MAX)
                        return wrong(r, NULL, "at most %d accounts are expected", BANK_ACCOUNTS_MAX);
                if (!take_row(r, bank, key))
                        return false;
                count++;
        }
        if (result == 0 && count == 0)
                return wrong(r, NULL, "no card of issuer '%s' up to here; expected one or more", issuer);
        *ret_count = count;
        return result == 0;
}

bool accounts_load(const char *path, const char *issuer, struct bank *bank, struct token_key *key,
                   size_t *ret_count, char error[ACCOUNTS_ERROR_MAX])
{
        struct reading r = {.path = path, .error = error};
        struct stat status;
        bool good = false;
        r.file = fopen(path, "re");
        if (!r.file) {
                snprintf(error, ACCOUNTS_ERROR_MAX, "%.400s: %s; expected a card file", path,
                         strerror(errno));
                return false;
        }
        if (fstat(fileno(r.file), &status) < 0 || S_ISDIR(status.st_mode))
                snprintf(error, ACCOUNTS_ERROR_MAX, "%.400s: not a file; expected a card file", path);
        else if (S_ISREG(status.st_mode) && (status.st_mode & 077))
                snprintf(error, ACCOUNTS_ERROR_MAX,
                         "%.400s: mode %04o lets others read card numbers; expected 0600 (chmod 600)", path,
                         (unsigned)status.st_mode & 07777);
        else
                good = read_header(&r) && read_rows(&r, issuer, bank, key, ret_count);
        OPENSSL_cleanse(r.row, sizeof(r.row));
        fclose(r.file);
        return good;
}
