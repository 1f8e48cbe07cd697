/*
 * One ATM's dialogue where its terminal has keys: nothing is read under a wrong MAC, nothing leaves without a right one, and whatever becomes of the key
 * module meanwhile, a withdrawal is decided once. The ledger is the one in memory. The key module stands in a list here, so that a test says when, and
 * whether, it answers; what it answers is computed as in the real one.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "daemon/service.h"
#include "daemon/session.h"
#include "keymodule/crypto/mac.h"
#include "lib/base/log.h"
#include "protocol/iso_mac.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tests/ledger_mem/ledger_mem.h"
#include "tests/suite.h"
#include "tests/unit/atm_request.h"
#include "tests/unit/token_key.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAN          "9900010000000001"
#define TERMINAL     "T0000001" /* has keys */
#define KEYLESS      "T0000002"
#define BUSINESS     "2016-12-29T12:00:00+09:00"
#define DE7          "1229030000"

enum { SENT_MAX = 32, WRONG_MAX = 3 };

/* ---- the key module ------------------------------------------------------------------------------------ */

/* A key block of the tests says by its last character which key it would hold. */
static struct cipher_key key_of(const char *block, size_t length)
{
        struct cipher_key key = {CIPHER_AES, 16, {0}};
        memset(key.bytes, block[length - 1], 16);
        return key;
}

static struct {
        bool away;
        struct key_question *question; /* one, since a session asks one thing at a time */
        enum key_command command;
        enum key_code code;
        char padding;
        uint8_t mac[CIPHER_BLOCK_MAX];
        int asked, dropped;
} module;

static bool module_ask(void *context, struct key_question *question, const struct key_message *message)
{
        const struct key_value *block = &message->value[KEY_FIELD_KEY],
                               *data = &message->value[KEY_FIELD_DATA];
        const struct cipher_key key = key_of((const char *)block->bytes, block->length);
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        (void)context;
        if (module.away)
                return false;
        ck_assert_uint_gt(key_request_write(message, frame), 0);
        ck_assert_ptr_null(module.question);
        /* M6, and the mode of use that its direction has */
        ck_assert_mem_eq(block->bytes + 5, "M", 1);
        ck_assert_int_eq(block->bytes[8], message->command == KEY_COMMAND_CHECK_MAC ? 'V' : 'G');
        module.question = question;
        module.command = message->command;
        module.padding = key_message_char(message, KEY_FIELD_PADDING);
        mac_cmac(&key, data->bytes, data->length, module.mac);
        module.code = message->command == KEY_COMMAND_MAKE_MAC ||
                              mac_is_same(module.mac, message->value[KEY_FIELD_MAC].bytes, ISO_MAC_LENGTH)
                          ? KEY_CODE_GOOD
                          : KEY_CODE_MAC;
        module.asked++;
        return true;
}

static void module_drop(void *context, struct key_question *question)
{
        (void)context;
        ck_assert_ptr_eq(question, module.question);
        module.question = NULL;
        module.dropped++;
}

static bool module_is_asked(enum key_command command)
{
        return module.question && module.command == command;
}

static void module_end(const struct key_message *answer)
{
        struct key_question *question = module.question;
        ck_assert_ptr_nonnull(question);
        module.question = NULL;
        question->ended(question, answer);
}

static void module_answer(void)
{
        struct key_message answer = {.command = module.command, .code = module.code};
        if (module.command == KEY_COMMAND_MAKE_MAC)
                key_message_set(&answer, KEY_FIELD_MAC, module.mac, ISO_MAC_LENGTH);
        module_end(&answer);
}

/* ---- who reads the keys anew --------------------------------------------------------------------------- */

static struct key_reader *reader; /* one session's, that waits */
static int reads, forgotten;

static void read_keys(void *context, struct key_reader *asking)
{
        (void)context;
        ck_assert_ptr_null(reader);
        reader = asking;
        reads++;
}

static void forget_reader(void *context, struct key_reader *asking)
{
        (void)context;
        ck_assert_ptr_eq(reader, asking);
        reader = NULL;
        forgotten++;
}

static void end_read(bool is_read)
{
        struct key_reader *ended = reader;
        ck_assert_ptr_nonnull(ended);
        reader = NULL;
        ended->ended(ended, is_read);
}

/* ---- the world ----------------------------------------------------------------------------------------- */

struct peer {
        struct session session;
        struct iso_message sent[SENT_MAX];
        uint8_t bytes[ISO_MESSAGE_MAX]; /* of the last one */
        size_t length;
        int sent_count, closes;
        bool paused;
        enum session_end end;
};

static struct reference *reference;
static struct memory_database *database;
static struct ledger *memory;
static struct token_key *token_key;
static struct service *service;
static struct key_rings *rings;
static struct session_keys keys;
static struct session_env env;
static struct peer peers[3];
static struct iso_message request;
static int64_t now_ms;
static char used[64];
static const char *pin_tag; /* PB of what is sent, or NULL */

static void peer_send(void *context, const uint8_t *message, size_t length)
{
        struct peer *peer = context;
        struct iso_error error;
        ck_assert_int_eq(peer->closes, 0);
        ck_assert_int_lt(peer->sent_count, SENT_MAX);
        ck_assert_int_eq(
            iso_decode(&iso_dialect_ascii, message, length, &peer->sent[peer->sent_count++], &error), 0);
        memcpy(peer->bytes, message, length);
        peer->length = length;
}

static void peer_close(void *context, enum session_end end, const char *reason)
{
        struct peer *peer = context;
        (void)reason;
        peer->closes++;
        peer->end = end;
}

static void peer_pause(void *context)
{
        struct peer *peer = context;
        ck_assert(!peer->paused);
        peer->paused = true;
}

static void peer_resume(void *context)
{
        struct peer *peer = context;
        ck_assert(peer->paused);
        peer->paused = false;
}

static const struct session_ops ops = {peer_send, peer_close, peer_pause, peer_resume};

static int64_t on_clock(void *context)
{
        (void)context;
        return now_ms;
}

static void on_relief(void *context)
{
        (void)context;
}

