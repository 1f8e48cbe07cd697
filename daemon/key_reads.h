/*
 * Reading the keys anew for sessions whose message names a set that this instance has not read of: another instance may have handed it over a moment ago,
 * and a poll comes only every reference_poll_ms. Whoever names numbers that there are not makes us read no oftener than every LIMIT_KEY_READS_MS, all of
 * them together; each of them waits for a read that begins after he came, for LIMIT_KEY_READS_WAIT_MS at most.
 *
 *      key_reads_await --> waits --key_reads_tick: it is time--> asked --key_reads_done--> ended(true or false)
 *                            '--key_reads_tick: too long----------'--> ended(false)
 *
 * It knows no clock and no database: the first is told with each call, the second is asked by `ask`.
 */
#ifndef DAEMON_KEY_READS_H
#define DAEMON_KEY_READS_H

#include "daemon/macs/session_keys.h"

struct key_reads {
        TAILQ_HEAD(key_readers, key_reader) readers; /* in the order in which they came */
        int64_t asked_ms;                            /* the last time; INT64_MIN: never */
        int64_t (*ask)(void *context); /* as soon as it can: the number of that read, higher each time */
        void *context;
};

void key_reads_begin(struct key_reads *reads, int64_t (*ask)(void *context), void *context);

/* `ended` follows, but not from within this. */
void key_reads_await(struct key_reads *reads, struct key_reader *reader, int64_t now_ms);
void key_reads_forget(struct key_reads *reads, struct key_reader *reader);

/* The read of this number, and so all before it, is over. */
void key_reads_done(struct key_reads *reads, int64_t number, bool is_read);

/* To be called when something is due. */
void key_reads_tick(struct key_reads *reads, int64_t now_ms);
/* When that is; INT64_MAX: nobody waits. */
int64_t key_reads_due_ms(const struct key_reads *reads);

#endif
