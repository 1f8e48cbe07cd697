/* Where text goes at a terminal: see terminal.h. */
#include "tools/atmctl/output/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

enum { WIDTH_UNLESS_SAID = 80, HEIGHT_UNLESS_SAID = 24, FRAME_MARGIN = 3 };

/* A line that is cut has a mark at its end; a table that fits is left on the screen. */
static const char *const less_unless_said = "SRFX";
static const char *const pager_unless_said = "command -v less >/dev/null || exec cat; exec less";
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 }; /* as the shell ends where there is no such pager */

static const char *frame_heading;

/* the terminal ------------------------------------------------------------------------------------------ */

bool terminal_is_there(void)
{
        return isatty(STDOUT_FILENO);
}

static struct winsize size(void)
{
        struct winsize said = {0};

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &said) != 0 || !said.ws_col || !said.ws_row)
                return (struct winsize){.ws_col = WIDTH_UNLESS_SAID, .ws_row = HEIGHT_UNLESS_SAID};
        return said;
}

size_t terminal_width(void)
{
        return size().ws_col;
}

static bool is_dumb(void)
{
        const char *term = getenv("TERM");

        return !term || !*term || !strcmp(term, "dumb");
}

bool terminal_has_colours(void)
{
        const char *none = getenv("NO_COLOR");

        return (!none || !*none) && !is_dumb();
}

/* text -------------------------------------------------------------------------------------------------- */

/* Behind "ESC [ ... m". */
static const char *skip_colour(const char *at)
{
        const char *end = at + strcspn(at, "m\n");

        return *end == 'm' ? end + 1 : end;
}

/* One character's cells, and where the next begins; a byte of no character is one cell. */
static const char *step(const char *at, size_t *cells)
{
        wchar_t letter;
        mbstate_t state = {0};
        size_t length = mbrtowc(&letter, at, MB_CUR_MAX, &state);
        int width;

        if (length == 0 || length > MB_CUR_MAX) {
                ++*cells;
                return at + 1;
        }
        width = wcwidth(letter);
        *cells += width > 0 ? (size_t)width : 0;
        return at + length;
}

static size_t line_cells(const char *line)
{
        size_t cells = 0;

        while (*line && *line != '\n')
                line = *line == '\033' ? skip_colour(line) : step(line, &cells);
        return cells;
}

static const char *next_line(const char *line)
{
        line += strcspn(line, "\n");
        return *line ? line + 1 : line;
}

size_t terminal_cells(const char *text)
{
        size_t widest = 0;

        for (; *text; text = next_line(text)) {
                size_t cells = line_cells(text);

                widest = cells > widest ? cells : widest;
        }
        return widest;
}

/* The prompt has the last line. */
static bool fits(const char *text)
{
        struct winsize said = size();
        size_t lines = 0;

        for (const char *at = text; *at; at = next_line(at))
                lines++;
        return lines < said.ws_row && terminal_cells(text) <= said.ws_col;
}

static bool write_out(const char *text)
{
        fputs(text, stdout);
        return fflush(stdout) == 0 && !ferror(stdout);
}

/* the pager --------------------------------------------------------------------------------------------- */

/* NULL: none is wanted. */
static const char *pager(void)
{
        const char *said = getenv("PAGER");

        if (is_dumb())
                return NULL;
        if (!said)
                return pager_unless_said;
        return said[strspn(said, " \t")] ? said : NULL;
}

/* Who leaves the pager early has read enough; ^C is the pager's. False where it could not be started. */
static bool show_in(const char *command, const char *text)
{
        FILE *pipe;
        void (*on_interrupt)(int), (*on_broken)(int);
        int status;

        setenv("LESS", less_unless_said, 0);
        fflush(stdout);
        pipe = popen(command, "w");
        if (!pipe)
                return false;
        on_interrupt = signal(SIGINT, SIG_IGN);
        on_broken = signal(SIGPIPE, SIG_IGN);
        fputs(text, pipe);
        status = pclose(pipe);
        signal(SIGINT, on_interrupt);
        signal(SIGPIPE, on_broken);
        return status >= 0 && !(WIFEXITED(status) &&
                                (WEXITSTATUS(status) == NOT_EXECUTABLE || WEXITSTATUS(status) == NOT_FOUND));
}

/* frames ------------------------------------------------------------------------------------------------ */

void terminal_begin_frames(const char *heading)
{
        frame_heading = heading;
}

/* Over the former one, each line to its end, so that nothing flickers; what the screen has no room for is counted. */
static bool show_frame(const char *text)
{
        struct winsize said = size();
        size_t left = said.ws_row > FRAME_MARGIN ? (size_t)(said.ws_row - FRAME_MARGIN) : 1, more = 0;

        printf("\033[H%.*s\033[K\n", said.ws_col, frame_heading);
        for (; *text; text = next_line(text)) {
                if (left) {
                        printf("%.*s\033[K\n", (int)strcspn(text, "\n"), text);
                        left--;
                } else {
                        more++;
                }
        }
        if (more)
                printf("(%zu more)\033[K\n", more);
        fputs("\033[J", stdout);
        return fflush(stdout) == 0 && !ferror(stdout);
}

bool terminal_show(const char *text)
{
        const char *command = pager();

        if (frame_heading)
                return show_frame(text);
        return fits(text) || !command || !show_in(command, text) ? write_out(text) : true;
}
