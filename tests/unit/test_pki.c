/*
 * Protects lib/security/pki.c: what the certificates say, who may read the files, and that nothing is ever replaced
 * or written under a name that leads elsewhere.
 */
#include "lib/security/pki.h"
#include "tests/suite.h"
#include "tests/unit/folder.h"

#include <check.h>
#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[64], error[PKI_ERROR_MAX];

static void folder_setup(void)
{
        strcpy(folder, "/tmp/test_pki.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        *error = '\0';
}

static void folder_teardown(void)
{
        folder_remove(folder);
}

static const char *in_folder(const char *name)
{
        static char path[4][512];
        static int turn;
        turn = (turn + 1) % 4;
        snprintf(path[turn], sizeof(path[0]), "%s/%s", folder, name);
        return path[turn];
}

static X509 *certificate_load(const char *name)
{
        FILE *file = fopen(in_folder(name), "r");
        ck_assert_msg(file != NULL, "%s", name);
        X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        ck_assert_ptr_nonnull(certificate);
        return certificate;
}

static unsigned mode_of(const char *name)
{
        struct stat status;
        ck_assert_int_eq(stat(in_folder(name), &status), 0);
        return (unsigned)status.st_mode & 07777;
}

static int files_count(void)
{
        int count = 0;
        DIR *dir = opendir(folder);
        for (struct dirent *entry; (entry = readdir(dir));)
                count += entry->d_name[0] != '.';
        closedir(dir);
        return count;
}

static struct pki_authority *authority_make(void)
{
        ck_assert_msg(pki_init(folder, "Laboratory of tests", 30, error), "%s", error);
        struct pki_authority *authority = pki_open(folder, error);
        ck_assert_msg(authority != NULL, "%s", error);
        return authority;
}

/* The time is real time, and the start an hour back. */
static void validity_check(X509 *certificate, int days)
{
        time_t now = time(NULL), end = now + (time_t)days * 86400, begin = now - 3600;
        ck_assert_int_eq(ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), now - 3500), -1);
        time_t early = begin - 60, late = end + 60;
        ck_assert_int_eq(X509_cmp_time(X509_get0_notBefore(certificate), &early), 1);
        ck_assert_int_eq(X509_cmp_time(X509_get0_notAfter(certificate), &late), -1);
        late = end - 60;
        ck_assert_int_eq(X509_cmp_time(X509_get0_notAfter(certificate), &late), 1);
}

