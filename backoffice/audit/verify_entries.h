/*
 * What is entered and not made: rules, quarters, halls, cards, periods, finance. Small tables, whose rows are held to each other,
 * and to what the programs know, by questions in SQL: each answers with a row a difference.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_ENTRIES_H
#define BACKOFFICE_AUDIT_VERIFY_ENTRIES_H

#include "backoffice/audit/copy_out.h"
#include "backoffice/audit/findings.h"

/* False after a failure that the source says. */
ATM_MUST_USE bool verify_entries(struct copy_source *source, struct findings *findings);

#endif
