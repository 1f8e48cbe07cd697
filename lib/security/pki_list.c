/* Folders of certificates; see pki_list.h. */
#include "lib/security/pki_list.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/array.h"
#include "lib/base/file.h"

const char *const pki_kind_name[] = {
    [PKI_KIND_AUTHORITY] = "authority", [PKI_KIND_SERVER] = "server", [PKI_KIND_CLIENT] = "client",
    [PKI_KIND_PEER] = "peer",           [PKI_KIND_OTHER] = "other",   [PKI_KIND_LIST] = "revocations"};

/* What is being gathered: each with the object that it was read from. */
struct found {
        struct pki_listed listed;
        X509 *certificate; /* NULL: it is a list */
        X509_CRL *list;
};

struct gathering {
        struct found *found;
        size_t count, room;
        pki_bad *on_bad;
        void *context;
        char *error;
};

static const char nothing_there[] = "expected a certificate, or a list of revoked ones, as PEM";

static int64_t seconds_of(const ASN1_TIME *time)
{
        struct tm parts;

        return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : INT64_MAX;
}

static void print_name(const X509_NAME *name, char buffer[PKI_LISTED_TEXT])
{
        int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
        unsigned char *text = NULL;
        int length =
            at < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

        if (length >= 0)
                snprintf(buffer, PKI_LISTED_TEXT, "%.*s", length, (const char *)text);
        else
                X509_NAME_oneline(name, buffer, PKI_LISTED_TEXT);
        OPENSSL_free(text);
}

static void print_serial(const ASN1_INTEGER *serial, char buffer[PKI_SERIAL_TEXT])
{
        BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
        char *text = number ? BN_bn2hex(number) : NULL;

        snprintf(buffer, PKI_SERIAL_TEXT, "%s", text ? text : "");
        OPENSSL_free(text);
        BN_free(number);
}

static enum pki_kind kind_of(X509 *certificate)
{
        uint32_t use;

        if (X509_check_ca(certificate) > 0)
                return PKI_KIND_AUTHORITY;
        use = X509_get_extended_key_usage(certificate);
        if (use == UINT32_MAX || !(use & (XKU_SSL_SERVER | XKU_SSL_CLIENT)))
                return PKI_KIND_OTHER;
        if ((use & XKU_SSL_SERVER) && (use & XKU_SSL_CLIENT))
                return PKI_KIND_PEER;
        return use & XKU_SSL_SERVER ? PKI_KIND_SERVER : PKI_KIND_CLIENT;
}

/* Takes what the entry holds over. False: no memory. */
static bool add(struct gathering *g, const char *path, X509 *certificate, X509_CRL *list)
{
        struct found *grown = array_with_room(g->found, &g->room, g->count, sizeof(*grown));
        struct found *entry;

        if (!grown) {
                snprintf(g->error, PKI_ERROR_MAX, "no memory");
                X509_free(certificate);
                X509_CRL_free(list);
                return false;
        }
        g->found = grown;
        entry = &grown[g->count++];
        *entry = (struct found){.certificate = certificate, .list = list};
        snprintf(entry->listed.file, sizeof(entry->listed.file), "%s", path);
        if (certificate) {
                entry->listed.kind = kind_of(certificate);
                entry->listed.ends_s = seconds_of(X509_get0_notAfter(certificate));
                print_name(X509_get_subject_name(certificate), entry->listed.subject);
                print_serial(X509_get0_serialNumber(certificate), entry->listed.serial);
        } else {
                entry->listed.kind = PKI_KIND_LIST;
                entry->listed.ends_s = seconds_of(X509_CRL_get0_nextUpdate(list));
                print_name(X509_CRL_get_issuer(list), entry->listed.subject);
        }
        return true;
}

/* The others are listed all the same. */
static bool pass_over(const struct gathering *g, const char *path, const char *why)
{
        char text[PKI_ERROR_MAX];

        snprintf(text, sizeof(text), "%.300s: can't be read: %.100s", path, why);
        g->on_bad(text, g->context);
        return true;
}

