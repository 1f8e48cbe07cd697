/*
 * Protects keymodule/software.c and keymodule/protocol/message.c: commands answer with what standards publish; keys do what they may and nothing else;
 * what is no request is refused with the right code.
 */
#include "keymodule/software.h"

#include <check.h>
#include <stdlib.h>

#include "tests/keymodule/bytes.h"
#include "tests/keymodule/story.h"
#include "tests/suite.h"

struct asked {
        struct backend *backend;
        struct backend_call call;
        uint8_t request[KEY_HEADER + KEY_FRAME_MAX], answer[KEY_HEADER + KEY_FRAME_MAX];
        bool is_done;
};

static struct asked *asked_of_call(struct backend_call *call)
{
        return (struct asked *)((char *)call - offsetof(struct asked, call));
}

static void on_done(struct backend_call *call)
{
        asked_of_call(call)->is_done = true;
}

/* By frames, as it comes over the socket. */
static bool ask(void *context, const struct key_message *request, struct key_message *ret_answer)
{
        struct asked *asked = context;
        struct backend_call *call = &asked->call;
        size_t size = key_request_write(request, asked->request);
        ck_assert_uint_gt(size, 0);
        *call = (struct backend_call){.done = on_done};
        ck_assert_int_eq(key_request_read(asked->request + KEY_HEADER, size - KEY_HEADER, &call->request),
                         KEY_CODE_GOOD);
        call->answer = (struct key_message){.id = call->request.id, .command = call->request.command};
        asked->is_done = false;
        asked->backend->kind->ask(asked->backend, call);
        ck_assert(asked->is_done);
        size = key_answer_write(&call->answer, asked->answer);
        ck_assert_uint_gt(size, 0);
        return key_answer_read(asked->answer + KEY_HEADER, size - KEY_HEADER, request->command, ret_answer);
}

