/* The heap of events: see queue.h. */
#include "tests/simulation/queue.h"

#include <stdlib.h>

static bool is_before(const struct event *a, const struct event *b)
{
        return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
        struct event kept = *a;

        *a = *b;
        *b = kept;
}

void queue_put(struct queue *queue, struct event event)
{
        size_t at = queue->count;

        if (queue->count == queue->capacity) {
                queue->capacity = queue->capacity ? queue->capacity * 2 : 64;
                queue->events = reallocarray(queue->events, queue->capacity, sizeof *queue->events);
                if (!queue->events)
                        abort();
        }
        event.order = queue->orders++;
        queue->events[queue->count++] = event;
        for (; at > 0 && is_before(&queue->events[at], &queue->events[(at - 1) / 2]); at = (at - 1) / 2)
                swap(&queue->events[at], &queue->events[(at - 1) / 2]);
}

bool queue_take(struct queue *queue, struct event *ret_event)
{
        if (queue->count == 0)
                return false;
        *ret_event = queue->events[0];
        queue->events[0] = queue->events[--queue->count];
        for (size_t at = 0;;) {
                size_t least = at, left = 2 * at + 1;

                for (size_t child = left; child < left + 2 && child < queue->count; child++) {
                        if (is_before(&queue->events[child], &queue->events[least]))
                                least = child;
                }
                if (least == at)
                        return true;
                swap(&queue->events[at], &queue->events[least]);
                at = least;
        }
}

void queue_clear(struct queue *queue)
{
        for (size_t i = 0; i < queue->count; i++)
                free(queue->events[i].bytes);
        free(queue->events);
        *queue = (struct queue){0};
}
