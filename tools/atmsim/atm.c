/*
 * The life of an ATM; see atm.h for its states. Each state has one function that enters it, and that alone
 * sets the deadline. Faults are carried out where the withdrawal passes the point that its plan names.
 */
#include "tools/atmsim/atm.h"

#include <assert.h>
#include <string.h>

#include "backoffice/journals/dispenser.h"

enum { STAN_MAX = 999999, SECOND_MS = 1000 };

const char *const outcome_name[OUTCOME_COUNT] = {
    [OUTCOME_COMPLETED] = "completed", [OUTCOME_PARTIAL] = "partial",       [OUTCOME_EMPTY] = "empty",
    [OUTCOME_DECLINED] = "declined",   [OUTCOME_UNANSWERED] = "unanswered", [OUTCOME_CANCELLED] = "cancelled",
};

/* actions ----------------------------------------------------------------------------------------- */

static struct atm_action *act(struct atm_turn *turn, enum atm_action_kind kind)
{
        assert(turn->count < ATM_ACTIONS_MAX);
        turn->action[turn->count].kind = kind;
        return &turn->action[turn->count++];
}

static struct journal_record *write_record(struct sim_atm *atm, struct atm_turn *turn, enum journal_kind kind,
                                           int32_t stan, int64_t transmitted_ms)
{
        struct journal_record *record = &act(turn, ACTION_RECORD)->record;

        *record = (struct journal_record){
            .kind = kind, .stan = stan, .transmitted_ms = transmitted_ms, .charge_yen = -1};
        memcpy(record->terminal, atm->terminal, sizeof(record->terminal));
        return record;
}

static enum mac_fault mac_of(struct sim_atm *atm, struct atm_turn *turn, enum atm_message what);
static enum pin_fault pin_of(struct sim_atm *atm, struct atm_turn *turn, enum atm_message what);

static void send(struct sim_atm *atm, struct atm_turn *turn, enum atm_message what, bool repeat)
{
        struct atm_action *action = act(turn, ACTION_SEND);

        assert(atm->connected);
        action->send.what = what;
        action->send.repeat = repeat;
        action->send.cut_short = false;
        action->send.mac = mac_of(atm, turn, what);
        action->send.pin = pin_of(atm, turn, what);
}

static void cut(struct sim_atm *atm, struct atm_turn *turn)
{
        act(turn, ACTION_CUT);
        atm->connected = atm->signed_on = false;
}

static void power_off(struct sim_atm *atm, struct atm_turn *turn)
{
        turn->counters->fault[FAULT_POWER_LOSS]++;
        act(turn, ACTION_POWER_OFF);
        atm->state = ATM_OFF;
        atm->connected = atm->signed_on = false;
        atm->deadline_us = INT64_MAX;
}

static void wait_for(struct sim_atm *atm, const struct atm_turn *turn, int64_t pause_us)
{
        atm->deadline_us = turn->now_us + pause_us;
}

static int64_t business_second(const struct atm_turn *turn)
{
        return turn->business_ms / SECOND_MS * SECOND_MS; /* what DE 7 can say */
}

int32_t atm_next_stan(struct sim_atm *atm)
{
        atm->stan = atm->stan >= STAN_MAX ? 1 : atm->stan + 1;
        return atm->stan;
}

/* faults: each happens once --------------------------------------------------------------------------- */

static bool happens(struct sim_atm *atm, struct atm_turn *turn, enum fault fault)
{
        if (!atm->plan.wanted[fault])
                return false;
        atm->plan.wanted[fault] = false;
        turn->counters->fault[fault]++;
        return true;
}

/* What the MAC of a message is to be: right but for one, of a withdrawal that has a fault of the kind. */
static enum mac_fault mac_of(struct sim_atm *atm, struct atm_turn *turn, enum atm_message what)
{
        static const struct {
                enum fault fault;
                enum mac_fault mac;
        } rows[] = {
            {FAULT_WRONG_MAC, MAC_WRONG}, {FAULT_NO_MAC, MAC_MISSING}, {FAULT_OTHER_MAC, MAC_OF_ANOTHER}};
        bool is_advice = what == ATM_COMPLETION || what == ATM_REVERSAL;

