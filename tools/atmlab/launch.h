/*
 * Starting a part (part.h): a process in a session of its own, in the laboratory's folder, with nothing inherited but
 * the end of its log, no core files, and as many open files as the system has for it.
 *
 *      fork --> recorded --> exec --> "READY=1" --> LAUNCH_READY
 *                        '-> its end, or patience over --> LAUNCH_FAILED, and what was wrong was said
 *
 * It says itself when it serves, as to systemd (sd_notify), on a socket that is known to nobody else.
 */
#ifndef ATMLAB_LAUNCH_H
#define ATMLAB_LAUNCH_H

#include <stdint.h>

#include "lib/base/attributes.h"
#include "tools/atmlab/part.h"

enum launch_end { LAUNCH_READY, LAUNCH_FAILED };

/* words: the program's path and its arguments, NULL behind the last. One that does not get ready in time is left
 * alone, for part_signal. */
ATM_MUST_USE enum launch_end launch(const struct part *part, char **words, int64_t patience_ms);

#endif
