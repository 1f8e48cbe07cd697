/* key: sets of keys of terminals, links and issuers, made and wrapped by the key module (atmkeyd). No key is here in clear but a laboratory's. */
#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backoffice/cases/keys.h"
#include "keymodule/crypto/check_value.h"
#include "lib/base/array.h"
#include "lib/base/hex.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/nouns/key_files.h"
#include "tools/atmctl/nouns/key_sets.h"
#include "tools/atmctl/rows.h"

/* list ----------------------------------------------------------------------------------------------------- */

static const struct output_column list_columns[] = {
    {"owner_kind", OUTPUT_TEXT, 0},
    {"owner", OUTPUT_TEXT, 0},
    {"kind", OUTPUT_TEXT, 0},
    {"set", OUTPUT_NUMBER, 0},
    {"state", OUTPUT_TEXT, OUTPUT_STATE},
    {"purpose", OUTPUT_TEXT, 0},
    {"check_value", OUTPUT_TEXT, 0},
    {"loaded_at", OUTPUT_TEXT, 0},
    {"current_at", OUTPUT_TEXT, 0},
    {"retired_at", OUTPUT_TEXT, 0},
    {"exported_at", OUTPUT_TEXT, 0},
    {"days", OUTPUT_NUMBER, 0},
    {"custodians", OUTPUT_TEXT, 0},
    {"bags", OUTPUT_TEXT, 0},
    {"problem", OUTPUT_TEXT, 0},
};

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return keys_list(connection, question, limit, error);
}

static int key_list(const struct invocation *invocation)
{
        const struct key_list_question question = {.terminal = invocation_value(invocation, "terminal"),
                                                   .hall = invocation_value(invocation, "hall"),
                                                   .area = invocation_value(invocation, "area"),
                                                   .link = invocation_value(invocation, "link"),
                                                   .issuer = invocation_value(invocation, "issuer"),
                                                   .kind = invocation_value(invocation, "kind"),
                                                   .state = invocation_value(invocation, "state")};

        return rows_answer(
            invocation, &(struct rows_question){.ask = ask_list,
                                                .question = &question,
                                                .columns = list_columns,
                                                .column_count = LENGTH(list_columns),
                                                .limit = invocation_number(invocation, "limit", LIST_LIMIT)});
}

static int usage_of_owners(const struct invocation *invocation, const char *expected)
{
        return usage_error(invocation->command, "whose keys? expected %s", expected);
}

/* progress ------------------------------------------------------------------------------------------------- */

static const struct output_column progress_columns[] = {
    {"owner_kind", OUTPUT_TEXT, 0}, {"area", OUTPUT_TEXT, 0},   {"owners", OUTPUT_NUMBER, 0},
    {"used", OUTPUT_NUMBER, 0},     {"left", OUTPUT_NUMBER, 0}, {"left_since", OUTPUT_TEXT, 0},
    {"days", OUTPUT_NUMBER, 0},
};

static PGresult *ask_progress(PGconn *connection, const void *question, int64_t limit,
                              char error[PG_ERROR_MAX])
{
        return keys_progress(connection, question, limit, error);
}

static int key_progress(const struct invocation *invocation)
{
        const struct key_list_question question = {.terminal = invocation_value(invocation, "terminal"),
                                                   .hall = invocation_value(invocation, "hall"),
                                                   .area = invocation_value(invocation, "area"),
                                                   .link = invocation_value(invocation, "link")};

        return rows_answer(invocation, &(struct rows_question){.ask = ask_progress,
                                                               .question = &question,
                                                               .columns = progress_columns,
                                                               .column_count = LENGTH(progress_columns),
                                                               .limit = LIST_LIMIT});
}

/* generate ------------------------------------------------------------------------------------------------- */

/* What a key is made as. */
struct making {
        const char *usage, *algorithm, *mode, *bits;
};
static const struct making makings_aes[] = {
    {"P0", "A", "B", "128"}, {"M6", "A", "C", "128"}, {"M6", "A", "C", "128"}};
static const struct making makings_tdes[] = {
    {"P0", "T", "B", "128"}, {"M3", "T", "C", "128"}, {"M3", "T", "C", "128"}};
static const struct making making_pvv = {"V2", "T", "C", "128"}, making_offset = {"V1", "T", "C", "128"};

