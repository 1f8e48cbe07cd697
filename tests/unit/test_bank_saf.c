/* Store and forward without a database: what goes to the bank, what is said of it to the store, and when. */
#include <stdlib.h>
#include <unistd.h>

#include "daemon/banks/saf.h"
#include "rules/calendar.h"
#include "tests/suite.h"
#include "tests/unit/bank_peer.h"

enum { STORED_MAX = 256, ALARM_AGE_MS = 300000, SWEEP_AGE_MS = 25000 };

/* The store: it notes what it is asked for, and is answered by the test. */
static struct {
        bool busy;
        int takes, ends, sweeps, looks;
        struct saf_take take;
        int64_t sweep_age_ms;
        struct saf_result result[STORED_MAX];
        char said[STORED_MAX][SAF_SAID_MAX + 1];
        int results;
} store;

static struct bank_routes routes;
static struct bank_route *route;
static struct bank_peer peer;
static struct saf *saf;

static bool is_idle(void *context)
{
        (void)context;
        return !store.busy;
}

static void on_take(void *context, const struct saf_take *take)
{
        (void)context;
        ck_assert(!store.busy);
        store.busy = true;
        store.takes++;
        store.take = *take;
}

static void on_end(void *context, const struct saf_result *results, int count)
{
        (void)context;
        ck_assert(!store.busy);
        store.busy = true;
        store.ends++;
        store.results = count;
        for (int i = 0; i < count; i++) {
                store.result[i] = results[i];
                snprintf(store.said[i], sizeof(store.said[i]), "%s", results[i].said);
        }
}

static void on_sweep(void *context, int64_t age_ms, int max)
{
        (void)context;
        ck_assert(!store.busy && max == SAF_SWEEP_MAX);
        store.busy = true;
        store.sweeps++;
        store.sweep_age_ms = age_ms;
}

static void on_look(void *context)
{
        (void)context;
        ck_assert(!store.busy);
        store.busy = true;
        store.looks++;
}

static void set_up(void)
{
        struct saf_settings settings = {.holder = "one-1",
                                        .lease_ms = 5000,
                                        .retry_first_ms = 1000,
                                        .retry_max_ms = 60000,
                                        .alarm_age_ms = ALARM_AGE_MS,
                                        .sweep_age_ms = SWEEP_AGE_MS};
        struct saf_store face = {is_idle, on_take, on_end, on_sweep, on_look, NULL};
        struct saf_shell shell = {bank_clock, NULL};
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment("2016-12-29T12:00:00+09:00", &bank_now_ms));
        memset(&store, 0, sizeof(store));
        route = bank_peer_route("BANKA", 8);
        routes = (struct bank_routes){{route}, 1};
        saf = saf_new(&settings, &routes, &face, &shell);
        ck_assert_ptr_nonnull(saf);
        bank_peer_sign_on(&peer, route, 1);
}

static void tear_down(void)
{
        saf_free(saf);
        bank_route_free(route);
}

static void pass(int64_t ms)
{
        bank_now_ms += ms;
        bank_route_tick(route);
        saf_tick(saf);
}

static struct bank_notice notice_of(int stan, enum bank_notice_kind kind, int32_t attempts)
{
        struct bank_notice notice = {.seq = 1,
                                     .kind = kind,
                                     .amount_yen = 10000,
                                     .charge_yen = 108,
                                     .dispensed_yen = kind == BANK_NOTICE_COMPLETION ? 10000 : 0,
                                     .why = "17",
                                     .attempts = attempts};
        notice.identity =
            (struct ledger_identity){.terminal = "T0000001", .transmitted_ms = bank_now_ms, .stan = stan};
        return notice;
}

static void give(bool good, const struct bank_notice *notices, int count)
{
        ck_assert(store.busy);
        store.busy = false;
        saf_taken(saf, good, notices, count);
}

static void end(bool good)
{
        ck_assert(store.busy);
        store.busy = false;
        saf_ended(saf, good);
}

/* ---- a notice and what becomes of it ------------------------------------------------------------------- */

