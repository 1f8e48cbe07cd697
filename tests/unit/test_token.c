/*
 * Protects lib/security/token.c: tokens are HMAC-SHA-256 as published, cut to 128 bits, the same at every call; a
 * key that others could read, or that is no key, is refused without being shown.
 */
#include "lib/security/token.h"
#include "tests/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "00112233445566778899aabbccddeeff0123456789abcdefFEDCBA9876543210"

static char folder[64], path[128];

static void folder_setup(void)
{
        strcpy(folder, "/tmp/test_token.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/token.key", folder);
}

static void folder_teardown(void)
{
        unlink(path);
        rmdir(folder);
}

static void key_put(const char *text, size_t length, mode_t mode)
{
        unlink(path);
        int fd = open(path, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
}

static struct token_key *key_load(const char *digits)
{
        char error[TOKEN_ERROR_MAX] = "";
        key_put(digits, strlen(digits), 0600);
        struct token_key *key = token_key_load(path, error);
        ck_assert_msg(key != NULL, "%s", error);
        return key;
}

/*
 * RFC 4231 has no test with a key of 32 bytes, but HMAC pads a short key with zeros to the block: its keys
 * of 20, 4 and 25 bytes are 32-byte keys that end in zeros, and its test 5 is the cut to 128 bits.
 */
static const struct vector {
        const char *name, *key, *text, *token;
} vectors[] = {
    {"test 1", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b000000000000000000000000", "Hi There",
     "b0344c61-d8db-3853-5ca8-afceaf0bf12b"},
    {"test 2", "4a65666500000000000000000000000000000000000000000000000000000000",
     "what do ya want for nothing?", "5bdcc146-bf60-754e-6a04-2426089575c7"},
    {"test 4", "0102030405060708090a0b0c0d0e0f1011121314151617181900000000000000",
     "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
     "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd",
     "82558a38-9a44-3c0e-a4cc-819899f2083a"},
    {"test 5", "0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C0C000000000000000000000000", "Test With Truncation",
     "a3b61674-7310-0ee0-6e0c-796c2955552b"},
};

START_TEST(tokens_are_hmac_sha_256_as_published)
{
        const struct vector *v = &vectors[_i];
        uint8_t token[TOKEN_LENGTH];
        char printed[37];
        struct token_key *key = key_load(v->key);
        token_of_pan(key, v->text, token);
        token_print(token, printed);
        ck_assert_msg(strcmp(printed, v->token) == 0, "%s: %s", v->name, printed);
        token_key_free(key);
}
END_TEST

START_TEST(a_token_does_not_depend_on_what_was_asked_before)
{
        uint8_t first[TOKEN_LENGTH], again[TOKEN_LENGTH], other[TOKEN_LENGTH];
        struct token_key *key = key_load(DIGITS);
        token_of_pan(key, "9900010000000009", first);
        for (int i = 0; i < 1000; i++) {
                token_of_pan(key, "9900010000000017", other);
                token_of_pan(key, "9900010000000009", again);
                ck_assert_mem_eq(first, again, TOKEN_LENGTH);
                ck_assert_mem_ne(first, other, TOKEN_LENGTH);
        }
        token_key_free(key);
}
END_TEST

START_TEST(another_key_gives_other_tokens)
{
        uint8_t one[TOKEN_LENGTH], two[TOKEN_LENGTH];
        struct token_key *key = key_load(DIGITS);
        token_of_pan(key, "9900010000000009", one);
        token_key_free(key);
        key = key_load("10112233445566778899aabbccddeeff0123456789abcdefFEDCBA9876543210");
        token_of_pan(key, "9900010000000009", two);
        token_key_free(key);
        ck_assert_mem_ne(one, two, TOKEN_LENGTH);
}
END_TEST

static const struct content {
        const char *name, *text;
        size_t length;
        bool good;
} contents[] = {
    {"digits alone", DIGITS, 64, true},
    {"digits and a line end", DIGITS "\n", 65, true},
    {"digits and a line end of Windows", DIGITS "\r\n", 66, true},
    {"nothing", "", 0, false},
    {"a line end", "\n", 1, false},
    {"one digit too few", DIGITS, 63, false},
    {"one digit too many", DIGITS "0", 65, false},
    {"two line ends", DIGITS "\n\n", 66, false},
    {"a second line", DIGITS "\nmore", 69, false},
    {"a blank in front", " " DIGITS, 65, false},
    {"no hexadecimal digit", "g0112233445566778899aabbccddeeff0123456789abcdefFEDCBA9876543210", 64, false},
    {"a zero byte", "\0" DIGITS, 64, false},
};

START_TEST(a_key_is_exactly_64_hexadecimal_digits)
{
        const struct content *c = &contents[_i];
        char error[TOKEN_ERROR_MAX] = "";
        key_put(c->text, c->length, 0600);
        struct token_key *key = token_key_load(path, error);
        ck_assert_msg((key != NULL) == c->good, "%s: %s", c->name, error);
        if (!c->good) {
                ck_assert_msg(strncmp(error, path, strlen(path)) == 0, "%s: %s", c->name, error);
                ck_assert_msg(strstr(error, "expected exactly 64 hexadecimal digits"), "%s: %s", c->name,
                              error);
                ck_assert_msg(!strstr(error, "00112233") && !strstr(error, "0112233"), "%s: %s", c->name,
                              error);
        }
        token_key_free(key);
}
END_TEST

static const struct {
        mode_t mode;
        bool good;
} modes[] = {{0600, true},  {0400, true},  {0700, true},  {0640, false}, {0604, false},
             {0620, false}, {0602, false}, {0610, false}, {0444, false}, {0666, false}};

START_TEST(a_key_that_others_could_use_is_refused)
{
        char error[TOKEN_ERROR_MAX] = "", wanted[16];
        key_put(DIGITS, 64, modes[_i].mode);
        struct token_key *key = token_key_load(path, error);
        ck_assert_msg((key != NULL) == modes[_i].good, "%04o: %s", (unsigned)modes[_i].mode, error);
        if (!key) {
                snprintf(wanted, sizeof(wanted), "mode %04o", (unsigned)modes[_i].mode);
                ck_assert_msg(strstr(error, wanted) && strstr(error, "expected 0600"), "%s", error);
                ck_assert_ptr_null(strstr(error, "00112233"));
        }
        token_key_free(key);
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting)
{
        char error[TOKEN_ERROR_MAX];
        ck_assert_ptr_null(token_key_load(path, error));
        ck_assert_msg(strstr(error, "No such file"), "%s", error);
        ck_assert_ptr_null(token_key_load(folder, error));
        ck_assert_msg(strstr(error, "not a file"), "%s", error);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_ptr_null(token_key_load(path, error));
        ck_assert_msg(strstr(error, "not a file"), "%s", error);
        token_key_free(NULL);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("token");
        TCase *tests = tcase_create("token");
        tcase_add_checked_fixture(tests, folder_setup, folder_teardown);
        tcase_add_loop_test(tests, tokens_are_hmac_sha_256_as_published, 0,
                            (int)(sizeof(vectors) / sizeof(vectors[0])));
        tcase_add_test(tests, a_token_does_not_depend_on_what_was_asked_before);
        tcase_add_test(tests, another_key_gives_other_tokens);
        tcase_add_loop_test(tests, a_key_is_exactly_64_hexadecimal_digits, 0,
                            (int)(sizeof(contents) / sizeof(contents[0])));
        tcase_add_loop_test(tests, a_key_that_others_could_use_is_refused, 0,
                            (int)(sizeof(modes) / sizeof(modes[0])));
        tcase_add_test(tests, what_is_no_file_is_refused_without_waiting);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
