/* Messages to people. Progress leaves no trace: its line is wiped before anything else is said. */
#include "lib/cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/utf8.h"

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

/* What is quoted in a message may be anybody's: nothing of it steers a terminal or turns the text around it. */
static void say(const char *before, const char *format, va_list arguments) ATM_PRINTF(2, 0);
static void say(const char *before, const char *format, va_list arguments)
{
        char *text = NULL, *shown = NULL;
        int length = vasprintf(&text, format, arguments);
        size_t size = (size_t)(length < 0 ? 0 : length) * UTF8_GROWTH + 1;

        progress_end();
        if (length >= 0 && (shown = malloc(size))) {
                utf8_show(text, "\n\t", shown, size);
                fprintf(stderr, "%s%s\n", before, shown);
        }
        free(shown);
        if (length >= 0)
                free(text);
}

void complain(const char *format, ...)
{
        char before[64];
        va_list arguments;

        snprintf(before, sizeof(before), "%.60s: ", name);
        va_start(arguments, format);
        say(before, format, arguments);
        va_end(arguments);
}

void note(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        say("", format, arguments);
        va_end(arguments);
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
