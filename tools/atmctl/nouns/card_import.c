/*
 * Files of cards, accounts and exclusions: card numbers become tokens and masks on their way to the stage,
 * so that the database never sees one. The time is the database's: of a card's some 0.1 ms most is for its
 * rows in the trail, the rest for the check of its issuer.
 */
#include "tools/atmctl/nouns/card_import.h"

#include <stdlib.h>

#include "lib/db/pg_query.h"
#include "protocol/profile.h"
#include "tools/atmctl/nouns/card_routes.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/change.h"
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
     .kind = VALUE_BALANCE,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "what its account of the house bank opens with; empty: it has none here"},
    {.name = "pin_value",
     .kind = VALUE_PIN_VALUE,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text =
         "what its PIN is compared with: the PVV, or the offset, by its issuer's method; empty: nothing yet"},
    {.name = NULL},
};
enum import_column { PAN, EXPIRY, PIN, ISSUER, BALANCE, PIN_VALUE };

static const struct field account_columns[] = {
    {.name = "pan",
     .kind = VALUE_PAN,
     .flags = FIELD_KEY,
     .text = "the number of a card that is there already"},
    {.name = "balance_yen", .kind = VALUE_BALANCE, .text = "what its account opens with"},
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

static const struct field pin_columns[] = {
    {.name = "pan",
     .kind = VALUE_PAN,
     .flags = FIELD_KEY,
     .text = "the number of a card that is there already"},
    {.name = "pin_value", .kind = VALUE_PIN_VALUE, .text = "what its PIN is compared with from now on"},
    {.name = NULL},
};

const struct entity card_file = {.noun = "card", .plural = "cards", .fields = import_columns};
const struct entity account_file = {.noun = "account", .plural = "accounts", .fields = account_columns};
const struct entity pin_file = {.noun = "pin", .plural = "PINs", .fields = pin_columns};
const struct entity exclusion_file = {
    .noun = "exclusion", .plural = "exclusions", .fields = exclusion_columns};

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
        enum route_fault fault;
        const char *kind = route_kind(&work->routes, work->import.value[PAN], work->import.value[ISSUER],
                                      &fault, problem, sizeof(problem));

        if (!kind) {
                import_complain(&work->import, fault == ROUTE_ISSUER ? ISSUER : PAN, problem);
                return false;
        }
        stage_value(stage, work->import.value[EXPIRY]);
        stage_value(stage, work->import.value[ISSUER]);
        stage_value(stage, kind);
        stage_value(stage, work->import.value[BALANCE]);
        stage_value(stage, work->import.value[PIN_VALUE]);
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

                        csv_complain(&work->import.csv, (long)pg_number(result, 0, 0), checks[i].column,
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
        const char *apply;
        const char *plural, *done; /* "3 new" */
};

static bool import_within(const struct invocation *invocation, struct card_import *work,
                          const struct card_file *file)
{
        if (!change_begin(&work->database) ||
            !database_execute(&work->database, file->create_stage, 0, NULL) ||
            !routes_load(&work->database, &work->routes) || !fill_stage(work, file->rest))
                return false;
        progress("%llu rows read; checking", work->import.rows);
        if (!database_execute(&work->database, "ANALYZE pg_temp.stage", 0, NULL) ||
            !run_checks(work, file->checks, file->check_count))
                return false;
        progress("%llu rows read; storing", work->import.rows);
        return database_execute(&work->database, file->apply, 0, NULL) &&
               change_commit(&work->database, invocation);
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
        if (import_within(invocation, &work, file)) {
                progress_end();
                change_say(invocation, "%s: %llu %s\n", file->plural, work.import.rows, file->done);
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

#define UNKNOWN_CARD                                                                                         \
        {                                                                                                    \
                "SELECT line, pan_mask FROM pg_temp.stage s WHERE NOT EXISTS (SELECT FROM card c WHERE "     \
                "c.card_token = s.card_token) ORDER BY line LIMIT 1",                                        \
                    "pan", "the database has no such card: expected one that 'atmctl card import' brought"   \
        }
#define REPLACED_CARD                                                                                        \
        {                                                                                                    \
                "SELECT line, s.pan_mask FROM pg_temp.stage s JOIN card c USING (card_token) WHERE "         \
                "c.successor "                                                                               \
                "IS NOT NULL ORDER BY line LIMIT 1",                                                         \
                    "pan", "the card was replaced: expected its successor's number"                          \
        }
#define TWICE_IN_FILE                                                                                        \
        {                                                                                                    \
                "SELECT line, pan_mask, first FROM (SELECT line, pan_mask, min(line) OVER (PARTITION BY "    \
                "card_token) AS first "                                                                      \
                "FROM pg_temp.stage) s WHERE line > first ORDER BY line LIMIT 1",                            \
                    "pan", "expected each card once: the same card is on line "                              \
        }

/* The stage in pieces of so many rows, in the order of the token: the indexes grow at their end. */
#define PIECES                                                                                               \
        "(SELECT *, (row_number() OVER (ORDER BY card_token) - 1) / 10000 AS piece FROM pg_temp.stage "      \
        "ORDER BY card_token) "                                                                              \
        "s GROUP BY piece ORDER BY piece"

int card_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            TWICE_IN_FILE,
            {"SELECT line, s.pan_mask FROM pg_temp.stage s JOIN card c USING (card_token) WHERE NOT "
             "card_only_used(c.expiry_yymm, c.status) ORDER BY line LIMIT 1",
             "pan", "the database has this card already: expected new cards only"},
            {"SELECT line, pan_mask, i.link FROM pg_temp.stage s JOIN issuer i USING (issuer) WHERE i.link "
             "IS NOT "
             "NULL AND balance_yen IS NOT NULL ORDER BY line LIMIT 1",
             "balance_yen", "expected nothing, for the card's bank keeps its accounts itself, behind link "},
            {"SELECT line, pan_mask, i.link FROM pg_temp.stage s JOIN issuer i USING (issuer) WHERE i.link "
             "IS NOT NULL AND pin_value IS NOT NULL ORDER BY line LIMIT 1",
             "pin_value", "expected nothing, for the card's bank verifies PINs itself, behind link "},
        };
        static const struct card_file file = {
            import_columns,
            "CREATE TEMPORARY TABLE stage (line bigint, card_token uuid, pan_mask text, expiry_yymm text, "
            "issuer text, "
            "kind text, balance_yen bigint, pin_value text) ON COMMIT DROP",
            stage_card_rest,
            checks,
            sizeof(checks) / sizeof(*checks),
            "SELECT card_open(array_agg(card_token), array_agg(pan_mask), array_agg(issuer), "
            "array_agg(expiry_yymm), array_agg(kind), array_agg(balance_yen), array_agg(pin_value)) "
            "FROM " PIECES,
            "cards",
            "new"};

        return import_cards(invocation, &file);
}

int account_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            TWICE_IN_FILE,
            UNKNOWN_CARD,
            REPLACED_CARD,
            {"SELECT line, s.pan_mask FROM pg_temp.stage s JOIN card a USING (card_token) WHERE "
             "a.opening_yen IS NOT NULL ORDER BY line LIMIT 1",
             "pan", "the card has an account already: expected cards without one"},
            {"SELECT line, s.pan_mask, i.link FROM pg_temp.stage s JOIN card c USING (card_token) JOIN "
             "issuer i USING "
             "(issuer) WHERE i.link IS NOT NULL ORDER BY line LIMIT 1",
             "pan",
             "expected a card of the house bank: this one's bank keeps its accounts itself, behind link "},
        };
        static const struct card_file file = {
            account_columns,
            "CREATE TEMPORARY TABLE stage (line bigint, card_token uuid, "
            "pan_mask text, balance_yen bigint) ON COMMIT DROP",
            stage_values_rest,
            checks,
            sizeof(checks) / sizeof(*checks),
            "SELECT account_open(array_agg(card_token), array_agg(balance_yen)) FROM " PIECES,
            "accounts",
            "new"};

        return import_cards(invocation, &file);
}

