/*
 * Protects the codec against agreeing only with itself: iso_8583.vectors holds messages that an encoder of
 * others wrote and reads (see make-vectors), in the built-in dialect, with hex bitmaps and in a bank's; in
 * BANKC.vectors are messages in BCD, put together by hand. Each is read by ours to the same fields, and
 * written by ours to the same bytes.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "lib/base/hex.h"
#include "protocol/frame.h"
#include "protocol/iso8583.h"
#include "protocol/profile.h"
#include "tests/fuzz/variants.h"
#include "tests/suite.h"

enum {
        VECTORS_MAX = 100,
        LINE_LONGEST = 2 * (ISO_MESSAGE_MAX + ISO_LENGTH_HEADER) + 100,
        VARIANT_HEX = 1,
        FIELDS_MAX = ISO_FIELD_MAX,
};

struct bytes {
        uint8_t at[ISO_MESSAGE_MAX + ISO_LENGTH_HEADER];
        size_t size;
};

struct vector {
        int line;
        char name[100];
        struct bytes frame, message, hexmap, bankb;
        char mti[5];
        int count;
        struct {
                int number;
                char *value;
        } field[FIELDS_MAX];
};

static struct vector vectors[VECTORS_MAX];
static int vector_count;

static void parse_bytes(const char *hex, struct bytes *ret_bytes, int line)
{
        size_t size = 0;
        for (; hex[0] && hex[1]; hex += 2) {
                if (size == sizeof(ret_bytes->at) || !hex_parse(hex, ret_bytes->at + size++, 1)) {
                        fprintf(stderr, "vectors:%d: not the hex of a message\n", line);
                        exit(1);
                }
        }
        ret_bytes->size = size;
}

static void parse_field(struct vector *vector, const char *text, int line)
{
        char *end;
        long number = strtol(text, &end, 10);
        size_t length = strlen(end);
        if (vector->count == FIELDS_MAX || number < 0 || number > ISO_FIELD_MAX || length < 3 ||
            end[0] != ' ' || end[1] != '|' || end[length - 1] != '|') {
                fprintf(stderr, "vectors:%d: expected NUMBER |VALUE|\n", line);
                exit(1);
        }
        char *value = strndup(end + 2, length - 3);
        if (number == 0) {
                snprintf(vector->mti, sizeof(vector->mti), "%s", value);
                free(value);
                return;
        }
        vector->field[vector->count].number = (int)number;
        vector->field[vector->count].value = value;
        vector->count++;
}

static void load(const char *path)
{
        FILE *file = fopen(path, "r");
        if (!file) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                exit(1);
        }
        static char text[LINE_LONGEST];
        struct vector *vector = NULL;
        for (int line = 1; fgets(text, sizeof(text), file); line++) {
                text[strcspn(text, "\n")] = '\0';
                if (text[0] == '#' || text[0] == '\0')
                        continue;
                if (strncmp(text, "name ", 5) == 0) {
                        if (vector_count == VECTORS_MAX) {
                                fprintf(stderr, "%s:%d: more than %d messages\n", path, line, VECTORS_MAX);
                                exit(1);
                        }
                        vector = &vectors[vector_count++];
                        vector->line = line;
                        snprintf(vector->name, sizeof(vector->name), "%.99s", text + 5);
                } else if (!vector) {
                        fprintf(stderr, "%s:%d: a message begins with its name\n", path, line);
                        exit(1);
                } else if (strncmp(text, "frame ", 6) == 0) {
                        parse_bytes(text + 6, &vector->frame, line);
                } else if (strncmp(text, "message ", 8) == 0) {
                        parse_bytes(text + 8, &vector->message, line);
                } else if (strncmp(text, "hexmap ", 7) == 0) {
                        parse_bytes(text + 7, &vector->hexmap, line);
                } else if (strncmp(text, "bankb ", 6) == 0) {
                        parse_bytes(text + 6, &vector->bankb, line);
                } else {
                        parse_field(vector, text, line);
                }
        }
        fclose(file);
}

/* One line of BANKC.vectors: a word or a number, bytes in hex or as 'text', and |value| or a remark. The
 * bytes go to the end of the frame. */
