/* An ATM's keys: see atm_keys.h. A key block is unwrapped as its row is read, so that a wrong one is named with its line. */
#include "tools/atmsim/atm_keys.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keymodule/crypto/key_block.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"

enum { KEY_SET_MAX = 9999 };
enum { KEK_TERMINAL, KEK };
enum { KEY_TERMINAL, KEY_SET, PIN_KEY, MAC_KEY_UP, MAC_KEY_DOWN };

static const char *const kek_columns[] = {"terminal", "kek", NULL};
static const char *const key_columns[] = {"terminal", "set", "pin_key", "mac_key_up", "mac_key_down", NULL};

struct loading {
        const struct terminals *terminals;
        struct cipher_key *keks; /* a terminal each; length 0: it has none */
        struct atm_keys *keys;
        struct csv csv;
};

/* Files of a whole fleet serve a part of it too: rows of others are passed over. */
static int64_t terminal_of(const struct loading *l)
{
        const char *name = csv_value(&l->csv, 0);
        return strlen(name) == 8 ? terminals_find(l->terminals, name) : -1;
}

static bool load_kek(struct loading *l)
{
        const char *text = csv_value(&l->csv, KEK);
        size_t length = strlen(text) / 2;
        int64_t place = terminal_of(l);
        struct cipher_key kek = {.algorithm = CIPHER_AES, .length = length};

        if (place < 0)
                return true;
        if (strlen(text) % 2 || !cipher_key_has_length(CIPHER_AES, length) ||
            !hex_parse(text, kek.bytes, length))
                return csv_refuse(&l->csv, l->csv.line, "kek",
                                  "expected an AES key as 32, 48 or 64 hexadecimal digits");
        l->keks[place] = kek;
        cipher_key_wipe(&kek);
        return true;
}

static bool unwrap(struct loading *l, int column, const struct key_block_guard *guard,
                   struct key_block_header *ret_header, struct cipher_key *ret_key)
{
        const char *text = csv_value(&l->csv, (size_t)column);

        return key_block_unwrap(guard, text, strlen(text), ret_header, ret_key) == KEY_BLOCK_GOOD ||
               csv_refuse(&l->csv, l->csv.line, key_columns[column],
                          "expected a key block under the terminal's key-encrypting key");
}

static bool unwrap_pin_key(struct loading *l, const struct key_block_guard *guard, struct cipher_key *ret_key)
{
        struct key_block_header header;

        return unwrap(l, PIN_KEY, guard, &header, ret_key) &&
               (!strcmp(header.usage, "P0") ||
                csv_refuse(&l->csv, l->csv.line, key_columns[PIN_KEY], "expected a PIN key: of usage P0"));
}

static bool unwrap_mac_key(struct loading *l, int column, const struct key_block_guard *guard,
                           struct atm_mac_key *ret_key)
{
        struct key_block_header header;

        if (!unwrap(l, column, guard, &header, &ret_key->key))
                return false;
        ret_key->is_retail = !strcmp(header.usage, "M3");
        if ((strcmp(header.usage, "M6") || ret_key->key.algorithm != CIPHER_AES) &&
            (!ret_key->is_retail || ret_key->key.length != 16))
                return csv_refuse(&l->csv, l->csv.line, key_columns[column],
                                  "expected a MAC key: of usage M6 and AES, or M3 and TDES of double length");
        return true;
}

static bool load_key(struct loading *l)
{
        int64_t place = terminal_of(l), set;
        struct atm_keys keys = {0};
        struct key_block_guard guard;

        if (place < 0)
                return true;
        if (!number_parse(csv_value(&l->csv, KEY_SET), 1, KEY_SET_MAX, &set))
                return csv_refuse(&l->csv, l->csv.line, "set", "expected a number from 1 to %d", KEY_SET_MAX);
        if (l->keks[place].length == 0)
                return csv_refuse(&l->csv, l->csv.line, "terminal",
                                  "%s has no key-encrypting key in the other file",
                                  csv_value(&l->csv, KEY_TERMINAL));
        key_block_guard_of(&l->keks[place], &guard);
        keys.set = (int)set;
        bool good = unwrap_pin_key(l, &guard, &keys.pin) && unwrap_mac_key(l, MAC_KEY_UP, &guard, &keys.up) &&
                    unwrap_mac_key(l, MAC_KEY_DOWN, &guard, &keys.down);
        if (good && keys.set > l->keys[place].set)
                l->keys[place] = keys;
        key_block_guard_wipe(&guard);
        OPENSSL_cleanse(&keys, sizeof(keys));
        return good;
}

static bool load_file(struct loading *l, const char *path, const char *const *columns,
                      bool (*load)(struct loading *), char error[ATM_KEYS_ERROR_MAX])
{
        enum csv_result result = CSV_BAD;
        bool opened = csv_open(&l->csv, path, true);

        if (opened && csv_header(&l->csv, columns))
                while ((result = csv_next(&l->csv)) == CSV_ROW)
                        if (!load(l))
                                break;
        if (result != CSV_END)
                snprintf(error, ATM_KEYS_ERROR_MAX, "%s", l->csv.error);
        if (opened)
                csv_close(&l->csv);
        return result == CSV_END;
}

struct atm_keys *atm_keys_load(const char *keys_path, const char *keks_path,
                               const struct terminals *terminals, char error[ATM_KEYS_ERROR_MAX])
{
        struct loading l = {.terminals = terminals};

        l.keks = calloc(terminals->count, sizeof(*l.keks));
        l.keys = calloc(terminals->count, sizeof(*l.keys));
        bool good = l.keks && l.keys;
        if (!good)
                snprintf(error, ATM_KEYS_ERROR_MAX, "out of memory for the keys of %zu ATMs",
                         terminals->count);
        good = good && load_file(&l, keks_path, kek_columns, load_kek, error) &&
               load_file(&l, keys_path, key_columns, load_key, error);
        if (l.keks)
                OPENSSL_cleanse(l.keks, terminals->count * sizeof(*l.keks));
        free(l.keks);
        if (good)
                return l.keys;
        atm_keys_free(l.keys, terminals->count);
        return NULL;
}

void atm_keys_free(struct atm_keys *keys, size_t count)
{
        if (keys)
                OPENSSL_cleanse(keys, count * sizeof(*keys));
        free(keys);
}

void atm_mac(const struct atm_mac_key *key, const uint8_t *data, size_t size, uint8_t ret_mac[ATM_MAC_LENGTH])
{
        uint8_t mac[CIPHER_BLOCK_MAX];
        struct cipher_key left, right;

        if (!key->is_retail) {
                mac_cmac(&key->key, data, size, mac);
        } else {
                mac_retail_halves(&key->key, &left, &right);
                mac_retail(&left, &right, MAC_PADDING_2, data, size, mac);
                cipher_key_wipe(&left);
                cipher_key_wipe(&right);
        }
        memcpy(ret_mac, mac, ATM_MAC_LENGTH);
}
