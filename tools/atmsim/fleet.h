/*
 * The fleet: N ATMs on one event loop. It carries out what their state machines ask for (journal, dispenser,
 * messages, faults of the line and the power), brings customers, and keeps the connections up.
 *
 * A turn of the loop ends with fleet_settle: counters and journal are flushed once, then everything that
 * waited for them leaves.
 */
#ifndef ATMSIM_FLEET_H
#define ATMSIM_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/address.h"
#include "rules/clock.h"
#include "tools/atmsim/arrivals.h"
#include "tools/atmsim/atm.h"
#include "tools/atmsim/customer.h"

enum { FLEET_CARD_FILES_MAX = 16 };

struct fleet_options {
        /* where */
        char host[ADDRESS_HOST_MAX];
        const char *ports, *ca, *certs, *terminals, *token_key_file, *acquirer, *journal;
        const char *keys, *keks; /* NULL: the ATMs have none */
        struct business_clock clock;
        /* who comes */
        int64_t atms;
        int64_t seed;
        bool idle, closed, even;
        enum profile_kind profile;
        double per_atm_day;
        int64_t from_ms, until_ms;      /* business moments; INT64_MIN: not given */
        int64_t withdrawals;            /* 0: no end by number */
        double seconds, warmup_seconds; /* 0: no end by time */
        int64_t amount_yen;
        const char *cards[FLEET_CARD_FILES_MAX];
        size_t card_files;
        int64_t card_uses, cards_skip;
        double inquiry_rate, careless_rate, wrong_pin_rate, chip_rate;
        struct fault_rates faults;
        /* how ATMs behave */
        struct atm_habits habits;
        int64_t busy_max;   /* ATMs at work for which the ATMs' clock stands still; 0: it never does */
        int64_t handshakes; /* at a time; 0: without a limit */
        int64_t connect_timeout_ms;
        bool own_addresses; /* each ATM its own (atm_conn_come_from) */
        double start_seconds, drain_seconds;
        bool progress;
        const char *ready_file, *capture_file; /* NULL: none */
};

/* What a run came to. */
struct fleet_result {
        struct atm_counters counters;
        int64_t atms, signed_on;
        double seconds;          /* measured: from the end of the warm-up to the last arrival */
        int64_t cpu_us;          /* of atmsim itself in that time */
        uint64_t measured_paid;  /* withdrawals in that time that dispensed cash, with both answers */
        uint64_t measured_ended; /* all that came to their end in that time */
        uint64_t walked_away;    /* customers who found the queue before their ATM full */
        uint64_t stands;         /* how often the ATMs' clock has stood still */
        double stood_s;          /* and for how long in all */
        uint64_t unfinished;     /* ATMs with an open withdrawal, an unacknowledged advice or a queue */
        uint64_t connections, connections_failed, connections_lost,
            sign_ons_refused; /* failed: before anything was said */
        uint64_t flushes;     /* of the journal to the disk */
        bool cards_used_up;
        bool broken; /* said on standard error */
};

/* False with a text on standard error: it could not begin. */
ATM_MUST_USE bool fleet_run(const struct fleet_options *options, struct fleet_result *ret_result);

#endif
