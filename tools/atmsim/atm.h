/*
 * One ATM as a state machine without sockets, files or clock: events come in through the functions below,
 * what is to be done comes out as actions in order. The shell (fleet.c) carries them out; unit tests look at
 * them.
 *
 *      IDLE --customer--> [INQUIRING -->] ASKING --declined--> IDLE
 *                                           |--approved: cash leaves--> ADVISING --acknowledged--> IDLE
 *                                           '--no answer in time: nothing leaves, 0420--> ADVISING
 *      ADVISING --completion acknowledged, and notes come back--> ADVISING
 *      ADVISING --acknowledged, and a reorder fault still has a 0200 or 0201 to send--> TRAILING --> IDLE
 *      any --power lost--> OFF --journal and dispenser read--> ADVISING or IDLE
 *
 * Invariants: one withdrawal at a time. A record goes before the message that it announces. Cash leaves only
 * for an approval that came in time, once for each withdrawal. A withdrawal whose 0200 is recorded ends in a
 * refusal or in an advice that was acknowledged; it is never sent again after a power loss.
 */
#ifndef ATMSIM_ATM_H
#define ATMSIM_ATM_H

#include "tools/atmsim/customer.h"
#include "tools/atmsim/faults.h"
#include "tools/atmsim/histogram.h"
#include "backoffice/journals/journal.h"
#include "keymodule/laboratory/lab_keys.h"
#include "tools/atmsim/recovery.h"

enum atm_state { ATM_OFF, ATM_IDLE, ATM_INQUIRING, ATM_ASKING, ATM_ADVISING, ATM_TRAILING };

enum atm_message {
        ATM_SIGN_ON,
        ATM_ECHO,
        ATM_KEY_CHANGE,
        ATM_INQUIRY,
        ATM_REQUEST,
        ATM_COMPLETION,
        ATM_REVERSAL
};

struct atm_habits {
        int64_t answer_timeout_us; /* then a repeat, or nothing is dispensed */
        int repeats;               /* of a 0200 without answer */
        int64_t advice_pause_us;   /* before the first repeat of an advice; doubles */
        int64_t advice_pause_max_us;
        int64_t echo_us; /* idle so long: an echo; 0: never */
};

enum outcome {
        OUTCOME_COMPLETED, /* all the cash left */
        OUTCOME_PARTIAL,
        OUTCOME_EMPTY, /* approved, but no cash left */
        OUTCOME_DECLINED,
        OUTCOME_UNANSWERED, /* given up: reversed without an answer that counted */
        OUTCOME_CANCELLED,  /* by the ATM itself, in a reorder fault */
        OUTCOME_COUNT
};
extern const char *const outcome_name[OUTCOME_COUNT];

/* What the fleet has seen since the start of the measured time. */
struct atm_counters {
        uint64_t started, ended[OUTCOME_COUNT];
        uint64_t recovered; /* of those: open when an ATM came up again */
        uint64_t inquiries, inquiries_lost, wrong_pins;
        uint64_t repeats, advice_repeats, late_answers, echoes;
        uint64_t key_changes, key_changes_refused; /* by the ATM: what it can't unwrap */
        uint64_t fault[FAULT_COUNT];
        uint64_t wrong;                 /* answers that contradict the protocol */
        uint64_t chip_answers, scripts; /* with what a bank has to say to a chip */
        uint64_t de39[100];             /* of withdrawals, each once */
        int64_t cash_yen, charged_yen;
        struct histogram request_us, inquiry_us, advice_us;
};

struct withdrawal {
        int32_t stan;
        int64_t transmitted_ms;
        int64_t amount_yen;
        uint32_t card; /* of the customers' cards; meaningless after a recovery */
        uint8_t token[TOKEN_LENGTH];
        char mask[20];
        bool answered; /* approved, in time */
        int64_t charge_yen;
        char rrn[13], approval[7];
        bool has_script; /* of its bank, with the approval; to be told of once. Forgotten with the power */
        int64_t paid_yen;
        int64_t came_us;    /* when its customer wanted it; 0: before a power loss */
        int64_t asked_ms;   /* what DE 7 of all that is asked for this customer says */
        enum pin_fault pin; /* of what is asked, in all copies */
        bool recovered;
};

