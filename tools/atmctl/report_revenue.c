/*
 * report revenue: one statement, put together from the tables below.
 *
 *      keys + filters --need dimensions--> the smallest cube that has them --> now [, before] --> rows, total
 *
 * Amounts count on the day that they were posted on; see sql/008_reports.sql for how a cube is the summary
 * and the rows of all other days. Both periods of a comparison are read in one statement, so from one
 * snapshot.
 */
#include "tools/atmctl/report_revenue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/report_filter.h"
#include "tools/atmctl/report_period.h"
#include "tools/atmctl/report_summary.h"
#include "lib/base/digits.h"
#include "tools/atmctl/rows.h"
#include "lib/db/selection.h"

/* cubes ------------------------------------------------------------------------------------------------- */

enum { PLACE = REPORT_ATM | REPORT_HALL, BANK = REPORT_ISSUER | REPORT_BAND };

struct cube {
        const char *function; /* of sql/008_reports.sql; each has the month too */
        unsigned dimensions;
        bool summarised;
};

/* The smallest first. The last two read every row of the days. */
static const struct cube cubes[] = {
    {"cube_atm", PLACE, true},
    {"cube_bank", BANK | REPORT_HOUR | REPORT_DAY, true},
    {"cube_place", PLACE | BANK, true},
    {"cube_hour", PLACE | REPORT_BAND | REPORT_HOUR, true},
    {"cube_day", PLACE | REPORT_DAY, true},
    {"cube_rollup", PLACE | BANK | REPORT_DAY, false},
    {"cube_every", PLACE | BANK | REPORT_HOUR | REPORT_DAY, false},
};

static const struct cube *smallest_cube(unsigned needs)
{
        const struct cube *cube = cubes;

        while (needs & ~cube->dimensions)
                cube++; /* the last has them all */
        return cube;
}

/* keys -------------------------------------------------------------------------------------------------- */

struct report_key {
        const char *name;
        unsigned needs;
        bool by_time;       /* compared with the same so much earlier */
        bool in_order;      /* in its own order, else the most revenue first */
        const char *column; /* SQL over a cube s and its hall h: what is grouped by, cheap to make */
        const char *key;    /* SQL over a group's %s: as it is written */
        const char *title;  /* likewise its name for people, or of `stood`; NULL: the key says it */
};

static const struct report_key report_keys[] = {
    {"area", REPORT_HALL, false, false, "h.area", "%s", "(SELECT a.name FROM area a WHERE a.area = %s)"},
    {"prefecture", REPORT_HALL, false, false, "h.prefecture", "%s", NULL},
    {"hall", REPORT_HALL, false, false, "s.hall", "%s", "(SELECT n.name FROM hall n WHERE n.hall = %s)"},
    {"atm", PLACE, false, false, "s.terminal", "%s", "stood.name"},
    {"issuer", REPORT_ISSUER, false, false, "s.issuer", "%s",
     "(SELECT n.name FROM issuer n WHERE n.issuer = %s)"},
    {"band", REPORT_BAND, false, false, "s.band", "%s", NULL},
    {"hour", REPORT_HOUR, false, true, "s.hour", "to_char(%s, 'FM00')", NULL},
    {"day", REPORT_DAY, true, true, "s.posted_on", "to_char(%s, 'YYYY-MM-DD')", NULL},
    {"month", 0, true, true, "s.month", "to_char(%s, 'YYYY-MM')", NULL},
    {"quarter", 0, true, true, "date_trunc('quarter', s.month::timestamp)::date", "quarter_of(%s)", NULL},
    {"fy", 0, true, true,
     "(date_trunc('year', s.month::timestamp - INTERVAL '3 months') + INTERVAL '3 months')::date",
     "to_char(%s, '\"FY\"YYYY')", NULL},
};

enum { KEYS_MAX = 2 };

struct revenue {
        const struct invocation *invocation;
        struct report_period period, before;
        const struct report_key *keys[KEYS_MAX];
        int key_count;
        int step; /* months back that it is compared with; 0: with nothing */
        unsigned needs;
        const struct cube *cube;
        bool by_place; /* of a hall: the cube is joined with it */
        const char *empty;
        char empty_text[96];
};

static const struct report_key *find_key(const char *name, size_t length)
{
        size_t i = 0;

        while (strncmp(report_keys[i].name, name, length) || report_keys[i].name[length])
                i++; /* one of them: value_check saw to it */
        return &report_keys[i];
}

