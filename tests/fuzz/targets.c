/* See targets.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "lib/base/csv.h"
#include "protocol/frame.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "protocol/tags.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/variants.h"

/* A line for people is one line of printable text, ended within its buffer. */
static void check_line(const char *line, size_t size)
{
        size_t length = strnlen(line, size);
        PROMISE(length < size);
        for (size_t i = 0; i < length; i++)
                PROMISE(line[i] >= ' ' && line[i] <= '~');
}

static void check_texts(const struct iso_dialect *dialect, const struct iso_message *message,
                        const struct iso_error *error)
{
        char line[512];
        iso_dump(dialect, message, line, sizeof(line));
        check_line(line, sizeof(line));
        iso_dump(dialect, message, line, 16);
        check_line(line, 16);
        if (error) {
                iso_error_print(dialect, error, line, sizeof(line));
                check_line(line, sizeof(line));
        }
}

static void check_error(const struct iso_error *error, size_t size)
{
        PROMISE(error->field >= 0 && error->field <= ISO_FIELD_MAX);
        PROMISE(error->offset <= size || error->offset == ISO_NO_OFFSET);
        PROMISE(error->what != NULL);
}

static bool same(const struct iso_message *a, const struct iso_message *b)
{
        if (strcmp(a->mti, b->mti) != 0 || memcmp(a->present, b->present, sizeof(a->present)) != 0)
                return false;
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                size_t one = 0, other = 0;
                const char *value = iso_get(a, field, &one), *against = iso_get(b, field, &other);
                if (value && (one != other || memcmp(value, against, one) != 0))
                        return false;
        }
        return true;
}

/* What a MAC covers is all before it, whoever looks. */
static void check_mac(const struct iso_dialect *dialect, struct iso_message *message, size_t size)
{
        struct iso_message back;
        struct iso_error error = {0};
        uint8_t out[ISO_MESSAGE_MAX];
        size_t covered = 0, again = 0;
        int field = iso_mac_field(dialect, message);

        int set = iso_mac_set(dialect, message);

        PROMISE(set >= 0 && set <= ISO_KEY_SET_MAX);
        if (iso_mac_covered(dialect, message, size, &covered))
                PROMISE(covered + ISO_MAC_LENGTH == size && iso_has(message, field));
        int written = iso_mac_encode(dialect, message, out, sizeof(out), &covered, &error);
        if (written < 0) {
                check_error(&error, sizeof(out));
                return;
        }
        PROMISE(covered + ISO_MAC_LENGTH == (size_t)written && iso_mac_field(dialect, message) == field);
        memset(out + covered, 0xa5, ISO_MAC_LENGTH);
        PROMISE(iso_decode(dialect, out, (size_t)written, &back, &error) == 0);
        PROMISE(iso_mac_covered(dialect, &back, (size_t)written, &again) && again == covered);
        PROMISE(memcmp(iso_get(&back, field, &again), out + covered, ISO_MAC_LENGTH) == 0);
}

void target_decode(const struct iso_dialect *dialect, const uint8_t *bytes, size_t size)
{
        struct iso_message message, again;
        struct iso_error error = {0};
        uint8_t out[ISO_MESSAGE_MAX];

        if (iso_decode(dialect, bytes, size, &message, &error) < 0) {
                check_error(&error, size);
                check_texts(dialect, &message, &error);
                return;
        }
        check_texts(dialect, &message, NULL);
        /* What was read can be written, in no more bytes, and reads the same. */
        int written = iso_encode(dialect, &message, out, sizeof(out), &error);
        PROMISE(written > 0 && (size_t)written <= size);
        PROMISE(iso_decode(dialect, out, (size_t)written, &again, &error) == 0);
        PROMISE(same(&message, &again));
        check_mac(dialect, &message, size);
        iso_wipe(&message);
        PROMISE(message.present[0] == 0 && message.present[1] == 0);
}

