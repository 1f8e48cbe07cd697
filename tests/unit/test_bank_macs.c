/*
 * The dialogue with a bank whose link has keys: nothing is read under a wrong MAC, nothing leaves without one, nothing waits for another, and whatever becomes
 * of the key module meanwhile, an exchange ends once, and as what has left or has not. The key module stands in a list here, so that a test says when, in
 * which order, and whether, it answers; what it answers is computed as in the real one.
 */
#include <stddef.h>
#include <stdlib.h>

#include "config/key_rings.h"
#include "config/limits.h"
#include "keymodule/laboratory/lab_keys.h"
#include "protocol/iso_mac.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tests/suite.h"
#include "tests/unit/bank_peer.h"

enum { ASKS = LIMIT_BANK_MACS + 8, WRONG_MAX = 3 };
#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define LINK         "BANKA"
#define PAN          "9900010000000001"
#define UP           'u' /* what keys are made of: a block's last character, and its set's number */
#define DOWN         'd'

/* ---- the key module ------------------------------------------------------------------------------------ */

static struct {
        struct question {
                struct key_question *question;
                enum key_command command;
                enum key_code code;
                uint8_t mac[LAB_MAC_LENGTH];
        } at[ASKS];
        int count, dropped;
        bool away;
} module;

static struct lab_mac_key key_of(int set, char direction)
{
        struct lab_mac_key key = {.key = {.algorithm = CIPHER_AES, .length = 16}};
        memset(key.key.bytes, direction, 16);
        key.key.bytes[0] = (uint8_t)set;
        if (set == 3) { /* the one under TDES */
                key.key.algorithm = CIPHER_TDES;
                key.is_retail = true;
                memset(key.key.bytes + 8, direction + 1, 8);
        }
        return key;
}

static void print_block(int set, char direction, char block[32])
{
        snprintf(block, 32, "D0018M%d%c%c00E0000%d%c", set == 3 ? 3 : 6, set == 3 ? 'T' : 'A',
                 direction == UP ? 'G' : 'V', set, direction);
}

static bool module_ask(void *context, struct key_question *question, const struct key_message *message)
{
        const struct key_value *block = &message->value[KEY_FIELD_KEY],
                               *data = &message->value[KEY_FIELD_DATA];
        const char *text = (const char *)block->bytes;
        uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        (void)context;
        if (module.away)
                return false;
        ck_assert_uint_gt(key_request_write(message, frame), 0);
        ck_assert_int_lt(module.count, ASKS);
        struct question *asked = &module.at[module.count++];
        const struct lab_mac_key key = key_of(text[block->length - 2] - '0', text[block->length - 1]);
        ck_assert_int_eq(text[8], message->command == KEY_COMMAND_CHECK_MAC ? 'V' : 'G');
        ck_assert_int_eq(key_message_char(message, KEY_FIELD_PADDING), key.is_retail ? '2' : '\0');
        *asked = (struct question){question, message->command, KEY_CODE_GOOD, {0}};
        lab_mac(&key, data->bytes, data->length, asked->mac);
        if (message->command == KEY_COMMAND_CHECK_MAC &&
            memcmp(asked->mac, message->value[KEY_FIELD_MAC].bytes, LAB_MAC_LENGTH) != 0)
                asked->code = KEY_CODE_MAC;
        return true;
}

static struct question take(int i)
{
        ck_assert_int_lt(i, module.count);
        struct question taken = module.at[i];
        memmove(&module.at[i], &module.at[i + 1], (size_t)(module.count - i - 1) * sizeof(taken));
        module.count--;
        return taken;
}

static void module_drop(void *context, struct key_question *question)
{
        (void)context;
        for (int i = 0; i < module.count; i++) {
                if (module.at[i].question != question)
                        continue;
                take(i);
                module.dropped++;
                return;
        }
        ck_abort_msg("a question is dropped that nobody has asked");
}

static struct key_reader *reader; /* who waits for keys to be read */

static void read_keys(void *context, struct key_reader *asker)
{
        (void)context;
        ck_assert_ptr_null(reader);
        reader = asker;
}

static void forget_reader(void *context, struct key_reader *asker)
{
        (void)context;
        ck_assert_ptr_eq(reader, asker);
        reader = NULL;
}

static void end_reading(void)
{
        struct key_reader *asker = reader;
        reader = NULL;
        if (asker)
                asker->ended(asker, true);
}

/* The i-th of those that wait. */
static void module_answer(int i)
{
        struct question asked = take(i);
        struct key_message said = {.command = asked.command, .code = asked.code};
        if (asked.command == KEY_COMMAND_MAKE_MAC)
                key_message_set(&said, KEY_FIELD_MAC, asked.mac, LAB_MAC_LENGTH);
        asked.question->ended(asked.question, &said);
}

static void module_fail(int i, enum key_code code)
{
        struct question asked = take(i);
        struct key_message said = {.command = asked.command, .code = code};
        asked.question->ended(asked.question, code == KEY_CODE_GOOD ? NULL : &said);
}

static void module_answer_all(void)
{
        while (module.count > 0)
                module_answer(0);
}

/* ---- the world ----------------------------------------------------------------------------------------- */

struct asked {
        struct bank_exchange exchange;
        int ends;
        enum bank_end end;
};

static struct bank_route *route;
static struct bank_peer peer, other, *speaker; /* whose connection the bank speaks over */
static struct asked asks[ASKS];
static struct iso_message message, said;
static struct key_rings *rings;
static struct session_keys keys;
static char used[32], told[128];

static void on_used(void *context, enum key_owner owner_kind, const char *owner, int number)
{
        (void)context;
        ck_assert_int_eq(owner_kind, KEY_OWNER_LINK);
        snprintf(used, sizeof(used), "%s %d", owner, number);
}

static void on_wrong_mac(void *context, const struct bank_route *of, int connection, const char *mti,
                         const char *why)
{
        (void)context;
        snprintf(told, sizeof(told), "%s %d %s %s", of->settings.name, connection, mti, why);
}

