/* Protects lib/db/conninfo.c and config/instance_label.c: who is only spoken with unheard, and the name of a connection. */
#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/instance_label.h"
#include "lib/db/conninfo.h"
#include "tests/suite.h"

START_TEST(a_label_has_room_for_the_longest_limits)
{
        static const struct settings longest = {.atm_wait_s = 3600,
                                                .atm_dispense_s = 86400,
                                                .correction_s = 86400},
                                     usual = {.atm_wait_s = 90, .atm_dispense_s = 510, .correction_s = 300};
        char label[INSTANCE_LABEL_MAX], name[100];

        instance_label_print("one", &usual, label);
        ck_assert_str_eq(label, "atmd one 90/510/300");
        memset(name, 'n', sizeof(name));
        name[sizeof(name) - 1] = '\0';
        instance_label_print(name, &longest, label);
        ck_assert_uint_le(strlen(label), 63);
        ck_assert_ptr_nonnull(strstr(label, " 3600/86400/86400"));
}
END_TEST

/* What libpq takes from the environment counts where the text says nothing. */
static const struct {
        const char *conninfo, *environment, *exposed; /* PGHOST; the host that is named, NULL: none is */
} privacies[] = {
    {"", NULL, NULL},
    {"dbname=atm", NULL, NULL},
    {"host=/run/postgresql", "db1", NULL},
    {"host=localhost", NULL, NULL},
    {"host=127.0.0.1 sslmode=disable", NULL, NULL},
    {"postgresql://[::1]/atm", NULL, NULL},
    {"dbname=atm", "db1", "db1"},
    {"dbname=atm sslmode=verify-full", "db1", NULL},
    {"host=db1", NULL, "db1"},
    {"host=db1 sslmode=require", NULL, "db1"},
    {"host=db1 sslmode=verify-ca", NULL, "db1"},
    {"host=db1 sslmode=verify-full", NULL, NULL},
    {"postgresql://db1,db2/atm?sslmode=verify-full", NULL, NULL},
    {"host=/run/postgresql,db2", NULL, "db2"},
    {"host=localhost hostaddr=192.0.2.1", NULL, "192.0.2.1"},
    {"host=db1,db2 hostaddr=127.0.0.1,", NULL, "db2"}, /* each by its own address, else by its name */
    {"host=db1,db2 hostaddr=,127.0.0.1", NULL, "db1"},
    {"host=db1,/run/postgresql hostaddr=127.0.0.1,", NULL, NULL},
    {"hostaddr=,192.0.2.1", NULL, "192.0.2.1"},
    {"host=127", NULL, "127"},
    {"host=127.0.0.1.example", NULL, "127.0.0.1.example"},
    {"host=127.0.0.1,127.0.0.2", NULL, NULL},
    {"host=localhost.example", NULL, "localhost.example"},
};

START_TEST(a_database_on_another_machine_must_prove_who_it_is)
{
        char error[CONNINFO_ERROR_MAX] = "", wanted[64];

        unsetenv("PGHOSTADDR");
        unsetenv("PGSSLMODE");
        unsetenv("PGSERVICE");
        unsetenv("PGHOST");
        if (privacies[_i].environment)
                setenv("PGHOST", privacies[_i].environment, true);
        ck_assert_msg(conninfo_is_private(privacies[_i].conninfo, error) == !privacies[_i].exposed, "%s: %s",
                      privacies[_i].conninfo, error);
        if (!privacies[_i].exposed)
                return;
        snprintf(wanted, sizeof(wanted), "%s is another machine, and sslmode is ", privacies[_i].exposed);
        ck_assert_msg(!strncmp(error, wanted, strlen(wanted)), "%s", error);
        ck_assert_ptr_nonnull(strstr(error, "expected 'sslmode=verify-full sslrootcert=FILE'"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("conninfo");
        TCase *tests = tcase_create("conninfo");

        tcase_add_test(tests, a_label_has_room_for_the_longest_limits);
        tcase_add_loop_test(tests, a_database_on_another_machine_must_prove_who_it_is, 0,
                            (int)(sizeof(privacies) / sizeof(*privacies)));
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