static void on_used(void *context, enum key_owner owner_kind, const char *owner, int number)
{
        (void)context;
        ck_assert_int_eq(owner_kind, KEY_OWNER_TERMINAL);
        snprintf(used, sizeof(used), "%s %d", owner, number);
}

/* handover: the characters that stand in its blocks; NULL: it is not on offer. */
static void put_offer(int number, enum key_set_state state, const char *up, const char *down,
                      const char *handover)
{
        struct key_row row = {.owner_kind = KEY_OWNER_TERMINAL,
                              .owner = TERMINAL,
                              .kind = KEY_SET_WORKING,
                              .number = number,
                              .state = state,
                              .check_value = "0123456789"};
        char wrapped[400];
        const struct {
                enum key_purpose purpose;
                const char *block;
        } blocks[] = {
            {KEY_PURPOSE_PIN, "D0016P0AD00E0000p"}, {KEY_PURPOSE_MAC_UP, up}, {KEY_PURPOSE_MAC_DOWN, down}};
        for (size_t i = 0; i < COUNT(blocks); i++) {
                row.purpose = blocks[i].purpose;
                row.block = blocks[i].block;
                snprintf(wrapped, sizeof(wrapped), "%s %s", key_purpose_name[row.purpose],
                         handover ? handover : "");
                row.handover = handover ? wrapped : NULL;
                ck_assert(key_rings_put(rings, &row));
        }
}

static void put_set(int number, enum key_set_state state, const char *up, const char *down)
{
        put_offer(number, state, up, down, NULL);
}

static void make_reference(void)
{
        char error[REFERENCE_ERROR_MAX];
        int64_t now = now_ms;
        reference = reference_new();
        ck_assert(reference_add_issuer(
            reference, &(struct issuer){"HOUSE", "", {{0, 1440}, {0, 1440}}, PIN_NONE, 3}, error));
        ck_assert(reference_add_prefix(reference, "990001", 0, "HOUSE", CARD_CASH, error));
        ck_assert(reference_add_hall(reference, &(struct hall){"H1", "kanto", "Tokyo", {0, 1440}, 0}, error));
        ck_assert(reference_add_atm(reference, TERMINAL, "H1", true, error));
        ck_assert(reference_add_atm(reference, KEYLESS, "H1", true, error));
        for (int band = 0; band < BAND_COUNT; band++)
                ck_assert(reference_add_tariff(
                    reference, &(struct tariff){"HOUSE", (enum band)band, 0, 100, 100}, error));
        ck_assert(reference_add_tax_rate(reference, &(struct tax_rate){0, 800, TAX_DOWN}, error));
        for (int kind = 0; kind < DAY_KIND_COUNT; kind++)
                ck_assert(reference_add_network_hours(
                    reference, &(struct network_hours){0, (enum day_kind)kind, {0, 1440}}, error));
        reference_set_moments(reference, now - INT64_C(300) * DAY_MS, now + INT64_C(300) * DAY_MS);
        reference_set_version(reference, 1);
        ck_assert_msg(reference_finish(reference, error), "%s", error);
}

static void set_up(void)
{
        struct service_settings settings = {.clock = clock_real,
                                            .skew_limit_ms = 300000,
                                            .request_timeout_ms = 20000,
                                            .open_max = 8,
                                            .open_resume = 4};
        struct service_shell shell = {on_clock, on_clock, on_relief, NULL};
        uint8_t token[TOKEN_LENGTH];
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment(BUSINESS, &now_ms));
        make_reference();
        token_key = token_key_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        token_of_pan(token_key, PAN, token);
        database = memory_database_new(reference);
        memory_add_card(database, token, "3012", CARD_CASH);
        memory_add_account(database, token, 1000000);
        memory = ledger_mem_new(database, &(struct ledger_mem_options){
                                              .queue_max = 64, .batch_max = 16, .times = {.wait_ms = 90000}});
        service = service_new(&settings, &shell, memory, token_key);
        rings = key_rings_new();
        put_set(1, KEY_SET_CURRENT, "D0016M6AV00E0000u", "D0016M6AG00E0000d");
        keys = (struct session_keys){.rings = rings,
                                     .used = on_used,
                                     .ask = module_ask,
                                     .drop = module_drop,
                                     .read = read_keys,
                                     .forget = forget_reader,
                                     .wrong_max = WRONG_MAX};
        service_set_keys(service, &keys);
        reader = NULL;
        reads = forgotten = 0;
        env = (struct session_env){.service = service, .keys = &keys};
        memset(peers, 0, sizeof(peers));
        memset(&module, 0, sizeof(module));
        used[0] = '\0';
        pin_tag = NULL;
}

static void tear_down(void)
{
        for (size_t i = 0; i < COUNT(peers); i++)
                if (peers[i].session.entry.handle)
                        session_closed(&peers[i].session);
        ck_assert_ptr_null(module.question);
        ck_assert_ptr_null(reader);
        ledger_free(memory);
        service_free(service);
        key_rings_free(rings);
        memory_database_free(database);
        token_key_free(token_key);
        reference_free(reference);
}

static struct peer *connect_as(int i, const char *name)
{
        ck_assert(session_open(&peers[i].session, &env, &ops, &peers[i], name));
        return &peers[i];
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static void build(const char *mti, int stan)
{
        atm_request(&request, mti, TERMINAL, stan, DE7, PAN);
        if (iso_has(&request, 2))
                iso_set_string(&request, 52, "PINBLOCK");
}

static void build_network(int code, int stan)
{
        build("0800", stan);
        iso_set_number(&request, 70, code, 3);
}

static size_t encode(uint8_t bytes[ISO_MESSAGE_MAX])
{
        struct iso_error error;
        int length = iso_encode(&iso_dialect_ascii, &request, bytes, ISO_MESSAGE_MAX, &error);
        ck_assert_int_gt(length, 0);
        return (size_t)length;
}

/* The request with its MAC, under the set of that number whose key is `key`. */
static size_t seal(uint8_t bytes[ISO_MESSAGE_MAX], const char *set, const char *key)
{
        struct iso_error error;
        size_t covered = 0;
        uint8_t mac[CIPHER_BLOCK_MAX];
        const struct cipher_key clear = key_of(key, 1);
        iso_unset(&request, 62);
        if (*set)
                tags_add(&request, 62, TAG_KEY_SET, set);
        if (pin_tag)
                tags_add(&request, 62, TAG_PIN_BLOCK, pin_tag);
        int length = iso_mac_encode(&iso_dialect_ascii, &request, bytes, ISO_MESSAGE_MAX, &covered, &error);
        ck_assert_int_gt(length, 0);
        mac_cmac(&clear, bytes, covered, mac);
        memcpy(bytes + covered, mac, ISO_MAC_LENGTH);
        return (size_t)length;
}

static void feed_bytes(struct peer *peer, const uint8_t *bytes, size_t length)
{
        ck_assert(!peer->paused);
        session_frame(&peer->session, bytes, length);
}

static void feed(struct peer *peer)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t length = seal(bytes, "1", "u");
        feed_bytes(peer, bytes, length);
}

