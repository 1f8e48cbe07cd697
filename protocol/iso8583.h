/*
 * One ISO 8583:1987 message: its fields as text, and the way from and to bytes.
 *
 * A dialect (struct iso_dialect) is data: header, bitmap form and one row a field. The codec is the same
 * for all of them. A decoded message always holds normalised values (digits and text as ASCII, binary
 * fields raw, fixed fields in the length of the built-in dialect), whatever the dialect's form on the wire,
 * so nothing above this file knows dialects.
 *
 * Invariants: no allocation, no I/O, no clock. A message owns the text of its fields, so it outlives the
 * bytes it was decoded from. A failed decode keeps every good field that could be found: all up to a fault that
 * hides where the next field begins, and beyond values that are merely of the wrong form. So a refusal can still
 * echo the STAN.
 */
#ifndef PROTOCOL_ISO8583_H
#define PROTOCOL_ISO8583_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum {
        ISO_FIELD_MAX = 128,    /* highest field number */
        ISO_MESSAGE_MAX = 2048, /* longest message in bytes, without its length header (wire limit) */
        /* Room for the normalised values of one message: BCD doubles, and what a dialect keeps shorter than
         * the built-in one grows, by less than 256 in all. */
        ISO_TEXT_MAX = 2 * ISO_MESSAGE_MAX + 256,
        ISO_NAME_MAX = 31,     /* longest name of a field or a dialect */
        ISO_LENGTH_HEADER = 2, /* of the built-in dialect; see protocol/frame.h */
};

/* What a field may hold (ISO 8583:1987, 4.2). */
enum iso_format {
        ISO_NONE, /* the dialect has no such field: its presence is a format error */
        ISO_N,    /* digits */
        ISO_AN,   /* letters and digits, blanks to pad */
        ISO_ANS,  /* any printable ASCII (and blanks) */
        ISO_XN,   /* C or D, then digits: a signed amount; max_length counts the sign */
        ISO_Z,    /* track 2: digits, '=' or 'D' */
        ISO_B,    /* raw bytes */
};

enum iso_length_kind { ISO_FIXED, ISO_LLVAR, ISO_LLLVAR };

/* How a value may appear in a log or a dump. */
enum iso_mask {
        ISO_SHOW,     /* as it is */
        ISO_MASK_PAN, /* first 6, last 4 */
        ISO_MASK_ALL, /* length only: PIN blocks, track data, expiry */
};

enum iso_bitmap_form { ISO_BITMAP_RAW, ISO_BITMAP_HEX };
enum iso_digits_form { ISO_DIGITS_ASCII, ISO_DIGITS_BCD };

/* What a message's security needs (iso_mac.h): the field of its MAC, and where the number of its key set is. */
enum iso_mac_place {
        ISO_MAC_LAST,  /* 64, or 128 where any of 65 to 127 is there */
        ISO_MAC_SECOND /* 128, always */
};
enum iso_key_set_place {
        ISO_KEY_SET_TAG,    /* 62, the tag KS */
        ISO_KEY_SET_CONTROL /* 53, the number alone, with leading zeros */
};

/* What an 0800 says; by which code in DE 70 is its dialect's to say (profile_network). */
enum iso_network {
        ISO_NETWORK_SIGN_ON,
        ISO_NETWORK_SIGN_OFF,
        ISO_NETWORK_ECHO,
        ISO_NETWORK_CUTOVER,
        ISO_NETWORK_KEY_CHANGE,  /* who has new keys offers them, or who wants some asks */
        ISO_NETWORK_KEY_REQUEST, /* who wants some asks, where that has a code of its own */
        ISO_NETWORK_COUNT
};

/* How the length before each message is written. */
enum frame_form {
        FRAME_BINARY, /* 2 bytes, big-endian */
        FRAME_ASCII,  /* 4 ASCII digits */
        FRAME_BCD,    /* 4 digits in 2 bytes */
};

struct iso_field {
        char name[ISO_NAME_MAX + 1];
        enum iso_format format;
        enum iso_length_kind length_kind;
        uint16_t length; /* exact (fixed) or longest (variable), in characters, or bytes for ISO_B */
        enum iso_mask mask;
        /* The value in a message where it differs from what is on the wire; ISO_NONE and 0 where it does not.
         * A fixed value of another length is fitted: zeros before a number, blanks behind a text. */
        enum iso_format value_format;
        uint16_t value_length;
};

