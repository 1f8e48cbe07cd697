/*
 * ATMs are switched by their ids, or all of a hall or area at once; see atm_switch.h. Who names one ATM means that one, whatever was said of it.
 * Who names many does not know what was said of each: none of them comes back for it before somebody else has said (a stolen ATM of a
 * hall that is rebuilt), and those that keep what they have are named.
 */
#include "tools/atmctl/nouns/atm_switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/plural.h"
#include "lib/cli/say.h"
#include "lib/db/sqltext.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/selecting.h"

/* So many are named, of those that keep what they have. */
enum { NAMED_MAX = 20 };

/* What each says of atm a ($2) and until when it is so ($3); `keeps`: where many are meant, one of which that is so stays as it is. */
static const struct switching {
        const char *verb, *column, *until, *value, *done, *keeps, *kept;
} switchings[] = {
    {"enable", "enabled", "disabled_until", "true", "enabled", "NOT a.enabled AND a.disabled_until IS NULL",
     "still disabled, for nothing ends it by itself"},
    {"disable", "enabled", "disabled_until", "false", "disabled",
     "NOT a.enabled AND coalesce(a.disabled_until, 'infinity') > coalesce($3::timestamptz, 'infinity')",
     "disabled for longer already"},
    {"bar", "barred", "barred_until", "true", "barred",
     "a.barred AND coalesce(a.barred_until, 'infinity') > coalesce($3::timestamptz, 'infinity')",
     "barred for longer already"},
    {"unbar", "barred", "barred_until", "false", "let in again", "a.barred AND a.barred_until IS NULL",
     "still barred, for nothing ends it by itself"},
};

static const struct switching *switching_of(const struct invocation *invocation)
{
        size_t i = 0;

        while (strcmp(switchings[i].verb, invocation->command->verb))
                i++;
        return &switchings[i];
}

/* One that is named by its id. */
static bool is_one(const struct invocation *invocation, const char *names)
{
        return invocation_has(invocation, "terminal") && !strchr(names, ',');
}

/* Whether each ATM is meant, whatever was said of it: what ends something may be told of many by their ids, or by --all. */
static bool means_each(const struct invocation *invocation, const char *names)
{
        bool ends = invocation->command->fields == atm_end_fields;

        return is_one(invocation, names) ||
               (ends && (invocation_has(invocation, "terminal") || invocation_has(invocation, "all")));
}

static bool is_to_come(struct database *database, const char *until)
{
        PGresult *result = database_query(
            database, "SELECT $1::timestamptz > business_now(), " ATM_UNTIL("business_now()"), 1, &until);
        bool good = result && *PQgetvalue(result, 0, 0) == 't';

        if (result && !good)
                complain("--until %s: expected a moment after now, %s in business time", until,
                         PQgetvalue(result, 0, 1));
        PQclear(result);
        return good;
}

/* What all statements are asked with. */
struct question {
        const struct switching *switching;
        const struct selecting *selecting;
        const char *parameters[4]; /* $1 names, $2 value, $3 until, $4 whether each is meant */
};

enum answer_column { COLUMN_TERMINAL, COLUMN_KEEPS, COLUMN_UNTIL, COLUMN_MEANT };

/* Those that are meant and are not so yet, locked, and how many are meant. */
static PGresult *ask_others(struct database *database, const struct question *q)
{
        const struct switching *s = q->switching;
        struct sqltext sql;

        sql_start(&sql);
        sql_add(&sql,
                "SELECT a.terminal, NOT $4::boolean AND (%s), to_char(a.%s AT TIME ZONE 'Asia/Tokyo', "
                "'YYYY-MM-DD\"T\"HH24:MI'), (SELECT count(*) FROM atm a WHERE %s) FROM atm a WHERE %s AND "
                "(a.%s, a.%s) IS DISTINCT FROM ($2::boolean, $3::timestamptz) ORDER BY a.terminal FOR NO KEY "
                "UPDATE",
                s->keeps, s->until, q->selecting->condition, q->selecting->condition, s->column, s->until);
        return database_query(database, sql.text, LENGTH(q->parameters), q->parameters);
}

