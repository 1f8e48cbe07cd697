/*
 * A walk through what can become of one withdrawal between its ATM, a person and the clock, with the house bank
 * and over a link: who holds the money in the end. Nobody holds it twice, and where somebody lacks it an
 * exception says so. An hour goes by at any place of any story: an outage, too.
 *
 * A story is a row of letters:
 *      q  the 0200, and its answer comes            r  the 0201 at the other instance, and its answer comes
 *      l  the 0200, and its answer is lost          a  the ATM's advice, if it has one to send
 *      d  the same advice once more (0221, 0421)    c  notes come back: only half of them have left
 *      x  a person says that nothing left           y  a person says that all did
 *      w  an hour: an ATM's longest wait            m  two: too late for a correction
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/bank_codes.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tests/contract/ops.h"
#include "tests/suite.h"

enum { AMOUNT_YEN = 10000, HOUSE_CARDS = 8, CARDS_OF_A = 4 /* from WORLD_LINK_CARD on */ };

static const struct {
        const char *story;
        enum withdrawal_state state;
        int64_t counted_yen, cash_yen; /* on our side, and out of the ATM */
        const char *exception;         /* "": none */
} stories[] = {
    {"qa", WITHDRAWAL_COMPLETED, 10000, 10000, ""},
    {"lra", WITHDRAWAL_COMPLETED, 10000, 10000, ""},
    {"lwra", WITHDRAWAL_REVERSED, 0, 0, ""},          /* 94: the ATM dispenses nothing and reverses */
    {"lxra", WITHDRAWAL_COMPLETED, 10000, 10000, ""}, /* too early for a person */
    {"lwxra", WITHDRAWAL_REVERSED, 0, 0, ""},
    {"lwyra", WITHDRAWAL_COMPLETED, 10000, 0, "decided"},
    {"qwxa", WITHDRAWAL_REVERSED, 0, 10000, "decided"},
    {"qwya", WITHDRAWAL_COMPLETED, 10000, 10000, ""},
    {"qra", WITHDRAWAL_COMPLETED, 10000, 10000, ""},
    {"qar", WITHDRAWAL_COMPLETED, 10000, 10000, ""},
    {"qad", WITHDRAWAL_COMPLETED, 10000, 10000, ""},
    {"qwad", WITHDRAWAL_COMPLETED, 10000, 10000, ""}, /* lost, and repeated after midnight */
    {"qaca", WITHDRAWAL_COMPLETED, 5000, 5000, "corrected"},
    {"qawca", WITHDRAWAL_COMPLETED, 5000, 5000, "corrected"},
    {"qamca", WITHDRAWAL_COMPLETED, 10000, 5000, "settled"},
    {"qacara", WITHDRAWAL_COMPLETED, 5000, 5000, "corrected"},
    {"qawxca", WITHDRAWAL_REVERSED, 0, 5000, "decided"},
    {"qawyca", WITHDRAWAL_COMPLETED, 5000, 5000, "corrected"}, /* nothing to decide: it says so already */
    {"qacawx", WITHDRAWAL_REVERSED, 0, 5000, NULL},            /* the person has the ATM's word */
};
enum { STORIES = sizeof stories / sizeof stories[0] };

struct teller {
        struct world *world;
        struct ledger_op request;
        struct ledger_op advice; /* the last, for its repeat */
        int64_t cash_yen;        /* that has left the ATM */
        int64_t balance_yen;     /* of the card before, at the house bank */
        bool asked, advised;     /* has it made an advice */
        bool has_advice;         /* to send */
        int advices;
        bool decided_last; /* by a person, knowing the ATM's word */
};

static void make_advice(struct teller *t)
{
        ops_advise(&t->advice, &t->request, ++t->advices, AMOUNT_YEN, t->cash_yen);
        t->has_advice = t->advised = true;
}

