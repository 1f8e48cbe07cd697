/* Builds the model of a document, which is all functions of document.h but document_write: copies what it is given, and refuses what could not be drawn, so that those who draw
 * need not look twice. */
#include "lib/documents/model.h"

#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

struct document *document_new(enum document_language language)
{
        struct document *d = calloc(1, sizeof(*d));

        if (!d)
                return NULL;
        d->language = language;
        document_title(d, "");
        document_subtitle(d, "");
        document_status(d, "");
        document_dash(d, "\u2013");
        document_footer(d, "");
        return d;
}

/* What the structs of document.h own here is reached through pointers to const: the caller's own is not. */
static void free_const(const void *memory)
{
        free((void *)(uintptr_t)memory);
}

static void free_table(struct table *t)
{
        for (size_t i = 0; i < t->row_count; i++) {
                for (size_t c = 0; t->rows[i].cells && c < t->column_count; c++)
                        free(t->rows[i].cells[c]);
                free(t->rows[i].cells);
                free(t->rows[i].label);
        }
        for (size_t c = 0; c < t->column_count; c++)
                free_const(t->columns[c].heading);
        free(t->rows);
        free(t->columns);
        free(t->caption);
        free(t->label_heading);
}

static void free_chart(struct document_chart *c)
{
        for (size_t i = 0; c->categories && i < c->category_count; i++)
                free_const(c->categories[i]);
        for (size_t i = 0; c->series && i < c->series_count; i++) {
                free_const(c->series[i].name);
                free_const(c->series[i].values);
        }
        free_const(c->categories);
        free_const(c->series);
        free_const(c->title);
        free_const(c->unit);
}

void document_free(struct document *d)
{
        if (!d)
                return;
        for (size_t i = 0; i < d->block_count; i++) {
                if (d->blocks[i].is_chart)
                        free_chart(&d->blocks[i].chart);
                else
                        free_table(&d->blocks[i].table);
        }
        for (size_t i = 0; i < d->footnote_count; i++)
                free(d->footnotes[i]);
        free(d->title);
        free(d->subtitle);
        free(d->status);
        free(d->dash);
        free(d->footer);
        free(d);
}

const char *document_problem(const struct document *d)
{
        if (!d)
                return "out of memory";
        return d->problem[0] ? d->problem : NULL;
}

static ATM_PRINTF(2, 3) void fail(struct document *d, const char *format, ...)
{
        va_list arguments;

        if (d->problem[0])
                return;
        va_start(arguments, format);
        vsnprintf(d->problem, sizeof(d->problem), format, arguments);
        va_end(arguments);
}

/* A copy of a text that can be drawn on one line: what can't be (cairo refuses what is no character, too) is escaped, so that one name
 * of thousands, however it came in, spoils no page. NULL after a failure. */
static char *copy(struct document *d, const char *what, const char *text)
{
        size_t size;
        char *made;

        if (!text) {
                fail(d, "%s: no text", what);
                return NULL;
        }
        if (strlen(text) > DOCUMENT_TEXT_MAX) {
                fail(d, "%s: %zu bytes of text, expected at most %d", what, strlen(text), DOCUMENT_TEXT_MAX);
                return NULL;
        }
        if (!g_utf8_validate(text, -1, NULL)) {
                fail(d, "%s: the text is not UTF-8", what);
                return NULL;
        }
        size = (utf8_is_line(text) ? 1 : UTF8_GROWTH) * strlen(text) + 1;
        made = malloc(size);
        if (made)
                utf8_show(text, "", made, size);
        else
                fail(d, "out of memory");
        return made;
}

static void *zeroed(struct document *d, size_t count, size_t size)
{
        void *memory = calloc(count, size);

        if (!memory)
                fail(d, "out of memory");
        return memory;
}

static void set(struct document *d, char **text, const char *what, const char *to)
{
        char *made;

        if (document_problem(d))
                return;
        made = copy(d, what, to);
        if (!made)
                return;
        free(*text);
        *text = made;
}

void document_title(struct document *d, const char *text)
{
        if (d)
                set(d, &d->title, "title", text);
}

