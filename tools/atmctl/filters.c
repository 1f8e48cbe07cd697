/* By the kinds of their values: see filters.h. */
#include "tools/atmctl/filters.h"

#include "lib/base/array.h"
#include "lib/cli/say.h"
#include "lib/db/sqltext.h"

static const struct named {
        enum value_kind kind;
        const char *noun, *table, *column;
        const char *shown_by; /* the command that lists them */
} nameds[] = {
    {VALUE_AREA, "area", "area", "area", "area list"},
    {VALUE_PREFECTURE, "prefecture", "prefecture", "prefecture", "hall list"},
    {VALUE_HALL, "hall", "hall", "hall", "hall list"},
    {VALUE_TERMINAL, "ATM", "atm", "terminal", "atm list"},
    {VALUE_ISSUER, "issuer", "issuer", "issuer", "issuer list"},
    {VALUE_LINK, "link", "v_link", "link",
     "link list"}, /* of issuers, of what waits, of what instances see */
};

static const struct named *named_of(enum value_kind kind)
{
        for (size_t i = 0; i < LENGTH(nameds); i++) {
                if (nameds[i].kind == kind)
                        return &nameds[i];
        }
        return NULL;
}

static bool is_known(struct database *database, const struct invocation *invocation, const char *option,
                     const struct named *named, const char *name)
{
        struct sqltext sql;
        PGresult *result;
        bool known;

        sql_start(&sql);
        sql_add(&sql, "SELECT FROM %s WHERE %s = $1", named->table, named->column);
        result = database_query(database, sql.text, 1, &name);
        known = result && PQntuples(result);
        if (result && !known) {
                complain("%s: --%s: there is no %s '%s'", invocation_name(invocation), option, named->noun,
                         name);
                note("'atmctl %s' shows them", named->shown_by);
        }
        PQclear(result);
        return known;
}

bool filters_are_known(struct database *database, const struct invocation *invocation)
{
        for (size_t i = 0; i < invocation->options.count; i++) {
                const struct field *field = invocation->options.use[i].field;
                const struct named *named = named_of(field->kind);
                const char *name = invocation_field(invocation, field);

                if (named && name && *name && !is_known(database, invocation, field->name, named, name))
                        return false;
        }
        return true;
}
