/*
 * PINs of the house bank's cards on their way through the service: the key module makes a value of the block, then the ledger (the one in memory) decides and
 * counts; and whatever becomes of the module meanwhile, a PIN is counted once and nothing is decided without it. The module stands in a list here, so that a
 * test says when, in which order and whether it answers.
 *
 * A block of these tests is 'PIN=' and four digits, which are the value that the issuer's key makes of it; any other is not in order.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "config/limits.h"
#include "daemon/service.h"
#include "lib/base/log.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tests/ledger_mem/ledger_mem.h"
#include "tests/suite.h"
#include "tests/unit/atm_request.h"
#include "tests/unit/token_key.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAN          "9900010000000001"
#define TERMINAL     "T0000001"
#define BUSINESS     "2016-12-29T12:00:00+09:00"
#define DE7          "1229030000"
#define RIGHT        "PIN=1234"
#define WRONG        "PIN=9999"
#define UNREADABLE   "NOT A PI"

enum { QUESTIONS_MAX = 16, ASKERS = 4, TIMEOUT_MS = 20000, TRIES_MAX = 3, GUESSES_MAX = 6, PIN_SET = 7 };

/* ---- the key module ------------------------------------------------------------------------------------ */

struct module_question {
        struct key_question *question;
        enum key_code code;
        char value[5];
};

static struct {
        bool away;
        struct module_question questions[QUESTIONS_MAX]; /* in the order in which they were asked */
        int count, asked;
        char key, verification, index; /* of the last: by what its key blocks end with */
        char formats[3], pan[20];
} module;

static char last_of(const struct key_message *message, enum key_field field)
{
        const struct key_value *value = &message->value[field];
        return (char)value->bytes[value->length - 1];
}

static bool module_ask(void *context, struct key_question *question, const struct key_message *message)
{
        const struct key_value *block = &message->value[KEY_FIELD_PIN_BLOCK];
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        struct module_question *q = &module.questions[module.count];
        (void)context;
        if (module.away)
                return false;
        ck_assert_int_lt(module.count, QUESTIONS_MAX);
        ck_assert_uint_gt(key_request_write(message, frame), 0);
        ck_assert_int_eq(message->command, KEY_COMMAND_VERIFY_PIN);
        module.key = last_of(message, KEY_FIELD_KEY);
        module.verification = last_of(message, KEY_FIELD_OTHER_KEY);
        module.index = key_message_char(message, KEY_FIELD_INDEX);
        key_message_copy(message, KEY_FIELD_FORMAT, module.formats, sizeof(module.formats));
        key_message_copy(message, KEY_FIELD_PAN, module.pan, sizeof(module.pan));
        *q = (struct module_question){.question = question, .code = KEY_CODE_PIN_BLOCK};
        if (block->length == 8 && memcmp(block->bytes, "PIN=", 4) == 0) {
                q->code = KEY_CODE_GOOD;
                memcpy(q->value, block->bytes + 4, 4);
                if (module.verification == 'w') /* another issuer's makes another value */
                        q->value[0]++;
        }
        module.count++;
        module.asked++;
        return true;
}

static void module_drop(void *context, struct key_question *question)
{
        (void)context;
        (void)question;
        ck_abort_msg("nothing is dropped: a transaction outlives its session");
}

static struct module_question take_question(int place)
{
        struct module_question q = module.questions[place];
        ck_assert_int_lt(place, module.count);
        memmove(&module.questions[place], &module.questions[place + 1],
                (size_t)(--module.count - place) * sizeof(q));
        return q;
}

static void module_answer(int place)
{
        struct module_question q = take_question(place);
        struct key_message answer = {.command = KEY_COMMAND_VERIFY_PIN, .code = q.code};
        if (q.code == KEY_CODE_GOOD)
                key_message_set_text(&answer, KEY_FIELD_PIN_VALUE, q.value);
        q.question->ended(q.question, &answer);
}

