/*
 * A workbook: a sheet a section, with title, frozen headings, rows and remarks under each other. Numbers are numbers, shown as
 * tables show them: a figure in millions is the whole yen, in a format that shows millions.
 *
 * libxlsxwriter writes to a file of its own, whose bytes go where the output goes in the end. A sheet is begun by its first row,
 * since its title is said after its columns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "backoffice/pages/words.h"
#include "lib/base/array.h"
#include "lib/base/number.h"
#include "lib/cli/say.h"
#include "tools/atmctl/output/form.h"

enum { FORMATS_MAX = 48, TITLE_MAX = 256, WIDTH_MAX = 48, REMARKS_MAX = 40 };
#define EXACT_MAX 9007199254740992.0 /* whole numbers up to there are doubles */

enum style { STYLE_CELL, STYLE_TOTAL_ROW, STYLE_HEADING, STYLE_TITLE, STYLE_REMARK };

struct sheet {
        lxw_worksheet *worksheet;
        lxw_row_t next;
        size_t said; /* of the remarks: those above its table */
};

struct workbook {
        lxw_workbook *book;
        char *path; /* its own file; NULL: none yet */
        char title[TITLE_MAX], subtitle[TITLE_MAX], foot[FORM_FOOT_MAX];
        int64_t made_s;
        struct sheet *sheet;
        size_t sheets, room;
        bool begun; /* the section's sheet */
        struct {
                enum style style;
                bool right;
                char number[48];
                lxw_format *format;
        } format[FORMATS_MAX];
        size_t formats;
        int width[OUTPUT_COLUMNS_MAX]; /* of the section's columns, in characters */
        char *remark[REMARKS_MAX];
        size_t remarks;
        lxw_error error; /* the first */
};

/* formats ----------------------------------------------------------------------------------------------- */

static void set_style(lxw_format *format, enum style style)
{
        if (style == STYLE_TOTAL_ROW || style == STYLE_HEADING || style == STYLE_TITLE)
                format_set_bold(format);
        if (style == STYLE_TOTAL_ROW)
                format_set_top(format, LXW_BORDER_THIN);
        if (style == STYLE_TITLE)
                format_set_font_size(format, 14);
        if (style == STYLE_REMARK)
                format_set_font_color(format, 0x5c6675);
        if (style != STYLE_HEADING)
                return;
        format_set_bottom(format, LXW_BORDER_MEDIUM);
        format_set_text_wrap(format);
        format_set_align(format, LXW_ALIGN_VERTICAL_BOTTOM);
}

/* The one of these properties, made once. NULL, which is the plain one, beyond what there is room for. */
static lxw_format *format_of(struct workbook *w, enum style style, bool right, const char *number)
{
        for (size_t i = 0; i < w->formats; i++) {
                if (w->format[i].style == style && w->format[i].right == right &&
                    !strcmp(w->format[i].number, number))
                        return w->format[i].format;
        }
        if (w->formats == FORMATS_MAX)
                return NULL;
        w->format[w->formats].style = style;
        w->format[w->formats].right = right;
        snprintf(w->format[w->formats].number, sizeof(w->format[0].number), "%s", number);
        w->format[w->formats].format = workbook_add_format(w->book);
        if (!w->format[w->formats].format)
                return NULL;
        set_style(w->format[w->formats].format, style);
        if (right)
                format_set_align(w->format[w->formats].format, LXW_ALIGN_RIGHT);
        if (*number)
                format_set_num_format(w->format[w->formats].format, number);
        return w->format[w->formats++].format;
}

/* "0.00" of a text with two decimals, with thousands apart. */
static void decimals_of(const char *text, char number[48])
{
        const char *point = strchr(text, '.');
        int decimals = point ? (int)strspn(point + 1, "0123456789") : 0;

        snprintf(number, 48, "#,##0%s%.*s", decimals ? "." : "", decimals > 6 ? 6 : decimals, "000000");
}

/* How a figure that is `shown` so is shown where it is a number; what it is divided by. */
static double figure_format(const char *shown, const char *exact, char number[48])
{
        bool is_signed = *shown == '+' || *shown == '-';

        if (strstr(shown, "pt"))
                snprintf(number, 48, "+0.0\"pt\";-0.0\"pt\"");
        else if (strstr(shown, "ポイント"))
                snprintf(number, 48, "0.0\"ポイント\"");
        else if (strpbrk(shown, "%"))
                snprintf(number, 48, is_signed ? "+0.0%%;-0.0%%;0.0%%" : "0.0%%");
        else if (strchr(shown, '.') && !strchr(exact, '.'))
                snprintf(number, 48, "#,##0.0,,"); /* whole yen, shown as millions */
        else
                decimals_of(exact, number);
        return strpbrk(shown, "%") ? 100 : 1;
}

