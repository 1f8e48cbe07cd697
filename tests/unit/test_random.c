/* Random numbers: a seed's are always the same, on every machine; the system's never; jitter keeps its bounds. */
#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/random.h"
#include "tests/suite.h"

START_TEST(a_seed_gives_the_same_numbers_again)
{
        struct random a, b;
        random_seed(&a, 7);
        random_seed(&b, 7);
        for (int i = 0; i < 100; i++)
                ck_assert_uint_eq(random_next(&a), random_next(&b));
}
END_TEST

/* Seeds that tests and simulators have recorded go by these; the numbers are splitmix64's published ones. */
START_TEST(a_small_stream_is_the_same_on_every_machine)
{
        static const uint64_t numbers[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                           UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                           UINT64_C(16408922859458223821)};
        uint64_t state = 1234567;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                ck_assert_uint_eq(random_mix(&state), numbers[i]);
}
END_TEST

static uint64_t first_of_a_process(void)
{
        int ends[2];
        uint64_t number = 0;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                struct random random;
                random_seed_anew(&random);
                number = random_next(&random);
                _exit(write(ends[1], &number, sizeof(number)) != (ssize_t)sizeof(number));
        }
        close(ends[1]);
        ck_assert_int_eq(read(ends[0], &number, sizeof(number)), (ssize_t)sizeof(number));
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        return number;
}

START_TEST(seeds_of_the_systems_differ_between_processes_and_within_one)
{
        struct random a, b;
        random_seed_anew(&a);
        random_seed_anew(&b);
        ck_assert_uint_ne(random_next(&a), random_next(&b));
        ck_assert_uint_ne(first_of_a_process(), first_of_a_process());
}
END_TEST

START_TEST(jitter_reaches_its_bounds_and_keeps_them)
{
        static const struct {
                int64_t pause, lowest, highest;
                int percent;
        } rows[] = {
            {200, 150, 250, 25}, {201, 100, 301, 50}, {15000, 11250, 18750, 25}, {8, 8, 8, 0}, {0, 0, 0, 50}};
        struct random random;
        random_seed(&random, 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                int64_t lowest = INT64_MAX, highest = INT64_MIN;
                for (int k = 0; k < 100000; k++) {
                        int64_t drawn = random_jitter(&random, rows[i].pause, rows[i].percent);
                        lowest = drawn < lowest ? drawn : lowest;
                        highest = drawn > highest ? drawn : highest;
                }
                ck_assert_int_eq(lowest, rows[i].lowest);
                ck_assert_int_eq(highest, rows[i].highest);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("random");
        TCase *tcase = tcase_create("random");
        tcase_add_test(tcase, a_seed_gives_the_same_numbers_again);
        tcase_add_test(tcase, a_small_stream_is_the_same_on_every_machine);
        tcase_add_test(tcase, seeds_of_the_systems_differ_between_processes_and_within_one);
        tcase_add_test(tcase, jitter_reaches_its_bounds_and_keeps_them);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