/* What the ATM does with an answer. */
static void hear(struct teller *t, const struct ledger_answer *answer, bool repeated)
{
        bool answered = answer->status == LEDGER_DECIDED || answer->status == LEDGER_STORED;

        if (!answered || t->advised)
                return;
        if (answer->reason == REASON_APPROVED)
                t->cash_yen = AMOUNT_YEN;
        if (answer->reason == REASON_APPROVED || (repeated && !strcmp(reason_de39(answer->reason), "94")))
                make_advice(t);
}

static void ask(struct teller *t, bool is_heard)
{
        struct ledger_op op = t->request;
        bool repeated = t->asked;

        ops_do(t->world, &op);
        t->asked = true;
        if (op.answer.status == LEDGER_ASK) {
                ops_outcome(&op, &t->request, OUTCOME_ANSWER, REASON_APPROVED);
                ops_do(t->world, &op);
        }
        if (is_heard)
                hear(t, &op.answer, repeated);
}

static void send_advice(struct teller *t)
{
        struct ledger_op op = t->advice;

        if (!t->has_advice)
                return;
        ops_do(t->world, &op);
        t->has_advice = false;
        t->decided_last = false;
}

static void tell(struct teller *t, char letter)
{
        switch (letter) {
        case 'q':
        case 'r':
                ask(t, true);
                break;
        case 'l':
                ask(t, false);
                break;
        case 'a':
                send_advice(t);
                break;
        case 'd':
                t->has_advice = t->advised;
                send_advice(t);
                break;
        case 'c':
                if (t->cash_yen > 0 && !t->has_advice) {
                        t->cash_yen /= 2;
                        make_advice(t);
                }
                break;
        case 'x':
        case 'y':
                if (!world_resolve(t->world, &t->request.identity, letter == 'x' ? 0 : AMOUNT_YEN,
                                   t->request.identity.transmitted_ms + 900000, WORLD_WAIT_MS))
                        t->decided_last = true;
                break;
        default:
                world_age(t->world, letter == 'w' ? WORLD_WAIT_MS : WORLD_CORRECT_MS);
                break;
        }
}

static const struct memory_exception *exception_of(const struct world *world,
                                                   const struct ledger_identity *identity)
{
        for (const struct memory_exception *e = world->memory->exceptions; e; e = e->hh.next) {
                if (e->key.original.stan == identity->stan &&
                    e->key.original.transmitted_ms == identity->transmitted_ms)
                        return e;
        }
        return NULL;
}

/* What its holder has paid, at the house bank or, as we have told it, at another. */
static int64_t paid_yen(const struct world *world, const struct memory_withdrawal *w, int64_t before_yen)
{
        const struct memory_card *card = memory_card(world->memory, w->request.card_token);
        int64_t charge_yen = w->request.price.customer_fee_yen + w->request.price.customer_tax_yen;

        if (w->request.link[0] == '\0')
                return before_yen - card->balance_yen;
        if (w->notice_count == 0)
                return w->has_outcome && w->outcome.reason == REASON_APPROVED ? AMOUNT_YEN + charge_yen : 0;
        return w->notices[w->notice_count - 1].dispensed_yen
                   ? w->notices[w->notice_count - 1].dispensed_yen + charge_yen
                   : 0;
}

/* Whatever happened: the holder has paid what we have recorded, and where that is not what the ATM has paid out,
 * people know: by an exception, or because they decided when the ATM had spoken. */
static void check_holders(const struct teller *t, const char *story)
{
        const struct memory_withdrawal *w = memory_withdrawal(t->world->memory, &t->request.identity);
        int64_t charge_yen = w->request.price.customer_fee_yen + w->request.price.customer_tax_yen;
        int64_t counted_yen = memory_state(w) == WITHDRAWAL_COMPLETED ? memory_counts_yen(w) : 0;
        const struct memory_exception *e = exception_of(t->world, &t->request.identity);

        ck_assert_msg(memory_state(w) == WITHDRAWAL_COMPLETED || memory_state(w) == WITHDRAWAL_REVERSED,
                      "%s ends %s", story, withdrawal_state_name[memory_state(w)]);
        ck_assert_msg(paid_yen(t->world, w, t->balance_yen) == (counted_yen ? counted_yen + charge_yen : 0),
                      "%s: %" PRId64 " yen paid for %" PRId64, story, paid_yen(t->world, w, t->balance_yen),
                      counted_yen);
        ck_assert_msg(counted_yen == t->cash_yen || t->decided_last ||
                          (e && strcmp(e->key.what, "corrected") != 0),
                      "%s: %" PRId64 " yen left the ATM, %" PRId64 " are recorded, and nobody knows", story,
                      t->cash_yen, counted_yen);
}

