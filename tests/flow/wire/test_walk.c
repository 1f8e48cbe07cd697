/*
 * A walk through what can become of one withdrawal between its ATM, a person, the clock and the database, with the
 * house bank and over links: who holds the money in the end. The card's account, at the house bank or at its own,
 * has paid what is recorded, and where that is not what the ATM has paid out an exception says so.
 *
 * A story is a row of letters, the rows of `steps`. What goes by is made older in the database, so that nobody waits
 * for a clock. Then the database is away for ten minutes at each letter of each story: its step is made while there
 * is no database, and what an ATM or a person has not been able to say is said once more.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

#define CONTROL     "\"$WIRE_CONTROL\" "
#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

enum {
        AMOUNT_YEN = 10000,
        OWN = 0, /* the instance that an ATM is connected with, and the other */
        OTHER = 1,
        PATIENCE_MS = 120000,
        /* seconds: a little longer than what the configuration has unless told otherwise */
        LONGEST_WAIT_S = 91,
        TEN_MINUTES_S = 601,
        HALF_A_DAY_S = 43200,
};

enum route { HOUSE = 1, LINK = 2, BOTH = HOUSE | LINK };

/* What each message was answered ("--": not, or it was lost; in brackets: too late) and what each person got (ok:
 * done, no: refused); what is recorded and what has left the ATM; the exceptions, and what the bank was told. */
