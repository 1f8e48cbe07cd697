/*
 * Protects lib/security/tls.c: who gets a connection and who does not, in memory, without a socket; and that files
 * which can't serve are refused at the start, with their names.
 */
#include "lib/security/tls.h"

#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/security/pki.h"
#include "tests/suite.h"
#include "tests/unit/folder.h"

/* Two authorities with the same names, each with a server, a terminal, and one of each that has expired. */
static char ours[64], foreign[64];

static void authority_fill(char *folder)
{
        char error[PKI_ERROR_MAX];
        strcpy(folder, "/tmp/test_tls.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_msg(pki_init(folder, "Laboratory of tests", 30, error), "%s", error);
        struct pki_authority *authority = pki_open(folder, error);
        ck_assert_msg(authority != NULL, "%s", error);
        ck_assert(pki_issue(authority, "atmd", PKI_SERVER, "IP:127.0.0.1,DNS:localhost", 10, folder, error));
        ck_assert(pki_issue(authority, "T0000001", PKI_CLIENT, NULL, 10, folder, error));
        ck_assert(pki_issue(authority, "T0000002", PKI_CLIENT, NULL, -1, folder, error));
        ck_assert(pki_issue(authority, "late", PKI_SERVER, "IP:127.0.0.1", -1, folder, error));
        pki_close(authority);
}

static void files_setup(void)
{
        authority_fill(ours);
        authority_fill(foreign);
}

static void files_teardown(void)
{
        folder_remove(ours);
        folder_remove(foreign);
}

static const char *in(const char *folder, const char *name, const char *suffix)
{
        static char path[8][256];
        static int turn;
        turn = (turn + 1) % 8;
        snprintf(path[turn], sizeof(path[0]), "%s/%s%s", folder, name, suffix);
        return path[turn];
}

static SSL_CTX *server_make(const char *folder, const char *minimum)
{
        char error[TLS_ERROR_MAX] = "";
        SSL_CTX *ctx = tls_server_context(in(folder, "ca", ".crt"), in(folder, "atmd", ".crt"),
                                          in(folder, "atmd", ".key"), minimum, error);
        ck_assert_msg(ctx != NULL, "%s", error);
        return ctx;
}

static SSL_CTX *client_make(const char *ca_folder, const char *folder, const char *name)
{
        char error[TLS_ERROR_MAX] = "";
        SSL_CTX *ctx = tls_client_context(in(ca_folder, "ca", ".crt"), in(folder, name, ".crt"),
                                          in(folder, name, ".key"), error);
        ck_assert_msg(ctx != NULL, "%s", error);
        return ctx;
}

/* A client with nothing to show, or of another version: no context of ours makes one. */
static SSL_CTX *stranger_make(int version)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        ck_assert_int_eq(SSL_CTX_set_max_proto_version(ctx, version), 1);
        ck_assert_int_eq(SSL_CTX_load_verify_file(ctx, in(ours, "ca", ".crt")), 1);
        return ctx;
}

struct link {
        SSL *server, *client;
        bool server_done, client_done;
        char server_reason[256], client_reason[256]; /* why it failed, "" where it did not */
};

static void link_open(struct link *link, SSL_CTX *server, SSL_CTX *client)
{
        BIO *server_bio, *client_bio;
        memset(link, 0, sizeof(*link));
        ck_assert_int_eq(BIO_new_bio_pair(&server_bio, 0, &client_bio, 0), 1);
        link->server = SSL_new(server);
        link->client = SSL_new(client);
        SSL_set_bio(link->server, server_bio, server_bio);
        SSL_set_bio(link->client, client_bio, client_bio);
        SSL_set_accept_state(link->server);
        SSL_set_connect_state(link->client);
}

static void link_close(struct link *link)
{
        SSL_free(link->server);
        SSL_free(link->client);
}

static void side_step(SSL *ssl, bool *done, char reason[256])
{
        char byte;
        if (*reason)
                return;
        errno = 0;
        int result = *done ? SSL_read(ssl, &byte, 1) : SSL_do_handshake(ssl);
        if (result == 1) {
                *done = true;
                return;
        }
        int kind = SSL_get_error(ssl, result);
        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
                tls_reason(ssl, result, reason, 256);
}

