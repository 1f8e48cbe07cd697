/*
 * Security events in the log: the rows of security_events.def, all with a name that begins with security_, all warnings.
 *
 * None crowds out another. Each has its own limit, by its subject (a terminal, an address): the first is written at once; what
 * follows within SECURITY_SPAN_MS is counted, and said by one line at its end: `event=security_more of=... subject=... count=312
 * seconds=10`. Then it begins anew, so that while it goes on each span has a whole line, with its reason and address of then. Subjects
 * beyond SECURITY_SUBJECTS of one event in a span are counted together, as "others". Where a subject is a terminal, its certificate
 * was verified: nobody else can fill the table.
 */
#ifndef DAEMON_SECURITY_H
#define DAEMON_SECURITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/log.h"

enum security_event {
#define SECURITY(name, event, subject, text) SECURITY_##name,
#include "daemon/security_events.def"
#undef SECURITY
        SECURITY_COUNT
};

struct security_row {
        const char *event, *subject, *text;
};
extern const struct security_row security_rows[SECURITY_COUNT];

enum { SECURITY_SUBJECTS = 256, SECURITY_SUBJECT_MAX = 64, SECURITY_SPAN_MS = 10000 };

struct security_subject {
        char name[SECURITY_SUBJECT_MAX]; /* cut where it does not fit */
        int64_t since_ms;
        int64_t more; /* not written since then */
};

/* Of one event. */
struct security_limit {
        struct security_subject subject[SECURITY_SUBJECTS];
        size_t count;
        struct security_subject others;
};

/* Whether it is to be written; counted if not. */
bool security_limit_take(struct security_limit *limit, const char *subject, int64_t now_ms);
/* Tells what was counted in spans that are over; all: in those that are not, too. */
void security_limit_tell(struct security_limit *limit, int64_t now_ms, bool all,
                         void (*tell)(void *context, const struct security_subject *subject, int64_t ms),
                         void *context);

/* fields: what is said beside the subject. */
void security_write(enum security_event event, const char *subject, const struct log_field *fields,
                    size_t count);

#define security_event(event_, subject_, ...)                                                                \
        do {                                                                                                 \
                const struct log_field security_fields_[] = {__VA_ARGS__};                                   \
                security_write(event_, subject_, security_fields_,                                           \
                               sizeof(security_fields_) / sizeof(security_fields_[0]));                      \
        } while (0)

/* Every second or so, and before the end (all). */
void security_tick(bool all);

#endif
