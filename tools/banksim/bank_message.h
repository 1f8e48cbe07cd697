/*
 * From a message of the acquirer to the bank's answer: the form is checked, the bank decides, the answer says
 * it. Pure, as bank.h is: what must be on disk before the answer leaves is handed back as a record.
 *
 * What each message needs and what answers it are protocol/profile.h's rows. An echo and advices need no
 * sign-on. An answer to a repeat is made from the record of the first time, so it is the same in every field.
 */
#ifndef BANKSIM_BANK_MESSAGE_H
#define BANKSIM_BANK_MESSAGE_H

#include "protocol/iso8583.h"
#include "tools/banksim/bank.h"
#include "tools/banksim/behaviours.h"
#include "tools/banksim/host_keys.h"

/* What a message came to, and beside that (from CHIP on) what its chip data did. COUNT(id, name in `show`) */
#define BANK_COUNTS(COUNT)                                                                                   \
        COUNT(APPROVED, "approved")                                                                          \
        COUNT(DECLINED, "declined")                                                                          \
        COUNT(INQUIRY, "inquiries")                                                                          \
        COUNT(COMPLETION, "completions")                                                                     \
        COUNT(PARTIAL, "partials")                                                                           \
        COUNT(REVERSAL, "reversals")                                                                         \
        COUNT(REPEAT, "repeats")                                                                             \
        COUNT(REFUSED, "not_booked")                                                                         \
        COUNT(PUT_OFF, "put_off")                                                                            \
        COUNT(CONTRADICTION, "contradictions")                                                               \
        COUNT(SIGN_ON, "sign_ons")                                                                           \
        COUNT(SIGN_OFF, "sign_offs")                                                                         \
        COUNT(ECHO, "echoes")                                                                                \
        COUNT(CUTOVER, "cutovers")                                                                           \
        COUNT(KEY_CHANGE, "key_changes")                                                                     \
        COUNT(KEY_CHANGE_REFUSED, "key_changes_refused")                                                     \
        COUNT(NOT_SIGNED_ON, "not_signed_on")                                                                \
        COUNT(WRONG_MAC, "wrong_macs")                                                                       \
        COUNT(FORMAT_ERROR, "format_errors")                                                                 \
        COUNT(UNSUPPORTED, "unsupported")                                                                    \
        COUNT(UNREADABLE, "unreadable")                                                                      \
        COUNT(CHIP, "chips")                                                                                 \
        COUNT(CHIP_WRONG, "chips_wrong")                                                                     \
        COUNT(SCRIPT, "scripts")                                                                             \
        COUNT(SCRIPT_RESULT, "script_results")

enum bank_count {
#define COUNT(id, name) BANK_COUNT_##id,
        BANK_COUNTS(COUNT)
#undef COUNT
            BANK_COUNT_COUNT
};
extern const char *const bank_count_name[BANK_COUNT_COUNT];

struct bank_desk {
        struct bank *bank;
        struct token_key *key;
        const struct lab_keys *keys;  /* that the message is under; NULL: none, and no PINs */
        const struct host_keys *ring; /* with keys: what takes newer ones */
        bool refuses_keys;            /* it is to refuse them */
        int64_t business_ms;
        struct behaviour_order order; /* what it is to answer with */
        bool signed_on;               /* of the connection; the message may change it */
};

struct bank_reply {
        enum bank_count count;
        bool close;   /* the connection can't go on: no answer, `why` says it */
        bool ordered; /* the order was followed: it would have been another answer without */
        bool has_chip, has_wrong_chip, has_script,
            has_result;  /* chip data: any; not its ATM's; a script goes; or what became of one comes */
        bool has_record; /* new: into the journal before the answer leaves */
        struct bank_record record;
        struct host_delivery
            delivery; /* a newer key set that it has accepted; set 0: none. Its blocks are in the message */
        struct iso_message answer;
        char why[192]; /* of a refusal that people should read; "" where there is nothing to say */
};

/* fault: what iso_decode said of the message, NULL where it was whole. */
void bank_message_take(struct bank_desk *desk, const struct iso_dialect *dialect,
                       const struct iso_message *message, const struct iso_error *fault,
                       struct bank_reply *ret_reply);

/* The same of a message whose MAC is wrong, and why: it is answered with that code, and nothing else comes of it. */
void bank_message_refuse_mac(const struct iso_message *message, const char *de39, const char *why,
                             struct bank_reply *ret_reply);

/* 0200, 0220, 0420 and their repeats. */
bool bank_message_is_about_money(const char *mti);

/* Spoil what the answer echoes, `choice` (any number) says what: DE 4, 7, 11 or 41. */
void bank_message_spoil(struct iso_message *answer, uint64_t choice);

#endif
