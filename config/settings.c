/*
 * The configuration file: rows of keys, and the way from text to struct settings.
 *
 * The file's text is filed under its rows (lib/base/ini_file.h). Only when all of it is there is it turned into
 * values, row by row, then checked across rows.
 *
 * Invariants: the error reported is the first one of the file, and what is missing comes after all of them.
 * The caller's struct is written once, at the end, and only when everything holds. A value of
 * SETTING_CONNINFO never gets into an error, and neither does a line that could not be understood.
 */
#include "config/settings.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "config/limits.h"
#include "lib/base/ini_file.h"
#include "lib/base/number.h"
#include "rules/calendar.h"

/* The clock multiplies a real span by the speed: the year 2100 and this speed stay far inside int64_t. */
#define MOMENT_MAX_MS INT64_C(4102444800000)
#define SPEED_MAX     1000000

#define AT(member) offsetof(struct settings, member)

/* Columns: section, key, type, default, least, most, choices, where it is kept, when a change is taken over, text. */
#define RELOAD  SETTING_RELOAD
#define RESTART SETTING_RESTART

const struct settings_row settings_rows[] = {
    {"atmd", "listen_host", SETTING_HOST, "127.0.0.1", 0, 0, NULL, AT(listen_host), RESTART,
     "address to listen on for ATMs"},
    {"atmd", "listen_port", SETTING_NUMBER, "7583", 1, 65535, NULL, AT(listen_port), RESTART,
     "TCP port to listen on"},
    {"atmd", "log_target", SETTING_CHOICE, "stderr", 0, 0, "stderr|journal", AT(log_target), RELOAD,
     "where log lines go"},
    {"atmd", "log_level", SETTING_CHOICE, "info", 0, 0, "debug|info|warning|error", AT(log_level), RELOAD,
     "least weight of a line that is logged"},

    {"tls", "certificate", SETTING_PATH, NULL, 0, 0, NULL, AT(tls_certificate), RELOAD,
     "atmd's certificate, its intermediates after it, PEM"},
    {"tls", "key", SETTING_PATH, NULL, 0, 0, NULL, AT(tls_key), RELOAD,
     "the certificate's private key, PEM, unencrypted, mode 0600 (0640 where it is root's)"},
    {"tls", "ca", SETTING_PATH, NULL, 0, 0, NULL, AT(tls_ca), RELOAD,
     "the authorities that ATMs' certificates must come from, PEM"},
    {"tls", "crl", SETTING_PATH, "", 0, 0, NULL, AT(tls_crl), RELOAD,
     "certificates that those authorities have revoked, PEM; taken over whenever the file changes"},
    {"tls", "minimum", SETTING_CHOICE, "1.3", 0, 0, "1.3|1.2", AT(tls_minimum), RELOAD,
     "oldest version of TLS that is accepted"},

    {"database", "conninfo", SETTING_CONNINFO, NULL, 0, 0, NULL, AT(conninfo), RESTART,
     "how to reach PostgreSQL, as libpq takes it: keywords and values, or a URI"},
    {"database", "connections", SETTING_NUMBER, "2", 1, 8, NULL, AT(database_connections), RESTART,
     "database connections that carry batches"},
    {"database", "batch_max", SETTING_NUMBER, "256", 1, 1024, NULL, AT(batch_max), RESTART,
     "operations in one batch, one commit, at most"},
    {"database", "queue_max", SETTING_NUMBER, "4096", 1, 1000000, NULL, AT(queue_max), RESTART,
     "operations that may wait for a batch; beyond it atmd stops reading from ATMs"},
    {"database", "reference_poll_ms", SETTING_NUMBER, "1000", 50, 60000, NULL, AT(reference_poll_ms), RESTART,
     "pause between looks for changed reference data, in milliseconds"},
    {"database", "synchronous", SETTING_BOOL, "no", 0, 0, NULL, AT(synchronous), RESTART,
     "yes: nothing is decided unless a standby confirms each commit (synchronous_standby_names)"},
    {"database", "epoch_file", SETTING_PATH, "", 0, 0, NULL, AT(epoch_file), RESTART,
     "the newest epoch that was seen; a primary of an older one is refused"},

    {"card", "token_key_file", SETTING_PATH, NULL, 0, 0, NULL, AT(token_key_file), RESTART,
     "file of 64 hexadecimal digits, mode 0600: the key of the card tokens"},

    {"key_module", "socket", SETTING_PATH, "", 0, 0, NULL, AT(key_module_socket), RESTART,
     "where atmkeyd serves; needed as soon as terminals have keys"},
    {"key_module", "timeout_ms", SETTING_NUMBER, "2000", 50, 10000, NULL, AT(key_module_timeout_ms), RESTART,
     "what it has not answered by then is left without an answer, and the ATM in silence, in milliseconds"},

    {"clock", "laboratory", SETTING_BOOL, "no", 0, 0, NULL, AT(laboratory), RESTART,
     "yes: business time may differ from real time; never where real cards are used"},
    {"clock", "start", SETTING_MOMENT, "", 0, MOMENT_MAX_MS, NULL, AT(clock.start_ms), RESTART,
     "business moment at the anchor (laboratory only)"},
    {"clock", "anchor", SETTING_MOMENT, "", 0, MOMENT_MAX_MS, NULL, AT(clock.anchor_ms), RESTART,
     "real moment at which business time is 'start' (laboratory only)"},
    {"clock", "speed", SETTING_FACTOR, "1", 1, SPEED_MAX, NULL, AT(clock.speed), RESTART,
     "business seconds a real second (laboratory only)"},
    {"clock", "skew_s", SETTING_NUMBER, "300", 1, LIMIT_SKEW_S, NULL, AT(skew_s), RELOAD,
     "how far a request's DE 7 may be from business time, in seconds; grows with the speed"},

    {"limits", "connections_max", SETTING_NUMBER, "10000", 1, 1000000, NULL, AT(connections_max), RELOAD,
     "connections of ATMs at the same time"},
    {"limits", "handshakes_max", SETTING_NUMBER, "256", 1, 10000, NULL, AT(handshakes_max), RELOAD,
     "TLS handshakes that are under way at the same time"},
    {"limits", "handshakes_per_address", SETTING_NUMBER, "64", 1, 10000, NULL, AT(handshakes_per_address),
     RELOAD, "of those, from one address (IPv6: from the same 64 bits)"},
    {"limits", "waiting_per_address", SETTING_NUMBER, "2048", 1, 1000000, NULL, AT(waiting_per_address),
     RELOAD, "connections of one address that wait to begin their handshake; with more the oldest is closed"},
    {"limits", "handshake_timeout_ms", SETTING_NUMBER, "30000", 100, 600000, NULL, AT(handshake_timeout_ms),
     RELOAD, "a TLS handshake must be over by then, in milliseconds"},
    {"limits", "idle_timeout_ms", SETTING_NUMBER, "900000", 100, 86400000, NULL, AT(idle_timeout_ms), RELOAD,
     "a connection without any message is closed after this, in milliseconds"},
    {"limits", "message_timeout_ms", SETTING_NUMBER, "10000", 100, 600000, NULL, AT(message_timeout_ms),
     RELOAD, "a message once begun must be whole by then, in milliseconds"},
    {"limits", "request_timeout_ms", SETTING_NUMBER, "20000", 100, 600000, NULL, AT(request_timeout_ms),
     RELOAD, "a request not decided by then gets no answer or 96, in milliseconds; ATMs wait 30000"},
    {"limits", "atm_wait_s", SETTING_NUMBER, "90", 1, 3600, NULL, AT(atm_wait_s), RELOAD,
     "longest time from an ATM's 0200 to its dispensing, repeats included, in seconds; an approval of this "
     "age is "
     "not repeated"},
    {"limits", "atm_dispense_s", SETTING_NUMBER, "510", 1, 86400, NULL, AT(atm_dispense_s), RELOAD,
     "longest time that an ATM's dispensing takes, in seconds; only after both is a withdrawal a person's to "
     "decide"},
    {"limits", "correction_s", SETTING_NUMBER, "300", 0, 86400, NULL, AT(correction_s), RELOAD,
     "a completed withdrawal may be corrected by its ATM for so long, in seconds; later is an exception"},
    {"limits", "replaced_burst", SETTING_NUMBER, "6", 1, 10000, NULL, AT(replaced_burst), RELOAD,
     "so often in a row a terminal's connection may replace its former one; then the newcomer has to wait"},
    {"limits", "replaced_s", SETTING_NUMBER, "10", 1, 86400, NULL, AT(replaced_s), RELOAD,
     "and once more each so many seconds"},
    {"limits", "guess_burst", SETTING_NUMBER, "30", 1, 1000000, NULL, AT(guess_burst), RELOAD,
     "so many balance inquiries in a row may be refused for their card; then the terminal's are answered "
     "65"},
    {"limits", "guess_s", SETTING_NUMBER, "30", 1, 86400, NULL, AT(guess_s), RELOAD,
     "and one more each so many seconds"},
    {"limits", "wrong_macs_max", SETTING_NUMBER, "3", 1, 1000, NULL, AT(wrong_macs_max), RELOAD,
     "so many messages in a row whose MAC is wrong or missing end their connection"},
    {"limits", "drain_timeout_ms", SETTING_NUMBER, "25000", 0, 600000, NULL, AT(drain_timeout_ms), RELOAD,
     "what is in flight at SIGTERM may take this long to end, in milliseconds"},

    {"saf", "lease_ms", SETTING_NUMBER, "5000", 500, 600000, NULL, AT(saf_lease_ms), RELOAD,
     "an instance that has not renewed its lease of a link for so long is taken for dead, in milliseconds"},
    {"saf", "retry_first_ms", SETTING_NUMBER, "1000", 200, 600000, NULL, AT(saf_retry_first_ms), RELOAD,
     "pause before a notice is sent the second time, in milliseconds; it doubles each time"},
    {"saf", "retry_max_ms", SETTING_NUMBER, "60000", 200, 3600000, NULL, AT(saf_retry_max_ms), RELOAD,
     "longest pause between two sendings of a notice, in milliseconds"},
    {"saf", "alarm_age_s", SETTING_NUMBER, "300", 1, 86400, NULL, AT(saf_alarm_age_s), RELOAD,
     "a bank that has not acknowledged a notice of this age raises an alarm, in seconds"},
};
const size_t settings_row_count = sizeof(settings_rows) / sizeof(settings_rows[0]);

