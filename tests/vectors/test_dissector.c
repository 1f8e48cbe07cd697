/*
 * Protects the promise that Wireshark reads what our programs send: every request of the profile with each
 * choice of its optional fields, and every answer that it can get, go through the script dissect. That the
 * script finds fault where there is some is tried as well. Needs tshark; without it the test fails.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What our programs put into each field. */
static const struct {
        int field;
        const char *value;
} values[] = {
    {2, "9900010000000008"},
    {3, "010000"},
    {4, "000000010000"},
    {7, "1229005501"},
    {11, "000002"},
    {12, "095501"},
    {13, "1229"},
    {14, "2012"},
    {15, "1229"},
    {22, "051"},
    {23, "001"},
    {25, "00"},
    {28, "D00000108"},
    {32, "12345"},
    {37, "636409000002"},
    {38, "000002"},
    {39, "68"},
    {41, "T0000001"},
    {42, "H00001         "},
    {48, "CA008100:0200PR003low"},
    {49, "392"},
    {52, "\x01\x23\x45\x67\x89\xab\xcd\xef"},
    {54, "0002392C0000001898920001392C000000199892"},
    {62, "KS0011"},
    {64, "\x8a\x11\xf0\x01\x22\x9b\xcc\xdd"},
    {70, "001"},
    {90, "020000000212290055010000001234500000000000"},
    {95, "000000005000000000000000D00000108D00000000"},
    {128, "\x8a\x11\xf0\x01\x22\x9b\xcc\xdd"},
};

static void set_value(struct iso_message *message, int field)
{
        for (size_t i = 0; i < COUNT(values); i++)
                if (values[i].field == field) {
                        iso_set_string(message, field, values[i].value);
                        return;
                }
        ck_abort_msg("no value for field %d", field);
}

/* ---- a capture ----------------------------------------------------------------------------------------- */

static char path[] = "/tmp/test_dissector.XXXXXX";
static FILE *capture;
static int captured;

static void open_capture(void)
{
        strcpy(path + strlen(path) - 6, "XXXXXX");
        int file = mkstemp(path);
        ck_assert_int_ge(file, 0);
        capture = fdopen(file, "w");
        ck_assert_ptr_nonnull(capture);
        captured = 0;
}

static void close_capture(void)
{
        unlink(path);
}

static void put_bytes(char direction, const uint8_t *bytes, size_t size)
{
        uint8_t header[FRAME_HEADER_MAX]; /* the one that tshark knows, whatever the dialect's */
        frame_header(&iso_dialect_ascii, header, size);
        fprintf(capture, "%c %02x%02x", direction, header[0], header[1]);
        for (size_t i = 0; i < size; i++)
                fprintf(capture, "%02x", bytes[i]);
        fprintf(capture, "\n");
        captured++;
}

/* What the messages are written in, and what tshark must say of them. */
static const struct iso_dialect *dialect = &iso_dialect_ascii;
static FILE *values_wanted;

/* As dissect --values prints them, without 52: tshark 4.0 does not end the text of a binary field. It has no
 * sign in BCD: it shows the second half of its letter, 4 of D. */
static void expect_values(const struct iso_message *message)
{
        fprintf(values_wanted, "%s", message->mti);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                size_t length;
                const char *value = iso_get(message, field, &length);
                if (!value)
                        continue;
                fprintf(values_wanted, " %d=", field);
                for (size_t i = 0; i < length; i++)
                        if (dialect->field[field].format == ISO_XN && i == 0)
                                fprintf(values_wanted, "%d", value[i] & 15);
                        else
                                fputc(value[i], values_wanted);
        }
        fputc('\n', values_wanted);
}

static void put(char direction, const struct iso_message *message)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error = {0};
        int size = iso_encode(dialect, message, bytes, sizeof(bytes), &error);
        ck_assert_msg(size > 0, "%s: field %d: %s", message->mti, error.field, error.what);
        put_bytes(direction, bytes, (size_t)size);
        if (values_wanted)
                expect_values(message);
}

