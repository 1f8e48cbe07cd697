/*
 * Protects daemon/lobby.c: whose turn it is and who has to go, in which order and within which limits, whoever crowds at
 * the door. Time is what the test says it is.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/lobby.h"
#include "tests/suite.h"

enum { GUESTS = 64, PLACES = 6, SHARE = 4, WAITING = 10, PATIENCE_MS = 1000, LEAST_MS = 100 };
enum { CROWD = 1, ANOTHER = 2, THIRD = 3 }; /* addresses */

static struct lobby *lobby;
static struct lobby_guest guests[GUESTS];
static int64_t awaited_ms[GUESTS]; /* since when it is their turn to speak */
static int64_t now_ms;

static void set_up(void)
{
        static const struct lobby_rules rules = {PLACES, SHARE, WAITING, PATIENCE_MS, LEAST_MS};
        memset(guests, 0, sizeof(guests));
        memset(awaited_ms, 0, sizeof(awaited_ms));
        now_ms = 5000;
        lobby = lobby_new(&rules);
        ck_assert_ptr_nonnull(lobby);
}

static void tear_down(void)
{
        for (int i = 0; i < GUESTS; i++)
                if (guests[i].address)
                        lobby_leave(lobby, &guests[i]);
        for (int state = 0; state < LOBBY_STATE_COUNT; state++)
                ck_assert_uint_eq(lobby_count(lobby, (enum lobby_state)state), 0);
        lobby_free(lobby);
}

static int64_t awaited_since_ms(const struct lobby_guest *guest)
{
        return awaited_ms[guest - guests];
}

static int number(const struct lobby_guest *guest)
{
        return guest ? (int)(guest - guests) : -1;
}

/* Guests from first to last of an address, who speak at once. */
static void come(int first, int last, uint64_t key)
{
        for (int i = first; i <= last; i++) {
                ck_assert(lobby_enter(lobby, &guests[i], key, now_ms));
                lobby_speak(lobby, &guests[i], now_ms);
        }
}

/* Whose turns it is now, as "0 1 2". */
static const char *turns(void)
{
        static char text[GUESTS * 4];
        struct lobby_guest *guest;
        size_t used = 0;
        text[0] = '\0';
        while ((guest = lobby_next(lobby, now_ms)))
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d", used ? " " : "",
                                         number(guest));
        return text;
}

/* Who has to give his place. */
static int slowest(void)
{
        return number(lobby_slowest(lobby, now_ms, awaited_since_ms));
}

START_TEST(an_address_has_its_share_and_no_more)
{
        come(0, 3, CROWD);
        ck_assert_str_eq(turns(), "0 1 2 3");
        come(4, 7, CROWD);
        ck_assert_str_eq(turns(), "");
        come(8, 9, ANOTHER);
        ck_assert_str_eq(turns(), "8 9");
        ck_assert_uint_eq(lobby_count(lobby, LOBBY_SHAKING), PLACES);
        lobby_leave(lobby, &guests[2]);
        ck_assert_str_eq(turns(), "4");
}
END_TEST

START_TEST(addresses_take_turns_and_within_one_the_first_to_speak_comes_first)
{
        come(0, 3, CROWD);
        come(20, 22, ANOTHER);
        come(30, 30, THIRD);
        ck_assert_str_eq(turns(), "0 20 30 1 21 2");
        lobby_leave(lobby, &guests[0]);
        lobby_leave(lobby, &guests[1]);
        ck_assert_str_eq(turns(), "22 3");
}
END_TEST

/* The others of such a crowd don't wait for each other any more: whoever means it came late, or comes again. */
START_TEST(where_more_wait_than_the_share_the_last_to_speak_comes_first)
{
        come(0, 9, CROWD);
        ck_assert_str_eq(turns(), "9 8 7 6");
        come(10, 10, CROWD);
        lobby_leave(lobby, &guests[9]);
        ck_assert_str_eq(turns(), "10");
        for (int i = 6; i <= 8; i++)
                lobby_leave(lobby, &guests[i]);
        ck_assert_str_eq(turns(), "5 4 0"); /* the first again once four wait */
}
END_TEST

START_TEST(who_says_nothing_takes_no_place)
{
        for (int i = 0; i < WAITING; i++)
                ck_assert(lobby_enter(lobby, &guests[i], CROWD, now_ms));
        ck_assert_str_eq(turns(), "");
        come(20, 20, CROWD);
        ck_assert_str_eq(turns(), "20");
        lobby_speak(lobby, &guests[7], now_ms);
        ck_assert_str_eq(turns(), "7");
}
END_TEST

