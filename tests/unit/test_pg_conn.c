/*
 * A connection to PostgreSQL that finds no server: the pauses between its attempts. The linker sends event_add here
 * first (CMakeLists.txt), so that pauses are seen as they are asked for and none is waited for.
 */
#include <check.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/db/pg_conn.h"
#include "tests/suite.h"

enum { PAUSES = 12, FIRST_MS = 100, LONGEST_MS = 10000 };

static int64_t pauses_ms[PAUSES];
static int pause_count;
static bool watching;

int __wrap_event_add(struct event *event, const struct timeval *timeout);
int __real_event_add(struct event *event, const struct timeval *timeout);

int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
        static const struct timeval now = {0};
        int64_t ms = timeout ? (int64_t)timeout->tv_sec * 1000 + timeout->tv_usec / 1000 : 0;
        if (!watching || !timeout || event_get_fd(event) >= 0 ||
            ms == 5000) /* the time limit of an attempt */
                return __real_event_add(event, timeout);
        if (ms > 0 && pause_count < PAUSES)
                pauses_ms[pause_count++] = ms;
        return __real_event_add(event, &now);
}

static void on_up(void *context)
{
        (void)context;
        ck_abort_msg("nobody is there");
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        (void)context;
        (void)outcome;
        (void)result;
        ck_abort_msg("nothing was sent");
}

static void on_down(void *context, const char *why)
{
        (void)why;
        if (pause_count == PAUSES)
                event_base_loopbreak(context);
}

/* The pauses of an instance: each is a process. */
static void draw(int64_t drawn_ms[PAUSES])
{
        static const struct pg_statement none[] = {{NULL, NULL}};
        static const struct pg_conn_events events = {on_up, on_end, on_down};
        int ends[2], status;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                struct event_base *base = event_base_new();
                struct pg_conn *conn =
                    pg_conn_new(base, "host=/nonexistent dbname=none", none, &events, base);
                watching = true;
                event_base_dispatch(base);
                watching = false;
                pg_conn_free(conn);
                event_base_free(base);
                _exit(write(ends[1], pauses_ms, sizeof(pauses_ms)) == (ssize_t)sizeof(pauses_ms) ? 0 : 1);
        }
        close(ends[1]);
        ssize_t length = read(ends[0], drawn_ms, PAUSES * sizeof(drawn_ms[0]));
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(length, (ssize_t)(PAUSES * sizeof(drawn_ms[0])));
}

START_TEST(two_instances_do_not_come_back_in_step)
{
        int64_t a_ms[PAUSES], b_ms[PAUSES];
        draw(a_ms);
        draw(b_ms);
        ck_assert_int_ne(memcmp(a_ms, b_ms, sizeof(a_ms)), 0);
}
END_TEST

START_TEST(pauses_double_up_to_the_longest_and_stay_within_a_quarter)
{
        int64_t drawn_ms[PAUSES], pause_ms = FIRST_MS;
        draw(drawn_ms);
        for (int i = 0; i < PAUSES; i++) {
                ck_assert_int_ge(drawn_ms[i], pause_ms * 3 / 4);
                ck_assert_int_le(drawn_ms[i], pause_ms * 5 / 4);
                pause_ms = pause_ms * 2 > LONGEST_MS ? LONGEST_MS : pause_ms * 2;
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pg_conn");
        TCase *tcase = tcase_create("pg_conn");
        tcase_add_test(tcase, two_instances_do_not_come_back_in_step);
        tcase_add_test(tcase, pauses_double_up_to_the_longest_and_stay_within_a_quarter);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
