/* Sessions that are in others' way in the database (sql's lock_holders): named to people, so that somebody can end them. */
#ifndef CONFIG_LOCK_HOLDER_H
#define CONFIG_LOCK_HOLDER_H

#include <libpq-fe.h>
#include <stdint.h>

/* Its parameter says from which lock on a session counts that nobody waits for yet, if it is idle in its transaction or five seconds old. */
extern const char lock_holders_sql[];
#define LOCK_HOLDERS_OF_READERS "6" /* keeps readers, or all writers, out of a table */
#define LOCK_HOLDERS_OF_CHANGES "2" /* has changed, or may change, rows of one */

struct lock_holder {
        int64_t pid;
        const char *user, *application, *state,
            *since;               /* since: of its transaction, "2016-12-28T10:00:00+09:00" */
        const char *table, *mode; /* the strongest lock of it; "" where it holds none on a table */
        int64_t waiting;          /* sessions */
};

/* One that was ended (sql's ledger_unblock). */
struct ended_session {
        int64_t pid;
        const char *user, *application, *state;
        int64_t seconds; /* in its transaction */
};

/* A row of the result, with its texts in it. */
struct lock_holder lock_holder_read(const PGresult *result, int row);

#endif