/* Both sides take turns until neither has more to say. In TLS 1.3 a client is done before the server has
 * seen its certificate, so it goes on reading to hear the refusal. */
static void link_shake(struct link *link)
{
        for (int i = 0; i < 12; i++) {
                side_step(link->client, &link->client_done, link->client_reason);
                side_step(link->server, &link->server_done, link->server_reason);
        }
}

START_TEST(a_terminal_with_our_certificate_gets_a_connection)
{
        char name[16], text[8] = "";
        struct link link;
        SSL_CTX *server = server_make(ours, "1.3"), *client = client_make(ours, ours, "T0000001");
        link_open(&link, server, client);
        ck_assert_int_eq(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link.client), "127.0.0.1"), 1);
        link_shake(&link);
        ck_assert_msg(link.server_done && link.client_done, "%s / %s", link.server_reason,
                      link.client_reason);
        ck_assert_int_eq(SSL_version(link.server), TLS1_3_VERSION);
        ck_assert(tls_peer_name(link.server, name, sizeof(name)));
        ck_assert_str_eq(name, "T0000001");
        ck_assert(tls_peer_name(link.client, name, sizeof(name)));
        ck_assert_str_eq(name, "atmd");
        ck_assert_int_eq(SSL_session_reused(link.server), 0);
        /* bytes both ways */
        ck_assert_int_eq(SSL_write(link.client, "0800", 4), 4);
        ck_assert_int_eq(SSL_read(link.server, text, 8), 4);
        ck_assert_str_eq(text, "0800");
        ck_assert_int_eq(SSL_write(link.server, "0810", 4), 4);
        ck_assert_int_eq(SSL_read(link.client, text, 8), 4);
        ck_assert_str_eq(text, "0810");
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

START_TEST(a_name_that_does_not_fit_its_buffer_is_no_name)
{
        char name[16] = "untouched";
        struct link link;
        SSL_CTX *server = server_make(ours, "1.3"), *client = client_make(ours, ours, "T0000001");
        link_open(&link, server, client);
        ck_assert(!tls_peer_name(link.server, name, sizeof(name))); /* before the handshake */
        link_shake(&link);
        ck_assert(link.server_done);
        ck_assert(!tls_peer_name(link.server, name, 8));
        ck_assert_str_eq(name, "untouched");
        ck_assert(tls_peer_name(link.server, name, 9));
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

/* Subjects that our authority signed, and that are no terminal's name all the same. */
static const struct subject {
        const char *name, *common_names[2];
        int type, length;
} subjects[] = {
    {"two common names", {"T0000001", "T0000009"}, MBSTRING_ASC, -1},
    {"a zero byte within", {"T0000001\0x"}, V_ASN1_UTF8STRING, 10},
    {"letters beyond ASCII", {"T000000\xc3\xa9"}, MBSTRING_UTF8, -1},
    {"two bytes a letter",
     {"\0T\0"
      "1"},
     V_ASN1_BMPSTRING,
     4},
    {"no common name", {NULL}, 0, 0},
};

/* The terminal's certificate with another subject, signed anew; the key stays the terminal's. */
static void subject_write(const struct subject *subject, const char *path)
{
        FILE *from = fopen(in(ours, "T0000001", ".crt"), "r"), *key_file = fopen(in(ours, "ca", ".key"), "r");
        X509 *old = PEM_read_X509(from, NULL, NULL, NULL);
        EVP_PKEY *authority = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
        X509_NAME *name = X509_NAME_new();
        fclose(from);
        fclose(key_file);
        X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_ASC, (const unsigned char *)"ATM", -1,
                                   -1, 0);
        for (int i = 0; i < 2 && subject->common_names[i]; i++)
                ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_commonName, subject->type,
                                                            (const unsigned char *)subject->common_names[i],
                                                            subject->length, -1, 0),
                                 1);
        ck_assert_int_eq(X509_set_subject_name(old, name), 1);
        ck_assert_int_gt(X509_sign(old, authority, EVP_sha256()), 0);
        FILE *to = fopen(path, "w");
        ck_assert_int_eq(PEM_write_X509(to, old), 1);
        fclose(to);
        X509_NAME_free(name);
        EVP_PKEY_free(authority);
        X509_free(old);
}

