/*
 * What the tests share: the laboratory that lab.env describes, ATMs that talk to it, the check of every
 * answer, and the book.
 *
 * The book is what the ATMs know: one entry a withdrawal that was answered, with what its end should be by
 * the rules as this file reads them. The last suite holds the database to it. Book, STANs and cards are in
 * memory that the forked tests share; each withdrawal that a test makes is in it, or the last suite fails.
 */
#ifndef TESTS_FLOW_WIRE_WORLD_H
#define TESTS_FLOW_WIRE_WORLD_H

#include <check.h>
#include <libpq-fe.h>
#include <sys/types.h>

#include "tests/flow/wire/client.h"

enum {
        INSTANCES_MAX = 4,
        TERMINALS_MAX = 64,
        CARDS_MAX = 2048,
        BOOK_MAX = 8192,
        ANSWER_MS = 60000, /* so long no machine takes */
        SILENCE_MS = 400,  /* so long nothing came: nothing comes */
};

/* The PIN block that a test sends, and two forms in which it could come to light. Of its characters none is one
 * of an approval code's, which may hold any four letters. */
#define PIN_BLOCK_TEXT   "@{;}"
#define PIN_BLOCK_SENT   "PIN\xff" PIN_BLOCK_TEXT
#define PIN_BLOCK_DIGITS "50494EFF407B3B7D"

struct card {
        char pan[20], expiry[5], token[37];
        int64_t opening_yen;
};

/* Cards with something about them, in the order of the file that WIRE_CARDS names, where it is set; test_wire.sh
 * makes it. Those from CARD_UNKNOWN on are not in the house bank's list. */
enum special {
        CARD_LOST,
        CARD_STOLEN,
        CARD_EXCLUDED,
        CARD_EXPIRED,
        CARD_POOR,
        CARD_JUST_COVERED,
        CARD_BROKE_AND_LOST,
        CARD_CREDIT,
        CARD_LOAN,
        CARD_UNKNOWN,
        CARD_UNKNOWN_CREDIT,
        CARD_NO_ROUTE,
        CARD_NEW, /* numbers that take another card's place */
        CARD_NEW_TOO,
        SPECIAL_COUNT,
};

struct world {
        const char *host, *ca, *certs, *acquirer;
        int port[INSTANCES_MAX], instances;
        char terminal[TERMINALS_MAX][9], hall[TERMINALS_MAX][16];
        int terminals;
        struct card card[CARDS_MAX]; /* the specials first, the banks' last */
        int cards, specials, house_cards;
        int64_t clock_start_ms, clock_anchor_ms, clock_speed;
};
extern struct world world;

void world_open(void);

/* ---- time ---------------------------------------------------------------------------------------------- */

int64_t business_ms(void);
int64_t japan_ms(const char *moment); /* "2016-12-29 07:59:59" */
void de7_of(int64_t moment_ms, char buffer[11]);
int64_t charge_yen_at(int64_t moment_ms); /* customer fee with tax, by domain rules */
void wait_for_second(void);               /* until a second of business time has just begun */
/* The laboratory with its banks is started anew, and business time is then `moment`. */
void set_clock(int64_t moment_ms);

/* ---- database and laboratory --------------------------------------------------------------------------- */

