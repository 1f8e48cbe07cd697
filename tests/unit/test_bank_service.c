/*
 * Withdrawals and inquiries whose card belongs to a bank over a link: an ATM's session in front, a scripted
 * ledger behind, and the bank's side of a connection beside.
 */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/key_rings.h"
#include "config/limits.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "protocol/iso_mac.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tests/unit/bank_peer.h"
#include "tests/suite.h"
#include "tests/unit/token_key.h"

#define PAN      "9900110000000001"
#define TERMINAL "T0000001"
#define BUSINESS "2016-12-29T12:00:00+09:00"
#define DE7      "1229030000"
#define BALANCES "0002392C0000001234560001392C000000123456"

enum { REQUEST_TIMEOUT_MS = 20000, OPEN_MAX = 16, SENT_MAX = 64, SCRIPT_MAX = 64, OUTSTANDING_MAX = 2 };

/* ---- the ATM ------------------------------------------------------------------------------------------- */

struct machine {
        struct session session;
        struct iso_message sent[SENT_MAX];
        int count;
};

static void atm_send(void *context, const uint8_t *message, size_t length)
{
        struct machine *atm = context;
        struct iso_error error;
        ck_assert_int_lt(atm->count, SENT_MAX);
        ck_assert_int_eq(iso_decode(&iso_dialect_ascii, message, length, &atm->sent[atm->count++], &error),
                         0);
}

static void atm_close(void *context, enum session_end end, const char *reason)
{
        (void)context;
        (void)end;
        (void)reason;
}

static void atm_nothing(void *context)
{
        (void)context;
}

static const struct session_ops atm_ops = {atm_send, atm_close, atm_nothing, atm_nothing};

/* ---- the ledger by script ------------------------------------------------------------------------------ */

static struct {
        struct ledger face;
        const struct reference *reference;
        struct ledger_op *op[SCRIPT_MAX];
        int count;
} script;

static enum txn_state submitted_state; /* of the last transaction, when it was submitted */

static void script_submit(struct ledger *ledger, struct ledger_op *op)
{
        (void)ledger;
        ck_assert_int_lt(script.count, SCRIPT_MAX);
        submitted_state = ((struct txn *)((char *)op - offsetof(struct txn, op)))->state;
        script.op[script.count++] = op;
}

static const struct reference *script_reference(struct ledger *ledger)
{
        (void)ledger;
        return script.reference;
}

static void script_free(struct ledger *ledger)
{
        (void)ledger;
}

static const struct ledger_backend script_backend = {script_submit, script_reference, script_free};

/* Give back the oldest op. */
static void script_end(enum ledger_status status, enum reason reason)
{
        ck_assert_int_gt(script.count, 0);
        struct ledger_op *op = script.op[0];
        memmove(script.op, script.op + 1, (size_t)--script.count * sizeof(script.op[0]));
        op->answer = (struct ledger_answer){
            .status = status, .reason = reason, .customer_charge_yen = 108, .approval_code = "DURABL"};
        op->on_done(op, op->context);
}

/* ---- the world ----------------------------------------------------------------------------------------- */

static struct reference *reference;
static struct token_key *token_key;
static struct service *service;
static struct session_env env;
static struct bank_route *route;
static struct bank_routes routes;
static struct bank_peer bank;
static struct machine atms[2];
static struct iso_message request, answer;
static int notices;
static enum txn_state sent_state; /* of the oldest transaction, when the bank was last sent something */

static void watch_send(void *context, const uint8_t *message, size_t length)
{
        if (!TAILQ_EMPTY(&service->open))
                sent_state = TAILQ_FIRST(&service->open)->state;
        bank_peer_send(context, message, length);
}

static const struct bank_session_ops watching_ops = {watch_send, bank_peer_close, bank_peer_resume};

static void on_notice(void *context)
{
        (void)context;
        notices++;
}

static struct reference *make_reference(void)
{
        char error[REFERENCE_ERROR_MAX];
        struct reference *r = reference_new();
        int64_t now = 0;
        ck_assert(r && calendar_parse_moment(BUSINESS, &now));
        ck_assert(reference_add_issuer(
            r, &(struct issuer){"SAKURA", "BANKA", {{0, 1440}, {0, 1440}}, PIN_NONE, 3}, error));
        ck_assert(reference_add_issuer(
            r, &(struct issuer){"NOWHERE", "BANKX", {{0, 1440}, {0, 1440}}, PIN_NONE, 3}, error));
        ck_assert(reference_add_prefix(r, "990011", 0, "SAKURA", CARD_CASH, error));
        ck_assert(reference_add_prefix(r, "990012", 0, "NOWHERE", CARD_CASH, error));
        ck_assert(reference_add_hall(r, &(struct hall){"H1", "kanto", "Tokyo", {0, 1440}, 0}, error));
        ck_assert(reference_add_atm(r, TERMINAL, "H1", true, error));
        for (int band = 0; band < BAND_COUNT; band++) {
                struct tariff tariff = {"SAKURA", (enum band)band, 0, 100, 100};
                ck_assert(reference_add_tariff(r, &tariff, error));
                strcpy(tariff.issuer, "NOWHERE");
                ck_assert(reference_add_tariff(r, &tariff, error));
        }
        ck_assert(reference_add_tax_rate(r, &(struct tax_rate){0, 800, TAX_DOWN}, error));
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                ck_assert(reference_add_network_hours(
                    r, &(struct network_hours){0, (enum day_kind)kind, {0, 1440}}, error));
        reference_set_moments(r, now - INT64_C(300) * DAY_MS, now + INT64_C(300) * DAY_MS);
        reference_set_version(r, 1);
        ck_assert_msg(reference_finish(r, error), "%s", error);
        return r;
}

