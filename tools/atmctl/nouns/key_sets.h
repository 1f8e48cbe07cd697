/*
 * What commands do with sets of keys (sql/078_keys.sql): who the owners are that the options name, what they have, the key module's answers for all
 * of them, and new sets in the database.
 */
#ifndef ATMCTL_NOUNS_KEY_SETS_H
#define ATMCTL_NOUNS_KEY_SETS_H

#include "config/key_rings.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/key_module.h"

enum { KEY_SET_EACH_MAX = 3 }; /* keys of a set */

/* The purposes of a kind of set, in the database's order. */
struct key_set_form {
        enum key_set_kind kind;
        size_t each;
        enum key_purpose purpose[KEY_SET_EACH_MAX];
};
extern const struct key_set_form key_set_forms[KEY_SET_KINDS];

/* Owners as rows: owner, its key-encrypting key's block (NULL: it has none), the number of the working set that is asked for (NULL: there is none), and that
 * set's blocks. */
enum { OWNER_NAME, OWNER_KEK, OWNER_SET, OWNER_BLOCK };
/* By exactly one of --terminal, --hall, --area, --all, --link and --issuer. False: by another number of them. */
ATM_MUST_USE bool key_owners_are_named(const struct invocation *invocation, enum key_owner *ret_owner_kind);
/* set: NULL for the newest. With --rest without those who have a set that they have not used yet, and so perhaps nobody. NULL after a complaint: also of a
 * name that there is not. */
PGresult *key_owners(struct database *database, const struct invocation *invocation, const char *set);
/* The same of owners that a file names. */
PGresult *key_owners_of(struct database *database, enum key_owner owner_kind, const char *const *names,
                        size_t count);

/* A set for each of several owners, from requests to the key module to rows of the database. */
struct key_batch {
        enum key_owner owner_kind;
        const struct key_set_form *form;
        size_t count;           /* of owners */
        const char **owner;     /* in the database's or a file's memory */
        int64_t *number;        /* 0: the next one */
        struct key_task *tasks; /* form->each of each owner */
        const char **
            handover; /* the same keys under their owners' key-encrypting keys; NULL: these can't fetch them */
        bool is_part; /* of more owners, of whom others are told of */
        const char *const *custodian, *const *bag, *const *component_check; /* of components; NULL: of none */
        size_t components;
};
/* False after a complaint. */
ATM_MUST_USE bool key_batch_make(struct key_batch *batch, enum key_owner owner_kind, enum key_set_kind kind,
                                 size_t count);
void key_batch_free(struct key_batch *batch);
/* All requests; false after a complaint, which names owner and purpose of the first that is refused. */
ATM_MUST_USE bool key_batch_ask(struct key_batch *batch, const struct invocation *invocation);
/* False after a complaint. What came is said. */
ATM_MUST_USE bool key_batch_add(struct key_batch *batch, struct database *database,
                                const struct invocation *invocation);
/* That its sets go out. False after a complaint. */
ATM_MUST_USE bool key_batch_exported(const struct key_batch *batch, struct database *database);

#endif
