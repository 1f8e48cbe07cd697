/*
 * All servers of a conninfo, asked at once what they are, blocking: for a start, and for people. Nobody who is silent makes the others wait
 * for longer than one attempt takes.
 */
#ifndef LIB_DB_PG_SURVEY_H
#define LIB_DB_PG_SURVEY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"
#include "lib/db/pg_epoch.h"
#include "lib/db/pg_hosts.h"
#include "lib/db/pg_query.h"

enum pg_server_state { PG_SERVER_UNREACHABLE, PG_SERVER_STANDBY, PG_SERVER_PRIMARY };

/* One address of one host. */
struct pg_server {
        size_t host, address;
        char place[PG_PLACE_MAX];
        enum pg_server_state state;
        struct pg_epoch epoch;          /* epoch 0: the server does not know its own */
        char error[PG_EPOCH_ERROR_MAX]; /* why it can't be used, its place in it; "": it can */
        PGconn *pg;                     /* while the survey lasts; whoever takes it leaves NULL */
};

struct pg_survey {
        struct pg_server *server;
        size_t count;
};

/* False: out of memory. */
ATM_MUST_USE bool pg_survey_make(struct pg_hosts *hosts, struct pg_survey *ret_survey);
void pg_survey_free(struct pg_survey *survey);

/* Connected to the primary of the newest epoch, where whoever seeks begins too. NULL with an error that says what became of each server. */
ATM_MUST_USE PGconn *pg_survey_connect(struct pg_hosts *hosts, char error[PG_ERROR_MAX]);

#endif
