/*
 * Protects keymodule/crypto/pin_block.c and pin_value.c: fields, blocks and values are those of the standards; a block that is not in order is
 * refused; formats go over into each other with the same PAN alone.
 */
#include "keymodule/crypto/pin_value.h"

#include <check.h>

#include "lib/base/array.h"
#include "tests/keymodule/bytes.h"
#include "tests/suite.h"

static struct pin pin_of(const char *digits)
{
        struct pin pin = {.length = strlen(digits)};
        ck_assert_uint_le(pin.length, PIN_MAX);
        strcpy(pin.digits, digits);
        return pin;
}

#define PAN "5555555551234567"

/* ISO 9564-1:2017; ANSI X9.24-1:2009 A.4; ANSI X9.24-3:2017 supplement; as openemv/pinblock has them */
static const struct field_row {
        enum pin_format format;
        const char *pin, *pan;
        const char
            *combined; /* of formats 0 and 3 with the PAN's field; the beginning where the rest is random */
} fields[] = {
    {PIN_FORMAT_0, "1234", "4012345678909", "041274EDCBA9876F"},
    {PIN_FORMAT_0, "1234", PAN, "041261AAAAEDCBA9"},
    {PIN_FORMAT_0, "123456789012", PAN, "0C1261032D8226A9"},
    {PIN_FORMAT_3, "1234", PAN, "341261"},
    {PIN_FORMAT_3, "123456789012", PAN, "3C1261032D8226"},
    {PIN_FORMAT_4, "1234", NULL, "441234AAAAAAAAAA"},
    {PIN_FORMAT_4, "12345", NULL, "4512345AAAAAAAAA"},
};

START_TEST(fields_are_those_published)
{
        const struct field_row *row = &fields[_i];
        struct pin pin = pin_of(row->pin), back;
        uint8_t field[PIN_BLOCK_MAX], pan[PIN_BLOCK_MAX] = {0}, expected[BYTES_MAX], combined[PIN_BLOCK_MAX];
        size_t size = bytes_of(row->combined, expected);

        ck_assert_int_eq(pin_field_write(row->format, &pin, field), PIN_GOOD);
        if (row->pan)
                ck_assert_int_eq(pin_pan_field(row->format, row->pan, strlen(row->pan), pan), PIN_GOOD);
        for (size_t i = 0; i < PIN_BLOCK_MAX; i++)
                combined[i] = field[i] ^ pan[i];
        ck_assert_mem_eq(combined, expected, size);
        ck_assert_int_eq(pin_field_read(row->format, field, &back), PIN_GOOD);
        ck_assert_str_eq(back.digits, row->pin);
}
END_TEST

static const struct {
        const char *pan, *field;
} pan_fields[] = {
    {"4111111111111111", "44111111111111111000000000000000"},
    {"411111111111111", "34111111111111110000000000000000"},
    {"123456789", "00001234567890000000000000000000"},
};

START_TEST(format_4_has_the_whole_pan)
{
        uint8_t field[PIN_BLOCK_MAX], expected[BYTES_MAX];
        bytes_of(pan_fields[_i].field, expected);
        ck_assert_int_eq(pin_pan_field(PIN_FORMAT_4, pan_fields[_i].pan, strlen(pan_fields[_i].pan), field),
                         PIN_GOOD);
        ck_assert_mem_eq(field, expected, sizeof(field));
}
END_TEST

#define TDES_KEY "0123456789ABCDEFFEDCBA9876543210"
#define AES_KEY  "00112233445566778899AABBCCDDEEFF"

static struct cipher_key key_for(enum pin_format format)
{
        return format == PIN_FORMAT_4 ? key_of(CIPHER_AES, AES_KEY) : key_of(CIPHER_TDES, TDES_KEY);
}

static enum pin_error open_block(enum pin_format format, const uint8_t *block, const char *pan,
                                 struct pin *ret_pin)
{
        struct cipher_key key = key_for(format);
        return pin_block_open(format, &key, block, pin_block_size(format), pan, strlen(pan), ret_pin);
}