/* Everything that is asked is answered, until there is nothing more to do. */
static void go_on(void)
{
        do {
                ledger_mem_drain(memory);
                if (reader)
                        end_read(true);
                if (module.question)
                        module_answer();
                ledger_mem_drain(memory);
        } while (module.question);
}

/* The MAC of what was sent last is right, under this set's key. */
static void assert_sealed(const struct peer *peer, const char *set, const char *key)
{
        const struct iso_message *answer = &peer->sent[peer->sent_count - 1];
        const struct cipher_key clear = key_of(key, 1);
        uint8_t mac[CIPHER_BLOCK_MAX];
        size_t covered = 0;
        struct tag tag;
        ck_assert(iso_mac_covered(&iso_dialect_ascii, answer, peer->length, &covered));
        mac_cmac(&clear, peer->bytes, covered, mac);
        ck_assert_mem_eq(mac, peer->bytes + covered, ISO_MAC_LENGTH);
        ck_assert(tags_find(answer, 62, TAG_KEY_SET, &tag));
        ck_assert_uint_eq(tag.length, strlen(set));
        ck_assert_mem_eq(tag.value, set, tag.length);
}

/* DE 39 of the one answer since then; "": there is none. */
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
        go_on();
        if (peer->sent_count > before)
                assert_sealed(peer, "1", "d");
        return answered_since(peer, before);
}

static struct peer *sign_on(int i)
{
        struct peer *peer = connect_as(i, TERMINAL);
        build_network(1, 900000 + i);
        ck_assert_str_eq(ask(peer), "00");
        return peer;
}

static void assert_same_answer(const struct iso_message *a, const struct iso_message *b)
{
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                size_t one = 0, other = 0;
                const char *value = iso_get(a, field, &one), *against = iso_get(b, field, &other);
                if (field == 62 || field == 64)
                        continue;
                ck_assert_msg(!value == !against && one == other && (!value || !memcmp(value, against, one)),
                              "field %d", field);
        }
}

static size_t withdrawals(void)
{
        return HASH_COUNT(database->withdrawals);
}

/* ---- as it should be ----------------------------------------------------------------------------------- */

START_TEST(a_request_is_read_after_its_mac_was_good_and_answered_after_its_commit)
{
        struct peer *peer = sign_on(0);
        int before = peer->sent_count;
        build("0200", 1);
        feed(peer);
        ledger_mem_drain(memory);
        ck_assert(module_is_asked(KEY_COMMAND_CHECK_MAC));
        ck_assert_uint_eq(withdrawals(), 0);
        ck_assert(peer->paused);
        module_answer();
        ck_assert(!module.question);
        ledger_mem_drain(memory);
        /* it is durable before the answer's MAC is asked for, and nothing has left */
        ck_assert_uint_eq(withdrawals(), 1);
        ck_assert(module_is_asked(KEY_COMMAND_MAKE_MAC));
        ck_assert_str_eq(answered_since(peer, before), "");
        ck_assert(peer->paused);
        module_answer();
        ck_assert_str_eq(answered_since(peer, before), "00");
        assert_sealed(peer, "1", "d");
        ck_assert(!peer->paused);
        ck_assert_int_eq(module.padding, '\0');
        /* nothing of either message stays behind */
        for (size_t i = 0; i < sizeof(peer->session.mac.bytes); i++)
                ck_assert_int_eq(peer->session.mac.bytes[i], 0);
}
END_TEST

START_TEST(every_kind_of_message_is_answered_under_a_mac)
{
        static const char *const rows[][2] = {
            {"0800", "00"}, {"0200", "00"}, {"0220", "00"}, {"0420", "00"}, {"0421", "00"}};
        struct peer *peer = sign_on(0);
        for (size_t i = 0; i < COUNT(rows); i++) {
                build(rows[i][0], (int)i);
                if (rows[i][0][1] == '8')
                        iso_set_string(&request, 70, "301");
                ck_assert_str_eq(ask(peer), rows[i][1]);
        }
}
END_TEST

START_TEST(a_terminal_without_keys_needs_no_mac_and_gets_none)
{
        struct peer *peer = connect_as(0, KEYLESS);
        uint8_t bytes[ISO_MESSAGE_MAX];
        for (int sealed = 0; sealed < 2; sealed++) {
                build_network(301, 1);
                iso_set_string(&request, 41, KEYLESS);
                iso_set_string(&request, 62, "whatever");
                size_t length = sealed ? seal(bytes, "1", "u") : encode(bytes);
                int before = peer->sent_count;
                feed_bytes(peer, bytes, length);
                ck_assert_str_eq(answered_since(peer, before), "00");
                ck_assert(!iso_has(&peer->sent[before], 62) && !iso_has(&peer->sent[before], 128));
        }
        ck_assert_int_eq(module.asked, 0);
}
END_TEST

/* ---- PIN blocks ---------------------------------------------------------------------------------------- */

#define PB "000102030405060708090a0b0c0d0E0F"

