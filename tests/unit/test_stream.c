/*
 * Streams of messages over real TLS on the loopback interface, both ends ours and in one event loop. Messages here are
 * a byte of length and that many bytes: a stream knows no other framing than its owner's. (test_conn.c has the peers
 * that are slow, silent or wrong.)
 */
#include <check.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/hex.h"
#include "lib/base/log.h"
#include "lib/net/listener.h"
#include "lib/net/stream.h"
#include "tests/suite.h"
#include "tests/unit/pki_folder.h"
#include "tests/unit/run_until.h"

enum { OUT_MAX = 1 << 16, MESSAGE_MAX = 255, END_OURS = STREAM_END_OWNER };

/* ---- certificates, made once --------------------------------------------------------------------------- */

static SSL_CTX *server_tls, *client_tls;

static void make_certificates(void)
{
        pki_folder_make();
        pki_folder_issue("ours", "server", PKI_SERVER, "IP:127.0.0.1", 10);
        pki_folder_issue("ours", "CLIENT", PKI_CLIENT, NULL, 10);
        server_tls = pki_folder_server("ours/server");
        client_tls = pki_folder_client("ours/CLIENT");
}

static void drop_certificates(void)
{
        SSL_CTX_free(server_tls);
        SSL_CTX_free(client_tls);
        pki_folder_drop();
}

/* ---- both ends ----------------------------------------------------------------------------------------- */

struct end {
        struct stream_env *env;
        struct stream stream;
        int opens, messages, sents, closes, gones, end;
        int connects_anew; /* so many times */
        size_t bytes;
        uint8_t last; /* first byte of the last message */
        char name[STREAM_NAME_MAX], reason[STREAM_REASON_MAX];
        bool echoes, drops, closes_it, breaks_when_sent, stops_reading, in_call;
};

static struct event_base *base;
static struct listener *door;
static struct sockaddr_in where;
static struct end client, server;

static enum frame_result next_message(const void *rules, const uint8_t *bytes, size_t available,
                                      const uint8_t **ret_message, size_t *ret_length)
{
        ck_assert_ptr_eq(rules, &base);
        if (bytes[0] == 0)
                return FRAME_BAD;
        if (available < 1U + bytes[0])
                return FRAME_PARTIAL;
        *ret_message = bytes + 1;
        *ret_length = bytes[0];
        return FRAME_READY;
}

static struct end *end_of(struct stream *stream)
{
        return stream == &client.stream ? &client : &server;
}

static size_t compose(uint8_t *bytes, uint8_t first, uint8_t length)
{
        bytes[0] = length;
        memset(bytes + 1, first, length);
        return 1U + length;
}

static void connect_it(void);

static void on_open(struct stream *stream, const char *name)
{
        struct end *end = end_of(stream);
        end->opens++;
        snprintf(end->name, sizeof(end->name), "%s", name ? name : "-");
}

static bool may_read(struct stream *stream)
{
        return !end_of(stream)->stops_reading;
}

static void on_message(struct stream *stream, const uint8_t *message, size_t length)
{
        struct end *end = end_of(stream);
        ck_assert(!end->in_call);
        end->in_call = true;
        end->messages++;
        end->bytes += length;
        end->last = message[0];
        if (end->echoes)
                stream_send(stream, message - 1, length + 1);
        if (end->closes_it)
                stream_close(stream, END_OURS, "as the test wants it");
        if (end->drops)
                stream_drop(stream, false);
        end->in_call = false;
}

static void on_sent(struct stream *stream)
{
        struct end *end = end_of(stream);
        end->sents++;
        if (end->breaks_when_sent)
                stream_break(stream, END_OURS, "broken");
}

static void on_closed(struct stream *stream, int what, const char *reason)
{
        struct end *end = end_of(stream);
        ck_assert(!end->in_call);
        end->closes++;
        end->end = what;
        snprintf(end->reason, sizeof(end->reason), "%s", reason);
        if (end->connects_anew-- > 0)
                connect_it();
}

static void on_gone(struct stream *stream)
{
        end_of(stream)->gones++;
}

static const struct stream_events events = {on_open, may_read, on_message, on_sent, on_closed, on_gone};