/* Cards take turns, at most so many that a card has a day of its own each time. */
static void identify(struct world *world, struct ledger_op *request, int number, int card)
{
        ops_identify(request, OPS_NOON, number);
        request->identity.transmitted_ms += number / CARDS_OF_A * 4 * (int64_t)DAY_MS;
        play_fill_request(world_reference(world), request, card, AMOUNT_YEN, 10000);
}

/* With an hour before the letter at `outage`; -1: without. */
static void walk(struct world *world, const char *story, int number, int card, int outage, struct teller *t)
{
        *t = (struct teller){.world = world};
        identify(world, &t->request, number, card);
        if (t->request.request.link[0] == '\0')
                t->balance_yen = memory_card(world->memory, t->request.request.card_token)->balance_yen;
        for (int i = 0; story[i]; i++) {
                if (i == outage)
                        world_age(world, WORLD_WAIT_MS);
                tell(t, story[i]);
        }
        if (!t->advised && outage >= 0) { /* an ATM that heard nothing that counts reverses in the end */
                t->cash_yen = 0;
                make_advice(t);
        }
        send_advice(t);
        check_holders(t, story);
}

/* All stories in one world: 0 with the house bank, 1 over a link. */
START_TEST(it_is_known_who_holds_the_money_in_the_end)
{
        struct world world;
        struct teller t;

        ops_open(&world);
        for (int i = 0; i < STORIES; i++) {
                const char *story = stories[i].story, *what = stories[i].exception;
                int card = _i ? WORLD_LINK_CARD + i % WORLD_LINK_CARDS : i % HOUSE_CARDS;
                const struct memory_withdrawal *w;
                const struct memory_exception *e;

                walk(&world, story, i, card, -1, &t);
                w = memory_withdrawal(world.memory, &t.request.identity);
                e = exception_of(&world, &t.request.identity);
                ck_assert_msg(memory_state(w) == stories[i].state, "%s ends %s", story,
                              withdrawal_state_name[memory_state(w)]);
                ck_assert_int_eq(memory_state(w) == WITHDRAWAL_COMPLETED ? memory_counts_yen(w) : 0,
                                 stories[i].counted_yen);
                ck_assert_int_eq(t.cash_yen, stories[i].cash_yen);
                if (what)
                        ck_assert_msg(!strcmp(e ? e->key.what : "", what), "%s leaves '%s'", story,
                                      e ? e->key.what : "");
                world_same_rows(&world, story);
                world_check_sums(&world);
        }
        world_close(&world);
}
END_TEST

