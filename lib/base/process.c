/* Limits of a process: see process.h. */
#include "lib/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

uint64_t process_raise_files(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return UINT64_MAX;
        if (limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
                getrlimit(RLIMIT_NOFILE, &limit);
        }
        return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

/*
 * The limit stops files; the filter leaves nothing in what a handler behind a pipe would get.
 * (PR_SET_DUMPABLE would also hide the process's memory figures from the user who runs it, and from whoever
 * measures them.)
 */
bool process_forbid_cores(void)
{
        static const struct rlimit none = {0, 0};
        bool good;
        int fd;

        setrlimit(RLIMIT_CORE, &none);
        fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT; /* no /proc, or no cores in this kernel */
        good = write(fd, "0", 1) == 1;
        close(fd);
        return good;
}

void process_hold_streams(void)
{
        static const int wrong_way[] = {O_WRONLY, O_RDONLY, O_RDONLY};

        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", wrong_way[fd]) < 0)
                        return; /* no such device: nothing better is left */
        }
}
