/* Check values: see check_value.h. */
#include "keymodule/crypto/check_value.h"

#include <openssl/crypto.h>
#include <string.h>

#include "keymodule/crypto/mac.h"

size_t check_value_of(const struct cipher_key *key, uint8_t ret_value[CHECK_VALUE_MAX])
{
        static const uint8_t zeros[CIPHER_BLOCK_MAX];
        uint8_t block[CIPHER_BLOCK_MAX];
        size_t size = cipher_block_size(key->algorithm);
        size_t shown = key->algorithm == CIPHER_AES ? CHECK_VALUE_MAX : CHECK_VALUE_MIN;

        if (key->algorithm == CIPHER_AES)
                mac_cmac(key, zeros, size, block);
        else
                cipher_blocks(key, CIPHER_ENCIPHER, zeros, size, block);
        memcpy(ret_value, block, shown);
        OPENSSL_cleanse(block, sizeof(block));
        return shown;
}
