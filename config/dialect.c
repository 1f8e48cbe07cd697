/*
 * The loader of dialects: see dialect.h.
 *
 * Each row of the file (lib/base/ini_file.h) is checked by itself and against the built-in dialect. Only when all is
 * there is the caller's struct written.
 */
#include "config/dialect.h"

#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/file.h"
#include "lib/base/ini_file.h"
#include "lib/base/number.h"

enum {
        SHOWN_MAX = 60, /* of a wrong text, in an error */
        CELL_MAX = 100,
        FIELD_LONGEST = 999,
        FIELD_NUMBER_MAX = 999, /* beyond it nobody means a field */
        LLVAR_LONGEST = 99,
        SHORTEST_CARD_NUMBER = 12, /* as many digits may be one */
};

/* What is sent and read towards a bank. Lengths in characters: a number fits by its leading zeros, a text by
 * its blanks; where nothing of that kind is possible the length is the built-in one. */
const struct dialect_use dialect_uses[] = {
    {2, true, ISO_N, 12, 19},     {3, true, ISO_N, 6, 6},      {4, true, ISO_N, 8, 18},
    {7, true, ISO_N, 10, 10},     {11, true, ISO_N, 6, 12},    {12, false, ISO_N, 6, 6},
    {13, false, ISO_N, 4, 4},     {14, true, ISO_N, 4, 4},     {15, false, ISO_N, 4, 4},
    {22, false, ISO_N, 3, 3},     {23, false, ISO_N, 3, 3},    {25, false, ISO_N, 2, 2},
    {28, true, ISO_XN, 6, 18},    {32, true, ISO_N, 1, 11},    {37, true, ISO_N, 12, 40},
    {38, true, ISO_N, 6, 40},     {39, true, ISO_N, 2, 2},     {41, true, ISO_AN, 8, 40},
    {42, false, ISO_ANS, 15, 99}, {48, false, ISO_N, 1, 999},  {49, true, ISO_N, 3, 3},
    {52, false, ISO_B, 8, 8},     {54, true, ISO_AN, 40, 999}, {55, false, ISO_B, 1, 999},
    {70, true, ISO_N, 3, 3},      {90, true, ISO_N, 42, 42},   {95, true, ISO_AN, 42, 42},
};
const size_t dialect_use_count = sizeof(dialect_uses) / sizeof(dialect_uses[0]);

/* ---- words ------------------------------------------------------------------------------------------- */

static const char *const format_words[] = {"n", "an", "ans", "x+n", "z", "b", NULL};
static const enum iso_format formats[] = {ISO_N, ISO_AN, ISO_ANS, ISO_XN, ISO_Z, ISO_B};
static const char *const kind_words[] = {
    [ISO_FIXED] = "fixed", [ISO_LLVAR] = "llvar", [ISO_LLLVAR] = "lllvar", NULL};
static const char *const mask_words[] = {
    [ISO_SHOW] = "show", [ISO_MASK_PAN] = "pan", [ISO_MASK_ALL] = "hide", NULL};
static const char *const frame_words[] = {
    [FRAME_BINARY] = "binary", [FRAME_ASCII] = "ascii", [FRAME_BCD] = "bcd", NULL};
static const char *const bitmap_words[] = {[ISO_BITMAP_RAW] = "raw", [ISO_BITMAP_HEX] = "hex", NULL};
static const char *const digits_words[] = {[ISO_DIGITS_ASCII] = "ascii", [ISO_DIGITS_BCD] = "bcd", NULL};
static const char *const bool_words[] = {"no", "yes", NULL};
static const char *const mac_words[] = {[ISO_MAC_LAST] = "last", [ISO_MAC_SECOND] = "128", NULL};
static const char *const pin_words[] = {"none", "0", "3", "4", NULL};
static const char *const key_set_words[] = {[ISO_KEY_SET_TAG] = "62", [ISO_KEY_SET_CONTROL] = "53", NULL};