static const struct {
        const char *name, *mti;
        const char *field, *tag; /* 52, and PB in 62 */
        const char *formats;     /* of the block that the transaction has then; NULL: none */
        const char *block;
        uint8_t length;
} pin_rows[] = {
    {"under TDES", "0200", "PINBLOCK", NULL, "03", "PINBLOCK", 8},
    {"repeated", "0201", "PINBLOCK", NULL, "03", "PINBLOCK", 8},
    {"under AES", "0200", NULL, PB, "4", "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16},
    {"none", "0200", NULL, NULL, NULL, NULL, 0},
    {"in a completion", "0220", "PINBLOCK", NULL, NULL, NULL, 0},
    {"in a reversal", "0420", NULL, PB, NULL, NULL, 0},
};

static void build_with_pin(int row, int stan)
{
        build(pin_rows[row].mti, stan);
        iso_unset(&request, 52);
        if (pin_rows[row].field)
                iso_set_string(&request, 52, pin_rows[row].field);
        pin_tag = pin_rows[row].tag;
}

START_TEST(a_pin_block_is_its_transactions_and_goes_with_it)
{
        struct peer *peer = sign_on(0);
        int before = peer->sent_count;
        struct tag tag;
        build_with_pin(_i, 1);
        feed(peer);
        module_answer();
        const struct txn *txn = TAILQ_FIRST(&service->open);
        ck_assert_ptr_nonnull(txn);
        ck_assert_int_eq(txn_pin_is_there(&txn->pin), pin_rows[_i].formats != NULL);
        if (pin_rows[_i].formats) {
                ck_assert_str_eq(txn->pin.formats, pin_rows[_i].formats);
                ck_assert_int_eq(txn->pin.set, 1);
                ck_assert_uint_eq(txn->pin.length, pin_rows[_i].length);
                ck_assert_mem_eq(txn->pin.block, pin_rows[_i].block, pin_rows[_i].length);
        }
        go_on();
        ck_assert_str_eq(answered_since(peer, before), "00");
        ck_assert(!iso_has(&peer->sent[before], 52));
        ck_assert(!tags_find(&peer->sent[before], 62, TAG_PIN_BLOCK, &tag));
        ck_assert_uint_eq(service->pool.taken, 0);
        for (size_t i = 0; i < sizeof(txn->pin); i++)
                ck_assert_int_eq(((const uint8_t *)&txn->pin)[i], 0);
}
END_TEST

START_TEST(two_pin_blocks_are_a_format_error)
{
        struct peer *peer = sign_on(0);
        build("0200", 1);
        pin_tag = PB;
        ck_assert_str_eq(ask(peer), "30");
        ck_assert_uint_eq(withdrawals(), 0);
        ck_assert_uint_eq(service->pool.taken, 0);
}
END_TEST

START_TEST(a_pin_block_of_another_length_or_form_is_a_format_error)
{
        static const char *const blocks[] = {"000102030405060708090a0b0c0d0e", PB "10", "0123456789abcdef",
                                             "000102030405060708090a0b0c0d0e0x"};
        struct peer *peer = sign_on(0);
        build("0200", 1);
        iso_unset(&request, 52);
        pin_tag = blocks[_i];
        ck_assert_str_eq(ask(peer), "30");
        ck_assert_uint_eq(withdrawals(), 0);
}
END_TEST

START_TEST(of_a_terminal_without_keys_no_pin_block_is_looked_at)
{
        struct peer *peer = connect_as(0, KEYLESS);
        uint8_t bytes[ISO_MESSAGE_MAX];
        build_network(1, 1);
        iso_set_string(&request, 41, KEYLESS);
        feed_bytes(peer, bytes, encode(bytes));
        build("0200", 2);
        iso_set_string(&request, 41, KEYLESS);
        iso_set_string(&request, 62, "whatever");
        feed_bytes(peer, bytes, encode(bytes));
        const struct txn *txn = TAILQ_FIRST(&service->open);
        ck_assert_ptr_nonnull(txn);
        ck_assert(!txn_pin_is_there(&txn->pin));
        ck_assert_ptr_null(memmem(txn, sizeof(*txn), "PINBLOCK", 8));
        go_on();
        ck_assert_int_eq(peer->sent_count, 2);
}
END_TEST

/* ---- as it should not be ------------------------------------------------------------------------------- */

static size_t no_mac(uint8_t *bytes)
{
        iso_set_string(&request, 62, "KS0011");
        return encode(bytes);
}

static size_t no_set(uint8_t *bytes)
{
        return seal(bytes, "", "u");
}

static size_t unknown_set(uint8_t *bytes)
{
        return seal(bytes, "2", "u");
}

static size_t another_key(uint8_t *bytes)
{
        return seal(bytes, "1", "d"); /* of the other direction */
}

static size_t of_another_message(uint8_t *bytes)
{
        uint8_t other[ISO_MESSAGE_MAX];
        size_t length = seal(bytes, "1", "u");
        iso_set_number(&request, 4, 20000, 12);
        ck_assert_uint_eq(seal(other, "1", "u"), length);
        memcpy(bytes + length - ISO_MAC_LENGTH, other + length - ISO_MAC_LENGTH, ISO_MAC_LENGTH);
        return length;
}

/* The same fields with the second bitmap that some always send. */
static size_t written_anew(uint8_t *bytes)
{
        uint8_t narrow[ISO_MESSAGE_MAX];
        size_t length = seal(narrow, "1", "u");
        memcpy(bytes, narrow, 12);
        bytes[4] |= 0x80;
        memset(bytes + 12, 0, 8);
        memcpy(bytes + 20, narrow + 12, length - 12);
        return length + 8;
}

/* The MAC's own bytes are there, what they cover is shorter. */
static size_t truncated(uint8_t *bytes)
{
        uint8_t whole[ISO_MESSAGE_MAX];
        size_t length = seal(whole, "1", "u");
        iso_unset(&request, 52);
        size_t rest = seal(bytes, "1", "u");
        memcpy(bytes + rest - ISO_MAC_LENGTH, whole + length - ISO_MAC_LENGTH, ISO_MAC_LENGTH);
        return rest;
}

static size_t in_the_wrong_field(uint8_t *bytes)
{
        iso_set_string(&request, 62, "KS0011");
        iso_set_string(&request, 128, "12345678");
        return encode(bytes);
}

static size_t (*const wrongs[])(uint8_t *bytes) = {
    no_mac,       no_set,    unknown_set,       another_key, of_another_message,
    written_anew, truncated, in_the_wrong_field};

START_TEST(a_wrong_mac_is_answered_98_and_nothing_comes_of_the_message)
{
        static const char *const mtis[] = {"0200", "0420"};
        struct peer *peer = sign_on(0);
        uint8_t bytes[ISO_MESSAGE_MAX];
        for (size_t i = 0; i < COUNT(mtis); i++) {
                if (i == 1 && wrongs[_i] != no_mac && wrongs[_i] != no_set && wrongs[_i] != unknown_set &&
                    wrongs[_i] != another_key)
                        continue; /* made for a 0200 */
                build(mtis[i], 1);
                size_t length = wrongs[_i](bytes);
                int before = peer->sent_count;
                feed_bytes(peer, bytes, length);
                go_on();
                ck_assert_str_eq(answered_since(peer, before), "98");
                assert_sealed(peer, "1", "d");
                ck_assert(!peer->paused);
                ck_assert_int_eq(peer->closes, 0);
        }
        ck_assert_uint_eq(withdrawals(), 0);
        ck_assert_uint_ge(env.count.wrong_macs, 1);
        /* it stays its ATM's, and is taken once it is right */
        build("0200", 1);
        ck_assert_str_eq(ask(peer), "00");
}
END_TEST

START_TEST(a_connection_ends_after_too_many_in_a_row)
{
        struct peer *peer = sign_on(0);
        uint8_t bytes[ISO_MESSAGE_MAX];
        for (int round = 0; round < 2; round++) {
                for (int i = 1; i < WRONG_MAX + round; i++) {
                        build("0200", i);
                        int before = peer->sent_count;
                        ck_assert_int_eq(peer->closes, 0);
                        feed_bytes(peer, bytes, i % 2 ? another_key(bytes) : no_mac(bytes));
                        go_on();
                        ck_assert_str_eq(answered_since(peer, before), "98");
                }
                build_network(301, 9);
                if (round == 0)
                        ck_assert_str_eq(ask(peer), "00"); /* which begins the count anew */
        }
        ck_assert_int_eq(peer->closes, 1);
        ck_assert_int_eq(peer->end, SESSION_END_MAC);
        session_frame(&peer->session, bytes, seal(bytes, "1", "u"));
        ck_assert_ptr_null(module.question);
}
END_TEST

START_TEST(a_format_error_comes_before_a_wrong_mac_and_that_before_58)
{
        struct peer *peer = connect_as(0, TERMINAL);
        uint8_t bytes[ISO_MESSAGE_MAX];
        build("0200", 1);
        iso_set_string(&request, 49, "840");
        feed_bytes(peer, bytes, no_mac(bytes));
        go_on();
        ck_assert_str_eq(answered_since(peer, 0), "30");
        assert_sealed(peer, "1", "d");
        build("0200", 2);
        iso_set_string(&request, 62, "KS001A");
        feed_bytes(peer, bytes, encode(bytes));
        go_on();
        ck_assert_str_eq(answered_since(peer, 1), "30");
        feed_bytes(peer, bytes, no_mac(bytes));
        go_on();
        ck_assert_str_eq(answered_since(peer, 2), "98");
        build("0200", 3);
        ck_assert_str_eq(ask(peer), "58");
        /* the MAC is the terminal's of the certificate */
        build_network(301, 4);
        iso_set_string(&request, 41, KEYLESS);
        feed_bytes(peer, bytes, another_key(bytes));
        go_on();
        ck_assert_str_eq(answered_since(peer, 4), "98");
        ck_assert_int_eq(peer->closes, 0);
        ck_assert_str_eq(ask(peer), "58");
        ck_assert_int_eq(peer->closes, 1);
        ck_assert_int_eq(peer->end, SESSION_END_TERMINAL);
}
END_TEST

/* ---- the module is away, slow, or can't ---------------------------------------------------------------- */

static void module_goes(void)
{
        if (module.question)
                module_end(NULL);
        module.away = true;
}

static void module_is_slow(void)
{
        module_end(NULL);
}

static void module_cannot(void)
{
        module_end(&(struct key_message){.command = module.command, .code = KEY_CODE_BLOCK_CHANGED});
}

static void (*const outages[])(void) = {module_goes, module_is_slow, module_cannot};

START_TEST(silence_where_a_mac_can_not_be_checked_and_the_repeat_is_decided)
{
        struct peer *peer = sign_on(0);
        int before = peer->sent_count;
        build("0200", 1);
        feed(peer);
        outages[_i]();
        go_on();
        ck_assert_str_eq(answered_since(peer, before), "");
        ck_assert_uint_eq(withdrawals(), 0);
        ck_assert(!peer->paused); /* whoever is left in silence may speak */
        ck_assert_uint_eq(env.count.without_mac, 1);
        ck_assert_uint_eq(env.count.wrong_macs, 0);
        if (module.away) {
                build_network(301, 2);
                ck_assert_str_eq(ask(peer), "");
                ck_assert(!peer->paused);
        }
        module.away = false;
        build("0201", 1);
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_uint_eq(withdrawals(), 1);
}
END_TEST

START_TEST(silence_where_a_mac_can_not_be_made_and_the_repeat_hears_what_was_decided)
{
        struct peer *peer = sign_on(0);
        int before = peer->sent_count;
        build("0200", 1);
        feed(peer);
        module_answer();
        ledger_mem_drain(memory);
        ck_assert(module_is_asked(KEY_COMMAND_MAKE_MAC));
        ck_assert_uint_eq(withdrawals(), 1);
        outages[_i]();
        go_on();
        ck_assert_str_eq(answered_since(peer, before), "");
        ck_assert(!peer->paused);
        ck_assert_int_eq(peer->closes, 0);
        module.away = false;
        build("0201", 1);
        ck_assert_str_eq(ask(peer), "00");
        build("0201", 1);
        ck_assert_str_eq(ask(peer), "00");
        assert_same_answer(&peer->sent[before], &peer->sent[before + 1]);
        ck_assert_uint_eq(withdrawals(), 1);
}
END_TEST

/* ---- the end of a connection --------------------------------------------------------------------------- */

static void hangs_up(void)
{
        session_closed(&peers[0].session);
        memset(&peers[0], 0, sizeof(peers[0]));
}

static void is_replaced(void)
{
        connect_as(1, TERMINAL);
        ck_assert_int_eq(peers[0].closes, 1);
        session_closed(&peers[1].session);
        memset(&peers[1], 0, sizeof(peers[1]));
}

static void is_barred(void)
{
        session_refuse(&peers[0].session, "barred");
        ck_assert_int_eq(peers[0].closes, 1);
}

static void (*const ends[])(void) = {hangs_up, is_replaced, is_barred};

START_TEST(a_connection_may_end_while_the_module_is_asked)
{
        for (int decided = 0; decided < 2; decided++) {
                struct peer *peer = sign_on(0);
                int before = peer->sent_count, dropped = module.dropped;
                build("0200", 1);
                feed(peer);
                if (decided) {
                        module_answer();
                        ledger_mem_drain(memory);
                        ck_assert(module_is_asked(KEY_COMMAND_MAKE_MAC));
                }
                ends[_i]();
                ck_assert_int_eq(module.dropped, dropped + 1);
                ck_assert_ptr_null(module.question);
                go_on();
                ck_assert(peer->sent_count == before || peer->sent_count == 0);
                if (peer->session.entry.handle)
                        session_closed(&peer->session);
                memset(peer, 0, sizeof(*peer));
                struct peer *again = sign_on(2);
                build("0201", 1);
                ck_assert_str_eq(ask(again), "00");
                ck_assert_uint_eq(withdrawals(), 1);
                session_closed(&again->session);
                memset(again, 0, sizeof(*again));
        }
}
END_TEST

START_TEST(a_daemon_that_stops_waits_for_the_macs_that_are_asked)
{
        for (int decided = 0; decided < 2; decided++) {
                struct peer *peer = sign_on(0);
                int before = peer->sent_count;
                build("0200", 1);
                feed(peer);
                if (decided) {
                        module_answer();
                        ledger_mem_drain(memory);
                }
                session_drain(&peer->session);
                ck_assert_int_eq(peer->closes, 0);
                go_on();
                ck_assert_str_eq(answered_since(peer, before), "00");
                ck_assert_int_eq(peer->closes, 1);
                ck_assert_int_eq(peer->end, SESSION_END_SHUTDOWN);
                session_closed(&peer->session);
                memset(peer, 0, sizeof(*peer));
        }
}
END_TEST

/* ---- sets of keys -------------------------------------------------------------------------------------- */

static const char *ask_under(struct peer *peer, const char *set, const char *up, const char *answer_set,
                             const char *down)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        int before = peer->sent_count;
        size_t length = seal(bytes, set, up);
        feed_bytes(peer, bytes, length);
        go_on();
        assert_sealed(peer, answer_set, down);
        return answered_since(peer, before);
}

