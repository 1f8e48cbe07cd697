/*
 * card, account, exclusion. Card numbers come from files of mode 0600 or from standard input; the database
 * gets their tokens and masks alone, and messages show masks.
 */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/profile.h"
#include "rules/calendar.h"
#include "rules/reference.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/import.h"
#include "tools/atmctl/rows.h"

static const struct field import_columns[] = {
    {.name = "pan",
     .kind = VALUE_PAN,
     .flags = FIELD_KEY,
     .text = "the card's number; its token and mask are kept"},
    {.name = "expiry", .kind = VALUE_EXPIRY, .text = "the last month it is valid in"},
    {.name = "pin", .kind = VALUE_ANYTHING, .fallback = "", .text = "read past, never stored"},
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "the bank"},
    {.name = "balance_yen",
     .kind = VALUE_YEN,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "what its account of the house bank opens with; empty: it has none here"},
    {.name = NULL},
};
enum import_column { PAN, EXPIRY, PIN, ISSUER, BALANCE };

static const struct field account_columns[] = {
    {.name = "pan",
     .kind = VALUE_PAN,
     .flags = FIELD_KEY,
     .text = "the number of a card that is there already"},
    {.name = "balance_yen", .kind = VALUE_YEN, .text = "what its account opens with"},
    {.name = NULL},
};

static const struct field exclusion_columns[] = {
    {.name = "pan", .kind = VALUE_PAN, .flags = FIELD_KEY, .text = "the card's number"},
    {.name = "from", .kind = VALUE_DATE, .text = "the first day that it is refused"},
    {.name = "until",
     .kind = VALUE_DATE,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "the first day that it is served again, a year or more later; empty: renewed every year"},
    {.name = NULL},
};

/* For help only: import reads its files by the fields above. */
static const struct entity card_file = {.noun = "card", .plural = "cards", .fields = import_columns};
static const struct entity account_file = {
    .noun = "account", .plural = "accounts", .fields = account_columns};
static const struct entity exclusion_file = {
    .noun = "exclusion", .plural = "exclusions", .fields = exclusion_columns};

/* routes: whose cards numbers are ------------------------------------------------------------------------ */

struct routes {
        PGresult *issuers;
        PGresult *prefixes; /* longest first, of equal ones the latest */
};

static bool routes_load(struct database *database, struct routes *ret_routes)
{
        *ret_routes = (struct routes){
            .issuers = database_query(database, "SELECT issuer FROM issuer", 0, NULL),
            .prefixes = database_query(database,
                                       "SELECT prefix, issuer, kind FROM card_prefix "
                                       "ORDER BY length(prefix) DESC, prefix, from_on DESC",
                                       0, NULL),
        };
        return ret_routes->issuers && ret_routes->prefixes;
}

static void routes_free(struct routes *routes)
{
        PQclear(routes->issuers);
        PQclear(routes->prefixes);
}

static bool is_issuer(const struct routes *routes, const char *issuer)
{
        for (int i = 0; i < PQntuples(routes->issuers); i++) {
                if (!strcmp(PQgetvalue(routes->issuers, i, 0), issuer))
                        return true;
        }
        return false;
}

/* The row of the longest prefix that the number begins with; -1: none. */
static int find_route(const struct routes *routes, const char *pan)
{
        for (int i = 0; i < PQntuples(routes->prefixes); i++) {
                const char *prefix = PQgetvalue(routes->prefixes, i, 0);

                if (!strncmp(prefix, pan, strlen(prefix)))
                        return i;
        }
        return -1;
}

/* The kind of the card's prefix; NULL with what is wrong and in which column. */
static const char *route_kind(const struct routes *routes, const char *pan, const char *issuer,
                              enum import_column *ret_column, char *problem, size_t size)
{
        int route = find_route(routes, pan);

