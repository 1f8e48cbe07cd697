/*
 * The file: a header of one slot's size with a magic, then slots. It grows by whole slots when an ATM is new,
 * which happens at the start alone.
 */
#include "backoffice/journals/dispenser.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backoffice/journals/terminals.h"
#include "lib/base/hash.h"

const int64_t note_yen[NOTE_COUNT] = {[NOTE_10000] = 10000, [NOTE_1000] = 1000};

static const char magic[] = "atmsim dispensers 1\n";

/* Both copies lie within one sector of 512 bytes. */
struct slot {
        struct dispenser_counters copy[2];
        char padding[256 - 2 * sizeof(struct dispenser_counters)];
};
_Static_assert(sizeof(struct slot) == 256, "slots must not straddle sectors");

struct dispensers {
        int fd;
        bool writes, unsynced;
        size_t count, mapped_bytes;
        struct slot *slots;     /* the mapping; [0] is the header */
        struct terminals index; /* in the slots' order */
};

static uint32_t checksum_of(const struct dispenser_counters *counters)
{
        return hash32_bytes(counters, offsetof(struct dispenser_counters, checksum));
}

static bool map(struct dispensers *d, size_t bytes)
{
        if (d->slots)
                munmap(d->slots, d->mapped_bytes);
        d->slots = mmap(NULL, bytes, d->writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, d->fd, 0);
        if (d->slots == MAP_FAILED) {
                d->slots = NULL;
                return false;
        }
        d->mapped_bytes = bytes;
        return true;
}

/* Room for another slot; what the file gains is zeros. */
static bool grow(struct dispensers *d)
{
        size_t bytes = (d->count + 2) * sizeof(struct slot);

        if (bytes <= d->mapped_bytes)
                return true;
        bytes += 255 * sizeof(struct slot);
        /* posix_fallocate, not ftruncate: a full disk must show here, not as a signal at a later store. */
        errno = posix_fallocate(d->fd, 0, (off_t)bytes);
        return errno == 0 && map(d, bytes);
}

/* Whose slot it is; NULL: nobody's yet. */
static const char *slot_terminal(const struct slot *slot)
{
        if (slot->copy[0].terminal[0])
                return slot->copy[0].terminal;
        return slot->copy[1].terminal[0] ? slot->copy[1].terminal : NULL;
}

/* False: out of memory, or a terminal has two slots. */
static bool index_slots(struct dispensers *d)
{
        const char *terminal;

        while ((d->count + 2) * sizeof(struct slot) <= d->mapped_bytes &&
               (terminal = slot_terminal(&d->slots[d->count + 1]))) {
                if (terminals_add(&d->index, terminal, "") != (int64_t)d->count)
                        return false;
                d->count++;
        }
        return true;
}

static bool load(struct dispensers *d, const char *path, char error[DISPENSER_ERROR_MAX])
{
        struct stat status;

        if (fstat(d->fd, &status) < 0) {
                snprintf(error, DISPENSER_ERROR_MAX, "%.300s: %s", path, strerror(errno));
                return false;
        }
        if (status.st_size == 0 && !d->writes)
                return true;
        if (status.st_size == 0) {
                if (!grow(d)) {
                        snprintf(error, DISPENSER_ERROR_MAX, "%.300s: %s", path, strerror(errno));
                        return false;
                }
                memcpy(&d->slots[0], magic, sizeof(magic));
                return true;
        }
        if ((size_t)status.st_size % sizeof(struct slot) || !map(d, (size_t)status.st_size) ||
            memcmp(&d->slots[0], magic, sizeof(magic)) || !index_slots(d)) {
                snprintf(error, DISPENSER_ERROR_MAX,
                         "%.300s: not a file of dispenser counters, or of another version", path);
                return false;
        }
        return true;
}

struct dispensers *dispensers_open(const char *dir, bool write, char error[DISPENSER_ERROR_MAX])
{
        struct dispensers *d = calloc(1, sizeof(*d));
        char path[512];

        snprintf(path, sizeof(path), "%s/dispensers", dir);
        if (!d) {
                snprintf(error, DISPENSER_ERROR_MAX, "%.300s: out of memory", path);
                return NULL;
        }
        d->writes = write;
        d->fd = open(path, write ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600);
        if (d->fd < 0 && !write && errno == ENOENT)
                return d;
        if (d->fd < 0) {
                snprintf(error, DISPENSER_ERROR_MAX, "%.300s: %s", path, strerror(errno));
                free(d);
                return NULL;
        }
        if (!load(d, path, error)) {
                dispensers_close(d);
                return NULL;
        }
        return d;
}

void dispensers_close(struct dispensers *d)
{
        if (!d)
                return;
        if (d->slots)
                munmap(d->slots, d->mapped_bytes);
        if (d->fd >= 0)
                close(d->fd);
        terminals_free(&d->index);
        free(d);
}

