/*
 * Protects keymodule/crypto/key_block.c: the blocks of the standards unwrap to their keys; what is wrapped unwraps; a changed byte, another
 * protection key, a weaker one, and whatever is no block are refused.
 */
#include "keymodule/crypto/key_block.h"

#include <check.h>

#include "lib/base/array.h"
#include "tests/keymodule/bytes.h"
#include "tests/suite.h"

#define KBPK_D "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"
#define BLOCK_D                                                                                              \
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509" \
        "593D03A4"                                                                                           \
        "57DC34"

static const struct vector {
        const char *source;
        enum cipher_algorithm protection;
        const char *kbpk, *block, *usage;
        char mode;
        enum cipher_algorithm algorithm;
        const char *key;
} vectors[] = {
    {"TR-31:2018 A.7.2.2", CIPHER_TDES, "DD7515F2BFC17F85CE48F3CA25CB21F6",
     "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E", "P0", 'E',
     CIPHER_TDES, "3F419E1CB7079442AA37474C2EFBF8B8"},
    {"TR-31:2018 A.7.3.2", CIPHER_TDES, "1D22BF32387C600AD97F9B97A51311AC",
     "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B43362"
     "7",
     "B0", 'X', CIPHER_TDES, "E8BC63E5479455E26577F715D587FE68"},
    {"TR-31:2018 A.7.4", CIPHER_AES, KBPK_D, BLOCK_D, "P0", 'E', CIPHER_AES,
     "3F419E1CB7079442AA37474C2EFBF8B8"},
    {"X9.143:2021 8.1", CIPHER_AES, KBPK_D,
     "D0144P0AE00E00002C77FA3F4A553BED6E88AE5C172A4166E3D4ACA8E2AC71C158A476FAC12C13C3829DE55D3AB54C48F4C4FEF"
     "7AC75"
     "E90FC47F1B77E7B19A73ED46E64410082557",
     "P0", 'E', CIPHER_AES, "3F419E1CB7079442AA37474C2EFBF8B8"},
    {"payShield 10K (openemv/tr31)", CIPHER_TDES, "EFE0853B256B583D868F251CE99EA1D9",
     "B0080K0TN00N00001C414014375212C24995E405B5EE052CB92B67F455EA2680F6751088F9F1C228", "K0", 'N',
     CIPHER_TDES, "5DB50B454F8389ADCE573BE50861F2BF"},
    {"payShield 10K", CIPHER_AES, "4141414141414141414141414141414141414141414141414141414141414141",
     "D0112B0TN00N000037DB9B046B7B0048785690759580ABC3B9842AB4BB7717B49E92528E575785D8123559376A2553B27BE94F0"
     "54F4E971C",
     "B0", 'N', CIPHER_TDES, "1FA1F7CEC798D91545DA8AE0C7796BD9"},
};

static struct key_block_guard guard_of(enum cipher_algorithm algorithm, const char *digits)
{
        struct cipher_key key = key_of(algorithm, digits);
        struct key_block_guard guard;
        key_block_guard_of(&key, &guard);
        return guard;
}

START_TEST(blocks_of_the_standards_unwrap)
{
        const struct vector *row = &vectors[_i];
        struct key_block_guard guard = guard_of(row->protection, row->kbpk);
        struct cipher_key expected = key_of(row->algorithm, row->key), key;
        struct key_block_header header;
        enum key_block_error error = key_block_unwrap(&guard, row->block, strlen(row->block), &header, &key);

        ck_assert_msg(error == KEY_BLOCK_GOOD, "%s: %d", row->source, error);
        ck_assert_int_eq(key.algorithm, expected.algorithm);
        ck_assert_uint_eq(key.length, expected.length);
        ck_assert_mem_eq(key.bytes, expected.bytes, key.length);
        ck_assert_str_eq(header.usage, row->usage);
        ck_assert_int_eq(header.mode, row->mode);
}
END_TEST

