/*
 * The data files of etc/ as reference data, so that tests of the rules are also tests of what we ship.
 * The files are made by us: no quotes, columns in the order of their header, which is checked.
 */
#ifndef TESTS_UNIT_SHIPPED_H
#define TESTS_UNIT_SHIPPED_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/number.h"
#include "rules/calendar.h"
#include "rules/reference.h"

enum { SHIPPED_COLUMNS_MAX = 8, SHIPPED_LINE_MAX = 512 };

struct shipped_file {
        FILE *stream;
        int columns;
        char line[SHIPPED_LINE_MAX];
        char *column[SHIPPED_COLUMNS_MAX];
};

static inline int shipped_split(struct shipped_file *file)
{
        int columns = 0;

        file->line[strcspn(file->line, "\n")] = '\0';
        ck_assert_msg(!strpbrk(file->line, "\"\r"), "%s", file->line);
        for (char *at = file->line; at; columns++) {
                ck_assert_int_lt(columns, SHIPPED_COLUMNS_MAX);
                file->column[columns] = strsep(&at, ",");
        }
        return columns;
}

static inline struct shipped_file shipped_open(const char *name, const char *header)
{
        struct shipped_file file = {.columns = 0};
        char path[512];

        (void)snprintf(path, sizeof path, "%s/etc/%s", SOURCE_DIR, name);
        file.stream = fopen(path, "r");
        ck_assert_msg(file.stream, "%s can't be opened", path);
        ck_assert_ptr_nonnull(fgets(file.line, sizeof file.line, file.stream));
        file.line[strcspn(file.line, "\n")] = '\0';
        ck_assert_str_eq(file.line, header);
        file.columns = shipped_split(&file);
        return file;
}

/* The next row's columns are in file->column; false, and the file is closed, where there is none. */
static inline bool shipped_next(struct shipped_file *file)
{
        if (!fgets(file->line, sizeof file->line, file->stream)) {
                fclose(file->stream);
                return false;
        }
        ck_assert_int_eq(shipped_split(file), file->columns);
        return true;
}

static inline int32_t shipped_day(const char *text)
{
        int32_t day = 0;

        ck_assert_msg(calendar_parse_day(text, &day), "\"%s\" is no date", text);
        return day;
}

static inline int shipped_minute(const char *text)
{
        int minute = 0;

        ck_assert_msg(calendar_parse_minute(text, &minute), "\"%s\" is no time of day", text);
        return minute;
}

static inline int64_t shipped_moment(const char *text)
{
        int64_t moment_ms = 0;

        ck_assert_msg(calendar_parse_moment(text, &moment_ms), "\"%s\" is no moment", text);
        return moment_ms;
}

static inline int shipped_choice(const char *const *names, int count, const char *name)
{
        for (int i = 0; i < count; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        ck_abort_msg("\"%s\" is none of the %d", name, count);
        return -1;
}

static inline int64_t shipped_number(const char *text)
{
        int64_t value;

        ck_assert_msg(number_parse(text, INT64_MIN, INT64_MAX, &value), "\"%s\" is no number", text);
        return value;
}

static inline const char *shipped_name(const char *folder, const char *file)
{
        static char name[64];

        (void)snprintf(name, sizeof name, "%s%s", folder, file);
        return name;
}

static inline void shipped_fleet(struct reference *r)
{
        struct shipped_file file =
            shipped_open("halls.csv", "hall,name,area,prefecture,opens,closes,share_bp");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file)) {
                struct hall hall = {.hours = {shipped_minute(file.column[4]), shipped_minute(file.column[5])},
                                    .share_bp = (int32_t)shipped_number(file.column[6])};

                (void)snprintf(hall.hall, sizeof hall.hall, "%s", file.column[0]);
                (void)snprintf(hall.area, sizeof hall.area, "%s", file.column[2]);
                (void)snprintf(hall.prefecture, sizeof hall.prefecture, "%s", file.column[3]);
                ck_assert_msg(reference_add_hall(r, &hall, error), "%s", error);
        }
        file = shipped_open("atms.csv", "terminal,hall,enabled");
        while (shipped_next(&file))
                ck_assert_msg(reference_add_atm(r, file.column[0], file.column[1],
                                                strcmp(file.column[2], "yes") == 0, error),
                              "%s", error);
}

