/* The dialogue with a bank: sign-on, echo, matching, deadlines, and the spreading over its connections. */
#include <stddef.h>
#include <stdlib.h>

#include "daemon/sightings.h"
#include "rules/calendar.h"
#include "tests/suite.h"
#include "tests/unit/bank_peer.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { PEERS = 3, ASKS = 64, OUTSTANDING_MAX = 32 };
#define PAN "9900010000000001"

struct asked {
        struct bank_exchange exchange;
        int ends;
        enum bank_end end;
        char de39[3];
};

static struct bank_route *route;
static struct bank_peer peers[PEERS];
static struct asked asks[ASKS];
static struct iso_message message, answer;

static void set_up(void)
{
        log_open("stderr", "error", NULL);
        ck_assert(calendar_parse_moment("2016-12-29T12:00:00+09:00", &bank_now_ms));
        route = bank_peer_route("BANKA", OUTSTANDING_MAX);
        memset(asks, 0, sizeof(asks));
}

static void tear_down(void)
{
        bank_route_free(route);
}

static void on_end(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *said)
{
        struct asked *asked = (struct asked *)((char *)exchange - offsetof(struct asked, exchange));
        asked->ends++;
        asked->end = end;
        ck_assert_int_eq(said != NULL, end == BANK_ANSWERED);
        if (said)
                ck_assert(iso_copy(said, 39, asked->de39, sizeof(asked->de39)));
}

static struct ledger_identity identity_of(int i)
{
        struct ledger_identity identity = {
            .terminal = "T0000001", .transmitted_ms = bank_now_ms / 1000 * 1000, .stan = i};
        return identity;
}

static void build_request(int i, int64_t amount_yen)
{
        struct ledger_identity identity = identity_of(i);
        struct ledger_request request = {
            .processing_code = amount_yen ? 10000 : 310000, .amount_yen = amount_yen, .hall = "H1"};
        struct profile_card card = {PAN, "3012"};
        bank_format_request(&identity, &request, &card, 108, "99000001", &message);
        asks[i].exchange =
            (struct bank_exchange){.identity = identity, .kind = MESSAGE_REQUEST, .on_end = on_end};
}

static bool ask(int i, int64_t amount_yen)
{
        if (!bank_route_reserve(route))
                return false;
        build_request(i, amount_yen);
        return bank_route_ask(route, &asks[i].exchange, &message);
}

static bool tell(int i, enum bank_notice_kind kind, int64_t timeout_ms)
{
        struct bank_notice notice = {
            .identity = identity_of(i), .kind = kind, .amount_yen = 10000, .why = "17", .attempts = 1};
        bank_format_notice(&notice, "99000001", &message);
        asks[i].exchange = (struct bank_exchange){.identity = notice.identity,
                                                  .kind = kind == BANK_NOTICE_COMPLETION ? MESSAGE_COMPLETION
                                                                                         : MESSAGE_REVERSAL,
                                                  .on_end = on_end};
        return bank_route_tell(route, &asks[i].exchange, &message, timeout_ms);
}

static void pass(int64_t ms)
{
        bank_now_ms += ms;
        bank_route_tick(route);
}

/* ---- sign-on ------------------------------------------------------------------------------------------- */

static const struct {
        const char *de39; /* NULL: silence */
        bool up;
        const char *reason;
} sign_on_rows[] = {
    {"00", true, ""},
    {"91", false, "the bank answers the sign-on with DE 39 '91'"},
    {"58", false, "the bank answers the sign-on with DE 39 '58'"},
    {NULL, false, "the bank does not answer the sign-on"},
};

