/*
 * One ATM's dialogue, without sockets and without a database. Two ledgers stand behind it: the one in memory
 * for what ends in rows, and a scripted one that answers as the test says, or not at all.
 */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ledger_mem/ledger_mem.h"
#include "lib/base/log.h"
#include "daemon/security.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "rules/calendar.h"
#include "tests/suite.h"
#include "tests/unit/atm_request.h"
#include "tests/unit/token_key.h"

#define PAN      "9900010000000001"
#define TERMINAL "T0000001"
#define BUSINESS "2016-12-29T12:00:00+09:00"
#define DE7      "1229030000"

enum { REQUEST_TIMEOUT_MS = 20000, OPEN_MAX = 4, SENT_MAX = 64, SCRIPT_MAX = 64 };

/* ---- the peer ------------------------------------------------------------------------------------------ */

struct peer {
        struct session session;
        struct iso_message sent[SENT_MAX];
        int sent_count, closes;
        bool paused;
        enum session_end end;
        char reason[512];
};

static void peer_send(void *context, const uint8_t *message, size_t length)
{
        struct peer *peer = context;
        struct iso_error error;
        ck_assert_int_eq(peer->closes, 0);
        ck_assert_int_lt(peer->sent_count, SENT_MAX);
        ck_assert_int_eq(
            iso_decode(&iso_dialect_ascii, message, length, &peer->sent[peer->sent_count++], &error), 0);
}

static void peer_close(void *context, enum session_end end, const char *reason)
{
        struct peer *peer = context;
        peer->closes++;
        peer->end = end;
        snprintf(peer->reason, sizeof(peer->reason), "%s", reason);
}

static void peer_pause(void *context)
{
        struct peer *peer = context;
        peer->paused = true;
}

static void peer_resume(void *context)
{
        struct peer *peer = context;
        peer->paused = false;
}

static const struct session_ops ops = {peer_send, peer_close, peer_pause, peer_resume};

/* ---- a ledger by script -------------------------------------------------------------------------------- */

struct script {
        struct ledger face;
        const struct reference *reference;
        struct ledger_op *op[SCRIPT_MAX];
        int count;
};

static void script_submit(struct ledger *ledger, struct ledger_op *op)
{
        struct script *script = (struct script *)ledger;
        ck_assert_int_lt(script->count, SCRIPT_MAX);
        script->op[script->count++] = op;
}

static const struct reference *script_reference(struct ledger *ledger)
{
        return ((struct script *)ledger)->reference;
}

static void script_free(struct ledger *ledger)
{
        (void)ledger;
}

static const struct ledger_backend script_backend = {script_submit, script_reference, script_free};
static struct script script = {.face = {&script_backend}};

/* Give back the oldest op. */
static void script_end(enum ledger_status status, enum reason reason)
{
        ck_assert_int_gt(script.count, 0);
        struct ledger_op *op = script.op[0];
        memmove(script.op, script.op + 1, (size_t)--script.count * sizeof(script.op[0]));
        op->answer = (struct ledger_answer){.status = status, .reason = reason, .approval_code = "ABC234"};
        op->on_done(op, op->context);
}

/* ---- the world ----------------------------------------------------------------------------------------- */

static struct reference *reference, *changed;
static struct memory_database *database;
static struct ledger *memory;
static struct token_key *token_key;
static struct service *service;
static struct session_env env;
static struct peer peers[3];
static int64_t now_ms;
static int reliefs;

static int64_t on_clock(void *context)
{
        (void)context;
        return now_ms;
}

static void on_relief(void *context)
{
        (void)context;
        reliefs++;
}

static struct reference *make_reference(int64_t version)
{
        char error[REFERENCE_ERROR_MAX];
        struct reference *r = reference_new();
        ck_assert_ptr_nonnull(r);
        int64_t now = 0;
        ck_assert(calendar_parse_moment(BUSINESS, &now));
        ck_assert(reference_add_issuer(r, &(struct issuer){"HOUSE", "", {{0, 1440}, {0, 1440}}, PIN_NONE, 3},
                                       error));
        ck_assert(reference_add_prefix(r, "990001", 0, "HOUSE", CARD_CASH, error));
        ck_assert(reference_add_hall(r, &(struct hall){"H1", "kanto", "Tokyo", {0, 1440}, 0}, error));
        ck_assert(reference_add_atm(r, TERMINAL, "H1", true, error));
        ck_assert(reference_add_atm(r, "T0000002", "H1", false, error));
        for (int band = 0; band < BAND_COUNT; band++)
                ck_assert(reference_add_tariff(
                    r, &(struct tariff){"HOUSE", (enum band)band, 0, band == BAND_DAY ? 100 : 200, 100},
                    error));
        ck_assert(reference_add_tax_rate(r, &(struct tax_rate){0, 800, TAX_DOWN}, error));
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                ck_assert(reference_add_network_hours(
                    r, &(struct network_hours){0, (enum day_kind)kind, {0, 1440}}, error));
        reference_set_moments(r, now - INT64_C(300) * DAY_MS, now + INT64_C(300) * DAY_MS);
        reference_set_version(r, version);
        ck_assert_msg(reference_finish(r, error), "%s", error);
        return r;
}