START_TEST(a_subject_that_is_not_one_plain_name_is_no_name)
{
        char name[16] = "untouched";
        struct link link;
        subject_write(&subjects[_i], in(ours, "T0000001", ".crt"));
        SSL_CTX *server = server_make(ours, "1.3"), *client = client_make(ours, ours, "T0000001");
        link_open(&link, server, client);
        link_shake(&link);
        ck_assert_msg(link.server_done, "%s: %s", subjects[_i].name, link.server_reason);
        ck_assert_msg(!tls_peer_name(link.server, name, sizeof(name)), "%s: is '%s'", subjects[_i].name,
                      name);
        ck_assert_str_eq(name, "untouched");
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

START_TEST(nothing_is_resumed_and_nothing_renegotiated)
{
        struct link link;
        SSL_CTX *server = server_make(ours, "1.3"), *client = client_make(ours, ours, "T0000001");
        SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
        link_open(&link, server, client);
        link_shake(&link);
        ck_assert(link.server_done && link.client_done);
        ck_assert_int_eq(SSL_SESSION_is_resumable(SSL_get0_session(link.client)), 0); /* no ticket came */
        ck_assert_int_eq(SSL_renegotiate(link.client), 0);
        ERR_clear_error();
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

/* A context of OpenSSL's, which shows what none of ours would. */
static SSL_CTX *plain_make(const SSL_METHOD *method, const char *certificate, const char *key)
{
        SSL_CTX *ctx = SSL_CTX_new(method);
        ck_assert_int_eq(SSL_CTX_load_verify_file(ctx, in(ours, "ca", ".crt")), 1);
        ck_assert_int_eq(SSL_CTX_use_certificate_file(ctx, in(ours, certificate, ".crt"), SSL_FILETYPE_PEM),
                         1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ctx, in(ours, key, ".key"), SSL_FILETYPE_PEM), 1);
        return ctx;
}

/* Which client stands before which server, and what each of them says. NULL: that side is content. */
static const struct refusal {
        const char *name, *client_folder, *client_ca, *client_name, *host, *server_says, *client_says;
} refusals[] = {
    {"a foreign authority's terminal", foreign, ours, "T0000001", NULL,
     "certificate refused: unable to get local issuer certificate", "tlsv1 alert unknown ca"},
    {"an expired certificate", ours, ours, "T0000002", NULL, "certificate refused: certificate has expired",
     "sslv3 alert certificate expired"},
    {"a server's certificate used as a terminal's", ours, ours, "atmd", NULL,
     "certificate refused: unsuitable certificate purpose", "sslv3 alert unsupported certificate"},
    {"a server of a foreign authority", ours, foreign, "T0000001", NULL, "tlsv1 alert unknown ca",
     "certificate refused: unable to get local issuer certificate"},
    {"a server of another address", ours, ours, "T0000001", "127.0.0.2", "sslv3 alert bad certificate",
     "certificate refused: IP address mismatch"},
};

START_TEST(whoever_can_not_prove_who_he_is_gets_no_connection)
{
        const struct refusal *refusal = &refusals[_i];
        struct link link;
        char name[16];
        SSL_CTX *server = server_make(ours, "1.3");
        bool shows_other = !strcmp(refusal->client_name, "atmd"); /* which no client of ours would */
        SSL_CTX *client = shows_other
                              ? plain_make(TLS_client_method(), "atmd", "atmd")
                              : client_make(refusal->client_ca, refusal->client_folder, refusal->client_name);
        link_open(&link, server, client);
        if (refusal->host)
                ck_assert_int_eq(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link.client), refusal->host),
                                 1);
        link_shake(&link);
        ck_assert_msg(!link.server_done, "%s: the server is content", refusal->name);
        ck_assert_msg(strcmp(link.server_reason, refusal->server_says) == 0, "%s: the server says \"%s\"",
                      refusal->name, link.server_reason);
        ck_assert_msg(strcmp(link.client_reason, refusal->client_says) == 0, "%s: the client says \"%s\"",
                      refusal->name, link.client_reason);
        ck_assert_msg(!tls_peer_name(link.server, name, sizeof(name)), "%s: has the name %s", refusal->name,
                      name);
        ck_assert_uint_eq(ERR_peek_error(), 0);
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

