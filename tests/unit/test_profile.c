/*
 * Protects protocol/profile.c and pan.c: each row's mandatory fields one by one, the conditional ones, the
 * inside of 7, 15, 35, 48, 49, 62, 90 and 95, what an answer echoes, and what is read from a request.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/profile.h"
#include "protocol/tags.h"
#include "tests/suite.h"

#define PAN          "9900010000000008"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- one good value for each field that a row can name ------------------------------------------------- */

static const struct {
        int field;
        const char *value;
} good[] = {
    {2, PAN},
    {3, "010000"},
    {4, "000000010000"},
    {7, "1229005500"},
    {11, "000001"},
    {12, "095500"},
    {13, "1229"},
    {14, "2012"},
    {15, "1229"},
    {22, "051"},
    {23, "001"},
    {25, "00"},
    {32, "12345"},
    {37, "636409000001"},
    {38, "000001"},
    {39, "68"},
    {41, "T0000001"},
    {42, "H00001         "},
    {48, "AA003abc"},
    {49, "392"},
    {52, "12345678"},
    {55, "\x9f\x26"},
    {70, "001"},
    {74, "0000000000"},
    {75, "0000000000"},
    {76, "0000000001"},
    {77, "0000000000"},
    {86, "0000000000000000"},
    {87, "0000000000000000"},
    {88, "0000000000010000"},
    {89, "0000000000000000"},
    {90, "020000000112290055000000000000000000000000"},
    {95, "000000005000000000000000D00000108D00000000"},
    {97, "D0000000000010000"},
};

static const char *good_value(int field)
{
        for (size_t i = 0; i < COUNT(good); i++)
                if (good[i].field == field)
                        return good[i].value;
        ck_abort_msg("no example of field %d", field);
        return NULL;
}

static void set_good(struct iso_message *message, int field)
{
        iso_set_string(message, field, good_value(field));
}

/* A request of the row with all that it must have. */
static void build(const struct profile_row *row, struct iso_message *message)
{
        iso_init(message, row->mti);
        for (size_t i = 0; i < COUNT(row->mandatory) && row->mandatory[i]; i++)
                set_good(message, row->mandatory[i]);
        if (row->kind == MESSAGE_REQUEST) {
                set_good(message, 2);
                set_good(message, 4);
                set_good(message, 14);
        }
}

static const struct profile_row *row_of(const char *mti)
{
        const struct profile_row *row = profile_find(mti);
        ck_assert_msg(row != NULL, "no row for %s", mti);
        return row;
}

static void assert_accepted(const struct profile_row *row, const struct iso_message *message)
{
        struct iso_error error = {0};
        if (profile_check(row, message, &error) < 0) {
                char text[200];
                iso_error_print(&iso_dialect_ascii, &error, text, sizeof(text));
                ck_abort_msg("%s: %s", row->mti, text);
        }
}

