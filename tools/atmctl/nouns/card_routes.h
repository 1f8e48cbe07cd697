/* Whose cards numbers are: the database's issuers and card prefixes, for checks of cards that are new. */
#ifndef ATMCTL_CARD_ROUTES_H
#define ATMCTL_CARD_ROUTES_H

#include "tools/atmctl/database.h"

struct routes {
        PGresult *issuers;
        PGresult *prefixes; /* longest first, of equal ones the latest */
};

/* False after a complaint; free in any case. */
ATM_MUST_USE bool routes_load(struct database *database, struct routes *ret_routes);
void routes_free(struct routes *routes);

/* The issuer and kind of the number's prefix; false: no prefix begins it. They live as long as the routes. */
bool route_of(const struct routes *routes, const char *pan, const char **ret_issuer, const char **ret_kind);

enum route_fault { ROUTE_ISSUER, ROUTE_PAN };

/* The kind of cards that the number's prefix is for, "cash". NULL where it is not the issuer's, with what is
 * wrong with which of the two. */
const char *route_kind(const struct routes *routes, const char *pan, const char *issuer,
                       enum route_fault *ret_fault, char *problem, size_t size);

#endif
