/* Protects lib/net/watchdog.c: the word to the service manager comes from the loop, and from nowhere else. */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/net/watchdog.h"
#include "tests/suite.h"

enum { LIMIT_US = 4000, WORDS = 5 };

static struct event_base *base;
static int manager; /* the service manager's socket */
static struct sockaddr_un place = {.sun_family = AF_UNIX};

static void set_up(void)
{
        char limit[16];
        base = event_base_new();
        snprintf(place.sun_path, sizeof(place.sun_path), "/tmp/test_watchdog.%d", (int)getpid());
        manager = socket(AF_UNIX, SOCK_DGRAM, 0);
        ck_assert_int_eq(bind(manager, (struct sockaddr *)&place, sizeof(place)), 0);
        setenv("NOTIFY_SOCKET", place.sun_path, 1);
        snprintf(limit, sizeof(limit), "%d", LIMIT_US);
        setenv("WATCHDOG_USEC", limit, 1);
        unsetenv("WATCHDOG_PID");
}

static void tear_down(void)
{
        close(manager);
        unlink(place.sun_path);
        event_base_free(base);
}

/* How many words have come since the last look. */
static int words(void)
{
        char text[64];
        ssize_t length;
        int count = 0;
        for (; (length = recv(manager, text, sizeof(text), MSG_DONTWAIT)) > 0; count++) {
                ck_assert_int_eq((int)length, (int)strlen("WATCHDOG=1"));
                ck_assert_mem_eq(text, "WATCHDOG=1", (size_t)length);
        }
        return count;
}

START_TEST(a_loop_that_turns_says_so_twice_within_the_limit_and_one_that_stands_says_nothing)
{
        struct watchdog *watchdog;
        int heard = 0;
        ck_assert(watchdog_new(base, &watchdog));
        ck_assert_int_eq(watchdog_period_us(watchdog), LIMIT_US / 2);
        usleep(WORDS * LIMIT_US); /* the loop stands */
        ck_assert_int_eq(words(), 0);
        while (heard < WORDS) { /* the timer is all that there is: one word a turn */
                event_base_loop(base, EVLOOP_ONCE);
                int said = words();
                ck_assert_int_eq(said, 1);
                heard += said;
        }
        watchdog_free(watchdog);
        ck_assert_int_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
}
END_TEST

START_TEST(where_nobody_watches_there_is_no_timer)
{
        struct watchdog *watchdog;
        if (_i)
                setenv("WATCHDOG_PID", "1", 1); /* another process is meant */
        else
                unsetenv("WATCHDOG_USEC");
        ck_assert(watchdog_new(base, &watchdog));
        ck_assert_ptr_null(watchdog);
        ck_assert_int_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("watchdog");
        TCase *tcase = tcase_create("watchdog");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase,
                       a_loop_that_turns_says_so_twice_within_the_limit_and_one_that_stands_says_nothing);
        tcase_add_loop_test(tcase, where_nobody_watches_there_is_no_timer, 0, 2);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
