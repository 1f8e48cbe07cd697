/*
 * What an instance of atmd shows the others and the operators of itself: the name of a connection with the database that it
 * holds for that (application_name, which everybody may see in pg_stat_activity while the connection lasts). It has the
 * settings by which instances decide of the same withdrawals, and which must therefore be the same in all of them.
 *
 *      "atmd NAME atm_wait_s/atm_dispense_s/correction_s"
 */
#ifndef CONFIG_INSTANCE_LABEL_H
#define CONFIG_INSTANCE_LABEL_H

#include "config/settings.h"

enum {
        INSTANCE_LABEL_MAX = 64,
        INSTANCE_NAME_SHOWN = 40,
        INSTANCE_LIMITS_MAX = 24
}; /* PostgreSQL cuts at 63 */

_Static_assert(INSTANCE_NAME_SHOWN == 40, "INSTANCE_IS_THERE has it");

/* "90/510/300" */
void instance_limits_print(const struct settings *settings, char limits[INSTANCE_LIMITS_MAX]);
/* The name is cut where it is longer than what is shown of it. */
void instance_label_print(const char *name, const struct settings *settings, char label[INSTANCE_LABEL_MAX]);

/* A FROM clause: m is NULL, or name and limits, the three one by one in m[2] to m[4]. */
#define INSTANCE_LABELS                                                                                      \
        "pg_stat_activity a CROSS JOIN LATERAL regexp_match(a.application_name, "                            \
        "'^atmd (.*) ([0-9]+)/([0-9]+)/([0-9]+)$') m"

/* SQL: whether the instance NAME@MACHINE that this expression is shows itself in this database. (40: INSTANCE_NAME_SHOWN) */
#define INSTANCE_IS_THERE(instance)                                                                          \
        "EXISTS (SELECT FROM " INSTANCE_LABELS " WHERE a.datname = current_database() AND m[1] = "           \
        "left(regexp_replace(" instance ", '@[^@]*$', ''), 40))"

#endif
