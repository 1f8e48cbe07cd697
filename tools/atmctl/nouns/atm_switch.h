/* What people say of whether ATMs serve and are let in: enable, disable, bar, unbar, and who is barred. */
#ifndef ATMCTL_ATM_SWITCH_H
#define ATMCTL_ATM_SWITCH_H

#include "tools/atmctl/command.h"
#include "tools/atmctl/output/schema.h"

/* A column's moment as --until takes it, in SQL. */
#define ATM_UNTIL(column) "to_char(" column " AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD\"T\"HH24:MI')"

/* Which of the four is the command's verb; atm_begin_fields are the options of disable and bar, atm_end_fields those of the others. */
int atm_switch(const struct invocation *invocation);
extern const struct field atm_begin_fields[], atm_end_fields[];

enum { ATM_BARRED_COLUMNS = 4 };
extern const struct output_column atm_barred_columns[ATM_BARRED_COLUMNS];
int atm_barred(const struct invocation *invocation);

#endif
