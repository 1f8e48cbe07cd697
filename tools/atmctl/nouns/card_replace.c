/*
 * New cards for old ones (sql/017_replacement.sql). Numbers become tokens and masks as soon as they are read.
 *
 *      pair, or file --> piece of at most PIECE pairs --card_replace, a statement of its own--> done
 *
 * While a piece is done, no batch of the ledger is: so pieces are small, each is one statement, which ends
 * whatever becomes of this program, and a file is not done whole or not at all.
 * Pairs that were done before are passed over, so that a file can be done again from its first line.
 */
#include "tools/atmctl/nouns/card_replace.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "protocol/profile.h"
#include "rules/decide.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/import.h"
#include "tools/atmctl/nouns/card_routes.h"

enum {
        PIECE = 25 /* a tenth of a second */,
        LITERAL_ROOM = 40 /* a token with its comma, the longest that stands in an array */
};

/* The parameters of card_replace that are arrays, in its order. */
enum part {
        OLD_TOKEN,
        OLD_MASK,
        OLD_ISSUER,
        OLD_KIND,
        NEW_TOKEN,
        NEW_MASK,
        NEW_KIND,
        NEW_ISSUER,
        NEW_EXPIRY,
        OLD_STATUS,
        NEW_PIN_VALUE,
        PART_COUNT
};

/* PostgreSQL's text of an array. Tokens, masks, codes: nothing in them wants quotes. */
struct literal {
        char text[PIECE * LITERAL_ROOM + 2];
        size_t used;
};

struct replacing {
        const struct invocation *invocation;
        struct database database;
        struct token_key *key;
        struct routes routes;
        int32_t today;
        struct import *import; /* NULL: the one pair of standard input */
        struct literal part[PART_COUNT];
        long line[PIECE]; /* of the file */
        char mask[PIECE][2][20];
        size_t count;
        unsigned long long replaced, already;
};

static const struct field file_columns[] = {
    {.name = "old_pan", .kind = VALUE_PAN, .flags = FIELD_KEY, .text = "the old card's number"},
    {.name = "new_pan", .kind = VALUE_PAN, .text = "the new card's number"},
    {.name = "expiry",
     .kind = VALUE_EXPIRY,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "the new card's"},
    {.name = "status",
     .kind = VALUE_CARD_END,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "why the old one is refused"},
    {.name = "pin_value",
     .kind = VALUE_PIN_VALUE,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "what the new card's PIN is compared with"},
    {.name = NULL},
};
enum file_column { FILE_OLD, FILE_NEW, FILE_EXPIRY, FILE_STATUS, FILE_PIN_VALUE };

/* What card_replace says, in people's words, and the column that it is about. */
static const struct {
        const char *problem, *words;
        enum file_column column;
        int card; /* 0: the old one's mask is shown; 1: the new one's */
} problems[] = {
    {"unknown", "the database has no such card of the house bank", FILE_OLD, 0},
    {"replaced", "the card was replaced before, by another one", FILE_OLD, 0},
    {"known", "the database has this card already: expected a new one", FILE_NEW, 1},
    {"issuer", "expected a number of the same bank as the old card's", FILE_NEW, 1},
    {"expiry", "expected an expiry: the card is of the house bank", FILE_EXPIRY, 1},
    {"past", "expected an expiry that is not over", FILE_EXPIRY, 1},
    {"pin", "expected nothing, for the card's bank verifies PINs itself, behind a link", FILE_PIN_VALUE, 1},
};

/* a piece ------------------------------------------------------------------------------------------------- */

static void literal_add(struct literal *literal, const char *value)
{
        size_t room = sizeof(literal->text) - literal->used;

        literal->used += (size_t)snprintf(literal->text + literal->used, room, "%c%s",
                                          literal->used ? ',' : '{', value ? value : "NULL");
        assert(literal->used + 2 <= sizeof(literal->text));
}

