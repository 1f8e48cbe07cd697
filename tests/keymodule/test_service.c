/*
 * Protects keymodule/service.c and keymodule/client: a back end that answers late and in another order needs nothing else above it; places are bounded; who is not
 * allowed is refused; the client never waits: away, silent and back again.
 */
#include "keymodule/service.h"

#include <check.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "keymodule/client/key_client.h"
#include "tests/suite.h"
#include "tests/unit/run_until.h"

enum { HELD_MAX = 64, QUESTIONS = 8 };

static struct service *service;

/* A back end that holds what it is asked until the test says so, and answers with the card's last digits. */
static struct late {
        struct backend backend;
        struct backend_call *held[HELD_MAX];
        size_t count;
        int64_t requests; /* all that had been asked when it was asked to hold the last one */
} late;

static void late_ask(struct backend *backend, struct backend_call *call)
{
        (void)backend;
        if (call->request.command == KEY_COMMAND_STATUS) { /* its clients' greeting */
                key_message_set_text(&call->answer, KEY_FIELD_BACK_END, "late");
                key_message_set_text(&call->answer, KEY_FIELD_CHECK_VALUE, "12345");
                call->done(call);
                return;
        }
        ck_assert_uint_lt(late.count, HELD_MAX);
        late.held[late.count++] = call;
        late.requests = service_counters(service)->requests;
}

static void late_free(struct backend *backend)
{
        (void)backend;
}

static void late_answer(size_t i)
{
        struct backend_call *call = late.held[i];
        const struct key_value *pan = &call->request.value[KEY_FIELD_PAN];
        memmove(&late.held[i], &late.held[i + 1], (--late.count - i) * sizeof(late.held[0]));
        memset(call->room, 0, KEY_TOKEN_LENGTH);
        memcpy(call->room, pan->bytes, pan->length);
        key_message_set(&call->answer, KEY_FIELD_TOKEN, call->room, KEY_TOKEN_LENGTH);
        call->done(call);
}

static const struct backend_kind late_kind = {"late", late_ask, late_free};

static char folder[64], path[96];
static struct event_base *base;
static struct key_client *client;
static int ups, aways;
static char why_away[KEY_CLIENT_WHY_MAX];

static void on_up(void *context)
{
        (void)context;
        ups++;
}

static void on_away(void *context, const char *why)
{
        (void)context;
        aways++;
        snprintf(why_away, sizeof(why_away), "%s", why);
}

static void turn(void)
{
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(200);
}

static struct service_rules rules_of(size_t calls, uid_t uid, bool keys)
{
        return (struct service_rules){
            .path = path, .users = {{.uid = uid, .may = {true, keys}}}, .user_count = 1, .calls_max = calls};
}

static void serve(const struct service_rules *rules)
{
        char error[SERVICE_ERROR_MAX];
        service = service_new(base, rules, &late.backend, error);
        ck_assert_msg(service != NULL, "%s", error);
}

static void connect_client(int64_t timeout_ms)
{
        static const struct key_client_events events = {on_up, on_away};
        struct key_client_rules rules = {path, timeout_ms, QUESTIONS, 5, 20};
        client = key_client_new(base, &rules, &events, NULL);
        ck_assert_ptr_nonnull(client);
}

static void setup(void)
{
        signal(SIGPIPE, SIG_IGN);
        strcpy(folder, "/tmp/test_service.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/socket", folder);
        base = event_base_new();
        late = (struct late){.backend = {&late_kind}};
        service = NULL;
        client = NULL;
        ups = aways = 0;
        *why_away = '\0';
}

static void teardown(void)
{
        key_client_free(client);
        while (late.count > 0)
                late_answer(0);
        service_free(service);
        event_base_free(base);
        unlink(path);
        rmdir(folder);
}

/* ---- questions ------------------------------------------------------------------------------------------- */

static struct asked {
        struct key_question question;
        int ends;
        bool is_answered;
        enum key_code code;
        char token[KEY_TOKEN_LENGTH + 1];
} asked[QUESTIONS + 1];

static void on_ended(struct key_question *question, const struct key_message *answer)
{
        struct asked *one = question->context;
        one->ends++;
        one->is_answered = answer != NULL;
        one->code = answer ? answer->code : KEY_CODE_FAILED;
        if (answer && answer->code == KEY_CODE_GOOD)
                key_message_copy(answer, KEY_FIELD_TOKEN, one->token, sizeof(one->token));
}

