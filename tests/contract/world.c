/* A database of its own for a test: see world.h. */
#include "tests/contract/world.h"

#include <check.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/reference_load.h"
#include "rules/calendar.h"

#define RICH 100000000

const struct world_card world_cards[WORLD_CARDS] = {
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990002", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL}, /* a bank with hours */
        {"990002", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, 10108, NULL, NULL}, /* once, by day */
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, 60000, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, 0, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_LOST, true, true, RICH, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_STOLEN, true, true, RICH, NULL, NULL},
        {"990001", "1509", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL}, /* expires early */
        {"990001", "3012", CARD_CREDIT, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL},
        {"990003", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL}, /* credit by prefix */
        {"880000", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL, NULL}, /* no route */
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, false, 0, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, "2020-04-01", NULL},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, "2020-04-02", "2021-04-02"},
        {"990001", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, 200000, "2020-04-05", NULL},
};

const char *const world_terminals[WORLD_TERMINALS] = {
        "T0000001", "T0000002", "T0000003", "T0000004", "T0000005", "T9999999",
};

void world_pan(int card, char buffer[17])
{
        snprintf(buffer, 17, "%s%010d", world_cards[card].prefix, card);
}

void world_token(int card, uint8_t ret_token[CARD_TOKEN_LENGTH])
{
        memset(ret_token, 0, CARD_TOKEN_LENGTH);
        /* in another order than the cards' own */
        ret_token[0] = (uint8_t)(card * 167 + 13);
        ret_token[CARD_TOKEN_LENGTH - 1] = (uint8_t)(card + 1);
}

static const char reference_rows[] =
        "INSERT INTO area VALUES ('kanto', '関東'), ('kansai', '関西');"
        "INSERT INTO hall VALUES ('H00001', 'one', 'kanto', '東京都', 0, 1440, 0),"
        "        ('H00002', 'two', 'kansai', '大阪府', 600, 1200, 1234), ('H-3', 'three', 'kanto', 'Chiba', 0, 1440, 10000);"
        "INSERT INTO atm VALUES ('T0000001', 'H00001', true), ('T0000002', 'H00002', true), ('T0000003', 'H-3', true),"
        "        ('T0000004', 'H00001', false), ('T0000005', NULL, true);"
        "INSERT INTO issuer VALUES ('HOUSE', 'House bank', 0, 1440), ('OTHER', 'Other bank', 540, 1080);"
        "INSERT INTO card_prefix VALUES ('990001', '2007-07-01', 'HOUSE', 'cash'), ('990002', '2007-07-01', 'OTHER', 'cash'),"
        "        ('990003', '2007-07-01', 'HOUSE', 'credit');"
        "INSERT INTO tariff VALUES ('HOUSE', 'day', '2007-07-01', 100, 100), ('HOUSE', 'other', '2007-07-01', 200, 100),"
        "        ('OTHER', 'day', '2007-07-01', 0, 155), ('OTHER', 'other', '2007-07-01', 0, 155),"
        "        ('OTHER', 'day', '2016-01-01', 75, 99), ('OTHER', 'other', '2016-01-01', 157, 99);"
        "INSERT INTO tax_rate VALUES ('1997-04-01', 500, 'down'), ('2014-04-01', 800, 'down'), ('2019-10-01', 1000, 'down');"
        "INSERT INTO holiday VALUES ('2015-09-21', 'package', 'x'), ('2015-09-22', 'package', 'x'), ('2017-01-01', 'package', 'x'),"
        "        ('2017-01-02', 'package', 'x');"
        "INSERT INTO limit_rule VALUES ('day_yen', '2007-07-01', 30000), ('month_yen', '2009-04-01', 150000),"
        "        ('month_yen', '2015-09-01', 80000), ('day_count', '2020-04-01', 2);"
        "INSERT INTO network_hours VALUES ('2007-07-01', 'weekday', 480, 1260), ('2007-07-01', 'off', 540, 1020),"
        "        ('2016-01-01', 'off', 480, 1260)";

