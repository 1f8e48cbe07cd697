/* Reading the configuration again: see reload.h. */
#include "daemon/reload.h"

#include <stdio.h>

#include "config/settings_change.h"

bool reload_prepare(const char *path, const struct settings *running, const struct keys *keys,
                    struct reload *ret_reload, char *error, size_t size)
{
        char why[SETTINGS_ERROR_MAX];
        if (!settings_load(path, &ret_reload->settings, why)) {
                snprintf(error, size, "%s", why);
                return false;
        }
        if (!settings_may_change(running, &ret_reload->settings, why)) {
                snprintf(error, size, "%s: %s", path, why);
                return false;
        }
        if (!keys_load(&ret_reload->settings, &ret_reload->keys, error, size))
                return false;
        /* Another key would make other tokens of the same cards, and each card would have its limits twice. */
        if (keys_same_token(keys, &ret_reload->keys))
                return true;
        snprintf(error, size,
                 "[card] token_key_file: %s holds another key than the one that atmd runs with: put that one "
                 "back",
                 ret_reload->settings.token_key_file);
        reload_end(ret_reload);
        return false;
}

void reload_end(struct reload *reload)
{
        keys_free(&reload->keys);
}
