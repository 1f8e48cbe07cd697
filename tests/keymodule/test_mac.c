/*
 * Protects keymodule/crypto/mac.c, cipher.c and check_value.c: MACs and check values are those that others publish, and a MAC of anything else is another one.
 */
#include "keymodule/crypto/mac.h"

#include <check.h>

#include "keymodule/crypto/check_value.h"
#include "lib/base/array.h"
#include "tests/keymodule/bytes.h"
#include "tests/suite.h"

#define AES_128 "2b7e151628aed2a6abf7158809cf4f3c"
#define AES_192 "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define AES_256 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define TDES_2  "4cf15134a2850dd58a3d10ba80570d38"
#define TDES_3  "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5"
#define DATA_16 "6bc1bee22e409f96e93d7e117393172a"
#define DATA_20 "6bc1bee22e409f96e93d7e117393172aae2d8a57"
#define DATA_32 "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
#define DATA_40 "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
#define DATA_64 DATA_40 "e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* NIST SP 800-38B, appendix D */
static const struct cmac_row {
        enum cipher_algorithm algorithm;
        const char *key, *data, *mac;
} cmacs[] = {
    {CIPHER_AES, AES_128, "", "bb1d6929e95937287fa37d129b756746"},
    {CIPHER_AES, AES_128, DATA_16, "070a16b46b4d4144f79bdd9dd04a287c"},
    {CIPHER_AES, AES_128, DATA_40, "dfa66747de9ae63030ca32611497c827"},
    {CIPHER_AES, AES_128, DATA_64, "51f0bebf7e3b9d92fc49741779363cfe"},
    {CIPHER_AES, AES_192, "", "d17ddf46adaacde531cac483de7a9367"},
    {CIPHER_AES, AES_192, DATA_16, "9e99a7bf31e710900662f65e617c5184"},
    {CIPHER_AES, AES_192, DATA_40, "8a1de5be2eb31aad089a82e6ee908b0e"},
    {CIPHER_AES, AES_192, DATA_64, "a1d5df0eed790f794d77589659f39a11"},
    {CIPHER_AES, AES_256, "", "028962f61b7bf89efc6b551f4667d983"},
    {CIPHER_AES, AES_256, DATA_16, "28a7023f452e8f82bd4bf28d8c37c35c"},
    {CIPHER_AES, AES_256, DATA_40, "aaf3d8f1de5640c232f5b169b9c911e6"},
    {CIPHER_AES, AES_256, DATA_64, "e1992190549f6ed5696a2c056c315410"},
    {CIPHER_TDES, TDES_3, "", "b7a688e122ffaf95"},
    {CIPHER_TDES, TDES_3, "6bc1bee22e409f96", "8e8f293136283797"},
    {CIPHER_TDES, TDES_3, DATA_20, "743ddbe0ce2dc2ed"},
    {CIPHER_TDES, TDES_3, DATA_32, "33e6b1092400eae5"},
    {CIPHER_TDES, TDES_2, "", "bd2ebf9a3ba00361"},
    {CIPHER_TDES, TDES_2, "6bc1bee22e409f96", "4ff2ab813c53ce83"},
    {CIPHER_TDES, TDES_2, DATA_20, "62dd1b471902bd4e"},
    {CIPHER_TDES, TDES_2, DATA_32, "31b1e431dabc4eb8"},
};

START_TEST(cmac_is_nists)
{
        const struct cmac_row *row = &cmacs[_i];
        struct cipher_key key = key_of(row->algorithm, row->key);
        uint8_t data[BYTES_MAX], expected[BYTES_MAX], mac[CIPHER_BLOCK_MAX];
        size_t size = bytes_of(row->data, data), mac_size = bytes_of(row->mac, expected);

        mac_cmac(&key, data, size, mac);
        ck_assert_uint_eq(mac_size, cipher_block_size(row->algorithm));
        ck_assert_mem_eq(mac, expected, mac_size);
}
END_TEST