static void assert_refused(const struct profile_row *row, const struct iso_message *message, int field)
{
        struct iso_error error = {0};
        ck_assert_msg(profile_check(row, message, &error) < 0, "%s accepted; field %d was to be refused",
                      row->mti, field);
        ck_assert_msg(error.field == field, "%s: field %d refused (%s), not %d", row->mti, error.field,
                      error.what, field);
        ck_assert_uint_eq(error.offset, ISO_NO_OFFSET);
        ck_assert_ptr_nonnull(error.what);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

START_TEST(each_mti_has_its_answer)
{
        static const struct {
                const char *mti, *answer;
                bool repeat;
                enum message_kind kind;
        } expected[] = {
            {"0800", "0810", false, MESSAGE_NETWORK},       {"0200", "0210", false, MESSAGE_REQUEST},
            {"0201", "0210", true, MESSAGE_REQUEST},        {"0220", "0230", false, MESSAGE_COMPLETION},
            {"0221", "0230", true, MESSAGE_COMPLETION},     {"0420", "0430", false, MESSAGE_REVERSAL},
            {"0421", "0430", true, MESSAGE_REVERSAL},       {"0500", "0510", false, MESSAGE_RECONCILIATION},
            {"0501", "0510", true, MESSAGE_RECONCILIATION}, {"0620", "0630", false, MESSAGE_ADMINISTRATIVE},
            {"0621", "0630", true, MESSAGE_ADMINISTRATIVE},
        };
        ck_assert_uint_eq(profile_row_count, COUNT(expected));
        for (size_t i = 0; i < COUNT(expected); i++) {
                const struct profile_row *row = row_of(expected[i].mti);
                ck_assert_str_eq(row->answer_mti, expected[i].answer);
                ck_assert_int_eq(row->repeat, expected[i].repeat);
                ck_assert_int_eq(row->kind, expected[i].kind);
        }
}
END_TEST

START_TEST(another_mti_has_no_row)
{
        static const char *const others[] = {"",     "0801", "0210", "0100", "0400",
                                             "0810", "0820", "1200", "020",  "02000"};
        for (size_t i = 0; i < COUNT(others); i++)
                ck_assert_msg(!profile_find(others[i]), "%s has a row", others[i]);
}
END_TEST

START_TEST(a_row_names_fields_of_the_dialect_once_and_in_order)
{
        for (size_t i = 0; i < profile_row_count; i++) {
                const struct profile_row *row = &profile_rows[i];
                int count[ISO_FIELD_MAX + 1] = {0}, last = 0;
                for (size_t j = 0; j < COUNT(row->mandatory) && row->mandatory[j]; j++) {
                        ck_assert_int_gt(row->mandatory[j], last);
                        last = row->mandatory[j];
                        count[last]++;
                }
                last = 0;
                for (size_t j = 0; j < COUNT(row->optional) && row->optional[j]; j++) {
                        ck_assert_int_gt(row->optional[j], last);
                        last = row->optional[j];
                        count[last]++;
                }
                for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                        ck_assert_int_le(count[field], 1);
                        if (count[field])
                                ck_assert_int_ne(iso_dialect_ascii.field[field].format, ISO_NONE);
                }
        }
}
END_TEST

START_TEST(a_request_needs_each_mandatory_field)
{
        const struct profile_row *row = &profile_rows[_i];
        struct iso_message message;
        build(row, &message);
        assert_accepted(row, &message);
        for (size_t i = 0; i < COUNT(row->mandatory) && row->mandatory[i]; i++) {
                build(row, &message);
                iso_unset(&message, row->mandatory[i]);
                assert_refused(row, &message, row->mandatory[i]);
        }
}
END_TEST

START_TEST(optional_and_unknown_fields_are_accepted)
{
        const struct profile_row *row = &profile_rows[_i];
        struct iso_message message, back;
        build(row, &message);
        for (size_t i = 0; i < COUNT(row->optional) && row->optional[i]; i++) {
                set_good(&message, row->optional[i]);
                assert_accepted(row, &message);
        }
        iso_set_string(&message, 18, "6011");
        iso_set_string(&message, 62, "whatever");
        iso_set_string(&message, 63, "whatever");
        iso_set_string(&message, 120, "whatever");
        if (!iso_has(&message, 49))
                iso_set_string(&message, 49, "840"); /* not this row's business */
        assert_accepted(row, &message);

        /* The examples above are what the codec sends and takes. */
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        int size = iso_encode(&iso_dialect_ascii, &message, bytes, sizeof(bytes), &error);
        ck_assert_int_gt(size, 0);
        ck_assert_int_eq(iso_decode(&iso_dialect_ascii, bytes, (size_t)size, &back, &error), 0);
        assert_accepted(row, &back);
}
END_TEST

/* ---- conditions ---------------------------------------------------------------------------------------- */

