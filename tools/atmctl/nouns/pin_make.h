/* pin make: what a laboratory's PINs are compared with. */
#ifndef ATMCTL_NOUNS_PIN_MAKE_H
#define ATMCTL_NOUNS_PIN_MAKE_H

#include "tools/atmctl/command.h"

extern const struct field pin_make_fields[];

int pin_make(const struct invocation *invocation);

#endif
