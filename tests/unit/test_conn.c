/*
 * The connection, against peers of every sort: real TLS over a socket pair, both ends in one event loop.
 * The peer's side is plain OpenSSL that the test drives by hand, so that it can be slow, silent or wrong.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/conn.h"
#include "lib/base/log.h"
#include "protocol/frame.h"
#include "tests/suite.h"
#include "tests/unit/pki_folder.h"
#include "tests/unit/run_until.h"

enum {
        FRAMES_MAX = 4096,
        TURN_US = 100,
        HANDSHAKE_MS = 300,
        IDLE_MS = 400,
        MESSAGE_MS = 200,
        CERTIFICATES = 100, /* more than anybody needs */
};

/* ---- certificates, made once --------------------------------------------------------------------------- */

static SSL_CTX *server_tls, *client_tls, *expired_tls, *foreign_tls, *bare_tls, *many_tls;

static void make_certificates(void)
{
        pki_folder_make();
        pki_folder_issue("ours", "atmd", PKI_SERVER, NULL, 10);
        pki_folder_issue("ours", "T0000001", PKI_CLIENT, NULL, 10);
        pki_folder_issue("ours", "T0000002", PKI_CLIENT, NULL, -1);
        pki_folder_issue("other", "T0000003", PKI_CLIENT, NULL, 10);
        server_tls = pki_folder_server("ours/atmd");
        client_tls = pki_folder_client("ours/T0000001");
        expired_tls = pki_folder_client("ours/T0000002");
        foreign_tls = pki_folder_client("other/T0000003");
        bare_tls = SSL_CTX_new(TLS_client_method());
        many_tls = pki_folder_client("ours/T0000001");
        for (int i = 0; i < CERTIFICATES; i++) /* each of some 500 bytes */
                pki_folder_must(SSL_CTX_add1_chain_cert(many_tls, SSL_CTX_get0_certificate(many_tls)) == 1,
                                "chain");
}

static void drop_certificates(void)
{
        SSL_CTX *const contexts[] = {server_tls, client_tls, expired_tls, foreign_tls, bare_tls, many_tls};
        for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
                SSL_CTX_free(contexts[i]);
        pki_folder_drop();
}

/* ---- the owner ----------------------------------------------------------------------------------------- */

static struct event_base *base;
static struct conn_env *env;
static struct conn *conn;

static struct {
        int readies, frames, closes, frees;
        size_t lengths[FRAMES_MAX];
        uint8_t first[FRAMES_MAX]; /* first byte of each */
        char name[64];
        enum conn_end end;
        bool pause_each, answer_each, close_each, stop_reading, in_call;
} owner;

static void on_ready(void *context, const char *name)
{
        (void)context;
        owner.readies++;
        snprintf(owner.name, sizeof(owner.name), "%s", name);
}

static bool may_read(void *context)
{
        (void)context;
        return !owner.stop_reading;
}

static void on_frame(void *context, const uint8_t *message, size_t length)
{
        (void)context;
        ck_assert(!owner.in_call);
        owner.in_call = true;
        ck_assert_int_lt(owner.frames, FRAMES_MAX);
        owner.lengths[owner.frames] = length;
        owner.first[owner.frames++] = message[0];
        if (owner.answer_each)
                conn_send(conn, message, length);
        if (owner.pause_each)
                conn_pause(conn);
        if (owner.close_each)
                conn_close(conn, CONN_END_TERMINAL, "as the test wants it");
        owner.in_call = false;
}

static void on_closed(void *context, enum conn_end end)
{
        (void)context;
        ck_assert(!owner.in_call); /* never from within a call of ours */
        owner.closes++;
        owner.end = end;
}

static void on_free(void *context)
{
        (void)context;
        owner.frees++;
}

static const struct conn_events events = {on_ready, may_read, on_frame, on_closed};

/* ---- the peer ------------------------------------------------------------------------------------------ */

static int peer_fd;
static SSL *peer;

