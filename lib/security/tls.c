/*
 * TLS contexts. What all of them share: certificates on both sides, one authority, no resumption, no
 * renegotiation, buffers given back whenever a connection is idle. Sizes count: a daemon holds thousands of
 * connections that say something once in minutes.
 *
 * Invariants: no context leaves here that would accept a peer without a verified certificate; no key is read
 * from a file that everybody may read; nothing here ever asks a terminal for a pass phrase.
 */
#include "lib/security/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/file.h"

/* "FILE: what: OpenSSL's reason", and an empty error queue. */
static void file_error(char error[TLS_ERROR_MAX], const char *path, const char *what)
{
        unsigned long code = ERR_peek_error(); /* the first is the cause, what follows is who called whom */
        const char *reason = NULL;
        if (code)
                reason =
                    ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
        snprintf(error, TLS_ERROR_MAX, "%s: %s%s%s", path, what, reason ? ": " : "", reason ? reason : "");
        ERR_clear_error();
}

static int on_passphrase(char *buffer, int size, int writing, void *context)
{
        (void)buffer, (void)size, (void)writing, (void)context;
        return -1; /* a daemon has nobody to ask */
}

/* Its user's alone; root's may be one that a group is let at, which can't change it then. */
static bool key_is_private(const char *path, const struct stat *status, char error[TLS_ERROR_MAX])
{
        bool is_roots = status->st_uid == 0;
        if (!is_roots && geteuid() != 0 && status->st_uid != geteuid())
                snprintf(error, TLS_ERROR_MAX,
                         "%s: it belongs to another user; expected a key of this one's or root's", path);
        else if (status->st_mode & (is_roots ? 037 : 077))
                snprintf(error, TLS_ERROR_MAX, "%s: mode %04o lets others at the key; expected 0600%s", path,
                         (unsigned)status->st_mode & 07777,
                         is_roots ? " or 0640" : ", or 0640 where it is root's");
        else
                return true;
        return false;
}

/* NULL with a text in error[]. */
static BIO *key_open(const char *path, char error[TLS_ERROR_MAX])
{
        struct stat status;
        const char *why;
        int fd = file_open(path, &status, &why);
        if (fd < 0) {
                snprintf(error, TLS_ERROR_MAX, "%s: %s; expected a private key", path, why);
                return NULL;
        }
        if (!key_is_private(path, &status, error)) {
                close(fd);
                return NULL;
        }
        BIO *bio = BIO_new_fd(fd, BIO_CLOSE);
        if (!bio) {
                close(fd);
                file_error(error, path, "no memory");
        }
        return bio;
}

static bool key_use(SSL_CTX *ctx, const char *path, char error[TLS_ERROR_MAX])
{
        BIO *bio = key_open(path, error);
        if (!bio)
                return false;
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, NULL);
        BIO_free(bio);
        bool good = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
        if (!key)
                file_error(error, path, "no private key to use; expected one in PEM, unencrypted");
        else if (!good)
                file_error(error, path, "the key does not fit the certificate");
        EVP_PKEY_free(key);
        return good;
}

static const char authorities_wanted[] = "no certificate of an authority; expected one or more in PEM";
static const char crl_wanted[] = "no list of revoked certificates; expected one or more in PEM";
static const char certificate_wanted[] = "no certificate; expected one in PEM";

/* OpenSSL opens by the name alone, and would wait for a FIFO's writer. */
static bool file_is_there(const char *path, const char *what, char error[TLS_ERROR_MAX])
{
        const char *why;
        if (file_check(path, &why))
                return true;
        snprintf(error, TLS_ERROR_MAX, "%s: %s: %s", path, what, why);
        return false;
}

static bool files_use(SSL_CTX *ctx, const char *ca, const char *certificate, const char *key,
                      char error[TLS_ERROR_MAX])
{
        if (!file_is_there(ca, authorities_wanted, error) ||
            !file_is_there(certificate, certificate_wanted, error))
                return false;
        if (SSL_CTX_load_verify_file(ctx, ca) != 1) {
                file_error(error, ca, authorities_wanted);
                return false;
        }
        if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1) {
                file_error(error, certificate, certificate_wanted);
                return false;
        }
        return key_use(ctx, key, error);
}

/* 112 bits: RSA of 2,048, curves of 224, no SHA-1 in signatures (SSL_CTX_set_security_level(3)). */
enum { SECURITY_LEVEL = 2 };

/* Bytes of a peer's certificates: a dozen. They are kept and read before anybody knows whom they are of. */
enum { CERTIFICATES_MAX = 16384 };

