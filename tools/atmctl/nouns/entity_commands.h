/* The commands that most entities have, and their rows of a command table. */
#ifndef ATMCTL_ENTITY_COMMANDS_H
#define ATMCTL_ENTITY_COMMANDS_H

#include "tools/atmctl/command.h"
#include "tools/atmctl/output/schema.h"

int entity_import(const struct invocation *invocation);
int entity_add(const struct invocation *invocation);
int entity_set(const struct invocation *invocation);
int entity_remove(const struct invocation *invocation);
int entity_show(const struct invocation *invocation);
int entity_list(const struct invocation *invocation);

/* The columns of show and list; their number. */
size_t entity_columns(const struct entity *entity, struct output_column ret_columns[OUTPUT_COLUMNS_MAX]);

/* more: further flags. With COMMAND_CLOCK the database is told the day from which on holds what changes: the business day, or, with
 * COMMAND_FROM, a later one. */
#define IMPORT(name, what, more)                                                                             \
        {                                                                                                    \
                .noun = #name, .verb = "import",                                                             \
                .text = "import " what " from CSV: new rows are added, changed ones set",                    \
                .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES | (more), .run = entity_import,   \
                .shape = SHAPE_IMPORT, .entity = &name                                                       \
        }
#define ADD(name, what, more)                                                                                \
        {                                                                                                    \
                .noun = #name, .verb = "add", .text = "add " what,                                           \
                .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES | ((more) & ~COMMAND_FROM),       \
                .run = entity_add, .shape = SHAPE_ADD, .entity = &name                                       \
        }
#define SET(name, what, more)                                                                                \
        {                                                                                                    \
                .noun = #name, .verb = "set", .text = "change " what ": only what the options name",         \
                .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES | (more), .run = entity_set,      \
                .shape = SHAPE_SET, .entity = &name                                                          \
        }
#define REMOVE(name, what)                                                                                   \
        {                                                                                                    \
                .noun = #name, .verb = "remove", .text = "remove " what,                                     \
                .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES, .run = entity_remove,            \
                .shape = SHAPE_KEY, .entity = &name                                                          \
        }
#define SHOW(name, what)                                                                                     \
        {                                                                                                    \
                .noun = #name, .verb = "show", .text = "show " what,                                         \
                .flags = COMMAND_OUTPUT | COMMAND_DATABASE | COMMAND_REPLICA, .run = entity_show,            \
                .shape = SHAPE_KEY, .entity = &name                                                          \
        }
#define LIST(name, what)                                                                                     \
        {                                                                                                    \
                .noun = #name, .verb = "list", .text = "list " what,                                         \
                .flags = COMMAND_OUTPUT | COMMAND_LIST | COMMAND_DATABASE | COMMAND_REPLICA,                 \
                .run = entity_list, .shape = SHAPE_LIST, .entity = &name                                     \
        }
#define KEPT_WITH(name, one, many, more)                                                                     \
        IMPORT(name, many, more), ADD(name, one, more), SET(name, one, more), SHOW(name, one),               \
            LIST(name, many)
#define KEPT(name, one, many)  KEPT_WITH(name, one, many, 0)
#define DATED(name, one, many) KEPT(name, one, many), REMOVE(name, one)

#endif
