/*
 * Which of two servers is the newer one, what is kept of that in a file, and whom a process refuses by it.
 */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/db/pg_epoch.h"
#include "lib/db/pg_hosts.h"
#include "tests/suite.h"

#define ONE "00000000-0000-0000-0000-000000000001"
#define TWO "00000000-0000-0000-0000-000000000002"

static const struct {
        struct pg_epoch epoch, other;
        enum pg_epoch_order order;
} orders[] = {
    {{ONE, 1, 1}, {"", 0, 0}, PG_EPOCH_NEWER},    {{"", 0, 0}, {"", 0, 0}, PG_EPOCH_SAME},
    {{"", 0, 0}, {ONE, 1, 1}, PG_EPOCH_OLDER},    {{ONE, 2, 2}, {ONE, 2, 2}, PG_EPOCH_SAME},
    {{ONE, 1, 2}, {ONE, 1, 1}, PG_EPOCH_NEWER},   {{ONE, 1, 1}, {ONE, 1, 2}, PG_EPOCH_OLDER},
    {{ONE, 3, 1}, {ONE, 2, 9}, PG_EPOCH_NEWER},   {{ONE, 2, 9}, {ONE, 3, 1}, PG_EPOCH_OLDER},
    {{ONE, 2, 1}, {TWO, 1, 1}, PG_EPOCH_STRANGE}, {{ONE, 2, 0}, {ONE, 1, 4294967295}, PG_EPOCH_NEWER},
};

START_TEST(epochs_come_before_timelines)
{
        ck_assert_int_eq(pg_epoch_compare(&orders[_i].epoch, &orders[_i].other), orders[_i].order);
}
END_TEST

static char folder[64], path[96], error[PG_EPOCH_ERROR_MAX];

static void open_folder(void)
{
        snprintf(folder, sizeof(folder), "/tmp/test_pg_epoch.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/epoch", folder);
}

static void close_folder(void)
{
        unlink(path);
        ck_assert_int_eq(rmdir(folder), 0); /* and nothing else is in it */
}

static void ck_assert_kept(int64_t epoch, int64_t timeline)
{
        struct pg_epoch kept;

        ck_assert_msg(pg_epoch_read(path, &kept, error), "%s", error);
        ck_assert_int_eq(kept.epoch, epoch);
        ck_assert_int_eq(kept.timeline, timeline);
}

static bool keep(const char *lineage, int64_t epoch, int64_t timeline)
{
        struct pg_epoch kept = {"", epoch, timeline};

        snprintf(kept.lineage, sizeof(kept.lineage), "%s", lineage);
        return pg_epoch_keep(path, &kept, error);
}

START_TEST(what_is_kept_never_goes_back)
{
        struct stat status;

        ck_assert_kept(0, 0);
        ck_assert(keep(ONE, 2, 3));
        ck_assert_kept(2, 3);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_eq(status.st_mode & 0777, 0600);
        ck_assert(keep(ONE, 1, 9)); /* another instance has seen more */
        ck_assert_kept(2, 3);
        ck_assert(keep(ONE, 9223372036854775807, 4294967295));
        ck_assert_kept(9223372036854775807, 4294967295);
        ck_assert(!keep(TWO, 1, 1));
        ck_assert_ptr_nonnull(strstr(error, "another database"));
        ck_assert_kept(9223372036854775807, 4294967295);
}
END_TEST

static const char *const broken[] = {
    "",
    "\n",
    ONE,
    ONE " 1",
    ONE " 1 x\n",
    ONE " 0 1\n",
    ONE " 1 1 1\n",
    "x 1 1\n",
    ONE " 9223372036854775808 1\n",
};

START_TEST(a_file_that_says_no_epoch_is_an_error_and_not_overwritten)
{
        struct pg_epoch kept;
        FILE *file = fopen(path, "w");

        ck_assert_ptr_nonnull(file);
        fputs(broken[_i], file);
        fclose(file);
        ck_assert(!pg_epoch_read(path, &kept, error));
        ck_assert(strstr(error, path) && strstr(error, "expected a line of database, epoch and timeline"));
        ck_assert(!keep(ONE, 5, 5));
        ck_assert(!pg_epoch_read(path, &kept, error));
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
        struct pg_epoch epoch = {ONE, 1, 1};

        ck_assert(!pg_epoch_keep("/nonexistent/epoch", &epoch, error));
        ck_assert_str_eq(error, "/nonexistent: No such file or directory");
}
END_TEST