enum section {
        SECTION_NONE,
        SECTION_DIALECT,
        SECTION_SECURITY,
        SECTION_NETWORK,
        SECTION_FIELDS,
        SECTION_REQUEST_CODES,
        SECTION_NOTICE_CODES
};

static const char *const section_names[] = {[SECTION_NONE] = "",
                                            [SECTION_DIALECT] = "dialect",
                                            [SECTION_SECURITY] = "security",
                                            [SECTION_NETWORK] = "network",
                                            [SECTION_FIELDS] = "fields",
                                            [SECTION_REQUEST_CODES] = "request codes",
                                            [SECTION_NOTICE_CODES] = "notice codes",
                                            NULL};
#define SECTIONS_WANTED "[dialect], [security], [network], [fields], [request codes] or [notice codes]"

/* The keys of [dialect], [security] and [network]; `words` NULL: a text, checked by itself. */
enum key {
        KEY_NAME,
        KEY_HEADER,
        KEY_COUNTS_ITSELF,
        KEY_BITMAP,
        KEY_DIGITS,
        KEY_LENGTH_DIGITS,
        KEY_EMPTY_MESSAGES,
        KEY_MAC,
        KEY_KEY_SET,
        KEY_WRONG_MAC,
        KEY_PIN,
        KEY_NETWORK, /* and as many as there are of enum iso_network, in its order */
        KEY_COUNT = KEY_NETWORK + ISO_NETWORK_COUNT
};
static const struct {
        const char *key;
        const char *const *words;
        enum section section;
        bool optional;
} keys[KEY_COUNT] = {
    [KEY_NAME] = {"name", NULL, SECTION_DIALECT, false},
    [KEY_HEADER] = {"header", frame_words, SECTION_DIALECT, false},
    [KEY_COUNTS_ITSELF] = {"header_counts_itself", bool_words, SECTION_DIALECT, false},
    [KEY_BITMAP] = {"bitmap", bitmap_words, SECTION_DIALECT, false},
    [KEY_DIGITS] = {"digits", digits_words, SECTION_DIALECT, false},
    [KEY_LENGTH_DIGITS] = {"length_digits", digits_words, SECTION_DIALECT, false},
    [KEY_EMPTY_MESSAGES] = {"empty_messages", bool_words, SECTION_DIALECT, true},
    [KEY_MAC] = {"mac", mac_words, SECTION_SECURITY, true},
    [KEY_KEY_SET] = {"key_set", key_set_words, SECTION_SECURITY, true},
    [KEY_WRONG_MAC] = {"wrong_mac", NULL, SECTION_SECURITY, true},
    [KEY_PIN] = {"pin", pin_words, SECTION_SECURITY, true},
    [KEY_NETWORK + ISO_NETWORK_SIGN_ON] = {"sign_on", NULL, SECTION_NETWORK, true},
    [KEY_NETWORK + ISO_NETWORK_SIGN_OFF] = {"sign_off", NULL, SECTION_NETWORK, true},
    [KEY_NETWORK + ISO_NETWORK_ECHO] = {"echo", NULL, SECTION_NETWORK, true},
    [KEY_NETWORK + ISO_NETWORK_CUTOVER] = {"cutover", NULL, SECTION_NETWORK, true},
    [KEY_NETWORK + ISO_NETWORK_KEY_CHANGE] = {"key_change", NULL, SECTION_NETWORK, true},
    [KEY_NETWORK + ISO_NETWORK_KEY_REQUEST] = {"key_request", NULL, SECTION_NETWORK, true},
};

/* What a bank can do without. */
static const bool may_be_none[ISO_NETWORK_COUNT] = {
    [ISO_NETWORK_CUTOVER] = true, [ISO_NETWORK_KEY_CHANGE] = true, [ISO_NETWORK_KEY_REQUEST] = true};

#define ROW_WANTED "name, n|an|ans|x+n|z|b, fixed|llvar|lllvar, length, show|pan|hide"