START_TEST(a_connection_is_offered_only_after_its_sign_on_was_answered_00)
{
        bank_peer_open(&peers[0], route, 1);
        ck_assert_str_eq(peers[0].sent[0].mti, "0800");
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[0], 70), "001");
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[0], 32), "99000001");
        ck_assert(!bank_route_reserve(route));
        if (sign_on_rows[_i].de39)
                bank_peer_answer(&peers[0], 0, sign_on_rows[_i].de39);
        else
                pass(15000);
        ck_assert_int_eq(bank_route_is_up(route), sign_on_rows[_i].up);
        ck_assert_int_eq(peers[0].closes, !sign_on_rows[_i].up);
        ck_assert_str_eq(peers[0].reason, sign_on_rows[_i].reason);
        ck_assert_int_eq(bank_route_reserve(route), sign_on_rows[_i].up);
}
END_TEST

/* ---- answers ------------------------------------------------------------------------------------------- */

#define COUNTER(name) offsetof(struct bank_counters, name)

/* What is changed in the right answer, and what that makes of it. */
static const struct {
        const char *name, *mti;
        int field;
        const char *value; /* NULL: left out */
        size_t counter;
} answer_rows[] = {
    {"as it should be", NULL, 0, NULL, COUNTER(answered)},
    {"without DE 4", NULL, 4, NULL, COUNTER(answered)},
    {"another STAN", NULL, 11, "000099", COUNTER(unknown)},
    {"another DE 7", NULL, 7, "1229030001", COUNTER(unknown)},
    {"another terminal", NULL, 41, "T0000002", COUNTER(unknown)},
    {"no STAN", NULL, 11, NULL, COUNTER(wrong)},
    {"no DE 7", NULL, 7, NULL, COUNTER(wrong)},
    {"no terminal", NULL, 41, NULL, COUNTER(wrong)},
    {"another amount", NULL, 4, "000000020000", COUNTER(wrong)},
    {"another DE 3", NULL, 3, "310000", COUNTER(wrong)},
    {"no DE 39", NULL, 39, NULL, COUNTER(wrong)},
    {"a completion's answer", "0230", 0, NULL, COUNTER(unknown)},
    {"a reversal's answer", "0430", 0, NULL, COUNTER(unknown)},
    {"a network answer that nobody asked for", "0810", 0, NULL, COUNTER(unknown)},
    {"no answer at all", "0220", 0, NULL, COUNTER(undecodable)},
    {"a request", "0200", 0, NULL, COUNTER(undecodable)},
};

static uint64_t counter(size_t offset)
{
        return *(const uint64_t *)(const void *)((const char *)&route->count + offset);
}

START_TEST(an_answer_that_is_not_the_right_one_changes_nothing_but_a_counter)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 10000));
        bank_peer_build(&peers[0], 1, "00", &answer);
        if (answer_rows[_i].mti)
                strcpy(answer.mti, answer_rows[_i].mti);
        if (answer_rows[_i].value)
                iso_set_string(&answer, answer_rows[_i].field, answer_rows[_i].value);
        else if (answer_rows[_i].field)
                iso_unset(&answer, answer_rows[_i].field);
        bool is_right = answer_rows[_i].counter == COUNTER(answered);
        bank_peer_say(&peers[0], &answer);
        ck_assert_uint_eq(counter(answer_rows[_i].counter), 1);
        ck_assert_int_eq(asks[1].ends, is_right);
        ck_assert_uint_eq(route->reserved, !is_right);
        ck_assert_int_eq(peers[0].closes, 0);
        bank_peer_answer(&peers[0], 1, "00");
        ck_assert_int_eq(asks[1].ends, 1);
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_str_eq(asks[1].de39, "00");
        ck_assert_uint_eq(route->reserved, 0);
}
END_TEST

START_TEST(an_approved_inquiry_without_a_balance_is_no_answer)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 0));
        ck_assert(!iso_has(&peers[0].sent[1], 4) && !iso_has(&peers[0].sent[1], 28));
        bank_peer_answer(&peers[0], 1, "00");
        ck_assert_uint_eq(route->count.wrong, 1);
        bank_peer_answer(&peers[0], 1, "14");
        ck_assert_int_eq(asks[1].ends, 1);
}
END_TEST

static const char *const no_balances[] = {"",
                                          "0002392C00000",
                                          "0002392C0000001234560",
                                          "0002392 000000123456",
                                          "0002392C00000012345X",
                                          "0002392C0000001234560002392C"};