START_TEST(the_old_set_is_good_until_the_new_one_was_used)
{
        struct peer *peer = sign_on(0);
        put_set(2, KEY_SET_LOADED, "D0016M6AV00E0000U", "D0016M6AG00E0000D");
        build("0200", 1);
        ck_assert_str_eq(ask_under(peer, "1", "u", "1", "d"), "00");
        ck_assert_str_eq(used, "");
        build("0201", 1);
        ck_assert_str_eq(ask_under(peer, "2", "u", "2", "D"),
                         "98"); /* a key of one under the number of the other */
        ck_assert_str_eq(used, "");
        build("0201", 1);
        ck_assert_str_eq(ask_under(peer, "0002", "U", "2", "D"), "00");
        assert_same_answer(&peer->sent[peer->sent_count - 3], &peer->sent[peer->sent_count - 1]);
        ck_assert_str_eq(used, TERMINAL " 2");
        put_set(2, KEY_SET_CURRENT, "D0016M6AV00E0000U", "D0016M6AG00E0000D");
        put_set(1, KEY_SET_RETIRED, "", "");
        used[0] = '\0';
        build("0201", 1);
        ck_assert_str_eq(ask_under(peer, "1", "u", "2", "D"), "98");
        build("0201", 1);
        ck_assert_str_eq(ask_under(peer, "2", "U", "2", "D"), "00");
        ck_assert_str_eq(used, "");
        ck_assert_uint_eq(withdrawals(), 1);
}
END_TEST