static void on_accepted(void *context, int fd, const struct sockaddr *address, const char *peer)
{
        (void)context;
        (void)address;
        ck_assert_int_eq(strncmp(peer, "127.0.0.1:", 10), 0);
        if (stream_state(&server.stream) == STREAM_CLOSED)
                ck_assert(stream_accept(&server.stream, server_tls, fd));
        else
                close(fd);
}

static void on_refused(void *context)
{
        (void)context;
}

static void open_door(int port)
{
        static const struct listener_rules rules = {.backlog = 16, .accepts_per_turn = 16, .rest_ms = 100};
        static const struct listener_events door_events = {on_accepted, on_refused};
        char error[LISTENER_ERROR_MAX] = "";
        door = listener_new(base, "127.0.0.1", port, &rules, &door_events, NULL, error);
        ck_assert_msg(door != NULL, "%s", error);
        where = (struct sockaddr_in){.sin_family = AF_INET};
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        where.sin_port = htons((uint16_t)atoi(strrchr(listener_address(door), ':') + 1));
}

static struct stream_rules rules;
static struct stream_timeouts timeouts;

static void set_up(void)
{
        log_open("stderr", "error", NULL);
        memset(&client, 0, sizeof(client));
        memset(&server, 0, sizeof(server));
        base = event_base_new();
        rules = (struct stream_rules){.framing = {next_message, &base, MESSAGE_MAX},
                                      .input_max = 1024,
                                      .output_max = OUT_MAX,
                                      .output_pause = SIZE_MAX,
                                      .messages_per_turn = 8,
                                      .keeps_buffers = true};
        timeouts = (struct stream_timeouts){.handshake_ms = PATIENCE_MS};
        open_door(0);
}

static void begin(void)
{
        client.env = stream_env_new(base, &rules, &events, &timeouts, &client);
        server.env = stream_env_new(base, &rules, &events, &timeouts, &server);
        ck_assert_ptr_nonnull(client.env);
        ck_assert_ptr_nonnull(server.env);
        ck_assert_ptr_eq(stream_env_context(client.env), &client);
        stream_init(&client.stream, client.env);
        stream_init(&server.stream, server.env);
}

static void tear_down(void)
{
        stream_env_free(client.env);
        stream_env_free(server.env);
        listener_free(door);
        event_base_free(base);
        ERR_clear_error();
}

static void connect_to(const char *host)
{
        SSL *ssl = SSL_new(client_tls);
        ck_assert(tls_expect_host(ssl, host));
        ck_assert(stream_connect(&client.stream, ssl, (const struct sockaddr *)&where, sizeof(where), NULL));
}

static void connect_it(void)
{
        connect_to("127.0.0.1");
}