static const struct story {
        const char *letters;
        enum route route;
        const char *answers, *state;
        int64_t counted_yen, cash_yen;
        const char *exceptions, *notices;
} stories[] = {
    {"qa", BOTH, "00 00", "completed", 10000, 10000, "", "completion"},
    /* the 0210 is lost or late; the 0201 at the other instance */
    {"lra", BOTH, "-- 00 00", "completed", 10000, 10000, "", "completion"},
    {"lrra", BOTH, "-- 00 00 00", "completed", 10000, 10000, "", "completion"},
    {"lga", BOTH, "-- 00", "reversed", 0, 0, "", "reversal"},
    {"lgar", BOTH, "-- 00 94", "reversed", 0, 0, "", "reversal"},
    {"lwra", BOTH, "-- 94 00", "reversed", 0, 0, "", "reversal"},
    {"ta", BOTH, "-- (00) 00", "reversed", 0, 0, "", "reversal"},
    {"tar", BOTH, "-- (00) 00 94", "reversed", 0, 0, "", "reversal"},
    {"tra", BOTH, "-- 00 (00) 00", "reversed", 0, 0, "", "reversal"},
    {"qra", BOTH, "00 00 00", "completed", 10000, 10000, "", "completion"},
    {"qar", BOTH, "00 00 94", "completed", 10000, 10000, "", "completion"},
    /* the advice, or its answer, is lost */
    {"qud", BOTH, "00 -- 00", "completed", 10000, 10000, "", "completion"},
    {"qvd", BOTH, "00 -- 00", "completed", 10000, 10000, "", "completion"},
    {"qupd", BOTH, "00 -- 00", "completed", 10000, 10000, "", "completion"},
    {"quwrd", BOTH, "00 -- 94 00", "completed", 10000, 10000, "", "completion"},
    {"qund", BOTH, "00 -- 00", "completed", 10000, 10000, "", "completion"},
    {"qvnd", BOTH, "00 -- 00", "completed", 10000, 10000, "", "completion"},
    {"lnra", BOTH, "-- 94 00", "reversed", 0, 0, "", "reversal"},
    {"tna", BOTH, "-- 00", "reversed", 0, 0, "", "reversal"},
    /* notes come back four and six minutes after the 0220 */
    {"qa4ca", BOTH, "00 00 00", "completed", 5000, 5000, "corrected", "completion partial"},
    {"qa4fa", BOTH, "00 00 00", "reversed", 0, 0, "corrected", "completion reversal"},
    {"qa6ca", BOTH, "00 00 00", "completed", 10000, 5000, "settled", "completion"},
    {"qa6fa", BOTH, "00 00 00", "completed", 10000, 0, "settled", "completion"},
    {"qa4cv6d", BOTH, "00 00 -- 00", "completed", 5000, 5000, "corrected", "completion partial"},
    {"qa4cu6d", BOTH, "00 00 -- 00", "completed", 10000, 5000, "settled", "completion"},
    {"qa4car", BOTH, "00 00 00 94", "completed", 5000, 5000, "corrected", "completion partial"},
    /* a person decides before the ATM's word: too early, and in time */
    {"lxra", BOTH, "-- no 00 00", "completed", 10000, 10000, "", "completion"},
    {"lpxra", BOTH, "-- ok 94 00", "reversed", 0, 0, "", "reversal"},
    {"lpyra", BOTH, "-- ok 94 00", "completed", 10000, 0, "decided", "completion"},
    {"qpxa", BOTH, "00 ok 00", "reversed", 0, 10000, "decided", "reversal"},
    {"qpya", BOTH, "00 ok 00", "completed", 10000, 10000, "", "completion"},
    /* and after it, where it can still be */
    {"qapx", BOTH, "00 00 ok", "reversed", 0, 10000, "", "completion reversal"},
    {"qapy", BOTH, "00 00 no", "completed", 10000, 10000, "", "completion"},
    {"tapy", BOTH, "-- (00) 00 no", "reversed", 0, 0, "", "reversal"},
    {"qapxca", BOTH, "00 00 ok 00", "reversed", 0, 5000, "decided", "completion reversal"},
    {"qa4capx", BOTH, "00 00 00 ok", "reversed", 0, 5000, "corrected", "completion partial reversal"},
    {"qpxay", BOTH, "00 ok 00 no", "reversed", 0, 10000, "decided", "reversal"},
    {"qpxae", BOTH, "00 ok 00 ok", "reversed", 0, 10000, "decided", "reversal"},
    /* a bank that stands still: for longer than we wait; while its ATM gives up. Its approval comes when the reversal
     * waits already, and is given one of its own */
    {"Bqb", LINK, "91", "declined", 0, 0, "", "reversal reversal"},
    {"BtAb", LINK, "-- 00", "reversed", 0, 0, "", "reversal reversal"},
    {"BtArb", LINK, "-- 00 94", "reversed", 0, 0, "", "reversal reversal"},
    /* the database goes while a bank is asked or told, and comes back when the bank has spoken: whether the ATM or the
     * sweep is first is not known */
    {"BtDbUA", LINK, "-- 00", NULL, 0, 0, "", "reversal"},
    {"BqDbU", LINK, "91", "declined", 0, 0, "", "reversal"},
    {"qBaDbU", LINK, "00 00", "completed", 10000, 10000, "", "completion"},
    {"tBaDbU", LINK, "-- (00) 00", "reversed", 0, 0, "", "reversal"},
};

/* Who walks through a story: an ATM that is honest, and the person who looks after it. */
struct walker {
        const struct story *story;
        const struct card *card;
        int terminal;
        int next;      /* letter */
        char key[128]; /* the withdrawal, as a condition; its moment names the partition */
        struct message request, advice;
        bool has_advice, advised; /* one to send; one was made */
        bool sent;                /* that advice, once or half */
        bool asked;               /* the request has left */
        bool late;                /* nobody reads its answer any more */
        bool decided_last;        /* a person has, knowing the ATM's word */
        int64_t cash_yen;         /* that has left the ATM */
        char answers[64];
};

static bool bank_stands;
static bool away;                                      /* the database */
static struct atm lines[TERMINALS_MAX][INSTANCES_MAX]; /* kept open from walker to walker */

static bool is_over_link(const struct walker *w)
{
        return w->card >= world.card + world.house_cards;
}