static bool switch_others(struct database *database, const struct question *q)
{
        const struct switching *s = q->switching;
        struct sqltext sql;

        sql_start(&sql);
        sql_add(&sql,
                "UPDATE atm a SET %s = $2::boolean, %s = $3::timestamptz WHERE %s AND (a.%s, a.%s) IS "
                "DISTINCT FROM ($2::boolean, $3::timestamptz) AND ($4::boolean OR (%s) IS NOT TRUE)",
                s->column, s->until, q->selecting->condition, s->column, s->until, s->keeps);
        return database_execute(database, sql.text, LENGTH(q->parameters), q->parameters);
}

static int count_keeping(const PGresult *others)
{
        int count = 0;

        for (int i = 0; i < PQntuples(others); i++)
                count += *PQgetvalue(others, i, COLUMN_KEEPS) == 't';
        return count;
}

/* Why it is barred, once more: of a row that stays as it is the trail has only that. False after a complaint. */
static bool note_anew(struct database *database, const char *names, bool *ret_noted)
{
        PGresult *result =
            database_query(database, "SELECT bool_or(atm_bar_note(n)) FROM unnest($1::text[]) n", 1, &names);

        *ret_noted = result && *PQgetvalue(result, 0, 0) == 't';
        PQclear(result);
        return result != NULL;
}

static void say_one(const struct invocation *invocation, const struct question *q, const char *what)
{
        const char *names = q->parameters[0], *until = q->parameters[2];
        bool done = what == q->switching->done;

        change_say(invocation, "atm %.*s: %s%s%s\n", (int)strlen(names) - 2, names + 1, what,
                   done && until ? " until " : "", done && until ? until : "");
}

static void say_many(const struct invocation *invocation, const struct question *q, const PGresult *others,
                     int keeping)
{
        int count = PQntuples(others) - keeping;
        const char *until = q->parameters[2];
        char meant[PLURAL_MAX];

        if (!PQntuples(others))
                change_say(invocation, "no ATM is otherwise\n");
        else
                change_say(invocation, "%d of %s %s%s%s\n", count,
                           plural_count((uint64_t)pg_number(others, 0, COLUMN_MEANT), "ATM", meant),
                           q->switching->done, until ? " until " : "", until ? until : "");
}

static void say_keeping(const struct invocation *invocation, const struct question *q, const PGresult *others,
                        int keeping)
{
        int named = 0;

        if (!keeping)
                return;
        change_say(invocation, "%s:", q->switching->kept);
        for (int i = 0; i < PQntuples(others) && named < NAMED_MAX; i++) {
                if (*PQgetvalue(others, i, COLUMN_KEEPS) != 't')
                        continue;
                printf("%s %s", named++ ? "," : "", PQgetvalue(others, i, COLUMN_TERMINAL));
                if (!PQgetisnull(others, i, COLUMN_UNTIL))
                        printf(" until %s", PQgetvalue(others, i, COLUMN_UNTIL));
        }
        if (keeping > named)
                printf(" and %d more", keeping - named);
        printf("\n");
        note(invocation->command->fields == atm_end_fields
                 ? "name such an ATM by its id, or all of them by --all, to end that too"
                 : "name such an ATM alone, by its id, to make that shorter");
}

static bool switch_them(struct database *database, const struct invocation *invocation,
                        const struct question *q, const PGresult *others)
{
        int keeping = count_keeping(others);
        bool one = is_one(invocation, q->parameters[0]), noted = false;

        /* a statement that changes no row would still tell every atmd to load its reference data anew */
        if (PQntuples(others) > keeping && !switch_others(database, q))
                return false;
        if (one && !PQntuples(others) && !strcmp(q->switching->verb, "bar") &&
            !note_anew(database, q->parameters[0], &noted))
                return false;
        if (!change_commit(database, invocation))
                return false;
        if (one) {
                say_one(invocation, q,
                        PQntuples(others) ? q->switching->done
                        : noted           ? "is so already; the note is in the trail"
                                          : "is so already");
        } else {
                say_many(invocation, q, others, keeping);
                say_keeping(invocation, q, others, keeping);
        }
        return true;
}