static void turn(void)
{
        event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Long enough for what must not happen to happen. */
static void run_on(void)
{
        RUN_FOR(30);
}

static void open_both(void)
{
        begin();
        connect_it();
        ck_assert_int_eq(stream_state(&client.stream), STREAM_CONNECTING);
        RUN_UNTIL(client.opens && server.opens);
}

/* How often the loop turns while nothing is to be done: whoever asks for what is there already makes it spin. */
enum { QUIET_TURNS = 20 };

static void on_time_over(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        *(bool *)context = true;
}

static int turns_of_50_ms(void)
{
        static const struct timeval duration = {.tv_usec = 50000};
        bool over = false;
        int turns = 0;
        event_base_once(base, -1, EV_TIMEOUT, on_time_over, &over, &duration);
        while (!over) {
                event_base_loop(base, EVLOOP_ONCE);
                turns++;
        }
        return turns;
}

/* ---- records that OpenSSL would not send --------------------------------------------------------------- */

enum { SECRET_LENGTH = 32, KEY_LENGTH = 16, IV_LENGTH = 12, TAG_LENGTH = 16, RECORD_MAX = 64 };
enum record_kind { RECORD_CHANGE_CIPHER = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

/* What the client protects its messages with (RFC 8446, 7.1 to 7.3). */
static struct {
        uint8_t secret[SECRET_LENGTH];
        uint8_t sequence; /* of the next record */
} sender;

static void on_key(const SSL *ssl, const char *line)
{
        static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
        const char *digits = strrchr(line, ' ') + 1;
        (void)ssl;
        if (strncmp(line, label, strlen(label)) != 0)
                return;
        ck_assert(hex_parse(digits, sender.secret, SECRET_LENGTH));
        sender.sequence = 0;
}

static void expand(const char *label, uint8_t *ret_bytes, size_t length)
{
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
        EVP_KDF_CTX *expander = EVP_KDF_CTX_new(kdf);
        OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string("mode", (char[]){"EXPAND_ONLY"}, 0),
            OSSL_PARAM_construct_utf8_string("digest", (char[]){"SHA256"}, 0),
            OSSL_PARAM_construct_octet_string("key", sender.secret, SECRET_LENGTH),
            OSSL_PARAM_construct_octet_string("prefix", (char[]){"tls13 "}, 6),
            OSSL_PARAM_construct_octet_string("label", (void *)(uintptr_t)label, strlen(label)),
            OSSL_PARAM_construct_end(),
        };
        ck_assert_int_eq(EVP_KDF_derive(expander, ret_bytes, length, parameters), 1);
        EVP_KDF_CTX_free(expander);
        EVP_KDF_free(kdf);
}

static void update_secret(void)
{
        uint8_t next[SECRET_LENGTH];
        expand("traffic upd", next, sizeof(next));
        memcpy(sender.secret, next, sizeof(next));
        sender.sequence = 0;
}

static size_t protect(uint8_t *record, enum record_kind kind, const uint8_t *bytes, size_t length)
{
        uint8_t key[KEY_LENGTH], iv[IV_LENGTH], plain[RECORD_MAX];
        size_t total = length + 1 + TAG_LENGTH;
        int done;
        expand("key", key, sizeof(key));
        expand("iv", iv, sizeof(iv));
        iv[IV_LENGTH - 1] ^= sender.sequence++;
        memcpy(plain, bytes, length);
        plain[length] = (uint8_t)kind;
        memcpy(record, (const uint8_t[]){RECORD_DATA, 3, 3, 0, (uint8_t)total}, 5);
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        ck_assert_int_eq(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, iv), 1);
        ck_assert_int_eq(EVP_EncryptUpdate(cipher, NULL, &done, record, 5), 1);
        ck_assert_int_eq(EVP_EncryptUpdate(cipher, record + 5, &done, plain, (int)length + 1), 1);
        ck_assert_int_eq(EVP_EncryptFinal_ex(cipher, record + 5 + done, &done), 1);
        ck_assert_int_eq(
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_LENGTH, record + 5 + length + 1), 1);
        EVP_CIPHER_CTX_free(cipher);
        return 5 + total;
}

static void send_raw(const uint8_t *bytes, size_t length)
{
        ck_assert_int_eq(write(client.stream.fd, bytes, length), (ssize_t)length);
}

/* ---- messages ------------------------------------------------------------------------------------------ */

START_TEST(both_ends_open_and_messages_go_both_ways)
{
        uint8_t bytes[256];
        open_both();
        ck_assert_str_eq(server.name, "CLIENT");
        ck_assert_str_eq(client.name, "-");
        server.echoes = true;
        for (int i = 1; i <= 50; i++) {
                stream_send(&client.stream, bytes, compose(bytes, (uint8_t)i, (uint8_t)(i * 5)));
                RUN_UNTIL(client.messages == i);
                ck_assert_uint_eq(client.last, i);
        }
        ck_assert_uint_eq(client.bytes, server.bytes);
        ck_assert_uint_eq(stream_env_count(client.env), 1);
}
END_TEST

START_TEST(more_messages_than_a_turns_share_all_arrive)
{
        enum { MESSAGES = 1000 };
        uint8_t bytes[256];
        open_both();
        server.echoes = true;
        for (int i = 0; i < MESSAGES; i++)
                stream_queue(&client.stream, bytes, compose(bytes, 'm', 40));
        ck_assert_uint_eq(stream_waiting(&client.stream), MESSAGES * 41);
        stream_flush(&client.stream);
        RUN_UNTIL(client.messages == MESSAGES);
        ck_assert_uint_eq(client.bytes, MESSAGES * 40);
        ck_assert_uint_eq(stream_waiting(&client.stream), 0);
}
END_TEST