/* What dialect.h promises of every dialect that loads. */
static void check_dialect(const struct iso_dialect *dialect)
{
        PROMISE(dialect->name[0] && strnlen(dialect->name, sizeof(dialect->name)) <= ISO_NAME_MAX);
        for (size_t i = 0; i < dialect_use_count; i++)
                PROMISE(!dialect_uses[i].required || iso_dialect_has(dialect, dialect_uses[i].field));
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *row = &dialect->field[field];
                if (row->format == ISO_NONE)
                        continue;
                PROMISE(field != 65 && row->length >= 1 && row->length <= 999);
                PROMISE(row->length_kind != ISO_LLVAR || row->length <= 99);
                PROMISE(row->mask >= iso_dialect_ascii.field[field].mask);
                PROMISE(row->name[0] && strnlen(row->name, sizeof(row->name)) <= ISO_NAME_MAX);
        }
}

/* A withdrawal with values of the shortest kind: each dialect takes it, and tells the same. */
static void check_exchange(const struct iso_dialect *dialect)
{
        static const struct {
                int field;
                const char *value;
        } values[] = {
            {2, "990001000000"}, {3, "010000"},  {4, "000000010000"},
            {7, "1229005501"},   {11, "000002"}, {14, "2012"},
            {28, "D00000108"},   {32, "1"},      {37, "636409000002"},
            {38, "000002"},      {39, "00"},     {41, "00000001"},
            {49, "392"},         {70, "001"},    {90, "020000000212290055010000000000000000000000"},
        };
        struct iso_message message, back;
        struct iso_error error = {0};
        uint8_t out[FRAME_HEADER_MAX + ISO_MESSAGE_MAX];
        iso_init(&message, "0200");
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
                iso_set_string(&message, values[i].field, values[i].value);
        size_t header = frame_header_size(dialect), length = 0;
        int size = iso_encode(dialect, &message, out + header, ISO_MESSAGE_MAX, &error);
        PROMISE(size > 0 && frame_header(dialect, out, (size_t)size) == header);
        const uint8_t *at = NULL;
        PROMISE(frame_next(dialect, out, header + (size_t)size, &at, &length) == FRAME_READY);
        PROMISE(iso_decode(dialect, at, length, &back, &error) == 0);
        PROMISE(same(&message, &back));
}

void target_dialect(const uint8_t *bytes, size_t size)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        if (size == 0)
                return;
        FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r");
        if (!file)
                abort();
        bool loaded = dialect_read(file, "x", &dialect, NULL, error);
        fclose(file);
        if (!loaded) {
                PROMISE(error[0] == 'x' && error[1] == ':');
                check_line(error, sizeof(error));
                return;
        }
        check_dialect(&dialect);
        check_exchange(&dialect);
        target_decode(&dialect, bytes, size);
}

static void write_row(FILE *file, const struct csv *csv)
{
        for (size_t i = 0; i < csv->count; i++)
                csv_write_cell(file, i == 0, csv->field[i]);
        csv_write_end(file);
}

static bool next_row(struct csv *csv)
{
        enum csv_result result = csv_next(csv);
        if (result == CSV_BAD) {
                PROMISE(!strncmp(csv->error, "x:", 2));
                check_line(csv->error, sizeof(csv->error));
        }
        PROMISE(result != CSV_ROW ||
                (csv->count > 0 && csv->count == csv->columns && csv->line < csv->next_line + 1));
        return result == CSV_ROW;
}

void target_csv(const uint8_t *bytes, size_t size)
{
        struct csv csv, again;
        char *text;
        size_t length;
        if (size == 0)
                return;
        FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r"), *written = open_memstream(&text, &length);
        if (!file || !written || !csv_open_stream(&csv, "x", file))
                abort();
        size_t rows = 0;
        for (; next_row(&csv); rows++)
                write_row(written, &csv);
        csv_close(&csv);
        fclose(written);

        file = length ? fmemopen(text, length, "r") : NULL;
        if (file) {
                char *rewritten;
                size_t rewritten_length;
                written = open_memstream(&rewritten, &rewritten_length);
                if (!written || !csv_open_stream(&again, "x", file))
                        abort();
                for (; next_row(&again); rows--)
                        write_row(written, &again);
                csv_close(&again);
                fclose(written);
                PROMISE(rewritten_length == length && !memcmp(rewritten, text, length));
                free(rewritten);
        }
        PROMISE(rows == 0);
        free(text);
}

/* What is made of tags is its tags, and nothing else is in it. */
static void check_tags(const struct iso_message *message, int field)
{
        size_t at = 0, length = 0;
        struct tag tag, found;
        const char *value = iso_get(message, field, &length);
        const char *problem = tags_problem(message, field);
        while (tags_next(message, field, &at, &tag)) {
                PROMISE(at <= length && tag.value + tag.length == value + at);
                PROMISE(tags_find(message, field, (char[]){tag.name[0], tag.name[1], '\0'}, &found) &&
                        found.name <= tag.name);
        }
        PROMISE(problem || (length > 0 && at == length));
}