static void piece_begin(struct replacing *work)
{
        work->count = 0;
        for (size_t i = 0; i < PART_COUNT; i++)
                work->part[i].used = 0;
}

/* Only tokens and masks of the numbers are kept. */
static void piece_add(struct replacing *work, const char *const pan[2], const char *expiry,
                      const char *status, const char *pin_value)
{
        const char *issuer[2] = {NULL, NULL}, *kind[2] = {NULL, NULL};
        const char *value[PART_COUNT] = {
            [NEW_EXPIRY] = expiry, [OLD_STATUS] = status, [NEW_PIN_VALUE] = pin_value};
        char token[2][TOKEN_TEXT];
        size_t at = work->count++;

        for (int i = 0; i < 2; i++) {
                uint8_t bytes[TOKEN_LENGTH];

                token_of_pan(work->key, pan[i], bytes);
                token_print(bytes, token[i]);
                pan_mask(pan[i], work->mask[at][i]);
                (void)route_of(&work->routes, pan[i], &issuer[i], &kind[i]);
        }
        work->line[at] = work->import ? work->import->csv.line : 0;
        value[OLD_TOKEN] = token[0];
        value[OLD_MASK] = work->mask[at][0];
        value[OLD_ISSUER] = issuer[0];
        value[OLD_KIND] = kind[0];
        value[NEW_TOKEN] = token[1];
        value[NEW_MASK] = work->mask[at][1];
        value[NEW_KIND] = kind[1];
        value[NEW_ISSUER] = issuer[1];
        for (size_t i = 0; i < PART_COUNT; i++)
                literal_add(&work->part[i], value[i]);
}

static void complain_of_pair(struct replacing *work, size_t at, const char *problem)
{
        size_t i = 0;

        while (i < LENGTH(problems) && strcmp(problems[i].problem, problem))
                i++;
        assert(i < LENGTH(problems)); /* the function says no other */
        if (work->import)
                csv_complain(&work->import->csv, work->line[at], file_columns[problems[i].column].name,
                             "'%s': %s", work->mask[at][problems[i].card], problems[i].words);
        else
                complain("card replace: %s: %s", work->mask[at][problems[i].card], problems[i].words);
}

/* Count what was done; false after a complaint about the first that was not. */
static bool piece_judge(struct replacing *work, const PGresult *result)
{
        for (int row = 0; row < PQntuples(result); row++) {
                const char *problem = PQgetvalue(result, row, 1);

                if (!strcmp(problem, "already")) {
                        work->already++;
                } else if (*problem) {
                        complain_of_pair(work, (size_t)row, problem);
                        return false;
                } else {
                        work->replaced++;
                }
        }
        return true;
}

static bool piece_end(struct replacing *work)
{
        const char *parameters[PART_COUNT];
        PGresult *result;
        bool done;

        if (!work->count)
                return true;
        if (!change_begin_dry(&work->database, work->invocation))
                return false;
        for (size_t i = 0; i < PART_COUNT; i++) {
                strcpy(work->part[i].text + work->part[i].used, "}");
                parameters[i] = work->part[i].text;
        }
        result = database_query(
            &work->database,
            "SELECT r_position, r_problem FROM card_replace($1::uuid[], $2::text[], $3::text[], $4::text[], "
            "$5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]) "
            "ORDER BY r_position",
            LENGTH(parameters), parameters);
        done = result && piece_judge(work, result);
        PQclear(result);
        piece_begin(work);
        return done && change_end_dry(&work->database, work->invocation);
}

/* where the pairs come from --------------------------------------------------------------------------------- */

/* A number that no prefix begins has no bank. */
static bool has_route(struct replacing *work, const char *pan)
{
        static const char words[] = "no prefix in the database begins this number: expected one that 'atmctl "
                                    "prefix list' shows";
        const char *issuer, *kind;
        char mask[20];

        if (route_of(&work->routes, pan, &issuer, &kind))
                return true;
        if (work->import) {
                import_complain(work->import, FILE_NEW, words);
        } else {
                pan_mask(pan, mask);
                complain("card replace: %s: %s", mask, words);
        }
        return false;
}

