/*
 * How new a server is among those that were, or are, the primary of one database. A failover leaves an old primary behind, which knows
 * nothing of it when it returns: so the database has an epoch, which each promotion raises, and the server a timeline, which it raises
 * itself. Epochs come first: a timeline begins anew with a server that is made from a dump or by pg_upgrade.
 *
 * What somebody has seen he keeps in a file, so that he refuses an old primary when he is started anew and meets nobody else.
 */
#ifndef LIB_DB_PG_EPOCH_H
#define LIB_DB_PG_EPOCH_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { PG_LINEAGE_MAX = 37, PG_EPOCH_TEXT = 80, PG_EPOCH_ERROR_MAX = 512 };

struct pg_epoch {
        char lineage[PG_LINEAGE_MAX]; /* of which database: a UUID */
        int64_t epoch;                /* 0: none is known, and the rest means nothing */
        int64_t timeline;             /* 0: the server does not say, or is a standby */
};

enum pg_epoch_order {
        PG_EPOCH_OLDER,
        PG_EPOCH_SAME,
        PG_EPOCH_NEWER,
        PG_EPOCH_STRANGE /* another database's */
};

/* The question to a server, without parameters, and what its answer says; false: it is none. */
extern const char pg_epoch_sql[];
ATM_MUST_USE bool pg_epoch_take(const PGresult *result, struct pg_epoch *ret_epoch);

/* What the first is beside the second; beside none it is newer. */
enum pg_epoch_order pg_epoch_compare(const struct pg_epoch *epoch, const struct pg_epoch *other);
/* "epoch 3 on timeline 2" */
void pg_epoch_print(const struct pg_epoch *epoch, char text[PG_EPOCH_TEXT]);

/* No file: epoch 0. False with an error where there is one that can't be read. */
ATM_MUST_USE bool pg_epoch_read(const char *path, struct pg_epoch *ret_epoch, char error[PG_EPOCH_ERROR_MAX]);
/* Durable, whole or not at all, and never back: what is there already stays where it is newer, or another database's, which is an error.
 * Several processes may share a file. */
ATM_MUST_USE bool pg_epoch_keep(const char *path, const struct pg_epoch *epoch,
                                char error[PG_EPOCH_ERROR_MAX]);

#endif
