/*
 * Import, add, set, remove, show and list of any entity. Whatever comes in goes through pg_temp.stage, so
 * that a file, an added row and a changed row meet the same checks; `line` is 0 for rows from options.
 */
#include "tools/atmctl/nouns/entity_commands.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/plural.h"
#include "lib/db/pg_query.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/import.h"
#include "tools/atmctl/reference_guard.h"
#include "tools/atmctl/rows.h"
#include "lib/db/sqltext.h"

/* Where rows come from, for complaints; import NULL: from the command's options. */
struct origin {
        const struct invocation *invocation;
        struct import *import;
};

static void complain_at(const struct origin *origin, long line, const char *field, const char *format, ...)
    ATM_PRINTF(4, 5);

static void complain_at(const struct origin *origin, long line, const char *field, const char *format, ...)
{
        char text[1024];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (origin->import)
                csv_complain(&origin->import->csv, line, field, "%s", text);
        else
                complain("%s: %s%s%s", invocation_name(origin->invocation), field ? field : "",
                         field ? ": " : "", text);
}

/* SQL of an entity --------------------------------------------------------------------------------------- */

enum { ALL = 0, ONLY_KEYS = 1, NO_KEYS = 2 };

static bool is_wanted(const struct field *field, int which)
{
        bool key = field->flags & FIELD_KEY;

        return which == ALL || (which == ONLY_KEYS ? key : !key);
}

/* "prefixcolumn, prefixcolumn" */
static void add_columns(struct sqltext *sql, const struct entity *entity, const char *prefix, int which)
{
        const char *separator = "";

        for (const struct field *field = entity->fields; field->name; field++) {
                if (!is_wanted(field, which))
                        continue;
                sql_add(sql, "%s%s%s", separator, prefix, field->column);
                separator = ", ";
        }
}

/* "t.key = s.key AND ..." */
static void add_key_match(struct sqltext *sql, const struct entity *entity)
{
        const char *separator = "";

        for (const struct field *field = entity->fields; field->name; field++) {
                if (!(field->flags & FIELD_KEY))
                        continue;
                sql_add(sql, "%st.%s = s.%s", separator, field->column, field->column);
                separator = " AND ";
        }
}

static bool create_stage(struct database *database, const struct entity *entity)
{
        struct sqltext sql;

        sql_start(&sql);
        sql_add(&sql, "CREATE TEMPORARY TABLE stage (line bigint NOT NULL");
        for (const struct field *field = entity->fields; field->name; field++)
                sql_add(&sql, ", %s %s", field->column, value_row(field->kind)->sql_type);
        sql_add(&sql, ") ON COMMIT DROP");
        return database_execute(database, sql.text, 0, NULL);
}

/* checks of the stage --------------------------------------------------------------------------------------
 */

static bool check_duplicates(struct database *database, const struct entity *entity,
                             const struct origin *origin)
{
        struct sqltext sql;
        PGresult *result;
        bool unique;
        const struct field *key = entity->fields;

        sql_start(&sql);
        sql_add(&sql, "SELECT line, first FROM (SELECT line, min(line) OVER (PARTITION BY ");
        add_columns(&sql, entity, "", ONLY_KEYS);
        sql_add(&sql, ") AS first FROM pg_temp.stage) s WHERE line > first ORDER BY line LIMIT 1");
        result = database_query(database, sql.text, 0, NULL);
        if (!result)
                return false;
        unique = PQntuples(result) == 0;
        if (!unique)
                complain_at(origin, (long)pg_number(result, 0, 0), key->name,
                            "the same %s is on line %s already: expected each once", entity->noun,
                            PQgetvalue(result, 0, 1));
        PQclear(result);
        return unique;
}

static bool check_reference(struct database *database, const struct field *field, const struct origin *origin)
{
        const char *column = strchr(field->references, '.');
        char table[32];
        struct sqltext sql;
        PGresult *result;
        bool known;

        snprintf(table, sizeof(table), "%.*s", (int)strcspn(field->references, "."), field->references);
        sql_start(&sql);
        sql_add(&sql,
                "SELECT line, %s FROM pg_temp.stage s WHERE %s IS NOT NULL AND NOT EXISTS "
                "(SELECT FROM %s r WHERE r.%s = s.%s) ORDER BY line LIMIT 1",
                field->column, field->column, table, column ? column + 1 : table, field->column);
        result = database_query(database, sql.text, 0, NULL);
        if (!result)
                return false;
        known = PQntuples(result) == 0;
        if (!known)
                complain_at(origin, (long)pg_number(result, 0, 0), field->name,
                            "'%s': the database has no such %s: expected one that 'atmctl %s list' shows",
                            PQgetvalue(result, 0, 1), table, table);
        PQclear(result);
        return known;
}