static bool ask_token(int i)
{
        char pan[20];
        struct key_message message = {.command = KEY_COMMAND_CARD_TOKEN};
        snprintf(pan, sizeof(pan), "%010d", i);
        key_message_set_text(&message, KEY_FIELD_PAN, pan);
        asked[i] = (struct asked){.question = {.ended = on_ended, .context = &asked[i]}};
        return key_client_ask(client, &asked[i].question, &message);
}

static void check_answer(int i)
{
        char pan[20];
        snprintf(pan, sizeof(pan), "%010d", i);
        ck_assert_int_eq(asked[i].ends, 1);
        ck_assert(asked[i].is_answered && asked[i].code == KEY_CODE_GOOD);
        ck_assert_str_eq(asked[i].token, pan);
}

START_TEST(answers_find_their_questions_in_any_order)
{
        static const size_t order[] = {4, 0, 2, 1, 0}; /* of those that are held still */
        struct service_rules rules = rules_of(16, geteuid(), true);
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        for (int i = 0; i < 5; i++)
                ck_assert(ask_token(i));
        RUN_UNTIL(late.count == 5);
        for (size_t i = 0; i < 5; i++)
                late_answer(order[i]);
        RUN_UNTIL(key_client_counters(client)->answered == 5);
        for (int i = 0; i < 5; i++)
                check_answer(i);
}
END_TEST

START_TEST(only_so_many_are_with_the_back_end)
{
        struct service_rules rules = rules_of(2, geteuid(), true);
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        for (int i = 0; i < QUESTIONS; i++)
                ck_assert(ask_token(i));
        ck_assert(!ask_token(QUESTIONS)); /* and only so many on their way */
        ck_assert_int_eq(asked[QUESTIONS].ends, 0);
        for (int i = 0; i < QUESTIONS; i++) {
                RUN_UNTIL(late.count == (i < QUESTIONS - 1 ? 2 : 1));
                RUN_FOR(2);
                ck_assert_uint_le(late.count, 2);
                late_answer(0);
        }
        RUN_UNTIL(key_client_counters(client)->answered == QUESTIONS);
        for (int i = 0; i < QUESTIONS; i++)
                check_answer(i);
}
END_TEST

START_TEST(a_module_that_goes_away_ends_questions_at_once_and_is_found_again)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        connect_client(PATIENCE_MS);
        ck_assert(!ask_token(0));
        RUN_UNTIL(aways >= 2);
        ck_assert(!ask_token(0));
        serve(&rules);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(1) && ask_token(2));
        RUN_UNTIL(late.count == 2);
        int before = aways;
        late_answer(1);
        RUN_UNTIL(asked[2].ends == 1);
        service_free(service); /* what it holds outlives its client, not the service */
        late.count = 0;
        service = NULL;
        RUN_UNTIL(asked[1].ends == 1);
        ck_assert(!asked[1].is_answered && aways > before);
        check_answer(2);
        ck_assert(!ask_token(3));
        serve(&rules);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(4));
        RUN_UNTIL(late.count == 1);
        late_answer(0);
        RUN_UNTIL(asked[4].ends == 1);
        check_answer(4);
}
END_TEST

START_TEST(a_module_that_says_nothing_is_given_up)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        serve(&rules);
        connect_client(30);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(1));
        RUN_UNTIL(asked[1].ends == 1);
        ck_assert(!asked[1].is_answered);
        ck_assert_str_eq(why_away, "it doesn't answer");
        RUN_UNTIL(ups == 2);
        ck_assert(key_client_is_up(client));
}
END_TEST

START_TEST(a_question_that_was_dropped_has_no_end)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(1) && ask_token(2));
        RUN_UNTIL(late.count == 2);
        key_question_drop(&asked[1].question);
        key_question_drop(&asked[1].question);
        late_answer(0);
        late_answer(0);
        RUN_UNTIL(asked[2].ends == 1);
        ck_assert_int_eq(asked[1].ends, 0);
        ck_assert_int_eq(key_client_counters(client)->late, 1);
}
END_TEST

START_TEST(a_module_whose_answers_nobody_waits_for_any_more_is_given_up_too)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        serve(&rules);
        connect_client(50);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(1) && ask_token(2));
        key_question_drop(&asked[1].question);
        key_question_drop(&asked[2].question);
        RUN_UNTIL(aways == 1);
        ck_assert_str_eq(why_away, "it doesn't answer");
        ck_assert_int_eq(asked[1].ends + asked[2].ends, 0);
}
END_TEST