START_TEST(a_set_may_be_retired_between_a_request_and_its_answer)
{
        struct peer *peer = sign_on(0);
        int before = peer->sent_count;
        build("0200", 1);
        feed(peer);
        put_set(2, KEY_SET_CURRENT, "D0016M6AV00E0000U", "D0016M6AG00E0000D");
        put_set(1, KEY_SET_RETIRED, "", "");
        go_on();
        ck_assert_str_eq(answered_since(peer, before), "00");
        assert_sealed(peer, "2", "D");
}
END_TEST

START_TEST(a_terminal_whose_keys_are_all_retired_hears_nothing)
{
        struct peer *peer = sign_on(0);
        put_set(1, KEY_SET_RETIRED, "", "");
        for (int i = 0; i < WRONG_MAX; i++) {
                build_network(301, 2);
                ck_assert_str_eq(ask(peer), "");
        }
        ck_assert_int_eq(module.asked, 2); /* for the sign-on */
        ck_assert_uint_eq(env.count.wrong_macs, WRONG_MAX);
        ck_assert_int_eq(peer->end, SESSION_END_MAC);
}
END_TEST

START_TEST(a_key_of_algorithm_3_is_asked_with_padding_method_2)
{
        struct peer *peer = connect_as(0, TERMINAL);
        put_set(1, KEY_SET_CURRENT, "B0016M3TV00E0000u", "B0016M3TG00E0000d");
        build_network(301, 1);
        feed(peer);
        ck_assert_int_eq(module.padding, '2');
        module_answer();
        ck_assert_int_eq(module.padding, '2');
        module_answer();
        ck_assert_str_eq(answered_since(peer, 0), "00");
}
END_TEST

