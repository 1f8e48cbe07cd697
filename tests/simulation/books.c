/*
 * The books, I6: what is posted where, and that the sums of days are those of their rows.
 *
 *   an advice is committed: what follows from it is posted on its withdrawal's day, or on the first that is not closed
 *   now and then, and at the end: the sums of days are those of their rows, but for those that are noted as posted since;
 *        what was closed sums to what it did when it was closed, in the rows and in the sums of its days
 *
 * What is closed is known from the desk alone, which closes it.
 */
#include "tests/simulation/sim.h"

#include <inttypes.h>
#include <stdlib.h>

#include "rules/calendar.h"

/* posting ------------------------------------------------------------------------------------------- */

void check_postings(struct sim *sim, const struct memory_withdrawal *w)
{
        int32_t day = w->request.business_day;
        bool is_late = sim->closed_count > 0 && day <= sim->closed[sim->closed_count - 1].to_day;
        int32_t wanted = is_late ? sim->closed[sim->closed_count - 1].to_day + 1 : day;

        for (size_t i = 0; i < w->commission_count; i++) {
                const struct memory_commission *c = &w->commissions[i];

                if (c->seq != w->advice_count)
                        continue;
                sim->counters->posted_late += is_late;
                if (c->posted_day != wanted)
                        sim_violate(sim, "I6", "%s STAN %" PRId32 " is posted %d days from where it belongs",
                                    w->identity.terminal, w->identity.stan, (int)(c->posted_day - wanted));
        }
}

/* sums ---------------------------------------------------------------------------------------------- */

static bool is_same_sum(const struct memory_sum *a, const struct memory_sum *b)
{
        return a->withdrawals == b->withdrawals && a->cash_yen == b->cash_yen &&
               a->customer_fee_yen == b->customer_fee_yen && a->customer_tax_yen == b->customer_tax_yen &&
               a->interbank_fee_yen == b->interbank_fee_yen && a->interbank_tax_yen == b->interbank_tax_yen &&
               a->hall_share_yen == b->hall_share_yen;
}

/* Of the days that have their sums: the rows that are in them. */
static void add_summed_rows(const struct sim *sim, const struct memory_withdrawal *w,
                            struct memory_sum **wanted)
{
        for (size_t i = 0; i < w->commission_count; i++) {
                const struct memory_commission *c = &w->commissions[i];

                if (c->posted_day <= sim->database->summed_day_last && !c->unsummed)
                        memory_add_to_sum(wanted, w, c);
        }
}

/* closed quarters ----------------------------------------------------------------------------------- */

static void add_row(struct sim_closed *sum, const struct memory_commission *c, bool unsummed_only)
{
        if ((unsummed_only && !c->unsummed) || c->posted_day < sum->from_day || c->posted_day > sum->to_day)
                return;
        sum->rows++;
        sum->withdrawals += c->sign;
        sum->cash_yen += c->cash_yen;
        sum->fees_yen += c->price.customer_fee_yen + c->price.interbank_fee_yen;
}

static struct sim_closed sum_of_rows(const struct sim *sim, int32_t from_day, int32_t to_day,
                                     bool unsummed_only)
{
        struct sim_closed sum = {.from_day = from_day, .to_day = to_day};

        for (const struct memory_withdrawal *w = sim->database->withdrawals; w; w = w->hh.next) {
                for (size_t i = 0; i < w->commission_count; i++)
                        add_row(&sum, &w->commissions[i], unsummed_only);
        }
        return sum;
}

void check_closed(struct sim *sim, int32_t from_day, int32_t to_day)
{
        sim->closed = reallocarray(sim->closed, (size_t)sim->closed_count + 1, sizeof *sim->closed);
        if (!sim->closed)
                abort();
        sim->closed[sim->closed_count++] = sum_of_rows(sim, from_day, to_day, false);
}

static void check_still(struct sim *sim, const struct sim_closed *then)
{
        struct sim_closed rows = sum_of_rows(sim, then->from_day, then->to_day, false);
        /* as a report has them: with what its days' sums lack */
        struct sim_closed days = sum_of_rows(sim, then->from_day, then->to_day, true);

        for (const struct memory_sum *s = sim->database->sums; s; s = s->hh.next) {
                if (s->key.posted_day < then->from_day || s->key.posted_day > then->to_day)
                        continue;
                days.withdrawals += s->withdrawals;
                days.cash_yen += s->cash_yen;
                days.fees_yen += s->customer_fee_yen + s->interbank_fee_yen;
        }
        if (rows.rows != then->rows || rows.withdrawals != then->withdrawals ||
            rows.cash_yen != then->cash_yen || rows.fees_yen != then->fees_yen)
                sim_violate(sim, "I6", "a closed quarter has %" PRId64 " rows and had %" PRId64, rows.rows,
                            then->rows);
        if (days.withdrawals != then->withdrawals || days.cash_yen != then->cash_yen ||
            days.fees_yen != then->fees_yen)
                sim_violate(sim, "I6",
                            "the days of a closed quarter sum to other yen than when it was closed");
}

void check_sums(struct sim *sim)
{
        struct memory_sum *wanted = NULL, *row, *next;

        for (const struct memory_withdrawal *w = sim->database->withdrawals; w; w = w->hh.next) {
                add_summed_rows(sim, w, &wanted);
                if (w->open !=
                    (memory_state(w) == WITHDRAWAL_APPROVED || memory_state(w) == WITHDRAWAL_ASKED))
                        sim_violate(sim, "I6", "%s STAN %" PRId32 " is %s, open: %d", w->identity.terminal,
                                    w->identity.stan, withdrawal_state_name[memory_state(w)], w->open);
        }
        if (HASH_COUNT(wanted) != HASH_COUNT(sim->database->sums))
                sim_violate(sim, "I6", "%u sums instead of %u", HASH_COUNT(sim->database->sums),
                            HASH_COUNT(wanted));
        HASH_ITER(hh, wanted, row, next)
        {
                const struct memory_sum *found;

                HASH_FIND(hh, sim->database->sums, &row->key, sizeof row->key, found);
                if (!found || !is_same_sum(found, row))
                        sim_violate(sim, "I6", "a sum of %s differs from its rows", row->key.terminal);
                HASH_DELETE(hh, wanted, row);
                free(row);
        }
        for (int i = 0; i < sim->closed_count; i++)
                check_still(sim, &sim->closed[i]);
}