        if (!is_advice && what != ATM_REQUEST)
                return MAC_RIGHT;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (atm->plan.mac_of_advice == is_advice && happens(atm, turn, rows[i].fault))
                        return rows[i].mac;
        return MAC_RIGHT;
}

/* What the PIN of a message is to be: the same in all copies, so that it does not depend on which of them is decided. */
static enum pin_fault pin_of(struct sim_atm *atm, struct atm_turn *turn, enum atm_message what)
{
        bool may_fail = what == ATM_REQUEST && atm->attempts == 0 && atm->copies == 0;

        if (may_fail && happens(atm, turn, FAULT_NO_PIN))
                atm->w.pin = PIN_MISSING;
        else if (may_fail && happens(atm, turn, FAULT_BAD_PIN))
                atm->w.pin = PIN_UNREADABLE;
        return atm->w.pin;
}

/* power_off counts the power's losses by itself. */
static bool power_fails(struct sim_atm *atm, struct atm_turn *turn, enum power_point point)
{
        if (!atm->plan.wanted[FAULT_POWER_LOSS] || atm->plan.power != point)
                return false;
        power_off(atm, turn);
        return true;
}

/* A line that is down already can't be cut. */
static bool line_fails(struct sim_atm *atm, struct atm_turn *turn, enum cut_point point)
{
        return atm->connected && atm->plan.wanted[FAULT_DROP] && atm->plan.cut == point &&
               happens(atm, turn, FAULT_DROP);
}

static bool duplicates(struct sim_atm *atm, struct atm_turn *turn, bool advice)
{
        return atm->connected && atm->plan.wanted[FAULT_DUPLICATE] && atm->plan.duplicate_advice == advice &&
               happens(atm, turn, FAULT_DUPLICATE);
}

static bool reorders(const struct sim_atm *atm, enum reorder_kind kind)
{
        return atm->plan.wanted[FAULT_REORDER] && atm->plan.reorder == kind;
}

static bool answer_is_lost(struct sim_atm *atm, struct atm_turn *turn, bool advice)
{
        if (!atm->plan.wanted[FAULT_LOST_ANSWER] || atm->plan.lose_advice_answer != advice)
                return false;
        turn->counters->fault[FAULT_LOST_ANSWER]++;
        if (--atm->plan.lose_count == 0)
                atm->plan.wanted[FAULT_LOST_ANSWER] = false;
        return true;
}

/* ends -------------------------------------------------------------------------------------------- */

static void enter_idle(struct sim_atm *atm, const struct atm_turn *turn)
{
        atm->state = ATM_IDLE;
        atm->echoing = false;
        atm->trail = TRAIL_NONE;
        atm->plan = (struct fault_plan){0};
        atm->deadline_us = INT64_MAX;
        if (atm->signed_on && turn->habits->echo_us > 0)
                wait_for(atm, turn, turn->habits->echo_us);
}

static enum outcome outcome_of(const struct sim_atm *atm)
{
        if (atm->advice.dispensed_yen > 0)
                return atm->advice.dispensed_yen == atm->w.amount_yen ? OUTCOME_COMPLETED : OUTCOME_PARTIAL;
        if (!strcmp(atm->advice.why, "17"))
                return OUTCOME_CANCELLED;
        return atm->w.answered ? OUTCOME_EMPTY : OUTCOME_UNANSWERED;
}

static void end(struct sim_atm *atm, struct atm_turn *turn, enum outcome outcome)
{
        turn->counters->ended[outcome]++;
        if (atm->w.recovered)
                turn->counters->recovered++;
        if (outcome == OUTCOME_COMPLETED || outcome == OUTCOME_PARTIAL) {
                turn->counters->cash_yen += atm->advice.dispensed_yen;
                turn->counters->charged_yen += atm->w.charge_yen > 0 ? atm->w.charge_yen : 0;
        }
        enter_idle(atm, turn);
        act(turn, ACTION_END);
}

/* advices ----------------------------------------------------------------------------------------- */