static bool check_rule(struct database *database, const struct entity_rule *rule, const struct origin *origin)
{
        struct sqltext sql;
        PGresult *result;
        bool kept;

        sql_start(&sql);
        sql_add(&sql, "SELECT line FROM pg_temp.stage s WHERE %s ORDER BY line LIMIT 1", rule->violated);
        result = database_query(database, sql.text, 0, NULL);
        if (!result)
                return false;
        kept = PQntuples(result) == 0;
        if (!kept)
                complain_at(origin, (long)pg_number(result, 0, 0), rule->field, "expected %s",
                            rule->expected);
        PQclear(result);
        return kept;
}

/* With --from, what has no day of its own must stay as it is. */
static bool check_undated(struct database *database, const struct entity *entity, const struct field *field,
                          const struct origin *origin)
{
        struct sqltext sql;
        PGresult *result;
        bool same;

        sql_start(&sql);
        sql_add(&sql, "SELECT line FROM pg_temp.stage s JOIN %s t ON ", entity->table);
        add_key_match(&sql, entity);
        sql_add(&sql, " WHERE s.%s IS DISTINCT FROM t.%s ORDER BY line LIMIT 1", field->column,
                field->column);
        result = database_query(database, sql.text, 0, NULL);
        if (!result)
                return false;
        same = PQntuples(result) == 0;
        if (!same)
                complain_at(origin, (long)pg_number(result, 0, 0), field->name,
                            "it would change at once: expected it as it is where --from is given");
        PQclear(result);
        return same;
}

static bool check_dated(struct database *database, const struct entity *entity, const struct origin *origin)
{
        for (const struct field *field = entity->fields; field->name; field++) {
                if (!(field->flags & (FIELD_KEY | FIELD_DATED)) &&
                    !check_undated(database, entity, field, origin))
                        return false;
        }
        return true;
}

static bool check_stage(struct database *database, const struct entity *entity, const struct origin *origin)
{
        if (!check_duplicates(database, entity, origin))
                return false;
        if (origin->invocation->command->flags & COMMAND_FROM && invocation_has(origin->invocation, "from") &&
            !check_dated(database, entity, origin))
                return false;
        for (const struct field *field = entity->fields; field->name; field++) {
                if (field->references && !check_reference(database, field, origin))
                        return false;
        }
        for (const struct entity_rule *rule = entity->rules; rule && rule->field; rule++) {
                if (!check_rule(database, rule, origin))
                        return false;
        }
        return true;
}

/* applying the stage ------------------------------------------------------------------------------------- */

struct applied {
        long long inserted, updated, same;
};

/* Run, and count the rows that it touched; *ret_failure gets the result of a failure, said nowhere yet. */
static bool run_counted(struct database *database, const char *sql, long long *ret_count,
                        PGresult **ret_failure)
{
        PGresult *result = PQexec(database->connection, sql);

        if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
                *ret_failure = result;
                return false;
        }
        *ret_count = pg_rows_written(result);
        PQclear(result);
        return true;
}

static void add_update(struct sqltext *sql, const struct entity *entity)
{
        sql_add(sql, "UPDATE %s t SET (", entity->table);
        add_columns(sql, entity, "", NO_KEYS);
        sql_add(sql, ") = ROW (");
        add_columns(sql, entity, "s.", NO_KEYS);
        sql_add(sql, ") FROM pg_temp.stage s WHERE ");
        add_key_match(sql, entity);
}

static void add_insert(struct sqltext *sql, const struct entity *entity)
{
        sql_add(sql, "INSERT INTO %s (", entity->table);
        add_columns(sql, entity, "", ALL);
        sql_add(sql, ") SELECT ");
        add_columns(sql, entity, "s.", ALL);
        sql_add(sql, " FROM pg_temp.stage s WHERE NOT EXISTS (SELECT FROM %s t WHERE ", entity->table);
        add_key_match(sql, entity);
        sql_add(sql, ")");
}

/* Rows that are as they should be already leave the stage: nothing is then written for them, so that no
 * guard of the database refuses what changes nothing. */
