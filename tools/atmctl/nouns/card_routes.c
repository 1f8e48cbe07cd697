/* Whose cards numbers are, as the database's issuers and prefixes say. */
#include "tools/atmctl/nouns/card_routes.h"

#include <stdio.h>
#include <string.h>

bool routes_load(struct database *database, struct routes *ret_routes)
{
        *ret_routes = (struct routes){
            .issuers = database_query(database, "SELECT issuer FROM issuer", 0, NULL),
            .prefixes = database_query(database,
                                       "SELECT prefix, issuer, kind FROM card_prefix "
                                       "ORDER BY length(prefix) DESC, prefix, from_on DESC",
                                       0, NULL),
        };
        return ret_routes->issuers && ret_routes->prefixes;
}

void routes_free(struct routes *routes)
{
        PQclear(routes->issuers);
        PQclear(routes->prefixes);
}

static bool is_issuer(const struct routes *routes, const char *issuer)
{
        for (int i = 0; i < PQntuples(routes->issuers); i++) {
                if (!strcmp(PQgetvalue(routes->issuers, i, 0), issuer))
                        return true;
        }
        return false;
}

/* The row of the longest prefix that the number begins with; -1: none. */
static int find_route(const struct routes *routes, const char *pan)
{
        for (int i = 0; i < PQntuples(routes->prefixes); i++) {
                const char *prefix = PQgetvalue(routes->prefixes, i, 0);

                if (!strncmp(prefix, pan, strlen(prefix)))
                        return i;
        }
        return -1;
}

bool route_of(const struct routes *routes, const char *pan, const char **ret_issuer, const char **ret_kind)
{
        int route = find_route(routes, pan);

        if (route < 0)
                return false;
        *ret_issuer = PQgetvalue(routes->prefixes, route, 1);
        *ret_kind = PQgetvalue(routes->prefixes, route, 2);
        return true;
}

const char *route_kind(const struct routes *routes, const char *pan, const char *issuer,
                       enum route_fault *ret_fault, char *problem, size_t size)
{
        int route = find_route(routes, pan);

        if (!is_issuer(routes, issuer)) {
                *ret_fault = ROUTE_ISSUER;
                snprintf(problem, size,
                         "the database has no such issuer: expected one that 'atmctl issuer list' shows");
                return NULL;
        }
        *ret_fault = ROUTE_PAN;
        if (route < 0) {
                snprintf(problem, size,
                         "no prefix in the database begins this number: expected one that "
                         "'atmctl prefix list' shows");
                return NULL;
        }
        if (strcmp(PQgetvalue(routes->prefixes, route, 1), issuer)) {
                snprintf(
                    problem, size, "numbers that begin with %s are of issuer %s: expected one of issuer %s",
                    PQgetvalue(routes->prefixes, route, 0), PQgetvalue(routes->prefixes, route, 1), issuer);
                return NULL;
        }
        return PQgetvalue(routes->prefixes, route, 2);
}
