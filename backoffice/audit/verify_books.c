#include "backoffice/audit/verify_books.h"

#include <string.h>

#include "backoffice/audit/history_facts.h"

enum { DAY_WITHDRAWALS, DAY_CASH, DAY_FEES, DAY_VALUES };

void books_post(struct books *books, const struct posting *p)
{
        const int64_t day[DAY_VALUES] = {[DAY_WITHDRAWALS] = p->value[POSTING_WITHDRAWALS],
                                         [DAY_CASH] = p->value[POSTING_CASH],
                                         [DAY_FEES] = p->value[POSTING_CUSTOMER_FEE] +
                                                      p->value[POSTING_INTERBANK_FEE]};

        comparing_add(&books->with, &books->day, &p->posted_day, day);
        sums_post(&books->sums, p);
}

bool books_may_post(struct books *books, int32_t business_day, int32_t posted_day)
{
        int32_t closed_day = posted_day - 1;

        return posted_day == business_day ||
               (posted_day > business_day && tally_find(&books->closed_day, &closed_day));
}

bool books_are_reported(struct books *books, int32_t posted_day)
{
        return tally_find(&books->reported_day, &posted_day) != NULL;
}

/* comparing -------------------------------------------------------------------------------------------- */

static struct fact period_sums(const int64_t value[DAY_VALUES], int64_t base_fee_yen)
{
        return history_numbers(FACT_PERIOD_SUMS, (const int64_t[]){value[DAY_WITHDRAWALS], value[DAY_CASH],
                                                                   value[DAY_FEES], base_fee_yen});
}

static void compare_period(struct books *books, struct copy_out *copy)
{
        const char *quarter = names_text(books->with.names, copy_name(copy));
        int32_t from_day = copy_day(copy), to_day = copy_day(copy);
        int64_t found[DAY_VALUES], expected[DAY_VALUES] = {0}, base_fee_yen, base_fee_now_yen;
        struct fact which, wanted, got;

        for (int i = 0; i < DAY_VALUES; i++)
                found[i] = copy_int8(copy);
        base_fee_yen = copy_int8(copy);
        base_fee_now_yen = copy_int8(copy);
        for (int32_t day = from_day; day <= to_day; day++) {
                const int64_t *sum = tally_find(&books->day, &day);

                for (int i = 0; sum && i < DAY_VALUES; i++)
                        expected[i] += sum[i];
        }
        books->with.findings->checked[CHECK_POSTING]++;
        if (!memcmp(expected, found, sizeof(found)) && base_fee_yen == base_fee_now_yen)
                return;
        which = history_fact(FACT_VALUE);
        fact_text(&which, quarter);
        wanted = period_sums(expected, base_fee_now_yen);
        got = period_sums(found, base_fee_yen);
        findings_add(books->with.findings, CHECK_POSTING, &which, &wanted, &got);
}

static bool compare_periods(struct books *books)
{
        struct copy_out copy;

        if (!comparing_begin(
                &books->with, &copy,
                "SELECT p.quarter, p.from_on, p.to_on, p.withdrawals, p.cash_yen, p.commission_yen, "
                "p.base_fee_yen, "
                "(SELECT coalesce(sum(b.base_fee_yen), 0)::bigint FROM report_base_fee(p.from_on, "
                "p.to_on) b) "
                "FROM period p"))
                return false;
        while (copy_out_row(&copy))
                compare_period(books, &copy);
        return comparing_end(&books->with, &copy, CHECK_POSTING, NULL, NULL, NULL);
}

static bool compare_contracts(struct books *books)
{
        struct copy_out copy;

        if (!comparing_begin(
                &books->with, &copy,
                "SELECT terminal, from_on, until_on, lead(from_on) OVER (PARTITION BY terminal ORDER BY "
                "from_on) "
                "FROM contract"))
                return false;
        while (copy_out_row(&copy)) {
                uint32_t terminal = copy_name(&copy);
                int32_t from_day = copy_day(&copy), until_day = copy_day(&copy), next_day = copy_day(&copy);
                struct fact which, wanted, got;

                books->with.findings->checked[CHECK_CONTRACT]++;
                if (next_day == COPY_NO_DAY || (until_day != COPY_NO_DAY && until_day <= next_day))
                        continue;
                which = history_fact(FACT_CONTRACT_KEY);
                fact_text(&which, names_text(books->with.names, terminal));
                fact_day(&which, from_day);
                wanted = history_fact(FACT_UNTIL);
                fact_day(&wanted, next_day);
                got = history_fact(until_day == COPY_NO_DAY ? FACT_NO_END : FACT_VALUE);
                if (until_day != COPY_NO_DAY)
                        fact_day(&got, until_day);
                findings_add(books->with.findings, CHECK_CONTRACT, &which, &wanted, &got);
        }
        return comparing_end(&books->with, &copy, CHECK_CONTRACT, NULL, NULL, NULL);
}

void books_quarter_begin(struct books *books, int32_t from_day, int32_t to_day)
{
        books->with.from_day = from_day;
        books->with.to_day = to_day;
        sums_quarter_begin(&books->sums);
        cards_quarter_begin(&books->cards);
}

bool books_quarter_end(struct books *books)
{
        return !books->with.failed && sums_quarter_end(&books->sums) && cards_quarter_end(&books->cards);
}

bool books_end(struct books *books)
{
        return sums_end(&books->sums) && cards_end(&books->cards) && compare_periods(books) &&
               compare_contracts(books);
}

/* opening ---------------------------------------------------------------------------------------------- */

bool books_open(struct books *books, struct copy_source *source, struct findings *findings)
{
        *books = (struct books){.with = {.source = source, .names = source->names, .findings = findings}};
        tally_open(&books->day, sizeof(int32_t), DAY_VALUES);
        tally_open(&books->closed_day, sizeof(int32_t), 0);
        tally_open(&books->reported_day, sizeof(int32_t), 0);
        return places_open(&books->places, source) && sums_open(&books->sums, &books->with, &books->places) &&
               cards_open(&books->cards, &books->with) &&
               comparing_read_days(&books->with, &books->closed_day, "SELECT to_on FROM period") &&
               comparing_read_days(&books->with, &books->reported_day, "SELECT day FROM v_reported_day");
}

void books_close(struct books *books)
{
        sums_close(&books->sums);
        cards_close(&books->cards);
        tally_close(&books->day);
        tally_close(&books->closed_day);
        tally_close(&books->reported_day);
        places_close(&books->places);
}
