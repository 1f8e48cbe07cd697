/*
 * Who may be connected now: what of certificate, authorities, revoked ones, moment and reference data refuses a terminal,
 * and when the verdict on a certificate is asked for again.
 */
#include <check.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/admission.h"
#include "tests/suite.h"
#include "tests/unit/pki_folder.h"

enum { DAY_S = 86400 };

static SSL_CTX *tls, *other_tls;
static struct reference *reference;
static int64_t now_s;

static void make_list(const char *authority, const char *crl, const char *name, int days)
{
        char error[PKI_ERROR_MAX] = "", path[128];
        snprintf(path, sizeof(path), "%s", name ? in_folder("%s.crt", name) : "");
        const char *const certificates[] = {path};
        struct pki_authority *pki = pki_open(in_folder("%s", authority), error);
        ck_assert_msg(pki != NULL, "%s", error);
        ck_assert_msg(pki_revoke(pki, in_folder("%s", crl), certificates, name != NULL, days, error), "%s",
                      error);
        pki_close(pki);
}

static void add_atm(const char *terminal, bool barred, bool enabled)
{
        char error[REFERENCE_ERROR_MAX];
        if (barred)
                ck_assert_msg(reference_add_barred_atm(reference, terminal, "H1", error), "%s", error);
        else
                ck_assert_msg(reference_add_atm(reference, terminal, "H1", enabled, error), "%s", error);
}

static void set_up(void)
{
        char error[TLS_ERROR_MAX];
        pki_folder_make();
        pki_folder_issue("ours", "atmd", PKI_SERVER, NULL, 9);
        pki_folder_issue("other", "atmd", PKI_SERVER, NULL, 9);
        for (int i = 1; i <= 4; i++) {
                char name[16];
                snprintf(name, sizeof(name), "T000000%d", i);
                pki_folder_issue("ours", name, PKI_CLIENT, NULL, 2);
        }
        pki_folder_issue("ours", "T0000009", PKI_CLIENT, NULL, -1);
        pki_folder_issue("other", "T0000001", PKI_CLIENT, NULL, 2);
        tls = pki_folder_server("ours/atmd");
        other_tls = tls_server_context(in_folder("other/ca.crt"), in_folder("other/atmd.crt"),
                                       in_folder("other/atmd.key"), "1.3", error);
        reference = reference_new();
        ck_assert(reference_add_hall(reference, &(struct hall){"H1", "kanto", "Tokyo", {0, 1440}, 0}, error));
        add_atm("T0000001", false, true);
        add_atm("T0000002", false, false);
        add_atm("T0000003", true, true);
        add_atm("T0000009", false, true);
        ck_assert_msg(reference_finish(reference, error), "%s", error);
        now_s = time(NULL);
}

static void tear_down(void)
{
        SSL_CTX_free(tls);
        SSL_CTX_free(other_tls);
        reference_free(reference);
        pki_folder_drop();
        strcpy(strrchr(pki_folder, '-'), "-XXXXXX");
}

static char why[256];

/* certificate: "ours/T0000001"; its name is the terminal. */
static bool ask(struct admission *admission, const struct admission_world *world, const char *certificate)
{
        FILE *file = fopen(in_folder("%s.crt", certificate), "r");
        ck_assert_ptr_nonnull(file);
        X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        *why = '\0';
        bool admitted =
            admission_ask(admission, world, strchr(certificate, '/') + 1, x509, NULL, why, sizeof(why));
        X509_free(x509);
        return admitted;
}

static struct admission_world world_now(void)
{
        return (struct admission_world){.reference = reference, .tls = tls, .trust = 1, .now_s = now_s};
}