#define LINK_AT(member) offsetof(struct settings_link, member)

const struct settings_row settings_link_rows[] = {
    {"link", "dialect", SETTING_DIALECT, "ascii", 0, 0, NULL, LINK_AT(dialect), RESTART,
     "how the bank writes ISO 8583: a dialect file, or ascii for what ATMs speak"},
    {"link", "addresses", SETTING_ADDRESSES, NULL, 0, 0, NULL, LINK_AT(addresses), RELOAD,
     "where the bank listens: one HOST:PORT or several with commas between them, tried in turn"},
    {"link", "connections", SETTING_NUMBER, "2", 1, 64, NULL, LINK_AT(connections), RESTART,
     "connections to the bank, spread over its addresses"},
    {"link", "certificate", SETTING_PATH, NULL, 0, 0, NULL, LINK_AT(certificate), RELOAD,
     "the certificate that this house shows the bank, its intermediates after it, PEM"},
    {"link", "key", SETTING_PATH, NULL, 0, 0, NULL, LINK_AT(key), RELOAD,
     "that certificate's private key, PEM, unencrypted, mode 0600 (0640 where it is root's)"},
    {"link", "ca", SETTING_PATH, NULL, 0, 0, NULL, LINK_AT(ca), RELOAD,
     "the authorities that the bank's certificate must come from, PEM"},
    {"link", "acquirer", SETTING_ACQUIRER, NULL, 0, 0, NULL, LINK_AT(acquirer), RESTART,
     "DE 32: the number that the bank knows this house by, up to 11 digits"},
    {"link", "outstanding_max", SETTING_NUMBER, "128", 1, 65536, NULL, LINK_AT(outstanding_max), RELOAD,
     "requests that may be on their way to the bank at once; beyond it they are refused with 91"},
    {"link", "answer_timeout_ms", SETTING_NUMBER, "15000", 100, 600000, NULL, LINK_AT(answer_timeout_ms),
     RELOAD,
     "a request that the bank has not answered by then is refused with 91 and reversed, in milliseconds"},
    {"link", "echo_interval_ms", SETTING_NUMBER, "30000", 100, 3600000, NULL, LINK_AT(echo_interval_ms),
     RELOAD,
     "a connection on which the bank has said nothing for so long is tried by an echo, in milliseconds"},
};
const size_t settings_link_row_count = sizeof(settings_link_rows) / sizeof(settings_link_rows[0]);