/* The position of a word in its list, or -1. */
static int word_find(const char *const *words, const char *word)
{
        for (int i = 0; words[i]; i++)
                if (strcmp(words[i], word) == 0)
                        return i;
        return -1;
}

/* "raw or hex", "fixed, llvar or lllvar" */
static const char *words_list(const char *const *words, char *buffer, size_t size)
{
        size_t used = 0;
        buffer[0] = '\0';
        for (int i = 0; words[i] && used < size; i++)
                used += (size_t)snprintf(buffer + used, size - used, "%s%s",
                                         i == 0         ? ""
                                         : words[i + 1] ? ", "
                                                        : " or ",
                                         words[i]);
        return buffer;
}

/* Whatever the locale. */
static bool is_printable(char c)
{
        return c >= ' ' && c <= '~';
}

/* Text of the file as it may stand in one line for people. */
static const char *text_shown(const char *text, char buffer[SHOWN_MAX + 4])
{
        size_t n = 0;
        for (; text[n] && n < SHOWN_MAX; n++)
                buffer[n] = is_printable(text[n]) ? text[n] : '?';
        strcpy(buffer + n, text[n] ? "..." : "");
        return buffer;
}

/* 1 to ISO_NAME_MAX characters that any log can show. */
static bool is_name(const char *text)
{
        size_t length = 0;
        while (is_printable(text[length]))
                length++;
        return length > 0 && length <= ISO_NAME_MAX && !text[length];
}

/* ---- reading ----------------------------------------------------------------------------------------- */

struct reading {
        struct ini_file file;
        bool has_security;
        int key_line[KEY_COUNT]; /* 0: not given */
        int field_line[ISO_FIELD_MAX + 1];
        struct iso_dialect dialect;
        int code_line[2][BANK_CODES + 1]; /* of the notice codes, of the request codes */
        struct bank_codes codes;
};

static enum section section_find(const char *name)
{
        int section = word_find(section_names, name);
        return section < 0 ? SECTION_NONE : (enum section)section;
}

static bool on_section(void *context, const char *section)
{
        struct reading *r = context;
        char shown[SHOWN_MAX + 4];
        r->has_security = r->has_security || section_find(section) == SECTION_SECURITY;
        return section_find(section) != SECTION_NONE ||
               ini_file_refuse(&r->file, r->file.line, "unknown section [%s]; expected " SECTIONS_WANTED,
                               text_shown(section, shown));
}

/* ---- [dialect], [security], [network] ------------------------------------------------------------------ */

static bool key_store(struct reading *r, enum key key, int choice)
{
        switch (key) {
        case KEY_HEADER:
                r->dialect.frame = (enum frame_form)choice;
                break;
        case KEY_COUNTS_ITSELF:
                r->dialect.frame_counts_itself = choice == 1;
                break;
        case KEY_BITMAP:
                r->dialect.bitmap = (enum iso_bitmap_form)choice;
                break;
        case KEY_DIGITS:
                r->dialect.digits = (enum iso_digits_form)choice;
                break;
        case KEY_LENGTH_DIGITS:
                r->dialect.length_digits = (enum iso_digits_form)choice;
                break;
        case KEY_EMPTY_MESSAGES:
                r->dialect.frame_may_be_empty = choice == 1;
                break;
        case KEY_MAC:
                r->dialect.mac = (enum iso_mac_place)choice;
                break;
        case KEY_KEY_SET:
                r->dialect.key_set = (enum iso_key_set_place)choice;
                break;
        case KEY_PIN:
                r->dialect.pin = choice > 0 ? *pin_words[choice] : '\0';
                break;
        case KEY_NAME:
        case KEY_WRONG_MAC:
        case KEY_NETWORK:
        case KEY_COUNT:
                break;
        }
        return true;
}

