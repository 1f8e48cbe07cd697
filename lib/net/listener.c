/* The door: see listener.h. */
#include "lib/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "lib/base/address.h"
#include "lib/base/log.h"

struct listener {
        struct event_base *base;
        struct sockaddr_storage place;
        socklen_t place_length;
        int fd;                        /* -1: shut */
        int keeper;                    /* of the port; -1: none */
        int reserve;                   /* a descriptor to give up */
        struct event *readable, *rest; /* readable NULL: shut */
        struct listener_rules rules;
        const struct listener_events *events;
        void *context;
        char address[LISTENER_PEER_MAX];
};

static void rest(struct listener *listener)
{
        int64_t ms = listener->rules.rest_ms;
        struct timeval duration = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_del(listener->readable);
        event_add(listener->rest, &duration);
}

/* No descriptor for the next caller: it is told by closing. */
static void turn_away(struct listener *listener)
{
        close(listener->reserve);
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
                close(fd);
        listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
        listener->events->refused(listener->context);
        log_limited(LEVEL_ERROR, "no_descriptors", LOG_TEXT("listen", listener->address));
}

static void take_in(struct listener *listener, int fd, const struct sockaddr *address, socklen_t length)
{
        char peer[LISTENER_PEER_MAX];
        address_print_socket(address, length, peer, sizeof(peer));
        listener->events->accepted(listener->context, fd, address, peer);
}

/* False: nobody is there any more, or accepting rests. */
static bool accept_one(struct listener *listener)
{
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);
        int fd = accept4(listener->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
                take_in(listener, fd, (struct sockaddr *)&address, length);
                return true;
        }
        switch (errno) {
        case EAGAIN:
                return false;
        case EMFILE:
        case ENFILE:
                turn_away(listener);
                rest(listener);
                return false;
        case ENOBUFS:
        case ENOMEM:
                log_limited(LEVEL_ERROR, "accept_failed", LOG_TEXT("reason", strerror(errno)));
                rest(listener);
                return false;
        default: /* the caller's network failed, or it has gone already */
                return true;
        }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
        struct listener *listener = context;
        (void)fd;
        (void)what;
        for (int i = 0; i < listener->rules.accepts_per_turn && listener->readable; i++) {
                if (!accept_one(listener))
                        return;
        }
}

static void on_rested(evutil_socket_t fd, short what, void *context)
{
        struct listener *listener = context;
        (void)fd;
        (void)what;
        if (listener->readable) /* it may have been shut meanwhile */
                event_add(listener->readable, NULL);
}

static int bound_socket(const struct listener *listener)
{
        static const int on = 1;
        int fd = socket(listener->place.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (const struct sockaddr *)&listener->place, listener->place_length) < 0) {
                int reason = errno;
                close(fd);
                errno = reason;
                return -1;
        }
        return fd;
}

