/*
 * A fleet, a bad network, several daemons that crash, one database and several banks, in virtual time, out of
 * one seed.
 *
 *      atm.c       the ATMs: a small model of docs/protocol.md's dialogue, and the truth about cash
 *      network.c   messages and hang-ups on their way: late, lost, twice, out of order
 *      instance.c  a daemon: the real session.c, service.c and txn.c on a ledger in memory. A crash throws
 *                  all of it away; the database (struct memory_database) is one for all and stays
 *      modules.c   the daemons' key modules, and the ATMs that have keys
 *      pins.c      the PINs that customers type, and what must come of them
 *      lines.c     a daemon's way to the banks: the real bank_route.c, bank_session.c and saf.c
 *      bank.c      the banks: the decisions and the memory of banksim, which answer late, twice, wrongly or
 *                  never, hang up, and are down for a while
 *      faults.c    the rows of tests/faults/fault_table.def, one withdrawal each
 *      reference.c what operators have set, and what it costs by definition
 *      desk.c      the people: what they change, decide and close meanwhile
 *      check.c     the invariants, looked at with each commit and each answer that leaves
 *      books.c     those of the books
 *      sim.c       time, faults, beginning and end
 *
 * Everything that happens is an event of the queue, and faults happen between events, so that a daemon dies
 * at any step: with a batch waiting, in flight, committed and not answered, answered and the answer on its
 * way.
 */
#ifndef TESTS_SIMULATION_SIM_H
#define TESTS_SIMULATION_SIM_H

#include "tests/ledger_mem/ledger_mem.h"
#include "daemon/banks/saf.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "tests/contract/draws.h"
#include "tests/simulation/queue.h"
#include "tools/banksim/behaviours.h"
#include "tools/banksim/bank.h"

