/*
 * A certificate authority for a laboratory or a small network: P-256 keys, X.509 v3, PEM files.
 * The authority's key is mode 0600; leaf keys are 0600 and unencrypted. Files are written to a temporary
 * name and renamed, so that nothing half-written is ever read.
 */
#ifndef LIB_SECURITY_PKI_H
#define LIB_SECURITY_PKI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

enum { PKI_ERROR_MAX = 512 };

/* DIR/ca.crt and DIR/ca.key; refuses to replace an existing authority. */
ATM_MUST_USE bool pki_init(const char *dir, const char *name, int days, char error[PKI_ERROR_MAX]);

struct pki_authority; /* a loaded ca.crt and ca.key */
ATM_MUST_USE struct pki_authority *pki_open(const char *dir, char error[PKI_ERROR_MAX]);
void pki_close(struct pki_authority *authority);

enum pki_use { PKI_SERVER, PKI_CLIENT, PKI_PEER /* of several servers that are clients of each other */ };

/* Whether such a list of names that clients connect to is good: "IP:127.0.0.1,DNS:localhost". */
bool pki_names_are_good(const char *san);

/* Whether OUT_DIR/CN.crt or OUT_DIR/CN.key is there. */
bool pki_is_issued(const char *out_dir, const char *common_name);

/* OUT_DIR/CN.crt and OUT_DIR/CN.key, in the place of what is there; a folder that is not there is made. san: "IP:127.0.0.1,DNS:localhost"
 * or NULL. The certificate ends in `days`, or with its authority's where that is sooner; negative: it has
 * expired already, for tests. */
ATM_MUST_USE bool pki_issue(struct pki_authority *authority, const char *common_name, enum pki_use use,
                            const char *san, int days, const char *out_dir, char error[PKI_ERROR_MAX]);

/* The authority's list of revoked certificates (CRL) at crl_path: what it named and these certificates (PEM files that the
 * authority has signed), dated now, the next one due in `days`; negative: overdue already, for tests. It is made where there
 * is none, also without any certificate. */
ATM_MUST_USE bool pki_revoke(struct pki_authority *authority, const char *crl_path,
                             const char *const *certificates, size_t count, int days,
                             char error[PKI_ERROR_MAX]);

#endif