static void parse_part(struct vector *vector, char *text, int line)
{
        bool field = text[0] >= '0' && text[0] <= '9';
        char *at = text + strcspn(text, " "), *value = strchr(text, '|');
        struct bytes *frame = &vector->frame;
        if (field && !value) {
                fprintf(stderr, "BANKC.vectors:%d: a field without |value|\n", line);
                exit(1);
        }
        /* Two blanks end the bytes, one is between them. */
        while (at[0] == ' ' && at[1] != ' ' && at[1] && at[1] != '|') {
                size_t length = strcspn(++at, " ");
                if (*at == '\'') {
                        const char *end = strchr(at + 1, '\'');
                        if (!end) {
                                fprintf(stderr, "BANKC.vectors:%d: a text without its end\n", line);
                                exit(1);
                        }
                        length = (size_t)(end - at) + 1;
                        memcpy(frame->at + frame->size, at + 1, length - 2);
                        frame->size += length - 2;
                } else {
                        struct bytes some;
                        char hex[200];
                        snprintf(hex, sizeof(hex), "%.*s", (int)length, at);
                        parse_bytes(hex, &some, line);
                        memcpy(frame->at + frame->size, some.at, some.size);
                        frame->size += some.size;
                }
                at += length;
        }
        if (field) {
                char row[200];
                snprintf(row, sizeof(row), "%.*s %s", (int)strcspn(text, " "), text, value);
                parse_field(vector, row, line);
        } else if (strncmp(text, "mti ", 4) == 0) {
                snprintf(vector->mti, sizeof(vector->mti), "%.4s", text + 4);
        }
}

static struct vector bankc[VECTORS_MAX];
static int bankc_count;

static void load_bankc(const char *path)
{
        FILE *file = fopen(path, "r");
        if (!file) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                exit(1);
        }
        static char text[LINE_LONGEST];
        for (int line = 1; fgets(text, sizeof(text), file); line++) {
                text[strcspn(text, "\n")] = '\0';
                if (text[0] == '#' || text[0] == '\0')
                        continue;
                if (strncmp(text, "name ", 5) == 0 && bankc_count < VECTORS_MAX) {
                        bankc[bankc_count].line = line;
                        snprintf(bankc[bankc_count++].name, sizeof(bankc[0].name), "%.99s", text + 5);
                } else if (bankc_count > 0) {
                        parse_part(&bankc[bankc_count - 1], text, line);
                }
        }
        fclose(file);
}

static struct iso_dialect dialects[2];
enum { BANKB, BANKC };

static void load_dialects(void)
{
        static const char *const names[] = {[BANKB] = "BANKB", [BANKC] = "BANKC"};
        for (int i = 0; i < 2; i++) {
                char path[512], error[DIALECT_ERROR_MAX];
                snprintf(path, sizeof(path), "%s/etc/dialects/%s.dialect", SOURCE_DIR, names[i]);
                if (!dialect_load(path, &dialects[i], NULL, error)) {
                        fprintf(stderr, "%s\n", error);
                        exit(1);
                }
        }
}

static void unload(void)
{
        for (int i = 0; i < VECTORS_MAX; i++)
                for (int j = 0; j < FIELDS_MAX; j++) {
                        free(vectors[i].field[j].value);
                        free(bankc[i].field[j].value);
                }
}

/* The bytes of a field's value in the file: binary fields are in hex there. */
static size_t value_of(const struct vector *vector, int i, struct bytes *ret_value)
{
        const char *text = vector->field[i].value;
        const struct iso_field *row = &iso_dialect_ascii.field[vector->field[i].number];
        if (row->format == ISO_B && row->length_kind == ISO_FIXED) {
                parse_bytes(text, ret_value, vector->line);
        } else {
                ret_value->size = strlen(text);
                memcpy(ret_value->at, text, ret_value->size);
        }
        return ret_value->size;
}

