/* What people decide while the ATM, its bank and a repeat speak of the same withdrawal: a part of contract_ledger. */
#ifndef TESTS_CONTRACT_PEOPLE_H
#define TESTS_CONTRACT_PEOPLE_H

#include <check.h>

TCase *people_case(void);

#endif
