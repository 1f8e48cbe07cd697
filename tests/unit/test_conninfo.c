/* Protects lib/db/conninfo.c and config/instance_label.c: a connection's name is another, and nothing else about it. */
#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "config/instance_label.h"
#include "lib/db/conninfo.h"
#include "tests/suite.h"

/* What libpq takes the text for; "" where it says nothing. */
static const char *value_of(const char *conninfo, const char *keyword)
{
        static char value[256];
        PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

        ck_assert_msg(options != NULL, "%s", conninfo);
        value[0] = '\0';
        for (PQconninfoOption *option = options; option->keyword; option++) {
                if (!strcmp(option->keyword, keyword) && option->val)
                        strcpy(value, option->val);
        }
        PQconninfoFree(options);
        return value;
}

START_TEST(only_the_name_is_another)
{
        static const char *const texts[] = {
            "host=h1,h2 port=5432,5433 dbname=atm user=atm_daemon",
            "host=/run/postgresql password='a \\'b\\\\ c' application_name=mine",
            "postgresql://atm_daemon:se%27cret@[::1]:5432/atm?application_name=mine&sslmode=verify-full",
            "",
        };
        static const char *const kept[] = {"host", "port", "dbname", "user", "password", "sslmode"};

        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
                char *named = conninfo_named(texts[i], "atmd it's \\ 1/2/3"), before[256];

                ck_assert_ptr_nonnull(named);
                ck_assert_str_eq(value_of(named, "application_name"), "atmd it's \\ 1/2/3");
                for (size_t k = 0; k < sizeof(kept) / sizeof(*kept); k++) {
                        strcpy(before, value_of(texts[i], kept[k]));
                        ck_assert_str_eq(value_of(named, kept[k]), before);
                }
                free(named);
        }
        ck_assert_ptr_null(conninfo_named("host", "name"));
}
END_TEST

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

int main(void)
{
        Suite *suite = suite_create("conninfo");
        TCase *tests = tcase_create("conninfo");

        tcase_add_test(tests, only_the_name_is_another);
        tcase_add_test(tests, a_label_has_room_for_the_longest_limits);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