/* ---- key change ---------------------------------------------------------------------------------------- */

/* The texts of a tag in the last answer, in their order, each with a comma behind. */
static const char *tags_of(const struct peer *peer, const char *name)
{
        static char texts[1200];
        struct tag tag;
        size_t at = 0, length = 0;
        texts[0] = '\0';
        while (tags_next(&peer->sent[peer->sent_count - 1], 62, &at, &tag))
                if (!memcmp(tag.name, name, 2))
                        length += (size_t)snprintf(texts + length, sizeof(texts) - length, "%.*s,",
                                                   (int)tag.length, tag.value);
        return texts;
}

START_TEST(a_new_set_is_told_of_with_each_answer_and_handed_over_when_it_is_asked_for)
{
        struct peer *peer = sign_on(0);
        ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "");
        put_offer(2, KEY_SET_LOADED, "D0016M6AV00E0000U", "D0016M6AG00E0000D", "of the second set");
        build_network(301, 2);
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "2,");
        /* it was away over two changes: the newest is what it gets */
        put_offer(3, KEY_SET_LOADED, "D0016M6AV00E0000v", "D0016M6AG00E0000e", "of the third set");
        build("0200", 1);
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "3,");
        ck_assert_str_eq(tags_of(peer, TAG_KEY_BLOCK), "");
        for (int again = 0; again < 2; again++) { /* as often as it asks: it may have lost the answer */
                build_network(101, 4 + again);
                ck_assert_str_eq(ask(peer), "00");
                ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "3,");
                ck_assert_str_eq(tags_of(peer, TAG_KEY_BLOCK),
                                 "pin of the third set,mac_up of the third set,mac_down of the third set,");
        }
        ck_assert_str_eq(used, "");
        /* in the middle of a withdrawal: its 0220 is under the new set, a repeat of its 0200 too */
        build("0201", 1);
        ck_assert_str_eq(ask_under(peer, "3", "v", "3", "e"), "00");
        ck_assert_str_eq(used, TERMINAL " 3");
        ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "");
        build("0220", 3);
        ck_assert_str_eq(ask_under(peer, "3", "v", "3", "e"), "00");
        put_set(3, KEY_SET_CURRENT, "D0016M6AV00E0000v", "D0016M6AG00E0000e");
        put_set(1, KEY_SET_RETIRED, "", "");
        put_set(2, KEY_SET_RETIRED, "", "");
        build_network(101, 6);
        ck_assert_str_eq(ask_under(peer, "3", "v", "3", "e"), "00"); /* and nothing is new */
        ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "");
        ck_assert_str_eq(tags_of(peer, TAG_KEY_BLOCK), "");
        ck_assert_uint_eq(withdrawals(), 1);
}
END_TEST

START_TEST(keys_are_handed_over_to_nobody_who_has_not_shown_one)
{
        static const struct {
                const char *set, *key;
        } rows[] = {{"3", "d"}, {"1", "u"}, {"2", "x"}, {"3", "x"}, {"", "v"}};
        struct peer *peer = connect_as(0, TERMINAL), *keyless = connect_as(1, KEYLESS);
        uint8_t bytes[ISO_MESSAGE_MAX];
        put_set(1, KEY_SET_RETIRED, "",
                ""); /* its cabinet was found open, and it has a set that it has not used */
        put_offer(3, KEY_SET_LOADED, "D0016M6AV00E0000v", "D0016M6AG00E0000e", "of the third set");
        keys.wrong_max = INT64_MAX;
        for (size_t i = 0; i < COUNT(rows); i++) {
                build_network(101, 1);
                int before = peer->sent_count;
                feed_bytes(peer, bytes, seal(bytes, rows[i].set, rows[i].key));
                go_on();
                ck_assert_str_eq(answered_since(peer, before), "98");
                ck_assert_str_eq(tags_of(peer, TAG_KEY_BLOCK), "");
        }
        build_network(101, 2);
        iso_set_string(&request, 41, KEYLESS);
        feed_bytes(keyless, bytes, encode(bytes));
        ck_assert_str_eq(answered_since(keyless, 0), "40");
        ck_assert(!iso_has(&keyless->sent[0], 62));
        module.away = true;
        build_network(101, 3);
        feed_bytes(peer, bytes, seal(bytes, "3", "v"));
        ck_assert_int_eq(peer->sent_count, (int)COUNT(rows));
}
END_TEST

START_TEST(the_longest_key_blocks_fit)
{
        char longest[400];
        struct peer *peer = sign_on(0);
        memset(longest, 'k', sizeof(longest)); /* of all three 960, as the database's constraint has it */
        longest[320 - strlen("mac_down ")] = '\0';
        put_offer(9999, KEY_SET_LOADED, "D0016M6AV00E0000U", "D0016M6AG00E0000D", longest);
        put_set(1, KEY_SET_CURRENT, "D0016M6AV00E0000u", "D0016M6AG00E0000d");
        build_network(101, 1);
        ck_assert_str_eq(ask(peer), "00");
        ck_assert_str_eq(tags_of(peer, TAG_KEY_OFFER), "9999,");
}
END_TEST

/* ---- a set that another instance has handed over ------------------------------------------------------- */

static void set_comes(void)
{
        put_set(2, KEY_SET_LOADED, "D0016M6AV00E0000U", "D0016M6AG00E0000D");
}

START_TEST(a_message_waits_while_the_keys_are_read_where_its_set_may_be_new)
{
        struct peer *peer = sign_on(0);
        uint8_t bytes[ISO_MESSAGE_MAX];
        int before = peer->sent_count, asked = module.asked;
        build("0200", 1);
        feed_bytes(peer, bytes, seal(bytes, "2", "U"));
        ck_assert_int_eq(reads, 1);
        ck_assert(peer->paused);
        ck_assert_int_eq(module.asked, asked);
        set_comes();
        end_read(_i == 0); /* where another read has brought it, it is there all the same */
        ck_assert(module_is_asked(KEY_COMMAND_CHECK_MAC));
        ck_assert(peer->paused);
        go_on();
        ck_assert_str_eq(answered_since(peer, before), "00");
        assert_sealed(peer, "2", "D");
        ck_assert_str_eq(used, TERMINAL " 2");
        ck_assert(!peer->paused);
        ck_assert_int_eq(reads, 1);
        ck_assert_uint_eq(env.count.wrong_macs, 0);
}
END_TEST