static void send_advice(struct sim_atm *atm, struct atm_turn *turn)
{
        enum atm_message what = atm->advice.reversal ? ATM_REVERSAL : ATM_COMPLETION;
        bool first = atm->attempts == 0;

        send(atm, turn, what, !first);
        atm->attempts++;
        if (first)
                atm->advice.sent_us = turn->now_us;
        else
                turn->counters->advice_repeats++;
        wait_for(atm, turn, atm->advice.pause_us);
        atm->advice.pause_us *= 2;
        if (atm->advice.pause_us > turn->habits->advice_pause_max_us)
                atm->advice.pause_us = turn->habits->advice_pause_max_us;
        if (line_fails(atm, turn, CUT_MID_ADVICE)) {
                turn->action[turn->count - 1].send.cut_short = true;
                cut(atm, turn);
                return;
        }
        if (duplicates(atm, turn, true))
                send(atm, turn, what, atm->plan.duplicate_as_repeat);
        if (power_fails(atm, turn, POWER_AFTER_ADVICE))
                return;
        if (line_fails(atm, turn, CUT_AFTER_ADVICE))
                cut(atm, turn);
}

static void enter_advising(struct sim_atm *atm, const struct atm_turn *turn)
{
        atm->state = ATM_ADVISING;
        atm->attempts = 0;
        atm->advice.pause_us = turn->habits->advice_pause_us;
        atm->deadline_us = INT64_MAX;
}

/* Record an advice of the ATM's own making and try to deliver it. */
static void begin_advice(struct sim_atm *atm, struct atm_turn *turn, bool reversal, const char *why,
                         int64_t dispensed_yen)
{
        struct journal_record *record;

        atm->advice = (struct advice){.stan = atm_next_stan(atm),
                                      .transmitted_ms = business_second(turn),
                                      .reversal = reversal,
                                      .dispensed_yen = dispensed_yen,
                                      .reports = atm->w.has_script};
        atm->w.has_script = false;
        strcpy(atm->advice.why, why);
        record = write_record(atm, turn, JOURNAL_ADVICE, atm->advice.stan, atm->advice.transmitted_ms);
        record->reversal = reversal;
        strcpy(record->why, why);
        record->dispensed_yen = dispensed_yen;
        record->original_stan = atm->w.stan;
        record->original_ms = atm->w.transmitted_ms;
        enter_advising(atm, turn);
        if (power_fails(atm, turn, POWER_BEFORE_ADVICE))
                return;
        if (line_fails(atm, turn, CUT_BEFORE_ADVICE)) {
                cut(atm, turn);
                return;
        }
        if (atm->connected)
                send_advice(atm, turn);
}

static void advise_of_cash(struct sim_atm *atm, struct atm_turn *turn, int64_t paid_yen,
                           const char *why_nothing)
{
        if (paid_yen == atm->w.amount_yen)
                begin_advice(atm, turn, false, "", paid_yen);
        else
                begin_advice(atm, turn, true, paid_yen > 0 ? "32" : why_nothing, paid_yen);
}

/* the request ------------------------------------------------------------------------------------- */

static void send_request(struct sim_atm *atm, struct atm_turn *turn, bool repeat)
{
        send(atm, turn, ATM_REQUEST, repeat);
        atm->attempts++;
        atm->copies++;
        if (repeat)
                turn->counters->repeats++;
        wait_for(atm, turn, turn->habits->answer_timeout_us);
}

/* The first sending, with what its plan has in store for it. */
static void ask(struct sim_atm *atm, struct atm_turn *turn)
{
        atm->state = ATM_ASKING;
        atm->attempts = 0;
        wait_for(atm, turn, turn->habits->answer_timeout_us);
        if (power_fails(atm, turn, POWER_BEFORE_REQUEST))
                return;
        if (line_fails(atm, turn, CUT_BEFORE_REQUEST)) {
                cut(atm, turn);
                return;
        }
        send_request(atm, turn, false);
        if (line_fails(atm, turn, CUT_MID_REQUEST)) {
                turn->action[turn->count - 1].send.cut_short = true;
                cut(atm, turn);
                return;
        }
        if (duplicates(atm, turn, false)) {
                send(atm, turn, ATM_REQUEST, atm->plan.duplicate_as_repeat);
                atm->copies++;
        }
        if (power_fails(atm, turn, POWER_AFTER_REQUEST))
                return;
        if (line_fails(atm, turn, CUT_AFTER_REQUEST)) {
                cut(atm, turn);
                return;
        }
        if (reorders(atm, REORDER_REVERSAL_BEHIND) && happens(atm, turn, FAULT_REORDER)) {
                atm->trail = TRAIL_REPEAT;
                begin_advice(atm, turn, true, "17", 0);
        } else if (reorders(atm, REORDER_OVERTAKING) && happens(atm, turn, FAULT_REORDER)) {
                cut(atm, turn);
                atm->trail = TRAIL_REPEAT;
                begin_advice(atm, turn, true, "17", 0);
        }
}