static const struct {
        const char *de3;
        enum processing_kind kind;
} processing[] = {
    {"010000", PROCESSING_WITHDRAWAL}, {"011000", PROCESSING_WITHDRAWAL}, {"012000", PROCESSING_WITHDRAWAL},
    {"019900", PROCESSING_WITHDRAWAL}, {"310000", PROCESSING_INQUIRY},    {"312000", PROCESSING_INQUIRY},
    {"010001", PROCESSING_OTHER},      {"010010", PROCESSING_OTHER},      {"310001", PROCESSING_OTHER},
    {"000000", PROCESSING_OTHER},      {"210000", PROCESSING_OTHER},      {"100000", PROCESSING_OTHER},
};

START_TEST(de_3_tells_withdrawal_from_inquiry)
{
        struct iso_message message;
        iso_init(&message, "0200");
        iso_set_string(&message, 3, processing[_i].de3);
        ck_assert_int_eq(profile_processing(&message), processing[_i].kind);
}
END_TEST

START_TEST(de_3_that_is_absent_is_of_no_kind)
{
        struct iso_message message;
        iso_init(&message, "0200");
        ck_assert_int_eq(profile_processing(&message), PROCESSING_OTHER);
}
END_TEST

static const struct {
        const char *mti;
        const char *de3;
        const char *de2, *de4, *de14, *de35;
        int refused; /* field; 0: accepted */
} cards[] = {
    {"0200", "010000", PAN, "000000010000", "2012", NULL, 0},
    {"0201", "010000", PAN, "000000010000", "2012", NULL, 0},
    {"0200", "010000", PAN, NULL, "2012", NULL, 4},
    {"0201", "012000", PAN, NULL, "2012", NULL, 4},
    {"0200", "310000", PAN, NULL, "2012", NULL, 0},
    {"0200", "210000", PAN, NULL, "2012", NULL, 0}, /* another kind is for the rules to refuse: 12 */
    {"0200", "310000", NULL, NULL, NULL, NULL, 2},
    {"0200", "310000", NULL, NULL, "2012", NULL, 2},
    {"0200", "310000", PAN, NULL, NULL, NULL, 14},
    {"0200", "310000", NULL, NULL, NULL, PAN "=2012", 0},
    {"0200", "310000", NULL, NULL, NULL, PAN "D20121010000000000", 0},
    {"0200", "310000", NULL, NULL, "2012", PAN "=2012", 0},
    {"0200", "310000", PAN, NULL, NULL, PAN "=2012", 0},
    {"0200", "310000", PAN, NULL, "2012", PAN "=2012", 0},
    {"0200", "310000", PAN, NULL, "2012", "9900010000000016=2012", 35},
    {"0200", "310000", PAN, NULL, NULL, "9900010000000016=2012", 35},
    {"0200", "310000", NULL, NULL, NULL, PAN "=201", 35},
    {"0200", "310000", NULL, NULL, NULL, PAN "==2012", 35},
    {"0200", "310000", NULL, NULL, NULL, PAN, 35},
    {"0200", "310000", NULL, NULL, NULL, "=2012", 35},
    {"0200", "310000", NULL, NULL, NULL, "", 35},
    {"0200", "310000", NULL, NULL, NULL, "99000100000=2012", 35},
    {"0200", "310000", NULL, NULL, NULL, "99000100000000080000=2012", 35},
    {"0200", "310000", NULL, NULL, NULL, "9900010000000008000000000000000000000", 35},
    {"0200", "310000", "99000100000", NULL, "2012", NULL, 2},
    {"0200", "310000", "", NULL, "2012", NULL, 2},
    {"0200", "310000", "990001000000", NULL, "2012", NULL, 0},
    {"0200", "310000", "9900010000000008000", NULL, "2012", NULL, 0},
};