/* Whose certificate one of our authorities has signed is known by name also where he is refused; nobody else is. */
static const struct {
        bool is_ours;
        const char *name;
        bool is_revoked;
        const char *noted, *says;
} refused_rows[] = {
    {true, "T0000001", true, "T0000001", "certificate revoked"},
    {true, "T0000002", false, "T0000002", "certificate has expired"},
    {false, "T0000001", true, "", "certificate refused"},
    {false, "T0000002", false, "", "certificate refused"},
};

START_TEST(of_the_refused_only_ours_are_known_by_name)
{
        char error[PKI_ERROR_MAX] = "", noted[TLS_NAME_MAX] = "";
        const char *folder = refused_rows[_i].is_ours ? ours : foreign;
        SSL_CTX *server = server_make(ours, "1.3"),
                *client = client_make(ours, folder, refused_rows[_i].name);
        const char *const revoked[] = {in(ours, "T0000001", ".crt")};
        struct pki_authority *authority = pki_open(ours, error);
        struct link link;
        size_t count;
        ck_assert_msg(pki_revoke(authority, in(ours, "list", ".pem"), revoked, 1, 30, error), "%s", error);
        pki_close(authority);
        if (refused_rows[_i].is_revoked)
                ck_assert(tls_use_crl(server, in(ours, "list", ".pem"), &count, error));
        link_open(&link, server, client);
        ck_assert(tls_note_refused(link.server, noted));
        link_shake(&link);
        ck_assert(!link.server_done);
        ck_assert_msg(strstr(link.server_reason, refused_rows[_i].says), "%s", link.server_reason);
        ck_assert_str_eq(noted, refused_rows[_i].noted);
        link_close(&link);
        SSL_CTX_free(client);
        SSL_CTX_free(server);
}
END_TEST

/* Who reads it while he serves stands still meanwhile. */
START_TEST(a_list_that_would_take_long_to_read_is_refused)
{
        SSL_CTX *server = server_make(ours, "1.3");
        FILE *file = fopen(in(ours, "long", ".pem"), "w");
        char error[TLS_ERROR_MAX];
        size_t count;
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(ftruncate(fileno(file), TLS_CRL_BYTES + 1), 0);
        fclose(file);
        ck_assert(!tls_use_crl(server, in(ours, "long", ".pem"), &count, error));
        ck_assert_msg(strstr(error, "expected at most 1048576 bytes of lists"), "%s", error);
        ck_assert_int_eq(truncate(in(ours, "long", ".pem"), 0), 0);
        ck_assert_int_eq(chmod(in(ours, "long", ".pem"), 0646), 0);
        ck_assert(!tls_use_crl(server, in(ours, "long", ".pem"), &count, error));
        ck_assert_msg(strstr(error, "everybody may change it; expected mode 0644 or less"), "%s", error);
        SSL_CTX_free(server);
}
END_TEST

START_TEST(no_certificate_no_service)
{
        struct link link;
        char name[16];
        SSL_CTX *server = server_make(ours, "1.3"), *client = stranger_make(TLS1_3_VERSION);
        link_open(&link, server, client);
        link_shake(&link);
        ck_assert(!link.server_done);
        ck_assert_str_eq(link.server_reason, "peer did not return a certificate");
        ck_assert(!tls_peer_name(link.server, name, sizeof(name)));
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

START_TEST(tls_1_2_is_spoken_only_where_a_setting_allows_it)
{
        static const char *const minimum[] = {"1.3", "1.2"};
        for (int i = 0; i < 2; i++) {
                struct link link;
                SSL_CTX *server = server_make(ours, minimum[i]), *client = stranger_make(TLS1_2_VERSION);
                ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(client, in(ours, "T0000001", ".crt")), 1);
                ck_assert_int_eq(
                    SSL_CTX_use_PrivateKey_file(client, in(ours, "T0000001", ".key"), SSL_FILETYPE_PEM), 1);
                link_open(&link, server, client);
                link_shake(&link);
                ck_assert_msg(link.server_done == (i == 1), "%s: %s", minimum[i], link.server_reason);
                if (i == 0)
                        ck_assert_str_eq(link.server_reason, "unsupported protocol");
                else
                        ck_assert_int_eq(SSL_version(link.server), TLS1_2_VERSION);
                link_close(&link);
                SSL_CTX_free(server);
                SSL_CTX_free(client);
        }
}
END_TEST