static const char *stan_of(const struct walker *w)
{
        return message_get(&w->request, 11);
}

static void note(struct walker *w, const char *text)
{
        size_t length = strlen(w->answers);
        snprintf(w->answers + length, sizeof(w->answers) - length, "%s%s", length ? " " : "", text);
}

static void await(struct walker *w, bool (*is_so)(const struct walker *), const char *what)
{
        for (int64_t until_ms = steady_ms() + PATIENCE_MS; !is_so(w); sleep_ms(25))
                ck_assert_msg(steady_ms() < until_ms, "%s STAN %s: waited in vain until %s",
                              w->story->letters, stan_of(w), what);
}

/* ---- what is known of a withdrawal --------------------------------------------------------------------- */

static int64_t number_of(const struct walker *w, const char *select)
{
        return sql_number("%s WHERE %s", select, w->key);
}

static bool is_known(const struct walker *w)
{
        return number_of(w, "SELECT count(*) FROM withdrawal") > 0;
}

static bool is_decided(const struct walker *w)
{
        return number_of(w, "SELECT count(*) FILTER (WHERE state <> 'asked') FROM v_withdrawal") > 0;
}

static bool is_told_by_its_atm(const struct walker *w)
{
        return sql_number("SELECT count(*) FROM advice WHERE %s AND advice_stan = %s", w->key,
                          message_get(&w->advice, 11)) > 0;
}

static bool is_on_its_way_to_the_bank(const struct walker *w)
{
        return number_of(w, "SELECT count(*) FILTER (WHERE attempts = 0) FROM saf") == 0;
}

static bool is_told_to_the_bank(const struct walker *w)
{
        return number_of(w, "SELECT count(*) FROM saf") == 0;
}

/* What a bank's journal has of the card: the yen that it has paid, and how often it was asked for cash. */
static void read_journals(const struct card *card, int64_t *ret_paid_yen, int *ret_asked)
{
        char names[64], path[PATH_SIZE], line[512], digits[33] = "", kind[16], token[64];
        char *rest = NULL;
        int64_t moved_yen;
        *ret_paid_yen = *ret_asked = 0;
        for (const char *at = card->token; *at; at++)
                if (*at != '-')
                        strncat(digits, at, 1);
        snprintf(names, sizeof(names), "%s", getenv("BANKSIM_BANKS"));
        for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
                make_path(path, getenv("BANKSIM_JOURNALS"), name, ".journal");
                FILE *file = fopen(path, "re");
                ck_assert_msg(file != NULL, "%s", path);
                while (fgets(line, sizeof(line), file)) {
                        if (sscanf(line,
                                   "%15s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNd64
                                   " %*s %*s %63s",
                                   kind, &moved_yen, token) != 3 ||
                            strcmp(token, digits) != 0)
                                continue;
                        *ret_paid_yen -= moved_yen;
                        *ret_asked += !strcmp(kind, "withdrawal");
                }
                fclose(file);
        }
}

static bool is_heard_by_the_bank(const struct walker *w)
{
        int64_t paid_yen;
        int asked;
        read_journals(w->card, &paid_yen, &asked);
        return asked > 0;
}

static int64_t paid_yen(const struct walker *w)
{
        int64_t yen;
        int asked;
        if (!is_over_link(w))
                return w->card->opening_yen -
                       sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'",
                                  w->card->token);
        read_journals(w->card, &yen, &asked);
        return yen;
}

static int64_t recorded_yen(const struct walker *w)
{
        return number_of(
            w, "SELECT coalesce(sum(dispensed_yen + charge_yen) FILTER (WHERE state = 'completed'), 0)"
               "::bigint FROM v_withdrawal");
}

static bool is_paid_as_recorded(const struct walker *w)
{
        return paid_yen(w) == recorded_yen(w);
}

/* ---- the wire ------------------------------------------------------------------------------------------ */

