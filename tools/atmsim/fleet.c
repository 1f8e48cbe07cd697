/*
 * See fleet.h. An ATM's connection, seen from here:
 *
 *      PARKED --pause over--> LINED_UP --a handshake is free--> CONNECTING --> SIGNING_ON --0810/00--> SERVING
 *                                                                               ^      '--other--> REFUSED
 *                                                                               '------pause over------'
 *      any --connection lost--> PARKED, towards the next instance of atmd, with a longer pause each time
 *
 * enter_phase() makes all these transitions and sets their deadline. One thread; time-outs are real time.
 */
#include "tools/atmsim/fleet.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backoffice/journals/dispenser.h"
#include "lib/base/now.h"
#include "lib/base/process.h"
#include "lib/cli/say.h"
#include "lib/net/signals.h"
#include "protocol/profile.h"
#include "tools/atmsim/answers.h"
#include "tools/atmsim/atm_conn.h"
#include "tools/atmsim/fleet_clock.h"
#include "keymodule/laboratory/key_store.h"
#include "tools/atmsim/message.h"
#include "tools/atmsim/run_line.h"
#include "tools/atmsim/terminal_file.h"

enum {
        TICK_US = 10000,
        QUEUE_MAX = 8, /* customers who wait before one ATM */
        SIGN_ON_TIMEOUT_US = 10000000,
        RECONNECT_PAUSE_US = 50000,
        RECONNECT_PAUSE_MAX_US = 5000000,
        SIGN_ON_PAUSE_US = 1000000,
        BOOT_PAUSE_US = 200000,
        PAUSE_JITTER = 50, /* percent less or more */
        COMPLAINTS_MAX = 10,
};

enum phase { PARKED, LINED_UP, CONNECTING, SIGNING_ON, REFUSED, SERVING };

struct fleet;

struct seat {
        struct sim_atm atm;
        struct atm_conn conn;
        struct answers answers;
        struct message_place place;
        struct fleet *fleet;
        uint32_t index;
        int slot;            /* its dispenser */
        int64_t open_offset; /* in the journal: of its last 0200 */
        enum phase phase;
        int port, tries;
        struct message_identity sign_on;
        int offer,
            refused; /* the key set that waits for it, and the newest that it could not take; 0: none */
        struct lab_keys next; /* that came, until they are on the disk; set 0: none */
        bool in_group, power_off;
        bool faultless, busy; /* its customer has no fault in store; busy: and it is at work for that one */
        uint8_t waiting, first_waiting;
        struct customer queue[QUEUE_MAX];
};

struct fleet {
        const struct fleet_options *options;
        struct fleet_result result;
        struct fleet_clock clock;
        struct event_base *base;
        struct atm_conn_net net;
        struct event *tick, *arrival;
        struct signals *signals;
        struct terminals terminals;
        struct lab_keys *keys;   /* a terminal each; NULL: none has any */
        struct cipher_key *keks; /* likewise */
        struct key_store key_store;
        struct token_key *token_key;
        struct customers customers;
        struct arrivals arrivals;
        struct journal journal;
        struct dispensers *dispensers;
        int lock;
        struct random random; /* jitter; what customers do has a stream of its own */
        size_t count;
        struct seat *seats;
        int64_t *deadline_us, *phase_deadline_us; /* dense, for the tick */
        uint32_t *line;                           /* LINED_UP, a ring */
        size_t line_first, line_count;
        int64_t handshakes;            /* CONNECTING */
        uint32_t *group, *group_spare; /* who waits for the flush */
        size_t group_count;
        bool messages_wait;
        uint64_t drawn;
        int64_t signed_on;
        int64_t busy; /* seats that are */
        int64_t started_us, begun_us, measured_from_us, stop_us, drain_until_us;
        uint64_t paid_before, ended_before;
        int64_t cpu_before_us;
        int64_t next_arrival_ms;
        bool begun, warm, stopping, ready_said;
        int complaints;
        struct run_pace pace;
};

/* time -------------------------------------------------------------------------------------------- */

static int64_t business_now_ms(struct fleet *fleet)
{
        return fleet_clock_business_ms(&fleet->clock, real_now_ms());
}

/* failure ----------------------------------------------------------------------------------------- */

static void break_off(struct fleet *fleet, const char *what, const char *why)
{
        if (!fleet->result.broken)
                complain("%s: %s", what, why);
        fleet->result.broken = true;
}

static void complain_of(struct fleet *fleet, const struct seat *seat, const char *what)
{
        if (fleet->complaints++ >= COMPLAINTS_MAX)
                return;
        complain("%s: %s", seat->atm.terminal, what);
}

/* carrying out ------------------------------------------------------------------------------------ */

static void run_turn(struct seat *seat, struct atm_turn *turn);
static void serve(struct seat *seat);
static void enter_phase(struct seat *seat, enum phase phase, int64_t pause_us);

static void join_group(struct seat *seat)
{
        if (seat->in_group)
                return;
        seat->in_group = true;
        seat->fleet->group[seat->fleet->group_count++] = seat->index;
}

static void queue_frame(struct seat *seat, enum atm_message what, struct message_identity identity,
                        const uint8_t *frame, size_t length)
{
        bool is_network = what == ATM_SIGN_ON || what == ATM_ECHO || what == ATM_KEY_CHANGE;
        int64_t amount_yen = is_network ? 0 : seat->atm.w.amount_yen;

        answers_expect(&seat->answers, what, identity, amount_yen);
        if (!atm_conn_queue(&seat->conn, frame, length)) {
                atm_conn_cut(&seat->conn, 0);
                complain_of(seat->fleet, seat, "the host does not read; the connection is given up");
        }
        seat->fleet->messages_wait = true;
        join_group(seat);
}

