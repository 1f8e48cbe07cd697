/*
 * The client of the key module: see key_client.h.
 *
 * Questions on their way stand in the order of their ends, since all wait for as long: one timer looks at the first. By their ids they are found in a table, whose
 * place is the id's lower part; an id that is in use is passed over, so a table of twice as many places always has one.
 *
 * A module that was asked and has said nothing at all for as long as a question waits is given up: it may be frozen. Whether anybody still waits for the answer
 * is no matter: who drops his questions sooner than they end would never learn of it.
 *
 * A module that only listens, frozen, say, is not up: so it is asked for its status first.
 *
 * Whoever serves at the path is asked to vouch for MACs and hears PIN blocks. So it must be ourselves, root, or who owns the folder that the socket is in: while
 * the module is away anybody else might stand there, in a folder that he may write.
 *
 * Invariants: a question is in list and table, or in neither; in both only while UP, but for the greeting.
 */
#include "keymodule/client/key_client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/base/random.h"

enum { JITTER = 25 /* percent */ };

enum client_state { CLIENT_AWAY, CLIENT_GREETING, CLIENT_UP };

struct key_client {
        struct event_base *base;
        struct key_client_rules rules;
        const struct key_client_events *events;
        void *context;
        struct sockaddr_un address;
        enum client_state state;
        struct bufferevent *stream;
        struct event *again, *timer; /* the next attempt; see arm */
        int64_t pause_ms;            /* the next one */
        int64_t unheard_ms;          /* when it was asked first since it last said anything; 0: it was not */
        struct random random;
        struct key_question greeting;
        TAILQ_HEAD(questions, key_question) questions;
        struct key_question **table;
        size_t places, count;
        uint32_t next_id;
        struct key_client_counters counters;
};

static void add_timer(struct event *event, int64_t ms)
{
        struct timeval duration = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(event, &duration);
}

