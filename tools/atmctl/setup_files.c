/* A temporary file beside it, then renamed over the name: see setup_files.h. */
#include "tools/atmctl/setup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/cli/say.h"

static bool fails(const char *path, const char *what)
{
        complain("%s: can't %s it: %s", path, what, strerror(errno));
        return false;
}

bool setup_folder_is(const char *path, struct setup_owner owner)
{
        struct stat status;

        return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == owner.uid &&
               status.st_gid == owner.gid && (status.st_mode & 07777) == owner.mode;
}

bool setup_file_own(const char *path, struct setup_owner owner)
{
        /* the mode last: a change of the owner takes bits away */
        return (chown(path, owner.uid, owner.gid) == 0 && chmod(path, owner.mode) == 0) ||
               fails(path, "give away");
}

bool setup_folder_make(const char *path, struct setup_owner owner)
{
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
                return fails(path, "make");
        return setup_file_own(path, owner);
}

static bool write_all(int fd, const char *text, size_t length)
{
        for (size_t at = 0; at < length;) {
                ssize_t written = write(fd, text + at, length - at);

                if (written < 0 && errno != EINTR)
                        return false;
                at += written > 0 ? (size_t)written : 0;
        }
        return true;
}

static bool write_bytes(const char *path, struct setup_owner owner, const char *text, size_t length)
{
        char temporary[PATH_MAX];
        int fd;

        if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
                complain("%.200s...: the path is too long", path);
                return false;
        }
        fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
        if (fd < 0)
                return fails(path, "create");
        if (write_all(fd, text, length) && fchown(fd, owner.uid, owner.gid) == 0 &&
            fchmod(fd, owner.mode) == 0 && fsync(fd) == 0 && rename(temporary, path) == 0) {
                close(fd);
                return true;
        }
        fails(path, "write");
        close(fd);
        unlink(temporary);
        return false;
}

bool setup_file_write(const char *path, struct setup_owner owner, const char *text)
{
        return write_bytes(path, owner, text, strlen(text));
}

/* All of a file, with `room` bytes before it and a zero behind it. NULL after a complaint. */
static char *read_all(const char *path, size_t room, struct stat *ret_status, size_t *ret_length)
{
        const char *why;
        int fd = file_open(path, ret_status, &why);
        size_t size = fd < 0 ? 0 : (size_t)ret_status->st_size;
        char *text = fd < 0 ? NULL : malloc(room + size + 1);
        ssize_t n = text ? read(fd, text + room, size) : -1;

        if (fd >= 0)
                close(fd);
        if (n == (ssize_t)size) {
                text[room + size] = '\0';
                *ret_length = size;
                return text;
        }
        complain("%s: can't read it: %s", path, fd < 0 ? why : "it is cut short");
        free(text);
        return NULL;
}

bool setup_file_copy(const char *from, const char *to, struct setup_owner owner)
{
        struct stat status;
        size_t length;
        char *text = read_all(from, 0, &status, &length);
        bool done = text && write_bytes(to, owner, text, length);

        free(text);
        return done;
}

static bool has_line(const char *text, const char *line)
{
        size_t length = strlen(line);

        for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
                if (!strncmp(at, line, length) && (at[length] == '\n' || !at[length]))
                        return true;
        }
        return false;
}

bool setup_file_begin(const char *path, const char *line)
{
        size_t room = strlen(line) + 1, length;
        struct stat status;
        char *text = read_all(path, room, &status, &length);
        bool done = text && has_line(text + room, line);

        if (text && !done) {
                memcpy(text, line, room - 1);
                text[room - 1] = '\n';
                done = write_bytes(path,
                                   (struct setup_owner){status.st_uid, status.st_gid, status.st_mode & 07777},
                                   text, room + length);
        }
        free(text);
        return done;
}
