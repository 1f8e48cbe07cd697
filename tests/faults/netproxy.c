/*
 * A TCP proxy that is a bad line (netproxy --help).
 *
 * A connection is two pipes, one in each direction. A pipe holds one chunk at most and goes round:
 *
 *      READING --chunk, fate drawn--> HELD --its time is over--> WRITING --all written--> READING
 *         |                             |                           '--cut after it--> connection closed
 *         |                             '--end of stream came along: none, it is its own last chunk
 *         '--end of stream--> ENDED, and the other side hears of it; both ENDED: connection closed
 *
 * pipe_arm is the one place that puts a pipe's event where its state wants it, and `stall` of the control
 * socket keeps it from doing so for all pipes. A connection is freed by connection_close alone.
 *
 * Memory: one chunk a direction, allocated while it is there; connections_max of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/process.h"
#include "lib/cli/say.h"
#include "lib/net/signals.h"
#include "tests/faults/options.h"
#include "tests/faults/tell.h"

enum {
        CHUNK_MAX = 16384,
        CONTROLS_MAX = 8,
        COMMAND_MAX = 32,
        DESCRIPTORS_OTHER = 32, /* that are no connections' */
        ACCEPT_REST_MS = 200,   /* where the system has no descriptors left */
};

enum pipe_state { PIPE_CONNECTING, PIPE_READING, PIPE_HELD, PIPE_WRITING, PIPE_ENDED };

struct connection;

struct pipe {
        struct connection *connection;
        enum pipe_state state;
        int from, to;
        struct event readable, writable, timer;
        uint64_t stream; /* of fates */
        uint8_t *chunk;
        size_t length, written;
        uint32_t hold_ms;
        bool cut_after;
};

struct connection {
        LIST_ENTRY(connection) entry;
        struct proxy *proxy;
        struct pipe pipe[2]; /* 0: from the client, 1: to the client */
};

struct control {
        LIST_ENTRY(control) entry;
        struct proxy *proxy;
        int fd;
        struct event readable;
        char line[COMMAND_MAX];
        size_t length;
};

struct counts {
        unsigned long long accepted, refused, chunks, bytes, dropped, halved, stalled, cut;
};

struct proxy {
        struct options options;
        struct event_base *base;
        struct evconnlistener *listener, *control_listener;
        struct event *accept_rest;
        LIST_HEAD(, connection) connections;
        LIST_HEAD(, control) controls;
        uint32_t open, controls_open;
        bool stalled; /* by command */
        struct counts counts;
};

static int counts_print(const struct proxy *proxy, char *buffer, size_t size)
{
        const struct counts *c = &proxy->counts;
        return snprintf(buffer, size,
                        "open %u accepted %llu refused %llu chunks %llu bytes %llu dropped %llu halved %llu "
                        "stalled %llu cut %llu\n",
                        proxy->open, c->accepted, c->refused, c->chunks, c->bytes, c->dropped, c->halved,
                        c->stalled, c->cut);
}

/* Only what the state waits for is armed. */
static void pipe_arm(struct pipe *pipe)
{
        struct timeval hold = {pipe->hold_ms / 1000, (suseconds_t)(pipe->hold_ms % 1000) * 1000};
        event_del(&pipe->readable);
        event_del(&pipe->writable);
        event_del(&pipe->timer);
        if (pipe->connection->proxy->stalled)
                return;
        switch (pipe->state) {
        case PIPE_READING:
                event_add(&pipe->readable, NULL);
                break;
        case PIPE_HELD:
                event_add(&pipe->timer, &hold);
                break;
        case PIPE_CONNECTING:
        case PIPE_WRITING:
                event_add(&pipe->writable, NULL);
                break;
        case PIPE_ENDED:
                break;
        }
}