START_TEST(garbage_instead_of_a_handshake_is_an_error_with_a_reason)
{
        char reason[256];
        SSL_CTX *server = server_make(ours, "1.3");
        SSL *ssl = SSL_new(server);
        BIO *in_bio = BIO_new_mem_buf("GET / HTTP/1.0\r\n\r\n", -1), *out_bio = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, in_bio, out_bio);
        SSL_set_accept_state(ssl);
        int result = SSL_do_handshake(ssl);
        ck_assert_int_eq(result, -1);
        tls_reason(ssl, result, reason, sizeof(reason));
        ck_assert_str_eq(reason, "http request");
        ck_assert_uint_eq(ERR_peek_error(), 0);
        SSL_free(ssl);
        SSL_CTX_free(server);
}
END_TEST

START_TEST(a_peer_that_hangs_up_is_named_as_such)
{
        for (int with_notify = 0; with_notify < 2; with_notify++) {
                char byte, reason[256];
                struct link link;
                SSL_CTX *server = server_make(ours, "1.3"), *client = client_make(ours, ours, "T0000001");
                link_open(&link, server, client);
                link_shake(&link);
                ck_assert(link.server_done);
                if (with_notify)
                        SSL_shutdown(link.client);
                else
                        BIO_shutdown_wr(SSL_get_wbio(link.client));
                int result = SSL_read(link.server, &byte, 1);
                ck_assert_int_le(result, 0);
                tls_reason(link.server, result, reason, sizeof(reason));
                ck_assert_str_eq(reason, "closed by the peer");
                link_close(&link);
                SSL_CTX_free(server);
                SSL_CTX_free(client);
        }
}
END_TEST

static void file_put(const char *path, const char *text)
{
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
        ck_assert_int_eq(chmod(path, 0600), 0);
}

static const struct bad_file {
        const char *name, *ca, *certificate, *key, *names_file, *says;
} bad_files[] = {
    {"no authority's file", "none", "atmd", "atmd", "none.crt", "no certificate of an authority"},
    {"an authority's file without a certificate", "junk", "atmd", "atmd", "junk.crt",
     "no certificate of an authority"},
    {"no certificate file", "ca", "none", "atmd", "none.crt", "No such file or directory"},
    {"a certificate file without one", "ca", "junk", "atmd", "junk.crt",
     "no certificate; expected one in PEM"},
    {"no key file", "ca", "atmd", "none", "none.key", "No such file or directory; expected a private key"},
    {"a key file without one", "ca", "atmd", "junk", "junk.key", "no private key to use"},
    {"an encrypted key", "ca", "atmd", "locked", "locked.key", "expected one in PEM, unencrypted"},
    {"another certificate's key", "ca", "atmd", "T0000001", "T0000001.key",
     "the key does not fit the certificate"},
    {"a key for everybody", "ca", "atmd", "open", "open.key", "mode 0604 lets others at the key"},
    {"a key that a group may change", "ca", "atmd", "group", "group.key", "mode 0660 lets others at the key"},
    {"a server's certificate without a use", "ca", "useless", "atmd", "useless.crt", "not for a server"},
    {"an authority's file that everybody may change", "everybodys", "atmd", "atmd", "everybodys.crt",
     "everybody may change it; expected mode 0644 or less"},
    {"a folder for a key", "ca", "atmd", "folder", "folder.key", "not a file"},
    {"a FIFO for an authority", "fifo", "atmd", "atmd", "fifo.crt", "not a file"},
    {"a FIFO for a certificate", "ca", "fifo", "atmd", "fifo.crt", "not a file"},
    {"a FIFO for a key", "ca", "atmd", "fifo", "fifo.key", "not a file"},
    {"a terminal's certificate for a server", "ca", "T0000001", "T0000001", "T0000001.crt",
     "not for a server"},
    {"a server's certificate that has expired", "ca", "late", "late", "late.crt", "has expired"},
};