struct generation {
        enum key_owner owner_kind;
        const struct making *makings;
        const char *table; /* of an offset's key */
};

static void put_kind(struct key_message *request, const char *usage, const char *algorithm, const char *mode,
                     const char *exportability)
{
        key_message_set_text(request, KEY_FIELD_USAGE, usage);
        key_message_set_text(request, KEY_FIELD_ALGORITHM, algorithm);
        key_message_set_text(request, KEY_FIELD_MODE, mode);
        key_message_set_text(request, KEY_FIELD_EXPORTABILITY, exportability);
}

/* They are made to go out under the owner's key-encrypting key. */
static void begin_generation(struct key_task *task, const struct making *making, const char *table)
{
        task->request.command = KEY_COMMAND_GENERATE;
        put_kind(&task->request, making->usage, making->algorithm, making->mode, "E");
        key_message_set_text(&task->request, KEY_FIELD_BITS, making->bits);
        if (table)
                key_message_set_text(&task->request, KEY_FIELD_TABLE, table);
}

/* Both blocks are the caller's until it was asked. */
static void begin_export(struct key_task *task, const char *block, const char *kek)
{
        task->request.command = KEY_COMMAND_EXPORT;
        key_message_set_text(&task->request, KEY_FIELD_KEY, block);
        key_message_set_text(&task->request, KEY_FIELD_OTHER_KEY, kek);
}

/* What wraps it on its way: its algorithm stands in the block's header. False after a complaint. */
static bool kek_is_fit(const PGresult *owners, int row, enum key_owner owner_kind,
                       const struct making *makings)
{
        enum { ALGORITHM = 7 };
        const char *owner = PQgetvalue(owners, row, OWNER_NAME), *kek = pg_text(owners, row, OWNER_KEK);

        if (!kek) {
                complain("%s %s has no key-encrypting key: expected one by 'atmctl key import' first",
                         key_owner_name[owner_kind], owner);
                return false;
        }
        if (kek[ALGORITHM] == 'A' || !makings || *makings->algorithm == 'T')
                return true;
        complain("%s %s: its key-encrypting key is TDES and wraps no AES key: expected --algorithm tdes",
                 key_owner_name[owner_kind], owner);
        return false;
}

/* So many owners at a time: whoever is interrupted loses no more than these, and goes on with --rest. */
enum { PORTION = 250 };

struct portion {
        size_t first, count;
};

static bool keks_are_fit(const PGresult *owners, const struct generation *generation)
{
        for (int i = 0; i < PQntuples(owners); i++)
                if (generation->owner_kind != KEY_OWNER_ISSUER &&
                    !kek_is_fit(owners, i, generation->owner_kind, generation->makings))
                        return false;
        return true;
}

/* With a new key every right PIN is wrong, and counted, until its card has a new value: whoever has none at hand would block all cards. */
static bool values_are_new(struct database *database, const struct invocation *invocation,
                           const PGresult *owners)
{
        for (int i = 0; !invocation_has(invocation, "new-values") && i < PQntuples(owners); i++) {
                const char *issuer = PQgetvalue(owners, i, OWNER_NAME);
                PGresult *result = database_query(database,
                                                  "SELECT FROM card JOIN v_card_pin p USING (card_token) "
                                                  "WHERE issuer = $1 AND p.is_set LIMIT 1",
                                                  1, &issuer);
                bool has_values = result && PQntuples(result) > 0;

                if (has_values)
                        complain(
                            "issuer %s: its cards' PINs are compared with values of another key, so with a "
                            "new one "
                            "every right PIN is wrong until 'pin import' has brought new values: expected "
                            "--new-values, from who has them at hand, after 'issuer set %s --pin-method "
                            "none'",
                            issuer, issuer);
                PQclear(result);
                if (!result || has_values)
                        return false;
        }
        return true;
}

static void fill_generation(struct key_batch *batch, const PGresult *owners, size_t first,
                            const struct generation *generation)
{
        for (size_t i = 0; i < batch->count; i++) {
                batch->owner[i] = PQgetvalue(owners, (int)(first + i), OWNER_NAME);
                for (size_t j = 0; j < batch->form->each; j++)
                        begin_generation(&batch->tasks[i * batch->form->each + j], &generation->makings[j],
                                         generation->table);
        }
}