enum {
        ROWS = sizeof(settings_rows) / sizeof(settings_rows[0]),
        LINK_ROWS = sizeof(settings_link_rows) / sizeof(settings_link_rows[0]),
        /* The places of all keys that a file can have: the rows, then each link's. */
        PLACES = ROWS + SETTINGS_LINKS_MAX * LINK_ROWS,
        SHOWN_MAX = 80, /* of a wrong value, in an error */
};

struct reading {
        struct ini_file file;
        char link[SETTINGS_LINKS_MAX][ISSUER_MAX + 1];
        size_t links;
        int line_of[PLACES]; /* 0: not given */
        char text[PLACES][SETTINGS_TEXT_MAX];
};

enum { SECTION_MAX = sizeof("link ") + ISSUER_MAX };

static const struct settings_row *row_at(size_t place)
{
        return place < ROWS ? &settings_rows[place] : &settings_link_rows[(place - ROWS) % LINK_ROWS];
}

/* "database", "link BANKA" */
static const char *section_at(const struct reading *r, size_t place, char buffer[SECTION_MAX])
{
        if (place < ROWS)
                return settings_rows[place].section;
        snprintf(buffer, SECTION_MAX, "link %s", r->link[(place - ROWS) / LINK_ROWS]);
        return buffer;
}