static void start(SSL_CTX *tls)
{
        /* who shakes hands may be on a busy machine */
        const struct conn_timeouts timeouts = {tls ? PATIENCE_MS : HANDSHAKE_MS, IDLE_MS, MESSAGE_MS};
        int fds[2];
        log_open("stderr", "error", NULL);
        memset(&owner, 0, sizeof(owner));
        base = event_base_new();
        env = conn_env_new(base, &events, &timeouts, on_free, NULL);
        ck_assert_ptr_nonnull(env);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        peer_fd = fds[1];
        conn = conn_new(env, server_tls, fds[0], "the test", &owner);
        ck_assert_ptr_nonnull(conn);
        peer = tls ? SSL_new(tls) : NULL;
        if (peer) {
                SSL_set_fd(peer, peer_fd);
                SSL_set_connect_state(peer);
        }
}

static void finish(void)
{
        SSL_free(peer);
        peer = NULL;
        if (peer_fd >= 0)
                close(peer_fd);
        peer_fd = -1;
        conn_env_free(env);
        event_base_free(base);
        ERR_clear_error();
}

static void turn(void)
{
        usleep(TURN_US); /* timers are waited for mostly: that need not be all of the processor's time */
        event_base_loop(base, EVLOOP_NONBLOCK);
}

static bool shaken(void)
{
        int result = SSL_do_handshake(peer);
        ERR_clear_error();
        return result == 1;
}

static void open_it(void)
{
        start(client_tls);
        RUN_UNTIL(shaken() && owner.readies);
        ck_assert_str_eq(owner.name, "T0000001");
}

static size_t frame(uint8_t *buffer, uint8_t first, size_t length)
{
        size_t header = frame_header(&iso_dialect_ascii, buffer, length);
        memset(buffer + header, first, length);
        return header + length;
}

static void write_all(const uint8_t *bytes, size_t length)
{
        size_t done = 0;
        while (done < length) {
                int result = SSL_write(peer, bytes + done, (int)(length - done));
                if (result > 0)
                        done += (size_t)result;
                else
                        event_base_loop(base, EVLOOP_NONBLOCK);
        }
}

static uint8_t received[1 << 20];
static size_t received_length;
static bool peer_saw_close_notify;

static bool pump_in(void)
{
        int result = SSL_read(peer, received + received_length, (int)(sizeof(received) - received_length));
        if (result > 0)
                received_length += (size_t)result;
        else if (SSL_get_error(peer, result) == SSL_ERROR_ZERO_RETURN)
                peer_saw_close_notify = true;
        ERR_clear_error();
        return result > 0;
}

