/* Security events: see security.h. The log is the process's, so are the limits. */
#include "daemon/security.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/now.h"

enum { FIELDS_MAX = 8 };

const struct security_row security_rows[SECURITY_COUNT] = {
#define SECURITY(name, event, subject, text) [SECURITY_##name] = {event, subject, text},
#include "daemon/security_events.def"
#undef SECURITY
};

static struct security_limit limits[SECURITY_COUNT];

static struct security_subject *find(struct security_limit *limit, const char *subject)
{
        for (size_t i = 0; i < limit->count; i++)
                if (strncmp(limit->subject[i].name, subject, SECURITY_SUBJECT_MAX - 1) == 0)
                        return &limit->subject[i];
        return NULL;
}

bool security_limit_take(struct security_limit *limit, const char *subject, int64_t now_ms)
{
        struct security_subject *known = find(limit, subject);
        if (!known && limit->count < SECURITY_SUBJECTS) {
                known = &limit->subject[limit->count++];
                *known = (struct security_subject){.since_ms = now_ms};
                snprintf(known->name, sizeof(known->name), "%s", subject);
                return true;
        }
        if (!known) {
                known = &limit->others;
                if (known->more == 0)
                        known->since_ms = now_ms;
        }
        known->more++;
        return false;
}

void security_limit_tell(struct security_limit *limit, int64_t now_ms, bool all,
                         void (*tell)(void *context, const struct security_subject *subject, int64_t ms),
                         void *context)
{
        for (size_t i = 0; i < limit->count;) {
                struct security_subject *subject = &limit->subject[i];
                int64_t ms = now_ms - subject->since_ms;
                if (ms < SECURITY_SPAN_MS && !all) {
                        i++;
                        continue;
                }
                if (subject->more > 0)
                        tell(context, subject, ms);
                *subject = limit->subject[--limit->count];
        }
        if (limit->others.more == 0 || (now_ms - limit->others.since_ms < SECURITY_SPAN_MS && !all))
                return;
        snprintf(limit->others.name, sizeof(limit->others.name), "others");
        tell(context, &limit->others, now_ms - limit->others.since_ms);
        limit->others.more = 0;
}

void security_write(enum security_event event, const char *subject, const struct log_field *fields,
                    size_t count)
{
        struct log_field line[1 + FIELDS_MAX] = {LOG_TEXT(security_rows[event].subject, subject)};
        if (!security_limit_take(&limits[event], subject, steady_now_ms()) || !log_wants(LEVEL_WARNING))
                return;
        if (count > FIELDS_MAX)
                count = FIELDS_MAX;
        memcpy(line + 1, fields, count * sizeof(*fields));
        log_write(LEVEL_WARNING, security_rows[event].event, line, 1 + count);
}

static void tell_more(void *context, const struct security_subject *subject, int64_t ms)
{
        const struct security_row *row = context;
        log_event(LEVEL_WARNING, "security_more", LOG_TEXT("of", row->event),
                  LOG_TEXT("subject", subject->name), LOG_NUMBER("count", subject->more),
                  LOG_NUMBER("seconds", (ms + 999) / 1000));
}

void security_tick(bool all)
{
        int64_t now_ms = steady_now_ms();
        for (int i = 0; i < SECURITY_COUNT; i++)
                security_limit_tell(&limits[i], now_ms, all, tell_more, (void *)(uintptr_t)&security_rows[i]);
}
