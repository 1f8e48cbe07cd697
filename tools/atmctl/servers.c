/* Which server a command is to use: see servers.h. */
#include "tools/atmctl/servers.h"

#include "lib/db/pg_hosts.h"
#include "lib/db/pg_survey.h"
#include "tools/atmctl/command.h"

static void on_newer(void *context, const struct pg_epoch *seen)
{
        (void)context;
        (void)seen;
}

static void on_refused(void *context, const char *place, const struct pg_epoch *its,
                       const struct pg_epoch *seen)
{
        char old[PG_EPOCH_TEXT], newest[PG_EPOCH_TEXT];

        *(bool *)context = true;
        pg_epoch_print(its, old);
        pg_epoch_print(seen, newest);
        if (pg_epoch_compare(its, seen) == PG_EPOCH_STRANGE)
                note("%s: another database than the others have", place);
        else
                note("%s: an old primary, %s, while another server is at %s: stop it, and make it a standby "
                     "of that one",
                     place, old, newest);
}

bool servers_choose(const char *conninfo, PGconn **ret_chosen)
{
        static const struct pg_epoch none;
        bool is_refused = false;
        struct pg_hosts_events events = {on_newer, on_refused, &is_refused};
        struct pg_hosts *hosts = pg_hosts_new(NULL, NULL, conninfo ? conninfo : "");
        char error[PG_ERROR_MAX];

        *ret_chosen = NULL;
        if (hosts && pg_hosts_want_primary(hosts) &&
            (pg_hosts_count(hosts) > 1 || pg_hosts_addresses(hosts, 0) > 1)) {
                pg_hosts_watch(hosts, &none, &events);
                *ret_chosen = pg_survey_connect(hosts, error);
        }
        pg_hosts_free(hosts);
        if (*ret_chosen || !is_refused)
                return true;
        complain("no server to use: %s", error);
        return false;
}