static bool options_set(SSL_CTX *ctx, int minimum)
{
        char groups[] = "X25519:P-256"; /* OpenSSL's macro wants it writable */
        /* The length before each message shows a cut stream, so an end without close_notify is just an end.
         */
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CLEANSE_PLAINTEXT); /* card numbers are in it */
        SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);        /* not what the system's openssl.cnf says */
        SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
        /* What an idle connection keeps (19 kB on the server's side, OpenSSL 3.0): the peer's whole chain, so
         * no authority is sent along (4.6 kB); its key share, smaller for X25519 than P-256 (3.5 kB); its
         * buffers unless they are released (9 kB). */
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_read_ahead(ctx, 1); /* header and body of a record in one read */
        SSL_CTX_set_default_passwd_cb(ctx, on_passphrase);
        return SSL_CTX_set_min_proto_version(ctx, minimum) == 1 &&
               SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") == 1 &&
               SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM") == 1 &&
               SSL_CTX_set1_groups_list(ctx, groups) == 1;
}

static SSL_CTX *context_new(const SSL_METHOD *method, int minimum, char error[TLS_ERROR_MAX])
{
        ERR_clear_error();
        SSL_CTX *ctx = SSL_CTX_new(method);
        if (ctx && options_set(ctx, minimum))
                return ctx;
        SSL_CTX_free(ctx);
        file_error(error, "TLS", "OpenSSL can't set up a context");
        return NULL;
}

/* Whether it says that it is for that: one that says nothing may be for anything, a mail client's too, and OpenSSL takes it. */
static bool is_meant_for(X509 *certificate, uint32_t use)
{
        return (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) &&
               (X509_get_extended_key_usage(certificate) & use) == use;
}

static int refuse_purpose(X509_STORE_CTX *store, int good, uint32_t use)
{
        if (!good || X509_STORE_CTX_get_error_depth(store) > 0 ||
            is_meant_for(X509_STORE_CTX_get_current_cert(store), use))
                return good;
        X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
        return 0;
}

static int on_server_verified(int good, X509_STORE_CTX *store)
{
        return refuse_purpose(store, good, XKU_SSL_SERVER);
}

static bool client_certificate_check(SSL_CTX *ctx, const char *path, char error[TLS_ERROR_MAX])
{
        bool good = is_meant_for(SSL_CTX_get0_certificate(ctx), XKU_SSL_CLIENT);
        if (!good)
                file_error(error, path, "not for a client; expected a certificate with the use clientAuth");
        return good;
}

/* A fault that would make every ATM fail later is found here, at the start. */
static bool server_certificate_check(SSL_CTX *ctx, const char *path, char error[TLS_ERROR_MAX])
{
        X509 *certificate = SSL_CTX_get0_certificate(ctx);
        const char *fault = NULL;
        if (X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) != 1 ||
            !is_meant_for(certificate, XKU_SSL_SERVER))
                fault = "not for a server; expected a certificate with the use serverAuth";
        else if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
                fault = "the certificate has expired; expected one in force";
        if (fault)
                file_error(error, path, fault);
        return !fault;
}

/* ---- who is believed ----------------------------------------------------------------------------------- */

/* What a subject says that has one plain name. */
static bool name_of(const X509 *certificate, char *buffer, size_t size)
{
        X509_NAME *subject = X509_get_subject_name(certificate);
        int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
                return false; /* two names would be one too many to decide by */
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        const unsigned char *text = ASN1_STRING_get0_data(value);
        int length = ASN1_STRING_length(value);
        if (length <= 0 || (size_t)length >= size)
                return false;
        for (int i = 0; i < length; i++)
                if (text[i] < 0x20 || text[i] > 0x7e) /* a wider string type, a zero byte */
                        return false;
        memcpy(buffer, text, (size_t)length);
        buffer[length] = '\0';
        return true;
}

/* Several authorities may have the same name: what counts is whose key signed the list. */
static bool is_revoked(X509_STORE_CTX *check)
{
        X509 *certificate = X509_STORE_CTX_get_current_cert(check);
        X509 *issuer = X509_STORE_CTX_get0_current_issuer(check);
        STACK_OF(X509_CRL) *lists =
            X509_STORE_CTX_get1_crls(check, X509_get_issuer_name(certificate)); /* NULL: none */
        bool revoked = false;
        for (int i = 0; !revoked && i < sk_X509_CRL_num(lists); i++) {
                X509_CRL *list = sk_X509_CRL_value(lists, i);
                X509_REVOKED *entry;
                revoked = X509_CRL_get0_by_cert(list, &entry, certificate) == 1 && issuer &&
                          X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1;
        }
        sk_X509_CRL_pop_free(lists, X509_CRL_free);
        return revoked;
}

static int refused_index(void)
{
        static int index = -1;
        if (index < 0)
                index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        return index;
}

bool tls_note_refused(SSL *ssl, char *name)
{
        return SSL_set_ex_data(ssl, refused_index(), name) == 1;
}