static struct atm *line_of(const struct walker *w, int instance)
{
        struct atm *line = &lines[w->terminal][instance];
        if (!line->client)
                *line = atm_open(w->terminal, instance);
        return line;
}

static void hang_up(const struct walker *w, int instance)
{
        atm_close(&lines[w->terminal][instance]);
}

/* An answer that nobody reads any more comes before the next. */
static bool is_late(struct walker *w, const struct message *answer, const struct message *request)
{
        char text[8];
        if (!strcmp(answer->mti, "0210") == !strncmp(request->mti, "020", 3) &&
            !strcmp(message_get(answer, 11), message_get(request, 11)))
                return false;
        ck_assert_str_eq(answer->mti, "0210");
        if (!strcmp(message_get(answer, 11), stan_of(w))) {
                ck_assert_msg(w->late, "%s: an answer that should not come: DE 39 %s", w->story->letters,
                              message_get(answer, 39));
                snprintf(text, sizeof(text), "(%.2s)", message_get(answer, 39));
                note(w, text);
                w->late = false;
        }
        return true;
}

/* While the database is away nothing is said of a withdrawal, and the connection serves. */
static void expect_no_answer(struct walker *w, int instance)
{
        struct atm *line = line_of(w, instance);
        struct message echo, answer;
        make_network(&echo, line, "301");
        send_message(line, &echo);
        do
                expect_answer(line, &answer);
        while (is_late(w, &answer, &echo));
        check_answer(&echo, &answer, "00");
}

/* False: no answer came. */
static bool exchange(struct walker *w, int instance, const struct message *message,
                     struct message *ret_answer)
{
        struct atm *line = line_of(w, instance);
        send_message(line, message);
        if (away) {
                expect_no_answer(w, instance);
                note(w, "--");
                return false;
        }
        do
                expect_answer(line, ret_answer);
        while (is_late(w, ret_answer, message));
        note(w, message_get(ret_answer, 39));
        if (!is_over_link(w))
                check_answer(message, ret_answer, message_get(ret_answer, 39));
        return true;
}

/* ---- the ATM ------------------------------------------------------------------------------------------- */

static void tell_by(struct walker *w, const char *mti, int64_t dispensed_yen)
{
        const struct atm atm = {.terminal = world.terminal[w->terminal]};
        make_advice(&w->advice, &atm, mti, &w->request, AMOUNT_YEN, dispensed_yen);
        w->has_advice = w->advised = true;
        w->sent = false;
}

static void give_up(struct walker *w)
{
        if (!w->advised)
                tell_by(w, "0420", NO_DE_95);
}

static void hear(struct walker *w, const struct message *answer, bool repeated)
{
        if (w->advised)
                return;
        if (!strcmp(message_get(answer, 39), "00")) {
                w->cash_yen = AMOUNT_YEN;
                tell_by(w, "0220", NO_DE_95);
        } else if (repeated && !strcmp(message_get(answer, 39), "94")) {
                give_up(w);
        }
}

static void ask_and_hear(struct walker *w)
{
        struct message answer;
        w->asked = true;
        if (exchange(w, OWN, &w->request, &answer))
                hear(w, &answer, false);
        else
                give_up(w);
}

static void repeat_elsewhere(struct walker *w)
{
        struct message repeat = w->request, answer;
        bool repeated = w->asked;
        repeat.mti[3] = '1';
        w->asked = true;
        if (exchange(w, OTHER, &repeat, &answer))
                hear(w, &answer, repeated);
        else
                give_up(w);
}

static void ask_and_lose(struct walker *w)
{
        send_message(line_of(w, OWN), &w->request);
        w->asked = true;
        if (away)
                expect_no_answer(w, OWN);
        else
                await(w, is_decided, "it was decided");
        hang_up(w, OWN);
        note(w, "--");
}

