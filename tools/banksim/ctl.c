/* The control socket, both ends: see ctl.h. */
#include "tools/banksim/ctl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/csv.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"

enum { LINE_MAX_BYTES = 200, SECONDS_MAX = 86400, PATIENCE_S = 10, WORDS_MAX = 3 };

struct caller {
        LIST_ENTRY(caller) entry;
        struct ctl *ctl;
        struct bufferevent *stream;
        bool answered;
};

struct ctl {
        struct event_base *base;
        struct host *const *hosts;
        size_t count;
        struct sockaddr_un address;
        int fd;
        struct event *acceptable;
        LIST_HEAD(, caller) callers;
};

/* ---- orders -------------------------------------------------------------------------------------------- */

/* "BANKA, BANKB or all" */
static void list_names(const struct ctl *ctl, char *buffer, size_t size)
{
        size_t length = 0;
        for (size_t i = 0; i < ctl->count && length < size; i++)
                length += (size_t)snprintf(buffer + length, size - length, "%s, ", host_name(ctl->hosts[i]));
        if (length < size)
                snprintf(buffer + length, size - length, "all");
}

static bool is_meant(const struct host *host, const char *what)
{
        return strcmp(what, "all") == 0 || strcmp(what, host_name(host)) == 0;
}

/* ---- what is shown, in three forms --------------------------------------------------------------------- */

static void show_text(const char *what, const json_t *banks, struct evbuffer *to)
{
        (void)what;
        for (size_t i = 0; i < json_array_size(banks); i++) {
                char *text = ctl_text_of(json_array_get(banks, i));
                evbuffer_add_printf(to, "%s", text ? text : "");
                free(text);
        }
}

static void show_json(const char *what, const json_t *banks, struct evbuffer *to)
{
        json_t *root = strcmp(what, "all") == 0 ? json_pack("{s:O}", "banks", banks)
                                                : json_incref(json_array_get(banks, 0));
        char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        evbuffer_add_printf(to, "%s\n", text ? text : "");
        free(text);
        json_decref(root);
}

static void csv_figure(const char *bank, const char *group, const char *key, const char *value, FILE *to)
{
        csv_write_row(to, (const char *const[]){bank, group, key, value}, 4);
}

/* One figure a line; of a behaviour how often it happened. Of texts only names are told. */
static void csv_figures(const char *bank, const char *group, json_t *object, FILE *to)
{
        char number[24];
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value)
        {
                const json_t *figure =
                    *group && json_is_object(value) ? json_object_get(value, "happened") : value;
                if (json_is_integer(figure)) {
                        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(figure));
                        csv_figure(bank, group, key, number, to);
                } else if (!*group && json_is_string(figure)) {
                        csv_figure(bank, group, key, json_string_value(figure), to);
                } else if (json_is_object(value)) {
                        csv_figures(bank, key, value, to);
                }
        }
}

static void show_csv(const char *what, const json_t *banks, struct evbuffer *to)
{
        char *text = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&text, &length);
        (void)what;
        if (!stream)
                return;
        csv_figure("bank", "group", "figure", "value", stream);
        for (size_t i = 0; i < json_array_size(banks); i++) {
                json_t *object = json_array_get(banks, i);
                csv_figures(json_string_value(json_object_get(object, "bank")), "", object, stream);
        }
        if (fclose(stream) == 0)
                evbuffer_add(to, text, length);
        free(text);
}

static const struct {
        const char *verb;
        void (*print)(const char *what, const json_t *banks, struct evbuffer *to);
} forms[] = {{"show", show_text}, {"show-json", show_json}, {"show-csv", show_csv}};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* The form that the verb asks for; FORMS: it does not ask to be shown anything. */
static size_t form_of(const char *verb)
{
        size_t form = 0;
        while (form < FORMS && strcmp(forms[form].verb, verb) != 0)
                form++;
        return form;
}

