/*
 * A connection to PostgreSQL that finds no server: the pauses between its attempts, and how long each may take. The linker sends event_add
 * here first (CMakeLists.txt), so that pauses and limits are seen as they are asked for and none is waited for.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/db/pg_conn.h"
#include "tests/suite.h"

enum { PAUSES = 12, FIRST_MS = 100, LONGEST_MS = 2000 };

static int64_t pauses_ms[PAUSES], asked_ms;
static int pause_count;
static int64_t limit_ms; /* of an attempt: the first one's is over at once, the others' are what they are */
static int limits;
static bool watching;

int __wrap_event_add(struct event *event, const struct timeval *timeout);
int __real_event_add(struct event *event, const struct timeval *timeout);

int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
        static const struct timeval now = {0};
        int64_t ms = timeout ? (int64_t)timeout->tv_sec * 1000 + timeout->tv_usec / 1000 : 0;
        if (!watching || !timeout || event_get_fd(event) >= 0)
                return __real_event_add(event, timeout);
        asked_ms = ms;
        if (ms == limit_ms)
                limits++;
        return __real_event_add(event, ms == limit_ms && limits > 1 ? timeout : &now);
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
        pauses_ms[pause_count++] = asked_ms;
        if (pause_count == PAUSES)
                event_base_loopbreak(context);
}

static const struct pg_statement none[] = {{NULL, NULL}};

/* The pauses of an instance: each is a process. */
static void draw(int64_t drawn_ms[PAUSES])
{
        static const struct pg_conn_events events = {on_up, on_end, on_down};
        int ends[2], status;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                struct event_base *base = event_base_new();
                struct pg_hosts *hosts = pg_hosts_new(base, NULL, "host=/nonexistent dbname=none");
                struct pg_conn *conn = pg_conn_new(base, hosts, NULL, none, &events, base);
                watching = true;
                event_base_dispatch(base);
                watching = false;
                pg_conn_free(conn);
                pg_hosts_free(hosts);
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

/* --- hosts that accept and never speak ----------------------------------------------------------- */

static int listens(char port[8])
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        snprintf(port, 8, "%d", ntohs(address.sin_port));
        return fd;
}

static char reasons[1024];

static void on_reason(void *context, const char *why)
{
        (void)context;
        strcat(strcat(reasons, why), "\n");
}

static void on_reached(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        event_base_loopbreak(context);
}

static const struct {
        const char *more;
        int64_t limit_ms;
} limit_rows[] = {{"", 3000}, {"connect_timeout=4", 4000}};

START_TEST(a_silent_host_is_left_for_the_next_when_its_time_is_over)
{
        static const struct pg_conn_events events = {on_up, on_end, on_reason};
        char ports[2][8], conninfo[128], wanted[128];
        int silent = listens(ports[0]), next = listens(ports[1]);
        struct event_base *base = event_base_new();
        struct event *reached = event_new(base, next, EV_READ, on_reached, base);
        snprintf(conninfo, sizeof(conninfo), "hostaddr=127.0.0.1,127.0.0.1 port=%s,%s dbname=none %s",
                 ports[0], ports[1], limit_rows[_i].more);
        struct pg_hosts *hosts = pg_hosts_new(base, NULL, conninfo);
        struct pg_conn *conn = pg_conn_new(base, hosts, NULL, none, &events, base);
        limit_ms = limit_rows[_i].limit_ms;
        limits = 0;
        reasons[0] = '\0';
        watching = true;
        event_add(reached, NULL);
        event_base_dispatch(base);
        watching = false;
        ck_assert_int_eq(limits, 2);
        snprintf(wanted, sizeof(wanted), "server at \"127.0.0.1\", port %s: connecting took too long\n",
                 ports[0]);
        ck_assert_str_eq(reasons, wanted);
        pg_conn_free(conn);
        pg_hosts_free(hosts);
        event_free(reached);
        event_base_free(base);
        close(silent);
        close(next);
}
END_TEST

static void on_attempt(void *context, const char *why)
{
        static int attempts;
        (void)why;
        if (++attempts == PAUSES)
                event_base_loopbreak(context);
}

/* It would have a session for each of them. */
START_TEST(a_host_that_has_taken_an_attempt_gets_no_other_before_it_speaks)
{
        static const struct pg_conn_events events = {on_up, on_end, on_attempt};
        char port[8], conninfo[128];
        int silent = listens(port), accepted = 0, fd;
        struct event_base *base = event_base_new();
        snprintf(conninfo, sizeof(conninfo), "hostaddr=127.0.0.1 port=%s dbname=none", port);
        struct pg_hosts *hosts = pg_hosts_new(base, NULL, conninfo);
        struct pg_conn *conn = pg_conn_new(base, hosts, NULL, none, &events, base);
        watching = true;
        event_base_dispatch(base);
        watching = false;
        while ((fd = accept(silent, NULL, NULL)) >= 0) {
                close(fd);
                accepted++;
        }
        ck_assert_int_eq(accepted, 1);
        pg_conn_free(conn);
        pg_hosts_free(hosts);
        event_base_free(base);
        close(silent);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pg_conn");
        TCase *tcase = tcase_create("pg_conn");
        tcase_add_test(tcase, two_instances_do_not_come_back_in_step);
        tcase_add_test(tcase, pauses_double_up_to_the_longest_and_stay_within_a_quarter);
        tcase_add_loop_test(tcase, a_silent_host_is_left_for_the_next_when_its_time_is_over, 0,
                            sizeof(limit_rows) / sizeof(*limit_rows));
        tcase_add_test(tcase, a_host_that_has_taken_an_attempt_gets_no_other_before_it_speaks);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
