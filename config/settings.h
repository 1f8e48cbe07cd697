/*
 * Settings from an ini file, as rows: a table of keys, each with its section, type, default and bounds,
 * read through libinih into a plain struct. The table makes the parser, --check-config, the commented
 * etc/atmd.conf and the man page agree; a test compares them.
 *
 * Errors name file and line, the key, what was wrong and what was expected. An unknown section or key is an
 * error; a key given twice is one too. Every program that reads the configuration goes through here.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/address.h"
#include "lib/base/attributes.h"
#include "rules/clock.h"
#include "rules/reference.h"

enum { SETTINGS_TEXT_MAX = 512, SETTINGS_ERROR_MAX = 1024, SETTINGS_LINKS_MAX = 32 };

/* [link NAME]: the way to one bank. */
struct settings_link {
        char name[ISSUER_MAX + 1];
        char dialect[SETTINGS_TEXT_MAX]; /* a file, or "ascii" */
        struct addresses addresses;
        int64_t connections;
        char certificate[SETTINGS_TEXT_MAX];
        char key[SETTINGS_TEXT_MAX];
        char ca[SETTINGS_TEXT_MAX];
        char acquirer[12]; /* DE 32 */
        int64_t outstanding_max;
        int64_t answer_timeout_ms;
        int64_t echo_interval_ms;
};

struct settings {
        /* [atmd] */
        char listen_host[ADDRESS_HOST_MAX];
        int64_t listen_port;
        char log_target[16]; /* stderr | journal */
        char log_level[16];  /* debug | info | warning | error */
        /* [tls] */
        char tls_certificate[SETTINGS_TEXT_MAX];
        char tls_key[SETTINGS_TEXT_MAX];
        char tls_ca[SETTINGS_TEXT_MAX];
        char tls_crl[SETTINGS_TEXT_MAX]; /* "": none */
        char tls_minimum[8];             /* 1.3 | 1.2 */
        /* [database] */
        char conninfo[SETTINGS_TEXT_MAX];
        int64_t database_connections;
        int64_t batch_max;
        int64_t queue_max;
        int64_t reference_poll_ms;
        bool synchronous;
        char epoch_file[SETTINGS_TEXT_MAX]; /* "": none is named */
        /* [card] */
        char token_key_file[SETTINGS_TEXT_MAX];
        /* [key_module] */
        char key_module_socket[SETTINGS_TEXT_MAX]; /* "": there is none */
        int64_t key_module_timeout_ms;
        /* [clock] */
        bool laboratory;
        struct business_clock clock; /* clock_real unless laboratory */
        int64_t skew_s;              /* how far DE 7 may be from business time at speed 1 */
        /* [limits] */
        int64_t connections_max;
        int64_t handshakes_max, handshakes_per_address, waiting_per_address;
        int64_t handshake_timeout_ms;
        int64_t idle_timeout_ms;
        int64_t message_timeout_ms;         /* a message once begun must be whole by then */
        int64_t request_timeout_ms;         /* atmd's 20 s */
        int64_t atm_wait_s, atm_dispense_s; /* real time, as are the following */
        int64_t correction_s;
        int64_t replaced_burst, replaced_s; /* of a terminal: connections that replace each other */
        int64_t guess_burst, guess_s;       /* of a terminal: inquiries refused for their card */
        int64_t wrong_macs_max;             /* of a connection, in a row */
        int64_t drain_timeout_ms;
        /* [saf] */
        int64_t saf_lease_ms;
        int64_t saf_retry_first_ms;
        int64_t saf_retry_max_ms;
        int64_t saf_alarm_age_s;
        /* [link NAME], in the order of the file */
        struct settings_link link[SETTINGS_LINKS_MAX];
        size_t link_count;
};

enum settings_type {
        SETTING_HOST,     /* char[ADDRESS_HOST_MAX] */
        SETTING_CONNINFO, /* may go on over indented lines; may hold a password, so it is never printed */
        SETTING_PATH,
        SETTING_CHOICE,
        SETTING_NUMBER, /* int64_t */
        SETTING_FACTOR, /* int32_t */
        SETTING_BOOL,
        SETTING_MOMENT,    /* int64_t, milliseconds since 1970 */
        SETTING_DIALECT,   /* a path, or "ascii" */
        SETTING_ADDRESSES, /* struct addresses */
        SETTING_ACQUIRER,  /* 1 to 11 digits */
};

enum settings_change {
        SETTING_RESTART, /* fixed while atmd runs */
        SETTING_RELOAD,  /* taken over at SIGHUP */
};

struct settings_row {
        const char *section, *key;
        enum settings_type type;
        const char *fallback;     /* NULL: must be given; "": may be left out, has no default */
        int64_t minimum, maximum; /* SETTING_NUMBER, SETTING_FACTOR, SETTING_MOMENT */
        const char *choices;      /* SETTING_CHOICE: "1.3|1.2" */
        size_t offset;            /* in struct settings; of [link NAME]: in struct settings_link */
        enum settings_change change;
        const char *text; /* what it is for, with its unit */
};
extern const struct settings_row settings_rows[];
extern const size_t settings_row_count;
/* The keys of each [link NAME]; their section is "link". */
extern const struct settings_row settings_link_rows[];
extern const size_t settings_link_row_count;

/* Whether the row's value is the same in both: struct settings, or struct settings_link of a link's row. */
bool settings_row_is_same(const struct settings_row *row, const void *a, const void *b);

/* What a key of numbers is where it is not given; it must have a default. */
int64_t settings_default(const char *section, const char *key);

/* Relative paths are taken from the configuration file's folder. False with a text in error[]. */
ATM_MUST_USE bool settings_load(const char *path, struct settings *ret_settings,
                                char error[SETTINGS_ERROR_MAX]);

#endif
