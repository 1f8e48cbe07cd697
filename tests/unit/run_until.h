/* Tests on the event loop: it turns until what they wait for has happened, or for a time in which something must not. */
#ifndef TESTS_UNIT_RUN_UNTIL_H
#define TESTS_UNIT_RUN_UNTIL_H

#include <check.h>

#include "lib/base/now.h"

/* No machine is so slow: whatever has not happened by then never will. */
enum { PATIENCE_MS = 60000 };

/* turn: a function of the test's, one step of all sides without waiting */
#define RUN_UNTIL(condition)                                                                                 \
        do {                                                                                                 \
                int64_t end_ms_ = steady_now_ms() + PATIENCE_MS;                                             \
                while (!(condition)) {                                                                       \
                        ck_assert_msg(steady_now_ms() < end_ms_, "never: " #condition);                      \
                        turn();                                                                              \
                }                                                                                            \
        } while (0)

#define RUN_FOR(ms)                                                                                          \
        do {                                                                                                 \
                for (int64_t end_ms_ = steady_now_ms() + (ms); steady_now_ms() < end_ms_;)                   \
                        turn();                                                                              \
        } while (0)

#endif