START_TEST(a_request_names_its_card_in_one_way)
{
        const struct profile_row *row = row_of(cards[_i].mti);
        struct iso_message message;
        build(row, &message);
        iso_set_string(&message, 3, cards[_i].de3);
        static const int field[] = {2, 4, 14, 35};
        const char *const value[] = {cards[_i].de2, cards[_i].de4, cards[_i].de14, cards[_i].de35};
        for (size_t i = 0; i < COUNT(field); i++) {
                iso_unset(&message, field[i]);
                if (value[i])
                        iso_set_string(&message, field[i], value[i]);
        }
        struct profile_card card = {"untouched", "none"};
        bool found = profile_card_of(&message, &card);
        if (cards[_i].refused) {
                assert_refused(row, &message, cards[_i].refused);
                if (!found)
                        ck_assert_str_eq(card.pan, "untouched");
        } else {
                assert_accepted(row, &message);
                ck_assert(found);
                ck_assert_str_eq(card.pan, cards[_i].de2 ? cards[_i].de2 : PAN);
                ck_assert_str_eq(card.expiry_yymm, "2012");
        }
}
END_TEST

START_TEST(advices_need_no_card)
{
        static const char *const advices[] = {"0220", "0221", "0420", "0421"};
        for (size_t i = 0; i < COUNT(advices); i++) {
                struct iso_message message;
                build(row_of(advices[i]), &message);
                ck_assert(!iso_has(&message, 2) && !iso_has(&message, 35));
                assert_accepted(row_of(advices[i]), &message);
        }
}
END_TEST

/* ---- the inside of fields ------------------------------------------------------------------------------ */

static const struct {
        const char *mti;
        int field;
        const char *value;
        bool accepted;
} insides[] = {
    {"0800", 7, "0101000000", true},
    {"0800", 7, "1231235959", true},
    {"0800", 7, "0229120000", true}, /* of a leap year; which one DE 7 can't say */
    {"0800", 7, "0230120000", false},
    {"0800", 7, "0431120000", false},
    {"0800", 7, "0430120000", true},
    {"0800", 7, "0931120000", false},
    {"0800", 7, "0001120000", false},
    {"0800", 7, "1301120000", false},
    {"0800", 7, "1200120000", false},
    {"0800", 7, "1232120000", false},
    {"0800", 7, "1229240000", false},
    {"0800", 7, "1229006000", false},
    {"0800", 7, "1229000061", false},
    {"0200", 7, "9999999999", false},
    {"0220", 7, "0000000000", false},
    {"0620", 7, "0000000000", false},
    {"0500", 15, "1231", true},
    {"0500", 15, "0229", true},
    {"0500", 15, "0000", false},
    {"0500", 15, "1131", false},
    {"0200", 49, "392", true},
    {"0200", 49, "840", false},
    {"0220", 49, "000", false},
    {"0420", 49, "978", false},
    {"0220", 90, "000000000112290055000000000000000000000000", true},
    {"0220", 90, "020199999912312359591234567890112345678901", true},
    {"0220", 90, "020000000100000000000000000000000000000000", false},
    {"0420", 90, "000000000000000000000000000000000000000000", false},
    {"0421", 90, "020000000102300055000000000000000000000000", false},
    {"0420", 90, "020000000112292455000000000000000000000000", false},
    {"0220", 95, "000000010000000000000000D00000108D00000000", true},
    {"0420", 95, "000000000000000000000000D00000000D00000000", true},
    {"0420", 95, "000000000000000000000000C00000000C00000000", true},
    {"0420", 95, "00000000000000000000000000000000000000000D", false},
    {"0420", 95, "000000000000000000000000 00000000D00000000", false},
    {"0420", 95, "00000000000D000000000000D00000000D00000000", false},
    {"0420", 95, "000000000000D00000000000D00000000D00000000", false},
    {"0220", 95, "000000010000000000000000D0000010 D00000000", false},
    {"0220", 95, "000000010000000000000000D00000108x00000000", false},
    {"0220", 95, "000000010000000000000000D00000108D0000000 ", false},
    {"0620", 48, "AA003abcBB000CC001x", true},
    {"0620", 48, "  001x", true},
    {"0620", 48, "", false},
    {"0620", 48, "A", false},
    {"0620", 48, "AA00", false},
    {"0620", 48, "AA0a3abc", false},
    {"0620", 48, "AA004abc", false},
    {"0620", 48, "AA003abcd", false},
    {"0621", 48, "AA003abcBB999x", false},
    {"0621", 48, "KS0011KS0012", true}, /* means nothing there */
};