START_TEST(an_approved_inquiry_with_half_a_balance_is_no_answer)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 0));
        bank_peer_build(&peers[0], 1, "00", &answer);
        iso_set_string(&answer, 54, no_balances[_i]);
        bank_peer_say(&peers[0], &answer);
        ck_assert_uint_eq(route->count.wrong, 1);
        ck_assert_int_eq(asks[1].ends, 0);
}
END_TEST

START_TEST(bytes_that_are_no_message_change_nothing_but_a_counter)
{
        static const uint8_t rubbish[] = "0210 is followed by this";
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 10000));
        bank_session_frame(&peers[0].session, rubbish, sizeof(rubbish));
        ck_assert_uint_eq(route->count.undecodable, 1);
        bank_session_frame(&peers[0].session, rubbish, 0);
        ck_assert_uint_eq(route->count.undecodable, 1);
        ck_assert_uint_eq(route->count.empty, 1);
        ck_assert_int_eq(asks[1].ends, 0);
        bank_peer_answer(&peers[0], 1, "00");
        ck_assert_int_eq(asks[1].ends, 1);
}
END_TEST

enum before { BEFORE_ANSWERED, BEFORE_TIMED_OUT, BEFORE_LOST };

static const struct {
        enum before before;
        const char *de39;
        uint64_t late, late_approvals, duplicate;
} stray_rows[] = {
    {BEFORE_ANSWERED, "00", 0, 0, 1},
    {BEFORE_TIMED_OUT, "00", 1, 1, 0},
    {BEFORE_LOST, "00", 1, 1, 0},
    {BEFORE_TIMED_OUT, "51", 1, 0, 0},
};

START_TEST(an_answer_to_what_has_ended_is_told_from_an_unknown_one)
{
        bank_peer_sign_on(&peers[0], route, 1);
        bank_peer_sign_on(&peers[1], route, 2);
        ck_assert(ask(1, 10000));
        struct bank_peer *asked = peers[0].count > 1 ? &peers[0] : &peers[1];
        struct bank_peer *other = asked == &peers[0] ? &peers[1] : &peers[0];
        bank_peer_build(asked, 1, stray_rows[_i].de39, &answer);
        if (stray_rows[_i].before == BEFORE_ANSWERED)
                bank_peer_answer(asked, 1, "00");
        else if (stray_rows[_i].before == BEFORE_LOST)
                bank_session_closed(&asked->session);
        else
                pass(15000);
        ck_assert_int_eq(asks[1].ends, 1);
        bank_peer_say(other, &answer);
        ck_assert_uint_eq(route->count.late, stray_rows[_i].late);
        ck_assert_uint_eq(route->count.late_approvals, stray_rows[_i].late_approvals);
        ck_assert_uint_eq(route->count.duplicate, stray_rows[_i].duplicate);
        bank_peer_say(other, &answer);
        ck_assert_uint_eq(route->count.late, stray_rows[_i].late);
        ck_assert_uint_eq(route->count.duplicate, stray_rows[_i].duplicate + 1);
        ck_assert_uint_eq(route->count.unknown, 0);
        ck_assert_int_eq(asks[1].ends, 1);
}
END_TEST

START_TEST(messages_of_one_withdrawal_are_told_apart_by_their_kind)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 10000));
        struct bank_exchange completion = {
            .identity = identity_of(1), .kind = MESSAGE_COMPLETION, .on_end = on_end};
        struct bank_notice notice = {
            .identity = identity_of(1), .kind = BANK_NOTICE_COMPLETION, .amount_yen = 10000, .attempts = 1};
        bank_format_notice(&notice, "99000001", &message);
        asks[2].exchange = completion;
        ck_assert(bank_route_tell(route, &asks[2].exchange, &message, 1000));
        bank_peer_answer(&peers[0], 2, "00");
        ck_assert_int_eq(asks[2].ends, 1);
        ck_assert_int_eq(asks[1].ends, 0);
        bank_peer_answer(&peers[0], 1, "51");
        ck_assert_int_eq(asks[1].ends, 1);
        ck_assert_str_eq(asks[1].de39, "51");
}
END_TEST