struct advice {
        int32_t stan;
        int64_t transmitted_ms;
        bool reversal;
        char why[3];
        int64_t dispensed_yen;
        bool reports;    /* what became of the script */
        int64_t sent_us; /* first; 0: not by this life of the ATM */
        int64_t pause_us;
};

enum trail { TRAIL_NONE, TRAIL_REQUEST, TRAIL_REPEAT };

struct sim_atm {
        char terminal[9];
        enum atm_state state;
        bool connected, signed_on;
        bool echoing; /* or it waits for the answer to a key change */
        bool inquires;
        int32_t stan;         /* last used */
        int32_t inquiry_stan; /* also the echo's and the key change's */
        int64_t inquiry_ms;
        struct withdrawal w;
        struct advice advice;
        enum trail trail;
        int attempts;        /* at sending the present message */
        int copies;          /* of the 0200 that may have left */
        int64_t deadline_us; /* of the present wait; INT64_MAX: none */
        struct fault_plan plan;
};

/* An answer that was matched to what it answers and found right in form. */
struct atm_answer {
        enum atm_message what;
        int32_t stan;
        int64_t transmitted_ms;
        char de39[3];
        int64_t charge_yen;
        char rrn[13], approval[7];
        int offer; /* a newer key set that waits for the ATM; 0: none */
        struct lab_block key_blocks
            [LAB_KEY_BLOCKS]; /* of an answer to a key change that has them, in the message; else of no length */
        bool has_chip, has_script; /* its bank's */
};

enum atm_action_kind {
        ACTION_RECORD,    /* append to the journal */
        ACTION_PAY,       /* notes leave */
        ACTION_TAKE_BACK, /* notes of the last payment that nobody took come back */
        ACTION_SEND,      /* when all records are on disk */
        ACTION_CUT,       /* the connection, after what is to be sent */
        ACTION_POWER_OFF, /* after what is to be sent */
        ACTION_END,       /* of the withdrawal: the ATM is free */
};

struct atm_action {
        enum atm_action_kind kind;
        union {
                struct journal_record record;
                int64_t pay_yen; /* ACTION_PAY, ACTION_TAKE_BACK */
                struct {
                        enum atm_message what;
                        bool repeat;
                        bool cut_short; /* only some of its bytes leave */
                        enum mac_fault mac;
                        enum pin_fault pin;
                } send;
        };
};

enum { ATM_ACTIONS_MAX = 16 };

/* What an event needs and what it leads to. */
struct atm_turn {
        const struct atm_habits *habits;
        struct atm_counters *counters;
        int64_t now_us; /* monotonic */
        int64_t business_ms;
        int count;
        struct atm_action action[ATM_ACTIONS_MAX];
};

void atm_init(struct sim_atm *atm, const char terminal[9]);
/* May a customer begin? */
bool atm_is_free(const struct sim_atm *atm);
int32_t atm_next_stan(struct sim_atm *atm);

/* paid_yen: what left for the journal's last withdrawal, as the dispenser says; -1: it does not know. */
void atm_on_power(struct sim_atm *atm, struct atm_turn *turn, const struct recovery *recovery,
                  int64_t paid_yen);
/* The connection stands; signed_on: and 0800/001 was answered 00. May come again when that follows later. */
void atm_on_connected(struct sim_atm *atm, struct atm_turn *turn, bool signed_on);
void atm_on_disconnected(struct sim_atm *atm, struct atm_turn *turn);
/* token and mask stand for the customer's card. What is asked for the customer bears the turn's business time. */
void atm_on_customer(struct sim_atm *atm, struct atm_turn *turn, const struct customer *customer,
                     const uint8_t token[TOKEN_LENGTH], const char *mask);
void atm_on_answer(struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer);
/* Of a free ATM: it asks for the keys that are on offer. */
void atm_on_offer(struct sim_atm *atm, struct atm_turn *turn);
/* What it asked for is dealt with. taken: it uses new keys from now on, and shows that it does. */
void atm_on_keys(struct sim_atm *atm, struct atm_turn *turn, bool taken);
/* deadline_us has passed. */
void atm_on_deadline(struct sim_atm *atm, struct atm_turn *turn);

/* Withdrawals that have their end, whichever. */
uint64_t atm_counters_ended(const struct atm_counters *counters);

#endif