/* The certificate of that name without its uses, signed anew; the key stays. */
static void use_remove(const char *name, const char *to_name)
{
        FILE *from = fopen(in(ours, name, ".crt"), "r"), *key_file = fopen(in(ours, "ca", ".key"), "r");
        X509 *certificate = PEM_read_X509(from, NULL, NULL, NULL);
        EVP_PKEY *authority = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
        int at = X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1);
        fclose(from);
        fclose(key_file);
        ck_assert_int_ge(at, 0);
        X509_EXTENSION_free(X509_delete_ext(certificate, at));
        ck_assert_int_gt(X509_sign(certificate, authority, EVP_sha256()), 0);
        FILE *to = fopen(in(ours, to_name, ".crt"), "w");
        ck_assert_int_eq(PEM_write_X509(to, certificate), 1);
        fclose(to);
        EVP_PKEY_free(authority);
        X509_free(certificate);
}

static void bad_files_make(void)
{
        file_put(in(ours, "junk", ".crt"), "hello\n");
        file_put(in(ours, "junk", ".key"), "hello\n");
        FILE *from = fopen(in(ours, "atmd", ".key"), "r");
        EVP_PKEY *key = PEM_read_PrivateKey(from, NULL, NULL, NULL);
        fclose(from);
        FILE *locked = fopen(in(ours, "locked", ".key"), "w"),
             *open_file = fopen(in(ours, "open", ".key"), "w"),
             *group = fopen(in(ours, "group", ".key"), "w");
        ck_assert_int_eq(PEM_write_PKCS8PrivateKey(locked, key, EVP_aes_128_cbc(), "pass", 4, NULL, NULL), 1);
        ck_assert_int_eq(PEM_write_PKCS8PrivateKey(open_file, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(locked);
        fclose(open_file);
        fclose(group);
        ck_assert_int_eq(chmod(in(ours, "group", ".key"), 0660), 0);
        use_remove("atmd", "useless");
        EVP_PKEY_free(key);
        ck_assert_int_eq(chmod(in(ours, "locked", ".key"), 0600), 0);
        ck_assert_int_eq(chmod(in(ours, "open", ".key"), 0604), 0);
        file_put(in(ours, "everybodys", ".crt"), "hello\n");
        ck_assert_int_eq(chmod(in(ours, "everybodys", ".crt"), 0666), 0);
        ck_assert_int_eq(mkdir(in(ours, "folder", ".key"), 0700), 0);
        ck_assert_int_eq(mkfifo(in(ours, "fifo", ".crt"), 0600), 0);
        ck_assert_int_eq(mkfifo(in(ours, "fifo", ".key"), 0600), 0);
}

START_TEST(a_certificate_that_does_not_say_what_it_is_for_is_refused_on_both_sides)
{
        static const char wanted[] = "certificate refused: unsuitable certificate purpose";
        char error[TLS_ERROR_MAX] = "";
        struct link link;
        use_remove("T0000001", "useless");
        ck_assert_ptr_null(tls_client_context(in(ours, "ca", ".crt"), in(ours, "useless", ".crt"),
                                              in(ours, "T0000001", ".key"), error));
        ck_assert_msg(strstr(error, "not for a client; expected a certificate with the use clientAuth"), "%s",
                      error);

        SSL_CTX *server = server_make(ours, "1.3"),
                *client = plain_make(TLS_client_method(), "useless", "T0000001");
        link_open(&link, server, client);
        link_shake(&link);
        ck_assert(!link.server_done);
        ck_assert_str_eq(link.server_reason, wanted);
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);

        use_remove("atmd", "useless");
        server = plain_make(TLS_server_method(), "useless", "atmd");
        client = client_make(ours, ours, "T0000001");
        link_open(&link, server, client);
        link_shake(&link);
        ck_assert(!link.client_done);
        ck_assert_str_eq(link.client_reason, wanted);
        link_close(&link);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
}
END_TEST

START_TEST(files_that_can_not_serve_are_refused_by_name)
{
        const struct bad_file *bad = &bad_files[_i];
        char error[TLS_ERROR_MAX] = "", wanted[256];
        bad_files_make();
        SSL_CTX *ctx = tls_server_context(in(ours, bad->ca, ".crt"), in(ours, bad->certificate, ".crt"),
                                          in(ours, bad->key, ".key"), "1.3", error);
        ck_assert_int_eq(rmdir(in(ours, "folder", ".key")), 0);
        ck_assert_msg(ctx == NULL, "%s: accepted", bad->name);
        snprintf(wanted, sizeof(wanted), "%s/%s: ", ours, bad->names_file);
        ck_assert_msg(strncmp(error, wanted, strlen(wanted)) == 0, "%s: wanted \"%s\", got \"%s\"", bad->name,
                      wanted, error);
        ck_assert_msg(strstr(error, bad->says), "%s: wanted \"%s\", got \"%s\"", bad->name, bad->says, error);
        ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(every_context_wipes_what_it_has_decrypted_and_has_its_own_level)
{
        SSL_CTX *contexts[] = {server_make(ours, "1.3"), server_make(ours, "1.2"),
                               client_make(ours, ours, "T0000001")};
        for (size_t i = 0; i < sizeof(contexts) / sizeof(*contexts); i++) {
                ck_assert(SSL_CTX_get_options(contexts[i]) & SSL_OP_CLEANSE_PLAINTEXT);
                ck_assert_int_eq(SSL_CTX_get_security_level(contexts[i]), 2);
                SSL_CTX_free(contexts[i]);
        }
}
END_TEST

START_TEST(an_unknown_minimum_is_refused)
{
        char error[TLS_ERROR_MAX] = "";
        ck_assert_ptr_null(tls_server_context(in(ours, "ca", ".crt"), in(ours, "atmd", ".crt"),
                                              in(ours, "atmd", ".key"), "1.1", error));
        ck_assert_str_eq(error, "TLS minimum '1.1': expected 1.3 or 1.2");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("tls");
        TCase *tests = tcase_create("tls");
        tcase_add_checked_fixture(tests, files_setup, files_teardown);
        tcase_add_test(tests, a_terminal_with_our_certificate_gets_a_connection);
        tcase_add_test(tests, a_name_that_does_not_fit_its_buffer_is_no_name);
        tcase_add_loop_test(tests, a_subject_that_is_not_one_plain_name_is_no_name, 0,
                            (int)(sizeof(subjects) / sizeof(subjects[0])));
        tcase_add_test(tests, nothing_is_resumed_and_nothing_renegotiated);
        tcase_add_loop_test(tests, of_the_refused_only_ours_are_known_by_name, 0,
                            (int)(sizeof(refused_rows) / sizeof(refused_rows[0])));
        tcase_add_loop_test(tests, whoever_can_not_prove_who_he_is_gets_no_connection, 0,
                            (int)(sizeof(refusals) / sizeof(refusals[0])));
        tcase_add_test(tests, no_certificate_no_service);
        tcase_add_test(tests, a_list_that_would_take_long_to_read_is_refused);
        tcase_add_test(tests, tls_1_2_is_spoken_only_where_a_setting_allows_it);
        tcase_add_test(tests, garbage_instead_of_a_handshake_is_an_error_with_a_reason);
        tcase_add_test(tests, a_peer_that_hangs_up_is_named_as_such);
        tcase_add_test(tests, a_certificate_that_does_not_say_what_it_is_for_is_refused_on_both_sides);
        tcase_add_loop_test(tests, files_that_can_not_serve_are_refused_by_name, 0,
                            (int)(sizeof(bad_files) / sizeof(bad_files[0])));
        tcase_add_test(tests, every_context_wipes_what_it_has_decrypted_and_has_its_own_level);
        tcase_add_test(tests, an_unknown_minimum_is_refused);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
