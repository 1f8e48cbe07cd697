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
#include "tools/atmctl/words.h"

/* rows for people and programs ------------------------------------------------------------------------------ */

static const char *const unit_name[] = {
    [UNIT_YEN] = "yen", [UNIT_WHOLE_YEN] = "yen", [UNIT_PERCENT] = "percent", [UNIT_COUNT] = "count"};

/* "of which" and parts are set in. */
static void print_label(enum result_item item, bool japanese, char *buffer, size_t size)
{
        snprintf(buffer, size, "%*s%s", 2 * result_rows[item].indent, "", results_label(item, japanese));
}

static bool write_table(struct output *output, const struct results *results, bool japanese)
{
        for (size_t item = 0; item < RESULT_ITEM_COUNT; item++) {
                char text[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX], label[128];
                const char *values[RESULTS_COLUMNS_MAX + 1] = {label};

                print_label((enum result_item)item, japanese, label, sizeof(label));
                for (size_t i = 0; i < results->columns; i++)
                        values[i + 1] = results_print(&results->column[i], (enum result_item)item, text[i]) ? text[i] : "-";
                if (!output_row(output, values))
                        return false;
        }
        return true;
}

/* Whole yen, and percentages with a point: for programs. */
static bool is_percent(const struct results_column *column, enum result_item item)
{
        return column->kind == COLUMN_PERCENT || result_rows[item].unit == UNIT_PERCENT;
}

static bool write_csv(struct output *output, const struct results *results)
{
        for (size_t item = 0; item < RESULT_ITEM_COUNT; item++) {
                char text[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
                const char *values[RESULTS_COLUMNS_MAX + 2] = {result_rows[item].name, unit_name[result_rows[item].unit]};

                for (size_t i = 0; i < results->columns; i++) {
                        const struct figure *figure = &results->column[i].figure[item];
                        int64_t value = figure->value;

                        if (is_percent(&results->column[i], (enum result_item)item))
                                snprintf(text[i], sizeof(text[i]), "%s%" PRId64 ".%d", value < 0 ? "-" : "",
                                         (value < 0 ? -value : value) / 10, (int)((value < 0 ? -value : value) % 10));
                        else
                                snprintf(text[i], sizeof(text[i]), "%" PRId64, value);
                        values[i + 2] = figure->known ? text[i] : NULL;
                }
                if (!output_row(output, values))
                        return false;
        }
        return true;
}

static json_t *json_figure(const struct results_column *column, enum result_item item)
{
        const struct figure *figure = &column->figure[item];

        if (!figure->known)
                return json_null();
        return is_percent(column, item) ? json_real((double)figure->value / 10) : json_integer(figure->value);
}

static json_t *json_item(const struct results *results, enum result_item item)
{
        json_t *columns = json_object();

        for (size_t i = 0; i < results->columns; i++)
                json_object_set_new(columns, results->column[i].name, json_figure(&results->column[i], item));
        return json_pack("{s:s, s:s, s:o}", "item", result_rows[item].name, "unit", unit_name[result_rows[item].unit],
                         "columns", columns);
}

static bool write_json(const struct invocation *invocation, const struct results *results)
{
        json_t *items = json_array();
        bool written = items != NULL;

        for (size_t item = 0; item < RESULT_ITEM_COUNT && written; item++)
                written = json_array_append_new(items, json_item(results, (enum result_item)item)) == 0;
        if (!written)
                complain("out of memory");
        written = written && output_json(invocation, items);
        json_decref(items);
        return written;
}

/* The first column is the item's label; programs get its name and unit. */
static size_t name_columns(const struct results *results, bool programs, bool japanese,
                           char headings[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX], struct output_column *ret_columns)
{
        size_t count = 0;

        ret_columns[count++] = (struct output_column){programs ? "item" : japanese ? "百万円" : "millions of yen", OUTPUT_TEXT, 0};
        if (programs)
                ret_columns[count++] = (struct output_column){"unit", OUTPUT_TEXT, 0};
        for (size_t i = 0; i < results->columns; i++) {
                results_heading(&results->column[i], japanese, headings[i]);
                ret_columns[count++] =
                    (struct output_column){programs ? results->column[i].name : headings[i], OUTPUT_FIGURE, 0};
        }
        return count;
}

static bool write_rows(const struct invocation *invocation, const struct results *results, bool programs)
{
        char headings[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
        struct output_column columns[RESULTS_COLUMNS_MAX + 2];
        struct results_notes notes;
        bool japanese = output_is_japanese(invocation);
        size_t count = name_columns(results, programs, japanese, headings, columns);
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, count);

        if (!output)
                return false;
        if (!(programs ? write_csv(output, results) : write_table(output, results, japanese))) {
                output_abandon(output);
                return false;
        }
        if (!output_close(output))
                return false;
        results_notes(results, japanese, &notes);
        for (size_t i = 0; i < notes.count && !programs; i++)
                note("%s", notes.text[i]);
        return true;
}

static bool write_page(struct database *database, const struct invocation *invocation, const struct results *results)
{
        struct output *output = output_open_stream(invocation);

        if (!output)
                return false;
        if (!results_page(database, results, output_is_japanese(invocation), output_draw(output), output_document(output))) {
                output_abandon(output);
                return false;
        }
        return output_close(output);
}

static bool write_results(struct database *database, const struct invocation *invocation, const struct results *results)
{
        switch (output_format_of(invocation)) {
        case OUTPUT_TABLE:
        case OUTPUT_EXPANDED:
                return write_rows(invocation, results, false) && report_note_history(database);
        case OUTPUT_CSV:
                return write_rows(invocation, results, true);
        case OUTPUT_JSON:
                return write_json(invocation, results);
        default:
                return write_page(database, invocation, results);
        }
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
