/*
 * Documents: HTML, PDF, SVG, PNG. Rows become tables of the document that is drawn in the end; the first column that is
 * shown labels a row, and where values stand under each other their names do.
 */
#include "lib/documents/load.h"
#include "tools/atmctl/output/form.h"
#include "lib/cli/say.h"

/* What fails after loading is told when it is written. */
static bool open_document(struct output *output, const char *title)
{
        char error[DOCUMENTS_ERROR_MAX];

        output->draw = documents_load(error);
        if (!output->draw) {
                complain("%s: %s", form_place(output), error);
                return false;
        }
        output->document = output->draw->create(output->reader ? DOCUMENT_JAPANESE : DOCUMENT_ENGLISH);
        output->draw->title(output->document, title);
        return true;
}

static void begin_table(struct output *output)
{
        const struct output_section *section = output->section;
        struct document_column columns[OUTPUT_COLUMNS_MAX] = {0};
        const char *label = section->shape == OUTPUT_ONE ? "" : NULL;
        size_t count = 0;

        if (section->shape == OUTPUT_ONE)
                columns[count++].heading = "";
        for (size_t i = 0; i < section->count && section->shape == OUTPUT_ROWS; i++) {
                const struct output_column *column = &section->columns[i];
                const char *word = form_heading(output, i);

                if (!form_shows(output, column))
                        continue;
                if (!label)
                        label = word;
                else
                        columns[count++] = (struct document_column){
                            .heading = word,
                            .align = schema_is_right(column->type) ? DOCUMENT_RIGHT : DOCUMENT_LEFT};
        }
        output->draw->table(output->document, section->heading ? section->heading : "", label ? label : "",
                            columns, count);
        output->in_table = true;
}

/* A section with a heading waits for its first row. */
static bool begin(struct output *output)
{
        output->in_table = false;
        if (!output->section->heading)
                begin_table(output);
        return true;
}

static void add_one(struct output *output, const char *const *values)
{
        const struct output_section *section = output->section;
        char buffer[FORM_TEXT_MAX];

        for (size_t i = 0; i < section->count; i++) {
                const char *cells[1] = {form_readable(output, i, values[i], false, buffer)};

                if (form_shows(output, &section->columns[i]))
                        output->draw->row(output->document, DOCUMENT_NORMAL, form_heading(output, i), cells);
        }
}

/* What is not there is nothing, as in tables, but where it is missing: the document has a dash for that. */
static bool is_missing(const struct output_column *column, const char *value)
{
        return !value && (column->type == OUTPUT_DECIMAL || column->flags & OUTPUT_DASH);
}

static void add_cells(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        char buffer[OUTPUT_COLUMNS_MAX][FORM_TEXT_MAX];
        const char *cells[OUTPUT_COLUMNS_MAX], *label = NULL;
        size_t count = 0;

        for (size_t i = 0; i < section->count; i++) {
                const struct output_column *column = &section->columns[i];
                const char *text = form_readable(output, i, values[i], total, buffer[i]);

                if (!form_shows(output, column))
                        continue;
                if (!label)
                        label = text;
                else
                        cells[count++] = is_missing(column, values[i]) ? NULL : text;
        }
        output->draw->row(output->document, total ? DOCUMENT_TOTAL : DOCUMENT_NORMAL,
                          label ? word_of(label, output->reader) : "", cells);
}

static bool row(struct output *output, const char *const *values, bool total)
{
        if (!output->in_table)
                begin_table(output);
        if (output->section->shape == OUTPUT_ONE)
                add_one(output, values);
        else
                add_cells(output, values, total);
        return true;
}

static bool write_report(struct output *output, const struct output_report *report, void *context)
{
        return report->page ? report->page(output->draw, output->document, context)
                            : report->rows(output, context);
}

static void set_head(struct output *output, const struct output_head *head)
{
        char foot[FORM_FOOT_MAX];

        output->draw->title(output->document, head->title);
        output->draw->subtitle(output->document, head->subtitle);
        output->draw->made(output->document, head->made_s);
        form_print_foot(output, head, foot);
        output->draw->footer(output->document, foot);
        if (head->is_provisional)
                output->draw->status(output->document, form_mark(output));
}

static void add_remark(struct output *output, const char *text)
{
        output->draw->status(output->document, text);
}

static void add_chart(struct output *output, const struct document_chart *chart)
{
        output->draw->chart(output->document, chart);
}

static void add_note(struct output *output, const char *text)
{
        output->draw->footnote(output->document, text);
}

static bool write_document(struct output *output, enum document_format format)
{
        char error[512];

        if (output->draw->write(output->document, format, NULL, output->stream, error, sizeof(error)))
                return true;
        complain("%s: %s", form_place(output), error);
        return false;
}

static void forget(struct output *output)
{
        if (output->draw)
                output->draw->free(output->document);
        output->document = NULL;
}

#define DOCUMENT_FORM(word, format, more_flags)                                                              \
        static bool write_##word(struct output *output)                                                      \
        {                                                                                                    \
                return write_document(output, format);                                                       \
        }                                                                                                    \
        const struct output_form form_##word = {.name = #word,                                               \
                                                .kind = OUTPUT_FOR_PEOPLE,                                   \
                                                .flags = FORM_DOCUMENT | more_flags,                         \
                                                .open = open_document,                                       \
                                                .begin = begin,                                              \
                                                .row = row,                                                  \
                                                .report = write_report,                                      \
                                                .head = set_head,                                            \
                                                .chart = add_chart,                                          \
                                                .remark = add_remark,                                        \
                                                .note = add_note,                                            \
                                                .close = write_##word,                                       \
                                                .free = forget}

DOCUMENT_FORM(html, DOCUMENT_HTML, 0);
DOCUMENT_FORM(pdf, DOCUMENT_PDF, FORM_BYTES);
DOCUMENT_FORM(svg, DOCUMENT_SVG, 0);
DOCUMENT_FORM(png, DOCUMENT_PNG, FORM_BYTES);
