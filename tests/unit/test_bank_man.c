/* atmd(8) explains every counter that atmd logs, in the counter's own words. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "daemon/banks/bank_route.h"
#include "daemon/stats.h"
#include "tests/suite.h"

static const struct {
        const char *name, *text;
} rows[] = {
#define X(name, text) {#name, text},
    STATS_COUNTERS(X) BANK_COUNTERS(X)
#undef X
};

START_TEST(the_manual_explains_every_counter)
{
        static char manual[65536];
        char wanted[256];
        FILE *file = fopen(SOURCE_DIR "/docs/man/atmd.8.scd", "r");
        ck_assert_ptr_nonnull(file);
        manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
        fclose(file);
        snprintf(wanted, sizeof(wanted), "\n*%s*\n\t%s\n", rows[_i].name, rows[_i].text);
        ck_assert_msg(strstr(manual, wanted) != NULL, "not in docs/man/atmd.8.scd:%s", wanted);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_man");
        TCase *tcase = tcase_create("bank_man");
        tcase_add_loop_test(tcase, the_manual_explains_every_counter, 0,
                            (int)(sizeof(rows) / sizeof(rows[0])));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
