/*
 * The codec: see iso8583.h.
 *
 * Values live one after the other in message->text, in the order in which they were decoded or set; `at` says
 * where. `present` has bit n-1 for field n, the wire the other way round (field 1 is the first bit of the
 * first byte). Field 1 itself, the secondary bitmap, is never present in a message: it follows from the rest.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/iso8583.h"
#include "protocol/pan.h"

enum {
        MTI_DIGITS = 4,
        BITMAP_BYTES = 8,
        SECONDARY_BITMAP = 1,
        TERTIARY_BITMAP = 65,
        FIELD_LONGEST = 999,
        SHORTEST_HIDDEN_RUN = 12, /* as many digits in free text may be a card number */
};

/* One bit a format: which characters it takes. */
enum { TAKES_N = 1, TAKES_AN = 2, TAKES_ANS = 4, TAKES_Z = 8 };

#define DIGIT  (TAKES_N | TAKES_AN | TAKES_ANS | TAKES_Z)
#define LETTER (TAKES_AN | TAKES_ANS)

/* clang-format off */
static const uint8_t char_class[256] = {
        [' '] = TAKES_AN | TAKES_ANS,
        ['!' ... '/'] = TAKES_ANS,
        ['0' ... '9'] = DIGIT,
        [':' ... '<'] = TAKES_ANS,
        ['='] = TAKES_ANS | TAKES_Z,
        ['>' ... '@'] = TAKES_ANS,
        ['A' ... 'C'] = LETTER,
        ['D'] = LETTER | TAKES_Z,
        ['E' ... 'Z'] = LETTER,
        ['[' ... '`'] = TAKES_ANS,
        ['a' ... 'z'] = LETTER,
        ['{' ... '~'] = TAKES_ANS,
};
/* clang-format on */

static int fail(struct iso_error *ret_error, int field, size_t offset, const char *what, size_t wanted,
                size_t available)
{
        *ret_error = (struct iso_error){
            .field = field, .offset = offset, .what = what, .wanted = wanted, .available = available};
        return -1;
}

/* ---- the values of a message ------------------------------------------------------------------------- */

void iso_init(struct iso_message *ret_message, const char *mti)
{
        assert(strlen(mti) == MTI_DIGITS);
        memcpy(ret_message->mti, mti, MTI_DIGITS + 1);
        ret_message->present[0] = ret_message->present[1] = 0;
        ret_message->text_length = 0;
        ret_message->failed = false;
}

void iso_wipe(struct iso_message *message)
{
        explicit_bzero(message->text, message->text_length);
        memset(message->mti, 0, sizeof(message->mti));
        message->present[0] = message->present[1] = 0;
        message->text_length = 0;
        message->failed = false;
}

static void mark_present(struct iso_message *message, int field)
{
        message->present[(field - 1) / 64] |= UINT64_C(1) << ((field - 1) % 64);
}

const char *iso_get(const struct iso_message *message, int field, size_t *ret_length)
{
        if (!iso_has(message, field))
                return NULL;
        *ret_length = message->at[field].length;
        return message->text + message->at[field].offset;
}

bool iso_copy(const struct iso_message *message, int field, char *buffer, size_t size)
{
        size_t length = 0;
        const char *value = iso_get(message, field, &length);
        if (length >= size) {
                if (size > 0)
                        buffer[0] = '\0';
                return false;
        }
        if (value)
                memcpy(buffer, value, length);
        buffer[length] = '\0';
        return true;
}

bool iso_number(const struct iso_message *message, int field, int64_t *ret_value)
{
        size_t length = 0;
        const char *value = iso_get(message, field, &length);
        if (!value || length == 0)
                return false;
        int64_t number = 0;
        for (size_t i = 0; i < length; i++) {
                if (value[i] < '0' || value[i] > '9')
                        return false;
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, value[i] - '0', &number))
                        return false;
        }
        *ret_value = number;
        return true;
}

/* Room for a value at the end of the text; NULL where there is none. */
static char *append(struct iso_message *message, int field, size_t length)
{
        if (length > (size_t)(ISO_TEXT_MAX - message->text_length))
                return NULL;
        char *place = message->text + message->text_length;
        message->at[field].offset = message->text_length;
        message->at[field].length = (uint16_t)length;
        message->text_length = (uint16_t)(message->text_length + length);
        mark_present(message, field);
        return place;
}