enum {
        SIM_ATMS_MAX = 12,
        SIM_INSTANCES_MAX = 3,
        SIM_BANKS_MAX = 3,
        SIM_LINES = 2, /* of a daemon to a bank */
        SIM_CARDS = 60,
        SIM_NUMBERS_MAX = 4, /* of a card: it is replaced less often */
        SIM_REFERENCES_MAX = 40,
        SIM_WAIT_MS = 90000, /* an ATM for an approval */
        SIM_CORRECT_MS = 300000,
        SIM_YOUNGEST_MS = 600000, /* when a person may decide */
        SIM_PIN_TEXT = 5,
        SIM_PIN_TRIES_MAX = 3,
        SIM_BLOCK_TEXT = 64, /* of a key block */
};

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
        X(ended_repeats)                                                                                     \
        X(corrections_accepted)                                                                              \
        X(corrections_refused)                                                                               \
        X(decided_by_people)                                                                                 \
        X(advices_after_people)                                                                              \
        X(people_refused)                                                                                    \
        X(notices_held)                                                                                      \
        X(notices_let_go)                                                                                    \
        X(cards_replaced)                                                                                    \
        X(replacements_refused)                                                                              \
        X(old_numbers_refused)                                                                               \
        X(quarters_closed)                                                                                   \
        X(closings_refused)                                                                                  \
        X(posted_late)                                                                                       \
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
        X(tariffs_added)                                                                                     \
        X(prefixes_moved)                                                                                    \
        X(halls_opened_otherwise)                                                                            \
        X(limits_changed)                                                                                    \
        X(links_moved)                                                                                       \
        X(taxes_changed)                                                                                     \
        X(holidays_added)                                                                                    \
        X(shares_changed)                                                                                    \
        X(atms_changed)                                                                                      \
        X(changes_refused)                                                                                   \
        X(cards_excluded)                                                                                    \
        X(stale_decisions)                                                                                   \
        X(congestions)                                                                                       \
        X(month_ends)                                                                                        \
        X(stalls)                                                                                            \
        X(clocks_set)                                                                                        \
        X(clocks_off)                                                                                        \
        X(clocks_lost)                                                                                       \
        X(asked)                                                                                             \
        X(bank_approvals)                                                                                    \
        X(bank_refusals)                                                                                     \
        X(bank_timeouts)                                                                                     \
        X(refused_without_asking)                                                                            \
        X(pending_repeats)                                                                                   \
        X(overtaken_outcomes)                                                                                \
        X(overtaken_approvals)                                                                               \
        X(reversed_while_asked)                                                                              \
        X(swept)                                                                                             \
        X(notices_taken)                                                                                     \
        X(notices_repeated)                                                                                  \
        X(leases_refused)                                                                                    \
        X(leases_taken_over)                                                                                 \
        X(bank_repeats)                                                                                      \
        X(bank_slow)                                                                                         \
        X(bank_late)                                                                                         \
        X(bank_silent)                                                                                       \
        X(bank_deaf)                                                                                         \
        X(bank_wrong_echo)                                                                                   \
        X(bank_duplicate)                                                                                    \
        X(bank_decline)                                                                                      \
        X(bank_hang_up)                                                                                      \
        X(bank_repeated)                                                                                     \
        X(bank_missing)                                                                                      \
        X(bank_case)                                                                                         \
        X(bank_again)                                                                                        \
        X(explained_by_cases)                                                                                \
        X(bank_down)                                                                                         \
        X(lines_opened)                                                                                      \
        X(lines_refused)                                                                                     \
        X(cut_lines)                                                                                         \
        X(lost_store_work)                                                                                   \
        X(macs_asked)                                                                                        \
        X(macs_late)                                                                                         \
        X(chip_answers)                                                                                      \
        X(scripts)                                                                                           \
        X(script_results)                                                                                    \
        X(wrong_macs)                                                                                        \
        X(questions_dropped)                                                                                 \
        X(key_sets_used)                                                                                     \
        X(key_changes)                                                                                       \
        X(key_changes_in_withdrawals)                                                                        \
        X(keys_read_for_messages)                                                                            \
        X(old_sets)                                                                                          \
        X(bank_wrong_macs)                                                                                   \
        X(bank_keys_kept)                                                                                    \
        X(bank_keys_refused)                                                                                 \
        X(bank_keys_forgotten)                                                                               \
        X(bank_keys_asked)                                                                                   \
        X(bank_keys_fetched)                                                                                 \
        X(modules_away)                                                                                      \
        X(pins_asked)                                                                                        \
        X(pins_wrong)                                                                                        \
        X(pins_missing)                                                                                      \
        X(pins_unreadable)                                                                                   \
        X(pins_cleared)                                                                                      \
        X(pins_blocked)                                                                                      \
        X(pins_unblocked)                                                                                    \
        X(pins_without_module)                                                                               \
        X(inquiries_stored)

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
        int stall, cut_line, bank_down, person, closing, exclusion, holding, replacing, clock; /* of events */
        int bank[BEHAVIOUR_COUNT]; /* of a bank's messages about money */
};

/* network ------------------------------------------------------------------------------------------- */

/* A connection as the network sees it: one way each. */
struct wire {
        bool is_cut;       /* nothing that is sent arrives any more */
        int64_t opened_ms; /* when the handshake is done; nothing arrives before */
};

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
        struct wire wire;
        struct frame *first, **last;     /* read, but not yet taken by the session */
        int64_t to_daemon_ms, to_atm_ms; /* the last arrivals: what is sent later comes later */
        struct session session;
        struct link *next;
};

/* A connection of a daemon to a bank. Kept to the end of the run as well. */
struct line {
        struct sim *sim;
        int instance, bank, number;
        uint64_t epoch;   /* the instance's life that it belongs to */
        bool daemon_open; /* it has a session */
        bool daemon_gone; /* the daemon has seen its end */
        bool bank_open;   /* as the bank sees it */
        bool signed_on;   /* the bank's mark */
        struct wire wire;
        int64_t to_bank_ms, to_daemon_ms;
        struct bank_session session;
        struct line *next;
};

