/*
 * Whose turn it is among the servers of a conninfo, what libpq is told of each, and names that a slow, silent or ignorant name server is
 * asked for. The linker sends steady_now_ms here (CMakeLists.txt).
 */
#include <arpa/inet.h>
#include <check.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/now.h"
#include "lib/db/pg_hosts.h"
#include "tests/suite.h"

static int64_t now_ms = 1000000;

int64_t __wrap_steady_now_ms(void);

int64_t __wrap_steady_now_ms(void)
{
        return now_ms;
}

static struct event_base *base;

static void on_told(void *context)
{
        ++*(int *)context;
}

static void seek(struct pg_seeker *seeker, struct pg_hosts *hosts, int *told)
{
        *told = 0;
        *seeker = (struct pg_seeker){.on_addresses = on_told, .on_found = on_told, .context = told};
        pg_seeker_join(seeker, hosts);
}

static const char *place(const struct pg_seeker *seeker)
{
        static char text[PG_PLACE_MAX];

        pg_seeker_place(seeker, text);
        return text;
}

static void open_base(void)
{
        static const char *const variables[] = {"PGHOST",    "PGHOSTADDR",       "PGPORT",
                                                "PGSERVICE", "PGSERVICEFILE",    "PGAPPNAME",
                                                "PGSSLMODE", "PGCONNECT_TIMEOUT"};

        for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
                unsetenv(variables[i]);
        base = event_base_new();
        ck_assert_ptr_nonnull(base);
}

static void close_base(void)
{
        event_base_free(base);
}

/* --- order ---------------------------------------------------------------------------------------- */

static const struct {
        const char *conninfo, *environment; /* PGPORT */
        const char *places;                 /* of one round */
} rounds[] = {
    {"hostaddr=192.0.2.1,192.0.2.2 host=db1,db2 port=6001,6002", NULL,
     "server at \"db1\" (192.0.2.1), port 6001; server at \"db2\" (192.0.2.2), port 6002; "},
    {"postgresql://h1,h2/atm?hostaddr=192.0.2.1,192.0.2.2", NULL,
     "server at \"h1\" (192.0.2.1), port 5432; server at \"h2\" (192.0.2.2), port 5432; "},
    {"hostaddr=192.0.2.1,::1", "7000", "server at \"192.0.2.1\", port 7000; server at \"::1\", port 7000; "},
    {"host=/run/one,/run/two port=1,2", NULL,
     "server at \"/run/one\", port 1; server at \"/run/two\", port 2; "},
    {"dbname=atm", NULL, "server on this machine, port 5432; "},
};

START_TEST(a_round_has_each_host_once_in_the_order_of_the_conninfo)
{
        char places[512] = "";
        struct pg_hosts *hosts;
        struct pg_seeker seeker;
        bool goes_on = true;
        int told;

        if (rounds[_i].environment)
                setenv("PGPORT", rounds[_i].environment, 1);
        hosts = pg_hosts_new(base, NULL, rounds[_i].conninfo);
        ck_assert_ptr_nonnull(hosts);
        seek(&seeker, hosts, &told);
        while (goes_on) {
                ck_assert(pg_seeker_is_ready(&seeker));
                strcat(strcat(places, place(&seeker)), "; ");
                goes_on = pg_seeker_failed(&seeker);
        }
        ck_assert_str_eq(places, rounds[_i].places);
        ck_assert_ptr_nonnull(strstr(places, place(&seeker))); /* the next round's first */
        ck_assert_ptr_eq(strstr(places, place(&seeker)), places);
        pg_seeker_leave(&seeker);
        pg_hosts_free(hosts);
}
END_TEST