static void begin_request(struct sim_atm *atm, struct atm_turn *turn)
{
        struct journal_record *record;

        turn->counters->started++;
        atm->w.stan = atm_next_stan(atm);
        atm->w.transmitted_ms = atm->w.asked_ms;
        atm->copies = 0;
        record = write_record(atm, turn, JOURNAL_REQUEST, atm->w.stan, atm->w.transmitted_ms);
        record->amount_yen = atm->w.amount_yen;
        memcpy(record->token, atm->w.token, sizeof(record->token));
        strcpy(record->mask, atm->w.mask);
        if (reorders(atm, REORDER_REVERSAL_FIRST)) {
                atm->trail = TRAIL_REQUEST;
                begin_advice(atm, turn, true, "17", 0);
                return;
        }
        ask(atm, turn);
}

static void give_up_asking(struct sim_atm *atm, struct atm_turn *turn)
{
        begin_advice(atm, turn, true, "68", 0);
}

/* How much leaves: what the dispenser's faults let through. */
static int64_t cash_of(struct sim_atm *atm, struct atm_turn *turn)
{
        int64_t large = atm->w.amount_yen / 10000, notes = large + atm->w.amount_yen % 10000 / 1000, out;

        if (happens(atm, turn, FAULT_NO_DISPENSE))
                return 0;
        if (notes < 2 || !happens(atm, turn, FAULT_PARTIAL))
                return atm->w.amount_yen;
        out = 1 + (int64_t)(atm->plan.draw % (uint32_t)(notes - 1));
        return out <= large ? out * 10000 : large * 10000 + (out - large) * 1000;
}

static void write_answer(struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer)
{
        struct journal_record *record =
            write_record(atm, turn, JOURNAL_ANSWER, atm->w.stan, atm->w.transmitted_ms);

        strcpy(record->de39, answer->de39);
        record->charge_yen = answer->charge_yen;
        strcpy(record->rrn, answer->rrn);
        strcpy(record->approval, answer->approval);
}

static void take_approval(struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer)
{
        int64_t cash_yen;

        if (power_fails(atm, turn, POWER_BEFORE_DISPENSE))
                return;
        cash_yen = cash_of(atm, turn);
        atm->w.answered = true;
        atm->w.charge_yen = answer->charge_yen;
        atm->w.has_script = answer->has_script;
        strcpy(atm->w.rrn, answer->rrn);
        strcpy(atm->w.approval, answer->approval);
        if (cash_yen > 0)
                act(turn, ACTION_PAY)->pay_yen = cash_yen;
        if (power_fails(atm, turn, POWER_AFTER_DISPENSE))
                return;
        write_answer(atm, turn, answer);
        if (reorders(atm, REORDER_REPEAT_LATE))
                atm->trail = TRAIL_REPEAT;
        advise_of_cash(atm, turn, cash_yen, "22");
}

/* Refusals after which another copy of the 0200 may have been approved, or may still be: what the host doesn't
 * keep, and 94, which a repeat gets that is too late to be paid out. */
static bool is_copy_in_doubt(const char *de39)
{
        static const char *const doubtful[] = {"30", "40", "58", "94", "96", "98"};

        for (size_t i = 0; i < sizeof(doubtful) / sizeof(doubtful[0]); i++)
                if (!strcmp(de39, doubtful[i]))
                        return true;
        return false;
}

static void count_answer(const struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer)
{
        turn->counters->de39[(answer->de39[0] - '0') * 10 + answer->de39[1] - '0']++;
        turn->counters->chip_answers += answer->has_chip;
        turn->counters->scripts += answer->has_script;
        if (atm->w.came_us)
                histogram_add(&turn->counters->request_us, turn->now_us - atm->w.came_us);
}