START_TEST(what_is_sealed_opens_in_each_format_with_its_own_pan_alone)
{
        static const char *const pins[] = {"0000", "1234", "98765", "123456789012"};
        /* digits that lie over the PIN: what lies over format 3's fill alone it can't tell */
        static const char *const others[] = {"5554555551234567", "6666666661234567"};
        for (int format = 0; format < PIN_FORMATS; format++) {
                for (size_t i = 0; i < LENGTH(pins); i++) {
                        struct pin pin = pin_of(pins[i]), back;
                        struct cipher_key key = key_for((enum pin_format)format);
                        uint8_t block[PIN_BLOCK_MAX];
                        ck_assert_int_eq(
                            pin_block_seal((enum pin_format)format, &key, &pin, PAN, strlen(PAN), block),
                            PIN_GOOD);
                        ck_assert_int_eq(open_block((enum pin_format)format, block, PAN, &back), PIN_GOOD);
                        ck_assert_str_eq(back.digits, pins[i]);
                        for (size_t j = 0; j < LENGTH(others); j++) {
                                enum pin_error error =
                                    open_block((enum pin_format)format, block, others[j], &back);
                                ck_assert(error != PIN_GOOD || strcmp(back.digits, pins[i]) != 0);
                        }
                }
        }
}
END_TEST

START_TEST(the_same_pin_looks_different_each_time_in_formats_3_and_4)
{
        for (int format = PIN_FORMAT_3; format < PIN_FORMATS; format++) {
                struct cipher_key key = key_for((enum pin_format)format);
                struct pin pin = pin_of("1234");
                uint8_t one[PIN_BLOCK_MAX], other[PIN_BLOCK_MAX];
                ck_assert_int_eq(pin_block_seal((enum pin_format)format, &key, &pin, PAN, strlen(PAN), one),
                                 PIN_GOOD);
                ck_assert_int_eq(pin_block_seal((enum pin_format)format, &key, &pin, PAN, strlen(PAN), other),
                                 PIN_GOOD);
                ck_assert_mem_ne(one, other, pin_block_size((enum pin_format)format));
        }
}
END_TEST

static const struct bad_field {
        enum pin_format format;
        const char *field;
        enum pin_error error;
} bad_fields[] = {
    {PIN_FORMAT_0, "141234FFFFFFFFFF", PIN_BAD_CONTROL},
    {PIN_FORMAT_0, "341234FFFFFFFFFF", PIN_BAD_CONTROL},
    {PIN_FORMAT_3, "041234FFFFFFFFFF", PIN_BAD_CONTROL},
    {PIN_FORMAT_4, "041234FFFFFFFFFF0000000000000000", PIN_BAD_CONTROL},
    {PIN_FORMAT_0, "03123FFFFFFFFFFF", PIN_BAD_LENGTH},
    {PIN_FORMAT_0, "0D1234567890123F", PIN_BAD_LENGTH},
    {PIN_FORMAT_3, "33123FFFFFFFFFFF", PIN_BAD_LENGTH},
    {PIN_FORMAT_4, "4D1234567890123A0000000000000000", PIN_BAD_LENGTH},
    {PIN_FORMAT_4, "43123AAAAAAAAAAA0000000000000000", PIN_BAD_LENGTH},
    {PIN_FORMAT_0, "04123AFFFFFFFFFF", PIN_BAD_DIGIT},
    {PIN_FORMAT_3, "34A234FFFFFFFFFF", PIN_BAD_DIGIT},
    {PIN_FORMAT_4, "44123BAAAAAAAAAA0000000000000000", PIN_BAD_DIGIT},
    {PIN_FORMAT_0, "041234FFFFFFFFFE", PIN_BAD_FILL},
    {PIN_FORMAT_0, "041234AFFFFFFFFF", PIN_BAD_FILL},
    {PIN_FORMAT_3, "341234FFFFF9FFFF", PIN_BAD_FILL},
    {PIN_FORMAT_4, "441234AAAAAAAAAF0000000000000000", PIN_BAD_FILL},
};

START_TEST(a_field_that_is_not_in_order_is_refused)
{
        const struct bad_field *row = &bad_fields[_i];
        uint8_t field[BYTES_MAX] = {0};
        struct pin pin = pin_of("0000");
        bytes_of(row->field, field);
        ck_assert_int_eq(pin_field_read(row->format, field, &pin), row->error);
        ck_assert_str_eq(pin.digits, "0000");
}
END_TEST

