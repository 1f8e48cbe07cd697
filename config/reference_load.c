#include "config/reference_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"
#include "rules/calendar.h"

enum { CELLS_MAX = 8, CELL_MAX = 64 };

struct cells {
        char cell[CELLS_MAX][CELL_MAX];
        int count;
};

/* A PostgreSQL array of text in its output form, without nested arrays or NULLs: {a,"b c",d}. */
static bool cells_parse(const char *text, struct cells *ret_cells)
{
        if (*text++ != '{')
                return false;
        ret_cells->count = 0;
        if (*text == '}')
                return true;
        for (;;) {
                if (ret_cells->count == CELLS_MAX)
                        return false;
                char *out = ret_cells->cell[ret_cells->count++];
                size_t length = 0;
                bool quoted = *text == '"';
                if (quoted)
                        text++;
                while (*text && (quoted ? *text != '"' : (*text != ',' && *text != '}'))) {
                        if (*text == '\\')
                                text++;
                        if (length + 1 == CELL_MAX)
                                return false;
                        out[length++] = *text++;
                }
                out[length] = '\0';
                if (quoted && *text++ != '"')
                        return false;
                if (*text == '}')
                        return true;
                if (*text++ != ',')
                        return false;
        }
}

static bool cell_name(const char *cell, const char *const *names, int count, int *ret_index)
{
        for (int i = 0; i < count; i++)
                if (!strcmp(cell, names[i])) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

static bool cell_hours(const char *opens, const char *closes, struct hours *ret_hours)
{
        int64_t from, to;
        if (!number_parse(opens, 0, 1440, &from) || !number_parse(closes, 0, 1440, &to))
                return false;
        *ret_hours = (struct hours){.opens = (int)from, .closes = (int)to};
        return true;
}

static bool cell_copy(char *to, size_t size, const char *cell)
{
        size_t length = strlen(cell);
        if (length >= size)
                return false;
        memcpy(to, cell, length + 1);
        return true;
}

static bool add_moments(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        (void)error;
        int64_t from, to;
        if (!number_parse(c->cell[0], INT64_MIN, INT64_MAX, &from) ||
            !number_parse(c->cell[1], INT64_MIN, INT64_MAX, &to))
                return false;
        reference_set_moments(r, from, to);
        return true;
}

static bool add_hall(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        struct hall row = {0};
        int64_t share_bp;
        if (!cell_copy(row.hall, sizeof(row.hall), c->cell[0]) ||
            !cell_copy(row.area, sizeof(row.area), c->cell[1]) ||
            !cell_copy(row.prefecture, sizeof(row.prefecture), c->cell[2]) ||
            !cell_hours(c->cell[3], c->cell[4], &row.hours) || !number_parse(c->cell[5], 0, 10000, &share_bp))
                return false;
        row.share_bp = (int32_t)share_bp;
        return reference_add_hall(r, &row, error);
}

static bool add_share(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        struct hall_share row = {0};
        int64_t share_bp;
        if (!cell_copy(row.hall, sizeof(row.hall), c->cell[0]) ||
            !calendar_parse_day(c->cell[1], &row.from_day) || !number_parse(c->cell[2], 0, 10000, &share_bp))
                return false;
        row.share_bp = (int32_t)share_bp;
        return reference_add_share(r, &row, error);
}

static bool add_atm(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        static const char *const state_name[] = {"disabled", "enabled", "barred"};
        int state;
        if (!cell_name(c->cell[2], state_name, 3, &state))
                return false;
        if (state == 2)
                return reference_add_barred_atm(r, c->cell[0], c->cell[1], error);
        return reference_add_atm(r, c->cell[0], c->cell[1], state == 1, error);
}

static bool add_issuer(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        struct issuer row = {0};
        int64_t tries;
        int method;
        if (!cell_copy(row.issuer, sizeof(row.issuer), c->cell[0]) ||
            !cell_copy(row.link, sizeof(row.link), c->cell[1]) ||
            !cell_hours(c->cell[2], c->cell[3], &row.hours[DAY_WEEKDAY]) ||
            !cell_hours(c->cell[4], c->cell[5], &row.hours[DAY_OFF]) ||
            !cell_name(c->cell[6], pin_method_name, PIN_METHOD_COUNT, &method) ||
            !number_parse(c->cell[7], 1, PIN_TRIES_MAX_MAX, &tries))
                return false;
        row.pin_method = (enum pin_method)method;
        row.pin_tries_max = (int)tries;
        return reference_add_issuer(r, &row, error);
}

static bool add_prefix(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        int32_t from_day;
        int kind;
        if (!calendar_parse_day(c->cell[1], &from_day) ||
            !cell_name(c->cell[3], card_kind_name, CARD_KIND_COUNT, &kind))
                return false;
        return reference_add_prefix(r, c->cell[0], from_day, c->cell[2], (enum card_kind)kind, error);
}

static bool add_tariff(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        struct tariff row = {0};
        int band;
        if (!cell_copy(row.issuer, sizeof(row.issuer), c->cell[0]) ||
            !cell_name(c->cell[1], band_name, BAND_COUNT, &band) ||
            !calendar_parse_day(c->cell[2], &row.from_day) ||
            !number_parse(c->cell[3], 0, INT64_MAX, &row.customer_fee_yen) ||
            !number_parse(c->cell[4], 0, INT64_MAX, &row.interbank_fee_yen))
                return false;
        row.band = (enum band)band;
        return reference_add_tariff(r, &row, error);
}

static bool add_tax_rate(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        static const char *const rounding_name[] = {"down", "nearest", "up"};
        struct tax_rate row = {0};
        int64_t rate_bp;
        int rounding;
        if (!calendar_parse_day(c->cell[0], &row.from_day) || !number_parse(c->cell[1], 0, 10000, &rate_bp) ||
            !cell_name(c->cell[2], rounding_name, 3, &rounding))
                return false;
        row.rate_bp = (int32_t)rate_bp;
        row.rounding = (enum tax_rounding)rounding;
        return reference_add_tax_rate(r, &row, error);
}

static bool add_holiday(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        int32_t day;
        return calendar_parse_day(c->cell[0], &day) && reference_add_holiday(r, day, error);
}

static bool add_limit(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        struct limit row = {.value = LIMIT_NONE};
        int kind;
        if (!cell_name(c->cell[0], limit_kind_name, LIMIT_KIND_COUNT, &kind) ||
            !calendar_parse_day(c->cell[1], &row.from_day) ||
            (*c->cell[2] && !number_parse(c->cell[2], 0, INT64_MAX, &row.value)))
                return false;
        row.kind = (enum limit_kind)kind;
        return reference_add_limit(r, &row, error);
}

static bool add_hours(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX])
{
        struct network_hours row = {0};
        int kind;
        if (!calendar_parse_day(c->cell[0], &row.from_day) ||
            !cell_name(c->cell[1], day_kind_name, DAY_KIND_COUNT, &kind) ||
            !cell_hours(c->cell[2], c->cell[3], &row.hours))
                return false;
        row.day_kind = (enum day_kind)kind;
        return reference_add_network_hours(r, &row, error);
}

