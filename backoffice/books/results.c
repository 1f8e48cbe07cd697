/* Results: the arithmetic of a results page; see results.h. */
#include "backoffice/books/results.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/period.h"
#include "lib/base/array.h"
#include "lib/base/number.h"

const struct result_row result_rows[RESULT_ITEM_COUNT] = {
#define ITEM_ROW(name, unit, kind) [RESULT_##name] = {#name, UNIT_##unit, KIND_##kind},
    RESULT_ITEMS(ITEM_ROW)
#undef ITEM_ROW
};

/* quarters ------------------------------------------------------------------------------------------------ */

/* From the first quarter of the year before. */
void results_begin(const char *quarter, struct results *ret_results)
{
        struct period period;

        memset(ret_results, 0, sizeof(*ret_results));
        ret_results->of_year = (size_t)number_known_bytes(quarter, 1); /* "3Q16" */
        ret_results->quarters = 4 + ret_results->of_year;
        ret_results->fiscal_year = 2000 + (int)number_known(quarter + 2);
        for (size_t i = 0; i < ret_results->quarters; i++) {
                struct results_quarter *q = &ret_results->quarter[i];
                int number = 1 + (int)i % 4;

                period_of_quarters(ret_results->fiscal_year - 1 + (int)i / 4, number, number, &period);
                snprintf(q->name, sizeof(q->name), "%.7s", period.label);
                q->from_day = period.first_day;
                q->to_day = period.last_day;
        }
        if (ret_results->of_year == 1)
                snprintf(ret_results->period, sizeof(ret_results->period), "%s",
                         ret_results->quarter[4].name);
        else
                snprintf(ret_results->period, sizeof(ret_results->period), "1Q-%s",
                         ret_results->quarter[ret_results->quarters - 1].name);
}

static void derive_ratios(struct figure *f, int64_t atm_days)
{
        f[RESULT_gross_margin_ratio] = figure_share(f[RESULT_gross_margin], f[RESULT_revenue]);
        f[RESULT_operating_margin] = figure_share(f[RESULT_operating_income], f[RESULT_revenue]);
        f[RESULT_revenue_per_atm_day] =
            atm_days > 0 ? figure_scale(f[RESULT_revenue], 1, atm_days) : figure_missing;
}

void results_derive(struct results_quarter *quarter, struct figure income_tax_bp,
                    struct figure non_controlling_bp)
{
        struct figure *f = quarter->figure;
        static const enum result_item costs[] = {RESULT_hall_share, RESULT_cash_in_transit, RESULT_network,
                                                 RESULT_maintenance, RESULT_depreciation};

        f[RESULT_revenue] =
            figure_add(figure_add(f[RESULT_customer_fee], f[RESULT_interbank_fee]), f[RESULT_base_fee]);
        f[RESULT_cost_of_revenue] = figure_known(0);
        for (size_t i = 0; i < LENGTH(costs); i++)
                f[RESULT_cost_of_revenue] = figure_add(f[RESULT_cost_of_revenue], f[costs[i]]);
        f[RESULT_gross_margin] = figure_subtract(f[RESULT_revenue], f[RESULT_cost_of_revenue]);
        f[RESULT_operating_income] = figure_subtract(f[RESULT_gross_margin], f[RESULT_sga]);
        f[RESULT_ebitda] = figure_add(f[RESULT_operating_income], f[RESULT_depreciation]);
        f[RESULT_net_income] = figure_subtract(f[RESULT_operating_income],
                                               figure_part(f[RESULT_operating_income], income_tax_bp));
        f[RESULT_non_controlling_interests] = figure_part(f[RESULT_net_income], non_controlling_bp);
        derive_ratios(f, quarter->atm_days);
}

/* Sums, what is there at the end of the last, and ratios computed anew. */
static void cumulate(const struct results_quarter *quarters, size_t count, struct figure *ret_figures)
{
        int64_t atm_days = 0;

        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                ret_figures[i] =
                    result_rows[i].kind == KIND_END ? quarters[count - 1].figure[i] : figure_known(0);
        for (size_t q = 0; q < count; q++) {
                atm_days += quarters[q].atm_days;
                for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                        if (result_rows[i].kind == KIND_SUM)
                                ret_figures[i] = figure_add(ret_figures[i], quarters[q].figure[i]);
                }
        }
        derive_ratios(ret_figures, atm_days);
}

/* what is no measure --------------------------------------------------------------------------------------- */

/* What contracts and finance say of a quarter, whether the ledger has it or not. */
static const bool is_entered[RESULT_ITEM_COUNT] = {
    [RESULT_base_fee] = true,     [RESULT_cash_in_transit] = true,
    [RESULT_network] = true,      [RESULT_maintenance] = true,
    [RESULT_depreciation] = true, [RESULT_sga] = true,
    [RESULT_capex] = true,        [RESULT_atms] = true};

static void take_out(struct results_quarter *quarter)
{
        for (size_t item = 0; item < RESULT_ITEM_COUNT; item++) {
                if (!is_entered[item])
                        quarter->figure[item] = figure_missing;
        }
}

