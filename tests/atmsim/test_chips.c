/* Protects tools/chips: whose data are whose, so that simulators notice where data come to another ATM, bank or withdrawal, or change on their way. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tools/chips/chips.h"

#define PAN "9900110000000001"

static const struct chips_identity identity = {"T0000001", 1482980100000, 7, 10000};

/* Others that a mistake may mix it up with. */
static const struct chips_identity others[] = {
    {"T0000002", 1482980100000, 7, 10000}, {"T0000001", 1482980101000, 7, 10000},
    {"T0000001", 1482980100000, 8, 10000}, {"T0000001", 1482980100000, 7, 9000},
    {"T0000001", 1482980100000, 7, 0},
};

static struct chip_data request_of(const struct chips_identity *of)
{
        struct chip chip;
        chips_read_card(of, PAN, true, &chip);
        ck_assert_str_eq(chip.entry_mode, "051");
        ck_assert_uint_eq(strlen(chip.sequence), 3);
        return chip.data;
}

START_TEST(a_chip_s_data_are_well_formed_and_say_the_amount)
{
        static const unsigned tags[] = {0x9f10, 0x9f26, 0x9f27, 0x9f37, 0x9f36, 0x95,  0x9a,
                                        0x9c,   0x9f02, 0x5f2a, 0x82,   0x9f1a, 0x9f03};
        struct chip_data data = request_of(&identity);
        size_t at = 0, count = 0;
        while (at < data.length) {
                unsigned tag = data.bytes[at++];
                if ((tag & 0x1f) == 0x1f)
                        tag = tag << 8 | data.bytes[at++];
                ck_assert_uint_lt(count, sizeof(tags) / sizeof(tags[0]));
                ck_assert_uint_eq(tag, tags[count++]);
                if (tag == 0x9f02)
                        ck_assert_mem_eq(data.bytes + at, "\x06\x00\x00\x00\x01\x00\x00", 7);
                if (tag == 0x9a)
                        ck_assert_mem_eq(data.bytes + at, "\x03\x16\x12\x29", 4);
                at += 1U + data.bytes[at];
        }
        ck_assert_uint_eq(at, data.length);
        ck_assert_uint_eq(count, sizeof(tags) / sizeof(tags[0]));
}
END_TEST

START_TEST(the_data_of_another_are_seen)
{
        struct chip_data mine = request_of(&identity), theirs = request_of(&others[_i]), answer, report;
        bool has_script;
        ck_assert_int_eq(chips_judge_request(&identity, &mine), CHIPS_RIGHT);
        ck_assert_int_eq(chips_judge_request(&identity, &theirs), CHIPS_WRONG);
        chips_answer(&mine, "00", true, &answer);
        ck_assert(chips_is_answer(&identity, &answer, "00", &has_script));
        ck_assert(!chips_is_answer(&others[_i], &answer, "00", &has_script));
        ck_assert(!chips_is_answer(&identity, &answer, "05", &has_script)); /* an approval's */
        chips_report(&others[_i], &report);
        ck_assert_int_eq(chips_judge_report(&identity, &report), CHIPS_WRONG);
}
END_TEST

START_TEST(a_changed_byte_is_seen)
{
        struct chip_data mine = request_of(&identity), answer;
        bool has_script;
        chips_answer(&mine, "00", true, &answer);
        mine.bytes[mine.length - 1] ^= 1;
        ck_assert_int_eq(chips_judge_request(&identity, &mine), CHIPS_WRONG);
        for (int i = 0; i < answer.length; i++) {
                answer.bytes[i] ^= 0x40;
                ck_assert(!chips_is_answer(&identity, &answer, "00", &has_script));
                answer.bytes[i] ^= 0x40;
        }
        answer.length--;
        ck_assert(!chips_is_answer(&identity, &answer, "00", &has_script));
}
END_TEST

/* Some approvals have a script, no refusal and no inquiry; a report without one is wrong. */
START_TEST(a_script_comes_now_and_then)
{
        int scripts = 0, count = 2000;
        for (int32_t stan = 1; stan <= count; stan++) {
                struct chips_identity of = {"T0000001", 1482980100000, stan, 10000};
                struct chip_data mine = request_of(&of), answer, report;
                bool has_script, declined_has;
                chips_answer(&mine, "00", true, &answer);
                ck_assert(chips_is_answer(&of, &answer, "00", &has_script));
                chips_report(&of, &report);
                ck_assert_int_eq(chips_judge_report(&of, &report), has_script ? CHIPS_RIGHT : CHIPS_WRONG);
                chips_answer(&mine, "51", true, &answer);
                ck_assert(chips_is_answer(&of, &answer, "05", &declined_has) && !declined_has);
                scripts += has_script;
        }
        ck_assert_int_gt(scripts, count / 16);
        ck_assert_int_lt(scripts, count / 4);
}
END_TEST

START_TEST(another_make_of_atm_may_send_what_it_likes)
{
        static const struct chip_data foreign = {3, {0x9f, 0x26, 0}}, none = {0};
        struct chip_data answer;
        ck_assert_int_eq(chips_judge_request(&identity, &foreign), CHIPS_FOREIGN);
        ck_assert_int_eq(chips_judge_report(&identity, &foreign), CHIPS_FOREIGN);
        chips_answer(&foreign, "00", true, &answer);
        ck_assert_mem_eq(answer.bytes, "\x91\x0a", 2);
        ck_assert_int_eq(chips_judge_request(&identity, &none), CHIPS_NONE);
        chips_answer(&none, "00", true, &answer);
        ck_assert_uint_eq(answer.length, 0);
}
END_TEST

START_TEST(a_share_of_the_cards_has_a_chip)
{
        int chips = 0, count = 4000;
        for (int i = 0; i < count; i++) {
                char pan[20];
                snprintf(pan, sizeof(pan), "990011%010d", i);
                chips += chips_has_card(pan, 0.75);
                ck_assert(chips_has_card(pan, 1) && !chips_has_card(pan, 0));
                ck_assert(!chips_has_card(pan, 0.5) || chips_has_card(pan, 0.75));
        }
        ck_assert_int_gt(chips, count * 7 / 10);
        ck_assert_int_lt(chips, count * 8 / 10);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("chips");
        TCase *tcase = tcase_create("chips");
        tcase_add_test(tcase, a_chip_s_data_are_well_formed_and_say_the_amount);
        tcase_add_loop_test(tcase, the_data_of_another_are_seen, 0, sizeof(others) / sizeof(others[0]));
        tcase_add_test(tcase, a_changed_byte_is_seen);
        tcase_add_test(tcase, a_script_comes_now_and_then);
        tcase_add_test(tcase, another_make_of_atm_may_send_what_it_likes);
        tcase_add_test(tcase, a_share_of_the_cards_has_a_chip);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