static struct backend *backend_of(bool is_laboratorys)
{
        struct cipher_key key =
            key_of(CIPHER_AES, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        struct master master = {.is_laboratorys = is_laboratorys};
        key_block_guard_of(&key, &master.guard);
        check_value_of(&key, master.check_value);
        struct backend *backend = software_new(&master, NULL);
        ck_assert_ptr_nonnull(backend);
        return backend;
}

START_TEST(published_vectors_come_through_the_protocol)
{
        static struct asked asked;
        asked.backend = backend_of(true);
        const char *wrong = story_vectors(ask, &asked);
        ck_assert_msg(!wrong, "%s", wrong);
        asked.backend->kind->free(asked.backend);
}
END_TEST

START_TEST(keys_that_were_made_here_do_what_they_may)
{
        static struct asked asked;
        char key[512];
        uint8_t mac[KEY_MAC_LENGTH];
        asked.backend = backend_of(false);
        const char *wrong = story_generated(ask, &asked, key, mac);
        ck_assert_msg(!wrong, "%s", wrong);
        /* another process with the same master key */
        asked.backend->kind->free(asked.backend);
        asked.backend = backend_of(false);
        wrong = story_remembered(ask, &asked, key, mac);
        ck_assert_msg(!wrong, "%s", wrong);
        asked.backend->kind->free(asked.backend);
}
END_TEST

/* Each as components, and as a key block of another house. */
static const struct {
        const char *what, *key;
        bool is_tdes, is_weak;
} strengths[] = {
    {"a key of TDES", "0123456789ABCDEFFEDCBA9876543210", true, false},
    {"one without parity", "0023456789ABCDEFFEDCBA9876543210", true, false},
    {"halves that are the same", "0123456789ABCDEF0123456789ABCDEF", true, true},
    {"the same but for parity", "0123456789ABCDEF0022446688AACCEE", true, true},
    {"three parts", "0123456789ABCDEFFEDCBA98765432101122334455667788", true, false},
    {"the first and the third the same", "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF", true, true},
    {"a weak part", "0123456789ABCDEF0101010101010101", true, true},
    {"a weak first part", "1F1F1F1F0E0E0E0EFEDCBA9876543210", true, true},
    {"a semi-weak part", "0123456789ABCDEF01FE01FE01FE01FE", true, true},
    {"of AES the same halves", "0123456789ABCDEF0123456789ABCDEF", false, false},
    {"zero", "00000000000000000000000000000000", false, true},
};

static void put_check(struct key_message *request, enum key_field field, const struct cipher_key *key,
                      uint8_t value[CHECK_VALUE_MAX])
{
        key_message_set(request, field, value, check_value_of(key, value));
}

START_TEST(a_weak_key_is_not_taken_in)
{
        static struct asked asked;
        struct cipher_key key = key_of(strengths[_i].is_tdes ? CIPHER_TDES : CIPHER_AES, strengths[_i].key),
                          one = key, other = key,
                          kek = key_of(CIPHER_AES, "00112233445566778899AABBCCDDEEFF"),
                          master = key_of(CIPHER_AES,
                                          "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        struct key_message request = {.command = KEY_COMMAND_COMBINE}, answer;
        struct key_block_header header = {.usage = "P0",
                                          .mode = 'B',
                                          .key_version = "00",
                                          .exportability = 'E'},
                                kek_header = {
                                    .usage = "K1", .mode = 'B', .key_version = "00", .exportability = 'N'};
        struct key_block_guard guard;
        char block[KEY_BLOCK_TEXT], kek_block[KEY_BLOCK_TEXT];
        uint8_t checks[2][CHECK_VALUE_MAX];
        enum key_code wanted = strengths[_i].is_weak ? KEY_CODE_BLOCK_INSIDE : KEY_CODE_GOOD;
        asked.backend = backend_of(true);
        for (size_t i = 0; i < key.length; i++)
                one.bytes[i] ^= other.bytes[i] = (uint8_t)(17 * i + 3);
        key_message_set_text(&request, KEY_FIELD_USAGE, "P0");
        key_message_set_text(&request, KEY_FIELD_ALGORITHM, strengths[_i].is_tdes ? "T" : "A");
        key_message_set_text(&request, KEY_FIELD_MODE, "B");
        key_message_set_text(&request, KEY_FIELD_EXPORTABILITY, "E");
        key_message_set(&request, KEY_FIELD_COMPONENT, one.bytes, one.length);
        key_message_set(&request, KEY_FIELD_OTHER_COMPONENT, other.bytes, other.length);
        put_check(&request, KEY_FIELD_COMPONENT_CHECK, &one, checks[0]);
        put_check(&request, KEY_FIELD_OTHER_COMPONENT_CHECK, &other, checks[1]);
        ck_assert(ask(&asked, &request, &answer));
        ck_assert_msg(answer.code == wanted, "%s: %s", strengths[_i].what, key_code_word(answer.code));
        key_block_guard_of(&master, &guard);
        ck_assert_int_eq(key_block_wrap(&guard, &kek_header, &kek, kek_block), KEY_BLOCK_GOOD);
        key_block_guard_of(&kek, &guard);
        ck_assert_int_eq(key_block_wrap(&guard, &header, &key, block), KEY_BLOCK_GOOD);
        request = (struct key_message){.command = KEY_COMMAND_IMPORT};
        key_message_set_text(&request, KEY_FIELD_KEY, block);
        key_message_set_text(&request, KEY_FIELD_OTHER_KEY, kek_block);
        key_message_set_text(&request, KEY_FIELD_USAGE, "P0");
        ck_assert(ask(&asked, &request, &answer));
        ck_assert_msg(answer.code == wanted, "%s: %s", strengths[_i].what, key_code_word(answer.code));
        asked.backend->kind->free(asked.backend);
}
END_TEST

START_TEST(without_their_key_there_are_no_tokens)
{
        static struct asked asked;
        struct key_message request = {.command = KEY_COMMAND_CARD_TOKEN}, answer;
        asked.backend = backend_of(true);
        key_message_set_text(&request, KEY_FIELD_PAN, "1122334455667788");
        ck_assert(ask(&asked, &request, &answer));
        ck_assert_int_eq(answer.code, KEY_CODE_NO_TOKEN_KEY);
        asked.backend->kind->free(asked.backend);
}
END_TEST

/* ---- frames ---------------------------------------------------------------------------------------------- */

static const struct {
        const char *what, *frame;
        enum key_code code;
} bad_frames[] = {
    {"nothing", "", KEY_CODE_FRAME},
    {"no command", "00000001", KEY_CODE_FRAME},
    {"an unknown command", "00000001FF", KEY_CODE_COMMAND},
    {"status with something behind", "000000010000", KEY_CODE_FRAME},
    {"a token without a card", "0000000105", KEY_CODE_FRAME},
    {"a field without its length", "000000010500", KEY_CODE_FRAME},
    {"a field longer than the frame", "0000000105000931323334", KEY_CODE_FRAME},
    {"a card number of 7 digits", "0000000105000731323334353637", KEY_CODE_FIELD},
    {"a card number with a letter", "00000001050008313233343536373A", KEY_CODE_FIELD},
    {"an empty card number", "00000001050000", KEY_CODE_FIELD},
    {"a card number and more", "00000001050008313233343536373800", KEY_CODE_FRAME},
};

START_TEST(what_is_no_request_is_refused)
{
        uint8_t frame[BYTES_MAX];
        struct key_message message;
        size_t size = bytes_of(bad_frames[_i].frame, frame);
        enum key_code code = key_request_read(frame, size, &message);
        ck_assert_msg(code == bad_frames[_i].code, "%s: %s", bad_frames[_i].what, key_code_word(code));
        ck_assert_uint_eq(message.id, size < 4 ? 0 : 1);
}
END_TEST

/* Fields of the least and the most length that each may have. */
START_TEST(every_command_is_read_as_it_was_written)
{
        static uint8_t room[KEY_DATA_MAX], frame[KEY_HEADER + KEY_FRAME_MAX];
        memset(room, '1', sizeof(room));
        for (int command = 0; command < KEY_COMMANDS; command++) {
                for (int longest = 0; longest < 2; longest++) {
                        const struct key_command_row *row = &key_commands[command];
                        struct key_message message = {.id = 0xFEDCBA98, .command = (enum key_command)command},
                                           back;
                        for (const enum key_field *field = row->asked; *field; field++)
                                key_message_set(&message, *field, room,
                                                longest ? key_fields[*field].most : key_fields[*field].least);
                        size_t size = key_request_write(&message, frame), whole = 0;
                        ck_assert_uint_gt(size, 0);
                        ck_assert(key_frame_size(frame, 2, &whole) && whole == size);
                        ck_assert_int_eq(key_request_read(frame + KEY_HEADER, size - KEY_HEADER, &back),
                                         KEY_CODE_GOOD);
                        ck_assert_uint_eq(back.id, message.id);
                        for (int field = 0; field < KEY_FIELDS; field++)
                                ck_assert_uint_eq(back.value[field].length, message.value[field].length);
                }
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("software");
        TCase *tests = tcase_create("commands");
        tcase_add_test(tests, published_vectors_come_through_the_protocol);
        tcase_add_test(tests, keys_that_were_made_here_do_what_they_may);
        tcase_add_loop_test(tests, a_weak_key_is_not_taken_in, 0, sizeof(strengths) / sizeof(strengths[0]));
        tcase_add_test(tests, without_their_key_there_are_no_tokens);
        tcase_add_loop_test(tests, what_is_no_request_is_refused, 0,
                            sizeof(bad_frames) / sizeof(bad_frames[0]));
        tcase_add_test(tests, every_command_is_read_as_it_was_written);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
