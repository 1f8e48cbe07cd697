/*
 * Protects tools/atmsim/atm.c: what an ATM does in each turn of a withdrawal, what it knows after a power
 * loss, and that whatever happens the cash that left is what its last acknowledged advice says.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmsim/atm.h"
#include "tools/atmsim/message.h"
#include "tests/suite.h"

enum { SECOND = 1000000, AMOUNT = 13000 };

static const struct atm_habits habits = {
    .answer_timeout_us = 30 * SECOND,
    .repeats = 1,
    .advice_pause_us = 5 * SECOND,
    .advice_pause_max_us = 60 * SECOND,
    .echo_us = 60 * SECOND,
};

static struct atm_counters counters;
static struct atm_turn turn;
static struct sim_atm atm;
static int64_t now_us;

static struct atm_turn *next_turn(void)
{
        turn.habits = &habits;
        turn.counters = &counters;
        turn.now_us = now_us;
        turn.business_ms = 1483000000000 + now_us / 1000;
        turn.count = 0;
        return &turn;
}

/* What the last turn led to: Q B A V K records, $ cash, m k r i e c v messages (capital: repeated; with '!' cut
 * short), X cut, O power off, . end. m sign-on, i inquiry, r request, c completion, v reversal, e echo, k key change. */
static const char *done(void)
{
        static char text[64];
        char *at = text;

        for (int i = 0; i < turn.count; i++) {
                const struct atm_action *action = &turn.action[i];

                switch (action->kind) {
                case ACTION_RECORD:
                        *at++ = (char)action->record.kind;
                        break;
                case ACTION_PAY:
                        *at++ = '$';
                        break;
                case ACTION_SEND:
                        *at++ = (action->send.repeat ? "MEKIRCV" : "mekircv")[action->send.what];
                        if (action->send.cut_short)
                                *at++ = '!';
                        break;
                case ACTION_CUT:
                        *at++ = 'X';
                        break;
                case ACTION_TAKE_BACK:
                        *at++ = '-';
                        break;
                case ACTION_POWER_OFF:
                        *at++ = 'O';
                        break;
                case ACTION_END:
                        *at++ = '.';
                        break;
                }
        }
        *at = '\0';
        return text;
}

static const struct journal_record *recorded(enum journal_kind kind)
{
        for (int i = 0; i < turn.count; i++)
                if (turn.action[i].kind == ACTION_RECORD && turn.action[i].record.kind == kind)
                        return &turn.action[i].record;
        ck_abort_msg("no such record");
        return NULL;
}

static int64_t paid(void)
{
        for (int i = 0; i < turn.count; i++)
                if (turn.action[i].kind == ACTION_PAY)
                        return turn.action[i].pay_yen;
        return 0;
}

static void set_up(void)
{
        struct recovery nothing = {0};

        memset(&counters, 0, sizeof(counters));
        now_us = SECOND;
        atm_init(&atm, "T0000001");
        atm_on_power(&atm, next_turn(), &nothing, 0);
        atm_on_connected(&atm, next_turn(), true);
        ck_assert(atm_is_free(&atm));
}

static void come_with(struct fault_plan plan, bool inquires)
{
        struct customer customer = {
            .came_us = now_us, .amount_yen = AMOUNT, .inquires = inquires, .plan = plan};
        static const uint8_t token[TOKEN_LENGTH] = {1, 2, 3};

        atm_on_customer(&atm, next_turn(), &customer, token, "990001******1234");
}

static void come(void)
{
        come_with((struct fault_plan){0}, false);
}

static void answer(enum atm_message what, int32_t stan, int64_t transmitted_ms, const char *de39)
{
        struct atm_answer a = {
            .what = what, .stan = stan, .transmitted_ms = transmitted_ms, .charge_yen = 108};

        strcpy(a.de39, de39);
        strcpy(a.rrn, "636421000002");
        strcpy(a.approval, "ABC234");
        atm_on_answer(&atm, next_turn(), &a);
}

static void answer_request(const char *de39)
{
        answer(ATM_REQUEST, atm.w.stan, atm.w.transmitted_ms, de39);
}

static void answer_advice(const char *de39)
{
        answer(atm.advice.reversal ? ATM_REVERSAL : ATM_COMPLETION, atm.advice.stan,
               atm.advice.transmitted_ms, de39);
}

static void time_out(void)
{
        ck_assert_int_lt(atm.deadline_us, INT64_MAX);
        now_us = atm.deadline_us;
        atm_on_deadline(&atm, next_turn());
}