START_TEST(what_is_queued_leaves_at_the_flush_and_not_before)
{
        uint8_t bytes[256];
        open_both();
        stream_queue(&client.stream, bytes, compose(bytes, 'a', 10));
        run_on();
        ck_assert_int_eq(server.messages, 0);
        ck_assert_int_eq(client.sents, 0);
        stream_flush(&client.stream);
        ck_assert_int_eq(client.sents, 1);
        RUN_UNTIL(server.messages == 1);
        stream_queue(&client.stream, bytes, compose(bytes, 'b', 10));
        stream_close(&client.stream, END_OURS, "over");
        RUN_UNTIL(server.closes == 1);
        ck_assert_int_eq(server.messages, 1); /* its record was not durable */
        ck_assert_int_eq(server.end, STREAM_END_PEER_CLOSED);
}
END_TEST

START_TEST(what_is_sent_takes_along_what_was_queued_in_order)
{
        uint8_t bytes[256];
        open_both();
        stream_queue(&client.stream, bytes, compose(bytes, 'a', 10));
        stream_send(&client.stream, bytes, compose(bytes, 'b', 10));
        RUN_UNTIL(server.messages == 2);
        ck_assert_uint_eq(server.last, 'b');
        ck_assert_uint_eq(stream_waiting(&client.stream), 0);
}
END_TEST

START_TEST(bytes_taken_back_never_leave_and_a_broken_line_ends_without_a_word)
{
        uint8_t bytes[256];
        open_both();
        stream_queue(&client.stream, bytes, compose(bytes, 'a', 10));
        stream_queue(&client.stream, bytes, compose(bytes, 'b', 10));
        stream_unqueue(&client.stream, 6);
        client.breaks_when_sent = true;
        stream_flush(&client.stream);
        ck_assert_int_eq(client.closes, 0); /* never within a call of ours */
        RUN_UNTIL(server.closes == 1 && client.closes == 1);
        ck_assert_int_eq(server.messages, 1);
        ck_assert_int_eq(server.end, STREAM_END_HUNG_UP);
        ck_assert_int_eq(client.end, END_OURS);
        ck_assert_str_eq(client.reason, "broken");
}
END_TEST

START_TEST(a_length_that_the_framing_refuses_ends_the_stream)
{
        open_both();
        stream_send(&client.stream, (const uint8_t[]){0, 9}, 2);
        RUN_UNTIL(server.closes == 1);
        ck_assert_int_eq(server.end, STREAM_END_PROTOCOL);
        ck_assert_str_eq(server.reason, "a message begins with 00 09, which is no length of 1 to 255 bytes");
}
END_TEST

/* ---- back-pressure ------------------------------------------------------------------------------------- */

START_TEST(a_peer_that_does_not_read_is_closed_when_too_much_waits)
{
        uint8_t bytes[256];
        open_both();
        server.stops_reading = true;
        int64_t end_ms = steady_now_ms() + PATIENCE_MS;
        while (!client.closes && steady_now_ms() < end_ms) {
                stream_send(&client.stream, bytes, compose(bytes, 'a', 255));
                event_base_loop(base, EVLOOP_NONBLOCK);
                ck_assert_uint_le(stream_waiting(&client.stream), OUT_MAX);
        }
        ck_assert_int_eq(client.closes, 1);
        ck_assert_int_eq(client.end, STREAM_END_UNREAD);
        ck_assert_int_eq(server.messages, 0);
}
END_TEST

START_TEST(what_was_not_taken_in_time_closes_too)
{
        uint8_t bytes[256];
        timeouts.output_ms = 100;
        open_both();
        server.stops_reading = true;
        while (stream_waiting(&client.stream) == 0)
                stream_send(&client.stream, bytes, compose(bytes, 'a', 255));
        RUN_UNTIL(client.closes == 1);
        ck_assert_int_eq(client.end, STREAM_END_UNREAD);
        ck_assert_str_eq(client.reason, "what was sent was not taken in time");
}
END_TEST

