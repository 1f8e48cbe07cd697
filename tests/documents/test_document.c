/* Protects lib/documents/model.c and lib/documents/write.c: what a document takes, what it refuses and how it says
 * so, and that a failure of the font or of the file is told. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/documents/example.h"
#include "tests/documents/written.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const cell[] = {"1"};
static const struct document_column column = {.heading = "h"};
static const char *const category[] = {"c"};
static const struct document_value one[] = {{1, false}}, less[] = {{-1, false}},
                                   huge[] = {{INT64_MAX, false}};
static const struct document_series of_one[] = {{"s", false, one}, {"s", false, one}, {"s", false, one}};
static const struct document_series of_less = {"s", false, less}, of_huge = {"s", false, huge};

static void chart(struct document *d, struct document_chart with)
{
        with.title = with.unit = "t";
        with.categories = category;
        document_chart(d, &with);
}

static void long_text(struct document *d)
{
        char text[DOCUMENT_TEXT_MAX + 2];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        document_title(d, text);
}

static void no_utf8(struct document *d)
{
        document_subtitle(d, "a\xff");
}

static void no_text(struct document *d)
{
        document_status(d, NULL);
}

static void footnotes(struct document *d)
{
        for (int i = 0; i <= DOCUMENT_FOOTNOTES_MAX; i++)
                document_footnote(d, "n");
}

static void row_alone(struct document *d)
{
        document_row(d, DOCUMENT_NORMAL, "r", cell);
}

static void row_after_chart(struct document *d)
{
        chart(d,
              (struct document_chart){.category_count = 1, .series = of_one, .series_count = 1, .scale = 1});
        document_row(d, DOCUMENT_NORMAL, "r", cell);
}

static void section_with_cells(struct document *d)
{
        document_table(d, "", "", &column, 1);
        document_row(d, DOCUMENT_SECTION, "r", cell);
}

static void columns(struct document *d)
{
        document_table(d, "", "", &column, DOCUMENT_COLUMNS_MAX + 1);
}

static void blocks(struct document *d)
{
        for (int i = 0; i <= DOCUMENT_BLOCKS_MAX; i++)
                document_table(d, "", "", &column, 1);
}

static void rows(struct document *d)
{
        document_table(d, "", "", &column, 1);
        for (int i = 0; i <= DOCUMENT_ROWS_MAX; i++)
                document_row(d, DOCUMENT_NORMAL, "r", cell);
}

static void cell_of_bytes(struct document *d)
{
        static const char *const bytes[] = {"\xc3"};

        document_table(d, "", "", &column, 1);
        document_row(d, DOCUMENT_NORMAL, "r", bytes);
}

static void no_category(struct document *d)
{
        chart(d, (struct document_chart){.series = of_one, .series_count = 1, .scale = 1});
}

static void three_series(struct document *d)
{
        chart(d,
              (struct document_chart){.category_count = 1, .series = of_one, .series_count = 3, .scale = 1});
}

static void shares_of_two(struct document *d)
{
        chart(d, (struct document_chart){.kind = DOCUMENT_SHARES,
                                         .category_count = 1,
                                         .series = of_one,
                                         .series_count = 2,
                                         .scale = 1});
}

static void negative_share(struct document *d)
{
        chart(d, (struct document_chart){.kind = DOCUMENT_SHARES,
                                         .category_count = 1,
                                         .series = &of_less,
                                         .series_count = 1,
                                         .scale = 1});
}

static void scale_of_60(struct document *d)
{
        chart(d,
              (struct document_chart){.category_count = 1, .series = of_one, .series_count = 1, .scale = 60});
}

static void decimals(struct document *d)
{
        chart(d, (struct document_chart){
                     .category_count = 1, .series = of_one, .series_count = 1, .scale = 1, .decimals = 4});
}

static void huge_amount(struct document *d)
{
        chart(d, (struct document_chart){
                     .category_count = 1, .series = &of_huge, .series_count = 1, .scale = 1});
}

static void before_1970(struct document *d)
{
        document_made(d, -1);
}

static const struct refusal {
        void (*build)(struct document *document);
        const char *problem;
} refusals[] = {
    {long_text, "title: 2001 bytes of text, expected at most 2000"},
    {no_utf8, "subtitle: the text is not UTF-8"},
    {no_text, "status: no text"},
    {footnotes, "more than 40 footnotes"},
    {row_alone, "row: no table was begun"},
    {row_after_chart, "row: no table was begun"},
    {section_with_cells, "row: a section has no cells, and every other row has some"},
    {columns, "table: 33 columns, expected at most 32"},
    {blocks, "table: more than 40 tables and charts"},
    {rows, "more than 20000 rows"},
    {cell_of_bytes, "cell: the text is not UTF-8"},
    {no_category, "chart \"t\": 0 categories, expected 1 to 60"},
    {three_series, "chart \"t\": 3 series, expected 1 to 2"},
    {shares_of_two, "chart \"t\": 2 series, expected 1 to 1"},
    {negative_share, "chart \"t\": -1 is no share of a sum"},
    {scale_of_60, "chart \"t\": scale 60, expected a power of ten up to 1000000000000"},
    {decimals, "chart \"t\": 4 decimals, expected at most 3"},
    {huge_amount, "chart \"t\": 9223372036854775807 is further from zero than 100000000000000000"},
    {before_1970, "made: -1 is not a moment between 1970 and 9999"},
};

START_TEST(the_first_problem_is_kept_and_said_when_it_is_written)
{
        for (size_t i = 0; i < COUNT(refusals); i++) {
                struct document *d = document_new(DOCUMENT_ENGLISH);
                char error[256];

                refusals[i].build(d);
                document_title(d, "fine");
                document_row(d, DOCUMENT_NORMAL, "x", NULL);
                ck_assert_str_eq(document_problem(d), refusals[i].problem);
                refuse(d, DOCUMENT_HTML, NULL, error);
                ck_assert_str_eq(error, refusals[i].problem);
        }
}
END_TEST

START_TEST(without_the_font_the_error_names_the_package)
{
        char error[256];

        for (int format = DOCUMENT_HTML; format <= DOCUMENT_PNG; format++) {
                refuse(example_revenue((enum document_language)_i), (enum document_format)format,
                       "/nonexistent", error);
                ck_assert_str_eq(
                    error, "can't read the font /nonexistent/NotoSansCJK-Regular.ttc: install the Debian "
                           "package fonts-noto-cjk");
        }
}
END_TEST

/* However it came into the database: nobody's page is spoilt by one name. */
START_TEST(a_name_with_any_character_is_carried_in_every_format)
{
        static const char *const names[] = {"Hall \U00010380",
                                            "\U0001F3B0",
                                            ("a\xc2\x9b"
                                             "b"),
                                            "a\tb",
                                            "\u202edlrow",
                                            "\u05e9\u05dc\u05d5\u05dd",
                                            "\U000e0001",
                                            "\U0010ffff",
                                            "e\u0301\u0301\u0301\u0301",
                                            "<script>&\"'"};

        for (size_t i = 0; i < COUNT(names); i++) {
                for (size_t format = DOCUMENT_HTML; format < DOCUMENT_PNG + 1; format++) {
                        struct document *d = document_new((enum document_language)_i);
                        const char *cells[] = {names[i]};

                        document_title(d, names[i]);
                        document_table(d, names[i], "", &(struct document_column){.heading = names[i]}, 1);
                        document_row(d, DOCUMENT_NORMAL, names[i], cells);
                        document_footnote(d, names[i]);
                        ck_assert_msg(!document_problem(d), "%s", document_problem(d));
                        struct written written = write_out(d, (enum document_format)format);
                        bool is_text = format == DOCUMENT_HTML || format == DOCUMENT_SVG;
                        ck_assert(!is_text || !occurrences(written.bytes, "\u202e"));
                        ck_assert(format != DOCUMENT_HTML || strcmp(names[i], "\u202edlrow") ||
                                  occurrences(written.bytes, "\\u202edlrow"));
                        free(written.bytes);
                }
        }
}
END_TEST