START_TEST(a_client_that_goes_leaves_its_requests_answers_behind)
{
        struct service_rules rules = rules_of(1, geteuid(), true);
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(1));
        RUN_UNTIL(late.count == 1);
        key_client_free(client);
        connect_client(PATIENCE_MS);
        RUN_FOR(5);
        ck_assert(!key_client_is_up(client)); /* its greeting waits for a place */
        late_answer(0);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(2));
        RUN_UNTIL(late.count == 1);
        late_answer(0);
        RUN_UNTIL(asked[2].ends == 1);
        check_answer(2);
}
END_TEST

START_TEST(another_user_is_refused)
{
        struct service_rules rules = rules_of(16, geteuid() + 1, true);
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(strcmp(why_away, key_code_text(KEY_CODE_USER)) == 0);
        RUN_UNTIL(service_counters(service)->refused >= 2); /* it comes again, and is refused again */
        ck_assert_uint_eq(late.count, 0);
        ck_assert_int_eq(service_counters(service)->requests, 0);
        ck_assert_int_eq(ups, 0);
}
END_TEST

enum { NOBODY = 65534 };

/* A process of that user listens at the path, and lives until it is killed. */
static pid_t listen_as(uid_t uid)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int ready[2];
        char byte;
        ck_assert_int_eq(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
                int fd = socket(AF_UNIX, SOCK_STREAM, 0);
                strcpy(address.sun_path, path);
                if (setuid(uid) == 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                    listen(fd, 8) == 0 && chmod(path, 0777) == 0 && write(ready[1], "", 1) == 1)
                        pause();
                _exit(1);
        }
        close(ready[1]);
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        return child;
}

/* 0: in a folder that anybody may write; 1: in one of his own. Only root can be another user too. */
START_TEST(whom_another_user_plays_is_asked_nothing)
{
        if (geteuid() != 0)
                return;
        ck_assert_int_eq(chmod(folder, 01777), 0);
        if (_i == 1)
                ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
        pid_t child = listen_as(NOBODY);
        connect_client(100);
        RUN_UNTIL(aways > 0);
        ck_assert_int_eq(strcmp(why_away, KEY_CLIENT_STRANGER) == 0, _i == 0); /* else it says nothing */
        ck_assert_int_eq(ups, 0);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}
END_TEST

START_TEST(who_serves_the_network_does_not_work_on_keys)
{
        struct service_rules rules = rules_of(16, geteuid(), false);
        struct key_message message = {.command = KEY_COMMAND_CHECK_VALUE};
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        key_message_set_text(&message, KEY_FIELD_KEY, "D0112P0AE00E0000");
        asked[0] = (struct asked){.question = {.ended = on_ended, .context = &asked[0]}};
        ck_assert(key_client_ask(client, &asked[0].question, &message));
        RUN_UNTIL(asked[0].ends == 1);
        ck_assert(asked[0].is_answered);
        ck_assert_int_eq(asked[0].code, KEY_CODE_USER);
        ck_assert_uint_eq(late.count, 0);
        ck_assert(ask_token(1));
        RUN_UNTIL(late.count == 1);
}
END_TEST

/* What a peer may send; sized so that its two bytes of length are the first thing wrong with it. */
START_TEST(who_sends_no_frame_is_cut_off)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char byte;
        serve(&rules);
        strcpy(address.sun_path, path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(write(fd, "\xff\xff", 2), 2);
        RUN_UNTIL(read(fd, &byte, 1) == 0);
        close(fd);
}
END_TEST

/* Requests whose answers nobody reads. */
static void fill(int fd)
{
        static const uint8_t status[] = {0, 5, 0, 0, 0, 7, KEY_COMMAND_STATUS};
        static uint8_t many[1000 * sizeof(status)];
        for (size_t i = 0; i < sizeof(many); i++)
                many[i] = status[i % sizeof(status)];
        if (send(fd, many, sizeof(many), MSG_NOSIGNAL) < 0)
                _exit(1);
}

static void crowd_live(uid_t uid, int connections, int parent)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd[SERVICE_CLIENTS_MAX];
        char byte;
        strcpy(address.sun_path, path);
        if (setuid(uid) < 0)
                _exit(1);
        for (int i = 0; i < connections; i++) {
                fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
                if (connect(fd[i], (struct sockaddr *)&address, sizeof(address)) < 0)
                        _exit(1);
        }
        if (read(parent, &byte, 1) == 1)
                for (int i = 0; i < connections; i++)
                        fill(fd[i]);
        if (write(parent, "", 1) == 1)
                pause();
        _exit(1);
}

