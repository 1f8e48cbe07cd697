/*
 * Connections to a bank over real TLS on the loopback interface, both ends in one event loop. The bank's side
 * is plain OpenSSL that the test drives by hand, so that it can be wrong, slow or gone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/banks/bank_conn.h"
#include "daemon/banks/banks.h"
#include "lib/net/stream.h"
#include "protocol/frame.h"
#include "tests/unit/bank_peer.h"
#include "tests/suite.h"
#include "tests/unit/pki_folder.h"
#include "tests/unit/run_until.h"

enum { TURN_US = 100, SIDES = 2, EXCHANGES = 200 };

/* ---- certificates, made once --------------------------------------------------------------------------- */

static SSL_CTX *client_tls, *bank_tls, *elsewhere_tls, *foreign_tls;

static void make_certificates(void)
{
        pki_folder_make();
        pki_folder_issue("ours", "ACQUIRER", PKI_CLIENT, NULL, 10);
        pki_folder_issue("ours", "bank", PKI_SERVER, "IP:127.0.0.1,DNS:localhost", 10);
        pki_folder_issue("ours", "elsewhere", PKI_SERVER, "IP:127.0.0.2", 10);
        pki_folder_issue("other", "foreign", PKI_SERVER, "IP:127.0.0.1", 10);
        client_tls = pki_folder_client("ours/ACQUIRER");
        bank_tls = pki_folder_server("ours/bank");
        elsewhere_tls = pki_folder_server("ours/elsewhere");
        foreign_tls = pki_folder_server("other/foreign");
}

static void drop_certificates(void)
{
        SSL_CTX *const contexts[] = {client_tls, bank_tls, elsewhere_tls, foreign_tls};
        for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
                SSL_CTX_free(contexts[i]);
        pki_folder_drop();
}

/* ---- the bank's side ----------------------------------------------------------------------------------- */

struct side {
        SSL_CTX *tls;
        int listener, port, fd;
        SSL *ssl;
        uint8_t in[65536];
        size_t have;
        int accepted, requests;
        const char *sign_on; /* DE 39 of its answer; NULL: silence */
        size_t piece;        /* bytes in one write; 0: all */
        bool hang_up;        /* in the middle of the next answer */
        bool deaf;           /* reads nothing once signed on */
};

static struct side sides[SIDES];
static struct iso_message message, answer;

