/* Protects lib/documents/sheet.c, lib/documents/grid.c and lib/documents/surface.c: what is on which page of a PDF, as
 * poppler reads it, and how large pictures are. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/documents/example.h"
#include "tests/documents/written.h"
#include "tests/suite.h"

/* What a program prints about a PDF, to be freed. */
static char *ask(const char *program, const char *last, const struct written *pdf)
{
        char path[] = "/tmp/documents-XXXXXX", line[128], *text = NULL;
        size_t size, length;
        FILE *from, *to = open_memstream(&text, &size);
        int file = mkstemp(path);

        ck_assert_int_ge(file, 0);
        ck_assert_int_eq(write(file, pdf->bytes, pdf->size), (ssize_t)pdf->size);
        close(file);
        snprintf(line, sizeof(line), "%s %s %s", program, path, last);
        from = popen(line, "r");
        ck_assert_ptr_nonnull(from);
        for (char bytes[4096]; (length = fread(bytes, 1, sizeof(bytes), from)) > 0;)
                fwrite(bytes, 1, length, to);
        ck_assert_msg(pclose(from) == 0, "%s", line);
        fclose(to);
        unlink(path);
        return text;
}

static void expect_line(const char *text, const char *name, const char *value)
{
        const char *line = strstr(text, name);

        ck_assert_msg(line, "no %s", name);
        line += strlen(name);
        line += strspn(line, " ");
        ck_assert_msg(!strncmp(line, value, strlen(value)), "%s %.40s", name, line);
}

START_TEST(results_fit_one_page_across_with_the_caller_s_date)
{
        struct written pdf = write_out(example_results((enum document_language)_i), DOCUMENT_PDF);
        char *told = ask("pdfinfo -isodates", "", &pdf);

        expect_line(told, "Pages:", "1\n");
        expect_line(told, "Page size:", "841.89 x 595.276 pts (A4)");
        expect_line(told, "CreationDate:", "2016-12-31T09:00:00Z");
        expect_line(told, "Title:",
                    _i == DOCUMENT_JAPANESE ? "ATM運営事業 2016年度第3四半期 業績"
                                            : "ATM operation business: results");
        ck_assert_ptr_null(strstr(told, "ModDate"));
        free(told);
        free(pdf.bytes);
}
END_TEST

START_TEST(a_pdf_holds_its_text)
{
        static const char *const wanted[] = {"ATM運営事業 2016年度第3四半期 業績",
                                             "速報値：四半期は終了していません",
                                             "売上高",
                                             "販売費及び一般管理費",
                                             "営業利益",
                                             "設置台数",
                                             "3,056.1",
                                             "\u2212129.1",
                                             "公表値は会社発表",
                                             "2016年12月31日18時 ATM台帳より作成"};
        struct written pdf = write_out(example_results(DOCUMENT_JAPANESE), DOCUMENT_PDF);
        char *text = ask("pdftotext -layout", "-", &pdf);

        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
                ck_assert_msg(strstr(text, wanted[i]), "%s", wanted[i]);
        free(text);
        free(pdf.bytes);
}
END_TEST

START_TEST(a_japanese_face_draws_japanese)
{
        struct written pdf = write_out(example_revenue((enum document_language)_i), DOCUMENT_PDF);
        char *fonts = ask("pdffonts", "", &pdf);

        ck_assert_uint_eq(occurrences(fonts, "NotoSansCJKjp"), 2);
        ck_assert_uint_eq(occurrences(fonts, "\n"), 4); /* two lines of heading */
        free(fonts);
        free(pdf.bytes);
}
END_TEST

/* The number of lines of a page that begin with what strtoul takes; each must be one more than the last. */
static unsigned long count_rows(char *page, unsigned long *last)
{
        unsigned long count = 0;
        char *save = NULL;

        for (char *line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *end;
                unsigned long rank = strtoul(line, &end, 10);

                if (end == line || !strstr(line, "店"))
                        continue;
                ck_assert_uint_eq(rank, *last + 1);
                *last = rank;
                count++;
        }
        return count;
}

