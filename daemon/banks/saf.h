/*
 * Store and forward: what banks must be told goes out until it is acknowledged.
 *
 * For each link one instance holds the lease and takes the notices that are due; it sends them, gathers what
 * became of them and says so to the store, which deletes what has a final verdict
 * (config/bank_codes.h), makes an exception of a case for people, and keeps the rest for the next time. Every instance also sweeps: withdrawals whose bank was asked long ago and about
 * which nothing is decided are timed out, whoever asked. And it looks how old the oldest notice of each link
 * is, for the alarm. Leases, due times and ages go by the store's clock; here is only steady time.
 *
 *      (store) --take--> SENT --answered: a final verdict-> ENDED --end--> (gone: booked, or a case for people)
 *                          '-----put off, silence-------> ENDED --end--> (store: due again later)
 *
 * Pure: the store is PostgreSQL (saf_pg.c) or the simulation's memory, behind struct saf_store; one piece of
 * work is with it at a time. Nothing depends on holding the lease: whoever lost it while he was asleep sends
 * once more what a bank answers from memory, and ends what is gone already.
 *
 * Invariants: the items of a link are its window, no more are ever under way; an item is freed only after the
 * store has heard its end, or where the store need not (a notice that could not be sent).
 */
#ifndef DAEMON_BANKS_SAF_H
#define DAEMON_BANKS_SAF_H

#include "daemon/banks/bank_route.h"

enum {
        SAF_WINDOW = 128,  /* notices of a link under way */
        SAF_BATCH = 128,   /* rows of one take or end */
        SAF_POLL_MS = 200, /* between two takes of a link */
        SAF_NUDGED_MS =
            40, /* the same where notices have just become durable and this instance holds the lease */
        SAF_SWEEP_MS = 5000,
        SAF_SWEEP_MAX = 256,
        SAF_LOOK_MS = 5000,
        SAF_HOLDER_MAX = 63,
        SAF_SAID_MAX = 63,
};

struct saf_settings {
        char holder[SAF_HOLDER_MAX + 1]; /* this instance, unlike any other */
        int64_t lease_ms, retry_first_ms, retry_max_ms, alarm_age_ms;
        int64_t sweep_age_ms; /* older than any request that its instance still waits for */
};

struct saf_take {
        const char *link, *holder;
        int64_t lease_ms, retry_first_ms, retry_max_ms;
        int max; /* may be 0: only the lease is renewed */
};

struct saf_result {
        struct ledger_identity identity;
        int16_t seq;
        enum notice_verdict verdict; /* NOTICE_AGAIN where no answer came */
        const char *said;            /* the bank's DE 39, or why there is none */
};

struct saf_age {
        char link[ISSUER_MAX + 1];
        int64_t waiting, parked;
        int64_t oldest_age_ms; /* of those that are not parked; 0: none */
};

/* Each begins a piece of work on an idle store; its end is told by the function named, never from within. */
struct saf_store {
        bool (*is_idle)(void *context);
        void (*take)(void *context, const struct saf_take *take);                /* saf_taken */
        void (*end)(void *context, const struct saf_result *results, int count); /* saf_ended */
        void (*sweep)(void *context, int64_t age_ms, int max);                   /* saf_swept */
        void (*look)(void *context);                                             /* saf_looked */
        void *context;
};

struct saf_shell {
        int64_t (*steady_ms)(void *context);
        void *context;
};

struct saf;

/* NULL: out of memory. */
struct saf *saf_new(const struct saf_settings *settings, const struct bank_routes *routes,
                    const struct saf_store *store, const struct saf_shell *shell);
/* Its exchanges with the routes must be over, or the routes be freed with it. */
void saf_free(struct saf *saf);
void saf_change(struct saf *saf, const struct saf_settings *settings);

/* Do what is due, as far as the store is idle; to be called every tenth of a second or so, and when the store
 * has become idle. */
void saf_tick(struct saf *saf);
/* Notices may have become durable. */
void saf_nudge(struct saf *saf);
/* Take nothing any more; what is under way still ends. */
void saf_drain(struct saf *saf);
bool saf_is_quiet(const struct saf *saf); /* nothing is under way, and the store knows all ends */

/* From the store. good: it was done; otherwise it may not have been. */
void saf_taken(struct saf *saf, bool good, const struct bank_notice *notices, int count);
void saf_ended(struct saf *saf, bool good);
void saf_swept(struct saf *saf, bool good, int count);
void saf_looked(struct saf *saf, bool good, const struct saf_age *ages, int count);

/* One log line a link. */
void saf_log(const struct saf *saf);

#endif