/* A process of that user with so many connections, all full of requests; it lives until it is killed. */
static pid_t crowd_as(uid_t uid, int connections)
{
        int both[2];
        char byte;
        int64_t before = service_counters(service)->clients;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
        ck_assert_int_eq(chmod(folder, 0755), 0);
        pid_t child = fork();
        if (child == 0)
                crowd_live(uid, connections, both[1]);
        close(both[1]);
        RUN_UNTIL(service_counters(service)->clients == before + connections);
        ck_assert_int_eq(write(both[0], "", 1), 1);
        ck_assert_int_eq(read(both[0], &byte, 1), 1);
        close(both[0]);
        return child;
}

static struct service_rules rules_of_two(void)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        rules.users[rules.user_count++] = (struct service_user){.uid = NOBODY, .may = {true, true}};
        return rules;
}

/* Only root can be another user too. */
START_TEST(a_user_who_takes_all_connections_makes_room_for_another)
{
        struct service_rules rules = rules_of_two();
        if (geteuid() != 0)
                return;
        serve(&rules);
        pid_t child = crowd_as(NOBODY, SERVICE_CLIENTS_MAX);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        ck_assert(ask_token(1));
        RUN_UNTIL(late.count == 1);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}
END_TEST

START_TEST(a_user_with_many_connections_has_no_more_turns_than_another)
{
        enum { CROWD = 40, FAIR = 400 }; /* requests of all before ours: some turns */
        struct service_rules rules = rules_of_two();
        if (geteuid() != 0)
                return;
        serve(&rules);
        connect_client(PATIENCE_MS);
        RUN_UNTIL(key_client_is_up(client));
        pid_t child = crowd_as(NOBODY, CROWD);
        int64_t before = service_counters(service)->requests;
        ck_assert(ask_token(1));
        RUN_UNTIL(late.count == 1);
        ck_assert_int_lt(late.requests - before, FAIR);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}
END_TEST

static int complaints;

static void on_complaint(int severity, const char *text)
{
        (void)severity;
        (void)text;
        complaints++;
}

START_TEST(accepting_rests_while_there_are_no_descriptors)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        struct rlimit usual, none;
        serve(&rules);
        connect_client(PATIENCE_MS);
        int next = dup(0);
        close(next);
        getrlimit(RLIMIT_NOFILE, &usual);
        none = (struct rlimit){(rlim_t)next + 1, usual.rlim_max}; /* the client's */
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        complaints = 0;
        event_set_log_callback(on_complaint);
        RUN_FOR(20);
        ck_assert(!key_client_is_up(client));
        ck_assert_int_eq(complaints, 0);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
        RUN_UNTIL(key_client_is_up(client));
        event_set_log_callback(NULL);
}
END_TEST

START_TEST(a_path_that_is_taken_is_left_alone)
{
        struct service_rules rules = rules_of(16, geteuid(), true);
        char error[SERVICE_ERROR_MAX];
        serve(&rules);
        ck_assert_ptr_null(service_new(base, &rules, &late.backend, error));
        ck_assert_msg(strstr(error, "another process serves there"), "%s", error);
        service_free(service);
        service = NULL;
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_ptr_null(service_new(base, &rules, &late.backend, error));
        ck_assert_msg(strstr(error, "something else than a socket"), "%s", error);
        rmdir(path);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("service");
        TCase *tests = tcase_create("asked and answered");
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, answers_find_their_questions_in_any_order);
        tcase_add_test(tests, only_so_many_are_with_the_back_end);
        tcase_add_test(tests, a_module_that_goes_away_ends_questions_at_once_and_is_found_again);
        tcase_add_test(tests, a_module_that_says_nothing_is_given_up);
        tcase_add_test(tests, a_question_that_was_dropped_has_no_end);
        tcase_add_test(tests, a_module_whose_answers_nobody_waits_for_any_more_is_given_up_too);
        tcase_add_test(tests, a_client_that_goes_leaves_its_requests_answers_behind);
        tcase_add_test(tests, another_user_is_refused);
        tcase_add_loop_test(tests, whom_another_user_plays_is_asked_nothing, 0, 2);
        tcase_add_test(tests, who_serves_the_network_does_not_work_on_keys);
        tcase_add_test(tests, who_sends_no_frame_is_cut_off);
        tcase_add_test(tests, a_user_who_takes_all_connections_makes_room_for_another);
        tcase_add_test(tests, a_user_with_many_connections_has_no_more_turns_than_another);
        tcase_add_test(tests, accepting_rests_while_there_are_no_descriptors);
        tcase_add_test(tests, a_path_that_is_taken_is_left_alone);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