START_TEST(a_long_table_goes_on_page_after_page_under_its_headings)
{
        struct written pdf = write_out(example_fleet(DOCUMENT_ENGLISH, 1000), DOCUMENT_PDF);
        char *text = ask("pdftotext -layout", "-", &pdf);
        unsigned long last = 0, pages = 0;
        char *save = NULL, number[32];

        for (char *page = strtok_r(text, "\f", &save); page; page = strtok_r(NULL, "\f", &save)) {
                pages++;
                ck_assert_uint_eq(occurrences(page, "Prefecture"), 1);
                ck_assert_uint_eq(occurrences(page, "Halls by revenue"), 1);
                snprintf(number, sizeof(number), "%lu / 21", pages);
                ck_assert_msg(strstr(page, number), "%s", number);
                ck_assert_uint_gt(count_rows(page, &last), 0);
        }
        ck_assert_uint_eq(pages, 21);
        ck_assert_uint_eq(last, 1000);
        free(text);
        free(pdf.bytes);
}
END_TEST

/* A section is not a whole number of a page's rows, so that breaks would fall everywhere. */
START_TEST(no_page_ends_with_the_heading_of_a_section)
{
        static const struct document_column column = {.heading = "h", .align = DOCUMENT_RIGHT};
        static const char *const cells[] = {"1"};
        struct document *d = document_new(DOCUMENT_ENGLISH);
        struct written pdf;
        char *text, *save = NULL;

        document_table(d, "", "", &column, 1);
        for (int i = 0; i < 150; i++)
                document_row(d, DOCUMENT_NORMAL, "before", cells);
        for (int i = 0; i < 90; i++) {
                document_row(d, DOCUMENT_SECTION, "section", NULL);
                document_row(d, DOCUMENT_NORMAL, "following", cells);
        }
        pdf = write_out(d, DOCUMENT_PDF);
        text = ask("pdftotext -layout", "-", &pdf);
        for (char *page = strtok_r(text, "\f", &save); page; page = strtok_r(NULL, "\f", &save))
                ck_assert_uint_eq(occurrences(page, "section"), occurrences(page, "following"));
        free(text);
        free(pdf.bytes);
}
END_TEST

/* How many rows of a table of so many stand on its pages, the first ones. */
static size_t count_on_pages(size_t rows, size_t counts[], size_t most)
{
        static const struct document_column column = {.heading = "h", .align = DOCUMENT_RIGHT};
        static const char *const cells[] = {"1"};
        struct document *d = document_new(DOCUMENT_ENGLISH);
        struct written pdf;
        char *text, *save = NULL;
        size_t pages = 0;

        document_table(d, "", "", &column, 1);
        for (size_t i = 0; i < rows; i++)
                document_row(d, DOCUMENT_NORMAL, "row", cells);
        pdf = write_out(d, DOCUMENT_PDF);
        text = ask("pdftotext -layout", "-", &pdf);
        for (char *page = strtok_r(text, "\f", &save); page && pages < most;
             page = strtok_r(NULL, "\f", &save))
                counts[pages++] = occurrences(page, "row");
        free(text);
        free(pdf.bytes);
        return pages;
}

/* One more than two pages hold. */
START_TEST(no_row_of_a_table_is_alone_on_a_page)
{
        size_t full[2] = {0}, counts[4] = {0};

        ck_assert_uint_eq(count_on_pages(400, full, 2), 2);
        ck_assert_uint_eq(count_on_pages(full[0] + full[1] + 1, counts, 4), 3);
        ck_assert_uint_eq(counts[0], full[0]);
        ck_assert_uint_eq(counts[2], 3);
}
END_TEST

static const char *const wide_cell = "9,999,999,999,999.9";

static struct document *wide_document(size_t column_count)
{
        struct document_column columns[DOCUMENT_COLUMNS_MAX];
        const char *cells[DOCUMENT_COLUMNS_MAX];
        struct document *d = document_new(DOCUMENT_ENGLISH);

        for (size_t i = 0; i < column_count; i++) {
                columns[i] = (struct document_column){.heading = "Quarter", .align = DOCUMENT_RIGHT};
                cells[i] = wide_cell;
        }
        document_table(d, "Too many", "", columns, column_count);
        document_row(d, DOCUMENT_NORMAL, "row", cells);
        return d;
}

