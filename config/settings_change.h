/*
 * What of the configuration a running atmd may take over: the rows say it (enum settings_change). Links can't be
 * added, taken away or moved.
 */
#ifndef CONFIG_SETTINGS_CHANGE_H
#define CONFIG_SETTINGS_CHANGE_H

#include "config/settings.h"

/* False, with what needs a restart in error[], without the file's name. */
ATM_MUST_USE bool settings_may_change(const struct settings *from, const struct settings *to,
                                      char error[SETTINGS_ERROR_MAX]);

#endif