        if (!is_issuer(routes, issuer)) {
                *ret_column = ISSUER;
                snprintf(problem, size,
                         "the database has no such issuer: expected one that 'atmctl issuer list' shows");
                return NULL;
        }
        *ret_column = PAN;
        if (route < 0) {
                snprintf(problem, size,
                         "no prefix in the database begins this number: expected one that "
                         "'atmctl prefix list' shows");
                return NULL;
        }
        if (strcmp(PQgetvalue(routes->prefixes, route, 1), issuer)) {
                snprintf(
                    problem, size, "numbers that begin with %s are of issuer %s: expected one of issuer %s",
                    PQgetvalue(routes->prefixes, route, 0), PQgetvalue(routes->prefixes, route, 1), issuer);
                return NULL;
        }
        return PQgetvalue(routes->prefixes, route, 2);
}

/* imports ---------------------------------------------------------------------------------------------- */

struct card_import {
        struct database database;
        struct import import;
        struct token_key *key;
        struct routes routes;
};

/* Token and mask of the present row's number, to the stage. */
static void stage_card(struct card_import *work, struct stage *stage)
{
        uint8_t token[TOKEN_LENGTH];
        char text[TOKEN_TEXT], mask[20];
        const char *pan = work->import.value[PAN];

        token_of_pan(work->key, pan, token);
        token_print(token, text);
        pan_mask(pan, mask);
        stage_number(stage, work->import.csv.line);
        stage_value(stage, text);
        stage_value(stage, mask);
}

/* The columns that follow line, token and mask; false after a complaint. */
typedef bool stage_rest(struct card_import *work, struct stage *stage);

static bool stage_card_rest(struct card_import *work, struct stage *stage)
{
        char problem[256];
        enum import_column column;
        const char *kind = route_kind(&work->routes, work->import.value[PAN], work->import.value[ISSUER],
                                      &column, problem, sizeof(problem));

        if (!kind) {
                import_complain(&work->import, column, problem);
                return false;
        }
        stage_value(stage, work->import.value[EXPIRY]);
        stage_value(stage, work->import.value[ISSUER]);
        stage_value(stage, kind);
        stage_value(stage, work->import.value[BALANCE]);
        return true;
}

static bool stage_values_rest(struct card_import *work, struct stage *stage)
{
        for (size_t i = 1; i < work->import.count; i++)
                stage_value(stage, work->import.value[i]);
        return true;
}

static bool fill_stage(struct card_import *work, stage_rest *rest)
{
        struct stage stage;
        enum csv_result result;

        if (!stage_begin(&stage, &work->database))
                return false;
        while ((result = import_next(&work->import)) == CSV_ROW) {
                stage_card(work, &stage);
                if (!rest(work, &stage))
                        break;
                stage_row_end(&stage);
        }
        if (result == CSV_END)
                return stage_end(&stage);
        stage_abandon(&stage);
        return false;
}

/* A condition over the stage that no row may meet: SELECT line, pan_mask[, more] ... LIMIT 1. */
struct stage_check {
        const char *sql;
        const char *column;
        const char *problem; /* said after the mask; %s: the third column */
};

static bool run_checks(struct card_import *work, const struct stage_check *checks, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                PGresult *result = database_query(&work->database, checks[i].sql, 0, NULL);
                bool kept = result && !PQntuples(result);

                if (result && !kept) {
                        bool more = PQnfields(result) > 2;

                        csv_complain(&work->import.csv, atol(PQgetvalue(result, 0, 0)), checks[i].column,
                                     "'%s': %s%s", PQgetvalue(result, 0, 1), checks[i].problem,
                                     more ? PQgetvalue(result, 0, 2) : "");
                }
                PQclear(result);
                if (!kept)
                        return false;
        }
        return true;
}

/* What one kind of file does, from its stage to its tables. */
struct card_file {
        const struct field *fields;
        const char *create_stage;
        stage_rest *rest;
        const struct stage_check *checks;
        size_t check_count;
        const char *apply[2];
        const char *plural;
};

