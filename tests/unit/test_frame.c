/* Protects protocol/frame.c: what arrives in any pieces is cut into the same messages, in each form that a
 * dialect can ask for, and a length that can't be is told at once. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/iso8583.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The forms: a dialect with nothing but its framing. */
enum { BINARY, BINARY_SELF, ASCII, ASCII_SELF, BCD, BCD_SELF, FORMS };

static const struct iso_dialect forms[FORMS] = {
    [BINARY] = {.frame = FRAME_BINARY}, [BINARY_SELF] = {.frame = FRAME_BINARY, .frame_counts_itself = true},
    [ASCII] = {.frame = FRAME_ASCII},   [ASCII_SELF] = {.frame = FRAME_ASCII, .frame_counts_itself = true},
    [BCD] = {.frame = FRAME_BCD},       [BCD_SELF] = {.frame = FRAME_BCD, .frame_counts_itself = true},
};

/* frame_next on a buffer of exactly that size, so that a sanitizer sees a read past its end. */
static enum frame_result next_of(const struct iso_dialect *dialect, const uint8_t *bytes, size_t available,
                                 size_t *ret_at, size_t *ret_length)
{
        uint8_t *copy = malloc(available ? available : 1);
        const uint8_t *message = NULL;
        memcpy(copy, bytes, available);
        enum frame_result result = frame_next(dialect, copy, available, &message, ret_length);
        if (result == FRAME_READY)
                *ret_at = (size_t)(message - copy);
        free(copy);
        return result;
}

static const struct {
        int form;
        const char *header;
        size_t available; /* header included */
        enum frame_result result;
        size_t length;
} frames[] = {
    {BINARY, "\0\1", 0, FRAME_PARTIAL, 0},
    {BINARY, "\0\1", 1, FRAME_PARTIAL, 0},
    {BINARY, "\0\1", 2, FRAME_PARTIAL, 0},
    {BINARY, "\0\1", 3, FRAME_READY, 1},
    {BINARY, "\0\1", 100, FRAME_READY, 1},
    {BINARY, "\0\x64", 101, FRAME_PARTIAL, 0},
    {BINARY, "\0\x64", 102, FRAME_READY, 100},
    {BINARY, "\1\0", 2 + 255, FRAME_PARTIAL, 0},
    {BINARY, "\1\0", 2 + 256, FRAME_READY, 256},
    {BINARY, "\x08\0", 2 + 2047, FRAME_PARTIAL, 0},
    {BINARY, "\x08\0", 2 + 2048, FRAME_READY, 2048},
    {BINARY, "\0\0", 1, FRAME_PARTIAL, 0},
    {BINARY, "\0\0", 2, FRAME_BAD, 0},
    {BINARY, "\x08\x01", 1, FRAME_PARTIAL, 0},
    {BINARY, "\x08\x01", 2, FRAME_BAD, 0},
    {BINARY, "\x08\x01", 4000, FRAME_BAD, 0},
    {BINARY, "\xff\xff", 2, FRAME_BAD, 0},
    {BINARY, "GE", 2, FRAME_BAD, 0},       /* somebody speaks HTTP */
    {BINARY, "\x16\x03", 2, FRAME_BAD, 0}, /* somebody speaks TLS */

    {BINARY_SELF, "\0\3", 1, FRAME_PARTIAL, 0},
    {BINARY_SELF, "\0\3", 2, FRAME_PARTIAL, 0},
    {BINARY_SELF, "\0\3", 3, FRAME_READY, 1},
    {BINARY_SELF, "\1\2", 2 + 255, FRAME_PARTIAL, 0},
    {BINARY_SELF, "\1\2", 2 + 256, FRAME_READY, 256},
    {BINARY_SELF, "\x08\2", 2 + 2048, FRAME_READY, 2048},
    {BINARY_SELF, "\x08\3", 2, FRAME_BAD, 0},
    {BINARY_SELF, "\0\2", 2, FRAME_BAD, 0}, /* itself and nothing else */
    {BINARY_SELF, "\0\1", 2, FRAME_BAD, 0},
    {BINARY_SELF, "\0\0", 2, FRAME_BAD, 0},

    {ASCII, "0001", 3, FRAME_PARTIAL, 0},
    {ASCII, "0001", 4, FRAME_PARTIAL, 0},
    {ASCII, "0001", 5, FRAME_READY, 1},
    {ASCII, "0100", 4 + 99, FRAME_PARTIAL, 0},
    {ASCII, "0100", 4 + 100, FRAME_READY, 100},
    {ASCII, "2048", 4 + 2048, FRAME_READY, 2048},
    {ASCII, "2049", 4, FRAME_BAD, 0},
    {ASCII, "9999", 4, FRAME_BAD, 0},
    {ASCII, "0000", 4, FRAME_BAD, 0},
    {ASCII, "00 1", 4, FRAME_BAD, 0},
    {ASCII, "/001", 4, FRAME_BAD, 0},
    {ASCII, "000:", 4, FRAME_BAD, 0},
    {ASCII, "-001", 4, FRAME_BAD, 0},
    {ASCII, "\0\1\2\3", 4, FRAME_BAD, 0},

    {ASCII_SELF, "0005", 4, FRAME_PARTIAL, 0},
    {ASCII_SELF, "0005", 5, FRAME_READY, 1},
    {ASCII_SELF, "2052", 4 + 2048, FRAME_READY, 2048},
    {ASCII_SELF, "2053", 4, FRAME_BAD, 0},
    {ASCII_SELF, "0004", 4, FRAME_BAD, 0},
    {ASCII_SELF, "0003", 4, FRAME_BAD, 0},
    {ASCII_SELF, "0000", 4, FRAME_BAD, 0},

    {BCD, "\0\1", 1, FRAME_PARTIAL, 0},
    {BCD, "\0\1", 2, FRAME_PARTIAL, 0},
    {BCD, "\0\1", 3, FRAME_READY, 1},
    {BCD, "\x01\x23", 2 + 123, FRAME_READY, 123},
    {BCD, "\x20\x48", 2 + 2047, FRAME_PARTIAL, 0},
    {BCD, "\x20\x48", 2 + 2048, FRAME_READY, 2048},
    {BCD, "\x20\x49", 2, FRAME_BAD, 0},
    {BCD, "\0\0", 2, FRAME_BAD, 0},
    {BCD, "\x0a\x01", 2, FRAME_BAD, 0},
    {BCD, "\xa0\x01", 2, FRAME_BAD, 0},
    {BCD, "\x01\x0f", 2, FRAME_BAD, 0},
    {BCD, "\x01\xf0", 2, FRAME_BAD, 0},

    {BCD_SELF, "\0\3", 3, FRAME_READY, 1},
    {BCD_SELF, "\x01\x25", 2 + 123, FRAME_READY, 123},
    {BCD_SELF, "\x20\x50", 2 + 2048, FRAME_READY, 2048},
    {BCD_SELF, "\x20\x51", 2, FRAME_BAD, 0},
    {BCD_SELF, "\0\2", 2, FRAME_BAD, 0},
};

