/* How new a server is: see pg_epoch.h. */
#include "lib/db/pg_epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/number.h"
#include "lib/db/pg_query.h"

enum { PATH_LENGTH = 4096 };

const char pg_epoch_sql[] = "SELECT r_lineage, r_epoch, r_timeline FROM public.epoch_now()";

static bool is_lineage(const char *text)
{
        return strlen(text) == PG_LINEAGE_MAX - 1 && strspn(text, "0123456789abcdef-") == PG_LINEAGE_MAX - 1;
}

/* Three words, as the database says them and a file has them. */
static bool epoch_parse(const char *lineage, const char *epoch, const char *timeline,
                        struct pg_epoch *ret_epoch)
{
        struct pg_epoch read;

        if (!lineage || !epoch || !timeline || !is_lineage(lineage) ||
            !number_parse(epoch, 1, INT64_MAX, &read.epoch) ||
            !number_parse(timeline, 0, UINT32_MAX, &read.timeline))
                return false;
        memcpy(read.lineage, lineage, PG_LINEAGE_MAX);
        *ret_epoch = read;
        return true;
}

bool pg_epoch_take(const PGresult *result, struct pg_epoch *ret_epoch)
{
        return PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
               PQnfields(result) == 3 &&
               epoch_parse(pg_text(result, 0, 0), pg_text(result, 0, 1), pg_text(result, 0, 2), ret_epoch);
}

enum pg_epoch_order pg_epoch_compare(const struct pg_epoch *epoch, const struct pg_epoch *other)
{
        if (other->epoch == 0)
                return epoch->epoch ? PG_EPOCH_NEWER : PG_EPOCH_SAME;
        if (epoch->epoch == 0)
                return PG_EPOCH_OLDER;
        if (strcmp(epoch->lineage, other->lineage) != 0)
                return PG_EPOCH_STRANGE;
        if (epoch->epoch != other->epoch)
                return epoch->epoch > other->epoch ? PG_EPOCH_NEWER : PG_EPOCH_OLDER;
        if (epoch->timeline != other->timeline)
                return epoch->timeline > other->timeline ? PG_EPOCH_NEWER : PG_EPOCH_OLDER;
        return PG_EPOCH_SAME;
}

void pg_epoch_print(const struct pg_epoch *epoch, char text[PG_EPOCH_TEXT])
{
        snprintf(text, PG_EPOCH_TEXT, "epoch %" PRId64 " on timeline %" PRId64, epoch->epoch,
                 epoch->timeline);
}

/* --- files ---------------------------------------------------------------------------------------- */

static bool fail(char error[PG_EPOCH_ERROR_MAX], const char *path, const char *why)
{
        snprintf(error, PG_EPOCH_ERROR_MAX, "%.300s: %s", path, why);
        return false;
}

bool pg_epoch_read(const char *path, struct pg_epoch *ret_epoch, char error[PG_EPOCH_ERROR_MAX])
{
        char line[PG_EPOCH_TEXT] = "", *rest = line;
        const char *why;
        FILE *file;

        if (access(path, F_OK) < 0 && errno == ENOENT) {
                *ret_epoch = (struct pg_epoch){0};
                return true;
        }
        file = file_open_stream(path, &why);
        if (!file)
                return fail(error, path, why);
        if (fgets(line, sizeof(line), file))
                line[strcspn(line, "\n")] = '\0';
        fclose(file);
        char *lineage = strsep(&rest, " "), *epoch = strsep(&rest, " "), *timeline = strsep(&rest, " ");
        if (!rest && epoch_parse(lineage, epoch, timeline, ret_epoch))
                return true;
        return fail(error, path,
                    "not an epoch: expected a line of database, epoch and timeline; without the file an old "
                    "primary may be taken for the present one");
}

/* All of it is on the disk before it has the name, and then the name is. */
static bool replace(const char *path, const struct pg_epoch *epoch, int folder,
                    char error[PG_EPOCH_ERROR_MAX])
{
        char temporary[PATH_LENGTH];
        int fd = -1, length;

        snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return fail(error, path, strerror(errno));
        length = dprintf(fd, "%s %" PRId64 " %" PRId64 "\n", epoch->lineage, epoch->epoch, epoch->timeline);
        if (length > 0 && fsync(fd) == 0 && rename(temporary, path) == 0 && fsync(folder) == 0) {
                close(fd);
                return true;
        }
        fail(error, path, strerror(errno));
        unlink(temporary);
        close(fd);
        return false;
}

bool pg_epoch_keep(const char *path, const struct pg_epoch *epoch, char error[PG_EPOCH_ERROR_MAX])
{
        char parent[PATH_LENGTH];
        struct pg_epoch kept;
        bool good = false;
        int folder, length = snprintf(parent, sizeof(parent), "%s", path);

        if (length >= PATH_LENGTH - 16)
                return fail(error, path, "the path is too long");
        char *slash = strrchr(parent, '/');
        if (!slash)
                strcpy(parent, ".");
        else
                slash[slash == parent] = '\0';
        folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0 || flock(folder, LOCK_EX) < 0) {
                fail(error, parent, strerror(errno));
        } else if (pg_epoch_read(path, &kept, error)) {
                switch (pg_epoch_compare(epoch, &kept)) {
                case PG_EPOCH_NEWER:
                        good = replace(path, epoch, folder, error);
                        break;
                case PG_EPOCH_SAME:
                case PG_EPOCH_OLDER:
                        good = true;
                        break;
                case PG_EPOCH_STRANGE:
                        good = fail(error, path, "holds the epoch of another database");
                        break;
                }
        }
        if (folder >= 0)
                close(folder);
        return good;
}