static const struct {
        const char *de39; /* "": silence; "-": the connection ends */
        enum notice_verdict verdict;
        const char *said;
} answer_rows[] = {
    {"00", NOTICE_DONE, "00"},
    {"94", NOTICE_REPEATED, "94"},
    {"21", NOTICE_REPEATED, "21"},
    {"25", NOTICE_MISSING, "25"},
    {"05", NOTICE_CASE, "05"},
    {"Z9", NOTICE_CASE, "Z9"},
    {"91", NOTICE_AGAIN, "91"},
    {"", NOTICE_AGAIN, "no answer"},
    {"-", NOTICE_AGAIN, "the connection ended before the answer"},
};

START_TEST(the_store_hears_what_the_bank_said_of_a_notice)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_COMPLETION, 1);
        pass(200);
        ck_assert_int_eq(store.takes, 1);
        ck_assert_str_eq(store.take.link, "BANKA");
        ck_assert_str_eq(store.take.holder, "one-1");
        ck_assert_int_eq(store.take.max, SAF_WINDOW);
        give(true, &notice, 1);
        ck_assert_int_eq(peer.count, 2);
        ck_assert_str_eq(peer.sent[1].mti, "0220");
        if (!strcmp(answer_rows[_i].de39, "-"))
                bank_peer_close_down(&peer);
        else if (*answer_rows[_i].de39)
                bank_peer_answer(&peer, 1, answer_rows[_i].de39);
        else
                pass(1000);
        saf_tick(saf);
        ck_assert_int_eq(store.ends, 1);
        ck_assert_int_eq(store.results, 1);
        ck_assert_int_eq(store.result[0].identity.stan, 7);
        ck_assert_int_eq(store.result[0].seq, 1);
        ck_assert_int_eq(store.result[0].verdict, answer_rows[_i].verdict);
        ck_assert_str_eq(store.said[0], answer_rows[_i].said);
        ck_assert(!saf_is_quiet(saf));
        end(true);
        if (store.busy) /* the lease is kept where the bank can be reached */
                give(true, NULL, 0);
        ck_assert(saf_is_quiet(saf));
        ck_assert_uint_eq(route->count.acknowledged, answer_rows[_i].verdict <= NOTICE_MISSING);
        ck_assert_uint_eq(route->count.cases, answer_rows[_i].verdict == NOTICE_CASE);
        ck_assert_uint_eq(route->count.unacknowledged, answer_rows[_i].verdict == NOTICE_AGAIN);
}
END_TEST

/* An attempt ends before its notice is due again, and never waits longer than any answer may take. */
static const struct {
        int32_t attempts;
        int64_t patience_ms;
} patience_rows[] = {{1, 900}, {2, 1900}, {3, 3900}, {4, 7900}, {5, 15000}, {30, 15000}};

START_TEST(an_attempt_is_over_before_the_next_is_due)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_REVERSAL, patience_rows[_i].attempts);
        pass(200);
        give(true, &notice, 1);
        ck_assert_str_eq(peer.sent[1].mti, patience_rows[_i].attempts > 1 ? "0421" : "0420");
        bank_now_ms += patience_rows[_i].patience_ms - 1;
        bank_route_tick(route);
        ck_assert_uint_eq(peer.session.outstanding, 1);
        bank_now_ms++;
        bank_route_tick(route);
        ck_assert_uint_eq(peer.session.outstanding, 0);
}
END_TEST

/* What the ATM reported of the chip, with the first sending and each repeat; a dialect without room for it leaves it out. */
START_TEST(every_attempt_has_the_same_chip_data)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_COMPLETION, _i);
        size_t length = 0;
        notice.chip = (struct chip_data){4, {0x9f, 0, 0xff, 0x80}};
        if (_i == 3)
                route->dialect.field[55].length = 3;
        pass(200);
        give(true, &notice, 1);
        const char *value = iso_get(&peer.sent[1], 55, &length);
        ck_assert_str_eq(peer.sent[1].mti, _i > 1 ? "0221" : "0220");
        if (_i == 3)
                ck_assert_ptr_null(value);
        else
                ck_assert(length == 4 && memcmp(value, notice.chip.bytes, length) == 0);
        bank_peer_answer(&peer, 1, "00");
        saf_tick(saf);
        end(true);
}
END_TEST