static void start(struct ledger *ledger)
{
        struct service_settings settings = {.clock = clock_real,
                                            .skew_limit_ms = 300000,
                                            .request_timeout_ms = REQUEST_TIMEOUT_MS,
                                            .open_max = OPEN_MAX,
                                            .open_resume = OPEN_MAX / 2};
        struct service_shell shell = {on_clock, on_clock, on_relief, NULL};
        service = service_new(&settings, &shell, ledger, token_key);
        ck_assert_ptr_nonnull(service);
        env = (struct session_env){.service = service};
}

static void set_up(void)
{
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment(BUSINESS, &now_ms));
        reference = make_reference(1);
        changed = make_reference(2);
        script.reference = reference;
        script.count = 0;
        reliefs = 0;
        token_key = token_key_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        uint8_t token[TOKEN_LENGTH];
        token_of_pan(token_key, PAN, token);
        database = memory_database_new(reference);
        memory_add_card(database, token, "3012", CARD_CASH);
        memory_add_account(database, token, 1000000);
        memory = ledger_mem_new(database, &(struct ledger_mem_options){
                                              .queue_max = 64, .batch_max = 16, .times = {.wait_ms = 90000}});
        memset(peers, 0, sizeof(peers));
}

static void tear_down(void)
{
        for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
                if (peers[i].session.entry.handle)
                        session_closed(&peers[i].session);
        ledger_free(memory);
        service_free(service);
        service = NULL;
        memory_database_free(database);
        token_key_free(token_key);
        reference_free(reference);
        reference_free(changed);
}

static struct peer *connect_as(int i, const char *name)
{
        ck_assert(session_open(&peers[i].session, &env, &ops, &peers[i], name));
        return &peers[i];
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static struct iso_message request;

static void build(const char *mti, const char *terminal, int stan)
{
        atm_request(&request, mti, terminal, stan, DE7, PAN);
}

static void build_network(int code, int stan)
{
        build("0800", TERMINAL, stan);
        iso_set_number(&request, 70, code, 3);
}

static size_t encode(uint8_t bytes[ISO_MESSAGE_MAX])
{
        struct iso_error error;
        int length = iso_encode(&iso_dialect_ascii, &request, bytes, ISO_MESSAGE_MAX, &error);
        ck_assert_int_gt(length, 0);
        return (size_t)length;
}

static void feed(struct peer *peer)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t length = encode(bytes);
        ck_assert(!peer->paused);
        session_frame(&peer->session, bytes, length);
}

/* DE 39 of the last answer; "" where there was none since `before`. */
static const char *answered_since(const struct peer *peer, int before)
{
        static char de39[3];
        if (peer->sent_count == before)
                return "";
        ck_assert_int_eq(peer->sent_count, before + 1);
        ck_assert(iso_copy(&peer->sent[before], 39, de39, sizeof(de39)));
        return de39;
}

static const char *ask(struct peer *peer)
{
        int before = peer->sent_count;
        feed(peer);
        ledger_mem_drain(memory);
        return answered_since(peer, before);
}

static struct peer *sign_on(int i)
{
        struct peer *peer = connect_as(i, TERMINAL);
        build_network(1, 900000 + i);
        ck_assert_str_eq(ask(peer), "00");
        return peer;
}

/* ---- the tables ---------------------------------------------------------------------------------------- */

static const struct {
        int code;
        bool signed_on;
        const char *de39;
        enum session_state after;
} network_rows[] = {
    {1, false, "00", SESSION_SIGNED_ON},   {1, true, "00", SESSION_SIGNED_ON},
    {2, false, "00", SESSION_CONNECTED},   {2, true, "00", SESSION_CONNECTED},
    {301, false, "00", SESSION_CONNECTED}, {301, true, "00", SESSION_SIGNED_ON},
    {201, false, "58", SESSION_CONNECTED}, {201, true, "00", SESSION_SIGNED_ON},
    {101, false, "40", SESSION_CONNECTED}, {101, true, "40", SESSION_SIGNED_ON},
    {999, false, "12", SESSION_CONNECTED}, {0, true, "12", SESSION_SIGNED_ON},
};

START_TEST(each_network_code_is_answered_by_its_row)
{
        start(memory);
        struct peer *peer = network_rows[_i].signed_on ? sign_on(0) : connect_as(0, TERMINAL);
        build_network(network_rows[_i].code, 1);
        ck_assert_str_eq(ask(peer), network_rows[_i].de39);
        ck_assert_int_eq(peer->session.state, network_rows[_i].after);
        const struct iso_message *answer = &peer->sent[peer->sent_count - 1];
        ck_assert_str_eq(answer->mti, "0810");
        char text[16];
        ck_assert(iso_copy(answer, 12, text, sizeof(text)));
        ck_assert_str_eq(text, "120000");
        ck_assert(iso_copy(answer, 13, text, sizeof(text)));
        ck_assert_str_eq(text, "1229");
        ck_assert_uint_eq(env.signed_on, network_rows[_i].after == SESSION_SIGNED_ON);
}
END_TEST

static const struct {
        const char *mti;
        bool signed_on;
        const char *de39; /* NULL: the connection ends */
} mti_rows[] = {
    {"0200", false, "58"}, {"0200", true, "00"},  {"0201", false, "58"}, {"0201", true, "00"},
    {"0220", false, "00"}, {"0221", true, "00"},  {"0420", false, "00"}, {"0421", true, "00"},
    {"0500", true, "40"},  {"0501", false, "40"}, {"0620", true, "40"},  {"0621", false, "40"},
    {"0210", true, NULL},  {"0100", true, NULL},  {"0810", false, NULL}, {"9999", false, NULL},
    {"0400", true, NULL},  {"0202", true, NULL},
};