/* Those who are accepted inherit it. */
static void set_for_all(const struct listener *listener)
{
        static const int on = 1;
        int bytes = listener->rules.socket_buffer;
        setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(listener->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        if (bytes == 0)
                return;
        setsockopt(listener->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
        setsockopt(listener->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

bool listener_open(struct listener *listener)
{
        int reason;
        if (listener->readable)
                return true;
        if (listener->fd < 0)
                listener->fd = bound_socket(listener);
        if (listener->fd < 0)
                return false;
        set_for_all(listener);
        if (listen(listener->fd, listener->rules.backlog) == 0) {
                listener->readable =
                    event_new(listener->base, listener->fd, EV_READ | EV_PERSIST, on_readable, listener);
                if (listener->readable && event_add(listener->readable, NULL) == 0)
                        return true;
                errno = ENOMEM;
        }
        reason = errno;
        listener_shut(listener);
        errno = reason;
        return false;
}

void listener_shut(struct listener *listener)
{
        if (listener->rest)
                event_del(listener->rest);
        if (listener->readable)
                event_free(listener->readable);
        if (listener->fd >= 0)
                close(listener->fd);
        listener->readable = NULL;
        listener->fd = -1;
}

static bool resolve(struct listener *listener, const char *host, int port, char error[LISTENER_ERROR_MAX])
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
        struct addrinfo *info;
        char service[8];
        snprintf(service, sizeof(service), "%d", port);
        int result = getaddrinfo(host, service, &hints, &info);
        if (result) {
                snprintf(error, LISTENER_ERROR_MAX, "listen on %.200s: %s", host, gai_strerror(result));
                return false;
        }
        memcpy(&listener->place, info->ai_addr, info->ai_addrlen);
        listener->place_length = info->ai_addrlen;
        freeaddrinfo(info);
        return true;
}

/* Where a socket is: its port is known now, where any would do. */
static void learn_place(struct listener *listener, int fd)
{
        listener->place_length = sizeof(listener->place);
        getsockname(fd, (struct sockaddr *)&listener->place, &listener->place_length);
        address_print_socket((struct sockaddr *)&listener->place, listener->place_length, listener->address,
                             sizeof(listener->address));
}

static bool take_place(struct listener *listener)
{
        int *first = listener->rules.keeps_port ? &listener->keeper : &listener->fd;
        *first = bound_socket(listener);
        if (*first < 0)
                return false;
        learn_place(listener, *first);
        return listener_open(listener);
}

/* Shut. */
static struct listener *make(struct event_base *base, const struct listener_rules *rules,
                             const struct listener_events *events, void *context,
                             char error[LISTENER_ERROR_MAX])
{
        struct listener *listener = calloc(1, sizeof(*listener));
        if (listener) {
                *listener = (struct listener){.base = base,
                                              .fd = -1,
                                              .keeper = -1,
                                              .reserve = open("/dev/null", O_RDONLY | O_CLOEXEC),
                                              .rules = *rules,
                                              .events = events,
                                              .context = context};
                listener->rest = event_new(base, -1, 0, on_rested, listener);
                if (listener->rest)
                        return listener;
        }
        listener_free(listener);
        snprintf(error, LISTENER_ERROR_MAX, "out of memory");
        return NULL;
}

struct listener *listener_new(struct event_base *base, const char *host, int port,
                              const struct listener_rules *rules, const struct listener_events *events,
                              void *context, char error[LISTENER_ERROR_MAX])
{
        struct listener *listener = make(base, rules, events, context, error);
        if (!listener)
                return NULL;
        if (resolve(listener, host, port, error)) {
                if (take_place(listener))
                        return listener;
                snprintf(error, LISTENER_ERROR_MAX, "listen on %.200s port %d: %.200s", host, port,
                         strerror(errno));
        }
        listener_free(listener);
        return NULL;
}

struct listener *listener_adopt(struct event_base *base, int fd, const struct listener_rules *rules,
                                const struct listener_events *events, void *context,
                                char error[LISTENER_ERROR_MAX])
{
        struct listener *listener = make(base, rules, events, context, error);
        if (!listener) {
                close(fd);
                return NULL;
        }
        listener->fd = fd;
        learn_place(listener, fd);
        /* who accepts beside us may take whom we were told of: that must not block */
        if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && listener_open(listener))
                return listener;
        snprintf(error, LISTENER_ERROR_MAX, "listen on %s, the socket that was passed: %.200s",
                 listener->address, strerror(errno));
        listener_free(listener);
        return NULL;
}

bool listener_passed(int *ret_fd, char error[LISTENER_ERROR_MAX])
{
        int count = sd_listen_fds(1);
        if (count < 0) {
                snprintf(error, LISTENER_ERROR_MAX,
                         "LISTEN_FDS: %s; expected the number of sockets that were passed", strerror(-count));
                return false;
        }
        if (count > 1) {
                snprintf(error, LISTENER_ERROR_MAX,
                         "LISTEN_FDS: %d sockets were passed; expected one, of TCP", count);
                return false;
        }
        if (count == 1 && sd_is_socket_inet(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0) {
                snprintf(error, LISTENER_ERROR_MAX,
                         "LISTEN_FDS: what was passed is no TCP socket that listens; expected one");
                return false;
        }
        *ret_fd = count == 1 ? SD_LISTEN_FDS_START : -1;
        return true;
}

void listener_free(struct listener *listener)
{
        if (!listener)
                return;
        listener_shut(listener);
        if (listener->rest)
                event_free(listener->rest);
        if (listener->reserve >= 0)
                close(listener->reserve);
        if (listener->keeper >= 0)
                close(listener->keeper);
        free(listener);
}

const char *listener_address(const struct listener *listener)
{
        return listener->address;
}

int listener_port(const struct listener *listener)
{
        const void *place = &listener->place;
        return ntohs(listener->place.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)place)->sin6_port
                                                           : ((const struct sockaddr_in *)place)->sin_port);
}