START_TEST(what_can_be_no_pin_block_is_refused)
{
        struct cipher_key tdes = key_of(CIPHER_TDES, TDES_KEY), aes = key_of(CIPHER_AES, AES_KEY),
                          other = tdes;
        struct pin pin = pin_of("1234"), three = pin_of("123"), letters = pin_of("12a4"), thirteen = pin;
        uint8_t block[PIN_BLOCK_MAX];

        thirteen.length = 13;
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_0, &tdes, &three, PAN, 16, block), PIN_BAD_LENGTH);
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_4, &aes, &thirteen, PAN, 16, block), PIN_BAD_LENGTH);
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_3, &tdes, &letters, PAN, 16, block), PIN_BAD_DIGIT);
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_0, &tdes, &pin, PAN, 7, block), PIN_BAD_PAN);
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_0, &tdes, &pin, "55555555A1234567", 16, block),
                         PIN_BAD_PAN);
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_0, &aes, &pin, PAN, 16, block), PIN_BAD_KEY);
        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_4, &tdes, &pin, PAN, 16, block), PIN_BAD_KEY);

        ck_assert_int_eq(pin_block_seal(PIN_FORMAT_0, &tdes, &pin, PAN, 16, block), PIN_GOOD);
        ck_assert_int_eq(pin_block_open(PIN_FORMAT_0, &tdes, block, 7, PAN, 16, &pin), PIN_BAD_SIZE);
        ck_assert_int_eq(pin_block_open(PIN_FORMAT_0, &tdes, block, 16, PAN, 16, &pin), PIN_BAD_SIZE);
        ck_assert_int_eq(pin_block_open(PIN_FORMAT_3, &tdes, block, 8, PAN, 16, &pin), PIN_BAD_CONTROL);
        other.bytes[0] ^= 0x80;
        ck_assert_int_ne(pin_block_open(PIN_FORMAT_0, &other, block, 8, PAN, 16, &pin), PIN_GOOD);
}
END_TEST

/* knovichikhin/psec, tests of Visa PVV and IBM 3624 */
START_TEST(values_are_those_published)
{
        struct cipher_key key = key_of(CIPHER_TDES, TDES_KEY);
        struct pin pin = pin_of("4524"), other = pin_of("5635");
        char value[PIN_VALUE_TEXT];

        ck_assert(pin_verification_value(&key, '3', &pin, "1122334455667788", 16, value));
        ck_assert_str_eq(value, "4021");
        ck_assert(pin_offset(&key, "1234567890123456", &pin, "1122334455667788", 16, value));
        ck_assert_str_eq(value, "0000");
        ck_assert(pin_offset(&key, "1234567890123456", &other, "1122334455667788", 16, value));
        ck_assert_str_eq(value, "1111");
}
END_TEST

START_TEST(values_of_what_is_no_card_or_table_are_refused)
{
        struct cipher_key key = key_of(CIPHER_TDES, TDES_KEY), aes = key_of(CIPHER_AES, AES_KEY);
        struct pin pin = pin_of("4524");
        char value[PIN_VALUE_TEXT];

        ck_assert(!pin_verification_value(&key, '3', &pin, "11223344556", 11, value));
        ck_assert(!pin_verification_value(&key, 'A', &pin, "1122334455667788", 16, value));
        ck_assert(!pin_verification_value(&aes, '3', &pin, "1122334455667788", 16, value));
        ck_assert(!pin_offset(&key, "123456789012345A", &pin, "1122334455667788", 16, value));
        ck_assert(!pin_offset(&key, "1234567890123456", &pin, "1122334", 7, value));
        ck_assert(!pin_offset(&aes, "1234567890123456", &pin, "1122334455667788", 16, value));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pin");
        TCase *tests = tcase_create("blocks and values");
        tcase_add_loop_test(tests, fields_are_those_published, 0, LENGTH(fields));
        tcase_add_loop_test(tests, format_4_has_the_whole_pan, 0, LENGTH(pan_fields));
        tcase_add_test(tests, what_is_sealed_opens_in_each_format_with_its_own_pan_alone);
        tcase_add_test(tests, the_same_pin_looks_different_each_time_in_formats_3_and_4);
        tcase_add_loop_test(tests, a_field_that_is_not_in_order_is_refused, 0, LENGTH(bad_fields));
        tcase_add_test(tests, what_can_be_no_pin_block_is_refused);
        tcase_add_test(tests, values_are_those_published);
        tcase_add_test(tests, values_of_what_is_no_card_or_table_are_refused);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
