/*
 * A fleet, a bad network, several daemons that crash and one database, in virtual time, out of one seed.
 *
 *      atm.c       the ATMs: a small model of wire.md's dialogue, and the truth about cash
 *      network     messages and hang-ups on their way (instance.c): late, lost, twice, out of order
 *      instance.c  a daemon: the real session.c, service.c and txn.c on a ledger in memory. A crash throws
 * all of it away; the database (struct memory_database) is one for all and stays check.c     the invariants,
 * looked at with each commit and each answer that leaves sim.c       time, faults, beginning and end
 *
 * Everything that happens is an event of the queue, and faults happen between events, so that a daemon dies
 * at any step: with a batch waiting, in flight, committed and not answered, answered and the answer on its
 * way.
 */
#ifndef TESTS_SIMULATION_SIM_H
#define TESTS_SIMULATION_SIM_H

#include "daemon/ledger_mem.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "tests/contract/random.h"
#include "tests/simulation/queue.h"

enum { SIM_ATMS_MAX = 12, SIM_INSTANCES_MAX = 3, SIM_CARDS = 48, SIM_REFERENCES_MAX = 40 };

/* What is counted; a run over many seeds in which something never happened tests less than it says. */
#define SIM_COUNTERS(X)                                                                                      \
        X(events)                                                                                            \
        X(requests)                                                                                          \
        X(repeats)                                                                                           \
        X(inquiries)                                                                                         \
        X(approvals)                                                                                         \
        X(refusals)                                                                                          \
        X(stored_answers)                                                                                    \
        X(cannot_decide)                                                                                     \
        X(completions)                                                                                       \
        X(partial_dispenses)                                                                                 \
        X(reversals)                                                                                         \
        X(corrections)                                                                                       \
        X(blocked)                                                                                           \
        X(over_limit)                                                                                        \
        X(silences)                                                                                          \
        X(connections)                                                                                       \
        X(replaced_connections)                                                                              \
        X(cut_connections)                                                                                   \
        X(lost_messages)                                                                                     \
        X(doubled_messages)                                                                                  \
        X(overtaken_messages)                                                                                \
        X(late_messages)                                                                                     \
        X(crashes_idle)                                                                                      \
        X(crashes_waiting)                                                                                   \
        X(crashes_in_flight)                                                                                 \
        X(crashes_after_commit)                                                                              \
        X(crashes_after_answer)                                                                              \
        X(drains)                                                                                            \
        X(lost_batches)                                                                                      \
        X(database_losses)                                                                                   \
        X(power_losses)                                                                                      \
        X(reference_changes)                                                                                 \
        X(stale_decisions)                                                                                   \
        X(congestions)                                                                                       \
        X(month_ends)

struct sim_counters {
#define X(name) int64_t name;
        SIM_COUNTERS(X)
#undef X
};

/* How likely each fault is, drawn from the seed: per mille of messages, or of events. */
struct sim_rates {
        int lost, doubled, overtaken, late, very_late;     /* of messages */
        int cut, crash, drain, database, power, reference; /* of events */
        int lost_batch, slow_batch;                        /* of the ledger's stages */
};

/* network ------------------------------------------------------------------------------------------- */

struct frame {
        uint8_t *bytes;
        size_t length;
        struct frame *next;
};

/* One connection. It is kept to the end of the run: late events still name it. */
struct link {
        struct sim *sim;
        int atm, instance;
        uint64_t epoch;   /* the instance's life that it belongs to */
        bool atm_open;    /* as the ATM sees it */
        bool daemon_open; /* it has a session */
        bool closing;     /* the session asked for its end */
        bool paused;
        bool is_cut;                     /* by the network: nothing that is sent arrives any more */
        struct frame *first, **last;     /* read, but not yet taken by the session */
        int64_t opened_ms;               /* when the handshake is done; nothing arrives before */
        int64_t to_daemon_ms, to_atm_ms; /* the last arrivals: what is sent later comes later */
        struct session session;
        struct link *next;
};

/* ATMs ---------------------------------------------------------------------------------------------- */

enum withdrawal_phase {
        PHASE_ASKED,     /* no answer yet */
        PHASE_DISPENSES, /* approved, the notes are not counted yet */
        PHASE_REFUSED,
        PHASE_ENDED, /* its advice is written down, and to be sent until acknowledged */
};

struct atm_withdrawal {
        struct ledger_identity identity;
        int64_t amount_yen;
        int card;
        enum withdrawal_phase phase;
        int64_t dispensed_yen; /* the truth */
        int repeats;
};

struct atm_advice {
        struct ledger_identity identity;
        size_t withdrawal;
        bool reversal, has_replacement; /* DE 95 */
        int64_t dispensed_yen;
        const char *why;
        bool acknowledged;
        int sent;
};

enum atm_task {
        TASK_NONE,
        TASK_SIGNS_ON,
        TASK_ASKS,
        TASK_INQUIRES,
        TASK_DISPENSES,
        TASK_ADVISES,
        TASK_ECHOES
};