/* columns ----------------------------------------------------------------------------------------------- */

enum revenue_column { KEY, NAME, KEY2, NAME2, FIRST_SUM, REVENUE = FIRST_SUM + 5, BEFORE, CHANGE, EARLIER };

/* As the statement has them; which of them are shown, shown_columns says. */
static const struct output_column all_columns[EARLIER] = {
    [KEY] = {"key", OUTPUT_TEXT, 0},
    [NAME] = {"name", OUTPUT_TEXT, OUTPUT_ONLY_TABLE}, /* the name is for people */
    [KEY2] = {"key2", OUTPUT_TEXT, 0},
    [NAME2] = {"name2", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"withdrawals", OUTPUT_YEN, 0},
    {"cash_yen", OUTPUT_YEN, 0},
    {"customer_fee_yen", OUTPUT_YEN, 0},
    {"interbank_fee_yen", OUTPUT_YEN, 0},
    {"tax_yen", OUTPUT_YEN, 0},
    [REVENUE] = {"revenue_yen", OUTPUT_YEN, 0},
    [BEFORE] = {"before_yen", OUTPUT_YEN, OUTPUT_DASH},
    [CHANGE] = {"change_percent", OUTPUT_DECIMAL, 0},
};

static bool is_shown(const struct revenue *revenue, int column)
{
        switch (column) {
        case NAME:
                return revenue->keys[0]->title;
        case KEY2:
                return revenue->key_count == KEYS_MAX;
        case NAME2:
                return revenue->key_count == KEYS_MAX && revenue->keys[1]->title;
        case BEFORE:
        case CHANGE:
                return revenue->step;
        default:
                return true;
        }
}

/* The places of those shown among all of them. */
static size_t shown_columns(const struct revenue *revenue, struct output_column ret_columns[EARLIER],
                            int ret_places[EARLIER])
{
        size_t count = 0;

        for (int i = 0; i < EARLIER; i++) {
                if (is_shown(revenue, i)) {
                        ret_columns[count] = all_columns[i];
                        ret_places[count++] = i;
                }
        }
        return count;
}

/* the statement ----------------------------------------------------------------------------------------- */

static const char sums[] = "sum(s.withdrawals)::bigint AS withdrawals, sum(s.cash_yen)::bigint AS cash_yen, "
                           "sum(s.customer_fee_yen)::bigint AS customer_fee_yen, "
                           "sum(s.interbank_fee_yen)::bigint AS interbank_fee_yen, "
                           "sum(s.customer_tax_yen + s.interbank_tax_yen)::bigint AS tax_yen, "
                           "(sum(s.customer_fee_yen) + sum(s.interbank_fee_yen))::bigint AS revenue_yen, "
                           "sum(s.earlier_yen)::bigint AS earlier_yen";

/* A group's first key, or second: `later` months on, for rows that are compared with those after them. A day
 * that the later month does not have is compared with none. */
static void add_group_key(struct sqltext *sql, const struct report_key *key, int number, int later)
{
        if (later && key->by_time)
                sql_add(
                    sql,
                    "CASE WHEN (%s + INTERVAL '%d months') - INTERVAL '%d months' = %s THEN (%s + INTERVAL "
                    "'%d months')::date END AS k%d, ",
                    key->column, later, later, key->column, key->column, later, number);
        else
                sql_add(sql, "%s AS k%d, ", key->column, number);
}

static void add_filters(struct sqltext *sql, const struct revenue *revenue, struct selection *selection)
{
        for (const struct report_filter *filter = report_filters; filter->option; filter++) {
                const char *value = invocation_value(revenue->invocation, filter->option);

                if (value)
                        sql_add(sql, " AND %s = $%d", filter->column, selection_parameter(selection, value));
        }
}

static void add_cube(struct sqltext *sql, const struct cube *cube, const struct report_parts *parts,
                     struct selection *selection)
{
        int days = selection_parameter(selection, parts->days);

        if (cube->summarised)
                sql_add(sql, "%s($%d::date[], $%d::date[]) s", cube->function,
                        selection_parameter(selection, parts->months), days);
        else
                sql_add(sql, "%s($%d::date[]) s", cube->function, days);
}

