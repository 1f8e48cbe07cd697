/*
 * What one table admits the next carries: values at the edges of what an ATM, a bank and an operator may say, followed
 * through the real daemon's parts (session, service, transaction, the ledger in memory, a link in a dialect) to their
 * end. Whatever is drawn: the ATM hears an answer in its own form to each message, its session goes on, and in the end
 * the bank has been told all that it must be, in its own.
 *
 * The draws come from a seed, which is printed with the command that gives them back.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "config/dialect.h"
#include "daemon/banks/bank_format.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "protocol/balances.h"
#include "rules/calendar.h"
#include "tests/contract/draws.h"
#include "tests/ledger_mem/ledger_mem.h"
#include "tests/unit/bank_peer.h"
#include "tests/suite.h"
#include "tests/unit/token_key.h"

#define TERMINAL     "T0000001"
#define BUSINESS     "2016-12-29T12:00:00+09:00"
#define DE7          "1229030000"
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum { TRIALS = 1000, WORLD_TRIALS = 25, SENT_MAX = 4, NOTICES_MAX = 16, EXTRA_FIELDS = 2 };

static struct draws draw;
static uint64_t seed;

/* ---- dialects ------------------------------------------------------------------------------------------ */

enum { BUILT_IN, BANKA, BANKB, BANKC, HEX_BCD, DIGITS, SMALL, DIALECTS };
static const char *const dialect_name[DIALECTS] = {"built-in",    "BANKA",  "BANKB", "BANKC",
                                                   "hex and BCD", "digits", "small"};
static struct iso_dialect dialects[DIALECTS];

static void load(int i, const char *name)
{
        char path[512], error[DIALECT_ERROR_MAX];
        snprintf(path, sizeof(path), "%s/etc/dialects/%s.dialect", SOURCE_DIR, name);
        ck_assert_msg(dialect_load(path, &dialects[i], NULL, error), "%s", error);
}

/* As a file's row would: see config/dialect.c. */
static void change(int i, int field, enum iso_format format, uint16_t length)
{
        const struct iso_field *builtin = &iso_dialect_ascii.field[field];
        struct iso_field *row = &dialects[i].field[field];
        row->value_format = format == builtin->format ? ISO_NONE : builtin->format;
        row->value_length = row->length_kind == ISO_FIXED && length != builtin->length ? builtin->length : 0;
        row->format = format;
        row->length = length;
}

static void make_dialects(void)
{
        dialects[BUILT_IN] = iso_dialect_ascii;
        load(BANKA, "BANKA");
        load(BANKB, "BANKB");
        load(BANKC, "BANKC");
        load(HEX_BCD, "BANKC");
        dialects[HEX_BCD].bitmap = ISO_BITMAP_HEX;
        load(DIGITS, "BANKA"); /* as few letters as a dialect may have */
        change(DIGITS, 37, ISO_N, 12);
        change(DIGITS, 38, ISO_N, 6);
        change(DIGITS, 39, ISO_N, 2);
        change(DIGITS, 41, ISO_AN, 40);
        change(DIGITS, 54, ISO_AN, 999);
        load(SMALL, "BANKC"); /* as little room */
        change(SMALL, 2, ISO_N, 16);
        change(SMALL, 4, ISO_N, 8);
        change(SMALL, 28, ISO_XN, 6);
        change(SMALL, 54, ISO_ANS, 140);
}

/* ---- the world ----------------------------------------------------------------------------------------- */

struct machine {
        struct session session;
        struct iso_message sent[SENT_MAX];
        int count, closes;
};

static struct reference *reference;
static struct token_key *token_key;
static struct memory_database *database;
static struct ledger *ledger;
static struct service *service;
static struct session_env env;
static struct bank_route *route;
static struct bank_routes routes;
static struct bank_peer bank;
static struct machine atm;
static struct iso_message request, answer;
static char house_pan[20], link_pan[20];
static char story[512]; /* what was drawn, for the failure */

