/*
 * What a key module must do, asked by its protocol, whoever carries the questions: a test that calls the back end, or a program at the socket of the real
 * process.
 */
#ifndef TESTS_KEYMODULE_STORY_H
#define TESTS_KEYMODULE_STORY_H

#include "keymodule/protocol/message.h"

/* The answer's values are good until the next question. False: there was none. */
typedef bool story_ask(void *context, const struct key_message *request, struct key_message *ret_answer);

/* Published vectors, by keys made of components: of a laboratory's module. NULL, or what is wrong. */
const char *story_vectors(story_ask *ask, void *context);
/* Keys that the module has made itself: what they may do and what not; and that no components are taken. The key's block is for the next. */
const char *story_generated(story_ask *ask, void *context, char ret_mac_key[512],
                            uint8_t ret_mac[KEY_MAC_LENGTH]);
/* A key of before still makes the MAC that it made: the module was started anew. */
const char *story_remembered(story_ask *ask, void *context, const char *mac_key,
                             const uint8_t mac[KEY_MAC_LENGTH]);

#endif