static bool peer_has(size_t length)
{
        pump_in();
        return received_length >= length;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

START_TEST(a_message_in_single_bytes_is_one_frame)
{
        uint8_t bytes[128];
        open_it();
        size_t length = frame(bytes, 'a', 100);
        for (size_t i = 0; i < length; i++) {
                write_all(bytes + i, 1);
                event_base_loop(base, EVLOOP_NONBLOCK);
        }
        RUN_UNTIL(owner.frames == 1);
        ck_assert_uint_eq(owner.lengths[0], 100);
        finish();
}
END_TEST

START_TEST(messages_in_one_segment_come_one_by_one)
{
        enum { MESSAGES = 150 };
        static uint8_t bytes[MESSAGES * 102];
        size_t length = 0;
        open_it();
        for (int i = 0; i < MESSAGES; i++)
                length += frame(bytes + length, (uint8_t)i, 100);
        ck_assert_uint_le(length, 16384); /* one TLS record */
        owner.pause_each = true;
        owner.answer_each = true;
        received_length = 0;
        write_all(bytes, length);
        for (int i = 0; i < MESSAGES; i++) {
                RUN_UNTIL(owner.frames == i + 1);
                RUN_FOR(1);
                ck_assert_int_eq(owner.frames, i + 1); /* paused: no other one */
                ck_assert_uint_eq(owner.first[i], (uint8_t)i);
                conn_resume(conn);
        }
        RUN_UNTIL(peer_has(length));
        ck_assert_mem_eq(received, bytes, length);
        finish();
}
END_TEST

START_TEST(the_longest_message_passes)
{
        static uint8_t bytes[LIMIT_FRAME * 3];
        open_it();
        size_t length = 0;
        for (int i = 0; i < 3; i++)
                length += frame(bytes + length, (uint8_t)('a' + i), ISO_MESSAGE_MAX);
        owner.answer_each = true;
        received_length = 0;
        write_all(bytes, length);
        RUN_UNTIL(owner.frames == 3 && peer_has(length));
        for (int i = 0; i < 3; i++)
                ck_assert_uint_eq(owner.lengths[i], ISO_MESSAGE_MAX);
        ck_assert_mem_eq(received, bytes, length);
        finish();
}
END_TEST

static const uint16_t bad_lengths[] = {0, ISO_MESSAGE_MAX + 1, 0xffff};

START_TEST(a_length_that_no_message_has_ends_the_connection)
{
        uint8_t bytes[2] = {(uint8_t)(bad_lengths[_i] >> 8), (uint8_t)bad_lengths[_i]};
        open_it();
        write_all(bytes, 2);
        RUN_UNTIL(owner.closes == 1);
        ck_assert_int_eq(owner.end, CONN_END_PROTOCOL);
        ck_assert_int_eq(owner.frames, 0);
        peer_saw_close_notify = false;
        RUN_UNTIL((pump_in(), peer_saw_close_notify));
        close(peer_fd);
        peer_fd = -1;
        RUN_UNTIL(owner.frees == 1);
        finish();
}
END_TEST

START_TEST(the_last_answer_arrives_before_the_end_although_more_was_sent)
{
        uint8_t bytes[4 * 102];
        size_t length = 0;
        open_it();
        for (int i = 0; i < 4; i++)
                length += frame(bytes + length, (uint8_t)('a' + i), 100);
        owner.answer_each = owner.close_each = true;
        received_length = 0;
        peer_saw_close_notify = false;
        write_all(bytes, length);
        RUN_UNTIL(owner.closes == 1);
        ck_assert_int_eq(owner.end, CONN_END_TERMINAL);
        write_all(bytes, length); /* still talking */
        RUN_UNTIL((pump_in(), peer_saw_close_notify));
        ck_assert_int_eq(owner.frames, 1);
        ck_assert_uint_eq(received_length, 102);
        ck_assert_uint_eq(received[2], 'a');
        close(peer_fd);
        peer_fd = -1;
        RUN_UNTIL(owner.frees == 1);
        finish();
}
END_TEST

START_TEST(nothing_is_read_while_the_owner_may_not)
{
        uint8_t bytes[102];
        open_it();
        owner.stop_reading = true;
        write_all(bytes, frame(bytes, 'a', 100));
        RUN_FOR(50);
        ck_assert_int_eq(owner.frames, 0);
        owner.stop_reading = false;
        conn_resume(conn);
        RUN_UNTIL(owner.frames == 1);
        finish();
}
END_TEST

/* ---- peers that end it --------------------------------------------------------------------------------- */

static const struct {
        bool notify, partial;
        enum conn_end end;
} end_rows[] = {
    {true, false, CONN_END_PEER_CLOSED},
    {false, false, CONN_END_HUNG_UP},
    {true, true, CONN_END_PEER_CLOSED},
    {false, true, CONN_END_HUNG_UP},
};

START_TEST(a_peer_that_leaves_is_told_from_one_that_hangs_up)
{
        uint8_t bytes[102];
        open_it();
        frame(bytes, 'a', 100);
        if (end_rows[_i].partial)
                write_all(bytes, 50);
        if (end_rows[_i].notify)
                SSL_shutdown(peer);
        close(peer_fd);
        peer_fd = -1;
        RUN_UNTIL(owner.frees == 1);
        ck_assert_int_eq(owner.closes, 1);
        ck_assert_int_eq(owner.end, end_rows[_i].end);
        ck_assert_int_eq(owner.frames, 0);
        ck_assert_uint_eq(conn_env_count(env), 0);
        finish();
}
END_TEST

START_TEST(a_spoilt_record_ends_the_connection)
{
        open_it();
        ck_assert_int_gt(write(peer_fd,
                               "\x17\x03\x03\x00\x20"
                               "this is no ciphertext of anybody",
                               37),
                         0);
        RUN_UNTIL(owner.closes == 1);
        ck_assert_int_eq(owner.end, CONN_END_PROTOCOL);
        finish();
}
END_TEST

/* ---- a crowd at the door ------------------------------------------------------------------------------- */

/* What a handshake costs, those who are open don't wait for more than once a turn; nor does a newcomer for them to be silent. */
START_TEST(handshakes_go_on_one_a_turn_in_order_and_messages_in_between)
{
        enum { NEWCOMERS = 6 };
        uint8_t bytes[102];
        SSL *newcomer[NEWCOMERS];
        int fds[NEWCOMERS][2], answered = 0;
        struct pollfd polled[NEWCOMERS];
        open_it();
        owner.answer_each = true;
        size_t length = frame(bytes, 'a', 100);
        for (int i = 0; i < NEWCOMERS; i++) {
                ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds[i]), 0);
                ck_assert_ptr_nonnull(conn_new(env, server_tls, fds[i][0], "a newcomer", &owner));
                newcomer[i] = SSL_new(client_tls);
                SSL_set_fd(newcomer[i], fds[i][1]);
                SSL_set_connect_state(newcomer[i]);
                SSL_do_handshake(newcomer[i]);
                polled[i] = (struct pollfd){.fd = fds[i][1], .events = POLLIN};
        }
        ERR_clear_error();
        for (int turns = 0; answered < NEWCOMERS; turns++) {
                int before = answered, frames = owner.frames;
                ck_assert_int_lt(turns, 4 * NEWCOMERS);
                write_all(bytes, length);
                event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
                ck_assert_int_eq(owner.frames, frames + 1);
                ck_assert_int_ge(poll(polled, NEWCOMERS, 0), 0);
                for (answered = 0; answered < NEWCOMERS && polled[answered].revents; answered++)
                        continue;
                for (int i = answered; i < NEWCOMERS; i++)
                        ck_assert_int_eq(polled[i].revents, 0);
                ck_assert_int_le(answered, before + 1);
        }
        for (int i = 0; i < NEWCOMERS; i++) {
                SSL_free(newcomer[i]);
                close(fds[i][1]);
        }
        finish();
}
END_TEST

