/*
 * The keys of simulated ATMs and banks: what a terminal's or bank's own security module would have. A simulator is that itself, so it has them in clear, from a
 * laboratory's files: the key sets as key blocks under their owner's key-encrypting key, and that.
 */
#ifndef KEYMODULE_LABORATORY_LAB_KEYS_H
#define KEYMODULE_LABORATORY_LAB_KEYS_H

#include "keymodule/crypto/mac.h"
#include "lib/base/attributes.h"
#include "lib/base/csv.h"

enum { LAB_KEYS_ERROR_MAX = CSV_ERROR_MAX, LAB_MAC_LENGTH = 8, LAB_KEY_BLOCKS = 3 /* of a set */ };

struct lab_mac_key {
        struct cipher_key key;
        bool is_retail; /* ISO 9797-1 algorithm 3 with padding method 2; else AES-CMAC */
};

struct lab_keys {
        int set; /* DE 62, KS; 0: the owner has no keys */
        struct lab_mac_key up,
            down; /* for what leaves for atmd, or from atmd for a bank; for what comes back */
        struct cipher_key pin;
};

/* Whose keys are wanted. */
struct lab_owners {
        const char *column; /* the files' first: "terminal" or "link" */
        size_t count;
        /* The place of a name; -1: it is not among them, and its rows are passed over, since files of a whole fleet serve a part of it too. */
        int64_t (*find)(const void *context, const char *name);
        const void *context;
};

/*
 * Of each owner in the order of their places the newest set, for the caller to wipe and free with lab_keys_free. The files: `COLUMN,set,pin_key,mac_key_up,
 * mac_key_down` and `COLUMN,kek`; who is in neither has no keys. A row whose blocks can't be
 * used is refused; or, with ret_foreign, passed over and counted there. NULL with an error.
 */
struct lab_keys *lab_keys_load(const char *keys_path, const char *keks_path, const struct lab_owners *owners,
                               size_t *ret_foreign, char error[LAB_KEYS_ERROR_MAX]);
void lab_keys_free(struct lab_keys *keys, size_t count);

/* The key-encrypting keys alone, likewise; length 0: it has none. */
struct cipher_key *lab_keks_load(const char *keks_path, const struct lab_owners *owners,
                                 char error[LAB_KEYS_ERROR_MAX]);
void lab_keks_free(struct cipher_key *keks, size_t count);

/* A key block as a message brings it. */
struct lab_block {
        const char *text;
        size_t length;
};
/* The set of that number as it comes in a key change, its blocks in the order of the file's columns. NULL: it is in *ret_keys, for the caller to wipe; else
 * what is wrong with it. */
const char *lab_keys_take(const struct cipher_key *kek, int set,
                          const struct lab_block blocks[LAB_KEY_BLOCKS], struct lab_keys *ret_keys);

void lab_mac(const struct lab_mac_key *key, const uint8_t *data, size_t size,
             uint8_t ret_mac[LAB_MAC_LENGTH]);

#endif
