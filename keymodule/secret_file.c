/* Secrets in files: see secret_file.h. Whatever was read on the way is wiped. */
#include "keymodule/secret_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"

static const char *line_of(char *text, size_t length)
{
        if (length > 0 && text[length - 1] == '\n')
                length--;
        if (length > 0 && text[length - 1] == '\r')
                length--;
        text[length] = '\0';
        if (length == 0)
                return "empty";
        return memchr(text, '\n', length) || strlen(text) != length ? "more than a line" : NULL;
}

/* As many as there are, up to `size`; -1. */
static ssize_t read_all(int fd, char *text, size_t size)
{
        size_t length = 0;
        while (length < size) {
                ssize_t n = read(fd, text + length, size - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                if (n == 0)
                        break;
                length += (size_t)n;
        }
        return (ssize_t)length;
}

bool secret_file_read(const char *path, char *ret_text, size_t size, char *error, size_t error_size)
{
        struct stat status;
        const char *why = NULL;
        int fd = file_open(path, &status, &why);

        if (fd < 0) {
                snprintf(error, error_size, "%s: %s", path, why);
                return false;
        }
        if (status.st_mode & 077) {
                snprintf(error, error_size, "%s: mode %04o lets others at it; expected 0600 (chmod 600)",
                         path, (unsigned)status.st_mode & 07777);
                close(fd);
                return false;
        }
        char text[512];
        size_t most = size + 2 < sizeof(text) ? size + 2 : sizeof(text) - 1;
        ssize_t length = read_all(fd, text, most);
        close(fd);
        why = length < 0 ? strerror(errno) : line_of(text, (size_t)length);
        if (!why && strlen(text) >= size)
                why = "too long";
        if (!why)
                strcpy(ret_text, text);
        else
                snprintf(error, error_size, "%s: %s", path, why);
        OPENSSL_cleanse(text, sizeof(text));
        return !why;
}