static bool drop_same(struct database *database, const struct entity *entity, long long *ret_same)
{
        struct sqltext sql;
        PGresult *failure;

        sql_start(&sql);
        sql_add(&sql, "DELETE FROM pg_temp.stage s USING %s t WHERE ", entity->table);
        add_key_match(&sql, entity);
        sql_add(&sql, " AND (");
        add_columns(&sql, entity, "t.", ALL);
        sql_add(&sql, ") IS NOT DISTINCT FROM (");
        add_columns(&sql, entity, "s.", ALL);
        sql_add(&sql, ")");
        if (run_counted(database, sql.text, ret_same, &failure))
                return true;
        database_complain(database, failure);
        PQclear(failure);
        return false;
}

/* The database refused the set; row by row in the order of the file, the one to blame is found. */
static void complain_of_row(struct database *database, const struct entity *entity,
                            const struct origin *origin)
{
        PGresult *lines = database_query(database, "SELECT line FROM pg_temp.stage ORDER BY line", 0, NULL);
        PGresult *failure = NULL;
        struct sqltext sql;
        long long count;
        int i = 0;

        if (!lines)
                return;
        for (; i < PQntuples(lines) && !failure; i++) {
                const char *line = PQgetvalue(lines, i, 0);

                sql_start(&sql);
                add_update(&sql, entity);
                sql_add(&sql, " AND s.line = %s", line);
                if (!run_counted(database, sql.text, &count, &failure) || count)
                        continue;
                sql_start(&sql);
                add_insert(&sql, entity);
                sql_add(&sql, " AND s.line = %s", line);
                if (!run_counted(database, sql.text, &count, &failure))
                        continue;
        }
        if (failure) {
                const char *hint = PQresultErrorField(failure, PG_DIAG_MESSAGE_HINT);

                complain_at(origin, (long)pg_number(lines, i - 1, 0), NULL, "%s",
                            PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY)
                                ? PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY)
                                : PQerrorMessage(database->connection));
                if (hint)
                        note("%s", hint);
        }
        PQclear(failure);
        PQclear(lines);
}

static bool is_business_refusal(const PGresult *failure)
{
        const char *state = PQresultErrorField(failure, PG_DIAG_SQLSTATE);

        return state && !strncmp(state, "23", 2); /* integrity constraint violation, the guards' class too */
}

/* How many staged rows are changes and how many are new: a statement that would touch no row is not run,
 * for its trigger would tell every atmd to load its reference data anew. */
static bool count_stage(struct database *database, const struct entity *entity, long long *ret_changes,
                        long long *ret_new)
{
        struct sqltext sql;
        PGresult *result;

        sql_start(&sql);
        sql_add(&sql,
                "SELECT count(*) FILTER (WHERE known), count(*) FILTER (WHERE NOT known) FROM "
                "(SELECT EXISTS (SELECT FROM %s t WHERE ",
                entity->table);
        add_key_match(&sql, entity);
        sql_add(&sql, ") AS known FROM pg_temp.stage s) c");
        result = database_query(database, sql.text, 0, NULL);
        if (!result)
                return false;
        *ret_changes = pg_number(result, 0, 0);
        *ret_new = pg_number(result, 0, 1);
        PQclear(result);
        return true;
}

/* What changes is said before it is committed. */
static bool note_doubts(struct database *database, const struct entity *entity)
{
        PGresult *result;

        if (!entity->doubt_sql)
                return true;
        result = database_query(database, entity->doubt_sql, 0, NULL);
        for (int i = 0; i < (result ? PQntuples(result) : 0); i++)
                note("%s", PQgetvalue(result, i, 0));
        PQclear(result);
        return result;
}

static bool apply_stage(struct database *database, const struct entity *entity, const struct origin *origin,
                        struct applied *ret_applied)
{
        struct applied applied = {0};
        struct sqltext update, insert;
        PGresult *failure = NULL;
        long long changes, fresh;
        bool done;

