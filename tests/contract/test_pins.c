/*
 * Protects sql/074_pins.sql and what the ledger's functions do about PINs: wrong ones are counted in the commit of the decision, over all
 * instances, a right one clears them, too many refuse the card, and a repeat hears what was said and neither tries a PIN nor counts one.
 */
#include "tests/contract/pins.h"

#include <stdlib.h>
#include <string.h>

#include "tests/contract/ops.h"

#define WRONG "0000"
#define NONE  ""

enum { CARD = WORLD_PIN_CARD, OTHER_CARD = WORLD_PIN_CARD + 1, NEW = WORLD_CARDS };

/* The 0200 of that number, of 0 yen an inquiry; with a PIN of that value, NULL: the card's. */
static void make(struct world *world, struct ledger_op *op, int number, int card, int64_t amount_yen,
                 const char *pin_value)
{
        *op = (struct ledger_op){0};
        ops_identify(op, OPS_NOON, number);
        play_fill_request(world_reference(world), op, card, amount_yen, amount_yen ? 10000 : 310000);
        if (pin_value)
                strcpy(op->request.pin_value, pin_value);
}

static enum reason ask(struct world *world, int number, int card, int64_t amount_yen, const char *pin_value)
{
        struct ledger_op op;

        make(world, &op, number, card, amount_yen, pin_value);
        ops_do(world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_DECIDED);
        return op.answer.reason;
}

/* A repeat of it, whether or not its message says so, with a PIN that may be another now. */
static enum reason repeat(struct world *world, int number, int card, int64_t amount_yen,
                          const char *pin_value)
{
        struct ledger_op op;

        make(world, &op, number, card, amount_yen, pin_value);
        op.look = number % 2;
        ops_do(world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_STORED);
        return op.answer.reason;
}

static void check_tries(struct world *world, int card, int tries)
{
        char sql[128];

        snprintf(sql, sizeof sql, "SELECT pin_tries FROM card WHERE pan_mask = '990001******%04d'", card);
        ck_assert_int_eq(world_number(world, sql), tries);
}

static void finish(struct world *world)
{
        world_same_rows(world, "the same PINs are counted");
        world_check_sums(world);
        world_close(world);
}

START_TEST(wrong_pins_are_counted_and_a_right_one_clears_them)
{
        struct world world;

        ops_open(&world);
        ck_assert_int_eq(ask(&world, 1, CARD, 10000, WRONG), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 2, CARD, 0, "432"), REASON_PIN_WRONG);
        check_tries(&world, CARD, 2);
        check_tries(&world, OTHER_CARD, 0);
        ck_assert_int_eq(ask(&world, 3, CARD, 10000, NULL), REASON_APPROVED);
        check_tries(&world, CARD, 0);

        /* whatever else is wrong with it */
        ck_assert_int_eq(ask(&world, 4, CARD, 10000, WRONG), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 5, CARD, 30000, NULL), REASON_DAY_LIMIT);
        check_tries(&world, CARD, 0);
        ck_assert_int_eq(ask(&world, 6, CARD, 30000, WRONG), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 7, CARD, 0, NULL), REASON_APPROVED);
        check_tries(&world, CARD, 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM pin_event WHERE kind = 'right'"), 3);
        finish(&world);
}
END_TEST

START_TEST(a_card_with_too_many_wrong_pins_is_refused_until_a_person_unblocks_it)
{
        struct world world;

        ops_open(&world);
        ck_assert(!world_unblock(&world, CARD));
        for (int i = 1; i <= WORLD_PIN_TRIES; i++)
                ck_assert_int_eq(ask(&world, i, CARD, i % 2 ? 10000 : 0, WRONG), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 11, CARD, 10000, NULL), REASON_PIN_TRIES);
        ck_assert_int_eq(ask(&world, 12, CARD, 10000, WRONG), REASON_PIN_TRIES);
        ck_assert_int_eq(ask(&world, 13, CARD, 0, NULL), REASON_PIN_TRIES);
        ck_assert_int_eq(ask(&world, 14, CARD, 10000, NONE), REASON_PIN_TRIES);
        check_tries(&world, CARD, WORLD_PIN_TRIES);
        ck_assert(world_unblock(&world, CARD));
        ck_assert(!world_unblock(&world, CARD));
        ck_assert_int_eq(repeat(&world, 13, CARD, 0, NULL), REASON_PIN_TRIES);
        ck_assert_int_eq(ask(&world, 15, CARD, 10000, NULL), REASON_APPROVED);
        finish(&world);
}
END_TEST