/* The script's exit code; what it says into `said`. */
static int dissect_with(const char *options, char *said, size_t size)
{
        ck_assert_int_eq(fclose(capture), 0);
        char command[4096];
        snprintf(command, sizeof(command), "'%s/tests/vectors/dissect' %s '%s' 2>&1", SOURCE_DIR, options,
                 path);
        FILE *output = popen(command, "r");
        ck_assert_ptr_nonnull(output);
        size_t length = fread(said, 1, size - 1, output);
        said[length] = '\0';
        static char rest[4096];
        while (fread(rest, 1, sizeof(rest), output) > 0)
                continue;
        int status = pclose(output);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int dissect(char *said, size_t size)
{
        return dissect_with("", said, size);
}

/* Once more as one between those who share keys. */
static void put_both(char direction, struct iso_message *message)
{
        put(direction, message);
        if (values_wanted)
                return; /* a binary field has no end there, see expect_values */
        set_value(message, 62);
        set_value(message, iso_mac_field(&iso_dialect_ascii, message));
        put(direction, message);
}

/* ---- all that we send ---------------------------------------------------------------------------------- */

static void put_answers(const struct profile_row *row, const struct iso_message *request)
{
        struct iso_message answer;
        static const char *const refusals[] = {"30", "40", "58", "61", "94", "96"};
        for (size_t i = 0; i < COUNT(refusals); i++) {
                profile_answer(row, request, &answer);
                iso_set_string(&answer, 39, refusals[i]);
                put_both('<', &answer);
        }
        profile_answer(row, request, &answer);
        iso_set_string(&answer, 39, "00");
        if (row->kind == MESSAGE_NETWORK) {
                set_value(&answer, 12);
                set_value(&answer, 13);
        } else if (row->kind == MESSAGE_REQUEST && profile_processing(request) == PROCESSING_INQUIRY) {
                iso_set_string(&answer, 28, "D00000000");
                set_value(&answer, 54);
        } else if (row->kind == MESSAGE_REQUEST) {
                set_value(&answer, 15);
                set_value(&answer, 28);
                set_value(&answer, 37);
                set_value(&answer, 38);
        }
        put_both('<', &answer);
        if (dialect->digits == ISO_DIGITS_BCD)
                return; /* tshark passes over what is that short */
        /* To a request of which no more than the STAN could be read. */
        iso_init(&answer, row->answer_mti);
        set_value(&answer, 11);
        iso_set_string(&answer, 39, "30");
        put('<', &answer);
}

/* All but 55, which is a chip's and its bank's: bytes, and tshark wants text there. */
static size_t choices_of(const struct profile_row *row, uint8_t ret_fields[COUNT(profile_rows->optional)])
{
        size_t count = 0;
        for (size_t i = 0; i < COUNT(row->optional) && row->optional[i]; i++)
                if (row->optional[i] != 55)
                        ret_fields[count++] = row->optional[i];
        return count;
}

static void put_row(const struct profile_row *row, const char *de3)
{
        uint8_t fields[COUNT(row->optional)];
        size_t optional = choices_of(row, fields);
        for (unsigned choice = 0; choice < 1U << optional; choice++) {
                struct iso_message request;
                struct iso_error error;
                iso_init(&request, row->mti);
                for (size_t i = 0; i < COUNT(row->mandatory) && row->mandatory[i]; i++)
                        set_value(&request, row->mandatory[i]);
                for (size_t i = 0; i < optional; i++)
                        if (choice >> i & 1 && (fields[i] != 52 || !values_wanted))
                                set_value(&request, fields[i]);
                if (de3) {
                        iso_set_string(&request, 3, de3);
                        set_value(&request, 2);
                        set_value(&request, 14);
                }
                if (de3 && profile_processing(&request) == PROCESSING_WITHDRAWAL)
                        set_value(&request, 4);
                ck_assert_int_eq(profile_check(row, &request, &error), 0);
                put_both('>', &request);
                if (choice == 0 || choice + 1 == 1U << optional)
                        put_answers(row, &request);
        }
}

static void put_all(void)
{
        for (size_t i = 0; i < profile_row_count; i++) {
                const struct profile_row *row = &profile_rows[i];
                if (row->kind == MESSAGE_REQUEST) {
                        put_row(row, "010000");
                        put_row(row, "310000");
                } else if (row->kind !=
                           MESSAGE_RECONCILIATION) { /* see dissect: tshark's table is wrong there */
                        put_row(row, NULL);
                }
        }
}

START_TEST(wireshark_reads_every_message_that_we_send)
{
        open_capture();
        put_all();
        char said[4096], expected[100];
        int code = dissect(said, sizeof(said));
        close_capture();
        ck_assert_msg(code == 0, "%s", said);
        snprintf(expected, sizeof(expected), "%d messages read by tshark, nothing malformed\n", captured);
        ck_assert_str_eq(said, expected);
        ck_assert_int_gt(captured, 1000);
}
END_TEST

/* BCD as others read it: digits, odd numbers of them, and lengths; value by value. */
START_TEST(wireshark_reads_the_same_values_in_bcd)
{
        static struct iso_dialect bcd;
        static char said[2000000];
        char *expected = NULL;
        size_t size = 0;
        bcd = iso_dialect_ascii;
        bcd.digits = bcd.length_digits = ISO_DIGITS_BCD;
        bcd.field[49].format = ISO_AN;
        bcd.field[49].value_format = ISO_N;
        dialect = &bcd;
        values_wanted = open_memstream(&expected, &size);
        open_capture();
        put_all();
        fprintf(values_wanted, "%d messages read by tshark, nothing malformed\n", captured);
        fclose(values_wanted);
        int code = dissect_with("--bcd --values", said, sizeof(said));
        close_capture();
        ck_assert_msg(code == 0, "%.2000s", said);
        /* Line by line, so that a difference is named. */
        char *one_state, *other_state;
        char *one = strtok_r(said, "\n", &one_state), *other = strtok_r(expected, "\n", &other_state);
        for (; one && other;
             one = strtok_r(NULL, "\n", &one_state), other = strtok_r(NULL, "\n", &other_state))
                ck_assert_str_eq(one, other);
        ck_assert_ptr_eq(one, other); /* both at their end */
        free(expected);
}
END_TEST

/* ---- the script itself --------------------------------------------------------------------------------- */

static void fill(struct iso_message *message)
{
        iso_init(message, "0800");
        set_value(message, 7);
        set_value(message, 11);
        set_value(message, 41);
        set_value(message, 70);
}

START_TEST(a_message_that_tshark_complains_of_fails)
{
        struct iso_message message;
        char said[4096];
        open_capture();
        fill(&message);
        put('>', &message);
        iso_set_string(&message, 53, "0000000099999999"); /* n8 to tshark: what follows is shifted */
        set_value(&message, 54);
        put('>', &message);
        int code = dissect(said, sizeof(said));
        close_capture();
        ck_assert_int_eq(code, 1);
        ck_assert_msg(strstr(said, "tshark complains") != NULL, "%s", said);
}
END_TEST

START_TEST(a_message_that_tshark_passes_over_fails)
{
        /* Neither a zero byte nor one of 0x80 or more in 16 bytes from the bitmap on: 2, 3, 4, 7, 11, ... */
        static const char wire[] = "0200\x70\x20\x01\x01\x01\x01\x01\x01"
                                   "0212010000000000010000000001"
                                   "x";
        struct iso_message message;
        char said[4096];
        open_capture();
        fill(&message);
        put('>', &message);
        put_bytes('>', (const uint8_t *)wire, sizeof(wire) - 1);
        put('<', &message);
        int code = dissect(said, sizeof(said));
        close_capture();
        ck_assert_int_eq(code, 1);
        ck_assert_msg(strstr(said, "differ") != NULL, "%s", said);
}
END_TEST

START_TEST(what_is_no_frame_is_named_with_its_line)
{
        static const struct {
                const char *text, *complaint;
        } rows[] = {
            {"> 00zz\n", "line 1: not the hex of bytes"},
            {"# comment\n0001ff\n", "line 2: expected > or <"},
            {"> 000530383030\n", "line 1: the length header says 5 bytes"},
            {"> 000430383030\n", "line 1: too short"},
            {"", "no frame in it"},
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                char said[4096];
                open_capture();
                fputs(rows[i].text, capture);
                int code = dissect(said, sizeof(said));
                close_capture();
                ck_assert_int_eq(code, 1);
                ck_assert_msg(strstr(said, rows[i].complaint) != NULL, "%s", said);
        }
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("dissector");
        TCase *t = tcase_create("tshark");
        tcase_set_timeout(t, 60);
        tcase_add_test(t, wireshark_reads_every_message_that_we_send);
        tcase_add_test(t, wireshark_reads_the_same_values_in_bcd);
        tcase_add_test(t, a_message_that_tshark_complains_of_fails);
        tcase_add_test(t, a_message_that_tshark_passes_over_fails);
        tcase_add_test(t, what_is_no_frame_is_named_with_its_line);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        return suite_run(suite());
}