static void module_refuse(enum key_code code)
{
        struct module_question q = take_question(0);
        struct key_message answer = {.command = KEY_COMMAND_VERIFY_PIN, .code = code};
        q.question->ended(q.question, &answer);
}

static void module_say_nothing(void)
{
        struct module_question q = take_question(0);
        q.question->ended(q.question, NULL);
}

/* ---- the world ----------------------------------------------------------------------------------------- */

struct asker {
        struct session_entry entry;
        int answers, silences;
        char de39[3];
        struct iso_message answer;
};

static struct reference *reference, *changed, *moved;
static struct memory_database *database;
static struct ledger *memory;
static struct token_key *token_key;
static struct service *service;
static struct key_rings *rings;
static struct session_keys keys;
static struct asker askers[ASKERS];
static struct iso_message request;
static uint8_t token[TOKEN_LENGTH];
static int64_t now_ms;

static int64_t on_clock(void *context)
{
        (void)context;
        return now_ms;
}

static void on_relief(void *context)
{
        (void)context;
}

static void on_answered(struct session_entry *entry, struct iso_message *answer)
{
        struct asker *asker = (struct asker *)entry;
        asker->answers += answer != NULL;
        asker->silences += answer == NULL;
        asker->de39[0] = '\0';
        if (!answer)
                return;
        ck_assert(iso_copy(answer, 39, asker->de39, sizeof(asker->de39)));
        ck_assert(!iso_has(answer, 52));
        asker->answer = *answer;
}

static void put_key(enum key_owner owner_kind, const char *owner, enum key_set_kind kind, int number,
                    enum key_purpose purpose, const char *block)
{
        struct key_row row = {.owner_kind = owner_kind,
                              .owner = owner,
                              .kind = kind,
                              .number = number,
                              .state = KEY_SET_CURRENT,
                              .purpose = purpose,
                              .block = block,
                              .check_value = "0123456789"};
        ck_assert(key_rings_put(rings, &row));
}

static void put_terminal(enum key_set_state state)
{
        struct key_row row = {.owner_kind = KEY_OWNER_TERMINAL,
                              .owner = TERMINAL,
                              .kind = KEY_SET_WORKING,
                              .number = PIN_SET,
                              .state = state,
                              .purpose = KEY_PURPOSE_PIN,
                              .block = "D0016P0AB00E0000p",
                              .check_value = "0123456789"};
        ck_assert(key_rings_put(rings, &row));
}

/* Two issuers without a link; the first one's cards have their prefix, or, where it is `moved`, the second one's. */
static struct reference *make_reference(int64_t version, const char *owner)
{
        static const char *const issuers[] = {"HOUSE", "OTHER"};
        char error[REFERENCE_ERROR_MAX];
        struct reference *r = reference_new();
        ck_assert_ptr_nonnull(r);
        for (size_t i = 0; i < COUNT(issuers); i++) {
                struct issuer issuer = {
                    .hours = {{0, 1440}, {0, 1440}}, .pin_method = PIN_PVV, .pin_tries_max = TRIES_MAX};
                strcpy(issuer.issuer, issuers[i]);
                ck_assert(reference_add_issuer(r, &issuer, error));
                for (int band = 0; band < BAND_COUNT; band++) {
                        struct tariff tariff = {"", (enum band)band, 0, 100, 100};
                        strcpy(tariff.issuer, issuers[i]);
                        ck_assert(reference_add_tariff(r, &tariff, error));
                }
        }
        ck_assert(reference_add_prefix(r, "990001", 0, owner, CARD_CASH, error));
        ck_assert(reference_add_hall(r, &(struct hall){"H1", "kanto", "Tokyo", {0, 1440}, 0}, error));
        ck_assert(reference_add_atm(r, TERMINAL, "H1", true, error));
        ck_assert(reference_add_tax_rate(r, &(struct tax_rate){0, 800, TAX_DOWN}, error));
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                ck_assert(reference_add_network_hours(
                    r, &(struct network_hours){0, (enum day_kind)kind, {0, 1440}}, error));
        reference_set_moments(r, now_ms - INT64_C(300) * DAY_MS, now_ms + INT64_C(300) * DAY_MS);
        reference_set_version(r, version);
        ck_assert_msg(reference_finish(r, error), "%s", error);
        return r;
}