START_TEST(a_value_must_make_sense_inside)
{
        const struct profile_row *row = row_of(insides[_i].mti);
        struct iso_message message;
        build(row, &message);
        iso_set_string(&message, insides[_i].field, insides[_i].value);
        if (insides[_i].accepted)
                assert_accepted(row, &message);
        else
                assert_refused(row, &message, insides[_i].field);
}
END_TEST

START_TEST(a_tag_that_is_cut_short_is_told_from_one_that_is_none)
{
        struct iso_message message;
        struct iso_error error = {0};
        build(row_of("0620"), &message);
        iso_set_string(&message, 48, "AA003abcBB002x");
        ck_assert_int_lt(profile_check(row_of("0620"), &message, &error), 0);
        ck_assert_str_eq(error.what, "a tag's value is cut short");
        iso_set_string(&message, 48, "AA003abcBBx");
        ck_assert_int_lt(profile_check(row_of("0620"), &message, &error), 0);
        ck_assert_str_eq(error.what, "not a tag of 2 and a length of 3 digits");
}
END_TEST

static const struct {
        const char *value;
        bool accepted;
} securities[] = {
    {"KS0011", true},
    {"KS0049999", true},
    {"KS0011PB0320123456789ABCDEF0123456789abcdef", true},
    {"ZZ000KB016B0016K0TB00E0000KS0041234", true},
    {"KS0011KN0012KB016B0016K0TB00E0000KB016B0016K0TB00E0000", true}, /* a key each */
    {"KN00512345", false},
    {"KN0012KN0013", false},
    {"KS00512345", false},
    {"KS000", false},
    {"KS003 1 ", false},
    {"KS0011KS0011", false},
    {"PB0320123456789ABCDEF0123456789ABCDEG", false},
    {"PB0160123456789ABCDEF", false},
    {"KB015B0016K0TB00E000", false},
    {"KS0021", false},
    {"", false},
};

/* Of who has keys; of others DE 62 may hold anything. */
START_TEST(what_security_needs_is_checked_tag_by_tag)
{
        struct iso_message message;
        struct iso_error error = {0};
        build(row_of("0200"), &message);
        ck_assert_int_eq(profile_check_security(&message, &error), 0);
        iso_set_string(&message, 62, securities[_i].value);
        ck_assert_int_eq(profile_check_security(&message, &error), securities[_i].accepted ? 0 : -1);
        ck_assert_int_eq(error.field, securities[_i].accepted ? 0 : 62);
        assert_accepted(row_of("0200"), &message);
}
END_TEST

START_TEST(tags_are_found_and_added)
{
        struct iso_message message;
        struct tag tag;
        iso_init(&message, "0800");
        ck_assert(!tags_find(&message, 62, TAG_KEY_SET, &tag));
        tags_add(&message, 62, "ZZ", "");
        tags_add(&message, 62, TAG_KEY_SET, "7");
        ck_assert_ptr_null(tags_problem(&message, 62));
        char text[32];
        ck_assert(iso_copy(&message, 62, text, sizeof(text)));
        ck_assert_str_eq(text, "ZZ000KS0017");
        ck_assert(tags_find(&message, 62, TAG_KEY_SET, &tag));
        ck_assert(tag.length == 1 && *tag.value == '7');
        ck_assert(!tags_find(&message, 62, TAG_PIN_BLOCK, &tag));
        /* the name of a tag inside another's value is none */
        iso_set_string(&message, 62, "AA006KS0017");
        ck_assert(!tags_find(&message, 62, TAG_KEY_SET, &tag));
}
END_TEST

