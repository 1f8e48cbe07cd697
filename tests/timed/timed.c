/*
 * timed NAME COMMAND [ARGUMENT...]: runs a test and notes what it took, for the table that scripts/test
 * prints.
 *
 * With ATM_TEST_TIMES=FILE in the environment a line is added to FILE once the command has ended: its name,
 * milliseconds of real time, of the processor in user and in system mode, and its exit code. Servers that a
 * test starts leave their parents; they are counted too, because they are handed to this process
 * (PR_SET_CHILD_SUBREAPER), which reaps them. Without ATM_TEST_TIMES the command takes this process's place.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_STARTED = 127, BY_SIGNAL = 128, RESERVED_ARGUMENTS = 2 };

static int64_t steady_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t ms_of(struct timeval time)
{
        return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000;
}

static int start(char **command)
{
        execvp(command[0], command);
        perror(command[0]);
        return NOT_STARTED;
}

/* The exit code of the command; whoever else was handed to us and ended is reaped on the way. */
static int await(pid_t command)
{
        int status;
        pid_t ended;

        do
                ended = wait(&status);
        while (ended != command);
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        return WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
}

static void note(const char *file, const char *name, int64_t real_ms, int code)
{
        struct rusage usage;
        int out = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

        getrusage(RUSAGE_CHILDREN, &usage);
        if (out < 0 || dprintf(out, "%s %" PRId64 " %" PRId64 " %" PRId64 " %d\n", name, real_ms,
                               ms_of(usage.ru_utime), ms_of(usage.ru_stime), code) < 0)
                perror(file);
}

int main(int argc, char **argv)
{
        const char *file = getenv("ATM_TEST_TIMES");
        int64_t began_ms = steady_ms();

        if (argc <= RESERVED_ARGUMENTS) {
                fprintf(stderr, "timed: expected NAME COMMAND\n");
                return NOT_STARTED;
        }
        if (!file)
                return start(argv + RESERVED_ARGUMENTS);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        pid_t command = fork();
        if (command < 0) {
                perror("timed: fork");
                return NOT_STARTED;
        }
        if (command == 0)
                return start(argv + RESERVED_ARGUMENTS);
        int code = await(command);
        note(file, argv[1], steady_ms() - began_ms, code);
        return code;
}
