/* FNV-1a against its authors' own values, and that the parts of a hash can be fed one after the other. */
#include <check.h>
#include <string.h>

#include "lib/base/hash.h"
#include "tests/suite.h"

START_TEST(values_are_those_that_its_authors_published)
{
        ck_assert_uint_eq(hash_text(HASH_FIRST, ""), UINT64_C(0xcbf29ce484222325));
        ck_assert_uint_eq(hash_text(HASH_FIRST, "a"), UINT64_C(0xaf63dc4c8601ec8c));
        ck_assert_uint_eq(hash_text(HASH_FIRST, "foobar"), UINT64_C(0x85944171f73967e8));
        ck_assert_uint_eq(hash32_bytes("", 0), UINT32_C(0x811c9dc5));
        ck_assert_uint_eq(hash32_bytes("a", 1), UINT32_C(0xe40c292c));
        ck_assert_uint_eq(hash32_bytes("foobar", 6), UINT32_C(0xbf9cf968));
}
END_TEST

START_TEST(parts_make_the_hash_of_the_whole)
{
        ck_assert_uint_eq(hash_text(hash_text(HASH_FIRST, "foo"), "bar"), hash_text(HASH_FIRST, "foobar"));
        ck_assert_uint_eq(hash_bytes(HASH_FIRST, "foobar", 6), hash_text(HASH_FIRST, "foobar"));
}
END_TEST

START_TEST(a_number_is_its_bytes_from_the_lowest)
{
        ck_assert_uint_eq(hash_number(HASH_FIRST, 0x6f6f66, 3), hash_text(HASH_FIRST, "foo"));
        ck_assert_uint_eq(hash_number(HASH_FIRST, 0xffff66, 1), hash_text(HASH_FIRST, "f"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hash");
        TCase *tests = tcase_create("hash");

        tcase_add_test(tests, values_are_those_that_its_authors_published);
        tcase_add_test(tests, parts_make_the_hash_of_the_whole);
        tcase_add_test(tests, a_number_is_its_bytes_from_the_lowest);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
