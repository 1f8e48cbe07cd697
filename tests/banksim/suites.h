/* The tests of banksim as a process, a file a subject; one program runs them, for they share their certificates. */
#ifndef TESTS_BANKSIM_SUITES_H
#define TESTS_BANKSIM_SUITES_H

#include <check.h>

void kills_add(TCase *tcase);
void behaviours_add(TCase *tcase);
void usage_add(TCase *tcase);

#endif
