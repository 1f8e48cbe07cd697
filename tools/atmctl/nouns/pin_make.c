/*
 * A laboratory's card file has PINs in clear; what they are compared with the key module says, as it does for an ATM: each PIN goes to it as a block under a
 * key that is made for this alone and is nowhere afterwards. Elsewhere the card bureau brings PVVs or offsets, and no PIN comes here.
 */
#include "tools/atmctl/nouns/pin_make.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "keymodule/crypto/check_value.h"
#include "keymodule/crypto/pin_block.h"
#include "lib/base/array.h"
#include "lib/base/digits.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/import.h"
#include "tools/atmctl/key_module.h"
#include "tools/atmctl/nouns/key_files.h"

enum { KEY_LENGTH = 16, PIECE = 1024, BALANCE_TEXT = 24 };

static const struct field file_columns[] = {
    {.name = "pan", .kind = VALUE_PAN, .flags = FIELD_KEY, .text = "the card's number"},
    {.name = "expiry", .kind = VALUE_EXPIRY, .text = "the last month it is valid in"},
    {.name = "pin", .kind = VALUE_ANYTHING, .text = "its PIN in clear"},
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "the bank"},
    {.name = "balance_yen",
     .kind = VALUE_BALANCE,
     .flags = FIELD_NULLABLE,
     .fallback = "",
     .text = "what its account opens with"},
    {.name = "pin_value", .kind = VALUE_ANYTHING, .fallback = "", .text = "made anew"},
    {.name = NULL},
};
enum { PAN, EXPIRY, PIN, ISSUER, BALANCE, PIN_VALUE, COLUMNS };

struct row {
        char pan[PIN_PAN_MAX + 1], expiry[5], issuer[KEY_OWNER_MAX + 1], balance[BALANCE_TEXT];
        struct pin pin;
        char value[PIN_MAX + 1];
};

struct making {
        struct row *rows;
        size_t count, room;
        PGresult *issuers; /* issuer, number and block of its newest key */
        struct cipher_key key;
        char key_block[KEY_WRAPPED_MAX + 1]; /* the same, for the module */
};

/* the file ------------------------------------------------------------------------------------------------- */

static bool take_row(struct making *making, struct import *import)
{
        const char *pin = import->value[PIN];
        struct row *grown, row = {.pin.length = strlen(pin)};

        if (row.pin.length < PIN_MIN || row.pin.length > PIN_MAX || !digits_all(pin, row.pin.length)) {
                import_complain(import, PIN, "expected a PIN of 4 to 12 digits");
                return false;
        }
        grown = array_with_room(making->rows, &making->room, making->count, sizeof(*making->rows));
        if (!grown) {
                complain("out of memory");
                return false;
        }
        strcpy(row.pin.digits, pin);
        snprintf(row.pan, sizeof(row.pan), "%s", import->value[PAN]);
        snprintf(row.expiry, sizeof(row.expiry), "%s", import->value[EXPIRY]);
        snprintf(row.issuer, sizeof(row.issuer), "%s", import->value[ISSUER]);
        snprintf(row.balance, sizeof(row.balance), "%s",
                 import->value[BALANCE] ? import->value[BALANCE] : "");
        making->rows = grown;
        making->rows[making->count++] = row;
        OPENSSL_cleanse(&row, sizeof(row));
        return true;
}

static bool read_file(struct making *making, const char *path)
{
        struct import import;
        enum csv_result next;

        if (!import_open(&import, path, file_columns, true))
                return false;
        while ((next = import_next(&import)) == CSV_ROW)
                if (!take_row(making, &import))
                        break;
        import_close(&import);
        return next == CSV_END;
}

static void write_rows(FILE *stream, const void *context)
{
        const struct making *making = context;
        const char *cells[COLUMNS];

        for (size_t i = 0; i < COLUMNS; i++)
                cells[i] = file_columns[i].name;
        csv_write_row(stream, cells, COLUMNS);
        for (size_t i = 0; i < making->count; i++) {
                const struct row *row = &making->rows[i];
                csv_write_row(stream,
                              (const char *const[]){row->pan, row->expiry, row->pin.digits, row->issuer,
                                                    row->balance, row->value},
                              COLUMNS);
        }
}

/* the module ----------------------------------------------------------------------------------------------- */

/* A key of two components: the module has it as a block, and we in clear. */
static bool make_key(struct making *making, struct key_module *module)
{
        struct cipher_key one = {CIPHER_AES, KEY_LENGTH, {0}}, other = one;
        uint8_t check[CHECK_VALUE_MAX], other_check[CHECK_VALUE_MAX];
        struct key_task task = {.request.command = KEY_COMMAND_COMBINE};
        struct key_message *request = &task.request;
        bool asked;

        cipher_key_generate(CIPHER_AES, KEY_LENGTH, &one);
        cipher_key_generate(CIPHER_AES, KEY_LENGTH, &other);
        key_message_set_text(request, KEY_FIELD_USAGE, "P0");
        key_message_set_text(request, KEY_FIELD_ALGORITHM, "A");
        key_message_set_text(request, KEY_FIELD_MODE, "D");
        key_message_set_text(request, KEY_FIELD_EXPORTABILITY, "N");
        key_message_set(request, KEY_FIELD_COMPONENT, one.bytes, KEY_LENGTH);
        key_message_set(request, KEY_FIELD_COMPONENT_CHECK, check, check_value_of(&one, check));
        key_message_set(request, KEY_FIELD_OTHER_COMPONENT, other.bytes, KEY_LENGTH);
        key_message_set(request, KEY_FIELD_OTHER_COMPONENT_CHECK, other_check,
                        check_value_of(&other, other_check));
        asked = key_module_ask(module, &task, 1);
        if (asked && task.code != KEY_CODE_GOOD)
                complain("the key module makes no key for PINs in clear: %s", key_code_text(task.code));
        making->key = one;
        for (size_t i = 0; i < KEY_LENGTH; i++)
                making->key.bytes[i] ^= other.bytes[i];
        strcpy(making->key_block, task.block);
        cipher_key_wipe(&one);
        cipher_key_wipe(&other);
        return asked && task.code == KEY_CODE_GOOD;
}