        if (!drop_same(database, entity, &applied.same) || !note_doubts(database, entity) ||
            !count_stage(database, entity, &changes, &fresh) ||
            !database_execute(database, "SAVEPOINT apply", 0, NULL))
                return false;
        sql_start(&update);
        add_update(&update, entity);
        sql_start(&insert);
        add_insert(&insert, entity);
        done = (!changes || run_counted(database, update.text, &applied.updated, &failure)) &&
               (!fresh || run_counted(database, insert.text, &applied.inserted, &failure));
        if (done) {
                *ret_applied = applied;
                return true;
        }
        if (is_business_refusal(failure) &&
            database_execute(database, "ROLLBACK TO SAVEPOINT apply", 0, NULL))
                complain_of_row(database, entity, origin);
        else
                database_complain(database, failure);
        PQclear(failure);
        return false;
}

static bool is_to_come(const struct invocation *invocation, const char *from)
{
        char today[11];
        int32_t day;

        if (!business_today(invocation, &day))
                return false;
        calendar_print_day(day, today);
        if (strcmp(from, today) >= 0)
                return true;
        complain("--from %s: expected %s, the business day, or later", from, today);
        return false;
}

/* The day from which on a change holds, where the command has a clock. Which day is current the database says: here it may be over. */
static bool say_business_day(struct database *database, const struct invocation *invocation)
{
        const char *from = invocation_value(invocation, "from");
        const char *parameters[] = {from ? from : "current"};

        if (!(invocation->command->flags & COMMAND_CLOCK))
                return true;
        return (!from || is_to_come(invocation, from)) &&
               database_execute(database, "SELECT set_config('atm.business_day', $1, false)",
                                LENGTH(parameters), parameters);
}

/* One transaction, and one operator at a time on a table, so that checks hold until the commit. */
static bool begin(struct database *database, const struct invocation *invocation,
                  struct reference_guard *ret_guard)
{
        const struct entity *entity = invocation->command->entity;
        struct sqltext sql;