static void on_request_answer(struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer)
{
        if (atm->state == ATM_TRAILING) {
                /* Its end was acknowledged before it came: nothing may be approved any more. */
                if (!strcmp(answer->de39, "00"))
                        turn->counters->wrong++;
                end(atm, turn, outcome_of(atm));
                return;
        }
        if (atm->state != ATM_ASKING) {
                turn->counters->late_answers++;
                return;
        }
        if (turn->now_us > atm->deadline_us) {
                turn->counters->late_answers++;
                atm_on_deadline(atm, turn);
                return;
        }
        if (answer_is_lost(atm, turn, false))
                return;
        count_answer(atm, turn, answer);
        if (!strcmp(answer->de39, "00")) {
                take_approval(atm, turn, answer);
        } else if (atm->copies > 1 && is_copy_in_doubt(answer->de39)) {
                give_up_asking(atm, turn);
        } else {
                write_answer(atm, turn, answer);
                end(atm, turn, OUTCOME_DECLINED);
        }
}

/* after an acknowledged advice -------------------------------------------------------------------- */

static void enter_trailing(struct sim_atm *atm, struct atm_turn *turn)
{
        atm->state = ATM_TRAILING;
        atm->attempts = 0;
        wait_for(atm, turn, turn->habits->answer_timeout_us);
        happens(atm, turn, FAULT_REORDER); /* the kinds that were not counted when they began */
        if (atm->signed_on)
                send_request(atm, turn, atm->trail == TRAIL_REPEAT);
}

/* Notes that nobody took: one at least, the last ones first. */
static void retract(struct sim_atm *atm, struct atm_turn *turn)
{
        int64_t paid_yen = atm->advice.dispensed_yen;
        int notes = dispenser_notes(paid_yen);
        int64_t left_yen = dispenser_first_notes_yen(paid_yen, (int)(atm->plan.draw % (uint32_t)notes));

        act(turn, ACTION_TAKE_BACK)->pay_yen = paid_yen - left_yen;
        advise_of_cash(atm, turn, left_yen, "22");
}

static void on_advice_answer(struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer)
{
        struct journal_record *record;

        if (atm->state != ATM_ADVISING || strcmp(answer->de39, "00")) {
                turn->counters->late_answers += atm->state != ATM_ADVISING;
                return; /* what was not accepted is repeated until it is */
        }
        if (answer_is_lost(atm, turn, true))
                return;
        if (atm->advice.sent_us)
                histogram_add(&turn->counters->advice_us, turn->now_us - atm->advice.sent_us);
        record = write_record(atm, turn, JOURNAL_ACKNOWLEDGED, atm->advice.stan, atm->advice.transmitted_ms);
        record->original_stan = atm->w.stan;
        record->original_ms = atm->w.transmitted_ms;
        if (atm->trail != TRAIL_NONE)
                enter_trailing(atm, turn);
        else if (!atm->advice.reversal && happens(atm, turn, FAULT_RETRACT))
                retract(atm, turn);
        else
                end(atm, turn, outcome_of(atm));
}

/* the inquiry before it --------------------------------------------------------------------------- */

static void inquire(struct sim_atm *atm, struct atm_turn *turn)
{
        struct journal_record *record;

        turn->counters->inquiries++;
        atm->state = ATM_INQUIRING;
        atm->inquiry_stan = atm_next_stan(atm);
        atm->inquiry_ms = atm->w.asked_ms;
        record = write_record(atm, turn, JOURNAL_INQUIRY, atm->inquiry_stan, atm->inquiry_ms);
        memcpy(record->token, atm->w.token, sizeof(record->token));
        strcpy(record->mask, atm->w.mask);
        send(atm, turn, ATM_INQUIRY, false);
        wait_for(atm, turn, turn->habits->answer_timeout_us);
}

/* The customer goes away without a withdrawal: nothing to undo. */
static void lose_inquiry(struct sim_atm *atm, struct atm_turn *turn)
{
        turn->counters->inquiries_lost++;
        enter_idle(atm, turn);
        act(turn, ACTION_END);
}

/* A refused inquiry doesn't keep people from trying the withdrawal. What a customer waited for the ATM is in
 * the inquiry's response time; the withdrawal's own counts from when the balance is seen. */
static void on_inquiry_answer(struct sim_atm *atm, struct atm_turn *turn)
{
        if (atm->state != ATM_INQUIRING) {
                turn->counters->late_answers++;
                return;
        }
        histogram_add(&turn->counters->inquiry_us, turn->now_us - atm->w.came_us);
        atm->w.came_us = turn->now_us;
        atm->w.pin = PIN_RIGHT; /* it is typed anew */
        begin_request(atm, turn);
}

