/* What the audit found (backoffice/audit), in words. */
#ifndef BACKOFFICE_PAGES_AUDIT_TEXT_H
#define BACKOFFICE_PAGES_AUDIT_TEXT_H

#include "backoffice/audit/fact.h"
#include "backoffice/audit/findings.h"

enum { AUDIT_TEXT_MAX = 2048 };

/* A fact, by its kind and its values. */
void audit_text(enum fact_kind kind, const char *values, char buffer[AUDIT_TEXT_MAX]);
/* What holds where a check finds nothing. */
const char *audit_check_text(enum verify_check check);

#endif