/* The groups of a period, as a table expression `name`. */
static void add_groups(struct sqltext *sql, const struct revenue *revenue, const char *name,
                       const struct report_parts *parts, int later, struct selection *selection)
{
        sql_add(sql, "%s AS MATERIALIZED (SELECT ", name);
        for (int i = 0; i < revenue->key_count; i++)
                add_group_key(sql, revenue->keys[i], i + 1, later);
        sql_add(sql, "%s FROM ", sums);
        add_cube(sql, revenue->cube, parts, selection);
        sql_add(sql, "%s WHERE true", revenue->by_place ? " JOIN hall h USING (hall)" : "");
        add_filters(sql, revenue, selection);
        sql_add(sql, " GROUP BY k1%s)", revenue->key_count == KEYS_MAX ? ", k2" : "");
}

static const char *const sum_names[] = {"withdrawals",       "cash_yen", "customer_fee_yen",
                                        "interbank_fee_yen", "tax_yen",  "revenue_yen"};

/* Those of now with those of before; nothing of a group that moved nothing. */
static void add_pairs(struct sqltext *sql, const struct revenue *revenue)
{
        bool two = revenue->key_count == KEYS_MAX;

        sql_add(sql, ", pairs AS (SELECT coalesce(n.k1, b.k1) AS k1%s",
                two ? ", coalesce(n.k2, b.k2) AS k2" : "");
        for (size_t i = 0; i < LENGTH(sum_names); i++)
                sql_add(sql, ", coalesce(n.%s, 0) AS %s", sum_names[i], sum_names[i]);
        sql_add(sql,
                ", b.revenue_yen AS before_yen FROM now n FULL JOIN (SELECT * FROM before WHERE k1 IS NOT "
                "NULL%s) b "
                "ON n.k1 = b.k1%s)",
                two ? " AND k2 IS NOT NULL" : "", two ? " AND n.k2 = b.k2" : "");
}

static void add_written(struct sqltext *sql, const char *format, int key)
{
        char column[] = "p.k1";
        const char *at = strstr(format, "%s");

        if (!at) {
                sql_add(sql, "%s", format);
                return;
        }
        column[sizeof(column) - 2] = (char)('1' + key);
        sql_add(sql, "%.*s%s%s", (int)(at - format), format, column, at + 2);
}

static void add_keys(struct sqltext *sql, const struct revenue *revenue)
{
        for (int i = 0; i < KEYS_MAX; i++) {
                const struct report_key *key = i < revenue->key_count ? revenue->keys[i] : NULL;

                sql_add(sql, i ? ", " : "");
                if (key)
                        add_written(sql, key->key, i);
                else
                        sql_add(sql, "NULL");
                sql_add(sql, ", ");
                if (key && key->title)
                        add_written(sql, key->title, i);
                else
                        sql_add(sql, "NULL");
        }
}

static void add_order(struct sqltext *sql, const struct revenue *revenue)
{
        bool two = revenue->key_count == KEYS_MAX;

        sql_add(sql, " ORDER BY ");
        if (!revenue->keys[0]->in_order)
                sql_add(sql,
                        two ? "sum(p.revenue_yen) OVER (PARTITION BY p.k1) DESC, " : "p.revenue_yen DESC, ");
        sql_add(sql, "p.k1");
        if (two)
                sql_add(sql, revenue->keys[1]->in_order ? ", p.k2" : ", p.revenue_yen DESC, p.k2");
}

/* The halls that an ATM earned in, as its name: in those groups of days that the report is of, whatever else
 * it is narrowed to. */
static void add_stood(struct sqltext *sql, const struct report_parts *parts, struct selection *selection)
{
        sql_add(sql, "stood AS (SELECT d.terminal, string_agg(h.name, '、' ORDER BY h.hall) AS name FROM "
                     "(SELECT DISTINCT s.terminal, s.hall FROM ");
        add_cube(sql, cubes, parts, selection);
        sql_add(sql, ") d JOIN hall h USING (hall) GROUP BY d.terminal), ");
}

/* The number of the key that names ATMs; 0: none does. */
static int atm_key(const struct revenue *revenue)
{
        for (int i = 0; i < revenue->key_count; i++) {
                if (!strcmp(revenue->keys[i]->name, "atm"))
                        return i + 1;
        }
        return 0;
}