static bool import_within(struct card_import *work, const struct card_file *file)
{
        if (!database_execute(&work->database, "BEGIN", 0, NULL) ||
            !database_execute(&work->database, file->create_stage, 0, NULL) ||
            !routes_load(&work->database, &work->routes) || !fill_stage(work, file->rest))
                return false;
        progress("%llu rows read; checking", work->import.rows);
        if (!database_execute(&work->database, "ANALYZE pg_temp.stage", 0, NULL) ||
            !run_checks(work, file->checks, file->check_count))
                return false;
        progress("%llu rows read; storing", work->import.rows);
        for (size_t i = 0; i < sizeof(file->apply) / sizeof(*file->apply) && file->apply[i]; i++) {
                if (!database_execute(&work->database, file->apply[i], 0, NULL))
                        return false;
        }
        return database_execute(&work->database, "COMMIT", 0, NULL);
}

static int import_cards(const struct invocation *invocation, const struct card_file *file)
{
        struct card_import work = {.key = card_token_key(invocation)};
        int exit_code = EXIT_FAILED;

        if (!work.key)
                return EXIT_FAILED;
        if (!database_open(&work.database, invocation, DATABASE_READY))
                goto free_key;
        if (!import_open(&work.import, invocation_value(invocation, "file"), file->fields, true))
                goto disconnect;
        if (import_within(&work, file)) {
                progress_end();
                printf("%s: %llu new\n", file->plural, work.import.rows);
                exit_code = EXIT_DONE;
        } else {
                note("nothing was imported");
        }
        routes_free(&work.routes);
        import_close(&work.import);
disconnect:
        database_close(&work.database);
free_key:
        token_key_free(work.key);
        return exit_code;
}

#define TWICE_IN_FILE                                                                                        \
        {                                                                                                    \
                "SELECT line, pan_mask, first FROM (SELECT line, pan_mask, min(line) OVER (PARTITION BY "    \
                "card_token) AS first "                                                                      \
                "FROM pg_temp.stage) s WHERE line > first ORDER BY line LIMIT 1",                            \
                    "pan", "expected each card once: the same card is on line "                              \
        }

static int card_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            TWICE_IN_FILE,
            {"SELECT line, s.pan_mask FROM pg_temp.stage s JOIN card c USING (card_token) ORDER BY line "
             "LIMIT 1",
             "pan", "the database has this card already: expected new cards only"},
        };
        static const struct card_file file = {
            import_columns,
            "CREATE TEMPORARY TABLE stage (line bigint, card_token uuid, pan_mask text, expiry_yymm text, "
            "issuer text, "
            "kind text, balance_yen bigint) ON COMMIT DROP",
            stage_card_rest,
            checks,
            sizeof(checks) / sizeof(*checks),
            /* in the order of the token: the indexes grow at their end */
            {"INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm, kind) "
             "SELECT card_token, issuer, pan_mask, expiry_yymm, kind FROM pg_temp.stage ORDER BY card_token",
             "INSERT INTO account (card_token, opening_yen, balance_yen) SELECT card_token, balance_yen, "
             "balance_yen "
             "FROM pg_temp.stage WHERE balance_yen IS NOT NULL ORDER BY card_token"},
            "cards"};

        return import_cards(invocation, &file);
}

static int account_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            TWICE_IN_FILE,
            {"SELECT line, pan_mask FROM pg_temp.stage s WHERE NOT EXISTS (SELECT FROM card c WHERE "
             "c.card_token = s.card_token) ORDER BY line LIMIT 1",
             "pan", "the database has no such card: expected one that 'atmctl card import' brought"},
            {"SELECT line, pan_mask FROM pg_temp.stage s JOIN account a USING (card_token) ORDER BY line "
             "LIMIT 1",
             "pan", "the card has an account already: expected cards without one"},
        };
        static const struct card_file file = {account_columns,
                                              "CREATE TEMPORARY TABLE stage (line bigint, card_token uuid, "
                                              "pan_mask text, balance_yen bigint) ON COMMIT DROP",
                                              stage_values_rest,
                                              checks,
                                              sizeof(checks) / sizeof(*checks),
                                              {"INSERT INTO account (card_token, opening_yen, balance_yen) "
                                               "SELECT card_token, balance_yen, balance_yen "
                                               "FROM pg_temp.stage ORDER BY card_token"},
                                              "accounts"};

        return import_cards(invocation, &file);
}

