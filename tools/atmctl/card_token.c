/* --card, --token and --token-key. */
#include "tools/atmctl/card_token.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/profile.h"
#include "tools/atmctl/change.h"

/* Whether the tokens of the database's cards are made with it; false after a complaint. Who changes something may be about to make the first
 * token: his key is entered where there is none. */
static bool key_fits(const struct invocation *invocation, struct token_key *key, const char *path)
{
        bool enters = invocation->command->flags & COMMAND_CHANGES && !change_is_dry(invocation);
        char check_value[TOKEN_CHECK_TEXT];
        const char *parameters[] = {check_value};
        struct database database;
        PGresult *result;
        bool fits;

        if (!database_open(&database, invocation, DATABASE_READY))
                return false;
        token_key_check_value(key, check_value);
        result = database_query(
            &database, enters ? "SELECT token_key_enter($1)" : "SELECT coalesce(token_key_is($1), true)", 1,
            parameters);
        fits = result && *PQgetvalue(result, 0, 0) == 't';
        if (result && !fits) {
                complain("%s: holds another key than the one that the cards of database '%s' have their "
                         "tokens from",
                         path, PQdb(database.connection));
                note("another key would leave accounts, exclusions and the use of limits behind: the same "
                     "file is "
                     "wanted that atmd uses; one that was entered by mistake 'atmctl card key' corrects "
                     "while there "
                     "are no cards");
        }
        PQclear(result);
        database_close(&database);
        return fits;
}

struct token_key *card_token_key_file(const struct invocation *invocation, const char **ret_path)
{
        const char *path = invocation_value(invocation, "token-key");
        char error[TOKEN_ERROR_MAX];
        struct token_key *key;

        if (!path)
                path = getenv("ATM_TOKEN_KEY_FILE");
        if (!path || !*path) {
                complain("%s: the key that makes tokens of card numbers is not known",
                         invocation_name(invocation));
                note("--token-key FILE or ATM_TOKEN_KEY_FILE names it: the same file that atmd uses");
                return NULL;
        }
        key = token_key_load(path, error);
        if (!key)
                complain("%s", error);
        *ret_path = path;
        return key;
}

struct token_key *card_token_key(const struct invocation *invocation)
{
        const char *path;
        struct token_key *key = card_token_key_file(invocation, &path);

        if (!key || key_fits(invocation, key, path))
                return key;
        token_key_free(key);
        return NULL;
}

bool card_number_read(const char *which, char ret_pan[CARD_NUMBER_TEXT])
{
        char pan[CARD_NUMBER_TEXT] = "", canonical[VALUE_MAX], shown[2 * VALUE_MAX];
        bool right = false;
        size_t length;

        if (!fgets(pan, sizeof(pan), stdin))
                *pan = '\0';
        for (length = strlen(pan); length && isspace((unsigned char)pan[length - 1]); length--)
                pan[length - 1] = '\0';
        if (!length) {
                complain("standard input: expected a card number on its %s line", which);
        } else if (!value_check(VALUE_PAN, pan, canonical)) {
                value_show(VALUE_PAN, pan, shown, sizeof(shown));
                complain("standard input: %s: expected %s", shown, value_row(VALUE_PAN)->expected);
        } else {
                strcpy(ret_pan, pan);
                right = true;
        }
        OPENSSL_cleanse(pan, sizeof(pan));
        OPENSSL_cleanse(canonical, sizeof(canonical));
        return right;
}

bool card_number_last(const char *which)
{
        int byte;

        if (isatty(STDIN_FILENO))
                return true;
        while ((byte = getc(stdin)) != EOF && isspace(byte)) {
        }
        if (byte == EOF)
                return true;
        complain("standard input: expected nothing behind its %s line", which);
        return false;
}

static int token_of_stdin(const struct invocation *invocation, char ret_token[TOKEN_TEXT],
                          char ret_mask[CARD_MASK_TEXT])
{
        struct token_key *key = card_token_key(invocation);
        char pan[CARD_NUMBER_TEXT];
        uint8_t token[TOKEN_LENGTH];
        bool read;

        if (!key)
                return EXIT_FAILED;
        read = card_number_read("first", pan) && card_number_last("first");
        if (read) {
                token_of_pan(key, pan, token);
                token_print(token, ret_token);
                pan_mask(pan, ret_mask);
        }
        OPENSSL_cleanse(pan, sizeof(pan));
        token_key_free(key);
        return read ? EXIT_DONE : EXIT_FAILED;
}

int card_given(const struct invocation *invocation, char ret_token[TOKEN_TEXT], char ret_mask[CARD_MASK_TEXT])
{
        const char *token = invocation_value(invocation, "token");

        if (token && invocation_has(invocation, "card"))
                return usage_error(invocation->command,
                                   "--card and --token name the card twice: expected one of them");
        if (token) {
                snprintf(ret_token, TOKEN_TEXT, "%s", token);
                *ret_mask = '\0';
                return EXIT_DONE;
        }
        if (!invocation_has(invocation, "card"))
                return usage_error(invocation->command, "which card? expected '--card -' with its number on "
                                                        "standard input, or --token TOKEN");
        return token_of_stdin(invocation, ret_token, ret_mask);
}

int card_token_given(const struct invocation *invocation, char ret_token[TOKEN_TEXT])
{
        char mask[CARD_MASK_TEXT];

        return card_given(invocation, ret_token, mask);
}