static void connection_close(struct connection *connection, bool reset)
{
        struct proxy *proxy = connection->proxy;
        struct linger at_once = {1, 0};
        const int fd[] = {connection->pipe[0].from, connection->pipe[0].to};
        for (int i = 0; i < 2; i++) {
                struct pipe *pipe = &connection->pipe[i];
                event_del(&pipe->readable);
                event_del(&pipe->writable);
                event_del(&pipe->timer);
                free(pipe->chunk);
                if (reset)
                        setsockopt(fd[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
                close(fd[i]);
        }
        LIST_REMOVE(connection, entry);
        free(connection);
        if (proxy->open-- == proxy->options.connections_max && !evtimer_pending(proxy->accept_rest, NULL))
                evconnlistener_enable(proxy->listener);
}

static void pipe_end(struct pipe *pipe)
{
        struct connection *connection = pipe->connection;
        pipe->state = PIPE_ENDED;
        if (connection->pipe[0].state == PIPE_ENDED && connection->pipe[1].state == PIPE_ENDED) {
                connection_close(connection, false);
                return;
        }
        shutdown(pipe->to, SHUT_WR);
        pipe_arm(pipe);
}

static void pipe_write(struct pipe *pipe)
{
        struct counts *counts = &pipe->connection->proxy->counts;
        while (pipe->written < pipe->length) {
                ssize_t n =
                    send(pipe->to, pipe->chunk + pipe->written, pipe->length - pipe->written, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        pipe->state = PIPE_WRITING;
                        pipe_arm(pipe);
                        return;
                }
                if (n < 0) {
                        connection_close(pipe->connection, true);
                        return;
                }
                pipe->written += (size_t)n;
                counts->bytes += (unsigned long long)n;
        }
        free(pipe->chunk);
        pipe->chunk = NULL;
        if (pipe->cut_after) {
                connection_close(pipe->connection, false);
                return;
        }
        pipe->state = PIPE_READING;
        pipe_arm(pipe);
}

/* Take what is there for a chunk. 0: the end of the stream; -1: nothing yet; -2: the connection is over. */
static ssize_t pipe_fill(struct pipe *pipe)
{
        uint8_t bytes[CHUNK_MAX];
        ssize_t n;
        do
                n = recv(pipe->from, bytes, sizeof(bytes), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? -1 : -2;
        if (n == 0)
                return 0;
        pipe->chunk = malloc((size_t)n);
        if (!pipe->chunk)
                return -2;
        memcpy(pipe->chunk, bytes, (size_t)n);
        pipe->length = (size_t)n;
        pipe->written = 0;
        return n;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        struct pipe *pipe = context;
        struct proxy *proxy = pipe->connection->proxy;
        ssize_t n = pipe_fill(pipe);
        if (n == -2) {
                connection_close(pipe->connection, true);
        } else if (n == 0) {
                pipe_end(pipe);
        }
        if (n <= 0)
                return;
        proxy->counts.chunks++;
        struct fate fate = fate_draw(&proxy->options.rules, &pipe->stream);
        switch (fate.kind) {
        case FATE_DROP:
                proxy->counts.dropped++;
                connection_close(pipe->connection, fate.reset);
                return;
        case FATE_HALF:
                proxy->counts.halved++;
                pipe->length /= 2;
                pipe->cut_after = true;
                break;
        case FATE_STALL:
                proxy->counts.stalled++;
                break;
        case FATE_PASS:
                break;
        }
        pipe->hold_ms = fate.hold_ms;
        if (fate.hold_ms == 0) {
                pipe_write(pipe);
        } else {
                pipe->state = PIPE_HELD;
                pipe_arm(pipe);
        }
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        pipe_write(context);
}

/* Pipe 0 writes to the server: its first time writable is the end of the connecting. */
static void connection_connected(struct connection *connection)
{
        int error = 0;
        socklen_t length = sizeof(error);
        if (getsockopt(connection->pipe[0].to, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error) {
                connection->proxy->counts.refused++;
                connection_close(connection, true);
                return;
        }
        for (int i = 0; i < 2; i++) {
                connection->pipe[i].state = PIPE_READING;
                pipe_arm(&connection->pipe[i]);
        }
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        struct pipe *pipe = context;
        if (pipe->state == PIPE_CONNECTING)
                connection_connected(pipe->connection);
        else
                pipe_write(pipe);
}

static void pipe_init(struct pipe *pipe, struct connection *connection, int from, int to, unsigned direction)
{
        struct proxy *proxy = connection->proxy;
        pipe->connection = connection;
        pipe->state = PIPE_CONNECTING;
        pipe->from = from;
        pipe->to = to;
        pipe->stream = fate_stream(&proxy->options.rules, proxy->counts.accepted, direction);
        event_assign(&pipe->readable, proxy->base, from, EV_READ, on_readable, pipe);
        event_assign(&pipe->writable, proxy->base, to, EV_WRITE, on_writable, pipe);
        evtimer_assign(&pipe->timer, proxy->base, on_timer, pipe);
}

static int server_connect(const struct endpoint *address)
{
        int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        if (connect(fd, (const struct sockaddr *)&address->storage, address->length) == 0 ||
            errno == EINPROGRESS)
                return fd;
        close(fd);
        return -1;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t client, struct sockaddr *address,
                      int length, void *context)
{
        (void)address, (void)length;
        struct proxy *proxy = context;
        int at_once = 1;
        struct connection *connection = calloc(1, sizeof(*connection));
        int server = connection ? server_connect(&proxy->options.to) : -1;
        proxy->counts.accepted++;
        if (server < 0) {
                proxy->counts.refused++;
                free(connection);
                close(client);
                return;
        }
        /* The line's delays are ours to make, not Nagle's. */
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
        connection->proxy = proxy;
        pipe_init(&connection->pipe[0], connection, client, server, 0);
        pipe_init(&connection->pipe[1], connection, server, client, 1);
        LIST_INSERT_HEAD(&proxy->connections, connection, entry);
        if (++proxy->open == proxy->options.connections_max)
                evconnlistener_disable(listener);
        pipe_arm(&connection->pipe[0]);
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
        struct proxy *proxy = context;
        struct timeval rest = {0, ACCEPT_REST_MS * 1000};
        evconnlistener_disable(listener);
        evtimer_add(proxy->accept_rest, &rest);
}

static void on_accept_rest(evutil_socket_t fd, short what, void *context)
{
        (void)fd, (void)what;
        struct proxy *proxy = context;
        if (proxy->open < proxy->options.connections_max)
                evconnlistener_enable(proxy->listener);
}

static unsigned connections_cut(struct proxy *proxy)
{
        unsigned count = 0;
        for (struct connection *connection; (connection = LIST_FIRST(&proxy->connections)); count++)
                connection_close(connection, true);
        return count;
}

static void stall_set(struct proxy *proxy, bool stalled)
{
        struct connection *connection;
        proxy->stalled = stalled;
        LIST_FOREACH(connection, &proxy->connections, entry)
        {
                pipe_arm(&connection->pipe[0]);
                if (connection->pipe[1].state != PIPE_CONNECTING) /* pipe 0 waits for both */
                        pipe_arm(&connection->pipe[1]);
        }
}

static void control_close(struct control *control)
{
        event_del(&control->readable);
        close(control->fd);
        LIST_REMOVE(control, entry);
        control->proxy->controls_open--;
        free(control);
}

static void command_run(struct proxy *proxy, const char *command, char *answer, size_t size)
{
        if (strcmp(command, "cut") == 0) {
                unsigned count = connections_cut(proxy);
                proxy->counts.cut += count;
                snprintf(answer, size, "ok %u\n", count);
        } else if (strcmp(command, "stall") == 0 || strcmp(command, "resume") == 0) {
                stall_set(proxy, *command == 's');
                snprintf(answer, size, "ok\n");
        } else if (strcmp(command, "status") == 0) {
                counts_print(proxy, answer, size);
        } else {
                snprintf(answer, size, "error: '%s': expected cut, stall, resume or status\n", command);
        }
}

static void on_command(evutil_socket_t fd, short what, void *context)
{
        (void)what;
        struct control *control = context;
        ssize_t n = recv(fd, control->line + control->length, COMMAND_MAX - 1 - control->length, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                control_close(control);
                return;
        }
        control->length += (size_t)n;
        control->line[control->length] = '\0';
        for (char *end; (end = strchr(control->line, '\n'));) {
                char answer[512];
                *end = '\0';
                command_run(control->proxy, control->line, answer, sizeof(answer));
                control->length -= (size_t)(end + 1 - control->line);
                memmove(control->line, end + 1, control->length + 1);
                /* An answer fits the socket's buffer; who does not read his is not waited for. */
                if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) != (ssize_t)strlen(answer)) {
                        control_close(control);
                        return;
                }
        }
        if (control->length == COMMAND_MAX - 1) {
                static const char too_long[] = "error: the line is too long\n";
                if (send(fd, too_long, sizeof(too_long) - 1, MSG_NOSIGNAL) < 0)
                        perror("netproxy: control");
                control_close(control);
        }
}

static void on_control(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                       int length, void *context)
{
        (void)listener, (void)address, (void)length;
        struct proxy *proxy = context;
        struct control *control = proxy->controls_open < CONTROLS_MAX ? calloc(1, sizeof(*control)) : NULL;
        if (!control) {
                close(fd);
                return;
        }
        control->proxy = proxy;
        control->fd = fd;
        event_assign(&control->readable, proxy->base, fd, EV_READ | EV_PERSIST, on_command, control);
        event_add(&control->readable, NULL);
        LIST_INSERT_HEAD(&proxy->controls, control, entry);
        proxy->controls_open++;
}

/* A socket that nobody answers at is left over from a proxy that was killed. */
static void socket_remove_stale(const struct sockaddr_un *address)
{
        struct stat status;
        if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
                return;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno == ECONNREFUSED)
                unlink(address->sun_path);
        close(fd);
}

static bool control_listen(struct proxy *proxy)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (!proxy->options.control)
                return true;
        strcpy(address.sun_path, proxy->options.control); /* options_read has measured it */
        socket_remove_stale(&address);
        mode_t before = umask(077);
        proxy->control_listener = evconnlistener_new_bind(
            proxy->base, on_control, proxy, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, CONTROLS_MAX,
            (struct sockaddr *)&address, sizeof(address));
        umask(before);
        if (!proxy->control_listener)
                complain("--control %s: %s", proxy->options.control, strerror(errno));
        return proxy->control_listener;
}