/* --- who is refused ------------------------------------------------------------------------------- */

static int newer, refused;

static void on_newer(void *context, const struct pg_epoch *seen)
{
        *(struct pg_epoch *)context = *seen;
        newer++;
}

static void on_refused(void *context, const char *place, const struct pg_epoch *its,
                       const struct pg_epoch *seen)
{
        (void)context;
        (void)place;
        (void)its;
        (void)seen;
        refused++;
}

static void on_found(void *context)
{
        ++*(int *)context;
}

/* What each host says in turn, and what comes of it. */
static const struct {
        size_t host;
        struct pg_epoch epoch;
        bool good;
        int newer, refused;  /* so far */
        unsigned generation; /* since the start */
        bool found;          /* all are told */
        const char *why;
} steps[] = {
    {0, {ONE, 1, 1}, true, 0, 0, 0, false, ""},
    {1, {ONE, 1, 2}, true, 1, 0, 1, true, ""}, /* promoted */
    {1, {ONE, 2, 2}, true, 2, 0, 1, true, ""}, /* and told of: whoever is connected there may stay */
    {0,
     {ONE, 1, 1},
     false,
     2,
     1,
     1,
     false,
     "an old primary: epoch 1 on timeline 1, where epoch 2 on timeline 2 was seen"},
    {0, {ONE, 1, 1}, false, 2, 1, 1, false, "an old primary"}, /* known already */
    {0, {ONE, 2, 1}, false, 2, 2, 1, false, "an old primary"},
    {0,
     {TWO, 9, 9},
     false,
     2,
     3,
     1,
     false,
     "another database (" TWO ") than the one that was seen (" ONE ")"},
    {1, {ONE, 3, 0}, true, 3, 3, 2, true, ""}, /* no timeline: the same server, or not */
    {1, {ONE, 4, 0}, true, 4, 3, 3, true, ""},
};

START_TEST(a_newer_server_takes_all_along_and_an_older_one_is_refused_and_told_of_once)
{
        struct pg_epoch known = {ONE, 1, 1}, seen = known;
        struct event_base *base = event_base_new();
        struct pg_hosts *hosts = pg_hosts_new(base, NULL, "host=/run/one,/run/two");
        struct pg_hosts_events events = {on_newer, on_refused, &seen};
        int told[2];
        struct pg_seeker seekers[2];
        char why[PG_EPOCH_ERROR_MAX];

        newer = refused = 0;
        pg_hosts_watch(hosts, &known, &events);
        for (int i = 0; i < 2; i++) {
                seekers[i] =
                    (struct pg_seeker){.on_addresses = on_found, .on_found = on_found, .context = &told[i]};
                pg_seeker_join(&seekers[i], hosts);
                seekers[i].host = (size_t)i;
        }
        for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
                told[0] = told[1] = 0;
                why[0] = '\0';
                ck_assert(pg_seeker_judge(&seekers[steps[i].host], &steps[i].epoch, why) == steps[i].good);
                ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
                ck_assert_int_eq(newer, steps[i].newer);
                ck_assert_int_eq(refused, steps[i].refused);
                ck_assert_uint_eq(pg_hosts_generation(hosts), steps[i].generation);
                ck_assert_int_eq(told[0], steps[i].found);
                ck_assert_int_eq(told[1], steps[i].found);
                ck_assert_msg(strstr(why, steps[i].why), "%s", why);
        }
        ck_assert_int_eq(seen.epoch, 4);
        ck_assert(pg_seeker_is_astray(&seekers[0]));
        for (int i = 0; i < 2; i++)
                pg_seeker_leave(&seekers[i]);
        pg_hosts_free(hosts);
        event_base_free(base);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pg_epoch");
        TCase *tcase = tcase_create("order"), *files = tcase_create("files");

        tcase_add_loop_test(tcase, epochs_come_before_timelines, 0, sizeof(orders) / sizeof(*orders));
        tcase_add_test(tcase, a_newer_server_takes_all_along_and_an_older_one_is_refused_and_told_of_once);
        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(files, open_folder, close_folder);
        tcase_add_test(files, what_is_kept_never_goes_back);
        tcase_add_loop_test(files, a_file_that_says_no_epoch_is_an_error_and_not_overwritten, 0,
                            sizeof(broken) / sizeof(*broken));
        tcase_add_test(files, a_folder_that_is_not_there_is_an_error);
        suite_add_tcase(suite, files);
        return suite_run(suite);
}
