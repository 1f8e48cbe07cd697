/* The holders' memory is only as good as needed to keep refusals rare: the daemon alone decides. */
#include "tools/atmsim/cards.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/csv.h"
#include "protocol/profile.h"
#include "rules/calendar.h"

enum { HOLDER_DAY_YEN = 30000, HOLDER_MONTH_YEN = 80000, HOLDER_DAY_COUNT = 2, TRIES = 8 };

static bool expiry_is_valid(const char *text)
{
        return strlen(text) == 4 && strspn(text, "0123456789") == 4 && memcmp(text + 2, "01", 2) >= 0 &&
               memcmp(text + 2, "12", 2) <= 0;
}

static bool pin_is_valid(const char *text)
{
        size_t length = strlen(text);

        return length == 0 || (length >= 4 && length <= 12 && strspn(text, "0123456789") == length);
}

/* "" where the file has no such column. */
static const char *pin_of(const struct csv *csv)
{
        for (size_t i = 0; i < csv->columns; i++)
                if (!strcmp(csv->name[i], "pin"))
                        return csv->field[i];
        return "";
}

static bool add_row(struct cards *cards, struct csv *csv)
{
        const char *pan = csv_value(csv, 0), *expiry = csv_value(csv, 1), *pin = pin_of(csv);
        struct card *grown;

        if (!pan_is_valid(pan))
                return csv_refuse(csv, csv->line, "pan", "expected 12 to 19 digits");
        if (!expiry_is_valid(expiry))
                return csv_refuse(csv, csv->line, "expiry", "expected YYMM");
        if (!pin_is_valid(pin))
                return csv_refuse(csv, csv->line, "pin", "expected 4 to 12 digits");
        grown = array_with_room(cards->card, &cards->room, cards->count, sizeof(*grown));
        if (!grown)
                return csv_refuse(csv, 0, NULL, "out of memory");
        cards->card = grown;
        cards->card[cards->count] = (struct card){0};
        strcpy(cards->card[cards->count].pan, pan);
        strcpy(cards->card[cards->count].expiry_yymm, expiry);
        strcpy(cards->card[cards->count].pin, pin);
        cards->count++;
        return true;
}

static bool load_file(struct cards *cards, const char *path, size_t *skip, char error[CARDS_ERROR_MAX])
{
        static const char *const columns[] = {"pan", "expiry", NULL};
        enum csv_result result = CSV_BAD;
        struct csv csv;

        if (csv_open(&csv, path, true) && csv_header(&csv, columns)) {
                while ((result = csv_next(&csv)) == CSV_ROW) {
                        if (*skip > 0)
                                --*skip;
                        else if (!add_row(cards, &csv))
                                break;
                }
        }
        if (result != CSV_END)
                snprintf(error, CARDS_ERROR_MAX, "%s", csv.error);
        csv_close(&csv);
        return result == CSV_END;
}

bool cards_load(const char *const *paths, size_t count, size_t skip, struct token_key *key,
                struct cards *ret_cards, char error[CARDS_ERROR_MAX])
{
        struct cards cards = {.key = key, .uses = 2};

        for (size_t i = 0; i < count; i++) {
                if (!load_file(&cards, paths[i], &skip, error)) {
                        cards_free(&cards);
                        return false;
                }
        }
        if (cards.count == 0) {
                snprintf(error, CARDS_ERROR_MAX, "%s%s: no cards are left in it", paths[count - 1],
                         count > 1 ? " and what was given before it" : "");
                cards_free(&cards);
                return false;
        }
        *ret_cards = cards;
        return true;
}

void cards_free(struct cards *cards)
{
        if (cards->card)
                OPENSSL_cleanse(cards->card, cards->count * sizeof(*cards->card));
        free(cards->card);
        cards->card = NULL;
        cards->count = cards->room = 0;
}

bool cards_take_even(struct cards *cards, uint32_t *ret_index)
{
        if (cards->next == cards->count) {
                cards->next = 0;
                cards->round++;
        }
        if (cards->round >= cards->uses)
                return false;
        *ret_index = (uint32_t)cards->next++;
        return true;
}