/* What a terminal gets of it when it asks, and a bank is offered: wrapped here, so that atmd need not be let export any key. */
static bool offer(struct key_batch *batch, const PGresult *owners, size_t first, struct key_batch *exported,
                  const struct invocation *invocation)
{
        size_t each = batch->form->each, keys = batch->count * each;

        batch->handover = calloc(keys, sizeof(*batch->handover));
        if (!batch->handover) {
                complain("out of memory");
                return false;
        }
        if (!key_batch_make(exported, batch->owner_kind, batch->form->kind, batch->count))
                return false;
        for (size_t i = 0; i < keys; i++) {
                exported->owner[i / each] = batch->owner[i / each];
                begin_export(&exported->tasks[i], batch->tasks[i].block,
                             PQgetvalue(owners, (int)(first + i / each), OWNER_KEK));
                batch->handover[i] = exported->tasks[i].block;
        }
        exported->is_part = batch->is_part;
        return key_batch_ask(exported, invocation);
}

static bool generate_portion(struct database *database, const struct invocation *invocation,
                             const PGresult *owners, const struct generation *generation, struct portion part)
{
        enum key_owner owner_kind = generation->owner_kind;
        struct key_batch batch = {.count = 0}, exported = {.count = 0};
        bool done = key_batch_make(&batch, owner_kind,
                                   owner_kind == KEY_OWNER_ISSUER ? KEY_SET_VERIFICATION : KEY_SET_WORKING,
                                   part.count);

        if (done) {
                batch.is_part = part.count < (size_t)PQntuples(owners);
                fill_generation(&batch, owners, part.first, generation);
                done = key_batch_ask(&batch, invocation) &&
                       (owner_kind == KEY_OWNER_ISSUER ||
                        offer(&batch, owners, part.first, &exported, invocation)) &&
                       key_batch_add(&batch, database, invocation);
        }
        key_batch_free(&exported);
        key_batch_free(&batch);
        return done;
}

/* False: after so many. */
static bool generate_all(struct database *database, const struct invocation *invocation,
                         const PGresult *owners, const struct generation *generation, size_t *ret_done)
{
        size_t total = (size_t)PQntuples(owners);

        for (size_t first = 0; first < total; first += PORTION) {
                size_t left = total - first;
                struct portion part = {first, left < PORTION ? left : PORTION};
                *ret_done = first;
                if (!generate_portion(database, invocation, owners, generation, part))
                        return false;
                progress("%zu of %zu %ss have a new set", first + part.count, total,
                         key_owner_name[generation->owner_kind]);
        }
        *ret_done = total;
        return true;
}

static bool generate(struct database *database, const struct invocation *invocation, void *context)
{
        const struct generation *generation = context;
        PGresult *owners = key_owners(database, invocation, NULL);
        size_t total = owners ? (size_t)PQntuples(owners) : 0, made = 0;
        const char *owner_kind = key_owner_name[generation->owner_kind];
        bool done =
            owners && keks_are_fit(owners, generation) &&
            (generation->owner_kind != KEY_OWNER_ISSUER || values_are_new(database, invocation, owners)) &&
            generate_all(database, invocation, owners, generation, &made);

        progress_end();
        if (done && total == 0)
                change_say(invocation, "no %s is left: each has a set that it has still to use\n",
                           owner_kind);
        else if (done && total > PORTION)
                change_say(invocation, "%zu %ss: a new set each (%s)\n", total, owner_kind,
                           key_set_kind_name[KEY_SET_WORKING]);
        else if (!done && made > 0)
                note("%zu of %zu %ss have a new set; the others get theirs by the same command with --rest",
                     made, total, owner_kind);
        PQclear(owners);
        return done;
}

static int key_generate(const struct invocation *invocation)
{
        const char *algorithm = invocation_value(invocation, "algorithm");
        bool is_tdes = algorithm && !strcmp(algorithm, "tdes");
        struct generation generation = {.makings = is_tdes ? makings_tdes : makings_aes,
                                        .table = invocation_value(invocation, "table")};

        if (!key_owners_are_named(invocation, &generation.owner_kind))
                return usage_of_owners(invocation, "ATMs' ids, or --hall, --area, --all, --link or --issuer");
        if (generation.owner_kind == KEY_OWNER_ISSUER) {
                if (algorithm && !is_tdes)
                        return usage_error(invocation->command,
                                           "--algorithm: PVVs and offsets are of TDES: expected tdes");
                generation.makings = generation.table ? &making_offset : &making_pvv;
        } else if (generation.table) {
                return usage_error(invocation->command, "--table: expected --issuer with it");
        }
        return change_run(invocation, generate, &generation);
}