/* `folder`: "" or "banks/". */
static inline void shipped_issuers(struct reference *r, const char *folder)
{
        struct shipped_file file = shipped_open(shipped_name(folder, "issuers.csv"),
                                                "issuer,name,link,opens,closes,off_opens,off_closes");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file)) {
                struct issuer issuer = {
                    .hours = {{shipped_minute(file.column[3]), shipped_minute(file.column[4])},
                              {shipped_minute(file.column[5]), shipped_minute(file.column[6])}}};

                (void)snprintf(issuer.issuer, sizeof issuer.issuer, "%s", file.column[0]);
                (void)snprintf(issuer.link, sizeof issuer.link, "%s", file.column[2]);
                ck_assert_msg(reference_add_issuer(r, &issuer, error), "%s", error);
        }
}

static inline void shipped_cards(struct reference *r, const char *folder)
{
        struct shipped_file file =
            shipped_open(shipped_name(folder, "prefixes.csv"), "prefix,from,issuer,kind");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file))
                ck_assert_msg(
                    reference_add_prefix(
                        r, file.column[0], shipped_day(file.column[1]), file.column[2],
                        (enum card_kind)shipped_choice(card_kind_name, CARD_KIND_COUNT, file.column[3]),
                        error),
                    "%s", error);
}

static inline void shipped_tariffs(struct reference *r, const char *folder)
{
        struct shipped_file file = shipped_open(shipped_name(folder, "tariffs.csv"),
                                                "issuer,band,from,customer_fee_yen,interbank_fee_yen");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file)) {
                struct tariff tariff = {
                    .band = (enum band)shipped_choice(band_name, BAND_COUNT, file.column[1]),
                    .from_day = shipped_day(file.column[2]),
                    .customer_fee_yen = shipped_number(file.column[3]),
                    .interbank_fee_yen = shipped_number(file.column[4]),
                };

                (void)snprintf(tariff.issuer, sizeof tariff.issuer, "%s", file.column[0]);
                ck_assert_msg(reference_add_tariff(r, &tariff, error), "%s", error);
        }
}

static inline void shipped_taxes(struct reference *r)
{
        static const char *const roundings[] = {
            [TAX_DOWN] = "down", [TAX_NEAREST] = "nearest", [TAX_UP] = "up"};
        struct shipped_file file = shipped_open("tax_rates.csv", "from,rate_bp,rounding");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file)) {
                struct tax_rate rate = {
                    .from_day = shipped_day(file.column[0]),
                    .rate_bp = (int32_t)shipped_number(file.column[1]),
                    .rounding = (enum tax_rounding)shipped_choice(roundings, 3, file.column[2]),
                };

                ck_assert_msg(reference_add_tax_rate(r, &rate, error), "%s", error);
        }
}

static inline void shipped_limits(struct reference *r)
{
        struct shipped_file file = shipped_open("limits.csv", "kind,from,value");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file)) {
                struct limit limit = {
                    .kind =
                        (enum limit_kind)shipped_choice(limit_kind_name, LIMIT_KIND_COUNT, file.column[0]),
                    .from_day = shipped_day(file.column[1]),
                    .value = *file.column[2] == '\0' ? LIMIT_NONE : shipped_number(file.column[2]),
                };

                ck_assert_msg(reference_add_limit(r, &limit, error), "%s", error);
        }
}

static inline void shipped_days(struct reference *r, const char *hours_name)
{
        struct shipped_file file = shipped_open("holidays.csv", "day,name");
        char error[REFERENCE_ERROR_MAX] = "";

        while (shipped_next(&file))
                ck_assert_msg(reference_add_holiday(r, shipped_day(file.column[0]), error), "%s", error);
        file = shipped_open(hours_name, "from,day_kind,opens,closes");
        while (shipped_next(&file)) {
                struct network_hours hours = {
                    .from_day = shipped_day(file.column[0]),
                    .day_kind = (enum day_kind)shipped_choice(day_kind_name, DAY_KIND_COUNT, file.column[1]),
                    .hours = {shipped_minute(file.column[2]), shipped_minute(file.column[3])},
                };

                ck_assert_msg(reference_add_network_hours(r, &hours, error), "%s", error);
        }
}

/* Everything under etc/, with hours.csv or hours_open.csv; not finished yet, so that a test may add to it. */
static inline struct reference *shipped_reference(const char *hours_name)
{
        struct reference *r = reference_new();

        ck_assert_ptr_nonnull(r);
        shipped_fleet(r);
        shipped_issuers(r, "");
        shipped_cards(r, "");
        shipped_tariffs(r, "");
        shipped_taxes(r);
        shipped_limits(r);
        shipped_days(r, hours_name);
        return r;
}

static inline const struct reference *shipped_finish(struct reference *r)
{
        char error[REFERENCE_ERROR_MAX] = "";

        ck_assert_msg(reference_finish(r, error), "%s", error);
        return r;
}

#endif