static size_t places(const struct reading *r)
{
        return ROWS + r->links * LINK_ROWS;
}

static void value_show(const char *value, char buffer[SHOWN_MAX + 4])
{
        size_t n = 0;
        for (; value[n] && n < SHOWN_MAX; n++)
                buffer[n] = isprint((unsigned char)value[n]) ? value[n] : '?';
        strcpy(buffer + n, value[n] ? "..." : "");
}

static void row_expected(const struct settings_row *row, char *buffer, size_t size)
{
        char number[NUMBER_EXPECTED_MAX];
        switch (row->type) {
        case SETTING_HOST:
                snprintf(buffer, size, "a host's name or address, as 127.0.0.1, ::1 or [::1]");
                break;
        case SETTING_CONNINFO:
                snprintf(buffer, size,
                         "keywords and values or a URI as libpq takes them, at most %d characters",
                         SETTINGS_TEXT_MAX - 1);
                break;
        case SETTING_PATH:
                snprintf(buffer, size, "the path of a file, at most %d characters", SETTINGS_TEXT_MAX - 1);
                break;
        case SETTING_CHOICE:
                snprintf(buffer, size, "one of %s", row->choices);
                break;
        case SETTING_NUMBER:
        case SETTING_FACTOR:
                snprintf(buffer, size, "%s", number_expected(row->minimum, row->maximum, number));
                break;
        case SETTING_BOOL:
                snprintf(buffer, size, "yes or no");
                break;
        case SETTING_MOMENT:
                snprintf(buffer, size,
                         "a moment such as 2016-12-29T07:55:00+09:00, or milliseconds since 1970-01-01 UTC");
                break;
        case SETTING_DIALECT:
                snprintf(buffer, size, "ascii or the path of a dialect file, at most %d characters",
                         SETTINGS_TEXT_MAX - 1);
                break;
        case SETTING_ADDRESSES:
                snprintf(
                    buffer, size,
                    "HOST:PORT, or several with commas between them, as 192.0.2.1:7601,[2001:db8::1]:7601");
                break;
        case SETTING_ACQUIRER:
                snprintf(buffer, size, "1 to 11 digits");
                break;
        }
}

static void row_fail(struct reading *r, size_t i, const char *what)
{
        const struct settings_row *row = row_at(i);
        char expected[160], shown[SHOWN_MAX + 4], buffer[SECTION_MAX];
        const char *section = section_at(r, i, buffer);
        row_expected(row, expected, sizeof(expected));
        value_show(r->text[i], shown);
        if (row->type == SETTING_CONNINFO || !*r->text[i])
                ini_file_refuse(&r->file, r->line_of[i], "[%s] %s: %s; expected %s", section, row->key, what,
                                expected);
        else
                ini_file_refuse(&r->file, r->line_of[i], "[%s] %s = '%s': %s; expected %s", section, row->key,
                                shown, what, expected);
}

