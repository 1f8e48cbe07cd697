/* Protects lib/documents/breaks.c: no word of a heading is divided, and lines end where a reader would pause. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/documents/breaks.h"
#include "tests/suite.h"

/* Pieces between '|'. */
static const char *const divided[] = {
    "2017年3月期|第3四半期",
    "2017年3月期|第3四半期累計",
    "前年同期比 |2017年3月期|第3四半期",
    "17/3期3Q",
    "販売費及び|一般管理費",
    "非支配株主に|帰属する|四半期純利益",
    "1台1日当たり|売上高|（円）",
    "うち|前四半期以前分",
    "支払手数料|（ホール）",
    "2016年4月1日～|2016年12月31日",
    "登録番号が|未登録のため、|要件を|満たしていません。",
    "「ATM」|運営事業",
    "パーラー松風 |薩摩川内店",
    "1Q-3Q16 |YoY",
    "Cash |in |transit",
    "第1",
    "a\xff|（b",
};

START_TEST(a_line_ends_between_words)
{
        char text[256], *at = text, made[256], *to = made;
        const char *given = divided[_i];

        for (; *given; given++) {
                if (*given != '|')
                        *at++ = *given;
        }
        *at = '\0';
        for (at = text; *at;) {
                size_t length = breaks_piece(at);

                ck_assert_uint_gt(length, 0);
                if (at != text)
                        *to++ = '|';
                to = mempcpy(to, at, length);
                at += length;
        }
        *to = '\0';
        ck_assert_str_eq(made, divided[_i]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("breaks");
        TCase *tests = tcase_create("breaks");

        tcase_add_loop_test(tests, a_line_ends_between_words, 0, (int)(sizeof(divided) / sizeof(divided[0])));
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
