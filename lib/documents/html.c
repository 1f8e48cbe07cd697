/* Tables are tables; their first column stays in view while the others scroll. Each chart is there twice,
 * drawn by chart.c for a screen and for a telephone, since letters that are shrunk with a picture can't be
 * read; style sheets show one of them. On paper each table repeats its headings. */
#include "lib/documents/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/documents/chart.h"
#include "lib/documents/escape.h"
#include "lib/documents/surface.h"
#include "lib/documents/svg.h"

#define WIDE_COLUMNS 9 /* from so many on, paper is taken across */

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
    "th .word{white-space:nowrap}\n"
    ":lang(ja) th,:lang(ja) h1,:lang(ja) li{word-break:auto-phrase}\n"
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

static void element(FILE *out, const char *tag, const char *class, const char *text)
{
        if (!text[0])
                return;
        fprintf(out, "<%s%s%s%s>", tag, class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
        escape_write(out, text);
        fprintf(out, "</%s>\n", tag);
}

static void write_head(const struct document *d, FILE *out)
{
        const char *across = "";

        for (size_t i = 0; i < d->block_count; i++)
                if (!d->blocks[i].is_chart && d->blocks[i].table.column_count >= WIDE_COLUMNS)
                        across = " landscape";
        fprintf(out,
                "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
                d->language == DOCUMENT_JAPANESE ? "ja" : "en");
        /* Without a title an HTML document is not valid. */
        fputs("<title>", out);
        escape_write(out, d->title);
        fprintf(out, "</title>\n<style>\n@page{size:A4%s;margin:12mm}\n%s</style>\n</head>\n<body>\n<main>\n",
                across, style);
        fputs("<header>\n", out);
        element(out, "h1", NULL, d->title);
        element(out, "p", "subtitle", d->subtitle);
        element(out, "p", "status", d->status);
        fputs("</header>\n", out);
}

/* ---- tables ---- */

static bool is_ascii(const char *text, size_t length)
{
        while (length && (unsigned char)text[length - 1] < 0x80)
                length--;
        return !length;
}

/* Lines end between words alone, and after the hyphen of none ("1Q-3Q16"). Where Japanese is divided, style says. */
static void write_words(FILE *out, const char *text)
{
        while (*text) {
                size_t length = strcspn(text, " ");
                char word[DOCUMENT_TEXT_MAX + 1];
                bool whole = memchr(text, '-', length) && is_ascii(text, length);

                snprintf(word, sizeof(word), "%.*s", (int)length, text);
                fputs(whole ? "<span class=\"word\">" : "", out);
                escape_write(out, word);
                fputs(whole ? "</span>" : "", out);
                text += length;
                for (; *text == ' '; text++)
                        putc(' ', out);
        }
}

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
                escape_write(out, document_cell(d, row, c));
                fputs("</td>", out);
        }
        fputs("</tr>\n", out);
}

static void write_table(const struct document *d, const struct table *t, FILE *out)
{
        fputs("<section>\n", out);
        element(out, "h2", NULL, t->caption);
        fputs("<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead>\n<tr><th scope=\"col\">", out);
        write_words(out, t->label_heading);
        fputs("</th>", out);
        for (size_t c = 0; c < t->column_count; c++) {
                fputs("<th scope=\"col\"", out);
                cell_class(out, &t->columns[c]);
                putc('>', out);
                write_words(out, t->columns[c].heading);
                fputs("</th>", out);
        }
        fputs("</tr>\n</thead>\n<tbody>\n", out);
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
                        write_table(d, &d->blocks[i++].table, out);
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