static void send_message(struct seat *seat, const struct atm_action *action)
{
        struct fleet *fleet = seat->fleet;
        enum atm_message what = action->send.what;
        struct message_identity identity = message_identity_of(&seat->atm, what);
        const struct card *card = NULL;
        uint8_t frame[FRAME_MAX];
        size_t length;

        if (what == ATM_REQUEST || what == ATM_INQUIRY)
                card = &fleet->customers.cards.card[seat->atm.w.card];
        length = message_compose(&seat->atm, &seat->place, what, action->send.repeat, identity, card,
                                 (struct message_faults){action->send.mac, action->send.pin}, frame);

        queue_frame(seat, what, identity, frame, length);
        if (action->send.cut_short)
                atm_conn_cut(&seat->conn, 1 + seat->atm.plan.draw % (length - 1));
}

static void carry_out(struct seat *seat, const struct atm_action *action)
{
        struct fleet *fleet = seat->fleet;
        int64_t offset;

        switch (action->kind) {
        case ACTION_RECORD:
                offset = journal_append(&fleet->journal, &action->record);
                if (action->record.kind == JOURNAL_REQUEST)
                        seat->open_offset = offset;
                return;
        case ACTION_PAY:
                dispensers_pay(fleet->dispensers, seat->slot, seat->atm.w.stan, seat->atm.w.transmitted_ms,
                               action->pay_yen);
                return;
        case ACTION_TAKE_BACK:
                dispensers_take_back(fleet->dispensers, seat->slot, action->pay_yen);
                return;
        case ACTION_SEND:
                send_message(seat, action);
                return;
        case ACTION_CUT:
                atm_conn_cut(&seat->conn, 0);
                join_group(seat);
                return;
        case ACTION_POWER_OFF:
                seat->power_off = true;
                join_group(seat);
                return;
        case ACTION_END:
                return; /* serve() looks whether the ATM is free */
        }
}

/* How many ATMs are at work says whether the machine keeps up. Those with a fault wait out their pauses, whatever the machine does. */
static void note_busy(struct seat *seat)
{
        bool busy = seat->faultless && seat->atm.state != ATM_IDLE && seat->atm.state != ATM_OFF;

        seat->fleet->busy += busy - seat->busy;
        seat->busy = busy;
}

static void turn_begin(struct fleet *fleet, struct atm_turn *turn)
{
        turn->habits = &fleet->options->habits;
        turn->counters = &fleet->result.counters;
        turn->now_us = steady_now_us();
        turn->business_ms = business_now_ms(fleet);
        turn->count = 0;
}

static void run_turn(struct seat *seat, struct atm_turn *turn)
{
        for (int i = 0; i < turn->count; i++)
                carry_out(seat, &turn->action[i]);
        seat->fleet->deadline_us[seat->index] = seat->atm.deadline_us;
        note_busy(seat);
        serve(seat);
}

/* customers --------------------------------------------------------------------------------------- */

static uint64_t paid(const struct atm_counters *c)
{
        return c->ended[OUTCOME_COMPLETED] + c->ended[OUTCOME_PARTIAL];
}

static void stop_arrivals(struct fleet *fleet)
{
        if (fleet->stopping)
                return;
        fleet->stopping = true;
        fleet->stop_us = steady_now_us();
        fleet->drain_until_us = fleet->stop_us + (int64_t)(fleet->options->drain_seconds * 1e6);
        if (fleet->warm) {
                fleet->result.seconds = (double)(fleet->stop_us - fleet->measured_from_us) / 1e6;
                fleet->result.cpu_us = processor_now_us() - fleet->cpu_before_us;
                fleet->result.measured_paid = paid(&fleet->result.counters) - fleet->paid_before;
                fleet->result.measured_ended =
                    atm_counters_ended(&fleet->result.counters) - fleet->ended_before;
        }
        fleet->result.signed_on = fleet->signed_on;
        evtimer_del(fleet->arrival);
}

/* The next customer, or none: enough came, or the cards are used up. */
static bool draw(struct fleet *fleet, int64_t came_us, int64_t business_ms, struct customer *ret_customer)
{
        const struct fleet_options *options = fleet->options;

        if (options->withdrawals > 0 &&
            fleet->drawn >= (uint64_t)options->withdrawals + fleet->result.counters.inquiries_lost) {
                stop_arrivals(fleet);
                return false;
        }
        if (!customer_draw(&fleet->customers, business_ms, came_us, ret_customer)) {
                fleet->result.cards_used_up = true;
                stop_arrivals(fleet);
                return false;
        }
        fleet->drawn++;
        return true;
}

static void begin_customer(struct seat *seat, const struct customer *customer)
{
        struct cards *cards = &seat->fleet->customers.cards;
        struct atm_turn turn;
        char mask[20];

        pan_mask(cards->card[customer->card].pan, mask);
        seat->faultless = !faults_planned(&customer->plan);
        turn_begin(seat->fleet, &turn);
        /* On a clock that runs fast the milliseconds that a customer waits would be minutes, and the hours over. */
        if (seat->fleet->options->clock.speed > 1)
                turn.business_ms = customer->came_ms;
        atm_on_customer(&seat->atm, &turn, customer, card_token(cards, customer->card), mask);
        run_turn(seat, &turn);
}