/* Signatures are looked at before dates, and this is asked after both: whoever gets here with one of these errors has a
 * certificate of ours. */
static void note_refused(X509_STORE_CTX *check)
{
        SSL *ssl = X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx());
        char *name = ssl ? SSL_get_ex_data(ssl, refused_index()) : NULL;
        int error = X509_STORE_CTX_get_error(check);
        if (name && X509_STORE_CTX_get_error_depth(check) == 0 &&
            (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID ||
             error == X509_V_ERR_CERT_REVOKED) &&
            !name_of(X509_STORE_CTX_get0_cert(check), name, TLS_NAME_MAX))
                *name = '\0';
}

/* Called for each certificate of a chain once it was found good, and for each error. OpenSSL's own way with lists
 * (X509_V_FLAG_CRL_CHECK) refuses everybody once a list is too old, and looks into it before signatures are verified. */
static int on_client_verified(int good, X509_STORE_CTX *check)
{
        good = refuse_purpose(check, good, XKU_SSL_CLIENT);
        if (good && is_revoked(check)) {
                X509_STORE_CTX_set_error(check, X509_V_ERR_CERT_REVOKED);
                good = 0;
        }
        if (!good)
                note_refused(check);
        return good;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
        struct tm tm;
        return time && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

int64_t tls_crl_due(SSL_CTX *ctx)
{
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
        int64_t due_s = INT64_MAX;
        for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
                const X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
                if (list)
                        due_s = earlier(due_s, seconds_of(X509_CRL_get0_nextUpdate(list)));
        }
        return due_s;
}

/* The authorities of another store, without its lists. */
static X509_STORE *authorities_copy(X509_STORE *from)
{
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(from);
        X509_STORE *store = X509_STORE_new();
        bool good = store;
        for (int i = 0; good && i < sk_X509_OBJECT_num(objects); i++) {
                X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
                good = !authority || X509_STORE_add_cert(store, authority) == 1;
        }
        if (good)
                return store;
        X509_STORE_free(store);
        return NULL;
}

static bool is_of_an_authority(X509_STORE *store, X509_CRL *list)
{
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
        for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
                X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
                if (authority &&
                    X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(list)) == 0 &&
                    X509_CRL_verify(list, X509_get0_pubkey(authority)) == 1)
                        return true;
        }
        ERR_clear_error();
        return false;
}

static bool list_add(X509_STORE *store, X509_CRL *list, const char *path, size_t *revoked,
                     char error[TLS_ERROR_MAX])
{
        if (!is_of_an_authority(store, list)) {
                file_error(error, path, "a list that none of the authorities in 'ca' has signed");
                return false;
        }
        if (X509_STORE_add_crl(store, list) != 1) {
                file_error(error, path, "no memory");
                return false;
        }
        *revoked += (size_t)(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) > 0
                                 ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list))
                                 : 0);
        return true;
}

/* All lists of a file; one at least. */
static bool lists_read(X509_STORE *store, BIO *file, const char *path, size_t *ret_revoked,
                       char error[TLS_ERROR_MAX])
{
        X509_CRL *list;
        size_t count = 0;
        *ret_revoked = 0;
        ERR_clear_error();
        for (; (list = PEM_read_bio_X509_CRL(file, NULL, on_passphrase, NULL)); count++) {
                bool good = list_add(store, list, path, ret_revoked, error);
                X509_CRL_free(list);
                if (!good)
                        return false;
        }
        bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        if (count == 0 || !ended)
                file_error(error, path, crl_wanted);
        ERR_clear_error();
        return count > 0 && ended;
}

/* Whoever reads it again while he serves stands still for so long. */
static FILE *crl_open(const char *path, char error[TLS_ERROR_MAX])
{
        const char *why;
        struct stat status;
        FILE *stream = file_open_stream(path, &why);
        if (!stream) {
                snprintf(error, TLS_ERROR_MAX, "%s: %s: %s", path, crl_wanted, why);
        } else if (fstat(fileno(stream), &status) < 0 || status.st_size > TLS_CRL_BYTES) {
                snprintf(error, TLS_ERROR_MAX, "%s: expected at most %d bytes of lists", path, TLS_CRL_BYTES);
                fclose(stream);
                stream = NULL;
        } else if (file_is_everybodys(&status, &why)) {
                snprintf(error, TLS_ERROR_MAX, "%s: %s", path, why);
                fclose(stream);
                stream = NULL;
        }
        return stream;
}

bool tls_use_crl(SSL_CTX *ctx, const char *path, size_t *ret_revoked, char error[TLS_ERROR_MAX])
{
        FILE *stream = crl_open(path, error);
        if (!stream)
                return false;
        BIO *file = BIO_new_fp(stream, BIO_CLOSE);
        if (!file)
                fclose(stream);
        X509_STORE *store = authorities_copy(SSL_CTX_get_cert_store(ctx));
        bool good = file && store;
        if (!good)
                file_error(error, path, crl_wanted);
        good = good && lists_read(store, file, path, ret_revoked, error);
        if (good)
                SSL_CTX_set1_cert_store(ctx, store);
        X509_STORE_free(store);
        BIO_free(file);
        return good;
}