static void sign_on(int i)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        ck_assert(session_open(&atms[i].session, &env, &atm_ops, &atms[i], TERMINAL));
        iso_init(&request, "0800");
        iso_set_string(&request, 7, DE7);
        iso_set_string(&request, 11, "900000");
        iso_set_string(&request, 41, TERMINAL);
        iso_set_string(&request, 70, "001");
        int length = iso_encode(&iso_dialect_ascii, &request, bytes, sizeof(bytes), &error);
        session_frame(&atms[i].session, bytes, (size_t)length);
        ck_assert_int_eq(atms[i].count, 1);
        atms[i].count = 0;
}

static void set_up(void)
{
        struct service_settings settings = {.clock = clock_real,
                                            .skew_limit_ms = 300000,
                                            .request_timeout_ms = REQUEST_TIMEOUT_MS,
                                            .open_max = OPEN_MAX,
                                            .open_resume = OPEN_MAX / 2};
        struct service_shell shell = {bank_clock, bank_clock, atm_nothing, NULL};
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment(BUSINESS, &bank_now_ms));
        reference = make_reference();
        token_key = token_key_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        script.face.backend = &script_backend;
        script.reference = reference;
        script.count = 0;
        notices = 0;
        memset(atms, 0, sizeof(atms));
        route = bank_peer_route("BANKA", OUTSTANDING_MAX);
        routes = (struct bank_routes){{route}, 1};
        service = service_new(&settings, &shell, &script.face, token_key);
        ck_assert_ptr_nonnull(service);
        env = (struct session_env){.service = service};
        service_set_banks(service, &(struct service_banks){&routes, on_notice, NULL});
        bank_peer_sign_on(&bank, route, 1);
        bank.session.ops = &watching_ops;
        bank.count = 0;
        sign_on(0);
}

static void tear_down(void)
{
        for (size_t i = 0; i < 2; i++)
                if (atms[i].session.entry.handle)
                        session_closed(&atms[i].session);
        service_free(service);
        bank_route_free(route);
        token_key_free(token_key);
        reference_free(reference);
}

static void build(const char *mti, const char *processing, int stan)
{
        iso_init(&request, mti);
        iso_set_string(&request, 2, PAN);
        iso_set_string(&request, 3, processing);
        if (processing[0] == '0')
                iso_set_number(&request, 4, 10000, 12);
        iso_set_string(&request, 7, DE7);
        iso_set_number(&request, 11, stan, 6);
        iso_set_string(&request, 14, "3012");
        iso_set_string(&request, 41, TERMINAL);
        iso_set_string(&request, 49, "392");
}

static void feed(int i)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = iso_encode(&iso_dialect_ascii, &request, bytes, sizeof(bytes), &error);
        ck_assert_int_gt(length, 0);
        session_frame(&atms[i].session, bytes, (size_t)length);
}

static void withdraw(int stan)
{
        build("0200", "010000", stan);
        feed(0);
}

static void pass(int64_t ms)
{
        bank_now_ms += ms;
        bank_route_tick(route);
        service_tick(service);
}

/* DE 39 of the only answer so far; "": none. */
static const char *heard(int i)
{
        ck_assert_int_le(atms[i].count, 1);
        return atms[i].count ? bank_peer_value(&atms[i].sent[0], 39) : "";
}

static void assert_over(void)
{
        ck_assert_uint_eq(service->pool.taken, 0);
        ck_assert_uint_eq(route->reserved, 0);
        ck_assert_int_eq(script.count, 0);
        ck_assert_uint_eq(service->pending, 0);
}

/* ---- the bank decides ---------------------------------------------------------------------------------- */

enum answer { ANSWERS, ANSWERS_WRONGLY, IS_SILENT, HANGS_UP };

static const struct {
        const char *name;
        enum answer answers;
        const char *de39, *de38;
        enum outcome_cause cause;
        enum reason reason;
        const char *code, *bank_de39;
} outcome_rows[] = {
    {"approves", ANSWERS, "00", "ABC123", OUTCOME_ANSWER, REASON_APPROVED, "ABC123", "00"},
    {"approves with a short code", ANSWERS, "00", "AB    ", OUTCOME_ANSWER, REASON_APPROVED, "AB", "00"},
    {"approves without a code", ANSWERS, "00", NULL, OUTCOME_ANSWER, REASON_APPROVED, NULL, "00"},
    {"has too little", ANSWERS, "51", NULL, OUTCOME_ANSWER, REASON_NOT_COVERED, "", "51"},
    {"says what we don't know", ANSWERS, "Z9", NULL, OUTCOME_ANSWER, REASON_DECLINED, "", "Z9"},
    {"declines without a reason", ANSWERS, "05", NULL, OUTCOME_ANSWER, REASON_DECLINED, "", "05"},
    {"is closed", ANSWERS, "91", NULL, OUTCOME_ANSWER, REASON_ISSUER_UNAVAILABLE, "", "91"},
    {"echoes another amount", ANSWERS_WRONGLY, "00", NULL, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE, "",
     ""},
    {"says nothing", IS_SILENT, NULL, NULL, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE, "", ""},
    {"hangs up", HANGS_UP, NULL, NULL, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE, "", ""},
};