/* export --------------------------------------------------------------------------------------------------- */

static bool fill_export(struct key_batch *batch, const PGresult *owners, const char *set)
{
        for (size_t i = 0; i < batch->count; i++) {
                const char *owner = PQgetvalue(owners, (int)i, OWNER_NAME);
                if (!kek_is_fit(owners, (int)i, batch->owner_kind, NULL))
                        return false;
                if (PQgetisnull(owners, (int)i, OWNER_SET)) {
                        complain("%s %s has no working set%s%s that is good: expected one by 'atmctl key "
                                 "generate' first",
                                 key_owner_name[batch->owner_kind], owner, set ? " " : "", set ? set : "");
                        return false;
                }
                batch->owner[i] = owner;
                batch->number[i] = pg_number(owners, (int)i, OWNER_SET);
                for (size_t j = 0; j < batch->form->each; j++) {
                        begin_export(&batch->tasks[i * batch->form->each + j],
                                     PQgetvalue(owners, (int)i, OWNER_BLOCK + (int)j),
                                     PQgetvalue(owners, (int)i, OWNER_KEK));
                }
        }
        return true;
}

static bool export(struct database *database, const struct invocation *invocation, void *context)
{
        const enum key_owner *owner_kind = context;
        const char *set = invocation_value(invocation, "set"), *path = invocation_value(invocation, "file");
        PGresult *owners = key_owners(database, invocation, set);
        struct key_batch batch = {.count = 0};
        bool done = owners &&
                    key_batch_make(&batch, *owner_kind, KEY_SET_WORKING, (size_t)PQntuples(owners)) &&
                    fill_export(&batch, owners, set) && key_batch_ask(&batch, invocation) &&
                    key_batch_exported(&batch, database) &&
                    (change_is_dry(invocation) || key_file_write(path, &batch));

        if (done)
                change_say(invocation, "%s: %zu set%s\n", path, batch.count, batch.count == 1 ? "" : "s");
        key_batch_free(&batch);
        PQclear(owners);
        return done;
}

static int key_export(const struct invocation *invocation)
{
        enum key_owner owner_kind;

        if (!key_owners_are_named(invocation, &owner_kind))
                return usage_of_owners(invocation, "--terminal, --hall, --area, --all or --link");
        return change_run(invocation, export, &owner_kind);
}

/* import --------------------------------------------------------------------------------------------------- */

/* Where a key comes from, one of these. */
struct import {
        const char *path;
        enum key_owner owner_kind;
        const char *owner; /* of --block */
        const char *const *custodian, *const *bag, *const *component_check;
        size_t components;
};

/* A laboratory's: no terminal has typed them, so they are made here. */
struct components {
        uint8_t one[KEY_CLEAR_MAX], other[KEY_CLEAR_MAX], one_check[CHECK_VALUE_MAX],
            other_check[CHECK_VALUE_MAX];
};

static size_t check_value_of_bytes(const uint8_t *bytes, size_t length, uint8_t ret_value[CHECK_VALUE_MAX])
{
        struct cipher_key key = {.algorithm = CIPHER_AES, .length = length};
        size_t size;

        memcpy(key.bytes, bytes, length);
        size = check_value_of(&key, ret_value);
        cipher_key_wipe(&key);
        return size;
}

static void begin_combination(struct key_task *task, struct components *parts, const struct key_file_row *row)
{
        size_t length = row->clear_length;
        int drawn = RAND_bytes(parts->one, (int)length);

        assert(drawn == 1);
        for (size_t i = 0; i < length; i++)
                parts->other[i] = parts->one[i] ^ row->clear[i];
        task->request.command = KEY_COMMAND_COMBINE;
        put_kind(&task->request, "K1", "A", "B", "N");
        key_message_set(&task->request, KEY_FIELD_COMPONENT, parts->one, length);
        key_message_set(&task->request, KEY_FIELD_COMPONENT_CHECK, parts->one_check,
                        check_value_of_bytes(parts->one, length, parts->one_check));
        key_message_set(&task->request, KEY_FIELD_OTHER_COMPONENT, parts->other, length);
        key_message_set(&task->request, KEY_FIELD_OTHER_COMPONENT_CHECK, parts->other_check,
                        check_value_of_bytes(parts->other, length, parts->other_check));
}

