/* The three sides of a difference, for people and for programs. */
#ifndef ATMCTL_NOUNS_SIDES_H
#define ATMCTL_NOUNS_SIDES_H

#include <jansson.h>

#include "backoffice/audit/merge.h"

enum { SIDE_MAX = 256 };

/* One line each; "nothing" where the side has nothing of it. bank: its name, "" where there is none. */
void side_print_atm(const struct atm_entry *entry, char buffer[SIDE_MAX]);
void side_print_host(const struct database_row *row, char buffer[SIDE_MAX]);
void side_print_bank(const struct bank_entry *entry, const char *bank, char buffer[SIDE_MAX]);

/* An object, or null where the side has nothing of it; NULL: out of memory. */
json_t *side_json_atm(const struct atm_entry *entry);
json_t *side_json_host(const struct database_row *row);
json_t *side_json_bank(const struct bank_entry *entry, const char *bank);

#endif
