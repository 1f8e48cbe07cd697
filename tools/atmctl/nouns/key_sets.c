/* Sets of keys for many owners at once: see key_sets.h. */
#include "tools/atmctl/nouns/key_sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/db/sqltext.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/selecting.h"

enum { SHOWN_MAX = 20 }; /* owners that are told of one by one */

const struct key_set_form key_set_forms[KEY_SET_KINDS] = {
    [KEY_SET_KEK] = {KEY_SET_KEK, 1, {KEY_PURPOSE_KEK}},
    [KEY_SET_WORKING] = {KEY_SET_WORKING, 3, {KEY_PURPOSE_PIN, KEY_PURPOSE_MAC_UP, KEY_PURPOSE_MAC_DOWN}},
    [KEY_SET_VERIFICATION] = {KEY_SET_VERIFICATION, 1, {KEY_PURPOSE_VERIFICATION}},
};

/* owners --------------------------------------------------------------------------------------------------- */

/* Beside those of ATMs. */
static const struct selecting others[] = {
    {"all", NULL, "ATM",
     "$1::text[] IS NOT NULL AND EXISTS (SELECT FROM key_set k WHERE k.owner_kind = 'terminal' AND k.owner = "
     "a.terminal AND k.kind = 'kek' AND k.retired_at IS NULL)"},
    {"link", "issuer", "link", NULL},
    {"issuer", "issuer", "issuer", NULL},
};
enum { ALL, LINK, ISSUER };

static const struct selecting *owners_selecting(const struct invocation *invocation,
                                                enum key_owner *ret_owner_kind)
{
        const struct selecting *atms = selecting_of(invocation, selecting_atms, SELECTING_ATMS);
        const struct selecting *other = selecting_of(invocation, others, LENGTH(others));
        bool names_atms = false;

        for (size_t i = 0; i < SELECTING_ATMS; i++)
                names_atms = names_atms || invocation_has(invocation, selecting_atms[i].option);
        if (names_atms ? other || !atms : !other)
                return NULL;
        *ret_owner_kind = other == &others[LINK]     ? KEY_OWNER_LINK
                          : other == &others[ISSUER] ? KEY_OWNER_ISSUER
                                                     : KEY_OWNER_TERMINAL;
        return names_atms ? atms : other;
}

bool key_owners_are_named(const struct invocation *invocation, enum key_owner *ret_owner_kind)
{
        return owners_selecting(invocation, ret_owner_kind);
}

/* Names by SQL in which $1 are those that were given, and $3 the number of the set, NULL for the newest. */
static PGresult *ask_owners(struct database *database, const char *owners, enum key_owner owner_kind,
                            const char *names, const char *set)
{
        const char *parameters[] = {names, key_owner_name[owner_kind], set};
        struct sqltext sql;

        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT o.owner, k.block[1], w.number, w.block[1], w.block[2], w.block[3] FROM (%s) o (owner, "
            "place) "
            "LEFT JOIN key_set k ON k.owner_kind = $2 AND k.owner = o.owner AND k.kind = 'kek' AND "
            "k.retired_at IS NULL LEFT JOIN LATERAL (SELECT s.number, s.block FROM key_set s WHERE "
            "s.owner_kind = $2 AND s.owner = o.owner AND s.kind = 'working' AND s.retired_at IS NULL AND "
            "s.number = coalesce($3::integer, s.number) ORDER BY s.number DESC LIMIT 1) w ON true ORDER "
            "BY o.place, o.owner",
            owners);
        return database_query(database, sql.text, LENGTH(parameters), parameters);
}

/* Without those who have something to use still. */
static void add_rest(struct sqltext *sql, enum key_owner owner_kind)
{
        sql_add(
            sql,
            " AND NOT EXISTS (SELECT FROM key_set r WHERE r.owner_kind = $2 AND r.owner = %s AND r.kind = "
            "'working' AND r.current_at IS NULL AND r.retired_at IS NULL)",
            owner_kind == KEY_OWNER_TERMINAL ? "a.terminal" : "n");
}