START_TEST(the_authority_may_sign_certificates_and_nothing_else)
{
        pki_close(authority_make());
        X509 *ca = certificate_load("ca.crt");
        char name[65];
        ck_assert_int_eq(X509_get_version(ca), X509_VERSION_3);
        ck_assert_int_eq(X509_check_ca(ca), 1);
        ck_assert_uint_eq(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
        ck_assert_int_eq(X509_get_pathlen(ca), 0);
        ck_assert_ptr_nonnull(X509_get0_subject_key_id(ca));
        ck_assert_ptr_nonnull(X509_get0_authority_key_id(ca));
        ck_assert_int_eq(X509_self_signed(ca, 1), 1);
        ck_assert_int_eq(X509_get_signature_nid(ca), NID_ecdsa_with_SHA256);
        X509_NAME_get_text_by_NID(X509_get_subject_name(ca), NID_commonName, name, sizeof(name));
        ck_assert_str_eq(name, "Laboratory of tests");
        validity_check(ca, 30);
        X509_free(ca);
        ck_assert_uint_eq(mode_of("ca.key"), 0600);
        ck_assert_uint_eq(mode_of("ca.crt"), 0644);
        ck_assert_int_eq(files_count(), 2);
}
END_TEST

START_TEST(an_authority_is_never_replaced)
{
        static const char *const survivors[] = {"ca.crt", "ca.key"};
        char wanted[128];
        pki_close(authority_make());
        for (int i = 0; i < 2; i++) {
                /* either file alone keeps the place taken; the certificate is looked for first */
                ck_assert(!pki_init(folder, "another", 30, error));
                snprintf(wanted, sizeof(wanted), "%s/%s is there already", folder, survivors[i]);
                ck_assert_msg(strncmp(error, wanted, strlen(wanted)) == 0, "%s", error);
                unlink(in_folder(survivors[i]));
        }
        ck_assert_msg(pki_init(folder, "another", 30, error), "%s", error);
}
END_TEST

static const struct leaf {
        const char *name;
        enum pki_use use;
        const char *san;
        int days;
        unsigned uses;
} leaves[] = {
    {"T0000001", PKI_CLIENT, NULL, 20, XKU_SSL_CLIENT},
    {"atmd", PKI_SERVER, "IP:127.0.0.1,DNS:localhost,IP:::1", 29, XKU_SSL_SERVER},
    {"db1", PKI_PEER, "IP:127.0.0.1,DNS:localhost,IP:::1", 29, XKU_SSL_SERVER | XKU_SSL_CLIENT},
};

START_TEST(a_certificate_says_what_it_is_for)
{
        const struct leaf *leaf = &leaves[_i];
        char crt[80], key_name[80], name[65];
        struct pki_authority *authority = authority_make();
        bool issued = pki_issue(authority, leaf->name, leaf->use, leaf->san, leaf->days, folder, error);
        ck_assert_msg(issued, "%s", error);
        pki_close(authority);
        snprintf(crt, sizeof(crt), "%s.crt", leaf->name);
        snprintf(key_name, sizeof(key_name), "%s.key", leaf->name);
        X509 *ca = certificate_load("ca.crt"), *certificate = certificate_load(crt);

        ck_assert_int_eq(X509_check_issued(ca, certificate), X509_V_OK);
        ck_assert_int_eq(X509_verify(certificate, X509_get0_pubkey(ca)), 1);
        ck_assert_int_eq(X509_get_version(certificate), X509_VERSION_3);
        ck_assert_int_eq(X509_check_ca(certificate), 0);
        ck_assert_uint_eq(X509_get_extension_flags(certificate) & (EXFLAG_CA | EXFLAG_BCONS), EXFLAG_BCONS);
        ck_assert_uint_eq(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
        ck_assert_uint_eq(X509_get_extended_key_usage(certificate), leaf->uses);
        ck_assert_int_eq(
            ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(certificate), X509_get0_subject_key_id(ca)), 0);
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
        ck_assert_str_eq(name, leaf->name);
        validity_check(certificate, leaf->days);
        ck_assert_int_eq(X509_check_ip_asc(certificate, "127.0.0.1", 0), leaf->san ? 1 : 0);
        ck_assert_int_eq(X509_check_ip_asc(certificate, "::1", 0), leaf->san ? 1 : 0);
        ck_assert_int_eq(X509_check_host(certificate, "localhost", 0, 0, NULL), leaf->san ? 1 : 0);
        ck_assert_int_eq(X509_check_ip_asc(certificate, "127.0.0.2", 0), 0);

        FILE *file = fopen(in_folder(key_name), "r");
        EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        ck_assert_int_eq(X509_check_private_key(certificate, key), 1);
        ck_assert_int_eq(EVP_PKEY_get_bits(key), 256);
        EVP_PKEY_free(key);
        X509_free(certificate);
        X509_free(ca);
        ck_assert_uint_eq(mode_of(key_name), 0600);
        ck_assert_uint_eq(mode_of(crt), 0644);
        ck_assert_int_eq(files_count(), 4);
}
END_TEST

START_TEST(serial_numbers_and_keys_are_new_each_time)
{
        enum { COUNT = 8 };
        X509 *certificate[COUNT];
        struct pki_authority *authority = authority_make();
        for (int i = 0; i < COUNT; i++) {
                ck_assert_msg(pki_issue(authority, "T0000001", PKI_CLIENT, NULL, 10, folder, error), "%s",
                              error);
                certificate[i] = certificate_load("T0000001.crt");
                const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate[i]);
                BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
                ck_assert(!BN_is_negative(number) && BN_num_bits(number) <= 128 && BN_num_bits(number) > 64);
                BN_free(number);
                for (int j = 0; j < i; j++) {
                        ck_assert_int_ne(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate[j])), 0);
                        ck_assert_int_ne(
                            EVP_PKEY_eq(X509_get0_pubkey(certificate[i]), X509_get0_pubkey(certificate[j])),
                            1);
                }
        }
        for (int i = 0; i < COUNT; i++)
                X509_free(certificate[i]);
        pki_close(authority);
}
END_TEST