static int exclusion_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            {"SELECT line, pan_mask, first FROM (SELECT line, pan_mask, min(line) OVER (PARTITION BY "
             "card_token, from_on) "
             "AS first FROM pg_temp.stage) s WHERE line > first ORDER BY line LIMIT 1",
             "pan", "expected each exclusion once: the same card and day are on line "},
            {"SELECT line, pan_mask FROM pg_temp.stage WHERE from_on < DATE '2020-04-01' ORDER BY line LIMIT "
             "1",
             "from", "expected 2020-04-01 or later: there was no self-exclusion before"},
            {"SELECT line, pan_mask FROM pg_temp.stage WHERE until_on < from_on + INTERVAL '1 year' ORDER BY "
             "line LIMIT 1",
             "until", "expected a year or more after 'from'"},
            {"SELECT line, pan_mask FROM pg_temp.stage s JOIN exclusion e USING (card_token, from_on) "
             "ORDER BY line LIMIT 1",
             "from", "the database has an exclusion of this card from that day already"},
        };
        static const struct card_file file = {
            exclusion_columns,
            "CREATE TEMPORARY TABLE stage (line bigint, card_token uuid, pan_mask text, from_on date, "
            "until_on date) "
            "ON COMMIT DROP",
            stage_values_rest,
            checks,
            sizeof(checks) / sizeof(*checks),
            {"INSERT INTO exclusion (card_token, from_on, until_on) SELECT card_token, from_on, until_on "
             "FROM pg_temp.stage"},
            "exclusions"};

        return import_cards(invocation, &file);
}

/* one card ----------------------------------------------------------------------------------------------- */

static const struct output_column card_output[] = {
    {"card_token", OUTPUT_TEXT, 0}, {"pan_mask", OUTPUT_TEXT, 0}, {"issuer", OUTPUT_TEXT, 0},
    {"expiry", OUTPUT_TEXT, 0},     {"kind", OUTPUT_TEXT, 0},     {"status", OUTPUT_TEXT, 0},
    {"excluded", OUTPUT_BOOL, 0},
};
#define CARD_COLUMNS                                                                                         \
        "card_token, pan_mask, issuer, expiry_yymm, kind, status, EXISTS (SELECT FROM exclusion e WHERE "    \
        "e.card_token = c.card_token AND e.from_on <= $1::date AND (e.until_on IS NULL OR e.until_on > "     \
        "$1::date))"

static const struct output_column account_output[] = {{"card_token", OUTPUT_TEXT, 0},
                                                      {"balance_yen", OUTPUT_YEN, 0}};

static bool print_today(const struct invocation *invocation, char ret_day[11])
{
        int32_t day;

        if (!business_today(invocation, &day))
                return false;
        calendar_print_day(day, ret_day);
        return true;
}

static int card_show(const struct invocation *invocation)
{
        char token[TOKEN_TEXT], today[11];
        const char *parameters[] = {today, token};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!print_today(invocation, today))
                return EXIT_FAILED;
        return rows_print(invocation, &(struct rows_query){.sql = "SELECT " CARD_COLUMNS
                                                                  " FROM card c WHERE card_token = $2::uuid",
                                                           .count = 2,
                                                           .parameters = parameters,
                                                           .columns = card_output,
                                                           .column_count = LENGTH(card_output),
                                                           .shape = OUTPUT_ONE,
                                                           .absent = "the database has no such card"});
}

