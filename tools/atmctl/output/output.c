/* Where the output goes, and which form it takes; what the forms do is theirs. */
#include "tools/atmctl/output/output.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/utf8.h"
#include "lib/db/pg_query.h"
#include "tools/atmctl/output/form.h"
#include "tools/atmctl/output/terminal.h"
#include "lib/cli/say.h"

static const struct output_form *const forms[] = {&form_table, &form_expanded, &form_csv,
                                                  &form_json,  &form_html,     &form_pdf,
                                                  &form_svg,   &form_png,      &form_xlsx};

/* The first is what there is unless --format says otherwise. */
static const struct output_form *form_of(const struct invocation *invocation)
{
        const char *format = invocation_value(invocation, "format");
        size_t i = 0;

        while (format && strcmp(forms[i]->name, format))
                i++; /* one of them: value_check saw to it */
        return forms[i];
}

bool output_holds_sections(const struct invocation *invocation)
{
        return !(form_of(invocation)->flags & FORM_ONE_SECTION);
}

enum output_kind output_kind_of(const struct invocation *invocation)
{
        return form_of(invocation)->kind;
}

bool output_arranges(const struct invocation *invocation, const struct output_column *columns, size_t count)
{
        const struct output_column *named = invocation->command->columns;
        struct arrangement arrangement;

        assert(!named || named == columns); /* a shell completes those */
        return arrangement_read(invocation, columns, count, &arrangement);
}

enum reader output_reader_of(const struct invocation *invocation)
{
        const char *language = invocation_value(invocation, "lang"), *quarters = getenv("ATM_QUARTERS");

        if (!language || strcmp(language, "ja") != 0)
                return READER_ENGLISH;
        return quarters && !strcmp(quarters, "short") ? READER_JAPANESE_SHORT : READER_JAPANESE;
}

enum reader output_reader(const struct output *output)
{
        return output->reader;
}

const char *output_path(const struct invocation *invocation)
{
        const char *path = invocation_value(invocation, "output");

        return path && strcmp(path, "-") != 0 ? path : NULL;
}

/* the file ---------------------------------------------------------------------------------------------- */

/* A device, pipe or socket is written to. Renaming a file over it would put an end to it: to /dev/null, for
 * one. */
static bool open_special(struct output *output)
{
        output->stream = fopen(output->path, "w");
        if (!output->stream)
                complain("%s: can't be written: %s", output->path, strerror(errno));
        return output->stream;
}

static bool open_temporary(struct output *output)
{
        int descriptor;

        if (asprintf(&output->temporary, "%s.XXXXXX", output->target) < 0) {
                output->temporary = NULL;
                complain("out of memory");
                return false;
        }
        descriptor = mkstemp(output->temporary);
        if (descriptor < 0) {
                complain("%s: can't be written: %s", output->path, strerror(errno));
                free(output->temporary);
                output->temporary = NULL;
                return false;
        }
        output->stream = fdopen(descriptor, "w");
        if (!output->stream) {
                complain("%s: %s", output->path, strerror(errno));
                close(descriptor);
                return false;
        }
        return true;
}

static mode_t mode_of_new_file(void)
{
        mode_t mask = umask(0);

        umask(mask);
        return 0666 & ~mask;
}

/* Whoever could not read the file before can't read what takes its place. */
static bool open_file(struct output *output)
{
        struct stat status;
        bool exists = stat(output->path, &status) == 0;

        if (exists && !S_ISREG(status.st_mode))
                return open_special(output);
        output->mode = exists ? status.st_mode & 0777 : mode_of_new_file();
        output->target = exists ? realpath(output->path, NULL) : strdup(output->path);
        if (!output->target) {
                complain("%s: can't be written: %s", output->path, strerror(errno));
                return false;
        }
        return open_temporary(output);
}

static bool finish_file(struct output *output)
{
        bool written = !ferror(output->stream) && fchmod(fileno(output->stream), output->mode) == 0;

        written = fclose(output->stream) == 0 && written;
        output->stream = NULL;
        written = written && rename(output->temporary, output->target) == 0;
        if (!written) {
                complain("%s: can't be written: %s", output->path, strerror(errno));
                unlink(output->temporary);
        }
        free(output->temporary);
        output->temporary = NULL;
        return written;
}

