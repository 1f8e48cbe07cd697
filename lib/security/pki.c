/*
 * The certificate authority: makes key pairs, signs certificates, writes PEM files.
 *
 * Certificates live in real time, whatever a laboratory's clock says: TLS libraries look at the machine's.
 *
 * Invariants: a file appears under its name only whole; no key ever exists in a file that others may read; an
 * authority is never replaced; no certificate outlives its authority's.
 */
#include "lib/security/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "lib/base/file.h"

enum {
        PATH_LENGTH = 1024,
        NAME_LENGTH = 64, /* of a common name (X.520) */
        SERIAL_BITS = 128,
        DAYS_MAX = 36500,
        SECONDS_OF_DAY = 86400,
        EARLIER_S = 3600, /* valid from an hour ago: the peer's clock may be behind ours */
};

struct pki_authority {
        X509 *certificate;
        EVP_PKEY *key;
};

ATM_PRINTF(2, 3)
static void error_set(char error[PKI_ERROR_MAX], const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error, PKI_ERROR_MAX, format, arguments);
        va_end(arguments);
}

static void openssl_error(char error[PKI_ERROR_MAX], const char *where, const char *what)
{
        unsigned long code = ERR_peek_error();
        const char *reason = NULL;
        if (code)
                reason =
                    ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
        error_set(error, "%s: %s%s%s", where, what, reason ? ": " : "", reason ? reason : "");
        ERR_clear_error();
}

ATM_MUST_USE static bool path_make(char path[PATH_LENGTH], const char *dir, const char *name,
                                   const char *suffix, char error[PKI_ERROR_MAX])
{
        int n = snprintf(path, PATH_LENGTH, "%s/%s%s", dir, name, suffix);
        if (n < PATH_LENGTH - 16) /* room for what makes a temporary name */
                return true;
        error_set(error, "the path of the folder is too long; expected at most %d characters",
                  PATH_LENGTH - 128);
        return false;
}

ATM_MUST_USE static bool folder_make(const char *dir, char error[PKI_ERROR_MAX])
{
        struct stat status;
        if (mkdir(dir, 0755) == 0 || (errno == EEXIST && stat(dir, &status) == 0 && S_ISDIR(status.st_mode)))
                return true;
        error_set(error, "%s: %s; expected a folder", dir,
                  errno == EEXIST ? "not a folder" : strerror(errno));
        return false;
}

/* Whole or not at all: a temporary file beside it, then renamed over the name. */
ATM_MUST_USE static bool file_write(const char *path, mode_t mode, BIO *content, bool to_disk,
                                    char error[PKI_ERROR_MAX])
{
        char temporary[PATH_LENGTH];
        char *bytes;
        long length = BIO_get_mem_data(content, &bytes);
        const char *step = "create";
        int fd, n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
        if (n >= (int)sizeof(temporary)) {
                error_set(error, "%.200s...: the path is too long", path);
                return false;
        }
        fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
        if (fd < 0)
                goto failed;
        step = "write";
        for (long at = 0; at < length;) {
                ssize_t written = write(fd, bytes + at, (size_t)(length - at));
                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        goto failed;
                at += written;
        }
        if (fchmod(fd, mode) < 0 || (to_disk && fsync(fd) < 0))
                goto failed;
        step = "rename to";
        if (rename(temporary, path) < 0)
                goto failed;
        close(fd);
        return true;
failed:
        error_set(error, "%s: can't %s it: %s", path, step, strerror(errno));
        if (fd >= 0) {
                unlink(temporary);
                close(fd);
        }
        return false;
}

ATM_MUST_USE static bool key_write(const char *path, EVP_PKEY *key, bool to_disk, char error[PKI_ERROR_MAX])
{
        BIO *content = BIO_new(BIO_s_secmem()); /* wiped when freed */
        bool good = content && PEM_write_bio_PKCS8PrivateKey(content, key, NULL, NULL, 0, NULL, NULL) == 1;
        if (!good)
                openssl_error(error, path, "can't encode the key");
        else
                good = file_write(path, 0600, content, to_disk, error);
        BIO_free(content);
        return good;
}

ATM_MUST_USE static bool certificate_write(const char *path, X509 *certificate, bool to_disk,
                                           char error[PKI_ERROR_MAX])
{
        BIO *content = BIO_new(BIO_s_mem());
        bool good = content && PEM_write_bio_X509(content, certificate) == 1;
        if (!good)
                openssl_error(error, path, "can't encode the certificate");
        else
                good = file_write(path, 0644, content, to_disk, error);
        BIO_free(content);
        return good;
}