static int card_list(const struct invocation *invocation)
{
        char today[11], limit_text[24];
        int64_t limit;
        const char *parameters[] = {today, limit_text, invocation_value(invocation, "issuer"),
                                    invocation_value(invocation, "status"),
                                    invocation_value(invocation, "expiry")};

        if (!print_today(invocation, today))
                return EXIT_FAILED;
        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        return rows_print(
            invocation,
            &(struct rows_query){
                .sql = "SELECT " CARD_COLUMNS " FROM card c WHERE ($3::text IS NULL OR issuer = $3) AND "
                       "($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR expiry_yymm = $5) "
                       "ORDER BY card_token LIMIT $2::bigint",
                .count = LENGTH(parameters),
                .parameters = parameters,
                .columns = card_output,
                .column_count = LENGTH(card_output),
                .limit = limit});
}

static int account_show(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return rows_print(
            invocation,
            &(struct rows_query){
                .sql = "SELECT card_token, balance_yen FROM v_account WHERE card_token = $1::uuid",
                .count = 1,
                .parameters = parameters,
                .columns = account_output,
                .column_count = LENGTH(account_output),
                .shape = OUTPUT_ONE,
                .absent = "the card has no account of the house bank"});
}

static int account_list(const struct invocation *invocation)
{
        char limit_text[24];
        int64_t limit;
        const char *parameters[] = {limit_text, invocation_value(invocation, "below")};

        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        return rows_print(invocation,
                          &(struct rows_query){.sql = "SELECT card_token, balance_yen FROM v_account WHERE "
                                                      "($2::bigint IS NULL OR balance_yen < $2) "
                                                      "ORDER BY card_token LIMIT $1::bigint",
                                               .count = LENGTH(parameters),
                                               .parameters = parameters,
                                               .columns = account_output,
                                               .column_count = LENGTH(account_output),
                                               .limit = limit});
}

/* Run one change of one card; `nothing`: the complaint where it touched no row. */
static int change_card(const struct invocation *invocation, const char *sql, int count,
                       const char *const *parameters, const char *what, const char *nothing)
{
        struct database database;
        PGresult *result;
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        result = database_query(&database, sql, count, parameters);
        if (result && !atoi(PQcmdTuples(result))) {
                complain("%s: %s", invocation_name(invocation), nothing);
        } else if (result) {
                printf("card %s: %s\n", parameters[0], what);
                exit_code = EXIT_DONE;
        }
        PQclear(result);
        database_close(&database);
        return exit_code;
}

static int card_set(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token, invocation_value(invocation, "status"),
                                    invocation_value(invocation, "expiry")};
        int exit_code;

        if (!parameters[1] && !parameters[2])
                return usage_error(invocation->command,
                                   "nothing is to be changed: expected --status or --expiry");
        exit_code = card_token_given(invocation, token);
        if (exit_code != EXIT_DONE)
                return exit_code;
        return change_card(
            invocation,
            "UPDATE card SET status = coalesce($2::text, status), expiry_yymm = coalesce($3::text, "
            "expiry_yymm) WHERE card_token = $1::uuid",
            LENGTH(parameters), parameters, "changed", "the database has no such card");
}

/* The number on standard input, of a card that is to be made: its token, mask and kind. */
struct new_card {
        char token[TOKEN_TEXT], mask[20], kind[16];
};

static bool read_new_card(const struct invocation *invocation, struct database *database,
                          struct new_card *ret_card)
{
        struct token_key *key = card_token_key(invocation);
        struct routes routes = {0};
        char pan[CARD_NUMBER_TEXT], problem[256];
        enum import_column column;
        uint8_t token[TOKEN_LENGTH];
        const char *kind = NULL;