static void ask_for_keys(struct seat *seat)
{
        struct atm_turn turn;

        seat->offer = 0; /* should the answer be lost, another one tells of it again */
        turn_begin(seat->fleet, &turn);
        atm_on_offer(&seat->atm, &turn);
        run_turn(seat, &turn);
}

static void serve(struct seat *seat)
{
        struct fleet *fleet = seat->fleet;
        struct customer customer;

        if (!atm_is_free(&seat->atm) || seat->power_off)
                return;
        if (seat->offer) {
                ask_for_keys(seat);
        } else if (seat->waiting > 0) {
                customer = seat->queue[seat->first_waiting];
                seat->first_waiting = (uint8_t)((seat->first_waiting + 1) % QUEUE_MAX);
                seat->waiting--;
                begin_customer(seat, &customer);
        } else if (fleet->options->closed && fleet->begun && !fleet->stopping &&
                   draw(fleet, steady_now_us(), business_now_ms(fleet), &customer)) {
                begin_customer(seat, &customer);
        }
}

static void arrive(struct fleet *fleet, int64_t business_ms)
{
        int64_t late_us = real_now_us() - fleet_clock_real_at(&fleet->clock, business_ms) * 1000;
        struct seat *seat = &fleet->seats[random_below(&fleet->arrivals.random, fleet->count)];
        struct customer customer;

        if (!draw(fleet, steady_now_us() - (late_us > 0 ? late_us : 0), business_ms, &customer))
                return;
        if (seat->waiting == QUEUE_MAX) {
                fleet->result.walked_away++;
                return;
        }
        seat->queue[(seat->first_waiting + seat->waiting++) % QUEUE_MAX] = customer;
        serve(seat);
}

static void plan_arrival(struct fleet *fleet)
{
        int64_t real_us = fleet_clock_real_at(&fleet->clock, fleet->next_arrival_ms) * 1000;
        int64_t pause_us = real_us - real_now_us();
        struct timeval pause;

        if (pause_us < 0)
                pause_us = 0;
        pause = (struct timeval){.tv_sec = pause_us / 1000000, .tv_usec = pause_us % 1000000};
        evtimer_add(fleet->arrival, &pause);
}

static bool is_at_its_limit(const struct fleet *fleet)
{
        return fleet->options->busy_max > 0 && fleet->busy >= fleet->options->busy_max;
}

static void stop_clock(struct fleet *fleet, int64_t business_ms)
{
        fleet_clock_stop(&fleet->clock, business_ms);
        fleet->result.stands++;
}

static void let_clock_go_on(struct fleet *fleet)
{
        int64_t before_ms = fleet->clock.stood_ms;

        fleet_clock_go_on(&fleet->clock, real_now_ms());
        fleet->result.stood_s += (double)(fleet->clock.stood_ms - before_ms) / 1000;
}

static void on_arrival(evutil_socket_t fd, short what, void *context)
{
        struct fleet *fleet = context;
        int64_t business_ms = business_now_ms(fleet);

        (void)fd, (void)what;
        while (!fleet->stopping && fleet->next_arrival_ms <= business_ms) {
                if (fleet->options->until_ms != INT64_MIN &&
                    fleet->next_arrival_ms >= fleet->options->until_ms) {
                        stop_arrivals(fleet);
                        return;
                }
                if (is_at_its_limit(fleet)) {
                        stop_clock(fleet, fleet->next_arrival_ms);
                        return;
                }
                arrive(fleet, fleet->next_arrival_ms);
                fleet->next_arrival_ms = arrivals_next_ms(&fleet->arrivals);
        }
        if (!fleet->stopping)
                plan_arrival(fleet);
}

/* keys -------------------------------------------------------------------------------------------- */

/* What can't be taken is not asked for again; the old keys stay. */
static bool take_keys(struct seat *seat, const struct atm_answer *answer)
{
        struct fleet *fleet = seat->fleet;
        char text[160];
        const char *wrong;

        if (strcmp(answer->de39, "00") != 0 || !answer->offer)
                return false;
        wrong = lab_keys_take(&fleet->keks[seat->index], answer->offer, answer->key_blocks, &seat->next);
        if (!wrong) {
                key_store_add(&fleet->key_store, seat->atm.terminal, answer->offer, answer->key_blocks);
                join_group(seat);
                return true;
        }
        seat->refused = answer->offer;
        fleet->result.counters.key_changes_refused++;
        snprintf(text, sizeof(text), "key set %d is not taken, the old one stays: %s", answer->offer, wrong);
        complain_of(fleet, seat, text);
        return false;
}

static void finish_key_change(struct seat *seat, bool taken)
{
        struct atm_turn turn;

        turn_begin(seat->fleet, &turn);
        atm_on_keys(&seat->atm, &turn, taken);
        run_turn(seat, &turn);
}

/* They are on the disk. */
static void use_keys(struct seat *seat)
{
        struct fleet *fleet = seat->fleet;

        fleet->keys[seat->index] = seat->next;
        OPENSSL_cleanse(&seat->next, sizeof(seat->next));
        fleet->result.counters.key_changes++;
        finish_key_change(seat, true);
}

static void on_key_change_answer(struct seat *seat, const struct atm_answer *answer)
{
        if (!take_keys(seat, answer))
                finish_key_change(seat, false);
}

/* power ------------------------------------------------------------------------------------------- */