/* The timer looks at the first question's end, and at a module that says nothing. */
static void arm(struct key_client *client, int64_t now_ms)
{
        const struct key_question *first = TAILQ_FIRST(&client->questions);
        int64_t due_ms = first ? first->until_ms : INT64_MAX;
        if (client->unheard_ms && client->unheard_ms + client->rules.timeout_ms < due_ms)
                due_ms = client->unheard_ms + client->rules.timeout_ms;
        if (due_ms < INT64_MAX)
                add_timer(client->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

/* ---- questions ------------------------------------------------------------------------------------------- */

static void take_out(struct key_question *question)
{
        struct key_client *client = question->client;
        client->table[question->id % client->places] = NULL;
        TAILQ_REMOVE(&client->questions, question, entry);
        question->client = NULL;
        client->count--;
}

static void put_in(struct key_client *client, struct key_question *question, enum key_command command)
{
        do
                client->next_id++; /* 0 is of no question */
        while (client->next_id == 0 || client->table[client->next_id % client->places]);
        question->id = client->next_id;
        question->command = command;
        question->client = client;
        int64_t now_ms = steady_now_ms();
        question->until_ms = now_ms + client->rules.timeout_ms;
        if (!client->unheard_ms)
                client->unheard_ms = now_ms;
        client->table[question->id % client->places] = question;
        TAILQ_INSERT_TAIL(&client->questions, question, entry);
        if (client->count++ == 0)
                arm(client, now_ms);
}

void key_question_drop(struct key_question *question)
{
        if (question->client)
                take_out(question);
}

/* Those that are there now; who asks again in `ended` is not among them. */
static void end_all(struct key_client *client, int64_t *counter)
{
        struct key_question *question;
        size_t left = client->count;
        while (left-- > 0 && (question = TAILQ_FIRST(&client->questions))) {
                take_out(question);
                ++*counter;
                question->ended(question, NULL);
        }
}

/* ---- the connection -------------------------------------------------------------------------------------- */

static void go_away(struct key_client *client, const char *why)
{
        client->state = CLIENT_AWAY;
        if (client->stream)
                bufferevent_free(client->stream);
        client->stream = NULL;
        client->unheard_ms = 0;
        add_timer(client->again, random_jitter(&client->random, client->pause_ms, JITTER));
        client->pause_ms = client->pause_ms * 2 < client->rules.longest_pause_ms
                               ? client->pause_ms * 2
                               : client->rules.longest_pause_ms;
        if (client->events->away)
                client->events->away(client->context, why);
        end_all(client, &client->counters.away);
}

/* False: not a frame of ours, or we are refused; the client is away then. */
static bool take_answer(struct key_client *client, const uint8_t *frame, size_t size)
{
        struct key_message answer;
        uint32_t id;
        if (!key_answer_id(frame, size, &id)) {
                go_away(client, "it sends what is no answer");
                return false;
        }
        struct key_question *question = client->table[id % client->places];
        if (!question || question->id != id) {
                if (id == 0) { /* of no question: it says why it hangs up */
                        go_away(client, key_code_text(KEY_CODE_USER));
                        return false;
                }
                client->counters.late++;
                return true;
        }
        if (!key_answer_read(frame, size, question->command, &answer)) {
                go_away(client, "it sends what is no answer");
                return false;
        }
        take_out(question);
        client->counters.answered += question != &client->greeting;
        client->pause_ms = client->rules.pause_ms; /* it works */
        question->ended(question, &answer);
        return client->state != CLIENT_AWAY;
}

static void on_read(struct bufferevent *stream, void *context)
{
        struct key_client *client = context;
        struct evbuffer *input = bufferevent_get_input(stream);
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        bool goes_on = true;

        client->unheard_ms = 0;
        while (goes_on) {
                size_t size = 0, available = evbuffer_get_length(input);
                ssize_t copied = evbuffer_copyout(input, frame, KEY_HEADER);
                if (copied < 0 || !key_frame_size(frame, (size_t)copied, &size)) {
                        go_away(client, "it sends what is no answer");
                        break;
                }
                if (size == 0 || size > available)
                        break;
                evbuffer_remove(input, frame, size);
                goes_on = take_answer(client, frame + KEY_HEADER, size - KEY_HEADER);
        }
        OPENSSL_cleanse(frame, sizeof(frame));
}

/* It has said why it hung up before we had read it: what we wrote met nobody. */
static bool was_refused(int fd)
{
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        uint32_t id;
        ssize_t size = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);
        return size > KEY_HEADER && key_answer_id(frame + KEY_HEADER, (size_t)size - KEY_HEADER, &id) &&
               id == 0;
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
        struct key_client *client = context;
        int reason = EVUTIL_SOCKET_ERROR();
        if (what & BEV_EVENT_ERROR)
                go_away(client, client->state == CLIENT_GREETING && was_refused(bufferevent_getfd(stream))
                                    ? key_code_text(KEY_CODE_USER)
                                    : strerror(reason));
        else if (what & BEV_EVENT_EOF)
                go_away(client, "it has hung up");
}

/* False: not taken, and as it was. */
static bool send_question(struct key_client *client, struct key_question *question,
                          const struct key_message *message)
{
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        struct key_message numbered = *message;
        put_in(client, question, message->command);
        numbered.id = question->id;
        size_t size = key_request_write(&numbered, frame);
        /* gathered: the stream writes once the loop has had its turn */
        bool taken = size > 0 && bufferevent_write(client->stream, frame, size) == 0;
        OPENSSL_cleanse(frame, sizeof(frame));
        if (!taken)
                take_out(question);
        return taken;
}

static void on_greeted(struct key_question *question, const struct key_message *answer)
{
        struct key_client *client = question->context;
        if (!answer)
                return; /* the stream's end, or its silence, says so */
        if (answer->code != KEY_CODE_GOOD) {
                go_away(client, key_code_text(answer->code));
                return;
        }
        client->state = CLIENT_UP;
        if (client->events->up)
                client->events->up(client->context);
}

/* A unix socket connects at once, or not at all. */
static int connected_socket(const struct key_client *client)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        if (connect(fd, (const struct sockaddr *)&client->address, sizeof(client->address)) == 0)
                return fd;
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
}