        if (!key)
                return false;
        if (!card_number_read(pan) || !routes_load(database, &routes))
                goto done;
        kind = route_kind(&routes, pan, invocation_value(invocation, "issuer"), &column, problem,
                          sizeof(problem));
        if (!kind) {
                complain("%s: --%s: %s", invocation_name(invocation), column == ISSUER ? "issuer" : "card",
                         problem);
                goto done;
        }
        token_of_pan(key, pan, token);
        token_print(token, ret_card->token);
        pan_mask(pan, ret_card->mask);
        snprintf(ret_card->kind, sizeof(ret_card->kind), "%s", kind);
done:
        OPENSSL_cleanse(pan, sizeof(pan));
        routes_free(&routes);
        token_key_free(key);
        return kind != NULL;
}

static bool insert_card(struct database *database, const struct invocation *invocation,
                        const struct new_card *card)
{
        const char *balance = invocation_value(invocation, "balance-yen");
        const char *of_card[] = {card->token, invocation_value(invocation, "issuer"), card->mask,
                                 invocation_value(invocation, "expiry"), card->kind};
        const char *of_account[] = {card->token, balance};
        PGresult *result;
        bool added;

        if (!database_execute(database, "BEGIN", 0, NULL))
                return false;
        result = database_query(database,
                                "INSERT INTO card (card_token, issuer, pan_mask, expiry_yymm, kind) "
                                "VALUES ($1::uuid, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                                LENGTH(of_card), of_card);
        added = result && atoi(PQcmdTuples(result)) == 1;
        if (result && !added)
                complain("card add: the database has card %s already", card->mask);
        PQclear(result);
        return added &&
               (!balance ||
                database_execute(database,
                                 "INSERT INTO account (card_token, opening_yen, balance_yen) VALUES "
                                 "($1::uuid, $2::bigint, $2::bigint)",
                                 LENGTH(of_account), of_account)) &&
               database_execute(database, "COMMIT", 0, NULL);
}

static int card_add(const struct invocation *invocation)
{
        struct database database;
        struct new_card card;
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        if (read_new_card(invocation, &database, &card) && insert_card(&database, invocation, &card)) {
                printf("card %s: added\n", card.token);
                exit_code = EXIT_DONE;
        }
        database_close(&database);
        return exit_code;
}

static int account_add(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token, invocation_value(invocation, "balance-yen")};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return change_card(invocation,
                           "INSERT INTO account (card_token, opening_yen, balance_yen) "
                           "SELECT card_token, $2::bigint, $2::bigint FROM card WHERE card_token = $1::uuid "
                           "ON CONFLICT DO NOTHING",
                           LENGTH(parameters), parameters, "has an account now",
                           "the database has no such card, or it has an account already");
}

/* exclusion ------------------------------------------------------------------------------------------------
 */

static int exclusion_add(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *from = invocation_value(invocation, "from");
        const char *parameters[] = {token, from, invocation_value(invocation, "until")};
        int exit_code;

        if (strcmp(from, "2020-04-01") < 0)
                return usage_error(
                    invocation->command,
                    "--from %s: expected 2020-04-01 or later: there was no self-exclusion before", from);
        exit_code = card_token_given(invocation, token);
        if (exit_code != EXIT_DONE)
                return exit_code;
        return change_card(
            invocation,
            "INSERT INTO exclusion (card_token, from_on, until_on) VALUES ($1::uuid, $2::date, $3::date) "
            "ON CONFLICT DO NOTHING",
            LENGTH(parameters), parameters, "excluded", "the card is excluded from that day already");
}

/* It is renewed year by year, so it can end only when a year does: on the first anniversary from that day on.
 */