/* Bytes that are no text: a terminal is left alone. */
static bool suits_terminal(const struct invocation *invocation)
{
        if (!(form_of(invocation)->flags & FORM_BYTES) || output_path(invocation) || !isatty(STDOUT_FILENO))
                return true;
        complain(
            "%s: this form is not for a terminal: expected --output FILE, or standard output led elsewhere",
            invocation_name(invocation));
        return false;
}

/* Text for people at a terminal is gathered: only the whole says whether it fits. */
static bool open_screen(struct output *output)
{
        output->at_terminal = output->form->kind == OUTPUT_FOR_PEOPLE &&
                              !(output->form->flags & FORM_DOCUMENT) && terminal_is_there();
        output->stream = output->at_terminal ? open_memstream(&output->screen, &output->screen_size) : stdout;
        if (!output->stream)
                complain("out of memory");
        return output->stream;
}

static bool finish_screen(struct output *output)
{
        bool gathered = fclose(output->stream) == 0;

        output->stream = NULL;
        if (gathered && terminal_show(output->screen))
                return true;
        complain("%s: can't be written: %s", form_place(output), strerror(errno));
        return false;
}

/* How a Japanese reader's quarters are written is a house's custom, and not of a command. */
static bool knows_quarters(void)
{
        const char *quarters = getenv("ATM_QUARTERS");

        if (!quarters || !strcmp(quarters, "short") || !strcmp(quarters, "fiscal"))
                return true;
        complain("ATM_QUARTERS: '%s': expected fiscal (2017年3月期第3四半期) or short (3Q16)", quarters);
        return false;
}

/* opening ----------------------------------------------------------------------------------------------- */

/* What a document is called that has no head of its own. */
static const char *title_of(const struct output *output)
{
        return output->reader == READER_ENGLISH
                   ? output->invocation->command->text
                   : word_of(invocation_name(output->invocation), output->reader);
}

struct output *output_open_whole(const struct invocation *invocation)
{
        struct output *output;

        if (!suits_terminal(invocation) || !knows_quarters())
                return NULL;
        output = calloc(1, sizeof(*output));
        if (!output) {
                complain("out of memory");
                return NULL;
        }
        output->invocation = invocation;
        output->form = form_of(invocation);
        output->is_chosen = invocation_has(invocation, "format");
        output->path = output_path(invocation);
        output->reader = output_reader_of(invocation);
        if (!(output->path ? open_file(output) : open_screen(output)) ||
            (output->form->open && !output->form->open(output, title_of(output)))) {
                output_abandon(output);
                return NULL;
        }
        return output;
}

struct output *output_open(const struct invocation *invocation, enum output_shape shape,
                           const struct output_column *columns, size_t count)
{
        struct output *output = output_open_whole(invocation);

        if (!output)
                return NULL;
        output->streamed = true;
        if (!output_begin(output,
                          &(struct output_section){.shape = shape, .columns = columns, .count = count})) {
                output_abandon(output);
                return NULL;
        }
        return output;
}

/* rows -------------------------------------------------------------------------------------------------- */

static bool is_for_people(const struct output *output)
{
        return output->form->kind == OUTPUT_FOR_PEOPLE;
}

static bool is_for_others(const struct output *output)
{
        return output->section->flags & (is_for_people(output) ? OUTPUT_NOT_TABLE : OUTPUT_ONLY_TABLE);
}

/* Does the form leave this section out? */
static bool is_left_out(const struct output *output)
{
        return is_for_others(output) || (output->form->flags & FORM_ONE_SECTION && output->sections > 1);
}

/* Cells that nobody's terminal or page is steered by; JSON has escapes of its own (form_dump). A CSV cell may have lines. NULL where
 * memory is short. */
static const char *const *shown_values(const struct output *output, const char *const *values,
                                       const char *shown[OUTPUT_COLUMNS_MAX], char **ret_made)
{
        const char *kept = output->form->kind == OUTPUT_AS_ROWS ? "\n" : "";
        size_t size = 0, count = output->section->count;
        char *at;

        for (size_t i = 0; i < count; i++) {
                if (values[i] && !utf8_is_line(values[i]))
                        size += strlen(values[i]) * UTF8_GROWTH + 1;
        }
        *ret_made = at = NULL;
        if (!size || output->form->kind == OUTPUT_AS_VALUE)
                return values;
        *ret_made = at = malloc(size);
        for (size_t i = 0; i < count && at; i++) {
                shown[i] = values[i];
                if (values[i] && !utf8_is_line(values[i])) {
                        shown[i] = at;
                        at += utf8_show(values[i], kept, at, size) + 1;
                }
        }
        return at ? shown : NULL;
}