START_TEST(what_the_bank_does_becomes_the_outcome_and_only_then_an_answer)
{
        withdraw(7);
        ck_assert_int_eq(script.op[0]->kind, LEDGER_REQUEST);
        ck_assert_str_eq(script.op[0]->request.link, "BANKA");
        ck_assert_int_eq(script.op[0]->request.refusal, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 0); /* not before the intent is durable */
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 1);
        ck_assert_str_eq(bank.sent[0].mti, "0200");
        ck_assert_str_eq(bank_peer_value(&bank.sent[0], 28), "D00000108");
        bank_peer_build(&bank, 0, outcome_rows[_i].de39 ? outcome_rows[_i].de39 : "00", &answer);
        if (outcome_rows[_i].de38)
                iso_set_string(&answer, 38, outcome_rows[_i].de38);
        if (outcome_rows[_i].answers == ANSWERS_WRONGLY)
                iso_set_number(&answer, 4, 20000, 12);
        if (outcome_rows[_i].answers == HANGS_UP)
                bank_peer_close_down(&bank);
        else if (outcome_rows[_i].answers != IS_SILENT)
                bank_peer_say(&bank, &answer);
        if (outcome_rows[_i].answers == ANSWERS_WRONGLY || outcome_rows[_i].answers == IS_SILENT)
                pass(15000);
        ck_assert_int_eq(script.count, 1);
        ck_assert_str_eq(heard(0), ""); /* not before the outcome is */
        const struct ledger_op *op = script.op[0];
        ck_assert_int_eq(op->kind, LEDGER_OUTCOME);
        ck_assert_int_eq(op->identity.stan, 7);
        ck_assert_int_eq(op->outcome.cause, outcome_rows[_i].cause);
        ck_assert_int_eq(op->outcome.reason, outcome_rows[_i].reason);
        ck_assert_str_eq(op->outcome.bank_de39, outcome_rows[_i].bank_de39);
        if (outcome_rows[_i].code)
                ck_assert_str_eq(op->outcome.approval_code, outcome_rows[_i].code);
        else
                ck_assert_uint_eq(strlen(op->outcome.approval_code), APPROVAL_CODE_LENGTH);
        script_end(LEDGER_DECIDED, outcome_rows[_i].reason);
        ck_assert_str_eq(heard(0), reason_de39(outcome_rows[_i].reason));
        if (outcome_rows[_i].reason == REASON_APPROVED) {
                ck_assert_str_eq(bank_peer_value(&atms[0].sent[0], 38), "DURABL");
                ck_assert_str_eq(bank_peer_value(&atms[0].sent[0], 28), "D00000108");
                ck_assert_str_eq(bank_peer_value(&atms[0].sent[0], 2), PAN);
        }
        ck_assert_int_eq(notices, outcome_rows[_i].cause == OUTCOME_TIMEOUT);
        assert_over();
}
END_TEST

START_TEST(a_transaction_says_who_has_it_only_while_he_has_it)
{
        const struct txn *txn;
        withdraw(7);
        txn = TAILQ_FIRST(&service->open);
        ck_assert_int_eq(submitted_state, TXN_IN_LEDGER);
        ck_assert_int_eq(txn->state, TXN_IN_LEDGER);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(sent_state, TXN_IN_HAND); /* the bank has nothing before it was sent */
        ck_assert_int_eq(txn->state, TXN_ASKING);
        bank_peer_answer(&bank, 0, "00");
        ck_assert_int_eq(txn->state, TXN_IN_LEDGER);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_int_eq(txn->state, TXN_FREE);
        assert_over();
}
END_TEST

START_TEST(a_bank_that_could_not_be_asked_never_has_a_transaction)
{
        withdraw(7);
        const struct txn *txn = TAILQ_FIRST(&service->open);
        bank_peer_close_down(&bank); /* between the reservation and the question */
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(txn->state, TXN_IN_LEDGER);
        ck_assert_int_eq(script.op[0]->kind, LEDGER_OUTCOME);
        ck_assert_int_eq(script.op[0]->outcome.cause, OUTCOME_TIMEOUT);
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "91");
        assert_over();
}
END_TEST

static const struct {
        enum ledger_status status;
        enum reason reason;
        const char *de39;
        uint64_t overtaken;
} stands_rows[] = {
    {LEDGER_DECIDED, REASON_APPROVED, "00", 0},
    {LEDGER_STORED, REASON_BLOCKED, "94", 1},            /* the ATM's reversal was first */
    {LEDGER_STORED, REASON_ISSUER_UNAVAILABLE, "91", 1}, /* somebody's sweep was */
    {LEDGER_STORED, REASON_APPROVED, "00", 0},           /* it was committed the first time it was sent */
    {LEDGER_UNAVAILABLE, REASON_CANNOT_DECIDE, "", 0},   /* the intent is durable: nothing may be said */
    {LEDGER_UNKNOWN, REASON_CANNOT_DECIDE, "", 0},
};

