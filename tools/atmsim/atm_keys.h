/*
 * An ATM's keys: what a terminal's own security module would have. The simulator is the terminal, so it has them in clear, from a laboratory's files: its
 * key sets as key blocks under its key-encrypting key, and that.
 */
#ifndef ATMSIM_ATM_KEYS_H
#define ATMSIM_ATM_KEYS_H

#include "backoffice/journals/terminals.h"
#include "keymodule/crypto/mac.h"
#include "lib/base/attributes.h"
#include "lib/base/csv.h"

enum { ATM_KEYS_ERROR_MAX = CSV_ERROR_MAX, ATM_MAC_LENGTH = 8 };

struct atm_mac_key {
        struct cipher_key key;
        bool is_retail; /* ISO 9797-1 algorithm 3 with padding method 2; else AES-CMAC */
};

struct atm_keys {
        int set; /* DE 62, KS; 0: the ATM has no keys */
        struct cipher_key pin;
        struct atm_mac_key up, down; /* for what it sends; for what it gets */
};

/*
 * Of each terminal in the order of `terminals` the newest set, for the caller to wipe and free with atm_keys_free. The files: `terminal,set,pin_key,mac_key_up,
 * mac_key_down` and `terminal,kek`; a terminal that is in neither has no keys. NULL with an error.
 */
struct atm_keys *atm_keys_load(const char *keys_path, const char *keks_path,
                               const struct terminals *terminals, char error[ATM_KEYS_ERROR_MAX]);
void atm_keys_free(struct atm_keys *keys, size_t count);

void atm_mac(const struct atm_mac_key *key, const uint8_t *data, size_t size,
             uint8_t ret_mac[ATM_MAC_LENGTH]);

#endif