/* The row of the issuer's key; -1 after a complaint. */
static int issuers_key(const struct making *making, const char *issuer)
{
        for (int i = 0; i < PQntuples(making->issuers); i++)
                if (!strcmp(PQgetvalue(making->issuers, i, 0), issuer))
                        return i;
        complain(
            "issuer %s has no key to verify PINs with: expected one by 'atmctl key generate --issuer %s' "
            "first",
            issuer, issuer);
        return -1;
}

/* So many are asked for at a time; what the requests point to. */
struct piece {
        struct key_task tasks[PIECE];
        uint8_t block[PIECE][PIN_BLOCK_MAX];
        char index[PIECE];
};

static bool begin(const struct making *making, const struct row *row, struct piece *piece, size_t place)
{
        struct key_task *task = &piece->tasks[place];
        int key = issuers_key(making, row->issuer);

        if (key < 0)
                return false;
        if (pin_block_seal(PIN_FORMAT_4, &making->key, &row->pin, row->pan, strlen(row->pan),
                           piece->block[place]) != PIN_GOOD)
                return false;
        piece->index[place] =
            key_set_index(&(struct key_set){.number = (int)pg_number(making->issuers, key, 1)});
        *task = (struct key_task){.request.command = KEY_COMMAND_VERIFY_PIN};
        key_message_set_text(&task->request, KEY_FIELD_KEY, making->key_block);
        key_message_set_text(&task->request, KEY_FIELD_FORMAT, "4");
        key_message_set_text(&task->request, KEY_FIELD_OTHER_KEY, PQgetvalue(making->issuers, key, 2));
        key_message_set(&task->request, KEY_FIELD_INDEX, &piece->index[place], 1);
        key_message_set_text(&task->request, KEY_FIELD_PAN, row->pan);
        key_message_set(&task->request, KEY_FIELD_PIN_BLOCK, piece->block[place], PIN_BLOCK_MAX);
        return true;
}

static bool take(struct row *row, const struct key_task *task)
{
        if (task->code != KEY_CODE_GOOD) {
                complain("the key module makes no value of a PIN of issuer %s: %s", row->issuer,
                         key_code_text(task->code));
                return false;
        }
        strcpy(row->value, task->pin_value);
        return true;
}

static bool ask_piece(struct making *making, struct key_module *module, struct piece *piece, size_t first)
{
        size_t count = making->count - first < PIECE ? making->count - first : PIECE;

        for (size_t i = 0; i < count; i++)
                if (!begin(making, &making->rows[first + i], piece, i))
                        return false;
        if (!key_module_ask(module, piece->tasks, count))
                return false;
        for (size_t i = 0; i < count; i++)
                if (!take(&making->rows[first + i], &piece->tasks[i]))
                        return false;
        return true;
}

static bool ask_all(struct making *making, struct key_module *module)
{
        struct piece *piece = calloc(1, sizeof(*piece));
        bool asked = piece && make_key(making, module);

        if (!piece)
                complain("out of memory");
        for (size_t first = 0; asked && first < making->count; first += PIECE)
                asked = ask_piece(making, module, piece, first);
        if (piece)
                OPENSSL_cleanse(piece, sizeof(*piece));
        free(piece);
        return asked;
}

/* the command ---------------------------------------------------------------------------------------------- */

static bool load_issuers(struct making *making, const struct invocation *invocation)
{
        struct database database;

        if (!database_open(&database, invocation, DATABASE_READY))
                return false;
        making->issuers = database_query(
            &database,
            "SELECT DISTINCT ON (owner) owner, number, block[1] FROM key_set WHERE owner_kind = 'issuer' AND "
            "kind = 'verification' AND retired_at IS NULL ORDER BY owner, number DESC",
            0, NULL);
        database_close(&database);
        return making->issuers;
}

int pin_make(const struct invocation *invocation)
{
        const char *path = invocation_value(invocation, "file");
        struct making making = {.count = 0};
        struct key_module *module = NULL;
        bool made = read_file(&making, path) && load_issuers(&making, invocation) &&
                    (module = key_module_open(invocation)) && ask_all(&making, module) &&
                    key_file_put(path, write_rows, &making);

        if (made)
                printf("%s: what %zu PINs are compared with\n", path, making.count);
        key_module_close(module);
        PQclear(making.issuers);
        if (making.rows)
                OPENSSL_cleanse(making.rows, making.count * sizeof(*making.rows));
        free(making.rows);
        cipher_key_wipe(&making.key);
        return made ? EXIT_DONE : EXIT_FAILED;
}

const struct field pin_make_fields[] = {
    {.name = "file",
     .kind = VALUE_FILE,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "the card file, of mode 0600: CSV with pan, expiry, pin, issuer and balance_yen"},
    {.name = "key-module",
     .kind = VALUE_FILE,
     .text = "the socket of atmkeyd(8); ATM_KEY_MODULE unless given"},
    {.name = NULL},
};
