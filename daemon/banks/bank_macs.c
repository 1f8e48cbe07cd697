/* The messages of a link that are with the key module: see bank_macs.h. */
#include "daemon/banks/bank_macs.h"

#include <stdlib.h>

#include "config/limits.h"

/* Only a link that has keys takes the room. */
static bool has_room(struct bank_macs *macs)
{
        if (macs->all)
                return true;
        macs->all = calloc(LIMIT_BANK_MACS, sizeof(*macs->all));
        TAILQ_INIT(&macs->free);
        return macs->all;
}

struct bank_mac *bank_macs_take(struct bank_macs *macs)
{
        if (!has_room(macs))
                return NULL;
        struct bank_mac *mac = TAILQ_FIRST(&macs->free);
        if (mac)
                TAILQ_REMOVE(&macs->free, mac, entry);
        else if (macs->used < LIMIT_BANK_MACS)
                mac = &macs->all[macs->used++];
        if (mac) {
                mac->macs = macs;
                macs->taken++;
        }
        return mac;
}

void bank_mac_give_back(struct bank_mac *mac)
{
        session_mac_drop(&mac->mac);
        mac->session = NULL;
        mac->exchange = NULL;
        struct bank_macs *macs = mac->macs;
        TAILQ_INSERT_HEAD(&macs->free, mac, entry);
        macs->taken--;
        if (macs->is_awaited && bank_macs_may_read(macs)) {
                macs->is_awaited = false;
                macs->on_room(macs);
        }
}

bool bank_macs_may_read(struct bank_macs *macs)
{
        bool may = macs->taken < LIMIT_BANK_MACS_READ;
        macs->is_awaited = macs->is_awaited || !may;
        return may;
}

void bank_macs_free(struct bank_macs *macs)
{
        free(macs->all);
        *macs = (struct bank_macs){0};
}
