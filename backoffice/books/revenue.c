/*
 * Commission: one statement, put together from the tables below.
 *
 *      keys + filters --need dimensions--> the smallest cube that has them --> now [, before] --> rows, total
 *
 * Amounts count on the day that they were posted on; see sql/081_reports.sql for how a cube is sums and
 * the rows of what is in none. Both periods of a comparison are read in one statement, so from one
 * snapshot.
 */
#include "backoffice/books/revenue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/place.h"
#include "backoffice/books/summary.h"
#include "lib/base/array.h"
#include "lib/db/selection.h"
#include "rules/calendar.h"

/* cubes ------------------------------------------------------------------------------------------------- */

enum { PLACE = BOOKS_ATM | BOOKS_HALL, BANK = BOOKS_ISSUER | BOOKS_BAND };

struct cube {
        const char *function; /* of sql/081_reports.sql; each has the month too */
        unsigned dimensions;
        enum summary_use use;
};

/* The smallest first. The last reads every row of the days. */
static const struct cube cubes[] = {
    {"cube_atm", PLACE, SUMMARY_OF_DAYS},
    {"cube_bank", BANK | BOOKS_HOUR | BOOKS_DAY, SUMMARY_OF_DAYS},
    {"cube_place", PLACE | BANK, SUMMARY_OF_DAYS},
    {"cube_hour", PLACE | BOOKS_BAND | BOOKS_HOUR, SUMMARY_OF_HOURS},
    {"cube_day", PLACE | BOOKS_DAY, SUMMARY_OF_DAYS},
    {"cube_detail", PLACE | BANK | BOOKS_DAY, SUMMARY_OF_DAYS},
    {"cube_every", PLACE | BANK | BOOKS_HOUR | BOOKS_DAY, SUMMARY_UNUSED},
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
        bool by_time;  /* compared with the same so much earlier */
        bool in_order; /* in its own order, else the most commission first */
        /* SQL over a cube s and where its hall was, h: what is grouped by, cheap to make */
        const char *column;
        const char *key;   /* SQL over a group's %s: as it is written */
        const char *title; /* likewise its name for people, or of `stood`; NULL: the key says it */
};

static const struct report_key report_keys[] = {
    {"area", BOOKS_HALL, false, false, "h.area", "%s", "(SELECT a.name FROM area a WHERE a.area = %s)"},
    {"prefecture", BOOKS_HALL, false, false, "h.prefecture", "%s", NULL},
    {"hall", BOOKS_HALL, false, false, "s.hall", "%s", "(SELECT n.name FROM hall n WHERE n.hall = %s)"},
    {"atm", PLACE, false, false, "s.terminal", "%s", "stood.name"},
    {"issuer", BOOKS_ISSUER, false, false, "s.issuer", "%s",
     "(SELECT n.name FROM issuer n WHERE n.issuer = %s)"},
    {"band", BOOKS_BAND, false, false, "s.band", "%s", NULL},
    {"hour", BOOKS_HOUR, false, true, "s.hour", "to_char(%s, 'FM00')", NULL},
    {"day", BOOKS_DAY, true, true, "s.posted_on", "to_char(%s, 'YYYY-MM-DD')", NULL},
    {"month", 0, true, true, "s.month", "to_char(%s, 'YYYY-MM')", NULL},
    {"quarter", 0, true, true, "date_trunc('quarter', s.month::timestamp)::date", "quarter_of(%s)", NULL},
    {"fy", 0, true, true,
     "(date_trunc('year', s.month::timestamp - INTERVAL '3 months') + INTERVAL '3 months')::date",
     "to_char(%s, '\"FY\"YYYY')", NULL},
};

/* The question, looked at. */
struct asked {
        const struct revenue_question *question;
        const struct report_key *keys[REVENUE_KEYS_MAX];
        int key_count;
        int step; /* months back that it is compared with; 0: with nothing */
        unsigned needs;
        const struct cube *cube;
        bool by_place; /* of a hall: the cube is joined with where it was */
        struct period before;
        bool is_cut; /* the books began within what it is compared with, or later */
        char begun[11];
        char limit[24];
};

