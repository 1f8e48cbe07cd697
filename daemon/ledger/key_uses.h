/*
 * Sets of keys that were used for the first time, until the database knows it (key_sets_used in sql/078_keys.sql).
 *
 *      key_uses_add --> waits --key_uses_send--> is on its way --key_uses_end(true)--> gone
 *                         ^------------------------key_uses_end(false)-----------'
 */
#ifndef DAEMON_LEDGER_KEY_USES_H
#define DAEMON_LEDGER_KEY_USES_H

#include "config/key_rings.h"
#include "lib/db/pg_array.h"

enum { KEY_USES_MAX = 1024, KEY_USES_PARAMETERS = 3 };

struct key_uses {
        struct key_use {
                enum key_owner owner_kind;
                char owner[KEY_OWNER_MAX + 1];
                int number;
        } uses[KEY_USES_MAX];
        size_t count, sent; /* those that are on their way stand first */
        struct pg_array array[KEY_USES_PARAMETERS];
};

extern const struct pg_statement key_uses_statement;

/* Once, however often it is said; where there is no room it is to be said again. */
void key_uses_add(struct key_uses *uses, enum key_owner owner_kind, const char *owner, int number);
bool key_uses_wait(const struct key_uses *uses);
/* All that wait, as the statement's parameters. False: none, or out of memory. */
ATM_MUST_USE bool key_uses_send(struct key_uses *uses,
                                struct pg_parameter ret_parameters[KEY_USES_PARAMETERS]);
void key_uses_end(struct key_uses *uses, bool is_known);
void key_uses_clear(struct key_uses *uses);

#endif