/* The ATM forgets all that it held in memory; journal file and dispenser tell it what it was doing. */
static void cycle_power(struct seat *seat)
{
        struct fleet *fleet = seat->fleet;
        struct recovery recovery;
        char path[JOURNAL_PATH_MAX], error[JOURNAL_ERROR_MAX];
        struct atm_turn turn;

        seat->power_off = false;
        if (seat->phase == SERVING)
                fleet->signed_on--;
        if (seat->phase == CONNECTING)
                fleet->handshakes--;
        atm_conn_close(&seat->conn, false);
        if (seat->phase != LINED_UP) /* it keeps its place in the line */
                enter_phase(seat, PARKED, random_jitter(&fleet->random, BOOT_PAUSE_US, PAUSE_JITTER));
        journal_path(fleet->options->journal, fleet->journal.number, path);
        if (!recovery_read(path, seat->open_offset, seat->atm.terminal, &recovery, error)) {
                break_off(fleet, path, error);
                return;
        }
        turn_begin(fleet, &turn);
        atm_on_power(&seat->atm, &turn, &recovery,
                     dispensers_paid_yen(fleet->dispensers, seat->slot, recovery.request.stan,
                                         recovery.request.transmitted_ms));
        run_turn(seat, &turn);
}

/* the end of a turn of the loop ------------------------------------------------------------------- */

static void settle(struct fleet *fleet)
{
        if (fleet->begun && fleet->clock.stands && !is_at_its_limit(fleet)) {
                let_clock_go_on(fleet);
                if (!fleet->stopping)
                        plan_arrival(fleet);
        }
        do {
                uint32_t *group = fleet->group;
                size_t count = fleet->group_count;

                if (!dispensers_sync(fleet->dispensers)) {
                        break_off(fleet, "dispensers", strerror(errno));
                        return;
                }
                if (fleet->messages_wait)
                        fleet->result.flushes++;
                if (!journal_flush(&fleet->journal, fleet->messages_wait)) {
                        break_off(fleet, "journal", strerror(errno));
                        return;
                }
                if (fleet->keys && !key_store_sync(&fleet->key_store)) {
                        break_off(fleet, fleet->key_store.path, strerror(errno));
                        return;
                }
                fleet->messages_wait = false;
                fleet->group = fleet->group_spare;
                fleet->group_spare = group;
                fleet->group_count = 0;
                for (size_t i = 0; i < count; i++) {
                        struct seat *seat = &fleet->seats[group[i]];

                        seat->in_group = false;
                        atm_conn_flush(&seat->conn);
                        if (seat->next.set)
                                use_keys(seat);
                        if (seat->power_off)
                                cycle_power(seat);
                }
        } while (fleet->group_count > 0 && !fleet->result.broken);
}

/* connections ------------------------------------------------------------------------------------- */

static void enter_phase(struct seat *seat, enum phase phase, int64_t pause_us)
{
        struct fleet *fleet = seat->fleet;

        seat->phase = phase;
        fleet->phase_deadline_us[seat->index] =
            pause_us == INT64_MAX ? INT64_MAX : steady_now_us() + pause_us;
        if (phase == LINED_UP)
                fleet->line[(fleet->line_first + fleet->line_count++) % fleet->count] = seat->index;
}

static void park(struct seat *seat)
{
        struct fleet *fleet = seat->fleet;
        int64_t pause_us = RECONNECT_PAUSE_US;

        for (int i = 0; i < seat->tries && pause_us < RECONNECT_PAUSE_MAX_US; i++)
                pause_us *= 2;
        seat->tries++;
        seat->port = (seat->port + 1) % fleet->net.ports;
        enter_phase(seat, PARKED, random_jitter(&fleet->random, pause_us, PAUSE_JITTER));
}

static void sign_on(struct seat *seat)
{
        uint8_t frame[FRAME_MAX];
        size_t length;

        seat->sign_on.stan = atm_next_stan(&seat->atm);
        seat->sign_on.transmitted_ms = business_now_ms(seat->fleet) / 1000 * 1000;
        length = message_compose(&seat->atm, &seat->place, ATM_SIGN_ON, false, seat->sign_on, NULL,
                                 (struct message_faults){MAC_RIGHT, PIN_RIGHT}, frame);
        queue_frame(seat, ATM_SIGN_ON, seat->sign_on, frame, length);
        enter_phase(seat, SIGNING_ON, SIGN_ON_TIMEOUT_US);
}

static struct seat *seat_of(struct atm_conn *conn)
{
        return (struct seat *)(void *)((char *)conn - offsetof(struct seat, conn));
}

static void on_ready(struct atm_conn *conn)
{
        struct seat *seat = seat_of(conn);

        seat->fleet->handshakes--;
        seat->fleet->result.connections++;
        sign_on(seat);
}

static void on_down(struct atm_conn *conn, const char *reason)
{
        struct seat *seat = seat_of(conn);
        struct fleet *fleet = seat->fleet;
        enum phase phase = seat->phase;
        struct atm_turn turn;

        if (phase == CONNECTING) {
                fleet->handshakes--;
                fleet->result.connections_failed++;
        } else {
                fleet->result.connections_lost++;
        }
        if (phase == SERVING)
                fleet->signed_on--;
        if (phase == CONNECTING && fleet->result.connections == 0)
                complain_of(fleet, seat, reason); /* nobody has got through yet: say why */
        park(seat);
        if (phase == CONNECTING || seat->power_off)
                return;
        turn_begin(fleet, &turn);
        atm_on_disconnected(&seat->atm, &turn);
        run_turn(seat, &turn);
}

