#include "lib/base/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_bytes(struct json_text *json, const char *bytes, size_t length)
{
        if (json->length + length + 1 > json->room) {
                size_t room = 2 * json->room + length + 64;
                char *grown = json->has_failed ? NULL : realloc(json->text, room);

                if (!grown) {
                        json->has_failed = true;
                        return;
                }
                json->text = grown;
                json->room = room;
        }
        memcpy(json->text + json->length, bytes, length);
        json->length += length;
        json->text[json->length] = '\0';
}

static void add(struct json_text *json, const char *text)
{
        add_bytes(json, text, strlen(text));
}

static void add_quoted(struct json_text *json, const char *value)
{
        add(json, "\"");
        for (; *value; value++) {
                char escaped[8];

                if ((unsigned char)*value < ' ') {
                        snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)(unsigned char)*value);
                        add(json, escaped);
                        continue;
                }
                if (*value == '"' || *value == '\\')
                        add(json, "\\");
                add_bytes(json, value, 1);
        }
        add(json, "\"");
}

/* What stands before a value. */
static void begin(struct json_text *json, const char *name)
{
        char last = json->length ? json->text[json->length - 1] : '[';

        if (last != '{' && last != '[')
                add(json, ",");
        if (!name)
                return;
        add_quoted(json, name);
        add(json, ":");
}

void json_text_open(struct json_text *json, const char *name, char bracket)
{
        begin(json, name);
        add_bytes(json, &bracket, 1);
}

void json_text_close(struct json_text *json, char bracket)
{
        add_bytes(json, &bracket, 1);
}

void json_text_string(struct json_text *json, const char *name, const char *value)
{
        begin(json, name);
        if (value)
                add_quoted(json, value);
        else
                add(json, "null");
}

void json_text_number(struct json_text *json, const char *name, int64_t value)
{
        char text[24];

        snprintf(text, sizeof(text), "%" PRId64, value);
        json_text_raw(json, name, text);
}

void json_text_bool(struct json_text *json, const char *name, bool value)
{
        json_text_raw(json, name, value ? "true" : "false");
}

void json_text_raw(struct json_text *json, const char *name, const char *value)
{
        begin(json, name);
        add(json, value);
}

char *json_text_done(struct json_text *json)
{
        char *text = json->text;

        if (json->has_failed) {
                free(text);
                text = NULL;
        }
        *json = (struct json_text){.text = NULL};
        return text;
}
