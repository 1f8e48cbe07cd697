/*
 * What ATMs keep of the keys that came over the line: a file beside the journal, with the key blocks as they came, under each terminal's key-encrypting key.
 * A set is used once it is on the disk, and not before: a terminal that forgot it would come back with one that is retired.
 *
 * The file has the columns of --keys, a row a set, the newest of a terminal last; a row that was being written when the power went is cut off.
 */
#ifndef ATMSIM_KEY_STORE_H
#define ATMSIM_KEY_STORE_H

#include "backoffice/journals/journal.h"
#include "keymodule/laboratory/lab_keys.h"

enum { KEY_STORE_ERROR_MAX = LAB_KEYS_ERROR_MAX };

struct key_store {
        FILE *file; /* NULL: it is not open */
        char path[JOURNAL_PATH_MAX + 16];
        bool waits; /* a row is not on the disk yet */
};

/* In the journal's folder, which is there; it is made where it is not. False with an error. */
ATM_MUST_USE bool key_store_open(struct key_store *store, const char *folder,
                                 char error[KEY_STORE_ERROR_MAX]);
void key_store_close(struct key_store *store);

void key_store_add(struct key_store *store, const char *terminal, int set,
                   const struct lab_block blocks[LAB_KEY_BLOCKS]);
/* All that was added is on the disk. False: errno says why not. */
ATM_MUST_USE bool key_store_sync(struct key_store *store);

/* The newer ones of what is kept take the place of keys[]. Rows that can't be used are passed over and counted: they are under a key-encrypting key of before,
 * say. False with an error. */
ATM_MUST_USE bool key_store_load(const struct key_store *store, const char *keks_path,
                                 const struct lab_owners *owners, struct lab_keys *keys, size_t *ret_foreign,
                                 char error[KEY_STORE_ERROR_MAX]);

#endif
