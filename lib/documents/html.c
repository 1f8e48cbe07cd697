/*
 * Tables are tables; their first column stays in view while the others scroll. On a telephone nothing scrolls sideways: a row of a table with
 * more than a few columns is a card, its cells under small headings, which style sheets repeat there. Each chart is there twice, drawn by
 * chart.c for a screen and for a telephone, since letters that are shrunk with a picture can't be read; style sheets show one of them. On
 * paper each table repeats its headings.
 */
#include "lib/documents/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/documents/breaks.h"
#include "lib/documents/chart.h"
#include "lib/documents/escape.h"
#include "lib/documents/surface.h"
#include "lib/documents/svg.h"

#define WIDE_COLUMNS 9  /* from so many on, paper is taken across, and blanks are narrow */
#define CARD_COLUMNS 3  /* and from so many on, a telephone shows rows as cards */
#define WORD_MAX     48 /* bytes; what is longer is a name, and may be divided where it must */

struct picture {
        const char *style; /* class and prefix */
        double width, unit;
};

static const struct picture pictures[] = {{"wide", 560, 1.5}, {"narrow", 350, 1.35}};
static const struct picture full_picture = {"wide", 1140, 1.5};

static const char style[] =
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:#fff;color:#1a2230;font:15px/1.5 \"Noto Sans CJK JP\",\"Noto Sans JP\","
    "\"Hiragino Sans\",\"Yu Gothic\",Meiryo,system-ui,sans-serif;font-variant-numeric:tabular-nums}\n"
    "main{max-width:1200px;margin:0 auto;padding:28px 24px 20px}\n"
    "h1{font-size:26px;line-height:1.25;margin:0;text-wrap:balance}\n"
    ".subtitle{color:#5c6675;margin:4px 0 0}\n"
    ".status{margin:14px 0 0;padding:9px 14px;background:#fdf3dc;border-left:5px solid "
    "#c98a1b;font-weight:700;white-space:pre-line}\n"
    ".charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:28px 36px;margin:26px 0 0}\n"
    ".charts figure{margin:0}\n"
    ".charts .full{grid-column:1/-1}\n"
    "svg{display:block;width:100%;height:auto}\n"
    "svg.narrow{display:none}\n"
    "section{margin:26px 0 0}\n"
    "h2{font-size:17px;line-height:1.3;margin:0 0 6px}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:separate;border-spacing:0;min-width:100%;font-size:14px;line-height:1.4}\n"
    ".word{white-space:nowrap}\n"
    "th,td{padding:4px 8px;text-align:left;border-bottom:1px solid #dfe3e8;vertical-align:baseline}\n"
    "thead th{vertical-align:bottom;border-bottom:2px solid #1a2230;font-size:13px;line-height:1.3}\n"
    "tbody th{font-weight:400}\n"
    "th:first-child{position:sticky;left:0;background:#fff;min-width:9em;padding-left:2px}\n"
    ".r{text-align:right}\n"
    "td.r{white-space:nowrap}\n"
    ".c{text-align:center}\n"
    ".apart{padding-left:24px}\n"
    ".strong{background:#eef3f8}\n"
    "tr.detail>*{color:#5c6675}\n"
    "tr.detail>th{padding-left:20px}\n"
    "tr.total>*{font-weight:700;border-top:1px solid #8a94a3}\n"
    "tr.section>*{font-weight:700;padding-top:14px}\n"
    ".notes{margin:20px 0 0;padding:0;list-style:none;color:#5c6675;font-size:13px}\n"
    "footer{margin:20px 0 0;padding:8px 0 0;border-top:1px solid #dfe3e8;color:#5c6675;font-size:12px}\n"
    "@media screen and (min-width:721px){\n"
    ".dense th,.dense td{padding:4px 5px}\n"
    ".dense .apart{padding-left:16px}\n"
    ".dense thead th{font-size:12px}\n"
    "}\n"
    "@media screen and (max-width:720px){\n"
    "main{padding:18px 14px}\n"
    "h1{font-size:21px}\n"
    ".charts{grid-template-columns:minmax(0,1fr)}\n"
    "svg.wide{display:none}\n"
    "svg.narrow{display:block}\n"
    "th,td{padding:5px 8px}\n"
    ".apart{padding-left:16px}\n"
    "th:first-child{min-width:36vw;max-width:46vw;"
    "border-right:1px solid #dfe3e8}\n"
    "tr.section>th:first-child{max-width:none;border-right:0}\n"
    "tr.detail>th{padding-left:14px}\n"
    ".cards,.cards tbody,.cards th,.cards td{display:block}\n"
    ".cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
    ".cards tr{display:flex;flex-wrap:wrap;gap:4px 10px;padding:9px 0;border-bottom:1px solid #dfe3e8}\n"
    ".cards td{flex:0 0 calc((100% - 20px)/3);min-width:min-content;padding:0;border:0}\n"
    ".cards th:first-child{position:static;flex:0 0 100%;min-width:0;max-width:none;padding:0;border:0;"
    "font-weight:700}\n"
    ".cards td::before{display:block;color:#5c6675;font-size:11px;font-weight:400;line-height:1.25;"
    "white-space:normal;word-break:keep-all}\n"
    ".cards .r{text-align:left}\n"
    ".cards td:empty{display:none}\n"
    ".cards .strong{background:none;font-weight:700}\n"
    ".cards tr.total{border-top:1px solid #8a94a3}\n"
    ".cards tr.total>*{border:0}\n"
    "}\n"
    "@media print{\n"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    "main{max-width:none;padding:0}\n"
    "body{font-size:9pt}\n"
    "h1{font-size:15pt}\n"
    "h2{font-size:11pt;break-after:avoid}\n"
    "table{font-size:8pt}\n"
    "thead{display:table-header-group}\n"
    "thead th{font-size:7.5pt}\n"
    "th,td{padding:1.5pt 4pt}\n"
    "tr,figure{break-inside:avoid}\n"
    "tr.section,tbody tr:nth-child(-n+2),tr:nth-last-child(2),tr:nth-last-child(3){break-after:avoid}\n"
    ".status,.notes{break-inside:avoid}\n"
    ".scroll{overflow:visible}\n"
    "th:first-child{position:static}\n"
    ".charts{gap:10pt 18pt}\n"
    "section,.charts,.notes,footer{margin-top:12pt}\n"
    "}\n";

