/*
 * Certificates for tests of connections, made once, in a folder of their own: two authorities, "ours" and "other", and
 * what they sign. Whoever gets a context trusts ours alone. What can't be made ends the program.
 */
#ifndef TESTS_UNIT_PKI_FOLDER_H
#define TESTS_UNIT_PKI_FOLDER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/security/pki.h"
#include "lib/security/tls.h"
#include "tests/unit/folder.h"

static char pki_folder[] = "/tmp/atm-test-pki-XXXXXX";

static inline void pki_folder_must(bool good, const char *error)
{
        if (good)
                return;
        fprintf(stderr, "certificates: %s\n", error);
        exit(EXIT_FAILURE);
}

/* A path in it; good until three more were asked for. */
static inline const char *in_folder(const char *format, ...) ATM_PRINTF(1, 2);
static inline const char *in_folder(const char *format, ...)
{
        static char paths[4][128];
        static int next;
        char *path = paths[next++ % 4];
        int used = snprintf(path, sizeof(paths[0]), "%s/", pki_folder);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(path + used, sizeof(paths[0]) - (size_t)used, format, arguments);
        va_end(arguments);
        return path;
}

static inline void pki_folder_make(void)
{
        char error[PKI_ERROR_MAX] = "";
        pki_folder_must(mkdtemp(pki_folder) != NULL, "mkdtemp");
        pki_folder_must(pki_init(in_folder("ours"), "ours", 10, error), error);
        pki_folder_must(pki_init(in_folder("other"), "other", 10, error), error);
}

static inline void pki_folder_issue(const char *authority, const char *name, enum pki_use use,
                                    const char *san, int days)
{
        char error[PKI_ERROR_MAX] = "";
        struct pki_authority *pki = pki_open(in_folder("%s", authority), error);
        pki_folder_must(pki != NULL, error);
        pki_folder_must(pki_issue(pki, name, use, san, days, in_folder("%s", authority), error), error);
        pki_close(pki);
}

/* name: of the certificate, "ours/bank" */
static inline SSL_CTX *pki_folder_server(const char *name)
{
        char error[TLS_ERROR_MAX] = "";
        SSL_CTX *tls = tls_server_context(in_folder("ours/ca.crt"), in_folder("%s.crt", name),
                                          in_folder("%s.key", name), "1.3", error);
        pki_folder_must(tls != NULL, error);
        return tls;
}

static inline SSL_CTX *pki_folder_client(const char *name)
{
        char error[TLS_ERROR_MAX] = "";
        SSL_CTX *tls = tls_client_context(in_folder("ours/ca.crt"), in_folder("%s.crt", name),
                                          in_folder("%s.key", name), error);
        pki_folder_must(tls != NULL, error);
        return tls;
}

static inline void pki_folder_drop(void)
{
        folder_remove(pki_folder);
}

#endif
