/* Reading the keys anew: see key_reads.h. */
#include "daemon/key_reads.h"

#include <assert.h>

#include "config/limits.h"

enum { UNASKED = 0 };

void key_reads_begin(struct key_reads *reads, int64_t (*ask)(void *context), void *context)
{
        TAILQ_INIT(&reads->readers);
        reads->asked_ms = INT64_MIN;
        reads->ask = ask;
        reads->context = context;
}

void key_reads_await(struct key_reads *reads, struct key_reader *reader, int64_t now_ms)
{
        reader->read = UNASKED;
        reader->until_ms = now_ms + LIMIT_KEY_READS_WAIT_MS;
        TAILQ_INSERT_TAIL(&reads->readers, reader, entry);
}

void key_reads_forget(struct key_reads *reads, struct key_reader *reader)
{
        TAILQ_REMOVE(&reads->readers, reader, entry);
}

static void end(struct key_reads *reads, struct key_reader *reader, bool is_read)
{
        TAILQ_REMOVE(&reads->readers, reader, entry);
        reader->ended(reader, is_read);
}

/* Whoever has ended may be back at once, at the end of the list: so it is looked at from its beginning, and only as far as those go who were asked for. */
void key_reads_done(struct key_reads *reads, int64_t number, bool is_read)
{
        struct key_reader *first;
        while ((first = TAILQ_FIRST(&reads->readers)) && first->read != UNASKED && first->read <= number)
                end(reads, first, is_read);
}

static bool may_ask(const struct key_reads *reads, int64_t now_ms)
{
        return reads->asked_ms == INT64_MIN || now_ms - reads->asked_ms >= LIMIT_KEY_READS_MS;
}

/* Those who came last, and have not been asked for. */
static bool anybody_is_unasked(const struct key_reads *reads)
{
        const struct key_reader *last = TAILQ_LAST(&reads->readers, key_readers);
        return last && last->read == UNASKED;
}

static void ask(struct key_reads *reads, int64_t now_ms)
{
        struct key_reader *reader;
        int64_t number = reads->ask(reads->context);
        assert(number > UNASKED);
        reads->asked_ms = now_ms;
        TAILQ_FOREACH(reader, &reads->readers, entry)
        {
                if (reader->read == UNASKED)
                        reader->read = number;
        }
}

void key_reads_tick(struct key_reads *reads, int64_t now_ms)
{
        struct key_reader *first;
        while ((first = TAILQ_FIRST(&reads->readers)) && first->until_ms <= now_ms)
                end(reads, first, false);
        if (anybody_is_unasked(reads) && may_ask(reads, now_ms))
                ask(reads, now_ms);
}

int64_t key_reads_due_ms(const struct key_reads *reads)
{
        const struct key_reader *first = TAILQ_FIRST(&reads->readers);
        if (!first)
                return INT64_MAX;
        if (!anybody_is_unasked(reads))
                return first->until_ms;
        if (reads->asked_ms == INT64_MIN)
                return INT64_MIN;
        int64_t ask_ms = reads->asked_ms + LIMIT_KEY_READS_MS;
        return ask_ms < first->until_ms ? ask_ms : first->until_ms;
}