/* All of it is there at once, and would come faster than it is answered: it has its share of each turn, as everybody has. */
START_TEST(a_flood_of_messages_has_its_share_of_a_turn_and_no_more)
{
        enum { FLOOD = 20 * LIMIT_FRAMES_PER_TURN };
        static uint8_t bytes[FLOOD * 102];
        size_t length = 0;
        open_it();
        for (int i = 0; i < FLOOD; i++)
                length += frame(bytes + length, 'a', 100);
        write_all(bytes, length);
        ck_assert_int_le(owner.frames, LIMIT_FRAMES_PER_TURN); /* write_all may have had to turn the loop */
        for (int turns = 0; owner.frames < FLOOD; turns++) {
                int before = owner.frames;
                ck_assert_int_lt(turns, 4 * FLOOD);
                event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
                ck_assert_int_le(owner.frames, before + LIMIT_FRAMES_PER_TURN);
        }
        finish();
}
END_TEST

/* ---- strangers ----------------------------------------------------------------------------------------- */

START_TEST(who_has_no_certificate_of_ours_is_not_let_in)
{
        SSL_CTX *const strangers[] = {bare_tls, expired_tls, foreign_tls, many_tls};
        start(strangers[_i]);
        RUN_UNTIL((shaken(), owner.closes == 1));
        ck_assert_int_eq(owner.end, CONN_END_HANDSHAKE_FAILED);
        ck_assert_int_eq(owner.readies, 0);
        received_length = 0;
        for (int i = 0; i < 10; i++)
                ck_assert(!pump_in());
        close(peer_fd);
        peer_fd = -1;
        RUN_UNTIL(owner.frees == 1);
        finish();
}
END_TEST

