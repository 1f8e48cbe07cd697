/*
 * The fuzz targets under any compiler and any build: every file of the corpus, then random changes of them,
 * always the same ones. Each input is handed over in a buffer of just its size, so that a sanitizer sees a
 * read past its end.
 *
 *     replay CORPUS [MUTATIONS [SECONDS]]     200,000 changes unless told otherwise, ended after 5 seconds
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/frame.h"
#include "protocol/iso8583.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/variants.h"

enum {
        SEEDS_MAX = 500,
        SEED_LONGEST = 2 * ISO_MESSAGE_MAX,
        INPUT_LONGEST = ISO_MESSAGE_MAX + 64, /* a little over what is taken */
        MUTATIONS_USUAL = 200000,
        SECONDS_USUAL = 5,
};

struct seed {
        uint8_t *bytes;
        size_t size;
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;

static bool load_seed(const char *folder, const char *name)
{
        char path[4096];
        static uint8_t buffer[SEED_LONGEST];
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "rb");
        if (!file) {
                fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
                return false;
        }
        size_t size = fread(buffer, 1, sizeof(buffer), file);
        fclose(file);
        if (seed_count == SEEDS_MAX) {
                fprintf(stderr, "replay: %s: more than %d files\n", folder, SEEDS_MAX);
                return false;
        }
        struct seed *seed = &seeds[seed_count++];
        seed->size = size;
        seed->bytes = malloc(size ? size : 1);
        if (!seed->bytes)
                abort();
        memcpy(seed->bytes, buffer, size);
        return true;
}

static bool load_seeds(const char *folder)
{
        struct dirent **entries;
        int count = scandir(folder, &entries, NULL, alphasort); /* sorted: the same changes everywhere */
        if (count < 0) {
                fprintf(stderr, "replay: %s: %s\n", folder, strerror(errno));
                return false;
        }
        bool good = true;
        for (int i = 0; i < count; i++) {
                if (good && entries[i]->d_name[0] != '.')
                        good = load_seed(folder, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        if (good && seed_count == 0) {
                fprintf(stderr, "replay: %s: no files\n", folder);
                good = false;
        }
        return good;
}

static uint64_t state = 8583;

static size_t below(size_t limit)
{
        uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return (size_t)((x ^ x >> 31) % limit);
}

/* One change: a bit, a byte, a digit, a piece taken out, put in or doubled, an end cut off, another's end. */
static size_t change(uint8_t *bytes, size_t size)
{
        size_t at = size ? below(size) : 0, length = 1 + below(8);
        switch (below(8)) {
        case 0:
                if (size)
                        bytes[at] ^= (uint8_t)(1 << below(8));
                return size;
        case 1:
                if (size)
                        bytes[at] = (uint8_t)below(256);
                return size;
        case 2:
                if (size)
                        bytes[at] = (uint8_t)('0' + below(10));
                return size;
        case 3:
                length = length < size - at ? length : size - at;
                memmove(bytes + at, bytes + at + length, size - at - length);
                return size - length;
        case 4:
                if (size + length > INPUT_LONGEST)
                        return size;
                memmove(bytes + at + length, bytes + at, size - at);
                for (size_t i = 0; i < length; i++)
                        bytes[at + i] = (uint8_t)(below(2) ? '0' + below(10) : below(256));
                return size + length;
        case 5:
                length = length < size - at ? length : size - at;
                if (size + length > INPUT_LONGEST)
                        return size;
                memmove(bytes + at + length, bytes + at, size - at);
                return size + length;
        case 6:
                return at;
        default: {
                const struct seed *other = &seeds[below(seed_count)];
                if (at >= other->size || other->size > INPUT_LONGEST)
                        return size;
                memcpy(bytes + at, other->bytes + at, other->size - at);
                return other->size;
        }
        }
}

static void try_input(const uint8_t *bytes, size_t size, unsigned variant)
{
        uint8_t *copy = malloc(size + FRAME_HEADER_MAX);
        if (!copy)
                abort();
        uint8_t *message = malloc(size ? size : 1);
        if (!message)
                abort();
        memcpy(message, bytes, size);
        target_decode(variant, message, size);
        target_profile(message, size);
        free(message);

        /* As a stream: behind a right length where it has one, else as it is. */
        size_t header = 0;
        if (size > 0 && size <= ISO_MESSAGE_MAX)
                header = frame_header(dialect_variant(variant), copy, size);
        memcpy(copy + header, bytes, size);
        target_frame(variant, copy, header + size);
        target_frame(variant, copy + header, size);
        free(copy);
}

static double now_s(void)
{
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
        if (count < 2 || count > 4) {
                fprintf(stderr, "usage: replay CORPUS [MUTATIONS [SECONDS]]\n");
                return 2;
        }
        long mutations = count > 2 ? strtol(arguments[2], NULL, 10) : MUTATIONS_USUAL;
        long seconds = count > 3 ? strtol(arguments[3], NULL, 10) : SECONDS_USUAL;
        if (!load_seeds(arguments[1]))
                return 1;

        double end_s = now_s() + (double)seconds;
        for (size_t i = 0; i < seed_count; i++)
                for (unsigned variant = 0; variant < DIALECT_VARIANTS; variant++)
                        try_input(seeds[i].bytes, seeds[i].size, variant);
        long done = 0;
        for (; done < mutations && (done % 256 != 0 || now_s() < end_s); done++) {
                uint8_t bytes[INPUT_LONGEST + SEED_LONGEST];
                const struct seed *seed = &seeds[below(seed_count)];
                size_t size = seed->size < INPUT_LONGEST ? seed->size : INPUT_LONGEST;
                memcpy(bytes, seed->bytes, size);
                for (size_t changes = 1 + below(4); changes > 0; changes--)
                        size = change(bytes, size);
                try_input(bytes, size, (unsigned)below(DIALECT_VARIANTS));
        }
        printf("%zu seeds and %ld changes of them kept every promise\n", seed_count, done);
        for (size_t i = 0; i < seed_count; i++)
                free(seeds[i].bytes);
        return 0;
}