/* A card that is refused from its first day on. */
static bool is_in_force(struct replacing *work, const char *expiry)
{
        if (!expiry || !decide_is_expired(expiry, work->today))
                return true;
        if (work->import)
                import_complain(work->import, FILE_EXPIRY, "expected a month that is not over yet");
        else
                complain("card replace: --expiry: '%s': expected a month that is not over yet", expiry);
        return false;
}

static bool replace_given(struct replacing *work, const struct invocation *invocation)
{
        char pan[2][CARD_NUMBER_TEXT];
        bool read = card_number_read("first", pan[0]) && card_number_read("second", pan[1]) &&
                    card_number_last("second") && has_route(work, pan[1]) &&
                    is_in_force(work, invocation_value(invocation, "expiry"));

        if (read)
                piece_add(work, (const char *const[]){pan[0], pan[1]}, invocation_value(invocation, "expiry"),
                          invocation_value(invocation, "status"), NULL);
        OPENSSL_cleanse(pan, sizeof(pan));
        if (!read || !piece_end(work))
                return false;
        change_say(invocation, "card replace: %s\n", work->already ? "it was done already" : "done");
        return true;
}

static bool replace_listed(struct replacing *work)
{
        const char *const *value = work->import->value;
        enum csv_result result;
        bool done = true;

        while (done && (result = import_next(work->import)) == CSV_ROW) {
                done = has_route(work, value[FILE_NEW]) && is_in_force(work, value[FILE_EXPIRY]);
                if (!done)
                        break;
                piece_add(work, value, value[FILE_EXPIRY], value[FILE_STATUS], value[FILE_PIN_VALUE]);
                done = work->count < PIECE || piece_end(work);
        }
        return done && result == CSV_END && piece_end(work);
}

static bool replace_file(struct replacing *work, const char *path)
{
        struct import import;
        bool done;

        if (!import_open(&import, path, file_columns, true))
                return false;
        work->import = &import;
        done = replace_listed(work);
        progress_end();
        if (done || work->replaced)
                change_say(work->invocation, "cards: %llu replaced, %llu before\n", work->replaced,
                           work->already);
        if (!done)
                note("the file can be done again: what is done is passed over");
        import_close(&import);
        work->import = NULL;
        return done;
}

static int wrong_usage(const struct invocation *invocation)
{
        if (invocation_has(invocation, "card") == invocation_has(invocation, "file"))
                return usage_error(invocation->command,
                                   "which cards? expected '--card -' with the old and the new "
                                   "number on standard input, or --file FILE");
        if (invocation_has(invocation, "file") &&
            (invocation_has(invocation, "expiry") || invocation_has(invocation, "status")))
                return usage_error(invocation->command,
                                   "--expiry and --status go with --card: expected columns of the file");
        return EXIT_DONE;
}

int card_replace(const struct invocation *invocation)
{
        const char *path = invocation_value(invocation, "file");
        struct replacing *work;
        bool done = false;
        int exit_code = wrong_usage(invocation);

        if (exit_code != EXIT_DONE)
                return exit_code;
        work = calloc(1, sizeof(*work));
        if (!work) {
                complain("out of memory");
                return EXIT_FAILED;
        }
        work->invocation = invocation;
        work->key = card_token_key(invocation);
        if (!work->key || !business_today(invocation, &work->today) ||
            !database_open(&work->database, invocation, DATABASE_READY))
                goto free_key;
        if (routes_load(&work->database, &work->routes))
                done = path ? replace_file(work, path) : replace_given(work, invocation);
        routes_free(&work->routes);
        database_close(&work->database);
free_key:
        token_key_free(work->key);
        free(work);
        return done ? EXIT_DONE : EXIT_FAILED;
}
