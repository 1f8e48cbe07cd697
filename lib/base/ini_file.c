/* What is wrong with a line is said before libinih sees it: its Debian build does not pass the line's number on. */
#include "lib/base/ini_file.h"

#include <ini.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/file.h"

#define LINES_WANTED "[section], key = value, or a comment after # or ;"
#define BLANKS       " \t\r\v\f\n"
#define MARK         "\xef\xbb\xbf"

enum { WORD_MAX = 40 };

bool ini_file_refuse(struct ini_file *file, int line, const char *format, ...)
{
        va_list arguments;
        int used;

        if (file->error_line && file->error_line <= line)
                return false;
        file->error_line = line;
        used = line == INI_FILE_WHOLE ? snprintf(file->error, file->error_size, "%s: ", file->path)
                                      : snprintf(file->error, file->error_size, "%s:%d: ", file->path, line);
        if (used < 0 || (size_t)used >= file->error_size)
                return false;
        va_start(arguments, format);
        vsnprintf(file->error + used, file->error_size - (size_t)used, format, arguments);
        va_end(arguments);
        return false;
}

const char *ini_file_word(const char *name)
{
        size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

        return length > 0 && length <= WORD_MAX && !name[length] ? name : "(not a word)";
}

/* fgets that refuses what it would have to cut. False at the end, too. */
static bool take_line(struct ini_file *file, char *buffer, int size)
{
        int c, n = 0;

        while ((c = getc(file->stream)) != EOF) {
                if (n == size - 1)
                        return ini_file_refuse(
                            file, file->line, "the line is longer than %d characters%s", size - 2,
                            file->may_go_on ? "; a long value may go on in indented lines" : "");
                if (c == '\0')
                        return ini_file_refuse(file, file->line, "a zero byte; expected text");
                buffer[n++] = (char)c;
                if (c == '\n')
                        break;
        }
        buffer[n] = '\0';
        if (file->line == 1 && strncmp(buffer, MARK, sizeof(MARK) - 1) == 0)
                memmove(buffer, buffer + sizeof(MARK) - 1, (size_t)n + 1 - (sizeof(MARK) - 1));
        return n > 0;
}

/* The first of the characters before a comment; NULL: there is none. */
static const char *find_char(const char *text, const char *characters)
{
        for (const char *at = text; *at; at++) {
                if (strchr(characters, *at))
                        return at;
                if (*at == ';' && at > text && strchr(BLANKS, at[-1]))
                        return NULL;
        }
        return NULL;
}

/* Copy a name of the file; false after a refusal. */
static bool take_name(struct ini_file *file, const char *what, const char *from, const char *end,
                      char ret_name[INI_FILE_NAME_MAX + 1])
{
        if (end - from > INI_FILE_NAME_MAX)
                return ini_file_refuse(file, file->line, "%s is longer than %d characters", what,
                                       INI_FILE_NAME_MAX);
        memcpy(ret_name, from, (size_t)(end - from));
        ret_name[end - from] = '\0';
        return true;
}

static bool check_section(struct ini_file *file, const char *start)
{
        const char *end = find_char(start + 1, "]");
        char section[INI_FILE_NAME_MAX + 1];

        if (!end)
                return ini_file_refuse(file, file->line, "not understood; expected " LINES_WANTED);
        if (!strchr("#;", end[1 + strspn(end + 1, BLANKS)]))
                return ini_file_refuse(file, file->line,
                                       "text behind [section]; expected a line of its own for it");
        file->has_section = true;
        file->has_key = false;
        return take_name(file, "the section's name", start + 1, end, section) &&
               (!file->on_section || file->on_section(file->context, section));
}

static bool check_pair(struct ini_file *file, const char *start)
{
        const char *end = find_char(start, "=:");
        char key[INI_FILE_NAME_MAX + 1];

        if (!end || end == start)
                return ini_file_refuse(file, file->line, "not understood; expected " LINES_WANTED);
        while (end > start && strchr(BLANKS, end[-1]))
                end--;
        if (!take_name(file, "the key", start, end, key))
                return false;
        if (!file->has_section)
                return ini_file_refuse(file, file->line,
                                       "key '%s' stands before any section; expected [section] first",
                                       ini_file_word(key));
        file->has_key = true;
        return true;
}

static bool check_line(struct ini_file *file, const char *line)
{
        const char *start = line + strspn(line, BLANKS);

        file->goes_on = false;
        if (strchr("#;", *start)) /* or nothing */
                return true;
        if (start > line && !file->may_go_on)
                return ini_file_refuse(file, file->line,
                                       "an indented line; expected [section] or key = value at its start");
        if (start > line && file->has_key) {
                file->goes_on = true;
                return true;
        }
        return *start == '[' ? check_section(file, start) : check_pair(file, start);
}

/* libinih's reader; NULL ends the reading. */
static char *on_line(char *buffer, int size, void *stream)
{
        struct ini_file *file = stream;

        if (file->error_line)
                return NULL;
        file->line++;
        return take_line(file, buffer, size) && check_line(file, buffer) ? buffer : NULL;
}

static int on_pair(void *user, const char *section, const char *key, const char *value)
{
        struct ini_file *file = user;

        return file->on_pair(file->context, section, key, value);
}

bool ini_file_open(struct ini_file *file)
{
        const char *why;

        file->stream = file_open_stream(file->path, &why);
        if (!file->stream)
                snprintf(file->error, file->error_size, "%s: %s; expected %s", file->path, why, file->wanted);
        return file->stream;
}

bool ini_file_read(struct ini_file *file)
{
        int bad_line = ini_parse_stream(on_line, file, on_pair, file);

        if (ferror(file->stream)) {
                snprintf(file->error, file->error_size, "%s: can't be read; expected %s", file->path,
                         file->wanted);
                file->error_line = 1;
        } else if (bad_line < 0) {
                ini_file_refuse(file, INI_FILE_WHOLE, "no memory to read it");
        } else if (bad_line > 0) { /* what was refused here or by on_pair stays */
                ini_file_refuse(file, bad_line, "not understood; expected " LINES_WANTED);
        }
        return !file->error_line;
}

void ini_file_close(struct ini_file *file)
{
        if (file->stream)
                fclose(file->stream);
        file->stream = NULL;
}
