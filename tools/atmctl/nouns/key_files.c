/* Files of keys: see key_files.h. */
#include "tools/atmctl/nouns/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "lib/base/csv.h"
#include "lib/base/file.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"
#include "lib/cli/say.h"
#include "tools/atmctl/value.h"

enum { OWNER, NUMBER, KEYS, COLUMNS = KEYS + KEY_SET_EACH_MAX };
static const char *const key_columns[COLUMNS + 1] = {NULL,         "set",          "pin_key",
                                                     "mac_key_up", "mac_key_down", NULL};
enum { KEK = 1, KEK_COLUMNS };

/* reading -------------------------------------------------------------------------------------------------- */

static bool read_owner(struct csv *csv, enum key_owner owner_kind, struct key_file_row *row)
{
        char canonical[VALUE_MAX];
        const char *text = csv_value(csv, OWNER);
        enum value_kind kind = owner_kind == KEY_OWNER_TERMINAL ? VALUE_TERMINAL : VALUE_LINK;

        if (!value_check(kind, text, canonical))
                return csv_refuse(csv, csv->line, key_owner_name[owner_kind], "'%.40s': expected %s", text,
                                  value_row(kind)->expected);
        snprintf(row->owner, sizeof(row->owner), "%s", text);
        return true;
}

static bool read_blocks(struct csv *csv, struct key_file_row *row)
{
        if (!number_parse(csv_value(csv, NUMBER), 1, KEY_NUMBER_MAX, &row->number))
                return csv_refuse(csv, csv->line, "set", "'%.20s': expected a whole number from 1 to %d",
                                  csv_value(csv, NUMBER), KEY_NUMBER_MAX);
        for (size_t i = 0; i < KEY_SET_EACH_MAX; i++) {
                const char *block = csv_value(csv, KEYS + i);
                if (strlen(block) < 16 || strlen(block) > KEY_WRAPPED_MAX)
                        return csv_refuse(csv, csv->line, key_columns[KEYS + i],
                                          "%zu characters: expected a key block of 16 to %d", strlen(block),
                                          KEY_WRAPPED_MAX);
                strcpy(row->block[i], block);
        }
        return true;
}

/* No message shows any of it. */
static bool read_clear(struct csv *csv, struct key_file_row *row)
{
        const char *text = csv_value(csv, KEK);
        size_t digits = strlen(text);

        row->clear_length = digits / 2;
        if ((digits == 32 || digits == 48 || digits == 64) && hex_parse(text, row->clear, row->clear_length))
                return true;
        return csv_refuse(csv, csv->line, "kek", "expected an AES key: 32, 48 or 64 digits of hexadecimal");
}

static bool read_row(struct key_file *file, struct csv *csv, bool is_clear, enum key_owner owner_kind)
{
        struct key_file_row row = {.number = 0};
        void *grown;
        bool good =
            read_owner(csv, owner_kind, &row) && (is_clear ? read_clear(csv, &row) : read_blocks(csv, &row));

        if (good) {
                grown = array_with_room(file->rows, &file->room, file->count, sizeof(*file->rows));
                if (grown) {
                        file->rows = grown;
                        file->rows[file->count++] = row;
                } else {
                        good = csv_refuse(csv, csv->line, NULL, "out of memory");
                }
        }
        OPENSSL_cleanse(&row, sizeof(row));
        return good;
}

/* The names of the rows' owners, once these don't move any more. */
static bool take_owners(struct key_file *file, struct csv *csv)
{
        if (!file->count)
                return csv_refuse(csv, 0, NULL, "no row: expected one for each owner");
        file->owners = calloc(file->count, sizeof(*file->owners));
        if (!file->owners)
                return csv_refuse(csv, 0, NULL, "out of memory");
        for (size_t i = 0; i < file->count; i++)
                file->owners[i] = file->rows[i].owner;
        return true;
}

bool key_file_read(struct key_file *file, const char *path, bool is_clear, enum key_owner owner_kind)
{
        const char *names[COLUMNS + 1];
        const char *const kek_names[] = {key_owner_name[owner_kind], "kek", NULL};
        struct csv csv;
        enum csv_result next = CSV_BAD;
        bool good;

        *file = (struct key_file){.count = 0};
        memcpy(names, key_columns, sizeof(names));
        names[OWNER] = key_owner_name[owner_kind];
        if (!csv_open(&csv, path, is_clear)) {
                complain("%s", csv.error);
                return false;
        }
        good = csv_header(&csv, is_clear ? kek_names : names);
        while (good && (next = csv_next(&csv)) == CSV_ROW)
                good = read_row(file, &csv, is_clear, owner_kind);
        good = good && next == CSV_END && take_owners(file, &csv);
        if (!good) {
                complain("%s", csv.error);
                key_file_free(file);
        }
        csv_close(&csv);
        return good;
}

void key_file_free(struct key_file *file)
{
        if (file->rows)
                OPENSSL_cleanse(file->rows, file->count * sizeof(*file->rows));
        free(file->rows);
        free(file->owners);
        *file = (struct key_file){.count = 0};
}

bool key_file_block(const char *path, char ret_block[KEY_WRAPPED_MAX + 1])
{
        const char *why;
        FILE *stream = file_open_stream(path, &why);
        char line[KEY_WRAPPED_MAX + 3] = "";
        size_t length;

        if (!stream) {
                complain("%s: %s", path, why);
                return false;
        }
        if (!fgets(line, sizeof(line), stream))
                *line = '\0';
        length = strcspn(line, "\r\n");
        line[length] = '\0';
        fclose(stream);
        if (length < 16 || length > KEY_WRAPPED_MAX) {
                complain("%s: expected a key block, a line of 16 to %d characters", path, KEY_WRAPPED_MAX);
                return false;
        }
        strcpy(ret_block, line);
        return true;
}

/* writing -------------------------------------------------------------------------------------------------- */

static void write_rows(FILE *stream, const void *context)
{
        const struct key_batch *batch = context;
        const char *cells[COLUMNS];
        char number[24];

        memcpy(cells, key_columns, sizeof(cells));
        cells[OWNER] = key_owner_name[batch->owner_kind];
        csv_write_row(stream, cells, COLUMNS);
        for (size_t i = 0; i < batch->count; i++) {
                snprintf(number, sizeof(number), "%" PRId64, batch->number[i]);
                cells[OWNER] = batch->owner[i];
                cells[NUMBER] = number;
                for (size_t j = 0; j < KEY_SET_EACH_MAX; j++)
                        cells[KEYS + j] = batch->tasks[i * KEY_SET_EACH_MAX + j].block;
                csv_write_row(stream, cells, COLUMNS);
        }
}

/* Beside it, then in its place. */
bool key_file_put(const char *path, void (*write)(FILE *stream, const void *context), const void *context)
{
        char beside[VALUE_MAX + 8];
        int fd;
        FILE *stream;
        bool written;

        snprintf(beside, sizeof(beside), "%s.new", path);
        fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        stream = fd >= 0 && fchmod(fd, 0600) == 0 ? fdopen(fd, "w") : NULL;
        if (!stream) {
                complain("%s: %s", beside, strerror(errno));
                if (fd >= 0)
                        close(fd);
                return false;
        }
        write(stream, context);
        written = !ferror(stream) && fflush(stream) == 0 && fsync(fd) == 0;
        written = fclose(stream) == 0 && written && rename(beside, path) == 0;
        if (!written) {
                complain("%s: %s", path, strerror(errno));
                unlink(beside);
        }
        return written;
}

bool key_file_write(const char *path, const struct key_batch *batch)
{
        return key_file_put(path, write_rows, batch);
}
