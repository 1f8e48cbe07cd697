/* JSON put together as text: commas, names, what a text may hold. */
#include <check.h>
#include <stdlib.h>

#include "lib/base/json_text.h"
#include "tests/suite.h"

START_TEST(what_is_put_together_is_json)
{
        struct json_text json = {.text = NULL};
        char *text;

        json_text_open(&json, NULL, '[');
        json_text_open(&json, NULL, '{');
        json_text_string(&json, "a", "one \"two\" \\ {");
        json_text_string(&json, "b", NULL);
        json_text_string(&json, "c", "");
        json_text_open(&json, "d", '[');
        json_text_number(&json, NULL, INT64_MIN);
        json_text_bool(&json, NULL, true);
        json_text_string(&json, NULL, "\n[");
        json_text_close(&json, ']');
        json_text_raw(&json, "e", "{}");
        json_text_close(&json, '}');
        json_text_open(&json, NULL, '[');
        json_text_close(&json, ']');
        json_text_close(&json, ']');
        text = json_text_done(&json);
        ck_assert_str_eq(text, "[{\"a\":\"one \\\"two\\\" \\\\ {\",\"b\":null,\"c\":\"\",\"d\":"
                               "[-9223372036854775808,true,\"\\u000a[\"],\"e\":{}},[]]");
        free(text);
        ck_assert_ptr_null(json.text);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("json_text");
        TCase *tests = tcase_create("json_text");

        tcase_add_test(tests, what_is_put_together_is_json);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
