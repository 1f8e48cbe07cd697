/* card and account: the cards of the house bank, one at a time; card_import.c has the files. */
#include <openssl/crypto.h>

#include "lib/base/array.h"
#include "lib/db/pg_query.h"
#include "protocol/profile.h"
#include "tools/atmctl/nouns/card_change.h"
#include "tools/atmctl/nouns/card_import.h"
#include "tools/atmctl/nouns/card_replace.h"
#include "tools/atmctl/nouns/card_routes.h"
#include "tools/atmctl/nouns/pin_make.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/rows.h"

static const struct output_column card_output[] = {
    {"card_token", OUTPUT_TEXT, 0},  {"pan_mask", OUTPUT_TEXT, 0},    {"issuer", OUTPUT_TEXT, 0},
    {"expiry", OUTPUT_TEXT, 0},      {"kind", OUTPUT_TEXT, 0},        {"status", OUTPUT_TEXT, OUTPUT_STATE},
    {"excluded", OUTPUT_BOOL, 0},    {"successor", OUTPUT_TEXT, 0},   {"pin_set", OUTPUT_BOOL, 0},
    {"pin_tries", OUTPUT_NUMBER, 0}, {"pin_blocked", OUTPUT_BOOL, 0},
};
#define CARD_COLUMNS                                                                                         \
        "card_token, pan_mask, issuer, expiry_yymm, kind, status, EXISTS (SELECT FROM exclusion e WHERE "    \
        "e.card_token = coalesce(c.successor, c.card_token) AND e.from_on <= $1::date AND (e.until_on IS "   \
        "NULL OR e.until_on > $1::date)), successor, p.is_set, p.pin_tries, p.is_blocked"
#define CARDS "card c LEFT JOIN v_card_pin p USING (card_token)"

static const struct output_column account_output[] = {{"card_token", OUTPUT_TEXT, 0},
                                                      {"balance_yen", OUTPUT_YEN, 0}};

static int card_show(const struct invocation *invocation)
{
        char token[TOKEN_TEXT], today[11];
        const char *parameters[] = {today, token};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!print_today(invocation, today))
                return EXIT_FAILED;
        return rows_print(invocation, &(struct rows_query){.sql = "SELECT " CARD_COLUMNS " FROM " CARDS
                                                                  " WHERE card_token = $2::uuid",
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
                .sql = "SELECT " CARD_COLUMNS " FROM " CARDS " WHERE ($3::text IS NULL OR issuer = $3) AND "
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
                .sql = "SELECT card_token, balance_yen FROM v_account WHERE card_token = " CARD_HOLDER("$1"),
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
            "expiry_yymm) WHERE card_token = $1::uuid AND (successor IS NULL OR $2::text IS DISTINCT FROM "
            "'active')",
            LENGTH(parameters), parameters, "changed",
            "the database has no such card, or it was replaced and can't be active again");
}