        *ret_guard = (struct reference_guard){NULL};
        sql_start(&sql);
        sql_add(&sql, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", entity->table);
        return say_business_day(database, invocation) && change_begin(database) &&
               reference_guard_begin(ret_guard, database) && database_execute(database, sql.text, 0, NULL) &&
               create_stage(database, entity);
}

/* COMMIT, where all went well and atmd can go on with what it makes. */
static bool commit(struct database *database, const struct invocation *invocation,
                   struct reference_guard *guard, bool done)
{
        return reference_guard_end(guard, database, done) && change_commit(database, invocation);
}

/* import --------------------------------------------------------------------------------------------- */

static bool fill_stage(struct database *database, struct import *import)
{
        struct stage stage;
        enum csv_result result;

        if (!stage_begin(&stage, database))
                return false;
        while ((result = import_next(import)) == CSV_ROW) {
                stage_number(&stage, import->csv.line);
                for (size_t i = 0; i < import->count; i++)
                        stage_value(&stage, import->value[i]);
                stage_row_end(&stage);
        }
        if (result == CSV_END)
                return stage_end(&stage);
        stage_abandon(&stage);
        return false;
}

/* What the file has no column for stays as it is: its fallback is for rows that are new. */
static bool keep_unnamed(struct database *database, const struct entity *entity, const struct import *import)
{
        struct sqltext sql;
        const char *separator = "";

        sql_start(&sql);
        sql_add(&sql, "UPDATE pg_temp.stage s SET ");
        for (size_t i = 0; i < import->count; i++) {
                const struct field *field = &entity->fields[i];

                if (import->column[i] >= 0 || (field->flags & FIELD_KEY))
                        continue;
                sql_add(&sql, "%s%s = t.%s", separator, field->column, field->column);
                separator = ", ";
        }
        if (!*separator)
                return true;
        sql_add(&sql, " FROM %s t WHERE ", entity->table);
        add_key_match(&sql, entity);
        return database_execute(database, sql.text, 0, NULL);
}

/* A row that is new has each value, or its fallback. */
static bool check_new(struct database *database, const struct entity *entity, struct import *import)
{
        const struct field *lacking = import_lacks(import);
        struct sqltext sql;
        PGresult *result;
        bool good;

        if (!lacking)
                return true;
        sql_start(&sql);
        sql_add(&sql, "SELECT line FROM pg_temp.stage s WHERE NOT EXISTS (SELECT FROM %s t WHERE ",
                entity->table);
        add_key_match(&sql, entity);
        sql_add(&sql, ") ORDER BY line LIMIT 1");
        result = database_query(database, sql.text, 0, NULL);
        if (!result)
                return false;
        good = PQntuples(result) == 0;
        if (!good)
                csv_complain(
                    &import->csv, (long)pg_number(result, 0, 0), lacking->name,
                    "missing in the header, and this %s is new: expected each column that a new one needs",
                    entity->noun);
        PQclear(result);
        return good;
}

int entity_import(const struct invocation *invocation)
{
        const struct entity *entity = invocation->command->entity;
        struct database database;
        struct import import;
        struct origin origin = {invocation, &import};
        struct applied applied;
        struct reference_guard guard;
        bool done;
        char rows[PLURAL_MAX];
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        if (!import_open_entity(&import, invocation_value(invocation, "file"), entity))
                goto disconnect;
        done = begin(&database, invocation, &guard) && fill_stage(&database, &import) &&
               check_new(&database, entity, &import) && keep_unnamed(&database, entity, &import) &&
               check_stage(&database, entity, &origin) && apply_stage(&database, entity, &origin, &applied);
        if (commit(&database, invocation, &guard, done)) {
                change_say(invocation, "%s: %s: %lld new, %lld changed, %lld as they were\n", entity->plural,
                           plural_count(import.rows, "row", rows), applied.inserted, applied.updated,
                           applied.same);
                exit_code = EXIT_DONE;
        } else {
                note("nothing was imported");
        }
        import_close(&import);
disconnect:
        database_close(&database);
        return exit_code;
}

/* one row, from options -------------------------------------------------------------------------------- */

static const char *given(const struct invocation *invocation, const struct field *field)
{
        const char *value = invocation_field(invocation, field);

        return value && !*value && (field->flags & FIELD_NULLABLE) ? NULL : value;
}

/* "'...' of the row's key": its values as people know them, for messages. */
static void describe_key(const struct invocation *invocation, char *buffer, size_t size)
{
        const struct entity *entity = invocation->command->entity;
        size_t used = (size_t)snprintf(buffer, size, "%s", entity->noun);

        for (const struct field *field = entity->fields; field->name && used < size; field++) {
                const char *value = invocation_field(invocation, field);

                if (field->flags & FIELD_KEY)
                        used += (size_t)snprintf(buffer + used, size - used, " %s",
                                                 value                 ? value
                                                 : field->add_fallback ? field->add_fallback
                                                                       : "");
        }
}

static const char *key_value(const struct invocation *invocation, const struct field *field)
{
        const char *value = invocation_field(invocation, field);

        return value ? value : field->add_fallback;
}

/* The position of a field in its entity. */
static size_t field_at(const struct entity *entity, const char *name)
{
        size_t i = 0;

        while (strcmp(entity->fields[i].name, name))
                i++;
        return i;
}

static bool stage_added(struct database *database, const struct invocation *invocation)
{
        const struct entity *entity = invocation->command->entity;
        const char *parameters[IMPORT_FIELDS_MAX];
        char fallback[IMPORT_FIELDS_MAX][VALUE_MAX];
        struct sqltext sql;
        int count = 0;

        sql_start(&sql);
        sql_add(&sql, "INSERT INTO pg_temp.stage SELECT 0");
        for (const struct field *field = entity->fields; field->name; field++) {
                const char *text = field->add_fallback ? field->add_fallback : field->fallback;

                parameters[count] = given(invocation, field);
                if (!invocation_field(invocation, field) && text && *text == '=')
                        parameters[count] = parameters[field_at(entity, text + 1)];
                else if (!invocation_field(invocation, field) && text && *text &&
                         value_check(field->kind, text, fallback[count]))
                        parameters[count] = fallback[count];
                count++;
                sql_add(&sql, ", $%d::%s", count, value_row(field->kind)->sql_type);
        }
        return database_execute(database, sql.text, count, parameters);
}

static int finish_one(struct database *database, const struct invocation *invocation,
                      struct reference_guard *guard, bool done, const char *what)
{
        char key[256];