START_TEST(the_atm_hears_what_stands_durable_and_not_what_the_bank_said)
{
        withdraw(7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        bank_peer_answer(&bank, 0, "00");
        script_end(stands_rows[_i].status, stands_rows[_i].reason);
        ck_assert_str_eq(heard(0), stands_rows[_i].de39);
        ck_assert_uint_eq(service->count.overtaken, stands_rows[_i].overtaken);
        ck_assert_uint_eq(notices, stands_rows[_i].overtaken); /* its reversal may wait for the bank */
        assert_over();
}
END_TEST

/* The ledger is asked what stands, and queues a reversal where none waits. */
START_TEST(a_late_approval_is_not_paid_and_the_ledger_hears_of_it)
{
        withdraw(7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        pass(15000);
        ck_assert_int_eq(script.op[0]->outcome.cause, OUTCOME_TIMEOUT);
        bank_peer_answer(&bank, 0, "00");
        ck_assert_uint_eq(route->count.late_approvals, 1);
        ck_assert_int_eq(script.count, 2);
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "91");
        ck_assert_int_eq(script.op[0]->kind, LEDGER_OUTCOME);
        ck_assert_int_eq(script.op[0]->outcome.cause, OUTCOME_ANSWER);
        ck_assert_int_eq(script.op[0]->outcome.reason, REASON_APPROVED);
        ck_assert_int_eq(script.op[0]->identity.stan, 7);
        int sent = notices;
        script_end(LEDGER_STORED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_int_eq(notices, sent + 1);
        assert_over();
}
END_TEST

START_TEST(a_late_approval_that_the_ledger_can_not_take_is_counted)
{
        static const enum ledger_status statuses[] = {LEDGER_UNAVAILABLE, LEDGER_UNKNOWN};
        withdraw(7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        pass(15000);
        bank_peer_answer(&bank, 0, "00");
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "91");
        int sent = notices;
        script_end(statuses[_i], REASON_CANNOT_DECIDE);
        ck_assert_uint_eq(service->count.unrecorded, 1);
        ck_assert_int_eq(notices, sent);
        assert_over();
}
END_TEST

START_TEST(no_card_number_is_kept_once_the_banks_0200_has_left)
{
        withdraw(7);
        const struct txn *txn = TAILQ_FIRST(&service->open);
        ck_assert_str_eq(txn->card.pan, PAN);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_str_eq(txn->card.pan, "");
        ck_assert_ptr_null(memmem(route, sizeof(*route), PAN, strlen(PAN)));
        bank_peer_answer(&bank, 0, "00");
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_ptr_null(memmem(txn, sizeof(*txn), PAN, strlen(PAN)));
}
END_TEST

/* ---- chip data ----------------------------------------------------------------------------------------- */

/* Any bytes, unlike those of another seed. */
static void set_chip_data(struct iso_message *message, int seed, size_t length)
{
        char bytes[CHIP_DATA_MAX];
        for (size_t i = 0; i < length; i++)
                bytes[i] = (char)(i * 7 + (size_t)seed);
        iso_set(message, 55, bytes, length);
}

static bool has_chip_data(const struct iso_message *message, int seed, size_t length)
{
        size_t there = 0;
        const char *value = iso_get(message, 55, &there);
        for (size_t i = 0; i < there; i++)
                ck_assert_int_eq((unsigned char)value[i], (unsigned char)(i * 7 + (size_t)seed));
        ck_assert(!value || there == length);
        return value;
}

static void withdraw_by_chip(const char *mti, const char *processing, int stan)
{
        build(mti, processing, stan);
        iso_set_string(&request, 22, "051");
        iso_set_string(&request, 23, "003");
        set_chip_data(&request, stan, CHIP_DATA_MAX);
        feed(0);
}

/* Nothing of what the ATM sent is in the transaction any more; and nothing of anybody's where it is over. */
static bool is_wiped(const struct txn *txn)
{
        static const struct chip none;
        return memcmp(&txn->chip, &none, sizeof(none)) == 0;
}

static const struct {
        const char *name, *de39; /* NULL: the bank says nothing */
        size_t length;           /* of what it says */
        enum ledger_status status;
        enum reason stands;
        bool heard;
} chip_rows[] = {
    {"approved", "00", 100, LEDGER_DECIDED, REASON_APPROVED, true},
    {"approved, all there may be", "00", CHIP_DATA_MAX, LEDGER_DECIDED, REASON_APPROVED, true},
    {"approved, without any", "00", 0, LEDGER_DECIDED, REASON_APPROVED, false},
    {"declined", "05", 30, LEDGER_DECIDED, REASON_DECLINED, true},
    {"approved before", "00", 30, LEDGER_STORED, REASON_APPROVED, false},
    {"approved too late", "00", 30, LEDGER_STORED, REASON_BLOCKED, false},
    {"not heard", NULL, 0, LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE, false},
};

START_TEST(chip_data_go_to_the_bank_as_they_are_and_its_own_come_back)
{
        withdraw_by_chip("0200", "010000", 7);
        const struct txn *txn = TAILQ_FIRST(&service->open);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_str_eq(bank_peer_value(&bank.sent[0], 22), "051");
        ck_assert_str_eq(bank_peer_value(&bank.sent[0], 23), "003");
        ck_assert(has_chip_data(&bank.sent[0], 7, CHIP_DATA_MAX));
        ck_assert(is_wiped(txn));
        if (chip_rows[_i].de39) {
                bank_peer_build(&bank, 0, chip_rows[_i].de39, &answer);
                if (chip_rows[_i].length)
                        set_chip_data(&answer, 100, chip_rows[_i].length);
                bank_peer_say(&bank, &answer);
        } else {
                pass(15000);
        }
        script_end(chip_rows[_i].status, chip_rows[_i].stands);
        ck_assert_str_eq(heard(0), reason_de39(chip_rows[_i].stands));
        ck_assert_int_eq(has_chip_data(&atms[0].sent[0], 100, chip_rows[_i].length), chip_rows[_i].heard);
        ck_assert(!iso_has(&atms[0].sent[0], 22) && !iso_has(&atms[0].sent[0], 23));
        ck_assert(is_wiped(txn));
        assert_over();
}
END_TEST

START_TEST(an_inquiry_has_chip_data_too)
{
        withdraw_by_chip("0200", "310000", 7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert(has_chip_data(&bank.sent[0], 7, CHIP_DATA_MAX));
        bank_peer_build(&bank, 0, _i ? "05" : "00", &answer);
        iso_set_string(&answer, 54, BALANCES);
        set_chip_data(&answer, 100, 40);
        bank_peer_say(&bank, &answer);
        ck_assert(has_chip_data(&atms[0].sent[0], 100, 40));
        assert_over();
}
END_TEST

/* Nor does an ATM get its own back. */
START_TEST(a_repeat_s_answer_goes_without_chip_data)
{
        withdraw_by_chip("0201", "010000", 7);
        const struct txn *txn = TAILQ_FIRST(&service->open);
        script_end(LEDGER_STORED, REASON_APPROVED);
        ck_assert_str_eq(heard(0), "00");
        ck_assert(!iso_has(&atms[0].sent[0], 55));
        ck_assert(is_wiped(txn));
        assert_over();
}
END_TEST

/* Its dialect may have room for less, or the bank more to say than an ATM may hear. */
START_TEST(no_withdrawal_waits_for_chip_data)
{
        route->dialect.field[23].format = ISO_NONE;
        route->dialect.field[55].length = _i ? 999 : CHIP_DATA_MAX - 1;
        withdraw_by_chip("0200", "010000", 7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_str_eq(bank_peer_value(&bank.sent[0], 22), "051");
        ck_assert(!iso_has(&bank.sent[0], 23));
        ck_assert_int_eq(has_chip_data(&bank.sent[0], 7, CHIP_DATA_MAX), _i);
        bank_peer_build(&bank, 0, "00", &answer);
        if (_i) {
                static const char much[CHIP_DATA_MAX + 1];
                iso_set(&answer, 55, much, sizeof(much));
        }
        bank_peer_say(&bank, &answer);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_str_eq(heard(0), "00");
        ck_assert(!iso_has(&atms[0].sent[0], 55));
        assert_over();
}
END_TEST

/* ---- no room with the bank ----------------------------------------------------------------------------- */

enum trouble { LINK_DOWN, LINK_FULL, LINK_UNKNOWN, NO_BANKS };

START_TEST(without_room_with_the_bank_the_ledger_is_told_a_refusal)
{
        switch ((enum trouble)_i) {
        case LINK_DOWN:
                bank_peer_close_down(&bank);
                break;
        case LINK_FULL:
                for (int i = 0; i < OUTSTANDING_MAX; i++)
                        ck_assert(bank_route_reserve(route));
                break;
        case NO_BANKS:
                service_set_banks(service, &(struct service_banks){NULL, NULL, NULL});
                break;
        case LINK_UNKNOWN:
                break;
        }
        build("0200", "010000", 7);
        if ((enum trouble)_i == LINK_UNKNOWN)
                iso_set_string(&request, 2, "9900120000000000");
        feed(0);
        ck_assert_int_eq(script.op[0]->request.refusal, REASON_ISSUER_UNAVAILABLE);
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "91");
        ck_assert_int_eq(bank.count, 0);
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

/* Whatever the ledger says but 'ask', the room is given back. */
static const struct {
        enum ledger_status status;
        enum reason reason;
        const char *de39;
} not_asked_rows[] = {
    {LEDGER_DECIDED, REASON_DAY_LIMIT, "61"},
    {LEDGER_STORED, REASON_APPROVED, "00"},
    {LEDGER_UNAVAILABLE, REASON_APPROVED, ""},
    {LEDGER_UNKNOWN, REASON_APPROVED, ""},
};

START_TEST(room_that_is_not_needed_is_given_back)
{
        withdraw(7);
        ck_assert_uint_eq(route->reserved, 1);
        script_end(not_asked_rows[_i].status, not_asked_rows[_i].reason);
        ck_assert_str_eq(heard(0), not_asked_rows[_i].de39);
        ck_assert_int_eq(bank.count, 0);
        assert_over();
}
END_TEST

START_TEST(stale_reference_data_give_the_room_back_and_decide_anew)
{
        withdraw(7);
        script_end(LEDGER_STALE, REASON_APPROVED);
        ck_assert_uint_eq(route->reserved, 0);
        reference_set_version(reference, 2);
        service_tick(service);
        ck_assert_uint_eq(route->reserved, 1);
        ck_assert_int_eq(script.op[0]->request.reference_version, 2);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 1);
        bank_peer_answer(&bank, 0, "00");
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        assert_over();
}
END_TEST

START_TEST(a_bank_that_is_gone_after_the_intent_is_a_time_out_at_once)
{
        withdraw(7);
        bank_peer_close_down(&bank);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(script.count, 1);
        ck_assert_int_eq(script.op[0]->kind, LEDGER_OUTCOME);
        ck_assert_int_eq(script.op[0]->outcome.cause, OUTCOME_TIMEOUT);
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "91");
        ck_assert_int_eq(notices, 1);
        assert_over();
}
END_TEST

START_TEST(a_bank_is_not_asked_when_the_atm_waits_no_longer)
{
        withdraw(7);
        pass(REQUEST_TIMEOUT_MS);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 0);
        ck_assert_int_eq(script.op[0]->outcome.cause, OUTCOME_TIMEOUT);
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "");
        assert_over();
}
END_TEST