/* banks --------------------------------------------------------------------------------------------- */

/* What a bank decided and remembers is durable before anybody hears of it: a loss of its process is a loss of
 * its connections and of the answers that had not left. */
struct sim_bank {
        struct sim *sim;
        int number;
        char name[ISSUER_MAX + 1]; /* of its link and of its issuer */
        struct iso_dialect dialect;
        struct bank_codes codes;
        struct bank *bank;
        bool runs;
        int key_set, kept_set,
            newest_set;       /* that it uses, that it has, and that there is; 0: its link has no keys */
        int asked_stan;       /* of its last request for keys */
        enum behaviour order; /* for the next message about money; BEHAVIOUR_NORMAL: as the rates say */
};

/* ATMs ---------------------------------------------------------------------------------------------- */

enum withdrawal_phase {
        PHASE_ASKED,     /* no answer yet */
        PHASE_DISPENSES, /* approved, the notes are not counted yet */
        PHASE_REFUSED,
        PHASE_ENDED, /* its advice is written down, and to be sent until acknowledged */
};

/* For an identity, in all its copies. */
enum sim_typed { TYPED_RIGHT, TYPED_WRONG, TYPED_NONE, TYPED_UNREADABLE };

struct atm_withdrawal {
        struct ledger_identity identity;
        int64_t amount_yen;
        int card; /* as sim_pan has it */
        enum sim_typed typed;
        enum withdrawal_phase phase;
        int64_t dispensed_yen; /* the truth */
        int repeats;
        char heard[3];    /* DE 39 of the answer that counted; "" none */
        bool is_sealed;   /* a copy left with the right MAC, or it needs none */
        bool is_mistaken; /* a copy left without, or under a set that the ATM has done with */
        int key_set;      /* of the first copy */
        bool has_script;  /* its bank's, with the answer that counted */
};

struct atm_inquiry {
        struct ledger_identity identity;
        enum sim_typed typed;
};

struct atm_advice {
        struct ledger_identity identity;
        size_t withdrawal;
        bool reversal, has_replacement; /* DE 95 */
        int64_t dispensed_yen;
        const char *why;
        bool acknowledged;
        int sent;
        bool is_sealed, is_mistaken;
        int key_set;
        bool reports; /* what became of the script */
};

enum atm_task {
        TASK_NONE,
        TASK_SIGNS_ON,
        TASK_ASKS,
        TASK_INQUIRES,
        TASK_DISPENSES,
        TASK_ADVISES,
        TASK_ECHOES,
        TASK_CHANGES_KEYS
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
        int key_set, newest_set; /* that it uses, and that there is for it; 0: it has no keys */
        int offered_set;         /* that it has heard of */
        bool is_mistaken;        /* the message that it sent last */
        uint64_t timer;          /* its epoch */
        int failures;            /* to connect, since the last answer */
        unsigned connects;
        struct atm_withdrawal *withdrawals; /* all there ever were; the last may be unfinished */
        size_t withdrawal_count;
        struct atm_advice *advices;
        size_t advice_count, first_open;
        struct atm_inquiry *inquiries; /* that it has asked */
        size_t inquiry_count;
};

/* daemons ------------------------------------------------------------------------------------------- */

struct instance {
        struct sim *sim;
        int number;
        uint64_t epoch;
        bool runs, drains, is_cut; /* off from the database */
        struct service *service;
        struct session_env sessions;
        struct ledger *ledger;
        bool ledger_armed, relief_armed;
        int64_t tick_ms; /* when its deadlines are looked at next; 0: never */
        int64_t skew_ms; /* of its clock */
        struct clock_watch clock;
        int64_t stalled_until_ms; /* it stands still: SIGSTOP */
        /* modules.c: */
        struct session_keys keys;
        struct module_question *asked; /* of its key module, in the order in which it answers */
        struct key_rings *rings;       /* as it has read them */
        size_t words_read;             /* of the database's */
        TAILQ_HEAD(, key_reader) readers;
        int64_t module_back_ms, module_stalled_until_ms;
        /* lines.c: */
        struct bank_routes routes;
        struct saf *saf;
        struct sim_store *store;
        struct line *line[SIM_BANKS_MAX][SIM_LINES]; /* NULL: none; its connecting is armed */
        int connect_failures[SIM_BANKS_MAX][SIM_LINES];
        int64_t banks_ms;       /* as tick_ms */
        bool stirred;           /* something may have ended that the store must hear of */
        bool is_doomed, is_due; /* to die when its ledger has come to the stage, or has just left it */
        enum ledger_mem_stage doom;
        bool doomed_after;
};