static bool emit_row(struct output *output, const char *const *values, bool total)
{
        const char *picked[OUTPUT_COLUMNS_MAX], *shown[OUTPUT_COLUMNS_MAX];
        char *made;
        bool written;

        arrangement_pick(&output->arrangement, values, picked);
        values = shown_values(output, picked, shown, &made);
        written = values && output->form->row(output, values, total);
        free(made);
        if (!written)
                return form_complain_unwritten(output);
        output->rows++;
        return true;
}

/* Those that were kept, sorted. */
static bool emit_kept(struct output *output)
{
        struct arrangement *arrangement = &output->arrangement;
        bool written = true;

        arrangement_sort(arrangement);
        for (size_t i = 0; i < arrangement->row_count && (!output->first || i < output->first) && written;
             i++)
                written = emit_row(output, arrangement_row(arrangement, i), false);
        arrangement_forget(arrangement);
        return written;
}

static bool end_section(struct output *output)
{
        const struct output_section *section = output->section;

        if (!section || is_left_out(output))
                return true;
        if (!emit_kept(output))
                return false;
        if (output->form->end && !output->form->end(output))
                return form_complain_unwritten(output);
        if (is_for_people(output) && !section->heading && !output->rows)
                note("%s", output->when_empty ? output->when_empty : output->reader ? "該当なし" : "none");
        return true;
}

/* Words are in their reader's language: a command that prints any asks who reads. */
static bool is_readable(const struct output *output, const struct output_section *section)
{
        bool has_words = section->words;

        for (size_t i = 0; i < section->count; i++) {
                enum output_type type = section->columns[i].type;

                has_words = has_words || type == OUTPUT_WORD || type == OUTPUT_DAYS;
        }
        return !has_words ||
               command_find(&output->invocation->options, "lang") < output->invocation->options.count;
}

bool output_begin(struct output *output, const struct output_section *section)
{
        assert(section->count <= OUTPUT_COLUMNS_MAX);
        assert(is_readable(output, section));
        if (!end_section(output))
                return false;
        if (!arrangement_read(output->invocation, section->columns, section->count, &output->arrangement))
                return false;
        output->current = *section;
        output->current.columns = output->arrangement.columns;
        output->current.count = output->arrangement.count;
        if (section->words) {
                arrangement_pick(&output->arrangement, section->words, output->words);
                output->current.words = output->words;
        }
        output->section = &output->current;
        output->rows = 0;
        output->sections += !is_for_others(output);
        if (is_left_out(output) || !output->form->begin || output->form->begin(output))
                return true;
        return form_complain_unwritten(output);
}

bool output_next_whole(struct output *output)
{
        bool ended = end_section(output);

        output->section = NULL;
        if (!ended || !output->form->next || output->form->next(output))
                return ended;
        return form_complain_unwritten(output);
}

static bool write_row(struct output *output, const char *const *values, bool total)
{
        if (is_left_out(output))
                return true;
        if (!output->arrangement.key_count || total)
                return emit_kept(output) && emit_row(output, values, total);
        if (arrangement_keep(&output->arrangement, values))
                return true;
        complain("out of memory");
        return false;
}

bool output_row(struct output *output, const char *const *values)
{
        return write_row(output, values, false);
}

/* Whether the first of the values, which says what row it is, is among the columns that were asked for: without it a total looks like a row. */
static bool is_named(const struct output *output, const char *const *values)
{
        const struct arrangement *arrangement = &output->arrangement;
        size_t name = 0;

        while (name < arrangement->given && !values[name])
                name++;
        for (size_t i = 0; i < arrangement->count; i++) {
                if (arrangement->from[i] == name)
                        return true;
        }
        return false;
}

bool output_total(struct output *output, const char *const *values)
{
        return !is_for_people(output) || !is_named(output, values) || write_row(output, values, true);
}

