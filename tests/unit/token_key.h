/* A key of card tokens that everybody may know. What can't be made ends the program. */
#ifndef TESTS_UNIT_TOKEN_KEY_H
#define TESTS_UNIT_TOKEN_KEY_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/security/token.h"

/* Of 64 hexadecimal digits. */
static inline struct token_key *token_key_of(const char *digits)
{
        char path[] = "/tmp/atm-test-token-XXXXXX", error[TOKEN_ERROR_MAX] = "";
        int fd = mkstemp(path); /* mode 0600 */
        struct token_key *key = NULL;

        if (fd >= 0) {
                if (dprintf(fd, "%s\n", digits) > 0)
                        key = token_key_load(path, error);
                close(fd);
                unlink(path);
        }
        if (!key) {
                fprintf(stderr, "a card token key can't be made: %s\n", error);
                exit(EXIT_FAILURE);
        }
        return key;
}

#endif
