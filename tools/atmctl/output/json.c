/*
 * JSON. One table is written row by row, so that a million rows need no memory. A whole is one value: an object with a
 * member for each section, or, where it has but one section without a name, that section's rows. Several wholes are an array.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"
#include "lib/base/utf8.h"
#include "tools/atmctl/output/form.h"
#include "lib/cli/say.h"

/* Decimals are printed as they came: a double has 15 digits of any. */
enum { JSON_FLAGS = JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15) };

static json_t *cell(enum output_type type, const char *value)
{
        int64_t number;

        if (!value)
                return json_null();
        switch (type) {
        case OUTPUT_NUMBER:
        case OUTPUT_YEN:
        case OUTPUT_QUANTITY:
                if (number_parse(value, INT64_MIN, INT64_MAX, &number))
                        return json_integer(number);
                /* fall through */
        case OUTPUT_DECIMAL:
                return json_real(strtod(value, NULL));
        case OUTPUT_BOOL:
                return json_boolean(!strcmp(form_yes_or_no(value), "yes"));
        case OUTPUT_VALUE:
                return json_loads(value, JSON_DECODE_ANY, NULL);
        case OUTPUT_TEXT:
        case OUTPUT_FIGURE:
        case OUTPUT_DAYS:
        case OUTPUT_PERIOD:
        case OUTPUT_WORD:
                break;
        }
        return json_string(value);
}

static int print_some(const char *bytes, size_t length, void *stream)
{
        utf8_print_json(bytes, length, stream); /* jansson ends no piece within a character */
        return ferror((FILE *)stream) ? -1 : 0;
}

bool form_dump(const json_t *value, size_t flags, FILE *stream)
{
        return json_dump_callback(value, print_some, stream, flags | JSON_FLAGS) == 0;
}

/* The object that a column's value belongs to, "OBJECT.NAME" to OBJECT, made where it is the first. */
static json_t *owner_of(json_t *object, const struct output_column *column)
{
        char name[64];
        json_t *owner;

        if (!(column->flags & OUTPUT_MEMBER))
                return object;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(column->name, "."), column->name);
        owner = json_object_get(object, name);
        if (owner)
                return owner;
        owner = json_object();
        return json_object_set_new(object, name, owner) == 0 ? owner : NULL;
}

static bool add_values(json_t *object, const struct output_column *columns, size_t count,
                       const char *const *values)
{
        for (size_t i = 0; i < count; i++) {
                if (columns[i].flags & OUTPUT_ONLY_TABLE)
                        continue;
                if (json_object_set_new(owner_of(object, &columns[i]), schema_name(&columns[i]),
                                        cell(columns[i].type, values[i])) != 0)
                        return false;
        }
        return object != NULL;
}

/* The whole is the rows of a section without a name, or an object. */
static bool begin(struct output *output)
{
        const struct output_section *section = output->section;

        if (output->streamed)
                return true;
        output->list = section->shape == OUTPUT_ROWS ? json_array() : NULL;
        if (section->shape == OUTPUT_ROWS && !section->name) {
                output->whole = json_incref(output->list);
                return output->list != NULL;
        }
        if (!output->whole)
                output->whole = json_object();
        return section->shape == OUTPUT_ONE ||
               json_object_set(output->whole, section->name, output->list) == 0;
}

static bool stream_row(struct output *output, const char *const *values)
{
        const struct output_section *section = output->section;
        json_t *object = json_object();
        bool written = add_values(object, section->columns, section->count, values);

        if (written && section->shape == OUTPUT_ROWS)
                fputs(output->rows ? ",\n " : "[", output->stream);
        written = written && form_dump(object, JSON_COMPACT, output->stream);
        json_decref(object);
        return written;
}

static bool row(struct output *output, const char *const *values, bool total)
{
        const struct output_section *section = output->section;
        json_t *object;

        (void)total;
        if (output->streamed)
                return stream_row(output, values);
        if (section->shape == OUTPUT_ONE && !section->name)
                return add_values(output->whole, section->columns, section->count, values);
        object = json_object();
        if (!add_values(object, section->columns, section->count, values)) {
                json_decref(object);
                return false;
        }
        return section->shape == OUTPUT_ONE ? json_object_set_new(output->whole, section->name, object) == 0
                                            : json_array_append_new(output->list, object) == 0;
}

static void forget_list(struct output *output)
{
        json_decref(output->list);
        output->list = NULL;
}

static bool end(struct output *output)
{
        if (output->streamed) {
                if (output->section->shape == OUTPUT_ROWS)
                        fputs(output->rows ? "]" : "[]", output->stream);
                fputc('\n', output->stream);
        }
        forget_list(output);
        return !ferror(output->stream);
}

static bool next(struct output *output)
{
        if (!output->wholes)
                output->wholes = json_array();
        if (json_array_append_new(output->wholes, output->whole) != 0)
                output->whole = NULL; /* taken, also where it failed */
        else if ((output->whole = json_object()))
                return true;
        return false;
}

static json_t *object_of(struct output *output)
{
        if (!output->whole)
                output->whole = json_object();
        return output->whole;
}

static bool members(struct output *output, const struct output_column *columns, size_t count,
                    const char *const *values)
{
        return add_values(object_of(output), columns, count, values);
}

/* Remarks have their place before there are any. */
static void head(struct output *output, const struct output_head *head)
{
        json_t *object = object_of(output);

        json_object_set_new(object, "title", json_string(head->title));
        json_object_set_new(object, "period", json_string(head->period));
        json_object_set_new(object, "publisher",
                            *head->publisher ? json_string(head->publisher) : json_null());
        json_object_set_new(object, "issued", json_string(head->issued));
        json_object_set_new(object, "provisional", json_boolean(head->is_provisional));
        json_object_set_new(object, "remarks", json_array());
}

static void remark(struct output *output, const char *text)
{
        json_array_append_new(json_object_get(object_of(output), "remarks"), json_string(text));
}

/* A whole says all that there is to say. */
static void say(struct output *output, const char *text)
{
        if (output->streamed)
                form_say(output, text);
}

static bool close_whole(struct output *output)
{
        if (!output->whole)
                return true;
        if (output->wholes && json_array_append(output->wholes, output->whole) != 0)
                return form_complain_unwritten(output);
        if (!form_dump(output->wholes ? output->wholes : output->whole, JSON_INDENT(1), output->stream))
                return form_complain_unwritten(output);
        fputc('\n', output->stream);
        return true;
}

static void forget(struct output *output)
{
        forget_list(output);
        json_decref(output->wholes);
        json_decref(output->whole);
        output->wholes = output->whole = NULL;
}

const struct output_form form_json = {.name = "json",
                                      .kind = OUTPUT_AS_VALUE,
                                      .begin = begin,
                                      .row = row,
                                      .end = end,
                                      .next = next,
                                      .members = members,
                                      .head = head,
                                      .remark = remark,
                                      .note = say,
                                      .close = close_whole,
                                      .free = forget};