static bool switch_within(struct database *database, const struct invocation *invocation, const char *names)
{
        const struct switching *switching = switching_of(invocation);
        const char *until = invocation_value(invocation, "until");
        const struct question question = {
            .switching = switching,
            .selecting = selecting_of(invocation, selecting_atms, SELECTING_ATMS),
            .parameters = {names, switching->value, until, means_each(invocation, names) ? "true" : "false"}};
        PGresult *others;
        bool done;

        if (!selecting_names_are_known(database, question.selecting, names) ||
            (until && !is_to_come(database, until)))
                return false;
        others = ask_others(database, &question);
        done = others && switch_them(database, invocation, &question, others);
        PQclear(others);
        return done;
}

static bool switch_all(struct database *database, const struct invocation *invocation, void *context)
{
        return change_begin(database) && switch_within(database, invocation, context);
}

int atm_switch(const struct invocation *invocation)
{
        const struct selecting *selecting = selecting_of(invocation, selecting_atms, SELECTING_ATMS);
        int exit_code = EXIT_FAILED;
        char *names;

        if (!selecting)
                return usage_error(invocation->command,
                                   "which ATMs? expected their ids, or --hall, or --area");
        names = selecting_names(invocation, selecting);
        if (names)
                exit_code = database_run(invocation, switch_all, names);
        else
                complain("out of memory");
        free(names);
        return exit_code;
}

#define SELECTED_ATMS                                                                                        \
        {.name = "terminal",                                                                                 \
         .kind = VALUE_TERMINAL,                                                                             \
         .flags = FIELD_POSITIONAL | FIELD_REPEAT,                                                           \
         .text = "the ATMs' ids"},                                                                           \
            {.name = "hall",                                                                                 \
             .kind = VALUE_HALL,                                                                             \
             .flags = FIELD_REPEAT,                                                                          \
             .text = "all that stand in these halls instead"},                                               \
        {                                                                                                    \
                .name = "area", .kind = VALUE_AREA, .flags = FIELD_REPEAT,                                   \
                .text = "all that stand in halls of these areas instead"                                     \
        }
const struct field atm_begin_fields[] = {
    SELECTED_ATMS,
    {.name = "until",
     .kind = VALUE_MOMENT,
     .text =
         "when it ends by itself, in business time; a day: its first moment; unless given, when somebody "
         "ends it. Of several ATMs those that it would end sooner for keep what they have, and are named"},
    {.name = NULL},
};
const struct field atm_end_fields[] = {
    SELECTED_ATMS,
    {.name = "all",
     .kind = VALUE_NONE,
     .text = "those of --hall or --area too for which nothing ends it by itself; they are left, and named, "
             "unless this is given"},
    {.name = NULL},
};

const struct output_column atm_barred_columns[ATM_BARRED_COLUMNS] = {{"terminal", OUTPUT_TEXT, 0},
                                                                     {"hall", OUTPUT_TEXT, 0},
                                                                     {"until", OUTPUT_TEXT, 0},
                                                                     {"note", OUTPUT_TEXT, 0}};

int atm_barred(const struct invocation *invocation)
{
        return rows_print(
            invocation,
            &(struct rows_query){.sql = "SELECT t.terminal, t.hall, " ATM_UNTIL(
                                     "t.barred_until") ", barred_note(t.terminal)"
                                                       " FROM atm t WHERE t.barred ORDER BY t.terminal",
                                 .columns = atm_barred_columns,
                                 .column_count = ATM_BARRED_COLUMNS});
}
