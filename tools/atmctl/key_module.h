/*
 * The key module as a command asks it: a command waits, and asks for many keys at once. Whatever it refuses is an answer; that it is away, or goes
 * away meanwhile, is complained of.
 */
#ifndef ATMCTL_KEY_MODULE_H
#define ATMCTL_KEY_MODULE_H

#include "keymodule/client/key_client.h"
#include "tools/atmctl/command.h"

enum { KEY_TASK_CHECK_TEXT = 11, KEY_TASK_PIN_VALUE_TEXT = 13 };

/* A request, and what came of it. */
struct key_task {
        struct key_message request; /* its values are the asker's */
        enum key_code code;
        char block[KEY_WRAPPED_MAX + 1];       /* "" where the command has none */
        char check_value[KEY_TASK_CHECK_TEXT]; /* digits of hexadecimal */
        char usage[3];
        char pin_value[KEY_TASK_PIN_VALUE_TEXT];
        struct key_question question;
};

struct key_module;

/* At the socket of --key-module or ATM_KEY_MODULE. NULL after a complaint. */
struct key_module *key_module_open(const struct invocation *invocation);
void key_module_close(struct key_module *module);

/* All of them, pipelined. False after a complaint: it has gone, and of some there is no answer. */
ATM_MUST_USE bool key_module_ask(struct key_module *module, struct key_task *tasks, size_t count);

#endif
