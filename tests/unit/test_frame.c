/* Protects protocol/frame.c: what arrives in any pieces is cut into the same messages, and a length that
 * can't be is told at once. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/iso8583.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* frame_next on a buffer of exactly that size, so that a sanitizer sees a read past its end. */
static enum frame_result next_of(const uint8_t *bytes, size_t available, size_t *ret_at, size_t *ret_length)
{
        uint8_t *copy = malloc(available ? available : 1);
        const uint8_t *message = NULL;
        memcpy(copy, bytes, available);
        enum frame_result result = frame_next(copy, available, &message, ret_length);
        if (result == FRAME_READY)
                *ret_at = (size_t)(message - copy);
        free(copy);
        return result;
}

static const struct {
        uint8_t header[2];
        size_t available; /* header included */
        enum frame_result result;
        size_t length;
} frames[] = {
    {{0, 1}, 0, FRAME_PARTIAL, 0},
    {{0, 1}, 1, FRAME_PARTIAL, 0},
    {{0, 1}, 2, FRAME_PARTIAL, 0},
    {{0, 1}, 3, FRAME_READY, 1},
    {{0, 1}, 100, FRAME_READY, 1},
    {{0, 100}, 101, FRAME_PARTIAL, 0},
    {{0, 100}, 102, FRAME_READY, 100},
    {{1, 0}, 2 + 255, FRAME_PARTIAL, 0},
    {{1, 0}, 2 + 256, FRAME_READY, 256},
    {{8, 0}, 2 + 2047, FRAME_PARTIAL, 0},
    {{8, 0}, 2 + 2048, FRAME_READY, 2048},
    {{0, 0}, 1, FRAME_PARTIAL, 0},
    {{0, 0}, 2, FRAME_BAD, 0},
    {{8, 1}, 1, FRAME_PARTIAL, 0},
    {{8, 1}, 2, FRAME_BAD, 0},
    {{8, 1}, 4000, FRAME_BAD, 0},
    {{0xff, 0xff}, 2, FRAME_BAD, 0},
    {{'G', 'E'}, 2, FRAME_BAD, 0}, /* somebody speaks HTTP */
    {{22, 3}, 2, FRAME_BAD, 0},    /* somebody speaks TLS */
};

START_TEST(a_frame_is_ready_when_all_of_it_is_there)
{
        uint8_t bytes[4096] = {0};
        memcpy(bytes, frames[_i].header, 2);
        size_t at = 4711, length = 4711;
        ck_assert_int_eq(next_of(bytes, frames[_i].available, &at, &length), frames[_i].result);
        if (frames[_i].result == FRAME_READY) {
                ck_assert_uint_eq(at, ISO_LENGTH_HEADER);
                ck_assert_uint_eq(length, frames[_i].length);
        } else {
                ck_assert_uint_eq(at, 4711); /* untouched on failure */
                ck_assert_uint_eq(length, 4711);
        }
}
END_TEST

static const size_t lengths[] = {1, 2, 70, 255, 256, 257, 1, ISO_MESSAGE_MAX, 112};

/* Several messages in one segment, and the same stream in pieces of every size from single bytes on. */
START_TEST(a_stream_is_cut_into_the_same_messages_whatever_its_segments)
{
        static uint8_t stream[8192];
        size_t size = 0;
        for (size_t i = 0; i < COUNT(lengths); i++) {
                frame_header(stream + size, lengths[i]);
                memset(stream + size + ISO_LENGTH_HEADER, (int)('a' + i), lengths[i]);
                size += ISO_LENGTH_HEADER + lengths[i];
        }
        for (size_t piece = 1; piece <= size; piece += piece < 300 ? 1 : 97) {
                size_t arrived = 0, taken = 0, messages = 0;
                while (arrived < size) {
                        arrived = arrived + piece < size ? arrived + piece : size;
                        const uint8_t *message;
                        size_t length;
                        while (frame_next(stream + taken, arrived - taken, &message, &length) ==
                               FRAME_READY) {
                                ck_assert_uint_eq(length, lengths[messages]);
                                ck_assert_ptr_eq(message, stream + taken + ISO_LENGTH_HEADER);
                                ck_assert_uint_eq(message[0], 'a' + messages);
                                ck_assert_uint_eq(message[length - 1], 'a' + messages);
                                taken += ISO_LENGTH_HEADER + length;
                                messages++;
                        }
                }
                ck_assert_uint_eq(messages, COUNT(lengths));
                ck_assert_uint_eq(taken, size);
        }
}
END_TEST

START_TEST(the_header_is_big_endian_and_does_not_count_itself)
{
        uint8_t header[2];
        frame_header(header, 258);
        ck_assert_uint_eq(header[0], 1);
        ck_assert_uint_eq(header[1], 2);
        frame_header(header, ISO_MESSAGE_MAX);
        ck_assert_uint_eq(header[0], 8);
        ck_assert_uint_eq(header[1], 0);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("frame");
        TCase *t = tcase_create("frame");
        tcase_add_loop_test(t, a_frame_is_ready_when_all_of_it_is_there, 0, COUNT(frames));
        tcase_add_test(t, a_stream_is_cut_into_the_same_messages_whatever_its_segments);
        tcase_add_test(t, the_header_is_big_endian_and_does_not_count_itself);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *runner = srunner_create(suite());
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
