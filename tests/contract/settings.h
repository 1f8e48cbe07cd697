/* What a login may have set for itself, and what a session makes of it: tests beside those of cases, in their program. */
#ifndef TESTS_CONTRACT_SETTINGS_H
#define TESTS_CONTRACT_SETTINGS_H

#include <check.h>

TCase *settings_tests(void);

#endif
