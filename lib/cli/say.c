/* Messages to people. Progress leaves no trace: its line is wiped before anything else is said. */
#include "lib/cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *name = "?";
static bool progress_shown, everywhere;
static int64_t next_us;

enum { EVERY_ON_TERMINAL_US = 200000, EVERY_ELSEWHERE_US = 1000000 };

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

void progress_everywhere(void)
{
        everywhere = true;
}

bool progress_is_due(int64_t now_us)
{
        if (now_us < next_us)
                return false;
        next_us = now_us + (isatty(STDERR_FILENO) ? EVERY_ON_TERMINAL_US : EVERY_ELSEWHERE_US);
        return everywhere || isatty(STDERR_FILENO);
}

void progress(const char *format, ...)
{
        bool terminal = isatty(STDERR_FILENO);
        va_list arguments;

        if (!terminal && !everywhere)
                return;
        fputs(terminal ? "\r\033[K" : "", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputs(terminal ? "" : "\n", stderr);
        fflush(stderr);
        progress_shown = terminal;
}

void progress_end(void)
{
        if (!progress_shown)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress_shown = false;
}