/* key: '\0': it is not on offer; else the character that its blocks under the link's key-encrypting key have in common. */
static void put_offer(int number, enum key_set_state state, char key)
{
        char up[32], down[32], wrapped[32], pin[] = "D0016P0AD00E0000";
        const struct {
                enum key_purpose purpose;
                const char *block;
        } blocks[] = {{KEY_PURPOSE_PIN, pin}, {KEY_PURPOSE_MAC_UP, up}, {KEY_PURPOSE_MAC_DOWN, down}};
        print_block(number, UP, up);
        print_block(number, DOWN, down);
        for (int i = 0; i < COUNT(blocks); i++) {
                struct key_row row = {.owner_kind = KEY_OWNER_LINK,
                                      .owner = LINK,
                                      .kind = KEY_SET_WORKING,
                                      .number = number,
                                      .state = state,
                                      .purpose = blocks[i].purpose,
                                      .block = blocks[i].block,
                                      .check_value = "0123456789",
                                      .handover = key ? wrapped : NULL};
                snprintf(wrapped, sizeof(wrapped), "wrapped %c%d %-6d", key, number, (int)blocks[i].purpose);
                ck_assert(key_rings_put(rings, &row));
        }
}

static void put_set(int number, enum key_set_state state)
{
        put_offer(number, state, '\0');
}

static void set_up(void)
{
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment("2016-12-29T12:00:00+09:00", &bank_now_ms));
        memset(&module, 0, sizeof(module));
        memset(asks, 0, sizeof(asks));
        used[0] = told[0] = '\0';
        speaker = &peer;
        rings = key_rings_new();
        ck_assert_ptr_nonnull(rings);
        put_set(1, KEY_SET_CURRENT);
        keys = (struct session_keys){.rings = rings,
                                     .used = on_used,
                                     .ask = module_ask,
                                     .drop = module_drop,
                                     .read = read_keys,
                                     .forget = forget_reader,
                                     .wrong_max = WRONG_MAX};
        reader = NULL;
        route = bank_peer_route(LINK, ASKS);
        bank_route_set_keys(route, &keys);
        route->on_wrong_mac = on_wrong_mac;
}

static void tear_down(void)
{
        bank_route_free(route);
        key_rings_free(rings);
}

static void on_end(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *answer)
{
        struct asked *asked = (struct asked *)(void *)exchange;
        asked->ends++;
        asked->end = end;
        ck_assert_int_eq(answer != NULL, end == BANK_ANSWERED);
}

static struct ledger_identity identity_of(int i)
{
        struct ledger_identity identity = {
            .terminal = "T0000001", .transmitted_ms = bank_now_ms / 1000 * 1000, .stan = i};
        return identity;
}

static bool ask(int i)
{
        struct ledger_identity identity = identity_of(i);
        struct ledger_request request = {.processing_code = 10000, .amount_yen = 10000, .hall = "H1"};
        struct profile_card card = {PAN, "3012"};
        if (!bank_route_reserve(route))
                return false;
        bank_format_request(&identity, &request, &card, 108, "99000001", &message);
        asks[i].exchange =
            (struct bank_exchange){.identity = identity, .kind = MESSAGE_REQUEST, .on_end = on_end};
        return bank_route_ask(route, &asks[i].exchange, &message);
}

static bool tell(int i)
{
        struct bank_notice notice = {
            .identity = identity_of(i), .kind = BANK_NOTICE_COMPLETION, .amount_yen = 10000, .attempts = 1};
        bank_format_notice(&notice, "99000001", &message);
        asks[i].exchange =
            (struct bank_exchange){.identity = notice.identity, .kind = MESSAGE_COMPLETION, .on_end = on_end};
        return bank_route_tell(route, &asks[i].exchange, &message, 15000);
}

static void pass(int64_t ms)
{
        bank_now_ms += ms;
        bank_route_tick(route);
}

/* ---- the bank ------------------------------------------------------------------------------------------ */

/* What is wrong with a MAC of the bank's. */
enum spoiling { RIGHT, WRONG_BIT, WRONG_KEY, NO_MAC, NO_SET, UNKNOWN_SET, OTHER_FIELD, SPOILINGS };

static void say(struct iso_message *spoken, enum spoiling how, int set)
{
        const struct iso_dialect *dialect = &route->dialect;
        const struct lab_mac_key key = key_of(set, how == WRONG_KEY ? UP : DOWN);
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        size_t covered = 0;
        int length;
        if (how != NO_SET)
                iso_mac_name_set(dialect, spoken, how == UNKNOWN_SET ? 9 : set);
        if (how == OTHER_FIELD)
                iso_set(spoken, 63, "x", 1);
        length = how == NO_MAC ? iso_encode(dialect, spoken, bytes, sizeof(bytes), &error)
                               : iso_mac_encode(dialect, spoken, bytes, sizeof(bytes), &covered, &error);
        ck_assert_int_gt(length, 0);
        if (how != NO_MAC)
                lab_mac(&key, bytes, covered, bytes + covered);
        if (how == WRONG_BIT)
                bytes[covered] ^= 1;
        if (how == OTHER_FIELD)
                bytes[covered - 1] ^= 1; /* 63, which was an x */
        bank_session_frame(&speaker->session, bytes, (size_t)length);
}

/* The answer to the sent message i. */
static void answer_with(int i, const char *de39, enum spoiling how)
{
        bank_peer_build(&peer, i, de39, &said);
        say(&said, how, 1);
}

static void answer(int i, const char *de39)
{
        answer_with(i, de39, RIGHT);
        module_answer_all();
}

/* Whether what was sent last has the MAC that it must have, under this set. */
static bool is_sealed(int set)
{
        const struct iso_message *sent = &peer.sent[peer.count - 1];
        const struct lab_mac_key key = key_of(set, UP);
        uint8_t mac[LAB_MAC_LENGTH];
        size_t covered;
        if (iso_mac_set(&route->dialect, sent) != set ||
            !iso_mac_covered(&route->dialect, sent, peer.length, &covered))
                return false;
        lab_mac(&key, peer.bytes, covered, mac);
        return memcmp(mac, peer.bytes + covered, sizeof(mac)) == 0;
}