/* A partial reversal of 4,000 yen, then a full one of the same withdrawal: what the answer echoes, and
 * whether it is the second one's. */
static const struct {
        const char *replacement;
        bool is_right;
} correction_rows[] = {
    {NULL, true},
    {"000000004000000000000000D00000108D00000000", false}, /* of the first: late, or for the second time */
    {"000000000000000000000000D00000000D00000000", false}, /* of neither */
};

/* A bank need not echo DE 95. */
START_TEST(an_answer_to_a_partial_reversal_without_its_amounts_acknowledges_it)
{
        struct bank_notice notice = {.identity = identity_of(1),
                                     .kind = BANK_NOTICE_PARTIAL,
                                     .why = "32",
                                     .amount_yen = 10000,
                                     .charge_yen = 108,
                                     .dispensed_yen = 4000,
                                     .attempts = 1};
        bank_peer_sign_on(&peers[0], route, 1);
        asks[1].exchange =
            (struct bank_exchange){.identity = identity_of(1), .kind = MESSAGE_REVERSAL, .on_end = on_end};
        bank_format_notice(&notice, "99000001", &message);
        ck_assert(bank_route_tell(route, &asks[1].exchange, &message, 1000));
        bank_peer_build(&peers[0], 1, "00", &answer);
        ck_assert(iso_has(&answer, 95));
        iso_unset(&answer, 95);
        bank_peer_say(&peers[0], &answer);
        ck_assert_int_eq(asks[1].ends, 1);
        ck_assert_int_eq(asks[1].end, BANK_ANSWERED);
        ck_assert_uint_eq(route->count.wrong, 0);
}
END_TEST

START_TEST(a_late_answer_to_a_correction_does_not_acknowledge_the_next_one)
{
        struct bank_notice notice = {.identity = identity_of(1),
                                     .kind = BANK_NOTICE_PARTIAL,
                                     .why = "32",
                                     .amount_yen = 10000,
                                     .charge_yen = 108,
                                     .dispensed_yen = 4000,
                                     .attempts = 1};
        bank_peer_sign_on(&peers[0], route, 1);
        for (int i = 1; i <= 2; i++) {
                asks[i].exchange = (struct bank_exchange){
                    .identity = identity_of(1), .kind = MESSAGE_REVERSAL, .on_end = on_end};
                bank_format_notice(&notice, "99000001", &message);
                ck_assert(bank_route_tell(route, &asks[i].exchange, &message, 1000));
                if (i == 1)
                        bank_peer_answer(&peers[0], 1, "00");
                notice.kind = BANK_NOTICE_REVERSAL;
                notice.dispensed_yen = 0;
        }
        ck_assert_int_eq(asks[1].ends, 1);
        bank_peer_build(&peers[0], 2, "00", &answer);
        if (correction_rows[_i].replacement)
                iso_set_string(&answer, 95, correction_rows[_i].replacement);
        bank_peer_say(&peers[0], &answer);
        ck_assert_int_eq(asks[2].ends, correction_rows[_i].is_right);
        ck_assert_uint_eq(route->count.wrong, !correction_rows[_i].is_right);
        bank_peer_answer(&peers[0], 2, "00");
        ck_assert_int_eq(asks[2].ends, 1);
        ck_assert_int_eq(asks[2].end, BANK_ANSWERED);
}
END_TEST

/* ---- time ---------------------------------------------------------------------------------------------- */