START_TEST(an_approved_withdrawal_is_recorded_paid_and_completed)
{
        come();
        ck_assert_str_eq(done(), "Qr");
        ck_assert_int_eq(recorded(JOURNAL_REQUEST)->amount_yen, AMOUNT);
        answer_request("00");
        ck_assert_str_eq(done(), "$AVc");
        ck_assert_int_eq(paid(), AMOUNT);
        ck_assert_int_eq(recorded(JOURNAL_ADVICE)->dispensed_yen, AMOUNT);
        ck_assert_int_eq(recorded(JOURNAL_ADVICE)->original_stan, atm.w.stan);
        ck_assert_int_ne(recorded(JOURNAL_ADVICE)->stan, atm.w.stan);
        answer_advice("00");
        ck_assert_str_eq(done(), "K.");
        ck_assert_uint_eq(counters.ended[OUTCOME_COMPLETED], 1);
        ck_assert(atm_is_free(&atm));
}
END_TEST

/* With the advice that ends the withdrawal and its repeats, and not with what corrects it. */
START_TEST(what_became_of_a_script_is_reported_once)
{
        struct atm_answer a = {.what = ATM_REQUEST, .de39 = "00", .charge_yen = 108, .has_script = true};

        come_with((struct fault_plan){.wanted[FAULT_RETRACT] = true}, false);
        a.stan = atm.w.stan;
        a.transmitted_ms = atm.w.transmitted_ms;
        atm_on_answer(&atm, next_turn(), &a);
        ck_assert_str_eq(done(), "$AVc");
        ck_assert(atm.advice.reports);
        time_out();
        ck_assert_str_eq(done(), "C");
        ck_assert(atm.advice.reports);
        answer_advice("00");
        ck_assert_str_eq(done(), "K-Vv");
        ck_assert(!atm.advice.reports);
        answer_advice("00");
        come();
        answer_request("00"); /* without one */
        ck_assert(!atm.advice.reports);
        ck_assert_uint_eq(counters.scripts, 1);
}
END_TEST

START_TEST(a_refusal_is_recorded_and_ends_the_withdrawal)
{
        come();
        answer_request("61");
        ck_assert_str_eq(done(), "A.");
        ck_assert_uint_eq(counters.ended[OUTCOME_DECLINED], 1);
        ck_assert_uint_eq(counters.de39[61], 1);
}
END_TEST

START_TEST(without_an_answer_it_repeats_then_reverses_and_pays_nothing)
{
        int32_t stan;
        int64_t moment;

        come();
        stan = atm.w.stan;
        moment = atm.w.transmitted_ms;
        time_out();
        ck_assert_str_eq(done(), "R");
        ck_assert_int_eq(atm.w.stan, stan);
        ck_assert_int_eq(atm.w.transmitted_ms, moment);
        time_out();
        ck_assert_str_eq(done(), "Vv");
        ck_assert_str_eq(recorded(JOURNAL_ADVICE)->why, "68");
        ck_assert_int_eq(recorded(JOURNAL_ADVICE)->dispensed_yen, 0);
        answer_request("00"); /* too late */
        ck_assert_str_eq(done(), "");
        ck_assert_uint_eq(counters.late_answers, 1);
        time_out();
        ck_assert_str_eq(done(), "V"); /* the advice, repeated */
        answer_advice("00");
        ck_assert_uint_eq(counters.ended[OUTCOME_UNANSWERED], 1);
}
END_TEST

START_TEST(an_answer_after_the_deadline_is_late_even_if_nobody_looked_at_the_clock)
{
        come();
        time_out();
        now_us = atm.deadline_us + 1;
        answer_request("00");
        ck_assert_str_eq(done(), "Vv");
        ck_assert_int_eq(paid(), 0);
}
END_TEST

START_TEST(an_advice_is_repeated_with_growing_pauses_until_it_is_accepted)
{
        int64_t pause = habits.advice_pause_us;

        come();
        answer_request("00");
        for (int i = 0; i < 8; i++) {
                ck_assert_int_eq(atm.deadline_us - now_us, pause);
                time_out();
                ck_assert_str_eq(done(), "C");
                pause = pause * 2 > habits.advice_pause_max_us ? habits.advice_pause_max_us : pause * 2;
        }
        answer_advice("96");
        ck_assert_str_eq(done(), "");
        ck_assert_int_eq(atm.state, ATM_ADVISING);
        answer_advice("00");
        ck_assert_str_eq(done(), "K.");
}
END_TEST