START_TEST(who_leaves_before_the_handshake_is_over_has_hung_up)
{
        start(client_tls);
        if (_i)
                ck_assert(!shaken()); /* its first message is on the way */
        close(peer_fd);
        peer_fd = -1;
        RUN_UNTIL(owner.frees == 1);
        ck_assert_int_eq(owner.end, CONN_END_HUNG_UP);
        ck_assert_int_eq(owner.readies, 0);
        finish();
}
END_TEST

static const char *const garbage[] = {
    "GET / HTTP/1.1\r\nHost: atm\r\n\r\n",
    "\x16\x03\x01\xff\xff garbage after a header",
    "0200\x72\x3c",
    "\x80\x2e\x01\x03\x01",
};

START_TEST(bytes_that_are_no_handshake_end_the_connection)
{
        start(NULL);
        ck_assert_int_gt(write(peer_fd, garbage[_i], strlen(garbage[_i])), 0);
        RUN_UNTIL(owner.closes == 1);
        ck_assert(owner.end == CONN_END_HANDSHAKE_FAILED || owner.end == CONN_END_HANDSHAKE_TIMEOUT);
        ck_assert_int_eq(owner.readies, 0);
        finish();
}
END_TEST

/* ---- peers that take their time ------------------------------------------------------------------------ */

/* Not before its time; by how much later is a matter of the machine. */
static void assert_waited(int64_t since_ms, int64_t wanted_ms)
{
        int64_t took_ms = steady_now_ms() - since_ms;
        ck_assert_msg(took_ms >= wanted_ms - 20, "took %d ms", (int)took_ms);
}

START_TEST(a_silent_peer_is_closed_when_the_handshakes_time_is_up)
{
        int64_t since_ms = steady_now_ms();
        start(NULL);
        RUN_UNTIL(owner.closes == 1);
        assert_waited(since_ms, HANDSHAKE_MS);
        ck_assert_int_eq(owner.end, CONN_END_HANDSHAKE_TIMEOUT);
        RUN_UNTIL(owner.frees == 1);
        finish();
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
        int64_t since_ms = steady_now_ms();
        open_it();
        RUN_UNTIL(owner.closes == 1);
        assert_waited(since_ms, IDLE_MS);
        ck_assert_int_eq(owner.end, CONN_END_IDLE_TIMEOUT);
        finish();
}
END_TEST

START_TEST(messages_keep_a_connection_open)
{
        uint8_t bytes[102];
        open_it();
        for (int i = 0; i < 4; i++) {
                RUN_FOR(IDLE_MS / 2);
                write_all(bytes, frame(bytes, 'a', 100));
        }
        RUN_UNTIL(owner.frames == 4);
        ck_assert_int_eq(owner.closes, 0);
        finish();
}
END_TEST

START_TEST(a_paused_connection_is_not_idle)
{
        uint8_t bytes[102];
        open_it();
        owner.pause_each = true;
        write_all(bytes, frame(bytes, 'a', 100));
        RUN_UNTIL(owner.frames == 1);
        RUN_FOR(IDLE_MS * 2);
        ck_assert_int_eq(owner.closes, 0);
        conn_resume(conn);
        RUN_UNTIL(owner.closes == 1);
        ck_assert_int_eq(owner.end, CONN_END_IDLE_TIMEOUT);
        finish();
}
END_TEST