START_TEST(each_waits_as_long_as_it_may)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 10000));
        ck_assert(tell(2, BANK_NOTICE_REVERSAL, 4000));
        ck_assert(tell(3, BANK_NOTICE_COMPLETION, 900));
        ck_assert(tell(4, BANK_NOTICE_REVERSAL, 2000));
        static const struct {
                int64_t pass_ms;
                int ended;
        } rows[] = {{899, 0}, {1, 3}, {1100, 4}, {2000, 2}, {10999, 0}, {1, 1}};
        int ends = 0;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pass(rows[i].pass_ms);
                ends += rows[i].ended != 0;
                int sum = 0;
                for (int a = 0; a < ASKS; a++)
                        sum += asks[a].ends;
                ck_assert_int_eq(sum, ends);
                if (rows[i].ended)
                        ck_assert_int_eq(asks[rows[i].ended].end, BANK_TIMED_OUT);
                while (peers[0].session.network_deadline_ms) /* an echo: the bank is there */
                        bank_peer_answer(&peers[0], peers[0].count - 1, "00");
        }
        ck_assert_uint_eq(route->reserved, 0);
        ck_assert_uint_eq(route->count.timed_out, 1);
}
END_TEST

START_TEST(a_silent_bank_is_tried_by_an_echo_and_given_up)
{
        bank_peer_sign_on(&peers[0], route, 1);
        pass(29999);
        ck_assert_int_eq(peers[0].count, 1);
        pass(1);
        ck_assert_int_eq(peers[0].count, 2);
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[1], 70), "301");
        if (_i == 0) {
                bank_peer_answer(&peers[0], 1, "00");
                pass(15000);
                ck_assert_int_eq(peers[0].closes, 0);
                ck_assert_uint_eq(route->count.echoes, 1);
        } else {
                ck_assert(ask(1, 10000));
                pass(14999);
                ck_assert_int_eq(peers[0].closes, 0);
                ck_assert_int_eq(asks[1].ends, 0);
                pass(1);
                ck_assert_int_eq(peers[0].closes, 1);
                ck_assert_str_eq(peers[0].reason, "the bank does not answer an echo");
                ck_assert_int_eq(asks[1].ends, 1);
                ck_assert(!bank_route_is_up(route));
        }
}
END_TEST

START_TEST(an_unanswered_request_has_an_echo_sent_at_once)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 10000));
        pass(15000);
        ck_assert_int_eq(asks[1].end, BANK_TIMED_OUT);
        ck_assert_int_eq(peers[0].count, 3);
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[2], 70), "301");
}
END_TEST

static const struct {
        const char *code, *de39;
} bank_network_rows[] = {{"301", "00"}, {"201", "00"}, {"001", "00"}, {"002", "00"}, {"101", "40"}};

START_TEST(what_a_bank_may_ask_is_answered)
{
        bank_peer_sign_on(&peers[0], route, 1);
        bank_format_network(&iso_dialect_ascii, ISO_NETWORK_ECHO, bank_now_ms, 77, "1", &answer);
        iso_set_string(&answer, 70, bank_network_rows[_i].code);
        bank_peer_say(&peers[0], &answer);
        ck_assert_int_eq(peers[0].count, 2);
        ck_assert_str_eq(peers[0].sent[1].mti, "0810");
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[1], 11), "000077");
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[1], 39), bank_network_rows[_i].de39);
}
END_TEST

/* What the built-in codes say elsewhere is nothing that this bank may say. */
START_TEST(a_dialects_own_codes_are_sent_and_understood)
{
        static const int16_t network[ISO_NETWORK_COUNT] = {61, 62, 270, 0, 161, 162};
        static const struct {
                const char *code, *de39;
        } rows[] = {{"270", "00"}, {"061", "00"}, {"001", "12"}, {"301", "12"},
                    {"201", "12"}, {"000", "12"}, {"062", "00"}};
        memcpy(route->dialect.network, network, sizeof(network));
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[0], 70), "061");
        pass(60000);
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[1], 70), "270");
        for (int i = 0; i < COUNT(rows); i++) {
                bank_format_network(&route->dialect, ISO_NETWORK_ECHO, bank_now_ms, 77, "1", &answer);
                iso_set_string(&answer, 70, rows[i].code);
                bank_peer_say(&peers[0], &answer);
                ck_assert_str_eq(bank_peer_value(&peers[0].sent[2 + i], 39), rows[i].de39);
                ck_assert_str_eq(bank_peer_value(&peers[0].sent[2 + i], 70), rows[i].code);
        }
        ck_assert(!bank_route_is_up(route));
        bank_route_stop(route, "the daemon stops");
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[peers[0].count - 1], 70), "062");
}
END_TEST