static bool import_clear(struct database *database, const struct invocation *invocation, void *context)
{
        const struct import *import = context;
        struct key_file file;
        struct key_batch batch = {.count = 0};
        struct components *parts = NULL;
        bool done = false;

        if (!key_file_read(&file, import->path, true, import->owner_kind))
                return false;
        if (key_batch_make(&batch, import->owner_kind, KEY_SET_KEK, file.count)) {
                parts = calloc(file.count, sizeof(*parts));
                if (!parts)
                        complain("out of memory");
        }
        for (size_t i = 0; parts && i < file.count; i++) {
                batch.owner[i] = file.owners[i];
                begin_combination(&batch.tasks[i], &parts[i], &file.rows[i]);
        }
        done = parts && key_batch_ask(&batch, invocation) && key_batch_add(&batch, database, invocation);
        if (parts)
                OPENSSL_cleanse(parts, file.count * sizeof(*parts));
        free(parts);
        key_batch_free(&batch);
        key_file_free(&file);
        return done;
}

/* A working key's usage is the purpose's, and for MACs one of two, as the block says of itself; the module holds it to that. */
static const char *usage_wanted(const char *block, enum key_purpose purpose)
{
        enum { USAGE = 5 };
        if (purpose == KEY_PURPOSE_PIN)
                return "P0";
        return !strncmp(block + USAGE, "M3", 2) ? "M3" : "M6";
}

static bool fill_import(struct key_batch *batch, const struct key_file *file, const PGresult *owners)
{
        for (size_t i = 0; i < batch->count; i++) {
                batch->owner[i] = file->owners[i];
                batch->number[i] = file->rows[i].number;
                if (!kek_is_fit(owners, (int)i, batch->owner_kind, NULL))
                        return false;
                for (size_t j = 0; j < batch->form->each; j++) {
                        struct key_message *request = &batch->tasks[i * batch->form->each + j].request;
                        const char *block = file->rows[i].block[j];
                        request->command = KEY_COMMAND_IMPORT;
                        key_message_set_text(request, KEY_FIELD_KEY, block);
                        key_message_set_text(request, KEY_FIELD_OTHER_KEY,
                                             PQgetvalue(owners, (int)i, OWNER_KEK));
                        key_message_set_text(request, KEY_FIELD_USAGE,
                                             usage_wanted(block, batch->form->purpose[j]));
                }
        }
        return true;
}

/* A terminal that has lost its own fetches them as they came; a bank's are its own. */
static bool offer_imported(struct key_batch *batch, const struct key_file *file)
{
        size_t each = batch->form->each;

        if (batch->owner_kind != KEY_OWNER_TERMINAL)
                return true;
        batch->handover = calloc(batch->count * each, sizeof(*batch->handover));
        for (size_t i = 0; batch->handover && i < batch->count * each; i++)
                batch->handover[i] = file->rows[i / each].block[i % each];
        if (!batch->handover)
                complain("out of memory");
        return batch->handover;
}

static bool import_keys(struct database *database, const struct invocation *invocation, void *context)
{
        const struct import *import = context;
        struct key_file file;
        struct key_batch batch = {.count = 0};
        PGresult *owners;
        bool done;

        if (!key_file_read(&file, import->path, false, import->owner_kind))
                return false;
        owners = key_owners_of(database, import->owner_kind, file.owners, file.count);
        done = owners && key_batch_make(&batch, import->owner_kind, KEY_SET_WORKING, file.count) &&
               fill_import(&batch, &file, owners) && key_batch_ask(&batch, invocation) &&
               offer_imported(&batch, &file) && key_batch_add(&batch, database, invocation);
        key_batch_free(&batch);
        PQclear(owners);
        key_file_free(&file);
        return done;
}

/* What the module's console has made of components: is it a key-encrypting key, and the one that the custodians mean? */
static bool block_is_meant(const struct key_batch *batch, const struct invocation *invocation)
{
        const struct key_task *task = batch->tasks;
        const char *meant = invocation_value(invocation, "check-value");

        if (strcmp(task->usage, "K1") != 0)
                complain("the key block's usage is %s: expected K1, a key-encrypting key", task->usage);
        else if (strncasecmp(task->check_value, meant, strlen(meant)) != 0)
                complain("the key block's check value is %s: expected %s, as --check-value says",
                         task->check_value, meant);
        else
                return true;
        return false;
}