START_TEST(the_optional_block_of_a_7_3_2_is_read)
{
        const char *block = vectors[1].block;
        struct key_block_header header;
        size_t length = 0;

        ck_assert_int_eq(key_block_read(block, strlen(block), &header), KEY_BLOCK_GOOD);
        const char *set = key_block_optional(&header, "KS", &length);
        ck_assert_uint_eq(length, 20);
        ck_assert_mem_eq(set, "00604B120F9292800000", length);
        ck_assert_ptr_null(key_block_optional(&header, "LB", &length));
        ck_assert_str_eq(header.key_version, "12");
        ck_assert_int_eq(header.exportability, 'S');
}
END_TEST

START_TEST(a_changed_byte_makes_a_block_worthless)
{
        for (size_t i = 0; i < LENGTH(vectors); i++) {
                struct key_block_guard guard = guard_of(vectors[i].protection, vectors[i].kbpk);
                char block[KEY_BLOCK_TEXT];
                size_t length = strlen(strcpy(block, vectors[i].block));
                for (size_t at = 0; at < length; at++) {
                        struct key_block_header header;
                        struct cipher_key key;
                        block[at] = vectors[i].block[at] == '1' ? '2' : '1';
                        ck_assert_msg(key_block_unwrap(&guard, block, length, &header, &key) !=
                                          KEY_BLOCK_GOOD,
                                      "%s: byte %zu", vectors[i].source, at);
                        block[at] = vectors[i].block[at];
                }
                for (size_t cut = 0; cut < length; cut++) {
                        struct key_block_header header;
                        struct cipher_key key;
                        ck_assert_int_ne(key_block_unwrap(&guard, block, cut, &header, &key), KEY_BLOCK_GOOD);
                }
        }
}
END_TEST

static const struct {
        enum cipher_algorithm protection;
        size_t protection_length;
        enum cipher_algorithm algorithm;
        size_t length;
        enum key_block_error error;
} wrappings[] = {
    {CIPHER_TDES, 16, CIPHER_TDES, 16, KEY_BLOCK_GOOD},
    {CIPHER_TDES, 24, CIPHER_TDES, 24, KEY_BLOCK_GOOD},
    {CIPHER_TDES, 24, CIPHER_TDES, 16, KEY_BLOCK_GOOD},
    {CIPHER_AES, 16, CIPHER_TDES, 24, KEY_BLOCK_GOOD},
    {CIPHER_AES, 16, CIPHER_AES, 16, KEY_BLOCK_GOOD},
    {CIPHER_AES, 24, CIPHER_AES, 24, KEY_BLOCK_GOOD},
    {CIPHER_AES, 32, CIPHER_AES, 32, KEY_BLOCK_GOOD},
    {CIPHER_AES, 32, CIPHER_AES, 16, KEY_BLOCK_GOOD},
    {CIPHER_TDES, 16, CIPHER_TDES, 24, KEY_BLOCK_TOO_WEAK},
    {CIPHER_TDES, 24, CIPHER_AES, 16, KEY_BLOCK_TOO_WEAK},
    {CIPHER_AES, 16, CIPHER_AES, 24, KEY_BLOCK_TOO_WEAK},
    {CIPHER_AES, 24, CIPHER_AES, 32, KEY_BLOCK_TOO_WEAK},
};

START_TEST(a_key_wraps_none_that_is_stronger)
{
        struct key_block_header header = {.usage = "P0",
                                          .mode = 'B',
                                          .key_version = "00",
                                          .exportability = 'E'},
                                back;
        struct cipher_key protection, key, again;
        struct key_block_guard guard;
        char block[KEY_BLOCK_TEXT];

        cipher_key_generate(wrappings[_i].protection, wrappings[_i].protection_length, &protection);
        cipher_key_generate(wrappings[_i].algorithm, wrappings[_i].length, &key);
        key_block_guard_of(&protection, &guard);
        ck_assert_int_eq(key_block_wrap(&guard, &header, &key, block), wrappings[_i].error);
        if (wrappings[_i].error != KEY_BLOCK_GOOD)
                return;
        ck_assert_int_eq(key_block_unwrap(&guard, block, strlen(block), &back, &again), KEY_BLOCK_GOOD);
        ck_assert_uint_eq(again.length, key.length);
        ck_assert_mem_eq(again.bytes, key.bytes, key.length);
        ck_assert_int_eq(back.version, wrappings[_i].protection == CIPHER_AES ? 'D' : 'B');
}
END_TEST