/* A Japanese reader's negatives have a triangle. */
static void add_triangle(char number[48])
{
        char positive[48];

        snprintf(positive, sizeof(positive), "%s", number);
        snprintf(number, 48, "%.20s;△%.20s", positive, positive);
}

/* cells ------------------------------------------------------------------------------------------------- */

/* What a workbook can't hold (too many rows, a text that is too long) is told when it is closed. */
static void check(struct workbook *w, lxw_error error)
{
        if (w->error == LXW_NO_ERROR)
                w->error = error;
}

/* Letters of Japanese are twice as wide. */
static int width_of(const char *text)
{
        int width = 0;

        for (const unsigned char *at = (const unsigned char *)text; *at; at++)
                width += (*at & 0xc0) != 0x80 ? 1 + (*at >= 0xe1) : 0;
        return width;
}

static void widen(struct workbook *w, size_t column, int width)
{
        if (width > w->width[column])
                w->width[column] = width < WIDTH_MAX ? width : WIDTH_MAX;
}

static struct sheet *current(struct workbook *w)
{
        return &w->sheet[w->sheets - 1];
}

static void write_text(struct workbook *w, size_t column, enum style style, bool right, const char *text)
{
        struct sheet *sheet = current(w);

        widen(w, column, style == STYLE_HEADING ? (width_of(text) + 1) / 2 + 2 : width_of(text) + 1);
        check(w, worksheet_write_string(sheet->worksheet, sheet->next, (lxw_col_t)column, text,
                                        format_of(w, style, right, "")));
}

/* False where the text is no number that a workbook can hold exactly. */
static bool write_number(struct workbook *w, size_t column, enum style style, const char *text,
                         double divisor, const char *number)
{
        struct sheet *sheet = current(w);
        char *end;
        double value = strtod(text, &end);

        if (end == text || *end || value > EXACT_MAX || value < -EXACT_MAX)
                return false;
        widen(w, column, (int)strlen(text) * 4 / 3 + 2);
        check(w, worksheet_write_number(sheet->worksheet, sheet->next, (lxw_col_t)column, value / divisor,
                                        format_of(w, style, true, number)));
        return true;
}

/* The value of a column, at a place of the sheet. `exact`: of a figure, what programs get. */
static void write_cell(const struct output *output, size_t at, size_t column, enum style style,
                       const char *value, const char *exact)
{
        const struct output_column *is = &output->section->columns[column];
        struct workbook *w = output->workbook;
        char number[48] = "0", buffer[FORM_TEXT_MAX];
        double divisor = 1;
        bool is_number = value && *value && schema_is_right(is->type);

        if (is->type == OUTPUT_FIGURE && value && exact) {
                divisor = figure_format(value, exact, number);
                value = exact;
        } else if (is->type == OUTPUT_FIGURE) {
                is_number = false;
        } else if (is_number && is->type != OUTPUT_NUMBER) {
                decimals_of(value, number);
        }
        if (output->reader)
                add_triangle(number);
        if (!is_number || !write_number(w, at, style, value, divisor, number))
                write_text(w, at, style, schema_is_right(is->type),
                           form_readable(output, column, value, style == STYLE_TOTAL_ROW, buffer));
}

/* sheets ------------------------------------------------------------------------------------------------ */

/* A name that a sheet can have, made of the heading, else the title; NULL: the library's own. */
static const char *sheet_name(const struct output *output, char name[LXW_SHEETNAME_MAX * 4 + 1])
{
        const struct workbook *w = output->workbook;
        const char *heading = output->section->heading;
        const char *from = heading && *heading ? heading : w->title;
        size_t letters = 0, used = 0;

        for (; *from && used < LXW_SHEETNAME_MAX * 4; from++) {
                letters += ((unsigned char)*from & 0xc0) != 0x80;
                if (letters > LXW_SHEETNAME_MAX)
                        break;
                if (!strchr("[]:*?/\\'", *from))
                        name[used++] = *from;
        }
        name[used] = '\0';
        return workbook_validate_sheet_name(w->book, name) == LXW_NO_ERROR ? name : NULL;
}