/* Half-duplex or full: whether what waits to leave keeps it from reading. */
START_TEST(reading_rests_while_as_much_waits_as_the_rules_say)
{
        uint8_t bytes[256];
        rules.output_pause = _i ? 1 : SIZE_MAX;
        open_both();
        server.stops_reading = true;
        while (stream_waiting(&client.stream) == 0)
                stream_send(&client.stream, bytes, compose(bytes, 'a', 255));
        int before = client.messages;
        stream_send(&server.stream, bytes, compose(bytes, 'b', 255));
        if (_i) {
                run_on();
                ck_assert_int_eq(client.messages, before);
                server.stops_reading = false;
                stream_resume(&server.stream);
        }
        RUN_UNTIL(client.messages == before + 1);
}
END_TEST

START_TEST(a_pause_keeps_what_has_come_and_resuming_hands_it_over)
{
        uint8_t bytes[512];
        open_both();
        stream_pause(&server.stream);
        size_t length = compose(bytes, 'a', 200);
        length += compose(bytes + length, 'b', 200);
        stream_send(&client.stream, bytes, length);
        run_on();
        ck_assert_int_eq(server.messages, 0);
        stream_resume(&server.stream);
        RUN_UNTIL(server.messages == 2);
}
END_TEST

/* TLS can write nothing before the other half is there: that is waited for, not asked for over and over. */
START_TEST(half_a_key_update_holds_an_answer_up_and_keeps_nobody_busy)
{
        static const uint8_t key_update[] = {24, 0, 0, 1, 0};
        uint8_t bytes[256], records[3 * RECORD_MAX];
        rules.output_pause = _i ? 1 : SIZE_MAX;
        SSL_CTX_set_keylog_callback(client_tls, on_key);
        open_both();
        send_raw(records, protect(records, RECORD_HANDSHAKE, key_update, 4));
        run_on();
        stream_send(&server.stream, bytes, compose(bytes, 'a', 10));
        ck_assert_int_le(turns_of_50_ms(), QUIET_TURNS);
        ck_assert_uint_eq(stream_waiting(&server.stream), 11);
        size_t length = protect(records, RECORD_HANDSHAKE, key_update + 4, 1);
        update_secret();
        length += protect(records + length, RECORD_DATA, bytes, compose(bytes, 'b', 5));
        send_raw(records, length);
        RUN_UNTIL(client.messages == 1 && server.messages == 1);
        ck_assert_uint_eq(server.last, 'b');
}
END_TEST

