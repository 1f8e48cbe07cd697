/* What the ATMs know and what the database holds are the same, to the yen; its sums are right, and no secret is
 * in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

START_TEST(every_withdrawal_is_as_its_atm_knows_it)
{
        char wanted[256], found[256];
        for (int i = 0; i < book_count(); i++) {
                const struct entry *entry = book_entry(i);
                snprintf(wanted, sizeof(wanted), "%s %s %" PRId64 " %" PRId64 " %s", entry->state,
                         entry->de39, entry->amount_yen, entry->dispensed_yen,
                         entry->card ? entry->card->token : "-");
                sql_text(found, sizeof(found),
                         "SELECT concat_ws(' ', state, de39, amount_yen, dispensed_yen, "
                         "coalesce(card_token::text, '-')) FROM "
                         "v_withdrawal WHERE terminal = '%s' AND stan = %d AND transmitted_at = "
                         "to_timestamp(%" PRId64 ")",
                         entry->terminal, entry->stan, entry->moment_ms / 1000);
                ck_assert_msg(!strcmp(found, wanted), "%s STAN %06d: the ATM knows '%s', the database '%s'",
                              entry->terminal, entry->stan, wanted, found);
        }
}
END_TEST

START_TEST(the_database_knows_no_other_withdrawal)
{
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE stan >= %d", book_first_stan()),
                         book_count());
}
END_TEST

START_TEST(every_account_is_as_its_withdrawals_say)
{
        static int64_t spent_yen[CARDS_MAX];
        for (int i = 0; i < book_count(); i++) {
                const struct entry *entry = book_entry(i);
                if (!strcmp(entry->state, "approved"))
                        spent_yen[entry->card - world.card] += entry->amount_yen + entry->charge_yen;
                else if (!strcmp(entry->state, "completed"))
                        spent_yen[entry->card - world.card] += entry->dispensed_yen + entry->charge_yen;
        }
        for (int i = 0; i < world.house_cards; i++) {
                if (i >= CARD_UNKNOWN && i < SPECIAL_COUNT)
                        continue; /* not a card of the house bank, or only in another's place */
                for (int new_card = CARD_NEW; new_card < SPECIAL_COUNT; new_card++) {
                        if (sql_number(
                                "SELECT count(*) FROM card WHERE card_token = '%s' AND successor = '%s'",
                                world.card[i].token, world.card[new_card].token))
                                spent_yen[i] += spent_yen[new_card];
                }
                int64_t balance_yen =
                    sql_number("SELECT a.balance_yen FROM card c JOIN v_account a ON a.card_token = "
                               "coalesce(c.successor, c.card_token) WHERE c.card_token = '%s'",
                               world.card[i].token);
                if (book_first_stan() == 1)
                        ck_assert_msg(balance_yen == world.card[i].opening_yen - spent_yen[i],
                                      "card %d: %" PRId64 " yen, should be %" PRId64, i, balance_yen,
                                      world.card[i].opening_yen - spent_yen[i]);
        }
}
END_TEST

START_TEST(all_sums_can_be_recomputed)
{
        run("atmctl verify >/dev/null");
}
END_TEST

/* The card numbers that were used. */
#define CARD_NUMBERS                                                                                         \
        "cut -d, -f1 ${WIRE_CARDS:+\"$WIRE_CARDS\"} \"$ATM_CARDS\" "                                         \
        "${ATM_BANK_CARDS:+\"$ATM_BANK_CARDS\"} | grep '[0-9]'"

/* The PIN block as text and in hexadecimal digits, and the private field. */
#define SECRETS "-e '" PIN_BLOCK_TEXT "' -e " PIN_BLOCK_DIGITS " -e 5555444433332222"

START_TEST(no_secret_is_in_a_log_or_in_the_database)
{
        run("! " CARD_NUMBERS " | grep -F -a -f - \"${ATMD_CONF%%/*}\"/log/*.log");
        run("! grep -F -a -i " SECRETS " \"${ATMD_CONF%%/*}\"/log/*.log");
        run("PGUSER=postgres pg_dump --data-only --inserts > \"$WIRE_DUMP\"");
        run("! " CARD_NUMBERS " | grep -F -a -f - \"$WIRE_DUMP\"");
        run("! grep -F -a -i " SECRETS " \"$WIRE_DUMP\"");
        run("grep -q 'INTO public.withdrawal' \"$WIRE_DUMP\"");
}
END_TEST

Suite *suite_agreement(void)
{
        Suite *suite = suite_create("agreement");
        TCase *tcase = tcase_create("agreement");
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, every_withdrawal_is_as_its_atm_knows_it);
        tcase_add_test(tcase, the_database_knows_no_other_withdrawal);
        tcase_add_test(tcase, every_account_is_as_its_withdrawals_say);
        suite_add_tcase(suite, tcase);
        return suite;
}

Suite *suite_rest(void)
{
        Suite *suite = suite_create("rest");
        TCase *tcase = tcase_create("rest");
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, all_sums_can_be_recomputed);
        tcase_add_test(tcase, no_secret_is_in_a_log_or_in_the_database);
        suite_add_tcase(suite, tcase);
        return suite;
}