START_TEST(no_certificate_outlives_its_authority)
{
        struct pki_authority *authority = authority_make();
        ck_assert_msg(pki_issue(authority, "T0000001", PKI_CLIENT, NULL, 3650, folder, error), "%s", error);
        pki_close(authority);
        X509 *ca = certificate_load("ca.crt"), *certificate = certificate_load("T0000001.crt");
        ck_assert_int_eq(ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(ca)), 0);
        X509_free(certificate);
        X509_free(ca);
}
END_TEST

START_TEST(negative_days_make_a_certificate_that_has_expired)
{
        struct pki_authority *authority = authority_make();
        ck_assert_msg(pki_issue(authority, "T0000001", PKI_CLIENT, NULL, -3, folder, error), "%s", error);
        pki_close(authority);
        X509 *certificate = certificate_load("T0000001.crt");
        ck_assert_int_eq(X509_cmp_current_time(X509_get0_notAfter(certificate)), -1);
        ck_assert_int_eq(ASN1_TIME_compare(X509_get0_notBefore(certificate), X509_get0_notAfter(certificate)),
                         -1);
        X509_free(certificate);
}
END_TEST

static const struct refusal {
        const char *name, *san;
        int days;
        const char *says;
} refusals[] = {
    {"", NULL, 1, "common name ''"},
    {"../T0000001", NULL, 1, "common name '../T0000001'"},
    {"a/b", NULL, 1, "common name 'a/b'"},
    {".hidden", NULL, 1, "no leading dot"},
    {"T 000001", NULL, 1, "common name 'T 000001'"},
    {"ca", NULL, 1, "not 'ca'"},
    {"12345678901234567890123456789012345678901234567890123456789012345", NULL, 1, "1 to 64"},
    {"atmd", "localhost", 1, "alternative name 'localhost': expected IP:ADDRESS or DNS:NAME"},
    {"atmd", "IP:localhost", 1, "alternative name 'IP:localhost'"},
    {"atmd", "IP:127.0.0.1,", 1, "alternative name ''"},
    {"atmd", "IP:127.0.0.1,DNS:", 1, "alternative name 'DNS:'"},
    {"atmd", "IP:256.0.0.1", 1, "alternative name 'IP:256.0.0.1'"},
    {"atmd", "IP:999.1.1.1", 1, "alternative name 'IP:999.1.1.1'"},
    {"atmd", "DNS:a b", 1, "alternative name 'DNS:a b'"},
    {"atmd", "DNS:a..b", 1, "alternative name 'DNS:a..b'"},
    {"atmd", "DNS:-a", 1, "alternative name 'DNS:-a'"},
    {"atmd", "DNS:a.", 1, "alternative name 'DNS:a.'"},
    {"atmd", "DNS:*", 1, "alternative name 'DNS:*'"},
    {"atmd", "DNS:\xe3\x82\xa2", 1, "alternative name 'DNS:"},
    {"atmd", "", 1, "alternative name ''"},
    {"atmd", "email:a@b", 1, "alternative name 'email:a@b'"},
    {"atmd", "dirName:x", 1, "alternative name 'dirName:x'"},
    {"atmd", NULL, 0, "0 days: expected 1 to 36500"},
    {"atmd", NULL, 36501, "36501 days"},
    {"atmd", NULL, -36501, "-36501 days"},
};

START_TEST(what_can_not_be_issued_is_refused_and_leaves_no_file)
{
        const struct refusal *refusal = &refusals[_i];
        struct pki_authority *authority = authority_make();
        bool issued =
            pki_issue(authority, refusal->name, PKI_SERVER, refusal->san, refusal->days, folder, error);
        ck_assert_msg(!issued, "%s", refusal->says);
        ck_assert_msg(strstr(error, refusal->says), "wanted \"%s\", got \"%s\"", refusal->says, error);
        pki_close(authority);
        ck_assert_int_eq(files_count(), 2);
}
END_TEST