START_TEST(the_original_is_read_from_de_90)
{
        struct iso_message message;
        struct profile_original original = {.stan = 4711};
        iso_init(&message, "0420");
        ck_assert(!profile_original_of(&message, &original));
        iso_set_string(&message, 90, "020112345612312359591234567890112345678901");
        ck_assert(profile_original_of(&message, &original));
        ck_assert_str_eq(original.mti, "0201");
        ck_assert_int_eq(original.stan, 123456);
        ck_assert_str_eq(original.transmitted, "1231235959");

        original.stan = 4711;
        static const char *const wrong[] = {"", "0200", "02001234561231235959",
                                            "020112345612312359591234567890112345678x01",
                                            "020112345613312359591234567890112345678901"};
        for (size_t i = 0; i < COUNT(wrong); i++) {
                iso_set_string(&message, 90, wrong[i]);
                ck_assert(!profile_original_of(&message, &original));
        }
        ck_assert_int_eq(original.stan, 4711);
}
END_TEST

static const struct {
        const char *mti;
        const char *de4, *de95;
        int64_t yen; /* -1: not to be told */
} dispensed[] = {
    {"0220", "000000010000", NULL, 10000},
    {"0221", "000000030000", NULL, 30000},
    {"0220", "000000010000", "000000005000000000000000D00000108D00000000", 5000},
    {"0220", "000000010000", "000000000000000000000000D00000000D00000000", 0},
    {"0220", "000000010000", "999999999999000000000000D00000000D00000000", INT64_C(999999999999)},
    {"0220", NULL, NULL, -1},
    {"0420", "000000010000", NULL, 0},
    {"0421", "000000010000", NULL, 0},
    {"0420", "000000010000", "000000003000000000000000D00000108D00000000", 3000},
    {"0420", "000000010000", "000000010000000000000000D00000108D00000000", 10000},
    {"0420", "000000010000", "00000000300 000000000000D00000108D00000000", -1},
    {"0420", "000000010000", "000000003000", -1},
};

START_TEST(the_cash_dispensed_is_read_from_an_advice)
{
        struct iso_message message;
        int64_t yen = -1;
        iso_init(&message, dispensed[_i].mti);
        if (dispensed[_i].de4)
                iso_set_string(&message, 4, dispensed[_i].de4);
        if (dispensed[_i].de95)
                iso_set_string(&message, 95, dispensed[_i].de95);
        bool told = profile_dispensed_yen(row_of(dispensed[_i].mti), &message, &yen);
        ck_assert_int_eq(told, dispensed[_i].yen >= 0);
        ck_assert_int_eq(yen, dispensed[_i].yen);
}
END_TEST

/* ---- answers ------------------------------------------------------------------------------------------- */

START_TEST(an_answer_echoes_what_it_must_and_no_more)
{
        static const int echoed[] = {2, 3, 4, 7, 11, 32, 41, 42, 49, 70};
        for (size_t i = 0; i < profile_row_count; i++) {
                const struct profile_row *row = &profile_rows[i];
                struct iso_message request, answer;
                iso_init(&request, row->mti);
                for (size_t j = 0; j < COUNT(good); j++)
                        set_good(&request, good[j].field);
                iso_set_string(&request, 35, PAN "=2012");
                profile_answer(row, &request, &answer);
                ck_assert_str_eq(answer.mti, row->answer_mti);
                uint64_t expected[2] = {0, 0};
                for (size_t j = 0; j < COUNT(echoed); j++) {
                        char value[64];
                        expected[(echoed[j] - 1) / 64] |= UINT64_C(1) << ((echoed[j] - 1) % 64);
                        ck_assert(iso_copy(&answer, echoed[j], value, sizeof(value)));
                        ck_assert_str_eq(value, good_value(echoed[j]));
                }
                ck_assert_uint_eq(answer.present[0], expected[0]);
                ck_assert_uint_eq(answer.present[1], expected[1]);
        }
}
END_TEST