static bool import_block(struct database *database, const struct invocation *invocation, void *context)
{
        const struct import *import = context;
        char block[KEY_WRAPPED_MAX + 1];
        struct key_batch batch;
        bool done = false;

        if (!key_file_block(import->path, block) ||
            !key_batch_make(&batch, import->owner_kind, KEY_SET_KEK, 1))
                return false;
        batch.owner[0] = import->owner;
        batch.custodian = import->custodian;
        batch.bag = import->bag;
        batch.component_check = import->component_check;
        batch.components = import->components;
        batch.tasks->request.command = KEY_COMMAND_CHECK_VALUE;
        key_message_set_text(&batch.tasks->request, KEY_FIELD_KEY, block);
        if (key_batch_ask(&batch, invocation) && block_is_meant(&batch, invocation)) {
                strcpy(batch.tasks->block, block);
                done = key_batch_add(&batch, database, invocation);
        }
        key_batch_free(&batch);
        return done;
}

static const struct {
        const char *option;
        database_work *work;
} imports[] = {{"clear", import_clear}, {"keys", import_keys}, {"block", import_block}};

static int usage_of_block(const struct invocation *invocation, struct import *import)
{
        size_t bags = invocation_values(invocation, "bag", &import->bag),
               checks = invocation_values(invocation, "component-check", &import->component_check);
        const char *terminal = invocation_value(invocation, "terminal"),
                   *link = invocation_value(invocation, "link");

        import->components = invocation_values(invocation, "custodian", &import->custodian);
        if (!terminal == !link)
                return usage_error(invocation->command, "--block: whose? expected --terminal or --link");
        import->owner_kind = terminal ? KEY_OWNER_TERMINAL : KEY_OWNER_LINK;
        import->owner = terminal ? terminal : link;
        if (import->components < 2 || bags != import->components || checks != import->components)
                return usage_error(
                    invocation->command,
                    "--block: %zu custodians, %zu bags and %zu check values of components: expected two or "
                    "more, and of each as many",
                    import->components, bags, checks);
        if (!invocation_has(invocation, "check-value"))
                return usage_error(invocation->command, "--block: --check-value is missing: the key's, which "
                                                        "the custodians read off the terminal");
        return EXIT_DONE;
}

static int key_import(const struct invocation *invocation)
{
        struct import import = {.owner_kind = invocation_has(invocation, "links") ? KEY_OWNER_LINK
                                                                                  : KEY_OWNER_TERMINAL};
        size_t found = LENGTH(imports), given = 0;

        for (size_t i = 0; i < LENGTH(imports); i++) {
                if (!invocation_has(invocation, imports[i].option))
                        continue;
                found = i;
                given++;
        }
        if (given != 1)
                return usage_error(invocation->command,
                                   "what is imported? expected one of --clear, --keys and --block");
        import.path = invocation_value(invocation, imports[found].option);
        if (imports[found].work == import_block) {
                int exit_code = usage_of_block(invocation, &import);
                if (exit_code != EXIT_DONE)
                        return exit_code;
        }
        return change_run(invocation, imports[found].work, &import);
}

/* retire --------------------------------------------------------------------------------------------------- */

static bool retire(struct database *database, const struct invocation *invocation, void *context)
{
        const char *const *parameters = context;
        bool retired =
            database_execute(database, "SELECT key_set_retire($1, $2, $3, $4::integer)", 4, parameters);

        if (retired)
                change_say(invocation, "%s %s: set %s (%s) is retired\n", parameters[0], parameters[1],
                           parameters[3], parameters[2]);
        return retired;
}

static int key_retire(const struct invocation *invocation)
{
        const char *owner = NULL, *owner_kind = NULL, *kind = invocation_value(invocation, "kind");
        size_t given = 0;

        for (size_t i = 0; i < KEY_OWNERS; i++) {
                const char *value = invocation_value(invocation, key_owner_name[i]);
                if (!value)
                        continue;
                owner = value;
                owner_kind = key_owner_name[i];
                given++;
        }
        if (given != 1)
                return usage_of_owners(invocation, "one of --terminal, --link and --issuer");
        if (!kind)
                kind =
                    key_set_kind_name[strcmp(owner_kind, "issuer") ? KEY_SET_WORKING : KEY_SET_VERIFICATION];
        const char *parameters[] = {owner_kind, owner, kind, invocation_value(invocation, "set")};
        return change_run(invocation, retire, parameters);
}

