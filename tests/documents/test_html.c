/* Protects lib/documents/html.c and lib/documents/svg.c: a page that stands alone, says everything, and escapes it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/documents/example.h"
#include "tests/documents/markup.h"
#include "tests/documents/written.h"
#include "tests/suite.h"

START_TEST(an_html_page_is_well_formed_and_its_pictures_share_no_id)
{
        enum document_language language = (enum document_language)(_i % 2);
        struct document *document = _i / 2 == 0   ? example_results(language)
                                    : _i / 2 == 1 ? example_revenue(language)
                                                  : example_charts(language);
        struct written page = write_out(document, DOCUMENT_HTML);

        ck_assert_uint_gt(check_markup(page.bytes), 100);
        free(page.bytes);
}
END_TEST

START_TEST(an_html_page_needs_nothing_from_elsewhere)
{
        static const char *const outside[] = {"http:", "https:",  "src=",  "@import",
                                              "<link", "<script", "url(h", "//"};
        struct written page = write_out(example_results(DOCUMENT_JAPANESE), DOCUMENT_HTML);

        for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
                ck_assert_msg(!strstr(page.bytes, outside[i]), "%s", outside[i]);
        free(page.bytes);
}
END_TEST

START_TEST(an_html_page_says_its_language_and_fits_a_telephone_and_paper)
{
        struct written page = write_out(example_results((enum document_language)_i), DOCUMENT_HTML);

        ck_assert_ptr_nonnull(
            strstr(page.bytes, _i == DOCUMENT_JAPANESE ? "<html lang=\"ja\">" : "<html lang=\"en\">"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "<meta name=\"viewport\" content=\"width=device-width"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "<meta charset=\"utf-8\">"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "@page{size:A4 landscape"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "@media print"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "position:sticky"));
        free(page.bytes);
}
END_TEST

/* Headings on a telephone are narrow. */
START_TEST(no_word_of_a_heading_is_broken)
{
        static const struct document_column columns[] = {{.heading = "1Q-3Q16 YoY"},
                                                         {.heading = "2017年3月期第3四半期"}};
        static const char *const cells[] = {"1-2", "3"}, *const named[] = {"", ""};
        struct document *d = document_new(DOCUMENT_JAPANESE);
        struct written page;

        document_title(d, "2017年3月期 業績");
        document_table(d, "", "a <b-c>", columns, 2);
        document_row(d, DOCUMENT_NORMAL, "Non-controlling interests", cells);
        document_row(d, DOCUMENT_NORMAL, "長い名称の店舗は必要なら改行される長い長い名称の店舗", named);
        page = write_out(d, DOCUMENT_HTML);
        ck_assert_ptr_nonnull(strstr(page.bytes, "><span class=\"word\">1Q-3Q16</span> YoY</th>"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "><span class=\"word\">2017年3月期</span><wbr/><span "
                                                 "class=\"word\">第3四半期</span></th>"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "<h1><span class=\"word\">2017年3月期</span> <span "
                                                 "class=\"word\">業績</span></h1>"));
        ck_assert_ptr_nonnull(strstr(page.bytes, ">a <span class=\"word\">&lt;b-c&gt;</span></th>"));
        ck_assert_ptr_nonnull(
            strstr(page.bytes, "<span class=\"word\">Non-controlling</span> interests</th>"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "><span class=\"word\">1-2</span></td>"));
        ck_assert_ptr_nonnull(strstr(page.bytes, ".word{white-space:nowrap}"));
        ck_assert_ptr_null(strstr(page.bytes, "overflow-wrap:break-word"));
        free(page.bytes);
}
END_TEST

/* Nothing scrolls sideways there: the headings of a card are rules, whatever stands in them. */
START_TEST(a_telephone_shows_rows_of_many_columns_as_cards)
{
        static const struct document_column columns[] = {
            {.heading = "a\"b\\c"}, {.heading = "</style>&"}, {.heading = "利用者手数料（円）"}};
        static const char *const cells[] = {"1", "2", "3"};
        struct document *d = document_new(DOCUMENT_JAPANESE);
        struct written page;

        document_table(d, "narrow", "", columns, 2);
        document_row(d, DOCUMENT_NORMAL, "a", cells);
        document_table(d, "wide", "", columns, 3);
        document_row(d, DOCUMENT_NORMAL, "a", cells);
        page = write_out(d, DOCUMENT_HTML);
        ck_assert_uint_eq(occurrences(page.bytes, "<table>"), 1);
        ck_assert_uint_eq(occurrences(page.bytes, "<table class=\"cards t1\">"), 1);
        ck_assert_ptr_nonnull(strstr(page.bytes, ".t1 td:nth-child(2)::before{content:\"a\\22 b\\5c c\"}"));
        ck_assert_ptr_nonnull(
            strstr(page.bytes, ".t1 td:nth-child(3)::before{content:\"\\3c /style\\3e \\26 \"}"));
        ck_assert_ptr_nonnull(
            strstr(page.bytes, ".t1 td:nth-child(4)::before{content:\"利用者手数料\\200b （円）\"}"));
        ck_assert_ptr_null(strstr(page.bytes, ".t0 "));
        ck_assert_uint_eq(occurrences(page.bytes, "</style>"), 1);
        free(page.bytes);
}
END_TEST