/* A byte now and then does not make more time for it. */
START_TEST(a_message_that_trickles_in_is_not_waited_for_longer)
{
        uint8_t bytes[102];
        open_it();
        frame(bytes, 'a', 100);
        int64_t since_ms = steady_now_ms();
        for (size_t i = 0; i < sizeof(bytes) && !owner.closes; i++) {
                write_all(bytes + i, 1);
                RUN_FOR(MESSAGE_MS / 5);
        }
        ck_assert_int_eq(owner.closes, 1);
        assert_waited(since_ms, MESSAGE_MS);
        ck_assert_int_eq(owner.end, CONN_END_MESSAGE_TIMEOUT);
        ck_assert_int_eq(owner.frames, 0);
        finish();
}
END_TEST

/* It asks and asks and never reads: reading stops, what is kept stays small, then its time is up. */
START_TEST(a_peer_that_does_not_take_its_answers_is_closed)
{
        static uint8_t bytes[LIMIT_FRAME];
        open_it();
        owner.answer_each = true;
        size_t length = frame(bytes, 'a', ISO_MESSAGE_MAX), sent = 0;
        int64_t end_ms = steady_now_ms() + PATIENCE_MS;
        while (!owner.closes && steady_now_ms() < end_ms) {
                if (SSL_write(peer, bytes, (int)length) > 0)
                        sent++;
                ERR_clear_error();
                event_base_loop(base, EVLOOP_NONBLOCK);
        }
        ck_assert_int_eq(owner.closes, 1);
        ck_assert_int_eq(owner.end, CONN_END_UNREAD);
        ck_assert_int_lt(owner.frames, (int)sent);
        RUN_UNTIL(owner.frees == 1);
        finish();
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        signal(SIGPIPE, SIG_IGN); /* as in atmd: who writes to a peer that has gone gets an error */
        make_certificates();
        Suite *suite = suite_create("conn");
        TCase *tcase = tcase_create("conn");
        tcase_set_timeout(tcase, 30);
        tcase_add_test(tcase, a_message_in_single_bytes_is_one_frame);
        tcase_add_test(tcase, messages_in_one_segment_come_one_by_one);
        tcase_add_test(tcase, the_longest_message_passes);
        tcase_add_loop_test(tcase, a_length_that_no_message_has_ends_the_connection, 0, COUNT(bad_lengths));
        tcase_add_test(tcase, the_last_answer_arrives_before_the_end_although_more_was_sent);
        tcase_add_test(tcase, nothing_is_read_while_the_owner_may_not);
        tcase_add_loop_test(tcase, a_peer_that_leaves_is_told_from_one_that_hangs_up, 0, COUNT(end_rows));
        tcase_add_test(tcase, a_spoilt_record_ends_the_connection);
        tcase_add_test(tcase, handshakes_go_on_one_a_turn_in_order_and_messages_in_between);
        tcase_add_test(tcase, a_flood_of_messages_has_its_share_of_a_turn_and_no_more);
        tcase_add_loop_test(tcase, who_has_no_certificate_of_ours_is_not_let_in, 0, 4);
        tcase_add_loop_test(tcase, who_leaves_before_the_handshake_is_over_has_hung_up, 0, 2);
        tcase_add_loop_test(tcase, bytes_that_are_no_handshake_end_the_connection, 0, COUNT(garbage));
        tcase_add_test(tcase, a_silent_peer_is_closed_when_the_handshakes_time_is_up);
        tcase_add_test(tcase, an_idle_connection_is_closed);
        tcase_add_test(tcase, messages_keep_a_connection_open);
        tcase_add_test(tcase, a_paused_connection_is_not_idle);
        tcase_add_test(tcase, a_message_that_trickles_in_is_not_waited_for_longer);
        tcase_add_test(tcase, a_peer_that_does_not_take_its_answers_is_closed);
        suite_add_tcase(suite, tcase);
        int failed = suite_run(suite);
        drop_certificates();
        return failed;
}