static void complete(const char *mti)
{
        static const int amounts[] = {74, 75, 76, 77};
        if (mti[1] == '5') {
                iso_set_string(&request, 15, "1229");
                for (size_t i = 0; i < 4; i++) {
                        iso_set_number(&request, amounts[i], 0, 10);
                        iso_set_number(&request, 86 + (int)i, 0, 16);
                }
                iso_set_string(&request, 97, "C0000000000000000");
        }
        if (mti[1] == '6')
                iso_set_string(&request, 48, "AB003xyz");
}

START_TEST(each_mti_is_answered_by_its_row_and_no_other_is)
{
        start(memory);
        struct peer *peer = mti_rows[_i].signed_on ? sign_on(0) : connect_as(0, TERMINAL);
        build(mti_rows[_i].mti, TERMINAL, 7);
        complete(mti_rows[_i].mti);
        const char *de39 = ask(peer);
        if (mti_rows[_i].de39) {
                ck_assert_str_eq(de39, mti_rows[_i].de39);
                ck_assert_int_eq(peer->closes, 0);
        } else {
                ck_assert_str_eq(de39, "");
                ck_assert_int_eq(peer->closes, 1);
                ck_assert_int_eq(peer->end, SESSION_END_PROTOCOL);
        }
        ck_assert(!peer->session.entry.waiting);
}
END_TEST

START_TEST(another_terminals_message_is_refused_and_ends_the_connection)
{
        static const char *const mtis[] = {"0200", "0220", "0420", "0800"};
        start(memory);
        struct peer *peer = sign_on(0);
        build(mtis[_i], "T0000002", 7);
        if (mtis[_i][1] == '8')
                iso_set_string(&request, 70, "301");
        ck_assert_str_eq(ask(peer), "58");
        ck_assert_int_eq(peer->closes, 1);
        ck_assert_int_eq(peer->end, SESSION_END_TERMINAL);
        ck_assert_ptr_null(database->withdrawals);
        /* and nothing more is heard of it */
        build_network(301, 8);
        ck_assert_str_eq(ask(peer), "");
}
END_TEST

static const char *const bad_names[] = {"",         "T000001", "T00000001",    "t0000001",
                                        "T000000 ", "atmd",    "T0000\xc3\xa4"};

START_TEST(a_certificate_that_names_no_terminal_ends_the_connection)
{
        start(memory);
        ck_assert(!session_open(&peers[0].session, &env, &ops, &peers[0], bad_names[_i]));
        ck_assert_int_eq(peers[0].closes, 1);
        ck_assert_int_eq(peers[0].end, SESSION_END_TERMINAL);
        ck_assert_uint_eq(session_index_count(service->sessions), 0);
}
END_TEST

START_TEST(an_unknown_terminal_may_not_sign_on_but_may_say_what_it_dispensed)
{
        start(memory);
        struct peer *peer = connect_as(0, "T0000009");
        build("0800", "T0000009", 1);
        iso_set_string(&request, 70, "001");
        ck_assert_str_eq(ask(peer), "58");
        build("0200", "T0000009", 2);
        ck_assert_str_eq(ask(peer), "58");
        build("0220", "T0000009", 3);
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_int_eq(peer->closes, 0);
}
END_TEST

/* It need not even sign on. */
START_TEST(a_terminal_outside_the_fleet_is_named_whatever_it_does)
{
        static const char named[] = "event=security_terminal_unknown terminal=T0000009 at=connection";
        FILE *file = tmpfile();
        char text[1024] = "";
        int old = dup(STDERR_FILENO);

        start(memory);
        log_open("stderr", "warning", NULL);
        security_tick(true); /* what tests before left to be said */
        dup2(fileno(file), STDERR_FILENO);
        struct peer *peer = connect_as(0, "T0000009");
        connect_as(1, TERMINAL);
        build("0800", "T0000009", 1);
        iso_set_string(&request, 70, "301");
        ck_assert_str_eq(ask(peer), "00");
        security_tick(true); /* what came after the first is counted */
        dup2(old, STDERR_FILENO);
        rewind(file);
        ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
        ck_assert_msg(strstr(text, named), "%s", text);
        ck_assert_msg(strstr(text, "of=security_terminal_unknown subject=T0000009 count=1"), "%s", text);
        ck_assert_msg(!strstr(text, TERMINAL), "%s", text);
        fclose(file);
        close(old);
}
END_TEST

START_TEST(a_disabled_atm_is_refused_with_a_row_and_its_advices_are_taken)
{
        start(memory);
        struct peer *peer = connect_as(0, "T0000002");
        build("0800", "T0000002", 1);
        iso_set_string(&request, 70, "001");
        ck_assert_str_eq(ask(peer), "00");
        build("0200", "T0000002", 2);
        ck_assert_str_eq(ask(peer), "58");
        ck_assert_ptr_nonnull(database->withdrawals);
        ck_assert_int_eq(database->withdrawals->reason, REASON_TERMINAL_DISABLED);
        build("0420", "T0000002", 3);
        ck_assert_str_eq(ask(peer), "00");
}
END_TEST

/* ---- bytes that are no message ------------------------------------------------------------------------- */