static void set_up(void)
{
        struct service_settings settings = {.clock = clock_real,
                                            .skew_limit_ms = 300000,
                                            .request_timeout_ms = TIMEOUT_MS,
                                            .guesses = {GUESSES_MAX, 1000000},
                                            .open_max = 8,
                                            .open_resume = 4};
        struct service_shell shell = {on_clock, on_clock, on_relief, NULL};
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment(BUSINESS, &now_ms));
        reference = make_reference(1, "HOUSE");
        changed = make_reference(2, "HOUSE");
        moved = make_reference(3, "OTHER");
        token_key = token_key_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        token_of_pan(token_key, PAN, token);
        database = memory_database_new(reference);
        memory_add_card(database, token, "3012", CARD_CASH);
        memory_add_account(database, token, 1000000);
        memory_set_pin(database, token, "1234");
        memory = ledger_mem_new(database, &(struct ledger_mem_options){
                                              .queue_max = 64, .batch_max = 16, .times = {.wait_ms = 90000}});
        service = service_new(&settings, &shell, memory, token_key);
        ck_assert_ptr_nonnull(service);
        rings = key_rings_new();
        put_terminal(KEY_SET_CURRENT);
        put_key(KEY_OWNER_ISSUER, "HOUSE", KEY_SET_VERIFICATION, 12, KEY_PURPOSE_VERIFICATION,
                "D0016V2TC00E0000v");
        put_key(KEY_OWNER_ISSUER, "OTHER", KEY_SET_VERIFICATION, 1, KEY_PURPOSE_VERIFICATION,
                "D0016V2TC00E0000w");
        keys = (struct session_keys){.rings = rings, .ask = module_ask, .drop = module_drop};
        service_set_keys(service, &keys);
        memset(&module, 0, sizeof(module));
        memset(askers, 0, sizeof(askers));
        for (size_t i = 0; i < ASKERS; i++) {
                strcpy(askers[i].entry.terminal, TERMINAL);
                askers[i].entry.on_answered = on_answered;
                ck_assert(session_index_add(service->sessions, &askers[i].entry));
        }
}

static void tear_down(void)
{
        for (size_t i = 0; i < ASKERS; i++)
                if (askers[i].entry.handle)
                        session_index_remove(service->sessions, &askers[i].entry);
        ledger_free(memory);
        service_free(service);
        key_rings_free(rings);
        memory_database_free(database);
        token_key_free(token_key);
        reference_free(reference);
        reference_free(changed);
        reference_free(moved);
}

/* ---- what an ATM asks ---------------------------------------------------------------------------------- */

/* pin NULL: none. */
static void build(const char *mti, int stan, const char *pin)
{
        char number[8];
        atm_request(&request, mti, TERMINAL, stan, DE7, PAN);
        snprintf(number, sizeof(number), "%d", PIN_SET);
        tags_add(&request, 62, TAG_KEY_SET, number);
        if (pin)
                iso_set(&request, 52, pin, 8);
}

static void submit(int i)
{
        struct iso_error error;
        askers[i].de39[0] = '\0';
        ck_assert(service_submit(service, &askers[i].entry, profile_find(request.mti), &request, &error));
}

static void go_on(void)
{
        do {
                ledger_mem_drain(memory);
                while (module.count > 0)
                        module_answer(0);
        } while (ledger_mem_stage(memory) != LEDGER_MEM_IDLE);
}

/* DE 39; "": silence. */
static const char *ask(const char *mti, int stan, const char *pin)
{
        build(mti, stan, pin);
        submit(0);
        go_on();
        return askers[0].de39;
}