#define tell(...)       snprintf(story + strlen(story), sizeof(story) - strlen(story), __VA_ARGS__)
#define must(condition) ck_assert_msg(condition, "%s: %s (seed %" PRIu64 ")", #condition, story, seed)

static void on_send(void *context, const uint8_t *message, size_t length)
{
        struct iso_error error;
        (void)context;
        must(atm.count < SENT_MAX);
        must(iso_decode(&iso_dialect_ascii, message, length, &atm.sent[atm.count++], &error) == 0);
}

static void on_close(void *context, enum session_end end, const char *reason)
{
        (void)context;
        (void)end;
        tell(" closed: %s", reason);
        atm.closes++;
}

static void on_nothing(void *context)
{
        (void)context;
}

static const struct session_ops atm_ops = {on_send, on_close, on_nothing, on_nothing};

static const char *draw_text(const char *const *choices, int count)
{
        return choices[draw_below(&draw, count)];
}

static int64_t draw_number(const int64_t *choices, int count)
{
        return choices[draw_below(&draw, count)];
}
#define DRAW_TEXT(...)                                                                                       \
        draw_text((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))
#define DRAW_NUMBER(...) draw_number((const int64_t[]){__VA_ARGS__}, COUNT(((const int64_t[]){__VA_ARGS__})))

static void draw_pan(const char *prefix, char pan[20])
{
        int length = (int)DRAW_NUMBER(12, 16, 17, 19);
        snprintf(pan, 20, "%s%0*d", prefix, length - (int)strlen(prefix), 1);
}

static struct reference *draw_reference(void)
{
        static const char *const issuers[] = {"HOUSE", "ABCDEFGHIJK"};
        char error[REFERENCE_ERROR_MAX];
        struct reference *r = reference_new();
        struct hall hall = {"", "kanto", "Tokyo", {0, 1440}, (int32_t)DRAW_NUMBER(0, 1, 10000)};
        int64_t now = 0;
        strcpy(hall.hall, DRAW_TEXT("H", "HX-1", "H0000000000-001", "---------------"));
        ck_assert(r && calendar_parse_moment(BUSINESS, &now));
        ck_assert(reference_add_issuer(r, &(struct issuer){"HOUSE", "", {{0, 1440}, {0, 1440}}, PIN_NONE, 3},
                                       error));
        ck_assert(reference_add_issuer(
            r, &(struct issuer){"ABCDEFGHIJK", "BANKA", {{0, 1440}, {0, 1440}}, PIN_NONE, 3}, error));
        ck_assert(reference_add_prefix(r, "9", 0, "HOUSE", CARD_CASH, error));
        ck_assert(reference_add_prefix(r, "8800110000", 0, "ABCDEFGHIJK", CARD_CASH, error));
        ck_assert(reference_add_hall(r, &hall, error));
        ck_assert(reference_add_atm(r, TERMINAL, hall.hall, true, error));
        for (int i = 0; i < COUNT(issuers); i++)
                for (int band = 0; band < BAND_COUNT; band++) {
                        struct tariff tariff = {"", (enum band)band, 0,
                                                DRAW_NUMBER(0, 100, 49999, 50000, 1000000),
                                                DRAW_NUMBER(0, 100, 1000000)};
                        strcpy(tariff.issuer, issuers[i]);
                        ck_assert(reference_add_tariff(r, &tariff, error));
                }
        ck_assert(reference_add_tax_rate(r,
                                         &(struct tax_rate){0, (int32_t)DRAW_NUMBER(0, 800, 10000),
                                                            (enum tax_rounding)draw_below(&draw, 3)},
                                         error));
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                ck_assert(reference_add_network_hours(
                    r, &(struct network_hours){0, (enum day_kind)kind, {0, 1440}}, error));
        reference_set_moments(r, now - INT64_C(300) * DAY_MS, now + INT64_C(300) * DAY_MS);
        reference_set_version(r, 1);
        ck_assert_msg(reference_finish(r, error), "%s", error);
        return r;
}

