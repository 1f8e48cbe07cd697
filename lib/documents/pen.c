/* The fonts are the Japanese faces of two files of one Debian package, loaded by name into a fontconfig
 * configuration that holds nothing else: no look at the person's own fonts and settings, no cache to write,
 * no warnings of fontconfig on stderr, and no Chinese face that could step in for a Japanese one. */
#include "lib/documents/pen.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/documents/breaks.h"

#define FONT_FAMILY "Noto Sans CJK JP"
#define FONT_FOLDER "/usr/share/fonts/opentype/noto"

static const char *const font_files[] = {"NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"};

static const char *const colours[PEN_COLOURS] = {
    [PEN_INK] = "#1a2230",         [PEN_GREY] = "#5c6675",   [PEN_RULE] = "#8a94a3",
    [PEN_HAIR] = "#dfe3e8",        [PEN_TINT] = "#eef3f8",   [PEN_PAPER] = "#ffffff",
    [PEN_FIRST] = "#2b5c8a",       [PEN_SECOND] = "#e0952f", [PEN_NOTICE] = "#fdf3dc",
    [PEN_NOTICE_EDGE] = "#c98a1b",
};

#ifdef ATM_SANITIZE
/* For LeakSanitizer: cairo 1.16 forgets some 800 bytes for each font of a PDF, and a thread of Pango's may
 * still look for a fallback among the fonts when the program ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
        return "leak:libcairo.so\nleak:libfontconfig.so";
}
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
        return "print_suppressions=0";
}
#endif

/* Makes a configuration fontconfig's current one, and gives ours away. Pango initialises fontconfig in a
 * thread of its own: where there is a current configuration, that does nothing. */
static bool make_current(FcConfig *config)
{
        bool is_current = FcConfigSetCurrent(config);

        FcConfigDestroy(config);
        return is_current;
}

/* Puts the first face of a file, the Japanese one, into the set. */
static bool load_face(FcFontSet *fonts, const char *path)
{
        FcChar8 *family;
        int faces;
        FcPattern *face;

        if (access(path, R_OK))
                return false;
        face = FcFreeTypeQuery((const FcChar8 *)path, 0, NULL, &faces);
        if (!face)
                return false;
        if (FcPatternGetString(face, FC_FAMILY, 0, &family) == FcResultMatch &&
            !strcmp((const char *)family, FONT_FAMILY) && FcFontSetAdd(fonts, face))
                return true;
        FcPatternDestroy(face);
        return false;
}

static bool load_fonts(const char *folder, char *error, size_t error_size)
{
        FcConfig *config = FcConfigCreate();
        FcFontSet *fonts = NULL;
        char path[4096];

        if (config && FcConfigBuildFonts(config)) /* an empty set, which is the configuration's */
                fonts = FcConfigGetFonts(config, FcSetSystem);
        for (size_t i = 0; fonts && i < sizeof(font_files) / sizeof(font_files[0]); i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, font_files[i]);
                if (load_face(fonts, path))
                        continue;
                snprintf(error, error_size,
                         "can't read the font %s: install the Debian package " DOCUMENT_FONT_PACKAGE, path);
                FcConfigDestroy(config);
                return false;
        }
        if (fonts && make_current(config))
                return true;
        snprintf(error, error_size, "out of memory");
        return false;
}

static PangoFontDescription *describe(PangoWeight weight)
{
        PangoFontDescription *font = pango_font_description_new();

        pango_font_description_set_family_static(font, FONT_FAMILY);
        pango_font_description_set_weight(font, weight);
        return font;
}

bool pen_open(struct pen *pen, enum document_language language, const char *font_folder, char *error,
              size_t error_size)
{
        cairo_font_options_t *options;

        *pen = (struct pen){0};
        if (!load_fonts(font_folder ? font_folder : FONT_FOLDER, error, error_size))
                return false;
        pen->map = pango_cairo_font_map_new();
        pen->context = pango_font_map_create_context(pen->map);
        pen->regular = describe(PANGO_WEIGHT_NORMAL);
        pen->bold = describe(PANGO_WEIGHT_BOLD);
        options = cairo_font_options_create();
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
        cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
        pango_cairo_context_set_font_options(pen->context, options);
        cairo_font_options_destroy(options);
        pango_cairo_context_set_resolution(pen->context, 72);
        pango_context_set_round_glyph_positions(pen->context, FALSE);
        /* The family has Japanese shapes whatever the language; that decides where lines may be broken. */
        pango_context_set_language(pen->context,
                                   pango_language_from_string(language == DOCUMENT_JAPANESE ? "ja" : "en"));
        return true;
}

/* An empty configuration takes the place of the fonts, for fontconfig would load the system's own for none.
 */
void pen_close(struct pen *pen)
{
        FcConfig *empty;

        if (!pen->map)
                return;
        pango_font_description_free(pen->regular);
        pango_font_description_free(pen->bold);
        g_object_unref(pen->context);
        g_object_unref(pen->map);
        pen->map = NULL;
        empty = FcConfigCreate();
        if (empty)
                make_current(empty);
}

void pen_use(struct pen *pen, cairo_t *cr)
{
        pen->cr = cr;
        if (cr)
                pango_cairo_update_context(cr, pen->context);
}

const char *pen_colour_code(enum pen_colour colour)
{
        return colours[colour];
}