static void sign_on(void)
{
        bank_peer_open(&peer, route, 1);
        module_answer_all();
        ck_assert(is_sealed(1));
        answer(0, "00");
        ck_assert_int_eq(peer.session.state, BANK_SESSION_UP);
}

static int stan_of(int i)
{
        return atoi(bank_peer_value(&peer.sent[i], 11));
}

/* ---- as it should be ----------------------------------------------------------------------------------- */

static const struct {
        enum iso_mac_place mac;
        enum iso_key_set_place key_set;
        int request_field;
} dialect_rows[] = {{ISO_MAC_LAST, ISO_KEY_SET_TAG, 64},
                    {ISO_MAC_SECOND, ISO_KEY_SET_TAG, 128},
                    {ISO_MAC_LAST, ISO_KEY_SET_CONTROL, 64}};

START_TEST(what_leaves_has_its_mac_and_what_comes_is_read_after_its_own_was_checked)
{
        route->dialect.mac = dialect_rows[_i].mac;
        route->dialect.key_set = dialect_rows[_i].key_set;
        bank_peer_open(&peer, route, 1);
        ck_assert_int_eq(peer.count, 0);
        module_answer_all();
        ck_assert_int_eq(peer.count, 1);
        ck_assert(is_sealed(1) && iso_has(&peer.sent[0], 128));
        answer_with(0, "00", RIGHT);
        ck_assert(!bank_route_is_up(route));
        module_answer_all();
        ck_assert(bank_route_is_up(route));
        ck_assert(ask(1));
        ck_assert_int_eq(peer.count, 1);
        module_answer_all();
        ck_assert_int_eq(peer.count, 2);
        ck_assert(is_sealed(1) && iso_has(&peer.sent[1], dialect_rows[_i].request_field));
        answer_with(1, "00", RIGHT);
        ck_assert_int_eq(asks[1].ends, 0);
        module_answer_all();
        ck_assert_int_eq(asks[1].ends, 1);
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert(tell(2));
        module_answer_all();
        ck_assert(is_sealed(1) && iso_has(&peer.sent[2], 128));
        answer(2, "00");
        ck_assert_int_eq(asks[2].end, BANK_ANSWERED);
        ck_assert_uint_eq(route->count.acknowledged, 1);
        ck_assert_uint_eq(route->reserved, 0);
}
END_TEST

START_TEST(each_message_goes_on_when_its_mac_is_there_and_none_waits_for_another)
{
        static const int order[] = {2, 0, 1, 0}, stans[] = {3, 1, 4, 2};
        sign_on();
        for (int i = 1; i <= 4; i++)
                ck_assert(ask(i));
        ck_assert_int_eq(module.count, 4);
        for (int i = 0; i < 4; i++) {
                module_answer(order[i]);
                ck_assert_int_eq(peer.count, i + 2);
                ck_assert_int_eq(stan_of(i + 1), stans[i]);
                ck_assert(is_sealed(1));
        }
        for (int i = 1; i <= 4; i++)
                answer_with(i, "00", RIGHT);
        ck_assert_int_eq(module.count, 4);
        module_answer(3);
        ck_assert_int_eq(asks[2].ends, 1);
        ck_assert_int_eq(asks[1].ends + asks[3].ends + asks[4].ends, 0);
        module_answer_all();
        for (int i = 1; i <= 4; i++) {
                ck_assert_int_eq(asks[i].ends, 1);
                ck_assert_int_eq(asks[i].end, BANK_ANSWERED);
        }
        ck_assert_uint_eq(route->count.approved, 4);
}
END_TEST

START_TEST(a_banks_own_messages_are_answered_under_a_mac)
{
        sign_on();
        bank_format_network(&iso_dialect_ascii, ISO_NETWORK_SIGN_OFF, bank_now_ms, 7, "99000001", &said);
        say(&said, RIGHT, 1);
        ck_assert(bank_route_is_up(route));
        module_answer_all();
        ck_assert_int_eq(bank_route_state(route), BANK_ROUTE_SIGNED_OFF);
        ck_assert_str_eq(peer.sent[1].mti, "0810");
        ck_assert_str_eq(bank_peer_value(&peer.sent[1], 39), "00");
        ck_assert(is_sealed(1));
}
END_TEST

START_TEST(a_new_set_is_the_banks_to_begin_with)
{
        sign_on();
        put_set(3, KEY_SET_LOADED);
        ck_assert(ask(1));
        module_answer_all();
        ck_assert(is_sealed(1)); /* the one that is current */
        bank_peer_build(&peer, 1, "00", &said);
        say(&said, RIGHT, 3);
        module_answer_all();
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_str_eq(used, LINK " 3");
        put_set(1, KEY_SET_RETIRED); /* as the database does then */
        put_set(3, KEY_SET_CURRENT);
        ck_assert(ask(2));
        module_answer_all();
        ck_assert(is_sealed(3));
        bank_peer_build(&peer, 2, "00", &said);
        say(&said, RIGHT, 1);
        ck_assert_int_eq(module.count, 0);
        ck_assert_uint_eq(route->count.wrong_macs, 1);
}
END_TEST

START_TEST(a_set_that_another_instance_knows_already_is_read_first)
{
        sign_on();
        ck_assert(ask(1));
        module_answer_all();
        bank_peer_build(&peer, 1, "00", &said);
        say(&said, RIGHT, 3);
        ck_assert_int_eq(module.count, 0);
        put_set(3, KEY_SET_CURRENT);
        end_reading();
        module_answer_all();
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_uint_eq(route->count.wrong_macs, 0);
        bank_peer_build(&peer, 1, "00", &said);
        ck_assert(ask(2));
        say(&said, UNKNOWN_SET, 1);
        bank_peer_close_down(&peer);
        ck_assert_ptr_null(reader);
}
END_TEST