static void ask_and_give_up(struct walker *w)
{
        send_message(line_of(w, OWN), &w->request);
        w->asked = true;
        if (away)
                expect_no_answer(w, OWN);
        else
                await(w, bank_stands ? is_known : is_decided, "it was known");
        w->late = !away;
        give_up(w);
        note(w, "--");
}

static void tell_at(struct walker *w, int instance)
{
        struct message answer;
        if (!w->has_advice)
                return;
        if (w->sent)
                w->advice.mti[3] = '1';
        w->sent = true;
        if (!exchange(w, instance, &w->advice, &answer))
                return;
        ck_assert_str_eq(message_get(&answer, 39), "00");
        w->has_advice = w->decided_last = false;
}

static void tell(struct walker *w)
{
        tell_at(w, OWN);
}

static void tell_elsewhere(struct walker *w)
{
        tell_at(w, OTHER);
}

static void tell_again(struct walker *w)
{
        w->has_advice = w->advised;
        tell_at(w, OWN);
}

static void tell_and_lose_the_answer(struct walker *w)
{
        if (!w->has_advice)
                return;
        send_message(line_of(w, OWN), &w->advice);
        w->sent = true;
        if (away)
                expect_no_answer(w, OWN);
        else
                await(w, is_told_by_its_atm, "its advice was durable");
        hang_up(w, OWN);
        note(w, "--");
}

/* The connection ends within the message. */
static void tell_half(struct walker *w)
{
        uint8_t bytes[MESSAGE_BYTES_MAX];
        if (!w->has_advice)
                return;
        client_send_bytes(line_of(w, OWN)->client, bytes, client_frame(&w->advice, bytes) / 2);
        w->sent = true;
        hang_up(w, OWN);
        note(w, "--");
}

static void take_back(struct walker *w, int64_t yen)
{
        if (w->cash_yen <= yen || w->has_advice)
                return;
        w->cash_yen = yen;
        tell_by(w, "0420", yen ? yen : NO_DE_95);
}

static void take_half_back(struct walker *w)
{
        take_back(w, AMOUNT_YEN / 2);
}

static void take_all_back(struct walker *w)
{
        take_back(w, 0);
}

/* ---- people, time, the bank and the database ----------------------------------------------------------- */

static void decide(struct walker *w, int64_t dispensed_yen, const char *how)
{
        int status = run_status("atmctl exception resolve --terminal %s --stan %s --dispensed %" PRId64
                                " --note 'the walk' %s >/dev/null 2>&1",
                                world.terminal[w->terminal], stan_of(w), dispensed_yen, how);
        ck_assert_msg(status == 1 || (status == 0 && !away), "%s STAN %s: atmctl ended with %d",
                      w->story->letters, stan_of(w), status);
        if (status == 0)
                w->decided_last = true;
        note(w, status ? "no" : "ok");
}

static void say_that_nothing_left(struct walker *w)
{
        decide(w, 0, "");
}

static void say_that_all_left(struct walker *w)
{
        decide(w, AMOUNT_YEN, "");
}

static void put_right_elsewhere(struct walker *w)
{
        decide(w, w->cash_yen, "--elsewhere");
}

/* All that is known of it becomes older, by the database's clock. */
static void age(const struct walker *w, int seconds)
{
        sql_change("UPDATE withdrawal SET approved_at = approved_at - interval '%1$d s' WHERE %2$s;"
                   "UPDATE bank_outcome SET approved_at = approved_at - interval '%1$d s' WHERE %2$s;"
                   "UPDATE advice SET recorded_at = recorded_at - interval '%1$d s' WHERE %2$s;"
                   "UPDATE open_withdrawal SET asked_ms = asked_ms - %1$d000 WHERE %2$s",
                   seconds, w->key);
}

static const struct {
        char letter;
        int seconds;
} spans[] = {{'w', LONGEST_WAIT_S}, {'p', TEN_MINUTES_S}, {'4', 240}, {'6', 361}, {'n', HALF_A_DAY_S}};