void document_subtitle(struct document *d, const char *text)
{
        if (d)
                set(d, &d->subtitle, "subtitle", text);
}

void document_status(struct document *d, const char *text)
{
        const char *before = d && d->status ? d->status : "";
        char *line, *lines = NULL;

        if (document_problem(d))
                return;
        line = copy(d, "status", text);
        if (line && asprintf(&lines, "%s%s%s", before, *before && *line ? "\n" : "", line) < 0) {
                lines = NULL;
                fail(d, "out of memory");
        }
        free(line);
        if (!lines)
                return;
        free(d->status);
        d->status = lines;
}

void document_dash(struct document *d, const char *text)
{
        if (d)
                set(d, &d->dash, "dash", text);
}

void document_footer(struct document *d, const char *text)
{
        if (d)
                set(d, &d->footer, "footer", text);
}

void document_footnote(struct document *d, const char *text)
{
        if (document_problem(d))
                return;
        if (d->footnote_count == DOCUMENT_FOOTNOTES_MAX) {
                fail(d, "more than %d footnotes", DOCUMENT_FOOTNOTES_MAX);
                return;
        }
        d->footnotes[d->footnote_count] = copy(d, "footnote", text);
        if (d->footnotes[d->footnote_count])
                d->footnote_count++;
}

/* The years of four digits, which is what the PDF's date can hold. */
void document_made(struct document *d, int64_t moment)
{
        if (document_problem(d))
                return;
        if (moment < 0 || moment >= INT64_C(253402300800)) {
                fail(d, "made: %lld is not a moment between 1970 and 9999", (long long)moment);
                return;
        }
        d->made = moment;
}

/* The next block, not yet counted: whoever fills it counts it, so that a failure is freed too. */
static struct block *new_block(struct document *d, const char *what)
{
        if (document_problem(d))
                return NULL;
        if (d->block_count == DOCUMENT_BLOCKS_MAX) {
                fail(d, "%s: more than %d tables and charts", what, DOCUMENT_BLOCKS_MAX);
                return NULL;
        }
        return &d->blocks[d->block_count];
}

void document_table(struct document *d, const char *caption, const char *label_heading,
                    const struct document_column *columns, size_t count)
{
        struct block *block = new_block(d, "table");
        struct table *t;

        if (!block)
                return;
        if (count > DOCUMENT_COLUMNS_MAX) {
                fail(d, "table: %zu columns, expected at most %d", count, DOCUMENT_COLUMNS_MAX);
                return;
        }
        t = &block->table;
        d->block_count++;
        t->columns = zeroed(d, count ? count : 1, sizeof(*t->columns));
        if (!t->columns)
                return;
        for (size_t i = 0; i < count; i++) {
                t->columns[i] = columns[i];
                t->columns[i].heading = copy(d, "column's heading", columns[i].heading);
        }
        t->column_count = count;
        t->caption = copy(d, "table's caption", caption);
        t->label_heading = copy(d, "label's heading", label_heading);
}

static struct table_row *new_row(struct document *d, struct table *t)
{
        size_t room = t->row_room ? t->row_room * 2 : 32;
        struct table_row *rows;

        if (t->row_count < t->row_room)
                return &t->rows[t->row_count];
        rows = realloc(t->rows, room * sizeof(*rows));
        if (!rows) {
                fail(d, "out of memory");
                return NULL;
        }
        t->rows = rows;
        t->row_room = room;
        return &t->rows[t->row_count];
}

void document_row(struct document *d, enum document_row_style style, const char *label,
                  const char *const cells[])
{
        struct table *t;
        struct table_row *row;

        if (document_problem(d))
                return;
        if (!d->block_count || d->blocks[d->block_count - 1].is_chart) {
                fail(d, "row: no table was begun");
                return;
        }
        if (d->row_count == DOCUMENT_ROWS_MAX) {
                fail(d, "more than %d rows", DOCUMENT_ROWS_MAX);
                return;
        }
        if (!cells != (style == DOCUMENT_SECTION)) {
                fail(d, "row: a section has no cells, and every other row has some");
                return;
        }
        t = &d->blocks[d->block_count - 1].table;
        row = new_row(d, t);
        if (!row)
                return;
        *row = (struct table_row){.style = style};
        t->row_count++;
        d->row_count++;
        row->label = copy(d, "row's label", label);
        if (!cells)
                return;
        row->cells = zeroed(d, t->column_count ? t->column_count : 1, sizeof(*row->cells));
        for (size_t i = 0; row->cells && i < t->column_count; i++)
                if (cells[i])
                        row->cells[i] = copy(d, "cell", cells[i]);
}