START_TEST(html_holds_every_row_and_cell)
{
        struct written page = write_out(example_fleet(DOCUMENT_JAPANESE, 300), DOCUMENT_HTML);

        ck_assert_uint_eq(occurrences(page.bytes, "<tr class=\"normal\">"), 300);
        for (int i = 1; i <= 300; i++) {
                char row[64];

                snprintf(row, sizeof(row), "<th scope=\"row\">%d</th>", i);
                ck_assert_uint_eq(occurrences(page.bytes, row), 1);
        }
        ck_assert_uint_eq(occurrences(page.bytes, "<td class=\"l\"><span class=\"word\">岐阜県</span></td>"),
                          75);
        free(page.bytes);
}
END_TEST

#define BAD  "<b a=\"1\">&amp;'"
#define SAFE "&lt;b a=&quot;1&quot;&gt;&amp;amp;'"

START_TEST(html_escapes_every_text)
{
        static const struct document_column column = {.heading = BAD, .align = DOCUMENT_RIGHT};
        static const char *const cells[] = {BAD}, *const missing[] = {NULL};
        static const struct document_value value = {1, false};
        static const struct document_series series = {.name = BAD, .values = &value};
        struct document *d = document_new(DOCUMENT_ENGLISH);
        struct written page;

        document_title(d, BAD); /* twice: in <title> too */
        document_subtitle(d, BAD);
        document_status(d, BAD);
        document_dash(d, BAD);
        document_footnote(d, BAD);
        document_footer(d, BAD);
        document_chart(d, &(struct document_chart){.title = BAD, /* twice: two pictures */
                                                   .unit = BAD,
                                                   .categories = cells,
                                                   .category_count = 1,
                                                   .series = &series,
                                                   .series_count = 1,
                                                   .scale = 1});
        document_table(d, BAD, BAD, &column, 1);
        document_row(d, DOCUMENT_NORMAL, BAD, cells);
        document_row(d, DOCUMENT_SECTION, BAD, NULL);
        document_row(d, DOCUMENT_NORMAL, "", missing);
        page = write_out(d, DOCUMENT_HTML);
        ck_assert_uint_eq(occurrences(page.bytes, SAFE), 15);
        ck_assert_ptr_null(strstr(page.bytes, "<b "));
        check_markup(page.bytes);
        free(page.bytes);
}
END_TEST

START_TEST(a_missing_cell_is_the_caller_s_dash)
{
        static const struct document_column column = {.heading = "h", .align = DOCUMENT_RIGHT};
        static const char *const cells[] = {NULL}, *const empty[] = {""};
        struct document *d = document_new(DOCUMENT_ENGLISH);
        struct written page;

        document_dash(d, "n/a");
        document_table(d, "", "", &column, 1);
        document_row(d, DOCUMENT_NORMAL, "missing", cells);
        document_row(d, DOCUMENT_NORMAL, "empty", empty);
        page = write_out(d, DOCUMENT_HTML);
        ck_assert_ptr_nonnull(strstr(page.bytes, "missing</th><td class=\"r\">n/a</td>"));
        ck_assert_ptr_nonnull(strstr(page.bytes, "empty</th><td class=\"r\"></td>"));
        free(page.bytes);
}
END_TEST

START_TEST(an_svg_is_well_formed_and_has_a_title)
{
        struct written picture = write_out(example_results((enum document_language)_i), DOCUMENT_SVG);

        ck_assert_uint_gt(check_markup(picture.bytes), 50);
        ck_assert_ptr_nonnull(
            strstr(picture.bytes, _i == DOCUMENT_JAPANESE
                                      ? "<title>ATM運営事業 2016年度第3四半期 業績</title>"
                                      : "<title>ATM operation business: results of 3Q16 (FY2016)</title>"));
        ck_assert_ptr_null(strstr(picture.bytes, "surface"));
        free(picture.bytes);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("documents/html");
        TCase *cases = tcase_create("html");

        tcase_add_loop_test(cases, an_html_page_is_well_formed_and_its_pictures_share_no_id, 0, 6);
        tcase_add_test(cases, an_html_page_needs_nothing_from_elsewhere);
        tcase_add_loop_test(cases, an_html_page_says_its_language_and_fits_a_telephone_and_paper,
                            DOCUMENT_ENGLISH, DOCUMENT_JAPANESE + 1);
        tcase_add_test(cases, no_word_of_a_heading_is_broken);
        tcase_add_test(cases, a_telephone_shows_rows_of_many_columns_as_cards);
        tcase_add_test(cases, html_holds_every_row_and_cell);
        tcase_add_test(cases, html_escapes_every_text);
        tcase_add_test(cases, a_missing_cell_is_the_caller_s_dash);
        tcase_add_loop_test(cases, an_svg_is_well_formed_and_has_a_title, DOCUMENT_ENGLISH,
                            DOCUMENT_JAPANESE + 1);
        tcase_set_timeout(cases, 60);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
