/*
 * Protects keymodule/laboratory/key_store.c and keymodule/laboratory/lab_keys.c: what an ATM takes of the keys that come over the line, and that it has them again when the power comes back,
 * whenever it went.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backoffice/journals/terminals.h"
#include "keymodule/crypto/key_block.h"
#include "tests/suite.h"
#include "keymodule/laboratory/key_store.h"

#define KEK_TEXT "000102030405060708090a0b0c0d0e0f"

static const struct cipher_key kek = {CIPHER_AES, 16, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
                               other_kek = {CIPHER_AES, 16, "another one....."},
                               weak_kek = {CIPHER_TDES, 16, "0123456789abcdef"},
                               aes = {CIPHER_AES, 16, "a key of AES...."},
                               tdes = {CIPHER_TDES, 16, "a key of TDES..."};
static char folder[] = "/tmp/atm-key-store.XXXXXX", path[64], keks_path[64];
static struct terminals terminals;

static int64_t find(const void *context, const char *name)
{
        return terminals_find(context, name);
}

static const struct lab_owners owners = {"terminal", 2, find, &terminals};

/* A key as an answer brings it. */
static struct lab_block wrapped(const struct cipher_key *under, const char *usage, char mode,
                                const struct cipher_key *key, char text[KEY_BLOCK_TEXT])
{
        struct key_block_guard guard;
        struct key_block_header header = {.mode = mode, .key_version = "00", .exportability = 'E'};

        memcpy(header.usage, usage, sizeof(header.usage));
        key_block_guard_of(under, &guard);
        ck_assert_int_eq(key_block_wrap(&guard, &header, key, text), KEY_BLOCK_GOOD);
        return (struct lab_block){text, strlen(text)};
}

static struct blocks {
        char text[LAB_KEY_BLOCKS][KEY_BLOCK_TEXT];
        struct lab_block tag[LAB_KEY_BLOCKS];
} blocks;

static void make_blocks(const struct cipher_key *under, const char *mac_usage,
                        const struct cipher_key *mac_key)
{
        blocks.tag[0] = wrapped(under, "P0", 'B', mac_key, blocks.text[0]);
        blocks.tag[1] = wrapped(under, mac_usage, 'C', mac_key, blocks.text[1]);
        blocks.tag[2] = wrapped(under, mac_usage, 'C', mac_key, blocks.text[2]);
}

static void write_file(const char *name, const char *text)
{
        FILE *file = fopen(name, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
        fputs(text, file);
        ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
        strcpy(folder, "/tmp/atm-key-store.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/keys.csv", folder);
        snprintf(keks_path, sizeof(keks_path), "%s/keks.csv", folder);
        write_file(keks_path, "terminal,kek\nT0000001," KEK_TEXT "\nT0000002," KEK_TEXT "\n");
        ck_assert_int_eq(terminals_add(&terminals, "T0000001", ""), 0);
        ck_assert_int_eq(terminals_add(&terminals, "T0000002", ""), 1);
        make_blocks(&kek, "M6", &aes);
}

static void tear_down(void)
{
        unlink(path);
        unlink(keks_path);
        rmdir(folder);
        terminals_free(&terminals);
}

/* ---- what is taken ---------------------------------------------------------------------------------------- */

START_TEST(a_set_is_taken_as_it_was_wrapped)
{
        struct lab_keys keys;

        ck_assert_ptr_null(lab_keys_take(&kek, 8, blocks.tag, &keys));
        ck_assert_int_eq(keys.set, 8);
        ck_assert_mem_eq(keys.up.key.bytes, aes.bytes, 16);
        ck_assert(!keys.down.is_retail);
        make_blocks(&kek, "M3", &tdes);
        ck_assert_ptr_null(lab_keys_take(&kek, 9, blocks.tag, &keys));
        ck_assert(keys.up.is_retail);
}
END_TEST

/* One of its blocks is wrong. */
static void is_changed(int i)
{
        blocks.text[i][40] = blocks.text[i][40] == '0' ? '1' : '0';
}

static void is_cut(int i)
{
        blocks.tag[i].length -= 2;
}

static void is_of_another_terminal(int i)
{
        blocks.tag[i] = wrapped(&other_kek, i ? "M6" : "P0", i ? 'C' : 'B', &aes, blocks.text[i]);
}

static void is_of_another_usage(int i)
{
        blocks.tag[i] = wrapped(&kek, i ? "P0" : "M6", i ? 'B' : 'C', &aes, blocks.text[i]);
}

static void is_of_another_algorithm(int i)
{
        blocks.tag[i] = i ? wrapped(&kek, "M6", 'C', &tdes, blocks.text[i])
                          : wrapped(&kek, "D0", 'B', &tdes, blocks.text[i]);
}

static void is_wrapped_by_a_weaker_key(int i)
{
        blocks.tag[i] = wrapped(&weak_kek, i ? "M3" : "P0", i ? 'C' : 'B', &tdes, blocks.text[i]);
}

static void (*const wrongs[])(int i) = {is_changed,
                                        is_cut,
                                        is_of_another_terminal,
                                        is_of_another_usage,
                                        is_of_another_algorithm,
                                        is_wrapped_by_a_weaker_key};

START_TEST(a_set_with_a_wrong_block_is_not_taken)
{
        static const struct lab_keys none;
        struct lab_keys keys;

        for (int i = 0; i < LAB_KEY_BLOCKS; i++) {
                make_blocks(&kek, "M6", &aes);
                wrongs[_i](i);
                ck_assert_ptr_nonnull(lab_keys_take(&kek, 8, blocks.tag, &keys));
                ck_assert_mem_eq(&keys, &none, sizeof(keys));
        }
}
END_TEST

START_TEST(an_aes_key_under_tdes_is_not_taken)
{
        struct cipher_key none = {.length = 0};
        struct lab_keys keys;

        /* as somebody made it who passed over the rule: no version wraps it, so its header says D, or B */
        ck_assert_ptr_nonnull(lab_keys_take(&weak_kek, 8, blocks.tag, &keys));
        for (int i = 0; i < LAB_KEY_BLOCKS; i++)
                blocks.text[i][0] = 'B';
        ck_assert_ptr_nonnull(lab_keys_take(&weak_kek, 8, blocks.tag, &keys));
        ck_assert_ptr_nonnull(lab_keys_take(&none, 8, blocks.tag, &keys));
}
END_TEST

/* ---- what is kept ----------------------------------------------------------------------------------------- */

static void open_store(struct key_store *store)
{
        char error[KEY_STORE_ERROR_MAX];
        ck_assert_msg(key_store_open(store, path, "terminal", error), "%s", error);
}

/* The sets of both terminals as an ATM has them that was switched on now with --keys that have set 1 of the first. */
static void assert_kept(int first, int second)
{
        struct lab_keys keys[2] = {{.set = 1}, {.set = 0}};
        struct key_store store;
        char error[LAB_KEYS_ERROR_MAX];
        size_t foreign;

        open_store(&store);
        ck_assert_msg(key_store_load(&store, keks_path, &owners, keys, &foreign, error), "%s", error);
        ck_assert_uint_eq(foreign, 0);
        ck_assert_int_eq(keys[0].set, first);
        ck_assert_int_eq(keys[1].set, second);
        if (first > 1)
                ck_assert_mem_eq(keys[0].up.key.bytes, aes.bytes, 16);
        key_store_close(&store);
}

static void keep(const char *terminal, int set)
{
        struct key_store store;

        open_store(&store);
        key_store_add(&store, terminal, set, blocks.tag);
        ck_assert(key_store_sync(&store));
        key_store_close(&store);
}

START_TEST(what_came_is_there_again_and_the_newest_counts)
{
        struct stat status;

        assert_kept(1, 0);
        keep("T0000001", 8);
        keep("T0000002", 3);
        assert_kept(8, 3);
        keep("T0000001", 11);
        keep("T0000009", 5); /* of another run's fleet */
        assert_kept(11, 3);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 0777, 0600);
}
END_TEST

