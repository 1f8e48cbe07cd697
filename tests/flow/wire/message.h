/*
 * ISO 8583 messages as docs/protocol.md describes them, for a peer that is not ours: it shares no line with
 * protocol/, so that a fault there is not repeated here. Plain and slow; the message owns its values.
 *
 * The encoder writes whatever values it is given, wrong ones too: tests of bad input need it. The decoder
 * takes nothing that deviates.
 */
#ifndef TESTS_FLOW_WIRE_MESSAGE_H
#define TESTS_FLOW_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_FIELDS = 128, MESSAGE_VALUE_MAX = 999, MESSAGE_BYTES_MAX = 4096 };

struct message {
        char mti[5];
        bool has[MESSAGE_FIELDS + 1];
        struct {
                size_t length;
                char text[MESSAGE_VALUE_MAX + 1]; /* NUL-terminated */
        } field[MESSAGE_FIELDS + 1];
};

void message_start(struct message *ret_message, const char *mti);
void message_set(struct message *message, int field, const char *text);
void message_set_bytes(struct message *message, int field, const char *bytes, size_t length);
void message_print(struct message *message, int field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void message_drop(struct message *message, int field);
const char *message_get(const struct message *message, int field); /* "" where absent */

/* Without length header; the number of bytes. A secondary bitmap only where it is needed. */
size_t message_encode(const struct message *message, uint8_t buffer[MESSAGE_BYTES_MAX]);

/* NULL, or what is wrong with the bytes (static text). */
const char *message_decode(const uint8_t *bytes, size_t length, struct message *ret_message);

bool message_equal(const struct message *a, const struct message *b);

/* "0210 3=010000 39=00 ...", without 2, 14, 35 and 52. */
void message_describe(const struct message *message, char *buffer, size_t size);

#endif