void results_restrict(struct results *results, const struct standing *standing,
                      struct results_entered *entered)
{
        for (size_t i = 0; i < results->quarters; i++) {
                struct results_quarter *quarter = &results->quarter[i];
                bool is_before = i < results->quarters - results->of_year;
                bool is_former = i + 2 == results->quarters;

                quarter->is_part = quarter->from_day < standing->begun_day;
                if (is_before ? quarter->is_part : quarter->to_day < standing->begun_day)
                        take_out(quarter);
                if (quarter->is_part && (is_before || is_former) && standing->begun_day != INT32_MAX)
                        results->is_cut = true;
        }
        if (!standing->is_part)
                return;
        memset(entered->published, 0, sizeof(entered->published));
        memset(entered->published_quarter, 0, sizeof(entered->published_quarter));
        results->is_unpublished = true;
}

/* columns ------------------------------------------------------------------------------------------------- */

static struct results_column *add_column(struct results *results, enum results_column_kind kind,
                                         const char *of)
{
        struct results_column *column = &results->column[results->columns++];

        assert(results->columns <= RESULTS_COLUMNS_MAX);
        column->kind = kind;
        snprintf(column->of, sizeof(column->of), "%s", of);
        return column;
}

static void add_figures(struct results *results, enum results_column_kind kind, const char *of,
                        const struct figure *figures)
{
        memcpy(add_column(results, kind, of)->figure, figures, sizeof(results->column[0].figure));
}

/* Of what is a percentage itself, in points. */
static void add_change(struct results *results, enum results_column_kind kind, const char *of,
                       const struct figure *now, const struct figure *before)
{
        struct results_column *column = add_column(results, kind, of);

        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                column->figure[i] = result_rows[i].unit == UNIT_PERCENT ? figure_subtract(now[i], before[i])
                                                                        : figure_change(now[i], before[i]);
}

static bool any_known(const struct figure *figures)
{
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                if (figures[i].known)
                        return true;
        }
        return false;
}

static void add_targets(struct results *results, const struct figure *now, const struct figure *targets)
{
        struct results_column *column;
        char year[RESULTS_NAME_MAX];

        if (!any_known(targets))
                return;
        snprintf(year, sizeof(year), "FY%02d", results->fiscal_year % 100);
        add_figures(results, COLUMN_TARGET, year, targets);
        column = add_column(results, COLUMN_PROGRESS, "");
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                column->figure[i] = figure_share(now[i], targets[i]);
}

/* For the period as it is published, or, where each of its quarters is, their sum; what is there at the end: that of
 * the last quarter. */
static struct figure published_of(const struct results *results, const struct results_entered *entered,
                                  size_t item)
{
        struct figure sum = entered->published_quarter[results->of_year - 1][item];

        if (entered->published[item].known || result_rows[item].kind == KIND_OF)
                return entered->published[item];
        for (size_t q = 0; q + 1 < results->of_year && result_rows[item].kind == KIND_SUM; q++)
                sum = figure_add(sum, entered->published_quarter[q][item]);
        return sum;
}

static void add_published(struct results *results, const struct figure *now,
                          const struct results_entered *entered)
{
        struct figure published[RESULT_ITEM_COUNT];
        struct results_column *column;

        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                published[i] = published_of(results, entered, i);
        if (!any_known(published))
                return;
        add_figures(results, COLUMN_PUBLISHED, "", published);
        column = add_column(results, COLUMN_DIFFERENCE, "");
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                column->figure[i] = figure_subtract(now[i], published[i]);
}

void results_compose(struct results *results, const struct results_entered *entered)
{
        const struct results_quarter *first = &results->quarter[results->quarters - results->of_year];
        const struct results_quarter *last = &results->quarter[results->quarters - 1];
        const struct results_quarter *year_before = first - 4;
        struct results_quarter former = last[-1];
        struct figure now[RESULT_ITEM_COUNT], before[RESULT_ITEM_COUNT];
        char name[RESULTS_NAME_MAX];

        if (former.is_part) /* shown as it is, and no measure */
                take_out(&former);
        results->columns = 0;
        results->base_fees_missing = !last->figure[RESULT_base_fee].known &&
                                     last->figure[RESULT_customer_fee].known && !last->without_contract;
        cumulate(first, results->of_year, now);
        cumulate(year_before, results->of_year, before);
        for (size_t i = 0; i < results->of_year; i++)
                add_figures(results, COLUMN_PERIOD, first[i].name, first[i].figure);
        if (results->of_year > 1) {
                add_figures(results, COLUMN_PERIOD, results->period, now);
                snprintf(name, sizeof(name), "1Q-%s", (last - 4)->name);
                add_figures(results, COLUMN_PERIOD, name, before);
                add_change(results, COLUMN_YEAR_ON_YEAR, "", now, before);
        }
        add_figures(results, COLUMN_PERIOD, (last - 4)->name, (last - 4)->figure);
        add_change(results, COLUMN_YEAR_ON_YEAR, results->of_year > 1 ? last->name : "", last->figure,
                   (last - 4)->figure);
        add_change(results, COLUMN_QUARTER_ON_QUARTER, "", last->figure, former.figure);
        add_targets(results, now, entered->target);
        add_published(results, now, entered);
}