static bool name_add(char *buffer, size_t size, size_t *used, const char *name)
{
        int n = snprintf(buffer + *used, size - *used, "%s%s", *used ? ", " : "", name);
        if (n < 0 || (size_t)n >= size - *used)
                return false;
        *used += (size_t)n;
        return true;
}

static void sections_list(char *buffer, size_t size)
{
        size_t used = 0;
        *buffer = '\0';
        for (size_t i = 0; i < ROWS; i++)
                if (i == 0 || strcmp(settings_rows[i].section, settings_rows[i - 1].section) != 0)
                        if (!name_add(buffer, size, &used, settings_rows[i].section))
                                return;
        if (!name_add(buffer, size, &used, "link NAME"))
                return;
}

/* "certificate, key, ca": the keys of a section. */
static void keys_list(const struct reading *r, const char *section, char *buffer, size_t size)
{
        char name[SECTION_MAX];
        size_t used = 0;
        *buffer = '\0';
        for (size_t i = 0; i < places(r); i++)
                if (strcmp(section_at(r, i, name), section) == 0 &&
                    !name_add(buffer, size, &used, row_at(i)->key))
                        return;
}

/* A link is known from its header on; its keys are found by its name afterwards. */
static bool link_check(struct reading *r, const char *name)
{
        size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        if (length == 0 || length > ISSUER_MAX || name[length])
                return ini_file_refuse(&r->file, r->file.line,
                                       "[link %s]: expected a name of 1 to %d capital letters and digits",
                                       ini_file_word(name), ISSUER_MAX);
        for (size_t i = 0; i < r->links; i++)
                if (strcmp(r->link[i], name) == 0)
                        return true;
        if (r->links == SETTINGS_LINKS_MAX)
                return ini_file_refuse(&r->file, r->file.line, "[link %s]: expected at most %d links", name,
                                       SETTINGS_LINKS_MAX);
        strcpy(r->link[r->links++], name);
        return true;
}

static bool section_known(const char *section)
{
        for (size_t i = 0; i < ROWS; i++)
                if (strcmp(settings_rows[i].section, section) == 0)
                        return true;
        return false;
}

/* PLACES: no such key. */
static size_t row_find(const struct reading *r, const char *section, const char *key)
{
        char name[SECTION_MAX];
        for (size_t i = 0; i < places(r); i++)
                if (strcmp(row_at(i)->key, key) == 0 && strcmp(section_at(r, i, name), section) == 0)
                        return i;
        return PLACES;
}

static bool on_section(void *context, const char *section)
{
        struct reading *r = context;
        char known[256];
        if (section_known(section))
                return true;
        if (strncmp(section, "link ", 5) == 0)
                return link_check(r, section + 5);
        sections_list(known, sizeof(known));
        return ini_file_refuse(&r->file, r->file.line, "unknown section [%s]; expected one of: %s",
                               ini_file_word(section), known);
}

/* An indented line: more of the value above it. Only a conninfo may be that long. */
static bool value_continue(struct reading *r, size_t i, const char *section, const char *value)
{
        const struct settings_row *row = row_at(i);
        char word[64];
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(value, " \t=:"), value);
        if (row->type != SETTING_CONNINFO || row_find(r, section, word) < PLACES) {
                ini_file_refuse(
                    &r->file, r->file.line,
                    "[%s] %s: an indented line goes on with the value above it, which only conninfo "
                    "may; expected a key at the start of the line",
                    section, row->key);
                return false;
        }
        size_t used = strlen(r->text[i]);
        if (used + 1 + strlen(value) >= SETTINGS_TEXT_MAX) {
                row_fail(r, i, "too long");
                return false;
        }
        r->text[i][used] = ' ';
        strcpy(r->text[i] + used + 1, value);
        return true;
}