START_TEST(an_atm_that_is_gone_leaves_its_withdrawal_to_come_to_its_end)
{
        withdraw(7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        session_closed(&atms[0].session);
        atms[0].session.entry.handle = 0;
        bank_peer_answer(&bank, 0, "00");
        ck_assert_int_eq(script.op[0]->outcome.reason, REASON_APPROVED);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_uint_eq(service->count.gone, 1);
        assert_over();
}
END_TEST

/* ---- repeats ------------------------------------------------------------------------------------------- */

START_TEST(a_repeat_looks_again_until_the_bank_has_been_heard)
{
        build("0201", "010000", 7);
        feed(0);
        for (int i = 0; i < 3; i++) {
                script_end(LEDGER_PENDING, REASON_APPROVED);
                ck_assert_uint_eq(route->reserved, 0);
                pass(LIMIT_PENDING_POLL_MS - 1);
                ck_assert_int_eq(script.count, 0);
                pass(1);
                ck_assert_int_eq(script.count, 1);
                ck_assert_int_eq(script.op[0]->kind, LEDGER_REQUEST);
        }
        script_end(LEDGER_STORED, REASON_APPROVED);
        ck_assert_str_eq(heard(0), "00");
        ck_assert_int_eq(bank.count, 0);
        assert_over();
}
END_TEST

START_TEST(a_repeat_whose_bank_is_not_heard_in_time_is_left_in_silence)
{
        build("0201", "010000", 7);
        feed(0);
        script_end(LEDGER_PENDING, REASON_APPROVED);
        for (int i = 0; i < REQUEST_TIMEOUT_MS / LIMIT_PENDING_POLL_MS; i++) {
                pass(LIMIT_PENDING_POLL_MS);
                while (script.count)
                        script_end(LEDGER_PENDING, REASON_APPROVED);
        }
        ck_assert_str_eq(heard(0), "");
        ck_assert(!atms[0].session.entry.waiting);
        assert_over();
}
END_TEST

START_TEST(a_repeat_whose_atm_is_gone_does_not_look_again)
{
        build("0201", "010000", 7);
        feed(0);
        script_end(LEDGER_PENDING, REASON_APPROVED);
        session_closed(&atms[0].session);
        atms[0].session.entry.handle = 0;
        pass(LIMIT_PENDING_POLL_MS);
        assert_over();
}
END_TEST

START_TEST(a_second_0200_is_not_told_96_while_the_bank_is_being_asked_for_the_first)
{
        withdraw(7);
        script_end(LEDGER_ASK, REASON_APPROVED);
        session_closed(&atms[0].session);
        atms[0].session.entry.handle = 0;
        sign_on(1);
        build("0200", "010000", 7);
        feed(1);
        script_end(LEDGER_UNAVAILABLE, REASON_CANNOT_DECIDE);
        ck_assert_str_eq(heard(1), "");
        bank_peer_answer(&bank, 0, "00");
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        assert_over();
}
END_TEST

/* ---- inquiries ----------------------------------------------------------------------------------------- */

static const struct {
        enum answer answers;
        const char *de39, *heard;
} inquiry_rows[] = {
    {ANSWERS, "00", "00"},   {ANSWERS, "14", "14"},  {ANSWERS, "Z9", "05"},
    {IS_SILENT, NULL, "91"}, {HANGS_UP, NULL, "91"},
};

START_TEST(an_inquiry_is_passed_on_and_leaves_nothing_behind)
{
        build("0200", "310000", 7);
        feed(0);
        ck_assert_int_eq(script.op[0]->kind, LEDGER_INQUIRY);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 1);
        if (inquiry_rows[_i].answers == ANSWERS) {
                bank_peer_build(&bank, 0, inquiry_rows[_i].de39, &answer);
                if (!strcmp(inquiry_rows[_i].de39, "00")) {
                        iso_set_string(&answer, 54, BALANCES);
                        iso_set_string(&answer, 28, "D00000011");
                }
                bank_peer_say(&bank, &answer);
        } else if (inquiry_rows[_i].answers == HANGS_UP) {
                bank_peer_close_down(&bank);
        } else {
                pass(15000);
        }
        ck_assert_str_eq(heard(0), inquiry_rows[_i].heard);
        ck_assert_int_eq(iso_has(&atms[0].sent[0], 54), !strcmp(inquiry_rows[_i].heard, "00"));
        if (iso_has(&atms[0].sent[0], 54)) {
                ck_assert_str_eq(bank_peer_value(&atms[0].sent[0], 54), BALANCES);
                ck_assert_str_eq(bank_peer_value(&atms[0].sent[0], 28), "D00000011");
        }
        ck_assert_int_eq(notices, 0);
        assert_over();
}
END_TEST

