/*
 * PROGRAM NAME: runs the tests of NAME.c, one of the files that the program consists of (tests/CMakeLists.txt: atm_test_files, where
 * EACH_FILE is from).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name;
        int (*run)(void);
} files[] = {
#define X(name) {#name, main_of_##name},
    EACH_FILE(X)
#undef X
};

enum { FILES = sizeof files / sizeof files[0] };

int main(int count, char **arguments)
{
        if (count == 2)
                for (size_t i = 0; i < FILES; i++)
                        if (strcmp(arguments[1], files[i].name) == 0)
                                return files[i].run();
        fprintf(stderr, "%s: expected one of:", arguments[0]);
        for (size_t i = 0; i < FILES; i++)
                fprintf(stderr, " %s", files[i].name);
        fputc('\n', stderr);
        return EXIT_FAILURE;
}
