/* test_wire today|new-year|before-2016|walk: an ATM of another make against a laboratory. test_wire.sh and
 * test_walk.sh run it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

enum { SUITES_MAX = 9 };

static const struct {
        const char *name;
        Suite *(*suites[SUITES_MAX])(void);
} laboratories[] = {
    {"today",
     {suite_framing, suite_tls, suite_format, suite_rules, suite_limits, suite_repeats, suite_states,
      suite_losses, suite_agreement}},
    {"new-year", {suite_new_year, suite_agreement}},
    {"before-2016", {suite_before_2016, suite_agreement}},
    {"walk", {suite_walk}},
};

/* Each test is a process of its own, and what it holds ends with it. (A leak in atmd is found in atmd.) */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
        return "detect_leaks=0";
}

int main(int argc, char **argv)
{
        SRunner *runner = srunner_create(NULL);
        int suites = 0;
        for (size_t i = 0; i < sizeof(laboratories) / sizeof(laboratories[0]) && argc == 2; i++)
                for (size_t j = 0;
                     j < SUITES_MAX && !strcmp(argv[1], laboratories[i].name) && laboratories[i].suites[j];
                     j++, suites++)
                        srunner_add_suite(runner, laboratories[i].suites[j]());
        if (suites == 0) {
                fprintf(stderr, "test_wire: expected today, new-year, before-2016 or walk\n");
                return 2;
        }
        srunner_add_suite(runner, suite_rest());
        world_open();
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
