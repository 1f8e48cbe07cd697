/* The heap of events: see queue.h. */
#include "tests/simulation/queue.h"

#include <stdlib.h>

static bool is_before(const struct event *a, const struct event *b)
{
        return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
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
        queue->count++;
        for (; at > 0 && is_before(&event, &queue->events[(at - 1) / 2]); at = (at - 1) / 2)
                queue->events[at] = queue->events[(at - 1) / 2];
        queue->events[at] = event;
}

/* A hole sinks from the top until the last event fits into it: nothing is moved twice. */
bool queue_take(struct queue *queue, struct event *ret_event)
{
        const struct event *last;
        size_t hole = 0;

        if (queue->count == 0)
                return false;
        *ret_event = queue->events[0];
        last = &queue->events[--queue->count];
        for (size_t child = 1; child < queue->count; child = 2 * hole + 1) {
                if (child + 1 < queue->count && is_before(&queue->events[child + 1], &queue->events[child]))
                        child++;
                if (!is_before(&queue->events[child], last))
                        break;
                queue->events[hole] = queue->events[child];
                hole = child;
        }
        if (last != &queue->events[hole])
                queue->events[hole] = *last;
        return true;
}

void queue_clear(struct queue *queue)
{
        for (size_t i = 0; i < queue->count; i++)
                free(queue->events[i].bytes);
        free(queue->events);
        *queue = (struct queue){0};
}
