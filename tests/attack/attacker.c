/*
 * Attacks on atmd's front door, and the newcomer who has to get in meanwhile: scripts/attack and tests/flow/test_daemon.sh
 * run it. One process, many lines, each of which does what its kind does, over and over, and comes back when it is cut off:
 *
 *      DOWN --connect--> CONNECTING --(plain: at once)--> ATTACKING --cut off, or done--> DOWN
 *                            '--> SHAKING --open--------------^
 *
 * OpenSSL is used as a client that misbehaves needs it; nothing of the project's own TLS, codec or rules is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/base/process.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"
#include "tests/flow/wire/message.h"

enum {
        LINES_MAX = 20000,
        TERMINALS_MAX = 64,
        PIECE = 4096,
        PREPARED_UPDATES = 20000, /* half a megabyte of records */
        UPDATES_AT_ONCE = 1000,
        ECHOES_AT_ONCE = 16,
        REST_MS = 50, /* before a line that was refused comes back */
        NEWCOMER_REST_MS = 100,
        NEWCOMER_PATIENCE_MS = 30000, /* as ATMs have it */
        TIMES_MAX = 100000,
};

enum phase { DOWN, CONNECTING, SHAKING, ATTACKING };

struct line {
        int number, fd;
        enum phase phase;
        short events; /* waited for */
        SSL *ssl;
        int64_t since_us, back_us;
        char *prepared;
        size_t prepared_length, sent;
};

/* What a line does once it is connected (plain) or open (tls). False: it is over with it. */
struct kind {
        const char *name, *text;
        bool tls;
        int64_t lines;
        bool (*begin)(struct line *line);
        bool (*go_on)(struct line *line, short happened);
};

static struct address to, from;
static const char *ca, *certificates, *terminal_list;
static int64_t line_count, times = TIMES_MAX;
static double seconds = 10;
static const struct kind *kind;

static struct line lines[LINES_MAX];
static struct pollfd polled[LINES_MAX];
static SSL_CTX *contexts[TERMINALS_MAX];
static char terminals[TERMINALS_MAX][9];
static size_t terminal_count;
static uint8_t hello[PIECE];
static size_t hello_length;
static volatile sig_atomic_t stopped;
static struct {
        uint64_t connected, opened, cut_off, refused, bytes, answers, failed;
        int64_t times_us[TIMES_MAX];
        size_t times;
} result;

/* ---- messages ------------------------------------------------------------------------------------------ */

static size_t network_message(const struct line *line, const char *code, uint8_t bytes[2 + MESSAGE_BYTES_MAX])
{
        uint8_t body[MESSAGE_BYTES_MAX];
        static int stan;
        struct message message;
        char moment[11];
        time_t now = time(NULL) + 9 * 3600;
        struct tm japan;
        strftime(moment, sizeof(moment), "%m%d%H%M%S", gmtime_r(&now, &japan));
        message_start(&message, "0800");
        message_set(&message, 7, moment);
        message_print(&message, 11, "%06d", stan++ % 1000000);
        message_set(&message, 41, terminals[(size_t)line->number % terminal_count]);
        message_set(&message, 70, code);
        size_t length = message_encode(&message, body);
        memcpy(bytes + 2, body, length);
        bytes[0] = (uint8_t)(length >> 8);
        bytes[1] = (uint8_t)length;
        return length + 2;
}

/* ---- what lines do ------------------------------------------------------------------------------------- */