static bool on_name(struct reading *r, const char *name)
{
        char shown[SHOWN_MAX + 4];
        if (!is_name(name))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[dialect] name = '%s'; expected 1 to %d characters of ASCII",
                                       text_shown(name, shown), ISO_NAME_MAX);
        strcpy(r->dialect.name, name);
        return true;
}

static bool on_wrong_mac(struct reading *r, const char *code)
{
        char shown[SHOWN_MAX + 4];
        return bank_codes_set_wrong_mac(&r->codes, code) ||
               ini_file_refuse(
                   &r->file, r->file.line,
                   "[security] wrong_mac = '%s'; expected a code of two digits or capital letters, not 00",
                   text_shown(code, shown));
}

/* A code of DE 70, which has three digits in each dialect. */
static bool on_network(struct reading *r, enum iso_network network, const char *code)
{
        enum { CODE_LENGTH = 3, CODE_MAX = 999 };
        char shown[SHOWN_MAX + 4];
        int64_t number = 0;
        bool is_none = may_be_none[network] && strcmp(code, "none") == 0;
        if (!is_none && (strlen(code) != CODE_LENGTH || !number_parse(code, 1, CODE_MAX, &number)))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[network] %s = '%s'; expected a code of three digits, 001 to 999%s",
                                       keys[KEY_NETWORK + network].key, text_shown(code, shown),
                                       may_be_none[network] ? ", or none" : "");
        r->dialect.network[network] = (int16_t)number;
        return true;
}

/* "name, header, bitmap" */
static const char *keys_list(enum section section, char *buffer, size_t size)
{
        size_t used = 0;
        for (int i = 0; i < KEY_COUNT && used < size; i++)
                if (keys[i].section == section)
                        used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "",
                                                 keys[i].key);
        return buffer;
}

static bool on_key(struct reading *r, enum section section, const char *key, const char *value)
{
        const char *name = section_names[section];
        char shown[SHOWN_MAX + 4], expected[160];
        int i = 0;
        while (i < KEY_COUNT && (keys[i].section != section || strcmp(keys[i].key, key) != 0))
                i++;
        if (i == KEY_COUNT)
                return ini_file_refuse(&r->file, r->file.line, "[%s] %s: unknown key; expected one of: %s",
                                       name, text_shown(key, shown),
                                       keys_list(section, expected, sizeof(expected)));
        if (r->key_line[i])
                return ini_file_refuse(&r->file, r->file.line,
                                       "[%s] %s: given twice, first in line %d; expected once", name, key,
                                       r->key_line[i]);
        r->key_line[i] = r->file.line;
        if (i == KEY_NAME)
                return on_name(r, value);
        if (i == KEY_WRONG_MAC)
                return on_wrong_mac(r, value);
        if (i >= KEY_NETWORK)
                return on_network(r, (enum iso_network)(i - KEY_NETWORK), value);
        int choice = word_find(keys[i].words, value);
        if (choice < 0)
                return ini_file_refuse(&r->file, r->file.line, "[%s] %s = '%s'; expected %s", name, key,
                                       text_shown(value, shown),
                                       words_list(keys[i].words, expected, sizeof(expected)));
        return key_store(r, (enum key)i, choice);
}

/* ---- [fields] ---------------------------------------------------------------------------------------- */

struct cells {
        char name[CELL_MAX], format[CELL_MAX], kind[CELL_MAX], length[CELL_MAX], mask[CELL_MAX];
};

static bool cell_copy(char cell[CELL_MAX], const char *from, const char *end)
{
        while (from < end && *from == ' ')
                from++;
        while (end > from && end[-1] == ' ')
                end--;
        if (end - from >= CELL_MAX)
                return false;
        memcpy(cell, from, (size_t)(end - from));
        cell[end - from] = '\0';
        return true;
}

/* The last four cells have no commas, so that a name may: split from the right. */
static bool cells_split(const char *value, struct cells *ret_cells)
{
        char *const order[] = {ret_cells->mask, ret_cells->length, ret_cells->kind, ret_cells->format};
        const char *end = value + strlen(value);
        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
                const char *comma = memrchr(value, ',', (size_t)(end - value));
                if (!comma || !cell_copy(order[i], comma + 1, end))
                        return false;
                end = comma;
        }
        return cell_copy(ret_cells->name, value, end);
}