static void wait_for_long(struct walker *w)
{
        for (int i = 0; i < COUNT(spans) && !away; i++)
                if (spans[i].letter == w->story->letters[w->next])
                        age(w, spans[i].seconds);
}

static void signal_banks(int number)
{
        ck_assert_int_eq(kill(pid_in(getenv("WIRE_LAB"), "run/banksim"), number), 0);
}

static void stop_bank(struct walker *w)
{
        (void)w;
        signal_banks(SIGSTOP);
        bank_stands = true;
}

static void let_bank_go_on(struct walker *w)
{
        signal_banks(SIGCONT);
        bank_stands = false;
        await(w, is_heard_by_the_bank, "its bank had read it");
}

static void stop_database(void)
{
        run(CONTROL "stop-database");
        away = true;
}

/* Returns when both instances ask it again. */
static void start_database(void)
{
        struct walker somebody = {.terminal = world.terminals - 1};
        struct message inquiry, answer;
        run(CONTROL "start-database");
        away = false;
        for (int instance = OWN; instance <= OTHER; instance++) {
                struct atm *line = line_of(&somebody, instance);
                int64_t until_ms = steady_ms() + PATIENCE_MS;
                do {
                        ck_assert_int_lt(steady_ms(), until_ms);
                        sleep_ms(10);
                        make_inquiry(&inquiry, line, &world.card[0]);
                        send_message(line, &inquiry);
                        do
                                expect_answer(line, &answer);
                        while (is_late(&somebody, &answer, &inquiry));
                } while (!strcmp(message_get(&answer, 39), "96"));
        }
}

static void lose_database(struct walker *w)
{
        await(w, is_on_its_way_to_the_bank, "its notice was sent");
        stop_database();
}

static void find_database(struct walker *w)
{
        start_database();
        age(w, TEN_MINUTES_S);
}

/* ---- stories ------------------------------------------------------------------------------------------- */

static const struct step {
        char letter;
        void (*play)(struct walker *w);
        bool again; /* when it could not be done for want of a database */
} steps[] = {
    {'q', ask_and_hear, false},            /* the 0200, and its answer comes */
    {'l', ask_and_lose, false},            /* the 0200; its answer is lost */
    {'t', ask_and_give_up, false},         /* the 0200; its answer comes when the ATM has given up */
    {'r', repeat_elsewhere, false},        /* the 0201 at the other instance, and its answer comes */
    {'g', give_up, false},                 /* the ATM has waited for long enough */
    {'a', tell, true},                     /* the ATM's advice, if it has one to send */
    {'A', tell_elsewhere, true},           /* at the other instance */
    {'d', tell_again, true},               /* the same once more: 0221, 0421 */
    {'v', tell_and_lose_the_answer, true}, /* the advice; its answer is lost */
    {'u', tell_half, false},               /* the advice is lost on its way */
    {'c', take_half_back, false},          /* notes come back: only half of them have left */
    {'f', take_all_back, false},           /* all come back */
    {'x', say_that_nothing_left, true},    /* a person does */
    {'y', say_that_all_left, true},
    {'e', put_right_elsewhere, true},
    {'w', wait_for_long, false}, /* an ATM's longest wait */
    {'p', wait_for_long, false}, /* ten minutes: an ATM's longest wait and dispensing */
    {'4', wait_for_long, false}, /* minutes */
    {'6', wait_for_long, false},
    {'n', wait_for_long, false}, /* midnight passes */
    {'B', stop_bank, false},     /* all banks stand still */
    {'b', let_bank_go_on, false},
    {'D', lose_database, false},
    {'U', find_database, false}, /* after ten minutes */
};

static const struct step *next_step(const struct walker *w)
{
        int i = 0;
        while (i < COUNT(steps) && steps[i].letter != w->story->letters[w->next])
                i++;
        ck_assert_msg(i < COUNT(steps), "%s: no such letter", w->story->letters + w->next);
        return &steps[i];
}