/* At whatever byte of the last row: it was not used yet, so the set before it is the ATM's. */
START_TEST(a_row_that_the_power_cut_short_was_never_there)
{
        struct stat before, after;

        keep("T0000001", 8);
        ck_assert_int_eq(stat(path, &before), 0);
        keep("T0000001", 11);
        ck_assert_int_eq(stat(path, &after), 0);
        for (off_t size = after.st_size - 1; size >= before.st_size; size -= 37) {
                ck_assert_int_eq(truncate(path, size), 0);
                assert_kept(8, 0);
                keep("T0000001", 11);
                assert_kept(11, 0);
        }
        ck_assert_int_eq(truncate(path, 20), 0); /* of the header */
        assert_kept(1, 0);
}
END_TEST

/* Under a key-encrypting key of before, say: the fleet goes on with what it has besides. */
START_TEST(a_set_that_can_not_be_used_is_passed_over_and_counted)
{
        struct lab_keys keys[2] = {{.set = 1}, {.set = 0}};
        struct key_store store;
        char error[LAB_KEYS_ERROR_MAX];
        size_t foreign;

        keep("T0000001", 8);
        open_store(&store);
        is_changed(1);
        key_store_add(&store, "T0000001", 9, blocks.tag);
        ck_assert(key_store_sync(&store));
        ck_assert_msg(key_store_load(&store, keks_path, &owners, keys, &foreign, error), "%s", error);
        ck_assert_uint_eq(foreign, 1);
        ck_assert_int_eq(keys[0].set, 8);
        key_store_close(&store);
}
END_TEST

START_TEST(what_is_no_file_of_keys_is_named)
{
        struct lab_keys keys[2] = {{.set = 1}, {.set = 0}};
        struct key_store store;
        char error[LAB_KEYS_ERROR_MAX], why[KEY_STORE_ERROR_MAX];
        size_t foreign;

        open_store(&store);
        fputs("T0000001,none,1,2,3\n", store.file);
        store.waits = true;
        ck_assert(key_store_sync(&store));
        ck_assert(!key_store_load(&store, keks_path, &owners, keys, &foreign, error));
        ck_assert_ptr_nonnull(strstr(error, "keys.csv:2: column set: expected a number"));
        ck_assert_int_eq(keys[0].set, 1);
        key_store_close(&store);
        unlink(path);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert(!key_store_open(&store, path, "terminal", why));
        ck_assert_ptr_nonnull(strstr(why, "keys.csv: Is a directory"));
        rmdir(path);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("key store");
        TCase *all = tcase_create("all");

        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, a_set_is_taken_as_it_was_wrapped);
        tcase_add_loop_test(all, a_set_with_a_wrong_block_is_not_taken, 0,
                            (int)(sizeof(wrongs) / sizeof(wrongs[0])));
        tcase_add_test(all, an_aes_key_under_tdes_is_not_taken);
        tcase_add_test(all, what_came_is_there_again_and_the_newest_counts);
        tcase_add_test(all, a_row_that_the_power_cut_short_was_never_there);
        tcase_add_test(all, a_set_that_can_not_be_used_is_passed_over_and_counted);
        tcase_add_test(all, what_is_no_file_of_keys_is_named);
        suite_add_tcase(suite, all);
        return suite_run(suite);
}
