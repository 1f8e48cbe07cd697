/* A database of its own for a test: see world.h. */
#include "tests/contract/world.h"

#include <check.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/reference_load.h"
#include "lib/base/hex.h"
#include "rules/calendar.h"

#define RICH 100000000

#define WORLD_TEMPLATE "contract_template"

const struct world_card world_cards[WORLD_CARDS + WORLD_SPARE_CARDS] = {
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
    {"990004", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL}, /* a bank over a link */
    {"990004", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL},
    {"990004", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL},
    {"990004", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL},
    {"990005", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL}, /* another */
    {"990005", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL},
    {"990006", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, RICH, NULL,
     NULL}, /* here or there, by date */
    {"990006", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, true, true, 50000, NULL, NULL},
    {"990004", "3012", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, "2020-04-02", NULL},
#define SPARE(prefix)                                                                                        \
        {                                                                                                    \
                prefix, "3111", CARD_CASH, MEMORY_CARD_ACTIVE, false, false, 0, NULL, NULL                   \
        }
#define SPARES SPARE("990001"), SPARE("990004")
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
    SPARES,
};

const char *const world_links[WORLD_LINKS] = {"BANKA", "BANKB"};

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

void world_pin_value(int card, char buffer[PIN_VALUE_MAX + 1])
{
        *buffer = '\0';
        if (card >= WORLD_PIN_CARD && card < WORLD_PIN_CARD + WORLD_PIN_CARDS)
                snprintf(buffer, PIN_VALUE_MAX + 1, "%04d", 4321 + card);
}

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
                ck_abort_msg("no PostgreSQL for the test (is PGHOST set? see run.sh): %s",
                             PQerrorMessage(pg));
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

PGconn *world_session(const struct world *world, const char *user)
{
        char conninfo[300];

        snprintf(conninfo, sizeof conninfo, "dbname=%s%s%s", world->name, user ? " user=" : "",
                 user ? user : "");
        return connect_to(conninfo);
}

void world_run(PGconn *pg, const char *sql)
{
        PQclear(run(pg, sql));
}

static char *read_file(const char *path)
{
        char *text = NULL;
        size_t size = 0;
        FILE *in = fopen(path, "r");

        ck_assert_msg(in != NULL, "%s: can't be opened", path);
        ck_assert_msg(getdelim(&text, &size, '\0', in) > 0, "%s: empty", path);
        fclose(in);
        return text;
}

static void run_file(PGconn *pg, const char *path)
{
        char *sql = read_file(path);

        PQclear(run(pg, sql));
        free(sql);
}

void world_file(struct world *world, const char *name)
{
        char path[300];

        snprintf(path, sizeof path, SOURCE_DIR "/sql/%s", name);
        run_file(world->admin, path);
}