static int card_unblock(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return change_card(
            invocation, "SELECT card_unblock(c.card_token) FROM card c WHERE c.card_token = $1::uuid",
            LENGTH(parameters), parameters, "its wrong PINs are forgotten", "the database has no such card");
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
        enum route_fault fault;
        uint8_t token[TOKEN_LENGTH];
        const char *kind = NULL;

        if (!key)
                return false;
        if (!card_number_read("first", pan) || !card_number_last("first") || !routes_load(database, &routes))
                goto done;
        kind = route_kind(&routes, pan, invocation_value(invocation, "issuer"), &fault, problem,
                          sizeof(problem));
        if (!kind) {
                complain("%s: --%s: %s", invocation_name(invocation),
                         fault == ROUTE_ISSUER ? "issuer" : "card", problem);
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

/* False after a complaint. */
static bool insert_card(struct database *database, const struct invocation *invocation,
                        const struct new_card *card)
{
        const char *parameters[] = {card->token,
                                    card->mask,
                                    invocation_value(invocation, "issuer"),
                                    invocation_value(invocation, "expiry"),
                                    card->kind,
                                    invocation_value(invocation, "balance-yen")};

        return database_execute(
            database,
            "SELECT card_open(ARRAY[$1::uuid], ARRAY[$2], ARRAY[$3], ARRAY[$4], ARRAY[$5], "
            "ARRAY[$6::bigint], ARRAY[NULL])",
            LENGTH(parameters), parameters);
}

static bool add(struct database *database, const struct invocation *invocation, void *context)
{
        struct new_card card;

        (void)context;
        if (!read_new_card(invocation, database, &card) || !insert_card(database, invocation, &card))
                return false;
        change_say(invocation, "card %s: added\n", card.token);
        return true;
}

static int card_add(const struct invocation *invocation)
{
        if (invocation_has(invocation, "balance-yen") && !invocation_has(invocation, "note"))
                return usage_error(invocation->command, "--note is missing: expected why the card has money");
        return change_run(invocation, add, NULL);
}

static int account_add(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token, invocation_value(invocation, "balance-yen")};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return change_card(
            invocation,
            "SELECT account_open(ARRAY[c.card_token], ARRAY[$2::bigint]) FROM card c WHERE "
            "c.card_token = $1::uuid",
            LENGTH(parameters), parameters, "has an account now",
            "the database has no such card: expected one that 'card add' or 'card import' entered");
}

static bool correct_key(struct database *database, const struct invocation *invocation, void *context)
{
        struct token_key *key = context;
        char check_value[TOKEN_CHECK_TEXT];
        const char *parameters[] = {check_value};

        (void)invocation;
        token_key_check_value(key, check_value);
        return database_execute(database, "SELECT token_key_correct($1)", LENGTH(parameters), parameters);
}

static int card_key(const struct invocation *invocation)
{
        const char *path;
        struct token_key *key = card_token_key_file(invocation, &path);
        int exit_code = key ? change_run(invocation, correct_key, key) : EXIT_FAILED;

        if (exit_code == EXIT_DONE)
                change_say(invocation, "card key: tokens will be made with the key in %s\n", path);
        token_key_free(key);
        return exit_code;
}

/* rows ------------------------------------------------------------------------------------------------ */

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
    {.name = "balance-yen", .kind = VALUE_BALANCE, .text = "open an account of the house bank with so much"},
    {.name = NULL},
};
static const struct field card_change_fields[] = {
    {.name = "status", .kind = VALUE_CARD_STATUS, .text = "whether it may be used"},
    {.name = "expiry", .kind = VALUE_EXPIRY, .text = "the last month it is valid in"},
    {.name = NULL},
};
static const struct field replacement_fields[] = {
    {.name = "card",
     .kind = VALUE_PAN_STDIN,
     .text = "the old number is the first line of standard input, the new one the second"},
    {.name = "file",
     .kind = VALUE_FILE,
     .text =
         "many at once instead: CSV with the columns old_pan, new_pan, expiry, status and pin_value (what "
         "the new card's PIN is compared with), of which the last three may be empty or lacking; '-' is "
         "standard input"},
    {.name = "expiry",
     .kind = VALUE_EXPIRY,
     .text = "the last month that the new card is valid in, not over yet; left to its bank where that is "
             "behind a "
             "link and none is given"},
    {.name = "status",
     .kind = VALUE_CARD_END,
     .text =
         "why the old card is refused: lost (41), stolen (43) or replaced (54); what it is already, or else "
         "replaced, unless given"},
    {.name = NULL},
};
static const struct field card_filter_fields[] = {
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "of this bank"},
    {.name = "status", .kind = VALUE_CARD_STATUS_ANY, .text = "in this state"},
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
    {.name = "balance-yen", .kind = VALUE_BALANCE, .flags = FIELD_REQUIRED, .text = "what it opens with"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "card",
     .verb = "import",
     .text = "import cards from CSV, and the accounts that they open",
     .more = "The file must be readable by its owner alone. PostgreSQL gets a keyed hash of each number and "
             "its first 6 "
             "and last 4 digits; PINs are read past. What PINs are compared with is shown to nobody again.",
     .flags = COMMAND_CARDS | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = card_import,
     .shape = SHAPE_IMPORT,
     .entity = &card_file},
    {.noun = "card",
     .verb = "add",
     .text = "add a card",
     .flags = COMMAND_CARDS | COMMAND_NOTE | COMMAND_CHANGES,
     .run = card_add,
     .fields = new_card_fields},
    {.noun = "card",
     .verb = "set",
     .text = "change a card: only what the options name",
     .flags = COMMAND_ONE_CARD | COMMAND_NOTE | COMMAND_CHANGES,
     .run = card_set,
     .fields = card_change_fields},
    {.noun = "card",
     .verb = "replace",
     .text = "give a card's place to a new one: account, use of limits and exclusions go over",
     .more =
         "Both numbers must be of the same bank, and the new one new to the database. The old card is "
         "refused from now on; what is under way with it ends as it would have, and is booked on the new "
         "one. A file is done in pieces of 25 cards, up to the first that can't be: done again, it goes on "
         "where it was.",
     .flags = COMMAND_CARDS | COMMAND_CLOCK | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = card_replace,
     .fields = replacement_fields},
    {.noun = "card",
     .verb = "unblock",
     .text = "forget the wrong PINs that a card was tried with",
     .more = "For a card that is refused for them (75), or would be soon. 'card show' has how many are "
             "counted; what "
             "became of each is history, and stays.",
     .flags = COMMAND_ONE_CARD | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = card_unblock},
    {.noun = "card",
     .verb = "show",
     .text = "show a card",
     .flags = COMMAND_ONE_CARD | COMMAND_OUTPUT | COMMAND_CLOCK,
     .run = card_show},
    {.noun = "card",
     .verb = "list",
     .text = "list cards",
     .more = "Those of banks behind links are there from their first use on, without an expiry until "
             "somebody gives "
             "one.",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CLOCK | COMMAND_LIST,
     .columns = card_output,
     .column_count = LENGTH(card_output),
     .run = card_list,
     .fields = card_filter_fields},
    {.noun = "card",
     .verb = "key",
     .text = "enter another key of the card tokens, where the first one was a mistake",
     .more = "The database keeps to the key that the first atmd, or the first import or card, came with "
             "('atmctl trail "
             "list --noun key' has who that was). While there are no cards, exclusions and withdrawals, and "
             "no atmd is "
             "connected, this one takes its place.",
     .flags = COMMAND_DATABASE | COMMAND_TOKEN_KEY | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = card_key},
    {.noun = "pin",
     .verb = "import",
     .text = "set what PINs of cards are compared with: PVVs or offsets, never PINs",
     .more = "For cards of the house bank that are there already, and whose holders have another PIN now. "
             "The file must be "
             "readable by its owner alone. What is stored is shown to nobody again ('card show' says that "
             "there is "
             "something), and the trail has that it was set. Wrong PINs stay counted: 'card unblock'.",
     .flags = COMMAND_CARDS | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = pin_import,
     .shape = SHAPE_IMPORT,
     .entity = &pin_file},
    {.noun = "pin",
     .verb = "make",
     .text = "put what a laboratory's PINs are compared with into its card file",
     .more =
         "The file, of 'atmsim cards', has PINs in clear; the key module makes PVVs or offsets of them by "
         "their issuers' newest keys ('atmctl key generate --issuer'), and the column pin_value has them "
         "for 'card import'. Only a laboratory's key module does this.\n"
         "Example: atmctl pin make cards.csv",
     .flags = COMMAND_DATABASE,
     .run = pin_make,
     .fields = pin_make_fields},
    {.noun = "account",
     .verb = "import",
     .text = "open accounts of the house bank for cards that are there already",
     .flags = COMMAND_CARDS | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = account_import,
     .shape = SHAPE_IMPORT,
     .entity = &account_file},
    {.noun = "account",
     .verb = "add",
     .text = "open an account for a card that is there already",
     .flags = COMMAND_ONE_CARD | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = account_add,
     .fields = new_account_fields},
    {.noun = "account",
     .verb = "show",
     .text = "show a card's account; of one that was replaced, its successor's",
     .more = "Example: head -n 1 numbers | atmctl account show --card - --format json\n"
             "prints {\"card_token\":\"...\",\"balance_yen\":200000}",
     .flags = COMMAND_ONE_CARD | COMMAND_OUTPUT,
     .run = account_show},
    {.noun = "account",
     .verb = "list",
     .text = "list accounts",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = account_output,
     .column_count = LENGTH(account_output),
     .run = account_list,
     .fields = account_filter_fields},
};

const struct command_group group_card = {commands, sizeof(commands) / sizeof(*commands), "Cards"};
