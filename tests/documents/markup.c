#include "tests/documents/markup.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 40
#define IDS_MAX   8000

struct name {
        const char *text;
        size_t length;
};

static bool is(struct name name, const char *text)
{
        return name.length == strlen(text) && !strncmp(name.text, text, name.length);
}

static int by_name(const void *a, const void *b)
{
        const struct name *x = a, *y = b;
        size_t length = x->length < y->length ? x->length : y->length;
        int order = strncmp(x->text, y->text, length);

        return order ? order : (x->length > y->length) - (x->length < y->length);
}

static struct name ids[IDS_MAX], references[IDS_MAX * 4];
static size_t id_count, reference_count;

static void refer(const char *from, char end)
{
        ck_assert_uint_lt(reference_count, IDS_MAX * 4);
        references[reference_count++] = (struct name){from, strcspn(from, (char[]){end, '\0'})};
}

/* The attributes of a tag, up to its '>'; returns that. */
static const char *read_attributes(const char *p)
{
        for (;;) {
                const char *name, *value;
                size_t length;

                p += strspn(p, " \n");
                if (*p == '>' || !strncmp(p, "/>", 2) || !strncmp(p, "?>", 2))
                        return p;
                name = p;
                length = strcspn(p, "=> \n");
                ck_assert_msg(length > 0 && p[length] == '=' && p[length + 1] == '"', "attribute: %.60s", p);
                value = p + length + 2;
                p = strchr(value, '"');
                ck_assert_msg(p && !memchr(value, '<', (size_t)(p - value)), "attribute: %.60s", name);
                if (is((struct name){name, length}, "id")) {
                        ck_assert_uint_lt(id_count, IDS_MAX);
                        ids[id_count++] = (struct name){value, (size_t)(p - value)};
                } else if (*value == '#' && length >= 4 && !strncmp(name + length - 4, "href", 4)) {
                        refer(value + 1, '"');
                } else if (!strncmp(value, "url(#", 5)) {
                        refer(value + 5, ')');
                }
                p++;
        }
}

static const char *read_text(const char *p)
{
        for (; *p && *p != '<'; p++)
                if (*p == '&')
                        ck_assert_msg(!strncmp(p, "&amp;", 5) || !strncmp(p, "&lt;", 4) ||
                                          !strncmp(p, "&gt;", 4) || !strncmp(p, "&quot;", 6),
                                      "entity: %.60s", p);
        return p;
}

static void check_ids(void)
{
        qsort(ids, id_count, sizeof(ids[0]), by_name);
        for (size_t i = 1; i < id_count; i++)
                ck_assert_msg(by_name(&ids[i - 1], &ids[i]), "twice: %.20s", ids[i].text);
        for (size_t i = 0; i < reference_count; i++)
                ck_assert_msg(bsearch(&references[i], ids, id_count, sizeof(ids[0]), by_name), "no id: %.20s",
                              references[i].text);
}

size_t check_markup(const char *p)
{
        struct name open[DEPTH_MAX];
        size_t depth = 0;

        id_count = reference_count = 0;
        while (*(p = read_text(p))) {
                struct name name = {p + 1, strcspn(p + 1, " \n/>")};

                if (p[1] == '/') {
                        struct name closed = {p + 2, strcspn(p + 2, ">")};

                        ck_assert_msg(depth > 0 && !by_name(&open[depth - 1], &closed), "end: %.60s", p);
                        depth--;
                        p = closed.text + closed.length + 1;
                        continue;
                }
                if (p[1] == '!') {
                        ck_assert_msg(!strncmp(p, "<!DOCTYPE html>", 15), "%.60s", p);
                        p += 15;
                        continue;
                }
                p = read_attributes(name.text + name.length);
                if (*p != '>') {
                        p += 2;
                        continue;
                }
                p++;
                if (is(name, "meta"))
                        continue;
                ck_assert_uint_lt(depth, DEPTH_MAX);
                open[depth++] = name;
                if (is(name, "style")) {
                        p = strstr(p, "</style>");
                        ck_assert_ptr_nonnull(p);
                }
        }
        ck_assert_uint_eq(depth, 0);
        check_ids();
        return id_count;
}
