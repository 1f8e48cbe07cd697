/*
 * report results: a quarter's results as a company publishes them. Tables and documents show millions of yen with
 * one decimal, rounded once (backoffice/pages/results_text.c); CSV and JSON have whole yen.
 */
#include "tools/atmctl/nouns/report_results.h"

#include <stdlib.h>

#include "backoffice/pages/results_page.h"
#include "backoffice/pages/results_text.h"
#include "tools/atmctl/nouns/report_desk.h"

/* rows ------------------------------------------------------------------------------------------------------ */

enum { LABEL, ITEM, UNIT, FIRST_FIGURE, CELLS_MAX = FIRST_FIGURE + 2 * RESULTS_COLUMNS_MAX };
enum { MEMBER_MAX = RESULTS_TEXT_MAX + 8 /* "columns." */ };

static const char *const unit_name[] = {
    [UNIT_YEN] = "yen", [UNIT_WHOLE_YEN] = "yen", [UNIT_PERCENT] = "percent", [UNIT_COUNT] = "count"};

/* Each figure twice: as people read it, and whole for programs. */
struct headings {
        struct output_column column[CELLS_MAX];
        char text[RESULTS_COLUMNS_MAX][2][MEMBER_MAX];
        size_t count;
};

struct page {
        struct results results;
        struct results_parts parts;
        const struct report_desk *desk;
        enum reader reader;
        struct headings headings;
};

static void name_columns(struct page *page)
{
        struct headings *headings = &page->headings;
        struct output_column *column = headings->column;

        column[LABEL] = (struct output_column){page->reader ? "百万円" : "millions of yen", OUTPUT_TEXT,
                                               OUTPUT_ONLY_TABLE};
        column[ITEM] = (struct output_column){"item", OUTPUT_TEXT, OUTPUT_NOT_TABLE};
        column[UNIT] = (struct output_column){"unit", OUTPUT_TEXT, OUTPUT_NOT_TABLE};
        headings->count = FIRST_FIGURE;
        for (size_t i = 0; i < page->results.columns; i++) {
                const struct results_column *figures = &page->results.column[i];
                char(*text)[MEMBER_MAX] = headings->text[i];
                char name[RESULTS_TEXT_MAX];

                results_heading(figures, page->reader, text[0]);
                results_column_name(figures, name);
                snprintf(text[1], sizeof(text[1]), "columns.%s", name);
                column[headings->count++] = (struct output_column){text[0], OUTPUT_FIGURE, OUTPUT_ONLY_TABLE};
                column[headings->count++] =
                    (struct output_column){text[1], OUTPUT_QUANTITY, OUTPUT_NOT_TABLE | OUTPUT_MEMBER};
        }
}

/* Whole yen, and percentages with a point. */
static const char *print_whole(const struct results_column *column, enum result_item item,
                               char buffer[FIGURE_TEXT_MAX])
{
        return results_is_percent(column) || result_rows[item].unit == UNIT_PERCENT
                   ? figure_print_tenths(column->figure[item], buffer)
                   : figure_print(column->figure[item], buffer);
}

static bool write_item(const struct page *page, struct output *output, enum result_item item)
{
        char text[RESULTS_COLUMNS_MAX][2][RESULTS_TEXT_MAX], label[128];
        const char *values[CELLS_MAX] = {
            [LABEL] = label, [ITEM] = result_rows[item].name, [UNIT] = unit_name[result_rows[item].unit]};

        /* "of which" and parts are set in */
        snprintf(label, sizeof(label), "%*s%s", 2 * results_indent(item), "",
                 results_label(&page->results, item, page->reader));
        for (size_t i = 0; i < page->results.columns; i++) {
                const struct results_column *column = &page->results.column[i];

                values[FIRST_FIGURE + 2 * i] =
                    results_print(column, item, page->reader, text[i][0]) ? text[i][0] : "-";
                values[FIRST_FIGURE + 2 * i + 1] = print_whole(column, item, text[i][1]);
        }
        return output_row(output, values);
}

static void write_head(struct output *output, void *context)
{
        const struct page *page = context;
        const struct results *results = &page->results;
        struct results_notes notes;
        struct period period;

        period_of_quarters(results->fiscal_year, 1, (int)results->of_year, &period);
        report_head(page->desk, output,
                    &(struct report_title){"Results of the ATM operation business", "ATM運営事業 業績",
                                           &period, NULL});
        results_notes(results,
                      output_kind_of(page->desk->invocation) == OUTPUT_FOR_PEOPLE ? RESULTS_IN_MILLIONS
                                                                                  : RESULTS_WHOLE,
                      page->reader, &notes);
        for (size_t i = 0; i < notes.count; i++)
                output_remark(output, "%s", notes.text[i]);
}

static bool write_rows(struct output *output, void *context)
{
        struct page *page = context;

        name_columns(page);
        if (!output_begin(output, &(struct output_section){.name = "rows",
                                                           .columns = page->headings.column,
                                                           .count = page->headings.count}))
                return false;
        for (int item = 0; item < RESULT_ITEM_COUNT; item++) {
                if (!write_item(page, output, (enum result_item)item))
                        return false;
        }
        return true;
}

static bool write_page(const struct document_functions *draw, struct document *document, void *context)
{
        const struct page *page = context;

        results_page(&(struct results_page){&page->results, &page->parts, page->reader}, draw, document);
        return true;
}

/* the command ----------------------------------------------------------------------------------------------- */

static bool load(PGconn *connection, const struct report_desk *desk, struct page *page)
{
        char quarter[5], error[PG_ERROR_MAX];

        /* --quarter has been taken apart (command.c) */
        snprintf(quarter, sizeof(quarter), "%.1sQ%.2s", invocation_value(desk->invocation, "quarter"),
                 invocation_value(desk->invocation, "fy") + 2);
        if (results_load(connection, quarter, desk->today, &desk->standing, &page->results, error) &&
            results_parts_load(connection, &page->results, &page->parts, error))
                return true;
        database_complain_of(error);
        return false;
}

static bool report(struct report_desk *desk, void *context)
{
        static const struct output_report results = {
            .head = write_head, .rows = write_rows, .page = write_page};
        struct page *page = context;
        bool written;

        page->desk = desk;
        written = load(desk->database.connection, desk, page) &&
                  output_write_report(desk->invocation, &results, page);

        results_parts_free(&page->parts);
        return written;
}

int report_results(const struct invocation *invocation)
{
        struct page *page = calloc(1, sizeof(*page));
        int exit_code;

        if (!page) {
                complain("out of memory");
                return EXIT_FAILED;
        }
        page->reader = output_reader_of(invocation);
        exit_code = report_run(invocation, report, page);
        free(page);
        return exit_code;
}

const struct field results_fields[] = {
    {.name = "quarter",
     .kind = VALUE_QUARTER_NUMBER,
     .flags = FIELD_REQUIRED,
     .text = "the last quarter of the page: of --fy, or with its year"},
    {.name = "fy", .kind = VALUE_FISCAL_YEAR, .text = "the fiscal year of a quarter that is a number"},
    {.name = NULL},
};