START_TEST(a_pin_that_is_missing_is_refused_and_not_counted)
{
        struct world world;

        ops_open(&world);
        ck_assert_int_eq(ask(&world, 1, CARD, 10000, NONE), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 2, CARD, 0, NONE), REASON_PIN_WRONG);
        check_tries(&world, CARD, 0);

        /* nor one that there is nothing to compare with */
        world_sql(&world,
                  "UPDATE issuer SET pin_method = 'offset', pin_tries_max = 1 WHERE issuer = 'HOUSE'");
        world_refresh(&world);
        ck_assert_int_eq(ask(&world, 3, 0, 10000, WRONG), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 4, 0, 10000, WRONG), REASON_PIN_WRONG);
        check_tries(&world, 0, 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM pin_event WHERE kind = 'unverified'"), 4);
        finish(&world);
}
END_TEST

START_TEST(what_is_refused_before_looks_at_no_pin)
{
        struct world world;
        struct ledger_op op;

        ops_open(&world);
        make(&world, &op, 1, CARD, 10000, WRONG);
        op.request.refusal = REASON_ISSUER_UNAVAILABLE; /* which comes after a wrong PIN among the reasons */
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_ISSUER_UNAVAILABLE);
        make(&world, &op, 2, CARD, 0, WRONG);
        op.request.refusal = REASON_ISSUER_UNAVAILABLE;
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_ISSUER_UNAVAILABLE);
        make(&world, &op, 3, CARD, 10000, WRONG);
        strcpy(op.request.expiry_yymm, "2906");
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_CARD_EXPIRED);
        make(&world, &op, 4, CARD, 10000, WRONG);
        op.request.refusal = REASON_CANNOT_DECIDE;
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_CANNOT_DECIDE);
        check_tries(&world, CARD, 0);
        ck_assert_int_eq(ask(&world, 5, 0, 10000, WRONG), REASON_APPROVED); /* its bank wants none */
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM pin_event"), 0);
        finish(&world);
}
END_TEST

/* Who was not asked for his PIN does not learn how much the card may still take. */
START_TEST(what_ranks_after_a_wrong_pin_is_not_said_where_none_was_looked_at)
{
        static const enum reason known[] = {REASON_ISSUER_UNAVAILABLE, REASON_CANNOT_DECIDE};
        struct world world;
        struct ledger_op op;

        ops_open(&world);
        for (int i = 0; i < 4; i++) {
                int card = i % 2 ? CARD : 0; /* whose bank wants no PIN */

                make(&world, &op, 1 + i, card, 40000, NONE);
                op.request.refusal = known[i / 2];
                op.look = true;
                ops_do(&world, &op);
                ck_assert_int_eq(op.answer.reason, i % 2 ? known[i / 2] : REASON_DAY_LIMIT);
        }
        check_tries(&world, CARD, 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM pin_event"), 0);
        finish(&world);
}
END_TEST

START_TEST(a_repeat_neither_looks_at_a_pin_nor_counts_one)
{
        struct world world;
        struct ledger_op op, first;

        ops_open(&world);
        ck_assert_int_eq(ask(&world, 1, CARD, 10000, WRONG), REASON_PIN_WRONG);
        ck_assert_int_eq(ask(&world, 2, CARD, 0, WRONG), REASON_PIN_WRONG);
        for (int i = 0; i < WORLD_PIN_TRIES; i++) {
                ck_assert_int_eq(repeat(&world, 1, CARD, 10000, i % 2 ? NULL : WRONG), REASON_PIN_WRONG);
                ck_assert_int_eq(repeat(&world, 2, CARD, 0, i % 2 ? NULL : WRONG), REASON_PIN_WRONG);
        }
        check_tries(&world, CARD, 2);

        /* of an inquiry that was right: the same balance, and what was wrong since stays counted */
        make(&world, &first, 3, CARD, 0, NULL);
        ops_do(&world, &first);
        ck_assert_int_eq(first.answer.reason, REASON_APPROVED);
        ck_assert_int_eq(ask(&world, 4, CARD, 10000, NULL), REASON_APPROVED);
        ck_assert_int_eq(ask(&world, 5, CARD, 10000, WRONG), REASON_PIN_WRONG);
        make(&world, &op, 3, CARD, 0, NONE);
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_STORED);
        ck_assert_int_eq(op.answer.reason, REASON_APPROVED);
        ck_assert_int_eq(op.answer.balance_yen, first.answer.balance_yen);
        check_tries(&world, CARD, 1);

        /* one that only pretends to be */
        ck_assert_int_eq(repeat(&world, 3, OTHER_CARD, 0, WRONG), REASON_CONTRADICTS);
        make(&world, &op, 3, CARD, 0, WRONG);
        op.request.processing_code = 311000;
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_CONTRADICTS);
        /* a withdrawal's identity */
        make(&world, &op, 4, CARD, 0, WRONG);
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_CONTRADICTS);
        check_tries(&world, CARD, 1);
        check_tries(&world, OTHER_CARD, 0);
        finish(&world);
}
END_TEST