/* An hour's outage before each letter of each story. */
START_TEST(an_outage_at_any_step_leaves_nobody_with_the_money_twice)
{
        struct world world;
        struct teller t;

        ops_open(&world);
        for (int i = 0, number = 1; i < STORIES; i++) {
                for (int outage = 0; stories[i].story[outage]; outage++, number++) {
                        walk(&world, stories[i].story, number,
                             _i ? WORLD_LINK_CARD + number % WORLD_LINK_CARDS : number % HOUSE_CARDS, outage,
                             &t);
                }
        }
        world_same_rows(&world, "after all outages");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* late approvals -------------------------------------------------------------------------------------- */

/* A bank that we have given up approves nevertheless, and knows no original of a reversal, letter by letter:
 *      t  it was silent for too long                v  the ATM has reversed meanwhile
 *      a  its 00 comes, late                        0, 5  the next notice is answered with 00, with 25
 * It keeps the money where the last reversal after its approval is refused: that is for people. */
static const struct {
        const char *story;
        const char *exception; /* "": none */
        int notices;
} late_stories[] = {
    {"t5", "", 1},
    {"t0a0", "", 2},
    {"t0a5", "reversal answered 25", 2},
    {"t5a5", "reversal answered 25", 2},
    {"ta50", "", 2},
    {"ta00", "", 2},
    {"ta55", "reversal answered 25", 2},
    {"taa55", "reversal answered 25", 2},
    {"v5", "", 1},
    {"v0a0", "", 2},
    {"v0a5", "reversal answered 25", 2},
    {"v5a5", "reversal answered 25", 2},
    {"va50", "", 2},
    {"va55", "reversal answered 25", 2},
};
enum { LATE_STORIES = sizeof late_stories / sizeof late_stories[0] };

static void answer_notice(struct world *world, const char *said, int64_t now_ms)
{
        struct memory_taken taken[2];
        struct memory_ended ended = {.said = said};
        struct bank_codes codes;

        bank_codes_init(&codes);
        ck_assert_uint_eq(world_saf_take(world, "BANKA", "walker", now_ms, LENGTH(taken), taken), 1);
        ended.identity = taken[0].identity;
        ended.seq = taken[0].notice.seq;
        ended.verdict = bank_codes_verdict(&codes, said);
        ck_assert_int_eq(world_saf_end(world, &ended, 1, now_ms), 1);
}

static void tell_late(struct world *world, const struct ledger_op *request, char letter, int place)
{
        struct ledger_op op = {0};
        int64_t now_ms = world_real_ms() + (place + 1) * (int64_t)WORLD_LONGEST_MS;

        switch (letter) {
        case '0':
        case '5':
                answer_notice(world, letter == '0' ? "00" : "25", now_ms);
                return;
        case 'v':
                ops_advise(&op, request, 1, AMOUNT_YEN, 0);
                break;
        case 't':
                ops_outcome(&op, request, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                break;
        default:
                ops_outcome(&op, request, OUTCOME_ANSWER, REASON_APPROVED);
                break;
        }
        ops_do(world, &op);
}

/* Rows of a table that are of the request. */
static int64_t rows_of(struct world *world, const char *table, const struct ledger_op *request)
{
        char sql[128];

        snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE stan = %" PRId32, table,
                 request->identity.stan);
        return world_number(world, sql);
}

/* Each by a card of bank A, on a day of its own; what its bank must be told is told in the end. */
START_TEST(a_bank_that_approves_late_and_reverses_nothing_is_known_to_people)
{
        struct world world;

        ops_open(&world);
        for (int i = 0; i < LATE_STORIES; i++) {
                const char *story = late_stories[i].story;
                struct ledger_op request = {0}, op;
                const struct memory_exception *e;

                identify(&world, &request, i, WORLD_LINK_CARD + i % CARDS_OF_A);
                op = request;
                ops_do(&world, &op);
                ck_assert_int_eq(op.answer.status, LEDGER_ASK);
                for (int place = 0; story[place]; place++)
                        tell_late(&world, &request, story[place], place);
                e = exception_of(&world, &request.identity);
                ck_assert_msg(!strcmp(e ? e->key.what : "", late_stories[i].exception), "%s leaves '%s'",
                              story, e ? e->key.what : "");
                ck_assert_int_eq(rows_of(&world, "bank_notice", &request), late_stories[i].notices);
                ck_assert_int_eq(rows_of(&world, "exception_record", &request),
                                 late_stories[i].exception[0] != '\0');
                world_same_rows(&world, story);
                world_check_sums(&world);
        }
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("walk");
        TCase *tcase = tcase_create("walk");

        tcase_set_timeout(tcase, 280);
        tcase_add_loop_test(tcase, it_is_known_who_holds_the_money_in_the_end, 0, 2);
        tcase_add_loop_test(tcase, an_outage_at_any_step_leaves_nobody_with_the_money_twice, 0, 2);
        tcase_add_test(tcase, a_bank_that_approves_late_and_reverses_nothing_is_known_to_people);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