static int exclusion_end(const struct invocation *invocation)
{
        char token[TOKEN_TEXT], today[11];
        const char *on = invocation_value(invocation, "on");
        const char *parameters[] = {token, on ? on : today};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!print_today(invocation, today))
                return EXIT_FAILED;
        return change_card(
            invocation,
            "UPDATE exclusion SET until_on = (SELECT min(d::date) FROM generate_series(1, 200) n, "
            "LATERAL (SELECT from_on + make_interval(years => n) AS d) y WHERE d >= $2::date) "
            "WHERE card_token = $1::uuid AND until_on IS NULL AND from_on <= $2::date",
            LENGTH(parameters), parameters, "its exclusion ends with its running year",
            "the card has no exclusion that runs on that day without an end");
}

static const struct output_column exclusion_output[] = {{"card_token", OUTPUT_TEXT, 0},
                                                        {"from", OUTPUT_TEXT, 0},
                                                        {"until", OUTPUT_TEXT, 0},
                                                        {"pan_mask", OUTPUT_TEXT, 0}};
#define EXCLUSION_COLUMNS                                                                                    \
        "SELECT e.card_token, e.from_on, e.until_on, c.pan_mask FROM exclusion e LEFT JOIN card c USING "    \
        "(card_token)"

static int exclusion_show(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return rows_print(
            invocation,
            &(struct rows_query){.sql = EXCLUSION_COLUMNS " WHERE e.card_token = $1::uuid ORDER BY e.from_on",
                                 .count = 1,
                                 .parameters = parameters,
                                 .columns = exclusion_output,
                                 .column_count = LENGTH(exclusion_output),
                                 .absent = "the card has no exclusion"});
}

static int exclusion_list(const struct invocation *invocation)
{
        char limit_text[24];
        int64_t limit;
        const char *parameters[] = {limit_text, invocation_value(invocation, "date")};

        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        return rows_print(invocation,
                          &(struct rows_query){.sql = EXCLUSION_COLUMNS
                                               " WHERE $2::date IS NULL OR (e.from_on <= $2::date AND "
                                               "(e.until_on IS NULL OR e.until_on > $2::date)) ORDER BY "
                                               "e.from_on, e.card_token LIMIT $1::bigint",
                                               .count = LENGTH(parameters),
                                               .parameters = parameters,
                                               .columns = exclusion_output,
                                               .column_count = LENGTH(exclusion_output),
                                               .limit = limit});
}

/* rows ------------------------------------------------------------------------------------------------------
 */

static const struct field new_card_fields[] = {
    {.name = "card",
     .kind = VALUE_PAN_STDIN,
     .flags = FIELD_REQUIRED,
     .text = "its number is the first line of standard input"},
    {.name = "expiry",
     .kind = VALUE_EXPIRY,
     .flags = FIELD_REQUIRED,
     .text = "the last month it is valid in"},
    {.name = "issuer", .kind = VALUE_ISSUER, .flags = FIELD_REQUIRED, .text = "the bank"},
    {.name = "balance-yen", .kind = VALUE_YEN, .text = "open an account of the house bank with so much"},
    {.name = NULL},
};
static const struct field card_change_fields[] = {
    {.name = "status", .kind = VALUE_CARD_STATUS, .text = "whether it may be used"},
    {.name = "expiry", .kind = VALUE_EXPIRY, .text = "the last month it is valid in"},
    {.name = NULL},
};
static const struct field card_filter_fields[] = {
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "of this bank"},
    {.name = "status", .kind = VALUE_CARD_STATUS, .text = "in this state"},
    {.name = "expiry", .kind = VALUE_EXPIRY, .text = "that expire then"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};
