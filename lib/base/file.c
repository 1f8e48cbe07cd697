/* Regular files: see file.h. */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int file_open(const char *path, struct stat *ret_status, const char **ret_why)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd >= 0 && fstat(fd, ret_status) == 0) {
                if (S_ISREG(ret_status->st_mode))
                        return fd;
                *ret_why = "not a file";
        } else {
                *ret_why = strerror(errno);
        }
        if (fd >= 0)
                close(fd);
        return -1;
}

FILE *file_open_stream(const char *path, const char **ret_why)
{
        struct stat status;
        int fd = file_open(path, &status, ret_why);
        FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");

        if (fd >= 0 && !stream) {
                *ret_why = strerror(errno);
                close(fd);
        }
        return stream;
}

bool file_is_everybodys(const struct stat *status, const char **ret_why)
{
        if (!(status->st_mode & S_IWOTH))
                return false;
        *ret_why = "everybody may change it; expected mode 0644 or less";
        return true;
}

bool file_check(const char *path, const char **ret_why)
{
        struct stat status;
        int fd = file_open(path, &status, ret_why);

        if (fd < 0)
                return false;
        close(fd);
        return !file_is_everybodys(&status, ret_why);
}