static const char *const align_class[] = {
    [DOCUMENT_LEFT] = "l", [DOCUMENT_RIGHT] = "r", [DOCUMENT_CENTRE] = "c"};
static const char *const row_class[] = {
    [DOCUMENT_NORMAL] = "normal",
    [DOCUMENT_DETAIL] = "detail",
    [DOCUMENT_TOTAL] = "total",
    [DOCUMENT_SECTION] = "section",
};

static bool is_wide(const struct table *t)
{
        return t->column_count >= WIDE_COLUMNS;
}

static bool has_cards(const struct table *t)
{
        return t->column_count >= CARD_COLUMNS;
}

/* As a string of a style sheet; what could end it, or the sheet, by its number. Where a line may end, a blank without width. */
static void write_style_string(FILE *out, const char *text)
{
        size_t piece = breaks_piece(text);

        putc('"', out);
        for (; *text; text++, piece--) {
                if (!piece) {
                        fputs("\\200b ", out);
                        piece = breaks_piece(text);
                }
                if (strchr("\"\\<>&\n", *text))
                        fprintf(out, "\\%x ", (unsigned)(unsigned char)*text);
                else
                        putc(*text, out);
        }
        putc('"', out);
}

/* The headings of a table's cards: a rule a column, and not a text a cell. */
static void write_card_headings(const struct document *d, FILE *out)
{
        fputs("@media screen and (max-width:720px){\n", out);
        for (size_t i = 0; i < d->block_count; i++) {
                const struct table *t = &d->blocks[i].table;

                for (size_t c = 0; !d->blocks[i].is_chart && has_cards(t) && c < t->column_count; c++) {
                        fprintf(out, ".t%zu td:nth-child(%zu)::before{content:", i, c + 2);
                        write_style_string(out, t->columns[c].heading);
                        fputs("}\n", out);
                }
        }
        fputs("}\n", out);
}

