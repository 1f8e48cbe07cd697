/*
 * A database of its own for a test, and beside it the same fleet, cards and accounts in memory.
 *
 * The reference data are in PostgreSQL first; the memory's snapshot is read from there, so that both decide
 * from the same rows. Two ledgers on PostgreSQL stand for two instances of atmd; both are on one event loop,
 * so what they have in flight is in flight at the same time.
 */
#ifndef TESTS_CONTRACT_WORLD_H
#define TESTS_CONTRACT_WORLD_H

#include <event2/event.h>
#include <libpq-fe.h>

#include "tests/ledger_mem/ledger_mem.h"
#include "daemon/ledger/ledger_pg.h"

enum {
        WORLD_INSTANCES = 2,
        WORLD_REFERENCES = 128,
        WORLD_CARDS = 33,
        WORLD_SPARE_CARDS = 24,
        WORLD_LINKS = 2,
        WORLD_TERMINALS = 6
};

#define WORLD_OPERATOR "operator" /* a person's login, member of atm_operator */
#define WORLD_KEEPER   "keeper"   /* likewise of atm_keys */

/* Key blocks by their form alone: no module has their master key. In a list that stands in '. */
#define WORLD_BLOCK(usage) "D0048" usage "AB00E0000ABCDEF0123456789ABCDEF0123456789"
#define WORLD_KEK          WORLD_BLOCK("K1")
#define WORLD_WORKING_SET  WORLD_BLOCK("P0") "," WORLD_BLOCK("M6") "," WORLD_BLOCK("M6")

struct world {
        PGconn *admin;  /* superuser of this database, blocking */
        PGconn *server; /* who makes and drops it */
        char name[64], conninfo[256];
        struct event_base *base;
        struct pg_hosts *hosts;
        struct ledger *pg[WORLD_INSTANCES];
        struct memory_database *memory;
        struct ledger *mem;
        struct reference *references[WORLD_REFERENCES]; /* every snapshot that the memory has had */
        int reference_count;
        int problems; /* that the ledgers told of */
        bool verbose; /* print what the ledgers tell */
};

/* What a card of the world is. Its number is made from its place. */
struct world_card {
        const char *prefix; /* 10 digits at most */
        const char *expiry_yymm;
        enum card_kind kind;
        enum memory_card_status status;
        bool in_bank, has_account;
        int64_t balance_yen;
        const char *excluded_from;  /* NULL: not */
        const char *excluded_until; /* NULL: renewed every year */
};
/* From here on, so many good cards of banks over links. */
enum { WORLD_LINK_CARD = 24, WORLD_LINK_CARDS = 6 };
/* Behind the others the numbers that nobody has yet: of the house bank and of bank A in turn. */
extern const struct world_card world_cards[WORLD_CARDS + WORLD_SPARE_CARDS];
extern const char *const world_links[WORLD_LINKS];
extern const char *const world_terminals[WORLD_TERMINALS]; /* the last is not in the fleet */

void world_pan(int card, char buffer[17]);
void world_token(int card, uint8_t ret_token[CARD_TOKEN_LENGTH]);
/* What its PIN is compared with; "": nothing, since its bank wants none. */
void world_pin_value(int card, char buffer[PIN_VALUE_MAX + 1]);
enum { WORLD_PIN_CARD = 8, WORLD_PIN_CARDS = 2, WORLD_PIN_TRIES = 3 };

/* Partitions for the days [from, to). Anything that goes wrong in these ends the test. */
void world_open(struct world *world, const char *from, const char *to);
void world_close(struct world *world);

/* One of the files of sql/, as the superuser. */
void world_file(struct world *world, const char *name);
/* Run SQL as the superuser. */
ATM_PRINTF(2, 3) void world_sql(struct world *world, const char *format, ...);
/* Somebody else's session with the database; NULL: the superuser's. To be finished before the world is closed. */
PGconn *world_session(const struct world *world, const char *user);
void world_run(PGconn *pg, const char *sql);
/* Its first column, one row a line; to be freed. */
char *world_query(struct world *world, const char *sql);
/* The number in the first row's first column. */
int64_t world_number(struct world *world, const char *sql);