/* A card as the checks see it. */
struct sim_card {
        uint8_t token[SIM_NUMBERS_MAX][CARD_TOKEN_LENGTH]; /* of each number that it had; the last is good */
        int number_count;
        int bank;             /* -1: the house bank's */
        int32_t excluded_day; /* from then on by the desk; INT32_MAX: not */
        bool has_pin;         /* its bank knows what its PIN is compared with */
        int pin_tries;        /* wrong ones that count */
        int64_t opening_yen;
        const struct memory_withdrawal **used; /* all with it that were approved, or left to its bank */
        size_t used_count;
};

/* What operators change while withdrawals are under way. What a price follows from holds from a later day on. */
enum sim_change_kind {
        SIM_CHANGE_TARIFF, /* of an issuer; value: the customer's fee */
        SIM_CHANGE_PREFIX, /* of an issuer to another, `value` */
        SIM_CHANGE_HOURS, /* of the first hall; value: the hour at which it opens, for six hours; -1: always open */
        SIM_CHANGE_LIMIT, /* a card's cash a day */
        SIM_CHANGE_LINK,  /* of an issuer to another's bank, `value` */
        SIM_CHANGE_TAX,   /* `value`: basis points */
        SIM_CHANGE_HOLIDAY,
        SIM_CHANGE_SHARE, /* of the first hall; `value`: basis points */
        SIM_CHANGE_ATM,   /* `issuer` is its number, `value` below */
        SIM_CHANGE_KINDS
};

enum { SIM_ATM_SERVES, SIM_ATM_DISABLED, SIM_ATM_BARRED };
enum { SIM_CHANGED_INTERBANK_YEN = 90 };

struct sim_change {
        enum sim_change_kind kind;
        int issuer; /* from 1: the banks' */
        int32_t day;
        int value;
};

/* A quarter when it was closed: the rows that were posted in it, and what they sum to. */
struct sim_closed {
        int32_t from_day, to_day; /* both included */
        int64_t rows, withdrawals, cash_yen, fees_yen;
};

/* One row of the table of faults at work: faults.c. */
struct sim_script;

/* the whole ----------------------------------------------------------------------------------------- */

struct sim_decision; /* check.c */

struct sim {
        uint64_t seed;
        struct draws random;
        struct queue queue;
        int64_t now_ms;
        bool calm;       /* no faults, no new business: towards the end */
        bool trace;      /* tell everything */
        uint64_t digest; /* of all that happened: the same seed, the same digest */
        struct sim_rates rates;
        struct sim_counters *counters;
        struct token_key *token_key; /* not owned */
        struct draws key_random;
        struct key_rings *rings;    /* the database's */
        struct key_word *key_words; /* what became of sets, in the order in which it was committed */
        size_t key_word_count;
        bool has_keys;   /* some ATMs may have some */
        bool wants_pins; /* the house bank wants them */
        int wrong_pins_permille;

