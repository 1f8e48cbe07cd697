/*
 * Clients and their requests: see service.h. A place (struct place) is a request from when it is read until its answer is written; it outlives its client.
 *
 * Invariant: what a place held is wiped when it is free.
 */
#include "keymodule/service.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"

enum {
        INPUT_MAX = 64 * 1024,   /* of a client, that was not looked at */
        OUTPUT_MAX = 256 * 1024, /* that it has not read */
        REQUESTS_PER_TURN = 64,  /* of a user, one of a client at least: then the others have theirs */
        BACKLOG = 64,
        REST_MS = 200, /* of accepting, where the system has no descriptors or memory left */
};

struct client {
        LIST_ENTRY(client) entry;
        struct service *service;
        struct bufferevent *stream;
        const struct service_user *user;
        bool is_held; /* until a place is free */
};

struct place {
        struct backend_call call; /* first */
        SLIST_ENTRY(place) entry; /* of the free ones */
        struct service *service;
        struct client *client; /* NULL: free, or it has gone */
        uint8_t frame[KEY_FRAME_MAX];
};

struct service {
        struct service_rules rules;
        struct event_base *base;
        struct backend *backend;
        struct evconnlistener *listener;
        struct event *rested;        /* accepting goes on */
        LIST_HEAD(, client) clients; /* who came last is first */
        size_t clients_of[SERVICE_USERS_MAX];
        SLIST_HEAD(, place) free_places;
        struct place *places;
        size_t client_count;
        struct service_counters counters;
};

/* ---- clients --------------------------------------------------------------------------------------------- */

static size_t *clients_of(struct service *service, const struct service_user *user)
{
        return &service->clients_of[user - service->rules.users];
}

static void client_close(struct client *client)
{
        struct service *service = client->service;
        for (size_t i = 0; i < service->rules.calls_max; i++) {
                if (service->places[i].client == client)
                        service->places[i].client = NULL;
        }
        LIST_REMOVE(client, entry);
        service->client_count--;
        --*clients_of(service, client->user);
        bufferevent_free(client->stream);
        free(client);
}

static void client_answer(struct client *client, const struct key_message *answer)
{
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        struct key_message failed = {.id = answer->id, .command = answer->command, .code = KEY_CODE_FAILED};
        size_t size = key_answer_write(answer, frame);

        client->service->counters.bad += answer->code != KEY_CODE_GOOD;
        if (size == 0) { /* a back end's answer that is none */
                log_limited(LEVEL_ERROR, "bad_answer",
                            LOG_TEXT("command", key_commands[answer->command].name));
                size = key_answer_write(&failed, frame);
        }
        bufferevent_write(client->stream, frame, size);
        OPENSSL_cleanse(frame, size);
}

/* How many requests of his are looked at in a turn: who has many connections has no more of them than others. */
static size_t share_of(const struct client *client)
{
        size_t share = REQUESTS_PER_TURN / *clients_of(client->service, client->user);
        return share > 0 ? share : 1;
}

