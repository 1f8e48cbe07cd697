/* The command line of netproxy. */
#ifndef TESTS_FAULTS_OPTIONS_H
#define TESTS_FAULTS_OPTIONS_H

#include <stdint.h>
#include <sys/socket.h>

#include "tests/faults/fate.h"

/* What connect and bind take. */
struct endpoint {
        struct sockaddr_storage storage;
        socklen_t length;
};

struct options {
        struct endpoint listen, to;
        struct fate_rules rules;
        const char *control; /* NULL: none */
        uint32_t connections_max;
};

/* words: behind the program's name, NULL at their end. Fills all, or ends the program: 0 after --help, 2
 * where the command line is wrong, 1 where a host's name is not known. */
void options_read(int count, char **words, struct options *ret_options);

#endif
