/*
 * Key blocks: see key_block.h. A key in clear is on the stack of wrap and unwrap alone, and wiped there.
 */
#include "keymodule/crypto/key_block.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "keymodule/crypto/mac.h"
#include "lib/base/array.h"
#include "lib/base/hex.h"
#include "lib/base/number.h"

enum {
        LENGTH_FIELD = 2, /* of the key, in bits */
        CLEAR_MAX =
            64, /* a key of 32 bytes with its length, in whole cipher blocks; more than the longest is refused */
        ID = 2,
        ID_AND_LENGTH = 4,
        LONG_LENGTH = 10, /* id, "00", "04", four digits */
};

const struct key_usage_row key_usages[] = {
    {"K1", "TA", "BDEN", "key-encrypting key: protects key blocks"},
    {"P0", "TA", "BDEN", "PIN blocks"},
    {"M1", "T", "CGVN", "MAC, ISO 9797-1 algorithm 1"},
    {"M3", "T", "CGVN", "MAC, ISO 9797-1 algorithm 3"},
    {"M6", "TA", "CGVN", "MAC, ISO 9797-1:2011 algorithm 5: CMAC"},
    {"V1", "T", "CGVN", "PIN verification, IBM 3624"},
    {"V2", "T", "CGVN", "PIN verification, Visa PVV"},
};
const size_t key_usage_count = LENGTH(key_usages);

const struct key_usage_row *key_usage_find(const char *usage)
{
        for (size_t i = 0; i < key_usage_count; i++) {
                if (strcmp(key_usages[i].usage, usage) == 0)
                        return &key_usages[i];
        }
        return NULL;
}

/* ---- the two keys of a protection key -------------------------------------------------------------------- */

enum derived_use { DERIVED_ENCIPHERING = 0, DERIVED_AUTHENTICATING = 1 };

/* X9.143, table of derivation data: counter, use, separator, algorithm, length in bits. */
static bool derive(enum cipher_algorithm algorithm, size_t length, enum derived_use use, key_block_cmac *cmac,
                   void *context, struct cipher_key *ret_key)
{
        uint8_t number = (uint8_t)(length / 8 - 2); /* TDES: 0 two keys, 1 three; AES: 2 to 4 */
        uint8_t data[8] = {
            1, 0, (uint8_t)use, 0, 0, number, (uint8_t)(length * 8 >> 8), (uint8_t)(length * 8)};
        uint8_t block[CIPHER_BLOCK_MAX];
        size_t size = cipher_block_size(algorithm);
        bool good = true;

        if (algorithm == CIPHER_AES)
                data[5] = (uint8_t)(number + 2);
        *ret_key = (struct cipher_key){.algorithm = algorithm, .length = length};
        for (size_t at = 0; at < length && good; at += size, data[0]++) {
                good = cmac(context, data, sizeof(data), block);
                if (good)
                        memcpy(ret_key->bytes + at, block, length - at < size ? length - at : size);
        }
        OPENSSL_cleanse(block, sizeof(block));
        return good;
}

bool key_block_guard_derive(enum cipher_algorithm algorithm, size_t length, key_block_cmac *cmac,
                            void *context, struct key_block_guard *ret_guard)
{
        ret_guard->strength = cipher_strength(algorithm, length);
        assert(ret_guard->strength > 0);
        return derive(algorithm, length, DERIVED_ENCIPHERING, cmac, context, &ret_guard->enciphering) &&
               derive(algorithm, length, DERIVED_AUTHENTICATING, cmac, context, &ret_guard->authenticating);
}

static bool cmac_here(void *context, const uint8_t *data, size_t size, uint8_t *ret_mac)
{
        mac_cmac(context, data, size, ret_mac);
        return true;
}

void key_block_guard_of(const struct cipher_key *protection, struct key_block_guard *ret_guard)
{
        struct cipher_key key = *protection;
        bool derived = key_block_guard_derive(key.algorithm, key.length, cmac_here, &key, ret_guard);
        assert(derived);
        cipher_key_wipe(&key);
}

void key_block_guard_wipe(struct key_block_guard *guard)
{
        OPENSSL_cleanse(guard, sizeof(*guard));
}

static char version_of(const struct key_block_guard *guard)
{
        return guard->enciphering.algorithm == CIPHER_AES ? 'D' : 'B';
}

