/*
 * The key sets of a bank: one that what it says is under, and the one before it, under which messages may still come.
 *
 *      host_keys_take --host_keys_sync--> kept --its time has come--> used --the acquirer has used it, and FORMER_MS--> the one before it is gone
 *
 * What came over the line is on the disk before anything leaves that says so (keymodule/laboratory/key_store.h). Times are the caller's steady ones.
 */
#ifndef BANKSIM_HOST_KEYS_H
#define BANKSIM_HOST_KEYS_H

#include "keymodule/laboratory/key_store.h"
#include "protocol/iso8583.h"

struct host_keys {
        struct lab_keys used;   /* set 0: the bank has no keys, and needs no MACs */
        struct lab_keys former; /* set 0: none */
        int64_t former_until_ms;
        struct lab_keys next; /* kept, and not used yet; set 0: none */
        int64_t next_from_ms;
        struct cipher_key kek;
        struct key_store store;
};

enum { HOST_KEYS_FORMER_MS = 60000 };

/* Of the files, and of what came before; a bank whose link they don't name has none. store_path: where that is kept. False with an error. */
ATM_MUST_USE bool host_keys_open(struct host_keys *keys, const char *keys_path, const char *keks_path,
                                 const char *link, const char *store_path, char error[LAB_KEYS_ERROR_MAX]);
void host_keys_close(struct host_keys *keys);

/* What leaves is under these; NULL: the bank has none. */
const struct lab_keys *host_keys_own(struct host_keys *keys, int64_t now_ms);
/* That what has come names; NULL: it is none that is good. */
const struct lab_keys *host_keys_of(struct host_keys *keys, int set, int64_t now_ms);
/* The acquirer has used a set: its MAC was right. */
void host_keys_heard(struct host_keys *keys, int set, int64_t now_ms);

/* A newer set, as a message brings it. */
struct host_delivery {
        int set;
        struct lab_block blocks[LAB_KEY_BLOCKS];
        struct lab_keys keys;
};
/* What DE 62 brings, unwrapped, for the caller to wipe; set 0: nothing. NULL: it is good; else what is wrong: static text. */
const char *host_keys_read(const struct host_keys *keys, const struct iso_message *message,
                           struct host_delivery *ret_delivery);
/* It is used from that time on; one that is there already changes nothing. */
void host_keys_take(struct host_keys *keys, const char *link, const struct host_delivery *delivery,
                    int64_t from_ms);
/* What was taken is on the disk. False: errno says why not. */
ATM_MUST_USE bool host_keys_sync(struct host_keys *keys);

#endif