/* SQL ----------------------------------------------------------------------------------------------- */

static void quiet(void *context, const char *message)
{
        (void)context;
        (void)message;
}

static PGconn *connect_to(const char *conninfo)
{
        PGconn *pg = PQconnectdb(conninfo);

        if (PQstatus(pg) != CONNECTION_OK)
                ck_abort_msg("no PostgreSQL for the test (is PGHOST set? see run.sh): %s", PQerrorMessage(pg));
        PQsetNoticeProcessor(pg, quiet, NULL);
        return pg;
}

static PGresult *run(PGconn *pg, const char *sql)
{
        PGresult *result = PQexec(pg, sql);

        if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
                ck_abort_msg("%.200s: %s", sql, PQerrorMessage(pg));
        return result;
}

void world_sql(struct world *world, const char *format, ...)
{
        va_list arguments;
        char *sql;

        va_start(arguments, format);
        ck_assert_int_ge(vasprintf(&sql, format, arguments), 0);
        va_end(arguments);
        PQclear(run(world->admin, sql));
        free(sql);
}

char *world_query(struct world *world, const char *sql)
{
        PGresult *result = run(world->admin, sql);
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (int row = 0; row < PQntuples(result); row++)
                fprintf(out, "%s\n", PQgetvalue(result, row, 0));
        fclose(out);
        PQclear(result);
        return text;
}

int64_t world_number(struct world *world, const char *sql)
{
        char *text = world_query(world, sql);
        int64_t number = strtoll(text, NULL, 10);

        free(text);
        return number;
}

static void run_file(PGconn *pg, const char *path)
{
        char *sql = NULL;
        size_t size = 0;
        FILE *in = fopen(path, "r");

        ck_assert_msg(in != NULL, "%s: can't be opened", path);
        ck_assert_msg(getdelim(&sql, &size, '\0', in) > 0, "%s: empty", path);
        fclose(in);
        PQclear(run(pg, sql));
        free(sql);
}

/* The files as psql -f takes them, owned as `atmctl db init` has them owned. */
static void migrate(PGconn *pg)
{
        glob_t files;

        ck_assert_int_eq(glob(SOURCE_DIR "/sql/[0-9]*.sql", 0, NULL, &files), 0);
        for (size_t i = 0; i < files.gl_pathc; i++) {
                run_file(pg, files.gl_pathv[i]);
                if (i == 0)
                        PQclear(run(pg, "GRANT CREATE ON SCHEMA public TO atm_owner; SET ROLE atm_owner"));
        }
        PQclear(run(pg, "RESET ROLE"));
        globfree(&files);
}

/* the world ----------------------------------------------------------------------------------------- */

static void on_message(void *context, bool is_problem, const char *text)
{
        struct world *world = context;

        world->problems += is_problem;
        if (world->verbose)
                fprintf(stderr, "ledger: %s\n", text);
}

static void load_reference(struct world *world)
{
        char error[REFERENCE_ERROR_MAX];
        PGresult *result = run(world->admin, "SELECT section, cell FROM reference_snapshot(0)");

        ck_assert_int_lt(world->reference_count, WORLD_REFERENCES);
        if (reference_load(result, &world->references[world->reference_count], error) != REFERENCE_LOADED)
                ck_abort_msg("reference data: %s", error);
        world->reference_count++;
        PQclear(result);
}

const struct reference *world_reference(const struct world *world)
{
        return world->references[world->reference_count - 1];
}