/* The files as psql -f takes them, owned as `atmctl db init` has them owned. */
static void migrate(PGconn *pg)
{
        glob_t files;

        ck_assert_int_eq(glob(SOURCE_DIR "/sql/[0-9]*.sql", 0, NULL, &files), 0);
        for (size_t i = 0; i < files.gl_pathc; i++) {
                run_file(pg, files.gl_pathv[i]);
                if (i == 0) {
                        PQclear(run(pg, "DO $$ BEGIN CREATE ROLE " WORLD_OPERATOR
                                        " LOGIN IN ROLE atm_operator; EXCEPTION WHEN duplicate_object OR "
                                        "unique_violation THEN "
                                        "NULL; END $$"));
                        PQclear(run(pg, "DO $$ BEGIN CREATE ROLE " WORLD_KEEPER
                                        " LOGIN IN ROLE atm_keys; EXCEPTION WHEN duplicate_object OR "
                                        "unique_violation THEN "
                                        "NULL; END $$"));
                        PQclear(run(pg, "GRANT CREATE ON SCHEMA public TO atm_owner; SET ROLE atm_owner"));
                }
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
        char error[PG_ERROR_MAX];

        ck_assert_int_lt(world->reference_count, WORLD_REFERENCES);
        if (!reference_read(world->admin, &world->references[world->reference_count], error))
                ck_abort_msg("%s", error);
        world->reference_count++;
}

const struct reference *world_reference(const struct world *world)
{
        return world->references[world->reference_count - 1];
}

static void print_token(int card, char text[2 * CARD_TOKEN_LENGTH + 1])
{
        uint8_t token[CARD_TOKEN_LENGTH];

        world_token(card, token);
        hex_print(token, CARD_TOKEN_LENGTH, text);
}

static void insert_card(struct world *world, int place)
{
        const struct world_card *card = &world_cards[place];
        static const char *const status[] = {"active", "lost", "stolen"};
        char text[2 * CARD_TOKEN_LENGTH + 1], pin_value[PIN_VALUE_MAX + 1];

        print_token(place, text);
        world_pin_value(place, pin_value);
        if (card->in_bank)
                world_sql(world,
                          "INSERT INTO card VALUES ('%s', 'HOUSE', '990001******%04d', '%s', '%s', '%s')",
                          text, place, card->expiry_yymm, card_kind_name[card->kind], status[card->status]);
        if (card->has_account)
                world_sql(world,
                          "UPDATE card SET opening_yen = %" PRId64 ", balance_yen = %" PRId64
                          " WHERE card_token = '%s'",
                          card->balance_yen, card->balance_yen, text);
        if (*pin_value)
                world_sql(world, "UPDATE card SET pin_value = '%s' WHERE card_token = '%s'", pin_value, text);
        if (card->excluded_from)
                world_sql(world, "INSERT INTO exclusion VALUES ('%s', '%s', %s%s%s)", text,
                          card->excluded_from, card->excluded_until ? "'" : "",
                          card->excluded_until ? card->excluded_until : "NULL",
                          card->excluded_until ? "'" : "");
}

static void remember_card(struct world *world, int place)
{
        const struct world_card *card = &world_cards[place];
        uint8_t token[CARD_TOKEN_LENGTH];
        int32_t from, until = INT32_MAX;
        char pin_value[PIN_VALUE_MAX + 1];

        world_token(place, token);
        world_pin_value(place, pin_value);
        if (card->in_bank) {
                memory_add_card(world->memory, token, card->expiry_yymm, card->kind);
                memory_set_card_status(world->memory, token, card->status);
        }
        if (card->has_account)
                memory_add_account(world->memory, token, card->balance_yen);
        if (*pin_value)
                memory_set_pin(world->memory, token, pin_value);
        if (card->excluded_from) {
                ck_assert(calendar_parse_day(card->excluded_from, &from));
                ck_assert(!card->excluded_until || calendar_parse_day(card->excluded_until, &until));
                memory_add_exclusion(world->memory, token, from, until);
        }
}

int64_t world_real_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t given_ms; /* world_set_clock */

static int64_t on_real_ms(void *context)
{
        (void)context;
        return (given_ms ? given_ms : world_real_ms()) - 1; /* the memory adds it: no moment is 0 */
}

void world_set_clock(struct world *world, int64_t now_ms)
{
        char text[24] = "";

        given_ms = now_ms;
        if (now_ms)
                snprintf(text, sizeof(text), "%" PRId64, now_ms);
        world_sql(world, "SET contract.now_ms = '%s'", text);
}

void world_age(struct world *world, int64_t ms)
{
        memory_age(world->memory, ms);
        world_sql(world,
                  "UPDATE open_withdrawal SET asked_ms = asked_ms - %1$" PRId64 ";"
                  "UPDATE withdrawal SET approved_at = approved_at - %1$" PRId64 " * interval '1 ms';"
                  "UPDATE bank_outcome SET approved_at = approved_at - %1$" PRId64 " * interval '1 ms';"
                  "UPDATE advice SET recorded_at = recorded_at - %1$" PRId64 " * interval '1 ms'",
                  ms);
}

const char *world_resolve(struct world *world, const struct ledger_identity *identity, int64_t dispensed_yen,
                          int64_t advice_ms, int64_t youngest_ms)
{
        const char *kept =
            memory_operator_resolve(world->memory, identity, dispensed_yen, advice_ms, youngest_ms);
        char sql[512], *stored;

        world_sql(world, "UPDATE instance_limit SET atm_wait_s = %" PRId64 ", atm_dispense_s = 0",
                  youngest_ms / 1000);
        snprintf(sql, sizeof sql,
                 "SELECT coalesce(r_refusal, 'done') FROM operator_resolve('%s', to_timestamp(%" PRId64
                 " / 1000.0), %" PRId32 ", %" PRId64 ", false, to_timestamp(%" PRId64 " / 1000.0), false)",
                 identity->terminal, identity->transmitted_ms, identity->stan, dispensed_yen, advice_ms);
        stored = world_query(world, sql);
        stored[strcspn(stored, "\n")] = '\0';
        ck_assert_str_eq(stored, kept ? kept : "done");
        free(stored);
        return kept;
}

/* As SQL writes it: quoted, or NULL. */
static const char *quoted(const char *text, char buffer[16])
{
        if (!text)
                return "NULL";
        snprintf(buffer, 16, "'%s'", text);
        return buffer;
}

static const char *bank_of(int card)
{
        return !strcmp(world_cards[card].prefix, "990004")   ? "A"
               : !strcmp(world_cards[card].prefix, "990005") ? "B"
                                                             : "HOUSE";
}

/* A new number of the house bank comes with a PIN's value, whether or not its bank wants PINs. */
static const char *new_pin_value(int card)
{
        return strcmp(bank_of(card), "HOUSE") ? NULL : "97531";
}

void world_replace_text(int old_card, int new_card, const char *expiry_yymm, enum memory_card_status status,
                        char *buffer, size_t size)
{
        static const char *const names[] = {NULL, "lost", "stolen", "replaced"};
        char from[2 * CARD_TOKEN_LENGTH + 1], to[2 * CARD_TOKEN_LENGTH + 1], expiry[16], why[16],
            pin_value[16];

        print_token(old_card, from);
        print_token(new_card, to);
        snprintf(buffer, size,
                 "SELECT coalesce(r_problem, 'done') FROM card_replace(ARRAY['%s'::uuid], "
                 "ARRAY['990001******%04d'], ARRAY['%s'], ARRAY['cash'], ARRAY['%s'::uuid], "
                 "ARRAY['%s******%04d'], ARRAY['cash'], ARRAY['%s'], ARRAY[%s::text], ARRAY[%s::text], "
                 "ARRAY[%s::text])",
                 from, old_card, bank_of(old_card), to, world_cards[new_card].prefix, new_card,
                 bank_of(new_card), quoted(expiry_yymm, expiry), quoted(names[status], why),
                 quoted(new_pin_value(new_card), pin_value));
}

bool world_unblock(struct world *world, int card)
{
        uint8_t token[CARD_TOKEN_LENGTH];
        char text[2 * CARD_TOKEN_LENGTH + 1], sql[128];
        bool kept;
        PGresult *result;

        world_token(card, token);
        print_token(card, text);
        kept = memory_card_unblock(world->memory, token);
        snprintf(sql, sizeof sql, "SELECT card_unblock('%s')", text);
        result = PQexec(world->admin, sql);
        ck_assert_msg((PQresultStatus(result) == PGRES_TUPLES_OK) == kept,
                      "%s differs: PostgreSQL says '%s', memory %s", sql, PQresultErrorMessage(result),
                      kept ? "does it" : "refuses");
        PQclear(result);
        return kept;
}

const char *world_replace(struct world *world, int old_card, int new_card, const char *expiry_yymm,
                          enum memory_card_status status)
{
        uint8_t from[CARD_TOKEN_LENGTH], to[CARD_TOKEN_LENGTH];
        const struct memory_replacement replacement = {.old_token = from,
                                                       .new_token = to,
                                                       .is_house = !strcmp(bank_of(new_card), "HOUSE"),
                                                       .is_same_bank =
                                                           !strcmp(bank_of(old_card), bank_of(new_card)),
                                                       .expiry_yymm = expiry_yymm,
                                                       .status = status,
                                                       .pin_value = new_pin_value(new_card)};
        char sql[1024], *stored;
        const char *kept;

        world_token(old_card, from);
        world_token(new_card, to);
        kept = memory_card_replace(world->memory, &replacement);
        world_replace_text(old_card, new_card, expiry_yymm, status, sql, sizeof sql);
        stored = world_query(world, sql);
        stored[strcspn(stored, "\n")] = '\0';
        ck_assert_str_eq(stored, kept ? kept : "done");
        free(stored);
        return kept;
}

static void open_ledgers(struct world *world)
{
        struct ledger_pg_options options = {
            .conninfo = world->conninfo,
            .token_check_value = "00000000000000000000000000000000",
            .connections = 2,
            .batch_max = 64,
            .queue_max = 100000,
            .reference_poll_ms = 60000,
            .answer_timeout_ms = 30000,
            .times = {.wait_ms = WORLD_WAIT_MS, .correct_ms = WORLD_CORRECT_MS},
            .on_message = on_message,
            .context = world,
        };
        struct ledger_mem_options in_memory = {.queue_max = 100000, .batch_max = 64, .times = options.times};
        char error[LEDGER_PG_ERROR_MAX];

        world->base = event_base_new();
        ck_assert_ptr_nonnull(world->base);
        world->hosts = pg_hosts_new(world->base, NULL, world->conninfo);
        ck_assert_ptr_nonnull(world->hosts);
        options.hosts = world->hosts;
        for (int i = 0; i < WORLD_INSTANCES; i++) {
                world->pg[i] = ledger_pg_new(world->base, &options, error);
                if (!world->pg[i])
                        ck_abort_msg("%s", error);
        }
        world->mem = ledger_mem_new(world->memory, &in_memory);
}

static bool has_database(PGconn *pg, const char *name)
{
        char sql[256];
        PGresult *result;
        bool has;

        snprintf(sql, sizeof sql, "SELECT FROM pg_database WHERE datname = '%s'", name);
        result = run(pg, sql);
        has = PQntuples(result) > 0;
        PQclear(result);
        return has;
}

static void copy_database(PGconn *pg, const char *name, const char *template)
{
        char sql[256];

        snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY", name, template);
        PQclear(run(pg, sql));
}

static PGconn *connect_to_database(const char *name)
{
        char conninfo[256];

        snprintf(conninfo, sizeof conninfo, "dbname=%s", name);
        return connect_to(conninfo);
}

static void make_first_template(PGconn *pg)
{
        PGconn *fresh;

        PQclear(run(pg, "CREATE DATABASE " WORLD_TEMPLATE));
        fresh = connect_to_database(WORLD_TEMPLATE);
        migrate(fresh);
        run_file(fresh, SOURCE_DIR "/tests/contract/world.sql");
        PQfinish(fresh);
}

/* The same with cards, and with partitions from one day to another. */
static void make_template(PGconn *pg, const char *name, const char *from, const char *to)
{
        struct world fresh = {.admin = NULL};

        copy_database(pg, name, WORLD_TEMPLATE);
        fresh.admin = connect_to_database(name);
        /* what people's programs say of everything they do; and a business day after all of the tests' */
        world_sql(&fresh,
                  "SET atm.person = 'test'; SET atm.note = 'a test'; "
                  "INSERT INTO business_clock VALUES (true, 1640995200000, %" PRId64 ", 1)",
                  world_real_ms());
        world_sql(&fresh, "SELECT ledger_make_partitions('%s', '%s')", from, to);
        for (int card = 0; card < WORLD_CARDS; card++)
                insert_card(&fresh, card);
        PQfinish(fresh.admin);
}

/* Templates are made by whoever comes first; others wait for it. Nobody may be connected to one while it is copied. */
static void make_database(struct world *world, const char *from, const char *to)
{
        char template[64], sql[256];

        PQclear(run(world->server, "SELECT pg_advisory_lock(hashtext('" WORLD_TEMPLATE "'))"));
        if (!has_database(world->server, WORLD_TEMPLATE))
                make_first_template(world->server);
        snprintf(template, sizeof template, WORLD_TEMPLATE "_%.4s%.2s%.2s_%.4s%.2s%.2s", from, from + 5,
                 from + 8, to, to + 5, to + 8);
        if (!has_database(world->server, template))
                make_template(world->server, template, from, to);
        snprintf(world->name, sizeof world->name, "contract_%d", (int)getpid());
        snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", world->name);
        PQclear(run(world->server, sql));
        copy_database(world->server, world->name, template);
        PQclear(run(world->server, "SELECT pg_advisory_unlock(hashtext('" WORLD_TEMPLATE "'))"));
}

void world_open(struct world *world, const char *from, const char *to)
{
        *world = (struct world){.verbose = getenv("ATM_TEST_VERBOSE") != NULL};
        world->server = connect_to("");
        make_database(world, from, to);
        snprintf(world->conninfo, sizeof world->conninfo, "dbname=%s user=atm_daemon", world->name);
        world->admin = connect_to_database(world->name);
        world_sql(world,
                  "ALTER DATABASE %s SET atm.person = 'test'; ALTER DATABASE %s SET atm.note = 'a test'; "
                  "SET atm.person = 'test'; SET atm.note = 'a test'",
                  world->name, world->name);
        load_reference(world);
        world->memory = memory_database_new(world_reference(world));
        world->memory->clock_ms = on_real_ms;
        for (int card = 0; card < WORLD_CARDS; card++)
                remember_card(world, card);
        open_ledgers(world);
}

void world_close(struct world *world)
{
        char sql[256];

        for (int i = 0; i < WORLD_INSTANCES; i++)
                ledger_free(world->pg[i]);
        ledger_free(world->mem);
        pg_hosts_free(world->hosts);
        event_base_free(world->base);
        memory_database_free(world->memory);
        for (int i = 0; i < world->reference_count; i++)
                reference_free(world->references[i]);
        PQfinish(world->admin);
        snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", world->name);
        PQclear(run(world->server, sql));
        PQfinish(world->server);
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
                if (reference_version(ledger_reference(world->pg[i])) !=
                    reference_version(world_reference(world)))
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

bool world_change_stored(struct world *world, const char *sql)
{
        PGresult *result = PQexec(world->admin, sql);
        bool is_done = PQresultStatus(result) == PGRES_COMMAND_OK;

        ck_assert_msg(is_done || strstr(PQresultErrorMessage(result), "already priced"), "%s: %s", sql,
                      PQresultErrorMessage(result));
        PQclear(result);
        return is_done;
}

void world_change_kept(struct world *world, bool is_done, const char *sql,
                       const struct memory_priced *question)
{
        bool is_refused = question && memory_is_priced(world->memory, question);

        ck_assert_msg(is_done != is_refused, "%s: PostgreSQL %s it, the memory %s it", sql,
                      is_done ? "takes" : "refuses", is_refused ? "refuses" : "takes");
        if (!is_done)
                return;
        load_reference(world);
        memory_set_reference(world->memory, world_reference(world));
}

bool world_change(struct world *world, const char *sql, const struct memory_priced *question)
{
        bool is_done = world_change_stored(world, sql);

        world_change_kept(world, is_done, sql, question);
        return is_done;
}

/* banks --------------------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What was taken, as the query of world_saf_take says it. */
static char *print_taken(const struct memory_taken *taken, size_t count)
{
        static const char *const kinds[] = {"completion", "partial", "reversal"};
        char **lines = calloc(count + 1, sizeof *lines), *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (size_t i = 0; i < count; i++) {
                const struct memory_notice *n = &taken[i].notice;
                char chip[2 * CHIP_DATA_MAX + 1];

                hex_print(taken[i].chip.bytes, taken[i].chip.length, chip);
                ck_assert_int_ge(asprintf(&lines[i],
                                          "%s|%" PRId64 "|%" PRId32 "|%d|%s|%" PRId64 "|%" PRId64 "|%" PRId64
                                          "|%s|%" PRId32 "|%s",
                                          taken[i].identity.terminal, taken[i].identity.transmitted_ms,
                                          taken[i].identity.stan, n->seq, kinds[n->kind], n->amount_yen,
                                          n->charge_yen, n->dispensed_yen, n->why, n->attempts, chip),
                                 0);
        }
        qsort(lines, count, sizeof *lines, compare_texts);
        for (size_t i = 0; i < count; i++) {
                fprintf(out, "%s\n", lines[i]);
                free(lines[i]);
        }
        fclose(out);
        free(lines);
        return text;
}

size_t world_saf_take(struct world *world, const char *link, const char *holder, int64_t now_ms, size_t max,
                      struct memory_taken *taken)
{
        size_t count;
        char *kept, *stored, sql[640];

        world_set_clock(world, now_ms);
        count = memory_saf_take(world->memory, link, holder, WORLD_LEASE_MS, WORLD_FIRST_MS, WORLD_LONGEST_MS,
                                max, taken);
        kept = print_taken(taken, count);

        snprintf(sql, sizeof sql,
                 "SELECT line FROM (SELECT concat_ws('|', r_terminal, (extract(epoch FROM r_transmitted_at) "
                 "* 1000)::bigint, r_stan,"
                 " r_seq, r_kind, r_amount_yen, r_charge_yen, r_dispensed_yen, r_why, r_attempts,"
                 " coalesce(encode(r_chip, 'hex'), '')) AS line"
                 " FROM saf_take('%s', '%s', %d, %d, %d, %zu)) taken ORDER BY line COLLATE \"C\"",
                 link, holder, WORLD_LEASE_MS, WORLD_FIRST_MS, WORLD_LONGEST_MS, max);
        stored = world_query(world, sql);
        ck_assert_msg(strcmp(stored, kept) == 0,
                      "taken for %s by %s at %" PRId64 "\n  from PostgreSQL:\n%s  from memory:\n%s", link,
                      holder, now_ms, stored, kept);
        world_set_clock(world, 0);
        free(stored);
        free(kept);
        return count;
}

int world_saf_end(struct world *world, const struct memory_ended *ended, size_t count, int64_t now_ms)
{
        char *sql = NULL;
        size_t size;
        FILE *out = open_memstream(&sql, &size);
        int by_memory;

        world_set_clock(world, now_ms);
        by_memory = memory_saf_end(world->memory, ended, count);
        fprintf(out, "SELECT saf_end(array_agg(a), array_agg(to_timestamp(b / 1000.0)), array_agg(c),"
                     " array_agg(d::smallint), array_agg(e), array_agg(f)) FROM (VALUES "
                     "(NULL::text, 0::bigint, 0, 0, NULL::text, NULL::text)");
        for (size_t i = 0; i < count; i++) {
                const struct memory_ended *e = &ended[i];

                fprintf(out, ", ('%s', %" PRId64 ", %" PRId32 ", %d, '%s', '%s')", e->identity.terminal,
                        e->identity.transmitted_ms, e->identity.stan, e->seq, notice_verdict_name[e->verdict],
                        e->said);
        }
        fprintf(out, ") v (a, b, c, d, e, f) WHERE a IS NOT NULL");
        fclose(out);
        if (count)
                ck_assert_int_eq(world_number(world, sql), by_memory);
        world_set_clock(world, 0);
        free(sql);
        return by_memory;
}

int world_sweep(struct world *world, int64_t asked_before_ms, int64_t now_ms)
{
        int64_t age_ms = now_ms - asked_before_ms + 1;
        char sql[128];
        int by_memory;

        world_set_clock(world, now_ms);
        by_memory = memory_sweep(world->memory, age_ms, 100000);
        snprintf(sql, sizeof sql, "SELECT ledger_sweep(%" PRId64 ", 100000)", age_ms);
        ck_assert_int_eq(world_number(world, sql), by_memory);
        world_set_clock(world, 0);
        return by_memory;
}

void world_sum_up(struct world *world, int32_t day_last)
{
        char day[11];

        calendar_print_day(day_last, day);
        memory_sum_up(world->memory, day_last);
        world_sql(world, "SELECT summary_extend('%s')", day);
        world_sql(world, "DO $$ BEGIN WHILE summary_step(true) IS NOT NULL LOOP END LOOP; END $$");
}

void world_enter_costs(struct world *world)
{
        world_sql(world, "INSERT INTO cost SELECT DISTINCT quarter_of(p.from_on), i.item, 0 "
                         "FROM ledger_partition p CROSS JOIN books b "
                         "CROSS JOIN unnest(ARRAY['cash_in_transit', 'network', 'maintenance', "
                         "'depreciation', 'sga', 'capex']) i (item) "
                         "WHERE p.from_on > coalesce(b.closed_through, '-infinity') "
                         "AND NOT EXISTS (SELECT FROM cost c WHERE c.quarter = quarter_of(p.from_on) AND "
                         "c.item = i.item)");
}

const char *world_close_books(struct world *world, int32_t day, bool force)
{
        const char *kept = memory_period_close(world->memory, day, force);
        char text[11], sql[128], *stored;

        world_enter_costs(world);
        calendar_print_day(day, text);
        snprintf(sql, sizeof sql,
                 "SELECT coalesce(r_refusal, 'done') FROM period_close(quarter_of('%s'::date), %s)", text,
                 force ? "true" : "false");
        stored = world_query(world, sql);
        stored[strcspn(stored, "\n")] = '\0';
        ck_assert_str_eq(stored, kept ? kept : "done");
        free(stored);
        return kept;
}

bool world_operator_saf(struct world *world, bool park, const struct ledger_identity *identity, int seq,
                        int64_t now_ms)
{
        char sql[512];
        bool by_memory;

        world_set_clock(world, now_ms);
        by_memory = memory_operator_saf(world->memory, park, identity, seq);
        snprintf(sql, sizeof sql,
                 "SELECT operator_saf(%s, ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
                 " / 1000.0)], ARRAY[%" PRId32 "], ARRAY[%d::smallint])",
                 park ? "true" : "false", identity->terminal, identity->transmitted_ms, identity->stan, seq);
        ck_assert_int_eq(world_number(world, sql), by_memory);
        world_set_clock(world, 0);
        return by_memory;
}

/* rows ---------------------------------------------------------------------------------------------- */

char *world_rows(struct world *world)
{
        char *sql = read_file(SOURCE_DIR "/tests/contract/rows.sql");
        char *rows = world_query(world, sql);

        free(sql);
        return rows;
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
                ck_abort_msg("%s: the rows differ, from here on:\n  PostgreSQL: %s\n  memory:     %s", what,
                             in_stored, in_kept);
        }
        free(stored);
        free(kept);
}

char *world_contradictions(struct world *world)
{
        char *sql = read_file(SOURCE_DIR "/tests/contract/sums.sql");
        char *found = world_query(world, sql);

        free(sql);
        return found;
}

void world_check_sums(struct world *world)
{
        char *found = world_contradictions(world);

        if (*found)
                ck_abort_msg("the tables contradict each other:\n%.4000s", found);
        free(found);
}