PGresult *key_owners(struct database *database, const struct invocation *invocation, const char *set)
{
        enum key_owner owner_kind = KEY_OWNER_TERMINAL;
        const struct selecting *selecting = owners_selecting(invocation, &owner_kind);
        char *names = selecting->table ? selecting_names(invocation, selecting) : strdup("{}");
        PGresult *owners = NULL;
        struct sqltext sql;

        sql_start(&sql);
        if (owner_kind == KEY_OWNER_TERMINAL)
                sql_add(&sql, "SELECT a.terminal, 0 FROM atm a WHERE %s", selecting->condition);
        else
                sql_add(&sql, "SELECT n, 0 FROM unnest($1::text[]) n WHERE true");
        if (invocation_has(invocation, "rest"))
                add_rest(&sql, owner_kind);
        if (!names)
                complain("out of memory");
        else if (!selecting->table || selecting_names_are_known(database, selecting, names))
                owners = ask_owners(database, sql.text, owner_kind, names, set);
        free(names);
        if (!owners || PQntuples(owners) || invocation_has(invocation, "rest"))
                return owners;
        complain("there is no ATM%s", selecting->table ? "" : " with a key-encrypting key");
        PQclear(owners);
        return NULL;
}

/* PostgreSQL's text of an array; NULL: no memory, or an element is. */
static char *array_text(const char *const *values, size_t count)
{
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        if (!stream)
                return NULL;
        for (size_t i = 0; i < count; i++) {
                fputs(i ? ",\"" : "{\"", stream);
                for (const char *at = values[i]; *at; at++) {
                        if (*at == '"' || *at == '\\')
                                fputc('\\', stream);
                        fputc(*at, stream);
                }
                fputc('"', stream);
        }
        fputs(count ? "}" : "{}", stream);
        if (fclose(stream) == 0)
                return text;
        free(text);
        return NULL;
}

PGresult *key_owners_of(struct database *database, enum key_owner owner_kind, const char *const *names,
                        size_t count)
{
        char *text = array_text(names, count);
        PGresult *owners =
            text ? ask_owners(
                       database,
                       "SELECT n.owner, n.place FROM unnest($1::text[]) WITH ORDINALITY n (owner, place)",
                       owner_kind, text, NULL)
                 : NULL;

        if (!text)
                complain("out of memory");
        free(text);
        return owners;
}

/* batches -------------------------------------------------------------------------------------------------- */

bool key_batch_make(struct key_batch *batch, enum key_owner owner_kind, enum key_set_kind kind, size_t count)
{
        *batch = (struct key_batch){.owner_kind = owner_kind, .form = &key_set_forms[kind], .count = count};
        batch->owner = calloc(count, sizeof(*batch->owner));
        batch->number = calloc(count, sizeof(*batch->number));
        batch->tasks = calloc(count * batch->form->each, sizeof(*batch->tasks));
        if (batch->owner && batch->number && batch->tasks)
                return true;
        complain("out of memory");
        key_batch_free(batch);
        return false;
}

void key_batch_free(struct key_batch *batch)
{
        free(batch->owner);
        free(batch->number);
        free(batch->tasks);
        free(batch->handover);
        *batch = (struct key_batch){.count = 0};
}

static bool was_good(const struct key_batch *batch)
{
        size_t tasks = batch->count * batch->form->each, refused = 0, first = 0;

        for (size_t i = tasks; i-- > 0;) {
                if (batch->tasks[i].code == KEY_CODE_GOOD)
                        continue;
                refused++;
                first = i;
        }
        if (!refused)
                return true;
        complain("%s %s, %s key: %s", key_owner_name[batch->owner_kind],
                 batch->owner[first / batch->form->each],
                 key_purpose_name[batch->form->purpose[first % batch->form->each]],
                 key_code_text(batch->tasks[first].code));
        if (refused > 1 && !batch->is_part)
                note("%zu of %zu keys were refused; the database is as it was", refused, tasks);
        return false;
}

bool key_batch_ask(struct key_batch *batch, const struct invocation *invocation)
{
        struct key_module *module = key_module_open(invocation);
        bool asked = module && key_module_ask(module, batch->tasks, batch->count * batch->form->each) &&
                     was_good(batch);

        key_module_close(module);
        return asked;
}

enum { OWNERS, NUMBERS, BLOCKS, CHECK_VALUES, CUSTODIANS, BAGS, COMPONENT_CHECKS, HANDOVER, LISTS };

/* PostgreSQL's text of an array; NULL: no memory. */
static char *numbers_text(const struct key_batch *batch)
{
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        if (!stream)
                return NULL;
        for (size_t i = 0; i < batch->count; i++)
                fprintf(stream, "%s%" PRId64, i ? "," : "{", batch->number[i]);
        fputc('}', stream);
        if (fclose(stream) == 0)
                return text;
        free(text);
        return NULL;
}