static bool on_pair(void *context, const char *section, const char *key, const char *value)
{
        struct reading *r = context;
        size_t i = row_find(r, section, key);
        char known[256];
        if (i == PLACES) {
                keys_list(r, section, known, sizeof(known));
                return ini_file_refuse(&r->file, r->file.line, "[%s] %s: unknown key; expected one of: %s",
                                       section, ini_file_word(key), known);
        }
        if (r->file.goes_on)
                return value_continue(r, i, section, value);
        if (r->line_of[i])
                return ini_file_refuse(&r->file, r->file.line,
                                       "[%s] %s: given twice, first in line %d; expected once", section, key,
                                       r->line_of[i]);
        r->line_of[i] = r->file.line;
        int n = snprintf(r->text[i], SETTINGS_TEXT_MAX, "%s", value);
        if (n < SETTINGS_TEXT_MAX)
                return true;
        row_fail(r, i, "too long");
        return false;
}

static bool moment_parse(const struct settings_row *row, const char *text, int64_t *ret_ms)
{
        int64_t ms;
        if (!text[strspn(text, "0123456789")])
                return number_parse(text, row->minimum, row->maximum, ret_ms);
        if (!calendar_parse_moment(text, &ms) || ms < row->minimum || ms > row->maximum)
                return false;
        *ret_ms = ms;
        return true;
}

static bool choice_has(const char *choices, const char *text)
{
        size_t length = strlen(text);
        for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
                if (length == strcspn(at, "|") && strncmp(at, text, length) == 0)
                        return true;
        return false;
}

/* Relative paths are taken from the folder of the file that names them. */
static bool path_resolve(struct reading *r, size_t i, char target[SETTINGS_TEXT_MAX])
{
        const char *value = r->text[i];
        if (strlen(value) == 64 && !value[strspn(value, "0123456789abcdefABCDEF")]) {
                /* Somebody wrote the key where its file's name belongs: don't repeat it. */
                char section[SECTION_MAX];
                ini_file_refuse(&r->file, r->line_of[i],
                                "[%s] %s: 64 hexadecimal digits, which look like a key; "
                                "expected the path of the file that holds it",
                                section_at(r, i, section), row_at(i)->key);
                return false;
        }
        const char *slash = strrchr(r->file.path, '/');
        char folder[PATH_MAX];
        snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - r->file.path + 1) : 1,
                 slash ? r->file.path : ".");
        char *absolute = *value == '/' ? NULL : realpath(folder, NULL);
        int n = *value == '/' || !absolute ? snprintf(target, SETTINGS_TEXT_MAX, "%s", value)
                                           : snprintf(target, SETTINGS_TEXT_MAX, "%s/%s", absolute, value);
        free(absolute);
        if (n < SETTINGS_TEXT_MAX)
                return true;
        row_fail(r, i, "too long once the configuration's folder stands before it");
        return false;
}

bool settings_row_is_same(const struct settings_row *row, const void *a, const void *b)
{
        const char *in_a = (const char *)a + row->offset, *in_b = (const char *)b + row->offset;
        switch (row->type) {
        case SETTING_NUMBER:
        case SETTING_MOMENT:
                return memcmp(in_a, in_b, sizeof(int64_t)) == 0;
        case SETTING_FACTOR:
                return memcmp(in_a, in_b, sizeof(int32_t)) == 0;
        case SETTING_BOOL:
                return memcmp(in_a, in_b, sizeof(bool)) == 0;
        case SETTING_ADDRESSES:
                return memcmp(in_a, in_b, sizeof(struct addresses)) == 0;
        case SETTING_HOST:
        case SETTING_CONNINFO:
        case SETTING_PATH:
        case SETTING_CHOICE:
        case SETTING_DIALECT:
        case SETTING_ACQUIRER:
                break;
        }
        return strcmp(in_a, in_b) == 0;
}