/* A positive random number: nobody can guess the next, and no counter has to be kept. */
static bool serial_set(X509 *certificate)
{
        BIGNUM *number = BN_new();
        bool good = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ODD) == 1 &&
                    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
        BN_free(number);
        return good;
}

/* From an hour ago to `days` from now; what has expired was valid for a day and an hour before. */
static bool validity_set(X509 *certificate, int days, const X509 *issuer)
{
        time_t now = time(NULL);
        time_t end = now + (time_t)days * SECONDS_OF_DAY;
        time_t begin = (days > 0 ? now : end - SECONDS_OF_DAY) - EARLIER_S;
        if (!ASN1_TIME_set(X509_getm_notBefore(certificate), begin) ||
            !ASN1_TIME_set(X509_getm_notAfter(certificate), end))
                return false;
        if (issuer && ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(issuer)) > 0)
                return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) == 1;
        return true;
}

static bool subject_set(X509 *certificate, const char *common_name)
{
        X509_NAME *name = X509_NAME_new();
        bool good = name &&
                    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                               (const unsigned char *)common_name, -1, -1, 0) == 1 &&
                    X509_set_subject_name(certificate, name) == 1;
        X509_NAME_free(name);
        return good;
}

struct extension {
        int nid;
        const char *value;
};

static bool extensions_add(X509 *certificate, X509 *issuer, const struct extension *extension, size_t count)
{
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        for (size_t i = 0; i < count; i++) {
                X509_EXTENSION *made =
                    X509V3_EXT_conf_nid(NULL, &context, extension[i].nid, extension[i].value);
                bool good = made && X509_add_ext(certificate, made, -1) == 1;
                X509_EXTENSION_free(made);
                if (!good)
                        return false;
        }
        return true;
}

/* All but the extensions and the signature; NULL with OpenSSL's reason in its queue. */
static X509 *certificate_new(const char *common_name, EVP_PKEY *key, int days, const X509 *issuer)
{
        X509 *certificate = X509_new();
        if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && serial_set(certificate) &&
            validity_set(certificate, days, issuer) && subject_set(certificate, common_name) &&
            X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate)) == 1 &&
            X509_set_pubkey(certificate, key) == 1)
                return certificate;
        X509_free(certificate);
        return NULL;
}

enum { LABEL_MAX = 63, DNS_NAME_MAX = 253 };

/* Labels of letters, digits, '-' and '_' with dots between them; the first may be '*' alone, as certificates have it. */
static bool is_dns_name(const char *name)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

        if (strlen(name) > DNS_NAME_MAX)
                return false;
        if (!strncmp(name, "*.", 2))
                name += 2;
        for (;;) {
                size_t length = strspn(name, allowed);

                if (!length || length > LABEL_MAX || *name == '-' || name[length - 1] == '-')
                        return false;
                if (!name[length])
                        return true;
                if (name[length] != '.')
                        return false;
                name += length + 1;
        }
}

/* One of the list; NULL where it is none. Only these two kinds: OpenSSL's own parser takes kinds that name files, and any text for a name. */
static GENERAL_NAME *alternative_name(const char *item)
{
        if (!strncmp(item, "IP:", 3))
                return a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_IPADD, item + 3, 0);
        if (!strncmp(item, "DNS:", 4) && is_dns_name(item + 4))
                return a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_DNS, item + 4, 0);
        return NULL;
}

/* "IP:127.0.0.1,DNS:localhost". NULL with an error. */
static GENERAL_NAMES *alternative_names(const char *san, char error[PKI_ERROR_MAX])
{
        GENERAL_NAMES *names = GENERAL_NAMES_new();
        for (const char *at = san; names && at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
                char item[DNS_NAME_MAX + 8];
                int n = snprintf(item, sizeof(item), "%.*s", (int)strcspn(at, ","), at);
                GENERAL_NAME *name = n < (int)sizeof(item) ? alternative_name(item) : NULL;
                if (name && sk_GENERAL_NAME_push(names, name) > 0)
                        continue;
                GENERAL_NAME_free(name);
                error_set(error, "alternative name '%.100s': expected IP:ADDRESS or DNS:NAME", item);
                ERR_clear_error();
                GENERAL_NAMES_free(names);
                return NULL;
        }
        if (!names)
                error_set(error, "no memory");
        return names;
}

bool pki_names_are_good(const char *san)
{
        char error[PKI_ERROR_MAX];
        GENERAL_NAMES *names = alternative_names(san, error);
        GENERAL_NAMES_free(names);
        return names;
}