        int atm_count, instance_count;
        int64_t pause_ms;   /* between two customers */
        int storm;          /* events for which faults are likelier: misfortunes come together */
        bool is_rough;      /* the network may lose, double and reorder within a connection */
        bool fumbles;       /* ATMs often dispense in part, and count again */
        int64_t late_ms[2]; /* how late an answer of a bank may be */
        size_t open_max;
        struct machine atms[SIM_ATMS_MAX];
        struct instance instances[SIM_INSTANCES_MAX];
        struct link *links;
        struct line *lines;
        int bank_count;
        struct sim_bank banks[SIM_BANKS_MAX];
        int64_t echo_interval_ms;               /* of the daemons towards banks */
        const struct memory_withdrawal **asked; /* their banks were asked and nothing is decided */
        size_t asked_count;
        struct sim_script *script; /* NULL: chance decides */
        struct memory_database *database;
        struct reference *references[SIM_REFERENCES_MAX];
        struct reference *torn[SIM_REFERENCES_MAX]; /* where the defect is wanted */
        int reference_count;
        struct sim_change changes[SIM_REFERENCES_MAX]; /* in each version from the next on */
        int change_count;

        struct memory_saf_key *held; /* notices that people hold back */
        size_t held_count;
        struct sim_closed *closed; /* the last one last */
        int closed_count;

        struct sim_card cards[SIM_CARDS];
        struct sim_decision *decisions;
        struct sim_record *records; /* check.c: what banks have written down */
        char violated[16];          /* "I1"; "" so far none */
        char violation[512];
};

/* sim.c */
struct sim *sim_new(uint64_t seed, enum ledger_mem_defect defect, struct token_key *token_key,
                    struct sim_counters *counters, bool trace);
/* One withdrawal and one fault: faults.c. False: an invariant did not hold, or it was never done. */
struct sim *sim_new_script(uint64_t seed, struct sim_script *script, struct token_key *token_key,
                           struct sim_counters *counters, bool trace);
bool sim_run_script(struct sim *sim, int steps, bool (*is_done)(const struct sim *sim));
/* True: every invariant held for `steps` events and to the end after them. */
bool sim_run(struct sim *sim, int steps);
void sim_free(struct sim *sim);
void sim_put(struct sim *sim, int64_t delay_ms, struct event event);
bool sim_chance(struct sim *sim, int permille); /* of a fault: none any more when calm */
/* The number of a card: valid, and the same in every run. `card` is its place, and SIM_CARDS more for each time that it was
 * replaced. */
void sim_pan(const struct sim *sim, int card, char buffer[17]);
ATM_PRINTF(2, 3) void sim_tell(struct sim *sim, const char *format, ...);
ATM_PRINTF(3, 4) void sim_violate(struct sim *sim, const char *invariant, const char *format, ...);

/* reference.c */
int32_t sim_day_of(const char *text);
void sim_must(bool good, const char *error);
const struct reference *reference_of_now(struct sim *sim);
/* Operators change what holds; the daemons hear of it in their time. */
void sim_change_reference(struct sim *sim, const struct sim_change *change);
/* What it costs by what has been set up to now, and whose card it is, but for the tariff's day and the tax rate. own_issuer: of the
 * card's number in the beginning. */
const char *reference_price_of(const struct sim *sim, const struct memory_withdrawal *w, int own_issuer,
                               struct price *ret_price);
/* Why it could not be approved at this moment; NULL: it could. */
const char *reference_refusal(const struct sim *sim, const struct memory_withdrawal *w);

/* network.c */
/* The event carries the message to its end of the wire; *last_ms is the arrival of the one before it. */
void network_carry(struct sim *sim, const struct wire *wire, struct event event, int64_t *last_ms,
                   const uint8_t *bytes, size_t length);
/* The end of a connection is seen after all that was sent on it. */
void network_carry_end(struct sim *sim, struct event event, int64_t last_ms);

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
/* Somebody sets its machine's clock, to so much ahead of the right time. */
void instance_set_clock(struct instance *instance, int64_t skew_ms);
int64_t instance_real_ms(void *instance);
/* It dies at once. */
void instance_crash(struct instance *instance);
/* It stands still for so long; whatever reaches it waits. */
void instance_stall(struct instance *instance, int64_t ms);
/* Everything that the daemon will do by itself gets its event. */
void instance_arm(struct instance *instance);