static int64_t on_clock(void *context)
{
        (void)context;
        return bank_now_ms;
}

/* What the ATM hears to the request; NULL: nothing yet. */
static const struct iso_message *say(void)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int length = iso_encode(&iso_dialect_ascii, &request, bytes, sizeof(bytes), &error);
        must(length > 0);
        atm.count = 0;
        session_frame(&atm.session, bytes, (size_t)length);
        ledger_mem_drain(ledger);
        must(atm.closes == 0);
        return atm.count ? &atm.sent[0] : NULL;
}

static void set_up_world(int dialect)
{
        struct service_settings settings = {.clock = clock_real,
                                            .skew_limit_ms = 300000,
                                            .request_timeout_ms = 20000,
                                            .open_max = 16,
                                            .open_resume = 8};
        struct service_shell shell = {bank_clock, bank_clock, on_nothing, NULL};
        uint8_t token[TOKEN_LENGTH];
        story[0] = '\0';
        ck_assert(calendar_parse_moment(BUSINESS, &bank_now_ms));
        reference = draw_reference();
        token_key = token_key_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        database = memory_database_new(reference);
        database->clock_ms = on_clock;
        draw_pan("9900010000", house_pan);
        draw_pan("8800110000", link_pan);
        token_of_pan(token_key, house_pan, token);
        memory_add_card(database, token, "3012", CARD_CASH);
        memory_add_account(
            database, token,
            DRAW_NUMBER(0, 1, BALANCE_MAX_YEN, BALANCE_MAX_YEN + 1, INT64_C(1000000000000000)));
        ledger = ledger_mem_new(database, &(struct ledger_mem_options){.queue_max = 64, .batch_max = 16});
        route = bank_peer_route("BANKA", 8);
        route->dialect = dialects[dialect];
        routes = (struct bank_routes){{route}, 1};
        service = service_new(&settings, &shell, ledger, token_key);
        env = (struct session_env){.service = service};
        service_set_banks(service, &(struct service_banks){&routes, on_nothing, NULL});
        bank_peer_sign_on(&bank, route, 1);
        atm = (struct machine){.count = 0};
        ck_assert(session_open(&atm.session, &env, &atm_ops, &atm, TERMINAL));
        iso_init(&request, "0800");
        iso_set_string(&request, 7, DE7);
        iso_set_string(&request, 11, "900000");
        iso_set_string(&request, 41, TERMINAL);
        iso_set_string(&request, 70, "001");
        must(say() != NULL);
}

static void tear_down_world(void)
{
        session_closed(&atm.session);
        ledger_free(ledger);
        service_free(service);
        bank_route_free(route);
        memory_database_free(database);
        token_key_free(token_key);
        reference_free(reference);
}

/* ---- messages ------------------------------------------------------------------------------------------ */

/* A value at an edge of what the field takes. */
static void set_edge(struct iso_message *message, int field)
{
        static const char *const characters[] = {
            [ISO_N] = "09",  [ISO_AN] = " 0AZaz", [ISO_ANS] = " !~0Az\"\\'",
            [ISO_XN] = "09", [ISO_Z] = "09=D",    [ISO_B] = "\x01\x7f\xff"};
        const struct iso_field *row = &iso_dialect_ascii.field[field];
        char value[999];
        size_t length = row->length;
        if (row->length_kind != ISO_FIXED)
                length = (size_t)DRAW_NUMBER(0, 1, row->length / 2, row->length);
        if (length > 300)
                length = 300; /* the whole has a limit too */
        for (size_t i = 0; i < length; i++)
                value[i] = characters[row->format][draw_below(&draw, (int)strlen(characters[row->format]))];
        if (row->format == ISO_XN)
                value[0] = draw_below(&draw, 2) ? 'C' : 'D';
        iso_set(message, field, value, length);
}