static const struct field account_filter_fields[] = {
    {.name = "below", .kind = VALUE_YEN, .text = "with less than this"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};
static const struct field new_account_fields[] = {
    {.name = "balance-yen", .kind = VALUE_YEN, .flags = FIELD_REQUIRED, .text = "what it opens with"},
    {.name = NULL},
};
static const struct field new_exclusion_fields[] = {
    {.name = "from",
     .kind = VALUE_DATE,
     .flags = FIELD_REQUIRED,
     .text = "the first day that the card is refused"},
    {.name = "until",
     .kind = VALUE_DATE,
     .text = "the first day that it is served again; renewed every year unless given"},
    {.name = NULL},
};
static const struct field exclusion_end_fields[] = {
    {.name = "on",
     .kind = VALUE_DATE,
     .text = "the holder asked for it on this day; business today unless given"},
    {.name = NULL},
};
static const struct field exclusion_filter_fields[] = {
    {.name = "date", .kind = VALUE_DATE, .text = "in force on this day"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};

#define FILE_FLAGS (COMMAND_DATABASE | COMMAND_TOKEN_KEY)
#define CARD_FLAGS (COMMAND_DATABASE | COMMAND_TOKEN_KEY | COMMAND_CARD)

static const struct command commands[] = {
    {.noun = "card",
     .verb = "import",
     .text = "import cards from CSV, and the accounts that they open",
     .more = "The file must be readable by its owner alone. PostgreSQL gets a keyed hash of each number and "
             "its first 6 "
             "and last 4 digits; PINs are read past.",
     .flags = FILE_FLAGS,
     .run = card_import,
     .shape = SHAPE_IMPORT,
     .entity = &card_file},
    {.noun = "card",
     .verb = "add",
     .text = "add a card",
     .flags = FILE_FLAGS,
     .run = card_add,
     .fields = new_card_fields},
    {.noun = "card",
     .verb = "set",
     .text = "change a card: only what the options name",
     .flags = CARD_FLAGS,
     .run = card_set,
     .fields = card_change_fields},
    {.noun = "card",
     .verb = "show",
     .text = "show a card",
     .flags = CARD_FLAGS | COMMAND_OUTPUT | COMMAND_CLOCK,
     .run = card_show},
    {.noun = "card",
     .verb = "list",
     .text = "list cards",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CLOCK,
     .run = card_list,
     .fields = card_filter_fields},
    {.noun = "account",
     .verb = "import",
     .text = "open accounts of the house bank for cards that are there already",
     .flags = FILE_FLAGS,
     .run = account_import,
     .shape = SHAPE_IMPORT,
     .entity = &account_file},
    {.noun = "account",
     .verb = "add",
     .text = "open an account for a card that is there already",
     .flags = CARD_FLAGS,
     .run = account_add,
     .fields = new_account_fields},
    {.noun = "account",
     .verb = "show",
     .text = "show a card's account",
     .more = "Example: head -n 1 numbers | atmctl account show --card - --format json\n"
             "prints {\"card_token\":\"...\",\"balance_yen\":200000}",
     .flags = CARD_FLAGS | COMMAND_OUTPUT,
     .run = account_show},
    {.noun = "account",
     .verb = "list",
     .text = "list accounts",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = account_list,
     .fields = account_filter_fields},
    {.noun = "exclusion",
     .verb = "import",
     .text = "import self-exclusions of cards from CSV",
     .flags = FILE_FLAGS,
     .run = exclusion_import,
     .shape = SHAPE_IMPORT,
     .entity = &exclusion_file},
    {.noun = "exclusion",
     .verb = "add",
     .text = "bar a card because its holder asks for it, by the year",
     .flags = CARD_FLAGS,
     .run = exclusion_add,
     .fields = new_exclusion_fields},
    {.noun = "exclusion",
     .verb = "end",
     .text = "end a card's exclusion when its running year is over",
     .flags = CARD_FLAGS | COMMAND_CLOCK,
     .run = exclusion_end,
     .fields = exclusion_end_fields},
    {.noun = "exclusion",
     .verb = "show",
     .text = "show a card's exclusions",
     .flags = CARD_FLAGS | COMMAND_OUTPUT,
     .run = exclusion_show},
    {.noun = "exclusion",
     .verb = "list",
     .text = "list exclusions",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = exclusion_list,
     .fields = exclusion_filter_fields},
};

const struct command_group group_card = {commands, sizeof(commands) / sizeof(*commands), "Cards"};