START_TEST(a_lost_connection_leads_to_a_repeat_while_one_is_left)
{
        come();
        atm_on_disconnected(&atm, next_turn());
        ck_assert_str_eq(done(), "");
        atm_on_connected(&atm, next_turn(), true);
        ck_assert_str_eq(done(), "R");
        atm_on_disconnected(&atm, next_turn());
        ck_assert_str_eq(done(), "V"); /* no repeat left: the answer can't come any more */
        ck_assert_int_eq(atm.deadline_us, INT64_MAX);
        atm_on_connected(&atm, next_turn(), true);
        ck_assert_str_eq(done(), "v");
}
END_TEST

START_TEST(an_advice_needs_no_sign_on_but_a_request_does)
{
        come();
        atm_on_disconnected(&atm, next_turn());
        atm_on_connected(&atm, next_turn(), false);
        ck_assert_str_eq(done(), "");
        time_out();
        ck_assert_str_eq(done(), "Vv");
        atm_on_connected(&atm, next_turn(), true); /* signed on later: not sent a second time for that */
        ck_assert_str_eq(done(), "");
}
END_TEST

START_TEST(a_refusal_that_is_not_kept_is_not_the_end_while_a_copy_is_on_its_way)
{
        static const struct {
                const char *de39;
                bool copies, reversed;
        } rows[] = {
            {"96", true, true},  {"96", false, false}, {"58", true, true},
            {"61", true, false}, {"94", true, true},   {"94", false, false},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                set_up();
                come();
                if (rows[i].copies)
                        time_out();
                answer_request(rows[i].de39);
                ck_assert_str_eq(done(), rows[i].reversed ? "Vv" : "A.");
        }
}
END_TEST

START_TEST(notes_that_came_back_unknown_to_the_journal_are_told_after_a_power_loss)
{
        struct recovery recovery = {.advised = true, .last_stan = 6};

        recovery.request = (struct journal_record){.kind = JOURNAL_REQUEST, .stan = 5, .amount_yen = AMOUNT};
        recovery.advice = (struct journal_record){.kind = JOURNAL_ADVICE, .stan = 6, .dispensed_yen = AMOUNT};
        atm_init(&atm, "T0000001");
        atm_on_power(&atm, next_turn(), &recovery, AMOUNT);
        ck_assert_str_eq(done(), "");
        atm_init(&atm, "T0000001");
        atm_on_power(&atm, next_turn(), &recovery, -1); /* its counters are lost: nobody knows better */
        ck_assert_str_eq(done(), "");
        atm_init(&atm, "T0000001");
        atm_on_power(&atm, next_turn(), &recovery, AMOUNT - 1000);
        ck_assert_str_eq(done(), "V");
        ck_assert_int_eq(recorded(JOURNAL_ADVICE)->dispensed_yen, AMOUNT - 1000);
        ck_assert(recorded(JOURNAL_ADVICE)->reversal);
}
END_TEST

START_TEST(an_inquiry_comes_first_and_its_loss_ends_nothing)
{
        come_with((struct fault_plan){0}, true);
        ck_assert_str_eq(done(), "Bi");
        answer(ATM_INQUIRY, atm.inquiry_stan, atm.inquiry_ms, "00");
        ck_assert_str_eq(done(), "Qr");
        answer_request("61");
        come_with((struct fault_plan){0}, true);
        time_out();
        ck_assert_str_eq(done(), ".");
        ck_assert_uint_eq(counters.inquiries_lost, 1);
        ck_assert(atm_is_free(&atm));
}
END_TEST

/* What PIN the last turn's message has. */
static enum pin_fault sent_pin(void)
{
        for (int i = turn.count - 1; i >= 0; i--)
                if (turn.action[i].kind == ACTION_SEND)
                        return turn.action[i].send.pin;
        ck_abort_msg("nothing was sent");
}

START_TEST(a_pin_is_mistyped_once_and_in_all_copies_of_its_message)
{
        struct customer customer = {.came_us = now_us, .amount_yen = AMOUNT, .mistypes = true};
        static const uint8_t token[TOKEN_LENGTH] = {1, 2, 3};

        for (int inquires = 0; inquires < 2; inquires++) {
                customer.inquires = inquires;
                atm_on_customer(&atm, next_turn(), &customer, token, "990001******1234");
                ck_assert_int_eq(sent_pin(), PIN_MISTYPED);
                if (inquires)
                        answer(ATM_INQUIRY, atm.inquiry_stan, atm.inquiry_ms, "55");
                else
                        time_out(); /* it is repeated */
                ck_assert_int_eq(sent_pin(), inquires ? PIN_RIGHT : PIN_MISTYPED);
                answer_request("55");
                ck_assert(atm_is_free(&atm));
        }
        ck_assert_uint_eq(counters.wrong_pins, 2);
        come();
        ck_assert_int_eq(sent_pin(), PIN_RIGHT);
}
END_TEST