void iso_set(struct iso_message *message, int field, const char *value, size_t length)
{
        assert(field > SECONDARY_BITMAP && field <= ISO_FIELD_MAX);
        if (iso_has(message, field) && message->at[field].length >= length) {
                memmove(message->text + message->at[field].offset, value, length);
                message->at[field].length = (uint16_t)length;
                return;
        }
        char *place = append(message, field, length);
        if (!place) {
                message->failed = true;
                return;
        }
        memcpy(place, value, length);
}

void iso_set_string(struct iso_message *message, int field, const char *value)
{
        iso_set(message, field, value, strlen(value));
}

void iso_set_number(struct iso_message *message, int field, int64_t value, int digits)
{
        char text[64];
        assert(digits > 0 && digits < (int)sizeof(text));
        if (value < 0) {
                message->failed = true;
                return;
        }
        for (int i = digits - 1; i >= 0; i--) {
                text[i] = (char)('0' + value % 10);
                value /= 10;
        }
        if (value != 0) {
                message->failed = true;
                return;
        }
        iso_set(message, field, text, (size_t)digits);
}

void iso_unset(struct iso_message *message, int field)
{
        if (!iso_has(message, field))
                return;
        /* What is taken out is a secret more often than not: nothing of it stays behind. */
        explicit_bzero(message->text + message->at[field].offset, message->at[field].length);
        message->present[(field - 1) / 64] &= ~(UINT64_C(1) << ((field - 1) % 64));
}

void iso_echo(struct iso_message *to, const struct iso_message *from, int field)
{
        size_t length;
        const char *value = iso_get(from, field, &length);
        if (value)
                iso_set(to, field, value, length);
}

/* ---- what a field may hold --------------------------------------------------------------------------- */

/* The first character of a value that its format does not take; `length` where all is well. */
static size_t span_of(uint8_t takes, const char *value, size_t length)
{
        size_t i = 0;
        while (i < length && char_class[(uint8_t)value[i]] & takes)
                i++;
        return i;
}

static const struct {
        uint8_t takes;
        const char *complaint;
} formats[] = {
    [ISO_N] = {TAKES_N, "not a digit"},
    [ISO_AN] = {TAKES_AN, "not a letter, digit or blank"},
    [ISO_ANS] = {TAKES_ANS, "not printable ASCII"},
    [ISO_XN] = {TAKES_N, "not a digit"},
    [ISO_Z] = {TAKES_Z, "not a digit, '=' or 'D'"},
};

static const char sign_complaint[] = "neither C nor D";

/* NULL where the value has the field's form, else what is wrong with the character at *ret_at. */
static const char *check_form(enum iso_format format, const char *value, size_t length, size_t *ret_at)
{
        if (format == ISO_B)
                return NULL;
        size_t from = 0;
        if (format == ISO_XN) {
                if (length == 0 || (value[0] != 'C' && value[0] != 'D')) {
                        *ret_at = 0;
                        return sign_complaint;
                }
                from = 1;
        }
        size_t good = from + span_of(formats[format].takes, value + from, length - from);
        if (good == length)
                return NULL;
        *ret_at = good;
        return formats[format].complaint;
}

/* What the wire's form of the field takes and, where that is more, the value's too. */
static const char *check_forms(const struct iso_field *row, const char *value, size_t length, size_t *ret_at)
{
        const char *complaint = check_form(row->format, value, length, ret_at);
        if (!complaint && row->value_format != ISO_NONE)
                complaint = check_form(row->value_format, value, length, ret_at);
        return complaint;
}

/* The length of a fixed field's value in a message. */
static size_t value_length(const struct iso_field *row)
{
        return row->value_length ? row->value_length : row->length;
}

/* Fit a checked value of `from` characters to `to`, in place: a number loses or gains zeros in front, behind
 * its sign; a text blanks at its end. False, and nothing is changed, where more than that would be lost. */
