/* Who has the keys read anew: each waits for a read that begins after he came, and however many ask, it is done seldom. */
#include <check.h>

#include "config/limits.h"
#include "daemon/key_reads.h"
#include "tests/suite.h"

enum { READERS = 3 };

static struct key_reads reads;
static struct waiting {
        struct key_reader reader;
        int ended, read;
        bool comes_back;
} waiting[READERS];
static int64_t asked, now_ms;

static int64_t on_ask(void *context)
{
        (void)context;
        return ++asked;
}

static void on_ended(struct key_reader *reader, bool is_read)
{
        struct waiting *w = reader->context;
        w->ended++;
        w->read += is_read;
        if (w->comes_back)
                key_reads_await(&reads, reader, now_ms);
}

static void set_up(void)
{
        now_ms = 1000000;
        asked = 0;
        key_reads_begin(&reads, on_ask, NULL);
        for (int i = 0; i < READERS; i++)
                waiting[i] = (struct waiting){.reader = {.ended = on_ended, .context = &waiting[i]}};
}

static void await_keys(int i)
{
        key_reads_await(&reads, &waiting[i].reader, now_ms);
}

/* The next thing that is due is done at its time. */
static void go_to_due(void)
{
        int64_t due_ms = key_reads_due_ms(&reads);
        ck_assert_int_ne(due_ms, INT64_MAX);
        if (due_ms > now_ms)
                now_ms = due_ms;
        key_reads_tick(&reads, now_ms);
}

START_TEST(a_read_is_for_those_who_came_before_it)
{
        ck_assert_int_eq(key_reads_due_ms(&reads), INT64_MAX);
        await_keys(0);
        await_keys(1);
        ck_assert_int_eq(asked, 0); /* nobody is called back from within */
        go_to_due();
        ck_assert_int_eq(asked, 1);
        await_keys(2);
        key_reads_done(&reads, 0, true); /* a poll's, which was on its way */
        ck_assert_int_eq(waiting[0].ended, 0);
        key_reads_done(&reads, 1, true);
        ck_assert_int_eq(waiting[0].read + waiting[1].read, 2);
        ck_assert_int_eq(waiting[2].ended, 0);
        go_to_due();
        ck_assert_int_eq(asked, 2);
        key_reads_done(&reads, 2, false);
        ck_assert_int_eq(waiting[2].ended, 1);
        ck_assert_int_eq(waiting[2].read, 0);
        ck_assert_int_eq(key_reads_due_ms(&reads), INT64_MAX);
}
END_TEST

/* A stranger with a terminal's certificate and no key names sets for ever, on many connections: the database hears of it so often and no oftener. */
START_TEST(however_many_ask_it_is_read_seldom)
{
        int64_t from_ms = now_ms;
        for (int i = 0; i < READERS; i++) {
                waiting[i].comes_back = true;
                await_keys(i);
        }
        for (int i = 0; i < 100; i++) {
                go_to_due();
                key_reads_done(&reads, asked, true);
                ck_assert_int_le(asked, 1 + (now_ms - from_ms) / LIMIT_KEY_READS_MS);
        }
        ck_assert_int_eq(asked, 100);
        for (int i = 0; i < READERS; i++)
                ck_assert_int_eq(waiting[i].ended, 100);
}
END_TEST

START_TEST(nobody_waits_for_longer_than_the_limit)
{
        await_keys(0);
        go_to_due();
        now_ms++;
        await_keys(1);
        go_to_due(); /* which asks for the second */
        go_to_due();
        ck_assert_int_eq(now_ms, 1000000 + LIMIT_KEY_READS_WAIT_MS);
        ck_assert_int_eq(waiting[0].ended, 1);
        ck_assert_int_eq(waiting[0].read, 0);
        go_to_due();
        ck_assert_int_eq(waiting[1].ended, 1);
        ck_assert_int_eq(key_reads_due_ms(&reads), INT64_MAX);
        key_reads_done(&reads, 2, true); /* at last: to nobody */
        ck_assert_int_eq(waiting[0].ended + waiting[1].ended, 2);
}
END_TEST

START_TEST(who_is_forgotten_hears_nothing)
{
        await_keys(0);
        await_keys(1);
        key_reads_forget(&reads, &waiting[0].reader);
        go_to_due();
        key_reads_done(&reads, 1, true);
        ck_assert_int_eq(waiting[0].ended, 0);
        ck_assert_int_eq(waiting[1].ended, 1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("key_reads");
        TCase *t = tcase_create("reads");
        tcase_add_checked_fixture(t, set_up, NULL);
        tcase_add_test(t, a_read_is_for_those_who_came_before_it);
        tcase_add_test(t, however_many_ask_it_is_read_seldom);
        tcase_add_test(t, nobody_waits_for_longer_than_the_limit);
        tcase_add_test(t, who_is_forgotten_hears_nothing);
        suite_add_tcase(s, t);
        return suite_run(s);
}
