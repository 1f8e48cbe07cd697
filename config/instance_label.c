#include "config/instance_label.h"

#include <inttypes.h>
#include <stdio.h>

void instance_limits_print(const struct settings *settings, char limits[INSTANCE_LIMITS_MAX])
{
        snprintf(limits, INSTANCE_LIMITS_MAX, "%" PRId64 "/%" PRId64 "/%" PRId64, settings->atm_wait_s,
                 settings->atm_dispense_s, settings->correction_s);
}

void instance_label_print(const char *name, const struct settings *settings, char label[INSTANCE_LABEL_MAX])
{
        char limits[INSTANCE_LIMITS_MAX];

        instance_limits_print(settings, limits);
        snprintf(label, INSTANCE_LABEL_MAX, "atmd %.*s %.16s", INSTANCE_NAME_SHOWN, name, limits);
}