static void add_card(struct world *world, int place)
{
        const struct world_card *card = &world_cards[place];
        static const char *const status[] = {"active", "lost", "stolen"};
        uint8_t token[CARD_TOKEN_LENGTH];
        char text[2 * CARD_TOKEN_LENGTH + 1];
        int32_t from, until = INT32_MAX;

        world_token(place, token);
        for (int i = 0; i < CARD_TOKEN_LENGTH; i++)
                snprintf(text + (size_t)i * 2, 3, "%02x", token[i]);
        if (!card->in_bank)
                return;
        world_sql(world, "INSERT INTO card VALUES ('%s', 'HOUSE', '990001******%04d', '%s', '%s', '%s')", text, place,
                  card->expiry_yymm, card_kind_name[card->kind], status[card->status]);
        memory_add_card(world->memory, token, card->expiry_yymm, card->kind);
        memory_set_card_status(world->memory, token, card->status);
        if (card->has_account) {
                world_sql(world, "INSERT INTO account VALUES ('%s', %" PRId64 ", %" PRId64 ")", text,
                          card->balance_yen, card->balance_yen);
                memory_add_account(world->memory, token, card->balance_yen);
        }
        if (card->excluded_from) {
                world_sql(world, "INSERT INTO exclusion VALUES ('%s', '%s', %s%s%s)", text, card->excluded_from,
                          card->excluded_until ? "'" : "", card->excluded_until ? card->excluded_until : "NULL",
                          card->excluded_until ? "'" : "");
                ck_assert(calendar_parse_day(card->excluded_from, &from));
                ck_assert(!card->excluded_until || calendar_parse_day(card->excluded_until, &until));
                memory_add_exclusion(world->memory, token, from, until);
        }
}

static void open_ledgers(struct world *world)
{
        struct ledger_pg_options options = {
                .conninfo = world->conninfo,
                .connections = 2,
                .batch_max = 64,
                .queue_max = 100000,
                .reference_poll_ms = 60000,
                .on_message = on_message,
                .context = world,
        };
        struct ledger_mem_options in_memory = {.queue_max = 100000, .batch_max = 64};
        char error[LEDGER_PG_ERROR_MAX];

        world->base = event_base_new();
        ck_assert_ptr_nonnull(world->base);
        for (int i = 0; i < WORLD_INSTANCES; i++) {
                world->pg[i] = ledger_pg_new(world->base, &options, error);
                if (!world->pg[i])
                        ck_abort_msg("%s", error);
        }
        world->mem = ledger_mem_new(world->memory, &in_memory);
}

/* The template is made by whoever comes first; the tests run one after the other. */
static void make_database(struct world *world)
{
        PGconn *pg = connect_to("");
        PGresult *result = run(pg, "SELECT FROM pg_database WHERE datname = 'contract_template'");
        char sql[256];

        if (PQntuples(result) == 0) {
                PGconn *fresh;

                PQclear(run(pg, "CREATE DATABASE contract_template"));
                fresh = connect_to("dbname=contract_template");
                migrate(fresh);
                PQclear(run(fresh, reference_rows));
                PQfinish(fresh);
        }
        PQclear(result);
        snprintf(world->name, sizeof world->name, "contract_%d", (int)getpid());
        snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", world->name);
        PQclear(run(pg, sql));
        snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE contract_template", world->name);
        PQclear(run(pg, sql));
        PQfinish(pg);
}

void world_open(struct world *world, const char *from, const char *to)
{
        char conninfo[256];

        *world = (struct world){.verbose = getenv("ATM_TEST_VERBOSE") != NULL};
        make_database(world);
        snprintf(conninfo, sizeof conninfo, "dbname=%s", world->name);
        snprintf(world->conninfo, sizeof world->conninfo, "dbname=%s user=atm_daemon", world->name);
        world->admin = connect_to(conninfo);
        world_sql(world, "SELECT ledger_make_partitions('%s', '%s')", from, to);
        load_reference(world);
        world->memory = memory_database_new(world_reference(world));
        for (int card = 0; card < WORLD_CARDS; card++)
                add_card(world, card);
        open_ledgers(world);
}

