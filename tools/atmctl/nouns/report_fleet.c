/* report fleet: the books' fleet (backoffice/books/fleet.h) in three sections: ranking, penetration, comparison. */
#include "tools/atmctl/nouns/report_fleet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/fleet.h"
#include "backoffice/pages/amount_chart.h"
#include "backoffice/pages/period_text.h"
#include "backoffice/pages/report_text.h"
#include "backoffice/pages/words.h"
#include "lib/base/array.h"
#include "tools/atmctl/nouns/report_desk.h"

/* ranking ----------------------------------------------------------------------------------------------- */

enum ranking_column {
        RANK,
        KEY,
        NAME,
        ATMS,
        DAYS,
        WITHDRAWALS,
        PER_DAY,
        COMMISSION,
        BASE_FEE,
        REVENUE,
        REVENUE_PER_DAY,
        SHARE,
        CASH_IN_TRANSIT,
        NETWORK,
        MAINTENANCE,
        DEPRECIATION,
        COST,
        PROFIT,
        PROFIT_PERCENT,
        RANKING_COLUMNS
};

static const struct output_column ranking_columns[RANKING_COLUMNS] = {
    [RANK] = {"rank", OUTPUT_NUMBER, 0},
    [KEY] = {"key", OUTPUT_TEXT, 0},
    [NAME] = {"name", OUTPUT_TEXT, 0},
    [ATMS] = {"atms", OUTPUT_YEN, 0},
    [DAYS] = {"days", OUTPUT_YEN, OUTPUT_DASH},
    [WITHDRAWALS] = {"withdrawals", OUTPUT_YEN, OUTPUT_DASH},
    [PER_DAY] = {"withdrawals_per_atm_day", OUTPUT_DECIMAL, 0},
    [COMMISSION] = {"commission_yen", OUTPUT_YEN, OUTPUT_DASH},
    [BASE_FEE] = {"base_fee_yen", OUTPUT_YEN, OUTPUT_DASH},
    [REVENUE] = {"revenue_yen", OUTPUT_YEN, OUTPUT_DASH},
    [REVENUE_PER_DAY] = {"revenue_yen_per_atm_day", OUTPUT_DECIMAL, OUTPUT_NOT_TABLE},
    [SHARE] = {"hall_share_yen", OUTPUT_YEN, OUTPUT_DASH},
    [CASH_IN_TRANSIT] = {"cash_in_transit_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [NETWORK] = {"network_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [MAINTENANCE] = {"maintenance_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [DEPRECIATION] = {"depreciation_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [COST] = {"cost_yen", OUTPUT_YEN, OUTPUT_DASH},
    [PROFIT] = {"profit_yen", OUTPUT_YEN, OUTPUT_DASH},
    [PROFIT_PERCENT] = {"profit_percent", OUTPUT_DECIMAL, 0},
};

static bool write_ranked(struct output *output, const struct fleet_row *row, bool total)
{
        const struct {
                struct figure figure;
                bool tenths;
        } figures[RANKING_COLUMNS] = {[RANK] = {row->rank, false},
                                      [ATMS] = {row->atms, false},
                                      [DAYS] = {row->days, false},
                                      [WITHDRAWALS] = {row->withdrawals, false},
                                      [PER_DAY] = {row->withdrawals_per_day_tenths, true},
                                      [COMMISSION] = {row->commission_yen, false},
                                      [BASE_FEE] = {row->base_fee_yen, false},
                                      [REVENUE] = {row->revenue_yen, false},
                                      [REVENUE_PER_DAY] = {row->revenue_per_day_tenths, true},
                                      [SHARE] = {row->hall_share_yen, false},
                                      [CASH_IN_TRANSIT] = {row->cash_in_transit_yen, false},
                                      [NETWORK] = {row->network_yen, false},
                                      [MAINTENANCE] = {row->maintenance_yen, false},
                                      [DEPRECIATION] = {row->depreciation_yen, false},
                                      [COST] = {row->cost_yen, false},
                                      [PROFIT] = {row->profit_yen, false},
                                      [PROFIT_PERCENT] = {row->profit_tenths, true}};
        char text[RANKING_COLUMNS][FIGURE_TEXT_MAX];
        const char *values[RANKING_COLUMNS];
        char *name;
        bool written;

        for (size_t i = 0; i < RANKING_COLUMNS; i++)
                values[i] = figures[i].tenths ? figure_print_tenths(figures[i].figure, text[i])
                                              : figure_print(figures[i].figure, text[i]);
        values[KEY] = row->key;
        values[NAME] = name = words_join(row->name, output_reader(output));
        written = total ? output_total(output, values) : output_row(output, values);
        free(name);
        return written;
}

static bool write_ranking(struct output *output, const struct fleet *fleet)
{
        struct fleet_row others;

        for (size_t i = 0; i < fleet->rows; i++) {
                if (!write_ranked(output, &fleet->row[i], false))
                        return false;
        }
        return !fleet->rows || ((!fleet_others(fleet, &others) || write_ranked(output, &others, true)) &&
                                write_ranked(output, &fleet->total, true));
}

/* penetration ------------------------------------------------------------------------------------------- */

static const struct output_column penetration_columns[] = {
    {"area", OUTPUT_TEXT, 0},
    {"name", OUTPUT_TEXT, 0},
    {"atms", OUTPUT_YEN, 0},
    {"halls", OUTPUT_YEN, 0},
    {"parlors", OUTPUT_YEN, OUTPUT_DASH},
    {"penetration_percent", OUTPUT_DECIMAL, 0},
};

static bool write_area(struct output *output, const struct fleet_area *area, bool total)
{
        char atms[FIGURE_TEXT_MAX], halls[FIGURE_TEXT_MAX], parlors[FIGURE_TEXT_MAX],
            penetration[FIGURE_TEXT_MAX];
        const char *values[] = {area->area,
                                area->name,
                                figure_print(area->atms, atms),
                                figure_print(area->halls, halls),
                                figure_print(area->parlors, parlors),
                                figure_print_tenths(area->penetration_tenths, penetration)};

        return total ? output_total(output, values) : output_row(output, values);
}

static bool write_penetration(struct output *output, const struct fleet *fleet)
{
        for (size_t i = 0; i < fleet->areas; i++) {
                if (!write_area(output, &fleet->area[i], false))
                        return false;
        }
        return !fleet->areas || write_area(output, &fleet->areas_total, true);
}

/* comparison -------------------------------------------------------------------------------------------- */

static const struct output_column comparison_columns[] = {
    {"peer", OUTPUT_TEXT, 0},      {"item", OUTPUT_WORD, 0},          {"ours", OUTPUT_DECIMAL, 0},
    {"theirs", OUTPUT_DECIMAL, 0}, {"difference", OUTPUT_DECIMAL, 0}, {"source", OUTPUT_TEXT, OUTPUT_DASH},
};

static bool write_comparison(struct output *output, const struct fleet *fleet)
{
        for (size_t i = 0; i < fleet->peers; i++) {
                const struct fleet_peer *peer = &fleet->peer[i];
                const char *values[] = {peer->peer,   peer->item,       peer->ours,
                                        peer->theirs, peer->difference, peer->source};

                if (!output_row(output, values))
                        return false;
        }
        return true;
}

/* the whole --------------------------------------------------------------------------------------------- */

static const struct {
        const char *name, *english, *japanese;
        const struct output_column *columns;
        size_t count;
        bool (*write)(struct output *output, const struct fleet *fleet);
} sections[] = {
    {"ranking", "Ranking", "ランキング", ranking_columns, RANKING_COLUMNS, write_ranking},
    {"penetration", "ATMs in place and parlors", "普及率", penetration_columns, LENGTH(penetration_columns),
     write_penetration},
    {"comparison", "Comparison", "他社比較", comparison_columns, LENGTH(comparison_columns),
     write_comparison},
};

/* All, or the one that is asked for. */
static bool shows(const struct invocation *invocation, const char *section)
{
        const char *asked = invocation_value(invocation, "section");

        return !asked || !strcmp(asked, section);
}

static bool write_sections(const struct invocation *invocation, struct output *output,
                           const struct fleet *fleet)
{
        const char *by = invocation_value(invocation, "by");
        const char *const headings[RANKING_COLUMNS] = {[KEY] = by ? by : "atm"};

        for (size_t i = 0; i < LENGTH(sections); i++) {
                const struct output_section section = {
                    .name = sections[i].name,
                    .heading = output_reader(output) ? sections[i].japanese : sections[i].english,
                    .columns = sections[i].columns,
                    .count = sections[i].count,
                    .words = sections[i].columns == ranking_columns ? headings : NULL};

                if (!shows(invocation, sections[i].name))
                        continue;
                if (!output_begin(output, &section) || !sections[i].write(output, fleet))
                        return false;
        }
        return true;
}

/* "3Q16: cash_in_transit, network; 4Q16: ..." in words. */
static void remark_missing(struct output *output, const char *missing)
{
        enum reader reader = output_reader(output);
        char text[REPORT_TEXT_MAX];

        report_text_items(missing, reader, text);
        output_remark(output,
                      reader ? "未入力の費用があり、利益は算定できません（%s）。"
                             : "costs not entered, and so missing: %s",
                      text);
}

static void remark_gaps(struct output *output, const struct fleet *fleet, const struct period *period)
{
        bool japanese = output_reader(output);
        char name[PERIOD_TEXT_MAX];

        if (!fleet->rows)
                output_remark(output,
                              japanese ? "%sは設置契約も出金もありません。"
                                       : "no ATM under contract and no withdrawals in %s",
                              period_text(period->label, output_reader(output), name));
        if (fleet->without_contract)
                output_remark(output,
                              japanese ? "設置契約のない期間に出金のあったATMが%" PRId64
                                         "台あり、その日数、基本料金、売上高および費用は不明です。"
                                       : "ATMs that earned where they had no contract: %" PRId64
                                         "; their days, base fees, revenue and costs are missing",
                              fleet->without_contract);
        if (fleet->missing)
                remark_missing(output, fleet->missing);
}

/* What the comparison is of. */
static void remark_year(const struct report_desk *desk, struct output *output, const struct fleet *fleet)
{
        enum reader reader = output_reader(output);
        char text[REPORT_TEXT_MAX], days[PERIOD_TEXT_MAX];

        if (!fleet->peers)
                return;
        if (report_text_incomparable(&desk->standing, &fleet->year, reader, text))
                output_remark(output, "%s", text);
        else
                output_remark(
                    output,
                    reader ? "他社比較の当社の数値は、他社の1年と同じく12か月分です（%s）。"
                           : "Others publish a year: what is compared with it is of twelve months, %s.",
                    period_text(fleet->year.label, reader, days));
        if (desk->standing.is_part)
                output_remark(
                    output, reader ? "一部の台数の生成データのため、台数と売上高は他社と比較していません。"
                                   : "What was generated is of a part of the fleet: its ATMs and revenue are "
                                     "not compared with others'.");
}

/* In the ranking's order, by what it ranks; none where some of it is missing, which is no share. */
static void draw_chart(struct output *output, const struct fleet *fleet, const struct period *period,
                       bool by_atm)
{
        struct amount_chart chart;
        enum reader reader = output_reader(output);
        struct fleet_row others;
        char days[PERIOD_TEXT_MAX];

        if (!fleet->total.revenue_yen.known)
                return;
        amount_chart_start(&chart, AMOUNT_BY_PLACE, reader, "revenue",
                           period_text(period->label, reader, days));
        for (size_t i = 0; i < fleet->rows; i++) {
                const struct fleet_row *row = &fleet->row[i];
                bool named = row->name && !strchr(row->name, '\n');
                char label[256];

                /* ATMs of a hall have one name */
                snprintf(label, sizeof(label), "%s%s%.200s", by_atm ? row->key : "",
                         by_atm && named ? " " : "", named ? row->name : "");
                amount_chart_add(&chart, row->key, *label ? label : NULL, row->revenue_yen.value);
        }
        if (fleet_others(fleet, &others))
                amount_chart_add(&chart, others.key, word_of("others", reader), others.revenue_yen.value);
        output_chart(output, amount_chart_ready(&chart));
}

static bool print_report(struct report_desk *desk, const struct period *period, const struct fleet *fleet)
{
        struct output *output = output_open_whole(desk->invocation);
        const char *by = invocation_value(desk->invocation, "by");

        if (!output)
                return false;
        report_head(desk, output, &(struct report_title){"The fleet", "ATM網の収益性", period, NULL});
        remark_gaps(output, fleet, period);
        if (shows(desk->invocation, "ranking"))
                report_remark_more(desk, output, fleet->more);
        if (shows(desk->invocation, "comparison"))
                remark_year(desk, output, fleet);
        draw_chart(output, fleet, period, !by || !strcmp(by, "atm"));
        if (write_sections(desk->invocation, output, fleet))
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool report(struct report_desk *desk, void *context)
{
        struct fleet_question *question = context;
        struct fleet fleet;
        char error[PG_ERROR_MAX];
        bool printed = false;

        question->today = desk->today;
        question->standing = &desk->standing;
        if (fleet_load(desk->database.connection, question, &fleet, error))
                printed = print_report(desk, &question->period, &fleet);
        else
                database_complain_of(error);
        fleet_free(&fleet);
        return printed;
}

int report_fleet(const struct invocation *invocation)
{
        const char *by = invocation_value(invocation, "by");
        int64_t limit;
        struct fleet_question question = {.by = by ? by : "atm",
                                          .limit = report_limit_of(invocation, &limit)};
        int usage = report_period_of(invocation, &question.period);

        return usage == EXIT_DONE ? report_run(invocation, report, &question) : usage;
}

const struct field fleet_fields[] = {
    REPORT_PERIOD_FIELDS,
    {.name = "by", .kind = VALUE_FLEET_KEY, .text = "what is ranked; atm unless given"},
    {.name = "section", .kind = VALUE_FLEET_SECTION, .text = "this section alone"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many of the ranking; its total is of all"},
    {.name = NULL},
};
