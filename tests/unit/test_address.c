/* HOST:PORT: names, IPv4 and IPv6 addresses, lists of them, and what is none. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/address.h"
#include "tests/suite.h"

static char *of_length(size_t length, const char *port)
{
        static char text[ADDRESSES_TEXT_MAX * 2];
        memset(text, 'h', length);
        strcpy(text + length, port);
        return text;
}

START_TEST(names_and_numbers_of_both_kinds_are_addresses)
{
        static const struct {
                const char *text, *host;
                unsigned port;
        } rows[] = {
            {"bank.example:7601", "bank.example", 7601},   {"10.0.0.1:1", "10.0.0.1", 1},
            {"[2001:db8::1]:65535", "2001:db8::1", 65535}, {"[::1]:7583", "::1", 7583},
            {"localhost:00080", "localhost", 80},          {"x:1", "x", 1},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct address address;
                ck_assert_msg(address_parse(rows[i].text, 1, &address), "%s", rows[i].text);
                ck_assert_str_eq(address.host, rows[i].host);
                ck_assert_uint_eq(address.port, rows[i].port);
        }
}
END_TEST

START_TEST(an_ipv6_address_without_brackets_is_none_since_its_port_may_be_part_of_it)
{
        static const char *const texts[] = {"::1:7583",   "::1", "2001:db8::1:7601",
                                            "fe80::1:80", "::",  "a:b:1"};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct address address;
                struct addresses list;
                ck_assert_msg(!address_parse(texts[i], 0, &address), "%s", texts[i]);
                ck_assert_msg(!addresses_parse(texts[i], &list), "%s", texts[i]);
        }
}
END_TEST

START_TEST(what_is_no_address_is_refused_and_changes_nothing)
{
        static const char *const texts[] = {"",        ":",     "host",   "host:",   ":80",     "[]:80",
                                            "[::1]",   "h:x",   "h:-1",   "h:+1",    "h:1x",    "h:65536",
                                            "h:0",     "h h:1", "h\th:1", "[::1:80", "::1]:80", "[h]:80",
                                            "[a:b]:1", "h,i:1", "h/i:1",  "h: 1",    "h:1 ",    "h:100000"};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct address address = {.host = "as it was", .port = 7};
                ck_assert_msg(!address_parse(texts[i], 1, &address), "%s", texts[i]);
                ck_assert_str_eq(address.host, "as it was");
                ck_assert_uint_eq(address.port, 7);
        }
}
END_TEST

START_TEST(a_host_alone_has_brackets_or_none)
{
        static const struct {
                const char *text, *host; /* NULL: it is none */
        } rows[] = {
            {"127.0.0.1", "127.0.0.1"},
            {"::1", "::1"},
            {"[::1]", "::1"},
            {"::", "::"},
            {"fe80::1%eth0", "fe80::1%eth0"},
            {"atm-1.example", "atm-1.example"},
            {"a_b", "a_b"},
            {"[127.0.0.1]", NULL},
            {"[::1", NULL},
            {"::1]", NULL},
            {"[]", NULL},
            {"[[::1]]", NULL},
            {"", NULL},
            {"a b", NULL},
            {"a,b", NULL},
            {"h:80", NULL},
            {"[::1]:80", NULL},
            {"1::2::3", NULL},
            {"fe80::1%", NULL},
            {"[name]", NULL},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char host[ADDRESS_HOST_MAX] = "as it was", text[64];
                struct address address;
                bool is_one = address_host_parse(rows[i].text, host);
                ck_assert_msg(is_one == (rows[i].host != NULL), "%s", rows[i].text);
                ck_assert_str_eq(host, rows[i].host ? rows[i].host : "as it was");
                if (!is_one)
                        continue;
                snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:80" : "%s:80", host);
                ck_assert_msg(address_parse(text, 1, &address), "%s with a port", text);
                ck_assert_str_eq(address.host, host);
        }
}
END_TEST

START_TEST(port_zero_is_taken_where_any_will_do)
{
        struct address address;
        ck_assert(address_parse("127.0.0.1:0", 0, &address));
        ck_assert_uint_eq(address.port, 0);
        ck_assert(!address_parse("127.0.0.1:0", 1, &address));
}
END_TEST

START_TEST(a_host_may_be_as_long_as_a_name_can_be_and_no_longer)
{
        struct address address;
        ck_assert(address_parse(of_length(ADDRESS_HOST_MAX - 1, ":1"), 1, &address));
        ck_assert_uint_eq(strlen(address.host), ADDRESS_HOST_MAX - 1);
        ck_assert(!address_parse(of_length(ADDRESS_HOST_MAX, ":1"), 1, &address));
}
END_TEST