/* Whether a browser might end a line within it: Japanese, or behind a hyphen ("1Q-3Q16"). */
static bool is_divisible(const char *piece)
{
        for (; *piece; piece++) {
                if (*piece == '-' || (unsigned char)*piece >= 0x80)
                        return true;
        }
        return false;
}

/* Lines end between words alone (breaks.h). */
static void write_words(FILE *out, const char *text)
{
        for (bool first = true; *text; first = false) {
                size_t length = breaks_piece(text), blanks = 0;
                char piece[DOCUMENT_TEXT_MAX + 1];
                bool whole;

                while (blanks < length && strchr(" \n", text[length - blanks - 1]))
                        blanks++;
                snprintf(piece, sizeof(piece), "%.*s", (int)(length - blanks), text);
                if (!first && !strchr(" \n", text[-1]))
                        fputs("<wbr/>", out);
                whole = is_divisible(piece) && strlen(piece) <= WORD_MAX;
                fputs(whole ? "<span class=\"word\">" : "", out);
                escape_write(out, piece);
                fputs(whole ? "</span>" : "", out);
                fprintf(out, "%.*s", (int)blanks, text + length - blanks);
                text += length;
        }
}

static void element(FILE *out, const char *tag, const char *class, const char *text)
{
        if (!text[0])
                return;
        fprintf(out, "<%s%s%s%s>", tag, class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
        write_words(out, text);
        fprintf(out, "</%s>\n", tag);
}

static void write_head(const struct document *d, FILE *out)
{
        const char *across = "";

        for (size_t i = 0; i < d->block_count; i++)
                if (!d->blocks[i].is_chart && is_wide(&d->blocks[i].table))
                        across = " landscape";
        fprintf(out,
                "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
                d->language == DOCUMENT_JAPANESE ? "ja" : "en");
        /* Without a title an HTML document is not valid. */
        fputs("<title>", out);
        escape_write(out, d->title);
        fprintf(out, "</title>\n<style>\n@page{size:A4%s;margin:12mm}\n%s", across, style);
        write_card_headings(d, out);
        fputs("</style>\n</head>\n<body>\n<main>\n<header>\n", out);
        element(out, "h1", NULL, d->title);
        element(out, "p", "subtitle", d->subtitle);
        element(out, "p", "status", d->status);
        fputs("</header>\n", out);
}

/* ---- tables ---- */

static void cell_class(FILE *out, const struct document_column *column)
{
        fprintf(out, " class=\"%s%s%s\"", align_class[column->align], column->strong ? " strong" : "",
                column->apart ? " apart" : "");
}

static void write_row(const struct document *d, const struct table *t, const struct table_row *row, FILE *out)
{
        fprintf(out, "<tr class=\"%s\"><th scope=\"row\"", row_class[row->style]);
        if (row->style == DOCUMENT_SECTION)
                fprintf(out, " colspan=\"%zu\"", t->column_count + 1);
        putc('>', out);
        write_words(out, row->label);
        fputs("</th>", out);
        for (size_t c = 0; row->cells && c < t->column_count; c++) {
                fputs("<td", out);
                cell_class(out, &t->columns[c]);
                putc('>', out);
                (t->columns[c].align == DOCUMENT_RIGHT ? escape_write
                                                       : write_words)(out, document_cell(d, row, c));
                fputs("</td>", out);
        }
        fputs("</tr>\n", out);
}

/* Not where values stand under each other, each behind its name. */
static bool has_headings(const struct table *t)
{
        bool any = *t->label_heading;

        for (size_t c = 0; c < t->column_count; c++)
                any = any || *t->columns[c].heading;
        return any;
}

static void write_headings(const struct table *t, FILE *out)
{
        fputs("<thead>\n<tr><th scope=\"col\">", out);
        write_words(out, t->label_heading);
        fputs("</th>", out);
        for (size_t c = 0; c < t->column_count; c++) {
                fputs("<th scope=\"col\"", out);
                cell_class(out, &t->columns[c]);
                putc('>', out);
                write_words(out, t->columns[c].heading);
                fputs("</th>", out);
        }
        fputs("</tr>\n</thead>\n", out);
}

static void write_table(const struct document *d, size_t number, FILE *out)
{
        const struct table *t = &d->blocks[number].table;

        fputs("<section>\n", out);
        element(out, "h2", NULL, t->caption);
        fputs("<div class=\"scroll\" tabindex=\"0\">\n<table", out);
        if (has_cards(t))
                fprintf(out, " class=\"cards%s t%zu\"", is_wide(t) ? " dense" : "", number);
        fputs(">\n", out);
        if (has_headings(t))
                write_headings(t, out);
        fputs("<tbody>\n", out);
        for (size_t i = 0; i < t->row_count; i++)
                write_row(d, t, &t->rows[i], out);
        fputs("</tbody>\n</table>\n</div>\n</section>\n", out);
}

/* ---- charts ---- */

struct chart_picture {
        const struct document_chart *chart;
        const struct picture *picture;
};

static void draw_chart(struct pen *pen, void *context)
{
        const struct chart_picture *it = context;

        chart_draw(pen, it->chart, 0, 0, it->picture->width, it->picture->unit);
}

static bool write_picture(const struct document_chart *chart, const struct picture *picture, size_t number,
                          struct pen *pen, FILE *out, char *error, size_t error_size)
{
        struct chart_picture it = {chart, picture};
        char prefix[48];
        struct svg_place place = {
            .prefix = prefix,
            .style = picture->style,
            .title = chart->title,
            .width = picture->width,
            .height = ceil(chart_height(pen, chart, picture->width, picture->unit)),
        };
        char *text = surface_svg_text(pen, place.width, place.height, draw_chart, &it, error, error_size);
        bool is_svg;

        if (!text)
                return false;
        snprintf(prefix, sizeof(prefix), "%s%zu-", picture->style, number);
        is_svg = svg_write(out, text, &place);
        free(text);
        if (!is_svg)
                snprintf(error, error_size, "cairo writes SVG that is not understood");
        return is_svg;
}

static bool write_chart(const struct document *d, size_t number, bool full, struct pen *pen, FILE *out,
                        char *error, size_t error_size)
{
        const struct document_chart *chart = &d->blocks[number].chart;
        bool is_done;

        fprintf(out, "<figure%s>\n", full ? " class=\"full\"" : "");
        is_done =
            write_picture(chart, full ? &full_picture : &pictures[0], number, pen, out, error, error_size) &&
            write_picture(chart, &pictures[1], number, pen, out, error, error_size);
        fputs("</figure>\n", out);
        return is_done;
}

/* Charts that follow one another, two in a row; one that is left over takes the whole. */
static bool write_charts(const struct document *d, size_t *number, struct pen *pen, FILE *out, char *error,
                         size_t error_size)
{
        size_t in_row = 0;

        fputs("<div class=\"charts\">\n", out);
        for (; *number < d->block_count && d->blocks[*number].is_chart; (*number)++) {
                bool has_next = *number + 1 < d->block_count && d->blocks[*number + 1].is_chart &&
                                !d->blocks[*number + 1].chart.wide;
                bool full = d->blocks[*number].chart.wide || (in_row == 0 && !has_next);

                if (!write_chart(d, *number, full, pen, out, error, error_size))
                        return false;
                in_row = full ? 0 : (in_row + 1) % 2;
        }
        fputs("</div>\n", out);
        return true;
}

/* ---- the whole ---- */

bool html_write(const struct document *d, struct pen *pen, FILE *out, char *error, size_t error_size)
{
        write_head(d, out);
        for (size_t i = 0; i < d->block_count;) {
                if (!d->blocks[i].is_chart)
                        write_table(d, i++, out);
                else if (!write_charts(d, &i, pen, out, error, error_size))
                        return false;
        }
        if (d->footnote_count) {
                fputs("<ul class=\"notes\">\n", out);
                for (size_t i = 0; i < d->footnote_count; i++)
                        element(out, "li", NULL, d->footnotes[i]);
                fputs("</ul>\n", out);
        }
        element(out, "footer", NULL, d->footer);
        fputs("</main>\n</body>\n</html>\n", out);
        return true;
}