/* events ------------------------------------------------------------------------------------------ */

void atm_init(struct sim_atm *atm, const char terminal[9])
{
        *atm = (struct sim_atm){.state = ATM_OFF, .deadline_us = INT64_MAX};
        memcpy(atm->terminal, terminal, sizeof(atm->terminal));
}

bool atm_is_free(const struct sim_atm *atm)
{
        return atm->state == ATM_IDLE && atm->signed_on && !atm->echoing;
}

static void recover_withdrawal(struct sim_atm *atm, const struct recovery *recovery)
{
        const struct journal_record *request = &recovery->request;

        atm->w = (struct withdrawal){.stan = request->stan,
                                     .transmitted_ms = request->transmitted_ms,
                                     .amount_yen = request->amount_yen,
                                     .charge_yen = -1,
                                     .recovered = true};
        memcpy(atm->w.token, request->token, sizeof(atm->w.token));
        memcpy(atm->w.mask, request->mask, sizeof(atm->w.mask));
        if (!recovery->answered)
                return;
        atm->w.answered = true;
        atm->w.charge_yen = recovery->answer.charge_yen;
        memcpy(atm->w.rrn, recovery->answer.rrn, sizeof(atm->w.rrn));
        memcpy(atm->w.approval, recovery->answer.approval, sizeof(atm->w.approval));
}

void atm_on_power(struct sim_atm *atm, struct atm_turn *turn, const struct recovery *recovery,
                  int64_t paid_yen)
{
        char terminal[9];

        memcpy(terminal, atm->terminal, sizeof(terminal));
        atm_init(atm, terminal);
        atm->stan = recovery->last_stan;
        enter_idle(atm, turn);
        if (!recovery->open &&
            !(recovery->advised && paid_yen >= 0 && paid_yen < recovery->advice.dispensed_yen))
                return;
        recover_withdrawal(atm, recovery);
        if (!recovery->open) { /* notes came back, and the journal doesn't know it yet */
                advise_of_cash(atm, turn, paid_yen, "22");
                return;
        }
        if (!recovery->advised) {
                advise_of_cash(atm, turn, paid_yen > 0 ? paid_yen : 0, recovery->answered ? "22" : "68");
                return;
        }
        atm->advice = (struct advice){.stan = recovery->advice.stan,
                                      .transmitted_ms = recovery->advice.transmitted_ms,
                                      .reversal = recovery->advice.reversal,
                                      .dispensed_yen = recovery->advice.dispensed_yen};
        memcpy(atm->advice.why, recovery->advice.why, sizeof(atm->advice.why));
        enter_advising(atm, turn);
        atm->attempts = 1; /* whether it left before is unknown: it is a repeat */
}

void atm_on_connected(struct sim_atm *atm, struct atm_turn *turn, bool signed_on)
{
        bool new_line = !atm->connected, new_sign_on = signed_on && !atm->signed_on;

        assert(atm->state != ATM_OFF);
        atm->connected = true;
        atm->signed_on = signed_on;
        if (atm->state == ATM_ADVISING && new_line)
                send_advice(atm, turn);
        else if (atm->state == ATM_ASKING && new_sign_on && atm->attempts <= turn->habits->repeats)
                send_request(atm, turn, true);
        else if (atm->state == ATM_TRAILING && new_sign_on)
                send_request(atm, turn, true);
        else if (atm->state == ATM_IDLE)
                enter_idle(atm, turn);
}

void atm_on_disconnected(struct sim_atm *atm, struct atm_turn *turn)
{
        atm->connected = atm->signed_on = false;
        switch (atm->state) {
        case ATM_OFF:
        case ATM_TRAILING:
                return;
        case ATM_IDLE:
                enter_idle(atm, turn);
                return;
        case ATM_INQUIRING:
                lose_inquiry(atm, turn);
                return;
        case ATM_ASKING:
                /* Without a repeat left the answer can't come any more. */
                if (atm->attempts > turn->habits->repeats)
                        give_up_asking(atm, turn);
                return;
        case ATM_ADVISING:
                atm->deadline_us = INT64_MAX;
                return;
        }
}

