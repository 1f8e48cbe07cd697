/* What happens over and over is said seldom, and counted. */
#include <check.h>

#include "lib/base/array.h"
#include "lib/base/seldom.h"
#include "tests/suite.h"

static const struct {
        int64_t ms;
        uint64_t what;
        int said; /* how many were left out before; -1: it is left out itself */
} steps[] = {
    {1, 7, 0},
    {2, 7, -1},
    {SELDOM_MS, 7, -1},
    {SELDOM_MS + 1, 7, 2},
    {SELDOM_MS + 2, 7, -1},
    {SELDOM_MS + 3, 8, 1},
    {SELDOM_MS + 4, 8, -1},
    {3 * SELDOM_MS, 8, 1},
    {5 * SELDOM_MS, 8, 0},
};

START_TEST(the_same_is_said_once_in_a_while_with_how_often_it_was)
{
        struct seldom seldom = {0};
        for (size_t i = 0; i < LENGTH(steps); i++) {
                int64_t more = -1;
                ck_assert_msg(seldom_may(&seldom, steps[i].what, steps[i].ms, &more) == (steps[i].said >= 0),
                              "step %zu", i);
                ck_assert_msg(more == steps[i].said, "step %zu: %d", i, (int)more);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("seldom");
        TCase *tcase = tcase_create("seldom");
        tcase_add_test(tcase, the_same_is_said_once_in_a_while_with_how_often_it_was);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
