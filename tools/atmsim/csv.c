/* A CSV row is split in place: quotes are taken off and fields ended with NUL. */
#include "tools/atmsim/csv.h"

#include <errno.h>
#include <string.h>

static int read_line(struct csv *csv, char error[CSV_ERROR_MAX])
{
        size_t length;

        if (!fgets(csv->row, sizeof(csv->row), csv->file)) {
                if (ferror(csv->file)) {
                        snprintf(error, CSV_ERROR_MAX, "%s: %s", csv->path, strerror(errno));
                        return -1;
                }
                return 0;
        }
        csv->line++;
        length = strlen(csv->row);
        if (length == sizeof(csv->row) - 1 && csv->row[length - 1] != '\n') {
                snprintf(error, CSV_ERROR_MAX, "%s:%zu: a row of at most %d bytes is expected", csv->path,
                         csv->line, CSV_ROW_MAX - 2);
                return -1;
        }
        while (length > 0 && (csv->row[length - 1] == '\n' || csv->row[length - 1] == '\r'))
                csv->row[--length] = '\0';
        return 1;
}

/* One field from *at; moves *at behind its comma, or to NULL at the row's end. */
static char *split_field(char **at)
{
        char *start = *at, *to = *at, *from = *at;

        if (*from != '"') {
                char *comma = strchr(from, ',');

                if (comma)
                        *comma = '\0';
                *at = comma ? comma + 1 : NULL;
                return start;
        }
        for (from++; *from; from++) {
                if (*from == '"' && *++from != '"')
                        break;
                *to++ = *from;
        }
        if (*from && *from != ',')
                return NULL;
        *at = *from ? from + 1 : NULL;
        *to = '\0';
        return start;
}

/* Number of fields, or -1. */
static int split_row(struct csv *csv, char error[CSV_ERROR_MAX])
{
        char *at = csv->row;
        int count = 0;

        while (at) {
                if (count == CSV_COLUMNS_MAX) {
                        snprintf(error, CSV_ERROR_MAX, "%s:%zu: more than %d columns", csv->path, csv->line,
                                 CSV_COLUMNS_MAX);
                        return -1;
                }
                csv->field[count] = split_field(&at);
                if (!csv->field[count]) {
                        snprintf(error, CSV_ERROR_MAX,
                                 "%s:%zu: column %d: a comma is expected after the closing quote", csv->path,
                                 csv->line, count + 1);
                        return -1;
                }
                count++;
        }
        return count;
}

static bool find_columns(struct csv *csv, const char *const *wanted, char error[CSV_ERROR_MAX])
{
        for (csv->wanted = 0; wanted[csv->wanted]; csv->wanted++) {
                int at = 0;

                while (at < csv->columns && strcmp(csv->field[at], wanted[csv->wanted]))
                        at++;
                if (at == csv->columns) {
                        snprintf(error, CSV_ERROR_MAX, "%s:1: the header row has no column '%s'", csv->path,
                                 wanted[csv->wanted]);
                        return false;
                }
                csv->wanted_at[csv->wanted] = at;
        }
        return true;
}

bool csv_open(struct csv *ret_csv, const char *path, const char *const *wanted, char error[CSV_ERROR_MAX])
{
        int result;

        ret_csv->path = path;
        ret_csv->line = 0;
        ret_csv->file = fopen(path, "re");
        if (!ret_csv->file) {
                snprintf(error, CSV_ERROR_MAX, "%s: %s", path, strerror(errno));
                return false;
        }
        result = read_line(ret_csv, error);
        if (result == 0)
                snprintf(error, CSV_ERROR_MAX, "%s: empty; a header row is expected", path);
        if (result != 1)
                goto fail;
        if (!strncmp(ret_csv->row, "\xef\xbb\xbf", 3)) /* the mark that spreadsheets put in front */
                memmove(ret_csv->row, ret_csv->row + 3, strlen(ret_csv->row) - 2);
        ret_csv->columns = split_row(ret_csv, error);
        if (ret_csv->columns < 0 || !find_columns(ret_csv, wanted, error))
                goto fail;
        return true;
fail:
        fclose(ret_csv->file);
        return false;
}

int csv_next(struct csv *csv, char error[CSV_ERROR_MAX])
{
        int result, count;

        do
                result = read_line(csv, error);
        while (result == 1 && csv->row[0] == '\0');
        if (result != 1)
                return result;
        count = split_row(csv, error);
        if (count < 0)
                return -1;
        if (count != csv->columns) {
                snprintf(error, CSV_ERROR_MAX,
                         "%s:%zu: %d columns as in the header row are expected, %d are there", csv->path,
                         csv->line, csv->columns, count);
                return -1;
        }
        return 1;
}

const char *csv_value(const struct csv *csv, int wanted)
{
        return csv->field[csv->wanted_at[wanted]];
}

void csv_close(struct csv *csv)
{
        fclose(csv->file);
}
