/*
 * Each column of the database, altered by a superuser's hand where no trigger sees it: verify or reconcile names what does not
 * fit any more. What people may change, and the withdrawals before it don't fit, it does not. alterations.def has a row for each, and says of the others why nothing follows from them. The columns come
 * from the catalogue, so a new one without a row fails.
 *
 * All of it is asked of one small database: each alteration is a transaction that is taken back.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/reconcile.h"
#include "backoffice/audit/verify.h"
#include "lib/base/array.h"
#include "tests/contract/story.h"
#include "tests/suite.h"

enum alteration_end {
        SEEN,    /* under that name */
        UNSEEN,  /* nothing follows from it, and why */
        PERSON,  /* likewise; a person does it, where triggers see it */
        REFUSED, /* by a constraint, even to a superuser */
};

struct alteration {
        enum alteration_end end;
        const char *table, *column; /* column NULL: rows are removed or added */
        const char
            *sql; /* of a column: its new value, and what follows it in an UPDATE; else the statement */
        const char *what; /* the name; the reason */
};

/* The reference data contradict themselves, so that nothing can be held to them: verify says what, and fails. */
#define UNREADABLE "unreadable"

static const struct alteration alterations[] = {
#define ALTERED(table, column, value, name) {SEEN, #table, #column, value, name},
#define ROWS(table, sql, name)              {SEEN, #table, NULL, sql, name},
#define LEGAL(table, sql, why)              {UNSEEN, #table, NULL, sql, why},
#define CHANGED(table, sql, why)            {PERSON, #table, NULL, sql, why},
#define NOTHING(table, column, value, why)  {UNSEEN, #table, #column, value, why},
#define FIXED(table, column, value)         {REFUSED, #table, #column, value, NULL},
#include "tests/contract/alterations.def"
};

struct found {
        char names[1024];
        size_t used;
};

static void add_name(struct found *found, const char *name)
{
        if (!strstr(found->names, name) && found->used + strlen(name) + 2 < sizeof(found->names))
                found->used +=
                    (size_t)snprintf(found->names + found->used, sizeof(found->names) - found->used, "%s%s",
                                     found->used ? " " : "", name);
}

static bool on_difference(const struct merge_difference *difference, void *context)
{
        const char *reason;

        if (difference->standing != DIFFERENCE_OPEN)
                return true;
        add_name(context, difference->what);
        for (int place = 0; (reason = difference_reason(place)); place++)
                if (difference->reasons >> place & 1)
                        add_name(context, reason);
        return true;
}

static void add_unreadable(struct found *found, const char *error)
{
        add_name(found, UNREADABLE);
        if (getenv("ATM_TEST_VERBOSE"))
                fprintf(stderr, "%s\n", error);
}

/* What verify and reconcile name, in the transaction that is open. */
static void audit(struct world *world, const char *folder, struct found *found)
{
        static const struct verify_question verify_question = {.parts = 1};
        char atm[128], banks[128], error[PG_ERROR_MAX];
        const char *atm_folder[] = {atm}, *bank_folder[] = {banks};
        struct reconcile_question question = {.atm_folder = atm_folder,
                                              .atm_folders = 1,
                                              .bank_folder = bank_folder,
                                              .bank_folders = 1,
                                              .on_difference = on_difference,
                                              .context = found};
        struct reconcile_answer answer;
        struct findings findings;

        *found = (struct found){.used = 0};
        snprintf(atm, sizeof(atm), "%s/atm", folder);
        snprintf(banks, sizeof(banks), "%s/banks", folder);
        if (!verify(world->admin, &verify_question, &findings, error))
                add_unreadable(found, error);
        for (size_t i = 0; i < findings.count; i++)
                add_name(found, verify_check_name[findings.named[i].check]);
        findings_free(&findings);
        if (!reconcile(world->admin, &question, &answer, error))
                add_unreadable(found, error);
}

