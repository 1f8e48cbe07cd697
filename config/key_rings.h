/*
 * The keys of terminals, links and issuers that are good, as key blocks under the key module's master key (sql/078_keys.sql), found by their
 * owner without allocating. Read whole at the start, then what has changed. A ring without sets is of an owner whose keys are all retired: it
 * is not one that needs none.
 *
 *      const struct key_ring *ring = key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001");
 *      const struct key_set *set = key_ring_set(ring, KEY_SET_WORKING, 7);   // what a message names (KS); NULL: unknown or retired
 *      const struct key_set *newest = key_ring_current(ring, KEY_SET_WORKING); // what one begins with oneself
 *      ask(set->block[KEY_PURPOSE_MAC_UP]);
 *
 * Rings, sets and blocks are good until the next key_rings_put or key_rings_load. Keys themselves are nowhere here.
 */
#ifndef CONFIG_KEY_RINGS_H
#define CONFIG_KEY_RINGS_H

#include <libpq-fe.h>

#include "config/key_owners.h"
#include "lib/db/pg_conn.h"
#include "lib/db/pg_query.h"

/* Named as in the database, as are key_owner and key_purpose. */
enum key_set_kind {
        KEY_SET_KEK,          /* wraps the others on their way to the owner */
        KEY_SET_WORKING,      /* of a terminal or link: PINs and MACs */
        KEY_SET_VERIFICATION, /* of an issuer: PVVs or offsets */
        KEY_SET_KINDS
};
enum key_set_state {
        KEY_SET_LOADED, /* its owner has not used it yet: the one before it is good too */
        KEY_SET_CURRENT,
        KEY_SET_RETIRED, /* in no ring, unless it is a link's former one (key_rings_settle) */
        KEY_SET_STATES
};
extern const char *const key_owner_name[KEY_OWNERS], *const key_set_kind_name[KEY_SET_KINDS],
                                                         *const key_purpose_name[KEY_PURPOSES],
                                                             *const key_set_state_name[KEY_SET_STATES];

enum { KEY_OWNER_MAX = 11, KEY_NUMBER_MAX = 9999, KEY_CHECK_VALUE_TEXT = 11, KEY_RINGS_ERROR_MAX = 256 };

struct key_set {
        enum key_set_kind kind;
        int number;
        enum key_set_state state;
        char *block[KEY_PURPOSES];    /* NULL: a kind of set that has none for this */
        char *handover[KEY_PURPOSES]; /* the same key under its owner's KEK; NULL: it is not on offer */
        char check_value[KEY_PURPOSES][KEY_CHECK_VALUE_TEXT]; /* digits of hexadecimal */
        int64_t until_ms; /* of a former one, as key_rings_settle counts; 0: it is good for nothing */
};

struct key_ring {
        enum key_owner owner_kind;
        char owner[KEY_OWNER_MAX + 1];
        struct key_set *sets; /* of a kind the newest first */
        size_t count;
};

struct key_rings;

struct key_rings *key_rings_new(void); /* empty; NULL: out of memory */
void key_rings_free(struct key_rings *rings);

/* A key of a set that is good, or, with KEY_SET_RETIRED, a set that is not any more; what follows it is not looked at then. */
struct key_row {
        enum key_owner owner_kind;
        const char *owner;
        enum key_set_kind kind;
        int number;
        enum key_set_state state;
        enum key_purpose purpose;
        const char *block, *check_value;
        const char *handover; /* NULL or "": none */
};
/* Copied, in the place of what is there of it. False: out of memory, or texts that are too long. */
ATM_MUST_USE bool key_rings_put(struct key_rings *rings, const struct key_row *row);

/*
 * A link has many messages on its way at a time, over several connections and instances, so what was sent under a set before the next one was used may come when that is
 * known already. So a link's set that its next one has retired by being used is found by its number for KEY_FORMER_MS more, and is in no other way there. One that
 * people have retired goes at once. To be called with the caller's steady time, above 0, after sets were read, whether anything was new or not.
 */
enum { KEY_FORMER_MS = 60000 };
void key_rings_settle(struct key_rings *rings, int64_t now_ms);

/* NULL: it never had keys. */
const struct key_ring *key_rings_find(const struct key_rings *rings, enum key_owner owner_kind,
                                      const char *owner);
/* All of them, in the order of owners; NULL: no more. */
const struct key_ring *key_rings_at(const struct key_rings *rings, size_t place);
/* NULL: it has none of this number any more, or yet. A ring of NULL has none. */
const struct key_set *key_ring_set(const struct key_ring *ring, enum key_set_kind kind, int number);
/* The one that is current, of several the newest; where none is, the first that is loaded. NULL: neither. */
const struct key_set *key_ring_current(const struct key_ring *ring, enum key_set_kind kind);
/* Of a key to verify PINs with: which of the issuer's pairs of keys it is (PVKI), the last digit of its set's number. */
char key_set_index(const struct key_set *set);
/* The newest that is good; NULL: none. */
const struct key_set *key_ring_newest(const struct key_ring *ring, enum key_set_kind kind);
/* The working set that its owner should fetch, of which it has blocks for all of a set's keys: the newest on offer, if newer than this one. NULL: none. */
const struct key_set *key_ring_offer(const struct key_ring *ring, int number);

/* Waiting for all of them. False with an error. */
ATM_MUST_USE bool key_rings_read(PGconn *connection, struct key_rings **ret_rings, char error[PG_ERROR_MAX]);

/* On the event loop: the statement is sent with its one parameter, and its end is taken. --------------------------------------- */

extern const struct pg_statement key_rings_statement;

enum { KEY_RINGS_KNOWN_MAX = 24 };
int64_t key_rings_version(const struct key_rings *rings); /* 0: nothing was read */
/* The parameter: the version that is known already. It stands in the buffer. */
struct pg_parameter key_rings_known(int64_t version, char buffer[KEY_RINGS_KNOWN_MAX]);

enum key_rings_load { KEY_RINGS_CHANGED, KEY_RINGS_UNCHANGED, KEY_RINGS_REFUSED };

/* A text-format result of the statement. KEY_RINGS_REFUSED: error[] names the row and what is wrong. What stands before that row was
 * taken, but of a restored database's nothing, and all of it comes again the next time, since the version is the former one. */
ATM_MUST_USE enum key_rings_load key_rings_load(struct key_rings *rings, const PGresult *result,
                                                char error[KEY_RINGS_ERROR_MAX]);

#endif
