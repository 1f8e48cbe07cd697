/* The embedded migrations; CMake writes migrations_list.inc: one MIGRATION(version, name, symbol) a file. */
#include "tools/atmctl/migrations.h"

#define MIGRATION(version, name, symbol) extern const char symbol[];
#include "migrations_list.inc"
#undef MIGRATION

const struct migration migrations[] = {
#define MIGRATION(version, name, symbol) {version, name, symbol},
#include "migrations_list.inc"
#undef MIGRATION
};
const size_t migration_count = sizeof(migrations) / sizeof(*migrations);

int migration_newest(void)
{
        return migrations[migration_count - 1].version;
}