/* Throws away what is there to read. False: it was cut off. */
static bool read_plain(struct line *line)
{
        char bytes[PIECE];
        ssize_t length;
        while ((length = recv(line->fd, bytes, sizeof(bytes), 0)) > 0)
                continue;
        return length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static bool go_on_reading(struct line *line, short happened)
{
        (void)happened;
        return read_plain(line);
}

static bool say_nothing(struct line *line)
{
        line->events = POLLIN;
        return true;
}

static bool send_plain(struct line *line, const uint8_t *bytes, size_t length)
{
        ssize_t sent = send(line->fd, bytes, length, MSG_NOSIGNAL);
        if (sent > 0)
                result.bytes += (uint64_t)sent;
        line->events = POLLIN;
        return sent == (ssize_t)length;
}

static bool send_hello(struct line *line)
{
        return send_plain(line, hello, hello_length);
}

static bool send_junk(struct line *line)
{
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)rand();
        bytes[0] |= 0x80; /* no record of TLS begins so */
        return send_plain(line, bytes, sizeof(bytes));
}

static bool write_now(struct line *line)
{
        line->events = POLLOUT;
        return true;
}

static bool is_over(struct line *line, int returned)
{
        int why = SSL_get_error(line->ssl, returned);
        ERR_clear_error();
        return why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
}