START_TEST(an_answer_echoes_only_what_was_there)
{
        struct iso_message request, answer;
        iso_init(&request, "0200");
        set_good(&request, 11);
        profile_answer(row_of("0200"), &request, &answer);
        ck_assert_uint_eq(answer.present[0], UINT64_C(1) << 10);
        ck_assert_uint_eq(answer.present[1], 0);
}
END_TEST

/* ---- card numbers -------------------------------------------------------------------------------------- */

START_TEST(a_masked_card_number_shows_first_6_and_last_4)
{
        static const struct {
                const char *pan, *masked;
        } rows[] = {
            {"6210981234561234", "621098******1234"},
            {"9900010000008", "990001***0008"},
            {"9900010000000008000", "990001*********8000"},
            {"990001000000", "************"},
            {"1234", "****"},
            {"", ""},
            {"99000100000000080001", "*******************"},
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                char masked[20];
                pan_mask(rows[i].pan, masked);
                ck_assert_str_eq(masked, rows[i].masked);
        }
}
END_TEST

START_TEST(a_card_number_has_12_to_19_digits)
{
        static const struct {
                const char *pan;
                bool valid;
        } rows[] = {
            {"", false},
            {"99000100000", false},
            {"990001000000", true},
            {PAN, true},
            {"9900010000000008000", true},
            {"99000100000000080000", false},
            {"990001000000000x", false},
            {" 990001000000000", false},
            {"9900010000000008 ", false},
            {"-990001000000000", false},
        };
        for (size_t i = 0; i < COUNT(rows); i++)
                ck_assert_msg(pan_is_valid(rows[i].pan) == rows[i].valid, "'%s'", rows[i].pan);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("profile");
        TCase *t = tcase_create("rows");
        tcase_add_test(t, each_mti_has_its_answer);
        tcase_add_test(t, another_mti_has_no_row);
        tcase_add_test(t, a_row_names_fields_of_the_dialect_once_and_in_order);
        tcase_add_loop_test(t, a_request_needs_each_mandatory_field, 0, (int)profile_row_count);
        tcase_add_loop_test(t, optional_and_unknown_fields_are_accepted, 0, (int)profile_row_count);
        suite_add_tcase(s, t);

        t = tcase_create("conditions");
        tcase_add_loop_test(t, de_3_tells_withdrawal_from_inquiry, 0, COUNT(processing));
        tcase_add_test(t, de_3_that_is_absent_is_of_no_kind);
        tcase_add_loop_test(t, a_request_names_its_card_in_one_way, 0, COUNT(cards));
        tcase_add_test(t, advices_need_no_card);
        suite_add_tcase(s, t);

        t = tcase_create("insides");
        tcase_add_loop_test(t, a_value_must_make_sense_inside, 0, COUNT(insides));
        tcase_add_test(t, a_tag_that_is_cut_short_is_told_from_one_that_is_none);
        tcase_add_loop_test(t, what_security_needs_is_checked_tag_by_tag, 0, COUNT(securities));
        tcase_add_test(t, tags_are_found_and_added);
        tcase_add_test(t, the_original_is_read_from_de_90);
        tcase_add_loop_test(t, the_cash_dispensed_is_read_from_an_advice, 0, COUNT(dispensed));
        suite_add_tcase(s, t);

        t = tcase_create("answers");
        tcase_add_test(t, an_answer_echoes_what_it_must_and_no_more);
        tcase_add_test(t, an_answer_echoes_only_what_was_there);
        suite_add_tcase(s, t);

        t = tcase_create("card numbers");
        tcase_add_test(t, a_masked_card_number_shows_first_6_and_last_4);
        tcase_add_test(t, a_card_number_has_12_to_19_digits);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        return suite_run(suite());
}