void atm_on_customer(struct sim_atm *atm, struct atm_turn *turn, const struct customer *customer,
                     const uint8_t token[TOKEN_LENGTH], const char *mask)
{
        assert(atm_is_free(atm));
        atm->w = (struct withdrawal){.amount_yen = customer->amount_yen,
                                     .card = customer->card,
                                     .charge_yen = -1,
                                     .came_us = customer->came_us,
                                     .pin = customer->mistypes ? PIN_MISTYPED : PIN_RIGHT,
                                     .asked_ms = business_second(turn)};
        memcpy(atm->w.token, token, sizeof(atm->w.token));
        strcpy(atm->w.mask, mask);
        atm->plan = customer->plan;
        atm->trail = TRAIL_NONE;
        turn->counters->wrong_pins += customer->mistypes;
        if (customer->inquires)
                inquire(atm, turn);
        else
                begin_request(atm, turn);
}

void atm_on_answer(struct sim_atm *atm, struct atm_turn *turn, const struct atm_answer *answer)
{
        bool of_request = answer->stan == atm->w.stan && answer->transmitted_ms == atm->w.transmitted_ms;
        bool of_advice =
            answer->stan == atm->advice.stan && answer->transmitted_ms == atm->advice.transmitted_ms;
        bool of_inquiry = answer->stan == atm->inquiry_stan && answer->transmitted_ms == atm->inquiry_ms;

        if (answer->what == ATM_REQUEST && of_request)
                on_request_answer(atm, turn, answer);
        else if ((answer->what == ATM_COMPLETION || answer->what == ATM_REVERSAL) && of_advice)
                on_advice_answer(atm, turn, answer);
        else if (answer->what == ATM_INQUIRY && of_inquiry)
                on_inquiry_answer(atm, turn);
        else if (answer->what == ATM_ECHO && of_inquiry && atm->echoing)
                enter_idle(atm, turn);
        else if (answer->what == ATM_KEY_CHANGE && of_inquiry && atm->echoing)
                return; /* atm_on_keys follows, when they are kept */
        else
                turn->counters->late_answers++;
}

/* A message of the ATM's own, between customers. */
static void send_own(struct sim_atm *atm, struct atm_turn *turn, enum atm_message what)
{
        atm->echoing = true;
        atm->inquiry_stan = atm_next_stan(atm);
        atm->inquiry_ms = business_second(turn);
        send(atm, turn, what, false);
        wait_for(atm, turn, turn->habits->answer_timeout_us);
}

static void echo(struct sim_atm *atm, struct atm_turn *turn)
{
        turn->counters->echoes++;
        send_own(atm, turn, ATM_ECHO);
}

void atm_on_offer(struct sim_atm *atm, struct atm_turn *turn)
{
        assert(atm_is_free(atm));
        send_own(atm, turn, ATM_KEY_CHANGE);
}

void atm_on_keys(struct sim_atm *atm, struct atm_turn *turn, bool taken)
{
        if (atm->state != ATM_IDLE || !atm->signed_on)
                return; /* the line or the power went meanwhile: its next message shows them */
        enter_idle(atm, turn);
        if (taken)
                echo(atm, turn);
}

void atm_on_deadline(struct sim_atm *atm, struct atm_turn *turn)
{
        atm->deadline_us = INT64_MAX;
        switch (atm->state) {
        case ATM_OFF:
                return;
        case ATM_IDLE:
                if (atm->echoing)
                        cut(atm, turn);
                else if (atm->signed_on)
                        echo(atm, turn);
                return;
        case ATM_INQUIRING:
                lose_inquiry(atm, turn);
                return;
        case ATM_ASKING:
                if (atm->signed_on && atm->attempts <= turn->habits->repeats)
                        send_request(atm, turn, true);
                else
                        give_up_asking(atm, turn);
                return;
        case ATM_ADVISING:
                if (atm->connected)
                        send_advice(atm, turn);
                return;
        case ATM_TRAILING:
                /* The host may stay silent to a repeat; the withdrawal is at its end already. */
                if (atm->signed_on && atm->attempts <= turn->habits->repeats)
                        send_request(atm, turn, true);
                else
                        end(atm, turn, outcome_of(atm));
                return;
        }
}

uint64_t atm_counters_ended(const struct atm_counters *counters)
{
        uint64_t sum = 0;

        for (int i = 0; i < OUTCOME_COUNT; i++)
                sum += counters->ended[i];
        return sum;
}