/* Each key's block, or check value: what stands there in its task. */
static char *keys_text(const struct key_batch *batch, size_t offset)
{
        size_t keys = batch->count * batch->form->each;
        const char **texts = calloc(keys, sizeof(*texts));
        char *text = NULL;

        for (size_t i = 0; texts && i < keys; i++)
                texts[i] = (const char *)&batch->tasks[i] + offset;
        if (texts)
                text = array_text(texts, keys);
        free(texts);
        return text;
}

/* The function's arrays. False: no memory. */
static bool make_lists(const struct key_batch *batch, char *ret_lists[LISTS])
{
        ret_lists[OWNERS] = array_text(batch->owner, batch->count);
        ret_lists[BLOCKS] = keys_text(batch, offsetof(struct key_task, block));
        ret_lists[CHECK_VALUES] = keys_text(batch, offsetof(struct key_task, check_value));
        if (batch->number[0])
                ret_lists[NUMBERS] = numbers_text(batch);
        if (batch->handover)
                ret_lists[HANDOVER] = array_text(batch->handover, batch->count * batch->form->each);
        if (batch->components) {
                ret_lists[CUSTODIANS] = array_text(batch->custodian, batch->components);
                ret_lists[BAGS] = array_text(batch->bag, batch->components);
                ret_lists[COMPONENT_CHECKS] = array_text(batch->component_check, batch->components);
        }
        return ret_lists[OWNERS] && ret_lists[BLOCKS] && ret_lists[CHECK_VALUES] &&
               (!batch->number[0] || ret_lists[NUMBERS]) && (!batch->handover || ret_lists[HANDOVER]) &&
               (!batch->components ||
                (ret_lists[CUSTODIANS] && ret_lists[BAGS] && ret_lists[COMPONENT_CHECKS]));
}

/* Each owner's set, or, of many, how many there are. */
static void say_added(const struct key_batch *batch, const struct invocation *invocation,
                      const PGresult *added)
{
        const char *owner_kind = key_owner_name[batch->owner_kind],
                   *kind = key_set_kind_name[batch->form->kind];

        if (batch->is_part)
                return;
        if (batch->count > SHOWN_MAX) {
                change_say(invocation, "%zu %ss: a new set each (%s)\n", batch->count, owner_kind, kind);
                return;
        }
        for (size_t i = 0; i < batch->count; i++) {
                change_say(invocation, "%s %s: set %s (%s)", owner_kind, batch->owner[i],
                           PQgetvalue(added, (int)i, 1), kind);
                for (size_t j = 0; j < batch->form->each; j++)
                        printf(", %s %s", key_purpose_name[batch->form->purpose[j]],
                               batch->tasks[i * batch->form->each + j].check_value);
                puts("");
        }
}

bool key_batch_add(struct key_batch *batch, struct database *database, const struct invocation *invocation)
{
        char *lists[LISTS] = {NULL};
        PGresult *added = NULL;

        if (make_lists(batch, lists)) {
                const char *parameters[] = {key_owner_name[batch->owner_kind],
                                            key_set_kind_name[batch->form->kind],
                                            lists[OWNERS],
                                            lists[NUMBERS],
                                            lists[BLOCKS],
                                            lists[CHECK_VALUES],
                                            lists[CUSTODIANS],
                                            lists[BAGS],
                                            lists[COMPONENT_CHECKS],
                                            lists[HANDOVER]};
                added = database_query(
                    database,
                    "SELECT a.* FROM key_set_add($1, $2, $3::text[], $4::integer[], "
                    "$5::text[], $6::text[], $7::text[], $8::text[], lower($9)::text[], $10::text[]) a JOIN "
                    "unnest($3::text[]) WITH ORDINALITY o (owner, place) ON o.owner = "
                    "a.r_owner ORDER BY o.place",
                    LENGTH(parameters), parameters);
        } else {
                complain("out of memory");
        }
        for (size_t i = 0; i < LISTS; i++)
                free(lists[i]);
        if (added)
                say_added(batch, invocation, added);
        PQclear(added);
        return added;
}

bool key_batch_exported(const struct key_batch *batch, struct database *database)
{
        char *owners = array_text(batch->owner, batch->count), *numbers = numbers_text(batch);
        const char *parameters[] = {key_owner_name[batch->owner_kind], owners, numbers};
        bool noted = false;

        if (owners && numbers)
                noted = database_execute(database, "SELECT key_sets_exported($1, $2::text[], $3::integer[])",
                                         LENGTH(parameters), parameters);
        else
                complain("out of memory");
        free(owners);
        free(numbers);
        return noted;
}