/* ---- header ---------------------------------------------------------------------------------------------- */

static bool is_printable(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                if (text[i] < ' ' || text[i] > '~')
                        return false;
        }
        return true;
}

static bool is_name(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= '0' && text[i] <= '9')))
                        return false;
        }
        return true;
}

/* Hexadecimal digits as a number; -1: they are none. */
static long hex_number(const char *text, size_t digits)
{
        long number = 0;
        for (size_t i = 0; i < digits; i++) {
                int digit = hex_digit(text[i]);
                if (digit < 0)
                        return -1;
                number = number * 16 + digit;
        }
        return number;
}

/* How long the optional block is that `left` characters begin with, and where its text begins; 0: it is none. */
static size_t optional_length(const char *text, size_t left, size_t *ret_begin)
{
        if (left < ID_AND_LENGTH || !is_name(text, ID))
                return 0;
        long length = hex_number(text + ID, 2);
        *ret_begin = ID_AND_LENGTH;
        if (length == 0) { /* a long one: how many digits its length has, and these */
                if (left < LONG_LENGTH || memcmp(text + ID_AND_LENGTH, "04", 2) != 0)
                        return 0;
                length = hex_number(text + ID_AND_LENGTH + 2, 4);
                *ret_begin = LONG_LENGTH;
        }
        if (length < (long)*ret_begin || length > (long)left ||
            !is_printable(text + *ret_begin, (size_t)length - *ret_begin))
                return 0;
        return (size_t)length;
}

static bool is_fill(const char *text)
{
        return memcmp(text, "PB", ID) == 0;
}

/* What `count` optional blocks take of the text, which goes into the header without PB. False: they are none. */
static bool read_optional(const char *text, size_t left, int64_t count, size_t *ret_size,
                          struct key_block_header *header)
{
        size_t size = 0, kept = 0, begin;
        for (int64_t i = 0; i < count; i++) {
                size_t length = optional_length(text + size, left - size, &begin);
                if (length == 0 || size + length > KEY_BLOCK_OPTIONAL_MAX)
                        return false;
                if (!is_fill(text + size)) {
                        memcpy(header->optional + kept, text + size, length);
                        kept += length;
                }
                size += length;
        }
        header->optional[kept] = '\0';
        *ret_size = size;
        return true;
}

static size_t mac_size(char version)
{
        return version == 'D' ? AES_BLOCK : TDES_BLOCK;
}

/* ret_size: of header and optional blocks. */
static enum key_block_error read_header(const char *text, size_t length, struct key_block_header *ret_header,
                                        size_t *ret_size)
{
        int64_t said, count;
        size_t size;
        struct key_block_header header = {0};

        if (length < KEY_BLOCK_HEADER || length > KEY_BLOCK_MAX || !is_printable(text, length))
                return KEY_BLOCK_BAD_FORM;
        header.version = text[0];
        if (header.version != 'B' && header.version != 'D')
                return KEY_BLOCK_BAD_VERSION;
        if (!number_parse_bytes(text + 1, 4, 0, 9999, &said) || (size_t)said != length ||
            !is_name(text + 5, 7) || !is_name(text + 14, 2) ||
            !number_parse_bytes(text + 12, 2, 0, 99, &count))
                return KEY_BLOCK_BAD_FORM;
        memcpy(header.usage, text + 5, 2);
        header.algorithm = text[7];
        header.mode = text[8];
        memcpy(header.key_version, text + 9, 2);
        header.exportability = text[11];
        size_t block = mac_size(header.version);
        if (!read_optional(text + KEY_BLOCK_HEADER, length - KEY_BLOCK_HEADER, count, &size, &header) ||
            size % block != 0)
                return KEY_BLOCK_BAD_FORM;
        size += KEY_BLOCK_HEADER;
        if (length < size + 2 * (block + block) || (length - size) % (2 * block) != 0 ||
            (length - size) / 2 - block > CLEAR_MAX)
                return KEY_BLOCK_BAD_FORM;
        if (header.algorithm != 'T' && header.algorithm != 'A')
                return KEY_BLOCK_BAD_ALGORITHM;
        *ret_header = header;
        *ret_size = size;
        return KEY_BLOCK_GOOD;
}

