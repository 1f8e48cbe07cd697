/* What this instance has seen of epochs: see epoch.h. */
#include "daemon/epoch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

/* Said once it is kept: who reads of a new epoch in the log may rely on the file. */
static void on_newer(void *context, const struct pg_epoch *seen)
{
        struct epoch *epoch = context;
        char error[PG_EPOCH_ERROR_MAX];
        bool kept;

        epoch->seen = *seen;
        epoch->is_kept = false;
        kept = epoch_keep(epoch, error);
        log_event(LEVEL_INFO, "epoch", LOG_TEXT("database", seen->lineage), LOG_NUMBER("epoch", seen->epoch),
                  LOG_NUMBER("timeline", seen->timeline), LOG_TEXT("file", epoch->path));
        if (!kept)
                log_event(LEVEL_ERROR, "epoch_not_kept", LOG_TEXT("reason", error),
                          LOG_TEXT("help", "it is tried again once a minute; until it is kept, an instance "
                                           "that is restarted may take an old primary"));
}

static void on_refused(void *context, const char *place, const struct pg_epoch *its,
                       const struct pg_epoch *seen)
{
        bool is_strange = pg_epoch_compare(its, seen) == PG_EPOCH_STRANGE;

        (void)context;
        log_event(
            LEVEL_ERROR, "old_primary", LOG_TEXT("server", place), LOG_NUMBER("epoch", its->epoch),
            LOG_NUMBER("timeline", its->timeline), LOG_NUMBER("seen_epoch", seen->epoch),
            LOG_NUMBER("seen_timeline", seen->timeline),
            LOG_TEXT("help",
                     is_strange
                         ? "another database: if it is meant to serve, stop all instances and remove their "
                           "epoch_file"
                         : "stop it and make it a standby of the new primary; if it is meant to serve, fence "
                           "all others and run 'atmctl epoch raise --above' with seen_epoch on it"));
}

static void path_of(const struct settings *settings, char path[SETTINGS_TEXT_MAX])
{
        const char *folders =
            getenv("STATE_DIRECTORY"); /* systemd's: one, or several with colons between them */

        if (*settings->epoch_file)
                snprintf(path, SETTINGS_TEXT_MAX, "%s", settings->epoch_file);
        else if (folders && *folders == '/')
                snprintf(path, SETTINGS_TEXT_MAX, "%.*s/epoch", (int)strcspn(folders, ":"), folders);
        else
                path[0] = '\0';
}

bool epoch_begin(struct epoch *epoch, struct pg_hosts *hosts, const struct settings *settings,
                 char error[PG_EPOCH_ERROR_MAX])
{
        struct pg_hosts_events events = {on_newer, on_refused, epoch};

        *epoch = (struct epoch){.is_kept = true};
        path_of(settings, epoch->path);
        if (*epoch->path && !pg_epoch_read(epoch->path, &epoch->seen, error))
                return false;
        pg_hosts_watch(hosts, &epoch->seen, &events);
        return true;
}

bool epoch_keep(struct epoch *epoch, char error[PG_EPOCH_ERROR_MAX])
{
        if (!epoch->is_kept)
                epoch->is_kept = !*epoch->path || pg_epoch_keep(epoch->path, &epoch->seen, error);
        return epoch->is_kept;
}