/* The days through day_last are summed up, and what was posted to them since: by both back ends. */
void world_sum_up(struct world *world, int32_t day_last);
/* Those of all quarters that are open, as 0 where they are missing: what a close wants (period_close). */
void world_enter_costs(struct world *world);

/* period_close of the quarter that the day lies in, by both back ends, which must say the same; what it is refused for, NULL: done.
 * Static text. */
const char *world_close_books(struct world *world, int32_t day, bool force);

/* The database's clock, of both back ends, for what world_... asks itself; the ledgers' own sessions go by real time. 0: real time. */
void world_set_clock(struct world *world, int64_t now_ms);

/* saf_take, saf_end, ledger_sweep and operator_saf, by both back ends at that time: they must do and say the same. */
size_t world_saf_take(struct world *world, const char *link, const char *holder, int64_t now_ms, size_t max,
                      struct memory_taken *taken);
int world_saf_end(struct world *world, const struct memory_ended *ended, size_t count, int64_t now_ms);
int world_sweep(struct world *world, int64_t asked_before_ms, int64_t now_ms);
bool world_operator_saf(struct world *world, bool park, const struct ledger_identity *identity, int seq,
                        int64_t now_ms);
enum { WORLD_LEASE_MS = 5000, WORLD_FIRST_MS = 1000, WORLD_LONGEST_MS = 60000 };

/* Real time, as the ledgers see it. */
int64_t world_real_ms(void);
/* Everything becomes older by so much, by the database's clock. A test that is slow is no time beside the
 * ledgers' times. */
void world_age(struct world *world, int64_t ms);
enum { WORLD_WAIT_MS = 3600000, WORLD_CORRECT_MS = 2 * 3600000 };

/* operator_resolve by both back ends, which must say the same; what it refuses for, NULL: done. Static text. */
const char *world_resolve(struct world *world, const struct ledger_identity *identity, int64_t dispensed_yen,
                          int64_t advice_ms, int64_t youngest_ms);

/* card_replace by both back ends, which must say the same; why nothing was done, NULL: done. Static text. The bank is that of
 * the new number; with MEMORY_CARD_ACTIVE nothing is said of the old one's end. */
const char *world_replace(struct world *world, int old_card, int new_card, const char *expiry_yymm,
                          enum memory_card_status status);
/* card_unblock by both back ends, which must both do it or refuse to. */
bool world_unblock(struct world *world, int card);
/* The statement for one pair of card_replace: its r_problem, or 'done'. */
void world_replace_text(int old_card, int new_card, const char *expiry_yymm, enum memory_card_status status,
                        char *buffer, size_t size);

/* People change reference data from which prices of those withdrawals follow (NULL: none do). Both back ends must refuse it, or
 * neither: false. Otherwise both databases have it, and nobody else knows yet; see world_refresh. */
bool world_change(struct world *world, const char *sql, const struct memory_priced *question);
/* The same for PostgreSQL alone, and then for the memory: what is in flight meanwhile is done in PostgreSQL before or after. */
bool world_change_stored(struct world *world, const char *sql);
void world_change_kept(struct world *world, bool is_done, const char *sql,
                       const struct memory_priced *question);

/* After a change of reference data: the memory and both instances get to know it. */
void world_refresh(struct world *world);
const struct reference *world_reference(const struct world *world);

/* Let the loop run until *pending is zero; a minute without that ends the test. */
void world_wait(struct world *world, const int *pending);

/* Every row of every table, from PostgreSQL, in the form and order of memory_print; to be freed. */
char *world_rows(struct world *world);
/* Both back ends hold the same rows; otherwise the test ends and shows the first that differ. */
void world_same_rows(struct world *world, const char *what);
/* What contradicts itself in PostgreSQL (sums.sql), a line each; to be freed. */
char *world_contradictions(struct world *world);
/* What PostgreSQL's working tables hold is what its history sums to, and no limit is passed. */
void world_check_sums(struct world *world);

#endif
