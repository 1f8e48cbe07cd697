/*
 * The log: one line an event, `event=... key=value ...`, to grep and to count.
 *
 * Values are quoted and escaped, so that nothing a peer sends can forge a line. Whoever logs passes no card
 * number: masks and tokens only. Lines that a peer can cause go through log_limited, which drops what
 * exceeds LOG_LINES_PER_SECOND or LOG_LINES_PER_MINUTE from that place and says how many it dropped.
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum {
        /* From one place in the code that a peer can make us reach. */
        LOG_LINES_PER_SECOND = 50,
        LOG_LINES_PER_MINUTE = 600, /* a flood that lasts fills no disk */
        LOG_LINE_MAX = 2048,
};

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR, LEVEL_COUNT };

struct log_field {
        const char *key;
        const char *text; /* NULL: the number counts */
        int64_t number;
};

#define LOG_TEXT(key_, value_)   ((struct log_field){.key = (key_), .text = (value_)})
#define LOG_NUMBER(key_, value_) ((struct log_field){.key = (key_), .number = (value_)})

/* target: "stderr" or "journal"; level: "debug", "info", "warning", "error". Both were checked when the
 * configuration was read. instance: NULL or a name that each line carries. */
void log_open(const char *target, const char *level, const char *instance);
bool log_wants(enum log_level level);

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

#define log_event(level_, event_, ...)                                                                       \
        do {                                                                                                 \
                if (log_wants(level_)) {                                                                     \
                        const struct log_field log_fields_[] = {__VA_ARGS__};                                \
                        log_write(level_, event_, log_fields_,                                               \
                                  sizeof(log_fields_) / sizeof(log_fields_[0]));                             \
                }                                                                                            \
        } while (0)

struct log_site {
        int64_t second, minute;
        int64_t lines, lines_of_minute, dropped;
        const char *event;
        struct log_site *next; /* of those that have dropped some */
        bool listed;
};

bool log_allow(struct log_site *site, const char *event);

/* site: of whoever has several limits in one place. It must last. */
#define log_limited_at(site_, level_, event_, ...)                                                           \
        do {                                                                                                 \
                if (log_wants(level_) && log_allow(site_, event_))                                           \
                        log_event(level_, event_, __VA_ARGS__);                                              \
        } while (0)

#define log_limited(level_, event_, ...)                                                                     \
        do {                                                                                                 \
                static struct log_site log_site_;                                                            \
                log_limited_at(&log_site_, level_, event_, __VA_ARGS__);                                     \
        } while (0)

/* Says how many lines were left out in seconds that are over, though nothing more came from their place; all: in this one,
 * too. Every second or so, and before the end. */
void log_tell_dropped(bool all);

/* One line without its end, cut where it does not fit. For log_write and its test. */
void log_format(char *buffer, size_t size, const char *event, const struct log_field *fields, size_t count);

#endif