static void show(const struct ctl *ctl, const char *what, size_t form, struct evbuffer *to)
{
        json_t *banks = json_array();
        for (size_t i = 0; i < ctl->count; i++)
                if (is_meant(ctl->hosts[i], what))
                        json_array_append_new(banks, host_show(ctl->hosts[i]));
        evbuffer_add_printf(to, "ok\n");
        forms[form].print(what, banks, to);
        json_decref(banks);
}

/* ---- orders -------------------------------------------------------------------------------------------- */

/* "3", "0.5": milliseconds, 0 where it is no such number. */
static int64_t span_of(const char *text)
{
        char *end;
        if (strspn(text, "0123456789.") != strlen(text))
                return 0;
        double seconds = strtod(text, &end);
        if (end == text || *end || seconds > SECONDS_MAX)
                return 0;
        return (int64_t)(seconds * 1000);
}

static void order(const struct ctl *ctl, const char *what, enum behaviour behaviour, int64_t span_ms,
                  struct evbuffer *to)
{
        for (size_t i = 0; i < ctl->count; i++)
                if (is_meant(ctl->hosts[i], what))
                        host_order(ctl->hosts[i], behaviour, span_ms);
        evbuffer_add_printf(to, "ok\n");
}

static void have_keys_asked(const struct ctl *ctl, const char *what, struct evbuffer *to)
{
        for (size_t i = 0; i < ctl->count; i++) {
                const char *why = is_meant(ctl->hosts[i], what) ? host_ask_keys(ctl->hosts[i]) : NULL;
                if (why) {
                        evbuffer_add_printf(to, "error: %s: %s\n", host_name(ctl->hosts[i]), why);
                        return;
                }
        }
        evbuffer_add_printf(to, "ok\n");
}

static size_t split(char *line, char *word[WORDS_MAX + 1])
{
        size_t count = 0;
        char *rest = NULL;
        for (char *at = strtok_r(line, " ", &rest); at && count <= WORDS_MAX; at = strtok_r(NULL, " ", &rest))
                word[count++] = at;
        return count;
}

static void say_expected(const char *verb, struct evbuffer *to)
{
        evbuffer_add_printf(to, "error: '%.40s': expected show, normal, ask-keys, or one of ", verb);
        for (int i = 0; i < BEHAVIOUR_COUNT; i++)
                evbuffer_add_printf(to, "%s%s", i > 0 ? ", " : "", behaviour_name[i]);
        evbuffer_add_printf(to, " and how many seconds\n");
}

static void obey(const struct ctl *ctl, char *line, struct evbuffer *to)
{
        char *word[WORDS_MAX + 1], names[512];
        size_t count = split(line, word), known = 0;
        for (size_t i = 0; count > 0 && i < ctl->count; i++)
                known += is_meant(ctl->hosts[i], word[0]);
        if (known == 0) {
                list_names(ctl, names, sizeof(names));
                evbuffer_add_printf(to, "error: '%.40s' is no bank here; expected one of %s\n",
                                    count > 0 ? word[0] : "", names);
                return;
        }
        const char *verb = count > 1 ? word[1] : "";
        if (count == 2 && form_of(verb) < FORMS) {
                show(ctl, word[0], form_of(verb), to);
                return;
        }
        if (count == 2 && strcmp(verb, "ask-keys") == 0) {
                have_keys_asked(ctl, word[0], to);
                return;
        }
        enum behaviour behaviour = behaviour_of(verb, strlen(verb));
        int64_t span_ms = count == 3 ? span_of(word[2]) : 0;
        if (behaviour > BEHAVIOUR_NORMAL || count > 3)
                say_expected(verb, to);
        else if (count == 3 && (span_ms == 0 || behaviour == BEHAVIOUR_NORMAL))
                evbuffer_add_printf(to, "error: '%.40s': %s\n", word[2],
                                    behaviour == BEHAVIOUR_NORMAL
                                        ? "normal takes no seconds"
                                        : "expected seconds, more than 0 and at most 86400");
        else
                order(ctl, word[0], behaviour, span_ms, to);
}

/* ---- the socket's end ---------------------------------------------------------------------------------- */

