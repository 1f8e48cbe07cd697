/* Options that name many things: see selecting.h. */
#include "tools/atmctl/selecting.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/cli/say.h"
#include "lib/db/sqltext.h"

const struct selecting selecting_atms[SELECTING_ATMS] = {
    {"terminal", "atm", "ATM", "a.terminal = ANY ($1::text[])"},
    {"hall", "hall", "hall", "a.hall = ANY ($1::text[])"},
    {"area", "area", "area",
     "a.hall IN (SELECT p.hall FROM hall_place p WHERE p.area = ANY ($1::text[]) AND p.from_on <= "
     "business_today() AND p.until_on > business_today())"},
};

const struct selecting *selecting_of(const struct invocation *invocation, const struct selecting *rows,
                                     size_t count)
{
        const struct selecting *found = NULL;
        size_t given = 0;

        for (size_t i = 0; i < count; i++) {
                if (!invocation_has(invocation, rows[i].option))
                        continue;
                found = &rows[i];
                given++;
        }
        return given == 1 ? found : NULL;
}

/* Codes, in which nothing wants quotes. */
char *selecting_names(const struct invocation *invocation, const struct selecting *selecting)
{
        const char *const *names = NULL;
        size_t count = invocation_values(invocation, selecting->option, &names), length;
        char *text = NULL;
        FILE *stream = open_memstream(&text, &length);

        if (!stream)
                return NULL;
        for (size_t i = 0; i < count; i++)
                fprintf(stream, "%s%s", i ? "," : "{", names[i]);
        fputs(count ? "}" : "{}", stream);
        if (fclose(stream) == 0)
                return text;
        free(text);
        return NULL;
}

bool selecting_names_are_known(struct database *database, const struct selecting *selecting,
                               const char *names)
{
        struct sqltext sql;
        PGresult *result;
        bool known;

        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT n FROM unnest($1::text[]) n WHERE NOT EXISTS (SELECT FROM %s t WHERE t.%s = n) LIMIT 1",
            selecting->table, selecting->option);
        result = database_query(database, sql.text, 1, &names);
        known = result && !PQntuples(result);
        if (result && !known)
                complain("the database has no %s %s", selecting->noun, PQgetvalue(result, 0, 0));
        PQclear(result);
        return known;
}