static void play_until(struct walker *w, int end)
{
        for (; w->next < end; w->next++)
                next_step(w)->play(w);
}

static int length_of(const struct walker *w)
{
        return (int)strlen(w->story->letters);
}

/* Walkers take ATMs in turn. */
static void start(struct walker *w, const struct story *story, enum route route, int number)
{
        int64_t moment_ms = business_ms();
        *w = (struct walker){.story = story,
                             .card = route == LINK ? take_bank_card() : take_card(),
                             .terminal = number % (world.terminals - 1)};
        const struct atm atm = {.terminal = world.terminal[w->terminal], .hall = world.hall[w->terminal]};
        make_withdrawal_at(&w->request, &atm, w->card, AMOUNT_YEN, moment_ms);
        snprintf(w->key, sizeof(w->key),
                 "terminal = '%s' AND stan = %s AND transmitted_at = to_timestamp(%" PRId64 ")", atm.terminal,
                 stan_of(w), moment_ms / 1000);
}

/* An ATM that has heard nothing that counts reverses in the end, and what it has to say it says until it is heard. */
static void finish(struct walker *w)
{
        play_until(w, length_of(w));
        if (w->asked)
                give_up(w);
        tell(w);
        if (w->late)
                hang_up(w, OWN);
}

/* Whatever happened: the card's account has paid what is recorded, and where that is not what the ATM has paid out,
 * people know: by an exception that is open, or because they decided when the ATM had spoken. */
static void check_holders(struct walker *w)
{
        char state[16], what[128];
        int64_t counted_yen;
        if (is_over_link(w) && strchr(w->story->letters, 'B'))
                await(w, is_heard_by_the_bank, "its bank had heard of it");
        await(w, is_told_to_the_bank, "its bank had acknowledged all");
        await(w, is_paid_as_recorded, "its account had paid what is recorded");
        sql_text(state, sizeof(state), "SELECT state FROM v_withdrawal WHERE %s", w->key);
        ck_assert_msg(strcmp(state, "asked") != 0 && strcmp(state, "approved") != 0, "%s (%s) ends %s",
                      w->story->letters, w->answers, state);
        counted_yen = number_of(w, "SELECT coalesce(sum(dispensed_yen), 0)::bigint FROM v_withdrawal");
        sql_text(
            what, sizeof(what),
            "SELECT string_agg(what, ' ') FROM v_exception WHERE NOT resolved AND what <> 'corrected' AND %s",
            w->key);
        ck_assert_msg(counted_yen == w->cash_yen || w->decided_last || *what,
                      "%s (%s): %" PRId64 " yen left the ATM, %" PRId64 " are recorded, and nobody knows",
                      w->story->letters, w->answers, w->cash_yen, counted_yen);
}

static void check_row(struct walker *w)
{
        const struct story *story = w->story;
        char found[256], wanted[256];
        ck_assert_msg(!strcmp(w->answers, story->answers), "%s was answered '%s' and not '%s'",
                      story->letters, w->answers, story->answers);
        ck_assert_int_eq(w->cash_yen, story->cash_yen);
        sql_text(found, sizeof(found),
                 "SELECT concat_ws(', ', %1$s, dispensed_yen, coalesce((SELECT string_agg(what, ' ' ORDER BY "
                 "what) "
                 "FROM exception_record WHERE %2$s), ''), (SELECT string_agg(kind, ' ' ORDER BY seq) FROM "
                 "bank_notice "
                 "WHERE %2$s)) FROM v_withdrawal WHERE %2$s",
                 story->state ? "state" : "''", w->key);
        snprintf(wanted, sizeof(wanted), "%s, %" PRId64 ", %s%s%s", story->state ? story->state : "",
                 story->counted_yen, story->exceptions, is_over_link(w) ? ", " : "",
                 is_over_link(w) ? story->notices : "");
        ck_assert_msg(!strcmp(found, wanted), "%s ends '%s' and not '%s'", story->letters, found, wanted);
}