struct machine {
        struct sim *sim;
        int number;
        char terminal[TERMINAL_LENGTH + 1];
        bool has_power, signed_on, advises_first; /* before it signs on */
        bool own_numbers;                         /* its advices have STAN and DE 7 of their own */
        bool hides_repeats;                       /* it repeats with 0200 instead of 0201 */
        int64_t skew_ms;
        int32_t stan;
        enum atm_task task;
        struct ledger_identity awaited; /* of the message whose answer it waits for */
        struct link *link;
        uint64_t timer;                     /* its epoch */
        int failures;                       /* to connect, since the last answer */
        struct atm_withdrawal *withdrawals; /* all there ever were; the last may be unfinished */
        size_t withdrawal_count;
        struct atm_advice *advices;
        size_t advice_count, first_open;
};

/* daemons ------------------------------------------------------------------------------------------- */

struct instance {
        struct sim *sim;
        int number;
        uint64_t epoch;
        bool runs, drains, is_cut; /* off from the database */
        struct service *service;
        struct ledger *ledger;
        bool ledger_armed, tick_armed, relief_armed;
        bool is_doomed, is_due; /* to die when its ledger has come to the stage, or has just left it */
        enum ledger_mem_stage doom;
        bool doomed_after;
};

/* A card as the checks see it. */
struct sim_card {
        uint8_t token[CARD_TOKEN_LENGTH];
        const struct memory_withdrawal **approved; /* all with this card */
        size_t approved_count;
};

/* the whole ----------------------------------------------------------------------------------------- */

struct sim_decision; /* check.c */

struct sim {
        uint64_t seed;
        struct random random;
        struct queue queue;
        int64_t now_ms;
        bool calm;       /* no faults, no new business: towards the end */
        bool trace;      /* tell everything */
        uint64_t digest; /* of all that happened: the same seed, the same digest */
        struct sim_rates rates;
        struct sim_counters *counters;
        struct token_key *token_key; /* not owned */

        int atm_count, instance_count;
        int64_t pause_ms; /* between two customers */
        int storm;        /* events for which faults are likelier: misfortunes come together */
        bool is_rough;    /* the network may lose, double and reorder within a connection */
        size_t open_max;
        struct machine atms[SIM_ATMS_MAX];
        struct instance instances[SIM_INSTANCES_MAX];
        struct link *links;
        struct memory_database *database;
        struct reference *references[SIM_REFERENCES_MAX];
        int reference_count;

        struct sim_card cards[SIM_CARDS];
        struct sim_decision *decisions;
        char violated[16]; /* "I1"; "" so far none */
        char violation[512];
};

/* sim.c */
struct sim *sim_new(uint64_t seed, enum ledger_mem_defect defect, struct token_key *token_key,
                    struct sim_counters *counters, bool trace);
/* True: every invariant held for `steps` events and to the end after them. */
bool sim_run(struct sim *sim, int steps);
void sim_free(struct sim *sim);
void sim_put(struct sim *sim, int64_t delay_ms, struct event event);
bool sim_chance(struct sim *sim, int permille); /* of a fault: none any more when calm */
/* The number of a card: valid, and the same in every run. */
void sim_pan(int card, char buffer[17]);
ATM_PRINTF(2, 3) void sim_tell(struct sim *sim, const char *format, ...);
ATM_PRINTF(3, 4) void sim_violate(struct sim *sim, const char *invariant, const char *format, ...);

/* instance.c */
void instance_start(struct instance *instance);
void instance_doom(struct instance *instance);
/* With each event: has the doomed daemon come to where it dies? */
void instance_fate(struct instance *instance);
void instance_drain(struct instance *instance);
void instance_set_cut(struct instance *instance, bool is_cut);
void instance_event(struct instance *instance, const struct event *event);
bool instance_is_quiet(const struct instance *instance);
void instance_free(struct instance *instance);

struct link *link_connect(struct machine *atm, int instance);
void link_send(struct link *link, const uint8_t *bytes, size_t length); /* by the ATM */
void link_hang_up(struct link *link);                                   /* by the ATM */
void link_cut(struct link *link); /* by the network: both ends learn of it, each in its time */
void link_event(struct link *link, struct event *event);
void link_free(struct link *link);

/* atm.c */
void atm_start(struct machine *atm);
void atm_timer(struct machine *atm, uint64_t epoch);
void atm_hear(struct machine *atm, struct link *link, const uint8_t *bytes, size_t length);
void atm_hung_up(struct machine *atm, struct link *link);
void atm_lose_power(struct machine *atm);
bool atm_is_quiet(const struct machine *atm);
void atm_free(struct machine *atm);

/* check.c */
void check_commit(struct memory_database *database, const struct ledger_op *op, void *context);
void check_answer(struct sim *sim, const struct link *link, const uint8_t *bytes, size_t length);
void check_sums(struct sim *sim);
void check_end(struct sim *sim);
void check_free(struct sim *sim);

#endif