START_TEST(a_new_card_begins_with_its_own_pin_and_none_that_was_wrong)
{
        struct world world;

        ops_open(&world);
        world_sql(&world, "UPDATE issuer SET pin_method = 'offset' WHERE issuer = 'HOUSE'");
        world_refresh(&world);
        ck_assert_int_eq(ask(&world, 1, CARD, 10000, WRONG), REASON_PIN_WRONG);
        ck_assert_ptr_null(world_replace(&world, CARD, NEW, "3111", MEMORY_CARD_STOLEN));
        ck_assert_int_eq(ask(&world, 2, CARD, 10000, NULL), REASON_CARD_STOLEN);
        ck_assert_int_eq(ask(&world, 3, NEW, 10000, "4329"), REASON_PIN_WRONG); /* the old one's */
        check_tries(&world, NEW, 1);
        ck_assert_int_eq(ask(&world, 4, NEW, 10000, "97531"), REASON_APPROVED);
        ck_assert(!world_unblock(&world, CARD));
        finish(&world);
}
END_TEST

/* Two instances, requests and inquiries of one card and their doubles: as many are tried as its issuer lets be. */
START_TEST(pins_that_are_tried_at_once_at_two_instances_are_all_counted)
{
        enum { OPS = 24, DOUBLES = 2 };
        struct world world;
        struct ledger_op op[OPS][DOUBLES];
        int pending = 0, wrong = 0, refused = 0;

        ops_open(&world);
        for (int i = 0; i < OPS; i++) {
                for (int k = 0; k < DOUBLES; k++) {
                        make(&world, &op[i][k], 1 + i, CARD, i % 2 ? 10000 : 0, WRONG);
                        ops_submit(&world, k, &op[i][k], &pending);
                }
        }
        world_wait(&world, &pending);
        for (int i = 0; i < OPS; i++) {
                ck_assert_int_eq(op[i][0].answer.reason, op[i][1].answer.reason);
                ck_assert_int_eq(
                    (op[i][0].answer.status == LEDGER_STORED) + (op[i][1].answer.status == LEDGER_STORED), 1);
                wrong += op[i][0].answer.reason == REASON_PIN_WRONG;
                refused += op[i][0].answer.reason == REASON_PIN_TRIES;
        }
        ck_assert_int_eq(wrong, WORLD_PIN_TRIES);
        ck_assert_int_eq(refused, OPS - WORLD_PIN_TRIES);
        check_tries(&world, CARD, WORLD_PIN_TRIES);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM pin_event WHERE kind = 'wrong'"),
                         WORLD_PIN_TRIES);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

TCase *pins_case(void)
{
        TCase *pins = tcase_create("pins");

        tcase_set_timeout(pins, 120);
        tcase_add_test(pins, wrong_pins_are_counted_and_a_right_one_clears_them);
        tcase_add_test(pins, a_card_with_too_many_wrong_pins_is_refused_until_a_person_unblocks_it);
        tcase_add_test(pins, a_pin_that_is_missing_is_refused_and_not_counted);
        tcase_add_test(pins, what_is_refused_before_looks_at_no_pin);
        tcase_add_test(pins, what_ranks_after_a_wrong_pin_is_not_said_where_none_was_looked_at);
        tcase_add_test(pins, a_repeat_neither_looks_at_a_pin_nor_counts_one);
        tcase_add_test(pins, a_new_card_begins_with_its_own_pin_and_none_that_was_wrong);
        tcase_add_test(pins, pins_that_are_tried_at_once_at_two_instances_are_all_counted);
        return pins;
}