/* in: struct settings, or the link that the place is of. */
static void row_store(struct reading *r, size_t i, void *in)
{
        const struct settings_row *row = row_at(i);
        void *target = (char *)in + row->offset;
        const char *text = r->text[i];
        int64_t number = 0;
        bool good = *text != '\0';
        switch (row->type) {
        case SETTING_HOST:
                good = good && address_host_parse(text, target);
                break;
        case SETTING_CONNINFO:
                if (good)
                        strcpy(target, text);
                break;
        case SETTING_PATH:
                if (good && !path_resolve(r, i, target))
                        return;
                break;
        case SETTING_CHOICE:
                if ((good = choice_has(row->choices, text)))
                        strcpy(target, text);
                break;
        case SETTING_NUMBER:
                if ((good = number_parse(text, row->minimum, row->maximum, &number)))
                        *(int64_t *)target = number;
                break;
        case SETTING_FACTOR:
                if ((good = number_parse(text, row->minimum, row->maximum, &number)))
                        *(int32_t *)target = (int32_t)number;
                break;
        case SETTING_BOOL:
                good = strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
                *(bool *)target = strcmp(text, "yes") == 0;
                break;
        case SETTING_MOMENT:
                if ((good = moment_parse(row, text, &number)))
                        *(int64_t *)target = number;
                break;
        case SETTING_DIALECT:
                if (strcmp(text, "ascii") == 0)
                        strcpy(target, text);
                else if (good && !path_resolve(r, i, target))
                        return;
                break;
        case SETTING_ADDRESSES:
                good = addresses_parse(text, target);
                break;
        case SETTING_ACQUIRER:
                good = good && strlen(text) <= 11 && !text[strspn(text, "0123456789")];
                if (good)
                        strcpy(target, text);
                break;
        }
        if (!good)
                row_fail(r, i, *text ? "wrong value" : "empty");
}

static void rows_store(struct reading *r, struct settings *settings)
{
        char section[SECTION_MAX];
        for (size_t i = 0; i < places(r); i++) {
                const struct settings_row *row = row_at(i);
                if (!r->line_of[i] && !row->fallback) {
                        ini_file_refuse(&r->file, INI_FILE_WHOLE, "[%s] %s is missing: %s",
                                        section_at(r, i, section), row->key, row->text);
                        continue;
                }
                if (!r->line_of[i] && !*row->fallback)
                        continue;
                if (!r->line_of[i])
                        strcpy(r->text[i], row->fallback);
                row_store(r, i, i < ROWS ? (void *)settings : &settings->link[(i - ROWS) / LINK_ROWS]);
        }
        for (size_t i = 0; i < r->links; i++)
                strcpy(settings->link[i].name, r->link[i]);
        settings->link_count = r->links;
}

static int line_of(const struct reading *r, const char *section, const char *key)
{
        size_t i = row_find(r, section, key);
        assert(i < PLACES);
        return r->line_of[i];
}

/* Two instances must run the same clock, so a laboratory's is given whole or not at all. */
static void clock_check(struct reading *r, struct settings *settings)
{
        int start = line_of(r, "clock", "start"), anchor = line_of(r, "clock", "anchor");
        int speed = line_of(r, "clock", "speed");
        if (!settings->laboratory) {
                static const char *const key[] = {"start", "anchor", "speed"};
                const int line[] = {start, anchor, speed};
                for (int i = 0; i < 3; i++)
                        if (line[i])
                                ini_file_refuse(
                                    &r->file, line[i],
                                    "[clock] %s: only a laboratory has a clock of its own; expected "
                                    "laboratory = yes beside it, or real time",
                                    key[i]);
        } else if (!start != !anchor) {
                ini_file_refuse(&r->file, start ? start : anchor,
                                "[clock] %s: given without %s; expected both or neither",
                                start ? "start" : "anchor", start ? "anchor" : "start");
        } else if (!start && settings->clock.speed != 1) {
                ini_file_refuse(&r->file, speed,
                                "[clock] speed: other than 1 without start and anchor; expected both");
        }
        if (!settings->laboratory || !start)
                settings->clock = clock_real;
}

static void limits_check(struct reading *r, const struct settings *settings)
{
        int queue = line_of(r, "database", "queue_max"), batch = line_of(r, "database", "batch_max");
        if (settings->queue_max < settings->batch_max)
                ini_file_refuse(&r->file, queue ? queue : batch,
                                "[database] %s: a queue of %" PRId64 " can't hold a batch of %" PRId64
                                "; expected queue_max to be at least batch_max",
                                queue ? "queue_max" : "batch_max", settings->queue_max, settings->batch_max);
}

static void key_module_check(struct reading *r, const struct settings *settings)
{
        size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
        if (strlen(settings->key_module_socket) > longest)
                ini_file_refuse(&r->file, line_of(r, "key_module", "socket"),
                                "[key_module] socket: '%s' is longer than a socket's path may be; expected "
                                "at most %zu characters",
                                settings->key_module_socket, longest);
}