static const struct dialect_use *use_find(int field)
{
        for (size_t i = 0; i < dialect_use_count; i++)
                if (dialect_uses[i].field == field)
                        return &dialect_uses[i];
        return NULL;
}

/* Each of the three texts takes what those before it take; all others take their own alone. */
static bool takes(enum iso_format format, enum iso_format least)
{
        return format == least || (least < format && format <= ISO_ANS);
}

static const char *format_word(enum iso_format format)
{
        for (size_t i = 0; format_words[i]; i++)
                if (formats[i] == format)
                        return format_words[i];
        return "none";
}

static const char *secrecy_wanted(enum iso_mask least)
{
        return least == ISO_MASK_ALL ? "hide" : "pan or hide";
}

/* The weakest mask that a field may have: the built-in one, and at least a mask at all for what could hold a
 * card number here but could not (or would be hidden as free text) there. */
static enum iso_mask least_mask(int field, const struct iso_field *row)
{
        const struct iso_field *builtin = &iso_dialect_ascii.field[field];
        bool longer = builtin->length_kind != ISO_FIXED || row->length > builtin->length;
        if (builtin->mask == ISO_SHOW && !use_find(field) && row->length_kind == ISO_FIXED &&
            row->format != ISO_B && row->length >= SHORTEST_CARD_NUMBER && longer)
                return ISO_MASK_ALL;
        return builtin->mask;
}

/* Against what our programs put into the field. */
static bool use_check(struct reading *r, int field, struct iso_field *row)
{
        const struct dialect_use *use = use_find(field);
        const struct iso_field *builtin = &iso_dialect_ascii.field[field];
        if (!use)
                return true;
        if (!takes(row->format, use->least))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d (%s): format %s; expected %s, which our values have",
                                       field, row->name, format_word(row->format), format_word(use->least));
        if ((row->length_kind == ISO_FIXED) != (builtin->length_kind == ISO_FIXED))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d (%s): %s; expected %s, which our values are", field,
                                       row->name, kind_words[row->length_kind],
                                       builtin->length_kind == ISO_FIXED ? "fixed" : "llvar or lllvar");
        if (row->length < use->shortest || row->length > use->longest) {
                char expected[40];
                snprintf(expected, sizeof(expected), use->shortest == use->longest ? "%d" : "%d to %d",
                         use->shortest, use->longest);
                return ini_file_refuse(
                    &r->file, r->file.line,
                    "[fields] %d (%s): a length of %d; expected %s, which holds our values", field, row->name,
                    row->length, expected);
        }
        if (row->format != builtin->format)
                row->value_format = builtin->format;
        if (row->length_kind == ISO_FIXED && row->length != builtin->length)
                row->value_length = builtin->length;
        return true;
}

static bool row_check(struct reading *r, int field, struct iso_field *row)
{
        if (row->length_kind == ISO_LLVAR && row->length > LLVAR_LONGEST)
                return ini_file_refuse(
                    &r->file, r->file.line,
                    "[fields] %d (%s): a length of %d in two digits; expected lllvar, or 1 to %d", field,
                    row->name, row->length, LLVAR_LONGEST);
        if (row->format == ISO_XN && (row->length_kind != ISO_FIXED || row->length < 2))
                return ini_file_refuse(
                    &r->file, r->file.line,
                    "[fields] %d (%s): x+n is a sign and digits; expected fixed and 2 or more", field,
                    row->name);
        enum iso_mask least = least_mask(field, row);
        if (row->mask < least)
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d (%s): %s would let secrets into logs; expected %s", field,
                                       row->name, mask_words[row->mask], secrecy_wanted(least));
        return use_check(r, field, row);
}