static void hang_up(struct caller *caller)
{
        LIST_REMOVE(caller, entry);
        bufferevent_free(caller->stream);
        free(caller);
}

static void on_written(struct bufferevent *stream, void *context)
{
        struct caller *caller = context;
        (void)stream;
        if (caller->answered)
                hang_up(caller);
}

static void on_line(struct bufferevent *stream, void *context)
{
        struct caller *caller = context;
        struct evbuffer *in = bufferevent_get_input(stream);
        char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF);
        if (caller->answered || (!line && evbuffer_get_length(in) <= LINE_MAX_BYTES)) {
                free(line);
                return;
        }
        caller->answered = true;
        if (line)
                obey(caller->ctl, line, bufferevent_get_output(stream));
        else
                evbuffer_add_printf(bufferevent_get_output(stream),
                                    "error: a line of at most %d bytes is expected\n", LINE_MAX_BYTES);
        free(line);
        bufferevent_disable(stream, EV_READ);
}

static void on_end(struct bufferevent *stream, short what, void *context)
{
        (void)stream, (void)what;
        hang_up(context);
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
        static const struct timeval patience = {.tv_sec = PATIENCE_S};
        struct ctl *ctl = context;
        (void)what;
        int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (peer < 0)
                return;
        struct caller *caller = calloc(1, sizeof(*caller));
        struct bufferevent *stream = bufferevent_socket_new(ctl->base, peer, BEV_OPT_CLOSE_ON_FREE);
        if (!caller || !stream) {
                free(caller);
                if (stream)
                        bufferevent_free(stream);
                else
                        close(peer);
                return;
        }
        *caller = (struct caller){.ctl = ctl, .stream = stream};
        LIST_INSERT_HEAD(&ctl->callers, caller, entry);
        bufferevent_setcb(stream, on_line, on_written, on_end, caller);
        bufferevent_set_timeouts(stream, &patience, &patience);
        bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static bool address_of(const char *path, struct sockaddr_un *ret_address, char error[CTL_ERROR_MAX])
{
        *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof(ret_address->sun_path)) {
                snprintf(error, CTL_ERROR_MAX, "%.300s: a socket's path of at most %zu bytes is expected",
                         path, sizeof(ret_address->sun_path) - 1);
                return false;
        }
        strcpy(ret_address->sun_path, path);
        return true;
}

/* A socket that nobody listens on was left by a banksim that was killed. */
static void remove_stale(const struct sockaddr_un *address)
{
        struct stat status;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno == ECONNREFUSED &&
            lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
                unlink(address->sun_path);
        close(fd);
}

static int listen_at(const struct sockaddr_un *address)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        mode_t before = umask(0177);
        int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));
        umask(before);
        if (result < 0 || listen(fd, 16) < 0) {
                int saved_errno = errno;
                close(fd);
                errno = saved_errno;
                return -1;
        }
        return fd;
}

struct ctl *ctl_open(struct event_base *base, const char *path, struct host *const *hosts, size_t count,
                     char error[CTL_ERROR_MAX])
{
        struct ctl *ctl = calloc(1, sizeof(*ctl));
        if (!ctl) {
                snprintf(error, CTL_ERROR_MAX, "out of memory");
                return NULL;
        }
        *ctl = (struct ctl){.base = base, .hosts = hosts, .count = count, .fd = -1};
        LIST_INIT(&ctl->callers);
        if (!address_of(path, &ctl->address, error)) {
                free(ctl);
                return NULL;
        }
        remove_stale(&ctl->address);
        ctl->fd = listen_at(&ctl->address);
        if (ctl->fd < 0) {
                snprintf(error, CTL_ERROR_MAX, "%.300s: %s", path, strerror(errno));
                free(ctl);
                return NULL;
        }
        ctl->acceptable = event_new(base, ctl->fd, EV_READ | EV_PERSIST, on_acceptable, ctl);
        if (ctl->acceptable && event_add(ctl->acceptable, NULL) == 0)
                return ctl;
        snprintf(error, CTL_ERROR_MAX, "out of memory");
        ctl_close(ctl);
        return NULL;
}

