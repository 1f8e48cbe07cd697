/* An ATM's PIN blocks: see atm_pin.h. */
#include "tools/atmsim/atm_pin.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "keymodule/crypto/pin_block.h"
#include "lib/base/hex.h"
#include "protocol/tags.h"

enum { PIN_FIELD = 52, SECURITY_TAGS = 62 };

/* What is wrong with a block that is not in order: its key, or a half byte of its field in clear. */
static const struct {
        size_t at;
        uint8_t kept, put;
} spoilings[] = {
    {0, 0xFF, 0x00}, /* nothing: it is the key */
    {0, 0x0F, 0x10}, /* format 1 */
    {0, 0xF0, 0x03}, /* a PIN of 3 digits, */
    {0, 0xF0, 0x0D}, /* of 13 */
    {1, 0x0F, 0xA0}, /* a digit that is none */
    {7, 0xF0, 0x00}, /* a fill that is none */
};
enum { SPOILINGS = sizeof(spoilings) / sizeof(spoilings[0]) };

static void type(const struct card *card, enum pin_fault fault, uint32_t draw, struct pin *ret_pin)
{
        *ret_pin = (struct pin){.length = strlen(card->pin)};
        assert(ret_pin->length >= PIN_MIN && ret_pin->length <= PIN_MAX);
        memcpy(ret_pin->digits, card->pin, ret_pin->length + 1);
        if (fault == PIN_MISTYPED) /* of the first four, which alone count in a PVV */
                ret_pin->digits[draw % PIN_MIN] =
                    (char)('0' + (ret_pin->digits[draw % PIN_MIN] - '0' + 1 + draw / PIN_MIN % 9) % 10);
}

static void combine(uint8_t *block, const uint8_t *other, size_t size)
{
        for (size_t i = 0; i < size; i++)
                block[i] ^= other[i];
}

/* pin_block_seal would refuse what is not in order. */
static void seal_spoiled(enum pin_format format, const struct cipher_key *key, const struct pin *pin,
                         const struct card *card, uint32_t draw, uint8_t ret_block[PIN_BLOCK_MAX])
{
        const struct cipher_key nobodys = {.algorithm = key->algorithm, .length = key->length, .bytes = {1}};
        const struct cipher_key *used = draw % SPOILINGS == 0 ? &nobodys : key;
        uint8_t other[PIN_BLOCK_MAX], *at = &ret_block[spoilings[draw % SPOILINGS].at];
        size_t size = pin_block_size(format);
        bool good = pin_pan_field(format, card->pan, strlen(card->pan), other) == PIN_GOOD &&
                    pin_field_write(format, pin, ret_block) == PIN_GOOD;

        assert(good);
        (void)good;
        *at = (uint8_t)((*at & spoilings[draw % SPOILINGS].kept) | spoilings[draw % SPOILINGS].put);
        if (format == PIN_FORMAT_4)
                cipher_blocks(used, CIPHER_ENCIPHER, ret_block, size, ret_block);
        combine(ret_block, other, size);
        cipher_blocks(used, CIPHER_ENCIPHER, ret_block, size, ret_block);
}

void atm_pin_add(struct iso_message *message, const struct lab_keys *keys, const struct card *card,
                 enum pin_fault fault, uint32_t draw)
{
        bool is_aes = keys->pin.algorithm == CIPHER_AES, sealed = true;
        enum pin_format format = is_aes ? PIN_FORMAT_4 : draw >> 16 & 1 ? PIN_FORMAT_3 : PIN_FORMAT_0;
        uint8_t block[PIN_BLOCK_MAX];
        char digits[2 * PIN_BLOCK_MAX + 1];
        struct pin pin;

        if (!*card->pin || fault == PIN_MISSING)
                return;
        type(card, fault, draw, &pin);
        if (fault == PIN_UNREADABLE)
                seal_spoiled(format, &keys->pin, &pin, card, draw, block);
        else
                sealed =
                    pin_block_seal(format, &keys->pin, &pin, card->pan, strlen(card->pan), block) == PIN_GOOD;
        assert(sealed);
        (void)sealed;
        hex_print(block, pin_block_size(format), digits);
        if (is_aes)
                tags_add(message, SECURITY_TAGS, TAG_PIN_BLOCK, digits);
        else
                iso_set(message, PIN_FIELD, (const char *)block, pin_block_size(format));
        pin_wipe(&pin);
        OPENSSL_cleanse(block, sizeof(block));
        OPENSSL_cleanse(digits, sizeof(digits));
}