static void add_rows(struct sqltext *sql, const struct revenue *revenue, struct selection *selection)
{
        sql_add(sql, " (SELECT ");
        add_keys(sql, revenue);
        for (size_t i = 0; i < LENGTH(sum_names); i++)
                sql_add(sql, ", p.%s", sum_names[i]);
        if (revenue->step)
                sql_add(sql,
                        ", p.before_yen, tenths_text(100 * (p.revenue_yen - p.before_yen), p.before_yen)");
        else
                sql_add(sql, ", NULL::bigint, NULL");
        sql_add(sql, ", NULL::bigint FROM %s p", revenue->step ? "pairs" : "now");
        if (atm_key(revenue))
                sql_add(sql, " LEFT JOIN stood ON stood.terminal = p.k%d", atm_key(revenue));
        sql_add(sql, " WHERE p.withdrawals <> 0 OR p.cash_yen <> 0 OR p.revenue_yen <> 0 OR p.tax_yen <> 0%s",
                revenue->step ? " OR p.before_yen <> 0" : "");
        add_order(sql, revenue);
        sql_add(sql, " LIMIT $%d::bigint)",
                selection_parameter(selection, invocation_value(revenue->invocation, "limit")));
}

/* Of whole periods: of more days, perhaps, than have rows to be compared with. */
static void add_total(struct sqltext *sql, const struct revenue *revenue)
{
        sql_add(sql, " UNION ALL (SELECT 'total', NULL, NULL, NULL");
        for (size_t i = 0; i < LENGTH(sum_names); i++)
                sql_add(sql, ", coalesce(sum(p.%s), 0)::bigint", sum_names[i]);
        if (revenue->step)
                sql_add(sql, ", (SELECT sum(b.revenue_yen)::bigint FROM before b), (SELECT tenths_text(100 * "
                             "(coalesce((SELECT sum(n.revenue_yen) FROM now n), 0) - sum(b.revenue_yen)), "
                             "sum(b.revenue_yen)) FROM before b)");
        else
                sql_add(sql, ", NULL, NULL");
        sql_add(sql, ", coalesce(sum(p.earlier_yen), 0)::bigint FROM now p)");
}

/* parts: of the period; of the one before; of the period again, for the smallest cube. */
enum { NOW, BEFORE_THEM, STOOD, PARTS };

static void build(const struct revenue *revenue, const struct report_parts parts[PARTS], struct sqltext *sql,
                  struct selection *selection)
{
        sql_start(sql);
        sql_add(sql, "WITH ");
        if (atm_key(revenue))
                add_stood(sql, &parts[STOOD], selection);
        add_groups(sql, revenue, "now", &parts[NOW], 0, selection);
        if (revenue->step) {
                sql_add(sql, ", ");
                add_groups(sql, revenue, "before", &parts[BEFORE_THEM], revenue->step, selection);
                add_pairs(sql, revenue);
        }
        add_rows(sql, revenue, selection);
        add_total(sql, revenue);
}

static PGresult *ask(const struct revenue *revenue, struct database *database)
{
        const struct report_period *now = &revenue->period, *before = &revenue->before;
        struct report_parts parts[PARTS] = {{0}};
        struct selection selection = {.count = 0};
        struct sqltext sql;
        PGresult *result = NULL;

        if (report_snapshot(database) &&
            report_parts_of(database, now->first, now->last, revenue->cube->summarised, &parts[NOW]) &&
            (!revenue->step || report_parts_of(database, before->first, before->last,
                                               revenue->cube->summarised, &parts[BEFORE_THEM])) &&
            (!atm_key(revenue) || report_parts_of(database, now->first, now->last, true, &parts[STOOD]))) {
                build(revenue, parts, &sql, &selection);
                result = database_query(database, sql.text, selection.count, selection.parameters);
        }
        for (size_t i = 0; i < PARTS; i++)
                PQclear(parts[i].result);
        return result;
}

/* printing ---------------------------------------------------------------------------------------------- */

static void note_earlier(struct output *output, const char *yen)
{
        char text[64];

        if (!strcmp(yen, "0"))
                return;
        digits_group(yen, text, sizeof(text));
        output_note(output, "of which earlier periods: %s yen", text);
}

static bool write_row(struct output *output, const PGresult *result, int row, const int *places, size_t count,
                      bool total)
{
        const char *values[EARLIER];

        for (size_t i = 0; i < count; i++)
                values[i] = PQgetisnull(result, row, places[i]) ? NULL : PQgetvalue(result, row, places[i]);
        return total ? output_total(output, values) : output_row(output, values);
}