START_TEST(a_stop_signs_off_when_that_has_its_mac)
{
        sign_on();
        bank_route_stop(route, "the daemon stops");
        ck_assert_int_eq(peer.count + peer.closes, 1);
        ck_assert(!bank_route_has_left(route));
        if (_i == 0)
                module_answer_all();
        else
                module_fail(0, KEY_CODE_GOOD);
        ck_assert(bank_route_has_left(route));
        ck_assert_int_eq(peer.closes, 1);
        ck_assert_int_eq(peer.count, _i == 0 ? 2 : 1);
        if (_i == 0)
                ck_assert_str_eq(bank_peer_value(&peer.sent[1], 70), "002");
}
END_TEST

/* ---- changes of keys ----------------------------------------------------------------------------------- */

/* What DE 62 of what was sent last has, tag by tag. */
static const char *tags_sent(void)
{
        static char text[400];
        size_t at = 0, used_up = 0;
        struct tag tag;
        text[0] = '\0';
        while (tags_next(&peer.sent[peer.count - 1], 62, &at, &tag))
                used_up += (size_t)snprintf(text + used_up, sizeof(text) - used_up, "%.2s=%.*s,", tag.name,
                                            (int)tag.length, tag.value);
        return text;
}

static const char set_2[] = "KN=2,KB=wrapped k2 1     ,KB=wrapped k2 2     ,KB=wrapped k2 3     ,";

/* What was sent last is an offer of set 2 under set 1. */
static void assert_offer(const char *code)
{
        ck_assert_str_eq(peer.sent[peer.count - 1].mti, "0800");
        ck_assert_str_eq(bank_peer_value(&peer.sent[peer.count - 1], 70), code);
        const char *tags = tags_sent();
        if (route->dialect.key_set == ISO_KEY_SET_TAG) {
                ck_assert_int_eq(strncmp(tags, "KS=1,", 5), 0);
                tags += 5;
        }
        ck_assert_str_eq(tags, set_2);
        ck_assert(is_sealed(1));
}

static void turn(int64_t ms)
{
        pass(ms);
        module_answer_all();
}

static const struct {
        enum iso_key_set_place key_set;
        int16_t key_change, key_request;
        const char *code;
} offer_rows[] = {{ISO_KEY_SET_TAG, 101, 0, "101"},
                  {ISO_KEY_SET_TAG, 161, 162, "161"},
                  {ISO_KEY_SET_CONTROL, 161, 0, "161"}};

START_TEST(a_newer_set_is_offered_and_used_when_the_bank_has_begun_with_it)
{
        route->dialect.key_set = offer_rows[_i].key_set;
        route->dialect.network[ISO_NETWORK_KEY_CHANGE] = offer_rows[_i].key_change;
        route->dialect.network[ISO_NETWORK_KEY_REQUEST] = offer_rows[_i].key_request;
        sign_on();
        turn(100);
        ck_assert_int_eq(peer.count, 1);
        put_offer(2, KEY_SET_LOADED, 'k');
        turn(100);
        ck_assert_int_eq(peer.count, 2);
        assert_offer(offer_rows[_i].code);
        ck_assert(ask(1)); /* nothing waits for it */
        module_answer_all();
        ck_assert(is_sealed(1));
        answer(2, "00");
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        answer(1, "00");
        ck_assert_uint_eq(route->count.keys_kept, 1);
        ck_assert_str_eq(used, "");
        turn(100); /* its answer may be the first message under the new set */
        ck_assert_str_eq(bank_peer_value(&peer.sent[peer.count - 1], 70), "301");
        ck_assert(is_sealed(1));
        bank_peer_build(&peer, peer.count - 1, "00", &said);
        say(&said, RIGHT, 2);
        module_answer_all();
        ck_assert_str_eq(used, LINK " 2");
        put_set(1, KEY_SET_RETIRED);
        put_set(2, KEY_SET_CURRENT);
        turn(60000);
        ck_assert_int_eq(peer.count, 5);
        ck_assert_str_eq(bank_peer_value(&peer.sent[4], 70), "301");
        ck_assert(is_sealed(2));
        ck_assert_int_eq(peer.closes, 0);
        ck_assert_uint_eq(route->count.keys_refused, 0);
}
END_TEST

static const struct {
        const char *de39; /* NULL: silence */
        const char *why;
} vain_rows[] = {
    {"05", "key set 2 is offered in vain: the bank answers with DE 39 '05'"},
    {"40", "key set 2 is offered in vain: the bank answers with DE 39 '40'"},
    {"98", "key set 2 is offered in vain: the bank answers with DE 39 '98'"},
    {NULL, "key set 2 is offered in vain: the bank does not answer"},
    {"00", "key set 2 is offered in vain: the bank has kept it, and does not use it"},
};

/* The time of its answer, and 20, 40, 80 seconds and so on up to ten minutes. */
START_TEST(an_offer_that_comes_to_nothing_is_made_again_after_growing_pauses_and_disturbs_nothing)
{
        static const int pauses_s[] = {10, 20, 40, 80, 160, 320, 600, 600};
        route->settings.echo_interval_ms = INT64_C(1) << 40; /* it echoes only where it has a reason */
        sign_on();
        put_offer(2, KEY_SET_LOADED, 'k');
        for (int i = 0; i < COUNT(pauses_s); i++) {
                int64_t until_ms;
                if (i == 0)
                        turn(100);
                assert_offer("101");
                until_ms = bank_now_ms + 15000 + (int64_t)pauses_s[i] * 1000;
                if (vain_rows[_i].de39)
                        answer(peer.count - 1, vain_rows[_i].de39);
                while (bank_now_ms < until_ms - 1) {
                        int before = peer.count;
                        int64_t step_ms = until_ms - 1 - bank_now_ms;
                        turn(step_ms < 5000 ? step_ms : 5000);
                        if (peer.count > before) {
                                ck_assert_str_eq(bank_peer_value(&peer.sent[peer.count - 1], 70), "301");
                                answer(peer.count - 1, "00");
                                peer.count = 1; /* there is only so much room for them */
                        }
                }
                ck_assert(bank_route_is_up(route));
                bool is_kept = vain_rows[_i].de39 && !strcmp(vain_rows[_i].de39, "00");
                ck_assert_str_eq(bank_route_why(route), is_kept ? "" : vain_rows[_i].why);
                turn(1);
                if (is_kept)
                        ck_assert_str_eq(bank_route_why(route), vain_rows[_i].why);
        }
        answer(peer.count - 1, "05");
        ck_assert_uint_ge(route->count.keys_refused, COUNT(pauses_s));
        ck_assert(ask(1));
        module_answer_all();
        answer(peer.count - 1, "00");
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_int_eq(peer.closes, 0);
        /* what the operator makes next is offered at once; and nothing is wrong once nothing is on offer */
        put_offer(4, KEY_SET_LOADED, 'k');
        turn(100);
        ck_assert_ptr_nonnull(strstr(tags_sent(), "KN=4,"));
        put_set(2, KEY_SET_RETIRED);
        put_set(4, KEY_SET_RETIRED);
        answer(peer.count - 1, "05");
        turn(100);
        ck_assert_str_eq(bank_route_why(route), "");
}
END_TEST