static const char *inquire(const char *mti, int stan, const char *pin)
{
        build(mti, stan, pin);
        iso_set_string(&request, 3, "310000");
        iso_unset(&request, 4);
        submit(0);
        go_on();
        return askers[0].de39;
}

static int tries(void)
{
        return memory_card(database, token)->pin_tries;
}

/* Kinds of what became of PINs, in their order. */
static const char *events(void)
{
        static char text[256];
        const struct memory_card *card = memory_card(database, token);
        text[0] = '\0';
        for (size_t i = 0; i < card->pin_event_count; i++) {
                strcat(text, i ? " " : "");
                strcat(text, card->pin_events[i].kind);
        }
        return text;
}

static size_t withdrawals(void)
{
        return HASH_COUNT(database->withdrawals);
}

/* Nothing of any PIN is left, in transactions that are over. */
static void assert_over(void)
{
        ck_assert_uint_eq(service->pool.taken, 0);
        ck_assert_uint_eq(service->waiting, 0);
        const struct txn *txn;
        TAILQ_FOREACH(txn, &service->pool.free, entry)
        {
                const uint8_t *bytes = (const uint8_t *)&txn->pin;
                for (size_t i = 0; i < sizeof(txn->pin); i++)
                        ck_assert_int_eq(bytes[i], 0);
                for (size_t i = 0; i < sizeof(txn->op.request.pin_value); i++)
                        ck_assert_int_eq(txn->op.request.pin_value[i], 0);
        }
}

/* ---- right, wrong, none -------------------------------------------------------------------------------- */

START_TEST(the_module_is_asked_before_the_ledger_and_a_right_pin_is_approved)
{
        build("0200", 1, RIGHT);
        submit(0);
        ck_assert_int_eq(module.count, 1);
        ck_assert_int_eq(ledger_mem_stage(memory), LEDGER_MEM_IDLE);
        ck_assert_int_eq(TAILQ_FIRST(&service->open)->state, TXN_VERIFYING);
        ck_assert_int_eq(module.key, 'p');
        ck_assert_int_eq(module.verification, 'v');
        ck_assert_int_eq(module.index, '2'); /* of set 12 */
        ck_assert_str_eq(module.formats, "03");
        ck_assert_str_eq(module.pan, PAN);
        go_on();
        ck_assert_str_eq(askers[0].de39, "00");
        ck_assert_str_eq(events(), "");
        assert_over();
}
END_TEST

START_TEST(wrong_ones_are_counted_until_the_card_is_blocked_and_a_right_one_clears)
{
        ck_assert_str_eq(ask("0200", 1, WRONG), "55");
        ck_assert_str_eq(ask("0200", 2, WRONG), "55");
        ck_assert_str_eq(ask("0200", 3, RIGHT), "00");
        ck_assert_int_eq(tries(), 0);
        for (int i = 0; i < TRIES_MAX; i++)
                ck_assert_str_eq(ask("0200", 4 + i, WRONG), "55");
        ck_assert_str_eq(ask("0200", 8, RIGHT), "75");
        ck_assert_int_eq(tries(), TRIES_MAX);
        ck_assert(memory_card_unblock(database, token));
        ck_assert_str_eq(ask("0200", 9, RIGHT), "00");
        ck_assert_str_eq(events(), "wrong wrong right wrong wrong wrong unblocked");
        assert_over();
}
END_TEST

START_TEST(without_one_nothing_is_asked_and_the_ledger_refuses_it)
{
        ck_assert_str_eq(ask("0200", 1, NULL), "55");
        ck_assert_str_eq(inquire("0200", 2, NULL), "55");
        service_set_keys(service, NULL); /* as one of a terminal that has no keys */
        ck_assert_str_eq(ask("0200", 3, RIGHT), "55");
        ck_assert_int_eq(module.asked, 0);
        ck_assert_int_eq(tries(), 0);
        ck_assert_str_eq(events(), "unverified unverified unverified");
        assert_over();
}
END_TEST