START_TEST(a_message_cut_anywhere_is_answered_30_or_ends_the_connection)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        size_t length = encode(bytes);
        size_t stan_end = 4 + 8 + 2 + 16 + 6 + 12 + 10 + 6;
        for (size_t cut = 1; cut < length; cut++) {
                int before = peer->sent_count;
                session_frame(&peer->session, bytes, cut);
                if (cut >= stan_end) {
                        ck_assert_msg(!strcmp(answered_since(peer, before), "30"), "cut at %zu", cut);
                        ck_assert_int_eq(peer->closes, 0);
                        char stan[7];
                        ck_assert(iso_copy(&peer->sent[before], 11, stan, sizeof(stan)));
                        ck_assert_str_eq(stan, "000007");
                        peer->sent_count = before;
                } else {
                        ck_assert_msg(peer->closes == 1, "cut at %zu", cut);
                        ck_assert_int_eq(peer->end, SESSION_END_PROTOCOL);
                        ck_assert_int_eq(peer->sent_count, before);
                        session_closed(&peer->session);
                        memset(peer, 0, sizeof(*peer));
                        peer = sign_on(0);
                }
        }
        ck_assert_ptr_null(database->withdrawals);
        build("0200", TERMINAL, 7);
        ck_assert_str_eq(ask(peer), "00");
}
END_TEST

START_TEST(each_mandatory_field_is_demanded)
{
        static const char *const mtis[] = {"0200", "0220", "0420", "0800"};
        start(memory);
        for (size_t m = 0; m < sizeof(mtis) / sizeof(mtis[0]); m++) {
                const struct profile_row *row = profile_find(mtis[m]);
                for (size_t i = 0; i < sizeof(row->mandatory) && row->mandatory[i]; i++) {
                        struct peer *peer = sign_on(0);
                        build(mtis[m], TERMINAL, 7);
                        if (row->kind == MESSAGE_NETWORK)
                                iso_set_string(&request, 70, "301");
                        iso_unset(&request, row->mandatory[i]);
                        const char *de39 = ask(peer);
                        ck_assert_msg(!strcmp(de39, row->mandatory[i] == 11 ? "" : "30"),
                                      "%s without %d: '%s'", mtis[m], row->mandatory[i], de39);
                        ck_assert_int_eq(peer->closes, row->mandatory[i] == 11);
                        session_closed(&peer->session);
                        memset(peer, 0, sizeof(*peer));
                }
        }
        ck_assert_ptr_null(database->withdrawals);
}
END_TEST

START_TEST(a_date_that_no_year_has_is_a_format_error)
{
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        iso_set_string(&request, 7, "0230120000");
        ck_assert_str_eq(ask(peer), "30");
        ck_assert(!peer->paused);
        build("0200", TERMINAL, 8);
        ck_assert_str_eq(ask(peer), "00");
}
END_TEST

START_TEST(nothing_of_card_or_pin_stays_in_memory)
{
        static const char pin[] = "PinBlock";
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        iso_set(&request, 52, pin, 8);
        feed(peer);
        const struct txn *txn = TAILQ_FIRST(&service->open);
        ck_assert_ptr_null(memmem(service, sizeof(*service), PAN, strlen(PAN)));
        ck_assert_ptr_null(memmem(service, sizeof(*service), pin, 8));
        ck_assert_ptr_null(memmem(txn, sizeof(*txn), pin, 8));
        ck_assert_ptr_nonnull(memmem(txn, sizeof(*txn), PAN, strlen(PAN)));
        ledger_mem_drain(memory);
        ck_assert_int_eq(peer->sent_count, 2);
        ck_assert_ptr_null(memmem(service, sizeof(*service), PAN, strlen(PAN)));
        ck_assert_ptr_null(memmem(txn, sizeof(*txn), PAN, strlen(PAN)));
}
END_TEST

/* ---- repeats ------------------------------------------------------------------------------------------- */

static void assert_same(const struct iso_message *a, const struct iso_message *b)
{
        ck_assert_str_eq(a->mti, b->mti);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                size_t x = 0, y = 0;
                const char *one = iso_get(a, field, &x), *other = iso_get(b, field, &y);
                ck_assert_msg(x == y && !one == !other, "field %d", field);
                if (one)
                        ck_assert_msg(memcmp(one, other, x) == 0, "field %d", field);
        }
}

START_TEST(a_repeat_gets_the_originals_answer_on_any_connection)
{
        static const char *const mtis[] = {"0200", "0201"};
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        ck_assert_str_eq(ask(peer), "00");
        build(mtis[_i], TERMINAL, 7);
        ck_assert_str_eq(ask(peer), "00");
        assert_same(&peer->sent[1], &peer->sent[2]);
        struct peer *newer = sign_on(1);
        build(mtis[_i], TERMINAL, 7);
        ck_assert_str_eq(ask(newer), "00");
        assert_same(&peer->sent[1], &newer->sent[1]);
        ck_assert_uint_eq(HASH_COUNT(database->withdrawals), 1);
        ck_assert_uint_eq(service->count.stored, 2);
}
END_TEST