START_TEST(a_crowd_loses_its_own_oldest_those_who_said_nothing_first)
{
        come(0, WAITING - 2, CROWD);
        ck_assert(lobby_enter(lobby, &guests[20], CROWD, now_ms));
        ck_assert_int_eq(number(lobby_crowd(lobby, CROWD)), 20);
        ck_assert_int_eq(number(lobby_crowd(lobby, ANOTHER)), -1);
        lobby_speak(lobby, &guests[20], now_ms);
        ck_assert_int_eq(number(lobby_crowd(lobby, CROWD)), 0);
        ck_assert_str_eq(turns(), "20 8 7 6"); /* who shakes hands is not in that count */
        ck_assert_int_eq(number(lobby_crowd(lobby, CROWD)), -1);
}
END_TEST

START_TEST(the_oldest_handshake_gives_its_place_once_the_patience_is_over)
{
        come(0, 3, CROWD);
        ck_assert_str_eq(turns(), "0 1 2 3");
        now_ms += PATIENCE_MS - 1;
        ck_assert_int_eq(slowest(), -1);
        now_ms += 1;
        ck_assert_int_eq(slowest(), -1); /* nobody waits */
        come(4, 4, CROWD);
        ck_assert_int_eq(slowest(), 0);
        awaited_ms[0] = INT64_MAX; /* what it said is still unread */
        ck_assert_int_eq(slowest(), 1);
        lobby_leave(lobby, &guests[1]);
        ck_assert_str_eq(turns(), "4");
        ck_assert_int_eq(slowest(), -1);
}
END_TEST

/* In a storm of honest ones the house is slow: its answer leaves when their time seems to be over. */
START_TEST(who_was_answered_late_has_the_patience_from_then_on)
{
        come(0, 3, CROWD);
        ck_assert_str_eq(turns(), "0 1 2 3");
        come(4, 4, CROWD);
        awaited_ms[0] = now_ms + PATIENCE_MS - 1;
        awaited_ms[1] = now_ms + 1;
        awaited_ms[2] = awaited_ms[3] = INT64_MAX;
        now_ms += PATIENCE_MS;
        ck_assert_int_eq(slowest(), -1);
        now_ms += 1;
        ck_assert_int_eq(slowest(), 1);
        lobby_leave(lobby, &guests[1]);
        ck_assert_str_eq(turns(), "4");
        come(5, 5, CROWD);
        now_ms += PATIENCE_MS - 2;
        ck_assert_int_eq(slowest(), 0);
}
END_TEST

/* So that all have had their turns within that time. */
START_TEST(patience_is_shorter_the_more_wait_and_never_shorter_than_its_least)
{
        static const struct {
                int waiting;
                int64_t patience_ms;
        } rows[] = {{1, PATIENCE_MS},
                    {SHARE, PATIENCE_MS},
                    {2 * SHARE, PATIENCE_MS / 2},
                    {10 * SHARE, LEAST_MS},
                    {50, LEAST_MS}};
        come(0, SHARE - 1, CROWD);
        ck_assert_str_eq(turns(), "0 1 2 3");
        come(SHARE, SHARE + rows[_i].waiting - 1, CROWD);
        now_ms += rows[_i].patience_ms - 1;
        ck_assert_int_eq(slowest(), -1);
        now_ms += 1;
        ck_assert_int_eq(slowest(), 0);
}
END_TEST

START_TEST(a_crowd_at_its_share_takes_nothing_from_others)
{
        come(0, 3, CROWD);
        come(10, 10, ANOTHER);
        ck_assert_str_eq(turns(), "0 10 1 2 3");
        come(4, 8, CROWD);
        now_ms += PATIENCE_MS;
        ck_assert_int_eq(slowest(), 0); /* one of its own */
        lobby_leave(lobby, &guests[0]);
        lobby_leave(lobby, &guests[1]);
        lobby_leave(lobby, &guests[2]);
        lobby_leave(lobby, &guests[3]);
        ck_assert_int_eq(slowest(), -1);
}
END_TEST

START_TEST(where_all_places_are_taken_the_oldest_of_all_goes_for_whoever_waits)
{
        come(10, 12, ANOTHER);
        come(0, 2, CROWD);
        ck_assert_str_eq(turns(), "10 0 11 1 12 2");
        come(30, 30, THIRD);
        ck_assert_str_eq(turns(), "");
        now_ms += PATIENCE_MS;
        ck_assert_int_eq(slowest(), 10);
        lobby_leave(lobby, &guests[10]);
        ck_assert_str_eq(turns(), "30");
}
END_TEST