/* Fields that any message may have and that say nothing to us. */
static void add_extras(void)
{
        for (int i = draw_below(&draw, EXTRA_FIELDS + 1); i > 0; i--) {
                int field = (int)draw_between(&draw, 5, 128);
                if (iso_dialect_ascii.field[field].format == ISO_NONE || iso_has(&request, field) ||
                    field == 7 || field == 11 || field == 14 || field == 15 || field == 35 || field == 41 ||
                    field == 48 || field == 49 || field == 90 || field == 95 || field == 64 || field == 128)
                        continue;
                set_edge(&request, field);
                tell(" +%d", field);
        }
}

static void build(const char *mti, int64_t stan)
{
        iso_init(&request, mti);
        iso_set_string(&request, 7, DE7);
        iso_set_number(&request, 11, stan, 6);
        iso_set_string(&request, 41, TERMINAL);
        iso_set_string(&request, 49, "392");
}

static void draw_request(int64_t stan, bool inquiry, const char *pan, int64_t amount_yen)
{
        char track[40];
        build("0200", stan);
        iso_set_string(&request, 3, inquiry ? DRAW_TEXT("310000", "319900") : DRAW_TEXT("010000", "019900"));
        if (!inquiry || draw_below(&draw, 2))
                iso_set_number(&request, 4, amount_yen, 12);
        snprintf(track, sizeof(track), "%s=3012%s", pan, DRAW_TEXT("", "1", "1010000000000"));
        if (draw_below(&draw, 3)) {
                iso_set_string(&request, 2, pan);
                iso_set_string(&request, 14, "3012");
        } else {
                iso_set_string(&request, 35, track);
        }
        add_extras();
}

static void draw_bank_answer(void)
{
        static const char group[] = "1002392C000000000001";
        char balances[999];
        size_t most = route->dialect.field[54].length;
        size_t length = (size_t)DRAW_NUMBER(0, 13, 20, 40, 120, 140, (int64_t)most);
        bank_peer_build(&bank, bank.count - 1, DRAW_TEXT("00", "00", "00", "51", "05", "Z9", "  ", "99"),
                        &answer);
        if (route->dialect.field[39].format == ISO_N)
                iso_set_string(&answer, 39, DRAW_TEXT("00", "00", "99"));
        if (draw_below(&draw, 4))
                iso_set_string(&answer, 38,
                               route->dialect.field[38].format == ISO_N
                                   ? DRAW_TEXT("000000", "999999")
                                   : DRAW_TEXT("ABC123", "A     ", "      ", " A B  ", "zzzzzz", "    9 "));
        if (draw_below(&draw, 4))
                iso_set_string(&answer, 28, DRAW_TEXT("D00000000", "C00099999", "D00099999"));
        if (length > most)
                length = most;
        for (size_t i = 0; i < length; i++)
                balances[i] = group[i % strlen(group)];
        iso_set(&answer, 54, balances, length);
        tell(" bank: 39='%.2s' 38=%s 54 of %zu", bank_peer_value(&answer, 39),
             iso_has(&answer, 38) ? "there" : "none", length);
        bank_peer_say(&bank, &answer);
}

/* ---- what must be true --------------------------------------------------------------------------------- */

static bool has_form(const struct iso_message *message, int field, const char *alphabet, size_t length)
{
        const char *text = bank_peer_value(message, field);
        return strlen(text) == length && strspn(text, alphabet) == length;
}

#define DIGITS_ONLY "0123456789"
#define CAPITALS    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALLS      "abcdefghijklmnopqrstuvwxyz"

static void check_approval(const struct iso_message *heard, bool inquiry)
{
        must(has_form(heard, 28, "CD" DIGITS_ONLY, 9));
        if (inquiry) {
                must(balances_are_whole(heard));
                return;
        }
        must(has_form(heard, 37, DIGITS_ONLY, 12));
        must(has_form(heard, 38, DIGITS_ONLY CAPITALS SMALLS, 6));
}