START_TEST(a_block_that_is_not_in_order_is_refused_and_not_counted)
{
        for (int i = 0; i < GUESSES_MAX; i++)
                ck_assert_str_eq(ask("0200", 1 + i, UNREADABLE), "55");
        ck_assert_int_eq(module.asked, GUESSES_MAX);
        /* of that terminal none is looked at for a while, in order or not */
        ck_assert_str_eq(ask("0200", 8, UNREADABLE), "55");
        ck_assert_str_eq(ask("0200", 9, RIGHT), "55");
        ck_assert_int_eq(module.asked, GUESSES_MAX);
        ck_assert_int_eq(tries(), 0);
        ck_assert_uint_eq(service->count.unreadable_pins, GUESSES_MAX + 2);
        now_ms += 2000000;
        build("0200", 10, RIGHT);
        iso_set_string(&request, 7, "1229033320");
        submit(0);
        go_on();
        ck_assert_str_eq(askers[0].de39, "00");
        assert_over();
}
END_TEST

/* With a card blocked after three it takes several to come so far; here one person unblocks one. Refusals that are told again are no tries. */
START_TEST(a_terminal_that_tries_pins_is_not_listened_to)
{
        for (int i = 0; i < GUESSES_MAX; i++) {
                ck_assert(tries() == 0 || memory_card_unblock(database, token));
                ck_assert_str_eq(i % 2 ? inquire("0200", 1 + i, WRONG) : ask("0200", 1 + i, WRONG), "55");
                ck_assert_str_eq(i % 2 ? inquire("0201", 1 + i, WRONG) : ask("0201", 1 + i, WRONG), "55");
                if (i == 0)
                        ck_assert_str_eq(ask("0200", 20, RIGHT), "00");
        }
        ck_assert_int_eq(module.asked, GUESSES_MAX + 1);
        ck_assert(memory_card_unblock(database, token));
        ck_assert_str_eq(ask("0200", 8, RIGHT), "55");
        ck_assert_str_eq(ask("0200", 9, WRONG), "55");
        ck_assert_int_eq(module.asked, GUESSES_MAX + 1);
        ck_assert_int_eq(tries(), 0);
        now_ms += 2000000;
        build("0200", 10, RIGHT);
        iso_set_string(&request, 7, "1229033320");
        submit(0);
        go_on();
        ck_assert_str_eq(askers[0].de39, "00");
        assert_over();
}
END_TEST

static const struct {
        const char *name, *pan, *processing;
        const char *de39;
} beforehand_rows[] = {
    {"a prefix of nobody", "9900990000000001", "010000", "92"},
    {"no such thing", PAN, "020000", "12"},
    {"no amount", PAN, "010000", "13"},
};

START_TEST(what_is_refused_beforehand_has_no_pin_looked_at)
{
        build("0200", 1, WRONG);
        iso_set_string(&request, 2, beforehand_rows[_i].pan);
        iso_set_string(&request, 3, beforehand_rows[_i].processing);
        if (_i == 2)
                iso_set_number(&request, 4, 500, 12);
        submit(0);
        go_on();
        ck_assert_str_eq(askers[0].de39, beforehand_rows[_i].de39);
        ck_assert_int_eq(module.asked, 0);
        ck_assert_str_eq(events(), "");
        assert_over();
}
END_TEST

/* ---- repeats ------------------------------------------------------------------------------------------- */

static const char *const repeat_mtis[] = {"0200", "0201"};