START_TEST(a_wide_table_gets_smaller_letters_and_none_of_its_figures_is_cut)
{
        struct written pdf = write_out(wide_document(11), DOCUMENT_PDF);
        char *text = ask("pdftotext -layout", "-", &pdf);

        ck_assert_uint_eq(occurrences(text, wide_cell), 11);
        free(text);
        free(pdf.bytes);
}
END_TEST

START_TEST(a_table_that_no_page_is_wide_enough_for_is_an_error)
{
        char error[256];

        refuse(wide_document(DOCUMENT_COLUMNS_MAX), DOCUMENT_PDF, NULL, error);
        ck_assert_str_eq(error,
                         "table \"Too many\": 32 columns are too wide for a page; html has no such limit");
}
END_TEST

static unsigned long big_endian(const char *bytes)
{
        const unsigned char *b = (const unsigned char *)bytes;

        return (unsigned long)b[0] << 24 | (unsigned long)b[1] << 16 | (unsigned long)b[2] << 8 | b[3];
}

START_TEST(a_png_is_1600_pixels_wide_and_as_high_as_it_needs)
{
        struct written few = write_out(example_fleet(DOCUMENT_JAPANESE, 10), DOCUMENT_PNG);
        struct written more = write_out(example_fleet(DOCUMENT_JAPANESE, 110), DOCUMENT_PNG);
        unsigned long row;

        ck_assert_mem_eq(few.bytes, "\x89PNG\r\n\x1a\n", 8);
        ck_assert_uint_eq(big_endian(few.bytes + 16), DOCUMENT_PNG_WIDTH);
        ck_assert_uint_eq(big_endian(more.bytes + 16), DOCUMENT_PNG_WIDTH);
        row = (big_endian(more.bytes + 20) - big_endian(few.bytes + 20)) / 100;
        ck_assert_uint_ge(row, 24);
        ck_assert_uint_le(row, 32);
        free(few.bytes);
        free(more.bytes);
}
END_TEST

START_TEST(a_picture_that_would_be_too_high_is_refused_with_what_to_do)
{
        static const char *const ends[] = {
            [DOCUMENT_SVG] = " high with its 2000 rows, the limit is 20000: take html or pdf, or fewer rows",
            [DOCUMENT_PNG] = " high with its 2000 rows, the limit is 20000: take html or pdf, or fewer rows"};
        char error[256];

        refuse(example_fleet(DOCUMENT_ENGLISH, 2000), (enum document_format)_i, NULL, error);
        ck_assert_msg(strstr(error, ends[_i]), "%s", error);
}
END_TEST

START_TEST(an_empty_document_is_a_page_too)
{
        for (int format = DOCUMENT_HTML; format <= DOCUMENT_PNG; format++) {
                struct written written =
                    write_out(document_new(DOCUMENT_ENGLISH), (enum document_format)format);

                ck_assert_uint_gt(written.size, 100);
                free(written.bytes);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("documents/pages");
        TCase *cases = tcase_create("pages");

        tcase_add_loop_test(cases, results_fit_one_page_across_with_the_caller_s_date, DOCUMENT_ENGLISH,
                            DOCUMENT_JAPANESE + 1);
        tcase_add_test(cases, a_pdf_holds_its_text);
        tcase_add_loop_test(cases, a_japanese_face_draws_japanese, DOCUMENT_ENGLISH, DOCUMENT_JAPANESE + 1);
        tcase_add_test(cases, a_long_table_goes_on_page_after_page_under_its_headings);
        tcase_add_test(cases, no_page_ends_with_the_heading_of_a_section);
        tcase_add_test(cases, no_row_of_a_table_is_alone_on_a_page);
        tcase_add_test(cases, a_wide_table_gets_smaller_letters_and_none_of_its_figures_is_cut);
        tcase_add_test(cases, a_table_that_no_page_is_wide_enough_for_is_an_error);
        tcase_add_test(cases, a_png_is_1600_pixels_wide_and_as_high_as_it_needs);
        tcase_add_loop_test(cases, a_picture_that_would_be_too_high_is_refused_with_what_to_do, DOCUMENT_SVG,
                            DOCUMENT_PNG + 1);
        tcase_add_test(cases, an_empty_document_is_a_page_too);
        tcase_set_timeout(cases, 60);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