START_TEST(an_end_that_the_store_did_not_hear_is_said_again)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_COMPLETION, 1);
        pass(200);
        give(true, &notice, 1);
        bank_peer_answer(&peer, 1, "00");
        saf_tick(saf);
        ck_assert_int_eq(store.ends, 1);
        end(false);
        ck_assert(!saf_is_quiet(saf));
        saf_tick(saf);
        ck_assert_int_eq(store.ends, 2);
        ck_assert_int_eq(store.result[0].identity.stan, 7);
        end(true);
}
END_TEST

START_TEST(a_notice_that_is_under_way_is_not_sent_twice)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_REVERSAL, 1);
        pass(200);
        give(true, &notice, 1);
        pass(200);
        notice.attempts = 2;
        give(true, &notice, 1);
        ck_assert_int_eq(peer.count, 2);
        notice.seq = 2; /* what follows for the same withdrawal is another */
        pass(200);
        give(true, &notice, 1);
        ck_assert_int_eq(peer.count, 3);
}
END_TEST

/* ---- when ---------------------------------------------------------------------------------------------- */

START_TEST(nothing_is_taken_for_a_bank_that_can_not_be_reached)
{
        bank_peer_close_down(&peer);
        pass(200);
        pass(200);
        ck_assert_int_eq(store.takes, 0);
        bank_peer_sign_on(&peer, route, 1);
        saf_tick(saf);
        ck_assert_int_eq(store.takes, 1);
}
END_TEST

START_TEST(a_full_window_takes_nothing_and_keeps_the_lease)
{
        struct bank_notice notices[SAF_BATCH];
        for (int i = 0; i < SAF_BATCH; i++)
                notices[i] = notice_of(i + 1, BANK_NOTICE_REVERSAL, 5);
        pass(200);
        give(true, notices, SAF_BATCH);
        ck_assert_int_eq(peer.count, 1 + SAF_WINDOW);
        ck_assert(!store.busy);
        pass(200);
        ck_assert_int_eq(store.takes, 2);
        ck_assert_int_eq(store.take.max, 0);
        give(true, NULL, 0);
        for (int i = 1; i <= 10; i++)
                bank_peer_answer(&peer, i, "00");
        saf_tick(saf);
        ck_assert_int_eq(store.results, 10);
        end(true);
        pass(200);
        ck_assert_int_eq(store.take.max, 10);
}
END_TEST

START_TEST(a_nudge_takes_at_once_where_the_lease_is_ours)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_COMPLETION, 1);
        pass(200);
        if (_i)
                give(true, &notice, 1);
        else
                give(true, NULL, 0);
        saf_nudge(saf);
        ck_assert_int_eq(store.takes, 1);
        bank_now_ms += SAF_NUDGED_MS;
        saf_nudge(saf);
        ck_assert_int_eq(store.takes, _i ? 2 : 1);
        if (!_i) {
                bank_now_ms += SAF_POLL_MS - SAF_NUDGED_MS;
                saf_tick(saf);
                ck_assert_int_eq(store.takes, 2);
        }
}
END_TEST

START_TEST(every_instance_sweeps_whether_it_holds_a_lease_or_not)
{
        bank_peer_close_down(&peer);
        pass(SAF_SWEEP_MS - 1);
        ck_assert_int_eq(store.sweeps, 0);
        pass(1);
        ck_assert_int_eq(store.sweeps, 1);
        ck_assert_int_eq(store.sweep_age_ms, SWEEP_AGE_MS);
        store.busy = false;
        saf_swept(saf, true, SAF_SWEEP_MAX); /* there may be more */
        ck_assert_int_eq(store.sweeps, 2);
        store.busy = false;
        saf_swept(saf, true, 3);
        ck_assert_int_eq(store.sweeps, 2);
        ck_assert_int_eq(store.looks, 1);
        store.busy = false;
        saf_looked(saf, true, NULL, 0);
        pass(SAF_SWEEP_MS);
        ck_assert_int_eq(store.sweeps, 3);
}
END_TEST

