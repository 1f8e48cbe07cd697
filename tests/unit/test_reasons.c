/* The order of reasons and their DE 39, against the wire's list and against the rows in the schema. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/reasons.h"
#include "tests/suite.h"

/* The wire's order, by DE 39: "Where several hold, the first of these wins." The stored answer is no
 * refusal; 40 is decided by the kind of message before any of the others can hold; the last two are told to repeats
 * of approvals, for which none of the others can hold any more, and by a bank after all of them. */
static const char wire_order[] = "30 98 58 94 58 12 13 92 14 57 54 43 41 62 75 55 65 61 91 51 40 96 94 05 65";

START_TEST(the_order_is_the_wires)
{
        char order[256] = "";

        ck_assert_str_eq(reason_rows[REASON_APPROVED].de39, "00");
        for (int reason = REASON_APPROVED + 1; reason < REASON_COUNT; reason++) {
                const char *de39 = reason_de39((enum reason)reason);

                if (strcmp(de39, reason_rows[reason - 1].de39) == 0)
                        continue;
                if (order[0] != '\0')
                        strcat(order, " ");
                strcat(order, de39);
        }
        ck_assert_str_eq(order, wire_order);
}
END_TEST

START_TEST(amounts_come_after_the_number_of_withdrawals_and_day_before_month)
{
        ck_assert_int_lt(REASON_COUNT_LIMIT, REASON_DAY_LIMIT);
        ck_assert_int_lt(REASON_DAY_LIMIT, REASON_MONTH_LIMIT);
        ck_assert_int_lt(REASON_TERMINAL_UNKNOWN, REASON_TERMINAL_DISABLED);
        ck_assert_int_lt(REASON_TERMINAL_DISABLED, REASON_CLOCK_OFF);
        ck_assert_int_lt(REASON_CLOCK_OFF, REASON_OUTSIDE_HOURS);
}
END_TEST

START_TEST(of_any_two_reasons_the_earlier_wins_and_approval_never)
{
        for (int a = 0; a < REASON_COUNT; a++) {
                for (int b = 0; b < REASON_COUNT; b++) {
                        int wanted = a < b ? a : b;

                        if (a == REASON_APPROVED || b == REASON_APPROVED)
                                wanted = a + b;
                        ck_assert_int_eq(reason_first((enum reason)a, (enum reason)b), wanted);
                }
        }
}
END_TEST

START_TEST(refusals_before_identity_or_without_a_decision_are_not_kept)
{
        static const enum reason passing[] = {
            REASON_FORMAT_ERROR,  REASON_MAC_WRONG,   REASON_FOREIGN_TERMINAL,
            REASON_NOT_SIGNED_ON, REASON_CONTRADICTS, REASON_NOT_SUPPORTED,
            REASON_CANNOT_DECIDE, REASON_ENDED,       REASON_GUESSES,
        };
        bool kept[REASON_COUNT];

        memset(kept, true, sizeof kept);
        for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
                kept[passing[i]] = false;
        for (int reason = 0; reason < REASON_COUNT; reason++)
                ck_assert_msg(reason_rows[reason].kept == kept[reason], "%s", reason_rows[reason].name);
}
END_TEST

/* The rows of one migration that are reasons, each the next one; how many are seen now. */
static int read_reasons(const char *path, int seen)
{
        FILE *schema = fopen(path, "r");
        char line[512];

        ck_assert_ptr_nonnull(schema);
        while (fgets(line, sizeof line, schema)) {
                char name[64], de39[3], kept[8], text[128], quoted[256] = "";
                int id;
                size_t length = 0;

                if (sscanf(line, " (%d, '%63[A-Z_]', '%2[0-9]', %7[a-z], '%127[^\n]", &id, name, de39, kept,
                           text) != 5)
                        continue;
                ck_assert_int_eq(id, seen);
                ck_assert_int_lt(id, REASON_COUNT);
                ck_assert_str_eq(name, reason_rows[id].name);
                ck_assert_str_eq(de39, reason_rows[id].de39);
                ck_assert_str_eq(kept, reason_rows[id].kept ? "true" : "false");
                for (const char *from = reason_rows[id].text; *from; from++) {
                        if (*from == '\'')
                                quoted[length++] = '\''; /* SQL doubles it */
                        quoted[length++] = *from;
                }
                text[strcspn(text, ")") - 1] = '\0'; /* the closing quote */
                ck_assert_str_eq(text, quoted);
                seen++;
        }
        fclose(schema);
        return seen;
}

START_TEST(the_schema_holds_the_same_rows)
{
        glob_t migrations;
        int seen = 0;

        ck_assert_int_eq(glob(SOURCE_DIR "/sql/*.sql", 0, NULL, &migrations), 0);
        for (size_t i = 0; i < migrations.gl_pathc; i++)
                seen = read_reasons(migrations.gl_pathv[i], seen);
        globfree(&migrations);
        ck_assert_int_eq(seen, REASON_COUNT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("reasons");
        TCase *tcase = tcase_create("reasons");

        tcase_add_test(tcase, the_order_is_the_wires);
        tcase_add_test(tcase, amounts_come_after_the_number_of_withdrawals_and_day_before_month);
        tcase_add_test(tcase, of_any_two_reasons_the_earlier_wins_and_approval_never);
        tcase_add_test(tcase, refusals_before_identity_or_without_a_decision_are_not_kept);
        tcase_add_test(tcase, the_schema_holds_the_same_rows);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