/* modules.c */
void modules_open(struct sim *sim, bool may_have_keys);
void modules_close(struct sim *sim);
/* Some ATMs get their first set. */
void modules_give_keys(struct machine *atm);
/* After them: the same of a bank's link. */
void modules_give_bank_keys(struct sim_bank *bank);
/* What a bank says, with a MAC where its link has keys, now and then another thing under a wrong one; and whether what it hears has the one that it must have. */
size_t modules_bank_seal(struct sim_bank *bank, struct iso_message *message, bool is_spoilt,
                         uint8_t bytes[ISO_MESSAGE_MAX]);
bool modules_bank_hears_right(const struct sim_bank *bank, const struct iso_message *message,
                              const uint8_t *bytes, size_t length);
/* Of a message that it takes: where that offers it a newer set of keys, whether it keeps it, and what it answers. */
void modules_bank_hears_offer(struct sim_bank *bank, const struct iso_message *message,
                              struct iso_message *answer);
/* Now and then it asks for its newest keys; and takes them. */
bool modules_bank_asks(struct sim_bank *bank, struct iso_message *ret_message);
void modules_bank_hears_keys(struct sim_bank *bank, const struct iso_message *answer);
/* The message as the ATM sends it, with a MAC if it has keys. The size; right: with the MAC that it must have. */
size_t modules_seal(struct machine *atm, struct iso_message *message, uint8_t bytes[ISO_MESSAGE_MAX],
                    bool *ret_right);
bool modules_answer_is_right(const struct machine *atm, const struct iso_message *answer,
                             const uint8_t *bytes, size_t length);
/* The PIN key of a terminal's set. */
void modules_pin_block(char ret_block[SIM_BLOCK_TEXT], const char *terminal, int set);
void module_start(struct instance *instance);
/* It is away for so long, or stands still: then it is given up with the first question that waits too long. */
void module_kill(struct instance *instance, int64_t ms);
void module_stall(struct instance *instance, int64_t ms);
void module_throw_away(struct instance *instance);
void module_event(struct instance *instance);
void module_keys_event(struct instance *instance);
/* A message with an answer for it is heard: does the ATM know now of a set that it should fetch; has it fetched it? */
void modules_hear_offer(struct machine *atm, const struct iso_message *answer);
void modules_hear_keys(struct machine *atm, const struct iso_message *answer);
/* It fetches it now. */
bool modules_want_keys(struct machine *atm);
/* It is refused for its key: may it be? */
void modules_check_refusal(const struct machine *atm, const struct iso_message *answer);

/* pins.c */
void pins_open(struct sim *sim);
/* The key that the house bank's PINs are verified with. */
void pins_put_key(const struct sim *sim, struct key_rings *rings);
void pins_of(int card, char ret_pin[SIM_PIN_TEXT]);
void pins_give_card(struct sim *sim, int card);
enum sim_typed pins_type(struct machine *atm);
void pins_add(struct machine *atm, struct iso_message *message, int card, enum sim_typed typed);
enum key_code pins_verify(const struct key_message *message, char ret_value[SIM_PIN_TEXT]);
void pins_check(struct sim *sim, const struct ledger_op *op);
void pins_unblock(struct sim *sim);

/* lines.c */
void lines_start(struct instance *instance);
/* A crash: it all goes, and nobody is told but the banks, in time. */
void lines_throw_away(struct instance *instance);
void lines_drain(struct instance *instance);
bool lines_are_quiet(const struct instance *instance);
void lines_stop(struct instance *instance);
void lines_set_cut(struct instance *instance); /* the database is gone, or there again */
void lines_arm(struct instance *instance);
/* No echoes any more: there is always one more. */
void lines_calm_down(struct instance *instance);
/* Deadlines, and whatever store and forward may do now. */
void lines_tick(struct instance *instance);
void lines_event(struct instance *instance, const struct event *event); /* BANKS, STORE, CONNECT */
void line_event(struct line *line, struct event *event);
void line_cut(struct line *line); /* by the network */
void line_free(struct line *line);