START_TEST(a_draining_instance_takes_nothing_and_ends_what_is_under_way)
{
        struct bank_notice notice = notice_of(7, BANK_NOTICE_COMPLETION, 1);
        pass(200);
        give(true, &notice, 1);
        saf_drain(saf);
        pass(200);
        ck_assert_int_eq(store.takes, 1);
        ck_assert(!saf_is_quiet(saf));
        bank_peer_answer(&peer, 1, "00");
        saf_tick(saf);
        ck_assert_int_eq(store.ends, 1);
        end(true);
        ck_assert(saf_is_quiet(saf));
        pass(SAF_SWEEP_MS);
        ck_assert_int_eq(store.takes + store.sweeps, 1);
}
END_TEST

/* ---- the alarm ----------------------------------------------------------------------------------------- */

/* What goes to standard error while `act` runs. */
static void capture(void (*act)(int64_t), int64_t argument, char *text, size_t size)
{
        FILE *file = tmpfile();
        ck_assert_ptr_nonnull(file);
        int old = dup(STDERR_FILENO);
        fflush(stderr);
        dup2(fileno(file), STDERR_FILENO);
        act(argument);
        fflush(stderr);
        dup2(old, STDERR_FILENO);
        close(old);
        rewind(file);
        size_t length = fread(text, 1, size - 1, file);
        text[length] = '\0';
        fclose(file);
}

/* The store's next look finds a notice of that age; -1: none. */
static void look(int64_t age_ms)
{
        pass(SAF_LOOK_MS); /* the sweep is due too, and goes first */
        store.busy = false;
        saf_swept(saf, true, 0);
        ck_assert(store.busy);
        struct saf_age age = {.link = "BANKA", .waiting = 3, .oldest_age_ms = age_ms < 0 ? 0 : age_ms};
        store.busy = false;
        saf_looked(saf, true, &age, 1);
}

START_TEST(an_old_notice_raises_the_alarm_once_until_it_is_over)
{
        static const struct {
                int64_t age_ms;
                const char *says;
        } rows[] = {{ALARM_AGE_MS, ""},
                    {ALARM_AGE_MS + 1, "event=saf_alarm link=BANKA"},
                    {ALARM_AGE_MS + 5000, ""},
                    {1000, "event=saf_alarm_over link=BANKA"},
                    {-1, ""}};
        char text[4096];
        bank_peer_close_down(&peer);
        log_open("stderr", "info", NULL);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                capture(look, rows[i].age_ms, text, sizeof(text));
                if (*rows[i].says)
                        ck_assert_msg(strstr(text, rows[i].says) != NULL, "%zu: %s", i, text);
                else
                        ck_assert_msg(!strstr(text, "saf_alarm"), "%zu: %s", i, text);
        }
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        Suite *suite = suite_create("bank_saf");
        TCase *tcase = tcase_create("bank_saf");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, the_store_hears_what_the_bank_said_of_a_notice, 0, COUNT(answer_rows));
        tcase_add_loop_test(tcase, an_attempt_is_over_before_the_next_is_due, 0, COUNT(patience_rows));
        tcase_add_loop_test(tcase, every_attempt_has_the_same_chip_data, 1, 4);
        tcase_add_test(tcase, an_end_that_the_store_did_not_hear_is_said_again);
        tcase_add_test(tcase, a_notice_that_is_under_way_is_not_sent_twice);
        tcase_add_test(tcase, nothing_is_taken_for_a_bank_that_can_not_be_reached);
        tcase_add_test(tcase, a_full_window_takes_nothing_and_keeps_the_lease);
        tcase_add_loop_test(tcase, a_nudge_takes_at_once_where_the_lease_is_ours, 0, 2);
        tcase_add_test(tcase, every_instance_sweeps_whether_it_holds_a_lease_or_not);
        tcase_add_test(tcase, a_draining_instance_takes_nothing_and_ends_what_is_under_way);
        tcase_add_test(tcase, an_old_notice_raises_the_alarm_once_until_it_is_over);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
