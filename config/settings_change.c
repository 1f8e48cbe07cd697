/* Changes of the configuration while atmd runs: see settings_change.h. */
#include "config/settings_change.h"

#include <stdio.h>
#include <string.h>

/* section: as it stands in the file. */
static bool rows_may_change(const struct settings_row *rows, size_t count, const char *section,
                            const void *from, const void *to, char error[SETTINGS_ERROR_MAX])
{
        for (size_t i = 0; i < count; i++) {
                const struct settings_row *row = &rows[i];
                if (row->change == SETTING_RELOAD || settings_row_is_same(row, from, to))
                        continue;
                snprintf(error, SETTINGS_ERROR_MAX, "[%s] %s can't be changed while atmd runs: restart it",
                         section ? section : row->section, row->key);
                return false;
        }
        return true;
}

static bool links_may_change(const struct settings *from, const struct settings *to,
                             char error[SETTINGS_ERROR_MAX])
{
        for (size_t i = 0; i < from->link_count || i < to->link_count; i++) {
                const struct settings_link *a = &from->link[i], *b = &to->link[i];
                if (i < from->link_count && i < to->link_count && strcmp(a->name, b->name) == 0) {
                        char section[sizeof("link ") + ISSUER_MAX];
                        snprintf(section, sizeof(section), "link %s", a->name);
                        if (!rows_may_change(settings_link_rows, settings_link_row_count, section, a, b,
                                             error))
                                return false;
                        continue;
                }
                snprintf(error, SETTINGS_ERROR_MAX,
                         "[link %s]: links can't be added, taken away or moved while atmd runs: restart it",
                         i < to->link_count ? b->name : a->name);
                return false;
        }
        return true;
}

bool settings_may_change(const struct settings *from, const struct settings *to,
                         char error[SETTINGS_ERROR_MAX])
{
        return rows_may_change(settings_rows, settings_row_count, NULL, from, to, error) &&
               links_may_change(from, to, error);
}