#define KEY_1 "0123456789ABCDEFFEDCBA9876543210"
#define KEY_2 "FEDCBA98765432100123456789ABCDEF"

/* knovichikhin/psec, tests of ISO 9797-1 */
START_TEST(iso_9797_macs_are_those_published)
{
        struct cipher_key first = key_of(CIPHER_TDES, KEY_1), second = key_of(CIPHER_TDES, KEY_2);
        uint8_t data[BYTES_MAX], expected[BYTES_MAX], mac[CIPHER_BLOCK_MAX];
        size_t size = bytes_of("1234567890ABCDEF", data);

        mac_chained(&first, MAC_PADDING_2, data, size, mac);
        bytes_of("925B1737EF681AD3", expected);
        ck_assert_mem_eq(mac, expected, TDES_BLOCK);
        mac_retail(&first, &second, MAC_PADDING_2, data, size, mac);
        bytes_of("644AA5C915DBDAF8", expected);
        ck_assert_mem_eq(mac, expected, TDES_BLOCK);
}
END_TEST

/* By its definition (ISO/IEC 9797-1, 7.4): DES chained under the left half, then the last block as TDES does it. */
START_TEST(the_retail_mac_of_halves_ends_with_tdes)
{
        struct cipher_key key = key_of(CIPHER_TDES, KEY_1), left, right;
        uint8_t data[BYTES_MAX], mac[TDES_BLOCK], again[TDES_BLOCK], chained[TDES_BLOCK];
        size_t size = bytes_of("0011223344556677"
                               "8899AABBCCDDEEFF",
                               data);

        mac_retail_halves(&key, &left, &right);
        mac_retail(&left, &right, MAC_PADDING_1, data, size, mac);
        mac_chained(&left, MAC_PADDING_1, data, 8, chained);
        for (int i = 0; i < 8; i++)
                chained[i] ^= data[8 + i];
        cipher_blocks(&key, CIPHER_ENCIPHER, chained, TDES_BLOCK, again);
        ck_assert_mem_eq(mac, again, TDES_BLOCK);
}
END_TEST

START_TEST(padding_1_adds_zeros_where_they_are_needed_and_2_always)
{
        struct cipher_key key = key_of(CIPHER_TDES, KEY_1);
        static const struct {
                enum mac_padding padding;
                const char *data, *whole; /* the same under method 1 */
        } rows[] = {
            {MAC_PADDING_1, "", "0000000000000000"},
            {MAC_PADDING_1, "11", "1100000000000000"},
            {MAC_PADDING_2, "", "8000000000000000"},
            {MAC_PADDING_2, "11223344556677", "1122334455667780"},
            {MAC_PADDING_2, "1122334455667788", "11223344556677888000000000000000"},
        };
        for (size_t i = 0; i < LENGTH(rows); i++) {
                uint8_t data[BYTES_MAX], mac[CIPHER_BLOCK_MAX], expected[CIPHER_BLOCK_MAX];
                size_t size = bytes_of(rows[i].data, data);
                mac_chained(&key, rows[i].padding, data, size, mac);
                size = bytes_of(rows[i].whole, data);
                mac_chained(&key, MAC_PADDING_1, data, size, expected);
                ck_assert_msg(memcmp(mac, expected, TDES_BLOCK) == 0, "row %zu", i);
        }
}
END_TEST

/* The piece that is chained at a time is an implementation's own affair. */
START_TEST(a_long_text_is_chained_whole)
{
        struct cipher_key key = key_of(CIPHER_AES, AES_128);
        static uint8_t data[2048], whole[2048];
        static const uint8_t iv[CIPHER_BLOCK_MAX];
        uint8_t mac[CIPHER_BLOCK_MAX];

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t)(i * 7);
        cipher_chain(&key, CIPHER_ENCIPHER, iv, data, sizeof(data), whole);
        mac_chained(&key, MAC_PADDING_1, data, sizeof(data), mac);
        ck_assert_mem_eq(mac, whole + sizeof(whole) - AES_BLOCK, AES_BLOCK);
}
END_TEST