START_TEST(a_frame_is_ready_when_all_of_it_is_there)
{
        const struct iso_dialect *dialect = &forms[frames[_i].form];
        size_t header = frame_header_size(dialect);
        uint8_t bytes[4096] = {0};
        memcpy(bytes, frames[_i].header, header);
        size_t at = 4711, length = 4711;
        ck_assert_int_eq(next_of(dialect, bytes, frames[_i].available, &at, &length), frames[_i].result);
        if (frames[_i].result == FRAME_READY) {
                ck_assert_uint_eq(at, header);
                ck_assert_uint_eq(length, frames[_i].length);
                /* What is taken is also what is written. */
                uint8_t again[FRAME_HEADER_MAX];
                ck_assert_uint_eq(frame_header(dialect, again, length), header);
                ck_assert_mem_eq(again, frames[_i].header, header);
        } else {
                ck_assert_uint_eq(at, 4711); /* untouched on failure */
                ck_assert_uint_eq(length, 4711);
        }
}
END_TEST

/* By which others keep a connection; ATMs don't. */
START_TEST(an_empty_message_is_one_where_the_dialect_has_them)
{
        static const char *const empty[FORMS][2] = {
            [BINARY] = {"\0\0", "\0\0"},     [BINARY_SELF] = {"\0\2", "\0\0"}, [ASCII] = {"0000", "0000"},
            [ASCII_SELF] = {"0004", "0000"}, [BCD] = {"\0\0", "\0\0"},         [BCD_SELF] = {"\0\2", "\0\0"}};
        struct iso_dialect dialect = forms[_i];
        size_t header = frame_header_size(&dialect), at = 4711, length = 4711;
        for (int i = 0; i < 2; i++) {
                const uint8_t *bytes = (const uint8_t *)empty[_i][i];
                dialect.frame_may_be_empty = false;
                ck_assert_int_eq(next_of(&dialect, bytes, header, &at, &length), FRAME_BAD);
                dialect.frame_may_be_empty = true;
                ck_assert_int_eq(next_of(&dialect, bytes, header - 1, &at, &length), FRAME_PARTIAL);
                ck_assert_int_eq(next_of(&dialect, bytes, header, &at, &length), FRAME_READY);
                ck_assert_uint_eq(at, header);
                ck_assert_uint_eq(length, 0);
        }
        ck_assert(!iso_dialect_ascii.frame_may_be_empty);
}
END_TEST

