/* The books in memory: commissions and the day that each is posted on, sums of days, closed quarters. */
#include "tests/ledger_mem/memory.h"

#include <string.h>

#include "rules/calendar.h"
#include "tests/ledger_mem/memory_inside.h"

static struct price times(const struct price *price, int sign)
{
        struct price product = *price;

        product.customer_fee_yen *= sign;
        product.customer_tax_yen *= sign;
        product.interbank_fee_yen *= sign;
        product.interbank_tax_yen *= sign;
        product.hall_share_yen *= sign;
        return product;
}

void memory_add_to_sum(struct memory_sum **sums, const struct memory_withdrawal *withdrawal,
                       const struct memory_commission *commission)
{
        const struct ledger_request *request = &withdrawal->request;
        struct memory_sum_key key;
        struct memory_sum *sum;

        memset(&key, 0, sizeof key);
        strcpy(key.terminal, withdrawal->identity.terminal);
        strcpy(key.hall, request->hall);
        strcpy(key.issuer, request->issuer);
        key.posted_day = commission->posted_day;
        key.band = request->price.band;
        HASH_FIND(hh, *sums, &key, sizeof key, sum);
        if (!sum) {
                sum = memory_allocate(sizeof *sum);
                sum->key = key;
                HASH_ADD(hh, *sums, key, sizeof key, sum);
        }
        sum->withdrawals += commission->sign;
        memory_add_yen(&sum->cash_yen, commission->cash_yen);
        memory_add_yen(&sum->customer_fee_yen, commission->price.customer_fee_yen);
        memory_add_yen(&sum->customer_tax_yen, commission->price.customer_tax_yen);
        memory_add_yen(&sum->interbank_fee_yen, commission->price.interbank_fee_yen);
        memory_add_yen(&sum->interbank_tax_yen, commission->price.interbank_tax_yen);
        memory_add_yen(&sum->hall_share_yen, commission->price.hall_share_yen);
}

void memory_sum_up(struct memory_database *database, int32_t day_last)
{
        for (struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                for (size_t i = 0; i < w->commission_count; i++) {
                        struct memory_commission *c = &w->commissions[i];

                        if (c->unsummed ||
                            (c->posted_day > database->summed_day_last && c->posted_day <= day_last))
                                memory_add_to_sum(&database->sums, w, c);
                        c->unsummed = false;
                }
        }
        if (day_last > database->summed_day_last)
                database->summed_day_last = day_last;
}

void memory_quarter_of(int32_t day, int32_t *ret_from_day, int32_t *ret_to_day)
{
        struct civil date;

        calendar_civil_of_day(day, &date);
        *ret_from_day = calendar_month_of(day);
        for (int i = 0; i < (date.month - 1) % 3; i++)
                *ret_from_day = calendar_month_of(*ret_from_day - 1);
        *ret_to_day = *ret_from_day;
        for (int i = 0; i < 3; i++)
                *ret_to_day = calendar_month_of(*ret_to_day + 31);
        --*ret_to_day;
}

/* How many commissions count. */
static size_t add_up(const struct memory_withdrawal *withdrawal, struct memory_period *period)
{
        size_t counted = 0;

        if (withdrawal->open && withdrawal->request.business_day <= period->to_day)
                period->without_end++;
        for (size_t i = 0; i < withdrawal->commission_count; i++) {
                const struct memory_commission *c = &withdrawal->commissions[i];

                if (c->posted_day < period->from_day || c->posted_day > period->to_day)
                        continue;
                counted++;
                period->withdrawals += c->sign;
                memory_add_yen(&period->cash_yen, c->cash_yen);
                memory_add_yen(&period->commission_yen, c->price.customer_fee_yen);
                memory_add_yen(&period->commission_yen, c->price.interbank_fee_yen);
        }
        return counted;
}

/* The sums of the quarter that the day lies in. False: nothing is posted in it. */
static bool add_up_quarter(const struct memory_database *database, int32_t day,
                           struct memory_period *ret_sums)
{
        size_t counted = 0;

        *ret_sums = (struct memory_period){0};
        memory_quarter_of(day, &ret_sums->from_day, &ret_sums->to_day);
        for (const struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next)
                counted += add_up(w, ret_sums);
        return counted > 0;
}

static void keep_period(struct memory_database *database, const struct memory_period *sums)
{
        struct memory_period *period = memory_allocate(sizeof *period);

        *period = *sums;
        HASH_ADD(hh, database->periods, from_day, sizeof period->from_day, period);
}

/* The first day after what is closed on which something is posted; INT32_MAX: there is none. */
static int32_t first_open_posting(const struct memory_database *database)
{
        int32_t first = INT32_MAX;

        for (const struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next)
                for (size_t i = 0; i < w->commission_count; i++)
                        if (w->commissions[i].posted_day > database->closed_day_last &&
                            w->commissions[i].posted_day < first)
                                first = w->commissions[i].posted_day;
        return first;
}

const char *memory_period_close(struct memory_database *database, int32_t day, bool force)
{
        struct memory_period sums, earlier;

        add_up_quarter(database, day, &sums);
        if (database->closed_day_last >= sums.to_day)
                return "closed";
        if (database->summed_day_last < sums.to_day)
                return "not summed";
        if (sums.without_end > 0 && !force)
                return "without end";
        for (int32_t at = first_open_posting(database); at < sums.from_day; at = earlier.to_day + 1)
                if (add_up_quarter(database, at, &earlier))
                        keep_period(database, &earlier);
        keep_period(database, &sums);
        database->closed_day_last = sums.to_day;
        return NULL;
}

/* What is known late of a closed day is in the books of the first that is open. */
static int32_t posting_day(const struct memory_database *database, const struct memory_withdrawal *withdrawal)
{
        int32_t day = withdrawal->request.business_day;

        if (day > database->closed_day_last || database->defect == LEDGER_MEM_POSTS_INTO_CLOSED)
                return day;
        return database->closed_day_last + 1;
}

/* sign 0: only the cash is corrected. */
void memory_earn(const struct memory_database *database, struct memory_withdrawal *withdrawal, int sign,
                 int64_t cash_yen)
{
        struct memory_commission *commission;
        void *array = withdrawal->commissions;

        commission = memory_append(&array, &withdrawal->commission_count, sizeof *commission);
        withdrawal->commissions = array;
        commission->seq = withdrawal->advice_count;
        commission->sign = sign;
        commission->cash_yen = cash_yen;
        commission->price = times(&withdrawal->request.price, sign);
        commission->posted_day = posting_day(database, withdrawal);
        commission->unsummed = commission->posted_day <= database->summed_day_last &&
                               database->defect != LEDGER_MEM_FORGETS_LATE_POSTS;
}