/* A MAC of another message, of a truncated one, and under another key: none is the message's own. */
START_TEST(no_other_text_has_the_mac)
{
        struct cipher_key key = key_of(CIPHER_AES, AES_128), other = key_of(CIPHER_AES, AES_128);
        uint8_t data[BYTES_MAX], mac[CIPHER_BLOCK_MAX], wrong[CIPHER_BLOCK_MAX];
        size_t size = bytes_of(DATA_40, data);

        mac_cmac(&key, data, size, mac);
        ck_assert(mac_is_same(mac, mac, 8));
        for (size_t i = 0; i < size; i++) {
                mac_cmac(&key, data, i, wrong);
                ck_assert(!mac_is_same(mac, wrong, 8));
                data[i] ^= 1;
                mac_cmac(&key, data, size, wrong);
                ck_assert(!mac_is_same(mac, wrong, 8));
                data[i] ^= 1;
        }
        other.bytes[0] ^= 1;
        mac_cmac(&other, data, size, wrong);
        ck_assert(!mac_is_same(mac, wrong, 8));
}
END_TEST

/* ANSI TR-31:2018 A.7, ANSI X9.143:2021 8.1: keys and their check values */
static const struct value_row {
        enum cipher_algorithm algorithm;
        const char *key, *value;
} values[] = {
    {CIPHER_TDES, "3F419E1CB7079442AA37474C2EFBF8B8", "57C409"},
    {CIPHER_TDES, "E8BC63E5479455E26577F715D587FE68", "9A4212"},
    {CIPHER_AES, "3F419E1CB7079442AA37474C2EFBF8B8", "08793E25AB"},
    {CIPHER_TDES, "1FA1F7CEC798D91545DA8AE0C7796BD9", "FF5087"},
    {CIPHER_TDES, "5DB50B454F8389ADCE573BE50861F2BF", "5C9405"},
};

START_TEST(check_values_are_those_published)
{
        struct cipher_key key = key_of(values[_i].algorithm, values[_i].key);
        uint8_t expected[BYTES_MAX], value[CHECK_VALUE_MAX];
        size_t size = bytes_of(values[_i].value, expected);

        ck_assert_uint_eq(check_value_of(&key, value), size);
        ck_assert_mem_eq(value, expected, size);
}
END_TEST

START_TEST(a_generated_key_is_new_and_of_odd_parity)
{
        struct cipher_key one, other;

        cipher_key_generate(CIPHER_TDES, 24, &one);
        cipher_key_generate(CIPHER_TDES, 24, &other);
        ck_assert_mem_ne(one.bytes, other.bytes, 24);
        ck_assert_mem_ne(one.bytes, one.bytes + 8, 8);
        for (int i = 0; i < 24; i++)
                ck_assert_int_eq(__builtin_parity(one.bytes[i]), 1);
        cipher_key_generate(CIPHER_AES, 32, &one);
        cipher_key_generate(CIPHER_AES, 32, &other);
        ck_assert_mem_ne(one.bytes, other.bytes, 32);
        cipher_key_wipe(&one);
        for (size_t i = 0; i < sizeof(one.bytes); i++)
                ck_assert_uint_eq(one.bytes[i], 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("mac");
        TCase *tests = tcase_create("macs and check values");
        tcase_add_loop_test(tests, cmac_is_nists, 0, LENGTH(cmacs));
        tcase_add_test(tests, iso_9797_macs_are_those_published);
        tcase_add_test(tests, the_retail_mac_of_halves_ends_with_tdes);
        tcase_add_test(tests, padding_1_adds_zeros_where_they_are_needed_and_2_always);
        tcase_add_test(tests, a_long_text_is_chained_whole);
        tcase_add_test(tests, no_other_text_has_the_mac);
        tcase_add_loop_test(tests, check_values_are_those_published, 0, LENGTH(values));
        tcase_add_test(tests, a_generated_key_is_new_and_of_odd_parity);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
