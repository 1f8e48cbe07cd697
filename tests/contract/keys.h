/* Sets of keys in the database, and how atmd reads them: tests beside those of cases, in their program. */
#ifndef TESTS_CONTRACT_KEYS_H
#define TESTS_CONTRACT_KEYS_H

#include <check.h>

TCase *keys_tests(void);

#endif
