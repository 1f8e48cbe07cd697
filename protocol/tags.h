/*
 * What private fields are made of: a tag of 2 characters, a length of 3 digits, as many characters; repeated. DE 48 of an administrative
 * advice, and DE 62, which says what a message's security needs.
 */
#ifndef PROTOCOL_TAGS_H
#define PROTOCOL_TAGS_H

#include "protocol/iso8583.h"

/* Of DE 62. */
#define TAG_KEY_SET                                                                                          \
        "KS" /* the number of the key set that the message's PIN block and MAC are under: 1 to 4 digits */
#define TAG_PIN_BLOCK "PB" /* a PIN block of format 4: 32 hexadecimal digits */
#define TAG_KEY_BLOCK "KB" /* a key in the answer to a key change: one of each key of the set */
#define TAG_KEY_OFFER                                                                                        \
        "KN" /* in an answer: the number of a newer key set that waits to be fetched by a key change */

struct tag {
        const char *name, *value; /* of 2 and `length` characters, in the message, without an end */
        size_t length;
};

/* The tag at *at, which moves on behind it; *at begins at 0. False at the field's end, where it is absent, and where tags_problem finds fault. */
bool tags_next(const struct iso_message *message, int field, size_t *at, struct tag *ret_tag);
/* The first of that name. */
bool tags_find(const struct iso_message *message, int field, const char *name, struct tag *ret_tag);
/* The key set that DE 62 of a message that was checked names; 0: none. */
int tags_key_set(const struct iso_message *message);
/* NULL: it is made of tags, and of DE 62 each that is known is there once (a key block as often as there are keys) and in its form. Else what is
 * wrong: static text. */
const char *tags_problem(const struct iso_message *message, int field);
/* Sets the field to what it has and this one more; too long a field is the message's failure, as in iso_set. */
void tags_add(struct iso_message *message, int field, const char *name, const char *value);

#endif