/* Two descriptors a connection: as many as the system gives, and no more connections than that. */
static void descriptors_arrange(struct proxy *proxy)
{
        uint64_t files = process_raise_files();
        if (files > 2 * DESCRIPTORS_OTHER && proxy->options.connections_max > (files - DESCRIPTORS_OTHER) / 2)
                proxy->options.connections_max = (uint32_t)((files - DESCRIPTORS_OTHER) / 2);
}

static bool clients_listen(struct proxy *proxy)
{
        struct sockaddr_storage bound;
        socklen_t length = sizeof(bound);
        char host[INET6_ADDRSTRLEN];
        proxy->listener = evconnlistener_new_bind(
            proxy->base, on_accept, proxy, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
            SOMAXCONN, (struct sockaddr *)&proxy->options.listen.storage, (int)proxy->options.listen.length);
        if (!proxy->listener ||
            getsockname(evconnlistener_get_fd(proxy->listener), (struct sockaddr *)&bound, &length) < 0) {
                complain("--listen: %s", strerror(errno));
                return false;
        }
        evconnlistener_set_error_cb(proxy->listener, on_accept_error);
        bool v6 = bound.ss_family == AF_INET6;
        const void *raw = v6 ? (const void *)&((struct sockaddr_in6 *)&bound)->sin6_addr
                             : (const void *)&((struct sockaddr_in *)&bound)->sin_addr;
        in_port_t port =
            v6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port;
        inet_ntop(bound.ss_family, raw, host, sizeof(host));
        printf(v6 ? "listening on [%s]:%u\n" : "listening on %s:%u\n", host, ntohs(port));
        return fflush(stdout) == 0;
}