/* What a section's rows hold; the order of the cells is sql's. */
static const struct section {
        const char *name;
        int cells;
        bool (*add)(struct reference *r, const struct cells *c, char error[REFERENCE_ERROR_MAX]);
} sections[] = {
    {"moments", 2, add_moments}, {"hall", 6, add_hall},         {"share", 3, add_share},
    {"atm", 3, add_atm},         {"issuer", 8, add_issuer},     {"prefix", 4, add_prefix},
    {"tariff", 5, add_tariff},   {"tax_rate", 3, add_tax_rate}, {"holiday", 1, add_holiday},
    {"limit", 3, add_limit},     {"hours", 4, add_hours},
};

static const struct section *section_find(const char *name)
{
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
                if (!strcmp(sections[i].name, name))
                        return &sections[i];
        return NULL;
}

static bool row_add(struct reference *r, const char *section_name, const char *text,
                    char error[REFERENCE_ERROR_MAX])
{
        const struct section *section = section_find(section_name);
        struct cells cells;
        *error = '\0';
        if (section && cells_parse(text, &cells) && cells.count == section->cells &&
            section->add(r, &cells, error))
                return true;
        if (!*error)
                snprintf(error, REFERENCE_ERROR_MAX, "reference data: %s %.180s is not of the expected form",
                         section_name, text);
        return false;
}

enum reference_load reference_load(const PGresult *result, struct reference **ret_reference,
                                   char error[REFERENCE_ERROR_MAX])
{
        int rows = PQntuples(result);
        struct cells cells;
        int64_t version;
        if (rows < 1 || strcmp(PQgetvalue(result, 0, 0), "version") ||
            !cells_parse(PQgetvalue(result, 0, 1), &cells) || cells.count != 1 ||
            !number_parse(cells.cell[0], 1, INT64_MAX, &version)) {
                snprintf(error, REFERENCE_ERROR_MAX, "reference data: the version is missing");
                return REFERENCE_REFUSED;
        }
        if (rows == 1)
                return REFERENCE_UNCHANGED;

        struct reference *reference = reference_new();
        if (!reference) {
                snprintf(error, REFERENCE_ERROR_MAX, "reference data: out of memory");
                return REFERENCE_REFUSED;
        }
        reference_set_version(reference, version);
        for (int i = 1; i < rows; i++)
                if (!row_add(reference, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), error))
                        goto refused;
        if (!reference_finish(reference, error))
                goto refused;
        *ret_reference = reference;
        return REFERENCE_LOADED;
refused:
        reference_free(reference);
        return REFERENCE_REFUSED;
}

/* asking ----------------------------------------------------------------------------------------------------- */

const struct pg_statement reference_statement = {"reference",
                                                 "SELECT section, cell FROM reference_current($1)"};

struct pg_parameter reference_known(int64_t version, char buffer[REFERENCE_KNOWN_MAX])
{
        int length = snprintf(buffer, REFERENCE_KNOWN_MAX, "%" PRId64, version);

        return (struct pg_parameter){buffer, length, 0};
}

static bool read_by(PGconn *connection, const char *sql, struct reference **ret_reference,
                    char error[PG_ERROR_MAX])
{
        static const char *const nothing_known[] = {"0"};
        PGresult *result = pg_query(connection, sql, 1, nothing_known, error);
        char why[REFERENCE_ERROR_MAX] =
            "reference data: there are none: import issuers, tariffs, tax rates and hours";
        bool loaded;

        if (!result)
                return false;
        loaded = reference_load(result, ret_reference, why) == REFERENCE_LOADED;
        PQclear(result);
        if (!loaded)
                snprintf(error, PG_ERROR_MAX, "database '%s': %s", PQdb(connection), why);
        return loaded;
}

bool reference_read(PGconn *connection, struct reference **ret_reference, char error[PG_ERROR_MAX])
{
        return read_by(connection, "SELECT section, cell FROM reference_snapshot($1)", ret_reference, error);
}

bool reference_read_copy(PGconn *connection, struct reference **ret_reference, char error[PG_ERROR_MAX])
{
        return read_by(connection, reference_statement.sql, ret_reference, error);
}