static bool update_keys(struct line *line, short happened)
{
        (void)happened;
        for (int i = 0; i < UPDATES_AT_ONCE; i++) {
                if (SSL_key_update(line->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) {
                        ERR_clear_error();
                        return true; /* the last one has not left yet */
                }
                int returned = SSL_do_handshake(line->ssl);
                if (returned != 1)
                        return !is_over(line, returned);
                result.bytes += 27;
        }
        return true;
}

/* All records first, then as fast as the line takes them. */
static bool prepare_updates(struct line *line)
{
        char *bytes;
        BIO *memory = BIO_new(BIO_s_mem());
        SSL_set0_wbio(line->ssl, memory);
        for (int i = 0; i < PREPARED_UPDATES; i++)
                if (SSL_key_update(line->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
                    SSL_do_handshake(line->ssl) != 1)
                        return false;
        long length = BIO_get_mem_data(memory, &bytes);
        free(line->prepared);
        line->prepared = malloc((size_t)length);
        if (!line->prepared)
                return false;
        memcpy(line->prepared, bytes, (size_t)length);
        line->prepared_length = (size_t)length;
        line->sent = 0;
        line->events = POLLOUT;
        return true;
}

static bool send_prepared(struct line *line, short happened)
{
        (void)happened;
        ssize_t sent =
            send(line->fd, line->prepared + line->sent, line->prepared_length - line->sent, MSG_NOSIGNAL);
        if (sent < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK;
        line->sent += (size_t)sent;
        result.bytes += (uint64_t)sent;
        return line->sent < line->prepared_length;
}

static bool send_echoes(struct line *line, short happened)
{
        uint8_t bytes[2 + MESSAGE_BYTES_MAX];
        (void)happened;
        for (int i = 0; i < ECHOES_AT_ONCE; i++) {
                size_t length = network_message(line, "301", bytes);
                int returned = SSL_write(line->ssl, bytes, (int)length);
                if (returned <= 0)
                        return !is_over(line, returned);
                result.bytes += (uint64_t)returned;
        }
        return true;
}

static bool take_answers(struct line *line)
{
        uint8_t bytes[PIECE];
        int returned;
        while ((returned = SSL_read(line->ssl, bytes, sizeof(bytes))) > 0)
                result.answers++;
        return !is_over(line, returned);
}

static bool flood(struct line *line, short happened)
{
        line->events = POLLIN | POLLOUT;
        return take_answers(line) && (!(happened & POLLOUT) || send_echoes(line, happened));
}

static bool leave_at_once(struct line *line)
{
        SSL_shutdown(line->ssl);
        return false;
}

static bool sign_on(struct line *line)
{
        uint8_t bytes[2 + MESSAGE_BYTES_MAX];
        size_t length = network_message(line, "001", bytes);
        line->events = POLLIN;
        return SSL_write(line->ssl, bytes, (int)length) == (int)length;
}

static bool note_answer(struct line *line, short happened)
{
        uint64_t before = result.answers;
        (void)happened;
        if (!take_answers(line))
                return false;
        if (result.answers == before)
                return true;
        if (result.times < TIMES_MAX)
                result.times_us[result.times++] = steady_now_us() - line->since_us;
        line->since_us = 0; /* it has what it came for */
        SSL_shutdown(line->ssl);
        return false;
}

static const struct kind kinds[] = {
    {"silent", "connections that say nothing", false, 3000, say_nothing, go_on_reading},
    {"half", "handshakes that are begun and never ended", false, 3000, send_hello, go_on_reading},
    {"junk", "connections that send what is no TLS", false, 300, send_junk, go_on_reading},
    {"keyupdate", "an ATM's certificate: key updates, made as they are sent", true, 4, write_now,
     update_keys},
    {"prepared", "an ATM's certificate: key updates that were made beforehand", true, 4, prepare_updates,
     send_prepared},
    {"unread", "an ATM's certificate: echoes whose answers are not read", true, 4, write_now, send_echoes},
    {"storm", "an ATM's certificate: whole handshakes over and over", true, 64, leave_at_once, NULL},
    {"flood", "an ATM's certificate: echoes as fast as they are answered", true, 1, write_now, flood},
    {"newcomer",
     "no attack: an ATM that comes, signs on and leaves, ten times a second or as often as it gets in", true,
     1, sign_on, note_answer},
};

static bool is_newcomer(void)
{
        return kind->begin == sign_on;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

static void hang_up(struct line *line)
{
        if (is_newcomer() && line->since_us)
                result.failed++;
        SSL_free(line->ssl);
        line->ssl = NULL;
        if (line->fd >= 0)
                close(line->fd);
        line->fd = -1;
        line->phase = DOWN;
        line->back_us = steady_now_us() + (is_newcomer() ? NEWCOMER_REST_MS * 1000 : 0);
        ERR_clear_error();
}

static bool bind_to(int fd, const struct address *where)
{
        struct sockaddr_in address = {.sin_family = AF_INET};
        static const int on = 1;
        if (!*where->host)
                return true;
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        return inet_pton(AF_INET, where->host, &address.sin_addr) == 1 &&
               bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void dial(struct line *line)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to.port)};
        static const int on = 1, little = PIECE;
        inet_pton(AF_INET, to.host, &address.sin_addr);
        line->since_us = steady_now_us();
        line->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (line->fd >= 0) {
                setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                if (kind->begin == write_now &&
                    kind->go_on == send_echoes) /* so that its window is full soon */
                        setsockopt(line->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
                if (bind_to(line->fd, &from) &&
                    (connect(line->fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
                     errno == EINPROGRESS)) {
                        line->phase = CONNECTING;
                        line->events = POLLOUT;
                        return;
                }
        }
        result.refused++;
        hang_up(line);
        line->back_us = steady_now_us() + REST_MS * 1000;
}

/* Returns false when it was cut off or is done. */
static bool shake_hands(struct line *line)
{
        int returned = SSL_do_handshake(line->ssl);
        if (returned == 1) {
                result.opened++;
                line->phase = ATTACKING;
                return kind->begin(line);
        }
        int why = SSL_get_error(line->ssl, returned);
        line->events = why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static bool on_connected(struct line *line)
{
        int error = 0;
        socklen_t length = sizeof(error);
        getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error) {
                result.refused++;
                line->back_us = steady_now_us() + REST_MS * 1000;
                return false;
        }
        result.connected++;
        if (!kind->tls) {
                line->phase = ATTACKING;
                return kind->begin(line);
        }
        line->ssl = SSL_new(contexts[(size_t)line->number % terminal_count]);
        SSL_set_fd(line->ssl, line->fd);
        SSL_set_connect_state(line->ssl);
        line->phase = SHAKING;
        return shake_hands(line);
}

static void step(struct line *line, short happened)
{
        enum phase phase = line->phase;
        bool goes_on = true;
        ERR_clear_error();
        if (phase == CONNECTING)
                goes_on = on_connected(line);
        else if (phase == SHAKING)
                goes_on = shake_hands(line);
        else if (happened & (POLLHUP | POLLERR))
                goes_on = false;
        else
                goes_on = kind->go_on(line, happened);
        if (goes_on)
                return;
        result.cut_off++;
        hang_up(line);
}

static void attack(void)
{
        int64_t end_us = steady_now_us() + (int64_t)(seconds * 1e6);
        int64_t now_us;
        while (!stopped && result.times < (size_t)times && (now_us = steady_now_us()) < end_us) {
                for (int64_t i = 0; i < line_count; i++) {
                        struct line *line = &lines[i];
                        if (line->phase == DOWN && line->back_us <= now_us)
                                dial(line);
                        else if (is_newcomer() && line->phase != DOWN &&
                                 now_us - line->since_us > NEWCOMER_PATIENCE_MS * 1000)
                                hang_up(line);
                        polled[i] = (struct pollfd){.fd = line->phase == DOWN ? -1 : line->fd,
                                                    .events = line->events};
                }
                if (poll(polled, (nfds_t)line_count, 10) <= 0)
                        continue;
                for (int64_t i = 0; i < line_count; i++)
                        if (polled[i].revents)
                                step(&lines[i], polled[i].revents);
        }
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

/* What a client says first, made once: it costs the attacker nothing. */
static bool make_hello(void)
{
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL *ssl = SSL_new(context);
        BIO *memory = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), memory);
        SSL_set_connect_state(ssl);
        SSL_do_handshake(ssl);
        int length = BIO_read(memory, hello, sizeof(hello));
        SSL_free(ssl);
        SSL_CTX_free(context);
        ERR_clear_error();
        hello_length = length > 0 ? (size_t)length : 0;
        return hello_length > 0;
}

static bool load_certificates(void)
{
        const char *at = terminal_list + strspn(terminal_list, " ");
        for (; *at && terminal_count < TERMINALS_MAX; at += strspn(at, " ")) {
                char path[2][512];
                size_t length = strcspn(at, " ");
                SSL_CTX *context = SSL_CTX_new(TLS_client_method());
                snprintf(terminals[terminal_count], sizeof(terminals[0]), "%.*s", (int)length, at);
                snprintf(path[0], sizeof(path[0]), "%s/%s.crt", certificates, terminals[terminal_count]);
                snprintf(path[1], sizeof(path[1]), "%s/%s.key", certificates, terminals[terminal_count]);
                contexts[terminal_count++] = context;
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
                if (SSL_CTX_load_verify_locations(context, ca, NULL) != 1 ||
                    SSL_CTX_use_certificate_chain_file(context, path[0]) != 1 ||
                    SSL_CTX_use_PrivateKey_file(context, path[1], SSL_FILETYPE_PEM) != 1) {
                        complain("%s: no certificate to use", path[0]);
                        return false;
                }
                at += length;
        }
        return terminal_count > 0;
}

static int compare_times(const void *a, const void *b)
{
        const int64_t *x = a, *y = b;
        return (*x > *y) - (*x < *y);
}

static double time_ms(double share)
{
        return result.times ? (double)result.times_us[(size_t)((double)(result.times - 1) * share)] / 1000
                            : 0;
}

static void print_result(void)
{
        int64_t standing = 0;
        for (int64_t i = 0; i < line_count; i++) {
                standing += lines[i].phase == ATTACKING;
                if (is_newcomer() && lines[i].phase != DOWN && lines[i].since_us)
                        result.failed += steady_now_us() - lines[i].since_us > 2000000;
        }
        qsort(result.times_us, result.times, sizeof(result.times_us[0]), compare_times);
        printf("{\"kind\": \"%s\", \"lines\": %" PRId64 ", \"connected\": %" PRIu64 ", \"opened\": %" PRIu64
               ", \"cut_off\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"standing\": %" PRId64
               ", \"bytes\": %" PRIu64 ", \"answers\": %" PRIu64,
               kind->name, line_count, result.connected, result.opened, result.cut_off, result.refused,
               standing, result.bytes, result.answers);
        if (is_newcomer())
                printf(", \"came_in\": %zu, \"failed\": %" PRIu64 ", \"p50_ms\": %.3f, \"max_ms\": %.3f",
                       result.times, result.failed, time_ms(0.5), time_ms(1));
        printf("}\n");
}

static void on_stop(int number)
{
        (void)number;
        stopped = 1;
}

static const struct option_row rows[] = {
    {.name = "to",
     .value = "HOST:PORT",
     .text = "atmd, an IPv4 address",
     .take = option_take_address,
     .target = &to,
     .minimum = 1,
     .flags = OPTION_REQUIRED},
    {.name = "from",
     .value = "HOST:PORT",
     .text =
         "an IPv4 address of this machine to come from (the system's choice); the port is left to the system",
     .take = option_take_address,
     .target = &from},
    {.name = "lines",
     .value = "N",
     .text = "connections at the same time (as the kind has it)",
     .take = option_take_number,
     .target = &line_count,
     .minimum = 1,
     .maximum = LINES_MAX},
    {.name = "seconds",
     .value = "S",
     .text = "how long (10); SIGTERM ends it earlier",
     .take = option_take_decimal,
     .target = &seconds},
    {.name = "times",
     .value = "N",
     .text = "of a newcomer: so often, if there is time",
     .take = option_take_number,
     .target = &times,
     .minimum = 1,
     .maximum = TIMES_MAX},
    {.name = "ca",
     .value = "FILE",
     .text = "certificate of the authority",
     .take = option_take_text,
     .target = &ca,
     .variable = "ATMD_CA",
     .flags = OPTION_REQUIRED},
    {.name = "certs",
     .value = "DIR",
     .text = "folder of the ATMs' certificates",
     .take = option_take_text,
     .target = &certificates,
     .variable = "ATMD_CERTS",
     .flags = OPTION_REQUIRED},
    {.name = "terminals",
     .value = "LIST",
     .text = "whose certificates are used, separated by blanks, each line the next one's",
     .take = option_take_text,
     .target = &terminal_list,
     .flags = OPTION_REQUIRED},
    {.name = "help", .letter = 'h', .text = "this text"},
};

static const struct program_command command = {
    .synopsis = "attacker KIND --to HOST:PORT --terminals LIST [options]",
    .about = "Attacks the front door of an atmd, of a laboratory alone. Prints what came of it as one JSON "
             "object.\n",
    .ending = "Kinds: silent, half, junk, keyupdate, prepared, unread, storm, flood; and newcomer, who "
              "attacks nobody.\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

static void print_help(FILE *stream)
{
        program_help(stream, &command);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                fprintf(stream, "  %-10s %s (%" PRId64 " lines)\n", kinds[i].name, kinds[i].text,
                        kinds[i].lines);
}

int main(int argc, char **argv)
{
        static const struct program program = {"attacker", print_help, print_help};
        int code = program_begin(&program, argc - 1, argv + 1);
        if (code != PROGRAM_GOES_ON)
                return code;
        for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(argv[1], kinds[i].name) == 0)
                        kind = &kinds[i];
        if (!kind)
                return program_usage(NULL, "expected the kind of attack first");
        code = program_options(&command, NULL, argc - 2, argv + 2);
        if (code != PROGRAM_GOES_ON)
                return code;
        line_count = line_count ? line_count : kind->lines;
        process_raise_files();
        signal(SIGPIPE, SIG_IGN);
        signal(SIGTERM, on_stop);
        signal(SIGINT, on_stop);
        if (!load_certificates() || !make_hello())
                return EXIT_FAILURE;
        for (int i = 0; i < line_count; i++)
                lines[i] = (struct line){.number = i, .fd = -1};
        attack();
        print_result();
        return program_end(EXIT_SUCCESS);
}