/* Certificates and lists; keys beside them, or alone, are nobody's business here. */
static bool take_infos(struct gathering *g, const char *path, STACK_OF(X509_INFO) * infos)
{
        bool good = true, holds_any = false;

        for (int i = 0; good && i < sk_X509_INFO_num(infos); i++) {
                X509_INFO *info = sk_X509_INFO_value(infos, i);

                holds_any = holds_any || info->x509 || info->crl || info->x_pkey;
                if (!info->x509 && !info->crl)
                        continue;
                good = add(g, path, info->x509, info->crl);
                info->x509 = NULL;
                info->crl = NULL;
        }
        return good && (holds_any || pass_over(g, path, nothing_there));
}

/* False: no memory. */
static bool read_file(struct gathering *g, const char *path)
{
        STACK_OF(X509_INFO) * infos;
        BIO *file;
        const char *why;
        bool good;

        if (!file_check(path, &why))
                return pass_over(g, path, why);
        file = BIO_new_file(path, "r");
        infos = file ? PEM_X509_INFO_read_bio(file, NULL, NULL, NULL) : NULL;
        BIO_free(file);
        ERR_clear_error();
        if (!infos)
                return pass_over(g, path, nothing_there);
        good = take_infos(g, path, infos);
        sk_X509_INFO_pop_free(infos, X509_INFO_free);
        return good;
}

static bool ends_with(const char *name, const char *end)
{
        size_t length = strlen(name), end_length = strlen(end);

        return length > end_length && !strcmp(name + length - end_length, end);
}

static bool read_folder(struct gathering *g, const char *folder)
{
        DIR *dir = opendir(folder);
        bool good = true;

        if (!dir) {
                snprintf(g->error, PKI_ERROR_MAX, "%.300s: can't be read: %s", folder, strerror(errno));
                return false;
        }
        for (struct dirent *entry; good && (entry = readdir(dir));) {
                char path[PKI_LISTED_TEXT];

                if (!ends_with(entry->d_name, ".crt") && !ends_with(entry->d_name, ".pem"))
                        continue;
                if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= sizeof(path)) {
                        snprintf(g->error, PKI_ERROR_MAX, "%.300s: a path that is too long", folder);
                        good = false;
                } else {
                        good = read_file(g, path);
                }
        }
        closedir(dir);
        return good;
}

static bool is_revoked(const struct gathering *g, X509 *certificate)
{
        for (size_t i = 0; i < g->count; i++) {
                X509_REVOKED *entry;

                if (g->found[i].list &&
                    X509_NAME_cmp(X509_CRL_get_issuer(g->found[i].list), X509_get_issuer_name(certificate)) ==
                        0 &&
                    X509_CRL_get0_by_cert(g->found[i].list, &entry, certificate) == 1)
                        return true;
        }
        return false;
}

static int compare(const void *a, const void *b)
{
        const struct pki_listed *x = a, *y = b;

        if (x->ends_s != y->ends_s)
                return x->ends_s < y->ends_s ? -1 : 1;
        return strcmp(x->file, y->file);
}

struct pki_listed *pki_list(const char *const *folders, size_t count, pki_bad *on_bad, void *context,
                            size_t *ret_count, char error[PKI_ERROR_MAX])
{
        struct gathering g = {.on_bad = on_bad, .context = context, .error = error};
        struct pki_listed *listed = NULL;
        bool good = true;

        for (size_t i = 0; good && i < count; i++)
                good = read_folder(&g, folders[i]);
        if (good) {
                listed = calloc(g.count + 1, sizeof(*listed));
                if (!listed)
                        snprintf(error, PKI_ERROR_MAX, "no memory");
        }
        for (size_t i = 0; listed && i < g.count; i++) {
                listed[i] = g.found[i].listed;
                listed[i].revoked = g.found[i].certificate && is_revoked(&g, g.found[i].certificate);
        }
        if (listed) {
                qsort(listed, g.count, sizeof(*listed), compare);
                *ret_count = g.count;
        }
        for (size_t i = 0; i < g.count; i++) {
                X509_free(g.found[i].certificate);
                X509_CRL_free(g.found[i].list);
        }
        free(g.found);
        return listed;
}