/* Whatever the end is: the ATM that repeats must not dispense for it. */
START_TEST(a_repeat_after_the_end_is_refused)
{
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        ck_assert_str_eq(ask(peer), "00");
        build(_i ? "0420" : "0220", TERMINAL, 8);
        iso_set_string(&request, 90, "0200000007" DE7 "0000000000000000000000");
        ck_assert_str_eq(ask(peer), "00");
        build("0201", TERMINAL, 7);
        ck_assert_str_eq(ask(peer), "94");
        ck_assert(!iso_has(&peer->sent[peer->sent_count - 1], 38));
        ck_assert_uint_eq(service->count.by_reason[REASON_ENDED], 1);
}
END_TEST

START_TEST(a_contradicting_repeat_is_refused)
{
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        ck_assert_str_eq(ask(peer), "00");
        build("0201", TERMINAL, 7);
        iso_set_number(&request, 4, 20000, 12);
        ck_assert_str_eq(ask(peer), "94");
}
END_TEST

/* ---- connections that come and go ---------------------------------------------------------------------- */

START_TEST(a_second_connection_replaces_the_first)
{
        start(memory);
        struct peer *first = sign_on(0), *second = sign_on(1);
        ck_assert_int_eq(first->closes, 1);
        ck_assert_int_eq(first->end, SESSION_END_REPLACED);
        ck_assert_ptr_eq(session_index_find_terminal(service->sessions, TERMINAL), &second->session.entry);
        session_closed(&first->session);
        ck_assert_ptr_eq(session_index_find_terminal(service->sessions, TERMINAL), &second->session.entry);
        build("0200", TERMINAL, 7);
        ck_assert_str_eq(ask(second), "00");
}
END_TEST

START_TEST(an_answer_whose_atm_has_gone_goes_to_nobody)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(peer);
        ck_assert(peer->paused);
        session_closed(&peer->session);
        /* the place of the old session is taken by another terminal's */
        struct peer *other = connect_as(1, "T0000002");
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_int_eq(other->sent_count, 0);
        ck_assert_int_eq(peer->sent_count, 1);
        ck_assert_uint_eq(service->count.gone, 1);
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

/* Replaced while its request is with the ledger: the old one hears nothing, nor does the new one. */
START_TEST(a_replaced_sessions_answer_goes_to_nobody)
{
        start(&script.face);
        struct peer *first = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(first);
        struct peer *second = sign_on(1);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_int_eq(first->sent_count, 1);
        ck_assert_int_eq(second->sent_count, 1);
        session_closed(&first->session);
        ck_assert_uint_eq(service->waiting, 0);
}
END_TEST

/* ---- time and trouble ---------------------------------------------------------------------------------- */

START_TEST(a_request_without_an_answer_in_time_is_left_in_silence)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(peer);
        now_ms += REQUEST_TIMEOUT_MS - 1;
        service_tick(service);
        ck_assert(peer->paused);
        now_ms++;
        service_tick(service);
        ck_assert(!peer->paused);
        ck_assert_int_eq(peer->sent_count, 1);
        build_network(301, 8);
        feed(peer);
        ck_assert_int_eq(peer->sent_count, 2);
        script_end(LEDGER_DECIDED, REASON_APPROVED); /* too late to be said */
        ck_assert_int_eq(peer->sent_count, 2);
        ck_assert_uint_eq(service->pool.taken, 0);
        ck_assert_uint_eq(service->count.late, 1);
}
END_TEST

static const struct {
        const char *mti, *processing;
        enum ledger_status status;
        const char *de39;
} trouble_rows[] = {
    {"0200", "010000", LEDGER_UNAVAILABLE, ""},   {"0201", "010000", LEDGER_UNAVAILABLE, ""},
    {"0200", "310000", LEDGER_UNAVAILABLE, "96"}, {"0220", "010000", LEDGER_UNAVAILABLE, ""},
    {"0420", "010000", LEDGER_UNAVAILABLE, ""},   {"0200", "010000", LEDGER_UNKNOWN, ""},
    {"0220", "010000", LEDGER_UNKNOWN, ""},
};

START_TEST(without_a_database_nothing_is_said_that_is_not_known)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        build(trouble_rows[_i].mti, TERMINAL, 7);
        iso_set_string(&request, 3, trouble_rows[_i].processing);
        feed(peer);
        script_end(trouble_rows[_i].status, REASON_APPROVED);
        ck_assert_str_eq(answered_since(peer, 1), trouble_rows[_i].de39);
        ck_assert(!peer->paused);
        ck_assert_int_eq(peer->closes, 0);
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

static char *print_database(void)
{
        char *text;
        size_t size;
        FILE *file = open_memstream(&text, &size);
        ck_assert_ptr_nonnull(file);
        memory_print(database, file);
        fclose(file);
        return text;
}

/* CANNOT_DECIDE: 96 to an inquiry, whose repeat asks anew; to a withdrawal silence, and its repeat is the first decision. */
START_TEST(what_can_not_be_decided_is_not_kept_and_decided_by_its_repeat)
{
        start(memory);
        struct peer *peer = sign_on(0);
        char *before = print_database();
        ledger_mem_set_down(memory, true);
        build("0200", TERMINAL, 7);
        iso_set_string(&request, 3, "310000");
        ck_assert_str_eq(ask(peer), reason_rows[REASON_CANNOT_DECIDE].de39);
        ck_assert_uint_eq(service->count.by_reason[REASON_CANNOT_DECIDE], 1);
        build("0200", TERMINAL, 8);
        ck_assert_str_eq(ask(peer), "");
        ck_assert_uint_eq(service->count.silent, 1);
        ck_assert_uint_eq(service->count.by_reason[REASON_CANNOT_DECIDE], 1);
        char *after = print_database();
        ck_assert_str_eq(before, after);
        free(before);
        free(after);

        ledger_mem_set_down(memory, false);
        build("0201", TERMINAL, 8);
        ck_assert_str_eq(ask(peer), "00");
        build("0201", TERMINAL, 7);
        iso_set_string(&request, 3, "310000");
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_int_eq(peer->closes, 0);
}
END_TEST

