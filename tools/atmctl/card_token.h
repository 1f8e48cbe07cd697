/*
 * From a card number to its token, here and nowhere else in atmctl: the number comes from standard input or
 * a file of mode 0600, never from the command line, and is wiped as soon as its token is known.
 */
#ifndef ATMCTL_CARD_TOKEN_H
#define ATMCTL_CARD_TOKEN_H

#include "lib/security/token.h"
#include "tools/atmctl/command.h"

enum { CARD_MASK_TEXT = 20 }; /* "990001******0001", as pan_mask writes it */
enum { TOKEN_TEXT = 37, CARD_NUMBER_TEXT = 64 };

/* NULL after a complaint: there is none, or it is not the one that the database's cards have their tokens from. */
struct token_key *card_token_key(const struct invocation *invocation);
/* The same, whether or not the database's tokens are made with it; and which file it is. */
struct token_key *card_token_key_file(const struct invocation *invocation, const char **ret_path);
/* A card number from the next line of standard input, checked; which: "first". The caller wipes it. False after a
 * complaint. */
ATM_MUST_USE bool card_number_read(const char *which, char ret_pan[CARD_NUMBER_TEXT]);
/* Nothing may follow what was read: it would be a number that was given for nothing. At a terminal nobody waits for it. False
 * after a complaint. */
ATM_MUST_USE bool card_number_last(const char *which);
/* The card that --card - or --token names, and its mask, "" where the token was given. EXIT_DONE, or the exit code after a complaint. */
ATM_MUST_USE int card_given(const struct invocation *invocation, char ret_token[TOKEN_TEXT],
                            char ret_mask[CARD_MASK_TEXT]);
/* The card that --card - or --token names. EXIT_DONE, or the exit code after a complaint. */
ATM_MUST_USE int card_token_given(const struct invocation *invocation, char ret_token[TOKEN_TEXT]);

#endif