ATM_MUST_USE static bool alternative_names_add(X509 *certificate, const char *san, char error[PKI_ERROR_MAX])
{
        GENERAL_NAMES *names = alternative_names(san, error);
        bool good = names;
        if (good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1) {
                openssl_error(error, san, "can't add the alternative names");
                good = false;
        }
        GENERAL_NAMES_free(names);
        return good;
}

ATM_MUST_USE static bool days_check(int days, bool may_be_negative, char error[PKI_ERROR_MAX])
{
        if (days != 0 && days <= DAYS_MAX && days >= (may_be_negative ? -DAYS_MAX : 1))
                return true;
        error_set(error, "%d days: expected 1 to %d%s", days, DAYS_MAX,
                  may_be_negative ? ", or less than 0 for a certificate that has expired" : "");
        return false;
}

bool pki_init(const char *dir, const char *name, int days, char error[PKI_ERROR_MAX])
{
        static const struct extension extensions[] = {
            {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
            {NID_key_usage, "critical,keyCertSign,cRLSign"},
            {NID_subject_key_identifier, "hash"},
            {NID_authority_key_identifier, "keyid:always"},
        };
        char certificate_path[PATH_LENGTH], key_path[PATH_LENGTH];
        EVP_PKEY *key = NULL;
        X509 *certificate = NULL;
        bool done = false;

        if (!*name || strlen(name) > NAME_LENGTH) {
                error_set(error, "name of the authority: expected 1 to %d characters", NAME_LENGTH);
                return false;
        }
        if (!days_check(days, false, error) || !folder_make(dir, error) ||
            !path_make(certificate_path, dir, "ca", ".crt", error) ||
            !path_make(key_path, dir, "ca", ".key", error))
                return false;
        const char *there = access(certificate_path, F_OK) == 0 ? certificate_path
                            : access(key_path, F_OK) == 0       ? key_path
                                                                : NULL;
        if (there) {
                error_set(error,
                          "%s is there already; expected a folder without an authority, since all that the "
                          "old one signed would be worth nothing",
                          there);
                return false;
        }
        key = EVP_EC_gen("P-256");
        if (key)
                certificate = certificate_new(name, key, days, NULL);
        if (!certificate || !extensions_add(certificate, certificate, extensions, 4) ||
            X509_sign(certificate, key, EVP_sha256()) <= 0) {
                openssl_error(error, certificate_path, "can't make the authority's certificate");
                goto out;
        }
        done = key_write(key_path, key, true, error) &&
               certificate_write(certificate_path, certificate, true, error);
out:
        X509_free(certificate);
        EVP_PKEY_free(key);
        return done;
}

static int on_passphrase(char *buffer, int size, int writing, void *context)
{
        (void)buffer, (void)size, (void)writing, (void)context;
        return -1; /* nobody is asked */
}

/* NULL with a text in error[]. */
static BIO *file_find(const char *path, const char *what, char error[PKI_ERROR_MAX])
{
        const char *why;
        BIO *file = NULL;
        if (!file_check(path, &why))
                error_set(error, "%s: %s: %s", path, what, why);
        else if (!(file = BIO_new_file(path, "r")))
                openssl_error(error, path, what);
        return file;
}

static X509 *authority_certificate_load(const char *path, char error[PKI_ERROR_MAX])
{
        static const char what[] = "no certificate of an authority (pki init makes one)";
        BIO *file = file_find(path, what, error);
        if (!file)
                return NULL;
        X509 *certificate = PEM_read_bio_X509(file, NULL, on_passphrase, NULL);
        BIO_free(file);
        if (!certificate) {
                openssl_error(error, path, what);
        } else if (X509_check_ca(certificate) != 1) {
                openssl_error(error, path, "not an authority's certificate");
                X509_free(certificate);
                certificate = NULL;
        }
        return certificate;
}

static EVP_PKEY *authority_key_load(const char *path, char error[PKI_ERROR_MAX])
{
        static const char what[] = "no private key of an authority (pki init makes one)";
        struct stat status;
        if (stat(path, &status) == 0 && (status.st_mode & 077)) {
                error_set(error, "%s: mode %04o lets others at the authority's key; expected 0600", path,
                          (unsigned)status.st_mode & 07777);
                return NULL;
        }
        BIO *file = file_find(path, what, error);
        if (!file)
                return NULL;
        EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, on_passphrase, NULL);
        BIO_free(file);
        if (!key)
                openssl_error(error, path, what);
        return key;
}

