/*
 * Attempts to connect whose time is over although the server has accepted them: each is kept, and the same place not tried again, until it
 * says something, or its line ends. A server that something holds up (a lock on its catalogue, say) does not notice that nobody waits any
 * more: it would have another session for each attempt, until it takes no more.
 */
#ifndef LIB_DB_PG_LATE_H
#define LIB_DB_PG_LATE_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/queue.h>

struct pg_late;
TAILQ_HEAD(pg_late_list, pg_late);

/* Takes the attempt over; where nobody has accepted it, it ends. place: pg_seeker_place's. */
void pg_late_keep(struct pg_late_list *list, struct event_base *base, PGconn *pg, const char *place);
bool pg_late_is_there(const struct pg_late_list *list, const char *place);
/* Ends all. */
void pg_late_forget(struct pg_late_list *list);

#endif
