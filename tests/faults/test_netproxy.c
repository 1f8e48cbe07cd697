/*
 * Protects tests/faults/netproxy: a line without faults changes nothing, each fault does what --help says and
 * is counted, memory stays bounded; and the fates that it draws have the rates that were asked for.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/fate.h"
#include "tests/suite.h"

enum { PATIENCE_MS = 5000, OPTIONS_MAX = 12 };

static char folder[64], control_path[96];
static int server_listener = -1, server_port, proxy_output = -1, proxy_port;
static pid_t proxy_pid;

static int64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static bool readable_within(int fd, int timeout_ms)
{
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* All output until a line is whole or the writer ends. */
static void line_read(int fd, char *line, size_t size)
{
        size_t length = 0;
        while (length + 1 < size) {
                ck_assert_msg(readable_within(fd, PATIENCE_MS), "no line came");
                ssize_t n = read(fd, line + length, 1);
                ck_assert_int_ge(n, 0);
                if (n == 0 || line[length++] == '\n')
                        break;
        }
        line[length] = '\0';
}

static int listener_make(int *ret_port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 16), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

/* `output` gets the program's standard output, or its standard error. */
static pid_t program_run(const char *const *options, int from, int *ret_output)
{
        int ends[2];
        const char *words[OPTIONS_MAX + 2] = {NETPROXY};
        for (int i = 0; options[i]; i++) {
                ck_assert_int_lt(i, OPTIONS_MAX);
                words[i + 1] = options[i];
        }
        ck_assert_int_eq(pipe(ends), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                /* It ends with a test that fails; and ASan's keeping of freed memory is not its own. */
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 1);
                dup2(ends[1], from);
                close(ends[0]);
                close(ends[1]);
                execv(NETPROXY, (char **)(uintptr_t)words);
                _exit(127);
        }
        close(ends[1]);
        *ret_output = ends[0];
        return pid;
}

/* A proxy before the test's own server, with these options. */
static void proxy_start(const char *const *faults)
{
        char to[64], line[128];
        const char *options[OPTIONS_MAX + 1] = {"--listen", "127.0.0.1:0", "--to",
                                                to,         "--control",   control_path};
        int count = 6;
        snprintf(to, sizeof(to), "127.0.0.1:%d", server_port);
        for (int i = 0; faults && faults[i]; i++)
                options[count++] = faults[i];
        proxy_pid = program_run(options, STDOUT_FILENO, &proxy_output);
        line_read(proxy_output, line, sizeof(line));
        ck_assert_msg(sscanf(line, "listening on 127.0.0.1:%d\n", &proxy_port) == 1, "%s", line);
}