static void on_sign_on_answer(struct seat *seat, const struct atm_answer *answer)
{
        struct fleet *fleet = seat->fleet;
        bool good = !strcmp(answer->de39, "00");
        struct atm_turn turn;

        if (seat->phase != SIGNING_ON)
                return;
        if (good) {
                fleet->signed_on++;
                seat->tries = 0;
                enter_phase(seat, SERVING, INT64_MAX);
        } else {
                fleet->result.sign_ons_refused++;
                enter_phase(seat, REFUSED, random_jitter(&fleet->random, SIGN_ON_PAUSE_US, PAUSE_JITTER));
        }
        turn_begin(fleet, &turn);
        atm_on_connected(&seat->atm, &turn, good);
        run_turn(seat, &turn);
}

static void on_message(struct atm_conn *conn, const uint8_t *bytes, size_t length)
{
        struct seat *seat = seat_of(conn);
        struct fleet *fleet = seat->fleet;
        char why[ANSWER_WHY_MAX], text[ANSWER_WHY_MAX + 32];
        struct atm_answer answer;
        struct atm_turn turn;

        if (seat->power_off)
                return; /* nobody is there to read it */
        if (!answers_check(&seat->answers, &seat->atm, &seat->place, bytes, length, &answer, why)) {
                fleet->result.counters.wrong++;
                snprintf(text, sizeof(text), "a wrong answer: %s", why);
                complain_of(fleet, seat, text);
                return;
        }
        if (answer.offer > seat->refused && answer.what != ATM_KEY_CHANGE)
                seat->offer = answer.offer;
        if (answer.what == ATM_SIGN_ON) {
                on_sign_on_answer(seat, &answer);
                return;
        }
        turn_begin(fleet, &turn);
        atm_on_answer(&seat->atm, &turn, &answer);
        run_turn(seat, &turn);
        if (answer.what == ATM_KEY_CHANGE)
                on_key_change_answer(seat, &answer);
}

static void connect_next(struct fleet *fleet)
{
        int64_t most = fleet->options->handshakes > 0 ? fleet->options->handshakes : INT64_MAX;

        while (fleet->line_count > 0 && fleet->handshakes < most) {
                struct seat *seat = &fleet->seats[fleet->line[fleet->line_first]];
                char reason[ATM_CONN_REASON_MAX];

                fleet->line_first = (fleet->line_first + 1) % fleet->count;
                fleet->line_count--;
                if (atm_conn_connect(&seat->conn, seat->atm.terminal, seat->port, reason)) {
                        fleet->handshakes++;
                        enter_phase(seat, CONNECTING, fleet->options->connect_timeout_ms * 1000);
                } else {
                        complain_of(fleet, seat, reason);
                        park(seat);
                }
        }
}

static void on_phase_deadline(struct seat *seat)
{
        struct fleet *fleet = seat->fleet;

        fleet->phase_deadline_us[seat->index] = INT64_MAX;
        switch (seat->phase) {
        case PARKED:
                enter_phase(seat, LINED_UP, INT64_MAX);
                return;
        case CONNECTING:
        case SIGNING_ON:
                atm_conn_close(&seat->conn, false);
                on_down(&seat->conn, "no answer in time");
                return;
        case REFUSED:
                sign_on(seat);
                return;
        case LINED_UP:
        case SERVING:
                return;
        }
}

/* the tick ---------------------------------------------------------------------------------------- */

static bool seat_is_open(const struct seat *seat)
{
        return seat->atm.state != ATM_IDLE || seat->waiting > 0 || seat->power_off;
}

static uint64_t count_open(const struct fleet *fleet)
{
        uint64_t open = 0;

        for (size_t i = 0; i < fleet->count; i++)
                open += seat_is_open(&fleet->seats[i]);
        return open;
}

static void say_ready(struct fleet *fleet)
{
        FILE *file;

        if (fleet->ready_said || !fleet->options->ready_file)
                return;
        fleet->ready_said = true;
        file = fopen(fleet->options->ready_file, "we");
        if (!file || fprintf(file, "%" PRId64 "\n", fleet->signed_on) < 0 || fclose(file) != 0)
                break_off(fleet, fleet->options->ready_file, strerror(errno));
}

static void begin(struct fleet *fleet)
{
        const struct fleet_options *options = fleet->options;
        int64_t from_ms = business_now_ms(fleet);

        fleet->begun = true;
        fleet->begun_us = steady_now_us();
        if (fleet->clock.stands)
                fleet_clock_go_on(&fleet->clock, real_now_ms());
        if (options->idle)
                return;
        if (options->closed) {
                for (size_t i = 0; i < fleet->count; i++)
                        serve(&fleet->seats[i]);
                return;
        }
        if (options->from_ms > from_ms)
                from_ms = options->from_ms;
        arrivals_init(&fleet->arrivals, options->profile, options->per_atm_day * (double)fleet->count,
                      from_ms, (uint64_t)options->seed + 1);
        fleet->next_arrival_ms = arrivals_next_ms(&fleet->arrivals);
        plan_arrival(fleet);
}

/* A closed loop and a flat one begin when all are there, or the handshakes would be measured with them; a clock that may stand still
 * waits for them too. */