/* bank.c */
void bank_open(struct sim *sim, int number);
void bank_close(struct sim_bank *bank);
void bank_hear(struct sim_bank *bank, struct line *line, const uint8_t *bytes, size_t length);
/* So long it is gone. */
void bank_go_down(struct sim_bank *bank, int64_t ms);
void bank_come_up(struct sim_bank *bank);

struct link *link_connect(struct machine *atm, int instance);
void link_send(struct link *link, const uint8_t *bytes, size_t length); /* by the ATM */
void link_hang_up(struct link *link);                                   /* by the ATM */
void link_cut(struct link *link); /* by the network: both ends learn of it, each in its time */
void link_event(struct link *link, struct event *event);
void link_free(struct link *link);

/* faults.c: each row of the table, in every dialect, at every step of its moment. False: some row did not end
 * as it says. */
bool faults_play(struct token_key *token_key, struct sim_counters *counters, const char *only, bool trace);
/* What a script asks for. */
bool script_wants_keys(const struct sim *sim);
bool script_wants_customer(const struct sim *sim);
int script_card(const struct sim *sim);
int64_t script_amount_yen(const struct sim *sim);
int64_t script_dispensed_yen(const struct sim *sim);
int script_repeats(const struct sim *sim);
int64_t script_patience_ms(const struct sim *sim);
int64_t script_slow_ms(const struct sim *sim);
/* Which of the bank's `count` codes is its turn. */
uint64_t script_choice(struct sim *sim, size_t count);
/* What is told to the script as it happens. */
enum behaviour script_behaviour(struct sim *sim, struct sim_bank *bank, struct line *line, const char *mti);
void script_after_event(struct sim *sim);
void script_heard_bank(struct sim *sim);
void script_checked_bank(struct sim *sim); /* the MAC of what it said */
void script_decided(struct sim *sim, const struct ledger_op *op);

/* atm.c */
void atm_start(struct machine *atm);
void atm_timer(struct machine *atm, uint64_t epoch);
void atm_hear(struct machine *atm, struct link *link, const uint8_t *bytes, size_t length);
void atm_hung_up(struct machine *atm, struct link *link);
void atm_lose_power(struct machine *atm);
bool atm_is_quiet(const struct machine *atm);
void atm_free(struct machine *atm);

/* check.c */
struct sim_card *check_find_card(struct sim *sim, const uint8_t token[CARD_TOKEN_LENGTH]);
void check_commit(struct memory_database *database, const struct ledger_op *op, void *context);
/* What people are told of a withdrawal that its bank would not book. */
bool check_has_case(const struct sim *sim, const struct ledger_identity *identity);
/* What a bank holds for a withdrawal. */
int64_t check_held_yen(const struct sim *sim, const struct ledger_identity *identity);
/* A bank has written it down. */
void check_record(struct sim *sim, int bank, const struct bank_record *record);
/* A daemon has got it from the store, to send it. */
void check_taken(struct sim *sim, const struct ledger_identity *identity, int seq);
void check_payment(struct sim *sim, const struct ledger_identity *identity);
void check_answer(struct sim *sim, const struct link *link, const uint8_t *bytes, size_t length);
void check_end(struct sim *sim);
void check_free(struct sim *sim);

/* books.c */
/* Of the last advice. */
void check_postings(struct sim *sim, const struct memory_withdrawal *w);
void check_sums(struct sim *sim);
/* The quarter was just closed. */
void check_closed(struct sim *sim, int32_t from_day, int32_t to_day);

/* desk.c */
void desk_changes_reference(struct sim *sim);
void desk_excludes(struct sim *sim);
void desk_decides(struct sim *sim);
/* Holds a notice back, or lets one go. */
void desk_holds(struct sim *sim);
void desk_lets_go(struct sim *sim); /* of all */
void desk_replaces(struct sim *sim);
void desk_closes(struct sim *sim);

#endif
