/* The log: lines to standard error with their time, or entries in systemd's journal with their fields. */
#include "lib/base/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

static const struct {
        const char *name;
        int priority;
} levels[LEVEL_COUNT] = {
    [LEVEL_DEBUG] = {"debug", LOG_DEBUG},
    [LEVEL_INFO] = {"info", LOG_INFO},
    [LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LEVEL_ERROR] = {"error", LOG_ERR},
};

static enum log_level lowest = LEVEL_INFO;
static bool to_journal;
static char instance_name[32];
static struct log_site *droppers; /* places that have dropped lines at some time */

void log_open(const char *target, const char *level, const char *instance)
{
        to_journal = strcmp(target, "journal") == 0;
        for (size_t i = 0; i < LEVEL_COUNT; i++)
                if (strcmp(levels[i].name, level) == 0)
                        lowest = (enum log_level)i;
        snprintf(instance_name, sizeof(instance_name), "%s", instance ? instance : "");
}

bool log_wants(enum log_level level)
{
        return level >= lowest;
}

/* A line under construction; what does not fit is left out whole characters at a time. */
struct line {
        char *at;
        size_t room; /* without the closing NUL */
        bool cut;
};

static void line_put(struct line *line, const char *text, size_t length)
{
        if (line->cut || length > line->room) {
                line->cut = true;
                return;
        }
        memcpy(line->at, text, length);
        line->at += length;
        line->room -= length;
}

static bool is_plain(const char *text)
{
        if (!*text)
                return false;
        for (; *text; text++)
                if (!isgraph((unsigned char)*text) || (unsigned char)*text >= 0x7f || strchr("\"\\=", *text))
                        return false;
        return true;
}

static void line_put_value(struct line *line, const char *text)
{
        if (is_plain(text)) {
                line_put(line, text, strlen(text));
                return;
        }
        line_put(line, "\"", 1);
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;
                char escaped[5];
                if (c == '"' || c == '\\')
                        snprintf(escaped, sizeof(escaped), "\\%c", c);
                else if (c < 0x20 || c >= 0x7f)
                        snprintf(escaped, sizeof(escaped), "\\x%02x", c);
                else
                        snprintf(escaped, sizeof(escaped), "%c", c);
                line_put(line, escaped, strlen(escaped));
        }
        line_put(line, "\"", 1);
}

static void line_put_field(struct line *line, const struct log_field *field)
{
        line_put(line, " ", 1);
        line_put(line, field->key, strlen(field->key));
        line_put(line, "=", 1);
        if (field->text) {
                line_put_value(line, field->text);
                return;
        }
        char digits[24];
        int length = snprintf(digits, sizeof(digits), "%" PRId64, field->number);
        line_put(line, digits, (size_t)length);
}

void log_format(char *buffer, size_t size, const char *event, const struct log_field *fields, size_t count)
{
        static const char ellipsis[] = "...";
        struct line line = {.at = buffer, .room = size - sizeof(ellipsis)};
        line_put(&line, "event=", 6);
        line_put(&line, event, strlen(event));
        for (size_t i = 0; i < count; i++)
                line_put_field(&line, &fields[i]);
        if (line.cut) {
                memcpy(line.at, ellipsis, sizeof(ellipsis) - 1);
                line.at += sizeof(ellipsis) - 1;
        }
        *line.at = '\0';
}

static void write_stderr(enum log_level level, const char *text)
{
        struct timespec now;
        struct tm utc;
        char line[LOG_LINE_MAX + 128];
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        char stamp[32];
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
        int length =
            snprintf(line, sizeof(line), "time=%s.%03ldZ level=%s%s%s %s\n", stamp, now.tv_nsec / 1000000,
                     levels[level].name, *instance_name ? " instance=" : "", instance_name, text);
        if (length > (int)sizeof(line) - 1)
                length = (int)sizeof(line) - 1;
        /* A log that can't be written is no reason to stop serving. */
        if (write(STDERR_FILENO, line, (size_t)length) < 0)
                return;
}

static void write_journal(enum log_level level, const char *event, const char *text)
{
        char message[LOG_LINE_MAX + 16], priority[16], name[64], instance[64];
        snprintf(message, sizeof(message), "MESSAGE=%s", text);
        snprintf(priority, sizeof(priority), "PRIORITY=%d", levels[level].priority);
        snprintf(name, sizeof(name), "ATMD_EVENT=%s", event);
        snprintf(instance, sizeof(instance), "ATMD_INSTANCE=%s", instance_name);
        struct iovec fields[] = {
            {message, strlen(message)},
            {priority, strlen(priority)},
            {name, strlen(name)},
            {instance, strlen(instance)},
        };
        sd_journal_sendv(fields, *instance_name ? 4 : 3);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
        char text[LOG_LINE_MAX];
        if (!log_wants(level))
                return;
        log_format(text, sizeof(text), event, fields, count);
        if (to_journal)
                write_journal(level, event, text);
        else
                write_stderr(level, text);
}

static int64_t this_second(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return now.tv_sec;
}

static void tell_dropped(struct log_site *site)
{
        int64_t dropped = site->dropped;
        site->dropped = 0;
        if (dropped > 0)
                log_event(LEVEL_WARNING, "log_dropped", LOG_TEXT("of", site->event),
                          LOG_NUMBER("lines", dropped));
}

void log_tell_dropped(bool all)
{
        int64_t second = this_second();
        for (struct log_site *site = droppers; site; site = site->next)
                if (all || site->second != second)
                        tell_dropped(site);
}

static void drop(struct log_site *site, const char *event)
{
        site->dropped++;
        site->event = event;
        if (site->listed)
                return;
        site->listed = true;
        site->next = droppers;
        droppers = site;
}

bool log_allow(struct log_site *site, const char *event)
{
        int64_t second = this_second();
        if (site->second != second) {
                tell_dropped(site);
                site->second = second;
                site->lines = 0;
        }
        if (site->minute != second / 60) {
                site->minute = second / 60;
                site->lines_of_minute = 0;
        }
        if (site->lines >= LOG_LINES_PER_SECOND || site->lines_of_minute >= LOG_LINES_PER_MINUTE) {
                drop(site, event);
                return false;
        }
        site->lines++;
        site->lines_of_minute++;
        return true;
}
