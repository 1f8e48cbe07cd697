/*
 * report results: a quarter's results as a company publishes them. Tables and documents show millions of yen with
 * one decimal, rounded once (results_text.c); CSV and JSON have whole yen.
 */
#include "tools/atmctl/report_results.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/report_summary.h"
#include "tools/atmctl/results_page.h"
#include "tools/atmctl/results_text.h"
#include "tools/atmctl/rows.h"
#include "backoffice/pages/words.h"

/* rows ------------------------------------------------------------------------------------------------------ */

enum { LABEL, ITEM, UNIT, FIRST_FIGURE, CELLS_MAX = FIRST_FIGURE + 2 * RESULTS_COLUMNS_MAX };

static const char *const unit_name[] = {
    [UNIT_YEN] = "yen", [UNIT_WHOLE_YEN] = "yen", [UNIT_PERCENT] = "percent", [UNIT_COUNT] = "count"};

/* Each figure twice: as people read it, and whole for programs. */
struct headings {
        struct output_column column[CELLS_MAX];
        char text[RESULTS_COLUMNS_MAX][2][RESULTS_TEXT_MAX];
        size_t count;
};

struct page {
        struct database *database;
        const struct results *results;
        bool japanese;
        struct headings headings;
};

static void name_columns(struct page *page)
{
        struct headings *headings = &page->headings;
        struct output_column *column = headings->column;

        column[LABEL] = (struct output_column){page->japanese ? "百万円" : "millions of yen", OUTPUT_TEXT, OUTPUT_ONLY_TABLE};
        column[ITEM] = (struct output_column){"item", OUTPUT_TEXT, OUTPUT_NOT_TABLE};
        column[UNIT] = (struct output_column){"unit", OUTPUT_TEXT, OUTPUT_NOT_TABLE};
        headings->count = FIRST_FIGURE;
        for (size_t i = 0; i < page->results->columns; i++) {
                const struct results_column *figures = &page->results->column[i];
                char(*text)[RESULTS_TEXT_MAX] = headings->text[i];

                results_heading(figures, page->japanese, text[0]);
                snprintf(text[1], sizeof(text[1]), "columns.%s", figures->name);
                column[headings->count++] = (struct output_column){text[0], OUTPUT_FIGURE, OUTPUT_ONLY_TABLE};
                column[headings->count++] =
                    (struct output_column){text[1], OUTPUT_QUANTITY, OUTPUT_NOT_TABLE | OUTPUT_MEMBER};
        }
}

/* Whole yen, and percentages with a point. */
static const char *print_whole(const struct results_column *column, enum result_item item, char buffer[RESULTS_TEXT_MAX])
{
        int64_t value = column->figure[item].value, magnitude = value < 0 ? -value : value;

        if (!column->figure[item].known)
                return NULL;
        if (column->kind == COLUMN_PERCENT || result_rows[item].unit == UNIT_PERCENT)
                snprintf(buffer, RESULTS_TEXT_MAX, "%s%" PRId64 ".%d", value < 0 ? "-" : "", magnitude / 10,
                         (int)(magnitude % 10));
        else
                snprintf(buffer, RESULTS_TEXT_MAX, "%" PRId64, value);
        return buffer;
}

static bool write_item(const struct page *page, struct output *output, enum result_item item)
{
        char text[RESULTS_COLUMNS_MAX][2][RESULTS_TEXT_MAX], label[128];
        const char *values[CELLS_MAX] = {
            [LABEL] = label, [ITEM] = result_rows[item].name, [UNIT] = unit_name[result_rows[item].unit]};

        /* "of which" and parts are set in */
        snprintf(label, sizeof(label), "%*s%s", 2 * result_rows[item].indent, "", results_label(item, page->japanese));
        for (size_t i = 0; i < page->results->columns; i++) {
                const struct results_column *column = &page->results->column[i];

                values[FIRST_FIGURE + 2 * i] = results_print(column, item, text[i][0]) ? text[i][0] : "-";
                values[FIRST_FIGURE + 2 * i + 1] = print_whole(column, item, text[i][1]);
        }
        return output_row(output, values);
}

static bool write_rows(struct output *output, void *context)
{
        struct page *page = context;
        struct results_notes notes;
        char history[512];

        name_columns(page);
        if (!output_begin(output, &(struct output_section){.columns = page->headings.column, .count = page->headings.count}))
                return false;
        for (int item = 0; item < RESULT_ITEM_COUNT; item++) {
                if (!write_item(page, output, (enum result_item)item))
                        return false;
        }
        results_notes(page->results, page->japanese, &notes);
        for (size_t i = 0; i < notes.count; i++)
                output_remark(output, notes.text[i]);
        if (!report_history_text(page->database, false, history, sizeof(history)))
                return false;
        if (*history)
                output_remark(output, history);
        return true;
}

static bool write_page(const struct document_functions *draw, struct document *document, void *context)
{
        const struct page *page = context;

        return results_page(page->database, page->results, page->japanese, draw, document);
}

/* the command ----------------------------------------------------------------------------------------------- */

static bool write_results(struct database *database, const struct invocation *invocation, const struct results *results)
{
        static const struct output_report report = {.rows = write_rows, .page = write_page};
        struct page page = {.database = database, .results = results, .japanese = output_is_japanese(invocation)};

        return output_write_report(invocation, &report, &page);
}

int report_results(const struct invocation *invocation)
{
        struct results *results = malloc(sizeof(*results));
        struct database database;
        int32_t today;
        int exit_code = EXIT_FAILED;

        if (!results) {
                complain("out of memory");
                return EXIT_FAILED;
        }
        if (!business_today(invocation, &today) || !database_open(&database, invocation, DATABASE_READY))
                goto free_results;
        report_summary_refresh(&database, today);
        if (report_snapshot(&database) &&
            results_load(&database, invocation_value(invocation, "quarter"), today, results) &&
            write_results(&database, invocation, results))
                exit_code = EXIT_DONE;
        database_close(&database);
free_results:
        free(results);
        return exit_code;
}

const struct field results_fields[] = {
    {.name = "quarter",
     .kind = VALUE_QUARTER,
     .flags = FIELD_REQUIRED,
     .text = "the last quarter of the page, as 3Q16: October to December 2016"},
    {.name = NULL},
};
