/* What each role may do and read: tests beside those of cases, in their program. */
#ifndef TESTS_CONTRACT_ROLES_H
#define TESTS_CONTRACT_ROLES_H

#include <check.h>

TCase *roles_tests(void);

#endif
