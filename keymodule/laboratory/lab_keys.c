/* The keys of simulated ATMs and banks: see lab_keys.h. A key block is unwrapped as its row is read, so that a wrong one is named with its line. */
#include "keymodule/laboratory/lab_keys.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keymodule/crypto/key_block.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"

enum { KEY_SET_MAX = 9999 };
enum { KEK = 1, KEK_COLUMNS };
enum { OWNER, KEY_SET, PIN_KEY, MAC_KEY_UP, MAC_KEY_DOWN, KEY_COLUMNS };

/* The first is the owners'. */
static const char *const kek_columns[KEK_COLUMNS] = {NULL, "kek"};
static const char *const key_columns[KEY_COLUMNS] = {NULL, "set", "pin_key", "mac_key_up", "mac_key_down"};

struct loading {
        const struct lab_owners *owners;
        struct cipher_key *keks; /* an owner each; length 0: it has none */
        struct lab_keys *keys;
        struct csv csv;
        size_t *foreign; /* rows that can't be used, which are passed over; NULL: they are refused */
};

static int64_t place_of(const struct loading *l)
{
        return l->owners->find(l->owners->context, csv_value(&l->csv, OWNER));
}

static bool load_kek(struct loading *l)
{
        const char *text = csv_value(&l->csv, KEK);
        size_t length = strlen(text) / 2;
        int64_t place = place_of(l);
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

static bool is_mac_key(const struct key_block_header *header, const struct cipher_key *key, bool *ret_retail)
{
        *ret_retail = !strcmp(header->usage, "M3");
        return *ret_retail ? key->algorithm == CIPHER_TDES && key->length == 16
                           : !strcmp(header->usage, "M6") && key->algorithm == CIPHER_AES;
}

static bool unwrap(struct loading *l, int column, const struct key_block_guard *guard,
                   struct key_block_header *ret_header, struct cipher_key *ret_key)
{
        const char *text = csv_value(&l->csv, (size_t)column);

        return key_block_unwrap(guard, text, strlen(text), ret_header, ret_key) == KEY_BLOCK_GOOD ||
               csv_refuse(&l->csv, l->csv.line, key_columns[column],
                          "expected a key block under the %s's key-encrypting key", l->owners->column);
}

static bool unwrap_mac(struct loading *l, int column, const struct key_block_guard *guard,
                       struct lab_mac_key *ret_key)
{
        struct key_block_header header;

        if (!unwrap(l, column, guard, &header, &ret_key->key))
                return false;
        if (!is_mac_key(&header, &ret_key->key, &ret_key->is_retail))
                return csv_refuse(&l->csv, l->csv.line, key_columns[column],
                                  "expected a MAC key: of usage M6 and AES, or M3 and TDES of double length");
        return true;
}

static bool unwrap_pin(struct loading *l, const struct key_block_guard *guard, struct cipher_key *ret_key)
{
        struct key_block_header header;

        if (!unwrap(l, PIN_KEY, guard, &header, ret_key))
                return false;
        return !strcmp(header.usage, "P0") ||
               csv_refuse(&l->csv, l->csv.line, key_columns[PIN_KEY], "expected a PIN key, of usage P0");
}

static bool load_key(struct loading *l)
{
        int64_t place = place_of(l), set;
        struct lab_keys keys = {0};
        struct key_block_guard guard;

        if (place < 0)
                return true;
        if (!number_parse(csv_value(&l->csv, KEY_SET), 1, KEY_SET_MAX, &set))
                return csv_refuse(&l->csv, l->csv.line, "set", "expected a number from 1 to %d", KEY_SET_MAX);
        if (l->keks[place].length == 0)
                return csv_refuse(&l->csv, l->csv.line, l->owners->column,
                                  "%s has no key-encrypting key in the other file",
                                  csv_value(&l->csv, OWNER));
        key_block_guard_of(&l->keks[place], &guard);
        keys.set = (int)set;
        bool good = unwrap_pin(l, &guard, &keys.pin) && unwrap_mac(l, MAC_KEY_UP, &guard, &keys.up) &&
                    unwrap_mac(l, MAC_KEY_DOWN, &guard, &keys.down);
        if (good && keys.set > l->keys[place].set)
                l->keys[place] = keys;
        key_block_guard_wipe(&guard);
        OPENSSL_cleanse(&keys, sizeof(keys));
        if (!good && l->foreign)
                ++*l->foreign;
        return good || l->foreign;
}

static bool load_file(struct loading *l, const char *path, const char *const *columns, size_t count,
                      bool (*load)(struct loading *), char error[LAB_KEYS_ERROR_MAX])
{
        const char *wanted[KEY_COLUMNS + 1] = {l->owners->column};
        enum csv_result result = CSV_BAD;
        bool opened = csv_open(&l->csv, path, true);

        for (size_t i = 1; i < count; i++)
                wanted[i] = columns[i];
        if (opened && csv_header(&l->csv, wanted))
                while ((result = csv_next(&l->csv)) == CSV_ROW)
                        if (!load(l))
                                break;
        if (result != CSV_END)
                snprintf(error, LAB_KEYS_ERROR_MAX, "%s", l->csv.error);
        if (opened)
                csv_close(&l->csv);
        return result == CSV_END;
}

struct lab_keys *lab_keys_load(const char *keys_path, const char *keks_path, const struct lab_owners *owners,
                               size_t *ret_foreign, char error[LAB_KEYS_ERROR_MAX])
{
        struct loading l = {.owners = owners, .foreign = ret_foreign};

        l.keks = calloc(owners->count, sizeof(*l.keks));
        l.keys = calloc(owners->count, sizeof(*l.keys));
        bool good = l.keks && l.keys;
        if (!good)
                snprintf(error, LAB_KEYS_ERROR_MAX, "out of memory for the keys of %zu %ss", owners->count,
                         owners->column);
        good = good && load_file(&l, keks_path, kek_columns, KEK_COLUMNS, load_kek, error) &&
               load_file(&l, keys_path, key_columns, KEY_COLUMNS, load_key, error);
        if (l.keks)
                OPENSSL_cleanse(l.keks, owners->count * sizeof(*l.keks));
        free(l.keks);
        if (good)
                return l.keys;
        lab_keys_free(l.keys, owners->count);
        return NULL;
}

void lab_keys_free(struct lab_keys *keys, size_t count)
{
        if (keys)
                OPENSSL_cleanse(keys, count * sizeof(*keys));
        free(keys);
}

struct cipher_key *lab_keks_load(const char *keks_path, const struct lab_owners *owners,
                                 char error[LAB_KEYS_ERROR_MAX])
{
        struct loading l = {.owners = owners, .keks = calloc(owners->count, sizeof(struct cipher_key))};

        if (l.keks && load_file(&l, keks_path, kek_columns, KEK_COLUMNS, load_kek, error))
                return l.keks;
        if (!l.keks)
                snprintf(error, LAB_KEYS_ERROR_MAX, "out of memory for the keys of %zu %ss", owners->count,
                         owners->column);
        lab_keks_free(l.keks, owners->count);
        return NULL;
}

void lab_keks_free(struct cipher_key *keks, size_t count)
{
        if (keks)
                OPENSSL_cleanse(keks, count * sizeof(*keks));
        free(keks);
}

static const char *take_pin_key(const struct key_block_guard *guard, const struct lab_block *block,
                                struct cipher_key *ret_key)
{
        struct key_block_header header;

        if (key_block_unwrap(guard, block->text, block->length, &header, ret_key) != KEY_BLOCK_GOOD)
                return "the PIN key is no key block under its owner's key-encrypting key";
        return strcmp(header.usage, "P0") != 0 ? "what should be the PIN key is of another usage" : NULL;
}

static const char *take_mac_key(const struct key_block_guard *guard, const struct lab_block *block,
                                struct lab_mac_key *ret_key)
{
        struct key_block_header header;

        if (key_block_unwrap(guard, block->text, block->length, &header, &ret_key->key) != KEY_BLOCK_GOOD)
                return "a MAC key is no key block under its owner's key-encrypting key";
        return is_mac_key(&header, &ret_key->key, &ret_key->is_retail)
                   ? NULL
                   : "what should be a MAC key is of another usage or algorithm";
}

const char *lab_keys_take(const struct cipher_key *kek, int set,
                          const struct lab_block blocks[LAB_KEY_BLOCKS], struct lab_keys *ret_keys)
{
        struct key_block_guard guard;
        const char *wrong;

        *ret_keys = (struct lab_keys){.set = set};
        if (kek->length == 0)
                return "there is no key-encrypting key";
        key_block_guard_of(kek, &guard);
        wrong = take_pin_key(&guard, &blocks[0], &ret_keys->pin);
        if (!wrong)
                wrong = take_mac_key(&guard, &blocks[1], &ret_keys->up);
        if (!wrong)
                wrong = take_mac_key(&guard, &blocks[2], &ret_keys->down);
        key_block_guard_wipe(&guard);
        if (wrong)
                OPENSSL_cleanse(ret_keys, sizeof(*ret_keys));
        return wrong;
}

void lab_mac(const struct lab_mac_key *key, const uint8_t *data, size_t size, uint8_t ret_mac[LAB_MAC_LENGTH])
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
        memcpy(ret_mac, mac, LAB_MAC_LENGTH);
}