START_TEST(a_repeat_hears_what_was_decided_and_counts_nothing)
{
        bool says_so = _i % 2, is_inquiry = _i / 2;
        const char *(*asked)(const char *, int, const char *) = is_inquiry ? inquire : ask;
        ck_assert_str_eq(asked("0200", 1, WRONG), "55");
        ck_assert_str_eq(asked("0200", 2, RIGHT), "00");
        ck_assert_str_eq(asked("0200", 3, WRONG), "55");
        struct iso_message first = askers[0].answer;
        int before = module.asked;
        ck_assert_str_eq(asked(repeat_mtis[says_so], 1, WRONG), "55");
        ck_assert_str_eq(asked(repeat_mtis[says_so], 2, WRONG), "00"); /* another PIN is no contradiction */
        ck_assert_str_eq(asked(repeat_mtis[says_so], 3, RIGHT), "55");
        ck_assert_str_eq(askers[0].answer.mti, first.mti);
        ck_assert_int_eq(tries(), 1);
        if (says_so) /* the ledger was asked first */
                ck_assert_int_eq(module.asked, before);
        ck_assert_str_eq(events(), "wrong right wrong");
        assert_over();
}
END_TEST

START_TEST(a_repeat_whose_original_never_came_is_verified_and_counted_once)
{
        bool is_inquiry = _i;
        const char *(*asked)(const char *, int, const char *) = is_inquiry ? inquire : ask;
        ck_assert_str_eq(asked("0201", 1, WRONG), "55");
        ck_assert_str_eq(asked("0201", 2, RIGHT), "00");
        ck_assert_str_eq(asked("0201", 3, NULL), "55");
        ck_assert_int_eq(module.asked, 2);
        ck_assert_str_eq(asked("0201", 1, WRONG), "55");
        ck_assert_str_eq(asked("0201", 2, RIGHT), "00");
        ck_assert_int_eq(module.asked, 2);
        ck_assert_str_eq(events(), "wrong right unverified");
        assert_over();
}
END_TEST

/* What it has already taken of its limit, only who knows the PIN is to learn. */
START_TEST(the_look_for_a_repeat_says_nothing_that_ranks_after_its_pin)
{
        memory_card(database, token)->balance_yen = 0;
        ck_assert_str_eq(ask("0201", 1, WRONG), "55");
        ck_assert_int_eq(tries(), 1);
        ck_assert_str_eq(ask("0201", 2, RIGHT), "51");
        ck_assert_str_eq(events(), "wrong right");
}
END_TEST

/* Two copies at once, on two connections: whoever comes second finds what the first has decided. */
START_TEST(two_copies_under_way_at_once_count_once)
{
        build("0200", 1, WRONG);
        submit(0);
        build(repeat_mtis[_i], 1, WRONG);
        submit(1);
        go_on();
        ck_assert_str_eq(askers[0].de39, "55");
        ck_assert_str_eq(askers[1].de39, "55");
        ck_assert_int_eq(tries(), 1);
        ck_assert_uint_eq(withdrawals(), 1);
        assert_over();
}
END_TEST

START_TEST(an_inquiry_is_decided_once_and_its_repeat_hears_the_balance_of_then)
{
        char first[121], again[121];
        ck_assert_str_eq(inquire("0200", 1, RIGHT), "00");
        ck_assert(iso_copy(&askers[0].answer, 54, first, sizeof(first)));
        ck_assert_str_eq(ask("0200", 2, RIGHT), "00");
        ck_assert_str_eq(inquire("0201", 1, RIGHT), "00");
        ck_assert(iso_copy(&askers[0].answer, 54, again, sizeof(again)));
        ck_assert_str_eq(first, again);
}
END_TEST

/* ---- the module --------------------------------------------------------------------------------------- */

static void go_away(void)
{
        module.away = true;
}

static void no_verification_key(void)
{
        struct key_row row = {.owner_kind = KEY_OWNER_ISSUER,
                              .owner = "HOUSE",
                              .kind = KEY_SET_VERIFICATION,
                              .number = 12,
                              .state = KEY_SET_RETIRED};
        ck_assert(key_rings_put(rings, &row));
}

static void retire_terminals(void)
{
        put_terminal(KEY_SET_RETIRED);
}

static void nothing(void)
{
}

