/* Starting a part: see launch.h. */
#include "tools/atmlab/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/base/process.h"
#include "lib/base/random.h"
#include "lib/cli/say.h"

enum { TALK = STDERR_FILENO + 1, NOTICE_MAX = 4096 };

struct launch {
        const struct part *part;
        char **words;
        struct sockaddr_un
            address; /* abstract: nothing of it is left behind, and a folder's name can't be too long */
        int notices; /* of the process, by that address */
        int talk
            [2]; /* parent, child: a byte when it may go on; errno comes back where it can't become the program */
        pid_t pid;
        int process; /* pidfd */
};

/* ---- the child ------------------------------------------------------------------------------------------ */

static bool lead_streams(const struct launch *launch)
{
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int log = open(launch->part->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

        return null >= 0 && log >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
               dup2(log, STDERR_FILENO) >= 0;
}

static void forget_signals(void)
{
        sigset_t none;

        for (int number = 1; number < NSIG; number++)
                signal(number, SIG_DFL); /* those that can't be changed are as they should be */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing is inherited but the three streams and, until it is the program, the talk. */
static bool drop_descriptors(int *talk)
{
        int kept = fcntl(*talk, F_DUPFD_CLOEXEC, TALK + 1);

        if (kept < 0 || dup3(kept, TALK, O_CLOEXEC) < 0)
                return false;
        *talk = TALK;
        closefrom(TALK + 1);
        return true;
}

/* Does not return. */
static void become(const struct launch *launch)
{
        char name[sizeof(launch->address.sun_path) + 1], go;
        int talk = launch->talk[1];

        close(launch->talk[0]);
        if (read(talk, &go, 1) != 1)
                _exit(EXIT_FAILED); /* nobody knows of this process */
        snprintf(name, sizeof(name), "@%s", launch->address.sun_path + 1);
        if (setsid() >= 0 && lead_streams(launch) && chdir(launch->part->folder) == 0 &&
            setenv("NOTIFY_SOCKET", name, 1) == 0 && drop_descriptors(&talk)) {
                process_raise_files();
                process_forbid_cores();
                forget_signals();
                execv(launch->words[0], launch->words);
        }
        send(talk, &errno, sizeof(errno), MSG_NOSIGNAL);
        _exit(EXIT_FAILED);
}

/* ---- its readiness --------------------------------------------------------------------------------------- */

static bool open_notices(struct launch *launch)
{
        struct random random;
        size_t length;

        random_seed_anew(&random);
        launch->address.sun_family = AF_UNIX;
        length = 1 + (size_t)snprintf(launch->address.sun_path + 1, sizeof(launch->address.sun_path) - 1,
                                      "atmlab-%016" PRIx64 "%016" PRIx64, random_next(&random),
                                      random_next(&random));
        launch->notices = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return launch->notices >= 0 &&
               bind(launch->notices, (const struct sockaddr *)&launch->address,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0;
}

/* Is one of a notice's lines that it is ready? */
static bool says_ready(const struct launch *launch)
{
        char notice[NOTICE_MAX + 1], *line, *rest = notice;
        ssize_t length = recv(launch->notices, notice, NOTICE_MAX, MSG_DONTWAIT);

        notice[length > 0 ? length : 0] = '\0';
        while ((line = strsep(&rest, "\n")))
                if (!strcmp(line, "READY=1"))
                        return true;
        return false;
}

static enum launch_end await_ready(const struct launch *launch, int64_t patience_ms)
{
        enum { NOTICE, END, WATCHED };
        struct pollfd watched[WATCHED] = {[NOTICE] = {.fd = launch->notices, .events = POLLIN},
                                          [END] = {.fd = launch->process, .events = POLLIN}};
        int64_t until_ms = steady_now_ms() + patience_ms, left_ms;

        while ((left_ms = until_ms - steady_now_ms()) > 0) {
                if (poll(watched, WATCHED, (int)left_ms) <= 0)
                        continue; /* a signal, or time is over */
                if (watched[NOTICE].revents && says_ready(launch))
                        return LAUNCH_READY;
                if (watched[END].revents) {
                        complain("%s ended instead of serving", launch->part->name);
                        return LAUNCH_FAILED;
                }
        }
        complain("%s does not serve after %" PRId64 " s", launch->part->name, patience_ms / 1000);
        return LAUNCH_FAILED;
}

/* ---- the parent ------------------------------------------------------------------------------------------ */

/* Let it go on. It has become the program, or says why it can't. */
static bool became(const struct launch *launch)
{
        int error;

        send(launch->talk[0], "", 1, MSG_NOSIGNAL);
        if (recv(launch->talk[0], &error, sizeof(error), MSG_WAITALL) != sizeof(error))
                return true;
        complain("%s: %s can't be started: %s", launch->part->name, launch->words[0], strerror(error));
        return false;
}

/* Our own child keeps its number until we have ended, so that the descriptor is its. Where it can't be recorded it ends
 * with the talk. */
static bool start(struct launch *launch)
{
        if (!open_notices(launch) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, launch->talk) < 0)
                goto failed;
        launch->pid = fork();
        if (launch->pid < 0)
                goto failed;
        if (launch->pid == 0)
                become(launch);
        close(launch->talk[1]);
        launch->talk[1] = -1;
        launch->process = pidfd_open(launch->pid, 0);
        if (launch->process < 0 || !part_record(launch->part, launch->pid))
                goto failed;
        if (became(launch))
                return true;
        part_forget(launch->part);
        return false;
failed:
        complain("%s can't be started: %s", launch->part->name, strerror(errno));
        return false;
}

enum launch_end launch(const struct part *part, char **words, int64_t patience_ms)
{
        struct launch l = {.part = part, .words = words, .notices = -1, .talk = {-1, -1}, .process = -1};
        enum launch_end end = LAUNCH_FAILED;

        if (start(&l)) {
                end = await_ready(&l, patience_ms);
                if (end == LAUNCH_FAILED)
                        part_show_log(part);
        }
        for (size_t i = 0; i < 2; i++)
                if (l.talk[i] >= 0)
                        close(l.talk[i]);
        if (l.notices >= 0)
                close(l.notices);
        if (l.process >= 0)
                close(l.process);
        return end;
}