static bool on_row(struct reading *r, int field, const char *value)
{
        struct cells cells;
        struct iso_field row = {.name = ""};
        char shown[SHOWN_MAX + 4], expected[80];
        int format, kind, mask;
        int64_t length;
        if (!cells_split(value, &cells))
                return ini_file_refuse(&r->file, r->file.line, "[fields] %d = '%s'; expected " ROW_WANTED,
                                       field, text_shown(value, shown));
        if (!is_name(cells.name))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d: name '%s'; expected 1 to %d characters of ASCII", field,
                                       text_shown(cells.name, shown), ISO_NAME_MAX);
        if ((format = word_find(format_words, cells.format)) < 0)
                return ini_file_refuse(&r->file, r->file.line, "[fields] %d (%s): format '%s'; expected %s",
                                       field, cells.name, text_shown(cells.format, shown),
                                       words_list(format_words, expected, sizeof(expected)));
        if ((kind = word_find(kind_words, cells.kind)) < 0)
                return ini_file_refuse(&r->file, r->file.line, "[fields] %d (%s): '%s'; expected %s", field,
                                       cells.name, text_shown(cells.kind, shown),
                                       words_list(kind_words, expected, sizeof(expected)));
        if (!number_parse(cells.length, 1, FIELD_LONGEST, &length))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d (%s): length '%s'; expected 1 to %d", field, cells.name,
                                       text_shown(cells.length, shown), FIELD_LONGEST);
        if ((mask = word_find(mask_words, cells.mask)) < 0)
                return ini_file_refuse(&r->file, r->file.line, "[fields] %d (%s): '%s'; expected %s", field,
                                       cells.name, text_shown(cells.mask, shown),
                                       words_list(mask_words, expected, sizeof(expected)));
        strcpy(row.name, cells.name);
        row.format = formats[format];
        row.length_kind = (enum iso_length_kind)kind;
        row.length = (uint16_t)length;
        row.mask = (enum iso_mask)mask;
        if (!row_check(r, field, &row))
                return false;
        r->dialect.field[field] = row;
        return true;
}

static bool on_field(struct reading *r, const char *key, const char *value)
{
        char shown[SHOWN_MAX + 4];
        int64_t number;
        if (!number_parse(key, 0, FIELD_NUMBER_MAX, &number))
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %s: no field number; expected 2 to %d",
                                       text_shown(key, shown), ISO_FIELD_MAX);
        int field = (int)number;
        if (field == 1 || field == 65)
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d: a bitmap; expected another number from 2 to %d", field,
                                       ISO_FIELD_MAX);
        if (field < 2 || field > ISO_FIELD_MAX)
                return ini_file_refuse(&r->file, r->file.line, "[fields] %d: no such field; expected 2 to %d",
                                       field, ISO_FIELD_MAX);
        if (r->field_line[field])
                return ini_file_refuse(&r->file, r->file.line,
                                       "[fields] %d: given twice, first in line %d; expected once", field,
                                       r->field_line[field]);
        r->field_line[field] = r->file.line;
        return on_row(r, field, value);
}

/* ---- [request codes], [notice codes] ------------------------------------------------------------------ */

static bool on_code(struct reading *r, enum section section, const char *code, const char *value)
{
        char why[BANK_CODES_ERROR_MAX], shown[2][SHOWN_MAX + 4];
        bool of_request = section == SECTION_REQUEST_CODES;
        if (!(of_request ? bank_codes_set_reason : bank_codes_set_verdict)(&r->codes, code, value, why))
                return ini_file_refuse(&r->file, r->file.line, "[%s] %s = '%s'; %s", section_names[section],
                                       text_shown(code, shown[0]), text_shown(value, shown[1]), why);
        int *line = &r->code_line[of_request][bank_code_place(code)];
        if (*line)
                return ini_file_refuse(&r->file, r->file.line,
                                       "[%s] %s: given twice, first in line %d; expected once",
                                       section_names[section], code, *line);
        *line = r->file.line;
        return true;
}

