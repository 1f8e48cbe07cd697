/* A laboratory's master key, from a file: see master.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keymodule/master.h"
#include "keymodule/secret_file.h"
#include "lib/base/hex.h"

enum { DIGITS = 2 * MASTER_KEY_LENGTH };

void master_wipe(struct master *master)
{
        OPENSSL_cleanse(master, sizeof(*master));
}

bool master_from_file(const char *path, struct master *ret_master, char error[MASTER_ERROR_MAX])
{
        struct cipher_key key = {.algorithm = CIPHER_AES, .length = MASTER_KEY_LENGTH};
        char text[DIGITS + 2];
        bool good = secret_file_read(path, text, sizeof(text), error, MASTER_ERROR_MAX);

        if (good && (strlen(text) != DIGITS || !hex_parse(text, key.bytes, MASTER_KEY_LENGTH))) {
                snprintf(error, MASTER_ERROR_MAX, "%s: not a key; expected exactly %d hexadecimal digits",
                         path, DIGITS);
                good = false;
        }
        if (good) {
                key_block_guard_of(&key, &ret_master->guard);
                check_value_of(&key, ret_master->check_value);
                ret_master->is_laboratorys = true;
        }
        OPENSSL_cleanse(text, sizeof(text));
        cipher_key_wipe(&key);
        return good;
}

bool master_make_file(const char *path, char error[MASTER_ERROR_MAX])
{
        struct cipher_key key;
        char text[DIGITS + 2];
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0) {
                snprintf(error, MASTER_ERROR_MAX, "%s: %s", path, strerror(errno));
                return false;
        }
        cipher_key_generate(CIPHER_AES, MASTER_KEY_LENGTH, &key);
        hex_print(key.bytes, MASTER_KEY_LENGTH, text);
        text[DIGITS] = '\n';
        bool good = write(fd, text, DIGITS + 1) == DIGITS + 1 && fsync(fd) == 0;
        if (!good)
                snprintf(error, MASTER_ERROR_MAX, "%s: %s", path, strerror(errno));
        close(fd);
        OPENSSL_cleanse(text, sizeof(text));
        cipher_key_wipe(&key);
        return good;
}
