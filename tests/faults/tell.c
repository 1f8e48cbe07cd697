/* netproxy tell: one command to a running proxy's control socket, its answer on standard output. */
#include "tests/faults/tell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cli/say.h"

enum { ANSWER_MAX = 512, PATIENCE_S = 10 };

static int fail(const char *path, const char *why)
{
        complain("tell: %s: %s", path, why);
        return EXIT_FAILED;
}

/* The answer's line, without its end. */
static bool exchange(int fd, const char *command, char answer[ANSWER_MAX])
{
        char line[64];
        size_t length = 0;
        int line_length = snprintf(line, sizeof(line), "%.60s\n", command);

        if (send(fd, line, (size_t)line_length, MSG_NOSIGNAL) != line_length)
                return false;
        while (length < ANSWER_MAX - 1) {
                ssize_t n = recv(fd, answer + length, ANSWER_MAX - 1 - length, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                length += (size_t)n;
                if (answer[length - 1] == '\n') {
                        answer[length - 1] = '\0';
                        return true;
                }
        }
        return false;
}

int tell(int count, char **words)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct timeval patience = {.tv_sec = PATIENCE_S};
        char answer[ANSWER_MAX] = "";
        int result;

        if (count != 2 || strlen(words[0]) >= sizeof(address.sun_path)) {
                complain("tell: expected the control socket's path and a command");
                return EXIT_USAGE;
        }
        strcpy(address.sun_path, words[0]);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail(words[0], strerror(errno));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                result = fail(words[0], strerror(errno));
        else if (!exchange(fd, words[1], answer))
                result = fail(words[0], "no answer");
        else if (strncmp(answer, "error", 5) == 0)
                result = fail(words[0], answer);
        else
                result = puts(answer) >= 0 && fflush(stdout) == 0 ? 0 : 1;
        close(fd);
        return result;
}