START_TEST(nothing_is_offered_by_who_has_no_code_or_no_newer_set)
{
        static const int16_t codes[] = {0, 101, 101};
        route->dialect.network[ISO_NETWORK_KEY_CHANGE] = codes[_i];
        sign_on();
        if (_i == 0)
                put_offer(2, KEY_SET_LOADED, 'k');
        if (_i == 1)
                put_set(2, KEY_SET_LOADED); /* which goes by file */
        if (_i == 2)
                put_offer(1, KEY_SET_CURRENT, 'k');
        turn(100);
        ck_assert_int_eq(peer.count, 1);
}
END_TEST

START_TEST(one_of_a_links_connections_makes_the_offer_and_the_next_one_when_that_is_gone)
{
        sign_on();
        bank_peer_open(&other, route, 2);
        module_answer_all();
        bank_peer_build(&other, 0, "00", &said);
        speaker = &other;
        say(&said, RIGHT, 1);
        module_answer_all();
        ck_assert_int_eq(other.session.state, BANK_SESSION_UP);
        put_offer(2, KEY_SET_LOADED, 'k');
        turn(100);
        turn(100);
        ck_assert_int_eq(peer.count, 2);
        ck_assert_int_eq(other.count, 1);
        bank_peer_close_down(&peer);
        turn(14000);
        ck_assert_int_eq(other.count, 1);
        turn(11000);
        ck_assert_int_eq(other.count, 2);
        ck_assert_str_eq(bank_peer_value(&other.sent[1], 70), "101");
}
END_TEST

static const struct {
        int16_t key_change, key_request;
        bool has_newer;
        const char *code, *de39, *tags;
} request_rows[] = {
    {101, 0, true, "101", "00", "KS=1,%s"}, {161, 162, true, "162", "00", "KS=1,%s"},
    {0, 162, true, "162", "00", "KS=1,%s"}, {161, 162, false, "162", "00", "KS=1,"},
    {161, 162, true, "161", "12", "KS=1,"}, {0, 0, true, "101", "12", "KS=1,"},
};

START_TEST(a_bank_that_asks_for_its_keys_gets_the_newest)
{
        char tags[sizeof(set_2) + 8];
        route->dialect.network[ISO_NETWORK_KEY_CHANGE] = request_rows[_i].key_change;
        route->dialect.network[ISO_NETWORK_KEY_REQUEST] = request_rows[_i].key_request;
        sign_on();
        if (request_rows[_i].has_newer)
                put_offer(2, KEY_SET_LOADED, 'k');
        bank_format_network(&route->dialect, ISO_NETWORK_ECHO, bank_now_ms, 7, "99000001", &said);
        iso_set_string(&said, 70, request_rows[_i].code);
        for (int again = 0; again < 2; again++) { /* as often as it asks */
                struct iso_message question = said;
                say(&question, RIGHT, 1);
                module_answer_all();
                ck_assert_str_eq(peer.sent[peer.count - 1].mti, "0810");
                ck_assert_str_eq(bank_peer_value(&peer.sent[peer.count - 1], 39), request_rows[_i].de39);
                snprintf(tags, sizeof(tags), request_rows[_i].tags[5] ? "KS=1,%s" : "KS=1,", set_2);
                ck_assert_str_eq(tags_sent(), tags);
                ck_assert(is_sealed(1));
        }
        ck_assert_uint_eq(route->count.keys_asked, strcmp(request_rows[_i].de39, "00") == 0 ? 2 : 0);
}
END_TEST

/* What was sent before the bank began with the new set comes, and what was wrapped before it leaves, when that is known already. */
START_TEST(what_is_on_its_way_under_the_former_set_is_not_lost)
{
        sign_on();
        ck_assert(ask(1));
        module_answer_all();
        put_set(1, KEY_SET_RETIRED);
        put_set(2, KEY_SET_CURRENT);
        key_rings_settle(rings, bank_now_ms);
        answer_with(1, "00", RIGHT); /* under set 1 */
        module_answer_all();
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        asks[2].exchange = (struct bank_exchange){
            .identity = identity_of(2), .kind = MESSAGE_REQUEST, .key_set = 1, .on_end = on_end};
        struct ledger_request request = {.processing_code = 10000, .amount_yen = 10000, .hall = "H1"};
        struct profile_card card = {PAN, "3012"};
        ck_assert(bank_route_reserve(route));
        bank_format_request(&asks[2].exchange.identity, &request, &card, 108, "99000001", &message);
        ck_assert(bank_route_ask(route, &asks[2].exchange, &message)); /* its PIN block is under set 1 */
        module_answer_all();
        ck_assert(is_sealed(1));
        ck_assert(ask(3));
        module_answer_all();
        ck_assert(is_sealed(2));
        bank_now_ms += KEY_FORMER_MS;
        key_rings_settle(rings, bank_now_ms);
        bank_peer_build(&peer, 3, "00", &said);
        say(&said, RIGHT, 1);
        module_answer_all();
        ck_assert_int_eq(asks[3].ends, 0);
        ck_assert_uint_eq(route->count.wrong_macs, 1);
}
END_TEST