void ctl_close(struct ctl *ctl)
{
        if (!ctl)
                return;
        while (!LIST_EMPTY(&ctl->callers))
                hang_up(LIST_FIRST(&ctl->callers));
        if (ctl->acceptable)
                event_free(ctl->acceptable);
        close(ctl->fd);
        unlink(ctl->address.sun_path);
        free(ctl);
}

/* ---- for people ---------------------------------------------------------------------------------------- */

static void print_value(struct evbuffer *to, const char *key, const json_t *value)
{
        if (json_is_integer(value))
                evbuffer_add_printf(to, "    %-16s %" JSON_INTEGER_FORMAT "\n", key,
                                    json_integer_value(value));
        else if (json_is_string(value))
                evbuffer_add_printf(to, "    %-16s %s\n", key, json_string_value(value));
        else if (json_is_object(value))
                evbuffer_add_printf(to, "    %-16s %" JSON_INTEGER_FORMAT " (rate %g)\n", key,
                                    json_integer_value(json_object_get(value, "happened")),
                                    json_real_value(json_object_get(value, "rate")));
        else
                evbuffer_add_printf(to, "    %-16s -\n", key);
}

char *ctl_text_of(const json_t *object)
{
        static const char *const groups[] = {"money", "journal", "counts", "behaviours"};
        struct evbuffer *to = evbuffer_new();
        const char *key;
        json_t *value;
        if (!to)
                return NULL;
        evbuffer_add_printf(to,
                            "%s %s (%s), port %" JSON_INTEGER_FORMAT ", dialect %s, %" JSON_INTEGER_FORMAT
                            " connections, %" JSON_INTEGER_FORMAT " answers held back\n",
                            json_string_value(json_object_get(object, "bank")),
                            json_string_value(json_object_get(object, "state")),
                            json_string_value(json_object_get(object, "behaviour")),
                            json_integer_value(json_object_get(object, "port")),
                            json_string_value(json_object_get(object, "dialect")),
                            json_integer_value(json_object_get(object, "links")),
                            json_integer_value(json_object_get(object, "delayed")));
        for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
                json_t *group = json_object_get(object, groups[i]);
                evbuffer_add_printf(to, "  %s\n", groups[i]);
                json_object_foreach(group, key, value) print_value(to, key, value);
        }
        evbuffer_add(to, "", 1);
        char *text = strdup((const char *)evbuffer_pullup(to, -1));
        evbuffer_free(to);
        return text;
}

/* ---- the caller's end ---------------------------------------------------------------------------------- */

static const char *socket_path, *bank, *order_word, *seconds;
static bool json, csv;

static const struct option_row rows[] = {
    {.name = "bank",
     .value = "BANK",
     .expected = "a bank's name, or all",
     .take = option_take_text,
     .target = &bank,
     .flags = OPTION_POSITIONAL | OPTION_REQUIRED},
    {.name = "order",
     .value = "ORDER",
     .expected = "an order, such as slow or show",
     .take = option_take_text,
     .target = &order_word,
     .flags = OPTION_POSITIONAL | OPTION_REQUIRED},
    {.name = "seconds",
     .value = "SECONDS",
     .text = "how long (0.5 is half a second); until the next order unless given",
     .take = option_take_text,
     .target = &seconds,
     .flags = OPTION_POSITIONAL},
    {.name = "socket",
     .value = "PATH",
     .text = "the socket that 'banksim run --control' names",
     .take = option_take_text,
     .target = &socket_path,
     .variable = "BANKSIM_SOCKET",
     .flags = OPTION_REQUIRED},
    {.name = "json",
     .text = "with show: the answer as a JSON object",
     .take = option_take_flag,
     .target = &json},
    {.name = "csv",
     .text = "with show: a line a figure: bank, group, figure and value",
     .take = option_take_flag,
     .target = &csv},
};