START_TEST(an_inquiry_without_room_with_the_bank_is_refused_through_the_ledger)
{
        bank_peer_close_down(&bank);
        build("0200", "310000", 7);
        feed(0);
        ck_assert_int_eq(script.op[0]->request.refusal, REASON_ISSUER_UNAVAILABLE);
        script_end(LEDGER_DECIDED, REASON_ISSUER_UNAVAILABLE);
        ck_assert_str_eq(heard(0), "91");
        assert_over();
}
END_TEST

/* ---- advices ------------------------------------------------------------------------------------------- */

static const struct {
        enum ledger_status status;
        int notices;
} advice_rows[] = {{LEDGER_DECIDED, 1}, {LEDGER_STORED, 0}, {LEDGER_UNAVAILABLE, 0}};

START_TEST(store_and_forward_is_told_of_what_is_newly_durable)
{
        build("0220", "010000", 8);
        iso_unset(&request, 2);
        iso_unset(&request, 14);
        iso_set_string(&request, 90, "0200000007" DE7 "0000000000000000000000");
        set_chip_data(&request, 8, 20); /* for the notice */
        feed(0);
        ck_assert_int_eq(script.op[0]->advice.chip->length, 20);
        ck_assert_int_eq(script.op[0]->advice.chip->bytes[19], 19 * 7 + 8);
        script_end(advice_rows[_i].status, REASON_APPROVED);
        ck_assert_int_eq(notices, advice_rows[_i].notices);
        if (atms[0].count)
                ck_assert(!iso_has(&atms[0].sent[0], 55));
        assert_over();
}
END_TEST

/* ---- PINs ---------------------------------------------------------------------------------------------- */

#define PB         "000102030405060708090A0B0C0D0E0F"
#define TRANSLATED "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0"

/* The key module: one question at a time, whose fields that matter are kept. */
static struct {
        bool away;
        struct key_question *question;
        enum key_command command;
        char key[32], other_key[32], format[4], other_format, pan[20];
        size_t block_length;
        int translations;
} module;

static struct key_rings *rings;
static struct session_keys keys;

static bool module_ask(void *context, struct key_question *question, const struct key_message *asked)
{
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        (void)context;
        if (module.away)
                return false;
        ck_assert_ptr_null(module.question);
        ck_assert_uint_gt(key_request_write(asked, frame), 0);
        module.question = question;
        module.command = asked->command;
        if (asked->command != KEY_COMMAND_TRANSLATE_PIN)
                return true;
        module.translations++;
        key_message_copy(asked, KEY_FIELD_KEY, module.key, sizeof(module.key));
        key_message_copy(asked, KEY_FIELD_OTHER_KEY, module.other_key, sizeof(module.other_key));
        key_message_copy(asked, KEY_FIELD_FORMAT, module.format, sizeof(module.format));
        key_message_copy(asked, KEY_FIELD_PAN, module.pan, sizeof(module.pan));
        module.other_format = key_message_char(asked, KEY_FIELD_OTHER_FORMAT);
        module.block_length = asked->value[KEY_FIELD_PIN_BLOCK].length;
        return true;
}

static void module_drop(void *context, struct key_question *question)
{
        (void)context;
        if (module.question == question)
                module.question = NULL;
}

/* 0: there is no answer. */
static void module_answer(int code)
{
        static const uint8_t bytes[] = {0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8,
                                        0xf7, 0xf6, 0xf5, 0xf4, 0xf3, 0xf2, 0xf1, 0xf0};
        struct key_message said = {.command = module.command, .code = (enum key_code)code};
        struct key_question *question = module.question;
        ck_assert_ptr_nonnull(question);
        module.question = NULL;
        if (module.command == KEY_COMMAND_TRANSLATE_PIN)
                key_message_set(&said, KEY_FIELD_PIN_BLOCK, bytes, module.other_format == '4' ? 16 : 8);
        else if (module.command == KEY_COMMAND_MAKE_MAC)
                key_message_set(&said, KEY_FIELD_MAC, bytes, 8);
        question->ended(question, code < 0 ? NULL : &said);
}

