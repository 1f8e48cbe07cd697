/*
 * scan PATTERNS PLACE...: whether what was planted is anywhere. PATTERNS is a file with a line a pattern, bytes as hexadecimal digits; a PLACE is a file, a folder with all
 * below it, or the number of a process, whose memory is read (/proc/PID/mem) while it stands still.
 *
 * Prints a line for each pattern that a place has: the place, the pattern's number from 1, and where. Exit 0: none has any; 1: some have; 2: a place could not be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hex.h"

enum { PATTERNS_MAX = 1024, PATTERN_MAX = 256, PIECE = 1 << 20 };

static struct {
        uint8_t bytes[PATTERN_MAX];
        size_t size;
} patterns[PATTERNS_MAX];
static size_t pattern_count;
static bool found, failed;

static int complain(const char *what)
{
        fprintf(stderr, "scan: %s: %s\n", what, strerror(errno));
        failed = true;
        return -1;
}

static bool read_patterns(const char *path)
{
        char line[2 * PATTERN_MAX + 2];
        FILE *file = fopen(path, "re");
        if (!file)
                return complain(path), false;
        while (fgets(line, sizeof(line), file) && pattern_count < PATTERNS_MAX) {
                size_t size = strcspn(line, "\n") / 2;
                if (size == 0 || !hex_parse(line, patterns[pattern_count].bytes, size))
                        continue;
                patterns[pattern_count++].size = size;
        }
        fclose(file);
        return pattern_count > 0;
}

static void look(const char *place, const uint8_t *bytes, size_t size, uint64_t at)
{
        for (size_t i = 0; i < pattern_count; i++) {
                const uint8_t *hit = memmem(bytes, size, patterns[i].bytes, patterns[i].size);
                if (!hit)
                        continue;
                printf("%s: pattern %zu at %" PRIx64 "\n", place, i + 1, at + (uint64_t)(hit - bytes));
                found = true;
        }
}

/* Pieces overlap by the longest pattern. False: nothing could be read at `from`. */
static bool scan_range(const char *place, int fd, uint64_t from, uint64_t until)
{
        static uint8_t buffer[PATTERN_MAX + PIECE];
        size_t kept = 0;
        for (uint64_t at = from; at < until;) {
                size_t wanted = until - at < PIECE ? (size_t)(until - at) : PIECE;
                ssize_t got = pread(fd, buffer + kept, wanted, (off_t)at);
                if (got <= 0)
                        return got == 0 && at > from;
                look(place, buffer, kept + (size_t)got, at - kept);
                at += (size_t)got;
                size_t have = kept + (size_t)got, keep = have < PATTERN_MAX ? have : PATTERN_MAX;
                memmove(buffer, buffer + have - keep, keep);
                kept = keep;
        }
        return true;
}

static int scan_file(const char *path)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : complain(path); /* a database removes what it needs no more */
        scan_range(path, fd, 0, INT64_MAX);
        close(fd);
        return 0;
}

static int on_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
        (void)walk;
        if (kind == FTW_F && S_ISREG(status->st_mode))
                scan_file(path);
        return 0;
}

/* What it can read and is no file's of the system: programs and libraries have nothing planted, and are large. */
static void scan_maps(const char *place, FILE *maps, int memory)
{
        char line[4096], rights[5];
        size_t ranges = 0, unreadable = 0;
        uint64_t from, until;
        while (fgets(line, sizeof(line), maps)) {
                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &until, rights) != 3 ||
                    rights[0] != 'r' || strstr(line, "[vvar") || strstr(line, "[vsyscall"))
                        continue;
                ranges++;
                unreadable += !scan_range(place, memory, from, until);
        }
        if (ranges == 0 || unreadable == ranges)
                complain(place);
}

static void scan_process(const char *number)
{
        pid_t process = (pid_t)strtol(number, NULL, 10);
        char path[64], place[64];
        snprintf(place, sizeof(place), "process %s", number);
        kill(process, SIGSTOP);
        snprintf(path, sizeof(path), "/proc/%s/maps", number);
        FILE *maps = fopen(path, "re");
        snprintf(path, sizeof(path), "/proc/%s/mem", number);
        int memory = open(path, O_RDONLY | O_CLOEXEC);
        if (maps && memory >= 0)
                scan_maps(place, maps, memory);
        else
                complain(path);
        kill(process, SIGCONT);
        if (memory >= 0)
                close(memory);
        if (maps)
                fclose(maps);
}

int main(int count, char **words)
{
        if (count < 3 || !read_patterns(words[1])) {
                fprintf(stderr, "scan PATTERNS PLACE...\n");
                return 2;
        }
        for (int i = 2; i < count; i++) {
                if (strspn(words[i], "0123456789") == strlen(words[i]))
                        scan_process(words[i]);
                else if (nftw(words[i], on_entry, 16, FTW_PHYS) < 0)
                        complain(words[i]);
        }
        return failed ? 2 : found;
}
