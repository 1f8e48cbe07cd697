#include "backoffice/audit/verify_cards.h"

#include <string.h>

#include "backoffice/audit/history_facts.h"
#include "lib/base/array.h"
#include "rules/calendar.h"

struct card_key {
        uint8_t card[UUID_SIZE];
        int32_t day;
};

enum {
        USE_WITHDRAWALS,
        USE_CASH,
        USE_DECIDED, /* when the last of it was */
        USE_VALUES
};

/* A row knows the newest two dates that its card was used on: of which of two it keeps the earlier one. */
enum { CARD_DAY, CARD_MONTH, CARD_VALUES };

/* texts ------------------------------------------------------------------------------------------------ */

static struct fact card_fact(enum fact_kind kind, const uint8_t card[UUID_SIZE])
{
        struct fact fact = history_fact(kind);
        char text[37];

        fact_text(&fact, copy_print_uuid(card, text));
        return fact;
}

static bool has_left(struct cards *cards, const struct card_key *key, int which)
{
        const int64_t *earlier = tally_find(&cards->card, key->card);

        return earlier && key->day < earlier[which];
}

static void on_card_day(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct cards *cards = context;
        const struct card_key *k = key;
        struct fact which = card_fact(FACT_CARD_DAY_KEY, k->card),
                    wanted = history_numbers(FACT_USE, expected), got = history_numbers(FACT_USE, found);

        fact_day(&which, k->day);
        findings_add(cards->with->findings, CHECK_CARD_DAY, &which, &wanted, &got);
}

/* That its row lacks it. */
static void on_no_card_day(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        if (!has_left(context, key, CARD_DAY))
                on_card_day(key, expected, found, context);
}

static void on_card_month(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        struct cards *cards = context;
        const struct card_key *k = key;
        struct fact which = card_fact(FACT_CARD_DAY_KEY, k->card),
                    wanted = history_numbers(FACT_VALUE, &expected[USE_CASH]),
                    got = history_numbers(FACT_VALUE, &found[USE_CASH]);

        comparing_add_month(&which, k->day);
        findings_add(cards->with->findings, CHECK_CARD_MONTH, &which, &wanted, &got);
}

static void on_no_card_month(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        if (!has_left(context, key, CARD_MONTH))
                on_card_month(key, expected, found, context);
}

struct account_row {
        struct cards *cards;
        int64_t opening_yen, balance_yen;
};

static void on_account(const void *key, const int64_t *taken_yen, const int64_t *found, void *context)
{
        const struct account_row *row = context;
        int64_t left_yen = row->opening_yen - *taken_yen;
        struct fact which = card_fact(FACT_CARD_KEY, key), wanted = history_numbers(FACT_VALUE, &left_yen),
                    got = history_numbers(FACT_VALUE, &row->balance_yen);

        (void)found;
        findings_add(row->cards->with->findings, CHECK_ACCOUNT, &which, &wanted, &got);
}

static void on_no_account(const void *key, const int64_t *taken_yen, const int64_t *found, void *context)
{
        struct cards *cards = context;
        struct fact which = card_fact(FACT_CARD_KEY, key), wanted = history_fact(FACT_ACCOUNT),
                    got = history_fact(FACT_NONE);

        (void)taken_yen;
        (void)found;
        findings_add(cards->with->findings, CHECK_ACCOUNT, &which, &wanted, &got);
}

/* use -------------------------------------------------------------------------------------------------- */

static void use(struct cards *cards, struct tally *tally, const struct card_key *key,
                const struct card_use *use)
{
        const int64_t more[USE_VALUES] = {[USE_WITHDRAWALS] = use->is_used, [USE_CASH] = use->used_yen};
        int64_t *sums;

        comparing_add(cards->with, tally, key, more);
        sums = use->is_used && !cards->with->failed ? tally_find(tally, key) : NULL;
        if (sums && sums[USE_DECIDED] < use->decided_us)
                sums[USE_DECIDED] = use->decided_us;
}

void cards_use(struct cards *cards, const struct card_use *u)
{
        struct card_key key = {.day = u->business_day};
        const int64_t *successor = tally_find(&cards->successor, u->card);
        int64_t taken_yen = u->is_used ? u->used_yen + u->charge_yen : 0;

        memcpy(key.card, successor ? (const void *)successor : u->card, UUID_SIZE);
        use(cards, &cards->card_day, &key, u);
        key.day = calendar_month_of(u->business_day);
        use(cards, &cards->card_month, &key, u);
        if (u->is_house)
                comparing_add(cards->with, &cards->account, key.card, &taken_yen);
}