START_TEST(an_authority_that_can_not_be_used_is_refused)
{
        ck_assert_ptr_null(pki_open(folder, error));
        ck_assert_msg(strstr(error, "ca.crt: no certificate of an authority"), "%s", error);

        struct pki_authority *authority = authority_make();
        ck_assert_int_eq(chmod(in_folder("ca.key"), 0640), 0);
        ck_assert_ptr_null(pki_open(folder, error));
        ck_assert_msg(strstr(error, "ca.key: mode 0640"), "%s", error);

        /* another key, then a certificate that is no authority's */
        ck_assert(pki_issue(authority, "T1", PKI_CLIENT, NULL, 1, folder, error));
        ck_assert_int_eq(rename(in_folder("T1.key"), in_folder("ca.key")), 0);
        ck_assert_ptr_null(pki_open(folder, error));
        ck_assert_msg(strstr(error, "ca.key: the key does not fit ca.crt"), "%s", error);
        ck_assert_int_eq(rename(in_folder("T1.crt"), in_folder("ca.crt")), 0);
        ck_assert_ptr_null(pki_open(folder, error));
        ck_assert_msg(strstr(error, "ca.crt: not an authority's certificate"), "%s", error);
        unlink(in_folder("ca.key"));
        pki_close(authority);
        pki_close(NULL);
}
END_TEST

START_TEST(a_failed_write_leaves_nothing_behind)
{
        struct pki_authority *authority = authority_make();
        ck_assert_int_eq(mkdir(in_folder("T1.crt"), 0700), 0); /* a folder is in the certificate's way */
        ck_assert(!pki_issue(authority, "T1", PKI_CLIENT, NULL, 1, folder, error));
        ck_assert_msg(strstr(error, "T1.crt: can't rename to it"), "%s", error);
        ck_assert_int_eq(files_count(), 4); /* ca.crt, ca.key, T1.key and the folder */
        ck_assert_int_eq(rmdir(in_folder("T1.crt")), 0);
        ck_assert(!pki_issue(authority, "T1", PKI_CLIENT, NULL, 1, in_folder("ca.crt"), error));
        ck_assert_msg(strstr(error, "ca.crt: not a folder"), "%s", error);
        pki_close(authority);
}
END_TEST

START_TEST(an_authority_needs_a_name_and_days)
{
        ck_assert(!pki_init(folder, "", 1, error));
        ck_assert_msg(strstr(error, "1 to 64 characters"), "%s", error);
        ck_assert(!pki_init(folder, "a", 0, error));
        ck_assert_msg(strstr(error, "0 days"), "%s", error);
        ck_assert(!pki_init(folder, "a", -1, error));
        ck_assert_msg(strstr(error, "-1 days"), "%s", error);
        ck_assert_int_eq(files_count(), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pki");
        TCase *tests = tcase_create("pki");
        tcase_add_checked_fixture(tests, folder_setup, folder_teardown);
        tcase_add_test(tests, the_authority_may_sign_certificates_and_nothing_else);
        tcase_add_test(tests, an_authority_is_never_replaced);
        tcase_add_loop_test(tests, a_certificate_says_what_it_is_for, 0,
                            (int)(sizeof(leaves) / sizeof(leaves[0])));
        tcase_add_test(tests, serial_numbers_and_keys_are_new_each_time);
        tcase_add_test(tests, no_certificate_outlives_its_authority);
        tcase_add_test(tests, negative_days_make_a_certificate_that_has_expired);
        tcase_add_loop_test(tests, what_can_not_be_issued_is_refused_and_leaves_no_file, 0,
                            (int)(sizeof(refusals) / sizeof(refusals[0])));
        tcase_add_test(tests, an_authority_that_can_not_be_used_is_refused);
        tcase_add_test(tests, a_failed_write_leaves_nothing_behind);
        tcase_add_test(tests, an_authority_needs_a_name_and_days);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