START_TEST(for_a_full_house_the_oldest_silent_one_goes_if_it_is_old_enough)
{
        ck_assert(lobby_enter(lobby, &guests[0], CROWD, now_ms));
        now_ms += 10;
        ck_assert(lobby_enter(lobby, &guests[1], ANOTHER, now_ms));
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 11)), -1);
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 10)), 0);
        lobby_speak(lobby, &guests[0], now_ms);
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 10)), -1);
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 0)), 1);
}
END_TEST

START_TEST(in_a_full_house_a_crowd_beyond_its_share_loses_its_own_oldest)
{
        for (int i = 20; i < 23; i++) /* others, and older */
                ck_assert(lobby_enter(lobby, &guests[i], ANOTHER, now_ms));
        come(0, SHARE, CROWD);
        ck_assert_int_eq(number(lobby_room(lobby, CROWD, now_ms, 100)), 0);
        lobby_leave(lobby, &guests[0]);
        ck_assert_int_eq(number(lobby_room(lobby, CROWD, now_ms, 100)), -1);
}
END_TEST

START_TEST(for_a_full_house_one_of_a_larger_crowd_goes_at_once)
{
        for (int i = 0; i < 3; i++)
                ck_assert(lobby_enter(lobby, &guests[i], CROWD, now_ms));
        ck_assert_int_eq(number(lobby_room(lobby, CROWD, now_ms, 100)), -1);
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 100)), 0);
        lobby_speak(lobby, &guests[0], now_ms);
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 100)), 1);
        lobby_speak(lobby, &guests[1], now_ms);
        lobby_speak(lobby, &guests[2], now_ms);
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 100)), 0);
        ck_assert_str_eq(turns(), "0 1 2");
        ck_assert_int_eq(number(lobby_room(lobby, THIRD, now_ms, 100)), -1);
}
END_TEST

START_TEST(other_limits_hold_for_those_who_are_there)
{
        static const struct lobby_rules wider = {PLACES, PLACES, WAITING, PATIENCE_MS, LEAST_MS};
        come(0, 3, CROWD);
        ck_assert_str_eq(turns(), "0 1 2 3");
        come(4, 7, CROWD);
        lobby_change(lobby, &wider);
        ck_assert_str_eq(turns(), "4 5");
}
END_TEST

static const struct {
        const char *a, *b;
        bool same;
} key_rows[] = {
    {"192.0.2.1", "192.0.2.1", true},        {"192.0.2.1", "192.0.2.2", false},
    {"2001:db8::1", "2001:db8::2", true},    {"2001:db8::1", "2001:db8:0:1::1", false},
    {"::ffff:192.0.2.1", "192.0.2.1", true}, {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
};

static uint64_t key_of(const char *text)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(1)};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(2)};
        if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
                return lobby_key((struct sockaddr *)&in);
        ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        return lobby_key((struct sockaddr *)&in6);
}

START_TEST(an_address_is_ipv4_whole_and_ipv6_by_the_64_bits_of_its_line)
{
        ck_assert_int_eq(key_of(key_rows[_i].a) == key_of(key_rows[_i].b), key_rows[_i].same);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("lobby");
        TCase *tcase = tcase_create("lobby");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, an_address_has_its_share_and_no_more);
        tcase_add_test(tcase, addresses_take_turns_and_within_one_the_first_to_speak_comes_first);
        tcase_add_test(tcase, who_says_nothing_takes_no_place);
        tcase_add_test(tcase, a_crowd_loses_its_own_oldest_those_who_said_nothing_first);
        tcase_add_test(tcase, the_oldest_handshake_gives_its_place_once_the_patience_is_over);
        tcase_add_loop_test(tcase, patience_is_shorter_the_more_wait_and_never_shorter_than_its_least, 0, 5);
        tcase_add_test(tcase, a_crowd_at_its_share_takes_nothing_from_others);
        tcase_add_test(tcase, where_all_places_are_taken_the_oldest_of_all_goes_for_whoever_waits);
        tcase_add_test(tcase, for_a_full_house_the_oldest_silent_one_goes_if_it_is_old_enough);
        tcase_add_test(tcase, in_a_full_house_a_crowd_beyond_its_share_loses_its_own_oldest);
        tcase_add_test(tcase, who_was_answered_late_has_the_patience_from_then_on);
        tcase_add_test(tcase, where_more_wait_than_the_share_the_last_to_speak_comes_first);
        tcase_add_test(tcase, for_a_full_house_one_of_a_larger_crowd_goes_at_once);
        tcase_add_test(tcase, other_limits_hold_for_those_who_are_there);
        tcase_add_loop_test(tcase, an_address_is_ipv4_whole_and_ipv6_by_the_64_bits_of_its_line, 0,
                            sizeof(key_rows) / sizeof(key_rows[0]));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