static const struct report_key *find_key(const char *name)
{
        size_t i = 0;

        while (strcmp(report_keys[i].name, name))
                i++; /* one of them: whoever asks saw to it */
        return &report_keys[i];
}

bool revenue_key_is_span(const char *key)
{
        return find_key(key)->by_time;
}

bool revenue_key_has_name(const char *key)
{
        return find_key(key)->title != NULL;
}

bool revenue_key_lacks_step(const char *key, enum period_step step)
{
        return step == PERIOD_STEP_QUARTER && !strcmp(key, "fy");
}

/* the statement ----------------------------------------------------------------------------------------- */

static const char sums[] = "sum(s.withdrawals)::bigint AS withdrawals, sum(s.cash_yen)::bigint AS cash_yen, "
                           "sum(s.customer_fee_yen)::bigint AS customer_fee_yen, "
                           "sum(s.interbank_fee_yen)::bigint AS interbank_fee_yen, "
                           "sum(s.customer_tax_yen + s.interbank_tax_yen)::bigint AS tax_yen, "
                           "(sum(s.customer_fee_yen) + sum(s.interbank_fee_yen))::bigint AS commission_yen, "
                           "sum(s.earlier_yen)::bigint AS earlier_yen";

/* A group's first key, or second: `later` months on, for rows that are compared with those after them. A day
 * that the later month does not have is compared with none; the day that stands for one which the earlier month does not have, the first that
 * is asked for, with that one. */
static void add_group_key(struct sqltext *sql, const struct asked *asked, const struct report_key *key,
                          int number, int later)
{
        const char *first = key->needs & BOOKS_DAY ? asked->question->period.first : "-infinity";

        if (later && key->by_time)
                sql_add(
                    sql,
                    "CASE WHEN (%s + INTERVAL '%d months') - INTERVAL '%d months' = %s THEN greatest((%s + "
                    "INTERVAL '%d months')::date, '%s') END AS k%d, ",
                    key->column, later, later, key->column, key->column, later, first, number);
        else
                sql_add(sql, "%s AS k%d, ", key->column, number);
}

static void add_filters(struct sqltext *sql, const struct asked *asked, struct selection *selection)
{
        for (size_t i = 0; i < FILTER_COUNT; i++) {
                const char *value = asked->question->filter[i];

                if (value)
                        sql_add(sql, " AND %s = $%d", filter_rows[i].column,
                                selection_parameter(selection, value));
        }
}

static void add_cube(struct sqltext *sql, const struct cube *cube, const struct summary_parts *parts,
                     struct selection *selection)
{
        int rows = selection_parameter(selection, parts->rows);

        if (cube->use == SUMMARY_UNUSED)
                sql_add(sql, "%s($%d::date[]) s", cube->function, rows);
        else
                sql_add(sql, "%s($%d::date[], $%d::date[], $%d::date[]) s", cube->function,
                        selection_parameter(selection, parts->months),
                        selection_parameter(selection, parts->days), rows);
}

/* The groups of a period, as a table expression `name`. */
static void add_groups(struct sqltext *sql, const struct asked *asked, const char *name,
                       const struct summary_parts *parts, int later, struct selection *selection)
{
        sql_add(sql, "%s AS MATERIALIZED (SELECT ", name);
        for (int i = 0; i < asked->key_count; i++)
                add_group_key(sql, asked, asked->keys[i], i + 1, later);
        sql_add(sql, "%s FROM ", sums);
        add_cube(sql, asked->cube, parts, selection);
        sql_add(sql, "%s WHERE true", asked->by_place ? JOIN_PLACE("s.hall", "s.place_on") : "");
        add_filters(sql, asked, selection);
        sql_add(sql, " GROUP BY k1%s)", asked->key_count == REVENUE_KEYS_MAX ? ", k2" : "");
}

static const char *const sum_names[] = {"withdrawals",       "cash_yen", "customer_fee_yen",
                                        "interbank_fee_yen", "tax_yen",  "commission_yen"};

/* Of two times the finer one begins later, or at the same day. */
static bool later_begins(const struct report_key *a, const struct report_key *b)
{
        return a < b; /* day, month, quarter, fy */
}

