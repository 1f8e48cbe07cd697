/* Messages to people. Progress leaves no trace: its line is wiped before anything else is said. */
#include "lib/cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *name = "?";
static bool progress_shown;

void say_as(const char *program)
{
        name = program;
}

const char *say_name(void)
{
        return name;
}

void complain(const char *format, ...)
{
        va_list arguments;

        progress_end();
        fprintf(stderr, "%s: ", name);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
}

void note(const char *format, ...)
{
        va_list arguments;

        progress_end();
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
}

void progress(const char *format, ...)
{
        va_list arguments;

        if (!isatty(STDERR_FILENO))
                return;
        fputs("\r\033[K", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fflush(stderr);
        progress_shown = true;
}

void progress_end(void)
{
        if (!progress_shown)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress_shown = false;
}
