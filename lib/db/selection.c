#include "lib/db/selection.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void selection_start(struct selection *selection)
{
        selection->count = selection->kept_count = 0;
        sql_start(&selection->conditions);
}

int selection_parameter(struct selection *selection, const char *value)
{
        assert(selection->count < SELECTION_PARAMETERS_MAX);
        selection->parameters[selection->count] = value;
        return ++selection->count;
}

int selection_keep(struct selection *selection, const char *value)
{
        char *kept = selection->kept[selection->kept_count];

        assert(selection->kept_count < SELECTION_KEPT_MAX && strlen(value) < SELECTION_KEPT_SIZE);
        selection->kept_count++;
        return selection_parameter(selection, strcpy(kept, value));
}

void select_equal(struct selection *selection, const char *column, const char *type, const char *value)
{
        if (value)
                sql_add(&selection->conditions, " AND %s = $%d::%s", column,
                        selection_parameter(selection, value), type);
}
