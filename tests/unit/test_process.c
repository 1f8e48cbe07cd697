/* Protects lib/base/process.c: a program whose standard streams were closed for it prints into nothing, and not
 * into the next file or connection that it opens. */
#include "lib/base/process.h"
#include "tests/suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process of its own, with one stream closed: 0 if the next file gets another number and the stream fails. */
static int try_without(int stream)
{
        char byte = 'x';
        int next;

        close(stream);
        process_hold_streams();
        next = open("/dev/null", O_RDWR);
        if (next <= STDERR_FILENO)
                return 1;
        errno = 0;
        return (stream == STDIN_FILENO ? read(stream, &byte, 1) : write(stream, &byte, 1)) < 0 &&
                       errno == EBADF
                   ? 0
                   : 2;
}

START_TEST(a_closed_standard_stream_stays_closed)
{
        pid_t child = fork();
        int status;

        if (!child)
                _exit(try_without(_i));
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(open_standard_streams_are_left_alone)
{
        pid_t child = fork();
        int status;

        if (!child) {
                int pair[2];
                char byte = '-';

                if (pipe(pair) < 0 || dup2(pair[1], STDOUT_FILENO) < 0)
                        _exit(1);
                process_hold_streams();
                _exit(write(STDOUT_FILENO, "x", 1) == 1 && read(pair[0], &byte, 1) == 1 && byte == 'x' ? 0
                                                                                                       : 2);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("process");
        TCase *tcase = tcase_create("process");

        tcase_add_loop_test(tcase, a_closed_standard_stream_stays_closed, STDIN_FILENO, STDERR_FILENO + 1);
        tcase_add_test(tcase, open_standard_streams_are_left_alone);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