static bool owns_folder(const struct key_client *client, uid_t uid)
{
        char folder[sizeof(client->address.sun_path)];
        struct stat status;
        strcpy(folder, client->address.sun_path);
        char *end = strrchr(folder, '/');
        if (!end)
                strcpy(folder, ".");
        else
                end[end == folder] = '\0';
        return stat(folder, &status) == 0 && status.st_uid == uid;
}

/* The credentials are those of whoever began to listen. */
static bool is_trusted(const struct key_client *client, int fd)
{
        struct ucred peer = {.uid = (uid_t)-1};
        socklen_t size = sizeof(peer);
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
               (peer.uid == geteuid() || peer.uid == 0 || owns_folder(client, peer.uid));
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
        struct key_client *client = context;
        (void)what;
        fd = connected_socket(client);
        if (fd >= 0 && !is_trusted(client, fd)) {
                close(fd);
                go_away(client, KEY_CLIENT_STRANGER);
                return;
        }
        if (fd >= 0)
                client->stream = bufferevent_socket_new(client->base, fd, BEV_OPT_CLOSE_ON_FREE);
        if (!client->stream) {
                int reason = errno;
                if (fd >= 0)
                        close(fd);
                go_away(client, strerror(reason));
                return;
        }
        bufferevent_setcb(client->stream, on_read, NULL, on_event, client);
        bufferevent_enable(client->stream, EV_READ | EV_WRITE);
        client->state = CLIENT_GREETING;
        if (!send_question(client, &client->greeting, &(struct key_message){.command = KEY_COMMAND_STATUS}))
                go_away(client, "out of memory");
}

/* Ends those that have waited long enough. A module that has said nothing at all meanwhile is given up: it may be frozen. */
static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct key_client *client = context;
        struct key_question *first;
        int64_t now_ms = steady_now_ms();
        (void)fd;
        (void)what;
        if (client->unheard_ms && now_ms - client->unheard_ms >= client->rules.timeout_ms) {
                go_away(client, "it doesn't answer");
                return;
        }
        while ((first = TAILQ_FIRST(&client->questions)) && first->until_ms <= now_ms) {
                take_out(first);
                client->counters.timed_out++;
                first->ended(first, NULL);
        }
        arm(client, now_ms);
}

/* ---- for others ------------------------------------------------------------------------------------------ */

struct key_client *key_client_new(struct event_base *base, const struct key_client_rules *rules,
                                  const struct key_client_events *events, void *context)
{
        struct key_client *client = calloc(1, sizeof(*client));
        if (!client)
                return NULL;
        *client = (struct key_client){.base = base,
                                      .rules = *rules,
                                      .events = events,
                                      .context = context,
                                      .address = {.sun_family = AF_UNIX},
                                      .pause_ms = rules->pause_ms,
                                      .places = 2 * rules->questions_max};
        TAILQ_INIT(&client->questions);
        client->greeting = (struct key_question){.ended = on_greeted, .context = client};
        random_seed_anew(&client->random);
        client->table = calloc(client->places, sizeof(struct key_question *));
        client->again = event_new(base, -1, 0, on_again, client);
        client->timer = event_new(base, -1, 0, on_timer, client);
        if (client->table && client->again && client->timer &&
            strlen(rules->path) < sizeof(client->address.sun_path)) {
                strcpy(client->address.sun_path, rules->path);
                add_timer(client->again, 0);
                return client;
        }
        key_client_free(client);
        return NULL;
}

void key_client_free(struct key_client *client)
{
        if (!client)
                return;
        while (!TAILQ_EMPTY(&client->questions))
                take_out(TAILQ_FIRST(&client->questions));
        if (client->stream)
                bufferevent_free(client->stream);
        if (client->again)
                event_free(client->again);
        if (client->timer)
                event_free(client->timer);
        free(client->table);
        free(client);
}

bool key_client_is_up(const struct key_client *client)
{
        return client->state == CLIENT_UP;
}

bool key_client_ask(struct key_client *client, struct key_question *question,
                    const struct key_message *message)
{
        if (client->state != CLIENT_UP || client->count == client->rules.questions_max ||
            !send_question(client, question, message))
                return false;
        client->counters.asked++;
        return true;
}

const struct key_client_counters *key_client_counters(const struct key_client *client)
{
        return &client->counters;
}