/* An ATM must be told 91 before it is left in silence. */
static void links_check(struct reading *r, const struct settings *settings)
{
        for (size_t i = 0; i < settings->link_count; i++) {
                const struct settings_link *link = &settings->link[i];
                char section[SECTION_MAX];
                snprintf(section, sizeof(section), "link %s", link->name);
                int line = line_of(r, section, "answer_timeout_ms");
                if (link->answer_timeout_ms >= settings->request_timeout_ms)
                        ini_file_refuse(&r->file, line ? line : line_of(r, "limits", "request_timeout_ms"),
                                        "[%s] answer_timeout_ms: %" PRId64 " is not less than [limits] "
                                        "request_timeout_ms, %" PRId64
                                        "; expected an ATM to wait longer than atmd "
                                        "waits for the bank",
                                        section, link->answer_timeout_ms, settings->request_timeout_ms);
        }
        int line = line_of(r, "saf", "retry_first_ms"), longest = line_of(r, "saf", "retry_max_ms");
        if (settings->saf_retry_first_ms > settings->saf_retry_max_ms)
                ini_file_refuse(&r->file, line ? line : longest,
                                "[saf] retry_first_ms: %" PRId64 " is more than retry_max_ms, %" PRId64
                                "; expected the first pause to be the shortest",
                                settings->saf_retry_first_ms, settings->saf_retry_max_ms);
}

static bool file_load(struct reading *r, struct settings *ret_settings)
{
        struct settings settings = {0};
        if (!ini_file_read(&r->file))
                return false;
        rows_store(r, &settings);
        if (!r->file.error_line) {
                clock_check(r, &settings);
                limits_check(r, &settings);
                key_module_check(r, &settings);
                links_check(r, &settings);
        }
        if (r->file.error_line)
                return false;
        *ret_settings = settings;
        return true;
}

int64_t settings_default(const char *section, const char *key)
{
        for (size_t i = 0; i < settings_row_count; i++) {
                if (strcmp(settings_rows[i].section, section) == 0 && strcmp(settings_rows[i].key, key) == 0)
                        return number_known(settings_rows[i].fallback);
        }
        abort();
}

/* Nobody else decides what is in it, and nobody else reads a password. */
static bool mode_check(const char *path, const struct settings *settings, char error[SETTINGS_ERROR_MAX])
{
        struct stat status;
        PQconninfoOption *options = PQconninfoParse(settings->conninfo, NULL);
        bool has_password = false;
        for (PQconninfoOption *option = options; option && option->keyword; option++)
                has_password |=
                    option->val && *option->val &&
                    (!strcmp(option->keyword, "password") || !strcmp(option->keyword, "sslpassword"));
        PQconninfoFree(options);
        if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
                return true; /* what was read came from elsewhere: a pipe */
        if (status.st_mode & 002)
                snprintf(error, SETTINGS_ERROR_MAX,
                         "%s: mode %04o lets everybody change it; expected 0640 or less", path,
                         (unsigned)status.st_mode & 07777);
        else if (has_password && status.st_mode & 004)
                snprintf(error, SETTINGS_ERROR_MAX,
                         "%s: mode %04o lets everybody read the password in [database] conninfo; expected "
                         "0640 or less",
                         path, (unsigned)status.st_mode & 07777);
        else
                return true;
        return false;
}

bool settings_load(const char *path, struct settings *ret_settings, char error[SETTINGS_ERROR_MAX])
{
        struct reading *r = calloc(1, sizeof(*r));
        if (!r) {
                snprintf(error, SETTINGS_ERROR_MAX, "%s: no memory to read it", path);
                return false;
        }
        r->file = (struct ini_file){.path = path,
                                    .wanted = "a configuration file",
                                    .error = error,
                                    .error_size = SETTINGS_ERROR_MAX,
                                    .on_section = on_section,
                                    .on_pair = on_pair,
                                    .context = r,
                                    .may_go_on = true};
        bool good =
            ini_file_open(&r->file) && file_load(r, ret_settings) && mode_check(path, ret_settings, error);
        ini_file_close(&r->file);
        free(r);
        return good;
}