/* ---- a bank that is not believed ----------------------------------------------------------------------- */

static const struct {
        enum spoiling how;
        const char *why;
} wrong_rows[] = {
    {WRONG_BIT, "BANKA 1 0210 the MAC is another one"},
    {WRONG_KEY, "BANKA 1 0210 the MAC is another one"},
    {OTHER_FIELD, "BANKA 1 0210 the MAC is another one"},
    {NO_MAC, "BANKA 1 0210 there is no MAC in its field, the last of the message"},
    {NO_SET, "BANKA 1 0210 it names no key set (KS)"},
    {UNKNOWN_SET, "BANKA 1 0210 it names a key set (KS) that its sender does not have, or that is retired"},
};

START_TEST(an_answer_under_a_wrong_mac_has_not_come)
{
        sign_on();
        ck_assert(ask(1));
        module_answer_all();
        answer_with(1, "00", wrong_rows[_i].how);
        ck_assert_int_eq(reader != NULL, wrong_rows[_i].how == UNKNOWN_SET); /* it may be news */
        end_reading();
        module_answer_all();
        ck_assert_int_eq(asks[1].ends, 0);
        ck_assert_uint_eq(route->count.wrong_macs, 1);
        ck_assert_str_eq(told, wrong_rows[_i].why);
        ck_assert_int_eq(peer.count, 2); /* nobody answers an answer */
        pass(15000);
        ck_assert_int_eq(asks[1].ends, 1);
        ck_assert_int_eq(asks[1].end, BANK_TIMED_OUT);
        ck_assert_uint_eq(route->count.late_approvals, 0);
}
END_TEST

START_TEST(so_many_wrong_macs_in_a_row_end_the_connection)
{
        sign_on();
        for (int i = 1; i <= 3; i++)
                ck_assert(ask(i));
        module_answer_all();
        for (int i = 1; i < WRONG_MAX; i++)
                answer_with(1, "00", i % 2 ? WRONG_BIT : NO_MAC);
        module_answer_all();
        answer(1, "00"); /* begins anew */
        for (int i = 1; i < WRONG_MAX; i++)
                answer_with(2, "00", WRONG_BIT);
        module_answer_all();
        ck_assert_int_eq(peer.closes, 0);
        answer_with(2, "00", WRONG_BIT);
        answer_with(3, "00", RIGHT); /* behind it: nobody listens any more */
        module_answer(0);
        ck_assert_int_eq(peer.closes, 1);
        ck_assert_str_eq(peer.reason, "too many messages of the bank in a row with a wrong MAC, or none");
        ck_assert_int_eq(asks[2].end, BANK_LOST);
        ck_assert_int_eq(asks[3].end, BANK_LOST);
        ck_assert_int_eq(module.count, 0);
        ck_assert_int_eq(module.dropped, 1);
}
END_TEST

START_TEST(a_banks_own_message_under_a_wrong_mac_is_told_so)
{
        static const char *const codes[] = {"98", "N8"};
        ck_assert(bank_codes_set_wrong_mac(&route->codes, codes[_i]));
        sign_on();
        bank_format_network(&iso_dialect_ascii, ISO_NETWORK_SIGN_OFF, bank_now_ms, 7, "99000001", &said);
        say(&said, WRONG_BIT, 1);
        module_answer_all();
        ck_assert(bank_route_is_up(route));
        ck_assert_str_eq(peer.sent[1].mti, "0810");
        ck_assert_str_eq(bank_peer_value(&peer.sent[1], 39), codes[_i]);
        ck_assert(is_sealed(1));
}
END_TEST

START_TEST(a_bank_that_finds_our_mac_wrong_is_told_again)
{
        sign_on();
        ck_assert(tell(1));
        module_answer_all();
        answer(1, "98");
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_uint_eq(route->count.refused_macs, 1);
        ck_assert_uint_eq(route->count.unacknowledged, 1);
        ck_assert_uint_eq(route->count.cases, 0);
}
END_TEST

/* ---- a module that is not there ------------------------------------------------------------------------ */

/* What has no MAC has not left; and on its return all goes on by itself. */
START_TEST(without_the_module_nothing_is_accepted_for_the_bank)
{
        sign_on();
        ck_assert(ask(1));
        module_answer_all();
        module.away = true;
        ck_assert(!ask(2));
        ck_assert_int_eq(bank_route_state(route), BANK_ROUTE_DOWN);
        ck_assert_str_eq(bank_route_why(route), "no MAC: key module away");
        ck_assert(!bank_route_reserve(route));
        ck_assert(!tell(3));
        ck_assert_uint_eq(route->reserved, 1);
        ck_assert_int_eq(asks[2].ends + asks[3].ends, 0);
        ck_assert_int_eq(peer.count, 2);
        answer(1, "00"); /* nobody can check it */
        ck_assert_int_eq(asks[1].ends, 0);
        ck_assert_uint_eq(route->count.unchecked, 1);
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        ck_assert_int_eq(peer.closes, 0);
        module.away = false;
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        module_answer_all();
        ck_assert_str_eq(bank_peer_value(&peer.sent[2], 70), "301");
        ck_assert(bank_route_is_up(route));
        ck_assert_str_eq(bank_route_why(route), "");
        ck_assert(ask(4));
        module_answer_all();
        answer(3, "00");
        ck_assert_int_eq(asks[4].end, BANK_ANSWERED);
        answer(1, "00"); /* once more */
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
}
END_TEST

static const enum key_code silent_rows[] = {KEY_CODE_GOOD /* there is no answer */, KEY_CODE_BLOCK_CHANGED};