static bool may_begin(struct fleet *fleet, int64_t now)
{
        if (!fleet->options->closed && !fleet->options->idle && fleet->options->from_ms != INT64_MIN) {
                if (!fleet->options->busy_max)
                        return true;
                if (!fleet->clock.stands && business_now_ms(fleet) >= fleet->options->from_ms)
                        fleet_clock_stop(&fleet->clock, fleet->options->from_ms);
                if (!fleet->clock.stands)
                        return false;
        }
        return fleet->signed_on == (int64_t)fleet->count ||
               (double)(now - fleet->started_us) > fleet->options->start_seconds * 1e6;
}

/* Where it waited for ATMs and none is there, so many withdrawals would never come about, and the run would not end. */
static bool nobody_came(const struct fleet *fleet)
{
        return fleet->signed_on == 0 && !fleet->options->idle &&
               (fleet->options->closed || fleet->options->from_ms == INT64_MIN);
}

static void keep_schedule(struct fleet *fleet, int64_t now)
{
        const struct fleet_options *options = fleet->options;

        if (fleet->signed_on == (int64_t)fleet->count)
                say_ready(fleet);
        if (fleet->stopping)
                return;
        if (!fleet->begun && may_begin(fleet, now)) {
                if (nobody_came(fleet))
                        stop_arrivals(fleet);
                else
                        begin(fleet);
        }
        if (!fleet->begun)
                return;
        if (!fleet->warm && now - fleet->begun_us >= (int64_t)(options->warmup_seconds * 1e6)) {
                struct atm_counters *counters = &fleet->result.counters;

                fleet->warm = true;
                fleet->measured_from_us = now;
                fleet->cpu_before_us = processor_now_us();
                fleet->paid_before = paid(counters);
                fleet->ended_before = atm_counters_ended(counters);
                memset(&counters->request_us, 0, sizeof(counters->request_us));
                memset(&counters->inquiry_us, 0, sizeof(counters->inquiry_us));
                memset(&counters->advice_us, 0, sizeof(counters->advice_us));
        }
        if (options->seconds > 0 &&
            now - fleet->begun_us >= (int64_t)((options->seconds + options->warmup_seconds) * 1e6))
                stop_arrivals(fleet);
        if (options->until_ms != INT64_MIN && business_now_ms(fleet) >= options->until_ms)
                stop_arrivals(fleet);
}

static void show_progress(struct fleet *fleet, int64_t now)
{
        struct atm_counters *c = &fleet->result.counters;
        struct run_line line = {0};

        if (!progress_is_due(now))
                return;
        line.business_ms = business_now_ms(fleet);
        line.atms = (int64_t)fleet->count;
        line.signed_on = fleet->signed_on;
        line.ended = atm_counters_ended(c);
        line.declined = c->ended[OUTCOME_DECLINED];
        line.paid = paid(c);
        line.open = count_open(fleet);
        line.draining = fleet->stopping;
        run_line_show(&fleet->pace, &line, now);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
        struct fleet *fleet = context;
        int64_t now = steady_now_us();

        (void)fd, (void)what;
        for (size_t i = 0; i < fleet->count; i++) {
                if (fleet->deadline_us[i] <= now) {
                        struct atm_turn turn;

                        turn_begin(fleet, &turn);
                        atm_on_deadline(&fleet->seats[i].atm, &turn);
                        run_turn(&fleet->seats[i], &turn);
                }
                if (fleet->phase_deadline_us[i] <= now)
                        on_phase_deadline(&fleet->seats[i]);
        }
        connect_next(fleet);
        keep_schedule(fleet, now);
        show_progress(fleet, now);
}

static void on_signal(evutil_socket_t fd, short what, void *context)
{
        struct fleet *fleet = context;

        (void)fd, (void)what;
        if (fleet->stopping)
                break_off(fleet, "stopped", "a second signal came before all withdrawals were at their end");
        stop_arrivals(fleet);
}

/* start ------------------------------------------------------------------------------------------- */

static void warn_of_strangers(const struct fleet *fleet, const struct recoveries *recoveries)
{
        int strangers = 0;

        for (size_t i = 0; i < recoveries->terminals.count; i++)
                strangers += recoveries->recovery[i].open &&
                             terminals_find(&fleet->terminals, recoveries->terminals.terminal[i].name) < 0;
        if (strangers)
                complain("%d ATMs of this journal have open withdrawals but are not part of this run; "
                         "run them too (--atms) to bring those to their end",
                         strangers);
}

/* Each ATM learns from journal and dispenser what it was doing when its last process ended. */
static bool switch_on(struct fleet *fleet)
{
        struct recoveries recoveries;
        char error[JOURNAL_ERROR_MAX];
        bool good = recoveries_read(&recoveries, fleet->options->journal, error);

        if (!good) {
                complain("%s", error);
                goto done;
        }
        warn_of_strangers(fleet, &recoveries);
        for (size_t i = 0; i < fleet->count; i++) {
                struct seat *seat = &fleet->seats[i];
                const struct recovery *recovery = recoveries_of(&recoveries, seat->atm.terminal);
                struct atm_turn turn;

                turn_begin(fleet, &turn);
                atm_on_power(&seat->atm, &turn, recovery,
                             dispensers_paid_yen(fleet->dispensers, seat->slot, recovery->request.stan,
                                                 recovery->request.transmitted_ms));
                run_turn(seat, &turn);
        }
        settle(fleet);
        good = !fleet->result.broken;
done:
        recoveries_free(&recoveries);
        return good;
}

