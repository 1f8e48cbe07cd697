/* A document is measured first, without a surface: that says how many pages there are or how high the picture
 * is, and finds every problem before the first byte is written. */
#include "lib/documents/surface.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/documents/sheet.h"
#include "lib/documents/svg.h"

#define A4_SHORT       595.276
#define A4_LONG        841.89
#define PDF_MARGIN     32.0
#define PICTURE_MARGIN 30.0
#define PICTURE_LEAST  800.0 /* points across, which become the pixels of a PNG */
#define PICTURE_MOST   1240.0

/* So much smaller everything may become for the sake of one page. */
static const double pdf_units[] = {1, 0.95, 0.9, 0.85, 0.8, 0.76};

static cairo_status_t on_bytes(void *context, const unsigned char *bytes, unsigned length)
{
        return fwrite(bytes, 1, length, context) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* What went wrong first: with the text, with cairo, with the file; true: nothing. */
static bool check(const struct pen *pen, cairo_status_t status, char *error, size_t error_size)
{
        if (pen->problem[0])
                snprintf(error, error_size, "%s", pen->problem);
        else if (status == CAIRO_STATUS_WRITE_ERROR)
                snprintf(error, error_size, "can't write the document: %s", strerror(errno));
        else if (status != CAIRO_STATUS_SUCCESS)
                snprintf(error, error_size, "can't draw the document: %s", cairo_status_to_string(status));
        else
                return true;
        return false;
}

/* ---- PDF ---- */

static void set_properties(cairo_surface_t *surface, const struct document *d)
{
        char date[32] = "";
        time_t made = (time_t)d->made;
        struct tm utc;

        if (gmtime_r(&made, &utc))
                strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, d->title);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, d->subtitle);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "atmctl");
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, date);
}

/* Upright unless a table is too wide for it; then the largest letters that need one page; where none do, the
 * full size and as many pages as that takes. */
static struct sheet choose_pages(const struct document *d, struct pen *pen)
{
        struct sheet sheet = {.pen = pen, .document = d, .margin = PDF_MARGIN};
        double least, natural;
        unsigned pages = 0;

        sheet_table_widths(pen, d, &least, &natural);
        sheet.width = natural > A4_SHORT - 2 * PDF_MARGIN ? A4_LONG : A4_SHORT;
        sheet.height = natural > A4_SHORT - 2 * PDF_MARGIN ? A4_SHORT : A4_LONG;
        for (size_t i = 0; i < sizeof(pdf_units) / sizeof(pdf_units[0]); i++) {
                struct sheet_size size;

                sheet.unit = pdf_units[i];
                size = sheet_run(&sheet);
                if (i == 0)
                        pages = size.pages;
                if (size.pages == 1) {
                        pages = 1;
                        break;
                }
                if (pages > 2)
                        break;
        }
        if (pages > 1)
                sheet.unit = 1;
        sheet.pages = pages;
        return sheet;
}

bool surface_pdf(const struct document *d, struct pen *pen, FILE *out, char *error, size_t error_size)
{
        struct sheet sheet = choose_pages(d, pen);
        cairo_surface_t *surface;
        cairo_status_t status;
        cairo_t *cr;

        if (!check(pen, CAIRO_STATUS_SUCCESS, error, error_size))
                return false;
        surface = cairo_pdf_surface_create_for_stream(on_bytes, out, sheet.width, sheet.height);
        set_properties(surface, d);
        cr = cairo_create(surface);
        pen_use(pen, cr);
        sheet_run(&sheet);
        pen_use(pen, NULL);
        status = cairo_status(cr);
        cairo_destroy(cr);
        cairo_surface_finish(surface);
        if (status == CAIRO_STATUS_SUCCESS)
                status = cairo_surface_status(surface);
        cairo_surface_destroy(surface);
        return check(pen, status, error, error_size);
}

/* ---- pictures ---- */

/* One sheet as high as it must be; scale: pixels a point, 1 for SVG. */
static bool choose_picture(const struct document *d, struct pen *pen, double pixels_across,
                           struct sheet *ret_sheet, double *ret_height, char *error, size_t error_size)
{
        double least, natural, height;

