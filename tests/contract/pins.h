/* PINs of the house bank's cards: a part of contract_replacement. */
#ifndef TESTS_CONTRACT_PINS_H
#define TESTS_CONTRACT_PINS_H

#include <check.h>

TCase *pins_case(void);

#endif