size_t dispensers_count(const struct dispensers *d)
{
        return d->count;
}

static const struct dispenser_counters *current(const struct slot *slot)
{
        const struct dispenser_counters *a = &slot->copy[0], *b = &slot->copy[1];
        bool a_good = a->terminal[0] && a->checksum == checksum_of(a);
        bool b_good = b->terminal[0] && b->checksum == checksum_of(b);

        if (a_good && b_good)
                return (int32_t)(a->sequence - b->sequence) > 0 ? a : b;
        return a_good ? a : b_good ? b : NULL;
}

const struct dispenser_counters *dispensers_counters(const struct dispensers *d, int slot)
{
        assert(slot >= 0 && (size_t)slot < d->count);
        return current(&d->slots[slot + 1]);
}

/* Write the copy that is not current; with its checksum last it becomes the current one. */
static void replace(struct dispensers *d, int slot, const struct dispenser_counters *next)
{
        struct slot *s = &d->slots[slot + 1];
        const struct dispenser_counters *old = current(s);
        struct dispenser_counters *to = old == &s->copy[0] ? &s->copy[1] : &s->copy[0];

        to->checksum = ~to->checksum;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        memcpy(to, next, offsetof(struct dispenser_counters, checksum));
        to->sequence = old ? old->sequence + 1 : 1;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        to->checksum = checksum_of(to);
        d->unsynced = true;
}

int dispensers_find_or_add(struct dispensers *d, const char terminal[8])
{
        struct dispenser_counters counters = {0};
        int64_t known = terminals_find(&d->index, terminal);

        if (known >= 0)
                return (int)known;
        if (!grow(d) || terminals_add(&d->index, terminal, "") < 0)
                return -1;
        memcpy(counters.terminal, terminal, 8);
        for (int n = 0; n < NOTE_COUNT; n++)
                counters.loaded[n] = DISPENSER_CASSETTE_NOTES;
        d->count++;
        replace(d, (int)d->count - 1, &counters);
        return (int)d->count - 1;
}

int dispenser_notes(int64_t amount_yen)
{
        return (int)(amount_yen / note_yen[NOTE_10000] +
                     amount_yen % note_yen[NOTE_10000] / note_yen[NOTE_1000]);
}

int64_t dispenser_first_notes_yen(int64_t amount_yen, int notes)
{
        int64_t large = amount_yen / note_yen[NOTE_10000];

        if (notes <= large)
                return notes * note_yen[NOTE_10000];
        return large * note_yen[NOTE_10000] + (notes - large) * note_yen[NOTE_1000];
}

void dispensers_pay(struct dispensers *d, int slot, int32_t stan, int64_t transmitted_ms, int64_t yen)
{
        const struct dispenser_counters *now = dispensers_counters(d, slot);
        int64_t notes[NOTE_COUNT] = {yen / note_yen[NOTE_10000],
                                     yen % note_yen[NOTE_10000] / note_yen[NOTE_1000]};
        struct dispenser_counters next;

        assert(now && yen > 0 && yen % note_yen[NOTE_1000] == 0);
        next = *now;
        if (next.loaded[NOTE_10000] < notes[NOTE_10000] || next.loaded[NOTE_1000] < notes[NOTE_1000]) {
                for (int n = 0; n < NOTE_COUNT; n++)
                        next.loaded[n] = DISPENSER_CASSETTE_NOTES;
                next.replenished++;
        }
        for (int n = 0; n < NOTE_COUNT; n++) {
                assert(next.loaded[n] >= notes[n]);
                next.loaded[n] -= notes[n];
                next.dispensed[n] += notes[n];
        }
        next.total_yen += yen;
        next.withdrawals++;
        next.last_stan = stan;
        next.last_ms = transmitted_ms;
        next.last_yen = yen;
        replace(d, slot, &next);
}

void dispensers_take_back(struct dispensers *d, int slot, int64_t yen)
{
        const struct dispenser_counters *now = dispensers_counters(d, slot);
        struct dispenser_counters next;

        assert(now && yen > 0 && yen <= now->last_yen && yen % note_yen[NOTE_1000] == 0);
        next = *now;
        next.total_yen -= yen;
        next.last_yen -= yen;
        replace(d, slot, &next);
}

int64_t dispensers_paid_yen(const struct dispensers *d, int slot, int32_t stan, int64_t transmitted_ms)
{
        const struct dispenser_counters *now = dispensers_counters(d, slot);

        assert(now);
        return now->last_stan == stan && now->last_ms == transmitted_ms ? now->last_yen : -1;
}

bool dispensers_sync(struct dispensers *d)
{
        if (!d->unsynced)
                return true;
        if (fdatasync(d->fd) < 0)
                return false;
        d->unsynced = false;
        return true;
}
