/* One record after the other; see the states in recovery.h. */
#include "tools/atmsim/recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_of(const struct journal_record *request, int32_t stan, int64_t transmitted_ms)
{
        return request->terminal[0] && request->stan == stan && request->transmitted_ms == transmitted_ms;
}

static bool apply_answer(struct recovery *recovery, const struct journal_record *record)
{
        if (!recovery->open || !is_of(&recovery->request, record->stan, record->transmitted_ms))
                return false;
        if (strcmp(record->de39, "00")) {
                recovery->open = false;
                return true;
        }
        recovery->answered = true;
        recovery->answer = *record;
        return true;
}

static bool apply_advice(struct recovery *recovery, const struct journal_record *record)
{
        if (!is_of(&recovery->request, record->original_stan, record->original_ms))
                return false;
        recovery->open = true;
        recovery->advised = true;
        recovery->advice = *record;
        return true;
}

static bool apply_acknowledged(struct recovery *recovery, const struct journal_record *record)
{
        if (!recovery->advised || recovery->advice.stan != record->stan ||
            recovery->advice.transmitted_ms != record->transmitted_ms)
                return false;
        recovery->open = false;
        return true;
}

bool recovery_apply(struct recovery *recovery, const struct journal_record *record)
{
        switch (record->kind) {
        case JOURNAL_REQUEST:
                if (recovery->open)
                        return false;
                *recovery = (struct recovery){.last_stan = record->stan, .open = true, .request = *record};
                return true;
        case JOURNAL_INQUIRY:
                recovery->last_stan = record->stan;
                return true;
        case JOURNAL_ANSWER:
                return apply_answer(recovery, record);
        case JOURNAL_ADVICE:
                recovery->last_stan = record->stan;
                return apply_advice(recovery, record);
        case JOURNAL_ACKNOWLEDGED:
                return apply_acknowledged(recovery, record);
        }
        return false;
}

/* one ATM's ---------------------------------------------------------------------------------------- */

struct reading {
        struct recovery *recovery;
        bool damaged;
};

static void on_record(const struct journal_record *record, void *context)
{
        struct reading *reading = context;

        reading->damaged |= !recovery_apply(reading->recovery, record);
}

static void on_damage(const char *path, uint64_t line, const char *why, void *context)
{
        (void)path, (void)line, (void)why;
        ((struct reading *)context)->damaged = true;
}

bool recovery_read(const char *path, int64_t offset, const char *terminal, struct recovery *ret_recovery,
                   char error[JOURNAL_ERROR_MAX])
{
        struct reading reading = {.recovery = ret_recovery};
        struct journal_reader reader = {
            .on_record = on_record, .on_damage = on_damage, .context = &reading, .only_terminal = terminal};

        *ret_recovery = (struct recovery){0};
        if (!journal_read(path, offset, &reader, error))
                return false;
        if (reading.damaged)
                snprintf(error, JOURNAL_ERROR_MAX, "its records there make no sense");
        return !reading.damaged;
}

/* all of them -------------------------------------------------------------------------------------- */

/* NULL: out of memory. */
static struct recovery *make_place(struct recoveries *recoveries, const char *terminal)
{
        int64_t at = terminals_add(&recoveries->terminals, terminal, "");

        if (at >= (int64_t)recoveries->room) {
                size_t room = recoveries->room ? recoveries->room * 2 : 1024;
                struct recovery *grown = realloc(recoveries->recovery, room * sizeof(*grown));

                if (!grown)
                        return NULL;
                memset(grown + recoveries->room, 0, (room - recoveries->room) * sizeof(*grown));
                recoveries->recovery = grown;
                recoveries->room = room;
        }
        return at < 0 ? NULL : &recoveries->recovery[at];
}

static void on_old_record(const struct journal_record *record, void *context)
{
        struct recoveries *recoveries = context;
        struct recovery *recovery;

        if (*recoveries->error)
                return;
        recovery = make_place(recoveries, record->terminal);
        if (!recovery)
                snprintf(recoveries->error, JOURNAL_ERROR_MAX, "journal: out of memory");
        else if (!recovery_apply(recovery, record))
                snprintf(recoveries->error, JOURNAL_ERROR_MAX,
                         "journal: the record '%c' of %s STAN %06" PRId32 " can't follow the one before it",
                         (char)record->kind, record->terminal, record->stan);
}

static void on_old_damage(const char *path, uint64_t line, const char *why, void *context)
{
        struct recoveries *recoveries = context;

        if (!*recoveries->error)
                snprintf(recoveries->error, JOURNAL_ERROR_MAX,
                         "%.300s:%" PRIu64 ": %s; this journal can't be continued", path, line, why);
}

bool recoveries_read(struct recoveries *ret_recoveries, const char *folder, char error[JOURNAL_ERROR_MAX])
{
        struct journal_reader reader = {
            .on_record = on_old_record, .on_damage = on_old_damage, .context = ret_recoveries};
        int last = journal_last(folder);

        *ret_recoveries = (struct recoveries){.error = error};
        *error = '\0';
        if (last < 0) {
                snprintf(error, JOURNAL_ERROR_MAX, "journal folder %.300s: %s", folder, strerror(errno));
                return false;
        }
        for (int number = 1; number <= last && !*error; number++) {
                char path[JOURNAL_PATH_MAX], why[JOURNAL_ERROR_MAX];

                journal_path(folder, number, path);
                if (!journal_read(path, 0, &reader, why))
                        memcpy(error, why, sizeof(why));
        }
        return !*error;
}

const struct recovery *recoveries_of(const struct recoveries *recoveries, const char *terminal)
{
        static const struct recovery nothing = {0};
        int64_t at = terminals_find(&recoveries->terminals, terminal);

        return at < 0 ? &nothing : &recoveries->recovery[at];
}

void recoveries_free(struct recoveries *recoveries)
{
        terminals_free(&recoveries->terminals);
        free(recoveries->recovery);
}