int64_t sql_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sql_text(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
PGresult *sql_rows(const char *text);
/* By the superuser, who alone may change what is history. */
void sql_change(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A command line for the shell that must succeed; one that may fail: its exit code. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
int run_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The process whose number a file begins with. */
pid_t pid_in(const char *folder, const char *name);

/* "FOLDER/NAME" and what follows the name. */
enum { PATH_SIZE = 4096 };
void make_path(char buffer[PATH_SIZE], const char *folder, const char *name, const char *suffix);

/* ---- ATMs ---------------------------------------------------------------------------------------------- */

struct atm {
        struct client *client;
        const char *terminal, *hall;
        int instance;
};

/* Certificate of a terminal (its number from 0) at an instance (from 0). */
struct atm atm_connect(int terminal, int instance);
struct atm atm_open(int terminal, int instance); /* and signed on */
void atm_close(struct atm *atm);
/* With the certificate NAME.crt of a folder, and whatever it says. */
struct client *connect_with(const char *folder, const char *name, int instance, char *why, size_t why_size);

int take_stan(void);
const struct card *take_card(void);
const struct card *take_bank_card(void); /* of one bank after the other */
const struct card *special_card(enum special special);

/* Messages of this ATM, with DE 7 and 11 of their own. */
void start_request(struct message *ret_message, const struct atm *atm, const char *mti);
void start_request_at(struct message *ret_message, const struct atm *atm, const char *mti, int64_t moment_ms);
void make_network(struct message *ret_message, const struct atm *atm, const char *code);
void make_withdrawal(struct message *ret_message, const struct atm *atm, const struct card *card,
                     int64_t amount_yen);
void make_withdrawal_at(struct message *ret_message, const struct atm *atm, const struct card *card,
                        int64_t amount_yen, int64_t moment_ms);
void make_inquiry(struct message *ret_message, const struct atm *atm, const struct card *card);
enum { NO_DE_95 = -1 };
/* An advice about `original`; DE 95 says `dispensed_yen` unless that is NO_DE_95. */
void make_advice(struct message *ret_message, const struct atm *atm, const char *mti,
                 const struct message *original, int64_t amount_yen, int64_t dispensed_yen);

/* A well-formed request of any MTI: an echo, a withdrawal with a card of its own, an advice about a
 * withdrawal that never was, a reconciliation or an administrative advice. */
void make_valid(struct message *ret_message, const struct atm *atm, const char *mti);

/* The business moment that a request's DE 7 names: the year that puts it nearest. */
int64_t moment_of(const struct message *request);

/* Everything that an answer to this request with this DE 39 must and may hold. */
void check_answer(const struct message *request, const struct message *answer, const char *de39);

void send_message(struct atm *atm, const struct message *message);
void expect_answer(struct atm *atm, struct message *ret_answer);
void expect_silence(struct atm *atm);
void expect_closed(struct client *client);
/* Send, receive, check. */
void ask(struct atm *atm, const struct message *request, struct message *ret_answer, const char *de39);
void expect_echo(struct atm *atm); /* the connection serves */

/* A withdrawal and its answer, written into the book. */
struct trade {
        struct message request, answer;
        const struct card *card;
        int entry;
};
void withdraw(struct atm *atm, const struct card *card, int64_t amount_yen, const char *de39,
              struct trade *ret_trade);
void withdraw_at(struct atm *atm, const struct card *card, int64_t amount_yen, int64_t moment_ms,
                 const char *de39, struct trade *ret_trade);
/* A request of one's own, answered and written into the book. */
void trade_request(struct atm *atm, const struct message *request, const struct card *card, const char *de39,
                   struct trade *ret_trade);
/* An advice about a trade that is accepted; the book follows the state table. */
void advise(struct atm *atm, struct trade *trade, const char *mti, int64_t amount_yen, int64_t dispensed_yen);

/* ---- the book ------------------------------------------------------------------------------------------ */

struct entry {
        char terminal[9], de39[3];
        const char *state;       /* approved, declined, completed, reversed, blocked */
        const struct card *card; /* NULL: not known to the database, as it was blocked before it came */
        int stan;
        int64_t moment_ms, amount_yen, charge_yen, dispensed_yen;
};

/* The entry of a decided request; its number. */
int book_decision(const struct message *request, const struct card *card, const char *de39);
struct entry *book_entry(int number);
int book_count(void);
int book_first_stan(void);
void book_advice(int number, int64_t dispensed_yen);
/* An advice whose 0200 never came. */
int book_blocked(const struct message *request, int64_t amount_yen);

#endif