/* ---- tests --------------------------------------------------------------------------------------------- */

enum { LONGEST = 7, WALKERS_MAX = 2 * COUNT(stories) };

static enum route route_of(int number)
{
        return number % 2 ? LINK : HOUSE;
}

static bool is_told_of(const struct story *story, int number, const char *without)
{
        return (story->route & route_of(number)) && !strpbrk(story->letters, without);
}

START_TEST(it_is_known_who_holds_the_money_in_the_end)
{
        const struct story *story = &stories[_i / 2];
        struct walker w;
        if (!is_told_of(story, _i, "n"))
                return;
        start(&w, story, route_of(_i), _i);
        play_until(&w, length_of(&w));
        check_holders(&w);
        check_row(&w);
}
END_TEST

/* The database is away at the same letter of all stories. A midnight is half a day here. */
START_TEST(a_database_away_at_any_step_leaves_nobody_with_the_money_twice)
{
        static struct walker walkers[WALKERS_MAX];
        int count = 0;
        for (int i = 0; i < WALKERS_MAX; i++)
                if (is_told_of(&stories[i / 2], i, "BD") && (int)strlen(stories[i / 2].letters) > _i)
                        start(&walkers[count++], &stories[i / 2], route_of(i), i);
        for (int i = 0; i < count; i++)
                play_until(&walkers[i], _i);
        stop_database();
        for (int i = 0; i < count; i++)
                next_step(&walkers[i])->play(&walkers[i]);
        start_database();
        for (int i = 0; i < count; i++) {
                age(&walkers[i], TEN_MINUTES_S);
                walkers[i].next += !next_step(&walkers[i])->again;
                finish(&walkers[i]);
        }
        for (int i = 0; i < count; i++)
                check_holders(&walkers[i]);
}
END_TEST

/* All walk until midnight, instances and banks go on with the next day, and the day of each is the day before. */
START_TEST(midnight_changes_nobodys_money)
{
        static struct walker walkers[WALKERS_MAX];
        int64_t midnight_ms = japan_ms("2026-06-11 00:00:00");
        int count = 0;
        for (int i = 0; i < WALKERS_MAX; i++)
                if (is_told_of(&stories[i / 2], i, "BD") && strchr(stories[i / 2].letters, 'n'))
                        start(&walkers[count++], &stories[i / 2], route_of(i), i);
        ck_assert_int_gt(count, 0);
        for (int i = 0; i < count; i++)
                play_until(&walkers[i], (int)strcspn(walkers[i].story->letters, "n"));
        ck_assert_int_lt(business_ms(), midnight_ms);
        for (int i = 0; i < count; i++) {
                hang_up(&walkers[i], OWN);
                hang_up(&walkers[i], OTHER);
                walkers[i].late = false;
        }
        set_clock(midnight_ms + 1000);
        for (int i = 0; i < count; i++) {
                play_until(&walkers[i], length_of(&walkers[i]));
                check_holders(&walkers[i]);
                check_row(&walkers[i]);
                ck_assert_int_eq(number_of(&walkers[i], "SELECT count(*) FILTER (WHERE business_date = "
                                                        "'2026-06-10') FROM v_withdrawal"),
                                 1);
        }
}
END_TEST

Suite *suite_walk(void)
{
        Suite *suite = suite_create("walk");
        TCase *tcase = tcase_create("walk");
        tcase_set_timeout(tcase, 280);
        tcase_add_loop_test(tcase, it_is_known_who_holds_the_money_in_the_end, 0, WALKERS_MAX);
        tcase_add_loop_test(tcase, a_database_away_at_any_step_leaves_nobody_with_the_money_twice, 0,
                            LONGEST);
        tcase_add_test(tcase, midnight_changes_nobodys_money);
        suite_add_tcase(suite, tcase);
        return suite;
}