        if (commit(database, invocation, guard, done)) {
                describe_key(invocation, key, sizeof(key));
                change_say(invocation, "%s: %s\n", key, what);
                database_close(database);
                return EXIT_DONE;
        }
        database_close(database);
        return EXIT_FAILED;
}

/* Is the row of the stage in the table already? */
static bool stage_exists(struct database *database, const struct entity *entity, bool *ret_exists)
{
        long long known, fresh;

        if (!count_stage(database, entity, &known, &fresh))
                return false;
        *ret_exists = known > 0;
        return true;
}

int entity_add(const struct invocation *invocation)
{
        const struct entity *entity = invocation->command->entity;
        struct origin origin = {invocation, NULL};
        struct database database;
        struct applied applied;
        struct reference_guard guard;
        char key[256];
        bool exists, done;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        done = begin(&database, invocation, &guard) && stage_added(&database, invocation) &&
               stage_exists(&database, entity, &exists);
        if (done && exists) {
                describe_key(invocation, key, sizeof(key));
                complain("%s exists already", key);
                note("'atmctl %s set' changes it", entity->noun);
                done = false;
        }
        done = done && check_stage(&database, entity, &origin) &&
               apply_stage(&database, entity, &origin, &applied);
        return finish_one(&database, invocation, &guard, done, "added");
}

/* "t.key = $1::type AND ..." with its parameters; returns how many there are. */
static int add_key_condition(struct sqltext *sql, const struct invocation *invocation,
                             const char **parameters, int count)
{
        const char *separator = "";

        for (const struct field *field = invocation->command->entity->fields; field->name; field++) {
                if (!(field->flags & FIELD_KEY))
                        continue;
                parameters[count++] = key_value(invocation, field);
                sql_add(sql, "%st.%s = $%d::%s", separator, field->column, count,
                        value_row(field->kind)->sql_type);
                separator = " AND ";
        }
        return count;
}

static int complain_of_absence(const struct invocation *invocation)
{
        char key[256];

        describe_key(invocation, key, sizeof(key));
        complain("the database has no %s", key);
        note("'atmctl %s list' shows what there is", invocation->command->entity->noun);
        return EXIT_FAILED;
}

/* The row as it is with what the options change; *ret_found: it is there. */
static bool stage_changed(struct database *database, const struct invocation *invocation, bool *ret_found)
{
        const struct entity *entity = invocation->command->entity;
        const char *parameters[2 * IMPORT_FIELDS_MAX];
        struct sqltext sql;
        PGresult *result;
        int count = 0;

        sql_start(&sql);
        sql_add(&sql, "INSERT INTO pg_temp.stage SELECT 0");
        for (const struct field *field = entity->fields; field->name; field++) {
                if ((field->flags & FIELD_KEY) || !invocation_field(invocation, field)) {
                        sql_add(&sql, ", t.%s", field->column);
                        continue;
                }
                parameters[count++] = given(invocation, field);
                sql_add(&sql, ", $%d::%s", count, value_row(field->kind)->sql_type);
        }
        sql_add(&sql, " FROM %s t WHERE ", entity->table);
        count = add_key_condition(&sql, invocation, parameters, count);
        result = database_query(database, sql.text, count, parameters);
        if (!result)
                return false;
        *ret_found = pg_rows_written(result) > 0;
        PQclear(result);
        return true;
}

static bool changes_anything(const struct invocation *invocation)
{
        for (const struct field *field = invocation->command->entity->fields; field->name; field++) {
                if (!(field->flags & FIELD_KEY) && invocation_field(invocation, field))
                        return true;
        }
        return false;
}

int entity_set(const struct invocation *invocation)
{
        const struct entity *entity = invocation->command->entity;
        struct origin origin = {invocation, NULL};
        struct database database;
        struct applied applied;
        struct reference_guard guard;
        bool found = false, done;

        if (!changes_anything(invocation))
                return usage_error(invocation->command,
                                   "nothing is to be changed: expected an option that says what");
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        done = begin(&database, invocation, &guard) && stage_changed(&database, invocation, &found);
        if (done && !found) {
                complain_of_absence(invocation);
                done = false;
        }
        done = done && check_stage(&database, entity, &origin) &&
               apply_stage(&database, entity, &origin, &applied);
        return finish_one(&database, invocation, &guard, done,
                          done && applied.same ? "is so already" : "changed");
}

int entity_remove(const struct invocation *invocation)
{
        const struct entity *entity = invocation->command->entity;
        const char *parameters[IMPORT_FIELDS_MAX];
        struct database database;
        struct reference_guard guard;
        struct sqltext sql;
        PGresult *result = NULL;
        bool done;
        int count;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        sql_start(&sql);
        sql_add(&sql, "DELETE FROM %s t WHERE ", entity->table);
        count = add_key_condition(&sql, invocation, parameters, 0);
        if (begin(&database, invocation, &guard))
                result = database_query(&database, sql.text, count, parameters);
        done = result && pg_rows_written(result) > 0;
        if (result && !done)
                complain_of_absence(invocation);
        PQclear(result);
        return finish_one(&database, invocation, &guard, done, "removed");
}

/* show and list -------------------------------------------------------------------------------------- */

static enum output_type output_type_of(enum value_kind kind)
{
        switch (kind) {
        case VALUE_BOOL:
                return OUTPUT_BOOL;
        case VALUE_FEE:
        case VALUE_YEN:
        case VALUE_CLAIM:
        case VALUE_BALANCE:
        case VALUE_AMOUNT:
                return OUTPUT_YEN;
        case VALUE_BASIS_POINTS:
        case VALUE_NUMBER:
        case VALUE_PIN_TRIES:
                return OUTPUT_NUMBER;
        case VALUE_DECIMAL:
                return OUTPUT_QUANTITY;
        case VALUE_QUARTER:
        case VALUE_PERIOD:
                return OUTPUT_PERIOD;
        default:
                return OUTPUT_TEXT;
        }
}

size_t entity_columns(const struct entity *entity, struct output_column ret_columns[OUTPUT_COLUMNS_MAX])
{
        size_t count = 0;

        for (const struct field *field = entity->fields; field->name; field++)
                ret_columns[count++] =
                    (struct output_column){.name = field->name, .type = output_type_of(field->kind)};
        for (size_t i = 0; i < entity->more_count; i++)
                ret_columns[count++] = entity->more[i];
        return count;
}

static size_t add_output(struct sqltext *sql, const struct entity *entity, struct output_column *columns)
{
        const char *between = "";

        sql_add(sql, "SELECT ");
        for (const struct field *field = entity->fields; field->name; field++, between = ", ")
                sql_add(sql,
                        field->kind == VALUE_TIME ? "%sto_char(make_interval(mins => t.%s), 'HH24:MI')"
                                                  : "%st.%s",
                        between, field->column);
        if (entity->more_sql)
                sql_add(sql, ", %s", entity->more_sql);
        sql_add(sql, " FROM %s t", entity->shown ? entity->shown : entity->table);
        return entity_columns(entity, columns);
}

int entity_show(const struct invocation *invocation)
{
        struct output_column columns[OUTPUT_COLUMNS_MAX];
        const char *parameters[IMPORT_FIELDS_MAX];
        char key[256], absent[300];
        struct sqltext sql;
        size_t columns_used;
        int count;

        sql_start(&sql);
        columns_used = add_output(&sql, invocation->command->entity, columns);
        sql_add(&sql, " WHERE ");
        count = add_key_condition(&sql, invocation, parameters, 0);
        describe_key(invocation, key, sizeof(key));
        snprintf(absent, sizeof(absent), "the database has no %s", key);
        return rows_print(invocation, &(struct rows_query){.sql = sql.text,
                                                           .count = count,
                                                           .parameters = parameters,
                                                           .shape = OUTPUT_ONE,
                                                           .columns = columns,
                                                           .column_count = columns_used,
                                                           .absent = absent});
}

static int add_filters(struct sqltext *sql, const struct invocation *invocation, const struct field *fields,
                       const char **parameters, int count)
{
        for (const struct field *field = fields; field && field->name; field++) {
                if (!(field->flags & FIELD_FILTER) || !invocation_field(invocation, field))
                        continue;
                parameters[count++] = given(invocation, field);
                sql_add(sql, "%s t.%s IS NOT DISTINCT FROM $%d::%s", count > 1 ? " AND" : " WHERE",
                        field->column, count, value_row(field->kind)->sql_type);
        }
        return count;
}

int entity_list(const struct invocation *invocation)
{
        const struct entity *entity = invocation->command->entity;
        struct output_column columns[OUTPUT_COLUMNS_MAX];
        const char *parameters[IMPORT_FIELDS_MAX];
        struct sqltext sql;
        size_t columns_used;
        int count;

        sql_start(&sql);
        columns_used = add_output(&sql, entity, columns);
        count = add_filters(&sql, invocation, entity->fields, parameters, 0);
        count = add_filters(&sql, invocation, entity->filters, parameters, count);
        sql_add(&sql, " ORDER BY %s", entity->order);
        return rows_print(invocation, &(struct rows_query){.sql = sql.text,
                                                           .count = count,
                                                           .parameters = parameters,
                                                           .columns = columns,
                                                           .column_count = columns_used});
}