/* The answer to a request, after the bank's if it is asked; the request is built. */
static const struct iso_message *ask(bool inquiry)
{
        int asked = bank.count;
        const struct iso_message *heard = say();
        if (bank.count > asked) {
                must(!heard);
                draw_bank_answer();
                ledger_mem_drain(ledger);
                if (!atm.count) { /* it was no answer */
                        bank_now_ms += 15000;
                        bank_route_tick(route);
                        ledger_mem_drain(ledger);
                        bank_now_ms -= 15000;
                }
                must(atm.closes == 0);
                heard = atm.count ? &atm.sent[0] : NULL;
        }
        must(heard != NULL);
        must(strcmp(heard->mti, "0210") == 0);
        must(has_form(heard, 39, DIGITS_ONLY, 2));
        must(strcmp(bank_peer_value(heard, 39), "30") != 0);
        if (strcmp(bank_peer_value(heard, 39), "00") == 0)
                check_approval(heard, inquiry);
        return heard;
}

static struct {
        struct bank_exchange exchange;
        const struct iso_message *answer;
        bool acknowledged;
} told;

static void on_told(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *said)
{
        (void)exchange;
        told.acknowledged = end == BANK_ANSWERED && strcmp(bank_peer_value(said, 39), "00") == 0;
}

/* What the bank hears of a notice is what the row says. */
static void check_notice(const struct bank_notice *notice, const struct iso_message *heard)
{
        int64_t amount_yen;
        must(iso_number(heard, 4, &amount_yen) && amount_yen == notice->amount_yen);
        must(iso_has(heard, 39) == (notice->kind != BANK_NOTICE_COMPLETION));
        must(iso_has(heard, 95) == (notice->kind == BANK_NOTICE_PARTIAL));
        if (iso_has(heard, 39)) {
                bool is_digits = strspn(notice->why, DIGITS_ONLY) == 2;
                const char *wanted =
                    route->dialect.field[39].format == ISO_N && !is_digits ? "21" : notice->why;
                must(strcmp(bank_peer_value(heard, 39), wanted) == 0);
        }
        if (iso_has(heard, 95)) {
                char text[32];
                snprintf(text, sizeof(text), "%012" PRId64, notice->dispensed_yen);
                must(strncmp(bank_peer_value(heard, 95), text, 12) == 0);
        }
}

static void carry_notices(void)
{
        struct memory_taken taken[NOTICES_MAX];
        size_t count;
        while ((count = memory_saf_take(database, "BANKA", "test", 60000, 1000, 60000, NOTICES_MAX, taken)) >
               0) {
                for (size_t i = 0; i < count; i++) {
                        const struct memory_notice *row = &taken[i].notice;
                        struct bank_notice notice = {.identity = taken[i].identity,
                                                     .seq = row->seq,
                                                     .kind = (enum bank_notice_kind)row->kind,
                                                     .amount_yen = row->amount_yen,
                                                     .charge_yen = row->charge_yen,
                                                     .dispensed_yen = row->dispensed_yen,
                                                     .attempts = 1};
                        memcpy(notice.why, row->why, sizeof(notice.why));
                        told.exchange = (struct bank_exchange){.identity = notice.identity,
                                                               .kind = notice.kind == BANK_NOTICE_COMPLETION
                                                                           ? MESSAGE_COMPLETION
                                                                           : MESSAGE_REVERSAL,
                                                               .on_end = on_told};
                        told.acknowledged = false;
                        bank_format_notice(&notice, route->settings.acquirer, &request);
                        must(bank_route_tell(route, &told.exchange, &request, 1000));
                        check_notice(&notice, &bank.sent[bank.count - 1]);
                        bank_peer_answer(&bank, bank.count - 1, "00");
                        must(told.acknowledged);
                        struct memory_ended ended = {
                            .identity = notice.identity, .seq = notice.seq, .said = "00"};
                        must(memory_saf_end(database, &ended, 1) == 1);
                }
        }
        must(!database->saf);
}