/* Its input is looked at again, after the others. */
static void client_wake(struct client *client)
{
        bufferevent_trigger(client->stream, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static void place_free(struct place *place)
{
        struct service *service = place->service;
        struct client *client;

        OPENSSL_cleanse(&place->call, sizeof(place->call));
        OPENSSL_cleanse(place->frame, sizeof(place->frame));
        place->client = NULL;
        SLIST_INSERT_HEAD(&service->free_places, place, entry);
        LIST_FOREACH(client, &service->clients, entry)
        {
                if (client->is_held) {
                        client->is_held = false;
                        client_wake(client);
                }
        }
}

static void on_done(struct backend_call *call)
{
        struct place *place = (struct place *)call;
        if (place->client)
                client_answer(place->client, &call->answer);
        place_free(place);
}

/* A frame of the place as a request: to the back end, or refused here. */
static void submit(struct place *place, size_t size)
{
        struct backend_call *call = &place->call;
        enum key_code code = key_request_read(place->frame, size, &call->request);

        call->answer = (struct key_message){.id = call->request.id, .command = call->request.command};
        call->done = on_done;
        call->used = 0;
        place->service->counters.requests++;
        if (code == KEY_CODE_GOOD && !place->client->user->may[key_commands[call->request.command].duty])
                code = KEY_CODE_USER;
        if (code == KEY_CODE_GOOD) {
                place->service->backend->kind->ask(place->service->backend, call);
                return;
        }
        call->answer.code = code;
        on_done(call);
}

/* The next whole frame's size with its header; 0: none yet; -1: there can be none. */
static ssize_t next_frame(struct evbuffer *input)
{
        uint8_t header[KEY_HEADER];
        size_t size, available = evbuffer_get_length(input);
        ssize_t copied = evbuffer_copyout(input, header, sizeof(header));

        if (copied < 0 || !key_frame_size(header, (size_t)copied, &size))
                return -1;
        return size > available ? 0 : (ssize_t)size;
}

static void on_read(struct bufferevent *stream, void *context)
{
        struct client *client = context;
        struct service *service = client->service;
        struct evbuffer *input = bufferevent_get_input(stream), *output = bufferevent_get_output(stream);

        for (size_t left = share_of(client); left > 0; left--) {
                struct place *place = SLIST_FIRST(&service->free_places);
                ssize_t size = next_frame(input);
                if (size < 0) {
                        log_limited(LEVEL_WARNING, "no_frame", LOG_NUMBER("uid", client->user->uid));
                        client_close(client);
                        return;
                }
                client->is_held = size > 0 && !place;
                if (size == 0 || !place || evbuffer_get_length(output) > OUTPUT_MAX)
                        return;
                SLIST_REMOVE_HEAD(&service->free_places, entry);
                place->client = client;
                evbuffer_drain(input, KEY_HEADER);
                evbuffer_remove(input, place->frame, (size_t)size - KEY_HEADER);
                submit(place, (size_t)size - KEY_HEADER);
        }
        client_wake(client);
}

/* All answers are with the system. */
static void on_written(struct bufferevent *stream, void *context)
{
        (void)stream;
        client_wake(context);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
        (void)stream;
        if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
                client_close(context);
}

/* ---- the door -------------------------------------------------------------------------------------------- */

static const struct service_user *find_user(const struct service *service, uid_t uid)
{
        for (size_t i = 0; i < service->rules.user_count; i++) {
                if (service->rules.users[i].uid == uid)
                        return &service->rules.users[i];
        }
        return NULL;
}

static struct client *client_new(struct service *service, int fd, const struct service_user *user)
{
        struct client *client = calloc(1, sizeof(*client));
        if (!client)
                return NULL;
        *client = (struct client){.service = service, .user = user};
        client->stream = bufferevent_socket_new(service->base, fd, BEV_OPT_CLOSE_ON_FREE);
        if (!client->stream) {
                free(client);
                return NULL;
        }
        bufferevent_setcb(client->stream, on_read, on_written, on_event, client);
        bufferevent_setwatermark(client->stream, EV_READ, 0, INPUT_MAX);
        LIST_INSERT_HEAD(&service->clients, client, entry);
        service->client_count++;
        ++*clients_of(service, user);
        return client;
}

/* It takes no place, since everybody may knock. */
static void refuse(struct service *service, int fd, const struct ucred *peer)
{
        static const struct key_message why = {.code = KEY_CODE_USER};
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        size_t size = key_answer_write(&why, frame);
        service->counters.refused++;
        log_limited(LEVEL_WARNING, "user_refused", LOG_NUMBER("uid", peer->uid),
                    LOG_NUMBER("pid", peer->pid));
        if (send(fd, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                log_limited(LEVEL_WARNING, "user_refused_silently", LOG_TEXT("reason", strerror(errno)));
        close(fd);
}

/* Whose connections are the most; the house being full, the last of them goes where the newcomer's user has fewer, his included. */
static void make_room(struct service *service, const struct service_user *user)
{
        const struct service_user *crowd = user;
        struct client *client;
        for (size_t i = 0; i < service->rules.user_count; i++) {
                if (service->clients_of[i] > *clients_of(service, crowd))
                        crowd = &service->rules.users[i];
        }
        if (*clients_of(service, crowd) <= *clients_of(service, user) + 1)
                return;
        LIST_FOREACH(client, &service->clients, entry)
        if (client->user == crowd)
                break;
        log_limited(LEVEL_WARNING, "client_crowded_out", LOG_NUMBER("uid", crowd->uid),
                    LOG_NUMBER("for", user->uid));
        client_close(client);
}

static void on_accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                        int length, void *context)
{
        struct service *service = context;
        struct ucred peer = {.uid = (uid_t)-1};
        socklen_t size = sizeof(peer);
        const struct service_user *user = NULL;
        struct client *client = NULL;

        (void)listener;
        (void)address;
        (void)length;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
                user = find_user(service, peer.uid);
        if (!user) {
                refuse(service, fd, &peer);
                return;
        }
        if (service->client_count == SERVICE_CLIENTS_MAX)
                make_room(service, user);
        if (service->client_count < SERVICE_CLIENTS_MAX)
                client = client_new(service, fd, user);
        if (!client) {
                log_limited(LEVEL_ERROR, "client_turned_away",
                            LOG_NUMBER("clients", (int64_t)service->client_count));
                close(fd);
                return;
        }
        service->counters.clients++;
        bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* Otherwise libevent would try again in each turn, and say so. */
static void on_accept_failed(struct evconnlistener *listener, void *context)
{
        static const struct timeval rest = {.tv_usec = REST_MS * 1000};
        struct service *service = context;
        log_limited(LEVEL_ERROR, "accept_failed", LOG_TEXT("reason", strerror(EVUTIL_SOCKET_ERROR())));
        evconnlistener_disable(listener);
        event_add(service->rested, &rest);
}

static void on_rested(evutil_socket_t fd, short what, void *context)
{
        struct service *service = context;
        (void)fd;
        (void)what;
        evconnlistener_enable(service->listener);
}

static bool take_path(const char *path, struct sockaddr_un *ret_address, char error[SERVICE_ERROR_MAX])
{
        *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (strlen(path) < sizeof(ret_address->sun_path)) {
                strcpy(ret_address->sun_path, path);
                return true;
        }
        snprintf(error, SERVICE_ERROR_MAX, "%.200s: expected a path of at most %zu characters", path,
                 sizeof(ret_address->sun_path) - 1);
        return false;
}

/* A socket that a process which was killed has left is taken away; one that somebody serves at is not. */
static bool clear_path(const struct sockaddr_un *address, char error[SERVICE_ERROR_MAX])
{
        struct stat status;
        int fd;

        if (lstat(address->sun_path, &status) < 0)
                return true;
        if (!S_ISSOCK(status.st_mode)) {
                snprintf(error, SERVICE_ERROR_MAX, "%s: there is something else than a socket",
                         address->sun_path);
                return false;
        }
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int result = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, sizeof(*address));
        bool is_served = result == 0 || (fd >= 0 && errno == EAGAIN);
        if (fd >= 0)
                close(fd);
        if (is_served)
                snprintf(error, SERVICE_ERROR_MAX, "%s: another process serves there", address->sun_path);
        else
                unlink(address->sun_path);
        return !is_served;
}

/* Everybody may knock; who it is the system says. */
static int bound_socket(const struct sockaddr_un *address)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -1;
        if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
            chmod(address->sun_path, 0666) == 0)
                return fd;
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
}

static bool open_door(struct service *service, char error[SERVICE_ERROR_MAX])
{
        struct sockaddr_un address;
        if (!take_path(service->rules.path, &address, error) || !clear_path(&address, error))
                return false;
        int fd = bound_socket(&address);
        if (fd >= 0)
                service->listener =
                    evconnlistener_new(service->base, on_accepted, service,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
        service->rested = event_new(service->base, -1, 0, on_rested, service);
        if (service->listener && service->rested) {
                evconnlistener_set_error_cb(service->listener, on_accept_failed);
                return true;
        }
        snprintf(error, SERVICE_ERROR_MAX, "%s: %s", address.sun_path, strerror(errno));
        if (fd >= 0 && !service->listener)
                close(fd);
        return false;
}

struct service *service_new(struct event_base *base, const struct service_rules *rules,
                            struct backend *backend, char error[SERVICE_ERROR_MAX])
{
        struct service *service = calloc(1, sizeof(*service));
        struct place *places = calloc(rules->calls_max, sizeof(*places));

        if (!service || !places) {
                snprintf(error, SERVICE_ERROR_MAX, "out of memory");
                free(service);
                free(places);
                return NULL;
        }
        *service = (struct service){.rules = *rules, .base = base, .backend = backend, .places = places};
        for (size_t i = 0; i < rules->calls_max; i++) {
                places[i].service = service;
                SLIST_INSERT_HEAD(&service->free_places, &places[i], entry);
        }
        if (open_door(service, error))
                return service;
        service_free(service);
        return NULL;
}

void service_free(struct service *service)
{
        if (!service)
                return;
        while (!LIST_EMPTY(&service->clients))
                client_close(LIST_FIRST(&service->clients));
        if (service->listener) {
                evconnlistener_free(service->listener);
                unlink(service->rules.path);
        }
        if (service->rested)
                event_free(service->rested);
        OPENSSL_cleanse(service->places, service->rules.calls_max * sizeof(*service->places));
        free(service->places);
        free(service);
}

const struct service_counters *service_counters(const struct service *service)
{
        return &service->counters;
}