START_TEST(an_idle_atm_echoes_and_gives_a_silent_connection_up)
{
        time_out();
        ck_assert_str_eq(done(), "e");
        ck_assert(!atm_is_free(&atm));
        answer(ATM_ECHO, atm.inquiry_stan, atm.inquiry_ms, "00");
        ck_assert(atm_is_free(&atm));
        time_out();
        time_out();
        ck_assert_str_eq(done(), "X");
}
END_TEST

START_TEST(a_free_atm_asks_for_its_keys_and_shows_that_it_uses_them)
{
        for (int taken = 0; taken < 2; taken++) {
                atm_on_offer(&atm, next_turn());
                ck_assert_str_eq(done(), "k");
                ck_assert(!atm_is_free(&atm)); /* nothing else is under way when its keys change */
                answer(ATM_KEY_CHANGE, atm.inquiry_stan, atm.inquiry_ms, "00");
                ck_assert_str_eq(done(), "");
                ck_assert(!atm_is_free(&atm));
                atm_on_keys(&atm, next_turn(), taken);
                ck_assert_str_eq(done(), taken ? "e" : "");
        }
        answer(ATM_ECHO, atm.inquiry_stan, atm.inquiry_ms, "00");
        ck_assert(atm_is_free(&atm));
        /* silence is the end of the line; what comes then changes nothing */
        atm_on_offer(&atm, next_turn());
        time_out();
        ck_assert_str_eq(done(), "X");
        atm_on_keys(&atm, next_turn(), true);
        ck_assert_str_eq(done(), "");
}
END_TEST

START_TEST(the_stan_wraps_behind_999999)
{
        atm.stan = 999998;
        ck_assert_int_eq(atm_next_stan(&atm), 999999);
        ck_assert_int_eq(atm_next_stan(&atm), 1);
}
END_TEST

/* faults: what each leads to, turn by turn ------------------------------------------------------------ */

static const struct {
        const char *name;
        enum fault fault;
        struct fault_plan plan;
        const char *asked, *approved, *acknowledged;
} faults[] = {
    {"no dispense", FAULT_NO_DISPENSE, {.draw = 0}, "Qr", "AVv", "K."},
    {"partial", FAULT_PARTIAL, {.draw = 1}, "Qr", "$AVv", "K."},
    {"duplicate request", FAULT_DUPLICATE, {.duplicate_as_repeat = true}, "QrR", "$AVc", "K."},
    {"duplicate advice", FAULT_DUPLICATE, {.duplicate_advice = true}, "Qr", "$AVcc", "K."},
    {"lost answer", FAULT_LOST_ANSWER, {.lose_count = 1}, "Qr", "", ""},
    {"lost acknowledgement",
     FAULT_LOST_ANSWER,
     {.lose_count = 1, .lose_advice_answer = true},
     "Qr",
     "$AVc",
     ""},
    {"cut before request", FAULT_DROP, {.cut = CUT_BEFORE_REQUEST}, "QX", NULL, NULL},
    {"cut in request", FAULT_DROP, {.cut = CUT_MID_REQUEST}, "Qr!X", NULL, NULL},
    {"cut after request", FAULT_DROP, {.cut = CUT_AFTER_REQUEST}, "QrX", NULL, NULL},
    {"cut before advice", FAULT_DROP, {.cut = CUT_BEFORE_ADVICE}, "Qr", "$AVX", NULL},
    {"cut in advice", FAULT_DROP, {.cut = CUT_MID_ADVICE}, "Qr", "$AVc!X", NULL},
    {"cut after advice", FAULT_DROP, {.cut = CUT_AFTER_ADVICE}, "Qr", "$AVcX", NULL},
    {"reversal first", FAULT_REORDER, {.reorder = REORDER_REVERSAL_FIRST}, "QVv", NULL, "Kr"},
    {"reversal behind", FAULT_REORDER, {.reorder = REORDER_REVERSAL_BEHIND}, "QrVv", "", "KR"},
    {"overtaking", FAULT_REORDER, {.reorder = REORDER_OVERTAKING}, "QrXV", NULL, NULL},
    {"repeat late", FAULT_REORDER, {.reorder = REORDER_REPEAT_LATE}, "Qr", "$AVc", "KR"},
    {"no PIN", FAULT_NO_PIN, {.draw = 0}, "Qr", "$AVc", "K."},
    {"bad PIN", FAULT_BAD_PIN, {.draw = 0}, "Qr", "$AVc", "K."},
    {"retract", FAULT_RETRACT, {.draw = 0}, "Qr", "$AVc", "K-Vv"},
    {"power before request", FAULT_POWER_LOSS, {.power = POWER_BEFORE_REQUEST}, "QO", NULL, NULL},
    {"power after request", FAULT_POWER_LOSS, {.power = POWER_AFTER_REQUEST}, "QrO", NULL, NULL},
    {"power before dispense", FAULT_POWER_LOSS, {.power = POWER_BEFORE_DISPENSE}, "Qr", "O", NULL},
    {"power after dispense", FAULT_POWER_LOSS, {.power = POWER_AFTER_DISPENSE}, "Qr", "$O", NULL},
    {"power before advice", FAULT_POWER_LOSS, {.power = POWER_BEFORE_ADVICE}, "Qr", "$AVO", NULL},
    {"power after advice", FAULT_POWER_LOSS, {.power = POWER_AFTER_ADVICE}, "Qr", "$AVcO", NULL},
};

