/*
 * The fuzz targets under any compiler and any build: every file of the corpus, then random changes of them,
 * always the same ones. Each input is handed over in a buffer of just its size, so that a sanitizer sees a
 * read past its end.
 *
 *     replay CORPUS DIALECTS TABLES KEYS [MUTATIONS [SECONDS]]     200,000 changes unless told otherwise, ended after 5 s
 *
 * CORPUS holds messages, DIALECTS the files of dialects, TABLES CSV files, KEYS key blocks, fields of PINs, requests to the key module: these three are changed and loaded
 * in their turn, and the messages are also read in each dialect that is whole.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/dialect.h"
#include "lib/base/number.h"
#include "lib/base/random.h"
#include "protocol/frame.h"
#include "protocol/iso8583.h"
#include "tests/fuzz/key_targets.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/variants.h"

enum {
        SEEDS_MAX = 500,
        DIALECTS_MAX = 20,
        SEED_LONGEST = 8192,
        INPUT_LONGEST = ISO_MESSAGE_MAX + 64, /* a little over what is taken */
        FILE_LONGEST = 8000,
        MUTATIONS_USUAL = 200000,
        SECONDS_USUAL = 5,
};

struct seed {
        uint8_t *bytes;
        size_t size;
};

struct seeds {
        struct seed at[SEEDS_MAX];
        size_t count;
};

static struct seeds messages, files, tables, keys;
static struct iso_dialect dialects[DIALECTS_MAX];
static size_t dialect_count;

static bool load_seed(struct seeds *seeds, const char *folder, const char *name)
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
        if (seeds->count == SEEDS_MAX) {
                fprintf(stderr, "replay: %s: more than %d files\n", folder, SEEDS_MAX);
                return false;
        }
        struct seed *seed = &seeds->at[seeds->count++];
        seed->size = size;
        seed->bytes = malloc(size ? size : 1);
        if (!seed->bytes)
                abort();
        memcpy(seed->bytes, buffer, size);
        return true;
}

static bool load_seeds(struct seeds *seeds, const char *folder)
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
                        good = load_seed(seeds, folder, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        if (good && seeds->count == 0) {
                fprintf(stderr, "replay: %s: no files\n", folder);
                good = false;
        }
        return good;
}

static uint64_t state = 8583;

static size_t below(size_t limit)
{
        return (size_t)(random_mix(&state) % limit);
}

/* One change: a bit, a byte, a digit, a piece taken out, put in or doubled, an end cut off, another's end. */
static size_t change(const struct seeds *seeds, uint8_t *bytes, size_t size, size_t longest)
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
                if (size + length > longest)
                        return size;
                memmove(bytes + at + length, bytes + at, size - at);
                for (size_t i = 0; i < length; i++)
                        bytes[at + i] = (uint8_t)(below(2) ? '0' + below(10) : below(256));
                return size + length;
        case 5:
                length = length < size - at ? length : size - at;
                if (size + length > longest)
                        return size;
                memmove(bytes + at + length, bytes + at, size - at);
                return size + length;
        case 6:
                return at;
        default: {
                const struct seed *other = &seeds->at[below(seeds->count)];
                if (at >= other->size || other->size > longest)
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
        target_decode(dialect_variant(variant), message, size);
        for (size_t i = 0; i < dialect_count; i++)
                target_decode(&dialects[i], message, size);
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

/* The files that are whole, for the messages. */
static bool load_dialects(void)
{
        for (size_t i = 0; i < files.count && dialect_count < DIALECTS_MAX; i++) {
                char error[DIALECT_ERROR_MAX];
                FILE *file = fmemopen(files.at[i].bytes, files.at[i].size, "r");
                if (!file)
                        abort();
                bool loaded = dialect_read(file, "dialect", &dialects[dialect_count], NULL, error);
                fclose(file);
                dialect_count += loaded;
        }
        if (dialect_count == 0)
                fprintf(stderr, "replay: none of the dialects loads\n");
        return dialect_count > 0;
}

/* One change of one seed into `bytes`; its size. */
static size_t change_seed(const struct seeds *seeds, uint8_t *bytes, size_t longest)
{
        const struct seed *seed = &seeds->at[below(seeds->count)];
        size_t size = seed->size < longest ? seed->size : longest;
        memcpy(bytes, seed->bytes, size);
        for (size_t changes = 1 + below(4); changes > 0; changes--)
                size = change(seeds, bytes, size, longest);
        return size;
}

static void try_file(void (*target)(const uint8_t *bytes, size_t size), const uint8_t *bytes, size_t size)
{
        uint8_t *copy = malloc(size ? size : 1);
        if (!copy)
                abort();
        memcpy(copy, bytes, size);
        target(copy, size);
        free(copy);
}

static void drop_seeds(struct seeds *seeds)
{
        for (size_t i = 0; i < seeds->count; i++)
                free(seeds->at[i].bytes);
}

int main(int count, char **arguments)
{
        if (count < 5 || count > 7) {
                fprintf(stderr, "usage: replay CORPUS DIALECTS TABLES KEYS [MUTATIONS [SECONDS]]\n");
                return 2;
        }
        long mutations = count > 5 ? number_known(arguments[5]) : MUTATIONS_USUAL;
        long seconds = count > 6 ? number_known(arguments[6]) : SECONDS_USUAL;
        if (!load_seeds(&messages, arguments[1]) || !load_seeds(&files, arguments[2]) ||
            !load_seeds(&tables, arguments[3]) || !load_seeds(&keys, arguments[4]) || !load_dialects())
                return 1;

        double end_s = now_s() + (double)seconds;
        for (size_t i = 0; i < messages.count; i++)
                for (unsigned variant = 0; variant < DIALECT_VARIANTS; variant++)
                        try_input(messages.at[i].bytes, messages.at[i].size, variant);
        for (size_t i = 0; i < files.count; i++)
                try_file(target_dialect, files.at[i].bytes, files.at[i].size);
        for (size_t i = 0; i < tables.count; i++)
                try_file(target_csv, tables.at[i].bytes, tables.at[i].size);
        for (size_t i = 0; i < keys.count; i++)
                try_file(target_keys, keys.at[i].bytes, keys.at[i].size);
        long done = 0;
        for (; done < mutations && (done % 256 != 0 || now_s() < end_s); done++) {
                static uint8_t bytes[FILE_LONGEST + SEED_LONGEST];
                if (done % 16 == 0)
                        try_file(target_dialect, bytes, change_seed(&files, bytes, FILE_LONGEST));
                else if (done % 16 == 4)
                        try_file(target_keys, bytes, change_seed(&keys, bytes, FILE_LONGEST));
                else if (done % 16 == 8)
                        try_file(target_csv, bytes, change_seed(&tables, bytes, FILE_LONGEST));
                else
                        try_input(bytes, change_seed(&messages, bytes, INPUT_LONGEST),
                                  (unsigned)below(DIALECT_VARIANTS));
        }
        printf("%zu seeds and %ld changes of them kept every promise\n",
               messages.count + files.count + tables.count + keys.count, done);
        drop_seeds(&messages);
        drop_seeds(&files);
        drop_seeds(&tables);
        drop_seeds(&keys);
        return 0;
}