static void put_set(enum key_owner kind, const char *owner, const char *pin_key)
{
        const struct {
                enum key_purpose purpose;
                const char *block;
        } blocks[] = {{KEY_PURPOSE_PIN, pin_key},
                      {KEY_PURPOSE_MAC_UP, "D0016M6AG00E0000"},
                      {KEY_PURPOSE_MAC_DOWN, "D0016M6AV00E0000"}};
        for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
                struct key_row row = {.owner_kind = kind,
                                      .owner = owner,
                                      .kind = KEY_SET_WORKING,
                                      .number = kind == KEY_OWNER_LINK ? 7 : 1,
                                      .state = KEY_SET_CURRENT,
                                      .purpose = blocks[i].purpose,
                                      .block = blocks[i].block,
                                      .check_value = "0123456789"};
                ck_assert(key_rings_put(rings, &row));
        }
}

static void set_up_keys(void)
{
        set_up();
        memset(&module, 0, sizeof(module));
        rings = key_rings_new();
        ck_assert_ptr_nonnull(rings);
        put_set(KEY_OWNER_TERMINAL, TERMINAL, "D0016P0AB00E0000a");
        put_set(KEY_OWNER_LINK, "BANKA", "D0016P0AB00E0000b");
        keys = (struct session_keys){.rings = rings, .ask = module_ask, .drop = module_drop, .wrong_max = 3};
        service_set_keys(service, &keys);
        bank_route_set_keys(route, &keys);
        route->dialect.pin = '4';
}

static void tear_down_keys(void)
{
        tear_down();
        key_rings_free(rings);
}

static void withdraw_with_pin(const char *mti, const char *processing, int stan)
{
        build(mti, processing, stan);
        tags_add(&request, 62, TAG_KEY_SET, "1");
        tags_add(&request, 62, TAG_PIN_BLOCK, PB);
        feed(0);
}

static const struct {
        char format;
        const char *processing;
} translation_rows[] = {{'4', "010000"}, {'0', "010000"}, {'3', "310000"}};