static void set_colour(struct pen *pen, enum pen_colour colour)
{
        unsigned long rgb = strtoul(colours[colour] + 1, NULL, 16);

        cairo_set_source_rgb(pen->cr, (double)(rgb >> 16) / 255, (double)(rgb >> 8 & 255) / 255,
                             (double)(rgb & 255) / 255);
}

/* Lines end between the words of a text alone (breaks.h), but where one is as wide as the line. */
static void keep_words(PangoLayout *layout, const struct pen_style *style, const char *text)
{
        PangoAttrList *attributes = pango_attr_list_new();
        size_t start = 0, length;

        for (; text[start]; start += length) {
                PangoAttribute *whole;

                length = breaks_piece(text + start);
                if ((double)g_utf8_strlen(text + start, (gssize)length) * style->size >= style->width)
                        continue;
                whole = pango_attr_allow_breaks_new(FALSE);
                whole->start_index = (guint)start;
                whole->end_index = (guint)(start + length);
                pango_attr_list_insert(attributes, whole);
        }
        pango_layout_set_attributes(layout, attributes);
        pango_attr_list_unref(attributes);
}

/* Pango draws a box with its number for a character that the fonts lack: a name with one must not cost the page. */
static PangoLayout *set_text(struct pen *pen, const struct pen_style *style, const char *text)
{
        static const PangoAlignment alignments[] = {
            [DOCUMENT_LEFT] = PANGO_ALIGN_LEFT,
            [DOCUMENT_RIGHT] = PANGO_ALIGN_RIGHT,
            [DOCUMENT_CENTRE] = PANGO_ALIGN_CENTER,
        };
        PangoFontDescription *font = style->bold ? pen->bold : pen->regular;
        PangoLayout *layout = pango_layout_new(pen->context);

        pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
        pango_layout_set_font_description(layout, font);
        pango_layout_set_text(layout, text, -1);
        if (style->width > 0) {
                pango_layout_set_width(layout, (int)(style->width * PANGO_SCALE));
                pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
                keep_words(layout, style, text);
                pango_layout_set_alignment(layout, alignments[style->align]);
                if (style->cut) {
                        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
                        pango_layout_set_height(layout, -1);
                }
        }
        return layout;
}

static void tell(const struct pen *pen, PangoLayout *layout, double x, double y, const char *text)
{
        PangoRectangle logical;

        if (!pen->on_text)
                return;
        pango_layout_get_extents(layout, NULL, &logical);
        pen->on_text(pen->context_of_on_text,
                     &(struct pen_place){.text = text,
                                         .x = x + (double)logical.x / PANGO_SCALE,
                                         .y = y,
                                         .width = (double)logical.width / PANGO_SCALE,
                                         .height = (double)logical.height / PANGO_SCALE});
}

static struct pen_extent extent_of(PangoLayout *layout)
{
        int width, height;

        pango_layout_get_size(layout, &width, &height);
        return (struct pen_extent){.width = (double)width / PANGO_SCALE,
                                   .height = (double)height / PANGO_SCALE};
}

struct pen_extent pen_measure(struct pen *pen, const struct pen_style *style, const char *text)
{
        PangoLayout *layout = set_text(pen, style, text);
        struct pen_extent extent = extent_of(layout);

        g_object_unref(layout);
        return extent;
}

struct pen_extent pen_text(struct pen *pen, const struct pen_style *style, double x, double y,
                           const char *text)
{
        PangoLayout *layout = set_text(pen, style, text);
        struct pen_extent extent = extent_of(layout);

        if (pen->cr && *text) {
                if (style->width <= 0 && style->align == DOCUMENT_RIGHT)
                        x -= extent.width;
                if (style->width <= 0 && style->align == DOCUMENT_CENTRE)
                        x -= extent.width / 2;
                cairo_new_path(pen->cr);
                cairo_move_to(pen->cr, x, y);
                if (style->halo) {
                        pango_cairo_layout_path(pen->cr, layout);
                        cairo_set_line_width(pen->cr, style->size * 0.32);
                        cairo_set_line_join(pen->cr, CAIRO_LINE_JOIN_ROUND);
                        set_colour(pen, PEN_PAPER);
                        cairo_stroke(pen->cr);
                        cairo_move_to(pen->cr, x, y);
                }
                set_colour(pen, style->colour);
                pango_cairo_show_layout(pen->cr, layout);
                cairo_new_path(pen->cr);
                tell(pen, layout, x, y, text);
        }
        g_object_unref(layout);
        return extent;
}

void pen_box(struct pen *pen, enum pen_colour colour, double x, double y, double width, double height)
{
        if (!pen->cr)
                return;
        set_colour(pen, colour);
        cairo_rectangle(pen->cr, x, y, width, height);
        cairo_fill(pen->cr);
}

void pen_line(struct pen *pen, enum pen_colour colour, double thickness, double x0, double y0, double x1,
              double y1)
{
        if (!pen->cr)
                return;
        set_colour(pen, colour);
        cairo_set_line_width(pen->cr, thickness);
        cairo_move_to(pen->cr, x0, y0);
        cairo_line_to(pen->cr, x1, y1);
        cairo_stroke(pen->cr);
}

void pen_dot(struct pen *pen, enum pen_colour colour, double x, double y, double radius)
{
        if (!pen->cr)
                return;
        set_colour(pen, colour);
        cairo_arc(pen->cr, x, y, radius, 0, 6.283185307179586);
        cairo_fill(pen->cr);
}
