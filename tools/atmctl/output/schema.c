/* What follows from a column: see schema.h. */
#include "tools/atmctl/output/schema.h"

#include <string.h>

const char *schema_name(const struct output_column *column)
{
        return column->flags & OUTPUT_MEMBER ? strchr(column->name, '.') + 1 : column->name;
}

bool schema_is_right(enum output_type type)
{
        return type == OUTPUT_NUMBER || type == OUTPUT_YEN || type == OUTPUT_DECIMAL ||
               type == OUTPUT_FIGURE || type == OUTPUT_QUANTITY;
}