static void remember(struct cards *cards, uint32_t index, int32_t day, int64_t amount_yen)
{
        struct card *card = &cards->card[index];
        int32_t month = calendar_month_of(day);

        if (card->day != day)
                card->day_yen = card->day_count = 0;
        if (card->month != month)
                card->month_yen = 0;
        card->day = day;
        card->month = month;
        card->day_yen += amount_yen;
        card->month_yen += amount_yen;
        card->day_count++;
        cards->recent[cards->recent_count++ % CARDS_RECENT] = index;
}

static bool may_take(const struct card *card, int32_t day, int64_t amount_yen)
{
        int64_t day_yen = card->day == day ? card->day_yen : 0;
        int64_t month_yen = card->month == calendar_month_of(day) ? card->month_yen : 0;
        int32_t count = card->day == day ? card->day_count : 0;

        return day_yen + amount_yen <= HOLDER_DAY_YEN && month_yen + amount_yen <= HOLDER_MONTH_YEN &&
               count < HOLDER_DAY_COUNT;
}

uint32_t cards_take(struct cards *cards, struct random *random, int32_t day, bool fixed_amount,
                    int64_t *amount_yen)
{
        uint32_t index = 0;

        assert(cards->count > 0);
        if (cards->recent_count > 0 && random_chance(random, cards->careless)) {
                size_t known = cards->recent_count < CARDS_RECENT ? cards->recent_count : CARDS_RECENT;

                index = cards->recent[random_below(random, known)];
                if (!fixed_amount)
                        *amount_yen = HOLDER_DAY_YEN;
        } else {
                for (int i = 0; i < TRIES; i++) {
                        index = (uint32_t)random_below(random, cards->count);
                        if (may_take(&cards->card[index], day, *amount_yen))
                                break;
                }
        }
        remember(cards, index, day, *amount_yen);
        return index;
}

const uint8_t *card_token(struct cards *cards, uint32_t index)
{
        struct card *card = &cards->card[index];

        if (!card->tokened) {
                token_of_pan(cards->key, card->pan, card->token);
                card->tokened = true;
        }
        return card->token;
}

static char check_digit(const char *digits, size_t length)
{
        int sum = 0;

        for (size_t i = 0; i < length; i++) {
                int digit = digits[length - 1 - i] - '0';

                if (i % 2 == 0)
                        digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
                sum += digit;
        }
        return (char)('0' + (10 - sum % 10) % 10);
}

bool cards_make(const struct cards_recipe *recipe, FILE *file)
{
        enum { PAN_DIGITS = 16 };
        size_t prefix_digits = strlen(recipe->prefix);
        uint64_t numbers = 1, start, step;
        struct random random;

        for (size_t i = prefix_digits; i < PAN_DIGITS - 1; i++)
                numbers *= 10;
        assert(prefix_digits < PAN_DIGITS - 1 && recipe->count <= numbers);
        random_seed(&random, recipe->seed);
        start = random_below(&random, numbers);
        /* An odd step that is no multiple of 5 visits every number once: no card twice, none next to another.
         */
        step = random_below(&random, numbers) / 10 * 10 + 7;

        csv_write_row(file, (const char *const[]){"pan", "expiry", "pin", "issuer", "balance_yen"}, 5);
        for (uint64_t i = 0; i < recipe->count; i++) {
                char pan[PAN_DIGITS + 1], pin[5], balance[24];
                uint64_t number = (uint64_t)(((unsigned __int128)i * step + start) % numbers);

                memcpy(pan, recipe->prefix, prefix_digits);
                for (size_t at = PAN_DIGITS - 1; at-- > prefix_digits; number /= 10)
                        pan[at] = (char)('0' + number % 10);
                pan[PAN_DIGITS - 1] = check_digit(pan, PAN_DIGITS - 1);
                pan[PAN_DIGITS] = '\0';
                snprintf(pin, sizeof(pin), "%04u", (unsigned)random_below(&random, 10000) % 10000);
                snprintf(balance, sizeof(balance), "%" PRId64, recipe->balance_yen);
                csv_write_row(
                    file, (const char *const[]){pan, recipe->expiry_yymm, pin, recipe->issuer, balance}, 5);
        }
        return fflush(file) == 0 && !ferror(file);
}