START_TEST(each_fault_happens_where_its_plan_says)
{
        struct fault_plan plan = faults[_i].plan;

        plan.wanted[faults[_i].fault] = true;
        come_with(plan, false);
        ck_assert_msg(!strcmp(done(), faults[_i].asked), "%s: asked: %s", faults[_i].name, done());
        if (faults[_i].approved) {
                answer_request("00");
                ck_assert_msg(!strcmp(done(), faults[_i].approved), "%s: approved: %s", faults[_i].name,
                              done());
        }
        if (faults[_i].acknowledged) {
                answer_advice("00");
                ck_assert_msg(!strcmp(done(), faults[_i].acknowledged), "%s: acknowledged: %s",
                              faults[_i].name, done());
        }
        ck_assert_uint_eq(counters.fault[faults[_i].fault], 1);
}
END_TEST

START_TEST(an_approval_after_the_reversal_was_acknowledged_is_a_wrong_answer)
{
        struct fault_plan plan = {.reorder = REORDER_REVERSAL_FIRST};

        plan.wanted[FAULT_REORDER] = true;
        come_with(plan, false);
        answer_advice("00");
        answer_request("00");
        ck_assert_uint_eq(counters.wrong, 1);
        ck_assert_int_eq(paid(), 0);
}
END_TEST

/* power ------------------------------------------------------------------------------------------- */

/* Journal and dispenser of one withdrawal of 13,000 yen, and what the ATM makes of them. */
static const struct {
        const char *journal;
        int64_t paid_yen;
        const char *does, *why;
        int64_t says_yen;
        bool reversal;
} powers[] = {
    {"", 0, "", "", 0, false},
    {"Q", 0, "V", "68", 0, true},
    {"Q", AMOUNT, "V", "", AMOUNT, false},
    {"Q", 10000, "V", "32", 10000, true},
    {"QA", 0, "V", "22", 0, true},
    {"QA", AMOUNT, "V", "", AMOUNT, false},
    {"QAV", AMOUNT, "", "", AMOUNT, false},
    {"QV", 0, "", "68", 0, true},
    {"QAVK", AMOUNT, "", NULL, 0, false},
    {"QD", 0, "", NULL, 0, false},
};

static void rebuild(const char *journal, int64_t paid_yen, struct recovery *ret_recovery)
{
        *ret_recovery = (struct recovery){0};
        for (; *journal; journal++) {
                struct journal_record record = {.kind = *journal == 'D' ? JOURNAL_ANSWER
                                                                        : (enum journal_kind) * journal,
                                                .terminal = "T0000001",
                                                .stan = strchr("VK", *journal) ? 42 : 41,
                                                .transmitted_ms = strchr("VK", *journal) ? 9000 : 8000,
                                                .amount_yen = AMOUNT,
                                                .mask = "990001******1234",
                                                .charge_yen = 108,
                                                .rrn = "636421000041",
                                                .approval = "ABC234",
                                                .original_stan = 41,
                                                .original_ms = 8000,
                                                .dispensed_yen = paid_yen,
                                                .reversal = paid_yen == 0};

                strcpy(record.de39, *journal == 'D' ? "61" : "00");
                strcpy(record.why, record.reversal ? "68" : "");
                ck_assert(recovery_apply(ret_recovery, &record));
        }
}

