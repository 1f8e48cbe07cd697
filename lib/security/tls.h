/*
 * TLS as this network uses it: TLS 1.3 (1.2 only where a setting allows it), both sides with certificates
 * of our own authority, resumption off (a handshake costs 70 withdrawals, a connection lasts for days).
 * Contexts only; whoever owns a connection drives its SSL.
 */
#ifndef LIB_SECURITY_TLS_H
#define LIB_SECURITY_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { TLS_ERROR_MAX = 512 };
enum {
        TLS_CRL_BYTES = 1 << 20
}; /* of a file of revoked certificates: some 20,000 of them, read in a few hundredths of a second */

/* minimum: "1.3" or "1.2". Certificate and key are PEM files; the key must belong to the certificate and
 * be nobody else's to read (0600, or 0640 where it is root's). Certificates, ours and the peer's, must say that they are for what they are
 * used for (serverAuth, clientAuth). NULL with a text in error[] that names the file. A client's connection must
 * be told whom it expects (tls_expect_host). */
ATM_MUST_USE SSL_CTX *tls_server_context(const char *ca, const char *certificate, const char *key,
                                         const char *minimum, char error[TLS_ERROR_MAX]);
ATM_MUST_USE SSL_CTX *tls_client_context(const char *ca, const char *certificate, const char *key,
                                         char error[TLS_ERROR_MAX]);

/*
 * A list of certificates that their authorities have revoked (CRL), or several, in PEM: it takes the place of the context's
 * former ones, for handshakes to come and for tls_certificate_stands. Each must be signed by an authority that the context
 * believes. One whose next issue is overdue still holds: tls_crl_due says so, and nobody is refused for it. False with a text in
 * error[], and the context as it was; so with a file of more than TLS_CRL_BYTES. ret_revoked: how many certificates they name.
 */
ATM_MUST_USE bool tls_use_crl(SSL_CTX *ctx, const char *path, size_t *ret_revoked, char error[TLS_ERROR_MAX]);
/* When the first of the context's lists should have been followed by another, in seconds since 1970; INT64_MAX: never. */
int64_t tls_crl_due(SSL_CTX *ctx);

/*
 * Whether the certificate of a client, with what it sent along (NULL: nothing), would be let in at this moment (seconds
 * since 1970): in force with its chain, from an authority that the context believes now, revoked by none. True: until when, if
 * nothing else changes. False: why.
 */
ATM_MUST_USE bool tls_certificate_stands(SSL_CTX *ctx, X509 *certificate, STACK_OF(X509) * chain,
                                         int64_t now_s, int64_t *ret_until_s, char *ret_why, size_t size);

/* Where the name of a peer is put whose certificate is refused although one of our authorities has signed it: it has expired, or
 * is revoked. name, of TLS_NAME_MAX bytes, must outlive the handshake. False: out of memory. */
enum { TLS_NAME_MAX = 16 };
ATM_MUST_USE bool tls_note_refused(SSL *ssl, char *name);

/* The subject CN of the peer's verified certificate; false where there is none or it does not fit. */
ATM_MUST_USE bool tls_peer_name(SSL *ssl, char *buffer, size_t size);

/* Before a client's handshake: the certificate must be of this host, a name or an address. False: out of memory. */
ATM_MUST_USE bool tls_expect_host(SSL *ssl, const char *host);

/* Why the last call on `ssl` failed, for a log line; drains OpenSSL's error queue. */
void tls_reason(SSL *ssl, int ssl_return, char *buffer, size_t size);

#endif