/* Of a clock that is not the database's: what a request hears, and once the clock is right again its repeat. The withdrawal of STAN 6
 * was approved before. */
static const struct {
        enum clock_state state;
        const char *mti;
        int stan;
        const char *processing;
        int64_t amount_yen;
        const char *de7, *de39, *repeated;
} clock_rows[] = {
    {CLOCK_DRIFTS, "0200", 7, "010000", 10000, DE7, "00", "00"},
    {CLOCK_OFF, "0200", 7, "010000", 10000, DE7, "96", "00"},
    {CLOCK_OFF, "0200", 7, "310000", 10000, DE7, "96", "00"},
    {CLOCK_OFF, "0200", 7, "010000", 10500, DE7, "13", "13"},          /* refused at any time */
    {CLOCK_OFF, "0200", 7, "010000", 10000, "1228150000", "96", "58"}, /* is it the ATM's clock? */
    {CLOCK_OFF, "0201", 6, "010000", 10000, DE7, "00", "00"},
    {CLOCK_OFF, "0201", 7, "010000", 10000, DE7, "",
     "00"}, /* the first may be on its way to another instance */
    {CLOCK_OFF, "0200", 6, "010000", 10000, DE7, "00", "00"},
    {CLOCK_OFF, "0220", 7, "010000", 10000, DE7, "", "00"},
    {CLOCK_OFF, "0420", 7, "010000", 10000, DE7, "", "00"},
    {CLOCK_LOST, "0200", 7, "010000", 10000, DE7, "", "00"},
    {CLOCK_LOST, "0200", 7, "310000", 10000, DE7, "96", "00"},
    {CLOCK_LOST, "0200", 7, "010000", 10500, DE7, "", "13"},
    {CLOCK_LOST, "0201", 6, "010000", 10000, DE7, "", "00"},
    {CLOCK_LOST, "0220", 7, "010000", 10000, DE7, "", "00"},
};

START_TEST(with_a_clock_that_is_off_nothing_is_decided_and_what_was_is_said)
{
        start(memory);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 6);
        ck_assert_str_eq(ask(peer), "00");
        service_set_clock(service, clock_rows[_i].state);
        build(clock_rows[_i].mti, TERMINAL, clock_rows[_i].stan);
        iso_set_string(&request, 3, clock_rows[_i].processing);
        iso_set_string(&request, 7, clock_rows[_i].de7);
        iso_set_number(&request, 4, clock_rows[_i].amount_yen, 12);
        ck_assert_str_eq(ask(peer), clock_rows[_i].de39);
        ck_assert_int_eq(peer->closes, 0);
        ck_assert_uint_eq(service->pool.taken, 0);

        service_set_clock(service, CLOCK_AGREES);
        request.mti[3] = '1';
        ck_assert_str_eq(ask(peer), clock_rows[_i].repeated);
}
END_TEST

START_TEST(a_clock_that_is_off_is_no_atm_s_to_be_set_by)
{
        start(memory);
        struct peer *peer = connect_as(0, TERMINAL);
        for (int state = CLOCK_AGREES; state < CLOCK_STATE_COUNT; state++) {
                int before = peer->sent_count;
                service_set_clock(service, (enum clock_state)state);
                build_network(1, 1 + state);
                ck_assert_str_eq(ask(peer), "00");
                ck_assert_int_eq(iso_has(&peer->sent[before], 12), state < CLOCK_OFF);
                ck_assert_int_eq(iso_has(&peer->sent[before], 13), state < CLOCK_OFF);
        }
}
END_TEST

/* An inquiry leaves no row: whoever tries card numbers by it is slowed, and hears nothing of the right one either. */
START_TEST(whoever_guesses_cards_by_inquiries_is_slowed_and_nobody_else)
{
        enum { BURST = 3, EACH_MS = 30000 };
        start(memory);
        service->settings.guesses = (struct rate_rules){BURST, EACH_MS};
        struct peer *peer = sign_on(0);
        for (int i = 0; i < 2 * BURST; i++) {
                build("0200", TERMINAL, 10 + i);
                iso_set_string(&request, 3, "310000");
                iso_set_string(&request, 2, "9900010000000019");
                ck_assert_str_eq(ask(peer), i < BURST ? "14" : "65");
        }
        build("0200", TERMINAL, 20);
        iso_set_string(&request, 3, "310000");
        ck_assert_str_eq(ask(peer), "65");
        ck_assert_uint_eq(service->count.guesses, BURST);
        ck_assert_uint_eq(service->count.by_reason[REASON_GUESSES], BURST + 1);
        build("0200", TERMINAL, 21); /* a withdrawal leaves a row, whoever makes it */
        ck_assert_str_eq(ask(peer), "00");
        now_ms += EACH_MS;
        build("0200", TERMINAL, 22);
        iso_set_string(&request, 3, "310000");
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

START_TEST(a_refused_session_is_closed_whatever_it_waits_for)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(peer);
        session_refuse(&peer->session, "the terminal is barred");
        ck_assert_int_eq(peer->closes, 1);
        ck_assert_int_eq(peer->end, SESSION_END_REFUSED);
        script_end(LEDGER_DECIDED, REASON_APPROVED); /* and hears nothing of it: peer_send would complain */
        ck_assert_uint_eq(service->count.gone, 1);
}
END_TEST