START_TEST(a_pin_is_translated_before_anything_is_durable_and_goes_with_the_0200_alone)
{
        struct tag tag;
        char block[9] = "";
        route->dialect.pin = translation_rows[_i].format;
        withdraw_with_pin("0200", translation_rows[_i].processing, 7);
        ck_assert_int_eq(script.count, 0);
        ck_assert_int_eq(module.command, KEY_COMMAND_TRANSLATE_PIN);
        ck_assert_str_eq(module.key, "D0016P0AB00E0000a");
        ck_assert_str_eq(module.other_key, "D0016P0AB00E0000b");
        ck_assert_str_eq(module.format, "4");
        ck_assert_int_eq(module.other_format, translation_rows[_i].format);
        ck_assert_str_eq(module.pan, PAN);
        ck_assert_uint_eq(module.block_length, 16);
        module_answer(KEY_CODE_GOOD);
        ck_assert_int_eq(script.count, 1);
        ck_assert_int_eq(script.op[0]->request.refusal, REASON_APPROVED);
        const struct txn *txn = TAILQ_FIRST(&service->open);
        script_end(LEDGER_ASK, REASON_APPROVED);
        for (size_t i = 0; i < sizeof(txn->pin); i++)
                ck_assert_int_eq(((const uint8_t *)&txn->pin)[i], 0);
        for (size_t i = 0; i < sizeof(txn->bank_pin); i++)
                ck_assert_int_eq(((const uint8_t *)&txn->bank_pin)[i], 0);
        ck_assert_int_eq(module.command, KEY_COMMAND_MAKE_MAC);
        module_answer(KEY_CODE_GOOD);
        ck_assert_int_eq(bank.count, 1);
        ck_assert_int_eq(iso_mac_set(&route->dialect, &bank.sent[0]), 7);
        if (translation_rows[_i].format == '4') {
                ck_assert(tags_find(&bank.sent[0], 62, TAG_PIN_BLOCK, &tag) && tag.length == 32);
                ck_assert_mem_eq(tag.value, TRANSLATED, 32);
                ck_assert(!iso_has(&bank.sent[0], 52));
        } else {
                ck_assert(iso_copy(&bank.sent[0], 52, block, sizeof(block)));
                ck_assert_mem_eq(block, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", 8);
                ck_assert(!tags_find(&bank.sent[0], 62, TAG_PIN_BLOCK, &tag));
        }
}
END_TEST

/* What is not translated is not asked of the bank; what nobody can translate now is answered by nobody. */
static const struct {
        const char *name;
        bool has_pin, away;
        int code; /* -1: no answer */
        bool is_refused;
} untranslated_rows[] = {
    {"there is none", false, false, 0, true},
    {"it can't be read", true, false, KEY_CODE_PIN_BLOCK, true},
    {"the module is away", true, true, 0, false},
    {"the module is slow", true, false, -1, false},
    {"a key is of no use", true, false, KEY_CODE_BLOCK_CHANGED, false},
};

START_TEST(without_a_pin_the_bank_is_not_asked)
{
        module.away = untranslated_rows[_i].away;
        if (untranslated_rows[_i].has_pin)
                withdraw_with_pin("0200", "010000", 7);
        else
                withdraw(7);
        if (untranslated_rows[_i].has_pin && !module.away)
                module_answer(untranslated_rows[_i].code);
        ck_assert_uint_eq(route->reserved, 0);
        ck_assert_int_eq(script.count, untranslated_rows[_i].is_refused);
        if (untranslated_rows[_i].is_refused) {
                ck_assert_int_eq(script.op[0]->request.refusal, REASON_PIN_WRONG);
                ck_assert_str_eq(script.op[0]->request.link, "BANKA");
                script_end(LEDGER_DECIDED, REASON_PIN_WRONG);
                ck_assert_str_eq(heard(0), "55");
        } else {
                ck_assert_str_eq(heard(0), "");
                ck_assert_uint_eq(service->count.without_pin, 1);
        }
        ck_assert_int_eq(bank.count, 0);
        assert_over();
}
END_TEST

START_TEST(a_repeat_with_a_pin_is_looked_for_first)
{
        withdraw_with_pin("0201", "010000", 7);
        ck_assert_int_eq(module.translations, 0);
        ck_assert_int_eq(script.op[0]->request.refusal, REASON_CANNOT_DECIDE);
        if (_i == 0) {
                script_end(LEDGER_STORED, REASON_NOT_COVERED);
                ck_assert_str_eq(heard(0), "51");
                ck_assert_int_eq(module.translations, 0);
                assert_over();
                return;
        }
        script_end(LEDGER_DECIDED, REASON_CANNOT_DECIDE);
        ck_assert_int_eq(module.translations, 1);
        module_answer(KEY_CODE_GOOD);
        ck_assert_int_eq(script.op[0]->request.refusal, REASON_APPROVED);
        script_end(LEDGER_ASK, REASON_APPROVED);
        module_answer(KEY_CODE_GOOD);
        ck_assert_int_eq(bank.count, 1);
}
END_TEST

/* The bank knows one number for both. */
START_TEST(a_pin_under_a_set_that_is_retired_meanwhile_does_not_leave)
{
        withdraw_with_pin("0200", "010000", 7);
        module_answer(KEY_CODE_GOOD);
        struct key_row gone = {.owner_kind = KEY_OWNER_LINK,
                               .owner = "BANKA",
                               .kind = KEY_SET_WORKING,
                               .number = 7,
                               .state = KEY_SET_RETIRED};
        ck_assert(key_rings_put(rings, &gone));
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 0);
        ck_assert_int_eq(script.op[0]->kind, LEDGER_OUTCOME);
        ck_assert_int_eq(script.op[0]->outcome.cause, OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(a_link_without_keys_gets_no_pin)
{
        bank_route_set_keys(route, NULL);
        withdraw_with_pin("0200", "010000", 7);
        ck_assert_int_eq(module.translations, 0);
        script_end(LEDGER_ASK, REASON_APPROVED);
        ck_assert_int_eq(bank.count, 1);
        ck_assert(!iso_has(&bank.sent[0], 52) && !iso_has(&bank.sent[0], 62));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        Suite *suite = suite_create("bank_service");
        TCase *tcase = tcase_create("bank_service");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_transaction_says_who_has_it_only_while_he_has_it);
        tcase_add_test(tcase, a_bank_that_could_not_be_asked_never_has_a_transaction);
        tcase_add_loop_test(tcase, what_the_bank_does_becomes_the_outcome_and_only_then_an_answer, 0,
                            COUNT(outcome_rows));
        tcase_add_loop_test(tcase, the_atm_hears_what_stands_durable_and_not_what_the_bank_said, 0,
                            COUNT(stands_rows));
        tcase_add_test(tcase, a_late_approval_is_not_paid_and_the_ledger_hears_of_it);
        tcase_add_loop_test(tcase, a_late_approval_that_the_ledger_can_not_take_is_counted, 0, 2);
        tcase_add_test(tcase, no_card_number_is_kept_once_the_banks_0200_has_left);
        tcase_add_loop_test(tcase, chip_data_go_to_the_bank_as_they_are_and_its_own_come_back, 0,
                            COUNT(chip_rows));
        tcase_add_loop_test(tcase, an_inquiry_has_chip_data_too, 0, 2);
        tcase_add_test(tcase, a_repeat_s_answer_goes_without_chip_data);
        tcase_add_loop_test(tcase, no_withdrawal_waits_for_chip_data, 0, 2);
        tcase_add_loop_test(tcase, without_room_with_the_bank_the_ledger_is_told_a_refusal, 0, NO_BANKS + 1);
        tcase_add_loop_test(tcase, room_that_is_not_needed_is_given_back, 0, COUNT(not_asked_rows));
        tcase_add_test(tcase, stale_reference_data_give_the_room_back_and_decide_anew);
        tcase_add_test(tcase, a_bank_that_is_gone_after_the_intent_is_a_time_out_at_once);
        tcase_add_test(tcase, a_bank_is_not_asked_when_the_atm_waits_no_longer);
        tcase_add_test(tcase, an_atm_that_is_gone_leaves_its_withdrawal_to_come_to_its_end);
        tcase_add_test(tcase, a_repeat_looks_again_until_the_bank_has_been_heard);
        tcase_add_test(tcase, a_repeat_whose_bank_is_not_heard_in_time_is_left_in_silence);
        tcase_add_test(tcase, a_repeat_whose_atm_is_gone_does_not_look_again);
        tcase_add_test(tcase, a_second_0200_is_not_told_96_while_the_bank_is_being_asked_for_the_first);
        tcase_add_loop_test(tcase, an_inquiry_is_passed_on_and_leaves_nothing_behind, 0, COUNT(inquiry_rows));
        tcase_add_test(tcase, an_inquiry_without_room_with_the_bank_is_refused_through_the_ledger);
        tcase_add_loop_test(tcase, store_and_forward_is_told_of_what_is_newly_durable, 0, COUNT(advice_rows));
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("PINs");
        tcase_add_checked_fixture(tcase, set_up_keys, tear_down_keys);
        tcase_add_loop_test(tcase,
                            a_pin_is_translated_before_anything_is_durable_and_goes_with_the_0200_alone, 0,
                            COUNT(translation_rows));
        tcase_add_loop_test(tcase, without_a_pin_the_bank_is_not_asked, 0, COUNT(untranslated_rows));
        tcase_add_loop_test(tcase, a_repeat_with_a_pin_is_looked_for_first, 0, 2);
        tcase_add_test(tcase, a_pin_under_a_set_that_is_retired_meanwhile_does_not_leave);
        tcase_add_test(tcase, a_link_without_keys_gets_no_pin);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
