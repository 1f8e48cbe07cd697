/* cairo numbers the glyphs, clips and gradients of each picture from 0, so two pictures in one page would use
 * each other's: every id and every reference gets a prefix. Surfaces, which nothing refers to, are numbered
 * through the process's life: their ids are left out, so that the same input gives the same bytes. Only
 * markup is looked at, since texts are drawn as glyphs. */
#include "lib/documents/svg.h"

#include <string.h>

#include "lib/documents/escape.h"

struct rule {
        const char *from, *alone, *within; /* what follows it is an id */
};

static const struct rule rules[] = {
    {" id=\"", " id=\"", " id=\""},
    {" xlink:href=\"#", " xlink:href=\"#", " href=\"#"},
    {"url(#", "url(#", "url(#"},
};

static void write_root(FILE *out, const struct svg_place *place)
{
        if (place->alone)
                fprintf(
                    out,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
                    "xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" width=\"%.0f\" "
                    "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n<title>",
                    place->width, place->height, place->width, place->height);
        else
                fprintf(out, "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n<title>",
                        place->style, place->width, place->height);
        escape_write(out, place->title);
        fputs("</title>\n", out);
        if (place->remarks && *place->remarks) {
                fputs("<desc>", out);
                escape_write(out, place->remarks);
                fputs("</desc>\n", out);
        }
}

static const char *skip_surface_id(const char *p)
{
        static const char surface[] = " id=\"surface";

        if (strncmp(p, surface, sizeof(surface) - 1))
                return p;
        p = strchr(p + sizeof(surface) - 1, '"');
        return p ? p + 1 : NULL;
}

static const char *write_reference(FILE *out, const char *p, const struct svg_place *place)
{
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
                size_t length = strlen(rules[i].from);

                if (strncmp(p, rules[i].from, length))
                        continue;
                fputs(place->alone ? rules[i].alone : rules[i].within, out);
                fputs(place->prefix, out);
                return p + length;
        }
        putc(*p, out);
        return p + 1;
}

bool svg_write(FILE *out, const char *svg, const struct svg_place *place)
{
        const char *p = strstr(svg, "<svg");

        if (p)
                p = strchr(p, '>');
        if (!p)
                return false;
        write_root(out, place);
        p += strspn(p + 1, "\n") + 1;
        while (p && *p) {
                const char *next = skip_surface_id(p);

                p = next == p ? write_reference(out, p, place) : next;
        }
        return p != NULL;
}
