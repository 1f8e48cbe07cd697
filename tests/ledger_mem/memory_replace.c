/* card_replace in memory: account, use and exclusions of a card move to a new one, and a chain of cards has one holder. */
#include "tests/ledger_mem/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ledger_mem/memory_inside.h"

const uint8_t *memory_holder(const struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH])
{
        const struct memory_card *card = memory_card(database, token);

        return card && card->is_replaced ? card->successor : token;
}

static void move_usage(struct memory_usage **table, const struct memory_replacement *r)
{
        struct memory_usage *usage, *next;

        HASH_ITER(hh, *table, usage, next)
        {
                struct memory_usage *moved;

                if (memcmp(usage->key.token, r->old_token, CARD_TOKEN_LENGTH) != 0)
                        continue;
                moved = memory_need_usage(table, r->new_token, usage->key.day);
                memory_add_yen(&moved->cash_yen, usage->cash_yen);
                moved->withdrawals += usage->withdrawals;
                moved->corrections += usage->corrections;
                HASH_DEL(*table, usage);
                free(usage);
        }
}

/* Of two that begin on the same day the longer one holds. */
static void move_exclusions(struct memory_database *database, struct memory_card *card,
                            const struct memory_replacement *r)
{
        for (size_t i = 0; i < card->exclusion_count; i++) {
                const struct memory_exclusion *moved = &card->exclusions[i];
                struct memory_card *to = memory_card(database, r->new_token);
                size_t k = 0;

                while (k < to->exclusion_count && to->exclusions[k].from_day != moved->from_day)
                        k++;
                if (k == to->exclusion_count)
                        memory_add_exclusion(database, r->new_token, moved->from_day, moved->until_day);
                else if (to->exclusions[k].until_day < moved->until_day)
                        to->exclusions[k].until_day = moved->until_day;
        }
        free(card->exclusions);
        card->exclusions = NULL;
        card->exclusion_count = 0;
}

static const char *replacement_problem(const struct memory_database *database,
                                       const struct memory_replacement *r)
{
        const struct memory_card *card = memory_card(database, r->old_token),
                                 *known = memory_card(database, r->new_token);

        if ((!card || !card->in_bank) && r->is_house)
                return "unknown";
        if (!r->is_same_bank)
                return "issuer";
        if (card && card->is_replaced)
                return memcmp(card->replaced_by, r->new_token, CARD_TOKEN_LENGTH) == 0 ? "already"
                                                                                       : "replaced";
        if ((known && known->in_bank && !(known->only_used && known->status == MEMORY_CARD_ACTIVE)) ||
            memcmp(r->old_token, r->new_token, CARD_TOKEN_LENGTH) == 0)
                return "known";
        return r->is_house && !r->expiry_yymm ? "expiry" : NULL;
}

const char *memory_card_replace(struct memory_database *database, const struct memory_replacement *r)
{
        const char *problem = replacement_problem(database, r);
        struct memory_card *card, *to;

        if (problem)
                return problem;
        memory_add_card(database, r->new_token, r->expiry_yymm ? r->expiry_yymm : "", CARD_CASH);
        to = memory_card(database, r->new_token);
        card = memory_need_card(database, r->old_token);
        card->in_bank = true;
        memcpy(card->replaced_by, r->new_token, CARD_TOKEN_LENGTH);
        if (r->status != MEMORY_CARD_ACTIVE)
                card->status = r->status;
        else if (card->status == MEMORY_CARD_ACTIVE)
                card->status = MEMORY_CARD_REPLACED;
        for (struct memory_card *c = database->cards; c; c = c->hh.next) {
                if (c != card && !(c->is_replaced && !memcmp(c->successor, r->old_token, CARD_TOKEN_LENGTH)))
                        continue;
                c->is_replaced = true;
                memcpy(c->successor, r->new_token, CARD_TOKEN_LENGTH);
        }
        to->has_account = card->has_account;
        to->opening_yen = card->opening_yen;
        to->balance_yen = card->balance_yen;
        card->has_account = false;
        card->opening_yen = card->balance_yen = 0;
        for (int i = 0; i < 2; i++) {
                memory_note_use(to->day, card->day[i]);
                memory_note_use(to->month, card->month[i]);
                card->day[i] = card->month[i] = 0;
        }
        snprintf(to->pin_value, sizeof to->pin_value, "%s", r->pin_value ? r->pin_value : "");
        *card->pin_value = '\0';
        card->pin_tries = 0;
        card->only_used = false;
        move_usage(&database->months, r);
        move_usage(&database->days, r);
        move_exclusions(database, card, r);
        return NULL;
}