static bool is_power_of_ten(int64_t value)
{
        while (value > 1 && value % 10 == 0)
                value /= 10;
        return value == 1;
}

static bool check_values(struct document *d, const struct document_chart *c, const struct document_series *s)
{
        for (size_t i = 0; i < c->category_count; i++) {
                int64_t amount = s->values[i].missing ? 0 : s->values[i].amount;

                if (amount > DOCUMENT_AMOUNT_MAX || amount < -DOCUMENT_AMOUNT_MAX)
                        fail(d, "chart \"%.60s\": %lld is further from zero than %lld", c->title,
                             (long long)amount, (long long)DOCUMENT_AMOUNT_MAX);
                if (c->kind == DOCUMENT_SHARES && amount < 0)
                        fail(d, "chart \"%.60s\": %lld is no share of a sum", c->title, (long long)amount);
        }
        return !document_problem(d);
}

static bool check_chart(struct document *d, const struct document_chart *c)
{
        size_t series_most =
            c->kind == DOCUMENT_COLUMNS || c->kind == DOCUMENT_LINE ? DOCUMENT_SERIES_MAX : 1;

        if (c->category_count < 1 || c->category_count > DOCUMENT_CATEGORIES_MAX)
                fail(d, "chart \"%.60s\": %zu categories, expected 1 to %d", c->title, c->category_count,
                     DOCUMENT_CATEGORIES_MAX);
        else if (c->series_count < 1 || c->series_count > series_most)
                fail(d, "chart \"%.60s\": %zu series, expected 1 to %zu", c->title, c->series_count,
                     series_most);
        else if (c->scale < 1 || c->scale > DOCUMENT_SCALE_MAX || !is_power_of_ten(c->scale))
                fail(d, "chart \"%.60s\": scale %lld, expected a power of ten up to %lld", c->title,
                     (long long)c->scale, (long long)DOCUMENT_SCALE_MAX);
        else if (c->decimals > DOCUMENT_DECIMALS_MAX)
                fail(d, "chart \"%.60s\": %u decimals, expected at most %d", c->title, c->decimals,
                     DOCUMENT_DECIMALS_MAX);
        for (size_t i = 0; !document_problem(d) && i < c->series_count; i++)
                check_values(d, c, &c->series[i]);
        return !document_problem(d);
}

static void copy_series(struct document *d, struct document_series *to, const struct document_series *from,
                        size_t count)
{
        struct document_value *values = zeroed(d, count, sizeof(*values));

        if (values)
                memcpy(values, from->values, count * sizeof(*values));
        *to = (struct document_series){
            .name = copy(d, "series' name", from->name), .line = from->line, .values = values};
}

void document_chart(struct document *d, const struct document_chart *chart)
{
        struct block *block = new_block(d, "chart");
        struct document_series *series;
        const char **categories;

        if (!block || !check_chart(d, chart))
                return;
        block->is_chart = true;
        block->chart = *chart;
        d->block_count++;
        block->chart.title = copy(d, "chart's title", chart->title);
        block->chart.unit = copy(d, "chart's unit", chart->unit);
        block->chart.categories = categories = zeroed(d, chart->category_count, sizeof(*categories));
        block->chart.series = series = zeroed(d, chart->series_count, sizeof(*series));
        for (size_t i = 0; categories && i < chart->category_count; i++)
                categories[i] = copy(d, "chart's category", chart->categories[i]);
        for (size_t i = 0; series && i < chart->series_count; i++)
                copy_series(d, &series[i], &chart->series[i], chart->category_count);
}
