/* A request's PIN block: see txn_pin.h. */
#include "daemon/txn_pin.h"

#include <assert.h>
#include <string.h>

#include "lib/base/hex.h"
#include "protocol/tags.h"

enum { PIN_FIELD = 52, TAGS = 62, TDES_BLOCK = 8, AES_BLOCK = 16 };

/* Formats 0 and 3 differ in what they begin with, which the key module alone sees. */
static const char tdes_formats[] = "03", aes_formats[] = "4";

int txn_pin_read(struct txn_pin *pin, const struct iso_message *request, struct iso_error *ret_error)
{
        struct tag tag;
        size_t length = 0;
        const char *field = iso_get(request, PIN_FIELD, &length);
        bool has_tag = tags_find(request, TAGS, TAG_PIN_BLOCK, &tag);

        txn_pin_wipe(pin);
        if (field && has_tag) {
                *ret_error = (struct iso_error){.field = PIN_FIELD,
                                                .offset = ISO_NO_OFFSET,
                                                .what = "a second PIN block beside PB in 62"};
                return -1;
        }
        if (!field && !has_tag)
                return 0;
        pin->set = tags_key_set(request);
        pin->formats = field ? tdes_formats : aes_formats;
        pin->length = field ? TDES_BLOCK : AES_BLOCK;
        if (field) {
                assert(length == TDES_BLOCK);
                memcpy(pin->block, field, TDES_BLOCK);
        } else {
                bool read = hex_parse(tag.value, pin->block, AES_BLOCK);
                assert(read && tag.length == 2 * AES_BLOCK);
                (void)read;
        }
        return 0;
}

void txn_pin_wipe(struct txn_pin *pin)
{
        explicit_bzero(pin, sizeof(*pin));
}

void bank_pin_wipe(struct bank_pin *pin)
{
        explicit_bzero(pin, sizeof(*pin));
}