START_TEST(after_a_power_loss_journal_and_dispenser_tell_what_to_say)
{
        struct recovery recovery;

        rebuild(powers[_i].journal, powers[_i].paid_yen, &recovery);
        atm_on_power(&atm, next_turn(), &recovery, powers[_i].paid_yen);
        ck_assert_str_eq(done(), powers[_i].does);
        if (!powers[_i].why || !*powers[_i].journal) {
                ck_assert_int_eq(atm.state, ATM_IDLE);
                return;
        }
        ck_assert_int_eq(atm.state, ATM_ADVISING);
        ck_assert_int_eq(atm.w.stan, 41);
        ck_assert_str_eq(atm.advice.why, powers[_i].why);
        ck_assert_int_eq(atm.advice.dispensed_yen, powers[_i].says_yen);
        ck_assert_int_eq(atm.advice.reversal, powers[_i].reversal);
        ck_assert_int_eq(atm.advice.stan, strchr(powers[_i].journal, 'V') ? 42 : atm.stan);
        atm_on_connected(&atm, next_turn(), true);
        ck_assert_int_eq(strlen(done()), 1); /* one advice, and never the 0200 again */
        ck_assert(strchr("cCvV", done()[0]));
        /* What was recorded before may have left before: it says that it is a repeat. */
        ck_assert_int_eq(turn.action[0].send.repeat, strchr(powers[_i].journal, 'V') != NULL);
        answer_advice("00");
        ck_assert_str_eq(done(), "K.");
        ck_assert_uint_eq(counters.recovered, 1);
}
END_TEST

START_TEST(the_stan_goes_on_where_the_journal_ends)
{
        struct recovery recovery;

        rebuild("QAVK", AMOUNT, &recovery);
        atm_on_power(&atm, next_turn(), &recovery, AMOUNT);
        ck_assert_int_eq(atm_next_stan(&atm), 43);
}
END_TEST

START_TEST(records_that_no_atm_writes_are_refused)
{
        static const char *const journals[] = {"A", "K", "QK", "QQ", "QAVQ", "QDA"};
        struct recovery recovery = {0};
        bool good = true;

        for (const char *c = journals[_i]; *c; c++) {
                struct journal_record record = {.kind = *c == 'D' ? JOURNAL_ANSWER : (enum journal_kind) * c,
                                                .terminal = "T0000001",
                                                .stan = 41,
                                                .transmitted_ms = 8000,
                                                .de39 = "00",
                                                .original_stan = 41,
                                                .original_ms = 8000};

                strcpy(record.de39, *c == 'D' ? "61" : "00");
                good = recovery_apply(&recovery, &record);
                ck_assert(good || c[1] == '\0');
        }
        ck_assert(!good);
}
END_TEST

/* whatever happens ------------------------------------------------------------------------------------ */

/*
 * A host that decides by identity and counts the cash as the protocol says, an ATM with every fault at a
 * high rate, a line that breaks, power that fails, time that passes.
 */
enum { WITHDRAWALS = 400, RECORDS = WITHDRAWALS * 12, PENDING = 16 };

struct host_row {
        int32_t stan;
        int64_t transmitted_ms;
        char de39[3]; /* "": unknown; "94": blocked */
        bool approved, ended;
        int64_t counted_yen, paid_yen;
        int requests_after_power; /* 0200s sent after the power was lost: must stay 0 */
        bool power_lost;
};

struct world {
        struct random random;
        struct host_row host[WITHDRAWALS];
        int hosts;
        struct journal_record journal[RECORDS];
        int records;
        struct atm_answer pending[PENDING];
        int pendings;
        bool line, power_off;
        int64_t last_ms, last_yen;
        int32_t last_stan;
};
static struct world world;

static struct host_row *row_of(int32_t stan, int64_t transmitted_ms)
{
        for (int i = world.hosts - 1; i >= 0; i--)
                if (world.host[i].stan == stan && world.host[i].transmitted_ms == transmitted_ms)
                        return &world.host[i];
        ck_assert_int_lt(world.hosts, WITHDRAWALS);
        world.host[world.hosts] = (struct host_row){.stan = stan, .transmitted_ms = transmitted_ms};
        return &world.host[world.hosts++];
}