START_TEST(a_set_that_there_is_not_is_98_after_the_keys_were_read_and_silence_where_they_can_not_be)
{
        struct peer *peer = sign_on(0);
        uint8_t bytes[ISO_MESSAGE_MAX];
        int before = peer->sent_count;
        build("0200", 1);
        feed_bytes(peer, bytes, seal(bytes, "2", "U"));
        end_read(false);
        ck_assert_str_eq(answered_since(peer, before), "");
        ck_assert_uint_eq(env.count.without_mac, 1);
        ck_assert(!peer->paused);
        /* or it is there, and nobody can check its MAC */
        feed_bytes(peer, bytes, seal(bytes, "2", "U"));
        set_comes();
        module.away = true;
        end_read(true);
        ck_assert_str_eq(answered_since(peer, before), "");
        ck_assert_uint_eq(env.count.without_mac, 2);
        ck_assert(!peer->paused);
        module.away = false;
        put_set(2, KEY_SET_RETIRED, "", "");
        feed_bytes(peer, bytes, seal(bytes, "2", "U"));
        end_read(true);
        go_on();
        ck_assert_str_eq(answered_since(peer, before), "98");
        assert_sealed(peer, "1", "d");
        /* whoever names an older one than is known has the keys read by nobody */
        put_set(7, KEY_SET_CURRENT, "D0016M6AV00E0000U", "D0016M6AG00E0000D");
        ck_assert_str_eq(ask_under(peer, "6", "U", "7", "D"), "98");
        ck_assert_int_eq(reads, 3);
        /* and who names newer ones for ever is put out */
        ck_assert_str_eq(ask_under(peer, "9", "U", "7", "D"), "98");
        ck_assert_int_eq(peer->end, SESSION_END_MAC);
        ck_assert_int_eq(peer->closes, 1);
        ck_assert_uint_eq(withdrawals(), 0);
}
END_TEST

START_TEST(a_connection_may_end_while_the_keys_are_read)
{
        struct peer *peer = sign_on(0);
        uint8_t bytes[ISO_MESSAGE_MAX];
        build("0200", 1);
        feed_bytes(peer, bytes, seal(bytes, "2", "U"));
        ends[_i]();
        ck_assert_int_eq(forgotten, 1);
        ck_assert_ptr_null(reader);
}
END_TEST

START_TEST(a_missing_mac_is_answered_under_the_set_that_the_message_names)
{
        struct peer *peer = sign_on(0);
        uint8_t bytes[ISO_MESSAGE_MAX];
        set_comes();
        build_network(301, 1);
        iso_set_string(&request, 62, "KS0012");
        feed_bytes(peer, bytes, encode(bytes));
        go_on();
        assert_sealed(peer, "2", "D");
        ck_assert_int_eq(reads, 0);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("session's MACs");
        TCase *t = tcase_create("good");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, a_request_is_read_after_its_mac_was_good_and_answered_after_its_commit);
        tcase_add_test(t, every_kind_of_message_is_answered_under_a_mac);
        tcase_add_test(t, a_terminal_without_keys_needs_no_mac_and_gets_none);
        tcase_add_loop_test(t, a_pin_block_is_its_transactions_and_goes_with_it, 0, COUNT(pin_rows));
        tcase_add_test(t, two_pin_blocks_are_a_format_error);
        tcase_add_loop_test(t, a_pin_block_of_another_length_or_form_is_a_format_error, 0, 4);
        tcase_add_test(t, of_a_terminal_without_keys_no_pin_block_is_looked_at);
        suite_add_tcase(s, t);

        t = tcase_create("wrong");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, a_wrong_mac_is_answered_98_and_nothing_comes_of_the_message, 0, COUNT(wrongs));
        tcase_add_test(t, a_connection_ends_after_too_many_in_a_row);
        tcase_add_test(t, a_format_error_comes_before_a_wrong_mac_and_that_before_58);
        suite_add_tcase(s, t);

        t = tcase_create("module");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, silence_where_a_mac_can_not_be_checked_and_the_repeat_is_decided, 0,
                            COUNT(outages));
        tcase_add_loop_test(t, silence_where_a_mac_can_not_be_made_and_the_repeat_hears_what_was_decided, 0,
                            COUNT(outages));
        suite_add_tcase(s, t);

        t = tcase_create("connection");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, a_connection_may_end_while_the_module_is_asked, 0, COUNT(ends));
        tcase_add_test(t, a_daemon_that_stops_waits_for_the_macs_that_are_asked);
        suite_add_tcase(s, t);

        t = tcase_create("sets");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, the_old_set_is_good_until_the_new_one_was_used);
        tcase_add_test(t, a_set_may_be_retired_between_a_request_and_its_answer);
        tcase_add_test(t, a_terminal_whose_keys_are_all_retired_hears_nothing);
        tcase_add_test(t, a_key_of_algorithm_3_is_asked_with_padding_method_2);
        suite_add_tcase(s, t);

        t = tcase_create("key change");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, a_new_set_is_told_of_with_each_answer_and_handed_over_when_it_is_asked_for);
        tcase_add_test(t, keys_are_handed_over_to_nobody_who_has_not_shown_one);
        tcase_add_test(t, the_longest_key_blocks_fit);
        tcase_add_loop_test(t, a_message_waits_while_the_keys_are_read_where_its_set_may_be_new, 0, 2);
        tcase_add_test(
            t, a_set_that_there_is_not_is_98_after_the_keys_were_read_and_silence_where_they_can_not_be);
        tcase_add_loop_test(t, a_connection_may_end_while_the_keys_are_read, 0, COUNT(ends));
        tcase_add_test(t, a_missing_mac_is_answered_under_the_set_that_the_message_names);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        return suite_run(suite());
}