static bool write_rows(const struct revenue *revenue, struct output *output, const PGresult *result,
                       const int *places, size_t count)
{
        int groups = PQntuples(result) - 1;

        for (int row = 0; row < groups; row++) {
                if (!write_row(output, result, row, places, count, false))
                        return false;
        }
        if (!groups) {
                output_when_empty(output, revenue->empty);
                return true;
        }
        return write_row(output, result, groups, places, count, true);
}

static bool print_report(const struct revenue *revenue, struct database *database, const PGresult *result,
                         int32_t today)
{
        struct output_column columns[EARLIER];
        int places[EARLIER];
        size_t count = shown_columns(revenue, columns, places);
        struct output *output = output_open(revenue->invocation, OUTPUT_ROWS, columns, count);

        if (!output)
                return false;
        report_head(output, "Revenue", "売上高", revenue->period.label);
        if (!write_rows(revenue, output, result, places, count)) {
                output_abandon(output);
                return false;
        }
        note_earlier(output, PQgetvalue(result, PQntuples(result) - 1, EARLIER));
        if (!report_notes(database, revenue->invocation, output, &revenue->period, today)) {
                output_abandon(output);
                return false;
        }
        return output_close(output);
}

/* the command ------------------------------------------------------------------------------------------- */

static void read_keys(struct revenue *revenue)
{
        const char *by = invocation_value(revenue->invocation, "by"), *comma = strchr(by, ',');

        revenue->keys[0] = find_key(by, comma ? (size_t)(comma - by) : strlen(by));
        revenue->key_count = 1;
        if (comma)
                revenue->keys[revenue->key_count++] = find_key(comma + 1, strlen(comma + 1));
        for (int i = 0; i < revenue->key_count; i++) {
                revenue->needs |= revenue->keys[i]->needs;
                revenue->by_place = revenue->by_place || !strncmp(revenue->keys[i]->column, "h.", 2);
        }
        for (const struct report_filter *filter = report_filters; filter->option; filter++) {
                if (invocation_has(revenue->invocation, filter->option)) {
                        revenue->needs |= filter->needs;
                        revenue->by_place = revenue->by_place || !strncmp(filter->column, "h.", 2);
                }
        }
}

static int read_options(struct revenue *revenue)
{
        const char *compare = invocation_value(revenue->invocation, "compare");
        int usage = report_period_of(revenue->invocation, &revenue->period);

        if (usage != EXIT_DONE)
                return usage;
        read_keys(revenue);
        revenue->cube = smallest_cube(revenue->needs);
        if (compare) {
                enum report_step step = strcmp(compare, "yoy") ? REPORT_STEP_QUARTER : REPORT_STEP_YEAR;

                for (int i = 0; i < revenue->key_count; i++) {
                        if (step == REPORT_STEP_QUARTER && !strcmp(revenue->keys[i]->name, "fy"))
                                return usage_error(revenue->invocation->command,
                                                   "--compare qoq: fiscal years have no quarter before: "
                                                   "expected yoy, or --by quarter");
                }
                revenue->step = step;
                report_period_before(&revenue->period, step, &revenue->before);
        }
        snprintf(revenue->empty_text, sizeof(revenue->empty_text), "no withdrawals from %s to %s",
                 revenue->period.first, revenue->period.last);
        revenue->empty = revenue->empty_text;
        return EXIT_DONE;
}

int report_revenue(const struct invocation *invocation)
{
        struct revenue revenue = {.invocation = invocation};
        struct database database;
        PGresult *result = NULL;
        int32_t today;
        bool printed;
        int usage = read_options(&revenue);

        if (usage != EXIT_DONE)
                return usage;
        if (!business_today(invocation, &today) || !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        if (report_filters_exist(&database, invocation)) {
                report_summary_refresh(&database, today);
                result = ask(&revenue, &database);
        }
        printed = result && print_report(&revenue, &database, result, today);
        PQclear(result);
        database_close(&database);
        return printed ? EXIT_DONE : EXIT_FAILED;
}

const struct field revenue_fields[] = {
    REPORT_PERIOD_FIELDS,
    {.name = "by",
     .kind = VALUE_REPORT_KEY,
     .flags = FIELD_REQUIRED,
     .text = "one row for each, or each pair"},
    REPORT_FILTER_FIELDS,
    {.name = "compare", .kind = VALUE_COMPARISON, .text = "with the same days a year or a quarter before"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many rows; the total is of all of them"},
    {.name = NULL},
};