static bool on_pair(void *context, const char *section, const char *key, const char *value)
{
        struct reading *r = context;
        switch (section_find(section)) {
        case SECTION_DIALECT:
        case SECTION_SECURITY:
        case SECTION_NETWORK:
                return on_key(r, section_find(section), key, value);
        case SECTION_FIELDS:
                return on_field(r, key, value);
        case SECTION_REQUEST_CODES:
        case SECTION_NOTICE_CODES:
                return on_code(r, section_find(section), key, value);
        case SECTION_NONE: /* on_section refused it */
                break;
        }
        return false;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void missing_check(struct reading *r)
{
        char expected[80];
        for (int i = 0; i < KEY_COUNT; i++)
                if (!r->key_line[i] && !keys[i].optional)
                        ini_file_refuse(&r->file, INI_FILE_WHOLE, "[dialect] %s is missing; expected %s",
                                        keys[i].key,
                                        keys[i].words ? words_list(keys[i].words, expected, sizeof(expected))
                                                      : "what the dialect is called");
        for (size_t i = 0; i < dialect_use_count; i++) {
                int field = dialect_uses[i].field;
                const struct iso_field *row = &iso_dialect_ascii.field[field];
                if (dialect_uses[i].required && !r->field_line[field])
                        ini_file_refuse(
                            &r->file, INI_FILE_WHOLE,
                            "[fields] %d (%s) is missing, which is needed towards a bank; expected a row "
                            "such as %d = %s, %s, %s, %d, %s",
                            field, row->name, field, row->name, format_word(row->format),
                            kind_words[row->length_kind], row->length, mask_words[row->mask]);
        }
}

/* Two kinds of one code: told of the later line, since what is not given has a code too. */
static void network_check(struct reading *r)
{
        for (int i = 0; i < ISO_NETWORK_COUNT; i++) {
                for (int j = 0; j < i; j++) {
                        int code = r->dialect.network[i],
                            lines[] = {r->key_line[KEY_NETWORK + i], r->key_line[KEY_NETWORK + j]};
                        int later = lines[0] > lines[1] ? i : j, other = later == i ? j : i;
                        if (code > 0 && r->dialect.network[j] == code)
                                ini_file_refuse(
                                    &r->file, r->key_line[KEY_NETWORK + later],
                                    "[network] %s = %03d, as %s has; expected another code for each",
                                    keys[KEY_NETWORK + later].key, code, keys[KEY_NETWORK + other].key);
                }
        }
}

/* What a MAC, its key set and a key change need, in the built-in dialect's form; a text may be shorter, down to what it must hold. Told of the row's line. */
static void security_need(struct reading *r, int field, int shortest)
{
        char state[40] = "is missing";
        const struct iso_field *row = &r->dialect.field[field], *builtin = &iso_dialect_ascii.field[field];
        if (row->format != builtin->format || row->length_kind != builtin->length_kind ||
            row->length < shortest || row->length > builtin->length) {
                if (r->field_line[field])
                        snprintf(state, sizeof(state), "is %s, %s, %d", format_word(row->format),
                                 kind_words[row->length_kind], row->length);
                ini_file_refuse(&r->file, r->field_line[field] ? r->field_line[field] : INI_FILE_WHOLE,
                                "[fields] %d %s, which [security] needs%s; expected a row such as %d = %s, "
                                "%s, %s, %d, %s, of at least %d",
                                field, state, r->field_line[field] ? " otherwise" : "", field, builtin->name,
                                format_word(builtin->format), kind_words[builtin->length_kind],
                                builtin->length, mask_words[builtin->mask], shortest);
        }
}

/* Our answer to a wrong MAC says the code in DE 39. */
static void wrong_mac_check(struct reading *r)
{
        const struct iso_field *row = &r->dialect.field[39];
        const char *code = r->codes.wrong_mac;
        if (row->format == ISO_N && !digits_all(code, strlen(code)))
                ini_file_refuse(
                    &r->file, r->key_line[KEY_WRONG_MAC],
                    "[security] wrong_mac = '%s'; expected two digits, since [fields] 39 (%s) is n", code,
                    row->name);
}

static void security_check(struct reading *r)
{
        enum {
                TAG_SHORTEST = 9,
                PIN_TAG = 37,
                KEY_TAGS = 993,
                CONTROL_LENGTH = 16,
                MAC_LENGTH = 8,
                TDES_BLOCK = 8
        };
        bool has_pin_tag = r->dialect.pin == '4';
        if (!r->has_security)
                return;
        wrong_mac_check(r);
        if (r->dialect.mac == ISO_MAC_LAST)
                security_need(r, 64, MAC_LENGTH);
        security_need(r, 128, MAC_LENGTH);
        if (r->dialect.key_set == ISO_KEY_SET_CONTROL)
                security_need(r, 53, CONTROL_LENGTH);
        if (r->dialect.key_set == ISO_KEY_SET_TAG || has_pin_tag)
                security_need(r, 62, TAG_SHORTEST + (has_pin_tag ? PIN_TAG : 0));
        if (r->dialect.network[ISO_NETWORK_KEY_CHANGE] || r->dialect.network[ISO_NETWORK_KEY_REQUEST])
                security_need(r, 62, KEY_TAGS);
        if (r->dialect.pin && !has_pin_tag)
                security_need(r, 52, TDES_BLOCK);
}

static struct ini_file file_of(const char *path, char error[DIALECT_ERROR_MAX])
{
        return (struct ini_file){.path = path,
                                 .wanted = "a dialect's file, or ascii for the built-in one",
                                 .error = error,
                                 .error_size = DIALECT_ERROR_MAX,
                                 .on_section = on_section,
                                 .on_pair = on_pair};
}

static bool read_all(struct ini_file file, struct iso_dialect *ret_dialect, struct bank_codes *ret_codes)
{
        struct reading r = {.file = file, .dialect = {.frame_may_be_empty = true}};
        r.file.context = &r;
        memcpy(r.dialect.network, iso_dialect_ascii.network, sizeof(r.dialect.network));
        r.dialect.network[ISO_NETWORK_KEY_CHANGE] = 0; /* by file, unless a code is given */
        bank_codes_init(&r.codes);
        if (!ini_file_read(&r.file))
                return false;
        missing_check(&r);
        network_check(&r);
        security_check(&r);
        if (r.has_security) /* who has no MACs means something else by that code */
                bank_codes_end(&r.codes);
        if (r.file.error_line)
                return false;
        *ret_dialect = r.dialect;
        if (ret_codes)
                *ret_codes = r.codes;
        return true;
}

bool dialect_read(FILE *file, const char *path, struct iso_dialect *ret_dialect, struct bank_codes *ret_codes,
                  char error[DIALECT_ERROR_MAX])
{
        struct ini_file ini = file_of(path, error);
        ini.stream = file;
        return read_all(ini, ret_dialect, ret_codes);
}

bool dialect_load(const char *path, struct iso_dialect *ret_dialect, struct bank_codes *ret_codes,
                  char error[DIALECT_ERROR_MAX])
{
        if (strcmp(path, iso_dialect_ascii.name) == 0) {
                *ret_dialect = iso_dialect_ascii;
                if (ret_codes) {
                        bank_codes_init(ret_codes);
                        bank_codes_end(ret_codes);
                }
                return true;
        }
        struct ini_file ini = file_of(path, error);
        struct stat status;
        const char *why;
        bool loaded = ini_file_open(&ini);
        if (loaded && fstat(fileno(ini.stream), &status) == 0 && file_is_everybodys(&status, &why))
                loaded = ini_file_refuse(&ini, INI_FILE_WHOLE, "%s", why);
        loaded = loaded && read_all(ini, ret_dialect, ret_codes);
        ini_file_close(&ini);
        return loaded;
}
