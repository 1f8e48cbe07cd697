/*
 * The key module as atmd has it: the client of keymodule/client with the settings of [key_module], and what people hear of it.
 *
 * Nothing waits for it. While it is away, is slow, or is not configured at all, questions have no answer, and whoever asked does without: a session
 * leaves its ATM in silence. It is connected to again by itself.
 */
#ifndef DAEMON_KEY_MODULE_H
#define DAEMON_KEY_MODULE_H

#include "config/settings.h"
#include "keymodule/client/key_client.h"

struct key_module;

/*
 * Connects, where a socket is configured, and waits until it is up or is known to be away, for [key_module] timeout_ms at most: ATMs that come back after a restart
 * would be left in silence at once otherwise. So nobody else may have anything on the loop yet. NULL with an error.
 */
ATM_MUST_USE struct key_module *key_module_new(struct event_base *base, const struct settings *settings,
                                               char *error, size_t size);
/* Before those who have asked; they hear nothing of it. NULL is fine. */
void key_module_free(struct key_module *module);

/* As key_client_ask; key_question_drop is enough for the rest. */
ATM_MUST_USE bool key_module_ask(struct key_module *module, struct key_question *question,
                                 const struct key_message *message);

/* The counters' line, and that it is still away, where it is. */
void key_module_log(const struct key_module *module);

#endif