static void queue_answer(enum atm_message what, int32_t stan, int64_t transmitted_ms, const char *de39)
{
        struct atm_answer a = {
            .what = what, .stan = stan, .transmitted_ms = transmitted_ms, .charge_yen = 108};

        strcpy(a.de39, de39);
        if (world.pendings < PENDING)
                world.pending[world.pendings++] = a;
}

static void host_takes(enum atm_message what)
{
        struct host_row *row = row_of(atm.w.stan, atm.w.transmitted_ms);
        int64_t d = atm.advice.dispensed_yen;

        if (what == ATM_REQUEST) {
                row->requests_after_power += row->power_lost;
                if (!row->de39[0]) {
                        row->approved = random_chance(&world.random, 0.8);
                        strcpy(row->de39, row->approved ? "00" : "61");
                }
                queue_answer(what, atm.w.stan, atm.w.transmitted_ms,
                             row->approved && row->ended ? "94" : row->de39);
        } else if (what == ATM_INQUIRY) {
                queue_answer(what, atm.inquiry_stan, atm.inquiry_ms, "00");
        } else if (what == ATM_ECHO || what == ATM_KEY_CHANGE) {
                queue_answer(what, atm.inquiry_stan, atm.inquiry_ms, "00");
        } else {
                if (!row->de39[0])
                        strcpy(row->de39, "94");
                ck_assert_msg(d == 0 || row->approved, "cash without an approval");
                row->ended = true;
                row->counted_yen = d;
                queue_answer(what, atm.advice.stan, atm.advice.transmitted_ms, "00");
        }
}

/* Its MAC is not the one that it must be. */
static void host_refuses(enum atm_message what)
{
        struct message_identity identity = message_identity_of(&atm, what);

        queue_answer(what, identity.stan, identity.transmitted_ms, "98");
}

static void break_line(void)
{
        world.line = false;
        world.pendings = 0;
}

static void carry_out(void);

static void restore_power(void)
{
        struct recovery recovery = {0};
        int64_t yen;

        world.power_off = false;
        break_line();
        for (int i = 0; i < world.records; i++)
                ck_assert(recovery_apply(&recovery, &world.journal[i]));
        if (recovery.open)
                row_of(recovery.request.stan, recovery.request.transmitted_ms)->power_lost = true;
        yen = recovery.request.stan == world.last_stan && recovery.request.transmitted_ms == world.last_ms
                  ? world.last_yen
                  : 0;
        atm_on_power(&atm, next_turn(), &recovery, yen);
        carry_out();
}

static void carry_out(void)
{
        struct atm_turn now = turn; /* what follows from it has turns of its own */
        bool cut = false;

        for (int i = 0; i < now.count; i++) {
                const struct atm_action *action = &now.action[i];
                struct host_row *row;

                switch (action->kind) {
                case ACTION_RECORD:
                        ck_assert_int_lt(world.records, RECORDS);
                        world.journal[world.records++] = action->record;
                        break;
                case ACTION_PAY:
                        row = row_of(atm.w.stan, atm.w.transmitted_ms);
                        ck_assert(row->approved);
                        ck_assert_int_eq(row->paid_yen, 0);
                        row->paid_yen = action->pay_yen;
                        world.last_stan = atm.w.stan;
                        world.last_ms = atm.w.transmitted_ms;
                        world.last_yen = action->pay_yen;
                        break;
                case ACTION_TAKE_BACK:
                        row = row_of(atm.w.stan, atm.w.transmitted_ms);
                        row->paid_yen -= action->pay_yen;
                        world.last_yen -= action->pay_yen;
                        break;
                case ACTION_SEND:
                        if (!world.line || cut || action->send.cut_short)
                                break;
                        if (action->send.mac == MAC_RIGHT)
                                host_takes(action->send.what);
                        else
                                host_refuses(action->send.what);
                        break;
                case ACTION_CUT:
                        cut = true;
                        break;
                case ACTION_POWER_OFF:
                        world.power_off = true;
                        break;
                case ACTION_END:
                        break;
                }
        }
        if (world.power_off) {
                restore_power();
        } else if (cut && world.line) {
                break_line();
                atm_on_disconnected(&atm, next_turn());
                carry_out();
        }
}