static void decode(const struct vector *vector, const struct iso_dialect *dialect, const uint8_t *bytes,
                   size_t size, struct iso_message *message)
{
        struct iso_error error;
        if (iso_decode(dialect, bytes, size, message, &error) < 0) {
                char text[200];
                iso_error_print(dialect, &error, text, sizeof(text));
                ck_abort_msg("%s: %s", vector->name, text);
        }
}

static void assert_fields(const struct vector *vector, const struct iso_message *message)
{
        ck_assert_str_eq(message->mti, vector->mti);
        int present = __builtin_popcountll(message->present[0]) + __builtin_popcountll(message->present[1]);
        ck_assert_msg(present == vector->count, "%s: %d fields, not %d", vector->name, present,
                      vector->count);
        for (int i = 0; i < vector->count; i++) {
                int field = vector->field[i].number;
                struct bytes expected;
                size_t size = value_of(vector, i, &expected), length;
                const char *value = iso_get(message, field, &length);
                ck_assert_msg(value != NULL, "%s: field %d is absent", vector->name, field);
                ck_assert_msg(length == size && memcmp(value, expected.at, size) == 0,
                              "%s: field %d is '%.*s'", vector->name, field, (int)length, value);
        }
}

static void build(const struct vector *vector, struct iso_message *message)
{
        iso_init(message, vector->mti);
        for (int i = 0; i < vector->count; i++) {
                struct bytes value;
                size_t size = value_of(vector, i, &value);
                iso_set(message, vector->field[i].number, (const char *)value.at, size);
        }
}

START_TEST(what_others_write_is_read_to_the_same_fields)
{
        const struct vector *vector = &vectors[_i];
        const uint8_t *bytes;
        size_t size;
        struct iso_message message;
        ck_assert_int_eq(frame_next(&iso_dialect_ascii, vector->frame.at, vector->frame.size, &bytes, &size),
                         FRAME_READY);
        ck_assert_uint_eq(size + ISO_LENGTH_HEADER, vector->frame.size);
        decode(vector, &iso_dialect_ascii, bytes, size, &message);
        assert_fields(vector, &message);
        decode(vector, &iso_dialect_ascii, vector->message.at, vector->message.size, &message);
        assert_fields(vector, &message);
        decode(vector, dialect_variant(VARIANT_HEX), vector->hexmap.at, vector->hexmap.size, &message);
        assert_fields(vector, &message);
}
END_TEST

START_TEST(what_we_write_is_what_others_read)
{
        const struct vector *vector = &vectors[_i];
        struct iso_message message;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        build(vector, &message);
        int size = iso_encode(&iso_dialect_ascii, &message, bytes, sizeof(bytes), &error);
        ck_assert_int_eq(size, (int)vector->message.size);
        ck_assert_mem_eq(bytes, vector->message.at, vector->message.size);
        if (message.present[1] == 0)
                return; /* there an empty secondary bitmap is written, and read above */
        size = iso_encode(dialect_variant(VARIANT_HEX), &message, bytes, sizeof(bytes), &error);
        ck_assert_int_eq(size, (int)vector->hexmap.size);
        ck_assert(strncasecmp((const char *)bytes, (const char *)vector->hexmap.at, 4 + 32) == 0);
        ck_assert_mem_eq(bytes + 36, vector->hexmap.at + 36, vector->hexmap.size - 36);
}
END_TEST