/* A value type: copied whole, freed by nobody. */
struct iso_dialect {
        char name[ISO_NAME_MAX + 1];
        enum frame_form frame;
        bool frame_counts_itself; /* the length before a message includes its own bytes */
        bool frame_may_be_empty;  /* a length of zero is a sign of life, and no fault */
        enum iso_bitmap_form bitmap;
        enum iso_digits_form digits;        /* of n fields, x+n after its sign, and the MTI */
        enum iso_digits_form length_digits; /* of LLVAR and LLLVAR prefixes */
        enum iso_mac_place mac;
        enum iso_key_set_place key_set;
        char
            pin; /* the format of PIN blocks (ISO 9564-1): '0' or '3' in 52, '4' in 62's PB; 0: it wants none */
        int16_t network[ISO_NETWORK_COUNT];        /* their codes, each another, 1 to 999; 0: it has none */
        struct iso_field field[ISO_FIELD_MAX + 1]; /* by field number; 0 and 1 unused */
};

/* The built-in dialect: ATM to atmd, and the default towards a bank. ISO 8583:1987, all ASCII. */
extern const struct iso_dialect iso_dialect_ascii;

/* Whether a message may hold the field: what a dialect lacks can't be encoded. */
static inline bool iso_dialect_has(const struct iso_dialect *dialect, int field)
{
        return dialect->field[field].format != ISO_NONE;
}

struct iso_message {
        char mti[5];
        uint64_t present[2]; /* bit n-1 of the pair: field n */
        struct {
                uint16_t offset, length; /* into text */
        } at[ISO_FIELD_MAX + 1];
        uint16_t text_length;
        bool failed; /* a set did not fit or was not of the field's form; sticky, see iso_encode */
        char text[ISO_TEXT_MAX];
};

#define ISO_NO_OFFSET SIZE_MAX

/* Why a message could not be read or written. Sizes in bytes. */
struct iso_error {
        int field;        /* 0: header or MTI, 1: bitmap, else the field */
        size_t offset;    /* from the first byte of the MTI; ISO_NO_OFFSET where it is no place in bytes */
        const char *what; /* static text: "length", "not a digit", "missing", ... */
        size_t wanted, available; /* bytes; 0/0 where the fault is not about length */
};

void iso_init(struct iso_message *ret_message, const char *mti);

/* Wipe all values, the PIN block among them, in a way that the compiler keeps. */
void iso_wipe(struct iso_message *message);

static inline bool iso_has(const struct iso_message *m, int field)
{
        return (m->present[(field - 1) / 64] >> ((field - 1) % 64)) & 1;
}

/* The value of a field and its length; NULL where absent. Not NUL-terminated. */
const char *iso_get(const struct iso_message *message, int field, size_t *ret_length);

/* Copy a value as a NUL-terminated string; "" where absent. False where it does not fit. */
bool iso_copy(const struct iso_message *message, int field, char *buffer, size_t size);

/* The value of a digits field as a number; false where absent, not digits or over INT64_MAX. */
bool iso_number(const struct iso_message *message, int field, int64_t *ret_value);

/* Set a field. A value too long for the message's text sets the sticky `failed`; the form of the value
 * is checked by iso_encode, which knows the dialect. */
void iso_set(struct iso_message *message, int field, const char *value, size_t length);
void iso_set_string(struct iso_message *message, int field, const char *value);
/* Digits, zero-padded to `digits`. Fails (sticky) where the value is negative or too wide. */
void iso_set_number(struct iso_message *message, int field, int64_t value, int digits);
void iso_unset(struct iso_message *message, int field);
/* Copy a field from another message where it is present there. */
void iso_echo(struct iso_message *to, const struct iso_message *from, int field);

/*
 * Decode one message (without length header). 0, or -1 with *ret_error filled: the first fault; ret_message
 * then holds what could be read nevertheless. A present but empty secondary bitmap is accepted; bit 65 and
 * trailing bytes are errors.
 */
ATM_MUST_USE int iso_decode(const struct iso_dialect *dialect, const uint8_t *bytes, size_t length,
                            struct iso_message *ret_message, struct iso_error *ret_error);

/* Encode without length header. Bytes written, or -1 with *ret_error filled. */
ATM_MUST_USE int iso_encode(const struct iso_dialect *dialect, const struct iso_message *message,
                            uint8_t *buffer, size_t size, struct iso_error *ret_error);

/* One line for people and logs, secrets masked by the field table; cut with "..." where it does not fit. */
void iso_dump(const struct iso_dialect *dialect, const struct iso_message *message, char *buffer,
              size_t size);

/* "field 4 (amount) at offset 32: length: 12 bytes wanted, 3 available" */
void iso_error_print(const struct iso_dialect *dialect, const struct iso_error *error, char *buffer,
                     size_t size);

#endif