/* One who wraps a strong key under a weak one all the same: only a guard that lies about its strength does. */
START_TEST(a_strong_key_under_a_weak_one_is_not_taken_in)
{
        struct key_block_header header = {.usage = "P0",
                                          .mode = 'B',
                                          .key_version = "00",
                                          .exportability = 'E'},
                                back;
        struct key_block_guard guard = guard_of(CIPHER_TDES, "DD7515F2BFC17F85CE48F3CA25CB21F6");
        struct cipher_key key, again;
        char block[KEY_BLOCK_TEXT];
        int strength = guard.strength;

        cipher_key_generate(CIPHER_AES, 16, &key);
        guard.strength = 256;
        ck_assert_int_eq(key_block_wrap(&guard, &header, &key, block), KEY_BLOCK_GOOD);
        guard.strength = strength;
        ck_assert_int_eq(key_block_unwrap(&guard, block, strlen(block), &back, &again), KEY_BLOCK_TOO_WEAK);
}
END_TEST

START_TEST(what_stands_outside_does_not_say_how_long_the_key_is)
{
        struct key_block_header header = {
            .usage = "M6", .mode = 'C', .key_version = "00", .exportability = 'N'};
        struct key_block_guard guard = guard_of(CIPHER_AES, KBPK_D);
        static const size_t lengths[] = {16, 24, 32};
        for (size_t i = 0; i < LENGTH(lengths); i++) {
                struct cipher_key key;
                char block[KEY_BLOCK_TEXT];
                cipher_key_generate(CIPHER_AES, lengths[i], &key);
                ck_assert_int_eq(key_block_wrap(&guard, &header, &key, block), KEY_BLOCK_GOOD);
                ck_assert_uint_eq(strlen(block), 144);
        }
}
END_TEST

START_TEST(optional_blocks_go_with_the_key)
{
        static const struct {
                enum cipher_algorithm protection;
                const char *kbpk;
        } rows[] = {{CIPHER_AES, KBPK_D}, {CIPHER_TDES, "DD7515F2BFC17F85CE48F3CA25CB21F6"}};
        for (size_t i = 0; i < LENGTH(rows); i++) {
                struct key_block_guard guard = guard_of(rows[i].protection, rows[i].kbpk);
                /* 16 to 25 characters: every length of what fills up, none among them */
                for (size_t more = 0; more < 17; more++) {
                        struct key_block_header header = {.usage = "V1",
                                                          .mode = 'V',
                                                          .key_version = "00",
                                                          .exportability = 'N'},
                                                back;
                        struct cipher_key key, again;
                        char block[KEY_BLOCK_TEXT];
                        size_t length;
                        cipher_key_generate(CIPHER_TDES, 16, &key);
                        ck_assert(key_block_add(&header, KEY_BLOCK_TABLE, "0123456789012345"));
                        ck_assert(key_block_add(&header, "LB", &"aaaaaaaaaaaaaaaaa"[more]));
                        ck_assert_int_eq(key_block_wrap(&guard, &header, &key, block), KEY_BLOCK_GOOD);
                        ck_assert_msg(key_block_unwrap(&guard, block, strlen(block), &back, &again) ==
                                          KEY_BLOCK_GOOD,
                                      "%s", block);
                        ck_assert_str_eq(back.optional, header.optional);
                        ck_assert_mem_eq(key_block_optional(&back, KEY_BLOCK_TABLE, &length),
                                         "0123456789012345", 16);
                        ck_assert_uint_eq(length, 16);
                }
        }
}
END_TEST

START_TEST(there_is_an_end_to_what_goes_with_a_key)
{
        struct key_block_header header = {.usage = "V1"};
        char text[128];
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        ck_assert(key_block_add(&header, "LB", text));
        ck_assert(!key_block_add(&header, "LB", text));
        ck_assert(!key_block_add(&header, "LB", "a\n"));
        ck_assert(!key_block_add(&header, "lb", "a"));
}
END_TEST