static bool fit(const struct iso_field *row, char *text, size_t from, size_t to)
{
        if (row->format != ISO_N && row->format != ISO_XN && row->value_format != ISO_N) {
                for (size_t i = to; i < from; i++)
                        if (text[i] != ' ')
                                return false;
                if (to > from)
                        memset(text + from, ' ', to - from);
                return true;
        }
        char *digits = text + (row->format == ISO_XN);
        size_t had = from - (row->format == ISO_XN), wanted = to - (row->format == ISO_XN);
        if (wanted >= had) {
                memmove(digits + (wanted - had), digits, had);
                memset(digits, '0', wanted - had);
                return true;
        }
        for (size_t i = 0; i < had - wanted; i++)
                if (digits[i] != '0')
                        return false;
        memmove(digits, digits + (had - wanted), wanted);
        return true;
}

static bool is_bcd(const struct iso_dialect *dialect, enum iso_format format)
{
        return dialect->digits == ISO_DIGITS_BCD && (format == ISO_N || format == ISO_XN);
}

/* Bytes on the wire of a value of `length` characters; a sign is a character of its own also before BCD. */
static size_t wire_size(const struct iso_dialect *dialect, enum iso_format format, size_t length)
{
        if (!is_bcd(dialect, format))
                return length;
        return format == ISO_XN ? 1 + length / 2 : (length + 1) / 2;
}

static bool is_field(const struct iso_dialect *dialect, int field)
{
        return field > SECONDARY_BITMAP && field != TERTIARY_BITMAP &&
               dialect->field[field].format != ISO_NONE;
}

static const char *missing_row(int field)
{
        return field == TERTIARY_BITMAP ? "a third bitmap" : "not a field of the dialect";
}

static size_t prefix_digits(enum iso_length_kind kind)
{
        return kind == ISO_FIXED ? 0 : kind == ISO_LLVAR ? 2 : 3;
}

static size_t prefix_size(const struct iso_dialect *dialect, enum iso_length_kind kind)
{
        size_t digits = prefix_digits(kind);
        return dialect->length_digits == ISO_DIGITS_BCD ? (digits + 1) / 2 : digits;
}

/* ---- digits, two a byte ------------------------------------------------------------------------------ */

/* An odd number of digits has a zero before the first. Returns the first bad byte, or the number of bytes. */
static size_t bcd_unpack(const uint8_t *bytes, size_t digits, char *text)
{
        size_t size = (digits + 1) / 2, done = 0;
        for (size_t i = 0; i < size; i++) {
                uint8_t high = bytes[i] >> 4, low = bytes[i] & 15;
                if (high > 9 || low > 9)
                        return i;
                if (i > 0 || digits % 2 == 0)
                        text[done++] = (char)('0' + high);
                else if (high != 0)
                        return i;
                text[done++] = (char)('0' + low);
        }
        return size;
}

static void bcd_pack(const char *text, size_t digits, uint8_t *bytes)
{
        if (digits % 2) {
                *bytes++ = (uint8_t)(text[0] - '0');
                text++;
                digits--;
        }
        for (size_t i = 0; i < digits; i += 2)
                *bytes++ = (uint8_t)((text[i] - '0') << 4 | (text[i + 1] - '0'));
}

/* ---- bitmaps ----------------------------------------------------------------------------------------- */