static bool open_seats(struct fleet *fleet)
{
        fleet->count = fleet->terminals.count;
        fleet->seats = calloc(fleet->count, sizeof(*fleet->seats));
        fleet->deadline_us = calloc(fleet->count, sizeof(int64_t));
        fleet->phase_deadline_us = calloc(fleet->count, sizeof(int64_t));
        fleet->line = calloc(fleet->count, sizeof(uint32_t));
        fleet->group = calloc(fleet->count, sizeof(uint32_t));
        fleet->group_spare = calloc(fleet->count, sizeof(uint32_t));
        if (!fleet->seats || !fleet->deadline_us || !fleet->phase_deadline_us || !fleet->line ||
            !fleet->group || !fleet->group_spare) {
                complain("out of memory for %zu ATMs", fleet->count);
                return false;
        }
        for (size_t i = 0; i < fleet->count; i++) {
                struct seat *seat = &fleet->seats[i];
                const struct terminal *terminal = &fleet->terminals.terminal[i];

                seat->fleet = fleet;
                seat->index = (uint32_t)i;
                atm_init(&seat->atm, terminal->name);
                atm_conn_init(&seat->conn, &fleet->net);
                if (fleet->options->own_addresses && !atm_conn_come_from(&seat->conn, (uint32_t)i)) {
                        complain("--own-addresses: a host on a loopback address (127.0.0.0/8) is expected, "
                                 "not '%s'",
                                 fleet->options->host);
                        return false;
                }
                snprintf(seat->place.hall, sizeof(seat->place.hall), "%-15s", terminal->hall);
                seat->place.acquirer = fleet->options->acquirer;
                seat->place.keys = fleet->keys ? &fleet->keys[i] : NULL;
                seat->place.chip_rate = fleet->options->chip_rate;
                seat->port = (int)(i % (size_t)fleet->net.ports);
                seat->slot = dispensers_find_or_add(fleet->dispensers, terminal->name);
                if (seat->slot < 0 || !dispensers_counters(fleet->dispensers, seat->slot)) {
                        complain("dispenser of %s: %s", terminal->name,
                                 seat->slot < 0 ? strerror(errno) : "its counters are damaged");
                        return false;
                }
                fleet->deadline_us[i] = INT64_MAX;
                enter_phase(seat, LINED_UP, INT64_MAX);
        }
        return true;
}

static int64_t place_of_terminal(const void *terminals, const char *name)
{
        return strlen(name) == sizeof(((struct terminal *)NULL)->name) - 1 ? terminals_find(terminals, name)
                                                                           : -1;
}

static struct lab_owners key_owners(const struct fleet *fleet)
{
        return (struct lab_owners){"terminal", fleet->terminals.count, place_of_terminal, &fleet->terminals};
}

/* What came over the line in former runs, for which the journal's folder is this run's alone. */
static bool load_kept_keys(struct fleet *fleet, char error[KEY_STORE_ERROR_MAX])
{
        const struct lab_owners owners = key_owners(fleet);
        char path[KEY_STORE_PATH_MAX];
        size_t foreign;

        snprintf(path, sizeof(path), "%s/keys.csv", fleet->options->journal);
        if (!key_store_open(&fleet->key_store, path, "terminal", error) ||
            !key_store_load(&fleet->key_store, fleet->options->keks, &owners, fleet->keys, &foreign, error))
                return false;
        if (foreign)
                complain(
                    "%s: %zu key set%s can't be used, under another key-encrypting key or changed: those of "
                    "--keys are",
                    fleet->key_store.path, foreign, foreign == 1 ? "" : "s");
        return true;
}

static bool load_keys(struct fleet *fleet, char error[LAB_KEYS_ERROR_MAX])
{
        const struct lab_owners owners = key_owners(fleet);

        fleet->keys = lab_keys_load(fleet->options->keys, fleet->options->keks, &owners, NULL, error);
        fleet->keks = fleet->keys ? lab_keks_load(fleet->options->keks, &owners, error) : NULL;
        return fleet->keks;
}

static bool open_files(struct fleet *fleet)
{
        const struct fleet_options *options = fleet->options;
        char error[1024];

        if (!terminals_load(options->terminals, (size_t)options->atms, &fleet->terminals, error))
                goto fail;
        if (options->keys && !load_keys(fleet, error))
                goto fail;
        fleet->token_key = token_key_load(options->token_key_file, error);
        if (!fleet->token_key)
                goto fail;
        if (!options->idle && !cards_load(options->cards, options->card_files, (size_t)options->cards_skip,
                                          fleet->token_key, &fleet->customers.cards, error))
                goto fail;
        fleet->lock = journal_lock(options->journal, true, error);
        if (fleet->lock < 0)
                goto fail;
        if (fleet->keys && !load_kept_keys(fleet, error))
                goto fail;
        fleet->dispensers = dispensers_open(options->journal, true, error);
        if (!fleet->dispensers || !journal_open(&fleet->journal, options->journal, error))
                goto fail;
        return true;
fail:
        complain("%s", error);
        return false;
}

/* As many descriptors as the system allows: an ATM needs one. */
static bool raise_files(size_t atms)
{
        uint64_t files = process_raise_files();

        if (files >= atms + 32)
                return true;
        complain("%zu ATMs need %zu open files, this process may have %llu (ulimit -n)", atms, atms + 32,
                 (unsigned long long)files);
        return false;
}

