/*
 * The terminal shows nothing while a secret is typed, and must show what is typed again whatever ends the program then: so what ends it
 * by a signal is caught, and done once the terminal is as it was.
 */
#include "lib/cli/hidden.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/array.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static struct termios shown; /* the terminal as it was; for on_end */
static int terminal;

/* The signal's own way was set when it came (SA_RESETHAND): this time it ends the program. */
static void on_end(int signal)
{
        (void)tcsetattr(terminal, TCSANOW, &shown);
        (void)raise(signal);
}

static void catch_all(struct sigaction former[LENGTH(ending)])
{
        struct sigaction action = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};

        for (size_t i = 0; i < LENGTH(ending); i++) {
                sigaction(ending[i], NULL, &former[i]);
                if (former[i].sa_handler != SIG_IGN)
                        sigaction(ending[i], &action, NULL);
        }
}

static void release_all(const struct sigaction former[LENGTH(ending)])
{
        for (size_t i = 0; i < LENGTH(ending); i++)
                sigaction(ending[i], &former[i], NULL);
}

/* Whoever stopped it would have a terminal that shows nothing, too: ^Z does nothing. */
static bool hide(void)
{
        struct termios hidden = shown;

        hidden.c_lflag &= ~(tcflag_t)ECHO;
        hidden.c_lflag |= ICANON;
        hidden.c_cc[VSUSP] = _POSIX_VDISABLE;
        return tcsetattr(terminal, TCSAFLUSH, &hidden) == 0;
}

bool hidden_ask(int at, const char *question, char *ret_line, size_t size)
{
        struct sigaction former[LENGTH(ending)];
        ssize_t length = 0;
        bool hidden;

        *ret_line = '\0';
        terminal = at;
        if (tcgetattr(terminal, &shown) != 0)
                return false;
        catch_all(former);
        hidden = hide();
        if (hidden) {
                fputs(question, stderr);
                length = read(terminal, ret_line, size - 1);
                (void)tcsetattr(terminal, TCSAFLUSH, &shown);
                fputc('\n', stderr);
        }
        release_all(former);
        ret_line[length > 0 ? length : 0] = '\0';
        ret_line[strcspn(ret_line, "\r\n")] = '\0';
        return hidden && *ret_line != '\0';
}