static void setup(void)
{
        strcpy(folder, "/tmp/test_netproxy.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(control_path, sizeof(control_path), "%s/control", folder);
        server_listener = listener_make(&server_port);
}

static void teardown(void)
{
        if (proxy_pid) {
                kill(proxy_pid, SIGKILL);
                waitpid(proxy_pid, NULL, 0);
        }
        unlink(control_path);
        rmdir(folder);
}

static int client_connect(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)proxy_port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static int server_accept(void)
{
        ck_assert_msg(readable_within(server_listener, PATIENCE_MS), "no connection came through");
        int fd = accept(server_listener, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        return fd;
}

struct ends {
        int client, server;
};

static struct ends link_make(void)
{
        struct ends ends;
        ends.client = client_connect();
        ends.server = server_accept();
        return ends;
}

static void bytes_send(int fd, const char *bytes)
{
        ck_assert_int_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

/* What arrives until `wanted` bytes are there, the stream ends, or time is up. *ret_over: it ended. */
static size_t bytes_take(int fd, char *buffer, size_t wanted, int timeout_ms, bool *ret_over)
{
        size_t length = 0;
        *ret_over = false;
        while (length < wanted && readable_within(fd, timeout_ms)) {
                ssize_t n = recv(fd, buffer + length, wanted - length, 0);
                if (n <= 0) {
                        *ret_over = true;
                        break;
                }
                length += (size_t)n;
        }
        return length;
}

static void bytes_expect(int fd, const char *bytes)
{
        char buffer[256];
        bool over;
        size_t length = bytes_take(fd, buffer, strlen(bytes), PATIENCE_MS, &over);
        ck_assert_msg(length == strlen(bytes) && memcmp(buffer, bytes, length) == 0,
                      "wanted '%s', got '%.*s'", bytes, (int)length, buffer);
}

static void over_expect(int fd)
{
        char byte;
        bool over;
        ck_assert_uint_eq(bytes_take(fd, &byte, 1, PATIENCE_MS, &over), 0);
        ck_assert_msg(over, "the connection is still there");
}

static int control_open(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        strcpy(address.sun_path, control_path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static void command(const char *text, char answer[256])
{
        int fd = control_open();
        bytes_send(fd, text);
        bytes_send(fd, "\n");
        line_read(fd, answer, 256);
        close(fd);
}

static unsigned long long status_of(const char *name)
{
        char answer[256], *at;
        unsigned long long value;
        command("status", answer);
        ck_assert_msg((at = strstr(answer, name)) && sscanf(at + strlen(name), " %llu", &value) == 1, "%s",
                      answer);
        return value;
}

START_TEST(a_line_without_faults_changes_nothing)
{
        enum { TOTAL = 3000000 };
        static unsigned char out[TOTAL], back[TOTAL];
        proxy_start(NULL);
        struct ends ends = link_make();
        for (size_t i = 0; i < TOTAL; i++)
                out[i] = (unsigned char)(i * 2654435761u >> 13);
        pid_t echo = fork();
        if (echo == 0) { /* sends back whatever comes */
                static char bytes[70000];
                ssize_t n;
                close(ends.client);
                while ((n = recv(ends.server, bytes, sizeof(bytes), 0)) > 0)
                        for (ssize_t at = 0, sent; at < n; at += sent)
                                if ((sent = send(ends.server, bytes + at, (size_t)(n - at), MSG_NOSIGNAL)) <
                                    0)
                                        _exit(1);
                _exit(0);
        }
        close(ends.server);
        size_t sent = 0, got = 0;
        while (got < TOTAL) {
                struct pollfd fd = {.fd = ends.client,
                                    .events = (short)(sent < TOTAL ? POLLIN | POLLOUT : POLLIN)};
                ck_assert_int_eq(poll(&fd, 1, PATIENCE_MS), 1);
                if (fd.revents & POLLOUT) {
                        ssize_t n = send(ends.client, out + sent, TOTAL - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                        sent += n > 0 ? (size_t)n : 0;
                }
                if (fd.revents & POLLIN) {
                        ssize_t n = recv(ends.client, back + got, TOTAL - got, 0);
                        ck_assert_int_gt(n, 0);
                        got += (size_t)n;
                }
        }
        ck_assert_mem_eq(out, back, TOTAL);
        shutdown(ends.client, SHUT_WR); /* the end passes through both ways */
        over_expect(ends.client);
        ck_assert_int_eq(waitpid(echo, NULL, 0), echo);
        ck_assert_uint_eq(status_of("bytes"), 2 * TOTAL);
        ck_assert_uint_eq(status_of("open"), 0);
}
END_TEST

START_TEST(an_end_passes_on_and_the_other_direction_stays)
{
        proxy_start(NULL);
        struct ends ends = link_make();
        bytes_send(ends.client, "last words");
        shutdown(ends.client, SHUT_WR);
        bytes_expect(ends.server, "last words");
        over_expect(ends.server);
        bytes_send(ends.server, "still heard");
        bytes_expect(ends.client, "still heard");
        close(ends.server);
        over_expect(ends.client);
}
END_TEST

START_TEST(a_reset_passes_on)
{
        struct linger at_once = {1, 0};
        proxy_start(NULL);
        struct ends ends = link_make();
        setsockopt(ends.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(ends.client);
        over_expect(ends.server);
}
END_TEST

START_TEST(a_server_that_is_not_there_ends_the_connection)
{
        proxy_start(NULL);
        close(server_listener);
        over_expect(client_connect());
        ck_assert_uint_eq(status_of("refused"), 1);
        ck_assert_uint_eq(status_of("open"), 0);
}
END_TEST

START_TEST(a_delay_holds_every_chunk_and_keeps_the_order)
{
        proxy_start((const char *const[]){"--delay-ms", "100-120", NULL});
        struct ends ends = link_make();
        int64_t begin_ms = now_ms();
        bytes_send(ends.client, "one ");
        bytes_expect(ends.server, "one ");
        ck_assert_int_ge(now_ms() - begin_ms, 100);
        bytes_send(ends.server, "two ");
        bytes_expect(ends.client, "two ");
        ck_assert_int_ge(now_ms() - begin_ms, 200);
        bytes_send(ends.client, "three ");
        usleep(20000);
        bytes_send(ends.client, "four");
        bytes_expect(ends.server, "three four");
}
END_TEST

START_TEST(a_drop_cuts_the_connection_instead_of_passing)
{
        proxy_start((const char *const[]){"--drop-rate", "1", NULL});
        for (int i = 0; i < 8; i++) {
                struct ends ends = link_make();
                bytes_send(i % 2 ? ends.client : ends.server, "lost");
                over_expect(i % 2 ? ends.server : ends.client);
                over_expect(i % 2 ? ends.client : ends.server);
                close(ends.client);
                close(ends.server);
        }
        ck_assert_uint_eq(status_of("dropped"), 8);
        ck_assert_uint_eq(status_of("bytes"), 0);
}
END_TEST

START_TEST(a_half_arrives_before_the_cut)
{
        proxy_start((const char *const[]){"--half-rate", "1", NULL});
        struct ends ends = link_make();
        bytes_send(ends.client, "0123456789");
        bytes_expect(ends.server, "01234");
        over_expect(ends.server);
        over_expect(ends.client);
        ck_assert_uint_eq(status_of("halved"), 1);
        ck_assert_uint_eq(status_of("bytes"), 5);
}
END_TEST

START_TEST(a_stall_holds_one_direction_and_goes_on)
{
        proxy_start((const char *const[]){"--stall-rate", "1", "--stall-ms", "300-300", NULL});
        struct ends ends = link_make();
        int64_t begin_ms = now_ms();
        bytes_send(ends.client, "late");
        ck_assert(!readable_within(ends.server, 150));
        bytes_expect(ends.server, "late");
        ck_assert_int_ge(now_ms() - begin_ms, 300);
        ck_assert_uint_eq(status_of("stalled"), 1);
}
END_TEST

START_TEST(commands_cut_stall_and_resume)
{
        char answer[256];
        proxy_start(NULL);
        struct ends one = link_make(), two = link_make();
        struct stat status;
        ck_assert_int_eq(stat(control_path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 077, 0);

        command("stall", answer);
        ck_assert_str_eq(answer, "ok\n");
        bytes_send(one.client, "a");
        bytes_send(two.server, "b");
        int late =
            client_connect(); /* the kernel's doing: the server hears of it, but of nothing that it says */
        bytes_send(late, "c");
        ck_assert(!readable_within(one.server, 150));
        ck_assert(!readable_within(two.client, 50));
        command("resume", answer);
        ck_assert_str_eq(answer, "ok\n");
        bytes_expect(one.server, "a");
        bytes_expect(two.client, "b");
        int late_server = server_accept();
        bytes_expect(late_server, "c");

        command("cut", answer);
        ck_assert_str_eq(answer, "ok 3\n");
        over_expect(one.client);
        over_expect(one.server);
        over_expect(two.client);
        over_expect(two.server);
        over_expect(late);
        over_expect(late_server);
        ck_assert_uint_eq(status_of("cut"), 3);
        struct ends after = link_make();
        bytes_send(after.client, "new ones come through");
        bytes_expect(after.server, "new ones come through");
}
END_TEST

START_TEST(commands_that_are_none_are_answered)
{
        char answer[256];
        proxy_start(NULL);
        command("flood", answer);
        ck_assert_str_eq(answer, "error: 'flood': expected cut, stall, resume or status\n");
        int fd = control_open();
        bytes_send(fd, "resume\nsta");
        line_read(fd, answer, sizeof(answer));
        ck_assert_str_eq(answer, "ok\n");
        bytes_send(fd, "ll\nresume\n");
        line_read(fd, answer, sizeof(answer));
        ck_assert_str_eq(answer, "ok\n");
        line_read(fd, answer, sizeof(answer));
        ck_assert_str_eq(answer, "ok\n");
        bytes_send(fd, "a line that is longer than any command could be");
        line_read(fd, answer, sizeof(answer));
        ck_assert_str_eq(answer, "error: the line is too long\n");
        over_expect(fd);
}
END_TEST

START_TEST(a_control_socket_of_a_killed_proxy_is_replaced_and_a_living_one_is_not)
{
        char line[256];
        int output, status;
        proxy_start(NULL);
        const char *const options[] = {"--listen",  "127.0.0.1:0", "--to", "127.0.0.1:1",
                                       "--control", control_path,  NULL};
        pid_t second = program_run(options, STDERR_FILENO, &output);
        line_read(output, line, sizeof(line));
        ck_assert_msg(strstr(line, "Address already in use"), "%s", line);
        ck_assert_int_eq(waitpid(second, &status, 0), second);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        ck_assert_uint_eq(status_of("open"), 0);

        kill(proxy_pid, SIGKILL);
        waitpid(proxy_pid, NULL, 0);
        proxy_start(NULL);
        ck_assert_uint_eq(status_of("open"), 0);
}
END_TEST

static long resident_kb(pid_t pid)
{
        char path[64], line[256];
        long kb = -1;
        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        FILE *file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, "VmRSS: %ld", &kb) == 1)
                        break;
        fclose(file);
        return kb;
}

START_TEST(who_does_not_read_costs_no_memory)
{
        enum { LINKS = 20 };
        static const char bytes[65536];
        proxy_start(NULL);
        struct ends ends[LINKS];
        ends[0] = link_make();
        long before_kb = resident_kb(proxy_pid), sent = 0;
        for (int i = 0; i < LINKS; i++) {
                if (i > 0)
                        ends[i] = link_make();
                fcntl(ends[i].client, F_SETFL, O_NONBLOCK);
                for (int quiet = 0; quiet < 20;) {
                        ssize_t n = send(ends[i].client, bytes, sizeof(bytes), MSG_NOSIGNAL);
                        quiet = n > 0 ? 0 : quiet + 1;
                        sent += n > 0 ? n : 0;
                        if (n < 0)
                                usleep(1000);
                }
        }
        long grown_kb = resident_kb(proxy_pid) - before_kb;
        ck_assert_msg(sent > LINKS * 100000L, "only %ld bytes left", sent);
        ck_assert_msg(grown_kb < 4000, "%ld kB for %ld bytes sent", grown_kb, sent);
}
END_TEST

START_TEST(more_connections_than_allowed_wait)
{
        proxy_start((const char *const[]){"--connections-max", "2", NULL});
        struct ends one = link_make(), two = link_make();
        int third = client_connect();
        bytes_send(third, "patience");
        ck_assert(!readable_within(server_listener, 150));
        close(one.client);
        close(one.server);
        int server = server_accept();
        bytes_expect(server, "patience");
        bytes_send(two.client, "x");
        bytes_expect(two.server, "x");
}
END_TEST

START_TEST(a_signal_ends_it_with_the_counts)
{
        char line[256];
        int status;
        proxy_start(NULL);
        struct ends ends = link_make();
        bytes_send(ends.client, "abc");
        bytes_expect(ends.server, "abc");
        kill(proxy_pid, SIGTERM);
        line_read(proxy_output, line, sizeof(line));
        ck_assert_str_eq(line,
                         "open 1 accepted 1 refused 0 chunks 1 bytes 3 dropped 0 halved 0 stalled 0 cut 0\n");
        ck_assert_int_eq(waitpid(proxy_pid, &status, 0), proxy_pid);
        proxy_pid = 0;
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        ck_assert_int_eq(access(control_path, F_OK), -1);
}
END_TEST

/* Until the program closes it: a line may come in several pieces. */
static void read_whole(int fd, char *text, size_t size)
{
        size_t length = 0;
        for (ssize_t n; length + 1 < size && (n = read(fd, text + length, size - 1 - length)) > 0;)
                length += (size_t)n;
        text[length] = '\0';
}

START_TEST(tell_says_a_command_and_prints_the_answer)
{
        static const struct {
                const char *command, *says;
                int status, stream;
        } commands[] = {
            {"stall", "ok\n", 0, STDOUT_FILENO},
            {"resume", "ok\n", 0, STDOUT_FILENO},
            {"status", "open 0 accepted 0 ", 0, STDOUT_FILENO},
            {"sing", "error: 'sing': expected cut, stall, resume or status", 1, STDERR_FILENO},
        };
        proxy_start(NULL);
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
                char text[512] = "";
                int output, status;
                pid_t pid =
                    program_run((const char *const[]){"tell", control_path, commands[i].command, NULL},
                                commands[i].stream, &output);
                read_whole(output, text, sizeof(text));
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_msg(strstr(text, commands[i].says), "%s: \"%s\"", commands[i].command, text);
                ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == commands[i].status);
                close(output);
        }
}
END_TEST

#define ENDS "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1"
static const struct usage {
        const char *options[OPTIONS_MAX];
        const char *says;
} usages[] = {
    {{NULL}, "--listen is missing"},
    {{"--listen", "127.0.0.1:0"}, "--to is missing"},
    {{"--listen", "127.0.0.1"}, "--listen: \'127.0.0.1': expected HOST:PORT"},
    {{"--listen", ":80"}, "--listen: \':80': expected HOST:PORT"},
    {{"--listen", "::1:80"}, "--listen: \'::1:80': expected HOST:PORT"},
    {{"--listen", "127.0.0.1:65536"}, "--listen: \'127.0.0.1:65536'"},
    {{"--to", "127.0.0.1:0"}, "--to: \'127.0.0.1:0'"},
    {{ENDS, "--drop-rate", "1.1"}, "--drop-rate: \'1.1': expected a rate from 0 to 1"},
    {{ENDS, "--half-rate", "-0.1"}, "--half-rate: \'-0.1'"},
    {{ENDS, "--stall-rate", "nan"}, "--stall-rate: \'nan'"},
    {{ENDS, "--drop-rate", "0.5x"}, "--drop-rate: \'0.5x'"},
    {{ENDS, "--drop-rate", "0.6", "--half-rate", "0.6"}, "a sum of at most 1"},
    {{ENDS, "--delay-ms", "9-5"}, "--delay-ms: \'9-5': expected milliseconds A-B"},
    {{ENDS, "--delay-ms", "5-"}, "--delay-ms: \'5-'"},
    {{ENDS, "--stall-ms", "3600001"}, "--stall-ms: \'3600001'"},
    {{ENDS, "--seed", "x"}, "--seed: \'x': expected a whole number"},
    {{ENDS, "--seed", "18446744073709551616"}, "--seed: \'18446744073709551616'"},
    {{ENDS, "--connections-max", "0"}, "--connections-max: \'0'"},
    {{ENDS, "--control", ""}, "--control: \''"},
    {{ENDS, "more"}, "'more': expected options only"},
    {{"tell", "socket"}, "netproxy: tell: expected the control socket's path and a command"},
    {{ENDS, "--speed", "1"}, "unknown option --speed"},
};

START_TEST(wrong_usage_is_named_and_ends_with_2)
{
        char text[512] = "";
        int output, status;
        pid_t pid = program_run(usages[_i].options, STDERR_FILENO, &output);
        read_whole(output, text, sizeof(text));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(strstr(text, usages[_i].says), "wanted \"%s\", got \"%s\"", usages[_i].says, text);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 2, "%s: status %d", usages[_i].says,
                      status);
}
END_TEST

START_TEST(help_names_every_option)
{
        static const char *const options[] = {
            "--listen",   "--to",   "--delay-ms",        "--drop-rate", "--half-rate", "--stall-rate",
            "--stall-ms", "--seed", "--connections-max", "--control",   "--help"};
        char text[8192] = "";
        int output, status;
        pid_t pid = program_run((const char *const[]){"--help", NULL}, STDOUT_FILENO, &output);
        read_whole(output, text, sizeof(text));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
                ck_assert_msg(strstr(text, options[i]), "%s", options[i]);
}
END_TEST

START_TEST(fates_follow_the_rates_and_the_seed)
{
        enum { COUNT = 100000 };
        const struct fate_rules rules = {.seed = 7,
                                         .drop = UINT64_C(1) << 32 >> 4,
                                         .half = UINT64_C(1) << 32 >> 5,
                                         .stall = UINT64_C(1) << 32 >> 3,
                                         .delay_from_ms = 5,
                                         .delay_to_ms = 9,
                                         .stall_from_ms = 100,
                                         .stall_to_ms = 200};
        uint64_t stream = fate_stream(&rules, 3, 1), again = fate_stream(&rules, 3, 1);
        uint64_t other = fate_stream(&rules, 3, 0);
        int kinds[4] = {0}, resets = 0, different = 0;
        for (int i = 0; i < COUNT; i++) {
                struct fate fate = fate_draw(&rules, &stream), same = fate_draw(&rules, &again);
                struct fate another = fate_draw(&rules, &other);
                ck_assert(fate.kind == same.kind && fate.hold_ms == same.hold_ms && fate.reset == same.reset);
                different += fate.kind != another.kind || fate.hold_ms != another.hold_ms;
                kinds[fate.kind]++;
                resets += fate.kind == FATE_DROP && fate.reset;
                bool stalled = fate.kind == FATE_STALL;
                ck_assert_uint_ge(fate.hold_ms, stalled ? 105 : 5);
                ck_assert_uint_le(fate.hold_ms, stalled ? 209 : 9);
        }
        ck_assert_int_lt(abs(kinds[FATE_DROP] - COUNT / 16), COUNT / 200);
        ck_assert_int_lt(abs(kinds[FATE_HALF] - COUNT / 32), COUNT / 200);
        ck_assert_int_lt(abs(kinds[FATE_STALL] - COUNT / 8), COUNT / 200);
        ck_assert_int_lt(abs(resets - COUNT / 32), COUNT / 200);
        ck_assert_int_gt(different, COUNT / 2);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("netproxy");
        TCase *line = tcase_create("line");
        tcase_set_timeout(line, 30);
        tcase_add_checked_fixture(line, setup, teardown);
        tcase_add_test(line, a_line_without_faults_changes_nothing);
        tcase_add_test(line, an_end_passes_on_and_the_other_direction_stays);
        tcase_add_test(line, a_reset_passes_on);
        tcase_add_test(line, a_server_that_is_not_there_ends_the_connection);
        tcase_add_test(line, a_delay_holds_every_chunk_and_keeps_the_order);
        tcase_add_test(line, a_drop_cuts_the_connection_instead_of_passing);
        tcase_add_test(line, a_half_arrives_before_the_cut);
        tcase_add_test(line, a_stall_holds_one_direction_and_goes_on);
        tcase_add_test(line, commands_cut_stall_and_resume);
        tcase_add_test(line, commands_that_are_none_are_answered);
        tcase_add_test(line, a_control_socket_of_a_killed_proxy_is_replaced_and_a_living_one_is_not);
        tcase_add_test(line, tell_says_a_command_and_prints_the_answer);
        tcase_add_test(line, who_does_not_read_costs_no_memory);
        tcase_add_test(line, more_connections_than_allowed_wait);
        tcase_add_test(line, a_signal_ends_it_with_the_counts);
        suite_add_tcase(suite, line);
        TCase *alone = tcase_create("alone");
        tcase_add_loop_test(alone, wrong_usage_is_named_and_ends_with_2, 0,
                            (int)(sizeof(usages) / sizeof(usages[0])));
        tcase_add_test(alone, help_names_every_option);
        tcase_add_test(alone, fates_follow_the_rates_and_the_seed);
        suite_add_tcase(suite, alone);
        return suite_run(suite);
}