static const struct {
        const char *name;
        void (*before)(void);
        enum key_code code; /* of the answer; GOOD: there is none */
} outages[] = {
    {"away", go_away, KEY_CODE_GOOD},
    {"silent", nothing, KEY_CODE_GOOD},
    {"can't use the key", nothing, KEY_CODE_KEY_USAGE},
    {"failed", nothing, KEY_CODE_FAILED},
    {"no key of the issuer's", no_verification_key, KEY_CODE_GOOD},
    {"the set was retired meanwhile", retire_terminals, KEY_CODE_GOOD},
};

/* Set _i / 2; an inquiry where it is odd. */
START_TEST(without_its_answer_nothing_is_decided_and_the_atm_hears_nothing)
{
        outages[_i / 2].before();
        build("0200", 1, RIGHT);
        if (_i % 2)
                iso_set_string(&request, 3, "310000");
        submit(0);
        if (module.count > 0 && outages[_i / 2].code != KEY_CODE_GOOD)
                module_refuse(outages[_i / 2].code);
        else if (module.count > 0)
                module_say_nothing();
        ledger_mem_drain(memory);
        ck_assert_int_eq(askers[0].silences, 1);
        ck_assert_int_eq(askers[0].answers, 0);
        ck_assert_uint_eq(withdrawals(), 0);
        ck_assert_str_eq(events(), "");
        ck_assert_uint_eq(service->count.without_pin, 1);
        assert_over();
        module.away = false; /* and once it is there again: */
        put_terminal(KEY_SET_CURRENT);
        put_key(KEY_OWNER_ISSUER, "HOUSE", KEY_SET_VERIFICATION, 13, KEY_PURPOSE_VERIFICATION,
                "D0016V2TC00E0000v");
        ck_assert_str_eq(_i % 2 ? inquire("0201", 1, RIGHT) : ask("0201", 1, RIGHT), "00");
}
END_TEST

START_TEST(answers_in_any_order_belong_to_their_requests)
{
        static const struct {
                const char *pin, *de39;
        } rows[] = {{RIGHT, "00"}, {WRONG, "55"}, {UNREADABLE, "55"}, {RIGHT, "00"}};
        static const int orders[][COUNT(rows)] = {{0, 0, 0, 0}, {3, 2, 1, 0}, {1, 2, 0, 0}, {2, 0, 1, 0}};
        for (int i = 0; i < (int)COUNT(rows); i++) {
                build("0200", 1 + i, rows[i].pin);
                submit(i);
        }
        ck_assert_int_eq(module.count, (int)COUNT(rows));
        for (int i = 0; i < (int)COUNT(rows); i++) {
                module_answer(orders[_i][i]);
                ledger_mem_drain(memory);
        }
        for (int i = 0; i < (int)COUNT(rows); i++)
                ck_assert_str_eq(askers[i].de39, rows[i].de39);
        assert_over();
}
END_TEST

START_TEST(an_answer_after_the_time_limit_decides_nothing)
{
        build("0200", 1, RIGHT);
        submit(0);
        now_ms += TIMEOUT_MS;
        service_tick(service);
        ck_assert_int_eq(askers[0].silences, 1);
        go_on();
        ck_assert_int_eq(askers[0].answers, 0);
        ck_assert_uint_eq(withdrawals(), 0);
        assert_over();
}
END_TEST

/* Its ATM has gone, and comes again: here or elsewhere. */
START_TEST(nobody_is_decided_for_who_has_gone_meanwhile)
{
        build(repeat_mtis[_i], 1, WRONG);
        submit(0);
        ledger_mem_drain(memory);
        ck_assert_int_eq(module.count, 1);
        service_leave(service, &askers[0].entry);
        session_index_remove(service->sessions, &askers[0].entry);
        go_on();
        ck_assert_int_eq(askers[0].answers + askers[0].silences, 0);
        ck_assert_uint_eq(withdrawals(), 0);
        ck_assert_str_eq(events(), "");
        assert_over();
}
END_TEST

/* ---- reference data that change meanwhile -------------------------------------------------------------- */

