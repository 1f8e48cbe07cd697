/*
 * The MAC of a message, on its way in or out: one that has come is checked before anybody reads it, one that is ready is given its MAC before it leaves.
 *
 *      IDLE --session_mac_check--> CHECKING --the module has answered, or has not--> IDLE, `checked`
 *      IDLE --session_mac_check, of a set newer than all that are known--> READING --it is known now--> CHECKING
 *                                                                             '--it is not--> IDLE, `checked`
 *      IDLE --session_mac_seal---> MAKING ----the same-----------------------------> IDLE, `made`
 *      any  --session_mac_drop---> IDLE, and nobody is told
 *
 * One message is with the key module at a time: its bytes are kept here meanwhile, so that nothing is allocated for it, and wiped as soon as they are
 * not needed any more. An ATM's session has one of these; a link's, where many messages are on their way at once, one for each (daemon/banks/bank_macs.h). Another
 * instance may have handed a set over that this one has not read of yet: then the keys are read before anything is said of the message. A terminal or link that has, or had,
 * keys must use them; one that never had any needs no MAC, and never gets past IDLE.
 */
#ifndef DAEMON_MACS_SESSION_MAC_H
#define DAEMON_MACS_SESSION_MAC_H

#include "daemon/macs/session_keys.h"
#include "protocol/iso8583.h"

enum session_mac_state { SESSION_MAC_IDLE, SESSION_MAC_READING, SESSION_MAC_CHECKING, SESSION_MAC_MAKING };

enum session_mac_result {
        SESSION_MAC_GOOD,
        SESSION_MAC_WRONG,
        SESSION_MAC_SILENT, /* the module is away, slow, or can't use the key: nobody knows */
};

/* Whom messages are exchanged with: which keys are theirs, and where their dialect has what belongs to a MAC. */
struct session_mac_side {
        enum key_owner owner_kind;
        enum key_purpose theirs, ours; /* of what comes; of what leaves */
        const struct iso_dialect *dialect;
        bool tells; /* each answer has the number of a newer set; else only what hands it over */
};
extern const struct session_mac_side session_mac_terminals; /* all of them */

struct session_mac;

struct session_mac_events {
        /* why: of a MAC that is wrong. The bytes are the message that was checked, until this returns. */
        void (*checked)(struct session_mac *mac, enum session_mac_result result, const char *why);
        /* GOOD: the bytes are to be sent. */
        void (*made)(struct session_mac *mac, enum session_mac_result result);
};

struct session_mac {
        const struct session_mac_events *events;
        const struct session_keys *keys; /* NULL: nobody has any */
        const struct session_mac_side *side;
        const char *owner; /* terminal or link */
        enum session_mac_state state;
        int set; /* of the message at hand, and so of its answer; 0: the one that the owner is to use */
        bool is_unused;  /* that set, before this message */
        bool hands_over; /* what leaves has the keys of the set on offer */
        int64_t wrong;   /* in a row, of an ATM's */
        uint16_t length, covered;
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct key_question question;
        struct key_reader reader;
};

/* All are borrowed. */
void session_mac_begin(struct session_mac *mac, const struct session_mac_events *events,
                       const struct session_keys *keys, const struct session_mac_side *side,
                       const char *owner);

/* Another message is at hand, whatever it is. */
void session_mac_next(struct session_mac *mac);

enum session_mac_need {
        SESSION_MAC_NOT_NEEDED,
        SESSION_MAC_ASKED,   /* `checked` follows */
        SESSION_MAC_REFUSED, /* it has none, or under no set that is good: *ret_why */
        SESSION_MAC_UNASKED, /* the module is away */
};
/* A message that was decoded whole from these bytes; an ATM's also one that profile_check and profile_check_security have accepted. */
enum session_mac_need session_mac_check(struct session_mac *mac, const struct iso_message *message,
                                        const uint8_t *bytes, size_t length, const char **ret_why);

/* Whether what leaves for the owner needs a MAC. */
bool session_mac_is_needed(const struct session_mac *mac);
/* The message at hand is to hand over the keys of the set that is on offer; where none is, it has none. */
void session_mac_hand_over(struct session_mac *mac);
/*
 * Encodes the answer with KS, KN where a newer set is on offer, and room for its MAC, which the module is asked for: ASKED, and `made` follows; UNASKED where it is away. REFUSED: it can't be
 * encoded, *ret_error says why.
 */
enum session_mac_need session_mac_seal(struct session_mac *mac, struct iso_message *message,
                                       struct iso_error *ret_error);

/* Whatever is asked is of no interest any more. */
void session_mac_drop(struct session_mac *mac);

#endif