START_TEST(a_silent_host_is_asked_by_one_at_a_time)
{
        struct pg_hosts *hosts = pg_hosts_new(base, NULL, "hostaddr=192.0.2.1,192.0.2.2,192.0.2.3");
        struct pg_seeker a, b;
        int told;

        seek(&a, hosts, &told);
        seek(&b, hosts, &told);
        ck_assert(pg_seeker_is_ready(&a));
        now_ms += 3000;
        ck_assert(pg_seeker_failed(&a)); /* silent; the others refuse at once */
        ck_assert(pg_seeker_failed(&a));
        ck_assert(!pg_seeker_failed(&a));
        ck_assert_str_eq(place(&a), "server at \"192.0.2.1\", port 5432");
        ck_assert(pg_seeker_is_ready(&a)); /* a asks it again */

        now_ms += 100;
        pg_seeker_begin(&b);
        ck_assert_str_eq(place(&b), "server at \"192.0.2.2\", port 5432");
        ck_assert(pg_seeker_failed(&b));
        ck_assert(!pg_seeker_failed(&b)); /* a round of two */
        ck_assert_str_eq(place(&b), "server at \"192.0.2.2\", port 5432");

        now_ms += 2900;
        ck_assert(pg_seeker_failed(&a));
        ck_assert(pg_seeker_failed(&a));
        ck_assert(!pg_seeker_failed(&a));
        pg_seeker_begin(&b); /* its time is over: who comes first is the next to ask it */
        ck_assert_str_eq(place(&b), "server at \"192.0.2.1\", port 5432");
        ck_assert(pg_seeker_is_ready(&b));
        pg_seeker_begin(&a);
        ck_assert_str_eq(place(&a), "server at \"192.0.2.2\", port 5432");
        pg_seeker_succeeded(&b); /* it speaks again */
        pg_seeker_begin(&a);
        ck_assert_str_eq(place(&a), "server at \"192.0.2.1\", port 5432");
        pg_seeker_leave(&a);
        pg_seeker_leave(&b);
        pg_hosts_free(hosts);
}
END_TEST

START_TEST(where_all_hosts_are_silent_none_is_passed_over)
{
        struct pg_hosts *hosts = pg_hosts_new(base, NULL, "hostaddr=192.0.2.1,192.0.2.2");
        struct pg_seeker a, b;
        int told;

        seek(&a, hosts, &told);
        seek(&b, hosts, &told);
        for (int i = 0; i < 4; i++) {
                ck_assert(pg_seeker_is_ready(&a));
                now_ms += 3000;
                ck_assert_int_eq(pg_seeker_failed(&a), i % 2 == 0);
        }
        ck_assert(pg_seeker_is_ready(&a));
        pg_seeker_begin(&b);
        ck_assert_str_eq(place(&b), place(&a));
        pg_seeker_leave(&a);
        pg_seeker_leave(&b);
        pg_hosts_free(hosts);
}
END_TEST

START_TEST(who_finds_a_server_dead_or_good_finds_it_for_all)
{
        struct pg_hosts *hosts = pg_hosts_new(base, NULL, "hostaddr=192.0.2.1,192.0.2.2,192.0.2.3");
        struct pg_seeker a, b, c;
        int told_a, told_b, told_c;

        seek(&a, hosts, &told_a);
        seek(&b, hosts, &told_b);
        seek(&c, hosts, &told_c);
        ck_assert(pg_seeker_failed(&a)); /* the first is silent */
        pg_seeker_begin(&c);
        ck_assert_str_eq(place(&c), "server at \"192.0.2.2\", port 5432");
        ck_assert(pg_seeker_failed(&b)); /* as b found at the same time */
        ck_assert_str_eq(place(&b), "server at \"192.0.2.2\", port 5432");
        ck_assert(pg_seeker_failed(&a)); /* the second is a standby */
        pg_seeker_succeeded(&a);
        ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
        ck_assert(!pg_seeker_is_astray(&a));
        ck_assert(pg_seeker_is_astray(&b));
        ck_assert_int_eq(told_b, 1);
        ck_assert_int_eq(told_c, 1);
        pg_seeker_begin(&b);
        ck_assert_str_eq(place(&b), "server at \"192.0.2.3\", port 5432");
        pg_seeker_begin(&a); /* lost: it may be back at once */
        ck_assert_str_eq(place(&a), "server at \"192.0.2.3\", port 5432");
        ck_assert(pg_seeker_begin_elsewhere(&a)); /* fell silent: all begin elsewhere, and nobody skips one */
        ck_assert(pg_seeker_begin_elsewhere(&b));
        ck_assert_str_eq(place(&a), "server at \"192.0.2.1\", port 5432");
        ck_assert_str_eq(place(&b), "server at \"192.0.2.1\", port 5432");
        pg_seeker_leave(&a);
        pg_seeker_leave(&b);
        pg_seeker_leave(&c);
        pg_hosts_free(hosts);
}
END_TEST

/* --- what libpq is told --------------------------------------------------------------------------- */