static void listen_on(struct side *side, int port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        socklen_t length = sizeof(address);
        static const int on = 1;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        side->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        setsockopt(side->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        ck_assert_int_eq(bind(side->listener, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(side->listener, 16), 0);
        getsockname(side->listener, (struct sockaddr *)&address, &length);
        side->port = ntohs(address.sin_port);
}

static void hang_up(struct side *side)
{
        SSL_free(side->ssl);
        side->ssl = NULL;
        if (side->fd >= 0)
                close(side->fd);
        side->fd = -1;
        side->have = 0;
}

static void say(struct side *side, const struct iso_message *what)
{
        uint8_t bytes[FRAME_HEADER_MAX + ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = iso_encode(&iso_dialect_ascii, what, bytes + 2, ISO_MESSAGE_MAX, &error);
        ck_assert_int_gt(length, 0);
        size_t total = frame_header(&iso_dialect_ascii, bytes, (size_t)length) + (size_t)length;
        size_t piece = side->piece ? side->piece : total;
        if (side->hang_up) {
                side->hang_up = false;
                SSL_write(side->ssl, bytes, (int)total / 2);
                hang_up(side);
                return;
        }
        for (size_t at = 0; at < total; at += piece)
                ck_assert_int_gt(
                    SSL_write(side->ssl, bytes + at, (int)(total - at < piece ? total - at : piece)), 0);
}

static void hear(struct side *side, const uint8_t *bytes, size_t length)
{
        struct iso_error error;
        ck_assert_int_eq(iso_decode(&iso_dialect_ascii, bytes, length, &message, &error), 0);
        profile_answer(profile_find(message.mti), &message, &answer);
        bool is_network = message.mti[1] == '8';
        iso_set_string(&answer, 39, is_network && side->sign_on ? side->sign_on : "00");
        side->requests += !is_network;
        if (!is_network || side->sign_on)
                say(side, &answer);
}

static void read_side(struct side *side)
{
        if (side->deaf && side->requests)
                return;
        int result = SSL_read(side->ssl, side->in + side->have, (int)(sizeof(side->in) - side->have));
        if (result <= 0) {
                int kind = SSL_get_error(side->ssl, result);
                if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
                        hang_up(side);
                return;
        }
        side->have += (size_t)result;
        size_t used = 0, length;
        const uint8_t *frame;
        while (side->ssl && frame_next(&iso_dialect_ascii, side->in + used, side->have - used, &frame,
                                       &length) == FRAME_READY) {
                used = (size_t)(frame - side->in) + length;
                hear(side, frame, length);
        }
        if (side->ssl) {
                memmove(side->in, side->in + used, side->have - used);
                side->have -= used;
        }
}

static void step(struct side *side)
{
        if (side->fd < 0 && side->listener >= 0) {
                side->fd = accept4(side->listener, NULL, NULL, SOCK_NONBLOCK);
                if (side->fd < 0)
                        return;
                side->accepted++;
                side->ssl = SSL_new(side->tls);
                SSL_set_fd(side->ssl, side->fd);
                SSL_set_accept_state(side->ssl);
        }
        ERR_clear_error();
        if (side->ssl)
                read_side(side);
        ERR_clear_error();
}

/* ---- our side ------------------------------------------------------------------------------------------ */

static struct event_base *base;
static struct evdns_base *dns;
static struct bank_route *route;
static struct bank_conns *conns;
static struct bank_exchange exchanges[EXCHANGES];
static int answered, lost;

/* Both sides take a step; what they wait for are timers mostly, so that it need not be all of the processor's
 * time. */
static void turn(void)
{
        usleep(TURN_US);
        event_base_loop(base, EVLOOP_NONBLOCK);
        for (int i = 0; i < SIDES; i++)
                step(&sides[i]);
}

static void set_up(void)
{
        log_open("stderr", "error", NULL);
        memset(sides, 0, sizeof(sides));
        for (int i = 0; i < SIDES; i++) {
                sides[i].fd = sides[i].listener = -1;
                sides[i].tls = bank_tls;
                sides[i].sign_on = "00";
                listen_on(&sides[i], 0);
        }
        base = event_base_new();
        dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        route = bank_peer_route("BANKA", EXCHANGES);
        conns = NULL;
        answered = lost = 0;
        memset(exchanges, 0, sizeof(exchanges));
}

static void tear_down(void)
{
        evdns_base_free(dns, 0);
        bank_conns_free(conns);
        bank_route_free(route);
        for (int i = 0; i < SIDES; i++) {
                hang_up(&sides[i]);
                close(sides[i].listener);
        }
        event_base_free(base);
        ERR_clear_error();
}

static struct addresses list_of(const char *text)
{
        struct addresses addresses;
        ck_assert(addresses_parse(text, &addresses));
        return addresses;
}

static void start(const char *text, int connections)
{
        struct addresses addresses = list_of(text);
        struct bank_conns_options options = {base, dns, route, client_tls, &addresses, connections};
        conns = bank_conns_new(&options);
        ck_assert_ptr_nonnull(conns);
}

static const char *address_of(int i)
{
        static char text[2][32];
        snprintf(text[i], sizeof(text[i]), "127.0.0.1:%d", sides[i].port);
        return text[i];
}

static void on_end(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *what)
{
        (void)exchange;
        (void)what;
        answered += end == BANK_ANSWERED;
        lost += end == BANK_LOST;
}

static void ask(int i)
{
        struct ledger_identity identity = {
            .terminal = "T0000001", .transmitted_ms = INT64_C(1482980400000), .stan = i};
        struct ledger_request request = {.processing_code = 10000, .amount_yen = 10000, .hall = "H1"};
        struct profile_card card = {"9900110000000001", "3012"};
        struct iso_message asked;
        ck_assert(bank_route_reserve(route));
        bank_format_request(&identity, &request, &card, 108, "1", &asked);
        exchanges[i] =
            (struct bank_exchange){.identity = identity, .kind = MESSAGE_REQUEST, .on_end = on_end};
        ck_assert(bank_route_ask(route, &exchanges[i], &asked));
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static const size_t pieces[] = {0, 1, 7};

START_TEST(many_messages_of_one_turn_and_their_answers_arrive_whole)
{
        sides[0].piece = pieces[_i];
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        for (int i = 0; i < EXCHANGES; i++)
                ask(i);
        RUN_UNTIL(answered == EXCHANGES);
        ck_assert_int_eq(sides[0].requests, EXCHANGES);
        ck_assert_uint_eq(route->reserved, 0);
}
END_TEST

START_TEST(a_bank_whose_messages_have_no_room_with_the_key_module_waits_and_loses_none)
{
        struct bank_mac *taken[LIMIT_BANK_MACS_READ];
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        for (int i = 0; i < LIMIT_BANK_MACS_READ; i++)
                ck_assert_ptr_nonnull(taken[i] = bank_macs_take(&route->env.macs));
        for (int i = 0; i < EXCHANGES; i++)
                ask(i);
        RUN_UNTIL(sides[0].requests == EXCHANGES && route->count.rests == 1);
        for (int i = 0; i < 50; i++)
                turn();
        ck_assert_int_eq(answered, 0);
        ck_assert_uint_eq(route->count.rests, 1); /* nor is it looked at over and over */
        for (int i = 0; i < LIMIT_BANK_MACS_READ; i++)
                bank_mac_give_back(taken[i]);
        RUN_UNTIL(answered == EXCHANGES);
}
END_TEST

/* 32 = acquirer, n, llvar, 11: the row of BANKA, whose file gets another length here. */
START_TEST(an_acquirer_that_the_dialect_has_no_room_for_is_refused_before_the_link_is_used)
{
        static struct settings settings;
        char path[] = "/tmp/test_bank_conn.XXXXXX", line[256], error[1024] = "";
        FILE *from = fopen(SOURCE_DIR "/etc/dialects/BANKA.dialect", "r"), *to = fdopen(mkstemp(path), "w");
        ck_assert(from && to);
        while (fgets(line, sizeof(line), from))
                fputs(strncmp(line, "32 = ", 5) ? line : "32 = acquirer, n, llvar, 7, show\n", to);
        fclose(from);
        fclose(to);
        settings.link_count = 1;
        strcpy(settings.link[0].name, "BANKA");
        snprintf(settings.link[0].dialect, sizeof(settings.link[0].dialect), "%s", path);
        strcpy(settings.link[0].acquirer, "9900001");
        ck_assert_msg(banks_check_dialects(&settings, error, sizeof(error)), "%s", error);
        strcpy(settings.link[0].acquirer, "99000001");
        ck_assert(!banks_check_dialects(&settings, error, sizeof(error)));
        ck_assert_ptr_nonnull(strstr(error, "[link BANKA] acquirer = '99000001'; expected at most 7 digits"));
        unlink(path);
}
END_TEST

START_TEST(connections_spread_over_the_addresses)
{
        char addresses[80];
        snprintf(addresses, sizeof(addresses), "%s, %s", address_of(0), address_of(1));
        start(addresses, 2);
        RUN_UNTIL(route->up == 2);
        ck_assert_int_eq(sides[0].accepted, 1);
        ck_assert_int_eq(sides[1].accepted, 1);
}
END_TEST

START_TEST(an_address_where_nobody_listens_is_followed_by_the_next)
{
        char addresses[80];
        int port = sides[0].port;
        close(sides[0].listener);
        sides[0].listener = -1;
        snprintf(addresses, sizeof(addresses), "127.0.0.1:%d,%s", port, address_of(1));
        start(addresses, 1);
        RUN_UNTIL(bank_route_is_up(route));
        ck_assert_int_eq(sides[1].accepted, 1);
}
END_TEST

/* A server may send tickets at any time; each costs us more than it. */
START_TEST(a_bank_that_floods_us_with_tickets_is_left_and_tried_anew)
{
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        ask(0);
        RUN_UNTIL(answered == 1);
        for (int i = 0; i < 2 * STREAM_TLS_MESSAGES; i++) {
                ck_assert_int_eq(SSL_new_session_ticket(sides[0].ssl), 1);
                ck_assert_int_eq(SSL_do_handshake(sides[0].ssl), 1);
        }
        RUN_UNTIL(!bank_route_is_up(route));
        RUN_UNTIL(bank_route_is_up(route));
        ck_assert_int_eq(sides[0].accepted, 2);
        ask(1);
        RUN_UNTIL(answered == 2);
}
END_TEST

START_TEST(a_name_is_looked_up)
{
        char addresses[80];
        snprintf(addresses, sizeof(addresses), "localhost:%d", sides[0].port);
        evdns_base_load_hosts(dns, "/etc/hosts");
        start(addresses, 1);
        RUN_UNTIL(bank_route_is_up(route)); /* it may stand for an address first where nobody listens */
}
END_TEST

START_TEST(an_address_serves_on_while_nobody_can_say_what_the_name_stands_for)
{
        struct sockaddr_in nobody = {
            .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        char addresses[80];
        snprintf(addresses, sizeof(addresses), "localhost:%d", sides[0].port);
        evdns_base_load_hosts(dns, "/etc/hosts");
        start(addresses, 1);
        RUN_UNTIL(bank_route_is_up(route));
        evdns_base_clear_host_addresses(dns);
        evdns_base_set_option(dns, "timeout:", "0.1");
        evdns_base_set_option(dns, "attempts:", "1");
        ck_assert_int_eq(
            evdns_base_nameserver_sockaddr_add(dns, (struct sockaddr *)&nobody, sizeof(nobody), 0), 0);
        sides[0].hang_up = true;
        ask(1);
        RUN_UNTIL(lost == 1);
        RUN_UNTIL(bank_route_is_up(route));
}
END_TEST

/* As of a name with an IPv6 address on a machine without a way there. */
START_TEST(an_address_that_can_not_be_connected_to_at_all_is_followed_by_the_names_next)
{
        char addresses[80];
        const char *path = in_folder("hosts");
        FILE *hosts = fopen(path, "w");
        ck_assert_ptr_nonnull(hosts);
        fprintf(hosts, "255.255.255.255 localhost\n127.0.0.1 localhost\n");
        ck_assert_int_eq(fclose(hosts), 0);
        evdns_base_load_hosts(dns, path);
        remove(path);
        snprintf(addresses, sizeof(addresses), "localhost:%d", sides[0].port);
        start(addresses, 1);
        RUN_UNTIL(bank_route_is_up(route));
}
END_TEST

enum stranger { ELSEWHERE, FOREIGN, REFUSES, HANGS_UP };

START_TEST(a_bank_that_is_not_the_one_is_never_offered_and_tried_ever_less_often)
{
        if ((enum stranger)_i == ELSEWHERE)
                sides[0].tls = elsewhere_tls;
        if ((enum stranger)_i == FOREIGN)
                sides[0].tls = foreign_tls;
        if ((enum stranger)_i == REFUSES)
                sides[0].sign_on = "91";
        if ((enum stranger)_i == HANGS_UP)
                sides[0].hang_up = true;
        start(address_of(0), 1);
        RUN_UNTIL(sides[0].accepted == 1 && sides[0].fd < 0);
        ck_assert(!bank_route_is_up(route));
        if ((enum stranger)_i == HANGS_UP) { /* which it did once */
                RUN_UNTIL(bank_route_is_up(route));
                return;
        }
        RUN_FOR(2500); /* pauses of 0.2, 0.4, 0.8, 1.6 s, give or take a quarter */
        ck_assert(!bank_route_is_up(route));
        ck_assert_int_ge(sides[0].accepted, 3);
        ck_assert_int_le(sides[0].accepted, 5);
}
END_TEST

START_TEST(a_hang_up_loses_what_was_outstanding_and_the_link_comes_back_by_itself)
{
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        sides[0].hang_up = true;
        ask(1);
        ask(2);
        RUN_UNTIL(lost == 2);
        ck_assert(!bank_route_is_up(route));
        ck_assert_uint_eq(route->reserved, 0);
        RUN_UNTIL(bank_route_is_up(route));
        ask(3);
        RUN_UNTIL(answered == 1);
        ck_assert_int_eq(sides[0].accepted, 2);
}
END_TEST

START_TEST(a_bank_that_takes_nothing_is_given_up)
{
        static uint8_t bytes[ISO_MESSAGE_MAX];
        sides[0].deaf = true;
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        ask(1);
        RUN_UNTIL(sides[0].requests == 1);
        struct bank_session *session = TAILQ_FIRST(&route->sessions);
        int sent = 0;
        while (session->state == BANK_SESSION_UP && bank_route_is_up(route)) {
                ck_assert_int_lt(sent, 1000000);
                for (int i = 0; i < 100 && lost == 0; i++, sent++)
                        session->ops->send(session->peer, bytes, sizeof(bytes));
                turn();
        }
        ck_assert(!bank_route_is_up(route));
}
END_TEST

START_TEST(changed_addresses_hold_from_the_next_connection_on)
{
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        struct addresses addresses = list_of(address_of(1));
        bank_conns_change(conns, client_tls, &addresses);
        RUN_FOR(50);
        ck_assert_int_eq(sides[1].accepted, 0);
        hang_up(&sides[0]);
        RUN_UNTIL(sides[1].accepted == 1 && bank_route_is_up(route));
        ck_assert_int_eq(sides[0].accepted, 1);
}
END_TEST

START_TEST(a_list_without_addresses_is_no_reason_to_abort)
{
        struct addresses none = {.count = 0}, later = list_of(address_of(0));
        struct bank_conns_options options = {base, dns, route, client_tls, &none, 2};
        conns = bank_conns_new(&options);
        ck_assert_ptr_nonnull(conns);
        RUN_FOR(50);
        ck_assert(!bank_route_is_up(route));
        bank_conns_change(conns, client_tls, &later);
        RUN_UNTIL(bank_route_is_up(route));
}
END_TEST

START_TEST(a_sign_off_leaves_before_the_connection_ends)
{
        start(address_of(0), 1);
        RUN_UNTIL(bank_route_is_up(route));
        bank_route_stop(route, "the daemon stops");
        RUN_UNTIL(sides[0].fd < 0);
        ck_assert_str_eq(message.mti, "0800");
        ck_assert_int_eq(profile_network(&iso_dialect_ascii, &message), ISO_NETWORK_SIGN_OFF);
}
END_TEST

int main(void)
{
        signal(SIGPIPE, SIG_IGN);
        make_certificates();
        Suite *suite = suite_create("bank_conn");
        TCase *tcase = tcase_create("bank_conn");
        tcase_set_timeout(tcase, 30);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, many_messages_of_one_turn_and_their_answers_arrive_whole, 0, 3);
        tcase_add_test(tcase, a_bank_whose_messages_have_no_room_with_the_key_module_waits_and_loses_none);
        tcase_add_test(tcase,
                       an_acquirer_that_the_dialect_has_no_room_for_is_refused_before_the_link_is_used);
        tcase_add_test(tcase, connections_spread_over_the_addresses);
        tcase_add_test(tcase, an_address_where_nobody_listens_is_followed_by_the_next);
        tcase_add_test(tcase, a_bank_that_floods_us_with_tickets_is_left_and_tried_anew);
        tcase_add_test(tcase, a_name_is_looked_up);
        tcase_add_test(tcase, an_address_serves_on_while_nobody_can_say_what_the_name_stands_for);
        tcase_add_test(tcase, an_address_that_can_not_be_connected_to_at_all_is_followed_by_the_names_next);
        tcase_add_loop_test(tcase, a_bank_that_is_not_the_one_is_never_offered_and_tried_ever_less_often, 0,
                            HANGS_UP + 1);
        tcase_add_test(tcase, a_hang_up_loses_what_was_outstanding_and_the_link_comes_back_by_itself);
        tcase_add_test(tcase, a_bank_that_takes_nothing_is_given_up);
        tcase_add_test(tcase, changed_addresses_hold_from_the_next_connection_on);
        tcase_add_test(tcase, a_list_without_addresses_is_no_reason_to_abort);
        tcase_add_test(tcase, a_sign_off_leaves_before_the_connection_ends);
        suite_add_tcase(suite, tcase);
        int failed = suite_run(suite);
        drop_certificates();
        return failed;
}