static void write_line(struct workbook *w, enum style style, const char *text)
{
        struct sheet *sheet = current(w);

        if (*text)
                check(w, worksheet_write_string(sheet->worksheet, sheet->next++, 0, text,
                                                format_of(w, style, false, "")));
}

static void write_headings(struct output *output)
{
        struct workbook *w = output->workbook;
        const struct output_section *section = output->section;
        size_t column = 0;

        for (size_t i = 0; i < section->count; i++) {
                if (form_shows(output, &section->columns[i]))
                        write_text(w, column++, STYLE_HEADING, schema_is_right(section->columns[i].type),
                                   form_heading(output, i));
        }
        current(w)->next++;
        worksheet_repeat_rows(current(w)->worksheet, current(w)->next - 1, current(w)->next - 1);
        worksheet_freeze_panes(current(w)->worksheet, current(w)->next, 1);
}

static bool begin_sheet(struct output *output)
{
        struct workbook *w = output->workbook;
        char name[LXW_SHEETNAME_MAX * 4 + 1];
        struct sheet *sheet;

        w->begun = true;
        memset(w->width, 0, sizeof(w->width));
        sheet = array_with_room(w->sheet, &w->room, w->sheets, sizeof(*sheet));
        if (!sheet)
                return false;
        w->sheet = sheet;
        sheet += w->sheets;
        *sheet = (struct sheet){.worksheet = workbook_add_worksheet(w->book, sheet_name(output, name))};
        if (!sheet->worksheet)
                return false;
        w->sheets++;
        worksheet_set_paper(sheet->worksheet, 9 /* A4 */);
        worksheet_set_landscape(sheet->worksheet);
        worksheet_fit_to_pages(sheet->worksheet, 1, 0);
        write_line(w, STYLE_TITLE, w->title);
        write_line(w, STYLE_REMARK, w->subtitle);
        write_line(w, STYLE_REMARK, w->foot);
        for (; sheet->said < w->remarks; sheet->said++)
                write_line(w, STYLE_REMARK, w->remark[sheet->said]);
        sheet->next++;
        if (output->section->shape == OUTPUT_ROWS)
                write_headings(output);
        return true;
}

/* A section with a heading waits for its first row, and is left out where it has none. */
static bool begin(struct output *output)
{
        output->workbook->begun = false;
        return true;
}

static void write_one(struct output *output, const char *const *values)
{
        struct workbook *w = output->workbook;
        const struct output_section *section = output->section;

        for (size_t i = 0; i < section->count; i++) {
                if (!form_shows(output, &section->columns[i]))
                        continue;
                write_text(w, 0, STYLE_CELL, false, form_heading(output, i));
                write_cell(output, 1, i, STYLE_CELL, values[i], NULL);
                current(w)->next++;
        }
}

/* Where a figure is text, the column behind it has the same for programs. */
static const char *exact_of(const struct output_section *section, const char *const *values, size_t i)
{
        return i + 1 < section->count && section->columns[i + 1].type == OUTPUT_QUANTITY ? values[i + 1]
                                                                                         : NULL;
}

static bool row(struct output *output, const char *const *values, bool total)
{
        struct workbook *w = output->workbook;
        const struct output_section *section = output->section;
        size_t column = 0;

        if (!w->begun && !begin_sheet(output))
                return false;
        if (section->shape == OUTPUT_ONE) {
                write_one(output, values);
                return true;
        }
        for (size_t i = 0; i < section->count; i++) {
                if (form_shows(output, &section->columns[i]))
                        write_cell(output, column++, i, total ? STYLE_TOTAL_ROW : STYLE_CELL, values[i],
                                   exact_of(section, values, i));
        }
        current(w)->next++;
        return true;
}

static bool end(struct output *output)
{
        struct workbook *w = output->workbook;

        if (!w->begun && !output->section->heading && !begin_sheet(output))
                return false;
        for (size_t i = 0; w->begun && i < OUTPUT_COLUMNS_MAX; i++) {
                if (w->width[i])
                        worksheet_set_column(current(w)->worksheet, (lxw_col_t)i, (lxw_col_t)i,
                                             w->width[i] + 1, NULL);
        }
        return true;
}