static const struct {
        const char *conninfo, *name;
        int64_t attempt_ms;
        const char *told[10][2];
} told_rows[] = {
    {"hostaddr=127.0.0.1,127.0.0.2 host=db1,db2 port=1 dbname=atm user=atm_daemon password='a \\'b\\\\ c'",
     "atmd it's \\ 1/2/3",
     3000,
     {{"host", "db1"},
      {"hostaddr", "127.0.0.1"},
      {"port", "1"},
      {"dbname", "atm"},
      {"password", "a 'b\\ c"},
      {"application_name", "atmd it's \\ 1/2/3"},
      {"target_session_attrs", "primary"},
      {"keepalives_idle", "3"},
      {"tcp_user_timeout", "5000"}}},
    {"postgresql://atm_daemon:se%27cret@[::1]:1/"
     "atm?application_name=mine&sslmode=verify-full&connect_timeout=2"
     "&tcp_user_timeout=7000&keepalives_count=9&target_session_attrs=read-write&hostaddr=::1",
     NULL,
     2000,
     {{"host", "::1"},
      {"password", "se'cret"},
      {"application_name", "mine"},
      {"sslmode", "verify-full"},
      {"target_session_attrs", "read-write"},
      {"keepalives_interval", "1"},
      {"keepalives_count", "9"},
      {"tcp_user_timeout", "7000"}}},
    {"service=books hostaddr=127.0.0.1 target_session_attrs=any connect_timeout=0",
     NULL,
     3000,
     {{"host", "db7"},
      {"port", "1"},
      {"dbname", "accounts"},
      {"channel_binding", "disable"},
      {"tcp_user_timeout", "9000"},
      {"target_session_attrs", "primary"}}},
    {"service=books target_session_attrs=read-write channel_binding=prefer hostaddr=127.0.0.1",
     NULL,
     3000,
     {{"channel_binding", "prefer"}, {"target_session_attrs", "read-write"}}},
};

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
        for (const PQconninfoOption *option = options; option && option->keyword; option++)
                if (!strcmp(option->keyword, keyword))
                        return option->val ? option->val : "";
        return "no such keyword";
}

START_TEST(libpq_is_told_one_host_and_all_that_was_said_beside_it)
{
        char path[] = "/tmp/pg_service.XXXXXX";
        int fd = mkstemp(path);
        FILE *file = fdopen(fd, "w");
        struct pg_hosts *hosts;
        struct pg_seeker seeker;
        PQconninfoOption *options;
        PGconn *pg;
        int told;

        ck_assert_ptr_nonnull(file);
        fprintf(
            file,
            "[books]\nhost=db7\nport=1\ndbname=accounts\nchannel_binding=disable\ntcp_user_timeout=9000\n");
        ck_assert_int_eq(fclose(file), 0);
        setenv("PGSERVICEFILE", path, 1);
        hosts = pg_hosts_new(base, NULL, told_rows[_i].conninfo);
        ck_assert_ptr_nonnull(hosts);
        ck_assert_int_eq(pg_hosts_attempt_ms(hosts), told_rows[_i].attempt_ms);
        seek(&seeker, hosts, &told);
        ck_assert(pg_seeker_is_ready(&seeker));
        pg = pg_seeker_connect(&seeker, told_rows[_i].name);
        options = PQconninfo(pg);
        for (size_t i = 0; i < 10 && told_rows[_i].told[i][0]; i++)
                ck_assert_str_eq(value_of(options, told_rows[_i].told[i][0]), told_rows[_i].told[i][1]);
        PQconninfoFree(options);
        PQfinish(pg);
        remove(path);
        pg_seeker_leave(&seeker);
        pg_hosts_free(hosts);
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------- */

/* A name server that knows db1 and db2, and says nothing while it is silent. */
static struct evdns_server_request *kept;
static bool silent;
static int asked;
static const char *address_of_db2 = "127.0.0.2";

static void answer(struct evdns_server_request *request)
{
        const struct evdns_server_question *question = request->questions[0];
        bool known = !strcmp(question->name, "db1") || !strcmp(question->name, "db2");
        struct in_addr address;

        ck_assert_int_eq(
            inet_pton(AF_INET, question->name[2] == '1' ? "127.0.0.1" : address_of_db2, &address), 1);
        if (known && question->type == EVDNS_TYPE_A)
                evdns_server_request_add_a_reply(request, question->name, 1, &address, 60);
        evdns_server_request_respond(request, known ? DNS_ERR_NONE : DNS_ERR_NOTEXIST);
}

static void on_question(struct evdns_server_request *request, void *context)
{
        (void)context;
        if (request->questions[0]->type == EVDNS_TYPE_A)
                asked++;
        if (!silent || request->questions[0]->type != EVDNS_TYPE_A)
                answer(request);
        else if (!kept)
                kept = request;
        else
                evdns_server_request_drop(request);
}

static struct evdns_base *name_server(struct evdns_server_port **ret_port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct evdns_base *dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);

        kept = NULL;
        silent = false;
        asked = 0;
        address_of_db2 = "127.0.0.2";
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        *ret_port = evdns_add_server_port_with_base(base, fd, 0, on_question, NULL);
        ck_assert_int_eq(evdns_base_nameserver_sockaddr_add(dns, (struct sockaddr *)&address, length, 0), 0);
        evdns_base_set_option(dns, "randomize-case", "0");
        return dns;
}

