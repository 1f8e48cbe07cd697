/* What people's open transactions keep waiting: tests beside those of cases, in their program. */
#ifndef TESTS_CONTRACT_LOCKS_H
#define TESTS_CONTRACT_LOCKS_H

#include <check.h>

TCase *locks_tests(void);

#endif