bool output_result(struct output *output, const PGresult *result, int rows)
{
        const char *values[OUTPUT_COLUMNS_MAX];

        assert((size_t)PQnfields(result) >= output->arrangement.given);
        for (int row = 0; row < rows; row++) {
                for (size_t i = 0; i < output->arrangement.given; i++)
                        values[i] = pg_text(result, row, (int)i);
                if (!output_row(output, values))
                        return false;
        }
        return true;
}

bool output_section(struct output *output, const struct output_section *section, const PGresult *result)
{
        return output_begin(output, section) && output_result(output, result, PQntuples(result));
}

bool output_members(struct output *output, const struct output_column *columns, size_t count,
                    const char *const *values)
{
        if (!output->form->members || output->form->members(output, columns, count, values))
                return true;
        return form_complain_unwritten(output);
}

bool output_write_report(const struct invocation *invocation, const struct output_report *report,
                         void *context)
{
        struct output *output = output_open_whole(invocation);

        if (!output)
                return false;
        report->head(output, context);
        if (output->form->report ? output->form->report(output, report, context)
                                 : report->rows(output, context))
                return output_close(output);
        output_abandon(output);
        return false;
}

/* beside the rows --------------------------------------------------------------------------------------- */

void output_show_first(struct output *output, size_t rows)
{
        output->first = rows;
}

void output_when_empty(struct output *output, const char *text)
{
        output->when_empty = text;
}

void output_head(struct output *output, const struct output_head *head)
{
        if (output->form->head)
                output->form->head(output, head);
}

void output_remark(struct output *output, const char *format, ...)
{
        char text[DOCUMENT_TEXT_MAX];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        output->form->remark(output, text);
}

void output_chart(struct output *output, const struct document_chart *chart)
{
        if (output->form->chart && chart)
                output->form->chart(output, chart);
}

void output_note(struct output *output, const char *format, ...)
{
        char text[DOCUMENT_TEXT_MAX];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        output->form->note(output, text);
}

/* Out of memory: a sentence less. */
void output_say(struct output *output, const char *format, ...)
{
        char *text;
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0)
                return;
        form_print(output, text);
        free(text);
}

/* closing ----------------------------------------------------------------------------------------------- */

void output_abandon(struct output *output)
{
        if (!output)
                return;
        if (output->stream && output->stream != stdout)
                fclose(output->stream);
        free(output->screen);
        arrangement_forget(&output->arrangement);
        if (output->temporary)
                unlink(output->temporary);
        if (output->form->free)
                output->form->free(output);
        free(output->remarks);
        free(output->temporary);
        free(output->target);
        free(output);
}

/* What the form has left to write. */
static bool finish_form(struct output *output)
{
        return end_section(output) && (!output->form->close || output->form->close(output));
}

/* The file of remarks beside a file whose form has no place for them; without remarks there is none, nor an older one. */
static bool finish_remarks(const struct output *output)
{
        char *path = NULL;
        FILE *file;
        bool written;

        if (!output->target || output->form->kind != OUTPUT_AS_ROWS)
                return true;
        if (asprintf(&path, "%s.remarks", output->target) < 0) {
                complain("out of memory");
                return false;
        }
        unlink(path);
        file = output->remarks ? fopen(path, "w") : NULL;
        written = !output->remarks || (file && fputs(output->remarks, file) >= 0);
        written = (!file || fclose(file) == 0) && written;
        if (!written)
                complain("%s: can't be written: %s", path, strerror(errno));
        free(path);
        return written;
}

static bool finish_stream(struct output *output)
{
        if (output->temporary)
                return finish_file(output);
        if (output->at_terminal)
                return finish_screen(output);
        if (fflush(output->stream) == 0 && !ferror(output->stream))
                return true;
        complain("%s: can't be written: %s", form_place(output), strerror(errno));
        return false;
}

bool output_close(struct output *output)
{
        bool written = finish_form(output) && finish_remarks(output) && finish_stream(output);

        output_abandon(output);
        return written;
}

bool output_json(const struct invocation *invocation, const json_t *value)
{
        struct output *output = output_open_whole(invocation);

        if (!output)
                return false;
        if (!form_dump(value, JSON_INDENT(1), output->stream)) {
                form_complain_unwritten(output);
                output_abandon(output);
                return false;
        }
        fputc('\n', output->stream);
        return output_close(output);
}