#define RUN_UNTIL(condition)                                                                                 \
        while (!(condition))                                                                                 \
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0)

START_TEST(a_bad_name_or_a_silent_name_server_only_costs_its_own_host)
{
        struct evdns_server_port *port;
        struct evdns_base *dns = name_server(&port);
        struct pg_hosts *hosts = pg_hosts_new(base, dns, "host=nonesuch,db2,/run/postgresql");
        struct pg_seeker seeker;
        int told;

        seek(&seeker, hosts, &told);
        ck_assert(!pg_seeker_is_ready(&seeker));
        RUN_UNTIL(told == 1);
        ck_assert(!pg_seeker_has_address(&seeker));
        ck_assert_ptr_nonnull(pg_seeker_lookup_error(&seeker));
        ck_assert(pg_seeker_failed(&seeker));

        silent = true;
        ck_assert(!pg_seeker_is_ready(&seeker));
        RUN_UNTIL(kept);
        ck_assert(pg_seeker_failed(&seeker)); /* whoever waits for it gives up */
        ck_assert(pg_seeker_is_ready(&seeker));
        ck_assert_str_eq(place(&seeker), "server at \"/run/postgresql\", port 5432");
        ck_assert(
            !pg_seeker_failed(&seeker)); /* the round is over, and the next begins with the first again */
        ck_assert(pg_seeker_failed(&seeker));

        silent = false;
        answer(kept); /* late, but not lost */
        told = 0;
        RUN_UNTIL(told == 1);
        ck_assert(pg_seeker_is_ready(&seeker));
        ck_assert_str_eq(place(&seeker), "server at \"db2\" (127.0.0.2), port 5432");
        pg_seeker_leave(&seeker);
        pg_hosts_free(hosts);
        evdns_close_server_port(port);
        evdns_base_free(dns, 0);
}
END_TEST

START_TEST(a_known_address_serves_until_the_name_server_has_said_another)
{
        struct evdns_server_port *port;
        struct evdns_base *dns = name_server(&port);
        struct pg_hosts *hosts = pg_hosts_new(base, dns, "host=db2");
        struct pg_seeker seeker;
        int told;

        seek(&seeker, hosts, &told);
        ck_assert(!pg_seeker_is_ready(&seeker));
        RUN_UNTIL(told == 1);
        ck_assert(pg_seeker_is_ready(&seeker));
        ck_assert_int_eq(asked, 1); /* it is fresh */

        silent = true;
        address_of_db2 = "127.0.0.22";
        now_ms += 60000;
        ck_assert(pg_seeker_is_ready(&seeker)); /* nobody waits */
        ck_assert_str_eq(place(&seeker), "server at \"db2\" (127.0.0.2), port 5432");
        RUN_UNTIL(kept);
        silent = false;
        answer(kept);
        RUN_UNTIL(told == 2);
        ck_assert_int_ge(asked, 2);
        ck_assert(pg_seeker_is_ready(&seeker));
        ck_assert_str_eq(place(&seeker), "server at \"db2\" (127.0.0.22), port 5432");

        silent = true;
        now_ms += 60000;
        kept = NULL;
        ck_assert(pg_seeker_is_ready(&seeker)); /* asks again, and is gone before the answer */
        RUN_UNTIL(kept);
        pg_seeker_leave(&seeker);
        pg_hosts_free(hosts);
        event_base_loop(base, EVLOOP_NONBLOCK);
        evdns_close_server_port(port);
        evdns_base_free(dns, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pg_hosts");
        TCase *tcase = tcase_create("pg_hosts");
        tcase_add_checked_fixture(tcase, open_base, close_base);
        tcase_add_loop_test(tcase, a_round_has_each_host_once_in_the_order_of_the_conninfo, 0,
                            sizeof(rounds) / sizeof(*rounds));
        tcase_add_test(tcase, who_finds_a_server_dead_or_good_finds_it_for_all);
        tcase_add_test(tcase, a_silent_host_is_asked_by_one_at_a_time);
        tcase_add_test(tcase, where_all_hosts_are_silent_none_is_passed_over);
        tcase_add_loop_test(tcase, libpq_is_told_one_host_and_all_that_was_said_beside_it, 0,
                            sizeof(told_rows) / sizeof(*told_rows));
        tcase_add_test(tcase, a_bad_name_or_a_silent_name_server_only_costs_its_own_host);
        tcase_add_test(tcase, a_known_address_serves_until_the_name_server_has_said_another);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
