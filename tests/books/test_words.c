/* Protects backoffice/pages/words.c: one row a word, each in both languages, an amount's with its unit. */
#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "backoffice/pages/words.h"
#include "lib/base/array.h"
#include "tests/suite.h"

/* What Japanese accountants write so, too. */
static bool is_international(const char *text)
{
        static const char *const same[] = {"ATM", "EBITDA"};

        for (size_t i = 0; i < LENGTH(same); i++) {
                if (!strcmp(text, same[i]))
                        return true;
        }
        return false;
}

static bool has_latin(const char *text)
{
        for (; *text; text++) {
                if ((*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z'))
                        return true;
        }
        return false;
}

START_TEST(each_word_is_in_japanese)
{
        for (size_t i = 0; i < words_count; i++) {
                ck_assert_msg(!*words[i].english == !*words[i].japanese, "%s lacks a language",
                              words[i].name);
                ck_assert_msg(!has_latin(words[i].japanese) || is_international(words[i].japanese), "%s: %s",
                              words[i].name, words[i].japanese);
        }
}
END_TEST

START_TEST(each_word_has_one_row)
{
        for (size_t i = 0; i < words_count; i++) {
                for (size_t k = 0; k < i; k++)
                        ck_assert_msg(strcmp(words[i].name, words[k].name), "%s has two rows", words[i].name);
        }
}
END_TEST

START_TEST(a_heading_says_the_word_of_its_key)
{
        ck_assert_str_eq(word_of("commission", READER_ENGLISH), "Commission");
        ck_assert_str_eq(word_of("commission_yen", READER_ENGLISH), "Commission (yen)");
        ck_assert_str_eq(word_of("commission_yen", READER_JAPANESE), "手数料収入（円）");
        ck_assert_str_eq(word_of("revenue_yen", READER_JAPANESE), "売上高（円）");
        ck_assert_str_eq(word_of("change_percent", READER_JAPANESE), "増減率（％）");
        ck_assert_str_eq(word_of("T0000001", READER_JAPANESE), "T0000001");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("words");
        TCase *tests = tcase_create("words");

        tcase_add_test(tests, each_word_is_in_japanese);
        tcase_add_test(tests, each_word_has_one_row);
        tcase_add_test(tests, a_heading_says_the_word_of_its_key);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
