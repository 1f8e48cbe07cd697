/*
 * What roles may do by hand, past the programs. The catalogue says which functions each may execute that may change something
 * (VOLATILE); each of those has rows here with what its program would refuse, and a function without a row fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "tests/contract/ops.h"
#include "tests/contract/roles.h"

#define OPERATOR WORLD_OPERATOR
#define KEEPER   WORLD_KEEPER
#define NO_NOTE  "SET atm.note = ' '; "
#define MASKS    "ARRAY['990001******0001']"
#define CARD     "'{00000000-0000-0000-0000-000000000001}', " MASKS ", '{HOUSE}'"
#define PAIR                                                                                                 \
        "ARRAY['00000000-0000-0000-0000-000000000001'::uuid], " MASKS ", ARRAY['HOUSE'], ARRAY['cash'], "    \
        "ARRAY['00000000-0000-0000-0000-000000000002'::uuid], "

#define NEW_KEYS(owner_kind, kind, owners, blocks, checks)                                                   \
        "SELECT key_set_add('" owner_kind "', '" kind "', '" owners "', NULL, '" blocks "', '" checks        \
        "', NULL, NULL, NULL)"
#define ON_OFFER(owner_kind, handover)                                                                       \
        "SELECT key_set_add('" owner_kind "', 'working', '{T0000001}', NULL, '{" WORLD_WORKING_SET           \
        "}', '{0a1b2c,0a1b2d,0a1b2e}', NULL, NULL, NULL, '{" handover "}')"
#define COMPONENTS(custodians, bags, checks)                                                                 \
        "SELECT key_set_add('terminal', 'kek', '{T0000001}', NULL, '{" WORLD_KEK                             \
        "}', '{0a1b2c}', '" custodians "', '" bags "', '" checks "')"

/* A call that must be refused, and what is said of it; NULL: it changes nothing, and is allowed to say so. */
static const struct refused {
        const char *role, *function, *call, *said;
} refused[] = {
    /* the books to 2100, and whatever is not over */
    {OPERATOR, "period_close", "SELECT period_close('4Q99', true)",
     "4Q99 is not over: expected a quarter whose last day is before business today, 2022-01-01: its last day "
     "is "
     "2100-03-31"},
    {OPERATOR, "period_close", "SELECT period_close('4Q21', true)", "4Q21 is not over"},
    {OPERATOR, "period_close", "SELECT period_close('5Q16', true)", "quarter '5Q16': expected one as 3Q16"},
    {OPERATOR, "period_close", "SELECT period_close(NULL, true)", "quarter NULL: expected one as 3Q16"},
    {OPERATOR, "period_close", "SELECT period_close('3Q16', NULL)", "expected true or false"},
    {OPERATOR, "period_close", NO_NOTE "SELECT period_close('3Q16', true)", "no note: expected a reason"},
    {OPERATOR, "period_close",
     "SELECT set_config('atm.note', repeat('x', 1001), false); SELECT period_close('3Q16', true)",
     "a note of 1001 characters: expected at most 1000"},
    {OPERATOR, "operator_saf",
     NO_NOTE "SELECT operator_saf(true, '{T0000001}', '{2016-12-29}', '{1}', '{1}')",
     "no note: expected a reason"},
    {OPERATOR, "operator_saf",
     "SELECT operator_saf(true, '{T0000001}', '{2016-12-29,2016-12-30}', '{1}', '{1}')",
     "lists of 1 and 2, 1, 1 values: expected lists of the same length"},
    {OPERATOR, "operator_saf", "SELECT operator_saf(NULL, '{T0000001}', '{2016-12-29}', '{1}', '{1}')",
     "expected true for park, false for retry"},
    {OPERATOR, "operator_resolve",
     NO_NOTE "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-29', false)",
     "no note: expected a reason"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', NULL, 0, false, '2016-12-29', false)",
     "no withdrawal: expected its terminal, moment and STAN"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 1500, true, '2016-12-29', false)",
     "'1500' yen dispensed: expected a multiple of 1000 yen"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, -1000, true, '2016-12-29', false)",
     "'-1000' yen dispensed: expected"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, NULL, '2016-12-29', false)",
     "neither here nor elsewhere: expected"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-29', NULL)",
     "neither forced nor not: expected true where its ATM is known to stand still"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2099-12-29', false)",
     "expected a moment between the withdrawal and now, 2022-01-01"},
    {OPERATOR, "operator_resolve",
     "SELECT operator_resolve('T0000001', '2016-12-29', 1, 0, false, '2016-12-20', false)",
     "expected a moment between the withdrawal and now"},
    {OPERATOR, "claim_add", NO_NOTE "SELECT claim_add('T0000001', '2016-12-29', 1, 1000)",
     "no note: expected a reason"},
    {OPERATOR, "claim_add", "SELECT claim_add('T0000001', '2016-12-29T00:00:00+09:00', 99, 1000)",
     "withdrawal T0000001 2016-12-29T00:00:00+09:00 99: expected the terminal, moment and STAN of one that "
     "the "
     "database has"},
    {OPERATOR, "claim_add",
     "SELECT claim_add(w.terminal, w.transmitted_at, w.stan, 0) FROM withdrawal w LIMIT 1",
     "'0' yen claimed: expected whole yen"},
    {OPERATOR, "claim_close", NO_NOTE "SELECT claim_close(1)", "no note: expected a reason"},
    {OPERATOR, "claim_close", "SELECT claim_close(1)", "claim 1: expected the number of one that is open"},
    {OPERATOR, "card_replace",
     NO_NOTE "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105}', '{lost}', '{NULL}')",
     "no note: expected a reason"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105,3106}', '{lost}', '{NULL}')",
     "expected lists of the same length"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR "'{9900010000000001}', '{cash}', '{HOUSE}', '{3105}', '{lost}', '{NULL}')",
     "expected the first 6 and last 4 digits"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{A}', '{3105}', '{lost}', '{NULL}')",
     "990001******0001 as a cash card of bank A: expected a number that begins with a prefix of that bank "
     "and kind"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{credit}', '{HOUSE}', '{3105}', '{lost}', '{NULL}')",
     "as a credit card of bank HOUSE: expected"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3113}', '{lost}', '{NULL}')",
     "expiry '3113': expected year and month, as 3105"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105}', '{active}', '{NULL}')",
     "status 'active': expected lost, stolen or replaced"},
    {OPERATOR, "card_open", "SELECT card_open(" CARD ", '{3105}', '{cash}', '{1,2}', '{NULL}')",
     "expected lists of the same length"},
    {OPERATOR, "card_open",
     "SELECT card_open(ARRAY[NULL::uuid], " MASKS ", '{HOUSE}', '{3105}', '{cash}', '{NULL}', '{NULL}')",
     "card 1: no token: expected its token"},
    {OPERATOR, "card_open",
     "SELECT card_open('{00000000-0000-0000-0000-000000000001}', '{9900010000000001}', '{HOUSE}', '{3105}', "
     "'{cash}', '{NULL}', '{NULL}')",
     "expected the first 6 and last 4 digits"},
    {OPERATOR, "card_open",
     "SELECT card_open(array_agg(card_token), array_agg(pan_mask), array_agg(issuer), "
     "array_agg(expiry_yymm), "
     "array_agg(kind), array_agg(NULL::bigint), array_agg(NULL::text)) FROM card WHERE pan_mask = "
     "'990001******0000'",
     "990001******0000: the database has this card already: expected a new one"},
    {OPERATOR, "card_open", "SELECT card_open(" CARD ", '{3100}', '{cash}', '{NULL}', '{NULL}')",
     "990001******0001: expiry '3100': expected year and month, as 3105"},
    {OPERATOR, "card_open", "SELECT card_open(" CARD ", '{3105}', '{loan}', '{NULL}', '{NULL}')",
     "990001******0001 as a loan card of bank HOUSE: expected a number that begins with a prefix of that "
     "bank and kind"},
    {OPERATOR, "card_open", NO_NOTE "SELECT card_open(" CARD ", '{3105}', '{cash}', '{1000}', '{NULL}')",
     "no note: expected a reason"},
    {OPERATOR, "card_open", "SELECT card_open(" CARD ", '{3105}', '{cash}', '{-1}', '{NULL}')",
     "990001******0001: opening with '-1' yen: expected whole yen"},
    {OPERATOR, "card_open",
     "SELECT card_open('{00000000-0000-0000-0000-000000000001}', '{990004******0001}', '{A}', '{3105}', "
     "'{cash}', "
     "'{1000}', '{NULL}')",
     "a card of bank A, which keeps its accounts itself: expected a card of the house bank"},
    {OPERATOR, "card_replace",
     "SELECT card_replace(" PAIR MASKS ", '{cash}', '{HOUSE}', '{3105}', '{lost}', '{123}')",
     "pair 1: the PIN's value: expected a PVV of 4 digits, or an offset of 4 to 12: no PIN"},
    {OPERATOR, "card_open", "SELECT card_open(" CARD ", '{3105}', '{cash}', '{NULL}', '{1234567890123}')",
     "990001******0001: the PIN's value: expected a PVV of 4 digits, or an offset of 4 to 12: no PIN"},
    {OPERATOR, "card_open",
     "SELECT card_open('{00000000-0000-0000-0000-000000000001}', '{990004******0001}', '{A}', '{3105}', "
     "'{cash}', '{NULL}', '{1234}')",
     "a card of bank A, which verifies PINs itself: expected a card of the house bank"},
    {OPERATOR, "card_open", NO_NOTE "SELECT card_open(" CARD ", '{3105}', '{cash}', '{NULL}', '{1234}')",
     "no note: expected a reason"},
    {OPERATOR, "pin_set", NO_NOTE "SELECT pin_set('{00000000-0000-0000-0000-000000000001}', '{1234}')",
     "no note: expected a reason"},
    {OPERATOR, "pin_set", "SELECT pin_set('{00000000-0000-0000-0000-000000000001}', '{1234,1234}')",
     "expected lists of the same length"},
    {OPERATOR, "pin_set", "SELECT pin_set('{00000000-0000-0000-0000-000000000001}', '{1234}')",
     "PIN 1: its card is not there: expected a card that the database has"},
    {OPERATOR, "pin_set",
     "SELECT pin_set(ARRAY[card_token], '{12a4}') FROM card WHERE pan_mask = '990001******0000'",
     "990001******0000: the PIN's value: expected a PVV of 4 digits"},
    {OPERATOR, "card_unblock", NO_NOTE "SELECT card_unblock('00000000-0000-0000-0000-000000000001')",
     "no note: expected a reason"},
    {OPERATOR, "card_unblock", "SELECT card_unblock(NULL)",
     "card NULL is not there: expected a card that the database has"},
    {OPERATOR, "card_unblock",
     "SELECT card_unblock(card_token) FROM card WHERE pan_mask = '990001******0000'",
     "990001******0000: no wrong PIN is counted: expected a card with wrong ones"},
    {OPERATOR, "account_open",
     NO_NOTE "SELECT account_open('{00000000-0000-0000-0000-000000000001}', '{1000}')",
     "no note: expected a reason"},
    {OPERATOR, "account_open", "SELECT account_open('{00000000-0000-0000-0000-000000000001}', '{1000}')",
     "its card is not there: expected a card that the database has"},
    {OPERATOR, "account_open",
     "SELECT account_open(ARRAY[card_token], '{1000}') FROM card WHERE pan_mask = '990001******0000'",
     "990001******0000: the card has an account already: expected a card without one"},
    {OPERATOR, "account_open",
     "SELECT account_open(ARRAY[card_token], '{1000000000000}') FROM card WHERE pan_mask = "
     "'990001******0019'",
     "opening with '1000000000000' yen: expected whole yen from 0 to 999999999999"},
    {OPERATOR, "account_open", "SELECT account_open('{00000000-0000-0000-0000-000000000001}', '{1000,1000}')",
     "expected lists of the same length"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2020-01-01', NULL)",
     "no day: expected the first day, and the day after the last"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2020-01-01', '2019-01-01')",
     "the end 2019-01-01 is not after the start 2020-01-01"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2016-10-01', '2099-01-01')",
     "expected days from 2000-01-01 to ten years after business today, 2022-01-01"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('1900-01-01', '2017-01-01')",
     "expected days from 2000-01-01"},
    {OPERATOR, "ledger_make_partitions", "SELECT ledger_make_partitions('2020-01-01', '2020-02-01')",
     "to before 2020-01-01 there would be none"},
    {OPERATOR, "token_key_is", "SELECT token_key_is('my own')", "expected 32 digits of hexadecimal"},
    {OPERATOR, "token_key_is", "SELECT token_key_is(NULL)", "expected 32 digits of hexadecimal"},
    {OPERATOR, "token_key_enter", "SELECT token_key_enter('my own')", "expected 32 digits of hexadecimal"},
    {OPERATOR, "token_key_enter", "SELECT token_key_enter(NULL)", "expected 32 digits of hexadecimal"},
    {OPERATOR, "token_key_correct", "SELECT token_key_correct('my own')",
     "expected 32 digits of hexadecimal"},
    {OPERATOR, "token_key_correct", NO_NOTE "SELECT token_key_correct('my own')",
     "no note: expected a reason"},
    {OPERATOR, "token_key_correct", "SELECT token_key_correct(repeat('a', 32))",
     "there are tokens of the key that was entered: expected a database without cards"},
    {OPERATOR, "atm_bar_note", NO_NOTE "SELECT atm_bar_note('T0000001')", "no note: expected a reason"},
    {OPERATOR, "atm_bar_note", "SELECT atm_bar_note('T0000001')",
     "ATM T0000001: expected one that is barred"},
    {OPERATOR, "atm_bar_note", "SELECT atm_bar_note(NULL)", "ATM unnamed: expected one that is barred"},
    {OPERATOR, "summary_extend", "SELECT summary_extend('2022-01-01')",
     "sums through 2022-01-01: expected a day that is over: business today is 2022-01-01"},
    {OPERATOR, "summary_extend", "SELECT summary_extend('infinity')",
     "sums through infinity: expected a day that is over"},
    {OPERATOR, "summary_extend", "SELECT summary_extend('-infinity')",
     "sums through -infinity: expected a day that is over"},
    {OPERATOR, "summary_step", "SELECT summary_step(NULL)", "expected true or false"},
    {OPERATOR, "business_now", "SELECT business_now()", NULL},
    {OPERATOR, "business_today", "SELECT business_today()", NULL},
    {OPERATOR, "real_now_ms", "SELECT real_now_ms()", NULL},
    {"atm_report", "real_now_ms", "SELECT real_now_ms()", NULL},
    {OPERATOR, "epoch_now", "SELECT epoch_now()", NULL},
    {"atm_report", "epoch_now", "SELECT epoch_now()", NULL},
    {"atm_report", "business_now", "SELECT business_now()", NULL},
    {"atm_report", "business_today", "SELECT business_today()", NULL},
    /* atmd's role: what its tables refuse */
    {"atm_daemon", "summary_extend", "SELECT summary_extend('2100-01-01')",
     "sums through 2100-01-01: expected a day that is over"},
    {"atm_daemon", "summary_step", "SELECT summary_step(NULL)", "expected true or false"},
    {"atm_daemon", "token_key_is", "SELECT token_key_is('my own')", "expected 32 digits of hexadecimal"},
    {"atm_daemon", "token_key_enter", "SELECT token_key_enter('my own')",
     "expected 32 digits of hexadecimal"},
    {"atm_daemon", "instance_limits_are", "SELECT instance_limits_are(-1, 510)",
     "limits of '-1' and '510' seconds: expected 0 or more"},
    {"atm_daemon", "instance_limits_are", "SELECT instance_limits_are(90, NULL)", "expected 0 or more"},
    {"atm_daemon", "sightings_write",
     "SELECT sightings_write('one', '{link}', '{A}', '{up}', '{1,2}', '{1}', '{x}')",
     "lists of 1 and 1, 1, 2, 1, 1 values: expected lists of the same length"},
    {"atm_daemon", "sightings_write",
     "SELECT sightings_write('one', '{atm}', '{A}', '{up}', '{1}', '{1}', '{x}')",
     "violates check constraint \"sighting_state\""},
    {"atm_daemon", "sightings_write", "SELECT sightings_write('one', '{}', '{}', '{}', '{}', '{}', '{}')",
     NULL},
    {"atm_daemon", "sightings_leave", "SELECT sightings_leave('one')", NULL},
    {OPERATOR, "sighting_is_fresh", "SELECT sighting_is_fresh(1)", NULL},
    {"atm_report", "sighting_is_fresh", "SELECT sighting_is_fresh(1)", NULL},
    {OPERATOR, "recovery_propose", NO_NOTE "SELECT recovery_propose('[]')", "no note: expected a reason"},
    {OPERATOR, "recovery_propose", "SELECT recovery_propose('[]')", "[]: expected a list of what is lost"},
    {OPERATOR, "recovery_propose", "SELECT recovery_propose('[{\"stan\": 1}]')",
     "an item without terminal, moment, STAN and plan: expected all of them"},
    {OPERATOR, "recovery_confirm", "SELECT recovery_confirm(1, '[]')",
     "recovery 1: expected the number of one that was proposed"},
    {OPERATOR, "recovery_drop", "SELECT recovery_drop(NULL)",
     "recovery NULL: expected the number of one that was proposed"},
    {OPERATOR, "recovery_step", "SELECT recovery_step(1, 1, 1)",
     "recovery 1: expected the number of one that was proposed"},
    {OPERATOR, "recovery_step", "SELECT recovery_step(1, 1, 0)", "'0' at a time: expected 1 or more"},
    {"atm_daemon", "ledger_unblock", "SELECT ledger_unblock(-1, 0, 0)",
     "'-1', '0' and '0' ms: expected 0 or more"},
    {"atm_daemon", "ledger_unblock", "SELECT ledger_unblock(0, 0, NULL)", "expected 0 or more"},
    {"atm_daemon", "ledger_unblock", "SELECT ledger_unblock(0, 0, 0)", NULL},
    {"atm_daemon", "epoch_now", "SELECT epoch_now()", NULL},
    {"atm_daemon", "ledger_make_partitions", "SELECT ledger_make_partitions('2016-10-01', '2099-01-01')",
     "expected days from 2000-01-01 to ten years after business today"},
    {"atm_daemon", "real_now_ms", "SELECT real_now_ms()", NULL},
    {"atm_daemon", "ledger_session", "SELECT ledger_session()", NULL},
    {"atm_daemon", "ledger_request",
     "SELECT ledger_request(-1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', "
     "'{}', '{}', '{}', "
     "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 1)",
     NULL},
    {"atm_daemon", "ledger_inquiry",
     "SELECT ledger_inquiry(-1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')", NULL},
    {"atm_daemon", "ledger_advice",
     "SELECT ledger_advice('{T0000001}', '{2016-12-29}', '{1}', '{completion}', '{2016-12-29}', '{2}', "
     "'{NULL}', '{10000}', "
     "'{-1000}', 1)",
     "advice_dispensed_yen_check"},
    {"atm_daemon", "ledger_outcome",
     "SELECT ledger_outcome('{T0000001}', '{2016-12-29}', '{1}', '{0}', '{NULL}', '{00}', '{answer}')", NULL},
    {"atm_daemon", "atm_end_due", "SELECT atm_end_due()", NULL},
    {"atm_daemon", "ledger_sweep", "SELECT ledger_sweep(0, 10)", NULL},
    {"atm_daemon", "saf_take", "SELECT saf_take('BANKA', NULL, 1, 1, 1, 1)",
     "null value in column \"holder\""},
    {"atm_daemon", "saf_end", "SELECT saf_end('{T0000001}', '{2016-12-29}', '{1}', '{1}', '{done}', '{00}')",
     NULL},
    {"atm_daemon", "key_sets_used", "SELECT key_sets_used('{terminal}', '{T0000001}', '{1,2}')",
     "lists of 1 and 1, 2 values: expected lists of the same length"},
    {"atm_daemon", "key_sets_used", "SELECT key_sets_used('{terminal}', '{T0000001}', '{1}')", NULL},
    /* who looks after keys */
    {KEEPER, "key_set_add", NO_NOTE NEW_KEYS("terminal", "kek", "{T0000001}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "no note: expected a reason"},
    {KEEPER, "key_set_add", NEW_KEYS("terminal", "master", "{T0000001}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "keys of kind 'master': expected kek, working or verification"},
    {KEEPER, "key_set_add", NEW_KEYS("hall", "kek", "{H00001}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "keys of a 'hall': expected a terminal, link or issuer"},
    {KEEPER, "key_set_add", NEW_KEYS("terminal", "kek", "{T9999999}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "terminal 'T9999999': expected one of the fleet"},
    {KEEPER, "key_set_add", NEW_KEYS("link", "kek", "{BANKX}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "link 'BANKX': expected one that an issuer names"},
    {KEEPER, "key_set_add", NEW_KEYS("issuer", "verification", "{A}", "{" WORLD_BLOCK("V2") "}", "{0a1b2c}"),
     "issuer 'A': expected one without a link"},
    {KEEPER, "key_set_add", NEW_KEYS("issuer", "kek", "{HOUSE}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "violates check constraint \"key_set_kind\""},
    {KEEPER, "key_set_add",
     NEW_KEYS("terminal", "kek", "{T0000001,T0000001}", "{" WORLD_KEK "," WORLD_KEK "}", "{0a1b2c,0a1b2c}"),
     "owners that are missing or named twice: expected each once"},
    {KEEPER, "key_set_add", NEW_KEYS("terminal", "working", "{T0000001}", "{" WORLD_KEK "}", "{0a1b2c}"),
     "lists of 1 and 1, 3 values: expected lists of the same length"},
    {KEEPER, "key_set_add",
     NEW_KEYS("terminal", "working", "{T0000001}",
              "{" WORLD_BLOCK("M6") "," WORLD_BLOCK("M6") "," WORLD_BLOCK("P0") "}",
              "{0a1b2c,0a1b2d,0a1b2e}"),
     "violates check constraint \"key_set_usage\""},
    {KEEPER, "key_set_add", NEW_KEYS("terminal", "kek", "{T0000001}", "{" WORLD_BLOCK("P0") "}", "{0a1b2c}"),
     "violates check constraint \"key_set_usage\""},
    {KEEPER, "key_set_add",
     NEW_KEYS("terminal", "kek", "{T0000001}", "{0123456789ABCDEF0123456789ABCDEF}", "{0a1b2c}"),
     "violates check constraint \"key_set_usage\""},
    {KEEPER, "key_set_add", NEW_KEYS("terminal", "kek", "{T0000001}", "{" WORLD_KEK "0}", "{0a1b2c}"),
     "key block 1 of 1: expected as many characters as its header says"},
    {KEEPER, "key_set_add", NEW_KEYS("terminal", "kek", "{T0000001}", "{" WORLD_KEK "}", "{0a1b}"),
     "violates check constraint \"key_set_check_value_check\""},
    {KEEPER, "key_set_add", COMPONENTS("{Sato}", "{B-1}", "{111111}"),
     "custodians Sato: expected two persons or more, each once: nobody has all components"},
    {KEEPER, "key_set_add", COMPONENTS("{Sato,sato}", "{B-1,B-2}", "{111111,222222}"),
     "custodians Sato, sato: expected two persons or more"},
    {KEEPER, "key_set_add", COMPONENTS("{Sato,Mori}", "{B-1}", "{111111,222222}"),
     "lists of 2 and 2, 1 values: expected lists of the same length"},
    {KEEPER, "key_set_add", COMPONENTS("{Sato,Mori}", "{B-1,B 2}", "{111111,222222}"),
     "bags B-1, B 2: expected their numbers"},
    {KEEPER, "key_set_add", COMPONENTS("{Sato,Mori}", "{B-1,B-2}", "{111111,22}"),
     "components' check values: expected 6 to 10 digits of hexadecimal each"},
    {KEEPER, "key_set_add",
     "SELECT key_set_add('terminal', 'kek', '{T0000001}', '{0}', '{" WORLD_KEK
     "}', '{0a1b2c}', NULL, NULL, NULL)",
     "set 0 of T0000001: expected a number above 0, its newest"},
    {KEEPER, "key_set_add",
     "SELECT key_set_add('terminal', 'kek', '{T0000001}', '{10000}', '{" WORLD_KEK
     "}', '{0a1b2c}', NULL, NULL, NULL)",
     "violates check constraint \"key_set_number_check\""},
    {KEEPER, "key_set_add", ON_OFFER("terminal", WORLD_WORKING_SET "," WORLD_WORKING_SET),
     "lists of 3 and 6 values: expected lists of the same length"},
    {KEEPER, "key_set_add",
     ON_OFFER("terminal", WORLD_BLOCK("M6") "," WORLD_BLOCK("M6") "," WORLD_BLOCK("P0")),
     "violates check constraint \"key_set_handover\""},
    {KEEPER, "key_set_add",
     ON_OFFER("terminal", WORLD_BLOCK("P0") "," WORLD_BLOCK("M6") "," WORLD_BLOCK("M6") "0"),
     "key block 6 of 6: expected as many characters as its header says"},
    {KEEPER, "key_sets_exported", NO_NOTE "SELECT key_sets_exported('terminal', '{T0000001}', '{1}')",
     "no note: expected a reason"},
    {KEEPER, "key_sets_exported", "SELECT key_sets_exported('terminal', '{T0000001}', '{1}')",
     "1 sets, of which 0 are there: expected working sets that are there and not retired, each once"},
    {KEEPER, "key_sets_exported", "SELECT key_sets_exported('terminal', '{}', '{}')", "0 sets, of which 0"},
    {KEEPER, "key_set_retire", NO_NOTE "SELECT key_set_retire('terminal', 'T0000001', 'working', 1)",
     "no note: expected a reason"},
    {KEEPER, "key_set_retire", "SELECT key_set_retire('terminal', 'T0000001', 'working', 1)",
     "key set 1 (working) of terminal T0000001: expected one that is there and not retired"},
};

static const char *const roles[] = {"atm_daemon", OPERATOR, "atm_report", KEEPER};

/* Of pg_proc p: the functions that a role may execute; of one that is an operator too, those that others may not. */
#define MAY_EXECUTE                                                                                          \
        "p.pronamespace = 'public'::regnamespace AND has_function_privilege('%1$s', p.oid, 'EXECUTE') AND "  \
        "('%1$s' <> '" KEEPER "' OR NOT has_function_privilege('" OPERATOR "', p.oid, 'EXECUTE'))"

/* Those of them that may change something. */
static char *executable(struct world *world, const char *role)
{
        char sql[400];

        snprintf(sql, sizeof sql,
                 "SELECT DISTINCT p.proname FROM pg_proc p WHERE " MAY_EXECUTE
                 " AND p.provolatile = 'v' ORDER BY 1",
                 role);
        return world_query(world, sql);
}

/* What an operator's statement ends with: "done", or the error. */
static const char *told(PGconn *pg, const char *sql, char said[300])
{
        PGresult *result = PQexec(pg, sql);
        const char *error = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

        snprintf(said, 300, "%s", error ? error : "done");
        PQclear(result);
        return said;
}

static const char every_row[] = "SELECT string_agg(c.relname || ' ' || query_to_xml('SELECT "
                                "md5(string_agg(t::text, '','' ORDER BY t::text)) AS s FROM ' "
                                "|| c.relname || ' t', true, true, '')::text, ' ' ORDER BY "
                                "c.relname) FROM pg_class c WHERE c.relnamespace = "
                                "'public'::regnamespace AND c.relkind IN ('r', 'p')";

START_TEST(each_function_that_a_role_may_execute_refuses_what_its_program_would)
{
        struct world world;
        PGconn *session[LENGTH(roles)];
        struct ledger_op request;
        char *before, *after;

        ops_open(&world);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 1, 1, 10000); /* there is something to be changed */
        ops_do(&world, &request);
        before = world_query(&world, every_row);
        for (size_t i = 0; i < LENGTH(roles); i++)
                session[i] = world_session(&world, roles[i]);
        for (size_t i = 0; i < LENGTH(refused); i++) {
                const struct refused *row = &refused[i];
                size_t role = 0;
                PGresult *result;
                const char *said;

                while (strcmp(roles[role], row->role) != 0)
                        role++;
                world_run(session[role], "DISCARD ALL");
                result = PQexec(session[role], row->call);
                said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
                if (row->said)
                        ck_assert_msg(said && strstr(said, row->said), "%s: %s: '%s' expected, heard: %s",
                                      row->role, row->call, row->said, said ? said : "nothing");
                else
                        ck_assert_msg(!said, "%s: %s: %s", row->role, row->call, said);
                PQclear(result);
        }
        for (size_t i = 0; i < LENGTH(roles); i++)
                PQfinish(session[i]);
        after = world_query(&world, every_row);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        world_close(&world);
}
END_TEST

START_TEST(no_function_is_without_a_row)
{
        struct world world;

        ops_open(&world);
        for (size_t i = 0; i < LENGTH(roles); i++) {
                char *names = executable(&world, roles[i]), *rest = names, *name;

                while ((name = strsep(&rest, "\n")) && *name) {
                        size_t at = 0;

                        while (at < LENGTH(refused) &&
                               (strcmp(refused[at].role, roles[i]) || strcmp(refused[at].function, name)))
                                at++;
                        ck_assert_msg(at < LENGTH(refused), "%s may execute %s: no row says what it refuses",
                                      roles[i], name);
                }
                free(names);
        }
        world_close(&world);
}
END_TEST

/*
 * Calls that nobody would think of, of whatever a role may execute: all NULL, the least and the most of each type, nothing, and lists of
 * different lengths. Made from the catalogue, so that a new function has them too.
 */
static char *hostile_calls(struct world *world, const char *role)
{
        char sql[4000];

        snprintf(
            sql, sizeof sql,
            "SELECT format('SELECT FROM %%I(%%s)', p.proname, coalesce(string_agg(CASE v.kind "
            "WHEN 'null' THEN format('NULL::%%s', a.type) "
            "WHEN 'empty' THEN format('%%L::%%s', CASE WHEN a.is_list THEN '{}' ELSE e.middle END, a.type) "
            "WHEN 'lengths' THEN CASE WHEN a.is_list THEN format('array_fill(%%L::%%s, ARRAY[%%s])', "
            "e.middle, "
            "e.type, a.position) ELSE format('%%L::%%s', e.middle, e.type) END "
            "ELSE format(CASE WHEN a.is_list THEN 'ARRAY[%%L::%%s]' ELSE '%%L::%%s' END, "
            "CASE v.kind WHEN 'least' THEN e.least ELSE e.most END, e.type) END, ', ' ORDER BY a.position) "
            "FILTER (WHERE a.type IS NOT NULL), '')) "
            "FROM pg_proc p CROSS JOIN (VALUES ('null'), ('empty'), ('lengths'), ('least'), ('most')) v "
            "(kind) "
            "LEFT JOIN LATERAL (SELECT format_type(t, NULL) AS type, format_type(t, NULL) LIKE '%%[]' AS "
            "is_list, "
            "position FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u (t, position)) a ON true "
            "LEFT JOIN LATERAL (SELECT replace(a.type, '[]', '') AS type, x.* FROM (VALUES "
            "('date', '-infinity', '2022-01-01', 'infinity'), "
            "('timestamp with time zone', '-infinity', '2016-12-29', 'infinity'), "
            "('smallint', '-32768', '0', '32767'), ('integer', '-2147483648', '0', '2147483647'), "
            "('bigint', '-9223372036854775808', '0', '9223372036854775807'), "
            "('bytea', '', '\\x00', repeat('\\\\ff', 3000)), "
            "('jsonb', '{}', '[]', '[{}]'), ('numeric', 'NaN', '0', '1e300'), ('boolean', 'f', 't', 't'), "
            "('uuid', '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001', "
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'), ('name', '', 'atm', repeat('x', 63)), "
            "('text', '', 'x', repeat(E'\\u202e\\x01''\"', 3000))) x (name, least, middle, most) "
            "WHERE x.name = replace(a.type, '[]', '')) e ON true "
            "WHERE " MAY_EXECUTE " AND p.prorettype <> 'trigger'::regtype GROUP BY p.oid, p.proname, v.kind "
            "ORDER BY p.proname, v.kind",
            role);
        return world_query(world, sql);
}

/* What such a call ends with: NULL where that is well. Nothing may be internal, endless, or the server's end. */
static const char *judge(PGconn *pg, const char *call, char said[300])
{
        PGresult *result = PQexec(pg, call);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char *error = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        bool is_bad = PQstatus(pg) != CONNECTION_OK ||
                      (state && (!strncmp(state, "XX", 2) || !strncmp(state, "57", 2) ||
                                 !strncmp(state, "53", 2) || !strncmp(state, "42", 2)));

        snprintf(said, 300, "%s", error ? error : PQerrorMessage(pg));
        PQclear(result);
        return is_bad ? said : NULL;
}

START_TEST(no_function_is_upset_by_what_nobody_would_ask)
{
        struct world world;
        struct ledger_op request;
        char *before, *after, said[300];
        size_t differs;

        ops_open(&world);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 1, 1, 10000);
        ops_do(&world, &request);
        before = world_query(&world, every_row);
        for (size_t i = 0; i < LENGTH(roles); i++) {
                char *calls = hostile_calls(&world, roles[i]), *rest = calls, *call;
                /* the daemon's own may change something where they hold */
                bool may_change = !strcmp(roles[i], "atm_daemon");
                PGconn *pg;
                int count = 0;

                pg = world_session(&world, roles[i]);
                ck_assert_str_eq(told(pg, "SET statement_timeout = '60s'; SET atm.note = 'attacked'", said),
                                 "done");
                while ((call = strsep(&rest, "\n")) && *call) {
                        const char *problem;

                        if (may_change)
                                PQclear(PQexec(pg, "BEGIN"));
                        problem = judge(pg, call, said);
                        ck_assert_msg(!problem, "%s: %.400s: %s", roles[i], call, problem);
                        if (may_change)
                                PQclear(PQexec(pg, "ROLLBACK"));
                        count++;
                }
                ck_assert_int_gt(count, !strcmp(roles[i], KEEPER) ? 5 : 20);
                free(calls);
                PQfinish(pg);
        }
        after = world_query(&world, every_row);
        for (differs = 0; before[differs] && before[differs] == after[differs];)
                differs++;
        ck_assert_msg(!before[differs], "who may not has changed rows: %.*s", 300,
                      after + (differs < 200 ? 0 : differs - 200));
        free(before);
        free(after);
        world_close(&world);
}
END_TEST

/* rights -------------------------------------------------------------------------------------------------------- */

START_TEST(each_role_reads_and_writes_what_it_is_there_for_and_no_more)
{
        static const struct {
                const char *what, *sql, *expected;
        } rights[] = {
            {"locks without a table, of which a login could take any number",
             "SELECT p.oid::regprocedure FROM pg_proc p CROSS JOIN unnest(ARRAY['atm_daemon', "
             "'atm_operator', "
             "'atm_report', 'operator']) r WHERE p.proname ~ '^pg_(try_)?advisory_' AND "
             "has_function_privilege(r, p.oid, 'EXECUTE')",
             ""},
            {"what reports don't read",
             "SELECT c.relname || coalesce(' but ' || string_agg(a.attname, ' ' ORDER BY a.attname) FILTER "
             "(WHERE "
             "has_column_privilege('atm_report', c.oid, a.attnum, 'SELECT') IS FALSE AND "
             "has_any_column_privilege('atm_report', c.oid, "
             "'SELECT')), '') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND "
             "NOT a.attisdropped WHERE "
             "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND (NOT "
             "c.relispartition OR c.relname LIKE "
             "'summary%') AND NOT has_table_privilege('atm_report', c.oid, 'SELECT') GROUP BY c.relname "
             "ORDER BY c.relname",
             "card\ncard_replacement\nexclusion\nkey_set\nkey_version\nopen_withdrawal\npin_event\npin_"
             "inquiry\n"
             "recovery_item\nsaf but "
             "chip\ntoken_key\ntrail\nv_account\nv_card_day\nv_card_month\nv_card_pin\nv_key_set\nv_"
             "open\nv_open_listed\nv_withdrawal but card_token\nwithdrawal but card_token\n"},
            {"what reports read of cards",
             "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN "
             "('card_token', 'successor') WHERE "
             "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND "
             "has_column_privilege('atm_report', c.oid, "
             "a.attnum, 'SELECT')",
             ""},
            {"who reads key blocks",
             "SELECT r FROM unnest(ARRAY['atm_daemon', '" OPERATOR "', 'atm_report', '" KEEPER
             "']) r WHERE has_any_column_privilege(r, 'key_set', 'SELECT') OR has_function_privilege(r, "
             "'key_sets_since(bigint)', 'EXECUTE')",
             "atm_daemon\n" KEEPER "\n"},
            {"what who looks after keys writes that no operator may",
             "SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN "
             "('r', 'p', 'v') AND (has_any_column_privilege('" KEEPER
             "', oid, 'INSERT') OR has_any_column_privilege('" KEEPER
             "', oid, 'UPDATE') OR has_table_privilege('" KEEPER
             "', oid, 'DELETE')) AND NOT has_any_column_privilege('" OPERATOR "', oid, 'INSERT, UPDATE')",
             ""},
            {"what operators don't read",
             "SELECT c.relname || coalesce(' but ' || string_agg(a.attname, ' ' ORDER BY a.attname) FILTER "
             "(WHERE "
             "has_any_column_privilege('" OPERATOR
             "', c.oid, 'SELECT')), '') FROM pg_class c JOIN pg_attribute a ON "
             "a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace = "
             "'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT has_column_privilege('" OPERATOR
             "', c.oid, a.attnum, 'SELECT') AND NOT c.relispartition GROUP BY c.relname ORDER BY c.relname",
             "card but pin_value\nkey_set\nsaf but chip\n"},
            {"what reports write",
             "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', "
             "'p', 'v') AND "
             "(has_any_column_privilege('atm_report', oid, 'INSERT') OR "
             "has_any_column_privilege('atm_report', oid, 'UPDATE') OR "
             "has_table_privilege('atm_report', oid, 'DELETE') OR has_table_privilege('atm_report', oid, "
             "'TRUNCATE'))",
             ""},
            {"what the daemon touches",
             "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', "
             "'p', 'v', 'S') AND "
             "(has_any_column_privilege('atm_daemon', oid, 'SELECT') OR "
             "has_any_column_privilege('atm_daemon', oid, 'INSERT') OR "
             "has_any_column_privilege('atm_daemon', oid, 'UPDATE') OR has_table_privilege('atm_daemon', "
             "oid, 'DELETE'))",
             "schema_quarter\n"},
            {"what operators write",
             "SELECT concat_ws(' ', relname, CASE WHEN has_table_privilege('" OPERATOR
             "', oid, 'INSERT') THEN 'i' END, CASE WHEN "
             "has_table_privilege('" OPERATOR
             "', oid, 'UPDATE') THEN 'u' ELSE (SELECT 'u(' || string_agg(attname, ' ' ORDER BY attname) "
             "|| ')' FROM pg_attribute WHERE attrelid = oid AND attnum > 0 AND "
             "has_column_privilege('" OPERATOR "', oid, attnum, "
             "'UPDATE')) END, CASE WHEN has_table_privilege('" OPERATOR
             "', oid, 'DELETE') THEN 'd' END) FROM pg_class c WHERE "
             "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND "
             "(has_any_column_privilege('" OPERATOR "', oid, 'INSERT') OR has_any_column_privilege('" OPERATOR
             "', oid, 'UPDATE') OR has_table_privilege('" OPERATOR "', oid, 'DELETE')) ORDER BY 1",
             "area i u\natm i u\ncard u(expiry_yymm status)\ncard_prefix i u d\ncontract i u d\ncost i u "
             "d\nexclusion i u(until_on)\n"
             "finance_rate i u d\nhall i u\nholiday i u d\nissuer i u\nlimit_rule i u d\nnetwork_hours i u "
             "d\npeer i u d\n"
             "published i u d\ntarget i u d\ntariff i u d\ntax_rate i u d\n"},
            {"what a login without any role may do",
             "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype <> "
             "'trigger'::regtype AND has_function_privilege('public', oid, 'EXECUTE') UNION ALL SELECT "
             "relname "
             "FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind IN ('r', 'p', 'v') AND "
             "has_table_privilege('public', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, "
             "TRIGGER') "
             "OR relkind = 'S' AND has_sequence_privilege('public', oid, 'SELECT, USAGE, UPDATE')) UNION ALL "
             "SELECT 'creates' WHERE has_schema_privilege('public', 'public', 'CREATE')",
             ""},
            {"who logs in, and who owns",
             "SELECT concat_ws(' ', rolname, CASE WHEN rolcanlogin THEN 'logs in' END, CASE WHEN rolsuper OR "
             "rolcreaterole OR rolcreatedb "
             "OR rolbypassrls OR rolreplication THEN 'may more' END, CASE WHEN rolname <> 'atm_owner' AND "
             "pg_has_role(rolname, "
             "'atm_owner', 'MEMBER') THEN 'owns' END) FROM pg_roles WHERE rolname LIKE 'atm%' OR rolname = "
             "'" OPERATOR "' ORDER BY 1",
             "atm_daemon logs in\natm_keys\natm_operator\natm_owner\natm_report logs in\noperator logs in\n"},
        };
        struct world world;

        ops_open(&world);
        for (size_t i = 0; i < LENGTH(rights); i++) {
                char *found = world_query(&world, rights[i].sql);

                ck_assert_msg(!strcmp(found, rights[i].expected), "%s: '%s' expected, found: '%s'",
                              rights[i].what, rights[i].expected, found);
                free(found);
        }
        world_close(&world);
}
END_TEST

/* trail --------------------------------------------------------------------------------------------------------- */

START_TEST(whatever_people_may_write_is_in_the_trail)
{
        /* columns that a role may insert or update, of tables without a trigger that is told of them */
        static const char silent[] =
            "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "AND a.attnum > 0 "
            "AND NOT a.attisdropped CROSS JOIN unnest('{" OPERATOR ",atm_report,atm_daemon}'::text[]) r "
            "WHERE c.relnamespace = "
            "'public'::regnamespace AND c.relkind IN ('r', 'p') AND (has_column_privilege(r, c.oid, "
            "a.attnum, 'INSERT') OR "
            "has_column_privilege(r, c.oid, a.attnum, 'UPDATE')) AND NOT EXISTS (SELECT FROM pg_trigger t "
            "WHERE t.tgrelid = "
            "c.oid AND t.tgname = 'trail_set' AND a.attnum = ANY (t.tgattr::smallint[]) AND EXISTS (SELECT "
            "FROM pg_trigger i "
            "WHERE i.tgrelid = c.oid AND i.tgname = 'trail_in') AND EXISTS (SELECT FROM pg_trigger o WHERE "
            "o.tgrelid = c.oid "
            "AND o.tgname = 'trail_out'))";
        struct world world;
        char *columns;

        ops_open(&world);
        columns = world_query(&world, silent);
        ck_assert_str_eq(columns, "");
        free(columns);
        world_close(&world);
}
END_TEST

START_TEST(a_change_leaves_who_why_before_and_after_and_no_token)
{
        static const struct {
                const char *sql, *said;
        } changes[] = {
            {NO_NOTE "UPDATE limit_rule SET value = 9 WHERE kind = 'day_count'",
             "limit: no note: expected a reason, by --note or the setting atm.note"},
            {NO_NOTE "DELETE FROM limit_rule WHERE kind = 'day_count'",
             "limit: no note: expected a reason, by --note or the "
             "setting atm.note"},
            {NO_NOTE "UPDATE hall SET share_bp = 1 WHERE hall = 'H00001'",
             "hall: no note: expected a reason, by --note or the setting atm.note"},
            {NO_NOTE "INSERT INTO exclusion VALUES ('00000000-0000-0000-0000-000000000001', '2021-01-01')",
             "exclusion: no note: expected a reason, by --note or the setting atm.note"},
            {NO_NOTE "UPDATE exclusion SET card_token = '00000000-0000-0000-0000-000000000001'",
             "permission denied for table exclusion"},
            {NO_NOTE "DELETE FROM exclusion", "permission denied for table exclusion"},
            {"SET atm.note = E'\\t\\u3000\\u200b'; UPDATE limit_rule SET value = 9 WHERE kind = 'day_count'",
             "limit: no note: expected a reason, by --note or the setting atm.note"},
            {"SELECT set_config('atm.note', repeat('x', 1001), false); UPDATE limit_rule SET value = 9",
             "a note of 1001 characters: expected at most 1000"},
            {NO_NOTE "UPDATE issuer SET name = 'Bank4111111111111111'",
             "issuer: a text with a card's number: expected its mask: the first 6 and last 4 digits"},
            /* days that atmd could not read, which kept it from every later change */
            {NO_NOTE "INSERT INTO network_hours VALUES ('infinity', 'off', 0, 1440)",
             "new row for relation \"network_hours\" violates check constraint "
             "\"network_hours_from_on_calendar\""},
            {NO_NOTE "INSERT INTO network_hours VALUES ('0044-03-15 BC', 'off', 0, 1440)",
             "new row for relation \"network_hours\" violates check constraint "
             "\"network_hours_from_on_calendar\""},
            {NO_NOTE "INSERT INTO holiday VALUES ('10000-01-01', 'operator', 'far')",
             "new row for relation \"holiday\" violates check constraint \"holiday_day_calendar\""},
            {NO_NOTE "UPDATE hall SET prefecture = 'Tokyo' WHERE hall = 'H00001'",
             "insert or update on table \"hall\" violates foreign key constraint \"hall_prefecture\""},
            {"SET atm.business_day = '2021-12-31'; UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'",
             "hall H00001: changed from 2021-12-31 on: expected business today, 2022-01-01, or a later day"},
            {"RESET atm.business_day", "done"},
            /* what others name keeps its code */
            {"UPDATE area SET area = 'elsewhere' WHERE area = 'kanto'",
             "area kanto called elsewhere: expected the same code: a new one is a row of its own"},
            {"UPDATE hall SET hall = 'H9' WHERE hall = 'H00001'",
             "hall H00001 called H9: expected the same code: a new one is a row of its own"},
            {"UPDATE atm SET terminal = 'T0000009' WHERE terminal = 'T0000001'",
             "atm T0000001 called T0000009: expected the same code: a new one is a row of its own"},
            {"UPDATE issuer SET issuer = 'A9' WHERE issuer = 'A'",
             "issuer A called A9: expected the same code: a new one is a row of its own"},
            {NO_NOTE "UPDATE hall SET name = 'one!' WHERE hall = 'H00001'", "done"},
            {"SET atm.command = 'limit set'; SET atm.note = 'as decided'; UPDATE limit_rule SET value = 3 "
             "WHERE kind = 'day_count'",
             "done"},
            {"UPDATE limit_rule SET value = 3 WHERE kind = 'day_count'", "done"},
            {"SET atm.command = 'card set'; UPDATE card SET status = 'lost' WHERE pan_mask = "
             "'990001******0001'",
             "done"},
        };
        static const char rows[] = "SELECT concat_ws('|', who, person, command, noun, key, before, after, "
                                   "note, at BETWEEN now() - interval '1 minute' AND "
                                   "clock_timestamp()) FROM trail ORDER BY change DESC LIMIT 3";
        static const char tokens[] =
            "SELECT count(*) FROM trail t JOIN card c ON t::text LIKE '%' || c.card_token || '%'";
        struct world world;
        struct ledger_op request, advice;
        PGconn *pg;
        char said[300], *shown;
        int64_t kept;

        ops_open(&world);
        pg = world_session(&world, OPERATOR);
        for (size_t i = 0; i < LENGTH(changes); i++)
                ck_assert_str_eq(told(pg, changes[i].sql, said), changes[i].said);
        shown = world_query(&world, rows);
        ck_assert_str_eq(shown, "operator|test|card set|card|990001******0001|{\"kind\": \"cash\", "
                                "\"issuer\": \"HOUSE\", \"status\": \"active\", "
                                "\"successor\": null, \"card_token\": \"990001******0001\", \"expiry_yymm\": "
                                "\"3012\"}|{\"kind\": \"cash\", "
                                "\"issuer\": \"HOUSE\", \"status\": \"lost\", \"successor\": null, "
                                "\"card_token\": \"990001******0001\", "
                                "\"expiry_yymm\": \"3012\"}|as decided|t\n"
                                "operator|test|limit set|limit|day_count 2020-04-01|{\"kind\": "
                                "\"day_count\", \"value\": 2, \"from_on\": "
                                "\"2020-04-01\"}|{\"kind\": \"day_count\", \"value\": 3, \"from_on\": "
                                "\"2020-04-01\"}|as decided|t\n"
                                "operator|test|hall|H00001|{\"area\": \"kanto\", \"hall\": \"H00001\", "
                                "\"name\": \"one\", \"share_bp\": 0, "
                                "\"prefecture\": \"東京都\", \"opens_minute\": 0, \"registration\": "
                                "null, \"closes_minute\": 1440}|{\"area\": \"kanto\", \"hall\": "
                                "\"H00001\", \"name\": \"one!\", \"share_bp\": 0, \"prefecture\": "
                                "\"東京都\", \"opens_minute\": 0, \"registration\": null, "
                                "\"closes_minute\": 1440}|t\n");
        free(shown);

        /* who changes a key is found by the former one, too */
        ck_assert_str_eq(told(pg,
                              "UPDATE limit_rule SET from_on = '2020-04-02' WHERE kind = 'day_count'; "
                              "UPDATE limit_rule SET from_on = '2020-04-01' WHERE kind = 'day_count'",
                              said),
                         "done");
        shown = world_query(&world, "SELECT concat_ws('|', key, before IS NULL, after IS NULL) FROM "
                                    "(SELECT * FROM trail ORDER BY change DESC LIMIT 4) t ORDER BY change");
        ck_assert_str_eq(shown, "day_count 2020-04-01|f|t\nday_count 2020-04-02|t|f\n"
                                "day_count 2020-04-02|f|t\nday_count 2020-04-01|t|f\n");
        free(shown);
        world_refresh(&world);

        /* of two cards with the same mask each is one, and what somebody says of a card that is there is not believed */
        world_sql(&world,
                  "INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm) SELECT "
                  "'00000000-0000-0000-0000-000000000001', issuer, pan_mask, expiry_yymm FROM card WHERE "
                  "pan_mask = '990001******0001'");
        ck_assert_str_eq(told(pg,
                              "INSERT INTO exclusion (card_token, from_on, pan_mask) VALUES "
                              "('00000000-0000-0000-0000-000000000001', '2021-01-01', '990001******0002')",
                              said),
                         "done");
        world_sql(&world, "UPDATE exclusion SET card_token = (SELECT card_token FROM card WHERE pan_mask = "
                          "'990001******0001' AND card_token <> '00000000-0000-0000-0000-000000000001') "
                          "WHERE from_on = '2021-01-01'");
        shown = world_query(
            &world,
            "SELECT concat_ws('|', noun, key, before IS NULL) FROM trail ORDER BY change DESC LIMIT 2");
        ck_assert_str_eq(
            shown, "exclusion|990001******0001 2021-01-01|f\nexclusion|990001******0001 2021-01-01|t\n");
        free(shown);
        world_sql(&world,
                  "DELETE FROM exclusion WHERE from_on = '2021-01-01'; DELETE FROM card WHERE card_token = "
                  "'00000000-0000-0000-0000-000000000001'");

        /* what the ledger writes is no person's change */
        kept = world_number(&world, "SELECT count(*) FROM trail");
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 1, 0, 10000);
        ops_do(&world, &request);
        ck_assert_int_eq(request.answer.reason, REASON_APPROVED);
        ops_advise(&advice, &request, 1, 10000, 9000);
        ops_do(&world, &advice);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 4, WORLD_LINK_CARD, 10000);
        ops_do(&world, &request);
        ops_advise(&advice, &request, 1, 10000, 0);
        ops_do(&world, &advice);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail"), kept);

        /* a person's word about one is */
        ck_assert_str_eq(told(pg,
                              "SET atm.command = 'saf park'; SELECT operator_saf(true, array_agg(terminal), "
                              "array_agg(transmitted_at), "
                              "array_agg(stan), array_agg(seq)) FROM saf",
                              said),
                         "done");
        shown = world_query(&world, "SELECT concat_ws('|', command, noun, key, before -> 'parked', after -> "
                                    "'parked') FROM trail ORDER BY "
                                    "change DESC LIMIT 1");
        ck_assert_str_eq(shown, "saf park|saf|T0000002 2016-12-29T12:00:00+09:00 4 1|false|true\n");
        free(shown);

        /* an account that is opened is one, too */
        ck_assert_str_eq(told(pg,
                              "SELECT account_open(ARRAY[card_token], '{5000}') FROM card WHERE pan_mask = "
                              "'990001******0019'",
                              said),
                         "done");
        shown = world_query(&world, "SELECT concat_ws('|', noun, key, before -> 'opening_yen', after -> "
                                    "'opening_yen', note) FROM trail ORDER "
                                    "BY change DESC LIMIT 1");
        ck_assert_str_eq(shown, "account|990001******0019|null|5000|as decided\n");
        free(shown);

        /* cards that come together are a row each, then the accounts that some of them open */
        ck_assert_str_eq(
            told(pg,
                 "SELECT card_open('{00000000-0000-0000-0000-000000000002, "
                 "00000000-0000-0000-0000-000000000001}', '{990001******0002,990001******0001}', "
                 "'{HOUSE,HOUSE}', '{3105,3106}', '{cash,cash}', '{NULL,7000}', '{NULL,NULL}')",
                 said),
            "done");
        shown = world_query(&world, "SELECT concat_ws('|', noun, key, before, after - 'issuer' - 'kind' - "
                                    "'status' - 'successor', note) FROM (SELECT * FROM trail ORDER BY change "
                                    "DESC LIMIT 3) t ORDER BY change");
        ck_assert_str_eq(shown, "card|990001******0001|{\"card_token\": \"990001******0001\", "
                                "\"expiry_yymm\": \"3106\"}|as decided\n"
                                "card|990001******0002|{\"card_token\": \"990001******0002\", "
                                "\"expiry_yymm\": \"3105\"}|as decided\n"
                                "account|990001******0001|{\"card_token\": \"990001******0001\", "
                                "\"opening_yen\": null}|{\"card_token\": \"990001******0001\", "
                                "\"opening_yen\": 7000}|as decided\n");
        free(shown);
        kept = world_number(&world, "SELECT count(*) FROM trail");
        ck_assert_str_eq(told(pg, "INSERT INTO area SELECT area, name, parlors FROM area WHERE false", said),
                         "done");
        ck_assert_str_eq(told(pg, NO_NOTE "INSERT INTO tariff SELECT * FROM tariff WHERE false", said),
                         "done");
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail"), kept);
        ck_assert_str_eq(
            told(pg, "INSERT INTO area VALUES ('a', 'A', 1), ('b', 'Bank 4111-1111-1111-1111', 1)", said),
            "area: a text with a card's number: expected its mask: the first 6 and last 4 digits");
        /* and one that comes or goes with its row */
        world_sql(&world, "INSERT INTO card (card_token, issuer, pan_mask, opening_yen, balance_yen) VALUES "
                          "('00000000-0000-0000-0000-000000000003', 'HOUSE', '990001******0042', 7, 7)");
        world_sql(&world, "DELETE FROM card WHERE pan_mask = '990001******0042'");
        shown = world_query(
            &world, "SELECT concat_ws('|', noun, before -> 'opening_yen', after -> 'opening_yen') FROM "
                    "trail WHERE key = '990001******0042' ORDER BY change");
        ck_assert_str_eq(shown, "card\naccount|null|7\ncard\naccount|7\n");
        free(shown);

        /* atmd is who is of its group, whatever he is called; nobody is it for being able to */
        world_sql(&world, "CREATE ROLE %s_night LOGIN IN ROLE atm_daemon", world.name);
        shown = world_query(
            &world, "SELECT role_is(r, 'atm_daemon') FROM unnest(ARRAY['atm_daemon', current_database() || "
                    "'_night', '" OPERATOR "', session_user]) r");
        ck_assert_str_eq(shown, "t\nt\nf\nf\n");
        free(shown);
        world_sql(&world, "DROP ROLE %s_night", world.name);
        ck_assert_int_eq(world_number(&world, tokens), 0);
        PQfinish(pg);
        world_close(&world);
}
END_TEST

/* What would take all that the server has; what an administrator has said stays. */
START_TEST(a_login_has_few_connections_and_a_session_few_files)
{
        static const char limits[] =
            "SELECT rolname || ' ' || rolconnlimit FROM pg_roles WHERE rolname IN "
            "('atm_daemon', 'atm_report', '" OPERATOR "') OR "
            "starts_with(rolname, current_database()) ORDER BY rolconnlimit, rolname";
        struct world world;
        PGconn *pg;
        char conninfo[300], said[300], wanted[300], *shown;

        ops_open(&world);
        world_sql(&world, "CREATE ROLE %s_many LOGIN IN ROLE " OPERATOR " CONNECTION LIMIT 50", world.name);
        world_file(&world, "000_roles.sql");
        shown = world_query(&world, limits);
        snprintf(wanted, sizeof wanted, "atm_daemon -1\natm_report 10\n" OPERATOR " 10\n%s_many 50\n",
                 world.name);
        ck_assert_str_eq(shown, wanted);
        free(shown);
        snprintf(conninfo, sizeof conninfo, "dbname=%s user=" OPERATOR, world.name);
        pg = PQconnectdb(conninfo);
        ck_assert_str_eq(told(pg,
                              "DO $$ BEGIN ASSERT current_setting('temp_file_limit') = "
                              "'10GB'; END $$",
                              said),
                         "done");
        ck_assert_str_eq(told(pg, "SET temp_file_limit = -1", said),
                         "permission denied to set parameter \"temp_file_limit\"");
        PQfinish(pg);
        world_sql(&world, "DROP ROLE %s_many", world.name);
        world_close(&world);
}
END_TEST

/* Whoever sets no end to being idle, and whoever is not idle, for a while too. */
START_TEST(who_keeps_the_ledger_waiting_is_ended_and_named)
{
        static const char batch[] =
            "SELECT ledger_request(-1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', "
            "'{}', '{}', "
            "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 1)";
        static const struct {
                bool at_work;
                const char *unblock;
        } rounds[] = {
            {false, "SELECT * FROM ledger_unblock(0, 600000, 600000)"},
            {true, "SELECT * FROM ledger_unblock(600000, 0, 600000)"},
            /* whose session was ended lately has less time, and whose were again and again hardly any */
            {false, "SELECT * FROM ledger_unblock(600000, 600000, 0)"},
            {false, "SELECT * FROM ledger_unblock(600000, 600000, 600000)"}};
        struct world world;
        PGconn *waiting, *atmd;
        char said[300], *shown;

        ops_open(&world);
        waiting = world_session(&world, "atm_daemon");
        atmd = world_session(&world, "atm_daemon");
        for (size_t i = 0; i < LENGTH(rounds); i++) {
                PGconn *desk = world_session(&world, OPERATOR " application_name=psql");
                PGresult *ended;

                ck_assert_str_eq(told(desk, "SET idle_in_transaction_session_timeout = 0", said), "done");
                ck_assert_str_eq(told(desk, "BEGIN; SELECT summary_extend('2016-12-28')", said), "done");
                if (i + 1 == LENGTH(rounds))
                        world_sql(&world, "INSERT INTO trail (at, who, person, noun, key, before) SELECT "
                                          "clock_timestamp(), 'one', '', 'session', '" OPERATOR
                                          " 1', '{}' FROM generate_series(1, 6000)");
                if (rounds[i].at_work) {
                        world_sql(&world, "UPDATE trail SET at = at - interval '1 hour'");
                        ck_assert(PQsendQuery(desk, "SELECT pg_sleep(600)"));
                        snprintf(said, sizeof said,
                                 "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state = 'active'",
                                 PQbackendPID(desk));
                        while (!world_number(&world, said)) {
                        }
                }
                ck_assert(PQsendQuery(waiting, batch));
                /* not yet */
                ended = PQexec(atmd, "SELECT * FROM ledger_unblock(600000, 600000, 3600000000)");
                ck_assert_int_eq(PQntuples(ended), 0);
                do {
                        PQclear(ended);
                        ended = PQexec(atmd, rounds[i].unblock);
                        ck_assert_msg(PQresultStatus(ended) == PGRES_TUPLES_OK, "%s", PQerrorMessage(atmd));
                } while (!PQntuples(ended));
                ck_assert_str_eq(PQgetvalue(ended, 0, 1), OPERATOR);
                ck_assert_str_eq(PQgetvalue(ended, 0, 2), "psql");
                ck_assert_str_eq(PQgetvalue(ended, 0, 3),
                                 rounds[i].at_work ? "active" : "idle in transaction");
                PQclear(ended);
                while ((ended = PQgetResult(waiting))) {
                        ck_assert_int_eq(PQresultStatus(ended), PGRES_TUPLES_OK);
                        PQclear(ended);
                }
                PQclear(PQexec(desk, "SELECT 1"));
                ck_assert_int_eq(PQstatus(desk), CONNECTION_BAD);
                PQfinish(desk);
        }
        shown = world_query(
            &world, "SELECT concat_ws('|', who, noun, split_part(key, ' ', 1), before - 'seconds', after IS "
                    "NULL) FROM trail WHERE noun = 'session' AND who = 'atm_daemon' ORDER BY change");
        ck_assert_str_eq(shown, "atm_daemon|session|" OPERATOR
                                "|{\"state\": \"idle in transaction\", \"application\": \"psql\"}|t\n"
                                "atm_daemon|session|" OPERATOR
                                "|{\"state\": \"active\", \"application\": \"psql\"}|t\n"
                                "atm_daemon|session|" OPERATOR
                                "|{\"state\": \"idle in transaction\", \"application\": \"psql\"}|t\n"
                                "atm_daemon|session|" OPERATOR
                                "|{\"state\": \"idle in transaction\", \"application\": \"psql\"}|t\n");
        free(shown);
        PQfinish(waiting);
        PQfinish(atmd);
        world_close(&world);
}
END_TEST

/* One who holds a card and is idle, behind another who waits for it too and is not. */
START_TEST(who_is_waited_for_by_who_is_waited_for_is_ended)
{
        static const char wants[] = "SELECT FROM card ORDER BY card_token LIMIT 1 FOR UPDATE";
        struct world world;
        PGconn *desk[2], *batch, *atmd;
        PGresult *ended = NULL;
        char said[300], name[80];

        ops_open(&world);
        world_sql(&world,
                  "CREATE ROLE %s_batch LOGIN IN ROLE atm_daemon; GRANT SELECT, UPDATE ON card TO %s_batch",
                  world.name, world.name);
        for (int i = 0; i < 2; i++) {
                desk[i] = world_session(&world, OPERATOR);
                ck_assert_str_eq(told(desk[i], "SET idle_in_transaction_session_timeout = 0; BEGIN", said),
                                 "done");
        }
        PQclear(PQexec(desk[0], wants));
        ck_assert(PQsendQuery(desk[1], wants));
        snprintf(said, sizeof said, "SELECT cardinality(pg_blocking_pids(%d))", PQbackendPID(desk[1]));
        while (!world_number(&world, said)) {
        }
        snprintf(name, sizeof name, "%s_batch", world.name);
        batch = world_session(&world, name);
        ck_assert(PQsendQuery(batch, wants));
        snprintf(said, sizeof said, "SELECT pg_blocking_pids(%d) = ARRAY[%d]", PQbackendPID(batch),
                 PQbackendPID(desk[1]));
        for (bool stands = false; !stands;) {
                char *answer = world_query(&world, said);
                stands = *answer == 't';
                free(answer);
        }
        atmd = world_session(&world, "atm_daemon");
        ended = PQexec(atmd, "SELECT r_pid FROM ledger_unblock(0, 600000, 600000)");
        ck_assert_int_eq(PQntuples(ended), 1);
        ck_assert_int_eq(atoi(PQgetvalue(ended, 0, 0)), PQbackendPID(desk[0]));
        PQclear(ended);
        PQfinish(desk[1]);
        PQfinish(batch);
        PQfinish(desk[0]);
        PQfinish(atmd);
        world_sql(&world, "DROP OWNED BY %s_batch; DROP ROLE %s_batch", world.name, world.name);
        world_close(&world);
}
END_TEST

TCase *roles_tests(void)
{
        TCase *roles_case = tcase_create("roles");

        tcase_set_timeout(roles_case, 120);
        tcase_add_test(roles_case, each_function_that_a_role_may_execute_refuses_what_its_program_would);
        tcase_add_test(roles_case, no_function_is_without_a_row);
        tcase_add_test(roles_case, no_function_is_upset_by_what_nobody_would_ask);
        tcase_add_test(roles_case, each_role_reads_and_writes_what_it_is_there_for_and_no_more);
        tcase_add_test(roles_case, whatever_people_may_write_is_in_the_trail);
        tcase_add_test(roles_case, a_change_leaves_who_why_before_and_after_and_no_token);
        tcase_add_test(roles_case, a_login_has_few_connections_and_a_session_few_files);
        tcase_add_test(roles_case, who_keeps_the_ledger_waiting_is_ended_and_named);
        tcase_add_test(roles_case, who_is_waited_for_by_who_is_waited_for_is_ended);
        return roles_case;
}