int pin_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            TWICE_IN_FILE,
            UNKNOWN_CARD,
            REPLACED_CARD,
            {"SELECT line, s.pan_mask, i.link FROM pg_temp.stage s JOIN card c USING (card_token) JOIN "
             "issuer i USING (issuer) WHERE i.link IS NOT NULL ORDER BY line LIMIT 1",
             "pan", "expected a card of the house bank: this one's bank verifies PINs itself, behind link "},
        };
        static const struct card_file file = {
            pin_columns,
            "CREATE TEMPORARY TABLE stage (line bigint, card_token uuid, pan_mask text, pin_value text) "
            "ON COMMIT DROP",
            stage_values_rest,
            checks,
            sizeof(checks) / sizeof(*checks),
            "SELECT pin_set(array_agg(card_token), array_agg(pin_value)) FROM " PIECES,
            "PINs",
            "set"};

        return import_cards(invocation, &file);
}

int exclusion_import(const struct invocation *invocation)
{
        static const struct stage_check checks[] = {
            /* an exclusion of a replaced card becomes its successor's */
            {"SELECT line, pan_mask, first FROM (SELECT line, s.pan_mask, min(line) OVER (PARTITION BY "
             "coalesce(c.successor, s.card_token), from_on) AS first FROM pg_temp.stage s LEFT JOIN card c "
             "USING (card_token)) s WHERE line > first ORDER BY line LIMIT 1",
             "pan", "expected each exclusion once: the same card and day are on line "},
            {"SELECT line, pan_mask FROM pg_temp.stage WHERE from_on < DATE '2020-04-01' ORDER BY line LIMIT "
             "1",
             "from", "expected 2020-04-01 or later: there was no self-exclusion before"},
            {"SELECT line, pan_mask FROM pg_temp.stage WHERE until_on < from_on + INTERVAL '1 year' ORDER BY "
             "line LIMIT 1",
             "until", "expected a year or more after 'from'"},
            {"SELECT line, s.pan_mask FROM pg_temp.stage s LEFT JOIN card c USING (card_token) JOIN "
             "exclusion e "
             "ON e.card_token = coalesce(c.successor, s.card_token) AND e.from_on = s.from_on ORDER BY line "
             "LIMIT 1",
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
            "INSERT INTO exclusion (card_token, pan_mask, from_on, until_on) SELECT card_token, pan_mask, "
            "from_on, "
            "until_on FROM pg_temp.stage",
            "exclusions",
            "new"};

        return import_cards(invocation, &file);
}