static void bank_says(struct bank_peer *peer, const char *code)
{
        bank_format_network(&iso_dialect_ascii, ISO_NETWORK_ECHO, bank_now_ms, 78, "1", &answer);
        iso_set_string(&answer, 70, code);
        bank_peer_say(peer, &answer);
        ck_assert_str_eq(bank_peer_value(&peer->sent[peer->count - 1], 39), "00");
}

/* Over whichever connection it says so; what is under way is still answered. */
START_TEST(a_bank_that_signs_off_is_asked_nothing_until_it_signs_on)
{
        bank_peer_sign_on(&peers[0], route, 1);
        bank_peer_sign_on(&peers[1], route, 2);
        ck_assert(ask(1, 10000));
        bank_says(&peers[1], "002");
        ck_assert(!bank_route_is_up(route));
        ck_assert(!bank_route_reserve(route));
        ck_assert_uint_eq(route->count.sign_offs, 1);
        bank_says(&peers[0], "002"); /* once more changes nothing */
        ck_assert_uint_eq(route->count.sign_offs, 1);
        bank_peer_answer(peers[0].count > 2 ? &peers[0] : &peers[1], 1, "00");
        ck_assert_uint_eq(route->count.answered, 1);
        bank_says(&peers[0], "001");
        ck_assert(bank_route_is_up(route));
        ck_assert(ask(2, 10000));
}
END_TEST

static void is_told(const char *state, int64_t state_ms, int64_t silent_ms, const char *why)
{
        const struct bank_routes routes = {.route = {route}, .count = 1};
        struct sighting row[BANK_ROUTES_MAX];
        ck_assert_uint_eq(sightings_of_links(&routes, bank_now_ms, row), 1);
        ck_assert_str_eq(row->kind, "link");
        ck_assert_str_eq(row->name, "BANKA");
        ck_assert_str_eq(row->state, state);
        ck_assert_int_eq(row->state_ms, state_ms);
        ck_assert_int_eq(row->silent_ms, silent_ms);
        ck_assert_str_eq(row->why, why);
}

/* The state, for how long, how long ago the bank was heard over any connection, and why it is not as it should be. */
START_TEST(what_people_are_told_of_a_link)
{
        is_told("down", 0, -1, "");
        pass(1000);
        bank_route_failed(route, "127.0.0.1:1: Connection refused");
        is_told("down", 1000, -1, "127.0.0.1:1: Connection refused");
        bank_peer_sign_on(&peers[0], route, 1);
        is_told("up", 0, 0, "");
        pass(2000);
        bank_peer_sign_on(&peers[1], route, 2);
        bank_route_failed(route, "the third one's");
        pass(500);
        is_told("up", 2500, 500, "the third one's");
        bank_says(&peers[1], "002");
        pass(100);
        bank_says(&peers[0], "002"); /* once more changes nothing */
        is_told("signed_off", 100, 0, "the bank has signed off");
        bank_says(&peers[1], "001");
        is_told("up", 0, 0, "the third one's");
        bank_peer_close_down(&peers[1]);
        is_told("up", 0, 0, "the third one's");
        pass(300);
        bank_peer_close_down(&peers[0]);
        bank_route_failed(route, "hung up");
        is_told("down", 0, 300, "hung up");
}
END_TEST

/* A bank that says something every second is not told as silent for a minute. */
START_TEST(what_was_told_holds_less_long_where_a_bank_was_heard_since)
{
        const struct sighting never = {.silent_ms = -1}, before = {.silent_ms = 5000},
                              since = {.silent_ms = 4999};
        const struct sighting quiet[] = {never, before}, busy[] = {never, before, since};

        ck_assert_int_eq(sightings_hold_ms(quiet, 2, 5000), SIGHTINGS_PERIOD_MS);
        ck_assert_int_eq(sightings_hold_ms(busy, 3, 5000), SIGHTINGS_HEARD_MS);
}
END_TEST

