/* What must hold of any bytes: a broken promise ends the program by abort(), in every build. */
#ifndef TESTS_FUZZ_PROMISE_H
#define TESTS_FUZZ_PROMISE_H

#include <stdio.h>
#include <stdlib.h>

#define PROMISE(condition)                                                                                   \
        do {                                                                                                 \
                if (!(condition)) {                                                                          \
                        fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);              \
                        abort();                                                                             \
                }                                                                                            \
        } while (0)

#endif