static bool open_loop(struct fleet *fleet)
{
        static const struct signal_row rows[] = {{SIGINT, on_signal}, {SIGTERM, on_signal}};
        const struct fleet_options *options = fleet->options;
        struct event_config *config = event_config_new();
        struct timeval tick = {.tv_usec = TICK_US};
        char error[ATM_CONN_ERROR_MAX];

        signal(SIGPIPE, SIG_IGN);
        if (config) {
                event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
                fleet->base = event_base_new_with_config(config);
                event_config_free(config);
        }
        if (!fleet->base) {
                complain("libevent can't make an event loop");
                return false;
        }
        fleet->tick = event_new(fleet->base, -1, EV_PERSIST, on_tick, fleet);
        fleet->arrival = evtimer_new(fleet->base, on_arrival, fleet);
        fleet->signals = signals_new(fleet->base, rows, sizeof(rows) / sizeof(rows[0]), fleet);
        if (!fleet->signals || !fleet->tick || !fleet->arrival || event_add(fleet->tick, &tick) < 0)
                return false;
        if (!atm_conn_net_open(&fleet->net, fleet->base, options->host, options->ports, options->ca,
                               options->certs, fleet->terminals.terminal[0].name, error)) {
                complain("%s", error);
                return false;
        }
        fleet->net.on_ready = on_ready;
        fleet->net.on_message = on_message;
        fleet->net.on_down = on_down;
        if (options->capture_file && !atm_conn_net_capture(&fleet->net, options->capture_file)) {
                complain("--capture %s: %s", options->capture_file, strerror(errno));
                return false;
        }
        return true;
}

static void set_up_customers(struct fleet *fleet)
{
        const struct fleet_options *options = fleet->options;

        fleet->customers.rates = options->faults;
        fleet->customers.fixed_yen = options->amount_yen;
        fleet->customers.inquiry_rate = options->inquiry_rate;
        fleet->customers.wrong_pin_rate = options->wrong_pin_rate;
        fleet->customers.even = options->even;
        fleet->customers.cards.uses = (uint32_t)options->card_uses;
        fleet->customers.cards.careless = options->careless_rate;
        random_seed(&fleet->customers.random, (uint64_t)options->seed);
        random_seed(&fleet->random, (uint64_t)options->seed + 2);
}

/* end --------------------------------------------------------------------------------------------- */

/* False: something that was to be written is not complete. */
static bool close_fleet(struct fleet *fleet)
{
        bool complete = true;

        for (size_t i = 0; fleet->seats && i < fleet->count; i++) {
                atm_conn_close(&fleet->seats[i].conn, true);
                OPENSSL_cleanse(&fleet->seats[i].next, sizeof(fleet->seats[i].next));
        }
        if (!journal_close(&fleet->journal))
                fprintf(stderr, "atmsim: journal: %s\n", strerror(errno));
        dispensers_close(fleet->dispensers);
        if (fleet->lock >= 0)
                close(fleet->lock);
        if (fleet->net.tls && !atm_conn_net_close(&fleet->net)) {
                complain("--capture %s: not all could be written", fleet->options->capture_file);
                complete = false;
        }
        signals_free(fleet->signals);
        if (fleet->arrival)
                event_free(fleet->arrival);
        if (fleet->tick)
                event_free(fleet->tick);
        if (fleet->base)
                event_base_free(fleet->base);
        cards_free(&fleet->customers.cards);
        token_key_free(fleet->token_key);
        lab_keys_free(fleet->keys, fleet->terminals.count);
        lab_keks_free(fleet->keks, fleet->terminals.count);
        key_store_close(&fleet->key_store);
        terminals_free(&fleet->terminals);
        free(fleet->seats);
        free(fleet->deadline_us);
        free(fleet->phase_deadline_us);
        free(fleet->line);
        free(fleet->group);
        free(fleet->group_spare);
        return complete;
}

static bool is_over(const struct fleet *fleet)
{
        if (fleet->result.broken)
                return true;
        if (!fleet->stopping)
                return false;
        return count_open(fleet) == 0 || steady_now_us() >= fleet->drain_until_us;
}

static void loop(struct fleet *fleet)
{
        int64_t check_us = 0;

        for (;;) {
                event_base_loop(fleet->base, EVLOOP_ONCE);
                settle(fleet);
                if (fleet->result.broken)
                        return;
                if (fleet->stopping && steady_now_us() >= check_us) {
                        if (is_over(fleet))
                                return;
                        check_us = steady_now_us() + TICK_US;
                }
        }
}

bool fleet_run(const struct fleet_options *options, struct fleet_result *ret_result)
{
        struct fleet *fleet = calloc(1, sizeof(*fleet));
        bool good = false;

        if (!fleet) {
                complain("out of memory");
                return false;
        }
        fleet->options = options;
        fleet->lock = -1;
        fleet_clock_init(&fleet->clock, &options->clock);
        fleet->started_us = steady_now_us();
        if (options->progress)
                progress_everywhere();
        if (!process_forbid_cores())
                note("cores may hold card numbers: /proc/self/coredump_filter can't be written");
        if (!open_files(fleet) || !raise_files(fleet->terminals.count) || !open_loop(fleet) ||
            !open_seats(fleet))
                goto done;
        set_up_customers(fleet);
        if (!switch_on(fleet))
                goto done;
        loop(fleet);
        progress_end();
        fleet->result.atms = (int64_t)fleet->count;
        fleet->result.unfinished = count_open(fleet);
        *ret_result = fleet->result;
        good = true;
done:
        good = close_fleet(fleet) && good;
        free(fleet);
        return good;
}
