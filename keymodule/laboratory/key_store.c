/* The keys that came over the line: see key_store.h. */
#include "keymodule/laboratory/key_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the last whole row ends; -1: it can't be read. */
static off_t whole_rows(int fd)
{
        char bytes[4096];
        off_t at = lseek(fd, 0, SEEK_END);

        while (at > 0) {
                size_t size = at < (off_t)sizeof(bytes) ? (size_t)at : sizeof(bytes);
                ssize_t got = pread(fd, bytes, size, at - (off_t)size);
                const char *end = got == (ssize_t)size ? memrchr(bytes, '\n', size) : NULL;

                if (got != (ssize_t)size)
                        return -1;
                at -= (off_t)size;
                if (end)
                        return at + (end - bytes) + 1;
        }
        return at;
}

static bool begin(struct key_store *store, const char *column, int fd)
{
        off_t end = whole_rows(fd);

        if (end < 0 || ftruncate(fd, end) < 0 || lseek(fd, end, SEEK_SET) < 0)
                return false;
        store->file = fdopen(fd, "a");
        if (!store->file)
                return false;
        if (end == 0) {
                fprintf(store->file, "%s,set,pin_key,mac_key_up,mac_key_down\n", column);
                store->waits = true;
        }
        return key_store_sync(store);
}

bool key_store_open(struct key_store *store, const char *path, const char *column,
                    char error[KEY_STORE_ERROR_MAX])
{
        int fd;

        *store = (struct key_store){.file = NULL};
        if (strlen(path) >= sizeof(store->path)) {
                snprintf(error, KEY_STORE_ERROR_MAX, "%.200s...: the path is too long", path);
                return false;
        }
        strcpy(store->path, path);
        fd = open(store->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 && begin(store, column, fd))
                return true;
        snprintf(error, KEY_STORE_ERROR_MAX, "%s: %s", store->path, strerror(errno));
        if (store->file)
                key_store_close(store);
        else if (fd >= 0)
                close(fd);
        return false;
}

void key_store_close(struct key_store *store)
{
        if (store->file)
                fclose(store->file);
        store->file = NULL;
}

void key_store_add(struct key_store *store, const char *owner, int set,
                   const struct lab_block blocks[LAB_KEY_BLOCKS])
{
        fprintf(store->file, "%s,%d", owner, set);
        for (int i = 0; i < LAB_KEY_BLOCKS; i++)
                fprintf(store->file, ",%.*s", (int)blocks[i].length, blocks[i].text);
        fputc('\n', store->file);
        store->waits = true;
}

bool key_store_sync(struct key_store *store)
{
        if (!store->waits)
                return true;
        store->waits = false;
        return fflush(store->file) == 0 && fdatasync(fileno(store->file)) == 0;
}

bool key_store_load(const struct key_store *store, const char *keks_path, const struct lab_owners *owners,
                    struct lab_keys *keys, size_t *ret_foreign, char error[KEY_STORE_ERROR_MAX])
{
        *ret_foreign = 0;
        struct lab_keys *kept = lab_keys_load(store->path, keks_path, owners, ret_foreign, error);

        if (!kept)
                return false;
        for (size_t i = 0; i < owners->count; i++)
                if (kept[i].set > keys[i].set)
                        keys[i] = kept[i];
        lab_keys_free(kept, owners->count);
        return true;
}
