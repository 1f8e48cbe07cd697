/*
 * Check's assertions without a note for each that holds. The note is for whoever wonders where a test was when a signal ended
 * it: with sanitizers a report says that. Where all tests of a program share a process (tests/CMakeLists.txt) Check
 * reads all notes again after each test, and that takes longer than most tests. Included before every file of a
 * test in a build with sanitizers.
 */
#ifndef TESTS_QUIET_CHECK_H
#define TESTS_QUIET_CHECK_H

#include <check.h>

#define _mark_point(file, line) ((void)0)

#endif
