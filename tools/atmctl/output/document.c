/*
 * Documents: HTML, PDF, SVG, PNG. Rows become tables of the document that is drawn in the end; the first column that is
 * shown labels a row, and where values stand under each other their names do.
 */
#include "backoffice/pages/words.h"
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
        output->document = output->draw->create(output->japanese ? DOCUMENT_JAPANESE : DOCUMENT_ENGLISH);
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
                            .align = form_is_right(column->type) ? DOCUMENT_RIGHT : DOCUMENT_LEFT};
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
        char buffer[64];

        for (size_t i = 0; i < section->count; i++) {
                const char *cells[1] = {form_readable(&section->columns[i], values[i], buffer)};

                if (form_shows(output, &section->columns[i]))
                        output->draw->row(output->document, DOCUMENT_NORMAL, form_heading(output, i), cells);
        }
}

static void add_cells(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        char buffer[OUTPUT_COLUMNS_MAX][64];
        const char *cells[OUTPUT_COLUMNS_MAX], *label = NULL;
        size_t count = 0;

        for (size_t i = 0; i < section->count; i++) {
                const struct output_column *column = &section->columns[i];
                const char *text = values[i] ? form_readable(column, values[i], buffer[i]) : NULL;

                if (!form_shows(output, column))
                        continue;
                if (total && text && column->type == OUTPUT_TEXT)
                        text = word_of(text, output->japanese); /* its word need not be in the first column */
                if (!label)
                        label = text ? text : "";
                else /* a text that is not there is nothing; a figure that is not there is missing */
                        cells[count++] = !text && !form_is_right(column->type) ? "" : text;
        }
        output->draw->row(output->document, total ? DOCUMENT_TOTAL : DOCUMENT_NORMAL,
                          label ? word_of(label, output->japanese) : "", cells);
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

static void set_title(struct output *output, const char *title, const char *subtitle)
{
        output->draw->title(output->document, title);
        output->draw->subtitle(output->document, subtitle);
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
                                                .title = set_title,                                          \
                                                .note = add_note,                                            \
                                                .close = write_##word,                                       \
                                                .free = forget}

DOCUMENT_FORM(html, DOCUMENT_HTML, 0);
DOCUMENT_FORM(pdf, DOCUMENT_PDF, FORM_BYTES);
DOCUMENT_FORM(svg, DOCUMENT_SVG, 0);
DOCUMENT_FORM(png, DOCUMENT_PNG, FORM_BYTES);