START_TEST(a_bank_that_takes_our_sign_on_is_signed_on)
{
        bank_peer_sign_on(&peers[0], route, 1);
        bank_says(&peers[0], "002");
        ck_assert(!bank_route_is_up(route));
        bank_peer_sign_on(&peers[1], route, 2);
        ck_assert(bank_route_is_up(route));
}
END_TEST

/* ---- the route ----------------------------------------------------------------------------------------- */

START_TEST(requests_are_spread_evenly_over_the_connections_that_are_up)
{
        for (int i = 0; i < PEERS; i++)
                bank_peer_sign_on(&peers[i], route, i + 1);
        for (int i = 0; i < 12; i++)
                ck_assert(ask(i, 10000));
        for (int i = 0; i < PEERS; i++)
                ck_assert_uint_eq(peers[i].session.outstanding, 4);
        /* one that answers faster gets more */
        for (int i = 1; i <= 4; i++)
                bank_peer_answer(&peers[1], i, "00");
        for (int i = 12; i < 16; i++)
                ck_assert(ask(i, 10000));
        ck_assert_uint_eq(peers[0].session.outstanding, 4);
        ck_assert_uint_eq(peers[1].session.outstanding, 4);
        /* one that is gone gets none; what it had is lost, once */
        bank_peer_close_down(&peers[2]);
        int lost = 0;
        for (int i = 0; i < 16; i++)
                lost += asks[i].ends == 1 && asks[i].end == BANK_LOST;
        ck_assert_int_eq(lost, 4);
        ck_assert_uint_eq(route->reserved, 8);
        for (int i = 16; i < 20; i++)
                ck_assert(ask(i, 10000));
        ck_assert_uint_eq(peers[0].session.outstanding, 6);
        ck_assert_uint_eq(peers[1].session.outstanding, 6);
        /* and when it is back, first all that evens it out */
        bank_peer_sign_on(&peers[2], route, 3);
        for (int i = 20; i < 29; i++)
                ck_assert(ask(i, 10000));
        for (int i = 0; i < PEERS; i++)
                ck_assert_uint_eq(peers[i].session.outstanding, 7);
}
END_TEST

START_TEST(without_load_connections_take_turns)
{
        for (int i = 0; i < PEERS; i++)
                bank_peer_sign_on(&peers[i], route, i + 1);
        for (int i = 0; i < 9; i++) {
                ck_assert(ask(i, 10000));
                for (int p = 0; p < PEERS; p++)
                        if (peers[p].session.outstanding)
                                bank_peer_answer(&peers[p], peers[p].count - 1, "00");
        }
        for (int i = 0; i < PEERS; i++)
                ck_assert_int_eq(peers[i].count, 4);
}
END_TEST

START_TEST(no_more_is_outstanding_than_may_be)
{
        bank_peer_sign_on(&peers[0], route, 1);
        for (int i = 0; i < OUTSTANDING_MAX; i++)
                ck_assert(ask(i, 10000));
        ck_assert(!bank_route_reserve(route));
        ck_assert_uint_eq(route->count.refused, 1);
        ck_assert(tell(40, BANK_NOTICE_REVERSAL, 1000)); /* notices never wait behind requests */
        bank_peer_answer(&peers[0], 1, "00");
        ck_assert(bank_route_reserve(route));
        ck_assert(!bank_route_reserve(route));
        bank_route_release(route);
        ck_assert(bank_route_reserve(route));
}
END_TEST

START_TEST(a_reservation_that_can_not_be_used_any_more_is_given_back)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(bank_route_reserve(route));
        bank_peer_close_down(&peers[0]);
        build_request(1, 10000);
        ck_assert(!bank_route_ask(route, &asks[1].exchange, &message));
        ck_assert_uint_eq(route->reserved, 0);
        ck_assert_int_eq(asks[1].ends, 0);
        ck_assert_ptr_null(memmem(route, sizeof(*route), PAN, strlen(PAN)));
}
END_TEST