void world_close(struct world *world)
{
        char sql[256];
        PGconn *pg;

        for (int i = 0; i < WORLD_INSTANCES; i++)
                ledger_free(world->pg[i]);
        ledger_free(world->mem);
        event_base_free(world->base);
        memory_database_free(world->memory);
        for (int i = 0; i < world->reference_count; i++)
                reference_free(world->references[i]);
        PQfinish(world->admin);
        pg = connect_to("");
        snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", world->name);
        PQclear(run(pg, sql));
        PQfinish(pg);
}

static void on_timeout(evutil_socket_t socket, short what, void *context)
{
        (void)socket;
        (void)what;
        *(bool *)context = true;
}

/* Until the condition holds. */
static void wait_until(struct world *world, bool (*is_reached)(struct world *world, const void *context),
                       const void *context, const char *what)
{
        bool is_over = false;
        struct timeval minute = {.tv_sec = 60};
        struct event *timer = evtimer_new(world->base, on_timeout, &is_over);

        event_add(timer, &minute);
        while (!is_reached(world, context) && !is_over)
                event_base_loop(world->base, EVLOOP_ONCE);
        event_free(timer);
        if (is_over)
                ck_abort_msg("a minute later still %s", what);
}

static bool nothing_pends(struct world *world, const void *pending)
{
        (void)world;
        return *(const int *)pending == 0;
}

void world_wait(struct world *world, const int *pending)
{
        wait_until(world, nothing_pends, pending, "not every op is answered");
}

static bool all_know(struct world *world, const void *context)
{
        (void)context;
        for (int i = 0; i < WORLD_INSTANCES; i++) {
                if (reference_version(ledger_reference(world->pg[i])) != reference_version(world_reference(world)))
                        return false;
        }
        return true;
}

void world_refresh(struct world *world)
{
        load_reference(world);
        memory_set_reference(world->memory, world_reference(world));
        ledger_mem_poll(world->mem);
        for (int i = 0; i < WORLD_INSTANCES; i++)
                ledger_pg_reload(world->pg[i]);
        wait_until(world, all_know, NULL, "the reference data are the old ones");
}

/* rows ---------------------------------------------------------------------------------------------- */

#define MS(column) "(extract(epoch FROM " column ") * 1000)::bigint"
#define TOKEN(column) "replace(" column "::text, '-', '')"
#define OR_NULL(column) "coalesce(" column "::text, '-')"

static const char rows_sql[] =
        "SELECT line FROM ("
        "SELECT concat_ws('|', 'withdrawal', terminal, " MS("transmitted_at") ", stan, reason, processing_code,"
        " amount_yen, coalesce(" TOKEN("card_token") ", '-'), " OR_NULL("pan_mask") ", " OR_NULL("issuer") ", "
        OR_NULL("band") ", " OR_NULL("hall") ", business_date, " OR_NULL("tariff_from") ", " OR_NULL("tax_rate_bp") ","
        " customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, "
        OR_NULL("approval_code") ") AS line FROM withdrawal "
        "UNION ALL SELECT concat_ws('|', 'open_withdrawal', terminal, " MS("transmitted_at") ", stan, "
        TOKEN("card_token") ", amount_yen) FROM open_withdrawal "
        "UNION ALL SELECT concat_ws('|', 'advice', terminal, " MS("transmitted_at") ", stan, seq, kind, "
        MS("advice_at") ", advice_stan, " OR_NULL("why") ", amount_yen, dispensed_yen, state_before, state, counted_yen,"
        " commission) FROM advice "
        "UNION ALL SELECT concat_ws('|', 'commission', terminal, " MS("transmitted_at") ", stan, seq, sign, hall,"
        " business_date, issuer, band, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen,"
        " interbank_tax_yen, hall_share_yen) FROM commission "
        "UNION ALL SELECT concat_ws('|', 'card_month', " TOKEN("card_token") ", month, cash_yen) FROM card_month "
        "UNION ALL SELECT concat_ws('|', 'card_day', " TOKEN("card_token") ", day, cash_yen, withdrawals) FROM card_day "
        "UNION ALL SELECT concat_ws('|', 'account', " TOKEN("card_token") ", opening_yen, balance_yen) FROM account "
        "UNION ALL SELECT concat_ws('|', 'revenue_rollup', terminal, business_date, hall, issuer, band, withdrawals,"
        " cash_yen, customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen)"
        " FROM revenue_rollup "
        "UNION ALL SELECT concat_ws('|', 'exception_record', terminal, " MS("advice_at") ", advice_stan, kind, "
        MS("transmitted_at") ", stan, what, amount_yen, dispensed_yen) FROM exception_record"
        ") lines ORDER BY line COLLATE \"C\"";

