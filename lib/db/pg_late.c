#include "lib/db/pg_late.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/db/pg_hosts.h"

/* A line that is dead without a sign of it keeps nobody from the server for ever. */
enum { KEPT_S = 600 };

struct pg_late {
        struct pg_late_list *list;
        PGconn *pg;
        struct event *speaks; /* or ends */
        char place[PG_PLACE_MAX];
        TAILQ_ENTRY(pg_late) entry;
};

static void late_end(struct pg_late *late)
{
        TAILQ_REMOVE(late->list, late, entry);
        if (late->speaks)
                event_free(late->speaks);
        PQfinish(late->pg);
        free(late);
}

static void on_speaks(evutil_socket_t socket, short what, void *context)
{
        (void)socket;
        (void)what;
        late_end(context);
}

void pg_late_keep(struct pg_late_list *list, struct event_base *base, PGconn *pg, const char *place)
{
        static const struct timeval kept = {.tv_sec = KEPT_S};
        ConnStatusType status = PQstatus(pg);
        struct pg_late *late = NULL;

        if (status != CONNECTION_STARTED && status != CONNECTION_BAD)
                late = calloc(1, sizeof(*late));
        if (!late) {
                PQfinish(pg);
                return;
        }
        *late = (struct pg_late){.list = list, .pg = pg};
        snprintf(late->place, sizeof(late->place), "%s", place);
        TAILQ_INSERT_TAIL(list, late, entry);
        late->speaks = event_new(base, PQsocket(pg), EV_READ, on_speaks, late);
        if (!late->speaks || event_add(late->speaks, &kept) < 0)
                late_end(late);
}

bool pg_late_is_there(const struct pg_late_list *list, const char *place)
{
        const struct pg_late *late;

        TAILQ_FOREACH(late, list, entry)
        if (!strcmp(late->place, place))
                return true;
        return false;
}

void pg_late_forget(struct pg_late_list *list)
{
        while (!TAILQ_EMPTY(list))
                late_end(TAILQ_FIRST(list));
}
