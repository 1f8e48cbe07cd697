/*
 * The file of revoked certificates ([tls] crl) while atmd runs: taken over as soon as it changes, and watched for its age. A
 * file that can't be taken changes nothing, and is said; so is a list whose next issue is overdue, which refuses nobody.
 */
#ifndef DAEMON_REVOCATION_H
#define DAEMON_REVOCATION_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "config/settings.h"

struct revocation {
        char path[SETTINGS_TEXT_MAX]; /* "": none */
        struct stat seen;             /* the file that was tried last; zeros: none */
        bool overdue;
};

/* After the start and each reload: the file was read before, so the next look reads it once more. */
void revocation_start(struct revocation *revocation, const char *path);
/* To be called every second or so. True: tls has other lists now. */
bool revocation_look(struct revocation *revocation, SSL_CTX *tls, int64_t now_s);
/* Once a minute: the alarm of a list that is too old. */
void revocation_warn(const struct revocation *revocation, SSL_CTX *tls);

#endif