START_TEST(what_the_module_leaves_without_a_mac_has_not_left)
{
        sign_on();
        ck_assert(ask(1));
        ck_assert(tell(2));
        ck_assert(ask(3));
        module_fail(1, silent_rows[_i]);
        ck_assert_int_eq(asks[2].end, BANK_UNSENT);
        module_fail(0, silent_rows[_i]);
        ck_assert_int_eq(asks[1].end, BANK_UNSENT);
        ck_assert_int_eq(asks[1].ends + asks[2].ends, 2);
        ck_assert_uint_eq(route->reserved, 1);
        ck_assert_uint_eq(route->count.unsent, 2);
        ck_assert_int_eq(bank_route_state(route), BANK_ROUTE_DOWN);
        ck_assert_int_eq(peer.count, 1);
        module_answer(0);
        ck_assert_int_eq(peer.count, 2);
        ck_assert(bank_route_is_up(route));
        answer(1, "00");
        ck_assert_int_eq(asks[3].end, BANK_ANSWERED);
        ck_assert_uint_eq(route->count.lost + route->count.timed_out, 0);
}
END_TEST

START_TEST(whose_time_is_over_before_its_mac_is_there_does_not_leave_any_more)
{
        sign_on();
        ck_assert(ask(1));
        pass(15000);
        ck_assert_int_eq(asks[1].ends, 1);
        ck_assert_int_eq(asks[1].end, BANK_UNSENT);
        ck_assert_int_eq(module.dropped, 1);
        ck_assert_int_eq(bank_route_state(route),
                         BANK_ROUTE_DOWN); /* the next one is refused before it is durable */
        ck_assert(!bank_route_reserve(route));
        module_answer_all();
        for (int i = 1; i < peer.count; i++)
                ck_assert_str_eq(peer.sent[i].mti, "0800");
        ck_assert(bank_route_is_up(route));
}
END_TEST

/* 0: an echo; 1: the sign-on. It never left, so the bank has not failed to answer it. */
START_TEST(a_network_message_whose_mac_never_comes_keeps_its_connection)
{
        if (_i == 0) {
                sign_on();
                pass(3600000);
        } else {
                bank_peer_open(&peer, route, 1);
        }
        ck_assert_int_eq(module.count, 1);
        pass(15000);
        ck_assert_int_eq(peer.closes, 0);
        ck_assert_int_eq(module.dropped, 1);
        ck_assert_int_eq(bank_route_state(route), BANK_ROUTE_DOWN);
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        module_answer_all();
        answer(peer.count - 1, "00");
        ck_assert(bank_route_is_up(route));
}
END_TEST

START_TEST(a_stop_signs_off_though_an_echo_is_with_the_module)
{
        sign_on();
        pass(3600000);
        ck_assert_int_eq(module.count, 1);
        bank_route_stop(route, "the daemon stops");
        ck_assert_int_eq(module.dropped, 1);
        module_answer_all();
        ck_assert_int_eq(peer.count, 2);
        ck_assert_str_eq(bank_peer_value(&peer.sent[1], 70), "002");
        ck_assert_int_eq(peer.closes, 1);
}
END_TEST

START_TEST(a_link_whose_keys_are_gone_is_mute_no_more)
{
        sign_on();
        module.away = true;
        ck_assert(!ask(1));
        ck_assert_int_eq(bank_route_state(route), BANK_ROUTE_DOWN);
        key_rings_free(rings);
        rings = key_rings_new();
        keys.rings = rings;
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        ck_assert(bank_route_is_up(route));
}
END_TEST

START_TEST(a_connection_that_goes_takes_its_questions_with_it)
{
        sign_on();
        ck_assert(ask(1));
        module_answer_all();
        ck_assert(ask(2));
        answer_with(1, "00", RIGHT);
        ck_assert_int_eq(module.count, 2);
        bank_peer_close_down(&peer);
        ck_assert_int_eq(module.count, 0);
        ck_assert_int_eq(module.dropped, 2);
        ck_assert_int_eq(asks[1].end, BANK_LOST); /* it may have been heard */
        ck_assert_int_eq(asks[2].end, BANK_UNSENT);
        ck_assert_int_eq(asks[1].ends + asks[2].ends, 2);
        ck_assert_uint_eq(route->reserved, 0);
}
END_TEST

START_TEST(a_connection_without_a_mac_for_its_sign_on_stays_and_tries_again)
{
        module.away = true;
        bank_peer_open(&peer, route, 1);
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        ck_assert_int_eq(peer.count + peer.closes, 0);
        ck_assert_str_eq(bank_route_why(route), "no MAC: key module away");
        module.away = false;
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        module_fail(0, KEY_CODE_GOOD);
        ck_assert_int_eq(peer.count + peer.closes, 0);
        pass(LIMIT_BANK_MAC_AGAIN_MS);
        module_answer_all();
        answer(0, "00");
        ck_assert(bank_route_is_up(route));
}
END_TEST

START_TEST(a_link_whose_keys_are_all_retired_says_nothing_without_a_mac)
{
        sign_on();
        put_set(1, KEY_SET_RETIRED);
        ck_assert(!ask(1));
        ck_assert_str_eq(bank_route_why(route), "no MAC: no key set is good");
        ck_assert_int_eq(peer.count, 1);
}
END_TEST

/* ---- bounds -------------------------------------------------------------------------------------------- */

START_TEST(no_more_is_with_the_module_than_may_be)
{
        sign_on();
        for (int i = 0; i < LIMIT_BANK_MACS; i++)
                ck_assert(ask(i));
        ck_assert(!ask(LIMIT_BANK_MACS));
        ck_assert_uint_eq(route->reserved, LIMIT_BANK_MACS);
        ck_assert_uint_eq(route->count.full, 1);
        ck_assert(bank_route_is_up(route)); /* nobody is mute who has too much to say */
        module_answer(17);
        ck_assert(ask(LIMIT_BANK_MACS));
        ck_assert_int_eq(module.count, LIMIT_BANK_MACS);
        answer_with(1, "00", RIGHT); /* there is no room to have it checked */
        ck_assert_uint_eq(route->count.unchecked, 1);
        ck_assert_int_eq(asks[17].ends, 0);
}
END_TEST

