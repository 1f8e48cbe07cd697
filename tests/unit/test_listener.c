/* Protects lib/net/listener.c: a door is shut and opened again at its port, and who is in stays in. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/listener.h"
#include "tests/suite.h"

enum { GUESTS_MAX = 8, BUFFER = 16384 };

static struct event_base *base;
static int guest[GUESTS_MAX], guests;

static void accepted(void *context, int fd, const struct sockaddr *address, const char *peer)
{
        ck_assert_int_eq(address->sa_family, AF_INET);
        ck_assert_ptr_eq(context, guest);
        ck_assert_int_eq(strncmp(peer, "127.0.0.1:", 10), 0);
        guest[guests++] = fd;
}

static void refused(void *context)
{
        (void)context;
        ck_abort_msg("there are descriptors");
}

static const struct listener_events events = {accepted, refused};

static struct listener *open_door(int port, char error[LISTENER_ERROR_MAX])
{
        static const struct listener_rules rules = {
            .backlog = 8, .accepts_per_turn = 8, .socket_buffer = BUFFER, .rest_ms = 1, .keeps_port = true};

        return listener_new(base, "127.0.0.1", port, &rules, &events, guest, error);
}

static void setup(void)
{
        base = event_base_new();
        guests = 0;
}

static void teardown(void)
{
        while (guests > 0)
                close(guest[--guests]);
        event_base_free(base);
}

/* A descriptor, or -1 with errno. */
static int knock(int port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        int fd = socket(AF_INET, SOCK_STREAM, 0), reason;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        reason = errno;
        close(fd);
        errno = reason;
        return -1;
}

static void turn(void)
{
        ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

START_TEST(a_shut_door_refuses_keeps_its_port_and_opens_again)
{
        char error[LISTENER_ERROR_MAX], place[64], byte;
        struct listener *door = open_door(0, error);
        int port, first, second;

        ck_assert_msg(door, "%s", error);
        port = listener_port(door);
        snprintf(place, sizeof(place), "127.0.0.1:%d", port);
        ck_assert_str_eq(listener_address(door), place);
        first = knock(port);
        turn();
        ck_assert_int_eq(guests, 1);

        listener_shut(door);
        listener_shut(door);
        ck_assert_int_eq(knock(port), -1);
        ck_assert_int_eq(errno, ECONNREFUSED);
        ck_assert_int_eq(send(guest[0], "x", 1, MSG_NOSIGNAL), 1);
        ck_assert_int_eq(recv(first, &byte, 1, 0), 1);

        ck_assert(listener_open(door));
        ck_assert(listener_open(door));
        ck_assert_int_eq(listener_port(door), port);
        second = knock(port);
        ck_assert_int_ge(second, 0);
        turn();
        ck_assert_int_eq(guests, 2);
        close(first);
        close(second);
        listener_free(door);
}
END_TEST

/* They are set once, at the door. */
START_TEST(who_comes_in_answers_without_delay_is_looked_after_and_keeps_the_system_small)
{
        static const struct {
                int level, option, value;
        } rows[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                    {SOL_SOCKET, SO_KEEPALIVE, 1},
                    {SOL_SOCKET, SO_SNDBUF, 2 * BUFFER},
                    {SOL_SOCKET, SO_RCVBUF, 2 * BUFFER}};
        char error[LISTENER_ERROR_MAX];
        struct listener *door = open_door(0, error);
        int fd;

        ck_assert_msg(door, "%s", error);
        fd = knock(listener_port(door));
        turn();
        ck_assert_int_eq(guests, 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                int value = 0;
                socklen_t length = sizeof(value);

                ck_assert_int_eq(getsockopt(guest[0], rows[i].level, rows[i].option, &value, &length), 0);
                ck_assert_msg(value == rows[i].value, "row %zu: %d", i, value);
        }
        close(fd);
        listener_free(door);
}
END_TEST

START_TEST(a_socket_that_was_passed_is_shared_and_outlives_each_who_holds_it)
{
        static const struct listener_rules rules = {.backlog = 8, .accepts_per_turn = 8, .rest_ms = 1};
        char error[LISTENER_ERROR_MAX];
        struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int passed = socket(AF_INET, SOCK_STREAM, 0), caller[3], port;
        struct listener *former, *latter;

        ck_assert_int_eq(bind(passed, (struct sockaddr *)&place, sizeof(place)), 0);
        ck_assert_int_eq(listen(passed, 1), 0);
        former = listener_adopt(base, dup(passed), &rules, &events, guest, error);
        ck_assert_msg(former, "%s", error);
        port = listener_port(former);
        caller[0] = knock(port);
        turn();
        ck_assert_int_eq(guests, 1);

        latter = listener_adopt(base, dup(passed), &rules, &events, guest, error);
        ck_assert_msg(latter, "%s", error);
        ck_assert_str_eq(listener_address(latter), listener_address(former));
        listener_free(former);
        caller[1] = knock(port);
        turn();
        ck_assert_int_eq(guests, 2);

        listener_free(latter);
        caller[2] = knock(port); /* waits for the next one */
        ck_assert_int_ge(caller[2], 0);
        latter = listener_adopt(base, passed, &rules, &events, guest, error);
        ck_assert_msg(latter, "%s", error);
        turn();
        ck_assert_int_eq(guests, 3);
        for (int i = 0; i < 3; i++)
                close(caller[i]);
        listener_free(latter);
}
END_TEST

START_TEST(what_was_passed_and_does_not_listen_is_refused)
{
        static const struct listener_rules rules = {.backlog = 8, .accepts_per_turn = 8, .rest_ms = 1};
        char error[LISTENER_ERROR_MAX];
        int pipes[2];

        ck_assert_int_eq(pipe(pipes), 0);
        ck_assert_ptr_null(listener_adopt(base, pipes[0], &rules, &events, guest, error));
        ck_assert_msg(strstr(error, "the socket that was passed: "), "%s", error);
        close(pipes[1]);
}
END_TEST

START_TEST(a_port_that_others_listen_on_is_named)
{
        char error[LISTENER_ERROR_MAX], wanted[LISTENER_ERROR_MAX];
        struct listener *door = open_door(0, error);

        ck_assert_msg(door, "%s", error);
        ck_assert_ptr_null(open_door(listener_port(door), error));
        snprintf(wanted, sizeof(wanted), "listen on 127.0.0.1 port %d: Address already in use",
                 listener_port(door));
        ck_assert_str_eq(error, wanted);
        listener_free(door);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("listener");
        TCase *cases = tcase_create("listener");

        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_test(cases, a_shut_door_refuses_keeps_its_port_and_opens_again);
        tcase_add_test(cases, who_comes_in_answers_without_delay_is_looked_after_and_keeps_the_system_small);
        tcase_add_test(cases, a_socket_that_was_passed_is_shared_and_outlives_each_who_holds_it);
        tcase_add_test(cases, what_was_passed_and_does_not_listen_is_refused);
        tcase_add_test(cases, a_port_that_others_listen_on_is_named);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