/* rows ----------------------------------------------------------------------------------------------------- */

#define MODULE_FIELD                                                                                         \
        {                                                                                                    \
                .name = "key-module", .kind = VALUE_FILE,                                                    \
                .text = "the socket of atmkeyd(8); ATM_KEY_MODULE unless given"                              \
        }
#define OWNER_FIELDS                                                                                         \
        {.name = "terminal",                                                                                 \
         .kind = VALUE_TERMINAL,                                                                             \
         .flags = FIELD_REPEAT,                                                                              \
         .text = "the ATM of this id; may be given several times, as --hall, --area and --link may"},        \
            {.name = "hall", .kind = VALUE_HALL, .flags = FIELD_REPEAT, .text = "all ATMs of this hall"},    \
            {.name = "area", .kind = VALUE_AREA, .flags = FIELD_REPEAT, .text = "all ATMs of this area"},    \
            {.name = "all", .kind = VALUE_NONE, .text = "all ATMs that have a key-encrypting key"},          \
        {                                                                                                    \
                .name = "link", .kind = VALUE_LINK, .flags = FIELD_REPEAT, .text = "this link to a bank"     \
        }

static const struct field list_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of this ATM"},
    {.name = "hall", .kind = VALUE_HALL, .text = "of the ATMs of this hall"},
    {.name = "area", .kind = VALUE_AREA, .text = "of the ATMs of this area"},
    {.name = "link", .kind = VALUE_LINK, .text = "of this link"},
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "of this issuer"},
    {.name = "kind", .kind = VALUE_KEY_SET_KIND, .text = "of this kind"},
    {.name = "state", .kind = VALUE_KEY_SET_STATE, .text = "in this state"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many keys; 1000 unless given"},
    {.name = NULL},
};
static const struct field progress_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of this ATM"},
    {.name = "hall", .kind = VALUE_HALL, .text = "of the ATMs of this hall"},
    {.name = "area", .kind = VALUE_AREA, .text = "of the ATMs of this area"},
    {.name = "link", .kind = VALUE_LINK, .text = "of this link"},
    {.name = NULL},
};
static const struct field generate_fields[] = {
    OWNER_FIELDS,
    {.name = "issuer",
     .kind = VALUE_ISSUER,
     .flags = FIELD_REPEAT,
     .text = "a key that this issuer's PINs are verified with, by PVV or, with --table, by offset"},
    {.name = "table", .kind = VALUE_PIN_TABLE, .text = "the decimalisation table that goes with the key"},
    {.name = "new-values",
     .kind = VALUE_NONE,
     .text = "of an issuer whose cards have values of a former key: new ones of all are at hand, and follow "
             "by pin import"},
    {.name = "algorithm",
     .kind = VALUE_KEY_ALGORITHM,
     .text = "of PIN and MAC keys: aes (CMAC), or tdes (ISO 9797-1 algorithm 3); aes unless given"},
    {.name = "rest",
     .kind = VALUE_NONE,
     .text =
         "only those of them who have no set that they have still to use: to go on after an interruption"},
    MODULE_FIELD,
    {.name = NULL},
};
static const struct field export_fields[] = {
    {.name = "file",
     .kind = VALUE_FILE,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "the file that is made, of mode 0600"},
    OWNER_FIELDS,
    {.name = "set", .kind = VALUE_KEY_SET, .text = "the set of this number; of each the newest unless given"},
    MODULE_FIELD,
    {.name = NULL},
};
static const struct field import_fields[] = {
    {.name = "block",
     .kind = VALUE_FILE,
     .text = "a key-encrypting key, as 'atmkeyd --take-components' has made it of components: the file with "
             "its key block"},
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "with --block: the ATM that has it"},
    {.name = "link", .kind = VALUE_LINK, .text = "with --block: the link that has it"},
    {.name = "check-value", .kind = VALUE_CHECK_VALUE, .text = "with --block: the key's check value"},
    {.name = "custodian",
     .kind = VALUE_TEXT,
     .flags = FIELD_REPEAT,
     .text = "with --block: who brought a component; once for each"},
    {.name = "bag",
     .kind = VALUE_TEXT,
     .flags = FIELD_REPEAT,
     .text = "with --block: the number of the bag that it came in; likewise"},
    {.name = "component-check",
     .kind = VALUE_CHECK_VALUE,
     .flags = FIELD_REPEAT,
     .text = "with --block: the component's check value; likewise"},
    {.name = "keys",
     .kind = VALUE_FILE,
     .text = "working sets under their owners' key-encrypting keys, as 'atmctl key export' writes them"},
    {.name = "clear",
     .kind = VALUE_FILE,
     .text = "a laboratory's key-encrypting keys: CSV with terminal and kek, digits of hexadecimal; of mode "
             "0600"},
    {.name = "links", .kind = VALUE_NONE, .text = "the file's first column is link, and not terminal"},
    MODULE_FIELD,
    {.name = NULL},
};
static const struct field retire_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of this ATM"},
    {.name = "link", .kind = VALUE_LINK, .text = "of this link"},
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "of this issuer"},
    {.name = "kind",
     .kind = VALUE_KEY_SET_KIND,
     .text = "of this kind; working, of an issuer verification, unless given"},
    {.name = "set", .kind = VALUE_KEY_SET, .flags = FIELD_REQUIRED, .text = "its number"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "key",
     .verb = "list",
     .text = "list keys of terminals, links and issuers: their sets, check values, states and days",
     .more = "A key-encrypting key (kek) wraps the others on their way to a terminal or bank; a working set "
             "is a PIN key and a "
             "MAC key for each direction, loaded until it is used for the first time.\n"
             "Example: atmctl key list --terminal T0000001",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = key_list,
     .fields = list_fields},
    {.noun = "key",
     .verb = "progress",
     .text = "say how far a change of keys is: how many have used their newest set, and how many are left",
     .more = "By area, and of all. Who is left: 'atmctl key list --kind working --state loaded'.\n"
             "Example: atmctl key progress --area kanto",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = progress_columns,
     .column_count = LENGTH(progress_columns),
     .run = key_progress,
     .fields = progress_fields},
    {.noun = "key",
     .verb = "generate",
     .text = "make new working sets, or a key to verify an issuer's PINs with",
     .more = "The key module makes them at random. A set is good from now on; those before it are until it "
             "is used. An ATM hears of it with its next message, fetches it under its key-encrypting key "
             "and uses it: 'atmctl key progress' says how many have.\n"
             "Example: atmctl key generate --area kanto --note 'yearly change, kanto first'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = key_generate,
     .fields = generate_fields},
    {.noun = "key",
     .verb = "export",
     .text = "write working sets as key blocks under their owners' key-encrypting keys",
     .more = "CSV with terminal or link, set, pin_key, mac_key_up and mac_key_down: ANSI X9.143. Up is from "
             "the terminal to "
             "atmd, or from atmd to the bank. The trail has who took them, and why.\n"
             "Example: atmctl key export /run/user/1000/t1.csv --terminal T0000001 --note 'for its vendor'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = key_export,
     .fields = export_fields},
    {.noun = "key",
     .verb = "import",
     .text = "take a key-encrypting key that was made of components, or working sets of a bank",
     .more = "With --block: what two custodians typed at the key module's console, noted with who they are, "
             "their bags and check "
             "values; the key-encrypting key before it is retired. With --keys: sets that a bank has made. "
             "With --clear: a laboratory's.\n"
             "Example: atmctl key import --block /root/t1.block --terminal T0000001 --check-value 0a1b2c "
             "--custodian Sato "
             "--bag 1001 --component-check 1a2b3c --custodian Mori --bag 1002 --component-check 4d5e6f "
             "--note 'first load'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = key_import,
     .fields = import_fields},
    {.noun = "key",
     .verb = "retire",
     .text = "retire a set: it is good for nothing from now on, and its key blocks are removed",
     .more = "A terminal or link without a set that is good can't be served until it has a new one.\n"
             "Example: atmctl key retire --terminal T0000001 --set 2 --note 'the cabinet was found open'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = key_retire,
     .fields = retire_fields},
};

const struct command_group group_key = {commands, sizeof(commands) / sizeof(*commands), "Keys"};
