/*
 * What certificates lie in folders, and until when: certificates and lists of revoked ones in PEM files (*.crt, *.pem), whoever
 * made them. Only read: no signature is judged here, which is TLS's work.
 */
#ifndef LIB_SECURITY_PKI_LIST_H
#define LIB_SECURITY_PKI_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/security/pki.h"

enum pki_kind {
        PKI_KIND_AUTHORITY,
        PKI_KIND_SERVER,
        PKI_KIND_CLIENT,
        PKI_KIND_PEER,
        PKI_KIND_OTHER,
        PKI_KIND_LIST
};
extern const char
    *const pki_kind_name[]; /* "authority", "server", "client", "peer", "other", "revocations" */

enum { PKI_LISTED_TEXT = 256, PKI_SERIAL_TEXT = 42 /* 20 bytes in hex */ };

struct pki_listed {
        char file[PKI_LISTED_TEXT]; /* its path */
        char subject
            [PKI_LISTED_TEXT]; /* its common name, or the whole name where it has none; of a list, its issuer's */
        char serial[PKI_SERIAL_TEXT]; /* in hex; of a list: "" */
        enum pki_kind kind;
        int64_t ends_s; /* since 1970: when it ends; of a list, when the next one is due */
        bool revoked;   /* by a list in one of the folders */
};

/* A file that can't be read, or has neither certificate nor list nor key in it. */
typedef void pki_bad(const char *error, void *context);

/* What ends first comes first. free() it. NULL with an error: a folder can't be read. */
ATM_MUST_USE struct pki_listed *pki_list(const char *const *folders, size_t count, pki_bad *on_bad,
                                         void *context, size_t *ret_count, char error[PKI_ERROR_MAX]);

#endif