START_TEST(without_reference_data_a_sign_on_can_not_be_decided)
{
        start(&script.face);
        struct peer *peer = connect_as(0, TERMINAL);
        script.reference = NULL;
        build_network(1, 1);
        feed(peer);
        ck_assert_str_eq(answered_since(peer, 0), reason_rows[REASON_CANNOT_DECIDE].de39);
        ck_assert_int_eq(peer->session.state, SESSION_CONNECTED);
        script.reference = reference;
        build_network(1, 2);
        feed(peer);
        ck_assert_str_eq(answered_since(peer, 1), "00");
        ck_assert_int_eq(peer->session.state, SESSION_SIGNED_ON);
}
END_TEST

START_TEST(a_decision_from_old_reference_data_is_made_anew)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(peer);
        ck_assert_int_eq(script.op[0]->request.reference_version, 1);
        script.reference = changed;
        script_end(LEDGER_STALE, REASON_APPROVED);
        ck_assert_int_eq(script.count, 1);
        ck_assert_int_eq(script.op[0]->request.reference_version, 2);
        ck_assert(peer->paused);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_str_eq(answered_since(peer, 1), "00");
}
END_TEST

START_TEST(it_waits_for_new_reference_data_and_at_last_is_silent)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(peer);
        script_end(LEDGER_STALE, REASON_APPROVED);
        service_tick(service);
        ck_assert_int_eq(script.count, 0);
        if (_i == 0) {
                script.reference = changed;
                service_tick(service);
                ck_assert_int_eq(script.count, 1);
                script_end(LEDGER_DECIDED, REASON_APPROVED);
                ck_assert_str_eq(answered_since(peer, 1), "00");
        } else {
                now_ms += REQUEST_TIMEOUT_MS;
                service_tick(service);
                ck_assert_str_eq(answered_since(peer, 1), "");
                ck_assert(!peer->paused);
        }
        ck_assert_uint_eq(service->stale, 0);
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

START_TEST(endless_changes_of_reference_data_end_in_silence)
{
        int decisions = 0;
        start(&script.face);
        struct peer *peer = sign_on(0);
        build("0200", TERMINAL, 7);
        feed(peer);
        while (script.count) {
                ck_assert_int_lt(decisions++, 100);
                script.reference = script.reference == changed ? reference : changed;
                script_end(LEDGER_STALE, REASON_APPROVED);
        }
        ck_assert_str_eq(answered_since(peer, 1), "");
}
END_TEST

START_TEST(without_a_partition_for_its_moment_no_request_is_decided)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        int64_t now = now_ms;
        reference_set_moments(reference, now - 2 * (int64_t)DAY_MS, now - (int64_t)DAY_MS);
        build("0200", TERMINAL, 7);
        feed(peer);
        ck_assert_str_eq(answered_since(peer, 1), "");
        ck_assert_int_eq(script.count, 0);
        ck_assert(!peer->paused);
        build("0220", TERMINAL, 8); /* an advice is the ledger's to judge */
        feed(peer);
        ck_assert_int_eq(script.count, 1);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
}
END_TEST

