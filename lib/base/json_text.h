/*
 * JSON put together as text, member by member, where no tree of it is needed. Commas are its own; a name is NULL in an array, and
 * at the outermost. Failure to allocate is sticky: json_text_done says so.
 *
 *      json_text_open--> json_text_string, json_text_number, ...--> json_text_close--> json_text_done
 */
#ifndef LIB_BASE_JSON_TEXT_H
#define LIB_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

/* All zeros: empty. */
struct json_text {
        char *text;
        size_t length, room;
        bool has_failed;
};

/* bracket: '{' or '[', and its counterpart. */
void json_text_open(struct json_text *json, const char *name, char bracket);
void json_text_close(struct json_text *json, char bracket);
void json_text_string(struct json_text *json, const char *name, const char *value); /* NULL: null */
void json_text_number(struct json_text *json, const char *name, int64_t value);
void json_text_bool(struct json_text *json, const char *name, bool value);
void json_text_raw(struct json_text *json, const char *name, const char *value); /* JSON itself */
/* The text, to be freed; NULL: out of memory. The json is empty then. */
ATM_MUST_USE char *json_text_done(struct json_text *json);

#endif