static const struct {
        const char *certificate;
        int64_t later_s;
        const char *why; /* "": it may be connected */
} cases[] = {
    {"ours/T0000001", 0, ""},
    {"ours/T0000001", DAY_S, ""},
    {"ours/T0000001", 2 * DAY_S + 60, "certificate has expired"},
    {"ours/T0000001", -DAY_S, "certificate is not yet valid"},
    {"ours/T0000002", 0, ""}, /* disabled: it is told so, and its advices are taken */
    {"ours/T0000003", 0, "the terminal is barred"},
    {"ours/T0000004", 0, ""}, /* not in the fleet: it may say what it has dispensed */
    {"ours/T0000009", 0, "certificate has expired"},
    {"other/T0000001", 0, "unable to get local issuer certificate"},
    {"ours/atmd", 0, "unsuitable certificate purpose"},
};

START_TEST(a_peer_is_let_in_by_terminal_certificate_authority_and_moment)
{
        struct admission admission = {0};
        struct admission_world world = world_now();
        world.now_s += cases[_i].later_s;
        bool admitted = ask(&admission, &world, cases[_i].certificate);
        ck_assert_str_eq(why, cases[_i].why);
        ck_assert_int_eq(admitted, !*cases[_i].why);
}
END_TEST

START_TEST(without_reference_data_nobody_is_barred)
{
        struct admission admission = {0};
        struct admission_world world = world_now();
        world.reference = NULL;
        ck_assert(ask(&admission, &world, "ours/T0000003"));
}
END_TEST

START_TEST(a_verdict_stands_until_trust_changes_or_the_certificate_ends)
{
        struct admission admission = {0};
        struct admission_world world = world_now();
        ck_assert(admission_is_due(&admission, &world));
        ck_assert(ask(&admission, &world, "ours/T0000001"));
        ck_assert_int_gt(admission.until_s, now_s + 2 * DAY_S - 60);
        ck_assert_int_lt(admission.until_s, now_s + 2 * DAY_S + 60);
        ck_assert(!admission_is_due(&admission, &world));
        world.now_s = admission.until_s;
        ck_assert(admission_is_due(&admission, &world));
        ck_assert(!ask(&admission, &world, "ours/T0000001"));
        ck_assert_str_eq(why, "certificate has expired");
        /* its authority is believed no longer */
        world = world_now();
        world.tls = other_tls;
        world.trust = 2;
        ck_assert(admission_is_due(&admission, &world));
        ck_assert(!ask(&admission, &world, "ours/T0000001"));
        ck_assert_str_eq(why, "unable to get local issuer certificate");
}
END_TEST

static void use(SSL_CTX *ctx, const char *crl, size_t wanted)
{
        char error[TLS_ERROR_MAX] = "";
        size_t revoked = 0;
        ck_assert_msg(tls_use_crl(ctx, in_folder("%s", crl), &revoked, error), "%s", error);
        ck_assert_uint_eq(revoked, wanted);
}

START_TEST(a_revoked_certificate_is_refused_and_the_others_are_not)
{
        struct admission admission = {0}, another = {0};
        struct admission_world world = world_now();
        ck_assert(ask(&admission, &world, "ours/T0000001"));
        make_list("ours", "list", "ours/T0000001", 30);
        use(tls, "list", 1);
        world.trust++;
        ck_assert(!ask(&admission, &world, "ours/T0000001"));
        ck_assert_str_eq(why, "certificate revoked");
        ck_assert(ask(&another, &world, "ours/T0000002"));
        /* lists add up, and each new one takes the place of the former */
        make_list("ours", "list", "ours/T0000002", 30);
        make_list("ours", "list", "ours/T0000002", 30); /* once, however often it is revoked */
        use(tls, "list", 2);
        world.trust++;
        ck_assert(!ask(&another, &world, "ours/T0000002"));
        ck_assert(!ask(&admission, &world, "ours/T0000001"));
        make_list("ours", "empty", NULL, 30);
        use(tls, "empty", 0);
        world.trust++;
        ck_assert(ask(&admission, &world, "ours/T0000001"));
}
END_TEST