struct pki_authority *pki_open(const char *dir, char error[PKI_ERROR_MAX])
{
        char certificate_path[PATH_LENGTH], key_path[PATH_LENGTH];
        if (!path_make(certificate_path, dir, "ca", ".crt", error) ||
            !path_make(key_path, dir, "ca", ".key", error))
                return NULL;
        struct pki_authority *authority = calloc(1, sizeof(*authority));
        if (!authority) {
                error_set(error, "no memory");
                return NULL;
        }
        ERR_clear_error();
        if ((authority->certificate = authority_certificate_load(certificate_path, error)) &&
            (authority->key = authority_key_load(key_path, error))) {
                if (X509_check_private_key(authority->certificate, authority->key) == 1)
                        return authority;
                openssl_error(error, key_path, "the key does not fit ca.crt");
        }
        pki_close(authority);
        return NULL;
}

void pki_close(struct pki_authority *authority)
{
        if (!authority)
                return;
        X509_free(authority->certificate);
        EVP_PKEY_free(authority->key);
        free(authority);
}

/* The name becomes a file's name, so it may not lead anywhere else. */
ATM_MUST_USE static bool common_name_check(const char *name, char error[PKI_ERROR_MAX])
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
        size_t length = strspn(name, allowed);
        if (length > 0 && length <= NAME_LENGTH && !name[length] && *name != '.' && strcmp(name, "ca") != 0)
                return true;
        error_set(error,
                  "common name '%.80s': expected 1 to %d letters, digits, '_', '-' or '.', no leading dot, "
                  "and not 'ca'",
                  name, NAME_LENGTH);
        return false;
}

bool pki_is_issued(const char *out_dir, const char *common_name)
{
        static const char *const suffixes[] = {".crt", ".key"};
        char path[PATH_LENGTH], error[PKI_ERROR_MAX];

        for (size_t i = 0; i < LENGTH(suffixes); i++) {
                if (path_make(path, out_dir, common_name, suffixes[i], error) && access(path, F_OK) == 0)
                        return true;
        }
        return false;
}

bool pki_issue(struct pki_authority *authority, const char *common_name, enum pki_use use, const char *san,
               int days, const char *out_dir, char error[PKI_ERROR_MAX])
{
        static const char *const uses[] = {
            [PKI_SERVER] = "serverAuth", [PKI_CLIENT] = "clientAuth", [PKI_PEER] = "serverAuth,clientAuth"};
        const struct extension extensions[] = {
            {NID_basic_constraints, "critical,CA:FALSE"},
            {NID_key_usage, "critical,digitalSignature"},
            {NID_ext_key_usage, uses[use]},
            {NID_subject_key_identifier, "hash"},
            {NID_authority_key_identifier, "keyid:always"},
        };
        char certificate_path[PATH_LENGTH], key_path[PATH_LENGTH];
        EVP_PKEY *key = NULL;
        X509 *certificate = NULL;
        bool done = false;

        if (!common_name_check(common_name, error) || !days_check(days, true, error) ||
            !folder_make(out_dir, error) ||
            !path_make(certificate_path, out_dir, common_name, ".crt", error) ||
            !path_make(key_path, out_dir, common_name, ".key", error))
                return false;
        ERR_clear_error();
        key = EVP_EC_gen("P-256");
        if (key)
                certificate = certificate_new(common_name, key, days, authority->certificate);
        if (!certificate || !extensions_add(certificate, authority->certificate, extensions, 5)) {
                openssl_error(error, certificate_path, "can't make the certificate");
                goto out;
        }
        if (san && !alternative_names_add(certificate, san, error))
                goto out;
        if (X509_sign(certificate, authority->key, EVP_sha256()) <= 0) {
                openssl_error(error, certificate_path, "can't sign the certificate");
                goto out;
        }
        done = key_write(key_path, key, false, error) &&
               certificate_write(certificate_path, certificate, false, error);
out:
        X509_free(certificate);
        EVP_PKEY_free(key);
        return done;
}

/* ---- revoking ------------------------------------------------------------------------------------------ */

static bool list_write(const char *path, X509_CRL *list, char error[PKI_ERROR_MAX])
{
        BIO *content = BIO_new(BIO_s_mem());
        bool good = content && PEM_write_bio_X509_CRL(content, list) == 1;
        if (!good)
                openssl_error(error, path, "can't encode the list");
        else
                good = file_write(path, 0644, content, true, error);
        BIO_free(content);
        return good;
}

