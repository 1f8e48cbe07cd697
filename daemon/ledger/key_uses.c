/* What the database is to be told of keys: see key_uses.h. */
#include "daemon/ledger/key_uses.h"

#include <stdio.h>
#include <string.h>

const struct pg_statement key_uses_statement = {"key_sets_used", "SELECT key_sets_used($1, $2, $3)"};

enum { OWNER_KIND, OWNER, NUMBER };

void key_uses_add(struct key_uses *uses, enum key_owner owner_kind, const char *owner, int number)
{
        for (size_t i = 0; i < uses->count; i++) {
                const struct key_use *use = &uses->uses[i];
                if (use->owner_kind == owner_kind && use->number == number && !strcmp(use->owner, owner))
                        return;
        }
        if (uses->count == KEY_USES_MAX)
                return;
        struct key_use *use = &uses->uses[uses->count++];
        *use = (struct key_use){.owner_kind = owner_kind, .number = number};
        snprintf(use->owner, sizeof(use->owner), "%s", owner);
}

bool key_uses_wait(const struct key_uses *uses)
{
        return uses->count > uses->sent;
}

bool key_uses_send(struct key_uses *uses, struct pg_parameter ret_parameters[KEY_USES_PARAMETERS])
{
        static const enum pg_type types[KEY_USES_PARAMETERS] = {PG_TEXT, PG_TEXT, PG_INT4};
        bool good = uses->count > 0;

        for (int i = 0; i < KEY_USES_PARAMETERS; i++)
                pg_array_begin(&uses->array[i], types[i]);
        for (size_t i = 0; i < uses->count; i++) {
                pg_array_text(&uses->array[OWNER_KIND], key_owner_name[uses->uses[i].owner_kind]);
                pg_array_text(&uses->array[OWNER], uses->uses[i].owner);
                pg_array_int4(&uses->array[NUMBER], uses->uses[i].number);
        }
        for (int i = 0; i < KEY_USES_PARAMETERS; i++) {
                pg_array_end(&uses->array[i]);
                good = good && pg_array_ok(&uses->array[i]);
                ret_parameters[i] =
                    (struct pg_parameter){uses->array[i].bytes, (int)uses->array[i].length, 1};
        }
        if (good)
                uses->sent = uses->count;
        return good;
}

void key_uses_end(struct key_uses *uses, bool is_known)
{
        if (is_known) {
                uses->count -= uses->sent;
                memmove(uses->uses, uses->uses + uses->sent, uses->count * sizeof(*uses->uses));
        }
        uses->sent = 0;
}

void key_uses_clear(struct key_uses *uses)
{
        for (int i = 0; i < KEY_USES_PARAMETERS; i++)
                pg_array_free(&uses->array[i]);
}