bool cards_exclude(struct cards *cards, const uint8_t card[UUID_SIZE], int32_t business_day,
                   int64_t decided_us)
{
        const int64_t *successor = tally_find(&cards->successor, card);

        return limits_exclude(&cards->limits, successor ? (const void *)successor : card, business_day,
                              decided_us);
}

bool cards_have(struct cards *cards, const uint8_t card[UUID_SIZE])
{
        return tally_find(&cards->card, card) != NULL;
}

/* comparing -------------------------------------------------------------------------------------------- */

/* What cards have used was theirs to use. */
static void check_limits(struct cards *cards)
{
        for (size_t i = 0; i < cards->card_day.count; i++) {
                const struct card_key *key = tally_key(&cards->card_day, i);
                const int64_t *use = tally_numbers(&cards->card_day, i);

                if (!tally_find(&cards->heir, key->card))
                        limits_check_day(&cards->limits, key->card, key->day, use[USE_DECIDED],
                                         use[USE_WITHDRAWALS], use[USE_CASH]);
        }
        for (size_t i = 0; i < cards->card_month.count; i++) {
                const struct card_key *key = tally_key(&cards->card_month, i);
                const int64_t *use = tally_numbers(&cards->card_month, i);

                if (!tally_find(&cards->heir, key->card))
                        limits_check_month(&cards->limits, key->card, key->day, use[USE_DECIDED],
                                           use[USE_CASH]);
        }
}

static bool compare_card_days(struct cards *cards)
{
        struct bounds bounds = comparing_quarter(cards->with);
        struct copy_out copy;

        if (!comparing_begin(
                cards->with, &copy,
                "SELECT card_token, day, withdrawals, cash_yen FROM v_card_day WHERE day >= '%s' AND day < "
                "'%s'",
                bounds.from, bounds.to))
                return false;
        while (copy_out_row(&copy)) {
                struct card_key key;
                int64_t found[USE_VALUES], *expected;

                copy_uuid(&copy, key.card);
                key.day = copy_day(&copy);
                found[USE_WITHDRAWALS] = copy_int4(&copy, 0);
                found[USE_CASH] = copy_int8(&copy);
                expected = tally_find(&cards->card_day, &key);
                found[USE_DECIDED] = expected ? expected[USE_DECIDED] : DECIDED_NEVER;
                if (expected)
                        tally_compare(&cards->card_day, &key, found, on_card_day, cards);
                else
                        on_card_day(&key, (const int64_t[USE_VALUES]){0}, found, cards);
                cards->with->findings->checked[CHECK_CARD_DAY]++;
        }
        return comparing_end(cards->with, &copy, CHECK_CARD_DAY, &cards->card_day, on_no_card_day, cards);
}

static bool compare_card_months(struct cards *cards)
{
        struct bounds bounds = comparing_quarter(cards->with);
        struct copy_out copy;

        if (!comparing_begin(
                cards->with, &copy,
                "SELECT card_token, month, cash_yen FROM v_card_month WHERE month >= '%s' AND month < '%s'",
                bounds.from, bounds.to))
                return false;
        while (copy_out_row(&copy)) {
                struct card_key key;
                int64_t found[USE_VALUES], *expected;

                copy_uuid(&copy, key.card);
                key.day = copy_day(&copy);
                expected = tally_find(&cards->card_month, &key);
                found[USE_CASH] = copy_int8(&copy);
                found[USE_WITHDRAWALS] =
                    expected ? expected[USE_WITHDRAWALS] : 0; /* of a month they don't count */
                found[USE_DECIDED] = expected ? expected[USE_DECIDED] : DECIDED_NEVER;
                if (expected)
                        tally_compare(&cards->card_month, &key, found, on_card_month, cards);
                else
                        on_card_month(&key, (const int64_t[USE_VALUES]){0}, found, cards);
                cards->with->findings->checked[CHECK_CARD_MONTH]++;
        }
        return comparing_end(cards->with, &copy, CHECK_CARD_MONTH, &cards->card_month, on_no_card_month,
                             cards);
}

/* A replaced card's account and exclusions are its successor's. */
static void tell_left_behind(struct cards *cards, enum verify_check check, const uint8_t card[UUID_SIZE],
                             enum fact_kind what)
{
        struct fact which = card_fact(FACT_CARD_KEY, card), wanted = history_fact(FACT_NONE),
                    got = history_fact(what);