/* What the list at path names goes over to the new one; nothing where there is none. */
static bool list_take_over(struct pki_authority *authority, X509_CRL *list, const char *path,
                           char error[PKI_ERROR_MAX])
{
        static const char what[] = "no list of revoked certificates of this authority";
        if (access(path, F_OK) < 0 && errno == ENOENT)
                return true;
        BIO *file = file_find(path, what, error);
        if (!file)
                return false;
        X509_CRL *former = PEM_read_bio_X509_CRL(file, NULL, on_passphrase, NULL);
        BIO_free(file);
        bool good = former && X509_CRL_verify(former, authority->key) == 1;
        STACK_OF(X509_REVOKED) *entries = good ? X509_CRL_get_REVOKED(former) : NULL;
        for (int i = 0; good && i < sk_X509_REVOKED_num(entries); i++) {
                X509_REVOKED *entry = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));
                good = entry && X509_CRL_add0_revoked(list, entry) == 1;
        }
        if (!good)
                openssl_error(error, path, what);
        X509_CRL_free(former);
        return good;
}

static bool entry_add(X509_CRL *list, X509 *certificate, ASN1_TIME *now)
{
        X509_REVOKED *entry;
        /* by its number alone: the list has no issuer yet */
        if (X509_CRL_get0_by_serial(list, &entry, X509_get_serialNumber(certificate)) == 1)
                return true;
        entry = X509_REVOKED_new();
        if (entry && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) == 1 &&
            X509_REVOKED_set_revocationDate(entry, now) == 1 && X509_CRL_add0_revoked(list, entry) == 1)
                return true;
        X509_REVOKED_free(entry);
        return false;
}

static bool list_add(struct pki_authority *authority, X509_CRL *list, const char *path, ASN1_TIME *now,
                     char error[PKI_ERROR_MAX])
{
        static const char what[] = "no certificate of this authority";
        BIO *file = file_find(path, what, error);
        if (!file)
                return false;
        X509 *certificate = PEM_read_bio_X509(file, NULL, on_passphrase, NULL);
        BIO_free(file);
        bool good = certificate != NULL;
        if (!good) {
                openssl_error(error, path, what);
        } else if (X509_cmp(certificate, authority->certificate) == 0) {
                error_set(error, "%s: the authority's own: no ATM would be let in any more", path);
                good = false;
        } else if (X509_verify(certificate, authority->key) != 1) {
                ERR_clear_error();
                error_set(error, "%s: a certificate of another authority", path);
                good = false;
        } else if (!entry_add(list, certificate, now)) {
                openssl_error(error, path, "can't name it");
                good = false;
        }
        X509_free(certificate);
        return good;
}

static bool list_sign(struct pki_authority *authority, X509_CRL *list, const ASN1_TIME *now, int days)
{
        time_t real = time(NULL), end = real + (time_t)days * SECONDS_OF_DAY;
        ASN1_TIME *next = ASN1_TIME_set(NULL, end);
        ASN1_TIME *last = days > 0 ? ASN1_STRING_dup(now) : ASN1_TIME_set(NULL, end - SECONDS_OF_DAY);
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        bool good = next && last && number && ASN1_INTEGER_set_int64(number, (int64_t)real) == 1 &&
                    X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
                    X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate)) == 1 &&
                    X509_CRL_set1_lastUpdate(list, last) == 1 && X509_CRL_set1_nextUpdate(list, next) == 1 &&
                    X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1 &&
                    X509_CRL_sort(list) == 1 && X509_CRL_sign(list, authority->key, EVP_sha256()) > 0;
        ASN1_INTEGER_free(number);
        ASN1_TIME_free(last);
        ASN1_TIME_free(next);
        return good;
}

bool pki_revoke(struct pki_authority *authority, const char *crl_path, const char *const *certificates,
                size_t count, int days, char error[PKI_ERROR_MAX])
{
        if (!days_check(days, true, error))
                return false;
        ERR_clear_error();
        X509_CRL *list = X509_CRL_new();
        ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));
        bool good = list && now;
        if (!good)
                error_set(error, "no memory");
        good = good && list_take_over(authority, list, crl_path, error);
        for (size_t i = 0; good && i < count; i++)
                good = list_add(authority, list, certificates[i], now, error);
        if (good && !list_sign(authority, list, now, days)) {
                openssl_error(error, crl_path, "can't sign the list");
                good = false;
        }
        good = good && list_write(crl_path, list, error);
        ASN1_TIME_free(now);
        X509_CRL_free(list);
        return good;
}