START_TEST(a_list_is_taken_one_by_one)
{
        static const char *const hosts[] = {"bank.example", "2001:db8::1", "10.0.0.1"};
        static const unsigned ports[] = {7601, 65535, 1};
        struct addresses list;
        ck_assert(addresses_parse("bank.example:7601, [2001:db8::1]:65535 ,10.0.0.1:1", &list));
        ck_assert_uint_eq(list.count, 3);
        for (size_t i = 0; i < 3; i++) {
                struct address address;
                addresses_get(&list, i, &address);
                ck_assert_str_eq(address.host, hosts[i]);
                ck_assert_uint_eq(address.port, ports[i]);
        }
}
END_TEST

START_TEST(a_list_with_one_that_is_none_is_refused_and_changes_nothing)
{
        static const char *const texts[] = {"",        " ",      ",",   "a:1,",      "a:1,,b:2,",
                                            "a:1 b:2", "a:1, b", "a:0", "a:1,::1:80"};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct addresses list = {.count = 99};
                ck_assert_msg(!addresses_parse(texts[i], &list), "'%s'", texts[i]);
                ck_assert_uint_eq(list.count, 99);
        }
}
END_TEST

START_TEST(the_longest_list_fits_and_a_longer_one_is_refused)
{
        char text[ADDRESSES_TEXT_MAX + 8] = "";
        struct addresses list;
        struct address address;
        for (size_t i = 0; i < ADDRESSES_MAX; i++)
                strcat(text, i ? ",a:1" : "a:1");
        ck_assert(addresses_parse(text, &list));
        ck_assert_uint_eq(list.count, ADDRESSES_MAX);
        addresses_get(&list, ADDRESSES_MAX - 1, &address);
        ck_assert_str_eq(address.host, "a");
        strcat(text, ",a:1");
        ck_assert(!addresses_parse(text, &list));
}
END_TEST

START_TEST(an_address_prints_as_it_is_written)
{
        static const char *const texts[] = {"bank.example:7601", "10.0.0.1:1", "[2001:db8::1]:65535"};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct address address;
                char text[ADDRESS_TEXT_MAX];
                ck_assert(address_parse(texts[i], 1, &address));
                address_print(&address, text);
                ck_assert_str_eq(text, texts[i]);
        }
}
END_TEST

START_TEST(a_sockets_address_prints_likewise)
{
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(80)};
        struct sockaddr_in6 six = {
            .sin6_family = AF_INET6, .sin6_port = htons(81), .sin6_addr = in6addr_loopback};
        struct sockaddr none = {.sa_family = AF_UNSPEC};
        char text[ADDRESS_TEXT_MAX], little[8];
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address_print_socket((struct sockaddr *)&four, sizeof(four), text, sizeof(text));
        ck_assert_str_eq(text, "127.0.0.1:80");
        address_print_socket((struct sockaddr *)&six, sizeof(six), text, sizeof(text));
        ck_assert_str_eq(text, "[::1]:81");
        address_print_socket((struct sockaddr *)&four, sizeof(four), little, sizeof(little));
        ck_assert_str_eq(little, "127.0.0");
        address_print_socket(&none, sizeof(none), little, sizeof(little));
        ck_assert_str_eq(little, "?");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("address");
        TCase *tcase = tcase_create("address");
        tcase_add_test(tcase, names_and_numbers_of_both_kinds_are_addresses);
        tcase_add_test(tcase, an_ipv6_address_without_brackets_is_none_since_its_port_may_be_part_of_it);
        tcase_add_test(tcase, what_is_no_address_is_refused_and_changes_nothing);
        tcase_add_test(tcase, port_zero_is_taken_where_any_will_do);
        tcase_add_test(tcase, a_host_alone_has_brackets_or_none);
        tcase_add_test(tcase, a_host_may_be_as_long_as_a_name_can_be_and_no_longer);
        tcase_add_test(tcase, a_list_is_taken_one_by_one);
        tcase_add_test(tcase, a_list_with_one_that_is_none_is_refused_and_changes_nothing);
        tcase_add_test(tcase, the_longest_list_fits_and_a_longer_one_is_refused);
        tcase_add_test(tcase, an_address_prints_as_it_is_written);
        tcase_add_test(tcase, a_sockets_address_prints_likewise);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