static bool update_key(void)
{
        ERR_clear_error();
        return SSL_key_update(client.stream.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
               SSL_do_handshake(client.stream.ssl) == 1;
}

START_TEST(key_updates_now_and_then_are_nothing_special)
{
        uint8_t bytes[256];
        open_both();
        for (int i = 1; i <= STREAM_TLS_MESSAGES; i++) {
                ck_assert(update_key());
                stream_send(&client.stream, bytes, compose(bytes, 'a', 10));
                RUN_UNTIL(server.messages == i);
        }
        ck_assert_int_eq(server.closes, 0);
}
END_TEST

/* Either way they would keep the loop from everybody else; a message among them changes nothing. */
START_TEST(who_sends_more_key_updates_than_that_is_closed)
{
        uint8_t bytes[256];
        size_t length = compose(bytes, 'a', 10);
        open_both();
        for (int64_t end_ms = steady_now_ms() + PATIENCE_MS; !server.closes && steady_now_ms() < end_ms;) {
                for (int i = 0; i < 1000 && update_key(); i++)
                        if (_i)
                                SSL_write(client.stream.ssl, bytes, (int)length);
                event_base_loop(base, EVLOOP_NONBLOCK);
        }
        ck_assert_int_eq(server.closes, 1);
        ck_assert_int_eq(server.end, STREAM_END_FLOOD);
        ck_assert_str_eq(server.reason, "more than 32 key updates or the like at once");
        ck_assert_int_le(server.messages, 2 * STREAM_TLS_MESSAGES); /* some more where the machine is slow */
}
END_TEST

/* They cost their sender nothing at the moment; of all that has come the stream reads what it has read already and no more. */
START_TEST(key_updates_that_were_made_beforehand_are_not_read_to_their_end)
{
        enum { PREPARED = 10000 };
        char *bytes;
        timeouts.linger_ms = PATIENCE_MS;
        open_both();
        SSL_set0_wbio(client.stream.ssl, BIO_new(BIO_s_mem()));
        for (int i = 0; i < PREPARED; i++)
                ck_assert(update_key());
        long length = BIO_get_mem_data(SSL_get_wbio(client.stream.ssl), &bytes);
        ck_assert_int_ge(length, PREPARED * 20);
        ck_assert_int_gt(write(client.stream.fd, bytes, (size_t)length), length / 2);
        stream_pause(&client.stream);
        event_base_loop(base, EVLOOP_NONBLOCK);
        ck_assert_int_eq(server.closes, 1);
        ck_assert_int_eq(server.end, STREAM_END_FLOOD);
}
END_TEST

/* A bank is a server: it may send tickets at any time. */
START_TEST(a_server_that_floods_with_tickets_is_closed)
{
        open_both();
        for (int i = 0; i < 2 * STREAM_TLS_MESSAGES; i++) {
                ck_assert_int_eq(SSL_new_session_ticket(server.stream.ssl), 1);
                ck_assert_int_eq(SSL_do_handshake(server.stream.ssl), 1);
        }
        RUN_UNTIL(client.closes == 1);
        ck_assert_int_eq(client.end, STREAM_END_FLOOD);
}
END_TEST

/* Records of all other sorts: OpenSSL itself counts them, or they are part of what we count. */
static const struct {
        enum record_kind kind;
        size_t length;
        uint8_t bytes[4];
        bool plain;
        int end;
} record_rows[] = {
    {RECORD_DATA, 0, {0}, false, STREAM_END_PROTOCOL},
    {RECORD_ALERT, 2, {1, 90}, false, STREAM_END_PROTOCOL}, /* user_canceled, which means nothing */
    {RECORD_CHANGE_CIPHER, 1, {1}, true, STREAM_END_PROTOCOL},
    {RECORD_HANDSHAKE, 0, {0}, false, STREAM_END_PROTOCOL},
    {RECORD_HANDSHAKE, 4, {24, 0, 0, 0}, false, STREAM_END_PROTOCOL}, /* a key update of no length */
};

START_TEST(records_that_hold_no_message_end_the_stream_whatever_they_are)
{
        enum { RECORDS = 100 };
        uint8_t record[RECORD_MAX];
        SSL_CTX_set_keylog_callback(client_tls, on_key);
        open_both();
        for (int i = 0; i < RECORDS; i++) {
                size_t length = record_rows[_i].length;
                if (record_rows[_i].plain) {
                        memcpy(record, (const uint8_t[]){record_rows[_i].kind, 3, 3, 0, (uint8_t)length}, 5);
                        memcpy(record + 5, record_rows[_i].bytes, length);
                        send_raw(record, 5 + length);
                } else {
                        send_raw(record,
                                 protect(record, record_rows[_i].kind, record_rows[_i].bytes, length));
                }
        }
        RUN_UNTIL(server.closes == 1);
        ck_assert_int_eq(server.end, record_rows[_i].end);
}
END_TEST

START_TEST(half_a_key_update_does_not_make_more_time_to_take_an_answer)
{
        static const uint8_t key_update[] = {24, 0, 0, 1, 0};
        uint8_t bytes[256], record[RECORD_MAX];
        timeouts.output_ms = 100;
        SSL_CTX_set_keylog_callback(client_tls, on_key);
        open_both();
        send_raw(record, protect(record, RECORD_HANDSHAKE, key_update, 4));
        run_on();
        stream_send(&server.stream, bytes, compose(bytes, 'a', 10));
        RUN_UNTIL(server.closes == 1);
        ck_assert_str_eq(server.reason, "what was sent was not taken in time");
}
END_TEST

START_TEST(what_comes_while_the_last_words_wait_to_leave_keeps_nobody_busy)
{
        uint8_t bytes[256];
        timeouts.linger_ms = PATIENCE_MS;
        open_both();
        client.stops_reading = true;
        while (stream_waiting(&server.stream) == 0)
                stream_send(&server.stream, bytes, compose(bytes, 'a', 255));
        stream_close(&server.stream, END_OURS, "over");
        stream_send(&client.stream, bytes, compose(bytes, 'b', 255));
        ck_assert_int_le(turns_of_50_ms(), QUIET_TURNS);
        client.stops_reading = false;
        stream_resume(&client.stream);
        RUN_UNTIL(client.closes == 1 && server.gones == 1);
        ck_assert_int_eq(client.end, STREAM_END_PEER_CLOSED);
}
END_TEST

/* Its rest has come; it is the owner who does not read it. */
START_TEST(a_message_that_is_not_read_is_not_late)
{
        uint8_t bytes[256];
        timeouts.message_ms = 60;
        open_both();
        size_t length = compose(bytes, 'a', 200);
        stream_send(&client.stream, bytes, 100);
        RUN_UNTIL(server.stream.input_length == 100);
        stream_pause(&server.stream);
        stream_send(&client.stream, bytes + 100, length - 100);
        for (int i = 0; i < 5; i++)
                run_on();
        ck_assert_int_eq(server.closes, 0);
        stream_resume(&server.stream);
        RUN_UNTIL(server.messages == 1);
}
END_TEST

/* ---- ends ---------------------------------------------------------------------------------------------- */

START_TEST(a_close_within_a_message_is_told_once_after_it_and_the_rest_is_not_delivered)
{
        uint8_t bytes[512];
        open_both();
        server.closes_it = true;
        size_t length = compose(bytes, 'a', 100);
        length += compose(bytes + length, 'b', 100);
        stream_send(&client.stream, bytes, length);
        RUN_UNTIL(server.gones == 1 && client.gones == 1);
        ck_assert_int_eq(server.messages, 1);
        ck_assert_int_eq(server.closes, 1);
        ck_assert_int_eq(server.end, END_OURS);
        ck_assert_str_eq(server.reason, "as the test wants it");
        ck_assert_int_eq(client.end, STREAM_END_PEER_CLOSED);
        ck_assert_int_eq(stream_state(&server.stream), STREAM_CLOSED);
        ck_assert_uint_eq(stream_env_count(server.env), 0);
        stream_send(&server.stream, bytes, length); /* nothing, and no harm */
        stream_close(&server.stream, END_OURS, "again");
        run_on();
        ck_assert_int_eq(server.closes, 1);
}
END_TEST

START_TEST(a_drop_is_silent_even_within_a_message)
{
        uint8_t bytes[256];
        open_both();
        server.drops = true;
        stream_send(&client.stream, bytes, compose(bytes, 'a', 100));
        RUN_UNTIL(client.closes == 1);
        ck_assert_int_eq(client.end, STREAM_END_HUNG_UP);
        ck_assert_int_eq(server.closes, 0);
        ck_assert_int_eq(server.gones, 0);
        ck_assert_uint_eq(stream_env_count(server.env), 0);
}
END_TEST

START_TEST(a_drop_forgets_an_end_that_was_still_to_be_told)
{
        open_both();
        stream_close(&client.stream, END_OURS, "over");
        stream_drop(&client.stream, true);
        run_on();
        ck_assert_int_eq(client.closes, 0);
        connect_it();
        RUN_UNTIL(client.opens == 2);
}
END_TEST

START_TEST(freeing_the_environment_tells_only_that_they_are_gone)
{
        open_both();
        stream_env_free(client.env);
        client.env = NULL;
        ck_assert_int_eq(client.closes, 0);
        ck_assert_int_eq(client.gones, 1);
        RUN_UNTIL(server.closes == 1);
        ck_assert_int_eq(server.end, STREAM_END_PEER_CLOSED);
}
END_TEST

/* ---- beginnings ---------------------------------------------------------------------------------------- */

START_TEST(where_nobody_listens_connecting_fails_and_may_begin_anew_from_there)
{
        int port = ntohs(where.sin_port);
        begin();
        listener_free(door);
        client.connects_anew = 3;
        connect_it();
        RUN_UNTIL(client.gones == 1);
        ck_assert_int_eq(client.closes, 4);
        ck_assert_int_eq(client.end, STREAM_END_CONNECT_FAILED);
        ck_assert_str_eq(client.reason, "connecting: Connection refused");
        ck_assert_uint_eq(stream_env_count(client.env), 0);
        open_door(port);
        connect_it();
        RUN_UNTIL(client.opens == 1 && server.opens == 1);
}
END_TEST

START_TEST(a_host_that_is_not_the_one_is_refused)
{
        begin();
        connect_to("127.0.0.2");
        RUN_UNTIL(client.closes == 1 && server.closes == 1);
        ck_assert_int_eq(client.end, STREAM_END_HANDSHAKE_FAILED);
        ck_assert_int_eq(strncmp(client.reason, "handshake: certificate refused: ", 32), 0);
        ck_assert_int_eq(client.opens + server.opens, 0);
}
END_TEST

START_TEST(a_server_that_says_nothing_is_not_waited_for)
{
        timeouts.handshake_ms = 100;
        begin();
        listener_free(door);
        door = NULL;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        static const int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&where, sizeof(where)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        connect_it();
        RUN_UNTIL(client.closes == 1);
        close(fd);
        ck_assert_int_eq(client.end, STREAM_END_HANDSHAKE_TIMEOUT);
        ck_assert_str_eq(client.reason, "the handshake was not completed in time: nothing was sent");
}
END_TEST

int main(void)
{
        signal(SIGPIPE, SIG_IGN); /* as in the programs: who writes to a peer that has gone gets an error */
        make_certificates();
        Suite *suite = suite_create("stream");
        TCase *tcase = tcase_create("stream");
        tcase_set_timeout(tcase, 30);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, both_ends_open_and_messages_go_both_ways);
        tcase_add_test(tcase, more_messages_than_a_turns_share_all_arrive);
        tcase_add_test(tcase, what_is_queued_leaves_at_the_flush_and_not_before);
        tcase_add_test(tcase, what_is_sent_takes_along_what_was_queued_in_order);
        tcase_add_test(tcase, bytes_taken_back_never_leave_and_a_broken_line_ends_without_a_word);
        tcase_add_test(tcase, a_length_that_the_framing_refuses_ends_the_stream);
        tcase_add_test(tcase, a_peer_that_does_not_read_is_closed_when_too_much_waits);
        tcase_add_test(tcase, what_was_not_taken_in_time_closes_too);
        tcase_add_loop_test(tcase, reading_rests_while_as_much_waits_as_the_rules_say, 0, 2);
        tcase_add_test(tcase, a_pause_keeps_what_has_come_and_resuming_hands_it_over);
        tcase_add_loop_test(tcase, half_a_key_update_holds_an_answer_up_and_keeps_nobody_busy, 0, 2);
        tcase_add_test(tcase, key_updates_now_and_then_are_nothing_special);
        tcase_add_loop_test(tcase, who_sends_more_key_updates_than_that_is_closed, 0, 2);
        tcase_add_test(tcase, key_updates_that_were_made_beforehand_are_not_read_to_their_end);
        tcase_add_test(tcase, a_server_that_floods_with_tickets_is_closed);
        tcase_add_loop_test(tcase, records_that_hold_no_message_end_the_stream_whatever_they_are, 0,
                            sizeof(record_rows) / sizeof(record_rows[0]));
        tcase_add_test(tcase, half_a_key_update_does_not_make_more_time_to_take_an_answer);
        tcase_add_test(tcase, what_comes_while_the_last_words_wait_to_leave_keeps_nobody_busy);
        tcase_add_test(tcase, a_message_that_is_not_read_is_not_late);
        tcase_add_test(tcase, a_close_within_a_message_is_told_once_after_it_and_the_rest_is_not_delivered);
        tcase_add_test(tcase, a_drop_is_silent_even_within_a_message);
        tcase_add_test(tcase, a_drop_forgets_an_end_that_was_still_to_be_told);
        tcase_add_test(tcase, freeing_the_environment_tells_only_that_they_are_gone);
        tcase_add_test(tcase, where_nobody_listens_connecting_fails_and_may_begin_anew_from_there);
        tcase_add_test(tcase, a_host_that_is_not_the_one_is_refused);
        tcase_add_test(tcase, a_server_that_says_nothing_is_not_waited_for);
        suite_add_tcase(suite, tcase);
        int failed = suite_run(suite);
        drop_certificates();
        return failed;
}