START_TEST(a_decision_made_anew_has_the_value_already)
{
        bool is_wrong = _i;
        build("0200", 1, is_wrong ? WRONG : RIGHT);
        submit(0);
        memory_set_reference(database, changed);
        module_answer(0);
        ledger_mem_drain(memory);
        ledger_mem_poll(memory);
        service_tick(service);
        ck_assert_int_eq(module.count, 0);
        ledger_mem_drain(memory);
        ck_assert_str_eq(askers[0].de39, is_wrong ? "55" : "00");
        ck_assert_int_eq(module.asked, 1);
        ck_assert_int_eq(tries(), is_wrong);
        ck_assert_uint_ge(service->count.stale, 1);
        assert_over();
}
END_TEST

START_TEST(an_unreadable_block_is_not_asked_about_twice)
{
        build("0200", 1, UNREADABLE);
        submit(0);
        memory_set_reference(database, changed);
        module_answer(0);
        ledger_mem_drain(memory);
        ledger_mem_poll(memory);
        service_tick(service);
        go_on();
        ck_assert_str_eq(askers[0].de39, "55");
        ck_assert_int_eq(module.asked, 1);
        assert_over();
}
END_TEST

START_TEST(a_value_that_another_issuers_key_has_made_is_made_anew)
{
        build("0200", 1, "PIN=0234");
        submit(0);
        memory_set_reference(database, moved);
        module_answer(0);
        ledger_mem_drain(memory);
        ledger_mem_poll(memory);
        service_tick(service);
        ck_assert_int_eq(module.count, 1);
        ck_assert_int_eq(module.verification, 'w');
        go_on();
        ck_assert_str_eq(askers[0].de39, "00"); /* which that key makes 1234 of */
        assert_over();
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("PINs");
        TCase *t = tcase_create("PINs");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, the_module_is_asked_before_the_ledger_and_a_right_pin_is_approved);
        tcase_add_test(t, wrong_ones_are_counted_until_the_card_is_blocked_and_a_right_one_clears);
        tcase_add_test(t, without_one_nothing_is_asked_and_the_ledger_refuses_it);
        tcase_add_test(t, a_block_that_is_not_in_order_is_refused_and_not_counted);
        tcase_add_test(t, a_terminal_that_tries_pins_is_not_listened_to);
        tcase_add_loop_test(t, what_is_refused_beforehand_has_no_pin_looked_at, 0, COUNT(beforehand_rows));
        suite_add_tcase(s, t);

        t = tcase_create("repeats");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, a_repeat_hears_what_was_decided_and_counts_nothing, 0, 4);
        tcase_add_loop_test(t, a_repeat_whose_original_never_came_is_verified_and_counted_once, 0, 2);
        tcase_add_test(t, the_look_for_a_repeat_says_nothing_that_ranks_after_its_pin);
        tcase_add_loop_test(t, two_copies_under_way_at_once_count_once, 0, COUNT(repeat_mtis));
        tcase_add_test(t, an_inquiry_is_decided_once_and_its_repeat_hears_the_balance_of_then);
        suite_add_tcase(s, t);

        t = tcase_create("module");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, without_its_answer_nothing_is_decided_and_the_atm_hears_nothing, 0,
                            2 * COUNT(outages));
        tcase_add_loop_test(t, answers_in_any_order_belong_to_their_requests, 0, 4);
        tcase_add_test(t, an_answer_after_the_time_limit_decides_nothing);
        tcase_add_loop_test(t, nobody_is_decided_for_who_has_gone_meanwhile, 0, COUNT(repeat_mtis));
        suite_add_tcase(s, t);

        t = tcase_create("reference data");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, a_decision_made_anew_has_the_value_already, 0, 2);
        tcase_add_test(t, an_unreadable_block_is_not_asked_about_twice);
        tcase_add_test(t, a_value_that_another_issuers_key_has_made_is_made_anew);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        return suite_run(suite());
}