START_TEST(no_card_number_stays_behind_once_a_request_has_left)
{
        bank_peer_sign_on(&peers[0], route, 1);
        ck_assert(ask(1, 10000));
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[1], 2), PAN);
        ck_assert_ptr_null(memmem(route, sizeof(*route), PAN, strlen(PAN)));
        bank_peer_answer(&peers[0], 1, "00");
        ck_assert_ptr_null(memmem(route, sizeof(*route), PAN, strlen(PAN)));
}
END_TEST

START_TEST(a_stop_signs_off)
{
        bank_peer_sign_on(&peers[0], route, 1);
        bank_peer_open(&peers[1], route, 2);
        bank_route_stop(route, "the daemon stops");
        ck_assert_str_eq(bank_peer_value(&peers[0].sent[1], 70), "002");
        ck_assert_int_eq(peers[0].closes, 1);
        ck_assert_int_eq(peers[1].count, 1);
        ck_assert_int_eq(peers[1].closes, 1);
        bank_peer_close_down(&peers[0]);
        bank_peer_close_down(&peers[1]);
        ck_assert(!bank_route_is_up(route));
        ck_assert_uint_eq(route->count.closed, 2);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_session");
        TCase *tcase = tcase_create("bank_session");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, a_connection_is_offered_only_after_its_sign_on_was_answered_00, 0,
                            COUNT(sign_on_rows));
        tcase_add_loop_test(tcase, an_answer_that_is_not_the_right_one_changes_nothing_but_a_counter, 0,
                            COUNT(answer_rows));
        tcase_add_test(tcase, an_approved_inquiry_without_a_balance_is_no_answer);
        tcase_add_loop_test(tcase, an_approved_inquiry_with_half_a_balance_is_no_answer, 0,
                            sizeof(no_balances) / sizeof(no_balances[0]));
        tcase_add_test(tcase, bytes_that_are_no_message_change_nothing_but_a_counter);
        tcase_add_loop_test(tcase, an_answer_to_what_has_ended_is_told_from_an_unknown_one, 0,
                            COUNT(stray_rows));
        tcase_add_test(tcase, messages_of_one_withdrawal_are_told_apart_by_their_kind);
        tcase_add_test(tcase, an_answer_to_a_partial_reversal_without_its_amounts_acknowledges_it);
        tcase_add_loop_test(tcase, a_late_answer_to_a_correction_does_not_acknowledge_the_next_one, 0,
                            sizeof(correction_rows) / sizeof(correction_rows[0]));
        tcase_add_test(tcase, each_waits_as_long_as_it_may);
        tcase_add_loop_test(tcase, a_silent_bank_is_tried_by_an_echo_and_given_up, 0, 2);
        tcase_add_test(tcase, an_unanswered_request_has_an_echo_sent_at_once);
        tcase_add_test(tcase, a_dialects_own_codes_are_sent_and_understood);
        tcase_add_loop_test(tcase, what_a_bank_may_ask_is_answered, 0, COUNT(bank_network_rows));
        tcase_add_test(tcase, a_bank_that_signs_off_is_asked_nothing_until_it_signs_on);
        tcase_add_test(tcase, what_people_are_told_of_a_link);
        tcase_add_test(tcase, what_was_told_holds_less_long_where_a_bank_was_heard_since);
        tcase_add_test(tcase, a_bank_that_takes_our_sign_on_is_signed_on);
        tcase_add_test(tcase, requests_are_spread_evenly_over_the_connections_that_are_up);
        tcase_add_test(tcase, without_load_connections_take_turns);
        tcase_add_test(tcase, no_more_is_outstanding_than_may_be);
        tcase_add_test(tcase, a_reservation_that_can_not_be_used_any_more_is_given_back);
        tcase_add_test(tcase, no_card_number_stays_behind_once_a_request_has_left);
        tcase_add_test(tcase, a_stop_signs_off);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
