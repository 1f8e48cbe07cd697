/*
 * The sessions of this instance: by handle, and by terminal.
 *
 * A handle is a place and its generation. A transaction keeps the handle of the session that waits for it,
 * never a pointer: once the session is gone the handle finds nothing, also where another session has taken
 * the place. 0 is no handle. Of several sessions of one terminal, the newest is the one found by name.
 */
#ifndef DAEMON_FLEET_H
#define DAEMON_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct session;
struct fleet;

struct fleet *fleet_new(void); /* NULL: out of memory */
void fleet_free(struct fleet *fleet);

/* Sets session->handle. False: out of memory, or no handle left. */
ATM_MUST_USE bool fleet_add(struct fleet *fleet, struct session *session);
void fleet_remove(struct fleet *fleet, struct session *session);

struct session *fleet_find(const struct fleet *fleet, uint64_t handle);
struct session *fleet_find_terminal(const struct fleet *fleet, const char *terminal);

size_t fleet_count(const struct fleet *fleet);
void fleet_each(struct fleet *fleet, void (*visit)(struct session *session, void *context), void *context);

#endif