void target_profile(const uint8_t *bytes, size_t size)
{
        struct iso_message request, answer;
        struct iso_error error = {0};
        struct profile_card card;
        struct profile_original original;
        int64_t yen = -1;
        uint8_t out[ISO_MESSAGE_MAX];

        int decoded = iso_decode(&iso_dialect_ascii, bytes, size, &request, &error);
        const struct profile_row *row = profile_find(request.mti);
        if (!row)
                return;
        /* A refusal echoes what could be read, also of a message that is broken. */
        profile_answer(row, &request, &answer);
        iso_set_string(&answer, 39, decoded == 0 ? "00" : "30");
        PROMISE(iso_encode(&iso_dialect_ascii, &answer, out, sizeof(out), &error) > 0);
        PROMISE(!iso_has(&answer, 35) && !iso_has(&answer, 52));
        check_texts(&iso_dialect_ascii, &answer, NULL);

        check_tags(&request, 48);
        check_tags(&request, 62);
        int accepted = profile_check(row, &request, &error);
        if (accepted < 0)
                check_error(&error, size);
        check_texts(&iso_dialect_ascii, &request, accepted < 0 ? &error : NULL);
        bool has_card = profile_card_of(&request, &card),
             has_original = profile_original_of(&request, &original);
        bool has_cash = (row->kind == MESSAGE_COMPLETION || row->kind == MESSAGE_REVERSAL) &&
                        profile_dispensed_yen(row, &request, &yen);
        if (accepted < 0 || decoded < 0)
                return;
        if (row->kind == MESSAGE_REQUEST)
                PROMISE(has_card && pan_is_valid(card.pan) && strlen(card.expiry_yymm) == 4);
        if (row->kind == MESSAGE_COMPLETION || row->kind == MESSAGE_REVERSAL)
                PROMISE(has_original && has_cash && yen >= 0 && strlen(original.transmitted) == 10);
}

enum { FRAMES_MAX = 4096 };

/* The sizes of the frames of a stream that arrives in pieces of `piece` bytes; *ret_bad where it went wrong.
 */
static size_t cut(const struct iso_dialect *dialect, const uint8_t *bytes, size_t size, size_t piece,
                  uint16_t *sizes, bool *ret_bad)
{
        size_t count = 0, taken = 0, arrived = 0;
        *ret_bad = false;
        while (arrived < size && !*ret_bad) {
                arrived = size - arrived < piece ? size : arrived + piece;
                for (;;) {
                        const uint8_t *message;
                        size_t length;
                        enum frame_result result =
                            frame_next(dialect, bytes + taken, arrived - taken, &message, &length);
                        *ret_bad = result == FRAME_BAD;
                        if (result != FRAME_READY || count == FRAMES_MAX)
                                break;
                        PROMISE(message == bytes + taken + frame_header_size(dialect));
                        PROMISE(length > 0 && length <= ISO_MESSAGE_MAX);
                        PROMISE(message + length <= bytes + arrived);
                        sizes[count++] = (uint16_t)length;
                        /* What was taken for a length is how it would be written. */
                        uint8_t header[FRAME_HEADER_MAX];
                        size_t header_size = frame_header(dialect, header, length);
                        PROMISE(memcmp(header, bytes + taken, header_size) == 0);
                        taken += header_size + length;
                        target_profile(message, length);
                }
        }
        return count;
}

void target_frame(unsigned variant, const uint8_t *bytes, size_t size)
{
        const struct iso_dialect *dialect = dialect_variant(variant);
        static uint16_t whole[FRAMES_MAX], pieces[FRAMES_MAX];
        bool whole_bad, pieces_bad;
        if (size == 0)
                return;
        size_t count = cut(dialect, bytes, size, size, whole, &whole_bad);
        size_t other = cut(dialect, bytes, size, 1 + bytes[size - 1] % 64, pieces, &pieces_bad);
        PROMISE(count == other && whole_bad == pieces_bad);
        PROMISE(memcmp(whole, pieces, count * sizeof(whole[0])) == 0);
}