/* The soonest end in a chain. */
static int64_t chain_until(STACK_OF(X509) * chain)
{
        int64_t until_s = INT64_MAX;
        for (int i = 0; i < sk_X509_num(chain); i++)
                until_s = earlier(until_s, seconds_of(X509_get0_notAfter(sk_X509_value(chain, i))));
        return until_s;
}

bool tls_certificate_stands(SSL_CTX *ctx, X509 *certificate, STACK_OF(X509) * chain, int64_t now_s,
                            int64_t *ret_until_s, char *ret_why, size_t size)
{
        X509_STORE_CTX *check = X509_STORE_CTX_new();
        bool good = check &&
                    X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), certificate, chain) == 1 &&
                    X509_STORE_CTX_set_default(check, "ssl_client") == 1;
        if (!good) {
                snprintf(ret_why, size, "out of memory");
        } else {
                X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(check), (time_t)now_s);
                X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(check), SECURITY_LEVEL);
                X509_STORE_CTX_set_verify_cb(check, on_client_verified);
                good = X509_verify_cert(check) == 1;
                if (good)
                        *ret_until_s = chain_until(X509_STORE_CTX_get0_chain(check));
                else
                        snprintf(ret_why, size, "%s",
                                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)));
        }
        X509_STORE_CTX_free(check);
        ERR_clear_error();
        return good;
}

/* ---- contexts ------------------------------------------------------------------------------------------ */

SSL_CTX *tls_server_context(const char *ca, const char *certificate, const char *key, const char *minimum,
                            char error[TLS_ERROR_MAX])
{
        static const unsigned char id[] = "atmd";
        if (strcmp(minimum, "1.3") != 0 && strcmp(minimum, "1.2") != 0) {
                snprintf(error, TLS_ERROR_MAX, "TLS minimum '%s': expected 1.3 or 1.2", minimum);
                return NULL;
        }
        SSL_CTX *ctx = context_new(TLS_server_method(),
                                   strcmp(minimum, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, error);
        if (!ctx)
                return NULL;
        if (!files_use(ctx, ca, certificate, key, error) ||
            !server_certificate_check(ctx, certificate, error)) {
                SSL_CTX_free(ctx);
                return NULL;
        }
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
        SSL_CTX_set_num_tickets(ctx, 0);
        SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
        SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_client_verified);
        return ctx;
}

SSL_CTX *tls_client_context(const char *ca, const char *certificate, const char *key,
                            char error[TLS_ERROR_MAX])
{
        SSL_CTX *ctx = context_new(TLS_client_method(), TLS1_3_VERSION, error);
        if (!ctx)
                return NULL;
        if (!files_use(ctx, ca, certificate, key, error) ||
            !client_certificate_check(ctx, certificate, error)) {
                SSL_CTX_free(ctx);
                return NULL;
        }
        SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_server_verified);
        return ctx;
}

bool tls_peer_name(SSL *ssl, char *buffer, size_t size)
{
        const X509 *certificate = SSL_get0_peer_certificate(ssl);
        return certificate && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) &&
               SSL_get_verify_result(ssl) == X509_V_OK && name_of(certificate, buffer, size);
}

bool tls_expect_host(SSL *ssl, const char *host)
{
        uint8_t address[sizeof(struct in6_addr)];
        char name[256]; /* OpenSSL's macro wants it writable */
        if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
        return snprintf(name, sizeof(name), "%s", host) < (int)sizeof(name) &&
               SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

void tls_reason(SSL *ssl, int ssl_return, char *buffer, size_t size)
{
        int saved_errno = errno;
        int kind = SSL_get_error(ssl, ssl_return);
        unsigned long code = ERR_peek_error();
        const char *text = code ? ERR_reason_error_string(code) : NULL;

        if (code && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
                snprintf(buffer, size, "certificate refused: %s",
                         X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
        else if (code && ERR_SYSTEM_ERROR(code))
                snprintf(buffer, size, "%s", strerror(ERR_GET_REASON(code)));
        else if (code)
                snprintf(buffer, size, "%s", text ? text : "unknown error of OpenSSL");
        else if (kind == SSL_ERROR_ZERO_RETURN)
                snprintf(buffer, size, "closed by the peer");
        else if (kind == SSL_ERROR_SYSCALL)
                snprintf(buffer, size, "%s", saved_errno ? strerror(saved_errno) : "cut by the peer");
        else
                snprintf(buffer, size, "nothing failed");
        ERR_clear_error();
}