static const struct {
        const char *certificate, *says;
} not_revoked[] = {
    {"ours/ca.crt", "the authority's own"},
    {"other/T0000001.crt", "a certificate of another authority"},
    {"ours/T0000001.key", "no certificate of this authority"},
    {"ours/none.crt", "No such file"},
};

START_TEST(what_an_authority_can_not_revoke_is_refused_and_makes_no_list)
{
        char error[PKI_ERROR_MAX] = "", path[128];
        struct pki_authority *pki = pki_open(in_folder("ours"), error);
        ck_assert_msg(pki != NULL, "%s", error);
        snprintf(path, sizeof(path), "%s", in_folder("%s", not_revoked[_i].certificate));
        ck_assert(!pki_revoke(pki, in_folder("list"), (const char *const[]){path}, 1, 30, error));
        ck_assert_msg(strstr(error, not_revoked[_i].says) != NULL, "%s", error);
        ck_assert_int_ne(access(in_folder("list"), F_OK), 0);
        pki_close(pki);
}
END_TEST

START_TEST(a_list_that_is_overdue_holds_and_refuses_nobody_else)
{
        struct admission admission = {0};
        struct admission_world world = world_now();
        ck_assert(tls_crl_due(tls) == INT64_MAX);
        make_list("ours", "list", "ours/T0000001", -1);
        use(tls, "list", 1);
        ck_assert_int_lt(tls_crl_due(tls), now_s);
        ck_assert(!ask(&admission, &world, "ours/T0000001"));
        ck_assert_str_eq(why, "certificate revoked");
        ck_assert(ask(&admission, &world, "ours/T0000002"));
}
END_TEST

static const struct {
        const char *file, *says;
} bad_lists[] = {
    {"none", "No such file"},
    {"fifo", "not a file"},
    {"ours/T0000001.crt", "no list of revoked certificates"},
    {"foreign", "none of the authorities in 'ca' has signed"},
    {"cut", "no list of revoked certificates"},
};

START_TEST(a_list_that_can_not_be_taken_changes_nothing)
{
        char error[TLS_ERROR_MAX] = "";
        size_t revoked;
        struct admission admission = {0};
        struct admission_world world = world_now();
        make_list("ours", "good", "ours/T0000001", 30);
        use(tls, "good", 1);
        make_list("other", "foreign", NULL, 30);
        make_list("ours", "cut", "ours/T0000002", 30);
        ck_assert_int_eq(truncate(in_folder("cut"), 200), 0);
        ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
        ck_assert(!tls_use_crl(tls, in_folder("%s", bad_lists[_i].file), &revoked, error));
        ck_assert_msg(strstr(error, bad_lists[_i].says), "%s", error);
        ck_assert_msg(strstr(error, in_folder("%s", bad_lists[_i].file)), "%s", error);
        ck_assert(!ask(&admission, &world, "ours/T0000001"));
        ck_assert(ask(&admission, &world, "ours/T0000002"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("admission");
        TCase *tcase = tcase_create("admission");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, a_peer_is_let_in_by_terminal_certificate_authority_and_moment, 0,
                            (int)(sizeof(cases) / sizeof(cases[0])));
        tcase_add_test(tcase, without_reference_data_nobody_is_barred);
        tcase_add_test(tcase, a_verdict_stands_until_trust_changes_or_the_certificate_ends);
        tcase_add_test(tcase, a_revoked_certificate_is_refused_and_the_others_are_not);
        tcase_add_test(tcase, a_list_that_is_overdue_holds_and_refuses_nobody_else);
        tcase_add_loop_test(tcase, a_list_that_can_not_be_taken_changes_nothing, 0,
                            (int)(sizeof(bad_lists) / sizeof(bad_lists[0])));
        tcase_add_loop_test(tcase, what_an_authority_can_not_revoke_is_refused_and_makes_no_list, 0,
                            (int)(sizeof(not_revoked) / sizeof(not_revoked[0])));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
