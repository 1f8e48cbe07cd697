/* Who may be connected: see admission.h. */
#include "daemon/admission.h"

#include <stdio.h>

#include "lib/security/tls.h"

bool admission_is_due(const struct admission *admission, const struct admission_world *world)
{
        return admission->trust != world->trust || admission->until_s <= world->now_s;
}

static bool is_barred(const struct reference *reference, const char *terminal)
{
        const struct atm *atm = reference ? reference_atm(reference, terminal) : NULL;
        return atm && atm->barred;
}

bool admission_ask(struct admission *admission, const struct admission_world *world, const char *terminal,
                   X509 *certificate, STACK_OF(X509) * chain, char *ret_why, size_t size)
{
        if (is_barred(world->reference, terminal)) {
                snprintf(ret_why, size, "the terminal is barred");
                return false;
        }
        if (!admission_is_due(admission, world))
                return true;
        if (!tls_certificate_stands(world->tls, certificate, chain, world->now_s, &admission->until_s,
                                    ret_why, size))
                return false;
        admission->trust = world->trust;
        return true;
}
