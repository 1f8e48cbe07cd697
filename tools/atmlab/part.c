/* A process under a name: see part.h. */
#include "tools/atmlab/part.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/cli/say.h"

enum { LOG_LINES = 15, LOG_BYTES = 8192 };

/* A process as the kernel tells of it. */
struct life {
        char state;
        uint64_t started; /* tick */
};

bool part_of(struct part *ret_part, const char *folder, const char *name)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
        size_t length = strlen(name);

        *ret_part = (struct part){.folder = folder, .name = name};
        if (!length || length > PART_NAME_MAX || name[strspn(name, letters)])
                return false;
        return (size_t)snprintf(ret_part->record, PATH_MAX, "%s/run/%s", folder, name) < PATH_MAX - 4 &&
               (size_t)snprintf(ret_part->log, PATH_MAX, "%s/log/%s.log", folder, name) < PATH_MAX;
}

/* /proc/PID/stat: the program's name, in brackets, may hold anything, so that the fields are counted from its end:
 * state is the third, the start the twenty-second. */
static bool look_up(pid_t pid, struct life *ret_life)
{
        char path[64], line[1024];
        const char *field;
        FILE *file;
        bool read;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        file = fopen(path, "re");
        read = file && fgets(line, sizeof(line), file);
        if (file)
                fclose(file);
        field = read ? strrchr(line, ')') : NULL;
        if (!field || strlen(field) < 3)
                return false;
        ret_life->state = field[2];
        for (int number = 2; field && number < 22; number++)
                field = strchr(field + 1, ' ');
        return field && sscanf(field, "%" SCNu64, &ret_life->started) == 1;
}

static bool read_record(const struct part *part, pid_t *ret_pid, uint64_t *ret_started)
{
        FILE *file = fopen(part->record, "re");
        int pid;
        bool read = file && fscanf(file, "%d %" SCNu64, &pid, ret_started) == 2 && pid > 0;

        if (file)
                fclose(file);
        if (read)
                *ret_pid = pid;
        return read;
}

bool part_record(const struct part *part, pid_t pid)
{
        char fresh[PATH_MAX + 4];
        struct life life;
        FILE *file;
        bool written;

        if (!look_up(pid, &life)) {
                errno = ESRCH;
                return false;
        }
        snprintf(fresh, sizeof(fresh), "%s.new", part->record);
        file = fopen(fresh, "we");
        if (!file)
                return false;
        written = fprintf(file, "%d %" PRIu64 "\n", (int)pid, life.started) > 0;
        written = fclose(file) == 0 && written;
        return written && rename(fresh, part->record) == 0;
}

void part_forget(const struct part *part)
{
        unlink(part->record);
}

pid_t part_number(const struct part *part)
{
        uint64_t started;
        pid_t pid = 0;

        return read_record(part, &pid, &started) ? pid : 0;
}

/* Looked up when the descriptor holds the process: before that, the number might still pass to another. */
int part_open(const struct part *part)
{
        struct life life;
        uint64_t started;
        pid_t pid;
        int descriptor;

        if (!read_record(part, &pid, &started))
                return -1;
        descriptor = pidfd_open(pid, 0);
        if (descriptor < 0)
                return -1;
        if (look_up(pid, &life) && life.started == started && !strchr("ZX", life.state))
                return descriptor;
        close(descriptor);
        return -1;
}

void part_signal(int descriptor, int number)
{
        pidfd_send_signal(descriptor, number, NULL, 0); /* it may have ended by itself */
}

bool part_await_end(int descriptor, int64_t until_ms)
{
        struct pollfd end = {.fd = descriptor, .events = POLLIN};
        int64_t left_ms;
        int count;

        do {
                left_ms = until_ms - steady_now_ms();
                count = poll(&end, 1, left_ms > 0 ? (int)left_ms : 0);
        } while (count < 0 && errno == EINTR);
        return count > 0;
}

/* Where the last lines of a text begin. */
static const char *last_lines(const char *text, const char *end)
{
        int lines = 0;

        for (const char *at = end; at > text; at--)
                if (at[-1] == '\n' && at != end && ++lines == LOG_LINES)
                        return at;
        return text;
}

void part_show_log(const struct part *part)
{
        char text[LOG_BYTES + 1], *line, *rest;
        FILE *file = fopen(part->log, "re");
        size_t length;

        if (!file)
                return;
        if (fseek(file, -LOG_BYTES, SEEK_END) != 0)
                rewind(file);
        length = fread(text, 1, LOG_BYTES, file);
        fclose(file);
        text[length] = '\0';
        note("its log %s ends:", part->log);
        rest = text + (last_lines(text, text + length) - text);
        while ((line = strsep(&rest, "\n")))
                if (*line)
                        note("    %s", line);
}