enum key_block_error key_block_read(const char *text, size_t length, struct key_block_header *ret_header)
{
        size_t size;
        return read_header(text, length, ret_header, &size);
}

const char *key_block_optional(const struct key_block_header *header, const char *id, size_t *ret_length)
{
        const char *at = header->optional;
        size_t left = strlen(at), begin, length;
        for (; left > 0; at += length, left -= length) {
                length = optional_length(at, left, &begin);
                if (length == 0)
                        return NULL;
                if (memcmp(at, id, ID) == 0) {
                        *ret_length = length - begin;
                        return at + begin;
                }
        }
        return NULL;
}

bool key_block_add(struct key_block_header *header, const char *id, const char *text)
{
        size_t used = strlen(header->optional), length = ID_AND_LENGTH + strlen(text);
        if (length > 0xFF || used + length > KEY_BLOCK_OPTIONAL_MAX - 2 * CIPHER_BLOCK_MAX ||
            strlen(id) != ID || !is_name(id, ID) || !is_printable(text, strlen(text)))
                return false;
        snprintf(header->optional + used, sizeof(header->optional) - used, "%s%02zX%s", id, length, text);
        return true;
}

bool key_block_may(const struct key_block_header *header, const char *usage, const char *modes)
{
        return strcmp(header->usage, usage) == 0 && strchr(modes, header->mode);
}

/* ---- unwrapping ------------------------------------------------------------------------------------------ */

struct clear {
        uint8_t bytes[KEY_BLOCK_MAX +
                      CLEAR_MAX]; /* header and optional blocks as text, then length, key and fill */
        size_t header, size;
};

static void clear_mac(const struct key_block_guard *guard, const struct clear *clear,
                      uint8_t ret_mac[CIPHER_BLOCK_MAX])
{
        mac_cmac(&guard->authenticating, clear->bytes, clear->header + clear->size, ret_mac);
}

static enum key_block_error take_key(const struct clear *clear, const struct key_block_header *header,
                                     const struct key_block_guard *guard, struct cipher_key *ret_key)
{
        const uint8_t *at = clear->bytes + clear->header;
        size_t bits = (size_t)at[0] << 8 | at[1], length = bits / 8;
        enum cipher_algorithm algorithm = header->algorithm == 'A' ? CIPHER_AES : CIPHER_TDES;

        if (bits % 8 != 0 || !cipher_key_has_length(algorithm, length) || LENGTH_FIELD + length > clear->size)
                return KEY_BLOCK_BAD_KEY;
        if (cipher_strength(algorithm, length) > guard->strength)
                return KEY_BLOCK_TOO_WEAK;
        *ret_key = (struct cipher_key){.algorithm = algorithm, .length = length};
        memcpy(ret_key->bytes, at + LENGTH_FIELD, length);
        return KEY_BLOCK_GOOD;
}

enum key_block_error key_block_unwrap(const struct key_block_guard *guard, const char *text, size_t length,
                                      struct key_block_header *ret_header, struct cipher_key *ret_key)
{
        struct key_block_header header;
        struct clear clear;
        uint8_t bytes[CLEAR_MAX + CIPHER_BLOCK_MAX], mac[CIPHER_BLOCK_MAX];
        enum key_block_error error = read_header(text, length, &header, &clear.header);

        if (error != KEY_BLOCK_GOOD)
                return error;
        if (header.version != version_of(guard))
                return KEY_BLOCK_BAD_VERSION;
        size_t mac_length = mac_size(header.version);
        clear.size = (length - clear.header) / 2 - mac_length;
        if (!hex_parse(text + clear.header, bytes, clear.size + mac_length))
                return KEY_BLOCK_BAD_FORM;
        memcpy(clear.bytes, text, clear.header);
        cipher_chain(&guard->enciphering, CIPHER_DECIPHER, bytes + clear.size, bytes, clear.size,
                     clear.bytes + clear.header);
        clear_mac(guard, &clear, mac);
        error = mac_is_same(mac, bytes + clear.size, mac_length) ? take_key(&clear, &header, guard, ret_key)
                                                                 : KEY_BLOCK_BAD_MAC;
        if (error == KEY_BLOCK_GOOD)
                *ret_header = header;
        OPENSSL_cleanse(&clear, sizeof(clear));
        return error;
}

