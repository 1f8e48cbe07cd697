/* netproxy tell PATH COMMAND: the other end of a proxy's control socket, for scripts. */
#ifndef TESTS_FAULTS_TELL_H
#define TESTS_FAULTS_TELL_H

#include <stdbool.h>

/* words: those behind `tell`. The exit code: 0 done, 1 failed, 2 wrong usage. */
int tell(int count, char **words);

#endif