/* A frame of a bank is read to the fields, and these are written to the same frame. */
static void exchange(const struct vector *vector, const struct iso_dialect *dialect,
                     const struct bytes *frame, bool ours)
{
        struct iso_message message;
        struct iso_error error = {0};
        const uint8_t *bytes = NULL;
        uint8_t out[FRAME_HEADER_MAX + ISO_MESSAGE_MAX];
        size_t size = 0;
        ck_assert_int_eq(frame_next(dialect, frame->at, frame->size, &bytes, &size), FRAME_READY);
        ck_assert_ptr_eq(bytes + size, frame->at + frame->size);
        decode(vector, dialect, bytes, size, &message);
        assert_fields(vector, &message);
        if (!ours)
                return;
        build(vector, &message);
        size_t header = frame_header_size(dialect);
        int length = iso_encode(dialect, &message, out + header, ISO_MESSAGE_MAX, &error);
        ck_assert_msg(length > 0, "%s: field %d: %s", vector->name, error.field, error.what);
        frame_header(dialect, out, (size_t)length);
        ck_assert_uint_eq(header + (size_t)length, frame->size);
        ck_assert_msg(memcmp(out, frame->at, frame->size) == 0, "%s: other bytes", vector->name);
}

START_TEST(bankb_is_written_and_read_as_by_others)
{
        const struct vector *vector = &vectors[_i];
        bool secondary = false;
        for (int i = 0; i < vector->count; i++)
                secondary |= vector->field[i].number > 64;
        if (vector->bankb.size > 0)
                exchange(vector, &dialects[BANKB], &vector->bankb, secondary); /* see above */
}
END_TEST

START_TEST(bankc_is_written_and_read_as_its_table_says)
{
        exchange(&bankc[_i], &dialects[BANKC], &bankc[_i].frame, true);
}
END_TEST

START_TEST(all_kinds_of_message_of_a_bank_have_a_vector)
{
        int count = 0;
        for (int i = 0; i < vector_count; i++)
                count += vectors[i].bankb.size > 0;
        ck_assert_int_ge(count, 15);
        ck_assert_int_eq(bankc_count, 6);
}
END_TEST

START_TEST(requests_of_others_pass_the_profile)
{
        const struct vector *vector = &vectors[_i];
        const struct profile_row *row = profile_find(vector->mti);
        struct iso_message message;
        struct iso_error error = {0};
        build(vector, &message);
        if (row)
                ck_assert_msg(profile_check(row, &message, &error) == 0, "%s: field %d: %s", vector->name,
                              error.field, error.what);
}
END_TEST

/* The file is worth something only as long as it covers the table. */
START_TEST(each_row_of_the_profile_and_each_answer_has_a_vector)
{
        for (size_t i = 0; i < profile_row_count; i++) {
                const struct profile_row *row = &profile_rows[i];
                bool request = false, answer = false;
                for (int j = 0; j < vector_count; j++) {
                        /* A repeat differs from its original by one digit of the MTI. */
                        request |= strncmp(vectors[j].mti, row->mti, 3) == 0;
                        answer |= strcmp(vectors[j].mti, row->answer_mti) == 0;
                }
                ck_assert_msg(request, "no vector of %s", row->mti);
                ck_assert_msg(answer, "no vector of %s", row->answer_mti);
        }
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("vectors");
        TCase *t = tcase_create("iso_8583");
        tcase_add_loop_test(t, what_others_write_is_read_to_the_same_fields, 0, vector_count);
        tcase_add_loop_test(t, what_we_write_is_what_others_read, 0, vector_count);
        tcase_add_loop_test(t, requests_of_others_pass_the_profile, 0, vector_count);
        tcase_add_test(t, each_row_of_the_profile_and_each_answer_has_a_vector);
        suite_add_tcase(s, t);

        t = tcase_create("banks");
        tcase_add_loop_test(t, bankb_is_written_and_read_as_by_others, 0, vector_count);
        tcase_add_loop_test(t, bankc_is_written_and_read_as_its_table_says, 0, bankc_count);
        tcase_add_test(t, all_kinds_of_message_of_a_bank_have_a_vector);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        load(SOURCE_DIR "/tests/vectors/iso_8583.vectors");
        load_bankc(SOURCE_DIR "/tests/vectors/BANKC.vectors");
        load_dialects();
        int failed = suite_run(suite());
        unload();
        return failed;
}