START_TEST(a_bank_with_more_messages_than_may_be_checked_is_read_again_once_there_are_fewer)
{
        sign_on();
        ck_assert(ask(1));
        module_answer_all();
        for (int i = 0; i < LIMIT_BANK_MACS_READ; i++) {
                ck_assert(bank_route_may_read(route));
                answer_with(1, "00", RIGHT);
        }
        ck_assert(!bank_route_may_read(route));
        ck_assert_uint_eq(route->count.rests, 1);
        ck_assert_uint_eq(route->count.unchecked, 0);
        ck_assert(ask(2)); /* what leaves has room beside it */
        ck_assert_int_eq(peer.resumes, 0);
        module_answer(0);
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_int_eq(peer.resumes, 0);
        module_answer(0);
        ck_assert_int_eq(peer.resumes, 1);
        ck_assert(bank_route_may_read(route));
        module_answer_all();
        ck_assert_int_eq(peer.resumes, 1);
        ck_assert_uint_eq(route->count.duplicate, LIMIT_BANK_MACS_READ - 1);
}
END_TEST

START_TEST(no_card_number_stays_behind_once_a_request_has_left_or_has_not)
{
        sign_on();
        for (int i = 1; i <= 3; i++)
                ck_assert(ask(i));
        ck_assert_ptr_nonnull(
            memmem(route->env.macs.all, 8 * sizeof(*route->env.macs.all), PAN, strlen(PAN)));
        module_answer(0);
        module_fail(0, KEY_CODE_GOOD);
        bank_peer_close_down(&peer);
        ck_assert_ptr_null(
            memmem(route->env.macs.all, LIMIT_BANK_MACS * sizeof(*route->env.macs.all), PAN, strlen(PAN)));
}
END_TEST

START_TEST(a_request_without_room_for_its_mac_is_known_beforehand)
{
        struct ledger_identity identity = identity_of(1);
        struct ledger_request request = {.processing_code = 10000, .amount_yen = 10000, .hall = "H1"};
        struct profile_card card = {PAN, "3012"};
        bank_format_request(&identity, &request, &card, 108, "99000001", &message);
        ck_assert(bank_route_can_say(route, &message));
        route->dialect.field[64].format = ISO_NONE;
        bank_format_request(&identity, &request, &card, 108, "99000001", &message);
        ck_assert(!bank_route_can_say(route, &message));
        bank_route_set_keys(route, NULL);
        bank_format_request(&identity, &request, &card, 108, "99000001", &message);
        ck_assert(bank_route_can_say(route, &message));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_macs");
        TCase *tcase = tcase_create("bank_macs");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, what_leaves_has_its_mac_and_what_comes_is_read_after_its_own_was_checked,
                            0, COUNT(dialect_rows));
        tcase_add_test(tcase, each_message_goes_on_when_its_mac_is_there_and_none_waits_for_another);
        tcase_add_test(tcase, a_banks_own_messages_are_answered_under_a_mac);
        tcase_add_test(tcase, a_new_set_is_the_banks_to_begin_with);
        tcase_add_test(tcase, a_set_that_another_instance_knows_already_is_read_first);
        tcase_add_loop_test(tcase, a_stop_signs_off_when_that_has_its_mac, 0, 2);
        tcase_add_loop_test(tcase, a_newer_set_is_offered_and_used_when_the_bank_has_begun_with_it, 0,
                            COUNT(offer_rows));
        tcase_add_loop_test(
            tcase, an_offer_that_comes_to_nothing_is_made_again_after_growing_pauses_and_disturbs_nothing, 0,
            COUNT(vain_rows));
        tcase_add_loop_test(tcase, nothing_is_offered_by_who_has_no_code_or_no_newer_set, 0, 3);
        tcase_add_test(tcase, one_of_a_links_connections_makes_the_offer_and_the_next_one_when_that_is_gone);
        tcase_add_loop_test(tcase, a_bank_that_asks_for_its_keys_gets_the_newest, 0, COUNT(request_rows));
        tcase_add_test(tcase, what_is_on_its_way_under_the_former_set_is_not_lost);
        tcase_add_loop_test(tcase, an_answer_under_a_wrong_mac_has_not_come, 0, COUNT(wrong_rows));
        tcase_add_test(tcase, so_many_wrong_macs_in_a_row_end_the_connection);
        tcase_add_loop_test(tcase, a_banks_own_message_under_a_wrong_mac_is_told_so, 0, 2);
        tcase_add_test(tcase, a_bank_that_finds_our_mac_wrong_is_told_again);
        tcase_add_test(tcase, without_the_module_nothing_is_accepted_for_the_bank);
        tcase_add_loop_test(tcase, what_the_module_leaves_without_a_mac_has_not_left, 0, COUNT(silent_rows));
        tcase_add_test(tcase, whose_time_is_over_before_its_mac_is_there_does_not_leave_any_more);
        tcase_add_loop_test(tcase, a_network_message_whose_mac_never_comes_keeps_its_connection, 0, 2);
        tcase_add_test(tcase, a_stop_signs_off_though_an_echo_is_with_the_module);
        tcase_add_test(tcase, a_link_whose_keys_are_gone_is_mute_no_more);
        tcase_add_test(tcase, a_connection_that_goes_takes_its_questions_with_it);
        tcase_add_test(tcase, a_connection_without_a_mac_for_its_sign_on_stays_and_tries_again);
        tcase_add_test(tcase, a_link_whose_keys_are_all_retired_says_nothing_without_a_mac);
        tcase_add_test(tcase, no_more_is_with_the_module_than_may_be);
        tcase_add_test(tcase,
                       a_bank_with_more_messages_than_may_be_checked_is_read_again_once_there_are_fewer);
        tcase_add_test(tcase, no_card_number_stays_behind_once_a_request_has_left_or_has_not);
        tcase_add_test(tcase, a_request_without_room_for_its_mac_is_known_beforehand);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