/* ---- wrapping -------------------------------------------------------------------------------------------- */

/* The optional blocks and, where they don't fill whole cipher blocks, PB; how many they are. -1: no room. */
static int put_optional(const struct key_block_header *header, size_t block,
                        char ret_text[KEY_BLOCK_OPTIONAL_MAX + 1])
{
        size_t size = strlen(header->optional), begin;
        int count = 0;

        for (size_t at = 0; at < size; count++) {
                size_t length = optional_length(header->optional + at, size - at, &begin);
                if (length == 0)
                        return -1;
                at += length;
        }
        strcpy(ret_text, header->optional);
        if (size % block == 0)
                return count;
        size_t fill = block - size % block;
        if (fill < ID_AND_LENGTH)
                fill += block;
        if (size + fill > KEY_BLOCK_OPTIONAL_MAX)
                return -1;
        snprintf(ret_text + size, KEY_BLOCK_OPTIONAL_MAX + 1 - size, "PB%02zX%0*d", fill,
                 (int)(fill - ID_AND_LENGTH), 0);
        ret_text[size + fill] = '\0'; /* of no digits printf still writes one */
        return count + 1;
}

/* The key's length, the key, and fill as if it were the longest of its algorithm: what is outside does not say how long it is. */
static size_t put_key(const struct cipher_key *key, size_t block, uint8_t *at)
{
        size_t longest = LENGTH_FIELD + (key->algorithm == CIPHER_AES ? 32 : 24);
        size_t size = (longest + block - 1) / block * block, used = LENGTH_FIELD + key->length;
        int drawn = RAND_bytes(at + used, (int)(size - used));

        assert(drawn == 1);
        at[0] = (uint8_t)(key->length * 8 >> 8);
        at[1] = (uint8_t)(key->length * 8);
        memcpy(at + LENGTH_FIELD, key->bytes, key->length);
        return size;
}

static bool header_is_good(const struct key_block_header *header)
{
        return strlen(header->usage) == 2 && is_name(header->usage, 2) && is_name(&header->mode, 1) &&
               strlen(header->key_version) == 2 && is_name(header->key_version, 2) &&
               is_name(&header->exportability, 1);
}

/* Digits in capitals, as key blocks are written everywhere. */
static void put_digits(char *at, const uint8_t *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++)
                snprintf(at + 2 * i, 3, "%02X", bytes[i]);
}

enum key_block_error key_block_wrap(const struct key_block_guard *guard,
                                    const struct key_block_header *header, const struct cipher_key *key,
                                    char ret_text[KEY_BLOCK_TEXT])
{
        char optional[KEY_BLOCK_OPTIONAL_MAX + 1], text[KEY_BLOCK_TEXT];
        char version = version_of(guard);
        size_t block = mac_size(version);
        uint8_t bytes[CLEAR_MAX + CIPHER_BLOCK_MAX], mac[CIPHER_BLOCK_MAX];
        struct clear clear;
        int count = put_optional(header, block, optional);

        if (count < 0 || !header_is_good(header))
                return KEY_BLOCK_BAD_FORM;
        if (!cipher_key_has_length(key->algorithm, key->length))
                return KEY_BLOCK_BAD_KEY;
        if (cipher_strength(key->algorithm, key->length) > guard->strength)
                return KEY_BLOCK_TOO_WEAK;
        clear.header = KEY_BLOCK_HEADER + strlen(optional);
        clear.size = put_key(key, block, clear.bytes + clear.header);
        snprintf(text, sizeof(text), "%c%04zu%s%c%c%s%c%02d00%s", version,
                 clear.header + 2 * (clear.size + block), header->usage,
                 key->algorithm == CIPHER_AES ? 'A' : 'T', header->mode, header->key_version,
                 header->exportability, count, optional);
        memcpy(clear.bytes, text, clear.header);
        clear_mac(guard, &clear, mac);
        cipher_chain(&guard->enciphering, CIPHER_ENCIPHER, mac, clear.bytes + clear.header, clear.size,
                     bytes);
        strcpy(ret_text, text);
        put_digits(ret_text + clear.header, bytes, clear.size);
        put_digits(ret_text + clear.header + 2 * clear.size, mac, block);
        OPENSSL_cleanse(&clear, sizeof(clear));
        return KEY_BLOCK_GOOD;
}