static uint64_t reverse_bits(uint64_t x)
{
        x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
        x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
        x = (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
        return __builtin_bswap64(x);
}

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t bitmap_size(const struct iso_dialect *dialect)
{
        return dialect->bitmap == ISO_BITMAP_HEX ? 2 * BITMAP_BYTES : BITMAP_BYTES;
}

static void write_bitmap(const struct iso_dialect *dialect, uint64_t present, uint8_t *bytes)
{
        static const char hex[] = "0123456789ABCDEF";
        uint64_t wire = reverse_bits(present);
        for (size_t i = 0; i < BITMAP_BYTES; i++) {
                uint8_t byte = (uint8_t)(wire >> (56 - 8 * i));
                if (dialect->bitmap == ISO_BITMAP_HEX) {
                        bytes[2 * i] = (uint8_t)hex[byte >> 4];
                        bytes[2 * i + 1] = (uint8_t)hex[byte & 15];
                } else {
                        bytes[i] = byte;
                }
        }
}

/* ---- decoding ---------------------------------------------------------------------------------------- */

struct reader {
        const struct iso_dialect *dialect;
        const uint8_t *bytes;
        size_t length, offset; /* offset <= length */
        struct iso_message *message;
        struct iso_error *error;
        bool faulty; /* *error holds the first fault */
};

static size_t reader_left(const struct reader *r)
{
        return r->length - r->offset;
}

/* The first fault is the one that is told. Always -1: where a value's end is known, the caller may go on. */
static int fault(struct reader *r, int field, size_t offset, const char *what, size_t wanted,
                 size_t available)
{
        if (!r->faulty)
                (void)fail(r->error, field, offset, what, wanted, available);
        r->faulty = true;
        return -1;
}

static int reader_short(struct reader *r, int field, size_t wanted)
{
        return fault(r, field, r->offset, "length", wanted, reader_left(r));
}

static int read_mti(struct reader *r)
{
        bool bcd = r->dialect->digits == ISO_DIGITS_BCD;
        size_t size = bcd ? MTI_DIGITS / 2 : MTI_DIGITS;
        if (reader_left(r) < size)
                return reader_short(r, 0, size);
        const uint8_t *at = r->bytes + r->offset;
        char mti[MTI_DIGITS];
        size_t good;
        if (bcd) {
                good = bcd_unpack(at, MTI_DIGITS, mti);
        } else {
                memcpy(mti, at, MTI_DIGITS);
                good = span_of(TAKES_N, mti, MTI_DIGITS);
        }
        if (good < size)
                return fault(r, 0, r->offset + good, "not a digit", 0, 0);
        memcpy(r->message->mti, mti, MTI_DIGITS);
        r->message->mti[MTI_DIGITS] = '\0';
        r->offset += size;
        return 0;
}

static int read_bitmap(struct reader *r, uint64_t *ret_present)
{
        size_t size = bitmap_size(r->dialect);
        if (reader_left(r) < size)
                return reader_short(r, SECONDARY_BITMAP, size);
        const uint8_t *at = r->bytes + r->offset;
        uint64_t wire = 0;
        if (r->dialect->bitmap == ISO_BITMAP_HEX) {
                for (size_t i = 0; i < size; i++) {
                        int nibble = hex_value(at[i]);
                        if (nibble < 0)
                                return fault(r, SECONDARY_BITMAP, r->offset + i, "not a hex digit", 0, 0);
                        wire = wire << 4 | (uint64_t)nibble;
                }
        } else {
                for (size_t i = 0; i < size; i++)
                        wire = wire << 8 | at[i];
        }
        r->offset += size;
        *ret_present = reverse_bits(wire);
        return 0;
}

static int read_prefix(struct reader *r, int field, const struct iso_field *row, size_t *ret_length)
{
        size_t digits = prefix_digits(row->length_kind), size = prefix_size(r->dialect, row->length_kind);
        if (reader_left(r) < size)
                return reader_short(r, field, size);
        const uint8_t *at = r->bytes + r->offset;
        char text[3];
        size_t good;
        if (r->dialect->length_digits == ISO_DIGITS_BCD) {
                good = bcd_unpack(at, digits, text);
        } else {
                memcpy(text, at, digits);
                good = span_of(TAKES_N, text, digits);
        }
        if (good < size)
                return fault(r, field, r->offset + good, "length is not a number", 0, 0);
        size_t length = 0;
        for (size_t i = 0; i < digits; i++)
                length = length * 10 + (size_t)(text[i] - '0');
        if (length > row->length)
                (void)fault(r, field, r->offset, "longer than the field may be", row->length, length);
        r->offset += size;
        *ret_length = length;
        return 0;
}

/* The bytes of a value into the message's text; its size is known to be there. One of the wrong form is passed
 * over. */
static void read_value(struct reader *r, int field, const struct iso_field *row, size_t length, size_t size)
{
        const uint8_t *at = r->bytes + r->offset;
        size_t fitted = row->value_length ? row->value_length : length;
        /* ISO_TEXT_MAX holds every message of ISO_MESSAGE_MAX bytes, BCD and what grows included. */
        char *text = r->message->text + r->message->text_length;
        assert((length > fitted ? length : fitted) <= (size_t)(ISO_TEXT_MAX - r->message->text_length));

        const char *complaint;
        size_t bad = 0;
        if (is_bcd(r->dialect, row->format)) {
                size_t sign = row->format == ISO_XN;
                if (sign)
                        text[0] = (char)at[0];
                bad = sign + bcd_unpack(at + sign, length - sign, text + sign);
                complaint = bad < size ? "not a digit" : NULL;
                if (sign && text[0] != 'C' && text[0] != 'D') {
                        bad = 0;
                        complaint = sign_complaint;
                }
        } else {
                memcpy(text, at, length);
                complaint = check_forms(row, text, length, &bad);
        }
        if (complaint) {
                (void)fault(r, field, r->offset + bad, complaint, 0, 0);
                explicit_bzero(text, length); /* iso_wipe does not know of it */
        } else if (fitted != length && !fit(row, text, length, fitted)) {
                (void)fault(r, field, r->offset, "longer than the value may be", fitted, length);
                explicit_bzero(text, length > fitted ? length : fitted);
        } else {
                append(r->message, field, fitted);
        }
        r->offset += size;
}

/* -1: nobody can say where the next field begins. */
static int read_field(struct reader *r, int field)
{
        if (!is_field(r->dialect, field))
                return fault(r, field, r->offset, missing_row(field), 0, 0);
        const struct iso_field *row = &r->dialect->field[field];
        size_t length = row->length;
        if (row->length_kind != ISO_FIXED && read_prefix(r, field, row, &length) < 0)
                return -1;
        size_t size = wire_size(r->dialect, row->format, length);
        if (reader_left(r) < size)
                return reader_short(r, field, size);
        if (length > row->length)
                r->offset += size;
        else
                read_value(r, field, row, length, size);
        return 0;
}

static int read_fields(struct reader *r, uint64_t present, int first)
{
        for (; present; present &= present - 1)
                if (read_field(r, first + __builtin_ctzll(present)) < 0)
                        return -1;
        return 0;
}

int iso_decode(const struct iso_dialect *dialect, const uint8_t *bytes, size_t length,
               struct iso_message *ret_message, struct iso_error *ret_error)
{
        struct reader r = {
            .dialect = dialect,
            .bytes = bytes,
            .length = length,
            .message = ret_message,
            .error = ret_error,
        };
        iso_init(ret_message, "0000");
        ret_message->mti[0] = '\0'; /* until it was read */
        if (length > ISO_MESSAGE_MAX)
                return fail(ret_error, 0, 0, "longer than a message may be", ISO_MESSAGE_MAX, length);

        uint64_t primary, secondary = 0;
        if (read_mti(&r) < 0 || read_bitmap(&r, &primary) < 0)
                return -1;
        if (primary & 1 && read_bitmap(&r, &secondary) < 0)
                return -1;
        if (read_fields(&r, primary & ~UINT64_C(1), 1) < 0 || read_fields(&r, secondary, 65) < 0)
                return -1;
        if (reader_left(&r) > 0)
                return fault(&r, 0, r.offset, "bytes after the last field", 0, reader_left(&r));
        return r.faulty ? -1 : 0;
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

struct writer {
        const struct iso_dialect *dialect;
        uint8_t *bytes;
        size_t size, offset; /* offset <= size */
        struct iso_error *error;
};

/* The next `wanted` bytes, or NULL (and the error) where the buffer ends before. */
static uint8_t *writer_take(struct writer *w, int field, size_t wanted)
{
        if (w->size - w->offset < wanted) {
                fail(w->error, field, w->offset, "buffer too small", wanted, w->size - w->offset);
                return NULL;
        }
        uint8_t *at = w->bytes + w->offset;
        w->offset += wanted;
        return at;
}

static int write_mti(struct writer *w, const char *mti)
{
        if (span_of(TAKES_N, mti, MTI_DIGITS) < MTI_DIGITS)
                return fail(w->error, 0, 0, "MTI is not four digits", 0, 0);
        bool bcd = w->dialect->digits == ISO_DIGITS_BCD;
        uint8_t *at = writer_take(w, 0, bcd ? MTI_DIGITS / 2 : MTI_DIGITS);
        if (!at)
                return -1;
        if (bcd)
                bcd_pack(mti, MTI_DIGITS, at);
        else
                memcpy(at, mti, MTI_DIGITS);
        return 0;
}

static int write_prefix(struct writer *w, int field, enum iso_length_kind kind, size_t length)
{
        uint8_t *at = writer_take(w, field, prefix_size(w->dialect, kind));
        if (!at)
                return -1;
        char text[3];
        size_t digits = prefix_digits(kind);
        for (size_t i = digits; i-- > 0; length /= 10)
                text[i] = (char)('0' + length % 10);
        if (w->dialect->length_digits == ISO_DIGITS_BCD)
                bcd_pack(text, digits, at);
        else
                memcpy(at, text, digits);
        return 0;
}

static int write_field(struct writer *w, const struct iso_message *message, int field)
{
        size_t length = 0, bad = 0;
        const char *value = iso_get(message, field, &length);
        if (!is_field(w->dialect, field))
                return fail(w->error, field, w->offset, missing_row(field), 0, 0);
        const struct iso_field *row = &w->dialect->field[field];
        if (row->length_kind == ISO_FIXED && length != value_length(row))
                return fail(w->error, field, w->offset, "length", value_length(row), length);
        if (length > row->length && !row->value_length)
                return fail(w->error, field, w->offset, "longer than the field may be", row->length, length);
        const char *complaint = check_forms(row, value, length, &bad);
        if (complaint)
                return fail(w->error, field, w->offset, complaint, 0, 0);
        char fitted[FIELD_LONGEST];
        if (row->value_length && length != row->length) {
                assert(length <= sizeof(fitted) && row->length <= sizeof(fitted));
                memcpy(fitted, value, length);
                if (!fit(row, fitted, length, row->length))
                        return fail(w->error, field, w->offset, "longer than the field may be", row->length,
                                    length);
                value = fitted;
                length = row->length;
        }

        if (row->length_kind != ISO_FIXED && write_prefix(w, field, row->length_kind, length) < 0)
                return -1;
        uint8_t *at = writer_take(w, field, wire_size(w->dialect, row->format, length));
        if (!at)
                return -1;
        if (is_bcd(w->dialect, row->format)) {
                if (row->format == ISO_XN) {
                        *at++ = (uint8_t)*value++;
                        length--;
                }
                bcd_pack(value, length, at);
        } else {
                memcpy(at, value, length);
        }
        return 0;
}

static int write_fields(struct writer *w, const struct iso_message *message, int word)
{
        for (uint64_t left = message->present[word]; left; left &= left - 1)
                if (write_field(w, message, 64 * word + 1 + __builtin_ctzll(left)) < 0)
                        return -1;
        return 0;
}

int iso_encode(const struct iso_dialect *dialect, const struct iso_message *message, uint8_t *buffer,
               size_t size, struct iso_error *ret_error)
{
        struct writer w = {
            .dialect = dialect,
            .bytes = buffer,
            .size = size < ISO_MESSAGE_MAX ? size : ISO_MESSAGE_MAX,
            .error = ret_error,
        };
        if (message->failed)
                return fail(ret_error, 0, 0, "a value that was set did not fit", 0, 0);
        if (write_mti(&w, message->mti) < 0)
                return -1;
        bool secondary = message->present[1] != 0;
        uint8_t *at = writer_take(&w, SECONDARY_BITMAP, bitmap_size(dialect) * (secondary ? 2 : 1));
        if (!at)
                return -1;
        write_bitmap(dialect, message->present[0] | (secondary ? 1 : 0), at);
        if (secondary)
                write_bitmap(dialect, message->present[1], at + bitmap_size(dialect));
        if (write_fields(&w, message, 0) < 0 || write_fields(&w, message, 1) < 0)
                return -1;
        return (int)w.offset;
}

/* ---- for people -------------------------------------------------------------------------------------- */

/* Text into a buffer of any size; what does not fit is cut, and remembered. */
struct line {
        char *buffer;
        size_t size, length;
        bool cut;
};

static void line_char(struct line *line, char c)
{
        if (line->length + 1 < line->size)
                line->buffer[line->length++] = c;
        else
                line->cut = true;
}

static void ATM_PRINTF(2, 3) line_add(struct line *line, const char *format, ...)
{
        char text[128];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        for (int i = 0; i < length && i < (int)sizeof(text) - 1; i++)
                line_char(line, text[i]);
}

static void line_end(struct line *line)
{
        static const char dots[] = "...";
        if (line->size == 0)
                return;
        if (line->cut && line->size >= sizeof(dots)) {
                size_t from = line->size - sizeof(dots);
                memcpy(line->buffer + from, dots, sizeof(dots));
        } else {
                line->buffer[line->length] = '\0';
        }
}

static size_t digit_run(const char *value, size_t length)
{
        return span_of(TAKES_N, value, length);
}

/* Text: quoted where it has blanks, nothing that could end a line, and where its length is free no run of
 * digits as long as a card number. */
static void dump_text(struct line *line, const struct iso_field *row, const char *value, size_t length)
{
        bool free_text = row->length_kind != ISO_FIXED;
        bool quoted = memchr(value, ' ', length) || memchr(value, '"', length);
        if (quoted)
                line_char(line, '"');
        for (size_t i = 0; i < length;) {
                size_t run = free_text ? digit_run(value + i, length - i) : 0;
                if (run >= SHORTEST_HIDDEN_RUN) {
                        for (size_t j = 0; j < run; j++)
                                line_char(line, '*');
                        i += run;
                        continue;
                }
                for (size_t end = i + (run ? run : 1); i < end; i++) {
                        bool printable = char_class[(uint8_t)value[i]] & TAKES_ANS;
                        if (value[i] == '"' || value[i] == '\\')
                                line_char(line, '\\');
                        line_char(line, printable ? value[i] : '?');
                }
        }
        if (quoted)
                line_char(line, '"');
}

static void dump_pan(struct line *line, const char *value, size_t length)
{
        char pan[20], masked[20];
        if (length >= sizeof(pan)) {
                line_add(line, "*(%zu)", length);
                return;
        }
        memcpy(pan, value, length);
        pan[length] = '\0';
        pan_mask(pan, masked);
        line_add(line, "%s", masked);
        explicit_bzero(pan, sizeof(pan));
}

static void dump_field(struct line *line, const struct iso_field *row, const char *value, size_t length)
{
        if (row->mask == ISO_MASK_ALL || row->format == ISO_NONE)
                line_add(line, "*(%zu)", length);
        else if (row->mask == ISO_MASK_PAN)
                dump_pan(line, value, length);
        else if (row->format == ISO_B)
                for (size_t i = 0; i < length; i++)
                        line_add(line, "%02x", (uint8_t)value[i]);
        else
                dump_text(line, row, value, length);
}

void iso_dump(const struct iso_dialect *dialect, const struct iso_message *message, char *buffer, size_t size)
{
        struct line line = {.buffer = buffer, .size = size};
        line_add(&line, "%.4s", message->mti[0] ? message->mti : "????");
        for (int field = SECONDARY_BITMAP + 1; field <= ISO_FIELD_MAX; field++) {
                size_t length;
                const char *value = iso_get(message, field, &length);
                if (!value)
                        continue;
                line_add(&line, " %d=", field);
                dump_field(&line, &dialect->field[field], value, length);
        }
        line_end(&line);
}

void iso_error_print(const struct iso_dialect *dialect, const struct iso_error *error, char *buffer,
                     size_t size)
{
        struct line line = {.buffer = buffer, .size = size};
        if (error->field == 0)
                line_add(&line, "message");
        else if (error->field == SECONDARY_BITMAP)
                line_add(&line, "bitmap");
        else if (is_field(dialect, error->field))
                line_add(&line, "field %d (%s)", error->field, dialect->field[error->field].name);
        else
                line_add(&line, "field %d", error->field);
        if (error->offset != ISO_NO_OFFSET)
                line_add(&line, " at offset %zu", error->offset);
        line_add(&line, ": %s", error->what);
        if (error->wanted != 0 || error->available != 0)
                line_add(&line, ": %zu bytes wanted, %zu available", error->wanted, error->available);
        line_end(&line);
}