        *ret_sheet = (struct sheet){.pen = pen, .document = d, .margin = PICTURE_MARGIN, .unit = 1};
        sheet_table_widths(pen, d, &least, &natural);
        ret_sheet->width = ceil(fmin(fmax(natural + 2 * PICTURE_MARGIN, PICTURE_LEAST), PICTURE_MOST));
        *ret_height = ceil(sheet_run(ret_sheet).height);
        if (!check(pen, CAIRO_STATUS_SUCCESS, error, error_size))
                return false;
        height = pixels_across > 0 ? ceil(*ret_height * pixels_across / ret_sheet->width) : *ret_height;
        if (height > DOCUMENT_PICTURE_HEIGHT) {
                snprintf(
                    error, error_size,
                    "the picture would be %.0f high with its %zu rows, the limit is %d: take html or pdf, or "
                    "fewer rows",
                    height, d->row_count, DOCUMENT_PICTURE_HEIGHT);
                return false;
        }
        return true;
}

static void draw_sheet(struct pen *pen, void *context)
{
        struct sheet *sheet = context;

        pen_box(pen, PEN_PAPER, 0, 0, sheet->width, DOCUMENT_PICTURE_HEIGHT);
        sheet_run(sheet);
}

char *surface_svg_text(struct pen *pen, double width, double height, surface_draw *draw, void *context,
                       char *error, size_t error_size)
{
        char *text = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&text, &size);
        cairo_surface_t *surface;
        cairo_status_t status;
        cairo_t *cr;

        if (!memory) {
                snprintf(error, error_size, "out of memory");
                return NULL;
        }
        surface = cairo_svg_surface_create_for_stream(on_bytes, memory, width, height);
        cr = cairo_create(surface);
        pen_use(pen, cr);
        draw(pen, context);
        pen_use(pen, NULL);
        status = cairo_status(cr);
        cairo_destroy(cr);
        cairo_surface_finish(surface);
        if (status == CAIRO_STATUS_SUCCESS)
                status = cairo_surface_status(surface);
        cairo_surface_destroy(surface);
        if (fclose(memory) && status == CAIRO_STATUS_SUCCESS)
                status = CAIRO_STATUS_NO_MEMORY;
        if (check(pen, status, error, error_size))
                return text;
        free(text);
        return NULL;
}

bool surface_svg(const struct document *d, struct pen *pen, FILE *out, char *error, size_t error_size)
{
        struct sheet sheet;
        struct svg_place place = {.alone = true, .prefix = "", .title = d->title, .remarks = d->status};
        char *text;
        bool is_svg;

        if (!choose_picture(d, pen, 0, &sheet, &place.height, error, error_size))
                return false;
        place.width = sheet.width;
        text = surface_svg_text(pen, place.width, place.height, draw_sheet, &sheet, error, error_size);
        if (!text)
                return false;
        is_svg = svg_write(out, text, &place);
        free(text);
        if (!is_svg)
                snprintf(error, error_size, "cairo writes SVG that is not understood");
        return is_svg;
}

bool surface_png(const struct document *d, struct pen *pen, FILE *out, char *error, size_t error_size)
{
        struct sheet sheet;
        cairo_surface_t *surface;
        cairo_status_t status;
        cairo_t *cr;
        double height, scale;

        if (!choose_picture(d, pen, DOCUMENT_PNG_WIDTH, &sheet, &height, error, error_size))
                return false;
        scale = DOCUMENT_PNG_WIDTH / sheet.width;
        surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, DOCUMENT_PNG_WIDTH, (int)ceil(height * scale));
        cr = cairo_create(surface);
        cairo_scale(cr, scale, scale);
        pen_use(pen, cr);
        draw_sheet(pen, &sheet);
        pen_use(pen, NULL);
        status = cairo_status(cr);
        cairo_destroy(cr);
        if (status == CAIRO_STATUS_SUCCESS)
                status = cairo_surface_write_to_png_stream(surface, on_bytes, out);
        cairo_surface_destroy(surface);
        return check(pen, status, error, error_size);
}