static void live_a_moment(bool customers)
{
        struct fault_rates rates = {{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1}};
        struct fault_plan plan;

        now_us += (int64_t)random_below(&world.random, SECOND);
        if (!world.line) {
                world.line = true;
                atm_on_connected(&atm, next_turn(), true);
        } else if (world.pendings > 0) {
                struct atm_answer a = world.pending[0];

                memmove(world.pending, world.pending + 1, sizeof(a) * (size_t)--world.pendings);
                if (random_chance(&world.random, 0.05))
                        return; /* lost on its way */
                atm_on_answer(&atm, next_turn(), &a);
        } else if (customers && atm_is_free(&atm)) {
                faults_draw(&rates, &world.random, &plan);
                come_with(plan, random_chance(&world.random, 0.1));
        } else if (random_chance(&world.random, 0.1)) {
                break_line();
                atm_on_disconnected(&atm, next_turn());
        } else if (atm.deadline_us < INT64_MAX) {
                now_us = atm.deadline_us;
                atm_on_deadline(&atm, next_turn());
        } else {
                return;
        }
        carry_out();
}

START_TEST(whatever_happens_the_host_counts_the_cash_that_left)
{
        int moments = 0;

        memset(&world, 0, sizeof(world));
        random_seed(&world.random, (uint64_t)_i);
        world.line = true;
        while (world.hosts < WITHDRAWALS - 2)
                live_a_moment(true);
        while (!atm_is_free(&atm)) {
                live_a_moment(false);
                ck_assert_int_lt(++moments, 10000);
        }
        for (int i = 0; i < world.hosts; i++) {
                ck_assert_int_eq(world.host[i].counted_yen, world.host[i].paid_yen);
                ck_assert_int_eq(world.host[i].requests_after_power, 0);
        }
        for (int i = 0; i < FAULT_COUNT; i++)
                ck_assert_msg(counters.fault[i] > 0, "%s never happened", fault_name[i]);
        ck_assert_uint_eq(counters.wrong, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("atm");
        TCase *life = tcase_create("life"), *chaos = tcase_create("chaos");

        tcase_add_checked_fixture(life, set_up, NULL);
        tcase_add_test(life, an_approved_withdrawal_is_recorded_paid_and_completed);
        tcase_add_test(life, what_became_of_a_script_is_reported_once);
        tcase_add_test(life, a_refusal_is_recorded_and_ends_the_withdrawal);
        tcase_add_test(life, without_an_answer_it_repeats_then_reverses_and_pays_nothing);
        tcase_add_test(life, an_answer_after_the_deadline_is_late_even_if_nobody_looked_at_the_clock);
        tcase_add_test(life, an_advice_is_repeated_with_growing_pauses_until_it_is_accepted);
        tcase_add_test(life, a_lost_connection_leads_to_a_repeat_while_one_is_left);
        tcase_add_test(life, an_advice_needs_no_sign_on_but_a_request_does);
        tcase_add_test(life, a_refusal_that_is_not_kept_is_not_the_end_while_a_copy_is_on_its_way);
        tcase_add_test(life, notes_that_came_back_unknown_to_the_journal_are_told_after_a_power_loss);
        tcase_add_test(life, an_inquiry_comes_first_and_its_loss_ends_nothing);
        tcase_add_test(life, a_pin_is_mistyped_once_and_in_all_copies_of_its_message);
        tcase_add_test(life, an_idle_atm_echoes_and_gives_a_silent_connection_up);
        tcase_add_test(life, a_free_atm_asks_for_its_keys_and_shows_that_it_uses_them);
        tcase_add_test(life, the_stan_wraps_behind_999999);
        tcase_add_loop_test(life, each_fault_happens_where_its_plan_says, 0,
                            (int)(sizeof(faults) / sizeof(faults[0])));
        tcase_add_test(life, an_approval_after_the_reversal_was_acknowledged_is_a_wrong_answer);
        tcase_add_loop_test(life, after_a_power_loss_journal_and_dispenser_tell_what_to_say, 0,
                            (int)(sizeof(powers) / sizeof(powers[0])));
        tcase_add_test(life, the_stan_goes_on_where_the_journal_ends);
        tcase_add_loop_test(life, records_that_no_atm_writes_are_refused, 0, 6);
        suite_add_tcase(suite, life);
        tcase_add_checked_fixture(chaos, set_up, NULL);
        tcase_set_timeout(chaos, 60);
        tcase_add_loop_test(chaos, whatever_happens_the_host_counts_the_cash_that_left, 0, 50);
        suite_add_tcase(suite, chaos);
        return suite_run(suite);
}