START_TEST(a_full_disk_is_an_error_in_every_format)
{
        for (size_t i = DOCUMENT_HTML; i < DOCUMENT_PNG + 1; i++) {
                struct document *d = example_results(DOCUMENT_ENGLISH);
                FILE *full = fopen("/dev/full", "w");
                char error[256] = "";

                ck_assert_ptr_nonnull(full);
                ck_assert(!document_write(d, (enum document_format)i, NULL, full, error, sizeof(error)));
                ck_assert_str_eq(error, "can't write the document: No space left on device");
                document_free(d);
                fclose(full);
        }
}
END_TEST

/* Whatever was written before in the process, and wherever it is. */
START_TEST(the_same_document_gives_the_same_bytes)
{
        for (size_t i = DOCUMENT_HTML; i < DOCUMENT_PNG + 1; i++) {
                enum document_format format = (enum document_format)i;
                enum document_language language = DOCUMENT_JAPANESE;
                struct written first = write_out(example_results(language), format);
                struct written other = write_out(example_revenue(language), DOCUMENT_SVG);
                struct written second;

                setenv("TZ", "America/New_York", 1);
                second = write_out(example_results(language), format);
                ck_assert_uint_eq(first.size, second.size);
                ck_assert_mem_eq(first.bytes, second.bytes, first.size);
                free(first.bytes);
                free(second.bytes);
                free(other.bytes);
        }
}
END_TEST

/* Without a home, with settings that aren't there. */
START_TEST(nothing_is_said_on_stderr_whatever_the_surroundings)
{
        for (size_t i = DOCUMENT_HTML; i < DOCUMENT_PNG + 1; i++) {
                char path[] = "/tmp/documents-stderr-XXXXXX", said[200] = "";
                int file = mkstemp(path), saved = dup(STDERR_FILENO);
                struct written written;

                ck_assert_int_ge(file, 0);
                unlink(path);
                setenv("HOME", "/nonexistent", 1);
                setenv("XDG_CACHE_HOME", "/proc/nonexistent", 1);
                setenv("FONTCONFIG_FILE", "/nonexistent/fonts.conf", 1);
                dup2(file, STDERR_FILENO);
                written = write_out(example_revenue(DOCUMENT_JAPANESE), (enum document_format)i);
                dup2(saved, STDERR_FILENO);
                ck_assert_int_eq(pread(file, said, sizeof(said) - 1, 0), 0);
                close(file);
                close(saved);
                free(written.bytes);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("documents/document");
        TCase *cases = tcase_create("document");

        tcase_add_test(cases, the_first_problem_is_kept_and_said_when_it_is_written);
        tcase_add_loop_test(cases, without_the_font_the_error_names_the_package, DOCUMENT_ENGLISH,
                            DOCUMENT_JAPANESE + 1);
        tcase_add_loop_test(cases, a_name_with_any_character_is_carried_in_every_format, DOCUMENT_ENGLISH,
                            DOCUMENT_JAPANESE + 1);
        tcase_add_test(cases, a_full_disk_is_an_error_in_every_format);
        tcase_add_test(cases, the_same_document_gives_the_same_bytes);
        tcase_add_test(cases, nothing_is_said_on_stderr_whatever_the_surroundings);
        tcase_set_timeout(cases, 60);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
