/*
 * Whether an ATM may be connected now. One function says so. It is asked when a handshake is over, and of everybody who is
 * connected whenever something that it rests on has changed:
 *
 *      the reference data    a barred terminal is not let in
 *      what TLS believes     authorities and lists of revoked certificates ([tls] ca and crl)
 *      real time             a certificate ends, whatever business time a laboratory has
 *
 * A terminal that is not in the fleet is let in: it can't sign on, but may say what it has dispensed.
 *
 * The verdict on a certificate, which costs a signature, is kept with its peer until what TLS believes has changed or the
 * certificate ends; the terminal is looked up each time.
 */
#ifndef DAEMON_ADMISSION_H
#define DAEMON_ADMISSION_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/reference.h"

struct admission_world {
        const struct reference *reference; /* NULL: none yet, and nobody is known to be barred */
        SSL_CTX *tls;
        uint64_t trust; /* another number whenever what tls believes may have changed; never 0 */
        int64_t now_s;  /* real, since 1970 */
};

/* What is known of a peer's certificate; zeros at first. */
struct admission {
        uint64_t trust;
        int64_t until_s; /* it stands till then */
};

/* certificate, chain: what the peer showed, and what it sent along (NULL: nothing). False: why not. */
bool admission_ask(struct admission *admission, const struct admission_world *world, const char *terminal,
                   X509 *certificate, STACK_OF(X509) * chain, char *ret_why, size_t size);

/* Whether asking will cost a signature. */
bool admission_is_due(const struct admission *admission, const struct admission_world *world);

#endif
