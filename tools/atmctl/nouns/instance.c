/* instance: the running instances of atmd (backoffice/cases/instances.h). */
#include "backoffice/cases/instances.h"
#include "lib/base/array.h"
#include "tools/atmctl/rows.h"

static const struct output_column columns[] = {{"instance", OUTPUT_TEXT, 0},
                                               {"atm_wait_s", OUTPUT_NUMBER, 0},
                                               {"atm_dispense_s", OUTPUT_NUMBER, 0},
                                               {"correction_s", OUTPUT_NUMBER, 0},
                                               {"agrees", OUTPUT_BOOL, 0}};

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        (void)question;
        (void)limit; /* there are a handful */
        return instances_list(connection, error);
}

static int instance_list(const struct invocation *invocation)
{
        return rows_answer(
            invocation,
            &(struct rows_question){.ask = ask_list, .columns = columns, .column_count = LENGTH(columns)});
}

static const struct command commands[] = {
    {.noun = "instance",
     .verb = "list",
     .text = "list the instances of atmd that are connected with this database, and the limits that they run "
             "with",
     .more =
         "Instances decide of each other's withdrawals: atm_wait_s, atm_dispense_s and correction_s must be "
         "the same in all of them. agrees: whether they are. An instance that finds others with other "
         "limits logs limits_differ.",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST | COMMAND_WATCH,
     .columns = columns,
     .column_count = LENGTH(columns),
     .run = instance_list},
};

const struct command_group group_instance = {commands, sizeof(commands) / sizeof(*commands), "Instances"};