/* the book ---------------------------------------------------------------------------------------------- */

static bool open_book(struct output *output, const char *title)
{
        struct workbook *w = output->workbook = calloc(1, sizeof(*w));
        const char *folder = getenv("TMPDIR");
        int descriptor;

        if (!w || asprintf(&w->path, "%s/atmctl.XXXXXX", folder && *folder ? folder : "/tmp") < 0) {
                complain("out of memory");
                free(w);
                output->workbook = NULL;
                return false;
        }
        descriptor = mkstemp(w->path);
        if (descriptor < 0) {
                complain("%s: a workbook is made in a file of its own, which can't be created: %s",
                         form_place(output), strerror(errno));
                free(w->path); /* whatever it says now is nobody's, or somebody else's */
                w->path = NULL;
                return false;
        }
        close(descriptor);
        snprintf(w->title, sizeof(w->title), "%s", title);
        w->book = workbook_new(w->path);
        if (!w->book)
                complain("out of memory");
        return w->book != NULL;
}

static void set_head(struct output *output, const struct output_head *head)
{
        struct workbook *w = output->workbook;

        snprintf(w->title, TITLE_MAX, "%s", head->title);
        snprintf(w->subtitle, TITLE_MAX, "%s", head->subtitle);
        form_print_foot(output, head, w->foot);
        w->made_s = head->made_s;
}

/* Out of memory, or more than anybody would read: a remark less. */
static void add_remark(struct output *output, const char *text)
{
        struct workbook *w = output->workbook;

        if (w->remarks < REMARKS_MAX && (w->remark[w->remarks] = strdup(text)))
                w->remarks++;
}

/* What was not known when a sheet was begun: under its table. */
static void write_remarks(struct workbook *w)
{
        for (size_t s = 0; s < w->sheets; s++) {
                struct sheet *sheet = &w->sheet[s];

                sheet->next++;
                for (size_t i = sheet->said; i < w->remarks; i++)
                        check(w, worksheet_write_string(sheet->worksheet, sheet->next++, 0, w->remark[i],
                                                        format_of(w, STYLE_REMARK, false, "")));
        }
}

static void set_properties(struct workbook *w)
{
        lxw_doc_properties properties = {.title = w->title, .subject = w->subtitle};

        if (w->made_s)
                properties.created = w->made_s;
        check(w, workbook_set_properties(w->book, &properties));
}

static bool copy_out(const struct workbook *w, FILE *to)
{
        FILE *from = fopen(w->path, "r");
        char bytes[16384];
        size_t length;
        bool is_read;

        while (from && (length = fread(bytes, 1, sizeof(bytes), from)) > 0) {
                if (fwrite(bytes, 1, length, to) != length)
                        break;
        }
        if (!from)
                return false;
        is_read = !ferror(from);
        return fclose(from) == 0 && is_read && !ferror(to);
}

static bool close_book(struct output *output)
{
        struct workbook *w = output->workbook;
        lxw_error error;

        if (!w->sheets && !workbook_add_worksheet(w->book, NULL))
                return form_complain_unwritten(output);
        write_remarks(w);
        set_properties(w);
        error = w->error;
        if (error == LXW_NO_ERROR) {
                error = workbook_close(w->book);
                w->book = NULL; /* freed, also where it failed */
        }
        if (error == LXW_NO_ERROR && copy_out(w, output->stream))
                return true;
        complain("%s: can't be written: %s", form_place(output),
                 error == LXW_NO_ERROR ? strerror(errno) : lxw_strerror(error));
        return false;
}

static void forget(struct output *output)
{
        struct workbook *w = output->workbook;

        if (!w)
                return;
        lxw_workbook_free(w->book);
        if (w->path)
                unlink(w->path);
        free(w->path);
        free(w->sheet);
        for (size_t i = 0; i < w->remarks; i++)
                free(w->remark[i]);
        free(w);
        output->workbook = NULL;
}

const struct output_form form_xlsx = {.name = "xlsx",
                                      .kind = OUTPUT_FOR_PEOPLE,
                                      .flags = FORM_DOCUMENT | FORM_BYTES,
                                      .open = open_book,
                                      .begin = begin,
                                      .row = row,
                                      .end = end,
                                      .head = set_head,
                                      .remark = add_remark,
                                      .note = add_remark,
                                      .close = close_book,
                                      .free = forget};