START_TEST(the_built_in_dialect_has_two_bytes_that_do_not_count_themselves)
{
        uint8_t header[FRAME_HEADER_MAX];
        ck_assert_uint_eq(frame_header(&iso_dialect_ascii, header, 258), ISO_LENGTH_HEADER);
        ck_assert_uint_eq(header[0], 1);
        ck_assert_uint_eq(header[1], 2);
        frame_header(&iso_dialect_ascii, header, ISO_MESSAGE_MAX);
        ck_assert_uint_eq(header[0], 8);
        ck_assert_uint_eq(header[1], 0);
}
END_TEST

/* Every length there is, in every form. */
START_TEST(a_header_is_read_as_it_was_written)
{
        const struct iso_dialect *dialect = &forms[_i];
        static uint8_t bytes[FRAME_HEADER_MAX + ISO_MESSAGE_MAX];
        for (size_t length = 1; length <= ISO_MESSAGE_MAX; length++) {
                size_t size = frame_header(dialect, bytes, length), found = 0;
                const uint8_t *message = NULL;
                ck_assert_uint_eq(size, frame_header_size(dialect));
                ck_assert_int_eq(frame_next(dialect, bytes, size + length, &message, &found), FRAME_READY);
                ck_assert_ptr_eq(message, bytes + size);
                ck_assert_uint_eq(found, length);
                ck_assert_int_eq(frame_next(dialect, bytes, size + length - 1, &message, &found),
                                 FRAME_PARTIAL);
        }
}
END_TEST

static const size_t lengths[] = {1, 2, 70, 255, 256, 257, 1, ISO_MESSAGE_MAX, 112};

/* Several messages in one segment, and the same stream in pieces of every size from single bytes on. */
START_TEST(a_stream_is_cut_into_the_same_messages_whatever_its_segments)
{
        const struct iso_dialect *dialect = &forms[_i];
        static uint8_t stream[8192];
        size_t size = 0;
        for (size_t i = 0; i < COUNT(lengths); i++) {
                size += frame_header(dialect, stream + size, lengths[i]);
                memset(stream + size, (int)('a' + i), lengths[i]);
                size += lengths[i];
        }
        for (size_t piece = 1; piece <= size; piece += piece < 300 ? 1 : 97) {
                size_t arrived = 0, taken = 0, messages = 0;
                while (arrived < size) {
                        arrived = arrived + piece < size ? arrived + piece : size;
                        const uint8_t *message;
                        size_t length;
                        while (frame_next(dialect, stream + taken, arrived - taken, &message, &length) ==
                               FRAME_READY) {
                                ck_assert_uint_eq(length, lengths[messages]);
                                ck_assert_uint_eq(message[0], 'a' + messages);
                                ck_assert_uint_eq(message[length - 1], 'a' + messages);
                                taken = (size_t)(message - stream) + length;
                                messages++;
                        }
                }
                ck_assert_uint_eq(messages, COUNT(lengths));
                ck_assert_uint_eq(taken, size);
        }
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("frame");
        TCase *t = tcase_create("frame");
        tcase_add_loop_test(t, a_frame_is_ready_when_all_of_it_is_there, 0, COUNT(frames));
        tcase_add_test(t, the_built_in_dialect_has_two_bytes_that_do_not_count_themselves);
        tcase_add_loop_test(t, a_header_is_read_as_it_was_written, 0, FORMS);
        tcase_add_loop_test(t, an_empty_message_is_one_where_the_dialect_has_them, 0, FORMS);
        tcase_add_loop_test(t, a_stream_is_cut_into_the_same_messages_whatever_its_segments, 0, FORMS);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        return suite_run(suite());
}