static const struct program_command ctl_command = {
    .name = "ctl",
    .synopsis = "banksim ctl [--socket PATH] BANK|all ORDER [SECONDS]",
    .about = "Orders for a running banksim.\n",
    .ending =
        "Orders:\n"
        "  show            what the bank holds, has been asked, and how often each behaviour happened\n"
        "  normal          behave: ends what was ordered, and an outage; behaviours by rate go on\n"
        "  ask-keys        asks for its newest key set, where it has keys and its dialect a code for that\n"
        "\n"
        "For so many seconds, or until the next order where none are given:\n"
        "  slow            every answer is held back (slow-ms)\n"
        "  late            every answer comes when nobody waits any more (late-ms)\n"
        "  held            does what it is asked and answers when it gets its next order\n"
        "  silent          does what it is asked and never answers\n"
        "  deaf            does nothing and never answers\n"
        "  wrong-echo      answers echo another DE 4, 7, 11 or 41\n"
        "  wrong-mac       answers have a wrong MAC, where the bank has keys\n"
        "  duplicate       answers come twice\n"
        "  decline         declines what it could approve\n"
        "  repeated        books completions and reversals, and says that it had booked them before\n"
        "  missing         says of them that it knows no such withdrawal\n"
        "  case            refuses them and does not book them\n"
        "  again           wants them to be sent again later\n"
        "  refuse-keys     refuses a newer key set that it is offered\n"
        "  forget-keys     accepts one, and forgets it\n"
        "  old-keys        accepts one, and goes on with the former set for late-ms\n"
        "  hang-up         cuts the connection in the middle of each answer\n"
        "  down            is gone, connections and port\n"
        "\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage.\n"
        "Example: banksim ctl --socket /tmp/lab/run/banksim.sock BANKA down 5\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

ATM_PRINTF(1, 2) static int fail(const char *format, ...)
{
        char text[4096];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        complain("%s", text);
        return EXIT_FAILED;
}

/* The answer: its first line says how it went. The socket's other end finds nothing wrong but words. */
static int read_answer(FILE *stream)
{
        char line[4096];
        if (!fgets(line, sizeof(line), stream))
                return fail("no answer came");
        if (strcmp(line, "ok\n") != 0) {
                const char *why = strncmp(line, "error: ", 7) == 0 ? line + 7 : line;
                fail("%.*s", (int)strcspn(why, "\n"), why);
                return EXIT_USAGE;
        }
        while (fgets(line, sizeof(line), stream))
                fputs(line, stdout);
        return program_end(EXIT_DONE);
}

static int call(const char *path, const char *line)
{
        static const struct timeval patience = {.tv_sec = PATIENCE_S};
        struct sockaddr_un address;
        char error[CTL_ERROR_MAX];
        if (!address_of(path, &address, error))
                return program_usage(ctl_command.name, error);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        FILE *stream = fd >= 0 ? fdopen(fd, "r+e") : NULL;
        if (!stream)
                return fail("%s", strerror(errno));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        int status = EXIT_FAILED;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                fail("%s: %s; expected the socket of a running banksim", path, strerror(errno));
        else if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
                fail("%s: %s", path, strerror(errno));
        else
                status = read_answer(stream);
        fclose(stream);
        return status;
}

int ctl_main(int count, char **words)
{
        char line[LINE_MAX_BYTES];
        int result = program_options(&ctl_command, NULL, count, words);
        if (result != PROGRAM_GOES_ON)
                return result;
        if ((json || csv) && strcmp(order_word, "show") != 0)
                return program_usage(ctl_command.name, "--json and --csv: go with show");
        if (json && csv)
                return program_usage(ctl_command.name, "--json and --csv: expected one of them");
        int length = snprintf(line, sizeof(line), "%s %s%s%s%s\n", bank, order_word,
                              json  ? "-json"
                              : csv ? "-csv"
                                    : "",
                              seconds ? " " : "", seconds ? seconds : "");
        if (length >= (int)sizeof(line) || strchr(line, '\n') != line + length - 1)
                return program_usage(ctl_command.name, "expected a bank (or all) and an order");
        return call(socket_path, line);
}