        findings_add(cards->with->findings, check, &which, &wanted, &got);
}

static bool compare_accounts(struct cards *cards)
{
        struct copy_out copy;

        if (!comparing_begin(cards->with, &copy,
                             "SELECT card_token, opening_yen, balance_yen FROM v_account"))
                return false;
        while (copy_out_row(&copy)) {
                uint8_t card[UUID_SIZE];
                struct account_row row = {.cards = cards};
                int64_t found;

                copy_uuid(&copy, card);
                row.opening_yen = copy_int8(&copy);
                row.balance_yen = copy_int8(&copy);
                found = row.opening_yen - row.balance_yen;
                if (tally_find(&cards->successor, card))
                        tell_left_behind(cards, CHECK_ACCOUNT, card, FACT_ACCOUNT);
                else
                        tally_compare(&cards->account, card, &found, on_account, &row);
                cards->with->findings->checked[CHECK_ACCOUNT]++;
        }
        return comparing_end(cards->with, &copy, CHECK_ACCOUNT, &cards->account, on_no_account, cards);
}

static bool compare_exclusions(struct cards *cards)
{
        struct copy_out copy;

        if (!comparing_begin(cards->with, &copy, "SELECT card_token FROM exclusion"))
                return false;
        while (copy_out_row(&copy)) {
                uint8_t card[UUID_SIZE];

                copy_uuid(&copy, card);
                if (tally_find(&cards->successor, card))
                        tell_left_behind(cards, CHECK_REFERENCE, card, FACT_EXCLUSION);
                cards->with->findings->checked[CHECK_REFERENCE]++;
        }
        return comparing_end(cards->with, &copy, CHECK_REFERENCE, NULL, NULL, cards);
}

void cards_quarter_begin(struct cards *cards)
{
        tally_clear(&cards->card_day);
        tally_clear(&cards->card_month);
}

bool cards_quarter_end(struct cards *cards)
{
        check_limits(cards);
        return !cards->with->failed && compare_card_days(cards) && compare_card_months(cards);
}

bool cards_end(struct cards *cards)
{
        return compare_accounts(cards) && compare_exclusions(cards);
}

/* opening ---------------------------------------------------------------------------------------------- */

static bool read_cards(struct cards *cards)
{
        static const uint8_t none[UUID_SIZE];
        struct copy_out copy;

        if (!comparing_begin(cards->with, &copy,
                             "SELECT card_token, successor, earlier_day_on, earlier_month_on FROM card"))
                return false;
        while (copy_out_row(&copy)) {
                uint8_t card[UUID_SIZE], successor[UUID_SIZE];
                int64_t *room = NULL, *earlier;
                bool is_replaced;

                copy_uuid(&copy, card);
                copy_uuid(&copy, successor);
                is_replaced = memcmp(successor, none, UUID_SIZE) != 0;
                if (is_replaced)
                        room = tally_at(&cards->successor, card);
                if (room)
                        memcpy(room, successor, UUID_SIZE);
                earlier = tally_at(&cards->card, card);
                if ((is_replaced && (!room || !tally_at(&cards->heir, successor))) || !earlier) {
                        copy_source_fail(cards->with->source, "out of memory");
                        copy.failed = true;
                        break;
                }
                earlier[CARD_DAY] = copy_day(&copy);
                earlier[CARD_MONTH] = copy_day(&copy);
        }
        return copy_out_end(&copy);
}

bool cards_open(struct cards *cards, struct comparing *with)
{
        *cards = (struct cards){.with = with};
        tally_open(&cards->card_day, sizeof(struct card_key), USE_VALUES);
        tally_open(&cards->card_month, sizeof(struct card_key), USE_VALUES);
        tally_open(&cards->account, UUID_SIZE, 1);
        tally_open(&cards->card, UUID_SIZE, CARD_VALUES);
        tally_open(&cards->successor, UUID_SIZE, UUID_SIZE / sizeof(int64_t));
        tally_open(&cards->heir, UUID_SIZE, 0);
        return limits_open(&cards->limits, with->source, with->findings) && read_cards(cards);
}

void cards_close(struct cards *cards)
{
        struct tally *const all[] = {&cards->card_day, &cards->card_month, &cards->account,
                                     &cards->card,     &cards->successor,  &cards->heir};

        for (size_t i = 0; i < LENGTH(all); i++)
                tally_close(all[i]);
        limits_close(&cards->limits);
}
