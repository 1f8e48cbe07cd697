/*
 * TLS as this network uses it: TLS 1.3 (1.2 only where a setting allows it), both sides with certificates
 * of our own authority, resumption off (a handshake costs 70 withdrawals, a connection lasts for days).
 * Contexts only; whoever owns a connection drives its SSL.
 */
#ifndef LIB_SECURITY_TLS_H
#define LIB_SECURITY_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "lib/base/attributes.h"

enum { TLS_ERROR_MAX = 512 };

/* minimum: "1.3" or "1.2". Certificate and key are PEM files; the key must belong to the certificate and
 * be nobody else's to read (0600, or 0640 where it is root's). Certificates, ours and the peer's, must say that they are for what they are
 * used for (serverAuth, clientAuth). NULL with a text in error[] that names the file. A client's connection must
 * be told whom it expects (tls_expect_host). */
ATM_MUST_USE SSL_CTX *tls_server_context(const char *ca, const char *certificate, const char *key,
                                         const char *minimum, char error[TLS_ERROR_MAX]);
ATM_MUST_USE SSL_CTX *tls_client_context(const char *ca, const char *certificate, const char *key,
                                         char error[TLS_ERROR_MAX]);

/* The subject CN of the peer's verified certificate; false where there is none or it does not fit. */
ATM_MUST_USE bool tls_peer_name(SSL *ssl, char *buffer, size_t size);

/* Before a client's handshake: the certificate must be of this host, a name or an address. False: out of memory. */
ATM_MUST_USE bool tls_expect_host(SSL *ssl, const char *host);

/* Why the last call on `ssl` failed, for a log line; drains OpenSSL's error queue. */
void tls_reason(SSL *ssl, int ssl_return, char *buffer, size_t size);

#endif