static void on_signal(evutil_socket_t signal_number, short what, void *context)
{
        (void)signal_number, (void)what;
        event_base_loopbreak(context);
}

static void proxy_clear(struct proxy *proxy)
{
        struct control *control;
        connections_cut(proxy);
        while ((control = LIST_FIRST(&proxy->controls)))
                control_close(control);
        if (proxy->control_listener) {
                evconnlistener_free(proxy->control_listener);
                unlink(proxy->options.control);
        }
        if (proxy->listener)
                evconnlistener_free(proxy->listener);
}

int main(int count, char **words)
{
        static struct proxy proxy;
        static const struct signal_row rows[] = {{SIGTERM, on_signal}, {SIGINT, on_signal}};
        struct signals *signals;
        bool good = false;

        say_as("netproxy");
        if (count > 1 && strcmp(words[1], "tell") == 0)
                return tell(count - 2, words + 2);
        options_read(count - 1, words + 1, &proxy.options);
        descriptors_arrange(&proxy);
        proxy.base = event_base_new();
        if (!proxy.base) {
                complain("libevent can't set up an event loop");
                return 1;
        }
        proxy.accept_rest = evtimer_new(proxy.base, on_accept_rest, &proxy);
        signals = signals_new(proxy.base, rows, sizeof(rows) / sizeof(rows[0]), proxy.base);
        if (!proxy.accept_rest || !signals) {
                complain("no memory");
                goto out;
        }
        if (!control_listen(&proxy) || !clients_listen(&proxy))
                goto out;
        good = event_base_dispatch(proxy.base) >= 0;
        char line[512];
        counts_print(&proxy, line, sizeof(line));
        good = good && fputs(line, stdout) >= 0 && fflush(stdout) == 0;
out:
        proxy_clear(&proxy);
        if (proxy.accept_rest)
                event_free(proxy.accept_rest);
        signals_free(signals);
        event_base_free(proxy.base);
        return good ? 0 : 1;
}