/* Its nearest is years away: there is no partition to keep the refusal in, and none is missing. */
START_TEST(the_29th_of_february_of_a_year_that_has_none_is_refused_with_58)
{
        start(&script.face);
        struct peer *peer = sign_on(0);
        reference_set_moments(reference, now_ms - 60 * (int64_t)DAY_MS, now_ms + 30 * (int64_t)DAY_MS);
        build("0200", TERMINAL, 7);
        iso_set_string(&request, 7, "0229120000");
        feed(peer);
        ck_assert_str_eq(answered_since(peer, 1), "58");
        ck_assert_int_eq(script.count, 0);
        ck_assert_uint_eq(service->count.by_reason[REASON_CLOCK_OFF], 1);
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

START_TEST(reading_stops_when_the_ledger_is_behind_and_goes_on_at_half)
{
        start(&script.face);
        for (int i = 0; i < OPEN_MAX; i++) {
                ck_assert(!service_is_congested(service));
                struct peer *peer = sign_on(0);
                build("0200", TERMINAL, 10 + i);
                feed(peer);
                session_closed(&peer->session);
                memset(peer, 0, sizeof(*peer));
        }
        ck_assert(service_is_congested(service));
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert(service_is_congested(service));
        ck_assert_int_eq(reliefs, 0);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert(!service_is_congested(service));
        ck_assert_int_eq(reliefs, 1);
        while (script.count)
                script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_int_eq(reliefs, 1);
}
END_TEST

START_TEST(draining_answers_what_is_in_flight_and_closes_the_rest)
{
        start(&script.face);
        struct peer *busy = sign_on(0), *idle = connect_as(1, "T0000002");
        build("0200", TERMINAL, 7);
        feed(busy);
        session_drain(&busy->session);
        session_drain(&idle->session);
        ck_assert_int_eq(idle->closes, 1);
        ck_assert_int_eq(idle->end, SESSION_END_SHUTDOWN);
        ck_assert_int_eq(busy->closes, 0);
        script_end(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert_str_eq(answered_since(busy, 1), "00");
        ck_assert_int_eq(busy->closes, 1);
        ck_assert_int_eq(busy->end, SESSION_END_SHUTDOWN);
}
END_TEST

/* ---- the index ----------------------------------------------------------------------------------------- */

START_TEST(handles_of_former_sessions_find_nobody)
{
        enum { SESSIONS = 1000 };
        struct session_entry *sessions = calloc(SESSIONS, sizeof(*sessions));
        uint64_t former[SESSIONS];
        struct session_index *index = session_index_new();
        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < SESSIONS; i++) {
                        snprintf(sessions[i].terminal, sizeof(sessions[i].terminal), "T%07d", i % 1000);
                        ck_assert(session_index_add(index, &sessions[i]));
                        if (round > 0)
                                ck_assert_ptr_null(session_index_find(index, former[i]));
                        ck_assert_ptr_eq(session_index_find(index, sessions[i].handle), &sessions[i]);
                }
                for (int i = 0; i < SESSIONS; i++)
                        ck_assert_ptr_eq(session_index_find_terminal(index, sessions[i].terminal),
                                         &sessions[i]);
                ck_assert_uint_eq(session_index_count(index), SESSIONS);
                for (int i = SESSIONS - 1; i >= 0; i--) {
                        former[i] = sessions[i].handle;
                        session_index_remove(index, &sessions[i]);
                }
                ck_assert_ptr_null(session_index_find_terminal(index, "T0000005"));
        }
        ck_assert_ptr_null(session_index_find(index, 0));
        session_index_free(index);
        free(sessions);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        Suite *suite = suite_create("session");
        TCase *tcase = tcase_create("session");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, each_network_code_is_answered_by_its_row, 0, COUNT(network_rows));
        tcase_add_loop_test(tcase, each_mti_is_answered_by_its_row_and_no_other_is, 0, COUNT(mti_rows));
        tcase_add_loop_test(tcase, another_terminals_message_is_refused_and_ends_the_connection, 0, 4);
        tcase_add_loop_test(tcase, a_certificate_that_names_no_terminal_ends_the_connection, 0,
                            COUNT(bad_names));
        tcase_add_test(tcase, a_terminal_outside_the_fleet_is_named_whatever_it_does);
        tcase_add_test(tcase, an_unknown_terminal_may_not_sign_on_but_may_say_what_it_dispensed);
        tcase_add_test(tcase, a_disabled_atm_is_refused_with_a_row_and_its_advices_are_taken);
        tcase_add_test(tcase, a_message_cut_anywhere_is_answered_30_or_ends_the_connection);
        tcase_add_test(tcase, each_mandatory_field_is_demanded);
        tcase_add_test(tcase, a_date_that_no_year_has_is_a_format_error);
        tcase_add_test(tcase, nothing_of_card_or_pin_stays_in_memory);
        tcase_add_loop_test(tcase, a_repeat_gets_the_originals_answer_on_any_connection, 0, 2);
        tcase_add_loop_test(tcase, a_repeat_after_the_end_is_refused, 0, 2);
        tcase_add_test(tcase, a_contradicting_repeat_is_refused);
        tcase_add_test(tcase, a_second_connection_replaces_the_first);
        tcase_add_test(tcase, an_answer_whose_atm_has_gone_goes_to_nobody);
        tcase_add_test(tcase, a_replaced_sessions_answer_goes_to_nobody);
        tcase_add_test(tcase, a_request_without_an_answer_in_time_is_left_in_silence);
        tcase_add_loop_test(tcase, without_a_database_nothing_is_said_that_is_not_known, 0,
                            COUNT(trouble_rows));
        tcase_add_test(tcase, what_can_not_be_decided_is_not_kept_and_decided_by_its_repeat);
        tcase_add_loop_test(tcase, with_a_clock_that_is_off_nothing_is_decided_and_what_was_is_said, 0,
                            sizeof(clock_rows) / sizeof(clock_rows[0]));
        tcase_add_test(tcase, a_clock_that_is_off_is_no_atm_s_to_be_set_by);
        tcase_add_test(tcase, whoever_guesses_cards_by_inquiries_is_slowed_and_nobody_else);
        tcase_add_test(tcase, a_refused_session_is_closed_whatever_it_waits_for);
        tcase_add_test(tcase, without_reference_data_a_sign_on_can_not_be_decided);
        tcase_add_test(tcase, a_decision_from_old_reference_data_is_made_anew);
        tcase_add_loop_test(tcase, it_waits_for_new_reference_data_and_at_last_is_silent, 0, 2);
        tcase_add_test(tcase, endless_changes_of_reference_data_end_in_silence);
        tcase_add_test(tcase, the_29th_of_february_of_a_year_that_has_none_is_refused_with_58);
        tcase_add_test(tcase, without_a_partition_for_its_moment_no_request_is_decided);
        tcase_add_test(tcase, reading_stops_when_the_ledger_is_behind_and_goes_on_at_half);
        tcase_add_test(tcase, draining_answers_what_is_in_flight_and_closes_the_rest);
        tcase_add_test(tcase, handles_of_former_sessions_find_nobody);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