/* How many rows it altered; -1: it was refused. */
static int64_t alter(struct world *world, const struct alteration *a)
{
        char sql[1024];
        PGresult *result;
        int64_t rows;

        PQclear(
            PQexec(world->admin, a->end == PERSON
                                     ? "BEGIN ISOLATION LEVEL REPEATABLE READ; SET CONSTRAINTS ALL IMMEDIATE"
                                     : "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL "
                                       "session_replication_role = replica"));
        if (a->column)
                snprintf(sql, sizeof(sql), "UPDATE %s SET %s = %s", a->table, a->column, a->sql);
        else
                snprintf(sql, sizeof(sql), "%s", a->sql);
        result = PQexec(world->admin, sql);
        rows = PQresultStatus(result) == PGRES_COMMAND_OK ? strtoll(PQcmdTuples(result), NULL, 10) : -1;
        if (rows < 0 && a->end != REFUSED)
                fprintf(stderr, "%s: %s", sql, PQerrorMessage(world->admin));
        PQclear(result);
        return rows;
}

static bool has_name(const char *names, const char *name)
{
        size_t length = strlen(name);

        for (const char *at = names; (at = strstr(at, name)); at += length)
                if ((at == names || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
                        return true;
        return false;
}

/* Whether it went as its row says; else what did. */
static bool is_as_said(struct world *world, const char *folder, const struct alteration *a,
                       struct found *found)
{
        int64_t rows = alter(world, a);
        bool good = a->end == REFUSED ? rows < 0 : rows > 0;

        *found = (struct found){.used = 0};
        if (rows > 0) {
                audit(world, folder, found);
                good = a->end == SEEN ? has_name(found->names, a->what) : a->end != REFUSED && !found->used;
        }
        PQclear(PQexec(world->admin, "ROLLBACK"));
        if (!good || getenv("ATM_TEST_VERBOSE"))
                fprintf(stderr, "%s%s.%s, %s: %s %s, %" PRId64 " rows, found: %s\n", good ? "" : "WRONG ",
                        a->table, a->column ? a->column : "rows", a->sql,
                        a->end == SEEN ? "expected" : "none expected:", a->what ? a->what : "refused", rows,
                        found->names);
        return good;
}

START_TEST(each_alteration_is_named)
{
        char folder[] = "/tmp/alterations-XXXXXX", command[128];
        struct world world;
        struct found found;
        int wrong = 0;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        story_open(&world);
        world_sql(
            &world,
            "SET TIME ZONE 'Asia/Tokyo'"); /* as in every session of atmctl: the trail has moments as texts */
        story_write_journals(&world, folder);
        audit(&world, folder, &found);
        ck_assert_msg(!found.used, "unaltered: %s", found.names);
        for (size_t i = 0; i < LENGTH(alterations); i++)
                wrong += !is_as_said(&world, folder, &alterations[i], &found);
        snprintf(command, sizeof(command), "rm -r '%s'", folder);
        ck_assert_int_eq(system(command), 0);
        world_close(&world);
        ck_assert_msg(!wrong, "%d alterations are not as alterations.def says: see above", wrong);
}
END_TEST

static bool has_row(const char *table, const char *column)
{
        for (size_t i = 0; i < LENGTH(alterations); i++)
                if (!strcmp(alterations[i].table, table) &&
                    (column ? alterations[i].column && !strcmp(alterations[i].column, column)
                            : !alterations[i].column))
                        return true;
        return false;
}

START_TEST(each_column_of_the_catalogue_has_a_row)
{
        struct world world;
        char error[PG_ERROR_MAX];
        PGresult *result;
        int missing = 0;

        world_open(&world, "2020-04-01", "2020-07-01");
        result =
            pg_query(world.admin,
                     "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                     "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
                     "AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum",
                     0, NULL, error);
        ck_assert_msg(result != NULL, "%s", error);
        ck_assert_int_gt(PQntuples(result), 0);
        for (int i = 0; i < PQntuples(result); i++) {
                if (has_row(PQgetvalue(result, i, 0), PQgetvalue(result, i, 1)))
                        continue;
                fprintf(stderr, "%s.%s has no row in tests/contract/alterations.def\n",
                        PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
                missing++;
        }
        PQclear(result);
        world_close(&world);
        ck_assert_int_eq(missing, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("alterations");
        TCase *tests = tcase_create("alterations");

        tcase_set_timeout(tests, 300);
        tcase_add_test(tests, each_column_of_the_catalogue_has_a_row);
        tcase_add_test(tests, each_alteration_is_named);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
