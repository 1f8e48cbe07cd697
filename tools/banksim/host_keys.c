/* The key sets of a bank: see host_keys.h. */
#include "tools/banksim/host_keys.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/base/number.h"
#include "protocol/tags.h"

static int64_t place_of_link(const void *link, const char *name)
{
        return strcmp(name, link) == 0 ? 0 : -1;
}

static bool load(struct host_keys *keys, const char *keys_path, const char *keks_path, const char *link,
                 char error[LAB_KEYS_ERROR_MAX])
{
        const struct lab_owners owners = {"link", 1, place_of_link, link};
        struct lab_keys *loaded = lab_keys_load(keys_path, keks_path, &owners, NULL, error);
        struct cipher_key *kek = loaded ? lab_keks_load(keks_path, &owners, error) : NULL;
        if (kek) {
                keys->used = *loaded;
                keys->kek = *kek;
        }
        lab_keys_free(loaded, 1);
        lab_keks_free(kek, 1);
        return kek;
}

static bool load_kept(struct host_keys *keys, const char *keks_path, const char *link, const char *store_path,
                      char error[LAB_KEYS_ERROR_MAX])
{
        const struct lab_owners owners = {"link", 1, place_of_link, link};
        size_t foreign; /* under a key-encrypting key of before */
        return key_store_open(&keys->store, store_path, owners.column, error) &&
               key_store_load(&keys->store, keks_path, &owners, &keys->used, &foreign, error);
}

bool host_keys_open(struct host_keys *keys, const char *keys_path, const char *keks_path, const char *link,
                    const char *store_path, char error[LAB_KEYS_ERROR_MAX])
{
        *keys = (struct host_keys){.used.set = 0};
        if (load(keys, keys_path, keks_path, link, error) &&
            (keys->used.set == 0 || load_kept(keys, keks_path, link, store_path, error)))
                return true;
        host_keys_close(keys);
        return false;
}

void host_keys_close(struct host_keys *keys)
{
        key_store_close(&keys->store);
        OPENSSL_cleanse(keys, sizeof(*keys));
}

/* ---- which is which ------------------------------------------------------------------------------------ */

/* What is kept is used, and what is former is gone, when its time has come. */
static void settle(struct host_keys *keys, int64_t now_ms)
{
        if (keys->next.set && keys->next_from_ms <= now_ms) {
                keys->former = keys->used;
                keys->former_until_ms = INT64_MAX;
                keys->used = keys->next;
                keys->next.set = 0;
        }
        if (keys->former_until_ms <= now_ms)
                keys->former.set = 0;
}

const struct lab_keys *host_keys_own(struct host_keys *keys, int64_t now_ms)
{
        settle(keys, now_ms);
        return keys->used.set ? &keys->used : NULL;
}

const struct lab_keys *host_keys_of(struct host_keys *keys, int set, int64_t now_ms)
{
        settle(keys, now_ms);
        if (set == 0)
                return NULL;
        return set == keys->used.set ? &keys->used : set == keys->former.set ? &keys->former : NULL;
}

void host_keys_heard(struct host_keys *keys, int set, int64_t now_ms)
{
        if (keys->former.set && set == keys->used.set && keys->former_until_ms == INT64_MAX)
                keys->former_until_ms = now_ms + HOST_KEYS_FORMER_MS;
}

/* ---- a newer one --------------------------------------------------------------------------------------- */

const char *host_keys_read(const struct host_keys *keys, const struct iso_message *message,
                           struct host_delivery *ret_delivery)
{
        struct host_delivery delivery = {.set = 0};
        size_t at = 0, blocks = 0;
        struct tag tag;
        *ret_delivery = delivery;
        if (iso_has(message, 62) && tags_problem(message, 62))
                return tags_problem(message, 62);
        while (tags_next(message, 62, &at, &tag)) {
                if (!memcmp(tag.name, TAG_KEY_OFFER, 2))
                        delivery.set = (int)number_known_bytes(tag.value, tag.length);
                else if (!memcmp(tag.name, TAG_KEY_BLOCK, 2) && blocks++ < LAB_KEY_BLOCKS)
                        delivery.blocks[blocks - 1] = (struct lab_block){tag.value, tag.length};
        }
        if (delivery.set == 0 && blocks == 0)
                return NULL;
        if (delivery.set == 0 || blocks != LAB_KEY_BLOCKS)
                return "a key set on offer is KN, and KB three times";
        const char *wrong = lab_keys_take(&keys->kek, delivery.set, delivery.blocks, &delivery.keys);
        if (!wrong)
                *ret_delivery = delivery;
        OPENSSL_cleanse(&delivery.keys, sizeof(delivery.keys));
        return wrong;
}

void host_keys_take(struct host_keys *keys, const char *link, const struct host_delivery *delivery,
                    int64_t from_ms)
{
        int newest = keys->next.set ? keys->next.set : keys->used.set;
        if (delivery->set <= newest)
                return;
        key_store_add(&keys->store, link, delivery->set, delivery->blocks);
        keys->next = delivery->keys;
        keys->next_from_ms = from_ms;
}

bool host_keys_sync(struct host_keys *keys)
{
        return !keys->store.file || key_store_sync(&keys->store);
}