/* What a group earned before. Where the books began later than all of before, only groups of times that they have whole are compared: the latest
 * key of time says which. */
static void add_before(struct sqltext *sql, const struct asked *asked, struct selection *selection)
{
        int key = -1;

        for (int i = 0; i < asked->key_count; i++) {
                if (asked->keys[i]->by_time)
                        key = key < 0 || later_begins(asked->keys[i], asked->keys[key]) ? i : key;
        }
        if (!asked->is_cut)
                sql_add(sql, ", b.commission_yen AS before_yen");
        else if (key < 0)
                sql_add(sql, ", NULL::bigint AS before_yen");
        else
                sql_add(
                    sql,
                    ", CASE WHEN b.k%d >= ($%d::date + INTERVAL '%d months')::date THEN b.commission_yen END "
                    "AS before_yen",
                    key + 1, selection_parameter(selection, asked->begun), asked->step);
}

/* Those of now with those of before; nothing of a group that moved nothing. */
static void add_pairs(struct sqltext *sql, const struct asked *asked, struct selection *selection)
{
        bool two = asked->key_count == REVENUE_KEYS_MAX;

        sql_add(sql, ", pairs AS (SELECT coalesce(n.k1, b.k1) AS k1%s",
                two ? ", coalesce(n.k2, b.k2) AS k2" : "");
        for (size_t i = 0; i < LENGTH(sum_names); i++)
                sql_add(sql, ", coalesce(n.%s, 0) AS %s", sum_names[i], sum_names[i]);
        add_before(sql, asked, selection);
        sql_add(sql,
                " FROM now n FULL JOIN (SELECT * FROM before WHERE k1 IS NOT "
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

static void add_keys(struct sqltext *sql, const struct asked *asked)
{
        for (int i = 0; i < REVENUE_KEYS_MAX; i++) {
                const struct report_key *key = i < asked->key_count ? asked->keys[i] : NULL;

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

static void add_order(struct sqltext *sql, const struct asked *asked)
{
        bool two = asked->key_count == REVENUE_KEYS_MAX;

        sql_add(sql, " ORDER BY ");
        if (!asked->keys[0]->in_order)
                sql_add(sql, two ? "sum(p.commission_yen) OVER (PARTITION BY p.k1) DESC, "
                                 : "p.commission_yen DESC, ");
        sql_add(sql, "p.k1");
        if (two)
                sql_add(sql, asked->keys[1]->in_order ? ", p.k2" : ", p.commission_yen DESC, p.k2");
}

/* The halls that an ATM earned in, as its name: in those groups of days that the report is of, whatever else
 * it is narrowed to. */
static void add_stood(struct sqltext *sql, const struct summary_parts *parts, struct selection *selection)
{
        sql_add(sql, "stood AS (SELECT d.terminal, string_agg(h.name, E'\\n' ORDER BY h.hall) AS name FROM "
                     "(SELECT DISTINCT s.terminal, s.hall FROM ");
        add_cube(sql, cubes, parts, selection);
        sql_add(sql, ") d JOIN hall h USING (hall) GROUP BY d.terminal), ");
}

/* The number of the key that names ATMs; 0: none does. */
static int atm_key(const struct asked *asked)
{
        for (int i = 0; i < asked->key_count; i++) {
                if (!strcmp(asked->keys[i]->name, "atm"))
                        return i + 1;
        }
        return 0;
}

static void add_rows(struct sqltext *sql, const struct asked *asked, struct selection *selection)
{
        sql_add(sql, " (SELECT ");
        add_keys(sql, asked);
        for (size_t i = 0; i < LENGTH(sum_names); i++)
                sql_add(sql, ", p.%s", sum_names[i]);
        if (asked->step)
                sql_add(sql, ", p.before_yen");
        else
                sql_add(sql, ", NULL::bigint");
        sql_add(sql, ", NULL::bigint, NULL::bigint, count(*) OVER () FROM %s p",
                asked->step ? "pairs" : "now");
        if (atm_key(asked))
                sql_add(sql, " LEFT JOIN stood ON stood.terminal = p.k%d", atm_key(asked));
        sql_add(sql,
                " WHERE p.withdrawals <> 0 OR p.cash_yen <> 0 OR p.commission_yen <> 0 OR p.tax_yen <> 0%s",
                asked->step ? " OR p.before_yen <> 0" : "");
        add_order(sql, asked);
        sql_add(sql, " LIMIT $%d::bigint)",
                selection_parameter(selection, *asked->limit ? asked->limit : NULL));
}

/* Of whole periods, and what of the earlier one has no row: of days that the later months do not have. */
static void add_total(struct sqltext *sql, const struct asked *asked)
{
        const char *unpaired =
            asked->key_count == REVENUE_KEYS_MAX ? "b.k1 IS NULL OR b.k2 IS NULL" : "b.k1 IS NULL";

        sql_add(sql, " UNION ALL (SELECT 'total', NULL, NULL, NULL");
        for (size_t i = 0; i < LENGTH(sum_names); i++)
                sql_add(sql, ", coalesce(sum(p.%s), 0)::bigint", sum_names[i]);
        if (asked->step && !asked->is_cut)
                sql_add(sql,
                        ", (SELECT sum(b.commission_yen)::bigint FROM before b), "
                        "(SELECT sum(b.commission_yen)::bigint FROM before b WHERE %s)",
                        unpaired);
        else
                sql_add(sql, ", NULL, NULL");
        sql_add(sql, ", coalesce(sum(p.earlier_yen), 0)::bigint, NULL FROM now p)");
}

/* parts: of the period; of the one before; of the period again, for the smallest cube. */
enum { NOW, BEFORE_THEM, STOOD, PARTS };

static void build(const struct asked *asked, const struct summary_parts parts[PARTS], struct sqltext *sql,
                  struct selection *selection)
{
        sql_start(sql);
        sql_add(sql, "WITH ");
        if (atm_key(asked))
                add_stood(sql, &parts[STOOD], selection);
        add_groups(sql, asked, "now", &parts[NOW], 0, selection);
        if (asked->step) {
                sql_add(sql, ", ");
                add_groups(sql, asked, "before", &parts[BEFORE_THEM], asked->step, selection);
                add_pairs(sql, asked, selection);
        }
        add_rows(sql, asked, selection);
        add_total(sql, asked);
}

static PGresult *ask(PGconn *connection, const struct asked *asked, char error[PG_ERROR_MAX])
{
        const struct period *now = &asked->question->period, *before = &asked->before;
        struct summary_parts parts[PARTS] = {{0}};
        struct selection selection;
        struct sqltext sql;
        PGresult *result = NULL;

        selection_start(&selection);
        if (summary_parts_of(connection, now->first, now->last, asked->cube->use, &parts[NOW], error) &&
            (!asked->step || summary_parts_of(connection, before->first, before->last, asked->cube->use,
                                              &parts[BEFORE_THEM], error)) &&
            (!atm_key(asked) ||
             summary_parts_of(connection, now->first, now->last, SUMMARY_OF_DAYS, &parts[STOOD], error))) {
                build(asked, parts, &sql, &selection);
                result = pg_query(connection, sql.text, selection.count, selection.parameters, error);
        }
        for (size_t i = 0; i < PARTS; i++)
                PQclear(parts[i].result);
        return result;
}

/* the answer -------------------------------------------------------------------------------------------- */

static void look_at(const struct revenue_question *question, struct asked *ret_asked)
{
        *ret_asked = (struct asked){.question = question, .step = question->compare};
        for (int i = 0; i < REVENUE_KEYS_MAX && question->key[i]; i++) {
                const struct report_key *key = ret_asked->keys[ret_asked->key_count++] =
                    find_key(question->key[i]);

                ret_asked->needs |= key->needs;
                ret_asked->by_place = ret_asked->by_place || !strncmp(key->column, "h.", 2);
        }
        for (size_t i = 0; i < FILTER_COUNT; i++) {
                if (!question->filter[i])
                        continue;
                ret_asked->needs |= filter_rows[i].needs;
                ret_asked->by_place = ret_asked->by_place || !strncmp(filter_rows[i].column, "h.", 2);
        }
        ret_asked->cube = smallest_cube(ret_asked->needs);
        if (question->compare) {
                period_before(&question->period, question->compare, &ret_asked->before);
                ret_asked->is_cut = ret_asked->before.first_day < question->begun_day;
                calendar_print_day(ret_asked->is_cut && question->begun_day != INT32_MAX
                                       ? question->begun_day
                                       : ret_asked->before.first_day,
                                   ret_asked->begun);
        }
        if (question->limit)
                snprintf(ret_asked->limit, sizeof(ret_asked->limit), "%" PRId64, *question->limit);
}

/* As the statement has them. */
enum column {
        KEY,
        NAME,
        KEY2,
        NAME2,
        WITHDRAWALS,
        CASH,
        CUSTOMER_FEE,
        INTERBANK_FEE,
        TAX,
        COMMISSION,
        BEFORE,
        UNPAIRED,
        EARLIER,
        ALL_ROWS /* of each: how many there would be without a limit */
};

static void take_row(const PGresult *result, int row, struct revenue_row *ret_row)
{
        *ret_row = (struct revenue_row){.key = {pg_text(result, row, KEY), pg_text(result, row, KEY2)},
                                        .name = {pg_text(result, row, NAME), pg_text(result, row, NAME2)},
                                        .withdrawals = pg_number(result, row, WITHDRAWALS),
                                        .cash_yen = pg_number(result, row, CASH),
                                        .customer_fee_yen = pg_number(result, row, CUSTOMER_FEE),
                                        .interbank_fee_yen = pg_number(result, row, INTERBANK_FEE),
                                        .tax_yen = pg_number(result, row, TAX),
                                        .commission_yen = pg_number(result, row, COMMISSION),
                                        .before_yen = figure_read(pg_text(result, row, BEFORE))};
        ret_row->change_tenths = figure_change(figure_known(ret_row->commission_yen), ret_row->before_yen);
}

/* The total without the rows that are shown. */
static void take_others(struct revenue *revenue)
{
        struct revenue_row *others = &revenue->others;

        *others = revenue->total;
        others->key[0] = "others";
        if (others->before_yen.known)
                others->before_yen = figure_subtract(others->before_yen, figure_known(revenue->unpaired_yen));
        for (size_t i = 0; i < revenue->rows; i++) {
                const struct revenue_row *row = &revenue->row[i];

                others->withdrawals -= row->withdrawals;
                others->cash_yen -= row->cash_yen;
                others->customer_fee_yen -= row->customer_fee_yen;
                others->interbank_fee_yen -= row->interbank_fee_yen;
                others->tax_yen -= row->tax_yen;
                others->commission_yen -= row->commission_yen;
                if (row->before_yen.known)
                        others->before_yen = figure_subtract(others->before_yen, row->before_yen);
        }
        others->change_tenths = figure_change(figure_known(others->commission_yen), others->before_yen);
}

bool revenue_load(PGconn *connection, const struct revenue_question *question, struct revenue *ret_revenue,
                  char error[PG_ERROR_MAX])
{
        struct asked asked;
        PGresult *result;
        int rows;

        *ret_revenue = (struct revenue){.rows = 0};
        look_at(question, &asked);
        result = ret_revenue->held = ask(connection, &asked, error);
        if (!result)
                return false;
        rows = PQntuples(result) - 1; /* the last is the total */
        ret_revenue->row = calloc((size_t)rows + 1, sizeof(*ret_revenue->row));
        if (!ret_revenue->row) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return false;
        }
        for (int i = 0; i < rows; i++)
                take_row(result, i, &ret_revenue->row[i]);
        take_row(result, rows, &ret_revenue->total);
        ret_revenue->unpaired_yen = pg_number(result, rows, UNPAIRED);
        ret_revenue->rows = (size_t)rows;
        ret_revenue->more = rows ? (size_t)pg_number(result, 0, ALL_ROWS) - (size_t)rows : 0;
        if (ret_revenue->more)
                take_others(ret_revenue);
        ret_revenue->earlier_yen = pg_number(result, rows, EARLIER);
        return true;
}

void revenue_free(struct revenue *revenue)
{
        free(revenue->row);
        PQclear(revenue->held);
}
