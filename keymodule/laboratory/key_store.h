/*
 * What simulated ATMs and banks keep of the keys that came over the line: a file beside the journal, with the key blocks as they came, under each owner's key-encrypting key.
 * A set is used once it is on the disk, and not before: who forgot it would come back with one that is retired.
 *
 * The file has the columns of --keys, a row a set, the newest of an owner last; a row that was being written when the power went is cut off.
 */
#ifndef KEYMODULE_LABORATORY_KEY_STORE_H
#define KEYMODULE_LABORATORY_KEY_STORE_H

#include <stdio.h>

#include "keymodule/laboratory/lab_keys.h"

enum { KEY_STORE_ERROR_MAX = LAB_KEYS_ERROR_MAX, KEY_STORE_PATH_MAX = 1024 };

struct key_store {
        FILE *file; /* NULL: it is not open */
        char path[KEY_STORE_PATH_MAX];
        bool waits; /* a row is not on the disk yet */
};

/* It is made where it is not, in a folder that is there. column: the first, as in struct lab_owners. False with an error. */
ATM_MUST_USE bool key_store_open(struct key_store *store, const char *path, const char *column,
                                 char error[KEY_STORE_ERROR_MAX]);
void key_store_close(struct key_store *store);

void key_store_add(struct key_store *store, const char *owner, int set,
                   const struct lab_block blocks[LAB_KEY_BLOCKS]);
/* All that was added is on the disk. False: errno says why not. */
ATM_MUST_USE bool key_store_sync(struct key_store *store);

/* The newer ones of what is kept take the place of keys[]. Rows that can't be used are passed over and counted: they are under a key-encrypting key of before,
 * say. False with an error. */
ATM_MUST_USE bool key_store_load(const struct key_store *store, const char *keks_path,
                                 const struct lab_owners *owners, struct lab_keys *keys, size_t *ret_foreign,
                                 char error[KEY_STORE_ERROR_MAX]);

#endif