static const struct {
        const char *what, *block;
        enum key_block_error error;
} bad_blocks[] = {
    {"nothing", "", KEY_BLOCK_BAD_FORM},
    {"a header alone", "D0016P0AE00E0000", KEY_BLOCK_BAD_FORM},
    {"version A", "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
     KEY_BLOCK_BAD_VERSION},
    {"version C", "C0072K0TN00N0000C9B875FF7A5316BF221C09ED52080DE0B45632A4EA9CE87699CB565E",
     KEY_BLOCK_BAD_VERSION},
    {"another length than it has",
     "D0128"
     "P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457"
     "DC34",
     KEY_BLOCK_BAD_FORM},
    {"an algorithm of other kinds",
     "D0112P0HE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D0"
     "3A457DC34",
     KEY_BLOCK_BAD_ALGORITHM},
    {"an optional block longer than the text",
     "D0112P0AE00E0100B8FF9114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03"
     "A457DC34",
     KEY_BLOCK_BAD_FORM},
    {"an optional block without an end",
     "D0112P0AE00E0100KS0079114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D0"
     "3A457DC34",
     KEY_BLOCK_BAD_FORM},
    {"99 optional blocks",
     "D0112P0AE00E9900KS0479114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D0"
     "3A457DC34",
     KEY_BLOCK_BAD_FORM},
    {"no digits",
     "D0112P0AE00E0000X82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D0"
     "3A457DC34",
     KEY_BLOCK_BAD_FORM},
    {"under TDES what is for AES",
     "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
     KEY_BLOCK_BAD_VERSION},
};

START_TEST(what_is_no_block_is_refused)
{
        struct key_block_guard guard = guard_of(CIPHER_AES, KBPK_D);
        struct key_block_header header;
        struct cipher_key key;
        enum key_block_error error =
            key_block_unwrap(&guard, bad_blocks[_i].block, strlen(bad_blocks[_i].block), &header, &key);
        ck_assert_msg(error == bad_blocks[_i].error, "%s: %d", bad_blocks[_i].what, error);
}
END_TEST

START_TEST(another_protection_key_opens_nothing)
{
        struct key_block_guard guard =
            guard_of(CIPHER_AES, "98E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6");
        struct key_block_header header;
        struct cipher_key key;
        ck_assert_int_eq(key_block_unwrap(&guard, BLOCK_D, strlen(BLOCK_D), &header, &key),
                         KEY_BLOCK_BAD_MAC);
}
END_TEST

START_TEST(a_key_does_what_its_usage_and_mode_say)
{
        struct key_block_header header = {.usage = "P0", .mode = 'E'};
        ck_assert(key_block_may(&header, "P0", "BEN"));
        ck_assert(!key_block_may(&header, "P0", "BDN"));
        ck_assert(!key_block_may(&header, "M6", "BEN"));
        for (size_t i = 0; i < key_usage_count; i++)
                ck_assert_ptr_eq(key_usage_find(key_usages[i].usage), &key_usages[i]);
        ck_assert_ptr_null(key_usage_find("B0"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("key_block");
        TCase *tests = tcase_create("wrapped and unwrapped");
        tcase_add_loop_test(tests, blocks_of_the_standards_unwrap, 0, LENGTH(vectors));
        tcase_add_test(tests, the_optional_block_of_a_7_3_2_is_read);
        tcase_add_test(tests, a_changed_byte_makes_a_block_worthless);
        tcase_add_loop_test(tests, a_key_wraps_none_that_is_stronger, 0, LENGTH(wrappings));
        tcase_add_test(tests, a_strong_key_under_a_weak_one_is_not_taken_in);
        tcase_add_test(tests, what_stands_outside_does_not_say_how_long_the_key_is);
        tcase_add_test(tests, optional_blocks_go_with_the_key);
        tcase_add_test(tests, there_is_an_end_to_what_goes_with_a_key);
        tcase_add_loop_test(tests, what_is_no_block_is_refused, 0, LENGTH(bad_blocks));
        tcase_add_test(tests, another_protection_key_opens_nothing);
        tcase_add_test(tests, a_key_does_what_its_usage_and_mode_say);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