char *world_rows(struct world *world)
{
        return world_query(world, rows_sql);
}

/* The first line that differs, of each; both texts are cut there. */
static void find_difference(char *a, char *b, const char **ret_a, const char **ret_b)
{
        char *line_a = a, *line_b = b;

        while (*a && *a == *b) {
                if (*a == '\n') {
                        line_a = a + 1;
                        line_b = b + 1;
                }
                a++;
                b++;
        }
        line_a[strcspn(line_a, "\n")] = '\0';
        line_b[strcspn(line_b, "\n")] = '\0';
        *ret_a = *line_a ? line_a : "(nothing)";
        *ret_b = *line_b ? line_b : "(nothing)";
}

void world_same_rows(struct world *world, const char *what)
{
        char *stored = world_rows(world), *kept = NULL;
        const char *in_stored, *in_kept;
        size_t size;
        FILE *out = open_memstream(&kept, &size);

        memory_print(world->memory, out);
        fclose(out);
        if (strcmp(stored, kept) != 0) {
                find_difference(stored, kept, &in_stored, &in_kept);
                ck_abort_msg("%s: the rows differ, from here on:\n  PostgreSQL: %s\n  memory:     %s", what, in_stored,
                             in_kept);
        }
        free(stored);
        free(kept);
}

/* Each query names what is wrong; none may return a row. */
static const char *const sums_sql[] = {
        /* what each card used, from history */
        "WITH ended AS (SELECT w.*, coalesce(a.state, 'approved') AS state, coalesce(a.counted_yen, w.amount_yen) AS cash"
        "  FROM withdrawal w LEFT JOIN LATERAL (SELECT * FROM advice a WHERE (a.terminal, a.transmitted_at, a.stan)"
        "    = (w.terminal, w.transmitted_at, w.stan) ORDER BY seq DESC LIMIT 1) a ON true WHERE w.reason = 0),"
        " used AS (SELECT *, CASE WHEN state = 'approved' THEN amount_yen WHEN state = 'completed' THEN cash ELSE 0 END AS"
        "  counts FROM ended),"
        " days AS (SELECT card_token, business_date AS day, sum(counts) AS cash, count(*) FILTER (WHERE state <> 'reversed') AS n"
        "  FROM used GROUP BY 1, 2),"
        " months AS (SELECT card_token, date_trunc('month', business_date::timestamp)::date AS month, sum(counts) AS cash"
        "  FROM used GROUP BY 1, 2),"
        " spent AS (SELECT card_token, sum(counts + CASE WHEN state <> 'reversed' THEN customer_fee_yen + customer_tax_yen"
        "  ELSE 0 END) AS yen FROM used GROUP BY 1)"
        " SELECT 'card_day ' || coalesce(d.card_token, x.card_token) FROM card_day d FULL JOIN days x USING (card_token, day)"
        "  WHERE d.cash_yen IS DISTINCT FROM x.cash OR d.withdrawals IS DISTINCT FROM x.n"
        " UNION ALL SELECT 'card_month ' || coalesce(m.card_token, x.card_token) FROM card_month m FULL JOIN months x"
        "  USING (card_token, month) WHERE coalesce(m.cash_yen, -1) <> coalesce(x.cash, 0)"
        " UNION ALL SELECT 'account ' || a.card_token FROM account a LEFT JOIN spent s USING (card_token)"
        "  WHERE a.balance_yen <> a.opening_yen - coalesce(s.yen, 0)"
        " UNION ALL SELECT 'open_withdrawal ' || coalesce(o.terminal, u.terminal) FROM open_withdrawal o"
        "  FULL JOIN (SELECT * FROM used WHERE state = 'approved') u USING (terminal, transmitted_at, stan)"
        "  WHERE o.terminal IS NULL OR u.terminal IS NULL",
        /* I3: commission rows sum to the tariff's where cash was dispensed, to nothing otherwise */
        "SELECT 'commission ' || w.terminal || ' ' || w.stan FROM withdrawal w"
        " LEFT JOIN LATERAL (SELECT * FROM advice a WHERE (a.terminal, a.transmitted_at, a.stan)"
        "   = (w.terminal, w.transmitted_at, w.stan) ORDER BY seq DESC LIMIT 1) a ON true"
        " LEFT JOIN LATERAL (SELECT sum(customer_fee_yen) AS fee, sum(interbank_tax_yen) AS tax FROM commission c"
        "   WHERE (c.terminal, c.transmitted_at, c.stan) = (w.terminal, w.transmitted_at, w.stan)) c ON true"
        " WHERE coalesce(c.fee, 0) <> CASE WHEN a.state = 'completed' THEN w.customer_fee_yen ELSE 0 END"
        " OR coalesce(c.tax, 0) <> CASE WHEN a.state = 'completed' THEN w.interbank_tax_yen ELSE 0 END",
        /* I6: the roll-up is the sum of commission rows and of the cash of completed withdrawals */
        "WITH earned AS (SELECT terminal, business_date, hall, issuer, band, sum(sign) AS n, sum(customer_fee_yen) AS fee,"
        "  sum(customer_tax_yen) AS tax, sum(interbank_fee_yen) AS bank, sum(interbank_tax_yen) AS bank_tax,"
        "  sum(hall_share_yen) AS share FROM commission GROUP BY 1, 2, 3, 4, 5),"
        " cash AS (SELECT w.terminal, w.business_date, w.hall, w.issuer, w.band, sum(a.counted_yen) AS yen FROM withdrawal w"
        "  JOIN LATERAL (SELECT * FROM advice a WHERE (a.terminal, a.transmitted_at, a.stan) = (w.terminal,"
        "   w.transmitted_at, w.stan) ORDER BY seq DESC LIMIT 1) a ON a.state = 'completed' GROUP BY 1, 2, 3, 4, 5)"
        " SELECT 'revenue_rollup ' || coalesce(r.terminal, e.terminal) FROM revenue_rollup r"
        " FULL JOIN earned e USING (terminal, business_date, hall, issuer, band)"
        " LEFT JOIN cash c USING (terminal, business_date, hall, issuer, band)"
        " WHERE (r.withdrawals, r.cash_yen, r.customer_fee_yen, r.customer_tax_yen, r.interbank_fee_yen,"
        "  r.interbank_tax_yen, r.hall_share_yen) IS DISTINCT FROM (e.n, coalesce(c.yen, 0), e.fee, e.tax, e.bank,"
        "  e.bank_tax, e.share)",
        /* I4, with the limits of world.c */
        "SELECT 'limit of the day ' || card_token FROM card_day WHERE cash_yen > 30000"
        " OR (day >= '2020-04-01' AND withdrawals > 2)"
        " UNION ALL SELECT 'limit of the month ' || card_token FROM card_month"
        " WHERE cash_yen > CASE WHEN month >= '2015-09-01' THEN 80000 ELSE 150000 END",
};

void world_check_sums(struct world *world)
{
        for (size_t i = 0; i < sizeof sums_sql / sizeof sums_sql[0]; i++) {
                char *found = world_query(world, sums_sql[i]);

                if (*found)
                        ck_abort_msg("the tables contradict each other:\n%s", found);
                free(found);
        }
}
