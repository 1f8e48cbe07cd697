/*
 * What the sessions of an instance share, and the transactions between them and the ledger.
 *
 * It includes neither libevent nor OpenSSL nor libpq: the daemon gives it real clocks and a ledger in
 * PostgreSQL, the simulation virtual ones and a ledger in memory. Whoever drives it calls service_tick from
 * time to time: deadlines, and requests that wait for the ledger to read new reference data.
 *
 * Cards of banks over links: what the ledger has allowed is asked of the bank (bank_route.h), whose answer,
 * or none in time, goes into the ledger as the outcome; the ATM hears what is durable then, be it that or
 * what came before it. A link without room is a refusal before anything leaves.
 *
 * Invariants: every op given to the ledger belongs to one transaction in `open`, in order of deadline;
 * `open` never holds more than the pool's limit. An answer leaves only from the ledger's on_done (I1) or as
 * 96, or 65, to an inquiry. A transaction past its deadline is answered with silence and stays in `open`
 * until the ledger gives it back; `waiting` counts the sessions that wait for one of them. Of a session the
 * service knows its entry in the index alone, and finds it by the handle that the transaction keeps.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "daemon/atm_clocks.h"
#include "daemon/banks/bank_route.h"
#include "daemon/clock_watch.h"
#include "daemon/paces.h"
#include "daemon/session_index.h"
#include "daemon/macs/session_keys.h"
#include "daemon/stats.h"
#include "daemon/txn.h"
#include "rules/clock.h"

struct service_settings {
        struct business_clock clock;
        int64_t skew_limit_ms; /* scaled by the clock's speed */
        int64_t request_timeout_ms;
        struct rate_rules replaced, guesses;
        size_t open_max;    /* transactions open at once */
        size_t open_resume; /* below it, reading goes on again */
};

struct service_shell {
        int64_t (*real_ms)(void *context);   /* since 1970, UTC */
        int64_t (*steady_ms)(void *context); /* never set back */
        void (*on_relief)(void *context);    /* no longer congested */
        void *context;
};

/* The banks that cards may belong to. */
struct service_banks {
        const struct bank_routes *routes; /* not owned; NULL: none */
        /* Something that a bank must be told may have become durable; NULL: nobody wants to know. */
        void (*on_notice)(void *context);
        void *context;
};

struct service {
        struct service_settings settings;
        struct service_shell shell;
        struct ledger *ledger;       /* not owned; to be freed first */
        struct token_key *token_key; /* not owned */
        struct session_index *sessions;
        struct paces *paces;
        struct txn_pool pool;
        struct txn_list open;
        size_t waiting; /* sessions that wait for a transaction */
        size_t stale;   /* transactions that wait for new reference data */
        size_t pending; /* transactions that wait for what another has asked a bank */
        struct service_banks banks;
        const struct session_keys *keys; /* not owned; NULL: no terminal has any */
        bool congested;
        enum clock_state clock_state;
        struct atm_clocks atm_clocks;
        struct service_counters count;
};

/* NULL: out of memory. */
struct service *service_new(const struct service_settings *settings, const struct service_shell *shell,
                            struct ledger *ledger, struct token_key *token_key);
void service_free(struct service *service);

/* Before anything is submitted; the routes must stay until nothing is. */
void service_set_banks(struct service *service, const struct service_banks *banks);

/* Before anything is submitted: whose PIN blocks can be read, and who reads them. Of others they are dropped. */
void service_set_keys(struct service *service, const struct session_keys *keys);

int64_t service_business_ms(const struct service *service);

/* How this machine's clock is. While it is OFF, or LOST, nothing is approved, and no advice taken.
 * A withdrawal hears what was decided before, or what refuses it at any time, or else 96 (a repeat nothing), and nothing while it is LOST; an inquiry 96; an
 * advice nothing, so that its ATM keeps it. */
void service_set_clock(struct service *service, enum clock_state state);

/* True: take no more requests from anybody until on_relief. */
bool service_is_congested(struct service *service);

/* Hand a request or advice over that profile_check has accepted. False with *ret_error filled: it is to be
 * answered 30. Otherwise the asker's on_answered is called once, later or within this call, unless it leaves;
 * it waits until then. */
ATM_MUST_USE bool service_submit(struct service *service, struct session_entry *asker,
                                 const struct profile_row *row, const struct iso_message *request,
                                 struct iso_error *ret_error);
/* The asker hears nothing any more, whether it waits or not. */
void service_leave(struct service *service, struct session_entry *asker);

void service_tick(struct service *service);

/* For requests that come from now on; the clock and the room for transactions stay as they are. */
void service_change(struct service *service, const struct service_settings *settings);

/* The latencies have been logged: begin anew. */
void service_reset_latency(struct service *service);

#endif
