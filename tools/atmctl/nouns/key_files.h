/*
 * Files of keys, of mode 0600: what a terminal's vendor, a bank or a laboratory's simulator gets or gives.
 *
 *      keys   terminal,set,pin_key,mac_key_up,mac_key_down     key blocks under the terminal's key-encrypting key; or link for terminal
 *      keks   terminal,kek                                     the key-encrypting keys in clear, as hexadecimal digits: a laboratory's
 */
#ifndef ATMCTL_NOUNS_KEY_FILES_H
#define ATMCTL_NOUNS_KEY_FILES_H

#include <stdio.h>

#include "tools/atmctl/nouns/key_sets.h"

enum { KEY_CLEAR_MAX = 32 };

struct key_file_row {
        char owner[KEY_OWNER_MAX + 1];
        int64_t number;
        char block[KEY_SET_EACH_MAX][KEY_WRAPPED_MAX + 1];
        uint8_t clear[KEY_CLEAR_MAX];
        size_t clear_length;
};

struct key_file {
        struct key_file_row *rows;
        const char **owners; /* of the rows, in their order */
        size_t count, room;
};

/* False after a complaint that names file, line and column. Owners: terminals or links, as the file's first column says. */
ATM_MUST_USE bool key_file_read(struct key_file *file, const char *path, bool is_clear,
                                enum key_owner owner_kind);
/* Wiped. */
void key_file_free(struct key_file *file);

/* A file of mode 0600, made anew, whole or not at all: what `write` writes. False after a complaint. */
ATM_MUST_USE bool key_file_put(const char *path, void (*write)(FILE *stream, const void *context),
                               const void *context);

/* The working sets of a batch, as they came from the module. False after a complaint. */
ATM_MUST_USE bool key_file_write(const char *path, const struct key_batch *batch);

/* One key block, a line. False after a complaint. */
ATM_MUST_USE bool key_file_block(const char *path, char ret_block[KEY_WRAPPED_MAX + 1]);

#endif