/* ---- the draws ----------------------------------------------------------------------------------------- */

static void draw_advice(int64_t stan, int64_t amount_yen)
{
        static const char alphabet[] = "09AZaz ";
        bool reversal = draw_below(&draw, 2);
        char original[43], why[3] = "", replacement[64];
        int64_t dispensed_yen = DRAW_NUMBER(0, 1, 500, 1000, amount_yen - 1000, amount_yen - 500, amount_yen,
                                            INT64_C(999999999999));
        build(reversal ? "0420" : "0220", stan);
        iso_set_string(&request, 3, "010000");
        iso_set_number(&request, 4, amount_yen, 12);
        snprintf(original, sizeof(original), "0200%06" PRId64 DE7 "%022d", stan, 0);
        iso_set_string(&request, 90, original);
        if (reversal) {
                snprintf(why, sizeof(why), "%c%c", alphabet[draw_below(&draw, COUNT(alphabet) - 1)],
                         alphabet[draw_below(&draw, COUNT(alphabet) - 1)]);
                iso_set_string(&request, 39, why);
        }
        if (draw_below(&draw, 2)) {
                snprintf(replacement, sizeof(replacement), "%012" PRId64 "%012d%sD00000000",
                         dispensed_yen < 0 ? 0 : dispensed_yen, 0, DRAW_TEXT("D00000000", "C99999999"));
                iso_set_string(&request, 95, replacement);
        }
        tell(" %s 39='%s' 95=%s", request.mti, why, iso_has(&request, 95) ? replacement : "");
        add_extras();
}

static void carry_one(int dialect, int64_t stan)
{
        bool inquiry = draw_below(&draw, 3) == 0, of_house = draw_below(&draw, 3) == 0;
        int64_t amount_yen = DRAW_NUMBER(1000, 10000, 99999000, 100000000, INT64_C(9999999000),
                                         INT64_C(10000000000), INT64_C(999999999000));
        snprintf(story, sizeof(story), "%s: %s of %" PRId64 " yen with %s:", dialect_name[dialect],
                 inquiry ? "inquiry" : "withdrawal", amount_yen, of_house ? house_pan : link_pan);
        draw_request(stan, inquiry, of_house ? house_pan : link_pan, amount_yen);
        (void)ask(inquiry);
        if (!inquiry && draw_below(&draw, 5)) {
                draw_advice(stan, amount_yen);
                const struct iso_message *heard = say();
                must(heard != NULL);
                must(strcmp(bank_peer_value(heard, 39), "00") == 0);
        }
        carry_notices();
        bank.count = 0;
}

START_TEST(what_is_accepted_is_carried_to_its_end)
{
        draw.state = seed + (uint64_t)_i;
        make_dialects();
        for (int trial = 0; trial < TRIALS; trial++) {
                if (trial % WORLD_TRIALS == 0)
                        set_up_world(_i);
                carry_one(_i, trial % WORLD_TRIALS == 0 ? 999999 : trial + 1);
                if (trial % WORLD_TRIALS == WORLD_TRIALS - 1)
                        tear_down_world();
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("carried");
        TCase *tcase = tcase_create("carried");
        seed = draws_seed((uint64_t)time(NULL) * 1000003 + (uint64_t)getpid());
        seed %= 1000000000;
        log_open("stderr", "error", NULL);
        printf("seed %" PRIu64 "; again: ATM_TEST_SEED=%" PRIu64 " build/bin/unit_tests test_carried\n", seed,
               seed);
        fflush(stdout);
        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, what_is_accepted_is_carried_to_its_end, 0, DIALECTS);
        tcase_set_timeout(tcase, 60);
        return suite_run(suite);
}
